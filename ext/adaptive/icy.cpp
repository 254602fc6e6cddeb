// SPDX-License-Identifier: LGPL-2.1-or-later
#include "icy.h"

#include "http.h"
#include "text.h"

namespace icy {

Station parse (const Headers &headers)
{
  Station out;
  for (const auto &[name, value] : headers) {
    if (http::same_name (name, "icy-metaint"))
      out.interval = text::number<int> (text::trim (value)).value_or (0);
    else if (http::same_name (name, "icy-name"))
      out.name = text::trim (value);
    else if (http::same_name (name, "icy-genre"))
      out.genre = text::trim (value);
    else if (http::same_name (name, "icy-url"))
      out.url = text::trim (value);
  }
  return out;
}

}  // namespace icy

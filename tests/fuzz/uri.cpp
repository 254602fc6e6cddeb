// SPDX-License-Identifier: LGPL-2.1-or-later
#include "uri.h"

#include <cstdint>
#include <cstdlib>

static void require (bool condition)
{
  if (!condition) std::abort ();
}

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

// A base and a reference, cut at the first newline.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  std::size_t cut = text.find ('\n');
  std::string_view base = text.substr (0, cut);
  std::string_view reference =
      cut == std::string_view::npos ? text : text.substr (cut + 1);

  std::string target = uri::resolve (base, reference);
  (void)uri::percent_decode (target);
  if (uri::Result<uri::Uri> parsed = uri::parse (target)) {
    // What is sent fits a request line, and is the same when it is parsed
    // again.
    for (char c : parsed->path + parsed->query.value_or (""))
      require (c > 0x20 && c < 0x7f);
    require (parsed->path.starts_with ('/'));
    // The path of the base is kept as it is, dots included (RFC 3986 5.2.2):
    // only what was resolved as a reference has none.
    std::string absolute = uri::resolve (target, target);
    require (uri::resolve (absolute, absolute) == absolute);
    std::string clean = uri::without_secrets (target);
    uri::Result<uri::Uri> again = uri::parse (clean);
    require (again.ok () && !again->userinfo && !again->query);
    require (uri::origin (*again) == uri::origin (*parsed));
  }
  return 0;
}

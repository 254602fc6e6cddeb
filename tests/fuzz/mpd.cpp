// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpd.h"

#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  auto out = mpd::parse (text, "http://h/a/m.mpd");
  if (out) walk (*out);
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keys.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  keys::Result<keys::Ring> ring = keys::parse (text);
  if (!ring && ring.position () > size) std::abort ();
  ring = keys::parse_clearkey (text);
  if (!ring && ring.position () > size) std::abort ();
  return 0;
}

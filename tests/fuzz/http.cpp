// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http.h"

#include <cstdint>
#include <cstdlib>

static void require (bool condition)
{
  if (!condition) std::abort ();
}

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

// The value of any header that a server may send.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  if (auto range = http::parse_content_range (text); range && range->bytes) {
    require (range->bytes->first <= range->bytes->last);
    require (range->bytes->last + 1 > range->bytes->last);
    if (range->complete_length)
      require (range->bytes->last < *range->complete_length);
  }
  (void)http::number_parameter (text, "rate");
  std::size_t half = size / 2;
  if (http::is_sendable (text.substr (0, half), text.substr (half)))
    require (text.find_first_of ("\r\n") == std::string_view::npos);
  return 0;
}

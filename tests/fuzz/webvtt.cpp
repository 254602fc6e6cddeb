// SPDX-License-Identifier: LGPL-2.1-or-later
#include "webvtt.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  constexpr presentation::Time hour = 3600 * presentation::second;
  webvtt::Clock clock;
  std::int64_t offset = clock.offset (hour, text);
  (void)clock.offset (2 * hour, text);
  std::string moved = webvtt::shift (text, offset);
  // It is as it was, but for when the cues are.
  auto before = webvtt::first_cue (text);
  auto after = webvtt::first_cue (moved);
  if (before.has_value () != after.has_value ()) std::abort ();
  if (before && offset >= 0 &&
      *after / 1'000'000 !=
          (*before + static_cast<presentation::Time> (offset)) / 1'000'000)
    std::abort ();
  if (webvtt::map_of (moved)) std::abort ();
  if (webvtt::shift (moved, 0) != webvtt::shift (webvtt::shift (moved, 0), 0))
    std::abort ();
  return 0;
}

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
  constexpr presentation::Time length = 6 * presentation::second;
  std::int64_t offset = clock.offset (hour, length, text, std::nullopt);
  (void)clock.offset (2 * hour, length, text, std::nullopt);
  // By the clock of the media the first cue is in its segment, or nearly so;
  // where it is not, that clock changes nothing.
  mediaclock::Anchor media{hour, size};
  std::int64_t known = webvtt::Clock ().offset (hour, length, text, media);
  if (webvtt::map_of (text) && webvtt::first_cue (text)) {
    auto cue = static_cast<std::int64_t> (*webvtt::first_cue (text)) + known;
    auto from = static_cast<std::int64_t> (hour - mediaclock::furthest);
    auto to = static_cast<std::int64_t> (hour + length + mediaclock::furthest);
    bool is_guess =
        known == webvtt::Clock ().offset (hour, length, text, std::nullopt);
    if (!is_guess && (cue < from || cue > to)) std::abort ();
  }
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

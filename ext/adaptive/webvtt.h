// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mediaclock.h"
#include "presentation.h"

// WebVTT segments of HLS (RFC 8216bis 3.1.5): cues on a clock that
// X-TIMESTAMP-MAP relates to that of the media.
namespace webvtt {

using presentation::Time;

// What a segment is read into at once.
inline constexpr std::size_t max_size = std::size_t{16} * 1024 * 1024;

struct Map
{
  Time local = 0;
  std::uint64_t mpegts = 0;  // 90,000 in a second, 33 bits
  bool operator== (const Map &) const = default;
};
// Of the header; nothing: there is none, or it is broken.
[[nodiscard]] std::optional<Map> map_of (std::string_view text);

// When the first cue begins.
[[nodiscard]] std::optional<Time> first_cue (std::string_view text);

// All cues so much later, or earlier, but not before 0; what else there is
// stays as it is, but for X-TIMESTAMP-MAP, which is true no longer.
[[nodiscard]] std::string shift (std::string_view text, std::int64_t by);

// A segment as one of a stream of them: moved, if it has a map, and with the
// empty line that ends its last cue. Without it the next segment's header would
// be in the cue.
[[nodiscard]] std::string place (std::string_view text, std::int64_t by);

// How much later than their own clock the cues of segments are.
class Clock
{
public:
  // listed: when the list says that the segment is. media: what the clock of
  // the media says, as far as anybody knows.
  [[nodiscard]] std::int64_t offset (Time listed, Time duration,
      std::string_view text, const std::optional<mediaclock::Anchor> &media);

private:
  struct Anchor
  {
    std::int64_t offset = 0;
    std::uint64_t difference = 0;  // of the two clocks, of 33 bits
  };
  std::optional<Anchor> anchor_;
};

}  // namespace webvtt

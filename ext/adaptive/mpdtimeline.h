// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "mpderror.h"
#include "presentation.h"

// SegmentTimeline (ISO/IEC 23009-1 5.3.9.6): S elements to runs. In units of
// the timescale, which a SegmentTimeline by itself does not know.
namespace mpdtimeline {

using presentation::Timeline;

// An S element.
struct Entry
{
  std::optional<std::uint64_t> time;  // @t
  std::uint64_t duration = 0;         // @d
  std::uint64_t repeat = 0;           // @r
  bool open = false;                  // @r below 0
  std::size_t line = 0;
};

struct Times
{
  std::shared_ptr<const Timeline> timeline = std::make_shared<Timeline> ();
  // The last run goes on to the end of the Period: its count is 0 so far.
  bool open = false;
  std::size_t line = 0;  // of that one
};

// A 48-hour timeline has 172,800 of them: those that go on as the one before
// are of the same run.
class Builder
{
public:
  // The position of a failure is the line.
  [[nodiscard]] mpd::Result<relay::Done> add (const Entry &entry);
  [[nodiscard]] Times take ();

private:
  [[nodiscard]] mpd::Result<relay::Done> close (const Entry &next);

  std::shared_ptr<Timeline> timeline_ = std::make_shared<Timeline> ();
  std::uint64_t time_ = 0;   // where the next S begins, unless it says
  std::uint64_t first_ = 0;  // index of its first segment
  bool open_ = false;
  std::size_t line_ = 0;  // of the open one
};

// An open timeline as far as the end of the Period on its own clock.
[[nodiscard]] mpd::Result<std::shared_ptr<const Timeline>> closed (
    const Times &times, std::uint64_t end);

// How many segments.
[[nodiscard]] std::uint64_t count (const Timeline &timeline);
// Where the last segment ends.
[[nodiscard]] std::uint64_t end_of (const Timeline &timeline);
// How many of the first segments end at this time or before it.
[[nodiscard]] std::uint64_t before (
    const Timeline &timeline, std::uint64_t time);
// How many of the first segments begin before this time.
[[nodiscard]] std::uint64_t until (
    const Timeline &timeline, std::uint64_t time);
// The segments from this one to before that one, numbered from 0 again.
[[nodiscard]] std::shared_ptr<const Timeline> part (
    const std::shared_ptr<const Timeline> &timeline, std::uint64_t from,
    std::uint64_t to);

}  // namespace mpdtimeline

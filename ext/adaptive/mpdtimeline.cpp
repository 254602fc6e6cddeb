// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdtimeline.h"

#include <algorithm>
#include <utility>

namespace mpdtimeline {

using mpd::Error;
using Run = Timeline::Run;

namespace {

// How many segments there are until an end that is behind the beginning; the
// last one may reach past it.
std::uint64_t count_until (const Run &run, std::uint64_t end)
{
  return (end - run.time - 1) / run.duration + 1;
}

// How many of a run's segments are over at this time.
std::uint64_t over (const Run &run, std::uint64_t time)
{
  if (time <= run.time) return 0;
  // A single segment without a duration never is.
  if (run.duration == 0) return 0;
  return std::min ((time - run.time) / run.duration, run.count);
}

// How many of a run's segments have begun before this time.
std::uint64_t begun (const Run &run, std::uint64_t time)
{
  if (time <= run.time) return 0;
  if (run.duration == 0) return run.count;
  return std::min (count_until (run, time), run.count);
}

}  // namespace

// "until the start of the next S element" (5.3.9.6.2)
mpd::Result<relay::Done> Builder::close (const Entry &next)
{
  Run &run = timeline_->runs.back ();
  if (!next.time || *next.time <= run.time)
    return relay::failure (Error::bad_timeline, line_);
  run.count = count_until (run, *next.time);
  first_ += run.count;
  if (first_ > mpd::max_segments || run.count > mpd::max_segments)
    return relay::failure (Error::too_many_segments, line_);
  time_ = *next.time;
  open_ = false;
  return relay::Done{};
}

mpd::Result<relay::Done> Builder::add (const Entry &entry)
{
  if (open_) {
    auto done = close (entry);
    if (!done) return done;
  }
  std::uint64_t time = entry.time.value_or (time_);
  if (entry.duration == 0 || time < time_)
    return relay::failure (Error::bad_timeline, entry.line);
  if (entry.open) {
    timeline_->runs.push_back ({time, entry.duration, first_, 0});
    open_ = true;
    line_ = entry.line;
    return relay::Done{};
  }
  if (entry.repeat >= mpd::max_segments - first_)
    return relay::failure (Error::too_many_segments, entry.line);
  std::uint64_t count = entry.repeat + 1;
  std::uint64_t length = 0;
  if (__builtin_mul_overflow (count, entry.duration, &length) ||
      __builtin_add_overflow (time, length, &time_))
    return relay::failure (Error::overflow, entry.line);
  auto &runs = timeline_->runs;
  if (!runs.empty () && runs.back ().duration == entry.duration &&
      runs.back ().time + runs.back ().count * entry.duration == time)
    runs.back ().count += count;
  else
    runs.push_back ({time, entry.duration, first_, count});
  first_ += count;
  return relay::Done{};
}

Times Builder::take ()
{
  timeline_->runs.shrink_to_fit ();
  Times out{std::move (timeline_), open_, line_};
  *this = {};
  return out;
}

mpd::Result<std::shared_ptr<const Timeline>> closed (
    const Times &times, std::uint64_t end)
{
  if (!times.open) return times.timeline;
  auto out = std::make_shared<Timeline> (*times.timeline);
  Run &run = out->runs.back ();
  // Nothing of the run is in the Period.
  if (end <= run.time) {
    out->runs.pop_back ();
    return std::shared_ptr<const Timeline> (std::move (out));
  }
  run.count = count_until (run, end);
  if (run.count > mpd::max_segments - run.first)
    return relay::failure (Error::too_many_segments, times.line);
  std::uint64_t length = 0;
  std::uint64_t last = 0;
  if (__builtin_mul_overflow (run.count, run.duration, &length) ||
      __builtin_add_overflow (run.time, length, &last))
    return relay::failure (Error::overflow, times.line);
  return std::shared_ptr<const Timeline> (std::move (out));
}

std::uint64_t count (const Timeline &timeline)
{
  if (timeline.runs.empty ()) return 0;
  const Run &last = timeline.runs.back ();
  return last.first + last.count;
}

std::uint64_t end_of (const Timeline &timeline)
{
  if (timeline.runs.empty ()) return 0;
  const Run &last = timeline.runs.back ();
  return last.time + last.count * last.duration;
}

std::uint64_t before (const Timeline &timeline, std::uint64_t time)
{
  const auto &runs = timeline.runs;
  // The last run that begins before it.
  auto run = std::ranges::lower_bound (runs, time, {}, &Run::time);
  if (run == runs.begin ()) return 0;
  --run;
  return run->first + over (*run, time);
}

std::uint64_t until (const Timeline &timeline, std::uint64_t time)
{
  const auto &runs = timeline.runs;
  auto run = std::ranges::lower_bound (runs, time, {}, &Run::time);
  if (run == runs.begin ()) return 0;
  --run;
  return run->first + begun (*run, time);
}

std::shared_ptr<const Timeline> part (
    const std::shared_ptr<const Timeline> &timeline, std::uint64_t from,
    std::uint64_t to)
{
  to = std::min (to, count (*timeline));
  if (from == 0 && to == count (*timeline)) return timeline;
  auto out = std::make_shared<Timeline> ();
  for (Run run : timeline->runs) {
    std::uint64_t begin = std::max (run.first, from);
    std::uint64_t end = std::min (run.first + run.count, to);
    if (begin >= end) continue;
    run.time += (begin - run.first) * run.duration;
    run.count = end - begin;
    run.first = begin - from;
    out->runs.push_back (run);
  }
  return out;
}

}  // namespace mpdtimeline

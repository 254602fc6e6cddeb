// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

// When the packets of a frame leave. A frame of hundreds of packets that is
// sent at once overflows a receiver's socket buffer.
namespace pacing {

using Nanoseconds = std::chrono::nanoseconds;

// Packets that leave together, counted from the first packet, and how long
// after the frame's first ones.
struct Burst
{
  std::size_t begin = 0;
  std::size_t end = 0;
  Nanoseconds at{0};
};

// Spreads a frame evenly: bursts of `burst` packets each (at least one; the
// last has the rest), the last one a step before `spread` is over, so that the
// next frame's first can follow.
class Schedule
{
public:
  Schedule (std::size_t packets, std::size_t burst, Nanoseconds spread);

  [[nodiscard]] std::size_t count () const { return count_; }
  [[nodiscard]] Nanoseconds spread () const { return spread_; }
  // i < count ()
  [[nodiscard]] Burst burst (std::size_t i) const;

private:
  std::size_t packets_;
  std::size_t burst_;
  Nanoseconds spread_;
  std::size_t count_;
};

// When the bursts of a frame leave that began at `start`. What is a little late
// is sent at once, so that the frame ends in time. After more than an eighth of
// the frame's time (a sink was paused, a machine is busy) the rest goes on from
// there at twice the pace: it must not come together either.
class Pace
{
public:
  // The schedule must outlive it.
  Pace (const Schedule &schedule, Nanoseconds start);
  // Of burst i at the time `now`. Asked in order.
  [[nodiscard]] Nanoseconds due (std::size_t i, Nanoseconds now);

private:
  const Schedule &schedule_;
  Nanoseconds start_;
  // From here on it is made up for.
  Nanoseconds resumed_;
  Nanoseconds resumed_at_{0};
};

// What is known about the time from a frame to the next.
class Interval
{
public:
  // A new stream, whose caps come.
  void restart ();
  // From the caps; none, or 0/1: the rate varies.
  void set_framerate (int numerator, int denominator);
  // Of the frame that comes: its time and its duration, where it has them.
  void frame (
      std::optional<Nanoseconds> time, std::optional<Nanoseconds> duration);
  // Of the caps, else the duration of the last frame, else the smaller one of
  // the last two distances: that a frame is missing, or a jump, must not hold
  // up the next. 0: not known. At most a second.
  [[nodiscard]] Nanoseconds value () const;

private:
  Nanoseconds of_caps_{0};
  Nanoseconds of_frames_{0};
  std::optional<Nanoseconds> last_;
  std::optional<Nanoseconds> distance_;
};

// The latency to report for frames that are spread over `spread`, where
// `reported` was reported: frame times jitter, and not every change is worth
// telling the pipeline.
[[nodiscard]] Nanoseconds latency (Nanoseconds reported, Nanoseconds spread);

}  // namespace pacing

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pacing.h"

#include <algorithm>

namespace pacing {

namespace {

constexpr Nanoseconds longest = std::chrono::seconds (1);

}  // namespace

Schedule::Schedule (std::size_t packets, std::size_t burst, Nanoseconds spread)
    : packets_ (packets),
      burst_ (spread > Nanoseconds::zero ()
                  ? std::max<std::size_t> (burst, 1)
                  : std::max<std::size_t> (packets, 1)),
      spread_ (spread),
      count_ ((packets + burst_ - 1) / burst_)
{
}

Burst Schedule::burst (std::size_t i) const
{
  return {i * burst_, std::min ((i + 1) * burst_, packets_),
      spread_ * static_cast<std::int64_t> (i) /
          static_cast<std::int64_t> (count_)};
}

Pace::Pace (const Schedule &schedule, Nanoseconds start)
    : schedule_ (schedule), start_ (start), resumed_ (start)
{
}

Nanoseconds Pace::due (std::size_t i, Nanoseconds now)
{
  Nanoseconds at = schedule_.burst (i).at;
  Nanoseconds due = std::max (start_ + at, resumed_ + (at - resumed_at_) / 2);
  if (now - due > schedule_.spread () / 8) {
    resumed_ = now;
    resumed_at_ = at;
    return now;
  }
  return due;
}

void Interval::restart ()
{
  *this = {};
}

void Interval::set_framerate (int numerator, int denominator)
{
  of_caps_ = Nanoseconds::zero ();
  if (numerator > 0 && denominator > 0)
    of_caps_ = Nanoseconds (std::chrono::seconds (denominator)) / numerator;
}

void Interval::frame (
    std::optional<Nanoseconds> time, std::optional<Nanoseconds> duration)
{
  if (duration && *duration > Nanoseconds::zero ()) {
    of_frames_ = *duration;
  } else if (time && last_ && *time > *last_) {
    Nanoseconds distance = *time - *last_;
    of_frames_ = std::min (distance, distance_.value_or (distance));
    distance_ = distance;
  }
  if (time) last_ = time;
}

Nanoseconds Interval::value () const
{
  return std::min (
      of_caps_ > Nanoseconds::zero () ? of_caps_ : of_frames_, longest);
}

Nanoseconds latency (Nanoseconds reported, Nanoseconds spread)
{
  bool is_near = spread <= reported && spread > reported / 4 * 3;
  return is_near ? reported : spread;
}

}  // namespace pacing

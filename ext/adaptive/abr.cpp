// SPDX-License-Identifier: LGPL-2.1-or-later
#include "abr.h"

#include <cmath>

namespace abr {

namespace {

constexpr double to_seconds (Time time)
{
  return static_cast<double> (time) /
         static_cast<double> (presentation::second);
}

// ---- Throughput ------------------------------------------------------------

// A transfer weighs what it took, so that the mean is one over time; but
// within these bounds, in seconds: one that hung for a minute does not outlive
// all others, and the short ones after it are soon believed.
constexpr double least_weight = 0.4;
constexpr double most_weight = 2;
// After so much weight another transfer counts for half.
constexpr double fast_half_life = 0.3;
constexpr double slow_half_life = 3;

double duration_of (const Transfer &transfer)
{
  return to_seconds (transfer.end - transfer.start - transfer.idle);
}

// Of another one's bytes those that came while this one ran: they are taken
// as coming evenly from the first byte on.
double bytes_during (const Transfer &one, const Transfer &other)
{
  auto bytes = static_cast<double> (other.bytes);
  Time first = other.start + other.ttfb;
  if (first == other.end)
    return one.start <= first && first <= one.end ? bytes : 0;
  Time from = std::max (one.start, first);
  Time to = std::min (one.end, other.end);
  if (to <= from) return 0;
  return bytes * to_seconds (to - from) / to_seconds (other.end - first);
}

bool is_sample (const Transfer &transfer)
{
  return transfer.is_main && transfer.bytes >= Throughput::least_bytes;
}

class Mean
{
public:
  explicit Mean (double half_life) : half_life_ (half_life) {}
  // age: the weight of all that came after it.
  void add (double rate, double weight, double age)
  {
    weight *= std::exp2 (-age / half_life_);
    weight_ += weight;
    sum_ += weight * rate;
  }
  [[nodiscard]] std::uint64_t value () const
  {
    return static_cast<std::uint64_t> (std::min (sum_ / weight_, 1e15));
  }

private:
  double half_life_;
  double weight_ = 0;
  double sum_ = 0;
};

}  // namespace

bool Throughput::add (const Transfer &transfer)
{
  if (transfer.from_cache || transfer.end <= transfer.start) return false;
  Time duration = transfer.end - transfer.start;
  if (transfer.idle >= duration || transfer.ttfb > duration) return false;
  transfers_.push_back (transfer);
  if (transfers_.size () > most_transfers) transfers_.pop_front ();
  return is_sample (transfer);
}

std::optional<Estimate> Throughput::estimate () const
{
  Mean fast (fast_half_life);
  Mean slow (slow_half_life);
  double age = 0;
  for (std::size_t i = transfers_.size (); i-- > 0;) {
    const Transfer &one = transfers_[i];
    if (!is_sample (one)) continue;
    auto bytes = static_cast<double> (one.bytes);
    for (const Transfer &other : transfers_)
      if (&other != &one) bytes += bytes_during (one, other);
    double duration = duration_of (one);
    double weight = std::clamp (duration, least_weight, most_weight);
    fast.add (bytes * 8 / duration, weight, age);
    slow.add (bytes * 8 / duration, weight, age);
    age += weight;
  }
  if (age == 0) return std::nullopt;
  return Estimate{fast.value (), slow.value ()};
}

void Stopwatch::opened (Time now)
{
  ttfb_ = now - start_;
  left_ = now;
}

void Stopwatch::enter (Time now)
{
  if (!stale_ && now - left_ >= pause) stale_ = left_;
}

void Stopwatch::waits (Time now)
{
  if (stale_) idle_ += now - *stale_;
  stale_.reset ();
}

void Stopwatch::took (std::uint64_t bytes)
{
  if (!stale_) bytes_ += bytes;
}

Transfer Stopwatch::finish (Time now) const
{
  Transfer out;
  out.bytes = bytes_;
  out.start = start_;
  out.ttfb = ttfb_;
  out.end = now;
  out.idle = idle_ + (stale_ ? now - *stale_ : 0);
  return out;
}

void Pace::add (Time now, std::uint64_t total)
{
  points_.push_back ({now, total});
  // One is kept that is older than the window, for the difference to it.
  while (points_.size () > 2 && points_[1].time + window <= now)
    points_.pop_front ();
}

std::uint64_t Pace::rate (Time now) const
{
  if (points_.empty ()) return 0;
  // The last one before the window.
  Point from{start_, 0};
  for (const Point &point : points_)
    if (point.time + window <= now) from = point;
  if (now <= from.time) return 0;
  double rate = static_cast<double> (points_.back ().total - from.total) * 8 /
                to_seconds (now - from.time);
  return static_cast<std::uint64_t> (std::min (rate, 1e15));
}

// ---- The choice of a level -------------------------------------------------

namespace {

// Of the share of the network that is for media, when the buffer is empty: the
// emptier it is, the more is for filling it.
constexpr double empty_share = 0.5;
// Of a full buffer, what BOLA has the lowest level for: what is below that is
// for the times when nothing comes at all.
constexpr double low_part = 0.8;
// Of the buffer, what a segment may use up that the network does not carry: the
// estimate may be as wrong.
constexpr double usable_buffer = 0.175;
// Of the time that it plays, what a segment may take where there is no buffer.
constexpr double unbuffered_share = 0.75;
// Segments for which a level is kept after it has been lowered.
constexpr unsigned calm = 1;
// A segment is given this time before it is given up.
constexpr Time patience = presentation::second;
// Of the buffer, what the lowest level may take in place of a late segment. As
// long as it takes less there is still time: slow moments mostly pass.
constexpr double lifeline = 0.4;

double bandwidth (Levels levels, std::size_t level)
{
  return static_cast<double> (std::max<std::uint64_t> (levels[level], 1));
}

std::size_t highest_below (Levels levels, double rate)
{
  std::size_t level = 0;
  while (level + 1 < levels.size () && bandwidth (levels, level + 1) <= rate)
    level++;
  return level;
}

// Throughput guard: what the network carries, and the filling of the buffer.
std::size_t carried (
    Levels levels, const Situation &situation, const Settings &settings)
{
  double filled = 1;
  if (situation.buffer < situation.buffer_full)
    filled = to_seconds (situation.buffer) / to_seconds (situation.buffer_full);
  double share =
      settings.bandwidth_usage * (empty_share + (1 - empty_share) * filled);
  return highest_below (
      levels, static_cast<double> (situation.estimate->safe ()) * share);
}

// What is there before much of the buffer has been played.
std::size_t in_time (Levels levels, const Situation &situation)
{
  if (situation.segment == 0) return levels.size () - 1;
  double segment = to_seconds (situation.segment);
  double time = std::max (to_seconds (situation.buffer) * usable_buffer,
      segment * unbuffered_share);
  auto rate = static_cast<double> (situation.estimate->safe ());
  return highest_below (levels, rate * time / segment);
}

// What the buffer makes up for. Never more than now: going up by it is how BOLA
// alone goes up and down between two levels when the network carries something
// between them.
std::size_t buffered (Levels levels, const Situation &situation)
{
  auto low = static_cast<Time> (
      low_part * static_cast<double> (situation.buffer_full));
  return std::min ({*situation.current, in_time (levels, situation),
      bola (levels, situation.buffer, low, situation.buffer_full)});
}

}  // namespace

const char *to_string (Reason reason)
{
  switch (reason) {
    case Reason::start:
      return "start";
    case Reason::throughput:
      return "throughput";
    case Reason::buffer:
      return "buffer";
    case Reason::hysteresis:
      return "hysteresis";
  }
  return "";
}

Decision decide (
    Levels levels, const Situation &situation, const Settings &settings)
{
  Situation now = situation;
  if (now.current) now.current = std::min (*now.current, levels.size () - 1);
  if (!now.estimate)
    return {now.current.value_or (
                highest_below (levels, static_cast<double> (settings.start))),
        Reason::start};

  std::size_t level = carried (levels, now, settings);
  if (!now.current || level == *now.current) return {level, Reason::throughput};
  if (level < *now.current) {
    std::size_t kept = buffered (levels, now);
    if (kept > level) return {kept, Reason::buffer};
  } else if (now.since_down && *now.since_down < calm) {
    return {*now.current, Reason::hysteresis};
  }
  return {level, Reason::throughput};
}

bool abandon (
    Levels levels, const Progress &progress, const Situation &situation)
{
  if (progress.level == 0 || progress.level >= levels.size () ||
      progress.elapsed < patience)
    return false;
  auto rate = static_cast<double> (std::max<std::uint64_t> (progress.rate, 1));
  auto time_of = [&] (std::size_t level) {
    return bandwidth (levels, level) * to_seconds (situation.segment) / rate;
  };
  double left = time_of (progress.level);
  if (progress.size > 0) left = static_cast<double> (progress.size) * 8 / rate;
  left -= static_cast<double> (progress.bytes) * 8 / rate;
  double buffer = to_seconds (situation.buffer);
  double instead = time_of (0);
  return left > buffer && instead >= buffer * lifeline && instead < left;
}

// The level whose (V (utility + gp) - buffer) / bandwidth is greatest. V and
// V * gp are such that the two lowest levels are equal at low, and that the
// highest one is worth nothing at high.
std::size_t bola (Levels levels, Time buffer, Time low, Time high)
{
  std::size_t top = levels.size () - 1;
  if (buffer >= high) return top;
  if (buffer <= low) return 0;
  auto utility = [&] (std::size_t level) {
    return std::log (bandwidth (levels, level) / bandwidth (levels, 0));
  };
  std::size_t next = 1;
  while (next < top && utility (next) <= 0) next++;
  if (next > top || utility (next) <= 0) return top;  // all are the same
  double slope =
      utility (next) / (bandwidth (levels, next) / bandwidth (levels, 0) - 1);
  double v = to_seconds (high - low) / (utility (top) + slope);
  double v_gp = to_seconds (low) + v * slope;
  auto value = [&] (std::size_t level) {
    return (v * utility (level) + v_gp - to_seconds (buffer)) /
           bandwidth (levels, level);
  };
  std::size_t best = 0;
  for (std::size_t level = 1; level <= top; level++)
    if (value (level) > value (best)) best = level;
  return best;
}

}  // namespace abr

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "presentation.h"

// Adaptive bitrate: what the network carries, and which level (a representation
// in the order of bandwidth) the next segment is of. Times come in from
// outside, of any clock that does not go back.
namespace abr {

using presentation::Time;

// A resource that has been read, or given up.
struct Transfer
{
  std::uint64_t bytes = 0;
  Time start = 0;  // the request
  Time ttfb = 0;   // from there to the first byte
  Time end = 0;    // the last byte
  // In between, when it was not the network that was waited for: the reader
  // did not read, or at a live edge the server had no more yet.
  Time idle = 0;
  bool from_cache = false;  // no network was in it at all
  // Of the track whose level is chosen. Others have smaller segments, in which
  // the round trip counts for more.
  bool is_main = true;
};

// bit/s.
struct Estimate
{
  std::uint64_t fast = 0;  // about that of the last transfer
  std::uint64_t slow = 0;  // of the last few
  [[nodiscard]] std::uint64_t safe () const { return std::min (fast, slow); }
};

// What all transfers of an element say of the network. Time without a transfer
// counts for nothing.
class Throughput
{
public:
  // What is smaller says what the first round trips cost, and not what would
  // come after them.
  static constexpr std::uint64_t least_bytes = std::uint64_t{16} * 1024;
  static constexpr std::size_t most_transfers = 64;

  // True when it is a sample of its own. What is not still counts for those
  // beside which it ran, unless it came from a cache.
  bool add (const Transfer &transfer);
  // Nothing before the first sample.
  [[nodiscard]] std::optional<Estimate> estimate () const;
  void clear () { transfers_.clear (); }

private:
  std::deque<Transfer> transfers_;
};

// Times a transfer for whoever reads it. Where the reader was elsewhere for a
// while, what came meanwhile waits in the system's buffers and is there at
// once: neither that time nor those bytes say anything of the network.
class Stopwatch
{
public:
  // Away for less than this is not away.
  static constexpr Time pause = presentation::second / 50;

  explicit Stopwatch (Time start) : start_ (start), left_ (start) {}
  // The headers are there.
  void opened (Time now);
  // The reader comes back, and goes.
  void enter (Time now);
  void leave (Time now) { left_ = now; }
  // There was nothing to be read: what comes now comes as fast as it can.
  void waits (Time now);
  void took (std::uint64_t bytes);
  [[nodiscard]] Transfer finish (Time now) const;

private:
  Time start_;
  Time left_;
  Time ttfb_ = 0;
  Time idle_ = 0;
  std::optional<Time> stale_;  // since when
  std::uint64_t bytes_ = 0;
};

// At which rate something comes of late, while it comes.
class Pace
{
public:
  static constexpr Time window = 2 * presentation::second;

  explicit Pace (Time start) : start_ (start) {}
  // How many bytes have come in all.
  void add (Time now, std::uint64_t total);
  // bit/s, 0 when nothing came.
  [[nodiscard]] std::uint64_t rate (Time now) const;

private:
  struct Point
  {
    Time time;
    std::uint64_t total;
  };
  Time start_;
  std::deque<Point> points_;
};

// What each level needs, in bit/s, ascending.
using Levels = std::span<const std::uint64_t>;

// What is known when a segment is chosen.
struct Situation
{
  std::optional<Estimate> estimate;
  Time buffer = 0;       // of media that is there and has not been played
  Time buffer_full = 0;  // as much of it as there is at most when one is chosen
  Time segment = 0;      // duration of the next one
  // Of the last segment; nothing at the beginning.
  std::optional<std::size_t> current;
  // How many segments ago the level was last lowered, 0 = the last one was the
  // first of a lower level. Nothing: never.
  std::optional<unsigned> since_down;
};

// Why a level was chosen: the rule that had the last word.
enum class Reason
{
  start,       // nothing is known
  throughput,  // the network carries it
  buffer,      // the buffer makes up for what the network does not
  hysteresis   // it has just been lowered
};
[[nodiscard]] const char *to_string (Reason reason);

struct Decision
{
  std::size_t level = 0;
  Reason reason = Reason::start;
};

struct Settings
{
  // So much of the estimate is for media, when the buffer is full.
  double bandwidth_usage = 0.9;
  // bit/s, as long as there is no estimate.
  std::uint64_t start = 500'000;
};

// There is at least one level.
[[nodiscard]] Decision decide (
    Levels levels, const Situation &situation, const Settings &settings);

// A segment that is on its way, of which nothing has been pushed yet.
struct Progress
{
  std::size_t level = 0;
  Time elapsed = 0;         // since its request
  std::uint64_t bytes = 0;  // that have come
  std::uint64_t size = 0;   // of it, 0 = not known
  std::uint64_t rate = 0;   // see Pace
};

// Whether the lowest level is fetched in its place: it will not be there before
// the buffer is empty, there is no time to see whether it comes faster soon,
// and the lowest one will be there sooner.
[[nodiscard]] bool abandon (
    Levels levels, const Progress &progress, const Situation &situation);

// BOLA (Spiteri, Urgaonkar, Sitaraman: "BOLA: Near-Optimal Bitrate Adaptation
// for Online Videos", 2016), with ln (bandwidth) as utility: the level that a
// buffer is worth. The lowest one up to low, the highest one from high on.
[[nodiscard]] std::size_t bola (
    Levels levels, Time buffer, Time low, Time high);

}  // namespace abr

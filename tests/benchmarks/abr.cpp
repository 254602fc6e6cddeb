// SPDX-License-Identifier: LGPL-2.1-or-later
// The choice of a level: abr beside what others do, on the same made-up
// networks. A simulator: one viewer, one segment after another, no clock and no
// network of this machine. Everything comes from the seeds.
//
// The peers are our reading of their published descriptions, and bear their
// names for short: what they really do has more to it.
#include "abr.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <random>

#include "bench.h"

namespace {

using presentation::Time;

constexpr double session = 300;  // seconds of media
constexpr double tick = 0.25;    // seconds between two looks at a segment
constexpr std::uint64_t levels[] = {
    400'000, 800'000, 1'500'000, 2'500'000, 4'000'000, 6'000'000, 9'000'000};

Time to_time (double seconds)
{
  return static_cast<Time> (seconds * 1e9);
}

// ---- Networks --------------------------------------------------------------

using Random = std::mt19937_64;

// Of std::uniform_real_distribution each library may make what it likes.
double uniform (Random &random, double low, double high)
{
  double unit = static_cast<double> (random () >> 11) * 0x1p-53;
  return low + (high - low) * unit;
}

// bit/s over time; the last piece goes on for ever.
class Network
{
public:
  void add (double duration, double rate)
  {
    pieces_.push_back ({end_, rate});
    end_ += duration;
  }
  [[nodiscard]] double end () const { return end_; }
  double latency = 0.05;

  // When bits that begin to come at a time have come; no later than the limit,
  // and then what had come of them is in bits.
  double deliver (double at, double &bits, double limit) const
  {
    double left = bits;
    auto piece = std::ranges::upper_bound (pieces_, at, {}, &Piece::start);
    for (--piece; at < limit; ++piece) {
      bool last = piece + 1 == pieces_.end ();
      double until = last ? limit : std::min (limit, (piece + 1)->start);
      double all = (until - at) * piece->rate;
      if (all >= left) return at + left / piece->rate;
      left -= all;
      at = until;
    }
    bits -= left;
    return limit;
  }

private:
  struct Piece
  {
    double start;
    double rate;
  };
  std::vector<Piece> pieces_;
  double end_ = 0;
};

constexpr double trace = 3 * session;

Network steps (Random &random)
{
  Network out;
  while (out.end () < trace)
    out.add (uniform (random, 20, 60),
        std::exp (uniform (random, std::log (0.6e6), std::log (12e6))));
  return out;
}

// Others take most of the line for a while.
Network bursts (Random &random)
{
  Network out;
  double base = uniform (random, 3e6, 10e6);
  while (out.end () < trace) {
    out.add (uniform (random, 5, 20), base * uniform (random, 0.9, 1.1));
    out.add (uniform (random, 2, 12), base * uniform (random, 0.1, 0.3));
  }
  return out;
}

// Six states of a cell; to the next one up or down after some seconds, and
// within a state each second is another one.
Network mobile (Random &random)
{
  constexpr double states[] = {0.25e6, 0.6e6, 1.2e6, 2.5e6, 5e6, 10e6};
  Network out;
  out.latency = 0.1;
  std::size_t state = 3;
  while (out.end () < trace) {
    double dwell = uniform (random, 3, 15);
    for (double at = 0; at < dwell; at++)
      out.add (1, states[state] * uniform (random, 0.6, 1.4));
    bool up = uniform (random, 0, 1) < 0.52;
    if (up && state + 1 < std::size (states)) state++;
    if (!up && state > 0) state--;
  }
  return out;
}

Network outages (Random &random)
{
  Network out;
  double base = uniform (random, 2e6, 10e6);
  while (out.end () < trace) {
    out.add (uniform (random, 40, 120), base);
    out.add (uniform (random, 3, 25), 20e3);
  }
  return out;
}

Network steady (Random &random)
{
  Network out;
  double base = uniform (random, 1e6, 12e6);
  while (out.end () < trace) out.add (1, base * uniform (random, 0.9, 1.1));
  return out;
}

struct Kind
{
  const char *name;
  Network (*make) (Random &);
};
constexpr Kind kinds[] = {{"steady", steady}, {"steps", steps},
    {"bursts", bursts}, {"mobile", mobile}, {"outages", outages}};

// ---- Rules -----------------------------------------------------------------

// In seconds.
struct Shape
{
  double segment;
  double buffer_full;
};
// The first one is what hls.js and hlsdemux2 have by default, with segments of
// a usual length.
constexpr Shape shapes[] = {{4, 30}, {2, 30}, {10, 30}, {4, 60}, {2, 16}};

struct View
{
  double now;
  double buffer;
  Shape shape;
  std::optional<std::size_t> current;
};

// Of a segment that is on its way.
struct Progress
{
  std::size_t level;
  double elapsed;
  double bits;      // that have come
  double expected;  // all of it
  double recent;    // bit/s of the last two seconds
};

class Rule
{
public:
  Rule () = default;
  Rule (const Rule &) = delete;
  Rule &operator= (const Rule &) = delete;
  virtual ~Rule () = default;
  virtual std::size_t choose (const View &view) = 0;
  virtual void took (double start, double ttfb, double end, double bits) = 0;
  // Another level in place of it.
  virtual std::optional<std::size_t> abandon (const View &, const Progress &)
  {
    return std::nullopt;
  }
};

std::size_t highest_below (double rate)
{
  std::size_t level = 0;
  while (level + 1 < std::size (levels) &&
         static_cast<double> (levels[level + 1]) <= rate)
    level++;
  return level;
}

class Ours : public Rule
{
public:
  std::size_t choose (const View &view) override
  {
    abr::Situation situation;
    situation.estimate = throughput_.estimate ();
    situation.buffer = to_time (view.buffer);
    situation.buffer_full =
        to_time (view.shape.buffer_full - view.shape.segment);
    situation.segment = to_time (view.shape.segment);
    situation.current = view.current;
    situation.since_down = since_down_;
    std::size_t level = abr::decide (levels, situation, settings_).level;
    if (view.current && level < *view.current)
      since_down_ = 0;
    else if (since_down_)
      ++*since_down_;
    return level;
  }
  void took (double start, double ttfb, double end, double bits) override
  {
    throughput_.add ({static_cast<std::uint64_t> (bits / 8), to_time (start),
        to_time (ttfb), to_time (end)});
  }
  std::optional<std::size_t> abandon (
      const View &view, const Progress &progress) override
  {
    if (view.buffer <= 0) return std::nullopt;  // it is being pushed
    abr::Progress now;
    now.level = progress.level;
    now.elapsed = to_time (progress.elapsed);
    now.bytes = static_cast<std::uint64_t> (progress.bits / 8);
    now.size = static_cast<std::uint64_t> (progress.expected / 8);
    now.rate = static_cast<std::uint64_t> (progress.recent);
    abr::Situation situation;
    situation.buffer = to_time (view.buffer);
    situation.segment = to_time (view.shape.segment);
    if (!abr::abandon (levels, now, situation)) return std::nullopt;
    took (view.now - progress.elapsed, 0, view.now, progress.bits);
    since_down_ = 0;
    return 0;
  }

private:
  abr::Throughput throughput_;
  abr::Settings settings_;
  std::optional<unsigned> since_down_;
};

// hls.js 1.x, docs/API.md and its design notes: two means weighted by time
// with half-lives of 3 and 9 s, 500 kbit/s before the first; a level may need
// 0.95 of the smaller one, a higher one than now 0.7, and must be there before
// the buffer is empty; if none is, any that is there in 4 s; a segment is given
// up for a lower level when it will be too late.
class HlsJs : public Rule
{
public:
  std::size_t choose (const View &view) override
  {
    if (auto level = find (view, view.buffer, 0.95, 0.7)) return *level;
    double limit = std::min (view.shape.segment, 4.0) + view.buffer;
    return find (view, limit, 1, 1).value_or (0);
  }
  void took (double start, double, double end, double bits) override
  {
    sample (end - start, bits);
  }
  std::optional<std::size_t> abandon (
      const View &view, const Progress &progress) override
  {
    double segment = view.shape.segment;
    if (progress.level == 0 || progress.elapsed < segment / 2 ||
        view.buffer >= 2 * segment)
      return std::nullopt;
    double rate = std::max (progress.bits, 1.0) / progress.elapsed;
    double left = (progress.expected - progress.bits) / rate;
    if (left <= view.buffer) return std::nullopt;
    std::size_t level = progress.level;
    double next = 0;
    do {
      level--;
      next = static_cast<double> (levels[level]) * segment / (0.8 * rate);
    } while (level > 0 && next > view.buffer);
    if (next >= left) return std::nullopt;
    sample (progress.elapsed, progress.bits);
    return level;
  }

private:
  struct Mean
  {
    double half_life;
    double value = 0;
    double weight = 0;
    void sample (double duration, double rate)
    {
      double alpha = std::exp2 (-duration / half_life);
      value = rate * (1 - alpha) + alpha * value;
      weight += duration;
    }
    [[nodiscard]] double estimate () const
    {
      return value / (1 - std::exp2 (-weight / half_life));
    }
  };
  void sample (double duration, double bits)
  {
    duration = std::max (duration, 0.05);
    fast_.sample (duration, bits / duration);
    slow_.sample (duration, bits / duration);
  }
  std::optional<std::size_t> find (
      const View &view, double limit, double factor, double up) const
  {
    double rate = fast_.weight > 0
                      ? std::min (fast_.estimate (), slow_.estimate ())
                      : 500e3;
    for (std::size_t level = std::size (levels); level-- > 0;) {
      bool is_up = !view.current || level > *view.current;
      double usable = rate * (is_up ? up : factor);
      auto bandwidth = static_cast<double> (levels[level]);
      if (usable >= bandwidth &&
          bandwidth * view.shape.segment / usable < limit)
        return level;
    }
    return std::nullopt;
  }
  Mean fast_{3};
  Mean slow_{9};
};

// ExoPlayer (media3), its documentation of DefaultBandwidthMeter and
// AdaptiveTrackSelection: the median of samples that weigh the root of their
// bytes, of the last 2000 of that; 0.7 of it is for media; up only with 10 s of
// buffer, down only with less than 25 s.
class ExoPlayer : public Rule
{
public:
  std::size_t choose (const View &view) override
  {
    std::size_t ideal = highest_below (0.7 * estimate_);
    if (!view.current) return ideal;
    if (ideal > *view.current && view.buffer < 10) return *view.current;
    if (ideal < *view.current && view.buffer >= 25) return *view.current;
    return ideal;
  }
  void took (double start, double, double end, double bits) override
  {
    total_time_ += end - start;
    total_bytes_ += bits / 8;
    samples_.push_back ({std::sqrt (bits / 8), bits / (end - start)});
    double weight = 0;
    for (const Sample &sample : samples_) weight += sample.weight;
    while (weight > 2000 && samples_.size () > 1) {
      double over = weight - 2000;
      if (samples_.front ().weight > over) {
        samples_.front ().weight -= over;
        break;
      }
      weight -= samples_.front ().weight;
      samples_.pop_front ();
    }
    if (total_time_ < 2 && total_bytes_ < 512 * 1024) return;
    estimate_ = median ();
  }

private:
  struct Sample
  {
    double weight;
    double rate;
  };
  [[nodiscard]] double median () const
  {
    std::vector<Sample> sorted (samples_.begin (), samples_.end ());
    std::ranges::sort (sorted, {}, &Sample::rate);
    double all = 0;
    for (const Sample &sample : sorted) all += sample.weight;
    double sum = 0;
    for (const Sample &sample : sorted) {
      sum += sample.weight;
      if (sum >= all / 2) return sample.rate;
    }
    return sorted.back ().rate;
  }
  std::deque<Sample> samples_;
  double total_time_ = 0;
  double total_bytes_ = 0;
  double estimate_ = 1e6;
};

// hlsdemux2 of GStreamer 1.22: 0.8 (bandwidth-target-ratio) of the last
// segment's rate, or of the mean of the last three where that is less.
class HlsDemux2 : public Rule
{
public:
  std::size_t choose (const View &) override
  {
    if (rates_.empty ()) return 0;
    double sum = 0;
    for (double rate : rates_) sum += rate;
    double mean = sum / static_cast<double> (rates_.size ());
    return highest_below (0.8 * std::min (rates_.back (), mean));
  }
  void took (double start, double, double end, double bits) override
  {
    rates_.push_back (bits / (end - start));
    if (rates_.size () > 3) rates_.pop_front ();
  }

private:
  std::deque<double> rates_;
};

template <class R>
std::unique_ptr<Rule> make ()
{
  return std::make_unique<R> ();
}

struct Named
{
  const char *name;
  std::unique_ptr<Rule> (*make) ();
};
constexpr Named rules[] = {{"ours", make<Ours>}, {"hls.js", make<HlsJs>},
    {"ExoPlayer", make<ExoPlayer>}, {"hlsdemux2", make<HlsDemux2>}};

// ---- One viewer ------------------------------------------------------------

struct Outcome
{
  double stalls = 0;
  double stalled = 0;  // seconds
  double switches = 0;
  double bits = 0;    // of the levels that were played, by their bandwidth
  double start = 0;   // until it plays
  double wasted = 0;  // bits that came and were given up
};

class Viewer
{
public:
  Viewer (const Shape &shape, const Network &network, Rule &rule, Random sizes)
      : shape_ (shape), network_ (network), rule_ (rule), sizes_ (sizes)
  {
  }

  Outcome watch ()
  {
    auto count = static_cast<unsigned> (session / shape_.segment);
    for (unsigned i = 0; i < count; i++) {
      double over = buffer_ + shape_.segment - shape_.buffer_full;
      if (over > 0) pass (over);
      fetch ();
    }
    return outcome_;
  }

private:
  [[nodiscard]] View view () const { return {now_, buffer_, shape_, current_}; }
  // Media is played meanwhile, as long as there is some.
  void pass (double duration)
  {
    now_ += duration;
    if (!playing_) {
      outcome_.start += duration;
      return;
    }
    double missing = duration - buffer_;
    buffer_ = std::max (0.0, buffer_ - duration);
    if (missing <= 0) {
      stalling_ = false;
      return;
    }
    if (!stalling_) outcome_.stalls++;
    stalling_ = true;
    outcome_.stalled += missing;
  }
  void fetch ()
  {
    // A level's segments are more or less than its bandwidth says.
    double factor = uniform (sizes_, 0.7, 1.2);
    std::size_t level = rule_.choose (view ());
    while (auto other = try_level (level, factor)) level = *other;
    if (current_ && *current_ != level) outcome_.switches++;
    current_ = level;
    outcome_.bits += static_cast<double> (levels[level]) * shape_.segment;
    buffer_ += shape_.segment;
    playing_ = true;
    stalling_ = false;
  }
  std::optional<std::size_t> try_level (std::size_t level, double factor)
  {
    double size = static_cast<double> (levels[level]) * shape_.segment * factor;
    double start = now_;
    pass (network_.latency);
    double left = size;
    std::deque<double> recent;
    for (;;) {
      double bits = left;
      double end = network_.deliver (now_, bits, now_ + tick);
      pass (end - now_);
      left -= bits;
      if (left <= 0.5) break;
      recent.push_back (bits);
      if (recent.size () > 8) recent.pop_front ();
      double sum = 0;
      for (double one : recent) sum += one;
      Progress progress{level, now_ - start, size - left, size,
          sum / (tick * static_cast<double> (recent.size ()))};
      if (auto other = rule_.abandon (view (), progress)) {
        outcome_.wasted += size - left;
        return other;
      }
    }
    rule_.took (start, network_.latency, now_, size);
    return std::nullopt;
  }

  const Shape &shape_;
  const Network &network_;
  Rule &rule_;
  Random sizes_;
  Outcome outcome_;
  double now_ = 0;
  double buffer_ = 0;
  bool playing_ = false;
  bool stalling_ = false;
  std::optional<std::size_t> current_;
};

// ---- The table -------------------------------------------------------------

constexpr unsigned viewers = 200;

void add (Outcome &sum, const Outcome &one)
{
  sum.stalls += one.stalls;
  sum.stalled += one.stalled;
  sum.switches += one.switches;
  sum.bits += one.bits;
  sum.start += one.start;
  sum.wasted += one.wasted;
}

Outcome watch (
    const Shape &shape, const Kind &kind, const Named &rule, std::uint64_t seed)
{
  Outcome sum;
  for (unsigned i = 0; i < viewers; i++) {
    Random random (seed + i);
    Network network = kind.make (random);
    auto made = rule.make ();
    add (sum, Viewer (shape, network, *made, random).watch ());
  }
  return sum;
}

void add_row (bench::Report &report, const std::string &name,
    const Outcome &sum, double count)
{
  double hours = count * session / 3600;
  report.add ({name,
      {{"stalls/h", sum.stalls / hours}, {"stalled s/h", sum.stalled / hours},
          {"Mbit/s", sum.bits / (count * session) * 1e-6},
          {"switches/h", sum.switches / hours}, {"start s", sum.start / count},
          {"wasted", sum.wasted / (sum.bits + sum.wasted)}}});
}

void run (bench::Report &report, const std::string &name, const Shape &shape,
    std::uint64_t seed)
{
  Outcome all[std::size (rules)];
  for (const Kind &kind : kinds)
    for (std::size_t i = 0; i < std::size (rules); i++) {
      Outcome sum = watch (shape, kind, rules[i], seed);
      add (all[i], sum);
      add_row (report, name + kind.name + ", " + rules[i].name, sum, viewers);
    }
  for (std::size_t i = 0; i < std::size (rules); i++)
    add_row (report, name + "all, " + rules[i].name, all[i],
        viewers * std::size (kinds));
}

}  // namespace

int main (int argc, char **argv)
{
  bench::Report report (argc, argv);
  // The rule was made by looking at other seeds than these.
  for (const Shape &shape : shapes) {
    std::string name =
        std::to_string (static_cast<int> (shape.segment)) + " of " +
        std::to_string (static_cast<int> (shape.buffer_full)) + " s, ";
    run (report, name, shape, 1'000);
    run (report, "hold-out " + name, shape, 2'000'000);
  }
  return 0;
}

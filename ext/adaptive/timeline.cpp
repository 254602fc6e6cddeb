// SPDX-License-Identifier: LGPL-2.1-or-later
#include "timeline.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace timeline {

using presentation::Representation;
using presentation::second;
using presentation::SegmentList;
using presentation::SegmentTemplate;
using presentation::Timeline;

const char *to_string (Error error)
{
  switch (error) {
    case Error::no_number:
      return "seconds are missing";
    case Error::no_dash:
      return "there is no \"-\" between the two times of a range";
    case Error::no_comma:
      return "there is no \",\" between two ranges";
    case Error::backwards:
      return "a range ends before it begins";
    case Error::too_late:
      return "a time is too large";
  }
  return "";
}

// ---- Spans -----------------------------------------------------------------

namespace {

class SpanReader
{
public:
  explicit SpanReader (std::string_view text) : text_ (text) {}

  Result<std::vector<Span>> run ();

private:
  [[nodiscard]] bool done ()
  {
    while (at_ < text_.size () && text_[at_] == ' ') at_++;
    return at_ == text_.size ();
  }
  bool take (char c)
  {
    if (done () || text_[at_] != c) return false;
    at_++;
    return true;
  }
  [[nodiscard]] bool at_digit () const
  {
    return at_ < text_.size () && text_[at_] >= '0' && text_[at_] <= '9';
  }
  Result<Time> seconds ();
  Result<Span> span ();

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<Time> SpanReader::seconds ()
{
  if (done () || !at_digit ()) return relay::failure (Error::no_number, at_);
  std::size_t begin = at_;
  Time value = 0;
  for (; at_digit (); at_++) {
    value = value * 10 + static_cast<Time> (text_[at_] - '0');
    if (value >= max_time / second)
      return relay::failure (Error::too_late, begin);
  }
  value *= second;
  if (at_ == text_.size () || text_[at_] != '.') return value;
  at_++;
  if (!at_digit ()) return relay::failure (Error::no_number, at_);
  for (Time unit = second / 10; at_digit (); at_++, unit /= 10) {
    if (unit == 0) return relay::failure (Error::no_number, at_);
    value += unit * static_cast<Time> (text_[at_] - '0');
  }
  return value;
}

Result<Span> SpanReader::span ()
{
  auto begin = seconds ();
  if (!begin) return begin.error ();
  std::size_t dash = at_;
  if (!take ('-')) return relay::failure (Error::no_dash, dash);
  if (done () || text_[at_] == ',') return Span{*begin, max_time};
  std::size_t at = at_;
  auto end = seconds ();
  if (!end) return end.error ();
  if (*end <= *begin) return relay::failure (Error::backwards, at);
  return Span{*begin, *end};
}

Result<std::vector<Span>> SpanReader::run ()
{
  std::vector<Span> spans;
  while (!done ()) {
    if (!spans.empty () && !take (','))
      return relay::failure (Error::no_comma, at_);
    auto next = span ();
    if (!next) return next.error ();
    spans.push_back (*next);
  }
  return spans;
}

}  // namespace

Result<std::vector<Span>> parse_spans (std::string_view text)
{
  auto spans = SpanReader (text).run ();
  if (!spans) return spans.error ();
  std::ranges::sort (*spans, {}, &Span::begin);
  std::vector<Span> out;
  for (const Span &span : *spans) {
    if (!out.empty () && span.begin <= out.back ().end)
      out.back ().end = std::max (out.back ().end, span.end);
    else
      out.push_back (span);
  }
  return out;
}

// ---- Legs ------------------------------------------------------------------

namespace {

// How long it takes to play.
Time lasting (Time duration, double rate)
{
  double out = static_cast<double> (duration) / (rate < 0 ? -rate : rate);
  // Exact at the normal rate, whatever a double holds.
  if (rate == 1 || rate == -1) return duration;
  return out < static_cast<double> (max_time) ? static_cast<Time> (out)
                                              : max_time;
}

// And how much of it is played in that time.
Time covering (Time running, double rate)
{
  if (rate == 1 || rate == -1) return running;
  return lasting (running, 1 / rate);
}

}  // namespace

namespace {

void set_bases (std::span<Leg> legs, double rate, Time base)
{
  for (Leg &leg : legs) {
    leg.base = base;
    base += std::min (lasting (leg.end - leg.begin, rate), max_time - base);
  }
}

}  // namespace

std::vector<Leg> make_legs (
    const Playing &playing, std::span<const Span> left_out)
{
  std::vector<Leg> legs;
  Time at = playing.begin;
  for (const Span &out : left_out) {
    if (out.end <= at) continue;
    if (out.begin >= playing.end) break;
    if (out.begin > at) legs.push_back ({at, out.begin, 0});
    at = out.end;
  }
  if (at < playing.end) legs.push_back ({at, playing.end, 0});
  if (legs.empty ()) {
    Time where = std::min (at, playing.end);
    legs.push_back ({where, where, 0});
  }
  if (playing.rate < 0) std::ranges::reverse (legs);
  set_bases (legs, playing.rate, playing.base);
  return legs;
}

std::vector<Leg> to_segments (
    std::vector<Leg> legs, double rate, std::span<const Stretch> stretches)
{
  const Time base = legs.front ().base;
  if (rate < 0) std::ranges::reverse (legs);
  std::vector<Leg> out;
  for (std::size_t i = 0; i < legs.size (); i++) {
    Leg leg = legs[i];
    if (i > 0) leg.begin = snap (stretches, leg.begin, Snap::before);
    if (i + 1 < legs.size ()) leg.end = snap (stretches, leg.end, Snap::after);
    if (!out.empty () && leg.begin <= out.back ().end)
      out.back ().end = std::max (out.back ().end, leg.end);
    else
      out.push_back (leg);
  }
  if (rate < 0) std::ranges::reverse (out);
  set_bases (out, rate, base);
  return out;
}

bool begin_before (std::span<const Leg> legs, Time time)
{
  return std::ranges::any_of (legs, [time] (const Leg &leg) {
    return leg.begin < leg.end && leg.begin < time;
  });
}

std::optional<Time> to_running (
    std::span<const Leg> legs, double rate, Time time)
{
  for (const Leg &leg : legs) {
    bool is_inside = rate < 0 ? time > leg.begin && time <= leg.end
                              : time >= leg.begin && time < leg.end;
    if (!is_inside) continue;
    return leg.base +
           lasting (rate < 0 ? leg.end - time : time - leg.begin, rate);
  }
  return std::nullopt;
}

Span to_running (const Leg &leg, double rate, const Span &span)
{
  Time begin = std::clamp (span.begin, leg.begin, leg.end);
  Time end = std::clamp (span.end, leg.begin, leg.end);
  if (rate < 0)
    return {leg.base + lasting (leg.end - end, rate),
        leg.base + lasting (leg.end - begin, rate)};
  return {leg.base + lasting (begin - leg.begin, rate),
      leg.base + lasting (end - leg.begin, rate)};
}

std::vector<Leg> from (std::span<const Leg> legs, double rate, Time time)
{
  std::vector<Leg> out;
  for (const Leg &leg : legs) {
    bool is_over = rate < 0 ? leg.begin >= time : leg.end <= time;
    if (is_over && &leg != &legs.back ()) continue;
    Time at = std::clamp (time, leg.begin, leg.end);
    Leg rest = leg;
    (rate < 0 ? rest.end : rest.begin) = at;
    rest.base = to_running (leg, rate, {at, at}).begin;
    out.push_back (rest);
  }
  return out;
}

// ---- Segments --------------------------------------------------------------

namespace {

// In media time.
struct Clock
{
  Time time = 0;
  Time duration = 0;
};

Clock nth (const SegmentList &list, std::uint64_t n)
{
  const SegmentList::Entry &entry = list.entries[n];
  return {entry.time, entry.duration};
}

Clock nth (const SegmentTemplate &pattern, std::uint64_t n)
{
  const auto &runs = pattern.timeline->runs;
  auto run = std::ranges::upper_bound (runs, n, {}, &Timeline::Run::first) - 1;
  std::uint64_t units = run->time + (n - run->first) * run->duration;
  // Both fit: parsers have seen to it.
  Time time = presentation::to_time (units, pattern.timescale).value_or (0);
  Time end = presentation::to_time (units + run->duration, pattern.timescale)
                 .value_or (max_time);
  return {time, end - time};
}

Time offset_of (const Representation &representation)
{
  if (const auto *list = std::get_if<SegmentList> (&representation.segments))
    return list->offset;
  if (const auto *pattern =
          std::get_if<SegmentTemplate> (&representation.segments))
    return presentation::to_time (
        pattern->presentation_time_offset, pattern->timescale)
        .value_or (0);
  return 0;
}

// What begins before the period begins with it.
Time to_presentation (const Stretch &stretch, Time offset, Time media)
{
  Time from_start = media > offset ? media - offset : 0;
  return stretch.start + std::min (from_start, max_time - stretch.start);
}

// The first number from 0 for which it is true; count when there is none.
template <class Predicate>
std::uint64_t first_of (std::uint64_t count, Predicate is_there)
{
  std::uint64_t low = 0;
  while (low < count) {
    std::uint64_t middle = low + (count - low) / 2;
    if (is_there (middle))
      count = middle;
    else
      low = middle + 1;
  }
  return low;
}

}  // namespace

std::uint64_t count_segments (const Representation &representation)
{
  if (const auto *list = std::get_if<SegmentList> (&representation.segments))
    return list->entries.size ();
  if (const auto *pattern =
          std::get_if<SegmentTemplate> (&representation.segments))
    if (pattern->timeline && !pattern->timeline->runs.empty ())
      return pattern->timeline->runs.back ().first +
             pattern->timeline->runs.back ().count;
  return 0;
}

Span place_of (const Stretch &stretch, std::uint64_t segment)
{
  const Representation &representation = *stretch.representation;
  Clock clock;
  if (const auto *list = std::get_if<SegmentList> (&representation.segments))
    clock = nth (*list, segment);
  else if (const auto *pattern =
               std::get_if<SegmentTemplate> (&representation.segments))
    clock = nth (*pattern, segment);
  Time offset = offset_of (representation);
  Time begin = to_presentation (stretch, offset, clock.time);
  Time end = to_presentation (stretch, offset,
      clock.time + std::min (clock.duration, max_time - clock.time));
  return {begin, std::max (begin + 1, end)};
}

Time to_media (const Stretch &stretch, Time time)
{
  Time from_start = time > stretch.start ? time - stretch.start : 0;
  Time offset = offset_of (*stretch.representation);
  return offset + std::min (from_start, max_time - offset);
}

std::uint64_t first_after (const Stretch &stretch, Time time)
{
  return first_of (count_segments (*stretch.representation),
      [&] (std::uint64_t n) { return place_of (stretch, n).end > time; });
}

std::optional<std::uint64_t> last_before (const Stretch &stretch, Time time)
{
  std::uint64_t first = first_of (count_segments (*stretch.representation),
      [&] (std::uint64_t n) { return place_of (stretch, n).begin >= time; });
  if (first == 0) return std::nullopt;
  return first - 1;
}

Time snap (std::span<const Stretch> stretches, Time time, Snap snap)
{
  for (const Stretch &stretch : stretches) {
    std::uint64_t n = first_after (stretch, time);
    if (n == count_segments (*stretch.representation)) continue;
    Span place = place_of (stretch, n);
    // In a hole it begins behind the time.
    if (place.begin >= time || snap == Snap::before) return place.begin;
    if (snap == Snap::after || place.end - time < time - place.begin)
      return place.end;
    return place.begin;
  }
  return time;
}

// ---- The walk --------------------------------------------------------------

// Of another representation, the one that goes on where the last one ended: the
// ends of segments are not the same to the nanosecond. Where they are cut
// otherwise something comes twice, and nothing is left out.
std::optional<std::uint64_t> Walk::following_other (
    const Stretch &stretch) const
{
  std::uint64_t count = count_segments (*stretch.representation);
  auto same = [] (const Span &place) {
    return std::min ((place.end - place.begin) / 2, second / 4);
  };
  if (!is_backward_) {
    std::uint64_t n = first_of (count, [&] (std::uint64_t i) {
      Span place = place_of (stretch, i);
      return place.end > at_ + same (place);
    });
    return n < count ? std::optional (n) : std::nullopt;
  }
  std::uint64_t n = first_of (count, [&] (std::uint64_t i) {
    Span place = place_of (stretch, i);
    return place.begin + same (place) >= at_;
  });
  return n > 0 ? std::optional (n - 1) : std::nullopt;
}

std::optional<std::uint64_t> Walk::following (
    const Stretch &stretch, const Span &wanted) const
{
  std::uint64_t count = count_segments (*stretch.representation);
  if (inside_ && last_ != stretch.representation)
    return following_other (stretch);
  if (is_backward_) {
    if (!inside_) return last_before (stretch, wanted.end);
    return segment_ > 0 ? std::optional (segment_ - 1) : std::nullopt;
  }
  std::uint64_t n =
      inside_ ? segment_ + 1 : first_after (stretch, wanted.begin);
  return n < count ? std::optional (n) : std::nullopt;
}

std::optional<Walk::Step> Walk::next_in (
    std::size_t index, const Stretch &stretch)
{
  Span wanted{std::max (legs_[leg_].begin, stretch.start),
      std::min (legs_[leg_].end, stretch.end)};
  if (passed_ && is_backward_) wanted.end = std::min (wanted.end, *passed_);
  if (passed_ && !is_backward_)
    wanted.begin = std::max (wanted.begin, *passed_);
  if (wanted.begin >= wanted.end) return std::nullopt;
  auto n = following (stretch, wanted);
  if (!n) return std::nullopt;
  Span place = place_of (stretch, *n);
  if (place.begin >= wanted.end || place.end <= wanted.begin)
    return std::nullopt;

  Step step{leg_, index, *n, place, !inside_};
  inside_ = true;
  last_ = stretch.representation;
  segment_ = *n;
  at_ = is_backward_ ? place.begin : place.end;
  return step;
}

std::optional<Walk::Step> Walk::next (std::span<const Stretch> stretches)
{
  for (; leg_ < legs_.size (); leave (leg_)) {
    for (; stretch_ < stretches.size (); stretch_++, inside_ = false) {
      std::size_t index =
          is_backward_ ? stretches.size () - 1 - stretch_ : stretch_;
      if (auto step = next_in (index, stretches[index])) return step;
    }
  }
  return std::nullopt;
}

void Walk::leave (std::size_t leg)
{
  if (leg_ > leg) return;
  leg_ = leg + 1;
  stretch_ = 0;
  inside_ = false;
}

void Walk::pass (Time time)
{
  passed_ = time;
  stretch_ = 0;
  inside_ = false;
}

void Walk::delay (Time by)
{
  for (Leg &leg : legs_) leg.base += std::min (by, max_time - leg.base);
}

void Walk::stop_at (Time running, double rate)
{
  while (legs_.size () > 1 && legs_.back ().base >= running) legs_.pop_back ();
  if (legs_.empty ()) return;
  Leg &last = legs_.back ();
  Time length = running > last.base ? covering (running - last.base, rate) : 0;
  if (last.end - last.begin <= length) return;
  if (is_backward_)
    last.begin = last.end - length;
  else
    last.end = last.begin + length;
}

}  // namespace timeline

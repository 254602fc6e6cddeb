// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"
#include "presentation.h"

// Between the times of a presentation, the segments of its tracks and running
// time: what is played, in which order, and when.
namespace timeline {

using presentation::max_time;
using presentation::Time;

enum class Error
{
  no_number,  // where seconds belong, up to 9 digits behind the point
  no_dash,    // between the two of a range
  no_comma,   // between two ranges
  backwards,  // a range that ends where it begins, or before
  too_late    // beyond max_time
};
[[nodiscard]] const char *to_string (Error error);

template <class T>
using Result = relay::Result<T, Error>;

// From begin up to end, of presentation time. The end max_time: open.
struct Span
{
  Time begin = 0;
  Time end = max_time;
  bool operator== (const Span &) const = default;
};

// "0-112,280.5-300,400-", in seconds, the last one to the end; blanks are
// passed over. In order of time, those that overlap or touch as one. Positions
// of errors are bytes.
[[nodiscard]] Result<std::vector<Span>> parse_spans (std::string_view text);

// What is played in one piece, and the running time at its beginning: its begin
// or, backward, its end.
struct Leg
{
  Time begin = 0;
  Time end = max_time;
  Time base = 0;
  bool operator== (const Leg &) const = default;
};

struct Playing
{
  double rate = 1;  // not 0
  Time begin = 0;
  Time end = max_time;  // backward: of something that has an end
  Time base = 0;
};

// What is to be played but for what is to be left out, in the order of playing
// and in running time without a hole. There is one leg at least, an empty one
// when there is nothing to play.
[[nodiscard]] std::vector<Leg> make_legs (
    const Playing &playing, std::span<const Span> left_out);

// Whether there is anything to play before this time.
[[nodiscard]] bool begin_before (std::span<const Leg> legs, Time time);

// When a time is played; nothing when it is not.
[[nodiscard]] std::optional<Time> to_running (
    std::span<const Leg> legs, double rate, Time time);

// When a part of a leg is played; what is outside is played at its ends.
[[nodiscard]] Span to_running (const Leg &leg, double rate, const Span &span);

// What of the legs is played from a time on, each at its running time. There is
// one at least, an empty one when all of them are over by then.
[[nodiscard]] std::vector<Leg> from (
    std::span<const Leg> legs, double rate, Time time);

// A track in one period.
struct Stretch
{
  const presentation::Representation *representation = nullptr;
  Time start = 0;  // of the period
  Time end = max_time;
};

[[nodiscard]] std::uint64_t count_segments (
    const presentation::Representation &representation);
// Where a segment lies: the end is behind the beginning.
[[nodiscard]] Span place_of (const Stretch &stretch, std::uint64_t segment);
// On the media's own clock.
[[nodiscard]] Time to_media (const Stretch &stretch, Time time);

// The first one that ends behind the time, and the last one that begins before
// it. They are count_segments () and nothing when there is none.
[[nodiscard]] std::uint64_t first_after (const Stretch &stretch, Time time);
[[nodiscard]] std::optional<std::uint64_t> last_before (
    const Stretch &stretch, Time time);

enum class Snap
{
  before,
  after,
  nearest
};
// The beginning of a segment, or the end of the last one.
[[nodiscard]] Time snap (
    std::span<const Stretch> stretches, Time time, Snap snap);

// Legs for who cannot leave out a part of a segment amid what is played: each
// in order of time but the first one begins with a segment, and each but the
// last one ends with one, so that none plays less. Those that touch then are
// one.
[[nodiscard]] std::vector<Leg> to_segments (
    std::vector<Leg> legs, double rate, std::span<const Stretch> stretches);

// Goes through what is to be fetched, segment by segment, in the order of
// playing. The representation of a stretch may be changed on the way: it goes
// on by time, not by number. A value: a copy goes on from the same place.
class Walk
{
public:
  struct Step
  {
    std::size_t leg = 0;
    std::size_t stretch = 0;
    std::uint64_t segment = 0;
    Span place;
    bool begins = false;  // the first one of this leg in this stretch
  };

  Walk () = default;
  Walk (std::vector<Leg> legs, bool is_backward)
      : legs_ (std::move (legs)), is_backward_ (is_backward)
  {
  }

  [[nodiscard]] const std::vector<Leg> &legs () const { return legs_; }
  [[nodiscard]] bool is_backward () const { return is_backward_; }
  // Nothing at the end.
  [[nodiscard]] std::optional<Step> next (std::span<const Stretch> stretches);
  // Goes on behind this leg, if it is not there yet.
  void leave (std::size_t leg);
  // What is played before the segment at this time is passed over.
  void pass (Time time);
  // All of it is played later.
  void delay (Time by);
  // Nothing is played from this running time on.
  void stop_at (Time running, double rate);

private:
  [[nodiscard]] std::optional<Step> next_in (
      std::size_t index, const Stretch &stretch);
  [[nodiscard]] std::optional<std::uint64_t> following (
      const Stretch &stretch, const Span &wanted) const;
  [[nodiscard]] std::optional<std::uint64_t> following_other (
      const Stretch &stretch) const;

  std::vector<Leg> legs_;
  bool is_backward_ = false;
  std::size_t leg_ = 0;
  std::size_t stretch_ = 0;  // in the order of playing
  std::optional<Time> passed_;
  // Of this leg and stretch, after the first segment: the last one, and up to
  // where it was.
  bool inside_ = false;
  const presentation::Representation *last_ = nullptr;
  std::uint64_t segment_ = 0;
  Time at_ = 0;
};

}  // namespace timeline

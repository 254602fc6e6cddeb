// SPDX-License-Identifier: LGPL-2.1-or-later
#include "timeline.h"

#include <memory>
#include <string>
#include <vector>

#include "testutil.h"

using presentation::Representation;
using presentation::SegmentList;
using presentation::SegmentTemplate;
using presentation::Timeline;
using timeline::Error;
using timeline::Leg;
using timeline::max_time;
using timeline::Playing;
using timeline::Snap;
using timeline::Span;
using timeline::Stretch;
using timeline::Time;
using timeline::Walk;

namespace {

constexpr Time s = presentation::second;

// Segments of so many seconds, from the offset of the media's own clock on.
Representation list_of (std::vector<Time> durations, Time offset = 0)
{
  SegmentList list;
  list.offset = offset * s;
  Time at = list.offset;
  for (Time duration : durations) {
    SegmentList::Entry entry;
    entry.time = at;
    entry.duration = duration * s;
    list.entries.push_back (entry);
    at += duration * s;
  }
  Representation out{};
  out.segments = list;
  return out;
}

Representation template_of (
    std::vector<Timeline::Run> runs, std::uint64_t offset = 0)
{
  SegmentTemplate all;
  all.timescale = 10;
  all.presentation_time_offset = offset;
  auto runs_of = std::make_shared<Timeline> ();
  runs_of->runs = std::move (runs);
  all.timeline = runs_of;
  Representation out{};
  out.segments = all;
  return out;
}

// "leg.stretch.segment", with a "!" where it begins.
std::string walked (Walk walk, std::span<const Stretch> stretches)
{
  std::string out;
  while (auto step = walk.next (stretches)) {
    if (!out.empty ()) out += ' ';
    out += std::to_string (step->leg) + '.' + std::to_string (step->stretch) +
           '.' + std::to_string (step->segment) + (step->begins ? "!" : "");
  }
  return out;
}

}  // namespace

GST_START_TEST (spans_are_read)
{
  const struct
  {
    const char *text;
    std::vector<Span> expected;
  } rows[] = {
      {"", {}},
      {"  ", {}},
      {"0-112,280-300", {{0, 112 * s}, {280 * s, 300 * s}}},
      {" 1 - 2 , 4 - 5 ", {{s, 2 * s}, {4 * s, 5 * s}}},
      {"0.5-1.25", {{s / 2, 5 * s / 4}}},
      {"0-0.000000001", {{0, 1}}},
      {"7-", {{7 * s, max_time}}},
      {"7-,1-2", {{s, 2 * s}, {7 * s, max_time}}},
      // In any order, and as one where they meet.
      {"4-6,1-2", {{s, 2 * s}, {4 * s, 6 * s}}},
      {"1-3,2-4", {{s, 4 * s}}},
      {"1-3,3-4", {{s, 4 * s}}},
      {"1-9,2-4", {{s, 9 * s}}},
  };
  for (const auto &row : rows) {
    auto spans = timeline::parse_spans (row.text);
    fail_unless (spans.ok (), "%s", row.text);
    fail_unless (*spans == row.expected, "%s", row.text);
  }
}
GST_END_TEST;

GST_START_TEST (bad_spans_are_refused)
{
  const struct
  {
    const char *text;
    Error error;
    std::size_t position;
  } rows[] = {
      {"x", Error::no_number, 0},
      {"-5", Error::no_number, 0},
      {"1-x", Error::no_number, 2},
      {"1.-2", Error::no_number, 2},
      {"1.0000000001-2", Error::no_number, 11},
      {",", Error::no_number, 0},
      {"1-2,,3-4", Error::no_number, 4},
      {"5", Error::no_dash, 1},
      {"5,6", Error::no_dash, 1},
      {"1-2;3-4", Error::no_comma, 3},
      {"1-2 3-4", Error::no_comma, 4},
      {"2-1", Error::backwards, 2},
      {"1-1", Error::backwards, 2},
      {"9999999999999-", Error::too_late, 0},
      {"1-99999999999999999999999999", Error::too_late, 2},
  };
  for (const auto &row : rows) {
    auto spans = timeline::parse_spans (row.text);
    fail_if (spans.ok (), "%s", row.text);
    fail_unless (spans.code () == row.error, "%s: %s", row.text,
        timeline::to_string (spans.code ()));
    fail_unless_equals_uint64 (spans.position (), row.position);
  }
}
GST_END_TEST;

GST_START_TEST (legs_leave_no_hole_in_running_time)
{
  const struct
  {
    Playing playing;
    std::vector<Span> left_out;
    std::vector<Leg> expected;
  } rows[] = {
      {{1, 0, max_time, 0}, {}, {{0, max_time, 0}}},
      {{1, 5 * s, 9 * s, 0}, {}, {{5 * s, 9 * s, 0}}},
      {{1, 0, max_time, 0}, {{0, 4 * s}}, {{4 * s, max_time, 0}}},
      {{1, 0, max_time, 0}, {{4 * s, 6 * s}},
          {{0, 4 * s, 0}, {6 * s, max_time, 4 * s}}},
      {{2, 0, max_time, 0}, {{4 * s, 6 * s}},
          {{0, 4 * s, 0}, {6 * s, max_time, 2 * s}}},
      {{0.5, 0, max_time, 7 * s}, {{4 * s, 6 * s}},
          {{0, 4 * s, 7 * s}, {6 * s, max_time, 15 * s}}},
      {{1, 5 * s, 20 * s, 0},
          {{4 * s, 6 * s}, {8 * s, 10 * s}, {30 * s, 40 * s}},
          {{6 * s, 8 * s, 0}, {10 * s, 20 * s, 2 * s}}},
      {{1, 0, max_time, 0}, {{4 * s, max_time}}, {{0, 4 * s, 0}}},
      // Backward.
      {{-1, 0, 20 * s, 0}, {{4 * s, 6 * s}},
          {{6 * s, 20 * s, 0}, {0, 4 * s, 14 * s}}},
      {{-2, 3 * s, 8 * s, s}, {{4 * s, 6 * s}},
          {{6 * s, 8 * s, s}, {3 * s, 4 * s, 2 * s}}},
      // Nothing to play.
      {{1, 5 * s, 6 * s, 3 * s}, {{4 * s, 9 * s}}, {{6 * s, 6 * s, 3 * s}}},
      {{1, 5 * s, 5 * s, 0}, {}, {{5 * s, 5 * s, 0}}},
  };
  for (const auto &row : rows)
    fail_unless (
        timeline::make_legs (row.playing, row.left_out) == row.expected);
}
GST_END_TEST;

GST_START_TEST (times_have_a_running_time)
{
  std::vector<Span> left_out = {{4 * s, 6 * s}};
  const struct
  {
    double rate;
    Time time;
    std::optional<Time> expected;
  } rows[] = {
      {1, 0, 0},
      {1, 3 * s, 3 * s},
      {1, 4 * s, std::nullopt},
      {1, 5 * s, std::nullopt},
      {1, 6 * s, 4 * s},
      {1, 7 * s, 5 * s},
      {1, 10 * s, std::nullopt},
      {2, 7 * s, 5 * s / 2},
      {-1, 10 * s, 0},
      {-1, 7 * s, 3 * s},
      {-1, 6 * s, std::nullopt},
      {-1, 4 * s, 4 * s},
      {-1, 1 * s, 7 * s},
      {-2, 1 * s, 7 * s / 2},
  };
  for (const auto &row : rows) {
    std::vector<Leg> legs =
        timeline::make_legs ({row.rate, 0, 10 * s, 0}, left_out);
    fail_unless (
        timeline::to_running (legs, row.rate, row.time) == row.expected);
  }
  // A part, cut at the ends of the leg.
  const Leg leg{4 * s, 8 * s, 10 * s};
  fail_unless (
      timeline::to_running (leg, 1, {2 * s, 6 * s}) == Span ({10 * s, 12 * s}));
  fail_unless (timeline::to_running (leg, -2, {6 * s, 9 * s}) ==
               Span ({10 * s, 11 * s}));
}
GST_END_TEST;

GST_START_TEST (something_may_be_left_to_play)
{
  const struct
  {
    Playing playing;
    std::vector<Span> left_out;
    bool expected;
  } rows[] = {
      {{}, {}, true},
      {{1, 10 * s - 1}, {}, true},
      {{1, 10 * s}, {}, false},
      {{}, {{0, 10 * s}}, false},
      {{}, {{0, max_time}}, false},
      {{}, {{1, max_time}}, true},
      {{1, 4 * s}, {{4 * s, 9 * s}}, true},
      {{1, 4 * s}, {{2 * s, 5 * s}, {6 * s, max_time}}, true},
      {{1, 4 * s}, {{2 * s, max_time}}, false},
  };
  for (const auto &row : rows)
    fail_unless (
        timeline::begin_before (timeline::make_legs (row.playing, row.left_out),
            10 * s) == row.expected);
}
GST_END_TEST;

GST_START_TEST (what_is_left_of_legs)
{
  const std::vector<Leg> forward = {
      {0, 4 * s, s}, {6 * s, 10 * s, 5 * s}, {12 * s, max_time, 9 * s}};
  const std::vector<Leg> ended = {{0, 4 * s, 0}, {6 * s, 10 * s, 4 * s}};
  const std::vector<Leg> backward = {{6 * s, 10 * s, 0}, {0, 4 * s, 2 * s}};
  const struct
  {
    const std::vector<Leg> &legs;
    double rate;
    Time time;
    std::vector<Leg> expected;
  } rows[] = {
      {forward, 1, 0, forward},
      {forward, 1, 3 * s,
          {{3 * s, 4 * s, 4 * s}, {6 * s, 10 * s, 5 * s},
              {12 * s, max_time, 9 * s}}},
      // Between two of them.
      {forward, 1, 4 * s, {{6 * s, 10 * s, 5 * s}, {12 * s, max_time, 9 * s}}},
      {forward, 1, 5 * s, {{6 * s, 10 * s, 5 * s}, {12 * s, max_time, 9 * s}}},
      {forward, 1, 20 * s, {{20 * s, max_time, 17 * s}}},
      {ended, 2, 8 * s, {{8 * s, 10 * s, 5 * s}}},
      // Nothing.
      {ended, 1, 10 * s, {{10 * s, 10 * s, 8 * s}}},
      {ended, 1, 30 * s, {{10 * s, 10 * s, 8 * s}}},
      // Backward.
      {backward, -2, 12 * s, backward},
      {backward, -2, 8 * s, {{6 * s, 8 * s, s}, {0, 4 * s, 2 * s}}},
      {backward, -2, 6 * s, {{0, 4 * s, 2 * s}}},
      {backward, -1, 1 * s, {{0, 1 * s, 5 * s}}},
      {backward, -2, 0, {{0, 0, 4 * s}}},
  };
  for (const auto &row : rows)
    fail_unless (timeline::from (row.legs, row.rate, row.time) == row.expected);
}
GST_END_TEST;

GST_START_TEST (segments_have_a_place)
{
  Representation list = list_of ({4, 4, 2}, 100);
  Representation runs =
      template_of ({{1000, 40, 0, 2}, {1100, 20, 2, 1}}, 1010);
  Representation empty = list_of ({});
  const Stretch of_list{&list, 30 * s, max_time};
  const Stretch of_runs{&runs, 30 * s, max_time};
  fail_unless_equals_uint64 (timeline::count_segments (list), 3);
  fail_unless_equals_uint64 (timeline::count_segments (runs), 3);
  fail_unless_equals_uint64 (timeline::count_segments (empty), 0);
  fail_unless (timeline::place_of (of_list, 1) == Span ({34 * s, 38 * s}));
  // What begins before the period begins with it.
  fail_unless (timeline::place_of (of_runs, 0) == Span ({30 * s, 33 * s}));
  fail_unless (timeline::place_of (of_runs, 1) == Span ({33 * s, 37 * s}));
  fail_unless (timeline::place_of (of_runs, 2) == Span ({39 * s, 41 * s}));
  fail_unless_equals_uint64 (timeline::to_media (of_list, 34 * s), 104 * s);
  fail_unless_equals_uint64 (timeline::to_media (of_runs, 33 * s), 104 * s);
  fail_unless_equals_uint64 (timeline::to_media (of_runs, 3 * s), 101 * s);

  const struct
  {
    Stretch stretch;
    Time time;
    std::uint64_t first_after;
    std::optional<std::uint64_t> last_before;
  } rows[] = {
      {of_list, 0, 0, std::nullopt},
      {of_list, 30 * s, 0, std::nullopt},
      {of_list, 30 * s + 1, 0, 0},
      {of_list, 34 * s - 1, 0, 0},
      {of_list, 34 * s, 1, 0},
      {of_list, 39 * s, 2, 2},
      {of_list, 40 * s, 3, 2},
      // In a hole.
      {of_runs, 38 * s, 2, 1},
      {{&empty, 0, max_time}, 5 * s, 0, std::nullopt},
  };
  for (const auto &row : rows) {
    fail_unless_equals_uint64 (
        timeline::first_after (row.stretch, row.time), row.first_after);
    fail_unless (
        timeline::last_before (row.stretch, row.time) == row.last_before);
  }
}
GST_END_TEST;

// So that nothing that is wanted is left out.
GST_START_TEST (legs_of_whole_segments)
{
  Representation list = list_of ({4, 4, 4, 4});
  const std::vector<Stretch> stretches = {{&list}};
  const struct
  {
    Playing playing;
    std::vector<Span> left_out;
    std::vector<Leg> expected;
  } rows[] = {
      {{1, 0, max_time, 0}, {{4 * s, 8 * s}},
          {{0, 4 * s, 0}, {8 * s, max_time, 4 * s}}},
      {{1, 0, max_time, 3 * s}, {{3 * s, 9 * s}},
          {{0, 4 * s, 3 * s}, {8 * s, max_time, 7 * s}}},
      {{2, 0, max_time, 0}, {{3 * s, 9 * s}},
          {{0, 4 * s, 0}, {8 * s, max_time, 2 * s}}},
      // No segment is in it as a whole.
      {{1, 0, max_time, 0}, {{3 * s, 5 * s}}, {{0, max_time, 0}}},
      {{1, 0, max_time, 0}, {{5 * s, 7 * s}}, {{0, max_time, 0}}},
      // The first leg begins, and the last one ends, where it should.
      {{1, s, 15 * s, 0}, {{0, 2 * s}, {3 * s, 9 * s}},
          {{2 * s, 4 * s, 0}, {8 * s, 15 * s, 2 * s}}},
      {{1, s, max_time, 0}, {{6 * s, max_time}}, {{s, 6 * s, 0}}},
      {{-1, 0, 15 * s, 0}, {{3 * s, 9 * s}},
          {{8 * s, 15 * s, 0}, {0, 4 * s, 7 * s}}},
  };
  for (const auto &row : rows) {
    auto legs =
        timeline::to_segments (timeline::make_legs (row.playing, row.left_out),
            row.playing.rate, stretches);
    fail_unless (legs == row.expected);
  }
}
GST_END_TEST;

GST_START_TEST (snapping_finds_the_ends_of_segments)
{
  Representation first = list_of ({4, 4});
  Representation second = template_of ({{0, 40, 0, 1}, {60, 40, 1, 1}});
  const std::vector<Stretch> stretches = {
      {&first, 0, 8 * s}, {&second, 8 * s, 18 * s}};
  const struct
  {
    Time time;
    Time before, after, nearest;
  } rows[] = {
      {0, 0, 0, 0},
      {s, 0, 4, 0},
      {3 * s, 0, 4, 4},
      {2 * s, 0, 4, 0},
      {4 * s, 4, 4, 4},
      {7 * s, 4, 8, 8},
      {9 * s, 8, 12, 8},
      // In a hole there is nothing to be seen before its end.
      {13 * s, 14, 14, 14},
      {17 * s, 14, 18, 18},
      {25 * s, 25, 25, 25},
  };
  for (const auto &row : rows) {
    auto snapped = [&] (Snap how) {
      return timeline::snap (stretches, row.time, how);
    };
    fail_unless_equals_uint64 (snapped (Snap::before), row.before * s);
    fail_unless_equals_uint64 (snapped (Snap::after), row.after * s);
    fail_unless_equals_uint64 (snapped (Snap::nearest), row.nearest * s);
  }
}
GST_END_TEST;

GST_START_TEST (a_walk_goes_through_what_is_played)
{
  Representation four = list_of ({4, 4, 4, 4});
  Representation late = template_of ({{40, 40, 0, 2}}, 0);
  const std::vector<Stretch> one = {{&four, 0, max_time}};
  const std::vector<Stretch> two = {
      {&four, 0, 16 * s}, {&late, 16 * s, max_time}};
  // Media reaches beyond the end of its period.
  const std::vector<Stretch> cut = {
      {&four, 0, 6 * s}, {&four, 6 * s, max_time}};
  const struct
  {
    std::span<const Stretch> track;
    Playing playing;
    std::vector<Span> left_out;
    const char *expected;
  } rows[] = {
      {one, {}, {}, "0.0.0! 0.0.1 0.0.2 0.0.3"},
      {one, {1, 5 * s, max_time, 0}, {}, "0.0.1! 0.0.2 0.0.3"},
      {one, {1, 5 * s, 8 * s, 0}, {}, "0.0.1!"},
      {one, {1, 5 * s, 8 * s + 1, 0}, {}, "0.0.1! 0.0.2"},
      {one, {1, 16 * s, max_time, 0}, {}, ""},
      {one, {1, 99 * s, max_time, 0}, {}, ""},
      {one, {}, {{0, 8 * s}}, "0.0.2! 0.0.3"},
      {one, {}, {{4 * s, 12 * s}}, "0.0.0! 1.0.3!"},
      // Some of the same segment before and behind what is left out.
      {one, {}, {{5 * s, 6 * s}}, "0.0.0! 0.0.1 1.0.1! 1.0.2 1.0.3"},
      {two, {}, {}, "0.0.0! 0.0.1 0.0.2 0.0.3 0.1.0! 0.1.1"},
      {two, {1, 15 * s, 21 * s, 0}, {}, "0.0.3! 0.1.0!"},
      {two, {1, 17 * s, max_time, 0}, {}, "0.1.0! 0.1.1"},
      {cut, {}, {}, "0.0.0! 0.0.1 0.1.0! 0.1.1 0.1.2 0.1.3"},
      // Backward.
      {one, {-1, 0, 16 * s, 0}, {}, "0.0.3! 0.0.2 0.0.1 0.0.0"},
      {one, {-1, 5 * s, 12 * s, 0}, {}, "0.0.2! 0.0.1"},
      {one, {-1, 8 * s, 12 * s + 1, 0}, {}, "0.0.3! 0.0.2"},
      {one, {-1, 0, 16 * s, 0}, {{4 * s, 12 * s}}, "0.0.3! 1.0.0!"},
      {two, {-1, 3 * s, 21 * s, 0}, {}, "0.1.0! 0.0.3! 0.0.2 0.0.1 0.0.0"},
      {cut, {-1, 0, 8 * s, 0}, {}, "0.1.0! 0.0.1! 0.0.0"},
  };
  for (const auto &row : rows) {
    Walk walk (
        timeline::make_legs (row.playing, row.left_out), row.playing.rate < 0);
    std::string got = walked (walk, row.track);
    fail_unless (
        got == row.expected, "%s instead of %s", got.c_str (), row.expected);
  }
}
GST_END_TEST;

GST_START_TEST (a_walk_goes_on_from_a_copy)
{
  Representation four = list_of ({4, 4, 4, 4});
  const std::vector<Stretch> track = {{&four, 0, max_time}};
  Walk walk (timeline::make_legs ({}, {}), false);
  fail_unless (walk.next (track).has_value ());
  Walk copy = walk;
  fail_unless (walk.next (track)->segment == 1);
  fail_unless (walk.next (track)->segment == 2);
  fail_unless (walked (copy, track) == "0.0.1 0.0.2 0.0.3");
}
GST_END_TEST;

GST_START_TEST (a_walk_leaves_legs_and_passes_times)
{
  Representation four = list_of ({4, 4, 4, 4});
  const std::vector<Stretch> track = {{&four, 0, max_time}};
  const std::vector<Span> left_out = {{9 * s, 10 * s}};
  Walk walk (timeline::make_legs ({}, left_out), false);
  fail_unless (walk.next (track).has_value ());
  Walk left = walk;
  left.leave (0);
  fail_unless (walked (left, track) == "1.0.2! 1.0.3");
  left.leave (0);
  fail_unless (walked (left, track) == "1.0.2! 1.0.3");
  Walk passed = walk;
  passed.pass (5 * s);
  fail_unless (walked (passed, track) == "0.0.1! 0.0.2 1.0.2! 1.0.3");
  passed.pass (11 * s);
  fail_unless (walked (passed, track) == "1.0.2! 1.0.3");
  passed.pass (99 * s);
  fail_unless (walked (passed, track) == "");

  Walk backward (timeline::make_legs ({-1, 0, 16 * s, 0}, left_out), true);
  backward.pass (9 * s);
  fail_unless (walked (backward, track) == "1.0.2! 1.0.1 1.0.0");
}
GST_END_TEST;

GST_START_TEST (a_walk_is_delayed_and_stopped)
{
  Representation four = list_of ({4, 4, 4, 4});
  const std::vector<Stretch> track = {{&four, 0, max_time}};
  const std::vector<Span> left_out = {{6 * s, 10 * s}};
  const struct
  {
    timeline::Playing playing;
    Time delay;
    Time stop;
    std::vector<Leg> legs;
    const char *expected;
  } rows[] = {
      {{1, 0, 16 * s, 0}, 0, 100 * s, {{0, 6 * s, 0}, {10 * s, 16 * s, 6 * s}},
          "0.0.0! 0.0.1 1.0.2! 1.0.3"},
      {{1, 0, max_time, 0}, 0, 8 * s, {{0, 6 * s, 0}, {10 * s, 12 * s, 6 * s}},
          "0.0.0! 0.0.1 1.0.2!"},
      {{1, 0, 16 * s, 0}, 0, 6 * s, {{0, 6 * s, 0}}, "0.0.0! 0.0.1"},
      {{1, 0, 16 * s, 0}, 0, 3 * s, {{0, 3 * s, 0}}, "0.0.0!"},
      {{1, 0, 16 * s, 0}, 0, 0, {{0, 0, 0}}, ""},
      {{1, 0, 16 * s, 0}, 20 * s, 27 * s,
          {{0, 6 * s, 20 * s}, {10 * s, 11 * s, 26 * s}},
          "0.0.0! 0.0.1 1.0.2!"},
      {{1, 0, 16 * s, 0}, 20 * s, 3 * s, {{0, 0, 20 * s}}, ""},
      {{2, 0, 16 * s, 0}, 0, 4 * s, {{0, 6 * s, 0}, {10 * s, 12 * s, 3 * s}},
          "0.0.0! 0.0.1 1.0.2!"},
      {{-1, 0, 16 * s, 0}, 0, 8 * s,
          {{10 * s, 16 * s, 0}, {4 * s, 6 * s, 6 * s}}, "0.0.3! 0.0.2 1.0.1!"},
      {{-2, 0, 16 * s, 0}, 1 * s, 2 * s, {{14 * s, 16 * s, 1 * s}}, "0.0.3!"},
  };
  for (const auto &row : rows) {
    Walk walk (
        timeline::make_legs (row.playing, left_out), row.playing.rate < 0);
    walk.delay (row.delay);
    walk.stop_at (row.stop, row.playing.rate);
    fail_unless (walk.legs () == row.legs);
    std::string got = walked (walk, track);
    fail_unless (got == row.expected, "%s", got.c_str ());
  }
  // Amid it.
  Walk walk (timeline::make_legs ({}, {}), false);
  fail_unless (walk.next (track).has_value ());
  walk.stop_at (9 * s, 1);
  fail_unless (walked (walk, track) == "0.0.1 0.0.2");
  Walk none;
  none.stop_at (1, 1);
  fail_unless (none.legs ().empty ());
}
GST_END_TEST;

GST_START_TEST (another_representation_goes_on_by_time)
{
  // Times of other timescales are not the same to the nanosecond.
  SegmentList shifted;
  for (int i = 0; i < 4; i++) {
    SegmentList::Entry entry;
    entry.time = static_cast<Time> (i) * 4 * s - (i > 0 ? 1000 : 0);
    entry.duration = 4 * s;
    shifted.entries.push_back (entry);
  }
  Representation a = list_of ({4, 4, 4, 4});
  Representation b{};
  b.segments = shifted;
  Representation halves = list_of ({2, 2, 2, 2, 2, 2, 2, 2});
  const struct
  {
    const Representation *from;
    const Representation *to;
    double rate;
    const char *expected;
  } rows[] = {
      {&a, &b, 1, "0.0.1 0.0.2 0.0.3"},
      {&b, &a, 1, "0.0.1 0.0.2 0.0.3"},
      {&a, &halves, 1, "0.0.2 0.0.3 0.0.4 0.0.5 0.0.6 0.0.7"},
      // What comes twice is better than what is missing.
      {&halves, &a, 1, "0.0.0 0.0.1 0.0.2 0.0.3"},
      {&halves, &a, -1, "0.0.3 0.0.2 0.0.1 0.0.0"},
      {&a, &b, -1, "0.0.2 0.0.1 0.0.0"},
      {&b, &a, -1, "0.0.2 0.0.1 0.0.0"},
      {&a, &halves, -1, "0.0.5 0.0.4 0.0.3 0.0.2 0.0.1 0.0.0"},
  };
  for (const auto &row : rows) {
    std::vector<Stretch> track = {{row.from, 0, max_time}};
    Walk walk (
        timeline::make_legs ({row.rate, 0, 16 * s, 0}, {}), row.rate < 0);
    fail_unless (walk.next (track).has_value ());
    track[0].representation = row.to;
    std::string got = walked (walk, track);
    fail_unless (
        got == row.expected, "%s instead of %s", got.c_str (), row.expected);
  }
}
GST_END_TEST;

static Suite *timeline_suite ()
{
  Suite *suite = suite_create ("timeline");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, spans_are_read);
  tcase_add_test (tests, bad_spans_are_refused);
  tcase_add_test (tests, legs_leave_no_hole_in_running_time);
  tcase_add_test (tests, times_have_a_running_time);
  tcase_add_test (tests, something_may_be_left_to_play);
  tcase_add_test (tests, what_is_left_of_legs);
  tcase_add_test (tests, segments_have_a_place);
  tcase_add_test (tests, legs_of_whole_segments);
  tcase_add_test (tests, snapping_finds_the_ends_of_segments);
  tcase_add_test (tests, a_walk_goes_through_what_is_played);
  tcase_add_test (tests, a_walk_goes_on_from_a_copy);
  tcase_add_test (tests, a_walk_leaves_legs_and_passes_times);
  tcase_add_test (tests, a_walk_is_delayed_and_stopped);
  tcase_add_test (tests, another_representation_goes_on_by_time);
  return suite;
}

GST_CHECK_MAIN (timeline)

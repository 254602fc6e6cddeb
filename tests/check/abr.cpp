// SPDX-License-Identifier: LGPL-2.1-or-later
#include "abr.h"

#include "testutil.h"

using abr::Decision;
using abr::Estimate;
using abr::Pace;
using abr::Progress;
using abr::Reason;
using abr::Situation;
using abr::Throughput;
using abr::Transfer;
using presentation::Time;

namespace {

constexpr Time ms = 1'000'000;
constexpr Time second = presentation::second;
constexpr std::uint64_t mbit = 1'000'000;

constexpr std::uint64_t levels[] = {
    400'000, 800'000, 1'500'000, 3'000'000, 6'000'000};

// At 8 Mbit/s: a megabyte in a second.
constexpr std::uint64_t megabyte = 1'000'000;

// Within a percent.
bool is_about (std::uint64_t value, std::uint64_t expected)
{
  return value >= expected - expected / 100 &&
         value <= expected + expected / 100;
}

Situation usual (std::uint64_t rate, double buffer,
    std::optional<std::size_t> current = std::nullopt)
{
  Situation out;
  out.estimate = Estimate{rate, rate};
  out.buffer = static_cast<Time> (buffer * 1e9);
  out.buffer_full = 30 * second;
  out.segment = 4 * second;
  out.current = current;
  return out;
}

}  // namespace

GST_START_TEST (nothing_is_known_at_first)
{
  Throughput all;
  fail_unless (!all.estimate ());
  // What says nothing leaves it so.
  Transfer rows[] = {
      {megabyte, 0, 0, second, 0, true},          // from a cache
      {16383, 0, 0, second},                      // too small
      {megabyte, second, 0, second},              // no time
      {megabyte, second, 0, 0},                   // less than none
      {megabyte, 0, 0, second, second},           // nobody read
      {megabyte, 0, 2 * second, second},          // begins after its end
      {megabyte, 0, 0, second, 0, false, false},  // of another track
  };
  for (const Transfer &row : rows) {
    fail_unless (!all.add (row));
    fail_unless (!all.estimate ());
  }
  fail_unless (all.add ({16384, 0, 0, second}));
  fail_unless (all.estimate ().has_value ());
  all.clear ();
  fail_unless (!all.estimate ());
}
GST_END_TEST;

// Each row: what was transferred, and what the estimate is.
GST_START_TEST (what_counts_and_what_does_not)
{
  struct
  {
    const char *what;
    std::vector<Transfer> transfers;
    std::uint64_t expected;
  } rows[] = {
      {"one", {{megabyte, 0, 0, second}}, 8 * mbit},
      {"the time to the first byte is part of it",
          {{megabyte, 0, second, 2 * second}}, 4 * mbit},
      {"time in between is not",
          {{megabyte, 0, 0, second}, {megabyte, 99 * second, 0, 100 * second}},
          8 * mbit},
      {"nor is time in which nobody read",
          {{megabyte, 0, 0, 10 * second, 9 * second}}, 8 * mbit},
      {"two at once have half of it each",
          {{megabyte, 0, 0, 2 * second}, {megabyte, 0, 0, 2 * second}},
          8 * mbit},
      {"as one and a larger one do",
          {{3 * megabyte, 0, 0, 4 * second}, {megabyte, 0, 0, 4 * second}},
          8 * mbit},
      {"a small one beside it is part of it",
          {{megabyte, 0, 0, second}, {10'000, 0, 500 * ms, 600 * ms}},
          8 * mbit + 80'000},
      {"and one that came at once",
          {{megabyte, 0, 0, second}, {10'000, 0, 500 * ms, 500 * ms}},
          8 * mbit + 80'000},
      {"a small one by itself is not",
          {{megabyte, 0, 0, second}, {10'000, 2 * second, 0, 4 * second}},
          8 * mbit},
      {"nor is one of another track, however slow",
          {{megabyte, 0, 0, second},
              {100'000, 2 * second, second, 4 * second, 0, false, false}},
          8 * mbit},
      {"nor is what came from a cache, however fast",
          {{megabyte, 0, 0, second},
              {megabyte, 2 * second, 0, 2001 * ms, 0, true}},
          8 * mbit},
  };
  for (const auto &row : rows) {
    Throughput all;
    for (const Transfer &transfer : row.transfers) (void)all.add (transfer);
    auto estimate = all.estimate ();
    fail_unless (estimate.has_value (), "%s", row.what);
    fail_unless (is_about (estimate->safe (), row.expected),
        "%s: %" G_GUINT64_FORMAT, row.what, estimate->safe ());
  }
}
GST_END_TEST;

GST_START_TEST (the_last_ones_count_most)
{
  // Ten at 8 Mbit/s, then one at 1 Mbit/s.
  Throughput all;
  for (Time i = 0; i < 10; i++)
    (void)all.add ({megabyte, i * second, 0, (i + 1) * second});
  (void)all.add ({megabyte, 10 * second, 0, 18 * second});
  auto slower = all.estimate ();
  fail_unless (slower->fast < 2 * mbit);
  fail_unless (slower->slow > 3 * mbit);
  fail_unless_equals_uint64 (slower->safe (), slower->fast);
  // And back: the slow one is soon forgotten, though it took so long.
  for (Time i = 0; i < 5; i++)
    (void)all.add (
        {megabyte / 8, (20 + i) * second, 0, (20 + i) * second + 125 * ms});
  auto faster = all.estimate ();
  fail_unless (faster->fast > 7 * mbit);
  fail_unless (faster->slow > 4 * mbit && faster->slow < faster->fast);
  fail_unless_equals_uint64 (faster->safe (), faster->slow);
}
GST_END_TEST;

GST_START_TEST (old_ones_are_forgotten)
{
  Throughput all;
  for (Time i = 0; i < 1000; i++)
    (void)all.add ({20'000, i * second, 0, i * second + ms});
  fail_unless (is_about (all.estimate ()->safe (), 160 * mbit));
  // Rates without end are no infinity.
  all.clear ();
  (void)all.add ({UINT64_MAX, 0, 0, 1});
  fail_unless_equals_uint64 (all.estimate ()->safe (), 1'000'000'000'000'000);
}
GST_END_TEST;

GST_START_TEST (what_waits_in_the_system_says_nothing)
{
  using abr::Stopwatch;
  // All of it is waited for.
  Stopwatch steady (second);
  steady.opened (2 * second);
  steady.enter (2 * second);
  for (Time i = 0; i < 4; i++) {
    steady.waits (2 * second + i * 250 * ms);
    steady.took (1000);
    steady.leave (2 * second + i * 250 * ms + 230 * ms);
    steady.enter (2 * second + i * 250 * ms + 249 * ms);
  }
  Transfer transfer = steady.finish (3 * second);
  fail_unless_equals_uint64 (transfer.bytes, 4000);
  fail_unless_equals_uint64 (transfer.start, 1000 * ms);
  fail_unless_equals_uint64 (transfer.ttfb, 1000 * ms);
  fail_unless_equals_uint64 (transfer.end, 3000 * ms);
  fail_unless_equals_uint64 (transfer.idle, 0);

  // The reader is elsewhere from 3 s to 5 s, and what has come meanwhile takes
  // a tenth of a second.
  Stopwatch held (second);
  held.opened (2 * second);
  held.enter (2 * second);
  held.waits (2 * second);
  held.took (1000);
  held.leave (3 * second);
  held.enter (5 * second);
  held.took (100000);
  held.leave (5100 * ms);
  held.enter (5100 * ms);
  held.waits (5100 * ms);
  held.took (1000);
  transfer = held.finish (6 * second);
  fail_unless_equals_uint64 (transfer.bytes, 2000);
  fail_unless_equals_uint64 (transfer.idle, 2100 * ms);

  // And does not wait any more: all of it was there.
  Stopwatch last (0);
  last.opened (second);
  last.enter (second);
  last.took (1000);
  last.leave (second);
  last.enter (4 * second);
  last.took (100000);
  transfer = last.finish (5 * second);
  fail_unless_equals_uint64 (transfer.bytes, 1000);
  fail_unless_equals_uint64 (transfer.idle, 4000 * ms);
}
GST_END_TEST;

GST_START_TEST (the_pace_is_of_late)
{
  Pace pace (10 * second);
  fail_unless_equals_uint64 (pace.rate (11 * second), 0);
  // A megabyte a second, for 4 s.
  for (Time i = 1; i <= 16; i++)
    pace.add (10 * second + i * 250 * ms, i * megabyte / 4);
  fail_unless (is_about (pace.rate (14 * second), 8 * mbit));
  // Then nothing: after two seconds that is all it says.
  fail_unless (is_about (pace.rate (15 * second), 4 * mbit));
  fail_unless_equals_uint64 (pace.rate (16 * second), 0);
  fail_unless_equals_uint64 (pace.rate (100 * second), 0);
  // And again.
  pace.add (101 * second, 5 * megabyte);
  fail_unless (pace.rate (101 * second) > 0);
  Pace fresh (0);
  fresh.add (0, 5);
  fail_unless_equals_uint64 (fresh.rate (0), 0);
}
GST_END_TEST;

// The rules one by one: what is known, what is chosen, and by which rule.
GST_START_TEST (levels_are_chosen)
{
  Situation unknown;
  unknown.segment = 4 * second;
  Situation unknown_later = unknown;
  unknown_later.current = 3;
  Situation falling = usual (mbit, 30);
  falling.estimate->slow = 9 * mbit;
  Situation lowered = usual (9 * mbit, 25, 1);
  lowered.since_down = 0;
  Situation calm = lowered;
  calm.since_down = 1;
  Situation lowered_again = usual (300'000, 25, 2);
  lowered_again.since_down = 0;
  Situation no_durations = usual (3 * mbit, 0);
  no_durations.segment = 0;
  no_durations.buffer_full = 0;
  Situation out_of_range = usual (9 * mbit, 30, 99);

  struct
  {
    const char *what;
    Situation situation;
    Decision expected;
  } rows[] = {
      {"the first one is a low one", unknown, {0, Reason::start}},
      {"with no news it stays", unknown_later, {3, Reason::start}},
      {"the network, with a full buffer", usual (4 * mbit, 30),
          {3, Reason::throughput}},
      {"not all of the network", usual (6 * mbit, 30), {3, Reason::throughput}},
      {"the slower of the two means", falling, {1, Reason::throughput}},
      {"as high as it goes", usual (900 * mbit, 30), {4, Reason::throughput}},
      {"never below the lowest", usual (1, 30), {0, Reason::throughput}},
      {"an empty buffer wants to be filled", usual (4 * mbit, 0),
          {2, Reason::throughput}},
      {"a half full one less so", usual (4 * mbit, 15),
          {2, Reason::throughput}},
      // 3 Mbit/s for 4 s need 5 s at 2.4 Mbit/s.
      {"a full buffer carries it over", usual (2'400'000, 30, 3),
          {3, Reason::buffer}},
      {"as far as it is worth it", usual (1'600'000, 27, 3),
          {2, Reason::buffer}},
      {"not when it is not full", usual (2'400'000, 24, 3),
          {2, Reason::throughput}},
      // 1.5 Mbit/s need 4.6 s at 1.3 Mbit/s, 3 Mbit/s more than is for it.
      {"what would take too long is not", usual (1'300'000, 30, 3),
          {2, Reason::buffer}},
      {"never up", usual (2 * mbit, 30, 1), {2, Reason::throughput}},
      {"not up at once", lowered, {1, Reason::hysteresis}},
      {"up later", calm, {4, Reason::throughput}},
      {"down at any time", lowered_again, {0, Reason::throughput}},
      {"without durations", no_durations, {2, Reason::throughput}},
      {"a level that is gone", out_of_range, {4, Reason::throughput}},
  };
  for (const auto &row : rows) {
    Decision decision = abr::decide (levels, row.situation, {});
    fail_unless (decision.level == row.expected.level &&
                     decision.reason == row.expected.reason,
        "%s: %zu, %s", row.what, decision.level,
        abr::to_string (decision.reason));
  }
}
GST_END_TEST;

GST_START_TEST (settings_are_obeyed)
{
  Situation unknown;
  fail_unless (abr::decide (levels, unknown, {0.9, 3'000'000}).level == 3);
  fail_unless (abr::decide (levels, unknown, {0.9, 0}).level == 0);
  Situation known = usual (4 * mbit, 30);
  fail_unless (abr::decide (levels, known, {1, 0}).level == 3);
  fail_unless (abr::decide (levels, known, {0.5, 0}).level == 2);
  std::uint64_t one[] = {5 * mbit};
  fail_unless (abr::decide (one, known, {}).level == 0);
  fail_unless (abr::decide (one, unknown, {}).level == 0);
}
GST_END_TEST;

GST_START_TEST (late_segments_are_given_up)
{
  // 3 Mbit/s for 4 s: 1.5 MB, of which half is there.
  Progress half{3, 3 * second, 750'000, 1'500'000, mbit};
  auto with = [&] (auto change) {
    Progress out = half;
    change (out);
    return out;
  };
  struct
  {
    const char *what;
    Progress progress;
    double buffer;
    bool expected;
  } rows[] = {
      // 6 s to go.
      {"in time", half, 6, false},
      {"late, but all others are later",
          with ([] (Progress &p) { p.bytes = 1'400'000; }), 0.5, false},
      // The lowest one takes 1.6 s, which is four tenths of 4 s.
      {"late, but there is still time for another one", half, 4.1, false},
      {"late, and high time", half, 4, true},
      // It would take 114 s.
      {"late, with a long way to go, and time yet",
          with ([] (Progress &p) { p.size = 15'000'000; }), 20, false},
      {"nothing comes any more", with ([] (Progress &p) { p.rate = 0; }), 29,
          true},
      {"not at once", with ([] (Progress &p) { p.elapsed = 999 * ms; }), 1,
          false},
      {"there is no lower one", with ([] (Progress &p) { p.level = 0; }), 1,
          false},
      {"there is no such level", with ([] (Progress &p) { p.level = 5; }), 1,
          false},
      {"the size is not known", with ([] (Progress &p) { p.size = 0; }), 4,
          true},
      {"more has come than there was to come",
          with ([] (Progress &p) { p.bytes = 9'000'000; }), 0, false},
  };
  for (const auto &row : rows) {
    fail_unless (abr::abandon (levels, row.progress,
                     usual (mbit, row.buffer)) == row.expected,
        "%s", row.what);
  }
}
GST_END_TEST;

GST_START_TEST (bola_is_worth_what_the_buffer_is)
{
  constexpr Time low = 10 * second;
  constexpr Time high = 30 * second;
  fail_unless (abr::bola (levels, 0, low, high) == 0);
  fail_unless (abr::bola (levels, low, low, high) == 0);
  fail_unless (abr::bola (levels, high, low, high) == 4);
  fail_unless (abr::bola (levels, 99 * second, low, high) == 4);
  // All of them, and never less with more.
  std::size_t last = 0;
  for (Time buffer = 0; buffer <= high; buffer += 10 * ms) {
    std::size_t level = abr::bola (levels, buffer, low, high);
    fail_unless (level == last || level == last + 1);
    last = level;
  }
  fail_unless (last == 4);

  std::uint64_t one[] = {5};
  std::uint64_t same[] = {5, 5, 5};
  std::uint64_t unknown[] = {0, 0};
  std::uint64_t pairs[] = {5, 5, 50, 50};
  fail_unless (abr::bola (one, 20 * second, low, high) == 0);
  fail_unless (abr::bola (same, 20 * second, low, high) == 2);
  fail_unless (abr::bola (unknown, 20 * second, low, high) == 1);
  fail_unless (abr::bola (pairs, 10 * second, low, high) == 0);
  fail_unless (abr::bola (pairs, 11 * second, low, high) == 2);
  fail_unless (abr::bola (pairs, 29 * second, low, high) == 2);
  // No room between low and high.
  fail_unless (abr::bola (levels, second, second, second) == 4);
  fail_unless (abr::bola (levels, 0, second, second) == 0);
}
GST_END_TEST;

static Suite *abr_suite ()
{
  Suite *suite = suite_create ("abr");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, nothing_is_known_at_first);
  tcase_add_test (tests, what_counts_and_what_does_not);
  tcase_add_test (tests, the_last_ones_count_most);
  tcase_add_test (tests, old_ones_are_forgotten);
  tcase_add_test (tests, what_waits_in_the_system_says_nothing);
  tcase_add_test (tests, the_pace_is_of_late);
  tcase_add_test (tests, levels_are_chosen);
  tcase_add_test (tests, settings_are_obeyed);
  tcase_add_test (tests, late_segments_are_given_up);
  tcase_add_test (tests, bola_is_worth_what_the_buffer_is);
  return suite;
}

GST_CHECK_MAIN (abr)

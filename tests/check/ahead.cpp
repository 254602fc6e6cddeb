// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ahead.h"

#include <vector>

#include "testutil.h"

using ahead::Lane;
using ahead::Limits;

namespace {

constexpr presentation::Time s = presentation::second;

// Up to where it is sent and fetched, in seconds, and how many segments that
// is.
Lane lane (presentation::Time sent, presentation::Time fetched,
    unsigned segments, std::uint64_t bytes = 0)
{
  Lane out;
  out.is_active = true;
  out.sent = sent * s;
  out.fetched = fetched * s;
  out.segments = segments;
  out.bytes = bytes;
  return out;
}

Lane asleep (Lane lane)
{
  lane.is_active = false;
  return lane;
}

}  // namespace

GST_START_TEST (each_limit_is_one)
{
  const struct
  {
    Limits limits;
    Lane lane;
    bool is_full;
    bool may_read;
  } rows[] = {
      {{0, 0, 0}, lane (0, 0, 0), true, true},
      {{2, 0, 0}, lane (4, 4, 0), false, true},
      {{2, 0, 0}, lane (4, 8, 1), false, true},
      {{2, 0, 0}, lane (4, 12, 2), true, true},
      {{9, 8 * s, 0}, lane (4, 11, 2), false, true},
      {{9, 8 * s, 0}, lane (4, 12, 2), true, true},
      // What is sent may be ahead of what was fetched: nothing is.
      {{9, 8 * s, 0}, lane (12, 4, 0), false, true},
      {{9, 0, 1000}, lane (4, 8, 1, 999), false, true},
      {{9, 0, 1000}, lane (4, 8, 1, 1000), true, false},
  };
  for (const auto &row : rows) {
    fail_unless (ahead::is_full (row.limits, row.lane) == row.is_full);
    fail_unless (ahead::may_read (row.limits, row.lane) == row.may_read);
  }
}
GST_END_TEST;

GST_START_TEST (nobody_leaves_the_slowest_behind)
{
  const Limits limits{3, 0, 1000};
  const struct
  {
    Lane self;
    std::vector<Lane> others;
    bool expected;
  } rows[] = {
      {lane (4, 4, 0), {}, true},
      {lane (4, 4, 0), {lane (4, 4, 0)}, true},
      // One segment ahead, and no second one.
      {lane (4, 8, 1), {lane (4, 4, 0)}, false},
      {lane (4, 8, 1), {lane (4, 8, 1)}, true},
      {lane (4, 8, 1), {lane (4, 12, 2)}, true},
      // Of several the slowest counts.
      {lane (4, 8, 1), {lane (4, 12, 2), lane (4, 6, 1)}, false},
      // Who has no room has nothing to do, nor who sleeps.
      {lane (4, 8, 1), {lane (0, 6, 3)}, true},
      {lane (4, 8, 1), {lane (0, 6, 1, 1000)}, true},
      {lane (4, 8, 1), {asleep (lane (0, 0, 0))}, true},
      {lane (4, 16, 3), {lane (4, 16, 3)}, false},
  };
  for (const auto &row : rows)
    fail_unless (
        ahead::may_begin (limits, row.self, row.others) == row.expected);
}
GST_END_TEST;

GST_START_TEST (the_emptiest_says_how_full_it_is)
{
  Lane half = lane (4, 12, 2, 100);
  half.whole = 1;
  half.there = 8 * s;
  Lane full = half;
  full.whole = 2;
  full.there = 12 * s;
  const struct
  {
    Limits limits;
    std::vector<Lane> lanes;
    int expected;
  } rows[] = {
      {{2, 0, 0}, {}, 100},
      {{2, 0, 0}, {half}, 50},
      {{2, 0, 0}, {full}, 100},
      {{2, 0, 0}, {full, half}, 50},
      {{2, 0, 0}, {full, asleep (half)}, 100},
      // What is first at its limit.
      {{4, 4 * s, 0}, {half}, 100},
      {{4, 16 * s, 0}, {half}, 25},
      {{4, 0, 125}, {half}, 80},
      {{4, 0, 100}, {half}, 100},
  };
  for (const auto &row : rows)
    fail_unless_equals_int (
        ahead::percent (row.limits, row.lanes), row.expected);
}
GST_END_TEST;

static Suite *ahead_suite ()
{
  Suite *suite = suite_create ("ahead");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, each_limit_is_one);
  tcase_add_test (tests, nobody_leaves_the_slowest_behind);
  tcase_add_test (tests, the_emptiest_says_how_full_it_is);
  return suite;
}

GST_CHECK_MAIN (ahead)

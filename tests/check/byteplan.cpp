// SPDX-License-Identifier: LGPL-2.1-or-later
#include "byteplan.h"

#include <string>
#include <vector>

#include "testutil.h"

using byteplan::Move;
using byteplan::Plan;
using byteplan::Use;

GST_START_TEST (what_is_done_with_what_is_there)
{
  using std::chrono::seconds;
  constexpr byteplan::There nothing{true, false, false, seconds (0)};
  constexpr byteplan::There filling{false, false, true, seconds (0)};
  constexpr byteplan::There part{false, false, false, seconds (5)};
  constexpr byteplan::There whole{false, true, false, seconds (5)};
  constexpr byteplan::Limits fresh{10, 0};
  constexpr byteplan::Limits for_ever{-1, 0};
  constexpr byteplan::Limits stale{4, 0};
  constexpr byteplan::Limits grace{4, 1};
  constexpr byteplan::Limits long_grace{4, -1};
  constexpr byteplan::Upstream source{true, true};
  constexpr byteplan::Upstream demuxer{true, false};
  constexpr byteplan::Upstream none{false, false};
  struct Row
  {
    Use use;
    byteplan::There there;
    byteplan::Limits limits;
    byteplan::Upstream upstream;
    Plan plan;
  };
  const std::vector<Row> rows{
      {Use::all, nothing, fresh, source, Plan::record},
      {Use::all, nothing, fresh, none, Plan::record},
      {Use::all, filling, fresh, source, Plan::serve},
      {Use::all, filling, stale, source, Plan::serve},
      {Use::all, part, fresh, source, Plan::serve},
      {Use::all, part, fresh, none, Plan::serve},
      {Use::all, part, fresh, demuxer, Plan::record},
      {Use::all, whole, fresh, demuxer, Plan::serve},
      {Use::all, whole, fresh, none, Plan::serve},
      {Use::all, whole, for_ever, source, Plan::serve},
      {Use::all, whole, stale, source, Plan::check},
      {Use::all, part, stale, source, Plan::check},
      {Use::all, whole, stale, none, Plan::record},
      {Use::all, whole, stale, demuxer, Plan::record},
      {Use::all, whole, grace, source, Plan::grace},
      {Use::all, whole, long_grace, source, Plan::grace},
      {Use::all, whole, long_grace, demuxer, Plan::serve},
      {Use::read_only, nothing, fresh, source, Plan::pass},
      {Use::read_only, part, fresh, source, Plan::pass},
      {Use::read_only, whole, fresh, source, Plan::serve},
      {Use::read_only, whole, stale, source, Plan::pass},
      {Use::write_only, nothing, fresh, source, Plan::record},
      {Use::write_only, part, fresh, source, Plan::record},
      {Use::write_only, whole, fresh, source, Plan::pass},
      {Use::write_only, whole, stale, source, Plan::record},
      {Use::refresh, nothing, fresh, source, Plan::renew},
      {Use::refresh, whole, fresh, source, Plan::renew},
  };
  for (std::size_t i = 0; i < rows.size (); i++) {
    const Row &row = rows[i];
    Plan plan = byteplan::plan (row.use, row.there, row.limits, row.upstream);
    fail_unless (plan == row.plan, "row %zu: %d", i, static_cast<int> (plan));
  }
}
GST_END_TEST;

GST_START_TEST (how_upstream_gets_there)
{
  struct Row
  {
    byteplan::Place place;
    std::uint64_t wanted;
    bool rest;
    Move move;
  };
  const std::vector<Row> rows{
      // It has not started.
      {{false, false, 0, false, false}, 0, true, Move::go},
      {{false, false, 0, false, false}, 0, false, Move::seek},
      {{false, false, 0, false, false}, 7, true, Move::seek},
      {{false, false, 0, true, false}, 0, false, Move::go},
      {{false, false, 0, true, false}, 7, true, Move::start_and_seek},
      // It waits somewhere.
      {{true, false, 7, true, false}, 7, true, Move::go},
      {{true, false, 7, true, false}, 9, true, Move::seek},
      {{true, false, 7, false, false}, 7, false, Move::seek},
      {{true, false, 7, false, false}, 5, true, Move::seek},
      {{true, true, 7, false, false}, 7, true, Move::seek},
      // It cannot be sent anywhere.
      {{true, false, 7, false, true}, 9, false, Move::go},
      {{true, false, 7, false, true}, 5, true, Move::none},
      {{true, true, 7, false, true}, 9, true, Move::none},
  };
  for (std::size_t i = 0; i < rows.size (); i++) {
    const Row &row = rows[i];
    Move move = byteplan::approach (row.place, row.wanted, row.rest);
    fail_unless (move == row.move, "row %zu: %d", i, static_cast<int> (move));
  }
}
GST_END_TEST;

static Suite *byteplan_suite ()
{
  Suite *suite = suite_create ("byteplan");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_is_done_with_what_is_there);
  tcase_add_test (tests, how_upstream_gets_there);
  return suite;
}

GST_CHECK_MAIN (byteplan)

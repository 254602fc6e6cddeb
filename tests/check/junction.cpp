// SPDX-License-Identifier: LGPL-2.1-or-later
#include "junction.h"

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <thread>

#include "testutil.h"

namespace {

using junction::Branch;
using junction::Entry;
using junction::Junction;
using junction::Mode;
using Failure = Junction::Failure;

constexpr unsigned any = ~0U;

bool goes_on ()
{
  return false;
}

template <class Function>
auto later (Function function)
{
  return std::async (std::launch::async, function);
}

struct Rig
{
  explicit Rig (std::size_t count)
  {
    for (std::size_t i = 0; i < count; i++) {
      branches.push_back (std::make_shared<Branch> ());
      junction.add (branches.back ());
      junction.link (*branches.back ());
    }
  }
  // Returns when so many wait, and `future`, which is one of them, stays.
  template <class T>
  bool waits (std::size_t count, std::future<T> &future)
  {
    while (junction.waits () < count) std::this_thread::yield ();
    return future.wait_for (std::chrono::milliseconds (20)) ==
           std::future_status::timeout;
  }
  Junction junction;
  std::atomic<bool> gives_up = false;
  std::vector<std::shared_ptr<Branch>> branches;
};

}  // namespace

GST_START_TEST (as_a_tee_nobody_waits)
{
  Rig rig (1);
  auto admit = [&] { return rig.junction.admit (goes_on); };
  fail_unless (admit () == Entry::stopped);
  rig.junction.start (false);
  fail_unless (admit () == Entry::pass);
  fail_unless (rig.junction.pass_by () == Entry::pass);
  fail_unless (rig.branches[0]->live);
  rig.junction.flush (true);
  fail_unless (admit () == Entry::stopped);
  fail_unless (rig.junction.pass_by () == Entry::stopped);
  rig.junction.flush (false);
  fail_unless (admit () == Entry::pass);
  rig.junction.stop ();
  fail_unless (admit () == Entry::stopped);
}
GST_END_TEST;

GST_START_TEST (upstream_waits_until_something_happens)
{
  struct Row
  {
    const char *what;
    std::function<void (Rig &)> change;
    Entry entry;
  };
  const std::array<Row, 6> rows{{
      {"stop", [] (Rig &r) { r.junction.stop (); }, Entry::stopped},
      {"flush", [] (Rig &r) { r.junction.flush (true); }, Entry::stopped},
      {"unlink", [] (Rig &r) { r.junction.unlink (); }, Entry::stopped},
      {"giving up", [] (Rig &r) { r.gives_up = true; }, Entry::stopped},
      {"failure", [] (Rig &r) { (void)r.junction.fail (0, 0); }, Entry::pass},
      {"the end", [] (Rig &r) { (void)r.junction.end (*r.branches[0]); },
          Entry::over},
  }};
  for (const Row &row : rows) {
    Rig rig (1);
    rig.junction.start (true);
    fail_if (rig.branches[0]->live);
    auto upstream = later ([&] {
      return rig.junction.admit ([&] { return rig.gives_up.load (); });
    });
    fail_unless (rig.waits (1, upstream));
    row.change (rig);
    fail_unless (upstream.get () == row.entry, "%s", row.what);
  }
}
GST_END_TEST;

// Who plays on, and who has nobody to play for.
GST_START_TEST (upstream_is_over_when_nobody_plays)
{
  Rig rig (3);
  Branch &lonely = *rig.branches[2];
  rig.junction.start (true);
  auto upstream = later ([&] { return rig.junction.admit (goes_on); });
  auto play = later ([&] {
    return rig.junction.may_play (lonely, 0, true, rig.junction.links (lonely));
  });
  fail_unless (rig.waits (2, play));
  fail_if (rig.junction.end (*rig.branches[0]));
  fail_unless (rig.waits (2, upstream));
  fail_unless (rig.junction.end (*rig.branches[1]));
  fail_unless (upstream.get () == Entry::over);
  // One that comes now is played to, but upstream is no help any more.
  rig.junction.link (lonely);
  fail_unless (play.get ());
  fail_unless (rig.junction.fail (0, 0) == Failure::too_late);
  // Another run begins anew.
  rig.junction.stop ();
  rig.junction.start (true);
  fail_unless (rig.junction.fail (0, 0) == Failure::first);
}
GST_END_TEST;

GST_START_TEST (who_must_not_wait_passes_by)
{
  Rig rig (1);
  rig.junction.start (true);
  fail_unless (rig.junction.pass_by () == Entry::drop);
  fail_unless (rig.junction.fail (0, 0) == Failure::too_late);
  fail_unless (rig.junction.pass_by () == Entry::drop);
  rig.junction.stop ();
  fail_unless (rig.junction.pass_by () == Entry::stopped);
  // Nothing was missed yet.
  rig.junction.start (true);
  fail_unless (rig.junction.fail (0, 0) == Failure::first);
  fail_unless (rig.junction.pass_by () == Entry::pass);
}
GST_END_TEST;

GST_START_TEST (a_branch_waits_for_a_peer)
{
  Rig rig (0);
  auto branch = std::make_shared<Branch> ();
  rig.junction.start (true);
  rig.junction.add (branch);
  auto play = [&] (unsigned links) {
    return later (
        [&, links] { return rig.junction.may_play (*branch, 0, true, links); });
  };
  auto first = play (0);
  fail_unless (rig.waits (1, first));
  rig.junction.link (*branch);
  fail_unless (first.get ());
  // It had one, which went.
  auto second = play (rig.junction.links (*branch));
  fail_unless (rig.waits (1, second));
  rig.junction.link (*branch);
  fail_unless (second.get ());
  fail_unless (rig.junction.may_play (*branch, 0, true, any));
  auto third = play (rig.junction.links (*branch));
  rig.junction.remove (*branch);
  fail_if (third.get ());
  fail_unless (branch->removed);
}
GST_END_TEST;

GST_START_TEST (stop_ends_a_branch)
{
  Rig rig (1);
  rig.junction.start (true);
  auto branch = later ([&] {
    return rig.junction.may_play (
        *rig.branches[0], 0, true, rig.junction.links (*rig.branches[0]));
  });
  fail_unless (rig.waits (1, branch));
  rig.junction.stop ();
  fail_if (branch.get ());
  // And another run begins anew.
  rig.junction.start (true);
  fail_unless (rig.junction.may_play (*rig.branches[0], 0, true, any));
}
GST_END_TEST;

GST_START_TEST (who_is_behind_is_joined_where_the_cache_failed)
{
  Rig rig (4);
  Branch &finder = *rig.branches[0];
  Branch &behind = *rig.branches[1];
  Branch &beyond = *rig.branches[2];
  Branch &ended = *rig.branches[3];
  auto may_play = [&] (Branch &branch, std::size_t index, bool boundary) {
    return rig.junction.may_play (branch, index, boundary, any);
  };
  rig.junction.start (true);
  fail_unless (may_play (finder, 5, true));
  fail_unless (may_play (behind, 3, true));
  fail_unless (may_play (beyond, 8, true));
  fail_if (rig.junction.end (ended));
  fail_unless (rig.junction.fail (5, 500) == Failure::first);
  fail_unless (rig.junction.mode () == Mode::resume);
  fail_unless (rig.junction.resume_bytes () == 500);
  // Another that gets there at the same time, and one to which it is no use.
  fail_unless (rig.junction.fail (5, 500) == Failure::known);
  fail_unless (rig.junction.fail (9, 900) == Failure::too_late);

  auto upstream = later ([&] { return rig.junction.join (); });
  fail_if (may_play (finder, 5, true));
  fail_unless (finder.live);
  fail_unless (rig.waits (1, upstream));
  // On its way, and in the slice before the place.
  fail_unless (may_play (behind, 4, true));
  fail_unless (may_play (behind, 5, false));
  fail_unless (rig.waits (1, upstream));
  fail_if (may_play (behind, 5, true));
  fail_unless (upstream.get ());
  fail_unless (rig.junction.mode () == Mode::tee);
  fail_unless (behind.live);
  fail_if (beyond.live);
  fail_if (ended.live);
  fail_unless (may_play (beyond, 9, true));
  fail_unless (rig.junction.fail (9, 900) == Failure::too_late);
}
GST_END_TEST;

GST_START_TEST (who_has_no_peer_is_not_waited_for)
{
  Rig rig (1);
  auto lonely = std::make_shared<Branch> ();
  rig.junction.add (lonely);
  rig.junction.start (true);
  auto play =
      later ([&] { return rig.junction.may_play (*lonely, 0, true, 0); });
  fail_unless (rig.waits (1, play));
  fail_unless (rig.junction.fail (2, 20) == Failure::first);
  fail_if (rig.junction.may_play (*rig.branches[0], 2, true, any));
  fail_unless (rig.junction.join ());
  fail_if (play.get ());
  fail_unless (lonely->live);
}
GST_END_TEST;

GST_START_TEST (a_join_is_ended_by_stop_flush_and_removal)
{
  for (int way = 0; way < 3; way++) {
    Rig rig (1);
    rig.junction.start (true);
    (void)rig.junction.fail (2, 20);
    auto upstream = later ([&] { return rig.junction.join (); });
    fail_unless (rig.waits (1, upstream));
    if (way == 0) rig.junction.stop ();
    if (way == 1) rig.junction.flush (true);
    if (way == 2) rig.junction.remove (*rig.branches[0]);
    fail_unless (upstream.get () == (way == 2));
  }
}
GST_END_TEST;

GST_START_TEST (the_last_to_end_is_told_so)
{
  Rig rig (2);
  auto lonely = std::make_shared<Branch> ();
  rig.junction.add (lonely);
  rig.junction.start (true);
  auto play =
      later ([&] { return rig.junction.may_play (*lonely, 0, true, 0); });
  fail_unless (rig.waits (1, play));
  fail_if (rig.junction.end (*rig.branches[0]));
  // One without a peer may never end.
  fail_unless (rig.junction.end (*rig.branches[1]));
  rig.junction.stop ();
  fail_if (play.get ());
}
GST_END_TEST;

GST_START_TEST (what_is_missing_comes_from_upstream)
{
  Rig rig (1);
  rig.junction.start (true);
  auto upstream = later ([&] { return rig.junction.admit (goes_on); });
  fail_unless (rig.waits (1, upstream));
  rig.junction.want (true);
  fail_unless (upstream.get () == Entry::fill);
  // As long as it is wanted, and also when all have played to the end.
  fail_unless (rig.junction.end (*rig.branches[0]));
  fail_unless (rig.junction.admit (goes_on) == Entry::fill);
  rig.junction.want (false);
  fail_unless (rig.junction.admit (goes_on) == Entry::over);
  // One that is sent back is not at the end.
  rig.junction.again (*rig.branches[0]);
  auto waits = later ([&] { return rig.junction.admit (goes_on); });
  fail_unless (rig.waits (1, waits));
  rig.junction.flush (true);
  fail_unless (waits.get () == Entry::stopped);
}
GST_END_TEST;

GST_START_TEST (who_feeds_may_turn_out_late)
{
  Rig rig (2);
  rig.junction.start (true);
  fail_unless (rig.junction.feed ());
  fail_unless (rig.junction.mode () == Mode::tee && rig.junction.is_open ());
  for (const auto &branch : rig.branches) {
    fail_unless (branch->live);
    fail_if (rig.junction.may_play (*branch, 0, true, any));
  }
  fail_if (rig.junction.feed ());
  rig.junction.stop ();

  rig.junction.start (false);
  rig.junction.replay ();
  fail_unless (rig.junction.mode () == Mode::replay);
  fail_if (rig.junction.is_open ());
  for (const auto &branch : rig.branches) {
    fail_if (branch->live);
    fail_unless (rig.junction.may_play (*branch, 0, true, any));
  }
}
GST_END_TEST;

static Suite *junction_suite ()
{
  Suite *suite = suite_create ("junction");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, as_a_tee_nobody_waits);
  tcase_add_test (tests, upstream_waits_until_something_happens);
  tcase_add_test (tests, upstream_is_over_when_nobody_plays);
  tcase_add_test (tests, who_must_not_wait_passes_by);
  tcase_add_test (tests, a_branch_waits_for_a_peer);
  tcase_add_test (tests, stop_ends_a_branch);
  tcase_add_test (tests, who_is_behind_is_joined_where_the_cache_failed);
  tcase_add_test (tests, who_has_no_peer_is_not_waited_for);
  tcase_add_test (tests, a_join_is_ended_by_stop_flush_and_removal);
  tcase_add_test (tests, the_last_to_end_is_told_so);
  tcase_add_test (tests, what_is_missing_comes_from_upstream);
  tcase_add_test (tests, who_feeds_may_turn_out_late);
  return suite;
}

GST_CHECK_MAIN (junction)

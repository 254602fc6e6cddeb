// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/guarded.h"

#include <chrono>
#include <thread>

#include "testutil.h"

namespace {
struct State
{
  int value = 0;
  bool stop = false;
};
}  // namespace

GST_START_TEST (counts_of_two_threads_add_up)
{
  relay::Guarded<State> state;
  auto count = [&] {
    for (int i = 0; i < 10000; i++) state.lock ()->value++;
  };
  {
    std::jthread one (count);
    std::jthread two (count);
  }
  fail_unless_equals_int (state.copy ().value, 20000);
}
GST_END_TEST;

GST_START_TEST (a_wait_ends_when_told)
{
  relay::Guarded<State> state;
  std::condition_variable changed;
  std::jthread waiter ([&] {
    auto access = state.lock ();
    access.wait (changed, [] (const State &s) { return s.stop; });
    access->value = 1;
  });
  {
    state.lock ()->stop = true;
  }
  changed.notify_all ();
  waiter.join ();
  fail_unless_equals_int (state.copy ().value, 1);
}
GST_END_TEST;

GST_START_TEST (a_wait_has_a_limit)
{
  relay::Guarded<State> state;
  std::condition_variable changed;
  auto access = state.lock ();
  fail_if (access.wait_for (changed, std::chrono::milliseconds (1),
      [] (const State &s) { return s.stop; }));
}
GST_END_TEST;

GST_START_TEST (unlock_lets_others_in)
{
  relay::Guarded<State> state;
  auto access = state.lock ();
  access.unlock ();
  state.lock ()->value = 5;
  access.lock ();
  fail_unless_equals_int (access->value, 5);
}
GST_END_TEST;

static Suite *guarded_suite ()
{
  Suite *suite = suite_create ("guarded");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, counts_of_two_threads_add_up);
  tcase_add_test (tests, a_wait_ends_when_told);
  tcase_add_test (tests, a_wait_has_a_limit);
  tcase_add_test (tests, unlock_lets_others_in);
  return suite;
}

GST_CHECK_MAIN (guarded)

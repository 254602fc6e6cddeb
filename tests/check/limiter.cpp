// SPDX-License-Identifier: LGPL-2.1-or-later
#include "limiter.h"

#include <optional>
#include <thread>
#include <vector>

#include "testutil.h"

using namespace std::chrono_literals;
using limiter::Limiter;
using limiter::Outcome;
using limiter::Ticket;

GST_START_TEST (as_many_as_allowed_go)
{
  Limiter limiter;
  Ticket a (limiter, {"h", 2, false, 1ms});
  Ticket b (limiter, {"h", 2, false, 1ms});
  fail_unless (a.wait () == Outcome::granted);
  fail_unless (b.wait () == Outcome::granted);
  Ticket c (limiter, {"h", 2, false, 1ms});
  fail_unless (c.wait () == Outcome::no_progress);
  // Another host has its own count; who has no limit does not wait.
  Ticket d (limiter, {"other", 1, false, 1ms});
  fail_unless (d.wait () == Outcome::granted);
  Ticket e (limiter, {"h", 0, false, 1ms});
  fail_unless (e.wait () == Outcome::granted);
}
GST_END_TEST;

GST_START_TEST (who_has_one_sees_that_others_wait)
{
  Limiter limiter;
  Ticket a (limiter, {"h", 1, false, 1ms});
  Ticket other (limiter, {"other", 1, false, 1ms});
  fail_unless (a.is_granted () && !a.is_wanted ());
  auto b =
      std::make_optional<Ticket> (limiter, limiter::Request{"h", 1, true, 1ms});
  auto c =
      std::make_optional<Ticket> (limiter, limiter::Request{"h", 2, true, 1ms});
  fail_unless (!b->is_granted () && !c->is_granted ());
  fail_unless (a.is_wanted () && !other.is_wanted ());
  // The other one goes beside it.
  b.reset ();
  fail_unless (c->is_granted () && !a.is_wanted ());
}
GST_END_TEST;

GST_START_TEST (each_compares_with_its_own_limit)
{
  Limiter limiter;
  Ticket a (limiter, {"h", 1, false, 1ms});
  fail_unless (a.wait () == Outcome::granted);
  Ticket b (limiter, {"h", 3, false, 1ms});
  fail_unless (b.wait () == Outcome::granted);
  Ticket c (limiter, {"h", 2, false, 1ms});
  fail_unless (c.wait () == Outcome::no_progress);
}
GST_END_TEST;

GST_START_TEST (the_first_is_served_first)
{
  Limiter limiter;
  auto busy = std::make_optional<Ticket> (
      limiter, limiter::Request{"h", 1, false, 0ms});
  fail_unless (busy->wait () == Outcome::granted);
  std::vector<std::unique_ptr<Ticket>> queue;
  // The urgent ones before the others, and in their order. The last may go with
  // one beside it, but not past those before it.
  for (int i = 0; i < 5; i++)
    queue.push_back (std::make_unique<Ticket> (
        limiter, limiter::Request{"h", i == 4 ? 5u : 1u, i % 2 == 1, 1ms}));
  busy.reset ();
  for (std::size_t next : {1u, 3u, 0u, 2u, 4u}) {
    for (std::size_t i = 0; i < queue.size (); i++)
      if (queue[i] && i != next && (next != 2 || i != 4))
        fail_unless (queue[i]->wait () == Outcome::no_progress, "%u before %u",
            static_cast<unsigned> (i), static_cast<unsigned> (next));
    fail_unless (queue[next]->wait () == Outcome::granted);
    queue[next].reset ();
  }
}
GST_END_TEST;

GST_START_TEST (one_that_leaves_the_queue_lets_the_next_go)
{
  Limiter limiter;
  Ticket a (limiter, {"h", 2, false, 0ms});
  auto narrow = std::make_optional<Ticket> (
      limiter, limiter::Request{"h", 1, false, 1ms});
  Ticket wide (limiter, {"h", 2, false, 1ms});
  fail_unless (wide.wait () == Outcome::no_progress);
  narrow.reset ();
  fail_unless (wide.wait () == Outcome::granted);
}
GST_END_TEST;

GST_START_TEST (waiting_is_broken_by_stop)
{
  Limiter limiter;
  Ticket a (limiter, {"h", 1, false, 0ms});
  Ticket b (limiter, {"h", 1, false, 0ms});
  std::jthread stopper ([&b] { b.stop (); });
  fail_unless (b.wait () == Outcome::stopped);
  // Also when it was stopped first.
  Ticket c (limiter, {"h", 0, false, 0ms});
  c.stop ();
  fail_unless (c.wait () == Outcome::stopped);
}
GST_END_TEST;

// As long as the others get on, and no longer.
GST_START_TEST (progress_is_waited_for)
{
  Limiter limiter;
  auto a = std::make_optional<Ticket> (
      limiter, limiter::Request{"h", 1, false, 0ms});
  fail_unless (a->wait () == Outcome::granted);
  Ticket b (limiter, {"h", 1, false, 200ms});
  auto start = limiter::Clock::now ();
  limiter::Clock::duration longest_gap{};
  std::jthread progressing ([&] {
    auto last = start;
    for (auto now = start; now - start < 600ms;) {
      a->progress ();
      std::this_thread::yield ();
      now = limiter::Clock::now ();
      longest_gap = std::max (longest_gap, now - last);
      last = now;
    }
  });
  fail_unless (b.wait () == Outcome::no_progress);
  auto waited = limiter::Clock::now () - start;
  progressing.join ();
  // On a busy machine that thread may itself not get on.
  fail_unless (waited >= 200ms);
  fail_unless (waited >= 750ms || longest_gap >= 150ms);
  std::jthread releasing ([&] { a.reset (); });
  fail_unless (b.wait () == Outcome::granted);
}
GST_END_TEST;

GST_START_TEST (threads_never_are_too_many)
{
  Limiter limiter;
  std::atomic<int> active = 0;
  std::atomic<int> most = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; i++)
      threads.emplace_back ([&] {
        for (int round = 0; round < 200; round++) {
          Ticket ticket (limiter, {"h", 3, round % 5 == 0, 0ms});
          if (round % 7 == 0) continue;  // leaves without having waited
          (void)ticket.wait ();
          int now = ++active;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak (seen, now)) {
          }
          std::this_thread::yield ();
          active--;
        }
      });
  }
  fail_unless (most >= 1 && most <= 3);
}
GST_END_TEST;

static Suite *limiter_suite ()
{
  Suite *suite = suite_create ("limiter");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, as_many_as_allowed_go);
  tcase_add_test (tests, who_has_one_sees_that_others_wait);
  tcase_add_test (tests, each_compares_with_its_own_limit);
  tcase_add_test (tests, the_first_is_served_first);
  tcase_add_test (tests, one_that_leaves_the_queue_lets_the_next_go);
  tcase_add_test (tests, waiting_is_broken_by_stop);
  tcase_add_test (tests, progress_is_waited_for);
  tcase_add_test (tests, threads_never_are_too_many);
  return suite;
}

GST_CHECK_MAIN (limiter)

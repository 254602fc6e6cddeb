// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backlog.h"

#include <cstdlib>
#include <random>
#include <vector>

#include "sanitized.h"
#include "testutil.h"

namespace {

using backlog::Bound;
using backlog::Facts;
using backlog::Start;
using Log = backlog::Log<int>;

Facts data (std::uint64_t bytes, std::uint64_t time, bool keyframe = false)
{
  Facts facts;
  facts.bytes = bytes;
  facts.time = time;
  facts.keyframe = keyframe;
  return facts;
}

Facts header ()
{
  Facts facts = data (1, backlog::no_time);
  facts.header = true;
  return facts;
}

Facts sticky (std::uint32_t slot, bool resets = false, bool flushes = false)
{
  Facts facts;
  facts.event = true;
  facts.slot = slot;
  facts.resets = resets;
  facts.flushes = flushes;
  return facts;
}

std::uint64_t start (const Log &log, Start where, Bound burst = {})
{
  return log.start (where, burst).number;
}

}  // namespace

GST_START_TEST (a_reader_starts_where_it_says)
{
  Log log ({});
  log.append (sticky (1), 100);
  // Keyframes at 1, 4 and 7.
  for (int i = 0; i < 9; i++)
    log.append (data (10, static_cast<std::uint64_t> (i) * 10, i % 3 == 0), i);
  assert_equals_uint64 (log.head (), 10);
  assert_equals_uint64 (start (log, Start::beginning), 0);
  assert_equals_uint64 (start (log, Start::latest_keyframe), 7);
  assert_equals_uint64 (start (log, Start::live), 10);
  assert_equals_uint64 (start (log, Start::next_keyframe), 10);
  fail_unless (log.start (Start::next_keyframe, {}).waits);
  fail_unless (!log.start (Start::live, {}).waits);
  // 45 bytes are 4 entries, 40 of time 5, both the less.
  assert_equals_uint64 (start (log, Start::burst, {45, 0}), 6);
  assert_equals_uint64 (start (log, Start::burst, {0, 40}), 5);
  assert_equals_uint64 (start (log, Start::burst, {45, 40}), 6);
  assert_equals_uint64 (start (log, Start::burst, {}), 10);
  assert_equals_uint64 (start (log, Start::burst_keyframe, {45, 0}), 7);
  assert_equals_uint64 (start (log, Start::burst_keyframe, {60, 0}), 4);
  // None in the burst: the latest before it.
  assert_equals_uint64 (start (log, Start::burst_keyframe, {20, 0}), 7);
}
GST_END_TEST;

GST_START_TEST (without_a_keyframe_it_waits_for_one)
{
  Log log ({});
  log.append (data (1, 0), 1);
  for (Start where :
      {Start::latest_keyframe, Start::burst_keyframe, Start::next_keyframe}) {
    Log::Place place = log.start (where, {100, 0});
    fail_unless (place.waits);
    assert_equals_uint64 (place.number, 1);
  }
  // The whole stream can be read, and does not wait.
  fail_unless (!log.start (Start::beginning, {}).waits);
}
GST_END_TEST;

GST_START_TEST (what_holds_is_of_the_place)
{
  Log log ({});
  log.append (sticky (1), 10);
  log.append (sticky (3), 30);
  log.append (data (1, 0, true), 0);
  log.append (sticky (3), 31);
  log.append (sticky (2), 20);
  log.append (data (1, 1, true), 1);
  log.append (sticky (1, true), 11);
  log.append (data (1, 2, true), 2);
  fail_unless (log.start (Start::beginning, {}).held.empty ());
  fail_unless (
      log.start (Start::burst, {2, 0}).held == (std::vector<int>{10, 20, 31}));
  // A new stream takes it away.
  fail_unless (
      log.start (Start::latest_keyframe, {}).held == (std::vector<int>{11}));
}
GST_END_TEST;

GST_START_TEST (the_last_headers_come_first)
{
  Log log ({});
  log.append (header (), 1);
  log.append (data (1, 0, true), 2);
  log.append (header (), 3);
  log.append (header (), 4);
  log.append (data (1, 0), 5);
  fail_unless (log.start (Start::live, {}).headers == (std::vector<int>{3, 4}));
  fail_unless (
      log.start (Start::latest_keyframe, {}).headers == (std::vector<int>{1}));
  // One that starts with headers has them.
  Log::Place place = log.start (Start::burst, {3, 0});
  assert_equals_uint64 (place.number, 2);
  fail_unless (place.headers.empty ());
  fail_unless (log.start (Start::beginning, {}).headers.empty ());
}
GST_END_TEST;

GST_START_TEST (what_is_too_much_goes)
{
  Log by_bytes ({4 * (100 + backlog::entry_cost), 0});
  Log by_time ({0, 30});
  for (int i = 0; i < 100; i++) {
    Facts facts = data (100, static_cast<std::uint64_t> (i) * 10, i % 3 == 0);
    by_bytes.append (facts, i);
    by_time.append (facts, i);
  }
  assert_equals_uint64 (by_bytes.first (), 96);
  assert_equals_uint64 (by_time.first (), 96);
  // That happens to be a keyframe; with one more it is the next one.
  assert_equals_uint64 (start (by_bytes, Start::beginning), 96);
  by_bytes.append (data (100, 1000), 100);
  assert_equals_uint64 (by_bytes.first (), 97);
  assert_equals_uint64 (start (by_bytes, Start::beginning), 99);
  // One that is too large alone is kept until the next one comes.
  by_bytes.append (data (1U << 30, 1010), 101);
  assert_equals_uint64 (by_bytes.first (), 101);
}
GST_END_TEST;

GST_START_TEST (a_flush_leaves_what_it_does_not_take)
{
  Log log ({});
  log.append (sticky (1), 10);
  log.append (sticky (2, false, true), 20);
  log.append (header (), 1);
  log.append (data (1, 5, true), 2);
  log.flush ();
  assert_equals_uint64 (log.first (), 4);
  assert_equals_uint64 (log.head (), 4);
  Log::Place place = log.start (Start::live, {});
  fail_unless (place.held == (std::vector<int>{10}));
  fail_unless (place.headers.empty ());
  fail_unless (!log.newest ());
}
GST_END_TEST;

namespace {

// All that was ever appended, and what follows from it in the plainest way.
struct Model
{
  struct Entry
  {
    Facts facts;
    int item;
  };
  std::vector<Entry> all;
  // Since the last flush.
  std::size_t epoch = 0;

  std::optional<std::uint64_t> keyframe (std::uint64_t from) const
  {
    for (std::size_t i = from; i < all.size (); i++)
      if (!all[i].facts.event && all[i].facts.keyframe) return i;
    return std::nullopt;
  }
  std::optional<std::uint64_t> last_keyframe (std::uint64_t first) const
  {
    for (std::size_t i = all.size (); i > first; i--)
      if (!all[i - 1].facts.event && all[i - 1].facts.keyframe) return i - 1;
    return std::nullopt;
  }
  std::uint64_t newest () const
  {
    std::uint64_t time = 0;
    for (std::size_t i = epoch; i < all.size (); i++)
      if (!all[i].facts.event && all[i].facts.time != backlog::no_time)
        time = std::max (time, all[i].facts.time);
    return time;
  }
  bool fits (std::uint64_t from, Bound burst) const
  {
    std::uint64_t bytes = 0;
    for (std::size_t i = from; i < all.size (); i++) {
      const Facts &facts = all[i].facts;
      if (facts.event) continue;
      bytes += facts.bytes;
      if (burst.time != 0 && facts.time != backlog::no_time &&
          newest () - facts.time > burst.time)
        return false;
    }
    return burst.bytes == 0 || bytes <= burst.bytes;
  }
  std::uint64_t burst (std::uint64_t first, Bound burst) const
  {
    std::uint64_t best = all.size ();
    if (burst.bytes == 0 && burst.time == 0) return best;
    for (std::uint64_t from = all.size (); from > first; from--)
      if (!all[from - 1].facts.event && fits (from - 1, burst)) best = from - 1;
    return best;
  }
  std::vector<int> held (std::uint64_t at) const
  {
    std::map<std::uint32_t, std::size_t> slots;
    for (std::size_t i = 0; i <= at && i <= all.size (); i++) {
      if (i == epoch)
        std::erase_if (slots,
            [&] (const auto &slot) { return all[slot.second].facts.flushes; });
      if (i == at) break;
      if (all[i].facts.resets) slots.clear ();
      if (all[i].facts.slot != 0) slots[all[i].facts.slot] = i;
    }
    std::vector<int> out;
    for (const auto &slot : slots) out.push_back (all[slot.second].item);
    return out;
  }
  std::vector<int> headers (std::uint64_t at) const
  {
    if (at < all.size () && !all[at].facts.event && all[at].facts.header)
      return {};
    std::vector<int> out;
    bool in_run = false;
    for (std::size_t i = epoch; i < at; i++) {
      const Facts &facts = all[i].facts;
      if (facts.event) {
        if (facts.resets) out.clear ();
        continue;
      }
      if (facts.header && !in_run) out.clear ();
      if (facts.header) out.push_back (all[i].item);
      in_run = facts.header;
    }
    return out;
  }
};

void check_start (const Log &log, const Model &model, Start where, Bound burst)
{
  std::uint64_t oldest = log.first ();
  std::optional<std::uint64_t> wanted;
  bool lost = false;
  for (std::size_t i = model.epoch; i < oldest; i++)
    lost |= !model.all[i].facts.event;
  switch (where) {
    case Start::beginning:
      wanted = lost ? model.keyframe (oldest) : oldest;
      break;
    case Start::latest_keyframe:
      wanted = model.last_keyframe (oldest);
      break;
    case Start::burst:
      wanted = model.burst (oldest, burst);
      break;
    case Start::burst_keyframe:
      wanted = model.keyframe (model.burst (oldest, burst));
      if (!wanted) wanted = model.last_keyframe (oldest);
      break;
    case Start::live:
      wanted = log.head ();
      break;
    case Start::next_keyframe:
      break;
  }
  Log::Place place = log.start (where, burst);
  fail_unless (place.waits == !wanted);
  assert_equals_uint64 (place.number, wanted.value_or (log.head ()));
  fail_unless (place.held == model.held (place.number));
  fail_unless (place.headers == model.headers (place.number));
  // From there on it is what came, each once.
  for (std::uint64_t i = place.number; i < log.head (); i++)
    fail_unless (log.at (i).item == model.all[i].item);
}

Facts any_facts (std::mt19937 &random, std::uint64_t &time)
{
  auto below = [&] (std::uint32_t limit) {
    return static_cast<std::uint32_t> (random () % limit);
  };
  std::uint32_t kind = below (10);
  if (kind == 0) return sticky (1, below (2) == 0);
  if (kind == 1) return sticky (2 + below (3), false, below (2) == 0);
  if (kind == 2) return sticky (0);
  time += below (20);
  Facts facts = data (below (2000), below (8) == 0 ? backlog::no_time : time);
  facts.keyframe = below (5) == 0;
  facts.header = below (6) == 0;
  return facts;
}

void play (unsigned seed)
{
  std::mt19937 random (seed);
  Bound bound;
  if (random () % 3 != 0) bound.bytes = 300 + random () % 20000;
  if (random () % 3 == 0) bound.time = 1 + random () % 200;
  Log log (bound);
  Model model;
  std::uint64_t time = 0;
  for (int step = 0; step < 60; step++) {
    if (random () % 40 == 0) {
      log.flush ();
      model.epoch = model.all.size ();
      time = 0;
    }
    Facts facts = any_facts (random, time);
    log.append (facts, step);
    model.all.push_back ({facts, step});
    assert_equals_uint64 (log.head (), model.all.size ());
    if (bound.bytes != 0 && log.head () - log.first () > 1)
      fail_unless (log.cost () <= bound.bytes);
    Bound burst;
    if (random () % 2 == 0) burst.bytes = random () % 8000;
    if (random () % 2 == 0) burst.time = random () % 100;
    check_start (log, model, static_cast<Start> (random () % 6), burst);
  }
}

}  // namespace

GST_START_TEST (it_does_what_the_model_does)
{
  const char *rounds = std::getenv ("RELAY_ROUNDS");
  unsigned seeds = test::is_sanitized () ? 150 : 3000;
  if (rounds != nullptr) seeds = static_cast<unsigned> (std::atoi (rounds));
  for (unsigned seed = 1; seed <= seeds; seed++) play (seed);
}
GST_END_TEST;

static Suite *backlog_suite (void)
{
  Suite *suite = suite_create ("backlog");
  TCase *tests = tcase_create ("backlog");
  tcase_add_test (tests, a_reader_starts_where_it_says);
  tcase_add_test (tests, without_a_keyframe_it_waits_for_one);
  tcase_add_test (tests, what_holds_is_of_the_place);
  tcase_add_test (tests, the_last_headers_come_first);
  tcase_add_test (tests, what_is_too_much_goes);
  tcase_add_test (tests, a_flush_leaves_what_it_does_not_take);
  tcase_add_test (tests, it_does_what_the_model_does);
  suite_add_tcase (suite, tests);
  return suite;
}

GST_CHECK_MAIN (backlog);

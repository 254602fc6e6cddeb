// SPDX-License-Identifier: LGPL-2.1-or-later
#include "s3fifo.h"

#include <deque>
#include <optional>
#include <random>

#include "sanitized.h"
#include "testutil.h"

namespace {

using Cache = s3fifo::Cache<unsigned, unsigned>;

// Algorithm 1 of the paper as it is printed, on plain lists, with sizes.
class Model
{
public:
  explicit Model (std::size_t limit) : limit_ (limit) {}

  bool find (unsigned key)
  {
    for (std::deque<Thing> *queue : {&small_, &main_})
      for (Thing &thing : *queue)
        if (thing.key == key) {
          thing.uses = std::min (thing.uses + 1, 3);
          return true;
        }
    return false;
  }

  bool insert (unsigned key, std::size_t size, std::vector<unsigned> &gone)
  {
    if (size > limit_ || is_in (small_, key) || is_in (main_, key))
      return false;
    bool was_ghost = std::erase_if (
        ghost_, [&] (const Thing &thing) { return thing.key == key; });
    while (bytes () + size > limit_) evict (gone);
    (was_ghost ? main_ : small_).push_front ({key, size, 0});
    return true;
  }

  void set_limit (std::size_t limit, std::vector<unsigned> &gone)
  {
    limit_ = limit;
    while (bytes () > limit_) evict (gone);
    trim ();
  }

  [[nodiscard]] std::size_t bytes () const
  {
    return sum (small_) + sum (main_);
  }
  [[nodiscard]] std::size_t ghost_bytes () const { return sum (ghost_); }
  [[nodiscard]] std::size_t count () const
  {
    return small_.size () + main_.size ();
  }

private:
  struct Thing
  {
    unsigned key;
    std::size_t size;
    int uses;
  };

  static std::size_t sum (const std::deque<Thing> &queue)
  {
    std::size_t bytes = 0;
    for (const Thing &thing : queue) bytes += thing.size;
    return bytes;
  }
  static bool is_in (const std::deque<Thing> &queue, unsigned key)
  {
    return std::any_of (queue.begin (), queue.end (),
        [&] (const Thing &thing) { return thing.key == key; });
  }
  void trim ()
  {
    while (sum (ghost_) > limit_ - limit_ / 10) ghost_.pop_back ();
  }
  void evict (std::vector<unsigned> &gone)
  {
    bool small = sum (small_) >= limit_ / 10 || main_.empty ();
    if (!small_.empty () && small)
      evict_small (gone);
    else
      evict_main (gone);
  }
  void evict_small (std::vector<unsigned> &gone)
  {
    while (!small_.empty ()) {
      Thing thing = small_.back ();
      small_.pop_back ();
      if (thing.uses <= 1) {
        gone.push_back (thing.key);
        ghost_.push_front (thing);
        trim ();
        return;
      }
      main_.push_front ({thing.key, thing.size, 0});
      if (sum (main_) > limit_ - limit_ / 10) evict_main (gone);
    }
  }
  void evict_main (std::vector<unsigned> &gone)
  {
    while (!main_.empty ()) {
      Thing thing = main_.back ();
      main_.pop_back ();
      if (thing.uses == 0) {
        gone.push_back (thing.key);
        return;
      }
      main_.push_front ({thing.key, thing.size, thing.uses - 1});
    }
  }

  std::size_t limit_;
  std::deque<Thing> small_;
  std::deque<Thing> main_;
  std::deque<Thing> ghost_;
};

// As a reader does: looks, and puts in what is not there.
bool visit (Cache &cache, unsigned key, std::size_t size = 1)
{
  if (cache.find (key) != nullptr) return true;
  std::vector<unsigned> gone;
  cache.insert (key, key, size, gone);
  return false;
}

void run_model (unsigned seed)
{
  std::minstd_rand random (seed + 1);
  auto below = [&] (unsigned n) {
    return static_cast<unsigned> (random () >> 7) % n;
  };
  std::size_t limit = below (200);
  const unsigned keys = 1 + below (80);
  const unsigned largest = 1 + below (30);
  Cache cache (limit);
  Model model (limit);
  for (unsigned step = 0; step < 300; step++) {
    // Low keys are asked for more often.
    unsigned key = below (1 + below (keys));
    std::vector<unsigned> gone;
    std::vector<unsigned> expected;
    if (below (50) == 0) {
      limit = below (200);
      cache.set_limit (limit, gone);
      model.set_limit (limit, expected);
    } else if (below (2) == 0) {
      unsigned *value = cache.find (key);
      fail_unless ((value != nullptr) == model.find (key),
          "seed %u step %u key %u", seed, step, key);
      fail_if (value != nullptr && *value != key);
    } else {
      std::size_t size = below (largest);
      fail_unless (cache.insert (key, key, size, gone) ==
                       model.insert (key, size, expected),
          "seed %u step %u key %u", seed, step, key);
    }
    fail_unless (gone == expected, "seed %u step %u", seed, step);
    fail_unless (cache.bytes () == model.bytes () && cache.bytes () <= limit);
    fail_unless (cache.ghost_bytes () == model.ghost_bytes ());
    fail_unless (cache.count () == model.count ());
  }
}

}  // namespace

GST_START_TEST (goes_as_the_paper_says)
{
  const unsigned seeds = test::is_sanitized () ? 100 : 2000;
  for (unsigned seed = 0; seed < seeds; seed++) run_model (seed);
}
GST_END_TEST;

GST_START_TEST (has_a_bound)
{
  Cache cache (10);
  std::vector<unsigned> gone;
  fail_unless (cache.insert (1, 1, 10, gone));
  fail_if (cache.insert (1, 1, 1, gone), "it is there");
  fail_if (cache.insert (2, 2, 11, gone), "larger than the space");
  fail_unless (gone.empty ());
  fail_unless (cache.insert (3, 3, 1, gone));
  fail_unless (gone == std::vector<unsigned>{1});
  fail_unless (cache.bytes () == 1);
  cache.set_limit (0, gone);
  fail_unless (gone == (std::vector<unsigned>{1, 3}));
  fail_unless (cache.bytes () == 0 && cache.ghost_bytes () == 0);
  fail_if (cache.insert (3, 3, 1, gone));
}
GST_END_TEST;

// What the queues are for: one long stream does not push out what is used.
GST_START_TEST (a_long_stream_passes_through)
{
  Cache cache (100);
  for (unsigned round = 0; round < 4; round++)
    for (unsigned key = 0; key < 50; key++) visit (cache, key);
  for (unsigned key = 1000; key < 11000; key++) visit (cache, key);
  unsigned left = 0;
  for (unsigned key = 0; key < 50; key++) left += visit (cache, key);
  fail_unless (left == 50, "%u of 50 are left", left);
}
GST_END_TEST;

GST_START_TEST (a_ghost_comes_back_to_stay)
{
  Cache cache (100);
  visit (cache, 1);
  for (unsigned key = 1000; key < 1150; key++) visit (cache, key);
  fail_unless (cache.find (1) == nullptr);
  // Asked for again while its ghost is there.
  visit (cache, 1);
  for (unsigned key = 2000; key < 2150; key++) visit (cache, key);
  fail_unless (cache.find (1) != nullptr);
}
GST_END_TEST;

static Suite *s3fifo_suite ()
{
  Suite *suite = suite_create ("s3fifo");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, goes_as_the_paper_says);
  tcase_add_test (tests, has_a_bound);
  tcase_add_test (tests, a_long_stream_passes_through);
  tcase_add_test (tests, a_ghost_comes_back_to_stay);
  return suite;
}

GST_CHECK_MAIN (s3fifo)

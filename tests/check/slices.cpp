// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slices.h"

#include <atomic>
#include <thread>

#include "testutil.h"

namespace {

using slices::Chunk;
using slices::Memory;
using slices::Share;
using test::Bytes;

Chunk chunk (std::uint8_t value, std::size_t size = 10)
{
  auto owner = std::make_shared<const Bytes> (size, value);
  return {*owner, owner};
}

}  // namespace

GST_START_TEST (what_was_found_stays)
{
  Memory memory (100);
  memory.insert ({1, 0}, chunk (7));
  auto found = memory.find ({1, 0});
  fail_unless (found && found->bytes.size () == 10 && found->bytes[9] == 7);
  // The same bytes, and not a copy.
  fail_unless (memory.find ({1, 0})->bytes.data () == found->bytes.data ());
  fail_if (memory.find ({1, 1}).has_value ());
  fail_if (memory.find ({2, 0}).has_value ());
  memory.set_limit (0);
  fail_if (memory.find ({1, 0}).has_value ());
  fail_unless (found->bytes[9] == 7);
  fail_unless (found->owner.use_count () == 1);

  slices::Stats stats = memory.stats ();
  fail_unless (stats.hits == 2 && stats.misses == 3 && stats.evictions == 1);
  fail_unless (stats.bytes == 0 && stats.slices == 0 && stats.limit == 0);
}
GST_END_TEST;

GST_START_TEST (the_largest_share_counts)
{
  {
    Share small (100);
    fail_unless (small.memory ().stats ().limit == 100);
    {
      Share large (1000);
      fail_unless (&large.memory () == &small.memory ());
      fail_unless (small.memory ().stats ().limit == 1000);
      large.memory ().insert ({1, 0}, chunk (1, 600));
      fail_unless (small.memory ().find ({1, 0}).has_value ());
    }
    fail_unless (small.memory ().stats ().limit == 100);
    fail_unless (small.memory ().stats ().bytes == 0);
    small.memory ().insert ({1, 0}, chunk (1));
    Share same (100);
  }
  Share later (100);
  fail_if (later.memory ().find ({1, 0}).has_value (), "it went with the last");
}
GST_END_TEST;

GST_START_TEST (many_threads)
{
  Memory memory (1000);
  std::atomic<unsigned> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; i++) {
    threads.emplace_back ([&, i] {
      for (unsigned step = 0; step < 20000; step++) {
        unsigned index = (step * 7 + i * step) % 200;
        auto found = memory.find ({5, index});
        if (found && found->bytes[3] != index) wrong++;
        if (!found) memory.insert ({5, index}, chunk (index & 255U));
        if (step % 5000 == 0) memory.set_limit (500 + step / 10);
      }
    });
  }
  for (std::thread &thread : threads) thread.join ();
  fail_unless (wrong == 0, "%u wrong", wrong.load ());
  slices::Stats stats = memory.stats ();
  fail_unless (stats.bytes == stats.slices * 10 && stats.bytes <= stats.limit);
}
GST_END_TEST;

// A block goes back when its last user goes, and is used again, within a limit.
GST_START_TEST (blocks_are_used_again)
{
  slices::Pool pool (100000);
  std::shared_ptr<std::uint8_t[]> first = pool.take (40000);
  std::shared_ptr<std::uint8_t[]> second = pool.take (40000);
  std::shared_ptr<std::uint8_t[]> third = pool.take (40000);
  const std::uint8_t *place = first.get ();
  fail_unless (place != second.get ());
  fail_unless (pool.free_bytes () == 0);
  std::shared_ptr<std::uint8_t[]> other = first;
  first = nullptr;
  fail_unless (pool.free_bytes () == 0);
  other = nullptr;
  fail_unless (pool.free_bytes () >= 40000);
  // Neither for what needs more, nor for what would waste it.
  fail_unless (pool.take (90000).get () != place);
  fail_unless (pool.take (10).get () != place);
  first = pool.take (39000);
  fail_unless (first.get () == place);
  std::size_t before = pool.free_bytes ();
  first = nullptr;
  second = nullptr;
  third = nullptr;
  fail_unless (pool.free_bytes () > before && pool.free_bytes () <= 100000);
  // Who holds one may outlive the pool.
  auto gone = std::make_unique<slices::Pool> (100000);
  std::shared_ptr<std::uint8_t[]> last = gone->take (100);
  gone = nullptr;
  last[99] = 1;
}
GST_END_TEST;

static Suite *slices_suite ()
{
  Suite *suite = suite_create ("slices");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_was_found_stays);
  tcase_add_test (tests, the_largest_share_counts);
  tcase_add_test (tests, many_threads);
  tcase_add_test (tests, blocks_are_used_again);
  return suite;
}

GST_CHECK_MAIN (slices)

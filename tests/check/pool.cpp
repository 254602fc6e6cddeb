// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pool.h"

#include <limits>
#include <thread>

#include "testutil.h"

using pool::Block;
using pool::Pool;

GST_START_TEST (sizes_are_rounded_up)
{
  struct Case
  {
    std::size_t asked;
    std::size_t given;
  };
  const Case cases[] = {{0, 4096}, {1, 4096}, {4096, 4096}, {4097, 8192},
      {70000, 131072}, {1048576, 1048576}, {1048577, 1052672}};
  Pool pool;
  for (const Case &c : cases) {
    Block block = pool.take (c.asked);
    fail_unless (block.data != nullptr);
    fail_unless_equals_uint64 (block.size, c.given);
    block.data.get ()[block.size - 1] = 1;
  }
  fail_unless (
      pool.take (std::numeric_limits<std::size_t>::max ()).data == nullptr);
}
GST_END_TEST;

GST_START_TEST (the_last_one_back_goes_out_first)
{
  Pool pool;
  Block a = pool.take (4096);
  Block b = pool.take (4096);
  Block c = pool.take (8192);
  const std::uint8_t *first = a.data.get ();
  const std::uint8_t *second = b.data.get ();
  const std::uint8_t *larger = c.data.get ();
  pool.give_back (std::move (b));
  pool.give_back (std::move (c));
  pool.give_back (std::move (a));
  fail_unless_equals_uint64 (pool.idle (), 16384);
  fail_unless (pool.take (10).data.get () == first);
  Block again = pool.take (4000);
  fail_unless (again.data.get () == second);
  fail_unless (pool.take (5000).data.get () == larger);
}
GST_END_TEST;

GST_START_TEST (idle_memory_has_a_limit)
{
  Pool pool;
  std::vector<Block> blocks;
  for (int i = 0; i < 20; i++) blocks.push_back (pool.take (Pool::largest));
  for (Block &block : blocks) pool.give_back (std::move (block));
  fail_unless_equals_uint64 (pool.idle (), Pool::most_idle);
  // What is larger is not kept at all.
  Pool other;
  other.give_back (other.take (Pool::largest + 1));
  other.give_back (Block{});
  fail_unless_equals_uint64 (other.idle (), 0);
}
GST_END_TEST;

GST_START_TEST (the_largest_go_first)
{
  Pool pool;
  std::vector<Block> blocks;
  for (std::size_t size : {4096u, 65536u, 65536u, 262144u})
    blocks.push_back (pool.take (size));
  for (Block &block : blocks) pool.give_back (std::move (block));
  pool.trim (131072 + 4096);
  fail_unless_equals_uint64 (pool.idle (), 131072 + 4096);
  pool.trim (70000);
  fail_unless_equals_uint64 (pool.idle (), 65536 + 4096);
  pool.trim (0);
  fail_unless_equals_uint64 (pool.idle (), 0);
  fail_unless (pool.take (65536).data != nullptr);
}
GST_END_TEST;

GST_START_TEST (threads_get_blocks_of_their_own)
{
  Pool pool;
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; thread++)
      threads.emplace_back ([&pool, &wrong, thread] {
        for (int i = 0; i < 2000; i++) {
          Block block = pool.take (4096);
          auto mark = static_cast<std::uint8_t> (thread);
          block.data.get ()[0] = mark;
          std::this_thread::yield ();
          if (block.data.get ()[0] != mark) wrong++;
          pool.give_back (std::move (block));
        }
      });
  }
  fail_unless_equals_int (wrong, 0);
  fail_unless (pool.idle () <= std::size_t{4} * 4096);
}
GST_END_TEST;

static Suite *pool_suite ()
{
  Suite *suite = suite_create ("pool");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, sizes_are_rounded_up);
  tcase_add_test (tests, the_last_one_back_goes_out_first);
  tcase_add_test (tests, idle_memory_has_a_limit);
  tcase_add_test (tests, the_largest_go_first);
  tcase_add_test (tests, threads_get_blocks_of_their_own);
  return suite;
}

GST_CHECK_MAIN (pool)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cachetee/hash.h"

#include <algorithm>
#include <array>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "testutil.h"

// The same with every kind of processor: what one machine wrote another reads.
namespace {

std::vector<std::uint8_t> some_bytes (std::size_t size)
{
  std::vector<std::uint8_t> bytes (size);
  std::uint32_t state = 1;
  for (std::uint8_t &byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t> (state >> 24);
  }
  return bytes;
}

}  // namespace

// The sizes at which XXH3 goes another way: 16, 128, 240, and 1024 for a block.
GST_START_TEST (it_is_xxh3)
{
  const std::vector<std::uint8_t> bytes = some_bytes (5000);
  for (std::size_t size = 0; size <= bytes.size ();
       size += size < 300 ? 1 : 97) {
    for (std::uint64_t seed :
        {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x9e3779b97f4a7c15}})
      fail_unless_equals_uint64 (
          hash::of (std::span (bytes).first (size), seed),
          XXH3_64bits_withSeed (bytes.data (), size, seed));
  }
}
GST_END_TEST;

// xxHash's own test (cli/xsum_sanity_check.c): XXH3_64bits of nothing.
GST_START_TEST (nothing_has_its_known_hash)
{
  fail_unless_equals_uint64_hex (
      hash::of (std::span<const std::uint8_t>{}), 0x2D06800538D394C2ULL);
}
GST_END_TEST;

GST_START_TEST (parts_are_as_if_they_were_one)
{
  const std::vector<std::uint8_t> bytes = some_bytes (4000);
  const std::span<const std::uint8_t> all (bytes);
  for (std::size_t first :
      {0U, 1U, 15U, 255U, 256U, 257U, 1024U, 3999U, 4000U}) {
    for (std::size_t second : {0U, 1U, 300U, 1024U}) {
      std::size_t middle = std::min (second, all.size () - first);
      const std::array<std::span<const std::uint8_t>, 3> parts{
          all.first (first), all.subspan (first, middle),
          all.subspan (first + middle)};
      fail_unless_equals_uint64 (hash::of (parts), hash::of (all));
    }
  }
}
GST_END_TEST;

static Suite *hash_suite ()
{
  Suite *suite = suite_create ("hash");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, it_is_xxh3);
  tcase_add_test (tests, nothing_has_its_known_hash);
  tcase_add_test (tests, parts_are_as_if_they_were_one);
  return suite;
}

GST_CHECK_MAIN (hash)

// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever is wrong with a file: an error, bytes that are waited for, or as
// many bytes out as in, in memory that the file's size bounds and not what it
// claims. ASan and UBSan see the rest.
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "mutations.h"

namespace {

// Of what C++ has allocated: all that the cores hold.
std::size_t live_bytes = 0;
std::size_t most_bytes = 0;

}  // namespace

__attribute__ ((noinline)) void *operator new (std::size_t size)
{
  void *p = std::malloc (size == 0 ? 1 : size);
  if (p == nullptr) std::abort ();
  live_bytes += malloc_usable_size (p);
  most_bytes = std::max (most_bytes, live_bytes);
  return p;
}

// What ASan would take for its own.
void *operator new (std::size_t size, const std::nothrow_t &) noexcept
{
  return operator new (size);
}

__attribute__ ((noinline)) void operator delete (void *p) noexcept
{
  if (p != nullptr) live_bytes -= malloc_usable_size (p);
  std::free (p);
}

__attribute__ ((noinline)) void operator delete (
    void *p, std::size_t size) noexcept
{
  (void)size;
  operator delete (p);
}

namespace {

using test::Bytes;

struct Seen
{
  std::size_t taken = 0;
  std::size_t refused = 0;
  std::size_t most = 0;  // bytes allocated for one of them
};

void see (const std::string &name, const Bytes &bytes, std::size_t most_allowed,
    Seen &seen)
{
  std::size_t before = most_bytes = live_bytes;
  test::Outcome outcome = test::rewrite (bytes, 4096);
  std::size_t used = most_bytes - before;
  seen.most = std::max (seen.most, used);
  fail_unless (used <= most_allowed, "%s: %zu bytes of memory for %zu",
      name.c_str (), used, bytes.size ());
  fail_unless (outcome.bytes.size () <= bytes.size ());
  if (outcome.at_boundary)
    fail_unless (outcome.bytes.size () == bytes.size (), "%s", name.c_str ());
  (outcome.failure || !outcome.at_boundary ? seen.refused : seen.taken)++;
}

// What parsing takes besides the bytes; and what is made room for at once, for
// a box or a sample that says that it is large.
constexpr std::size_t for_a_file = std::size_t{256} << 10;
constexpr std::size_t for_a_claim = std::size_t{4} << 20;

constexpr int files_count = 20;

}  // namespace

GST_START_TEST (unharmed)
{
  Seen seen;
  std::vector<test::Named> files = test::files_to_mutate ();
  for (const test::Named &file : files)
    see (file.name, file.bytes, for_a_file, seen);
  fail_unless (seen.taken == files.size ());
  fail_unless_equals_int (static_cast<int> (files.size ()), files_count);
}
GST_END_TEST;

GST_START_TEST (boxes)
{
  Seen seen;
  for (const test::Named &file : test::files_to_mutate ())
    test::mutate_boxes (file.bytes,
        [&] (const Bytes &bytes) { see (file.name, bytes, for_a_file, seen); });
  GST_INFO ("%zu taken, %zu refused, at most %zu bytes", seen.taken,
      seen.refused, seen.most);
  // Both do happen.
  fail_unless (seen.taken > 50 && seen.refused > 50);
}
GST_END_TEST;

GST_START_TEST (numbers)
{
  Seen seen;
  std::vector<test::Named> files = test::files_to_mutate ();
  const test::Named &file = files[static_cast<std::size_t> (__i__)];
  // All of them take minutes under ASan.
  std::size_t step = test::is_sanitized () ? 8 : 1, number = 0;
  test::mutate_numbers (file.bytes, [&] (const Bytes &bytes) {
    if (number++ % step != 0) return;
    see (file.name, bytes, for_a_file + for_a_claim, seen);
  });
  GST_INFO ("%zu taken, %zu refused, at most %zu bytes", seen.taken,
      seen.refused, seen.most);
  fail_unless (seen.taken > 100 && seen.refused > 100);
}
GST_END_TEST;

static Suite *mp4_mutations_suite ()
{
  Suite *suite = suite_create ("mp4-mutations");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, unharmed);
  tcase_add_loop_test (tests, boxes, 0, files_count);
  tcase_add_loop_test (tests, numbers, 0, files_count);
  return suite;
}

GST_CHECK_MAIN (mp4_mutations)

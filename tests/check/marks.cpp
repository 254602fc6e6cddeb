// SPDX-License-Identifier: LGPL-2.1-or-later
#include "marks.h"

#include "testutil.h"

namespace {

using Marks = marks::Marks<char>;

// "0+5a" is 5 bytes from 0 on that begin with mark a; "-" is no mark.
std::string cut (Marks &marks, std::uint64_t position, std::size_t size)
{
  std::string out;
  for (const marks::Piece<char> &piece : marks.cut (position, size))
    out += (out.empty () ? "" : " ") + std::to_string (piece.position) + "+" +
           std::to_string (piece.size) + piece.start.value_or ('-');
  return out;
}

void expect (const std::string &got, const char *wanted)
{
  fail_unless (got == wanted, "%s, expected %s", got.c_str (), wanted);
}

}  // namespace

GST_START_TEST (output_is_cut_at_marks)
{
  Marks marks;
  expect (cut (marks, 0, 0), "");
  expect (cut (marks, 0, 5), "0+5-");
  marks.add (5, 'a');
  marks.add (8, 'b');
  expect (cut (marks, 5, 0), "");
  expect (cut (marks, 5, 2), "5+2a");
  // A mark whose byte is held back waits for it.
  expect (cut (marks, 7, 1), "7+1-");
  marks.add (20, 'c');
  expect (cut (marks, 8, 15), "8+12b 20+3c");
  expect (cut (marks, 23, 1), "23+1-");
}
GST_END_TEST;

// An empty buffer starts nothing that the next one does not.
GST_START_TEST (last_mark_of_a_byte_counts)
{
  Marks marks;
  marks.add (3, 'a');
  marks.add (3, 'b');
  expect (cut (marks, 0, 6), "0+3- 3+3b");
}
GST_END_TEST;

GST_START_TEST (cleared)
{
  Marks marks;
  marks.add (0, 'a');
  marks.clear ();
  expect (cut (marks, 0, 6), "0+6-");
}
GST_END_TEST;

static Suite *marks_suite ()
{
  Suite *suite = suite_create ("marks");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, output_is_cut_at_marks);
  tcase_add_test (tests, last_mark_of_a_byte_counts);
  tcase_add_test (tests, cleared);
  return suite;
}

GST_CHECK_MAIN (marks)

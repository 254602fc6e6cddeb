// SPDX-License-Identifier: LGPL-2.1-or-later
#include "handover.h"

#include <string>
#include <vector>

#include "testutil.h"

using handover::Turn;
using presentation::Time;
using Course = handover::Course<std::string>;

namespace {

constexpr Time s = presentation::second;
constexpr Time ms = s / 1000;

}  // namespace

GST_START_TEST (what_becomes_of_a_segment)
{
  const struct
  {
    Time begin;
    Time end;
    Time change;
    Turn turn;
  } rows[] = {
      {0, 4 * s, 8 * s, Turn::play},
      {0, 4 * s, 4 * s, Turn::play},
      {0, 4 * s, 3 * s, Turn::play_part},
      {4 * s, 8 * s, 4 * s, Turn::change},
      {6 * s, 8 * s, 4 * s, Turn::change},
      {0, 4 * s, 4 * s - 1 * ms, Turn::play},
      {0, 4 * s, 4 * s - 2 * ms, Turn::play_part},
      {0, 4 * s, 4 * s - 100 * ms, Turn::play_part},
      // The ends of two tracks are not the same to the sample.
      {4 * s - 100 * ms, 8 * s, 4 * s, Turn::change},
      {4 * s - 101 * ms, 8 * s, 4 * s, Turn::play_part},
  };
  for (const auto &row : rows) {
    Course course;
    course.add (row.change, "next");
    fail_unless (course.begin ({row.begin, row.end}) == row.turn);
    // Only what is sent counts, as a whole.
    fail_unless_equals_uint64 (
        course.sent (), row.turn == Turn::play ? row.end : 0);
    fail_unless (course.change () == row.change);
  }
}
GST_END_TEST;

GST_START_TEST (without_another_one_it_goes_on)
{
  Course course;
  fail_unless (course.begin ({0, 4 * s}) == Turn::play);
  fail_unless (course.begin ({4 * s, 8 * s}) == Turn::play);
  fail_unless_equals_uint64 (course.sent (), 8 * s);
  fail_if (course.has_next ());
  fail_if (course.is_due ());
  fail_if (course.change ());
  fail_if (course.take ());
  course.take_back ();
  fail_unless_equals_uint64 (course.sent (), 0);
}
GST_END_TEST;

GST_START_TEST (it_is_due_behind_what_was_sent)
{
  Course course;
  fail_unless (course.begin ({0, 4 * s}) == Turn::play);
  course.add (6 * s, "next");
  fail_if (course.is_due ());
  fail_unless (course.begin ({4 * s, 6 * s - 100 * ms}) == Turn::play);
  fail_unless (course.is_due ());
  fail_unless (course.take () == "next");
  fail_unless_equals_uint64 (course.sent (), 6 * s);
  fail_if (course.has_next ());
}
GST_END_TEST;

GST_START_TEST (several_follow_each_other)
{
  Course course;
  fail_unless (course.begin ({0, 4 * s}) == Turn::play);
  course.add (6 * s, "one");
  // Nothing of it would be played.
  course.add (6 * s, "two");
  fail_unless (course.change () == 6 * s);
  course.add (9 * s, "three");
  fail_unless (course.change () == 6 * s);
  fail_unless (course.take () == "two");
  fail_unless (course.begin ({6 * s, 9 * s}) == Turn::play);
  course.add (9 * s, "four");
  fail_unless (course.is_due ());
  fail_unless (course.take () == "four");
  fail_if (course.take ());
  course.add (10 * s, "five");
  course.forget_next ();
  fail_if (course.has_next ());
  fail_unless_equals_uint64 (course.sent (), 9 * s);
}
GST_END_TEST;

static Suite *handover_suite ()
{
  Suite *suite = suite_create ("handover");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_becomes_of_a_segment);
  tcase_add_test (tests, without_another_one_it_goes_on);
  tcase_add_test (tests, it_is_due_behind_what_was_sent);
  tcase_add_test (tests, several_follow_each_other);
  return suite;
}

GST_CHECK_MAIN (handover)

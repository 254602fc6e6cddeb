// SPDX-License-Identifier: LGPL-2.1-or-later
#include "starts.h"

#include "testutil.h"

namespace {

using starts::Start;

constexpr unsigned discont = 1, header = 2, delta_unit = 4, marker = 8;
constexpr starts::Kinds kinds{discont, header, delta_unit, marker};

Start with_pts (std::uint64_t pts, unsigned flags = 0)
{
  Start out;
  out.pts = pts;
  out.flags = flags;
  return out;
}

}  // namespace

GST_START_TEST (timestamps_stay_at_their_byte)
{
  starts::Starts all (kinds);
  all.begin ();
  all.add (0, with_pts (7, marker));
  all.add (100, {});  // goes on
  all.add (200, with_pts (8));
  auto pieces = all.cut (0, 150);
  fail_unless_equals_int (static_cast<int> (pieces.size ()), 1);
  fail_unless (pieces[0].start.pts == 7 && pieces[0].start.flags == marker);
  pieces = all.cut (150, 150);
  fail_unless_equals_int (static_cast<int> (pieces.size ()), 2);
  fail_unless (pieces[0].position == 150 && pieces[0].size == 50);
  fail_unless (pieces[0].start.pts == Start::none);
  fail_unless (pieces[0].start.flags == 0);
  fail_unless (pieces[1].position == 200 && pieces[1].size == 100);
  fail_unless (pieces[1].start.pts == 8);
  fail_unless (all.cut (300, 0).empty ());
}
GST_END_TEST;

// More of a header is header; more of anything else is a delta unit, where
// buffers have times.
GST_START_TEST (what_goes_on)
{
  for (bool has_times : {false, true}) {
    starts::Starts all (kinds);
    all.set_has_times (has_times);
    all.begin ();
    all.add (0, with_pts (Start::none, header | 0x100));
    all.add (10, with_pts (Start::none, 0));
    fail_unless (all.cut (0, 4)[0].start.flags == header);
    fail_unless (all.cut (4, 6)[0].start.flags == header);
    fail_unless (all.cut (10, 4)[0].start.flags == 0);
    fail_unless (
        all.cut (14, 4)[0].start.flags == (has_times ? delta_unit : 0));
  }
}
GST_END_TEST;

GST_START_TEST (missing_bytes_are_a_discont)
{
  starts::Starts all (kinds);
  all.begin ();
  all.add (0, {});
  all.cut (0, 10);
  all.cut_off ();
  all.begin ();
  all.add (0, {});
  all.add (10, {});
  auto pieces = all.cut (0, 20);
  fail_unless_equals_int (static_cast<int> (pieces.size ()), 1);
  fail_unless (pieces[0].start.flags == discont);
}
GST_END_TEST;

static Suite *starts_suite ()
{
  Suite *suite = suite_create ("starts");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, timestamps_stay_at_their_byte);
  tcase_add_test (tests, what_goes_on);
  tcase_add_test (tests, missing_bytes_are_a_discont);
  return suite;
}

GST_CHECK_MAIN (starts)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sidx.h"

#include "testutil.h"

using sidx::Error;

namespace {

// ISO/IEC 14496-12 8.16.3.2, version 0: timescale 1000, time 5, first_offset
// 4, two references of 0x10 and 0x20 bytes.
constexpr const char *version_0 =
    "00000038 73696478 00 000000 00000001 000003e8 00000005 00000004 0000 0002"
    "00000010 000007d0 90000000 00000020 000003e8 90000000";
// Version 1: 64-bit time and offset.
constexpr const char *version_1 =
    "00000034 73696478 01 000000 00000001 000003e8 0000000100000000"
    "0000000000000000 0000 0001 00000010 000007d0 90000000";

struct Bad
{
  const char *bytes;
  std::uint64_t position;
  Error error;
};

constexpr Bad bad[] = {
    {"", 0, Error::no_sidx},
    {"00000008 66726565", 0, Error::no_sidx},
    {"000000", 0, Error::truncated},
    {"00000010 66726565", 0, Error::truncated},
    {"00000007 66726565", 0, Error::bad_size},
    {"00000001 73696478 000000000000000f", 0, Error::bad_size},
    {"00000001 73696478 ffffffffffffffff", 0, Error::truncated},
    // Fewer references than it says.
    {"0000002c 73696478 00 000000 00000001 000003e8 00000005 00000004 0000 0002"
     "00000010 000007d0 90000000",
        0, Error::truncated},
    {"00000020 73696478 02 000000 00000001 000003e8 00000005 00000004 0000 "
     "0002",
        0, Error::bad_version},
    {"00000020 73696478 00 000000 00000001 00000000 00000005 00000004 0000 "
     "0001",
        0, Error::zero_timescale},
    {"00000020 73696478 00 000000 00000001 000003e8 00000005 00000004 0000 "
     "0000",
        0, Error::empty},
    // reference_type 1
    {"0000002c 73696478 00 000000 00000001 000003e8 00000005 00000004 0000 0001"
     "80000010 000007d0 90000000",
        0, Error::hierarchical},
    {"00000034 73696478 01 000000 00000001 000003e8 ffffffffffffffff"
     "0000000000000000 0000 0001 00000010 000007d0 90000000",
        0, Error::overflow},
    {"00000034 73696478 01 000000 00000001 000003e8 0000000000000000"
     "ffffffffffffffff 0000 0001 00000010 000007d0 90000000",
        0, Error::overflow},
    {version_0, UINT64_MAX - 8, Error::overflow},
};

}  // namespace

GST_START_TEST (an_index_is_read)
{
  auto bytes = test::hex (version_0);
  auto index = sidx::parse (bytes, 100);
  fail_unless (index.ok ());
  fail_unless_equals_int (static_cast<int> (index->timescale), 1000);
  fail_unless_equals_uint64 (index->references.size (), 2);
  // After the box (100 + 56) and first_offset.
  fail_unless_equals_uint64 (index->references[0].first, 160);
  fail_unless_equals_uint64 (index->references[0].size, 16);
  fail_unless_equals_uint64 (index->references[0].time, 5);
  fail_unless_equals_uint64 (index->references[0].duration, 2000);
  fail_unless_equals_uint64 (index->references[1].first, 176);
  fail_unless_equals_uint64 (index->references[1].time, 2005);
}
GST_END_TEST;

GST_START_TEST (it_may_be_long_and_behind_others)
{
  auto bytes =
      test::hex (std::string ("0000000c 66726565 00000000") + version_1);
  auto index = sidx::parse (bytes, 0);
  fail_unless (index.ok ());
  fail_unless_equals_uint64 (index->references[0].first, bytes.size ());
  fail_unless_equals_uint64 (index->references[0].time, std::uint64_t{1} << 32);
}
GST_END_TEST;

GST_START_TEST (bad_boxes_are_refused)
{
  for (const Bad &row : bad) {
    auto index = sidx::parse (test::hex (row.bytes), row.position);
    fail_unless (!index.ok () && index.code () == row.error, "%s", row.bytes);
    fail_unless (std::string (to_string (index.code ())) != "unknown");
  }
}
GST_END_TEST;

static Suite *sidx_suite ()
{
  Suite *suite = suite_create ("sidx");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, an_index_is_read);
  tcase_add_test (tests, it_may_be_long_and_behind_others);
  tcase_add_test (tests, bad_boxes_are_refused);
  return suite;
}

GST_CHECK_MAIN (sidx)

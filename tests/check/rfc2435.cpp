// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rfc2435.h"

#include "testutil.h"

using rfc2435::Error;
using rfc2435::Frame;
using test::Bytes;

namespace {

const Bytes table_8 (64, 0x11);
const Bytes table_8_chroma (64, 0x22);
const Bytes table_16 (128, 0x33);

Frame frame_of (std::uint8_t type, unsigned width, unsigned height,
    std::uint16_t restart_interval, const Bytes &luma, const Bytes &chroma)
{
  return {type, width, height, restart_interval, luma, chroma, 1000};
}

struct Golden
{
  const char *what;
  Frame frame;
  std::size_t offset;
  // Without the tables' data.
  const char *expected;
};

const Golden golden[] = {
    {"4:2:0", frame_of (1, 640, 480, 0, table_8, table_8_chroma), 0,
        "00 000000 01 ff 50 3c  00 00 0080"},
    {"4:2:2", frame_of (0, 640, 480, 0, table_8, table_8_chroma), 0,
        "00 000000 00 ff 50 3c  00 00 0080"},
    {"sizes are rounded up", frame_of (1, 17, 1, 0, table_8, table_8), 0,
        "00 000000 01 ff 03 01  00 00 0080"},
    {"the largest", frame_of (1, 2040, 2040, 0, table_8, table_8), 0,
        "00 000000 01 ff ff ff  00 00 0080"},
    {"too wide", frame_of (1, 2041, 16, 0, table_8, table_8), 0,
        "00 000000 01 ff 00 00  00 00 0080"},
    {"too high", frame_of (1, 16, 65535, 0, table_8, table_8), 0,
        "00 000000 01 ff 00 00  00 00 0080"},
    {"restart markers, 4:2:0", frame_of (1, 640, 480, 0x0123, table_8, table_8),
        0, "00 000000 41 ff 50 3c  0123 ffff  00 00 0080"},
    {"restart markers, 4:2:2", frame_of (0, 640, 480, 1, table_8, table_8), 0,
        "00 000000 40 ff 50 3c  0001 ffff  00 00 0080"},
    {"16-bit luma", frame_of (1, 8, 8, 0, table_16, table_8), 0,
        "00 000000 01 ff 01 01  00 01 00c0"},
    {"16-bit chroma", frame_of (1, 8, 8, 0, table_8, table_16), 0,
        "00 000000 01 ff 01 01  00 02 00c0"},
    {"16-bit tables", frame_of (1, 8, 8, 0, table_16, table_16), 0,
        "00 000000 01 ff 01 01  00 03 0100"},
    {"not the first packet", frame_of (1, 640, 480, 0, table_8, table_8),
        0x012345, "00 012345 01 ff 50 3c"},
    {"not the first packet, restart markers",
        frame_of (1, 640, 480, 2, table_8, table_8), 0xffffff,
        "00 ffffff 41 ff 50 3c  0002 ffff"},
};

}  // namespace

GST_START_TEST (headers_are_as_specified)
{
  for (const Golden &row : golden) {
    Bytes expected = test::hex (row.expected);
    if (row.offset == 0)
      for (auto table : {row.frame.luma_table, row.frame.chroma_table})
        expected.insert (expected.end (), table.begin (), table.end ());
    Bytes out (expected.size () + 1, 0xee);
    std::size_t size = rfc2435::write_header (row.frame, row.offset, out);
    fail_unless (size == expected.size (), "%s: %zu bytes", row.what, size);
    fail_unless (rfc2435::header_size (row.frame, row.offset) == size);
    fail_unless (out.back () == 0xee, "%s: too much written", row.what);
    out.pop_back ();
    fail_unless (out == expected, "%s", row.what);
    // No room, nothing written.
    Bytes small (expected.size () - 1, 0xee);
    fail_unless (rfc2435::write_header (row.frame, row.offset, small) == 0);
    fail_unless (small == Bytes (small.size (), 0xee));
  }
}
GST_END_TEST;

GST_START_TEST (sizes_that_fit)
{
  fail_unless (rfc2435::fits (1, 1));
  fail_unless (rfc2435::fits (2040, 2040));
  fail_if (rfc2435::fits (2041, 1));
  fail_if (rfc2435::fits (1, 2041));
}
GST_END_TEST;

namespace {

// The headers take 8 + 132 bytes in the first packet, 8 in others; 4 more with
// restart markers.
struct Cut
{
  std::size_t scan_size;
  std::size_t room;
  std::uint16_t restart_interval;
  std::vector<std::size_t> sizes;
};

const Cut cuts[] = {
    {0, 1388, 0, {}},
    {1, 1388, 0, {1}},
    {1248, 1388, 0, {1248}},
    {1249, 1388, 0, {1248, 1}},
    {1248 + 1380, 1388, 0, {1248, 1380}},
    {1248 + 1380 + 1, 1388, 0, {1248, 1380, 1}},
    {1244 + 1376 + 5, 1388, 1, {1244, 1376, 5}},
    {3, 141, 0, {1, 2}},
    {200, 141, 0, {1, 133, 66}},
    {2, 145, 1, {1, 1}},
    {std::size_t{1} << 24, std::size_t{1} << 25, 0, {std::size_t{1} << 24}},
};

struct BadCut
{
  std::size_t scan_size;
  std::size_t room;
  std::uint16_t restart_interval;
  Error error;
  std::size_t least_room;
};

const BadCut bad_cuts[] = {
    {10, 0, 0, Error::packet_size, 141},
    {10, 140, 0, Error::packet_size, 141},
    {10, 144, 1, Error::packet_size, 145},
    {(std::size_t{1} << 24) + 1, 1388, 0, Error::scan_size, 141},
    {SIZE_MAX, 1388, 0, Error::scan_size, 141},
};

}  // namespace

GST_START_TEST (fragments_fill_their_packets)
{
  for (const Cut &row : cuts) {
    Frame frame = frame_of (1, 8, 8, row.restart_interval, table_8, table_8);
    frame.scan_size = row.scan_size;
    auto plan = rfc2435::plan (frame, row.room);
    fail_unless (plan.ok ());
    fail_unless (plan->count () == row.sizes.size ());
    std::size_t offset = 0;
    for (std::size_t i = 0; i < row.sizes.size (); i++) {
      auto fragment = plan->fragment (i);
      fail_unless (fragment.offset == offset);
      fail_unless (fragment.size == row.sizes[i]);
      fail_unless (fragment.last == (i + 1 == row.sizes.size ()));
      offset += fragment.size;
    }
  }
}
GST_END_TEST;

GST_START_TEST (what_cannot_be_cut_is_refused)
{
  for (const BadCut &row : bad_cuts) {
    Frame frame = frame_of (1, 8, 8, row.restart_interval, table_8, table_8);
    frame.scan_size = row.scan_size;
    auto plan = rfc2435::plan (frame, row.room);
    fail_if (plan.ok ());
    fail_unless (
        plan.code () == row.error, "%s", rfc2435::to_string (plan.code ()));
    fail_unless (plan.position () == row.least_room);
  }
  fail_unless_equals_string (
      rfc2435::to_string (Error::packet_size), "packet_size");
  fail_unless_equals_string (
      rfc2435::to_string (Error::scan_size), "scan_size");
}
GST_END_TEST;

static Suite *rfc2435_suite ()
{
  Suite *suite = suite_create ("rfc2435");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, headers_are_as_specified);
  tcase_add_test (tests, sizes_that_fit);
  tcase_add_test (tests, fragments_fill_their_packets);
  tcase_add_test (tests, what_cannot_be_cut_is_refused);
  return suite;
}

GST_CHECK_MAIN (rfc2435)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bmff.h"

#include "testutil.h"

namespace {

using bmff::Error;
using test::Bytes;

// 14496-12 4.2
struct Row
{
  const char *what;
  const char *bytes;
  std::optional<std::uint64_t> size;  // none: too few bytes to tell
  std::size_t header_size = 8;
};
const Row rows[] = {
    {"size", "00000010 66726565", 16},
    {"only a header", "00000008 66726565", 8},
    {"to the end of the file", "00000000 66726565", 0},
    {"largesize", "00000001 66726565 0000000100000000", std::uint64_t{1} << 32,
        16},
    {"largesize of little", "00000001 66726565 0000000000000010", 16, 16},
    {"largesize of 2^62", "00000001 66726565 4000000000000000",
        std::uint64_t{1} << 62, 16},
    {"7 bytes", "00000010 667265", std::nullopt},
    {"nothing", "", std::nullopt},
    {"largesize that is not there", "00000001 66726565 00000000000000",
        std::nullopt},
};

struct Bad
{
  const char *what;
  const char *bytes;
  Error error;
  std::size_t position;
};
const Bad bad_headers[] = {
    {"smaller than its header", "00000007 66726565", Error::box_too_small, 0},
    {"2", "00000002 66726565", Error::box_too_small, 0},
    {"largesize smaller than its header", "00000001 66726565 000000000000000f",
        Error::box_too_small, 0},
    {"largesize of 0", "00000001 66726565 0000000000000000",
        Error::box_too_small, 0},
    {"largesize of 2^62 + 1", "00000001 66726565 4000000000000001",
        Error::box_too_large, 0},
    {"largesize of 2^64 - 1", "00000001 66726565 ffffffffffffffff",
        Error::box_too_large, 0},
};
// What follows stands at 100.
const Bad bad_children[] = {
    {"larger than its parent", "00000009 66726565", Error::truncated, 100},
    {"the second larger than its parent", "00000008 66726565 00000009 66726565",
        Error::truncated, 108},
    {"to the end of the file", "00000008 66726565 00000000 66726565",
        Error::box_unbounded, 108},
    {"bytes behind it", "00000008 66726565 00000001", Error::truncated, 108},
    {"too small", "00000008 66726565 00000003 66726565", Error::box_too_small,
        108},
    {"2^32 - 1", "ffffffff 66726565", Error::truncated, 100},
    {"eight zeros", "0000000000000000", Error::box_unbounded, 100},
};

}  // namespace

GST_START_TEST (headers)
{
  for (const Row &row : rows) {
    Bytes bytes = test::hex (row.bytes);
    bmff::Result<std::optional<bmff::Header>> header =
        bmff::parse_header (bytes);
    fail_unless (header.ok (), "%s", row.what);
    fail_unless (header->has_value () == row.size.has_value (), "%s", row.what);
    if (!row.size) continue;
    fail_unless ((*header)->size == *row.size, "%s", row.what);
    fail_unless ((*header)->header_size == row.header_size, "%s", row.what);
    fail_unless ((*header)->box_type == bmff::type ("free"));
  }
  for (const Bad &row : bad_headers) {
    Bytes bytes = test::hex (row.bytes);
    auto header = bmff::parse_header (bytes);
    fail_if (header.ok (), "%s was taken", row.what);
    fail_unless (header.code () == row.error, "%s: %s", row.what,
        bmff::to_string (header.code ()));
  }
}
GST_END_TEST;

GST_START_TEST (children)
{
  for (const Bad &row : bad_children) {
    Bytes bytes = test::hex (row.bytes);
    auto boxes = bmff::children (bytes, 100);
    fail_if (boxes.ok (), "%s was taken", row.what);
    fail_unless (boxes.code () == row.error, "%s: %s", row.what,
        bmff::to_string (boxes.code ()));
    fail_unless (boxes.position () == row.position, "%s", row.what);
  }
  // One with largesize, and zeros too few for another one behind them.
  Bytes bytes = test::hex (
      "0000000a 6d6f6f76 abcd 00000001 66726565 0000000000000011 ef"
      "00000008 6d6f6f76 00000000000000");
  auto boxes = bmff::children (bytes, 100);
  fail_unless (boxes.ok () && boxes->size () == 3);
  const bmff::Box &first = (*boxes)[0], &second = (*boxes)[1];
  fail_unless (first.position == 100 && first.body_position == 108);
  fail_unless (first.body.size () == 2 && first.body[0] == 0xab);
  fail_unless (second.position == 110 && second.body_position == 126);
  fail_unless (second.body.size () == 1 && second.body[0] == 0xef);
  fail_unless ((*boxes)[2].body.empty ());
  fail_unless (bmff::find (*boxes, bmff::type ("moov")) == &first);
  fail_unless (bmff::find (*boxes, bmff::type ("free")) == &second);
  fail_unless (bmff::find (*boxes, bmff::type ("moof")) == nullptr);
}
GST_END_TEST;

// Past the end every field is 0, and it is told at the end.
GST_START_TEST (reader)
{
  Bytes bytes = test::hex ("01 0203 040506 0708090a 0b0c0d0e0f101112 13");
  bmff::Reader reader (bytes, 1000);
  fail_unless (reader.u8 () == 0x01 && reader.u16 () == 0x0203);
  fail_unless (reader.u24 () == 0x040506 && reader.u32 () == 0x0708090a);
  fail_unless (reader.u64 () == 0x0b0c0d0e0f101112);
  fail_unless (reader.position () == 1018 && reader.left () == 1);
  fail_unless (reader.ok ());
  fail_unless (reader.u16 () == 0 && !reader.ok () && reader.left () == 0);
  fail_unless (reader.u8 () == 0 && reader.bytes (1).empty ());
  bmff::Reader second (bytes);
  second.skip (SIZE_MAX);
  fail_unless (!second.ok () && second.left () == 0);
  bmff::Reader third (bytes);
  fail_unless (third.bytes (bytes.size ()).size () == bytes.size ());
  fail_unless (third.ok () && third.bytes (0).empty () && third.ok ());
}
GST_END_TEST;

GST_START_TEST (renames)
{
  Bytes bytes = test::hex ("0000000a 6d6f6f76 abcd 00000008 70737368");
  bmff::apply ({{0, bmff::type ("free")}, {10, bmff::type ("skip")}}, bytes);
  fail_unless (bytes == test::hex ("0000000a 66726565 abcd 00000008 736b6970"));
}
GST_END_TEST;

static Suite *bmff_suite ()
{
  Suite *suite = suite_create ("bmff");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, headers);
  tcase_add_test (tests, children);
  tcase_add_test (tests, reader);
  tcase_add_test (tests, renames);
  return suite;
}

GST_CHECK_MAIN (bmff)

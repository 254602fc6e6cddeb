// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtpheader.h"

#include "testutil.h"

using rtp::Header;
using test::Bytes;

namespace {

// RFC 3550 5.1: V, P, X, CC; M, PT; sequence number; timestamp; SSRC; CSRC.
const char *const plain = "80 1a 1234 01020304 a1a2a3a4";
const char *const two_sources =
    "82 1a 1234 01020304 a1a2a3a4 00000001 00000002";

struct Good
{
  const char *what;
  const char *packet;
  std::size_t size;
  std::size_t extension_size;
  const char *written;  // with 0xfffe, the marker and no extension
};

const Good good[] = {
    {"plain", plain, 12, 0, "80 9a fffe 01020304 a1a2a3a4"},
    {"a payload behind it is left out", "80 1a 1234 01020304 a1a2a3a4 99", 12,
        0, "80 9a fffe 01020304 a1a2a3a4"},
    {"marker", "80 9a 1234 01020304 a1a2a3a4", 12, 0,
        "80 9a fffe 01020304 a1a2a3a4"},
    {"padding", "a0 1a 1234 01020304 a1a2a3a4 01", 12, 0,
        "80 9a fffe 01020304 a1a2a3a4"},
    {"contributing sources", two_sources, 20, 0,
        "82 9a fffe 01020304 a1a2a3a4 00000001 00000002"},
    {"extension of two words",
        "90 1a 1234 01020304 a1a2a3a4 bede 0002 1011 0000 00000000", 12, 12,
        "80 9a fffe 01020304 a1a2a3a4"},
    {"empty extension", "90 1a 1234 01020304 a1a2a3a4 ffd8 0000", 12, 4,
        "80 9a fffe 01020304 a1a2a3a4"},
    {"sources and an extension",
        "91 1a 1234 01020304 a1a2a3a4 00000001 bede 0001 10ff0000", 16, 8,
        "81 9a fffe 01020304 a1a2a3a4 00000001"},
};

struct Bad
{
  const char *what;
  const char *packet;
};

const Bad bad[] = {
    {"nothing", ""},
    {"cut", "80 1a 1234 01020304 a1a2a3"},
    {"version 1", "40 1a 1234 01020304 a1a2a3a4"},
    {"version 3", "c0 1a 1234 01020304 a1a2a3a4"},
    {"sources are cut", "82 1a 1234 01020304 a1a2a3a4 00000001 000000"},
    {"the extension is cut", "90 1a 1234 01020304 a1a2a3a4 bede 00"},
};

}  // namespace

GST_START_TEST (headers_are_read_and_written)
{
  for (const Good &row : good) {
    auto header = Header::parse (test::hex (row.packet));
    fail_unless (header.has_value (), "%s", row.what);
    fail_unless (header->size () == row.size, "%s", row.what);
    fail_unless (
        header->extension_size () == row.extension_size, "%s", row.what);
    // What is behind it stays.
    Bytes expected = test::hex (row.written);
    expected.push_back (0x55);
    Bytes out (row.size + 1, 0x55);
    header->write (out, 0xfffe, true);
    fail_unless (out == expected, "%s", row.what);
  }
}
GST_END_TEST;

GST_START_TEST (what_is_no_header_is_refused)
{
  for (const Bad &row : bad)
    fail_if (
        Header::parse (test::hex (row.packet)).has_value (), "%s", row.what);
}
GST_END_TEST;

GST_START_TEST (bits_are_set)
{
  auto header = Header::parse (test::hex (plain));
  Bytes out (12);
  header->write (out, 0, false, true);
  fail_unless (out == test::hex ("90 1a 0000 01020304 a1a2a3a4"));
  rtp::set_marker (out, true);
  rtp::set_sequence_number (out, 0xabcd);
  fail_unless (out == test::hex ("90 9a abcd 01020304 a1a2a3a4"));
  rtp::set_marker (out, false);
  fail_unless (out == test::hex ("90 1a abcd 01020304 a1a2a3a4"));
}
GST_END_TEST;

static Suite *rtpheader_suite ()
{
  Suite *suite = suite_create ("rtpheader");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, headers_are_read_and_written);
  tcase_add_test (tests, what_is_no_header_is_refused);
  tcase_add_test (tests, bits_are_set);
  return suite;
}

GST_CHECK_MAIN (rtpheader)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emsg.h"

#include "testutil.h"

using emsg::Error;
using emsg::Event;

namespace {

// ISO/IEC 23009-1 5.10.3.3.3. "urn:a", "b"; timescale 10, 5, 20, id 7; "xyz".
constexpr const char *version_0 =
    "00000027 656d7367 00000000 75726e3a6100 6200"
    "0000000a 00000005 00000014 00000007 78797a";
constexpr const char *version_1 =
    "0000002b 656d7367 01000000 0000000a 0000000100000005 00000014 00000007"
    "75726e3a6100 6200 78797a";
// No value, no data, and a size of 64 bits.
constexpr const char *bare =
    "00000001 656d7367 000000000000002b 01000000 00000001 0000000000000000"
    "ffffffff 00000000 6100 00";

struct Bad
{
  const char *bytes;
  Error error;
};

constexpr Bad bad[] = {
    {"", Error::not_emsg},
    {"00000008 66726565", Error::not_emsg},
    {"00000009 656d7367", Error::not_emsg},
    {"00000008 656d7367", Error::truncated},
    {"0000000c 656d7367 02000000", Error::bad_version},
    {"0000000c 656d7367 00000000", Error::unterminated},
    {"0000000e 656d7367 00000000 6100", Error::unterminated},
    {"0000000f 656d7367 00000000 610000", Error::truncated},
    {"0000000f 656d7367 01000000 610000", Error::truncated},
    {"00000022 656d7367 01000000 0000000a 0000000100000005 00000014 00000007"
     "7562",
        Error::unterminated},
    {"0000001e 656d7367 00000000 0000 00000000 00000005 00000014 00000007",
        Error::zero_timescale},
};

Event expected (bool from_segment, std::uint64_t time)
{
  return {"urn:a", "b", 10, time, from_segment, 20, 7, {'x', 'y', 'z'}};
}

}  // namespace

GST_START_TEST (boxes_are_read)
{
  auto out = emsg::parse (test::hex (version_0));
  fail_unless (out.ok () && *out == expected (true, 5));
  out = emsg::parse (test::hex (version_1));
  fail_unless (out.ok () && *out == expected (false, 0x100000005));
  out = emsg::parse (test::hex (bare));
  fail_unless (out.ok () && out->scheme_id_uri == "a");
  fail_unless (out->value.empty () && out->data.empty ());
  fail_unless (out->duration == emsg::no_duration);
}
GST_END_TEST;

GST_START_TEST (bad_boxes_are_refused)
{
  for (const Bad &row : bad) {
    auto out = emsg::parse (test::hex (row.bytes));
    fail_unless (!out.ok () && out.code () == row.error, "%s: %s", row.bytes,
        out.ok () ? "" : to_string (out.code ()));
    fail_unless (std::string (to_string (out.code ())) != "unknown");
  }
}
GST_END_TEST;

GST_START_TEST (events_have_times)
{
  const struct
  {
    bool from_segment;
    std::uint64_t time;
    presentation::Time segment, offset;
    std::optional<presentation::Time> expected;
  } rows[] = {
      {true, 5, 0, 0, GST_SECOND / 2},
      {true, 5, 10 * GST_SECOND, 4 * GST_SECOND, 6500 * GST_MSECOND},
      {false, 50, 10 * GST_SECOND, 4 * GST_SECOND, GST_SECOND},
      // It began before.
      {false, 5, 0, GST_SECOND, 0},
      {false, UINT64_MAX, 0, 0, {}},
      {true, 10, presentation::max_time, 0, {}},
  };
  for (const auto &row : rows)
    fail_unless (emsg::time_of (expected (row.from_segment, row.time),
                     row.segment, row.offset) == row.expected);
}
GST_END_TEST;

GST_START_TEST (boxes_are_found_in_segments)
{
  // What is too large, wrong, or inside another box is not.
  std::string text = std::string ("0000000c 73747970 00000000") + version_0 +
                     "0000000c 656d7367 02000000" + version_1 +
                     "00000008 6d6f6f66 00000001 6d646174 0000000000000037" +
                     version_0 + version_1 + "00000000 6d646174" + version_0;
  auto bytes = test::hex (text);
  for (std::size_t part : {std::size_t{1}, std::size_t{7}, bytes.size ()}) {
    emsg::Scanner scanner;
    std::vector<Event> found;
    for (std::size_t at = 0; at < bytes.size (); at += part) {
      scanner.feed (
          std::span (bytes).subspan (at, std::min (part, bytes.size () - at)));
      for (Event &event : scanner.take ()) found.push_back (std::move (event));
    }
    fail_unless (found == std::vector<Event> ({expected (true, 5),
                              expected (false, 0x100000005),
                              expected (false, 0x100000005)}));
    // The next segment begins anew.
    scanner.begin ();
    scanner.feed (test::hex (version_0));
    fail_unless_equals_uint64 (scanner.take ().size (), 1);
  }
}
GST_END_TEST;

GST_START_TEST (there_are_limits)
{
  emsg::Scanner scanner;
  auto box = test::hex (version_0);
  for (std::size_t i = 0; i < emsg::Scanner::max_boxes + 10; i++)
    scanner.feed (box);
  fail_unless_equals_uint64 (scanner.take ().size (), emsg::Scanner::max_boxes);
  // One that is too large is passed over; what follows is found.
  scanner.begin ();
  auto large = test::hex (version_0);
  std::size_t size = emsg::Scanner::max_box + 1;
  large[1] = static_cast<std::uint8_t> (size >> 16);
  large[2] = static_cast<std::uint8_t> (size >> 8);
  large[3] = static_cast<std::uint8_t> (size);
  large.resize (size);
  scanner.feed (large);
  fail_unless (scanner.take ().empty ());
  scanner.feed (box);
  fail_unless_equals_uint64 (scanner.take ().size (), 1);
}
GST_END_TEST;

static Suite *emsg_suite ()
{
  Suite *suite = suite_create ("emsg");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, boxes_are_read);
  tcase_add_test (tests, bad_boxes_are_refused);
  tcase_add_test (tests, events_have_times);
  tcase_add_test (tests, boxes_are_found_in_segments);
  tcase_add_test (tests, there_are_limits);
  return suite;
}

GST_CHECK_MAIN (emsg)

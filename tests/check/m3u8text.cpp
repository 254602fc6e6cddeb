// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8text.h"

#include "testutil.h"

GST_START_TEST (lines_are_cut)
{
  std::string_view rest = "a\r\n  b \t\n\n\r\nlast";
  for (const char *line : {"a", "b", "", "", "last"})
    fail_unless (m3u8text::take_line (rest) == line, "%s", line);
  fail_unless (rest.empty ());
  rest = "\n";
  fail_unless (m3u8text::take_line (rest).empty () && rest.empty ());
}
GST_END_TEST;

GST_START_TEST (numbers_are_digits)
{
  const struct
  {
    const char *text;
    std::optional<std::uint64_t> value;
  } rows[] = {
      {"0", 0},
      {"007", 7},
      {"9999999999999999999", 9'999'999'999'999'999'999ULL},
      {"18446744073709551615", UINT64_MAX},
      {"18446744073709551616", {}},
      {"99999999999999999999", {}},
      {"000000000000000000001", {}},
      {"", {}},
      {"-1", {}},
      {"+1", {}},
      {" 1", {}},
      {"1 ", {}},
      {"0x1", {}},
      {"1.0", {}},
  };
  for (const auto &row : rows)
    fail_unless (m3u8text::number (row.text) == row.value, "%s", row.text);
}
GST_END_TEST;

GST_START_TEST (times_are_decimals)
{
  const struct
  {
    const char *text;
    std::optional<std::uint64_t> value;
  } rows[] = {
      {"0", 0},
      {"10", 10 * GST_SECOND},
      {"6.006", 6'006 * GST_MSECOND},
      {"0.5", 500 * GST_MSECOND},
      {"1.", GST_SECOND},
      {"1.000000001", GST_SECOND + 1},
      {"1.0000000019", GST_SECOND + 1},
      {"0000000001.5", 1500 * GST_MSECOND},
      {"9223372035.999999999", 9'223'372'035'999'999'999ULL},
      // 2^63 ns
      {"9223372036", {}},
      {"10000000000", {}},
      {"99999999999999999999", {}},
      {"", {}},
      {".5", {}},
      {"-1", {}},
      {"1,5", {}},
      {"1.5s", {}},
      {"1.-5", {}},
      {"1e3", {}},
      {"NaN", {}},
      {"inf", {}},
  };
  for (const auto &row : rows)
    fail_unless (m3u8text::nanoseconds (row.text) == row.value, "%s", row.text);
}
GST_END_TEST;

GST_START_TEST (byte_ranges_are_read)
{
  auto range = m3u8text::byte_range ("10@5");
  fail_unless (range && range->size == 10 && range->offset == 5U);
  range = m3u8text::byte_range ("10");
  fail_unless (range && range->size == 10 && !range->offset);
  for (const char *text : {"", "@", "@1", "1@", "0", "0@1", "x", "1@x", "-1",
           "1@2@3", "2@18446744073709551615"})
    fail_unless (!m3u8text::byte_range (text), "%s", text);
}
GST_END_TEST;

GST_START_TEST (hexadecimal_sequences_are_read)
{
  std::array<std::uint8_t, 16> expected{};
  expected[15] = 0xf1;
  expected[14] = 0x0a;
  for (const char *text : {"0xaf1", "0XAF1", "0x0Af1"}) {
    auto value = m3u8text::hexadecimal (text);
    fail_unless (value.has_value (), "%s", text);
    fail_unless ((*value)[15] == 0xf1 && (*value)[14] == 0x0a, "%s", text);
    fail_unless (*value == expected, "%s", text);
  }
  auto all = m3u8text::hexadecimal ("0x00112233445566778899aabbccddeeff");
  fail_unless (
      all && (*all)[0] == 0 && (*all)[1] == 0x11 && (*all)[15] == 0xff);
  for (const char *text : {"", "0x", "12", "0y12", "0x1g", "0x 1",
           "0x000112233445566778899aabbccddeeff"})
    fail_unless (!m3u8text::hexadecimal (text), "%s", text);
}
GST_END_TEST;

GST_START_TEST (dates_are_read)
{
  const struct
  {
    const char *text;
    std::optional<std::int64_t> value;
  } rows[] = {
      {"1970-01-01T00:00:00.000Z", 0},
      {"1970-01-01T00:00:00", 0},
      {"1970-01-01", 0},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2000-02-29T12:00:00Z", 951'825'600'000},
      {"2000-03-01T00:00:00Z", 951'868'800'000},
      {"1900-03-01T00:00:00Z", -2'203'891'200'000},
      {"2010-02-19T14:54:23.031+08:00", 1'266'562'463'031},
      {"2010-02-19T14:54:23.031+0800", 1'266'562'463'031},
      {"2010-02-19T14:54:23.031+08", 1'266'562'463'031},
      {"2010-02-19T01:54:23.0319-05:00", 1'266'562'463'031},
      {"2010-02-19T06:54:23.03Z", 1'266'562'463'030},
      {"2010-02-19T06:54Z", 1'266'562'440'000},
      {"0000-01-01T00:00:00Z", -62'167'219'200'000},
      {"9999-12-31T23:59:60Z", 253'402'300'800'000},
      {"", {}},
      {"2010", {}},
      {"2010-13-01T00:00:00Z", {}},
      {"2010-00-01T00:00:00Z", {}},
      {"2010-01-32T00:00:00Z", {}},
      {"2010-01-00T00:00:00Z", {}},
      {"2010-1-1T00:00:00Z", {}},
      {"2010-01-01X00:00:00Z", {}},
      {"2010-01-01T25:00:00Z", {}},
      {"2010-01-01T00:60:00Z", {}},
      {"2010-01-01T00:00:61Z", {}},
      {"2010-01-01T00:00:00.Z", {}},
      {"2010-01-01T00:00:00Zx", {}},
      {"2010-01-01T00:00:00+1", {}},
      {"2010-01-01T00:00:00+01:00x", {}},
      {"2010-01-01T00:00:00 GMT", {}},
  };
  for (const auto &row : rows)
    fail_unless (m3u8text::date (row.text) == row.value, "%s", row.text);
}
GST_END_TEST;

GST_START_TEST (attribute_lists_are_read)
{
  m3u8text::Attributes list;
  fail_unless (list.read ("A=1,B=\"x,=\", C = y z ,D=,A=2,E=\"\""));
  fail_unless_equals_uint64 (list.items ().size (), 6);
  fail_unless (list.get ("A") == "1");
  fail_unless (list.get ("B") == "x,=");
  fail_unless (list.get ("C") == "y z");
  fail_unless (list.get ("D") == "");
  fail_unless (list.get ("E") == "");
  fail_unless (!list.get ("F"));
  fail_unless (list.text ("F").empty () && list.text ("A") == "1");
  fail_unless (list.is ("A", "1") && !list.is ("F", ""));
  fail_unless (list.items ()[1].is_quoted && !list.items ()[0].is_quoted);
  // It begins again.
  fail_unless (list.read (""));
  fail_unless (list.items ().empty ());
  fail_unless (list.read ("A=1,"));
  for (const char *text : {"A", "=1", "A=\"x", "A=1,B", "A=1,,B=2", ","})
    fail_unless (!list.read (text), "%s", text);
}
GST_END_TEST;

static Suite *m3u8text_suite ()
{
  Suite *suite = suite_create ("m3u8text");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, lines_are_cut);
  tcase_add_test (tests, numbers_are_digits);
  tcase_add_test (tests, times_are_decimals);
  tcase_add_test (tests, byte_ranges_are_read);
  tcase_add_test (tests, hexadecimal_sequences_are_read);
  tcase_add_test (tests, dates_are_read);
  tcase_add_test (tests, attribute_lists_are_read);
  return suite;
}

GST_CHECK_MAIN (m3u8text)

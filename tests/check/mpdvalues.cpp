// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdvalues.h"

#include "testutil.h"

using presentation::Fraction;
using presentation::Range;
using presentation::Time;

namespace {

struct Duration
{
  const char *text;
  std::optional<Time> expected;
};

const Duration durations[] = {
    {"PT8S", 8 * GST_SECOND},
    {"PT0.5S", 500 * GST_MSECOND},
    {"PT0.0000000019S", 1},
    {"PT1H2M3.25S", 3723250 * GST_MSECOND},
    {"PT0H1M0.00S", 60 * GST_SECOND},
    {"P1DT1S", 86401 * GST_SECOND},
    {"P0Y0M0DT2S", 2 * GST_SECOND},
    {"PT9223372036.854775807S", presentation::max_time},
    {"PT9223372036.854775808S", {}},
    {"PT99999999999999999999S", {}},
    {"", {}},
    {"P", {}},
    {"PT", {}},
    {"8", {}},
    {"-PT8S", {}},
    {"PT-8S", {}},
    {"PT8", {}},
    {"PTS", {}},
    {"PT.5S", {}},
    {"PT8X", {}},
    {"PTT8S", {}},
    {"P8S", {}},
    {"PT8D", {}},
    {"P1Y", {}},
    {"P1M", {}},
};

struct Bytes
{
  const char *text;
  std::optional<Range> expected;
};

const Bytes ranges[] = {
    {"0-0", Range{0, 0}},
    {"100-199", Range{100, 199}},
    {"100-", Range{100, {}}},
    {"18446744073709551615-18446744073709551615",
        Range{UINT64_MAX, UINT64_MAX}},
    {"", {}},
    {"5", {}},
    {"-5", {}},
    {"5-4", {}},
    {"5-x", {}},
    {"5 - 6", {}},
    {"18446744073709551616-", {}},
};

}  // namespace

GST_START_TEST (durations_are_read)
{
  for (const Duration &row : durations)
    fail_unless (
        mpdvalues::duration (row.text) == row.expected, "%s", row.text);
}
GST_END_TEST;

GST_START_TEST (ranges_are_read)
{
  for (const Bytes &row : ranges)
    fail_unless (mpdvalues::range (row.text) == row.expected, "%s", row.text);
}
GST_END_TEST;

GST_START_TEST (frame_rates_are_read)
{
  const std::pair<const char *, Fraction> rows[] = {
      {"25", {25, 1}},
      {"30000/1001", {30000, 1001}},
      {"", {}},
      {"25.5", {}},
      {"25/", {}},
      {"/25", {}},
      {"25/0", {}},
      {"4294967296", {}},
  };
  for (const auto &[text, expected] : rows)
    fail_unless (mpdvalues::frame_rate (text) == expected, "%s", text);
}
GST_END_TEST;

GST_START_TEST (availability_offsets_are_read)
{
  const std::pair<const char *, std::optional<Time>> rows[] = {
      {"0", 0},
      {"7.5", 7500 * GST_MSECOND},
      {"INF", presentation::max_time},
      {"18446744073", presentation::max_time},
      {"", {}},
      {"-1", {}},
      {"inf", {}},
  };
  for (const auto &[text, expected] : rows)
    fail_unless (mpdvalues::availability_offset (text) == expected, "%s", text);
}
GST_END_TEST;

GST_START_TEST (playout_rates_are_read)
{
  const std::pair<const char *, std::optional<double>> rows[] = {
      {"8", 8},
      {"1.5", 1.5},
      {"2E1", 20},
      {"INF", INFINITY},
      // As good as not there.
      {"", {}},
      {"0", {}},
      {"-8", {}},
      {"NaN", {}},
      {"inf", {}},
      {"1e999", {}},
      {"8x", {}},
      {"fast", {}},
  };
  for (const auto &[text, expected] : rows)
    fail_unless (mpdvalues::playout_rate (text) == expected, "%s", text);
}
GST_END_TEST;

GST_START_TEST (booleans_are_read)
{
  const std::pair<const char *, std::optional<bool>> rows[] = {
      {"true", true},
      {"1", true},
      {"false", false},
      {"0", false},
      {"", {}},
      {"TRUE", {}},
      {"no", {}},
  };
  for (const auto &[text, expected] : rows)
    fail_unless (mpdvalues::boolean (text) == expected, "%s", text);
}
GST_END_TEST;

static Suite *mpdvalues_suite ()
{
  Suite *suite = suite_create ("mpdvalues");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, durations_are_read);
  tcase_add_test (tests, ranges_are_read);
  tcase_add_test (tests, frame_rates_are_read);
  tcase_add_test (tests, availability_offsets_are_read);
  tcase_add_test (tests, playout_rates_are_read);
  tcase_add_test (tests, booleans_are_read);
  return suite;
}

GST_CHECK_MAIN (mpdvalues)

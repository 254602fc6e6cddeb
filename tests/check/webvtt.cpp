// SPDX-License-Identifier: LGPL-2.1-or-later
#include "webvtt.h"

#include "testutil.h"

using webvtt::Map;

GST_START_TEST (maps_are_read)
{
  const struct
  {
    std::string text;
    std::optional<Map> map;
  } rows[] = {
      {"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:01.500,MPEGTS:900000\n\n",
          Map{1500 * GST_MSECOND, 900000}},
      {"\xef\xbb\xbfWEBVTT - x\r\nX-TIMESTAMP-MAP=MPEGTS:5,LOCAL:00:01.000\r\n",
          Map{GST_SECOND, 5}},
      {"WEBVTT\nKind: x\nX-TIMESTAMP-MAP = MPEGTS:8589934593 , LOCAL:00:01.000",
          Map{GST_SECOND, 1}},
      {"WEBVTT\n\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:1\n", {}},
      {"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000\n\n", {}},
      {"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:0,MPEGTS:1\n\n", {}},
      {"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:-1\n\n", {}},
      {"WEBVTT\nX-TIMESTAMP-MAPS=LOCAL:00:00:00.000,MPEGTS:1\n\n", {}},
      {"WEBVTT\n", {}},
      {"X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:1\n", {}},
      {"", {}},
  };
  for (const auto &row : rows)
    fail_unless (webvtt::map_of (row.text) == row.map, "%s", row.text.c_str ());
}
GST_END_TEST;

GST_START_TEST (cues_are_moved)
{
  const std::string text =
      "WEBVTT\r\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:1\r\n\r\n"
      "NOTE 1 --> 2\r\n\r\nname\r\n"
      "00:01.000 --> 00:02.500 align:left  line:0\r\na --> b\r\n\r\n"
      "1:59:59.999\t-->\t100:00:00.000\r\nlast";
  fail_unless (webvtt::first_cue (text) == GST_SECOND);
  fail_unless (webvtt::shift (text, 3'661'001 * std::int64_t{GST_MSECOND}) ==
               "WEBVTT\r\n\r\nNOTE 1 --> 2\r\n\r\nname\r\n"
               "01:01:02.001 --> 01:01:03.501 align:left  line:0\r\n"
               "a --> b\r\n\r\n"
               "03:01:01.000 --> 101:01:01.001\r\nlast");
  // Nothing is before the beginning.
  fail_unless (
      webvtt::shift ("00:01.000 --> 00:03.000\n",
          -2 * std::int64_t{GST_SECOND}) == "00:00:00.000 --> 00:00:01.000\n");
  for (const char *none :
      {"", "WEBVTT\n\n", "00:01.000 -->", "--> 00:01.000", "00:01 --> 00:02",
          "00:61.000 --> 00:62.000", "60:00.000 --> 61:00.000",
          "00:01.00 --> 00:02.00", "-00:01.000 --> 00:02.000",
          "9999999999:00:00.000 --> 9999999999:00:01.000"}) {
    fail_unless (!webvtt::first_cue (none), "%s", none);
    fail_unless (webvtt::shift (none, GST_SECOND) == none, "%s", none);
  }
}
GST_END_TEST;

GST_START_TEST (segments_end_with_an_empty_line)
{
  const char *rows[][2] = {
      {"", "\n\n"},
      {"WEBVTT", "WEBVTT\n\n"},
      {"WEBVTT\n", "WEBVTT\n\n"},
      {"WEBVTT\n\n", "WEBVTT\n\n"},
      {"WEBVTT\r\n", "WEBVTT\r\n\n"},
      {"WEBVTT\r\n\r\n", "WEBVTT\r\n\r\n"},
      {"WEBVTT\n\n\n\n", "WEBVTT\n\n\n\n"},
      // Without a map nothing is moved.
      {"WEBVTT\n\n00:01.000 --> 00:02.000\nx",
          "WEBVTT\n\n00:01.000 --> 00:02.000\nx\n\n"},
      {"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00.000,MPEGTS:0\n\n"
       "00:01.000 --> 00:02.000\nx\n",
          "WEBVTT\n\n00:00:02.000 --> 00:00:03.000\nx\n\n"},
  };
  for (const auto &row : rows)
    fail_unless (webvtt::place (row[0], std::int64_t{GST_SECOND}) == row[1],
        "%s", row[0]);
}
GST_END_TEST;

GST_START_TEST (cues_are_when_their_segment_is)
{
  struct Step
  {
    std::uint64_t listed;  // s
    const char *local;
    std::uint64_t mpegts;  // s
    const char *cue;       // nullptr: there is none
    std::int64_t offset;   // s
  };
  const char *zero = "00:00:00.000";
  const std::vector<Step> runs[] = {
      // The presentation's clock, whatever the media's says.
      {{0, zero, 10, "00:01.000", 0}, {6, zero, 10, "00:07.000", 0},
          {12, zero, 10, "00:12.000", 0}},
      // The same, begun amid it.
      {{60, zero, 10, "01:01.000", 0}, {66, zero, 10, "01:07.000", 0}},
      // A clock for each segment.
      {{0, zero, 10, "00:01.000", 0}, {6, zero, 16, "00:01.000", 6},
          {12, zero, 22, "00:01.000", 12}},
      {{60, zero, 70, "00:01.000", 60}, {66, zero, 76, "00:01.000", 66}},
      // Only the difference counts.
      {{0, "00:00:05.000", 15, "00:01.000", 0}, {6, zero, 10, "00:07.000", 0}},
      // Back.
      {{60, zero, 70, "00:01.000", 60}, {0, zero, 10, "00:01.000", 0}},
      // Round the clock of 33 bits, which are 95443.7 s.
      {{0, zero, 95443, "00:01.000", 0}},
      // Segments without cues tell nothing.
      {{0, zero, 10, nullptr, 0}, {6, zero, 16, "00:01.000", 6},
          {12, zero, 22, "00:01.000", 12}},
  };
  for (const auto &run : runs) {
    webvtt::Clock clock;
    for (const Step &step : run) {
      std::string text =
          std::string ("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:") + step.local +
          ",MPEGTS:" + std::to_string (step.mpegts * 90000) + "\n\n";
      if (step.cue != nullptr)
        text += std::string (step.cue) + " --> 99:00:00.000\nx\n";
      std::int64_t offset = clock.offset (
          step.listed * GST_SECOND, 6 * GST_SECOND, text, std::nullopt);
      fail_unless (offset == step.offset * std::int64_t{GST_SECOND},
          "%d: %" G_GINT64_FORMAT, static_cast<int> (step.listed), offset);
    }
  }
  // Without a map cues are where they say.
  webvtt::Clock clock;
  fail_unless (clock.offset (60 * GST_SECOND, 6 * GST_SECOND,
                   "WEBVTT\n\n00:01.000 --> 00:02.000\n", std::nullopt) == 0);
}
GST_END_TEST;

// The media are presented 10 s after their clock's zero, and 0.4 s later.
GST_START_TEST (cues_are_when_the_media_are)
{
  constexpr std::uint64_t unit = 90;  // a millisecond
  const struct
  {
    std::uint64_t listed;  // s
    std::uint64_t mpegts;  // ms
    const char *cue;
    std::int64_t offset;  // ms
  } rows[] = {
      {0, 10400, "00:01.000", 0},
      {0, 10000, "00:01.000", -400},
      {60, 10000, "01:01.000", -400},
      // A clock for each segment.
      {60, 70000, "00:01.000", 59600},
      // Round the clock of 33 bits, which are 95443.7 s.
      {95440, 10000, "26:30:41.000", -400},
      // In a long segment, and a little before it.
      {0, 10000, "01:00.000", -400},
      {60, 10000, "00:51.000", -400},
      // Elsewhere: it is another clock.
      {60, 10000, "00:50.000", 0},
      {0, 10000, "01:15.000", 0},
      {60, 0, "01:01.000", -10400},
      {60, 500000, "00:01.000", 60000},
  };
  for (const auto &row : rows) {
    webvtt::Clock clock;
    std::string text = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:" +
                       std::to_string (row.mpegts * unit) + "\n\n" + row.cue +
                       " --> 99:00:00.000\nx\n";
    std::int64_t offset = clock.offset (row.listed * GST_SECOND,
        60 * GST_SECOND, text, mediaclock::Anchor{0, 10400 * unit});
    fail_unless (offset / std::int64_t{GST_MSECOND} == row.offset,
        "%d s, %s: %" G_GINT64_FORMAT, static_cast<int> (row.listed), row.cue,
        offset);
  }
}
GST_END_TEST;

static Suite *webvtt_suite ()
{
  Suite *suite = suite_create ("webvtt");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, maps_are_read);
  tcase_add_test (tests, cues_are_moved);
  tcase_add_test (tests, segments_end_with_an_empty_line);
  tcase_add_test (tests, cues_are_when_their_segment_is);
  tcase_add_test (tests, cues_are_when_the_media_are);
  return suite;
}

GST_CHECK_MAIN (webvtt)

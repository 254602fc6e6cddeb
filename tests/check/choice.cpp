// SPDX-License-Identifier: LGPL-2.1-or-later
#include "choice.h"

#include "testutil.h"

using choice::Limits;
using choice::Selection;
using presentation::Representation;
using presentation::Track;

namespace {

Representation representation (std::uint64_t bandwidth,
    std::uint32_t height = 0, std::string codecs = {}, std::string mime = {})
{
  Representation out{};
  out.bandwidth = bandwidth;
  out.height = height;
  out.codecs = std::move (codecs);
  out.mime_type = std::move (mime);
  return out;
}

Track track (std::vector<Representation> representations)
{
  Track out;
  out.representations = std::move (representations);
  return out;
}

std::string text (const std::vector<std::size_t> &indexes)
{
  std::string out;
  for (std::size_t index : indexes) out += std::to_string (index) + " ";
  return out;
}

}  // namespace

GST_START_TEST (codecs_are_of_kinds)
{
  struct
  {
    const char *codecs;
    const char *kinds;
  } rows[] = {
      {"", ""},
      {" , ,", ""},
      {"avc1.64001f", "avc"},
      {"avc3.64001f", "avc"},
      {"hvc1.2.4.L123.B0", "hevc"},
      {"hev1.1.6.L93.90", "hevc"},
      {"dvh1.05.06", "dolby-vision"},
      {"av01.0.04M.08", "av1"},
      {"vp9", "vp9"},
      {"vp09.00.10.08", "vp9"},
      {"mp4a.40.2", "aac"},
      {"mp4a.40.5", "aac"},
      {"mp4a.40.29", "aac"},
      {"mp4a.40.34", "mp3"},
      {"mp4a.6B", "mp3"},
      {"ac-3", "ac-3"},
      {"mp4a.a6", "ec-3"},
      {"stpp.ttml.im1t", "stpp"},
      {"foo.1,bar", "bar foo"},
      {"mp4a.40.2,avc1.64001f", "aac avc"},
      {"avc1.42c00d , mp4a.40.5", "aac avc"},
      {"avc1.42c00d,avc1.64001f", "avc"},
  };
  for (const auto &row : rows)
    fail_unless_equals_string (
        choice::codec_kinds (row.codecs).c_str (), row.kinds);
}
GST_END_TEST;

GST_START_TEST (what_one_pad_takes)
{
  struct
  {
    Representation one;
    Representation other;
    bool expected;
  } rows[] = {
      {representation (1), representation (2), true},
      {representation (1, 0, "avc1.1"), representation (2, 0, "avc3.2"), true},
      {representation (1, 0, "avc1.1"), representation (2, 0, "hvc1.2"), false},
      {representation (1, 0, "avc1.1,mp4a.40.2"),
          representation (2, 0, "avc1.1,ac-3"), false},
      // What does not say.
      {representation (1, 0, "avc1.1"), representation (2), true},
      {representation (1, 0, "", "video/mp4"),
          representation (1, 0, "", "video/webm"), false},
      {representation (1, 0, "", "video/mp4"), representation (1), true},
      {representation (1, 0, "avc1", "video/mp4"),
          representation (1, 0, "avc1", "video/mp2t"), false},
  };
  for (const auto &row : rows) {
    fail_unless (choice::is_switchable (row.one, row.other) == row.expected);
    fail_unless (choice::is_switchable (row.other, row.one) == row.expected);
  }
}
GST_END_TEST;

GST_START_TEST (levels_of_a_track)
{
  Track ladder = track ({representation (3000, 720), representation (500, 240),
      representation (9000, 2160), representation (1500, 480)});
  using enum Selection;
  auto limits = [] (Selection selection, std::uint64_t max_bitrate,
                    std::uint32_t max_height, std::uint64_t speed) {
    return Limits{selection, max_bitrate, max_height, speed, 0.5};
  };
  struct
  {
    Limits limits;
    const char *expected;
  } rows[] = {
      {limits (automatic, 0, 0, 0), "1 3 0 2 "},
      {limits (automatic, 3000, 0, 0), "1 3 0 "},
      {limits (automatic, 2999, 0, 0), "1 3 "},
      {limits (automatic, 0, 480, 0), "1 3 "},
      {limits (automatic, 1000, 2160, 0), "1 "},
      // Nothing is within: the lowest one.
      {limits (automatic, 499, 0, 0), "1 "},
      {limits (highest, 0, 100, 0), "1 "},
      // A speed that is known, of which a half is for media.
      {limits (automatic, 0, 0, 3000), "3 "},
      {limits (automatic, 0, 0, 2999), "1 "},
      {limits (automatic, 0, 0, 10), "1 "},
      {limits (automatic, 3000, 0, 99000), "0 "},
      {limits (highest, 0, 0, 0), "2 "},
      {limits (highest, 8999, 0, 0), "0 "},
      {limits (highest, 0, 480, 10), "3 "},
      {limits (lowest, 0, 0, 99000), "1 "},
      // 2250 is in the middle of two, and the first one is taken.
      {limits (nearest, 0, 0, 2250), "0 "},
      {limits (nearest, 0, 0, 2249), "3 "},
      {limits (nearest, 0, 0, 2251), "0 "},
      {limits (nearest, 0, 0, 1), "1 "},
      {limits (nearest, 0, 0, 99000), "2 "},
      {limits (nearest, 3000, 0, 99000), "0 "},
      {limits (nearest, 0, 0, 0), "2 "},
  };
  for (const auto &row : rows)
    fail_unless_equals_string (
        text (choice::levels (ladder, row.limits)).c_str (), row.expected);
  fail_unless (choice::levels (track ({}), {}).empty ());
  fail_unless_equals_string (
      text (choice::levels (track ({representation (0)}), {})).c_str (), "0 ");
  // Equals stay in their order, and of equals the first one is taken.
  Track same = track ({representation (7), representation (7)});
  fail_unless_equals_string (text (choice::levels (same, {})).c_str (), "0 1 ");
  fail_unless_equals_string (
      text (choice::levels (same, limits (highest, 0, 0, 0))).c_str (), "0 ");
}
GST_END_TEST;

GST_START_TEST (what_cannot_be_switched_stays_apart)
{
  // The larger family, or the first one of two.
  Track mixed = track ({representation (5, 0, "hvc1"),
      representation (1, 0, "avc1"), representation (3, 0, "avc1"),
      representation (9, 0, "hvc1"), representation (2, 0, "avc3")});
  fail_unless_equals_string (
      text (choice::levels (mixed, {})).c_str (), "1 4 2 ");
  Limits low;
  low.max_bitrate = 5;
  fail_unless_equals_string (
      text (choice::levels (mixed, low)).c_str (), "1 4 2 ");
  mixed.representations.pop_back ();
  fail_unless_equals_string (
      text (choice::levels (mixed, {})).c_str (), "0 3 ");
  // What does not say goes with either, but does not bring them together.
  Track unknown = track ({representation (2), representation (3, 0, "avc1"),
      representation (4, 0, "hvc1")});
  fail_unless_equals_string (
      text (choice::levels (unknown, {})).c_str (), "0 1 ");
  // One that is fixed may be of any.
  Limits highest;
  highest.selection = Selection::highest;
  fail_unless_equals_string (
      text (choice::levels (mixed, highest)).c_str (), "3 ");
}
GST_END_TEST;

static Suite *choice_suite ()
{
  Suite *suite = suite_create ("choice");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, codecs_are_of_kinds);
  tcase_add_test (tests, what_one_pad_takes);
  tcase_add_test (tests, levels_of_a_track);
  tcase_add_test (tests, what_cannot_be_switched_stays_apart);
  return suite;
}

GST_CHECK_MAIN (choice)

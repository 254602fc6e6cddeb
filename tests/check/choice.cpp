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
    fail_unless (choice::codec_kinds (row.codecs) == row.kinds);
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
    fail_unless (text (choice::levels (ladder, row.limits)) == row.expected);
  fail_unless (choice::levels (track ({}), {}).empty ());
  fail_unless (
      text (choice::levels (track ({representation (0)}), {})) == "0 ");
  // Equals stay in their order, and of equals the first one is taken.
  Track same = track ({representation (7), representation (7)});
  fail_unless (text (choice::levels (same, {})) == "0 1 ");
  fail_unless (text (choice::levels (same, limits (highest, 0, 0, 0))) == "0 ");
}
GST_END_TEST;

GST_START_TEST (what_cannot_be_switched_stays_apart)
{
  // The larger family, or the first one of two.
  Track mixed = track ({representation (5, 0, "hvc1"),
      representation (1, 0, "avc1"), representation (3, 0, "avc1"),
      representation (9, 0, "hvc1"), representation (2, 0, "avc3")});
  fail_unless (text (choice::levels (mixed, {})) == "1 4 2 ");
  Limits low;
  low.max_bitrate = 5;
  fail_unless (text (choice::levels (mixed, low)) == "1 4 2 ");
  mixed.representations.pop_back ();
  fail_unless (text (choice::levels (mixed, {})) == "0 3 ");
  // What does not say goes with either, but does not bring them together.
  Track unknown = track ({representation (2), representation (3, 0, "avc1"),
      representation (4, 0, "hvc1")});
  fail_unless (text (choice::levels (unknown, {})) == "0 1 ");
  // One that is fixed may be of any.
  Limits highest;
  highest.selection = Selection::highest;
  fail_unless (text (choice::levels (mixed, highest)) == "3 ");
}
GST_END_TEST;

// Each representation beside each other one, and that for each of them, takes
// longer than any test may.
GST_START_TEST (there_may_be_very_many)
{
  std::vector<Representation> all;
  for (std::uint64_t i = 0; i < 4000; i++)
    all.push_back (representation (1'000'000 + i, 0,
        i % 4 == 0 ? "hvc1.1" : "avc1.64001f", i % 4 == 1 ? "" : "video/mp4"));
  std::vector<std::size_t> levels = choice::levels (track (all), {});
  fail_unless_equals_uint64 (levels.size (), 3000);
  fail_unless_equals_uint64 (levels.front (), 1);
  fail_unless_equals_uint64 (levels.back (), 3999);
}
GST_END_TEST;

GST_START_TEST (the_first_level_is_a_low_one)
{
  Track ladder = track ({representation (3'000'000), representation (900'000),
      representation (400'000), representation (500'000)});
  fail_unless_equals_uint64 (choice::first (ladder, {}), 3);
  Limits limits;
  limits.max_bitrate = 450'000;
  fail_unless_equals_uint64 (choice::first (ladder, limits), 2);
  limits = {};
  limits.selection = Selection::highest;
  fail_unless_equals_uint64 (choice::first (ladder, limits), 0);
  limits = {};
  limits.connection_speed = 1'000'000;
  fail_unless_equals_uint64 (choice::first (ladder, limits), 1);
}
GST_END_TEST;

GST_START_TEST (one_track_of_each_type_is_preferred)
{
  using enum presentation::Type;
  auto plain = [] (presentation::Type type) {
    Track out;
    out.type = type;
    return out;
  };
  auto with_role = [&] (presentation::Type type, const char *role) {
    Track out = plain (type);
    out.roles.push_back ({"urn:mpeg:dash:role:2011", role});
    return out;
  };
  auto rendition = [&] (bool is_default, bool autoselect) {
    Track out = plain (audio);
    out.is_rendition = true;
    out.is_default = is_default;
    out.autoselect = autoselect;
    return out;
  };
  Track forced = plain (text);
  forced.forced = true;
  // Its variants have sound: with these CODECS, said by such a rendition.
  auto with_sound = [&] (const char *codecs, bool is_default, bool autoselect) {
    Track out = track ({representation (1, 0, codecs)});
    out.sound_within = presentation::Within{is_default, autoselect};
    return out;
  };
  const char *both = "avc1.4d401f,mp4a.40.2";
  Track other_scheme = plain (video);
  other_scheme.roles.push_back ({"urn:of:others", "main"});

  struct
  {
    std::vector<Track> tracks;
    const char *expected;
  } rows[] = {
      {{}, ""},
      {{plain (video)}, "1"},
      {{plain (video), plain (audio), plain (text)}, "111"},
      {{plain (video), plain (video), plain (audio), plain (audio)}, "1010"},
      {{with_role (video, "alternate"), with_role (video, "main")}, "01"},
      {{with_role (audio, "commentary"), plain (audio)}, "01"},
      {{plain (audio), with_role (audio, "main")}, "01"},
      {{other_scheme, plain (video)}, "01"},
      {{rendition (false, false), rendition (false, true)}, "01"},
      {{rendition (false, true), rendition (true, true)}, "01"},
      {{rendition (false, false), rendition (false, false)}, "10"},
      {{forced, plain (text)}, "01"},
      {{forced}, "1"},
      {{with_sound (both, true, true), rendition (false, true)}, "10"},
      {{with_sound ("", true, true), rendition (false, true)}, "10"},
      {{with_sound (both, false, false), rendition (false, false)}, "10"},
      {{with_sound (both, false, true), rendition (true, true)}, "11"},
      {{with_sound ("avc1.4d401f", true, true), rendition (false, false)},
          "11"},
  };
  for (const auto &row : rows) {
    std::vector<const Track *> tracks;
    for (const Track &one : row.tracks) tracks.push_back (&one);
    std::string flags;
    for (bool flag : choice::preferred (tracks)) flags += flag ? '1' : '0';
    fail_unless (flags == row.expected);
  }
}
GST_END_TEST;

GST_START_TEST (muxed_tracks_are_told)
{
  Track sound;
  sound.type = presentation::Type::audio;
  struct
  {
    const char *codecs;
    bool has_sound;
    bool expected;
  } rows[] = {
      {"", false, true},
      {"", true, false},
      {"avc1.4d401f,mp4a.40.2", false, true},
      {"avc1.4d401f,mp4a.40.2", true, false},
      {"avc1.4d401f", false, false},
      {"avc1.4d401f", true, false},
      {"vp09.00.10.08,opus", false, true},
  };
  for (const auto &row : rows) {
    Track picture = track ({representation (1, 0, row.codecs)});
    std::vector<const Track *> tracks{&picture};
    if (row.has_sound) tracks.push_back (&sound);
    fail_unless (
        choice::is_muxed (picture, tracks) == row.expected, "%s", row.codecs);
    fail_unless (!choice::is_muxed (sound, tracks));
    // A rendition without an address says that it is in there.
    picture.sound_within.emplace ();
    bool names_sound = row.codecs != std::string_view ("avc1.4d401f");
    fail_unless (
        choice::is_muxed (picture, tracks) == names_sound, "%s", row.codecs);
  }
}
GST_END_TEST;

GST_START_TEST (what_is_played_faster_needs_more)
{
  Track ladder = track ({representation (100'000), representation (400'000),
      representation (3'000'000)});
  const struct
  {
    double rate;
    std::uint64_t connection_speed;
    std::size_t first;
  } rows[] = {
      {1, 0, 1},
      {-1, 0, 1},
      {0.1, 0, 2},
      {2, 0, 0},
      {-2, 0, 0},
      // Nine tenths of it.
      {1, 4'000'000, 2},
      {2, 4'000'000, 1},
      {-8, 4'000'000, 1},
      {16, 4'000'000, 0},
  };
  for (const auto &row : rows) {
    Limits limits;
    limits.connection_speed = row.connection_speed;
    fail_unless_equals_uint64 (
        choice::first (ladder, limits, row.rate), row.first);
  }
  fail_unless_equals_uint64 (choice::needed (1000, 2.5), 2500);
  fail_unless_equals_uint64 (choice::needed (1000, -2.5), 2500);
  fail_unless_equals_uint64 (
      choice::needed (G_MAXUINT64, 4), 1'000'000'000'000'000'000);
  Limits limits;
  limits.connection_speed = 1000;
  // It stays one: 0 would be none.
  fail_unless_equals_uint64 (choice::at_rate (limits, 1e9).connection_speed, 1);
  fail_unless_equals_uint64 (
      choice::at_rate (limits, -0.5).connection_speed, 2000);
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
  tcase_add_test (tests, there_may_be_very_many);
  tcase_add_test (tests, the_first_level_is_a_low_one);
  tcase_add_test (tests, what_is_played_faster_needs_more);
  tcase_add_test (tests, one_track_of_each_type_is_preferred);
  tcase_add_test (tests, muxed_tracks_are_told);
  return suite;
}

GST_CHECK_MAIN (choice)

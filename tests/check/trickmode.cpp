// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trickmode.h"

#include "testutil.h"

using presentation::Period;
using presentation::Representation;
using presentation::Track;
using presentation::Type;

namespace {

Representation representation (
    const std::string &id, std::string codecs = {}, std::string mime = {})
{
  Representation out{};
  out.id = id;
  out.codecs = std::move (codecs);
  out.mime_type = std::move (mime);
  return out;
}

Track track (const std::string &id, std::string codecs = {},
    std::string mime = {}, Type type = Type::video)
{
  Track out;
  out.id = id;
  out.type = type;
  out.representations = {
      representation (id, std::move (codecs), std::move (mime))};
  return out;
}

Track trick (const std::string &of,
    const std::vector<Representation> &representations, Type type = Type::video)
{
  Track out;
  out.type = type;
  out.is_trick_mode = true;
  out.trick_mode_of = of;
  out.representations = representations;
  return out;
}

Track rendition (Track out)
{
  out.is_rendition = true;
  return out;
}

}  // namespace

GST_START_TEST (who_has_the_key_frames_of_a_track)
{
  const auto r = [] (const char *id, const char *codecs = "",
                     const char *mime = "") {
    return std::vector{representation (id, codecs, mime)};
  };
  const struct
  {
    const char *name;
    Track track;  // the first one of the period
    std::vector<Track> others;
    const char *expected;  // the representations; "" = nothing
  } rows[] = {
      {"nobody", track ("1"), {track ("2")}, ""},
      {"HLS", track (""), {trick ("", r ("a"))}, "a"},
      {"several of them", track (""),
          {trick ("", {representation ("a"), representation ("b")})}, "ab"},
      {"DASH, by its name", track ("1"), {trick ("1", r ("a"))}, "a"},
      {"of another one", track ("1"), {trick ("2", r ("a"))}, ""},
      {"no part of a name", track ("1"), {trick ("11", r ("a"))}, ""},
      {"of several", track ("2"), {trick (" 1  2 ", r ("a"))}, "a"},
      {"one without a name is in no list", track (""), {trick ("1", r ("a"))},
          ""},
      {"named goes before all", track ("1"),
          {trick ("", r ("a")), trick ("1", r ("b")), trick ("1", r ("c"))},
          "b"},
      {"the first of all", track ("1"),
          {trick ("", r ("a")), trick ("", r ("b"))}, "a"},
      {"empty", track (""), {trick ("", {})}, ""},
      {"not those of sound", track ("", "", "", Type::audio),
          {trick ("", r ("a"))}, ""},
      {"nor sound for pictures", track (""), {trick ("", r ("a"), Type::audio)},
          ""},
      {"nor another picture", rendition (track ("")), {trick ("", r ("a"))},
          ""},
      // HLS: the variant has sound in it, its key frames have not.
      {"codecs", track ("", "avc1.64001f,mp4a.40.2"),
          {trick ("",
              {representation ("a", "hvc1.1"),
                  representation ("b", "avc1.4d401e"), representation ("c")})},
          "bc"},
      {"other codecs", track ("", "avc1.64001f"),
          {trick ("", r ("a", "hvc1.1"))}, ""},
      {"nobody says which", track (""), {trick ("", r ("a", "hvc1.1"))}, "a"},
      {"a container", track ("", "", "video/mp4"),
          {trick ("", r ("a", "", "video/webm")),
              trick ("", r ("b", "", "video/mp4"))},
          "b"},
      {"none of the container", track ("", "", "video/mp2t"),
          {trick ("", r ("a", "", "video/mp4"))}, ""},
  };
  for (const auto &row : rows) {
    Period period;
    period.tracks = row.others;
    auto found =
        trickmode::find (period, row.track, row.track.representations.front ());
    std::string ids;
    if (found)
      for (const Representation &one : found->representations) ids += one.id;
    fail_unless (ids == row.expected, "%s: \"%s\"", row.name, ids.c_str ());
    fail_unless (found.has_value () == !ids.empty (), "%s", row.name);
  }
}
GST_END_TEST;

static Suite *trickmode_suite ()
{
  Suite *suite = suite_create ("trickmode");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, who_has_the_key_frames_of_a_track);
  return suite;
}

GST_CHECK_MAIN (trickmode)

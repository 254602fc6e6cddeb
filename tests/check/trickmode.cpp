// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trickmode.h"

#include <cmath>
#include <memory>

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

Representation at_rate (const std::string &id, double most)
{
  Representation out = representation (id);
  out.max_playout_rate = most;
  return out;
}

Representation intra_only (const std::string &id, double most)
{
  Representation out = at_rate (id, most);
  out.is_intra_only = true;
  return out;
}

std::string ids_of (const Track &track)
{
  std::string out;
  for (const Representation &one : track.representations) out += one.id;
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
    const char *expected;  // the representations of each; "" = nothing
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
      {"named, and for all", track ("1"),
          {trick ("", r ("a")), trick ("1", r ("b")), trick ("2", r ("c"))},
          "a b"},
      {"for different rates", track ("1"),
          {trick ("1", {at_rate ("a", 8), at_rate ("b", 2), at_rate ("c", 8),
                           at_rate ("d", 32)}),
              trick ("1", r ("e"))},
          "abcd acd d e"},
      // What is not said is 1, and so is what is less.
      {"for none in particular", track ("1"),
          {trick ("1", {at_rate ("a", .5), representation ("b"),
                           at_rate ("c", 1), at_rate ("d", 1.5)})},
          "abcd d"},
      {"for any rate", track ("1"),
          {trick ("1", {at_rate ("a", INFINITY), at_rate ("b", 4)})}, "ab a"},
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
    for (const Track &one : found) ids += ids_of (one) + " ";
    if (!ids.empty ()) ids.pop_back ();
    fail_unless (ids == row.expected, "%s: \"%s\"", row.name, ids.c_str ());
  }
}
GST_END_TEST;

// So many of them need not be for different rates.
GST_START_TEST (rates_are_counted)
{
  Period period;
  std::vector<Representation> all;
  for (int i = 1; i <= 100; i++) all.push_back (at_rate ("r", i));
  period.tracks = {trick ("", all)};
  Track normal = track ("1");
  auto found =
      trickmode::find (period, normal, normal.representations.front ());
  fail_unless_equals_uint64 (found.size (), 16);
  fail_unless_equals_uint64 (found.back ().representations.size (), 85);
}
GST_END_TEST;

GST_START_TEST (which_key_frames_are_for_a_rate)
{
  const Track slow = trick ("1", {at_rate ("2", 2)});
  const Track fast = trick ("1", {at_rate ("8", 8)});
  const Track faster = trick ("1", {at_rate ("32", 32)});
  const Track any_rate = trick ("1", {at_rate ("any", INFINITY)});
  const Track unsaid = trick ("1", {representation ("-")});
  const Track for_all = trick ("", {at_rate ("all", 16)});
  const Track intra = trick ("1", {intra_only ("intra", 8)});
  const Track slow_intra = trick ("1", {intra_only ("slow", 2)});
  const Track partly =
      trick ("1", {intra_only ("x", 8), at_rate ("partly", 8)});
  const struct
  {
    const char *name;
    std::vector<Track> of;
    double rate;
    const char *expected;
  } rows[] = {
      {"none", {}, 4, ""},
      {"the only one", {slow}, 64, "2"},
      {"nobody says", {unsaid, trick ("1", {representation ("b")})}, 4, "-"},
      // 5.3.7.2
      {"as fast as that", {slow, fast, faster}, 8, "8"},
      {"faster than that", {slow, fast, faster}, 8.5, "32"},
      {"too fast for all", {slow, faster, fast}, 64, "32"},
      {"backward", {slow, fast, faster}, -8, "8"},
      {"backward, too fast", {slow, fast, faster}, -64, "32"},
      {"no more than is needed", {faster, fast, slow}, 2, "2"},
      {"the normal rate", {faster, unsaid, slow}, 1, "-"},
      {"slowly", {faster, unsaid, slow}, .5, "-"},
      {"not said is 1", {unsaid, fast}, 2, "8"},
      {"not said is no end", {unsaid, slow}, 64, "2"},
      {"no limit", {fast, any_rate, faster}, 64, "any"},
      {"no limit is needed", {any_rate, faster}, 64, "any"},
      // DASH-IF IOP 4.3 3.2.9
      {"one that names it", {for_all, faster}, 8, "32"},
      {"unless it is too slow", {for_all, fast}, 16, "all"},
      {"both are too slow", {fast, for_all}, 64, "all"},
      // @codingDependency
      {"backward, pictures by themselves", {slow, fast, intra}, -4, "intra"},
      {"but not too slowly", {slow_intra, fast}, -4, "8"},
      {"rather than slower ones", {slow, intra}, -2, "intra"},
      {"not when some are not", {fast, partly, slow}, -2, "2"},
      {"forward that is all the same", {fast, intra}, 4, "8"},
  };
  for (const auto &row : rows) {
    std::vector<std::shared_ptr<const Track>> all;
    for (const Track &one : row.of)
      all.push_back (std::make_shared<const Track> (one));
    auto found = trickmode::choose (all, row.rate);
    std::string ids = found ? ids_of (*found) : "";
    fail_unless (ids == row.expected, "%s: \"%s\"", row.name, ids.c_str ());
  }
}
GST_END_TEST;

static Suite *trickmode_suite ()
{
  Suite *suite = suite_create ("trickmode");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, who_has_the_key_frames_of_a_track);
  tcase_add_test (tests, rates_are_counted);
  tcase_add_test (tests, which_key_frames_are_for_a_rate);
  return suite;
}

GST_CHECK_MAIN (trickmode)

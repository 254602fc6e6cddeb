// SPDX-License-Identifier: LGPL-2.1-or-later
#include "places.h"

#include "m3u8.h"
#include "testutil.h"

using places::Book;
using places::Place;
using presentation::Representation;
using presentation::Track;

namespace {

// "index.base=location", in their order.
std::string shown (const std::vector<Place> &all)
{
  std::string out;
  for (const Place &place : all)
    out += (out.empty () ? "" : " ") + std::to_string (place.index) + "." +
           std::to_string (place.base) + "=" + place.location;
  return out;
}

Track dash (const std::vector<presentation::Base> &bases)
{
  Track track;
  Representation other{};
  other.base = "http://o/";
  track.representations.push_back (other);
  Representation one{};
  one.id = "x";
  one.base = bases.front ().uri;
  one.service_location = bases.front ().service_location;
  one.alternatives.assign (bases.begin () + 1, bases.end ());
  track.representations.push_back (std::move (one));
  return track;
}

Track main_of (const std::string &lines)
{
  auto playlist = m3u8::parse ("#EXTM3U\n" + lines, {"http://h/m.m3u8", {}});
  fail_unless (playlist.ok ());
  auto all = m3u8::to_presentation (
      std::get<m3u8::Multivariant> (*playlist), "http://h/m.m3u8");
  return all.periods[0].tracks[0];
}

std::string variant (const std::string &attributes, const std::string &uri)
{
  return "#EXT-X-STREAM-INF:" + attributes + "\n" + uri + "\n";
}

}  // namespace

GST_START_TEST (bases_are_places)
{
  const struct
  {
    std::vector<presentation::Base> bases;
    const char *expected;
  } rows[] = {
      {{{"http://a/x/", ""}}, "1.0=http://a:80"},
      // By the host, where that tells them apart,
      {{{"http://a/x/", ""}, {"http://b/x/", ""}},
          "1.0=http://a:80 1.1=http://b:80"},
      {{{"http://a/x/", ""}, {"http://a:81/x/", ""}},
          "1.0=http://a:80 1.1=http://a:81"},
      // or else by the address,
      {{{"http://a/x/", ""}, {"http://a/y/", ""}},
          "1.0=http://a/x/ 1.1=http://a/y/"},
      // or by the name.
      {{{"http://a/x/", "p"}, {"http://a/y/", "q"}, {"http://b/y/", "q"}},
          "1.0=p 1.1=q 1.2=q"},
  };
  for (const auto &row : rows) {
    Track track = dash (row.bases);
    auto all = places::of (track, 1);
    std::string got = shown (all);
    fail_unless_equals_string (got.c_str (), row.expected);
    for (std::size_t i = 0; i < all.size (); i++) {
      Representation there = places::at (track, all[i]);
      fail_unless (there.base == row.bases[i].uri);
      fail_unless_equals_uint64 (places::find (all, 1, there), i);
      fail_unless (places::is_same (track.representations[1], there) ==
                   (all.size () > 1));
    }
  }
}
GST_END_TEST;

GST_START_TEST (redundant_variants_are_places)
{
  const std::string sound =
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",LANGUAGE=\"en\","
      "URI=\"a\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"x\",LANGUAGE=\"en\","
      "URI=\"b\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"c\",NAME=\"x\",LANGUAGE=\"fr\","
      "URI=\"c\"\n";
  const struct
  {
    std::string lines;
    std::size_t of;
    const char *expected;
  } rows[] = {
      {variant ("BANDWIDTH=1", "http://a/v") +
              variant ("BANDWIDTH=2", "http://a/w") +
              variant ("BANDWIDTH=1", "http://b/v") +
              variant ("BANDWIDTH=2", "http://b/w"),
          0, "0.0=http://a:80 2.0=http://b:80"},
      {variant ("BANDWIDTH=1", "http://a/v") +
              variant ("BANDWIDTH=2", "http://a/w") +
              variant ("BANDWIDTH=1", "http://b/v") +
              variant ("BANDWIDTH=2", "http://b/w"),
          3, "1.0=http://a:80 3.0=http://b:80"},
      {variant ("BANDWIDTH=1", "v") + variant ("BANDWIDTH=1", "w") +
              variant ("BANDWIDTH=1", "x"),
          1, "0.0=http://h/v 1.0=http://h/w 2.0=http://h/x"},
      // By the name of the pathway.
      {variant ("BANDWIDTH=1,PATHWAY-ID=\"p\"", "v") +
              variant ("BANDWIDTH=1,PATHWAY-ID=\"q\"", "w"),
          0, "0.0=p 1.0=q"},
      // Their groups are the same by their renditions.
      {sound + variant ("BANDWIDTH=1,AUDIO=\"a\"", "v") +
              variant ("BANDWIDTH=1,AUDIO=\"b\"", "w") +
              variant ("BANDWIDTH=1,AUDIO=\"c\"", "x") +
              variant ("BANDWIDTH=1", "y"),
          0, "0.0=http://h/v 1.0=http://h/w"},
      // Others.
      {variant ("BANDWIDTH=1", "v") + variant ("BANDWIDTH=2", "w"), 0,
          "0.0=http://h:80"},
      {variant ("BANDWIDTH=1,RESOLUTION=2x2", "v") +
              variant ("BANDWIDTH=1,RESOLUTION=4x4", "w"),
          0, "0.0=http://h:80"},
      {variant ("BANDWIDTH=1,CODECS=\"avc1\"", "v") +
              variant ("BANDWIDTH=1,CODECS=\"hvc1\"", "w"),
          0, "0.0=http://h:80"},
      {variant ("AVERAGE-BANDWIDTH=1", "v") +
              variant ("AVERAGE-BANDWIDTH=1", "w"),
          0, "0.0=http://h:80"},
      // The same one.
      {variant ("BANDWIDTH=1", "v") + variant ("BANDWIDTH=1", "./v"), 0,
          "0.0=http://h:80"},
  };
  for (const auto &row : rows) {
    Track track = main_of (row.lines);
    auto all = places::of (track, row.of);
    std::string got = shown (all);
    fail_unless_equals_string (got.c_str (), row.expected);
    for (std::size_t i = 0; i < all.size (); i++)
      fail_unless_equals_uint64 (
          places::find (all, all[i].index, places::at (track, all[i])), i);
  }
}
GST_END_TEST;

GST_START_TEST (what_failed_is_left)
{
  Track track =
      dash ({{"http://a:1/?secret", ""}, {"http://b/", ""}, {"http://c/", ""}});
  auto all = places::of (track, 1);
  std::vector<Book::Move> moves;
  Book book;
  book.report = [&moves] (const Book::Move &move) { moves.push_back (move); };
  fail_unless_equals_uint64 (book.choose (all), 0);
  places::Tried tried;
  fail_unless (book.leave (all, 0, tried, "why") == std::size_t{1});
  fail_unless_equals_uint64 (moves.size (), 1);
  fail_unless (moves[0].from == "http://a:1/" && moves[0].to == "http://b/" &&
               moves[0].reason == "why");
  // For what follows too.
  fail_unless_equals_uint64 (book.choose (all), 1);
  fail_unless (book.leave (all, 1, tried, "") == std::size_t{2});
  fail_unless (!book.leave (all, 2, tried, ""));
  fail_unless_equals_uint64 (moves.size (), 2);
  // All have failed: the one whose failure is longest ago.
  fail_unless_equals_uint64 (book.choose (all), 0);
  tried.clear ();
  fail_unless (book.leave (all, 0, tried, "") == std::size_t{1});
  fail_unless_equals_uint64 (book.choose (all), 1);
  // What is at the same place goes along.
  Track second = dash ({{"http://b/y", ""}, {"http://d/", ""}});
  fail_unless_equals_uint64 (book.choose (places::of (second, 1)), 1);
  // With one place there is no choice, and no failure is remembered.
  Track alone = dash ({{"http://d/", ""}});
  tried.clear ();
  fail_unless (!book.leave (places::of (alone, 1), 0, tried, ""));
  fail_unless_equals_uint64 (book.choose (places::of (second, 1)), 1);
  book.clear ();
  fail_unless_equals_uint64 (book.choose (all), 0);
}
GST_END_TEST;

// Content Steering.
GST_START_TEST (what_is_preferred_goes_first)
{
  Track track = dash ({{"http://a/", "a"}, {"http://b/", "b"},
      {"http://b/2", "b"}, {"http://c/", "c"}});
  auto all = places::of (track, 1);
  Book book;
  fail_unless (book.preferred () == "");
  book.prefer ({"x", "c", "b"});
  fail_unless_equals_uint64 (book.choose (all), 3);
  fail_unless (book.preferred () == "x");
  book.prefer ({"c", "b"});
  fail_unless (book.preferred () == "c");
  // What fails goes behind all others, those too that are not named.
  places::Tried tried;
  fail_unless (book.leave (all, 3, tried, "") == std::size_t{1});
  fail_unless (book.preferred () == "b");
  fail_unless (book.leave (all, 1, tried, "") == std::size_t{0});
  fail_unless_equals_uint64 (book.choose (all), 0);
  // The same once more says nothing of that,
  book.prefer ({"c", "b"});
  fail_unless_equals_uint64 (book.choose (all), 0);
  // another order does.
  book.prefer ({"b", "c"});
  fail_unless_equals_uint64 (book.choose (all), 1);
  book.clear ();
  fail_unless_equals_uint64 (book.choose (all), 0);
}
GST_END_TEST;

static Suite *places_suite ()
{
  Suite *suite = suite_create ("places");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, bases_are_places);
  tcase_add_test (tests, redundant_variants_are_places);
  tcase_add_test (tests, what_failed_is_left);
  tcase_add_test (tests, what_is_preferred_goes_first);
  return suite;
}

GST_CHECK_MAIN (places)

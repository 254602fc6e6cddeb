// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keyids.h"

#include "testcenc.h"

using test::Bytes;
using test::Mp4Writer;
using test::TestTrack;
using test::TestTraf;
using test::operator+;

namespace {

TestTrack first ()
{
  return test::track ("cenc", 8, true);
}

TestTrack second ()
{
  return test::second_key (first ());
}

TestTrack clear_track ()
{
  TestTrack out = first ();
  out.is_encrypted = false;
  return out;
}

// ftyp and moov.
Bytes init (const TestTrack &track)
{
  return Mp4Writer (false).movie ({track});
}

// moof and mdat, with these groups.
Bytes media (const Bytes &groups = {})
{
  TestTrack track = first ();
  TestTraf traf;
  traf.track = &track;
  traf.runs = {test::samples_of (track, {500})};
  traf.extra = groups;
  auto out = Mp4Writer (false).fragment ({traf}, 0);
  return out.moof + out.mdat;
}

Bytes groups (const std::vector<TestTrack> &all)
{
  return test::sgpd (all, 1, test::Lengths::all) + test::sbgp ({{1, 1}});
}

std::string text (const std::vector<keys::KeyId> &kids)
{
  std::string out;
  for (const keys::KeyId &kid : kids) {
    std::string digits = keys::to_string (kid);
    out += digits == test::kid_digits    ? "1"
           : digits == test::kid2_digits ? "2"
                                         : "?";
  }
  return out;
}

std::string found (const std::vector<Bytes> &resources, std::size_t part)
{
  keyids::Scanner scanner;
  std::string out;
  for (const Bytes &bytes : resources) {
    scanner.begin ();
    for (std::size_t at = 0; at < bytes.size (); at += part)
      scanner.feed (
          std::span (bytes).subspan (at, std::min (part, bytes.size () - at)));
    out += text (scanner.take ()) + " ";
  }
  return out;
}

Bytes cut (Bytes bytes, std::size_t size)
{
  bytes.resize (size);
  return bytes;
}

}  // namespace

// Of each resource, those of its fragments.
GST_START_TEST (which_key_ids_fragments_have)
{
  const struct
  {
    const char *name;
    std::vector<Bytes> resources;
    const char *expected;
  } rows[] = {
      {"none", {}, ""},
      {"of the movie", {init (first ()), media (), media ()}, " 1 1 "},
      {"in one resource", {init (first ()) + media () + media ()}, "1 "},
      {"another movie", {init (first ()), media (), init (second ()), media ()},
          " 1  2 "},
      {"in the clear", {init (clear_track ()), media ()}, "  "},
      {"of a group", {init (first ()), media (groups ({second ()})), media ()},
          " 2 1 "},
      {"of groups", {init (first ()), media (groups ({second (), first ()}))},
          " 21 "},
      {"a group in the clear",
          {init (first ()), media (groups ({test::clear_group ()}))}, " 1 "},
      {"no movie", {media (), media (groups ({second ()}))}, " 2 "},
      {"other boxes",
          {test::box ("free", Bytes (9)) + init (first ()),
              test::box ("styp", Bytes (3)) + media ()},
          " 1 "},
      {"cut, and begun anew", {init (first ()), cut (media (), 60), media ()},
          "  1 "},
      {"no boxes", {init (first ()), Bytes (50), media ()}, "  1 "},
      {"a movie that cannot be read takes the last one away",
          {init (first ()), test::box ("moov", Bytes (20)), media ()}, "   "},
  };
  for (const auto &row : rows)
    for (std::size_t part : {std::size_t{1}, std::size_t{7}, std::size_t{9999}})
      fail_unless (found (row.resources, part) == row.expected,
          "%s, by %zu: \"%s\"", row.name, part,
          found (row.resources, part).c_str ());
}
GST_END_TEST;

GST_START_TEST (what_is_no_such_box_is_refused)
{
  Bytes some = test::box ("free", Bytes (9));
  auto movie_of = keyids::of_movie (some);
  fail_unless (!movie_of);
  auto fragment_of = keyids::of_fragment (some);
  fail_unless (!fragment_of && fragment_of.code () == bmff::Error::missing_box);
  Bytes broken = test::box ("moof", Bytes (9));
  fail_unless (!keyids::of_fragment (broken));
}
GST_END_TEST;

static Suite *keyids_suite ()
{
  Suite *suite = suite_create ("keyids");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, which_key_ids_fragments_have);
  tcase_add_test (tests, what_is_no_such_box_is_refused);
  return suite;
}

GST_CHECK_MAIN (keyids)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sidx.h"

#include "testutil.h"

using sidx::Error;
using Part = sidx::Walk::Part;

namespace {

// ISO/IEC 14496-12 8.16.3.2, version 0: timescale 1000, time 5, first_offset
// 4, two references of 0x10 and 0x20 bytes.
constexpr const char *version_0 =
    "00000038 73696478 00 000000 00000001 000003e8 00000005 00000004 0000 0002"
    "00000010 000007d0 90000000 00000020 000003e8 90000000";
// Version 1: 64-bit time and offset.
constexpr const char *version_1 =
    "00000034 73696478 01 000000 00000001 000003e8 0000000100000000"
    "0000000000000000 0000 0001 00000010 000007d0 90000000";

struct Bad
{
  const char *bytes;
  std::uint64_t position;
  Error error;
};

constexpr Bad bad[] = {
    {"", 0, Error::no_sidx},
    {"00000008 66726565", 0, Error::no_sidx},
    {"000000", 0, Error::truncated},
    {"00000010 66726565", 0, Error::truncated},
    {"00000007 66726565", 0, Error::bad_size},
    {"00000001 73696478 000000000000000f", 0, Error::bad_size},
    {"00000001 73696478 ffffffffffffffff", 0, Error::truncated},
    // Fewer references than it says.
    {"0000002c 73696478 00 000000 00000001 000003e8 00000005 00000004 0000 0002"
     "00000010 000007d0 90000000",
        0, Error::truncated},
    {"00000020 73696478 02 000000 00000001 000003e8 00000005 00000004 0000 "
     "0002",
        0, Error::bad_version},
    {"00000020 73696478 00 000000 00000001 00000000 00000005 00000004 0000 "
     "0001",
        0, Error::zero_timescale},
    {"00000020 73696478 00 000000 00000001 000003e8 00000005 00000004 0000 "
     "0000",
        0, Error::empty},
    // A reference to an index that is smaller than a box.
    {"0000002c 73696478 00 000000 00000001 000003e8 00000005 00000004 0000 0001"
     "80000007 000007d0 90000000",
        0, Error::bad_size},
    {"00000034 73696478 01 000000 00000001 000003e8 ffffffffffffffff"
     "0000000000000000 0000 0001 00000010 000007d0 90000000",
        0, Error::overflow},
    {"00000034 73696478 01 000000 00000001 000003e8 0000000000000000"
     "ffffffffffffffff 0000 0001 00000010 000007d0 90000000",
        0, Error::overflow},
    {version_0, UINT64_MAX - 8, Error::overflow},
};

}  // namespace

GST_START_TEST (an_index_is_read)
{
  auto bytes = test::hex (version_0);
  auto index = sidx::parse (bytes, 100);
  fail_unless (index.ok ());
  fail_unless_equals_int (static_cast<int> (index->timescale), 1000);
  fail_unless_equals_uint64 (index->references.size (), 2);
  // After the box (100 + 56) and first_offset.
  fail_unless_equals_uint64 (index->references[0].first, 160);
  fail_unless_equals_uint64 (index->references[0].size, 16);
  fail_unless_equals_uint64 (index->references[0].time, 5);
  fail_unless_equals_uint64 (index->references[0].duration, 2000);
  fail_unless_equals_uint64 (index->references[1].first, 176);
  fail_unless_equals_uint64 (index->references[1].time, 2005);
}
GST_END_TEST;

GST_START_TEST (it_may_be_long_and_behind_others)
{
  auto bytes =
      test::hex (std::string ("0000000c 66726565 00000000") + version_1);
  auto index = sidx::parse (bytes, 0);
  fail_unless (index.ok ());
  fail_unless_equals_uint64 (index->references[0].first, bytes.size ());
  fail_unless_equals_uint64 (index->references[0].time, std::uint64_t{1} << 32);
}
GST_END_TEST;

GST_START_TEST (bad_boxes_are_refused)
{
  for (const Bad &row : bad) {
    auto index = sidx::parse (test::hex (row.bytes), row.position);
    fail_unless (!index.ok () && index.code () == row.error, "%s", row.bytes);
    fail_unless (std::string (to_string (index.code ())) != "unknown");
  }
}
GST_END_TEST;

namespace {

std::string number (std::uint64_t value, int digits)
{
  char out[17];
  snprintf (out, sizeof out, "%0*" G_GINT64_MODIFIER "x", digits, value);
  return out;
}

struct Item
{
  bool is_index;
  unsigned size;
  unsigned duration;
};

// A sidx of these references, as hexadecimal digits: 32 bytes and 12 for each.
std::string box (unsigned timescale, unsigned time,
    const std::vector<Item> &items, unsigned first_offset = 0)
{
  std::string out = number (32 + 12 * items.size (), 8) + "73696478" +
                    "00000000" + "00000001" + number (timescale, 8) +
                    number (time, 8) + number (first_offset, 8) + "0000" +
                    number (items.size (), 4);
  for (const Item &item : items)
    out += number (item.size | (item.is_index ? 0x80000000u : 0), 8) +
           number (item.duration, 8) + "90000000";
  return out;
}

std::string media (std::size_t size)
{
  std::string out;
  for (std::size_t i = 0; i < size; i++) out += "aa";
  return out;
}

// What comes of an index in the first bytes of a resource; the rest is given
// as it is asked for.
sidx::Result<std::string> walked (const test::Bytes &resource,
    std::size_t first, std::vector<std::string> &asked)
{
  sidx::Walk walk;
  std::vector<Part> parts = {{0, std::span (resource).first (first)}};
  while (true) {
    auto done = walk.add (parts);
    if (!done) return done.error ();
    parts.clear ();
    std::string round;
    for (const auto &wanted : walk.wanted ()) {
      round += (round.empty () ? "" : " ") + std::to_string (wanted.first) +
               "+" + std::to_string (wanted.size);
      parts.push_back (
          {wanted.first, std::span (resource).subspan (wanted.first,
                             std::min<std::size_t> (wanted.size,
                                 resource.size () - wanted.first))});
    }
    if (parts.empty ()) break;
    asked.push_back (round);
    fail_unless (asked.size () < 10);
  }
  std::string out;
  for (const auto &reference : walk.take ().references)
    out += std::to_string (reference.first) + "+" +
           std::to_string (reference.size) + "@" +
           std::to_string (reference.time) + "/" +
           std::to_string (reference.timescale) + " ";
  return out;
}

}  // namespace

GST_START_TEST (indexes_of_indexes_are_followed)
{
  // One above two others, each in front of its media.
  std::string one = box (10, 0, {{false, 5, 20}, {false, 6, 20}});
  std::string two = box (1, 4, {{false, 7, 2}});
  auto resource =
      test::hex (box (10, 0, {{true, 56 + 11, 40}, {true, 44 + 7, 20}}) + one +
                 media (11) + two + media (7));
  std::vector<std::string> asked;
  auto out = walked (resource, 56, asked);
  fail_unless (out.ok () && *out == "112+5@0/10 117+6@20/10 167+7@4/1 ", "%s",
      out.ok () ? out->c_str () : to_string (out.code ()));
  fail_unless (asked == std::vector<std::string> ({"56+118"}));

  // A chain, all in the bytes that were read.
  resource = test::hex (box (1, 0, {{false, 5, 2}, {true, 44 + 6, 2}}) +
                        media (5) + box (1, 2, {{false, 6, 2}}) + media (6));
  asked.clear ();
  out = walked (resource, resource.size (), asked);
  fail_unless (out.ok () && *out == "56+5@0/1 105+6@2/1 " && asked.empty ());
}
GST_END_TEST;

// Each level in one round, whatever it is made of.
GST_START_TEST (a_level_is_asked_for_at_once)
{
  // Media between the indexes that is longer than what is read over.
  constexpr unsigned long_media = 20000;
  std::string leaf = box (1, 0, {{false, long_media, 1}});
  std::string middle =
      box (1, 0, {{true, 44 + long_media, 1}, {true, 44 + long_media, 1}});
  constexpr unsigned half = 56 + 2 * (44 + long_media);
  std::string branch =
      middle + leaf + media (long_media) + leaf + media (long_media);
  auto resource = test::hex (
      box (1, 0, {{true, half, 2}, {true, half, 2}}) + branch + branch);
  std::vector<std::string> asked;
  auto out = walked (resource, 56, asked);
  fail_unless (out.ok () && *out ==
                                "156+20000@0/1 20200+20000@0/1 "
                                "40300+20000@0/1 60344+20000@0/1 ",
      "%s", out.ok () ? out->c_str () : to_string (out.code ()));
  // The first leaf came with the one above it.
  fail_unless (asked == std::vector<std::string> (
                            {"56+8192 40200+8192", "20156+8192 60300+8192"}),
      "%s", asked[0].c_str ());
}
GST_END_TEST;

// Boxes alone, as they stand where all indexes are in front.
GST_START_TEST (indexes_in_a_row_are_one_range)
{
  std::string root = box (1, 0, {{true, 44, 1}, {true, 44, 1}, {true, 44, 1}});
  std::string media_follow;
  for (unsigned i = 0; i < 3; i++)
    media_follow += box (1, 0, {{false, 5, 1}}, 44 * (2 - i) + 5 * i);
  auto resource = test::hex (root + media_follow + media (15));
  std::vector<std::string> asked;
  auto out = walked (resource, 68, asked);
  fail_unless (out.ok () && *out == "200+5@0/1 205+5@0/1 210+5@0/1 ", "%s",
      out.ok () ? out->c_str () : to_string (out.code ()));
  fail_unless (asked == std::vector<std::string> ({"68+132"}));

  // With media between them, but little.
  constexpr unsigned little = sidx::Walk::first_guess - 44;
  resource =
      test::hex (box (1, 0, {{true, 44 + little, 1}, {true, 44 + 5, 1}}) +
                 box (1, 0, {{false, little, 1}}) + media (little) +
                 box (1, 0, {{false, 5, 1}}) + media (5));
  asked.clear ();
  out = walked (resource, 56, asked);
  fail_unless (out.ok ());
  fail_unless (
      asked == std::vector<std::string> ({"56+8241"}), "%s", asked[0].c_str ());
}
GST_END_TEST;

// References lead forward only: nothing is above itself. Two may lead to the
// same index, which then counts twice.
GST_START_TEST (indexes_may_overlap)
{
  // The second box refers to what the third one is too.
  auto resource = test::hex (box (1, 0, {{true, 44, 1}, {true, 49, 1}}) +
                             box (1, 0, {{true, 49, 1}}) +
                             box (1, 0, {{false, 5, 1}}) + media (5));
  std::vector<std::string> asked;
  auto out = walked (resource, 56, asked);
  fail_unless (out.ok () && *out == "144+5@0/1 144+5@0/1 ", "%s",
      out.ok () ? out->c_str () : to_string (out.code ()));
  // Each doubles what is below: it ends at the limit.
  std::string twice;
  for (unsigned i = 0; i < 20; i++)
    twice += box (1, 0, {{true, 56, 1}, {true, 56, 1}});
  asked.clear ();
  out = walked (test::hex (twice + media (200)), 56, asked);
  fail_unless (!out.ok ());
}
GST_END_TEST;

GST_START_TEST (long_indexes_are_asked_for_again)
{
  std::vector<Item> items (1000, {false, 1, 1});
  std::string inner = box (1, 0, items);
  auto resource = test::hex (
      box (1, 0, {{true, 12032 + 1000, 1000}}) + inner + media (1000));
  std::vector<std::string> asked;
  auto out = walked (resource, 44, asked);
  fail_unless (out.ok ());
  fail_unless (asked == std::vector<std::string> ({"44+8192", "44+13032"}));
}
GST_END_TEST;

GST_START_TEST (bad_hierarchies_are_refused)
{
  std::vector<std::string> asked;
  // There is something else.
  auto out =
      walked (test::hex (box (1, 0, {{true, 20, 1}}) + media (20)), 44, asked);
  fail_unless (!out.ok () && out.code () == Error::truncated);
  // A box that is longer than what it is said to be in.
  out = walked (
      test::hex (box (1, 0, {{true, 20, 1}}) + box (1, 0, {{false, 5, 1}})), 44,
      asked);
  fail_unless (!out.ok () && out.code () == Error::truncated);
  // A chain of more boxes than anybody would make.
  sidx::Walk walk;
  std::string link = box (1, 0, {{true, 1 << 30, 1}});
  auto bytes = test::hex (link);
  Part part{0, bytes};
  auto done = walk.add ({&part, 1});
  for (std::size_t i = 0; i < sidx::Walk::max_boxes && done.ok (); i++) {
    part.first += bytes.size ();
    fail_unless (walk.wanted ().at (0).first == part.first);
    done = walk.add ({&part, 1});
  }
  fail_unless (done.ok ());
  part.first += bytes.size ();
  done = walk.add ({&part, 1});
  fail_unless (!done.ok () && done.code () == Error::too_many);
}
GST_END_TEST;

static Suite *sidx_suite ()
{
  Suite *suite = suite_create ("sidx");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, an_index_is_read);
  tcase_add_test (tests, it_may_be_long_and_behind_others);
  tcase_add_test (tests, bad_boxes_are_refused);
  tcase_add_test (tests, indexes_of_indexes_are_followed);
  tcase_add_test (tests, a_level_is_asked_for_at_once);
  tcase_add_test (tests, indexes_in_a_row_are_one_range);
  tcase_add_test (tests, indexes_may_overlap);
  tcase_add_test (tests, long_indexes_are_asked_for_again);
  tcase_add_test (tests, bad_hierarchies_are_refused);
  return suite;
}

GST_CHECK_MAIN (sidx)

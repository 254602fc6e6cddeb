// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tsclock.h"

#include "testts.h"
#include "testutil.h"

namespace {

constexpr std::uint64_t wrap = std::uint64_t{1} << 33;

tsclock::Lead lead_of (const std::string &bytes)
{
  return tsclock::lead (
      {reinterpret_cast<const std::uint8_t *> (bytes.data ()), bytes.size ()});
}

// The same packets as of another kind of stream.
std::string as_stream (std::string picture, char id)
{
  picture[picture.find (std::string ("\0\0\1\xe0", 4)) + 3] = id;
  return picture;
}

std::string without_clock (std::string picture)
{
  picture[5] = 0;  // the flags of the adaptation field
  return picture;
}

}  // namespace

GST_START_TEST (what_comes_first)
{
  test::TsWriter ts;
  const std::string tables = ts.tables ();
  const std::string frame (1000, 'p');
  const std::string sound =
      as_stream (ts.picture (63000, frame, 45000), '\xc0');
  const struct
  {
    std::string bytes;
    std::optional<presentation::Time> time;
    bool is_open;
    const char *name;
  } rows[] = {
      {tables + ts.picture (90000, frame, 63000), 700 * GST_MSECOND, false,
          "a picture"},
      {tables + ts.picture (90000, frame), 0, false, "at its clock"},
      {tables + ts.picture (wrap - 1, frame, 9000), 100 * GST_MSECOND, false,
          "before the counter wraps"},
      {tables + ts.picture (9000, frame, 18000), 200 * GST_MSECOND, false,
          "across that"},
      {tables + ts.picture (90000, frame, 63000) +
              ts.picture (99000, frame, 90000),
          700 * GST_MSECOND, false, "the first one counts"},
      {sound + ts.picture (90000, frame, 9000), 800 * GST_MSECOND, false,
          "the picture behind sound, from the first clock"},
      {sound, 500 * GST_MSECOND, true, "sound alone"},
      {as_stream (ts.picture (63000, frame, 45000), '\xbd'), 500 * GST_MSECOND,
          true, "AC-3"},
      {as_stream (ts.picture (63000, frame, 45000), '\xbf'), {}, true,
          "neither picture nor sound"},
      {without_clock (ts.picture (90000, frame, 9000)) +
              ts.picture (99000, frame, 63000),
          600 * GST_MSECOND, false, "a clock behind the picture"},
      {without_clock (ts.picture (90000, frame, 9000)), {}, true, "no clock"},
      {tables, {}, true, "tables alone"},
      {"", {}, true, "nothing"},
      {ts.picture (90000, frame, 63000).substr (0, 187), {}, true,
          "a part of a packet"},
      {tables + std::string (188, 'x') + ts.picture (90000, frame, 63000), {},
          true, "no packet"},
      // Something is wrong there.
      {ts.picture (90000, frame, 90000 * 11), {}, false, "eleven seconds"},
      {ts.picture (90000, frame, wrap - 1), {}, false, "behind its clock"},
  };
  for (const auto &row : rows) {
    tsclock::Lead got = lead_of (row.bytes);
    fail_unless (got.time == row.time, "%s: %" G_GUINT64_FORMAT, row.name,
        static_cast<guint64> (got.time.value_or (1)));
    fail_unless (got.is_open == row.is_open, "%s", row.name);
  }
  tsclock::Lead got = lead_of (sound + ts.picture (90000, frame, 9000));
  fail_unless (got.clock == 18000 && got.first == 90000);
  fail_unless (lead_of (sound).first == 63000);
  fail_unless (!lead_of (tables).clock && !lead_of (tables).first);
}
GST_END_TEST;

// Whatever is in them, and wherever they end.
GST_START_TEST (broken_packets)
{
  test::TsWriter ts;
  std::string whole =
      ts.tables () + ts.picture (90000, std::string (300, 'p'), 9000);
  for (std::size_t i = 0; i < whole.size (); i++) {
    (void)lead_of (whole.substr (0, i));
    for (char c : {'\0', '\x01', '\x7f', '\x80', '\xff'}) {
      std::string other = whole;
      other[i] = c;
      auto got = lead_of (other);
      fail_unless (got.time.value_or (0) <= 10 * GST_SECOND);
    }
  }
}
GST_END_TEST;

// One part behind the other, whatever is between them.
GST_START_TEST (parts_follow_each_other)
{
  using tsclock::Anchor;
  constexpr presentation::Time s = GST_SECOND;
  const struct
  {
    double rate;
    Anchor part;
    presentation::Time media;
    std::int64_t lead;
    presentation::Time expected;
  } rows[] = {
      {1, {10 * s, 0}, 12 * s, s, 12 * s},
      {1, {10 * s, 0}, 8 * s, s, 8 * s},  // what a decoder needs before
      {1, {30 * s, 4 * s}, 31 * s, s, 15 * s},
      {1, {30 * s, 4 * s}, 31 * s, 3 * s, 13 * s},
      {1, {30 * s, 4 * s}, 31 * s, 0, 16 * s},
      // Later than it is listed.
      {1, {30 * s, 4 * s}, 31 * s, -2 * std::int64_t{s}, 18 * s},
      {2, {30 * s, 4 * s}, 31 * s, s, 19 * s},
      {-1, {6 * s, 4 * s}, 4 * s, s, 4 * s},
      {-2, {6 * s, 1 * s}, 4 * s, s, 6 * s},
      // Before all time.
      {1, {30 * s, 4 * s}, 2 * s, s, 0},
  };
  for (const auto &row : rows) {
    tsclock::Axis axis (row.rate, {10 * s, 0}, s);
    presentation::Time got = axis.pts (row.part, row.media, row.lead);
    fail_unless_equals_uint64 (got, row.expected);
  }
}
GST_END_TEST;

static Suite *tsclock_suite ()
{
  Suite *suite = suite_create ("tsclock");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_comes_first);
  tcase_add_test (tests, broken_packets);
  tcase_add_test (tests, parts_follow_each_other);
  return suite;
}

GST_CHECK_MAIN (tsclock)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "id3.h"

#include "testutil.h"

using test::Bytes;

namespace {

const std::string owner = "com.apple.streaming.transportStreamTimestamp";

std::string be (std::uint64_t value, int bytes)
{
  std::string out;
  for (int i = bytes - 1; i >= 0; i--)
    out += static_cast<char> (i < 8 ? value >> (8 * i) & 0xff : 0);
  return out;
}

std::string synchsafe (std::size_t size)
{
  std::string out;
  for (int shift = 21; shift >= 0; shift -= 7)
    out += static_cast<char> (size >> shift & 0x7f);
  return out;
}

std::string frame (const std::string &name, const std::string &data)
{
  return name + synchsafe (data.size ()) + std::string (2, '\0') + data;
}

std::string tag (const std::string &frames, char version = 4, char flags = 0)
{
  return std::string ("ID3") + version + '\0' + flags +
         synchsafe (frames.size ()) + frames;
}

std::string priv (std::uint64_t value)
{
  return frame ("PRIV", owner + '\0' + be (value, 8));
}

std::optional<std::uint64_t> timestamp (const std::string &text)
{
  return id3::timestamp (Bytes (text.begin (), text.end ()));
}

}  // namespace

GST_START_TEST (timestamps_are_found)
{
  const std::string title = frame ("TIT2", "\x03title");
  const std::string other = frame ("PRIV", "com.example" + be (0, 9));
  const struct
  {
    const char *what;
    std::string bytes;
    std::optional<std::uint64_t> expected;
  } rows[] = {
      {"alone", tag (priv (900000)), 900000},
      {"zero", tag (priv (0)), 0},
      {"33 bits", tag (priv (0x1ffffffff)), 0x1ffffffff},
      {"34 bits", tag (priv (0x200000000)), {}},
      {"version 3", tag (priv (5), 3), 5},
      {"version 2", tag (priv (5), 2), {}},
      {"version 5", tag (priv (5), 5), {}},
      {"behind other frames", tag (title + other + priv (7)), 7},
      {"before padding", tag (priv (7) + std::string (100, '\0')), 7},
      {"behind padding", tag (std::string (10, '\0') + priv (7)), {}},
      {"in the second tag", tag (title) + tag (priv (8)), 8},
      {"behind a footer",
          tag (title, 4, 0x10) + std::string (10, 'f') + tag (priv (8)), 8},
      {"before audio", tag (priv (8)) + "\xff\xf1", 8},
      {"the first of two", tag (priv (1) + priv (2)), 1},
      {"unsynchronised", tag (priv (8), 4, '\x80'), {}},
      {"extended header", tag (priv (8), 4, 0x40), {}},
      {"no tag", priv (8), {}},
      {"not first", "x" + tag (priv (8)), {}},
      {"empty", "", {}},
      {"no frames", tag (""), {}},
      {"seven bytes", tag (frame ("PRIV", owner + '\0' + be (1, 7))), {}},
      {"nine bytes", tag (frame ("PRIV", owner + '\0' + be (1, 9))), {}},
      {"no NUL", tag (frame ("PRIV", owner + 'x' + be (1, 8))), {}},
      {"a frame beyond the tag", tag ("PRIV" + synchsafe (100) + "__x"), {}},
      {"a tag of a size that is none",
          std::string ("ID3\x04\0\0", 6) + "\x80\0\0\0", {}},
  };
  for (const auto &row : rows)
    fail_unless (timestamp (row.bytes) == row.expected, "%s", row.what);
  // It must be there whole.
  const std::string whole = tag (title + priv (900000));
  for (std::size_t size = 0; size < whole.size (); size++)
    fail_unless (!timestamp (whole.substr (0, size)), "%zu", size);
}
GST_END_TEST;

GST_START_TEST (segments_begin_when_their_timestamps_say)
{
  struct Step
  {
    std::uint64_t listed;  // ms
    std::optional<std::uint64_t> timestamp;
    bool discontinuous;
    std::uint64_t expected;  // ms
  };
  const std::vector<Step> runs[] = {
      // The list rounds.
      {{0, 900000, true, 0}, {10000, 1799100, false, 9990},
          {20000, 2700900, false, 20010}},
      // Without a timestamp, as the list says.
      {{0, {}, true, 0}, {10000, 900000, false, 10000},
          {20000, {}, false, 20000}, {30000, 2700090, false, 30001}},
      // It wraps.
      {{0, id3::wrap - 90000, true, 0}, {2000, 90000, false, 2000},
          {4000, 270090, false, 4001}},
      // And goes back over it.
      {{0, 0, true, 0}, {0, id3::wrap - 90, false, 0}},
      {{5000, 90, true, 5000}, {5001, id3::wrap - 90, false, 4998}},
      // Another clock, said and not said.
      {{0, 900000, true, 0}, {10000, 5, true, 10000},
          {20000, 900095, false, 20001}},
      {{0, 900000, true, 0}, {10000, 90000000, false, 10000},
          {20000, 90900090, false, 20001}},
      // After more than 26.5 hours.
      {{0, 0, true, 0},
          {100'000'000, 9'000'000'090 % id3::wrap, false, 100'000'001}},
      // Back, by a seek that nobody told of.
      {{10000, 0, true, 10000}, {0, 900000, false, 0},
          {10000, 1800090, false, 10001}},
  };
  for (const auto &run : runs) {
    id3::Clock clock;
    for (const Step &step : run)
      fail_unless_equals_uint64 (clock.at (step.listed * GST_MSECOND,
                                     step.timestamp, step.discontinuous) /
                                     GST_MSECOND,
          step.expected);
  }
}
GST_END_TEST;

static Suite *id3_suite ()
{
  Suite *suite = suite_create ("id3");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, timestamps_are_found);
  tcase_add_test (tests, segments_begin_when_their_timestamps_say);
  return suite;
}

GST_CHECK_MAIN (id3)

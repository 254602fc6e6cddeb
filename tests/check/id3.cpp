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

static Suite *id3_suite ()
{
  Suite *suite = suite_create ("id3");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, timestamps_are_found);
  return suite;
}

GST_CHECK_MAIN (id3)

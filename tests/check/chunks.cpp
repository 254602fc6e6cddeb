// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chunks.h"

#include <optional>
#include <string>

#include "testutil.h"

namespace {

// The body, in pieces of that many bytes. No body: it is not at its end.
struct Outcome
{
  std::string body;
  bool whole = false;
  std::optional<chunks::Error> error;
  std::size_t used = 0;
};

Outcome parse (std::string_view text, std::size_t step)
{
  Outcome out;
  chunks::Parser parser;
  while (out.used < text.size () && !parser.is_done ()) {
    std::string_view piece = text.substr (out.used, step);
    if (parser.left () > 0) {
      piece = piece.substr (0, parser.left ());
      out.body += piece;
      parser.passed (piece.size ());
      out.used += piece.size ();
      continue;
    }
    auto taken = parser.take (piece);
    if (!taken) {
      out.used += taken.position ();
      out.error = taken.code ();
      return out;
    }
    out.used += *taken;
  }
  out.whole = parser.is_done ();
  return out;
}

struct Row
{
  const char *text;
  const char *body;
  bool whole = true;
};
const Row rows[] = {
    {"0\r\n\r\n", ""},
    {"5\r\nhello\r\n0\r\n\r\n", "hello"},
    {"5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n", "hello world"},
    {"a\r\n0123456789\r\n00000A\r\n0123456789\r\n0\r\n\r\n",
        "01234567890123456789"},
    {"5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", "hello"},
    {"5 ;a\r\nhello\r\n0\r\n\r\n", "hello"},
    {"5  \r\nhello\r\n0 \r\n\r\n", "hello"},
    {"5\r\nhello\r\n0\r\nDigest: x\r\nY: z\r\n\r\n", "hello"},
    {"5\nhello\n0\n\n", "hello"},
    {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
    {"", "", false},
    {"5", "", false},
    {"5\r\nhel", "hel", false},
    {"5\r\nhello", "hello", false},
    {"5\r\nhello\r\n", "hello", false},
    {"5\r\nhello\r\n0\r\n", "hello", false},
    {"5\r\nhello\r\n0\r\nDigest: x\r\n", "hello", false},
    {"5\r\nhello\r\n0\r\n\r", "hello", false},
};

struct BadRow
{
  std::string text;
  chunks::Error error;
  std::size_t position;
};
const BadRow bad_rows[] = {
    {"zz\r\n\r\n", chunks::Error::size, 0},
    {"\r\n\r\n", chunks::Error::size, 1},
    {" 5\r\nhello\r\n", chunks::Error::size, 0},
    {"-5\r\nhello\r\n", chunks::Error::size, 0},
    {"0x5\r\nhello\r\n", chunks::Error::size, 1},
    {"5 hello\r\n", chunks::Error::size, 2},
    {"5 5\r\nhello\r\n", chunks::Error::size, 2},
    {"5q\r\nhello\r\n", chunks::Error::size, 1},
    {"5\r\nhello\r\nzz\r\n\r\n", chunks::Error::size, 10},
    {"5\r\nhello\r\n<html>", chunks::Error::size, 10},
    {"5\rhello", chunks::Error::end, 2},
    {"5\r\nhello world\r\n0\r\n\r\n", chunks::Error::end, 8},
    {"5\r\nhello0\r\n\r\n", chunks::Error::end, 8},
    {"5\r\nhello\r0\r\n\r\n", chunks::Error::end, 9},
    {"8000000000000000\r\n", chunks::Error::too_large, 15},
    {"10000000000000005\r\nhello\r\n", chunks::Error::too_large, 16},
    {"5;" + std::string (70000, 'x') + "\r\n", chunks::Error::too_long, 65536},
    {"0\r\n" + std::string (70000, 'x') + "\r\n", chunks::Error::too_long,
        65539},
};

}  // namespace

GST_START_TEST (bodies_are_found)
{
  for (const Row &row : rows)
    for (std::size_t step : {1u, 2u, 3u, 100u}) {
      Outcome outcome = parse (row.text, step);
      fail_unless (!outcome.error, "'%s': %s", row.text,
          chunks::to_string (*outcome.error));
      fail_unless (outcome.body == row.body, "'%s'", row.text);
      fail_unless_equals_int (outcome.whole, row.whole);
    }
  // What follows is not its own.
  fail_unless_equals_uint64 (parse ("0\r\n\r\nHTTP/1.1 200 OK", 100).used, 5);
  fail_unless (parse ("7fffffffffffffff\r\n", 100).error == std::nullopt);
}
GST_END_TEST;

GST_START_TEST (garbage_is_named)
{
  for (const BadRow &row : bad_rows)
    for (std::size_t step :
        {std::size_t{1}, std::size_t{2}, row.text.size ()}) {
      Outcome outcome = parse (row.text, step);
      fail_unless (outcome.error == row.error, "'%.20s': %s", row.text.c_str (),
          outcome.error ? chunks::to_string (*outcome.error) : "taken");
      fail_unless_equals_uint64 (outcome.used, row.position);
    }
}
GST_END_TEST;

// Endless trailers, short lines all of them.
GST_START_TEST (trailers_have_a_limit)
{
  std::string text = "0\r\n";
  for (int i = 0; i < 20000; i++) text += "a: b\r\n";
  fail_unless (parse (text, 1000).error == chunks::Error::too_long);
}
GST_END_TEST;

static Suite *chunks_suite ()
{
  Suite *suite = suite_create ("chunks");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, bodies_are_found);
  tcase_add_test (tests, garbage_is_named);
  tcase_add_test (tests, trailers_have_a_limit);
  return suite;
}

GST_CHECK_MAIN (chunks)

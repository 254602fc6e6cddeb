// SPDX-License-Identifier: LGPL-2.1-or-later
#include "template.h"

#include "testutil.h"

using url_template::Error;

namespace {

struct Good
{
  const char *pattern;
  const char *expected;
};

// ISO/IEC 23009-1 5.3.9.4.4, table 21.
constexpr Good good[] = {
    {"", ""},
    {"a.m4s", "a.m4s"},
    {"$$", "$"},
    {"a$$b$$", "a$b$"},
    {"$RepresentationID$/x", "v/1/x"},
    {"$Number$", "7"},
    {"$Number%01d$", "7"},
    {"$Number%05d$.m4s", "00007.m4s"},
    {"$Number%0d$", "7"},
    {"$Time$", "18446744073709551615"},
    {"$Time%04d$", "18446744073709551615"},
    {"$Bandwidth%010d$", "0000064000"},
    {"$RepresentationID$-$Number$-$Bandwidth$-$Time$",
        "v/1-7-64000-18446744073709551615"},
};

struct Bad
{
  std::string pattern;
  Error error;
  std::size_t position;
};

const Bad bad[] = {
    {"a$", Error::unclosed, 1},
    {"$Number", Error::unclosed, 0},
    {"$$$", Error::unclosed, 2},
    {"a$number$", Error::unknown_identifier, 1},
    {"$SubNumber$", Error::unknown_identifier, 0},
    {"$ Number$", Error::unknown_identifier, 0},
    // "RepresentationID ... no format tag"
    {"$RepresentationID%05d$", Error::bad_format, 0},
    {"$Number%d$", Error::bad_format, 0},
    {"$Number%5d$", Error::bad_format, 0},
    {"$Number%05x$", Error::bad_format, 0},
    {"$Number%05$", Error::bad_format, 0},
    {"$Number%0-5d$", Error::bad_format, 0},
    {"$Number%065d$", Error::bad_format, 0},
    {"$Number%099999999999d$", Error::bad_format, 0},
    {std::string (url_template::max_length + 1, 'x'), Error::too_long, 0},
};

constexpr url_template::Values values{"v/1", 7, 64000, 18446744073709551615u};

}  // namespace

GST_START_TEST (templates_are_expanded)
{
  for (const Good &row : good) {
    auto out = url_template::expand (row.pattern, values);
    fail_unless (out.ok () && *out == row.expected, "%s", row.pattern);
  }
}
GST_END_TEST;

GST_START_TEST (bad_templates_are_refused)
{
  for (const Bad &row : bad) {
    auto out = url_template::expand (row.pattern, values);
    fail_unless (!out.ok () && out.code () == row.error &&
                     out.position () == row.position,
        "%s", row.pattern.c_str ());
    fail_unless (std::string (to_string (out.code ())) != "unknown");
  }
}
GST_END_TEST;

static Suite *template_suite ()
{
  Suite *suite = suite_create ("template");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, templates_are_expanded);
  tcase_add_test (tests, bad_templates_are_refused);
  return suite;
}

GST_CHECK_MAIN (template)

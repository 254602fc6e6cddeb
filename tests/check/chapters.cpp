// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chapters.h"

#include "testutil.h"

using presentation::DateRange;
using presentation::Period;

namespace {

constexpr presentation::Time s = presentation::second;

std::string text (const std::vector<chapters::Chapter> &all)
{
  std::string out;
  for (const chapters::Chapter &one : all) {
    if (!out.empty ()) out += " ";
    out += one.id + "(" + one.title + ")" + std::to_string (one.begin / s) +
           "-" + std::to_string (one.end / s);
  }
  return out;
}

Period period (std::string id, presentation::Time start,
    std::optional<presentation::Time> duration = {})
{
  Period out;
  out.id = std::move (id);
  out.start = start * s;
  if (duration) out.duration = *duration * s;
  return out;
}

DateRange range (std::string id, std::optional<std::int64_t> time,
    std::string scheme = "com.example.Chapter")
{
  DateRange out;
  out.id = std::move (id);
  out.scheme = std::move (scheme);
  out.start = 1'000'000;
  if (time) out.time = *time * static_cast<std::int64_t> (s);
  return out;
}

DateRange lasting (DateRange out, presentation::Time duration)
{
  out.duration = duration * s;
  return out;
}

DateRange until (DateRange out, std::int64_t milliseconds)
{
  out.end = out.start + milliseconds;
  return out;
}

DateRange planned (DateRange out, presentation::Time duration)
{
  out.planned_duration = duration * s;
  return out;
}

DateRange with (DateRange out, std::string name, std::string value)
{
  out.attributes.emplace_back (std::move (name), std::move (value));
  return out;
}

}  // namespace

GST_START_TEST (what_can_be_gone_to)
{
  const struct
  {
    const char *name;
    std::vector<Period> periods;
    std::vector<DateRange> ranges;
    std::optional<presentation::Time> duration;
    const char *expected;
  } rows[] = {
      {"nothing", {}, {}, 9, ""},
      {"one Period is the whole", {period ("p", 0)}, {}, 9, ""},
      {"Periods", {period ("p", 0), period ("q", 4)}, {}, 9, "p(p)0-4 q(q)4-9"},
      {"that say how long they are", {period ("p", 0, 3), period ("q", 4, 2)},
          {}, 9, "p(p)0-3 q(q)4-6"},
      {"too long", {period ("p", 0, 3), period ("q", 4, 20)}, {}, 9,
          "p(p)0-3 q(q)4-9"},
      {"without an end", {period ("p", 0), period ("q", 4)}, {}, {}, "p(p)0-4"},
      {"without a name", {period ("", 0), period ("", 4)}, {}, 9,
          "chapter-1()0-4 chapter-2()4-9"},
      {"with the same name", {period ("p", 0), period ("p", 4)}, {}, 9,
          "p(p)0-4 chapter-2(p)4-9"},
      {"with a name of ours", {period ("chapter-2", 0), period ("", 4)}, {}, 9,
          "chapter-2(chapter-2)0-4 chapter-2-()4-9"},
      {"ranges", {period ("", 0)}, {range ("a", 0), range ("b", 4)}, 9,
          "a()0-4 b()4-9"},
      {"in order", {period ("", 0)}, {range ("b", 4), range ("a", 0)}, 9,
          "a()0-4 b()4-9"},
      {"of other classes", {},
          {range ("a", 0, "com.example.ad"), range ("b", 4, ""),
              range ("c", 5, "CHAPTERS")},
          9, "c()5-9"},
      {"without a clock", {}, {range ("a", {}), range ("b", 4)}, 9, "b()4-9"},
      {"how long", {},
          {lasting (range ("a", 0), 2), until (range ("b", 3), 1000),
              planned (range ("c", 5), 3), range ("d", 8)},
          9, "a()0-2 b()3-4 c()5-8 d()8-9"},
      {"the plan does not count when it is over", {},
          {planned (lasting (range ("a", 0), 2), 5)}, 9, "a()0-2"},
      {"backwards", {}, {until (range ("a", 3), -1000)}, 9, "a()3-9"},
      {"before the beginning", {},
          {lasting (range ("a", -3), 5), lasting (range ("b", -3), 2)}, 9,
          "a()0-2"},
      {"behind the end", {}, {range ("a", 9), range ("b", 20)}, 9, ""},
      {"titles", {},
          {with (with (range ("a", 0), "X-ID", "no"), "X-COM-NAME", "One"),
              with (with (range ("b", 4), "X-NAME", "no"), "X-TITLE", "Two"),
              with (range ("c", 6), "SCTE35-NAME", "no")},
          9, "a(One)0-4 b(Two)4-6 c()6-9"},
      {"several Periods go before ranges", {period ("p", 0), period ("q", 4)},
          {range ("a", 0)}, 9, "p(p)0-4 q(q)4-9"},
  };
  for (const auto &row : rows) {
    std::optional<presentation::Time> duration;
    if (row.duration) duration = *row.duration * s;
    std::string out = text (chapters::make (row.periods, row.ranges, duration));
    fail_unless (out == row.expected, "%s: %s", row.name, out.c_str ());
  }
}
GST_END_TEST;

// Times at the ends of the clock.
GST_START_TEST (chapters_do_not_overflow)
{
  constexpr auto most = presentation::max_time;
  DateRange late = range ("a", 0);
  late.time = static_cast<std::int64_t> (most) - 5;
  late.duration = most;
  fail_unless (chapters::make ({}, {late}, std::nullopt).empty ());
  late.duration = most - 1;
  auto out = chapters::make ({}, {late}, std::nullopt);
  fail_unless (out.size () == 1 && out[0].end == most);
  DateRange long_ago = range ("a", 0);
  long_ago.start = std::numeric_limits<std::int64_t>::min () / 2;
  long_ago.end = std::numeric_limits<std::int64_t>::max () / 2;
  fail_unless (chapters::make ({}, {long_ago}, 5).size () == 1);
  Period end = period ("p", 0);
  end.start = most - 1;
  end.duration = most;
  fail_unless_equals_uint64 (
      chapters::make ({period ("o", 0), end}, {}, most).size (), 2);
}
GST_END_TEST;

static Suite *chapters_suite ()
{
  Suite *suite = suite_create ("chapters");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_can_be_gone_to);
  tcase_add_test (tests, chapters_do_not_overflow);
  return suite;
}

GST_CHECK_MAIN (chapters)

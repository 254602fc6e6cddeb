// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdtimeline.h"

#include "testutil.h"

using mpd::Error;
using mpdtimeline::Entry;
using mpdtimeline::Timeline;

namespace {

// "time+duration*count", and what the first one's index is where it is not
// told by those before.
std::string text_of (const Timeline &timeline)
{
  std::string out;
  std::uint64_t first = 0;
  for (const auto &run : timeline.runs) {
    if (!out.empty ()) out += " ";
    out += std::to_string (run.time) + "+" + std::to_string (run.duration) +
           "*" + std::to_string (run.count);
    if (run.first != first) out += "?";
    first += run.count;
  }
  return out;
}

Entry entry (std::optional<std::uint64_t> time, std::uint64_t duration,
    std::uint64_t repeat = 0)
{
  return {time, duration, repeat, false, 0};
}

Entry open (std::optional<std::uint64_t> time, std::uint64_t duration)
{
  return {time, duration, 0, true, 0};
}

struct Good
{
  std::vector<Entry> entries;
  std::uint64_t end;  // of the Period
  const char *expected;
};

const Good good[] = {
    {{}, 0, ""},
    {{entry ({}, 2)}, 0, "0+2*1"},
    {{entry (5, 2, 3)}, 0, "5+2*4"},
    // Those that go on as the one before are of its run.
    {{entry (0, 2), entry (2, 2), entry ({}, 2, 1)}, 0, "0+2*4"},
    {{entry (0, 2), entry ({}, 3), entry ({}, 2)}, 0, "0+2*1 2+3*1 5+2*1"},
    // A gap.
    {{entry (0, 2), entry (4, 2)}, 0, "0+2*1 4+2*1"},
    // "until the start of the next S element": the last one may reach past it.
    {{open ({}, 2), entry (5, 1)}, 0, "0+2*3 5+1*1"},
    {{open ({}, 2), entry (6, 2)}, 0, "0+2*4"},
    {{open ({}, 2), open (3, 3)}, 9, "0+2*2 3+3*2"},
    // Or to the end of the Period.
    {{entry (0, 1), open ({}, 4)}, 9, "0+1*1 1+4*2"},
    {{entry (0, 1), open ({}, 4)}, 10, "0+1*1 1+4*3"},
    {{entry (0, 9), open ({}, 4)}, 9, "0+9*1"},
};

struct Bad
{
  std::vector<Entry> entries;
  Error error;
  std::size_t index;  // of the one at fault
};

const Bad bad[] = {
    {{entry (0, 0)}, Error::bad_timeline, 0},
    {{entry (0, 2), entry (1, 2)}, Error::bad_timeline, 1},
    {{open (0, 2), entry ({}, 2)}, Error::bad_timeline, 0},
    {{open (4, 2), entry (4, 2)}, Error::bad_timeline, 0},
    {{open (0, 1), entry (mpd::max_segments + 1, 1)}, Error::too_many_segments,
        0},
    {{entry (0, 1, mpd::max_segments)}, Error::too_many_segments, 0},
    {{entry (0, 1), entry (1, 1, mpd::max_segments - 1)},
        Error::too_many_segments, 1},
    {{entry (0, UINT64_MAX, 1)}, Error::overflow, 0},
    {{entry (UINT64_MAX, 1)}, Error::overflow, 0},
};

std::shared_ptr<const Timeline> made (const std::vector<Entry> &entries)
{
  mpdtimeline::Builder builder;
  for (const Entry &one : entries) fail_unless (builder.add (one).ok ());
  return builder.take ().timeline;
}

}  // namespace

GST_START_TEST (entries_become_runs)
{
  for (const Good &row : good) {
    mpdtimeline::Builder builder;
    for (const Entry &one : row.entries)
      fail_unless (builder.add (one).ok (), "%s", row.expected);
    auto out = mpdtimeline::closed (builder.take (), row.end);
    fail_unless (out.ok (), "%s", row.expected);
    fail_unless (text_of (**out) == row.expected, "%s, not %s",
        text_of (**out).c_str (), row.expected);
  }
}
GST_END_TEST;

GST_START_TEST (bad_entries_are_refused)
{
  for (const Bad &row : bad) {
    mpdtimeline::Builder builder;
    std::optional<relay::Failure<Error>> failure;
    for (std::size_t i = 0; i < row.entries.size () && !failure; i++) {
      Entry one = row.entries[i];
      one.line = i;
      auto done = builder.add (one);
      if (!done) failure = done.error ();
    }
    auto index = static_cast<std::size_t> (&row - bad);
    fail_unless (
        failure && failure->code == row.error && failure->position == row.index,
        "%zu", index);
  }
  // And one that only the Period's end makes too long.
  mpdtimeline::Builder builder;
  fail_unless (builder.add (open (0, 1)).ok ());
  auto times = builder.take ();
  fail_unless (mpdtimeline::closed (times, mpd::max_segments).ok ());
  fail_unless (mpdtimeline::closed (times, mpd::max_segments + 1).code () ==
               Error::too_many_segments);
  fail_unless (builder.add (open (UINT64_MAX - 3, 3)).ok ());
  fail_unless (mpdtimeline::closed (builder.take (), UINT64_MAX).ok ());
  fail_unless (builder.add (open (UINT64_MAX - 3, 2)).ok ());
  fail_unless (mpdtimeline::closed (builder.take (), UINT64_MAX).code () ==
               Error::overflow);
}
GST_END_TEST;

GST_START_TEST (times_are_found)
{
  // 0 2 4 | 10 15 | (20)
  auto timeline = made ({entry (0, 2, 2), entry (10, 5, 1)});
  fail_unless_equals_uint64 (mpdtimeline::count (*timeline), 5);
  fail_unless_equals_uint64 (mpdtimeline::end_of (*timeline), 20);
  const struct
  {
    std::uint64_t time, before, until;
  } rows[] = {{0, 0, 0}, {1, 0, 1}, {2, 1, 1}, {5, 2, 3}, {6, 3, 3}, {9, 3, 3},
      {10, 3, 3}, {11, 3, 4}, {15, 4, 4}, {19, 4, 5}, {20, 5, 5},
      {UINT64_MAX, 5, 5}};
  for (const auto &row : rows) {
    fail_unless_equals_uint64 (
        mpdtimeline::before (*timeline, row.time), row.before);
    fail_unless_equals_uint64 (
        mpdtimeline::until (*timeline, row.time), row.until);
  }
  Timeline none;
  fail_unless_equals_uint64 (mpdtimeline::count (none), 0);
  fail_unless_equals_uint64 (mpdtimeline::end_of (none), 0);
  fail_unless_equals_uint64 (mpdtimeline::until (none, 5), 0);
}
GST_END_TEST;

GST_START_TEST (parts_are_cut)
{
  auto timeline = made ({entry (0, 2, 2), entry (10, 5, 1)});
  const struct
  {
    std::uint64_t from, to;
    const char *expected;
  } rows[] = {{0, 5, "0+2*3 10+5*2"}, {0, 99, "0+2*3 10+5*2"},
      {1, 5, "2+2*2 10+5*2"}, {0, 4, "0+2*3 10+5*1"}, {4, 5, "15+5*1"},
      {1, 2, "2+2*1"}, {3, 3, ""}, {5, 5, ""}};
  for (const auto &row : rows)
    fail_unless (text_of (*mpdtimeline::part (timeline, row.from, row.to)) ==
                     row.expected,
        "%s", row.expected);
  // All of it is not made anew.
  fail_unless (mpdtimeline::part (timeline, 0, 5) == timeline);
}
GST_END_TEST;

static Suite *mpdtimeline_suite ()
{
  Suite *suite = suite_create ("mpdtimeline");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, entries_become_runs);
  tcase_add_test (tests, bad_entries_are_refused);
  tcase_add_test (tests, times_are_found);
  tcase_add_test (tests, parts_are_cut);
  return suite;
}

GST_CHECK_MAIN (mpdtimeline)

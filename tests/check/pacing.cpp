// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pacing.h"

#include "testutil.h"

using pacing::Interval;
using pacing::Nanoseconds;
using pacing::Pace;
using pacing::Schedule;

namespace {

using Optional = std::optional<Nanoseconds>;

constexpr Nanoseconds ms (std::int64_t count)
{
  return std::chrono::milliseconds (count);
}

struct Cut
{
  const char *what;
  std::size_t packets;
  std::size_t burst;
  Nanoseconds spread;
  std::vector<pacing::Burst> expected;
};

const std::vector<Cut> cuts = {
    {"evenly", 6, 2, ms (30),
        {{0, 2, ms (0)}, {2, 4, ms (10)}, {4, 6, ms (20)}}},
    {"the last has the rest", 5, 2, ms (30),
        {{0, 2, ms (0)}, {2, 4, ms (10)}, {4, 5, ms (20)}}},
    {"one by one", 3, 1, ms (3),
        {{0, 1, ms (0)}, {1, 2, ms (1)}, {2, 3, ms (2)}}},
    {"a burst of none is one", 2, 0, ms (2), {{0, 1, ms (0)}, {1, 2, ms (1)}}},
    {"no spread: all at once", 6, 2, ms (0), {{0, 6, ms (0)}}},
    {"a burst that takes all", 6, 6, ms (30), {{0, 6, ms (0)}}},
    {"a burst that takes more", 6, 65535, ms (30), {{0, 6, ms (0)}}},
    {"one packet", 1, 10, ms (30), {{0, 1, ms (0)}}},
    {"nothing", 0, 10, ms (30), {}},
    {"nothing at once", 0, 10, ms (0), {}},
    {"less than the clock knows", 3, 1, Nanoseconds (2),
        {{0, 1, ms (0)}, {1, 2, ms (0)}, {2, 3, Nanoseconds (1)}}},
};

struct Time
{
  Optional time;
  Optional duration;
  Nanoseconds expected;
};

struct Stream
{
  const char *what;
  int numerator;
  int denominator;
  std::vector<Time> frames;
};

constexpr Optional none;

const std::vector<Stream> streams = {
    {"the caps say it", 30, 1, {{none, none, Nanoseconds (33333333)}}},
    {"the caps come first", 25, 1,
        {{ms (0), ms (7), ms (40)}, {ms (9), ms (7), ms (40)}}},
    {"30000/1001", 30000, 1001, {{none, none, Nanoseconds (33366666)}}},
    {"0/1: the rate varies", 0, 1, {{ms (0), ms (7), ms (7)}}},
    {"at most a second", 1, 10, {{none, none, ms (1000)}}},
    {"by duration", 0, 0,
        {{ms (0), ms (20), ms (20)}, {ms (500), ms (30), ms (30)}}},
    {"a duration of at most a second", 0, 0, {{none, ms (1001), ms (1000)}}},
    {"by distance", 0, 0,
        {{ms (5), none, ms (0)}, {ms (25), none, ms (20)},
            {ms (45), ms (0), ms (20)}}},
    {"a frame is missing", 0, 0,
        {{ms (0), none, ms (0)}, {ms (20), none, ms (20)},
            {ms (60), none, ms (20)}, {ms (80), none, ms (20)}}},
    {"a jump", 0, 0,
        {{ms (0), none, ms (0)}, {ms (20), none, ms (20)},
            {ms (9000), none, ms (20)}, {ms (9020), none, ms (20)},
            {ms (10), none, ms (20)}, {ms (30), none, ms (20)}}},
    {"a rate that falls", 0, 0,
        {{ms (0), none, ms (0)}, {ms (20), none, ms (20)},
            {ms (70), none, ms (20)}, {ms (120), none, ms (50)}}},
    {"a frame without a time", 0, 0,
        {{ms (0), none, ms (0)}, {none, none, ms (0)},
            {ms (40), none, ms (40)}}},
    {"nothing known", 0, 0, {{none, none, ms (0)}, {none, none, ms (0)}}},
};

struct Departure
{
  Nanoseconds now;
  Nanoseconds expected;
};

struct Late
{
  const char *what;
  // Of the bursts from the second on.
  std::vector<Departure> bursts;
};

// Eight bursts, one each 10 ms from 1000 on; an eighth of their time is 10 ms.
const std::vector<Late> lates = {
    {"in time", {{ms (1000), ms (1010)}, {ms (1010), ms (1020)},
                    {ms (1021), ms (1030)}}},
    {"a little late: made up for at once",
        {{ms (1019), ms (1010)}, {ms (1030), ms (1020)}, {ms (1030), ms (1030)},
            {ms (1031), ms (1040)}}},
    {"paused: the rest comes at twice the pace",
        {{ms (1000), ms (1010)}, {ms (1500), ms (1500)}, {ms (1500), ms (1505)},
            {ms (1505), ms (1510)}, {ms (1510), ms (1515)}}},
    {"made up for: at the times of old again",
        {{ms (1025), ms (1025)}, {ms (1025), ms (1030)}, {ms (1030), ms (1035)},
            {ms (1035), ms (1040)}, {ms (1040), ms (1050)}}},
    {"paused twice", {{ms (2000), ms (2000)}, {ms (2000), ms (2005)},
                         {ms (3000), ms (3000)}, {ms (3000), ms (3005)}}},
};

struct Report
{
  const char *what;
  Nanoseconds reported;
  Nanoseconds spread;
  Nanoseconds expected;
};

const Report reports[] = {
    {"the first", ms (0), ms (20), ms (20)},
    {"the same", ms (20), ms (20), ms (20)},
    {"longer, however little", ms (20), ms (20) + Nanoseconds (1),
        ms (20) + Nanoseconds (1)},
    {"jitter", ms (20), ms (16), ms (20)},
    {"shorter", ms (20), ms (15), ms (15)},
    {"no more", ms (20), ms (0), ms (0)},
    {"none", ms (0), ms (0), ms (0)},
};

}  // namespace

GST_START_TEST (frames_are_spread)
{
  for (const Cut &row : cuts) {
    Schedule schedule (row.packets, row.burst, row.spread);
    fail_unless (schedule.count () == row.expected.size (), "%s: %zu bursts",
        row.what, schedule.count ());
    for (std::size_t i = 0; i < schedule.count (); i++) {
      pacing::Burst burst = schedule.burst (i);
      const pacing::Burst &expected = row.expected[i];
      fail_unless (burst.begin == expected.begin && burst.end == expected.end &&
                       burst.at == expected.at,
          "%s: burst %zu is %zu to %zu at %" G_GINT64_FORMAT, row.what, i,
          burst.begin, burst.end, static_cast<gint64> (burst.at.count ()));
    }
  }
}
GST_END_TEST;

// Whatever the sizes, each packet leaves once, in order, before the time is up.
GST_START_TEST (every_packet_leaves_in_time)
{
  for (std::size_t packets = 1; packets < 40; packets++) {
    for (std::size_t size = 1; size < 12; size++) {
      Schedule schedule (packets, size, ms (33));
      std::size_t next = 0;
      Nanoseconds last (-1);
      for (std::size_t i = 0; i < schedule.count (); i++) {
        pacing::Burst burst = schedule.burst (i);
        fail_unless (burst.begin == next && burst.end > next);
        fail_unless (burst.end - burst.begin <= size);
        fail_unless (burst.at > last && burst.at < ms (33));
        next = burst.end;
        last = burst.at;
      }
      fail_unless (next == packets);
    }
  }
}
GST_END_TEST;

GST_START_TEST (what_is_late_does_not_come_together)
{
  for (const Late &row : lates) {
    Schedule schedule (8, 1, ms (80));
    Pace pace (schedule, ms (1000));
    std::size_t i = 1;
    for (const Departure &burst : row.bursts) {
      Nanoseconds due = pace.due (i, burst.now);
      fail_unless (due == burst.expected,
          "%s: burst %zu is due at %" G_GINT64_FORMAT, row.what, i,
          static_cast<gint64> (due.count ()));
      i++;
    }
  }
}
GST_END_TEST;

GST_START_TEST (intervals_are_found)
{
  for (const Stream &row : streams) {
    Interval interval;
    interval.set_framerate (row.numerator, row.denominator);
    for (const Time &frame : row.frames) {
      interval.frame (frame.time, frame.duration);
      fail_unless (interval.value () == frame.expected, "%s: %" G_GINT64_FORMAT,
          row.what, static_cast<gint64> (interval.value ().count ()));
    }
  }
}
GST_END_TEST;

GST_START_TEST (a_new_stream_knows_nothing)
{
  Interval interval;
  interval.set_framerate (25, 1);
  interval.frame (ms (0), none);
  interval.frame (ms (20), none);
  interval.restart ();
  fail_unless (interval.value () == ms (0));
  interval.frame (ms (50), none);
  fail_unless (interval.value () == ms (0));
  interval.frame (ms (100), none);
  fail_unless (interval.value () == ms (50));
}
GST_END_TEST;

GST_START_TEST (latency_does_not_jitter)
{
  for (const Report &row : reports)
    fail_unless (pacing::latency (row.reported, row.spread) == row.expected,
        "%s", row.what);
}
GST_END_TEST;

static Suite *pacing_suite ()
{
  Suite *suite = suite_create ("pacing");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, frames_are_spread);
  tcase_add_test (tests, every_packet_leaves_in_time);
  tcase_add_test (tests, what_is_late_does_not_come_together);
  tcase_add_test (tests, intervals_are_found);
  tcase_add_test (tests, a_new_stream_knows_nothing);
  tcase_add_test (tests, latency_does_not_jitter);
  return suite;
}

GST_CHECK_MAIN (pacing)

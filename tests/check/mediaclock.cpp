// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mediaclock.h"

#include <optional>
#include <vector>

#include "testutil.h"

using mediaclock::Book;
using mediaclock::Place;
using mediaclock::Track;

namespace {

constexpr std::int64_t milli = GST_MSECOND;

// 90,000 in a second.
std::uint64_t units (std::int64_t milliseconds)
{
  return static_cast<std::uint64_t> (milliseconds * 90) % mediaclock::wrap;
}

std::uint64_t nanoseconds (std::uint64_t milliseconds)
{
  return milliseconds * GST_MSECOND;
}

}  // namespace

GST_START_TEST (distances_go_round_the_clock)
{
  const struct
  {
    std::uint64_t anchor;  // ms
    std::uint64_t anchor_timestamp;
    std::uint64_t listed;  // ms
    std::uint64_t timestamp;
    std::int64_t offset;  // ms
  } rows[] = {
      {0, 900000, 0, 900000, 0},
      {0, 900000, 10000, 1799100, -10},
      {0, 900000, 20000, 2700900, 10},
      {5000, 900000, 0, 450000, 0},
      {5000, 900000, 0, 450900, 10},
      // It wraps.
      {0, mediaclock::wrap - 90000, 2000, 90000, 0},
      {0, mediaclock::wrap - 90000, 2000, 89910, -1},
      {0, 0, 0, mediaclock::wrap - 90, -1},
      {2000, 90000, 0, mediaclock::wrap - 90000, 0},
      // After more than 26.5 hours.
      {0, 0, 100'000'000, units (100'000'001), 1},
      // Half of it is earlier.
      {0, 0, 0, mediaclock::wrap / 2 - 90, 47721857},
      {0, 0, 0, mediaclock::wrap / 2 + 90, -47721857},
  };
  for (const auto &row : rows) {
    std::int64_t got =
        mediaclock::offset ({nanoseconds (row.anchor), row.anchor_timestamp},
            nanoseconds (row.listed), row.timestamp);
    fail_unless_equals_int64 (got / milli, row.offset);
  }
}
GST_END_TEST;

// One track by itself.
GST_START_TEST (segments_begin_when_their_timestamps_say)
{
  struct Step
  {
    std::uint64_t listed;  // ms
    std::uint64_t timestamp;
    std::uint64_t sequence;
    std::int64_t offset;  // ms
  };
  const std::vector<Step> runs[] = {
      // The list rounds.
      {{0, 900000, 0, 0}, {10000, 1799100, 0, -10}, {20000, 2700900, 0, 10}},
      // It wraps, and goes back over it.
      {{0, mediaclock::wrap - 90000, 0, 0}, {2000, 90000, 0, 0},
          {4000, 270090, 0, 1}},
      {{5000, 90, 0, 0}, {5001, mediaclock::wrap - 90, 0, -3}},
      // Another clock, said and not said.
      {{0, 900000, 0, 0}, {10000, 5, 1, 0}, {20000, 900095, 1, 1}},
      {{0, 900000, 0, 0}, {10000, 90000000, 0, 0}, {20000, 90900090, 0, 1}},
      // Back, by a seek that nobody told of.
      {{10000, 0, 0, 0}, {0, 900000, 0, 0}, {10000, 1800090, 0, 1}},
      // What was rounded adds up, beyond what another clock would be.
      {{0, 0, 0, 0}, {10000, units (4000), 0, -6000},
          {20000, units (8000), 0, -12000}, {30000, units (12000), 0, -18000}},
      // Also where nobody looked in between.
      {{0, 0, 0, 0}, {100000, units (60000), 0, -40000},
          {200000, units (120000), 0, -80000}},
  };
  for (const auto &run : runs) {
    Book book;
    Track track;
    for (const Step &step : run) {
      auto got = track.at (book, {1, 0, 0, step.sequence},
          nanoseconds (step.listed), step.timestamp);
      fail_unless_equals_int64 (got.offset / milli, step.offset);
    }
  }
}
GST_END_TEST;

// Several tracks, and seeks: 0 is the picture, and so on.
GST_START_TEST (tracks_share_a_clock)
{
  struct Step
  {
    std::size_t track;
    Place place;
    std::uint64_t listed;    // ms
    std::int64_t timestamp;  // ms
    std::int64_t offset;     // ms
    bool is_news = false;
  };
  constexpr Place first{1, 100, 0, 0};
  constexpr Place seek{2, 100, 0, 0};
  const struct
  {
    const char *name;
    std::vector<Step> steps;
  } rows[] = {
      {"sound begins later",
          {{0, first, 0, 10000, 0}, {1, first, 0, 10060, 60},
              {1, first, 4000, 14060, 60}, {0, first, 6000, 16000, 0}}},
      {"or earlier", {{0, first, 0, 10000, 0}, {1, first, 0, 9940, -60}}},
      {"and is the first to come",
          {{1, first, 0, 9940, 0}, {0, first, 0, 10000, 60}}},
      {"amid a wrap", {{0, first, 0, -30, 0}, {1, first, 0, 30, 60}}},
      {"each discontinuity has a clock",
          {{0, first, 0, 10000, 0}, {0, {1, 100, 0, 1}, 8000, 500, 0},
              {1, first, 0, 10060, 60}, {1, {1, 100, 0, 1}, 8020, 540, 20}}},
      {"and each period",
          {{0, first, 0, 10000, 0}, {0, {1, 100, 1, 0}, 0, 500, 0},
              {1, {1, 100, 1, 0}, 0, 540, 40}}},
      {"after a seek it is the same",
          {{0, first, 0, 10000, 0}, {1, first, 0, 10060, 60},
              {0, seek, 60000, 70400, 400}, {1, seek, 58000, 68060, 60}}},
      {"whoever comes first",
          {{0, first, 0, 10000, 0}, {1, first, 0, 10060, 60},
              {1, seek, 58000, 68060, 60}, {0, seek, 60000, 70400, 400}}},
      {"but what is listed there is shown",
          {{0, first, 0, 10000, 0}, {0, seek, 60000, 69499, 0},
              {1, seek, 60000, 69559, 60}, {0, seek, 66000, 75000, -499}}},
      {"also behind a part that is left out",
          {{0, first, 0, 10000, 0}, {0, {1, 200, 0, 0}, 60000, 66000, 0},
              {1, {1, 200, 0, 0}, 60000, 66060, 60}}},
      {"who comes late is where the others are",
          {{0, first, 0, 10000, 0}, {0, first, 30000, 34000, -6000},
              {0, first, 60000, 58000, -12000},
              {1, first, 60000, 59000, -11000}}},
      {"a clock of its own",
          {{0, first, 0, 10000, 0}, {1, first, 0, 20000, 0, true},
              {1, first, 6000, 26001, 1}, {0, first, 6000, 16001, 1},
              {2, first, 6000, 16002, 2}}},
      {"is told of once",
          {{0, first, 0, 10000, 0}, {1, first, 0, 20000, 0, true},
              {2, first, 0, 40000, 0}, {0, seek, 6000, 16000, 0},
              {1, seek, 6000, 26000, 0}}},
      {"nearly", {{0, first, 0, 10000, 0}, {1, first, 0, 19999, 9999}}},
      {"a clock of its own that comes first",
          {{1, first, 0, 20000, 0}, {0, first, 0, 10000, 0, true},
              {0, seek, 6000, 16000, 0}, {1, seek, 6000, 26000, 0}}},
  };
  for (const auto &row : rows) {
    Book book;
    std::vector<Track> tracks (3);
    for (const Step &step : row.steps) {
      auto got = tracks[step.track].at (
          book, step.place, nanoseconds (step.listed), units (step.timestamp));
      fail_unless (got.offset / milli == step.offset,
          "%s: track %zu, %d ms: %d", row.name, step.track,
          static_cast<int> (step.listed),
          static_cast<int> (got.offset / milli));
      fail_unless (got.is_news == step.is_news, "%s: %d ms", row.name,
          static_cast<int> (step.listed));
    }
  }
}
GST_END_TEST;

// Another clock goes on for it, for instance PCR.
GST_START_TEST (a_track_may_be_followed)
{
  constexpr Place place{1, 100, 0, 0};
  Book book;
  Track picture;
  Track sound;
  (void)picture.at (book, place, 0, units (10000));
  for (std::uint64_t i = 1; i <= 100; i++)
    picture.follow (book, i * GST_SECOND, -400 * milli);
  // Not on another clock.
  auto got = picture.at (book, place, 100 * GST_SECOND, units (70000));
  fail_unless_equals_int64 (got.offset / milli, -40000);
  got = sound.at (book, place, 100 * GST_SECOND, units (69000));
  fail_unless_equals_int64 (got.offset / milli, -41000);
  fail_unless (!got.is_news);
}
GST_END_TEST;

GST_START_TEST (what_is_known_is_found)
{
  Book book;
  Track track;
  auto timestamp = [&book] (const Place &place) {
    auto found = book.find (place);
    return found ? std::optional (found->timestamp) : std::nullopt;
  };
  fail_unless (!timestamp ({1, 100, 0, 0}));
  (void)track.at (book, {1, 100, 0, 0}, 0, 5);
  fail_unless (timestamp ({1, 100, 0, 0}) == 5);
  // The one of before, as long as there is no other,
  fail_unless (timestamp ({2, 100, 0, 0}) == 5);
  (void)track.at (book, {2, 100, 0, 0}, 60 * GST_SECOND, 9000000);
  fail_unless (timestamp ({2, 100, 0, 0}) == 9000000);
  fail_unless (timestamp ({1, 100, 0, 0}) == 5);
  fail_unless (timestamp ({3, 100, 0, 0}) == 9000000);
  // but of no other clock.
  fail_unless (!timestamp ({2, 100, 0, 1}));
  fail_unless (!timestamp ({2, 100, 1, 0}));
  // Not for ever.
  for (std::uint32_t i = 3; i < 300; i++)
    (void)track.at (book, {i, 100, 7, 0}, 0, 5);
  fail_unless (!timestamp ({2, 100, 0, 0}));
}
GST_END_TEST;

static Suite *mediaclock_suite ()
{
  Suite *suite = suite_create ("mediaclock");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, distances_go_round_the_clock);
  tcase_add_test (tests, segments_begin_when_their_timestamps_say);
  tcase_add_test (tests, tracks_share_a_clock);
  tcase_add_test (tests, a_track_may_be_followed);
  tcase_add_test (tests, what_is_known_is_found);
  return suite;
}

GST_CHECK_MAIN (mediaclock)

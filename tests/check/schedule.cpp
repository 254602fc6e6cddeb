// SPDX-License-Identifier: LGPL-2.1-or-later
#include "schedule.h"

#include "testutil.h"

using presentation::Representation;
using presentation::SegmentList;
using presentation::SegmentTemplate;
using presentation::Timeline;

namespace {

Representation representation (std::uint64_t bandwidth, std::string group = {})
{
  Representation out{};
  out.bandwidth = bandwidth;
  out.group = std::move (group);
  return out;
}

Representation pattern (std::vector<Timeline::Run> runs)
{
  SegmentTemplate all;
  all.media = "$RepresentationID$-$Number$-$Time$.m4s";
  all.initialization = "$RepresentationID$.mp4";
  all.timescale = 10;
  all.start_number = 7;
  all.presentation_time_offset = 100;
  auto timeline = std::make_shared<Timeline> ();
  timeline->runs = std::move (runs);
  all.timeline = timeline;
  Representation out{};
  out.id = "v";
  out.base = "http://h/d/m.mpd";
  out.segments = all;
  return out;
}

}  // namespace

GST_START_TEST (the_best_that_fits_is_chosen)
{
  struct
  {
    std::vector<std::uint64_t> bandwidths;
    std::uint64_t max;
    std::size_t expected;
  } rows[] = {
      {{5}, 0, 0},
      {{5}, 4, 0},
      {{1, 3, 2}, 0, 1},
      {{1, 3, 2}, 3, 1},
      {{1, 3, 2}, 2, 2},
      {{3, 2, 1}, 1, 2},
      // None fits: the lowest.
      {{3, 1, 2}, 1, 1},
      {{30, 20, 10}, 1, 2},
      // The first of equals.
      {{2, 2}, 0, 0},
      {{20, 20}, 1, 0},
  };
  for (const auto &row : rows) {
    presentation::Track track;
    for (std::uint64_t bandwidth : row.bandwidths)
      track.representations.push_back (representation (bandwidth));
    fail_unless_equals_uint64 (schedule::choose (track, row.max), row.expected);
  }
}
GST_END_TEST;

GST_START_TEST (a_rendition_is_chosen_by_its_group)
{
  presentation::Track track;
  track.representations = {representation (0, "a"), representation (0, "b")};
  auto choose = [&] (presentation::Type type, const char *group) {
    // Another group for each type.
    presentation::Representation variant{};
    variant.group = type == presentation::Type::audio ? group : "a";
    variant.text_group = type == presentation::Type::text ? group : "a";
    variant.video_group = type == presentation::Type::video ? group : "a";
    track.type = type;
    return schedule::choose_rendition (track, variant);
  };
  for (auto type : {presentation::Type::audio, presentation::Type::text,
           presentation::Type::video}) {
    fail_unless (choose (type, "b") == 1);
    fail_unless (!choose (type, "c"));
    fail_unless (!choose (type, ""));
  }
}
GST_END_TEST;

GST_START_TEST (segments_of_templates)
{
  // Two of 2 s from 10 s, a gap, three of 1.5 s.
  Representation all = pattern ({{100, 20, 0, 2}, {150, 15, 2, 3}});
  struct
  {
    std::uint64_t n;
    const char *uri;
    presentation::Time time;
    presentation::Time duration;
  } rows[] = {
      {0, "http://h/d/v-7-100.m4s", 10000, 2000},
      {1, "http://h/d/v-8-120.m4s", 12000, 2000},
      {2, "http://h/d/v-9-150.m4s", 15000, 1500},
      {4, "http://h/d/v-11-180.m4s", 18000, 1500},
  };
  for (const auto &row : rows) {
    auto segment = schedule::segment (all, row.n);
    fail_unless (segment.has_value ());
    fail_unless_equals_string (segment->resource.uri.c_str (), row.uri);
    fail_unless (segment->init->uri == "http://h/d/v.mp4");
    fail_unless_equals_uint64 (segment->time, row.time * GST_MSECOND);
    fail_unless_equals_uint64 (segment->duration, row.duration * GST_MSECOND);
  }
  for (std::uint64_t n : {std::uint64_t{5}, UINT64_MAX})
    fail_unless (!schedule::segment (all, n));
  fail_unless (!schedule::segment (pattern ({}), 0));
  fail_unless_equals_uint64 (schedule::media_offset (all), 10 * GST_SECOND);
}
GST_END_TEST;

GST_START_TEST (segments_of_lists)
{
  SegmentList list;
  list.text = "a.tsb.ts";
  list.offset = GST_SECOND;
  list.inits = {{"i.mp4", presentation::Range{0, 9}}};
  list.entries.resize (2);
  list.entries[0].uri_size = 4;
  list.entries[1].uri_at = 4;
  list.entries[1].uri_size = 4;
  list.entries[1].part = list.add_part ({5, 10});
  list.entries[0].time = GST_SECOND;
  list.entries[1].time = 3 * GST_SECOND;
  list.entries[1].init = 0;
  list.entries[1].discontinuity = true;
  Representation all{};
  all.base = "http://h/x/";
  all.segments = list;

  auto begin = schedule::segment (all, 0);
  fail_unless (begin && begin->resource.uri == "http://h/x/a.ts");
  fail_unless (!begin->resource.range && !begin->init);
  fail_unless_equals_uint64 (begin->time, GST_SECOND);
  auto last = schedule::segment (all, 1);
  fail_unless (last && last->resource.uri == "http://h/x/b.ts");
  fail_unless (last->resource.range == presentation::Range ({5, 14}));
  fail_unless (last->init->uri == "http://h/x/i.mp4");
  fail_unless (last->discontinuity);
  fail_unless_equals_uint64 (last->time, 3 * GST_SECOND);
  fail_unless (!schedule::segment (all, 2));
  fail_unless_equals_uint64 (schedule::media_offset (all), GST_SECOND);
}
GST_END_TEST;

// By the tags, of which there may be several before a segment.
GST_START_TEST (discontinuities_are_counted)
{
  SegmentList list;
  list.entries.resize (5);
  list.discontinuity_sequence = 7;
  list.discontinuities = {0, 2, 2, 4};
  Representation all{};
  all.segments = list;
  const std::uint64_t expected[] = {8, 8, 10, 10, 11};
  for (std::uint64_t n = 0; n < 5; n++) {
    auto segment = schedule::segment (all, n);
    fail_unless (segment.has_value ());
    fail_unless_equals_uint64 (segment->discontinuity_sequence, expected[n]);
  }
}
GST_END_TEST;

GST_START_TEST (what_is_not_loaded_has_no_segments)
{
  Representation all{};
  all.segments = presentation::Playlist{"a"};
  fail_unless (!schedule::segment (all, 0));
  all.segments = presentation::SegmentBase{};
  fail_unless (!schedule::segment (all, 0));
  fail_unless_equals_uint64 (schedule::media_offset (all), 0);
}
GST_END_TEST;

GST_START_TEST (an_index_becomes_a_list)
{
  presentation::SegmentBase base;
  base.initialization = presentation::Resource{"", presentation::Range{0, 9}};
  base.timescale = 10;
  base.presentation_time_offset = 20;
  sidx::Index index{
      1000, {{100, 50, 2000, 1000}, {150, 0, 3000, 0}, {150, 60, 3000, 500}}};
  auto list = schedule::to_segments (base, index);
  fail_unless (list.has_value ());
  // The empty one is nothing to fetch.
  fail_unless_equals_uint64 (list->entries.size (), 2);
  fail_unless_equals_uint64 (list->part (list->entries[1]).first, 150);
  fail_unless_equals_uint64 (list->part (list->entries[1]).size, 60);
  fail_unless_equals_uint64 (list->entries[0].time, 2 * GST_SECOND);
  fail_unless_equals_uint64 (list->entries[1].time, 3 * GST_SECOND);
  fail_unless_equals_uint64 (list->offset, 2 * GST_SECOND);
  fail_unless (list->entries[0].init == 0);

  index.references[0].time = UINT64_MAX;
  fail_unless (!schedule::to_segments (base, index));
}
GST_END_TEST;

static Suite *schedule_suite ()
{
  Suite *suite = suite_create ("schedule");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, the_best_that_fits_is_chosen);
  tcase_add_test (tests, a_rendition_is_chosen_by_its_group);
  tcase_add_test (tests, segments_of_templates);
  tcase_add_test (tests, segments_of_lists);
  tcase_add_test (tests, discontinuities_are_counted);
  tcase_add_test (tests, what_is_not_loaded_has_no_segments);
  tcase_add_test (tests, an_index_becomes_a_list);
  return suite;
}

GST_CHECK_MAIN (schedule)

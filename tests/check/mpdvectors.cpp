// SPDX-License-Identifier: LGPL-2.1-or-later

// Every MPD that others have made for their own tests: what it is, or why it
// is refused.

#include <map>

#include "mpd.h"
#include "schedule.h"
#include "vectors.h"

namespace {

// The Periods, each as "tracks/representations/segments" in all; or an error.
const std::map<std::string, std::string> expected = {
    {"dash-mpd-rs/a2d-tv.mpd", "3/9/5592"},
    {"dash-mpd-rs/ad-insertion-testcase1.mpd", "2/2/10 2/2/10 2/2/10"},
    {"dash-mpd-rs/ad-insertion-testcase6-av1.mpd", "2/2/20"},
    {"dash-mpd-rs/ad-insertion-testcase6-av2.mpd", "2/2/5 2/2/16"},
    {"dash-mpd-rs/ad-insertion-testcase6-av5.mpd", "2/2/4 2/2/15"},
    {"dash-mpd-rs/avod-mediatailor.mpd",
        "2/6/18 2/6/12 2/6/24 2/6/18 2/6/12 2/6/43 2/6/12 2/6/24 2/6/18 "
        "2/6/18 2/6/55 2/6/18 2/6/18 2/6/18 2/6/18 2/6/157"},
    {"dash-mpd-rs/dash-testcases-5b-1-thomson.mpd", "2/3/135 2/5/150 2/3/147"},
    {"dash-mpd-rs/dashif-live-atoinf.mpd", "a dynamic (live) MPD, line 2"},
    {"dash-mpd-rs/dashif-low-latency.mpd", "a dynamic (live) MPD, line 2"},
    {"dash-mpd-rs/example_G22.mpd", "a dynamic (live) MPD, line 12"},
    {"dash-mpd-rs/f64-inf.mpd", "a dynamic (live) MPD, line 2"},
    {"dash-mpd-rs/incomplete.mpd", "not well-formed XML, line 2"},
    {"dash-mpd-rs/jurassic-compact-5975.mpd", "4/10/8344"},
    {"dash-mpd-rs/manifest_wvcenc_1080p.mpd", "2/5/500"},
    {"dash-mpd-rs/multiple_supplementals.mpd", "3/3/3"},
    {"dash-mpd-rs/patch-location.mpd", "a dynamic (live) MPD, line 12"},
    {"dash-mpd-rs/patch-location2.mpd", "a dynamic (live) MPD, line 2"},
    {"dash-mpd-rs/st-sl.mpd", "1/1/3"},
    {"dash-mpd-rs/telenet-mid-ad-rolls.mpd",
        "2/5/2225 2/5/32 2/5/1585 2/5/32 2/5/2630"},
    {"dash-mpd-rs/vod-aip-unif-streaming.mpd",
        "2/6/18 2/2/10 2/6/60 2/2/10 2/6/126 2/2/10 2/6/66"},
    {"go-dash/adaptationset_switching.mpd", "3/3/3"},
    {"go-dash/audio_channel_configuration.mpd", "2/2/2"},
    {"go-dash/events.mpd", "a dynamic (live) MPD, line 2"},
    {"go-dash/hbbtv_profile.mpd", "3/6/961"},
    {"go-dash/inband_event_stream.mpd", "no segments, line 2"},
    {"go-dash/invalid.mpd", "not well-formed XML, line 2"},
    {"go-dash/live.mpd", "3/6/961"},
    {"go-dash/live_profile.mpd", "3/6/961"},
    {"go-dash/live_profile_dynamic.mpd", "a dynamic (live) MPD, line 2"},
    {"go-dash/live_profile_multi_base_url.mpd", "3/6/961"},
    {"go-dash/location.mpd", "a dynamic (live) MPD, line 2"},
    {"go-dash/multiple_supplementals.mpd", "3/3/3"},
    {"go-dash/newperiod.mpd", "no duration, so no last segment, line 11"},
    {"go-dash/ondemand.mpd", "3/4/1"},
    {"go-dash/ondemand_profile.mpd", "3/4/1"},
    {"go-dash/ondemand_with_thumbnails.mpd", "3/4/1"},
    {"go-dash/scte35.mpd", "no duration, so no last segment, line 4"},
    {"go-dash/segment_list.mpd", "2/2/8"},
    {"go-dash/segment_timeline.mpd", "2/2/18"},
    {"go-dash/segment_timeline_multi_period.mpd",
        "2/3/48 2/3/48 2/3/25 2/3/48"},
    {"go-dash/truncate.mpd", "a dynamic (live) MPD, line 2"},
    {"go-dash/truncate_short.mpd", "a dynamic (live) MPD, line 2"},
    {"mpd-parser/608-captions.mpd", "1/1/0"},
    {"mpd-parser/708-captions.mpd", "1/1/0"},
    {"mpd-parser/audio-only.mpd", "2/2/0"},
    {"mpd-parser/location.mpd", "1/1/0"},
    {"mpd-parser/locations.mpd", "1/1/0"},
    {"mpd-parser/maat_vtt_segmentTemplate.mpd", "5/8/26"},
    {"mpd-parser/multiperiod-dynamic.mpd", "a dynamic (live) MPD, line 2"},
    {"mpd-parser/multiperiod-segment-list.mpd", "1/1/2 1/1/2"},
    {"mpd-parser/multiperiod-segment-template.mpd", "2/2/6 2/2/6"},
    {"mpd-parser/multiperiod-startnumber-removed-periods.mpd",
        "a dynamic (live) MPD, line 13"},
    {"mpd-parser/multiperiod-startnumber.mpd", "a dynamic (live) MPD, line 13"},
    {"mpd-parser/multiperiod.mpd", "2/5/15 2/5/15 2/5/37 2/5/13 2/5/20"},
    {"mpd-parser/segmentBase.mpd", "1/1/0"},
    {"mpd-parser/segmentList.mpd", "2/2/20"},
    {"mpd-parser/vtt_codecs.mpd", "5/8/26"},
    {"mpd-parser/webmsegments.mpd", "2/2/8"},
    {"shaka/dash-aes-128/dash.mpd", "1/1/4"},
};

std::string outcome (const std::filesystem::path &path)
{
  auto bytes = test::read_file (path);
  auto out = mpd::parse (
      {reinterpret_cast<const char *> (bytes.data ()), bytes.size ()},
      "http://h/d/m.mpd");
  if (!out)
    return std::string (to_string (out.code ())) + ", line " +
           std::to_string (out.position ());
  std::string text;
  for (const auto &period : out->periods) {
    std::size_t representations = 0;
    std::size_t segments = 0;
    for (const auto &track : period.tracks) {
      representations += track.representations.size ();
      for (const auto &one : track.representations)
        for (std::uint64_t n = 0; schedule::segment (one, n); n++) segments++;
    }
    if (!text.empty ()) text += " ";
    text += std::to_string (period.tracks.size ()) + "/" +
            std::to_string (representations) + "/" + std::to_string (segments);
  }
  return text;
}

}  // namespace

GST_START_TEST (every_manifest_is_understood)
{
  auto folder = test::vectors ("dash");
  if (!folder) return;
  std::size_t count = 0;
  for (const auto &entry :
      std::filesystem::recursive_directory_iterator (*folder)) {
    if (entry.path ().extension () != ".mpd") continue;
    std::string name = std::filesystem::relative (entry.path (), *folder);
    std::string found = outcome (entry.path ());
    auto row = expected.find (name);
    fail_unless (row != expected.end () && found == row->second, "%s: %s",
        name.c_str (), found.c_str ());
    count++;
  }
  fail_unless_equals_uint64 (count, expected.size ());
}
GST_END_TEST;

static Suite *mpdvectors_suite ()
{
  Suite *suite = suite_create ("mpdvectors");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, every_manifest_is_understood);
  return suite;
}

GST_CHECK_MAIN (mpdvectors)

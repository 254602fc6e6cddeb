// SPDX-License-Identifier: LGPL-2.1-or-later
// Trick modes: tracks of key frames alone, in place of the tracks that they are
// of.
#include "adaptivelog.h"
#include "testmp4.h"
#include "testts.h"

using relay::Guarded;
using relay::Owned;
using test::accurate;
using test::box;
using test::Bytes;
using test::expect;
using test::Fields;
using test::Files;
using test::flush;
using test::full_box;
using test::HttpServer;
using test::init_of;
using test::Log;
using test::mpd;
using test::Player;
using test::s;
using test::seek;
using test::segment_of;
using test::serving;
using test::wait_eos;

namespace {

constexpr int trick = GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_TRICKMODE_KEY_UNITS;

// Where the key frames are in their resource: of its segments these are the
// beginnings.
constexpr std::size_t frame_size = 5000;
const std::size_t map_size = init_of ("k").size ();
const std::vector<std::pair<std::size_t, std::size_t>> frames = [] {
  std::vector<std::pair<std::size_t, std::size_t>> out;
  std::size_t at = map_size;
  for (int i = 1; i <= 10; i++) {
    out.emplace_back (at, 1000);
    at += segment_of ("k" + std::to_string (i), frame_size).size ();
  }
  return out;
}();

// The paths that were asked for since, but for those of a kind. "k.mp4 3" is
// the third of its byte ranges, 0 its initialization.
std::vector<std::string> asked (
    HttpServer &server, std::size_t since, const std::string &but = " ")
{
  std::vector<std::string> ranges{"bytes=0-" + std::to_string (map_size - 1)};
  for (const auto &[first, size] : frames)
    ranges.push_back ("bytes=" + std::to_string (first) + "-" +
                      std::to_string (first + size - 1));
  std::vector<std::string> out;
  std::size_t number = 0;
  for (const auto &request : server.requests ()) {
    if (number++ < since || request.path.starts_with (but)) continue;
    std::string range = request.header ("Range");
    auto known = std::ranges::find (ranges, range);
    if (known != ranges.end ())
      range = std::to_string (known - ranges.begin ());
    if (!range.empty ()) range = " " + range;
    out.push_back (request.path.substr (1) + range);
  }
  return out;
}

std::string joined (const std::vector<std::string> &words)
{
  std::string out;
  for (const std::string &word : words) out += word + "\n";
  return out;
}

void expect_asked (HttpServer &server, std::size_t since,
    std::vector<std::string> expected, const std::string &but = " ")
{
  auto all = asked (server, since, but);
  // An initialization and its first segment are asked for at the same time.
  std::ranges::sort (all);
  std::ranges::sort (expected);
  fail_unless (all == expected, "asked for\n%sinstead of\n%s",
      joined (all).c_str (), joined (expected).c_str ());
}

// 20 s: segments of 4 s with picture and of 10 s with sound, and every 2 s a
// key frame.
Files hls (const std::string &variants, std::size_t media_size = 20000)
{
  std::string video = "#EXT-X-MAP:URI=\"v.mp4\"\n";
  std::string sound = "#EXT-X-MAP:URI=\"a.mp4\"\n";
  std::string keys =
      "#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"k.mp4\","
      "BYTERANGE=\"" +
      std::to_string (map_size) + "@0\"\n";
  std::string all = init_of ("k");
  Files out;
  for (int i = 1; i <= 10; i++) {
    std::string n = std::to_string (i);
    auto [first, size] = frames[static_cast<std::size_t> (i) - 1];
    keys += "#EXT-X-BYTERANGE:" + std::to_string (size) + "@" +
            std::to_string (first) + "\n#EXTINF:2,\nk.mp4\n";
    all += segment_of ("k" + n, frame_size);
    if (i <= 5) {
      video += "#EXTINF:4,\nv" + n + ".m4s\n";
      out["/v" + n + ".m4s"] = segment_of ("v" + n, media_size);
    }
    if (i <= 2) {
      sound += "#EXTINF:10,\na" + n + ".m4s\n";
      out["/a" + n + ".m4s"] = segment_of ("a" + n, media_size);
    }
  }
  out["/k.mp4"] = all;
  out["/v.mp4"] = init_of ("v");
  out["/a.mp4"] = init_of ("a");
  out["/v.m3u8"] = test::media_playlist (video);
  out["/a.m3u8"] = test::media_playlist (sound);
  out["/k.m3u8"] = test::media_playlist (keys);
  out["/m.m3u8"] =
      "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\","
      "DEFAULT=YES,URI=\"a.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=9000,CODECS=\"avc1.4d,mp4a.40.2\","
      "AUDIO=\"a\"\nv.m3u8\n" +
      variants;
  return out;
}

const std::string one_variant =
    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1000,CODECS=\"avc1.4d\","
    "URI=\"k.m3u8\"\n";

// Of the pad, as it is now.
GstSegment segment_of_pad (Player &player, const char *name)
{
  Owned<GstPad> pad{gst_element_get_static_pad (*player, name)};
  Owned<GstEvent> event{
      gst_pad_get_sticky_event (pad.get (), GST_EVENT_SEGMENT, 0)};
  GstSegment out;
  gst_event_copy_segment (event.get (), &out);
  return out;
}

}  // namespace

GST_START_TEST (key_frames_of_hls)
{
  const struct
  {
    double rate;
    int flags;
    GstClockTime start;
    GstClockTime stop;
    const char *video;
    std::vector<std::string> asked;  // but for the sound
  } rows[] = {
      {4, trick, 15 * s, GST_CLOCK_TIME_NONE,
          "[4.0 15,-=15+0] i! k8@14 k9!@16 k10!@18",
          // The first time the playlist too.
          {"k.m3u8", "k.mp4 0", "k.mp4 8", "k.mp4 9", "k.mp4 10"}},
      {1, trick, 16 * s, GST_CLOCK_TIME_NONE,
          "[1.0 16,-=16+0] i! k9@16 k10!@18",
          {"k.mp4 0", "k.mp4 9", "k.mp4 10"}},
      {-8, trick, 3 * s, 8 * s, "[-8.0 3,8=3+0] i! k4!@6 k3!@4 k2!@2",
          {"k.mp4 0", "k.mp4 4", "k.mp4 3", "k.mp4 2"}},
      // Whatever else is wanted.
      {2, trick | GST_SEEK_FLAG_ACCURATE | GST_SEEK_FLAG_TRICKMODE, 18 * s,
          GST_CLOCK_TIME_NONE, "[2.0 18,-=18+0] i! k10@18",
          {"k.mp4 0", "k.mp4 10"}},
      // Decoders may leave out what they like: all of it is there.
      {4, flush | GST_SEEK_FLAG_TRICKMODE, 16 * s, GST_CLOCK_TIME_NONE,
          "[4.0 16,-=16+0] i! v5@16", {"v.mp4", "v5.m4s"}},
      {4, flush, 16 * s, GST_CLOCK_TIME_NONE, "[4.0 16,-=16+0] i! v5@16",
          {"v.mp4", "v5.m4s"}},
      {4, trick, 18 * s, GST_CLOCK_TIME_NONE, "[4.0 18,-=18+0] i! k10@18",
          {"k.mp4 0", "k.mp4 10"}},
      {1, accurate, 17 * s, GST_CLOCK_TIME_NONE, "[1.0 17,-=17+0] i! v5@16",
          {"v.mp4", "v5.m4s"}},
  };
  HttpServer server (serving (hls (one_variant)));
  Player player (server.uri ("/m.m3u8"));
  Log log (player);
  player.play ();
  for (const auto &row : rows) {
    log.clear ();
    std::size_t before = server.requests ().size ();
    seek (player, row.rate, row.flags, row.start, row.stop);
    wait_eos (player);
    expect (log, "video_0", std::string ("< > ") + row.video + " eos");
    expect_asked (server, before, row.asked, "/a");
    GstSegment segment = segment_of_pad (player, "video_0");
    fail_unless (segment.rate == row.rate && segment.applied_rate == 1);
    fail_unless (
        ((segment.flags & GST_SEGMENT_FLAG_TRICKMODE_KEY_UNITS) != 0) ==
        ((row.flags & GST_SEEK_FLAG_TRICKMODE_KEY_UNITS) != 0));
  }
}
GST_END_TEST;

// Of several variants, within the limits.
GST_START_TEST (which_key_frames)
{
  const std::string variants =
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1000,RESOLUTION=320x180,"
      "URI=\"low.m3u8\"\n"
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,"
      "URI=\"middle.m3u8\"\n"
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1000000,RESOLUTION=1280x720,"
      "URI=\"high.m3u8\"\n"
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=2000000,CODECS=\"hvc1.1\","
      "RESOLUTION=1920x1080,URI=\"other.m3u8\"\n";
  Files files = hls (variants);
  for (const char *name : {"low", "middle", "high", "other"})
    files[std::string ("/") + name + ".m3u8"] = files["/k.m3u8"];
  const struct
  {
    const char *selection;
    guint64 max_bitrate;
    guint max_height;
    guint64 connection_speed;
    const char *expected;
  } rows[] = {
      {"highest", 0, 0, 0, "high.m3u8"},
      {"lowest", 0, 0, 0, "low.m3u8"},
      {"highest", 950'000, 0, 0, "middle.m3u8"},
      {"highest", 0, 400, 0, "middle.m3u8"},
      {"highest", 0, 100, 0, "low.m3u8"},
      // At the fourfold rate.
      {"nearest", 0, 0, 3600, "middle.m3u8"},
  };
  for (const auto &row : rows) {
    HttpServer server (serving (files));
    Player player (server.uri ("/m.m3u8"));
    gst_util_set_object_arg (G_OBJECT (*player), "selection", row.selection);
    g_object_set (*player, "max-bitrate", row.max_bitrate, "max-height",
        row.max_height, "connection-speed", row.connection_speed, nullptr);
    player.play ();
    std::size_t before = server.requests ().size ();
    seek (player, 4, trick, 18 * s);
    wait_eos (player);
    expect_asked (server, before, {row.expected, "k.mp4 0", "k.mp4 10"}, "/a");
  }
}
GST_END_TEST;

// Before anything was measured: what is too small says nothing.
GST_START_TEST (what_is_played_faster_needs_more)
{
  Files files = hls (
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100000,URI=\"low.m3u8\"\n"
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=400000,URI=\"high.m3u8\"\n",
      5000);
  files["/low.m3u8"] = files["/high.m3u8"] = files["/k.m3u8"];
  for (double rate : {1., 8., -1., -8.}) {
    HttpServer server (serving (files));
    Player player (server.uri ("/m.m3u8"));
    gst_util_set_object_arg (G_OBJECT (*player), "selection", "auto");
    player.play ();
    std::size_t before = server.requests ().size ();
    seek (player, rate, trick, 18 * s, 20 * s);
    wait_eos (player);
    bool is_fast = rate != 1 && rate != -1;
    expect_asked (server, before,
        {is_fast ? "low.m3u8" : "high.m3u8", "k.mp4 0", "k.mp4 10"}, "/a");
  }
}
GST_END_TEST;

static Suite *adaptivesrc_trick_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-trick");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, key_frames_of_hls);
  tcase_add_test (tests, which_key_frames);
  tcase_add_test (tests, what_is_played_faster_needs_more);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_trick)

// SPDX-License-Identifier: LGPL-2.1-or-later
// Trick modes: tracks of key frames alone, in place of the tracks that they are
// of. And chapters.
#include <future>
#include <mutex>
#include <thread>

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
using test::operator+;
using test::Player;
using test::s;
using test::seek;
using test::segment_of;
using test::serving;

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
    log.wait_for_end (
        "video_0", seek (player, row.rate, row.flags, row.start, row.stop));
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
    Log log (player);
    player.play ();
    std::size_t before = server.requests ().size ();
    log.wait_for_end ("video_0", seek (player, 4, trick, 18 * s));
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
    Log log (player);
    player.play ();
    std::size_t before = server.requests ().size ();
    log.wait_for_end ("video_0", seek (player, rate, trick, 18 * s, 20 * s));
    bool is_fast = rate != 1 && rate != -1;
    expect_asked (server, before,
        {is_fast ? "low.m3u8" : "high.m3u8", "k.mp4 0", "k.mp4 10"}, "/a");
  }
}
GST_END_TEST;

GST_START_TEST (key_frames_of_dash)
{
  const std::string trick_mode =
      "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' "
      "value='1'/>";
  auto set = [] (const std::string &id, const std::string &name,
                 const std::string &more, int duration) {
    return "<AdaptationSet id='" + id + "' mimeType='video/mp4'>" + more +
           "<SegmentTemplate duration='" + std::to_string (duration) +
           "' media='" + name + "$Number$.m4s' initialization='" + name +
           ".mp4'/><Representation id='" + name +
           "' bandwidth='1'/></AdaptationSet>";
  };
  // The second Period has none.
  Files files = {{"/m.mpd",
      "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' "
      "mediaPresentationDuration='PT16S'><Period duration='PT8S'>" +
          set ("9", "t", trick_mode, 4) + set ("1", "v", "", 2) +
          "</Period><Period>" + set ("1", "w", "", 4) + "</Period></MPD>"}};
  for (const char *name : {"t", "v", "w"}) {
    files[std::string ("/") + name + ".mp4"] = init_of (name);
    for (int i = 1; i <= 4; i++) {
      std::string n = name + std::to_string (i);
      files["/" + n + ".m4s"] = segment_of (n);
    }
  }
  HttpServer server (serving (files));
  Player player (server.uri ("/m.mpd"));
  Log log (player);
  player.play ();
  expect (log, "video_0",
      "[1.0 0,8=0+0] i! v1@0 v2@2 v3@4 v4@6 i [1.0 0,-=8+8] w1!@0 w2@4 eos");
  const struct
  {
    double rate;
    int flags;
    const char *video;
  } rows[] = {
      {2, trick, "[2.0 4,8=4+0] i! t2@4 i [2.0 0,-=8+2] w1!@0 w2@4"},
      {-2, trick, "[-2.0 0,8=8+0] i! w2!@4 w1!@0 i [-2.0 4,8=4+4] t2!@4"},
      {2, flush, "[2.0 4,8=4+0] i! v3@4 v4@6 i [2.0 0,-=8+2] w1!@0 w2@4"},
  };
  for (const auto &row : rows) {
    log.clear ();
    log.wait_for_end (
        "video_0", seek (player, row.rate, row.flags, 4 * s,
                       row.rate < 0 ? 16 * s : GST_CLOCK_TIME_NONE));
    expect (log, "video_0", std::string ("< > ") + row.video + " eos");
  }
}
GST_END_TEST;

// Where there are none it is as without the flag, for all but decoders.
GST_START_TEST (without_key_frames_all_is_sent)
{
  const struct
  {
    const char *what;
    std::string variants;
    bool is_warned;
  } rows[] = {
      {"none", "", false},
      {"other codecs",
          "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,CODECS=\"hvc1.1\","
          "URI=\"k.m3u8\"\n",
          false},
      {"not there", "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"no.m3u8\"\n",
          true},
      {"no playlist", "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"v.mp4\"\n",
          true},
      {"another container",
          "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"ts.m3u8\"\n", true},
  };
  for (const auto &row : rows) {
    Files files = hls (row.variants);
    files["/ts.m3u8"] =
        test::media_playlist ("#EXT-X-I-FRAMES-ONLY\n#EXTINF:20,\nk.ts\n");
    HttpServer server (serving (files));
    Player player (server.uri ("/m.m3u8"));
    Log log (player);
    player.play ();
    // Once for all.
    for (int i = 0; i < 2; i++) {
      log.clear ();
      std::size_t before = server.requests ().size ();
      log.wait_for_end ("video_0", seek (player, 4, trick, 16 * s));
      Owned<GstMessage> warning = player.wait (GST_MESSAGE_WARNING, 0);
      bool is_warned = warning != nullptr;
      fail_unless (is_warned == (row.is_warned && i == 0), "%s", row.what);
      if (is_warned) {
        GError *raw = nullptr;
        gst_message_parse_warning (warning.get (), &raw, nullptr);
        Owned<GError> error{raw};
        fail_unless (g_error_matches (
            error.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ));
      }
      expect (log, "video_0", "< > [4.0 16,-=16+0] i! v5@16 eos");
      fail_unless (
          GST_SEGMENT_FLAG_TRICKMODE_KEY_UNITS ==
          (segment_of_pad (player, "video_0").flags &
              static_cast<int> (GST_SEGMENT_FLAG_TRICKMODE_KEY_UNITS)));
      if (i > 0) expect_asked (server, before, {"v.mp4", "v5.m4s"}, "/a");
    }
  }
}
GST_END_TEST;

// The sound goes on as it is.
GST_START_TEST (sound_beside_key_frames)
{
  HttpServer server (serving (hls (one_variant)));
  Player player (server.uri ("/m.m3u8"));
  Log log (player);
  player.play ();
  log.clear ();
  guint32 seqnum = seek (player, 2, trick, 12 * s);
  for (const char *pad : {"video_0", "audio_0"}) log.wait_for_end (pad, seqnum);
  expect (log, "audio_0", "< > [2.0 12,-=12+0] i! a2@10 eos");
  expect (
      log, "video_0", "< > [2.0 12,-=12+0] i! k7@12 k8!@14 k9!@16 k10!@18 eos");
}
GST_END_TEST;

namespace {

// The gaps that pass a pad since the last flush, in seconds.
class Gaps
{
public:
  explicit Gaps (GstPad *pad)
  {
    gst_pad_add_probe (pad,
        static_cast<GstPadProbeType> (GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                      GST_PAD_PROBE_TYPE_EVENT_FLUSH),
        on_event, this, nullptr);
  }
  Gaps (const Gaps &) = delete;
  Gaps &operator= (const Gaps &) = delete;
  std::string words () { return words_.copy (); }

private:
  static GstPadProbeReturn on_event (
      GstPad *, GstPadProbeInfo *info, gpointer data)
  {
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
    auto words = static_cast<Gaps *> (data)->words_.lock ();
    if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP) words->clear ();
    if (GST_EVENT_TYPE (event) != GST_EVENT_GAP) return GST_PAD_PROBE_OK;
    GstClockTime begin = 0;
    GstClockTime duration = 0;
    gst_event_parse_gap (event, &begin, &duration);
    *words +=
        " " + test::seconds (begin) + "-" + test::seconds (begin + duration);
    return GST_PAD_PROBE_OK;
  }
  Guarded<std::string> words_;
};

constexpr int silent = flush | GST_SEEK_FLAG_TRICKMODE_NO_AUDIO;

}  // namespace

// It is not fetched, and sinks are told how long there is none.
GST_START_TEST (no_sound_is_fetched_where_none_is_wanted)
{
  const struct
  {
    double rate;
    int flags;
    GstClockTime start;
    GstClockTime stop;
    const char *audio;
    const char *gaps;
    std::vector<std::string> asked;
  } rows[] = {
      {4, silent, 5 * s, GST_CLOCK_TIME_NONE, "[4.0 5,-=5+0]", " 0-10 10-20",
          {"v.mp4", "v2.m4s", "v3.m4s", "v4.m4s", "v5.m4s"}},
      {-2, silent, 9 * s, 13 * s, "[-2.0 9,13=9+0]", " 10-20 0-10",
          {"v.mp4", "v4.m4s", "v3.m4s"}},
      {1, silent, 12 * s, 16 * s, "[1.0 12,16=12+0]", " 10-20",
          {"v.mp4", "v4.m4s"}},
      {4, silent | trick, 16 * s, GST_CLOCK_TIME_NONE, "[4.0 16,-=16+0]",
          " 10-20", {"k.m3u8", "k.mp4 0", "k.mp4 9", "k.mp4 10"}},
      // And with it again.
      {1, flush, 16 * s, GST_CLOCK_TIME_NONE, "[1.0 16,-=16+0] i! a2@10", "",
          {"v.mp4", "v5.m4s", "a.mp4", "a2.m4s"}},
      {4, trick, 18 * s, GST_CLOCK_TIME_NONE, "[4.0 18,-=18+0] i! a2@10", "",
          {"k.mp4 0", "k.mp4 10", "a.mp4", "a2.m4s"}},
  };
  HttpServer server (serving (hls (one_variant)));
  Player player (server.uri ("/m.m3u8"));
  Log log (player);
  player.play ();
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "audio_0")};
  Gaps gaps (pad.get ());
  for (const auto &row : rows) {
    log.clear ();
    std::size_t before = server.requests ().size ();
    guint32 seqnum = seek (player, row.rate, row.flags, row.start, row.stop);
    for (const char *name : {"video_0", "audio_0"})
      log.wait_for_end (name, seqnum);
    expect (log, "audio_0", std::string ("< > ") + row.audio + " eos");
    std::string seen = gaps.words ();
    fail_unless_equals_string (seen.c_str (), row.gaps);
    expect_asked (server, before, row.asked);
  }
  // What has seen the end may still be about to be called.
  player.set_state (GST_STATE_NULL);
}
GST_END_TEST;

// One that comes before anything was sent finds no demuxer that would know what
// there is none of.
GST_START_TEST (sound_is_sent_before_it_is_left_out)
{
  HttpServer server (serving (hls (one_variant)));
  Player player (server.uri ("/m.m3u8"));
  Log log (player);
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *element, GstPad *pad, gpointer) {
        if (g_str_has_prefix (GST_PAD_NAME (pad), "video"))
          fail_unless (gst_element_send_event (
              element, test::seek_event (2, silent, 12 * s).release ()));
      }),
      nullptr);
  player.play ();
  fail_unless (log.of ("audio_0").ends_with ("[2.0 12,-=12+0] i! a2@10 eos"),
      "%s", log.of ("audio_0").c_str ());
}
GST_END_TEST;

// One that does not flush goes on behind what is being sent; what follows is
// said anew.
GST_START_TEST (into_key_frames_without_a_flush)
{
  HttpServer server (serving (hls (one_variant)));
  Player player (server.uri ("/m.m3u8"),
      [] (const std::string &name) { return name == "video_0"; });
  Log log (player);
  struct Seeks
  {
    Player &player;
    int count = 0;
  } seeks{player};
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, gpointer data) {
        gst_pad_add_probe (
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            [] (GstPad *, GstPadProbeInfo *info, gpointer user) {
              auto *all = static_cast<Seeks *> (user);
              GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
              if (GST_BUFFER_PTS (buffer) == 4 * s && all->count == 0) {
                all->count++;
                seek (all->player, 1, GST_SEEK_FLAG_TRICKMODE_KEY_UNITS, 12 * s,
                    20 * s);
              } else if (GST_BUFFER_PTS (buffer) == 14 * s && all->count == 1) {
                all->count++;
                seek (all->player, 1, 0, 16 * s);
              }
              return GST_PAD_PROBE_OK;
            },
            data, nullptr);
      }),
      &seeks);
  player.play ();
  expect (log, "video_0",
      "[1.0 0,-=0+0] i! v1@0 v2@4 [1.0 12,20=12+8] i! k7@12 k8!@14 "
      "[1.0 16,-=16+12] i! v5@16 eos");
}
GST_END_TEST;

// While their playlist is waited for.
GST_START_TEST (a_seek_ends_the_wait_for_key_frames)
{
  for (bool is_stop : {false, true}) {
    std::atomic<bool> reached{false};
    test::Origin origin (
        hls (one_variant), [&reached] (const std::string &path) {
          if (path != "/k.m3u8") return true;
          reached = true;
          return false;
        });
    Player player (origin.uri ("/m.m3u8"));
    Log log (player);
    player.play ();
    seek (player, 4, trick, 8 * s);
    while (!reached) g_usleep (1000);
    if (is_stop) {
      player.set_state (GST_STATE_NULL);
      continue;
    }
    log.clear ();
    log.wait_for_end ("video_0", seek (player, 1, accurate, 17 * s));
    expect (log, "video_0", "< > [1.0 17,-=17+0] i! v5@16 eos");
    fail_unless (player.wait (GST_MESSAGE_WARNING, 0) == nullptr);
  }
}
GST_END_TEST;

// ---- Where they are --------------------------------------------------------

namespace {

constexpr int to_key_frame = trick | GST_SEEK_FLAG_KEY_UNIT;

}  // namespace

// A seek to a key unit leads to one of those that are played: their playlist is
// asked for before it is known where that is, and once.
GST_START_TEST (seeks_snap_to_key_frames)
{
  const struct
  {
    double rate;
    int flags;
    GstClockTime start;
    GstClockTime stop;
    const char *segment;  // of both
    const char *video;
    const char *audio;
    std::vector<std::string> asked;  // but for the sound
  } rows[] = {
      {4, to_key_frame, 15 * s, GST_CLOCK_TIME_NONE, "[4.0 14,-=14+0]",
          "k8@14 k9!@16 k10!@18", "a2@10",
          {"k.m3u8", "k.mp4 0", "k.mp4 8", "k.mp4 9", "k.mp4 10"}},
      {4, to_key_frame | GST_SEEK_FLAG_SNAP_AFTER, 13 * s, GST_CLOCK_TIME_NONE,
          "[4.0 14,-=14+0]", "k8@14 k9!@16 k10!@18", "a2@10",
          {"k.mp4 0", "k.mp4 8", "k.mp4 9", "k.mp4 10"}},
      {2, to_key_frame | GST_SEEK_FLAG_SNAP_NEAREST, 17500 * GST_MSECOND,
          GST_CLOCK_TIME_NONE, "[2.0 18,-=18+0]", "k10@18", "a2@10",
          {"k.mp4 0", "k.mp4 10"}},
      {-4, to_key_frame, 3 * s, 7 * s, "[-4.0 3,6=3+0]", "k3!@4 k2!@2", "a1!@0",
          {"k.mp4 0", "k.mp4 3", "k.mp4 2"}},
      {-4, to_key_frame | GST_SEEK_FLAG_SNAP_AFTER, 5 * s, 7 * s,
          "[-4.0 5,8=5+0]", "k4!@6 k3!@4", "a1!@0",
          {"k.mp4 0", "k.mp4 4", "k.mp4 3"}},
      // What is not to a key unit.
      {4, trick, 15 * s, GST_CLOCK_TIME_NONE, "[4.0 15,-=15+0]",
          "k8@14 k9!@16 k10!@18", "a2@10",
          {"k.mp4 0", "k.mp4 8", "k.mp4 9", "k.mp4 10"}},
      // And what is, but not of them.
      {4, flush | GST_SEEK_FLAG_KEY_UNIT | GST_SEEK_FLAG_TRICKMODE, 15 * s,
          GST_CLOCK_TIME_NONE, "[4.0 12,-=12+0]", "v4@12 v5@16", "a2@10",
          {"v.mp4", "v4.m4s", "v5.m4s"}},
  };
  HttpServer server (serving (hls (one_variant)));
  Player player (server.uri ("/m.m3u8"));
  Log log (player);
  player.play ();
  for (const auto &row : rows) {
    log.clear ();
    std::size_t before = server.requests ().size ();
    guint32 seqnum = seek (player, row.rate, row.flags, row.start, row.stop);
    for (const char *pad : {"video_0", "audio_0"})
      log.wait_for_end (pad, seqnum);
    std::string begin = std::string ("< > ") + row.segment + " i! ";
    expect (log, "video_0", begin + row.video + " eos");
    expect (log, "audio_0", begin + row.audio + " eos");
    expect_asked (server, before, row.asked, "/a");
  }
}
GST_END_TEST;

// Before there are pads it is the same.
GST_START_TEST (the_first_seek_snaps_to_key_frames)
{
  HttpServer server (serving (hls (one_variant)));
  Player player (server.uri ("/m.m3u8"));
  Log log (player);
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *element, GstPad *pad, gpointer) {
        if (g_str_has_prefix (GST_PAD_NAME (pad), "video"))
          fail_unless (gst_element_send_event (
              element, test::seek_event (2, to_key_frame, 15 * s).release ()));
      }),
      nullptr);
  player.play ();
  fail_unless (log.of ("video_0").ends_with (
                   "[2.0 14,-=14+0] i! k8@14 k9!@16 k10!@18 eos"),
      "%s", log.of ("video_0").c_str ());
  expect_asked (server, 0,
      {"m.m3u8", "v.m3u8", "k.m3u8", "k.mp4 0", "k.mp4 8", "k.mp4 9",
          "k.mp4 10"},
      "/a");
}
GST_END_TEST;

// It is then one of the track that is played in their place.
GST_START_TEST (without_key_frames_seeks_snap_to_segments)
{
  const struct
  {
    std::string variants;
    bool is_warned;
  } rows[] = {
      {"", false},
      {"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"no.m3u8\"\n", true},
      {"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"v.mp4\"\n", true},
  };
  for (const auto &row : rows) {
    HttpServer server (serving (hls (row.variants)));
    Player player (server.uri ("/m.m3u8"));
    Log log (player);
    player.play ();
    // Once for all.
    for (int i = 0; i < 2; i++) {
      log.clear ();
      std::size_t before = server.requests ().size ();
      log.wait_for_end ("video_0", seek (player, 4, to_key_frame, 15 * s));
      expect (log, "video_0", "< > [4.0 12,-=12+0] i! v4@12 v5@16 eos");
      bool is_warned = player.wait (GST_MESSAGE_WARNING, 0) != nullptr;
      fail_unless (is_warned == (row.is_warned && i == 0));
      if (i > 0)
        expect_asked (server, before, {"v.mp4", "v4.m4s", "v5.m4s"}, "/a");
    }
  }
}
GST_END_TEST;

namespace {

// A seek that comes to a pad: out of a push, or while the element is stopped.
bool seek_by_pad (Player &player, GstEvent *event)
{
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "video_0")};
  return gst_pad_send_event (pad.get (), event);
}

}  // namespace

// While it waits for their playlist.
GST_START_TEST (the_wait_for_where_key_frames_are_is_ended)
{
  for (bool is_stop : {false, true}) {
    std::promise<void> reached;
    std::once_flag once;
    test::Origin origin (hls (one_variant), [&] (const std::string &path) {
      if (path != "/k.m3u8") return true;
      std::call_once (once, [&] { reached.set_value (); });
      return false;
    });
    Player player (origin.uri ("/m.m3u8"));
    g_object_set (*player, "timeout", 0, nullptr);
    Log log (player);
    player.play ();
    log.clear ();
    std::thread waiting ([&player] {
      fail_unless (seek_by_pad (
          player, test::seek_event (4, to_key_frame, 15 * s).release ()));
    });
    reached.get_future ().wait ();
    if (is_stop) {
      player.set_state (GST_STATE_NULL);
      waiting.join ();
      continue;
    }
    guint32 seqnum = seek (player, 1, accurate, 17 * s);
    waiting.join ();
    log.wait_for_end ("video_0", seqnum);
    // Of the first one nothing was begun.
    expect (log, "video_0", "< > [1.0 17,-=17+0] i! v5@16 eos");
    fail_unless (player.wait (GST_MESSAGE_WARNING, 0) == nullptr);
  }
}
GST_END_TEST;

// One that needs it as well goes on with what was asked for.
GST_START_TEST (seeks_wait_for_the_same_key_frames)
{
  std::promise<void> reached;
  std::promise<void> goes_on;
  auto going_on = goes_on.get_future ().share ();
  test::Origin origin (hls (one_variant), [&] (const std::string &path) {
    if (path != "/k.m3u8") return true;
    reached.set_value ();
    going_on.wait ();
    return true;
  });
  Player player (origin.uri ("/m.m3u8"));
  Log log (player);
  player.play ();
  log.clear ();
  std::thread waiting ([&player] {
    fail_unless (seek_by_pad (
        player, test::seek_event (4, to_key_frame, 3 * s).release ()));
  });
  reached.get_future ().wait ();
  guint32 seqnum = seek (player, 2, to_key_frame, 15 * s);
  goes_on.set_value ();
  waiting.join ();
  log.wait_for_end ("video_0", seqnum);
  expect (log, "video_0", "< > [2.0 14,-=14+0] i! k8@14 k9!@16 k10!@18 eos");
  std::vector<std::string> paths = origin.paths ();
  fail_unless_equals_int64 (std::ranges::count (paths, "/k.m3u8"), 1);
}
GST_END_TEST;

// One that does not flush, out of a push: the one connection that there may be
// is that of the segment that is being pushed.
GST_START_TEST (to_a_key_frame_without_a_flush)
{
  HttpServer server (serving (hls (one_variant, 2'000'000)));
  Player player (server.uri ("/m.m3u8"),
      [] (const std::string &name) { return name == "video_0"; });
  g_object_set (*player, "max-connections-per-host", 1, nullptr);
  Log log (player);
  struct Seeks
  {
    Player &player;
    int count = 0;
  } seeks{player};
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, gpointer data) {
        gst_pad_add_probe (
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            [] (GstPad *, GstPadProbeInfo *info, gpointer user) {
              auto *all = static_cast<Seeks *> (user);
              GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
              if (GST_BUFFER_PTS (buffer) == 4 * s && all->count++ == 0)
                fail_unless (seek_by_pad (
                    all->player, test::seek_event (1,
                                     GST_SEEK_FLAG_TRICKMODE_KEY_UNITS |
                                         GST_SEEK_FLAG_KEY_UNIT,
                                     15 * s, 20 * s)
                                     .release ()));
              return GST_PAD_PROBE_OK;
            },
            data, nullptr);
      }),
      &seeks);
  player.play ();
  expect (log, "video_0",
      "[1.0 0,-=0+0] i! v1@0 v2@4 [1.0 14,20=14+8] i! k8@14 k9!@16 k10!@18 "
      "eos");
}
GST_END_TEST;

namespace {

const std::string trick_mode_property =
    "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' "
    "value='1'/>";

// Segments of so many seconds.
std::string template_of (const std::string &name, int duration)
{
  return "<SegmentTemplate duration='" + std::to_string (duration) +
         "' media='" + name + "$Number$.m4s' initialization='" + name +
         ".mp4'/><Representation id='" + name + "' bandwidth='1'/>";
}

void add_segments (Files &files, const std::string &name, int count)
{
  files["/" + name + ".mp4"] = init_of (name);
  for (int i = 1; i <= count; i++) {
    std::string n = name + std::to_string (i);
    files["/" + n + ".m4s"] = segment_of (n);
  }
}

}  // namespace

// ISO/IEC 23009-1 5.3.7.2: a set for each range of rates. A seek leads to where
// the one that is played can be begun.
GST_START_TEST (key_frames_for_each_rate)
{
  auto set = [] (const char *attributes, const std::string &inside) {
    return std::string ("<AdaptationSet mimeType='video/mp4' ") + attributes +
           ">" + inside + "</AdaptationSet>";
  };
  Files files = {{"/m.mpd",
      test::mpd (set ("id='1'", template_of ("v", 4)) +
                     set ("id='2' maxPlayoutRate='32'",
                         trick_mode_property + template_of ("t", 8)) +
                     set ("id='3' maxPlayoutRate='8'",
                         trick_mode_property + template_of ("s", 2)),
          "mediaPresentationDuration='PT16S'")}};
  add_segments (files, "v", 4);
  add_segments (files, "t", 2);
  add_segments (files, "s", 8);
  const struct
  {
    double rate;
    const char *video;
  } rows[] = {
      {1, "[1.0 14,-=14+0] i! s8@14"},
      {8, "[8.0 14,-=14+0] i! s8@14"},
      {16, "[16.0 8,-=8+0] i! t2@8"},
      {64, "[64.0 8,-=8+0] i! t2@8"},
      {4, "[4.0 14,-=14+0] i! s8@14"},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.mpd"));
  Log log (player);
  player.play ();
  for (const auto &row : rows) {
    log.clear ();
    log.wait_for_end ("video_0", seek (player, row.rate, to_key_frame, 15 * s));
    expect (log, "video_0", std::string ("< > ") + row.video + " eos");
  }
}
GST_END_TEST;

// Of one set, where only its index says where they are: it is asked for once.
GST_START_TEST (key_frames_with_an_index)
{
  Files files;
  auto representation = [&files] (const std::string &name, int most) {
    std::string init = init_of (name);
    std::string media;
    std::vector<std::size_t> sizes;
    for (int i = 1; i <= 8; i++) {
      std::string segment = segment_of (name + std::to_string (i));
      sizes.push_back (segment.size ());
      media += segment;
    }
    std::string index = test::sidx_of (sizes);
    files["/" + name + ".mp4"] = init + index + media;
    return "<Representation id='" + name + "' bandwidth='1' maxPlayoutRate='" +
           std::to_string (most) + "'><BaseURL>" + name +
           ".mp4</BaseURL><SegmentBase indexRange='" +
           std::to_string (init.size ()) + "-" +
           std::to_string (init.size () + index.size () - 1) +
           "'><Initialization range='0-" + std::to_string (init.size () - 1) +
           "'/></SegmentBase></Representation>";
  };
  std::string sets = "<AdaptationSet id='1' mimeType='video/mp4'>" +
                     template_of ("v", 4) +
                     "</AdaptationSet><AdaptationSet mimeType='video/mp4'>" +
                     trick_mode_property + representation ("x", 4) +
                     representation ("y", 16) + "</AdaptationSet>";
  files["/m.mpd"] = test::mpd (sets, "mediaPresentationDuration='PT16S'");
  add_segments (files, "v", 4);
  const struct
  {
    double rate;
    const char *video;
    std::vector<std::string> asked;  // init, index, segment
  } rows[] = {
      {4, "[4.0 14,-=14+0] i! x8@14", {"x.mp4", "x.mp4", "x.mp4"}},
      {8, "[8.0 14,-=14+0] i! y8@14", {"y.mp4", "y.mp4", "y.mp4"}},
      {-4, "[-4.0 14,16=14+0] i! x8!@14", {"x.mp4", "x.mp4"}},
      {-32, "[-32.0 14,16=14+0] i! y8!@14", {"y.mp4", "y.mp4"}},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.mpd"));
  gst_util_set_object_arg (G_OBJECT (*player), "selection", "highest");
  Log log (player);
  player.play ();
  for (const auto &row : rows) {
    log.clear ();
    std::size_t before = server.requests ().size ();
    GstClockTime start = (row.rate < 0 ? 14 : 15) * s;
    log.wait_for_end (
        "video_0", seek (player, row.rate, to_key_frame, start,
                       row.rate < 0 ? 16 * s : GST_CLOCK_TIME_NONE));
    expect (log, "video_0", std::string ("< > ") + row.video + " eos");
    std::vector<std::string> asked;
    for (const auto &request : server.requests ())
      asked.push_back (request.path.substr (1));
    asked.erase (
        asked.begin (), asked.begin () + static_cast<std::ptrdiff_t> (before));
    fail_unless (asked == row.asked, "asked for\n%s", joined (asked).c_str ());
  }
}
GST_END_TEST;

// ---- Chapters --------------------------------------------------------------

namespace {

// "id(title)0-4" for each entry.
std::string text_of (GstToc *toc)
{
  std::string out;
  for (GList *at = gst_toc_get_entries (toc); at != nullptr; at = at->next) {
    auto *entry = static_cast<GstTocEntry *> (at->data);
    fail_unless (
        gst_toc_entry_get_entry_type (entry) == GST_TOC_ENTRY_TYPE_CHAPTER);
    gint64 start = 0;
    gint64 stop = 0;
    fail_unless (gst_toc_entry_get_start_stop_times (entry, &start, &stop));
    gchar *raw = nullptr;
    if (GstTagList *tags = gst_toc_entry_get_tags (entry))
      gst_tag_list_get_string (tags, GST_TAG_TITLE, &raw);
    Owned<gchar> title{raw};
    if (!out.empty ()) out += " ";
    out += gst_toc_entry_get_uid (entry);
    out += "(" + std::string (title ? title.get () : "") + ")" +
           test::seconds (static_cast<GstClockTime> (start)) + "-" +
           test::seconds (static_cast<GstClockTime> (stop));
  }
  fail_unless (gst_toc_get_scope (toc) == GST_TOC_SCOPE_GLOBAL);
  return out;
}

// Of the message of the element, and of the event on its pad; "" = none.
std::string chapters_of (Player &player)
{
  player.set_state (GST_STATE_PLAYING);
  std::string said;
  for (;;) {
    Owned<GstMessage> message =
        player.wait (GST_MESSAGE_TOC | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (
        message && GST_MESSAGE_TYPE (message.get ()) != GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS) break;
    if (GST_MESSAGE_SRC (message.get ()) != GST_OBJECT (*player)) continue;
    GstToc *toc = nullptr;
    gst_message_parse_toc (message.get (), &toc, nullptr);
    said += text_of (toc);
    gst_toc_unref (toc);
  }
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "video_0")};
  Owned<GstEvent> event{
      gst_pad_get_sticky_event (pad.get (), GST_EVENT_TOC, 0)};
  std::string sent;
  if (event) {
    GstToc *toc = nullptr;
    gst_event_parse_toc (event.get (), &toc, nullptr);
    sent = text_of (toc);
    gst_toc_unref (toc);
  }
  fail_unless (sent == said, "%s instead of %s", sent.c_str (), said.c_str ());
  return said;
}

}  // namespace

GST_START_TEST (chapters_of_dash)
{
  auto period = [] (const char *id, const char *name) {
    return std::string ("<Period id='") + id +
           "' duration='PT4S'><AdaptationSet mimeType='video/mp4'>"
           "<SegmentTemplate duration='2' media='" +
           name + "$Number$.m4s' initialization='" + name +
           ".mp4'/><Representation id='" + name +
           "' bandwidth='1'/></AdaptationSet></Period>";
  };
  Files files;
  for (const char *name : {"v", "w"}) {
    files[std::string ("/") + name + ".mp4"] = init_of (name);
    for (int i = 1; i <= 2; i++) {
      std::string n = name + std::to_string (i);
      files["/" + n + ".m4s"] = segment_of (n);
    }
  }
  const std::string begin =
      "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'>";
  files["/one.mpd"] = begin + period ("One", "v") + "</MPD>";
  files["/two.mpd"] =
      begin + period ("One", "v") + period ("Two", "w") + "</MPD>";
  HttpServer server (serving (files));
  {
    Player player (server.uri ("/one.mpd"));
    fail_unless (chapters_of (player).empty ());
    fail_if (
        gst_element_send_event (*player, gst_event_new_toc_select ("One")));
  }
  Player player (server.uri ("/two.mpd"));
  Log log (player);
  std::string said = chapters_of (player);
  fail_unless (said == "One(One)0-4 Two(Two)4-8", "%s", said.c_str ());
  fail_if (
      gst_element_send_event (*player, gst_event_new_toc_select ("Three")));
  // To the beginning of one, by the element and by a pad.
  log.clear ();
  auto go_to = [] (const char *uid, auto send) {
    GstEvent *event = gst_event_new_toc_select (uid);
    guint32 seqnum = gst_event_get_seqnum (event);
    fail_unless (send (event));
    return seqnum;
  };
  log.wait_for_end ("video_0", go_to ("Two", [&] (GstEvent *event) {
    return gst_element_send_event (*player, event);
  }));
  expect (log, "video_0", "< > [1.0 0,-=4+0] i! w1@0 w2@2 eos");
  log.clear ();
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "video_0")};
  log.wait_for_end ("video_0", go_to ("One", [&] (GstEvent *event) {
    return gst_pad_send_event (pad.get (), event);
  }));
  fail_unless (
      log.of ("video_0").starts_with ("< > [1.0 0,4=0+0] i! v1@0 v2@2"), "%s",
      log.of ("video_0").c_str ());
}
GST_END_TEST;

GST_START_TEST (chapters_of_hls)
{
  Files files = hls ("");
  std::string list = files["/v.m3u8"];
  list.insert (list.find ("#EXT-X-MAP"),
      "#EXT-X-PROGRAM-DATE-TIME:2010-02-19T12:00:00Z\n"
      "#EXT-X-DATERANGE:ID=\"a\",CLASS=\"org.example.chapter\","
      "START-DATE=\"2010-02-19T12:00:00Z\",X-TITLE=\"The beginning\"\n"
      "#EXT-X-DATERANGE:ID=\"ad\",CLASS=\"org.example.ad\","
      "START-DATE=\"2010-02-19T12:00:05Z\",DURATION=2\n"
      "#EXT-X-DATERANGE:ID=\"b\",CLASS=\"org.example.chapter\","
      "START-DATE=\"2010-02-19T12:00:12Z\"\n");
  files["/v.m3u8"] = list;
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  std::string said = chapters_of (player);
  fail_unless (said == "a(The beginning)0-12 b()12-20", "%s", said.c_str ());
}
GST_END_TEST;

// ---- Behind demuxers -------------------------------------------------------

namespace {

// What comes out of a demuxer: its time, and how much.
class Demuxed
{
public:
  Demuxed (const std::string &location, const char *demuxer)
  {
    Owned<gchar> line{g_strdup_printf (
        "adaptivesrc name=source retries=0 selection=highest location=%s ! %s "
        "! fakesink name=sink sync=false signal-handoffs=true",
        location.c_str (), demuxer)};
    GError *raw = nullptr;
    pipeline_.reset (gst_parse_launch (line.get (), &raw));
    Owned<GError> error{raw};
    fail_unless (pipeline_ && !error, "%s", error ? error->message : "");
    Owned<GstElement> sink{
        gst_bin_get_by_name (GST_BIN (pipeline_.get ()), "sink")};
    g_signal_connect (sink.get (), "handoff", G_CALLBACK (on_handoff), this);
  }
  ~Demuxed () { gst_element_set_state (pipeline_.get (), GST_STATE_NULL); }
  Demuxed (const Demuxed &) = delete;
  Demuxed &operator= (const Demuxed &) = delete;

  // "0:100 2:100": up to the end.
  std::string play (Owned<GstEvent> event = nullptr)
  {
    words_.lock ()->clear ();
    if (event) {
      Owned<GstElement> source{
          gst_bin_get_by_name (GST_BIN (pipeline_.get ()), "source")};
      fail_unless (gst_element_send_event (source.get (), event.release ()));
    } else {
      gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING);
    }
    Owned<GstMessage> message = test::wait_message (
        pipeline_.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR, 20 * GST_SECOND);
    fail_unless (
        message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
    return words_.copy ();
  }

private:
  static void on_handoff (
      GstElement *, GstBuffer *buffer, GstPad *, gpointer data)
  {
    auto words = static_cast<Demuxed *> (data)->words_.lock ();
    if (!words->empty ()) *words += " ";
    *words += test::seconds (GST_BUFFER_PTS (buffer)) + ":" +
              std::to_string (gst_buffer_get_size (buffer));
  }

  Guarded<std::string> words_;
  Owned<GstElement> pipeline_;
};

std::string text_of (const Bytes &bytes)
{
  return {bytes.begin (), bytes.end ()};
}

// Of sizes, one each second; the first one is a key frame.
std::string fragment (unsigned time, const std::vector<std::size_t> &sizes)
{
  auto moof = [&] (std::size_t size) {
    Fields trun;
    trun.u32 (sizes.size ()).u32 (size + 8);
    for (std::size_t i = 0; i < sizes.size (); i++)
      trun.u32 (sizes[i]).u32 (i == 0 ? 0x2000000 : 0x1010000);
    return box ("moof",
        full_box ("mfhd", 0, 0, Fields ().u32 (1)) +
            box ("traf",
                full_box ("tfhd", 0, 0x20000, Fields ().u32 (1)) +
                    full_box ("tfdt", 0, 0, Fields ().u32 (time * 1000)) +
                    full_box ("trun", 0, 0x601, trun)));
  };
  std::size_t all = 0;
  for (std::size_t size : sizes) all += size;
  return text_of (moof (moof (0).size ()) + box ("mdat", test::noise (all)));
}

}  // namespace

// Of a pipeline that waits with its first picture, and has no queue: of the
// sound its demuxer has the initialization, and is being pushed what follows.
GST_START_TEST (no_sound_is_fetched_after_a_preroll)
{
  auto track = [] (bool is_video) {
    test::TestTrack out;
    out.is_video = is_video;
    out.is_encrypted = false;
    return text_of (test::Mp4Writer (true).movie ({out}));
  };
  Files files = {{"/v.mp4", track (true)}, {"/a.mp4", track (false)}};
  std::string video = "#EXT-X-MAP:URI=\"v.mp4\"\n";
  std::string sound = "#EXT-X-MAP:URI=\"a.mp4\"\n";
  for (unsigned i = 0; i < 5; i++) {
    std::string n = std::to_string (i);
    video += "#EXTINF:2,\nv" + n + ".m4s\n";
    sound += "#EXTINF:2,\na" + n + ".m4s\n";
    files["/v" + n + ".m4s"] = files["/a" + n + ".m4s"] =
        fragment (2 * i, {500, 300});
  }
  files["/v.m3u8"] = test::media_playlist (video);
  files["/a.m3u8"] = test::media_playlist (sound);
  files["/m.m3u8"] = hls ("")["/m.m3u8"];
  HttpServer server (serving (files));
  Owned<gchar> line{g_strdup_printf (
      "adaptivesrc name=source retries=0 prefetch-segments=0 location=%s "
      "source.video_0 ! qtdemux ! fakesink sync=true "
      "source.audio_0 ! qtdemux ! fakesink sync=true",
      server.uri ("/m.m3u8").c_str ())};
  Owned<GstElement> pipeline{gst_parse_launch (line.get (), nullptr)};
  fail_unless (pipeline != nullptr);
  gst_element_set_state (pipeline.get (), GST_STATE_PAUSED);
  fail_unless (gst_element_get_state (pipeline.get (), nullptr, nullptr,
                   40 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
  std::size_t before = server.requests ().size ();
  Owned<GstElement> source{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "source")};
  fail_unless (gst_element_send_event (
      source.get (), test::seek_event (16, silent, 4 * s).release ()));
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstMessage> message = test::wait_message (
      pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR, 40 * GST_SECOND);
  fail_unless (message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  expect_asked (server, before, {"v.mp4", "v2.m4s", "v3.m4s", "v4.m4s"});
}
GST_END_TEST;

// A key frame each 2 s, of 500 bytes and more; the byte ranges end with it,
// amid the mdat.
GST_START_TEST (key_frames_behind_qtdemux)
{
  test::TestTrack track;
  track.is_video = true;
  track.is_encrypted = false;
  std::string all = text_of (test::Mp4Writer (true).movie ({track}));
  std::string map = "#EXT-X-MAP:URI=\"v.mp4\",BYTERANGE=\"" +
                    std::to_string (all.size ()) + "@0\"\n";
  std::string video = map;
  std::string keys = "#EXT-X-I-FRAMES-ONLY\n" + map;
  for (unsigned i = 0; i < 5; i++) {
    std::string segment = fragment (2 * i, {500 + i, 300});
    std::string at = "@" + std::to_string (all.size ()) + "\n#EXTINF:2,\n";
    video +=
        "#EXT-X-BYTERANGE:" + std::to_string (segment.size ()) + at + "v.mp4\n";
    keys += "#EXT-X-BYTERANGE:" + std::to_string (segment.size () - 300) + at +
            "v.mp4\n";
    all += segment;
  }
  Files files = {{"/v.mp4", all}, {"/v.m3u8", test::media_playlist (video)},
      {"/k.m3u8", test::media_playlist (keys)},
      {"/m.m3u8",
          "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.4d\"\n"
          "v.m3u8\n" +
              one_variant}};
  HttpServer server (serving (files));
  Demuxed player (server.uri ("/m.m3u8"), "qtdemux");
  const std::string normal =
      "0:500 1:300 2:501 3:300 4:502 5:300 6:503 7:300 8:504 9:300";
  std::string out = player.play ();
  fail_unless (out == normal, "%s", out.c_str ());
  const struct
  {
    double rate;
    int flags;
    GstClockTime start;
    GstClockTime stop;
    const char *expected;
  } rows[] = {
      {2, trick, 0, GST_CLOCK_TIME_NONE, "0:500 2:501 4:502 6:503 8:504"},
      {8, trick, 4 * s, 7 * s, "4:502 6:503"},
      {-4, trick, 2 * s, 10 * s, "8:504 6:503 4:502 2:501"},
      {1, flush, 6 * s, GST_CLOCK_TIME_NONE, "6:503 7:300 8:504 9:300"},
      {1, trick, 8 * s, GST_CLOCK_TIME_NONE, "8:504"},
      {1, flush, 0, GST_CLOCK_TIME_NONE, normal.c_str ()},
  };
  for (const auto &row : rows) {
    out = player.play (
        test::seek_event (row.rate, row.flags, row.start, row.stop));
    fail_unless (out == row.expected, "%f: %s instead of %s", row.rate,
        out.c_str (), row.expected);
  }
}
GST_END_TEST;

// The tables are at the beginning of each resource, or in EXT-X-MAP.
GST_START_TEST (key_frames_behind_tsdemux)
{
  for (bool has_map : {false, true}) {
    test::TsWriter writer;
    std::string tables = writer.tables ();
    Files files = {{"/tables.ts", tables}};
    std::string video;
    std::string keys = "#EXT-X-I-FRAMES-ONLY\n";
    if (has_map) keys += "#EXT-X-MAP:URI=\"tables.ts\"\n";
    for (unsigned i = 0; i < 5; i++) {
      std::string n = std::to_string (i);
      std::string frame =
          writer.picture (900'000 + i * 180'000, std::string (1500 + i, 'k'));
      files["/" + n + ".ts"] =
          tables + frame +
          writer.picture (990'000 + i * 180'000, std::string (700, 'd'));
      video += "#EXTINF:2,\n" + n + ".ts\n";
      keys += "#EXT-X-BYTERANGE:" + std::to_string (frame.size ()) + "@" +
              std::to_string (tables.size ()) + "\n#EXTINF:2,\n" + n + ".ts\n";
    }
    files["/v.m3u8"] = test::media_playlist (video);
    files["/k.m3u8"] = test::media_playlist (keys);
    files["/m.m3u8"] =
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.4d\"\nv.m3u8\n" +
        one_variant;
    HttpServer server (serving (files));
    Demuxed player (server.uri ("/m.m3u8"), "tsdemux");
    std::string out = player.play ();
    const std::string normal =
        "0:1500 1:700 2:1501 3:700 4:1502 5:700 6:1503 7:700 8:1504 9:700";
    fail_unless (out == normal, "%s", out.c_str ());
    const struct
    {
      double rate;
      int flags;
      GstClockTime start;
      GstClockTime stop;
      const char *expected;
    } rows[] = {
        {2, trick, 0, GST_CLOCK_TIME_NONE,
            "0:1500 2:1501 4:1502 6:1503 8:1504"},
        {-4, trick, 2 * s, 10 * s, "8:1504 6:1503 4:1502 2:1501"},
        {1, flush, 6 * s, GST_CLOCK_TIME_NONE, "6:1503 7:700 8:1504 9:700"},
        {4, trick, 8 * s, GST_CLOCK_TIME_NONE, "8:1504"},
    };
    for (const auto &row : rows) {
      out = player.play (
          test::seek_event (row.rate, row.flags, row.start, row.stop));
      fail_unless (out == row.expected, "%d %f: %s instead of %s", has_map,
          row.rate, out.c_str (), row.expected);
    }
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
  tcase_add_test (tests, key_frames_of_dash);
  tcase_add_test (tests, without_key_frames_all_is_sent);
  tcase_add_test (tests, sound_beside_key_frames);
  tcase_add_test (tests, no_sound_is_fetched_where_none_is_wanted);
  tcase_add_test (tests, sound_is_sent_before_it_is_left_out);
  tcase_add_test (tests, into_key_frames_without_a_flush);
  tcase_add_test (tests, a_seek_ends_the_wait_for_key_frames);
  tcase_add_test (tests, seeks_snap_to_key_frames);
  tcase_add_test (tests, the_first_seek_snaps_to_key_frames);
  tcase_add_test (tests, without_key_frames_seeks_snap_to_segments);
  tcase_add_test (tests, the_wait_for_where_key_frames_are_is_ended);
  tcase_add_test (tests, seeks_wait_for_the_same_key_frames);
  tcase_add_test (tests, to_a_key_frame_without_a_flush);
  tcase_add_test (tests, key_frames_for_each_rate);
  tcase_add_test (tests, key_frames_with_an_index);
  tcase_add_test (tests, chapters_of_dash);
  tcase_add_test (tests, chapters_of_hls);
  tcase_add_test (tests, no_sound_is_fetched_after_a_preroll);
  tcase_add_test (tests, key_frames_behind_qtdemux);
  tcase_add_test (tests, key_frames_behind_tsdemux);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_trick)

// SPDX-License-Identifier: LGPL-2.1-or-later
// Which representation is played, and how one follows another on a pad.
#include "adaptiverig.h"

namespace {

using namespace test;

constexpr unsigned segments = 6;
constexpr std::size_t segment_size = 200000;

// Serves files in pieces, with a while between them: of what is there before it
// is read nothing can be said of the network, and on a busy machine that would
// be all.
class Paced
{
public:
  explicit Paced (Files files)
      : files_ (std::move (files)),
        server_ ([this] (Connection &c, int) { serve (c); })
  {
  }

  std::string uri (const std::string &path) { return server_.uri (path); }
  std::size_t count (const std::string &part)
  {
    auto paths = paths_.lock ();
    return static_cast<std::size_t> (
        std::ranges::count_if (*paths, [&] (const std::string &path) {
          return path.find (part) != std::string::npos;
        }));
  }

private:
  void serve (Connection &c)
  {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      std::string path = request.substr (4, request.find (' ', 4) - 4);
      paths_.lock ()->push_back (path);
      auto found = files_.find (path);
      std::string body = found != files_.end () ? found->second : "";
      c.send (std::string ("HTTP/1.1 ") +
              (found != files_.end () ? "200 OK" : "404 Not Found") +
              "\r\nContent-Length: " + std::to_string (body.size ()) +
              "\r\n\r\n");
      for (std::size_t at = 0; at < body.size (); at += segment_size / 8) {
        if (!c.send (body.substr (at, segment_size / 8))) return;
        g_usleep (10000);
      }
    }
  }

  const Files files_;
  Guarded<std::vector<std::string>> paths_;
  ScriptedServer server_;
};

// Two bandwidths of one picture, and a sound, in segments of 2 s.
std::string ladder_mpd (const std::string &low, const std::string &high)
{
  return mpd (R"(
    <AdaptationSet mimeType="audio/mp4" lang="de"><SegmentTemplate duration="2"
      media="a-$Number$.m4s" initialization="a.mp4"/>
      <Representation id="a" bandwidth="1000"/></AdaptationSet>
    <AdaptationSet mimeType="video/mp4"><SegmentTemplate duration="2"
      media="$RepresentationID$-$Number$.m4s"
      initialization="$RepresentationID$.mp4"/>
      <Representation id="low" )" +
                  low + R"(/><Representation id="high" )" + high +
                  "/></AdaptationSet>",
      "mediaPresentationDuration='PT12S'");
}

const std::string ladder = ladder_mpd (
    "bandwidth='100000' height='180'", "bandwidth='900000' height='360'");

std::string part (const std::string &name, unsigned number)
{
  return segment_of (name + std::to_string (number), segment_size);
}

Files ladder_files (const std::string &manifest = ladder)
{
  Files files = {{"/m.mpd", manifest}};
  for (const char *name : {"low", "high", "a"}) {
    files["/" + std::string (name) + ".mp4"] = init_of (name);
    for (unsigned i = 1; i <= segments; i++)
      files["/" + std::string (name) + "-" + std::to_string (i) + ".m4s"] =
          part (name, i);
  }
  return files;
}

void set (Player &player, const char *name, const char *value)
{
  gst_util_set_object_arg (G_OBJECT (*player), name, value);
}

// The names of initializations and segments in what came out, in order.
std::string parts_of (const std::string &bytes)
{
  std::string out;
  std::size_t at = 0;
  while (at + 8 <= bytes.size ()) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; i++)
      size = size << 8 | static_cast<unsigned char> (bytes[at + i]);
    if (size < 8) return out + "broken";
    std::string type = bytes.substr (at + 4, 4);
    if (type != "mdat") {
      if (!out.empty ()) out += ' ';
      out += bytes.substr (at + 8, size - 8);
    }
    at += size;
  }
  return out;
}

void expect (const std::string &text, const std::string &expected)
{
  fail_unless (
      text == expected, "\"%s\", not \"%s\"", text.c_str (), expected.c_str ());
}

// From the lower to the higher one, once, as soon as something is known of the
// network: behind the first segment, or a later one.
void expect_up (const std::string &parts, const std::string &init = "init ")
{
  std::string expected;
  for (unsigned lower = 1; lower < segments; lower++) {
    bool has_init = !init.empty ();
    expected = has_init ? init + "low" : "";
    for (unsigned i = 1; i <= segments; i++) {
      if (has_init && i == lower + 1) expected += " " + init + "high";
      if (!expected.empty ()) expected += ' ';
      expected += (i <= lower ? "low" : "high") + std::to_string (i);
    }
    if (parts == expected) return;
  }
  ck_abort_msg ("\"%s\"", parts.c_str ());
}

// The ids of the messages for the picture, as they come.
class Variants
{
public:
  explicit Variants (Player &player)
      : bus_ (gst_element_get_bus (player.pipeline ()))
  {
    gst_bus_enable_sync_message_emission (bus_.get ());
    id_ = g_signal_connect (
        bus_.get (), "sync-message::element", G_CALLBACK (on_message), this);
  }
  ~Variants ()
  {
    g_signal_handler_disconnect (bus_.get (), id_);
    gst_bus_disable_sync_message_emission (bus_.get ());
  }
  Variants (const Variants &) = delete;
  Variants &operator= (const Variants &) = delete;

  std::string text () { return *text_.lock (); }

private:
  static void on_message (GstBus *, GstMessage *message, gpointer data)
  {
    const GstStructure *fields = gst_message_get_structure (message);
    if (!gst_structure_has_name (fields, "adaptivesrc-variant") ||
        gst_structure_get_string (fields, "pad") != std::string ("video_0"))
      return;
    auto text = static_cast<Variants *> (data)->text_.lock ();
    *text += gst_structure_get_string (fields, "id");
    *text += ' ';
  }

  Owned<GstBus> bus_;
  gulong id_ = 0;
  Guarded<std::string> text_;
};

guint tagged_bitrate (Player &player, const char *name)
{
  Owned<GstPad> pad{gst_element_get_static_pad (*player, name)};
  fail_unless (pad != nullptr);
  Owned<GstEvent> event{
      gst_pad_get_sticky_event (pad.get (), GST_EVENT_TAG, 0)};
  fail_unless (event != nullptr);
  GstTagList *tags = nullptr;
  gst_event_parse_tag (event.get (), &tags);
  guint bitrate = 0;
  gst_tag_list_get_uint (tags, GST_TAG_NOMINAL_BITRATE, &bitrate);
  return bitrate;
}

}  // namespace

// The first segment says what the network carries: what comes then is of the
// higher representation, behind its initialization, and nothing else is to be
// seen of it.
GST_START_TEST (it_goes_up_without_a_gap)
{
  Paced server (ladder_files ());
  Player player (server.uri ("/m.mpd"));
  set (player, "selection", "auto");
  Variants variants (player);
  player.play ();
  Output output = player.output ("video_0");
  expect_up (parts_of (output.bytes));
  expect (
      parts_of (player.output ("audio_0").bytes), "init a a1 a2 a3 a4 a5 a6");
  std::vector<GstClockTime> times;
  unsigned headers = 0;
  unsigned discontinuities = 0;
  for (const Output::Item &item : output.items) {
    if (GST_CLOCK_TIME_IS_VALID (item.pts))
      times.push_back (item.pts / GST_SECOND);
    if ((item.flags & GST_BUFFER_FLAG_HEADER) != 0) headers++;
    if ((item.flags & GST_BUFFER_FLAG_DISCONT) != 0) discontinuities++;
  }
  fail_unless (times == std::vector<GstClockTime> ({0, 2, 4, 6, 8, 10}));
  fail_unless_equals_int (static_cast<int> (headers), 2);
  fail_unless_equals_int (static_cast<int> (discontinuities), 1);
  fail_unless (player.pads ().size () == 2);
  fail_unless_equals_int (
      static_cast<int> (tagged_bitrate (player, "video_0")), 900000);
  expect (variants.text (), "low high ");
}
GST_END_TEST;

// Of nothing of the network a representation can have only the lowest one.
GST_START_TEST (what_may_be_used_is_a_limit)
{
  Paced server (ladder_files ());
  Player player (server.uri ("/m.mpd"));
  set (player, "selection", "auto");
  set (player, "bandwidth-usage", "0");
  player.play ();
  expect (parts_of (player.output ("video_0").bytes),
      "init low low1 low2 low3 low4 low5 low6");
}
GST_END_TEST;

// Two segments at once are at most 46 Mbit/s here, of which 0.15 of 0.9 are for
// the sound: less than the higher one needs, which alone it could have.
GST_START_TEST (sound_leaves_the_network_to_the_picture)
{
  Files files = ladder_files (mpd (R"(
    <AdaptationSet mimeType="video/mp4"><SegmentTemplate duration="2"
      media="a-$Number$.m4s" initialization="a.mp4"/>
      <Representation id="a" bandwidth="1000"/></AdaptationSet>
    <AdaptationSet mimeType="audio/mp4"><SegmentTemplate duration="2"
      media="$RepresentationID$-$Number$.m4s"
      initialization="$RepresentationID$.mp4"/>
      <Representation id="low" bandwidth="64000"/>
      <Representation id="high" bandwidth="9000000"/></AdaptationSet>)",
      "mediaPresentationDuration='PT12S'"));
  Paced server (std::move (files));
  Player player (server.uri ("/m.mpd"));
  set (player, "selection", "auto");
  player.play ();
  expect (parts_of (player.output ("audio_0").bytes),
      "init low low1 low2 low3 low4 low5 low6");
}
GST_END_TEST;

GST_START_TEST (what_is_asked_for_is_chosen)
{
  struct
  {
    std::vector<std::pair<const char *, const char *>> properties;
    const char *chosen;
  } rows[] = {
      {{{"selection", "highest"}}, "high"},
      {{{"selection", "lowest"}}, "low"},
      {{{"selection", "nearest"}, {"connection-speed", "499"}}, "low"},
      {{{"selection", "nearest"}, {"connection-speed", "501"}}, "high"},
      {{{"selection", "auto"}, {"connection-speed", "2000"}}, "high"},
      {{{"selection", "auto"}, {"connection-speed", "950"}}, "low"},
      {{{"selection", "auto"}, {"connection-speed", "950"},
           {"bandwidth-usage", "0.95"}},
          "high"},
      {{{"selection", "auto"}, {"max-bitrate", "899999"}}, "low"},
      {{{"selection", "highest"}, {"max-bitrate", "899999"}}, "low"},
      {{{"selection", "highest"}, {"max-bitrate", "1"}}, "low"},
      {{{"selection", "highest"}, {"max-height", "240"}}, "low"},
      {{{"selection", "highest"}, {"max-height", "360"}}, "high"},
      {{{"selection", "auto"}, {"max-height", "100"}}, "low"},
  };
  for (const auto &row : rows) {
    HttpServer server (serving (ladder_files ()));
    Player player (server.uri ("/m.mpd"));
    for (const auto &[name, value] : row.properties) set (player, name, value);
    player.play ();
    for (const char *name : {"low", "high"})
      fail_unless_equals_uint64 (
          count_paths (server, std::string ("/") + name + "-"),
          name == std::string (row.chosen) ? segments : 0);
  }
}
GST_END_TEST;

// A limit that is set while it plays is obeyed by the segments after that.
GST_START_TEST (limits_may_change_while_it_plays)
{
  HttpServer server (serving (ladder_files ()));
  Player player (server.uri ("/m.mpd"));
  set (player, "prefetch-segments", "0");
  player.on_buffer = [&] (const std::string &name, const std::string &bytes) {
    if (name != "video_0") return;
    if (bytes.find ("high2") != std::string::npos)
      set (player, "max-bitrate", "500000");
    if (bytes.find ("low4") != std::string::npos)
      set (player, "max-bitrate", "0");
  };
  player.play ();
  expect (parts_of (player.output ("video_0").bytes),
      "init high high1 high2 init low low3 low4 init high high5 high6");
}
GST_END_TEST;

// Each with a clock of its own: SEGMENT says how it is mapped.
GST_START_TEST (representations_with_other_clocks)
{
  std::string manifest = mpd (R"(
    <AdaptationSet mimeType="video/mp4">
      <Representation id="low" bandwidth="100000"><SegmentTemplate duration="2"
        media="low-$Number$.m4s" initialization="low.mp4"/></Representation>
      <Representation id="high" bandwidth="900000"><SegmentTemplate
        timescale="10" duration="20" presentationTimeOffset="1000"
        media="high-$Number$.m4s" initialization="high.mp4"/></Representation>
    </AdaptationSet>)",
      "mediaPresentationDuration='PT12S'");
  Paced server (ladder_files (manifest));
  Player player (server.uri ("/m.mpd"));
  set (player, "selection", "auto");
  player.play ();
  expect_up (parts_of (player.output ("video_0").bytes));
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "video_0")};
  Owned<GstEvent> event{
      gst_pad_get_sticky_event (pad.get (), GST_EVENT_SEGMENT, 0)};
  const GstSegment *segment = nullptr;
  gst_event_parse_segment (event.get (), &segment);
  for (GstClockTime time : {GstClockTime{2}, GstClockTime{11}}) {
    std::uint64_t media = (100 + time) * GST_SECOND;
    fail_unless_equals_uint64 (
        gst_segment_to_running_time (segment, GST_FORMAT_TIME, media),
        time * GST_SECOND);
    fail_unless_equals_uint64 (
        gst_segment_to_stream_time (segment, GST_FORMAT_TIME, media),
        time * GST_SECOND);
  }
}
GST_END_TEST;

namespace {

std::string numbered_playlist (const std::string &name)
{
  std::string lines;
  for (unsigned i = 1; i <= segments; i++)
    lines += "#EXTINF:2,\n" + name + std::to_string (i) + ".ts\n";
  return media_playlist (lines);
}

// Packets, so that boundaries are checked, with the name in the first one.
std::string ts_part (const std::string &name, unsigned number)
{
  std::string out = packets ('-', segment_size / 188);
  std::string text = "<" + name + std::to_string (number) + ">";
  return out.replace (1, text.size (), text);
}

std::string ts_parts_of (const std::string &bytes)
{
  std::string out;
  for (std::size_t at = 0; at < bytes.size (); at += 188) {
    if (bytes[at + 1] != '<') continue;
    if (!out.empty ()) out += ' ';
    out += bytes.substr (at + 2, bytes.find ('>', at) - at - 2);
  }
  return out;
}

const char *const variants =
    "#EXTM3U\n"
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"poor\",NAME=\"n\",DEFAULT=YES,"
    "URI=\"poor.m3u8\"\n"
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"rich\",NAME=\"n\",DEFAULT=YES,"
    "URI=\"rich.m3u8\"\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO=\"poor\"\nlow.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"rich\"\nhigh.m3u8\n";

Files hls_files ()
{
  Files files = {{"/m.m3u8", variants}};
  for (const char *name : {"low", "high", "poor", "rich"}) {
    files["/" + std::string (name) + ".m3u8"] = numbered_playlist (name);
    for (unsigned i = 1; i <= segments; i++)
      files["/" + std::string (name) + std::to_string (i) + ".ts"] =
          ts_part (name, i);
  }
  return files;
}

// The numbers, whatever the names before them.
std::string numbers_of (const std::string &parts)
{
  std::string out;
  for (char c : parts)
    if (c >= '0' && c <= '9') out += c;
  return out;
}

}  // namespace

// The other playlist is loaded when it is wanted, once, and the sound goes with
// its variant.
GST_START_TEST (variants_take_their_renditions_along)
{
  Paced server (hls_files ());
  Player player (server.uri ("/m.m3u8"));
  set (player, "selection", "auto");
  set (player, "prefetch-segments", "0");
  // The sound is behind, so that it has the choice.
  Guarded<bool> high{false};
  std::condition_variable changed;
  player.on_buffer = [&] (const std::string &name, const std::string &bytes) {
    if (name == "video_0" && bytes.find ("<high") != std::string::npos) {
      *high.lock () = true;
      changed.notify_all ();
    }
    auto is_high = high.lock ();
    if (name == "audio_0")
      is_high.wait (changed, [] (bool now) { return now; });
  };
  player.play ();
  expect_up (ts_parts_of (player.output ("video_0").bytes), "");
  std::string sound = ts_parts_of (player.output ("audio_0").bytes);
  expect (numbers_of (sound), "123456");
  fail_unless (sound.ends_with ("rich6"), "%s", sound.c_str ());
  for (const char *name : {"low", "high", "poor", "rich"})
    fail_unless_equals_uint64 (
        server.count ("/" + std::string (name) + ".m3u8"), 1);
  // No initialization tells a demuxer of TS that something else comes.
  unsigned discontinuities = 0;
  for (const Output::Item &item : player.output ("video_0").items)
    if ((item.flags & GST_BUFFER_FLAG_DISCONT) != 0) discontinuities++;
  fail_unless_equals_int (static_cast<int> (discontinuities), 2);
}
GST_END_TEST;

GST_START_TEST (a_variant_that_is_not_there_is_passed_over)
{
  for (const char *broken : {"", "#EXTM3U\n#EXT-X-KEY:METHOD=?\n"}) {
    Files files = hls_files ();
    files.erase ("/high.m3u8");
    if (*broken != '\0') files["/high.m3u8"] = broken;
    Paced server (files);
    Player player (server.uri ("/m.m3u8"));
    set (player, "selection", "auto");
    player.play ();
    expect (ts_parts_of (player.output ("video_0").bytes),
        "low1 low2 low3 low4 low5 low6");
    fail_unless_equals_uint64 (server.count ("/high.m3u8"), 1);
  }
}
GST_END_TEST;

// After a seek it goes on as before, and not from the bottom.
GST_START_TEST (a_seek_keeps_the_level)
{
  Paced server (ladder_files ());
  Player player (server.uri ("/m.mpd"));
  set (player, "selection", "auto");
  player.play ();
  std::size_t before = player.output ("video_0").bytes.size ();
  std::size_t low = server.count ("/low-");
  fail_unless (gst_element_seek_simple (player.pipeline (), GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH, 4 * GST_SECOND));
  Owned<GstMessage> end = player.wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (end && GST_MESSAGE_TYPE (end.get ()) == GST_MESSAGE_EOS);
  expect (parts_of (player.output ("video_0").bytes.substr (before)),
      "init high high3 high4 high5 high6");
  fail_unless_equals_uint64 (server.count ("/low-"), low);
}
GST_END_TEST;

// Segments that are on their way too long are given up, as long as there is
// other media to play and nothing of them has been pushed.
GST_START_TEST (a_segment_that_is_late_is_given_up)
{
  Files files = ladder_files ();
  // The third one of the higher representation, and whether the lower one was
  // asked for instead.
  struct Late
  {
    unsigned asked = 0;
    unsigned number = 0;
    bool given_up = false;
  };
  Guarded<Late> late;
  std::condition_variable changed;
  auto is_late = [&] (const std::string &path) {
    auto now = late.lock ();
    if (now->number > 0 && path.starts_with ("/low-")) {
      now->given_up = true;
      changed.notify_all ();
    }
    if (!path.starts_with ("/high-") || ++now->asked != 3) return false;
    now->number = static_cast<unsigned> (path[6] - '0');
    return true;
  };
  ScriptedServer server ([&] (Connection &c, int) {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      std::string path = request.substr (4, request.find (' ', 4) - 4);
      const std::string &body = files[path];
      c.send ("HTTP/1.1 200 OK\r\nContent-Length: " +
              std::to_string (body.size ()) + "\r\n\r\n");
      bool trickles = is_late (path);
      for (std::size_t at = 0; !trickles && at < body.size ();) {
        if (!c.send (body.substr (at, segment_size / 8))) return;
        at += segment_size / 8;
        g_usleep (10000);
      }
      if (!trickles) continue;
      // With 20 bytes a second it would be there in two hours.
      c.send (body.substr (0, 1000));
      for (std::size_t i = 1000; i < 1800 && c.send (body.substr (i, 1)); i++)
        g_usleep (50000);
      return;
    }
  });
  Player player (server.uri ("/m.mpd"));
  set (player, "selection", "auto");
  // Two segments are there while the first of the higher ones is held.
  player.on_buffer = [&] (const std::string &name, const std::string &bytes) {
    if (name != "video_0" || bytes.find ("styphigh") == std::string::npos)
      return;
    auto now = late.lock ();
    now.wait_for (changed, std::chrono::seconds (40),
        [] (const Late &is) { return is.given_up; });
  };
  player.play ();
  std::string parts = parts_of (player.output ("video_0").bytes);
  expect (numbers_of (parts), "123456");
  unsigned number = late.lock ()->number;
  std::string turn = "high" + std::to_string (number - 1) + " init low low" +
                     std::to_string (number);
  fail_unless (number > 0 && parts.find (turn) != std::string::npos, "%s",
      parts.c_str ());
  fail_unless (player.stat ("bytes-wasted") > 0);
}
GST_END_TEST;

static Suite *adaptivesrc_switch_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-switch");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, it_goes_up_without_a_gap);
  tcase_add_test (tests, what_may_be_used_is_a_limit);
  tcase_add_test (tests, sound_leaves_the_network_to_the_picture);
  tcase_add_test (tests, what_is_asked_for_is_chosen);
  tcase_add_test (tests, limits_may_change_while_it_plays);
  tcase_add_test (tests, representations_with_other_clocks);
  tcase_add_test (tests, variants_take_their_renditions_along);
  tcase_add_test (tests, a_variant_that_is_not_there_is_passed_over);
  tcase_add_test (tests, a_seek_keeps_the_level);
  tcase_add_test (tests, a_segment_that_is_late_is_given_up);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_switch)

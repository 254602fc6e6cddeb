// SPDX-License-Identifier: LGPL-2.1-or-later
#include "adaptiverig.h"

using relay::Owned;
using test::be32;
using test::box;
using test::Connection;
using test::count_paths;
using test::Files;
using test::ForwardProxy;
using test::HttpServer;
using test::init_of;
using test::media_playlist;
using test::mpd;
using test::Output;
using test::packets;
using test::Pad;
using test::Player;
using test::Reply;
using test::ScriptedServer;
using test::segment_of;
using test::serving;
using test::sidx_of;
using test::text_property;
using test::two_tracks;
using test::two_tracks_files;

GST_START_TEST (dash_tracks_come_out_whole)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"));
  player.play ();
  fail_unless (
      player.output ("video_0").bytes ==
      init_of ("high") + segment_of ("high7", 700000) + segment_of ("high8"));
  fail_unless (player.output ("audio_0").bytes ==
               init_of ("a") + segment_of ("a1") + segment_of ("a2"));
  std::vector<Pad> pads = player.pads ();
  fail_unless_equals_uint64 (pads.size (), 2);
  // Video first, wherever it is in the manifest.
  fail_unless (pads[0].name == "video_0" && pads[1].name == "audio_0");
  fail_unless (pads[0].caps == "video/quicktime");
  fail_unless (pads[1].caps == "audio/x-m4a");
  fail_unless (pads[0].segment.format == GST_FORMAT_TIME);
  fail_unless_equals_uint64 (player.stat ("segments"), 4);
  fail_unless_equals_uint64 (player.stat ("requests"), 7);
  // One connection for the manifest, which a stream takes over, and one more
  // for each stream: initialization and segment are fetched at once.
  fail_unless (server.connections () <= 4);
}
GST_END_TEST;

GST_START_TEST (buffers_are_dressed_as_demuxers_want_them)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"));
  player.play ();
  std::vector<Output::Item> items = player.output ("video_0").items;
  std::vector<GstClockTime> times;
  guint64 next = 0;
  for (std::size_t i = 0; i < items.size (); i++) {
    const Output::Item &item = items[i];
    bool header = (item.flags & GST_BUFFER_FLAG_HEADER) != 0;
    bool delta = (item.flags & GST_BUFFER_FLAG_DELTA_UNIT) != 0;
    bool first = item.offset == 0;
    fail_unless (header == (i == 0));
    fail_unless (delta == (!header && !first));
    fail_unless (GST_CLOCK_TIME_IS_VALID (item.pts) == (first && !header));
    fail_unless (((item.flags & GST_BUFFER_FLAG_DISCONT) != 0) == (i == 0));
    if (first && !header) times.push_back (item.pts);
    fail_unless (first || item.offset == next);
    next = item.offset + item.size;
  }
  fail_unless (times == std::vector<GstClockTime> ({0, 2 * GST_SECOND}));
  fail_unless (items.size () > 5);
}
GST_END_TEST;

GST_START_TEST (the_other_kinds_of_dash_addresses)
{
  std::string media = init_of ("s") + sidx_of ({100, 200});
  std::string index_first = std::to_string (init_of ("s").size ());
  std::string index_last = std::to_string (media.size () - 1);
  media += segment_of ("1", 100 - 17) + segment_of ("2", 200 - 17);
  std::string one = segment_of ("1", 100 - 17);
  std::string two = segment_of ("2", 200 - 17);
  auto set = [] (const std::string &inner) {
    return mpd (
        "<AdaptationSet mimeType='video/mp4'>"
        "<Representation id='v' bandwidth='1'>" +
        inner + "</Representation></AdaptationSet>");
  };
  struct
  {
    std::string manifest;
    std::string expected;
  } rows[] = {
      {set ("<SegmentTemplate timescale='10' media='t$Time$.m4s' "
            "initialization='i.mp4'><SegmentTimeline><S t='0' d='15'/>"
            "<S d='25'/></SegmentTimeline></SegmentTemplate>"),
          init_of ("s") + one + two},
      {set ("<BaseURL>all.mp4</BaseURL><SegmentBase indexRange='" +
            index_first + "-" + index_last + "'><Initialization range='0-" +
            std::to_string (init_of ("s").size () - 1) + "'/></SegmentBase>"),
          init_of ("s") + one + two},
      {set ("<SegmentList duration='2'><Initialization sourceURL='i.mp4'/>"
            "<SegmentURL media='t0.m4s'/><SegmentURL media='t15.m4s'/>"
            "</SegmentList>"),
          init_of ("s") + one + two},
      {set ("<BaseURL>all.mp4</BaseURL>"), media},
  };
  for (const auto &row : rows) {
    HttpServer server (
        serving ({{"/m.mpd", row.manifest}, {"/i.mp4", init_of ("s")},
            {"/t0.m4s", one}, {"/t15.m4s", two}, {"/all.mp4", media}}));
    Player player (server.uri ("/m.mpd"));
    player.play ();
    fail_unless (player.output ("video_0").bytes == row.expected, "%s",
        row.manifest.c_str ());
  }
}
GST_END_TEST;

GST_START_TEST (hls_playlists_are_played)
{
  Files files = {
      {"/ts.m3u8", media_playlist ("#EXTINF:2,\n1.ts\n#EXTINF:2,\nsub/2.ts\n")},
      {"/1.ts", packets ('1')},
      {"/sub/2.ts", packets ('2')},
      {"/mp4.m3u8",
          media_playlist (
              "#EXT-X-MAP:URI=\"all\",BYTERANGE=\"18@0\"\n"
              "#EXTINF:2,\n#EXT-X-BYTERANGE:117@18\nall\n"
              "#EXT-X-DISCONTINUITY\n#EXTINF:2,\n#EXT-X-BYTERANGE:217\nall\n")},
      {"/all",
          init_of ("hello") + segment_of ("1", 100) + segment_of ("2", 200)},
      // Fragmented MP4, whatever its name says.
      {"/named.m3u8", media_playlist ("#EXT-X-MAP:URI=\"init.aac\"\n"
                                      "#EXTINF:2,\n1.aac\n")},
      {"/init.aac", init_of ("named")},
      {"/1.aac", segment_of ("named")},
  };
  fail_unless_equals_uint64 (init_of ("hello").size (), 18);
  fail_unless_equals_uint64 (segment_of ("1", 100).size (), 117);
  HttpServer server (serving (files));
  {
    Player player (server.uri ("/ts.m3u8"));
    player.play ();
    fail_unless (
        player.output ("video_0").bytes == packets ('1') + packets ('2'));
    fail_unless (
        player.pads ()[0].caps == "video/mpegts, systemstream=(boolean)true");
  }
  {
    Player player (server.uri ("/mp4.m3u8"));
    player.play ();
    Output output = player.output ("video_0");
    fail_unless (output.bytes == files["/all"]);
    fail_unless (player.pads ()[0].caps == "video/quicktime");
    fail_unless_equals_int (
        static_cast<int> (std::ranges::count_if (output.items,
            [] (const Output::Item &item) {
              return (item.flags & GST_BUFFER_FLAG_DISCONT) != 0;
            })),
        2);
  }
  {
    Player player (server.uri ("/named.m3u8"));
    player.play ();
    fail_unless (player.output ("video_0").bytes ==
                 init_of ("named") + segment_of ("named"));
    fail_unless (player.pads ()[0].caps == "video/quicktime");
  }
}
GST_END_TEST;

// Three variants, two with renditions of the sound.
const Files master_files = {
    {"/m.m3u8",
        "#EXTM3U\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g1\",NAME=\"x\",URI=\"g1.m3u8\"\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g2\",NAME=\"x\",URI=\"g2.m3u8\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS=\"avc1.4d\",AUDIO=\"g1\"\n"
        "low.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=9000,RESOLUTION=640x360,AUDIO=\"g2\"\n"
        "high.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=5000,RESOLUTION=320x180\n"
        "middle.m3u8\n"},
    {"/low.m3u8", media_playlist ("#EXTINF:2,\nlow.ts\n")},
    {"/middle.m3u8", media_playlist ("#EXTINF:2,\nmiddle.ts\n")},
    {"/high.m3u8", media_playlist ("#EXTINF:2,\nhigh.ts\n")},
    {"/g1.m3u8", media_playlist ("#EXTINF:2,\ng1.ts\n")},
    {"/g2.m3u8", media_playlist ("#EXTINF:2,\ng2.ts\n")},
    {"/low.ts", packets ('l')},
    {"/middle.ts", packets ('m')},
    {"/high.ts", packets ('h')},
    {"/g1.ts", packets ('1')},
    {"/g2.ts", packets ('2')},
};

GST_START_TEST (max_bitrate_chooses_the_variant)
{
  struct
  {
    guint64 max_bitrate;
    char video;
    char audio;  // 0 = no pad
    guint64 bandwidth;
  } rows[] = {
      {0, 'h', '2', 9000},
      {9000, 'h', '2', 9000},
      {8999, 'm', 0, 5000},
      {1000, 'l', '1', 1000},
      {1, 'l', '1', 1000},
  };
  HttpServer server (serving (master_files));
  for (const auto &row : rows) {
    Player player (server.uri ("/m.m3u8"));
    g_object_set (*player, "max-bitrate", row.max_bitrate, nullptr);
    player.set_state (GST_STATE_PLAYING);
    Owned<GstMessage> message = player.wait_element ("adaptivesrc-variant");
    const GstStructure *variant = gst_message_get_structure (message.get ());
    guint64 bandwidth = 0;
    fail_unless (gst_structure_get_uint64 (variant, "bandwidth", &bandwidth));
    fail_unless_equals_uint64 (bandwidth, row.bandwidth);
    fail_unless (
        g_strcmp0 (gst_structure_get_string (variant, "pad"), "video_0") == 0);
    player.play ();
    fail_unless (player.output ("video_0").bytes == packets (row.video));
    fail_unless_equals_uint64 (player.pads ().size (), row.audio ? 2 : 1);
    if (row.audio)
      fail_unless (player.output ("audio_0").bytes == packets (row.audio));
  }
}
GST_END_TEST;

GST_START_TEST (every_request_takes_the_proxy_and_the_headers)
{
  for (const char *manifest : {"/x/two.mpd", "/m.m3u8"}) {
    Files files = two_tracks_files;
    files.insert (master_files.begin (), master_files.end ());
    HttpServer server (serving (files));
    ForwardProxy proxy;
    Player player (
        "http://origin.test:" + std::to_string (server.port ()) + manifest);
    g_object_set (*player, "proxy", proxy.uri ().c_str (), nullptr);
    gst_util_set_object_arg (
        G_OBJECT (*player), "extra-headers", "h,X-Token=abc");
    player.play ();
    auto requests = server.requests ();
    fail_unless (requests.size () >= 5);
    fail_unless_equals_uint64 (requests.size (), proxy.targets ().size ());
    for (const auto &request : requests) {
      fail_unless (request.header ("X-Token") == "abc");
      fail_unless (
          request.header ("User-Agent").starts_with ("GStreamer adaptivesrc"));
    }
    fail_unless_equals_uint64 (
        player.stat ("requests-proxied"), requests.size ());
  }
}
GST_END_TEST;

GST_START_TEST (an_unlinked_pad_fetches_nothing)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  player.play ();
  fail_unless_equals_uint64 (player.pads ().size (), 2);
  fail_unless_equals_uint64 (count_paths (server, "/x/a"), 0);
  fail_unless_equals_uint64 (player.stat ("segments"), 2);
}
GST_END_TEST;

GST_START_TEST (with_nothing_linked_there_is_one_error)
{
  HttpServer server (serving (two_tracks_files));
  Player player (
      server.uri ("/x/two.mpd"), [] (const std::string &) { return false; });
  player.play_to_error (GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED);
  fail_unless_equals_uint64 (server.requests ().size (), 1);
}
GST_END_TEST;

GST_START_TEST (a_pad_that_is_linked_later_begins_then)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  player.play ();
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "audio_0")};
  player.link (pad.get ());
  std::string expected = init_of ("a") + segment_of ("a1") + segment_of ("a2");
  while (player.output ("audio_0").bytes.size () < expected.size ())
    g_usleep (1000);
  fail_unless (player.output ("audio_0").bytes == expected);
}
GST_END_TEST;

// As in a bin where nobody listens to a stream: it ends with the others, for
// bins wait for the ends of all.
GST_START_TEST (who_is_linked_to_nothing_ends_with_the_others)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  struct Seen
  {
    Owned<GstElement> identity{GST_ELEMENT (
        g_object_ref_sink (gst_element_factory_make ("identity", nullptr)))};
    std::atomic<bool> ended{false};
  } seen;
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *element, GstPad *pad, Seen *s) {
        if (!g_str_has_prefix (GST_PAD_NAME (pad), "audio")) return;
        Owned<GstObject> parent{gst_element_get_parent (element)};
        gst_bin_add (GST_BIN (parent.get ()), s->identity.get ());
        gst_element_sync_state_with_parent (s->identity.get ());
        Owned<GstPad> sink{
            gst_element_get_static_pad (s->identity.get (), "sink")};
        gst_pad_add_probe (
            sink.get (), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
            [] (GstPad *, GstPadProbeInfo *info, gpointer data) {
              if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) ==
                  GST_EVENT_EOS)
                static_cast<Seen *> (data)->ended = true;
              return GST_PAD_PROBE_OK;
            },
            s, nullptr);
        fail_unless (gst_pad_link (pad, sink.get ()) == GST_PAD_LINK_OK);
      }),
      &seen);
  player.play ();
  while (!seen.ended) g_usleep (1000);
  fail_unless_equals_uint64 (count_paths (server, "/x/a2"), 0);
  player.set_state (GST_STATE_NULL);
}
GST_END_TEST;

// Puts a probe on what each pad is linked to.
static void probe_peers (
    Player &player, GstPadProbeType type, GstPadProbeCallback callback)
{
  struct Probe
  {
    GstPadProbeType type;
    GstPadProbeCallback callback;
  };
  g_signal_connect_data (
      *player, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, gpointer data) {
        auto *probe = static_cast<Probe *> (data);
        Owned<GstPad> peer{gst_pad_get_peer (pad)};
        gst_pad_add_probe (
            peer.get (), probe->type, probe->callback, nullptr, nullptr);
      }),
      new Probe{type, callback},
      [] (gpointer data, GClosure *) { delete static_cast<Probe *> (data); },
      GConnectFlags (0));
}

// FLUSH_START to one of the sides of a pad when it sees its first event.
template <gboolean (*send) (GstPad *, GstEvent *)>
static GstPadProbeReturn flush_at_first (
    GstPad *pad, GstPadProbeInfo *info, gpointer)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    send (pad, gst_event_new_flush_start ());
  return GST_PAD_PROBE_OK;
}

GST_START_TEST (a_peer_that_wants_no_more_ends_the_requests)
{
  // Upstream, as a cache does that served by itself and stops; and downstream.
  for (GstPadProbeCallback callback : {flush_at_first<gst_pad_push_event>,
           flush_at_first<gst_pad_send_event>}) {
    HttpServer server (serving (two_tracks_files));
    Player player (server.uri ("/x/two.mpd"));
    probe_peers (player, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, callback);
    player.set_state (GST_STATE_PAUSED);
    player.wait_element ("adaptivesrc-stats");
    player.set_state (GST_STATE_READY);
    fail_unless_equals_uint64 (server.requests ().size (), 1);
  }
}
GST_END_TEST;

GST_START_TEST (a_peer_that_refuses_the_caps_is_asked_first)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"));
  probe_peers (player, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
      [] (GstPad *, GstPadProbeInfo *info, gpointer) {
        GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
        if (GST_QUERY_TYPE (query) != GST_QUERY_ACCEPT_CAPS)
          return GST_PAD_PROBE_OK;
        gst_query_set_accept_caps_result (query, FALSE);
        return GST_PAD_PROBE_HANDLED;
      });
  player.play_to_error (GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED);
  fail_unless_equals_uint64 (server.requests ().size (), 1);
}
GST_END_TEST;

struct Failing
{
  const char *path;
  GQuark (*domain) ();
  int code;
  guint status;
};

GST_START_TEST (bad_manifests_and_segments_are_one_error)
{
  auto video = [] (const std::string &inner) {
    return mpd ("<AdaptationSet mimeType='video/mp4'><Representation id='v'>" +
                inner + "</Representation></AdaptationSet>");
  };
  Files files = {
      {"/html", "<!DOCTYPE html><html><body>Log in</body></html>"},
      {"/text", "It works!"},
      {"/empty", ""},
      {"/cut.mpd", two_tracks.substr (0, 300)},
      {"/nothing.mpd", video ("")},
      {"/live.mpd", mpd ("", "type='dynamic'")},
      {"/live.m3u8", media_playlist ("#EXTINF:2,\n1.ts\n", false)},
      {"/empty.m3u8", media_playlist ("")},
      {"/key.m3u8",
          media_playlist (
              "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\n1\n")},
      {"/method.m3u8",
          media_playlist (
              "#EXT-X-KEY:METHOD=ROT13,URI=\"k\"\n#EXTINF:2,\n1\n")},
      {"/dead.m3u8", media_playlist ("#EXTINF:2,\n404.ts\n")},
      {"/page.m3u8", media_playlist ("#EXTINF:2,\nhtml\n")},
      {"/page.mpd", video ("<SegmentList duration='4'><SegmentURL "
                           "media='html'/></SegmentList>")},
      {"/noindex.mpd", video ("<BaseURL>text</BaseURL>"
                              "<SegmentBase indexRange='0-7'/>")},
      {"/file.mpd", video ("<SegmentList duration='4'><SegmentURL "
                           "media='file:///etc/passwd'/></SegmentList>")},
  };
  const Failing rows[] = {
      {"/html", gst_stream_error_quark, GST_STREAM_ERROR_WRONG_TYPE, 0},
      {"/text", gst_stream_error_quark, GST_STREAM_ERROR_WRONG_TYPE, 0},
      {"/empty", gst_stream_error_quark, GST_STREAM_ERROR_WRONG_TYPE, 0},
      {"/cut.mpd", gst_stream_error_quark, GST_STREAM_ERROR_DEMUX, 0},
      {"/nothing.mpd", gst_stream_error_quark, GST_STREAM_ERROR_DEMUX, 0},
      {"/live.mpd", gst_stream_error_quark, GST_STREAM_ERROR_NOT_IMPLEMENTED,
          0},
      {"/live.m3u8", gst_stream_error_quark, GST_STREAM_ERROR_NOT_IMPLEMENTED,
          0},
      {"/empty.m3u8", gst_stream_error_quark, GST_STREAM_ERROR_DEMUX, 0},
      {"/key.m3u8", gst_resource_error_quark, GST_RESOURCE_ERROR_NOT_FOUND,
          404},
      {"/method.m3u8", gst_stream_error_quark, GST_STREAM_ERROR_NOT_IMPLEMENTED,
          0},
      {"/404", gst_resource_error_quark, GST_RESOURCE_ERROR_NOT_FOUND, 404},
      {"/dead.m3u8", gst_resource_error_quark, GST_RESOURCE_ERROR_NOT_FOUND,
          404},
      {"/page.m3u8", gst_stream_error_quark, GST_STREAM_ERROR_WRONG_TYPE, 0},
      {"/page.mpd", gst_stream_error_quark, GST_STREAM_ERROR_WRONG_TYPE, 0},
      {"/noindex.mpd", gst_stream_error_quark, GST_STREAM_ERROR_DEMUX, 0},
      {"/file.mpd", gst_resource_error_quark, GST_RESOURCE_ERROR_SETTINGS, 0},
  };
  HttpServer server (serving (files));
  for (const Failing &row : rows) {
    Player player (server.uri (row.path));
    player.set_state (GST_STATE_PLAYING);
    Owned<GstMessage> message =
        player.wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (message != nullptr, "%s", row.path);
    test::assert_error (message.get (), row.domain (), row.code);
    const GstStructure *details = nullptr;
    gst_message_parse_error_details (message.get (), &details);
    guint status = 0;
    if (details != nullptr)
      gst_structure_get_uint (details, "http-status-code", &status);
    fail_unless_equals_int (
        static_cast<int> (status), static_cast<int> (row.status));
    player.set_state (GST_STATE_READY);
    fail_unless (player.wait (GST_MESSAGE_ERROR, 0) == nullptr, "%s", row.path);
  }
}
GST_END_TEST;

GST_START_TEST (dead_servers_are_one_error)
{
  std::string dead = "http://127.0.0.1:" + std::to_string (test::dead_port ());
  {
    Player player (dead + "/a.mpd");
    player.play_to_error (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
  }
  {
    HttpServer server (serving (two_tracks_files));
    Player player (server.uri ("/x/two.mpd"));
    g_object_set (*player, "proxy", dead.c_str (), nullptr);
    player.play_to_error (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
    // Never past the proxy.
    fail_unless (server.requests ().empty ());
  }
}
GST_END_TEST;

GST_START_TEST (a_cut_segment_is_an_error)
{
  // Chunked: nothing but the boxes tell that the end is missing.
  for (std::size_t missing : {std::size_t{1}, std::size_t{10000}}) {
    HttpServer server ([missing] (const HttpServer::Request &request) {
      if (request.path == "/a.m3u8")
        return Reply{
            200, media_playlist ("#EXTINF:2,\na.m4s\n#EXTINF:2,\na.m4s\n"), {}};
      std::string body = segment_of ("a");
      body.resize (body.size () - missing);
      return Reply{200, body, {}, "video/mp4", true};
    });
    Player player (server.uri ("/a.m3u8"));
    player.play_to_error (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
    fail_unless_equals_uint64 (player.stat ("segments"), 0);
  }
}
GST_END_TEST;

// Of a file that has been cut the server sends what there is.
GST_START_TEST (a_short_byte_range_is_an_error)
{
  const std::pair<const char *, std::string> rows[] = {
      {"/a.m3u8", media_playlist ("#EXTINF:2,\n#EXT-X-BYTERANGE:9@2\nf\n")},
      {"/a.mpd", mpd ("<AdaptationSet mimeType='video/mp4'><Representation>"
                      "<BaseURL>f</BaseURL><SegmentBase indexRange='2-10'/>"
                      "</Representation></AdaptationSet>")},
  };
  for (const auto &row : rows) {
    ScriptedServer server ([&] (Connection &connection, int) {
      for (;;) {
        std::string request = connection.read_request ();
        if (request.empty ()) return;
        bool is_media = request.starts_with ("GET /f ");
        std::string body = is_media ? "12345678" : row.second;
        connection.send ((is_media ? "HTTP/1.1 206 Partial Content\r\n"
                                     "Content-Range: bytes 2-9/10\r\n"
                                   : "HTTP/1.1 200 OK\r\n") +
                         std::string ("Content-Length: ") +
                         std::to_string (body.size ()) + "\r\n\r\n" + body);
      }
    });
    Player player (server.uri (row.first));
    player.play_to_error (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
    fail_unless (player.output ("video_0").bytes.empty ());
  }
}
GST_END_TEST;

GST_START_TEST (a_cut_playlist_is_an_error)
{
  // "VOD" alone says that it is all of it, if it is all of it.
  std::string whole =
      media_playlist ("#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:2,\n1.ts\n", false);
  for (bool chunked : {true, false}) {
    HttpServer server ([&] (const HttpServer::Request &request) {
      if (request.path == "/1.ts") return Reply{200, packets ('1'), {}};
      return Reply{200, whole, {}, "application/vnd.apple.mpegurl", chunked};
    });
    Player player (server.uri ("/a.m3u8"));
    player.play ();
  }
  // Chunks without the last one, and a body until the connection closes.
  for (const char *head :
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
          "HTTP/1.0 200 OK\r\n\r\n"}) {
    ScriptedServer server ([&] (Connection &c, int) {
      if (c.read_request ().empty ()) return;
      char size[16];
      g_snprintf (
          size, sizeof size, "%x\r\n", static_cast<unsigned> (whole.size ()));
      bool chunked = std::string_view (head).starts_with ("HTTP/1.1");
      c.send (head + (chunked ? size + whole + "\r\n" : whole));
    });
    Player player (server.uri ("/a.m3u8"));
    g_object_set (*player, "retries", 0, nullptr);
    player.play_to_error (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
  }
}
GST_END_TEST;

// Reads a request and answers it in chunks, the first one of a few bytes that
// arrive alone.
static void answer_in_pieces (Connection &connection, const std::string &body)
{
  auto chunk = [&] (std::string_view bytes) {
    Owned<gchar> size{g_strdup_printf ("%zx\r\n", bytes.size ())};
    connection.send (size.get () + std::string (bytes) + "\r\n");
  };
  connection.send ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  chunk (std::string_view (body).substr (0, 3));
  g_usleep (20 * 1000);
  chunk (std::string_view (body).substr (3));
  connection.send ("0\r\n\r\n");
}

GST_START_TEST (a_first_read_of_a_few_bytes_hides_nothing)
{
  std::string cut = segment_of ("a");
  cut.resize (cut.size () - 100);
  const struct
  {
    std::string body;
    GQuark domain;
    int code;
  } rows[] = {
      {cut, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ},
      {"<html><body>Log in</body></html>", GST_STREAM_ERROR,
          GST_STREAM_ERROR_WRONG_TYPE},
  };
  for (const auto &row : rows) {
    ScriptedServer server ([&row] (Connection &connection, int) {
      for (;;) {
        std::string request = connection.read_request ();
        if (request.empty ()) return;
        answer_in_pieces (
            connection, request.starts_with ("GET /a.m3u8")
                            ? media_playlist ("#EXTINF:2,\na.m4s\n")
                            : row.body);
      }
    });
    Player player (server.uri ("/a.m3u8"));
    player.play_to_error (row.domain, row.code);
    fail_unless_equals_uint64 (player.stat ("segments"), 0);
  }
}
GST_END_TEST;

GST_START_TEST (without_a_location_it_does_not_start)
{
  Player player ("");
  fail_unless (
      player.set_state (GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE);
  Owned<GstMessage> message = player.wait (GST_MESSAGE_ERROR);
  test::assert_error (
      message.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
}
GST_END_TEST;

GST_START_TEST (it_is_used_again_and_again)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"));
  for (int i = 1; i <= 3; i++) {
    player.no_more_pads = false;
    player.play ();
    player.set_state (GST_STATE_READY);
    fail_unless_equals_int (GST_ELEMENT (*player)->numpads, 0);
    for (const char *name : {"video_0", "audio_0"}) {
      Owned<GstElement> sink{
          gst_bin_get_by_name (GST_BIN (player.pipeline ()), name)};
      gst_element_set_state (sink.get (), GST_STATE_NULL);
      gst_bin_remove (GST_BIN (player.pipeline ()), sink.get ());
    }
    fail_unless_equals_uint64 (
        player.stat ("segments"), static_cast<guint64> (4 * i));
  }
}
GST_END_TEST;

// Serves all but what hangs: without a byte, or after a few.
class Hanging
{
public:
  explicit Hanging (std::string path, std::string begin = {})
      : server_ ([this, path, begin] (Connection &c, int) {
          for (;;) {
            std::string request = c.read_request ();
            if (request.empty ()) return;
            if (request.find (path) != std::string::npos) {
              c.send (begin);
              reached = true;
              c.hang ();
              return;
            }
            std::string body;
            for (const auto &[name, content] : two_tracks_files)
              if (request.find (" " + name + " ") != std::string::npos)
                body = content;
            c.send ("HTTP/1.1 200 OK\r\nContent-Length: " +
                    std::to_string (body.size ()) + "\r\n\r\n" + body);
          }
        })
  {
  }
  std::string uri () { return server_.uri ("/x/two.mpd"); }
  std::atomic<bool> reached{false};

private:
  ScriptedServer server_;
};

GST_START_TEST (a_stop_breaks_every_wait)
{
  for (const char *path : {"two.mpd", "high.mp4", "high-008"}) {
    for (const char *begin :
        {"", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"}) {
      Hanging server (path, begin);
      Player player (server.uri ());
      player.set_state (GST_STATE_PLAYING);
      while (!server.reached) g_usleep (1000);
      gint64 began = g_get_monotonic_time ();
      player.set_state (GST_STATE_NULL);
      fail_unless (g_get_monotonic_time () - began < G_USEC_PER_SEC);
      fail_unless (player.wait (GST_MESSAGE_ERROR, 0) == nullptr);
    }
  }
}
GST_END_TEST;

GST_START_TEST (a_stop_frees_a_blocked_push)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"));
  // The sinks preroll, and then they block.
  player.set_state (GST_STATE_PAUSED);
  fail_unless (gst_element_get_state (player.pipeline (), nullptr, nullptr,
                   10 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
  player.set_state (GST_STATE_NULL);
}
GST_END_TEST;

GST_START_TEST (a_pad_that_blocks_holds_up_no_other)
{
  HttpServer server (serving (two_tracks_files));
  Player player (
      server.uri ("/x/two.mpd"), [] (const std::string &) { return true; });
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, gpointer) {
        if (g_str_has_prefix (GST_PAD_NAME (pad), "video"))
          gst_pad_add_probe (
              pad,
              static_cast<GstPadProbeType> (
                  GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
              [] (GstPad *, GstPadProbeInfo *, gpointer) {
                return GST_PAD_PROBE_OK;
              },
              nullptr, nullptr);
      }),
      nullptr);
  // The video never comes.
  player.waits_for_all = false;
  player.set_state (GST_STATE_PLAYING);
  std::string expected = init_of ("a") + segment_of ("a1") + segment_of ("a2");
  while (player.output ("audio_0").bytes.size () < expected.size ())
    g_usleep (1000);
  fail_unless (player.output ("video_0").bytes.empty ());
  player.set_state (GST_STATE_NULL);
}
GST_END_TEST;

GST_START_TEST (counters_are_posted_before_the_end)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"));
  player.set_state (GST_STATE_PLAYING);
  Owned<GstMessage> message = player.wait_element ("adaptivesrc-stats");
  const GstStructure *stats = gst_message_get_structure (message.get ());
  for (const char *name : {"requests", "requests-proxied", "retries",
           "redirects", "connections", "bytes-received", "ttfb-ns"})
    fail_unless (gst_structure_has_field (stats, name), "%s", name);
  guint64 segments = 0;
  fail_unless (gst_structure_get_uint64 (stats, "segments", &segments));
  fail_unless_equals_uint64 (segments, 4);
  fail_unless (player.wait (GST_MESSAGE_EOS) != nullptr);
}
GST_END_TEST;

GST_START_TEST (queries_are_answered)
{
  HttpServer server (serving (two_tracks_files));
  Player player (server.uri ("/x/two.mpd"));
  // Bins ask before there are pads.
  Owned<GstQuery> scheduling{gst_query_new_scheduling ()};
  fail_unless (gst_element_query (*player, scheduling.get ()));
  GstSchedulingFlags flags = GST_SCHEDULING_FLAG_SEEKABLE;
  gst_query_parse_scheduling (
      scheduling.get (), &flags, nullptr, nullptr, nullptr);
  fail_unless ((flags & GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED) != 0);
  gint64 duration = 0;
  fail_unless (
      !gst_element_query_duration (*player, GST_FORMAT_TIME, &duration));
  player.play ();
  fail_unless (
      gst_element_query_duration (*player, GST_FORMAT_TIME, &duration));
  fail_unless_equals_int64 (duration, 4 * GST_SECOND);
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "video_0")};
  fail_unless (gst_pad_query_duration (pad.get (), GST_FORMAT_TIME, &duration));
  fail_unless (
      !gst_pad_query_duration (pad.get (), GST_FORMAT_BYTES, &duration));
  Owned<GstQuery> seeking{gst_query_new_seeking (GST_FORMAT_TIME)};
  fail_unless (gst_pad_query (pad.get (), seeking.get ()));
  gboolean seekable = FALSE;
  gint64 end = 0;
  gst_query_parse_seeking (seeking.get (), nullptr, &seekable, nullptr, &end);
  fail_unless (seekable);
  fail_unless_equals_int64 (end, 4 * GST_SECOND);
  seeking.reset (gst_query_new_seeking (GST_FORMAT_BYTES));
  fail_unless (gst_pad_query (pad.get (), seeking.get ()));
  gst_query_parse_seeking (
      seeking.get (), nullptr, &seekable, nullptr, nullptr);
  fail_unless (!seekable);
}
GST_END_TEST;

GST_START_TEST (uris_make_it)
{
  for (const char *text : {"hls+http://127.0.0.1/a", "hls+https://127.0.0.1/a",
           "dash+http://127.0.0.1/a", "dash+https://127.0.0.1/a"}) {
    Owned<GstElement> element{GST_ELEMENT (g_object_ref_sink (
        gst_element_make_from_uri (GST_URI_SRC, text, nullptr, nullptr)))};
    Owned<gchar> name{gst_object_get_name (
        GST_OBJECT (gst_element_get_factory (element.get ())))};
    fail_unless_equals_string (name.get (), "adaptivesrc");
    fail_unless (text_property (element.get (), "location") == text);
  }
  Owned<GstElement> source{GST_ELEMENT (
      g_object_ref_sink (gst_element_factory_make ("adaptivesrc", nullptr)))};
  GError *error = nullptr;
  fail_unless (!gst_uri_handler_set_uri (
      GST_URI_HANDLER (source.get ()), "hls+http://", &error));
  fail_unless (g_error_matches (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI));
  g_error_free (error);

  HttpServer server (serving (two_tracks_files));
  Player player ("dash+" + server.uri ("/x/two.mpd"));
  player.play ();
}
GST_END_TEST;

GST_START_TEST (secrets_read_back_as_stars)
{
  Owned<GstElement> source{GST_ELEMENT (
      g_object_ref_sink (gst_element_factory_make ("adaptivesrc", nullptr)))};
  g_object_set (source.get (), "proxy", "http://u:secret@127.0.0.1:1", nullptr);
  gst_util_set_object_arg (G_OBJECT (source.get ()), "extra-headers",
      "h,Authorization=\"Bearer secret\",X-Open=seen");
  fail_unless (text_property (source.get (), "proxy").find ("secret") ==
               std::string::npos);
  GstStructure *raw = nullptr;
  g_object_get (source.get (), "extra-headers", &raw, nullptr);
  Owned<GstStructure> headers{raw};
  fail_unless_equals_string (
      gst_structure_get_string (headers.get (), "Authorization"), "***");
  fail_unless_equals_string (
      gst_structure_get_string (headers.get (), "X-Open"), "seen");
}
GST_END_TEST;

GST_START_TEST (a_cache_that_serves_leaves_the_media_alone)
{
  if (gst_registry_check_feature_version (
          gst_registry_get (), "cachetee", 0, 1, 0) == FALSE) {
    g_print ("SKIPPED: no cachetee\n");
    return;
  }
  HttpServer server (serving (two_tracks_files));
  test::TempDir folder;
  std::string launch =
      "adaptivesrc name=s location=" + server.uri ("/x/two.mpd") +
      " s.video_0 ! cachetee cache-key=v cache-dir=" +
      folder.path ().string () + " ! fakesink sync=false";
  for (std::size_t segments : {2u, 0u}) {
    std::size_t before = count_paths (server, ".m4s");
    Owned<GstElement> pipeline{GST_ELEMENT (
        g_object_ref_sink (gst_parse_launch (launch.c_str (), nullptr)))};
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    Owned<GstMessage> message = test::wait_message (
        pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (
        message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    fail_unless_equals_uint64 (count_paths (server, ".m4s") - before, segments);
  }
}
GST_END_TEST;

static Suite *adaptivesrc_suite ()
{
  Suite *suite = suite_create ("adaptivesrc");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, dash_tracks_come_out_whole);
  tcase_add_test (tests, buffers_are_dressed_as_demuxers_want_them);
  tcase_add_test (tests, the_other_kinds_of_dash_addresses);
  tcase_add_test (tests, hls_playlists_are_played);
  tcase_add_test (tests, max_bitrate_chooses_the_variant);
  tcase_add_test (tests, every_request_takes_the_proxy_and_the_headers);
  tcase_add_test (tests, an_unlinked_pad_fetches_nothing);
  tcase_add_test (tests, with_nothing_linked_there_is_one_error);
  tcase_add_test (tests, a_pad_that_is_linked_later_begins_then);
  tcase_add_test (tests, who_is_linked_to_nothing_ends_with_the_others);
  tcase_add_test (tests, a_peer_that_wants_no_more_ends_the_requests);
  tcase_add_test (tests, a_peer_that_refuses_the_caps_is_asked_first);
  tcase_add_test (tests, bad_manifests_and_segments_are_one_error);
  tcase_add_test (tests, dead_servers_are_one_error);
  tcase_add_test (tests, a_cut_segment_is_an_error);
  tcase_add_test (tests, a_short_byte_range_is_an_error);
  tcase_add_test (tests, a_cut_playlist_is_an_error);
  tcase_add_test (tests, a_first_read_of_a_few_bytes_hides_nothing);
  tcase_add_test (tests, without_a_location_it_does_not_start);
  tcase_add_test (tests, it_is_used_again_and_again);
  tcase_add_test (tests, a_stop_breaks_every_wait);
  tcase_add_test (tests, a_stop_frees_a_blocked_push);
  tcase_add_test (tests, a_pad_that_blocks_holds_up_no_other);
  tcase_add_test (tests, counters_are_posted_before_the_end);
  tcase_add_test (tests, queries_are_answered);
  tcase_add_test (tests, uris_make_it);
  tcase_add_test (tests, secrets_read_back_as_stars);
  tcase_add_test (tests, a_cache_that_serves_leaves_the_media_alone);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc)

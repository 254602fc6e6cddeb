// SPDX-License-Identifier: LGPL-2.1-or-later
// How adaptivesrc goes about a host that takes one connection only: nothing
// that has it waits for something that needs it.
#include <atomic>

#include "adaptiverig.h"
#include "segmentencrypter.h"

using presentation::Encryption;
using test::Files;
using test::HttpServer;
using test::Player;
using test::Reply;

namespace {

// Too much for the buffers between the server and us: who does not read it has
// its connection.
constexpr std::size_t large = 8'000'000;
const std::string key = "0123456789abcdef";
const std::string key_line = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n";

std::string encrypted (const std::string &clear)
{
  Encryption::Iv iv{};
  iv[15] = 1;
  return test::encrypt_segment (Encryption::Cipher::aes_128,
      test::Bytes (key.begin (), key.end ()), iv, clear);
}

// Waiting for each other would end after this, which is longer than what the
// player is waited for.
void limit (Player &player, unsigned prefetch)
{
  g_object_set (*player, "max-connections-per-host", 1, "timeout", 60,
      "prefetch-segments", prefetch, nullptr);
}

// Picture and sound of separate playlists, both with initializations, all of it
// encrypted with one key.
Files encrypted_files ()
{
  Files files = {{"/m.m3u8",
                     "#EXTM3U\n"
                     "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\","
                     "DEFAULT=YES,URI=\"a.m3u8\"\n"
                     "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d\","
                     "AUDIO=\"a\"\nv.m3u8\n"},
      {"/k", key}};
  for (const char *track : {"v", "a"}) {
    std::string name = track;
    files["/" + name + ".m3u8"] = test::media_playlist (
        key_line + "#EXT-X-MAP:URI=\"" + name + ".mp4\"\n#EXTINF:2,\n" + name +
        "1.m4s\n#EXTINF:2,\n" + name + "2.m4s\n");
    files["/" + name + ".mp4"] = encrypted (test::init_of (name));
    for (const char *number : {"1", "2"})
      files["/" + name + number + ".m4s"] =
          encrypted (test::segment_of (name + number, 300'000));
  }
  return files;
}

void check_encrypted (Player &player)
{
  for (const char *track : {"v", "a"}) {
    std::string name = track;
    fail_unless (player.output (name == "v" ? "video_0" : "audio_0").bytes ==
                 test::init_of (name) + test::segment_of (name + "1", 300'000) +
                     test::segment_of (name + "2", 300'000));
  }
}

}  // namespace

// Retries are requests of their own, for which an initialization and a segment
// that wait for the key may not have the connection.
GST_START_TEST (keys_that_fail_at_first_have_a_connection)
{
  for (unsigned prefetch : {2u, 0u}) {
    std::atomic<int> tries{0};
    auto serve = test::serving (encrypted_files ());
    HttpServer origin ([&] (const HttpServer::Request &request) {
      if (request.path == "/k" && ++tries <= 2) return Reply{503, "", {}};
      return serve (request);
    });
    Player player (origin.uri ("/m.m3u8"));
    limit (player, prefetch);
    g_object_set (*player, "retries", 3, nullptr);
    player.play ();
    check_encrypted (player);
    fail_unless_equals_int (tries, 3);
  }
}
GST_END_TEST;

// So is what a key is redirected to.
GST_START_TEST (keys_that_are_redirected_have_a_connection)
{
  for (unsigned prefetch : {2u, 0u}) {
    Files files = encrypted_files ();
    files["/other"] = key;
    auto serve = test::serving (files);
    HttpServer origin ([&] (const HttpServer::Request &request) {
      if (request.path == "/k") return Reply{302, "", {{"Location", "/other"}}};
      return serve (request);
    });
    Player player (origin.uri ("/m.m3u8"));
    limit (player, prefetch);
    player.play ();
    check_encrypted (player);
  }
}
GST_END_TEST;

GST_START_TEST (a_key_in_its_address_costs_no_request)
{
  Files files = encrypted_files ();
  for (const char *name : {"/v.m3u8", "/a.m3u8"}) {
    std::string &text = files[name];
    text.replace (text.find ("\"k\""), 3, "\"data:,0123456789abcdef\"");
  }
  HttpServer origin (test::serving (files));
  Player player (origin.uri ("/m.m3u8"));
  limit (player, 2);
  player.play ();
  check_encrypted (player);
  fail_unless_equals_uint64 (origin.requests ().size (), 3 + 2 * 3);
}
GST_END_TEST;

namespace {

Files hls_files (const char *extension)
{
  std::string end = extension;
  Files files = {{"/m.m3u8",
      "#EXTM3U\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,"
      "URI=\"a.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d\",AUDIO=\"a\"\n"
      "v.m3u8\n"}};
  for (const char *track : {"v", "a"}) {
    std::string name = track;
    files["/" + name + ".m3u8"] =
        test::media_playlist ("#EXTINF:2,\n" + name + "1" + end +
                              "\n#EXTINF:2,\n" + name + "2" + end + "\n");
    for (const char *number : {"1", "2"})
      files["/" + name + number + end] = test::packets (*number, large / 188);
  }
  return files;
}

void check_hls (Player &player, Files files, const char *extension)
{
  std::string end = extension;
  fail_unless (player.output ("video_0").bytes ==
               files["/v1" + end] + files["/v2" + end]);
  fail_unless (player.output ("audio_0").bytes ==
               files["/a1" + end] + files["/a2" + end]);
}

// Without and with initializations, which take more than one read.
Files dash_files ()
{
  Files files = {{"/m.mpd", test::mpd (R"(
      <AdaptationSet mimeType="video/mp4"><SegmentTemplate duration="2"
        media="v$Number$.m4s" initialization="v.mp4"/>
        <Representation id="v" bandwidth="1000"/></AdaptationSet>
      <AdaptationSet mimeType="audio/mp4"><SegmentTemplate duration="2"
        media="a$Number$.m4s" initialization="a.mp4"/>
        <Representation id="a" bandwidth="1000"/></AdaptationSet>)")}};
  for (const char *track : {"v", "a"}) {
    std::string name = track;
    files["/" + name + ".mp4"] = test::init_of (std::string (large, 'i'));
    for (const char *number : {"1", "2"})
      files["/" + name + number + ".m4s"] =
          test::segment_of (name + number, large);
  }
  return files;
}

void check_dash (Player &player, Files files)
{
  for (const char *track : {"v", "a"}) {
    std::string name = track;
    fail_unless (player.output (name == "v" ? "video_0" : "audio_0").bytes ==
                 files["/" + name + ".mp4"] + files["/" + name + "1.m4s"] +
                     files["/" + name + "2.m4s"]);
  }
}

}  // namespace

// A sink that has its first buffer waits for the other one to have its own,
// with the connection that the other one needs.
GST_START_TEST (hls_begins_with_one_connection)
{
  Files files = hls_files (".ts");
  HttpServer origin (test::serving (files));
  for (unsigned prefetch : {0u, 1u, 2u}) {
    Player player (origin.uri ("/m.m3u8"));
    limit (player, prefetch);
    player.play ();
    check_hls (player, files, ".ts");
  }
  // Nothing was asked for twice.
  fail_unless_equals_uint64 (origin.requests ().size (), 3 * 7);
}
GST_END_TEST;

GST_START_TEST (dash_begins_with_one_connection)
{
  Files files = dash_files ();
  HttpServer origin (test::serving (files));
  for (unsigned prefetch : {0u, 1u, 2u}) {
    Player player (origin.uri ("/m.mpd"));
    limit (player, prefetch);
    player.play ();
    check_dash (player, files);
  }
  fail_unless_equals_uint64 (origin.requests ().size (), 3 * 7);
}
GST_END_TEST;

// What is looked at before there are pads has the connection too.
GST_START_TEST (unknown_formats_are_found_with_one_connection)
{
  Files files = hls_files ("");
  HttpServer origin (test::serving (files));
  for (unsigned prefetch : {0u, 2u}) {
    Player player (origin.uri ("/m.m3u8"));
    limit (player, prefetch);
    player.play ();
    check_hls (player, files, "");
  }
  fail_unless_equals_uint64 (origin.requests ().size (), 2 * 7);
}
GST_END_TEST;

// Where there is no room for the rest of a segment it is asked for again.
GST_START_TEST (a_full_memory_gives_its_connection_back)
{
  Files hls = hls_files (".ts");
  Files dash = dash_files ();
  Files all = hls;
  all.insert (dash.begin (), dash.end ());
  HttpServer origin (test::serving (all));
  for (unsigned prefetch : {0u, 2u})
    for (const char *path : {"/m.m3u8", "/m.mpd"}) {
      Player player (origin.uri (path));
      limit (player, prefetch);
      g_object_set (*player, "max-buffer-bytes", guint64{1'000'000}, nullptr);
      player.play ();
      if (std::string (path) == "/m.mpd")
        check_dash (player, dash);
      else
        check_hls (player, hls, ".ts");
    }
  bool any = false;
  for (const auto &request : origin.requests ())
    any |= !request.header ("Range").empty ();
  fail_unless (any);
}
GST_END_TEST;

// A pad whose peer wants no more has no connection any more.
GST_START_TEST (a_pad_that_ends_gives_its_connection_back)
{
  Files files = hls_files (".ts");
  HttpServer origin (test::serving (files));
  for (unsigned prefetch : {0u, 2u}) {
    Player player (origin.uri ("/m.m3u8"));
    limit (player, prefetch);
    auto add = [] (GstElement *, GstPad *pad, gpointer) {
      if (!g_str_has_prefix (GST_PAD_NAME (pad), "video")) return;
      auto end = [] (GstPad *, GstPadProbeInfo *info, gpointer) {
        gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
        GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_EOS;
        return GST_PAD_PROBE_HANDLED;
      };
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, end, nullptr, nullptr);
    };
    g_signal_connect (*player, "pad-added",
        G_CALLBACK (
            static_cast<void (*) (GstElement *, GstPad *, gpointer)> (add)),
        nullptr);
    player.play ();
    fail_unless (
        player.output ("audio_0").bytes == files["/a1.ts"] + files["/a2.ts"]);
  }
}
GST_END_TEST;

static Suite *adaptivesrc_places_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-places");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_set_timeout (tests, 100);
  tcase_add_test (tests, keys_that_fail_at_first_have_a_connection);
  tcase_add_test (tests, keys_that_are_redirected_have_a_connection);
  tcase_add_test (tests, a_key_in_its_address_costs_no_request);
  tcase_add_test (tests, hls_begins_with_one_connection);
  tcase_add_test (tests, dash_begins_with_one_connection);
  tcase_add_test (tests, unknown_formats_are_found_with_one_connection);
  tcase_add_test (tests, a_full_memory_gives_its_connection_back);
  tcase_add_test (tests, a_pad_that_ends_gives_its_connection_back);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_places)

// SPDX-License-Identifier: LGPL-2.1-or-later
// adaptivesrc with media in several places, of which one fails: the BaseURLs of
// DASH, the redundant variants of HLS.
#include <condition_variable>

#include "adaptiverig.h"

using relay::Guarded;
using relay::Owned;
using test::Connection;
using test::Files;
using test::HttpServer;
using test::Player;
using test::Reply;

namespace {

// Which requests fail, and with what.
using Faults = std::function<unsigned (const HttpServer::Request &)>;

HttpServer::Handler serving (Files files, Faults faults = {})
{
  return [files = std::move (files), faults = std::move (faults)] (
             const HttpServer::Request &request) {
    if (unsigned status = faults ? faults (request) : 0; status != 0)
      return Reply{status, "no", {}};
    auto found = files.find (request.path);
    if (found == files.end ()) return Reply{404, "no", {}};
    return Reply{200, found->second, {{"Accept-Ranges", "bytes"}}};
  };
}

Faults failing (const std::string &part)
{
  return [part] (const HttpServer::Request &request) {
    return request.path.find (part) != std::string::npos ? 404U : 0U;
  };
}

std::string base_urls (const std::vector<std::string> &all)
{
  std::string out;
  for (const std::string &one : all) out += "<BaseURL>" + one + "</BaseURL>";
  return out;
}

// Ten segments of 2 s of picture, and five of 4 s of sound.
std::string manifest (const std::string &bases)
{
  std::string out = test::long_mpd;
  return out.insert (out.find ("<Period>"), bases);
}

std::string all_of (const Files &files, const std::string &name, int count)
{
  std::string out = files.at ("/" + name + ".mp4");
  for (int i = 1; i <= count; i++)
    out += files.at ("/" + name + std::to_string (i) + ".m4s");
  return out;
}

// Of the files of the picture, in the order in which they were asked for.
std::vector<std::string> pictures (HttpServer &server)
{
  std::vector<std::string> out;
  for (const std::string &path : test::paths_of (server))
    if (path.starts_with ("/v")) out.push_back (path);
  return out;
}

void check_moves (Player &player, const std::string &from,
    const std::string &to, const std::string &reason)
{
  Owned<GstMessage> message = player.wait_element ("adaptivesrc-failover");
  const GstStructure *fields = gst_message_get_structure (message.get ());
  fail_unless_equals_string (
      gst_structure_get_string (fields, "from"), from.c_str ());
  fail_unless_equals_string (
      gst_structure_get_string (fields, "to"), to.c_str ());
  std::string said = gst_structure_get_string (fields, "reason");
  fail_unless (said.find (reason) != std::string::npos, "%s", said.c_str ());
  fail_unless (said.find ("secret") == std::string::npos);
}

}  // namespace

GST_START_TEST (another_base_takes_over)
{
  const Files files = test::long_files ();
  const struct
  {
    const char *fails;
    std::size_t asked;  // of the pictures, before it is left
    const char *name;   // what it is
  } rows[] = {
      {"/v.mp4", 2, "an initialization"},  // and a segment with it
      {"/v1.m4s", 2, "the first segment"},
      {"/v5.m4s", 6, "a later one"},
      {"/v10.m4s", 11, "the last one"},
      {"/v", 2, "everything"},
  };
  for (const auto &row : rows) {
    HttpServer first (serving (files, failing (row.fails)));
    HttpServer second (serving (files));
    HttpServer origin (serving ({{"/m.mpd",
        manifest (base_urls ({first.uri ("/"), second.uri ("/")}))}}));
    Player player (origin.uri ("/m.mpd"));
    player.play ();
    fail_unless (player.output ("video_0").bytes == all_of (files, "v", 10),
        "%s", row.name);
    fail_unless (player.output ("audio_0").bytes == all_of (files, "a", 5),
        "%s", row.name);
    fail_unless_equals_uint64 (player.stat ("failovers"), 1);
    // What has failed is not asked any more.
    auto paths = pictures (first);
    fail_unless (
        paths.size () <= row.asked, "%s: %zu", row.name, paths.size ());
    fail_unless (paths.back ().find (row.fails) != std::string::npos ||
                     paths.front () == row.fails,
        "%s", row.name);
  }
}
GST_END_TEST;

// It is said, without secrets.
GST_START_TEST (a_move_is_a_message)
{
  const Files files = test::long_files ();
  HttpServer first (serving (files, failing ("/v3.m4s")));
  HttpServer second (serving (files));
  HttpServer origin (serving ({{"/m.mpd",
      manifest (base_urls (
          {"http://me:secret@127.0.0.1:" + std::to_string (first.port ()) + "/",
              second.uri ("/")}))}}));
  Player player (origin.uri ("/m.mpd"));
  player.set_state (GST_STATE_PLAYING);
  check_moves (player, first.uri ("/"), second.uri ("/"),
      first.uri ("/v3.m4s") + ": HTTP status (404)");
}
GST_END_TEST;

// Each is tried once for what fails, in the order of the manifest; the error is
// the last one's.
GST_START_TEST (all_of_them_may_fail)
{
  const Files files = test::long_files ();
  auto with = [&files] (unsigned status) {
    return serving (files, [status] (const HttpServer::Request &request) {
      return request.path == "/v3.m4s" ? status : 0U;
    });
  };
  HttpServer first (with (404));
  HttpServer second (with (403));
  HttpServer third (with (500));
  HttpServer origin (
      serving ({{"/m.mpd", manifest (base_urls ({first.uri ("/"),
                               second.uri ("/"), third.uri ("/")}))}}));
  Player player (origin.uri ("/m.mpd"));
  Owned<GstMessage> message = player.play_to_error (
      gst_resource_error_quark (), GST_RESOURCE_ERROR_OPEN_READ);
  gchar *raw = nullptr;
  gst_message_parse_error (message.get (), nullptr, &raw);
  Owned<gchar> debug{raw};
  fail_unless (
      std::string (raw).find (third.uri ("/v3.m4s")) != std::string::npos, "%s",
      raw);
  fail_unless_equals_uint64 (player.stat ("failovers"), 2);
  for (HttpServer *server : {&first, &second, &third})
    fail_unless_equals_uint64 (test::count_paths (*server, "/v3.m4s"), 1);
}
GST_END_TEST;

// What failed long ago is tried again when the others fail too.
GST_START_TEST (back_to_the_first)
{
  const Files files = test::long_files ();
  HttpServer first (serving (files, failing ("/v2.m4s")));
  HttpServer second (serving (files, failing ("/v6.m4s")));
  HttpServer origin (serving ({{"/m.mpd",
      manifest (base_urls ({first.uri ("/"), second.uri ("/")}))}}));
  Player player (origin.uri ("/m.mpd"));
  player.play ();
  fail_unless (player.output ("video_0").bytes == all_of (files, "v", 10));
  fail_unless_equals_uint64 (player.stat ("failovers"), 2);
  fail_unless (
      pictures (first) ==
          std::vector<std::string> ({"/v.mp4", "/v1.m4s", "/v2.m4s", "/v6.m4s",
              "/v7.m4s", "/v8.m4s", "/v9.m4s", "/v10.m4s"}) ||
      pictures (first)[0] == "/v1.m4s");
}
GST_END_TEST;

// A file with an index: 404 for what begins at this byte.
GST_START_TEST (an_index_is_found_elsewhere)
{
  std::string init = test::box ("ftyp", std::string (92, 'i'));
  const std::string parts[] = {test::segment_of ("1"), test::segment_of ("2")};
  std::string index = test::sidx_of ({parts[0].size (), parts[1].size ()});
  const Files files = {{"/v.mp4", init + index + parts[0] + parts[1]}};
  std::size_t second_part = 100 + index.size () + parts[0].size ();
  for (std::size_t fails :
      {std::size_t{100}, std::size_t{0}, 100 + index.size (), second_part}) {
    HttpServer first (
        serving (files, [fails] (const HttpServer::Request &request) {
          return request.header ("Range").starts_with (
                     "bytes=" + std::to_string (fails) + "-")
                     ? 404U
                     : 0U;
        }));
    HttpServer second (serving (files));
    // At the lowest level.
    HttpServer origin (serving ({{"/m.mpd",
        test::mpd ("<AdaptationSet mimeType='video/mp4'><Representation "
                   "id='x' bandwidth='1'>" +
                   base_urls ({first.uri ("/v.mp4"), second.uri ("/v.mp4")}) +
                   "<SegmentBase indexRange='100-" +
                   std::to_string (99 + index.size ()) +
                   "'><Initialization range='0-99'/></SegmentBase>"
                   "</Representation></AdaptationSet>")}}));
    Player player (origin.uri ("/m.mpd"));
    player.play ();
    fail_unless (player.output ("video_0").bytes == init + parts[0] + parts[1],
        "%zu", fails);
    fail_unless_equals_uint64 (player.stat ("failovers"), 1);
    fail_unless (!second.requests ().empty ());
  }
}
GST_END_TEST;

// Sends the beginning of a file, and closes.
class Cutting
{
public:
  Cutting (Files files, std::string path, std::size_t size)
      : files_ (std::move (files)),
        path_ (std::move (path)),
        size_ (size),
        server_ ([this] (Connection &c, int) { serve (c); })
  {
  }
  std::string uri (const std::string &path) { return server_.uri (path); }

private:
  void serve (Connection &c)
  {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      std::string path = request.substr (4, request.find (' ', 4) - 4);
      std::string body = files_.at (path);
      std::string head = "HTTP/1.1 200 OK\r\nContent-Length: " +
                         std::to_string (body.size ()) + "\r\n\r\n";
      c.send (head + (path == path_ ? body.substr (0, size_) : body));
      if (path == path_) return;
    }
  }

  const Files files_;
  const std::string path_;
  const std::size_t size_;
  test::ScriptedServer server_;
};

// What came before it broke off comes once.
GST_START_TEST (a_segment_goes_on_elsewhere)
{
  const Files files = test::long_files (700000);
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{300000},
           std::size_t{700000}}) {
    for (const char *path : {"/v.mp4", "/v3.m4s"}) {
      if (std::string (path) == "/v.mp4" && size > 1) continue;
      Cutting first (files, path, size);
      HttpServer second (serving (files));
      HttpServer origin (serving ({{"/m.mpd",
          manifest (base_urls ({first.uri ("/"), second.uri ("/")}))}}));
      Player player (origin.uri ("/m.mpd"));
      player.play ();
      auto output = player.output ("video_0");
      fail_unless (
          output.bytes == all_of (files, "v", 10), "%s %zu", path, size);
      fail_unless_equals_uint64 (player.stat ("failovers"), 1);
      // One beginning for each segment, and offsets without a hole.
      std::size_t beginnings = 0;
      guint64 expected = 0;
      for (const auto &item : output.items) {
        if (item.offset == 0) {
          expected = 0;
          beginnings++;
        } else {
          fail_unless (!GST_CLOCK_TIME_IS_VALID (item.pts));
        }
        fail_unless_equals_uint64 (item.offset, expected);
        expected += item.size;
      }
      fail_unless_equals_uint64 (beginnings, 11);
    }
  }
}
GST_END_TEST;

// What is not the same is not put behind it.
GST_START_TEST (another_segment_does_not_go_on)
{
  const Files files = test::long_files (700000);
  Files others = files;
  others["/v3.m4s"] = test::segment_of ("v3", 600000);
  Cutting first (files, "/v3.m4s", 300000);
  HttpServer second (serving (others));
  HttpServer origin (serving ({{"/m.mpd",
      manifest (base_urls ({first.uri ("/"), second.uri ("/")}))}}));
  Player player (origin.uri ("/m.mpd"));
  player.play_to_error (gst_resource_error_quark (), GST_RESOURCE_ERROR_READ);
  std::string whole = all_of (files, "v", 10);
  std::string out = player.output ("video_0").bytes;
  fail_unless (out == whole.substr (0, out.size ()));
}
GST_END_TEST;

// ---- HLS -------------------------------------------------------------------

namespace {

std::string rendition (const std::string &group, const std::string &uri)
{
  return "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"" + group +
         "\",NAME=\"x\",DEFAULT=YES,URI=\"" + uri + "\"\n";
}

std::string variant (const std::string &group, const std::string &uri)
{
  return "#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS=\"avc1.4d,mp4a.40.2\","
         "AUDIO=\"" +
         group + "\"\n" + uri + "\n";
}

// The same at both.
std::string two_variants (HttpServer &first, HttpServer &second)
{
  return "#EXTM3U\n" + rendition ("1", first.uri ("/a.m3u8")) +
         rendition ("2", second.uri ("/a.m3u8")) +
         variant ("1", first.uri ("/v.m3u8")) +
         variant ("2", second.uri ("/v.m3u8"));
}

Files hls_files (bool has_map)
{
  Files files;
  for (const char *name : {"v", "a"}) {
    std::string lines;
    if (has_map) lines = std::string ("#EXT-X-MAP:URI=\"") + name + ".mp4\"\n";
    files[std::string ("/") + name + ".mp4"] = test::init_of (name);
    for (int i = 1; i <= 6; i++) {
      std::string path = name + std::to_string (i) + (has_map ? ".m4s" : ".ts");
      lines += "#EXTINF:2,\n" + path + "\n";
      files["/" + path] =
          has_map ? test::segment_of (path)
                  : test::packets (static_cast<char> ('a' + i), 1000);
    }
    files[std::string ("/") + name + ".m3u8"] = test::media_playlist (lines);
  }
  return files;
}

// Without the initializations, which may come again.
std::string media_of (const Files &files, const char *name, bool has_map)
{
  std::string out;
  for (int i = 1; i <= 6; i++)
    out += files.at (
        "/" + (name + std::to_string (i)) + (has_map ? ".m4s" : ".ts"));
  return out;
}

std::string without (std::string text, const std::string &part)
{
  for (;;) {
    auto at = text.find (part);
    if (at == std::string::npos) return text;
    text.erase (at, part.size ());
  }
}

}  // namespace

GST_START_TEST (a_redundant_variant_takes_over)
{
  const struct
  {
    bool has_map;
    const char *fails;
  } rows[] = {{true, "/v.m3u8"}, {true, "/v.mp4"}, {true, "/v1.m4s"},
      {true, "/v4.m4s"}, {true, "/a.m3u8"}, {true, "/a.mp4"}, {true, "/a3.m4s"},
      {true, "/"}, {false, "/v.m3u8"}, {false, "/v1.ts"}, {false, "/v3.ts"},
      {false, "/a6.ts"}};
  for (const auto &row : rows) {
    const Files files = hls_files (row.has_map);
    HttpServer first (serving (files, failing (row.fails)));
    HttpServer second (serving (files));
    HttpServer origin (serving ({{"/m.m3u8", two_variants (first, second)}}));
    Player player (origin.uri ("/m.m3u8"));
    player.play ();
    for (const char *name : {"v", "a"}) {
      std::string out =
          player.output (name[0] == 'v' ? "video_0" : "audio_0").bytes;
      fail_unless (without (out, test::init_of (name)) ==
                       media_of (files, name, row.has_map),
          "%s: %s", row.fails, name);
      fail_unless (out.starts_with (test::init_of (name)) == row.has_map);
    }
    fail_unless (player.stat ("failovers") >= 1, "%s", row.fails);
    fail_unless (!second.requests ().empty ());
  }
}
GST_END_TEST;

GST_START_TEST (all_variants_may_fail)
{
  for (const char *fails : {"/v.m3u8", "/v3.m4s"}) {
    const Files files = hls_files (true);
    HttpServer first (serving (files, failing (fails)));
    HttpServer second (serving (files, failing (fails)));
    HttpServer origin (serving ({{"/m.m3u8", two_variants (first, second)}}));
    Player player (origin.uri ("/m.m3u8"));
    player.play_to_error (
        gst_resource_error_quark (), GST_RESOURCE_ERROR_NOT_FOUND);
    for (HttpServer *server : {&first, &second})
      fail_unless_equals_uint64 (test::count_paths (*server, fails), 1);
  }
}
GST_END_TEST;

// A variant with other attributes is none of them, nor is a playlist whose
// segments are others.
GST_START_TEST (others_do_not_take_over)
{
  const Files files = hls_files (false);
  Files longer = files;
  longer["/v.m3u8"] = test::media_playlist ("#EXTINF:12,\nv1.ts\n");
  HttpServer first (serving (files, failing ("/v3.ts")));
  HttpServer second (serving (longer));
  const std::string same = two_variants (first, second);
  std::string other = same;
  other.replace (other.rfind ("BANDWIDTH=1000"), 14, "BANDWIDTH=1001");
  for (const std::string &text : {same, other}) {
    HttpServer origin (serving ({{"/m.m3u8", text}}));
    Player player (origin.uri ("/m.m3u8"));
    g_object_set (*player, "max-bitrate", guint64{1000}, nullptr);
    player.play_to_error (
        gst_resource_error_quark (), GST_RESOURCE_ERROR_NOT_FOUND);
  }
}
GST_END_TEST;

// What was read ahead of a segment that breaks off is taken back: that of
// another playlist may be cut otherwise. As long as nobody has had it.
GST_START_TEST (what_nobody_has_had_is_taken_back)
{
  const Files files = hls_files (false);
  Guarded<bool> asked (false);
  std::condition_variable changed;
  Cutting first (files, "/v2.ts", 100000);
  HttpServer second (serving (files, [&] (const HttpServer::Request &request) {
    if (request.path == "/v2.ts") {
      *asked.lock () = true;
      changed.notify_all ();
    }
    return 0U;
  }));
  HttpServer origin (serving ({{"/m.m3u8",
      "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + first.uri ("/v.m3u8") +
          "\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + second.uri ("/v.m3u8") +
          "\n"}}));
  Player player (origin.uri ("/m.m3u8"));
  player.on_buffer = [&] (const std::string &, const std::string &) {
    auto was = asked.lock ();
    fail_unless (was.wait_for (
        changed, std::chrono::seconds (20), [] (bool &now) { return now; }));
  };
  player.play ();
  fail_unless (player.output ("video_0").bytes == media_of (files, "v", false));
  fail_unless_equals_uint64 (player.stat ("failovers"), 1);
}
GST_END_TEST;

// And where somebody has, it is an error.
GST_START_TEST (what_somebody_has_had_is_not)
{
  const Files files = hls_files (false);
  Cutting first (files, "/v2.ts", 100000);
  HttpServer second (serving (files));
  HttpServer origin (serving ({{"/m.m3u8",
      "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + first.uri ("/v.m3u8") +
          "\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + second.uri ("/v.m3u8") +
          "\n"}}));
  Player player (origin.uri ("/m.m3u8"));
  g_object_set (*player, "prefetch-segments", 0, nullptr);
  player.play_to_error (gst_resource_error_quark (), GST_RESOURCE_ERROR_READ);
  std::string out = player.output ("video_0").bytes;
  fail_unless (out == media_of (files, "v", false).substr (0, out.size ()));
}
GST_END_TEST;

static Suite *adaptivesrc_failover_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-failover");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_set_timeout (tests, 90);
  tcase_add_test (tests, another_base_takes_over);
  tcase_add_test (tests, a_move_is_a_message);
  tcase_add_test (tests, all_of_them_may_fail);
  tcase_add_test (tests, back_to_the_first);
  tcase_add_test (tests, an_index_is_found_elsewhere);
  tcase_add_test (tests, a_segment_goes_on_elsewhere);
  tcase_add_test (tests, another_segment_does_not_go_on);
  tcase_add_test (tests, a_redundant_variant_takes_over);
  tcase_add_test (tests, all_variants_may_fail);
  tcase_add_test (tests, others_do_not_take_over);
  tcase_add_test (tests, what_nobody_has_had_is_taken_back);
  tcase_add_test (tests, what_somebody_has_had_is_not);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_failover)

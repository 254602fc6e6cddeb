// SPDX-License-Identifier: LGPL-2.1-or-later
// How adaptivesrc gets from an address to the first media: what it asks for at
// once, and in how many round trips.
#include <condition_variable>
#include <set>

#include "adaptiverig.h"
#include "segmentencrypter.h"

using presentation::Encryption;
using relay::Guarded;
using test::be32;
using test::Connection;
using test::Files;
using test::Player;
using test::Reply;

namespace {

// Serves files, and parts of them, in rounds: what belongs to one is answered
// when all of it has been asked for. Who asks for one thing after the other
// waits in vain.
class Rounds
{
public:
  using Round = std::set<std::string>;  // paths, "path#first" for parts

  Rounds (Files files, std::vector<Round> rounds)
      : files_ (std::move (files)),
        rounds_ (std::move (rounds)),
        server_ ([this] (Connection &c, int) { serve (c); })
  {
  }
  ~Rounds ()
  {
    state_.lock ()->is_over = true;
    changed_.notify_all ();
    server_.stop ();
  }
  Rounds (const Rounds &) = delete;
  Rounds &operator= (const Rounds &) = delete;

  std::string uri (const std::string &path) { return server_.uri (path); }
  // Each of them was asked for when what came before had been answered, and
  // nothing later had: one round trip for each round.
  void check ()
  {
    auto state = state_.lock ();
    for (std::size_t i = 0; i < rounds_.size (); i++)
      for (const std::string &name : rounds_[i]) {
        fail_unless_equals_uint64 (state->asked[name], 1);
        fail_unless (state->generation[name] == i + 1, "%s: %zu, not %zu",
            name.c_str (), state->generation[name], i + 1);
      }
  }
  std::size_t asked (const std::string &name)
  {
    return state_.lock ()->asked[name];
  }

private:
  struct State
  {
    std::map<std::string, std::size_t> asked;
    // 1 for what depends on nothing, 2 for what depends on that, ...
    std::map<std::string, std::size_t> generation;
    std::size_t answered = 0;  // the last one of which something was
    bool is_over = false;
  };

  void wait_for_the_others (const std::string &name)
  {
    auto state = state_.lock ();
    state->asked[name]++;
    state->generation[name] = state->answered + 1;
    changed_.notify_all ();
    for (const Round &round : rounds_) {
      if (!round.contains (name)) continue;
      bool all = state.wait_for (
          changed_, std::chrono::seconds (20), [&round] (State &now) {
            return now.is_over ||
                   std::ranges::all_of (round,
                       [&now] (const auto &one) { return now.asked[one] > 0; });
          });
      fail_unless (all, "%s was alone", name.c_str ());
    }
    state->answered = std::max (state->answered, state->generation[name]);
  }

  void serve (Connection &c)
  {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      std::string path = request.substr (4, request.find (' ', 4) - 4);
      std::string range = test::header_of (request, "Range");
      std::size_t first = 0;
      std::size_t last = 0;
      bool is_part =
          std::sscanf (range.c_str (), "bytes=%zu-%zu", &first, &last) == 2;
      wait_for_the_others (
          is_part ? path + "#" + std::to_string (first) : path);
      auto found = files_.find (path);
      std::string head = "HTTP/1.1 404 Not Found\r\n";
      std::string body;
      if (found != files_.end ()) {
        head = "HTTP/1.1 200 OK\r\n";
        body = found->second;
        if (is_part) {
          head = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " +
                 std::to_string (first) + "-" + std::to_string (last) + "/" +
                 std::to_string (body.size ()) + "\r\n";
          body = body.substr (first, last - first + 1);
        }
      }
      c.send (head + "Content-Length: " + std::to_string (body.size ()) +
              "\r\n\r\n" + body);
    }
  }

  const Files files_;
  const std::vector<Round> rounds_;
  Guarded<State> state_;
  std::condition_variable changed_;
  test::ScriptedServer server_;
};

const std::string key_1 = "0123456789abcdef";
const std::string key_2 = "fedcba9876543210";

std::string encrypted (const std::string &key, const std::string &clear)
{
  Encryption::Iv iv{};
  iv[15] = 1;
  return test::encrypt_segment (Encryption::Cipher::aes_128,
      test::Bytes (key.begin (), key.end ()), iv, clear);
}

std::string key_line (const std::string &uri)
{
  return "#EXT-X-KEY:METHOD=AES-128,URI=\"" + uri + "\",IV=0x1\n";
}

// Picture, sound and text, of which the first two are encrypted: the key of the
// picture is in the Multivariant Playlist too.
Files hls_files ()
{
  return {
      {"/m.m3u8",
          "#EXTM3U\n"
          "#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k1\"\n"
          "#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\","
          "KEYFORMAT=\"com.apple.streamingkeydelivery\"\n"
          "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,"
          "URI=\"a.m3u8\"\n"
          "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"y\",DEFAULT=YES,"
          "URI=\"t.m3u8\"\n"
          "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d\",AUDIO=\"a\","
          "SUBTITLES=\"t\"\nv.m3u8\n"},
      {"/v.m3u8",
          test::media_playlist ("#EXT-X-MAP:URI=\"v.mp4\"\n" + key_line ("k1") +
                                "#EXTINF:2,\nv1.m4s\n")},
      {"/a.m3u8",
          test::media_playlist ("#EXT-X-MAP:URI=\"a.mp4\"\n" + key_line ("k2") +
                                "#EXTINF:2,\na1.m4s\n")},
      {"/t.m3u8", test::media_playlist ("#EXTINF:2,\nt1.vtt\n")},
      {"/k1", key_1},
      {"/k2", key_2},
      {"/v.mp4", test::init_of ("v")},
      {"/v1.m4s", encrypted (key_1, test::segment_of ("v1"))},
      {"/a.mp4", test::init_of ("a")},
      {"/a1.m4s", encrypted (key_2, test::segment_of ("a1"))},
      {"/t1.vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nx\n"},
  };
}

// What begins a file: an initialization of 100 bytes, and an index.
std::string one_file (const std::string &name)
{
  std::string init = test::box ("ftyp", std::string (92, 'i'));
  std::string first = test::segment_of (name + "1");
  std::string second = test::segment_of (name + "2");
  return init + test::sidx_of ({first.size (), second.size ()}) + first +
         second;
}

void check_hls (Player &player)
{
  fail_unless (player.output ("video_0").bytes ==
               test::init_of ("v") + test::segment_of ("v1"));
  fail_unless (player.output ("audio_0").bytes ==
               test::init_of ("a") + test::segment_of ("a1"));
  fail_unless (player.output ("text_0").bytes.starts_with ("WEBVTT"));
}

// What refers to media, or to other indexes.
std::string index_of (bool of_indexes, const std::vector<std::size_t> &sizes)
{
  std::string out = test::sidx_of (sizes);
  for (std::size_t i = 0; of_indexes && i < sizes.size (); i++)
    out[32 + 12 * i] |= static_cast<char> (0x80);
  return out;
}

// A file with three levels of indexes, each of them in front of what it
// indexes; the same without them; and where those of the levels begin.
struct Indexed
{
  std::string file;
  std::string media;
  std::vector<std::size_t> branches;
  std::vector<std::size_t> leaves;
};

Indexed indexed ()
{
  Indexed out;
  std::vector<std::string> branches;
  std::vector<std::size_t> sizes;
  std::size_t at = 100 + test::sidx_of ({1, 1}).size ();
  for (char a = 'a'; a <= 'b'; a++) {
    out.branches.push_back (at);
    std::size_t leaf_at = at + test::sidx_of ({1, 1}).size ();
    std::string leaves;
    std::vector<std::size_t> of_leaves;
    for (char b = 'a'; b <= 'b'; b++) {
      out.leaves.push_back (leaf_at + leaves.size ());
      // Longer than what is read over.
      std::string segment = test::segment_of (std::string (20000, b));
      std::string leaf = index_of (false, {segment.size ()}) + segment;
      of_leaves.push_back (leaf.size ());
      leaves += leaf;
      out.media += segment;
    }
    branches.push_back (index_of (true, of_leaves) + leaves);
    sizes.push_back (branches.back ().size ());
    at += sizes.back ();
  }
  std::string init = test::box ("ftyp", std::string (92, 'i'));
  out.file = init + index_of (true, sizes) + branches[0] + branches[1];
  out.media = init + out.media;
  return out;
}

std::string indexed_mpd ()
{
  return test::mpd (
      "<AdaptationSet mimeType='video/mp4'><Representation id='x' "
      "bandwidth='1'><BaseURL>v.mp4</BaseURL><SegmentBase "
      "indexRange='100-155'><Initialization range='0-99'/></SegmentBase>"
      "</Representation></AdaptationSet>",
      "mediaPresentationDuration='PT8S'");
}

std::string part (const std::string &path, std::size_t first)
{
  return path + "#" + std::to_string (first);
}

}  // namespace

// Each level of indexes is one round trip, however many there are on it. The
// first of the lower ones are in the same bytes as those above them.
GST_START_TEST (each_level_of_indexes_is_a_round_trip)
{
  Indexed file = indexed ();
  Rounds origin ({{"/m.mpd", indexed_mpd ()}, {"/v.mp4", file.file}},
      {{"/m.mpd"}, {"/v.mp4#100"},
          {part ("/v.mp4", file.branches[0]),
              part ("/v.mp4", file.branches[1])},
          {part ("/v.mp4", file.leaves[1]), part ("/v.mp4", file.leaves[3])},
          {"/v.mp4#0", part ("/v.mp4", file.leaves[0] + 44)}});
  Player player (origin.uri ("/m.mpd"));
  player.play ();
  fail_unless (player.output ("video_0").bytes == file.media);
  origin.check ();
}
GST_END_TEST;

namespace {

// Serves the manifest and the highest index, and what is below as the script
// says.
test::ScriptedServer::Script indexes (
    std::function<void (Connection &, std::size_t first)> below)
{
  return [below = std::move (below), file = indexed ().file] (
             Connection &c, int) {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      std::string range = test::header_of (request, "Range");
      std::size_t first = 0;
      if (std::sscanf (range.c_str (), "bytes=%zu-", &first) != 1) {
        std::string body = indexed_mpd ();
        c.send ("HTTP/1.1 200 OK\r\nContent-Length: " +
                std::to_string (body.size ()) + "\r\n\r\n" + body);
      } else if (first == 100) {
        c.send (
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 100-155/" +
            std::to_string (file.size ()) + "\r\nContent-Length: 56\r\n\r\n" +
            file.substr (100, 56));
      } else {
        below (c, first);
      }
    }
  };
}

}  // namespace

// One of them is not there: the other one is not waited for.
GST_START_TEST (an_index_that_is_missing_ends_it)
{
  test::ScriptedServer origin (
      indexes ([last = indexed ().branches[1]] (Connection &c, std::size_t at) {
        if (at == last)
          c.send ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        else
          c.hang ();
      }));
  Player player (origin.uri ("/m.mpd"));
  player.play_to_error (
      gst_resource_error_quark (), GST_RESOURCE_ERROR_NOT_FOUND);
}
GST_END_TEST;

GST_START_TEST (a_stop_breaks_all_indexes)
{
  Guarded<std::size_t> asked{0};
  std::condition_variable changed;
  test::ScriptedServer origin (indexes ([&] (Connection &c, std::size_t) {
    (*asked.lock ())++;
    changed.notify_all ();
    c.hang ();
  }));
  Player player (origin.uri ("/m.mpd"));
  player.set_state (GST_STATE_PLAYING);
  fail_unless (asked.lock ().wait_for (changed, std::chrono::seconds (20),
      [] (std::size_t count) { return count == 2; }));
  player.set_state (GST_STATE_READY);
  fail_unless (player.wait (GST_MESSAGE_ERROR, 0) == nullptr);
}
GST_END_TEST;

GST_START_TEST (hls_needs_three_round_trips)
{
  Rounds origin (hls_files (),
      {{"/m.m3u8"}, {"/v.m3u8", "/a.m3u8", "/t.m3u8", "/k1"},
          {"/v.mp4", "/v1.m4s", "/a.mp4", "/k2", "/a1.m4s", "/t1.vtt"}});
  Player player (origin.uri ("/m.m3u8"));
  player.play ();
  check_hls (player);
  origin.check ();
}
GST_END_TEST;

// The elements that stand elsewhere, then the indexes, then media.
GST_START_TEST (dash_needs_four_round_trips)
{
  auto remote = [] (const char *name) {
    return std::string (
               "<AdaptationSet xmlns:x='http://www.w3.org/1999/xlink'"
               " x:href='") +
           name + ".xml'/>";
  };
  auto set = [] (const std::string &name, const char *type) {
    return "<AdaptationSet mimeType='" + std::string (type) +
           "/mp4'><Representation id='x' bandwidth='1'><BaseURL>" + name +
           ".mp4</BaseURL><SegmentBase indexRange='100-155'>"
           "<Initialization range='0-99'/></SegmentBase></Representation>"
           "</AdaptationSet>";
  };
  Files files = {{"/m.mpd", test::mpd (remote ("v") + remote ("a"))},
      {"/v.xml", set ("v", "video")}, {"/a.xml", set ("a", "audio")},
      {"/v.mp4", one_file ("v")}, {"/a.mp4", one_file ("a")}};
  fail_unless_equals_uint64 (test::sidx_of ({1, 1}).size (), 56);
  Rounds origin (
      files, {{"/m.mpd"}, {"/v.xml", "/a.xml"}, {"/v.mp4#100", "/a.mp4#100"},
                 {"/v.mp4#0", "/v.mp4#156", "/a.mp4#0", "/a.mp4#156"}});
  Player player (origin.uri ("/m.mpd"));
  player.play ();
  std::string file = files["/v.mp4"];
  fail_unless (player.output ("video_0").bytes ==
               file.substr (0, 100) + file.substr (156));
  origin.check ();
}
GST_END_TEST;

// Nothing of the manifest or the addresses says what the tracks are.
GST_START_TEST (unknown_formats_are_looked_at_at_once)
{
  Files files = {{"/m.m3u8",
                     "#EXTM3U\n"
                     "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\","
                     "DEFAULT=YES,URI=\"a.m3u8\"\n"
                     "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d\","
                     "AUDIO=\"a\"\nv.m3u8\n"},
      {"/v.m3u8", test::media_playlist ("#EXTINF:2,\nv1\n")},
      {"/a.m3u8", test::media_playlist ("#EXTINF:2,\na1\n")},
      {"/v1", test::packets ('v', 1000)}, {"/a1", test::packets ('a', 1000)}};
  Rounds origin (files, {{"/m.m3u8"}, {"/v.m3u8", "/a.m3u8"}, {"/v1", "/a1"}});
  Player player (origin.uri ("/m.m3u8"));
  player.play ();
  fail_unless (player.output ("video_0").bytes == files["/v1"]);
  fail_unless (player.output ("audio_0").bytes == files["/a1"]);
  origin.check ();
}
GST_END_TEST;

// A key does not wait for media that wait for the key.
GST_START_TEST (one_connection_is_enough)
{
  Rounds origin (hls_files (), {});
  for (bool has_place : {false, true}) {
    Player player (origin.uri ("/m.m3u8"));
    g_object_set (*player, "max-connections-per-host", 1, nullptr);
    // No sink holds up the one that has the connection until others have it.
    player.waits_for_all = false;
    // The prefetching thread or the pad's own.
    if (has_place) g_object_set (*player, "prefetch-segments", 0, nullptr);
    player.play ();
    check_hls (player);
  }
  fail_unless_equals_uint64 (origin.asked ("/k1"), 2);
  fail_unless_equals_uint64 (origin.asked ("/k2"), 2);
}
GST_END_TEST;

// Those of a session that are not there are not missed.
GST_START_TEST (session_keys_may_fail)
{
  Files files = hls_files ();
  files["/m.m3u8"].insert (8,
      "#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"nowhere\"\n"
      "#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"data:,0123456789abcdef\"\n"
      "#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"file:///etc/passwd\"\n");
  Rounds origin (files, {});
  Player player (origin.uri ("/m.m3u8"));
  player.play ();
  check_hls (player);
  fail_unless_equals_uint64 (origin.asked ("/k1"), 1);
  fail_unless_equals_uint64 (origin.asked ("/k2"), 1);
  fail_unless_equals_uint64 (origin.asked ("/nowhere"), 1);
}
GST_END_TEST;

// With one problem the rest is not waited for.
GST_START_TEST (a_playlist_that_is_missing_ends_it)
{
  Files files = hls_files ();
  files.erase ("/a.m3u8");
  test::Origin origin (
      files, [] (const std::string &path) { return path != "/v.m3u8"; });
  Player player (origin.uri ("/m.m3u8"));
  player.play_to_error (
      gst_resource_error_quark (), GST_RESOURCE_ERROR_NOT_FOUND);
}
GST_END_TEST;

GST_START_TEST (a_stop_breaks_all_of_them)
{
  const std::set<std::string> hanging = {
      "/v.m3u8", "/a.m3u8", "/t.m3u8", "/k1"};
  Guarded<std::set<std::string>> seen;
  std::condition_variable changed;
  test::Origin origin (hls_files (), [&] (const std::string &path) {
    seen.lock ()->insert (path);
    changed.notify_all ();
    return !hanging.contains (path);
  });
  Player player (origin.uri ("/m.m3u8"));
  player.set_state (GST_STATE_PLAYING);
  {
    auto paths = seen.lock ();
    fail_unless (paths.wait_for (
        changed, std::chrono::seconds (20), [&] (const auto &all) {
          return std::ranges::includes (all, hanging);
        }));
  }
  player.set_state (GST_STATE_READY);
  fail_unless (player.wait (GST_MESSAGE_ERROR, 0) == nullptr);
}
GST_END_TEST;

static Suite *adaptivesrc_loading_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-loading");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, hls_needs_three_round_trips);
  tcase_add_test (tests, dash_needs_four_round_trips);
  tcase_add_test (tests, each_level_of_indexes_is_a_round_trip);
  tcase_add_test (tests, an_index_that_is_missing_ends_it);
  tcase_add_test (tests, a_stop_breaks_all_indexes);
  tcase_add_test (tests, unknown_formats_are_looked_at_at_once);
  tcase_add_test (tests, one_connection_is_enough);
  tcase_add_test (tests, session_keys_may_fail);
  tcase_add_test (tests, a_playlist_that_is_missing_ends_it);
  tcase_add_test (tests, a_stop_breaks_all_of_them);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_loading)

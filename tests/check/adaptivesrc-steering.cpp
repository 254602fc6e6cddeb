// SPDX-License-Identifier: LGPL-2.1-or-later
// adaptivesrc with a server that says where the media are to be asked for
// (Content Steering).
#include <condition_variable>

#include "adaptiverig.h"

using relay::Guarded;
using relay::Owned;
using test::Files;
using test::HttpServer;
using test::Player;
using test::Reply;

namespace {

constexpr int segments = 4;

Files files ()
{
  Files out;
  for (const char *name : {"v", "a"}) {
    std::string lines = std::string ("#EXT-X-MAP:URI=\"") + name + ".mp4\"\n";
    out[std::string ("/") + name + ".mp4"] = test::init_of (name);
    for (int i = 1; i <= segments; i++) {
      std::string path = name + std::to_string (i) + ".m4s";
      lines += "#EXTINF:2,\n" + path + "\n";
      out["/" + path] = test::segment_of (path);
    }
    out[std::string ("/") + name + ".m3u8"] = test::media_playlist (lines);
  }
  return out;
}

std::string pathway (const std::string &id, HttpServer &server)
{
  return "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"" + id +
         "\",NAME=\"x\",DEFAULT=YES,URI=\"" + server.uri ("/a.m3u8") +
         "\"\n#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS=\"avc1.4d,mp4a.40.2\","
         "AUDIO=\"" +
         id + "\",PATHWAY-ID=\"" + id + "\"\n" + server.uri ("/v.m3u8") + "\n";
}

std::string without_inits (std::string text)
{
  for (const char *name : {"v", "a"}) {
    const std::string init = test::init_of (name);
    for (auto at = text.find (init); at != std::string::npos;
         at = text.find (init))
      text.erase (at, init.size ());
  }
  return text;
}

std::string media_of (const char *name)
{
  const Files all = files ();
  std::string out;
  for (int i = 1; i <= segments; i++)
    out += all.at ("/" + (name + std::to_string (i)) + ".m4s");
  return out;
}

// The origin has the playlist and is the server that steers; the media are at
// two others, "one" and "two".
struct Rig
{
  using Steer = std::function<Reply (const HttpServer::Request &)>;

  // tag: what follows SERVER-URI.
  explicit Rig (Steer steer, const std::string &tag = "")
      : one (test::serving (files ())),
        two (test::serving (files ())),
        origin ([this, steer = std::move (steer), tag] (
                    const HttpServer::Request &request) {
          if (request.path != "/m.m3u8") return steer (request);
          return Reply{200,
              "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"steer?x=secret\"" +
                  tag + "\n" + pathway ("one", one) + pathway ("two", two),
              {}};
        })
  {
  }

  HttpServer one;
  HttpServer two;
  HttpServer origin;
};

Reply said (const std::string &json)
{
  return {200, json, {{"Content-Type", "application/json"}}};
}

// Holds the first buffer of each pad until the server has said something so
// many times.
class HeldPlayer : public Player
{
public:
  HeldPlayer (Rig &rig, unsigned times)
      : HeldPlayer (rig.origin.uri ("/m.m3u8"), times)
  {
  }
  HeldPlayer (const std::string &location, unsigned times)
      : Player (location), times_ (times)
  {
    g_object_set (**this, "prefetch-segments", 0, nullptr);
    Owned<GstBus> bus{gst_element_get_bus (pipeline ())};
    gst_bus_set_sync_handler (bus.get (), on_message, this, nullptr);
    on_buffer = [this] (const std::string &, const std::string &) {
      auto count = count_.lock ();
      fail_unless (count.wait_for (changed_, std::chrono::seconds (20),
          [this] (unsigned now) { return now >= times_; }));
    };
  }
  ~HeldPlayer () { set_state (GST_STATE_NULL); }
  HeldPlayer (const HeldPlayer &) = delete;
  HeldPlayer &operator= (const HeldPlayer &) = delete;

private:
  static GstBusSyncReply on_message (
      GstBus *, GstMessage *message, gpointer data)
  {
    auto *self = static_cast<HeldPlayer *> (data);
    if (gst_message_has_name (message, "adaptivesrc-steering")) {
      ++*self->count_.lock ();
      self->changed_.notify_all ();
    }
    return GST_BUS_PASS;
  }

  const unsigned times_;
  Guarded<unsigned> count_{0};
  std::condition_variable changed_;
};

void check_media (Player &player)
{
  fail_unless (
      without_inits (player.output ("video_0").bytes) == media_of ("v"));
  fail_unless (
      without_inits (player.output ("audio_0").bytes) == media_of ("a"));
}

}  // namespace

// What it says is so from the next segment on, for picture and sound.
GST_START_TEST (the_server_says_where)
{
  const struct
  {
    const char *tag;
    const char *priority;
    bool begins_at_two;
    bool goes_on_at_two;
  } rows[] = {
      // The first one that the playlist has,
      {"", R"(["two","one"])", false, true},
      {"", R"(["one"])", false, false},
      // or the one that it says.
      {",PATHWAY-ID=\"two\"", R"(["one","two"])", true, false},
      // One that is nowhere is passed over.
      {",PATHWAY-ID=\"x\"", R"(["x","two"])", false, true},
  };
  for (const auto &row : rows) {
    Rig rig (
        [&row] (const HttpServer::Request &) {
          return said (
              std::string (R"({"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":)") +
              row.priority + "}");
        },
        row.tag);
    HeldPlayer player (rig, 1);
    player.play ();
    check_media (player);
    HttpServer &first = row.begins_at_two ? rig.two : rig.one;
    HttpServer &then = row.goes_on_at_two ? rig.two : rig.one;
    HttpServer &never = row.goes_on_at_two ? rig.one : rig.two;
    // The answer may be there before the media are asked for.
    for (const char *path :
        {"/v2.m4s", "/v3.m4s", "/v4.m4s", "/a2.m4s", "/a3.m4s", "/a4.m4s"}) {
      fail_unless (test::count_paths (then, path) == 1, "%s", path);
      fail_unless (test::count_paths (never, path) == 0, "%s", path);
    }
    fail_unless (test::count_paths (first, "/v1.m4s") +
                     test::count_paths (then, "/v1.m4s") >=
                 1);
    fail_unless_equals_uint64 (player.stat ("failovers"), 0);
    fail_unless_equals_uint64 (test::count_paths (rig.origin, "/steer"), 1);
  }
}
GST_END_TEST;

// When its time is over, where it said, with what is being played.
GST_START_TEST (it_is_asked_again)
{
  Rig rig (
      [] (const HttpServer::Request &request) {
        if (request.path.starts_with ("/steer"))
          return said (R"({"VERSION":1,"TTL":1,"RELOAD-URI":"\/next?y=1",)"
                       R"("PATHWAY-PRIORITY":["one"]})");
        return said (R"({"VERSION":1,"PATHWAY-PRIORITY":["two","one"]})");
      },
      ",PATHWAY-ID=\"two\"");
  HeldPlayer player (rig, 2);
  player.play ();
  check_media (player);
  std::vector<std::string> asked;
  for (const auto &request : rig.origin.requests ())
    if (request.path != "/m.m3u8") asked.push_back (request.path);
  fail_unless_equals_uint64 (asked.size (), 2);
  fail_unless_equals_string (
      asked[0].c_str (), "/steer?x=secret&_HLS_pathway=two");
  fail_unless (asked[1].starts_with ("/next?y=1&_HLS_pathway=one"), "%s",
      asked[1].c_str ());
  fail_unless_equals_uint64 (test::count_paths (rig.two, "/v4.m4s"), 1);
}
GST_END_TEST;

GST_START_TEST (what_it_said_is_a_message)
{
  Rig rig ([] (const HttpServer::Request &) {
    return said (R"({"VERSION":1,"TTL":7,"PATHWAY-PRIORITY":["two","one"]})");
  });
  Player player (rig.origin.uri ("/m.m3u8"));
  player.set_state (GST_STATE_PLAYING);
  Owned<GstMessage> message = player.wait_element ("adaptivesrc-steering");
  const GstStructure *fields = gst_message_get_structure (message.get ());
  const std::string server = rig.origin.uri ("/steer");
  fail_unless_equals_string (
      gst_structure_get_string (fields, "server"), server.c_str ());
  guint64 ttl = 0;
  fail_unless (gst_structure_get_uint64 (fields, "ttl", &ttl) && ttl == 7);
  const GValue *all = gst_structure_get_value (fields, "priority");
  fail_unless_equals_uint64 (gst_value_array_get_size (all), 2);
  fail_unless_equals_string (
      g_value_get_string (gst_value_array_get_value (all, 0)), "two");
}
GST_END_TEST;

// The media are played all the same, where they are.
GST_START_TEST (a_server_that_fails)
{
  const struct
  {
    Reply reply;
    bool warns;
    const char *name;
  } rows[] = {
      {{404, "no", {}}, true, "not found"},
      {{503, "no", {{"Retry-After", "100"}}}, true, "not now"},
      {{410, "no", {}}, false, "not any more"},
      {{200, "<html>", {}}, true, "garbage"},
      {{200, R"({"VERSION":2,"PATHWAY-PRIORITY":["two"]})", {}}, true,
          "another version"},
  };
  for (const auto &row : rows) {
    Guarded<bool> asked (false);
    std::condition_variable changed;
    Rig rig ([&] (const HttpServer::Request &) {
      *asked.lock () = true;
      changed.notify_all ();
      return row.reply;
    });
    Player player (rig.origin.uri ("/m.m3u8"));
    player.on_buffer = [&] (const std::string &, const std::string &) {
      auto was = asked.lock ();
      fail_unless (was.wait_for (
          changed, std::chrono::seconds (20), [] (bool now) { return now; }));
    };
    player.set_state (GST_STATE_PAUSED);
    if (row.warns) {
      Owned<GstMessage> message = player.wait (GST_MESSAGE_WARNING);
      fail_unless (message != nullptr, "%s", row.name);
      GError *raw = nullptr;
      gchar *debug = nullptr;
      gst_message_parse_warning (message.get (), &raw, &debug);
      Owned<GError> error{raw};
      Owned<gchar> text{debug};
      fail_unless (
          g_error_matches (raw, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ));
      fail_unless (strstr (debug, "secret") == nullptr, "%s", debug);
    }
    player.play ();
    check_media (player);
    fail_unless (
        player.wait (GST_MESSAGE_WARNING, 0) == nullptr, "%s", row.name);
    fail_unless_equals_uint64 (test::count_paths (rig.origin, "/steer"), 1);
    fail_unless_equals_uint64 (rig.two.requests ().size (), 0);
  }
}
GST_END_TEST;

// One that never answers holds up nothing, the end neither.
GST_START_TEST (a_server_that_hangs)
{
  test::ScriptedServer silent ([] (test::Connection &c, int) {
    while (!c.read_request ().empty ()) continue;
  });
  HttpServer one (test::serving (files ()));
  HttpServer origin (test::serving (
      {{"/m.m3u8", "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"" +
                       silent.uri ("/s") + "\"\n" + pathway ("one", one)}}));
  Player player (origin.uri ("/m.m3u8"));
  g_object_set (*player, "timeout", 3600U, nullptr);
  player.play ();
  check_media (player);
  player.set_state (GST_STATE_NULL);
}
GST_END_TEST;

// As everything is.
GST_START_TEST (it_is_asked_by_the_proxy)
{
  Rig rig ([] (const HttpServer::Request &) {
    return said (R"({"VERSION":1,"PATHWAY-PRIORITY":["one"]})");
  });
  test::ForwardProxy proxy;
  HeldPlayer player (rig, 1);
  g_object_set (*player, "proxy", proxy.uri ().c_str (), nullptr);
  player.play ();
  check_media (player);
  fail_unless_equals_uint64 (
      player.stat ("requests"), player.stat ("requests-proxied"));
  bool was_asked = false;
  for (const std::string &request : proxy.requests ())
    was_asked = was_asked || request.find ("/steer?") != std::string::npos;
  fail_unless (was_asked);
}
GST_END_TEST;

// DASH: the BaseURLs with these serviceLocations.
GST_START_TEST (base_urls_are_steered)
{
  const Files media = test::long_files ();
  HttpServer one (test::serving (media));
  HttpServer two (test::serving (media));
  std::string mpd = test::long_mpd;
  mpd.insert (mpd.find ("<Period>"),
      "<BaseURL serviceLocation='one'>" + one.uri ("/") +
          "</BaseURL><BaseURL serviceLocation='two'>" + two.uri ("/") +
          "</BaseURL><ContentSteering defaultServiceLocation='two'>steer"
          "</ContentSteering>");
  HttpServer origin ([&mpd] (const HttpServer::Request &request) {
    if (request.path == "/m.mpd") return Reply{200, mpd, {}};
    return said (R"({"VERSION":1,"PATHWAY-PRIORITY":["one","two"]})");
  });
  HeldPlayer player (origin.uri ("/m.mpd"), 1);
  player.play ();
  std::string expected = media.at ("/v.mp4");
  for (int i = 1; i <= 10; i++)
    expected += media.at ("/v" + std::to_string (i) + ".m4s");
  fail_unless (player.output ("video_0").bytes == expected);
  for (const char *path : {"/v2.m4s", "/v10.m4s", "/a2.m4s", "/a5.m4s"}) {
    fail_unless (test::count_paths (one, path) == 1, "%s", path);
    fail_unless (test::count_paths (two, path) == 0, "%s", path);
  }
  fail_unless_equals_uint64 (
      test::count_paths (origin, "/steer?_DASH_pathway=two"), 1);
}
GST_END_TEST;

// It may be in the playlist itself.
GST_START_TEST (data_say_where)
{
  HttpServer one (test::serving (files ()));
  HttpServer two (test::serving (files ()));
  // {"VERSION":1,"TTL":1,"PATHWAY-PRIORITY":["two"]}
  HttpServer origin (test::serving ({{"/m.m3u8",
      "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"data:application/json,"
      "%7B%22VERSION%22:1,%22TTL%22:1,%22PATHWAY-PRIORITY%22:[%22two%22]%"
      "7D\"\n" +
          pathway ("one", one) + pathway ("two", two)}}));
  Player player (origin.uri ("/m.m3u8"));
  player.set_state (GST_STATE_PAUSED);
  (void)player.wait_element ("adaptivesrc-steering");
  player.play ();
  check_media (player);
  fail_unless_equals_uint64 (test::count_paths (two, "/v4.m4s"), 1);
}
GST_END_TEST;

static Suite *adaptivesrc_steering_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-steering");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_set_timeout (tests, 90);
  tcase_add_test (tests, the_server_says_where);
  tcase_add_test (tests, it_is_asked_again);
  tcase_add_test (tests, what_it_said_is_a_message);
  tcase_add_test (tests, a_server_that_fails);
  tcase_add_test (tests, a_server_that_hangs);
  tcase_add_test (tests, it_is_asked_by_the_proxy);
  tcase_add_test (tests, base_urls_are_steered);
  tcase_add_test (tests, data_say_where);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_steering)

// SPDX-License-Identifier: LGPL-2.1-or-later
// Every kind of request that the sources make, each to a host of its own, by
// the way that `routes` say and by no other. The names are known to the proxies
// alone: whoever looked one up, or went past a proxy, would be seen.
#include "fetcher.h"
#include "fetching.h"
#include "httpserver.h"
#include "routednet.h"
#include "routes.h"
#include "testutil.h"

using relay::Guarded;
using relay::Owned;
using test::Connection;
using test::Fetching;
using test::ForwardProxy;
using test::HttpServer;
using Net = test::RoutedNet;
using test::ScriptedServer;
using Reply = HttpServer::Reply;

namespace {

void assert_eos (GstMessage *message)
{
  fail_unless (
      message != nullptr && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS, "%s",
      test::text_of (message).c_str ());
}

std::string box (const std::string &type, const std::string &payload)
{
  auto size = static_cast<std::uint32_t> (payload.size () + 8);
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char> (size >> shift);
  return out + type + payload;
}

std::string packets ()
{
  std::string packet (188, 'p');
  packet[0] = 0x47;
  std::string out;
  for (int i = 0; i < 10; i++) out += packet;
  return out;
}

// adaptivesrc with a fakesink on each pad, to the end.
class Playing
{
public:
  Playing (const std::string &location, const std::string &routes)
      : pipeline_ (gst_pipeline_new (nullptr)),
        source_ (gst_element_factory_make ("adaptivesrc", nullptr))
  {
    fail_unless (source_ != nullptr);
    g_object_set (source_, "location", location.c_str (), "routes",
        routes.c_str (), "retries", 0, nullptr);
    gst_bin_add (GST_BIN (pipeline_.get ()), source_);
    g_signal_connect (source_, "pad-added", G_CALLBACK (on_pad), this);
  }
  ~Playing () { gst_element_set_state (pipeline_.get (), GST_STATE_NULL); }
  Playing (const Playing &) = delete;
  Playing &operator= (const Playing &) = delete;

  Owned<GstMessage> play ()
  {
    gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING);
    return test::wait_message (
        pipeline_.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  }
  GstElement *operator* () { return source_; }

private:
  static void on_pad (GstElement *, GstPad *pad, gpointer data)
  {
    auto *self = static_cast<Playing *> (data);
    GstElement *sink = gst_element_factory_make ("fakesink", nullptr);
    g_object_set (sink, "sync", FALSE, nullptr);
    gst_bin_add (GST_BIN (self->pipeline_.get ()), sink);
    gst_element_sync_state_with_parent (sink);
    Owned<GstPad> peer{gst_element_get_static_pad (sink, "sink")};
    fail_unless (gst_pad_link (pad, peer.get ()) == GST_PAD_LINK_OK);
  }

  Owned<GstElement> pipeline_;
  GstElement *source_;
};

}  // namespace

// proxyhttpsrc: plain, redirected to the other proxy and to no proxy, a range,
// and a host that no rule allows.
GST_START_TEST (one_resource)
{
  test::watch_names ();
  std::string body = test::noise (200000);
  std::string port;
  Net net ([&] (const HttpServer::Request &request) {
    if (request.path == "/to-b")
      return Reply{302, "", {{"Location", "http://x.b.test" + port + "/x"}}};
    if (request.path == "/to-direct")
      return Reply{302, "", {{"Location", "http://direct.test" + port + "/x"}}};
    if (request.path == "/to-nowhere")
      return Reply{302, "", {{"Location", "http://127.0.0.1" + port + "/x"}}};
    return Reply{200, body, {{"Accept-Ranges", "bytes"}, {"ETag", "\"a\""}}};
  });
  port = ":" + std::to_string (net.origin.port ());
  struct Case
  {
    const char *host;
    const char *path;
    gint64 position;
    bool fine;
  };
  for (const Case &c :
      {Case{"x.a.test", "/x", 0, true}, {"y.a.test", "/to-b", 0, true},
          {"y.a.test", "/to-direct", 0, true}, {"x.b.test", "/x", 150000, true},
          {"a.test", "/x", 0, true}, {"y.a.test", "/to-nowhere", 0, false},
          {"other.test", "/x", 0, false}, {"127.0.0.1", "/x", 0, false},
          {"direct.test", "/x", 1000, true}}) {
    Fetching fetching (net.uri (c.host, c.path), net.routes ());
    if (c.position > 0)
      fail_unless (gst_element_seek (*fetching, 1.0, GST_FORMAT_BYTES,
          GST_SEEK_FLAG_NONE, GST_SEEK_TYPE_SET, c.position, GST_SEEK_TYPE_NONE,
          -1));
    fetching.set_state (GST_STATE_PLAYING);
    Owned<GstMessage> end = fetching.wait ();
    if (c.fine) {
      assert_eos (end.get ());
      fail_unless (*fetching.bytes.lock () ==
                   body.substr (static_cast<std::size_t> (c.position)));
    } else {
      test::assert_error (
          end.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED);
    }
  }
  net.assert_kept ();
  fail_unless_equals_uint64 (net.count ("/x"), 6);
}
GST_END_TEST;

// A manifest, its redirect, playlists, initializations, media, media that is
// redirected, an index and its byte ranges: each kind on a host of its own.
namespace {

const std::string moof = box ("moof", "") + box ("mdat", "media");

std::string sidx ()
{
  // Version 0, reference 1, timescale 1, from 0, one reference of one second.
  std::string out (20, '\0');
  out[7] = out[11] = 1;
  out += std::string ("\0\0\0\x01", 4);
  out += std::string ("\0\0\0", 3) + static_cast<char> (moof.size ());
  out += std::string ("\0\0\0\x01\0\0\0\0", 8);
  return box ("sidx", out);
}

// {p}: the port of the origin.
std::string filled (std::string text, int port)
{
  for (std::size_t at; (at = text.find ("{p}")) != std::string::npos;)
    text.replace (at, 3, std::to_string (port));
  return text;
}

Reply manifest_net (const HttpServer::Request &request, int port)
{
  const std::string &path = request.path;
  auto text = [&] (const char *body) {
    return Reply{200, filled (body, port), {}};
  };
  auto moved = [&] (const char *where) {
    return Reply{302, "", {{"Location", filled (where, port)}}};
  };
  if (path == "/moved.mpd") return moved ("http://mpd.b.test:{p}/x.mpd");
  if (path == "/x.mpd")
    return text (R"(<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"
      mediaPresentationDuration="PT2S"><Period>
      <AdaptationSet mimeType="video/mp4">
        <SegmentTemplate duration="1" media="http://media.a.test:{p}/$Number$.m4s"
          initialization="http://init.b.test:{p}/init.mp4"/>
        <Representation id="v" bandwidth="1000"/></AdaptationSet>
      <AdaptationSet mimeType="audio/mp4"><Representation id="a" bandwidth="9">
        <BaseURL>http://index.a.test:{p}/one.mp4</BaseURL>
        <SegmentBase indexRange="16-59"><Initialization range="0-15"/>
        </SegmentBase></Representation></AdaptationSet></Period></MPD>)");
  if (path == "/moved.m3u8") return moved ("http://hls.a.test:{p}/x.m3u8");
  if (path == "/x.m3u8")
    return text (
        "#EXTM3U\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"s\",NAME=\"s\",DEFAULT=YES,"
        "URI=\"http://sound.b.test:{p}/sound.m3u8\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1000,AUDIO=\"s\"\n"
        "http://list.b.test:{p}/list.m3u8\n");
  if (path == "/list.m3u8")
    return text (
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
        "#EXT-X-MAP:URI=\"http://map.a.test:{p}/init.mp4\"\n"
        "#EXTINF:1,\nhttp://media.a.test:{p}/1.m4s\n"
        "#EXTINF:1,\nhttp://media.a.test:{p}/2.m4s\n#EXT-X-ENDLIST\n");
  if (path == "/sound.m3u8")
    return text (
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
        "#EXT-X-BYTERANGE:1880@0\nhttp://direct.test:{p}/1.ts\n"
        "#EXT-X-ENDLIST\n");
  if (path == "/init.mp4") return {200, box ("ftyp", "isom0000"), {}};
  if (path == "/1.m4s") return {200, moof, {}};
  if (path == "/2.m4s") return moved ("http://redirected.b.test:{p}/3.m4s");
  if (path == "/3.m4s") return {200, moof, {}};
  if (path == "/one.mp4")
    return {200, box ("ftyp", "isom0000") + sidx () + moof, {}};
  if (path == "/1.ts") return {200, packets (), {}};
  return {404, "", {}};
}

}  // namespace

GST_START_TEST (every_kind)
{
  test::watch_names ();
  int port = 0;
  Net net (
      [&] (const HttpServer::Request &r) { return manifest_net (r, port); });
  port = net.origin.port ();
  for (const char *manifest : {"/moved.mpd", "/moved.m3u8"}) {
    Playing playing (net.uri ("first.a.test", manifest), net.routes ());
    assert_eos (playing.play ().get ());
    fail_unless (test::stat (*playing, "requests-proxied") > 0);
  }
  net.assert_kept ();
  for (const char *path : {"/moved.mpd", "/x.mpd", "/moved.m3u8", "/x.m3u8",
           "/list.m3u8", "/sound.m3u8", "/init.mp4", "/1.m4s", "/2.m4s",
           "/3.m4s", "/one.mp4", "/1.ts"})
    fail_unless (net.count (path) > 0, "%s was not asked for", path);
}
GST_END_TEST;

// The request function itself, for the kinds that no manifest above asks for: a
// key, a licence, a clock, a remote element. Each is moved to the other proxy,
// or to a host that no rule allows.
namespace {

fetcher::Settings by_routes (Net &net)
{
  fetcher::Settings settings;
  auto table = routes::Table::parse (net.routes ());
  fail_unless (table.ok ());
  settings.routes = std::make_shared<const routes::Table> (std::move (*table));
  settings.retries = 0;
  return settings;
}

}  // namespace

GST_START_TEST (every_kind_of_the_request_function)
{
  test::watch_names ();
  std::string port;
  Net net ([&] (const HttpServer::Request &request) {
    std::string host = request.path == "/blocked" ? "other.test" : "x.b.test";
    if (request.path != "/done")
      return Reply{307, "", {{"Location", "http://" + host + port + "/done"}}};
    return Reply{200, "done", {}};
  });
  port = ":" + std::to_string (net.origin.port ());
  const fetcher::Settings settings = by_routes (net);
  using fetcher::Kind;
  for (Kind kind :
      {Kind::manifest, Kind::init, Kind::media, Kind::key, Kind::other}) {
    for (const char *method : {"GET", "POST", "HEAD"}) {
      auto fetch = [&] (const char *host, const char *path) {
        fetcher::Request request{net.uri (host, path), {}, kind, method};
        if (std::string_view (method) == "POST") request.body = "challenge";
        return fetcher::fetch_all (settings, request, nullptr, nullptr, 100);
      };
      fail_unless (fetch ("x.a.test", "/moved").ok ());
      fail_unless (fetch ("direct.test", "/moved").ok ());
      for (auto [host, path] : {std::pair{"x.a.test", "/blocked"},
               {"other.test", "/done"}, {"127.0.0.1", "/done"}}) {
        auto refused = fetch (host, path);
        fail_unless (!refused.ok ());
        fail_unless (refused.code ().error == fetcher::Error::blocked);
      }
    }
  }
  net.assert_kept ();
  fail_unless_equals_uint64 (net.count ("/done"), 30);
}
GST_END_TEST;

// Each kind on a host that no rule allows: one error, and nobody is asked.
GST_START_TEST (every_kind_is_blocked)
{
  test::watch_names ();
  for (auto [manifest, host, path] :
      {std::tuple{"/moved.mpd", "mpd.b.test", "/x.mpd"},
          {"/moved.mpd", "init.b.test", "/init.mp4"},
          {"/moved.mpd", "index.a.test", "/one.mp4"},
          {"/moved.mpd", "media.a.test", "/1.m4s"},
          {"/moved.mpd", "redirected.b.test", "/3.m4s"},
          {"/moved.m3u8", "hls.a.test", "/x.m3u8"},
          {"/moved.m3u8", "list.b.test", "/list.m3u8"},
          {"/moved.m3u8", "sound.b.test", "/sound.m3u8"},
          {"/moved.m3u8", "map.a.test", "/init.mp4"},
          {"/moved.m3u8", "direct.test", "/1.ts"}}) {
    // Of each its own: what another gave up may come late.
    int port = 0;
    Net net (
        [&] (const HttpServer::Request &r) { return manifest_net (r, port); });
    port = net.origin.port ();
    std::string routes = net.routes ();
    // Twice is an error.
    if (std::string_view (host) == "direct.test")
      routes.replace (routes.find ("test=direct") + 5, 6, "block");
    else
      routes += std::string (",") + host + "=block";
    Playing playing (net.uri ("first.a.test", manifest), routes);
    Owned<GstMessage> end = playing.play ();
    fail_unless (end && GST_MESSAGE_TYPE (end.get ()) == GST_MESSAGE_ERROR,
        "%s: %s", host, test::text_of (end.get ()).c_str ());
    test::assert_error (
        end.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED);
    for (const HttpServer::Request &request : net.origin.requests ())
      fail_unless (
          !request.header ("Host").starts_with (host) || request.path != path,
          "%s%s", host, path);
    // What another pad asked for may have been given up.
    net.assert_kept (false);
  }
}
GST_END_TEST;

// What a manifest may name and adaptivesrc does not fetch today. Whatever comes
// of it, it does not go another way.
GST_START_TEST (what_else_a_manifest_names)
{
  test::watch_names ();
  int port = 0;
  Net net ([&] (const HttpServer::Request &request) {
    if (request.path == "/key.m3u8")
      return Reply{200,
          filled ("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,"
                  "URI=\"http://key.test:{p}/key\"\n#EXTINF:1,\n"
                  "http://media.a.test:{p}/1.ts\n#EXT-X-ENDLIST\n",
              port),
          {}};
    if (request.path == "/clock.mpd")
      return Reply{200,
          filled (R"(<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic"
            availabilityStartTime="2026-01-01T00:00:00Z"><Period
            xmlns:xlink="http://www.w3.org/1999/xlink"
            xlink:href="http://xlink.test:{p}/period" xlink:actuate="onLoad"/>
            <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-head:2014"
              value="http://clock.test:{p}/now"/></MPD>)",
              port),
          {}};
    return Reply{200, packets (), {}};
  });
  port = net.origin.port ();
  for (const char *manifest : {"/key.m3u8", "/clock.mpd"}) {
    Playing playing (net.uri ("first.a.test", manifest), net.routes ());
    Owned<GstMessage> end = playing.play ();
    fail_unless (end && GST_MESSAGE_TYPE (end.get ()) == GST_MESSAGE_ERROR);
  }
  net.assert_kept ();
}
GST_END_TEST;

// The proxy is killed in mid-stream. What is left is an error, after as many
// tries as there may be, and no connection to the origin.
GST_START_TEST (a_proxy_dies)
{
  test::watch_names ();
  std::string body = test::noise (100000);
  for (const char *scheme : {"http", "socks5h"}) {
    ScriptedServer origin ([&] (Connection &c, int) {
      if (c.read_request ().empty ()) return;
      c.send (
          "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 100000\r\n\r\n" +
          body.substr (0, 40000));
      c.hang ();
    });
    std::unique_ptr<ForwardProxy> http_proxy;
    std::unique_ptr<ScriptedServer> socks_proxy;
    int port = 0;
    if (std::string_view (scheme) == "http") {
      http_proxy = std::make_unique<ForwardProxy> ();
      port = http_proxy->port ();
    } else {
      socks_proxy = std::make_unique<ScriptedServer> ([&] (Connection &c, int) {
        c.read (3);
        c.send (std::string ("\x05\0", 2));
        std::string request = c.read (5);
        c.read (sizeof "origin.test" - 1 + 2);
        c.send (std::string ("\x05\0\0\x01\0\0\0\0\0\0", 10));
        c.relay_to (origin.port ());
      });
      port = socks_proxy->port ();
    }
    Fetching fetching (
        "http://origin.test:" + std::to_string (origin.port ()) + "/",
        std::string ("origin.test=") + scheme +
            "://127.0.0.1:" + std::to_string (port));
    g_object_set (*fetching, "retries", 2, nullptr);
    fetching.set_state (GST_STATE_PLAYING);
    while (fetching.bytes.lock ()->size () < 40000) g_usleep (1000);
    if (http_proxy)
      http_proxy->stop ();
    else
      socks_proxy->stop ();
    Owned<GstMessage> end = fetching.wait ();
    test::assert_error (
        end.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
    fail_unless (*fetching.bytes.lock () == body.substr (0, 40000));
    fail_unless_equals_int (origin.connections (), 1);
    fail_unless_equals_uint64 (test::stat (*fetching, "retries"), 2);
    fail_unless_equals_uint64 (test::stat (*fetching, "requests"),
        test::stat (*fetching, "requests-proxied"));
    test::assert_names ({});
  }
}
GST_END_TEST;

static Suite *noleak_suite ()
{
  Suite *suite = suite_create ("noleak");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, one_resource);
  tcase_add_test (tests, every_kind);
  tcase_add_test (tests, every_kind_of_the_request_function);
  tcase_add_test (tests, every_kind_is_blocked);
  tcase_add_test (tests, what_else_a_manifest_names);
  tcase_add_test (tests, a_proxy_dies);
  return suite;
}

GST_CHECK_MAIN (noleak)

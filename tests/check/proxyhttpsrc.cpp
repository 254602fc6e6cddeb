// SPDX-License-Identifier: LGPL-2.1-or-later
#include <chrono>
#include <functional>

#include "httpstream.h"

using relay::Guarded;
using relay::Owned;
using test::Connection;
using test::ForwardProxy;
using test::HttpServer;
using test::pattern;
using test::ScriptedServer;
using test::serving;
using test::status_of;
using test::Stream;
using test::text_property;
using Reply = HttpServer::Reply;

GST_START_TEST (a_resource_is_read_whole)
{
  std::string body = pattern (3000000);
  HttpServer server (serving (body));
  Stream stream (server.uri ("/a"));
  fail_unless (stream.play () == body);
  fail_unless_equals_uint64 (stream.stat ("requests"), 1);
  fail_unless_equals_uint64 (stream.stat ("connections"), 1);
  fail_unless_equals_uint64 (stream.stat ("bytes-received"), body.size ());
  fail_unless (stream.stat ("ttfb-ns") > 0);
  fail_unless (server.requests ()[0].header ("Range").empty ());
  fail_unless (server.requests ()[0]
                   .header ("User-Agent")
                   .starts_with ("GStreamer proxyhttpsrc"));
  // Each buffer says where it belongs.
  std::vector<guint64> offsets = *stream.offsets.lock ();
  fail_unless (offsets.front () == 0);
  fail_unless (std::is_sorted (offsets.begin (), offsets.end ()));
  fail_unless (stream.largest <= 256 * 1024 && stream.largest > 4096);
}
GST_END_TEST;

GST_START_TEST (counters_are_posted_at_the_end)
{
  HttpServer server (serving ("abc"));
  Stream stream (server.uri ("/a"));
  stream.set_state (GST_STATE_PLAYING);
  const GstStructure *stats = nullptr;
  Owned<GstMessage> message;
  while ((message = stream.wait (
              GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_EOS))) {
    stats = gst_message_get_structure (message.get ());
    if (stats != nullptr &&
        gst_structure_has_name (stats, "proxyhttpsrc-stats"))
      break;
    fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ELEMENT);
  }
  fail_unless (message != nullptr);
  for (const char *name : {"requests", "requests-proxied", "retries",
           "redirects", "connections", "bytes-received", "ttfb-ns"})
    fail_unless (gst_structure_has_field (stats, name), "%s", name);
  guint64 received = 0;
  gst_structure_get_uint64 (stats, "bytes-received", &received);
  fail_unless_equals_uint64 (received, 3);
  const GValue *requests = gst_structure_get_value (stats, "last-requests");
  fail_unless (requests != nullptr && GST_VALUE_HOLDS_ARRAY (requests));
  fail_unless_equals_int (
      static_cast<int> (gst_value_array_get_size (requests)), 1);
  const GstStructure *request =
      gst_value_get_structure (gst_value_array_get_value (requests, 0));
  guint status = 0;
  fail_unless (gst_structure_get_uint (request, "status", &status));
  fail_unless_equals_int (static_cast<int> (status), 200);
  fail_unless_equals_string (
      gst_structure_get_string (request, "route"), "direct");
  gst_structure_get_uint64 (request, "bytes", &received);
  fail_unless_equals_uint64 (received, 3);
  fail_unless (stream.wait (GST_MESSAGE_EOS) != nullptr);
}
GST_END_TEST;

GST_START_TEST (blocks_are_no_larger_than_asked)
{
  std::string body = pattern (300000);
  HttpServer server (serving (body));
  for (guint size : {1u, 1000u, 4096u, 100000u}) {
    std::string part = body.substr (0, size == 1 ? 1000 : body.size ());
    HttpServer small (serving (part));
    Stream stream (small.uri ("/"));
    g_object_set (*stream, "blocksize", size, nullptr);
    fail_unless (stream.play () == part);
    fail_unless (stream.largest <= size && stream.largest > 0);
  }
}
GST_END_TEST;

namespace {

struct Parking
{
  Guarded<bool> arrived{false};
  Guarded<bool> leave{false};
  std::condition_variable changed;
};

GstPadProbeReturn park (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) !=
      GST_EVENT_STREAM_START)
    return GST_PAD_PROBE_OK;
  auto *parking = static_cast<Parking *> (data);
  *parking->arrived.lock () = true;
  parking->changed.notify_all ();
  auto leave = parking->leave.lock ();
  leave.wait (parking->changed, [] (bool l) { return l; });
  return GST_PAD_PROBE_OK;
}

}  // namespace

// As a cache does on a hit: it holds the source up in STREAM_START and asks.
GST_START_TEST (nothing_is_asked_for_before_data_is)
{
  std::string body = pattern (50000);
  HttpServer server (serving (body));
  Stream stream (server.uri ("/"));
  Parking parking;
  Owned<GstPad> pad{gst_element_get_static_pad (*stream, "src")};
  gst_pad_add_probe (
      pad.get (), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, park, &parking, nullptr);
  stream.set_state (GST_STATE_PAUSED);
  {
    auto arrived = parking.arrived.lock ();
    arrived.wait (parking.changed, [] (bool a) { return a; });
  }
  gint64 duration = 0;
  fail_if (gst_pad_query_duration (pad.get (), GST_FORMAT_BYTES, &duration) &&
           duration >= 0);
  Owned<GstQuery> query{gst_query_new_seeking (GST_FORMAT_BYTES)};
  fail_unless (gst_pad_query (pad.get (), query.get ()));
  gboolean seekable = FALSE;
  gst_query_parse_seeking (query.get (), nullptr, &seekable, nullptr, nullptr);
  fail_unless (seekable);
  query.reset (gst_query_new_scheduling ());
  fail_unless (gst_pad_query (pad.get (), query.get ()));
  query.reset (gst_query_new_uri ());
  fail_unless (gst_pad_query (pad.get (), query.get ()));
  fail_unless (server.requests ().empty ());

  *parking.leave.lock () = true;
  parking.changed.notify_all ();
  fail_unless (stream.play () == body);
  fail_unless_equals_int (static_cast<int> (server.requests ().size ()), 1);
  fail_unless (server.requests ()[0].method == "GET");
}
GST_END_TEST;

GST_START_TEST (queries_are_answered)
{
  std::string body = pattern (3000000);
  HttpServer server ([&] (const HttpServer::Request &r) {
    if (r.path == "/old") return Reply{301, "", {{"Location", "/new"}}};
    return Reply{200, body, {{"Accept-Ranges", "bytes"}}};
  });
  Stream stream (server.uri ("/old"));
  stream.preroll ();
  gint64 duration = 0;
  fail_unless (
      gst_element_query_duration (*stream, GST_FORMAT_BYTES, &duration));
  fail_unless_equals_int64 (duration, 3000000);
  fail_unless (stream.wait (GST_MESSAGE_DURATION_CHANGED) != nullptr);

  Owned<GstQuery> query{gst_query_new_seeking (GST_FORMAT_BYTES)};
  fail_unless (gst_element_query (*stream, query.get ()));
  gboolean seekable = FALSE;
  gint64 end = 0;
  gst_query_parse_seeking (query.get (), nullptr, &seekable, nullptr, &end);
  fail_unless (seekable);
  fail_unless_equals_int64 (end, 3000000);

  query.reset (gst_query_new_scheduling ());
  fail_unless (gst_element_query (*stream, query.get ()));
  GstSchedulingFlags flags;
  gst_query_parse_scheduling (query.get (), &flags, nullptr, nullptr, nullptr);
  fail_unless ((flags & GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED) != 0);
  fail_unless (gst_query_has_scheduling_mode (query.get (), GST_PAD_MODE_PUSH));
  fail_if (gst_query_has_scheduling_mode (query.get (), GST_PAD_MODE_PULL));

  query.reset (gst_query_new_uri ());
  fail_unless (gst_element_query (*stream, query.get ()));
  gchar *raw = nullptr;
  gst_query_parse_uri (query.get (), &raw);
  Owned<gchar> uri{raw};
  fail_unless (server.uri ("/old") == uri.get ());
  gst_query_parse_uri_redirection (query.get (), &raw);
  Owned<gchar> redirection{raw};
  fail_unless (server.uri ("/new") == redirection.get ());
  gboolean permanent = FALSE;
  gst_query_parse_uri_redirection_permanent (query.get (), &permanent);
  fail_unless (permanent);
  fail_unless_equals_int (static_cast<int> (server.requests ().size ()), 2);
}
GST_END_TEST;

// A cache asks before anything is sent.
GST_START_TEST (credentials_have_a_hash)
{
  auto ask = [] (const char *headers, const char *location,
                 const char *user = nullptr, const char *password = nullptr,
                 const char *cookie = nullptr) -> std::string {
    Owned<GstElement> source{GST_ELEMENT (gst_object_ref_sink (
        gst_element_factory_make ("proxyhttpsrc", nullptr)))};
    g_object_set (source.get (), "location", location, nullptr);
    gst_util_set_object_arg (
        G_OBJECT (source.get ()), "extra-headers", headers);
    const char *cookies[] = {cookie, nullptr};
    g_object_set (source.get (), "user-id", user, "user-pw", password,
        "cookies", cookies, nullptr);
    Owned<GstQuery> query{gst_query_new_custom (
        GST_QUERY_CUSTOM, gst_structure_new_empty ("relay-credentials"))};
    if (!gst_element_query (source.get (), query.get ())) return "";
    return gst_structure_get_string (
        gst_query_get_structure (query.get ()), "hash");
  };
  const char *plain = "http://127.0.0.1/";
  fail_unless (ask ("h,X-Other=secret", plain).empty ());
  std::string one = ask ("h,Cookie=secret", plain);
  fail_unless (!one.empty () && one.find ("secret") == std::string::npos);
  fail_unless (one == ask ("h,X-Other=b,Cookie=secret", plain));
  fail_unless (one != ask ("h,Cookie=other", plain));
  fail_unless (one != ask ("h,Authorization=secret", plain));
  std::string user = ask ("h", "http://user:secret@127.0.0.1/");
  fail_unless (!user.empty () && user != ask ("h", "http://b:c@127.0.0.1/"));
  // Properties are credentials as well, of whichever kind they are sent as.
  fail_unless (user == ask ("h", plain, "user", "secret"));
  fail_unless (user != ask ("h", plain, "user", "other"));
  fail_unless (user != ask ("h", plain, "b", "secret"));
  fail_unless (one == ask ("h", plain, nullptr, nullptr, "secret"));
  fail_unless (one != ask ("h", plain, nullptr, nullptr, "other"));
  std::string both = ask ("h", plain, "user", "secret", "secret");
  fail_unless (!both.empty () && both != one && both != user);
}
GST_END_TEST;

GST_START_TEST (a_server_without_ranges_is_not_seekable)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return Reply{200, pattern (1000), {{"Accept-Ranges", "none"}}};
  });
  Stream stream (server.uri ("/"));
  stream.preroll ();
  Owned<GstQuery> query{gst_query_new_seeking (GST_FORMAT_BYTES)};
  fail_unless (gst_element_query (*stream, query.get ()));
  gboolean seekable = TRUE;
  gst_query_parse_seeking (query.get (), nullptr, &seekable, nullptr, nullptr);
  fail_if (seekable);
}
GST_END_TEST;

GST_START_TEST (seeks_go_to_the_byte)
{
  std::string body = pattern (3000000);
  HttpServer server (serving (body));
  Stream stream (server.uri ("/"));
  stream.preroll ();
  auto seek = [&] (gint64 from, gint64 to) {
    fail_unless (gst_element_seek (stream.pipeline (), 1.0, GST_FORMAT_BYTES,
        GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, from,
        to < 0 ? GST_SEEK_TYPE_NONE : GST_SEEK_TYPE_SET, to));
    fail_unless (gst_element_get_state (stream.pipeline (), nullptr, nullptr,
                     10 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
  };
  for (gint64 from : {1234567, 17, 2999999}) {
    seek (from, -1);
    fail_unless (server.requests ().back ().header ("Range") ==
                 "bytes=" + std::to_string (from) + "-");
  }
  // Nothing is asked for behind the end.
  std::size_t requests = server.requests ().size ();
  seek (3000000, -1);
  fail_unless_equals_int (static_cast<int> (server.requests ().size ()),
      static_cast<int> (requests));
  seek (1000, 501000);
  stream.bytes.lock ()->clear ();
  // What was prerolled is not handed off again: the rest is.
  std::string rest = stream.play ();
  fail_unless (rest == body.substr (501000 - rest.size (), rest.size ()));
  fail_unless (
      server.requests ().back ().header ("Range") == "bytes=1000-500999");
}
GST_END_TEST;

GST_START_TEST (each_failure_is_one_error)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return Reply{404, "no", {}};
  });
  Stream stream (server.uri ("/"));
  gst_element_set_state (stream.pipeline (), GST_STATE_PAUSED);
  auto one_error = [&] {
    Owned<GstMessage> message = test::wait_message (
        stream.pipeline (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    test::assert_error (
        message.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  };
  one_error ();
  // It begins anew, and fails anew.
  gst_element_seek_simple (
      stream.pipeline (), GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH, 0);
  one_error ();
  gst_element_set_state (stream.pipeline (), GST_STATE_READY);
  fail_unless (
      test::wait_message (stream.pipeline (), GST_MESSAGE_ERROR, 0) == nullptr);
}
GST_END_TEST;

GST_START_TEST (a_seek_before_the_start_is_the_first_request)
{
  std::string body = pattern (10000);
  HttpServer server (serving (body));
  Stream stream (server.uri ("/"));
  stream.set_state (GST_STATE_READY);
  fail_unless (gst_element_seek (*stream, 1.0, GST_FORMAT_BYTES,
      GST_SEEK_FLAG_NONE, GST_SEEK_TYPE_SET, 4000, GST_SEEK_TYPE_NONE, -1));
  fail_unless (stream.play () == body.substr (4000));
  fail_unless_equals_int (static_cast<int> (server.requests ().size ()), 1);
  fail_unless (server.requests ()[0].header ("Range") == "bytes=4000-");
}
GST_END_TEST;

namespace {

// The error of a server that answers everything with one status.
void assert_status (unsigned status, int code)
{
  HttpServer server ([status] (const HttpServer::Request &) {
    return Reply{status, "<html>no</html>", {}, "text/html"};
  });
  Stream stream (server.uri ("/x?token=s3cret"));
  Owned<GstMessage> message = stream.play_to_error (code);
  fail_unless_equals_int (
      static_cast<int> (status_of (message.get ())), static_cast<int> (status));
  std::string text = Stream::debug_of (message.get ());
  fail_unless (
      text.find (server.uri ("/x")) != std::string::npos, "%s", text.c_str ());
  fail_if (text.find ("s3cret") != std::string::npos, "%s", text.c_str ());
  fail_unless (stream.bytes.lock ()->empty ());
}

}  // namespace

GST_START_TEST (statuses_become_errors)
{
  assert_status (401, GST_RESOURCE_ERROR_NOT_AUTHORIZED);
  assert_status (403, GST_RESOURCE_ERROR_NOT_AUTHORIZED);
  assert_status (404, GST_RESOURCE_ERROR_NOT_FOUND);
  assert_status (410, GST_RESOURCE_ERROR_NOT_FOUND);
  assert_status (418, GST_RESOURCE_ERROR_OPEN_READ);
  assert_status (500, GST_RESOURCE_ERROR_OPEN_READ);
}
GST_END_TEST;

GST_START_TEST (what_cannot_be_reached_is_an_error)
{
  std::string dead = "http://127.0.0.1:" + std::to_string (test::dead_port ());
  Stream (dead).play_to_error (GST_RESOURCE_ERROR_OPEN_READ);
  Stream ("http://no-such-host.invalid/")
      .play_to_error (GST_RESOURCE_ERROR_NOT_FOUND);
  Stream ("file:///etc/passwd").play_to_error (GST_RESOURCE_ERROR_SETTINGS);
  Stream ("nonsense").play_to_error (GST_RESOURCE_ERROR_SETTINGS);
  Stream ("").play_to_error (GST_RESOURCE_ERROR_NOT_FOUND);
}
GST_END_TEST;

GST_START_TEST (a_dead_proxy_is_never_passed)
{
  HttpServer server (serving ("x"));
  Stream stream (server.uri ("/"));
  std::string dead =
      "http://u:s3cret@127.0.0.1:" + std::to_string (test::dead_port ());
  g_object_set (*stream, "proxy", dead.c_str (), "retries", 1, nullptr);
  Owned<GstMessage> message =
      stream.play_to_error (GST_RESOURCE_ERROR_OPEN_READ);
  fail_if (
      Stream::debug_of (message.get ()).find ("s3cret") != std::string::npos);
  Stream bad (server.uri ("/"));
  g_object_set (*bad, "proxy", "gopher://127.0.0.1:1", nullptr);
  bad.play_to_error (GST_RESOURCE_ERROR_SETTINGS);
  fail_unless (server.requests ().empty ());
}
GST_END_TEST;

GST_START_TEST (a_proxy_is_used)
{
  std::string body = pattern (100000);
  HttpServer server (serving (body));
  ForwardProxy proxy ({"u:p", 0});
  std::string location =
      "http://origin.invalid:" + std::to_string (server.port ()) + "/";
  {
    Stream stream (location);
    g_object_set (*stream, "proxy", proxy.uri ().c_str (), "proxy-id", "u",
        "proxy-pw", "p", nullptr);
    fail_unless (stream.play () == body);
    fail_unless_equals_uint64 (stream.stat ("requests-proxied"), 1);
  }
  Stream stream (location);
  g_object_set (*stream, "proxy", proxy.uri ().c_str (), "proxy-id", "u",
      "proxy-pw", "wrong", nullptr);
  Owned<GstMessage> message =
      stream.play_to_error (GST_RESOURCE_ERROR_NOT_AUTHORIZED);
  fail_unless_equals_int (static_cast<int> (status_of (message.get ())), 407);
  fail_unless_equals_int (static_cast<int> (server.requests ().size ()), 1);
}
GST_END_TEST;

GST_START_TEST (routes_lead_or_block)
{
  HttpServer origin (serving ("body"));
  ForwardProxy proxy ({"u:secret", 0});
  std::string target =
      "http://u:secret@127.0.0.1:" + std::to_string (proxy.port ());
  std::string routes = "*.test=" + target + ";verify=off,all=block";
  {
    Stream stream ("http://a.test:" + std::to_string (origin.port ()) + "/");
    g_object_set (*stream, "routes", routes.c_str (), nullptr);
    std::string shown = text_property (*stream, "routes");
    fail_unless (shown.find ("u:***@") != std::string::npos);
    fail_unless (shown.find ("secret") == std::string::npos);
    fail_unless (stream.play () == "body");
    fail_unless_equals_uint64 (stream.stat ("requests-proxied"), 1);
  }
  {
    Stream stream (origin.uri ("/"));
    g_object_set (*stream, "routes", routes.c_str (), nullptr);
    stream.play_to_error (GST_RESOURCE_ERROR_NOT_AUTHORIZED);
    fail_unless_equals_uint64 (stream.stat ("requests"), 0);
  }
  // What cannot be understood lets nothing pass.
  {
    Stream stream (origin.uri ("/"));
    g_object_set (
        *stream, "routes", "all=block,*.test=htp://u:secret@h", nullptr);
    stream.set_state (GST_STATE_PLAYING);
    Owned<GstMessage> message = stream.wait (GST_MESSAGE_ERROR);
    test::assert_error (
        message.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    std::string debug = Stream::debug_of (message.get ());
    fail_unless (debug.find ("rule 2 (*.test), byte 17") != std::string::npos,
        "%s", debug.c_str ());
    fail_unless (debug.find ("secret") == std::string::npos);
    fail_unless (text_property (*stream, "routes") == "all=***,*.test=***");
  }
  fail_unless_equals_int (static_cast<int> (origin.requests ().size ()), 1);
}
GST_END_TEST;

// A paused source keeps its place: the next one waits, and can be stopped.
GST_START_TEST (a_host_has_its_limit)
{
  HttpServer server (serving (pattern (3000000)));
  Stream holder (server.uri ("/"));
  g_object_set (*holder, "max-connections-per-host", 1, nullptr);
  holder.preroll ();
  Stream waiting (server.uri ("/"));
  g_object_set (*waiting, "max-connections-per-host", 1, "timeout", 1, nullptr);
  Owned<GstMessage> message = waiting.play_to_error (GST_RESOURCE_ERROR_READ);
  fail_unless (Stream::debug_of (message.get ()).find ("are in use") !=
               std::string::npos);
  waiting.set_state (GST_STATE_NULL);
  g_object_set (*waiting, "timeout", 100, nullptr);
  waiting.set_state (GST_STATE_PLAYING);
  gint64 start = g_get_monotonic_time ();
  waiting.set_state (GST_STATE_NULL);
  fail_unless (g_get_monotonic_time () - start < 5 * G_USEC_PER_SEC);
  fail_unless_equals_int (static_cast<int> (server.requests ().size ()), 1);
  g_object_set (*waiting, "max-connections-per-host", 2, nullptr);
  fail_unless (waiting.play () == pattern (3000000));
}
GST_END_TEST;

// Its segments would be fetched by others, past the routes.
GST_START_TEST (manifests_are_warned_of)
{
  const std::pair<const char *, const char *> rows[] = {
      {"#EXTM3U\n#EXT-X-TARGETDURATION:1\n", "hls+http"},
      {"<?xml version=\"1.0\"?><MPD></MPD>", "dash+http"},
      {"#EXTM3U\n#EXTINF:1,\nhttp://h/radio\n", nullptr},
      {"<html></html>", nullptr},
  };
  for (const auto &[body, scheme] : rows) {
    HttpServer server (serving (body));
    Stream stream (server.uri ("/secret?token=secret"));
    stream.set_state (GST_STATE_PLAYING);
    Owned<GstMessage> warning =
        stream.wait (GST_MESSAGE_WARNING | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (warning != nullptr);
    fail_unless (
        GST_MESSAGE_TYPE (warning.get ()) ==
            (scheme != nullptr ? GST_MESSAGE_WARNING : GST_MESSAGE_EOS),
        "%s", body);
    if (scheme == nullptr) continue;
    // It is one, and the bytes come all the same.
    fail_unless (
        GST_MESSAGE_TYPE (stream
                              .wait (GST_MESSAGE_WARNING | GST_MESSAGE_EOS |
                                     GST_MESSAGE_ERROR)
                              .get ()) == GST_MESSAGE_EOS);
    fail_unless (*stream.bytes.lock () == body);
    GError *raw_error = nullptr;
    gchar *raw_debug = nullptr;
    gst_message_parse_warning (warning.get (), &raw_error, &raw_debug);
    Owned<GError> error{raw_error};
    Owned<gchar> debug{raw_debug};
    fail_unless (g_error_matches (
        error.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE));
    fail_unless (
        strstr (error->message, scheme) != nullptr, "%s", error->message);
    fail_unless (strstr (debug.get (), "token") == nullptr);
  }
}
GST_END_TEST;

GST_START_TEST (redirects_are_followed_or_reported)
{
  HttpServer server ([] (const HttpServer::Request &r) {
    if (r.path == "/1") return Reply{302, "", {{"Location", "2"}}};
    if (r.path == "/2") return Reply{200, "there", {}};
    if (r.path == "/f") return Reply{302, "", {{"Location", "file:///x"}}};
    return Reply{302, "", {{"Location", r.path + "x"}}};
  });
  Stream followed (server.uri ("/1"));
  fail_unless (followed.play () == "there");
  fail_unless_equals_uint64 (followed.stat ("redirects"), 1);
  Stream (server.uri ("/loop")).play_to_error (GST_RESOURCE_ERROR_OPEN_READ);
  Stream (server.uri ("/f")).play_to_error (GST_RESOURCE_ERROR_OPEN_READ);

  Stream stream (server.uri ("/1"));
  g_object_set (*stream, "automatic-redirect", FALSE, nullptr);
  Owned<GstMessage> message =
      stream.play_to_error (GST_RESOURCE_ERROR_OPEN_READ);
  const GstStructure *details = nullptr;
  gst_message_parse_error_details (message.get (), &details);
  fail_unless (server.uri ("/2") ==
               gst_structure_get_string (details, "redirect-location"));
  fail_unless_equals_int (static_cast<int> (status_of (message.get ())), 302);
}
GST_END_TEST;

GST_START_TEST (a_broken_body_is_resumed_or_an_error)
{
  std::string body = pattern (100000);
  ScriptedServer server ([&] (Connection &c, int) {
    std::string range = test::header_of (c.read_request (), "Range");
    std::size_t first = range.empty () ? 0 : std::stoul (range.substr (6));
    std::string head =
        range.empty ()
            ? "HTTP/1.1 200 OK\r\n"
            : "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " +
                  std::to_string (first) + "-99999/100000\r\n";
    c.send (head + "ETag: \"a\"\r\nContent-Length: " +
            std::to_string (100000 - first) + "\r\n\r\n" +
            body.substr (first, 40000));
  });
  Stream stream (server.uri ("/"));
  g_object_set (*stream, "retries", 3, nullptr);
  fail_unless (stream.play () == body);
  fail_unless_equals_uint64 (stream.stat ("retries"), 2);

  Stream cut (server.uri ("/"));
  cut.play_to_error (GST_RESOURCE_ERROR_READ);
  fail_unless (*cut.bytes.lock () == body.substr (0, 40000));
}
GST_END_TEST;

// Whatever it waits for, it goes to NULL at once, and can be used again.
GST_START_TEST (a_stop_breaks_every_wait)
{
  HttpServer fine (serving ("fine"));
  ScriptedServer server ([] (Connection &c, int) {
    std::string request = c.read_request ();
    if (request.find ("/body") != std::string::npos)
      c.send ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    c.hang ();
  });
  for (const char *path : {"/headers", "/body"}) {
    Stream stream (server.uri (path));
    stream.set_state (GST_STATE_PLAYING);
    while (stream.stat ("requests") < 1) g_usleep (1000);
    if (std::string (path) == "/body")
      while (stream.bytes.lock ()->size () < 5) g_usleep (1000);
    else
      g_usleep (20000);
    gint64 start = g_get_monotonic_time ();
    stream.set_state (GST_STATE_READY);
    gint64 took = g_get_monotonic_time () - start;
    fail_unless (took < 100000, "%d us", static_cast<int> (took));
    fail_unless (test::wait_message (
                     stream.pipeline (), GST_MESSAGE_ERROR, 0) == nullptr);
    stream.bytes.lock ()->clear ();
    g_object_set (*stream, "location", fine.uri ("/").c_str (), nullptr);
    fail_unless (stream.play () == "fine");
  }
}
GST_END_TEST;

GST_START_TEST (a_flush_breaks_a_wait)
{
  std::string body = pattern (100000);
  std::atomic<int> asked = 0;
  ScriptedServer server ([&] (Connection &c, int) {
    std::string request = c.read_request ();
    std::string range = test::header_of (request, "Range");
    asked++;
    if (range.empty ()) {
      c.send (
          "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nETag: \"a\"\r\n"
          "Content-Length: 100000\r\n\r\n" +
          body.substr (0, 5000));
      c.hang ();
      return;
    }
    std::size_t first = std::stoul (range.substr (6));
    c.send (
        "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes " +
        std::to_string (first) + "-99999/100000\r\nContent-Length: " +
        std::to_string (100000 - first) + "\r\n\r\n" + body.substr (first));
  });
  Stream stream (server.uri ("/"));
  stream.set_state (GST_STATE_PLAYING);
  while (stream.bytes.lock ()->size () < 5000) g_usleep (1000);
  stream.bytes.lock ()->clear ();
  gint64 start = g_get_monotonic_time ();
  fail_unless (gst_element_seek (stream.pipeline (), 1.0, GST_FORMAT_BYTES,
      GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 60000, GST_SEEK_TYPE_NONE, -1));
  gint64 took = g_get_monotonic_time () - start;
  fail_unless (took < 100000, "%d us", static_cast<int> (took));
  fail_unless (stream.play () == body.substr (60000));
}
GST_END_TEST;

GST_START_TEST (it_is_used_again_and_again)
{
  std::string body = pattern (10000);
  HttpServer server (serving (body));
  Stream stream (server.uri ("/"));
  for (int i = 0; i < 3; i++) {
    fail_unless (stream.play () == body);
    stream.set_state (i == 1 ? GST_STATE_NULL : GST_STATE_READY);
    stream.bytes.lock ()->clear ();
    // A property that may change in READY, while others are.
    g_object_set (*stream, "location", server.uri ("/again").c_str (), nullptr);
  }
  // Another element shares the connection.
  Stream other (server.uri ("/other"));
  fail_unless (other.play () == body);
  fail_unless_equals_uint64 (other.stat ("connections"), 0);
  fail_unless_equals_int (static_cast<int> (server.connections ()), 1);
  fail_unless_equals_uint64 (stream.stat ("requests"), 3);
}
GST_END_TEST;

GST_START_TEST (headers_are_sent_and_announced)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return Reply{
        200, "x", {{"Set-Cookie", "a=s3cret"}, {"X-Two", "1"}, {"X-Two", "2"}}};
  });
  Stream stream (server.uri ("/"));
  Owned<GstStructure> headers{gst_structure_from_string (
      "h,X-Token=abc,X-Number=5,Cookie=\"a=s3cret\",X-List=(string){1,2}",
      nullptr)};
  g_object_set (
      *stream, "extra-headers", headers.get (), "user-agent", "me/1", nullptr);
  stream.play ();
  HttpServer::Request request = server.requests ()[0];
  fail_unless (request.header ("X-Token") == "abc");
  fail_unless (request.header ("X-Number") == "5");
  fail_unless (request.header ("Cookie") == "a=s3cret");
  fail_unless (request.header ("User-Agent") == "me/1");
  int list = 0;
  for (const auto &[name, value] : request.headers) list += name == "X-List";
  fail_unless_equals_int (list, 2);

  Owned<GstPad> pad{gst_element_get_static_pad (*stream, "src")};
  Owned<GstEvent> event;
  GstEvent *raw = nullptr;
  for (guint i = 0; (raw = gst_pad_get_sticky_event (pad.get (),
                         GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, i)) != nullptr;
       i++) {
    event.reset (raw);
    if (gst_event_has_name (raw, "http-headers")) break;
  }
  fail_unless (event != nullptr);
  const GstStructure *structure = gst_event_get_structure (event.get ());
  guint status = 0;
  fail_unless (gst_structure_get_uint (structure, "http-status-code", &status));
  fail_unless_equals_int (static_cast<int> (status), 200);
  fail_unless (server.uri ("/") == gst_structure_get_string (structure, "uri"));
  GstStructure *raw_part = nullptr;
  gst_structure_get (
      structure, "request-headers", GST_TYPE_STRUCTURE, &raw_part, nullptr);
  Owned<GstStructure> sent{raw_part};
  fail_unless_equals_string (
      gst_structure_get_string (sent.get (), "Cookie"), "***");
  fail_unless_equals_string (
      gst_structure_get_string (sent.get (), "X-Token"), "abc");
  gst_structure_get (
      structure, "response-headers", GST_TYPE_STRUCTURE, &raw_part, nullptr);
  Owned<GstStructure> got{raw_part};
  fail_unless_equals_string (
      gst_structure_get_string (got.get (), "Set-Cookie"), "***");
  fail_unless (
      GST_VALUE_HOLDS_ARRAY (gst_structure_get_value (got.get (), "X-Two")));
}
GST_END_TEST;

GST_START_TEST (secrets_read_back_as_stars)
{
  Owned<GstElement> source{gst_element_factory_make ("proxyhttpsrc", nullptr)};
  gst_object_ref_sink (source.get ());
  Owned<GstStructure> headers{gst_structure_from_string (
      "h,authorization=\"Bearer s3cret\",X-Token=abc", nullptr)};
  g_object_set (source.get (), "proxy", "http://u:s3cret@p:1", "extra-headers",
      headers.get (), "proxy-pw", "s3cret", "location", "http://h/?a=b",
      nullptr);
  fail_unless (text_property (source.get (), "proxy") == "http://u:***@p:1");
  fail_unless (text_property (source.get (), "location") == "http://h/?a=b");
  GstStructure *raw = nullptr;
  g_object_get (source.get (), "extra-headers", &raw, nullptr);
  Owned<GstStructure> read{raw};
  fail_unless_equals_string (
      gst_structure_get_string (read.get (), "authorization"), "***");
  fail_unless_equals_string (
      gst_structure_get_string (read.get (), "X-Token"), "abc");
  g_object_set (source.get (), "extra-headers", nullptr, nullptr);
  g_object_get (source.get (), "extra-headers", &raw, nullptr);
  fail_unless (raw == nullptr);
}
GST_END_TEST;

namespace {

Guarded<std::string> logged;

void collect_log (GstDebugCategory *category, GstDebugLevel, const gchar *,
    const gchar *, gint, GObject *, GstDebugMessage *message, gpointer)
{
  const char *name = gst_debug_category_get_name (category);
  if (g_str_equal (name, "relayfetcher") || g_str_equal (name, "proxyhttpsrc"))
    logged.lock ()->append (gst_debug_message_get (message)).append ("\n");
}

}  // namespace

GST_START_TEST (secrets_are_in_no_log)
{
  HttpServer server ([] (const HttpServer::Request &r) {
    if (r.path.starts_with ("/404")) return Reply{404, "", {}};
    return Reply{302, "", {{"Location", "/404?t=s3cret"}}};
  });
  ForwardProxy proxy ({"u:s3cret", 0});
  gst_debug_set_active (TRUE);
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  gst_debug_set_threshold_for_name ("relayfetcher", GST_LEVEL_LOG);
  gst_debug_set_threshold_for_name ("proxyhttpsrc", GST_LEVEL_LOG);
  // In brackets: the macro compares a function with a void pointer.
  (gst_debug_add_log_function) (collect_log, &logged, nullptr);
  std::string location = server.uri ("/a?t=s3cret");
  location.insert (7, "user:s3cret@");
  Stream stream (location);
  std::string with_credentials = proxy.uri ();
  with_credentials.insert (7, "u:s3cret@");
  Owned<GstStructure> headers{
      gst_structure_from_string ("h,Cookie=s3cret", nullptr)};
  g_object_set (*stream, "proxy", with_credentials.c_str (), "extra-headers",
      headers.get (), nullptr);
  Owned<GstMessage> message =
      stream.play_to_error (GST_RESOURCE_ERROR_NOT_FOUND);
  std::string text = Stream::debug_of (message.get ()) + *logged.lock ();
  gst_debug_remove_log_function_by_data (&logged);
  fail_unless (text.find ("404") != std::string::npos);
  fail_if (text.find ("s3cret") != std::string::npos, "%s", text.c_str ());
}
GST_END_TEST;

GST_START_TEST (uris_make_it)
{
  GError *raw = nullptr;
  // The rank is below that of souphttpsrc, if that is here.
  Owned<GstElement> source{gst_element_factory_make ("proxyhttpsrc", nullptr)};
  gst_object_ref_sink (source.get ());
  auto *handler = GST_URI_HANDLER (source.get ());
  fail_unless (gst_uri_handler_set_uri (handler, "https://h/a%2Fb?c", nullptr));
  Owned<gchar> uri{gst_uri_handler_get_uri (handler)};
  fail_unless_equals_string (uri.get (), "https://h/a%2Fb?c");
  for (const char *bad : {"http://", "http://u:s3cret@h:99999/"}) {
    fail_if (gst_uri_handler_set_uri (handler, bad, &raw));
    Owned<GError> error{raw};
    raw = nullptr;
    fail_unless (
        g_error_matches (error.get (), GST_URI_ERROR, GST_URI_ERROR_BAD_URI));
    fail_if (strstr (error->message, "s3cret") != nullptr);
  }
}
GST_END_TEST;

GST_START_TEST (raw_audio_has_caps)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return Reply{200, pattern (100), {}, "audio/L16; rate=8000; channels=1"};
  });
  Stream stream (server.uri ("/"));
  stream.play ();
  Owned<GstPad> pad{gst_element_get_static_pad (stream.sink (), "sink")};
  Owned<GstCaps> caps{gst_pad_get_current_caps (pad.get ())};
  Owned<GstCaps> expected{gst_caps_from_string (
      "audio/x-unaligned-raw,format=S16BE,layout=interleaved,channels=1,"
      "rate=8000")};
  fail_unless (
      caps != nullptr && gst_caps_is_equal (caps.get (), expected.get ()));
}
GST_END_TEST;

GST_START_TEST (a_live_source_waits_for_playing)
{
  HttpServer server (serving ("live"));
  Stream stream (server.uri ("/"));
  g_object_set (*stream, "is-live", TRUE, nullptr);
  stream.set_state (GST_STATE_PAUSED);
  fail_unless (gst_element_get_state (stream.pipeline (), nullptr, nullptr,
                   10 * GST_SECOND) == GST_STATE_CHANGE_NO_PREROLL);
  fail_unless (server.requests ().empty ());
  fail_unless (stream.play () == "live");
}
GST_END_TEST;

GST_START_TEST (an_early_end_is_an_end)
{
  ScriptedServer server ([] (Connection &c, int) {
    c.read_request ();
    c.send ("HTTP/1.1 200 OK\r\n\r\nendless");
    c.hang ();
  });
  Stream stream (server.uri ("/"));
  stream.set_state (GST_STATE_PLAYING);
  while (stream.bytes.lock ()->size () < 7) g_usleep (1000);
  gint64 start = g_get_monotonic_time ();
  gst_element_send_event (stream.pipeline (), gst_event_new_eos ());
  Owned<GstMessage> message = stream.wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
  fail_unless (g_get_monotonic_time () - start < 500000);
}
GST_END_TEST;

static Suite *proxyhttpsrc_suite ()
{
  Suite *suite = suite_create ("proxyhttpsrc");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_resource_is_read_whole);
  tcase_add_test (tests, counters_are_posted_at_the_end);
  tcase_add_test (tests, blocks_are_no_larger_than_asked);
  tcase_add_test (tests, nothing_is_asked_for_before_data_is);
  tcase_add_test (tests, queries_are_answered);
  tcase_add_test (tests, credentials_have_a_hash);
  tcase_add_test (tests, a_server_without_ranges_is_not_seekable);
  tcase_add_test (tests, seeks_go_to_the_byte);
  tcase_add_test (tests, each_failure_is_one_error);
  tcase_add_test (tests, a_seek_before_the_start_is_the_first_request);
  tcase_add_test (tests, statuses_become_errors);
  tcase_add_test (tests, what_cannot_be_reached_is_an_error);
  tcase_add_test (tests, a_dead_proxy_is_never_passed);
  tcase_add_test (tests, a_proxy_is_used);
  tcase_add_test (tests, routes_lead_or_block);
  tcase_add_test (tests, a_host_has_its_limit);
  tcase_add_test (tests, manifests_are_warned_of);
  tcase_add_test (tests, redirects_are_followed_or_reported);
  tcase_add_test (tests, a_broken_body_is_resumed_or_an_error);
  tcase_add_test (tests, a_stop_breaks_every_wait);
  tcase_add_test (tests, a_flush_breaks_a_wait);
  tcase_add_test (tests, it_is_used_again_and_again);
  tcase_add_test (tests, headers_are_sent_and_announced);
  tcase_add_test (tests, secrets_read_back_as_stars);
  tcase_add_test (tests, secrets_are_in_no_log);
  tcase_add_test (tests, uris_make_it);
  tcase_add_test (tests, raw_audio_has_caps);
  tcase_add_test (tests, a_live_source_waits_for_playing);
  tcase_add_test (tests, an_early_end_is_an_end);
  return suite;
}

GST_CHECK_MAIN (proxyhttpsrc)

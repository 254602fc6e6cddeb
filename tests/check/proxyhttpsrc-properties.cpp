// SPDX-License-Identifier: LGPL-2.1-or-later
// What the properties of proxyhttpsrc do to its requests.
#include <array>

#include "httpstream.h"

using relay::Guarded;
using relay::Owned;
using test::Connection;
using test::HttpServer;
using test::pattern;
using test::ScriptedServer;
using test::serving;
using test::Stream;
using Reply = HttpServer::Reply;

namespace {

void set_cookies (Stream &stream, std::vector<const char *> cookies)
{
  cookies.push_back (nullptr);
  g_object_set (*stream, "cookies", cookies.data (), nullptr);
}

}  // namespace

GST_START_TEST (a_user_is_sent_as_credentials)
{
  HttpServer server (serving ("x"));
  auto authorization = [&server] (const char *location_user, const char *id,
                           const char *pw, const char *header) {
    std::string location = server.uri ("/");
    location.insert (7, location_user);
    Stream stream (location);
    g_object_set (*stream, "user-id", id, "user-pw", pw, nullptr);
    if (header != nullptr) {
      Owned<GstStructure> headers{gst_structure_new (
          "h", "Authorization", G_TYPE_STRING, header, nullptr)};
      g_object_set (*stream, "extra-headers", headers.get (), nullptr);
    }
    fail_unless (stream.play () == "x");
    return server.requests ().back ().header ("Authorization");
  };
  fail_unless (authorization ("", "u", "p:w", nullptr) == "Basic dTpwOnc=");
  fail_unless (authorization ("", "u", nullptr, nullptr) == "Basic dTo=");
  fail_unless (authorization ("a:b@", "u", "p", nullptr) == "Basic dTpw");
  fail_unless (authorization ("a:b@", nullptr, "p", nullptr) == "Basic YTpi");
  fail_unless (authorization ("", nullptr, "p", nullptr).empty ());
  fail_unless (authorization ("", "u", "p", "Bearer t") == "Bearer t");
}
GST_END_TEST;

GST_START_TEST (a_user_and_cookies_stay_with_their_origin)
{
  HttpServer other (serving ("there"));
  HttpServer server ([&other] (const HttpServer::Request &) {
    return Reply{302, "", {{"Location", other.uri ("/")}}};
  });
  Stream stream (server.uri ("/"));
  g_object_set (*stream, "user-id", "u", "user-pw", "p", nullptr);
  set_cookies (stream, {"a=1"});
  fail_unless (stream.play () == "there");
  fail_unless (server.requests ()[0].header ("Authorization") == "Basic dTpw");
  fail_unless (server.requests ()[0].header ("Cookie") == "a=1");
  fail_unless (other.requests ()[0].header ("Authorization").empty ());
  fail_unless (other.requests ()[0].header ("Cookie").empty ());
}
GST_END_TEST;

GST_START_TEST (credentials_go_as_far_as_is_said)
{
  for (const char *scope : {"origin", "all"}) {
    HttpServer other (serving ("there"));
    HttpServer server ([&other] (const HttpServer::Request &) {
      return Reply{302, "", {{"Location", other.uri ("/")}}};
    });
    Stream stream (server.uri ("/"));
    g_object_set (*stream, "user-id", "u", "user-pw", "p", nullptr);
    set_cookies (stream, {"a=1"});
    gst_util_set_object_arg (G_OBJECT (*stream), "credentials-scope", scope);
    fail_unless (stream.play () == "there");
    bool all = std::string_view (scope) == "all";
    fail_unless (
        server.requests ()[0].header ("Authorization") == "Basic dTpw");
    HttpServer::Request there = other.requests ()[0];
    fail_unless (there.header ("Authorization") == (all ? "Basic dTpw" : ""));
    fail_unless (there.header ("Cookie") == (all ? "a=1" : ""));
    int value = -1;
    g_object_get (*stream, "credentials-scope", &value, nullptr);
    fail_unless_equals_int (value, all);
  }
}
GST_END_TEST;

GST_START_TEST (cookies_are_one_header)
{
  HttpServer server (serving ("x"));
  Stream stream (server.uri ("/"));
  set_cookies (stream, {"a=1", "b=s3cret"});
  Owned<GstStructure> headers{
      gst_structure_new ("h", "Cookie", G_TYPE_STRING, "c=3", nullptr)};
  g_object_set (*stream, "extra-headers", headers.get (), nullptr);
  fail_unless (stream.play () == "x");
  int count = 0;
  HttpServer::Request request = server.requests ()[0];
  for (const auto &[name, value] : request.headers) count += name == "Cookie";
  fail_unless_equals_int (count, 1);
  fail_unless (server.requests ()[0].header ("Cookie") == "c=3; a=1; b=s3cret");

  gchar **raw = nullptr;
  g_object_get (*stream, "cookies", &raw, nullptr);
  Owned<gchar *> read{raw};
  fail_unless_equals_int (static_cast<int> (g_strv_length (raw)), 2);
  fail_unless_equals_string (raw[0], "***");
  fail_unless_equals_string (raw[1], "***");
  // Once more, and without them.
  stream.set_state (GST_STATE_READY);
  g_object_set (*stream, "cookies", nullptr, "extra-headers", nullptr, nullptr);
  g_object_get (*stream, "cookies", &raw, nullptr);
  fail_unless (raw == nullptr);
  stream.play ();
  fail_unless (server.requests ()[1].header ("Cookie").empty ());
}
GST_END_TEST;

GST_START_TEST (connections_are_kept_or_not)
{
  HttpServer server (serving ("x"));
  for (bool keep : {true, false}) {
    std::size_t before = server.requests ().size ();
    for (int i = 0; i < 2; i++) {
      Stream stream (server.uri ("/"));
      g_object_set (*stream, "keep-alive", keep, nullptr);
      fail_unless (stream.play () == "x");
    }
    HttpServer::Request first = server.requests ()[before];
    HttpServer::Request second = server.requests ()[before + 1];
    fail_unless ((first.peer_port == second.peer_port) == keep);
    fail_unless ((second.header ("Connection") == "close") == !keep);
  }
}
GST_END_TEST;

GST_START_TEST (the_method_is_sent)
{
  ScriptedServer server ([] (Connection &c, int) {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      bool head = request.starts_with ("HEAD ");
      std::string body = request.substr (0, request.find (' '));
      c.send ("HTTP/1.1 200 OK\r\nContent-Length: " +
              std::to_string (head ? 12345 : body.size ()) + "\r\n\r\n" +
              (head ? "" : body));
    }
  });
  for (const char *method : {"GET", "OPTIONS", "POST", "DELETE"}) {
    Stream stream (server.uri ("/"));
    g_object_set (*stream, "method", method, nullptr);
    fail_unless (stream.play () == method);
  }
  // A length that is not that of a body; the connection is still good.
  Stream stream (server.uri ("/"));
  g_object_set (*stream, "method", "HEAD", nullptr);
  fail_unless (stream.play ().empty ());
  gint64 duration = 0;
  fail_unless (
      gst_element_query_duration (*stream, GST_FORMAT_BYTES, &duration));
  fail_unless_equals_int64 (duration, 12345);
  Stream after (server.uri ("/"));
  fail_unless (after.play () == "GET");
  // libsoup sends a POST by a new one.
  fail_unless_equals_int (server.connections (), 2);
}
GST_END_TEST;

GST_START_TEST (a_method_is_a_token)
{
  HttpServer server (serving ("x"));
  for (const char *method : {"GET / HTTP/1.1\r\nX: y\r\n", "A B", "G\nT"}) {
    Stream stream (server.uri ("/"));
    g_object_set (*stream, "method", method, nullptr);
    stream.play_to_error (GST_RESOURCE_ERROR_SETTINGS);
  }
  fail_unless (server.requests ().empty ());
}
GST_END_TEST;

// It may have had its effect.
GST_START_TEST (a_post_is_not_sent_again)
{
  for (const char *method : {"POST", "GET"}) {
    ScriptedServer server ([] (Connection &c, int number) {
      c.read_request ();
      if (number > 0) c.send ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    });
    Stream stream (server.uri ("/"));
    g_object_set (*stream, "method", method, "retries", 3,
        "retry-backoff-factor", 0.0, nullptr);
    if (*method == 'G') {
      fail_unless (stream.play () == "x");
    } else {
      stream.play_to_error (GST_RESOURCE_ERROR_READ);
      fail_unless_equals_int (server.connections (), 1);
    }
  }
}
GST_END_TEST;

GST_START_TEST (codings_are_asked_for_or_not)
{
  // "hello hello hello", by gzip -n.
  constexpr std::array<std::uint8_t, 28> gzip = {0x1f, 0x8b, 0x08, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8,
      0x40, 0x90, 0x00, 0x80, 0x88, 0xf9, 0xe5, 0x11, 0x00, 0x00, 0x00};
  std::string coded (gzip.begin (), gzip.end ());
  HttpServer server ([&coded] (const HttpServer::Request &r) {
    if (r.header ("Accept-Encoding").starts_with ("gzip"))
      return Reply{200, coded, {{"Content-Encoding", "gzip"}}};
    return Reply{200, "hello hello hello", {}};
  });
  for (bool compress : {false, true}) {
    Stream stream (server.uri ("/"));
    g_object_set (*stream, "compress", compress, nullptr);
    fail_unless (stream.play () == "hello hello hello");
    std::string accepted =
        server.requests ().back ().header ("Accept-Encoding");
    fail_unless (accepted.starts_with (compress ? "gzip" : "identity"));
    gint64 duration = -1;
    bool known =
        gst_element_query_duration (*stream, GST_FORMAT_BYTES, &duration) &&
        duration >= 0;
    fail_unless (known == !compress);
  }
}
GST_END_TEST;

// Half of the pause at least is kept; without one they follow at once.
GST_START_TEST (retries_wait_as_long_as_they_are_told)
{
  for (double factor : {0.0, 0.2}) {
    ScriptedServer server ([] (Connection &c, int number) {
      c.read_request ();
      if (number < 3) return;
      c.send ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    });
    Stream stream (server.uri ("/"));
    g_object_set (*stream, "retries", 3, "retry-backoff-factor", factor,
        "retry-backoff-max", 0.3, nullptr);
    gint64 start = g_get_monotonic_time ();
    fail_unless (stream.play () == "x");
    fail_unless_equals_uint64 (stream.stat ("retries"), 3);
    // 0.2 + 0.3 + 0.3, halved.
    if (factor > 0) fail_unless (g_get_monotonic_time () - start >= 400000);
    double read = 0;
    g_object_get (*stream, "retry-backoff-factor", &read, nullptr);
    fail_unless_equals_float (read, factor);
  }
}
GST_END_TEST;

// Each time the headers come and no byte: that is no progress.
GST_START_TEST (retries_without_progress_have_an_end)
{
  std::string body = pattern (1000);
  ScriptedServer server ([&body] (Connection &c, int number) {
    std::string request = c.read_request ();
    if (number == 0)
      c.send ("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 1000\r\n\r\n" +
              body.substr (0, 500));
    else
      c.send (
          "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\n"
          "Content-Range: bytes 500-999/1000\r\nContent-Length: 500\r\n\r\n");
  });
  Stream stream (server.uri ("/"));
  g_object_set (*stream, "retries", 4, "retry-backoff-factor", 0.0, nullptr);
  stream.play_to_error (GST_RESOURCE_ERROR_READ);
  fail_unless_equals_uint64 (stream.stat ("retries"), 4);
  fail_unless_equals_int (server.connections (), 5);
  fail_unless (*stream.bytes.lock () == body.substr (0, 500));
}
GST_END_TEST;

namespace {

Guarded<std::string> logged;

void collect_log (GstDebugCategory *category, GstDebugLevel, const gchar *,
    const gchar *, gint, GObject *, GstDebugMessage *message, gpointer)
{
  if (g_str_equal (gst_debug_category_get_name (category), "proxyhttpsrc"))
    logged.lock ()->append (gst_debug_message_get (message)).append ("\n");
}

}  // namespace

GST_START_TEST (headers_are_logged_as_far_as_told)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return Reply{200, "x", {{"X-Answer", "yes"}, {"Set-Cookie", "a=s3cret"}}};
  });
  gst_debug_set_active (TRUE);
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  gst_debug_set_threshold_for_name ("proxyhttpsrc", GST_LEVEL_LOG);
  // In brackets: the macro compares a function with a void pointer.
  (gst_debug_add_log_function) (collect_log, &logged, nullptr);
  const std::array<const char *, 4> levels = {
      "none", "minimal", "headers", "body"};
  for (std::size_t level = 0; level < levels.size (); level++) {
    logged.lock ()->clear ();
    Stream stream (server.uri ("/?t=s3cret"));
    gst_util_set_object_arg (
        G_OBJECT (*stream), "http-log-level", levels[level]);
    stream.play ();
    std::string text = *logged.lock ();
    auto has = [&text] (const char *part) {
      return text.find (part) != std::string::npos;
    };
    fail_unless (has (": 200") == (level >= 1), "%s", text.c_str ());
    fail_unless (has ("< X-Answer: yes") == (level >= 2));
    fail_unless (has ("> User-Agent: ") == (level >= 2));
    fail_if (has ("s3cret"), "%s", text.c_str ());
  }
  gst_debug_remove_log_function_by_data (&logged);
}
GST_END_TEST;

// Of what is no UTF-8 the rest is shown.
GST_START_TEST (a_station_has_a_name)
{
  ScriptedServer server ([] (Connection &c, int) {
    c.read_request ();
    c.send (
        "HTTP/1.0 200 OK\r\nicy-metaint: 16\r\nicy-name: Caf\xe9\r\n\r\n"
        "0123456789abcdef");
  });
  Stream stream (server.uri ("/"));
  fail_unless (stream.play () == "0123456789abcdef");
  Owned<GstPad> pad{gst_element_get_static_pad (stream.sink (), "sink")};
  Owned<GstEvent> event{
      gst_pad_get_sticky_event (pad.get (), GST_EVENT_TAG, 0)};
  fail_unless (event != nullptr);
  GstTagList *tags = nullptr;
  gst_event_parse_tag (event.get (), &tags);
  gchar *raw = nullptr;
  fail_unless (gst_tag_list_get_string (tags, GST_TAG_ORGANIZATION, &raw));
  Owned<gchar> name{raw};
  fail_unless_equals_string (name.get (), "Caf\xef\xbf\xbd");
}
GST_END_TEST;

GST_START_TEST (as_many_buffers_as_told)
{
  HttpServer server (serving (pattern (100000)));
  Stream stream (server.uri ("/"));
  g_object_set (*stream, "num-buffers", 2, "blocksize", 1000, nullptr);
  fail_unless (stream.play () == pattern (2000));
}
GST_END_TEST;

static Suite *proxyhttpsrc_properties_suite ()
{
  Suite *suite = suite_create ("proxyhttpsrc-properties");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_user_is_sent_as_credentials);
  tcase_add_test (tests, a_user_and_cookies_stay_with_their_origin);
  tcase_add_test (tests, credentials_go_as_far_as_is_said);
  tcase_add_test (tests, cookies_are_one_header);
  tcase_add_test (tests, connections_are_kept_or_not);
  tcase_add_test (tests, the_method_is_sent);
  tcase_add_test (tests, a_method_is_a_token);
  tcase_add_test (tests, a_post_is_not_sent_again);
  tcase_add_test (tests, codings_are_asked_for_or_not);
  tcase_add_test (tests, retries_wait_as_long_as_they_are_told);
  tcase_add_test (tests, retries_without_progress_have_an_end);
  tcase_add_test (tests, headers_are_logged_as_far_as_told);
  tcase_add_test (tests, a_station_has_a_name);
  tcase_add_test (tests, as_many_buffers_as_told);
  return suite;
}

GST_CHECK_MAIN (proxyhttpsrc_properties)

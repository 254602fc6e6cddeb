// SPDX-License-Identifier: LGPL-2.1-or-later
// proxyhttpsrc beside souphttpsrc, from the same server: what goes downstream,
// what is posted, what queries are answered.
#include "httpserver.h"
#include "testutil.h"

using relay::Guarded;
using relay::Owned;
using test::Connection;
using test::ScriptedServer;

namespace {

const std::string body = [] {
  std::string out (300000, '\0');
  std::uint32_t x = 11;
  for (char &c : out) {
    x = x * 1664525u + 1013904223u;
    c = static_cast<char> (x >> 24);
  }
  return out;
}();

// What can be seen of one element, a line for each thing.
struct Seen
{
  std::vector<std::string> downstream;  // events, and "data" for all buffers
  std::string bytes;
  std::vector<std::string> posted;
  std::vector<std::string> queries;
};

struct Probed
{
  Guarded<Seen> seen;
  bool prerolled = false;
};

std::string text_of (GstStructure *owned)
{
  Owned<GstStructure> structure{owned};
  // Each element has a name of its own.
  for (const char *field : {"request-headers", "response-headers"}) {
    const GValue *value = gst_structure_get_value (structure.get (), field);
    if (value == nullptr) continue;
    GstStructure *part = gst_structure_copy (gst_value_get_structure (value));
    gst_structure_remove_fields (part, "User-Agent", nullptr);
    // In the order of their names.
    std::vector<std::string> lines;
    for (int i = 0; i < gst_structure_n_fields (part); i++) {
      const char *name =
          gst_structure_nth_field_name (part, static_cast<guint> (i));
      Owned<gchar> text{
          gst_value_serialize (gst_structure_get_value (part, name))};
      lines.push_back (std::string (name) + "=" + text.get ());
    }
    gst_structure_free (part);
    std::sort (lines.begin (), lines.end ());
    std::string joined;
    for (const std::string &line : lines) joined += line + ";";
    gst_structure_set (
        structure.get (), field, G_TYPE_STRING, joined.c_str (), nullptr);
  }
  std::vector<std::string> lines;
  for (int i = 0; i < gst_structure_n_fields (structure.get ()); i++) {
    const char *name =
        gst_structure_nth_field_name (structure.get (), static_cast<guint> (i));
    Owned<gchar> text{
        gst_value_serialize (gst_structure_get_value (structure.get (), name))};
    lines.push_back (std::string (name) + "=" + text.get ());
  }
  std::sort (lines.begin (), lines.end ());
  std::string out = gst_structure_get_name (structure.get ());
  for (const std::string &line : lines) out += " " + line;
  return out;
}

std::string event_text (GstEvent *event)
{
  std::string name = GST_EVENT_TYPE_NAME (event);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY:
      return text_of (gst_structure_copy (gst_event_get_structure (event)));
    case GST_EVENT_CAPS: {
      GstCaps *caps = nullptr;
      gst_event_parse_caps (event, &caps);
      Owned<gchar> text{gst_caps_to_string (caps)};
      return name + " " + text.get ();
    }
    case GST_EVENT_TAG: {
      GstTagList *tags = nullptr;
      gst_event_parse_tag (event, &tags);
      Owned<gchar> text{gst_tag_list_to_string (tags)};
      return name + " " + text.get ();
    }
    case GST_EVENT_SEGMENT: {
      const GstSegment *segment = nullptr;
      gst_event_parse_segment (event, &segment);
      return name + " " + gst_format_get_name (segment->format) + " " +
             std::to_string (segment->start) + " " +
             std::to_string (segment->stop);
    }
    default:
      return name;
  }
}

GstPadProbeReturn on_downstream (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  auto seen = static_cast<Probed *> (data)->seen.lock ();
  if ((GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    test::Bytes bytes = test::bytes_of (buffer);
    seen->bytes.append (bytes.begin (), bytes.end ());
    std::string line = "data";
    if (GST_BUFFER_PTS_IS_VALID (buffer)) line += " with time";
    if (seen->downstream.empty () || seen->downstream.back () != line)
      seen->downstream.push_back (line);
  } else {
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
    // Caps that others replace at once; souphttpsrc makes them in two steps.
    if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS &&
        !seen->downstream.empty () &&
        seen->downstream.back ().starts_with ("caps "))
      seen->downstream.pop_back ();
    seen->downstream.push_back (event_text (event));
  }
  return GST_PAD_PROBE_OK;
}

void ask (GstElement *source, std::vector<std::string> &out)
{
  gint64 duration = -1;
  bool known = gst_element_query_duration (source, GST_FORMAT_BYTES, &duration);
  out.push_back ("duration " + std::to_string (known ? duration : -1));

  Owned<GstQuery> query{gst_query_new_seeking (GST_FORMAT_BYTES)};
  gboolean seekable = FALSE;
  gint64 end = -1;
  if (gst_element_query (source, query.get ()))
    gst_query_parse_seeking (query.get (), nullptr, &seekable, nullptr, &end);
  out.push_back (
      "seeking " + std::to_string (seekable) + " " + std::to_string (end));

  query.reset (gst_query_new_scheduling ());
  GstSchedulingFlags flags{};
  if (gst_element_query (source, query.get ()))
    gst_query_parse_scheduling (
        query.get (), &flags, nullptr, nullptr, nullptr);
  out.push_back (
      "scheduling " + std::to_string (static_cast<int> (flags)) + " pull " +
      std::to_string (
          gst_query_has_scheduling_mode (query.get (), GST_PAD_MODE_PULL)) +
      " push " +
      std::to_string (
          gst_query_has_scheduling_mode (query.get (), GST_PAD_MODE_PUSH)));

  query.reset (gst_query_new_uri ());
  gchar *uri = nullptr;
  gchar *redirection = nullptr;
  gboolean permanent = FALSE;
  if (gst_element_query (source, query.get ())) {
    gst_query_parse_uri (query.get (), &uri);
    gst_query_parse_uri_redirection (query.get (), &redirection);
    gst_query_parse_uri_redirection_permanent (query.get (), &permanent);
  }
  out.push_back (std::string ("uri ") + (uri != nullptr ? uri : "none") + " " +
                 (redirection != nullptr ? redirection : "none") + " " +
                 std::to_string (permanent));
  g_free (uri);
  g_free (redirection);
}

std::string error_text (GstMessage *message)
{
  GError *error = nullptr;
  gst_message_parse_error (message, &error, nullptr);
  std::string out = "error " + std::to_string (error->code) + " of " +
                    g_quark_to_string (error->domain);
  g_error_free (error);
  const GstStructure *details = nullptr;
  gst_message_parse_error_details (message, &details);
  guint status = 0;
  if (details != nullptr &&
      gst_structure_get_uint (details, "http-status-code", &status))
    out += " " + std::to_string (status);
  return out;
}

struct Options
{
  std::string path = "/";
  std::string properties = {};  // as in a launch line
  gint64 seek_to = -1;          // before the start
  gint64 seek_end = -1;
};

Seen watch (const char *element, ScriptedServer &server, const Options &options)
{
  Probed probed;
  std::string line = std::string (element) + " name=source retries=0 " +
                     options.properties + " ! fakesink name=sink sync=false";
  Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
  fail_unless (pipeline != nullptr, "%s", line.c_str ());
  Owned<GstElement> source{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "source")};
  g_object_set (
      source.get (), "location", server.uri (options.path).c_str (), nullptr);
  Owned<GstPad> pad{gst_element_get_static_pad (source.get (), "src")};
  gst_pad_add_probe (pad.get (),
      static_cast<GstPadProbeType> (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_downstream, &probed, nullptr);
  if (options.seek_to >= 0) {
    gst_element_set_state (pipeline.get (), GST_STATE_READY);
    fail_unless (gst_element_seek (source.get (), 1.0, GST_FORMAT_BYTES,
        GST_SEEK_FLAG_NONE, GST_SEEK_TYPE_SET, options.seek_to,
        options.seek_end < 0 ? GST_SEEK_TYPE_NONE : GST_SEEK_TYPE_SET,
        options.seek_end));
  }
  gst_element_set_state (pipeline.get (), GST_STATE_PAUSED);
  GstStateChangeReturn change = gst_element_get_state (
      pipeline.get (), nullptr, nullptr, 10 * GST_SECOND);
  if (change == GST_STATE_CHANGE_SUCCESS)
    ask (source.get (), probed.seen.lock ()->queries);
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  for (;;) {
    Owned<GstMessage> message = test::wait_message (pipeline.get (),
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);
    fail_unless (message != nullptr, "%s", element);
    auto seen = probed.seen.lock ();
    if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ERROR)
      seen->posted.push_back (error_text (message.get ()));
    if (GST_MESSAGE_TYPE (message.get ()) != GST_MESSAGE_ELEMENT) break;
    const GstStructure *structure = gst_message_get_structure (message.get ());
    if (gst_structure_has_name (structure, "http-headers"))
      seen->posted.push_back (text_of (gst_structure_copy (structure)));
  }
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  Seen seen = probed.seen.copy ();
  // With an error it is a matter of chance whether the end still goes out.
  if (!seen.posted.empty () && seen.posted.back ().starts_with ("error ") &&
      !seen.downstream.empty () && seen.downstream.back () == "eos")
    seen.downstream.pop_back ();
  return seen;
}

void assert_same (const char *what, const std::vector<std::string> &ours,
    const std::vector<std::string> &theirs)
{
  for (std::size_t i = 0; i < std::max (ours.size (), theirs.size ()); i++) {
    std::string first = i < ours.size () ? ours[i] : "nothing";
    std::string second = i < theirs.size () ? theirs[i] : "nothing";
    fail_unless (first == second,
        "%s %d:\n  proxyhttpsrc: %s\n  souphttpsrc: %s", what,
        static_cast<int> (i), first.c_str (), second.c_str ());
  }
}

// Both see the same; what that is.
Seen assert_alike (ScriptedServer &server, const Options &options = {})
{
  Seen theirs = watch ("souphttpsrc", server, options);
  Seen ours = watch ("proxyhttpsrc", server, options);
  assert_same ("downstream", ours.downstream, theirs.downstream);
  assert_same ("posted", ours.posted, theirs.posted);
  assert_same ("query", ours.queries, theirs.queries);
  fail_unless (ours.bytes == theirs.bytes);
  return ours;
}

bool has (const std::vector<std::string> &lines, const char *text)
{
  return std::any_of (
      lines.begin (), lines.end (), [text] (const std::string &l) {
        return l.find (text) != std::string::npos;
      });
}

// Each request of a connection gets an answer, until it is closed.
ScriptedServer::Script answering (
    std::function<std::string (const std::string &request)> answer)
{
  return [answer] (Connection &c, int) {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      std::string reply = answer (request);
      if (!c.send (reply)) return;
      if (reply.find ("\r\nContent-Length:") == std::string::npos) return;
    }
  };
}

std::string with_length (const std::string &headers, const std::string &bytes)
{
  return "HTTP/1.1 200 OK\r\n" + headers +
         "Content-Length: " + std::to_string (bytes.size ()) + "\r\n\r\n" +
         bytes;
}

}  // namespace

GST_START_TEST (a_resource)
{
  ScriptedServer server (answering ([] (const std::string &) {
    return with_length (
        "Content-Type: video/mp4\r\nAccept-Ranges: bytes\r\nX-Two: 1\r\n"
        "X-Two: 2\r\n",
        body);
  }));
  Seen seen = assert_alike (server);
  fail_unless (seen.bytes == body);
  fail_unless (has (seen.queries, "duration 300000"));
  fail_unless (has (seen.queries, "seeking 1 300000"));
}
GST_END_TEST;

GST_START_TEST (servers_that_say_less_of_ranges)
{
  for (const char *header : {"", "Accept-Ranges: none\r\n"}) {
    ScriptedServer server (answering (
        [header] (const std::string &) { return with_length (header, body); }));
    Seen seen = assert_alike (server);
    fail_unless (
        has (seen.queries, *header == '\0' ? "seeking 1" : "seeking 0"));
  }
}
GST_END_TEST;

GST_START_TEST (a_stream_without_a_length)
{
  ScriptedServer server (answering ([] (const std::string &) {
    return "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + body;
  }));
  Seen seen = assert_alike (server);
  fail_unless (seen.bytes == body);
  fail_unless (has (seen.queries, "duration -1"));
  fail_unless (has (seen.queries, "seeking 0"));
}
GST_END_TEST;

GST_START_TEST (a_redirected_resource)
{
  for (const char *status : {"301 Moved", "302 Found", "307 There"}) {
    ScriptedServer server (answering ([status] (const std::string &request) {
      if (request.find (" /new ") != std::string::npos)
        return with_length ("", body);
      return std::string ("HTTP/1.1 ") + status +
             "\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n";
    }));
    Seen seen = assert_alike (server, {.path = "/old"});
    fail_unless (has (seen.posted, "redirection-uri"));
    fail_unless (has (seen.queries,
        *status == '3' && status[2] == '1' ? "/new 1" : "/new 0"));
  }
}
GST_END_TEST;

GST_START_TEST (an_internet_radio)
{
  ScriptedServer server (answering ([] (const std::string &request) {
    fail_unless (test::header_of (request, "icy-metadata") == "1");
    return "HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n"
           "icy-name: Radio\r\nicy-genre: Jazz\r\n"
           "icy-url: http://radio.example/\r\nicy-metaint: 8192\r\n\r\n" +
           body;
  }));
  Seen seen = assert_alike (server);
  fail_unless (has (seen.downstream,
      "caps application/x-icy, metadata-interval=(int)8192, "
      "content-type=(string)audio/mpeg"));
  fail_unless (has (seen.downstream, "organization=(string)Radio"));
  fail_unless (has (seen.downstream, "genre=(string)Jazz"));
  fail_unless (has (seen.downstream, "location=(string)http://radio.example/"));
}
GST_END_TEST;

GST_START_TEST (no_radio_unless_it_is_asked_for)
{
  ScriptedServer server (answering ([] (const std::string &request) {
    fail_unless (test::header_of (request, "icy-metadata").empty ());
    return with_length ("Content-Type: audio/mpeg\r\n", body);
  }));
  assert_alike (server, {.properties = "iradio-mode=false"});
}
GST_END_TEST;

// As SHOUTcast 1 answers.
GST_START_TEST (a_status_line_of_shoutcast)
{
  ScriptedServer server (answering ([] (const std::string &) {
    return "ICY 200 OK\r\nicy-metaint:8192\r\nicy-name:Radio\r\n"
           "content-type:audio/mpeg\r\n\r\n" +
           body;
  }));
  Seen seen = assert_alike (server);
  fail_unless (has (seen.downstream, "application/x-icy"));
  fail_unless (seen.bytes == body);
}
GST_END_TEST;

GST_START_TEST (raw_audio)
{
  ScriptedServer server (answering ([] (const std::string &) {
    return with_length (
        "Content-Type: audio/L16; rate=8000; channels=1\r\n", body);
  }));
  Seen seen = assert_alike (server);
  fail_unless (has (seen.downstream, "audio/x-unaligned-raw"));
}
GST_END_TEST;

GST_START_TEST (a_part)
{
  ScriptedServer server (answering ([] (const std::string &request) {
    std::string range = test::header_of (request, "Range");
    fail_unless (range == "bytes=1000-1999", "%s", range.c_str ());
    return "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\n"
           "Content-Range: bytes 1000-1999/300000\r\nContent-Length: 1000"
           "\r\n\r\n" +
           body.substr (1000, 1000);
  }));
  Options options{.seek_to = 1000, .seek_end = 2000};
  Seen theirs = watch ("souphttpsrc", server, options);
  Seen ours = watch ("proxyhttpsrc", server, options);
  assert_same ("downstream", ours.downstream, theirs.downstream);
  assert_same ("posted", ours.posted, theirs.posted);
  fail_unless (ours.bytes == body.substr (1000, 1000));
  fail_unless (ours.bytes == theirs.bytes);
  // Of the whole: souphttpsrc takes the end of the part for it.
  fail_unless (has (ours.queries, "duration 300000"));
}
GST_END_TEST;

GST_START_TEST (times_are_given_to_buffers)
{
  ScriptedServer server (
      answering ([] (const std::string &) { return with_length ("", body); }));
  for (const char *properties :
      {"do-timestamp=true", "is-live=true do-timestamp=true"}) {
    Seen seen = assert_alike (server, {.properties = properties});
    fail_unless (has (seen.downstream, "data with time"));
  }
}
GST_END_TEST;

GST_START_TEST (users_and_cookies)
{
  ScriptedServer server (answering ([] (const std::string &request) {
    // souphttpsrc waits to be asked.
    if (test::header_of (request, "Authorization").empty ())
      return std::string (
          "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\""
          "\r\nContent-Length: 0\r\n\r\n");
    fail_unless (
        test::header_of (request, "Authorization") == "Basic dTpwOmEgOg==");
    return with_length ("", body);
  }));
  for (const char *element : {"souphttpsrc", "proxyhttpsrc"}) {
    Seen seen =
        watch (element, server, {.properties = "user-id=u user-pw=\"p:a :\""});
    fail_unless (seen.bytes == body, "%s", element);
  }
}
GST_END_TEST;

GST_START_TEST (an_error)
{
  for (const char *status :
      {"401 No", "402 No", "403 No", "404 No", "416 No", "500 No", "503 No"}) {
    ScriptedServer server (answering ([status] (const std::string &) {
      return std::string ("HTTP/1.1 ") + status +
             "\r\nContent-Length: 0\r\n\r\n";
    }));
    Seen theirs = watch ("souphttpsrc", server, {});
    Seen ours = watch ("proxyhttpsrc", server, {});
    // A range that cannot be had is no error of opening.
    if (*status == '4' && status[2] == '6') continue;
    assert_same ("posted", ours.posted, theirs.posted);
    fail_unless (has (ours.posted, "http-headers"));
    assert_same ("downstream", ours.downstream, theirs.downstream);
  }
}
GST_END_TEST;

// Its plugin is not among those that tests see, for it would be taken for http
// by whatever plugs by itself.
static bool load_souphttpsrc ()
{
  std::string path =
      std::string (g_getenv ("RELAY_STOCK_PLUGINS")) + "/libgstsoup.so";
  GstPlugin *plugin = gst_plugin_load_file (path.c_str (), nullptr);
  if (plugin == nullptr) return false;
  gst_object_unref (plugin);
  Owned<GstElement> made{gst_element_factory_make ("souphttpsrc", nullptr)};
  if (made) gst_object_ref_sink (made.get ());
  return made != nullptr;
}

static Suite *proxyhttpsrc_stock_suite ()
{
  Suite *suite = suite_create ("proxyhttpsrc-stock");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_resource);
  tcase_add_test (tests, servers_that_say_less_of_ranges);
  tcase_add_test (tests, a_stream_without_a_length);
  tcase_add_test (tests, a_redirected_resource);
  tcase_add_test (tests, an_internet_radio);
  tcase_add_test (tests, no_radio_unless_it_is_asked_for);
  tcase_add_test (tests, a_status_line_of_shoutcast);
  tcase_add_test (tests, raw_audio);
  tcase_add_test (tests, a_part);
  tcase_add_test (tests, times_are_given_to_buffers);
  tcase_add_test (tests, users_and_cookies);
  tcase_add_test (tests, an_error);
  return suite;
}

int main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  if (!load_souphttpsrc ()) {
    std::printf ("skipped: no souphttpsrc\n");
    return 77;
  }
  return gst_check_run_suite (
      proxyhttpsrc_stock_suite (), "proxyhttpsrc-stock", __FILE__);
}

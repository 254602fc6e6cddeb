// SPDX-License-Identifier: LGPL-2.1-or-later
// cachetee behind a source that asks a server: how often it asks.
#include "httpstream.h"

using relay::Owned;
using test::HttpServer;
using test::pattern;
using test::serving;
using test::TempDir;

namespace {

// What "source ! cachetee ! fakesink" gives.
std::string play (const std::string &source, const std::string &tee)
{
  Owned<GstElement> pipeline{
      gst_parse_launch ((source + " ! cachetee " + tee +
                            " ! fakesink name=s sync=false "
                            "signal-handoffs=true")
                            .c_str (),
          nullptr)};
  fail_unless (pipeline != nullptr);
  std::string out;
  Owned<GstElement> sink{gst_bin_get_by_name (GST_BIN (pipeline.get ()), "s")};
  auto take = +[] (GstElement *, GstBuffer *buffer, GstPad *, gpointer data) {
    test::Bytes bytes = test::bytes_of (buffer);
    static_cast<std::string *> (data)->append (bytes.begin (), bytes.end ());
  };
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (take), &out);
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstMessage> message =
      test::wait_message (pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != nullptr &&
               GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return out;
}

// Of the system's, when they are there.
bool load (const char *plugin)
{
  std::string path = std::string (g_getenv ("RELAY_STOCK_PLUGINS")) +
                     "/libgst" + plugin + ".so";
  GstPlugin *loaded = gst_plugin_load_file (path.c_str (), nullptr);
  if (loaded != nullptr) gst_object_unref (loaded);
  return loaded != nullptr;
}

}  // namespace

GST_START_TEST (on_a_hit_nothing_is_asked)
{
  bool has_soup = load ("soup");
  for (const std::string element : {"proxyhttpsrc", "souphttpsrc"}) {
    if (element == "souphttpsrc" && !has_soup) continue;
    for (const std::string key : {"cache-key=k", ""}) {
      TempDir temp;
      std::string body = pattern (1500000);
      HttpServer server (serving (body));
      std::string source = element + " location=" + server.uri ("/a?b=c");
      std::string tee = key + " cache-dir=" + temp.path ().string ();
      fail_unless (play (source, tee) == body);
      std::size_t asked = server.requests ().size ();
      fail_unless (asked > 0);
      for (int i = 0; i < 2; i++) fail_unless (play (source, tee) == body);
      fail_unless_equals_uint64 (server.requests ().size (), asked);
    }
  }
}
GST_END_TEST;

static Suite *cachetee_http_suite ()
{
  Suite *suite = suite_create ("cachetee-http");
  TCase *tests = tcase_create ("general");
  suite_add_tcase (suite, tests);
  if (gst_registry_check_feature_version (
          gst_registry_get (), "cachetee", 0, 1, 0) == FALSE) {
    g_print ("SKIPPED: no cachetee\n");
    return suite;
  }
  tcase_add_test (tests, on_a_hit_nothing_is_asked);
  return suite;
}

GST_CHECK_MAIN (cachetee_http);

// SPDX-License-Identifier: LGPL-2.1-or-later
// probe CA.pem "LAUNCH LINE" [BYTE]: runs a pipeline with an element named
// "source", from that byte on, in a process that trusts this one authority and
// looks up names by a resolver that knows but "direct.test". Says how it ended,
// and "asked: NAME" for each name that was looked up.
#include <gst/gst.h>

#include <cstdio>

#include "common/gstpp.h"
#include "resolver.h"

using relay::Owned;

static void trust (const char *path)
{
  GError *raw = nullptr;
  GTlsDatabase *database = g_tls_file_database_new (path, &raw);
  Owned<GError> error{raw};
  if (database == nullptr) g_error ("%s", error->message);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), database);
  g_object_unref (database);
}

static bool seek (GstElement *pipeline, const char *byte)
{
  Owned<GstElement> source{gst_bin_get_by_name (GST_BIN (pipeline), "source")};
  return gst_element_seek (source.get (), 1.0, GST_FORMAT_BYTES,
      GST_SEEK_FLAG_NONE, GST_SEEK_TYPE_SET,
      g_ascii_strtoll (byte, nullptr, 10), GST_SEEK_TYPE_NONE, -1);
}

static bool say (GstMessage *message)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    std::printf ("EOS\n");
    return true;
  }
  GError *raw_error = nullptr;
  gchar *raw_debug = nullptr;
  gst_message_parse_error (message, &raw_error, &raw_debug);
  Owned<GError> error{raw_error};
  Owned<gchar> debug{raw_debug};
  g_strdelimit (debug.get (), "\n", ' ');
  std::printf ("ERROR %s %d: %s %s\n", g_quark_to_string (error->domain),
      error->code, error->message, debug.get ());
  return false;
}

int main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc < 3) {
    std::fprintf (stderr, "usage: probe CA.pem LINE [BYTE]\n");
    return 2;
  }
  test::install_resolver ();
  trust (argv[1]);
  GError *raw = nullptr;
  Owned<GstElement> pipeline{gst_parse_launch (argv[2], &raw)};
  Owned<GError> error{raw};
  if (!pipeline || error) {
    std::fprintf (stderr, "%s\n", error ? error->message : "no pipeline");
    return 2;
  }
  if (argc > 3 && !seek (pipeline.get (), argv[3])) return 2;
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstBus> bus{gst_element_get_bus (pipeline.get ())};
  Owned<GstMessage> end{
      gst_bus_timed_pop_filtered (bus.get (), GST_CLOCK_TIME_NONE,
          static_cast<GstMessageType> (GST_MESSAGE_EOS | GST_MESSAGE_ERROR))};
  bool fine = say (end.get ());
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  for (const std::string &name : *test::names_asked ().lock ())
    std::printf ("asked: %s\n", name.c_str ());
  return fine ? 0 : 1;
}

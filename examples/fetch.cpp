// SPDX-License-Identifier: LGPL-2.1-or-later

// Embedding: an application that uses one of our elements.
//
//   fetch URI FILE [PROXY]
//
// Copies what is at a URI to a file, by way of a proxy if one is given.
#include <gst/gst.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

struct Unref
{
  void operator() (GstElement *p) const { gst_object_unref (p); }
  void operator() (GstBus *p) const { gst_object_unref (p); }
  void operator() (GstMessage *p) const { gst_message_unref (p); }
  void operator() (GstStructure *p) const { gst_structure_free (p); }
  void operator() (GError *p) const { g_error_free (p); }
};
template <class T>
using Owned = std::unique_ptr<T, Unref>;

void print_error (GstMessage *message)
{
  GError *error = nullptr;
  gst_message_parse_error (message, &error, nullptr);
  Owned<GError> owned{error};
  std::fprintf (stderr, "fetch: %s\n", error->message);

  // What a program decides by is in fields and not in the text.
  const GstStructure *details = nullptr;
  gst_message_parse_error_details (message, &details);
  guint status = 0;
  if (details != nullptr &&
      gst_structure_get_uint (details, "http-status-code", &status))
    std::fprintf (stderr, "fetch: the server's status is %u\n", status);
}

void print_stats (GstElement *source)
{
  GstStructure *stats = nullptr;
  g_object_get (source, "stats", &stats, nullptr);
  Owned<GstStructure> owned{stats};
  guint64 requests = 0;
  guint64 proxied = 0;
  guint64 bytes = 0;
  gst_structure_get_uint64 (stats, "requests", &requests);
  gst_structure_get_uint64 (stats, "requests-proxied", &proxied);
  gst_structure_get_uint64 (stats, "bytes-received", &bytes);
  std::printf ("requests: %" G_GUINT64_FORMAT ", by proxy: %" G_GUINT64_FORMAT
               ", bytes: %" G_GUINT64_FORMAT "\n",
      requests, proxied, bytes);
}

}  // namespace

int main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc < 3 || argc > 4) {
    std::fputs ("usage: fetch URI FILE [PROXY]\n", stderr);
    return EXIT_FAILURE;
  }
  GError *failed = nullptr;
  Owned<GstElement> pipeline{gst_parse_launch (
      "proxyhttpsrc name=source ! filesink name=sink", &failed)};
  Owned<GError> reason{failed};
  if (reason != nullptr) {  // a plugin is missing
    std::fprintf (stderr, "fetch: %s\n", reason->message);
    return EXIT_FAILURE;
  }
  // Set as properties, the values need none of gst_parse_launch's quoting.
  auto *bin = GST_BIN (pipeline.get ());
  Owned<GstElement> source{gst_bin_get_by_name (bin, "source")};
  Owned<GstElement> sink{gst_bin_get_by_name (bin, "sink")};
  g_object_set (source.get (), "location", argv[1], nullptr);
  g_object_set (sink.get (), "location", argv[2], nullptr);
  if (argc == 4) g_object_set (source.get (), "proxy", argv[3], nullptr);

  // If this fails there is an error on the bus, too.
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstBus> bus{gst_element_get_bus (pipeline.get ())};
  Owned<GstMessage> message{
      gst_bus_timed_pop_filtered (bus.get (), GST_CLOCK_TIME_NONE,
          GstMessageType (GST_MESSAGE_EOS | GST_MESSAGE_ERROR))};
  bool done = GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS;
  if (done)
    print_stats (source.get ());
  else
    print_error (message.get ());
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

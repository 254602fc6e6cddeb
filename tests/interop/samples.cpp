// SPDX-License-Identifier: LGPL-2.1-or-later
// samples DESCRIPTION...: plays a pipeline, as gst-launch-1.0 does, and lists
// what comes to each of its fakesinks that has a name of its own: into the file
// of that name a line for each buffer, with its size, its time after the first
// one in milliseconds, and the hash of its bytes.
#include <gst/gst.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "common/gstpp.h"

using relay::Owned;

namespace {

// Of one fakesink, by its streaming thread.
struct List
{
  GstClockTime first = GST_CLOCK_TIME_NONE;
  std::string text;
};

void add (GstElement *, GstBuffer *buffer, GstPad *, gpointer data)
{
  auto *list = static_cast<List *> (data);
  relay::MappedBuffer map (buffer, GST_MAP_READ);
  if (!map) return;
  Owned<gchar> hash{g_compute_checksum_for_data (
      G_CHECKSUM_MD5, map.bytes ().data (), map.bytes ().size ())};
  GstClockTime time = GST_BUFFER_PTS (buffer);
  list->text += std::to_string (map.bytes ().size ());
  if (!GST_CLOCK_TIME_IS_VALID (time)) {
    list->text += " none";
  } else {
    if (!GST_CLOCK_TIME_IS_VALID (list->first)) list->first = time;
    // To the nearest one.
    gint64 distance = GST_CLOCK_DIFF (list->first, time) + GST_MSECOND / 2;
    bool is_before = distance < 0;
    gint64 milliseconds =
        distance / static_cast<gint64> (GST_MSECOND) - (is_before ? 1 : 0);
    list->text += " " + std::to_string (milliseconds);
  }
  list->text += std::string (" ") + hash.get () + "\n";
}

bool play (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  Owned<GstBus> bus{gst_element_get_bus (pipeline)};
  Owned<GstMessage> message{
      gst_bus_timed_pop_filtered (bus.get (), 20 * GST_SECOND,
          static_cast<GstMessageType> (GST_MESSAGE_EOS | GST_MESSAGE_ERROR))};
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (!message) {
    std::fprintf (stderr, "it does not end\n");
    return false;
  }
  if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS) return true;
  gchar *debug = nullptr;
  gst_message_parse_error (message.get (), nullptr, &debug);
  Owned<gchar> text{debug};
  std::fprintf (stderr, "%s\n", debug);
  return false;
}

}  // namespace

int main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  GError *raw = nullptr;
  Owned<GstElement> pipeline{
      gst_parse_launchv (const_cast<const gchar **> (argv) + 1, &raw)};
  Owned<GError> error{raw};
  if (!pipeline || error) {
    std::fprintf (stderr, "%s\n", error ? error->message : "no pipeline");
    return 2;
  }
  gst_object_ref_sink (pipeline.get ());
  std::map<std::string, std::unique_ptr<List>> lists;
  GValue item = G_VALUE_INIT;
  GstIterator *all = gst_bin_iterate_sinks (GST_BIN (pipeline.get ()));
  while (gst_iterator_next (all, &item) == GST_ITERATOR_OK) {
    auto *sink = GST_ELEMENT (g_value_get_object (&item));
    std::string name = GST_OBJECT_NAME (sink);
    if (!name.starts_with ("fakesink")) {
      auto list = std::make_unique<List> ();
      g_object_set (sink, "signal-handoffs", TRUE, "sync", FALSE, nullptr);
      g_signal_connect (sink, "handoff", G_CALLBACK (add), list.get ());
      lists[name] = std::move (list);
    }
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (all);
  if (!play (pipeline.get ())) return 1;
  for (const auto &[name, list] : lists) {
    std::ofstream out (name);
    out << list->text;
    if (!out.flush ()) return 1;
  }
  return 0;
}

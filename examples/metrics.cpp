// SPDX-License-Identifier: LGPL-2.1-or-later
// Plays a pipeline, and prints the counters of its cachetees for Prometheus
// when it ends:
//
//   metrics LAUNCH-LINE...
//
// An application that serves them over HTTP does the same for each request.
// Says 1 if the pipeline failed, 2 if it could not be made.
#include "prometheus.h"

#include <cstdio>
#include <memory>
#include <string>

#include "common/gstpp.h"

using relay::Owned;

namespace {

std::string metrics_of (GstBin *bin)
{
  prometheus::Exposition metrics;
  Owned<GstIterator> all{
      gst_bin_iterate_all_by_element_factory_name (bin, "cachetee")};
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next (all.get (), &item) == GST_ITERATOR_OK) {
    auto *tee = GST_ELEMENT (g_value_get_object (&item));
    GstStructure *raw = nullptr;
    g_object_get (tee, "stats", &raw, nullptr);
    Owned<GstStructure> stats{raw};
    metrics.add (stats.get (), "cachetee", GST_OBJECT_NAME (tee));
    g_value_reset (&item);
  }
  g_value_unset (&item);
  return metrics.text ();
}

}  // namespace

int main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  GError *raw_error = nullptr;
  Owned<GstElement> pipeline{
      gst_parse_launchv (const_cast<const gchar **> (argv + 1), &raw_error)};
  Owned<GError> error{raw_error};
  if (pipeline == nullptr || error != nullptr || argc < 2) {
    std::fprintf (stderr, "%s\n",
        error != nullptr ? error->message : "usage: metrics LAUNCH-LINE...");
    return 2;
  }
  gst_object_ref_sink (pipeline.get ());
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstBus> bus{gst_element_get_bus (pipeline.get ())};
  Owned<GstMessage> last{
      gst_bus_timed_pop_filtered (bus.get (), GST_CLOCK_TIME_NONE,
          static_cast<GstMessageType> (GST_MESSAGE_EOS | GST_MESSAGE_ERROR))};
  // Back to READY all of it is written; in NULL the store would be closed.
  gst_element_set_state (pipeline.get (), GST_STATE_READY);
  if (GST_IS_BIN (pipeline.get ()))
    std::fputs (metrics_of (GST_BIN (pipeline.get ())).c_str (), stdout);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return GST_MESSAGE_TYPE (last.get ()) == GST_MESSAGE_EOS ? 0 : 1;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// What a buffer costs on its way through stock tee, and through cachetee with
// nothing kept and with the log on. A pad of ours pushes one buffer again and
// again; pads of ours let it go.
#include <gst/gst.h>

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/bench.h"
#include "common/gstpp.h"

namespace {

using relay::Owned;
using relay::share;

constexpr int rounds = 15;

GstFlowReturn let_go (GstPad *, GstObject *, GstBuffer *buffer)
{
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

gboolean let_event_go (GstPad *, GstObject *, GstEvent *event)
{
  gst_event_unref (event);
  return TRUE;
}

// An element that plays, between a source and some branches.
class Fan
{
public:
  Fan (const char *element, const char *late_join, int branches)
      : element_ (GST_ELEMENT (
            gst_object_ref_sink (gst_element_factory_make (element, nullptr)))),
        source_ (
            GST_PAD (gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC))))
  {
    if (late_join != nullptr)
      gst_util_set_object_arg (
          G_OBJECT (element_.get ()), "late-join", late_join);
    Owned<GstPad> sinkpad{gst_element_get_static_pad (element_.get (), "sink")};
    gst_pad_set_active (source_.get (), TRUE);
    gst_pad_link (source_.get (), sinkpad.get ());
    for (int i = 0; i < branches; i++) {
      Owned<GstPad> src{
          gst_element_request_pad_simple (element_.get (), "src_%u")};
      Owned<GstPad> sink{
          GST_PAD (gst_object_ref_sink (gst_pad_new (nullptr, GST_PAD_SINK)))};
      gst_pad_set_chain_function (sink.get (), let_go);
      gst_pad_set_event_function (sink.get (), let_event_go);
      gst_pad_set_active (sink.get (), TRUE);
      gst_pad_link (src.get (), sink.get ());
      sinks_.push_back (std::move (sink));
      srcs_.push_back (std::move (src));
    }
    gst_element_set_state (element_.get (), GST_STATE_PLAYING);
    gst_pad_push_event (source_.get (), gst_event_new_stream_start ("bench"));
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_BYTES);
    gst_pad_push_event (source_.get (), gst_event_new_segment (&segment));
  }
  ~Fan ()
  {
    gst_element_set_state (element_.get (), GST_STATE_NULL);
    for (const Owned<GstPad> &src : srcs_)
      gst_element_release_request_pad (element_.get (), src.get ());
  }
  Fan (const Fan &) = delete;
  Fan &operator= (const Fan &) = delete;

  // CPU nanoseconds for a buffer.
  double push (GstBuffer *buffer, int count)
  {
    double before = bench::cpu_seconds ();
    for (int i = 0; i < count; i++)
      gst_pad_push (source_.get (), share (buffer).release ());
    return (bench::cpu_seconds () - before) * 1e9 / count;
  }

private:
  Owned<GstElement> element_;
  Owned<GstPad> source_;
  std::vector<Owned<GstPad>> srcs_;
  std::vector<Owned<GstPad>> sinks_;
};

void measure (bench::Report &report, gsize size, int branches, int count)
{
  Owned<GstBuffer> buffer{gst_buffer_new_allocate (nullptr, size, nullptr)};
  Fan stock ("tee", nullptr, branches);
  Fan plain ("cachetee", nullptr, branches);
  Fan logging ("cachetee", "latest-keyframe", branches);
  std::vector<double> tee;
  std::vector<double> off;
  std::vector<double> log;
  std::vector<double> off_ratio;
  std::vector<double> log_ratio;
  // The first one fills caches.
  for (int round = 0; round <= rounds; round++) {
    double one = stock.push (buffer.get (), count);
    double two = plain.push (buffer.get (), count);
    double three = logging.push (buffer.get (), count);
    if (round == 0) continue;
    tee.push_back (one);
    off.push_back (two);
    log.push_back (three);
    off_ratio.push_back (two / one);
    log_ratio.push_back (three / one);
  }
  report.add ({std::to_string (size >> 10) + " KiB, " +
                   std::to_string (branches) + " branches",
      {{"tee", bench::median (tee)}, {"off", bench::median (off)},
          {"ratio", bench::median (off_ratio)}, {"log", bench::median (log)},
          {"log_ratio", bench::median (log_ratio)}}});
}

}  // namespace

int main (int argc, char **argv)
{
  gst_init (nullptr, nullptr);
  int count = 10000;
  for (int i = 1; i + 1 < argc; i++)
    if (std::string (argv[i]) == "--buffers") count = std::stoi (argv[i + 1]);
  bench::Report report (argc, argv);
  for (gsize size : {gsize{4} << 10, gsize{64} << 10, gsize{1} << 20})
    for (int branches : {1, 2, 4, 8, 16})
      measure (report, size, branches, count);
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// What a packet costs: stock rtpjpegpay and ours, in turn, in this process to a
// null sink, and each as a process of its own through udpsink to the loopback.
//
//   bench-rtpmjpegpay [--json FILE] [--frames N]
#include <gst/gst.h>
#include <gst/rtp/rtp.h>
#include <sys/wait.h>

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <random>
#include <span>

#include "bench.h"
#include "check/jpegfile.h"
#include "common/gstpp.h"

using jpegfile::join;
using relay::Owned;
using test::Bytes;

namespace {

constexpr const char *names[] = {"rtpjpegpay", "rtpmjpegpay"};
constexpr int rounds = 9;
constexpr int process_rounds = 5;
// Kilobytes: those of a 1080p image of quality 85 with little, much and very
// much in it.
constexpr std::array<std::size_t, 3> sizes = {130, 500, 1300};

// A 1080p image of about that size, with the headers of an ordinary one. What
// its entropy-coded data say is nothing to a payloader; 0xFF does not occur.
Bytes image_of (std::size_t size)
{
  Bytes head = join (
      {jpegfile::tables ({.width = 1920, .height = 1080}), jpegfile::sos ()});
  std::mt19937 random (1);
  Bytes scan (size - head.size () - 2);
  for (std::uint8_t &byte : scan)
    byte = static_cast<std::uint8_t> (random () % 255);
  return join ({head, scan, jpegfile::eoi});
}

// Counts what arrives and lets it go.
struct Sink
{
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

GstFlowReturn take_list (GstPad *pad, GstObject *, GstBufferList *list)
{
  auto *sink = static_cast<Sink *> (GST_PAD_ELEMENT_PRIVATE (pad));
  sink->packets += gst_buffer_list_length (list);
  gst_buffer_list_unref (list);
  return GST_FLOW_OK;
}

GstFlowReturn take_buffer (GstPad *pad, GstObject *, GstBuffer *buffer)
{
  auto *sink = static_cast<Sink *> (GST_PAD_ELEMENT_PRIVATE (pad));
  sink->packets++;
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

// A payloader between two pads of ours.
class Payloader
{
public:
  Payloader (const char *name, bool extension)
      : element_ (GST_ELEMENT (
            gst_object_ref_sink (gst_element_factory_make (name, nullptr)))),
        in_ (GST_PAD (gst_object_ref_sink (gst_pad_new ("in", GST_PAD_SRC)))),
        out_ (GST_PAD (gst_object_ref_sink (gst_pad_new ("out", GST_PAD_SINK))))
  {
    if (extension) {
      GstRTPHeaderExtension *ntp = gst_rtp_header_extension_create_from_uri (
          "urn:ietf:params:rtp-hdrext:ntp-64");
      gst_rtp_header_extension_set_id (ntp, 1);
      g_signal_emit_by_name (element_.get (), "add-extension", ntp);
      gst_object_unref (ntp);
    }
    GST_PAD_ELEMENT_PRIVATE (out_.get ()) = &sink_;
    gst_pad_set_chain_function (out_.get (), take_buffer);
    gst_pad_set_chain_list_function (out_.get (), take_list);
    Owned<GstPad> sink{gst_element_get_static_pad (element_.get (), "sink")};
    Owned<GstPad> src{gst_element_get_static_pad (element_.get (), "src")};
    gst_pad_link (in_.get (), sink.get ());
    gst_pad_link (src.get (), out_.get ());
    gst_pad_set_active (out_.get (), TRUE);
    gst_element_set_state (element_.get (), GST_STATE_PLAYING);
    gst_pad_set_active (in_.get (), TRUE);
    gst_pad_push_event (in_.get (), gst_event_new_stream_start ("bench"));
    Owned<GstCaps> caps{gst_caps_from_string (
        "image/jpeg,width=1920,height=1080,framerate=30/1")};
    gst_pad_push_event (in_.get (), gst_event_new_caps (caps.get ()));
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_pad_push_event (in_.get (), gst_event_new_segment (&segment));
  }
  ~Payloader ()
  {
    gst_element_set_state (element_.get (), GST_STATE_NULL);
    gst_pad_set_active (in_.get (), FALSE);
    gst_pad_set_active (out_.get (), FALSE);
  }
  Payloader (const Payloader &) = delete;
  Payloader &operator= (const Payloader &) = delete;

  // CPU nanoseconds for a packet.
  double run (const Bytes &image, int frames)
  {
    std::uint64_t before = sink_.packets;
    double start = bench::cpu_seconds ();
    for (int i = 0; i < frames; i++) {
      GstBuffer *frame = gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY,
          const_cast<std::uint8_t *> (image.data ()), image.size (), 0,
          image.size (), nullptr, nullptr);
      GST_BUFFER_PTS (frame) = frames_++ * GST_SECOND / 30;
      if (gst_pad_push (in_.get (), frame) != GST_FLOW_OK) std::abort ();
    }
    double spent = bench::cpu_seconds () - start;
    return spent * 1e9 / static_cast<double> (sink_.packets - before);
  }

private:
  Owned<GstElement> element_;
  Owned<GstPad> in_;
  Owned<GstPad> out_;
  Sink sink_;
  std::uint64_t frames_ = 0;
};

// Both in turn; the median of each, and of the ratios of the pairs.
template <class Measure>
bench::Row row (const std::string &name, int times, Measure measure)
{
  std::array<std::vector<double>, 2> figures;
  std::vector<double> ratios;
  for (int i = 0; i < times; i++) {
    double stock = measure (0);
    double ours = measure (1);
    figures[0].push_back (stock);
    figures[1].push_back (ours);
    ratios.push_back (ours / stock);
  }
  return {name, {{"stock_ns_per_packet", bench::median (figures[0])},
                    {"ours_ns_per_packet", bench::median (figures[1])},
                    {"ratio", bench::median (ratios)}}};
}

void null_sink (bench::Report &report, int frames, bool extension)
{
  for (std::size_t size : sizes) {
    Bytes image = image_of (size * 1000);
    Payloader stock (names[0], extension);
    Payloader ours (names[1], extension);
    int count = std::max (1, frames * 130 / static_cast<int> (size));
    stock.run (image, count);
    ours.run (image, count);
    report.add (row ("null sink, " + std::to_string (size) + " KB" +
                         (extension ? ", extension" : ""),
        rounds, [&] (int which) {
          return (which == 0 ? stock : ours).run (image, count);
        }));
  }
}

// The child: the whole sender, frames from memory to the loopback.
int send (const char *name, std::size_t size, int frames)
{
  Owned<gchar> line{g_strdup_printf (
      "appsrc name=in format=time max-bytes=4000000 block=true "
      "caps=image/jpeg,width=1920,height=1080,framerate=30/1 ! %s ! "
      "udpsink host=127.0.0.1 port=9 sync=false",
      name)};
  Owned<GstElement> pipeline{gst_parse_launch (line.get (), nullptr)};
  Owned<GstElement> in{gst_bin_get_by_name (GST_BIN (pipeline.get ()), "in")};
  Bytes image = image_of (size * 1000);
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  for (int i = 0; i < frames; i++) {
    GstBuffer *frame = gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY,
        image.data (), image.size (), 0, image.size (), nullptr, nullptr);
    GST_BUFFER_PTS (frame) = static_cast<std::uint64_t> (i) * GST_SECOND / 30;
    GstFlowReturn flow = GST_FLOW_OK;
    g_signal_emit_by_name (in.get (), "push-buffer", frame, &flow);
    gst_buffer_unref (frame);
    if (flow != GST_FLOW_OK) return 1;
  }
  GstFlowReturn flow = GST_FLOW_OK;
  g_signal_emit_by_name (in.get (), "end-of-stream", &flow);
  Owned<GstBus> bus{gst_element_get_bus (pipeline.get ())};
  Owned<GstMessage> end{
      gst_bus_timed_pop_filtered (bus.get (), GST_CLOCK_TIME_NONE,
          static_cast<GstMessageType> (GST_MESSAGE_EOS | GST_MESSAGE_ERROR))};
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return GST_MESSAGE_TYPE (end.get ()) == GST_MESSAGE_EOS ? 0 : 1;
}

// CPU nanoseconds of a whole process for a packet, its start left out: that of
// a process with one frame is taken off.
double process (const char *self, int which, std::size_t size, int frames)
{
  auto run = [&] (int count) {
    rusage before{};
    getrusage (RUSAGE_CHILDREN, &before);
    pid_t child = fork ();
    if (child == 0) {
      execl (self, self, "--send", names[which], std::to_string (size).c_str (),
          std::to_string (count).c_str (), nullptr);
      _exit (127);
    }
    int status = 0;
    waitpid (child, &status, 0);
    if (status != 0) std::abort ();
    rusage after{};
    getrusage (RUSAGE_CHILDREN, &after);
    auto of = [] (const timeval &time) {
      return static_cast<double> (time.tv_sec) +
             static_cast<double> (time.tv_usec) * 1e-6;
    };
    return of (after.ru_utime) + of (after.ru_stime) - of (before.ru_utime) -
           of (before.ru_stime);
  };
  double spent = run (frames) - run (1);
  // The first packet has 8-bit tables; all are 1400 bytes but the last.
  double packets = std::ceil (static_cast<double> (size * 1000) / 1380);
  return spent * 1e9 / (packets * (frames - 1));
}

}  // namespace

int main (int argc, char **argv)
{
  gst_init (nullptr, nullptr);
  if (argc == 5 && std::strcmp (argv[1], "--send") == 0)
    return send (argv[2], std::stoul (argv[3]), std::stoi (argv[4]));
  int frames = 300;
  for (int i = 1; i + 1 < argc; i++)
    if (std::strcmp (argv[i], "--frames") == 0)
      frames = std::stoi (argv[i + 1]);

  bench::Report report (argc, argv);
  null_sink (report, frames, false);
  null_sink (report, frames, true);
  for (std::size_t size : sizes) {
    int count = std::max (2, frames * 260 / static_cast<int> (size));
    report.add (row ("process, udpsink, " + std::to_string (size) + " KB",
        process_rounds,
        [&] (int which) { return process (argv[0], which, size, count); }));
  }
  return 0;
}

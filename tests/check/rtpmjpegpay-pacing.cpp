// SPDX-License-Identifier: LGPL-2.1-or-later
// When packets leave, with a clock that stands still until it is told to go on;
// the ONVIF extension and fields in the packets; and packets that are used
// again.
#include <gst/check/gsttestclock.h>
#include <gst/rtp/rtp.h>
#include <gst/video/video.h>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "common/guarded.h"
#include "jpegfile.h"
#include "sanitized.h"
#include "testutil.h"

using jpegfile::dri;
using jpegfile::eoi;
using jpegfile::join;
using jpegfile::sos;
using jpegfile::tables;
using relay::Owned;
using test::Bytes;

namespace {

using Properties = std::map<std::string, std::string>;

struct Packet
{
  guint16 seq = 0;
  bool marker = false;
  bool has_extension = false;
  Bytes extension;  // profile id, length, words
  guint8 type_specific = 0;
  gsize size = 0;
  GstClockTime at = 0;  // of the clock, when it came
  gsize list = 0;       // the how manieth list it came in
};

Packet packet_of (GstBuffer *buffer)
{
  Bytes bytes (gst_buffer_get_size (buffer));
  gst_buffer_extract (buffer, 0, bytes.data (), bytes.size ());
  Packet packet;
  packet.size = bytes.size ();
  fail_unless (bytes.size () > 20);
  packet.seq = static_cast<guint16> (bytes[2] << 8 | bytes[3]);
  packet.marker = (bytes[1] & 0x80) != 0;
  packet.has_extension = (bytes[0] & 0x10) != 0;
  std::size_t payload = 12 + 4 * (bytes[0] & 0x0fU);
  if (packet.has_extension) {
    std::size_t size =
        4 + 4 * static_cast<std::size_t> (
                    bytes[payload + 2] << 8 | bytes[payload + 3]);
    auto from = bytes.begin () + static_cast<std::ptrdiff_t> (payload);
    packet.extension.assign (from, from + static_cast<std::ptrdiff_t> (size));
    payload += size;
  }
  packet.type_specific = bytes[payload];
  return packet;
}

// A payloader between two pads of ours. Frames are pushed by a thread of their
// own, which may have to wait for the clock.
class Stage
{
public:
  explicit Stage (const Properties &properties = {}, bool with_clock = true)
      : element_ (GST_ELEMENT (gst_object_ref_sink (
            gst_element_factory_make ("rtpmjpegpay", nullptr)))),
        bus_ (gst_bus_new ()),
        clock_ (gst_test_clock_new_with_start_time (start))
  {
    set ({{"seqnum-offset", "65530"}, {"mtu", "200"}});
    set (properties);
    if (with_clock) gst_element_set_clock (element_.get (), clock_.get ());
    gst_element_set_bus (element_.get (), bus_.get ());
    src_.reset (gst_pad_new ("src", GST_PAD_SRC));
    sink_.reset (gst_pad_new ("sink", GST_PAD_SINK));
    gst_object_ref_sink (src_.get ());
    gst_object_ref_sink (sink_.get ());
    gst_pad_set_element_private (sink_.get (), this);
    gst_pad_set_element_private (src_.get (), this);
    gst_pad_set_chain_list_function (sink_.get (), on_list);
    gst_pad_set_chain_function (sink_.get (), on_buffer);
    gst_pad_set_query_function (src_.get (), on_query);
    Owned<GstPad> sinkpad{gst_element_get_static_pad (element_.get (), "sink")};
    Owned<GstPad> srcpad{gst_element_get_static_pad (element_.get (), "src")};
    fail_unless (gst_pad_link (src_.get (), sinkpad.get ()) == GST_PAD_LINK_OK);
    fail_unless (gst_pad_link (srcpad.get (), sink_.get ()) == GST_PAD_LINK_OK);
    play ();
  }
  ~Stage ()
  {
    join_pusher ();
    gst_element_set_bus (element_.get (), nullptr);
    gst_element_set_state (element_.get (), GST_STATE_NULL);
    gst_pad_set_active (src_.get (), FALSE);
    gst_pad_set_active (sink_.get (), FALSE);
  }
  Stage (const Stage &) = delete;
  Stage &operator= (const Stage &) = delete;

  void play ()
  {
    gst_pad_set_active (sink_.get (), TRUE);
    fail_unless (gst_element_set_state (element_.get (), GST_STATE_PLAYING) ==
                 GST_STATE_CHANGE_SUCCESS);
    gst_pad_set_active (src_.get (), TRUE);
    event (gst_event_new_stream_start ("stream"));
  }
  void set (const Properties &properties)
  {
    for (const auto &[name, value] : properties)
      gst_util_set_object_arg (
          G_OBJECT (element_.get ()), name.c_str (), value.c_str ());
  }
  void event (GstEvent *event) { gst_pad_push_event (src_.get (), event); }
  void segment (double rate = 1)
  {
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    segment.rate = rate;
    if (rate < 0) segment.stop = GST_SECOND;
    event (gst_event_new_segment (&segment));
  }
  void caps (const std::string &more = ",framerate=25/1", int width = 32,
      int height = 16)
  {
    std::string text = "image/jpeg,width=" + std::to_string (width) +
                       ",height=" + std::to_string (height) + more;
    Owned<GstCaps> caps{gst_caps_from_string (text.c_str ())};
    event (gst_event_new_caps (caps.get ()));
    segment ();
  }

  GstFlowReturn push (Owned<GstBuffer> frame)
  {
    return gst_pad_push (src_.get (), frame.release ());
  }
  // In another thread.
  void start_push (Owned<GstBuffer> frame)
  {
    join_pusher ();
    pusher_ = std::thread ([this, raw = frame.release ()] {
      flow_ = gst_pad_push (src_.get (), raw);
    });
  }
  GstFlowReturn join_pusher ()
  {
    if (pusher_.joinable ()) pusher_.join ();
    return flow_;
  }

  // The time that the element waits for.
  GstClockTime pending ()
  {
    GstClockID id = nullptr;
    gst_test_clock_wait_for_next_pending_id (test_clock (), &id);
    GstClockTime time = gst_clock_id_get_time (id);
    gst_clock_id_unref (id);
    return time;
  }
  void advance_to (GstClockTime time)
  {
    gst_test_clock_set_time (test_clock (), time);
    GstClockID id = gst_test_clock_process_next_clock_id (test_clock ());
    if (id != nullptr) gst_clock_id_unref (id);
  }
  // Lets the rest of a frame leave, each burst when it is due.
  GstFlowReturn run (gsize waits)
  {
    for (gsize i = 0; i < waits; i++) advance_to (pending ());
    return join_pusher ();
  }
  GstClockTime now () { return gst_clock_get_time (clock_.get ()); }
  void set_time (GstClockTime time)
  {
    gst_test_clock_set_time (test_clock (), time);
  }

  std::vector<Packet> packets ()
  {
    return std::exchange (*received_.lock (), {});
  }
  // In each burst.
  std::vector<gsize> bursts ()
  {
    std::vector<gsize> out;
    gsize list = 0;
    for (const Packet &packet : packets ()) {
      if (out.empty () || packet.list != list) out.push_back (0);
      list = packet.list;
      out.back ()++;
    }
    return out;
  }

  std::pair<GstClockTime, GstClockTime> latency ()
  {
    Owned<GstQuery> query{gst_query_new_latency ()};
    fail_unless (gst_pad_peer_query (sink_.get (), query.get ()));
    GstClockTime min = 0;
    GstClockTime max = 0;
    gst_query_parse_latency (query.get (), nullptr, &min, &max);
    return {min, max};
  }
  int messages (GstMessageType type)
  {
    int count = 0;
    while (GstMessage *message = gst_bus_pop_filtered (bus_.get (), type)) {
      gst_message_unref (message);
      count++;
    }
    return count;
  }
  Owned<GstMessage> message (GstMessageType type)
  {
    return Owned<GstMessage> (gst_bus_pop_filtered (bus_.get (), type));
  }

  GstElement *element () { return element_.get (); }
  // What becomes of a packet besides that it is noted. In the pushing thread.
  std::function<void (Owned<GstBuffer>)> keep;
  std::function<void ()> on_burst;
  GstClockTime upstream_max = GST_CLOCK_TIME_NONE;

  static constexpr GstClockTime start = 5 * GST_SECOND;
  static constexpr GstClockTime upstream_min = 7 * GST_MSECOND;

private:
  GstTestClock *test_clock () { return GST_TEST_CLOCK (clock_.get ()); }

  void receive (GstBuffer *buffer)
  {
    Packet packet = packet_of (buffer);
    packet.at = now ();
    packet.list = lists_;
    received_.lock ()->push_back (packet);
    if (keep) keep (relay::share (buffer));
  }
  static GstFlowReturn on_list (GstPad *pad, GstObject *, GstBufferList *raw)
  {
    auto *self = static_cast<Stage *> (gst_pad_get_element_private (pad));
    Owned<GstBufferList> list{raw};
    self->lists_++;
    for (guint i = 0; i < gst_buffer_list_length (raw); i++)
      self->receive (gst_buffer_list_get (raw, i));
    list.reset ();
    if (self->on_burst) self->on_burst ();
    return GST_FLOW_OK;
  }
  static GstFlowReturn on_buffer (GstPad *pad, GstObject *, GstBuffer *raw)
  {
    Owned<GstBuffer> buffer{raw};
    auto *self = static_cast<Stage *> (gst_pad_get_element_private (pad));
    self->lists_++;
    self->receive (raw);
    return GST_FLOW_OK;
  }
  static gboolean on_query (GstPad *pad, GstObject *parent, GstQuery *query)
  {
    if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
      return gst_pad_query_default (pad, parent, query);
    auto *self = static_cast<Stage *> (gst_pad_get_element_private (pad));
    gst_query_set_latency (query, TRUE, upstream_min, self->upstream_max);
    return TRUE;
  }

  Owned<GstElement> element_;
  Owned<GstBus> bus_;
  Owned<GstClock> clock_;
  Owned<GstPad> src_;
  Owned<GstPad> sink_;
  relay::Guarded<std::vector<Packet>> received_;
  gsize lists_ = 0;
  std::thread pusher_;
  GstFlowReturn flow_ = GST_FLOW_OK;
};

// The headers of a packet that is not a frame's first, and what is left of an
// mtu of 200.
constexpr gsize room = 200 - 12 - 8;
constexpr gsize first_room = room - 132;

// A frame of so many packets of 200 bytes.
Bytes image_of (
    gsize packets, const Bytes &more = {}, const jpegfile::Frame &format = {})
{
  Bytes scan (first_room + (packets - 1) * room - 10 - 2, 0x55);
  return join ({tables (format), more, sos (), scan, eoi});
}

Owned<GstBuffer> frame_of (const Bytes &bytes,
    GstClockTime pts = GST_CLOCK_TIME_NONE,
    GstClockTime duration = GST_CLOCK_TIME_NONE)
{
  Owned<GstBuffer> frame = test::buffer (bytes);
  GST_BUFFER_PTS (frame.get ()) = pts;
  GST_BUFFER_DURATION (frame.get ()) = duration;
  return frame;
}

void assert_continuous (const std::vector<Packet> &packets, guint16 first)
{
  for (const Packet &packet : packets)
    fail_unless (packet.seq == first++, "seq %u, not %u", packet.seq,
        static_cast<guint16> (first - 1));
}

constexpr guint16 first_number = 65530;
constexpr GstClockTime interval = 40 * GST_MSECOND;  // 25 frames a second

}  // namespace

GST_START_TEST (bursts_leave_on_time)
{
  Stage stage ({{"pacing", "0.5"}, {"pacing-burst", "3"}});
  stage.caps ();
  stage.start_push (frame_of (image_of (10)));
  // Four bursts in 20 ms.
  for (gsize i = 1; i < 4; i++) {
    GstClockTime due = Stage::start + i * 5 * GST_MSECOND;
    fail_unless_equals_uint64 (stage.pending (), due);
    // Not a nanosecond earlier.
    stage.set_time (due - 1);
    fail_unless_equals_uint64 (stage.pending (), due);
    stage.advance_to (due);
  }
  fail_unless_equals_int (stage.join_pusher (), GST_FLOW_OK);
  std::vector<Packet> packets = stage.packets ();
  fail_unless (packets.size () == 10);
  assert_continuous (packets, first_number);
  for (gsize i = 0; i < packets.size (); i++) {
    fail_unless_equals_uint64 (
        packets[i].at, Stage::start + i / 3 * 5 * GST_MSECOND);
    fail_unless (packets[i].list == 1 + i / 3);
    fail_unless (packets[i].marker == (i == 9));
  }
  // Upstream was held for less than a frame.
  fail_unless (stage.now () - Stage::start < interval);
}
GST_END_TEST;

// The numbers run on from frame to frame, and over the 16 bits.
GST_START_TEST (numbers_run_on)
{
  Stage stage ({{"pacing", "1"}, {"pacing-burst", "2"}});
  stage.caps ();
  std::vector<Packet> all;
  for (int i = 0; i < 3; i++) {
    GstClockTime begin = stage.now ();
    stage.start_push (frame_of (image_of (5)));
    fail_unless_equals_int (stage.run (2), GST_FLOW_OK);
    fail_unless (stage.now () - begin < interval);
    for (const Packet &packet : stage.packets ()) all.push_back (packet);
  }
  fail_unless (all.size () == 15);
  assert_continuous (all, first_number);
}
GST_END_TEST;

struct Rate
{
  const char *what;
  const char *caps;
  double rate;
  GstClockTime pts[3];
  GstClockTime duration;
  GstClockTime expected;  // of the third frame, with a pacing of 1
};

const Rate rates[] = {
    {"caps", ",framerate=25/1", 1, {0, 1, 2}, GST_CLOCK_TIME_NONE, interval},
    {"caps before all else", ",framerate=25/1", 1,
        {0, 7 * GST_MSECOND, 14 * GST_MSECOND}, 9 * GST_MSECOND, interval},
    {"duration", "", 1, {0, 1, 2}, 20 * GST_MSECOND, 20 * GST_MSECOND},
    {"duration, with a rate that varies", ",framerate=0/1", 1, {0, 1, 2},
        20 * GST_MSECOND, 20 * GST_MSECOND},
    {"distance", "", 1, {0, 30 * GST_MSECOND, 60 * GST_MSECOND},
        GST_CLOCK_TIME_NONE, 30 * GST_MSECOND},
    {"twice the speed", ",framerate=25/1", 2, {0, 1, 2}, GST_CLOCK_TIME_NONE,
        interval / 2},
    {"backwards", ",framerate=25/1", -2, {2, 1, 0}, GST_CLOCK_TIME_NONE,
        interval / 2},
    {"at most a second", ",framerate=1/10", 1, {0, 1, 2}, GST_CLOCK_TIME_NONE,
        GST_SECOND},
};

GST_START_TEST (the_interval_is_found)
{
  const Rate &row = rates[__i__];
  Stage stage ({{"pacing", "0"}, {"pacing-burst", "1"}});
  stage.caps (row.caps);
  stage.segment (row.rate);
  for (int i = 0; i < 3; i++) {
    if (i == 2) stage.set ({{"pacing", "1"}});
    stage.start_push (frame_of (image_of (2), row.pts[i], row.duration));
    if (i < 2) stage.join_pusher ();
  }
  fail_unless (stage.pending () == Stage::start + row.expected / 2,
      "%s: %" GST_TIME_FORMAT, row.what,
      GST_TIME_ARGS (stage.pending () - Stage::start));
  fail_unless_equals_int (stage.run (1), GST_FLOW_OK);
}
GST_END_TEST;

// A frame that is dropped is still one between two others.
GST_START_TEST (a_dropped_frame_counts)
{
  Stage stage ({{"pacing", "1"}, {"pacing-burst", "1"}});
  stage.caps ("");
  fail_unless_equals_int (stage.push (frame_of (image_of (2), 0)), GST_FLOW_OK);
  fail_unless_equals_int (
      stage.push (frame_of ({1, 2, 3}, 20 * GST_MSECOND)), GST_FLOW_OK);
  stage.start_push (frame_of (image_of (2), 40 * GST_MSECOND));
  fail_unless_equals_uint64 (stage.pending (), Stage::start + 10 * GST_MSECOND);
  fail_unless_equals_int (stage.run (1), GST_FLOW_OK);
}
GST_END_TEST;

GST_START_TEST (properties_change_while_playing)
{
  Stage stage;
  stage.caps ();
  fail_unless_equals_int (stage.push (frame_of (image_of (6))), GST_FLOW_OK);
  fail_unless (stage.bursts () == std::vector<gsize>{6});
  stage.set ({{"pacing", "0.5"}, {"pacing-burst", "4"}});
  stage.start_push (frame_of (image_of (6)));
  fail_unless_equals_int (stage.run (1), GST_FLOW_OK);
  fail_unless (stage.bursts () == std::vector<gsize> ({4, 2}));
  // In the middle of a frame: from the next on.
  stage.start_push (frame_of (image_of (6)));
  stage.pending ();
  stage.set ({{"pacing", "1"}, {"pacing-burst", "2"}});
  fail_unless_equals_int (stage.run (1), GST_FLOW_OK);
  fail_unless (stage.bursts () == std::vector<gsize> ({4, 2}));
  stage.start_push (frame_of (image_of (6)));
  fail_unless_equals_int (stage.run (2), GST_FLOW_OK);
  fail_unless (stage.bursts () == std::vector<gsize> ({2, 2, 2}));
  stage.set ({{"pacing", "0"}});
  fail_unless_equals_int (stage.push (frame_of (image_of (6))), GST_FLOW_OK);
  fail_unless (stage.bursts () == std::vector<gsize>{6});
}
GST_END_TEST;

GST_START_TEST (latency_is_reported)
{
  Stage stage;
  stage.upstream_max = 50 * GST_MSECOND;
  stage.caps ();
  fail_unless_equals_int (stage.push (frame_of (image_of (1))), GST_FLOW_OK);
  fail_unless_equals_int (stage.messages (GST_MESSAGE_LATENCY), 0);
  const struct
  {
    const char *pacing;
    GstClockTime expected;
    int messages;
  } rows[] = {
      {"0.5", 20 * GST_MSECOND, 1},
      {"0.5", 20 * GST_MSECOND, 0},
      {"1", 40 * GST_MSECOND, 1},
      {"0.75", 30 * GST_MSECOND, 1},
      {"0", 0, 1},
      {"0", 0, 0},
  };
  for (const auto &row : rows) {
    stage.set ({{"pacing", row.pacing}});
    fail_unless_equals_int (stage.push (frame_of (image_of (1))), GST_FLOW_OK);
    fail_unless_equals_int (stage.messages (GST_MESSAGE_LATENCY), row.messages);
    auto latency = stage.latency ();
    fail_unless_equals_uint64 (
        latency.first, Stage::upstream_min + row.expected);
    fail_unless_equals_uint64 (latency.second, 50 * GST_MSECOND + row.expected);
    stage.upstream_max = GST_CLOCK_TIME_NONE;
    fail_unless_equals_uint64 (stage.latency ().second, GST_CLOCK_TIME_NONE);
    stage.upstream_max = 50 * GST_MSECOND;
  }
}
GST_END_TEST;

// Times in milliseconds, as Matroska has them.
GST_START_TEST (latency_does_not_jitter)
{
  Stage stage (Properties{{"pacing", "0.8"}});
  stage.caps ("");
  for (guint64 i = 0; i < 100; i++)
    fail_unless_equals_int (
        stage.push (frame_of (image_of (1), i * 1000 / 30 * GST_MSECOND,
            i % 2 == 0 ? 33333333 : 33333334)),
        GST_FLOW_OK);
  fail_unless (stage.messages (GST_MESSAGE_LATENCY) <= 2);
}
GST_END_TEST;

GST_START_TEST (flush_ends_a_wait)
{
  Stage stage ({{"pacing", "1"}, {"pacing-burst", "2"}});
  stage.caps ();
  stage.start_push (frame_of (image_of (7)));
  stage.advance_to (stage.pending ());
  stage.pending ();
  stage.event (gst_event_new_flush_start ());
  fail_unless_equals_int (stage.join_pusher (), GST_FLOW_FLUSHING);
  std::vector<Packet> all = stage.packets ();
  fail_unless (all.size () == 4);
  stage.event (gst_event_new_flush_stop (TRUE));
  stage.segment ();
  stage.start_push (frame_of (image_of (3)));
  fail_unless_equals_int (stage.run (1), GST_FLOW_OK);
  for (const Packet &packet : stage.packets ()) all.push_back (packet);
  fail_unless (all.size () == 7);
  assert_continuous (all, first_number);
}
GST_END_TEST;

GST_START_TEST (ready_ends_a_wait)
{
  Stage stage ({{"pacing", "1"}, {"pacing-burst", "2"}});
  for (int round = 0; round < 3; round++) {
    stage.caps ();
    stage.start_push (frame_of (image_of (7)));
    stage.pending ();
    auto before = std::chrono::steady_clock::now ();
    fail_unless (gst_element_set_state (stage.element (), GST_STATE_READY) ==
                 GST_STATE_CHANGE_SUCCESS);
    auto took = std::chrono::steady_clock::now () - before;
    fail_unless_equals_int (stage.join_pusher (), GST_FLOW_FLUSHING);
    fail_unless (took < std::chrono::milliseconds (100));
    fail_unless (stage.packets ().size () == 2);
    fail_unless_equals_uint64 (stage.latency ().first, Stage::upstream_min);
    stage.play ();
  }
}
GST_END_TEST;

// A sink that is paused holds a burst back.
GST_START_TEST (a_pause_makes_no_burst)
{
  Stage stage ({{"pacing", "0.8"}, {"pacing-burst", "1"}});
  stage.caps ();  // 32 ms
  gsize count = 0;
  stage.on_burst = [&] {
    if (++count == 3) stage.set_time (stage.now () + GST_SECOND);
  };
  stage.start_push (frame_of (image_of (16)));
  fail_unless_equals_int (stage.run (15), GST_FLOW_OK);
  std::vector<Packet> packets = stage.packets ();
  fail_unless (packets.size () == 16);
  GstClockTime pause = packets[3].at;
  fail_unless_equals_uint64 (
      pause, Stage::start + 4 * GST_MSECOND + GST_SECOND);
  // Each step of 2 ms is one of 1.
  for (gsize i = 4; i < packets.size (); i++)
    fail_unless_equals_uint64 (packets[i].at, pause + (i - 3) * GST_MSECOND);
}
GST_END_TEST;

// Without a clock of the pipeline the system's is used.
GST_START_TEST (without_a_clock)
{
  Stage stage ({{"pacing", "0.5"}, {"pacing-burst", "1"}}, false);
  stage.caps ();
  auto before = std::chrono::steady_clock::now ();
  fail_unless_equals_int (stage.push (frame_of (image_of (4))), GST_FLOW_OK);
  auto took = std::chrono::steady_clock::now () - before;
  fail_unless (took >= std::chrono::milliseconds (15));
  fail_unless (stage.bursts () == std::vector<gsize> ({1, 1, 1, 1}));
}
GST_END_TEST;

// In a pipeline: no packet is rendered before its frame's time, nor all at
// once.
GST_START_TEST (sinks_that_wait_and_do_not)
{
  bool sync = __i__ == 1;
  Owned<gchar> line{g_strdup_printf (
      "videotestsrc num-buffers=10 pattern=snow ! "
      "video/x-raw,format=I420,width=320,height=240,framerate=20/1 ! jpegenc ! "
      "rtpmjpegpay pacing=0.5 pacing-burst=4 ! fakesink name=sink sync=%s "
      "signal-handoffs=true",
      sync ? "true" : "false")};
  Owned<GstElement> pipeline{gst_parse_launch (line.get (), nullptr)};
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "sink")};
  struct Seen
  {
    GstElement *pipeline;
    // Of each frame, by time: when the first and the last packet came.
    std::map<GstClockTime, std::pair<GstClockTime, GstClockTime>> frames;
    bool early = false;
  } seen{pipeline.get (), {}};
  auto on_handoff = +[] (GstElement *, GstBuffer *buffer, GstPad *, Seen *to) {
    Owned<GstClock> clock{gst_element_get_clock (to->pipeline)};
    // The first comes while the pipeline is paused.
    if (!clock) return;
    GstClockTime at = gst_clock_get_time (clock.get ()) -
                      gst_element_get_base_time (to->pipeline);
    GstClockTime pts = GST_BUFFER_PTS (buffer);
    auto &times = to->frames.try_emplace (pts, at, at).first->second;
    times.second = at;
    if (at < pts) to->early = true;
  };
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (on_handoff), &seen);
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  auto message = test::wait_message (
      pipeline.get (), static_cast<int> (GST_MESSAGE_EOS) |
                           static_cast<int> (GST_MESSAGE_ERROR));
  fail_unless (message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  fail_unless (seen.frames.size () >= 9);
  if (sync) fail_if (seen.early);
  seen.frames.erase (seen.frames.begin ());
  for (const auto &[pts, times] : seen.frames)
    fail_unless (times.second - times.first >= 15 * GST_MSECOND,
        "a frame took %" GST_TIME_FORMAT,
        GST_TIME_ARGS (times.second - times.first));
}
GST_END_TEST;

namespace {

struct Onvif
{
  const char *what;
  const char *when;
  int width;
  int height;
  bool other_extension;
  bool expected;
  int warnings;
};

const Onvif onvifs[] = {
    {"off", "off", 4096, 16, false, false, 0},
    {"auto, as RFC 2435 can say it", "auto", 2040, 2040, false, false, 0},
    {"auto, too wide", "auto", 2041, 16, false, true, 0},
    {"auto, too high", "auto", 16, 2041, false, true, 0},
    {"always", "always", 32, 16, false, true, 0},
    {"auto beside another extension", "auto", 2041, 16, true, false, 0},
    {"always beside another extension", "always", 32, 16, true, false, 1},
};

// Warnings that the ONVIF extension is left out.
int warnings (Stage &stage)
{
  int count = 0;
  while (auto message = stage.message (GST_MESSAGE_WARNING)) {
    test::assert_error (
        message.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_ENCODE);
    count++;
  }
  return count;
}

}  // namespace

GST_START_TEST (onvif_extension)
{
  const Onvif &row = onvifs[__i__];
  Stage stage (Properties{{"onvif-extension", row.when}});
  Owned<GstElement> other{GST_ELEMENT (gst_object_ref_sink (
      gst_element_factory_make ("rtphdrextntp64", nullptr)))};
  gst_rtp_header_extension_set_id (GST_RTP_HEADER_EXTENSION (other.get ()), 1);
  g_object_set (other.get (), "every-packet", TRUE, nullptr);
  if (row.other_extension)
    g_signal_emit_by_name (stage.element (), "add-extension", other.get ());
  stage.caps ("", row.width, row.height);
  Bytes image = image_of (5, {},
      {.width = static_cast<std::uint16_t> (row.width),
          .height = static_cast<std::uint16_t> (row.height)});
  for (int stream = 1; stream <= 2; stream++) {
    for (int i = 0; i < 3; i++) {
      Owned<GstBuffer> frame = frame_of (image, 0);
      fail_unless_equals_int (stage.push (std::move (frame)), GST_FLOW_OK);
    }
    fail_unless (warnings (stage) == row.warnings, "%s", row.what);
    // Once for each stream.
    stage.event (gst_event_new_stream_start ("next"));
    stage.caps ("", row.width, row.height);
  }
  bool is_first = true;
  std::vector<Packet> packets = stage.packets ();
  assert_continuous (packets, first_number);
  for (const Packet &packet : packets) {
    fail_unless (packet.size <= 200);
    // All but the last are full, with whatever extension.
    fail_unless (packet.marker || packet.size == 200, "%s", row.what);
    bool is_onvif = packet.has_extension && packet.extension[0] == 0xff &&
                    packet.extension[1] == 0xd8;
    fail_unless (is_onvif == (row.expected && is_first), "%s", row.what);
    fail_unless (packet.has_extension == (is_onvif || row.other_extension),
        "%s", row.what);
    if (is_onvif) {
      fail_unless (packet.extension.size () == 40);
      fail_unless (
          (packet.extension[9] << 8 | packet.extension[10]) == row.height);
      fail_unless (
          (packet.extension[11] << 8 | packet.extension[12]) == row.width);
    }
    is_first = packet.marker;
  }
}
GST_END_TEST;

// It comes and goes with the property, and with the other extensions.
GST_START_TEST (onvif_extension_changes_while_playing)
{
  Stage stage (Properties{{"mtu", "400"}});
  stage.caps ("");
  const char *const values[] = {"always", "off", "auto", "always"};
  const bool expected[] = {true, false, false, true};
  for (int i = 0; i < 4; i++) {
    stage.set ({{"onvif-extension", values[i]}});
    stage.push (frame_of (image_of (1)));
    std::vector<Packet> packets = stage.packets ();
    fail_unless (packets[0].has_extension == expected[i], "%s", values[i]);
  }
  // An interval is in it, and in the restart header.
  stage.push (frame_of (image_of (2, dri (3))));
  std::vector<Packet> packets = stage.packets ();
  fail_unless (packets[0].extension.size () == 44);
  Bytes head (
      packets[0].extension.begin (), packets[0].extension.begin () + 10);
  fail_unless (head == test::hex ("ffd8 000a ffdd 0004 0003"));
}
GST_END_TEST;

// 153 bytes are enough for an image, and 40 more with the extension.
GST_START_TEST (onvif_extension_counts_in_the_least_mtu)
{
  Stage stage ({{"onvif-extension", "always"}, {"mtu", "193"}});
  stage.caps ("");
  fail_unless_equals_int (stage.push (frame_of (image_of (2))), GST_FLOW_OK);
  fail_unless (stage.packets ().at (0).size == 193);
  stage.set ({{"mtu", "192"}});
  fail_unless_equals_int (stage.push (frame_of (image_of (2))), GST_FLOW_ERROR);
  test::assert_error (stage.message (GST_MESSAGE_ERROR).get (),
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
}
GST_END_TEST;

GST_START_TEST (stock_depayloader_passes_over_the_extension)
{
  GstHarness *h = gst_harness_new_parse (
      "rtpmjpegpay onvif-extension=always mtu=200 ! rtpjpegdepay");
  gst_harness_set_src_caps_str (h, "image/jpeg,width=32,height=16");
  for (int i = 0; i < 3; i++) {
    Bytes image = image_of (5);
    fail_unless_equals_int (
        gst_harness_push (h, frame_of (image, 0).release ()), GST_FLOW_OK);
    Owned<GstBuffer> out{gst_harness_pull (h)};
    Bytes got = test::bytes_of (out.get ());
    gsize scan = first_room + 4 * room - 10;
    fail_unless (got.size () > scan && image.size () > scan);
    fail_unless (std::equal (got.end () - static_cast<std::ptrdiff_t> (scan),
        got.end (), image.end () - static_cast<std::ptrdiff_t> (scan)));
  }
  gst_harness_teardown (h);
}
GST_END_TEST;

namespace {

constexpr guint top = GST_VIDEO_BUFFER_FLAG_TOP_FIELD;
constexpr guint bottom = GST_VIDEO_BUFFER_FLAG_BOTTOM_FIELD;
constexpr guint both = GST_VIDEO_BUFFER_FLAG_INTERLACED;

struct Interlaced
{
  const char *what;
  const char *caps;
  std::uint16_t height;  // of the images
  std::vector<guint> flags;
  std::vector<int> expected;
};

const std::vector<Interlaced> interlaced = {
    {"progressive", "interlace-mode=progressive", 32, {0, top, bottom},
        {0, 0, 0}},
    {"no mode", "framerate=25/1", 16, {0, 0}, {0, 0}},
    {"alternate with flags", "interlace-mode=alternate", 16,
        {top, bottom, bottom, top}, {1, 2, 2, 1}},
    {"alternate without", "interlace-mode=alternate", 16, {0, 0, 0}, {1, 2, 1}},
    {"top field first", "interlace-mode=alternate,field-order=top-field-first",
        16, {0, 0}, {1, 2}},
    {"bottom field first",
        "interlace-mode=alternate,field-order=bottom-field-first", 16, {0, 0},
        {2, 1}},
    {"both fields in an image", "interlace-mode=interleaved", 32, {both, both},
        {0, 0}},
    {"half as high", "interlace-mode=interleaved", 16, {0, 0}, {1, 2}},
    {"half as high, bottom field first",
        "interlace-mode=interleaved,field-order=bottom-field-first", 16, {0, 0},
        {2, 1}},
};

}  // namespace

GST_START_TEST (fields_are_told)
{
  for (const Interlaced &row : interlaced) {
    for (bool on : {true, false}) {
      Stage stage (Properties{{"interlaced", on ? "true" : "false"}});
      stage.caps (std::string (",") + row.caps, 32, 32);
      for (std::size_t i = 0; i < row.flags.size (); i++) {
        Owned<GstBuffer> frame =
            frame_of (image_of (2, {}, {.width = 32, .height = row.height}), 0);
        GST_BUFFER_FLAG_SET (frame.get (), row.flags[i]);
        fail_unless_equals_int (stage.push (std::move (frame)), GST_FLOW_OK);
        std::vector<Packet> packets = stage.packets ();
        fail_unless (packets.size () == 2);
        // RFC 2435 3.1: the same in all packets.
        for (const Packet &packet : packets)
          fail_unless (packet.type_specific == (on ? row.expected[i] : 0),
              "%s: image %zu is %d", row.what, i, packet.type_specific);
      }
    }
  }
}
GST_END_TEST;

// The one after it is still what it is.
GST_START_TEST (a_dropped_field_counts)
{
  Stage stage (Properties{{"interlaced", "true"}});
  stage.caps (",interlace-mode=alternate");
  stage.push (frame_of (image_of (1), 0));
  stage.push (frame_of ({1, 2, 3}, 0));
  stage.push (frame_of (image_of (1), 0));
  std::vector<Packet> packets = stage.packets ();
  fail_unless (packets.size () == 2);
  fail_unless (packets[0].type_specific == 1);
  fail_unless (packets[1].type_specific == 1);
}
GST_END_TEST;

// The flags are the buffer's that came.
GST_START_TEST (fields_that_are_recoded)
{
  Stage stage ({{"interlaced", "true"}, {"restart-interval", "1"}});
  stage.caps (",interlace-mode=alternate");
  for (guint flag : {bottom, bottom, top}) {
    Owned<GstBuffer> frame = frame_of (jpegfile::image (), 0);
    GST_BUFFER_FLAG_SET (frame.get (), flag);
    stage.push (std::move (frame));
    fail_unless (
        stage.packets ().at (0).type_specific == (flag == top ? 1 : 2));
  }
}
GST_END_TEST;

namespace {

// Frames that differ in all bytes, and packets whose place in them is known.
Bytes numbered (gsize packets, unsigned number)
{
  Bytes image = image_of (packets);
  gsize scan = first_room + (packets - 1) * room - 10;
  for (gsize i = 0; i + 2 < scan; i++)
    image[image.size () - scan + i] =
        static_cast<std::uint8_t> ((i * 7 + gsize{number} * 31) % 251);
  return image;
}

Bytes content (GstBuffer *buffer)
{
  Bytes out (gst_buffer_get_size (buffer));
  gst_buffer_extract (buffer, 0, out.data (), out.size ());
  return out;
}

struct Held
{
  Owned<GstBuffer> buffer;
  Owned<GstMemory> memory;
  Bytes expected;
};

// What somebody downstream may do with a packet that is his.
struct Change
{
  const char *what;
  void (*run) (Owned<GstBuffer> packet, std::vector<Held> &held);
};

void hold (std::vector<Held> &held, Owned<GstBuffer> buffer)
{
  Bytes bytes = content (buffer.get ());
  held.push_back ({std::move (buffer), nullptr, std::move (bytes)});
}

void hold (std::vector<Held> &held, Owned<GstMemory> memory)
{
  GstMapInfo info;
  fail_unless (gst_memory_map (memory.get (), &info, GST_MAP_READ));
  Bytes bytes (info.data, info.data + info.size);
  gst_memory_unmap (memory.get (), &info);
  held.push_back ({nullptr, std::move (memory), std::move (bytes)});
}

Owned<GstBuffer> writable (Owned<GstBuffer> buffer)
{
  return Owned<GstBuffer> (gst_buffer_make_writable (buffer.release ()));
}

const Change changes[] = {
    {"let go", [] (Owned<GstBuffer>, std::vector<Held> &) {}},
    {"keep", [] (Owned<GstBuffer> packet,
                 std::vector<Held> &held) { hold (held, std::move (packet)); }},
    {"keep a writable one",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          Owned<GstBuffer> copy = writable (std::move (packet));
          GST_BUFFER_PTS (copy.get ()) = 1;
          hold (held, std::move (copy));
        }},
    {"keep a copy",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          hold (held, Owned<GstBuffer> (gst_buffer_copy (packet.get ())));
        }},
    {"keep a deep copy",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          hold (held, Owned<GstBuffer> (gst_buffer_copy_deep (packet.get ())));
        }},
    {"write the header",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          packet = writable (std::move (packet));
          gst_buffer_memset (packet.get (), 0, 0xee, 20);
          hold (held, std::move (packet));
        }},
    {"write all",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          packet = writable (std::move (packet));
          gst_buffer_memset (packet.get (), 0, 0xee, G_MAXSIZE);
          hold (held, std::move (packet));
        }},
    {"merge",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          packet = writable (std::move (packet));
          GstMapInfo info;
          fail_unless (gst_buffer_map (packet.get (), &info, GST_MAP_READ));
          gst_buffer_unmap (packet.get (), &info);
          hold (held, std::move (packet));
        }},
    {"append a memory",
        [] (Owned<GstBuffer> packet, std::vector<Held> &) {
          packet = writable (std::move (packet));
          gst_buffer_append_memory (
              packet.get (), gst_allocator_alloc (nullptr, 4, nullptr));
        }},
    {"remove the header",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          packet = writable (std::move (packet));
          gst_buffer_remove_memory (packet.get (), 0);
          hold (held, std::move (packet));
        }},
    {"change the order",
        [] (Owned<GstBuffer> packet, std::vector<Held> &) {
          packet = writable (std::move (packet));
          Owned<GstMemory> first{gst_buffer_get_memory (packet.get (), 0)};
          gst_buffer_remove_memory (packet.get (), 0);
          gst_buffer_append_memory (packet.get (), first.release ());
        }},
    {"resize",
        [] (Owned<GstBuffer> packet, std::vector<Held> &) {
          packet = writable (std::move (packet));
          gst_buffer_resize (packet.get (), 5, 30);
        }},
    {"resize the memories",
        [] (Owned<GstBuffer> packet, std::vector<Held> &) {
          packet = writable (std::move (packet));
          gst_buffer_resize_range (packet.get (), 0, 1, 2, 3);
          gst_buffer_resize_range (packet.get (), 1, 1, 1, 1);
        }},
    {"add metas and set all fields",
        [] (Owned<GstBuffer> packet, std::vector<Held> &) {
          packet = writable (std::move (packet));
          gst_buffer_add_reference_timestamp_meta (packet.get (),
              Owned<GstCaps> (gst_caps_from_string ("timestamp/x-ntp")).get (),
              1, 1);
          gst_buffer_add_video_meta (packet.get (), GST_VIDEO_FRAME_FLAG_NONE,
              GST_VIDEO_FORMAT_GRAY8, 1, 1);
          GST_BUFFER_DTS (packet.get ()) = 1;
          GST_BUFFER_DURATION (packet.get ()) = 2;
          GST_BUFFER_OFFSET (packet.get ()) = 3;
          GST_BUFFER_OFFSET_END (packet.get ()) = 4;
          GST_BUFFER_FLAG_SET (packet.get (), GST_BUFFER_FLAG_CORRUPTED);
        }},
    {"a packet that holds another",
        [] (Owned<GstBuffer> packet, std::vector<Held> &) {
          static Owned<GstBuffer> last;
          packet = writable (std::move (packet));
          if (last) {
            gst_buffer_add_parent_buffer_meta (packet.get (), last.get ());
            last.reset ();
          } else {
            last = std::move (packet);
          }
        }},
    {"keep a memory",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          hold (held,
              Owned<GstMemory> (gst_buffer_get_memory (packet.get (), 0)));
          hold (held,
              Owned<GstMemory> (gst_buffer_get_memory (packet.get (), 1)));
        }},
    {"share a part",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          for (guint i = 0; i < 2; i++)
            hold (held, Owned<GstMemory> (gst_memory_share (
                            gst_buffer_peek_memory (packet.get (), i), 3, 4)));
        }},
    {"share a part of a part",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          Owned<GstMemory> part{gst_memory_share (
              gst_buffer_peek_memory (packet.get (), 1), 3, -1)};
          hold (held, Owned<GstMemory> (gst_memory_share (part.get (), 2, 5)));
        }},
    {"keep a region",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          hold (held, Owned<GstBuffer> (gst_buffer_copy_region (
                          packet.get (), GST_BUFFER_COPY_ALL, 12, 25)));
        }},
    {"join with another",
        [] (Owned<GstBuffer> packet, std::vector<Held> &held) {
          Owned<GstBuffer> copy{gst_buffer_copy (packet.get ())};
          hold (held, Owned<GstBuffer> (gst_buffer_append (
                          packet.release (), copy.release ())));
        }},
};

// The bytes and fields of all packets that come.
struct Record
{
  std::vector<Bytes> packets;
  std::vector<GstClockTime> others;
};

Record run_changes (const Change *change, std::vector<Held> &held)
{
  Stage stage ({{"ssrc", "1"}, {"timestamp-offset", "0"}});
  stage.caps ();
  Record record;
  // When the list has gone, so that a packet is its receiver's.
  std::vector<Owned<GstBuffer>> got;
  stage.keep = [&] (Owned<GstBuffer> packet) {
    record.packets.push_back (content (packet.get ()));
    gpointer at = nullptr;
    guint metas = 0;
    while (gst_buffer_iterate_meta (packet.get (), &at) != nullptr) metas++;
    for (GstClockTime value :
        {GST_BUFFER_PTS (packet.get ()), GST_BUFFER_DTS (packet.get ()),
            GST_BUFFER_DURATION (packet.get ()),
            GST_BUFFER_OFFSET (packet.get ()),
            GST_BUFFER_OFFSET_END (packet.get ()),
            static_cast<GstClockTime> (GST_BUFFER_FLAGS (packet.get ())),
            static_cast<GstClockTime> (metas)})
      record.others.push_back (value);
    got.push_back (std::move (packet));
  };
  stage.on_burst = [&] {
    for (Owned<GstBuffer> &packet : got)
      if (change != nullptr) change->run (std::move (packet), held);
    got.clear ();
  };
  for (unsigned i = 0; i < 8; i++)
    fail_unless_equals_int (
        stage.push (frame_of (numbered (6, i), i)), GST_FLOW_OK);
  return record;
}

}  // namespace

GST_START_TEST (packets_are_not_what_was_done_to_others)
{
  const Change &change = changes[__i__];
  std::vector<Held> held;
  Record expected = run_changes (nullptr, held);
  Record record = run_changes (&change, held);
  fail_unless (record.packets == expected.packets, "%s", change.what);
  fail_unless (record.others == expected.others, "%s", change.what);
  // The element is gone; what was kept is not, and has not changed.
  for (Held &one : held) {
    if (one.buffer) {
      fail_unless (
          content (one.buffer.get ()) == one.expected, "%s", change.what);
      continue;
    }
    GstMapInfo info;
    fail_unless (gst_memory_map (one.memory.get (), &info, GST_MAP_READ));
    fail_unless (std::equal (info.data, info.data + info.size,
                     one.expected.begin (), one.expected.end ()),
        "%s", change.what);
    gst_memory_unmap (one.memory.get (), &info);
  }
}
GST_END_TEST;

// Several memories, one that must not be shared, and one of the kind that all
// other tests have: the packets are the same.
GST_START_TEST (memories_of_frames)
{
  Bytes image = numbered (6, 1);
  std::vector<Bytes> packets[3];
  for (int kind = 0; kind < 3; kind++) {
    Stage stage ({{"ssrc", "1"}, {"timestamp-offset", "0"}});
    stage.caps ();
    std::vector<Owned<GstBuffer>> kept;
    stage.keep = [&] (Owned<GstBuffer> packet) {
      kept.push_back (std::move (packet));
    };
    for (int i = 0; i < 3; i++) {
      Owned<GstBuffer> frame = frame_of (image, 0);
      if (kind == 1) {
        frame.reset (gst_buffer_new ());
        for (gsize at = 0; at < image.size (); at += 100) {
          Bytes part (image.begin () + static_cast<std::ptrdiff_t> (at),
              image.begin () + static_cast<std::ptrdiff_t> (
                                   std::min (at + 100, image.size ())));
          frame.reset (gst_buffer_append (
              frame.release (), test::buffer (part).release ()));
        }
        GST_BUFFER_PTS (frame.get ()) = 0;
      } else if (kind == 2) {
        GST_MINI_OBJECT_FLAG_SET (
            gst_buffer_peek_memory (frame.get (), 0), GST_MEMORY_FLAG_NO_SHARE);
      }
      fail_unless_equals_int (stage.push (std::move (frame)), GST_FLOW_OK);
    }
    for (const Owned<GstBuffer> &packet : kept)
      packets[kind].push_back (content (packet.get ()));
  }
  fail_unless (packets[0].size () == 18);
  fail_unless (packets[1] == packets[0]);
  fail_unless (packets[2] == packets[0]);
}
GST_END_TEST;

namespace {

gsize resident ()
{
  std::ifstream in ("/proc/self/statm");
  gsize size = 0;
  gsize pages = 0;
  in >> size >> pages;
  return pages * static_cast<gsize> (getpagesize ());
}

// How many frames; RELAY_FRAMES has the number of a longer run.
int frame_count (int usual)
{
  const char *asked = g_getenv ("RELAY_FRAMES");
  return asked != nullptr ? static_cast<int> (strtol (asked, nullptr, 10))
                          : usual;
}

}  // namespace

// Through a queue: packets come back in another thread, some late.
GST_START_TEST (packets_come_back_from_another_thread)
{
  GstHarness *h = gst_harness_new_parse (
      "rtpmjpegpay mtu=200 ! queue max-size-buffers=50 max-size-bytes=0 "
      "max-size-time=0 ! identity");
  gst_harness_set_src_caps_str (h, "image/jpeg,width=32,height=16");
  struct Seen
  {
    std::vector<Owned<GstBuffer>> late;
    guint64 packets = 0;
    guint64 wrong = 0;
    std::atomic<bool> ended = false;
  } seen;
  gst_pad_set_chain_function (
      h->sinkpad, [] (GstPad *pad, GstObject *, GstBuffer *buffer) {
        auto *to = static_cast<Seen *> (pad->chaindata);
        to->packets++;
        // The bytes are of one frame: in steps of 7.
        Bytes bytes = content (buffer);
        for (gsize i = bytes.size () - 40; i + 3 < bytes.size (); i++)
          if ((bytes[i] + 7) % 251 != bytes[i + 1]) to->wrong++;
        to->late.emplace_back (buffer);
        if (to->late.size () > 300) to->late.erase (to->late.begin ());
        return GST_FLOW_OK;
      });
  gst_pad_set_event_function (
      h->sinkpad, [] (GstPad *pad, GstObject *, GstEvent *event) -> gboolean {
        if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
          static_cast<Seen *> (pad->eventdata)->ended = true;
        gst_event_unref (event);
        return TRUE;
      });
  h->sinkpad->chaindata = &seen;
  h->sinkpad->eventdata = &seen;
  const int frames = frame_count (3000);
  for (int i = 0; i < frames; i++)
    fail_unless_equals_int (
        gst_harness_push (h,
            frame_of (numbered (8, static_cast<unsigned> (i)), 0).release ()),
        GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  while (!seen.ended) std::this_thread::yield ();
  fail_unless_equals_uint64 (seen.packets, static_cast<guint64> (frames) * 8);
  fail_unless_equals_uint64 (seen.wrong, 0);
  gst_harness_teardown (h);
}
GST_END_TEST;

GST_START_TEST (memory_is_flat)
{
  if (test::is_sanitized ()) return;
  Stage stage;
  stage.caps ();
  Bytes image = image_of (40);
  auto send = [&] (int frames) {
    for (int i = 0; i < frames; i++) {
      fail_unless_equals_int (stage.push (frame_of (image, 0)), GST_FLOW_OK);
      stage.packets ();
    }
  };
  const int frames = frame_count (10000);
  send (500);
  gsize before = resident ();
  send (frames);
  gsize after = resident ();
  if (g_getenv ("RELAY_FRAMES") != nullptr)
    g_print ("%d frames: %" G_GSIZE_FORMAT " KiB, then %" G_GSIZE_FORMAT
             " KiB\n",
        frames, before / 1024, after / 1024);
  fail_unless (after < before + gsize{3} * 1024 * 1024,
      "%" G_GSIZE_FORMAT " KiB became %" G_GSIZE_FORMAT, before / 1024,
      after / 1024);
}
GST_END_TEST;

static Suite *rtpmjpegpay_pacing_suite ()
{
  Suite *suite = suite_create ("rtpmjpegpay-pacing");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, bursts_leave_on_time);
  tcase_add_test (tests, numbers_run_on);
  tcase_add_loop_test (tests, the_interval_is_found, 0, G_N_ELEMENTS (rates));
  tcase_add_test (tests, a_dropped_frame_counts);
  tcase_add_test (tests, properties_change_while_playing);
  tcase_add_test (tests, latency_is_reported);
  tcase_add_test (tests, latency_does_not_jitter);
  tcase_add_test (tests, flush_ends_a_wait);
  tcase_add_test (tests, ready_ends_a_wait);
  tcase_add_test (tests, a_pause_makes_no_burst);
  tcase_add_test (tests, without_a_clock);
  tcase_add_loop_test (tests, sinks_that_wait_and_do_not, 0, 2);
  tcase_add_loop_test (tests, onvif_extension, 0, G_N_ELEMENTS (onvifs));
  tcase_add_test (tests, onvif_extension_changes_while_playing);
  tcase_add_test (tests, onvif_extension_counts_in_the_least_mtu);
  tcase_add_test (tests, stock_depayloader_passes_over_the_extension);
  tcase_add_test (tests, fields_are_told);
  tcase_add_test (tests, a_dropped_field_counts);
  tcase_add_test (tests, fields_that_are_recoded);
  tcase_add_loop_test (tests, packets_are_not_what_was_done_to_others, 0,
      G_N_ELEMENTS (changes));
  tcase_add_test (tests, memories_of_frames);
  tcase_add_test (tests, packets_come_back_from_another_thread);
  tcase_add_test (tests, memory_is_flat);
  return suite;
}

GST_CHECK_MAIN (rtpmjpegpay_pacing)

// SPDX-License-Identifier: LGPL-2.1-or-later
// The cases that GStreamer's own test programs have for RTP/JPEG, each by its
// name there, put to our element with small valid images:
//
//   gst-plugins-good  tests/check/elements/rtpjpeg.c
//                     tests/check/elements/rtp-payloading.c (rtp_jpeg*)
//   gst-plugins-rs    net/rtp/src/jpeg/tests.rs
//
// Those of rtp-payloading.c feed headers without an image; these here are
// whole ones, so that what arrives can be compared.
#include <gst/rtp/rtp.h>

#include "jpegfile.h"
#include "testutil.h"

using jpegfile::eoi;
using jpegfile::join;
using relay::Owned;
using test::Bytes;

namespace {

// "PAYLOADER ! ..." in a harness, with a bus.
class Line
{
public:
  explicit Line (const std::string &line)
      : element_ (GST_ELEMENT (gst_object_ref_sink (
            gst_parse_bin_from_description (line.c_str (), TRUE, nullptr)))),
        bus_ (gst_bus_new ())
  {
    gst_element_set_bus (element_.get (), bus_.get ());
    // A line with a source of its own has no sink pad.
    Owned<GstPad> sink{gst_element_get_static_pad (element_.get (), "sink")};
    harness_ = gst_harness_new_with_element (
        element_.get (), sink ? "sink" : nullptr, "src");
  }
  ~Line ()
  {
    gst_element_set_bus (element_.get (), nullptr);
    gst_harness_teardown (harness_);
  }
  Line (const Line &) = delete;
  Line &operator= (const Line &) = delete;

  void caps (const std::string &caps)
  {
    gst_harness_set_src_caps_str (harness_, caps.c_str ());
  }
  void push (GstBuffer *frame)
  {
    fail_unless_equals_int (
        gst_harness_push (harness_, gst_buffer_ref (frame)), GST_FLOW_OK);
  }
  void end ()
  {
    fail_unless (gst_harness_push_event (harness_, gst_event_new_eos ()));
  }
  void play () { gst_harness_play (harness_); }
  void wait_for_eos ()
  {
    for (bool eos = false; !eos;) {
      Owned<GstEvent> event{gst_harness_pull_event (harness_)};
      fail_unless (event != nullptr, "no EOS came");
      eos = GST_EVENT_TYPE (event.get ()) == GST_EVENT_EOS;
    }
  }
  std::vector<Owned<GstBuffer>> buffers ()
  {
    std::vector<Owned<GstBuffer>> out;
    while (GstBuffer *buffer = gst_harness_try_pull (harness_))
      out.emplace_back (buffer);
    return out;
  }
  void assert_quiet (const char *name)
  {
    Owned<GstMessage> found{gst_bus_pop_filtered (bus_.get (),
        static_cast<GstMessageType> (GST_MESSAGE_ERROR | GST_MESSAGE_WARNING))};
    fail_unless (found == nullptr, "%s: %s from %s", name,
        GST_MESSAGE_TYPE_NAME (found.get ()),
        GST_MESSAGE_SRC_NAME (found.get ()));
  }
  Owned<GstPad> payloader_src ()
  {
    Owned<GstElement> payloader{
        gst_bin_get_by_name (GST_BIN (element_.get ()), "pay")};
    return Owned<GstPad> (gst_element_get_static_pad (payloader.get (), "src"));
  }

private:
  Owned<GstElement> element_;
  Owned<GstBus> bus_;
  GstHarness *harness_ = nullptr;
};

// What is behind the header of the first SOS. The images here have no
// thumbnails, in which there would be another.
Bytes scan_of (const Bytes &jpeg)
{
  const Bytes marker = {0xff, 0xda};
  auto at =
      std::search (jpeg.begin (), jpeg.end (), marker.begin (), marker.end ());
  fail_unless (jpeg.end () - at > 4, "no scan");
  std::ptrdiff_t length = at[2] << 8 | at[3];
  return Bytes (at + 2 + length, jpeg.end ());
}

Bytes image (int width, int height)
{
  jpegfile::Frame frame;
  frame.width = static_cast<std::uint16_t> (width);
  frame.height = static_cast<std::uint16_t> (height);
  int mcus = ((width + 15) / 16) * ((height + 15) / 16);
  return join ({jpegfile::tables (frame), jpegfile::sos (),
      jpegfile::grey_scan (mcus), eoi});
}

std::string caps_of (int width, int height)
{
  return "video/x-jpeg,width=" + std::to_string (width) +
         ",height=" + std::to_string (height);
}

// rtpjpeg.c: one packet of an image of one pixel, which is in memories that
// end behind this many bytes.
struct Slices
{
  const char *name;
  std::vector<std::size_t> ends;
};

// SOI and APP0 are 20 bytes, a DQT 69, SOF 19.
const Slices slices[] = {
    {"test_rtpjpegpay_1_slice", {}},
    // Inside APP0, DQT 0, DQT 1 and the marker of DHT.
    {"test_rtpjpegpay_5_slices", {19, 60, 120, 178}},
};

// rtp-payloading.c: an image through rtpjpegdepay.
struct Size
{
  const char *name;
  int width;
  int height;
  bool lists;
};

const Size sizes[] = {
    {"rtp_jpeg", 480, 640, false},
    {"rtp_jpeg_width_greater_than_2040", 480, 2048, false},
    {"rtp_jpeg_height_greater_than_2040", 2048, 640, false},
    {"rtp_jpeg_width_and_height_greater_than_2040", 2048, 2048, false},
    {"rtp_jpeg_list", 480, 640, true},
    {"rtp_jpeg_list_width_greater_than_2040", 480, 2048, true},
    {"rtp_jpeg_list_height_greater_than_2040", 2048, 640, true},
    {"rtp_jpeg_list_width_and_height_greater_than_2040", 2048, 2048, true},
};

// rtp-payloading.c: a hundred frames, of whose packets some are lost. How many
// arrive, or -1 for any number.
struct Loss
{
  const char *name;
  const char *probability;
  int frames;
};

const Loss losses[] = {
    {"rtp_jpeg_packet_loss 0", "0", 100},
    {"rtp_jpeg_packet_loss 1", "0.001", -1},
    {"rtp_jpeg_packet_loss 2", "0.01", -1},
    {"rtp_jpeg_packet_loss 3", "0.1", -1},
    {"rtp_jpeg_packet_loss 4", "0.2", -1},
    {"rtp_jpeg_packet_loss 5", "0.5", -1},
    {"rtp_jpeg_packet_loss 6", "1", 0},
};

// tests.rs: two frames, packet by packet. Ours have 132 bytes of quantization
// tables in each frame, which take the last one to another size: 0 here.
struct Expected
{
  GstClockTime pts;
  guint flags;
  guint32 rtp_time;
  bool marker;
  gsize size;
};

const Expected test_jpeg[] = {
    {0, GST_BUFFER_FLAG_DISCONT, 0, false, 1400},
    {0, 0, 0, false, 1400},
    {0, 0, 0, false, 1400},
    {0, GST_BUFFER_FLAG_MARKER, 0, true, 0},
    {40 * GST_MSECOND, 0, 3600, false, 1400},
    {40 * GST_MSECOND, 0, 3600, false, 1400},
    {40 * GST_MSECOND, 0, 3600, false, 1400},
    {40 * GST_MSECOND, GST_BUFFER_FLAG_MARKER, 3600, true, 0},
};

}  // namespace

GST_START_TEST (rtpjpeg)
{
  const Slices &slice = slices[__i__];
  const Bytes jpeg = image (1, 1);
  std::vector<std::size_t> ends = slice.ends;
  ends.push_back (jpeg.size ());

  Line line ("rtpmjpegpay");
  line.caps (caps_of (1, 1));
  Owned<GstBuffer> frame{gst_buffer_new ()};
  // As there, the parts lie in memory in another order than in the image.
  Bytes parts (jpeg.size ());
  std::size_t begin = 0;
  for (std::size_t end : ends) {
    std::uint8_t *part = parts.data () + (jpeg.size () - end);
    std::copy (jpeg.data () + begin, jpeg.data () + end, part);
    gst_buffer_append_memory (
        frame.get (), gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, part,
                          end - begin, 0, end - begin, nullptr, nullptr));
    begin = end;
  }
  line.push (frame.get ());

  auto packets = line.buffers ();
  fail_unless (
      packets.size () == 1, "%s: %zu packets", slice.name, packets.size ());
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  fail_unless (
      gst_rtp_buffer_map (packets[0].get (), GST_MAP_READ, &rtp) != FALSE);
  fail_unless (gst_rtp_buffer_get_marker (&rtp) != FALSE, "%s", slice.name);
  auto *data =
      static_cast<const std::uint8_t *> (gst_rtp_buffer_get_payload (&rtp));
  Bytes payload (data, data + gst_rtp_buffer_get_payload_len (&rtp));
  gst_rtp_buffer_unmap (&rtp);
  // Offset 0, type 1, Q 255, 8 pixels by 8; 128 bytes of tables; scan and EOI.
  fail_unless (payload == join ({{0, 0, 0, 0, 1, 255, 1, 1}, {0, 0, 0, 128},
                              Bytes (64, 3), Bytes (64, 5), scan_of (jpeg)}),
      "%s: another payload", slice.name);
  line.assert_quiet (slice.name);
}
GST_END_TEST;

namespace {

// What the packets of a payloader had behind their first memory.
struct Lists
{
  std::vector<std::size_t> memories;
  std::size_t bytes = 0;
};

gboolean count_packet (GstBuffer **packet, guint, gpointer data)
{
  auto *lists = static_cast<Lists *> (data);
  guint count = gst_buffer_n_memory (*packet);
  lists->memories.push_back (count);
  lists->bytes += gst_memory_get_sizes (
      gst_buffer_peek_memory (*packet, count - 1), nullptr, nullptr);
  return TRUE;
}

GstPadProbeReturn count_list (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  gst_buffer_list_foreach (
      GST_PAD_PROBE_INFO_BUFFER_LIST (info), count_packet, data);
  return GST_PAD_PROBE_OK;
}

}  // namespace

GST_START_TEST (rtp_payloading)
{
  const Size &size = sizes[__i__];
  const Bytes jpeg = image (size.width, size.height);
  Line line ("rtpmjpegpay name=pay ! rtpjpegdepay");
  Lists lists;
  if (size.lists)
    gst_pad_add_probe (line.payloader_src ().get (),
        GST_PAD_PROBE_TYPE_BUFFER_LIST, count_list, &lists, nullptr);
  line.caps (caps_of (size.width, size.height));
  line.push (test::buffer (jpeg).get ());
  line.end ();
  line.wait_for_eos ();

  auto frames = line.buffers ();
  fail_unless (
      frames.size () == 1, "%s: %zu frames", size.name, frames.size ());
  fail_unless (scan_of (test::bytes_of (frames[0].get ())) == scan_of (jpeg),
      "%s: another scan", size.name);
  Owned<GstCaps> caps{gst_pad_get_current_caps (line.payloader_src ().get ())};
  Owned<gchar> expected{g_strdup_printf ("%d,%d", size.width, size.height)};
  const char *dimensions = gst_structure_get_string (
      gst_caps_get_structure (caps.get (), 0), "x-dimensions");
  fail_unless_equals_string (dimensions,
      std::max (size.width, size.height) > 2040 ? expected.get () : nullptr);
  line.assert_quiet (size.name);
  if (!size.lists) return;
  fail_unless (lists.bytes == scan_of (jpeg).size (),
      "%s: %zu bytes in last memories", size.name, lists.bytes);
  for (std::size_t count : lists.memories)
    fail_unless (count > 1, "%s: %zu memories", size.name, count);
}
GST_END_TEST;

GST_START_TEST (rtp_payloading_loss)
{
  const Loss &loss = losses[__i__];
  Line line (std::string ("videotestsrc pattern=ball num-buffers=100 ! "
                          "jpegenc quality=50 ! rtpmjpegpay ! "
                          "identity drop-probability=") +
             loss.probability + " ! rtpjpegdepay");
  line.play ();
  line.wait_for_eos ();
  auto frames = line.buffers ();
  fail_unless (
      loss.frames < 0 || static_cast<int> (frames.size ()) == loss.frames,
      "%s: %zu frames", loss.name, frames.size ());
  for (const auto &frame : frames) {
    Bytes jpeg = test::bytes_of (frame.get ());
    fail_unless (jpeg.size () > 4 && jpeg[0] == 0xff && jpeg[1] == 0xd8,
        "%s: no SOI", loss.name);
    fail_unless (
        Bytes (jpeg.end () - 2, jpeg.end ()) == eoi, "%s: no EOI", loss.name);
  }
  line.assert_quiet (loss.name);
}
GST_END_TEST;

GST_START_TEST (rs_test_jpeg)
{
  std::vector<Bytes> scans;
  Line source (
      "videotestsrc num-buffers=2 pattern=black ! "
      "video/x-raw,format=I420,width=640,height=480,framerate=25/1 ! jpegenc");
  source.play ();
  source.wait_for_eos ();
  Line payloader ("rtpmjpegpay timestamp-offset=0");
  Line both ("rtpmjpegpay ! rtpjpegdepay");
  for (Line *line : {&payloader, &both})
    line->caps ("image/jpeg,width=640,height=480,framerate=25/1");
  for (const auto &frame : source.buffers ()) {
    scans.push_back (scan_of (test::bytes_of (frame.get ())));
    payloader.push (frame.get ());
    both.push (frame.get ());
  }
  fail_unless_equals_uint64 (scans.size (), 2);

  auto packets = payloader.buffers ();
  fail_unless_equals_uint64 (packets.size (), std::size (test_jpeg));
  for (std::size_t i = 0; i < packets.size (); i++) {
    const Expected &expected = test_jpeg[i];
    GstBuffer *packet = packets[i].get ();
    fail_unless_equals_uint64 (GST_BUFFER_PTS (packet), expected.pts);
    const guint flags = GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_MARKER;
    fail_unless_equals_uint64 (
        GST_BUFFER_FLAGS (packet) & flags, expected.flags);
    // Four packets with 12 and 8 bytes of headers, and the tables.
    const gsize headers = 212, before = 4200;
    gsize last = scans[i / 4].size () + headers - before;
    fail_unless_equals_uint64 (gst_buffer_get_size (packet),
        expected.size != 0 ? expected.size : last);
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
    fail_unless (gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp) != FALSE);
    fail_unless_equals_uint64 (gst_rtp_buffer_get_payload_type (&rtp), 26);
    fail_unless_equals_uint64 (
        gst_rtp_buffer_get_timestamp (&rtp), expected.rtp_time);
    fail_unless (
        (gst_rtp_buffer_get_marker (&rtp) != FALSE) == expected.marker);
    gst_rtp_buffer_unmap (&rtp);
  }

  auto frames = both.buffers ();
  fail_unless_equals_uint64 (frames.size (), 2);
  for (std::size_t i = 0; i < 2; i++) {
    GstBuffer *frame = frames[i].get ();
    fail_unless_equals_uint64 (GST_BUFFER_PTS (frame), i * 40 * GST_MSECOND);
    fail_unless ((GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DISCONT) !=
                     FALSE) == (i == 0));
    fail_unless (scan_of (test::bytes_of (frame)) == scans[i]);
  }
  payloader.assert_quiet ("test_jpeg");
  both.assert_quiet ("test_jpeg");
}
GST_END_TEST;

static Suite *rtpmjpegpay_cases_suite ()
{
  Suite *suite = suite_create ("rtpmjpegpay-cases");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_loop_test (tests, rtpjpeg, 0, std::size (slices));
  tcase_add_loop_test (tests, rtp_payloading, 0, std::size (sizes));
  tcase_add_loop_test (tests, rtp_payloading_loss, 0, std::size (losses));
  tcase_add_test (tests, rs_test_jpeg);
  return suite;
}

GST_CHECK_MAIN (rtpmjpegpay_cases)

// SPDX-License-Identifier: LGPL-2.1-or-later
// Where stock rtpjpegpay is right, it is the reference: the same packets,
// flags, times, metas and caps.
#include <gst/rtp/rtp.h>

#include <functional>
#include <map>

#include "jpegfile.h"
#include "jpegscan.h"
#include "testutil.h"

using jpegfile::dqt;
using jpegfile::dri;
using jpegfile::eoi;
using jpegfile::grey_scan;
using jpegfile::join;
using jpegfile::segment;
using jpegfile::sof;
using jpegfile::soi;
using jpegfile::sos;
using jpegfile::tables;
using relay::Owned;
using test::Bytes;

namespace {

using Properties = std::map<std::string, std::string>;

// Where the entropy-coded data begin.
std::ptrdiff_t scan_begin (const Bytes &jpeg)
{
  const Bytes marker = {0xff, 0xda};
  auto at =
      std::search (jpeg.begin (), jpeg.end (), marker.begin (), marker.end ());
  return at - jpeg.begin () + 2 + at[2] * 256 + at[3];
}

struct Packet
{
  Bytes bytes;
  guint flags = 0;
  GstClockTime pts = 0;
  guint metas = 0;
  std::vector<std::size_t> memories;

  bool operator== (const Packet &other) const
  {
    return bytes == other.bytes && flags == other.flags && pts == other.pts &&
           metas == other.metas;
  }
};

Packet packet_of (GstBuffer *buffer)
{
  Packet packet;
  // First: reading the bytes merges the memories.
  for (guint i = 0; i < gst_buffer_n_memory (buffer); i++)
    packet.memories.push_back (gst_memory_get_sizes (
        gst_buffer_peek_memory (buffer, i), nullptr, nullptr));
  packet.flags = GST_BUFFER_FLAGS (buffer);
  packet.pts = GST_BUFFER_PTS (buffer);
  gpointer at = nullptr;
  while (gst_buffer_iterate_meta (buffer, &at) != nullptr) packet.metas++;
  packet.bytes = test::bytes_of (buffer);
  return packet;
}

// A payloader in a harness, with a bus. What would be random is not.
class Payloader
{
public:
  explicit Payloader (
      const char *name = "rtpmjpegpay", const Properties &properties = {})
      : element_ (GST_ELEMENT (gst_object_ref_sink (
            gst_parse_bin_from_description_full (name, TRUE, nullptr,
                GST_PARSE_FLAG_NO_SINGLE_ELEMENT_BINS, nullptr)))),
        bus_ (gst_bus_new ())
  {
    set ({{"ssrc", "305419896"}, {"seqnum-offset", "65530"},
        {"timestamp-offset", "4294967000"}});
    set (properties);
    gst_element_set_bus (element_.get (), bus_.get ());
    harness_ = gst_harness_new_with_element (element_.get (), "sink", "src");
  }
  ~Payloader ()
  {
    gst_element_set_bus (element_.get (), nullptr);
    gst_harness_teardown (harness_);
  }
  Payloader (const Payloader &) = delete;
  Payloader &operator= (const Payloader &) = delete;

  void set (const Properties &properties)
  {
    for (const auto &[name, value] : properties)
      gst_util_set_object_arg (
          G_OBJECT (element_.get ()), name.c_str (), value.c_str ());
  }
  void caps (const std::string &caps)
  {
    gst_harness_set_src_caps_str (harness_, caps.c_str ());
  }
  GstFlowReturn push (GstBuffer *frame)
  {
    return gst_harness_push (harness_, gst_buffer_ref (frame));
  }
  GstFlowReturn push (const Bytes &frame)
  {
    return push (test::buffer (frame).get ());
  }
  bool event (GstEvent *event)
  {
    return gst_harness_push_event (harness_, event) != FALSE;
  }

  std::vector<Packet> packets ()
  {
    std::vector<Packet> out;
    while (GstBuffer *buffer = gst_harness_try_pull (harness_))
      out.push_back (packet_of (Owned<GstBuffer> (buffer).get ()));
    return out;
  }
  std::string src_caps ()
  {
    Owned<GstCaps> caps{gst_pad_get_current_caps (harness_->sinkpad)};
    if (!caps) return {};
    Owned<gchar> text{gst_caps_to_string (caps.get ())};
    return text.get ();
  }
  Owned<GstMessage> message (GstMessageType types)
  {
    return Owned<GstMessage> (gst_bus_pop_filtered (bus_.get (), types));
  }
  // Takes all warnings off the bus; each is a STREAM FORMAT.
  int warnings ()
  {
    int count = 0;
    while (auto found = message (GST_MESSAGE_WARNING)) {
      test::assert_error (
          found.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
      count++;
    }
    return count;
  }
  guint64 stat (const char *field)
  {
    GstStructure *raw = nullptr;
    g_object_get (element_.get (), "stats", &raw, nullptr);
    Owned<GstStructure> stats{raw};
    guint64 value = 0;
    fail_unless (gst_structure_get_uint64 (raw, field, &value), "%s", field);
    return value;
  }

  GstElement *element () { return element_.get (); }
  GstHarness *harness () { return harness_; }

private:
  Owned<GstElement> element_;
  Owned<GstBus> bus_;
  GstHarness *harness_ = nullptr;
};

// An image made by stock jpegenc.
Bytes encoded (const char *format, int width, int height)
{
  Owned<gchar> line{g_strdup_printf (
      "videotestsrc num-buffers=1 pattern=smpte ! "
      "video/x-raw,format=%s,width=%d,height=%d ! jpegenc quality=90",
      format, width, height)};
  GstHarness *h = gst_harness_new_parse (line.get ());
  gst_harness_play (h);
  Owned<GstBuffer> buffer{gst_harness_pull (h)};
  Bytes out = test::bytes_of (buffer.get ());
  gst_harness_teardown (h);
  return out;
}

std::string caps_of (int width, int height, const char *more = "")
{
  return "image/jpeg,width=" + std::to_string (width) +
         ",height=" + std::to_string (height) + more;
}

// Puts a DRI in front of SOS, which takes the rest of the headers' place.
Bytes with_dri (const Bytes &image, std::uint16_t interval)
{
  const Bytes marker = {0xff, 0xda, 0x00, 0x0c};
  auto at = std::search (
      image.begin (), image.end (), marker.begin (), marker.end ());
  fail_unless (at != image.end ());
  return join (
      {Bytes (image.begin (), at), dri (interval), Bytes (at, image.end ())});
}

void assert_same (const std::vector<Packet> &a, const std::vector<Packet> &b,
    const std::string &what)
{
  fail_unless (a.size () == b.size (), "%s: %zu packets, not %zu",
      what.c_str (), a.size (), b.size ());
  for (std::size_t i = 0; i < a.size (); i++) {
    fail_unless (a[i].bytes == b[i].bytes, "%s: bytes of packet %zu differ",
        what.c_str (), i);
    fail_unless (a[i] == b[i],
        "%s: packet %zu differs in flags %x %x, pts, metas", what.c_str (), i,
        a[i].flags, b[i].flags);
  }
}

// Ours and stock do the same with these frames.
void compare (const std::string &what, const std::string &caps,
    const std::vector<Bytes> &frames, const Properties &properties = {},
    const std::function<void (GstBuffer *)> &decorate = {})
{
  std::vector<Packet> packets[2];
  std::string src_caps[2];
  const char *names[2] = {"rtpmjpegpay", "rtpjpegpay"};
  for (int i = 0; i < 2; i++) {
    Payloader payloader (names[i], properties);
    payloader.caps (caps);
    for (std::size_t j = 0; j < frames.size (); j++) {
      Owned<GstBuffer> frame = test::buffer (frames[j]);
      GST_BUFFER_PTS (frame.get ()) = j * 33366666;
      GST_BUFFER_DURATION (frame.get ()) = 33366666;
      if (decorate) decorate (frame.get ());
      fail_unless_equals_int (payloader.push (frame.get ()), GST_FLOW_OK);
    }
    packets[i] = payloader.packets ();
    src_caps[i] = payloader.src_caps ();
    fail_unless_equals_int (payloader.warnings (), 0);
  }
  fail_if (packets[0].empty ());
  assert_same (packets[0], packets[1], what);
  fail_unless_equals_string (src_caps[0].c_str (), src_caps[1].c_str ());
}

const Bytes image = jpegfile::image ();
const std::string image_caps = caps_of (32, 16);

}  // namespace

GST_START_TEST (packets_are_those_of_stock)
{
  struct
  {
    const char *format;
    int width;
    int height;
  } pictures[] = {
      {"I420", 320, 240},
      {"Y42B", 320, 240},
      {"I420", 17, 13},
      {"Y42B", 17, 13},
      {"I420", 3, 2},
      {"I420", 1366, 768},
      {"I420", 2040, 16},
      {"I420", 2041, 16},
      {"I420", 2048, 16},
      {"Y42B", 16, 2048},
  };
  for (const auto &picture : pictures) {
    Bytes jpeg = encoded (picture.format, picture.width, picture.height);
    std::string caps = caps_of (picture.width, picture.height);
    for (const char *mtu : {"157", "200", "576", "1400", "9000", "65507"})
      for (const Bytes &frame : {jpeg, with_dri (jpeg, 4)})
        compare (caps + " mtu " + mtu, caps, {frame, frame}, {{"mtu", mtu}});
  }
}
GST_END_TEST;

GST_START_TEST (caps_are_those_of_stock)
{
  for (std::string media : {"image/jpeg", "video/x-jpeg"})
    for (const char *size :
        {"width=32,height=16", "width=2048,height=16", "width=16,height=4096"})
      for (const char *rate :
          {"", ",framerate=30/1", ",framerate=30000/1001", ",framerate=0/1"})
        for (const char *pt : {"26", "96"})
          compare (media + size + rate, media + "," + size + rate, {image},
              {{"pt", pt}});
}
GST_END_TEST;

GST_START_TEST (tables_are_those_of_stock)
{
  const Bytes tail = join ({sos (), grey_scan (300), eoi});
  const Bytes dht = segment (0xc4, jpegfile::standard_tables ());
  const Bytes frames[] = {
      join ({soi, dqt (0, 1, true), dqt (1, 2, true), sof (), dht, tail}),
      join ({soi, dqt (0, 1, true), dqt (1, 2), sof (), dht, tail}),
      join ({soi, dqt (0, 1), dqt (1, 2, true), sof (), dht, tail}),
      join ({soi, dqt (0, 1), sof ({.tables = {0, 0, 0}}), dht, tail}),
      join ({soi, dqt (7, 1), dqt (14, 2), sof ({.tables = {14, 7, 7}}), tail}),
      join ({sof (), dqt (1, 2), dqt (0, 1), tail}),
      join ({soi,
          segment (0xdb, join ({jpegfile::quant_table (0, 1),
                             jpegfile::quant_table (1, 2, true)})),
          sof (), dht, tail}),
      join ({tables (), dri (1), sos (), jpegfile::restarting_scan (2), eoi}),
      join ({tables ({.width = 1, .height = 1}), tail}),
  };
  int i = 0;
  for (const Bytes &frame : frames)
    compare ("frame " + std::to_string (i++), image_caps, {frame, frame},
        {{"mtu", "400"}});
}
GST_END_TEST;

namespace {

void add_metas (GstBuffer *frame)
{
  Owned<GstCaps> reference{gst_caps_new_empty_simple ("timestamp/x-unix")};
  gst_buffer_add_reference_timestamp_meta (
      frame, reference.get (), 5, GST_CLOCK_TIME_NONE);
  // About memory: does not go along.
  gst_buffer_add_parent_buffer_meta (frame, test::buffer (image).get ());
}

void set_flags (GstBuffer *frame)
{
  if (GST_BUFFER_PTS (frame) == 0)
    GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);
  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DELTA_UNIT);
  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_HEADER);
  GST_BUFFER_OFFSET (frame) = 7;
}

void remove_times (GstBuffer *frame)
{
  GST_BUFFER_PTS (frame) = GST_CLOCK_TIME_NONE;
}

}  // namespace

GST_START_TEST (flags_times_and_metas_are_those_of_stock)
{
  Bytes frame = join ({tables (), sos (), grey_scan (300), eoi});
  for (const auto &decorate : {set_flags, add_metas, remove_times})
    compare (
        "decorated", image_caps, {frame, frame}, {{"mtu", "400"}}, decorate);
}
GST_END_TEST;

GST_START_TEST (header_extensions_are_those_of_stock)
{
  Bytes frame = join ({tables (), sos (), grey_scan (300), eoi});
  std::vector<Packet> packets[2];
  const char *names[2] = {"rtpmjpegpay", "rtpjpegpay"};
  // Stock leaves the eight bytes of the extension out of its account.
  const char *mtus[2] = {"400", "392"};
  for (int i = 0; i < 2; i++) {
    Payloader payloader (names[i], {{"mtu", mtus[i]}});
    Owned<GstElement> extension{GST_ELEMENT (gst_object_ref_sink (
        gst_element_factory_make ("rtphdrexttwcc", nullptr)))};
    fail_unless (extension != nullptr);
    gst_rtp_header_extension_set_id (
        GST_RTP_HEADER_EXTENSION (extension.get ()), 3);
    g_signal_emit_by_name (
        payloader.element (), "add-extension", extension.get ());
    payloader.caps (image_caps);
    fail_unless_equals_int (payloader.push (frame), GST_FLOW_OK);
    packets[i] = payloader.packets ();
  }
  assert_same (packets[0], packets[1], "twcc");
  fail_unless (packets[0][0].bytes.size () == 400);
  fail_unless ((packets[0][0].bytes[0] & 0x10) != 0);
}
GST_END_TEST;

// Contributing sources take room in the RTP header. Stock forgets them and goes
// past mtu.
GST_START_TEST (contributing_sources_count)
{
  Payloader payloader (
      "rtpmjpegpay", {{"mtu", "400"}, {"source-info", "true"}});
  payloader.caps (image_caps);
  Owned<GstBuffer> frame =
      test::buffer (join ({tables (), sos (), grey_scan (300), eoi}));
  const guint32 ssrc = 0x01020304;
  const guint32 csrc[] = {0x05060708, 0x090a0b0c};
  gst_buffer_add_rtp_source_meta (frame.get (), &ssrc, csrc, 2);
  fail_unless_equals_int (payloader.push (frame.get ()), GST_FLOW_OK);
  std::vector<Packet> packets = payloader.packets ();
  fail_unless (packets.size () > 2);
  for (const Packet &packet : packets) {
    fail_unless (packet.bytes[0] == 0x83);
    fail_unless (
        Bytes (packet.bytes.begin () + 12, packet.bytes.begin () + 24) ==
        test::hex ("05060708 090a0b0c 01020304"));
    fail_unless (packet.bytes.size () <= 400);
  }
  fail_unless (packets[0].bytes.size () == 400);
  fail_unless (
      packets[0].bytes[24 + 4] == 1 && packets[0].bytes[24 + 5] == 255);
}
GST_END_TEST;

GST_START_TEST (payload_is_shared)
{
  Payloader payloader ("rtpmjpegpay", {{"mtu", "400"}});
  payloader.caps (image_caps);
  Owned<GstBuffer> frame =
      test::buffer (join ({tables (), sos (), grey_scan (300), eoi}));
  fail_unless_equals_int (payloader.push (frame.get ()), GST_FLOW_OK);
  relay::MappedBuffer whole (frame.get (), GST_MAP_READ);
  const guint8 *expected = whole.bytes ().data () + tables ().size () + 14;
  guint count = 0;
  while (GstBuffer *raw = gst_harness_try_pull (payloader.harness ())) {
    Owned<GstBuffer> packet{raw};
    // Headers, payload.
    fail_unless_equals_int (static_cast<int> (gst_buffer_n_memory (raw)), 2);
    GstMapInfo info;
    GstMemory *payload = gst_buffer_peek_memory (raw, 1);
    fail_unless (gst_memory_map (payload, &info, GST_MAP_READ));
    fail_unless (info.data == expected, "packet %u has a copy", count);
    expected += info.size;
    gst_memory_unmap (payload, &info);
    count++;
  }
  fail_unless (count > 2);
  fail_unless (expected == whole.bytes ().data () + whole.bytes ().size ());
}
GST_END_TEST;

namespace {

struct ListSink
{
  GstPadChainListFunction chain_list = nullptr;
  int lists = 0;
};
ListSink list_sink;

GstFlowReturn count_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  list_sink.lists++;
  return list_sink.chain_list (pad, parent, list);
}

}  // namespace

GST_START_TEST (each_frame_is_one_list)
{
  Payloader payloader ("rtpmjpegpay", {{"mtu", "400"}});
  GstPad *pad = payloader.harness ()->sinkpad;
  list_sink = {GST_PAD_CHAINLISTFUNC (pad), 0};
  gst_pad_set_chain_list_function (pad, count_list);
  payloader.caps (image_caps);
  Bytes frame = join ({tables (), sos (), grey_scan (300), eoi});
  for (int i = 0; i < 3; i++)
    fail_unless_equals_int (payloader.push (frame), GST_FLOW_OK);
  fail_unless_equals_int (list_sink.lists, 3);
}
GST_END_TEST;

// As in stock's own test: headers without an image go out whole, in packets of
// which the last memory is payload.
GST_START_TEST (headers_without_an_image_are_payload)
{
  const Bytes frame = join ({sof ({.width = 8,
                                 .height = 8,
                                 .sampling = {0x21, 0x11, 0x11},
                                 .tables = {8, 8, 8}}),
      dqt (8, 0), Bytes (5, 0)});
  fail_unless (frame.size () == 93);
  for (const char *size : {"height=640,width=480", "height=2048,width=480",
           "height=640,width=2048", "height=2048,width=2048"}) {
    std::string caps = std::string ("video/x-jpeg,") + size;
    compare (caps, caps, {frame});

    Payloader payloader;
    payloader.caps (caps);
    fail_unless_equals_int (payloader.push (frame), GST_FLOW_OK);
    std::size_t payload = 0;
    for (const Packet &packet : payloader.packets ()) {
      fail_unless (packet.memories.size () > 1);
      payload += packet.memories.back ();
    }
    fail_unless (payload == frame.size ());

    Payloader both ("rtpmjpegpay ! rtpjpegdepay");
    both.caps (caps);
    fail_unless_equals_int (both.push (frame), GST_FLOW_OK);
    fail_unless (both.event (gst_event_new_eos ()));
    fail_unless (both.message (GST_MESSAGE_ERROR) == nullptr);
  }
}
GST_END_TEST;

namespace {

// Memories that end at these bytes of the frame, made in the reverse order.
Owned<GstBuffer> split (const Bytes &frame, std::vector<std::size_t> ends)
{
  ends.push_back (frame.size ());
  std::vector<GstMemory *> memories (ends.size ());
  for (std::size_t i = ends.size (); i-- > 0;) {
    std::size_t begin = i > 0 ? ends[i - 1] : 0;
    Owned<GstBuffer> part =
        test::buffer (std::span (frame).subspan (begin, ends[i] - begin));
    memories[i] = gst_buffer_get_all_memory (part.get ());
  }
  Owned<GstBuffer> out{gst_buffer_new ()};
  for (GstMemory *memory : memories)
    if (memory != nullptr) gst_buffer_append_memory (out.get (), memory);
  return out;
}

}  // namespace

// Two memories, cut at each byte, and five that are cut inside the tables.
// Stock 1.22 reads wrong tables from such frames.
GST_START_TEST (memories_make_no_difference)
{
  Bytes frame = join ({tables (), sos (), grey_scan (20), eoi});
  Payloader one ("rtpmjpegpay", {{"mtu", "180"}});
  one.caps (image_caps);
  fail_unless_equals_int (one.push (frame), GST_FLOW_OK);
  std::vector<Packet> expected = one.packets ();
  // Flags and times are the same for want of any.
  auto check = [&] (const std::vector<std::size_t> &ends) {
    Payloader other ("rtpmjpegpay", {{"mtu", "180"}});
    other.caps (image_caps);
    fail_unless_equals_int (
        other.push (split (frame, ends).get ()), GST_FLOW_OK);
    assert_same (expected, other.packets (),
        "memory that ends at " + std::to_string (ends[0]));
    fail_unless_equals_int (other.warnings (), 0);
  };
  for (std::size_t cut = 1; cut < frame.size (); cut++) check ({cut});
  check ({19, 130, 200, 420});
  check ({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 600});

  // Headers longer than what is copied at first.
  frame = join ({soi, segment (0xe1, Bytes (60000, 0xff)), tables ()});
  frame.erase (frame.begin () + 2 + 60004, frame.begin () + 2 + 60004 + 2);
  frame = join ({frame, sos (), grey_scan (20), eoi});
  for (std::size_t cut : {1u, 4096u, 50000u, 60500u}) check ({cut});
}
GST_END_TEST;

GST_START_TEST (what_is_behind_eoi_stays_out)
{
  Payloader clean;
  clean.caps (image_caps);
  fail_unless_equals_int (clean.push (image), GST_FLOW_OK);
  std::vector<Packet> expected = clean.packets ();
  // Zeros, a byte, half an image, and an EOI of something else.
  for (const Bytes &junk : {Bytes (4096, 0), Bytes (1, 0xff),
           Bytes (image.begin (), image.end () - 5), Bytes{7, 0xff, 0xd9, 0}}) {
    for (std::size_t cut : {std::size_t{0}, image.size () - 1, image.size ()}) {
      Payloader payloader;
      payloader.caps (image_caps);
      Owned<GstBuffer> frame = split (join ({image, junk}), {cut});
      fail_unless_equals_int (payloader.push (frame.get ()), GST_FLOW_OK);
      assert_same (payloader.packets (), expected, "junk");
      fail_unless_equals_int (payloader.warnings (), 0);
    }
  }
  // What ends with EOI is not looked through.
  compare ("two images", image_caps, {join ({image, image})});
}
GST_END_TEST;

// Cut inside its scan, or from a camera that leaves EOI out: sent with one, and
// said once for each stream.
GST_START_TEST (a_missing_eoi_is_appended)
{
  Bytes whole = join ({tables (), sos (), grey_scan (300), eoi});
  Bytes cut (whole.begin (), whole.end () - 2);
  for (const char *mtu : {"1400", "400", "401", "402", "403"}) {
    Payloader with ("rtpmjpegpay", {{"mtu", mtu}});
    Payloader without ("rtpmjpegpay", {{"mtu", mtu}});
    with.caps (image_caps);
    without.caps (image_caps);
    for (int i = 0; i < 3; i++) {
      fail_unless_equals_int (with.push (whole), GST_FLOW_OK);
      fail_unless_equals_int (without.push (cut), GST_FLOW_OK);
    }
    assert_same (with.packets (), without.packets (), mtu);
    fail_unless_equals_int (with.warnings (), 0);
    fail_unless_equals_int (without.warnings (), 1);
    fail_unless_equals_uint64 (without.stat ("frames"), 3);
    fail_unless_equals_uint64 (without.stat ("frames-dropped"), 0);

    without.event (gst_event_new_stream_start ("another"));
    fail_unless_equals_int (without.push (cut), GST_FLOW_OK);
    fail_unless_equals_int (without.warnings (), 1);
  }
}
GST_END_TEST;

namespace {

struct BadFrame
{
  const char *what;
  Bytes bytes;
  const char *code;  // in the debug text
};

const BadFrame bad_frames[] = {
    {"empty", {}, "truncated"},
    {"no JPEG", {'<', 'h', 't', 'm', 'l', '>'}, "truncated"},
    {"cut inside its headers", Bytes (image.begin (), image.begin () + 300),
        "truncated"},
    {"cut between headers", tables (), "truncated"},
    {"no scan", join ({tables (), sos ()}), "empty_scan"},
    {"nothing but EOI", join ({tables (), sos (), eoi}), "empty_scan"},
    {"nothing but EOI and junk", join ({tables (), sos (), eoi, {1, 2}}),
        "empty_scan"},
    {"progressive", join ({tables ({.marker = 0xc2}), sos (), grey_scan (2)}),
        "not_baseline"},
    {"4:4:4",
        join (
            {tables ({.sampling = {0x11, 0x11, 0x11}}), sos (), grey_scan (2)}),
        "sampling"},
    {"RGB",
        join ({soi, segment (0xee, test::hex ("41646f62650064000000000000")),
            dqt (0), dqt (1), sof (), sos (), grey_scan (2), eoi}),
        "rgb"},
    {"own Huffman tables, and bits that are none of their codes",
        join ({tables (),
            segment (
                0xc4, test::hex ("00 0002 0000000000000000000000000000 0001")),
            sos (), {0xf0}, eoi}),
        "no_code"},
    {"own Huffman tables, and half a scan",
        join ({tables (),
            segment (
                0xc4, test::hex ("00 0002 0000000000000000000000000000 0001")),
            sos (), {0x02}, eoi}),
        "truncated"},
    {"tables of Cb and Cr differ",
        join ({tables ({.tables = {0, 1, 2}}), dqt (2, 6), sos (),
            grey_scan (2)}),
        "chroma_tables"},
    {"more than 24 bits of offset",
        join ({tables (), sos (), Bytes (1 << 24, 1), eoi}), "scan_size"},
};

}  // namespace

GST_START_TEST (a_bad_frame_is_dropped)
{
  Payloader payloader;
  payloader.caps (image_caps);
  guint64 dropped = 0;
  for (const BadFrame &row : bad_frames) {
    fail_unless_equals_int (payloader.push (row.bytes), GST_FLOW_OK);
    fail_unless (payloader.packets ().empty (), "%s: sent", row.what);
    auto warning = payloader.message (GST_MESSAGE_WARNING);
    test::assert_error (
        warning.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
    gchar *debug = nullptr;
    gst_message_parse_warning (warning.get (), nullptr, &debug);
    Owned<gchar> owned{debug};
    fail_unless (
        strstr (debug, row.code) != nullptr, "%s: %s", row.what, debug);
    fail_unless_equals_int (payloader.warnings (), 0);
    fail_unless_equals_uint64 (payloader.stat ("frames-dropped"), ++dropped);

    // The stream goes on.
    fail_unless_equals_int (payloader.push (image), GST_FLOW_OK);
    fail_unless (payloader.packets ().size () == 1);
    fail_unless_equals_uint64 (payloader.stat ("frames"), dropped);
  }
  fail_unless (payloader.message (GST_MESSAGE_ERROR) == nullptr);
}
GST_END_TEST;

GST_START_TEST (the_largest_scan_is_sent)
{
  Payloader payloader ("rtpmjpegpay", {{"mtu", "65507"}});
  payloader.caps (image_caps);
  const std::size_t limit = 1 << 24;
  fail_unless_equals_int (
      payloader.push (join ({tables (), sos (), Bytes (limit - 2, 1), eoi})),
      GST_FLOW_OK);
  std::size_t scan = 0;
  for (const Packet &packet : payloader.packets ())
    scan += packet.memories.back ();
  fail_unless (scan == limit);
}
GST_END_TEST;

// Each beginning of an image, and each byte of it changed, in one memory and in
// two: no crash, no error, and what is sent can be parsed.
GST_START_TEST (damage_does_no_harm)
{
  Bytes frame =
      join ({tables (), dri (1), sos (), jpegfile::restarting_scan (2), eoi});
  Payloader payloader ("rtpmjpegpay ! rtpjpegdepay");
  payloader.caps (image_caps);
  auto push = [&] (const Bytes &bytes) {
    for (std::size_t cut : {std::size_t{0}, bytes.size () / 2})
      fail_unless_equals_int (
          payloader.push (split (bytes, {cut}).get ()), GST_FLOW_OK);
    payloader.packets ();
  };
  for (std::size_t size = 0; size < frame.size (); size++)
    push (Bytes (
        frame.begin (), frame.begin () + static_cast<std::ptrdiff_t> (size)));
  for (std::size_t i = 0; i < frame.size (); i++) {
    for (unsigned value : {0x00u, 0x01u, 0x7fu, 0xffu, 0xd9u, 0xdau}) {
      Bytes damaged = frame;
      damaged[i] = static_cast<std::uint8_t> (value);
      push (damaged);
    }
  }
  fail_unless (payloader.message (GST_MESSAGE_ERROR) == nullptr);
}
GST_END_TEST;

GST_START_TEST (a_small_mtu_is_an_error)
{
  Bytes plain = join ({tables (), sos (), grey_scan (300), eoi});
  for (const Bytes &frame : {plain, with_dri (plain, 1)}) {
    // RTP header, main header, tables, a byte of the scan; restart header.
    unsigned least = frame == plain ? 12 + 8 + 132 + 1 : 12 + 8 + 4 + 132 + 1;
    for (unsigned mtu = 28; mtu < 200; mtu++) {
      Payloader payloader ("rtpmjpegpay", {{"mtu", std::to_string (mtu)}});
      payloader.caps (image_caps);
      GstFlowReturn flow = payloader.push (frame);
      auto error = payloader.message (GST_MESSAGE_ERROR);
      if (mtu < least) {
        fail_unless_equals_int (flow, GST_FLOW_ERROR);
        test::assert_error (
            error.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
        fail_unless (payloader.packets ().empty ());
      } else {
        fail_unless_equals_int (flow, GST_FLOW_OK);
        fail_unless (error == nullptr);
        for (const Packet &packet : payloader.packets ()) {
          fail_unless (packet.bytes.size () <= mtu);
          fail_unless (packet.memories.back () > 0);
        }
      }
    }
  }
}
GST_END_TEST;

GST_START_TEST (stats_count)
{
  Payloader payloader ("rtpmjpegpay", {{"mtu", "400"}});
  payloader.caps (image_caps);
  Bytes frame = join ({tables (), sos (), grey_scan (300), eoi});
  for (int i = 0; i < 2; i++)
    fail_unless_equals_int (payloader.push (frame), GST_FLOW_OK);
  fail_unless_equals_int (payloader.push (Bytes (9, 9)), GST_FLOW_OK);
  std::vector<Packet> packets = payloader.packets ();
  guint64 bytes = 0;
  for (const Packet &packet : packets) bytes += packet.bytes.size ();
  fail_unless_equals_uint64 (payloader.stat ("packets"), packets.size ());
  fail_unless_equals_uint64 (payloader.stat ("bytes"), bytes);
  fail_unless_equals_uint64 (payloader.stat ("frames"), 2);
  fail_unless_equals_uint64 (payloader.stat ("frames-dropped"), 1);

  // At EOS the same as a message, with what stock has.
  GstStructure *raw = nullptr;
  g_object_get (payloader.element (), "stats", &raw, nullptr);
  Owned<GstStructure> stats{raw};
  fail_unless (gst_structure_has_name (raw, "application/x-rtp-payload-stats"));
  guint pt = 0;
  guint seqnum = 0;
  fail_unless (gst_structure_get_uint (raw, "pt", &pt) && pt == 26);
  fail_unless (gst_structure_get_uint (raw, "seqnum", &seqnum));
  fail_unless (seqnum == (65530 + packets.size () - 1) % 65536);
  Payloader stock ("rtpjpegpay");
  GstStructure *stock_raw = nullptr;
  g_object_get (stock.element (), "stats", &stock_raw, nullptr);
  Owned<GstStructure> stock_stats{stock_raw};
  for (int i = 0; i < gst_structure_n_fields (stock_raw); i++)
    fail_unless (gst_structure_has_field (
        raw, gst_structure_nth_field_name (stock_raw, static_cast<guint> (i))));

  fail_unless (payloader.event (gst_event_new_eos ()));
  auto message = payloader.message (GST_MESSAGE_ELEMENT);
  fail_unless (message != nullptr);
  gst_structure_set_name (raw, "rtpmjpegpay-stats");
  fail_unless (
      gst_structure_is_equal (gst_message_get_structure (message.get ()), raw));
  fail_unless (payloader.message (GST_MESSAGE_ELEMENT) == nullptr);
}
GST_END_TEST;

// Sizes that the RTP/JPEG header has no room for are in the caps, and the image
// itself says which.
GST_START_TEST (large_images_say_their_size_in_the_caps)
{
  Payloader payloader;
  payloader.caps (image_caps);
  auto dimensions = [&] {
    std::string caps = payloader.src_caps ();
    std::size_t at = caps.find ("x-dimensions");
    return at == std::string::npos ? std::string () : caps.substr (at);
  };
  auto push = [&] (std::uint16_t width, std::uint16_t height) {
    fail_unless_equals_int (
        payloader.push (join ({tables ({.width = width, .height = height}),
            sos (), grey_scan (2), eoi})),
        GST_FLOW_OK);
    Packet packet = payloader.packets ().at (0);
    return std::pair<int, int> (packet.bytes[12 + 6], packet.bytes[12 + 7]);
  };
  fail_unless (push (32, 16) == std::pair (4, 2));
  fail_unless (dimensions ().empty ());
  fail_unless (push (4096, 2160) == std::pair (0, 0));
  fail_unless (dimensions ().find ("(string)4096,2160") != std::string::npos ||
                   dimensions ().find ("\"4096\\,2160\"") != std::string::npos,
      "%s", dimensions ().c_str ());
  fail_unless (push (16, 2041) == std::pair (0, 0));
  fail_unless (dimensions ().find ("16\\,2041") != std::string::npos, "%s",
      dimensions ().c_str ());
  // New caps start anew.
  payloader.caps (caps_of (64, 64));
  fail_unless (push (64, 64) == std::pair (8, 8));
  fail_unless (dimensions ().empty ());
}
GST_END_TEST;

GST_START_TEST (caps_without_a_size_are_refused)
{
  for (const char *caps :
      {"image/jpeg", "image/jpeg,width=32", "image/jpeg,height=16",
          "image/jpeg,width=0,height=16", "image/jpeg,width=32,height=-1",
          "image/jpeg,width=32,height=16,framerate=-1/1"}) {
    Payloader payloader;
    gst_harness_push_event (
        payloader.harness (), gst_event_new_stream_start ("stream"));
    Owned<GstCaps> parsed{gst_caps_from_string (caps)};
    payloader.event (gst_event_new_caps (parsed.get ()));
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    payloader.event (gst_event_new_segment (&segment));
    fail_unless_equals_int (payloader.push (image), GST_FLOW_NOT_NEGOTIATED);
    fail_unless (payloader.src_caps ().empty ());
  }
}
GST_END_TEST;

GST_START_TEST (caps_change_while_streaming)
{
  Payloader payloader;
  payloader.caps (image_caps);
  fail_unless_equals_int (payloader.push (image), GST_FLOW_OK);
  payloader.caps (caps_of (32, 16, ",framerate=25/1"));
  fail_unless_equals_int (payloader.push (image), GST_FLOW_OK);
  fail_unless (payloader.src_caps ().find ("25.000000") != std::string::npos);
  // A rate that goes away is not kept.
  payloader.caps (image_caps);
  fail_unless (payloader.src_caps ().find ("a-framerate") == std::string::npos);
  fail_unless (payloader.packets ().size () == 2);
}
GST_END_TEST;

GST_START_TEST (mtu_changes_while_streaming)
{
  Payloader payloader;
  payloader.caps (image_caps);
  Bytes frame = join ({tables (), sos (), grey_scan (300), eoi});
  fail_unless_equals_int (payloader.push (frame), GST_FLOW_OK);
  fail_unless (payloader.packets ().at (0).bytes.size () > 400);
  payloader.set ({{"mtu", "400"}, {"quality", "3"}, {"type", "200"}});
  fail_unless_equals_int (payloader.push (frame), GST_FLOW_OK);
  std::vector<Packet> packets = payloader.packets ();
  fail_unless (packets.at (0).bytes.size () == 400);
  // quality and type are without effect, and read back.
  fail_unless (
      packets[0].bytes[12 + 4] == 1 && packets[0].bytes[12 + 5] == 255);
  int quality = 0;
  int type = 0;
  g_object_get (
      payloader.element (), "quality", &quality, "type", &type, nullptr);
  fail_unless (quality == 3 && type == 200);
}
GST_END_TEST;

GST_START_TEST (flush_and_go_on)
{
  Payloader payloader;
  payloader.caps (image_caps);
  fail_unless_equals_int (payloader.push (image), GST_FLOW_OK);
  fail_unless (payloader.event (gst_event_new_flush_start ()));
  fail_unless_equals_int (payloader.push (image), GST_FLOW_FLUSHING);
  fail_unless (payloader.event (gst_event_new_flush_stop (TRUE)));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (payloader.event (gst_event_new_segment (&segment)));
  fail_unless_equals_int (payloader.push (image), GST_FLOW_OK);
  fail_unless_equals_uint64 (payloader.stat ("frames"), 2);
}
GST_END_TEST;

GST_START_TEST (eos_before_anything)
{
  Payloader payloader;
  fail_unless (payloader.event (gst_event_new_eos ()));
  auto message = payloader.message (GST_MESSAGE_ELEMENT);
  guint64 frames = 1;
  fail_unless (gst_structure_get_uint64 (
      gst_message_get_structure (message.get ()), "frames", &frames));
  fail_unless_equals_uint64 (frames, 0);
}
GST_END_TEST;

// PLAYING, NULL, PLAYING: the stream starts anew, the counters go on.
GST_START_TEST (used_again_after_null)
{
  Payloader payloader;
  for (guint64 round = 1; round <= 3; round++) {
    payloader.caps (caps_of (2048, 16));
    Bytes cut (image.begin (), image.end () - 2);
    fail_unless_equals_int (payloader.push (cut), GST_FLOW_OK);
    std::vector<Packet> packets = payloader.packets ();
    fail_unless (packets.size () == 1);
    fail_unless (packets[0].bytes[2] == 0xff && packets[0].bytes[3] == 0xfa,
        "the sequence does not start anew");
    fail_unless_equals_int (payloader.warnings (), 1);
    fail_unless_equals_uint64 (payloader.stat ("frames"), round);
    fail_unless (gst_element_set_state (payloader.element (), GST_STATE_NULL) ==
                 GST_STATE_CHANGE_SUCCESS);
    // NULL empties the bus and takes no message more.
    gst_harness_play (payloader.harness ());
    fail_unless (gst_element_set_state (payloader.element (),
                     GST_STATE_PLAYING) == GST_STATE_CHANGE_SUCCESS);
    gst_harness_push_event (
        payloader.harness (), gst_event_new_stream_start ("again"));
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    payloader.caps (image_caps);
    payloader.event (gst_event_new_segment (&segment));
  }
}
GST_END_TEST;

GST_START_TEST (downstream_errors_come_back)
{
  Payloader payloader;
  payloader.caps (image_caps);
  gst_pad_set_chain_function (payloader.harness ()->sinkpad,
      [] (GstPad *, GstObject *, GstBuffer *buffer) {
        gst_buffer_unref (buffer);
        return GST_FLOW_EOS;
      });
  fail_unless_equals_int (payloader.push (image), GST_FLOW_EOS);
  // Not sent, so not counted.
  fail_unless_equals_uint64 (payloader.stat ("frames"), 0);
  fail_unless_equals_uint64 (payloader.stat ("packets"), 0);
}
GST_END_TEST;

// As in stock's own test, with ours in its place.
GST_START_TEST (stock_depayloader_survives_loss)
{
  const struct
  {
    double probability;
    int frames;  // -1: some
  } rows[] = {{0, 100}, {0.001, -1}, {0.01, -1}, {0.1, -1}, {0.5, -1}, {1, 0}};
  for (const auto &row : rows) {
    Owned<gchar> line{g_strdup_printf (
        "videotestsrc pattern=ball num-buffers=100 ! "
        "video/x-raw,format=I420,width=160,height=120 ! jpegenc quality=50 ! "
        "rtpmjpegpay mtu=400 ! identity drop-probability=%g ! rtpjpegdepay",
        row.probability)};
    GstHarness *h = gst_harness_new_parse (line.get ());
    gst_harness_play (h);
    for (bool eos = false; !eos;) {
      Owned<GstEvent> event{gst_harness_pull_event (h)};
      eos = GST_EVENT_TYPE (event.get ()) == GST_EVENT_EOS;
    }
    int frames = 0;
    while (GstBuffer *raw = gst_harness_try_pull (h)) {
      Owned<GstBuffer> buffer{raw};
      Bytes bytes = test::bytes_of (raw);
      fail_unless (Bytes (bytes.begin (), bytes.begin () + 2) == soi);
      fail_unless (Bytes (bytes.end () - 2, bytes.end ()) == eoi);
      frames++;
    }
    if (row.frames >= 0) fail_unless_equals_int (frames, row.frames);
    gst_harness_teardown (h);
  }
}
GST_END_TEST;

namespace {

// An image of random blocks, its scan and the Huffman tables that it is coded
// with.
struct Coded
{
  std::vector<jpegscan::Plane> planes;
  unsigned width = 200;
  unsigned height = 90;

  explicit Coded (unsigned seed)
  {
    std::mt19937 random (seed);
    planes = {jpegscan::random_plane (random, 25, 12),
        jpegscan::random_plane (random, 13, 6),
        jpegscan::random_plane (random, 13, 6)};
  }

  [[nodiscard]] Bytes jpeg (huffman::Tables luma, huffman::Tables chroma,
      std::uint16_t restart_interval = 0) const
  {
    Bytes scan = jpegscan::encode (width, height,
        {{2, 2, luma}, {1, 1, chroma}, {1, 1, chroma}}, restart_interval,
        planes);
    return join ({tables ({.width = static_cast<std::uint16_t> (width),
                      .height = static_cast<std::uint16_t> (height)}),
        dht (luma, 0), dht (chroma, 1), dri (restart_interval), sos (), scan,
        eoi});
  }

  static Bytes dht (huffman::Tables tables, std::uint8_t id)
  {
    return segment (
        0xc4, join ({{id}, Bytes (tables.dc.begin (), tables.dc.end ()),
                  {static_cast<std::uint8_t> (0x10 | id)},
                  Bytes (tables.ac.begin (), tables.ac.end ())}));
  }
};

// The packets of a frame, all of which must be sent.
std::vector<Packet> packets_of (
    const Properties &properties, const std::vector<Bytes> &frames)
{
  Payloader payloader ("rtpmjpegpay", properties);
  payloader.caps (image_caps);
  for (const Bytes &frame : frames)
    fail_unless_equals_int (payloader.push (frame), GST_FLOW_OK);
  fail_unless_equals_int (payloader.warnings (), 0);
  return payloader.packets ();
}

}  // namespace

// RFC 2435 4.1 has the standard tables only: with others the packets are those
// of the same image with these.
GST_START_TEST (other_huffman_tables_are_recoded)
{
  Coded coded (1);
  jpegscan::OwnTables luma (huffman::standard_luma (), 5);
  jpegscan::OwnTables chroma (huffman::standard_chroma (), 50);
  for (std::uint16_t interval : std::vector<std::uint16_t>{0, 3}) {
    Bytes own = coded.jpeg (luma.tables (), chroma.tables (), interval);
    Bytes standard = coded.jpeg (
        huffman::standard_luma (), huffman::standard_chroma (), interval);
    assert_same (packets_of ({}, {own}), packets_of ({}, {standard}), "once");
    // Tables that came once hold.
    Bytes bare = join ({soi, sof ({.width = 200, .height = 90}), dri (interval),
        sos (), Bytes (own.begin () + scan_begin (own), own.end ())});
    assert_same (packets_of ({}, {own, bare}),
        packets_of ({}, {standard, standard}), "once for all");
  }
}
GST_END_TEST;

GST_START_TEST (restart_intervals_are_as_asked_for)
{
  Coded coded (2);
  auto with = [&] (std::uint16_t interval) {
    return coded.jpeg (
        huffman::standard_luma (), huffman::standard_chroma (), interval);
  };
  using Intervals = std::vector<std::uint16_t>;
  for (std::uint16_t from : Intervals{0, 1, 4}) {
    assert_same (packets_of ({{"restart-interval", "-1"}}, {with (from)}),
        packets_of ({}, {with (from)}), "keep");
    for (std::uint16_t to : Intervals{0, 1, 4, 65535})
      assert_same (packets_of ({{"restart-interval", std::to_string (to)}},
                       {with (from)}),
          packets_of ({}, {with (to)}), "change");
  }
}
GST_END_TEST;

// Grey becomes 4:2:0 without colour.
GST_START_TEST (grey_images_are_sent)
{
  Coded coded (3);
  Bytes grey = join ({soi, dqt (0, 3),
      sof ({.width = 200, .height = 90, .components = 1, .sampling = {0x11}}),
      segment (0xc4, jpegfile::standard_tables ()), sos ({1, 0x00}),
      jpegscan::encode (
          200, 90, {{1, 1, huffman::standard_luma ()}}, 0, {coded.planes[0]}),
      eoi});
  coded.planes.resize (1);
  Bytes colour =
      coded.jpeg (huffman::standard_luma (), huffman::standard_chroma ());
  std::vector<Packet> sent = packets_of ({}, {grey});
  std::vector<Packet> expected = packets_of (
      {}, {join ({soi, dqt (0, 3),
              sof ({.width = 200, .height = 90, .tables = {0, 0, 0}}),
              segment (0xc4, jpegfile::standard_tables ()), sos (),
              Bytes (colour.begin () + scan_begin (colour), colour.end ())})});
  assert_same (sent, expected, "grey");
}
GST_END_TEST;

GST_START_TEST (what_is_done_to_frames_is_counted)
{
  Coded coded (4);
  jpegscan::OwnTables luma (huffman::standard_luma (), 5);
  Bytes own = coded.jpeg (luma.tables (), huffman::standard_chroma ());
  Payloader payloader;
  payloader.caps (image_caps);
  payloader.push (join ({own, {1, 2, 3}}));
  payloader.push (tables ());
  payloader.push (
      join ({tables ({.sampling = {0x11, 0x11, 0x11}}), sos (), eoi}));
  payloader.push (join ({tables (), sos (), Bytes (1 << 24, 1), eoi}));
  const std::pair<const char *, guint64> rows[] = {{"frames", 1},
      {"frames-recoded", 1}, {"bytes-stripped", 3}, {"frames-dropped", 3},
      {"frames-dropped-damaged", 1}, {"frames-dropped-unsupported", 1},
      {"frames-dropped-too-large", 1}};
  for (const auto &[name, value] : rows)
    fail_unless (payloader.stat (name) == value, "%s", name);
}
GST_END_TEST;

// What the stock depayloader gives decodes to the same picture.
GST_START_TEST (pictures_arrive)
{
  auto decode = [] (const std::string &elements, const Bytes &jpeg, int width,
                    int height) {
    GstHarness *h = gst_harness_new_parse ((elements + "jpegdec").c_str ());
    gst_harness_set_src_caps_str (
        h, caps_of (width, height, ",framerate=25/1").c_str ());
    Owned<GstBuffer> frame = test::buffer (jpeg);
    GST_BUFFER_PTS (frame.get ()) = 0;
    gst_harness_push (h, frame.release ());
    gst_harness_push_event (h, gst_event_new_eos ());
    Owned<GstBuffer> picture{gst_harness_try_pull (h)};
    Bytes out = picture ? test::bytes_of (picture.get ()) : Bytes ();
    gst_harness_teardown (h);
    return out;
  };
  struct
  {
    Bytes jpeg;
    int width;
    int height;
  } pictures[] = {
      {encoded ("I420", 320, 240), 320, 240},
      {encoded ("Y42B", 320, 240), 320, 240},
      {encoded ("I420", 2048, 16), 2048, 16},
      {image, 32, 16},
      {join ({tables (), dri (1), sos (), jpegfile::restarting_scan (2), eoi}),
          32, 16},
  };
  for (const auto &picture : pictures) {
    Bytes direct = decode ("", picture.jpeg, picture.width, picture.height);
    fail_if (direct.empty ());
    fail_unless (decode ("rtpmjpegpay ! rtpjpegdepay ! ", picture.jpeg,
                     picture.width, picture.height) == direct,
        "%dx%d", picture.width, picture.height);
  }
}
GST_END_TEST;

static Suite *rtpmjpegpay_suite ()
{
  Suite *suite = suite_create ("rtpmjpegpay");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, packets_are_those_of_stock);
  tcase_add_test (tests, caps_are_those_of_stock);
  tcase_add_test (tests, tables_are_those_of_stock);
  tcase_add_test (tests, flags_times_and_metas_are_those_of_stock);
  tcase_add_test (tests, header_extensions_are_those_of_stock);
  tcase_add_test (tests, contributing_sources_count);
  tcase_add_test (tests, payload_is_shared);
  tcase_add_test (tests, each_frame_is_one_list);
  tcase_add_test (tests, headers_without_an_image_are_payload);
  tcase_add_test (tests, memories_make_no_difference);
  tcase_add_test (tests, what_is_behind_eoi_stays_out);
  tcase_add_test (tests, a_missing_eoi_is_appended);
  tcase_add_test (tests, a_bad_frame_is_dropped);
  tcase_add_test (tests, the_largest_scan_is_sent);
  tcase_add_test (tests, damage_does_no_harm);
  tcase_add_test (tests, a_small_mtu_is_an_error);
  tcase_add_test (tests, stats_count);
  tcase_add_test (tests, large_images_say_their_size_in_the_caps);
  tcase_add_test (tests, caps_without_a_size_are_refused);
  tcase_add_test (tests, caps_change_while_streaming);
  tcase_add_test (tests, mtu_changes_while_streaming);
  tcase_add_test (tests, flush_and_go_on);
  tcase_add_test (tests, eos_before_anything);
  tcase_add_test (tests, used_again_after_null);
  tcase_add_test (tests, downstream_errors_come_back);
  tcase_add_test (tests, stock_depayloader_survives_loss);
  tcase_add_test (tests, other_huffman_tables_are_recoded);
  tcase_add_test (tests, restart_intervals_are_as_asked_for);
  tcase_add_test (tests, grey_images_are_sent);
  tcase_add_test (tests, what_is_done_to_frames_is_counted);
  tcase_add_test (tests, pictures_arrive);
  return suite;
}

GST_CHECK_MAIN (rtpmjpegpay)

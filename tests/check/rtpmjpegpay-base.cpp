// SPDX-License-Identifier: LGPL-2.1-or-later
// What GstRTPBasePayload does for its elements, on rtpmjpegpay. Each row of the
// tables runs on stock rtpjpegpay as well, with frames of one packet and of
// several, and both must show the same packets, events and properties.
#include <gst/rtp/rtp.h>

#include <array>
#include <functional>
#include <map>
#include <random>
#include <utility>

#include "jpegfile.h"
#include "jpegscan.h"
#include "testutil.h"

using jpegfile::eoi;
using jpegfile::join;
using jpegfile::sos;
using jpegfile::tables;
using relay::Owned;
using test::Bytes;

namespace {

// A header extension that counts its packets, of a size to choose.
struct Counter
{
  GstRTPHeaderExtension parent;
  GstRTPHeaderExtensionFlags flags;
  gsize size;
  // What packet n gets, at most `size`.
  gssize (*written) (const Counter *, guint n);
  guint writes;
  guint attributes;
  bool keeps_out_of_caps;
};

struct CounterClass
{
  GstRTPHeaderExtensionClass parent_class;
};

constexpr const char *counter_uri = "urn:test:counter";

constexpr auto one_or_two_bytes = static_cast<GstRTPHeaderExtensionFlags> (
    GST_RTP_HEADER_EXTENSION_ONE_BYTE | GST_RTP_HEADER_EXTENSION_TWO_BYTE);

G_DEFINE_TYPE (Counter, counter, GST_TYPE_RTP_HEADER_EXTENSION)

Counter *counter_of (gpointer object)
{
  return static_cast<Counter *> (object);
}

gssize whole_size (const Counter *self, guint /* n */)
{
  return static_cast<gssize> (self->size);
}

gssize one_byte (const Counter * /* self */, guint /* n */)
{
  return 1;
}

gssize nothing (const Counter * /* self */, guint /* n */)
{
  return 0;
}

gssize each_its_own (const Counter *self, guint n)
{
  return static_cast<gssize> (n % (self->size + 1));
}

void counter_init (Counter *self)
{
  self->flags = one_or_two_bytes;
  self->size = 1;
  self->written = whole_size;
}

void counter_class_init (CounterClass *klass)
{
  GstRTPHeaderExtensionClass *base = GST_RTP_HEADER_EXTENSION_CLASS (klass);
  base->get_supported_flags = [] (GstRTPHeaderExtension *ext) {
    return counter_of (ext)->flags;
  };
  base->get_max_size = [] (GstRTPHeaderExtension *ext, const GstBuffer *) {
    return counter_of (ext)->size;
  };
  base->write = [] (GstRTPHeaderExtension *ext, const GstBuffer *,
                    GstRTPHeaderExtensionFlags, GstBuffer *, guint8 *data,
                    gsize size) {
    Counter *self = counter_of (ext);
    gssize written = self->written (self, self->writes);
    fail_unless (written <= static_cast<gssize> (size));
    for (gssize i = 0; i < written; i++)
      data[i] = static_cast<guint8> (self->writes + 1);
    self->writes++;
    return written;
  };
  base->set_attributes = [] (GstRTPHeaderExtension *ext,
                             GstRTPHeaderExtensionDirection,
                             const gchar *) -> gboolean {
    counter_of (ext)->attributes++;
    return TRUE;
  };
  base->set_caps_from_attributes = [] (GstRTPHeaderExtension *ext,
                                       GstCaps *caps) -> gboolean {
    return counter_of (ext)->keeps_out_of_caps ||
           gst_rtp_header_extension_set_caps_from_attributes_helper (
               ext, caps, "");
  };
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Counter",
      GST_RTP_HDREXT_ELEMENT_CLASS, "Counts packets", "the tests");
  gst_rtp_header_extension_class_set_uri (base, counter_uri);
}

}  // namespace

template <>
inline constexpr bool relay::is_gobject<Counter> = true;

namespace {

Owned<Counter> new_counter (guint id, gsize size = 1,
    GstRTPHeaderExtensionFlags flags = one_or_two_bytes)
{
  Owned<Counter> out{counter_of (
      gst_object_ref_sink (g_object_new (counter_get_type (), nullptr)))};
  out->size = size;
  out->flags = flags;
  gst_rtp_header_extension_set_id (&out->parent, id);
  return out;
}

Owned<GstElement> stock_extension (const char *name, guint id)
{
  Owned<GstElement> out{GST_ELEMENT (
      gst_object_ref_sink (gst_element_factory_make (name, nullptr)))};
  fail_unless (out != nullptr, "%s", name);
  gst_rtp_header_extension_set_id (GST_RTP_HEADER_EXTENSION (out.get ()), id);
  return out;
}

using Properties = std::map<std::string, std::string>;

std::string line (const char *format, ...) G_GNUC_PRINTF (1, 2);
std::string line (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  Owned<gchar> text{g_strdup_vprintf (format, arguments)};
  va_end (arguments);
  return text.get ();
}

struct Packet
{
  Bytes bytes;
  guint flags = 0;
  GstClockTime pts = 0;
  std::string metas;

  // Of the bytes, RFC 3550 5.1.
  bool marker = false;
  guint pt = 0;
  guint16 seq = 0;
  guint32 rtptime = 0;
  guint32 ssrc = 0;
  std::vector<guint32> csrc;
  Bytes extension;  // with its own header
  Bytes payload;
};
using Packets = std::vector<Packet>;

guint32 number (std::span<const std::uint8_t> bytes)
{
  guint32 out = 0;
  for (std::uint8_t byte : bytes) out = out << 8 | byte;
  return out;
}

Packet packet_of (GstBuffer *buffer)
{
  Packet packet;
  // Mapping the buffer would merge its memories.
  packet.bytes.resize (gst_buffer_get_size (buffer));
  gst_buffer_extract (buffer, 0, packet.bytes.data (), packet.bytes.size ());
  packet.flags = GST_BUFFER_FLAGS (buffer);
  packet.pts = GST_BUFFER_PTS (buffer);
  gpointer at = nullptr;
  while (GstMeta *meta = gst_buffer_iterate_meta (buffer, &at))
    packet.metas += std::string (g_type_name (meta->info->api)) + " ";

  std::span<const std::uint8_t> rest (packet.bytes);
  auto take = [&rest] (std::size_t size) {
    fail_unless (rest.size () >= size, "a packet is cut");
    std::span<const std::uint8_t> out = rest.first (size);
    rest = rest.subspan (size);
    return out;
  };
  guint32 first = number (take (1));
  fail_unless (first >> 6 == 2);
  fail_unless ((first & 0x20) == 0, "there is padding");
  guint32 second = number (take (1));
  packet.marker = (second & 0x80) != 0;
  packet.pt = second & 0x7f;
  packet.seq = static_cast<guint16> (number (take (2)));
  packet.rtptime = number (take (4));
  packet.ssrc = number (take (4));
  for (guint i = 0; i < (first & 0x0f); i++)
    packet.csrc.push_back (number (take (4)));
  if ((first & 0x10) != 0) {
    std::size_t size = 4 + 4 * number (rest.subspan (2, 2));
    std::span<const std::uint8_t> extension = take (size);
    packet.extension.assign (extension.begin (), extension.end ());
  }
  packet.payload.assign (rest.begin (), rest.end ());
  return packet;
}

std::string hex_of (const Bytes &bytes)
{
  std::string out;
  for (std::uint8_t byte : bytes) out += line ("%02x", byte);
  return out;
}

// Bytes of the scan from its beginning to its end, EOI included.
Bytes scan_of (const Bytes &jpeg)
{
  const Bytes marker = {0xff, 0xda};
  auto at =
      std::search (jpeg.begin (), jpeg.end (), marker.begin (), marker.end ());
  auto length = static_cast<std::ptrdiff_t> (number ({&at[2], 2}));
  return Bytes (at + 2 + length, jpeg.end ());
}

// 64x32 pixels of noise. With `seed` the packets of a frame are equally many
// with up to `most_headers` bytes more in each: see `a_frame_has_several`.
Bytes noise (unsigned number)
{
  std::mt19937 random (number);
  std::vector<jpegscan::Plane> planes = {jpegscan::random_plane (random, 8, 4),
      jpegscan::random_plane (random, 4, 2),
      jpegscan::random_plane (random, 4, 2)};
  huffman::Tables luma = huffman::standard_luma ();
  huffman::Tables chroma = huffman::standard_chroma ();
  return join ({tables ({.width = 64, .height = 32}), sos (),
      jpegscan::encode (
          64, 32, {{2, 2, luma}, {1, 1, chroma}, {1, 1, chroma}}, 0, planes),
      eoi});
}

constexpr unsigned seed = 5;
const Bytes image = noise (seed);
constexpr const char *image_caps = "image/jpeg,width=64,height=32";
constexpr std::size_t most_headers = 20;

constexpr std::size_t rtp_header = 12;
constexpr std::size_t main_header = 8;
constexpr std::size_t table_header = 4 + 2 * 64;

// How many packets a scan makes; `more` is what each has besides the headers of
// RTP and JPEG.
std::size_t packets_in (std::size_t scan, std::size_t mtu, std::size_t more)
{
  std::size_t room = mtu - rtp_header - main_header - more;
  return (scan + table_header + room - 1) / room;
}

constexpr const char *small_mtu = "200";
constexpr const char *large_mtu = "1400";

struct Setup
{
  const char *element;
  const char *mtu;
};

using Trace = std::vector<std::string>;

void append (Trace &all, const Trace &more)
{
  all.insert (all.end (), more.begin (), more.end ());
}

enum class Offsets
{
  fixed,
  free,
};

// A payloader in a harness. Whatever a neighbour or an application sees of it
// is written down, one line for each thing.
class Subject
{
public:
  explicit Subject (const Setup &setup, const Properties &properties = {},
      Offsets offsets = Offsets::fixed)
      : setup_ (setup),
        element_ (GST_ELEMENT (gst_object_ref_sink (
            gst_element_factory_make (setup.element, nullptr)))),
        bus_ (gst_bus_new ())
  {
    set ("mtu", setup.mtu);
    if (offsets == Offsets::fixed) {
      set ("ssrc", "305419896");
      set ("seqnum-offset", "65530");
      set ("timestamp-offset", "4294967000");
    }
    for (const auto &[name, value] : properties)
      set (name.c_str (), value.c_str ());
    for (const char *name : {"notify::timestamp", "notify::seqnum"})
      g_signal_connect (element_.get (), name, G_CALLBACK (on_notify), this);
    gst_element_set_bus (element_.get (), bus_.get ());
    harness_ = gst_harness_new_with_element (element_.get (), "sink", "src");
    gst_pad_add_probe (harness_->sinkpad,
        static_cast<GstPadProbeType> (GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM |
                                      GST_PAD_PROBE_TYPE_EVENT_FLUSH),
        on_data, this, nullptr);
  }
  ~Subject ()
  {
    gst_element_set_bus (element_.get (), nullptr);
    g_signal_handlers_disconnect_by_data (element_.get (), this);
    gst_harness_teardown (harness_);
  }
  Subject (const Subject &) = delete;
  Subject &operator= (const Subject &) = delete;

  // Random numbers are not written down.
  void mask () { masked_ = true; }
  // Packets are not as long as those of stock, which forgets a part of the
  // headers, if that makes a difference.
  void sizes_differ () { whole_ = g_str_equal (setup_.mtu, large_mtu); }
  // The next frame need not begin where the last one ended.
  void jump () { next_seq_ = -1; }
  void note (std::string text) { trace_.push_back (std::move (text)); }

  void set (const char *name, const char *value)
  {
    gst_util_set_object_arg (G_OBJECT (element_.get ()), name, value);
  }
  template <class T>
  T get (const char *name)
  {
    T value{};
    g_object_get (element_.get (), name, &value, nullptr);
    return value;
  }
  Owned<GstStructure> stats ()
  {
    return Owned<GstStructure> (get<GstStructure *> ("stats"));
  }

  void add (gpointer extension)
  {
    g_signal_emit_by_name (element_.get (), "add-extension", extension);
  }
  void clear () { g_signal_emit_by_name (element_.get (), "clear-extensions"); }

  void caps (const std::string &caps = image_caps)
  {
    gst_harness_set_src_caps_str (harness_, caps.c_str ());
  }
  // What downstream takes.
  void downstream (const std::string &caps)
  {
    gst_harness_set_sink_caps_str (harness_, caps.c_str ());
  }
  bool event (GstEvent *event)
  {
    return gst_harness_push_event (harness_, event) != FALSE;
  }
  bool upstream_event (GstEvent *event)
  {
    return gst_harness_push_upstream_event (harness_, event) != FALSE;
  }
  void segment (GstClockTime start, GstClockTime time, double rate = 1)
  {
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    segment.start = segment.position = start;
    segment.time = time;
    segment.rate = rate;
    fail_unless (event (gst_event_new_segment (&segment)));
  }
  void collide (guint ssrc, gint64 suggested = -1)
  {
    GstStructure *what = gst_structure_new (
        "GstRTPCollision", "ssrc", G_TYPE_UINT, ssrc, nullptr);
    if (suggested >= 0)
      gst_structure_set (what, "suggested-ssrc", G_TYPE_UINT,
          static_cast<guint> (suggested), nullptr);
    fail_unless (upstream_event (
        gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, what)));
  }
  void state (GstState state)
  {
    fail_unless (gst_element_set_state (element_.get (), state) ==
                 GST_STATE_CHANGE_SUCCESS);
  }
  // Down to a state, `change`, up again.
  void restart (
      const std::function<void ()> &change = {}, GstState down = GST_STATE_NULL)
  {
    state (down);
    if (change) change ();
    gst_element_set_bus (element_.get (), bus_.get ());
    state (GST_STATE_PLAYING);
    jump ();
    note ("restart");
    event (gst_event_new_stream_start ("again"));
    caps ();
  }

  static Owned<GstBuffer> frame (GstClockTime pts, const Bytes &bytes = image)
  {
    Owned<GstBuffer> out = test::buffer (bytes);
    GST_BUFFER_PTS (out.get ()) = pts;
    return out;
  }
  GstFlowReturn flow (Owned<GstBuffer> buffer)
  {
    GstFlowReturn flow = gst_harness_push (harness_, buffer.release ());
    note (line ("flow %s", gst_flow_get_name (flow)));
    return flow;
  }
  // A frame that arrives whole.
  Packets push (Owned<GstBuffer> buffer)
  {
    Bytes scan = scan_of (test::bytes_of (buffer.get ()));
    fail_unless_equals_int (flow (std::move (buffer)), GST_FLOW_OK);
    Packets packets = take ();
    check_frame (packets, scan);
    check_state (packets.back ());
    return packets;
  }
  Packets push (GstClockTime pts) { return push (frame (pts)); }
  GstClockTime next_pts () { return pts_ += GST_SECOND / 25; }

  // What has arrived since the last time.
  Packets take ()
  {
    while (GstBuffer *buffer = gst_harness_try_pull (harness_))
      gst_buffer_unref (buffer);
    return std::exchange (packets_, {});
  }

  void check_frame (const Packets &packets, const Bytes &scan)
  {
    fail_if (packets.empty ());
    Bytes arrived;
    for (std::size_t i = 0; i < packets.size (); i++) {
      const Packet &packet = packets[i];
      bool last = i + 1 == packets.size ();
      fail_unless (packet.marker == last, "marker of packet %zu", i);
      fail_unless (
          ((packet.flags & GST_BUFFER_FLAG_MARKER) != 0) == packet.marker);
      fail_unless (
          packet.pt == packets[0].pt && packet.ssrc == packets[0].ssrc);
      fail_unless (packet.rtptime == packets[0].rtptime);
      fail_unless (packet.csrc == packets[0].csrc);
      fail_unless (packet.pts == packets[0].pts);
      fail_unless (next_seq_ < 0 || packet.seq == next_seq_,
          "packet %zu has sequence number %u, not %d", i, packet.seq,
          next_seq_);
      next_seq_ = static_cast<guint16> (packet.seq + 1);

      std::size_t header = main_header + (i == 0 ? table_header : 0);
      fail_unless (packet.payload.size () > header);
      fail_unless (number (std::span (packet.payload).subspan (1, 3)) ==
                   arrived.size ());
      arrived.insert (arrived.end (),
          packet.payload.begin () + static_cast<std::ptrdiff_t> (header),
          packet.payload.end ());
    }
    fail_unless (arrived == scan, "the scan is another one");
  }

  // The properties tell of the last packet.
  void check_state (const Packet &last)
  {
    fail_unless_equals_int (static_cast<int> (get<guint> ("seqnum")), last.seq);
    fail_unless_equals_uint64 (get<guint> ("timestamp"), last.rtptime);
    auto now = stats ();
    guint seqnum = 0;
    guint timestamp = 0;
    fail_unless (gst_structure_get (now.get (), "seqnum", G_TYPE_UINT, &seqnum,
        "timestamp", G_TYPE_UINT, &timestamp, nullptr));
    fail_unless (seqnum == last.seq && timestamp == last.rtptime);
    note_state ();
  }
  void note_state ()
  {
    std::string text = "state";
    if (!masked_)
      text += line (" seqnum %u timestamp %u,", get<guint> ("seqnum"),
          get<guint> ("timestamp"));
    auto now = stats ();
    const char *const always[] = {"clock-rate", "running-time", "pt"};
    const char *const known[] = {
        "ssrc", "seqnum", "timestamp", "seqnum-offset", "timestamp-offset"};
    for (const char *name : always) text += field (now.get (), name);
    if (!masked_)
      for (const char *name : known) text += field (now.get (), name);
    note (text);
  }

  // All events so far, by name.
  [[nodiscard]] const std::vector<std::string> &events () const
  {
    return events_;
  }
  void check_start () const
  {
    fail_unless (events_ == std::vector<std::string> (
                                {"stream-start", "caps", "segment"}));
  }
  GstStructure *src_caps ()
  {
    caps_.reset (gst_pad_get_current_caps (harness_->sinkpad));
    fail_unless (caps_ != nullptr);
    return gst_caps_get_structure (caps_.get (), 0);
  }
  guint caps_uint (const char *name)
  {
    guint value = 0;
    fail_unless (
        gst_structure_get_uint (src_caps (), name, &value), "%s", name);
    return value;
  }
  std::string caps_string (const char *name)
  {
    const gchar *value = gst_structure_get_string (src_caps (), name);
    return value != nullptr ? value : "";
  }
  Owned<GstMessage> message (GstMessageType types)
  {
    return Owned<GstMessage> (gst_bus_pop_filtered (bus_.get (), types));
  }

  // Packets from the n-th on come back with this.
  void refuse_from (int n, GstFlowReturn flow)
  {
    refuse_from_ = n;
    refusal_ = flow;
  }
  // Called when downstream gets packet n.
  void at_packet (int n, std::function<void ()> what)
  {
    at_packet_ = n;
    what_ = std::move (what);
  }
  std::function<void ()> at_notify;

  GstElement *element () { return element_.get (); }
  GstHarness *harness () { return harness_; }
  Trace take_trace () { return std::exchange (trace_, {}); }

private:
  static std::string field (const GstStructure *of, const char *name)
  {
    const GValue *value = gst_structure_get_value (of, name);
    fail_unless (value != nullptr, "no %s", name);
    Owned<gchar> text{gst_value_serialize (value)};
    return line (" %s (%s) %s", name, G_VALUE_TYPE_NAME (value), text.get ());
  }

  static void on_notify (GObject *, GParamSpec *pspec, Subject *self)
  {
    self->note (line ("notify::%s", pspec->name));
    if (self->at_notify) self->at_notify ();
  }

  static GstPadProbeReturn on_data (
      GstPad *, GstPadProbeInfo *info, gpointer data)
  {
    auto *self = static_cast<Subject *> (data);
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0)
      self->note (line ("list of %u",
          gst_buffer_list_length (gst_pad_probe_info_get_buffer_list (info))));
    else if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
      return self->on_packet (info);
    else
      self->on_event (gst_pad_probe_info_get_event (info));
    return GST_PAD_PROBE_OK;
  }

  GstPadProbeReturn on_packet (GstPadProbeInfo *info)
  {
    GstBuffer *buffer = gst_pad_probe_info_get_buffer (info);
    if (refuse_from_ >= 0 && refuse_from_-- == 0) {
      refuse_from_ = 0;
      gst_buffer_unref (buffer);
      info->data = nullptr;
      GST_PAD_PROBE_INFO_FLOW_RETURN (info) = refusal_;
      return GST_PAD_PROBE_HANDLED;
    }
    Packet packet = packet_of (buffer);
    std::string text = line ("packet pt %u marker %d pts %" G_GUINT64_FORMAT
                             " flags %x metas %s, extension %s",
        packet.pt, packet.marker, packet.pts, packet.flags,
        packet.metas.c_str (), hex_of (packet.extension).c_str ());
    for (guint32 csrc : packet.csrc) text += line (" csrc %x", csrc);
    if (!masked_)
      text +=
          line (", %u at %u of %x", packet.seq, packet.rtptime, packet.ssrc);
    if (whole_) text += ": " + hex_of (packet.payload);
    note (text);
    packets_.push_back (std::move (packet));
    if (what_ && at_packet_-- == 0) std::exchange (what_, {}) ();
    return GST_PAD_PROBE_OK;
  }

  void on_event (GstEvent *event)
  {
    std::string text = GST_EVENT_TYPE_NAME (event);
    events_.push_back (text);
    if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
      GstCaps *caps = nullptr;
      gst_event_parse_caps (event, &caps);
      Owned<GstCaps> copy{gst_caps_copy (caps)};
      if (masked_)
        gst_structure_remove_fields (gst_caps_get_structure (copy.get (), 0),
            "ssrc", "seqnum-offset", "timestamp-offset", nullptr);
      Owned<gchar> fields{gst_caps_to_string (copy.get ())};
      text += std::string (" ") + fields.get ();
    } else if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
      const GstSegment *segment = nullptr;
      gst_event_parse_segment (event, &segment);
      text += line (" format %d rate %g applied %g base %" G_GUINT64_FORMAT
                    " start %" G_GUINT64_FORMAT " stop %" G_GUINT64_FORMAT
                    " time %" G_GUINT64_FORMAT,
          segment->format, segment->rate, segment->applied_rate, segment->base,
          segment->start, segment->stop, segment->time);
    } else if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START) {
      const gchar *id = nullptr;
      gst_event_parse_stream_start (event, &id);
      // The first one is the harness's.
      text += g_str_equal (id, "again") ? " again" : "";
    }
    note (text);
  }

  Setup setup_;
  Owned<GstElement> element_;
  Owned<GstBus> bus_;
  GstHarness *harness_ = nullptr;
  Owned<GstCaps> caps_;
  GstClockTime pts_ = 0;
  bool masked_ = false;
  bool whole_ = true;
  int next_seq_ = -1;
  int refuse_from_ = -1;
  GstFlowReturn refusal_ = GST_FLOW_OK;
  int at_packet_ = -1;
  std::function<void ()> what_;
  std::vector<std::string> events_;
  Packets packets_;
  Trace trace_;
};

constexpr guint32 clock_rate = 90000;
constexpr guint32 default_ssrc = 305419896;

struct Row
{
  const char *name;
  // Makes a payloader, and asserts. What it leaves in the trace is that of
  // stock.
  Trace (*run) (const Setup &);
};

}  // namespace

// The cases of GStreamer's test program for the base class.
namespace base_cases {
namespace {

Trace buffer (const Setup &setup)
{
  Subject s (setup, {{"perfect-rtptime", "false"}});
  s.caps ();
  Packets first = s.push (0);
  Packets second = s.push (GST_SECOND);
  fail_unless (second[0].rtptime == first[0].rtptime + clock_rate);
  fail_unless (first[0].pts == 0 && second[0].pts == GST_SECOND);
  s.check_start ();
  const std::string media = gst_structure_get_name (s.src_caps ());
  fail_unless (media == "application/x-rtp");
  return s.take_trace ();
}

Trace buffer_list (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  Bytes other = noise (seed + 1);
  GstClockTime pts = 0;
  guint32 rtptime = 0;
  for (int frames : {1, 3, 7}) {
    GstBufferList *list = gst_buffer_list_new ();
    for (int i = 0; i < frames; i++)
      gst_buffer_list_add (list,
          Subject::frame (pts + static_cast<GstClockTime> (i) * GST_SECOND,
              i % 2 == 0 ? image : other)
              .release ());
    fail_unless_equals_int (
        gst_pad_push_list (s.harness ()->srcpad, list), GST_FLOW_OK);
    Packets packets = s.take ();
    auto begin = packets.begin ();
    for (int i = 0; i < frames; i++) {
      auto last = std::find_if (begin, packets.end (),
          [] (const Packet &packet) { return packet.marker; });
      fail_if (last == packets.end ());
      Packets frame (begin, last + 1);
      s.check_frame (frame, scan_of (i % 2 == 0 ? image : other));
      fail_unless (frame[0].pts == pts);
      fail_unless (pts == 0 || frame[0].rtptime == rtptime + clock_rate);
      rtptime = frame[0].rtptime;
      pts += GST_SECOND;
      begin = last + 1;
    }
    fail_unless (begin == packets.end ());
    s.check_state (packets.back ());
  }
  s.check_start ();
  return s.take_trace ();
}

Owned<GstBuffer> at_offset (GstClockTime pts, guint64 offset)
{
  Owned<GstBuffer> frame = Subject::frame (pts);
  GST_BUFFER_OFFSET (frame.get ()) = offset;
  return frame;
}

Trace normal_rtptime (const Setup &setup)
{
  Subject s (setup, {{"perfect-rtptime", "false"}});
  s.caps ();
  guint32 first = s.push (at_offset (0, GST_BUFFER_OFFSET_NONE))[0].rtptime;
  guint32 second =
      s.push (at_offset (GST_SECOND, GST_BUFFER_OFFSET_NONE))[0].rtptime;
  fail_unless (second == first + clock_rate);
  guint32 third = s.push (at_offset (2 * GST_SECOND, 7))[0].rtptime;
  fail_unless (third == first + 2 * clock_rate);
  s.check_start ();
  return s.take_trace ();
}

// Packets of JPEG have no offsets: times follow from pts and, without one, stay
// what they were.
Trace perfect_rtptime (const Setup &setup)
{
  Subject s (setup, {{"perfect-rtptime", "true"}});
  s.caps ();
  guint32 first = s.push (at_offset (0, 0))[0].rtptime;
  fail_unless (
      s.push (at_offset (GST_CLOCK_TIME_NONE, 21))[0].rtptime == first);
  fail_unless (
      s.push (at_offset (GST_SECOND, 42))[0].rtptime == first + clock_rate);
  s.check_start ();
  return s.take_trace ();
}

Trace no_pts_no_offset (const Setup &setup)
{
  Subject s (setup, {{"timestamp-offset", "66"}});
  s.caps ();
  fail_unless (s.push (0)[0].rtptime == 66);
  fail_unless (s.push (GST_SECOND)[0].rtptime == 66 + clock_rate);
  Packets without = s.push (GST_CLOCK_TIME_NONE);
  fail_unless (without[0].rtptime == 66 + clock_rate);
  fail_unless (without[0].pts == GST_CLOCK_TIME_NONE);
  s.check_start ();
  return s.take_trace ();
}

constexpr const char *special_caps =
    "application/x-rtp,payload=98,ssrc=(uint)24,timestamp-offset=(uint)212,"
    "seqnum-offset=(uint)2424";

Trace downstream_caps (const Setup &setup)
{
  Subject s (setup, {}, Offsets::free);
  s.downstream (special_caps);
  s.caps ();
  Packet packet = s.push (0)[0];
  fail_unless (packet.seq == 2424 && packet.pt == 98 && packet.ssrc == 24 &&
               packet.rtptime == 212);
  s.check_start ();
  return s.take_trace ();
}

Trace ssrc_collision (const Setup &setup)
{
  Subject s (setup, {{"ssrc", "16962"}});
  s.mask ();
  s.caps ();
  fail_unless (s.push (0)[0].ssrc == 0x4242);
  s.collide (0x4242, 0x4343);
  fail_unless (s.push (GST_SECOND)[0].ssrc == 0x4343);
  fail_unless (s.caps_uint ("ssrc") == 0x4343);
  s.collide (0x4343);
  guint32 ssrc = s.push (2 * GST_SECOND)[0].ssrc;
  fail_unless (ssrc != 0x4343 && s.caps_uint ("ssrc") == ssrc);
  fail_unless (s.events ().size () == 5);
  fail_unless (s.events ()[3] == "caps" && s.events ()[4] == "caps");
  // Somebody else's does not matter, and goes on upstream.
  guint before = gst_harness_upstream_events_received (s.harness ());
  s.collide (ssrc + 1, 5);
  fail_unless (s.push (3 * GST_SECOND)[0].ssrc == ssrc);
  fail_unless (
      gst_harness_upstream_events_received (s.harness ()) == before + 1);
  return s.take_trace ();
}

Trace reconfigure (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  Packet before = s.push (0)[0];
  guint received = gst_harness_upstream_events_received (s.harness ());
  fail_unless (s.upstream_event (gst_event_new_reconfigure ()));
  fail_unless (
      gst_harness_upstream_events_received (s.harness ()) == received + 1);
  Packet after = s.push (GST_SECOND)[0];
  fail_unless (after.ssrc == before.ssrc && after.pt == before.pt);
  return s.take_trace ();
}

bool is_filled (Subject &s, guint size, GstClockTime duration)
{
  return gst_rtp_base_payload_is_filled (
             GST_RTP_BASE_PAYLOAD (s.element ()), size, duration) != FALSE;
}

Trace property_mtu (const Setup &setup)
{
  Subject s (setup, {}, Offsets::fixed);
  auto mtu = s.get<guint> ("mtu");
  for (guint now : {mtu, mtu - 1, 28u, G_MAXUINT - 1}) {
    s.set ("mtu", std::to_string (now).c_str ());
    fail_unless (s.get<guint> ("mtu") == now);
    fail_if (is_filled (s, now - 1, GST_CLOCK_TIME_NONE));
    fail_if (is_filled (s, now, GST_CLOCK_TIME_NONE));
    fail_unless (is_filled (s, now + 1, GST_CLOCK_TIME_NONE));
  }
  s.set ("mtu", "4294967295");
  fail_if (is_filled (s, G_MAXUINT, GST_CLOCK_TIME_NONE));

  // All packets but the last have this size.
  s.caps ();
  for (guint now : {mtu, mtu - 1, 157u, 1000u, 65507u, G_MAXUINT}) {
    s.set ("mtu", std::to_string (now).c_str ());
    Packets packets = s.push (0);
    for (const Packet &packet : packets)
      fail_unless (packet.marker ? packet.bytes.size () <= now
                                 : packet.bytes.size () == now);
  }
  return s.take_trace ();
}

Trace property_pt (const Setup &setup)
{
  Subject s (setup);
  fail_unless_equals_int (static_cast<int> (s.get<guint> ("pt")), 26);
  s.caps ();
  fail_unless (s.push (0)[0].pt == 26);
  for (guint pt : {27u, 0u, 127u}) {
    s.set ("pt", std::to_string (pt).c_str ());
    fail_unless (s.get<guint> ("pt") == pt);
    fail_unless (s.push (GST_SECOND)[0].pt == pt);
  }
  s.check_start ();
  return s.take_trace ();
}

Trace property_ssrc (const Setup &setup)
{
  Subject s (setup, {}, Offsets::free);
  s.mask ();
  fail_unless (s.get<guint> ("ssrc") == G_MAXUINT32);
  s.caps ();
  guint32 chosen = s.push (0)[0].ssrc;
  fail_unless (s.push (GST_SECOND)[0].ssrc == chosen);
  // Takes effect from READY to PAUSED.
  s.set ("ssrc", "5");
  fail_unless (s.push (2 * GST_SECOND)[0].ssrc == chosen);
  for (guint32 ssrc : {0x4242u, 0u, G_MAXUINT32}) {
    s.restart ([&s, ssrc] { s.set ("ssrc", std::to_string (ssrc).c_str ()); });
    fail_unless (s.get<guint> ("ssrc") == ssrc);
    fail_unless (s.push (3 * GST_SECOND)[0].ssrc == ssrc);
  }
  fail_unless (s.events ().size () == 12);
  return s.take_trace ();
}

Trace property_timestamp_offset (const Setup &setup)
{
  Subject s (setup, {}, Offsets::free);
  s.mask ();
  fail_unless (s.get<guint> ("timestamp-offset") == G_MAXUINT32);
  s.caps ();
  guint32 first = s.push (0)[0].rtptime;
  s.set ("timestamp-offset", "66");
  fail_unless (s.push (GST_SECOND)[0].rtptime == first + clock_rate);
  for (guint32 offset : {0x4242u, 0u, G_MAXUINT32}) {
    s.restart ([&s, offset] {
      s.set ("timestamp-offset", std::to_string (offset).c_str ());
    });
    fail_unless (s.get<guint> ("timestamp-offset") == offset);
    fail_unless (s.push (2 * GST_SECOND)[0].rtptime == offset + 2 * clock_rate);
    fail_unless (s.push (3 * GST_SECOND)[0].rtptime == offset + 3 * clock_rate);
  }
  return s.take_trace ();
}

Trace property_seqnum_offset (const Setup &setup)
{
  Subject s (setup, {}, Offsets::free);
  s.mask ();
  fail_unless_equals_int (s.get<gint> ("seqnum-offset"), -1);
  s.caps ();
  s.push (0);
  s.set ("seqnum-offset", "66");
  s.push (GST_SECOND);
  for (int offset : {0x4242, -1, 65535, 0}) {
    s.restart ([&s, offset] {
      s.set ("seqnum-offset", std::to_string (offset).c_str ());
    });
    fail_unless_equals_int (s.get<gint> ("seqnum-offset"), offset);
    Packets packets = s.push (2 * GST_SECOND);
    if (offset >= 0) fail_unless_equals_int (packets[0].seq, offset);
    s.push (3 * GST_SECOND);
  }
  return s.take_trace ();
}

Trace property_max_ptime (const Setup &setup)
{
  Subject s (setup);
  auto mtu = s.get<guint> ("mtu");
  fail_unless (s.get<gint64> ("max-ptime") == -1);
  auto unlimited = [&s, mtu] {
    return !is_filled (s, mtu, G_MAXINT64 - 1) &&
           is_filled (s, mtu + 1, G_MAXINT64 - 1);
  };
  fail_unless (unlimited ());
  s.set ("max-ptime", "1000000000");
  fail_unless (s.get<gint64> ("max-ptime") == GST_SECOND);
  fail_if (is_filled (s, mtu, GST_SECOND - 1));
  fail_unless (is_filled (s, mtu, GST_SECOND));
  fail_unless (is_filled (s, mtu + 1, GST_SECOND - 1));
  // A frame of video is not cut by it.
  s.caps ();
  s.push (0);
  s.push (3 * GST_SECOND);
  s.set ("max-ptime", "-1");
  fail_unless (unlimited ());
  g_object_set (s.element (), "max-ptime", G_MAXINT64, nullptr);
  fail_unless (s.get<gint64> ("max-ptime") == G_MAXINT64);
  fail_unless (is_filled (s, mtu, G_MAXINT64));
  return s.take_trace ();
}

// Properties that are kept, and do nothing to a video.
Trace kept (const Setup &setup, const char *name)
{
  Subject s (setup);
  s.caps ();
  fail_unless (s.get<gint64> (name) == 0);
  for (gint64 value : {gint64{1}, gint64{42}, gint64{0}, gint64{G_MAXINT64}}) {
    g_object_set (s.element (), name, value, nullptr);
    fail_unless (s.get<gint64> (name) == value);
    s.push (GST_SECOND);
  }
  return s.take_trace ();
}

Trace property_min_ptime (const Setup &setup)
{
  return kept (setup, "min-ptime");
}

Trace property_timestamp (const Setup &setup)
{
  Subject s (setup, {{"timestamp-offset", "0"}});
  s.caps ();
  s.push (0);
  fail_unless (s.get<guint> ("timestamp") == 0);
  fail_unless (s.push (GST_SECOND)[0].rtptime == clock_rate);
  fail_unless (s.get<guint> ("timestamp") == clock_rate);
  s.check_start ();
  return s.take_trace ();
}

Trace property_seqnum (const Setup &setup)
{
  Subject s (setup, {{"seqnum-offset", "0"}});
  s.caps ();
  std::size_t sent = 0;
  for (guint i = 0; i < 2; i++) {
    sent += s.push (i * GST_SECOND).size ();
    fail_unless (s.get<guint> ("seqnum") == sent - 1);
  }
  s.check_start ();
  return s.take_trace ();
}

Trace property_perfect_rtptime (const Setup &setup)
{
  Subject s (setup, {{"timestamp-offset", "0"}});
  s.caps ();
  GstClockTime pts = 0;
  for (const char *perfect : {"false", "true"}) {
    s.set ("perfect-rtptime", perfect);
    fail_unless (
        s.get<gboolean> ("perfect-rtptime") == g_str_equal (perfect, "true"));
    for (guint64 offset : {31u, 67u}) {
      fail_unless (s.push (at_offset (pts, offset))[0].rtptime ==
                   pts / GST_SECOND * clock_rate);
      pts += GST_SECOND;
    }
  }
  s.check_start ();
  return s.take_trace ();
}

Trace property_ptime_multiple (const Setup &setup)
{
  return kept (setup, "ptime-multiple");
}

void check_stats (
    Subject &s, guint64 running_time, std::size_t seqnum, guint timestamp)
{
  auto stats = s.stats ();
  fail_unless (
      gst_structure_has_name (stats.get (), "application/x-rtp-payload-stats"));
  guint rate = 0;
  guint64 time = 0;
  guint last = 0;
  guint stamp = 0;
  fail_unless (gst_structure_get (stats.get (), "clock-rate", G_TYPE_UINT,
      &rate, "running-time", G_TYPE_UINT64, &time, "seqnum", G_TYPE_UINT, &last,
      "timestamp", G_TYPE_UINT, &stamp, nullptr));
  fail_unless (rate == clock_rate);
  fail_unless_equals_uint64 (time, running_time);
  fail_unless_equals_uint64 (last, seqnum);
  fail_unless_equals_uint64 (stamp, timestamp);
}

// With perfect-rtptime the running time counts the clock rate.
Trace property_stats (const Setup &setup)
{
  Subject s (setup, {{"seqnum-offset", "0"}, {"timestamp-offset", "0"}});
  s.note_state ();
  s.caps ();
  std::size_t sent = s.push (0).size ();
  check_stats (s, 0, sent - 1, 0);
  sent += s.push (GST_SECOND).size ();
  check_stats (s, clock_rate, sent - 1, clock_rate);
  s.restart ([&s] { s.set ("perfect-rtptime", "false"); });
  s.note_state ();
  sent = s.push (2 * GST_SECOND).size ();
  check_stats (s, 2 * GST_SECOND, sent - 1, 2 * clock_rate);
  sent += s.push (3 * GST_SECOND).size ();
  check_stats (s, 3 * GST_SECOND, sent - 1, 3 * clock_rate);
  return s.take_trace ();
}

Owned<GstBuffer> with_sources (
    GstClockTime pts, std::vector<guint32> csrc, bool has_ssrc)
{
  Owned<GstBuffer> frame = Subject::frame (pts);
  const guint32 ssrc = 0x33;
  fail_unless (
      gst_buffer_add_rtp_source_meta (frame.get (), has_ssrc ? &ssrc : nullptr,
          csrc.data (), static_cast<guint> (csrc.size ())) != nullptr);
  return frame;
}

Trace property_source_info (const Setup &setup)
{
  using List = std::vector<guint32>;
  Subject s (setup);
  s.sizes_differ ();
  fail_if (s.get<gboolean> ("source-info"));
  s.caps ();
  auto csrc = [&s] (Owned<GstBuffer> frame) {
    Packets packets = s.push (std::move (frame));
    for (const Packet &packet : packets)
      fail_unless (packet.metas.find ("Source") == std::string::npos);
    return packets[0].csrc;
  };
  s.set ("source-info", "true");
  fail_unless (csrc (Subject::frame (0)).empty ());
  // The source itself is the last one.
  fail_unless (
      csrc (with_sources (0, {0x11, 0x22}, true)) == List ({0x11, 0x22, 0x33}));
  fail_unless (csrc (with_sources (0, {0x11}, false)) == List ({0x11}));
  fail_unless (csrc (with_sources (0, {}, true)) == List ({0x33}));
  s.set ("source-info", "false");
  fail_unless (csrc (with_sources (0, {0x11, 0x22}, true)).empty ());
  return s.take_trace ();
}

Trace framerate_attribute (const Setup &setup)
{
  Subject s (setup);
  s.caps ("video/x-jpeg,width=64,height=32,framerate=1/4");
  s.push (0);
  s.check_start ();
  fail_unless (s.caps_string ("a-framerate") == "0.25");
  return s.take_trace ();
}

Trace max_framerate_attribute (const Setup &setup)
{
  Subject s (setup);
  s.caps ("video/x-jpeg,width=64,height=32,framerate=0/1,max-framerate=1/8");
  s.push (0);
  s.check_start ();
  fail_unless (s.caps_string ("a-framerate") == "0.125");
  return s.take_trace ();
}

Trace segment_time (const Setup &setup)
{
  Trace all;
  for (const Properties &properties :
      {Properties{{"onvif-no-rate-control", "true"}},
          Properties{{"scale-rtptime", "false"}}}) {
    Subject s (setup, properties);
    s.set ("timestamp-offset", "0");
    s.restart ();
    s.segment (0, 10 * GST_SECOND, 2);
    for (guint32 i = 0; i < 4; i++)
      fail_unless (s.push (i * GST_SECOND)[0].rtptime == (10 + i) * clock_rate);
    append (all, s.take_trace ());
  }
  return all;
}

Trace with_counters (const Setup &setup,
    const std::vector<std::pair<guint, GstRTPHeaderExtensionFlags>> &counters,
    const char *bits)
{
  Subject s (setup);
  s.sizes_differ ();
  std::vector<Owned<Counter>> extensions;
  for (const auto &[id, flags] : counters) {
    extensions.push_back (new_counter (id, 1, flags));
    s.add (extensions.back ().get ());
  }
  s.caps ();
  std::size_t sent = 0;
  for (int i = 0; i < 2; i++) {
    for (const Packet &packet : s.push (0)) {
      sent++;
      fail_unless (hex_of (packet.extension).substr (0, 4) == bits);
    }
    for (const auto &extension : extensions)
      fail_unless_equals_uint64 (extension->writes, sent);
  }
  s.check_start ();
  for (const auto &extension : extensions)
    fail_unless (s.caps_string (line ("extmap-%u",
                     gst_rtp_header_extension_get_id (&extension->parent))
                                    .c_str ()) == counter_uri);
  return s.take_trace ();
}

Trace one_byte_hdr_ext (const Setup &setup)
{
  return with_counters (
      setup, {{1, GST_RTP_HEADER_EXTENSION_ONE_BYTE}}, "bede");
}

Trace two_byte_hdr_ext (const Setup &setup)
{
  return with_counters (
      setup, {{1, GST_RTP_HEADER_EXTENSION_TWO_BYTE}}, "1000");
}

Trace clear_extensions (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  s.add (counter.get ());
  s.caps ();
  guint sent = static_cast<guint> (s.push (0).size ());
  s.clear ();
  for (const Packet &packet : s.push (GST_SECOND))
    fail_unless (packet.extension.empty ());
  fail_unless_equals_int (
      static_cast<int> (counter->writes), static_cast<int> (sent));
  s.check_start ();
  return s.take_trace ();
}

Trace multiple_exts (const Setup &setup)
{
  return with_counters (
      setup, {{1, one_or_two_bytes}, {2, one_or_two_bytes}}, "bede");
}

const std::string extension_caps =
    std::string (special_caps) + ",extmap-4=" + counter_uri;

Trace caps_request (const Setup &setup)
{
  Subject s (setup, {}, Offsets::free);
  s.sizes_differ ();
  s.downstream (extension_caps);
  Owned<Counter> counter = new_counter (4);
  g_signal_connect (s.element (), "request-extension",
      G_CALLBACK (+[] (GstElement *, guint id, const gchar *uri,
                       Counter *mine) -> GstRTPHeaderExtension * {
        fail_unless (id == 4 && g_str_equal (uri, counter_uri));
        return GST_RTP_HEADER_EXTENSION (gst_object_ref (mine));
      }),
      counter.get ());
  s.caps ();
  std::size_t sent = s.push (0).size ();
  s.check_start ();
  fail_unless_equals_uint64 (counter->writes, sent);
  fail_unless_equals_uint64 (counter->attributes, 1);
  return s.take_trace ();
}

Trace caps_request_ignored (const Setup &setup)
{
  Subject s (setup, {}, Offsets::free);
  s.downstream (extension_caps);
  guint requests = 0;
  g_signal_connect (s.element (), "request-extension",
      G_CALLBACK (+[] (GstElement *, guint, const gchar *,
                       guint *count) -> GstRTPHeaderExtension * {
        (*count)++;
        return nullptr;
      }),
      &requests);
  s.caps ();
  for (const Packet &packet : s.push (0))
    fail_unless (packet.extension.empty ());
  fail_unless_equals_uint64 (requests, 1);
  s.check_start ();
  return s.take_trace ();
}

Trace extensions_in_output_caps (const Setup &setup)
{
  return with_counters (
      setup, {{14, GST_RTP_HEADER_EXTENSION_TWO_BYTE}}, "1000");
}

// The element must leave room for 5 bytes, of which 4 are not sent.
Trace extensions_shrink_ext_data (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter =
      new_counter (1, 5, GST_RTP_HEADER_EXTENSION_ONE_BYTE);
  counter->written = one_byte;
  s.add (counter.get ());
  s.caps ();
  Packets packets = s.push (0);
  for (std::size_t i = 0; i < packets.size (); i++)
    fail_unless (
        hex_of (packets[i].extension) == line ("bede000110%02zx0000", i + 1));
  s.check_start ();
  fail_unless_equals_uint64 (counter->writes, packets.size ());
  return s.take_trace ();
}

bool has_extensions_property (Subject &s)
{
  bool has = g_object_class_find_property (
                 G_OBJECT_GET_CLASS (s.element ()), "extensions") != nullptr;
  s.note (has ? "property extensions" : "no property extensions");
  return has;
}

// The property came with 1.24; the caps say the same in all versions.
Trace extensions_get_enabled (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  s.add (counter.get ());
  if (has_extensions_property (s)) {
    GValue value = G_VALUE_INIT;
    g_object_get_property (G_OBJECT (s.element ()), "extensions", &value);
    fail_unless (gst_value_array_get_size (&value) == 1);
    fail_unless (g_value_get_object (gst_value_array_get_value (&value, 0)) ==
                 counter.get ());
    g_value_unset (&value);
  }
  s.caps ();
  fail_unless (s.caps_string ("extmap-1") == counter_uri);
  s.push (0);
  return s.take_trace ();
}

Trace extensions_notify_on_change (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  bool has = has_extensions_property (s);
  guint notified = 0;
  g_signal_connect (s.element (), "notify::extensions",
      G_CALLBACK (+[] (GObject *, GParamSpec *, guint *count) { (*count)++; }),
      &notified);
  s.caps ();
  s.add (counter.get ());
  fail_unless (notified == (has ? 1 : 0));
  s.push (0);
  s.clear ();
  fail_unless (notified == (has ? 2 : 0));
  s.push (0);
  return s.take_trace ();
}

const Row rows[] = {
    {"buffer", buffer},
    {"buffer_list", buffer_list},
    {"normal_rtptime", normal_rtptime},
    {"perfect_rtptime", perfect_rtptime},
    {"no_pts_no_offset", no_pts_no_offset},
    {"downstream_caps", downstream_caps},
    {"ssrc_collision", ssrc_collision},
    {"reconfigure", reconfigure},
    {"property_mtu", property_mtu},
    {"property_pt", property_pt},
    {"property_ssrc", property_ssrc},
    {"property_timestamp_offset", property_timestamp_offset},
    {"property_seqnum_offset", property_seqnum_offset},
    {"property_max_ptime", property_max_ptime},
    {"property_min_ptime", property_min_ptime},
    {"property_timestamp", property_timestamp},
    {"property_seqnum", property_seqnum},
    {"property_perfect_rtptime", property_perfect_rtptime},
    {"property_ptime_multiple", property_ptime_multiple},
    {"property_stats", property_stats},
    {"property_source_info", property_source_info},
    {"framerate_attribute", framerate_attribute},
    {"max_framerate_attribute", max_framerate_attribute},
    {"segment_time", segment_time},
    {"one_byte_hdr_ext", one_byte_hdr_ext},
    {"two_byte_hdr_ext", two_byte_hdr_ext},
    {"clear_extensions", clear_extensions},
    {"multiple_exts", multiple_exts},
    {"caps_request", caps_request},
    {"caps_request_ignored", caps_request_ignored},
    {"extensions_in_output_caps", extensions_in_output_caps},
    {"extensions_shrink_ext_data", extensions_shrink_ext_data},
    {"extensions_get_enabled", extensions_get_enabled},
    {"extensions_notify_on_change", extensions_notify_on_change},
};

}  // namespace
}  // namespace base_cases

// What changes between two frames: sequence numbers go on as in stock.
namespace changes {
namespace {

using base_cases::special_caps;
using base_cases::with_sources;

// A few frames, each with a time of its own.
void push_some (Subject &s, int count = 2)
{
  for (int i = 0; i < count; i++) s.push (s.next_pts ());
}

Trace extension_added (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> first = new_counter (1);
  Owned<Counter> second = new_counter (2);
  s.caps ();
  push_some (s);
  s.add (first.get ());
  push_some (s);
  fail_unless (s.caps_string ("extmap-1") == counter_uri);
  s.add (second.get ());
  push_some (s);
  fail_unless (first->writes > second->writes && second->writes > 0);
  return s.take_trace ();
}

Trace extension_not_in_caps (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  counter->keeps_out_of_caps = true;
  s.caps ();
  push_some (s);
  s.add (counter.get ());
  for (const Packet &packet : s.push (s.next_pts ()))
    fail_if (packet.extension.empty ());
  push_some (s);
  s.clear ();
  push_some (s);
  return s.take_trace ();
}

Trace extensions_cleared_and_added (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  s.add (counter.get ());
  s.caps ();
  for (int i = 0; i < 3; i++) {
    guint before = counter->writes;
    push_some (s);
    fail_unless (counter->writes > before);
    s.clear ();
    before = counter->writes;
    push_some (s);
    fail_unless (counter->writes == before);
    s.add (counter.get ());
  }
  return s.take_trace ();
}

// Downstream asks for one that the base class makes by itself.
Trace extension_by_caps (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  s.caps ();
  push_some (s);
  s.downstream (
      "application/x-rtp,extmap-3=\"http://www.ietf.org/id/"
      "draft-holmer-rmcat-transport-wide-cc-extensions-01\"");
  // The base class has it from the second frame on.
  push_some (s, 1);
  for (const Packet &packet : s.push (s.next_pts ()))
    fail_if (packet.extension.empty ());
  push_some (s);
  s.downstream ("application/x-rtp");
  push_some (s);
  Trace trace = s.take_trace ();
  // The number in it is looked at below.
  constexpr std::string_view element = "extension bede000131";
  for (std::string &entry : trace)
    if (auto at = entry.find (element); at != std::string::npos)
      entry.erase (at + element.size (), 4);
  return trace;
}

// It writes the sequence number that the packet has then, which may be another
// than it is sent with (the base class has its own count). They must run on.
Trace stock_extension_of_numbers (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  auto numbers = stock_extension ("rtphdrexttwcc", 3);
  s.caps ();
  push_some (s);
  for (int i = 0; i < 3; i++) {
    s.add (numbers.get ());
    int difference = -1;
    for (int frame = 0; frame < 2; frame++)
      for (const Packet &packet : s.push (s.next_pts ())) {
        fail_unless (packet.extension.size () == 8);
        guint number =
            static_cast<guint> (packet.extension[5] << 8 | packet.extension[6]);
        guint distance = (packet.seq - number) & 0xffff;
        if (difference < 0) difference = static_cast<int> (distance);
        fail_unless_equals_int (static_cast<int> (distance), difference);
      }
    s.clear ();
    push_some (s);
  }
  return {};
}

// One writes when its value changes, one at the end of a frame.
Trace stock_extensions_of_some_packets (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  auto time = stock_extension ("rtphdrextntp64", 4);
  auto colours = stock_extension ("rtphdrextcolorspace", 5);
  Owned<GstCaps> reference{gst_caps_new_empty_simple ("timestamp/x-ntp")};
  s.caps (std::string (image_caps) + ",colorimetry=bt709");
  auto push = [&s, &reference] {
    Owned<GstBuffer> frame = Subject::frame (s.next_pts ());
    gst_buffer_add_reference_timestamp_meta (frame.get (), reference.get (),
        GST_BUFFER_PTS (frame.get ()), GST_CLOCK_TIME_NONE);
    return s.push (std::move (frame));
  };
  for (int i = 0; i < 3; i++) {
    push ();
    s.add (time.get ());
    fail_if (push ()[0].extension.empty ());
    s.add (colours.get ());
    fail_if (push ().back ().extension.empty ());
    push ();
    s.clear ();
  }
  return s.take_trace ();
}

Trace extension_writes_at_times (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1, 3);
  counter->written = each_its_own;
  s.caps ();
  push_some (s);
  s.add (counter.get ());
  push_some (s, 5);
  counter->written = nothing;
  for (const Packet &packet : s.push (0))
    fail_unless (packet.extension.empty ());
  s.clear ();
  push_some (s);
  return s.take_trace ();
}

Trace source_info_on_and_off (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  s.caps ();
  for (const char *on : {"false", "true", "false", "true"}) {
    s.set ("source-info", on);
    for (const std::vector<guint32> &csrc : {std::vector<guint32>{},
             std::vector<guint32>{1}, std::vector<guint32>{2, 3}})
      for (bool has_ssrc : {false, true}) {
        Packets packets = s.push (with_sources (0, csrc, has_ssrc));
        fail_unless (
            packets[0].csrc.size () ==
            (g_str_equal (on, "true") ? csrc.size () + (has_ssrc ? 1 : 0) : 0));
      }
    push_some (s, 1);
  }
  return s.take_trace ();
}

Trace source_info_and_extension (const Setup &setup)
{
  Subject s (setup, {{"source-info", "true"}});
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  s.caps ();
  for (int i = 0; i < 2; i++) {
    s.push (with_sources (0, {1, 2}, true));
    s.add (counter.get ());
    Packets packets = s.push (with_sources (0, {1, 2}, true));
    fail_unless (packets[0].csrc.size () == 3);
    fail_if (packets[0].extension.empty ());
    push_some (s);
    s.clear ();
    push_some (s);
  }
  return s.take_trace ();
}

Trace collision (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  s.caps ();
  push_some (s);
  s.collide (default_ssrc, 0x4343);
  push_some (s);
  fail_unless (s.push (0)[0].ssrc == 0x4343);
  Owned<Counter> counter = new_counter (1);
  s.add (counter.get ());
  push_some (s);
  s.collide (0x4343, 0x4444);
  fail_unless (s.push (0)[0].ssrc == 0x4444);
  s.clear ();
  fail_unless (s.push (0)[0].ssrc == 0x4444);
  return s.take_trace ();
}

Trace collision_before_the_first_frame (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  s.collide (default_ssrc, 0x4343);
  fail_unless (s.push (0)[0].ssrc == 0x4343);
  push_some (s);
  return s.take_trace ();
}

// As a session does when it gets the packet: the frame stays what it is.
Trace collision_inside_a_frame (const Setup &setup)
{
  Trace all;
  for (int at : {0, 1}) {
    Subject s (setup);
    s.caps ();
    push_some (s);
    s.at_packet (at, [&s] { s.collide (default_ssrc, 0x4343); });
    push_some (s, 3);
    fail_unless (s.push (0)[0].ssrc == 0x4343);
    append (all, s.take_trace ());
  }
  return all;
}

// Other offsets of downstream are taken; they move the sequence.
Trace renegotiation (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  push_some (s);
  s.downstream (special_caps);
  s.jump ();
  Packet packet = s.push (0)[0];
  fail_unless (packet.pt == 98 && packet.ssrc == 24 && packet.seq == 2424);
  push_some (s);
  // Not again: what was taken goes on.
  fail_unless (s.upstream_event (gst_event_new_reconfigure ()));
  push_some (s);
  s.downstream ("application/x-rtp,ssrc=(uint)25");
  fail_unless (s.push (0)[0].ssrc == 25);
  s.downstream ("application/x-rtp,payload=99");
  fail_unless (s.push (0)[0].pt == 99);
  s.downstream ("application/x-rtp,seqnum-offset=(uint)65535");
  s.jump ();
  fail_unless (s.push (0)[0].seq == 65535);
  push_some (s);
  s.downstream ("application/x-rtp,timestamp-offset=(uint)7");
  push_some (s);
  return s.take_trace ();
}

Trace renegotiation_with_extension (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  s.caps ();
  push_some (s);
  s.add (counter.get ());
  push_some (s);
  s.downstream ("application/x-rtp,seqnum-offset=(uint)9");
  s.jump ();
  fail_unless (s.push (0)[0].seq == 9);
  s.clear ();
  push_some (s);
  s.downstream ("application/x-rtp,seqnum-offset=(uint)99");
  s.jump ();
  fail_unless (s.push (0)[0].seq == 99);
  push_some (s);
  return s.take_trace ();
}

Trace downstream_refuses_for_a_while (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  push_some (s);
  s.downstream ("application/x-rtp,media=audio");
  for (int i = 0; i < 2; i++)
    fail_unless_equals_int (
        s.flow (Subject::frame (0)), GST_FLOW_NOT_NEGOTIATED);
  fail_unless (s.take ().empty ());
  s.downstream ("application/x-rtp");
  push_some (s);
  return s.take_trace ();
}

Trace sink_caps_change (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  push_some (s);
  for (const char *more : {",framerate=25/1", "", ",framerate=30/1"}) {
    s.caps (std::string (image_caps) + more);
    push_some (s);
  }
  return s.take_trace ();
}

Trace flush (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  push_some (s);
  fail_unless (s.event (gst_event_new_flush_start ()));
  fail_unless_equals_int (s.flow (Subject::frame (0)), GST_FLOW_FLUSHING);
  fail_unless (s.event (gst_event_new_flush_stop (TRUE)));
  fail_unless (s.take ().empty ());
  s.segment (0, 0);
  push_some (s);
  return s.take_trace ();
}

Trace flush_before_the_first_frame (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  fail_unless (s.event (gst_event_new_flush_start ()));
  fail_unless (s.event (gst_event_new_flush_stop (TRUE)));
  s.segment (0, 0);
  push_some (s);
  return s.take_trace ();
}

Trace flush_with_extension (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  s.caps ();
  push_some (s);
  s.add (counter.get ());
  fail_unless (s.event (gst_event_new_flush_start ()));
  fail_unless (s.event (gst_event_new_flush_stop (FALSE)));
  s.segment (0, 0);
  push_some (s);
  s.clear ();
  fail_unless (s.event (gst_event_new_flush_start ()));
  fail_unless (s.event (gst_event_new_flush_stop (FALSE)));
  s.segment (0, 0);
  push_some (s);
  return s.take_trace ();
}

Trace new_segment (const Setup &setup)
{
  Subject s (setup, {{"perfect-rtptime", "false"}, {"timestamp-offset", "0"}});
  s.caps ();
  fail_unless (s.push (4 * GST_SECOND)[0].rtptime == 4 * clock_rate);
  s.segment (3 * GST_SECOND, 50 * GST_SECOND);
  fail_unless (s.push (4 * GST_SECOND)[0].rtptime == clock_rate);
  s.segment (0, 0, 2);
  fail_unless (s.push (4 * GST_SECOND)[0].rtptime == 2 * clock_rate);
  // Outside of it.
  s.segment (10 * GST_SECOND, 0);
  fail_unless (s.push (4 * GST_SECOND)[0].rtptime == 0);
  fail_unless (s.push (11 * GST_SECOND)[0].rtptime == clock_rate);
  return s.take_trace ();
}

Trace restart_with_the_same_offsets (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  s.caps ();
  for (GstState down : {GST_STATE_READY, GST_STATE_NULL, GST_STATE_READY}) {
    fail_unless (s.push (0)[0].seq == 65530);
    push_some (s);
    s.restart ({}, down);
    fail_unless (s.push (0)[0].seq == 65530);
    push_some (s);
    s.restart ([&s, &counter] { s.add (counter.get ()); }, down);
    fail_unless (s.push (0)[0].seq == 65530);
    s.clear ();
    push_some (s);
    s.restart ({}, down);
  }
  return s.take_trace ();
}

// The next frame after PAUSED tells of its numbers again.
Trace pause (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  push_some (s);
  s.state (GST_STATE_PAUSED);
  push_some (s);
  s.state (GST_STATE_PLAYING);
  push_some (s);
  return s.take_trace ();
}

Trace gap_before_the_first_frame (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  fail_unless (s.events ().size () == 2);
  fail_unless (s.event (gst_event_new_gap (0, GST_SECOND)));
  fail_unless (s.events () == std::vector<std::string> (
                                  {"stream-start", "caps", "segment", "gap"}));
  push_some (s);
  fail_unless (s.events ().size () == 4);
  fail_unless (s.event (gst_event_new_gap (0, GST_SECOND)));
  push_some (s);
  return s.take_trace ();
}

Trace other_events (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  auto tags = [] (const char *title) {
    return gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, title, nullptr));
  };
  auto custom = [] {
    return gst_event_new_custom (
        GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("something"));
  };
  fail_unless (s.event (tags ("one")));
  fail_unless (s.event (custom ()));
  push_some (s);
  fail_unless (s.event (tags ("two")));
  fail_unless (s.event (custom ()));
  push_some (s);
  fail_unless (s.event (gst_event_new_eos ()));
  fail_unless_equals_int (s.flow (Subject::frame (0)), GST_FLOW_EOS);
  fail_unless (s.take ().empty ());
  fail_unless (s.event (gst_event_new_stream_start ("again")));
  s.caps ();
  push_some (s);
  return s.take_trace ();
}

Trace frame_is_dropped (const Setup &setup)
{
  const Bytes progressive = join ({tables ({.marker = 0xc2}), sos (), eoi});
  Subject s (setup);
  s.caps ();
  fail_unless_equals_int (
      s.flow (Subject::frame (0, progressive)), GST_FLOW_OK);
  fail_unless (s.take ().empty ());
  push_some (s);
  s.note_state ();
  fail_unless_equals_int (
      s.flow (Subject::frame (GST_SECOND, progressive)), GST_FLOW_OK);
  fail_unless (s.take ().empty ());
  s.note_state ();
  push_some (s);
  return s.take_trace ();
}

// At each place of a frame.
Trace sequence_wraps (const Setup &setup)
{
  Trace all;
  for (int offset = 65520; offset <= 65535; offset++) {
    Subject s (setup, {{"seqnum-offset", std::to_string (offset)}});
    s.caps ();
    push_some (s, 3);
    append (all, s.take_trace ());
  }
  return all;
}

Trace mtu_changes (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  for (const char *mtu : {"300", "157", "9000", "1400", "200"}) {
    s.set ("mtu", mtu);
    push_some (s);
  }
  return s.take_trace ();
}

Trace perfect_rtptime_changes (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  for (const char *perfect : {"true", "false", "true"}) {
    s.set ("perfect-rtptime", perfect);
    push_some (s);
    s.push (GST_CLOCK_TIME_NONE);
  }
  return s.take_trace ();
}

Trace no_pts_at_first (const Setup &setup)
{
  Subject s (setup, {{"timestamp-offset", "77"}});
  s.caps ();
  fail_unless (s.push (GST_CLOCK_TIME_NONE)[0].rtptime == 77);
  fail_unless (s.push (GST_SECOND)[0].rtptime == 77 + clock_rate);
  return s.take_trace ();
}

// A frame that does not arrive has used its numbers up.
Trace downstream_fails (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  push_some (s);
  for (GstFlowReturn flow :
      {GST_FLOW_ERROR, GST_FLOW_EOS, GST_FLOW_FLUSHING, GST_FLOW_NOT_LINKED})
    for (int at : {0, 1, 3}) {
      bool arrives = at >= static_cast<int> (s.push (0).size ());
      s.refuse_from (at, flow);
      fail_unless_equals_int (
          s.flow (Subject::frame (0)), arrives ? GST_FLOW_OK : flow);
      s.note (line ("%s", gst_flow_get_name (GST_PAD_LAST_FLOW_RETURN (
                              GST_RTP_BASE_PAYLOAD_SRCPAD (s.element ())))));
      s.take ();
      s.refuse_from (-1, GST_FLOW_OK);
      s.note_state ();
      auto last = static_cast<guint16> (s.get<guint> ("seqnum"));
      s.jump ();
      fail_unless (s.push (0)[0].seq == static_cast<guint16> (last + 1));
    }
  return s.take_trace ();
}

Trace changes_from_downstream (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  Owned<Counter> counter = new_counter (1);
  s.caps ();
  for (int i = 0; i < 2; i++) {
    s.at_packet (0, [&] { s.add (counter.get ()); });
    push_some (s);
    s.at_packet (0, [&s] { s.clear (); });
    push_some (s);
  }
  fail_unless (counter->writes > 0);
  return s.take_trace ();
}

// What an application reads while the first packet of a frame arrives.
Trace state_at_the_first_packet (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  for (int i = 0; i < 3; i++) {
    s.at_packet (0, [&s] { s.note_state (); });
    push_some (s, 1);
  }
  return s.take_trace ();
}

// And when it is told of the first numbers.
Trace notified_once (const Setup &setup)
{
  Subject s (setup);
  s.sizes_differ ();
  int notified = 0;
  s.at_notify = [&notified] { notified++; };
  s.caps ();
  fail_unless_equals_int (notified, 0);
  push_some (s);
  // timestamp and seqnum
  fail_unless_equals_int (notified, 2);
  s.set ("source-info", "true");
  s.push (with_sources (0, {1}, true));
  s.set ("source-info", "false");
  push_some (s);
  fail_unless_equals_int (notified, 2);
  s.restart ();
  push_some (s);
  fail_unless_equals_int (notified, 4);
  return s.take_trace ();
}

// What a probe on the source pad is shown. The packets must be those that
// arrive, each once and complete.
struct Shown
{
  Packets packets;
  Trace trace;
};

// RTP headers alone: blocking probes come before the one that takes these off
// the pad.
bool are_bare (GstBufferList *list)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  fail_unless (
      gst_rtp_buffer_map (gst_buffer_list_get (list, 0), GST_MAP_READ, &rtp));
  bool is_bare = gst_rtp_buffer_get_payload_len (&rtp) == 0;
  gst_rtp_buffer_unmap (&rtp);
  return is_bare;
}

Trace shown_to_a_probe (const Setup &setup, guint mask)
{
  Subject s (setup);
  Owned<Counter> counter = new_counter (1);
  Shown shown;
  gst_pad_add_probe (
      GST_RTP_BASE_PAYLOAD_SRCPAD (s.element ()),
      static_cast<GstPadProbeType> (mask),
      [] (GstPad *, GstPadProbeInfo *info, gpointer data) {
        auto *out = static_cast<Shown *> (data);
        if ((info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0) {
          GstBufferList *list = gst_pad_probe_info_get_buffer_list (info);
          guint length = gst_buffer_list_length (list);
          if ((info->type & GST_PAD_PROBE_TYPE_BLOCK) != 0 && are_bare (list))
            return GST_PAD_PROBE_PASS;
          out->trace.push_back (line ("shown: list of %u", length));
          for (guint i = 0; i < length; i++)
            out->packets.push_back (packet_of (gst_buffer_list_get (list, i)));
        } else if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
          out->trace.emplace_back ("shown: buffer");
          out->packets.push_back (
              packet_of (gst_pad_probe_info_get_buffer (info)));
        } else {
          out->trace.push_back (line ("shown: %s",
              GST_EVENT_TYPE_NAME (gst_pad_probe_info_get_event (info))));
        }
        return (info->type & GST_PAD_PROBE_TYPE_BLOCK) != 0 ? GST_PAD_PROBE_PASS
                                                            : GST_PAD_PROBE_OK;
      },
      &shown, nullptr);

  auto push = [&s, &shown, mask] (Owned<GstBuffer> frame) {
    Packets packets = s.push (std::move (frame));
    if ((mask & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0) {
      fail_unless (packets.size () == shown.packets.size (),
          "%zu packets arrived, %zu were shown", packets.size (),
          shown.packets.size ());
      for (std::size_t i = 0; i < packets.size (); i++)
        fail_unless (packets[i].bytes == shown.packets[i].bytes &&
                         packets[i].flags == shown.packets[i].flags &&
                         packets[i].pts == shown.packets[i].pts &&
                         packets[i].metas == shown.packets[i].metas,
            "packet %zu was shown otherwise", i);
    }
    shown.packets.clear ();
  };
  s.sizes_differ ();
  s.set ("source-info", "true");
  s.caps ();
  for (int i = 0; i < 2; i++) {
    push (Subject::frame (0));
    push (with_sources (0, {1, 2}, true));
    s.add (counter.get ());
    push (Subject::frame (0));
    s.clear ();
    push (Subject::frame (0));
    s.collide (default_ssrc, 0x4343);
    push (Subject::frame (0));
    s.restart ();
  }
  Trace trace = s.take_trace ();
  append (trace, shown.trace);
  return trace;
}

Trace probe_of_buffers_and_lists (const Setup &setup)
{
  return shown_to_a_probe (
      setup, static_cast<guint> (GST_PAD_PROBE_TYPE_BUFFER) |
                 GST_PAD_PROBE_TYPE_BUFFER_LIST);
}

Trace probe_of_lists (const Setup &setup)
{
  return shown_to_a_probe (setup, GST_PAD_PROBE_TYPE_BUFFER_LIST);
}

Trace probe_of_buffers (const Setup &setup)
{
  return shown_to_a_probe (setup, GST_PAD_PROBE_TYPE_BUFFER);
}

Trace probe_of_data (const Setup &setup)
{
  return shown_to_a_probe (setup, GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM);
}

// Such probes come before all others.
Trace blocking_probe (const Setup &setup)
{
  return shown_to_a_probe (setup, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM);
}

// A probe that takes frames away: their numbers are missing.
Trace probe_drops (const Setup &setup)
{
  Subject s (setup);
  s.caps ();
  push_some (s);
  for (GstPadProbeReturn what : {GST_PAD_PROBE_DROP, GST_PAD_PROBE_REMOVE}) {
    static GstPadProbeReturn answer;
    answer = what;
    gulong id = gst_pad_add_probe (
        GST_RTP_BASE_PAYLOAD_SRCPAD (s.element ()),
        static_cast<GstPadProbeType> (
            GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
        [] (GstPad *, GstPadProbeInfo *, gpointer) { return answer; }, nullptr,
        nullptr);
    if (what == GST_PAD_PROBE_DROP) {
      fail_unless_equals_int (s.flow (Subject::frame (0)), GST_FLOW_OK);
      fail_unless (s.take ().empty ());
      gst_pad_remove_probe (GST_RTP_BASE_PAYLOAD_SRCPAD (s.element ()), id);
      s.jump ();
    }
    push_some (s);
  }
  return s.take_trace ();
}

const Row rows[] = {
    {"extension_added", extension_added},
    {"extension_not_in_caps", extension_not_in_caps},
    {"extensions_cleared_and_added", extensions_cleared_and_added},
    {"extension_by_caps", extension_by_caps},
    {"stock_extension_of_numbers", stock_extension_of_numbers},
    {"stock_extensions_of_some_packets", stock_extensions_of_some_packets},
    {"extension_writes_at_times", extension_writes_at_times},
    {"source_info_on_and_off", source_info_on_and_off},
    {"source_info_and_extension", source_info_and_extension},
    {"collision", collision},
    {"collision_before_the_first_frame", collision_before_the_first_frame},
    {"collision_inside_a_frame", collision_inside_a_frame},
    {"renegotiation", renegotiation},
    {"renegotiation_with_extension", renegotiation_with_extension},
    {"downstream_refuses_for_a_while", downstream_refuses_for_a_while},
    {"sink_caps_change", sink_caps_change},
    {"flush", flush},
    {"flush_before_the_first_frame", flush_before_the_first_frame},
    {"flush_with_extension", flush_with_extension},
    {"new_segment", new_segment},
    {"restart_with_the_same_offsets", restart_with_the_same_offsets},
    {"pause", pause},
    {"gap_before_the_first_frame", gap_before_the_first_frame},
    {"other_events", other_events},
    {"frame_is_dropped", frame_is_dropped},
    {"sequence_wraps", sequence_wraps},
    {"mtu_changes", mtu_changes},
    {"perfect_rtptime_changes", perfect_rtptime_changes},
    {"no_pts_at_first", no_pts_at_first},
    {"downstream_fails", downstream_fails},
    {"changes_from_downstream", changes_from_downstream},
    {"state_at_the_first_packet", state_at_the_first_packet},
    {"notified_once", notified_once},
    {"probe_of_buffers_and_lists", probe_of_buffers_and_lists},
    {"probe_of_lists", probe_of_lists},
    {"probe_of_buffers", probe_of_buffers},
    {"probe_of_data", probe_of_data},
    {"blocking_probe", blocking_probe},
    {"probe_drops", probe_drops},
};

}  // namespace
}  // namespace changes

namespace {

void run (const Row &row, const char *mtu)
{
  Trace ours = row.run ({"rtpmjpegpay", mtu});
  Trace stock = row.run ({"rtpjpegpay", mtu});
  for (std::size_t i = 0; i < std::max (ours.size (), stock.size ()); i++) {
    std::string a = i < ours.size () ? ours[i] : "nothing";
    std::string b = i < stock.size () ? stock[i] : "nothing";
    fail_unless (a == b, "%s, mtu %s: line %zu is\n%s\nstock has\n%s", row.name,
        mtu, i, a.c_str (), b.c_str ());
  }
}

}  // namespace

GST_START_TEST (base_case)
{
  run (base_cases::rows[__i__], large_mtu);
  run (base_cases::rows[__i__], small_mtu);
}
GST_END_TEST;

GST_START_TEST (change)
{
  run (changes::rows[__i__], large_mtu);
  run (changes::rows[__i__], small_mtu);
}
GST_END_TEST;

// What the comparisons rest on: as many packets with a few bytes more in each.
GST_START_TEST (a_frame_has_several)
{
  std::size_t scan = scan_of (image).size ();
  fail_unless (packets_in (scan, 1400, most_headers) == 1);
  std::size_t count = packets_in (scan, 200, 0);
  fail_unless (count > 5);
  fail_unless (packets_in (scan, 200, most_headers) == count);
}
GST_END_TEST;

namespace {

struct Extras
{
  std::vector<std::pair<guint, gsize>> counters;  // id, size
  std::size_t csrc = 0;
  std::size_t bytes = 0;  // what they take of each packet
  bool source_info = true;
  bool shrinks = false;
};

const Extras extras[] = {
    {.counters = {}, .bytes = 0},
    // RFC 8285 4.2: 4 bytes, then 1 for each element, padded to 32 bits.
    {.counters = {{1, 1}}, .bytes = 4 + 4},
    {.counters = {{1, 3}}, .bytes = 4 + 4},
    {.counters = {{1, 4}}, .bytes = 4 + 8},
    {.counters = {{14, 16}}, .bytes = 4 + 20},
    {.counters = {{1, 1}, {2, 1}}, .bytes = 4 + 4},
    {.counters = {{1, 2}, {2, 2}, {3, 2}}, .bytes = 4 + 12},
    // 4.3: 2 for each element if one is longer than 16 or its id is over 14.
    {.counters = {{15, 2}}, .bytes = 4 + 4},
    {.counters = {{1, 17}}, .bytes = 4 + 20},
    {.counters = {{1, 1}, {200, 1}}, .bytes = 4 + 8},
    {.counters = {{1, 40}, {2, 3}}, .bytes = 4 + 48},
    {.counters = {}, .csrc = 3, .bytes = 12},
    {.counters = {}, .csrc = 14, .bytes = 56},
    {.counters = {{1, 1}}, .csrc = 2, .bytes = 8 + 8},
    // What is not written may have been kept free.
    {.counters = {{1, 5}}, .bytes = 4 + 8, .shrinks = true},
};

// The packets of a frame, and the error if there is one.
Packets packets_with (Subject &s, const Extras &extra, Owned<GstMessage> &error)
{
  std::vector<Owned<Counter>> counters;
  for (const auto &[id, size] : extra.counters) {
    counters.push_back (new_counter (id, size));
    if (extra.shrinks) counters.back ()->written = each_its_own;
    s.add (counters.back ().get ());
  }
  s.set ("source-info", extra.source_info ? "true" : "false");
  s.caps ();
  Owned<GstBuffer> frame = Subject::frame (0);
  if (extra.csrc > 0) {
    std::vector<guint32> csrc (extra.csrc, 1);
    gst_buffer_add_rtp_source_meta (
        frame.get (), nullptr, csrc.data (), static_cast<guint> (extra.csrc));
  }
  GstFlowReturn flow = s.flow (std::move (frame));
  error = s.message (GST_MESSAGE_ERROR);
  fail_unless (flow == (error ? GST_FLOW_ERROR : GST_FLOW_OK));
  return s.take ();
}

Packets packets_with (const Extras &extra, std::size_t mtu, const char *element,
    Owned<GstMessage> &error)
{
  Subject s ({element, large_mtu}, {{"mtu", std::to_string (mtu)}});
  Packets packets = packets_with (s, extra, error);
  if (!error) s.check_frame (packets, scan_of (image));
  return packets;
}

}  // namespace

// All packets but the last are as large as they may be.
static void check_mtu (const Extras &extra)
{
  std::size_t scan = scan_of (image).size ();
  for (std::size_t mtu : {250u, 251u, 300u, 576u, 1400u, 65507u}) {
    Owned<GstMessage> error;
    Packets packets = packets_with (extra, mtu, "rtpmjpegpay", error);
    fail_unless (error == nullptr);
    for (const Packet &packet : packets) {
      fail_unless (packet.bytes.size () <= mtu,
          "a packet of %zu bytes, mtu is %zu", packet.bytes.size (), mtu);
      if (!packet.marker && !extra.shrinks)
        fail_unless (packet.bytes.size () == mtu,
            "a packet of only %zu bytes, mtu is %zu", packet.bytes.size (),
            mtu);
    }
    if (extra.shrinks) continue;
    fail_unless (packets.size () == packets_in (scan, mtu, extra.bytes));

    // Stock forgets these bytes: the same payload comes of an mtu without.
    Packets stock = packets_with ({}, mtu - extra.bytes, "rtpjpegpay", error);
    fail_unless (packets.size () == stock.size ());
    for (std::size_t i = 0; i < stock.size (); i++)
      fail_unless (packets[i].payload == stock[i].payload);
  }
}

GST_START_TEST (mtu_counts_extensions)
{
  for (const Extras &extra : extras) check_mtu (extra);
}
GST_END_TEST;

// The least mtu has room for one byte of the scan.
static void check_least_mtu (const Extras &extra)
{
  std::size_t least = rtp_header + main_header + table_header + 1 + extra.bytes;
  for (std::size_t mtu :
      {std::size_t{28}, std::size_t{100}, least - 1, least}) {
    Owned<GstMessage> error;
    Packets packets = packets_with (extra, mtu, "rtpmjpegpay", error);
    if (extra.shrinks && mtu == least - 1) continue;
    if (mtu < least) {
      fail_unless (error != nullptr, "no error, mtu is %zu", mtu);
      test::assert_error (
          error.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
      fail_unless (packets.empty ());
    } else {
      fail_unless (error == nullptr);
      for (const Packet &packet : packets)
        fail_unless (packet.bytes.size () <= mtu);
    }
  }
}

GST_START_TEST (a_small_mtu_is_an_error_with_extensions)
{
  for (const Extras &extra : extras) check_least_mtu (extra);
}
GST_END_TEST;

// While an extension is on, the base class adds the sources that it should
// leave out.
GST_START_TEST (mtu_counts_sources_that_nobody_asked_for)
{
  for (std::size_t mtu : {250u, 300u, 1400u}) {
    Owned<GstMessage> error;
    for (const Packet &packet :
        packets_with ({.counters = {{1, 1}}, .csrc = 3, .source_info = false},
            mtu, "rtpmjpegpay", error))
      fail_unless (packet.bytes.size () <= mtu,
          "a packet of %zu bytes, mtu is %zu", packet.bytes.size (), mtu);
    fail_unless (error == nullptr);
  }
}
GST_END_TEST;

// The room is counted anew for each frame.
GST_START_TEST (mtu_counts_extensions_that_come_and_go)
{
  constexpr std::size_t mtu = 200;
  Subject s ({"rtpmjpegpay", small_mtu}, {{"source-info", "true"}});
  Owned<Counter> first = new_counter (1, 4);
  Owned<Counter> second = new_counter (2, 20);
  s.caps ();
  std::size_t sources = 0;
  auto check = [&s, &sources] (std::size_t bytes) {
    std::vector<guint32> csrc (sources++ % 3, 1);
    Packets packets = s.push (base_cases::with_sources (0, csrc, false));
    std::size_t expected =
        packets_in (scan_of (image).size (), mtu, bytes + 4 * csrc.size ());
    fail_unless (packets.size () == expected,
        "%zu bytes, %zu sources: %zu packets, not %zu", bytes, csrc.size (),
        packets.size (), expected);
    for (const Packet &packet : packets)
      fail_unless (packet.marker ? packet.bytes.size () <= mtu
                                 : packet.bytes.size () == mtu);
  };
  for (int i = 0; i < 3; i++) {
    check (0);
    s.add (first.get ());
    check (4 + 8);
    s.add (second.get ());
    check (4 + 28);
    s.clear ();
    check (0);
    s.add (second.get ());
    check (4 + 24);
    s.clear ();
  }
}
GST_END_TEST;

// A test case for each row, so that a failure has its name.
static TCase *add_row (Suite *suite, const Row &row)
{
  TCase *test = tcase_create (row.name);
  suite_add_tcase (suite, test);
  return test;
}

static Suite *rtpmjpegpay_base_suite ()
{
  Suite *suite = suite_create ("rtpmjpegpay-base");
  constexpr int cases = std::size (base_cases::rows);
  for (int i = 0; i < cases; i++) {
    TCase *test = add_row (suite, base_cases::rows[i]);
    tcase_add_loop_test (test, base_case, i, i + 1);
  }
  constexpr int all_changes = std::size (changes::rows);
  for (int i = 0; i < all_changes; i++) {
    TCase *test = add_row (suite, changes::rows[i]);
    tcase_add_loop_test (test, change, i, i + 1);
  }
  TCase *tests = tcase_create ("mtu");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_frame_has_several);
  tcase_add_test (tests, mtu_counts_extensions);
  tcase_add_test (tests, a_small_mtu_is_an_error_with_extensions);
  tcase_add_test (tests, mtu_counts_sources_that_nobody_asked_for);
  tcase_add_test (tests, mtu_counts_extensions_that_come_and_go);
  return suite;
}

GST_CHECK_MAIN (rtpmjpegpay_base)

// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-rtpmjpegpay
 * @title: rtpmjpegpay
 * @short_description: payloads JPEG images as RTP/JPEG (RFC 2435)
 *
 * Sends each JPEG image as one frame of RTP/JPEG. The packets are those of
 * rtpjpegpay, byte for byte, where these are right; an image that would not
 * arrive as it is (truncated headers, progressive, optimised Huffman tables,
 * ...) is dropped with a warning that says why.
 *
 * |[
 * gst-launch-1.0 videotestsrc ! video/x-raw,format=I420 ! jpegenc !
 *     rtpmjpegpay ! udpsink host=127.0.0.1 port=5000
 * ]|
 *
 * At EOS the element posts the element message `rtpmjpegpay-stats` with the
 * fields of #GstRtpMjpegPay:stats.
 *
 * Since: 0.1
 */

#include "config.h"

#include "gstrtpmjpegpay.h"

#include <glib/gi18n-lib.h>
#include <gst/rtp/rtp.h>
#include <gst/video/video.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstmjpegcaps.h"
#include "gstmjpegframe.h"
#include "gstmjpegreport.h"
#include "gstmjpegsettings.h"
#include "gstrtpsender.h"
#include "interlace.h"
#include "jpeg.h"
#include "onvif.h"
#include "pacing.h"
#include "rfc2435.h"

GST_DEBUG_CATEGORY_STATIC (rtpmjpegpay_debug);
#define GST_CAT_DEFAULT rtpmjpegpay_debug

using mjpegreport::Counters;
using mjpegreport::Reason;
using mjpegsettings::Onvif;
using mjpegsettings::Settings;
using relay::Guarded;
using relay::Owned;
using relay::share;

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("image/jpeg; video/x-jpeg"));

// Width and height are never in the negotiated caps; rtpjpegpay has them here.
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (
            "application/x-rtp, media = (string) video, payload = (int) 26, "
            "clock-rate = (int) 90000, encoding-name = (string) JPEG, "
            "width = (int) [ 1, 65536 ], height = (int) [ 1, 65536 ]; "
            "application/x-rtp, media = (string) video, "
            "payload = (int) [ 96, 127 ], clock-rate = (int) 90000, "
            "encoding-name = (string) JPEG, width = (int) [ 1, 65536 ], "
            "height = (int) [ 1, 65536 ]"));

namespace {

// Owned by the streaming thread.
struct State
{
  mjpegcaps::Attributes attributes;
  bool eoi_reported = false;
  bool onvif_reported = false;
  interlace::Fields fields;
  pacing::Interval interval;
  double paced = 0;  // the part of it that the latency is reported for
  jpeg::Tables tables;
  std::unique_ptr<huffman::Recoder> recoder;  // as soon as it is needed
};

// No two of the locks are held together.
struct Impl
{
  Guarded<Settings> settings;
  Guarded<Counters> counters;
  Guarded<pacing::Nanoseconds> latency{pacing::Nanoseconds (0)};
  State state;
  rtpsender::Sender sender;
};

}  // namespace

struct _GstRtpMjpegPay
{
  GstRTPBasePayload parent;
  Impl impl;
};

G_DEFINE_FINAL_TYPE (
    GstRtpMjpegPay, gst_rtp_mjpeg_pay, GST_TYPE_RTP_BASE_PAYLOAD)
GST_ELEMENT_REGISTER_DEFINE (
    rtpmjpegpay, "rtpmjpegpay", GST_RANK_NONE, gst_rtp_mjpeg_pay_get_type ())

static Impl &impl_of (gpointer object)
{
  return GST_RTP_MJPEG_PAY (object)->impl;
}

// Of the last packet. The base class counts the headers that it writes.
static guint sequence_number (GstRtpMjpegPay *self)
{
  return self->impl.sender.last_sequence_number ().value_or (
      GST_RTP_BASE_PAYLOAD (self)->seqnum);
}

static Owned<GstStructure> create_stats (GstRtpMjpegPay *self)
{
  // What the base class says, and our counters.
  GObjectClass *base = G_OBJECT_CLASS (gst_rtp_mjpeg_pay_parent_class);
  GParamSpec *pspec = g_object_class_find_property (base, "stats");
  GValue value = G_VALUE_INIT;
  g_value_init (&value, GST_TYPE_STRUCTURE);
  base->get_property (G_OBJECT (self), pspec->param_id, &value, pspec);
  Owned<GstStructure> stats{
      static_cast<GstStructure *> (g_value_dup_boxed (&value))};
  g_value_unset (&value);

  gst_structure_set (
      stats.get (), "seqnum", G_TYPE_UINT, sequence_number (self), nullptr);
  mjpegreport::add_fields (self->impl.counters.copy (), stats.get ());
  return stats;
}

static GstFlowReturn drop_frame (GstRTPBasePayload *base, Reason why,
    const char *text, const char *code, gsize position)
{
  impl_of (base).counters.lock ()->frames_dropped[static_cast<std::size_t> (
      why)]++;
  GST_ELEMENT_WARNING (base, STREAM, FORMAT, ("%s", text),
      ("%s at byte %" G_GSIZE_FORMAT, code, position));
  return GST_FLOW_OK;
}

static GstFlowReturn drop_frame (
    GstRTPBasePayload *base, relay::Failure<jpeg::Error> failure)
{
  return drop_frame (base, mjpegreport::reason (failure.code),
      mjpegreport::text (failure.code), jpeg::to_string (failure.code),
      failure.position);
}

static GstFlowReturn drop_too_large (
    GstRTPBasePayload *base, const char *code, gsize position)
{
  return drop_frame (base, Reason::too_large,
      _ ("A JPEG image has more than 16 MiB and was dropped: RTP/JPEG cannot "
         "carry it."),
      code, position);
}

static gboolean set_outcaps (GstRTPBasePayload *base)
{
  Owned<GstStructure> fields = impl_of (base).state.attributes.fields ();
  return gst_rtp_base_payload_set_outcaps_structure (base, fields.get ());
}

// The size in the caps comes from the sink caps; the image itself knows better.
static GstFlowReturn update_size (
    GstRTPBasePayload *base, unsigned width, unsigned height)
{
  if (!impl_of (base).state.attributes.set_size (width, height))
    return GST_FLOW_OK;
  GST_INFO_OBJECT (base, "the images have %ux%u pixels", width, height);
  if (set_outcaps (base)) return GST_FLOW_OK;
  return GST_PAD_IS_FLUSHING (GST_RTP_BASE_PAYLOAD_SRCPAD (base))
             ? GST_FLOW_FLUSHING
             : GST_FLOW_NOT_NEGOTIATED;
}

static void report_missing_eoi (GstRTPBasePayload *base)
{
  State &state = impl_of (base).state;
  if (state.eoi_reported) return;
  state.eoi_reported = true;
  GST_ELEMENT_WARNING (base, STREAM, FORMAT,
      (_ ("A JPEG image ends without an EOI marker. It is sent with one; if it "
          "was cut, a part of the picture is missing.")),
      ("further images are not reported"));
}

// What the image is one field of, if that is to be said.
static interlace::Field field (
    interlace::Fields &fields, GstBuffer *buffer, unsigned height)
{
  std::optional<bool> top;
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_VIDEO_BUFFER_FLAG_ONEFIELD))
    top = GST_BUFFER_FLAG_IS_SET (buffer, GST_VIDEO_BUFFER_FLAG_TFF);
  return fields.next (height, top);
}

// The ONVIF header extension that goes with an image; empty: none does.
static std::vector<guint8> onvif_extension (
    const Settings &settings, const rfc2435::Frame &frame)
{
  if (settings.onvif == Onvif::off) return {};
  if (settings.onvif == Onvif::automatic &&
      rfc2435::fits (frame.width, frame.height))
    return {};
  return onvif::extension ({.width = frame.width,
      .height = frame.height,
      .yuv422 = frame.type == 0,
      .restart_interval = frame.restart_interval});
}

// A packet has one header extension (RFC 3550 5.3.1).
static void report_no_onvif (GstRTPBasePayload *base, Onvif when)
{
  State &state = impl_of (base).state;
  if (state.onvif_reported || when != Onvif::always) return;
  state.onvif_reported = true;
  GST_ELEMENT_WARNING (base, STREAM, ENCODE,
      (_ ("The ONVIF header extension is left out because other header "
          "extensions are in use.")),
      ("RFC 8285 and ONVIF extensions exclude each other"));
}

static rfc2435::Frame frame_header (const jpeg::Header &header,
    unsigned restart_interval, const mjpegframe::Scan &scan)
{
  rfc2435::Frame frame;
  frame.type = header.sampling == jpeg::Sampling::yuv422 ? 0 : 1;
  frame.width = header.width;
  frame.height = header.height;
  frame.restart_interval = static_cast<std::uint16_t> (restart_interval);
  frame.luma_table = header.luma;
  frame.chroma_table = header.chroma;
  frame.scan_size = scan.sent_size ();
  return frame;
}

static GstFlowReturn plan_failed (
    GstRTPBasePayload *base, relay::Failure<rfc2435::Error> failure)
{
  if (failure.code == rfc2435::Error::scan_size)
    return drop_too_large (base, rfc2435::to_string (failure.code), 0);
  GST_ELEMENT_ERROR (base, RESOURCE, SETTINGS,
      (_ ("The property mtu is too small for the headers of RTP/JPEG.")),
      ("mtu is %u, this image needs %" G_GSIZE_FORMAT " at least",
          GST_RTP_BASE_PAYLOAD_MTU (base), failure.position));
  return GST_FLOW_ERROR;
}

// The restart interval that a frame is sent with.
static unsigned restart_interval (
    const Settings &settings, const jpeg::Header &header)
{
  int wanted = settings.restart_interval;
  if (wanted >= 0) return static_cast<unsigned> (wanted);
  // Blocks in another order are other MCUs.
  bool same_mcus = header.component_count == 3 &&
                   header.components[0].horizontal == 2 &&
                   header.components[1].vertical == 1;
  return same_mcus ? header.restart_interval : 0;
}

// Puts the re-coded frame in the place of another one. False: it was dropped.
static bool recode (GstRTPBasePayload *base, const jpeg::Header &header,
    unsigned interval, Owned<GstBuffer> &frame, mjpegframe::Scan &scan)
{
  State &state = impl_of (base).state;
  if (!state.recoder) state.recoder = std::make_unique<huffman::Recoder> ();
  auto recoded =
      mjpegframe::recode (frame.get (), header, scan, interval, *state.recoder);
  if (!recoded) {
    const char *code = huffman::to_string (recoded.code ());
    if (recoded.code () == huffman::Error::too_large)
      drop_too_large (base, code, recoded.position ());
    else
      drop_frame (base, Reason::damaged,
          _ ("A JPEG image is damaged and was dropped."), code,
          recoded.position ());
    return false;
  }
  frame = std::move (*recoded);
  scan = {0, gst_buffer_get_size (frame.get ()), false};
  return true;
}

// Of each frame that comes, sent or not.
static void note_time (pacing::Interval &interval, GstBuffer *buffer)
{
  auto known = [] (GstClockTime time) -> std::optional<pacing::Nanoseconds> {
    if (!GST_CLOCK_TIME_IS_VALID (time)) return std::nullopt;
    return pacing::Nanoseconds (static_cast<gint64> (time));
  };
  interval.frame (
      known (GST_BUFFER_PTS (buffer)), known (GST_BUFFER_DURATION (buffer)));
}

// The time over which the packets of this frame are spread. It is the latency,
// since the last of them leaves so much later.
static pacing::Nanoseconds spread (GstRTPBasePayload *base, double part)
{
  Impl &impl = impl_of (base);
  // Frames come faster at higher rates.
  double rate = std::abs (base->segment.rate);
  pacing::Nanoseconds time (static_cast<gint64> (
      part * static_cast<double> (impl.state.interval.value ().count ()) /
      std::max (rate, 1.0)));
  bool is_changed = false;
  {
    auto latency = impl.latency.lock ();
    // A part that was set is not jitter.
    bool is_new = std::exchange (impl.state.paced, part) != part;
    auto next =
        pacing::latency (is_new ? pacing::Nanoseconds (0) : *latency, time);
    is_changed = std::exchange (*latency, next) != next;
  }
  if (is_changed)
    gst_element_post_message (
        GST_ELEMENT (base), gst_message_new_latency (GST_OBJECT (base)));
  return time;
}

// A frame that is ready to be sent.
struct Outgoing
{
  Owned<GstBuffer> frame{};
  rfc2435::Frame header{};
  mjpegframe::Scan scan{};
  gsize stripped = 0;  // bytes behind EOI
  bool is_recoded = false;
};

static GstFlowReturn send (
    GstRTPBasePayload *base, const Settings &settings, const Outgoing &outgoing)
{
  Impl &impl = impl_of (base);
  const rfc2435::Frame &header = outgoing.header;
  GstFlowReturn flow = update_size (base, header.width, header.height);
  if (flow != GST_FLOW_OK) return flow;

  std::vector<guint8> extension = onvif_extension (settings, header);
  rtpsender::Job job{.frame = outgoing.frame.get (),
      .header = header,
      .scan = outgoing.scan,
      .extension = extension,
      .burst = settings.pacing_burst,
      .spread = spread (base, settings.pacing)};
  rtpsender::Sent sent;
  auto done = impl.sender.send (job, sent);
  if (!done) return plan_failed (base, done.error ());
  if (*done == rtpsender::dropped) return GST_FLOW_OK;
  if (*done == rtpsender::unreadable)
    return drop_frame (base, Reason::damaged,
        _ ("A JPEG image could not be read and was dropped."), "map", 0);
  if (!extension.empty () && impl.sender.has_extensions ())
    report_no_onvif (base, settings.onvif);
  if (outgoing.scan.eoi_missing) report_missing_eoi (base);
  auto counters = impl.counters.lock ();
  counters->packets += sent.packets;
  counters->bytes += sent.bytes;
  if (*done != GST_FLOW_OK) return *done;
  counters->frames++;
  counters->bytes_stripped += outgoing.stripped;
  if (outgoing.is_recoded) counters->frames_recoded++;
  return GST_FLOW_OK;
}

static GstFlowReturn gst_rtp_mjpeg_pay_handle_buffer (
    GstRTPBasePayload *base, GstBuffer *buffer)
{
  Settings settings = impl_of (base).settings.copy ();
  Outgoing outgoing;
  outgoing.frame.reset (buffer);
  State &state = impl_of (base).state;
  note_time (state.interval, buffer);
  mjpegframe::Head head (buffer);
  jpeg::Result<jpeg::Header> header = head.parse (state.tables);
  // A field that is dropped counts too.
  interlace::Field parity =
      field (state.fields, buffer, header ? header->height : 0);
  if (!header) return drop_frame (base, header.error ());

  gsize size = gst_buffer_get_size (buffer);
  outgoing.scan = {0, size, false};
  if (header->scan) {
    outgoing.scan = mjpegframe::find_scan (buffer, *header->scan);
    if (outgoing.scan.sent_size () <= sizeof jpeg::eoi)
      return drop_frame (
          base, relay::failure (jpeg::Error::empty_scan, outgoing.scan.begin));
    outgoing.stripped = size - outgoing.scan.begin - outgoing.scan.size;
  }
  unsigned interval = restart_interval (settings, *header);
  outgoing.is_recoded =
      header->scan &&
      (header->needs_recoding || interval != header->restart_interval);
  if (outgoing.is_recoded &&
      !recode (base, *header, interval, outgoing.frame, outgoing.scan))
    return GST_FLOW_OK;

  outgoing.header = frame_header (*header, interval, outgoing.scan);
  if (settings.interlaced)
    outgoing.header.type_specific = static_cast<std::uint8_t> (parity);
  GST_LOG_OBJECT (base, "%ux%u, type %u, %" G_GSIZE_FORMAT " bytes",
      outgoing.header.width, outgoing.header.height, outgoing.header.type,
      outgoing.header.scan_size);
  return send (base, settings, outgoing);
}

static gboolean gst_rtp_mjpeg_pay_set_caps (
    GstRTPBasePayload *base, GstCaps *caps)
{
  auto format = mjpegcaps::parse (caps);
  if (!format) {
    GST_WARNING_OBJECT (base, "%s in the caps %" GST_PTR_FORMAT,
        mjpegcaps::to_string (format.code ()), static_cast<void *> (caps));
    return FALSE;
  }
  State &state = impl_of (base).state;
  state.attributes = mjpegcaps::Attributes (*format);
  state.interval.set_framerate (format->numerator, format->denominator);
  state.paced = 0;
  state.fields.set_format (format->fields);

  gst_rtp_base_payload_set_options (base, "video",
      GST_RTP_BASE_PAYLOAD_PT (base) != GST_RTP_PAYLOAD_JPEG, "JPEG", 90000);
  return set_outcaps (base);
}

static void post_stats (GstRTPBasePayload *base)
{
  Owned<GstStructure> stats = create_stats (GST_RTP_MJPEG_PAY (base));
  gst_structure_set_name (stats.get (), "rtpmjpegpay-stats");
  gst_element_post_message (GST_ELEMENT (base),
      gst_message_new_element (GST_OBJECT (base), stats.release ()));
}

static gboolean gst_rtp_mjpeg_pay_sink_event (
    GstRTPBasePayload *base, GstEvent *event)
{
  Impl &impl = impl_of (base);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
      impl.sender.interrupt ();
      break;
    case GST_EVENT_FLUSH_STOP:
      impl.sender.resume ();
      break;
    case GST_EVENT_STREAM_START:
      impl.state.eoi_reported = false;
      impl.state.onvif_reported = false;
      impl.state.tables = {};
      impl.state.interval.restart ();
      break;
    case GST_EVENT_EOS:
      post_stats (base);
      break;
    default:
      break;
  }
  return GST_RTP_BASE_PAYLOAD_CLASS (gst_rtp_mjpeg_pay_parent_class)
      ->sink_event (base, event);
}

static gboolean gst_rtp_mjpeg_pay_src_query (
    GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (!gst_pad_query_default (pad, parent, query)) return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY) {
    auto latency =
        static_cast<GstClockTime> (impl_of (parent).latency.lock ()->count ());
    gboolean live = FALSE;
    GstClockTime min = 0;
    GstClockTime max = 0;
    gst_query_parse_latency (query, &live, &min, &max);
    if (GST_CLOCK_TIME_IS_VALID (max)) max += latency;
    gst_query_set_latency (query, live, min + latency, max);
  }
  return TRUE;
}

static GstStateChangeReturn gst_rtp_mjpeg_pay_change_state (
    GstElement *element, GstStateChange transition)
{
  Impl &impl = impl_of (element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) impl.sender.resume ();
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) impl.sender.interrupt ();
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_rtp_mjpeg_pay_parent_class)
          ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    impl.state = {};
    impl.sender.reset ();
    *impl.latency.lock () = pacing::Nanoseconds (0);
  }
  return result;
}

static void gst_rtp_mjpeg_pay_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (!mjpegsettings::set (*impl_of (object).settings.lock (), id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void gst_rtp_mjpeg_pay_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == mjpegsettings::prop_stats)
    g_value_take_boxed (
        value, create_stats (GST_RTP_MJPEG_PAY (object)).release ());
  else if (id == mjpegsettings::prop_seqnum)
    g_value_set_uint (value, sequence_number (GST_RTP_MJPEG_PAY (object)));
  else if (!mjpegsettings::get (impl_of (object).settings.copy (), id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void gst_rtp_mjpeg_pay_init (GstRtpMjpegPay *self)
{
  std::construct_at (&self->impl);
  auto *base = GST_RTP_BASE_PAYLOAD (self);
  self->impl.sender.attach (base);
  gst_pad_set_query_function (
      GST_RTP_BASE_PAYLOAD_SRCPAD (base), gst_rtp_mjpeg_pay_src_query);
  GST_RTP_BASE_PAYLOAD_PT (self) = GST_RTP_PAYLOAD_JPEG;
}

static void gst_rtp_mjpeg_pay_finalize (GObject *object)
{
  std::destroy_at (&impl_of (object));
  G_OBJECT_CLASS (gst_rtp_mjpeg_pay_parent_class)->finalize (object);
}

static void gst_rtp_mjpeg_pay_class_init (GstRtpMjpegPayClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstRTPBasePayloadClass *base_class = GST_RTP_BASE_PAYLOAD_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      rtpmjpegpay_debug, "rtpmjpegpay", 0, "payloads JPEG as RTP/JPEG");

  object_class->set_property = gst_rtp_mjpeg_pay_set_property;
  object_class->get_property = gst_rtp_mjpeg_pay_get_property;
  object_class->finalize = gst_rtp_mjpeg_pay_finalize;

  mjpegsettings::install (object_class);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_rtp_mjpeg_pay_change_state);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "RTP Motion JPEG Payloader", "Codec/Payloader/Network/RTP",
      "Payloads JPEG images as RTP/JPEG (RFC 2435)", RELAY_AUTHOR);

  base_class->set_caps = GST_DEBUG_FUNCPTR (gst_rtp_mjpeg_pay_set_caps);
  base_class->handle_buffer =
      GST_DEBUG_FUNCPTR (gst_rtp_mjpeg_pay_handle_buffer);
  base_class->sink_event = GST_DEBUG_FUNCPTR (gst_rtp_mjpeg_pay_sink_event);
}

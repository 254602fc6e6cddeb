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

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstmjpegframe.h"
#include "jpeg.h"
#include "rfc2435.h"

GST_DEBUG_CATEGORY_STATIC (rtpmjpegpay_debug);
#define GST_CAT_DEFAULT rtpmjpegpay_debug

using relay::Guarded;
using relay::Owned;
using relay::share;

enum
{
  PROP_0,
  PROP_QUALITY,
  PROP_TYPE,
  PROP_RESTART_INTERVAL,
  PROP_STATS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

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

struct Settings
{
  int quality = 255;
  int type = 1;
  int restart_interval = -1;
};

// Why a frame was dropped.
enum class Reason
{
  damaged,
  unsupported,
  too_large,
  count
};

struct Counters
{
  guint64 packets = 0;
  guint64 bytes = 0;
  guint64 frames = 0;
  guint64 frames_recoded = 0;
  std::array<guint64, static_cast<std::size_t> (Reason::count)>
      frames_dropped{};
  guint64 bytes_stripped = 0;
};

// Owned by the streaming thread.
struct State
{
  std::string framerate;   // the caps' a-framerate; empty: none
  std::string dimensions;  // the caps' x-dimensions; empty: none
  bool eoi_reported = false;
  jpeg::Tables tables;
  std::unique_ptr<huffman::Recoder> recoder;  // as soon as it is needed
};

// No two of the locks are held together.
struct Impl
{
  Guarded<Settings> settings;
  Guarded<Counters> counters;
  State state;
};

// Why a frame cannot be sent, for a person.
const char *reason (jpeg::Error error)
{
  switch (error) {
    case jpeg::Error::truncated:
      return _ ("A JPEG image is cut inside its headers and was dropped.");
    case jpeg::Error::not_baseline:
      return _ (
          "A JPEG image is not baseline coded (perhaps progressive) and was "
          "dropped: RTP/JPEG has no type for it.");
    case jpeg::Error::sample_precision:
    case jpeg::Error::components:
    case jpeg::Error::sampling:
    case jpeg::Error::rgb:
      return _ (
          "A JPEG image is neither grey nor YCbCr 4:2:0 nor 4:2:2 with 8 bits "
          "and was dropped: RTP/JPEG has no type for it. "
          "\"jpegdec ! videoconvert ! jpegenc\" in front makes it one.");
    case jpeg::Error::scan_components:
      return _ (
          "A JPEG image does not have all its components in one scan and was "
          "dropped: RTP/JPEG cannot carry it.");
    case jpeg::Error::chroma_tables:
      return _ (
          "A JPEG image has different quantization tables for Cb and Cr and "
          "was dropped: RTP/JPEG carries one for both.");
    case jpeg::Error::empty_scan:
      return _ ("A JPEG image has no picture data and was dropped.");
    default:
      return _ ("A JPEG image is damaged and was dropped.");
  }
}

Reason kind (jpeg::Error error)
{
  switch (error) {
    case jpeg::Error::not_baseline:
    case jpeg::Error::sample_precision:
    case jpeg::Error::components:
    case jpeg::Error::sampling:
    case jpeg::Error::rgb:
    case jpeg::Error::scan_components:
    case jpeg::Error::chroma_tables:
      return Reason::unsupported;
    default:
      return Reason::damaged;
  }
}

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

  Counters counters = self->impl.counters.copy ();
  guint64 dropped = 0;
  for (guint64 frames : counters.frames_dropped) dropped += frames;
  auto of = [&counters] (Reason why) {
    return counters.frames_dropped[static_cast<std::size_t> (why)];
  };
  gst_structure_set (stats.get (), "packets", G_TYPE_UINT64, counters.packets,
      "bytes", G_TYPE_UINT64, counters.bytes, "frames", G_TYPE_UINT64,
      counters.frames, "frames-recoded", G_TYPE_UINT64, counters.frames_recoded,
      "frames-dropped", G_TYPE_UINT64, dropped, "frames-dropped-damaged",
      G_TYPE_UINT64, of (Reason::damaged), "frames-dropped-unsupported",
      G_TYPE_UINT64, of (Reason::unsupported), "frames-dropped-too-large",
      G_TYPE_UINT64, of (Reason::too_large), "bytes-stripped", G_TYPE_UINT64,
      counters.bytes_stripped, nullptr);
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
  return drop_frame (base, kind (failure.code), reason (failure.code),
      jpeg::to_string (failure.code), failure.position);
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
  const State &state = impl_of (base).state;
  Owned<GstStructure> fields{gst_structure_new_empty ("fields")};
  if (!state.framerate.empty ())
    gst_structure_set (fields.get (), "a-framerate", G_TYPE_STRING,
        state.framerate.c_str (), nullptr);
  if (!state.dimensions.empty ())
    gst_structure_set (fields.get (), "x-dimensions", G_TYPE_STRING,
        state.dimensions.c_str (), nullptr);
  return gst_rtp_base_payload_set_outcaps_structure (base, fields.get ());
}

// Sizes that the payload header cannot say are in the caps. They come from the
// sink caps; the image itself knows better.
static GstFlowReturn update_dimensions (
    GstRTPBasePayload *base, unsigned width, unsigned height)
{
  State &state = impl_of (base).state;
  if (rfc2435::fits (width, height)) return GST_FLOW_OK;
  std::string dimensions =
      std::to_string (width) + "," + std::to_string (height);
  if (dimensions == state.dimensions) return GST_FLOW_OK;
  GST_INFO_OBJECT (base, "x-dimensions are %s", dimensions.c_str ());
  state.dimensions = dimensions;
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

static GstFlowReturn plan_failed (GstRTPBasePayload *base,
    relay::Failure<rfc2435::Error> failure, gsize rtp_size)
{
  if (failure.code == rfc2435::Error::scan_size)
    return drop_too_large (base, rfc2435::to_string (failure.code), 0);
  GST_ELEMENT_ERROR (base, RESOURCE, SETTINGS,
      (_ ("The property mtu is too small for the headers of RTP/JPEG.")),
      ("mtu is %u, this image needs %" G_GSIZE_FORMAT " at least",
          GST_RTP_BASE_PAYLOAD_MTU (base), rtp_size + failure.position));
  return GST_FLOW_ERROR;
}

// The restart interval that a frame is sent with.
static unsigned restart_interval (
    GstRTPBasePayload *base, const jpeg::Header &header)
{
  int wanted = impl_of (base).settings.lock ()->restart_interval;
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

// Makes the packets of a frame, unless it is dropped.
static GstFlowReturn packetize (
    GstRTPBasePayload *base, GstBuffer *buffer, Owned<GstBufferList> &list)
{
  mjpegframe::Head head (buffer);
  jpeg::Result<jpeg::Header> header = head.parse (impl_of (base).state.tables);
  if (!header) return drop_frame (base, header.error ());

  mjpegframe::Scan scan{0, gst_buffer_get_size (buffer), false};
  if (header->scan) {
    scan = mjpegframe::find_scan (buffer, *header->scan);
    if (scan.sent_size () <= sizeof jpeg::eoi)
      return drop_frame (
          base, relay::failure (jpeg::Error::empty_scan, scan.begin));
  }
  bool eoi_missing = scan.eoi_missing;
  gsize stripped =
      header->scan ? gst_buffer_get_size (buffer) - scan.begin - scan.size : 0;
  unsigned interval = restart_interval (base, *header);
  bool is_recoded = header->scan && (header->needs_recoding ||
                                        interval != header->restart_interval);
  Owned<GstBuffer> sent = share (buffer);
  if (is_recoded && !recode (base, *header, interval, sent, scan))
    return GST_FLOW_OK;

  rfc2435::Frame frame = frame_header (*header, interval, scan);
  gsize rtp_size = gst_rtp_buffer_calc_header_len (static_cast<guint8> (
      std::min (gst_rtp_base_payload_get_source_count (base, buffer), 15u)));
  gsize mtu = GST_RTP_BASE_PAYLOAD_MTU (base);
  auto plan = rfc2435::plan (frame, mtu > rtp_size ? mtu - rtp_size : 0);
  if (!plan) return plan_failed (base, plan.error (), rtp_size);

  list = mjpegframe::make_packets (base, sent.get (), frame, scan, *plan);
  if (!list)
    return drop_frame (base, Reason::damaged,
        _ ("A JPEG image could not be read and was dropped."), "map", 0);
  if (eoi_missing) report_missing_eoi (base);
  {
    auto counters = impl_of (base).counters.lock ();
    counters->bytes_stripped += stripped;
    if (is_recoded) counters->frames_recoded++;
  }
  GST_LOG_OBJECT (base, "%ux%u, type %u, %" G_GSIZE_FORMAT " packets",
      frame.width, frame.height, frame.type, plan->count ());
  return update_dimensions (base, frame.width, frame.height);
}

static GstFlowReturn gst_rtp_mjpeg_pay_handle_buffer (
    GstRTPBasePayload *base, GstBuffer *buffer)
{
  Owned<GstBuffer> frame{buffer};
  Owned<GstBufferList> list;
  GstFlowReturn flow = packetize (base, buffer, list);
  // The packets have their own references to the memory.
  frame.reset ();
  if (flow != GST_FLOW_OK || !list) return flow;

  guint packets = gst_buffer_list_length (list.get ());
  gsize bytes = gst_buffer_list_calculate_size (list.get ());
  flow = gst_rtp_base_payload_push_list (base, list.release ());
  if (flow == GST_FLOW_OK) {
    auto counters = impl_of (base).counters.lock ();
    counters->frames++;
    counters->packets += packets;
    counters->bytes += bytes;
  }
  return flow;
}

static gboolean gst_rtp_mjpeg_pay_set_caps (
    GstRTPBasePayload *base, GstCaps *caps)
{
  State &state = impl_of (base).state;
  const GstStructure *format = gst_caps_get_structure (caps, 0);
  int width = 0;
  int height = 0;
  if (!gst_structure_get_int (format, "width", &width) ||
      !gst_structure_get_int (format, "height", &height) || width <= 0 ||
      height <= 0) {
    GST_WARNING_OBJECT (base,
        "no width and height in the caps %" GST_PTR_FORMAT,
        static_cast<void *> (caps));
    return FALSE;
  }
  int numerator = 0;
  int denominator = 1;
  if (gst_structure_get_fraction (
          format, "framerate", &numerator, &denominator) &&
      (numerator < 0 || denominator <= 0)) {
    GST_WARNING_OBJECT (base, "bad framerate in the caps %" GST_PTR_FORMAT,
        static_cast<void *> (caps));
    return FALSE;
  }

  state.framerate.clear ();
  if (numerator > 0) {
    double framerate = 0;
    std::array<gchar, G_ASCII_DTOSTR_BUF_SIZE> text{};
    gst_util_fraction_to_double (numerator, denominator, &framerate);
    state.framerate =
        g_ascii_formatd (text.data (), text.size (), "%f", framerate);
  }
  state.dimensions.clear ();
  if (!rfc2435::fits (
          static_cast<unsigned> (width), static_cast<unsigned> (height)))
    state.dimensions = std::to_string (width) + "," + std::to_string (height);

  gst_rtp_base_payload_set_options (base, "video",
      GST_RTP_BASE_PAYLOAD_PT (base) != GST_RTP_PAYLOAD_JPEG, "JPEG", 90000);
  return set_outcaps (base);
}

static gboolean gst_rtp_mjpeg_pay_sink_event (
    GstRTPBasePayload *base, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START) {
    impl_of (base).state.eoi_reported = false;
    impl_of (base).state.tables = {};
  }
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS) {
    Owned<GstStructure> stats = create_stats (GST_RTP_MJPEG_PAY (base));
    gst_structure_set_name (stats.get (), "rtpmjpegpay-stats");
    gst_element_post_message (GST_ELEMENT (base),
        gst_message_new_element (GST_OBJECT (base), stats.release ()));
  }
  return GST_RTP_BASE_PAYLOAD_CLASS (gst_rtp_mjpeg_pay_parent_class)
      ->sink_event (base, event);
}

static GstStateChangeReturn gst_rtp_mjpeg_pay_change_state (
    GstElement *element, GstStateChange transition)
{
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_rtp_mjpeg_pay_parent_class)
          ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    impl_of (element).state = {};
  return result;
}

static void gst_rtp_mjpeg_pay_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  auto settings = impl_of (object).settings.lock ();
  switch (id) {
    case PROP_QUALITY:
      settings->quality = g_value_get_int (value);
      break;
    case PROP_TYPE:
      settings->type = g_value_get_int (value);
      break;
    case PROP_RESTART_INTERVAL:
      settings->restart_interval = g_value_get_int (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

static void gst_rtp_mjpeg_pay_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstRtpMjpegPay *self = GST_RTP_MJPEG_PAY (object);
  switch (id) {
    case PROP_QUALITY:
      g_value_set_int (value, self->impl.settings.lock ()->quality);
      break;
    case PROP_TYPE:
      g_value_set_int (value, self->impl.settings.lock ()->type);
      break;
    case PROP_RESTART_INTERVAL:
      g_value_set_int (value, self->impl.settings.lock ()->restart_interval);
      break;
    case PROP_STATS:
      g_value_take_boxed (value, create_stats (self).release ());
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
}

static void gst_rtp_mjpeg_pay_init (GstRtpMjpegPay *self)
{
  std::construct_at (&self->impl);
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

  constexpr auto flags = static_cast<GParamFlags> (
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);
  /**
   * GstRtpMjpegPay:quality:
   *
   * Has no effect, as in rtpjpegpay: the quality is the encoder's. 0 to 255.
   *
   * Since: 0.1
   */
  properties[PROP_QUALITY] = g_param_spec_int ("quality", "Quality",
      "Has no effect (as in rtpjpegpay)", 0, 255, Settings{}.quality, flags);
  /**
   * GstRtpMjpegPay:type:
   *
   * Has no effect, as in rtpjpegpay: the type of the RTP/JPEG header (RFC 2435
   * 3.1.3) follows from each image. 0 to 255.
   *
   * Since: 0.1
   */
  properties[PROP_TYPE] = g_param_spec_int ("type", "Type",
      "Has no effect: the type follows from each image", 0, 255,
      Settings{}.type, flags);
  /**
   * GstRtpMjpegPay:restart-interval:
   *
   * How many MCUs there are between two restart markers (T.81 B.2.4.4): -1
   * keeps those of the image, 0 takes them out, 1 to 65535 puts them in. Images
   * that have others are re-coded losslessly.
   *
   * Since: 0.1
   */
  properties[PROP_RESTART_INTERVAL] =
      g_param_spec_int ("restart-interval", "Restart interval",
          "MCUs between two restart markers (-1 = as in the image, 0 = none)",
          -1, 65535, Settings{}.restart_interval, flags);
  /**
   * GstRtpMjpegPay:stats:
   *
   * The fields of the base class, and these, all guint64 and never going back:
   * `packets`, `bytes` (RTP header included, header extensions not), `frames`
   * (sent whole), `frames-recoded` (those that were re-coded losslessly),
   * `frames-dropped` (each with a warning), and of these
   * `frames-dropped-damaged`, `frames-dropped-unsupported` and
   * `frames-dropped-too-large`; `bytes-stripped` (behind EOI, not sent).
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "State of the RTP stream, and counters of packets, bytes and frames",
      GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_properties (object_class, N_PROPS, properties);

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

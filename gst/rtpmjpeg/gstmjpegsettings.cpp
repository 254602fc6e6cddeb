// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstmjpegsettings.h"

#include <array>

namespace mjpegsettings {

namespace {

enum
{
  PROP_QUALITY = prop_seqnum + 1,
  PROP_TYPE,
  PROP_RESTART_INTERVAL,
  PROP_ONVIF_EXTENSION,
  PROP_INTERLACED,
  PROP_PACING,
  PROP_PACING_BURST,
  N_PROPS
};

std::array<GParamSpec *, N_PROPS> properties;

GType onvif_get_type ()
{
  static const std::array<GEnumValue, 4> values = {{
      {static_cast<int> (Onvif::off), "Never", "off"},
      {static_cast<int> (Onvif::automatic), "Images above 2040 pixels", "auto"},
      {static_cast<int> (Onvif::always), "Each image", "always"},
      {0, nullptr, nullptr},
  }};
  static const GType type =
      g_enum_register_static ("GstRtpMjpegPayOnvif", values.data ());
  return type;
}

}  // namespace

void install (GObjectClass *object_class)
{
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
   * GstRtpMjpegPay:onvif-extension:
   *
   * Whether a frame's first packet has the RTP header extension 0xFFD8 of the
   * ONVIF Streaming Specification ("JPEG over RTP"), which says the image's
   * size in pixels and its restart interval: never, for images above 2040
   * pixels (whose size RFC 2435 cannot say), or always. Receivers that do not
   * know it pass over it. It is left out while header extensions of RFC 8285
   * are in use.
   *
   * Since: 0.1
   */
  properties[PROP_ONVIF_EXTENSION] =
      g_param_spec_enum ("onvif-extension", "ONVIF extension",
          "When to send the ONVIF header extension with the image's size",
          onvif_get_type (), static_cast<int> (Settings{}.onvif), flags);
  /**
   * GstRtpMjpegPay:interlaced:
   *
   * Say in the type-specific field (RFC 2435 4.1) whether an image is the odd
   * (top) or the even (bottom) field of a picture. That follows from the caps'
   * interlace-mode and field-order and the buffers' flags: images are fields
   * in the mode alternate, and in other interlaced ones if they have no more
   * than half of the lines that the caps say. Some receivers refuse any value
   * but 0.
   *
   * Since: 0.1
   */
  properties[PROP_INTERLACED] = g_param_spec_boolean ("interlaced",
      "Interlaced", "Say which images are fields (RFC 2435 4.1)",
      static_cast<gboolean> (Settings{}.interlaced), flags);
  /**
   * GstRtpMjpegPay:pacing:
   *
   * The part of the time from a frame to the next over which its packets are
   * spread: 0 (all at once) to 1. That time is the framerate's of the caps,
   * else the buffer's duration, else its distance from the buffer before (the
   * smaller one of the last two), at most a second; the first frame of a stream
   * that has neither is not spread. It is added to the pipeline's latency. The
   * waiting is done in the thread that brings the frames.
   *
   * Since: 0.1
   */
  properties[PROP_PACING] = g_param_spec_double ("pacing", "Pacing",
      "Part of the frame interval over which a frame's packets are spread", 0,
      1, Settings{}.pacing, flags);
  /**
   * GstRtpMjpegPay:pacing-burst:
   *
   * How many packets may leave together, with pacing. 1 to 65535.
   *
   * Since: 0.1
   */
  properties[PROP_PACING_BURST] = g_param_spec_uint ("pacing-burst",
      "Pacing burst", "Packets that may leave together, with pacing", 1, 65535,
      Settings{}.pacing_burst, flags);
  /**
   * GstRtpMjpegPay:stats:
   *
   * The fields of the base class, and these, all guint64 and never going back:
   * `packets`, `bytes` (RTP header and header extensions included), `frames`
   * (sent whole), `frames-recoded` (those that were re-coded losslessly),
   * `frames-dropped` (each with a warning), and of these
   * `frames-dropped-damaged`, `frames-dropped-unsupported` and
   * `frames-dropped-too-large`; `bytes-stripped` (behind EOI, not sent).
   *
   * Since: 0.1
   */
  properties[prop_stats] = g_param_spec_boxed ("stats", "Statistics",
      "State of the RTP stream, and counters of packets, bytes and frames",
      GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  // The base class's own, whose count is another for a moment.
  properties[prop_seqnum] = g_param_spec_uint ("seqnum", "Sequence number",
      "The RTP sequence number of the last processed packet", 0, G_MAXUINT16, 0,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_properties (object_class, N_PROPS, properties.data ());
  gst_type_mark_as_plugin_api (
      onvif_get_type (), static_cast<GstPluginAPIFlags> (0));
}

bool set (Settings &settings, guint id, const GValue *value)
{
  switch (id) {
    case PROP_QUALITY:
      settings.quality = g_value_get_int (value);
      return true;
    case PROP_TYPE:
      settings.type = g_value_get_int (value);
      return true;
    case PROP_RESTART_INTERVAL:
      settings.restart_interval = g_value_get_int (value);
      return true;
    case PROP_ONVIF_EXTENSION:
      settings.onvif = static_cast<Onvif> (g_value_get_enum (value));
      return true;
    case PROP_INTERLACED:
      settings.interlaced = g_value_get_boolean (value) != FALSE;
      return true;
    case PROP_PACING:
      settings.pacing = g_value_get_double (value);
      return true;
    case PROP_PACING_BURST:
      settings.pacing_burst = g_value_get_uint (value);
      return true;
    default:
      return false;
  }
}

bool get (const Settings &settings, guint id, GValue *value)
{
  switch (id) {
    case PROP_QUALITY:
      g_value_set_int (value, settings.quality);
      return true;
    case PROP_TYPE:
      g_value_set_int (value, settings.type);
      return true;
    case PROP_RESTART_INTERVAL:
      g_value_set_int (value, settings.restart_interval);
      return true;
    case PROP_ONVIF_EXTENSION:
      g_value_set_enum (value, static_cast<int> (settings.onvif));
      return true;
    case PROP_INTERLACED:
      g_value_set_boolean (value, static_cast<gboolean> (settings.interlaced));
      return true;
    case PROP_PACING:
      g_value_set_double (value, settings.pacing);
      return true;
    case PROP_PACING_BURST:
      g_value_set_uint (value, settings.pacing_burst);
      return true;
    default:
      return false;
  }
}

}  // namespace mjpegsettings

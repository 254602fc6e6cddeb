// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-adaptivesrc
 * @title: adaptivesrc
 * @short_description: reads HLS and DASH over HTTP, by way of a proxy
 *
 * Reads the presentation whose manifest is at #GstAdaptiveSrc:location: an HLS
 * playlist (RFC 8216) or a static DASH MPD (ISO/IEC 23009-1). Every request,
 * of the manifest as of the last segment, goes through the proxy that it is
 * given and carries the same headers.
 *
 * |[
 * gst-launch-1.0 adaptivesrc location=http://127.0.0.1:8000/stream.mpd
 *     proxy=http://127.0.0.2:8888 name=s
 *     s.video_0 ! qtdemux ! decodebin ! fakesink
 * ]|
 *
 * Messages: `adaptivesrc-variant`, when a representation has been chosen:
 * "pad", "id", "codecs", "mime-type" (string), "bandwidth" (guint64, bit/s),
 * "width", "height" (guint, 0 when not known). `adaptivesrc-stats` when all
 * linked pads have ended, with the fields of #GstAdaptiveSrc:stats.
 *
 * Since: 0.1
 */

#include "config.h"

#include "gstadaptivesrc.h"

#include <cstring>
#include <memory>
#include <string>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstadaptiveplayback.h"
#include "gstadaptiveproperties.h"
#include "gstsource.h"

GST_DEBUG_CATEGORY_STATIC (adaptivesrc_debug);
#define GST_CAT_DEFAULT adaptivesrc_debug

using relay::Guarded;
using relay::Owned;

static GParamSpec *properties[gstadaptive::N_PROPS];

// In the order of presentation::Type. A source's first template is one of
// sometimes: bins look at it.
static GstStaticPadTemplate templates[] = {
    GST_STATIC_PAD_TEMPLATE (
        "video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY),
    GST_STATIC_PAD_TEMPLATE (
        "audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY),
    GST_STATIC_PAD_TEMPLATE (
        "text_%u", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS_ANY)};

namespace {

constexpr const char *default_user_agent = "GStreamer adaptivesrc " VERSION;

struct Impl
{
  explicit Impl (GstElement *element) : playback (element) {}

  Guarded<gstadaptive::Settings> settings;
  AdaptivePlayback playback;
};

}  // namespace

struct _GstAdaptiveSrc
{
  GstElement parent;
  Impl impl;
};

// ---- URIs ------------------------------------------------------------------

static const gchar *const protocols[] = {
    "hls+http", "hls+https", "dash+http", "dash+https", nullptr};

static GstURIType uri_get_type (GType)
{
  return GST_URI_SRC;
}

static const gchar *const *uri_get_protocols (GType)
{
  return protocols;
}

static gchar *uri_get_uri (GstURIHandler *handler)
{
  return gstsource::get_uri (
      GST_ADAPTIVE_SRC (handler)->impl.settings.lock ()->location);
}

// Without the "hls+" or "dash+": the manifest itself says what it is.
static std::string plain (const std::string &location)
{
  for (const char *protocol : {"hls+http", "dash+http"})
    if (g_ascii_strncasecmp (location.c_str (), protocol, strlen (protocol)) ==
        0)
      return location.substr (location.find ('+') + 1);
  return location;
}

static gboolean uri_set_uri (
    GstURIHandler *handler, const gchar *text, GError **error)
{
  if (!gstsource::is_for_http (plain (text), error)) return FALSE;
  GST_ADAPTIVE_SRC (handler)->impl.settings.lock ()->location = text;
  return TRUE;
}

static void uri_handler_init (gpointer iface, gpointer)
{
  auto *handler = static_cast<GstURIHandlerInterface *> (iface);
  handler->get_type = uri_get_type;
  handler->get_protocols = uri_get_protocols;
  handler->get_uri = uri_get_uri;
  handler->set_uri = uri_set_uri;
}

G_DEFINE_TYPE_WITH_CODE (GstAdaptiveSrc, gst_adaptive_src, GST_TYPE_ELEMENT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, uri_handler_init))
GST_ELEMENT_REGISTER_DEFINE (
    adaptivesrc, "adaptivesrc", GST_RANK_NONE, gst_adaptive_src_get_type ())

// ---- States ----------------------------------------------------------------

static bool start (GstAdaptiveSrc *self)
{
  gstadaptive::Settings settings = self->impl.settings.copy ();
  settings.location = plain (settings.location);
  AdaptivePlayback::Settings how;
  if (!gstsource::prepare (GST_ELEMENT (self), settings) ||
      !gstadaptive::prepare (GST_ELEMENT (self), settings, how))
    return false;
  self->impl.playback.start (std::move (how));
  return true;
}

static GstStateChangeReturn change_state (
    GstElement *element, GstStateChange transition)
{
  auto *self = GST_ADAPTIVE_SRC (element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  AdaptivePlayback &playback = self->impl.playback;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) playback.stop_loading ();
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_adaptive_src_parent_class)
          ->change_state (element, transition);
  if (result == GST_STATE_CHANGE_FAILURE) playback.stop_loading ();
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) playback.remove_pads ();
  return result;
}

static gboolean send_event (GstElement *element, GstEvent *raw)
{
  Owned<GstEvent> event{raw};
  if (GST_EVENT_TYPE (raw) == GST_EVENT_SEEK ||
      GST_EVENT_TYPE (raw) == GST_EVENT_TOC_SELECT)
    return GST_ADAPTIVE_SRC (element)->impl.playback.seek (raw) ? TRUE : FALSE;
  if (GST_EVENT_TYPE (raw) == GST_EVENT_SELECT_STREAMS)
    return GST_ADAPTIVE_SRC (element)->impl.playback.select (
               raw, AdaptivePlayback::Origin::application)
               ? TRUE
               : FALSE;
  return GST_ELEMENT_CLASS (gst_adaptive_src_parent_class)
      ->send_event (element, event.release ());
}

static gboolean query (GstElement *element, GstQuery *query)
{
  auto *self = GST_ADAPTIVE_SRC (element);
  if (GST_QUERY_TYPE (query) == GST_QUERY_URI) {
    std::string location = self->impl.settings.lock ()->location;
    gst_query_set_uri (query, location.c_str ());
    return TRUE;
  }
  if (auto answered = self->impl.playback.answer (query))
    return *answered ? TRUE : FALSE;
  return GST_ELEMENT_CLASS (gst_adaptive_src_parent_class)
      ->query (element, query);
}

// ---- The object ------------------------------------------------------------

static void set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  auto *self = GST_ADAPTIVE_SRC (object);
  choice::Limits limits;
  {
    auto settings = self->impl.settings.lock ();
    if (!gstadaptive::set_property (*settings, id, value))
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    limits = settings->limits;
  }
  self->impl.playback.set_limits (limits);
}

static void get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  auto *self = GST_ADAPTIVE_SRC (object);
  if (id == gstadaptive::PROP_STATS)
    g_value_take_boxed (value, self->impl.playback.stats ().release ());
  else if (!gstadaptive::get_property (self->impl.settings.copy (), id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void finalize (GObject *object)
{
  auto *self = GST_ADAPTIVE_SRC (object);
  std::destroy_at (&self->impl);
  G_OBJECT_CLASS (gst_adaptive_src_parent_class)->finalize (object);
}

static void gst_adaptive_src_init (GstAdaptiveSrc *self)
{
  std::construct_at (&self->impl, GST_ELEMENT (self));
  self->impl.settings.lock ()->fetch.user_agent = default_user_agent;
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}

static void gst_adaptive_src_class_init (GstAdaptiveSrcClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  auto *element_class = GST_ELEMENT_CLASS (klass);
  GST_DEBUG_CATEGORY_INIT (
      adaptivesrc_debug, "adaptivesrc", 0, "source for HLS and DASH");

  object_class->set_property = GST_DEBUG_FUNCPTR (set_property);
  object_class->get_property = GST_DEBUG_FUNCPTR (get_property);
  object_class->finalize = GST_DEBUG_FUNCPTR (finalize);
  gstadaptive::make_properties (properties, default_user_agent);
  g_object_class_install_properties (
      object_class, gstadaptive::N_PROPS, properties);

  gst_element_class_set_static_metadata (element_class, "Adaptive Source",
      "Source/Network", "Reads HLS and DASH over HTTP by way of a proxy",
      RELAY_AUTHOR);
  for (GstStaticPadTemplate &pad_template : templates)
    gst_element_class_add_static_pad_template (element_class, &pad_template);

  element_class->change_state = GST_DEBUG_FUNCPTR (change_state);
  element_class->send_event = GST_DEBUG_FUNCPTR (send_event);
  element_class->query = GST_DEBUG_FUNCPTR (query);
}

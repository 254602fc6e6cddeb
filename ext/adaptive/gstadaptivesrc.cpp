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

#include <gio/gio.h>
#include <glib/gi18n-lib.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstadaptivestream.h"
#include "gstfetch.h"
#include "gstsource.h"
#include "loader.h"

GST_DEBUG_CATEGORY_STATIC (adaptivesrc_debug);
#define GST_CAT_DEFAULT adaptivesrc_debug

using relay::Guarded;
using relay::Owned;

enum
{
  PROP_MAX_BITRATE = gstsource::N_PROPS,
  PROP_STATS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

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

struct Settings : gstsource::Settings
{
  guint64 max_bitrate = 0;
};

struct Shared
{
  Owned<GCancellable> cancellable;  // of the manifest's thread
  std::vector<std::shared_ptr<AdaptiveStream>> streams;
  std::optional<guint64> duration;
  bool reported = false;  // the end
};

// No two of the locks are held together.
struct Impl
{
  Guarded<Settings> settings;
  Guarded<Shared> shared;
  fetcher::Counters counters;
  std::atomic<std::uint64_t> segments{0};
  std::atomic<bool> failed{false};  // since start; it has been said
  std::thread loading;              // the manifest; of the state changes
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

// ---- Messages --------------------------------------------------------------

static bool may_fail (GstAdaptiveSrc *self)
{
  return !self->impl.failed.exchange (true);
}

static void post_load_problem (
    GstAdaptiveSrc *self, const loader::Problem &problem)
{
  const char *uri = problem.uri.c_str ();
  const char *message = problem.message.c_str ();
  switch (problem.error) {
    case loader::Error::fetch:
      // Posts nothing for a cancelled request.
      gstfetch::post_problem (GST_ELEMENT (self), problem.fetch);
      break;
    case loader::Error::not_manifest:
      GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE,
          (_ ("The resource is neither an HLS playlist nor a DASH manifest.")),
          ("%s: %s", uri, message));
      break;
    case loader::Error::malformed:
      GST_ELEMENT_ERROR (self, STREAM, DEMUX,
          (_ ("The manifest has an error.")), ("%s: %s", uri, message));
      break;
    case loader::Error::unsupported:
      GST_ELEMENT_ERROR (self, STREAM, NOT_IMPLEMENTED,
          (_ ("The presentation needs what is not supported yet.")),
          ("%s: %s", uri, message));
      break;
    case loader::Error::live:
      GST_ELEMENT_ERROR (self, STREAM, NOT_IMPLEMENTED,
          (_ ("Live presentations are not supported yet.")),
          ("%s: %s", uri, message));
      break;
  }
}

static Owned<GstStructure> stats (GstAdaptiveSrc *self)
{
  Owned<GstStructure> out =
      gstfetch::stats ("adaptivesrc-stats", self->impl.counters);
  gst_structure_set (out.get (), "segments", G_TYPE_UINT64,
      self->impl.segments.load (), nullptr);
  return out;
}

// A stream has ended, is no longer wanted, or waits for a link.
static void check_end (GstAdaptiveSrc *self)
{
  bool linked = false;
  {
    auto shared = self->impl.shared.lock ();
    if (shared->reported ||
        g_cancellable_is_cancelled (shared->cancellable.get ()))
      return;
    for (const auto &stream : shared->streams) {
      GstFlowReturn flow = stream->flow ();
      if (flow == GST_FLOW_OK) return;
      linked = linked || flow != GST_FLOW_NOT_LINKED;
    }
    shared->reported = linked;
  }
  if (linked)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_element (GST_OBJECT (self), stats (self).release ()));
  else if (may_fail (self))
    GST_ELEMENT_FLOW_ERROR (self, GST_FLOW_NOT_LINKED);
}

// ---- The manifest's thread -------------------------------------------------

// Null when the element has been stopped.
static std::shared_ptr<AdaptiveStream> add_stream (GstAdaptiveSrc *self,
    const AdaptiveStream::Shared &common, loader::Selection selection)
{
  auto stream =
      std::make_shared<AdaptiveStream> (common, std::move (selection));
  auto shared = self->impl.shared.lock ();
  if (g_cancellable_is_cancelled (shared->cancellable.get ())) return nullptr;
  shared->streams.push_back (stream);
  return stream;
}

// Adds a pad for each track, and sets all of them going.
static void expose (GstAdaptiveSrc *self, loader::Loaded loaded,
    const AdaptiveStream::Shared &common)
{
  std::array<unsigned, std::size (templates)> counts{};
  std::vector<std::shared_ptr<AdaptiveStream>> added;
  for (loader::Selection &selection : loaded.selections) {
    auto type = static_cast<std::size_t> (selection.type);
    std::string name = templates[type].name_template;
    name.replace (name.find ("%u"), 2, std::to_string (counts[type]++));
    AdaptiveStream::post_variant (
        GST_ELEMENT (self), name, selection.representation);

    auto stream = add_stream (self, common, std::move (selection));
    if (!stream || !stream->find_format ()) return;
    GstPad *pad = stream->make_pad (
        gst_element_class_get_pad_template (
            GST_ELEMENT_GET_CLASS (self), templates[type].name_template),
        name);
    gst_element_add_pad (GST_ELEMENT (self), pad);
    added.push_back (std::move (stream));
  }
  gst_element_no_more_pads (GST_ELEMENT (self));
  // Not earlier: a pipeline whose sinks are all at EOS is at its end, even when
  // there would have been another pad.
  for (const auto &stream : added) stream->start ();
}

static AdaptiveStream::Shared make_common (
    GstAdaptiveSrc *self, const fetcher::Settings &settings)
{
  AdaptiveStream::Shared common;
  common.element = GST_ELEMENT (self);
  common.settings = settings;
  common.counters = &self->impl.counters;
  common.segments = &self->impl.segments;
  common.ended = [self] { check_end (self); };
  common.may_fail = [self] { return may_fail (self); };
  common.group_id = gst_util_group_id_next ();
  return common;
}

static void load (GstAdaptiveSrc *self, const Settings &settings)
{
  Owned<GCancellable> cancellable =
      relay::share (self->impl.shared.lock ()->cancellable.get ());
  auto loaded = loader::load (settings.fetch, settings.location,
      settings.max_bitrate, cancellable.get (), &self->impl.counters);
  if (!loaded) {
    if (may_fail (self)) post_load_problem (self, loaded.code ());
    return;
  }
  if (loaded->duration) {
    self->impl.shared.lock ()->duration = *loaded->duration;
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_duration_changed (GST_OBJECT (self)));
  }
  AdaptiveStream::Shared common = make_common (self, settings.fetch);
  common.start = loaded->start;
  expose (self, std::move (*loaded), common);
}

// ---- States ----------------------------------------------------------------

static bool start (GstAdaptiveSrc *self)
{
  Settings settings = self->impl.settings.copy ();
  settings.location = plain (settings.location);
  if (!gstsource::prepare (GST_ELEMENT (self), settings)) return false;
  self->impl.failed = false;
  Shared fresh;
  fresh.cancellable.reset (g_cancellable_new ());
  *self->impl.shared.lock () = std::move (fresh);
  self->impl.loading = std::thread (load, self, std::move (settings));
  return true;
}

// Breaks off every request, and waits for the manifest's thread; what waits in
// a push is freed by the pads' deactivation.
static void stop_loading (GstAdaptiveSrc *self)
{
  if (!self->impl.loading.joinable ()) return;
  std::vector<std::shared_ptr<AdaptiveStream>> streams;
  Owned<GCancellable> cancellable;
  {
    auto shared = self->impl.shared.lock ();
    streams = shared->streams;
    cancellable = relay::share (shared->cancellable.get ());
    // From here on none is added.
    g_cancellable_cancel (cancellable.get ());
  }
  for (const auto &stream : streams) stream->cancel ();
  self->impl.loading.join ();
}

static void remove_pads (GstAdaptiveSrc *self)
{
  std::vector<Owned<GstPad>> pads;
  GST_OBJECT_LOCK (self);
  for (GList *at = GST_ELEMENT (self)->srcpads; at != nullptr; at = at->next)
    pads.push_back (relay::share (GST_PAD (at->data)));
  GST_OBJECT_UNLOCK (self);
  for (const auto &pad : pads)
    gst_element_remove_pad (GST_ELEMENT (self), pad.get ());
  self->impl.shared.lock ()->streams.clear ();
}

static GstStateChangeReturn change_state (
    GstElement *element, GstStateChange transition)
{
  auto *self = GST_ADAPTIVE_SRC (element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) stop_loading (self);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_adaptive_src_parent_class)
          ->change_state (element, transition);
  if (result == GST_STATE_CHANGE_FAILURE) stop_loading (self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) remove_pads (self);
  return result;
}

static gboolean query (GstElement *element, GstQuery *query)
{
  auto *self = GST_ADAPTIVE_SRC (element);
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_DURATION: {
      GstFormat format = GST_FORMAT_UNDEFINED;
      gst_query_parse_duration (query, &format, nullptr);
      auto duration = self->impl.shared.lock ()->duration;
      if (format != GST_FORMAT_TIME || !duration) return FALSE;
      gst_query_set_duration (query, format, static_cast<gint64> (*duration));
      return TRUE;
    }
    case GST_QUERY_URI: {
      std::string location = self->impl.settings.lock ()->location;
      gst_query_set_uri (query, location.c_str ());
      return TRUE;
    }
    default:
      if (AdaptiveStream::answer (query)) return TRUE;
      return GST_ELEMENT_CLASS (gst_adaptive_src_parent_class)
          ->query (element, query);
  }
}

// ---- The object ------------------------------------------------------------

static void set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  auto settings = GST_ADAPTIVE_SRC (object)->impl.settings.lock ();
  if (gstsource::set_property (*settings, id, value)) return;
  if (id == PROP_MAX_BITRATE)
    settings->max_bitrate = g_value_get_uint64 (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  auto *self = GST_ADAPTIVE_SRC (object);
  Settings settings = self->impl.settings.copy ();
  if (gstsource::get_property (settings, id, value)) return;
  switch (id) {
    case PROP_MAX_BITRATE:
      g_value_set_uint64 (value, settings.max_bitrate);
      break;
    case PROP_STATS:
      g_value_take_boxed (value, stats (self).release ());
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void finalize (GObject *object)
{
  auto *self = GST_ADAPTIVE_SRC (object);
  // Whoever had the element before let go of it by GLib's reference count,
  // which thread sanitizers do not see. A lock they do.
  (void)self->impl.shared.lock ();
  std::destroy_at (&self->impl);
  G_OBJECT_CLASS (gst_adaptive_src_parent_class)->finalize (object);
}

static void gst_adaptive_src_init (GstAdaptiveSrc *self)
{
  std::construct_at (&self->impl);
  self->impl.settings.lock ()->fetch.user_agent = default_user_agent;
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}

static void install_properties (GObjectClass *object_class)
{
  gstsource::make_properties (properties,
      "URI of the manifest (http, https, or one of these after hls+ or dash+)",
      default_user_agent);
  /**
   * GstAdaptiveSrc:max-bitrate:
   *
   * The highest representation (HLS: variant) whose bandwidth in bit/s is not
   * above this is taken, the lowest one when all are. 0: no limit. Default 0.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_BITRATE] = g_param_spec_uint64 ("max-bitrate",
      "Maximum bitrate",
      "Highest bandwidth in bit/s of a track's representation (0 = no limit)",
      0, G_MAXUINT64, 0,
      static_cast<GParamFlags> (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                GST_PARAM_MUTABLE_READY));
  /**
   * GstAdaptiveSrc:stats:
   *
   * Counters since the element was made, all of them guint64: those of
   * #GstProxyHttpSrc:stats over all requests, and segments, the media segments
   * that were sent on whole.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters: requests, segments, bytes and more", GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_properties (object_class, N_PROPS, properties);
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
  install_properties (object_class);

  gst_element_class_set_static_metadata (element_class, "Adaptive Source",
      "Source/Network", "Reads HLS and DASH over HTTP by way of a proxy",
      RELAY_AUTHOR);
  for (GstStaticPadTemplate &pad_template : templates)
    gst_element_class_add_static_pad_template (element_class, &pad_template);

  element_class->change_state = GST_DEBUG_FUNCPTR (change_state);
  element_class->query = GST_DEBUG_FUNCPTR (query);
}

// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-proxyhttpsrc
 * @title: proxyhttpsrc
 * @short_description: reads one resource over HTTP, by way of a proxy
 *
 * Reads the resource at #GstProxyHttpSrc:location, as souphttpsrc does, and
 * keeps to the proxy that it is given: when the proxy fails the element fails,
 * it never goes to the origin directly. A body that breaks off is resumed where
 * it broke, and a cut one is never taken for a whole one.
 *
 * |[
 * gst-launch-1.0 proxyhttpsrc location=http://127.0.0.1:8000/clip.mp4
 *     proxy=http://127.0.0.2:8888 ! decodebin ! fakesink
 * ]|
 *
 * Messages: `http-headers`, when the headers of a response are there, with the
 * fields of souphttpsrc's message (and sticky event) of this name; values of
 * Authorization, Cookie and Set-Cookie are ***. `proxyhttpsrc-stats` at EOS,
 * with the fields of #GstProxyHttpSrc:stats.
 *
 * Since: 0.1
 */

#include "config.h"

#include "gstproxyhttpsrc.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>

#include "block.h"
#include "common/gstpp.h"
#include "common/guarded.h"
#include "fetcher.h"
#include "gstannounce.h"
#include "gstblocks.h"
#include "gstfetch.h"
#include "gsthttpsettings.h"

GST_DEBUG_CATEGORY_STATIC (proxyhttpsrc_debug);
#define GST_CAT_DEFAULT proxyhttpsrc_debug

using relay::Guarded;
using relay::Owned;

enum
{
  PROP_IS_LIVE = gsthttpsettings::N_PROPS,
  PROP_STATS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

namespace {

constexpr const char *default_user_agent = "GStreamer proxyhttpsrc " VERSION;

using gsthttpsettings::Settings;

// What a query may ask for while the streaming thread works.
struct Shared
{
  Owned<GCancellable> cancellable{g_cancellable_new ()};
  // Of the first response; nothing is known, and nothing asked, before it.
  bool known = false;
  bool seekable = false;
  std::optional<guint64> size;
  std::string redirection;
  bool redirection_permanent = false;
};

// Of the streaming thread, and of start, stop and do_seek, which are called
// while it does not run.
struct State
{
  fetcher::Settings fetch;
  std::string method;
  bool compress = false;
  gstannounce::LogLevel log_level = gstannounce::LogLevel::none;
  std::string location;             // without userinfo
  Owned<GCancellable> cancellable;  // of the response
  std::unique_ptr<fetcher::Response> response;
  std::shared_ptr<pool::Pool> pool;
  guint64 position = 0;
  std::optional<guint64> stop;
  block::Size block;
};

// No two of the locks are held together.
struct Impl
{
  Guarded<Settings> settings;
  Guarded<Shared> shared;
  fetcher::Counters counters;
  std::atomic<bool> failed{false};  // since start; it has been said
  State state;
};

}  // namespace

struct _GstProxyHttpSrc
{
  GstPushSrc parent;
  Impl impl;
};

static GstURIType uri_get_type (GType)
{
  return GST_URI_SRC;
}

static const gchar *const *uri_get_protocols (GType)
{
  static const gchar *protocols[] = {"http", "https", nullptr};
  return protocols;
}

static gchar *uri_get_uri (GstURIHandler *handler)
{
  return gstsource::get_uri (
      GST_PROXY_HTTP_SRC (handler)->impl.settings.lock ()->location);
}

static gboolean uri_set_uri (
    GstURIHandler *handler, const gchar *text, GError **error)
{
  if (!gstsource::is_for_http (text, error)) return FALSE;
  GST_PROXY_HTTP_SRC (handler)->impl.settings.lock ()->location = text;
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

G_DEFINE_TYPE_WITH_CODE (GstProxyHttpSrc, gst_proxy_http_src, GST_TYPE_PUSH_SRC,
    G_IMPLEMENT_INTERFACE (GST_TYPE_URI_HANDLER, uri_handler_init))
GST_ELEMENT_REGISTER_DEFINE (proxyhttpsrc, "proxyhttpsrc", GST_RANK_MARGINAL,
    gst_proxy_http_src_get_type ())

// GstBaseSrc says "internal data stream error" after each error of ours: one is
// enough.
static gboolean post_message (GstElement *element, GstMessage *message)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR &&
      GST_PROXY_HTTP_SRC (element)->impl.failed.exchange (true)) {
    gst_message_unref (message);
    return TRUE;
  }
  return GST_ELEMENT_CLASS (gst_proxy_http_src_parent_class)
      ->post_message (element, message);
}

static gboolean start (GstBaseSrc *base)
{
  auto *self = GST_PROXY_HTTP_SRC (base);
  Settings settings = self->impl.settings.copy ();
  self->impl.failed = false;
  if (!gsthttpsettings::prepare (GST_ELEMENT (self), settings)) return FALSE;
  State state;
  state.pool = gstblocks::shared_pool ();
  state.location = std::move (settings.location);
  state.method = std::move (settings.method);
  state.compress = settings.compress;
  state.log_level = settings.log_level;
  state.fetch = std::move (settings.fetch);
  self->impl.state = std::move (state);
  *self->impl.shared.lock () = Shared{};
  return TRUE;
}

static gboolean stop (GstBaseSrc *base)
{
  auto *self = GST_PROXY_HTTP_SRC (base);
  self->impl.state = {};
  *self->impl.shared.lock () = Shared{};
  return TRUE;
}

static gboolean unlock (GstBaseSrc *base)
{
  auto *self = GST_PROXY_HTTP_SRC (base);
  // A reference: its callbacks run without our lock.
  Owned<GCancellable> cancellable =
      relay::share (self->impl.shared.lock ()->cancellable.get ());
  g_cancellable_cancel (cancellable.get ());
  return TRUE;
}

static gboolean unlock_stop (GstBaseSrc *base)
{
  auto *self = GST_PROXY_HTTP_SRC (base);
  Owned<GCancellable> fresh{g_cancellable_new ()};
  self->impl.shared.lock ()->cancellable.swap (fresh);
  return TRUE;
}

static gboolean is_seekable (GstBaseSrc *base)
{
  auto shared = GST_PROXY_HTTP_SRC (base)->impl.shared.lock ();
  // Before the first response nothing is asked for an answer's sake: where
  // ranges turn out not to be served, the fetcher reads up to the place.
  return !shared->known || shared->seekable;
}

static gboolean get_size (GstBaseSrc *base, guint64 *size)
{
  std::optional<guint64> known =
      GST_PROXY_HTTP_SRC (base)->impl.shared.lock ()->size;
  if (known) *size = *known;
  return known.has_value ();
}

static gboolean do_seek (GstBaseSrc *base, GstSegment *segment)
{
  State &state = GST_PROXY_HTTP_SRC (base)->impl.state;
  if (segment->rate < 0.0) return FALSE;
  // It begins anew, and what fails then is another failure.
  GST_PROXY_HTTP_SRC (base)->impl.failed = false;
  guint64 position = segment->start;
  std::optional<guint64> end;
  if (GST_CLOCK_TIME_IS_VALID (segment->stop)) end = segment->stop;
  // The body goes on when it is just where it should be. That is also how it
  // begins with do-timestamp, when the segment is one of time.
  if (position == state.position && end == state.stop) {
    segment->position = position;
    return TRUE;
  }
  if (segment->format != GST_FORMAT_BYTES) return FALSE;
  state.response.reset ();
  state.position = position;
  state.stop = end;
  segment->position = position;
  return TRUE;
}

// Tells everybody what the headers say.
static void announce (GstProxyHttpSrc *self, const fetcher::Head &head)
{
  bool resized = false;
  {
    auto shared = self->impl.shared.lock ();
    shared->known = true;
    shared->seekable = gstfetch::is_seekable (head);
    resized = shared->size != head.total;
    shared->size = head.total;
    shared->redirection_permanent = head.permanent_uri == head.uri;
    shared->redirection = head.uri != self->impl.state.location ? head.uri : "";
  }
  if (resized && head.total) {
    GST_OBJECT_LOCK (self);
    GST_BASE_SRC (self)->segment.duration = *head.total;
    GST_OBJECT_UNLOCK (self);
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_duration_changed (GST_OBJECT (self)));
  }
  gstannounce::log (
      GST_BASE_SRC (self), GST_CAT_DEFAULT, self->impl.state.log_level, head);
  gstannounce::headers (
      GST_BASE_SRC (self), self->impl.state.location.c_str (), head);
}

// A problem as the streaming thread's end.
static GstFlowReturn fail (
    GstProxyHttpSrc *self, const fetcher::Problem &problem)
{
  self->impl.state.response.reset ();
  if (problem.error == fetcher::Error::cancelled) return GST_FLOW_FLUSHING;
  if (problem.head) {
    gstannounce::log (GST_BASE_SRC (self), GST_CAT_DEFAULT,
        self->impl.state.log_level, *problem.head);
    gstannounce::refusal (
        GST_BASE_SRC (self), self->impl.state.location.c_str (), *problem.head);
  }
  gstfetch::post_problem (GST_ELEMENT (self), problem);
  return GST_FLOW_ERROR;
}

// There is a response to read at the position, or why not.
static GstFlowReturn ensure_response (GstProxyHttpSrc *self)
{
  State &state = self->impl.state;
  Owned<GCancellable> current;
  std::optional<guint64> size;
  {
    auto shared = self->impl.shared.lock ();
    current = relay::share (shared->cancellable.get ());
    size = shared->size;
  }
  if (g_cancellable_is_cancelled (current.get ())) return GST_FLOW_FLUSHING;
  // What was under way at a flush cannot be read on.
  if (state.response && state.cancellable == current) return GST_FLOW_OK;
  state.response.reset ();
  if (size && state.position >= *size && state.position > 0)
    return GST_FLOW_EOS;

  fetcher::Request request{
      state.location, {}, fetcher::Kind::media, state.method, state.compress};
  if (state.position > 0 || state.stop)
    request.range.emplace (fetcher::Range{state.position, {}});
  if (state.stop) {
    if (*state.stop <= state.position) return GST_FLOW_EOS;
    request.range->last = *state.stop - 1;
  }
  auto response = fetcher::send (
      state.fetch, request, current.get (), &self->impl.counters);
  if (!response) return fail (self, response.code ());
  state.response = std::move (*response);
  state.cancellable = std::move (current);
  announce (self, state.response->head ());
  return GST_FLOW_OK;
}

static GstFlowReturn create (GstPushSrc *push, GstBuffer **out)
{
  auto *self = GST_PROXY_HTTP_SRC (push);
  State &state = self->impl.state;
  GstFlowReturn flow = ensure_response (self);
  if (flow != GST_FLOW_OK) return flow;

  guint size = state.block.next (
      std::max (gst_base_src_get_blocksize (GST_BASE_SRC (push)), 1u));
  fetcher::Result<gstblocks::Read> read =
      gstblocks::read (*state.response, state.pool, size);
  if (!read) return fail (self, read.code ());
  auto &[buffer, count] = *read;
  if (!buffer) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        (_ ("There is no memory left for what is read.")), ("%u bytes", size));
    return GST_FLOW_ERROR;
  }
  if (count == 0) return GST_FLOW_EOS;
  if (state.position == 0)
    gstfetch::warn_of_manifest (
        GST_ELEMENT (self), state.response->head (), buffer.get (), count);

  GST_BUFFER_OFFSET (buffer.get ()) = state.position;
  state.position += count;
  GST_BUFFER_OFFSET_END (buffer.get ()) = state.position;
  state.block.took (count);
  *out = buffer.release ();
  return GST_FLOW_OK;
}

static gboolean query (GstBaseSrc *base, GstQuery *query)
{
  auto *self = GST_PROXY_HTTP_SRC (base);
  if (gstsource::answer_credentials (self->impl.settings.copy (), query))
    return TRUE;
  if (!GST_BASE_SRC_CLASS (gst_proxy_http_src_parent_class)
           ->query (base, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_SCHEDULING) {
    gstfetch::limit_bandwidth (query);
  } else if (GST_QUERY_TYPE (query) == GST_QUERY_URI) {
    auto shared = self->impl.shared.lock ();
    if (!shared->redirection.empty ()) {
      gst_query_set_uri_redirection (query, shared->redirection.c_str ());
      gst_query_set_uri_redirection_permanent (
          query, shared->redirection_permanent);
    }
  }
  return TRUE;
}

// However the stream ends.
static GstPadProbeReturn on_event (
    GstPad *, GstPadProbeInfo *info, gpointer data)
{
  auto *self = static_cast<GstProxyHttpSrc *> (data);
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_element (GST_OBJECT (self),
            gstfetch::stats ("proxyhttpsrc-stats", self->impl.counters)
                .release ()));
  return GST_PAD_PROBE_OK;
}

static void set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  auto *self = GST_PROXY_HTTP_SRC (object);
  if (id == PROP_IS_LIVE)
    gst_base_src_set_live (GST_BASE_SRC (object), g_value_get_boolean (value));
  else if (!gsthttpsettings::set_property (
               *self->impl.settings.lock (), id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  auto *self = GST_PROXY_HTTP_SRC (object);
  switch (id) {
    case PROP_IS_LIVE:
      g_value_set_boolean (value, gst_base_src_is_live (GST_BASE_SRC (object)));
      break;
    case PROP_STATS:
      g_value_take_boxed (
          value, gstfetch::stats ("proxyhttpsrc-stats", self->impl.counters)
                     .release ());
      break;
    default:
      if (!gsthttpsettings::get_property (
              self->impl.settings.copy (), id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void finalize (GObject *object)
{
  auto *self = GST_PROXY_HTTP_SRC (object);
  // Whoever had the element before let go of it by GLib's reference count,
  // which thread sanitizers do not see. A lock they do.
  (void)self->impl.shared.lock ();
  std::destroy_at (&self->impl);
  G_OBJECT_CLASS (gst_proxy_http_src_parent_class)->finalize (object);
}

static void gst_proxy_http_src_init (GstProxyHttpSrc *self)
{
  std::construct_at (&self->impl);
  self->impl.settings.lock ()->fetch.user_agent = default_user_agent;
  GstBaseSrc *base = GST_BASE_SRC (self);
  gst_base_src_set_format (base, GST_FORMAT_BYTES);
  gst_base_src_set_blocksize (base, block::largest);
  gst_pad_add_probe (GST_BASE_SRC_PAD (self),
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, self, nullptr);
}

static void install_properties (GObjectClass *object_class)
{
  gsthttpsettings::make_properties (properties, default_user_agent);
  /**
   * GstProxyHttpSrc:is-live:
   *
   * Act as a live source: no data before PLAYING. Default: %FALSE.
   *
   * Since: 0.1
   */
  properties[PROP_IS_LIVE] = g_param_spec_boolean ("is-live", "Is live",
      "Act as a live source, which sends no data before PLAYING", FALSE,
      static_cast<GParamFlags> (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                GST_PARAM_MUTABLE_READY));
  /**
   * GstProxyHttpSrc:stats:
   *
   * Counters since the element was made, all of them guint64: requests,
   * requests-proxied, retries, redirects, connections (new ones),
   * bytes-received, and ttfb-ns, the time to the first byte of the last
   * response in nanoseconds.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters: requests, connections, bytes and more", GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void gst_proxy_http_src_class_init (GstProxyHttpSrcClass *klass)
{
  auto *object_class = G_OBJECT_CLASS (klass);
  auto *element_class = GST_ELEMENT_CLASS (klass);
  auto *base_class = GST_BASE_SRC_CLASS (klass);
  auto *push_class = GST_PUSH_SRC_CLASS (klass);
  GST_DEBUG_CATEGORY_INIT (proxyhttpsrc_debug, "proxyhttpsrc", 0,
      "source for one resource over HTTP");

  object_class->set_property = GST_DEBUG_FUNCPTR (set_property);
  object_class->get_property = GST_DEBUG_FUNCPTR (get_property);
  object_class->finalize = GST_DEBUG_FUNCPTR (finalize);
  install_properties (object_class);

  gst_element_class_set_static_metadata (element_class, "Proxy HTTP Source",
      "Source/Network", "Reads a resource over HTTP by way of a proxy",
      RELAY_AUTHOR);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_type_mark_as_plugin_api (
      gstannounce::log_level_get_type (), static_cast<GstPluginAPIFlags> (0));

  element_class->post_message = GST_DEBUG_FUNCPTR (post_message);
  base_class->start = GST_DEBUG_FUNCPTR (start);
  base_class->stop = GST_DEBUG_FUNCPTR (stop);
  base_class->unlock = GST_DEBUG_FUNCPTR (unlock);
  base_class->unlock_stop = GST_DEBUG_FUNCPTR (unlock_stop);
  base_class->is_seekable = GST_DEBUG_FUNCPTR (is_seekable);
  base_class->get_size = GST_DEBUG_FUNCPTR (get_size);
  base_class->do_seek = GST_DEBUG_FUNCPTR (do_seek);
  base_class->query = GST_DEBUG_FUNCPTR (query);
  push_class->create = GST_DEBUG_FUNCPTR (create);
}

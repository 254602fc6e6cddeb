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

#include "common/gstpp.h"
#include "common/guarded.h"
#include "fetcher.h"
#include "gstfetch.h"
#include "http.h"
#include "route.h"
#include "uri.h"

GST_DEBUG_CATEGORY_STATIC (proxyhttpsrc_debug);
#define GST_CAT_DEFAULT proxyhttpsrc_debug

template <>
inline constexpr bool relay::is_gobject<GCancellable> = true;

using relay::Guarded;
using relay::Owned;

enum
{
  PROP_0,
  PROP_LOCATION,
  PROP_PROXY,
  PROP_PROXY_ID,
  PROP_PROXY_PW,
  PROP_USER_AGENT,
  PROP_EXTRA_HEADERS,
  PROP_AUTOMATIC_REDIRECT,
  PROP_TIMEOUT,
  PROP_RETRIES,
  PROP_SSL_STRICT,
  PROP_IS_LIVE,
  PROP_STATS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

namespace {

constexpr const char *default_user_agent = "GStreamer proxyhttpsrc " VERSION;
// Buffers follow the speed of the line between these, so that a slow one does
// not fill queues with buffers that are mostly empty.
constexpr guint smallest_block = 4 * 1024;
constexpr guint largest_block = 256 * 1024;

struct Settings
{
  std::string location;
  fetcher::Settings fetch;
};

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
  std::string location;             // without userinfo
  Owned<GCancellable> cancellable;  // of the response
  std::unique_ptr<fetcher::Response> response;
  guint64 position = 0;
  std::optional<guint64> stop;
  guint block = smallest_block;
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
  std::string location =
      GST_PROXY_HTTP_SRC (handler)->impl.settings.lock ()->location;
  // The property may hold anything, until it is asked for.
  return gst_uri_is_valid (location.c_str ()) ? g_strdup (location.c_str ())
                                              : nullptr;
}

static gboolean uri_set_uri (
    GstURIHandler *handler, const gchar *text, GError **error)
{
  auto *self = GST_PROXY_HTTP_SRC (handler);
  uri::Result<uri::Uri> parsed = uri::parse (text);
  if (!parsed || uri::origin (*parsed).empty ()) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
        "Not a URI for HTTP: %s", uri::without_secrets (text).c_str ());
    return FALSE;
  }
  self->impl.settings.lock ()->location = text;
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
  if (settings.location.empty ()) {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        (_ ("No address to read from is set.")), ("location is empty"));
    return FALSE;
  }
  State state;
  state.location = fetcher::use_location (settings.fetch, settings.location);
  settings.fetch.name = GST_OBJECT_NAME (self);
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
  if (segment->rate < 0.0 || segment->format != GST_FORMAT_BYTES) return FALSE;
  guint64 position = segment->start;
  std::optional<guint64> end;
  if (GST_CLOCK_TIME_IS_VALID (segment->stop)) end = segment->stop;
  // The body goes on when it is just where it should be.
  if (position != state.position || end != state.stop) state.response.reset ();
  state.position = position;
  state.stop = end;
  segment->position = position;
  return TRUE;
}

// Of raw audio the caps are in the Content-Type; all else is found by its data.
static Owned<GstCaps> caps_of (const fetcher::Head &head)
{
  if (!http::same_name (head.content_type, "audio/L16")) return nullptr;
  std::string type;
  for (const auto &[name, value] : head.headers)
    if (http::same_name (name, "Content-Type")) type = value;
  std::uint64_t rate = http::number_parameter (type, "rate").value_or (44100);
  std::uint64_t channels =
      http::number_parameter (type, "channels").value_or (2);
  if (rate == 0 || rate > G_MAXINT || channels == 0 || channels > 64)
    return nullptr;
  return Owned<GstCaps>{gst_caps_new_simple ("audio/x-unaligned-raw", "format",
      G_TYPE_STRING, "S16BE", "layout", G_TYPE_STRING, "interleaved",
      "channels", G_TYPE_INT, static_cast<int> (channels), "rate", G_TYPE_INT,
      static_cast<int> (rate), nullptr)};
}

// Tells everybody what the headers say.
static void announce (GstProxyHttpSrc *self, const fetcher::Head &head)
{
  bool resized = false;
  {
    auto shared = self->impl.shared.lock ();
    shared->known = true;
    shared->seekable = head.seekable;
    resized = shared->size != head.total;
    shared->size = head.total;
    shared->redirection_permanent = head.permanent_uri == head.uri;
    shared->redirection = head.uri != self->impl.state.location ? head.uri : "";
  }
  if (resized && head.total) {
    GstBaseSrc *base = GST_BASE_SRC (self);
    GST_OBJECT_LOCK (self);
    base->segment.duration = *head.total;
    GST_OBJECT_UNLOCK (self);
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_duration_changed (GST_OBJECT (self)));
  }
  if (Owned<GstCaps> caps = caps_of (head))
    gst_base_src_set_caps (GST_BASE_SRC (self), caps.get ());
  Owned<GstStructure> headers =
      gstfetch::http_headers (self->impl.state.location.c_str (), head);
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self),
                              gst_structure_copy (headers.get ())));
  gst_pad_push_event (GST_BASE_SRC_PAD (self),
      gst_event_new_custom (
          GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, headers.release ()));
}

// A problem as the streaming thread's end.
static GstFlowReturn fail (
    GstProxyHttpSrc *self, const fetcher::Problem &problem)
{
  self->impl.state.response.reset ();
  if (problem.error == fetcher::Error::cancelled) return GST_FLOW_FLUSHING;
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

  fetcher::Request request{state.location, {}, fetcher::Kind::media};
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

  guint largest =
      std::max (gst_base_src_get_blocksize (GST_BASE_SRC (push)), 1u);
  state.block = std::min (state.block, largest);
  Owned<GstBuffer> buffer{
      gst_buffer_new_allocate (nullptr, state.block, nullptr)};
  if (!buffer) return GST_FLOW_ERROR;
  fetcher::Result<std::size_t> count = std::size_t{0};
  {
    relay::MappedBuffer map (buffer.get (), GST_MAP_WRITE);
    if (!map) return GST_FLOW_ERROR;
    count = state.response->read (map.writable ().data (), state.block);
  }
  if (!count) return fail (self, count.code ());
  if (*count == 0) return GST_FLOW_EOS;

  gst_buffer_set_size (buffer.get (), static_cast<gssize> (*count));
  GST_BUFFER_OFFSET (buffer.get ()) = state.position;
  state.position += *count;
  GST_BUFFER_OFFSET_END (buffer.get ()) = state.position;
  if (*count == state.block)
    state.block = state.block > largest / 2 ? largest : state.block * 2;
  else if (*count < state.block / 4)
    state.block =
        std::max (state.block / 2, std::min (smallest_block, largest));
  *out = buffer.release ();
  return GST_FLOW_OK;
}

static gboolean query (GstBaseSrc *base, GstQuery *query)
{
  auto *self = GST_PROXY_HTTP_SRC (base);
  if (!GST_BASE_SRC_CLASS (gst_proxy_http_src_parent_class)
           ->query (base, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_SCHEDULING) {
    GstSchedulingFlags flags;
    gint minimum = 0;
    gint maximum = 0;
    gint alignment = 0;
    gst_query_parse_scheduling (query, &flags, &minimum, &maximum, &alignment);
    flags = static_cast<GstSchedulingFlags> (
        flags | GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED);
    gst_query_set_scheduling (query, flags, minimum, maximum, alignment);
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

static std::string text_of (const GValue *value)
{
  const gchar *text = g_value_get_string (value);
  return text != nullptr ? text : "";
}

static void set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  auto *self = GST_PROXY_HTTP_SRC (object);
  auto settings = self->impl.settings.lock ();
  switch (id) {
    case PROP_LOCATION:
      // Kept as it is: what cannot be asked for fails when it is asked for.
      settings->location = text_of (value);
      break;
    case PROP_PROXY:
      settings->fetch.proxy = text_of (value);
      break;
    case PROP_PROXY_ID:
      settings->fetch.proxy_id = text_of (value);
      break;
    case PROP_PROXY_PW:
      settings->fetch.proxy_pw = text_of (value);
      break;
    case PROP_USER_AGENT:
      settings->fetch.user_agent = text_of (value);
      break;
    case PROP_EXTRA_HEADERS:
      settings->fetch.extra_headers =
          gstfetch::headers_from (gst_value_get_structure (value));
      break;
    case PROP_AUTOMATIC_REDIRECT:
      settings->fetch.automatic_redirect = g_value_get_boolean (value);
      break;
    case PROP_TIMEOUT:
      settings->fetch.timeout = std::chrono::seconds (g_value_get_uint (value));
      break;
    case PROP_RETRIES:
      settings->fetch.retries = g_value_get_int (value);
      break;
    case PROP_SSL_STRICT:
      settings->fetch.ssl_strict = g_value_get_boolean (value);
      break;
    case PROP_IS_LIVE:
      gst_base_src_set_live (
          GST_BASE_SRC (object), g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  auto *self = GST_PROXY_HTTP_SRC (object);
  Settings settings = self->impl.settings.copy ();
  auto set_text = [value] (const std::string &text) {
    g_value_set_string (value, text.empty () ? nullptr : text.c_str ());
  };
  switch (id) {
    case PROP_LOCATION:
      set_text (settings.location);
      break;
    case PROP_PROXY:
      g_value_set_string (value, route::shown (settings.fetch.proxy).c_str ());
      break;
    case PROP_PROXY_ID:
      set_text (settings.fetch.proxy_id);
      break;
    case PROP_USER_AGENT:
      g_value_set_string (value, settings.fetch.user_agent.c_str ());
      break;
    case PROP_EXTRA_HEADERS:
      if (!settings.fetch.extra_headers.empty ())
        g_value_take_boxed (value, gstfetch::structure_from ("extra-headers",
                                       settings.fetch.extra_headers)
                                       .release ());
      break;
    case PROP_AUTOMATIC_REDIRECT:
      g_value_set_boolean (value, settings.fetch.automatic_redirect);
      break;
    case PROP_TIMEOUT:
      g_value_set_uint (value,
          static_cast<guint> (std::chrono::duration_cast<std::chrono::seconds> (
              settings.fetch.timeout)
                                  .count ()));
      break;
    case PROP_RETRIES:
      g_value_set_int (value, settings.fetch.retries);
      break;
    case PROP_SSL_STRICT:
      g_value_set_boolean (value, settings.fetch.ssl_strict);
      break;
    case PROP_IS_LIVE:
      g_value_set_boolean (value, gst_base_src_is_live (GST_BASE_SRC (object)));
      break;
    case PROP_STATS:
      g_value_take_boxed (
          value, gstfetch::stats ("proxyhttpsrc-stats", self->impl.counters)
                     .release ());
      break;
    default:
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
  gst_base_src_set_blocksize (base, largest_block);
  gst_pad_add_probe (GST_BASE_SRC_PAD (self),
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, self, nullptr);
}

static void install_properties (GObjectClass *object_class)
{
  const fetcher::Settings defaults;
  constexpr auto ready = static_cast<GParamFlags> (
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

  /**
   * GstProxyHttpSrc:location:
   *
   * What to read: a URI with the scheme http or https. Its percent-encodings
   * are sent as they are. Userinfo is sent as Basic credentials to this origin
   * only. It reads back whole, as in souphttpsrc. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_LOCATION] = g_param_spec_string ("location", "Location",
      "URI to read from (http or https)", nullptr, ready);
  /**
   * GstProxyHttpSrc:proxy:
   *
   * The proxy for every request: host, host:port or a URI with the scheme http,
   * https, socks5, socks5h, socks4, socks4a or socks; names are resolved at a
   * SOCKS proxy. Userinfo is allowed; the password reads back as ***. Empty:
   * what the system says (environment, desktop). Default: empty.
   *
   * Since: 0.1
   */
  properties[PROP_PROXY] = g_param_spec_string ("proxy", "Proxy",
      "Proxy as host:port or URI (http, https, socks5, socks4a), never passed "
      "by when it fails (empty = as the system says)",
      "", ready);
  /**
   * GstProxyHttpSrc:proxy-id:
   *
   * User name for the proxy, in place of the one in #GstProxyHttpSrc:proxy.
   * Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_PROXY_ID] = g_param_spec_string ("proxy-id", "Proxy user",
      "User name for the proxy (empty = the one of proxy)", nullptr, ready);
  /**
   * GstProxyHttpSrc:proxy-pw:
   *
   * Password for the proxy, in place of the one in #GstProxyHttpSrc:proxy.
   * Write-only. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_PROXY_PW] = g_param_spec_string ("proxy-pw", "Proxy password",
      "Password for the proxy (empty = the one of proxy)", nullptr,
      static_cast<GParamFlags> (
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * GstProxyHttpSrc:user-agent:
   *
   * Value of the User-Agent header. Empty: none is sent. Default: the element's
   * name and version.
   *
   * Since: 0.1
   */
  properties[PROP_USER_AGENT] = g_param_spec_string ("user-agent", "User-Agent",
      "Value of the User-Agent header (empty = none)", default_user_agent,
      ready);
  /**
   * GstProxyHttpSrc:extra-headers:
   *
   * Headers for every request, a field for each; an array is sent as several.
   * Authorization and Cookie go only to the origin of
   * #GstProxyHttpSrc:location and read back as ***. Headers of the connection
   * and of ranges are left out. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_EXTRA_HEADERS] =
      g_param_spec_boxed ("extra-headers", "Extra headers",
          "Headers to add to every request, as in \"h,X-Token=abc\"",
          GST_TYPE_STRUCTURE, ready);
  /**
   * GstProxyHttpSrc:automatic-redirect:
   *
   * Follow redirects, up to 10. If not, one is an error with the detail
   * redirect-location. Default: %TRUE.
   *
   * Since: 0.1
   */
  properties[PROP_AUTOMATIC_REDIRECT] = g_param_spec_boolean (
      "automatic-redirect", "Automatic redirect",
      "Follow redirects (HTTP status 3xx)", defaults.automatic_redirect, ready);
  /**
   * GstProxyHttpSrc:timeout:
   *
   * Longest wait in seconds for a connection, for the headers, and between two
   * reads; the whole body has no limit. 0: none. Range 0 to 3600, default 15.
   *
   * Since: 0.1
   */
  properties[PROP_TIMEOUT] = g_param_spec_uint ("timeout", "Timeout",
      "Longest wait in seconds for a connection, for headers and between two "
      "reads (0 = no limit)",
      0, 3600,
      static_cast<guint> (
          std::chrono::duration_cast<std::chrono::seconds> (defaults.timeout)
              .count ()),
      ready);
  /**
   * GstProxyHttpSrc:retries:
   *
   * How often a request that failed for a passing reason is made again, and a
   * broken body resumed without progress. -1: without end. Default 3.
   *
   * Since: 0.1
   */
  properties[PROP_RETRIES] = g_param_spec_int ("retries", "Retries",
      "Tries after a failed one, and after each progress (-1 = without end)",
      -1, G_MAXINT, defaults.retries, ready);
  /**
   * GstProxyHttpSrc:ssl-strict:
   *
   * Verify the origin's certificate. Default: %TRUE.
   *
   * Since: 0.1
   */
  properties[PROP_SSL_STRICT] =
      g_param_spec_boolean ("ssl-strict", "SSL strict",
          "Verify the certificate of the origin", defaults.ssl_strict, ready);
  /**
   * GstProxyHttpSrc:is-live:
   *
   * Act as a live source: no data before PLAYING. Default: %FALSE.
   *
   * Since: 0.1
   */
  properties[PROP_IS_LIVE] = g_param_spec_boolean ("is-live", "Is live",
      "Act as a live source, which sends no data before PLAYING", FALSE, ready);
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

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstsource.h"

#include <chrono>

#include "gstfetch.h"
#include "http.h"
#include "route.h"
#include "routes.h"
#include "uri.h"

namespace gstsource {

using std::chrono::duration_cast;
using std::chrono::seconds;

void make_properties (
    GParamSpec **properties, const char *location, const char *user_agent)
{
  const fetcher::Settings defaults;
  constexpr auto ready = static_cast<GParamFlags> (
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

  /**
   * location:
   *
   * What to read: a URI with the scheme http or https. Its percent-encodings
   * are sent as they are. Userinfo is sent as Basic credentials to this origin
   * only. It reads back whole, as in souphttpsrc. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_LOCATION] =
      g_param_spec_string ("location", "Location", location, nullptr, ready);
  /**
   * routes:
   *
   * By which way requests go to which host: rules `PATTERN=TARGET [OPTION...]`
   * with commas between them, of which the most specific one is taken. What no
   * rule matches goes by #proxy: end with `all=block` to allow nothing else.
   * Passwords read back as ***. Default: empty.
   *
   * Since: 0.1
   */
  properties[PROP_ROUTES] = g_param_spec_string ("routes", "Routes",
      "Rules PATTERN=TARGET (direct, block or a proxy's URI) with commas "
      "between them: which way to which host (empty = as proxy says)",
      "", ready);
  /**
   * proxy:
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
   * proxy-id:
   *
   * User name for the proxy, in place of the one in #proxy.
   * Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_PROXY_ID] = g_param_spec_string ("proxy-id", "Proxy user",
      "User name for the proxy (empty = the one of proxy)", nullptr, ready);
  /**
   * proxy-pw:
   *
   * Password for the proxy, in place of the one in #proxy.
   * Write-only. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_PROXY_PW] = g_param_spec_string ("proxy-pw", "Proxy password",
      "Password for the proxy (empty = the one of proxy)", nullptr,
      static_cast<GParamFlags> (
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  /**
   * user-agent:
   *
   * Value of the User-Agent header. Empty: none is sent. Default: the element's
   * name and version.
   *
   * Since: 0.1
   */
  properties[PROP_USER_AGENT] = g_param_spec_string ("user-agent", "User-Agent",
      "Value of the User-Agent header (empty = none)", user_agent, ready);
  /**
   * extra-headers:
   *
   * Headers for every request, a field for each; an array is sent as several.
   * Authorization and Cookie go only to the origin of
   * #location and read back as ***. Headers of the connection
   * and of ranges are left out. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_EXTRA_HEADERS] =
      g_param_spec_boxed ("extra-headers", "Extra headers",
          "Headers to add to every request, as in \"h,X-Token=abc\"",
          GST_TYPE_STRUCTURE, ready);
  /**
   * automatic-redirect:
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
   * timeout:
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
      static_cast<guint> (duration_cast<seconds> (defaults.timeout).count ()),
      ready);
  /**
   * retries:
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
   * ssl-strict:
   *
   * Verify the origin's certificate. Default: %TRUE.
   *
   * Since: 0.1
   */
  properties[PROP_SSL_STRICT] =
      g_param_spec_boolean ("ssl-strict", "SSL strict",
          "Verify the certificate of the origin", defaults.ssl_strict, ready);
  /**
   * max-connections-per-host:
   *
   * Transfers of one host at once, those of all elements of the process
   * counted. Whoever comes first is served first, but manifests and keys before
   * the rest. 0: no limit. Default 10.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_CONNECTIONS] = g_param_spec_uint (
      "max-connections-per-host", "Maximum connections per host",
      "Transfers of one host at once, in the whole process (0 = no limit)", 0,
      G_MAXUINT, defaults.max_connections_per_host, ready);
}

static std::string text_of (const GValue *value)
{
  const gchar *text = g_value_get_string (value);
  return text != nullptr ? text : "";
}

gchar *get_uri (const std::string &location)
{
  return gst_uri_is_valid (location.c_str ()) ? g_strdup (location.c_str ())
                                              : nullptr;
}

bool is_for_http (const std::string &text, GError **error)
{
  uri::Result<uri::Uri> parsed = uri::parse (text);
  if (parsed && !uri::origin (*parsed).empty ()) return true;
  g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
      "Not a URI for HTTP: %s", uri::without_secrets (text).c_str ());
  return false;
}

bool set_property (Settings &settings, guint id, const GValue *value)
{
  switch (id) {
    case PROP_LOCATION:
      // Kept as it is: what cannot be asked for fails when it is asked for.
      settings.location = text_of (value);
      return true;
    case PROP_ROUTES:
      settings.routes = text_of (value);
      return true;
    case PROP_PROXY:
      settings.fetch.proxy = text_of (value);
      return true;
    case PROP_PROXY_ID:
      settings.fetch.proxy_id = text_of (value);
      return true;
    case PROP_PROXY_PW:
      settings.fetch.proxy_pw = text_of (value);
      return true;
    case PROP_USER_AGENT:
      settings.fetch.user_agent = text_of (value);
      return true;
    case PROP_EXTRA_HEADERS:
      settings.fetch.extra_headers =
          gstfetch::headers_from (gst_value_get_structure (value));
      return true;
    case PROP_AUTOMATIC_REDIRECT:
      settings.fetch.automatic_redirect = g_value_get_boolean (value);
      return true;
    case PROP_TIMEOUT:
      settings.fetch.timeout = seconds (g_value_get_uint (value));
      return true;
    case PROP_RETRIES:
      settings.fetch.retries = g_value_get_int (value);
      return true;
    case PROP_SSL_STRICT:
      settings.fetch.ssl_strict = g_value_get_boolean (value);
      return true;
    case PROP_MAX_CONNECTIONS:
      settings.fetch.max_connections_per_host = g_value_get_uint (value);
      return true;
    default:
      return false;
  }
}

bool get_property (const Settings &settings, guint id, GValue *value)
{
  auto set_text = [value] (const std::string &text) {
    g_value_set_string (value, text.empty () ? nullptr : text.c_str ());
  };
  switch (id) {
    case PROP_LOCATION:
      set_text (settings.location);
      return true;
    case PROP_ROUTES:
      g_value_set_string (value, routes::shown (settings.routes).c_str ());
      return true;
    case PROP_PROXY:
      g_value_set_string (value, route::shown (settings.fetch.proxy).c_str ());
      return true;
    case PROP_PROXY_ID:
      set_text (settings.fetch.proxy_id);
      return true;
    case PROP_USER_AGENT:
      g_value_set_string (value, settings.fetch.user_agent.c_str ());
      return true;
    case PROP_EXTRA_HEADERS:
      if (!settings.fetch.extra_headers.empty ())
        g_value_take_boxed (value, gstfetch::structure_from ("extra-headers",
                                       settings.fetch.extra_headers)
                                       .release ());
      return true;
    case PROP_AUTOMATIC_REDIRECT:
      g_value_set_boolean (value, settings.fetch.automatic_redirect);
      return true;
    case PROP_TIMEOUT:
      g_value_set_uint (
          value, static_cast<guint> (
                     duration_cast<seconds> (settings.fetch.timeout).count ()));
      return true;
    case PROP_RETRIES:
      g_value_set_int (value, settings.fetch.retries);
      return true;
    case PROP_SSL_STRICT:
      g_value_set_boolean (value, settings.fetch.ssl_strict);
      return true;
    case PROP_MAX_CONNECTIONS:
      g_value_set_uint (value, settings.fetch.max_connections_per_host);
      return true;
    default:
      return false;
  }
}

bool answer_credentials (const Settings &settings, GstQuery *query)
{
  const GstStructure *asked = gst_query_get_structure (query);
  if (GST_QUERY_TYPE (query) != GST_QUERY_CUSTOM || asked == nullptr ||
      !gst_structure_has_name (asked, "relay-credentials"))
    return false;
  fetcher::Settings sent = settings.fetch;
  // That of the location's userinfo too.
  (void)fetcher::use_location (sent, settings.location);
  std::string text;
  for (const auto &[name, value] : sent.extra_headers)
    if (http::same_name (name, "Authorization") ||
        http::same_name (name, "Cookie"))
      text += name + ": " + value + "\n";
  if (text.empty ()) return false;
  relay::Owned<gchar> hash{g_compute_checksum_for_string (
      G_CHECKSUM_SHA256, text.c_str (), static_cast<gssize> (text.size ()))};
  gst_structure_set (gst_query_writable_structure (query), "hash",
      G_TYPE_STRING, hash.get (), nullptr);
  return true;
}

}  // namespace gstsource

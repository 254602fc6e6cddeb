// SPDX-License-Identifier: LGPL-2.1-or-later
#include <chrono>

#include "gstfetch.h"
#include "gstsource.h"

namespace gstsource {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Of a day: what a double says beyond is no pause that anybody means.
static constexpr double longest_backoff = 86400;

static double seconds_of (milliseconds time)
{
  return std::chrono::duration<double> (time).count ();
}

static GType credentials_scope_get_type ()
{
  static const GType type = [] {
    static const GEnumValue values[] = {
        {static_cast<int> (CredentialsScope::origin),
            "The origin of the location", "origin"},
        {static_cast<int> (CredentialsScope::all), "Every server", "all"},
        {0, nullptr, nullptr}};
    return g_enum_register_static ("GstRelayCredentialsScope", values);
  }();
  return type;
}

void make_properties (
    GParamSpec **properties, const char *location, const char *user_agent)
{
  const fetcher::Settings defaults;
  constexpr auto ready = static_cast<GParamFlags> (
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  constexpr auto secret = static_cast<GParamFlags> (
      G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

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
      "Password for the proxy (empty = the one of proxy)", nullptr, secret);
  /**
   * user-id:
   *
   * User name for #location, in place of the one in it. Sent as Basic
   * credentials with the first request already, to this origin only.
   * Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_USER_ID] = g_param_spec_string ("user-id", "User",
      "User name for location (empty = the one of location)", nullptr, ready);
  /**
   * user-pw:
   *
   * Password for #location, with #user-id. Write-only. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_USER_PW] = g_param_spec_string ("user-pw", "Password",
      "Password for location, with user-id", nullptr, secret);
  /**
   * cookies:
   *
   * Cookies, `NAME=VALUE` each, for the origin of #location. They read back
   * as ***. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_COOKIES] = g_param_spec_boxed ("cookies", "Cookies",
      "Cookies (name=value) for the origin of location", G_TYPE_STRV, ready);
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
   * credentials-scope:
   *
   * Where Authorization and Cookie of user-id, cookies and extra-headers are
   * sent to: the origin (scheme, host and port) of location, or every server,
   * those of redirects and of manifests included. Default: origin.
   *
   * Since: 0.1
   */
  gst_type_mark_as_plugin_api (
      credentials_scope_get_type (), static_cast<GstPluginAPIFlags> (0));
  properties[PROP_CREDENTIALS_SCOPE] = g_param_spec_enum ("credentials-scope",
      "Credentials scope", "To which servers Authorization and Cookie are sent",
      credentials_scope_get_type (),
      static_cast<int> (CredentialsScope::origin), ready);
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
   * keep-alive:
   *
   * Keep connections, to use them again. If not, the server is asked to close
   * them after its response. Default: %TRUE.
   *
   * Since: 0.1
   */
  properties[PROP_KEEP_ALIVE] = g_param_spec_boolean ("keep-alive",
      "Keep alive", "Use connections again", defaults.keep_alive, ready);
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
   * retry-backoff-factor:
   *
   * Seconds before the first retry, twice as many before each further one, and
   * up to half of that less at random. Default: 0.5.
   *
   * Since: 0.1
   */
  properties[PROP_BACKOFF_FACTOR] =
      g_param_spec_double ("retry-backoff-factor", "Retry backoff factor",
          "Seconds before the first retry; they double with each further one",
          0, longest_backoff, seconds_of (defaults.backoff), ready);
  /**
   * retry-backoff-max:
   *
   * Most seconds before a retry. Default: 8.
   *
   * Since: 0.1
   */
  properties[PROP_BACKOFF_MAX] = g_param_spec_double ("retry-backoff-max",
      "Longest retry backoff", "Most seconds before a retry", 0,
      longest_backoff, seconds_of (defaults.backoff_max), ready);
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
   * ssl-ca-file:
   *
   * A PEM file with the authorities that origins are verified by, in place of
   * the system's. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_SSL_CA_FILE] =
      g_param_spec_string ("ssl-ca-file", "SSL CA file",
          "PEM file of authorities, in place of the system's", nullptr, ready);
  /**
   * ssl-use-system-ca-file:
   *
   * Verify origins by the system's authorities, where no others are given. If
   * not, nobody is trusted. Default: %TRUE.
   *
   * Since: 0.1
   */
  properties[PROP_SSL_USE_SYSTEM_CA_FILE] =
      g_param_spec_boolean ("ssl-use-system-ca-file", "SSL use system CA file",
          "Trust the system's authorities, where no others are given",
          defaults.tls.use_system_ca_file, ready);
  /**
   * tls-database:
   *
   * The authorities that origins are verified by; goes before #ssl-ca-file.
   * Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_TLS_DATABASE] =
      g_param_spec_object ("tls-database", "TLS database",
          "Authorities, in place of the system's and of ssl-ca-file",
          G_TYPE_TLS_DATABASE, ready);
  /**
   * tls-interaction:
   *
   * Asked for what a TLS connection needs of a person, as the client's
   * certificate, by the thread that makes the connection. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_TLS_INTERACTION] = g_param_spec_object ("tls-interaction",
      "TLS interaction", "Asked for a client's certificate and the like",
      G_TYPE_TLS_INTERACTION, ready);
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

}  // namespace gstsource

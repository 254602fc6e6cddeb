// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstsource.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "gstfetch.h"
#include "http.h"
#include "route.h"
#include "routes.h"
#include "uri.h"

namespace gstsource {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

static double seconds_of (milliseconds time)
{
  return std::chrono::duration<double> (time).count ();
}

static milliseconds milliseconds_of (const GValue *value)
{
  return milliseconds (std::llround (g_value_get_double (value) * 1e3));
}

template <class T>
static std::shared_ptr<T> object_of (const GValue *value)
{
  return {static_cast<T *> (g_value_dup_object (value)),
      [] (T *object) { g_clear_object (&object); }};
}

std::string text_of (const GValue *value)
{
  const gchar *text = g_value_get_string (value);
  return text != nullptr ? text : "";
}

static std::vector<std::string> list_of (const GValue *value)
{
  std::vector<std::string> out;
  auto *list = static_cast<gchar **> (g_value_get_boxed (value));
  for (; list != nullptr && *list != nullptr; list++) out.emplace_back (*list);
  return out;
}

// So many that may not be shown.
static void set_stars (GValue *value, std::size_t count)
{
  std::string hidden = "***";
  std::vector<gchar *> list (count, hidden.data ());
  list.push_back (nullptr);
  g_value_set_boxed (value, list.data ());
}

// user-id and cookies become headers.
static void add_credentials (Settings &settings)
{
  fetcher::Headers &headers = settings.fetch.extra_headers;
  bool authorized = std::ranges::any_of (headers, [] (const auto &h) {
    return http::same_name (h.first, "Authorization");
  });
  if (!settings.user_id.empty () && !authorized)
    headers.emplace_back ("Authorization",
        http::basic_credentials (settings.user_id, settings.user_pw));
  // One header has them all (RFC 6265 5.4).
  for (const std::string &cookie : settings.cookies) {
    auto header = std::ranges::find_if (headers,
        [] (const auto &h) { return http::same_name (h.first, "Cookie"); });
    if (header == headers.end ())
      headers.emplace_back ("Cookie", cookie);
    else
      header->second += "; " + cookie;
  }
}

bool prepare (GstElement *element, Settings &settings)
{
  add_credentials (settings);
  return gstfetch::prepare (
      element, settings.location, settings.routes, settings.fetch);
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
    case PROP_USER_ID:
      settings.user_id = text_of (value);
      return true;
    case PROP_USER_PW:
      settings.user_pw = text_of (value);
      return true;
    case PROP_COOKIES:
      settings.cookies = list_of (value);
      return true;
    case PROP_USER_AGENT:
      settings.fetch.user_agent = text_of (value);
      return true;
    case PROP_EXTRA_HEADERS:
      settings.fetch.extra_headers =
          gstfetch::headers_from (gst_value_get_structure (value));
      return true;
    case PROP_CREDENTIALS_SCOPE:
      settings.fetch.credentials_everywhere =
          g_value_get_enum (value) == static_cast<int> (CredentialsScope::all);
      return true;
    case PROP_AUTOMATIC_REDIRECT:
      settings.fetch.automatic_redirect = g_value_get_boolean (value);
      return true;
    case PROP_TIMEOUT:
      settings.fetch.timeout = seconds (g_value_get_uint (value));
      return true;
    case PROP_KEEP_ALIVE:
      settings.fetch.keep_alive = g_value_get_boolean (value);
      return true;
    case PROP_RETRIES:
      settings.fetch.retries = g_value_get_int (value);
      return true;
    case PROP_BACKOFF_FACTOR:
      settings.fetch.backoff = milliseconds_of (value);
      return true;
    case PROP_BACKOFF_MAX:
      settings.fetch.backoff_max = milliseconds_of (value);
      return true;
    case PROP_SSL_STRICT:
      settings.fetch.ssl_strict = g_value_get_boolean (value);
      return true;
    case PROP_SSL_CA_FILE:
      settings.fetch.tls.ca_file = text_of (value);
      return true;
    case PROP_SSL_USE_SYSTEM_CA_FILE:
      settings.fetch.tls.use_system_ca_file = g_value_get_boolean (value);
      return true;
    case PROP_TLS_DATABASE:
      settings.fetch.tls.database = object_of<GTlsDatabase> (value);
      return true;
    case PROP_TLS_INTERACTION:
      settings.fetch.tls.interaction = object_of<GTlsInteraction> (value);
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
    case PROP_USER_ID:
      set_text (settings.user_id);
      return true;
    case PROP_COOKIES:
      if (!settings.cookies.empty ())
        set_stars (value, settings.cookies.size ());
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
    case PROP_CREDENTIALS_SCOPE:
      g_value_set_enum (
          value, static_cast<int> (settings.fetch.credentials_everywhere
                                       ? CredentialsScope::all
                                       : CredentialsScope::origin));
      return true;
    case PROP_AUTOMATIC_REDIRECT:
      g_value_set_boolean (value, settings.fetch.automatic_redirect);
      return true;
    case PROP_TIMEOUT:
      g_value_set_uint (
          value, static_cast<guint> (
                     duration_cast<seconds> (settings.fetch.timeout).count ()));
      return true;
    case PROP_KEEP_ALIVE:
      g_value_set_boolean (value, settings.fetch.keep_alive);
      return true;
    case PROP_RETRIES:
      g_value_set_int (value, settings.fetch.retries);
      return true;
    case PROP_BACKOFF_FACTOR:
      g_value_set_double (value, seconds_of (settings.fetch.backoff));
      return true;
    case PROP_BACKOFF_MAX:
      g_value_set_double (value, seconds_of (settings.fetch.backoff_max));
      return true;
    case PROP_SSL_STRICT:
      g_value_set_boolean (value, settings.fetch.ssl_strict);
      return true;
    case PROP_SSL_CA_FILE:
      set_text (settings.fetch.tls.ca_file);
      return true;
    case PROP_SSL_USE_SYSTEM_CA_FILE:
      g_value_set_boolean (value, settings.fetch.tls.use_system_ca_file);
      return true;
    case PROP_TLS_DATABASE:
      g_value_set_object (value, settings.fetch.tls.database.get ());
      return true;
    case PROP_TLS_INTERACTION:
      g_value_set_object (value, settings.fetch.tls.interaction.get ());
      return true;
    case PROP_MAX_CONNECTIONS:
      g_value_set_uint (value, settings.fetch.max_connections_per_host);
      return true;
    default:
      return false;
  }
}

std::string credentials_of (const fetcher::Headers &headers)
{
  std::string text;
  for (const auto &[name, value] : headers)
    if (http::same_name (name, "Authorization") ||
        http::same_name (name, "Cookie"))
      text.append (name).append (": ").append (value).append ("\n");
  if (text.empty ()) return {};
  relay::Owned<gchar> hash{g_compute_checksum_for_string (
      G_CHECKSUM_SHA256, text.c_str (), static_cast<gssize> (text.size ()))};
  return hash.get ();
}

bool answer_credentials (const Settings &settings, GstQuery *query)
{
  const GstStructure *asked = gst_query_get_structure (query);
  if (GST_QUERY_TYPE (query) != GST_QUERY_CUSTOM || asked == nullptr ||
      !gst_structure_has_name (asked, "relay-credentials"))
    return false;
  Settings with = settings;
  add_credentials (with);
  fetcher::Settings &sent = with.fetch;
  // That of the location's userinfo too.
  (void)fetcher::use_location (sent, settings.location);
  std::string hash = credentials_of (sent.extra_headers);
  if (hash.empty ()) return false;
  gst_structure_set (gst_query_writable_structure (query), "hash",
      G_TYPE_STRING, hash.c_str (), nullptr);
  return true;
}

}  // namespace gstsource

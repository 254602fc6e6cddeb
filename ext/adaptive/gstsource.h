// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

#include "fetcher.h"

// The properties that both sources have.
namespace gstsource {

// Their numbers; a source's own go on from N_PROPS.
enum
{
  PROP_0,
  PROP_LOCATION,
  PROP_ROUTES,
  PROP_PROXY,
  PROP_PROXY_ID,
  PROP_PROXY_PW,
  PROP_USER_ID,
  PROP_USER_PW,
  PROP_COOKIES,
  PROP_USER_AGENT,
  PROP_EXTRA_HEADERS,
  PROP_CREDENTIALS_SCOPE,
  PROP_AUTOMATIC_REDIRECT,
  PROP_TIMEOUT,
  PROP_KEEP_ALIVE,
  PROP_RETRIES,
  PROP_BACKOFF_FACTOR,
  PROP_BACKOFF_MAX,
  PROP_SSL_STRICT,
  PROP_SSL_CA_FILE,
  PROP_SSL_USE_SYSTEM_CA_FILE,
  PROP_TLS_DATABASE,
  PROP_TLS_INTERACTION,
  PROP_MAX_CONNECTIONS,
  N_PROPS
};

// The values of `credentials-scope`.
enum class CredentialsScope
{
  origin,
  all
};

struct Settings
{
  std::string location;
  std::string routes;
  std::string user_id;
  std::string user_pw;
  std::vector<std::string> cookies;
  fetcher::Settings fetch;
};

// What an element's start does with them, as gstfetch::prepare.
[[nodiscard]] bool prepare (GstElement *element, Settings &settings);

// Fills in the first N_PROPS of an array for g_object_class_install_properties.
// location: what may be read, for the property's text.
void make_properties (
    GParamSpec **properties, const char *location, const char *user_agent);

// For their GstURIHandler. The property may hold anything, until it is asked
// for: null when it is no URI.
[[nodiscard]] gchar *get_uri (const std::string &location);
[[nodiscard]] bool is_for_http (const std::string &text, GError **error);

// "" for null.
[[nodiscard]] std::string text_of (const GValue *value);

// False: it is not one of these.
bool set_property (Settings &settings, guint id, const GValue *value);
bool get_property (const Settings &settings, guint id, GValue *value);

// A hash of the credentials among these headers; "" if there are none.
[[nodiscard]] std::string credentials_of (const fetcher::Headers &headers);

// The query "relay-credentials", by which a cache keeps apart what was fetched
// with credentials: a hash of those that are going to be sent. False if there
// are none, or if it is another query.
bool answer_credentials (const Settings &settings, GstQuery *query);

}  // namespace gstsource

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gsthttpsettings.h"

#include "http.h"
#include "icy.h"

using gstannounce::LogLevel;

namespace gsthttpsettings {

void make_properties (GParamSpec **properties, const char *user_agent)
{
  const Settings defaults;
  constexpr auto ready = static_cast<GParamFlags> (
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  gstsource::make_properties (
      properties, "URI to read from (http or https)", user_agent);
  /**
   * GstProxyHttpSrc:iradio-mode:
   *
   * Ask for the metadata of internet radio. Where there is some, it is amid the
   * stream, whose caps are `application/x-icy` then. Default: %TRUE.
   *
   * Since: 0.1
   */
  properties[PROP_IRADIO_MODE] =
      g_param_spec_boolean ("iradio-mode", "Internet radio mode",
          "Ask for metadata amid the stream (ICY)", defaults.iradio, ready);
  /**
   * GstProxyHttpSrc:http-log-level:
   *
   * How much of requests and responses is logged at the level LOG. Secrets and
   * bodies never are. Default: headers.
   *
   * Since: 0.1
   */
  properties[PROP_HTTP_LOG_LEVEL] = g_param_spec_enum ("http-log-level",
      "HTTP log level", "What of requests and responses is logged",
      gstannounce::log_level_get_type (), static_cast<int> (defaults.log_level),
      ready);
  /**
   * GstProxyHttpSrc:method:
   *
   * The method of the request, which has no body. Only a GET is resumed when it
   * breaks off. Default: none, which means GET.
   *
   * Since: 0.1
   */
  properties[PROP_METHOD] = g_param_spec_string ("method", "Method",
      "Method of the request: GET, HEAD, OPTIONS, ... (empty = GET)", nullptr,
      ready);
  /**
   * GstProxyHttpSrc:compress:
   *
   * Ask for content codings, and decode them. What comes with one has no known
   * length, cannot be sought in and cannot be resumed. Default: %FALSE.
   *
   * Since: 0.1
   */
  properties[PROP_COMPRESS] = g_param_spec_boolean ("compress", "Compress",
      "Ask for compressed content (gzip)", defaults.compress, ready);
}

bool prepare (GstElement *element, Settings &settings)
{
  if (settings.method.empty ()) settings.method = "GET";
  if (!http::is_sendable (settings.method, "")) {
    GST_ELEMENT_ERROR (
        element, RESOURCE, SETTINGS, (nullptr), ("method is no token of HTTP"));
    return false;
  }
  if (settings.iradio)
    settings.fetch.extra_headers.emplace_back (
        icy::request_name, icy::request_value);
  return gstsource::prepare (element, settings);
}

bool set_property (Settings &settings, guint id, const GValue *value)
{
  switch (id) {
    case PROP_IRADIO_MODE:
      settings.iradio = g_value_get_boolean (value);
      return true;
    case PROP_HTTP_LOG_LEVEL:
      settings.log_level = static_cast<LogLevel> (g_value_get_enum (value));
      return true;
    case PROP_METHOD:
      settings.method = gstsource::text_of (value);
      return true;
    case PROP_COMPRESS:
      settings.compress = g_value_get_boolean (value);
      return true;
    default:
      return gstsource::set_property (settings, id, value);
  }
}

bool get_property (const Settings &settings, guint id, GValue *value)
{
  switch (id) {
    case PROP_IRADIO_MODE:
      g_value_set_boolean (value, settings.iradio);
      return true;
    case PROP_HTTP_LOG_LEVEL:
      g_value_set_enum (value, static_cast<int> (settings.log_level));
      return true;
    case PROP_METHOD:
      g_value_set_string (
          value, settings.method.empty () ? nullptr : settings.method.c_str ());
      return true;
    case PROP_COMPRESS:
      g_value_set_boolean (value, settings.compress);
      return true;
    default:
      return gstsource::get_property (settings, id, value);
  }
}

}  // namespace gsthttpsettings

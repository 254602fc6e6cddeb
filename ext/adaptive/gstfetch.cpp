// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstfetch.h"

#include <glib/gi18n-lib.h>

#include <algorithm>

#include "container.h"
#include "http.h"
#include "routes.h"
#include "uri.h"

namespace gstfetch {

namespace {

struct Report
{
  GstResourceError code;
  const char *text;
};

Report report_of_status (unsigned status)
{
  switch (status) {
    case 401:
    case 402:
    case 403:
    case 407:
      return {GST_RESOURCE_ERROR_NOT_AUTHORIZED,
          _ ("The server does not allow access.")};
    case 404:
    case 410:
      return {GST_RESOURCE_ERROR_NOT_FOUND,
          _ ("The server does not have the resource.")};
    default:
      return {GST_RESOURCE_ERROR_OPEN_READ,
          _ ("The server answered with an error.")};
  }
}

Report report_of (const fetcher::Problem &problem)
{
  using fetcher::Error;
  switch (problem.error) {
    case Error::uri:
      return {GST_RESOURCE_ERROR_SETTINGS,
          _ ("An address is not valid, of the resource or of the proxy.")};
    case Error::blocked:
      return {GST_RESOURCE_ERROR_NOT_AUTHORIZED,
          _ ("The routes do not lead to this server.")};
    case Error::resolve:
      return {
          GST_RESOURCE_ERROR_NOT_FOUND, _ ("The server's name is not known.")};
    case Error::connect:
      return {GST_RESOURCE_ERROR_OPEN_READ,
          _ ("No connection to the server could be made.")};
    case Error::proxy:
      return {GST_RESOURCE_ERROR_OPEN_READ,
          _ ("No connection through the proxy could be made.")};
    case Error::proxy_auth:
      return {GST_RESOURCE_ERROR_NOT_AUTHORIZED,
          _ ("The proxy does not accept the credentials.")};
    case Error::tls:
      return {GST_RESOURCE_ERROR_OPEN_READ,
          _ ("No secure connection could be made.")};
    case Error::timeout:
      return {
          GST_RESOURCE_ERROR_READ, _ ("The server did not answer in time.")};
    case Error::http_status:
      return report_of_status (problem.http_status);
    case Error::redirect_loop:
    case Error::redirect_scheme:
      return {GST_RESOURCE_ERROR_OPEN_READ,
          _ ("The server redirects to where it cannot be followed.")};
    case Error::bad_range:
      return {GST_RESOURCE_ERROR_SEEK,
          _ ("The server did not send the requested part.")};
    case Error::changed:
      return {GST_RESOURCE_ERROR_READ,
          _ ("The resource changed while it was read.")};
    case Error::too_large:
      return {GST_RESOURCE_ERROR_READ, _ ("The resource is too large.")};
    case Error::protocol:
      return {GST_RESOURCE_ERROR_READ,
          _ ("The server does not answer as a web server.")};
    case Error::truncated:
    case Error::cancelled:
    case Error::busy:
      break;
  }
  return {GST_RESOURCE_ERROR_READ, _ ("The connection broke off.")};
}

void append_headers (
    fetcher::Headers &out, const char *name, const GValue *value)
{
  GValue text = G_VALUE_INIT;
  g_value_init (&text, G_TYPE_STRING);
  if (GST_VALUE_HOLDS_ARRAY (value)) {
    for (guint i = 0; i < gst_value_array_get_size (value); i++)
      append_headers (out, name, gst_value_array_get_value (value, i));
  } else if (GST_VALUE_HOLDS_LIST (value)) {
    for (guint i = 0; i < gst_value_list_get_size (value); i++)
      append_headers (out, name, gst_value_list_get_value (value, i));
  } else if (g_value_transform (value, &text) &&
             g_value_get_string (&text) != nullptr) {
    out.emplace_back (name, g_value_get_string (&text));
  }
  g_value_unset (&text);
}

}  // namespace

bool prepare (GstElement *element, std::string &location,
    const std::string &routes, fetcher::Settings &settings)
{
  if (location.empty ()) {
    GST_ELEMENT_ERROR (element, RESOURCE, NOT_FOUND,
        (_ ("No address to read from is set.")), ("location is empty"));
    return false;
  }
  routes::Result<routes::Table> table = routes::Table::parse (routes);
  if (!table) {
    std::string where = routes::describe (routes, table.position ());
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS,
        (_ ("The routes have an error: %s."), where.c_str ()),
        ("routes: %s: %s", where.c_str (), routes::to_string (table.code ())));
    return false;
  }
  settings.routes = std::make_shared<const routes::Table> (std::move (*table));
  relay::Owned<gchar> name{gst_object_get_name (GST_OBJECT (element))};
  settings.name = name.get ();
  location = fetcher::use_location (settings, location);
  return true;
}

void post_problem (GstElement *element, const fetcher::Problem &problem)
{
  if (problem.error == fetcher::Error::cancelled) return;
  Report report = report_of (problem);
  GstStructure *details = gst_structure_new_empty ("details");
  std::string debug = problem.uri + ": ";
  debug += fetcher::to_string (problem.error);
  if (!problem.message.empty ()) debug += ": " + problem.message;
  if (problem.http_status != 0) {
    debug += " (" + std::to_string (problem.http_status) + ")";
    gst_structure_set (
        details, "http-status-code", G_TYPE_UINT, problem.http_status, nullptr);
  }
  if (!problem.redirect_location.empty ())
    gst_structure_set (details, "redirect-location", G_TYPE_STRING,
        problem.redirect_location.c_str (), nullptr);
  gst_element_message_full_with_details (element, GST_MESSAGE_ERROR,
      GST_RESOURCE_ERROR, report.code, g_strdup (report.text),
      g_strdup (debug.c_str ()), __FILE__, GST_FUNCTION, __LINE__, details);
}

fetcher::Headers headers_from (const GstStructure *structure)
{
  fetcher::Headers out;
  int fields = structure != nullptr ? gst_structure_n_fields (structure) : 0;
  for (int i = 0; i < fields; i++) {
    const char *name =
        gst_structure_nth_field_name (structure, static_cast<guint> (i));
    append_headers (out, name, gst_structure_get_value (structure, name));
  }
  return out;
}

relay::Owned<GstStructure> structure_from (
    const char *name, const fetcher::Headers &headers)
{
  relay::Owned<GstStructure> out{gst_structure_new_empty (name)};
  for (const auto &[header, value] : headers) {
    std::string shown (http::shown (header, value));
    // Of the same name a second time: an array, as souphttpsrc has it.
    GValue text = G_VALUE_INIT;
    g_value_init (&text, G_TYPE_STRING);
    g_value_take_string (&text, g_utf8_make_valid (shown.c_str (), -1));
    const GValue *before =
        gst_structure_get_value (out.get (), header.c_str ());
    if (before == nullptr) {
      gst_structure_take_value (out.get (), header.c_str (), &text);
      continue;
    }
    GValue array = G_VALUE_INIT;
    if (GST_VALUE_HOLDS_ARRAY (before)) {
      g_value_init (&array, GST_TYPE_ARRAY);
      g_value_copy (before, &array);
    } else {
      g_value_init (&array, GST_TYPE_ARRAY);
      gst_value_array_append_value (&array, before);
    }
    gst_value_array_append_and_take_value (&array, &text);
    gst_structure_take_value (out.get (), header.c_str (), &array);
  }
  return out;
}

relay::Owned<GstStructure> http_headers (
    const char *location, const fetcher::Head &head)
{
  relay::Owned<GstStructure> request =
      structure_from ("request-headers", head.request_headers);
  relay::Owned<GstStructure> response =
      structure_from ("response-headers", head.headers);
  relay::Owned<GstStructure> out{gst_structure_new ("http-headers", "uri",
      G_TYPE_STRING, location, "http-status-code", G_TYPE_UINT, head.status,
      "request-headers", GST_TYPE_STRUCTURE, request.get (), "response-headers",
      GST_TYPE_STRUCTURE, response.get (), nullptr)};
  if (head.uri != location)
    gst_structure_set (out.get (), "redirection-uri", G_TYPE_STRING,
        head.uri.c_str (), nullptr);
  return out;
}

bool is_seekable (const fetcher::Head &head)
{
  if (head.seekable) return true;
  if (head.coded || !head.total) return false;
  return std::ranges::none_of (head.headers, [] (const auto &header) {
    return http::same_name (header.first, "Accept-Ranges") &&
           http::same_name (header.second, "none");
  });
}

void warn_of_manifest (GstElement *element, const fetcher::Head &head,
    GstBuffer *first, gsize count)
{
  container::Manifest manifest = container::Manifest::none;
  {
    relay::MappedBuffer map (first, GST_MAP_READ);
    if (map)
      manifest = container::manifest_of (
          map.bytes ().first (std::min (map.bytes ().size (), count)),
          head.content_type);
  }
  if (manifest == container::Manifest::none) return;
  const char *scheme = manifest == container::Manifest::hls ? "hls" : "dash";
  GST_ELEMENT_WARNING (element, STREAM, WRONG_TYPE,
      (_ ("This is a manifest, behind which media would be fetched past the "
          "routes and the proxy. Use %s+http or %s+https."),
          scheme, scheme),
      ("%s", uri::without_secrets (head.uri).c_str ()));
}

void limit_bandwidth (GstQuery *query)
{
  GstSchedulingFlags flags;
  gint minimum = 0;
  gint maximum = 0;
  gint alignment = 0;
  gst_query_parse_scheduling (query, &flags, &minimum, &maximum, &alignment);
  flags = static_cast<GstSchedulingFlags> (
      flags | GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED);
  gst_query_set_scheduling (query, flags, minimum, maximum, alignment);
}

static void append_record (GValue *array, const fetcher::Record &record)
{
  GValue value = G_VALUE_INIT;
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value,
      gst_structure_new ("request", "number", G_TYPE_UINT64, record.number,
          "uri", G_TYPE_STRING, record.uri.c_str (), "route", G_TYPE_STRING,
          record.route.c_str (), "new-connection", G_TYPE_BOOLEAN,
          record.new_connection, "retry", G_TYPE_UINT, record.retry, "status",
          G_TYPE_UINT, record.status, "bytes", G_TYPE_UINT64, record.bytes,
          "ttfb-ns", G_TYPE_UINT64, static_cast<guint64> (record.ttfb.count ()),
          "error", G_TYPE_STRING, record.error.c_str (), nullptr));
  gst_value_array_append_and_take_value (array, &value);
}

relay::Owned<GstStructure> stats (const char *name, fetcher::Counters &counters)
{
  relay::Owned<GstStructure> out{gst_structure_new (name, "requests",
      G_TYPE_UINT64, counters.requests.load (), "requests-proxied",
      G_TYPE_UINT64, counters.proxied.load (), "retries", G_TYPE_UINT64,
      counters.retries.load (), "redirects", G_TYPE_UINT64,
      counters.redirects.load (), "connections", G_TYPE_UINT64,
      counters.connections.load (), "bytes-received", G_TYPE_UINT64,
      counters.bytes_received.load (), "ttfb-ns", G_TYPE_UINT64,
      counters.ttfb_ns.load (), nullptr)};
  GValue records = G_VALUE_INIT;
  g_value_init (&records, GST_TYPE_ARRAY);
  for (const fetcher::Record &record : counters.records.copy ())
    append_record (&records, record);
  gst_structure_take_value (out.get (), "last-requests", &records);
  return out;
}

}  // namespace gstfetch

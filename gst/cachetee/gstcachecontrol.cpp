// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachecontrol.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "common/gstpp.h"
#include "gstcachefeeder.h"

namespace cachecontrol {

using relay::Owned;

namespace {

bool same_name (std::string_view a, std::string_view b)
{
  return a.size () == b.size () &&
         g_ascii_strncasecmp (a.data (), b.data (), a.size ()) == 0;
}

// The values of one header, separated by commas. A header that comes more than
// once is an array.
std::string values_of (const GstStructure *headers, std::string_view name)
{
  std::string out;
  auto add = [&out] (const GValue *value) {
    if (!G_VALUE_HOLDS_STRING (value)) return;
    const gchar *text = g_value_get_string (value);
    if (text != nullptr) out.append (out.empty () ? "" : ",").append (text);
  };
  for (gint i = 0; i < gst_structure_n_fields (headers); i++) {
    const gchar *field =
        gst_structure_nth_field_name (headers, static_cast<guint> (i));
    if (!same_name (field, name)) continue;
    const GValue *value = gst_structure_get_value (headers, field);
    if (!GST_VALUE_HOLDS_ARRAY (value)) {
      add (value);
      continue;
    }
    for (guint j = 0; j < gst_value_array_get_size (value); j++)
      add (gst_value_array_get_value (value, j));
  }
  return out;
}

Owned<GstStructure> headers_of (GstEvent *event, const char *which)
{
  const GstStructure *all = gst_event_get_structure (event);
  if (all == nullptr || !gst_structure_has_name (all, "http-headers"))
    return nullptr;
  GstStructure *headers = nullptr;
  gst_structure_get (all, which, GST_TYPE_STRUCTURE, &headers, nullptr);
  return Owned<GstStructure> (headers);
}

std::string_view trimmed (std::string_view text)
{
  while (!text.empty () && g_ascii_isspace (text.front ()))
    text.remove_prefix (1);
  while (!text.empty () && g_ascii_isspace (text.back ()))
    text.remove_suffix (1);
  return text;
}

bool has_directive (std::string_view list, std::string_view directive)
{
  while (!list.empty ()) {
    std::size_t end = std::min (list.find (','), list.size ());
    std::string_view one = list.substr (0, end);
    list.remove_prefix (std::min (end + 1, list.size ()));
    if (same_name (trimmed (one.substr (0, one.find ('='))), directive))
      return true;
  }
  return false;
}

bool has_property (GstElement *element, const char *name, GType type)
{
  GParamSpec *spec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), name);
  return spec != nullptr && (spec->flags & G_PARAM_READABLE) != 0 &&
         g_type_is_a (G_PARAM_SPEC_VALUE_TYPE (spec), type);
}

std::string string_property (GstElement *element, const char *name)
{
  if (!has_property (element, name, G_TYPE_STRING)) return "";
  gchar *raw = nullptr;
  g_object_get (element, name, &raw, nullptr);
  Owned<gchar> text{raw};
  return text != nullptr ? text.get () : "";
}

// Of an element with the properties of souphttpsrc.
std::string credentials_of (GstElement *source)
{
  std::string text = string_property (source, "user-id");
  if (!text.empty ()) text += ':' + string_property (source, "user-pw") + '\n';
  if (has_property (source, "cookies", G_TYPE_STRV)) {
    gchar **raw = nullptr;
    g_object_get (source, "cookies", &raw, nullptr);
    Owned<gchar *> cookies{raw};
    for (gchar **one = raw; one != nullptr && *one != nullptr; one++)
      text.append ("Cookie: ").append (*one).append ("\n");
  }
  if (has_property (source, "extra-headers", GST_TYPE_STRUCTURE)) {
    GstStructure *raw = nullptr;
    g_object_get (source, "extra-headers", &raw, nullptr);
    if (Owned<GstStructure> headers{raw}) {
      for (const char *name : {"Authorization", "Cookie"}) {
        std::string values = values_of (headers.get (), name);
        if (!values.empty ())
          text.append (name).append (": ").append (values).append ("\n");
      }
    }
  }
  return text;
}

}  // namespace

const char *refusal (GstEvent *event)
{
  Owned<GstStructure> headers = headers_of (event, "response-headers");
  if (headers == nullptr) return nullptr;
  std::string control = values_of (headers.get (), "Cache-Control");
  if (has_directive (control, "no-store")) return "no-store";
  if (has_directive (control, "private")) return "private";
  return nullptr;
}

namespace {

// Of "bytes 0-9/100", or of "100".
std::uint64_t size_in (std::string_view text)
{
  std::size_t slash = text.rfind ('/');
  if (slash != std::string_view::npos) text.remove_prefix (slash + 1);
  text = trimmed (text);
  std::uint64_t size = 0;
  auto [end, error] =
      std::from_chars (text.data (), text.data () + text.size (), size);
  bool is_number = error == std::errc () && end == text.data () + text.size ();
  return is_number ? size : record::unknown_size;
}

}  // namespace

std::optional<record::Facts> facts (GstEvent *event)
{
  Owned<GstStructure> headers = headers_of (event, "response-headers");
  guint status = 0;
  if (headers == nullptr ||
      !gst_structure_get_uint (
          gst_event_get_structure (event), "http-status-code", &status))
    return std::nullopt;
  constexpr guint ok = 200;
  constexpr guint partial = 206;
  if (status != ok && status != partial) return std::nullopt;
  record::Facts facts;
  facts.etag = values_of (headers.get (), "ETag");
  facts.last_modified = values_of (headers.get (), "Last-Modified");
  std::string coding = values_of (headers.get (), "Content-Encoding");
  // What is sent is then not what comes out.
  if (!coding.empty () && !same_name (coding, "identity")) return facts;
  facts.total = size_in (values_of (
      headers.get (), status == partial ? "Content-Range" : "Content-Length"));
  return facts;
}

bool has_credentials (GstEvent *event)
{
  Owned<GstStructure> headers = headers_of (event, "request-headers");
  return headers != nullptr &&
         (!values_of (headers.get (), "Authorization").empty () ||
             !values_of (headers.get (), "Cookie").empty ());
}

std::string credentials (GstPad *sinkpad)
{
  // One that does not show them is asked for their hash.
  Owned<GstQuery> query{gst_query_new_custom (
      GST_QUERY_CUSTOM, gst_structure_new_empty ("relay-credentials"))};
  if (gst_pad_peer_query (sinkpad, query.get ())) {
    const gchar *hash = gst_structure_get_string (
        gst_query_get_structure (query.get ()), "hash");
    if (hash != nullptr) return hash;
  }
  Owned<GstElement> source = cachefeeder::source_of (sinkpad);
  if (source == nullptr) return "";
  std::string text = credentials_of (source.get ());
  // One that shows stars hides them, and two would look the same.
  if (text.empty () || text.find ("***") != std::string::npos) return "";
  Owned<gchar> hash{g_compute_checksum_for_string (
      G_CHECKSUM_SHA256, text.c_str (), static_cast<gssize> (text.size ()))};
  return hash.get ();
}

std::string credentials_prefix (const std::string &key)
{
  return key + "\ncredentials ";
}

std::string key_for (const std::string &key, GstPad *sinkpad)
{
  if (key.empty ()) return key;
  std::string hash = credentials (sinkpad);
  return hash.empty () ? key : credentials_prefix (key) + hash;
}

}  // namespace cachecontrol

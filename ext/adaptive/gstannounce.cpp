// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstannounce.h"

#include "common/gstpp.h"
#include "gstfetch.h"
#include "http.h"
#include "icy.h"
#include "uri.h"

using relay::Owned;

namespace gstannounce {

namespace {

const std::string *content_type_of (const fetcher::Head &head)
{
  for (const auto &[name, value] : head.headers)
    if (http::same_name (name, "Content-Type")) return &value;
  return nullptr;
}

// Of raw audio they are in the Content-Type.
Owned<GstCaps> raw_audio_caps (const fetcher::Head &head)
{
  const std::string *type = content_type_of (head);
  if (type == nullptr) return nullptr;
  std::uint64_t rate = http::number_parameter (*type, "rate").value_or (44100);
  std::uint64_t channels =
      http::number_parameter (*type, "channels").value_or (2);
  if (rate == 0 || rate > G_MAXINT || channels == 0 || channels > 64)
    return nullptr;
  return Owned<GstCaps>{gst_caps_new_simple ("audio/x-unaligned-raw", "format",
      G_TYPE_STRING, "S16BE", "layout", G_TYPE_STRING, "interleaved",
      "channels", G_TYPE_INT, static_cast<int> (channels), "rate", G_TYPE_INT,
      static_cast<int> (rate), nullptr)};
}

// All other than these is found by its data: null.
Owned<GstCaps> caps_of (const fetcher::Head &head, const icy::Station &station)
{
  if (http::same_name (head.content_type, "audio/L16"))
    if (Owned<GstCaps> caps = raw_audio_caps (head)) return caps;
  if (station.interval == 0) return nullptr;
  Owned<GstCaps> caps{gst_caps_new_simple ("application/x-icy",
      "metadata-interval", G_TYPE_INT, station.interval, nullptr)};
  if (!head.content_type.empty () &&
      g_utf8_validate (head.content_type.c_str (), -1, nullptr))
    gst_caps_set_simple (caps.get (), "content-type", G_TYPE_STRING,
        head.content_type.c_str (), nullptr);
  return caps;
}

// What is no UTF-8 has become U+FFFD in libsoup.
void add_tag (GstTagList *tags, const char *tag, const std::string &text)
{
  if (!text.empty () && g_utf8_validate (text.c_str (), -1, nullptr))
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, tag, text.c_str (), nullptr);
}

Owned<GstTagList> tags_of (const icy::Station &station)
{
  Owned<GstTagList> tags{gst_tag_list_new_empty ()};
  add_tag (tags.get (), GST_TAG_ORGANIZATION, station.name);
  add_tag (tags.get (), GST_TAG_GENRE, station.genre);
  add_tag (tags.get (), GST_TAG_LOCATION, station.url);
  if (gst_tag_list_is_empty (tags.get ())) return nullptr;
  return tags;
}

}  // namespace

GType log_level_get_type ()
{
  static const GType type = [] {
    static const GEnumValue values[] = {
        {static_cast<int> (LogLevel::none), "Nothing", "none"},
        {static_cast<int> (LogLevel::minimal), "Request and status", "minimal"},
        {static_cast<int> (LogLevel::headers), "And the headers", "headers"},
        {static_cast<int> (LogLevel::body), "As headers", "body"},
        {0, nullptr, nullptr}};
    return g_enum_register_static ("GstProxyHttpSrcLogLevel", values);
  }();
  return type;
}

void headers (
    GstBaseSrc *source, const char *location, const fetcher::Head &head)
{
  icy::Station station = icy::parse (head.headers);
  if (Owned<GstCaps> caps = caps_of (head, station))
    gst_base_src_set_caps (source, caps.get ());
  if (Owned<GstTagList> tags = tags_of (station))
    gst_pad_push_event (
        GST_BASE_SRC_PAD (source), gst_event_new_tag (tags.release ()));
  Owned<GstStructure> structure = gstfetch::http_headers (location, head);
  gst_element_post_message (
      GST_ELEMENT (source), gst_message_new_element (GST_OBJECT (source),
                                gst_structure_copy (structure.get ())));
  gst_pad_push_event (GST_BASE_SRC_PAD (source),
      gst_event_new_custom (
          GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, structure.release ()));
}

void refusal (
    GstBaseSrc *source, const char *location, const fetcher::Head &head)
{
  gst_element_post_message (GST_ELEMENT (source),
      gst_message_new_element (GST_OBJECT (source),
          gstfetch::http_headers (location, head).release ()));
}

void log (GstBaseSrc *source, GstDebugCategory *category, LogLevel level,
    const fetcher::Head &head)
{
  if (level == LogLevel::none) return;
  GST_CAT_LOG_OBJECT (category, source, "%s: %u",
      uri::without_secrets (head.uri).c_str (), head.status);
  if (level == LogLevel::minimal) return;
  for (const auto &[name, value] : head.request_headers)
    GST_CAT_LOG_OBJECT (
        category, source, "> %s: %s", name.c_str (), value.c_str ());
  for (const auto &[name, value] : head.headers)
    GST_CAT_LOG_OBJECT (
        category, source, "< %s: %s", name.c_str (), value.c_str ());
}

}  // namespace gstannounce

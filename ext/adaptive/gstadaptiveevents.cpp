// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstadaptiveevents.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/gstpp.h"
#include "datauri.h"

using relay::Owned;

namespace {

// What is no UTF-8 has no place in a message.
std::string readable (const std::string &text)
{
  Owned<gchar> valid{
      g_utf8_make_valid (text.c_str (), static_cast<gssize> (text.size ()))};
  return valid.get ();
}

Owned<GstStructure> make (const char *source,
    const presentation::Descriptor &scheme, const std::string &id,
    GstClockTime time, GstClockTime duration)
{
  return Owned<GstStructure>{gst_structure_new ("adaptivesrc-event", "source",
      G_TYPE_STRING, source, "scheme-id-uri", G_TYPE_STRING,
      readable (scheme.scheme_id_uri).c_str (), "value", G_TYPE_STRING,
      readable (scheme.value).c_str (), "id", G_TYPE_STRING,
      readable (id).c_str (), "time", G_TYPE_UINT64,
      static_cast<guint64> (time), "duration", G_TYPE_UINT64,
      static_cast<guint64> (duration), nullptr)};
}

void set_data (GstStructure *structure, const void *data, std::size_t size)
{
  Owned<GBytes> bytes{g_bytes_new (data, size)};
  gst_structure_set (structure, "data", G_TYPE_BYTES, bytes.get (), nullptr);
}

void post_message (GstElement *element, Owned<GstStructure> structure)
{
  gst_element_post_message (element,
      gst_message_new_element (GST_OBJECT (element), structure.release ()));
}

}  // namespace

void gstadaptiveevents::post (
    GstElement *element, std::span<const presentation::EventStream> streams)
{
  for (const auto &stream : streams) {
    for (const auto &event : stream.events) {
      auto structure = make ("mpd", stream.scheme, event.id, event.time,
          event.duration.value_or (GST_CLOCK_TIME_NONE));
      auto decoded =
          event.is_base64 ? datauri::decode_base64 (event.data) : std::nullopt;
      if (decoded)
        set_data (structure.get (), decoded->data (), decoded->size ());
      else
        gst_structure_set (structure.get (), "text", G_TYPE_STRING,
            readable (event.data).c_str (), nullptr);
      post_message (element, std::move (structure));
    }
  }
}

namespace {

// A name that GstStructure can print; others are no attribute names either.
bool is_name (const std::string &text)
{
  return std::ranges::all_of (
      text, [] (char c) { return g_ascii_isalnum (c) || c == '-'; });
}

Owned<GstStructure> make (const presentation::DateRange &range)
{
  Owned<GstStructure> attributes{gst_structure_new_empty ("attributes")};
  for (const auto &[name, value] : range.attributes)
    if (is_name (name))
      gst_structure_set (attributes.get (), name.c_str (), G_TYPE_STRING,
          readable (value).c_str (), nullptr);
  Owned<GstStructure> out{gst_structure_new ("adaptivesrc-date-range", "id",
      G_TYPE_STRING, readable (range.id).c_str (), "class", G_TYPE_STRING,
      readable (range.scheme).c_str (), "cue", G_TYPE_STRING,
      readable (range.cue).c_str (), "start-date", G_TYPE_INT64,
      static_cast<gint64> (range.start), "duration", G_TYPE_UINT64,
      static_cast<guint64> (range.duration.value_or (GST_CLOCK_TIME_NONE)),
      "planned-duration", G_TYPE_UINT64,
      static_cast<guint64> (
          range.planned_duration.value_or (GST_CLOCK_TIME_NONE)),
      "end-on-next", G_TYPE_BOOLEAN, static_cast<gboolean> (range.end_on_next),
      "attributes", GST_TYPE_STRUCTURE, attributes.get (), nullptr)};
  if (range.end)
    gst_structure_set (out.get (), "end-date", G_TYPE_INT64,
        static_cast<gint64> (*range.end), nullptr);
  if (range.time)
    gst_structure_set (out.get (), "time", G_TYPE_INT64,
        static_cast<gint64> (*range.time), nullptr);
  return out;
}

Owned<GstStructure> make (const presentation::SessionData &data)
{
  Owned<GstStructure> out{gst_structure_new ("adaptivesrc-session-data", "id",
      G_TYPE_STRING, readable (data.id).c_str (), "language", G_TYPE_STRING,
      readable (data.language).c_str (), nullptr)};
  if (data.uri.empty ())
    gst_structure_set (out.get (), "value", G_TYPE_STRING,
        readable (data.value).c_str (), nullptr);
  else
    gst_structure_set (out.get (), "uri", G_TYPE_STRING,
        readable (data.uri).c_str (), "format", G_TYPE_STRING,
        readable (data.format).c_str (), nullptr);
  return out;
}

Owned<GstStructure> make (const presentation::Captions &captions)
{
  return Owned<GstStructure>{gst_structure_new ("adaptivesrc-captions", "group",
      G_TYPE_STRING, readable (captions.group).c_str (), "name", G_TYPE_STRING,
      readable (captions.name).c_str (), "language", G_TYPE_STRING,
      readable (captions.language).c_str (), "instream-id", G_TYPE_STRING,
      readable (captions.instream_id).c_str (), "default", G_TYPE_BOOLEAN,
      static_cast<gboolean> (captions.is_default), "autoselect", G_TYPE_BOOLEAN,
      static_cast<gboolean> (captions.autoselect), nullptr)};
}

}  // namespace

void gstadaptiveevents::post (
    GstElement *element, const presentation::Notes &notes)
{
  for (const auto &one : notes.session_data) post_message (element, make (one));
  for (const auto &one : notes.captions) post_message (element, make (one));
  for (const auto &one : notes.date_ranges) post_message (element, make (one));
}

void gstadaptiveevents::post (GstElement *element, const std::string &server,
    const steering::Manifest &said)
{
  Owned<GstStructure> structure{gst_structure_new ("adaptivesrc-steering",
      "server", G_TYPE_STRING, readable (server).c_str (), "ttl", G_TYPE_UINT64,
      static_cast<guint64> (said.ttl.count ()), nullptr)};
  GValue all = G_VALUE_INIT;
  gst_value_array_init (&all, static_cast<guint> (said.priority.size ()));
  for (const std::string &id : said.priority) {
    GValue one = G_VALUE_INIT;
    g_value_init (&one, G_TYPE_STRING);
    g_value_set_string (&one, readable (id).c_str ());
    gst_value_array_append_and_take_value (&all, &one);
  }
  gst_structure_take_value (structure.get (), "priority", &all);
  post_message (element, std::move (structure));
}

void AdaptiveEvents::begin (presentation::Time start, presentation::Time offset)
{
  start_ = start;
  offset_ = offset;
}

void AdaptiveEvents::look (GstBuffer *buffer)
{
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER)) return;
  if (GST_BUFFER_OFFSET (buffer) == 0) {
    scanner_.begin ();
    segment_ = GST_BUFFER_PTS_IS_VALID (buffer) ? GST_BUFFER_PTS (buffer) : 0;
  }
  relay::MappedBuffer map (buffer, GST_MAP_READ);
  if (!map) return;
  scanner_.feed (map.bytes ());
  for (const emsg::Event &event : scanner_.take ()) post (event);
}

// "scheme_id_uri, value and id" say whether two are the same (5.10.3.3.4).
void AdaptiveEvents::post (const emsg::Event &event)
{
  auto time = emsg::time_of (event, segment_, offset_);
  if (!time || *time > presentation::max_time - start_) return;
  std::string id = std::to_string (event.id);
  std::string key = event.scheme_id_uri;
  key.append (1, '\0').append (event.value).append (1, '\0').append (id);
  if (known_.size () >= most_known) known_.clear ();
  if (!known_.insert (std::move (key)).second) return;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  if (event.duration != emsg::no_duration)
    duration = presentation::to_time (event.duration, event.timescale)
                   .value_or (GST_CLOCK_TIME_NONE);
  auto structure = make (
      "emsg", {event.scheme_id_uri, event.value}, id, start_ + *time, duration);
  gst_structure_set (
      structure.get (), "pad", G_TYPE_STRING, pad_.c_str (), nullptr);
  set_data (structure.get (), event.data.data (), event.data.size ());
  post_message (element_, std::move (structure));
}

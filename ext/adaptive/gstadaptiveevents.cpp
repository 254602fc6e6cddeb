// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstadaptiveevents.h"

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

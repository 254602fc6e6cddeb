// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachefacts.h"

#include <utility>

#include "gstcacheitem.h"

namespace cachefacts {

using record::Facts;
using relay::Owned;

namespace {

constexpr std::size_t length_size = 4;

// With its length before it.
void append (
    std::vector<std::uint8_t> &content, const std::vector<std::uint8_t> &event)
{
  std::uint8_t length[length_size];
  GST_WRITE_UINT32_LE (length, static_cast<guint32> (event.size ()));
  content.insert (content.end (), length, length + length_size);
  content.insert (content.end (), event.begin (), event.end ());
}

gboolean add (GstPad *, GstEvent **event, gpointer data)
{
  auto *content = static_cast<std::vector<std::uint8_t> *> (data);
  GstEventType type = GST_EVENT_TYPE (*event);
  if (type != GST_EVENT_STREAM_START && type != GST_EVENT_CAPS &&
      type != GST_EVENT_TAG)
    return TRUE;
  if (auto bytes = cacheitem::encode (*event)) append (*content, *bytes);
  return TRUE;
}

}  // namespace

Facts gather (GstPad *sinkpad, std::optional<Facts> headers)
{
  Facts facts;
  gint64 duration = -1;
  if (headers)
    facts = *std::move (headers);
  else if (gst_pad_peer_query_duration (sinkpad, GST_FORMAT_BYTES, &duration) &&
           duration >= 0)
    facts.total = static_cast<std::uint64_t> (duration);
  gst_pad_sticky_events_foreach (sinkpad, add, &facts.content);
  return facts;
}

std::vector<Owned<GstEvent>> events (std::span<const std::uint8_t> content)
{
  std::vector<Owned<GstEvent>> events;
  while (content.size () >= length_size) {
    std::size_t length = GST_READ_UINT32_LE (content.data ());
    content = content.subspan (length_size);
    if (length > content.size ()) break;
    if (Owned<GstEvent> event = cacheitem::decode (content.first (length)))
      events.push_back (std::move (event));
    content = content.subspan (length);
  }
  return events;
}

}  // namespace cachefacts

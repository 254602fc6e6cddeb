// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachequery.h"

#include "common/gstpp.h"

namespace cachequery {

using relay::Owned;

namespace {

bool answer_duration (GstPad *pad, GstQuery *query, const store::Reader *reader)
{
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_duration (query, &format, nullptr);
  Owned<GstEvent> event{gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0)};
  if (event == nullptr || reader == nullptr) return false;
  const GstSegment *segment = nullptr;
  gst_event_parse_segment (event.get (), &segment);
  if (segment->format != format) return false;
  guint64 duration = segment->duration;
  if (format == GST_FORMAT_BYTES) duration = reader->index ().bytes;
  if (duration == GST_CLOCK_TIME_NONE) return false;
  gst_query_set_duration (query, format, static_cast<gint64> (duration));
  return true;
}

bool answer_caps (GstPad *pad, GstQuery *query)
{
  GstCaps *filter = nullptr;
  gst_query_parse_caps (query, &filter);
  Owned<GstCaps> caps{gst_pad_get_current_caps (pad)};
  if (caps == nullptr) caps.reset (gst_caps_new_any ());
  if (filter != nullptr)
    caps.reset (gst_caps_intersect_full (
        filter, caps.get (), GST_CAPS_INTERSECT_FIRST));
  gst_query_set_caps_result (query, caps.get ());
  return true;
}

}  // namespace

gboolean answer (GstPad *pad, GstObject *parent, GstQuery *query,
    const store::Reader *reader)
{
  GstFormat format = GST_FORMAT_UNDEFINED;
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_DURATION:
      return answer_duration (pad, query, reader);
    case GST_QUERY_CAPS:
      return answer_caps (pad, query);
    case GST_QUERY_SEEKING:
      gst_query_parse_seeking (query, &format, nullptr, nullptr, nullptr);
      gst_query_set_seeking (query, format, FALSE, 0, -1);
      return TRUE;
    case GST_QUERY_LATENCY:
      gst_query_set_latency (query, FALSE, 0, GST_CLOCK_TIME_NONE);
      return TRUE;
    case GST_QUERY_URI:
    case GST_QUERY_CONTEXT:
    case GST_QUERY_CUSTOM:
      return gst_pad_query_default (pad, parent, query);
    default:
      return FALSE;
  }
}
}  // namespace cachequery

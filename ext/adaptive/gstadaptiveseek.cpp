// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptiveseek.h"

#include <algorithm>

using timeline::Time;

std::optional<AdaptiveSeek> AdaptiveSeek::parse (GstEvent *event)
{
  AdaptiveSeek seek;
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_event_parse_seek (event, &seek.rate, &format, &seek.flags,
      &seek.start_type, &seek.start, &seek.stop_type, &seek.stop);
  seek.seqnum = gst_event_get_seqnum (event);
  if (format != GST_FORMAT_TIME || seek.rate == 0 ||
      (seek.flags & GST_SEEK_FLAG_INSTANT_RATE_CHANGE) != 0)
    return std::nullopt;
  return seek;
}

// As GST_SEEK_FLAG_SNAP_NEAREST is both of the others.
static timeline::Snap snap_of (GstSeekFlags flags)
{
  bool before = (flags & GST_SEEK_FLAG_SNAP_BEFORE) != 0;
  bool after = (flags & GST_SEEK_FLAG_SNAP_AFTER) != 0;
  if (before && after) return timeline::Snap::nearest;
  return after ? timeline::Snap::after : timeline::Snap::before;
}

// Where the event says it; nothing when it says that nothing changes.
static std::optional<gint64> place_of (
    GstSeekType type, gint64 value, const GstSegment &segment)
{
  if (type == GST_SEEK_TYPE_NONE || value < 0) return std::nullopt;
  if (type == GST_SEEK_TYPE_SET) return value;
  return static_cast<gint64> (segment.duration) + value;
}

// What is left of the seek before gives way; false when it contradicts itself.
bool AdaptiveSeek::make_room (GstSegment &segment) const
{
  auto from = place_of (start_type, start, segment);
  auto to = place_of (stop_type, stop, segment);
  if (from && to) return *from <= *to;
  if (from && GST_CLOCK_TIME_IS_VALID (segment.stop) &&
      static_cast<guint64> (*from) > segment.stop)
    segment.stop = GST_CLOCK_TIME_NONE;
  if (to && static_cast<guint64> (*to) < segment.start) segment.start = 0;
  return true;
}

std::optional<Itinerary> AdaptiveSeek::plan (const Present &present) const
{
  GstSegment &segment = *present.segment;
  segment.position = present.position;
  if (present.duration) segment.duration = *present.duration;
  if (!make_room (segment) ||
      !gst_segment_do_seek (&segment, rate, GST_FORMAT_TIME, flags, start_type,
          static_cast<guint64> (start), stop_type, static_cast<guint64> (stop),
          nullptr))
    return std::nullopt;

  timeline::Playing playing;
  playing.rate = rate;
  playing.begin = segment.start;
  bool has_stop = GST_CLOCK_TIME_IS_VALID (segment.stop);
  if (has_stop) playing.end = segment.stop;
  if (rate < 0 && !has_stop) {
    if (!present.duration) return std::nullopt;
    playing.end = *present.duration;
  }
  if (snaps () && rate > 0)
    playing.begin = std::min (
        timeline::snap (present.key_units, playing.begin, snap_of (flags)),
        playing.end);
  else if (snaps ())
    playing.end = std::max (
        timeline::snap (present.key_units, playing.end, snap_of (flags)),
        playing.begin);
  segment.start = playing.begin;

  Itinerary out;
  auto legs = timeline::make_legs (playing, present.left_out);
  if (present.takes_whole_segments)
    legs = timeline::to_segments (std::move (legs), rate, present.track);
  out.walk = timeline::Walk (std::move (legs), rate < 0);
  out.rate = rate;
  out.flags = segment.flags;
  out.seqnum = seqnum;
  out.ends_open = !has_stop;
  out.is_segment_seek = (flags & GST_SEEK_FLAG_SEGMENT) != 0;
  return out;
}

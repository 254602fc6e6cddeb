// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>
#include <span>

#include "gstsegmentsource.h"
#include "timeline.h"

// A seek event as it is asked for.
struct AdaptiveSeek
{
  double rate = 1;
  GstSeekFlags flags = GST_SEEK_FLAG_NONE;
  GstSeekType start_type = GST_SEEK_TYPE_NONE;
  gint64 start = -1;
  GstSeekType stop_type = GST_SEEK_TYPE_NONE;
  gint64 stop = -1;
  guint32 seqnum = GST_SEQNUM_INVALID;

  // Nothing for what is not possible here: other formats than TIME, and another
  // rate without a new segment.
  static std::optional<AdaptiveSeek> parse (GstEvent *event);
  [[nodiscard]] bool is_flushing () const
  {
    return (flags & GST_SEEK_FLAG_FLUSH) != 0;
  }
  [[nodiscard]] bool snaps () const
  {
    return (flags & GST_SEEK_FLAG_KEY_UNIT) != 0;
  }
  // Where there are key frames alone these are played, so it is one of them.
  [[nodiscard]] bool snaps_to_key_frames () const
  {
    return snaps () && (flags & GST_SEEK_FLAG_TRICKMODE_KEY_UNITS) != 0;
  }
  void make_flushing ()
  {
    flags = static_cast<GstSeekFlags> (flags | GST_SEEK_FLAG_FLUSH);
  }

  // What the event is applied to.
  struct Present
  {
    GstSegment *segment = nullptr;  // of the presentation; is changed
    std::optional<timeline::Time> duration;
    timeline::Time position = 0;
    std::span<const timeline::Stretch> track;
    // By which it snaps: that, or its key frames alone.
    std::span<const timeline::Stretch> key_units;
    std::span<const timeline::Span> left_out;
    // See timeline::to_segments ().
    bool takes_whole_segments = false;
  };
  // In running time from 0 on. Nothing when it leads nowhere.
  [[nodiscard]] std::optional<Itinerary> plan (const Present &present) const;

private:
  bool make_room (GstSegment &segment) const;
};

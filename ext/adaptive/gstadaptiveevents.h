// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "emsg.h"
#include "presentation.h"
#include "steering.h"

// What happens in a presentation beside its media, as messages of the element.
//
// `adaptivesrc-event`: "source" ("mpd" or "emsg"), "scheme-id-uri", "value",
// "id" (strings), "time" (guint64, ns: stream time), "duration" (guint64, ns,
// GST_CLOCK_TIME_NONE when not known), and what it says: "text" (string) or
// "data" (GBytes). Those of emsg boxes have "pad" (string) as well.
//
// HLS: `adaptivesrc-date-range`: "id", "class", "cue" (strings), "start-date"
// and, if known, "end-date" (gint64, ms since 1970, UTC), "time" (gint64, ns:
// stream time, if the playlist has dates), "duration", "planned-duration"
// (guint64, ns, GST_CLOCK_TIME_NONE when not known), "end-on-next" (gboolean),
// and "attributes" (GstStructure of strings): those that begin with X- or
// SCTE35-. `adaptivesrc-session-data`: "id", "value" or "uri" and "format",
// "language". `adaptivesrc-captions`, closed captions in the picture's stream:
// "group", "name", "language", "instream-id" (strings), "default", "autoselect"
// (gboolean).
//
// `adaptivesrc-steering`, of Content Steering: "server" (string), "priority"
// (GstValueArray of strings) and "ttl" (guint64, s).
namespace gstadaptiveevents {

// Those of EventStream elements, in the order of the manifest.
void post (
    GstElement *element, std::span<const presentation::EventStream> streams);
void post (GstElement *element, const presentation::Notes &notes);
void post (GstElement *element, const std::string &server,
    const steering::Manifest &said);

}  // namespace gstadaptiveevents

// Finds the emsg boxes in what a pad pushes, and posts each event once: they
// are repeated in segments that come later, and in other tracks.
class AdaptiveEvents
{
public:
  // pad: its name.
  AdaptiveEvents (GstElement *element, std::string pad)
      : element_ (element), pad_ (std::move (pad))
  {
  }

  // What comes is of this period: its start, and the time of that on the
  // media's own clock.
  void begin (presentation::Time start, presentation::Time offset);
  // Buffers as SegmentReader dresses them.
  void look (GstBuffer *buffer);

private:
  // The last ones; an older one that comes again is posted again.
  static constexpr std::size_t most_known = 4096;

  void post (const emsg::Event &event);

  GstElement *element_;
  const std::string pad_;
  emsg::Scanner scanner_;
  presentation::Time start_ = 0;
  presentation::Time offset_ = 0;
  presentation::Time segment_ = 0;  // the time of the present one
  std::set<std::string> known_;
};

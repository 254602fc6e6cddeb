// SPDX-License-Identifier: LGPL-2.1-or-later
// What a source of segments says of time: SEGMENT, GAP, and the clocks of the
// media.
#include <algorithm>
#include <cmath>

#include "gstsegmentsource.h"
#include "uri.h"

using relay::Owned;
using timeline::Stretch;
using timeline::Walk;

// What of a leg is in a stretch.
timeline::Span SegmentSource::span_of (const Walk::Step &step) const
{
  const timeline::Leg &leg = itinerary_.walk.legs ()[step.leg];
  const Stretch &stretch = stretches_[step.stretch];
  return {std::max (leg.begin, stretch.start),
      std::max (std::min (leg.end, stretch.end), leg.begin)};
}

Owned<GstEvent> SegmentSource::make_event (const GstSegment &segment) const
{
  Owned<GstEvent> event{gst_event_new_segment (&segment)};
  if (itinerary_.seqnum != GST_SEQNUM_INVALID)
    gst_event_set_seqnum (event.get (), itinerary_.seqnum);
  return event;
}

// Buffers have the times of the media, which the segment maps to those of the
// presentation.
Owned<GstEvent> SegmentSource::segment_event (const Walk::Step &step) const
{
  const timeline::Leg &leg = itinerary_.walk.legs ()[step.leg];
  const Stretch &stretch = stretches_[step.stretch];
  const timeline::Span span = span_of (step);
  // What is a little longer than the manifest says is played to its end.
  bool is_open = itinerary_.ends_open && leg.end == timeline::max_time &&
                 stretch.end == timeline::max_time;

  const presentation::Time lead = segment_lead_.value_or (0);
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = itinerary_.rate;
  segment.flags = itinerary_.flags;
  segment.start = timeline::to_media (stretch, span.begin) + lead;
  if (!is_open) segment.stop = timeline::to_media (stretch, span.end) + lead;
  segment.time = span.begin;
  segment.base = timeline::to_running (leg, itinerary_.rate, span).begin;
  if (axis_) add_legs (step, segment);
  segment.position = itinerary_.rate < 0 ? segment.stop : segment.start;
  return make_event (segment);
}

// ---- MPEG-TS ---------------------------------------------------------------

tsclock::Anchor SegmentSource::anchor_of (const Walk::Step &step) const
{
  const timeline::Leg &leg = itinerary_.walk.legs ()[step.leg];
  const timeline::Span span = span_of (step);
  timeline::Time at = itinerary_.rate < 0 ? span.end : span.begin;
  return {timeline::to_media (stretches_[step.stretch], at),
      timeline::to_running (leg, itinerary_.rate, {at, at}).begin};
}

// What comes behind the first leg is in its SEGMENT too: see tsclock::Axis.
void SegmentSource::add_legs (const Walk::Step &step, GstSegment &segment) const
{
  const std::vector<timeline::Leg> &legs = itinerary_.walk.legs ();
  if (step.leg + 1 == legs.size () && stretches_.size () == 1) return;
  const timeline::Leg &last = legs.back ();
  if (last.end == timeline::max_time) {
    segment.stop = GST_CLOCK_TIME_NONE;
    return;
  }
  auto running =
      timeline::to_running (last, itinerary_.rate, {last.begin, last.end}).end;
  auto rest =
      static_cast<GstClockTime> (static_cast<double> (running - segment.base) *
                                 std::abs (itinerary_.rate));
  if (itinerary_.rate > 0)
    segment.stop = segment.start + rest;
  else
    segment.start = segment.stop - std::min (segment.stop, rest);
}

// With the first buffer of the first segment. True: SEGMENT says more now.
bool SegmentSource::begin_axis ()
{
  begin_clock ();
  axis_.emplace (itinerary_.rate, anchor_of (*step_), *segment_lead_);
  return *segment_lead_ != 0 || itinerary_.walk.legs ().size () > 1 ||
         stretches_.size () > 1;
}

// By the first PCR and, where a demuxer begins to count, by the first picture
// or sound. In between PCR goes on: a demuxer that is told of other times wants
// to make up for the difference.
void SegmentSource::read_clock (const tsclock::Lead &lead)
{
  if (reader_->part ().begins_clock) {
    if (lead.time && lead.first)
      lead_ = static_cast<std::int64_t> (*lead.time) - offset_of (*lead.first);
  } else if (lead.clock && reference_) {
    std::int64_t by =
        mediaclock::offset (*reference_, segment_.time, *lead.clock);
    constexpr auto most = static_cast<std::int64_t> (mediaclock::furthest);
    if (by > -most && by < most) {
      lead_ -= by;
      track_clock_.follow (*access_.clocks->lock (), segment_.time, by);
    }
  }
  reference_.reset ();
  if (lead.clock) reference_ = {segment_.time, *lead.clock};
}

// ---- The clock of the media ------------------------------------------------

mediaclock::Place SegmentSource::place_of (const Walk::Step &step) const
{
  const timeline::Leg &leg = itinerary_.walk.legs ()[step.leg];
  // What is left of a leg has the same end.
  return {itinerary_.seqnum,
      itinerary_.walk.is_backward () ? leg.begin : leg.end, step.stretch,
      segment_.discontinuity_sequence};
}

// How much later the present segment is than it is listed.
std::int64_t SegmentSource::offset_of (std::uint64_t timestamp)
{
  auto answer = track_clock_.at (
      *access_.clocks->lock (), place_of (*step_), segment_.time, timestamp);
  if (answer.is_news && access_.on_other_clock)
    access_.on_other_clock (
        uri::without_secrets (reader_->part ().resource ().uri));
  return answer.offset;
}

// There is no PTS below 0: SEGMENT begins later instead.
void SegmentSource::begin_clock ()
{
  segment_lead_ =
      static_cast<presentation::Time> (std::max<std::int64_t> (lead_, 0));
}

// With the first buffer of a segment. True: SEGMENT says more now.
bool SegmentSource::take_clock ()
{
  if (const auto &lead = reader_->lead ()) {
    read_clock (*lead);
    return !axis_ && begin_axis ();
  }
  auto timestamp = reader_->timestamp ();
  if (!timestamp) return false;
  lead_ = -offset_of (*timestamp);
  if (segment_lead_) return false;
  begin_clock ();
  return *segment_lead_ != 0;
}

presentation::Time SegmentSource::pts_of (presentation::Time media) const
{
  if (axis_) return axis_->pts (anchor_of (*step_), media, lead_);
  auto out = static_cast<std::int64_t> (media + segment_lead_.value_or (0));
  return static_cast<presentation::Time> (
      std::max<std::int64_t> (out - lead_, 0));
}

// It has no clock of its own.
presentation::Time SegmentSource::gap_time (presentation::Time media) const
{
  auto out = static_cast<std::int64_t> (pts_of (media)) + lead_;
  return static_cast<presentation::Time> (std::max<std::int64_t> (out, 0));
}

// ---- Holes -----------------------------------------------------------------

// In place of the present segment.
void SegmentSource::put_gap ()
{
  events_.emplace_back (
      gst_event_new_gap (gap_time (segment_.time), segment_.duration));
  discontinuity_ = true;
}

// Where the track is missing before a step: in other periods, forward.
std::optional<timeline::Span> SegmentSource::hole_before (
    const Walk::Step &step) const
{
  const Stretch &stretch = stretches_[step.stretch];
  if (!step.begins || itinerary_.rate < 0) return std::nullopt;
  timeline::Span out{itinerary_.walk.legs ()[step.leg].begin, stretch.start};
  if (step.stretch > 0)
    out.begin = std::max (out.begin, stretches_[step.stretch - 1].end);
  // One that was passed over is none.
  if (out.begin >= out.end ||
      step.segment != timeline::first_after (stretch, stretch.start))
    return std::nullopt;
  return out;
}

// SEGMENT: a hole has no clock of any media.
Owned<GstEvent> SegmentSource::hole_event (
    const Walk::Step &step, const timeline::Span &hole) const
{
  const timeline::Leg &leg = itinerary_.walk.legs ()[step.leg];
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = itinerary_.rate;
  segment.flags = itinerary_.flags;
  segment.start = hole.begin;
  segment.stop = hole.end;
  segment.position = hole.begin;
  segment.time = hole.begin;
  segment.base = timeline::to_running (leg, itinerary_.rate, hole).begin;
  return make_event (segment);
}

void SegmentSource::push_hole (const Walk::Step &step)
{
  auto hole = hole_before (step);
  if (!hole) return;
  events_.push_back (hole_event (step, *hole));
  events_.emplace_back (
      gst_event_new_gap (hole->begin, hole->end - hole->begin));
  if (number_ == 1) events_.push_back (segment_event (step));
}

Owned<GstEvent> SegmentSource::first_segment () const
{
  Walk walk = itinerary_.walk;
  auto step = walk.next (stretches_);
  if (!step) return segment_event ({});
  if (auto hole = hole_before (*step)) return hole_event (*step, *hole);
  return segment_event (*step);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstsegmentsource.h"

#include <algorithm>
#include <utility>

#include "schedule.h"

using relay::Owned;
using timeline::Stretch;
using timeline::Walk;
using Kind = SegmentItem::Kind;

SegmentSource::SegmentSource (const SegmentReader::Access &access,
    std::span<const Stretch> stretches, Itinerary itinerary,
    GCancellable *cancellable, Helper *helper)
    : access_ (access),
      stretches_ (stretches),
      itinerary_ (std::move (itinerary)),
      cancellable_ (cancellable),
      helper_ (helper)
{
}

// ---- Events ----------------------------------------------------------------

// Buffers have the times of the media, which the segment maps to those of the
// presentation.
Owned<GstEvent> SegmentSource::segment_event (const Walk::Step &step) const
{
  const std::vector<timeline::Leg> &legs = itinerary_.walk.legs ();
  const timeline::Leg &leg = legs[step.leg];
  const Stretch &stretch = stretches_[step.stretch];
  timeline::Span span{std::max (leg.begin, stretch.start),
      std::max (std::min (leg.end, stretch.end), leg.begin)};
  // What is a little longer than the manifest says is played to its end.
  bool is_open = itinerary_.ends_open && leg.end == timeline::max_time &&
                 step.stretch + 1 == stretches_.size ();

  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = itinerary_.rate;
  segment.flags = itinerary_.flags;
  segment.start = timeline::to_media (stretch, span.begin);
  if (!is_open) segment.stop = timeline::to_media (stretch, span.end);
  segment.position = itinerary_.rate < 0 ? segment.stop : segment.start;
  segment.time = span.begin;
  segment.base = timeline::to_running (leg, itinerary_.rate, span).begin;
  Owned<GstEvent> event{gst_event_new_segment (&segment)};
  if (itinerary_.seqnum != GST_SEQNUM_INVALID)
    gst_event_set_seqnum (event.get (), itinerary_.seqnum);
  return event;
}

Owned<GstEvent> SegmentSource::first_segment () const
{
  Walk walk = itinerary_.walk;
  if (auto step = walk.next (stretches_)) return segment_event (*step);
  return segment_event ({});
}

SegmentItem SegmentSource::make_item (Kind kind) const
{
  SegmentItem item;
  item.kind = kind;
  item.mark = mark_;
  return item;
}

SegmentItem SegmentSource::take_event ()
{
  SegmentItem item = make_item (Kind::event);
  item.event = std::move (events_.front ());
  events_.pop_front ();
  return item;
}

// ---- Steps -----------------------------------------------------------------

// False at the end.
bool SegmentSource::begin_step ()
{
  auto mark = std::make_shared<SegmentMark> ();
  mark->before = itinerary_.walk;
  step_ = itinerary_.walk.next (stretches_);
  if (!step_) return false;
  auto segment = schedule::segment (
      *stretches_[step_->stretch].representation, step_->segment);
  if (!segment) {
    step_.reset ();
    return false;
  }
  segment_ = std::move (*segment);
  mark->step = *step_;
  mark->number = ++number_;
  mark->running = timeline::to_running (
      itinerary_.walk.legs ()[step_->leg], itinerary_.rate, step_->place);
  mark_ = std::move (mark);
  // After SEGMENT demuxers want to be told anew what comes.
  if (step_->begins && number_ > 1) {
    events_.push_back (segment_event (*step_));
    init_.reset ();
    discontinuity_ = true;
  }
  if (segment_.discontinuity) discontinuity_ = true;
  if (segment_.gap) {
    events_.emplace_back (gst_event_new_gap (segment_.time, segment_.duration));
    discontinuity_ = true;
  }
  return true;
}

void SegmentSource::end_step ()
{
  step_.reset ();
}

void SegmentSource::leave (std::size_t leg)
{
  itinerary_.walk.leave (leg);
  if (!step_ || step_->leg > leg) return;
  if (offered_) helper_->withdraw ();
  offered_.reset ();
  reader_.reset ();
  events_.clear ();
  end_step ();
}

// ---- Parts -----------------------------------------------------------------

std::shared_ptr<SegmentReader> SegmentSource::make_reader (bool is_init)
{
  SegmentPart part;
  part.segment = segment_;
  part.is_init = is_init;
  part.discontinuity = std::exchange (discontinuity_, false) ||
                       (itinerary_.walk.is_backward () && !is_init);
  return std::make_shared<SegmentReader> (
      access_, std::move (part), cancellable_, block_, clocks_);
}

// The segment is asked for as soon as its initialization is: not before, or it
// could have the only connection.
SegmentSource::Result<relay::Done> SegmentSource::open_init (
    std::shared_ptr<SegmentReader> reader)
{
  std::function<void ()> on_place;
  if (helper_ != nullptr) {
    offered_ = make_reader (false);
    helper_->offer (offered_);
    on_place = [this] { helper_->start (); };
  }
  auto opened = reader->open (on_place);
  if (!opened) return opened.error ();
  if (helper_ != nullptr) helper_->start ();
  reader_ = std::move (reader);
  return relay::Done{};
}

SegmentSource::Result<relay::Done> SegmentSource::open_media ()
{
  auto reader = std::move (offered_);
  bool is_open = false;
  if (reader) {
    auto collected = helper_->collect ();
    if (!collected) return collected.error ();
    is_open = *collected;
  } else {
    reader = make_reader (false);
  }
  if (!is_open) {
    auto opened = reader->open ();
    if (!opened) return opened.error ();
  }
  reader_ = std::move (reader);
  return relay::Done{};
}

SegmentSource::Result<relay::Done> SegmentSource::open_part ()
{
  if (segment_.init && init_ != segment_.init)
    return open_init (make_reader (true));
  return open_media ();
}

SegmentItem SegmentSource::end_part ()
{
  bool is_init = reader_->part ().is_init;
  reader_.reset ();
  if (is_init) {
    init_ = segment_.init;
    return make_item (Kind::init_end);
  }
  end_step ();
  return make_item (Kind::segment_end);
}

SegmentSource::Result<SegmentItem> SegmentSource::next ()
{
  for (;;) {
    if (!step_ && !begin_step ()) return SegmentItem{};
    if (!events_.empty ()) return take_event ();
    // "Clients MUST NOT attempt to load" it (RFC 8216bis 4.4.4.7): its event is
    // all that there is of it.
    if (!segment_.gap) break;
    end_step ();
  }
  if (!reader_) {
    auto opened = open_part ();
    if (!opened) return opened.error ();
  }
  auto buffer = reader_->read ();
  if (!buffer) return buffer.error ();
  if (!*buffer) return end_part ();
  SegmentItem item = make_item (Kind::buffer);
  item.buffer = std::move (*buffer);
  return item;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// What a stream plays, and how it goes over to something else: by a flush,
// behind what all of them have begun to send, or again.
#include <utility>

#include "gstadaptivestream.h"

using handover::Turn;

// Of what has not been fetched yet, SEGMENT is to be pushed first.
void AdaptiveStream::make_feed (const Itinerary &itinerary)
{
  itinerary_ = itinerary;
  mark_.reset ();
  line_ = itinerary.is_trick_mode ()
              ? key_frames_.find (selection (), itinerary.rate)
              : nullptr;
  if (line_ == nullptr) line_ = normal_;
  // A demuxer without its initialization would let no gap through.
  Itinerary mine = itinerary;
  bool is_silent =
      itinerary.is_silent () && selection ().type == presentation::Type::audio;
  mine.has_gaps_alone = knows_tracks_ && (is_silent || is_muted_);
  auto feed = std::make_shared<SegmentFeed> (
      shared_.feeds, line_->track, line_->chooser, std::move (mine));
  segment_ = feed->source ().first_segment ();
  // The last one goes without the lock.
  std::swap (*feed_.lock (), feed);
}

// ---- Between two segments --------------------------------------------------

// Nothing of a segment that is not to be sent any more is asked for.
void AdaptiveStream::take_what_is_due ()
{
  if (mark_) return;
  for (;;) {
    auto courses = shared_.courses->lock ();
    if (is_outdated () || !courses->of[this].is_due ()) return;
    courses.unlock ();
    (void)take_next ();
  }
}

// False: the segment is not sent, or not yet. What comes next is taken up here,
// in the very moment in which it is not yet too late.
bool AdaptiveStream::begin_segment (
    const std::shared_ptr<const SegmentMark> &mark)
{
  std::optional<presentation::Time> change;
  Turn turn = Turn::play;
  {
    auto courses = shared_.courses->lock ();
    if (is_outdated ()) return false;
    auto &course = courses->of[this];
    turn = course.begin (mark->running);
    change = course.change ();
  }
  if (turn == Turn::play) {
    mark_ = mark;
    return true;
  }
  if (turn == Turn::change) {
    (void)take_next ();
    return false;
  }
  Itinerary part = itinerary_;
  part.walk = mark->before;
  part.walk.stop_at (*change, part.rate);
  make_feed (part);
  return false;
}

// True: another track is next, from here on, or none.
bool AdaptiveStream::end_segment (const SegmentMark &mark)
{
  mark_.reset ();
  {
    auto run = run_.lock ();
    if (run->line == nullptr && run->is_muted.value_or (is_muted_) == is_muted_)
      return false;
  }
  take_line ();
  const timeline::Span &place = mark.step.place;
  Itinerary rest = itinerary_;
  bool is_backward = rest.walk.is_backward ();
  rest.walk = timeline::Walk (timeline::from (rest.walk.legs (), rest.rate,
                                  is_backward ? place.begin : place.end),
      is_backward);
  make_feed (rest);
  return true;
}

// What the next feed is of, if it is to be another track.
void AdaptiveStream::take_line ()
{
  AdaptiveLine *line = nullptr;
  {
    auto run = run_.lock ();
    line = std::exchange (run->line, nullptr);
    is_muted_ =
        std::exchange (run->is_muted, std::nullopt).value_or (is_muted_);
  }
  if (line == nullptr) return;
  normal_ = line;
  is_other_track_ = true;
}

// False: there is none. By the stream's thread.
bool AdaptiveStream::take_next ()
{
  std::optional<Itinerary> next;
  {
    auto courses = shared_.courses->lock ();
    if (!is_outdated ()) next = courses->of[this].take ();
  }
  if (!next) return false;
  // Who leaves does not begin anything.
  if (auto last = last_.lock (); *last) *last = 0;
  take_line ();
  make_feed (*next);
  return true;
}

// ---- Once more -------------------------------------------------------------

// Begins again with the segment that could not be pushed. The SEGMENT that it
// belongs to is on the pad.
void AdaptiveStream::rewind ()
{
  Itinerary itinerary = itinerary_;
  if (auto mark = feed ()->marks ().sending) itinerary.walk = mark->before;
  bool is_pending = segment_ != nullptr;
  {
    auto courses = shared_.courses->lock ();
    if (!is_outdated ()) courses->of[this].take_back ();
  }
  knows_tracks_ = false;
  make_feed (itinerary);
  if (!is_pending) segment_.reset ();
  greeted_ = false;
  rewound_ = true;
}

// Not with what others have played long ago.
void AdaptiveStream::catch_up ()
{
  while (take_next ()) {
  }
  auto position =
      shared_.position (this, itinerary_.walk.legs ().front ().base);
  if (!position) return;
  timeline::Walk ahead = itinerary_.walk;
  auto mine = ahead.next (line_->track);
  if (!mine || (*position >= mine->place.begin && *position < mine->place.end))
    return;
  Itinerary itinerary = itinerary_;
  itinerary.walk.pass (*position);
  make_feed (itinerary);
}

// ---- Seeks -----------------------------------------------------------------

void AdaptiveStream::interrupt (Courses::Access &courses)
{
  courses->of[this] = {};
  auto run = run_.lock ();
  generation_++;
  run->flow = GST_FLOW_FLUSHING;
  run->begins_next = false;
  run->ends_with_others = false;
  run->ends_now = false;
}

void AdaptiveStream::begin_flush (guint32 seqnum)
{
  GstEvent *event = gst_event_new_flush_start ();
  gst_event_set_seqnum (event, seqnum);
  // What is left of it is not wanted either.
  if (auto last = last_.lock (); *last) *last = 0;
  cancel ();
  gst_pad_push_event (pad_, event);
}

// Returns at once when it is called out of a push of this stream.
void AdaptiveStream::wait_for_flush ()
{
  gst_pad_pause_task (pad_);
  (void)run_.lock ();
}

void AdaptiveStream::play (const Itinerary &itinerary)
{
  take_line ();
  make_feed (itinerary);
  asking_.lock ()->reset (g_cancellable_new ());
  greeted_ = false;
  rewound_ = false;
  GstEvent *event = gst_event_new_flush_stop (TRUE);
  gst_event_set_seqnum (event, itinerary.seqnum);
  gst_pad_push_event (pad_, event);
  start ();
}

presentation::Time AdaptiveStream::sent (Courses::Access &courses)
{
  return flow () == GST_FLOW_NOT_LINKED ? 0 : courses->of[this].sent ();
}

void AdaptiveStream::play_next (
    const Itinerary &itinerary, Courses::Access &courses)
{
  courses->of[this].add (itinerary.walk.legs ().front ().base, itinerary);
  auto run = run_.lock ();
  if (run->flow != GST_FLOW_EOS) return;
  // It may have been waiting for nothing else, or is just about to.
  run->flow = GST_FLOW_OK;
  run->begins_next = true;
  if (std::exchange (run->is_over, false))
    gst_pad_start_task (pad_, loop, this, nullptr);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptivestream.h"

#include <algorithm>
#include <utility>

#include "gstadaptivecollection.h"
#include "uri.h"

using relay::Owned;

// ---- The stream ------------------------------------------------------------

AdaptiveStream::AdaptiveStream (
    Shared shared, loader::Selection selection, const Itinerary &itinerary)
    : shared_ (std::move (shared)),
      key_frames_ (shared_.element, shared_.feeds.access, shared_.choice)
{
  normal_ = add_line (std::move (selection));
  asking_.lock ()->reset (g_cancellable_new ());
  announced_ = normal_.load ()->chooser.current ();
  make_feed (itinerary);
}

AdaptiveLine *AdaptiveStream::add_line (loader::Selection selection)
{
  auto lines = lines_.lock ();
  auto line = std::ranges::find_if (*lines, [&] (const auto &one) {
    return one->selection.track == selection.track;
  });
  if (line != lines->end ()) return line->get ();
  lines->push_back (std::make_unique<AdaptiveLine> (
      shared_.feeds.access, shared_.choice, std::move (selection)));
  return lines->back ().get ();
}

AdaptiveStream::~AdaptiveStream ()
{
  (void)flow ();
  shared_.courses->lock ()->of.erase (this);
}

// Not under the lock: whoever makes a task posts a message. Nobody else starts
// or stops it now: it has not been running, or was flushed.
void AdaptiveStream::start ()
{
  {
    auto run = run_.lock ();
    if (!run->is_active) return;
    run->flow = GST_FLOW_OK;
    run->is_over = false;
  }
  gst_pad_start_task (pad_, loop, this, nullptr);
}

void AdaptiveStream::start_first ()
{
  {
    auto run = run_.lock ();
    if (!run->is_active || generation_ > 0) return;
  }
  gst_pad_start_task (pad_, loop, this, nullptr);
}

void AdaptiveStream::set_active (bool is_active)
{
  auto run = run_.lock ();
  run->is_active = is_active;
  if (!is_active) run->flow = GST_FLOW_FLUSHING;
}

void AdaptiveStream::cancel ()
{
  feed ()->cancel ();
  g_cancellable_cancel (asking_.lock ()->get ());
}

void AdaptiveStream::look_for_events ()
{
  looking_at_ = line_;
  if (line_->part (part_).representation.inband_events.empty ())
    return events_.reset ();
  if (!events_) events_.emplace (shared_.element, GST_PAD_NAME (pad_));
  const timeline::Stretch &stretch = line_->track[part_];
  events_->begin (stretch.start, timeline::to_media (stretch, stretch.start));
}

// Another period, or its key frames alone: before anything of it is pushed.
void AdaptiveStream::begin_part (std::size_t index)
{
  if (std::exchange (part_, index) != index || looking_at_ != line_)
    look_for_events ();
}

// Before anything that it is of. In the clear nobody asks for keys, but who
// comes late may still ask for those before.
void AdaptiveStream::protect (const AdaptiveKeys::Held &protections)
{
  if (!protections) return;
  auto last = std::exchange (*protections_.lock (), protections);
  if (last != protections && (!last || *last != *protections))
    gstadaptivekeys::push_events (pad_, *protections);
}

// Before the buffer is pushed: with it somebody asks.
GstFlowReturn AdaptiveStream::look_for_keys (const SegmentItem &item)
{
  if (!item.mark->protections) return GST_FLOW_OK;
  auto identity = std::ranges::find (*item.mark->protections, "identity",
      &presentation::ContentProtection::key_format);
  if (identity == item.mark->protections->end ()) return GST_FLOW_OK;
  if (GST_BUFFER_OFFSET (item.buffer.get ()) == 0) key_ids_.begin ();
  {
    relay::MappedBuffer map (item.buffer.get (), GST_MAP_READ);
    if (map) key_ids_.feed (map.bytes ());
  }
  Owned<GCancellable> cancellable = relay::share (asking_.lock ()->get ());
  for (const keys::KeyId &kid : key_ids_.take ())
    if (!shared_.keys->learn (kid, identity->key_uri, cancellable.get ()))
      return fail ({SegmentProblem::Kind::two_keys, {},
          uri::without_secrets (identity->key_uri)});
  return GST_FLOW_OK;
}

std::optional<presentation::Time> AdaptiveStream::leave ()
{
  auto last = last_.lock ();
  auto mark = marks ().sending;
  *last = mark ? mark->number : 0;
  if (!mark) return std::nullopt;
  const timeline::Span &place = mark->step.place;
  return mark->before.is_backward () ? place.begin : place.end;
}

void AdaptiveStream::resume ()
{
  // GstPad has set its NEED_RECONFIGURE flag before: when the thread is just
  // about to wait, it sees that one.
  auto run = run_.lock ();
  if (run->flow != GST_FLOW_NOT_LINKED) return;
  run->flow = GST_FLOW_OK;
  run->is_over = false;
  gst_pad_start_task (pad_, loop, this, nullptr);
}

// False: it is being flushed or stopped, or was started for nothing.
bool AdaptiveStream::begin_turn (GstFlowReturn &flow)
{
  bool begins_next = false;
  bool ends_now = false;
  {
    auto run = run_.lock ();
    if (run->flow != GST_FLOW_OK) {
      gst_pad_pause_task (pad_);
      return false;
    }
    turn_ = generation_;
    if (std::exchange (run->ends_with_others, false)) flow = GST_FLOW_EOS;
    ends_now = std::exchange (run->ends_now, false);
    begins_next = std::exchange (run->begins_next, false);
  }
  if (ends_now) {
    flow = GST_FLOW_EOS;
    shared_.courses->lock ()->of[this].forget_next ();
    // It is not the end of the segment.
    itinerary_.is_segment_seek = false;
  }
  if (begins_next) (void)take_next ();
  return true;
}

// False: there was a flush, which has said what comes next.
bool AdaptiveStream::end_turn (GstFlowReturn flow)
{
  bool is_leaving = last_.copy ().has_value ();
  auto courses = shared_.courses->lock ();
  auto run = run_.lock ();
  if (is_outdated () || run->flow != GST_FLOW_OK) return false;
  // Another itinerary came when this one was just over.
  if (flow == GST_FLOW_EOS && !is_leaving && courses->of[this].has_next ()) {
    run->begins_next = true;
    return false;
  }
  run->flow = flow;
  return true;
}

void AdaptiveStream::loop (gpointer data)
{
  auto *self = static_cast<AdaptiveStream *> (data);
  GstFlowReturn flow = GST_FLOW_OK;
  // First: what was set before is of this thread from here on.
  if (!self->begin_turn (flow)) return;
  if (flow == GST_FLOW_OK && !self->is_outdated ()) flow = self->step ();
  if (flow == GST_FLOW_NOT_LINKED && !self->last_.copy ())
    self->wait_for_link ();
  else if (flow == GST_FLOW_NOT_LINKED)
    // Who left it may have let go of it: its end is still waited for.
    self->end (GST_FLOW_EOS);
  else
    self->end (flow);
}

GstFlowReturn AdaptiveStream::step ()
{
  take_what_is_due ();
  if (!greeted_ || segment_) {
    GstFlowReturn flow = begin ();
    if (flow != GST_FLOW_OK) return flow;
  }
  std::shared_ptr<SegmentFeed> feed = this->feed ();
  auto item = feed->next ();
  if (!item) return fail (item.code ());
  auto last = last_.copy ();
  if (last && item->mark && item->mark->number > *last) return GST_FLOW_EOS;
  bool is_new = item->mark && item->mark != mark_;
  // Of a gap nothing says that it has ended.
  if (auto gap = mark_; is_new && is_muted_ && gap && end_segment (*gap))
    return GST_FLOW_OK;
  if (is_new && !begin_segment (item->mark))
    return is_outdated () ? GST_FLOW_FLUSHING : GST_FLOW_OK;
  return send (*feed, std::move (*item));
}

// Another itinerary.
GstFlowReturn AdaptiveStream::begin ()
{
  if (!greeted_ && std::exchange (rewound_, false)) catch_up ();
  GstFlowReturn flow = look_for_key_frames ();
  if (flow != GST_FLOW_OK) return flow;
  if (!greeted_) return greet ();
  gst_pad_push_event (pad_, segment_.release ());
  return is_outdated () ? GST_FLOW_FLUSHING : GST_FLOW_OK;
}

std::span<const timeline::Stretch> AdaptiveStream::key_frames (double rate)
{
  // Lines stay as long as this.
  AdaptiveLine *line = key_frames_.find (selection (), rate);
  return line != nullptr ? line->track : normal_.load ()->track;
}

// They are asked for when they are wanted first, and here, where nobody waits
// but this pad.
GstFlowReturn AdaptiveStream::look_for_key_frames ()
{
  if (!itinerary_.is_trick_mode ()) return GST_FLOW_OK;
  Owned<GCancellable> cancellable = relay::share (asking_.lock ()->get ());
  key_frames_.load (selection (), itinerary_.rate, cancellable.get ());
  if (g_cancellable_is_cancelled (cancellable.get ())) return GST_FLOW_FLUSHING;
  AdaptiveLine *line = key_frames_.find (selection (), itinerary_.rate);
  if (line == nullptr || line == line_) return GST_FLOW_OK;
  bool is_pending = segment_ != nullptr;
  make_feed (itinerary_);
  if (!is_pending) segment_.reset ();
  return GST_FLOW_OK;
}

GstEvent *AdaptiveStream::tag_event () const
{
  return gst_event_new_tag (
      gstadaptivecollection::tags (*line_->part (part_).track, *announced_)
          .release ());
}

// Before the first buffer of it.
void AdaptiveStream::announce (const AdaptiveSwitch::Held &chosen)
{
  announced_ = chosen;
  gst_pad_push_event (pad_, tag_event ());
  post_variant (shared_.element, GST_PAD_NAME (pad_), *chosen);
}

GstFlowReturn AdaptiveStream::send (SegmentFeed &feed, SegmentItem item)
{
  if (item.mark) begin_part (item.mark->step.stretch);
  if (item.mark) protect (item.mark->protections);
  if (item.mark && std::exchange (is_other_track_, false))
    announce (item.mark->representation);
  if (item.mark && item.mark->representation != announced_) {
    if (places::is_same (*item.mark->representation, *announced_))
      announced_ = item.mark->representation;
    else
      announce (item.mark->representation);
  }
  if (is_outdated ()) return GST_FLOW_FLUSHING;
  switch (item.kind) {
    case SegmentItem::Kind::event:
      gst_pad_push_event (pad_, item.event.release ());
      return GST_FLOW_OK;
    case SegmentItem::Kind::init_end:
      // It says what there is, but in MPEG-TS, where demuxers wait for more.
      if (!gst_structure_has_name (
              gst_caps_get_structure (caps_.get (), 0), "video/mpegts"))
        knows_tracks_ = true;
      return GST_FLOW_OK;
    case SegmentItem::Kind::segment_end:
      if (auto last = last_.copy (); last && item.mark->number >= *last)
        return GST_FLOW_EOS;
      (void)end_segment (*item.mark);
      return GST_FLOW_OK;
    case SegmentItem::Kind::end:
      return take_next () ? GST_FLOW_OK : GST_FLOW_EOS;
    case SegmentItem::Kind::buffer:
      break;
  }
  if (events_) events_->look (item.buffer.get ());
  if (GstFlowReturn looked = look_for_keys (item); looked != GST_FLOW_OK)
    return looked;
  bool has_time = GST_BUFFER_PTS_IS_VALID (item.buffer.get ());
  GstFlowReturn flow = gst_pad_push (pad_, item.buffer.release ());
  if (is_outdated ()) return GST_FLOW_FLUSHING;
  // The initialization has no clock.
  if (flow == GST_FLOW_OK && has_time) knows_tracks_ = true;
  bool is_last_leg =
      item.mark->step.leg + 1 >= item.mark->before.legs ().size ();
  if (flow != GST_FLOW_EOS || is_last_leg) return flow;
  // Downstream has all of this part.
  feed.leave_leg ();
  return GST_FLOW_OK;
}

// Pushes an event, which takes those before it along, and looks what has become
// of them: pushing a sticky event itself does not say.
GstFlowReturn AdaptiveStream::greet ()
{
  gst_pad_check_reconfigure (pad_);
  Owned<GstPad> peer{gst_pad_get_peer (pad_)};
  if (!peer) return GST_FLOW_NOT_LINKED;
  if (segment_) gst_pad_push_event (pad_, segment_.release ());
  gst_pad_push_event (pad_, tag_event ());
  if (is_outdated () || GST_PAD_IS_FLUSHING (peer.get ()))
    return GST_FLOW_FLUSHING;
  if (!gst_pad_query_accept_caps (peer.get (), caps_.get ()))
    return GST_FLOW_NOT_NEGOTIATED;
  greeted_ = true;
  return GST_FLOW_OK;
}

GstFlowReturn AdaptiveStream::fail (const SegmentProblem &problem)
{
  if (problem.is_cancelled ()) return GST_FLOW_FLUSHING;
  if (shared_.may_fail ()) problem.post (shared_.element);
  return GST_FLOW_ERROR;
}

void AdaptiveStream::push_end ()
{
  GstEvent *event = gst_event_new_eos ();
  if (itinerary_.is_segment_seek) {
    gst_event_unref (event);
    const timeline::Leg &last = itinerary_.walk.legs ().back ();
    event = gst_event_new_segment_done (GST_FORMAT_TIME,
        static_cast<gint64> (itinerary_.rate < 0 ? last.begin : last.end));
  }
  if (itinerary_.seqnum != GST_SEQNUM_INVALID)
    gst_event_set_seqnum (event, itinerary_.seqnum);
  gst_pad_push_event (pad_, event);
}

void AdaptiveStream::wait_for_link ()
{
  {
    auto run = run_.lock ();
    if (is_outdated () || run->flow != GST_FLOW_OK) return;
  }
  rewind ();
  {
    auto run = run_.lock ();
    // There is one by now.
    if (is_outdated () || run->flow != GST_FLOW_OK ||
        GST_PAD_NEEDS_RECONFIGURE (pad_))
      return;
    run->flow = GST_FLOW_NOT_LINKED;
    run->is_over = true;
    gst_pad_pause_task (pad_);
  }
  shared_.ended ();
}

void AdaptiveStream::end (GstFlowReturn flow)
{
  if (!end_turn (flow) || flow == GST_FLOW_OK) return;
  // What was read ahead is not wanted any more, and its connection neither.
  std::shared_ptr<SegmentFeed> feed = this->feed ();
  feed->cancel ();
  bool ends = flow != GST_FLOW_FLUSHING;
  if (ends) feed->close ();
  if (ends && flow != GST_FLOW_EOS && shared_.may_fail ())
    GST_ELEMENT_FLOW_ERROR (shared_.element, flow);
  // Before the event: with it an application may go.
  shared_.ended ();
  if (ends && !is_outdated ()) push_end ();
  {
    auto run = run_.lock ();
    if (is_outdated ()) return;
    run->is_over = true;
    // It may have been set going again meanwhile.
    if (run->flow == GST_FLOW_OK)
      run->is_over = false;
    else
      gst_pad_pause_task (pad_);
  }
  if (last_.copy ()) shared_.ended ();
}

void AdaptiveStream::end_with_others (unsigned generation)
{
  Owned<GstPad> peer{gst_pad_get_peer (pad_)};
  auto run = run_.lock ();
  if (!peer || run->flow != GST_FLOW_NOT_LINKED || generation_ != generation)
    return;
  run->flow = GST_FLOW_OK;
  run->is_over = false;
  run->ends_with_others = true;
  gst_pad_start_task (pad_, loop, this, nullptr);
}

void AdaptiveStream::end_now ()
{
  auto run = run_.lock ();
  if (run->flow == GST_FLOW_OK) run->ends_now = true;
}

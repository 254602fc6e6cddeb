// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptivestream.h"

#include <gst/base/gsttypefindhelper.h>

#include <algorithm>
#include <utility>

#include "container.h"
#include "gstadaptivecollection.h"
#include "schedule.h"
#include "uri.h"

using relay::Owned;
using Stream = std::shared_ptr<AdaptiveStream>;

// ---- Caps ------------------------------------------------------------------

static const char *caps_of (container::Format format, presentation::Type type)
{
  using container::Format;
  bool audio = type == presentation::Type::audio;
  switch (format) {
    case Format::mp4:
      return audio ? "audio/x-m4a" : "video/quicktime";
    case Format::mpegts:
      return "video/mpegts, systemstream=(boolean)true";
    case Format::webm:
      return audio ? "audio/webm" : "video/webm";
    case Format::webvtt:
      return "application/x-subtitle-vtt";
    case Format::ttml:
      return "application/ttml+xml";
    // By their first bytes.
    case Format::packed_audio:
    case Format::unknown:
    case Format::html:
      break;
  }
  return nullptr;
}

// ---- The pad's functions ---------------------------------------------------

static GQuark stream_quark ()
{
  return g_quark_from_static_string ("relay-adaptive-stream");
}

static AdaptiveStream &stream_of (GstPad *pad)
{
  return **static_cast<Stream *> (
      g_object_get_qdata (G_OBJECT (pad), stream_quark ()));
}

static gboolean pad_event (GstPad *pad, GstObject *parent, GstEvent *raw)
{
  Owned<GstEvent> event{raw};
  switch (GST_EVENT_TYPE (raw)) {
    case GST_EVENT_RECONFIGURE:
      stream_of (pad).resume ();
      return TRUE;
    case GST_EVENT_FLUSH_START:
      // Nobody wants more: a cache that has held us back, and stops.
      stream_of (pad).cancel ();
      return TRUE;
    case GST_EVENT_SEEK:
    case GST_EVENT_TOC_SELECT:
      return stream_of (pad).seek (raw) ? TRUE : FALSE;
    case GST_EVENT_SELECT_STREAMS:
      return stream_of (pad).select (raw) ? TRUE : FALSE;
    default:
      return gst_pad_event_default (pad, parent, event.release ());
  }
}

static gboolean pad_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_CONTEXT:
      return stream_of (pad).answer_context (query) ||
             gst_pad_query_default (pad, parent, query);
    case GST_QUERY_DURATION:
    case GST_QUERY_BUFFERING:
    case GST_QUERY_SEEKING:
    case GST_QUERY_SCHEDULING:
    case GST_QUERY_LATENCY:
    case GST_QUERY_SELECTABLE:
    case GST_QUERY_URI:
      return gst_element_query (GST_ELEMENT (parent), query);
    default:
      return gst_pad_query_default (pad, parent, query);
  }
}

static gboolean pad_activate_mode (
    GstPad *pad, GstObject *, GstPadMode mode, gboolean active)
{
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  stream_of (pad).set_active (active != FALSE);
  if (active) return TRUE;
  stream_of (pad).cancel ();
  return gst_pad_stop_task (pad);
}

// ---- The stream ------------------------------------------------------------

AdaptiveStream::AdaptiveStream (
    Shared shared, loader::Selection selection, const Itinerary &itinerary)
    : shared_ (std::move (shared))
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

// Of what has not been fetched yet, SEGMENT is to be pushed first.
void AdaptiveStream::make_feed (const Itinerary &itinerary)
{
  itinerary_ = itinerary;
  line_ = itinerary.is_trick_mode () && trick_ ? trick_.get () : normal_.load ();
  auto feed = std::make_shared<SegmentFeed> (
      shared_.feeds, line_->track, line_->chooser, itinerary);
  segment_ = feed->source ().first_segment ();
  // The last one goes without the lock.
  std::swap (*feed_.lock (), feed);
}

bool AdaptiveStream::answer (GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_SCHEDULING:
      // Bins ask before there is a pad, to know that this is no local file.
      gst_query_set_scheduling (query,
          static_cast<GstSchedulingFlags> (
              GST_SCHEDULING_FLAG_SEQUENTIAL |
              GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED),
          1, -1, 0);
      gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
      return true;
    case GST_QUERY_LATENCY:
      gst_query_set_latency (query, FALSE, 0, GST_CLOCK_TIME_NONE);
      return true;
    default:
      return false;
  }
}

void AdaptiveStream::post_variant (GstElement *element, const std::string &pad,
    const presentation::Representation &chosen)
{
  gst_element_post_message (element,
      gst_message_new_element (GST_OBJECT (element),
          gst_structure_new ("adaptivesrc-variant", "pad", G_TYPE_STRING,
              pad.c_str (), "id", G_TYPE_STRING, chosen.id.c_str (), "codecs",
              G_TYPE_STRING, chosen.codecs.c_str (), "mime-type", G_TYPE_STRING,
              chosen.mime_type.c_str (), "bandwidth", G_TYPE_UINT64,
              static_cast<guint64> (chosen.bandwidth), "width", G_TYPE_UINT,
              chosen.width, "height", G_TYPE_UINT, chosen.height, nullptr)));
}

// Null: only the first bytes say it.
static Owned<GstCaps> caps_of (const loader::Selection &selection)
{
  auto first = schedule::segment (selection.representation, 0);
  if (!first) return {};
  const char *text =
      caps_of (gstadaptiveline::format_of (selection.representation, *first),
          selection.type);
  return Owned<GstCaps>{
      text != nullptr ? gst_caps_from_string (text) : nullptr};
}

bool AdaptiveStream::has_format ()
{
  caps_ = caps_of (selection ());
  return caps_ != nullptr;
}

bool AdaptiveStream::change (loader::Selection selection)
{
  Owned<GstCaps> caps = caps_of (selection);
  if (!caps || !gst_caps_is_equal (caps.get (), caps_.get ())) return false;
  AdaptiveLine *line = add_line (std::move (selection));
  // Back to where it still is: nothing has happened.
  run_.lock ()->line = line == normal_ ? nullptr : line;
  return true;
}

bool AdaptiveStream::find_format ()
{
  auto first = schedule::segment (selection ().representation, 0);
  auto bytes = feed ()->peek ();
  if (!bytes) {
    fail (bytes.code ());
    return false;
  }
  if (*bytes)
    caps_.reset (gst_type_find_helper_for_buffer (
        GST_OBJECT (shared_.element), bytes->get (), nullptr));
  if (!caps_)
    fail ({SegmentProblem::Kind::not_media, {},
        first ? uri::without_secrets (first->resource.uri) : ""});
  return caps_ != nullptr;
}

GstPad *AdaptiveStream::make_pad (GstPadTemplate *pad_template,
    const std::string &name, const Identity &identity)
{
  pad_ = gst_pad_new_from_template (pad_template, name.c_str ());
  g_object_set_qdata_full (G_OBJECT (pad_), stream_quark (),
      new Stream (shared_from_this ()),
      [] (gpointer stream) { delete static_cast<Stream *> (stream); });
  gst_pad_set_event_function (pad_, pad_event);
  gst_pad_set_query_function (pad_, pad_query);
  gst_pad_set_activatemode_function (pad_, pad_activate_mode);
  gst_pad_use_fixed_caps (pad_);
  gst_pad_set_active (pad_, TRUE);

  // On the pad before anybody sees it, so that a bin knows what it plugs.
  GstEvent *stream_start = gst_event_new_stream_start (identity.id.c_str ());
  gst_event_set_group_id (stream_start, shared_.group_id);
  if (identity.stream != nullptr)
    gst_event_set_stream (stream_start, identity.stream);
  gst_pad_push_event (pad_, stream_start);
  if (identity.collection != nullptr)
    gst_pad_push_event (
        pad_, gst_event_new_stream_collection (identity.collection));
  gst_pad_push_event (pad_, gst_event_new_caps (caps_.get ()));
  gst_pad_push_event (pad_, segment_.release ());
  if (identity.toc != nullptr)
    gst_pad_push_event (pad_, gst_event_ref (identity.toc));
  const presentation::Representation &first = selection ().representation;
  if (!first.protections.empty ())
    protect (std::make_shared<presentation::Protections> (first.protections));
  look_for_events ();
  return pad_;
}

AdaptiveStream::~AdaptiveStream ()
{
  (void)flow ();
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

bool AdaptiveStream::answer_context (GstQuery *query)
{
  Owned<GCancellable> cancellable = relay::share (asking_.lock ()->get ());
  AdaptiveKeys::Held protections = protections_.copy ();
  return protections &&
         shared_.keys->answer (query, *protections, cancellable.get ());
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
  {
    auto run = run_.lock ();
    if (run->flow != GST_FLOW_OK) {
      gst_pad_pause_task (pad_);
      return false;
    }
    turn_ = generation_;
    if (std::exchange (run->ends_with_others, false)) flow = GST_FLOW_EOS;
    begins_next = std::exchange (run->begins_next, false);
  }
  if (begins_next) (void)take_next ();
  return true;
}

// False: there was a flush, which has said what comes next.
bool AdaptiveStream::end_turn (GstFlowReturn flow)
{
  auto run = run_.lock ();
  if (is_outdated () || run->flow != GST_FLOW_OK) return false;
  // Another itinerary came when this one was just over.
  if (flow == GST_FLOW_EOS && run->next) {
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
  if (!greeted_ || segment_) {
    GstFlowReturn flow = begin ();
    if (flow != GST_FLOW_OK) return flow;
  }
  std::shared_ptr<SegmentFeed> feed = this->feed ();
  auto item = feed->next ();
  if (!item) return fail (item.code ());
  auto last = last_.copy ();
  if (last && item->mark && item->mark->number > *last) return GST_FLOW_EOS;
  return send (*feed, std::move (*item));
}

// Another itinerary.
GstFlowReturn AdaptiveStream::begin ()
{
  GstFlowReturn flow = look_for_key_frames ();
  if (flow != GST_FLOW_OK) return flow;
  if (!greeted_) {
    if (std::exchange (rewound_, false)) catch_up ();
    return greet ();
  }
  gst_pad_push_event (pad_, segment_.release ());
  return is_outdated () ? GST_FLOW_FLUSHING : GST_FLOW_OK;
}

// They are asked for when they are wanted first, and here, where nobody waits
// but this pad.
GstFlowReturn AdaptiveStream::look_for_key_frames ()
{
  if (!itinerary_.is_trick_mode () || trick_ || no_trick_) return GST_FLOW_OK;
  Owned<GCancellable> cancellable = relay::share (asking_.lock ()->get ());
  trick_ =
      gstadaptiveline::make_trick_mode (shared_.element, shared_.feeds.access,
          shared_.choice, selection (), itinerary_.rate, cancellable.get ());
  if (g_cancellable_is_cancelled (cancellable.get ())) return GST_FLOW_FLUSHING;
  no_trick_ = !trick_;
  bool is_pending = segment_ != nullptr;
  if (trick_) make_feed (itinerary_);
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
      return GST_FLOW_OK;
    case SegmentItem::Kind::segment_end:
      if (auto last = last_.copy (); last && item.mark->number >= *last)
        return GST_FLOW_EOS;
      (void)take_next (&*item.mark);
      return GST_FLOW_OK;
    case SegmentItem::Kind::end:
      return take_next () ? GST_FLOW_OK : GST_FLOW_EOS;
    case SegmentItem::Kind::buffer:
      break;
  }
  if (events_) events_->look (item.buffer.get ());
  if (GstFlowReturn looked = look_for_keys (item); looked != GST_FLOW_OK)
    return looked;
  GstFlowReturn flow = gst_pad_push (pad_, item.buffer.release ());
  if (is_outdated ()) return GST_FLOW_FLUSHING;
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

// Begins again with the segment that could not be pushed. The SEGMENT that it
// belongs to is on the pad.
void AdaptiveStream::rewind ()
{
  Itinerary itinerary = itinerary_;
  if (auto mark = feed ()->marks ().sending) itinerary.walk = mark->before;
  bool is_pending = segment_ != nullptr;
  make_feed (itinerary);
  if (!is_pending) segment_.reset ();
  greeted_ = false;
  rewound_ = true;
}

// Not with what others have played long ago.
void AdaptiveStream::catch_up ()
{
  auto position = shared_.position (this);
  if (!position) return;
  timeline::Walk ahead = itinerary_.walk;
  auto mine = ahead.next (line_->track);
  if (!mine || (*position >= mine->place.begin && *position < mine->place.end))
    return;
  Itinerary itinerary = itinerary_;
  itinerary.walk.pass (*position);
  make_feed (itinerary);
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

// ---- Seeks -----------------------------------------------------------------

void AdaptiveStream::begin_flush (guint32 seqnum)
{
  GstEvent *event = gst_event_new_flush_start ();
  gst_event_set_seqnum (event, seqnum);
  {
    auto run = run_.lock ();
    generation_++;
    run->flow = GST_FLOW_FLUSHING;
    run->next.reset ();
    run->begins_next = false;
    run->ends_with_others = false;
  }
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
  AdaptiveLine *line = std::exchange (run_.lock ()->line, nullptr);
  if (line != nullptr) take_line (line);
  make_feed (itinerary);
  asking_.lock ()->reset (g_cancellable_new ());
  greeted_ = false;
  rewound_ = false;
  GstEvent *event = gst_event_new_flush_stop (TRUE);
  gst_event_set_seqnum (event, itinerary.seqnum);
  gst_pad_push_event (pad_, event);
  start ();
}

void AdaptiveStream::play_next (const Itinerary &itinerary)
{
  auto run = run_.lock ();
  run->next = itinerary;
  if (run->flow != GST_FLOW_EOS) return;
  // It may have been waiting for nothing else, or is just about to.
  run->flow = GST_FLOW_OK;
  run->begins_next = true;
  if (std::exchange (run->is_over, false))
    gst_pad_start_task (pad_, loop, this, nullptr);
}

// False: there is none. By the stream's thread; behind a segment another track
// may be next as well.
bool AdaptiveStream::take_next (const SegmentMark *last)
{
  std::optional<Itinerary> next;
  AdaptiveLine *line = nullptr;
  {
    auto run = run_.lock ();
    next = std::exchange (run->next, std::nullopt);
    if (next || last != nullptr) line = std::exchange (run->line, nullptr);
  }
  if (line != nullptr && !next) {
    next = itinerary_;
    const timeline::Span &place = last->step.place;
    bool is_backward = next->walk.is_backward ();
    next->walk = timeline::Walk (
        timeline::from (next->walk.legs (), next->rate,
            is_backward ? place.begin : place.end),
        is_backward);
  }
  if (!next) return false;
  if (line != nullptr) take_line (line);
  make_feed (*next);
  return true;
}

// What it is played by, from the next feed on.
void AdaptiveStream::take_line (AdaptiveLine *line)
{
  // The present feed may be of it.
  normal_ = line;
  is_other_track_ = true;
  old_trick_ = std::move (trick_);
  no_trick_ = false;
}

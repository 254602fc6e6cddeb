// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a playback begins, how it is sent somewhere else, and what it says of
// where it is.
#include <algorithm>
#include <utility>
#include <vector>

#include "gstadaptiveline.h"
#include "gstadaptiveplayback.h"
#include "gstadaptivetoc.h"
#include "schedule.h"

using relay::Owned;

// ---- Where playing begins --------------------------------------------------

// Where the manifest wants to be begun (RFC 8216bis 4.4.2.2): at the time, or
// at the beginning of the segment that it is in. What is outside is at the
// ends.
static presentation::Time begin_of (const loader::Loaded &loaded)
{
  const presentation::Start &start = *loaded.notes.start;
  presentation::Time duration = loaded.duration.value_or (timeline::max_time);
  presentation::Time time = std::min (start.offset, duration);
  if (start.from_end) time = duration - time;
  if (loaded.selections.empty ()) return time;
  const timeline::Stretch stretch{&loaded.selections.front ().representation,
      loaded.selections.front ().start};
  if (start.precise && time < duration) return time;
  auto segment = timeline::last_before (stretch, time + 1);
  return segment ? timeline::place_of (stretch, *segment).begin : time;
}

void AdaptivePlayback::begin_at (
    presentation::Time time, const Settings &settings)
{
  timeline::Playing playing;
  playing.begin = time;
  auto state = state_.lock ();
  state->itinerary.walk =
      timeline::Walk (timeline::make_legs (playing, settings.left_out), false);
  state->segment.start = time;
}

// What is known of it only now.
void AdaptivePlayback::begin_with (
    const loader::Loaded &loaded, const Settings &settings)
{
  if (settings.start_offset == 0 && loaded.notes.start)
    begin_at (begin_of (loaded), settings);
  if (loaded.selections.empty ()) return;
  const loader::Selection &main = loaded.selections.front ();
  auto first = schedule::segment (main.representation, 0);
  if (!first || gstadaptiveline::format_of (main.representation, *first) !=
                    container::Format::mpegts)
    return;
  std::vector<timeline::Stretch> stretches;
  stretches.push_back ({&main.representation, main.start, main.end});
  for (const loader::Selection &later : main.later)
    stretches.push_back ({&later.representation, later.start, later.end});
  auto state = state_.lock ();
  state->takes_whole_segments = true;
  timeline::Walk &walk = state->itinerary.walk;
  walk = timeline::Walk (
      timeline::to_segments (walk.legs (), 1, stretches), false);
}

// Of what start-offset and skip-ranges leave, unless a seek says otherwise: a
// demuxer that gets nothing has no pads, and who waits for them does so for
// ever. Where all lasts no time there is something.
bool AdaptivePlayback::has_anything (const loader::Loaded &loaded)
{
  auto state = state_.lock ();
  if (state->wanted || !loaded.duration) return true;
  return timeline::begin_before (state->itinerary.walk.legs (),
      std::max (*loaded.duration, presentation::Time{1}));
}

// ---- Seeks -----------------------------------------------------------------

// Of those that send what is played from a running time on.
std::optional<presentation::Time> AdaptivePlayback::position_of (
    const Streams &streams, const AdaptiveStream *but,
    presentation::Time running)
{
  std::optional<presentation::Time> out;
  for (const auto &stream : streams) {
    if (stream.get () == but || stream->flow () != GST_FLOW_OK) continue;
    auto mark = stream->marks ().sending;
    if (!mark || mark->running.begin < running) continue;
    presentation::Time begin = mark->step.place.begin;
    if (!out || begin < *out) out = begin;
  }
  return out;
}

// By whose segments a seek snaps: video is first. Null: nobody listens.
std::shared_ptr<AdaptiveStream> AdaptivePlayback::leading (const State &state)
{
  for (const auto &stream : state.streams)
    if (stream->flow () != GST_FLOW_NOT_LINKED) return stream;
  return nullptr;
}

std::optional<Itinerary> AdaptivePlayback::plan (
    State &state, const AdaptiveSeek &seek)
{
  AdaptiveSeek::Present present;
  present.segment = &state.segment;
  present.duration = state.duration;
  present.position = position_of (state.streams).value_or (0);
  present.left_out = state.left_out;
  present.takes_whole_segments = state.takes_whole_segments;
  if (auto stream = leading (state)) {
    present.track = stream->track ();
    present.key_units = seek.snaps_to_key_frames ()
                            ? stream->key_frames (seek.rate)
                            : present.track;
  }
  return seek.plan (present);
}

// Before it is planned, where it leads may have to be asked for: that is waited
// for here, without a lock, and all plays on meanwhile. A later seek that does
// not need it breaks it off.
void AdaptivePlayback::prepare (const AdaptiveSeek &seek)
{
  if (!seek.snaps_to_key_frames ()) return;
  std::shared_ptr<AdaptiveStream> stream;
  Owned<GCancellable> cancellable;
  {
    auto state = state_.lock ();
    if (state->seqnum != seek.seqnum ||
        g_cancellable_is_cancelled (state->cancellable.get ()))
      return;
    stream = leading (*state);
    if (!stream) return;
    if (g_cancellable_is_cancelled (state->preparing.get ()))
      state->preparing.reset (g_cancellable_new ());
    cancellable = relay::share (state->preparing.get ());
  }
  stream->load_key_frames (seek.rate, cancellable.get ());
}

// What comes twice, by several pads, is carried out once. One that flushes, and
// comes while another one is being carried out, takes its place by the same
// thread: to wait for it could be to wait for oneself. One that does not is
// handed over at once, so that who seeks out of a push finds it done.
bool AdaptivePlayback::seek (GstEvent *event)
{
  Owned<GstEvent> there;
  if (GST_EVENT_TYPE (event) == GST_EVENT_TOC_SELECT) {
    Owned<GstEvent> toc = relay::share (state_.lock ()->toc.get ());
    there = gstadaptivetoc::to_seek (event, toc.get ());
    if (!there) return false;
    event = there.get ();
  }
  auto seek = AdaptiveSeek::parse (event);
  if (!seek) return false;
  bool waits = false;
  {
    auto state = state_.lock ();
    if (!state->cancellable ||
        g_cancellable_is_cancelled (state->cancellable.get ()))
      return false;
    if (seek->seqnum == state->seqnum) return true;
    if (state->is_exposed && !state->duration) return false;
    state->seqnum = seek->seqnum;
    if (!seek->snaps_to_key_frames ())
      g_cancellable_cancel (state->preparing.get ());
    waits = !state->is_exposed || state->wanted || seek->is_flushing ();
    if (waits) {
      // What has not been begun of that one flushes all the same.
      if (state->is_exposed) seek->make_flushing ();
      state->wanted = seek;
      if (state->is_seeking || !state->is_exposed) return true;
      state->is_seeking = true;
    }
  }
  bool done = waits ? carry_out_seeks () : hand_over (*seek);
  // What ended meanwhile did not count.
  check_end ();
  return done;
}

// False: the last one leads nowhere.
bool AdaptivePlayback::carry_out_seeks ()
{
  bool done = true;
  for (;;) {
    std::optional<AdaptiveSeek> seek;
    std::optional<Itinerary> itinerary;
    Streams streams;
    {
      auto state = state_.lock ();
      if (!state->wanted ||
          g_cancellable_is_cancelled (state->cancellable.get ())) {
        state->is_seeking = false;
        seeked_.notify_all ();
        return done;
      }
      seek = std::exchange (state->wanted, std::nullopt);
    }
    if (seek->is_flushing ()) prepare (*seek);
    {
      auto state = state_.lock ();
      if (state->wanted ||
          g_cancellable_is_cancelled (state->cancellable.get ()))
        continue;
      streams = state->streams;
      if (seek->is_flushing ()) itinerary = plan (*state, *seek);
      if (itinerary) {
        state->itinerary = *itinerary;
        state->reported = false;
        // What is handed over from here on comes behind this one.
        auto courses = courses_->lock ();
        for (const auto &stream : streams) stream->interrupt (courses);
      }
    }
    done = itinerary || (!seek->is_flushing () && hand_over (*seek));
    if (itinerary) flush (seek->seqnum, *itinerary, streams);
  }
}

// Whatever is waited for is broken off.
void AdaptivePlayback::flush (
    guint32 seqnum, const Itinerary &itinerary, const Streams &streams)
{
  post_begin (itinerary);
  for (const auto &stream : streams) stream->begin_flush (seqnum);
  for (const auto &stream : streams) stream->wait_for_flush ();
  {
    auto lanes = lanes_->lock ();
    lanes->is_buffering = lanes->reports;
    lanes->percent = -1;
  }
  for (const auto &stream : streams) stream->play (itinerary);
}

// Each stream goes over by itself, behind what any of them has begun to send by
// now. False: it leads nowhere.
bool AdaptivePlayback::hand_over (const AdaptiveSeek &seek)
{
  prepare (seek);
  std::optional<Itinerary> itinerary;
  {
    auto state = state_.lock ();
    if (state->seqnum != seek.seqnum) return true;
    itinerary = plan (*state, seek);
  }
  if (!itinerary) return false;
  post_begin (*itinerary);
  auto state = state_.lock ();
  // Another one came in between, and is later than this one.
  if (state->seqnum != seek.seqnum ||
      g_cancellable_is_cancelled (state->cancellable.get ()))
    return true;
  presentation::Time base = 0;
  auto courses = courses_->lock ();
  for (const auto &stream : state->streams)
    base = std::max (base, stream->sent (courses));
  itinerary->walk.delay (base);
  state->itinerary = *itinerary;
  state->reported = false;
  for (const auto &stream : state->streams)
    stream->play_next (*itinerary, courses);
  return true;
}

void AdaptivePlayback::post_begin (const Itinerary &itinerary)
{
  if (!itinerary.is_segment_seek) return;
  const timeline::Leg &first = itinerary.walk.legs ().front ();
  GstMessage *message =
      gst_message_new_segment_start (GST_OBJECT (element_), GST_FORMAT_TIME,
          static_cast<gint64> (itinerary.rate < 0 ? first.end : first.begin));
  gst_message_set_seqnum (message, itinerary.seqnum);
  gst_element_post_message (element_, message);
}

void AdaptivePlayback::post_end (const Itinerary &itinerary)
{
  gst_element_post_message (element_,
      gst_message_new_element (GST_OBJECT (element_), stats ().release ()));
  if (!itinerary.is_segment_seek) return;
  const timeline::Leg &last = itinerary.walk.legs ().back ();
  GstMessage *message =
      gst_message_new_segment_done (GST_OBJECT (element_), GST_FORMAT_TIME,
          static_cast<gint64> (itinerary.rate < 0 ? last.begin : last.end));
  gst_message_set_seqnum (message, itinerary.seqnum);
  gst_element_post_message (element_, message);
}

// ---- Queries ---------------------------------------------------------------

bool AdaptivePlayback::answer_seeking (GstQuery *query)
{
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_seeking (query, &format, nullptr, nullptr, nullptr);
  auto duration = state_.lock ()->duration;
  bool can = format == GST_FORMAT_TIME && duration;
  gst_query_set_seeking (query, format, can ? TRUE : FALSE, 0,
      can ? static_cast<gint64> (*duration) : -1);
  return true;
}

bool AdaptivePlayback::answer_buffering (GstQuery *query)
{
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_buffering_range (query, &format, nullptr, nullptr, nullptr);
  if (format != GST_FORMAT_TIME) return false;
  Streams streams = state_.lock ()->streams;
  std::optional<timeline::Span> there;
  for (const auto &stream : streams) {
    if (stream->flow () != GST_FLOW_OK) continue;
    auto [sending, whole] = stream->marks ();
    if (!sending) continue;
    timeline::Span here = sending->step.place;
    if (whole && whole->number > sending->number)
      here = {here.begin, whole->step.place.end};
    there = there ? timeline::Span{std::max (there->begin, here.begin),
                        std::min (there->end, here.end)}
                  : here;
  }
  if (!there) return false;
  int percent = 100;
  bool is_busy = false;
  {
    auto lanes = lanes_->lock ();
    std::vector<ahead::Lane> states;
    for (const SegmentLane *lane : lanes->all) states.push_back (lane->state);
    percent = ahead::percent (lanes->limits, states);
    is_busy = lanes->is_buffering;
  }
  gst_query_set_buffering_percent (query, is_busy ? TRUE : FALSE, percent);
  gst_query_set_buffering_stats (query, GST_BUFFERING_STREAM, -1, -1, -1);
  gst_query_set_buffering_range (query, format,
      static_cast<gint64> (there->begin), static_cast<gint64> (there->end), -1);
  return true;
}

std::optional<bool> AdaptivePlayback::answer (GstQuery *query)
{
  if (AdaptiveStream::answer (query)) return true;
  if (GST_QUERY_TYPE (query) == GST_QUERY_SEEKING)
    return answer_seeking (query);
  if (GST_QUERY_TYPE (query) == GST_QUERY_BUFFERING)
    return answer_buffering (query);
  if (GST_QUERY_TYPE (query) == GST_QUERY_SELECTABLE) {
    bool has_choice = selected_.lock ()->collection != nullptr;
    gst_query_set_selectable (query, has_choice ? TRUE : FALSE);
    return true;
  }
  if (GST_QUERY_TYPE (query) != GST_QUERY_DURATION) return std::nullopt;
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_duration (query, &format, nullptr);
  auto duration = state_.lock ()->duration;
  if (format != GST_FORMAT_TIME || !duration) return false;
  gst_query_set_duration (query, format, static_cast<gint64> (*duration));
  return true;
}

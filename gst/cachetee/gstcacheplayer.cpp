// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacheplayer.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "gstcachefacts.h"
#include "gstcacheitem.h"

GST_DEBUG_CATEGORY_EXTERN (cachetee_debug);
#define GST_CAT_DEFAULT cachetee_debug

namespace cacheplayer {

using bytestream::Found;
using bytestream::Place;
using bytestream::unknown;
using cachebranch::Branch;
using cachecursor::Target;
using relay::Owned;

namespace {

// One buffer for each slice of the usual size.
constexpr std::size_t buffer_limit = std::size_t{256} << 10;

}  // namespace

// ---- Playing ---------------------------------------------------------------

void Player::push_segment (GstPad *pad, Play &play)
{
  bytestream::Status status = play.reader.stream->status ();
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  segment.start = play.start;
  segment.position = play.at;
  segment.time = play.start;
  if (play.stop != unknown) segment.stop = play.stop;
  if (status.total != unknown) segment.duration = status.total;
  GstEvent *event = gst_event_new_segment (&segment);
  gst_event_set_seqnum (event, play.seqnum);
  gst_pad_push_event (pad, event);
}

// False if it is not known yet how the stream begins.
bool Player::push_start (GstPad *pad, Play &play)
{
  std::vector<Owned<GstEvent>> events =
      cachefacts::events (play.reader.stream->facts ().content);
  if (events.empty () ||
      GST_EVENT_TYPE (events.front ().get ()) != GST_EVENT_STREAM_START)
    return false;
  play.has_stream_start = true;
  gst_event_set_seqnum (events.front ().get (), play.seqnum);
  gst_event_set_group_id (events.front ().get (), play.group_id);
  gst_pad_push_event (pad, events.front ().release ());
  return true;
}

// What has to go before the bytes, as far as it has not.
void Player::push_events (GstPad *pad, Play &play)
{
  std::vector<Owned<GstEvent>> events;
  bool is_first = !std::exchange (play.has_content, true);
  if (is_first) {
    bool begins = play.has_stream_start || push_start (pad, play);
    play.has_stream_start = true;
    events = cachefacts::events (play.reader.stream->facts ().content);
    if (!begins) {
      GstEvent *start = gst_event_new_stream_start ("cachetee");
      gst_event_set_seqnum (start, play.seqnum);
      gst_event_set_group_id (start, play.group_id);
      gst_pad_push_event (pad, start);
    }
  }
  auto is_tag = [] (const Owned<GstEvent> &event) {
    return GST_EVENT_TYPE (event.get ()) == GST_EVENT_TAG;
  };
  auto push = [&] (bool tags) {
    for (Owned<GstEvent> &event : events) {
      if (event == nullptr || is_tag (event) != tags ||
          GST_EVENT_TYPE (event.get ()) == GST_EVENT_STREAM_START)
        continue;
      gst_event_set_seqnum (event.get (), play.seqnum);
      gst_pad_push_event (pad, event.release ());
    }
  };
  push (false);
  if (!std::exchange (play.has_segment, true)) push_segment (pad, play);
  push (true);
}

Player::Step Player::end (Branch &branch, const Play &play)
{
  branch.at_end = true;
  // Before the EOS: with the last one an application may stop listening.
  if (junction_.end (branch)) report_.post_stats ();
  GstEvent *eos = gst_event_new_eos ();
  gst_event_set_seqnum (eos, play.seqnum);
  gst_pad_push_event (branch.pad.get (), eos);
  return Step::ended;
}

Player::Step Player::push (Branch &branch, Play &play, Found found)
{
  std::size_t size = found.chunk.bytes.size ();
  Owned<GstBuffer> buffer{gst_buffer_new ()};
  gst_buffer_append_memory (
      buffer.get (), cacheitem::wrap (std::move (found.chunk)).release ());
  GST_BUFFER_OFFSET (buffer.get ()) = play.at;
  GST_BUFFER_OFFSET_END (buffer.get ()) = play.at + size;
  if (std::exchange (play.discont, false))
    GST_BUFFER_FLAG_SET (buffer.get (), GST_BUFFER_FLAG_DISCONT);
  play.reader.begun = true;
  report_.pushes ();
  GstFlowReturn flow = gst_pad_push (branch.pad.get (), buffer.release ());
  if (flow == GST_FLOW_OK) {
    report_.counters.bytes_from_cache += size;
    report_.counters.bytes_sent += size;
    (found.from_disk ? report_.counters.bytes_from_l2
                     : report_.counters.bytes_from_l1) += size;
  }
  // It was sent somewhere else from there.
  if (branch.cursor.is_interrupted () && flow != GST_FLOW_NOT_LINKED)
    return Step::on;
  if (flow == GST_FLOW_OK) {
    branch.cursor.latest = play.at;
    play.at += size;
    branch.cursor.position = play.at;
    return Step::on;
  }
  if (flow == GST_FLOW_NOT_LINKED) {
    play.discont = true;
    return Step::not_linked;
  }
  // One that is released may fail as it likes.
  if (flow == GST_FLOW_FLUSHING || branch.removed) return Step::over;
  if (switches_.isolate)
    report_.isolated (branch.pad.get (), flow);
  else if (flow != GST_FLOW_EOS)
    GST_ELEMENT_FLOW_ERROR (element_, flow);
  return end (branch, play);
}

// An application wants no more of it.
Player::Step Player::finish (Branch &branch, Play &play)
{
  std::lock_guard guard (branch.cursor.pushing);
  if (branch.cursor.is_interrupted ()) return Step::on;
  if (!play.reader.stream) play.reader.stream = supply_.stream ();
  if (play.reader.stream) push_events (branch.pad.get (), play);
  return end (branch, play);
}

Player::Step Player::step (Branch &branch, Play &play)
{
  if (junction_.is_finished ()) return finish (branch, play);
  std::stop_token stop = branch.cursor.token ();
  // Nothing is fetched for one that is sent somewhere else by how it begins.
  if (!play.has_stream_start && supply_.begin (play.reader, stop)) {
    std::lock_guard guard (branch.cursor.pushing);
    if (branch.cursor.is_interrupted ()) return Step::on;
    (void)push_start (branch.pad.get (), play);
    if (branch.cursor.is_interrupted ()) return Step::on;
  }
  Found found{Place::end, {}, {}, false};
  if (play.at < play.stop) {
    std::size_t limit = static_cast<std::size_t> (
        std::min<std::uint64_t> (buffer_limit, play.stop - play.at));
    play.reader.end = play.stop;
    found = supply_.get (play.reader, play.at, limit, stop);
  }
  std::lock_guard guard (branch.cursor.pushing);
  if (junction_.is_finished () || found.place == Place::stopped ||
      branch.cursor.is_interrupted ())
    return Step::on;
  if (found.place == Place::hole || found.place == Place::claimed)
    report_.incomplete (play.at, supply_.is_another (play.reader));
  GstPad *pad = branch.pad.get ();
  if (play.reader.stream) push_events (pad, play);
  if (found.place != Place::bytes) return end (branch, play);
  return push (branch, play, std::move (found));
}

// With no peer it waits for another link than those it has had; a ghost pad
// shows only by its result that it has none.
void Player::run (Branch &branch, guint32 seqnum, guint group_id)
{
  constexpr unsigned any = ~0U;
  unsigned no_peer = any;
  Play play;
  play.seqnum = seqnum;
  play.group_id = group_id;
  while (junction_.may_play (branch, 0, false, no_peer)) {
    if (std::optional<Target> target = branch.cursor.take ()) {
      play.at = target->start;
      play.start = target->start;
      play.joined = true;
      play.stop = target->stop;
      play.seqnum = target->seqnum;
      play.has_segment = false;
      play.discont = true;
    }
    unsigned links = junction_.links (branch);
    no_peer = links;
    if (!gst_pad_is_linked (branch.pad.get ()) || branch.pulls) continue;
    no_peer = any;
    if (!std::exchange (play.joined, true)) play.at = trail_.join (branch);
    Step done = step (branch, play);
    if (done == Step::over) return;
    if (done == Step::not_linked) {
      no_peer = links;
      // It comes when it is linked.
      play.joined = play.at != 0 || !trail_.is_on ();
    }
    if (done != Step::ended) continue;
    if (!branch.cursor.wait ()) return;
    branch.at_end = false;
    junction_.again (branch);
  }
}

// ---- Seeks -----------------------------------------------------------------

// As a source does it: who pushes is stopped, then sent somewhere else.
bool Player::seek (Branch &branch, GstEvent *event)
{
  gdouble rate = 1.0;
  GstFormat format = GST_FORMAT_UNDEFINED;
  GstSeekFlags flags = GST_SEEK_FLAG_NONE;
  GstSeekType start_type = GST_SEEK_TYPE_NONE;
  GstSeekType stop_type = GST_SEEK_TYPE_NONE;
  gint64 start = 0;
  gint64 stop = -1;
  gst_event_parse_seek (
      event, &rate, &format, &flags, &start_type, &start, &stop_type, &stop);
  constexpr guint refused = static_cast<guint> (GST_SEEK_FLAG_SEGMENT) |
                            static_cast<guint> (GST_SEEK_FLAG_TRICKMODE);
  std::optional<bytestream::Stream> stream = supply_.stream ();
  if (!stream || format != GST_FORMAT_BYTES || rate != 1.0 ||
      (static_cast<guint> (flags) & refused) != 0)
    return false;
  std::uint64_t total = stream->status ().total;
  auto place = [&] (GstSeekType type, gint64 value,
                   std::uint64_t none) -> std::optional<std::uint64_t> {
    if (type == GST_SEEK_TYPE_NONE) return none;
    if (type == GST_SEEK_TYPE_END) {
      if (total == unknown) return std::nullopt;
      value += static_cast<gint64> (total);
    } else if (value == -1) {
      return none;
    }
    if (value < 0) return std::nullopt;
    return static_cast<std::uint64_t> (value);
  };
  std::optional<std::uint64_t> from =
      place (start_type, start, branch.cursor.position);
  std::optional<std::uint64_t> to = place (stop_type, stop, unknown);
  if (!from || !to || *from > *to) return false;

  bool flush = (static_cast<guint> (flags) &
                   static_cast<guint> (GST_SEEK_FLAG_FLUSH)) != 0;
  guint32 seqnum = gst_event_get_seqnum (event);
  GstPad *pad = branch.pad.get ();
  branch.cursor.interrupt ();
  if (flush) {
    GstEvent *begins = gst_event_new_flush_start ();
    gst_event_set_seqnum (begins, seqnum);
    gst_pad_push_event (pad, begins);
  }
  std::lock_guard guard (branch.cursor.pushing);
  if (flush) {
    GstEvent *ends = gst_event_new_flush_stop (TRUE);
    gst_event_set_seqnum (ends, seqnum);
    gst_pad_push_event (pad, ends);
  }
  branch.cursor.move ({*from, *to, seqnum});
  return true;
}

// ---- Queries ---------------------------------------------------------------

namespace {

bool answer_buffering (GstQuery *query, const bytestream::Stream &stream)
{
  constexpr guint64 all = GST_FORMAT_PERCENT_MAX;
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_buffering_range (query, &format, nullptr, nullptr, nullptr);
  bytestream::Status status = stream.status ();
  bool is_known = status.total != unknown && status.total > 0;
  if (format != GST_FORMAT_BYTES && format != GST_FORMAT_PERCENT) return false;
  if (format == GST_FORMAT_PERCENT && !is_known) return false;
  auto value = [&] (std::uint64_t offset) {
    if (format == GST_FORMAT_BYTES) return static_cast<gint64> (offset);
    return static_cast<gint64> (
        gst_util_uint64_scale (offset, all, status.total));
  };
  gst_query_set_buffering_percent (query, FALSE, 100);
  gst_query_set_buffering_stats (
      query, GST_BUFFERING_DOWNLOAD, -1, -1, status.complete ? 0 : -1);
  gint64 stop = is_known ? value (status.total) : -1;
  gst_query_set_buffering_range (
      query, format, 0, stop, status.complete ? 0 : -1);
  for (const bytestream::Range &range : stream.present ())
    gst_query_add_buffering_range (query, value (range.from), value (range.to));
  return true;
}

}  // namespace

bool Player::answer (Branch &branch, GstQuery *query)
{
  std::optional<bytestream::Stream> stream = supply_.stream ();
  if (!stream) return false;
  std::uint64_t total = stream->status ().total;
  gint64 size = total == unknown ? gint64{-1} : static_cast<gint64> (total);
  GstFormat format = GST_FORMAT_UNDEFINED;
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_DURATION:
      gst_query_parse_duration (query, &format, nullptr);
      if (format != GST_FORMAT_BYTES || size < 0) return false;
      gst_query_set_duration (query, format, size);
      return true;
    case GST_QUERY_POSITION:
      gst_query_parse_position (query, &format, nullptr);
      if (format != GST_FORMAT_BYTES) return false;
      gst_query_set_position (
          query, format, static_cast<gint64> (branch.cursor.position.load ()));
      return true;
    case GST_QUERY_SEEKING:
      gst_query_parse_seeking (query, &format, nullptr, nullptr, nullptr);
      gst_query_set_seeking (
          query, format, format == GST_FORMAT_BYTES, 0, size);
      return true;
    case GST_QUERY_FORMATS:
      gst_query_set_formats (query, 1, GST_FORMAT_BYTES);
      return true;
    case GST_QUERY_BUFFERING:
      return answer_buffering (query, *stream);
    default:
      return false;
  }
}

}  // namespace cacheplayer

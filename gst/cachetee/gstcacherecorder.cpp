// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacherecorder.h"

#include <utility>
#include <vector>

#include "common/gstpp.h"
#include "gstcacheitem.h"
#include "gstcachemeta.h"

namespace cacherecorder {

using relay::Owned;

namespace {

// How long a stream that may wait does so for the disk: a bound, so that a
// disk that hangs stops it only once.
constexpr std::chrono::milliseconds slow_store_limit{2000};

bool is_live (GstPad *pad)
{
  Owned<GstQuery> query{gst_query_new_latency ()};
  gboolean live = FALSE;
  if (gst_pad_peer_query (pad, query.get ()))
    gst_query_parse_latency (query.get (), &live, nullptr, nullptr);
  return live;
}

}  // namespace

std::chrono::milliseconds patience_of (SlowStore choice, GstPad *pad)
{
  if (choice == SlowStore::automatic)
    choice = is_live (pad) ? SlowStore::skip : SlowStore::wait;
  return choice == SlowStore::wait ? slow_store_limit
                                   : std::chrono::milliseconds (0);
}

void Recorder::start (std::unique_ptr<store::Writer> writer,
    SlowStore slow_store, std::uint32_t slice_size)
{
  auto state = state_.lock ();
  state->writer = std::move (writer);
  state->recording = true;
  recording_ = true;
  state->finished = false;
  state->slow_store = slow_store;
  state->patience.reset ();
  state->metas.clear ();
  has_metas_ = false;
  has_segment_ = false;
  skips_ = false;
  skipped_ = 0;
  slice_size_ = slice_size;
}

Recorder::Current Recorder::current (GstPad *pad)
{
  Current current;
  if (!recording_) return current;
  {
    auto state = state_.lock ();
    if (!state->recording) return current;
    current.writer = state->writer;
    if (state->patience) {
      current.patience = *state->patience;
      return current;
    }
  }
  current.patience = find_patience (pad);
  return current;
}

// Asks upstream, which may take its time: not under the lock.
std::chrono::milliseconds Recorder::find_patience (GstPad *pad)
{
  std::chrono::milliseconds patience =
      patience_of (state_.lock ()->slow_store, pad);
  state_.lock ()->patience = patience;
  return patience;
}

bool Recorder::drop ()
{
  std::shared_ptr<store::Writer> writer;
  {
    auto state = state_.lock ();
    if (!state->recording) return false;
    state->recording = false;
    recording_ = false;
    writer = state->writer;
  }
  writer->abort ();
  return true;
}

Outcome Recorder::lose (const char *reason)
{
  if (!drop ()) return std::nullopt;
  return Lost{reason, std::nullopt};
}

Outcome Recorder::check (const store::Result<relay::Done> &result)
{
  // Whoever aborts says so himself.
  if (result || result.code () == store::Error::aborted) return std::nullopt;
  skips_ = result.code () == store::Error::overflow;
  Outcome outcome = lose (store::to_string (result.code ()));
  if (outcome) outcome->failure = result.error ();
  return outcome;
}

// They are kept when they change.
Outcome Recorder::note_metas (const Current &now, GstBuffer *buffer)
{
  gpointer place = nullptr;
  if (!has_metas_ && gst_buffer_iterate_meta (buffer, &place) == nullptr)
    return std::nullopt;
  std::optional<std::string> metas = cachemeta::encode (buffer);
  if (!metas) return lose ("meta");
  has_metas_ = true;
  if (std::exchange (state_.lock ()->metas, *metas) == *metas)
    return std::nullopt;
  return check (
      now.writer->event (cacheitem::encode_metas (*metas), now.patience));
}

Outcome Recorder::buffer (GstPad *pad, GstBuffer *buffer)
{
  Current now = current (pad);
  if (skips_) skipped_ += gst_buffer_get_size (buffer);
  if (now.writer == nullptr) return std::nullopt;
  if (Outcome outcome = note_metas (now, buffer)) return outcome;
  std::optional<store::Chunk> chunk = cacheitem::chunk_of (buffer);
  if (!chunk) return lose ("memory");
  std::size_t size = chunk->bytes.size ();
  Outcome outcome = check (now.writer->append (
      cacheitem::packet_of (buffer), *std::move (chunk), now.patience));
  if (skips_) skipped_ += size;
  return outcome;
}

// Later ones go on where they like: there may be gaps in a stream.
bool Recorder::time_is_whole (GstPad *pad, const GstSegment &segment)
{
  bool is_first = !has_segment_.exchange (true);
  if (is_first && segment.time != 0) return false;
  if (!GST_CLOCK_TIME_IS_VALID (segment.stop)) return true;
  guint64 end =
      gst_segment_to_stream_time (&segment, GST_FORMAT_TIME, segment.stop);
  guint64 duration = segment.duration;
  gint64 told = -1;
  if (!GST_CLOCK_TIME_IS_VALID (duration) &&
      gst_pad_peer_query_duration (pad, GST_FORMAT_TIME, &told) && told >= 0)
    duration = static_cast<guint64> (told);
  return GST_CLOCK_TIME_IS_VALID (end) && end >= duration;
}

// Does the stream go from its beginning, forwards? Otherwise it is a part.
bool Recorder::segment_is_whole (GstPad *pad, GstEvent *event)
{
  const GstSegment *segment = nullptr;
  gst_event_parse_segment (event, &segment);
  constexpr guint parts = static_cast<guint> (GST_SEGMENT_FLAG_TRICKMODE) |
                          static_cast<guint> (GST_SEGMENT_FLAG_SEGMENT);
  if (segment->rate != 1.0 ||
      (static_cast<guint> (segment->flags) & parts) != 0)
    return false;
  if (segment->format == GST_FORMAT_TIME) return time_is_whole (pad, *segment);
  // Bytes are not for packets.
  return segment->format != GST_FORMAT_BYTES;
}

Outcome Recorder::event (GstPad *pad, GstEvent *event)
{
  Current now = current (pad);
  if (now.writer == nullptr || !cacheitem::is_kept (GST_EVENT_TYPE (event)))
    return std::nullopt;
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT &&
      !segment_is_whole (pad, event))
    return lose ("part");
  std::optional<std::vector<std::uint8_t>> bytes = cacheitem::encode (event);
  if (!bytes) return lose ("event");
  return check (now.writer->event (*std::move (bytes), now.patience));
}

Outcome Recorder::cut (GstPad *pad)
{
  if (current (pad).writer == nullptr) return std::nullopt;
  return lose ("stopped");
}

Outcome Recorder::end (GstPad *pad)
{
  Current now = current (pad);
  if (now.writer == nullptr) return std::nullopt;
  if (Owned<GstEvent> segment{
          gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0)};
      segment == nullptr)
    return lose ("short");
  {
    auto state = state_.lock ();
    if (!state->recording) return std::nullopt;
    state->recording = false;
    recording_ = false;
    state->finished = true;
  }
  now.writer->finish ();
  return std::nullopt;
}

Recorder::Closed Recorder::close ()
{
  State last;
  {
    auto state = state_.lock ();
    std::swap (last, *state);
    recording_ = false;
  }
  Closed closed;
  if (last.writer == nullptr) return closed;
  closed.skipped_slices = skipped_slices ();
  skips_ = false;
  skipped_ = 0;
  store::Result<relay::Done> result = last.writer->close ();
  closed.bytes_written = last.writer->bytes_written ();
  closed.stored = last.finished && result.ok ();
  if (last.finished && !result) closed.failure = result.error ();
  return closed;
}

std::uint64_t Recorder::bytes_written ()
{
  auto state = state_.lock ();
  return state->writer != nullptr ? state->writer->bytes_written () : 0;
}

}  // namespace cacherecorder

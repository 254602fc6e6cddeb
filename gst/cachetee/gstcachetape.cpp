// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachetape.h"

#include <utility>

#include "common/gstpp.h"
#include "gstcachecontrol.h"
#include "gstcachefacts.h"
#include "gstcachefeeder.h"
#include "gstcacheitem.h"

namespace cachetape {

using bytefeed::Feed;
using bytestream::Place;
using bytestream::unknown;
using cacherecorder::Lost;
using cacherecorder::SlowStore;
using relay::Owned;

namespace {

// What is not on the disk by then gets there later.
constexpr std::chrono::milliseconds settle_limit{500};

// Asked before anything was sent: a source knows what it is going to send.
bool is_of_bytes (GstPad *pad)
{
  Owned<GstQuery> query{gst_query_new_segment (GST_FORMAT_UNDEFINED)};
  GstFormat format = GST_FORMAT_UNDEFINED;
  if (!gst_pad_peer_query (pad, query.get ())) return false;
  gst_query_parse_segment (query.get (), nullptr, &format, nullptr, nullptr);
  return format == GST_FORMAT_BYTES;
}

}  // namespace

void Tape::start (
    bytestream::Stream stream, bool renew, bool may_serve, SlowStore slow_store)
{
  bytestream::Status status = stream.status ();
  State fresh;
  fresh.was_stored = status.stored && !renew;
  // What is there already was not served for a reason.
  fresh.may_serve = may_serve && !status.complete;
  fresh.skipped = status.skipped;
  stream.tell (progress_);
  fresh.stream = std::move (stream);
  fresh.renews = renew;
  fresh.slow_store = slow_store;
  *state_.lock () = std::move (fresh);
  on_ = true;
}

bool Tape::claim (GstPad *pad, const std::stop_token &stop)
{
  if (!on_ || !cachefeeder::is_source (pad) || !is_of_bytes (pad)) return true;
  std::optional<bytestream::Stream> stream;
  bool may_serve = false;
  {
    auto state = state_.lock ();
    if (!state->stream || state->renews || state->filler != nullptr)
      return true;
    stream = state->stream;
    may_serve = state->may_serve;
  }
  Place first = stream->read (0, 1).place;
  // Another process may be about to fill it.
  if (first == Place::hole) first = stream->wait (0, 1, stop).place;
  if (first == Place::stopped) return true;
  std::unique_ptr<bytestream::Filler> filler;
  if (first == Place::hole) filler = stream->claim ({0, unknown});
  if (filler == nullptr) return !may_serve;
  state_.lock ()->filler = std::move (filler);
  return true;
}

void Tape::headers (GstEvent *event)
{
  if (!on_) return;
  std::optional<record::Facts> facts = cachecontrol::facts (event);
  if (facts) state_.lock ()->headers = std::move (facts);
}

void Tape::segment (const GstSegment &segment)
{
  if (!on_) return;
  auto state = state_.lock ();
  state->feed = nullptr;
  state->pending = segment.rate == 1.0;
  state->position = segment.start;
  state->until = segment.stop;
  if (state->position != 0 || !state->pending) state->filler = nullptr;
}

// What is here of another resource is left to who has it.
void Tape::agree (State &state, const record::Facts &facts)
{
  bool is_same = !state.renews &&
                 (state.filler != nullptr ? state.filler->agree (facts) ||
                                                state.stream->agree (facts)
                                          : state.stream->agree (facts));
  if (is_same) return;
  state.filler = nullptr;
  state.stream = state.stream->renew (facts);
  state.renews = false;
  state.was_stored = state.stream->status ().stored;
  state.skipped = state.stream->status ().skipped;
}

// With the first bytes, when all that upstream says of them has come.
std::shared_ptr<Feed> Tape::feed (GstPad *pad)
{
  std::optional<record::Facts> headers;
  {
    auto state = state_.lock ();
    if (!state->stream || !state->pending) return state->feed;
    headers = state->headers;
  }
  record::Facts facts = cachefacts::gather (pad, std::move (headers));
  auto state = state_.lock ();
  if (!state->stream || !std::exchange (state->pending, false))
    return state->feed;
  agree (*state, facts);
  state->is_filled = true;
  state->feed = std::make_shared<Feed> (*state->stream, state->position,
      std::move (state->filler), true, state->until);
  return state->feed;
}

Tape::Current Tape::current (GstPad *pad)
{
  Current now;
  SlowStore choice = SlowStore::automatic;
  {
    auto state = state_.lock ();
    now.stop = state->stop.get_token ();
    now.stream = state->stream;
    choice = state->slow_store;
    if (!state->pending) now.feed = state->feed;
    if (state->patience) now.patience = *state->patience;
    if (state->patience && !state->pending) return now;
  }
  now.feed = feed (pad);
  // Upstream is asked, which may take its time: not under the lock.
  now.patience = cacherecorder::patience_of (choice, pad);
  auto state = state_.lock ();
  state->patience = now.patience;
  now.stream = state->stream;
  return now;
}

Outcome Tape::check (const store::Result<relay::Done> &result)
{
  if (result || result.code () == store::Error::incomplete) return std::nullopt;
  if (result.code () == store::Error::changed) {
    drop ();
    return Lost{"changed", std::nullopt};
  }
  // What is in the memory is kept, and the disk is tried again.
  return Lost{nullptr, result.error ()};
}

Outcome Tape::buffer (GstPad *pad, GstBuffer *buffer)
{
  if (!on_) return std::nullopt;
  Current now = current (pad);
  const std::shared_ptr<Feed> &feed = now.feed;
  if (feed == nullptr) return std::nullopt;
  if (GST_BUFFER_OFFSET_IS_VALID (buffer) &&
      GST_BUFFER_OFFSET (buffer) != feed->position ()) {
    // Which of the two is wrong?
    drop ();
    return Lost{"offset", std::nullopt};
  }
  std::optional<store::Chunk> chunk = cacheitem::chunk_of (buffer);
  if (!chunk) {
    drop ();
    return Lost{"memory", std::nullopt};
  }
  // So that the wait can be ended; whoever takes the room meanwhile costs us a
  // slice.
  std::size_t size = chunk->bytes.size ();
  if (now.patience > now.patience.zero () && feed->closes (size) &&
      now.stream->wait_for_room (size, now.patience, now.stop))
    now.patience = std::chrono::milliseconds (100);
  else
    now.patience = now.patience.zero ();
  std::uint64_t before = feed->filled ();
  Outcome outcome = check (feed->take (*std::move (chunk), now.patience));
  written_ += feed->filled () - before;
  return outcome;
}

Outcome Tape::end (GstPad *pad)
{
  if (!on_) return std::nullopt;
  Current now = current (pad);
  const std::shared_ptr<Feed> &feed = now.feed;
  bool bounded = state_.lock ()->until != unknown;
  if (feed == nullptr) return std::nullopt;
  Outcome outcome;
  // As far as upstream was asked to go is not the end.
  if (bounded)
    feed->cut ();
  else
    outcome = check (feed->end (now.patience));
  cut ();
  return outcome;
}

void Tape::stop ()
{
  std::stop_source stop;
  {
    auto state = state_.lock ();
    stop = state->stop;
  }
  stop.request_stop ();
}

void Tape::cut ()
{
  if (!on_) return;
  auto state = state_.lock ();
  state->feed = nullptr;
  state->pending = false;
  state->headers.reset ();
}

bool Tape::drop ()
{
  if (!on_.exchange (false)) return false;
  auto state = state_.lock ();
  state->feed = nullptr;
  state->pending = false;
  if (state->filler == nullptr) return true;
  // Its files are not ours any more when another takes their place.
  std::unique_ptr<bytestream::Filler> filler = std::move (state->filler);
  bytestream::Stream stream = *state->stream;
  state.unlock ();
  filler = nullptr;
  stream.settle (settle_limit);
  return true;
}

Tape::Closed Tape::close ()
{
  State last;
  {
    auto state = state_.lock ();
    std::swap (last, *state);
  }
  Closed closed;
  if (!last.stream) return closed;
  last.feed = nullptr;
  last.filler = nullptr;
  on_ = false;
  if (last.is_filled) last.stream->settle (settle_limit);
  bytestream::Status status = last.stream->status ();
  closed.stored = status.stored && !last.was_stored;
  closed.skipped_slices = status.skipped - last.skipped;
  if (last.is_filled) closed.failure = last.stream->take_failure ();
  return closed;
}

}  // namespace cachetape

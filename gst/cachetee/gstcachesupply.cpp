// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachesupply.h"

#include <utility>

#include "common/gstpp.h"
#include "gstcachecontrol.h"
#include "gstcachefacts.h"
#include "gstcacheitem.h"

GST_DEBUG_CATEGORY_EXTERN (cachetee_debug);
#define GST_CAT_DEFAULT cachetee_debug

namespace cachesupply {

using bytefeed::Feed;
using byteplan::Plan;
using bytestream::Filler;
using bytestream::unknown;
using cachereport::Status;

namespace {

// Upstream waits for the disk as long as this: nobody waits for upstream but
// who wants just what it sends.
constexpr std::chrono::milliseconds patience{2000};
// When there was room: others may have been faster.
constexpr std::chrono::milliseconds last_patience{100};
// What is not on the disk by then gets there later.
constexpr std::chrono::milliseconds settle_limit{500};

}  // namespace

void Supply::start (bytestream::Stream stream, Plan plan)
{
  State fresh;
  fresh.corrupt = stream.status ().corrupt;
  fresh.was_stored = stream.status ().stored;
  fresh.stream = std::move (stream);
  fresh.stopped = false;
  fresh.checking = plan == Plan::check;
  fresh.aside = plan == Plan::grace;
  bool is_asked = fresh.checking || fresh.aside;
  // The generation goes on counting: there may be readers of the last run.
  {
    auto state = state_.lock ();
    fresh.generation = state->generation + 1;
    fresh.version = state->version + 1;
    *state = std::move (fresh);
  }
  on_ = true;
  if (is_asked) junction_.want (true);
}

void Supply::stop ()
{
  std::stop_source stop;
  {
    auto state = state_.lock ();
    state->stopped = true;
    stop = state->stop;
    changed (state);
  }
  stop.request_stop ();
}

bool Supply::clear ()
{
  State last;
  {
    auto state = state_.lock ();
    last.generation = state->generation;
    last.version = state->version;
    std::swap (last, *state);
  }
  on_ = false;
  std::uint64_t filled = last.feed != nullptr ? last.feed->filled () : 0;
  last.feed = nullptr;
  last.filler = nullptr;
  if (!last.stream || (filled == 0 && !last.is_partial)) return false;
  last.stream->settle (settle_limit);
  if (auto failure = last.stream->take_failure ())
    report_.warn_store (*failure);
  return !last.was_stored && last.stream->status ().stored;
}

std::optional<bytestream::Stream> Supply::stream ()
{
  return state_.lock ()->stream;
}

bool Supply::is_another (const Reader &reader)
{
  std::optional<bytestream::Stream> now = stream ();
  return reader.begun && reader.stream && now && !now->is (*reader.stream);
}

// ---- Upstream's thread -----------------------------------------------------

// Upstream has nothing to do.
void Supply::rest (Access &access)
{
  access->feeding = false;
  access->aside = false;
  junction_.want (false);
  changed (access);
}

void Supply::arrive ()
{
  auto state = state_.lock ();
  if (!std::exchange (state->arrived, true)) changed (state);
}

void Supply::leave ()
{
  state_.lock ()->place.ended = true;
}

// What is missing is served, but it is in the memory only, and for those who
// play it now.
void Supply::refuse (const char *why)
{
  std::optional<bytestream::Stream> stream;
  bool is_played = false;
  {
    auto state = state_.lock ();
    state->refused = why;
    stream = state->stream;
    // Of what is only compared nothing is taken.
    is_played = !state->checking && !state->aside;
  }
  if (!stream || !is_played) return;
  stream->keep_nothing ();
  report_.set_status (Status::partial, why);
}

Supply::Answer Supply::event (GstEvent *event, const char *refused)
{
  if (refused != nullptr) refuse (refused);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CUSTOM_DOWNSTREAM_STICKY: {
      std::optional<record::Facts> facts = cachecontrol::facts (event);
      return facts ? answer (std::move (facts)) : Answer::taken;
    }
    case GST_EVENT_SEGMENT:
      return segment (event);
    case GST_EVENT_EOS:
      end ();
      return Answer::taken;
    default:
      return Answer::taken;
  }
}

Supply::Answer Supply::segment (GstEvent *event)
{
  const GstSegment *segment = nullptr;
  gst_event_parse_segment (event, &segment);
  bool is_answered = false;
  {
    auto state = state_.lock ();
    state->place.started = true;
    state->place.ended = false;
    state->place.position = segment->start;
    state->segment_stop = segment->stop;
    is_answered = state->answered;
  }
  if (segment->format != GST_FORMAT_BYTES) {
    break_off ();
    return Answer::hold;
  }
  Answer said = is_answered ? Answer::taken : answer (std::nullopt);
  auto state = state_.lock ();
  if (!state->stream) return said;
  std::unique_ptr<Filler> filler;
  if (!state->leaving) filler = std::move (state->filler);
  state->feed = std::make_shared<Feed> (
      *state->stream, state->place.position, std::move (filler), state->aside);
  return said;
}

// What upstream has is known now.
Supply::Answer Supply::answer (std::optional<record::Facts> headers)
{
  bool is_late = headers.has_value ();
  record::Facts facts = cachefacts::gather (sinkpad_, std::move (headers));
  std::optional<bytestream::Stream> stream;
  {
    auto state = state_.lock ();
    stream = state->stream;
    state->answered = true;
    state->place.started = true;
  }
  if (!stream) return Answer::hold;
  bool is_same = stream->agree (facts);
  auto state = state_.lock ();
  if (state->stopped) return Answer::hold;
  if (state->checking || state->aside) {
    bool checking = state->checking;
    state.unlock ();
    return checking ? answer_check (is_same, facts)
                    : answer_aside (is_same, facts);
  }
  if (is_same) {
    if (!is_late || !state->hold_wanted) return Answer::taken;
    state->holding = true;
    junction_.want (false);
    changed (state);
    return Answer::hold;
  }
  // Who has begun cannot go on; who has not gets what there is now.
  state->filler = nullptr;
  if (state->feed != nullptr) state->feed->cut ();
  state->feed = nullptr;
  state->stream = stream->renew (facts);
  if (state->refused != nullptr) state->stream->keep_nothing ();
  state->generation++;
  state->was_stored = false;
  rest (state);
  return Answer::hold;
}

Supply::Answer Supply::answer_check (bool is_same, const record::Facts &facts)
{
  if (is_same) {
    report_.counters.cache_hits++;
    report_.counters.revalidations++;
    report_.set_status (Status::revalidated, "");
    auto state = state_.lock ();
    state->checking = false;
    rest (state);
    return Answer::hold;
  }
  auto state = state_.lock ();
  state->stream = state->stream->renew (facts);
  state->generation++;
  state->was_stored = false;
  state->checking = false;
  on_ = false;
  changed (state);
  return Answer::other;
}

Supply::Answer Supply::answer_aside (bool is_same, const record::Facts &facts)
{
  if (is_same) {
    report_.counters.revalidations++;
    report_.set_status (Status::revalidated, "");
    auto state = state_.lock ();
    rest (state);
    return Answer::hold;
  }
  auto state = state_.lock ();
  if (state->refused != nullptr) {
    // Nobody plays it, and it is not to be kept.
    rest (state);
    return Answer::hold;
  }
  state->stream = state->stream->renew (facts);
  state->generation++;
  state->was_stored = false;
  changed (state);
  return Answer::taken;
}

// What upstream sends is of no use.
void Supply::break_off ()
{
  auto state = state_.lock ();
  state->broken = true;
  state->checking = false;
  state->filler = nullptr;
  if (state->feed != nullptr) state->feed->cut ();
  state->feed = nullptr;
  rest (state);
}

Supply::Answer Supply::buffer (GstBuffer *buffer)
{
  std::shared_ptr<Feed> feed;
  std::optional<bytestream::Stream> stream;
  std::stop_token stop;
  {
    auto state = state_.lock ();
    feed = state->feed;
    stream = state->stream;
    stop = state->stop.get_token ();
  }
  std::uint64_t size = gst_buffer_get_size (buffer);
  if (feed == nullptr) return Answer::taken;
  bool is_right = !GST_BUFFER_OFFSET_IS_VALID (buffer) ||
                  GST_BUFFER_OFFSET (buffer) == feed->position ();
  std::optional<store::Chunk> chunk = cacheitem::chunk_of (buffer);
  if (!is_right || !chunk) {
    break_off ();
    return Answer::hold;
  }
  std::uint64_t before = feed->filled ();
  if (stream && feed->closes (size))
    (void)stream->wait_for_room (size, patience, stop);
  store::Result<relay::Done> taken =
      feed->take (*std::move (chunk), last_patience);
  report_.counters.bytes_written += feed->filled () - before;
  if (!taken && taken.code () == store::Error::changed) {
    break_off ();
    return Answer::hold;
  }
  if (!taken) report_.warn_store (taken.error ());
  auto state = state_.lock ();
  if (state->feed != feed) return Answer::taken;
  state->place.position += size;
  if (state->place.position >= state->segment_stop) state->place.ended = true;
  if (feed->is_done () && !state->aside && !state->leaving) rest (state);
  return Answer::taken;
}

void Supply::end ()
{
  std::shared_ptr<Feed> feed;
  bool is_bounded = false;
  {
    auto state = state_.lock ();
    feed = std::move (state->feed);
    is_bounded = state->segment_stop != unknown;
  }
  if (feed != nullptr && !is_bounded) {
    store::Result<relay::Done> ended = feed->end (last_patience);
    if (!ended && ended.code () == store::Error::changed) break_off ();
  }
  feed = nullptr;
  auto state = state_.lock ();
  state->place.started = true;
  state->place.ended = true;
  // The filler is for where it is sent.
  if (state->leaving) return;
  state->filler = nullptr;
  // It has nothing to say.
  if (!state->answered) state->broken = true;
  // It could not be reached: what there is is better than nothing.
  bool is_stale = std::exchange (state->checking, false);
  rest (state);
  state.unlock ();
  if (is_stale) report_.set_status (Status::stale, "unreachable");
}

void Supply::flush (bool starts)
{
  auto state = state_.lock ();
  if (starts) {
    state->feed = nullptr;
    state->answered = false;
    state->refused = nullptr;
    if (!state->moving) {
      state->filler = nullptr;
      if (state->feeding) rest (state);
    }
    return;
  }
  // What was under way before it is through.
  state->leaving = false;
  if (state->moving) junction_.want (true);
}

void Supply::unlink ()
{
  auto state = state_.lock ();
  state->filler = nullptr;
  state->feed = nullptr;
  state->place = {};
  state->arrived = false;
  if (state->feeding || state->aside) rest (state);
  changed (state);
}

}  // namespace cachesupply

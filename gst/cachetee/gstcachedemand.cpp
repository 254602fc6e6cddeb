// SPDX-License-Identifier: LGPL-2.1-or-later
// The branches' side of a supply: what is missing is asked of upstream.
#include <string_view>
#include <utility>

#include "common/gstpp.h"
#include "gstcachefeeder.h"
#include "gstcachesupply.h"

GST_DEBUG_CATEGORY_EXTERN (cachetee_debug);
#define GST_CAT_DEFAULT cachetee_debug

namespace cachesupply {

using byteplan::Move;
using bytestream::Filler;
using bytestream::Found;
using bytestream::Range;
using bytestream::unknown;
using cachereport::Status;
using relay::Owned;

namespace {

// What is farther ahead of upstream is not waited for, but asked for.
constexpr std::uint64_t far_ahead = std::uint64_t{4} << 20;
constexpr unsigned attempts = 2;

// GStreamer 1.22: a souphttpsrc that is sought before its first response sends
// nothing but HEAD requests.
bool seeks_late (GstPad *sinkpad)
{
  Owned<GstElement> source = cachefeeder::source_of (sinkpad);
  return source != nullptr && std::string_view (G_OBJECT_TYPE_NAME (
                                  source.get ())) == "GstSoupHTTPSrc";
}

}  // namespace

// Until something has changed; false if it is to stop.
bool Supply::await (
    Access &access, std::uint64_t version, const std::stop_token &stop)
{
  access.unlock ();
  {
    std::stop_callback wake (stop, [this] {
      auto state = state_.lock ();
      changed (state);
    });
    access.lock ();
    access.wait (changed_, [&] (const State &s) {
      return s.stopped || s.version != version || stop.stop_requested ();
    });
    // Its end waits for a call that is under way, which takes the lock.
    access.unlock ();
  }
  access.lock ();
  return !access->stopped && !stop.stop_requested ();
}

bool Supply::begin (Reader &reader, const std::stop_token &stop)
{
  auto state = state_.lock ();
  while (state->checking)
    if (!await (state, state->version, stop)) return false;
  if (state->stopped || !on_ || !state->stream) return false;
  if (!reader.stream ||
      (!reader.begun && reader.generation != state->generation)) {
    reader.stream = state->stream;
    reader.generation = state->generation;
  }
  return true;
}

void Supply::note_corrupt (const bytestream::Stream &stream)
{
  std::uint64_t corrupt = stream.status ().corrupt;
  auto state = state_.lock ();
  if (corrupt <= state->corrupt) return;
  report_.counters.corrupt_slices += corrupt - state->corrupt;
  state->corrupt = corrupt;
  state.unlock ();
  report_.damaged_slice ();
}

// Upstream is on its way there, but has far to go, and nobody waits for what is
// in between.
bool Supply::is_far (std::uint64_t offset)
{
  auto state = state_.lock ();
  return state->feeding && !state->moving && !state->aside &&
         state->waiting == 0 && !state->place.fixed &&
         offset > state->place.position &&
         offset - state->place.position > far_ahead;
}

// As long as nothing else ends it: somebody else may fill it who rests.
Found Supply::wait (const bytestream::Stream &stream, std::uint64_t offset,
    std::size_t limit, const std::stop_token &stop)
{
  std::stop_source any;
  std::stop_token run = state_.lock ()->stop.get_token ();
  auto end = [&any] { any.request_stop (); };
  std::stop_callback by_branch (stop, end);
  std::stop_callback by_run (run, end);
  return stream.wait (offset, limit, any.get_token ());
}

Found Supply::get (Reader &reader, std::uint64_t offset, std::size_t limit,
    const std::stop_token &stop)
{
  using bytestream::Place;
  while (true) {
    if (!begin (reader, stop)) return {Place::stopped, {}, {}, false};
    const bytestream::Stream &stream = *reader.stream;
    Found found = stream.read (offset, limit);
    bool is_far_off = found.place == Place::claimed && is_far (offset);
    if (found.place != Place::bytes && !is_far_off) {
      state_.lock ()->waiting++;
      found = wait (stream, offset, limit, stop);
      state_.lock ()->waiting--;
    }
    if (found.place == Place::bytes || found.place == Place::end ||
        found.place == Place::stopped)
      return found;
    note_corrupt (stream);
    bool is_current = reader.generation == state_.lock ()->generation;
    if (!is_current && !reader.begun) continue;
    if (std::exchange (reader.missed_at, offset) != offset) reader.misses = 0;
    bool is_lost = !is_current || reader.misses >= attempts;
    if (is_lost || !fetch (stream, {offset, reader.end}, stop)) {
      if (stop.stop_requested ()) return {Place::stopped, {}, {}, false};
      return found;
    }
    reader.misses++;
  }
}

// False if nobody can fetch it. Else it is to be looked for again.
bool Supply::fetch (
    const bytestream::Stream &stream, Range wanted, const std::stop_token &stop)
{
  const std::uint64_t offset = wanted.from;
  {
    auto state = state_.lock ();
    // One after the other.
    while (state->moving || state->aside ||
           (state->feeding && (state->waiting > 0 || state->place.fixed))) {
      if (!await (state, state->version, stop)) return false;
      if (state->moving || !state->stream || !state->stream->is (stream))
        continue;
      // It may have come meanwhile.
      state.unlock ();
      if (stream.read (offset, 1).place != bytestream::Place::hole) return true;
      state.lock ();
    }
    if (state->stopped || state->broken || !state->stream ||
        !state->stream->is (stream))
      return false;
    state->moving = true;
  }
  bool done = false;
  std::unique_ptr<Filler> filler = stream.claim (wanted, far_ahead);
  if (filler == nullptr)
    done = stream.read (offset, 1).place != bytestream::Place::hole;
  else
    done = gst_pad_is_linked (sinkpad_) && cachefeeder::is_source (sinkpad_) &&
           bring (std::move (filler), stream.status ().total, stop);
  auto state = state_.lock ();
  state->moving = false;
  changed (state);
  return done;
}

// Has upstream fill it.
bool Supply::bring (std::unique_ptr<Filler> filler, std::uint64_t total,
    const std::stop_token &stop)
{
  Range left = filler->left ();
  bool is_rest = left.to == unknown || left.to >= total;
  Place place;
  bool is_under_way = false;
  {
    auto state = state_.lock ();
    while (!state->arrived)
      if (!await (state, state->version, stop)) return false;
    place = state->place;
    is_under_way = state->feeding;
  }
  place.seeks_late = seeks_late (sinkpad_);
  Move move = byteplan::approach (place, left.from, is_rest);
  // What it fills now is given up.
  if (move == Move::go && is_under_way) move = Move::seek;
  if (move == Move::start_and_seek) {
    if (!wait_for_headers (stop)) return false;
    move = Move::seek;
  }
  if (move == Move::seek && !seek (filler, is_rest)) {
    auto state = state_.lock ();
    if (state->stopped) return false;
    state->place.fixed = true;
    move = byteplan::approach (state->place, left.from, is_rest);
    if (move != Move::go) return false;
  }
  note_partial ();
  if (move == Move::go) return go_on (std::move (filler));
  return move != Move::none;
}

bool Supply::wait_for_headers (const std::stop_token &stop)
{
  auto state = state_.lock ();
  state->hold_wanted = true;
  junction_.want (true);
  unsigned generation = state->generation;
  while (!state->holding && !state->place.ended && !state->broken &&
         state->generation == generation)
    if (!await (state, state->version, stop)) break;
  bool is_there = state->holding;
  state->hold_wanted = false;
  state->holding = false;
  if (!is_there) junction_.want (false);
  return is_there && !state->stopped;
}

// Where upstream is parked, flushed and sent somewhere else. It has the filler
// when it gets there.
bool Supply::seek (std::unique_ptr<Filler> &filler, bool rest)
{
  Range left = filler->left ();
  {
    auto state = state_.lock ();
    state->filler = std::move (filler);
    state->feeding = true;
    state->leaving = true;
  }
  gint64 stop = rest ? gint64{-1} : static_cast<gint64> (left.to);
  GST_DEBUG_OBJECT (sinkpad_, "upstream to %" G_GUINT64_FORMAT, left.from);
  bool done = gst_pad_push_event (
      sinkpad_, gst_event_new_seek (1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
                    GST_SEEK_TYPE_SET, static_cast<gint64> (left.from),
                    GST_SEEK_TYPE_SET, stop));
  auto state = state_.lock ();
  state->leaving = false;
  if (!done) {
    filler = std::move (state->filler);
    state->feeding = false;
    return false;
  }
  if (state->feeding) junction_.want (true);
  return true;
}

bool Supply::go_on (std::unique_ptr<Filler> filler)
{
  if (filler == nullptr) return false;
  auto state = state_.lock ();
  if (state->stopped) return false;
  if (state->feed != nullptr)
    state->feed->fill (std::move (filler));
  else
    state->filler = std::move (filler);
  state->feeding = true;
  junction_.want (true);
  return true;
}

void Supply::note_partial ()
{
  report_.counters.holes_fetched++;
  if (std::exchange (state_.lock ()->is_partial, true)) return;
  report_.counters.cache_partial_hits++;
  report_.set_status (Status::partial, "");
  // Upstream may have been faster.
  if (const char *why = state_.lock ()->refused)
    report_.set_status (Status::partial, why);
}

}  // namespace cachesupply

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachejoin.h"

#include <algorithm>
#include <utility>

#include "gstcachelate.h"

namespace cachejoin {

using backlog::Start;
using cachebranch::Branch;
using cacheitem::Player;
using cachesettings::LateTiming;
using cachesettings::Settings;

namespace {

backlog::Facts facts_of (const Player::Item &item, GstSegment &segment)
{
  GstEvent *event = item.event.get ();
  if (event == nullptr)
    return cachelate::facts_of (item.buffer.get (), segment);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_event_copy_segment (event, &segment);
  return cachelate::facts_of (event);
}

// How far it is behind.
gint64 lag (std::uint64_t newest, std::uint64_t time)
{
  if (time == backlog::no_time || newest < time) return 0;
  return static_cast<gint64> (newest - time);
}

}  // namespace

void Trail::start (const Settings &settings)
{
  bool is_timed = settings.late_timing != LateTiming::original;
  bool on = settings.late_join &&
            (*settings.late_join != Start::beginning || is_timed);
  stopped_ = false;
  std::shared_ptr<const cachebranch::List> branches = branches_.list ();
  for (const std::shared_ptr<Branch> &branch : *branches) {
    branch->early = gst_pad_is_linked (branch->pad.get ());
    branch->number = 0;
    branch->at_end = false;
  }
  state_.lock ()->settings = settings;
  on_ = on;
}

void Trail::clear ()
{
  on_ = false;
  auto state = state_.lock ();
  state->log = nullptr;
  state->player = nullptr;
}

// ---- Packets ---------------------------------------------------------------

// One that has run ahead is not what others are at, but for one that is at the
// end when nobody plays on.
std::uint64_t Trail::others_at (const Branch &branch)
{
  std::optional<std::uint64_t> playing;
  std::uint64_t ended = 0;
  std::shared_ptr<const cachebranch::List> branches = branches_.list ();
  for (const std::shared_ptr<Branch> &other : *branches) {
    std::uint64_t number = other->number;
    if (other.get () == &branch || number == 0) continue;
    if (other->at_end)
      ended = std::max (ended, number);
    else
      playing = std::min (playing.value_or (number), number);
  }
  return playing.value_or (ended);
}

// So that the log has what is before the number. False if it cannot be read.
bool Trail::scan (State &state, const Branch &branch, std::uint64_t number,
    const MakePlayer &make)
{
  if (state.log == nullptr || state.log->head () > number) {
    const Settings &settings = state.settings;
    state.log = std::make_unique<Log> (
        backlog::Bound{settings.log_bytes, settings.log_time});
    state.player = std::make_unique<Player> (make ());
    gst_segment_init (&state.segment, GST_FORMAT_UNDEFINED);
  }
  while (state.log->head () < number) {
    if (stopped_ || branch.removed) return false;
    Item kept{nullptr, state.player->place ()};
    store::Result<Player::Item> item = state.player->next ();
    bool is_there = item && (item->event != nullptr || item->buffer != nullptr);
    if (!is_there) {
      state.log = nullptr;
      return false;
    }
    backlog::Facts facts = facts_of (*item, state.segment);
    if (facts.event)
      kept.object = cachelate::item_of (std::move (item->event));
    else if (facts.header)
      kept.object = cachelate::item_of (std::move (item->buffer));
    state.log->append (facts, std::move (kept));
  }
  return true;
}

Player::Place Trail::begin (const State &state, Reader &reader)
{
  const Settings &settings = state.settings;
  const Log &log = *state.log;
  reader.rebases = settings.late_timing == LateTiming::rebase;
  reader.fast = settings.late_timing == LateTiming::fast_forward;
  reader.newest = log.newest ().value_or (0);
  reader.latest_keyframe = log.latest_keyframe ();
  // The cache has all of it, whatever the log has.
  if (*settings.late_join == Start::beginning) return {};
  Log::Place start = log.start (
      *settings.late_join, {settings.burst_bytes, settings.burst_time});
  bool is_there = start.number < log.head ();
  reader.number = start.number;
  reader.waits = start.waits;
  reader.discont = start.number != 0;
  reader.held = std::move (start.held);
  reader.headers = std::move (start.headers);
  bool has_headers = !reader.discont || !reader.headers.empty () ||
                     (is_there && log.at (start.number).facts.header);
  for (const Item &item : reader.held) {
    GstEvent *event = GST_EVENT_CAST (item.object.get ());
    if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
      gst_event_copy_segment (event, &reader.segment);
    if (has_headers) continue;
    // For a stream whose headers have passed.
    for (auto &header : cachelate::stream_headers (event))
      reader.headers.push_back ({std::move (header), {}});
  }
  return is_there ? log.at (start.number).item.place : state.player->place ();
}

void Trail::join (
    Branch &branch, const MakePlayer &make, Player &player, Reader &reader)
{
  reader.begun = true;
  gst_segment_init (&reader.segment, GST_FORMAT_UNDEFINED);
  if (branch.early.exchange (false)) return;
  std::uint64_t number = others_at (branch);
  if (number == 0) return;
  Player::Place place;
  {
    auto state = state_.lock ();
    // All of it is better than nothing; it finds out itself what is wrong.
    if (!scan (*state, branch, number, make)) return;
    place = begin (*state, reader);
  }
  player.go (place);
}

// Data that one in a hurry leaves out; see Late.
bool Trail::is_skipped (Reader &reader, const backlog::Facts &facts)
{
  if (!reader.fast) return false;
  if (!reader.latest_keyframe || *reader.latest_keyframe <= reader.number) {
    reader.fast = false;
    reader.offset = 0;
    return false;
  }
  if (!facts.keyframe) return true;
  reader.discont = true;
  reader.offset = lag (reader.newest, facts.time);
  return false;
}

bool Trail::take (Reader &reader, const Player::Item &item)
{
  const backlog::Facts facts = facts_of (item, reader.segment);
  if (facts.event || facts.header) return true;
  if ((reader.waits && !facts.keyframe) || is_skipped (reader, facts)) {
    reader.discont = true;
    return false;
  }
  reader.waits = false;
  if (std::exchange (reader.rebases, false))
    reader.offset = lag (reader.newest, facts.time);
  return true;
}

void Trail::passed (Branch &branch, Reader &reader)
{
  branch.number = ++reader.number;
}

// ---- Bytes -----------------------------------------------------------------

std::uint64_t Trail::join (Branch &branch)
{
  if (!on_ || branch.early.exchange (false)) return 0;
  const Branch *at = nullptr;
  std::shared_ptr<const cachebranch::List> branches = branches_.list ();
  for (const std::shared_ptr<Branch> &other : *branches) {
    if (other.get () == &branch || other->cursor.position == 0) continue;
    // As in packets.
    bool is_ahead =
        at != nullptr && other->cursor.position > at->cursor.position;
    bool is_better = other->at_end ? at == nullptr || (at->at_end && is_ahead)
                                   : at == nullptr || at->at_end || !is_ahead;
    if (is_better) at = other.get ();
  }
  if (at == nullptr) return 0;
  const std::uint64_t position = at->cursor.position;
  const std::uint64_t latest =
      std::min<std::uint64_t> (at->cursor.latest, position);
  Settings settings = state_.lock ()->settings;
  // Bytes have no time.
  if (settings.burst_bytes == 0 && settings.burst_time != 0)
    settings.burst_bytes = position;
  std::uint64_t burst =
      position - std::min<std::uint64_t> (settings.burst_bytes, position);
  switch (settings.late_join.value_or (Start::beginning)) {
    case Start::live:
    case Start::next_keyframe:
      return position;
    case Start::latest_keyframe:
      return latest;
    case Start::burst:
      return burst;
    case Start::burst_keyframe:
      return burst == position ? latest : burst;
    default:
      return 0;
  }
}

}  // namespace cachejoin

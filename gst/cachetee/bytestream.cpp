// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bytestream.h"

#include <algorithm>
#include <string>
#include <utility>

#include "byteobject.h"

namespace bytestream {

// For which room is made at once.
static constexpr std::size_t most_pieces = 64;

Filler::Filler (std::shared_ptr<store::Shared> shared,
    std::shared_ptr<Object> object, ranges::Claim claim, std::uint64_t position,
    std::shared_ptr<Progress> progress)
    : shared_ (std::move (shared)),
      object_ (std::move (object)),
      claim_ (claim),
      progress_ (std::move (progress)),
      position_ (position)
{
  if (progress_ != nullptr)
    object_->state.lock ()->progress[claim_] = progress_;
}

Filler::~Filler ()
{
  auto access = object_->state.lock ();
  drop_open (*access);
  access->table.release (claim_);
  access->progress.erase (claim_);
  object_->changed (access);
  access.unlock ();
  object_->touch (true);
}

Range Filler::left () const
{
  return object_->state.lock ()->table.left (claim_);
}

bool Filler::agree (const Facts &facts)
{
  return object_->agree (facts, 1);
}

// What was begun is of no use to anybody but those who have read it.
void Filler::drop_open (State &state)
{
  if (open_ == nullptr) return;
  auto held = state.held.find (open_slice_);
  if (held != state.held.end () && held->second.pieces == open_)
    state.held.erase (held);
  open_.reset ();
}

// Adds as much as belongs to one slice; true if that is its end.
bool Filler::add (State &state, Chunk &chunk)
{
  const ranges::Table &table = state.table;
  std::uint64_t slice = table.slice_of (position_);
  std::uint64_t start = table.start_of (slice);
  std::uint64_t end = table.end_of (slice);
  std::size_t size = static_cast<std::size_t> (
      std::min<std::uint64_t> (chunk.bytes.size (), end - position_));
  Range left = table.left (claim_);
  bool is_ours = left.from < left.to && left.from == start;
  if (!is_ours || table.has (slice)) {
    drop_open (state);
  } else {
    if (position_ == start) {
      open_ = std::make_shared<Pieces> (table.slice_size (),
          std::min<std::size_t> ((end - start + size - 1) / size, most_pieces));
      open_slice_ = slice;
      state.held[slice] = {open_};
    }
    if (open_ != nullptr) open_->add ({chunk.bytes.first (size), chunk.owner});
  }
  chunk.bytes = chunk.bytes.subspan (size);
  position_ += size;
  return position_ == end;
}

// The slice is at its end.
void Filler::close_slice (State &state)
{
  ranges::Table &table = state.table;
  std::shared_ptr<Pieces> pieces = std::exchange (open_, nullptr);
  std::uint64_t slice = open_slice_;
  Range left = table.left (claim_);
  if (left.from < left.to &&
      table.end_of (table.slice_of (left.from)) <= position_)
    table.advance (claim_);
  // The total may have become known since.
  if (pieces == nullptr ||
      pieces->bytes () != table.end_of (slice) - table.start_of (slice)) {
    if (pieces != nullptr) state.held.erase (slice);
    return;
  }
  table.set (slice);
  full_.push_back ({slice, 1, std::move (pieces)});
}

// Adds the slices that are whole in what is there, if there are any.
bool Filler::add_run (State &state, Chunk &chunk)
{
  ranges::Table &table = state.table;
  const std::uint64_t slice = table.slice_of (position_);
  const Range left = table.left (claim_);
  if (open_ != nullptr || left.from >= left.to || left.from != position_)
    return false;
  const std::uint64_t size = table.slice_size ();
  // The queue takes a job whole.
  const std::uint64_t most =
      std::min<std::uint64_t> ({chunk.bytes.size (), left.to - position_,
          std::max<std::uint64_t> (shared_->options.queue_bytes / 4, size)}) /
      size;
  std::uint64_t count = 0;
  while (count < most && !table.has (slice + count)) count++;
  if (count == 0) return false;
  auto pieces = std::make_shared<Pieces> (table.slice_size (), 1);
  pieces->add ({chunk.bytes.first (count * size), chunk.owner});
  for (std::uint64_t i = 0; i < count; i++) {
    table.set (slice + i);
    table.advance (claim_);
  }
  state.held[slice] = {pieces, count};
  full_.push_back ({slice, count, std::move (pieces)});
  chunk.bytes = chunk.bytes.subspan (count * size);
  position_ += count * size;
  return true;
}

// The slices that are full, to the store's thread. Not under the state's lock:
// there may be no room for them.
void Filler::hand_over (std::chrono::milliseconds patience)
{
  if (full_.empty ()) return;
  bool skips = false;
  auto queue = shared_->queue.lock ();
  for (Full &full : full_) {
    full.is_kept = object_->hand_over (
        queue, {full.first, full.count, full.pieces}, patience);
    skips |= !full.is_kept;
  }
  queue.unlock ();
  if (skips || was_skipping_) skip ();
  full_.clear ();
}

// A slice that was not taken is a hole again.
void Filler::skip ()
{
  auto access = object_->state.lock ();
  for (const Full &full : full_) {
    bool was_skipping = std::exchange (access->is_skipping, !full.is_kept);
    if (full.is_kept) continue;
    if (!was_skipping && !access->untold)
      access->untold = relay::failure (Error::overflow);
    access->held.erase (full.first);
    for (std::uint64_t i = 0; i < full.count; i++)
      access->table.unset (full.first + i);
    access->skipped += full.count;
  }
  object_->changed (access);
}

Result<relay::Done> Filler::fill (
    Chunk chunk, std::chrono::milliseconds patience)
{
  auto access = object_->state.lock ();
  was_skipping_ = access->is_skipping;
  Result<relay::Done> result = relay::Done{};
  while (!chunk.bytes.empty () && result) {
    if (position_ >= access->table.total ())
      result = relay::failure (Error::changed);
    else if (!add_run (*access, chunk) && add (*access, chunk))
      close_slice (*access);
  }
  if (result) result = tell (*access);
  object_->changed (access);
  access.unlock ();
  hand_over (patience);
  return result;
}

// What went wrong with the disk, once.
Result<relay::Done> Filler::tell (State &state)
{
  if (!state.untold || state.untold->code == Error::overflow)
    return relay::Done{};
  return *std::exchange (state.untold, std::nullopt);
}

Result<relay::Done> Filler::finish (std::chrono::milliseconds patience)
{
  auto access = object_->state.lock ();
  was_skipping_ = access->is_skipping;
  if (!access->table.set_total (position_))
    return relay::failure (Error::changed);
  access->facts_changed |=
      !access->has_facts || access->facts.total != position_;
  access->facts.total = position_;
  access->has_facts = true;
  if (open_ != nullptr) close_slice (*access);
  object_->changed (access);
  access.unlock ();
  hand_over (patience);
  object_->touch (true);
  return relay::Done{};
}

Stream::Stream (
    std::shared_ptr<store::Shared> shared, std::shared_ptr<Object> object)
    : shared_ (std::move (shared)), object_ (std::move (object))
{
}

Facts Stream::facts () const
{
  return object_->state.lock ()->facts;
}

std::chrono::seconds Stream::age () const
{
  auto access = object_->state.lock ();
  if (access->facts.checked != 0 || !access->log)
    return store::age_since (access->facts.checked);
  return store::age_since (access->log->index ().header.created);
}

Status Stream::status () const
{
  auto access = object_->state.lock ();
  Status status;
  status.total = access->table.total ();
  status.bytes = access->table.bytes ();
  status.complete = access->table.complete ();
  status.stored = access->log && access->log->index ().complete;
  status.followed = access->followed;
  status.corrupt = access->corrupt;
  status.skipped = access->skipped;
  status.failure = access->failure;
  status.unreadable = access->unreadable;
  return status;
}

std::optional<Failure> Stream::take_failure () const
{
  return std::exchange (object_->state.lock ()->untold, std::nullopt);
}

std::vector<Range> Stream::present () const
{
  return object_->state.lock ()->table.present ();
}

std::uint32_t Stream::slice_size () const
{
  return object_->state.lock ()->table.slice_size ();
}

bool Stream::agree (const Facts &facts)
{
  return object_->agree (facts);
}

Found Stream::read (std::uint64_t offset, std::size_t limit) const
{
  return object_->read (offset, limit);
}

Found Stream::wait (
    std::uint64_t offset, std::size_t limit, const std::stop_token &stop) const
{
  return object_->wait (offset, limit, stop);
}

std::unique_ptr<Filler> Stream::claim (Range wanted, std::uint64_t cut) const
{
  auto access = object_->state.lock ();
  ranges::At at = access->table.at (wanted.from);
  if (at.place == ranges::Place::claimed &&
      object_->is_stalled (*access, at.claim))
    access->table.give_up (at.claim);
  std::optional<ranges::Claim> claim = access->table.claim (wanted, cut);
  if (!claim) return nullptr;
  std::uint64_t position = access->table.left (*claim).from;
  object_->changed (access);
  access.unlock ();
  object_->touch (false);
  return std::make_unique<Filler> (
      shared_, object_, *claim, position, progress_);
}

void Stream::keep_nothing () const
{
  {
    auto access = object_->state.lock ();
    if (std::exchange (access->keeps_nothing, true)) return;
  }
  // The files are the writing thread's.
  object_->touch (false);
}

void Stream::settle (std::chrono::milliseconds limit) const
{
  auto access = shared_->queue.lock ();
  shared_->hurry (access);
  access.wait_for (shared_->room, limit,
      [this] (const store::Queue &) { return object_->pending == 0; });
}

bool Stream::wait_for_room (std::size_t bytes,
    std::chrono::milliseconds patience, const std::stop_token &stop) const
{
  auto access = shared_->queue.lock ();
  if (shared_->has_room (*access, bytes + store::job_cost))
    return !stop.stop_requested ();
  access.unlock ();
  // Whoever stops us finds us waiting, or we see it before we wait.
  std::stop_callback wake (stop, [this] {
    auto queue = shared_->queue.lock ();
    shared_->room.notify_all ();
  });
  access.lock ();
  bool is_room = shared_->wait_for_room (access, bytes + store::job_cost,
      patience, [&stop] { return stop.stop_requested (); });
  access.unlock ();
  return is_room && !stop.stop_requested ();
}

namespace {

using Objects = std::map<std::string, std::weak_ptr<Object>>;

std::shared_ptr<Object> current (store::Shared &shared, const std::string &key)
{
  auto access = shared.streams.lock ();
  auto found = access->find (key);
  return found != access->end () ? found->second.lock () : nullptr;
}

// Unless it is not `before` any more that is there; then what is.
std::shared_ptr<Object> replace (store::Shared &shared, const std::string &key,
    const std::shared_ptr<Object> &before, std::shared_ptr<Object> object)
{
  auto access = shared.streams.lock ();
  std::erase_if (
      *access, [] (const auto &entry) { return entry.second.expired (); });
  std::weak_ptr<Object> &place = (*access)[key];
  std::shared_ptr<Object> now = place.lock ();
  if (now != nullptr && now != before) return now;
  place = object;
  return object;
}

}  // namespace

Stream Stream::renew (const Facts &facts) const
{
  auto renewed_to = [this] (std::shared_ptr<Object> object) {
    Stream stream (shared_, std::move (object));
    stream.tell (progress_);
    return stream;
  };
  while (true) {
    std::shared_ptr<Object> now = current (*shared_, object_->key);
    if (now != nullptr && now != object_ && !now->is_gone () &&
        now->agree (facts))
      return renewed_to (std::move (now));
    auto renewed = std::make_shared<Object> (
        *shared_, object_->key, object_->memory, false);
    renewed->agree (facts);
    if (replace (*shared_, object_->key, now, renewed) == renewed)
      return renewed_to (std::move (renewed));
  }
}

Stream open (store::Store &store, std::string_view key, slices::Memory &memory)
{
  const std::shared_ptr<store::Shared> &shared = store.shared ();
  std::string name (key);
  std::shared_ptr<Object> before = current (*shared, name);
  if (before != nullptr && !before->is_gone ()) return {shared, before};
  auto object = std::make_shared<Object> (*shared, name, memory, true);
  return {shared, replace (*shared, name, before, std::move (object))};
}

}  // namespace bytestream

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "byteobject.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "birth.h"

namespace bytestream {

using disk::Lock;
using disk::Locked;
using std::chrono::steady_clock;

namespace {

// As many again may be written of slices that were damaged.
constexpr std::uint64_t slice_limit = record::record_limit / 2;
// How often who follows another process looks whether there is more.
constexpr std::chrono::milliseconds poll_interval{10};
// So many slices before where it is waited for, the other is about to come.
constexpr std::uint64_t near_slices = 32;
// How often others may be faster before it is given up for now.
constexpr int make_attempts = 6;
constexpr std::chrono::milliseconds make_pause{1};

}  // namespace

void Pieces::add (Chunk chunk)
{
  std::uint64_t start = bytes_;
  bytes_ += chunk.bytes.size ();
  pieces_.push_back ({start, std::move (chunk)});
}

Chunk Pieces::at (std::uint64_t byte) const
{
  if (byte >= bytes_) return {};
  auto behind = std::upper_bound (pieces_.begin (), pieces_.end (), byte,
      [] (std::uint64_t b, const Piece &piece) { return b < piece.start; });
  const Piece &piece = *std::prev (behind);
  return {piece.chunk.bytes.subspan (byte - piece.start), piece.chunk.owner};
}

std::vector<std::span<const std::uint8_t>> Pieces::parts (std::uint64_t n) const
{
  std::vector<std::span<const std::uint8_t>> parts;
  parts.reserve (pieces_.size ());
  std::uint64_t from = n * slice_size_;
  for (const std::uint64_t end = std::min (from + slice_size_, bytes_);
       from < end;) {
    std::span<const std::uint8_t> part = at (from).bytes;
    part = part.first (std::min<std::uint64_t> (part.size (), end - from));
    parts.push_back (part);
    from += part.size ();
  }
  return parts;
}

Chunk Pieces::copy (std::uint64_t n) const
{
  const std::size_t size =
      std::min<std::uint64_t> (slice_size_, bytes_ - n * slice_size_);
  std::shared_ptr<std::uint8_t[]> owner = slices::pool ().take (size);
  std::span<std::uint8_t> out (owner.get (), size);
  auto at = out.begin ();
  for (std::span<const std::uint8_t> part : parts (n))
    at = std::copy (part.begin (), part.end (), at);
  return {out, std::move (owner)};
}

State::HeldMap::const_iterator State::find_held (std::uint64_t slice) const
{
  auto behind = held.upper_bound (slice);
  if (behind == held.begin ()) return held.end ();
  auto found = std::prev (behind);
  return slice - found->first < found->second.count ? found : held.end ();
}

State::State (std::uint32_t slice_size, std::uint64_t number)
    : table (slice_size, slice_limit), id (number)
{
}

Object::Object (store::Shared &shared, std::string full_key,
    slices::Memory &level, bool look)
    : state (State (std::clamp (shared.options.slice_size, std::uint32_t{1},
                        record::slice_limit),
          store::random_id ())),
      key (std::move (full_key)),
      memory (level),
      shared_ (shared),
      family_ (shared.disk, shared.folder, key)
{
  if (!look) {
    for (folder::Generation used : family_.generations ())
      before_ = std::max (before_, used);
    return;
  }
  Result<bytefiles::Loaded> loaded =
      bytefiles::load_newest (shared.disk, family_, key);
  if (!loaded && loaded.code () != Error::not_found &&
      loaded.code () != Error::busy)
    state.lock ()->unreadable = loaded.error ();
  if (!loaded) return;
  auto access = state.lock ();
  access->table =
      ranges::Table (loaded->log.index ().header.slice_size, slice_limit);
  access.unlock ();
  adopt (*std::move (loaded));
}

// False if it is not what we have.
bool Object::adopt (bytefiles::Loaded loaded)
{
  bool is_whole = loaded.log.index ().complete &&
                  loaded.files->index.lock (Lock::shared) == Locked::yes;
  loaded.files->index.touch ();
  auto access = state.lock ();
  const record::Index &index = loaded.log.index ();
  bool fits =
      index.header.slice_size == access->table.slice_size () &&
      (!access->has_facts ||
          (loaded.facts && record::is_same (*loaded.facts, access->facts)));
  if (!fits ||
      (index.total != unknown && !access->table.set_total (index.total)))
    return false;
  for (std::size_t slice = 0; slice < index.slices.size (); slice++)
    if (index.slices[slice] != record::no_record) access->table.set (slice);
  if (loaded.facts && !access->has_facts) access->facts = *loaded.facts;
  access->has_facts |= loaded.facts.has_value ();
  // As it came with the total only.
  access->facts.total = access->table.total ();
  if (access->has_facts)
    access->facts_changed |= !loaded.facts || *loaded.facts != access->facts;
  if (is_whole) access->mode = Mode::whole;
  access->id = index.header.id;
  access->files = std::move (loaded.files);
  access->log = std::move (loaded.log);
  access->last_growth = steady_clock::now ();
  changed (access);
  return true;
}

// Of a slice that is there; nothing if it turned out that it is not.
std::optional<Found> Object::read_present (
    Access &access, std::uint64_t offset, std::size_t limit)
{
  State &now = *access;
  std::uint64_t slice = now.table.slice_of (offset);
  std::uint64_t within = offset - now.table.start_of (slice);
  auto part = [&] (const Chunk &chunk) {
    std::span bytes = chunk.bytes.subspan (within);
    bytes = bytes.first (std::min (bytes.size (), limit));
    return Found{Place::bytes, {bytes, chunk.owner}, {}, false};
  };
  const slices::Key name{now.id, static_cast<std::uint32_t> (slice)};
  std::uint64_t size = now.table.end_of (slice) - now.table.start_of (slice);
  std::optional<Chunk> chunk = memory.find (name);
  if (chunk && chunk->bytes.size () == size) return part (*chunk);

  std::uint32_t number = record::no_record;
  if (now.log && slice < now.log->index ().slices.size ())
    number = now.log->index ().slices[slice];
  if (number == record::no_record) {
    // It was in the memory only, and had to go.
    now.table.unset (slice);
    changed (access);
    return std::nullopt;
  }
  const record::Record record = now.log->index ().records[number];
  if (record.payload != size) {
    now.table.unset (slice);
    return std::nullopt;
  }
  std::optional<record::Record> ahead;
  std::uint64_t next = slice + shared_.options.prefetch;
  if (next > slice && next < now.log->index ().slices.size () &&
      now.log->index ().slices[next] != record::no_record)
    ahead = now.log->index ().records[now.log->index ().slices[next]];
  std::shared_ptr<const bytefiles::Files> files = now.files;
  access.unlock ();
  if (ahead) files->data.will_need (ahead->offset, ahead->stored);
  std::shared_ptr<std::uint8_t[]> bytes = slices::pool ().take (size);
  std::span<std::uint8_t> out (bytes.get (), size);
  if (folder::read_record (files->data, record, out)) {
    chunk = Chunk{out, std::move (bytes)};
    memory.insert (name, *chunk);
    Found found = part (*chunk);
    found.from_disk = true;
    return found;
  }
  access.lock ();
  // Unless somebody else found out, or has written it anew.
  if (now.log->index ().slices[slice] != number) return std::nullopt;
  now.log->forget (static_cast<std::uint32_t> (slice));
  if (now.find_held (slice) == now.held.end ()) now.table.unset (slice);
  now.corrupt++;
  changed (access);
  return std::nullopt;
}

Found Object::read (
    std::uint64_t offset, std::size_t limit, std::uint64_t *version)
{
  limit = std::max<std::size_t> (limit, 1);
  auto access = state.lock ();
  while (true) {
    if (version != nullptr) *version = access->version;
    ranges::At at = access->table.at (offset);
    if (at.place == ranges::Place::end) return {Place::end, {}, at.range};
    std::uint64_t slice = access->table.slice_of (offset);
    if (auto held = access->find_held (slice); held != access->held.end ()) {
      Chunk chunk = held->second.pieces->at (
          offset - access->table.start_of (held->first));
      chunk.bytes = chunk.bytes.first (std::min (chunk.bytes.size (), limit));
      if (!chunk.bytes.empty ()) return {Place::bytes, std::move (chunk), {}};
    }
    if (at.place == ranges::Place::claimed)
      return {Place::claimed, {}, at.range};
    if (at.place == ranges::Place::hole) return {Place::hole, {}, at.range};
    std::optional<Found> found = read_present (access, offset, limit);
    if (found) return *std::move (found);
  }
}

Found Object::wait (
    std::uint64_t offset, std::size_t limit, const std::stop_token &stop)
{
  if (stop.stop_requested ()) return {Place::stopped, {}, {}};
  Found at_once = read (offset, limit);
  if (at_once.place == Place::bytes || at_once.place == Place::end)
    return at_once;
  // Whoever stops us finds us waiting, or we see it before we wait.
  std::stop_callback wake (stop, [this] {
    auto access = state.lock ();
    changed (access);
  });
  while (true) {
    std::uint64_t version = 0;
    Found found = read (offset, limit, &version);
    if (stop.stop_requested ()) return {Place::stopped, {}, found.range};
    auto is_new = [&] (const State &s) { return s.version != version; };
    if (found.place == Place::claimed) {
      auto access = state.lock ();
      ranges::At at = access->table.at (offset);
      if (at.place == ranges::Place::claimed && is_stalled (*access, at.claim))
        return found;
      access.wait_for (changed_,
          std::max (shared_.options.follow_patience / 4, poll_interval),
          is_new);
      continue;
    }
    if (found.place != Place::hole || !is_near (offset)) return found;
    bool followed = is_followed ();
    if (refresh ()) continue;
    auto access = state.lock ();
    access->followed = followed;
    if (!followed || steady_clock::now () - access->last_growth >
                         shared_.options.follow_patience)
      return found;
    access.wait_for (changed_, poll_interval, is_new);
  }
}

bool Object::is_stalled (const State &now, ranges::Claim claim) const
{
  auto found = now.progress.find (claim);
  return found != now.progress.end () &&
         found->second->is_stalled (shared_.options.follow_patience);
}

// May another process come by there?
bool Object::is_near (std::uint64_t offset)
{
  auto access = state.lock ();
  if (access->mode != Mode::idle || !access->log) return false;
  const std::vector<record::Record> &records = access->log->index ().records;
  auto last = std::find_if (records.rbegin (), records.rend (),
      [] (const auto &it) { return it.type == record::Type::slice; });
  std::uint64_t at = last != records.rend () ? last->position : 0;
  return offset >= at &&
         offset - at <= near_slices * access->table.slice_size ();
}

bool Object::is_followed ()
{
  std::lock_guard guard (files_mutex_);
  std::shared_ptr<const bytefiles::Files> files;
  {
    auto access = state.lock ();
    if (access->mode != Mode::idle || !access->files) return false;
    files = access->files;
  }
  if (files->index.lock (Lock::shared) == Locked::no) return true;
  files->index.unlock ();
  return false;
}

// What another process has committed since. True if that is something.
bool Object::refresh ()
{
  std::lock_guard guard (files_mutex_);
  auto access = state.lock ();
  if (access->mode != Mode::idle || !access->log) return false;
  std::uint64_t before = access->log->index_end ();
  access.unlock ();
  (void)take_growth ();
  access.lock ();
  return access->log->index_end () != before;
}

// What of the records that were added is a slice.
void Object::take_new (State &now, std::vector<std::uint64_t> &slices) const
{
  const record::Record &record = now.log->index ().records.back ();
  if (record.type == record::Type::slice)
    slices.push_back (now.table.slice_of (record.position));
}

// Those of the files, unless they are known already; `changed` if they are of
// another resource than ours.
Result<relay::Done> Object::compare_facts (Access &access)
{
  if (access->log->index ().facts == access->facts_seen) return relay::Done{};
  record::Index index = access->log->index ();
  std::shared_ptr<const bytefiles::Files> files = access->files;
  access.unlock ();
  std::optional<Facts> facts = bytefiles::read_facts (*files, index);
  access.lock ();
  access->facts_seen = index.facts;
  if (!facts) return relay::Done{};
  if (!access->has_facts) {
    access->facts = *std::move (facts);
    access->facts.total = access->table.total ();
    access->has_facts = true;
    return relay::Done{};
  }
  if (!record::differs (*facts, access->facts)) {
    access->facts.add (*facts);
    return relay::Done{};
  }
  access->mode = Mode::detached;
  return relay::failure (Error::changed);
}

Result<relay::Done> Object::take_growth ()
{
  auto access = state.lock ();
  std::shared_ptr<const bytefiles::Files> files = access->files;
  bool is_more = true;
  while (is_more) {
    std::uint64_t end = access->log->index_end ();
    access.unlock ();
    Result<std::vector<std::uint8_t>> bytes =
        bytefiles::read_growth (*files, end);
    if (!bytes) return bytes.error ();
    access.lock ();
    State &now = *access;
    std::vector<std::uint64_t> slices;
    for (std::span<const std::uint8_t> rest (*bytes);
         !rest.empty () && now.log->take (rest);
         rest = rest.subspan (record::record_size)) {
      const record::Index &index = now.log->index ();
      // Of another total: then it is another resource than ours.
      if (index.total != unknown && !now.table.set_total (index.total)) {
        now.mode = Mode::detached;
        return relay::failure (Error::changed);
      }
      take_new (now, slices);
    }
    is_more = now.log->index_end () != end;
    // Before anything of it can be read.
    Result<relay::Done> same = compare_facts (access);
    for (std::uint64_t slice : slices)
      if (same)
        now.table.set (slice);
      else if (now.find_held (slice) == now.held.end ())
        now.table.unset (slice);
    if (!same) {
      changed (access);
      return same;
    }
    if (!is_more) break;
    now.facts.total = now.table.total ();
    now.last_growth = steady_clock::now ();
    changed (access);
  }
  return relay::Done{};
}

bool Object::agree (const Facts &facts, std::size_t claims)
{
  auto access = state.lock ();
  State &now = *access;
  bool is_new = !now.has_facts && now.table.bytes () == 0 &&
                now.table.claims () <= claims &&
                now.table.total () == unknown && now.held.empty ();
  if (!is_new && !record::is_same (now.facts, facts)) return false;
  if (facts.total != unknown && !now.table.set_total (facts.total))
    return false;
  if (is_new) {
    now.facts = facts;
  } else {
    now.facts.total = now.table.total ();
    now.facts.add (facts);
  }
  now.facts.checked = store::seconds_now ();
  now.has_facts = true;
  now.facts_changed = true;
  changed (access);
  access.unlock ();
  touch (true);
  return true;
}

bool Object::is_gone ()
{
  auto access = state.lock ();
  if (access->mode == Mode::detached) return true;
  std::shared_ptr<const bytefiles::Files> files = access->files;
  access.unlock ();
  return files != nullptr && files->is_unlinked ();
}

namespace {

class SaveJob final : public store::Job
{
public:
  SaveJob (std::shared_ptr<Object> object, Run run)
      : Job (run.count > 0 ? run.pieces->bytes () + store::job_cost : 0),
        object_ (std::move (object)),
        run_ (std::move (run))
  {
  }

  void queued () override { object_->pending++; }
  void run () override
  {
    object_->save (run_);
    run_.pieces.reset ();
  }
  bool end () override
  {
    bool is_awaited = --object_->pending == 0;
    // Who waits for it may take what it left for gone.
    object_.reset ();
    return is_awaited;
  }

private:
  std::shared_ptr<Object> object_;
  Run run_;
};

}  // namespace

void Object::touch (bool only_if_there)
{
  if (only_if_there && !state.lock ()->files) return;
  auto queue = shared_.queue.lock ();
  (void)hand_over (queue, {}, std::chrono::milliseconds (0));
}

bool Object::hand_over (relay::Guarded<store::Queue>::Access &queue, Run run,
    std::chrono::milliseconds patience)
{
  return shared_.enqueue (queue,
      std::make_unique<SaveJob> (shared_from_this (), std::move (run)),
      patience);
}

void Object::fail (Access &access, const Failure &why)
{
  access->failure = why;
  if (!std::exchange (access->is_failing, true)) access->untold = why;
  access->mode = Mode::frozen;
  access->retry_at = steady_clock::now () + shared_.options.retry;
  changed (access);
}

void Object::save (const Run &run)
{
  auto access = state.lock ();
  bool wanted = run.count > 0 || access->facts_changed ||
                access->table.has_claims () || access->keeps_nothing;
  access.unlock ();
  std::uint64_t written = 0;
  if (wanted && attach ()) {
    Result<relay::Done> result = write_facts ();
    while (result && written < run.count) {
      result = write_pieces (run.first + written, *run.pieces, written);
      if (result) written++;
    }
    access.lock ();
    if (result) access->is_failing = false;
    access.unlock ();
    if (!result) {
      shared_.note_failure (result.error ());
      access.lock ();
      fail (access, result.error ());
      access.unlock ();
    }
  }
  if (run.count > 0) let_go_of (run, written);
  let_go ();
}

// What is on the disk gets into the memory when it is read: a stream that is
// only written drives nothing out of it.
void Object::let_go_of (const Run &run, std::uint64_t written)
{
  auto access = state.lock ();
  const std::uint64_t id = access->id;
  access.unlock ();
  for (; written < run.count; written++)
    memory.insert ({id, static_cast<std::uint32_t> (run.first + written)},
        run.pieces->copy (written));
  access.lock ();
  access->held.erase (run.first);
  changed (access);
}

// Is all on the disk, or is nobody left to fill it? Then the lock is for those
// who read, or for another process.
void Object::let_go ()
{
  bool is_last = false;
  {
    auto access = shared_.queue.lock ();
    is_last = pending <= 1;
  }
  std::lock_guard guard (files_mutex_);
  auto access = state.lock ();
  if (!access->files) return;
  std::shared_ptr<const bytefiles::Files> files = access->files;
  Mode mode = access->mode;
  bool is_whole = access->log->index ().complete;
  bool is_used = access->table.has_claims () || !is_last;
  access.unlock ();
  // What failed may work for another.
  if (mode == Mode::frozen) files->index.unlock ();
  if (mode != Mode::writer || (!is_whole && is_used)) return;
  bool is_kept = is_whole && files->index.lock (Lock::shared) == Locked::yes;
  if (!is_kept) files->index.unlock ();
  access.lock ();
  access->mode = is_kept ? Mode::whole : Mode::idle;
  access.unlock ();
  if (!is_whole || files->is_unlinked ()) return;
  for (folder::Generation generation : family_.generations ())
    if (generation < files->generation)
      folder::supersede (shared_.disk, family_.names (generation), key);
}

// Does its best to have us write the files.
bool Object::attach ()
{
  std::lock_guard guard (files_mutex_);
  auto access = state.lock ();
  if (access->keeps_nothing && access->mode != Mode::detached) {
    bool has_lock = access->mode == Mode::writer;
    // What was read of it is of the resource as others find it.
    access->id = store::random_id ();
    access->mode = Mode::detached;
    if (has_lock) access->files->index.unlock ();
    return false;
  }
  if (access->mode == Mode::writer) return true;
  if (access->mode == Mode::detached) return false;
  if (access->mode == Mode::frozen) {
    if (steady_clock::now () < access->retry_at) return false;
    access->mode = Mode::idle;
  }
  if (shared_.full) {
    fail (access, relay::failure (Error::no_space));
    return false;
  }
  bool is_new = access->files == nullptr;
  access.unlock ();
  return is_new ? make_files () : lock_files ();
}

// Those of another process, if somebody was faster; else new ones.
bool Object::make_files ()
{
  for (int i = 0; i < make_attempts; i++) {
    if (std::optional<bool> made = try_make_files ()) return *made;
    // Whoever is in the way has a moment to end it.
    std::this_thread::sleep_for (make_pause * (i + 1));
  }
  auto access = state.lock ();
  fail (access, relay::failure (Error::busy));
  return false;
}

// Nothing if it is to be looked for again.
std::optional<bool> Object::try_make_files ()
{
  std::vector<folder::Generation> used = family_.generations ();
  Result<bytefiles::Loaded> loaded =
      bytefiles::load_newest (shared_.disk, family_, key, before_);
  // They are being made; another time.
  if (!loaded && loaded.code () == Error::busy) return false;
  // Or they were not begun, or are just about to be.
  if (!loaded && loaded.code () == Error::incomplete) {
    bool again = false;
    for (folder::Generation generation : used)
      again |= birth::clear_abandoned (shared_.disk, family_.names (generation),
                   key) != birth::Left::other;
    if (again) return std::nullopt;
  }
  bool is_ours = loaded.ok ();
  bool is_begun =
      is_ours && !loaded->facts && loaded->log.index ().records.empty ();
  if (is_begun) {
    const disk::File &index = loaded->files->index;
    // Its maker is about to say what it is of, or has since.
    if (index.lock (Lock::shared) == Locked::no) return false;
    if (index.size () > loaded->log.index_end ()) return std::nullopt;
  }
  if (is_ours && adopt (*std::move (loaded))) return lock_files ();

  record::Header header;
  header.created = store::seconds_now ();
  header.key = key;
  header.format = record::Format::bytes;
  auto access = state.lock ();
  header.id = access->id;
  header.slice_size = access->table.slice_size ();
  access.unlock ();
  loaded = bytefiles::create (
      shared_.disk, family_, header, used.empty () ? 0 : used.front ());
  if (!loaded && loaded.code () == Error::busy) return std::nullopt;
  if (!loaded) shared_.note_failure (loaded.error ());
  access.lock ();
  if (!loaded) {
    fail (access, loaded.error ());
    return false;
  }
  access->files = std::move (loaded->files);
  access->log = std::move (loaded->log);
  access->mode = Mode::writer;
  access->facts_changed = true;
  return true;
}

// False if somebody else has the lock, or there is nothing to write to.
bool Object::lock_files ()
{
  auto access = state.lock ();
  std::shared_ptr<const bytefiles::Files> files = access->files;
  Mode before = access->mode;
  access.unlock ();
  if (files->index.lock (Lock::exclusive) != Locked::yes) {
    // What we had of it is lost by asking for more (flock(2)).
    bool is_kept = before == Mode::whole &&
                   files->index.lock (Lock::shared) == Locked::yes;
    access.lock ();
    access->mode = is_kept ? Mode::whole : Mode::idle;
    access->followed = !is_kept;
    return false;
  }
  bool is_gone = files->is_unlinked ();
  // What was committed before we had the lock; behind it may be half a record.
  Result<relay::Done> grown = relay::Done{};
  if (!is_gone) grown = take_growth ();
  access.lock ();
  if (is_gone) access->mode = Mode::detached;
  if (access->mode == Mode::detached) return false;
  if (!grown) {
    fail (access, grown.error ());
    return false;
  }
  std::uint64_t index_end = access->log->index_end ();
  std::uint64_t data_end = access->log->index ().end;
  access.unlock ();
  bool good =
      files->index.truncate (index_end) && files->data.truncate (data_end);
  Failure why = folder::write_failed ();
  access.lock ();
  access->followed = false;
  if (good)
    access->mode = Mode::writer;
  else
    fail (access, why);
  return good;
}

Result<relay::Done> Object::write (record::Parts stored,
    const record::Journal::Entry &entry, std::uint64_t index_at)
{
  std::shared_ptr<const bytefiles::Files> files = state.lock ()->files;
  if (entry.record.offset + entry.record.stored > shared_.object_limit ())
    return relay::failure (Error::too_large);
  Result<relay::Done> result =
      bytefiles::write (*files, stored, entry, index_at);
  if (!result) return result;
  shared_.note_written (entry.record.stored + record::record_size);
  auto access = state.lock ();
  // It is read as it will be read.
  if (!access->log->take (entry.bytes)) return relay::failure (Error::damaged);
  changed (access);
  return result;
}

Result<relay::Done> Object::write_facts ()
{
  auto access = state.lock ();
  if (!access->facts_changed) return relay::Done{};
  access->facts_changed = false;
  if (access->log->journal ().full ()) return relay::failure (Error::too_large);
  Facts facts = access->facts;
  record::Journal journal = access->log->journal ();
  access.unlock ();
  std::uint64_t index_at = journal.index_end ();
  const std::vector<std::uint8_t> stored = record::encode (facts);
  if (stored.size () > record::event_limit)
    return relay::failure (Error::too_large);
  const std::span<const std::uint8_t> all (stored);
  Result<relay::Done> result =
      write ({&all, 1}, journal.facts (stored, facts.total), index_at);
  if (!result) state.lock ()->facts_changed = true;
  return result;
}

Result<relay::Done> Object::write_pieces (
    std::uint64_t slice, const Pieces &pieces, std::uint64_t n)
{
  if (!pieces.are_small ()) return write_slice (slice, pieces.parts (n));
  Chunk chunk = pieces.copy (n);
  return write_slice (slice, {&chunk.bytes, 1});
}

Result<relay::Done> Object::write_slice (
    std::uint64_t slice, record::Parts parts)
{
  auto access = state.lock ();
  const record::Index &index = access->log->index ();
  // Another process was faster.
  if (slice < index.slices.size () && index.slices[slice] != record::no_record)
    return relay::Done{};
  if (access->log->journal ().full ()) return relay::failure (Error::too_large);
  std::uint64_t position = access->table.start_of (slice);
  record::Journal journal = access->log->journal ();
  access.unlock ();
  std::uint64_t index_at = journal.index_end ();
  std::optional<std::span<const std::uint8_t>> frame;
  if (shared_.options.compress) frame = compressor_.compress (parts);
  if (!frame)
    return write (parts, journal.slice_at (parts, position), index_at);
  auto size = static_cast<std::uint32_t> (frame->size ());
  return write (
      {&*frame, 1}, journal.slice_at (parts, position, size), index_at);
}

}  // namespace bytestream

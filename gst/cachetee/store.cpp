// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "common/guarded.h"
#include "inventory.h"

namespace store {

namespace fs = std::filesystem;
using disk::Disk;
using disk::File;
using disk::Lock;
using disk::Locked;
using folder::failed;
using folder::Family;
using folder::Generation;
using folder::Names;

namespace {

// What an entry of the queue costs besides its bytes.
constexpr std::size_t job_cost = 256;
// How often an object is looked for while others replace it. A bound only: each
// time somebody has made a whole one.
constexpr unsigned find_attempts = 50;
// Readers that wait to be marked as used; they keep their files open.
constexpr std::size_t used_limit = 32;

// Busy while somebody finds out whether it can be removed, which is short.
Result<std::shared_ptr<const Reader>> open_object (
    Disk &disk, const Names &names, std::string_view key)
{
  File file = disk::open_file (disk, names.index, O_RDONLY);
  if (!file)
    return failed (errno == ENOENT ? Error::not_found : Error::cannot_open);
  Result<record::Index> index = folder::load_index (file, key);
  if (!index) return index.error ();
  if (!index->complete)
    return relay::failure (index->ended == record::Error::truncated
                               ? Error::incomplete
                               : Error::damaged);
  if (file.lock (Lock::shared) == Locked::no)
    return relay::failure (Error::busy);
  struct stat status = {};
  // It was removed before we had the lock.
  if (!file.status (status) || status.st_nlink == 0)
    return relay::failure (Error::not_found);

  File data = disk::open_file (disk, names.data, O_RDONLY);
  if (!data)
    return failed (errno == EMFILE || errno == ENFILE ? Error::cannot_open
                                                      : Error::damaged);
  if (!folder::is_data_of (data, index->header.id) || data.size () < index->end)
    return relay::failure (Error::damaged);
  return std::shared_ptr<const Reader> (std::make_shared<Reader> (
      *std::move (index), std::move (file), std::move (data)));
}

// Removes a generation that is provably of this key and that nobody writes.
// False if somebody does. Who reads a whole one goes on.
bool remove_ours (
    Disk &disk, const Names &names, std::string_view key, bool only_partial)
{
  File file = disk::open_file (disk, names.index, O_RDONLY);
  if (!file) return true;
  Result<record::Index> index = folder::load_index (file, key);
  if (!index || (index->complete && only_partial)) return true;
  if (file.lock (index->complete ? Lock::shared : Lock::exclusive) !=
      Locked::yes)
    return false;
  // Its writer may have made it whole before it let go of it.
  index = folder::load_index (file, key);
  if (!index || (index->complete && only_partial)) return true;
  File data = disk::open_file (disk, names.data, O_RDONLY);
  // In this order: data without an index is never taken for an object.
  disk::unlink_if_same (disk, names.index, file);
  if (folder::is_data_of (data, index->header.id))
    disk::unlink_if_same (disk, names.data, data);
  return true;
}

std::uint64_t random_id ()
{
  std::uint64_t id = 0;
  // Cannot fail for so few bytes once the system is up.
  while (getrandom (&id, sizeof (id), 0) != sizeof (id)) {
  }
  return id;
}

std::uint64_t seconds_now ()
{
  auto now = std::chrono::system_clock::now ().time_since_epoch ();
  return static_cast<std::uint64_t> (
      std::chrono::duration_cast<std::chrono::seconds> (now).count ());
}

// Where eviction begins and how far it goes, below the limit and above what is
// to be left free. Between two looks a fortieth is written at most.
constexpr std::uint64_t high_part = 40;
constexpr std::uint64_t low_part = 10;

}  // namespace

Reader::Reader (record::Index index, File index_file, File data)
    : index_ (std::move (index)),
      lock_ (std::move (index_file)),
      data_ (std::move (data))
{
}

Reader::~Reader () = default;

Result<relay::Done> Reader::read (
    const record::Record &record, std::span<std::uint8_t> out) const
{
  if (out.size () != record.stored) return relay::failure (Error::damaged);
  if (!data_.read (out, record.offset))
    return failed (errno == ENODATA ? Error::damaged : Error::cannot_read);
  if (!record::verify (out, record)) return relay::failure (Error::damaged);
  return relay::Done{};
}

Result<Chunk> Reader::read (
    std::uint32_t record, slices::Memory &memory, bool *from_disk) const
{
  if (record >= index_.records.size ()) return relay::failure (Error::damaged);
  const slices::Key key{index_.header.id, record};
  std::optional<Chunk> found = memory.find (key);
  if (from_disk != nullptr) *from_disk = !found;
  if (found) return *std::move (found);
  const record::Record &what = index_.records[record];
  std::shared_ptr<std::uint8_t[]> bytes = slices::pool ().take (what.stored);
  std::span out (bytes.get (), what.stored);
  Result<relay::Done> done = read (what, out);
  if (!done) return done.error ();
  Chunk chunk{out, std::move (bytes)};
  memory.insert (key, chunk);
  return chunk;
}

std::chrono::seconds Reader::age () const
{
  std::uint64_t now = seconds_now ();
  std::uint64_t made = index_.header.created;
  std::uint64_t age = now > made ? now - made : made - now;
  constexpr auto most = std::chrono::seconds::max ().count ();
  return std::chrono::seconds (static_cast<std::chrono::seconds::rep> (
      std::min<std::uint64_t> (age, most)));
}

Prefix::Prefix (std::shared_ptr<const Reader> reader, std::uint64_t size)
    : reader_ (std::move (reader)), left_ (size)
{
}

// The next slice that has a payload.
bool Prefix::load ()
{
  const std::vector<record::Record> &records = reader_->index ().records;
  while (next_ < records.size () && records[next_].payload == 0) next_++;
  if (next_ == records.size ()) return false;
  const record::Record &record = records[next_++];
  slice_.resize (record.stored);
  if (!reader_->read (record, slice_)) return false;
  rest_ = std::span (slice_).first (record.payload);
  return true;
}

bool Prefix::take (std::span<const std::uint8_t> &bytes)
{
  while (left_ > 0 && !bytes.empty ()) {
    if (rest_.empty () && !load ()) return false;
    std::size_t size = std::min (bytes.size (), rest_.size ());
    size = static_cast<std::size_t> (std::min<std::uint64_t> (size, left_));
    if (std::memcmp (bytes.data (), rest_.data (), size) != 0) return false;
    bytes = bytes.subspan (size);
    rest_ = rest_.subspan (size);
    left_ -= size;
  }
  return true;
}

// An object that is being written. What the two files hold belongs to the
// store's thread once the object is made; the rest is under the queue's lock.
struct Object
{
  Object (Disk &calls, Family keys, Generation number, std::string full_key,
      File index_file, File data_file,
      std::span<const std::uint8_t> header_block, std::uint32_t slice_size)
      : disk (calls),
        family (std::move (keys)),
        generation (number),
        key (std::move (full_key)),
        index (std::move (index_file)),
        data (std::move (data_file)),
        journal (header_block),
        builder (slice_size)
  {
  }

  Disk &disk;
  const Family family;
  const Generation generation;
  const std::string key;

  // The store's thread.
  File index;
  File data;
  record::Journal journal;
  record::SliceBuilder builder;

  std::atomic<std::uint64_t> written = 0;

  // Under the queue's lock.
  std::size_t pending = 0;
  bool ended = false;
  std::optional<Failure> failure;
};

namespace {

Result<relay::Done> commit (Object &object,
    std::span<const std::uint8_t> stored, const record::Journal::Entry &entry,
    std::uint64_t index_at)
{
  // The bytes before the record that vouches for them.
  if (!object.data.write (stored, entry.record.offset) ||
      !object.index.write (entry.bytes, index_at))
    return folder::write_failed ();
  object.written += stored.size ();
  return relay::Done{};
}

Result<relay::Done> commit_slice (Object &object)
{
  record::SliceBuilder &builder = object.builder;
  if (builder.empty ()) return relay::Done{};
  if (object.journal.full ()) return relay::failure (Error::too_large);
  std::uint64_t index_at = object.journal.index_end ();
  std::span stored = builder.finish ();
  record::Journal::Entry entry = object.journal.slice (
      stored, builder.payload (), builder.packets (), builder.pts ());
  Result<relay::Done> result = commit (object, stored, entry, index_at);
  builder.clear ();
  return result;
}

Result<relay::Done> commit_event (
    Object &object, std::span<const std::uint8_t> bytes)
{
  Result<relay::Done> sliced = commit_slice (object);
  if (!sliced) return sliced;
  if (object.journal.full () || bytes.empty () ||
      bytes.size () > record::event_limit)
    return relay::failure (Error::too_large);
  std::uint64_t index_at = object.journal.index_end ();
  return commit (object, bytes, object.journal.event (bytes), index_at);
}

Result<relay::Done> commit_packet (Object &object, const record::Packet &packet,
    std::span<const std::uint8_t> bytes)
{
  while (!object.builder.add (packet, bytes)) {
    Result<relay::Done> result = commit_slice (object);
    if (!result) return result;
  }
  return relay::Done{};
}

Result<relay::Done> commit_end (Object &object)
{
  Result<relay::Done> result = commit_slice (object);
  if (!result) return result;
  // From now on others may read it, and nobody may take it for what a dead
  // writer left.
  if (object.index.lock (Lock::shared) != Locked::yes)
    return relay::failure (Error::busy);
  std::uint64_t index_at = object.journal.index_end ();
  result = commit (object, {}, object.journal.complete (), index_at);
  if (!result) return result;
  // This one takes the place of those before it.
  for (Generation generation : object.family.generations ())
    if (generation < object.generation)
      remove_ours (
          object.disk, object.family.names (generation), object.key, false);
  return result;
}

void discard (const Object &object)
{
  Names names = object.family.names (object.generation);
  disk::unlink_if_same (object.disk, names.index, object.index);
  disk::unlink_if_same (object.disk, names.data, object.data);
}

enum class Task
{
  packet,
  event,
  finish,
  discard,
};

struct Job
{
  Task task = Task::packet;
  std::shared_ptr<Object> object;
  record::Packet packet;
  Chunk chunk;
  std::size_t cost = 0;
};

struct Queue
{
  std::deque<Job> jobs;
  std::size_t bytes = 0;
  bool stop = false;
};

Result<relay::Done> execute (const Job &job)
{
  switch (job.task) {
    case Task::packet:
      return commit_packet (*job.object, job.packet, job.chunk.bytes);
    case Task::event:
      return commit_event (*job.object, job.chunk.bytes);
    case Task::finish:
      return commit_end (*job.object);
    case Task::discard:
      break;
  }
  return relay::Done{};
}

}  // namespace

namespace {

// What the thread that looks after the limits is told, and what it found out.
struct Upkeep
{
  Level level;
  // Looks that were asked for, and that were done.
  std::uint64_t asked = 0;
  std::uint64_t done = 0;
  // Written since the last look, and how much may be before the next.
  std::uint64_t written = 0;
  std::uint64_t allowance = 0;
  // The disk was full.
  bool starved = false;
  std::vector<std::shared_ptr<const Reader>> used;
  bool stop = false;
};

}  // namespace

// The queue and the thread that empties it. Ends when told, and then only when
// the queue is empty; no Writer is left by then. And the thread that looks
// after the limits. Neither lock is taken while the other is held.
struct Shared
{
  Shared (fs::path path, const Options &settings)
      : folder (std::move (path)),
        options (settings),
        disk (settings.disk != nullptr ? *settings.disk : disk::system ()),
        thread ([this] { run (); }),
        keeper ([this] { keep (); })
  {
    if (has_limits ()) ask ();
  }
  ~Shared ()
  {
    queue.lock ()->stop = true;
    work.notify_all ();
    thread.join ();
    stopping = true;
    upkeep.lock ()->stop = true;
    look.notify_all ();
    keeper.join ();
  }
  Shared (const Shared &) = delete;
  Shared &operator= (const Shared &) = delete;

  [[nodiscard]] bool has_limits () const
  {
    return options.l2_size > 0 || options.min_free > 0;
  }

  static void block_signals ()
  {
    // A process beyond its file size limit is told by errno: no signal of ours
    // may end it.
    sigset_t all;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, nullptr);
  }

  void run ()
  {
    block_signals ();
    auto access = queue.lock ();
    while (true) {
      access.wait (
          work, [] (const Queue &q) { return q.stop || !q.jobs.empty (); });
      if (access->jobs.empty ()) return;
      Job job = std::move (access->jobs.front ());
      access->jobs.pop_front ();
      bool given_up = job.object->failure.has_value ();
      access.unlock ();

      Result<relay::Done> result = relay::Done{};
      if (!given_up) result = execute_within_limits (job);
      if (!result || job.task == Task::discard) discard (*job.object);
      if (!result) note_failure (result.error ());
      std::size_t cost = job.cost;
      std::shared_ptr<Object> object = std::move (job.object);
      // Whose bytes these were may have much to do to be rid of them.
      job = {};

      access.lock ();
      if (!result && !object->failure) object->failure = result.error ();
      access->bytes -= cost;
      object->pending--;
      room.notify_all ();
    }
  }

  Result<relay::Done> execute_within_limits (const Job &job)
  {
    Object &object = *job.object;
    std::uint64_t before = object.written;
    bool adds = job.task == Task::packet || job.task == Task::event;
    if (adds && full) return relay::failure (Error::no_space);
    Result<relay::Done> result = execute (job);
    note_written (object.written - before);
    std::uint64_t most = options.l2_size - options.l2_size / low_part;
    if (result && options.l2_size > 0 && object.written > most)
      return relay::failure (Error::too_large);
    return result;
  }

  void ask ()
  {
    upkeep.lock ()->asked++;
    look.notify_all ();
  }

  void note_written (std::uint64_t bytes)
  {
    if (!has_limits () || bytes == 0) return;
    auto access = upkeep.lock ();
    access->written += bytes;
    if (access->written < access->allowance || access->asked > access->done)
      return;
    access->asked++;
    look.notify_all ();
  }

  void note_failure (const Failure &why)
  {
    if (why.position != ENOSPC && why.position != EDQUOT) return;
    full = true;
    auto access = upkeep.lock ();
    access->starved = true;
    access->level.full = true;
    access->asked++;
    look.notify_all ();
  }

  void note_use (std::shared_ptr<const Reader> reader)
  {
    auto access = upkeep.lock ();
    if (access->used.size () >= used_limit) return;
    access->used.push_back (std::move (reader));
    look.notify_all ();
  }

  void keep ()
  {
    block_signals ();
    auto access = upkeep.lock ();
    while (true) {
      auto is_wanted = [] (const Upkeep &u) {
        return u.stop || u.asked > u.done || !u.used.empty ();
      };
      if (!access->level.full)
        access.wait (look, is_wanted);
      else if (!access.wait_for (look, options.retry, is_wanted))
        access->asked++;
      if (access->stop) return;
      std::vector<std::shared_ptr<const Reader>> used;
      std::swap (used, access->used);
      std::uint64_t asked = access->asked;
      bool wanted = asked > access->done;
      bool starved = wanted && std::exchange (access->starved, false);
      if (wanted) access->written = 0;
      access.unlock ();

      for (const auto &reader : used) reader->touch ();
      // Their files are not in use because of us.
      used.clear ();
      std::optional<Swept> swept;
      if (wanted) swept = sweep (starved);

      access.lock ();
      if (!swept) continue;
      Level &level = access->level;
      level.known = true;
      level.objects = swept->objects;
      level.bytes = swept->bytes;
      level.evictions += swept->evictions;
      // It may have been found full again meanwhile, which is another look.
      level.full = swept->full || access->starved;
      full = level.full;
      access->starved |= starved && swept->full;
      access->allowance = swept->allowance;
      access->done = asked;
      look.notify_all ();
    }
  }

  struct Swept
  {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
    std::uint64_t evictions = 0;
    std::uint64_t allowance = 0;
    bool full = false;
  };

  // The folder itself says what is in it, for other processes add to it and
  // remove from it as we do.
  Swept sweep (bool starved)
  {
    std::vector<folder::Entry> entries =
        folder::scan (disk, folder, [this] { return stopping.load (); });
    Swept swept;
    for (const folder::Entry &entry : entries) swept.bytes += entry.bytes;
    swept.objects = entries.size ();
    std::uint64_t excess = excess_of (swept.bytes);
    if (starved) excess = std::max (excess, swept.bytes / low_part + 1);

    std::uint64_t freed = 0;
    if (excess > 0) {
      for (const folder::Entry &entry : by_last_use (std::move (entries))) {
        if (freed >= excess || stopping) break;
        if (folder::remove (disk, entry, entry.last_use) !=
            folder::Removal::removed)
          continue;
        freed += entry.bytes;
        swept.objects--;
        swept.evictions++;
      }
    }
    swept.bytes -= freed;

    std::uint64_t free = ~std::uint64_t{0};
    if (disk.available (folder.c_str (), free) != 0) free = ~std::uint64_t{0};
    std::uint64_t limit = options.l2_size;
    swept.full = (limit > 0 && swept.bytes > limit) ||
                 free < options.min_free ||
                 (starved && freed == 0 && free < 4 * options.slice_size);
    swept.allowance = ~std::uint64_t{0};
    if (limit > 0)
      swept.allowance = allowance_of (limit, limit - swept.bytes, swept.full);
    if (options.min_free > 0)
      swept.allowance = std::min (swept.allowance,
          allowance_of (options.min_free, free - options.min_free, swept.full));
    return swept;
  }

  // How much may be written before the next look. Others write too.
  static std::uint64_t allowance_of (
      std::uint64_t limit, std::uint64_t left, bool is_full)
  {
    return std::max (limit / high_part, is_full ? 0 : left / 4);
  }

  // How much is to be removed.
  std::uint64_t excess_of (std::uint64_t bytes)
  {
    std::uint64_t excess = 0;
    std::uint64_t limit = options.l2_size;
    if (limit > 0 && bytes > limit - limit / high_part)
      excess = bytes - (limit - limit / low_part);
    std::uint64_t least = options.min_free;
    std::uint64_t free = 0;
    if (least > 0 && disk.available (folder.c_str (), free) == 0 &&
        free < least + least / high_part)
      excess = std::max (excess, least + least / low_part - free);
    return excess;
  }

  const fs::path folder;
  const Options options;
  Disk &disk;
  std::atomic<bool> full = false;
  std::atomic<bool> stopping = false;
  relay::Guarded<Queue> queue;
  std::condition_variable work;
  std::condition_variable room;
  relay::Guarded<Upkeep> upkeep;
  std::condition_variable look;
  std::thread thread;
  std::thread keeper;
};

namespace {

Result<relay::Done> enqueue (
    Shared &shared, Job job, std::chrono::milliseconds patience)
{
  auto access = shared.queue.lock ();
  Object &object = *job.object;
  if (object.ended) return relay::failure (Error::aborted);
  std::size_t limit = shared.options.queue_bytes;
  // One that is larger than the queue goes in alone.
  bool fits = access.wait_for (shared.room, patience, [&] (const Queue &q) {
    return object.failure || q.bytes == 0 || q.bytes + job.cost <= limit;
  });
  if (!object.failure && !fits)
    object.failure = relay::failure (Error::overflow);
  if (object.failure) return *object.failure;
  access->bytes += job.cost;
  object.pending++;
  access->jobs.push_back (std::move (job));
  shared.work.notify_one ();
  return relay::Done{};
}

// The last job of an object is never refused.
void enqueue_last (
    Shared &shared, const std::shared_ptr<Object> &object, bool finished)
{
  auto access = shared.queue.lock ();
  if (!finished && !object->failure)
    if (!object->ended) object->failure = relay::failure (Error::aborted);
  if (object->ended) return;
  object->ended = true;
  Job job;
  job.task = finished && !object->failure ? Task::finish : Task::discard;
  job.object = object;
  object->pending++;
  access->jobs.push_back (std::move (job));
  shared.work.notify_one ();
  shared.room.notify_all ();
}

}  // namespace

Writer::Writer (std::shared_ptr<Shared> shared, std::shared_ptr<Object> object)
    : shared_ (std::move (shared)), object_ (std::move (object))
{
}

Writer::~Writer ()
{
  (void)close ();
}

Result<relay::Done> Writer::append (const record::Packet &packet, Chunk chunk,
    std::chrono::milliseconds patience)
{
  Job job;
  job.task = Task::packet;
  job.object = object_;
  job.packet = packet;
  job.cost = chunk.bytes.size () + job_cost;
  job.chunk = std::move (chunk);
  return enqueue (*shared_, std::move (job), patience);
}

Result<relay::Done> Writer::event (
    std::vector<std::uint8_t> bytes, std::chrono::milliseconds patience)
{
  auto owner =
      std::make_shared<const std::vector<std::uint8_t>> (std::move (bytes));
  Job job;
  job.task = Task::event;
  job.object = object_;
  job.cost = owner->size () + job_cost;
  job.chunk = {*owner, owner};
  return enqueue (*shared_, std::move (job), patience);
}

void Writer::finish ()
{
  enqueue_last (*shared_, object_, true);
}

void Writer::abort ()
{
  enqueue_last (*shared_, object_, false);
}

Result<relay::Done> Writer::close ()
{
  enqueue_last (*shared_, object_, false);
  auto access = shared_->queue.lock ();
  access.wait (
      shared_->room, [&] (const Queue &) { return object_->pending == 0; });
  if (object_->failure) return *object_->failure;
  return relay::Done{};
}

std::uint64_t Writer::bytes_written () const
{
  return object_->written;
}

Result<std::shared_ptr<Store>> Store::open (
    const fs::path &folder, const Options &options)
{
  using Folder = std::pair<dev_t, ino_t>;
  static relay::Guarded<std::map<Folder, std::weak_ptr<Store>>> stores;

  std::error_code error;
  fs::path path = fs::absolute (folder, error);
  if (error)
    return relay::failure (
        Error::cannot_make_folder, static_cast<std::size_t> (error.value ()));
  Disk &disk = options.disk != nullptr ? *options.disk : disk::system ();
  Result<relay::Done> made = folder::prepare (disk, path);
  if (!made) return made.error ();
  struct stat status = {};
  if (stat (path.c_str (), &status) != 0)
    return failed (Error::cannot_make_folder);
  if (!S_ISDIR (status.st_mode)) {
    errno = ENOTDIR;
    return failed (Error::cannot_make_folder);
  }

  auto access = stores.lock ();
  std::erase_if (
      *access, [] (const auto &entry) { return entry.second.expired (); });
  std::weak_ptr<Store> &place = (*access)[{status.st_dev, status.st_ino}];
  std::shared_ptr<Store> store = place.lock ();
  if (store == nullptr) {
    store = std::make_shared<Store> (path, options);
    place = store;
  }
  return store;
}

Store::Store (fs::path folder, const Options &options)
    : shared_ (std::make_shared<Shared> (std::move (folder), options))
{
}

Store::~Store () = default;

Result<std::shared_ptr<const Reader>> Store::find (std::string_view key)
{
  Disk &disk = shared_->disk;
  Family family (disk, shared_->folder, key);
  Failure why = relay::failure (Error::not_found);
  std::vector<Generation> listed = family.generations (true);
  for (unsigned i = 0; i < find_attempts; i++) {
    why = relay::failure (Error::not_found);
    bool is_held = false;
    for (Generation generation : listed) {
      Result<std::shared_ptr<const Reader>> reader =
          open_object (disk, family.names (generation), key);
      if (reader) {
        shared_->note_use (*reader);
        return reader;
      }
      is_held |= reader.code () == Error::busy;
      if (reader.code () != Error::not_found) why = reader.error ();
    }
    // One may have been replaced before it was opened, by one that was not
    // whole yet, or not listed, when it was looked at.
    std::vector<Generation> now = family.generations (true);
    if (now == listed && !is_held) break;
    listed = std::move (now);
    if (is_held) std::this_thread::yield ();
  }
  // Whoever holds it is about to remove it.
  if (why.code == Error::busy) return relay::failure (Error::not_found);
  return why;
}

Result<std::shared_ptr<const Reader>> Store::find (
    std::string_view key, std::chrono::seconds ttl)
{
  Result<std::shared_ptr<const Reader>> reader = find (key);
  if (reader && (*reader)->age () > ttl) return relay::failure (Error::expired);
  return reader;
}

std::size_t Store::purge (std::string_view key)
{
  return inventory::purge (shared_->disk, shared_->folder, key);
}

std::size_t Store::purge_prefix (std::string_view prefix)
{
  return inventory::purge_prefix (shared_->disk, shared_->folder, prefix);
}

Level Store::sweep ()
{
  auto access = shared_->upkeep.lock ();
  std::uint64_t wanted = ++access->asked;
  shared_->look.notify_all ();
  access.wait (
      shared_->look, [&] (const Upkeep &u) { return u.done >= wanted; });
  return access->level;
}

Level Store::level ()
{
  return shared_->upkeep.lock ()->level;
}

Result<std::unique_ptr<Writer>> Store::create (std::string_view key)
{
  if (shared_->full) return relay::failure (Error::no_space);
  Disk &disk = shared_->disk;
  record::Header header;
  header.id = random_id ();
  header.created = seconds_now ();
  header.slice_size =
      std::clamp (shared_->options.slice_size, 1U, record::slice_limit);
  header.key = key;
  record::Result<std::vector<std::uint8_t>> block = record::encode (header);
  if (!block) return relay::failure (Error::key_too_long);

  Family family (disk, shared_->folder, key);
  Result<relay::Done> made = folder::make_folder (disk, family.shard ());
  if (!made) return made.error ();
  Generation generation = 1;
  for (Generation used : family.generations ()) {
    generation = std::max (generation, used + 1);
    if (!remove_ours (disk, family.names (used), key, true))
      return relay::failure (Error::busy);
  }
  // Whoever was faster has the same number, or the lock.
  Names names = family.names (generation);
  File index = disk::open_file (disk, names.index, O_RDWR | O_CREAT | O_EXCL);
  if (!index)
    return failed (errno == EEXIST ? Error::busy : Error::cannot_open);
  if (index.lock (Lock::exclusive) != Locked::yes)
    return relay::failure (Error::busy);
  File data = disk::open_file (disk, names.data, O_RDWR | O_CREAT | O_EXCL);
  Failure why = failed (Error::cannot_open);
  if (data) {
    disk::NoSizeSignal guard;
    if (index.write (*block, 0) &&
        data.write (record::data_preamble (header.id), 0))
      return std::make_unique<Writer> (shared_,
          std::make_shared<Object> (disk, family, generation, header.key,
              std::move (index), std::move (data), *block, header.slice_size));
    why = folder::write_failed ();
    disk.unlink (names.data.c_str ());
  }
  disk.unlink (names.index.c_str ());
  return why;
}

}  // namespace store

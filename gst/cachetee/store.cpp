// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "birth.h"
#include "codec.h"
#include "common/guarded.h"
#include "inventory.h"
#include "shared.h"

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

// How often an object is looked for while others replace it. A bound only: each
// time somebody has made a whole one.
constexpr unsigned find_attempts = 50;

// Busy while somebody finds out whether it can be removed, which is short.
Result<std::shared_ptr<const Reader>> open_object (
    Disk &disk, const Names &names, std::string_view key, unsigned prefetch)
{
  File file = disk::open_file (disk, names.index, O_RDONLY);
  if (!file)
    return failed (errno == ENOENT ? Error::not_found : Error::cannot_open);
  Result<record::Index> index = folder::load_index (file, key);
  if (!index) return index.error ();
  if (index->header.format != record::Format::packets)
    return relay::failure (Error::not_found);
  if (!index->complete)
    return relay::failure (index->ended == record::Error::truncated
                               ? Error::incomplete
                               : Error::damaged);
  // Of a build that can do what ours cannot.
  if (!codec::is_available ())
    for (const record::Record &record : index->records)
      if (record.codec != record::Codec::none)
        return relay::failure (Error::not_found);
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
      *std::move (index), std::move (file), std::move (data), prefetch));
}

}  // namespace

Reader::Reader (
    record::Index index, File index_file, File data, unsigned prefetch)
    : index_ (std::move (index)),
      lock_ (std::move (index_file)),
      data_ (std::move (data)),
      prefetch_ (prefetch)
{
}

Reader::~Reader () = default;

Result<relay::Done> Reader::read (
    const record::Record &record, std::span<std::uint8_t> out) const
{
  return folder::read_record (data_, record, out);
}

// What is behind the window of the slice before; the whole window at first.
void Reader::prefetch (std::uint32_t record) const
{
  if (prefetch_ == 0) return;
  const std::vector<record::Record> &records = index_.records;
  std::size_t last = std::min<std::size_t> (
      std::size_t{record} + prefetch_, records.size () - 1);
  std::size_t first = record == 0 ? 0 : last;
  if (last <= record) return;
  data_.will_need (records[first].offset,
      records[last].offset + records[last].stored - records[first].offset);
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
  prefetch (record);
  std::shared_ptr<std::uint8_t[]> bytes = slices::pool ().take (what.size ());
  std::span out (bytes.get (), what.size ());
  Result<relay::Done> done = read (what, out);
  if (!done) return done.error ();
  Chunk chunk{out, std::move (bytes)};
  memory.insert (key, chunk);
  return chunk;
}

std::chrono::seconds Reader::age () const
{
  return age_since (index_.header.created);
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
  slice_.resize (record.size ());
  Result<relay::Done> done = reader_->read (record, slice_);
  if (!done) {
    failure_ = done.error ();
    return false;
  }
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
      std::span<const std::uint8_t> header_block, std::uint32_t slice_size,
      bool compress)
      : disk (calls),
        family (std::move (keys)),
        generation (number),
        key (std::move (full_key)),
        index (std::move (index_file)),
        data (std::move (data_file)),
        journal (header_block),
        builder (slice_size),
        compresses (compress)
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
  const bool compresses;
  codec::Compressor compressor;

  std::atomic<std::uint64_t> written = 0;

  // Under the queue's lock.
  std::size_t pending = 0;
  bool ended = false;
  std::optional<Failure> failure;
};

namespace {

Result<relay::Done> commit (Object &object, record::Parts stored,
    const record::Journal::Entry &entry, std::uint64_t index_at)
{
  // The bytes before the record that vouches for them.
  if (!object.data.write (stored, entry.record.offset) ||
      !object.index.write (entry.bytes, index_at))
    return folder::write_failed ();
  object.written += entry.record.stored;
  return relay::Done{};
}

Result<relay::Done> commit_slice (Object &object)
{
  record::SliceBuilder &builder = object.builder;
  if (builder.empty ()) return relay::Done{};
  if (object.journal.full ()) return relay::failure (Error::too_large);
  std::uint64_t index_at = object.journal.index_end ();
  record::Parts stored = builder.finish ();
  std::optional<std::span<const std::uint8_t>> frame;
  if (object.compresses) frame = object.compressor.compress (stored);
  std::optional<std::uint32_t> frame_size;
  if (frame) frame_size = static_cast<std::uint32_t> (frame->size ());
  record::Journal::Entry entry = object.journal.slice (stored,
      builder.payload (), builder.packets (), builder.pts (), frame_size);
  if (frame) stored = {&*frame, 1};
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
  return commit (object, {&bytes, 1}, object.journal.event (bytes), index_at);
}

Result<relay::Done> commit_packet (
    Object &object, const record::Packet &packet, Chunk chunk)
{
  while (!object.builder.add (packet, chunk.bytes, chunk.owner)) {
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
      folder::supersede (
          object.disk, object.family.names (generation), object.key);
  return result;
}

void discard (const Object &object)
{
  Names names = object.family.names (object.generation);
  disk::unlink_if_same (object.disk, names.index, object.index);
  disk::unlink_if_same (object.disk, names.data, object.data);
}

// What a packet, an event, or the end of the stream is to the store's thread.
class ObjectJob final : public Job
{
public:
  enum class Task
  {
    packet,
    event,
    finish,
    discard,
  };

  ObjectJob (Shared &shared, Task task, std::shared_ptr<Object> object,
      const record::Packet &packet = {}, Chunk chunk = {})
      : Job (task == Task::packet || task == Task::event
                 ? chunk.bytes.size () + job_cost
                 : 0),
        shared_ (shared),
        task_ (task),
        object_ (std::move (object)),
        packet_ (packet),
        chunk_ (std::move (chunk))
  {
  }

  void queued () override { object_->pending++; }
  void begin () override { is_given_up_ = object_->failure.has_value (); }

  void run () override
  {
    if (!is_given_up_) result_ = execute_within_limits ();
    if (!result_ || task_ == Task::discard) discard (*object_);
    if (!result_ || is_given_up_) object_->builder.clear ();
    if (!result_) shared_.note_failure (result_.error ());
    // Whose bytes these were may have much to do to be rid of them.
    chunk_ = {};
  }

  bool end () override
  {
    if (!result_ && !object_->failure) object_->failure = result_.error ();
    bool is_awaited = --object_->pending == 0 || object_->failure;
    // Who waits for it may take what it left for gone.
    object_.reset ();
    return is_awaited;
  }

private:
  Result<relay::Done> execute ()
  {
    switch (task_) {
      case Task::packet:
        return commit_packet (*object_, packet_, std::move (chunk_));
      case Task::event:
        return commit_event (*object_, chunk_.bytes);
      case Task::finish:
        return commit_end (*object_);
      case Task::discard:
        break;
    }
    return relay::Done{};
  }

  Result<relay::Done> execute_within_limits ()
  {
    std::uint64_t before = object_->written;
    if (cost > 0 && shared_.full) return relay::failure (Error::no_space);
    Result<relay::Done> result = execute ();
    shared_.note_written (object_->written - before);
    if (result && object_->written > shared_.object_limit ())
      return relay::failure (Error::too_large);
    return result;
  }

  Shared &shared_;
  const Task task_;
  std::shared_ptr<Object> object_;
  const record::Packet packet_;
  Chunk chunk_;
  bool is_given_up_ = false;
  Result<relay::Done> result_ = relay::Done{};
};

Result<relay::Done> enqueue (Shared &shared,
    const std::shared_ptr<Object> &object, std::unique_ptr<ObjectJob> job,
    std::chrono::milliseconds patience)
{
  auto access = shared.queue.lock ();
  if (object->ended) return relay::failure (Error::aborted);
  bool fits = shared.wait_for_room (access, job->cost, patience,
      [&] { return object->failure.has_value (); });
  if (!object->failure && !fits)
    object->failure = relay::failure (Error::overflow);
  if (object->failure) return *object->failure;
  shared.add (access, std::move (job));
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
  auto task = finished && !object->failure ? ObjectJob::Task::finish
                                           : ObjectJob::Task::discard;
  shared.add (access, std::make_unique<ObjectJob> (shared, task, object));
  shared.hurry (access);
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
  return enqueue (*shared_, object_,
      std::make_unique<ObjectJob> (*shared_, ObjectJob::Task::packet, object_,
          packet, std::move (chunk)),
      patience);
}

Result<relay::Done> Writer::event (
    std::vector<std::uint8_t> bytes, std::chrono::milliseconds patience)
{
  auto owner =
      std::make_shared<const std::vector<std::uint8_t>> (std::move (bytes));
  return enqueue (*shared_, object_,
      std::make_unique<ObjectJob> (*shared_, ObjectJob::Task::event, object_,
          record::Packet{}, Chunk{*owner, owner}),
      patience);
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
      Result<std::shared_ptr<const Reader>> reader = open_object (
          disk, family.names (generation), key, shared_->options.prefetch);
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
    birth::clear_abandoned (disk, family.names (used), key);
    if (!folder::clear_partial (disk, family.names (used), key))
      return relay::failure (Error::busy);
  }
  // Whoever was faster has the same number, or the lock.
  Result<birth::Made> files =
      birth::make (disk, family.names (generation), *block, header.id);
  if (!files) return files.error ();
  return std::make_unique<Writer> (
      shared_, std::make_shared<Object> (disk, family, generation, header.key,
                   std::move (files->index), std::move (files->data), *block,
                   header.slice_size, shared_->options.compress));
}

}  // namespace store

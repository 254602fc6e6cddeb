// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "common/guarded.h"

namespace store {

namespace fs = std::filesystem;

class File
{
public:
  explicit File (int fd) : fd_ (fd) {}
  ~File ()
  {
    if (fd_ >= 0) close (fd_);
  }
  File (const File &) = delete;
  File &operator= (const File &) = delete;
  File (File &&other) noexcept : fd_ (std::exchange (other.fd_, -1)) {}
  File &operator= (File &&other) noexcept
  {
    std::swap (fd_, other.fd_);
    return *this;
  }

  [[nodiscard]] int fd () const { return fd_; }
  explicit operator bool () const { return fd_ >= 0; }

private:
  int fd_;
};

namespace {

constexpr std::string_view marker_name = "CACHETEE";
constexpr std::string_view marker_text = "cachetee 1\n";
constexpr std::size_t index_limit =
    record::header_limit + record::record_limit * record::record_size;
// What an entry of the queue costs besides its bytes.
constexpr std::size_t job_cost = 256;
// How often an object is looked for while others replace it. A bound only: each
// time somebody has made a whole one.
constexpr unsigned find_attempts = 50;

Failure failed (Error error)
{
  return relay::failure (error, static_cast<std::size_t> (errno));
}

Failure write_failed ()
{
  bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return failed (full ? Error::no_space : Error::cannot_write);
}

// A regular file, or none: no link, no FIFO that we would hang on.
File open_file (const fs::path &path, int flags)
{
  File file (::open (
      path.c_str (), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  struct stat status = {};
  if (file && (fstat (file.fd (), &status) != 0 || !S_ISREG (status.st_mode))) {
    errno = EINVAL;
    return File (-1);
  }
  return file;
}

// False with errno set; a file that ends too early is ENODATA.
bool read_all (
    const File &file, std::span<std::uint8_t> out, std::uint64_t offset)
{
  while (!out.empty ()) {
    ssize_t size = pread (
        file.fd (), out.data (), out.size (), static_cast<off_t> (offset));
    if (size < 0 && errno == EINTR) continue;
    if (size == 0) errno = ENODATA;
    if (size <= 0) return false;
    out = out.subspan (static_cast<std::size_t> (size));
    offset += static_cast<std::uint64_t> (size);
  }
  return true;
}

bool write_all (
    const File &file, std::span<const std::uint8_t> bytes, std::uint64_t offset)
{
  while (!bytes.empty ()) {
    ssize_t size = pwrite (
        file.fd (), bytes.data (), bytes.size (), static_cast<off_t> (offset));
    if (size < 0 && errno == EINTR) continue;
    if (size == 0) errno = EIO;
    if (size <= 0) return false;
    bytes = bytes.subspan (static_cast<std::size_t> (size));
    offset += static_cast<std::uint64_t> (size);
  }
  return true;
}

// For what a thread of the application writes: beyond the file size limit of
// the process it is told so by errno, and not killed.
class NoSizeSignal
{
public:
  NoSizeSignal ()
  {
    sigemptyset (&signal_);
    sigaddset (&signal_, SIGXFSZ);
    sigset_t pending;
    sigpending (&pending);
    was_pending_ = sigismember (&pending, SIGXFSZ) == 1;
    pthread_sigmask (SIG_BLOCK, &signal_, &before_);
  }
  ~NoSizeSignal ()
  {
    // Ours would come as soon as it is let in.
    constexpr timespec at_once{};
    int saved = errno;
    if (!was_pending_) sigtimedwait (&signal_, nullptr, &at_once);
    pthread_sigmask (SIG_SETMASK, &before_, nullptr);
    errno = saved;
  }
  NoSizeSignal (const NoSizeSignal &) = delete;
  NoSizeSignal &operator= (const NoSizeSignal &) = delete;

private:
  sigset_t signal_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

std::uint64_t size_of (const File &file)
{
  struct stat status = {};
  if (fstat (file.fd (), &status) != 0 || status.st_size < 0) return 0;
  return static_cast<std::uint64_t> (status.st_size);
}

bool lock_file (const File &file)
{
  return flock (file.fd (), LOCK_EX | LOCK_NB) == 0;
}

// The two files of an object.
struct Names
{
  fs::path index;
  fs::path data;
};

using Generation = std::uint32_t;

// All objects of a key; one that is written anew is another generation, so
// that who reads the old one is not disturbed.
class Family
{
public:
  Family (const fs::path &folder, std::string_view key)
      : stem_ (record::file_name (key)), shard_ (folder / stem_.substr (0, 2))
  {
  }

  [[nodiscard]] const fs::path &shard () const { return shard_; }
  [[nodiscard]] Names names (Generation generation) const
  {
    std::array<char, 9> digits{};
    std::snprintf (digits.data (), digits.size (), "%08x", generation);
    fs::path base = shard_ / (stem_ + '.' + digits.data ());
    return {base.string () + ".idx", base.string () + ".dat"};
  }

  // Every number that is in use, or those that have an index; the newest first.
  [[nodiscard]] std::vector<Generation> generations (
      bool indexed_only = false) const
  {
    std::vector<Generation> found;
    std::error_code error;
    fs::directory_iterator entries (shard_, error);
    for (; !error && entries != fs::directory_iterator ();
         entries.increment (error)) {
      std::string name = entries->path ().filename ().string ();
      if (name.size () != stem_.size () + 13 || !name.starts_with (stem_))
        continue;
      if (!name.ends_with (".idx") &&
          (indexed_only || !name.ends_with (".dat")))
        continue;
      Generation generation = 0;
      const char *digits = name.data () + stem_.size () + 1;
      auto [end, bad] = std::from_chars (digits, digits + 8, generation, 16);
      if (bad == std::errc () && end == digits + 8)
        found.push_back (generation);
    }
    std::sort (found.begin (), found.end (), std::greater<> ());
    found.erase (std::unique (found.begin (), found.end ()), found.end ());
    return found;
  }

private:
  std::string stem_;
  fs::path shard_;
};

Error error_of (record::Error error)
{
  return error == record::Error::truncated ? Error::incomplete : Error::damaged;
}

// Reads an index that belongs to the key.
Result<record::Index> load_index (const File &file, std::string_view key)
{
  std::uint64_t size = size_of (file);
  if (size > index_limit) return relay::failure (Error::damaged);
  std::vector<std::uint8_t> bytes (size);
  if (!read_all (file, bytes, 0)) return failed (Error::cannot_read);
  record::Result<record::Index> index = record::parse_index (bytes);
  if (!index) return relay::failure (error_of (index.code ()));
  // Two keys of one name: so unlikely that it is somebody's doing.
  if (index->header.key != key) return relay::failure (Error::not_found);
  return *std::move (index);
}

// Is it the data file of this object?
bool is_data_of (const File &file, std::uint64_t id)
{
  std::array<std::uint8_t, record::record_size> preamble{};
  return file && read_all (file, preamble, 0) &&
         record::check_preamble (preamble, id).ok ();
}

Result<std::shared_ptr<const Reader>> open_object (
    const Names &names, std::string_view key)
{
  File file = open_file (names.index, O_RDONLY);
  if (!file)
    return failed (errno == ENOENT ? Error::not_found : Error::cannot_open);
  Result<record::Index> index = load_index (file, key);
  if (!index) return index.error ();
  if (!index->complete) return relay::failure (error_of (index->ended));

  auto data = std::make_unique<File> (open_file (names.data, O_RDONLY));
  if (!*data) return failed (Error::damaged);
  if (!is_data_of (*data, index->header.id) || size_of (*data) < index->end)
    return relay::failure (Error::damaged);
  return std::shared_ptr<const Reader> (
      std::make_shared<Reader> (*std::move (index), std::move (data)));
}

// A name may by now be somebody else's.
void unlink_if_same (const fs::path &path, const File &file)
{
  struct stat there = {};
  struct stat ours = {};
  if (lstat (path.c_str (), &there) == 0 && fstat (file.fd (), &ours) == 0 &&
      there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
    unlink (path.c_str ());
}

// Removes a generation that is provably of this key and that nobody writes.
// False if somebody does.
bool remove_ours (const Names &names, std::string_view key, bool only_partial)
{
  File file = open_file (names.index, O_RDONLY);
  if (!file) return true;
  Result<record::Index> index = load_index (file, key);
  if (!index || (index->complete && only_partial)) return true;
  if (!lock_file (file)) return false;
  // Its writer may have made it whole before it let go of it.
  index = load_index (file, key);
  if (!index || (index->complete && only_partial)) return true;
  File data = open_file (names.data, O_RDONLY);
  // In this order: data without an index is never taken for an object.
  unlink_if_same (names.index, file);
  if (is_data_of (data, index->header.id)) unlink_if_same (names.data, data);
  return true;
}

Result<relay::Done> make_folder (const fs::path &folder)
{
  fs::path path;
  for (const fs::path &part : folder) {
    path /= part;
    if (mkdir (path.c_str (), 0700) == 0 || errno == EEXIST) continue;
    // A folder above ours that we may not touch but which is there.
    struct stat status = {};
    int why = errno;
    if (stat (path.c_str (), &status) == 0 && S_ISDIR (status.st_mode))
      continue;
    errno = why;
    return failed (Error::cannot_make_folder);
  }
  return relay::Done{};
}

// The marker says whose the folder is, and of which version.
Result<relay::Done> check_marker (const fs::path &folder)
{
  fs::path path = folder / marker_name;
  File made = open_file (path, O_WRONLY | O_CREAT | O_EXCL);
  if (made) {
    std::span text (
        reinterpret_cast<const std::uint8_t *> (marker_text.data ()),
        marker_text.size ());
    NoSizeSignal guard;
    if (write_all (made, text, 0)) return relay::Done{};
    Failure why = write_failed ();
    unlink (path.c_str ());
    return why;
  }
  if (errno != EEXIST) return failed (Error::cannot_make_folder);
  File file = open_file (path, O_RDONLY);
  if (!file) return failed (Error::foreign);
  std::array<std::uint8_t, marker_text.size ()> text{};
  // Whoever makes it may not have written it yet.
  std::uint64_t size = std::min<std::uint64_t> (size_of (file), text.size ());
  if (!read_all (file, std::span (text).first (size), 0))
    return failed (Error::cannot_read);
  if (std::memcmp (text.data (), marker_text.data (), size) != 0)
    return relay::failure (Error::foreign);
  return relay::Done{};
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

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::not_found:
      return "not found";
    case Error::incomplete:
      return "incomplete";
    case Error::damaged:
      return "damaged";
    case Error::foreign:
      return "foreign";
    case Error::busy:
      return "busy";
    case Error::key_too_long:
      return "key too long";
    case Error::overflow:
      return "overflow";
    case Error::too_large:
      return "too large";
    case Error::aborted:
      return "aborted";
    case Error::no_space:
      return "no space";
    case Error::cannot_make_folder:
      return "cannot make folder";
    case Error::cannot_open:
      return "cannot open";
    case Error::cannot_read:
      return "cannot read";
    case Error::cannot_write:
      return "cannot write";
  }
  return "unknown";
}

Reader::Reader (record::Index index, std::unique_ptr<File> data)
    : index_ (std::move (index)), data_ (std::move (data))
{
}

Reader::~Reader () = default;

Result<relay::Done> Reader::read (
    const record::Record &record, std::span<std::uint8_t> out) const
{
  if (out.size () != record.stored) return relay::failure (Error::damaged);
  if (!read_all (*data_, out, record.offset))
    return failed (errno == ENODATA ? Error::damaged : Error::cannot_read);
  if (!record::verify (out, record)) return relay::failure (Error::damaged);
  return relay::Done{};
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
  Object (Family keys, Generation number, std::string full_key, File index_file,
      File data_file, std::span<const std::uint8_t> header_block,
      std::uint32_t slice_size)
      : family (std::move (keys)),
        generation (number),
        key (std::move (full_key)),
        index (std::move (index_file)),
        data (std::move (data_file)),
        journal (header_block),
        builder (slice_size)
  {
  }

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
  if (!write_all (object.data, stored, entry.record.offset) ||
      !write_all (object.index, entry.bytes, index_at))
    return write_failed ();
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
  std::uint64_t index_at = object.journal.index_end ();
  result = commit (object, {}, object.journal.complete (), index_at);
  if (!result) return result;
  // This one takes the place of those before it.
  for (Generation generation : object.family.generations ())
    if (generation < object.generation)
      remove_ours (object.family.names (generation), object.key, false);
  return result;
}

void discard (const Object &object)
{
  Names names = object.family.names (object.generation);
  unlink_if_same (names.index, object.index);
  unlink_if_same (names.data, object.data);
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

// The queue and the thread that empties it. Ends when told, and then only when
// the queue is empty; no Writer is left by then.
struct Shared
{
  explicit Shared (const Options &settings)
      : options (settings), thread ([this] { run (); })
  {
  }
  ~Shared ()
  {
    queue.lock ()->stop = true;
    work.notify_all ();
    thread.join ();
  }
  Shared (const Shared &) = delete;
  Shared &operator= (const Shared &) = delete;

  void run ()
  {
    // A process beyond its file size limit is told by errno: no signal of ours
    // may end it.
    sigset_t all;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, nullptr);

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
      if (!given_up) result = execute (job);
      if (!result || job.task == Task::discard) discard (*job.object);
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

  const Options options;
  relay::Guarded<Queue> queue;
  std::condition_variable work;
  std::condition_variable room;
  std::thread thread;
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
  Result<relay::Done> made = make_folder (path);
  if (!made) return made.error ();
  struct stat status = {};
  if (stat (path.c_str (), &status) != 0)
    return failed (Error::cannot_make_folder);
  if (!S_ISDIR (status.st_mode)) {
    errno = ENOTDIR;
    return failed (Error::cannot_make_folder);
  }
  Result<relay::Done> marked = check_marker (path);
  if (!marked) return marked.error ();

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
    : folder_ (std::move (folder)), shared_ (std::make_shared<Shared> (options))
{
}

Store::~Store () = default;

Result<std::shared_ptr<const Reader>> Store::find (std::string_view key)
{
  Family family (folder_, key);
  Failure why = relay::failure (Error::not_found);
  std::vector<Generation> listed = family.generations (true);
  for (unsigned i = 0; i < find_attempts; i++) {
    why = relay::failure (Error::not_found);
    for (Generation generation : listed) {
      Result<std::shared_ptr<const Reader>> reader =
          open_object (family.names (generation), key);
      if (reader) return reader;
      if (reader.code () != Error::not_found) why = reader.error ();
    }
    // One may have been replaced before it was opened, by one that was not
    // whole yet, or not listed, when it was looked at.
    std::vector<Generation> now = family.generations (true);
    if (now == listed) break;
    listed = std::move (now);
  }
  return why;
}

Result<std::unique_ptr<Writer>> Store::create (std::string_view key)
{
  record::Header header;
  header.id = random_id ();
  header.created = seconds_now ();
  header.slice_size =
      std::clamp (shared_->options.slice_size, 1U, record::slice_limit);
  header.key = key;
  record::Result<std::vector<std::uint8_t>> block = record::encode (header);
  if (!block) return relay::failure (Error::key_too_long);

  Family family (folder_, key);
  Result<relay::Done> made = make_folder (family.shard ());
  if (!made) return made.error ();
  Generation generation = 1;
  for (Generation used : family.generations ()) {
    generation = std::max (generation, used + 1);
    if (!remove_ours (family.names (used), key, true))
      return relay::failure (Error::busy);
  }
  // Whoever was faster has the same number, or the lock.
  Names names = family.names (generation);
  File index = open_file (names.index, O_RDWR | O_CREAT | O_EXCL);
  if (!index)
    return failed (errno == EEXIST ? Error::busy : Error::cannot_open);
  if (!lock_file (index)) return relay::failure (Error::busy);
  File data = open_file (names.data, O_RDWR | O_CREAT | O_EXCL);
  Failure why = failed (Error::cannot_open);
  if (data) {
    NoSizeSignal guard;
    if (write_all (index, *block, 0) &&
        write_all (data, record::data_preamble (header.id), 0))
      return std::make_unique<Writer> (shared_,
          std::make_shared<Object> (family, generation, header.key,
              std::move (index), std::move (data), *block, header.slice_size));
    why = write_failed ();
    unlink (names.data.c_str ());
  }
  unlink (names.index.c_str ());
  return why;
}

}  // namespace store

// SPDX-License-Identifier: LGPL-2.1-or-later
// What the store makes of a disk that fails: never wrong bytes, no hang, and
// all is well again when the disk is.
#include <fcntl.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>

#include "teststore.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using store::Store;
using test::Bytes;
using test::is_there;
using test::keep;
using test::pattern;
using test::payload_of;
using test::TempDir;

enum class Call
{
  open,
  read,
  write,
  status,
  lock,
  remove,
  list,
  make,
};
constexpr std::array calls{Call::open, Call::read, Call::write, Call::status,
    Call::lock, Call::remove, Call::list, Call::make};

// Fails the n-th call of a kind, or all from the n-th on.
class FailingDisk final : public disk::Disk
{
public:
  struct Plan
  {
    Call call = Call::open;
    unsigned from = ~0U;
    bool once = true;
    int error = EIO;
    // A write or read does this much of its work first.
    std::size_t part = 0;
  };

  void plan (const Plan &plan)
  {
    std::lock_guard lock (mutex_);
    plan_ = plan;
    count_ = 0;
    fired_ = false;
  }
  bool fired ()
  {
    std::lock_guard lock (mutex_);
    return fired_;
  }

  int open (const char *path, int flags, mode_t mode) override
  {
    return fails (Call::open) ? -1 : Disk::open (path, flags, mode);
  }
  ssize_t pread (int fd, void *bytes, std::size_t size, off_t offset) override
  {
    return fails (Call::read) ? -1 : Disk::pread (fd, bytes, size, offset);
  }
  ssize_t pwrite (
      int fd, const void *bytes, std::size_t size, off_t offset) override
  {
    if (!fails (Call::write)) return Disk::pwrite (fd, bytes, size, offset);
    int why = errno;
    // Torn: some of it is there all the same.
    if (plan_.part > 0)
      (void)Disk::pwrite (fd, bytes, std::min (size, plan_.part), offset);
    errno = why;
    return -1;
  }
  int fstat (int fd, struct stat *status) override
  {
    return fails (Call::status) ? -1 : Disk::fstat (fd, status);
  }
  int lstat (const char *path, struct stat *status) override
  {
    return fails (Call::status) ? -1 : Disk::lstat (path, status);
  }
  int flock (int fd, int operation) override
  {
    return fails (Call::lock) ? -1 : Disk::flock (fd, operation);
  }
  int unlink (const char *path) override
  {
    return fails (Call::remove) ? -1 : Disk::unlink (path);
  }
  int list (const char *path, std::vector<std::string> &names) override
  {
    return fails (Call::list) ? -1 : Disk::list (path, names);
  }
  int mkdir (const char *path, mode_t mode) override
  {
    return fails (Call::make) ? -1 : Disk::mkdir (path, mode);
  }

private:
  bool fails (Call call)
  {
    std::lock_guard lock (mutex_);
    if (call != plan_.call) return false;
    unsigned number = count_++;
    if (number < plan_.from || (plan_.once && number > plan_.from))
      return false;
    fired_ = true;
    errno = plan_.error;
    return true;
  }

  std::mutex mutex_;
  Plan plan_;
  unsigned count_ = 0;
  bool fired_ = false;
};

constexpr std::size_t old_size = 700;
constexpr std::size_t new_size = 900;

store::Options options (disk::Disk &disk)
{
  store::Options options = test::small_store;
  options.l2_size = 10 << 20;
  options.retry = 1h;
  options.disk = &disk;
  return options;
}

// Whatever is served is one of the two objects, and all of it.
void look (Store &store, const char *what)
{
  auto reader = store.find ("k");
  if (!reader) return;
  std::optional<Bytes> payload = payload_of (**reader);
  fail_if (payload && *payload != pattern (old_size, 1) &&
               *payload != pattern (new_size, 2),
      "%s: wrong bytes", what);
}

// The life of an object while one call fails: the old one is read, a new one is
// written over it and read, the folder is looked through.
bool live (const FailingDisk::Plan &plan, const char *what)
{
  TempDir temp;
  FailingDisk disk;
  {
    auto store = Store::open (temp.path () / "c", options (disk));
    fail_unless (store.ok () && keep (**store, "k", old_size, 1).ok ());
    fail_unless (keep (**store, "other", old_size, 3).ok ());
  }
  disk.plan (plan);
  bool fired = false;
  if (auto store = Store::open (temp.path () / "c", options (disk))) {
    look (**store, what);
    bool kept = keep (**store, "k", new_size, 2).ok ();
    look (**store, what);
    (void)(*store)->sweep ();
    fired = disk.fired ();
    // The disk is well again, and so is the cache, without a restart.
    disk.plan ({});
    (void)(*store)->sweep ();
    look (**store, what);
    if (kept && plan.call != Call::remove)
      fail_unless (is_there (**store, "k", new_size, 2), "%s: lost", what);
    fail_unless (
        is_there (**store, "other", old_size, 3) || plan.error == ENOSPC,
        "%s: lost the other", what);
    auto again = keep (**store, "k", new_size, 2);
    fail_unless (
        again.ok () || again.code () == store::Error::busy, "%s", what);
    if (again) fail_unless (is_there (**store, "k", new_size, 2), "%s", what);
  } else {
    fired = disk.fired ();
    disk.plan ({});
  }
  // And after a restart.
  auto store = Store::open (temp.path () / "c", options (disk));
  fail_unless (store.ok (), "%s", what);
  look (**store, what);
  fail_unless (keep (**store, "k", new_size, 2).ok (), "%s", what);
  fail_unless (is_there (**store, "k", new_size, 2), "%s", what);
  return fired;
}

}  // namespace

static void every_call (int error, std::size_t part)
{
  for (Call call : calls) {
    for (bool once : {true, false}) {
      // Until there is no such call any more.
      unsigned number = 0;
      bool fired = true;
      for (; fired && number < 400; number++) {
        char what[80];
        std::snprintf (what, sizeof (what), "call %d number %u%s error %d",
            static_cast<int> (call), number, once ? "" : " and on", error);
        fired = live ({call, number, once, error, part}, what);
      }
      fail_unless (number > 1 && number < 400, "call %d: %u times",
          static_cast<int> (call), number);
    }
  }
}

GST_START_TEST (every_call_fails_once_or_for_ever)
{
  every_call (EIO, 0);
}
GST_END_TEST;

GST_START_TEST (every_call_finds_no_space)
{
  every_call (ENOSPC, 7);
}
GST_END_TEST;

// Interrupted, and never more than a few bytes at a time.
GST_START_TEST (short_reads_and_writes)
{
  class ShortDisk final : public disk::Disk
  {
  public:
    ssize_t pread (int fd, void *bytes, std::size_t size, off_t offset) override
    {
      if (is_interrupted ()) return -1;
      return Disk::pread (fd, bytes, std::min<std::size_t> (size, 13), offset);
    }
    ssize_t pwrite (
        int fd, const void *bytes, std::size_t size, off_t offset) override
    {
      if (is_interrupted ()) return -1;
      return Disk::pwrite (fd, bytes, std::min<std::size_t> (size, 7), offset);
    }

  private:
    bool is_interrupted ()
    {
      errno = EINTR;
      return count_++ % 3 == 0;
    }
    std::atomic<unsigned> count_ = 0;
  };
  TempDir temp;
  ShortDisk disk;
  auto store = *Store::open (temp.path (), options (disk));
  fail_unless (keep (*store, "k", old_size, 1).ok ());
  fail_unless (is_there (*store, "k", old_size, 1));
}
GST_END_TEST;

// A disk that hangs: whoever writes to the cache waits as long as he wants to.
GST_START_TEST (a_disk_that_hangs)
{
  class HangingDisk final : public disk::Disk
  {
  public:
    ssize_t pwrite (
        int fd, const void *bytes, std::size_t size, off_t offset) override
    {
      {
        std::unique_lock lock (mutex_);
        changed_.wait (lock, [&] { return !hangs_; });
      }
      return Disk::pwrite (fd, bytes, size, offset);
    }
    void hang (bool value)
    {
      std::lock_guard lock (mutex_);
      hangs_ = value;
      changed_.notify_all ();
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool hangs_ = false;
  };
  TempDir temp;
  HangingDisk disk;
  store::Options small = options (disk);
  small.queue_bytes = 2000;
  auto store = *Store::open (temp.path (), small);
  fail_unless (keep (*store, "other", 300, 3).ok ());
  auto writer = store->create ("k");
  fail_unless (writer.ok ());
  disk.hang (true);
  store::Result<relay::Done> result = relay::Done{};
  unsigned taken = 0;
  for (; result && taken < 100; taken++)
    result = (*writer)->append ({}, test::chunk (Bytes (200)), 0ms);
  fail_unless (result.code () == store::Error::overflow);
  fail_unless (taken < 20, "%u taken", taken);
  (*writer)->abort ();
  // Who reads is not held up.
  fail_unless (is_there (*store, "other", 300, 3));
  disk.hang (false);
  (void)(*writer)->close ();
  fail_if (store->find ("k").ok ());
}
GST_END_TEST;

namespace {

// Remembers what was written, in order, for a loss of power.
class LoggingDisk final : public disk::Disk
{
public:
  struct Write
  {
    fs::path path;
    std::uint64_t offset = 0;
    Bytes bytes;
  };

  int open (const char *path, int flags, mode_t mode) override
  {
    int fd = Disk::open (path, flags, mode);
    if (fd < 0) return fd;
    std::lock_guard lock (mutex_);
    open_[fd] = path;
    return fd;
  }
  ssize_t pwrite (
      int fd, const void *bytes, std::size_t size, off_t offset) override
  {
    auto first = static_cast<const std::uint8_t *> (bytes);
    std::lock_guard lock (mutex_);
    log_.push_back ({open_[fd], static_cast<std::uint64_t> (offset),
        Bytes (first, first + size)});
    return Disk::pwrite (fd, bytes, size, offset);
  }
  std::vector<Write> log ()
  {
    std::lock_guard lock (mutex_);
    return log_;
  }

private:
  std::mutex mutex_;
  std::map<int, fs::path> open_;
  std::vector<Write> log_;
};

// Small, as the slices are.
constexpr std::size_t sector = 64;

// What may be there after a loss of power: of each file any of the writes, in
// any order and cut at any sector, and zeros where there were none.
void lose_power (const std::vector<LoggingDisk::Write> &log,
    const fs::path &from, const fs::path &to, unsigned seed)
{
  std::minstd_rand random (seed + 1);
  auto below = [&] (std::size_t n) { return (random () >> 7) % n; };
  std::map<fs::path, Bytes> files;
  // How often a write is lost: never, now and then, often.
  unsigned lost = static_cast<unsigned> (below (4)) * 20;
  for (const LoggingDisk::Write &write : log) {
    Bytes &file = files[write.path];
    std::size_t first = 0;
    std::size_t last = write.bytes.size ();
    if (below (100) < lost) {
      // The file may have its length all the same.
      if (below (2) == 0)
        file.resize (std::max<std::size_t> (file.size (), write.offset + last));
      // Any sectors of it, or none.
      first = below (last / sector + 1) * sector;
      if (below (2) == 0)
        last = first + below ((last - first) / sector + 1) * sector;
    }
    if (first == last) continue;
    file.resize (std::max<std::size_t> (file.size (), write.offset + last));
    std::copy (write.bytes.begin () + static_cast<std::ptrdiff_t> (first),
        write.bytes.begin () + static_cast<std::ptrdiff_t> (last),
        file.begin () + static_cast<std::ptrdiff_t> (write.offset + first));
  }
  for (const auto &[path, bytes] : files) {
    fs::path place = to / fs::relative (path, from);
    fs::create_directories (place.parent_path ());
    test::write_file (place, bytes);
  }
}

}  // namespace

GST_START_TEST (a_loss_of_power)
{
  TempDir temp;
  LoggingDisk disk;
  {
    auto store = *Store::open (temp.path () / "c", options (disk));
    fail_unless (keep (*store, "k", old_size, 1).ok ());
    fail_unless (keep (*store, "k", new_size, 2).ok ());
  }
  unsigned served = 0;
  unsigned missed = 0;
  const std::vector<LoggingDisk::Write> log = disk.log ();
  for (unsigned seed = 0; seed < 600; seed++) {
    TempDir after;
    lose_power (log, temp.path () / "c", after.path (), seed);
    auto store = Store::open (after.path (), test::small_store);
    // The marker may be half there, and then it is nobody's folder.
    if (!store) continue;
    look (**store, "power");
    auto reader = (*store)->find ("k");
    (reader && payload_of (**reader) ? served : missed)++;
    reader = relay::failure (store::Error::not_found);
    fail_unless (keep (**store, "k", old_size, 1).ok (), "seed %u", seed);
    fail_unless (is_there (**store, "k", old_size, 1), "seed %u", seed);
  }
  fail_unless (served > 50 && missed > 50, "%u %u", served, missed);
}
GST_END_TEST;

static Suite *faults_suite ()
{
  Suite *suite = suite_create ("faults");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, every_call_fails_once_or_for_ever);
  tcase_add_test (tests, every_call_finds_no_space);
  tcase_add_test (tests, short_reads_and_writes);
  tcase_add_test (tests, a_disk_that_hangs);
  tcase_add_test (tests, a_loss_of_power);
  return suite;
}

GST_CHECK_MAIN (faults)

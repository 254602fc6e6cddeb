// SPDX-License-Identifier: LGPL-2.1-or-later
// What the store makes of a disk that fails: never wrong bytes, no hang, and
// all is well again when the disk is.
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "testdisk.h"
#include "teststore.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using store::Store;
using test::Bytes;
using test::Call;
using test::calls;
using test::FailingDisk;
using test::is_there;
using test::keep;
using test::LoggingDisk;
using test::lose_power;
using test::pattern;
using test::payload_of;
using test::TempDir;

constexpr std::size_t old_size = 700;
constexpr std::size_t new_size = 900;

store::Options options (disk::Disk &disk)
{
  store::Options options = test::small_store;
  options.l2_size = 10 << 20;
  options.compress = test::is_compressible;
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

GST_START_TEST (every_call_fails_with_compression)
{
  test::is_compressible = true;
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
    ssize_t pwritev (
        int fd, const iovec *parts, int count, off_t offset) override
    {
      if (is_interrupted ()) return -1;
      return test::write_some (*this, fd, parts, count, offset, 7);
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

  // More parts than go to the system at a time.
  const Bytes all = pattern (4000, 9);
  std::vector<std::span<const std::uint8_t>> parts (1);
  for (std::size_t at = 0; at < all.size ();) {
    std::size_t size = std::min<std::size_t> (at % 12, all.size () - at);
    parts.push_back (std::span (all).subspan (at, size));
    at += std::max<std::size_t> (size, 1);
    if (size == 0) parts.back () = std::span (all).subspan (at - 1, 1);
  }
  parts.resize (parts.size () + 1);
  for (disk::Disk *each :
      {static_cast<disk::Disk *> (&disk), &disk::system ()}) {
    fs::path path = temp.path () / "parts";
    disk::File file = disk::open_file (*each, path, O_RDWR | O_CREAT | O_TRUNC);
    fail_unless (file.write (parts, 3));
    Bytes back (all.size ());
    fail_unless (file.size () == 3 + all.size ());
    fail_unless (file.read (back, 3) && back == all);
  }
}
GST_END_TEST;

// A disk that hangs: whoever writes to the cache waits as long as he wants to.
GST_START_TEST (a_disk_that_hangs)
{
  class HangingDisk final : public disk::Disk
  {
  public:
    ssize_t pwritev (
        int fd, const iovec *parts, int count, off_t offset) override
    {
      {
        std::unique_lock lock (mutex_);
        changed_.wait (lock, [&] { return !hangs_; });
      }
      return Disk::pwritev (fd, parts, count, offset);
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

static void lose_power_often (unsigned seeds)
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
  for (unsigned seed = 0; seed < seeds; seed++) {
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
  fail_unless (
      served > seeds / 12 && missed > seeds / 12, "%u %u", served, missed);
}

GST_START_TEST (a_loss_of_power)
{
  lose_power_often (600);
  test::is_compressible = true;
  lose_power_often (150);
}
GST_END_TEST;

static Suite *faults_suite ()
{
  Suite *suite = suite_create ("faults");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, every_call_fails_once_or_for_ever);
  tcase_add_test (tests, every_call_fails_with_compression);
  tcase_add_test (tests, every_call_finds_no_space);
  tcase_add_test (tests, short_reads_and_writes);
  tcase_add_test (tests, a_disk_that_hangs);
  tcase_add_test (tests, a_loss_of_power);
  return suite;
}

GST_CHECK_MAIN (faults)

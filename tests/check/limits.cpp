// SPDX-License-Identifier: LGPL-2.1-or-later
// The limits of a store's folder: what is evicted, in which order, and whom
// that disturbs.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <latch>
#include <mutex>
#include <set>

#include "teststore.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using store::Error;
using store::Level;
using store::Options;
using store::Store;
using test::is_there;
using test::keep;
using test::TempDir;

constexpr std::size_t object_size = 20000;
constexpr std::uint64_t limit = 400000;

Options limited (disk::Disk *disk = nullptr)
{
  return {.slice_size = 4000, .l2_size = limit, .disk = disk};
}

std::shared_ptr<Store> open (const fs::path &folder, const Options &options)
{
  auto result = Store::open (folder, options);
  fail_unless (result.ok ());
  return *result;
}

fs::path index_of (const fs::path &folder, std::string_view key)
{
  return folder::Family (disk::system (), folder, key).names (1).index;
}

// So many seconds after some day, as if it was last used then.
void set_last_use (
    const fs::path &folder, std::string_view key, std::time_t seconds)
{
  const timespec times[2] = {{1000000 + seconds, 0}, {1000000 + seconds, 0}};
  fail_unless (
      utimensat (AT_FDCWD, index_of (folder, key).c_str (), times, 0) == 0);
}

// Objects "0", "1", ..., used in that order.
void fill (const fs::path &folder, unsigned count)
{
  auto store = open (folder, {.slice_size = 4000});
  for (unsigned i = 0; i < count; i++) {
    std::string key = std::to_string (i);
    fail_unless (keep (*store, key, object_size, i).ok ());
    set_last_use (folder, key, i);
  }
}

std::set<unsigned> left_of (const fs::path &folder, unsigned count)
{
  std::set<unsigned> left;
  for (unsigned i = 0; i < count; i++)
    if (fs::exists (index_of (folder, std::to_string (i)))) left.insert (i);
  return left;
}

std::uint64_t bytes_of (const fs::path &folder)
{
  std::uint64_t bytes = 0;
  for (const char *suffix : {".idx", ".dat"})
    for (const fs::path &path : test::files_of (folder, suffix)) {
      struct stat status = {};
      fail_unless (stat (path.c_str (), &status) == 0);
      bytes += static_cast<std::uint64_t> (status.st_blocks) * 512;
    }
  return bytes;
}

// A disk of which a test says how full it is, and which can be held up.
class FakeDisk final : public disk::Disk
{
public:
  int available (const char *, std::uint64_t &bytes) override
  {
    bytes = free;
    return 0;
  }
  ssize_t pwritev (int fd, const iovec *parts, int count, off_t offset) override
  {
    if (!full) return Disk::pwritev (fd, parts, count, offset);
    errno = ENOSPC;
    return -1;
  }
  int unlink (const char *path) override
  {
    wait (hold_unlink);
    int result = Disk::unlink (path);
    // A data file makes room.
    if (result == 0 && std::strstr (path, ".dat") != nullptr) {
      free += 100000;
      full = false;
    }
    return result;
  }
  int list (const char *path, std::vector<std::string> &names) override
  {
    if (path == held_folder) wait (hold_list);
    return Disk::list (path, names);
  }
  void release ()
  {
    std::lock_guard lock (mutex_);
    hold_unlink = hold_list = false;
    changed_.notify_all ();
  }
  // Until somebody is held up.
  void wait_for_held ()
  {
    std::unique_lock lock (mutex_);
    changed_.wait (lock, [&] { return held_; });
  }

  std::atomic<std::uint64_t> free = ~std::uint64_t{0} / 2;
  std::atomic<bool> full = false;
  std::atomic<bool> hold_unlink = false;
  std::atomic<bool> hold_list = false;
  std::string held_folder;

private:
  void wait (const std::atomic<bool> &hold)
  {
    std::unique_lock lock (mutex_);
    if (!hold) return;
    held_ = true;
    changed_.notify_all ();
    changed_.wait (lock, [&] { return !hold; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
};

}  // namespace

GST_START_TEST (what_was_not_used_for_longest_goes)
{
  TempDir temp;
  fill (temp.path (), 20);
  // The oldest but one was used.
  set_last_use (temp.path (), "1", 100);
  auto store = open (temp.path (), limited ());
  Level level = store->sweep ();
  fail_unless (level.known && !level.full);
  fail_unless (level.bytes == bytes_of (temp.path ()));
  fail_unless (level.bytes <= limit - limit / 10);
  // Not more than was needed.
  fail_unless (level.bytes > limit - limit / 10 - 3 * object_size);
  std::set<unsigned> left = left_of (temp.path (), 20);
  fail_unless (left.size () == level.objects);
  fail_unless (left.size () + level.evictions == 20);
  fail_unless (left.count (1) == 1);
  left.erase (1);
  fail_unless (!left.empty () && *left.begin () == 20 - left.size ());
  // No data is left without its index.
  fail_unless (test::files_of (temp.path (), ".dat").size () == level.objects);
}
GST_END_TEST;

GST_START_TEST (finding_counts_as_a_use)
{
  TempDir temp;
  fill (temp.path (), 20);
  {
    auto store = open (temp.path (), {});
    fail_unless (is_there (*store, "0", object_size, 0));
    // Marked before the folder is looked through.
    (void)store->sweep ();
  }
  (void)open (temp.path (), limited ())->sweep ();
  std::set<unsigned> left = left_of (temp.path (), 20);
  fail_unless (left.count (0) == 1 && left.count (1) == 0);
}
GST_END_TEST;

// Without anybody asking: what was written makes the folder be looked through.
GST_START_TEST (is_kept_while_it_is_written)
{
  TempDir temp;
  auto store = open (temp.path (), limited ());
  for (unsigned i = 0; i < 100; i++) {
    fail_unless (
        keep (*store, std::to_string (i), object_size, i).ok (), "%u", i);
    fail_unless (is_there (*store, std::to_string (i), object_size, i));
  }
  Level before = store->level ();
  fail_unless (before.evictions > 50, "%lu evictions",
      static_cast<unsigned long> (before.evictions));
  fail_unless (store->sweep ().bytes <= limit);
}
GST_END_TEST;

GST_START_TEST (what_is_in_use_stays)
{
  TempDir temp;
  fill (temp.path (), 20);
  // Read in another process, ...
  std::array<int, 2> ready{};
  std::array<int, 2> done{};
  fail_unless (pipe (ready.data ()) == 0 && pipe (done.data ()) == 0);
  pid_t child = fork ();
  if (child == 0) {
    close (done[1]);
    auto other = Store::open (temp.path ());
    auto reader = (*other)->find ("0");
    // Until that has been noted as its last use, which is set below.
    (void)(*other)->sweep ();
    char byte = reader.ok () ? 1 : 0;
    if (::write (ready[1], &byte, 1) != 1) _exit (1);
    if (::read (done[0], &byte, 1) < 0) _exit (1);
    _exit (0);
  }
  char byte = 0;
  fail_unless (::read (ready[0], &byte, 1) == 1 && byte == 1);
  // As if long ago, ...
  set_last_use (temp.path (), "0", 0);
  // read here, ...
  set_last_use (temp.path (), "1", 100);
  auto store = open (temp.path (), limited ());
  auto reader = store->find ("1");
  fail_unless (reader.ok ());
  // written here, by one who is slow.
  auto writer = store->create ("w");
  fail_unless (writer.ok ());
  (void)store->sweep ();
  set_last_use (temp.path (), "1", 1);
  set_last_use (temp.path (), "w", 1);
  for (unsigned i = 20; i < 25; i++)
    fail_unless (keep (*store, std::to_string (i), object_size, i).ok ());
  (void)store->sweep ();
  std::set<unsigned> left = left_of (temp.path (), 20);
  fail_unless (left.count (0) == 1 && left.count (1) == 1);
  fail_unless (left.count (2) == 0);
  fail_unless (fs::exists (index_of (temp.path (), "w")));
  fail_unless (test::payload_of (**reader) == test::pattern (object_size, 1));
  (*writer)->finish ();
  fail_unless ((*writer)->close ().ok ());

  // Let go of, they are as all others.
  close (done[1]);
  waitpid (child, nullptr, 0);
  reader = relay::failure (Error::not_found);
  for (unsigned i = 30; i < 40; i++)
    fail_unless (keep (*store, std::to_string (i), object_size, i).ok ());
  (void)store->sweep ();
  left = left_of (temp.path (), 20);
  fail_unless (left.count (0) == 0 && left.count (1) == 0);
  for (int fd : {ready[0], ready[1], done[0]}) close (fd);
}
GST_END_TEST;

GST_START_TEST (full_of_what_is_in_use)
{
  TempDir temp;
  fill (temp.path (), 20);
  Options options = limited ();
  options.retry = 1ms;
  auto store = open (temp.path (), options);
  // All are held before anything can be evicted: by another store's folder
  // name it would be the same store, so hold the locks as a reader does.
  std::vector<disk::File> held;
  (void)store->sweep ();
  for (const fs::path &path : test::files_of (temp.path (), ".idx")) {
    held.push_back (disk::open_file (disk::system (), path, O_RDONLY));
    fail_unless (held.back ().lock (disk::Lock::shared) == disk::Locked::yes);
  }
  // A whole new one is too large for what is left, and is given up as it grows.
  auto writer = store->create ("new");
  fail_unless (writer.ok ());
  Error why = Error::not_found;
  for (unsigned i = 0; i < 200 && why == Error::not_found; i++) {
    auto result = (*writer)->append ({}, test::chunk (test::Bytes (4000)), 10s);
    if (!result) why = result.code ();
    (void)store->sweep ();
  }
  fail_unless (why == Error::no_space, "%s", store::to_string (why));
  (*writer)->abort ();
  (void)(*writer)->close ();
  held.clear ();
  // Nobody has to ask for it to go on: it looks again by itself.
  while (store->level ().full) std::this_thread::yield ();
  fail_unless (keep (*store, "new", object_size, 1).ok ());
}
GST_END_TEST;

GST_START_TEST (no_object_fills_the_cache)
{
  TempDir temp;
  auto store = open (temp.path (), limited ());
  fail_unless (keep (*store, "small", object_size, 1).ok ());
  fail_unless (keep (*store, "large", limit, 1).code () == Error::too_large);
  fail_unless (keep (*store, "small", object_size, 2).ok ());
  fail_unless (is_there (*store, "small", object_size, 2));
}
GST_END_TEST;

GST_START_TEST (something_is_left_free)
{
  TempDir temp;
  fill (temp.path (), 10);
  std::uint64_t each = bytes_of (temp.path ()) / 10;
  FakeDisk disk;
  // A tenth more than the least is made free: that is what three take.
  Options options{.slice_size = 4000, .min_free = 20 * each, .disk = &disk};
  disk.free = 22 * each - 3 * each;
  options.retry = 1h;
  auto store = open (temp.path (), options);
  Level level = store->sweep ();
  fail_unless (level.evictions == 3 && !level.full);
  fail_unless (
      left_of (temp.path (), 10) == (std::set<unsigned>{3, 4, 5, 6, 7, 8, 9}));
  // Somebody else fills the disk, and all of ours is not enough.
  disk.free = 0;
  auto reader = store->find ("9");
  for (unsigned i = 3; i < 9; i++)
    fs::remove (index_of (temp.path (), std::to_string (i)));
  for (const fs::path &path : test::files_of (temp.path (), ".dat"))
    if (path.stem () != index_of (temp.path (), "9").stem ()) fs::remove (path);
  level = store->sweep ();
  fail_unless (level.full && level.objects == 1);
  fail_unless (store->create ("k").code () == Error::no_space);
  fail_unless (is_there (*store, "9", object_size, 9));
  disk.free = 30 * each;
  fail_unless (!store->sweep ().full);
  fail_unless (keep (*store, "k", object_size, 1).ok ());
}
GST_END_TEST;

// Also without a limit: otherwise a disk that is full would stay so.
GST_START_TEST (a_full_disk_makes_room)
{
  TempDir temp;
  fill (temp.path (), 10);
  FakeDisk disk;
  Options options{.slice_size = 4000, .retry = 1h, .disk = &disk};
  auto store = open (temp.path (), options);
  auto writer = store->create ("k");
  disk.full = true;
  (void)(*writer)->append ({}, test::chunk (test::Bytes (9000)), 10s);
  (*writer)->finish ();
  auto result = (*writer)->close ();
  fail_unless (result.code () == Error::no_space);
  fail_unless (result.position () == ENOSPC);
  Level level = store->sweep ();
  fail_unless (!level.full && level.evictions >= 1 && level.evictions < 4);
  fail_if (left_of (temp.path (), 10).count (0) == 1);
  fail_unless (keep (*store, "k", object_size, 1).ok ());
}
GST_END_TEST;

GST_START_TEST (only_ours_is_removed)
{
  TempDir temp;
  fill (temp.path (), 3);
  fs::path shard = index_of (temp.path (), "0").parent_path ();
  std::string stem = shard.filename ().string () + std::string (30, '0');
  const test::Bytes text = test::hex ("666f726569676e");
  const std::array<fs::path, 5> foreign{shard / (stem + ".00000001.idx"),
      shard / (stem + ".00000002.dat"), shard / "notes.txt",
      temp.path () / "notes.idx", shard / (stem + ".idx")};
  for (const fs::path &path : foreign) test::write_file (path, text);
  // Of one of ours, under another name.
  fs::path moved = shard / (stem + ".00000003.idx");
  fs::copy_file (index_of (temp.path (), "1"), moved);
  // What is left of one whose removal was interrupted.
  fs::remove (index_of (temp.path (), "2"));
  auto store = open (temp.path (), {.l2_size = 1});
  (void)store->sweep ();
  for (const fs::path &path : foreign)
    fail_unless (test::read_file (path) == text, "%s", path.c_str ());
  fail_unless (fs::exists (moved));
  fail_unless (left_of (temp.path (), 3).empty ());
  fail_unless (test::files_of (temp.path (), ".dat").size () == 1);
}
GST_END_TEST;

// Whoever looks for an object does not wait for the folder to be looked
// through.
GST_START_TEST (a_hit_does_not_wait_for_the_scan)
{
  TempDir temp;
  fill (temp.path (), 3);
  FakeDisk disk;
  disk.held_folder = temp.path ().string ();
  disk.hold_list = true;
  auto store = open (temp.path (), limited (&disk));
  disk.wait_for_held ();
  fail_unless (is_there (*store, "1", object_size, 1));
  fail_unless (keep (*store, "new", object_size, 5).ok ());
  fail_if (store->level ().known);
  disk.release ();
  fail_unless (store->sweep ().objects == 4);
}
GST_END_TEST;

GST_START_TEST (eviction_holds_up_nobody)
{
  TempDir temp;
  fill (temp.path (), 20);
  FakeDisk disk;
  disk.hold_unlink = true;
  auto store = open (temp.path (), limited (&disk));
  disk.wait_for_held ();
  fail_unless (is_there (*store, "19", object_size, 19));
  fail_unless (keep (*store, "new", object_size, 5).ok ());
  fail_unless (is_there (*store, "new", object_size, 5));
  disk.release ();
  fail_unless (store->sweep ().bytes <= limit);
}
GST_END_TEST;

GST_START_TEST (an_object_expires)
{
  TempDir temp;
  auto store = open (temp.path (), {});
  fail_unless (keep (*store, "k", 100, 1).ok ());
  fail_unless (store->find ("k", 60s).ok ());
  auto now = static_cast<std::uint64_t> (time (nullptr));
  struct Row
  {
    std::uint64_t created;
    bool fresh;
  };
  // Also one of the future: the clock was set back.
  for (const Row &row : {Row{now - 50, true}, Row{now - 70, false},
           Row{0, false}, Row{now + 50, true}, Row{now + 70, false},
           Row{~std::uint64_t{0}, false}}) {
    record::Header header;
    header.id = 7;
    header.created = row.created;
    header.slice_size = 100;
    header.key = "old";
    test::Bytes index = *record::encode (header);
    record::Journal::Entry end = record::Journal (index).complete ();
    index.insert (index.end (), end.bytes.begin (), end.bytes.end ());
    test::Bytes data (record::data_start);
    auto preamble = record::data_preamble (7);
    std::copy (preamble.begin (), preamble.end (), data.begin ());
    folder::Names names =
        folder::Family (disk::system (), temp.path (), "old").names (1);
    fs::create_directories (names.index.parent_path ());
    test::write_file (names.index, index);
    test::write_file (names.data, data);
    fail_unless (store->find ("old").ok ());
    auto found = store->find ("old", 60s);
    fail_unless (found.ok () == row.fresh);
    fail_unless (row.fresh || found.code () == Error::expired);
  }
}
GST_END_TEST;

GST_START_TEST (a_slice_is_read_once)
{
  TempDir temp;
  auto store = open (temp.path (), {.slice_size = 4000});
  fail_unless (keep (*store, "k", object_size, 1).ok ());
  slices::Memory memory (1 << 20);
  auto reader = *store->find ("k");
  auto first = reader->read (1, memory);
  auto second = reader->read (1, memory);
  fail_unless (first.ok () && second.ok ());
  fail_unless (first->bytes.data () == second->bytes.data ());
  fail_unless (memory.stats ().hits == 1 && memory.stats ().misses == 1);
  fail_unless (first->bytes.size () == reader->index ().records[1].stored);
  fail_if (reader->read (1000, memory).ok ());
  // Of another generation nothing is taken.
  fail_unless (keep (*store, "k", object_size, 2).ok ());
  auto other = (*store->find ("k"))->read (1, memory);
  fail_if (std::ranges::equal (other->bytes, first->bytes));
}
GST_END_TEST;

static Suite *limits_suite ()
{
  Suite *suite = suite_create ("limits");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_was_not_used_for_longest_goes);
  tcase_add_test (tests, finding_counts_as_a_use);
  tcase_add_test (tests, is_kept_while_it_is_written);
  tcase_add_test (tests, what_is_in_use_stays);
  tcase_add_test (tests, full_of_what_is_in_use);
  tcase_add_test (tests, no_object_fills_the_cache);
  tcase_add_test (tests, something_is_left_free);
  tcase_add_test (tests, a_full_disk_makes_room);
  tcase_add_test (tests, only_ours_is_removed);
  tcase_add_test (tests, a_hit_does_not_wait_for_the_scan);
  tcase_add_test (tests, eviction_holds_up_nobody);
  tcase_add_test (tests, an_object_expires);
  tcase_add_test (tests, a_slice_is_read_once);
  return suite;
}

GST_CHECK_MAIN (limits)

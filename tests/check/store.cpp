// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <map>
#include <random>
#include <thread>

#include "cacheseal.h"
#include "codec.h"
#include "inventory.h"
#include "teststore.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using store::Error;
using store::Store;
using test::Bytes;
using test::chunk;
using test::files_of;
using test::is_there;
using test::pattern;
using test::payload_of;
using test::TempDir;

constexpr const store::Options &small = test::small_store;

std::shared_ptr<Store> open (
    const fs::path &folder, const store::Options &options = small)
{
  auto result = Store::open (folder, options);
  fail_unless (
      result.ok (), "%s", result ? "" : store::to_string (result.code ()));
  return *result;
}

// Events and packets that follow from the seed. Without check's macros, which
// are for one thread of one process.
bool try_write (store::Writer &writer, std::size_t size, unsigned seed)
{
  bool good = writer.event (test::hex ("e0"), 10s).ok ();
  Bytes bytes = pattern (size, seed);
  std::size_t step = 33 + seed;
  for (std::size_t at = 0; at < size; at += step) {
    auto from = bytes.begin () + static_cast<std::ptrdiff_t> (at);
    auto length =
        static_cast<std::ptrdiff_t> (std::min (step, bytes.size () - at));
    record::Packet packet;
    packet.pts = at;
    good &=
        writer.append (packet, chunk (Bytes (from, from + length)), 10s).ok ();
  }
  return good && writer.event (test::hex ("e1"), 10s).ok ();
}

void write (store::Writer &writer, std::size_t size, unsigned seed)
{
  fail_unless (try_write (writer, size, seed));
}

void keep (Store &store, const char *key, std::size_t size, unsigned seed)
{
  auto writer = store.create (key);
  fail_unless (writer.ok ());
  write (**writer, size, seed);
  (*writer)->finish ();
  fail_unless ((*writer)->close ().ok ());
}

Error why_not (Store &store, const char *key)
{
  auto reader = store.find (key);
  fail_if (reader.ok ());
  return reader.code ();
}

fs::path only_file (const fs::path &folder, const char *suffix)
{
  std::vector<fs::path> found = files_of (folder, suffix);
  fail_unless (found.size () == 1, "%zu files %s", found.size (), suffix);
  return found[0];
}

// In place: a file that is truncated and written anew is slow on ext4.
void overwrite (const fs::path &path, const Bytes &bytes)
{
  std::fstream out (path, std::ios::in | std::ios::out | std::ios::binary);
  out.write (reinterpret_cast<const char *> (bytes.data ()),
      static_cast<std::streamsize> (bytes.size ()));
  out.close ();
  fs::resize_file (path, bytes.size ());
}

unsigned mode_of (const fs::path &path)
{
  struct stat status = {};
  fail_unless (lstat (path.c_str (), &status) == 0);
  return status.st_mode & 07777U;
}

}  // namespace

GST_START_TEST (what_is_written_is_read)
{
  TempDir temp;
  auto store = open (temp.path () / "a" / "b");
  fail_unless (why_not (*store, "k") == Error::not_found);
  keep (*store, "k", 1000, 1);
  keep (*store, "other", 0, 2);
  fail_unless (is_there (*store, "k", 1000, 1));
  fail_unless (is_there (*store, "other", 0, 2));
  fail_unless (why_not (*store, "K") == Error::not_found);

  auto reader = store->find ("k");
  const record::Index &index = (*reader)->index ();
  fail_unless (index.bytes == 1000);
  fail_unless (index.header.key == "k");
  // e0, ten slices, e1
  fail_unless (index.records.size () == 12);
  fail_unless (index.records.front ().type == record::Type::event);
  fail_unless (index.records.back ().type == record::Type::event);

  // And by another store, as after a restart.
  store = nullptr;
  reader = relay::failure (Error::not_found);
  fail_unless (is_there (*open (temp.path () / "a" / "b"), "k", 1000, 1));
}
GST_END_TEST;

// From where they are, which is let go when it was written.
GST_START_TEST (large_packets_are_written)
{
  TempDir temp;
  store::Options options = small;
  options.slice_size = 8192;
  auto store = open (temp.path (), options);
  auto writer = *store->create ("k");
  const Bytes bytes = pattern (50000, 5);
  auto owner = std::make_shared<const Bytes> (bytes);
  std::weak_ptr<const Bytes> watch = owner;
  for (std::size_t at = 0, i = 0; at < bytes.size (); i++) {
    std::size_t size =
        std::min<std::size_t> (i % 3 * 3000 + 77, bytes.size () - at);
    store::Chunk part{std::span (*owner).subspan (at, size), owner};
    fail_unless (writer->append ({}, std::move (part), 10s).ok ());
    at += size;
  }
  owner.reset ();
  writer->finish ();
  fail_unless (writer->close ().ok ());
  fail_unless (watch.expired ());
  fail_unless (is_there (*store, "k", 50000, 5));
}
GST_END_TEST;

namespace {

// Without check's macros.
bool keep_text (Store &store, const char *key, std::size_t size)
{
  auto writer = *store.create (key);
  bool good = true;
  for (std::size_t at = 0; at < size; at += 500)
    good &= writer->append ({}, chunk (Bytes (500, 'a')), 10s).ok ();
  writer->finish ();
  return good && writer->close ().ok ();
}

}  // namespace

GST_START_TEST (slices_are_compressed_where_that_pays)
{
  if (!codec::is_available ()) {
    std::fprintf (stderr, "skipped: this build has no zstd\n");
    return;
  }
  TempDir temp;
  store::Options options = small;
  options.slice_size = 8192;
  options.compress = true;
  {
    auto store = open (temp.path (), options);
    fail_unless (keep_text (*store, "k", 50000));
    fail_unless (fs::file_size (only_file (temp.path (), ".dat")) < 15000);
    auto reader = *store->find ("k");
    fail_unless (payload_of (*reader) == Bytes (50000, 'a'));
    // The memory has what comes out.
    slices::Memory memory (1 << 20);
    for (int i = 0; i < 2; i++) {
      bool from_disk = false;
      auto slice = reader->read (0, memory, &from_disk);
      fail_unless (slice.ok () && from_disk == (i == 0));
      fail_unless (slice->bytes.size () == reader->index ().records[0].size ());
      fail_unless (slice->bytes[8191] == 'a');
    }
    fail_unless (inventory::verify (disk::system (),
                     inventory::list (disk::system (), temp.path ())[0]) ==
                 inventory::State::whole);
    keep (*store, "noise", 50000, 3);
    fail_unless (is_there (*store, "noise", 50000, 3));
  }
  // Whoever does not compress reads it as well.
  auto store = open (temp.path ());
  fail_unless (payload_of (**store->find ("k")) == Bytes (50000, 'a'));
  inventory::purge (disk::system (), temp.path (), "noise");
  // No changed byte goes unseen.
  const fs::path path = only_file (temp.path (), ".dat");
  const Bytes data = test::read_file (path);
  for (std::size_t at = record::data_start; at < data.size (); at++) {
    Bytes changed = data;
    changed[at] ^= 1;
    overwrite (path, changed);
    auto reader = *store->find ("k");
    std::optional<Bytes> payload = payload_of (*reader);
    fail_if (payload && *payload != Bytes (50000, 'a'), "byte %zu", at);
  }
}
GST_END_TEST;

// What an older version wrote is not there, and goes when it is written anew.
GST_START_TEST (files_of_an_older_version_are_a_miss)
{
  for (bool is_newer : {false, true}) {
    TempDir temp;
    keep (*open (temp.path ()), "k", 1000, 1);
    for (const char *suffix : {".idx", ".dat"}) {
      Bytes bytes = test::read_file (only_file (temp.path (), suffix));
      bytes[8] = is_newer ? 3 : 1;
      if (suffix[1] == 'i') test::reseal (bytes);
      overwrite (only_file (temp.path (), suffix), bytes);
    }
    auto store = open (temp.path ());
    fail_unless (why_not (*store, "k") == Error::not_found);
    keep (*store, "k", 2000, 2);
    fail_unless (is_there (*store, "k", 2000, 2));
    // Of a newer one nothing is known, and it is left alone.
    fail_unless (
        files_of (temp.path (), ".idx").size () == (is_newer ? 2U : 1U));
    fail_unless (
        files_of (temp.path (), ".dat").size () == (is_newer ? 2U : 1U));
  }
}
GST_END_TEST;

// The system is told before what is read next.
GST_START_TEST (slices_are_read_ahead)
{
  class AdvisedDisk final : public disk::Disk
  {
  public:
    int advise (int, off_t offset, off_t size) override
    {
      for (off_t i = offset; i < offset + size; i++) advised[i]++;
      return 0;
    }
    std::map<off_t, unsigned> advised;
  };
  for (unsigned prefetch : {0U, 1U, 3U, 100U}) {
    TempDir temp;
    AdvisedDisk disk;
    store::Options options = small;
    options.disk = &disk;
    options.prefetch = prefetch;
    auto store = open (temp.path (), options);
    keep (*store, "k", 1000, 1);
    auto reader = *store->find ("k");
    slices::Memory memory (1 << 20);
    const std::vector<record::Record> &records = reader->index ().records;
    for (std::uint32_t i = 0; i < records.size (); i++) {
      fail_unless (reader->read (i, memory).ok ());
      std::size_t last =
          std::min<std::size_t> (i + prefetch, records.size () - 1);
      auto end =
          static_cast<off_t> (records[last].offset + records[last].stored);
      if (prefetch == 0) end = 0;
      if (prefetch > 0) fail_unless (disk.advised.rbegin ()->first == end - 1);
      fail_unless (disk.advised.count (end) == 0);
    }
    std::size_t all =
        records.back ().offset + records.back ().stored - record::data_start;
    if (prefetch == 1 || prefetch == 3)
      fail_unless (disk.advised.size () == all);
    disk.advised.clear ();
    fail_unless (reader->read (1, memory).ok ());
    fail_unless (disk.advised.empty (), "it was in the memory");
  }
}
GST_END_TEST;

GST_START_TEST (nobody_else_can_look)
{
  TempDir temp;
  umask (0);
  keep (*open (temp.path () / "c"), "k", 10, 1);
  fail_unless (mode_of (temp.path () / "c") == 0700);
  fail_unless (mode_of (temp.path () / "c" / "CACHETEE") == 0600);
  fs::path index = only_file (temp.path (), ".idx");
  fail_unless (mode_of (index) == 0600);
  fail_unless (mode_of (index.parent_path ()) == 0700);
  fail_unless (mode_of (only_file (temp.path (), ".dat")) == 0600);
}
GST_END_TEST;

GST_START_TEST (one_store_for_a_folder)
{
  TempDir temp;
  auto store = open (temp.path () / "c");
  fs::create_directory_symlink (temp.path () / "c", temp.path () / "link");
  fail_unless (open (temp.path () / "link") == store);
  fail_if (open (temp.path () / "d") == store);
}
GST_END_TEST;

GST_START_TEST (what_is_not_finished_is_removed)
{
  TempDir temp;
  auto store = open (temp.path ());
  {
    auto writer = store->create ("k");
    write (**writer, 1000, 1);
    fail_unless (why_not (*store, "k") == Error::incomplete);
  }
  fail_unless (why_not (*store, "k") == Error::not_found);
  fail_unless (files_of (temp.path (), ".dat").empty ());
  {
    auto writer = store->create ("k");
    write (**writer, 1000, 1);
    (*writer)->abort ();
    (*writer)->finish ();
    fail_unless (
        (*writer)->append ({}, chunk ({1}), 0s).code () == Error::aborted);
    fail_unless ((*writer)->close ().code () == Error::aborted);
  }
  fail_unless (files_of (temp.path (), ".idx").empty ());
}
GST_END_TEST;

GST_START_TEST (a_new_object_takes_the_place_of_the_old)
{
  TempDir temp;
  auto store = open (temp.path ());
  keep (*store, "k", 1000, 1);
  auto old = store->find ("k");
  auto writer = store->create ("k");
  write (**writer, 500, 2);
  // As long as it is not whole the old one is served.
  fail_unless (is_there (*store, "k", 1000, 1));
  (*writer)->finish ();
  fail_unless ((*writer)->close ().ok ());
  fail_unless (is_there (*store, "k", 500, 2));
  only_file (temp.path (), ".idx");
  // Who reads the old one goes on.
  fail_unless (payload_of (**old) == pattern (1000, 1));
}
GST_END_TEST;

GST_START_TEST (there_is_always_one_while_it_is_replaced)
{
  TempDir temp;
  auto store = open (temp.path ());
  keep (*store, "k", 100, 1);
  std::atomic<bool> done = false;
  unsigned missed = 0;
  std::thread reader ([&] {
    while (!done)
      if (!store->find ("k")) missed++;
  });
  for (unsigned round = 0; round < 300; round++) keep (*store, "k", 100, 1);
  done = true;
  reader.join ();
  fail_unless (missed == 0, "%u misses", missed);
}
GST_END_TEST;

GST_START_TEST (one_writer_for_a_key)
{
  TempDir temp;
  auto store = open (temp.path ());
  auto first = store->create ("k");
  fail_unless (first.ok ());
  fail_unless (store->create ("k").code () == Error::busy);
  fail_unless (store->create ("other").ok ());
  write (**first, 300, 1);
  (*first)->finish ();
  fail_unless ((*first)->close ().ok ());
  *first = nullptr;
  fail_unless (is_there (*store, "k", 300, 1));
  fail_unless (store->create ("k").ok ());
}
GST_END_TEST;

// Of another, who looks at it when it is not whole yet and gets the lock when
// it is.
GST_START_TEST (what_was_just_finished_is_not_removed)
{
  TempDir temp;
  auto store = open (temp.path ());
  for (unsigned round = 0; round < 100; round++) {
    std::string key = std::to_string (round);
    auto first = store->create (key);
    write (**first, 2000, 1);
    std::latch begun (1);
    std::atomic<bool> done = false;
    std::thread other ([&] {
      begun.count_down ();
      while (!done) (void)store->create (key);
    });
    begun.wait ();
    (*first)->finish ();
    fail_unless ((*first)->close ().ok ());
    *first = nullptr;
    // One that saw it before has its turn.
    (void)store->create (key);
    done = true;
    other.join ();
    fail_unless (is_there (*store, key.c_str (), 2000, 1), "round %u", round);
  }
}
GST_END_TEST;

GST_START_TEST (keys_have_a_limit)
{
  TempDir temp;
  auto store = open (temp.path ());
  fail_unless (
      store->create (std::string (65481, 'k')).code () == Error::key_too_long);
  fail_unless (store->create (std::string (65480, 'k')).ok ());
}
GST_END_TEST;

// The queue's limit: a chunk whose owner does not go holds the thread up.
GST_START_TEST (a_full_queue_makes_the_object_be_given_up)
{
  TempDir temp;
  std::latch go (1);
  auto store = open (temp.path (), {.queue_bytes = 1000, .slice_size = 100});
  auto writer = store->create ("k");
  std::shared_ptr<const void> held (&go, [&] (const void *) { go.wait (); });
  fail_unless ((*writer)->append ({}, {{}, std::move (held)}, 0s).ok ());
  fail_unless ((*writer)->append ({}, chunk (Bytes (400)), 0s).ok ());
  fail_unless ((*writer)->append ({}, chunk (Bytes (400)), 1ms).code () ==
               Error::overflow);
  // And it stays given up.
  fail_unless (
      (*writer)->append ({}, chunk ({1}), 0s).code () == Error::overflow);
  go.count_down ();
  (*writer)->finish ();
  fail_unless ((*writer)->close ().code () == Error::overflow);
  *writer = nullptr;
  fail_unless (why_not (*store, "k") == Error::not_found);
  // What is larger than the queue goes in alone.
  keep (*store, "k", 0, 1);
  auto large = store->create ("large");
  fail_unless ((*large)->append ({}, chunk (Bytes (5000)), 10s).ok ());
  fail_unless ((*large)->append ({}, chunk (Bytes (5000)), 10s).ok ());
}
GST_END_TEST;

GST_START_TEST (abort_ends_a_wait)
{
  TempDir temp;
  std::latch go (1);
  auto store = open (temp.path (), {.queue_bytes = 1, .slice_size = 100});
  auto writer = store->create ("k");
  std::shared_ptr<const void> held (&go, [&] (const void *) { go.wait (); });
  fail_unless ((*writer)->append ({}, {{}, std::move (held)}, 0s).ok ());
  auto waiting = std::async (std::launch::async,
      [&] { return (*writer)->append ({}, chunk ({1}), 1h); });
  (*writer)->abort ();
  fail_unless (waiting.get ().code () == Error::aborted);
  go.count_down ();
}
GST_END_TEST;

GST_START_TEST (an_event_has_a_limit)
{
  TempDir temp;
  auto store = open (temp.path (), {});
  auto writer = store->create ("k");
  fail_unless ((*writer)->event (Bytes (record::event_limit + 1), 1s).ok ());
  (*writer)->finish ();
  fail_unless ((*writer)->close ().code () == Error::too_large);
  fail_unless (files_of (temp.path (), ".idx").empty ());
}
GST_END_TEST;

GST_START_TEST (folders_that_are_refused)
{
  TempDir temp;
  test::write_file (temp.path () / "file", test::hex ("00"));
  // Also for root, who may write into read-only folders.
  auto below = Store::open (temp.path () / "file" / "cache");
  fail_unless (below.code () == Error::cannot_make_folder);
  fail_unless (below.position () == ENOTDIR);
  fail_unless (
      Store::open (temp.path () / "file").code () == Error::cannot_make_folder);
  fs::create_directory (temp.path () / "foreign");
  std::string_view text = "cachetee 9\n";
  test::write_file (temp.path () / "foreign" / "CACHETEE",
      {reinterpret_cast<const std::uint8_t *> (text.data ()), text.size ()});
  fail_unless (
      Store::open (temp.path () / "foreign").code () == Error::foreign);
  fs::create_directories (temp.path () / "folder" / "CACHETEE");
  fail_unless (Store::open (temp.path () / "folder").code () == Error::foreign);
  // One that is being made by somebody.
  fs::create_directory (temp.path () / "early");
  test::write_file (temp.path () / "early" / "CACHETEE", {});
  fail_unless (Store::open (temp.path () / "early").ok ());
}
GST_END_TEST;

// A folder of somebody's in the place of ours, and the like.
GST_START_TEST (foreign_files_are_left_alone)
{
  TempDir temp;
  auto store = open (temp.path ());
  keep (*store, "k", 300, 1);
  fs::path index = only_file (temp.path (), ".idx");
  fs::path data = only_file (temp.path (), ".dat");
  Bytes text = test::hex ("666f726569676e");

  struct Row
  {
    const char *what;
    std::function<void (const fs::path &)> make;
  };
  const std::array<Row, 4> rows{{
      {"file", [&] (const fs::path &p) { test::write_file (p, text); }},
      {"folder", [] (const fs::path &p) { fs::create_directory (p); }},
      {"link", [] (const fs::path &p) { fs::create_symlink ("/dev/zero", p); }},
      {"fifo", [] (const fs::path &p) { mkfifo (p.c_str (), 0600); }},
  }};
  for (const fs::path &path : {index, data}) {
    for (const Row &row : rows) {
      fs::path aside = temp.path () / "aside";
      fs::rename (path, aside);
      row.make (path);
      fs::file_type type = fs::symlink_status (path).type ();
      fail_if (store->find ("k").ok (), "%s was taken", row.what);
      // Recorded anew next to it, and it is still there.
      keep (*store, "k", 200, 2);
      fail_unless (is_there (*store, "k", 200, 2));
      bool ours = path == data && row.what == rows[0].what;
      fail_unless (
          fs::symlink_status (path).type () == type, "%s is gone", row.what);
      if (ours) fail_unless (test::read_file (path) == text);
      for (const fs::path &made : files_of (temp.path (), ".idx"))
        if (made != path) fs::remove (made);
      for (const fs::path &made : files_of (temp.path (), ".dat"))
        if (made != path) fs::remove (made);
      fs::remove (path);
      // The pair for the next row.
      keep (*store, "k", 300, 1);
      for (const fs::path &made : files_of (temp.path (), ".idx"))
        if (made != index) fs::rename (made, index);
      for (const fs::path &made : files_of (temp.path (), ".dat"))
        if (made != data) fs::rename (made, data);
      fs::remove (aside);
      fail_unless (is_there (*store, "k", 300, 1));
    }
  }
}
GST_END_TEST;

// Every byte of both files, and every length: a miss, or the right bytes.
GST_START_TEST (damage_is_never_served)
{
  TempDir temp;
  auto store = open (temp.path ());
  keep (*store, "k", 450, 1);
  unsigned found = 0;
  unsigned refused = 0;
  for (const char *suffix : {".idx", ".dat"}) {
    fs::path path = only_file (temp.path (), suffix);
    const Bytes good = test::read_file (path);
    auto look = [&] (const char *what, std::size_t at) {
      auto reader = store->find ("k");
      std::optional<Bytes> payload;
      if (reader) payload = payload_of (**reader);
      (payload ? found : refused)++;
      fail_if (payload && *payload != pattern (450, 1), "%s %s %zu", suffix,
          what, at);
    };
    for (std::size_t at = 0; at < good.size (); at++) {
      // The headers' padding is large.
      if (at > 128 && at < 4090 && at % 61 != 0) continue;
      Bytes bad = good;
      bad[at] ^= 0x10;
      overwrite (path, bad);
      look ("changed", at);
      bad.resize (at);
      overwrite (path, bad);
      look ("cut", at);
      bad = good;
      std::fill (bad.begin () + static_cast<std::ptrdiff_t> (at), bad.end (),
          std::uint8_t{0});
      overwrite (path, bad);
      look ("zeros from", at);
    }
    overwrite (path, good);
  }
  // Nothing but the padding of the data file may go unseen.
  fail_unless (refused > 3000, "%u refused", refused);
  fail_unless (found < 200, "%u found", found);
  fail_unless (is_there (*store, "k", 450, 1));
}
GST_END_TEST;

GST_START_TEST (files_of_two_objects_are_not_mixed)
{
  TempDir temp;
  auto store = open (temp.path ());
  keep (*store, "k", 300, 1);
  fs::path index = only_file (temp.path (), ".idx");
  fs::path data = only_file (temp.path (), ".dat");
  Bytes old_index = test::read_file (index);
  Bytes old_data = test::read_file (data);
  keep (*store, "k", 300, 2);
  index = only_file (temp.path (), ".idx");
  data = only_file (temp.path (), ".dat");
  Bytes new_data = test::read_file (data);
  test::write_file (data, old_data);
  fail_unless (why_not (*store, "k") == Error::damaged);
  test::write_file (data, new_data);
  fail_unless (is_there (*store, "k", 300, 2));
  test::write_file (index, old_index);
  fail_unless (why_not (*store, "k") == Error::damaged);
  // The file of another key under this one's name.
  test::write_file (data, old_data);
  fail_unless (is_there (*store, "k", 300, 1));
  keep (*store, "other", 300, 3);
  for (const fs::path &other : files_of (temp.path (), ".idx"))
    if (other != index) test::write_file (index, test::read_file (other));
  fail_unless (why_not (*store, "k") == Error::not_found);
}
GST_END_TEST;

// A writer that is killed at any time leaves the whole object, or none.
GST_START_TEST (a_killed_writer_leaves_all_or_nothing)
{
  TempDir temp;
  std::minstd_rand random (42);
  unsigned whole = 0;
  for (unsigned round = 0; round < 24; round++) {
    std::array<int, 2> ready{};
    fail_unless (pipe (ready.data ()) == 0);
    pid_t child = fork ();
    fail_unless (child >= 0);
    if (child == 0) {
      auto store = Store::open (temp.path (), small);
      // Over and over, each time another object.
      for (unsigned seed = 0;; seed++) {
        char byte = 0;
        if (::write (ready[1], &byte, 1) != 1) _exit (1);
        auto writer = (*store)->create ("k");
        if (!writer) _exit (2);
        if (!try_write (**writer, 20000, seed % 50)) _exit (3);
        (*writer)->finish ();
        (void)(*writer)->close ();
      }
    }
    // In its first object, or in a later one.
    std::array<char, 2> bytes{};
    for (std::size_t i = 0; i <= round % 2; i++)
      fail_unless (::read (ready[0], &bytes[i], 1) == 1);
    std::this_thread::sleep_for (std::chrono::microseconds (random () % 20000));
    kill (child, SIGKILL);
    int status = 0;
    waitpid (child, &status, 0);
    fail_unless (WIFSIGNALED (status), "the child ended by itself");
    close (ready[0]);
    close (ready[1]);

    auto store = open (temp.path ());
    auto reader = store->find ("k");
    if (!reader) continue;
    std::optional<Bytes> payload = payload_of (**reader);
    fail_unless (payload.has_value ());
    bool known = false;
    for (unsigned seed = 0; seed < 50 && !known; seed++)
      known = *payload == pattern (20000, seed);
    fail_unless (known);
    whole++;
  }
  fail_unless (whole > 0);
  // The next writer clears up.
  auto store = open (temp.path ());
  keep (*store, "k", 300, 1);
  fail_unless (is_there (*store, "k", 300, 1));
  fail_unless (files_of (temp.path (), ".idx").size () < 24);
}
GST_END_TEST;

GST_START_TEST (what_a_dead_writer_left_is_removed)
{
  TempDir temp;
  pid_t child = fork ();
  fail_unless (child >= 0);
  if (child == 0) {
    auto store = Store::open (temp.path (), small);
    auto writer = (*store)->create ("k");
    if (!writer) _exit (1);
    if (!try_write (**writer, 1000, 1)) _exit (2);
    kill (getpid (), SIGKILL);
  }
  waitpid (child, nullptr, 0);
  only_file (temp.path (), ".idx");
  auto store = open (temp.path ());
  fail_unless (why_not (*store, "k") == Error::incomplete);
  keep (*store, "k", 300, 2);
  only_file (temp.path (), ".idx");
  only_file (temp.path (), ".dat");
  fail_unless (is_there (*store, "k", 300, 2));
}
GST_END_TEST;

// As when the disk is full; and the signal that comes with it ends nobody.
GST_START_TEST (no_space_is_a_failure_and_no_more)
{
  TempDir temp;
  pid_t child = fork ();
  fail_unless (child >= 0);
  if (child == 0) {
    rlimit limit{10000, 10000};
    setrlimit (RLIMIT_FSIZE, &limit);
    auto store = Store::open (temp.path (), small);
    auto writer = (*store)->create ("k");
    if (!writer) _exit (2);
    for (int i = 0; i < 300; i++)
      (void)(*writer)->append ({}, chunk (Bytes (100)), 10s);
    (*writer)->finish ();
    bool right =
        (*writer)->close ().code () == Error::no_space &&
        (*writer)->append ({}, chunk ({1}), 0s).code () == Error::aborted;
    _exit (right ? 0 : 1);
  }
  int status = 0;
  waitpid (child, &status, 0);
  fail_unless (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  fail_unless (files_of (temp.path (), ".dat").empty ());
}
GST_END_TEST;

// Also not what the caller's thread writes: the marker, and the headers.
GST_START_TEST (a_file_size_limit_kills_nobody)
{
  for (rlim_t size : {rlim_t{0}, rlim_t{100}}) {
    TempDir temp;
    pid_t child = fork ();
    fail_unless (child >= 0);
    if (child == 0) {
      rlimit limit{size, size};
      setrlimit (RLIMIT_FSIZE, &limit);
      auto store = Store::open (temp.path (), small);
      Error error = Error::not_found;
      if (!store)
        error = store.code ();
      else if (auto writer = (*store)->create ("k"); !writer)
        error = writer.code ();
      _exit (error == Error::no_space ? 0 : 1);
    }
    int status = 0;
    waitpid (child, &status, 0);
    fail_unless (WIFEXITED (status) && WEXITSTATUS (status) == 0,
        "limit %lu: status %x", static_cast<unsigned long> (size), status);
    fail_unless (files_of (temp.path (), ".idx").empty ());
  }
}
GST_END_TEST;

GST_START_TEST (a_vanished_folder_fails_nobody)
{
  TempDir temp;
  auto store = open (temp.path () / "c");
  auto writer = store->create ("k");
  write (**writer, 300, 1);
  fs::remove_all (temp.path () / "c");
  write (**writer, 300, 1);
  (*writer)->finish ();
  fail_unless ((*writer)->close ().ok ());
  *writer = nullptr;
  fail_unless (why_not (*store, "k") == Error::not_found);
  // Made again by the next that writes.
  keep (*store, "k", 300, 1);
  fail_unless (is_there (*store, "k", 300, 1));
}
GST_END_TEST;

GST_START_TEST (many_threads)
{
  TempDir temp;
  auto store = open (temp.path ());
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; i++) {
    threads.emplace_back ([&, i] {
      std::string key = "key " + std::to_string (i);
      for (unsigned round = 0; round < 5; round++) {
        keep (*store, key.c_str (), 2000, i);
        fail_unless (is_there (*store, key.c_str (), 2000, i));
        // And all at one.
        auto writer = store->create ("shared");
        if (writer && *writer != nullptr) {
          write (**writer, 1000, 7);
          (*writer)->finish ();
          fail_unless ((*writer)->close ().ok ());
        }
        if (auto reader = store->find ("shared"))
          fail_unless (payload_of (**reader) == pattern (1000, 7));
      }
    });
  }
  for (std::thread &thread : threads) thread.join ();
  fail_unless (is_there (*store, "shared", 1000, 7));
}
GST_END_TEST;

GST_START_TEST (a_prefix_is_compared)
{
  TempDir temp;
  auto store = open (temp.path ());
  keep (*store, "k", 1000, 1);
  auto reader = *store->find ("k");
  const Bytes bytes = pattern (1000, 1);
  for (std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    store::Prefix prefix (reader, 555);
    std::span<const std::uint8_t> all (bytes);
    while (!prefix.done ()) {
      std::span<const std::uint8_t> part =
          all.first (std::min (step, all.size ()));
      std::size_t size = part.size ();
      fail_unless (prefix.take (part));
      all = all.subspan (size - part.size ());
    }
    fail_unless (all.size () == 1000 - 555);
    // There is no more to compare.
    fail_unless (prefix.take (all));
    fail_unless (all.size () == 1000 - 555);
  }
  Bytes other = bytes;
  other.at (554) ^= 1;
  std::span<const std::uint8_t> all (other);
  fail_if (store::Prefix (reader, 555).take (all));
  all = other;
  fail_unless (store::Prefix (reader, 554).take (all));
  // More than there is.
  all = bytes;
  store::Prefix longer (reader, 1001);
  fail_unless (longer.take (all));
  fail_if (longer.done ());
  all = bytes;
  fail_if (longer.take (all));
}
GST_END_TEST;

static Suite *store_suite ()
{
  Suite *suite = suite_create ("store");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_is_written_is_read);
  tcase_add_test (tests, large_packets_are_written);
  tcase_add_test (tests, slices_are_compressed_where_that_pays);
  tcase_add_test (tests, files_of_an_older_version_are_a_miss);
  tcase_add_test (tests, slices_are_read_ahead);
  tcase_add_test (tests, nobody_else_can_look);
  tcase_add_test (tests, one_store_for_a_folder);
  tcase_add_test (tests, what_is_not_finished_is_removed);
  tcase_add_test (tests, a_new_object_takes_the_place_of_the_old);
  tcase_add_test (tests, there_is_always_one_while_it_is_replaced);
  tcase_add_test (tests, one_writer_for_a_key);
  tcase_add_test (tests, what_was_just_finished_is_not_removed);
  tcase_add_test (tests, keys_have_a_limit);
  tcase_add_test (tests, a_full_queue_makes_the_object_be_given_up);
  tcase_add_test (tests, abort_ends_a_wait);
  tcase_add_test (tests, an_event_has_a_limit);
  tcase_add_test (tests, folders_that_are_refused);
  tcase_add_test (tests, foreign_files_are_left_alone);
  tcase_add_test (tests, damage_is_never_served);
  tcase_add_test (tests, files_of_two_objects_are_not_mixed);
  tcase_add_test (tests, a_killed_writer_leaves_all_or_nothing);
  tcase_add_test (tests, what_a_dead_writer_left_is_removed);
  tcase_add_test (tests, no_space_is_a_failure_and_no_more);
  tcase_add_test (tests, a_file_size_limit_kills_nobody);
  tcase_add_test (tests, a_vanished_folder_fails_nobody);
  tcase_add_test (tests, many_threads);
  tcase_add_test (tests, a_prefix_is_compared);
  return suite;
}

GST_CHECK_MAIN (store)

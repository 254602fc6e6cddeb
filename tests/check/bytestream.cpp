// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bytestream.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <latch>
#include <thread>

#include "codec.h"
#include "folder.h"
#include "inventory.h"
#include "testbytes.h"
#include "testdisk.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using bytestream::Facts;
using bytestream::Filler;
using bytestream::Found;
using bytestream::Place;
using bytestream::Range;
using bytestream::Stream;
using bytestream::unknown;
using store::Error;
using store::Store;
using test::facts_of;
using test::fill;
using test::right_bytes;
using test::TempDir;

// Slices of 100 bytes.
struct Cache
{
  explicit Cache (const fs::path &folder, std::size_t level = 1 << 20,
      store::Options options = test::small_store)
      : memory (level), store (*Store::open (folder, options))
  {
  }
  Stream open (std::string_view key = "k")
  {
    return bytestream::open (*store, key, memory);
  }

  slices::Memory memory;
  std::shared_ptr<Store> store;
};

void keep (const Stream &stream, Range range, unsigned seed = 1)
{
  std::unique_ptr<Filler> filler = stream.claim (range);
  fail_unless (filler != nullptr);
  fail_unless (fill (*filler, range.to, seed).ok ());
  filler.reset ();
  stream.settle ();
}

Place place_at (const Stream &stream, std::uint64_t offset)
{
  return stream.read (offset, 1000).place;
}

std::size_t count_files (const fs::path &folder)
{
  return test::files_of (folder, ".idx").size () +
         test::files_of (folder, ".dat").size ();
}

}  // namespace

GST_START_TEST (what_is_filled_is_read)
{
  TempDir temp;
  {
    Cache cache (temp.path ());
    Stream stream = cache.open ();
    fail_unless (stream.status ().bytes == 0);
    fail_unless (place_at (stream, 0) == Place::hole);
    fail_unless (stream.read (0, 1).range == (Range{0, unknown}));
    // Nothing was asked of the disk yet.
    fail_unless (count_files (temp.path ()) == 0);
    fail_unless (stream.agree (facts_of (1234, "e")));
    fail_unless (stream.read (150, 1).range == (Range{100, 1234}));
    fail_unless (count_files (temp.path ()) == 0);
    keep (stream, {0, unknown});
    fail_unless (stream.status ().complete && stream.status ().stored);
    fail_unless (right_bytes (stream, 0, 1) == 1234U);
    fail_unless (place_at (stream, 1234) == Place::end);
  }
  for (std::size_t level : {std::size_t{0}, std::size_t{1} << 20}) {
    Cache cache (temp.path (), level);
    Stream stream = cache.open ();
    fail_unless (stream.status ().stored && stream.status ().total == 1234);
    fail_unless (stream.facts ().etag == "e");
    fail_unless (stream.present () == (std::vector<Range>{{0, 1234}}));
    for (std::uint64_t offset = 0; offset < 1234; offset += 61)
      fail_unless (right_bytes (stream, offset, 1) == 1234 - offset);
    fail_unless (cache.open ("other").status ().bytes == 0);
    // Packets are another thing.
    fail_unless (cache.store->find ("k").code () == Error::not_found);
  }
}
GST_END_TEST;

// Large pieces are written from where they are, and let go; what is on the disk
// is in the memory only if it was read.
GST_START_TEST (large_pieces_are_kept)
{
  TempDir temp;
  store::Options options = test::small_store;
  options.slice_size = 8192;
  {
    Cache cache (temp.path (), 1 << 20, options);
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (30000)));
    auto owner =
        std::make_shared<const test::Bytes> (test::resource (0, 30000, 1));
    std::weak_ptr<const test::Bytes> watch = owner;
    std::unique_ptr<Filler> filler = stream.claim ({0, unknown});
    for (std::size_t at = 0; at < 30000; at += 3000)
      fail_unless (
          filler->fill ({std::span (*owner).subspan (at, 3000), owner}, 10s)
              .ok ());
    owner.reset ();
    filler.reset ();
    stream.settle ();
    fail_unless (watch.expired ());
    fail_unless (stream.status ().stored);
    fail_unless (cache.memory.stats ().slices == 0);
    fail_unless (right_bytes (stream, 0, 1) == 30000U);
    fail_unless (cache.memory.stats ().slices == 4);
  }
  Cache cache (temp.path (), 0);
  fail_unless (right_bytes (cache.open (), 0, 1) == 30000U);
}
GST_END_TEST;

// In any order, and read by whoever does not compress.
GST_START_TEST (slices_are_compressed)
{
  if (!codec::is_available ()) {
    std::fprintf (stderr, "skipped: this build has no zstd\n");
    return;
  }
  TempDir temp;
  store::Options options = test::small_store;
  options.slice_size = 8192;
  options.compress = true;
  {
    Cache cache (temp.path (), 0, options);
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (50000)));
    for (Range range : {Range{16384, 32768}, Range{0, unknown}}) {
      while (auto filler = stream.claim (range)) {
        std::uint64_t to = std::min<std::uint64_t> (filler->left ().to, 50000);
        while (filler->position () < to) {
          std::uint64_t size =
              std::min<std::uint64_t> (to - filler->position (), 3000);
          test::Bytes part (size, filler->position () < 8192 ? 'a' : 'b');
          fail_unless (filler->fill (test::chunk (part), 10s).ok ());
        }
      }
    }
    stream.settle ();
    fail_unless (stream.status ().stored);
  }
  fail_unless (
      fs::file_size (test::files_of (temp.path (), ".dat").at (0)) < 10000);
  Cache cache (temp.path (), 0);
  Stream stream = cache.open ();
  fail_unless (stream.status ().stored);
  for (std::uint64_t at = 0; at < 50000;) {
    bytestream::Found found = stream.read (at, 50000);
    fail_unless (found.place == Place::bytes);
    // 9000 is the end of a piece.
    for (std::uint8_t byte : found.chunk.bytes)
      fail_unless (byte == (at++ < 9000 ? 'a' : 'b'));
  }
}
GST_END_TEST;

GST_START_TEST (parts_are_kept_and_added_to)
{
  TempDir temp;
  for (std::uint64_t from :
      std::array<std::uint64_t, 5> ({500, 100, 900, 0, 300})) {
    Cache cache (temp.path ());
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (1050, "e")));
    keep (stream, {from, from + 200});
    fail_unless (right_bytes (stream, from, 1, from + 200) ==
                 std::min<std::uint64_t> (200, 1050 - from));
  }
  Cache cache (temp.path ());
  Stream stream = cache.open ();
  fail_unless (
      stream.present () == (std::vector<Range>{{0, 700}, {900, 1050}}));
  fail_unless (stream.read (740, 1).range == (Range{700, 900}));
  fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
  auto objects = inventory::list (disk::system (), temp.path ());
  fail_unless (objects.size () == 1 && objects[0].payload == 850);
  fail_unless (objects[0].state == inventory::State::incomplete);
  keep (stream, {700, 900});
  objects = inventory::list (disk::system (), temp.path ());
  fail_unless (objects[0].state == inventory::State::whole);
  fail_unless (inventory::verify (disk::system (), objects[0]) ==
               inventory::State::whole);
  fail_unless (cache.store->purge ("k") == 1);
  fail_unless (count_files (temp.path ()) == 0);
  // Who has it goes on; who comes finds nothing.
  fail_unless (right_bytes (stream, 0, 1) == 1050U);
  fail_unless (cache.open ().status ().bytes == 0);
}
GST_END_TEST;

// The end is known when it is there.
GST_START_TEST (a_total_that_comes_last)
{
  for (std::uint64_t total :
      std::array<std::uint64_t, 7> ({0, 1, 99, 100, 101, 1000, 1050})) {
    TempDir temp;
    {
      Cache cache (temp.path ());
      Stream stream = cache.open ();
      std::unique_ptr<Filler> filler = stream.claim ({0, unknown});
      fail_unless (fill (*filler, total, 1).ok ());
      if (total > 0) fail_unless (right_bytes (stream, 0, 1) == total);
      fail_unless (place_at (stream, total) == Place::claimed);
      fail_unless (filler->finish (10s).ok ());
      fail_unless (place_at (stream, total) == Place::end);
      fail_unless (
          filler->fill (test::chunk ({1}), 0s).code () == Error::changed);
      filler.reset ();
      stream.settle ();
      fail_unless (stream.status ().stored, "%lu", total);
      fail_unless (stream.facts ().total == total);
    }
    Cache cache (temp.path ());
    fail_unless (cache.open ().status ().stored);
    fail_unless (right_bytes (cache.open (), 0, 1) == total);
  }
}
GST_END_TEST;

GST_START_TEST (another_length_is_another_resource)
{
  TempDir temp;
  Cache cache (temp.path ());
  Stream stream = cache.open ();
  fail_unless (stream.agree (facts_of (250)));
  std::unique_ptr<Filler> filler = stream.claim ({0, unknown});
  fail_unless (fill (*filler, 230, 1).ok ());
  // It ends too early, or not at all.
  fail_unless (filler->finish (10s).code () == Error::changed);
  fail_unless (
      filler->fill (test::chunk (test::resource (230, 250, 1)), 10s).ok ());
  fail_unless (filler->fill (test::chunk ({1}), 10s).code () == Error::changed);
  fail_unless (stream.status ().total == 250);
  // Less than what is there already.
  Stream other = cache.open ("other");
  keep (other, {300, 500});
  filler = other.claim ({0, 100});
  fail_unless (fill (*filler, 50, 1).ok ());
  fail_unless (filler->finish (10s).code () == Error::changed);
  fail_if (other.agree (facts_of (450)));
}
GST_END_TEST;

GST_START_TEST (what_was_begun_is_a_hole_again)
{
  TempDir temp;
  Cache cache (temp.path ());
  Stream stream = cache.open ();
  fail_unless (stream.agree (facts_of (1000)));
  std::unique_ptr<Filler> filler = stream.claim ({100, 600});
  fail_unless (fill (*filler, 250, 1).ok ());
  fail_unless (stream.read (0, 1).range == (Range{0, 100}));
  fail_unless (right_bytes (stream, 100, 1) == 150U);
  Found kept = stream.read (230, 1000);
  fail_unless (stream.read (250, 1).place == Place::claimed);
  fail_unless (stream.read (250, 1).range == (Range{200, 600}));
  fail_unless (stream.claim ({100, 600}) == nullptr);
  filler.reset ();
  // Whoever has read it has it.
  fail_unless (test::is_right (kept, 230, 1));
  fail_unless (stream.read (240, 1).range == (Range{200, 1000}));
  filler = stream.claim ({100, 600});
  fail_unless (filler->position () == 200);
}
GST_END_TEST;

GST_START_TEST (what_is_not_of_the_claim_is_passed_over)
{
  TempDir temp;
  Cache cache (temp.path ());
  Stream stream = cache.open ();
  fail_unless (stream.agree (facts_of (1000)));
  keep (stream, {200, 300});
  std::unique_ptr<Filler> filler = stream.claim ({0, unknown});
  fail_unless (filler->left () == (Range{0, 200}));
  // Wrong bytes would be seen.
  for (std::uint64_t at = 0; at < 470; at += 47)
    fail_unless (
        filler->fill (test::chunk (test::resource (at, at + 47, 1)), 10s)
            .ok ());
  fail_unless (filler->position () == 470);
  fail_unless (stream.read (300, 1).place == Place::hole);
  // From the next slice on that it has from its beginning.
  std::unique_ptr<Filler> next = stream.claim ({500, unknown});
  fail_unless (next->left () == (Range{500, 1000}));
  filler.reset ();
  std::unique_ptr<Filler> cut = stream.claim ({700, unknown}, 100);
  fail_unless (cut != nullptr && cut->left () == (Range{700, 1000}));
  fail_unless (next->left () == (Range{500, 700}));
  fail_unless (fill (*cut, 1000, 1).ok ());
  fail_unless (
      next->fill (test::chunk (test::resource (500, 1000, 2)), 10s).ok ());
  fail_unless (right_bytes (stream, 700, 1) == 300U);
  fail_unless (right_bytes (stream, 500, 2, 700) == 200U);
}
GST_END_TEST;

// Where a reader begins and ends, beside where the filler is: before its claim,
// at its beginning, in what it has filled, where it is, ahead of it, at its end
// and behind.
GST_START_TEST (ranges_while_they_are_filled)
{
  constexpr std::uint64_t total = 1050;
  const std::uint64_t places[] = {0, 250, 300, 301, 350, 399, 400, 450, 451,
      499, 500, 501, 650, 799, 800, 801, 950, 1000, 1049, 1050};
  for (std::size_t level : {std::size_t{0}, std::size_t{1} << 20}) {
    TempDir temp;
    Cache cache (temp.path (), level);
    unsigned number = 0;
    for (std::uint64_t filled :
        std::array<std::uint64_t, 7> ({300, 301, 399, 400, 450, 700, 799})) {
      Stream stream = cache.open (std::to_string (number++));
      fail_unless (stream.agree (facts_of (total)));
      // There before: the first slice; claimed: 300 to 800.
      keep (stream, {0, 100});
      std::unique_ptr<Filler> filler = stream.claim ({300, 800});
      fail_unless (fill (*filler, filled, 1, 50).ok ());
      for (std::uint64_t from : places)
        for (std::uint64_t to : places) {
          if (to < from) continue;
          std::uint64_t have =
              from < 100 ? 100 : (from >= 300 && from < filled ? filled : from);
          have = std::min (have, to);
          auto right = right_bytes (stream, from, 1, to);
          fail_unless (
              right == have - from, "%lu: %lu to %lu", filled, from, to);
          if (have == to && to != total) continue;
          Found found = stream.read (have, 1);
          bool claimed = have >= 300 && have < 800;
          Place place = claimed ? Place::claimed : Place::hole;
          if (have == total) place = Place::end;
          fail_unless (found.place == place, "%lu: %lu to %lu at %lu", filled,
              from, to, have);
        }
    }
  }
}
GST_END_TEST;

// The same while it goes on: each reader in its own thread, from and to each
// place, gets all of it.
GST_START_TEST (everybody_reads_while_it_is_filled)
{
  constexpr std::uint64_t total = 5050;
  const std::uint64_t places[] = {0, 1, 99, 100, 2500, 2550, 4999, 5000, 5050};
  for (unsigned round = 0; round < 6; round++) {
    TempDir temp;
    Cache cache (temp.path (), round % 2 == 0 ? 0 : 1 << 20);
    Stream stream = cache.open ();
    if (round % 3 != 0) fail_unless (stream.agree (facts_of (total)));
    // Whoever reads before the first claim would see a hole.
    std::unique_ptr<Filler> filler = stream.claim ({0, unknown});
    std::atomic<unsigned> wrong = 0;
    std::vector<std::thread> readers;
    for (std::uint64_t from : places) {
      readers.emplace_back ([&, from] {
        Stream mine = cache.open ();
        for (std::uint64_t to : places) {
          std::uint64_t at = from;
          while (at < to) {
            Found found = mine.wait (at, 64, {});
            bool right =
                found.place == Place::bytes && test::is_right (found, at, 1);
            if (!right) {
              wrong++;
              return;
            }
            at += found.chunk.bytes.size ();
          }
        }
        if (mine.wait (total, 1, {}).place != Place::end) wrong++;
      });
    }
    fail_unless (fill (*filler, total, 1, 17 + round * 20).ok ());
    fail_unless (filler->finish (10s).ok ());
    for (std::thread &reader : readers) reader.join ();
    fail_unless (wrong == 0, "%u readers", wrong.load ());
    filler.reset ();
    stream.settle ();
    fail_unless (stream.status ().stored);
  }
}
GST_END_TEST;

// When a filler goes, one of those who wait takes the rest.
GST_START_TEST (who_waits_takes_over)
{
  TempDir temp;
  Cache cache (temp.path ());
  constexpr std::uint64_t total = 4000;
  Stream stream = cache.open ();
  fail_unless (stream.agree (facts_of (total)));
  std::atomic<unsigned> wrong = 0;
  std::atomic<std::uint64_t> fetched = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 5; i++) {
    threads.emplace_back ([&, i] {
      Stream mine = cache.open ();
      std::uint64_t at = 0;
      while (at < total) {
        Found found = mine.wait (at, 1000, {});
        if (found.place == Place::bytes) {
          if (!test::is_right (found, at, 1)) wrong++;
          at += found.chunk.bytes.size ();
          continue;
        }
        if (found.place != Place::hole) wrong++;
        // Gives up after a while, each after another.
        std::unique_ptr<Filler> filler = mine.claim (found.range);
        if (filler == nullptr) continue;
        std::uint64_t from = filler->position ();
        if (!fill (*filler, from + 300 + i * 50, 1)) wrong++;
        fetched += filler->position () - from;
      }
    });
  }
  for (std::thread &thread : threads) thread.join ();
  fail_unless (wrong == 0);
  stream.settle ();
  fail_unless (stream.status ().stored);
  // Not more than what was begun and dropped.
  fail_unless (fetched >= total && fetched < total + 20 * 100, "%lu fetched",
      fetched.load ());
}
GST_END_TEST;

GST_START_TEST (a_wait_is_stopped)
{
  TempDir temp;
  Cache cache (temp.path ());
  Stream stream = cache.open ();
  std::unique_ptr<Filler> filler = stream.claim ({0, unknown});
  std::stop_source stop;
  std::atomic<Place> place = Place::hole;
  std::thread waiter (
      [&] { place = stream.wait (0, 1, stop.get_token ()).place; });
  stop.request_stop ();
  waiter.join ();
  fail_unless (place == Place::stopped);
  fail_unless (stream.wait (0, 1, stop.get_token ()).place == Place::stopped);
}
GST_END_TEST;

GST_START_TEST (what_changed_is_not_mixed)
{
  TempDir temp;
  Cache cache (temp.path ());
  Stream old = cache.open ();
  fail_unless (old.agree (facts_of (1000, "one")));
  keep (old, {0, 700}, 1);
  fail_unless (old.agree (facts_of (unknown, "one")));
  fail_if (old.agree (facts_of (1000, "two")));
  fail_if (old.agree (facts_of (1001, "one")));
  Stream renewed = old.renew (facts_of (900, "two"));
  // All get the same one.
  keep (renewed, {300, 400}, 2);
  Stream other = old.renew (facts_of (900, "two"));
  fail_unless (other.present () == (std::vector<Range>{{300, 400}}));
  fail_unless (cache.open ().present () == (std::vector<Range>{{300, 400}}));
  // The old goes on where it was.
  keep (old, {700, 900}, 1);
  fail_unless (right_bytes (old, 0, 1) == 900U);
  fail_unless (right_bytes (renewed, 300, 2) == 100U);
  fail_unless (test::files_of (temp.path (), ".idx").size () == 2);
  keep (renewed, {0, 300}, 2);
  keep (renewed, {400, 900}, 2);
  fail_unless (renewed.status ().stored);
  fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
  keep (old, {900, 1000}, 1);
  fail_unless (right_bytes (old, 0, 1) == 1000U);
  fail_unless (right_bytes (renewed, 0, 2) == 900U);
  fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
  fail_unless (right_bytes (cache.open (), 0, 2) == 900U);
}
GST_END_TEST;

// Also when the new one is not whole: the old one is wrong.
GST_START_TEST (the_newest_is_found)
{
  TempDir temp;
  {
    Cache cache (temp.path ());
    Stream old = cache.open ();
    fail_unless (old.agree (facts_of (300, "one")));
    keep (old, {0, 300}, 1);
    keep (old.renew (facts_of (300, "two")), {100, 200}, 2);
  }
  Cache cache (temp.path ());
  Stream stream = cache.open ();
  fail_unless (stream.facts ().etag == "two");
  fail_unless (stream.present () == (std::vector<Range>{{100, 200}}));
  // As is a recording of packets that is whole.
  fail_unless (test::keep (*cache.store, "k", 1000, 3).ok ());
  fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
  fail_unless (cache.open ().status ().bytes == 0);
}
GST_END_TEST;

// One that was cut does not take the place of the whole one, as long as nobody
// knows that it is of another resource.
GST_START_TEST (what_was_cut_does_not_replace_what_is_whole)
{
  for (bool has_facts : {false, true}) {
    TempDir temp;
    {
      Cache cache (temp.path ());
      Stream old = cache.open ();
      fail_unless (old.agree (facts_of (300, "one")));
      keep (old, {0, 300}, 1);
      Stream renewed = old.renew (has_facts ? facts_of (300, "one") : Facts{});
      keep (renewed, {100, 200}, 1);
      fail_unless (test::files_of (temp.path (), ".idx").size () == 2);
    }
    for (int i = 0; i < 2; i++) {
      Cache cache (temp.path ());
      Stream stream = cache.open ();
      fail_unless (stream.status ().complete);
      fail_unless (right_bytes (stream, 0, 1) == 300U);
      if (i == 1) break;
      // What is begun now is not added to the one that was cut.
      Stream renewed = stream.renew (facts_of (300, "one"));
      fail_unless (renewed.status ().bytes == 0);
      keep (renewed, {0, 100}, 1);
    }
    // The next whole one takes the place of all.
    Cache cache (temp.path ());
    keep (cache.open ().renew (facts_of (300, "one")), {0, 300}, 1);
    fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
  }
}
GST_END_TEST;

// Of one who waits for others, and has claimed all, another takes what it
// needs.
GST_START_TEST (who_does_not_go_on_is_relieved)
{
  TempDir temp;
  store::Options options = test::small_store;
  options.follow_patience = 50ms;
  Cache cache (temp.path (), 1 << 20, options);
  Stream stream = cache.open ();
  auto progress = std::make_shared<bytestream::Progress> ();
  Stream told = stream;
  told.tell (progress);
  fail_unless (stream.agree (facts_of (1000)));
  std::unique_ptr<Filler> first = told.claim ({0, unknown});
  fail_unless (fill (*first, 250, 1).ok ());
  // As long as it goes on nobody gets it.
  fail_unless (stream.claim ({250, 1000}) == nullptr);
  progress->rest (true);
  fail_unless (stream.wait (250, 100, {}).place == Place::claimed);
  // The slice that it is in has to be had again.
  std::unique_ptr<Filler> second = stream.claim ({250, 1000});
  fail_unless (second != nullptr);
  fail_unless (second->position () == 200);
  progress->rest (false);
  fail_unless (fill (*second, 620, 1).ok ());
  // What it sends when it goes on is passed over.
  fail_unless (fill (*first, 1000, 1).ok ());
  fail_unless (fill (*second, 1000, 1).ok ());
  first.reset ();
  second.reset ();
  fail_unless (right_bytes (stream, 0, 1) == 1000U);
  stream.settle ();
  fail_unless (stream.status ().stored);
}
GST_END_TEST;

GST_START_TEST (what_is_not_to_be_kept_is_in_the_memory_only)
{
  TempDir temp;
  {
    Cache cache (temp.path ());
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (1000)));
    keep (stream, {0, 300}, 1);
    stream.keep_nothing ();
    keep (stream, {300, 1000}, 1);
    fail_unless (right_bytes (stream, 0, 1) == 1000U);
    fail_if (stream.status ().stored);
    // Not for others.
    fail_unless (cache.open ().present () == (std::vector<Range>{{0, 300}}));
    // Who goes on with what is kept has the files.
    keep (cache.open (), {500, 700}, 1);
  }
  Cache cache (temp.path ());
  fail_unless (
      cache.open ().present () == (std::vector<Range>{{0, 300}, {500, 700}}));
  // Of what was not begun there are no files.
  Stream none = cache.open ("none");
  none.keep_nothing ();
  keep (none, {0, 300}, 1);
  fail_unless (right_bytes (none, 0, 1) == 300U);
  fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
}
GST_END_TEST;

// Two processes, which learn meanwhile that they have to do with two resources.
GST_START_TEST (what_another_process_adds_is_compared)
{
  TempDir temp;
  slices::Memory memory (1 << 20);
  slices::Memory memory_of_other (1 << 20);
  Store ours (temp.path (), test::small_store);
  Store theirs (temp.path (), test::small_store);
  Stream writer = bytestream::open (theirs, "k", memory_of_other);
  fail_unless (writer.agree (facts_of (1000)));
  std::unique_ptr<Filler> filler = writer.claim ({0, unknown});
  fail_unless (fill (*filler, 200, 1).ok ());
  writer.settle ();
  Stream reader = bytestream::open (ours, "k", memory);
  fail_unless (right_bytes (reader, 0, 1) == 200U);
  fail_unless (reader.agree (facts_of (1000, "one")));
  fail_unless (writer.agree (facts_of (1000, "two")));
  fail_unless (fill (*filler, 500, 1).ok ());
  writer.settle ();
  fail_unless (reader.wait (200, 100, {}).place == Place::hole);
  fail_unless (reader.present () == (std::vector<Range>{{0, 200}}));
  // It is nobody's any more.
  fail_if (bytestream::open (ours, "k", memory).is (reader));
  filler.reset ();
}
GST_END_TEST;

// A maker that was killed has left files that say nothing, or not all.
GST_START_TEST (what_was_not_begun_goes)
{
  for (std::size_t left : {0U, 16U, 4000U}) {
    for (bool has_data : {false, true}) {
      TempDir temp;
      {
        Cache cache (temp.path ());
        keep (cache.open (), {0, 100}, 1);
      }
      fs::resize_file (test::files_of (temp.path (), ".idx")[0], left);
      fs::path data = test::files_of (temp.path (), ".dat")[0];
      if (has_data)
        fs::resize_file (data, 0);
      else
        fs::remove (data);
      // As long as somebody may go on with it, it stays.
      int fd = ::open (test::files_of (temp.path (), ".idx")[0].c_str (),
          O_RDWR | O_CLOEXEC);
      fail_unless (fd >= 0 && flock (fd, LOCK_EX) == 0);
      {
        Cache cache (temp.path ());
        keep (cache.open (), {0, 100}, 1);
        fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
      }
      close (fd);
      Cache cache (temp.path ());
      Stream stream = cache.open ();
      fail_unless (stream.agree (facts_of (300)));
      keep (stream, {0, 300}, 1);
      fail_unless (stream.status ().stored);
      fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
      fail_unless (test::files_of (temp.path (), ".dat").size () == 1);
      // Packets do the same.
      fs::path other = test::files_of (temp.path (), ".idx")[0];
      other.replace_filename (record::file_name ("p") + ".00000001.idx");
      other = temp.path () / record::file_name ("p").substr (0, 2) /
              other.filename ();
      fs::create_directories (other.parent_path ());
      test::write_file (other, {});
      fail_unless (test::keep (*cache.store, "p", 1000, 3).ok ());
      fail_if (fs::exists (other));
    }
  }
}
GST_END_TEST;

// Two that begin at once make files of one generation only.
GST_START_TEST (two_that_begin_at_once_make_one)
{
  TempDir temp;
  slices::Memory one (1 << 20);
  slices::Memory two (1 << 20);
  test::LateDisk late (1, 60us);
  test::LateDisk later (2, 60us);
  store::Options options = test::small_store;
  options.disk = &late;
  Store ours (temp.path (), options);
  options.disk = &later;
  Store theirs (temp.path (), options);
  for (unsigned i = 0; i < 200; i++) {
    std::string key = "k" + std::to_string (i);
    std::latch start (2);
    auto run = [&] (Store &store, slices::Memory &memory) {
      Stream stream = bytestream::open (store, key, memory);
      start.arrive_and_wait ();
      keep (stream, {0, 100}, 1);
    };
    std::thread other ([&] { run (theirs, two); });
    run (ours, one);
    other.join ();
    fail_unless_equals_uint64 (
        test::files_of (temp.path (), ".idx").size (), i + 1);
  }
}
GST_END_TEST;

// A slice that is damaged is a hole, and only that one; filled again it counts.
GST_START_TEST (a_damaged_slice_is_a_hole)
{
  TempDir temp;
  {
    Cache cache (temp.path ());
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (1050, "e")));
    keep (stream, {0, unknown});
  }
  fs::path data = test::files_of (temp.path (), ".dat").at (0);
  const test::Bytes bytes = test::read_file (data);
  for (std::uint64_t slice = 0; slice < 11; slice++) {
    test::Bytes changed = bytes;
    // The facts are before the slices.
    std::uint64_t start = bytes.size () - 1050 + slice * 100;
    changed.at (start + slice * 4) ^= 1;
    test::write_file (data, changed);
    Cache cache (temp.path ());
    Stream stream = cache.open ();
    fail_unless (stream.status ().stored);
    fail_unless (right_bytes (stream, 0, 1) == slice * 100);
    fail_unless (stream.status ().corrupt == 1);
    fail_if (stream.status ().stored || stream.status ().complete);
    std::uint64_t end = std::min<std::uint64_t> (slice * 100 + 100, 1050);
    fail_unless (
        stream.read (slice * 100, 1).range == (Range{slice * 100, end}));
    fail_unless (right_bytes (stream, end, 1) == 1050 - end);
    keep (stream, {slice * 100, end});
    fail_unless (stream.status ().stored);
    fail_unless (right_bytes (stream, 0, 1) == 1050U);
    // As it was before, for the next.
    fs::path index = test::files_of (temp.path (), ".idx").at (0);
    fs::resize_file (index, fs::file_size (index) - record::record_size);
  }
}
GST_END_TEST;

namespace {

// In place: to cut a file and write it anew takes its time on a disk.
void put_byte (const fs::path &path, std::size_t at, std::uint8_t byte)
{
  std::fstream file (path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp (static_cast<std::streamoff> (at));
  file.put (static_cast<char> (byte));
}

// Bytes of the 350 that can be read; none of them is wrong.
std::uint64_t all_right (Cache &cache, const char *what, std::size_t at)
{
  Stream stream = cache.open ();
  std::uint64_t right = 0;
  bool wrong = false;
  for (std::uint64_t from = 0; from < 350; from += 100) {
    std::uint64_t to = std::min<std::uint64_t> (from + 100, 350);
    auto part = right_bytes (stream, from, 1, to);
    wrong |= !part;
    right += part.value_or (0);
  }
  fail_if (wrong, "%s %zu", what, at);
  return right;
}

}  // namespace

GST_START_TEST (any_changed_byte_is_found)
{
  TempDir temp;
  {
    Cache cache (temp.path ());
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (350, "e")));
    keep (stream, {0, unknown});
  }
  Cache cache (temp.path (), 0);
  for (const char *suffix : {".idx", ".dat"}) {
    fs::path path = test::files_of (temp.path (), suffix).at (0);
    const test::Bytes bytes = test::read_file (path);
    for (std::size_t at = 0; at < bytes.size ();
         at += at < 4096 && at > 64 ? 97 : 1) {
      auto bit = static_cast<std::uint8_t> (1U << at % 8);
      put_byte (path, at, bytes[at] ^ bit);
      std::uint64_t right = all_right (cache, suffix, at);
      bool matters = suffix[1] == 'i' || at < 64 || at >= 4096;
      fail_unless (matters == (right < 350), "%s %zu", suffix, at);
      put_byte (path, at, bytes[at]);
    }
    for (std::size_t at = bytes.size (); at-- > 0;
         at -= std::min (at, at / 64)) {
      fs::resize_file (path, at);
      fail_unless (all_right (cache, suffix, at) < 350, "%s %zu", suffix, at);
    }
    test::write_file (path, bytes);
  }
  fail_unless (all_right (cache, "whole", 0) == 350U);
}
GST_END_TEST;

GST_START_TEST (a_slow_disk_makes_holes)
{
  class HangingDisk final : public disk::Disk
  {
  public:
    ssize_t pwritev (
        int fd, const iovec *parts, int count, off_t offset) override
    {
      std::lock_guard lock (hang);
      return Disk::pwritev (fd, parts, count, offset);
    }
    std::mutex hang;
  };
  TempDir temp;
  HangingDisk disk;
  store::Options options = test::small_store;
  options.disk = &disk;
  options.queue_bytes = 2000;
  Cache cache (temp.path (), 1 << 20, options);
  Stream stream = cache.open ();
  fail_unless (stream.agree (facts_of (10000)));
  std::unique_ptr<Filler> filler = stream.claim ({0, unknown});
  stream.settle ();
  disk.hang.lock ();
  for (std::uint64_t at = 0; at < 10000; at += 50)
    fail_unless (
        filler->fill (test::chunk (test::resource (at, at + 50, 1)), 0s).ok ());
  bytestream::Status status = stream.status ();
  fail_unless (status.skipped > 80 && status.skipped < 100);
  fail_unless (status.bytes == 10000 - status.skipped * 100);
  disk.hang.unlock ();
  filler.reset ();
  stream.settle ();
  fail_unless (stream.status ().bytes == status.bytes);
  std::vector<Range> there = stream.present ();
  for (const Range &range : there)
    fail_unless (
        right_bytes (stream, range.from, 1, range.to) == range.to - range.from);
  // It is told once, until a slice was kept again, by whomever.
  auto is_told = [&stream] {
    std::optional<bytestream::Failure> told = stream.take_failure ();
    return told && told->code == store::Error::overflow;
  };
  fail_unless (is_told () && !is_told ());
  filler = stream.claim ({0, unknown});
  auto fill_up_to = [&filler] (std::uint64_t end) {
    std::uint64_t at = filler->position ();
    fail_unless (
        filler->fill (test::chunk (test::resource (at, end, 1)), 0s).ok ());
  };
  fill_up_to (filler->position () + 100);
  stream.settle ();
  disk.hang.lock ();
  for (std::uint64_t at = filler->position (); at < 10000; at += 100)
    fill_up_to (at + 100);
  disk.hang.unlock ();
  fail_unless (is_told () && !is_told ());
  filler.reset ();
  stream.settle ();
}
GST_END_TEST;

// What cannot be written is read from the memory; it is said once.
GST_START_TEST (without_a_disk_there_is_the_memory)
{
  class FullDisk final : public disk::Disk
  {
  public:
    ssize_t pwritev (
        int fd, const iovec *parts, int count, off_t offset) override
    {
      if (!is_full) return Disk::pwritev (fd, parts, count, offset);
      errno = EIO;
      return -1;
    }
    std::atomic<bool> is_full = false;
  };
  TempDir temp;
  FullDisk disk;
  store::Options options = test::small_store;
  options.disk = &disk;
  options.retry = 0ms;
  for (bool before : {true, false}) {
    Cache cache (temp.path () / (before ? "a" : "b"), 1 << 20, options);
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (1000)));
    disk.is_full = before;
    std::unique_ptr<Filler> filler = stream.claim ({0, unknown});
    fail_unless (fill (*filler, 300, 1).ok () || before);
    stream.settle ();
    disk.is_full = true;
    unsigned failures = 0;
    for (std::uint64_t at = filler->position (); at < 600; at += 10) {
      auto result =
          filler->fill (test::chunk (test::resource (at, at + 10, 1)), 10s);
      if (!result) failures++;
      if (!result) fail_unless (result.code () == Error::cannot_write);
      stream.settle ();
    }
    fail_unless (failures <= 1);
    fail_unless (stream.status ().failure.has_value ());
    fail_unless (right_bytes (stream, 0, 1) == 600U);
    fail_if (stream.status ().complete);
    // The disk is well again.
    disk.is_full = false;
    fail_unless (fill (*filler, 1000, 1).ok () || failures == 0);
    filler.reset ();
    stream.settle ();
    fail_unless (stream.status ().complete && !stream.status ().stored);
    fail_unless (right_bytes (stream, 0, 1) == 1000U);
    stream = cache.open ("other");
    Cache again (temp.path () / (before ? "a" : "b"), 0, options);
    std::uint64_t right = 0;
    for (const Range &range : again.open ().present ())
      right += right_bytes (again.open (), range.from, 1, range.to).value ();
    fail_unless (right >= (before ? 400U : 700U), "%lu", right);
  }
}
GST_END_TEST;

// When it has to go from there it is a hole again.
GST_START_TEST (the_memory_is_bounded)
{
  TempDir temp;
  Cache cache (temp.path () / "c", 500);
  Stream stream = cache.open ();
  fs::remove_all (temp.path () / "c");
  test::write_file (temp.path () / "c", test::hex ("00"));
  std::unique_ptr<Filler> filler = stream.claim ({0, 2000});
  (void)fill (*filler, 2000, 1);
  stream.settle ();
  std::uint64_t right = 0;
  for (std::uint64_t at = 0; at < 2000; at += 100)
    right += right_bytes (stream, at, 1, at + 100).value ();
  fail_unless (right >= 100 && right <= 500, "%lu", right);
  fail_unless (stream.status ().bytes == right);
}
GST_END_TEST;

GST_START_TEST (what_is_used_is_not_evicted)
{
  TempDir temp;
  store::Options options = test::small_store;
  options.slice_size = 4000;
  options.l2_size = 100000;
  Cache cache (temp.path (), 0, options);
  Stream whole = cache.open ("whole");
  fail_unless (whole.agree (facts_of (20000)));
  keep (whole, {0, unknown});
  Stream partial = cache.open ("partial");
  fail_unless (partial.agree (facts_of (20000)));
  std::unique_ptr<Filler> filler = partial.claim ({0, unknown});
  fail_unless (fill (*filler, 8000, 1).ok ());
  partial.settle ();
  for (unsigned i = 0; i < 10; i++)
    fail_unless (test::keep (*cache.store, std::to_string (i), 20000, i).ok ());
  (void)cache.store->sweep ();
  fail_unless (cache.store->level ().evictions > 0);
  auto is_kept = [&] (std::string_view key) {
    return inventory::list (disk::system (), temp.path (), key).size () == 1;
  };
  fail_unless (is_kept ("whole") && is_kept ("partial"));
  fail_unless (fill (*filler, 20000, 1).ok ());
  filler.reset ();
  partial.settle ();
  fail_unless (partial.status ().stored);
  whole = partial = cache.open ("nothing");
  for (unsigned i = 10; i < 20; i++)
    fail_unless (test::keep (*cache.store, std::to_string (i), 20000, i).ok ());
  (void)cache.store->sweep ();
  fail_if (is_kept ("whole") || is_kept ("partial"));
}
GST_END_TEST;

GST_START_TEST (it_is_as_old_as_what_is_known)
{
  TempDir temp;
  {
    Cache cache (temp.path ());
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (300, "e")));
    keep (stream, {0, unknown});
    fail_unless (stream.age () < 100s);
  }
  // As if long ago.
  fs::path path = test::files_of (temp.path (), ".idx").at (0);
  record::Header header = *record::parse_header (test::read_file (path));
  test::Bytes index = *record::encode (header);
  record::Journal journal (index);
  test::Bytes data = test::read_file (test::files_of (temp.path (), ".dat")[0]);
  data.resize (record::data_start);
  auto add = [&] (const record::Journal::Entry &entry,
                 const test::Bytes &stored) {
    index.insert (index.end (), entry.bytes.begin (), entry.bytes.end ());
    data.insert (data.end (), stored.begin (), stored.end ());
  };
  bytestream::Facts facts = facts_of (100, "e");
  facts.checked = 1000;
  test::Bytes stored = record::encode (facts);
  add (journal.facts (stored, 100), stored);
  stored = test::resource (0, 100, 1);
  const std::span<const std::uint8_t> all (stored);
  add (journal.slice_at ({&all, 1}, 0), stored);
  test::write_file (path, index);
  test::write_file (test::files_of (temp.path (), ".dat")[0], data);
  {
    Cache cache (temp.path ());
    Stream stream = cache.open ();
    fail_unless (stream.status ().stored && stream.age () > 1000000s);
    // The origin says that it still is so.
    fail_unless (stream.agree (facts_of (100, "e")));
    fail_unless (stream.age () < 100s);
    stream.settle ();
  }
  Cache cache (temp.path ());
  fail_unless (cache.open ().status ().stored && cache.open ().age () < 100s);
  fail_unless (right_bytes (cache.open (), 0, 1) == 100U);
}
GST_END_TEST;

static Suite *bytestream_suite ()
{
  Suite *suite = suite_create ("bytestream");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_is_filled_is_read);
  tcase_add_test (tests, large_pieces_are_kept);
  tcase_add_test (tests, slices_are_compressed);
  tcase_add_test (tests, parts_are_kept_and_added_to);
  tcase_add_test (tests, a_total_that_comes_last);
  tcase_add_test (tests, another_length_is_another_resource);
  tcase_add_test (tests, what_was_begun_is_a_hole_again);
  tcase_add_test (tests, what_is_not_of_the_claim_is_passed_over);
  tcase_add_test (tests, ranges_while_they_are_filled);
  tcase_add_test (tests, everybody_reads_while_it_is_filled);
  tcase_add_test (tests, who_waits_takes_over);
  tcase_add_test (tests, a_wait_is_stopped);
  tcase_add_test (tests, what_changed_is_not_mixed);
  tcase_add_test (tests, the_newest_is_found);
  tcase_add_test (tests, what_was_cut_does_not_replace_what_is_whole);
  tcase_add_test (tests, who_does_not_go_on_is_relieved);
  tcase_add_test (tests, what_is_not_to_be_kept_is_in_the_memory_only);
  tcase_add_test (tests, what_another_process_adds_is_compared);
  tcase_add_test (tests, what_was_not_begun_goes);
  tcase_add_test (tests, two_that_begin_at_once_make_one);
  tcase_add_test (tests, a_damaged_slice_is_a_hole);
  tcase_add_test (tests, any_changed_byte_is_found);
  tcase_add_test (tests, a_slow_disk_makes_holes);
  tcase_add_test (tests, without_a_disk_there_is_the_memory);
  tcase_add_test (tests, the_memory_is_bounded);
  tcase_add_test (tests, what_is_used_is_not_evicted);
  tcase_add_test (tests, it_is_as_old_as_what_is_known);
  return suite;
}

GST_CHECK_MAIN (bytestream)

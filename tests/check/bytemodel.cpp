// SPDX-License-Identifier: LGPL-2.1-or-later
// Random operations on a byte stream, and on a model of it in memory.
#include <atomic>
#include <cstdlib>
#include <random>
#include <set>
#include <thread>

#include "folder.h"
#include "sanitized.h"
#include "testbytes.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using bytestream::Filler;
using bytestream::Found;
using bytestream::Place;
using bytestream::Range;
using bytestream::Stream;
using bytestream::unknown;
using store::Store;
using test::TempDir;

constexpr std::uint64_t slice_size = 100;

// check's macros are slow, and are for one thread.
void expect (bool holds, const char *what, unsigned seed, unsigned step)
{
  if (holds) return;
  fail_unless (false, "seed %u step %u: %s", seed, step, what);
}

struct World
{
  explicit World (unsigned number) : seed (number), random (number) {}

  unsigned below (std::uint64_t n)
  {
    return static_cast<unsigned> ((random () >> 4) % n);
  }
  void check (bool holds, const char *what)
  {
    expect (holds, what, seed, step);
  }

  void open_store ()
  {
    const std::size_t levels[] = {0, 500, 1 << 20};
    memory = std::make_unique<slices::Memory> (levels[below (3)]);
    store::Options options = test::small_store;
    options.compress = test::is_compressible;
    auto opened = Store::open (temp.path (), options);
    check (opened.ok (), "no store");
    store = *opened;
    stream.emplace (bytestream::open (*store, "k", *memory));
  }

  [[nodiscard]] bytestream::Facts facts () const
  {
    return test::facts_of (
        is_told ? total : unknown, ("e" + std::to_string (version)).c_str ());
  }

  // Another resource: nothing is there of it.
  void change ()
  {
    version++;
    total = below (2000);
    is_told = below (2) == 0;
    is_known = is_told;
    have.clear ();
    bad.clear ();
  }

  [[nodiscard]] std::uint64_t end_of (std::uint64_t slice) const
  {
    return std::min ((slice + 1) * slice_size, is_known ? total : unknown);
  }

  // What the model says of the place, and whether bytes may come from the disk
  // that are damaged.
  [[nodiscard]] Place place (std::uint64_t offset) const
  {
    if (is_known && offset >= total) return Place::end;
    std::uint64_t slice = offset / slice_size;
    if (have.count (slice) == 1) return Place::bytes;
    for (const auto &filler : fillers) {
      Range left = filler->left ();
      if (left.from < left.to && offset >= left.from && offset < left.to)
        return slice == filler->position () / slice_size &&
                       left.from == slice * slice_size &&
                       offset < filler->position ()
                   ? Place::bytes
                   : Place::claimed;
    }
    return Place::hole;
  }

  void read ()
  {
    std::uint64_t offset = below (2200);
    Found found = stream->read (offset, 1 + below (150));
    std::uint64_t slice = offset / slice_size;
    if (bad.count (slice) == 1 && found.place == Place::hole)
      have.erase (slice);
    check (found.place == place (offset), "another place");
    if (found.place == Place::bytes)
      check (test::is_right (found, offset, version), "wrong bytes");
    if (old) {
      found = old->read (offset, 100);
      if (found.place == Place::bytes)
        check (test::is_right (found, offset, old_version), "wrong old bytes");
    }
  }

  void claim ()
  {
    if (fillers.size () >= 4) return;
    std::uint64_t from = below (2100);
    std::uint64_t to = below (3) == 0 ? unknown : from + 1 + below (800);
    bool cuts = below (4) == 0;
    std::uint64_t first = from / slice_size;
    while (!cuts &&
           first * slice_size < std::min (to, is_known ? total : 3000) &&
           place (first * slice_size) != Place::hole)
      first++;
    auto filler = stream->claim ({from, to}, cuts ? 200 : unknown);
    if (filler == nullptr) return;
    Range left = filler->left ();
    check (left.from == filler->position (), "not at its beginning");
    if (!cuts) check (left.from == first * slice_size, "not the first hole");
    for (std::uint64_t at = left.from;
         at < std::min<std::uint64_t> (left.to, 3000); at += slice_size)
      check (place (at) == Place::hole, "claimed twice");
    fillers.push_back (std::move (filler));
  }

  void fill ()
  {
    if (fillers.empty ()) return;
    std::size_t which = below (fillers.size ());
    Filler &filler = *fillers[which];
    unsigned parts = 1 + below (10);
    for (unsigned i = 0; i < parts; i++) {
      std::uint64_t at = filler.position ();
      if (at >= total) break;
      std::uint64_t slice = at / slice_size;
      std::uint64_t end = std::min ((slice + 1) * slice_size, total);
      std::uint64_t to = std::min<std::uint64_t> (end, at + 1 + below (150));
      Range left = filler.left ();
      bool is_ours = left.from < left.to && left.from == slice * slice_size;
      auto result =
          filler.fill (test::chunk (test::resource (at, to, version)), 10s);
      check (result.ok (), "not taken");
      // The last one is full when it is known that it is the last.
      if (is_ours && to == end_of (slice)) have.insert (slice);
    }
    if (filler.position () == total && (!is_known || below (2) == 0)) {
      Range left = filler.left ();
      std::uint64_t slice = total / slice_size;
      bool is_ours = total % slice_size != 0 && left.from < left.to &&
                     left.from == slice * slice_size;
      check (filler.finish (10s).ok (), "not finished");
      is_known = true;
      if (is_ours) have.insert (slice);
    }
    if (filler.position () == total || below (8) == 0)
      fillers.erase (fillers.begin () + static_cast<std::ptrdiff_t> (which));
  }

  void agree ()
  {
    bytestream::Facts other = facts ();
    other.etag += "x";
    bool is_empty = have.empty () && stream->facts ().etag.empty ();
    if (!is_empty) check (!stream->agree (other), "agreed to another");
    if (stream->agree (facts ())) {
      is_known |= is_told;
      return;
    }
    check (!is_empty, "did not agree");
    leave ();
    stream.emplace (old->renew (facts ()));
    have.clear ();
    bad.clear ();
    is_known = is_told;
  }

  // The stream becomes the old one.
  void leave ()
  {
    fillers.clear ();
    old = stream;
    old_version = stream_version;
    stream_version = version;
  }

  void renew ()
  {
    change ();
    leave ();
    stream.emplace (old->renew (facts ()));
    check (stream->status ().bytes == 0, "new, and not empty");
  }

  void purge ()
  {
    stream->settle ();
    leave ();
    (void)store->purge ("k");
    have.clear ();
    bad.clear ();
    is_known = is_told;
    stream.emplace (bytestream::open (*store, "k", *memory));
    // One that had no files yet is still there.
    stream.emplace (old->renew (facts ()));
    check (stream->status ().bytes == 0 || stream->facts () == old->facts (),
        "purged, and not empty");
    for (const Range &range : stream->present ())
      for (std::uint64_t at = range.from; at < range.to; at += slice_size)
        have.insert (at / slice_size);
    is_known = stream->status ().total != unknown;
  }

  // As after kill -9: the last record may be half there.
  void tear (const fs::path &index)
  {
    std::uint64_t size = fs::file_size (index);
    std::uint64_t header = *record::header_size (test::read_file (index));
    std::uint64_t cut = std::min<std::uint64_t> (below (200), size - header);
    fs::resize_file (index, size - cut);
    if (cut % 64 == 0 || below (2) == 0) return;
    std::ofstream out (index, std::ios::binary | std::ios::app);
    for (unsigned i = below (64); i > 0; i--) out.put (static_cast<char> (i));
  }

  void damage (const fs::path &data, const record::Index &index)
  {
    std::set<std::uint32_t> counted;
    for (std::uint32_t number : index.slices)
      if (number != record::no_record) counted.insert (number);
    if (counted.empty ()) return;
    auto which = counted.begin ();
    std::advance (which, below (counted.size ()));
    const record::Record &record = index.records[*which];
    std::uint64_t at = record.offset + below (record.stored);
    std::fstream file (data, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg (static_cast<std::streamoff> (at));
    int byte = file.get ();
    file.seekp (static_cast<std::streamoff> (at));
    file.put (static_cast<char> (byte ^ 0x10));
    bad.insert (record.position / slice_size);
  }

  void restart ()
  {
    stream->settle ();
    fillers.clear ();
    stream->settle ();
    std::uint64_t committed = stream->status ().bytes;
    old.reset ();
    stream.reset ();
    store.reset ();
    memory.reset ();
    auto newest = folder::Family (disk::system (), temp.path (), "k");
    bool torn = false;
    if (auto generations = newest.generations (true); !generations.empty ()) {
      folder::Names names = newest.names (generations[0]);
      torn = below (3) == 0;
      if (torn) tear (names.index);
      auto index = record::parse_index (test::read_file (names.index));
      check (index.ok (), "no index");
      if (below (2) == 0) damage (names.data, *index);
    }
    open_store ();
    // All that was committed, but for the last few records.
    bytestream::Status status = stream->status ();
    if (!torn) {
      // Where nothing was written there is nothing.
      bool is_new = stream->facts ().etag.empty ();
      check (status.bytes >= committed || is_new, "lost");
      check (!is_new || committed == 0, "lost all");
    }
    check (status.bytes + 400 >= committed, "lost too much");
    std::set<std::uint64_t> there;
    for (const Range &range : stream->present ())
      for (std::uint64_t at = range.from; at < range.to; at += slice_size)
        there.insert (at / slice_size);
    // What is damaged may be found out anew.
    have.insert (bad.begin (), bad.end ());
    check (std::includes (
               have.begin (), have.end (), there.begin (), there.end ()) ||
               stream->facts ().etag != facts ().etag,
        "more than there was");
    have = there;
    is_known = status.total != unknown;
    // The newest that has files may be an older one.
    std::string etag = stream->facts ().etag;
    if (!etag.empty ())
      stream_version = static_cast<unsigned> (std::atoi (&etag[1]));
    agree ();
    stream_version = version;
  }

  void play (unsigned steps)
  {
    change ();
    open_store ();
    stream_version = version;
    agree ();
    for (step = 0; step < steps; step++) {
      unsigned what = below (100);
      if (what < 40)
        read ();
      else if (what < 55)
        claim ();
      else if (what < 85)
        fill ();
      else if (what < 90)
        agree ();
      else if (what < 92 && !fillers.empty ())
        fillers.erase (fillers.begin ());
      else if (what < 95)
        stream->settle ();
      else if (what == 95)
        renew ();
      else if (what == 96)
        purge ();
      else if (what < 99)
        restart ();
    }
  }

  const unsigned seed;
  unsigned step = 0;
  std::minstd_rand random;
  TempDir temp;
  std::unique_ptr<slices::Memory> memory;
  std::shared_ptr<Store> store;
  std::optional<Stream> stream;
  std::optional<Stream> old;
  std::vector<std::unique_ptr<Filler>> fillers;

  // The resource, and whether its length is told before its end, and known.
  unsigned version = 0;
  unsigned stream_version = 0;
  unsigned old_version = 0;
  std::uint64_t total = 0;
  bool is_told = false;
  bool is_known = false;
  // Slices that can be read, and those that were damaged on the disk.
  std::set<std::uint64_t> have;
  std::set<std::uint64_t> bad;
};

unsigned rounds (unsigned quick, unsigned soak)
{
  if (const char *wanted = std::getenv ("RELAY_ROUNDS"))
    return static_cast<unsigned> (std::atoi (wanted));
  return std::getenv ("RELAY_SOAK") != nullptr ? soak : quick;
}

}  // namespace

GST_START_TEST (it_does_what_the_model_does)
{
  unsigned seeds = rounds (60, 5000);
  for (unsigned seed = 1; seed <= seeds; seed++) {
    test::is_compressible = seed % 4 == 0;
    World (seed).play (400);
  }
}
GST_END_TEST;

namespace {

// Everybody reads anywhere, fills what is a hole, gives up, finds the resource
// changed. Whoever reads to the end has all of it, and all of it is right.
void crowd (unsigned seed)
{
  TempDir temp;
  slices::Memory memory (seed % 3 == 0 ? 0 : 2000);
  store::Options options = test::small_store;
  options.compress = test::is_compressible;
  auto store = *Store::open (temp.path (), options);
  constexpr std::uint64_t total = 3050;
  std::atomic<unsigned> wrong = 0;
  std::atomic<unsigned> version = 1;
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 4; number++) {
    threads.emplace_back ([&, number] {
      std::minstd_rand random (seed * 10 + number);
      auto below = [&] (std::uint64_t n) { return (random () >> 4) % n; };
      for (unsigned round = 0; round < 6; round++) {
        unsigned mine = version;
        if (number == 0 && below (3) == 0) mine = ++version;
        auto facts =
            test::facts_of (total, ("e" + std::to_string (mine)).c_str ());
        Stream stream = bytestream::open (*store, "k", memory);
        if (!stream.agree (facts)) stream = stream.renew (facts);
        std::uint64_t at = below (total);
        std::uint64_t to = at + below (total - at + 1);
        while (at < to) {
          Found found = stream.wait (at, 1 + below (300), {});
          if (found.place == Place::bytes) {
            if (!test::is_right (found, at, mine)) wrong++;
            at += found.chunk.bytes.size ();
            continue;
          }
          if (found.place != Place::hole) wrong++;
          auto filler = stream.claim (
              found.range, below (4) == 0 ? below (500) : unknown);
          if (filler == nullptr) continue;
          std::uint64_t until = filler->position () + below (900);
          if (!test::fill (*filler, until, mine, 1 + below (200))) wrong++;
        }
      }
    });
  }
  for (std::thread &thread : threads) thread.join ();
  expect (wrong == 0, "wrong bytes", seed, 0);
}

}  // namespace

GST_START_TEST (a_crowd)
{
  unsigned seeds = rounds (20, 1000);
  for (unsigned seed = 1; seed <= seeds; seed++) {
    test::is_compressible = seed % 4 == 0;
    crowd (seed);
  }
}
GST_END_TEST;

static Suite *bytemodel_suite ()
{
  Suite *suite = suite_create ("bytemodel");
  TCase *tests = tcase_create ("all");
  if (std::getenv ("RELAY_SOAK") != nullptr) tcase_set_timeout (tests, 460);
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, it_does_what_the_model_does);
  tcase_add_test (tests, a_crowd);
  return suite;
}

GST_CHECK_MAIN (bytemodel)

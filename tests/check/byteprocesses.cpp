// SPDX-License-Identifier: LGPL-2.1-or-later
// Byte streams of one key in several processes, some of which are killed.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <random>
#include <thread>

#include "folder.h"
#include "processes.h"
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
using test::end_of;
using test::facts_of;
using test::fill;
using test::right_bytes;
using test::start;
using test::TempDir;

store::Options options (std::chrono::milliseconds patience)
{
  store::Options options = test::small_store;
  options.follow_patience = patience;
  return options;
}

// What the processes tell each other of.
struct Board
{
  static constexpr std::size_t slices = 400;
  static constexpr std::uint64_t total = slices * 100 - 50;

  // On the disk, as somebody has seen.
  std::array<std::atomic<bool>, slices> committed{};
  std::atomic<std::uint64_t> rounds = 0;
  std::atomic<std::uint64_t> fetched = 0;
  std::atomic<unsigned> wrong = 0;
};

using Shared = test::Shared<Board>;

// What is in the index now.
std::optional<record::Index> index_of (const fs::path &folder)
{
  folder::Family family (disk::system (), folder, "k");
  // One that was killed may leave nothing but a name.
  for (folder::Generation generation : family.generations ())
    if (auto index = record::parse_index (
            test::read_file (family.names (generation).index)))
      return *std::move (index);
  return std::nullopt;
}

// Reads from anywhere on, fills what nobody else does, over and over.
int work (const fs::path &folder, Shared &board, unsigned seed)
{
  std::minstd_rand random (seed);
  auto below = [&] (std::uint64_t n) { return (random () >> 4) % n; };
  slices::Memory memory (2000);
  auto store = Store::open (folder, options (20ms));
  if (!store) return 1;
  while (true) {
    Stream stream = bytestream::open (**store, "k", memory);
    if (!stream.agree (facts_of (Board::total, "e"))) return 2;
    if (stream.status ().stored) return 0;
    std::uint64_t at = below (Board::total);
    std::uint64_t to = at + below (3000);
    while (at < to) {
      Found found = stream.wait (at, 1 + below (300), {});
      if (found.place == Place::end) break;
      if (found.place == Place::bytes) {
        if (!test::is_right (found, at, 1)) board->wrong++;
        at += found.chunk.bytes.size ();
        continue;
      }
      auto filler = stream.claim (found.range);
      if (filler == nullptr) continue;
      std::uint64_t from = filler->position ();
      (void)fill (*filler, from + below (900), 1, 1 + below (100));
      board->fetched += filler->position () - from;
    }
    stream.settle ();
    if (auto index = index_of (folder))
      for (std::size_t i = 0; i < index->slices.size (); i++)
        if (index->slices[i] != record::no_record) board->committed[i] = true;
    board->rounds++;
  }
}

// All that was seen on the disk is there, and all that is there is right.
void look (const fs::path &folder, Shared &board)
{
  std::array<bool, Board::slices> committed{};
  for (std::size_t i = 0; i < Board::slices; i++)
    committed.at (i) = board->committed.at (i);
  auto store = *Store::open (folder, options (0ms));
  slices::Memory memory (0);
  Stream stream = bytestream::open (*store, "k", memory);
  unsigned lost = 0;
  unsigned wrong = 0;
  for (std::uint64_t i = 0; i < Board::slices; i++) {
    std::uint64_t from = i * 100;
    std::uint64_t to = std::min (from + 100, Board::total);
    auto right = right_bytes (stream, from, 1, to);
    wrong += right ? 0U : 1U;
    lost += committed.at (i) && right != to - from ? 1U : 0U;
  }
  fail_unless (lost == 0 && wrong == 0 && board->wrong == 0,
      "%u lost, %u wrong, %u wrong in a child", lost, wrong,
      board->wrong.load ());
}

}  // namespace

GST_START_TEST (any_of_two_is_killed)
{
  TempDir temp;
  std::minstd_rand random (42);
  unsigned rounds = test::is_sanitized () ? 8 : 24;
  if (const char *wanted = std::getenv ("RELAY_ROUNDS"))
    rounds = static_cast<unsigned> (std::atoi (wanted));
  else if (std::getenv ("RELAY_SOAK") != nullptr)
    rounds = 1000;
  unsigned killed = 0;
  unsigned partial = 0;
  Shared board;
  auto begin = [&] {
    return start ([&, seed = static_cast<unsigned> (random ())] {
      return work (temp.path (), board, seed);
    });
  };
  std::array<pid_t, 2> children{begin (), begin ()};
  for (unsigned round = 0; round < rounds; round++) {
    // In its first round, or in a later one.
    std::size_t victim = round % 2;
    std::uint64_t before = board->rounds;
    siginfo_t ended = {};
    while (round % 3 != 0 && board->rounds == before && ended.si_pid == 0) {
      std::this_thread::yield ();
      waitid (P_PID, static_cast<id_t> (children.at (victim)), &ended,
          WEXITED | WNOHANG | WNOWAIT);
    }
    std::this_thread::sleep_for (std::chrono::microseconds (random () % 3000));
    kill (children.at (victim), SIGKILL);
    int status = end_of (children.at (victim));
    fail_unless (status == -SIGKILL || status == 0, "status %d", status);
    killed += status == 0 ? 0U : 1U;
    look (temp.path (), board);
    auto index = index_of (temp.path ());
    if (index && index->bytes > 0 && !index->complete) partial++;
    if (index && index->complete) {
      // All of it is there: once more from the beginning.
      fail_unless (end_of (children.at (1 - victim)) == 0);
      auto all = test::files_of (temp.path (), ".idx");
      auto is_empty = [] (const fs::path &file) { return fs::is_empty (file); };
      std::erase_if (all, is_empty);
      fail_unless (all.size () == 1);
      fs::remove_all (temp.path () / "CACHETEE");
      for (const auto &entry : fs::directory_iterator (temp.path ()))
        fs::remove_all (entry.path ());
      for (auto &committed : board->committed) committed = false;
      children.at (1 - victim) = begin ();
    }
    children.at (victim) = begin ();
  }
  for (pid_t child : children) {
    int status = end_of (child);
    fail_unless (status == 0, "status %d", status);
  }
  look (temp.path (), board);
  auto index = index_of (temp.path ());
  fail_unless (index && index->complete);
  fail_unless (killed > rounds / 4 && partial > rounds / 4,
      "%u killed, %u while a part was there", killed, partial);
}
GST_END_TEST;

namespace {

// Lets a process do one thing after the other.
class Signals
{
public:
  Signals () { fail_unless (pipe (ends_.data ()) == 0); }
  ~Signals ()
  {
    for (int end : ends_) close (end);
  }
  Signals (const Signals &) = delete;
  Signals &operator= (const Signals &) = delete;

  bool send () { return ::write (ends_[1], "", 1) == 1; }
  bool wait ()
  {
    char byte = 0;
    return ::read (ends_[0], &byte, 1) == 1;
  }

private:
  std::array<int, 2> ends_{};
};

}  // namespace

// One fetches, and the other is served as it comes; and takes over from where
// it was when it is gone.
GST_START_TEST (one_download_for_two)
{
  TempDir temp;
  Signals done;
  Signals go;
  pid_t child = start ([&] {
    auto store = Store::open (temp.path (), options (1h));
    slices::Memory memory (2000);
    Stream stream = bytestream::open (**store, "k", memory);
    if (!stream.agree (facts_of (2000, "e"))) return 1;
    auto filler = stream.claim ({0, unknown});
    for (std::uint64_t to = 0; to < 1000; to += 100) {
      if (!fill (*filler, to, 1)) return 2;
      stream.settle ();
      if (!done.send () || !go.wait ()) return 3;
    }
    // In the middle of a slice.
    if (!fill (*filler, 950, 1) || !done.send ()) return 4;
    (void)go.wait ();
    return 5;
  });
  fail_unless (done.wait ());
  auto store = *Store::open (temp.path (), options (1h));
  slices::Memory memory (2000);
  Stream stream = bytestream::open (*store, "k", memory);
  fail_unless (stream.facts ().etag == "e" && stream.status ().bytes == 0);
  fail_unless (stream.agree (facts_of (2000, "e")));
  std::uint64_t at = 0;
  for (unsigned i = 0; i < 10; i++) {
    // It waits before the other goes on, or after.
    std::thread reader ([&, to = at + 100] {
      while (i < 9 && at < to) {
        Found found = stream.wait (at, 1000, {});
        if (!test::is_right (found, at, 1)) return;
        at += found.chunk.bytes.size ();
      }
    });
    fail_unless (go.send () && done.wait ());
    reader.join ();
    fail_unless (at == std::min (i * 100U + 100, 900U), "%u: %lu", i, at);
  }
  fail_unless (stream.status ().followed);
  // Far from there nobody is waited for; what is fetched is in the memory.
  fail_unless (bytestream::open (*store, "k", memory).read (1500, 1).place ==
               Place::hole);
  auto filler = stream.claim ({1500, 1700});
  fail_unless (fill (*filler, 1700, 1).ok ());
  stream.settle ();
  fail_unless (right_bytes (stream, 1500, 1) == 200U);
  filler.reset ();
  stream.settle ();
  auto index = index_of (temp.path ());
  fail_unless (index && index->bytes == 900);

  std::thread killer ([&] { kill (child, SIGKILL); });
  Found found = stream.wait (at, 1, {});
  killer.join ();
  fail_unless (end_of (child) == -SIGKILL);
  fail_unless (found.place == Place::hole);
  fail_unless (found.range == (Range{900, 1500}));
  filler = stream.claim ({900, 1500});
  fail_unless (filler->position () == 900);
  fail_unless (fill (*filler, 1500, 1).ok ());
  filler = stream.claim ({1500, unknown});
  fail_unless (fill (*filler, 2000, 1).ok ());
  filler.reset ();
  stream.settle ();
  fail_unless (right_bytes (stream, 0, 1) == 2000U);
  index = index_of (temp.path ());
  fail_unless (index && index->bytes >= 1800);
  fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
}
GST_END_TEST;

// Somebody who has the lock and does nothing is not waited for for ever.
GST_START_TEST (who_hangs_is_not_waited_for)
{
  TempDir temp;
  Signals done;
  Signals go;
  pid_t child = start ([&] {
    auto store = Store::open (temp.path (), options (1h));
    slices::Memory memory (2000);
    Stream stream = bytestream::open (**store, "k", memory);
    if (!stream.agree (facts_of (2000, "e"))) return 1;
    auto filler = stream.claim ({0, unknown});
    if (!fill (*filler, 100, 1)) return 2;
    stream.settle ();
    return done.send () && go.wait () ? 0 : 3;
  });
  fail_unless (done.wait ());
  auto store = *Store::open (temp.path (), options (30ms));
  slices::Memory memory (2000);
  Stream stream = bytestream::open (*store, "k", memory);
  fail_unless (stream.wait (0, 1, {}).place == Place::bytes);
  fail_unless (stream.wait (100, 1, {}).place == Place::hole);
  fail_unless (go.send () && end_of (child) == 0);
}
GST_END_TEST;

// The resource changes while another process fills the old one.
GST_START_TEST (each_finds_out_that_it_changed)
{
  TempDir temp;
  Signals done;
  Signals go;
  pid_t child = start ([&] {
    auto store = Store::open (temp.path (), options (0ms));
    slices::Memory memory (2000);
    Stream stream = bytestream::open (**store, "k", memory);
    if (!stream.agree (facts_of (500, "one"))) return 1;
    auto filler = stream.claim ({0, unknown});
    if (!fill (*filler, 300, 1)) return 2;
    stream.settle ();
    if (!done.send () || !go.wait ()) return 3;
    // It has lost its name, and goes on all the same.
    if (!fill (*filler, 500, 1)) return 4;
    stream.settle ();
    if (right_bytes (stream, 0, 1) != 500U) return 5;
    stream = bytestream::open (**store, "k", memory);
    return stream.facts ().etag == "two" ? 0 : 6;
  });
  fail_unless (done.wait ());
  auto store = *Store::open (temp.path (), options (0ms));
  slices::Memory memory (2000);
  Stream stream = bytestream::open (*store, "k", memory);
  fail_unless (right_bytes (stream, 0, 1) == 300U);
  fail_if (stream.agree (facts_of (400, "two")));
  Stream renewed = stream.renew (facts_of (400, "two"));
  auto filler = renewed.claim ({0, unknown});
  fail_unless (fill (*filler, 400, 2).ok ());
  filler.reset ();
  renewed.settle ();
  fail_unless (renewed.status ().stored);
  fail_unless (test::files_of (temp.path (), ".idx").size () == 1);
  fail_unless (go.send ());
  int status = end_of (child);
  fail_unless (status == 0, "status %d", status);
  fail_unless (right_bytes (renewed, 0, 2) == 400U);
}
GST_END_TEST;

static Suite *byteprocesses_suite ()
{
  Suite *suite = suite_create ("byteprocesses");
  TCase *tests = tcase_create ("all");
  if (std::getenv ("RELAY_SOAK") != nullptr) tcase_set_timeout (tests, 460);
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, any_of_two_is_killed);
  tcase_add_test (tests, one_download_for_two);
  tcase_add_test (tests, who_hangs_is_not_waited_for);
  tcase_add_test (tests, each_finds_out_that_it_changed);
  return suite;
}

GST_CHECK_MAIN (byteprocesses)

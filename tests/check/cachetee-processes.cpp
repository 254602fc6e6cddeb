// SPDX-License-Identifier: LGPL-2.1-or-later
// Processes with a cachetee that are killed while they play: at any time, and
// at each of their writes. This process plays nothing, so that it may fork.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <random>
#include <string_view>
#include <thread>

#include "cacheplay.h"
#include "diskcalls.h"
#include "folder.h"
#include "processes.h"
#include "record.h"
#include "sanitized.h"
#include "teststore.h"

namespace {

namespace fs = std::filesystem;
using cacheplay::Play;
using test::Bytes;
using test::DiskCall;
using test::end_of;
using test::HookedDisk;
using test::start;
using test::TempDir;

// As cacheplay.h has it.
constexpr std::size_t slice_size = 8192;

// What the processes tell each other of.
struct Board
{
  std::atomic<unsigned> wrong = 0;
  std::atomic<unsigned> runs = 0;
  std::atomic<std::uint64_t> received = 0;
};

using Shared = test::Shared<Board>;

struct Bench
{
  explicit Bench (std::size_t length)
      : wanted (test::pattern (length, 1)), origin (temp.path () / "origin")
  {
    test::write_file (origin, wanted);
  }
  [[nodiscard]] fs::path dir () const { return temp.path () / "cache"; }

  // In a process: once, to the end.
  int play (const char *policy, std::uint64_t *received = nullptr) const
  {
    Play play (origin, dir ());
    play.set ("cache-policy", policy);
    if (!play.play ()) return 1;
    if (play.bytes () != wanted) return 2;
    if (play.warnings () > 0) return 3;
    if (received != nullptr) *received = play.count ("bytes-received");
    return 0;
  }

  TempDir temp;
  Bytes wanted;
  fs::path origin;
};

// How many indices are in the folder, or those of whole objects.
unsigned indices (const fs::path &dir, bool whole = false)
{
  unsigned count = 0;
  for (const fs::path &file : test::files_of (dir, ".idx")) {
    auto index = record::parse_index (test::read_file (file));
    if (index && (index->complete || !whole)) count++;
  }
  return count;
}

bool is_whole (const fs::path &dir)
{
  return indices (dir, true) > 0;
}

enum class Moment
{
  before,
  // Half of the bytes are there.
  amid,
  after,
};

// Kills this process at its n-th write to a file of a kind.
class Killer
{
public:
  Killer (std::string_view suffix, unsigned number, Moment moment)
      : disk_ ([=, this] (const DiskCall &call) -> std::optional<ssize_t> {
          if (call.bytes == nullptr || call.suffix () != suffix ||
              count_++ != number)
            return std::nullopt;
          if (moment != Moment::before)
            (void)call.write (
                moment == Moment::amid ? call.size / 2 : call.size);
          kill (getpid (), SIGKILL);
          return std::nullopt;
        })
  {
  }

private:
  std::atomic<unsigned> count_ = 0;
  HookedDisk disk_;
};

// Bytes of the slices that the index says are there.
std::size_t committed (const fs::path &dir)
{
  std::size_t bytes = 0;
  for (const fs::path &file : test::files_of (dir, ".idx")) {
    auto index = record::parse_index (test::read_file (file));
    if (!index) continue;
    for (std::uint32_t slice : index->slices)
      if (slice != record::no_record) bytes += slice_size;
  }
  return bytes;
}

// Another process gets all of it, and right, and asks for no more than what was
// not committed, and what is read of it at a time.
void look (const Bench &bench, Shared &board, bool replaced, const char *what)
{
  std::size_t there = std::min (committed (bench.dir ()), bench.wanted.size ());
  // As long as the new one is not whole the old one is there.
  if (replaced) there = bench.wanted.size ();
  int result = end_of (start ([&] {
    std::uint64_t received = 0;
    int status = bench.play ("read-write", &received);
    board->received = received;
    return status;
  }));
  fail_unless (result == 0, "%s: status %d", what, result);
  std::size_t missing = bench.wanted.size () - there;
  fail_unless (board->received <= (missing == 0 ? 0 : missing + 20000),
      "%s: %zu there, and %zu were asked for", what, there,
      std::size_t{board->received});
}

constexpr const char *moments[] = {"before", "amid", "after"};

}  // namespace

// The data, the record that commits it, the last one that makes it whole, and
// each of them before, in the middle and after it.
GST_START_TEST (killed_at_each_write)
{
  Shared board;
  unsigned killed = 0;
  unsigned whole = 0;
  unsigned step = 2;
  if (std::getenv ("RELAY_SOAK") != nullptr) step = 1;
  if (test::is_sanitized ()) step = 8;
  for (bool replaced : {false, true}) {
    for (const char *suffix : {".dat", ".idx"}) {
      for (Moment moment : {Moment::before, Moment::amid, Moment::after}) {
        bool fired = true;
        for (unsigned number = 0; fired && number < 100; number += step) {
          Bench bench (60000);
          char what[80];
          std::snprintf (what, sizeof (what), "%s write %u of %s%s",
              moments[static_cast<int> (moment)], number, suffix,
              replaced ? ", replaced" : "");
          if (replaced)
            fail_unless (end_of (start (
                             [&] { return bench.play ("read-write"); })) == 0);
          int status = end_of (start ([&] {
            Killer killer (suffix, number, moment);
            return bench.play ("refresh");
          }));
          fired = status == -SIGKILL;
          fail_unless (fired || status == 0, "%s: status %d", what, status);
          killed += fired ? 1U : 0U;
          whole += fired && is_whole (bench.dir ()) ? 1U : 0U;
          look (bench, board, replaced, what);
          // The next one makes it whole, and clears up.
          for (const char *policy : {"refresh", "read-write"}) {
            status = end_of (start ([&] { return bench.play (policy); }));
            fail_unless (status == 0, "%s: then status %d", what, status);
          }
          fail_unless (is_whole (bench.dir ()), "%s: never whole", what);
          // But for a file without a header, which may be anybody's.
          fail_unless (indices (bench.dir ()) == 1, "%s: not cleared up", what);
        }
        fail_if (fired);
      }
    }
  }
  fail_unless (
      killed > 40 / step && whole > 0, "%u killed, %u whole", killed, whole);
}
GST_END_TEST;

// Two processes at the same key; either of them is killed at any time.
GST_START_TEST (any_of_two_is_killed)
{
  Shared board;
  Bench bench (2000000);
  std::minstd_rand random (42);
  unsigned rounds = test::is_sanitized () ? 8 : 20;
  if (const char *wanted = std::getenv ("RELAY_ROUNDS"))
    rounds = static_cast<unsigned> (std::strtoul (wanted, nullptr, 10));
  else if (std::getenv ("RELAY_SOAK") != nullptr)
    rounds = 250;
  auto begin = [&] {
    return start ([&, seed = static_cast<unsigned> (random ())] {
      std::minstd_rand own (seed);
      while (true) {
        // Recorded again, or served, or taken away.
        unsigned choice = (own () >> 8) % 4;
        int status = bench.play (choice == 0 ? "refresh" : "read-write");
        board->runs++;
        if (status != 0) board->wrong++;
        if (status != 0) return status;
        if (choice != 1) continue;
        Play play (bench.origin, bench.dir ());
        guint purged = 0;
        g_signal_emit_by_name (play.tee (), "purge", "key", &purged);
      }
    });
  };
  pid_t children[] = {begin (), begin ()};
  unsigned whole = 0;
  for (unsigned round = 0; round < rounds; round++) {
    unsigned victim = round % 2;
    unsigned before = board->runs;
    siginfo_t ended = {};
    // In a run of one that is under way, or in the first one.
    while (round % 3 != 0 && board->runs == before && ended.si_pid == 0) {
      std::this_thread::yield ();
      waitid (P_PID, static_cast<id_t> (children[victim]), &ended,
          WEXITED | WNOHANG | WNOWAIT);
    }
    std::this_thread::sleep_for (std::chrono::microseconds (random () % 20000));
    kill (children[victim], SIGKILL);
    int status = end_of (children[victim]);
    fail_unless (status == -SIGKILL, "round %u: status %d", round, status);
    int result = end_of (start ([&] { return bench.play ("read-only"); }));
    fail_unless (result == 0, "round %u: status %d", round, result);
    whole += is_whole (bench.dir ()) ? 1U : 0U;
    children[victim] = begin ();
  }
  for (pid_t child : children) {
    kill (child, SIGKILL);
    fail_unless (end_of (child) == -SIGKILL);
  }
  fail_unless (board->wrong == 0, "%u wrong", board->wrong.load ());
  fail_unless (board->runs > 0 && whole > 0, "%u runs, %u whole",
      board->runs.load (), whole);
  // Whatever they left behind: it is recorded, and then served.
  fail_unless (end_of (start ([&] { return bench.play ("refresh"); })) == 0);
  look (bench, board, false, "at last");
  fail_unless (board->received == 0);
}
GST_END_TEST;

static Suite *cachetee_processes_suite ()
{
  Suite *suite = suite_create ("cachetee-processes");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, killed_at_each_write);
  tcase_add_test (tests, any_of_two_is_killed);
  return suite;
}

GST_CHECK_MAIN (cachetee_processes)

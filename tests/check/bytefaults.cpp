// SPDX-License-Identifier: LGPL-2.1-or-later
// What becomes of a byte stream when the disk fails: never wrong bytes, no
// hang, and all is well again when the disk is.
#include <array>
#include <cstdlib>

#include "testbytes.h"
#include "testdisk.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using bytestream::Filler;
using bytestream::Range;
using bytestream::Stream;
using bytestream::unknown;
using store::Store;
using test::Call;
using test::calls;
using test::facts_of;
using test::FailingDisk;
using test::fill;
using test::LoggingDisk;
using test::lose_power;
using test::right_bytes;
using test::TempDir;

constexpr std::uint64_t total = 850;

store::Options options (disk::Disk &disk)
{
  store::Options options = test::small_store;
  options.l2_size = 10 << 20;
  options.compress = test::is_compressible;
  options.retry = 0ms;
  options.follow_patience = 0ms;
  options.disk = &disk;
  return options;
}

// All that can be read of it; none of it is wrong.
std::uint64_t look (const Stream &stream, unsigned seed, const char *what)
{
  std::uint64_t right = 0;
  bool wrong = false;
  for (std::uint64_t from = 0; from < total; from += 100) {
    auto part = right_bytes (stream, from, seed, std::min (from + 100, total));
    wrong |= !part;
    right += part.value_or (0);
  }
  fail_if (wrong, "%s: wrong bytes", what);
  return right;
}

// Fills all holes.
void complete (const Stream &stream, unsigned seed)
{
  while (auto filler = stream.claim ({0, unknown}))
    (void)fill (*filler, unknown, seed, 60);
  stream.settle ();
}

unsigned version_of (const Stream &stream)
{
  std::string etag = stream.facts ().etag;
  return etag.empty () ? 0 : static_cast<unsigned> (std::atoi (&etag[0]));
}

// A part is there; the rest is filled, the resource changes, half of it comes,
// the folder is looked through.
bool live (const FailingDisk::Plan &plan, const char *what)
{
  TempDir temp;
  FailingDisk disk;
  slices::Memory memory (1 << 20);
  slices::Memory none (0);
  {
    auto store = *Store::open (temp.path () / "c", options (disk));
    Stream stream = bytestream::open (*store, "k", none);
    (void)stream.agree (facts_of (total, "1"));
    auto filler = stream.claim ({200, 500});
    fail_unless (fill (*filler, 500, 1).ok ());
    filler.reset ();
    stream.settle ();
  }
  disk.plan (plan);
  bool fired = false;
  if (auto store = Store::open (temp.path () / "c", options (disk))) {
    Stream stream = bytestream::open (**store, "k", memory);
    if (!stream.agree (facts_of (total, "1")))
      stream = stream.renew (facts_of (total, "1"));
    (void)look (stream, 1, what);
    complete (stream, 1);
    // It is in the memory if it is nowhere else. What cannot be read is to be
    // filled again.
    const bool may_lose = plan.call == Call::read;
    fail_unless (look (stream, 1, what) == total || may_lose, "%s: lost", what);
    Stream changed = stream.renew (facts_of (total, "2"));
    auto filler = changed.claim ({0, 400});
    (void)fill (*filler, 400, 2);
    filler.reset ();
    changed.settle ();
    fail_unless (look (changed, 2, what) == 400 || may_lose, "%s: lost", what);
    // The old one goes, if it can.
    if (plan.call == Call::remove) complete (changed, 2);
    (void)(*store)->sweep ();
    fired = disk.fired ();
    // The disk is well again.
    disk.plan ({});
    (void)(*store)->sweep ();
    fail_unless (look (changed, 2, what) >= 400 || may_lose, "%s: lost", what);
    complete (changed, 2);
    fail_unless (look (changed, 2, what) == total, "%s", what);
  } else {
    fired = disk.fired ();
    disk.plan ({});
  }
  // And after a restart.
  auto store = Store::open (temp.path () / "c", options (disk));
  fail_unless (store.ok (), "%s", what);
  Stream stream = bytestream::open (**store, "k", none);
  unsigned version = version_of (stream);
  if (version != 0) (void)look (stream, version, what);
  if (!stream.agree (facts_of (total, "2")))
    stream = stream.renew (facts_of (total, "2"));
  complete (stream, 2);
  fail_unless (stream.status ().stored, "%s: not stored", what);
  fail_unless (look (stream, 2, what) == total, "%s", what);
  return fired;
}

void every_call (int error, std::size_t part)
{
  for (Call call : calls) {
    for (bool once : {true, false}) {
      // Until there is no such call any more.
      unsigned number = 0;
      bool fired = true;
      for (; fired && number < 400; number++) {
        std::array<char, 80> what{};
        std::snprintf (what.data (), what.size (),
            "call %d number %u%s error %d", static_cast<int> (call), number,
            once ? "" : " and on", error);
        fired = live ({call, number, once, error, part}, what.data ());
      }
      fail_unless (number > 1 && number < 400, "call %d: %u times",
          static_cast<int> (call), number);
    }
  }
}

}  // namespace

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

static void lose_power_often (unsigned seeds)
{
  TempDir temp;
  LoggingDisk disk;
  slices::Memory none (0);
  {
    auto store = *Store::open (temp.path () / "c", options (disk));
    Stream stream = bytestream::open (*store, "k", none);
    fail_unless (stream.agree (facts_of (total, "1")));
    for (Range range : {Range{300, 600}, Range{0, 300}}) {
      auto filler = stream.claim (range);
      fail_unless (fill (*filler, range.to, 1).ok ());
    }
    stream.settle ();
    complete (stream.renew (facts_of (total, "2")), 2);
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
    Stream stream = bytestream::open (**store, "k", none);
    unsigned version = version_of (stream);
    std::uint64_t right = version == 0 ? 0 : look (stream, version, "power");
    (right == total ? served : missed)++;
    // The rest comes, and is kept.
    if (!stream.agree (facts_of (total, "2")))
      stream = stream.renew (facts_of (total, "2"));
    complete (stream, 2);
    fail_unless (look (stream, 2, "power") == total, "seed %u", seed);
    fail_unless (stream.status ().stored, "seed %u", seed);
  }
  fail_unless (
      served > seeds / 8 && missed > seeds / 8, "%u %u", served, missed);
}

GST_START_TEST (a_loss_of_power)
{
  lose_power_often (400);
  test::is_compressible = true;
  lose_power_often (100);
}
GST_END_TEST;

static Suite *bytefaults_suite ()
{
  Suite *suite = suite_create ("bytefaults");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, every_call_fails_once_or_for_ever);
  tcase_add_test (tests, every_call_fails_with_compression);
  tcase_add_test (tests, every_call_finds_no_space);
  tcase_add_test (tests, a_loss_of_power);
  return suite;
}

GST_CHECK_MAIN (bytefaults)

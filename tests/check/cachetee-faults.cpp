// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes wrong with the disk and the folder of a cachetee in a pipeline: the
// stream passes, there is one warning, and it is counted.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string_view>
#include <vector>

#include "cacheplay.h"
#include "diskcalls.h"
#include "sanitized.h"
#include "teststore.h"

namespace {

namespace fs = std::filesystem;
using cacheplay::Play;
using test::Bytes;
using test::DiskCall;
using test::HookedDisk;
using test::TempDir;

constexpr std::size_t size = 60000;

// A file to play and a folder for its cache.
struct Bench
{
  explicit Bench (std::size_t length = size, bool as_packets = false)
      : wanted (test::pattern (length, 1)),
        origin (temp.path () / "origin"),
        packets (as_packets)
  {
    test::write_file (origin, wanted);
    if (!packets) return;
    Play play (origin, dir (), "key", true);
    play.set ("cache-policy", "off");
    fail_unless (play.play ());
    wanted = play.bytes ();
    fail_unless (wanted.size () == length);
  }
  [[nodiscard]] fs::path dir () const { return temp.path () / "cache"; }
  // Plays it, and all is well.
  void assert_well (const char *status, const char *what)
  {
    Play play (origin, dir (), "key", packets);
    fail_unless (play.play (), "%s: %s", what, play.said ().c_str ());
    fail_unless (play.bytes () == wanted, "%s: other bytes", what);
    fail_unless (play.warnings () == 0, "%s: %s", what, play.said ().c_str ());
    fail_unless (
        play.status () == status, "%s: %s", what, play.status ().c_str ());
  }
  // Something is wrong: passes with one warning, that says so, and is counted.
  void assert_warns (Play &play, int code, const char *what)
  {
    fail_unless (play.play (), "%s: %s", what, play.said ().c_str ());
    assert_warned (play, code, what);
  }
  void assert_warned (Play &play, int code, const char *what)
  {
    fail_unless (play.bytes () == wanted, "%s: other bytes", what);
    fail_unless (play.warnings () == 1, "%s: %u warnings: %s%s", what,
        play.warnings (), play.said ().c_str (), play.status ().c_str ());
    fail_unless (play.code () == code, "%s: %s", what, play.said ().c_str ());
    fail_unless (
        play.count ("store-failures") + play.count ("corrupt-slices") > 0,
        "%s: not counted", what);
  }

  TempDir temp;
  Bytes wanted;
  fs::path origin;
  const bool packets;
};

// Fails the n-th call of a kind, or all from there on.
class Failing
{
public:
  Failing (bool writes, unsigned from, bool once, int error)
      : writes_ (writes),
        from_ (from),
        once_ (once),
        error_ (error),
        disk_ ([this] (const DiskCall &call) { return decide (call); })
  {
  }
  bool fired () { return fired_; }

private:
  std::optional<ssize_t> decide (const DiskCall &call)
  {
    if ((call.bytes != nullptr) != writes_) return std::nullopt;
    unsigned number = count_++;
    if (number < from_ || (once_ && number > from_)) return std::nullopt;
    fired_ = true;
    // Some of it is there all the same.
    if (writes_) (void)call.write (std::min<std::size_t> (call.size, 13));
    errno = error_;
    return -1;
  }

  const bool writes_;
  const unsigned from_;
  const bool once_;
  const int error_;
  std::atomic<unsigned> count_ = 0;
  std::atomic<bool> fired_ = false;
  // Goes first.
  HookedDisk disk_;
};

// In a name space of its own, which goes with the process.
bool can_mount (const fs::path &place, const char *options, unsigned long flags)
{
  fs::create_directories (place);
  if (unshare (CLONE_NEWNS) == 0 &&
      mount (nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
      mount ("none", place.c_str (), "tmpfs", flags, options) == 0)
    return true;
  std::printf ("skipped: no tmpfs can be mounted: %s\n", g_strerror (errno));
  return false;
}

}  // namespace

static void every_write (bool packets)
{
  for (int error : {EIO, ENOSPC}) {
    for (bool once : {true, false}) {
      unsigned number = 0;
      for (bool fired = true; fired && number < 200; number++) {
        Bench bench (size, packets);
        char what[80];
        std::snprintf (what, sizeof (what), "write %u%s, error %d", number,
            once ? "" : " and on", error);
        {
          Failing disk (true, number, once, error);
          Play play (bench.origin, bench.dir (), "key", packets);
          bool ended = play.play ();
          fired = disk.fired ();
          fail_unless (ended, "%s: %s", what, play.said ().c_str ());
          if (fired)
            bench.assert_warned (play,
                error == EIO ? GST_RESOURCE_ERROR_WRITE
                             : GST_RESOURCE_ERROR_NO_SPACE_LEFT,
                what);
        }
        if (!fired) continue;
        // The disk is well again: the next run keeps it.
        Play after (bench.origin, bench.dir (), "key", packets);
        fail_unless (after.play () && after.bytes () == bench.wanted, "%s: %s",
            what, after.said ().c_str ());
        bench.assert_well ("hit ", what);
      }
      fail_unless (number > 8 && number < 200, "%u writes", number);
    }
  }
}

static void every_read (bool packets)
{
  for (bool once : {true, false}) {
    unsigned number = 0;
    for (bool fired = true; fired && number < 200; number++) {
      Bench bench (size, packets);
      bench.assert_well ("miss not found", "to begin with");
      char what[80];
      std::snprintf (
          what, sizeof (what), "read %u%s", number, once ? "" : " and on");
      {
        Failing disk (false, number, once, EIO);
        Play play (bench.origin, bench.dir (), "key", packets);
        bool ended = play.play ();
        fired = disk.fired ();
        if (ended) {
          fail_unless (play.bytes () == bench.wanted, "%s: other bytes", what);
          // An index of which a part cannot be read is a miss as any other; or
          // it was read in vain, but not in need.
          bool is_lost =
              play.status () != "hit " || play.count ("bytes-received") > 0;
          if (fired && play.status () != "miss damaged" && is_lost)
            bench.assert_warned (play, play.code (), what);
        } else {
          // What was served cannot be compared any more.
          Bytes got = play.bytes ();
          fail_unless (!once && play.errors () > 0, "%s: %s", what,
              play.said ().c_str ());
          fail_unless (play.said ().find ("other content") == std::string::npos,
              "%s: %s", what, play.said ().c_str ());
          fail_unless (
              std::equal (got.begin (), got.end (), bench.wanted.begin ()),
              "%s: other bytes", what);
        }
      }
      Play after (bench.origin, bench.dir (), "key", packets);
      fail_unless (after.play () && after.bytes () == bench.wanted, "%s: %s",
          what, after.said ().c_str ());
      bench.assert_well ("hit ", what);
    }
    fail_unless (number > 8 && number < 200, "%u reads", number);
  }
}

GST_START_TEST (every_write_of_packets_fails)
{
  every_write (true);
}
GST_END_TEST;

GST_START_TEST (every_write_of_bytes_fails)
{
  every_write (false);
}
GST_END_TEST;

GST_START_TEST (every_read_of_packets_fails)
{
  every_read (true);
}
GST_END_TEST;

GST_START_TEST (every_read_of_bytes_fails)
{
  every_read (false);
}
GST_END_TEST;

// Interrupted, and never more than a few bytes at a time.
GST_START_TEST (short_writes)
{
  Bench bench;
  std::atomic<unsigned> count = 0;
  HookedDisk disk ([&] (const DiskCall &call) -> std::optional<ssize_t> {
    if (call.bytes == nullptr) return std::nullopt;
    errno = EINTR;
    if (count++ % 3 == 0) return -1;
    return call.write (std::min<std::size_t> (call.size, 777));
  });
  bench.assert_well ("miss not found", "short writes");
  bench.assert_well ("hit ", "short writes");
  fail_unless (count > 80, "%u calls", count.load ());
}
GST_END_TEST;

namespace {

// A disk of which each write of payload waits until it is told to go on; the
// beginnings of files are written by the thread that starts the element.
class Hanging
{
public:
  Hanging ()
      : disk_ ([this] (const DiskCall &call) -> std::optional<ssize_t> {
          std::unique_lock lock (mutex_);
          if (call.bytes == nullptr || call.offset == 0 || !hangs_ ||
              std::string_view (call.suffix ()) != ".dat")
            return std::nullopt;
          waiting_++;
          changed_.notify_all ();
          changed_.wait (lock, [this] { return !hangs_; });
          return std::nullopt;
        })
  {
  }
  bool wait ()
  {
    std::unique_lock lock (mutex_);
    return changed_.wait_for (
        lock, std::chrono::seconds (20), [this] { return waiting_ > 0; });
  }
  void release ()
  {
    std::lock_guard guard (mutex_);
    hangs_ = false;
    changed_.notify_all ();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = true;
  unsigned waiting_ = 0;
  HookedDisk disk_;
};

}  // namespace

// The stream goes on with its fifth buffer when the disk hangs, and comes to
// its end while it does.
GST_START_TEST (a_disk_that_hangs_holds_up_nobody)
{
  for (bool packets : {true, false}) {
    Bench bench (2000000, packets);
    Play play (bench.origin, bench.dir (), "key", packets);
    play.set ("on-slow-store", "skip");
    play.set ("queue-size", "100000");
    Hanging disk;
    auto wait = [&] {
      if (play.bytes ().size () < 40000) return false;
      (void)disk.wait ();
      return true;
    };
    relay::Owned<GstPad> pad{gst_element_get_static_pad (play.tee (), "sink")};
    gst_pad_add_probe (
        pad.get (), GST_PAD_PROBE_TYPE_BUFFER,
        [] (GstPad *, GstPadProbeInfo *, gpointer data) {
          return (*static_cast<decltype (wait) *> (data)) ()
                     ? GST_PAD_PROBE_REMOVE
                     : GST_PAD_PROBE_OK;
        },
        &wait, nullptr);
    fail_unless (play.begin ());
    fail_unless (play.wait_bytes (bench.wanted.size ()));
    fail_unless (disk.wait ());
    disk.release ();
    fail_unless (play.end (), "%s", play.said ().c_str ());
    bench.assert_warned (play, GST_RESOURCE_ERROR_WRITE, "a disk that hangs");
    fail_unless (play.count ("skipped-slices") > 0);
  }
}
GST_END_TEST;

// ---- The folder ------------------------------------------------------------

GST_START_TEST (a_small_disk_gets_full)
{
  Bench bench (3000000);
  if (!can_mount (bench.dir (), "size=1m", 0)) return;
  Play play (bench.origin, bench.dir ());
  bench.assert_warns (play, GST_RESOURCE_ERROR_NO_SPACE_LEFT, "small disk");
}
GST_END_TEST;

// Not only by its mode, which does not count for root.
GST_START_TEST (a_folder_that_is_read_only)
{
  Bench bench;
  bool mounted = can_mount (bench.dir (), "size=4m", 0);
  bench.assert_well ("miss not found", "before");
  auto protect = [&] (bool on) {
    if (mounted)
      return mount (nullptr, bench.dir ().c_str (), nullptr,
                 on ? MS_REMOUNT | MS_RDONLY : MS_REMOUNT, nullptr) == 0;
    for (const auto &entry : fs::recursive_directory_iterator (bench.dir ()))
      if (entry.is_directory ())
        chmod (entry.path ().c_str (), on ? 0500 : 0700);
    return chmod (bench.dir ().c_str (), on ? 0500 : 0700) == 0;
  };
  if (!mounted && geteuid () == 0) return;
  fail_unless (protect (true));
  // What is there is served.
  bench.assert_well ("hit ", "read-only");
  {
    Play play (bench.origin, bench.dir (), "another");
    bench.assert_warns (play, GST_RESOURCE_ERROR_OPEN_WRITE, "read-only");
  }
  fail_unless (protect (false));
  bench.assert_well ("hit ", "after");
}
GST_END_TEST;

GST_START_TEST (a_folder_that_vanishes)
{
  // While it is recorded: that is not seen, and what is not there is a miss.
  Bench bench (4000000);
  {
    Play play (bench.origin, bench.dir ());
    fail_unless (play.begin () && play.wait_bytes (1000000));
    fs::remove_all (bench.dir ());
    fail_unless (play.end (), "%s", play.said ().c_str ());
    fail_unless (play.bytes () == bench.wanted);
    fail_unless (play.warnings () <= 1, "%s", play.said ().c_str ());
  }
  {
    Play play (bench.origin, bench.dir ());
    fail_unless (play.play () && play.bytes () == bench.wanted);
  }
  // While it is served.
  Play play (bench.origin, bench.dir ());
  fail_unless (play.begin () && play.wait_bytes (1));
  fs::remove_all (bench.dir ());
  fail_unless (play.end (), "%s", play.said ().c_str ());
  fail_unless (play.bytes () == bench.wanted);
  gst_element_set_state (play.pipeline (), GST_STATE_NULL);
  bench.assert_well ("miss not found", "vanished");
  bench.assert_well ("hit ", "made again");
}
GST_END_TEST;

// With fewer and fewer file descriptors left.
static void have_few_files (bool packets)
{
  // UBSan needs a pipe to see whether an object is one.
  if (test::is_sanitized ()) return;
  TempDir temp;
  Bytes wanted;
  {
    Play play ({}, temp.path (), "key", packets);
    play.set ("cache-policy", "off");
    fail_unless (play.play ());
    wanted = play.bytes ();
    fail_unless (wanted.size () == 60000);
  }
  unsigned warned = 0;
  unsigned kept = 0;
  for (int left = 0; left < 12; left++) {
    fs::path dir = temp.path () / std::to_string (left);
    Play play ({}, dir, "key", packets);
    rlimit before{};
    getrlimit (RLIMIT_NOFILE, &before);
    std::vector<int> held;
    rlimit few{64, before.rlim_max};
    setrlimit (RLIMIT_NOFILE, &few);
    for (int fd = 0; (fd = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
      held.push_back (fd);
    for (int i = 0; i < left; i++) {
      close (held.back ());
      held.pop_back ();
    }
    bool ended = play.play ();
    for (int fd : held) close (fd);
    setrlimit (RLIMIT_NOFILE, &before);
    fail_unless (ended, "%d left: %s", left, play.said ().c_str ());
    fail_unless (play.bytes () == wanted, "%d left", left);
    bool stored = play.count ("objects-stored") == 1;
    fail_unless (play.warnings () == (stored ? 0U : 1U), "%d left: %s", left,
        play.said ().c_str ());
    fail_unless (stored || play.count ("store-failures") > 0);
    warned += play.warnings ();
    kept += stored ? 1U : 0U;
    gst_element_set_state (play.pipeline (), GST_STATE_NULL);
    Play after ({}, dir, "key", packets);
    fail_unless (after.play () && after.bytes () == wanted);
    fail_unless (after.warnings () == 0, "%s", after.said ().c_str ());
    Play again ({}, dir, "key", packets);
    fail_unless (again.play () && again.bytes () == wanted);
    fail_unless (again.status () == "hit ", "%s", again.status ().c_str ());
  }
  fail_unless (warned > 0 && kept > 0, "%u %u", warned, kept);
}

GST_START_TEST (no_more_files_can_be_opened)
{
  have_few_files (true);
  have_few_files (false);
}
GST_END_TEST;

// ---- What others have put there ---------------------------------------------

namespace {

fs::path file_of (const fs::path &dir, const char *suffix)
{
  std::vector<fs::path> found = test::files_of (dir, suffix);
  fail_unless (found.size () == 1, "%zu files %s", found.size (), suffix);
  return found.front ();
}

struct Foreign
{
  const char *what;
  std::function<void (const fs::path &)> make;
};

const std::vector<Foreign> &foreign_things ()
{
  static const std::vector<Foreign> things{
      {"nothing", [] (const fs::path &) {}},
      {"a byte", [] (const fs::path &at) { test::write_file (at, Bytes (1)); }},
      {"zeros",
          [] (const fs::path &at) { test::write_file (at, Bytes (70000)); }},
      {"noise",
          [] (const fs::path &at) {
            test::write_file (at, test::pattern (70000, 9));
          }},
      {"a folder", [] (const fs::path &at) { fs::create_directory (at); }},
      {"a folder that is not empty",
          [] (const fs::path &at) { fs::create_directories (at / "more"); }},
      {"a FIFO",
          [] (const fs::path &at) {
            fail_unless (mkfifo (at.c_str (), 0600) == 0);
          }},
      {"a link to nothing",
          [] (const fs::path &at) { fs::create_symlink ("nowhere", at); }},
      {"a link to itself",
          [] (const fs::path &at) { fs::create_symlink (at, at); }},
      {"a link to a file",
          [] (const fs::path &at) {
            fs::path other = at.parent_path () / "other";
            test::write_file (other, test::pattern (50000, 3));
            fs::create_symlink (other, at);
          }},
      {"a link to a device",
          [] (const fs::path &at) { fs::create_symlink ("/dev/zero", at); }},
      {"a socket",
          [] (const fs::path &at) {
            sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
            g_strlcpy (name.sun_path, at.c_str (), sizeof (name.sun_path));
            int fd = socket (AF_UNIX, SOCK_STREAM, 0);
            fail_unless (bind (fd, reinterpret_cast<sockaddr *> (&name),
                             sizeof (name)) == 0);
            close (fd);
          }},
  };
  return things;
}

// What is not of our making: its kind, and of a link where it goes.
std::string kind_of (const fs::path &at)
{
  fs::file_status status = fs::symlink_status (at);
  std::string kind = std::to_string (static_cast<int> (status.type ()));
  return fs::is_symlink (status) ? kind + fs::read_symlink (at).string ()
                                 : kind;
}

}  // namespace

GST_START_TEST (files_of_others_are_a_miss_and_stay)
{
  for (const char *suffix : {".idx", ".dat"}) {
    for (const Foreign &thing : foreign_things ()) {
      std::string what = std::string (thing.what) + " as " + suffix;
      Bench bench;
      bench.assert_well ("miss not found", "before");
      fs::path place = file_of (bench.dir (), suffix);
      fs::remove (place);
      thing.make (place);
      std::string kind = kind_of (place);
      Play play (bench.origin, bench.dir ());
      fail_unless (
          play.play (), "%s: %s", what.c_str (), play.said ().c_str ());
      fail_unless (play.bytes () == bench.wanted, "%s", what.c_str ());
      fail_unless (play.warnings () <= 1, "%s: %s", what.c_str (),
          play.said ().c_str ());
      fail_unless (
          play.count ("cache-hits") == 0 || play.count ("corrupt-slices") == 1,
          "%s", what.c_str ());
      gst_element_set_state (play.pipeline (), GST_STATE_NULL);
      if (!fs::is_regular_file (fs::symlink_status (place)) &&
          fs::exists (fs::symlink_status (place)))
        fail_unless (kind_of (place) == kind, "%s: changed", what.c_str ());
      if (fs::exists (place.parent_path () / "other"))
        fail_unless (test::read_file (place.parent_path () / "other") ==
                     test::pattern (50000, 3));
      bench.assert_well ("hit ", what.c_str ());
    }
  }
}
GST_END_TEST;

// In the place of the marker, or of the folder itself.
GST_START_TEST (a_folder_of_others_is_left_alone)
{
  for (const char *name : {"cache/CACHETEE", "cache"}) {
    for (const Foreign &thing : foreign_things ()) {
      Bench bench;
      fs::path place = bench.temp.path () / name;
      fs::create_directories (place.parent_path ());
      thing.make (place);
      std::string what = std::string (thing.what) + " as " + name;
      // A folder may be there.
      fs::file_type type = fs::symlink_status (place).type ();
      if (type == fs::file_type::not_found ||
          (type == fs::file_type::directory && bench.dir () == place)) {
        bench.assert_well ("miss not found", what.c_str ());
        continue;
      }
      std::string kind = kind_of (place);
      Play play (bench.origin, bench.dir ());
      bench.assert_warns (play, GST_RESOURCE_ERROR_OPEN_WRITE, what.c_str ());
      fail_unless (play.status ().starts_with ("bypass"), "%s: %s",
          what.c_str (), play.status ().c_str ());
      fail_unless (kind_of (place) == kind, "%s: changed", what.c_str ());
    }
  }
}
GST_END_TEST;

// Each byte of the index in turn, some of the data, and each way to cut them.
GST_START_TEST (damage_is_never_served)
{
  Bench bench;
  bench.assert_well ("miss not found", "before");
  for (const char *suffix : {".idx", ".dat"}) {
    fs::path file = file_of (bench.dir (), suffix);
    const Bytes good = test::read_file (file);
    const Bytes index = test::read_file (file_of (bench.dir (), ".idx"));
    std::size_t step = std::max<std::size_t> (good.size () / 97, 1);
    for (bool cut : {true, false}) {
      for (std::size_t at = 0; at < good.size (); at += step) {
        Bench copy;
        fs::copy (bench.dir (), copy.dir (), fs::copy_options::recursive);
        fs::path place = file_of (copy.dir (), suffix);
        Bytes bad = good;
        if (cut)
          bad.resize (at);
        else
          bad[at] ^= 0x40;
        test::write_file (place, bad);
        char what[80];
        std::snprintf (what, sizeof (what), "%s: %s at %zu", suffix,
            cut ? "cut" : "changed", at);
        Play play (copy.origin, copy.dir ());
        fail_unless (play.play (), "%s: %s", what, play.said ().c_str ());
        fail_unless (play.bytes () == copy.wanted, "%s: other bytes", what);
        fail_unless (
            play.warnings () <= 1, "%s: %s", what, play.said ().c_str ());
        fail_unless (play.warnings () == 0 || play.count ("corrupt-slices") > 0,
            "%s: not counted", what);
      }
    }
  }
}
GST_END_TEST;

// ---- The clock -------------------------------------------------------------

GST_START_TEST (a_clock_that_jumps)
{
  constexpr long year = 365L * 24 * 3600;
  for (bool packets : {true, false}) {
    Bench bench (size, packets);
    auto play = [&] (long clock, const char *status) {
      test::set_clock (clock);
      bench.assert_well (status, status);
    };
    // Of a byte stream upstream says whether it is still the same.
    const char *old = packets ? "miss expired" : "revalidated ";
    play (10 * year, "miss not found");
    play (10 * year, "hit ");
    play (10 * year + 3601, old);
    play (10 * year + 3601, "hit ");
    // What was made in the future is not served for ten years.
    play (0, old);
    play (0, "hit ");
    // Before 1970.
    play (-60 * year, old);
    play (0, old);
    play (0, "hit ");
  }
}
GST_END_TEST;

// Upstream was asked, and waits with its segment while the branch plays.
GST_START_TEST (what_was_checked_is_stopped)
{
  Bench bench (2000000);
  test::set_clock (0);
  bench.assert_well ("miss not found", "to begin with");
  test::set_clock (3601);
  for (int i = 0; i < 5; i++) {
    Play play (bench.origin, bench.dir ());
    GstElement *pipeline = play.pipeline ();
    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    fail_unless (gst_element_get_state (pipeline, nullptr, nullptr,
                     20 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
    fail_unless (play.status () == (i == 0 ? "revalidated " : "hit "), "%s",
        play.status ().c_str ());
    play.stop ();
    fail_unless (play.warnings () + play.errors () == 0);
    if (i == 2) gst_element_set_state (pipeline, GST_STATE_NULL);
  }
  test::set_clock (0);
}
GST_END_TEST;

// ---- Seeks -----------------------------------------------------------------

GST_START_TEST (flush_seeks_again_and_again)
{
  std::minstd_rand random (42);
  unsigned seeks = std::getenv ("RELAY_SOAK") != nullptr ? 2000 : 60;
  Bench bench (2000000);
  // While it is recorded, then while it is served.
  for (bool served : {false, true}) {
    if (served) {
      Play whole (bench.origin, bench.dir ());
      fail_unless (whole.play () && whole.bytes () == bench.wanted);
      bench.assert_well ("hit ", "before");
    }
    Play play (bench.origin, bench.dir ());
    fail_unless (play.begin () && play.wait_bytes (1));
    std::size_t offset = 0;
    for (unsigned i = 0; i < seeks; i++) {
      offset = (random () >> 4) % (bench.wanted.size () - 1);
      fail_unless (play.seek (offset), "seek %u", i);
      // At once again, or when something came.
      if (i % 3 == 0) fail_unless (play.wait_bytes (1), "seek %u", i);
    }
    // There may be an EOS of an earlier end.
    fail_unless (play.wait_bytes (bench.wanted.size () - offset));
    const Bytes got = play.bytes ();
    fail_unless (play.end (), "%s", play.said ().c_str ());
    fail_unless (play.warnings () == 0, "%s", play.said ().c_str ());
    auto [differs, wanted] = std::mismatch (got.begin (), got.end (),
        bench.wanted.begin () + static_cast<std::ptrdiff_t> (offset),
        bench.wanted.end ());
    fail_unless (differs == got.end () && wanted == bench.wanted.end (),
        "%s: %zu bytes from %zu on, wrong at %td",
        served ? "served" : "recorded", got.size (), offset,
        differs - got.begin ());
    if (served) fail_unless (play.count ("bytes-received") == 0);
  }
}
GST_END_TEST;

static Suite *cachetee_faults_suite ()
{
  Suite *suite = suite_create ("cachetee-faults");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, every_write_of_packets_fails);
  tcase_add_test (tests, every_write_of_bytes_fails);
  tcase_add_test (tests, every_read_of_packets_fails);
  tcase_add_test (tests, every_read_of_bytes_fails);
  tcase_add_test (tests, short_writes);
  tcase_add_test (tests, a_disk_that_hangs_holds_up_nobody);
  tcase_add_test (tests, a_small_disk_gets_full);
  tcase_add_test (tests, a_folder_that_is_read_only);
  tcase_add_test (tests, a_folder_that_vanishes);
  tcase_add_test (tests, no_more_files_can_be_opened);
  tcase_add_test (tests, files_of_others_are_a_miss_and_stay);
  tcase_add_test (tests, a_folder_of_others_is_left_alone);
  tcase_add_test (tests, damage_is_never_served);
  tcase_add_test (tests, a_clock_that_jumps);
  tcase_add_test (tests, what_was_checked_is_stopped);
  tcase_add_test (tests, flush_seeks_again_and_again);
  return suite;
}

GST_CHECK_MAIN (cachetee_faults)

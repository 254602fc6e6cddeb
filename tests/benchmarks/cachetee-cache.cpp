// SPDX-License-Identifier: LGPL-2.1-or-later
// What keeping a stream costs, and how fast it comes back. Pads of ours feed
// and take; files are in the temporary folder. Peers in the same run, in turn:
// `tee` with a `filesink` behind a `queue`, `queue2` with a file, and a bare
// pread with the hash of the cache.
//
//   --mib N      size of the objects (default 256)
//   --memory N   and of the largest one whose memory is measured (default 1000;
//                with RELAY_BENCH_LARGE in the environment 10000)
//   --only WHAT  of memory, compression, cold, first, overhead, hit, miss
#include <fcntl.h>
#include <gst/gst.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/bench.h"
#include "cachetee/hash.h"
#include "common/gstpp.h"

namespace {

namespace fs = std::filesystem;
using relay::Owned;
using relay::share;

constexpr int rounds = 5;
constexpr std::uint64_t mib = std::uint64_t{1} << 20;

[[noreturn]] void give_up (const char *what)
{
  std::fprintf (stderr, "%s\n", what);
  std::exit (1);
}

Owned<GstElement> make (const char *name)
{
  GstElement *element = gst_element_factory_make (name, nullptr);
  if (element == nullptr) give_up (name);
  return Owned<GstElement> (GST_ELEMENT (gst_object_ref_sink (element)));
}

// Takes what comes, and knows when it ends.
class Taker
{
public:
  Taker ()
      : pad_ (GST_PAD (gst_object_ref_sink (gst_pad_new ("in", GST_PAD_SINK))))
  {
    gst_pad_set_element_private (pad_.get (), this);
    gst_pad_set_chain_function (pad_.get (), chain);
    gst_pad_set_event_function (pad_.get (), event);
    gst_pad_set_active (pad_.get (), TRUE);
  }
  GstPad *pad () { return pad_.get (); }
  void wait ()
  {
    std::unique_lock lock (mutex_);
    changed_.wait (lock, [this] { return eos_; });
    eos_ = false;
  }
  [[nodiscard]] std::uint64_t bytes () const { return bytes_; }

private:
  static GstFlowReturn chain (GstPad *pad, GstObject *, GstBuffer *buffer)
  {
    auto *self = static_cast<Taker *> (gst_pad_get_element_private (pad));
    self->bytes_ += gst_buffer_get_size (buffer);
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  static gboolean event (GstPad *pad, GstObject *, GstEvent *event)
  {
    auto *self = static_cast<Taker *> (gst_pad_get_element_private (pad));
    if (GST_EVENT_TYPE (event) == GST_EVENT_EOS) {
      std::lock_guard lock (self->mutex_);
      self->eos_ = true;
      self->changed_.notify_all ();
    }
    gst_event_unref (event);
    return TRUE;
  }

  Owned<GstPad> pad_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t bytes_ = 0;
  bool eos_ = false;
};

// A pad that feeds an element.
class Giver
{
public:
  explicit Giver (GstElement *element)
      : pad_ (GST_PAD (gst_object_ref_sink (gst_pad_new ("out", GST_PAD_SRC))))
  {
    sink_.reset (gst_element_get_static_pad (element, "sink"));
    gst_pad_set_active (pad_.get (), TRUE);
    gst_pad_link (pad_.get (), sink_.get ());
  }
  ~Giver ()
  {
    gst_pad_set_active (pad_.get (), FALSE);
    gst_pad_unlink (pad_.get (), sink_.get ());
  }
  Giver (const Giver &) = delete;
  Giver &operator= (const Giver &) = delete;

  void begin ()
  {
    gst_pad_push_event (pad_.get (), gst_event_new_stream_start ("bench"));
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_BYTES);
    gst_pad_push_event (pad_.get (), gst_event_new_segment (&segment));
  }
  void push (GstBuffer *buffer, std::uint64_t count)
  {
    for (std::uint64_t i = 0; i < count; i++)
      if (gst_pad_push (pad_.get (), share (buffer).release ()) != GST_FLOW_OK)
        give_up ("a push failed");
  }
  // Buffers as a source makes them: each has its own memory.
  void push_new (gsize size, std::uint64_t count)
  {
    for (std::uint64_t i = 0; i < count; i++) {
      GstBuffer *buffer = gst_buffer_new_allocate (nullptr, size, nullptr);
      gst_buffer_memset (buffer, 0, static_cast<guint8> (i), size);
      if (gst_pad_push (pad_.get (), buffer) != GST_FLOW_OK)
        give_up ("a push failed");
    }
  }
  void end () { gst_pad_push_event (pad_.get (), gst_event_new_eos ()); }

private:
  Owned<GstPad> pad_;
  Owned<GstPad> sink_;
};

guint64 stat (GstElement *tee, const char *field)
{
  GstStructure *raw = nullptr;
  g_object_get (tee, "stats", &raw, nullptr);
  Owned<GstStructure> stats{raw};
  guint64 value = 0;
  gst_structure_get_uint64 (raw, field, &value);
  return value;
}

// A cachetee with some branches.
class Cache
{
public:
  Cache (const fs::path &dir, int branches) : tee_ (make ("cachetee"))
  {
    if (!dir.empty ())
      g_object_set (tee_.get (), "cache-dir", dir.c_str (), "cache-key", "key",
          "ttl", -1, nullptr);
    for (int i = 0; i < branches; i++) {
      srcs_.emplace_back (
          gst_element_request_pad_simple (tee_.get (), "src_%u"));
      takers_.push_back (std::make_unique<Taker> ());
      gst_pad_link (srcs_.back ().get (), takers_.back ()->pad ());
    }
  }
  ~Cache ()
  {
    gst_element_set_state (tee_.get (), GST_STATE_NULL);
    for (const Owned<GstPad> &src : srcs_)
      gst_element_release_request_pad (tee_.get (), src.get ());
  }
  Cache (const Cache &) = delete;
  Cache &operator= (const Cache &) = delete;

  GstElement *element () { return tee_.get (); }
  void play () { gst_element_set_state (tee_.get (), GST_STATE_PLAYING); }
  void stop () { gst_element_set_state (tee_.get (), GST_STATE_READY); }
  void wait ()
  {
    for (const auto &taker : takers_) taker->wait ();
  }

private:
  Owned<GstElement> tee_;
  std::vector<Owned<GstPad>> srcs_;
  std::vector<std::unique_ptr<Taker>> takers_;
};

void drop (const fs::path &dir)
{
  std::error_code ignored;
  fs::remove_all (dir, ignored);
}

// ---- Overhead --------------------------------------------------------------

// CPU nanoseconds of the streaming thread for a buffer.
struct Cost
{
  // The first push takes along what is asked and made once.
  double first_us = 0;
  double ns = 0;
};

Cost push_cost (Cache &cache, gsize size, std::uint64_t count)
{
  Owned<GstBuffer> buffer{gst_buffer_new_allocate (nullptr, size, nullptr)};
  gst_buffer_memset (buffer.get (), 0, 1, size);
  Giver giver (cache.element ());
  cache.play ();
  giver.begin ();
  Cost cost;
  double wall = bench::wall_seconds ();
  giver.push (buffer.get (), 1);
  cost.first_us = (bench::wall_seconds () - wall) * 1e6;
  double before = bench::seconds (CLOCK_THREAD_CPUTIME_ID);
  giver.push (buffer.get (), count - 1);
  cost.ns = (bench::seconds (CLOCK_THREAD_CPUTIME_ID) - before) * 1e9 /
            static_cast<double> (count - 1);
  giver.end ();
  cache.stop ();
  return cost;
}

void overhead (bench::Report &report, const fs::path &folder)
{
  for (gsize size : {gsize{4} << 10, gsize{64} << 10, gsize{1} << 20}) {
    for (int branches : {1, 4, 16}) {
      std::uint64_t count = size == 4096 ? 20000 : 64 * mib / size;
      std::vector<double> off;
      std::vector<double> on;
      std::vector<double> more;
      std::vector<double> first;
      for (int round = 0; round <= rounds; round++) {
        drop (folder / "overhead");
        Cache plain ({}, branches);
        Cache keeping (folder / "overhead", branches);
        // All may wait: it is the thread's own cost that is measured.
        g_object_set (
            keeping.element (), "queue-size", guint64{1} << 30, nullptr);
        Cost one = push_cost (plain, size, count);
        Cost two = push_cost (keeping, size, count);
        if (stat (keeping.element (), "objects-stored") != 1)
          give_up ("it was not kept");
        if (round == 0) continue;
        off.push_back (one.ns);
        on.push_back (two.ns);
        more.push_back (two.ns - one.ns);
        first.push_back (two.first_us - one.first_us);
      }
      drop (folder / "overhead");
      report.add ({"overhead, " + std::to_string (size >> 10) + " KiB, " +
                       std::to_string (branches) + " branches",
          {{"off_ns", bench::median (off)}, {"on_ns", bench::median (on)},
              {"more_ns", bench::median (more)},
              {"first_us_more", bench::median (first)}}});
    }
  }
}

// ---- Miss ------------------------------------------------------------------

// CPU seconds of all threads for a GB, of what is done.
template <class Work>
double cpu_of (std::uint64_t bytes, Work work)
{
  double begin = bench::cpu_seconds ();
  work ();
  return (bench::cpu_seconds () - begin) * 1e9 / static_cast<double> (bytes);
}

double rate (std::uint64_t bytes, double begin)
{
  return static_cast<double> (bytes) / 1e9 / (bench::wall_seconds () - begin);
}

double keep (const fs::path &dir, gsize size, std::uint64_t bytes)
{
  Cache cache (dir, 1);
  Giver giver (cache.element ());
  double begin = bench::wall_seconds ();
  cache.play ();
  giver.begin ();
  giver.push_new (size, bytes / size);
  giver.end ();
  cache.stop ();
  double speed = rate (bytes, begin);
  if (stat (cache.element (), "skipped-slices") != 0 ||
      stat (cache.element (), "objects-stored") != 1)
    give_up ("it was not kept");
  return speed;
}

double filesink (const fs::path &file, gsize size, std::uint64_t bytes)
{
  Owned<GstElement> pipeline{
      GST_ELEMENT (gst_object_ref_sink (gst_pipeline_new (nullptr)))};
  GstElement *tee = gst_element_factory_make ("tee", nullptr);
  GstElement *queue = gst_element_factory_make ("queue", nullptr);
  GstElement *sink = gst_element_factory_make ("filesink", nullptr);
  if (tee == nullptr || queue == nullptr || sink == nullptr)
    give_up ("no stock elements");
  // As much as may wait in a cachetee.
  g_object_set (queue, "max-size-buffers", 0U, "max-size-time", guint64{0},
      "max-size-bytes", 16U << 20, nullptr);
  g_object_set (
      sink, "location", file.c_str (), "sync", FALSE, "async", FALSE, nullptr);
  gst_bin_add_many (GST_BIN (pipeline.get ()), tee, queue, sink, nullptr);
  gst_element_link_many (tee, queue, sink, nullptr);
  Owned<GstPad> src{gst_element_request_pad_simple (tee, "src_%u")};
  Taker taker;
  gst_pad_link (src.get (), taker.pad ());
  double speed = 0;
  {
    Giver giver (tee);
    double begin = bench::wall_seconds ();
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    giver.begin ();
    giver.push_new (size, bytes / size);
    giver.end ();
    Owned<GstBus> bus{gst_element_get_bus (pipeline.get ())};
    Owned<GstMessage> end{gst_bus_timed_pop_filtered (
        bus.get (), GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS)};
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    speed = rate (bytes, begin);
  }
  gst_element_release_request_pad (tee, src.get ());
  if (fs::file_size (file) != bytes) give_up ("the file is not whole");
  return speed;
}

double queue2 (const fs::path &folder, gsize size, std::uint64_t bytes)
{
  Owned<GstElement> queue = make ("queue2");
  g_object_set (queue.get (), "temp-template",
      (folder / "queue2-XXXXXX").c_str (), "use-buffering", FALSE,
      "max-size-buffers", 0U, "max-size-time", guint64{0}, "max-size-bytes", 0U,
      nullptr);
  Taker taker;
  Owned<GstPad> src{gst_element_get_static_pad (queue.get (), "src")};
  gst_pad_link (src.get (), taker.pad ());
  Giver giver (queue.get ());
  double begin = bench::wall_seconds ();
  gst_element_set_state (queue.get (), GST_STATE_PLAYING);
  giver.begin ();
  giver.push_new (size, bytes / size);
  giver.end ();
  taker.wait ();
  double speed = rate (bytes, begin);
  gst_element_set_state (queue.get (), GST_STATE_NULL);
  if (taker.bytes () != bytes) give_up ("queue2 lost something");
  return speed;
}

void miss (bench::Report &report, const fs::path &folder, std::uint64_t bytes)
{
  for (gsize size : {gsize{4} << 10, gsize{64} << 10, gsize{1} << 20}) {
    std::vector<double> ours;
    std::vector<double> files;
    std::vector<double> queues;
    std::vector<double> to_file;
    std::vector<double> to_queue;
    std::vector<double> cpu;
    std::vector<double> cpu_to_file;
    std::vector<double> cpu_to_queue;
    for (int round = 0; round <= rounds; round++) {
      double one = 0;
      double two = 0;
      double three = 0;
      double our_cpu =
          cpu_of (bytes, [&] { one = keep (folder / "miss", size, bytes); });
      drop (folder / "miss");
      double file_cpu = cpu_of (
          bytes, [&] { two = filesink (folder / "file", size, bytes); });
      drop (folder / "file");
      double queue_cpu =
          cpu_of (bytes, [&] { three = queue2 (folder, size, bytes); });
      if (round == 0) continue;
      ours.push_back (one);
      files.push_back (two);
      queues.push_back (three);
      to_file.push_back (one / two);
      to_queue.push_back (one / three);
      cpu.push_back (our_cpu);
      cpu_to_file.push_back (our_cpu / file_cpu);
      cpu_to_queue.push_back (our_cpu / queue_cpu);
    }
    report.add ({"miss, " + std::to_string (size >> 10) + " KiB, GB/s",
        {{"cachetee", bench::median (ours)},
            {"filesink", bench::median (files)},
            {"queue2", bench::median (queues)},
            {"to_filesink", bench::median (to_file)},
            {"to_queue2", bench::median (to_queue)},
            {"cpu_s_per_gb", bench::median (cpu)},
            {"cpu_to_filesink", bench::median (cpu_to_file)},
            {"cpu_to_queue2", bench::median (cpu_to_queue)}}});
  }
}

// ---- Hit -------------------------------------------------------------------

fs::path data_file (const fs::path &dir)
{
  for (const auto &entry : fs::recursive_directory_iterator (dir))
    if (entry.path ().extension () == ".dat") return entry.path ();
  give_up ("no data file");
}

// What any cache that verifies has to do.
double bare (const fs::path &file, std::size_t size)
{
  int fd = open (file.c_str (), O_RDONLY | O_CLOEXEC);
  std::vector<std::uint8_t> slice (size);
  std::uint64_t bytes = 0;
  std::uint64_t sum = 0;
  double begin = bench::wall_seconds ();
  while (true) {
    ssize_t got = pread (fd, slice.data (), size, static_cast<off_t> (bytes));
    if (got <= 0) break;
    sum += hash::of (std::span (slice).first (static_cast<std::size_t> (got)));
    bytes += static_cast<std::uint64_t> (got);
  }
  double speed = rate (bytes, begin);
  close (fd);
  if (sum == 0) give_up ("nothing was read");
  return speed;
}

double serve (Cache &cache, std::uint64_t bytes)
{
  double begin = bench::wall_seconds ();
  cache.play ();
  cache.wait ();
  double speed = rate (bytes, begin);
  cache.stop ();
  return speed;
}

void hit (bench::Report &report, const fs::path &folder, std::uint64_t bytes)
{
  for (gsize size : {gsize{4} << 10, gsize{64} << 10, gsize{1} << 20}) {
    const fs::path dir = folder / "hit";
    keep (dir, size, bytes);
    // One that fits into the memory.
    std::uint64_t small = 64 * mib;
    keep (folder / "small", size, small);
    const fs::path file = data_file (dir);
    std::vector<double> peer;
    std::vector<double> l2;
    std::vector<double> l2_only;
    std::vector<double> l1;
    std::vector<double> ratio;
    std::vector<double> only_ratio;
    for (int round = 0; round <= rounds; round++) {
      double bare_speed = bare (file, std::size_t{256} << 10);
      double two = 0;
      {
        Cache cold (dir, 1);
        two = serve (cold, bytes);
      }
      // All elements of the process share the memory: nobody else is there.
      double three = 0;
      {
        Cache without (dir, 1);
        g_object_set (without.element (), "l1-size", guint64{0}, nullptr);
        three = serve (without, bytes);
      }
      Cache warm (folder / "small", 1);
      serve (warm, small);
      serve (warm, small);
      double four = serve (warm, small);
      if (stat (warm.element (), "bytes-from-l1") < 2 * small)
        give_up ("it was not in memory");
      if (round == 0) continue;
      peer.push_back (bare_speed);
      l2.push_back (two);
      l2_only.push_back (three);
      l1.push_back (four);
      ratio.push_back (two / bare_speed);
      only_ratio.push_back (three / bare_speed);
    }
    report.add ({"hit, " + std::to_string (size >> 10) + " KiB, GB/s",
        {{"pread_xxh3", bench::median (peer)}, {"l2", bench::median (l2)},
            {"ratio", bench::median (ratio)},
            {"l1_off", bench::median (l2_only)},
            {"l1_off_ratio", bench::median (only_ratio)},
            {"l1", bench::median (l1)}}});
    drop (dir);
    drop (folder / "small");
  }
}

// ---- Compression -----------------------------------------------------------

// Random letters of an alphabet of so many.
std::vector<Owned<GstBuffer>> letters (unsigned count)
{
  std::minstd_rand random (1);
  std::vector<Owned<GstBuffer>> buffers;
  for (int i = 0; i < 64; i++) {
    std::vector<std::uint8_t> bytes (64 << 10);
    for (std::uint8_t &byte : bytes)
      byte = static_cast<std::uint8_t> ((random () >> 8) % count);
    buffers.emplace_back (gst_buffer_new_memdup (bytes.data (), bytes.size ()));
  }
  return buffers;
}

struct Kept
{
  double cpu = 0;
  double hit = 0;
  double size = 0;
};

Kept keep_letters (const fs::path &dir,
    const std::vector<Owned<GstBuffer>> &buffers, std::uint64_t bytes,
    const char *compression)
{
  Kept kept;
  Cache cache (dir, 1);
  gst_util_set_object_arg (
      G_OBJECT (cache.element ()), "compression", compression);
  kept.cpu = cpu_of (bytes, [&] {
    Giver giver (cache.element ());
    cache.play ();
    giver.begin ();
    for (std::uint64_t i = 0; i < bytes >> 16; i++)
      giver.push (buffers[i % buffers.size ()].get (), 1);
    giver.end ();
    cache.stop ();
  });
  if (stat (cache.element (), "objects-stored") != 1)
    give_up ("it was not kept");
  kept.size = static_cast<double> (fs::file_size (data_file (dir))) /
              static_cast<double> (bytes);
  Cache again (dir, 1);
  g_object_set (again.element (), "l1-size", guint64{0}, nullptr);
  kept.hit = cpu_of (bytes, [&] { serve (again, bytes); });
  if (stat (again.element (), "bytes-from-l2") != bytes)
    give_up ("it was not served");
  return kept;
}

void compression (
    bench::Report &report, const fs::path &folder, std::uint64_t bytes)
{
  for (unsigned count : {256U, 16U, 2U}) {
    std::vector<Owned<GstBuffer>> buffers = letters (count);
    std::vector<double> off;
    std::vector<double> on;
    std::vector<double> size;
    std::vector<double> hit_off;
    std::vector<double> hit_on;
    for (int round = 0; round <= rounds; round++) {
      Kept plain = keep_letters (folder / "plain", buffers, bytes, "off");
      drop (folder / "plain");
      Kept packed = keep_letters (folder / "packed", buffers, bytes, "auto");
      drop (folder / "packed");
      if (round == 0) continue;
      off.push_back (plain.cpu);
      on.push_back (packed.cpu);
      size.push_back (packed.size);
      hit_off.push_back (plain.hit);
      hit_on.push_back (packed.hit);
    }
    report.add (
        {"compression, " + std::to_string (count) + " letters, CPU s/GB",
            {{"size", bench::median (size)}, {"miss_off", bench::median (off)},
                {"miss_auto", bench::median (on)},
                {"hit_off", bench::median (hit_off)},
                {"hit_auto", bench::median (hit_on)}}});
  }
}

// ---- Cold files ------------------------------------------------------------

void forget (const fs::path &file)
{
  int fd = open (file.c_str (), O_RDONLY | O_CLOEXEC);
  // Only what is on the disk can be dropped.
  if (fdatasync (fd) != 0 || posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
    give_up ("the file stays in memory");
  close (fd);
}

void cold (bench::Report &report, const fs::path &folder, std::uint64_t bytes)
{
  const fs::path dir = folder / "cold";
  keep (dir, 64 << 10, bytes);
  const fs::path file = data_file (dir);
  constexpr std::array<guint, 4> counts{0, 1, 2, 8};
  std::array<std::vector<double>, 4> colds;
  std::array<std::vector<double>, 4> warms;
  std::vector<double> bares;
  for (int round = 0; round <= rounds; round++) {
    forget (file);
    double peer = bare (file, std::size_t{256} << 10);
    if (round > 0) bares.push_back (peer);
    for (std::size_t turn = 0; turn < counts.size (); turn++) {
      // Each is the first one now and then.
      std::size_t i =
          (turn + static_cast<std::size_t> (round)) % counts.size ();
      forget (file);
      for (std::vector<double> *rates : {&colds[i], &warms[i]}) {
        Cache cache (dir, 1);
        g_object_set (cache.element (), "l1-size", guint64{0},
            "prefetch-slices", counts[i], nullptr);
        double speed = serve (cache, bytes);
        if (round > 0) rates->push_back (speed);
      }
    }
  }
  for (std::size_t i = 0; i < counts.size (); i++)
    report.add ({"hit, prefetch " + std::to_string (counts[i]) + ", GB/s",
        {{"cold", bench::median (colds[i])},
            {"cold_pread_xxh3", bench::median (bares)},
            {"warm", bench::median (warms[i])}}});
  drop (dir);
}

// ---- First byte ------------------------------------------------------------

void first_byte (bench::Report &report, const fs::path &folder)
{
  const fs::path dir = folder / "first";
  keep (dir, 64 << 10, 16 * mib);
  std::vector<double> l2;
  std::vector<double> l1;
  for (int round = 0; round < 50; round++) {
    Cache cache (dir, 1);
    serve (cache, 1);
    l2.push_back (static_cast<double> (stat (cache.element (), "ttfb-ns")));
    serve (cache, 1);
    l1.push_back (static_cast<double> (stat (cache.element (), "ttfb-ns")));
  }
  std::ranges::sort (l2);
  std::ranges::sort (l1);
  report.add ({"first byte of a hit, us",
      {{"l2", bench::median (l2) / 1e3}, {"l2_p90", l2[44] / 1e3},
          {"l1", bench::median (l1) / 1e3}, {"l1_p90", l1[44] / 1e3}}});
  drop (dir);
}

// ---- Memory ----------------------------------------------------------------

// The peak of this process since it was asked for last, in MiB.
double peak ()
{
  double value = 0;
  std::ifstream status ("/proc/self/status");
  for (std::string line; std::getline (status, line);)
    if (line.starts_with ("VmHWM:")) value = std::stod (line.substr (6)) / 1024;
  std::ofstream ("/proc/self/clear_refs") << 5;
  return value;
}

// In this process: before it, of a miss and of two hits, one after the other.
void memory_of (const fs::path &folder, std::uint64_t size)
{
  double before = peak ();
  peak ();
  keep (folder / "memory", 64 << 10, size);
  double miss = peak ();
  double hit = 0;
  {
    Cache cache (folder / "memory", 1);
    serve (cache, size);
    serve (cache, size);
    hit = peak ();
  }
  drop (folder / "memory");
  std::printf ("%f %f %f\n", before, miss, hit);
}

// Each size in a process of its own, which has what is left of no other.
void memory (bench::Report &report, std::uint64_t most)
{
  const std::string self = fs::read_symlink ("/proc/self/exe").string ();
  for (std::uint64_t size = 10 * mib; size <= most; size *= 10) {
    std::string command =
        "'" + self + "' --memory-of " + std::to_string (size / mib);
    std::FILE *child = popen (command.c_str (), "r");
    double before = 0;
    double miss = 0;
    double hit = 0;
    if (child == nullptr ||
        std::fscanf (child, "%lf %lf %lf", &before, &miss, &hit) != 3 ||
        pclose (child) != 0)
      give_up ("no figures of a process");
    report.add ({"memory, " + std::to_string (size / mib) + " MiB, MiB",
        {{"before", before}, {"peak_of_miss", miss}, {"peak_of_hit", hit}}});
  }
}

}  // namespace

int main (int argc, char **argv)
{
  gst_init (nullptr, nullptr);
  std::uint64_t bytes = 256 * mib;
  std::uint64_t most = 1000 * mib;
  std::uint64_t memory_size = 0;
  if (std::getenv ("RELAY_BENCH_LARGE") != nullptr) most *= 10;
  std::string only;
  for (int i = 1; i + 1 < argc; i++) {
    if (std::string (argv[i]) == "--mib")
      bytes = std::stoull (argv[i + 1]) * mib;
    if (std::string (argv[i]) == "--memory")
      most = std::stoull (argv[i + 1]) * mib;
    if (std::string (argv[i]) == "--memory-of")
      memory_size = std::stoull (argv[i + 1]) * mib;
    if (std::string (argv[i]) == "--only") only = argv[i + 1];
  }
  bench::Report report (argc, argv);
  std::string pattern =
      (fs::temp_directory_path () / "relay-bench-XXXXXX").string ();
  if (mkdtemp (pattern.data ()) == nullptr) give_up ("no folder");
  const fs::path folder = pattern;
  auto is_wanted = [&only] (const char *what) {
    return only.empty () || only == what;
  };
  if (memory_size > 0) {
    memory_of (folder, memory_size);
    fs::remove_all (folder);
    return 0;
  }
  if (is_wanted ("memory")) memory (report, most);
  if (is_wanted ("compression")) compression (report, folder, bytes);
  if (is_wanted ("cold")) cold (report, folder, bytes);
  if (is_wanted ("first")) first_byte (report, folder);
  if (is_wanted ("overhead")) overhead (report, folder);
  if (is_wanted ("hit")) hit (report, folder, bytes);
  if (is_wanted ("miss")) miss (report, folder, bytes);
  fs::remove_all (folder);
  return 0;
}

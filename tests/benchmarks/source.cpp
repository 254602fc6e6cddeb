// SPDX-License-Identifier: LGPL-2.1-or-later
// "proxyhttpsrc ! fakesink" beside souphttpsrc and curlhttpsrc, many pipelines
// at once in one process. source.sh gives it an origin and runs it.
//
//   bench-source URI COUNTS [--big URI] [--pairs N] [--rounds N] [--json FILE]
//
// COUNTS: how many pipelines at once, as in 10,50. Every measurement is a
// process of its own, for its CPU time and its peak memory; peers take turns.
#include <gst/gst.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <sstream>

#include "bench.h"
#include "common/gstpp.h"

using bench::median;
using relay::Owned;

extern char **environ;

namespace {

constexpr std::array elements = {"proxyhttpsrc", "souphttpsrc", "curlhttpsrc"};

// --- A child: one element, so many pipelines, so many rounds. ---

struct Transfer
{
  Owned<GstElement> pipeline;
  std::atomic<double> first{0};
  std::atomic<double> last{0};
  std::atomic<double> bytes{0};
};

GstPadProbeReturn on_data (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  auto *transfer = static_cast<Transfer *> (data);
  if ((GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    if (transfer->first == 0) transfer->first = bench::wall_seconds ();
    transfer->bytes =
        transfer->bytes + static_cast<double> (gst_buffer_get_size (
                              GST_PAD_PROBE_INFO_BUFFER (info)));
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) ==
             GST_EVENT_EOS) {
    transfer->last = bench::wall_seconds ();
  }
  return GST_PAD_PROBE_OK;
}

bool prepare (Transfer &transfer, const char *element, const char *uri)
{
  transfer.pipeline.reset (gst_pipeline_new (nullptr));
  GstElement *source = gst_element_factory_make (element, nullptr);
  GstElement *sink = gst_element_factory_make ("fakesink", nullptr);
  if (source == nullptr || sink == nullptr) return false;
  g_object_set (source, "location", uri, nullptr);
  g_object_set (sink, "sync", FALSE, "enable-last-sample", FALSE, nullptr);
  gst_bin_add_many (GST_BIN (transfer.pipeline.get ()), source, sink, nullptr);
  Owned<GstPad> pad{gst_element_get_static_pad (sink, "sink")};
  gst_pad_add_probe (pad.get (),
      static_cast<GstPadProbeType> (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_data, &transfer, nullptr);
  return gst_element_link (source, sink) != FALSE &&
         gst_element_set_state (transfer.pipeline.get (), GST_STATE_READY) !=
             GST_STATE_CHANGE_FAILURE;
}

// A line for each transfer, and one for the process: what the parent reads.
int measure (
    const char *element, const char *uri, std::size_t count, int rounds)
{
  double cpu = 0;
  double wall = 0;
  double bytes = 0;
  int failures = 0;
  for (int round = 0; round < rounds; round++) {
    std::vector<Transfer> transfers (count);
    for (Transfer &transfer : transfers)
      if (!prepare (transfer, element, uri)) return 1;
    double cpu_before = bench::cpu_seconds ();
    double start = bench::wall_seconds ();
    for (Transfer &transfer : transfers)
      gst_element_set_state (transfer.pipeline.get (), GST_STATE_PLAYING);
    for (Transfer &transfer : transfers) {
      Owned<GstBus> bus{gst_element_get_bus (transfer.pipeline.get ())};
      Owned<GstMessage> message{gst_bus_timed_pop_filtered (bus.get (),
          120 * GST_SECOND,
          static_cast<GstMessageType> (GST_MESSAGE_EOS | GST_MESSAGE_ERROR))};
      if (!message || GST_MESSAGE_TYPE (message.get ()) != GST_MESSAGE_EOS)
        failures++;
    }
    wall += bench::wall_seconds () - start;
    cpu += bench::cpu_seconds () - cpu_before;
    for (Transfer &transfer : transfers) {
      bytes += transfer.bytes;
      std::printf (
          "t %.9f %.9f\n", transfer.first - start, transfer.last - start);
      gst_element_set_state (transfer.pipeline.get (), GST_STATE_NULL);
    }
  }
  std::printf ("p %.9f %.9f %.0f %.0f %d\n", cpu, wall, bytes,
      bench::peak_memory (), failures);
  return 0;
}

// --- The parent ---

struct Measured
{
  double cpu = 0;
  double wall = 0;
  double bytes = 0;
  double memory = 0;
  int failures = 0;
  std::vector<double> first;
  std::vector<double> last;

  [[nodiscard]] double rate () const { return bytes / wall / 1e9; }
  [[nodiscard]] double cost () const { return cpu / bytes * 1e9; }
};

// Not fork: the plugins' threads would be missing in it.
Measured run (std::vector<std::string> arguments)
{
  Measured out;
  std::array<int, 2> ends{};
  if (pipe (ends.data ()) != 0) return out;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose (&actions, ends[0]);
  std::vector<char *> argv;
  for (std::string &argument : arguments) argv.push_back (argument.data ());
  argv.push_back (nullptr);
  pid_t pid = 0;
  bool spawned = posix_spawn (&pid, "/proc/self/exe", &actions, nullptr,
                     argv.data (), environ) == 0;
  posix_spawn_file_actions_destroy (&actions);
  close (ends[1]);
  if (!spawned) return out;
  std::FILE *lines = fdopen (ends[0], "r");
  char kind = 0;
  while (std::fscanf (lines, " %c", &kind) == 1) {
    double a = 0;
    double b = 0;
    if (kind == 't' && std::fscanf (lines, "%lf %lf", &a, &b) == 2) {
      out.first.push_back (a);
      out.last.push_back (b);
    } else if (kind != 'p' ||
               std::fscanf (lines, "%lf %lf %lf %lf %d", &out.cpu, &out.wall,
                   &out.bytes, &out.memory, &out.failures) != 5) {
      break;
    }
  }
  std::fclose (lines);
  int status = 0;
  waitpid (pid, &status, 0);
  if (status != 0) out = {};
  return out;
}

double at (std::vector<double> values, double part)
{
  if (values.empty ()) return 0;
  std::ranges::sort (values);
  auto index = static_cast<std::size_t> (
                   std::ceil (part * static_cast<double> (values.size ()))) -
               1;
  return values[std::min (index, values.size () - 1)];
}

template <class F>
double median_of (const std::vector<Measured> &all, F figure)
{
  std::vector<double> values;
  for (const Measured &one : all) values.push_back (figure (one));
  return median (std::move (values));
}

double mean (const std::vector<double> &values)
{
  double sum = 0;
  for (double value : values) sum += value;
  return values.empty () ? 0 : sum / static_cast<double> (values.size ());
}

// Milliseconds: over all pairs, because p99 of a few is their worst.
std::vector<double> joined (
    const std::vector<Measured> &all, std::vector<double> Measured::*times)
{
  std::vector<double> out;
  for (const Measured &one : all)
    for (double time : one.*times) out.push_back (time * 1e3);
  return out;
}

void report (bench::Report &rows, const std::string &name,
    const std::vector<Measured> &all)
{
  std::vector<double> first = joined (all, &Measured::first);
  std::vector<double> last = joined (all, &Measured::last);
  double failures = 0;
  for (const Measured &one : all) failures += one.failures;
  rows.add ({name,
      {{"GB/s", median_of (all, [] (const Measured &m) { return m.rate (); })},
          {"cpu-s/GB",
              median_of (all, [] (const Measured &m) { return m.cost (); })},
          {"MB", median_of (
                     all, [] (const Measured &m) { return m.memory / 1e6; })},
          {"first-ms", mean (first)}, {"first-p50", at (first, 0.5)},
          {"first-p99", at (first, 0.99)}, {"end-ms", mean (last)},
          {"end-p50", at (last, 0.5)}, {"end-p99", at (last, 0.99)},
          {"failures", failures}}});
}

// Medians of the pairs' ratios: ours to theirs.
void compare (bench::Report &rows, const std::string &name,
    const std::vector<Measured> &ours, const std::vector<Measured> &theirs)
{
  std::vector<double> rate;
  std::vector<double> cpu;
  std::vector<double> memory;
  std::vector<double> p99;
  for (std::size_t i = 0; i < ours.size (); i++) {
    rate.push_back (ours[i].rate () / theirs[i].rate ());
    cpu.push_back (ours[i].cost () / theirs[i].cost ());
    memory.push_back (ours[i].memory / theirs[i].memory);
    p99.push_back (at (ours[i].last, 0.99) / at (theirs[i].last, 0.99));
  }
  rows.add (
      {name, {{"rate", median (rate)}, {"cpu", median (cpu)},
                 {"memory", median (memory)}, {"end-p99", median (p99)}}});
}

bool is_there (const char *element)
{
  Owned<GstElement> made{gst_element_factory_make (element, nullptr)};
  if (made) gst_object_ref_sink (made.get ());
  return made != nullptr;
}

bool benchmark (bench::Report &rows, const std::string &uri,
    const std::string &count, const std::string &rounds, int pairs,
    const std::string &name)
{
  std::array<std::vector<Measured>, elements.size ()> all;
  for (int pair = 0; pair < pairs; pair++)
    for (std::size_t i = 0; i < elements.size (); i++) {
      if (!is_there (elements[i])) continue;
      Measured one =
          run ({"bench-source", "--child", elements[i], uri, count, rounds});
      if (one.bytes <= 0) {
        std::fprintf (stderr, "%s: nothing was read\n", elements[i]);
        return false;
      }
      all[i].push_back (std::move (one));
    }
  for (std::size_t i = 0; i < elements.size (); i++) {
    if (all[i].empty ()) continue;
    report (rows, name + " " + elements[i], all[i]);
    if (i > 0) compare (rows, name + " ours / " + elements[i], all[0], all[i]);
  }
  return true;
}

}  // namespace

int main (int argc, char **argv)
{
  gst_init (nullptr, nullptr);
  std::vector<std::string> arguments (argv, argv + argc);
  if (argc == 6 && arguments[1] == "--child")
    return measure (argv[2], argv[3],
        static_cast<std::size_t> (std::atoi (argv[4])), std::atoi (argv[5]));
  if (argc < 3) {
    std::printf ("without an origin there is nothing to measure: source.sh\n");
    return 77;
  }
  std::string big;
  std::string rounds = "5";
  int pairs = 5;
  for (std::size_t i = 3; i + 1 < arguments.size (); i++) {
    if (arguments[i] == "--big") big = arguments[i + 1];
    if (arguments[i] == "--rounds") rounds = arguments[i + 1];
    if (arguments[i] == "--pairs") pairs = std::atoi (argv[i + 1]);
  }
  bench::Report rows (argc, argv);
  std::istringstream counts (arguments[2]);
  for (std::string count; std::getline (counts, count, ',');)
    if (!benchmark (rows, arguments[1], count, rounds, pairs, "c=" + count))
      return 1;
  if (!big.empty () && !benchmark (rows, big, "1", "1", pairs, "big")) return 1;
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// seeks SECONDS FLAGS LINE: how long a flushing seek takes, from the call until
// the sinks have what they wait for, and the CPU time of the process for it:
// medians of many, in PAUSED, to times from a seeded generator. FLAGS is
// "accurate" or "key-unit", SECONDS the length of what the launch line plays.
// adaptive.sh gives it its origin, and its peers.
#include <gst/gst.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "bench.h"
#include "common/gstpp.h"

using relay::Owned;

namespace {

constexpr int warm_ups = 5;
constexpr int seeks = 60;

// Preroll, at the beginning or after a seek. False: an error came.
bool wait_for_preroll (GstElement *pipeline)
{
  Owned<GstBus> bus{gst_element_get_bus (pipeline)};
  Owned<GstMessage> message{
      gst_bus_timed_pop_filtered (bus.get (), 60 * GST_SECOND,
          static_cast<GstMessageType> (
              GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_ERROR))};
  return message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ASYNC_DONE;
}

struct Cost
{
  std::vector<double> wall;
  std::vector<double> cpu;
};

bool seek (
    GstElement *pipeline, GstClockTime time, GstSeekFlags flags, Cost *cost)
{
  double wall = bench::wall_seconds ();
  double cpu = bench::cpu_seconds ();
  if (!gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
          static_cast<GstSeekFlags> (GST_SEEK_FLAG_FLUSH | flags),
          static_cast<gint64> (time)) ||
      !wait_for_preroll (pipeline))
    return false;
  if (cost == nullptr) return true;
  cost->wall.push_back (bench::wall_seconds () - wall);
  cost->cpu.push_back (bench::cpu_seconds () - cpu);
  return true;
}

bool run (GstElement *pipeline, double length, GstSeekFlags flags, Cost &cost)
{
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  if (!wait_for_preroll (pipeline)) return false;
  std::mt19937 random (1);
  std::uniform_real_distribution<double> somewhere (0, length);
  for (int i = 0; i < warm_ups + seeks; i++) {
    auto time = static_cast<GstClockTime> (somewhere (random) * GST_SECOND);
    if (!seek (pipeline, time, flags, i < warm_ups ? nullptr : &cost))
      return false;
  }
  return true;
}

}  // namespace

int main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc < 4) {
    std::fprintf (stderr, "usage: seeks SECONDS accurate|key-unit LINE\n");
    return 2;
  }
  GstSeekFlags flags = std::string (argv[2]) == "accurate"
                           ? GST_SEEK_FLAG_ACCURATE
                           : GST_SEEK_FLAG_KEY_UNIT;
  GError *raw = nullptr;
  Owned<GstElement> pipeline{gst_parse_launch (argv[3], &raw)};
  Owned<GError> error{raw};
  if (!pipeline || error) {
    std::fprintf (stderr, "%s\n", error ? error->message : "no pipeline");
    return 2;
  }
  Cost cost;
  bool is_fine = run (pipeline.get (), std::atof (argv[1]), flags, cost);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  if (!is_fine) {
    std::printf ("failed\n");
    return 1;
  }
  std::printf ("%.2f ms, %.2f ms CPU\n", bench::median (cost.wall) * 1e3,
      bench::median (cost.cpu) * 1e3);
  return 0;
}

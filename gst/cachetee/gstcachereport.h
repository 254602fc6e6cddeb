// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/guarded.h"
#include "gstcacherecorder.h"
#include "slices.h"
#include "store.h"

// What the application sees of a run: status, counters, warnings and errors.
namespace cachereport {

enum class Status
{
  none,
  miss,
  hit,
  bypass,
  partial,
  stale,
  revalidated,
};
// By Status, with an end.
extern const GEnumValue status_values[];

// Over the life of the element, from any thread.
struct Counters
{
  std::atomic<guint64> runs = 0;
  std::atomic<guint64> cache_hits = 0;
  // Of these, those of which a part came from upstream.
  std::atomic<guint64> cache_partial_hits = 0;
  std::atomic<guint64> cache_misses = 0;
  // Objects that upstream said are still what they were.
  std::atomic<guint64> revalidations = 0;
  std::atomic<guint64> holes_fetched = 0;
  std::atomic<guint64> lookups = 0;
  std::atomic<guint64> lookup_ns = 0;
  std::atomic<guint64> bytes_received = 0;
  std::atomic<guint64> bytes_sent = 0;
  std::atomic<guint64> bytes_from_cache = 0;
  std::atomic<guint64> bytes_from_l1 = 0;
  std::atomic<guint64> bytes_from_l2 = 0;
  std::atomic<guint64> bytes_written = 0;
  std::atomic<guint64> objects_stored = 0;
  std::atomic<guint64> objects_dropped = 0;
  std::atomic<guint64> objects_purged = 0;
  std::atomic<guint64> skipped_slices = 0;
  std::atomic<guint64> corrupt_slices = 0;
  std::atomic<guint64> store_failures = 0;
  std::atomic<guint64> branches_isolated = 0;
  std::atomic<guint64> branches_lapped = 0;
};

class Report
{
public:
  Report (GstElement *element, cacherecorder::Recorder &recorder)
      : element_ (element), recorder_ (recorder)
  {
  }

  Counters counters;

  // The folder that failures are told of.
  void set_folder (const std::string &folder);
  void start ();
  // The next failure of the store is told again.
  void forget ();
  // Whose levels are told in the stats; null: none.
  void set_levels (const std::shared_ptr<store::Store> &store,
      const std::shared_ptr<const slices::Share> &memory);
  // Who adds to the stats.
  using Extra = std::function<void (GstStructure *)>;
  void set_extra (Extra extra) { extra_ = std::move (extra); }
  void looked_up (std::chrono::nanoseconds duration);
  // A buffer is about to be pushed: the first one of a run counts.
  void pushes ()
  {
    if (!pushed_.load (std::memory_order_relaxed)) first_push ();
  }

  void set_status (Status status, const char *reason);
  [[nodiscard]] Status status ();

  // The recording was ended for a reason that is not the recorder's.
  void drop_recording (const char *reason);
  // What the recorder has to say.
  void note (const cacherecorder::Outcome &outcome);

  void no_key ();
  // Faults are counted; one in each run is told to the user.
  void warn_store (store::Failure failure);
  // The cache failed at this record; upstream steps in, or cannot.
  void resumed (std::size_t record, store::Failure why);
  void damaged (std::size_t record, store::Failure why);
  // What upstream sends is something else. Wrong bytes are worse than none.
  void changed ();
  // It cannot be told whether it is.
  void unreadable (store::Failure why);
  // One of a byte stream, that is fetched again.
  void damaged_slice ();

  // Of a byte stream a part is missing, and cannot be had; once in each run.
  void incomplete (guint64 offset, bool changed);

  // A branch is left out from here on.
  void isolated (GstPad *pad, GstFlowReturn flow);

  // Of a buffer or a list, as in tee.
  void tell (GstPad *pad, GstBuffer *buffer);
  void tell (GstPad *pad, GstBufferList *list);
  [[nodiscard]] std::string last_message ();

  [[nodiscard]] GstStructure *stats ();
  // Once in each run.
  void post_stats ();

private:
  struct State
  {
    Status status = Status::none;
    std::string reason;
    std::string folder;
    std::string last_message;
    std::weak_ptr<store::Store> store;
    std::weak_ptr<const slices::Share> memory;
    std::chrono::steady_clock::time_point begin;
    bool stats_posted = false;
    // A fault of the store was told to the user in this run.
    bool warned = false;
    bool is_incomplete = false;
  };
  void set_last_message (gchar *text);
  std::string debug_text (store::Failure failure);
  void first_push ();
  void add_levels (GstStructure *stats);

  // The element's lifetime is ours.
  GstElement *const element_;
  cacherecorder::Recorder &recorder_;
  Extra extra_;
  relay::Guarded<State> state_;
  std::atomic<bool> pushed_ = true;
  std::atomic<guint64> ttfb_ns_ = 0;
};

}  // namespace cachereport

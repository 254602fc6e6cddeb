// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "ahead.h"
#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstfetch.h"
#include "gstsegmentreader.h"
#include "gstsegmentsource.h"
#include "timeline.h"

// How it stands with a feed. All of it is under the lock of SegmentLanes.
struct SegmentLane
{
  using Clock = std::chrono::steady_clock;

  // Who has the source: whoever reads from it, without the lock.
  enum class Holder
  {
    nobody,
    pusher,
    worker
  };
  Holder holder = Holder::nobody;
  std::deque<SegmentItem> queue;          // read ahead
  std::optional<SegmentProblem> problem;  // behind the queue
  bool ended = false;                     // so is the end
  bool is_cancelled = false;
  bool stopping = false;

  bool is_started = false;  // the pusher has asked for something
  bool is_waiting = false;  // the pusher, for the worker
  bool is_pushing = false;  // the pusher is elsewhere
  bool was_let_go = false;  // the connection, with a part half read
  Clock::time_point pushing_since;

  // A segment that is opened while the pusher reads its initialization.
  enum class Opening
  {
    nothing,
    offered,
    wanted,
    going_on,
    withdrawn,  // while it was
    opened,
    failed
  };
  Opening opening = Opening::nothing;
  std::shared_ptr<SegmentReader> opened;
  std::optional<SegmentProblem> opening_problem;

  // Skipped by whoever reads next.
  std::optional<std::size_t> leaving;

  // Of what the pusher took last, what was begun last, and what is there.
  std::shared_ptr<const SegmentMark> sending;
  std::shared_ptr<const SegmentMark> begun;
  std::shared_ptr<const SegmentMark> whole;
  ahead::Lane state;
  std::condition_variable for_pusher;
  std::condition_variable for_worker;
};

// What the feeds of an element have in common: they keep in step.
struct SegmentLanes
{
  ahead::Limits limits;
  std::vector<SegmentLane *> all;
  // Whether applications are told to wait, and what they were told last.
  bool reports = false;
  bool is_buffering = false;
  int percent = 0;
};

struct SegmentCounters
{
  std::atomic<std::uint64_t> segments{0};  // that were taken whole
  std::atomic<std::uint64_t> bytes_ahead{0};
  std::atomic<std::uint64_t> bytes_wasted{0};
};

// Gives the pusher of a track what its source has. Whoever of two threads has
// something to gain reads: the pusher by itself, as long as it takes all that
// comes; a worker, ahead of it, as soon as it is held up.
class SegmentFeed final : private SegmentSource::Helper
{
public:
  template <class T>
  using Result = SegmentReader::Result<T>;
  using Lanes = relay::Guarded<SegmentLanes>;

  // Outlive the feed.
  struct Common
  {
    SegmentReader::Access access;
    SegmentCounters *counters = nullptr;
    std::shared_ptr<Lanes> lanes;
    // The level of what is there has changed: from any thread, without a lock.
    std::function<void (int percent)> report;
  };

  SegmentFeed (const Common &common, std::span<const timeline::Stretch> track,
      AdaptiveSwitch &chooser, Itinerary itinerary);
  // Waits for the worker.
  ~SegmentFeed () override;
  SegmentFeed (const SegmentFeed &) = delete;
  SegmentFeed &operator= (const SegmentFeed &) = delete;

  [[nodiscard]] const SegmentSource &source () const { return source_; }
  // The first bytes of the track, which next () gives again. Before next ().
  [[nodiscard]] Result<relay::Owned<GstBuffer>> peek ();
  // The pusher's. Waits; when it comes back, what it got before was taken.
  [[nodiscard]] Result<SegmentItem> next ();
  // What is left of the leg that the last item was of is not given any more.
  void leave_leg ();
  // From any thread: what waits ends with SegmentProblem::is_cancelled.
  void cancel ();
  // After that: its connection is for others. The pusher's.
  void close ();
  // Of what was taken last, and of the last that is there; null at the
  // beginning. From any thread.
  struct Marks
  {
    std::shared_ptr<const SegmentMark> sending;
    std::shared_ptr<const SegmentMark> whole;
  };
  [[nodiscard]] Marks marks ();

private:
  using Holder = SegmentLane::Holder;
  using Opening = SegmentLane::Opening;

  void offer (std::shared_ptr<SegmentReader> reader) override;
  void start () override;
  Result<bool> collect () override;
  void withdraw () override;
  bool give_up (const SegmentMark &mark) override;

  Result<SegmentItem> advance (Lanes::Access &lanes);
  Result<SegmentItem> read (Lanes::Access &lanes, Holder holder);
  SegmentItem take (Lanes::Access &lanes);
  void settle (Lanes::Access &lanes);
  [[nodiscard]] AdaptiveSwitch::Level level_of (
      const ahead::Limits &limits) const;
  static std::optional<int> level (Lanes::Access &lanes, bool runs_dry);
  void report (Lanes::Access &lanes, bool runs_dry);
  void need_worker ();
  void work ();
  [[nodiscard]] bool is_held_up () const;
  [[nodiscard]] bool is_wanted () const;
  [[nodiscard]] bool may_read (const SegmentLanes &lanes) const;
  [[nodiscard]] bool is_polling () const;
  bool wait_for_work (Lanes::Access &lanes);
  void read_ahead (Lanes::Access &lanes);
  bool let_go (Lanes::Access &lanes);
  void open_offered (Lanes::Access &lanes);

  const Common &common_;
  const relay::Owned<GCancellable> cancellable_{g_cancellable_new ()};
  SegmentLane lane_;
  SegmentSource source_;             // its holder's
  std::optional<std::size_t> left_;  // leg; the pusher's
  std::thread worker_;               // the pusher's
};

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "backlog.h"
#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcachebranch.h"
#include "gstcachereport.h"
#include "gstcachesettings.h"
#include "gstcacheworkers.h"
#include "junction.h"

// Branches that come late, or that are too slow: a thread of their own plays
// what the log has to them. When one is at its head, upstream's thread takes it
// over: who is live, and what is in the log, change under one lock, so that
// each buffer comes once and in order.
namespace cachelate {

template <class T>
std::shared_ptr<GstMiniObject> item_of (relay::Owned<T> object)
{
  return {GST_MINI_OBJECT_CAST (object.release ()), gst_mini_object_unref};
}

// What a log has to know of them.
backlog::Facts facts_of (GstEvent *event);
backlog::Facts facts_of (GstBuffer *buffer, const GstSegment &segment);
// "streamheader" of the caps, if this is an event with caps.
std::vector<std::shared_ptr<GstMiniObject>> stream_headers (GstEvent *event);
// All is stored first, so that nothing else of what the pad had goes before it.
void push_held (GstPad *pad, const std::vector<GstEvent *> &held);

class Late
{
public:
  Late (cachebranch::Branches &branches, junction::Junction &junction,
      cacheworkers::Workers &workers, cachereport::Report &report,
      const cachesettings::Switches &switches)
      : branches_ (branches),
        junction_ (junction),
        workers_ (workers),
        report_ (report),
        switches_ (switches)
  {
  }

  // A run in which upstream feeds the branches from the start. The log is on if
  // the settings ask for it.
  void start (const cachesettings::Settings &settings);
  // Ends every wait, and the run.
  void stop ();
  void clear ();
  [[nodiscard]] bool is_on () const { return on_; }

  void add (cachebranch::Branch &branch);
  void remove (cachebranch::Branch &branch);
  // Starts the thread of one that has a peer.
  void serve (const std::shared_ptr<cachebranch::Branch> &branch);

  // From upstream's thread: into the log, and to whom it is to be pushed.
  std::shared_ptr<const cachebranch::List> append (GstBuffer *buffer);
  std::shared_ptr<const cachebranch::List> append (GstBufferList *list);
  std::shared_ptr<const cachebranch::List> append (GstEvent *event);
  // A flush that starts is to be pushed to all after this; one that stops waits
  // until nobody pushes what was before it.
  void flush (bool starts);
  // Somebody is fed from the log.
  [[nodiscard]] bool has_readers () const { return readers_ > 0; }
  // Of each branch, for the stats.
  void describe (GstStructure *stats);
  // What a branch that is not isolated failed with.
  [[nodiscard]] GstFlowReturn failure () const { return failure_; }

private:
  using Item = std::shared_ptr<GstMiniObject>;
  using Log = backlog::Log<Item>;
  struct State
  {
    std::unique_ptr<Log> log;
    std::shared_ptr<const cachebranch::List> live =
        std::make_shared<const cachebranch::List> ();
    cachesettings::Settings settings;
    GstSegment segment{};
    unsigned epoch = 0;
    // Threads that are in a push.
    unsigned pushing = 0;
    bool flushing = false;
    bool stopped = true;
  };
  // Where a branch is.
  struct Reader
  {
    std::uint64_t number = 0;
    unsigned epoch = 0;
    bool begun = false;
    bool waits = false;
    bool discont = false;
    // Only keyframes, up to the latest one.
    bool fast = false;
    // To be set, and pushed, first.
    std::optional<gint64> offset;
    std::vector<Item> held;
    std::vector<Item> headers;
  };
  enum class Step
  {
    push,
    again,
    over,
  };

  void put (State &state, GstBuffer *buffer);
  void run (const std::shared_ptr<cachebranch::Branch> &branch);
  Step next (const std::shared_ptr<cachebranch::Branch> &branch, Reader &reader,
      Item &item);
  static void begin (const State &state, Reader &reader, backlog::Start start);
  static void begin_first (
      const State &state, cachebranch::Branch &branch, Reader &reader);
  static void rebase (const State &state, Reader &reader);
  static bool is_skipped (const State &state, Reader &reader);
  GstFlowReturn push (GstPad *pad, Reader &reader, Item item);
  static void push_before (GstPad *pad, Reader &reader);
  void leave_out (cachebranch::Branch &branch, GstFlowReturn flow);

  cachebranch::Branches &branches_;
  junction::Junction &junction_;
  cacheworkers::Workers &workers_;
  cachereport::Report &report_;
  const cachesettings::Switches &switches_;
  relay::Guarded<State> state_;
  std::condition_variable changed_;
  std::atomic<bool> on_ = false;
  std::atomic<unsigned> readers_ = 0;
  std::atomic<GstFlowReturn> failure_ = GST_FLOW_OK;
};

}  // namespace cachelate

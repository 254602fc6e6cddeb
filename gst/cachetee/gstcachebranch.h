// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcachecursor.h"
#include "gstcachesupply.h"
#include "junction.h"

// The source pads of cachetee.
namespace cachebranch {

struct Branch : junction::Branch
{
  explicit Branch (relay::Owned<GstPad> owned) : pad (std::move (owned)) {}

  const relay::Owned<GstPad> pad;
  // Not OK: it is left out, because this was its last result.
  std::atomic<GstFlowReturn> flow = GST_FLOW_OK;
  // It had a peer when the run began: it is not late.
  std::atomic<bool> early = false;
  // What of the log, or of the items of a hit, it gets next.
  std::atomic<std::uint64_t> number = 0;
  // Of a hit: it plays no more.
  std::atomic<bool> at_end = false;
  // A thread plays the log to it.
  std::atomic<bool> joins = false;
  // Where it is in a byte stream.
  cachecursor::Cursor cursor;
  // It takes what it wants of it, until it is told to stop.
  std::atomic<bool> pulls = false;
  relay::Guarded<std::stop_source> pull_stop;
  // For who pulls.
  cachesupply::Reader reader;
  // What its last thread was started for; under the lock of the workers.
  guint32 ticket = 0;
};

using List = std::vector<std::shared_ptr<Branch>>;

// A list that is replaced as a whole, so that who pushes need not hold its
// lock.
class Branches
{
public:
  [[nodiscard]] std::shared_ptr<const List> list ();
  [[nodiscard]] std::shared_ptr<Branch> find (GstPad *pad);
  // One that upstream feeds gets the sticky events of the sink pad.
  void add (const std::shared_ptr<Branch> &branch, GstPad *sinkpad);
  // Null if it was not there.
  std::shared_ptr<Branch> remove (GstPad *pad);
  // For "alloc-pad"; true if it is ours, or null.
  bool set_alloc_pad (GstPad *pad);
  [[nodiscard]] relay::Owned<GstPad> alloc_pad ();
  // The name of a new one.
  [[nodiscard]] std::string name (GstElement *element, const gchar *wanted);

private:
  struct State
  {
    std::shared_ptr<const List> list = std::make_shared<const List> ();
    unsigned next_name = 0;
    relay::Owned<GstPad> alloc_pad;
  };
  relay::Guarded<State> state_;
};

// As GST_EVENT_IS_STICKY, whose two enums clang does not like to see mixed.
[[nodiscard]] bool has_flag (GstEvent *event, GstEventTypeFlags flag);

// GStreamer 1.22: one that is linked while sticky events are pushed on it gets
// some of them. So nothing is pushed where there is no peer, but for a flush:
// it takes an EOS off the pad, which would end the stream for who comes later.
void push_event (GstPad *pad, GstEvent *event);

}  // namespace cachebranch

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <stop_token>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcachefan.h"
#include "gstcachekey.h"
#include "gstcachelate.h"
#include "gstcachelookup.h"
#include "gstcacherecorder.h"
#include "gstcachereport.h"
#include "gstcacheresume.h"
#include "gstcachesettings.h"
#include "gstcachesupply.h"
#include "gstcachetape.h"
#include "junction.h"

// What upstream's thread does: it waits while the cache is served, records, and
// feeds the branches.
namespace cacheintake {

// The pieces that it needs; they live as long as it does.
struct Pieces
{
  GstPad *sinkpad;
  relay::Guarded<cachesettings::Settings> &settings;
  const cachesettings::Switches &switches;
  junction::Junction &junction;
  cacherecorder::Recorder &recorder;
  cachereport::Report &report;
  cachelookup::Lookup &lookup;
  cacheresume::Resumption &resumption;
  cachelate::Late &late;
  cachefan::Fan &fan;
  cachekey::Awaiting &awaiting;
  cachetape::Tape &tape;
  cachesupply::Supply &supply;
  // What upstream was to send is played: somebody else has it. And the other
  // way round: what was to be played comes from upstream.
  std::function<void ()> play_instead;
  std::function<void ()> feed_instead;
};

class Intake
{
public:
  explicit Intake (const Pieces &pieces) : on_ (pieces) {}

  // Before a run, whatever it is.
  void start ();
  // A run begins in which upstream feeds the branches. The first segment says
  // whether it is kept as bytes, in this stream, or as packets.
  void record (std::optional<bytestream::Stream> stream, bool renew = false);
  // Before upstream is told to stop, from any thread: who was let in to be
  // asked may hold a lock of its own here, that it is told under.
  void let_go ();
  // Ends what it waits for.
  void stop ();

  GstFlowReturn chain (relay::Owned<GstBuffer> buffer);
  GstFlowReturn chain (relay::Owned<GstBufferList> list);
  GstFlowReturn event (relay::Owned<GstEvent> event);

private:
  [[nodiscard]] bool is_resuming ();
  void record_packets ();
  void take_segment (GstEvent *event);
  void drop (const char *reason);
  template <class T>
  GstFlowReturn push (relay::Owned<T> item);
  GstFlowReturn fill (GstBuffer *buffer);
  GstFlowReturn fill (GstEvent *event, bool &passes);
  void pass_events ();
  void record_again ();
  junction::Entry admit (bool is_first = false);
  void take_in (GstBuffer *buffer);
  GstFlowReturn answer (GstFlowReturn flow);
  const char *refusal (GstEvent *headers);
  void obey (GstEvent *headers);
  junction::Entry admit_first ();
  GstFlowReturn take_serialized (GstEvent *event, bool &passes);
  bool flush (bool starts);

  const Pieces on_;
  std::atomic<bool> undecided_ = false;
  std::atomic<bool> lets_go_ = false;
  relay::Guarded<std::stop_source> stop_;
};

}  // namespace cacheintake

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <condition_variable>
#include <cstdint>
#include <optional>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcachebranch.h"
#include "gstcachelookup.h"
#include "gstcachereport.h"
#include "gstcachesettings.h"
#include "gstcachesupply.h"
#include "junction.h"

// Branches that take what they want of a byte stream, in place of being pushed
// to: from any place, each on its own.
namespace cachepull {

class Puller
{
public:
  Puller (GstPad *sinkpad, relay::Guarded<cachesettings::Settings> &settings,
      junction::Junction &junction, cachelookup::Lookup &lookup,
      cachesupply::Supply &supply, cachereport::Report &report)
      : sinkpad_ (sinkpad),
        settings_ (settings),
        junction_ (junction),
        lookup_ (lookup),
        supply_ (supply),
        report_ (report)
  {
  }

  // A run has begun, and ends.
  void start ();
  void stop ();

  // What SCHEDULING says; also before the run, which who pulls may not wait
  // for. And what a branch that pulls asks for.
  void schedule (GstQuery *query);
  bool answer (cachebranch::Branch &branch, GstQuery *query);

  // False if there is nothing to be pulled.
  bool activate (cachebranch::Branch &branch, bool active);
  GstFlowReturn get_range (cachebranch::Branch &branch, guint64 offset,
      guint length, GstBuffer **buffer);

private:
  struct State
  {
    bool running = false;
    std::uint64_t changes = 0;
  };
  std::optional<bytestream::Stream> stream ();
  bool await_run (const std::stop_token &stop);
  bytestream::Found find (cachebranch::Branch &branch, std::uint64_t offset,
      std::size_t limit, const std::stop_token &stop);
  void count (const bytestream::Found &found);

  // The element's lifetime is ours.
  GstPad *const sinkpad_;
  relay::Guarded<cachesettings::Settings> &settings_;
  junction::Junction &junction_;
  cachelookup::Lookup &lookup_;
  cachesupply::Supply &supply_;
  cachereport::Report &report_;
  relay::Guarded<State> state_;
  std::condition_variable changed_;
};

}  // namespace cachepull

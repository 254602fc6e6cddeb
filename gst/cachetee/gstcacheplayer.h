// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "gstcachebranch.h"
#include "gstcachejoin.h"
#include "gstcachereport.h"
#include "gstcachesettings.h"
#include "gstcachesupply.h"
#include "junction.h"

// What the thread of a branch does with a byte stream: it plays it from where
// it is sent, and sends it what it asks for.
namespace cacheplayer {

class Player
{
public:
  Player (GstElement *element, junction::Junction &junction,
      cachereport::Report &report, cachesupply::Supply &supply,
      const cachesettings::Switches &switches, cachejoin::Trail &trail)
      : element_ (element),
        junction_ (junction),
        report_ (report),
        supply_ (supply),
        switches_ (switches),
        trail_ (trail)
  {
  }

  // All branches of a run share the seqnum and the group id of its events.
  void run (cachebranch::Branch &branch, guint32 seqnum, guint group_id);
  // Of one that is played to.
  bool seek (cachebranch::Branch &branch, GstEvent *event);
  bool answer (cachebranch::Branch &branch, GstQuery *query);

private:
  // Where one is.
  struct Play
  {
    cachesupply::Reader reader;
    std::uint64_t at = 0;
    // Of the segment.
    std::uint64_t start = 0;
    std::uint64_t stop = bytestream::unknown;
    guint32 seqnum = 0;
    guint group_id = 0;
    bool has_stream_start = false;
    bool has_content = false;
    bool has_segment = false;
    bool discont = true;
    // Where it starts is known.
    bool joined = false;
  };
  enum class Step
  {
    on,
    not_linked,
    // It is at its end; it may be sent somewhere else.
    ended,
    over,
  };
  Step finish (cachebranch::Branch &branch, Play &play);
  Step step (cachebranch::Branch &branch, Play &play);
  Step push (cachebranch::Branch &branch, Play &play, bytestream::Found found);
  static bool push_start (GstPad *pad, Play &play);
  void push_events (GstPad *pad, Play &play);
  void push_segment (GstPad *pad, Play &play);
  Step end (cachebranch::Branch &branch, const Play &play);

  // The element's lifetime is ours.
  GstElement *const element_;
  junction::Junction &junction_;
  cachereport::Report &report_;
  cachesupply::Supply &supply_;
  const cachesettings::Switches &switches_;
  cachejoin::Trail &trail_;
};

}  // namespace cacheplayer

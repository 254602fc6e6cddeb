// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "byteplan.h"
#include "common/guarded.h"
#include "gstcachebranch.h"
#include "gstcachefan.h"
#include "gstcacheintake.h"
#include "gstcachejoin.h"
#include "gstcachekey.h"
#include "gstcachelate.h"
#include "gstcachelookup.h"
#include "gstcachepads.h"
#include "gstcacheplayer.h"
#include "gstcachepull.h"
#include "gstcacherecorder.h"
#include "gstcachereport.h"
#include "gstcacheresume.h"
#include "gstcacheserver.h"
#include "gstcachesettings.h"
#include "gstcachesupply.h"
#include "gstcachetape.h"
#include "gstcacheworkers.h"
#include "junction.h"

// All pieces of an element, and how they are wired; what each does in a run,
// from one state to the other.
namespace cacherun {

// Each piece has a lock of its own; none is held while another is taken, but
// for GStreamer's object locks.
struct Run
{
  Run (GstElement *element, GstPad *sink)
      : sinkpad (sink),
        report (element, recorder),
        lookup (report),
        late (branches, junction, workers, report, switches),
        fan (branches, switches, report, late),
        supply (sink, junction, report),
        trail (branches),
        player (element, junction, report, supply, switches, trail),
        server (
            element, sink, junction, report, workers, switches, player, trail),
        resumption (sink, junction, report, server, branches),
        awaiting (sink, settings, lookup, [this] { open (); }),
        intake ({sink, settings, switches, junction, recorder, report, lookup,
            resumption, late, fan, awaiting, tape, supply,
            [this] { play_instead (); }, [this] { feed_instead (); }}),
        puller (sink, settings, junction, lookup, supply, report),
        pads ({element, sink, branches, workers, junction, report, late, server,
            supply, player, puller})
  {
    report.set_extra ([this] (GstStructure *stats) { late.describe (stats); });
  }

  // What was found of a key.
  struct Found
  {
    byteplan::Plan plan = byteplan::Plan::pass;
    bool hit = false;
    [[nodiscard]] bool is_supplied () const
    {
      using byteplan::Plan;
      return plan == Plan::serve || plan == Plan::check || plan == Plan::grace;
    }
  };

  // On the way from NULL to READY, or later.
  void look_up ();
  // Before the pads are active.
  void start ();
  // They are.
  void play ();
  // Ends every wait.
  void unblock ();
  // The pads are not active any more.
  void stop ();
  // On the way to NULL.
  void forget ();
  // Are the branches fed from the cache?
  [[nodiscard]] bool is_served ();

  Found find ();
  void begin (const Found &found);
  void serve ();
  void open ();
  void play_instead ();
  void feed_instead ();

  // Lives as long as the element.
  GstPad *const sinkpad;
  relay::Guarded<cachesettings::Settings> settings;
  cachesettings::Switches switches;
  cachebranch::Branches branches;
  cacheworkers::Workers workers;
  junction::Junction junction;
  cacherecorder::Recorder recorder;
  cachereport::Report report;
  cachelookup::Lookup lookup;
  cachelate::Late late;
  cachefan::Fan fan;
  cachetape::Tape tape;
  cachesupply::Supply supply;
  cachejoin::Trail trail;
  cacheplayer::Player player;
  cacheserver::Server server;
  cacheresume::Resumption resumption;
  cachekey::Awaiting awaiting;
  cacheintake::Intake intake;
  cachepull::Puller puller;
  cachepads::Pads pads;
};

}  // namespace cacherun

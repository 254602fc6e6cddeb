// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

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
};

class Intake
{
public:
  explicit Intake (const Pieces &pieces) : on_ (pieces) {}

  // A run begins without a hit, or the cache failed.
  void record ();

  GstFlowReturn chain (relay::Owned<GstBuffer> buffer);
  GstFlowReturn chain (relay::Owned<GstBufferList> list);
  GstFlowReturn event (relay::Owned<GstEvent> event);

private:
  [[nodiscard]] bool is_resuming ();
  void record_again ();
  junction::Entry admit ();
  void take_in (GstBuffer *buffer);
  GstFlowReturn answer (GstFlowReturn flow);
  void obey (GstEvent *headers);
  GstFlowReturn take_serialized (GstEvent *event);
  bool flush (bool starts);

  const Pieces on_;
};

}  // namespace cacheintake

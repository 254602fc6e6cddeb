// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "gstcachebranch.h"
#include "gstcachelate.h"
#include "gstcacheplayer.h"
#include "gstcachepull.h"
#include "gstcachereport.h"
#include "gstcacheserver.h"
#include "gstcachesupply.h"
#include "gstcacheworkers.h"
#include "junction.h"

// The source pads: how they come and go, and what they say upstream.
namespace cachepads {

// The pieces that they need; they live as long as the element does.
struct Pieces
{
  GstElement *element;
  GstPad *sinkpad;
  cachebranch::Branches &branches;
  cacheworkers::Workers &workers;
  junction::Junction &junction;
  cachereport::Report &report;
  cachelate::Late &late;
  cacheserver::Server &server;
  cachesupply::Supply &supply;
  cacheplayer::Player &player;
  cachepull::Puller &puller;
};

class Pads
{
public:
  explicit Pads (const Pieces &pieces) : on_ (pieces) {}

  GstPad *request (GstPadTemplate *templ, const gchar *wanted);
  void release (GstPad *pad);

  // A peer has come, here or behind a ghost pad.
  void note_link (GstPad *pad);
  bool event (GstPad *pad, GstObject *parent, GstEvent *event);
  bool activate (GstPad *pad, GstPadMode mode, bool active);
  GstFlowReturn get_range (
      GstPad *pad, guint64 offset, guint length, GstBuffer **buffer);
  bool query (GstPad *pad, GstObject *parent, GstQuery *query);

private:
  bool is_served ();
  void note_reconfigure (GstPad *pad);
  void add (const std::shared_ptr<cachebranch::Branch> &branch);
  void remove (GstPad *pad);

  const Pieces on_;
};

}  // namespace cachepads

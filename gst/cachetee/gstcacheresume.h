// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcachebranch.h"
#include "gstcachereport.h"
#include "gstcacheserver.h"
#include "junction.h"
#include "store.h"

// Upstream in place of a cache that failed: it sends again what was served,
// which is compared and left out.
namespace cacheresume {

class Resumption
{
public:
  Resumption (GstPad *sinkpad, junction::Junction &junction,
      cachereport::Report &report, cacheserver::Server &server,
      cachebranch::Branches &branches)
      : sinkpad_ (sinkpad),
        junction_ (junction),
        report_ (report),
        server_ (server),
        branches_ (branches)
  {
  }

  void start ();
  // Upstream may go on from another place.
  void forget ();
  // True the first time in a run.
  [[nodiscard]] bool begins ();

  // What is left of a buffer. Null with OK: the branches had all of it.
  relay::Owned<GstBuffer> leave_out (
      relay::Owned<GstBuffer> buffer, GstFlowReturn &flow);
  // Where there is no buffer to be compared.
  GstFlowReturn event (GstEvent *event);

private:
  struct State
  {
    // Compares the two.
    std::shared_ptr<store::Prefix> prefix;
    bool begun = false;
  };
  std::shared_ptr<store::Prefix> prefix ();
  bool join_branches ();

  GstPad *const sinkpad_;
  junction::Junction &junction_;
  cachereport::Report &report_;
  cacheserver::Server &server_;
  cachebranch::Branches &branches_;
  relay::Guarded<State> state_;
};

}  // namespace cacheresume

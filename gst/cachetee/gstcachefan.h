// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "common/gstpp.h"
#include "gstcachebranch.h"
#include "gstcachelate.h"
#include "gstcachereport.h"
#include "gstcachesettings.h"

// From upstream's thread to the branches, by reference. As tee: one that is not
// linked does not count, and any other result but OK goes upstream at once;
// unless branches are isolated: then one with such a result is left out until
// it is flushed or linked again.
namespace cachefan {

class Fan
{
public:
  Fan (cachebranch::Branches &branches, const cachesettings::Switches &switches,
      cachereport::Report &report, cachelate::Late &late)
      : branches_ (branches),
        switches_ (switches),
        report_ (report),
        late_ (late)
  {
  }

  GstFlowReturn push (relay::Owned<GstBuffer> buffer);
  GstFlowReturn push (relay::Owned<GstBufferList> list);
  void event (GstEvent *event);

private:
  template <class T, class Push>
  GstFlowReturn distribute (relay::Owned<T> item, Push give);

  cachebranch::Branches &branches_;
  const cachesettings::Switches &switches_;
  cachereport::Report &report_;
  cachelate::Late &late_;
};

}  // namespace cachefan

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "common/gstpp.h"
#include "gstcachebranch.h"

// From upstream's thread to the branches, by reference. As tee: one that is not
// linked does not count, and any other result but OK goes upstream at once.
namespace cachefan {

class Fan
{
public:
  explicit Fan (cachebranch::Branches &branches) : branches_ (branches) {}

  // `none` is the result when nobody takes it.
  GstFlowReturn push (relay::Owned<GstBuffer> buffer, GstFlowReturn none);
  GstFlowReturn push (relay::Owned<GstBufferList> list, GstFlowReturn none);
  void event (GstEvent *event);

private:
  template <class T, class Push>
  GstFlowReturn distribute (
      relay::Owned<T> item, GstFlowReturn none, Push push);

  cachebranch::Branches &branches_;
};

}  // namespace cachefan

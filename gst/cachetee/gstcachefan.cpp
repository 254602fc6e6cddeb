// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachefan.h"

#include <memory>
#include <utility>

namespace cachefan {

using cachebranch::Branch;
using relay::Owned;
using relay::share;

template <class T, class Push>
GstFlowReturn Fan::distribute (Owned<T> item, GstFlowReturn none, Push push)
{
  std::shared_ptr<const cachebranch::List> branches = branches_.list ();
  GstFlowReturn result = none;
  for (const std::shared_ptr<Branch> &branch : *branches) {
    if (!branch->live || !gst_pad_is_linked (branch->pad.get ())) continue;
    // The last one may write into it, if nobody else has it.
    bool last = branch == branches->back ();
    GstFlowReturn flow = push (branch->pad.get (),
        last ? item.release () : share (item.get ()).release ());
    if (flow == GST_FLOW_OK)
      result = GST_FLOW_OK;
    else if (flow != GST_FLOW_NOT_LINKED && !branch->removed)
      return flow;
  }
  return result;
}

GstFlowReturn Fan::push (Owned<GstBuffer> buffer, GstFlowReturn none)
{
  return distribute (std::move (buffer), none, gst_pad_push);
}

GstFlowReturn Fan::push (Owned<GstBufferList> list, GstFlowReturn none)
{
  return distribute (std::move (list), none, gst_pad_push_list);
}

void Fan::event (GstEvent *event)
{
  std::shared_ptr<const cachebranch::List> branches = branches_.list ();
  for (const std::shared_ptr<Branch> &branch : *branches)
    if (branch->live) cachebranch::push_event (branch->pad.get (), event);
}

}  // namespace cachefan

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachefan.h"

#include <memory>
#include <utility>

namespace cachefan {

using cachebranch::Branch;
using relay::Owned;
using relay::share;

namespace {

gsize size_of (GstBuffer *buffer)
{
  return gst_buffer_get_size (buffer);
}

gsize size_of (GstBufferList *list)
{
  return gst_buffer_list_calculate_size (list);
}

// What all results together say to upstream.
class Sum
{
public:
  void taken () { count_++; }
  // Fed from the log.
  void reads () { reads_ = true; }
  // One that is left out. Flushing is no end: it may come back.
  void left_out (GstFlowReturn flow)
  {
    if (flow == GST_FLOW_EOS)
      ended_ = true;
    else if (flow != GST_FLOW_FLUSHING)
      failure_ = flow;
  }
  [[nodiscard]] gsize count () const { return count_; }
  [[nodiscard]] GstFlowReturn result (bool allow_not_linked) const
  {
    if (count_ > 0 || reads_) return GST_FLOW_OK;
    if (failure_ != GST_FLOW_OK) return failure_;
    if (ended_) return GST_FLOW_EOS;
    return allow_not_linked ? GST_FLOW_OK : GST_FLOW_NOT_LINKED;
  }

private:
  gsize count_ = 0;
  bool reads_ = false;
  bool ended_ = false;
  GstFlowReturn failure_ = GST_FLOW_OK;
};

}  // namespace

template <class T, class Push>
GstFlowReturn Fan::distribute (Owned<T> item, Push give)
{
  bool logs = late_.is_on ();
  std::shared_ptr<const cachebranch::List> branches =
      logs ? late_.append (item.get ()) : branches_.list ();
  Sum sum;
  const gsize size = size_of (item.get ());
  if (logs && late_.failure () != GST_FLOW_OK) return late_.failure ();
  if (logs && late_.has_readers ()) sum.reads ();
  for (const std::shared_ptr<Branch> &branch : *branches) {
    if (!branch->live || !GST_PAD_IS_LINKED (branch->pad.get ())) continue;
    GstFlowReturn flow = branch->flow;
    if (flow != GST_FLOW_OK) {
      sum.left_out (flow);
      continue;
    }
    report_.pushes ();
    // The last one may write into it, if nobody else has it.
    bool last = branch == branches->back ();
    flow = give (branch->pad.get (),
        last ? item.release () : share (item.get ()).release ());
    if (flow == GST_FLOW_OK) {
      sum.taken ();
    } else if (flow != GST_FLOW_NOT_LINKED && !branch->removed) {
      if (!switches_.isolate) {
        report_.counters.bytes_sent += size * sum.count ();
        return flow;
      }
      branch->flow = flow;
      sum.left_out (flow);
      report_.isolated (branch->pad.get (), flow);
    }
  }
  report_.counters.bytes_sent += size * sum.count ();
  return sum.result (switches_.allow_not_linked);
}

GstFlowReturn Fan::push (Owned<GstBuffer> buffer)
{
  return distribute (std::move (buffer), gst_pad_push);
}

GstFlowReturn Fan::push (Owned<GstBufferList> list)
{
  return distribute (std::move (list), gst_pad_push_list);
}

void Fan::event (GstEvent *event)
{
  bool is_flush = GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START ||
                  GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP;
  bool logs = late_.is_on () && !is_flush &&
              cachebranch::has_flag (event, GST_EVENT_TYPE_SERIALIZED);
  std::shared_ptr<const cachebranch::List> branches =
      logs ? late_.append (event) : branches_.list ();
  for (const std::shared_ptr<Branch> &branch : *branches) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
      branch->flow = GST_FLOW_OK;
    if (branch->live || is_flush)
      cachebranch::push_event (branch->pad.get (), event);
  }
}

}  // namespace cachefan

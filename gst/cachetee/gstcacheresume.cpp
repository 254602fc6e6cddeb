// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacheresume.h"

#include <span>
#include <utility>

#include "gstcacheitem.h"

namespace cacheresume {

using cachebranch::Branch;
using relay::MappedBuffer;
using relay::Owned;

namespace {

// The caps, the segment, ... of upstream, where the branch had others.
void push_new_events (GstPad *sinkpad, GstPad *pad)
{
  auto push = [] (GstPad *, GstEvent **event, gpointer data) -> gboolean {
    GstPad *to = GST_PAD (data);
    GstEventType type = GST_EVENT_TYPE (*event);
    if (type == GST_EVENT_EOS) return TRUE;
    Owned<GstEvent> had{gst_pad_get_sticky_event (to, type, 0)};
    // A stream that began does not begin again.
    bool same = had != nullptr && (type == GST_EVENT_STREAM_START ||
                                      cacheitem::is_same (had.get (), *event));
    if (!same) cachebranch::push_event (to, *event);
    return TRUE;
  };
  gst_pad_sticky_events_foreach (sinkpad, push, pad);
}

}  // namespace

void Resumption::start ()
{
  *state_.lock () = {};
}

void Resumption::forget ()
{
  state_.lock ()->prefix = nullptr;
}

bool Resumption::begins ()
{
  return !std::exchange (state_.lock ()->begun, true);
}

// False if the stream is stopped meanwhile.
bool Resumption::join_branches ()
{
  if (!junction_.join ()) return false;
  std::shared_ptr<const cachebranch::List> branches = branches_.list ();
  for (const std::shared_ptr<Branch> &branch : *branches)
    if (branch->live) push_new_events (sinkpad_, branch->pad.get ());
  return true;
}

std::shared_ptr<store::Prefix> Resumption::prefix ()
{
  std::uint64_t size = junction_.resume_bytes ();
  std::shared_ptr<const store::Reader> reader = server_.reader ();
  auto state = state_.lock ();
  if (state->prefix == nullptr)
    state->prefix = std::make_shared<store::Prefix> (std::move (reader), size);
  return state->prefix;
}

Owned<GstBuffer> Resumption::leave_out (
    Owned<GstBuffer> buffer, GstFlowReturn &flow)
{
  std::shared_ptr<store::Prefix> served = prefix ();
  bool was_done = served->done ();
  std::size_t taken = 0;
  std::size_t left = 0;
  {
    MappedBuffer map (buffer.get (), GST_MAP_READ);
    std::span<const std::uint8_t> bytes = map.bytes ();
    if (!map || !served->take (bytes)) {
      if (served->failure ())
        report_.unreadable (*served->failure ());
      else
        report_.changed ();
      flow = GST_FLOW_ERROR;
      return nullptr;
    }
    left = bytes.size ();
    taken = map.bytes ().size () - left;
  }
  flow = GST_FLOW_OK;
  if (left == 0 && !was_done) return nullptr;
  if (!join_branches ()) {
    flow = GST_FLOW_FLUSHING;
    return nullptr;
  }
  if (taken == 0) return buffer;
  Owned<GstBuffer> rest{
      gst_buffer_copy_region (buffer.get (), GST_BUFFER_COPY_ALL, taken, left)};
  if (GST_BUFFER_OFFSET_IS_VALID (buffer.get ()))
    GST_BUFFER_OFFSET (rest.get ()) = GST_BUFFER_OFFSET (buffer.get ()) + taken;
  return rest;
}

GstFlowReturn Resumption::event (GstEvent *event)
{
  bool is_eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  if (!is_eos && GST_EVENT_TYPE (event) != GST_EVENT_GAP) return GST_FLOW_OK;
  if (prefix ()->done ())
    return join_branches () ? GST_FLOW_OK : GST_FLOW_FLUSHING;
  if (!is_eos) return GST_FLOW_OK;
  // That was told.
  if (prefix ()->failure ()) return GST_FLOW_ERROR;
  // Which is what was asked for.
  if (junction_.is_finished ()) return GST_FLOW_EOS;
  report_.changed ();
  return GST_FLOW_ERROR;
}

}  // namespace cacheresume

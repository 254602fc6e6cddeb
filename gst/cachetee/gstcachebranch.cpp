// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachebranch.h"

#include <algorithm>

namespace cachebranch {

using relay::Owned;

namespace {

gboolean store_sticky (GstPad *, GstEvent **event, gpointer data)
{
  gst_pad_store_sticky_event (GST_PAD (data), *event);
  return TRUE;
}

}  // namespace

std::shared_ptr<const List> Branches::list ()
{
  return state_.lock ()->list;
}

std::shared_ptr<Branch> Branches::find (GstPad *pad)
{
  std::shared_ptr<const List> branches = list ();
  for (const std::shared_ptr<Branch> &branch : *branches)
    if (branch->pad.get () == pad) return branch;
  return nullptr;
}

void Branches::add (const std::shared_ptr<Branch> &branch, GstPad *sinkpad)
{
  auto state = state_.lock ();
  auto changed = std::make_shared<List> (*state->list);
  changed->push_back (branch);
  state->list = std::move (changed);
  // Under the lock: who sends newer ones sees the branch only after that.
  if (branch->live)
    gst_pad_sticky_events_foreach (sinkpad, store_sticky, branch->pad.get ());
}

std::shared_ptr<Branch> Branches::remove (GstPad *pad)
{
  auto state = state_.lock ();
  auto changed = std::make_shared<List> (*state->list);
  auto at = std::find_if (changed->begin (), changed->end (),
      [pad] (const auto &branch) { return branch->pad.get () == pad; });
  if (at == changed->end ()) return nullptr;
  std::shared_ptr<Branch> branch = *at;
  changed->erase (at);
  state->list = std::move (changed);
  return branch;
}

bool Branches::set_alloc_pad (GstPad *pad)
{
  if (pad != nullptr && find (pad) == nullptr) return false;
  Owned<GstPad> owned = relay::share (pad);
  std::swap (state_.lock ()->alloc_pad, owned);
  return true;
}

Owned<GstPad> Branches::alloc_pad ()
{
  return relay::share (state_.lock ()->alloc_pad.get ());
}

std::string Branches::name (GstElement *element, const gchar *wanted)
{
  if (wanted != nullptr) return wanted;
  while (true) {
    std::string name = "src_" + std::to_string (state_.lock ()->next_name++);
    Owned<GstPad> taken{gst_element_get_static_pad (element, name.c_str ())};
    if (taken == nullptr) return name;
  }
}

bool has_flag (GstEvent *event, GstEventTypeFlags flag)
{
  return (gst_event_type_get_flags (GST_EVENT_TYPE (event)) & flag) != 0;
}

void push_event (GstPad *pad, GstEvent *event)
{
  GstEventType type = GST_EVENT_TYPE (event);
  bool is_flush = type == GST_EVENT_FLUSH_START || type == GST_EVENT_FLUSH_STOP;
  if (is_flush || gst_pad_is_linked (pad))
    gst_pad_push_event (pad, gst_event_ref (event));
  else if (has_flag (event, GST_EVENT_TYPE_STICKY))
    gst_pad_store_sticky_event (pad, event);
}

}  // namespace cachebranch

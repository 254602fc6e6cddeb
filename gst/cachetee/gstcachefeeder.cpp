// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachefeeder.h"

namespace cachefeeder {

using relay::Owned;
using relay::share;

Owned<GstPad> feeder_of (GstPad *sinkpad)
{
  Owned<GstPad> pad{gst_pad_get_peer (sinkpad)};
  while (pad != nullptr) {
    if (GST_IS_GHOST_PAD (pad.get ())) {
      pad.reset (gst_ghost_pad_get_target (GST_GHOST_PAD (pad.get ())));
    } else if (GST_IS_PROXY_PAD (pad.get ())) {
      // Inside a bin: on from the outside.
      Owned<GstPad> ghost{GST_PAD_CAST (
          gst_proxy_pad_get_internal (GST_PROXY_PAD (pad.get ())))};
      if (ghost == nullptr) return nullptr;
      pad.reset (gst_pad_get_peer (ghost.get ()));
    } else {
      break;
    }
  }
  return pad;
}

namespace {

// The one sink pad of an element that has one, and one source pad, for good.
// What else there is may have others to feed.
Owned<GstPad> only_sink_of (GstElement *element, GstPad *src)
{
  GstPadTemplate *templ = GST_PAD_PAD_TEMPLATE (src);
  if (templ != nullptr && GST_PAD_TEMPLATE_PRESENCE (templ) != GST_PAD_ALWAYS)
    return nullptr;
  GST_OBJECT_LOCK (element);
  Owned<GstPad> sink;
  if (element->numsinkpads == 1 && element->numsrcpads == 1)
    sink = share (GST_PAD (element->sinkpads->data));
  GST_OBJECT_UNLOCK (element);
  return sink;
}

// Follows what has one sink pad up to what has none; null with `known` if
// nothing is linked.
Owned<GstElement> beginning (GstPad *sinkpad, bool &known)
{
  known = true;
  Owned<GstPad> sink = share (sinkpad);
  while (sink != nullptr) {
    Owned<GstPad> feeder = feeder_of (sink.get ());
    if (feeder == nullptr) return nullptr;
    Owned<GstElement> element{gst_pad_get_parent_element (feeder.get ())};
    if (element == nullptr || element->numsinkpads == 0) return element;
    sink = only_sink_of (element.get (), feeder.get ());
  }
  known = false;
  return nullptr;
}

}  // namespace

bool is_source (GstPad *sinkpad)
{
  bool known = false;
  (void)beginning (sinkpad, known);
  return known;
}

Owned<GstElement> source_of (GstPad *sinkpad)
{
  bool known = false;
  return beginning (sinkpad, known);
}

void stop_source (GstPad *sinkpad)
{
  Owned<GstPad> feeder = feeder_of (sinkpad);
  if (feeder == nullptr) return;
  Owned<GstElement> element{gst_pad_get_parent_element (feeder.get ())};
  if (element != nullptr && !GST_IS_BIN (element.get ()) &&
      element->numsinkpads == 0 &&
      GST_OBJECT_FLAG_IS_SET (element.get (), GST_ELEMENT_FLAG_SOURCE))
    gst_pad_push_event (sinkpad, gst_event_new_flush_start ());
}

}  // namespace cachefeeder

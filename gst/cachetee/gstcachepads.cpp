// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachepads.h"

#include <memory>
#include <string>

#include "common/gstpp.h"
#include "gstcachequery.h"

namespace cachepads {

using cachebranch::Branch;
using junction::Mode;
using relay::Owned;
using relay::share;

namespace {

// Of the element that the pad is of, which GStreamer holds meanwhile.
gboolean on_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  return static_cast<Pads *> (pad->eventdata)->event (pad, parent, event);
}

gboolean on_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  return static_cast<Pads *> (pad->querydata)->query (pad, parent, query);
}

gboolean on_activate_mode (
    GstPad *pad, GstObject *, GstPadMode mode, gboolean active)
{
  return static_cast<Pads *> (pad->activatemodedata)
      ->activate (pad, mode, active);
}

GstFlowReturn on_get_range (
    GstPad *pad, GstObject *, guint64 offset, guint length, GstBuffer **buffer)
{
  return static_cast<Pads *> (pad->getrangedata)
      ->get_range (pad, offset, length, buffer);
}

void on_linked (GstPad *pad, GstPad *, gpointer)
{
  static_cast<Pads *> (pad->eventdata)->note_link (pad);
}

}  // namespace

bool Pads::is_served ()
{
  return on_.junction.mode () != Mode::tee;
}

void Pads::note_link (GstPad *pad)
{
  std::shared_ptr<Branch> branch = on_.branches.find (pad);
  if (branch == nullptr) return;
  branch->flow = GST_FLOW_OK;
  on_.junction.link (*branch);
  on_.late.serve (branch);
}

// That of a direct peer comes after its link, which was noted then: what has
// failed since has not come back.
void Pads::note_reconfigure (GstPad *pad)
{
  Owned<GstPad> peer{gst_pad_get_peer (pad)};
  std::shared_ptr<Branch> branch = on_.branches.find (pad);
  if (peer != nullptr && GST_IS_PROXY_PAD (peer.get ()))
    note_link (pad);
  else if (branch != nullptr)
    on_.junction.link (*branch);
}

bool Pads::event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstEventType type = GST_EVENT_TYPE (event);
  if (type == GST_EVENT_RECONFIGURE) note_reconfigure (pad);
  if (!is_served ()) {
    bool done = gst_pad_event_default (pad, parent, event);
    if (done && type == GST_EVENT_SEEK) on_.report.drop_recording ("seek");
    return done;
  }
  // On a hit upstream knows nothing of what the branches see, and has not been
  // asked for anything; in packets there is no seeking.
  bool is_sought = false;
  std::shared_ptr<Branch> branch = on_.branches.find (pad);
  if (type == GST_EVENT_SEEK && branch != nullptr && on_.supply.is_on ())
    is_sought = on_.player.seek (*branch, event);
  gst_event_unref (event);
  return is_sought || type == GST_EVENT_RECONFIGURE || type == GST_EVENT_QOS ||
         type == GST_EVENT_LATENCY;
}

// One that was pulled from is played to when it is pushed to again.
bool Pads::activate (GstPad *pad, GstPadMode mode, bool active)
{
  std::shared_ptr<Branch> branch = on_.branches.find (pad);
  if (mode == GST_PAD_MODE_PULL)
    return branch != nullptr && on_.puller.activate (*branch, active);
  if (branch == nullptr || !active || !is_served ()) return true;
  on_.junction.link (*branch);
  on_.server.serve (branch);
  return true;
}

GstFlowReturn Pads::get_range (
    GstPad *pad, guint64 offset, guint length, GstBuffer **buffer)
{
  std::shared_ptr<Branch> branch = on_.branches.find (pad);
  if (branch == nullptr || !branch->pulls) return GST_FLOW_FLUSHING;
  return on_.puller.get_range (*branch, offset, length, buffer);
}

bool Pads::query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_SCHEDULING) {
    on_.puller.schedule (query);
    return true;
  }
  std::shared_ptr<Branch> branch = on_.branches.find (pad);
  if (branch != nullptr && on_.puller.answer (*branch, query)) return true;
  if (is_served () && branch != nullptr && on_.supply.is_on () &&
      on_.player.answer (*branch, query))
    return true;
  if (is_served ())
    return cachequery::answer (pad, parent, query, on_.server.reader ().get ());
  return gst_pad_query_default (pad, parent, query);
}

// From here on the branch gets data; what came before it has as sticky events,
// or from the cache.
void Pads::add (const std::shared_ptr<Branch> &branch)
{
  branch->cursor.open ();
  on_.junction.add (branch);
  on_.late.add (*branch);
  on_.branches.add (branch, on_.sinkpad);
  if (!branch->live && !on_.late.is_on ()) on_.server.serve (branch);
}

void Pads::remove (GstPad *pad)
{
  // Before it is taken from the list: its result counts no more.
  std::shared_ptr<Branch> branch = on_.branches.find (pad);
  if (branch == nullptr) return;
  on_.junction.remove (*branch);
  branch->cursor.close ();
  on_.branches.remove (pad);
  on_.late.remove (*branch);
}

GstPad *Pads::request (GstPadTemplate *templ, const gchar *wanted)
{
  on_.workers.reap ();
  std::string name = on_.branches.name (on_.element, wanted);
  GstPad *raw = gst_pad_new_from_template (templ, name.c_str ());
  Owned<GstPad> pad{GST_PAD (gst_object_ref_sink (raw))};
  gst_pad_set_event_function_full (
      pad.get (), GST_DEBUG_FUNCPTR (on_event), this, nullptr);
  gst_pad_set_query_function_full (
      pad.get (), GST_DEBUG_FUNCPTR (on_query), this, nullptr);
  gst_pad_set_activatemode_function_full (
      pad.get (), GST_DEBUG_FUNCPTR (on_activate_mode), this, nullptr);
  gst_pad_set_getrange_function_full (
      pad.get (), GST_DEBUG_FUNCPTR (on_get_range), this, nullptr);
  GST_PAD_SET_PROXY_CAPS (pad.get ());
  g_signal_connect_object (pad.get (), "linked", G_CALLBACK (on_linked),
      on_.element, static_cast<GConnectFlags> (0));
  auto branch = std::make_shared<Branch> (share (pad.get ()));
  // Sticky events are kept by active pads only.
  if (!gst_pad_set_active (pad.get (), TRUE)) return nullptr;
  add (branch);
  if (!gst_element_add_pad (on_.element, pad.get ())) {
    remove (pad.get ());
    return nullptr;
  }
  g_object_notify (G_OBJECT (on_.element), "num-src-pads");
  // The element holds it.
  return raw;
}

void Pads::release (GstPad *pad)
{
  Owned<GstPad> held = share (pad);
  // First, so that its last result does not count.
  remove (pad);
  // Before its events are taken away: a push that is under way would go on
  // without them.
  if (Owned<GstPad> peer{gst_pad_get_peer (pad)})
    gst_pad_unlink (pad, peer.get ());
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (on_.element, pad);
  if (on_.branches.alloc_pad ().get () == pad) {
    on_.branches.set_alloc_pad (nullptr);
    g_object_notify (G_OBJECT (on_.element), "alloc-pad");
  }
  on_.workers.reap ();
  g_object_notify (G_OBJECT (on_.element), "num-src-pads");
}

}  // namespace cachepads

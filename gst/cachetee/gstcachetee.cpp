// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-cachetee
 * @title: cachetee
 * @short_description: A tee that keeps what passes, and serves it again
 *
 * Splits a stream into any number of branches, as #GstTee does. With
 * #GstCacheTee:cache-dir and #GstCacheTee:cache-key it also writes the stream
 * into files, in the background. When the same key is played again the branches
 * are served from these files, and nothing is asked of what is linked
 * upstream: it may be absent.
 *
 * The cache never harms the stream. What cannot be kept is passed on without
 * being kept; what cannot be read, or is not what was written, is taken from
 * upstream again.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! cachetee name=t
 * cache-dir=/tmp/cache cache-key=clip t. ! queue ! filesink location=copy.mp4
 * ]| The first run copies the file and keeps it; the second one makes the copy
 * from the cache.
 *
 * ## Messages
 * `cachetee-status` is posted when #GstCacheTee:cache-status changes, with the
 * fields `status` and `reason` (strings). `cachetee-stats` is posted when the
 * stream ends, with the fields of #GstCacheTee:stats. `cachetee-branch` is
 * posted when a branch is left out (#GstCacheTee:branch-error), with its `pad`
 * and its `flow` (strings).
 *
 * Since: 0.1
 */
#include "gstcachetee.h"

#include "config.h"

#include <memory>
#include <string>
#include <utility>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcachealloc.h"
#include "gstcachepurge.h"
#include "gstcacherun.h"

GST_DEBUG_CATEGORY (cachetee_debug);
#define GST_CAT_DEFAULT cachetee_debug

using junction::Mode;
using relay::Owned;

namespace {

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);

}  // namespace

struct _GstCacheTee
{
  GstElement parent;
  cacherun::Run run;
};

G_DEFINE_FINAL_TYPE (GstCacheTee, gst_cache_tee, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    cachetee, "cachetee", GST_RANK_NONE, GST_TYPE_CACHE_TEE)

namespace {

// ---- Sink pad --------------------------------------------------------------

GstFlowReturn gst_cache_tee_chain (
    GstPad *, GstObject *parent, GstBuffer *buffer)
{
  return GST_CACHE_TEE (parent)->run.intake.chain (Owned<GstBuffer> (buffer));
}

GstFlowReturn gst_cache_tee_chain_list (
    GstPad *, GstObject *parent, GstBufferList *list)
{
  return GST_CACHE_TEE (parent)->run.intake.chain (Owned<GstBufferList> (list));
}

GstFlowReturn gst_cache_tee_sink_event (
    GstPad *, GstObject *parent, GstEvent *event)
{
  return GST_CACHE_TEE (parent)->run.intake.event (Owned<GstEvent> (event));
}

gboolean gst_cache_tee_sink_query (
    GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default (pad, parent, query);
  // On a hit what upstream sends is not for the branches.
  if (self->run.junction.mode () != Mode::tee) return FALSE;
  return cachealloc::answer (
      *self->run.branches.list (), self->run.switches.allow_not_linked, query);
}

gboolean gst_cache_tee_sink_activate_mode (
    GstPad *, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (active && !self->run.settings.copy ().has_chain) {
    GST_INFO_OBJECT (self, "has-chain is off: no push mode");
    return FALSE;
  }
  // The core takes the stream lock only after this: whoever waits goes.
  self->run.junction.flush (!active);
  return TRUE;
}

void gst_cache_tee_sink_unlink (GstPad *, GstObject *parent)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  self->run.junction.unlink ();
  self->run.supply.unlink ();
}

// ---- Source pads -----------------------------------------------------------

GstPad *gst_cache_tee_request_new_pad (GstElement *element,
    GstPadTemplate *templ, const gchar *wanted, const GstCaps *)
{
  return GST_CACHE_TEE (element)->run.pads.request (templ, wanted);
}

void gst_cache_tee_release_pad (GstElement *element, GstPad *pad)
{
  GST_CACHE_TEE (element)->run.pads.release (pad);
}

// ---- States ----------------------------------------------------------------

GstStateChangeReturn gst_cache_tee_change_state (
    GstElement *element, GstStateChange transition)
{
  GstCacheTee *self = GST_CACHE_TEE (element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    self->run.look_up ();
  else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    self->run.start ();
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    self->run.unblock ();
  GstStateChangeReturn result = GST_ELEMENT_CLASS (gst_cache_tee_parent_class)
                                    ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    if (result != GST_STATE_CHANGE_FAILURE) {
      self->run.play ();
    } else {
      self->run.unblock ();
      self->run.stop ();
    }
  } else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    self->run.stop ();
  } else if (transition == GST_STATE_CHANGE_READY_TO_NULL) {
    self->run.forget ();
  }
  return result;
}

// An EOS is sent to all sources of a pipeline, of which this is one when the
// cache is played. Else it comes from upstream, which has got it too.
gboolean gst_cache_tee_send_event (GstElement *element, GstEvent *event)
{
  GstCacheTee *self = GST_CACHE_TEE (element);
  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS ||
      (!self->run.is_served () && !gst_pad_is_linked (self->run.sinkpad)))
    return GST_ELEMENT_CLASS (gst_cache_tee_parent_class)
        ->send_event (element, event);
  if (self->run.is_served ()) {
    self->run.junction.finish ();
    // Who waits for what is missing waits no more.
    self->run.supply.stop ();
  }
  gst_event_unref (event);
  return TRUE;
}

// ---- Signals ---------------------------------------------------------------

guint purged (GstCacheTee *self, std::size_t objects)
{
  self->run.report.counters.objects_purged += objects;
  return static_cast<guint> (objects);
}

guint gst_cache_tee_purge (GstCacheTee *self, const gchar *key)
{
  return purged (
      self, cachepurge::purge (self->run.settings.copy ().cache_dir, key));
}

guint gst_cache_tee_purge_prefix (GstCacheTee *self, const gchar *prefix)
{
  return purged (self,
      cachepurge::purge_prefix (self->run.settings.copy ().cache_dir, prefix));
}

// ---- Object ----------------------------------------------------------------
void gst_cache_tee_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCacheTee *self = GST_CACHE_TEE (object);
  if ((pspec->flags & GST_PARAM_MUTABLE_READY) != 0 &&
      GST_STATE (self) > GST_STATE_READY) {
    GST_WARNING_OBJECT (self, "%s cannot be set now", pspec->name);
    return;
  }
  if (id == cachesettings::prop_alloc_pad) {
    GstPad *pad = GST_PAD_CAST (g_value_get_object (value));
    if (!self->run.branches.set_alloc_pad (pad))
      GST_WARNING_OBJECT (self, "alloc-pad is not ours");
    return;
  }
  auto settings = self->run.settings.lock ();
  if (!cachesettings::set (*settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  self->run.switches.follow (*settings);
  if (id != cachesettings::PROP_CACHE_DIR) return;
  // Sources of a pipeline are told of its end.
  constexpr guint32 source = GST_ELEMENT_FLAG_SOURCE;
  bool may_serve = !settings->cache_dir.empty ();
  settings.unlock ();
  GST_OBJECT_LOCK (self);
  GST_OBJECT_FLAGS (self) =
      (GST_OBJECT_FLAGS (self) & ~source) | (may_serve ? source : 0);
  GST_OBJECT_UNLOCK (self);
}

void gst_cache_tee_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCacheTee *self = GST_CACHE_TEE (object);
  switch (id) {
    case cachesettings::prop_num_src_pads:
      g_value_set_int (
          value, static_cast<gint> (self->run.branches.list ()->size ()));
      break;
    case cachesettings::prop_cache_status:
      g_value_set_enum (value, static_cast<gint> (self->run.report.status ()));
      break;
    case cachesettings::prop_last_message: {
      std::string text = self->run.report.last_message ();
      g_value_set_string (value, text.empty () ? nullptr : text.c_str ());
      break;
    }
    case cachesettings::prop_alloc_pad:
      g_value_take_object (value, self->run.branches.alloc_pad ().release ());
      break;
    case cachesettings::prop_stats:
      g_value_take_boxed (value, self->run.report.stats ());
      break;
    default:
      if (!cachesettings::get (*self->run.settings.lock (), id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void gst_cache_tee_finalize (GObject *object)
{
  std::destroy_at (&GST_CACHE_TEE (object)->run);
  G_OBJECT_CLASS (gst_cache_tee_parent_class)->finalize (object);
}

}  // namespace

static void gst_cache_tee_init (GstCacheTee *self)
{
  GstPad *pad = gst_pad_new_from_static_template (&sink_template, "sink");
  std::construct_at (&self->run, GST_ELEMENT (self), pad);
  gst_pad_set_chain_function (pad, GST_DEBUG_FUNCPTR (gst_cache_tee_chain));
  gst_pad_set_chain_list_function (
      pad, GST_DEBUG_FUNCPTR (gst_cache_tee_chain_list));
  gst_pad_set_query_function (
      pad, GST_DEBUG_FUNCPTR (gst_cache_tee_sink_query));
  // With a flow: a source that is refused an event on the way down is not to
  // take it for an error.
  gst_pad_set_event_full_function (
      pad, GST_DEBUG_FUNCPTR (gst_cache_tee_sink_event));
  gst_pad_set_activatemode_function (
      pad, GST_DEBUG_FUNCPTR (gst_cache_tee_sink_activate_mode));
  gst_pad_set_unlink_function (
      pad, GST_DEBUG_FUNCPTR (gst_cache_tee_sink_unlink));
  GST_PAD_SET_PROXY_CAPS (pad);
  gst_element_add_pad (GST_ELEMENT (self), pad);
}

static void gst_cache_tee_class_init (GstCacheTeeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GST_DEBUG_CATEGORY_INIT (
      cachetee_debug, "cachetee", 0, "A tee that keeps what passes");

  object_class->set_property = gst_cache_tee_set_property;
  object_class->get_property = gst_cache_tee_get_property;
  object_class->finalize = gst_cache_tee_finalize;
  cachesettings::install (object_class);

  cachepurge::install (G_TYPE_FROM_CLASS (klass),
      G_CALLBACK (gst_cache_tee_purge),
      G_CALLBACK (gst_cache_tee_purge_prefix));

  element_class->send_event = GST_DEBUG_FUNCPTR (gst_cache_tee_send_event);
  element_class->change_state = GST_DEBUG_FUNCPTR (gst_cache_tee_change_state);
  element_class->request_new_pad =
      GST_DEBUG_FUNCPTR (gst_cache_tee_request_new_pad);
  element_class->release_pad = GST_DEBUG_FUNCPTR (gst_cache_tee_release_pad);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Cache Tee", "Generic",
      "Splits a stream into branches, keeps it in files and serves it from "
      "there the next time",
      RELAY_AUTHOR);
}

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
#include "gstcachebranch.h"
#include "gstcachecontrol.h"
#include "gstcachefan.h"
#include "gstcachefeeder.h"
#include "gstcacheintake.h"
#include "gstcachekey.h"
#include "gstcachelate.h"
#include "gstcachelookup.h"
#include "gstcachepads.h"
#include "gstcacheplayer.h"
#include "gstcachepull.h"
#include "gstcachepurge.h"
#include "gstcacherecorder.h"
#include "gstcachereport.h"
#include "gstcacheresume.h"
#include "gstcacheserver.h"
#include "gstcachesettings.h"
#include "gstcachesupply.h"
#include "gstcachetape.h"
#include "gstcacheworkers.h"
#include "junction.h"

GST_DEBUG_CATEGORY (cachetee_debug);
#define GST_CAT_DEFAULT cachetee_debug

using byteplan::Plan;
using cachebranch::Branch;
using cachebranch::List;
using cachereport::Status;
using cachesettings::Settings;
using junction::Mode;
using relay::Owned;

namespace {

// Each piece has a lock of its own; none is held while another is taken, but
// for GStreamer's object locks.
struct Impl
{
  Impl (GstElement *element, GstPad *sink)
      : sinkpad (sink),
        report (element, recorder),
        lookup (report),
        late (branches, junction, workers, report, switches),
        fan (branches, switches, report, late),
        supply (sink, junction, report),
        player (element, junction, report, supply, switches),
        server (element, sink, junction, report, workers, switches, player),
        resumption (sink, junction, report, server, branches),
        awaiting (sink, settings, lookup, [this] { open (); }),
        intake ({sink, settings, switches, junction, recorder, report, lookup,
            resumption, late, fan, awaiting, tape, supply,
            [this] { play_instead (); }, [this] { feed_instead (); }}),
        puller (sink, settings, junction, lookup, supply, report),
        pads ({element, sink, branches, workers, junction, report, late, server,
            supply, player, puller})
  {
    report.set_extra ([this] (GstStructure *stats) { late.describe (stats); });
  }

  // What was found of a key.
  struct Found
  {
    Plan plan = Plan::pass;
    bool hit = false;
    [[nodiscard]] bool is_supplied () const
    {
      return plan == Plan::serve || plan == Plan::check || plan == Plan::grace;
    }
  };
  Found find ();
  void begin (const Found &found);
  void serve ();
  void open ();
  void play_instead ();
  void feed_instead ();

  // Lives as long as the element.
  GstPad *const sinkpad;
  relay::Guarded<Settings> settings;
  cachesettings::Switches switches;
  cachebranch::Branches branches;
  cacheworkers::Workers workers;
  junction::Junction junction;
  cacherecorder::Recorder recorder;
  cachereport::Report report;
  cachelookup::Lookup lookup;
  cachelate::Late late;
  cachefan::Fan fan;
  cachetape::Tape tape;
  cachesupply::Supply supply;
  cacheplayer::Player player;
  cacheserver::Server server;
  cacheresume::Resumption resumption;
  cachekey::Awaiting awaiting;
  cacheintake::Intake intake;
  cachepull::Puller puller;
  cachepads::Pads pads;
};

// For a run: what is done with what was found.
Impl::Found Impl::find ()
{
  Found found;
  if (lookup.reader () == nullptr && lookup.stream ()) {
    byteplan::Upstream upstream;
    upstream.linked = gst_pad_is_linked (sinkpad);
    upstream.patient = cachefeeder::is_source (sinkpad);
    found.plan = lookup.plan (upstream);
    lookup.tell (found.plan);
  }
  found.hit = lookup.reader () != nullptr || found.is_supplied ();
  // Whether it is one turns out.
  bool is_open = found.plan == Plan::check;
  bool miss = report.status () == Status::miss;
  if (found.hit && !is_open) report.counters.cache_hits++;
  if (miss || lookup.missed ()) report.counters.cache_misses++;
  server.start (lookup.reader (), lookup.memory ());
  return found;
}

void Impl::begin (const Found &found)
{
  bool renews = found.plan == Plan::renew;
  if (found.is_supplied ()) supply.start (*lookup.stream (), found.plan);
  if (!found.hit) late.start (settings.copy ());
  if (found.plan == Plan::record || renews)
    intake.record (lookup.stream (), renews);
}

void Impl::serve ()
{
  bool is_served = junction.mode () != Mode::tee;
  std::shared_ptr<const List> all = branches.list ();
  for (const std::shared_ptr<Branch> &branch : *all) {
    if (is_served)
      server.serve (branch);
    else
      late.serve (branch);
  }
}

// Upstream's thread, which has said what it is going to send.
void Impl::open ()
{
  Found found = find ();
  begin (found);
  if (found.hit) junction.replay ();
  serve ();
}

// Upstream's thread, before it has sent anything.
void Impl::play_instead ()
{
  late.stop ();
  late.clear ();
  if (std::optional<bytestream::Stream> stream = lookup.stream ())
    supply.start (*std::move (stream), byteplan::Plan::serve);
  report.set_status (Status::hit, "shared");
  junction.replay ();
  std::shared_ptr<const List> all = branches.list ();
  for (const std::shared_ptr<Branch> &branch : *all) server.serve (branch);
}

// Upstream's thread, when it is known that what is there is of the past.
void Impl::feed_instead ()
{
  report.counters.cache_misses++;
  report.set_status (Status::miss, "changed");
  intake.record (supply.stream ());
  junction.feed ();
  late.start (settings.copy ());
  std::shared_ptr<const List> all = branches.list ();
  for (const std::shared_ptr<Branch> &branch : *all) late.serve (branch);
}

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);

}  // namespace

struct _GstCacheTee
{
  GstElement parent;
  Impl impl;
};

G_DEFINE_FINAL_TYPE (GstCacheTee, gst_cache_tee, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    cachetee, "cachetee", GST_RANK_NONE, GST_TYPE_CACHE_TEE)

namespace {

// ---- Sink pad --------------------------------------------------------------

GstFlowReturn gst_cache_tee_chain (
    GstPad *, GstObject *parent, GstBuffer *buffer)
{
  return GST_CACHE_TEE (parent)->impl.intake.chain (Owned<GstBuffer> (buffer));
}

GstFlowReturn gst_cache_tee_chain_list (
    GstPad *, GstObject *parent, GstBufferList *list)
{
  return GST_CACHE_TEE (parent)->impl.intake.chain (
      Owned<GstBufferList> (list));
}

GstFlowReturn gst_cache_tee_sink_event (
    GstPad *, GstObject *parent, GstEvent *event)
{
  return GST_CACHE_TEE (parent)->impl.intake.event (Owned<GstEvent> (event));
}

gboolean gst_cache_tee_sink_query (
    GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default (pad, parent, query);
  // On a hit what upstream sends is not for the branches.
  if (self->impl.junction.mode () != Mode::tee) return FALSE;
  return cachealloc::answer (*self->impl.branches.list (),
      self->impl.switches.allow_not_linked, query);
}

gboolean gst_cache_tee_sink_activate_mode (
    GstPad *, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (active && !self->impl.settings.copy ().has_chain) {
    GST_INFO_OBJECT (self, "has-chain is off: no push mode");
    return FALSE;
  }
  // The core takes the stream lock only after this: whoever waits goes.
  self->impl.junction.flush (!active);
  return TRUE;
}

void gst_cache_tee_sink_unlink (GstPad *, GstObject *parent)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  self->impl.junction.unlink ();
  self->impl.supply.unlink ();
}

// ---- Source pads -----------------------------------------------------------

GstPad *gst_cache_tee_request_new_pad (GstElement *element,
    GstPadTemplate *templ, const gchar *wanted, const GstCaps *)
{
  return GST_CACHE_TEE (element)->impl.pads.request (templ, wanted);
}

void gst_cache_tee_release_pad (GstElement *element, GstPad *pad)
{
  GST_CACHE_TEE (element)->impl.pads.release (pad);
}

// ---- States ----------------------------------------------------------------

bool is_served (GstCacheTee *self)
{
  return self->impl.junction.mode () != Mode::tee;
}

void look_up (GstCacheTee *self)
{
  Settings settings = self->impl.settings.copy ();
  bool awaits = !settings.cache_dir.empty () && settings.cache_key.empty () &&
                settings.cache_policy != cachesettings::CachePolicy::off;
  self->impl.awaiting.start (awaits);
  if (awaits)
    settings.cache_dir.clear ();
  else if (!settings.cache_dir.empty ())
    settings.cache_key =
        cachecontrol::key_for (settings.cache_key, self->impl.sinkpad);
  self->impl.lookup.look_up (settings);
}

void start (GstCacheTee *self)
{
  Impl &impl = self->impl;
  impl.report.start ();
  look_up (self);
  impl.resumption.start ();
  impl.intake.start ();
  std::shared_ptr<const List> branches = impl.branches.list ();
  for (const std::shared_ptr<Branch> &branch : *branches) {
    branch->flow = GST_FLOW_OK;
    branch->cursor.open ();
  }
  bool awaits = impl.awaiting.is_on ();
  Impl::Found found;
  if (!awaits) found = impl.find ();
  // From here on it is the streaming thread's, which holds this lock.
  GST_PAD_STREAM_LOCK (impl.sinkpad);
  impl.junction.start (found.hit);
  GST_PAD_STREAM_UNLOCK (impl.sinkpad);
  if (!awaits) impl.begin (found);
  impl.puller.start ();
}

// The pads are active by now.
void serve (GstCacheTee *self)
{
  self->impl.workers.open ();
  self->impl.serve ();
}

// Ends every wait.
void unblock (GstCacheTee *self)
{
  self->impl.intake.let_go ();
  if (is_served (self)) cachefeeder::stop_source (self->impl.sinkpad);
  self->impl.workers.close ();
  self->impl.junction.stop ();
  self->impl.intake.stop ();
  self->impl.tape.stop ();
  self->impl.supply.stop ();
  self->impl.puller.stop ();
  std::shared_ptr<const List> branches = self->impl.branches.list ();
  for (const std::shared_ptr<Branch> &branch : *branches)
    branch->cursor.close ();
  self->impl.late.stop ();
  self->impl.report.drop_recording ("stopped");
}

void stop (GstCacheTee *self)
{
  Impl &impl = self->impl;
  impl.workers.join ();
  impl.late.clear ();
  cacherecorder::Recorder::Closed closed = impl.recorder.close ();
  if (closed.failure) impl.report.warn_store (*closed.failure);
  impl.report.counters.bytes_written += closed.bytes_written;
  impl.report.counters.skipped_slices += closed.skipped_slices;
  cachetape::Tape::Closed kept = impl.tape.close ();
  impl.report.counters.skipped_slices += kept.skipped_slices;
  if (kept.failure) impl.report.warn_store (*kept.failure);
  bool is_filled = impl.supply.clear ();
  if (closed.stored || kept.stored || is_filled)
    impl.report.counters.objects_stored++;
  if (closed.failure) impl.report.counters.objects_dropped++;
  impl.report.forget ();
  impl.lookup.finish ();
  impl.server.stop ();
  impl.resumption.forget ();
  // Who pulls asks before the next run begins.
  if (impl.settings.copy ().pull_mode != cachesettings::PullMode::never)
    look_up (self);
}

void forget (GstCacheTee *self)
{
  self->impl.lookup.forget ();
  self->impl.report.forget ();
}

GstStateChangeReturn gst_cache_tee_change_state (
    GstElement *element, GstStateChange transition)
{
  GstCacheTee *self = GST_CACHE_TEE (element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY)
    look_up (self);
  else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    start (self);
  else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    unblock (self);
  GstStateChangeReturn result = GST_ELEMENT_CLASS (gst_cache_tee_parent_class)
                                    ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    if (result != GST_STATE_CHANGE_FAILURE) {
      serve (self);
    } else {
      unblock (self);
      stop (self);
    }
  } else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    stop (self);
  } else if (transition == GST_STATE_CHANGE_READY_TO_NULL) {
    forget (self);
  }
  return result;
}

// An EOS is sent to all sources of a pipeline, of which this is one when the
// cache is played. Else it comes from upstream, which has got it too.
gboolean gst_cache_tee_send_event (GstElement *element, GstEvent *event)
{
  GstCacheTee *self = GST_CACHE_TEE (element);
  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS ||
      (!is_served (self) && !gst_pad_is_linked (self->impl.sinkpad)))
    return GST_ELEMENT_CLASS (gst_cache_tee_parent_class)
        ->send_event (element, event);
  if (is_served (self)) {
    self->impl.junction.finish ();
    // Who waits for what is missing waits no more.
    self->impl.supply.stop ();
  }
  gst_event_unref (event);
  return TRUE;
}

// ---- Signals ---------------------------------------------------------------

guint purged (GstCacheTee *self, std::size_t objects)
{
  self->impl.report.counters.objects_purged += objects;
  return static_cast<guint> (objects);
}

guint gst_cache_tee_purge (GstCacheTee *self, const gchar *key)
{
  return purged (
      self, cachepurge::purge (self->impl.settings.copy ().cache_dir, key));
}

guint gst_cache_tee_purge_prefix (GstCacheTee *self, const gchar *prefix)
{
  return purged (self,
      cachepurge::purge_prefix (self->impl.settings.copy ().cache_dir, prefix));
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
    if (!self->impl.branches.set_alloc_pad (pad))
      GST_WARNING_OBJECT (self, "alloc-pad is not ours");
    return;
  }
  auto settings = self->impl.settings.lock ();
  if (!cachesettings::set (*settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  self->impl.switches.follow (*settings);
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
          value, static_cast<gint> (self->impl.branches.list ()->size ()));
      break;
    case cachesettings::prop_cache_status:
      g_value_set_enum (value, static_cast<gint> (self->impl.report.status ()));
      break;
    case cachesettings::prop_last_message: {
      std::string text = self->impl.report.last_message ();
      g_value_set_string (value, text.empty () ? nullptr : text.c_str ());
      break;
    }
    case cachesettings::prop_alloc_pad:
      g_value_take_object (value, self->impl.branches.alloc_pad ().release ());
      break;
    case cachesettings::prop_stats:
      g_value_take_boxed (value, self->impl.report.stats ());
      break;
    default:
      if (!cachesettings::get (*self->impl.settings.lock (), id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void gst_cache_tee_finalize (GObject *object)
{
  std::destroy_at (&GST_CACHE_TEE (object)->impl);
  G_OBJECT_CLASS (gst_cache_tee_parent_class)->finalize (object);
}

}  // namespace

static void gst_cache_tee_init (GstCacheTee *self)
{
  GstPad *pad = gst_pad_new_from_static_template (&sink_template, "sink");
  std::construct_at (&self->impl, GST_ELEMENT (self), pad);
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

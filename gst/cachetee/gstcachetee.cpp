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
#include "gstcachelate.h"
#include "gstcachelookup.h"
#include "gstcacheplayer.h"
#include "gstcachequery.h"
#include "gstcacherecorder.h"
#include "gstcachereport.h"
#include "gstcacheresume.h"
#include "gstcacheserver.h"
#include "gstcachesettings.h"
#include "gstcachesupply.h"
#include "gstcachetape.h"
#include "gstcacheworkers.h"
#include "inventory.h"
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
using relay::share;

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
        intake ({sink, settings, switches, junction, recorder, report, lookup,
            resumption, late, fan, tape, supply, [this] { play_instead (); },
            [this] { feed_instead (); }})
  {
    report.set_extra ([this] (GstStructure *stats) { late.describe (stats); });
  }

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
  cacheintake::Intake intake;
};

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

bool is_served (GstCacheTee *self)
{
  return self->impl.junction.mode () != Mode::tee;
}

// A peer has come, here or behind a ghost pad.
void note_link (GstCacheTee *self, GstPad *pad)
{
  std::shared_ptr<Branch> branch = self->impl.branches.find (pad);
  if (branch == nullptr) return;
  branch->flow = GST_FLOW_OK;
  self->impl.junction.link (*branch);
  self->impl.late.serve (branch);
}

void on_linked (GstPad *pad, GstPad *, gpointer data)
{
  note_link (GST_CACHE_TEE (data), pad);
}

// That of a direct peer comes after its link, which was noted then: what has
// failed since has not come back.
void note_reconfigure (GstCacheTee *self, GstPad *pad)
{
  Owned<GstPad> peer{gst_pad_get_peer (pad)};
  std::shared_ptr<Branch> branch = self->impl.branches.find (pad);
  if (peer != nullptr && GST_IS_PROXY_PAD (peer.get ()))
    note_link (self, pad);
  else if (branch != nullptr)
    self->impl.junction.link (*branch);
}

gboolean gst_cache_tee_src_event (
    GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  GstEventType type = GST_EVENT_TYPE (event);
  if (type == GST_EVENT_RECONFIGURE) note_reconfigure (self, pad);
  if (!is_served (self)) {
    bool done = gst_pad_event_default (pad, parent, event);
    if (done && type == GST_EVENT_SEEK)
      self->impl.report.drop_recording ("seek");
    return done;
  }
  // On a hit upstream knows nothing of what the branches see, and has not been
  // asked for anything; in packets there is no seeking.
  bool is_sought = false;
  std::shared_ptr<Branch> branch = self->impl.branches.find (pad);
  if (type == GST_EVENT_SEEK && branch != nullptr && self->impl.supply.is_on ())
    is_sought = self->impl.player.seek (*branch, event);
  gst_event_unref (event);
  if (is_sought) return TRUE;
  return type == GST_EVENT_RECONFIGURE || type == GST_EVENT_QOS ||
         type == GST_EVENT_LATENCY;
}

gboolean gst_cache_tee_src_query (
    GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  if (GST_QUERY_TYPE (query) == GST_QUERY_SCHEDULING) {
    gst_query_set_scheduling (query, GST_SCHEDULING_FLAG_SEQUENTIAL, 1, -1, 0);
    gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
    return TRUE;
  }
  std::shared_ptr<Branch> branch = self->impl.branches.find (pad);
  if (is_served (self) && branch != nullptr && self->impl.supply.is_on () &&
      self->impl.player.answer (*branch, query))
    return TRUE;
  if (is_served (self))
    return cachequery::answer (
        pad, parent, query, self->impl.server.reader ().get ());
  return gst_pad_query_default (pad, parent, query);
}

// From here on the branch gets data; what came before it has as sticky events,
// or from the cache.
void add_branch (GstCacheTee *self, const std::shared_ptr<Branch> &branch)
{
  branch->cursor.open ();
  self->impl.junction.add (branch);
  self->impl.late.add (*branch);
  self->impl.branches.add (branch, self->impl.sinkpad);
  if (!branch->live && !self->impl.late.is_on ())
    self->impl.server.serve (branch);
}

void remove_branch (GstCacheTee *self, GstPad *pad)
{
  // Before it is taken from the list: its result counts no more.
  std::shared_ptr<Branch> branch = self->impl.branches.find (pad);
  if (branch == nullptr) return;
  self->impl.junction.remove (*branch);
  branch->cursor.close ();
  self->impl.branches.remove (pad);
  self->impl.late.remove (*branch);
}

GstPad *gst_cache_tee_request_new_pad (GstElement *element,
    GstPadTemplate *templ, const gchar *wanted, const GstCaps *)
{
  GstCacheTee *self = GST_CACHE_TEE (element);
  self->impl.workers.reap ();
  std::string name = self->impl.branches.name (element, wanted);
  GstPad *raw = gst_pad_new_from_template (templ, name.c_str ());
  Owned<GstPad> pad{GST_PAD (gst_object_ref_sink (raw))};
  gst_pad_set_event_function (
      pad.get (), GST_DEBUG_FUNCPTR (gst_cache_tee_src_event));
  gst_pad_set_query_function (
      pad.get (), GST_DEBUG_FUNCPTR (gst_cache_tee_src_query));
  GST_PAD_SET_PROXY_CAPS (pad.get ());
  g_signal_connect_object (pad.get (), "linked", G_CALLBACK (on_linked), self,
      static_cast<GConnectFlags> (0));
  auto branch = std::make_shared<Branch> (share (pad.get ()));
  // Sticky events are kept by active pads only.
  if (!gst_pad_set_active (pad.get (), TRUE)) return nullptr;
  add_branch (self, branch);
  if (!gst_element_add_pad (element, pad.get ())) {
    remove_branch (self, pad.get ());
    return nullptr;
  }
  g_object_notify (G_OBJECT (self), "num-src-pads");
  // The element holds it.
  return raw;
}

void gst_cache_tee_release_pad (GstElement *element, GstPad *pad)
{
  GstCacheTee *self = GST_CACHE_TEE (element);
  Owned<GstPad> held = share (pad);
  // First, so that its last result does not count.
  remove_branch (self, pad);
  // Before its events are taken away: a push that is under way would go on
  // without them.
  if (Owned<GstPad> peer{gst_pad_get_peer (pad)})
    gst_pad_unlink (pad, peer.get ());
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
  if (self->impl.branches.alloc_pad ().get () == pad) {
    self->impl.branches.set_alloc_pad (nullptr);
    g_object_notify (G_OBJECT (self), "alloc-pad");
  }
  self->impl.workers.reap ();
  g_object_notify (G_OBJECT (self), "num-src-pads");
}

// ---- States ----------------------------------------------------------------

void look_up (GstCacheTee *self)
{
  Settings settings = self->impl.settings.copy ();
  if (!settings.cache_dir.empty ())
    settings.cache_key =
        cachecontrol::key_for (settings.cache_key, self->impl.sinkpad);
  self->impl.lookup.look_up (settings);
}

// Of a byte stream; what there is of packets is served.
Plan find_plan (GstCacheTee *self)
{
  Impl &impl = self->impl;
  if (impl.lookup.reader () != nullptr || !impl.lookup.stream ())
    return Plan::pass;
  byteplan::Upstream upstream;
  upstream.linked = gst_pad_is_linked (impl.sinkpad);
  upstream.patient = cachefeeder::is_source (impl.sinkpad);
  Plan plan = impl.lookup.plan (upstream);
  impl.lookup.tell (plan);
  return plan;
}

void start (GstCacheTee *self)
{
  Impl &impl = self->impl;
  impl.report.start ();
  look_up (self);
  impl.resumption.start ();
  const Plan plan = find_plan (self);
  bool is_supplied =
      plan == Plan::serve || plan == Plan::check || plan == Plan::grace;
  bool hit = impl.lookup.reader () != nullptr || is_supplied;
  bool is_kept = plan == Plan::record || plan == Plan::renew;
  // Whether it is one turns out.
  bool is_open = plan == Plan::check;
  bool miss = impl.report.status () == Status::miss;
  if (hit && !is_open) impl.report.counters.cache_hits++;
  if (miss || impl.lookup.missed ()) impl.report.counters.cache_misses++;
  std::shared_ptr<const List> branches = impl.branches.list ();
  for (const std::shared_ptr<Branch> &branch : *branches) {
    branch->flow = GST_FLOW_OK;
    branch->cursor.open ();
  }
  impl.server.start (impl.lookup.reader (), impl.lookup.memory ());
  // From here on it is the streaming thread's, which holds this lock.
  GST_PAD_STREAM_LOCK (impl.sinkpad);
  impl.junction.start (hit);
  GST_PAD_STREAM_UNLOCK (impl.sinkpad);
  if (is_supplied) impl.supply.start (*impl.lookup.stream (), plan);
  if (!hit) impl.late.start (impl.settings.copy ());
  if (is_kept) impl.intake.record (impl.lookup.stream (), plan == Plan::renew);
}

// The pads are active by now.
void serve (GstCacheTee *self)
{
  self->impl.workers.open ();
  std::shared_ptr<const List> branches = self->impl.branches.list ();
  for (const std::shared_ptr<Branch> &branch : *branches) {
    if (is_served (self))
      self->impl.server.serve (branch);
    else
      self->impl.late.serve (branch);
  }
}

// Ends every wait.
void unblock (GstCacheTee *self)
{
  if (is_served (self)) cachefeeder::stop_source (self->impl.sinkpad);
  self->impl.workers.close ();
  self->impl.junction.stop ();
  self->impl.intake.stop ();
  self->impl.tape.stop ();
  self->impl.supply.stop ();
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
  bool is_filled = impl.supply.clear ();
  if (closed.stored || kept.stored || is_filled)
    impl.report.counters.objects_stored++;
  if (closed.failure) impl.report.counters.objects_dropped++;
  impl.report.forget ();
  impl.lookup.finish ();
  impl.server.stop ();
  impl.resumption.forget ();
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

// ---- Signals ---------------------------------------------------------------

guint purged (GstCacheTee *self, std::size_t objects)
{
  self->impl.report.counters.objects_purged += objects;
  return static_cast<guint> (objects);
}

guint gst_cache_tee_purge (GstCacheTee *self, const gchar *key)
{
  std::string dir = self->impl.settings.copy ().cache_dir;
  if (key == nullptr || !inventory::is_cache (disk::system (), dir)) return 0;
  return purged (self, inventory::purge (disk::system (), dir, key) +
                           inventory::purge_prefix (disk::system (), dir,
                               cachecontrol::credentials_prefix (key)));
}

guint gst_cache_tee_purge_prefix (GstCacheTee *self, const gchar *prefix)
{
  std::string dir = self->impl.settings.copy ().cache_dir;
  if (prefix == nullptr || !inventory::is_cache (disk::system (), dir))
    return 0;
  return purged (self, inventory::purge_prefix (disk::system (), dir, prefix));
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

  constexpr auto action =
      static_cast<GSignalFlags> (static_cast<int> (G_SIGNAL_RUN_LAST) |
                                 static_cast<int> (G_SIGNAL_ACTION));
  /**
   * GstCacheTee::purge:
   * @self: the element
   * @key: a #GstCacheTee:cache-key
   *
   * Removes what the cache has of this key. Who reads it goes on.
   *
   * Returns: how many objects were removed
   *
   * Since: 0.1
   */
  g_signal_new_class_handler ("purge", G_TYPE_FROM_CLASS (klass), action,
      G_CALLBACK (gst_cache_tee_purge), nullptr, nullptr, nullptr, G_TYPE_UINT,
      1, G_TYPE_STRING);
  /**
   * GstCacheTee::purge-prefix:
   * @self: the element
   * @prefix: what their keys begin with; empty: all
   *
   * Removes what the cache has of all keys that begin so.
   *
   * Returns: how many objects were removed
   *
   * Since: 0.1
   */
  g_signal_new_class_handler ("purge-prefix", G_TYPE_FROM_CLASS (klass), action,
      G_CALLBACK (gst_cache_tee_purge_prefix), nullptr, nullptr, nullptr,
      G_TYPE_UINT, 1, G_TYPE_STRING);

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

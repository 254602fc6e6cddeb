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
 * stream ends, with the fields of #GstCacheTee:stats.
 *
 * Since: 0.1
 */
#include "config.h"

#include "gstcachetee.h"

#include <glib/gi18n-lib.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcacheitem.h"
#include "gstcacherecorder.h"
#include "junction.h"
#include "store.h"

GST_DEBUG_CATEGORY_STATIC (cachetee_debug);
#define GST_CAT_DEFAULT cachetee_debug

using cacherecorder::SlowStore;
using junction::Entry;
using junction::Mode;
using relay::MappedBuffer;
using relay::Owned;
using relay::share;

namespace {

enum class Status
{
  none,
  miss,
  hit,
  bypass,
};

struct Settings
{
  bool allow_not_linked = true;
  bool has_chain = true;
  std::string cache_dir;
  std::string cache_key;
  SlowStore on_slow_store = SlowStore::automatic;
};

// A source pad. On a hit it has a thread of its own that plays the object.
struct Branch : junction::Branch
{
  explicit Branch (Owned<GstPad> owned) : pad (std::move (owned)) {}

  const Owned<GstPad> pad;
  // Under State's lock.
  std::thread thread;
  // The thread does nothing more.
  std::atomic<bool> done = false;
};

using Branches = std::vector<std::shared_ptr<Branch>>;

struct State
{
  // Replaced as a whole, so that who pushes need not hold the lock.
  std::shared_ptr<const Branches> branches =
      std::make_shared<const Branches> ();
  // Released with their thread on its way out; joined when one comes or goes
  // after that, and on PAUSED to READY.
  Branches released;
  unsigned next_name = 0;

  // The pads are active and are served from the cache: threads may be started.
  bool serving = false;
  bool stats_posted = false;

  Status status = Status::none;
  std::string reason;
  bool looked_up = false;
  // A fault of the store was told to the user in this run.
  bool warned = false;
  std::shared_ptr<store::Store> store;
  std::shared_ptr<const store::Reader> reader;
  // When upstream has to send again what was served: compares the two.
  std::shared_ptr<store::Prefix> prefix;
  bool rerecorded = false;

  guint32 seqnum = 0;
  guint group_id = 0;

  guint64 cache_hits = 0;
  guint64 cache_misses = 0;
  guint64 bytes_written = 0;
  guint64 objects_stored = 0;
  guint64 objects_dropped = 0;
  guint64 corrupt_slices = 0;
  guint64 store_failures = 0;
};

struct Impl
{
  // None is held while another is taken, but for GStreamer's object locks.
  relay::Guarded<Settings> settings;
  relay::Guarded<State> state;
  junction::Junction junction;
  cacherecorder::Recorder recorder;
  std::atomic<guint64> bytes_received = 0;
  std::atomic<guint64> bytes_from_cache = 0;
  // Lives as long as the element.
  GstPad *sinkpad = nullptr;
};

enum
{
  PROP_0,
  PROP_ALLOW_NOT_LINKED,
  PROP_HAS_CHAIN,
  PROP_NUM_SRC_PADS,
  PROP_CACHE_DIR,
  PROP_CACHE_KEY,
  PROP_ON_SLOW_STORE,
  PROP_CACHE_STATUS,
  PROP_STATS,
  N_PROPS
};

GParamSpec *properties[N_PROPS];

const GEnumValue status_values[] = {
    {static_cast<int> (Status::none), "No cache-dir: a plain tee", "none"},
    {static_cast<int> (Status::miss), "Not in the cache: recorded", "miss"},
    {static_cast<int> (Status::hit), "Served from the cache", "hit"},
    {static_cast<int> (Status::bypass), "Neither served nor recorded",
        "bypass"},
    {0, nullptr, nullptr},
};

const GEnumValue slow_store_values[] = {
    {static_cast<int> (SlowStore::automatic),
        "Skip when upstream is live, otherwise wait", "auto"},
    {static_cast<int> (SlowStore::skip), "Give the recording up", "skip"},
    {static_cast<int> (SlowStore::wait), "Wait, for at most 2 seconds", "wait"},
    {0, nullptr, nullptr},
};

// Once per process, whoever is first.
GType register_enum (const char *name, const GEnumValue *values)
{
  GType type = g_enum_register_static (name, values);
  gst_type_mark_as_plugin_api (type, static_cast<GstPluginAPIFlags> (0));
  return type;
}

GType status_type ()
{
  static const GType type = register_enum ("GstCacheTeeStatus", status_values);
  return type;
}

GType slow_store_type ()
{
  static const GType type =
      register_enum ("GstCacheTeeOnSlowStore", slow_store_values);
  return type;
}

// As GST_EVENT_IS_STICKY, whose two enums clang does not like to see mixed.
bool has_flag (GstEvent *event, GstEventTypeFlags flag)
{
  return (gst_event_type_get_flags (GST_EVENT_TYPE (event)) & flag) != 0;
}

const char *nick_of (Status status)
{
  return status_values[static_cast<std::size_t> (status)].value_nick;
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

// ---- What the application sees -------------------------------------------

GstStructure *make_stats (GstCacheTee *self)
{
  guint64 written = self->impl.recorder.bytes_written ();
  auto state = self->impl.state.lock ();
  written += state->bytes_written;
  return gst_structure_new ("cachetee-stats",              //
      "status", G_TYPE_STRING, nick_of (state->status),    //
      "reason", G_TYPE_STRING, state->reason.c_str (),     //
      "cache-hits", G_TYPE_UINT64, state->cache_hits,      //
      "cache-misses", G_TYPE_UINT64, state->cache_misses,  //
      "bytes-received", G_TYPE_UINT64,
      self->impl.bytes_received.load (),  //
      "bytes-from-cache", G_TYPE_UINT64,
      self->impl.bytes_from_cache.load (),                       //
      "bytes-written", G_TYPE_UINT64, written,                   //
      "objects-stored", G_TYPE_UINT64, state->objects_stored,    //
      "objects-dropped", G_TYPE_UINT64, state->objects_dropped,  //
      "corrupt-slices", G_TYPE_UINT64, state->corrupt_slices,    //
      "store-failures", G_TYPE_UINT64, state->store_failures, nullptr);
}

void post_stats (GstCacheTee *self)
{
  {
    auto state = self->impl.state.lock ();
    if (state->stats_posted) return;
    state->stats_posted = true;
  }
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self), make_stats (self)));
}

void set_status (GstCacheTee *self, Status status, const char *reason)
{
  {
    auto state = self->impl.state.lock ();
    if (state->status == status && state->reason == reason) return;
    state->status = status;
    state->reason = reason;
  }
  GST_INFO_OBJECT (self, "status %s, %s", nick_of (status), reason);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CACHE_STATUS]);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("cachetee-status", "status", G_TYPE_STRING,
              nick_of (status), "reason", G_TYPE_STRING, reason, nullptr)));
}

std::string debug_text (GstCacheTee *self, store::Failure failure)
{
  std::string text = "cache-dir " + self->impl.settings.copy ().cache_dir;
  text += ": ";
  text += store::to_string (failure.code);
  if (failure.position != 0) {
    text += ": ";
    text += g_strerror (static_cast<int> (failure.position));
  }
  return text;
}

// Faults are counted; one in each run is told to the user.
void warn_store (GstCacheTee *self, store::Failure failure)
{
  using store::Error;
  {
    auto state = self->impl.state.lock ();
    state->store_failures++;
    if (std::exchange (state->warned, true)) return;
  }
  std::string debug = debug_text (self, failure);
  const char *text = debug.c_str ();
  switch (failure.code) {
    case Error::no_space:
      GST_ELEMENT_WARNING (self, RESOURCE, NO_SPACE_LEFT,
          (_ ("The cache has no space left; the stream is not kept.")),
          ("%s", text));
      break;
    case Error::cannot_write:
    case Error::too_large:
      GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
          (_ ("The stream could not be written to the cache.")), ("%s", text));
      break;
    case Error::overflow:
      GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
          (_ ("The cache is slower than the stream, which is not kept.")),
          ("%s", text));
      break;
    case Error::cannot_read:
      GST_ELEMENT_WARNING (self, RESOURCE, READ,
          (_ ("The cache could not be read.")), ("%s", text));
      break;
    case Error::key_too_long:
      GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
          (_ ("The cache key is too long.")), ("%s", text));
      break;
    default:
      GST_ELEMENT_WARNING (self, RESOURCE, OPEN_WRITE,
          (_ ("The cache folder cannot be used.")), ("%s", text));
      break;
  }
}

// ---- Recording -----------------------------------------------------------

// Ends the recording for a reason that is not the recorder's.
void drop_recording (GstCacheTee *self, const char *reason)
{
  if (!self->impl.recorder.drop ()) return;
  self->impl.state.lock ()->objects_dropped++;
  set_status (self, Status::bypass, reason);
}

// What the recorder has to say.
void note (GstCacheTee *self, const cacherecorder::Outcome &outcome)
{
  if (!outcome) return;
  self->impl.state.lock ()->objects_dropped++;
  set_status (self, Status::bypass, outcome->reason);
  if (outcome->failure) warn_store (self, *outcome->failure);
}

// ---- Look-up -------------------------------------------------------------

// A folder without a key cannot be served from: what would be asked for?
bool open_store (GstCacheTee *self, const Settings &settings)
{
  if (settings.cache_dir.empty ()) {
    set_status (self, Status::none, "");
    return false;
  }
  if (settings.cache_key.empty ()) {
    set_status (self, Status::bypass, "no cache-key");
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
        (_ ("The cache is not used: it needs a key.")),
        ("cache-dir %s is set and cache-key is not",
            settings.cache_dir.c_str ()));
    return false;
  }
  store::Result<std::shared_ptr<store::Store>> store =
      store::Store::open (settings.cache_dir);
  if (!store) {
    set_status (self, Status::bypass, store::to_string (store.code ()));
    warn_store (self, store.error ());
    return false;
  }
  self->impl.state.lock ()->store = *std::move (store);
  return true;
}

void look_up (GstCacheTee *self)
{
  Settings settings = self->impl.settings.copy ();
  std::shared_ptr<store::Store> store;
  {
    auto state = self->impl.state.lock ();
    if (state->looked_up) return;
    state->looked_up = true;
    state->reader = nullptr;
    // The last of its users waits for its thread: not under the lock.
    store = std::move (state->store);
  }
  store = nullptr;
  if (!open_store (self, settings)) return;
  store = self->impl.state.lock ()->store;
  store::Result<std::shared_ptr<const store::Reader>> reader =
      store->find (settings.cache_key);
  if (reader) {
    self->impl.state.lock ()->reader = *std::move (reader);
    set_status (self, Status::hit, "");
    return;
  }
  set_status (self, Status::miss, store::to_string (reader.code ()));
  if (reader.code () == store::Error::cannot_open ||
      reader.code () == store::Error::cannot_read)
    warn_store (self, reader.error ());
}

void start_recording (GstCacheTee *self)
{
  Settings settings = self->impl.settings.copy ();
  std::shared_ptr<store::Store> store = self->impl.state.lock ()->store;
  store::Result<std::unique_ptr<store::Writer>> writer =
      store->create (settings.cache_key);
  if (!writer) {
    set_status (self, Status::bypass, store::to_string (writer.code ()));
    if (writer.code () != store::Error::busy)
      warn_store (self, writer.error ());
    return;
  }
  self->impl.recorder.start (*std::move (writer), settings.on_slow_store);
}

// ---- Serving from the cache ----------------------------------------------

void send_eos (GstCacheTee *self, Branch &branch)
{
  // Before the EOS: with the last one an application may stop listening.
  if (self->impl.junction.end (branch)) post_stats (self);
  Owned<GstEvent> eos{gst_event_new_eos ()};
  gst_event_set_seqnum (eos.get (), self->impl.state.lock ()->seqnum);
  gst_pad_push_event (branch.pad.get (), eos.release ());
}

// The cache cannot go on, but upstream can send what is missing. False if it
// cannot, because nothing is linked or it is too late for this branch.
bool resume_upstream (
    GstCacheTee *self, const cacheitem::Player &player, store::Failure why)
{
  using Failure = junction::Junction::Failure;
  if (!gst_pad_is_linked (self->impl.sinkpad)) return false;
  Failure failure =
      self->impl.junction.fail (player.index (), player.delivered ());
  if (failure != Failure::first) return failure == Failure::known;
  self->impl.state.lock ()->corrupt_slices++;
  GST_ELEMENT_WARNING (self, RESOURCE, READ,
      (_ ("The cache is damaged; the stream is taken from its source again.")),
      ("record %" G_GSIZE_FORMAT ", %s", player.index (),
          debug_text (self, why).c_str ()));
  return true;
}

void post_damaged (
    GstCacheTee *self, const cacheitem::Player &player, store::Failure why)
{
  self->impl.state.lock ()->corrupt_slices++;
  GST_ELEMENT_ERROR (self, RESOURCE, READ,
      (_ ("The cache is damaged, and the stream cannot be had again.")),
      ("record %" G_GSIZE_FORMAT ", %s", player.index (),
          debug_text (self, why).c_str ()));
}

enum class Played
{
  taken,
  not_linked,
  over,
};

Played play_buffer (GstCacheTee *self, Branch &branch, Owned<GstBuffer> buffer)
{
  gsize size = gst_buffer_get_size (buffer.get ());
  GstFlowReturn flow = gst_pad_push (branch.pad.get (), buffer.release ());
  if (flow == GST_FLOW_OK) {
    self->impl.bytes_from_cache += size;
    return Played::taken;
  }
  if (flow == GST_FLOW_NOT_LINKED) return Played::not_linked;
  // One that is released may fail as it likes.
  if (flow == GST_FLOW_FLUSHING || branch.removed) return Played::over;
  if (flow != GST_FLOW_EOS) GST_ELEMENT_FLOW_ERROR (self, flow);
  send_eos (self, branch);
  return Played::over;
}

// What a branch's thread does. With no peer it waits for another link than
// those it has had; a ghost pad shows only by its result that it has none.
void play (GstCacheTee *self, Branch &branch, cacheitem::Player player)
{
  constexpr unsigned any = ~0U;
  unsigned no_peer = any;
  while (self->impl.junction.may_play (
      branch, player.index (), player.at_boundary (), no_peer)) {
    unsigned links = self->impl.junction.links (branch);
    no_peer = links;
    if (!gst_pad_is_linked (branch.pad.get ())) continue;
    no_peer = any;
    store::Result<cacheitem::Player::Item> item = player.next ();
    if (!item) {
      if (resume_upstream (self, player, item.error ())) continue;
      post_damaged (self, player, item.error ());
      return send_eos (self, branch);
    }
    if (item->event != nullptr) {
      gst_pad_push_event (branch.pad.get (), item->event.release ());
      continue;
    }
    if (item->buffer == nullptr) return send_eos (self, branch);
    Played played = play_buffer (self, branch, std::move (item->buffer));
    if (played == Played::over) return;
    if (played == Played::taken) continue;
    player.again ();
    no_peer = links;
  }
}

void run_branch (GstCacheTee *self, const std::shared_ptr<Branch> &branch)
{
  std::shared_ptr<const store::Reader> reader;
  guint32 seqnum = 0;
  guint group_id = 0;
  {
    auto state = self->impl.state.lock ();
    reader = state->reader;
    seqnum = state->seqnum;
    group_id = state->group_id;
  }
  play (self, *branch, cacheitem::Player (reader, seqnum, group_id));
  // Nobody is to wait for it.
  if (!branch->live) self->impl.junction.end (*branch);
  branch->done = true;
}

void start_branch (GstCacheTee *self, const std::shared_ptr<Branch> &branch)
{
  branch->done = false;
  branch->thread = std::thread (run_branch, self, branch);
}

// GStreamer 1.22: one that is linked while sticky events are pushed on it gets
// some of them. So nothing is pushed where there is no peer, but for a flush:
// it takes an EOS off the pad, which would end the stream for who comes later.
void push_event (GstPad *pad, GstEvent *event)
{
  GstEventType type = GST_EVENT_TYPE (event);
  bool is_flush = type == GST_EVENT_FLUSH_START || type == GST_EVENT_FLUSH_STOP;
  if (is_flush || gst_pad_is_linked (pad))
    gst_pad_push_event (pad, gst_event_ref (event));
  else if (has_flag (event, GST_EVENT_TYPE_STICKY))
    gst_pad_store_sticky_event (pad, event);
}

// ---- Going on from upstream ------------------------------------------------

std::shared_ptr<const Branches> branches_of (GstCacheTee *self)
{
  return self->impl.state.lock ()->branches;
}

// The caps, the segment, ... of upstream, where the branch had others.
void push_new_events (GstCacheTee *self, GstPad *pad)
{
  auto push = [] (GstPad *, GstEvent **event, gpointer data) -> gboolean {
    GstPad *to = GST_PAD (data);
    GstEventType type = GST_EVENT_TYPE (*event);
    if (type == GST_EVENT_EOS) return TRUE;
    Owned<GstEvent> had{gst_pad_get_sticky_event (to, type, 0)};
    // A stream that began does not begin again.
    bool same = had != nullptr && (type == GST_EVENT_STREAM_START ||
                                      cacheitem::is_same (had.get (), *event));
    if (!same) push_event (to, *event);
    return TRUE;
  };
  gst_pad_sticky_events_foreach (self->impl.sinkpad, push, pad);
}

// False if the stream is stopped meanwhile.
bool join_branches (GstCacheTee *self)
{
  if (!self->impl.junction.join ()) return false;
  std::shared_ptr<const Branches> branches = branches_of (self);
  for (const std::shared_ptr<Branch> &branch : *branches)
    if (branch->live) push_new_events (self, branch->pad.get ());
  return true;
}

bool is_resuming (GstCacheTee *self)
{
  return self->impl.junction.mode () == Mode::resume;
}

std::shared_ptr<store::Prefix> prefix_of (GstCacheTee *self)
{
  std::uint64_t size = self->impl.junction.resume_bytes ();
  auto state = self->impl.state.lock ();
  // A flush takes it away, for upstream may go on from another place then.
  if (state->prefix == nullptr)
    state->prefix = std::make_shared<store::Prefix> (state->reader, size);
  return state->prefix;
}

// Wrong bytes are worse than none.
void post_changed (GstCacheTee *self)
{
  drop_recording (self, "changed");
  GST_ELEMENT_ERROR (self, RESOURCE, READ,
      (_ ("The cache is damaged, and the source has other content now.")),
      ("what upstream sends differs from what was served from the cache"));
}

// Leaves out what the branches had from the cache. Null with OK: all of it.
Owned<GstBuffer> leave_out (
    GstCacheTee *self, Owned<GstBuffer> buffer, GstFlowReturn &flow)
{
  std::shared_ptr<store::Prefix> prefix = prefix_of (self);
  bool was_done = prefix->done ();
  std::size_t taken = 0;
  std::size_t left = 0;
  {
    MappedBuffer map (buffer.get (), GST_MAP_READ);
    std::span<const std::uint8_t> bytes = map.bytes ();
    if (!map || !prefix->take (bytes)) {
      post_changed (self);
      flow = GST_FLOW_ERROR;
      return nullptr;
    }
    left = bytes.size ();
    taken = map.bytes ().size () - left;
  }
  flow = GST_FLOW_OK;
  if (left == 0 && !was_done) return nullptr;
  if (!join_branches (self)) {
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

// ---- From upstream to the branches ----------------------------------------

// What comes in place of a damaged object is kept.
void record_again (GstCacheTee *self)
{
  {
    auto state = self->impl.state.lock ();
    if (state->rerecorded) return;
    state->rerecorded = true;
  }
  set_status (self, Status::miss, store::to_string (store::Error::damaged));
  start_recording (self);
}

// Who feeds this pad, behind any ghost pads. Null if nobody does.
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

// Is there nothing but a source upstream, and what passes on what it sends? Its
// thread may be kept waiting. That of a demuxer may not: it feeds other
// branches than ours.
bool is_fed_by_source (GstCacheTee *self)
{
  Owned<GstPad> sink = share (self->impl.sinkpad);
  while (sink != nullptr) {
    Owned<GstPad> feeder = feeder_of (sink.get ());
    if (feeder == nullptr) return true;
    Owned<GstElement> element{gst_pad_get_parent_element (feeder.get ())};
    if (element == nullptr || element->numsinkpads == 0) return true;
    sink = only_sink_of (element.get (), feeder.get ());
  }
  return false;
}

// A source that we kept waiting is told to stop before it goes on: its state is
// changed after ours, and until then it would read. Only a source: what other
// elements do with it concerns branches that are not ours.
void stop_source (GstCacheTee *self)
{
  Owned<GstPad> feeder = feeder_of (self->impl.sinkpad);
  if (feeder == nullptr) return;
  Owned<GstElement> element{gst_pad_get_parent_element (feeder.get ())};
  if (element != nullptr && !GST_IS_BIN (element.get ()) &&
      GST_OBJECT_FLAG_IS_SET (element.get (), GST_ELEMENT_FLAG_SOURCE))
    gst_pad_push_event (self->impl.sinkpad, gst_event_new_flush_start ());
}

// As long as the cache is served upstream waits here, in its STREAM_START: it
// has been asked for nothing yet.
Entry admit (GstCacheTee *self)
{
  junction::Junction &junction = self->impl.junction;
  // Nobody tells us when the element there is stopped alone, which waits for
  // this thread.
  auto is_stopped = [self] {
    Owned<GstPad> feeder = feeder_of (self->impl.sinkpad);
    return feeder != nullptr && GST_PAD_IS_FLUSHING (feeder.get ());
  };
  bool may_wait = junction.mode () != Mode::replay || is_fed_by_source (self);
  Entry entry = may_wait ? junction.admit (is_stopped) : junction.pass_by ();
  if (entry == Entry::over) stop_source (self);
  if (entry == Entry::pass && is_resuming (self)) record_again (self);
  return entry;
}

// For what does not pass.
GstFlowReturn flow_of (Entry entry)
{
  if (entry == Entry::drop) return GST_FLOW_OK;
  return entry == Entry::over ? GST_FLOW_EOS : GST_FLOW_FLUSHING;
}

// To each branch by reference. As tee: one that is not linked does not count,
// and any other result but OK goes upstream at once.
template <class T, class Push>
GstFlowReturn distribute (GstCacheTee *self, Owned<T> item, Push push)
{
  std::shared_ptr<const Branches> branches = branches_of (self);
  GstFlowReturn result = self->impl.settings.lock ()->allow_not_linked
                             ? GST_FLOW_OK
                             : GST_FLOW_NOT_LINKED;
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

void take_in (GstCacheTee *self, GstBuffer *buffer)
{
  self->impl.bytes_received += gst_buffer_get_size (buffer);
  note (self, self->impl.recorder.buffer (self->impl.sinkpad, buffer));
}

// What goes upstream. A source that is told to stop sends an EOS, which is not
// the end of what it has.
GstFlowReturn answer (GstCacheTee *self, GstFlowReturn flow)
{
  if (flow != GST_FLOW_OK)
    note (self, self->impl.recorder.cut (self->impl.sinkpad));
  return flow;
}

GstFlowReturn gst_cache_tee_chain (GstPad *, GstObject *parent, GstBuffer *raw)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  Owned<GstBuffer> buffer{raw};
  Entry entry = admit (self);
  if (entry != Entry::pass) return flow_of (entry);
  take_in (self, raw);
  GstFlowReturn flow = GST_FLOW_OK;
  if (is_resuming (self)) buffer = leave_out (self, std::move (buffer), flow);
  if (buffer == nullptr) return answer (self, flow);
  return answer (self, distribute (self, std::move (buffer), gst_pad_push));
}

GstFlowReturn gst_cache_tee_chain_list (
    GstPad *pad, GstObject *parent, GstBufferList *raw)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  Owned<GstBufferList> list{raw};
  guint length = gst_buffer_list_length (list.get ());
  Entry entry = admit (self);
  if (entry != Entry::pass) return flow_of (entry);
  GstFlowReturn flow = GST_FLOW_OK;
  if (is_resuming (self)) {
    for (guint i = 0; i < length && flow == GST_FLOW_OK; i++)
      flow = gst_cache_tee_chain (
          pad, parent, share (gst_buffer_list_get (list.get (), i)).release ());
    return flow;
  }
  for (guint i = 0; i < length; i++)
    take_in (self, gst_buffer_list_get (list.get (), i));
  return answer (self, distribute (self, std::move (list), gst_pad_push_list));
}

// Every branch gets it exactly once: a new one has it from the sink pad, or is
// among these, or both; then it is the same event, which is not pushed again.
void forward_event (GstCacheTee *self, Owned<GstEvent> event)
{
  // On resume the branches had it, or get it when they are joined.
  bool keep_back =
      is_resuming (self) && has_flag (event.get (), GST_EVENT_TYPE_SERIALIZED);
  // Not under the lock: new caps are notified.
  if (has_flag (event.get (), GST_EVENT_TYPE_STICKY))
    gst_pad_store_sticky_event (self->impl.sinkpad, event.get ());
  if (keep_back) return;
  std::shared_ptr<const Branches> branches = branches_of (self);
  for (const std::shared_ptr<Branch> &branch : *branches)
    if (branch->live) push_event (branch->pad.get (), event.get ());
}

// Where there is no buffer to be compared.
GstFlowReturn resume_at_event (GstCacheTee *self, GstEvent *event)
{
  bool is_eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  if (!is_eos && GST_EVENT_TYPE (event) != GST_EVENT_GAP) return GST_FLOW_OK;
  if (prefix_of (self)->done ())
    return join_branches (self) ? GST_FLOW_OK : GST_FLOW_FLUSHING;
  if (!is_eos) return GST_FLOW_OK;
  post_changed (self);
  return GST_FLOW_ERROR;
}

GstFlowReturn take_serialized_event (GstCacheTee *self, GstEvent *event)
{
  Entry entry = admit (self);
  if (entry != Entry::pass) return flow_of (entry);
  note (self, self->impl.recorder.event (self->impl.sinkpad, event));
  if (is_resuming (self)) {
    GstFlowReturn flow = resume_at_event (self, event);
    if (flow != GST_FLOW_OK) return flow;
  }
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS) {
    note (self, self->impl.recorder.end (self->impl.sinkpad));
    post_stats (self);
  }
  return GST_FLOW_OK;
}

// True if the branches are to see it: on a hit they are not upstream's.
bool flush (GstCacheTee *self, bool starts)
{
  self->impl.junction.flush (starts);
  self->impl.state.lock ()->prefix = nullptr;
  if (starts) drop_recording (self, "flush");
  return self->impl.junction.mode () == Mode::tee;
}

GstFlowReturn gst_cache_tee_sink_event (
    GstPad *, GstObject *parent, GstEvent *raw)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  Owned<GstEvent> event{raw};
  GstEventType type = GST_EVENT_TYPE (raw);
  if (type == GST_EVENT_FLUSH_START || type == GST_EVENT_FLUSH_STOP) {
    if (!flush (self, type == GST_EVENT_FLUSH_START)) return GST_FLOW_OK;
  } else if (has_flag (raw, GST_EVENT_TYPE_SERIALIZED)) {
    GstFlowReturn flow = take_serialized_event (self, raw);
    if (flow != GST_FLOW_OK) return flow;
  }
  forward_event (self, std::move (event));
  return GST_FLOW_OK;
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
}

// ---- Source pads -----------------------------------------------------------

bool is_served (GstCacheTee *self)
{
  return self->impl.junction.mode () != Mode::tee;
}

std::shared_ptr<Branch> find_branch (GstCacheTee *self, GstPad *pad)
{
  std::shared_ptr<const Branches> branches = branches_of (self);
  for (const std::shared_ptr<Branch> &branch : *branches)
    if (branch->pad.get () == pad) return branch;
  return nullptr;
}

// A peer has come, here or behind a ghost pad.
void note_link (GstCacheTee *self, GstPad *pad)
{
  std::shared_ptr<Branch> branch = find_branch (self, pad);
  if (branch != nullptr) self->impl.junction.link (*branch);
}

void on_linked (GstPad *pad, GstPad *, gpointer data)
{
  note_link (GST_CACHE_TEE (data), pad);
}

gboolean gst_cache_tee_src_event (
    GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCacheTee *self = GST_CACHE_TEE (parent);
  GstEventType type = GST_EVENT_TYPE (event);
  if (type == GST_EVENT_RECONFIGURE) note_link (self, pad);
  if (!is_served (self)) {
    bool done = gst_pad_event_default (pad, parent, event);
    if (done && type == GST_EVENT_SEEK) drop_recording (self, "seek");
    return done;
  }
  // On a hit upstream knows nothing of what the branches see, and has not been
  // asked for anything; there is no seeking in what is served.
  gst_event_unref (event);
  return type == GST_EVENT_RECONFIGURE || type == GST_EVENT_QOS ||
         type == GST_EVENT_LATENCY;
}

bool answer_duration (GstCacheTee *self, GstPad *pad, GstQuery *query)
{
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_duration (query, &format, nullptr);
  Owned<GstEvent> event{gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0)};
  std::shared_ptr<const store::Reader> reader =
      self->impl.state.lock ()->reader;
  if (event == nullptr || reader == nullptr) return false;
  const GstSegment *segment = nullptr;
  gst_event_parse_segment (event.get (), &segment);
  if (segment->format != format) return false;
  guint64 duration = segment->duration;
  if (format == GST_FORMAT_BYTES) duration = reader->index ().bytes;
  if (duration == GST_CLOCK_TIME_NONE) return false;
  gst_query_set_duration (query, format, static_cast<gint64> (duration));
  return true;
}

bool answer_caps (GstPad *pad, GstQuery *query)
{
  GstCaps *filter = nullptr;
  gst_query_parse_caps (query, &filter);
  Owned<GstCaps> caps{gst_pad_get_current_caps (pad)};
  if (caps == nullptr) caps.reset (gst_caps_new_any ());
  if (filter != nullptr)
    caps.reset (gst_caps_intersect_full (
        filter, caps.get (), GST_CAPS_INTERSECT_FIRST));
  gst_query_set_caps_result (query, caps.get ());
  return true;
}

// On a hit: what is true of the cache. Never SEEKING upstream: souphttpsrc
// would ask its server, and then fail.
gboolean answer_query (
    GstCacheTee *self, GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstFormat format = GST_FORMAT_UNDEFINED;
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_DURATION:
      return answer_duration (self, pad, query);
    case GST_QUERY_CAPS:
      return answer_caps (pad, query);
    case GST_QUERY_SEEKING:
      gst_query_parse_seeking (query, &format, nullptr, nullptr, nullptr);
      gst_query_set_seeking (query, format, FALSE, 0, -1);
      return TRUE;
    case GST_QUERY_LATENCY:
      gst_query_set_latency (query, FALSE, 0, GST_CLOCK_TIME_NONE);
      return TRUE;
    case GST_QUERY_URI:
    case GST_QUERY_CONTEXT:
    case GST_QUERY_CUSTOM:
      return gst_pad_query_default (pad, parent, query);
    default:
      return FALSE;
  }
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
  if (is_served (self)) return answer_query (self, pad, parent, query);
  return gst_pad_query_default (pad, parent, query);
}

gboolean store_sticky (GstPad *, GstEvent **event, gpointer data)
{
  gst_pad_store_sticky_event (GST_PAD (data), *event);
  return TRUE;
}

std::string pad_name (GstCacheTee *self, const gchar *wanted)
{
  if (wanted != nullptr) return wanted;
  while (true) {
    std::string name =
        "src_" + std::to_string (self->impl.state.lock ()->next_name++);
    Owned<GstPad> taken{
        gst_element_get_static_pad (GST_ELEMENT (self), name.c_str ())};
    if (taken == nullptr) return name;
  }
}

// Threads of released branches that have ended, so that they do not pile up
// while the stream runs. No wait: this may be called by one of them.
void reap_threads (GstCacheTee *self)
{
  std::vector<std::thread> ended;
  {
    auto state = self->impl.state.lock ();
    std::erase_if (
        state->released, [&] (const std::shared_ptr<Branch> &branch) {
          if (!branch->done) return false;
          ended.push_back (std::move (branch->thread));
          return true;
        });
  }
  for (std::thread &thread : ended) thread.join ();
}

// From here on the branch gets data; what came before it has as sticky events,
// or from the cache.
void add_branch (GstCacheTee *self, const std::shared_ptr<Branch> &branch)
{
  self->impl.junction.add (branch);
  auto state = self->impl.state.lock ();
  auto branches = std::make_shared<Branches> (*state->branches);
  branches->push_back (branch);
  state->branches = std::move (branches);
  if (branch->live)
    gst_pad_sticky_events_foreach (
        self->impl.sinkpad, store_sticky, branch->pad.get ());
  else if (state->serving)
    start_branch (self, branch);
}

void remove_branch (GstCacheTee *self, GstPad *pad)
{
  std::shared_ptr<Branch> branch = find_branch (self, pad);
  if (branch == nullptr) return;
  self->impl.junction.remove (*branch);
  auto state = self->impl.state.lock ();
  auto branches = std::make_shared<Branches> (*state->branches);
  std::erase (*branches, branch);
  state->branches = std::move (branches);
  if (branch->thread.joinable ()) state->released.push_back (branch);
}

GstPad *gst_cache_tee_request_new_pad (GstElement *element,
    GstPadTemplate *templ, const gchar *wanted, const GstCaps *)
{
  GstCacheTee *self = GST_CACHE_TEE (element);
  reap_threads (self);
  std::string name = pad_name (self, wanted);
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
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NUM_SRC_PADS]);
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
  reap_threads (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NUM_SRC_PADS]);
}

// ---- States ----------------------------------------------------------------

void start (GstCacheTee *self)
{
  look_up (self);
  bool hit = false;
  bool miss = false;
  {
    auto state = self->impl.state.lock ();
    state->stats_posted = false;
    state->rerecorded = false;
    state->seqnum = gst_util_seqnum_next ();
    state->group_id = gst_util_group_id_next ();
    hit = state->reader != nullptr;
    miss = state->status == Status::miss;
    if (hit) state->cache_hits++;
    if (miss) state->cache_misses++;
  }
  self->impl.junction.start (hit);
  if (miss) start_recording (self);
}

// The pads are active by now.
void serve (GstCacheTee *self)
{
  if (!is_served (self)) return;
  auto state = self->impl.state.lock ();
  state->serving = true;
  for (const std::shared_ptr<Branch> &branch : *state->branches)
    if (!branch->thread.joinable ()) start_branch (self, branch);
}

// Ends every wait.
void unblock (GstCacheTee *self)
{
  if (is_served (self)) stop_source (self);
  self->impl.state.lock ()->serving = false;
  self->impl.junction.stop ();
  drop_recording (self, "stopped");
}

// Each is taken by who joins it: a branch may be released meanwhile.
void join_threads (GstCacheTee *self)
{
  std::vector<std::thread> threads;
  {
    auto state = self->impl.state.lock ();
    auto take = [&] (const std::shared_ptr<Branch> &branch) {
      if (branch->thread.joinable ())
        threads.push_back (std::move (branch->thread));
    };
    for (const std::shared_ptr<Branch> &branch : *state->branches)
      take (branch);
    for (const std::shared_ptr<Branch> &branch : state->released) take (branch);
    state->released.clear ();
  }
  for (std::thread &thread : threads) thread.join ();
}

void stop (GstCacheTee *self)
{
  join_threads (self);
  cacherecorder::Recorder::Closed closed = self->impl.recorder.close ();
  if (closed.failure) warn_store (self, *closed.failure);
  {
    auto state = self->impl.state.lock ();
    state->looked_up = false;
    state->reader = nullptr;
    state->prefix = nullptr;
    state->warned = false;
    state->bytes_written += closed.bytes_written;
    if (closed.stored) state->objects_stored++;
    if (closed.failure) state->objects_dropped++;
  }
}

void forget (GstCacheTee *self)
{
  std::shared_ptr<store::Store> store;
  auto state = self->impl.state.lock ();
  store = std::move (state->store);
  state->reader = nullptr;
  state->looked_up = false;
  state->warned = false;
  state.unlock ();
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

// ---- Object ----------------------------------------------------------------

std::string string_of (const GValue *value)
{
  const gchar *text = g_value_get_string (value);
  return text != nullptr ? text : "";
}

void gst_cache_tee_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstCacheTee *self = GST_CACHE_TEE (object);
  if ((pspec->flags & GST_PARAM_MUTABLE_READY) != 0 &&
      GST_STATE (self) > GST_STATE_READY) {
    GST_WARNING_OBJECT (self, "%s cannot be set now", pspec->name);
    return;
  }
  bool look_up_again = false;
  {
    auto settings = self->impl.settings.lock ();
    switch (id) {
      case PROP_ALLOW_NOT_LINKED:
        settings->allow_not_linked = g_value_get_boolean (value);
        break;
      case PROP_HAS_CHAIN:
        settings->has_chain = g_value_get_boolean (value);
        break;
      case PROP_CACHE_DIR:
        settings->cache_dir = string_of (value);
        look_up_again = true;
        break;
      case PROP_CACHE_KEY:
        settings->cache_key = string_of (value);
        look_up_again = true;
        break;
      case PROP_ON_SLOW_STORE:
        settings->on_slow_store =
            static_cast<SlowStore> (g_value_get_enum (value));
        break;
      default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
  }
  if (!look_up_again) return;
  // On READY to PAUSED, if one was made in READY already.
  self->impl.state.lock ()->looked_up = false;
}

void gst_cache_tee_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstCacheTee *self = GST_CACHE_TEE (object);
  Settings settings = self->impl.settings.copy ();
  switch (id) {
    case PROP_ALLOW_NOT_LINKED:
      g_value_set_boolean (value, settings.allow_not_linked);
      break;
    case PROP_HAS_CHAIN:
      g_value_set_boolean (value, settings.has_chain);
      break;
    case PROP_NUM_SRC_PADS:
      g_value_set_int (value,
          static_cast<gint> (self->impl.state.lock ()->branches->size ()));
      break;
    case PROP_CACHE_DIR:
      g_value_set_string (value,
          settings.cache_dir.empty () ? nullptr : settings.cache_dir.c_str ());
      break;
    case PROP_CACHE_KEY:
      g_value_set_string (value,
          settings.cache_key.empty () ? nullptr : settings.cache_key.c_str ());
      break;
    case PROP_ON_SLOW_STORE:
      g_value_set_enum (value, static_cast<gint> (settings.on_slow_store));
      break;
    case PROP_CACHE_STATUS:
      g_value_set_enum (
          value, static_cast<gint> (self->impl.state.lock ()->status));
      break;
    case PROP_STATS:
      g_value_take_boxed (value, make_stats (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

void gst_cache_tee_finalize (GObject *object)
{
  std::destroy_at (&GST_CACHE_TEE (object)->impl);
  G_OBJECT_CLASS (gst_cache_tee_parent_class)->finalize (object);
}

GParamFlags flags (GParamFlags access, int mutability)
{
  return static_cast<GParamFlags> (
      access | static_cast<GParamFlags> (mutability) | G_PARAM_STATIC_STRINGS);
}

void install_tee_properties ()
{
  const Settings defaults{};
  /**
   * GstCacheTee:allow-not-linked:
   *
   * Go on when no branch is linked. Other than in #GstTee this is the default,
   * so that branches can come later.
   *
   * Since: 0.1
   */
  properties[PROP_ALLOW_NOT_LINKED] =
      g_param_spec_boolean ("allow-not-linked", "Allow not linked",
          "Go on when no source pad is linked", defaults.allow_not_linked,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstCacheTee:has-chain:
   *
   * As in #GstTee: without it the sink pad refuses to be activated.
   *
   * Since: 0.1
   */
  properties[PROP_HAS_CHAIN] = g_param_spec_boolean ("has-chain", "Has chain",
      "If the element can operate in push mode", defaults.has_chain,
      flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY));
  /**
   * GstCacheTee:num-src-pads:
   *
   * How many source pads there are.
   *
   * Since: 0.1
   */
  properties[PROP_NUM_SRC_PADS] = g_param_spec_int ("num-src-pads",
      "Number of source pads", "The number of source pads", 0, G_MAXINT, 0,
      flags (G_PARAM_READABLE, 0));
}

void install_cache_properties ()
{
  const Settings defaults{};
  /**
   * GstCacheTee:cache-dir:
   *
   * The folder of the cache, made with mode 0700 if it is not there. Elements
   * and processes may share it. Without it nothing is kept.
   *
   * Since: 0.1
   */
  properties[PROP_CACHE_DIR] = g_param_spec_string ("cache-dir", "Cache folder",
      "Folder that the stream is kept in (NULL = not kept)", nullptr,
      flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY));
  /**
   * GstCacheTee:cache-key:
   *
   * The name of the stream in the cache, up to 65480 bytes. What has the same
   * key is taken for the same stream. It is written into the cache as it is:
   * leave secrets out of it.
   *
   * Since: 0.1
   */
  properties[PROP_CACHE_KEY] = g_param_spec_string ("cache-key", "Cache key",
      "Name of the stream in the cache, at most 65480 bytes (NULL = the cache "
      "is not used)",
      nullptr, flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY));
  /**
   * GstCacheTee:on-slow-store:
   *
   * What happens when the disk cannot keep up and the queue of 16 MiB is full.
   *
   * Since: 0.1
   */
  properties[PROP_ON_SLOW_STORE] = g_param_spec_enum ("on-slow-store",
      "On slow store",
      "When the disk cannot keep up: give the recording up, or let the stream "
      "wait",
      slow_store_type (), static_cast<gint> (defaults.on_slow_store),
      flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY));
  /**
   * GstCacheTee:cache-status:
   *
   * How this run stands to the cache. Known from READY on.
   *
   * Since: 0.1
   */
  properties[PROP_CACHE_STATUS] = g_param_spec_enum ("cache-status",
      "Cache status", "How this run stands to the cache", status_type (),
      static_cast<gint> (Status::none), flags (G_PARAM_READABLE, 0));
  /**
   * GstCacheTee:stats:
   *
   * Counters over the life of the element; the fields are in the element's
   * page.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] =
      g_param_spec_boxed ("stats", "Statistics", "Counters of the element",
          GST_TYPE_STRUCTURE, flags (G_PARAM_READABLE, 0));
}

}  // namespace

static void gst_cache_tee_init (GstCacheTee *self)
{
  std::construct_at (&self->impl);
  GstPad *pad = gst_pad_new_from_static_template (&sink_template, "sink");
  self->impl.sinkpad = pad;
  gst_pad_set_chain_function (pad, GST_DEBUG_FUNCPTR (gst_cache_tee_chain));
  gst_pad_set_chain_list_function (
      pad, GST_DEBUG_FUNCPTR (gst_cache_tee_chain_list));
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
  install_tee_properties ();
  install_cache_properties ();
  g_object_class_install_properties (object_class, N_PROPS, properties);

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

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachereport.h"

#include "config.h"

#include <glib/gi18n-lib.h>

#include <utility>

#include "common/gstpp.h"

GST_DEBUG_CATEGORY_EXTERN (cachetee_debug);
#define GST_CAT_DEFAULT cachetee_debug

namespace cachereport {

const GEnumValue status_values[] = {
    {static_cast<int> (Status::none), "No cache-dir: a plain tee", "none"},
    {static_cast<int> (Status::miss), "Not in the cache: recorded", "miss"},
    {static_cast<int> (Status::hit), "Served from the cache", "hit"},
    {static_cast<int> (Status::bypass), "Neither served nor recorded",
        "bypass"},
    {static_cast<int> (Status::partial),
        "Served from the cache, what is missing is fetched", "partial"},
    {static_cast<int> (Status::stale), "Too old: upstream is asked", "stale"},
    {static_cast<int> (Status::revalidated),
        "Served from the cache, as upstream said", "revalidated"},
    {0, nullptr, nullptr},
};

namespace {

using relay::Owned;

const char *nick_of (Status status)
{
  return status_values[static_cast<std::size_t> (status)].value_nick;
}

}  // namespace

void Report::set_folder (const std::string &folder)
{
  state_.lock ()->folder = folder;
}

void Report::start ()
{
  counters.runs++;
  auto state = state_.lock ();
  state->stats_posted = false;
  state->is_incomplete = false;
  state->begin = std::chrono::steady_clock::now ();
  ttfb_ns_ = 0;
  pushed_ = false;
}

void Report::first_push ()
{
  auto now = std::chrono::steady_clock::now ();
  auto state = state_.lock ();
  if (pushed_.exchange (true)) return;
  ttfb_ns_ = static_cast<guint64> (
      std::chrono::nanoseconds (now - state->begin).count ());
}

void Report::set_levels (const std::shared_ptr<store::Store> &store,
    const std::shared_ptr<const slices::Share> &memory)
{
  auto state = state_.lock ();
  state->store = store;
  state->memory = memory;
}

void Report::looked_up (std::chrono::nanoseconds duration)
{
  counters.lookups++;
  counters.lookup_ns += static_cast<guint64> (duration.count ());
}

void Report::forget ()
{
  state_.lock ()->warned = false;
}

Status Report::status ()
{
  return state_.lock ()->status;
}

void Report::set_status (Status status, const char *reason)
{
  {
    auto state = state_.lock ();
    if (state->status == status && state->reason == reason) return;
    state->status = status;
    state->reason = reason;
  }
  GST_INFO_OBJECT (element_, "status %s, %s", nick_of (status), reason);
  g_object_notify (G_OBJECT (element_), "cache-status");
  gst_element_post_message (element_,
      gst_message_new_element (GST_OBJECT (element_),
          gst_structure_new ("cachetee-status", "status", G_TYPE_STRING,
              nick_of (status), "reason", G_TYPE_STRING, reason, nullptr)));
}

void Report::drop_recording (const char *reason)
{
  if (!recorder_.drop ()) return;
  counters.objects_dropped++;
  set_status (Status::bypass, reason);
}

void Report::note (const cacherecorder::Outcome &outcome)
{
  if (!outcome) return;
  if (outcome->reason != nullptr) {
    counters.objects_dropped++;
    set_status (Status::bypass, outcome->reason);
  }
  if (outcome->failure) warn_store (*outcome->failure);
}

std::string Report::debug_text (store::Failure failure)
{
  std::string text = "cache-dir " + state_.lock ()->folder;
  text += ": ";
  text += store::to_string (failure.code);
  if (failure.position != 0) {
    text += ": ";
    text += g_strerror (static_cast<int> (failure.position));
  }
  return text;
}

void Report::no_key ()
{
  set_status (Status::bypass, "no cache-key");
  std::string folder = state_.lock ()->folder;
  GST_ELEMENT_WARNING (element_, RESOURCE, SETTINGS,
      (_ ("The cache is not used: it needs a key.")),
      ("cache-dir %s is set and cache-key is not", folder.c_str ()));
}

void Report::warn_store (store::Failure failure)
{
  using store::Error;
  counters.store_failures++;
  if (std::exchange (state_.lock ()->warned, true)) return;
  std::string debug = debug_text (failure);
  const char *text = debug.c_str ();
  switch (failure.code) {
    case Error::no_space:
      GST_ELEMENT_WARNING (element_, RESOURCE, NO_SPACE_LEFT,
          (_ ("The cache has no space left; the stream is not kept.")),
          ("%s", text));
      break;
    case Error::cannot_write:
    case Error::too_large:
      GST_ELEMENT_WARNING (element_, RESOURCE, WRITE,
          (_ ("The stream could not be written to the cache.")), ("%s", text));
      break;
    case Error::overflow:
      GST_ELEMENT_WARNING (element_, RESOURCE, WRITE,
          (_ ("The cache is slower than the stream, which is not kept.")),
          ("%s", text));
      break;
    case Error::cannot_read:
      GST_ELEMENT_WARNING (element_, RESOURCE, READ,
          (_ ("The cache could not be read.")), ("%s", text));
      break;
    case Error::key_too_long:
      GST_ELEMENT_WARNING (element_, RESOURCE, SETTINGS,
          (_ ("The cache key is too long.")), ("%s", text));
      break;
    default:
      GST_ELEMENT_WARNING (element_, RESOURCE, OPEN_WRITE,
          (_ ("The cache folder cannot be used.")), ("%s", text));
      break;
  }
}

void Report::resumed (std::size_t record, store::Failure why)
{
  counters.corrupt_slices++;
  counters.cache_partial_hits++;
  GST_ELEMENT_WARNING (element_, RESOURCE, READ,
      (_ ("The cache is damaged; the stream is taken from its source again.")),
      ("record %" G_GSIZE_FORMAT ", %s", record, debug_text (why).c_str ()));
}

void Report::damaged (std::size_t record, store::Failure why)
{
  counters.corrupt_slices++;
  GST_ELEMENT_ERROR (element_, RESOURCE, READ,
      (_ ("The cache is damaged, and the stream cannot be had again.")),
      ("record %" G_GSIZE_FORMAT ", %s", record, debug_text (why).c_str ()));
}

void Report::damaged_slice ()
{
  if (std::exchange (state_.lock ()->warned, true)) return;
  std::string folder = state_.lock ()->folder;
  GST_ELEMENT_WARNING (element_, RESOURCE, READ,
      (_ ("The cache is damaged; the stream is taken from its source again.")),
      ("cache-dir %s: a slice", folder.c_str ()));
}

void Report::changed ()
{
  drop_recording ("changed");
  GST_ELEMENT_ERROR (element_, RESOURCE, READ,
      (_ ("The cache is damaged, and the source has other content now.")),
      ("what upstream sends differs from what was served from the cache"));
}

// What was served cannot be compared with what upstream sends.
void Report::unreadable (store::Failure why)
{
  drop_recording (store::to_string (why.code));
  GST_ELEMENT_ERROR (element_, RESOURCE, READ,
      (_ ("The cache cannot be read any more, and the stream cannot go on.")),
      ("%s", debug_text (why).c_str ()));
}

void Report::incomplete (guint64 offset, bool changed)
{
  if (std::exchange (state_.lock ()->is_incomplete, true)) return;
  const char *text =
      changed ? _ ("The source has other content now than what was served from "
                   "the cache.")
              : _ ("A part of the stream is missing in the cache, and cannot "
                   "be had from the source.");
  GST_ELEMENT_ERROR (element_, RESOURCE, READ, ("%s", text),
      ("no bytes at %" G_GUINT64_FORMAT, offset));
}

void Report::isolated (GstPad *pad, GstFlowReturn flow)
{
  counters.branches_isolated++;
  Owned<gchar> name{gst_pad_get_name (pad)};
  GST_WARNING_OBJECT (pad, "left out, %s", gst_flow_get_name (flow));
  gst_element_post_message (
      element_, gst_message_new_element (GST_OBJECT (element_),
                    gst_structure_new ("cachetee-branch", "pad", G_TYPE_STRING,
                        name.get (), "flow", G_TYPE_STRING,
                        gst_flow_get_name (flow), nullptr)));
}

void Report::set_last_message (gchar *text)
{
  Owned<gchar> owned{text};
  state_.lock ()->last_message = text;
  g_object_notify (G_OBJECT (element_), "last-message");
}

void Report::tell (GstPad *pad, GstBuffer *buffer)
{
  set_last_message (
      g_strdup_printf ("chain        ******* (%s:%s)t (%" G_GSIZE_FORMAT
                       " bytes, %" G_GUINT64_FORMAT ") %p",
          GST_DEBUG_PAD_NAME (pad), gst_buffer_get_size (buffer),
          GST_BUFFER_PTS (buffer), static_cast<void *> (buffer)));
}

void Report::tell (GstPad *pad, GstBufferList *list)
{
  set_last_message (g_strdup_printf ("chain-list   ******* (%s:%s)t %p",
      GST_DEBUG_PAD_NAME (pad), static_cast<void *> (list)));
}

std::string Report::last_message ()
{
  return state_.lock ()->last_message;
}

// Of the two levels: that of the process, and that of the folder.
void Report::add_levels (GstStructure *stats)
{
  std::shared_ptr<store::Store> store;
  std::shared_ptr<const slices::Share> memory;
  {
    auto state = state_.lock ();
    store = state->store.lock ();
    memory = state->memory.lock ();
  }
  slices::Stats l1;
  if (memory != nullptr) l1 = memory->memory ().stats ();
  store::Level l2;
  if (store != nullptr) l2 = store->level ();
  gst_structure_set (stats,  //
      "l1-bytes", G_TYPE_UINT64, guint64{l1.bytes}, "l1-slices", G_TYPE_UINT64,
      guint64{l1.slices}, "l1-evictions", G_TYPE_UINT64, guint64{l1.evictions},
      "l2-bytes", G_TYPE_UINT64, guint64{l2.bytes}, "l2-objects", G_TYPE_UINT64,
      guint64{l2.objects}, "l2-evictions", G_TYPE_UINT64, guint64{l2.evictions},
      "l2-full", G_TYPE_BOOLEAN, gboolean{l2.full}, nullptr);
}

GstStructure *Report::stats ()
{
  struct Field
  {
    const char *name;
    guint64 value;
  };
  const Field fields[] = {
      {"runs", counters.runs},
      {"cache-hits", counters.cache_hits},
      {"cache-partial-hits", counters.cache_partial_hits},
      {"cache-misses", counters.cache_misses},
      {"revalidations", counters.revalidations},
      {"holes-fetched", counters.holes_fetched},
      {"lookups", counters.lookups},
      {"lookup-ns", counters.lookup_ns},
      {"ttfb-ns", ttfb_ns_},
      {"bytes-received", counters.bytes_received},
      {"bytes-sent", counters.bytes_sent},
      {"bytes-from-cache", counters.bytes_from_cache},
      {"bytes-from-l1", counters.bytes_from_l1},
      {"bytes-from-l2", counters.bytes_from_l2},
      {"bytes-written", counters.bytes_written + recorder_.bytes_written ()},
      {"objects-stored", counters.objects_stored},
      {"objects-dropped", counters.objects_dropped},
      {"objects-purged", counters.objects_purged},
      {"skipped-slices", counters.skipped_slices + recorder_.skipped_slices ()},
      {"corrupt-slices", counters.corrupt_slices},
      {"store-failures", counters.store_failures},
      {"branches-isolated", counters.branches_isolated},
      {"branches-lapped", counters.branches_lapped},
  };
  std::string status;
  std::string reason;
  {
    auto state = state_.lock ();
    status = nick_of (state->status);
    reason = state->reason;
  }
  GstStructure *stats =
      gst_structure_new ("cachetee-stats", "status", G_TYPE_STRING,
          status.c_str (), "reason", G_TYPE_STRING, reason.c_str (), nullptr);
  for (const Field &field : fields)
    gst_structure_set (stats, field.name, G_TYPE_UINT64, field.value, nullptr);
  add_levels (stats);
  if (extra_) extra_ (stats);
  return stats;
}

void Report::post_stats ()
{
  if (std::exchange (state_.lock ()->stats_posted, true)) return;
  gst_element_post_message (
      element_, gst_message_new_element (GST_OBJECT (element_), stats ()));
}

}  // namespace cachereport

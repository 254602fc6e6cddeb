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
  state_.lock ()->stats_posted = false;
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
  counters.objects_dropped++;
  set_status (Status::bypass, outcome->reason);
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

void Report::changed ()
{
  drop_recording ("changed");
  GST_ELEMENT_ERROR (element_, RESOURCE, READ,
      (_ ("The cache is damaged, and the source has other content now.")),
      ("what upstream sends differs from what was served from the cache"));
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

GstStructure *Report::stats ()
{
  guint64 written = counters.bytes_written + recorder_.bytes_written ();
  auto state = state_.lock ();
  return gst_structure_new ("cachetee-stats",            //
      "status", G_TYPE_STRING, nick_of (state->status),  //
      "reason", G_TYPE_STRING, state->reason.c_str (),   //
      "cache-hits", G_TYPE_UINT64, counters.cache_hits.load (), "cache-misses",
      G_TYPE_UINT64, counters.cache_misses.load (), "bytes-received",
      G_TYPE_UINT64, counters.bytes_received.load (), "bytes-from-cache",
      G_TYPE_UINT64, counters.bytes_from_cache.load (), "bytes-written",
      G_TYPE_UINT64, written, "objects-stored", G_TYPE_UINT64,
      counters.objects_stored.load (), "objects-dropped", G_TYPE_UINT64,
      counters.objects_dropped.load (), "corrupt-slices", G_TYPE_UINT64,
      counters.corrupt_slices.load (), "store-failures", G_TYPE_UINT64,
      counters.store_failures.load (), "branches-isolated", G_TYPE_UINT64,
      counters.branches_isolated.load (), "branches-lapped", G_TYPE_UINT64,
      counters.branches_lapped.load (), nullptr);
}

void Report::post_stats ()
{
  if (std::exchange (state_.lock ()->stats_posted, true)) return;
  gst_element_post_message (
      element_, gst_message_new_element (GST_OBJECT (element_), stats ()));
}

}  // namespace cachereport

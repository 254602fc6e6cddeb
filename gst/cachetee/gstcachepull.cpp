// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachepull.h"

#include <algorithm>
#include <stop_token>
#include <utility>

#include "gstcachefeeder.h"
#include "gstcacheitem.h"

namespace cachepull {

using bytestream::Found;
using bytestream::Place;
using bytestream::unknown;
using cachebranch::Branch;
using relay::Owned;

void Puller::start ()
{
  state_.lock ()->running = true;
  changed_.notify_all ();
}

void Puller::stop ()
{
  state_.lock ()->running = false;
}

// What can be pulled, if there is anything.
std::optional<bytestream::Stream> Puller::stream ()
{
  if (settings_.copy ().pull_mode == cachesettings::PullMode::never)
    return std::nullopt;
  if (state_.lock ()->running && !supply_.is_on ()) return std::nullopt;
  std::optional<bytestream::Stream> stream = lookup_.stream ();
  if (lookup_.reader () != nullptr || !stream) return std::nullopt;
  byteplan::Upstream upstream;
  upstream.linked = gst_pad_is_linked (sinkpad_);
  upstream.patient = cachefeeder::is_source (sinkpad_);
  if (lookup_.plan (upstream) != byteplan::Plan::serve) return std::nullopt;
  bytestream::Status status = stream->status ();
  bool is_to_be_had = status.complete || (upstream.linked && upstream.patient);
  if (status.total == unknown || !is_to_be_had) return std::nullopt;
  return stream;
}

void Puller::schedule (GstQuery *query)
{
  std::optional<bytestream::Stream> stream = this->stream ();
  if (!stream) {
    gst_query_set_scheduling (query, GST_SCHEDULING_FLAG_SEQUENTIAL, 1, -1, 0);
    gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
    return;
  }
  GstSchedulingFlags flags = GST_SCHEDULING_FLAG_SEEKABLE;
  if (!stream->status ().complete)
    flags = static_cast<GstSchedulingFlags> (
        static_cast<guint> (flags) |
        static_cast<guint> (GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED));
  gst_query_set_scheduling (query, flags, 1, -1, 0);
  gst_query_add_scheduling_mode (query, GST_PAD_MODE_PULL);
  gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
}

// Of one that may pull before the run begins: then upstream would be asked.
bool Puller::answer (Branch &branch, GstQuery *query)
{
  std::optional<bytestream::Stream> stream = lookup_.stream ();
  if (!branch.pulls || !stream) return false;
  GstFormat format = GST_FORMAT_UNDEFINED;
  auto total = static_cast<gint64> (stream->status ().total);
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_DURATION:
      gst_query_parse_duration (query, &format, nullptr);
      if (format != GST_FORMAT_BYTES || total < 0) return false;
      gst_query_set_duration (query, format, total);
      return true;
    case GST_QUERY_SEEKING:
      gst_query_parse_seeking (query, &format, nullptr, nullptr, nullptr);
      gst_query_set_seeking (
          query, format, format == GST_FORMAT_BYTES, 0, total);
      return true;
    default:
      return false;
  }
}

bool Puller::activate (Branch &branch, bool active)
{
  if (!active) {
    branch.pulls = false;
    std::stop_source stop = branch.pull_stop.copy ();
    stop.request_stop ();
    return true;
  }
  if (!stream ()) return false;
  branch.reader = {};
  *branch.pull_stop.lock () = std::stop_source ();
  branch.pulls = true;
  return true;
}

// Downstream is started first, and may pull at once.
bool Puller::await_run (const std::stop_token &stop)
{
  std::stop_callback wake (stop, [this] {
    state_.lock ()->changes++;
    changed_.notify_all ();
  });
  auto state = state_.lock ();
  state.wait (changed_,
      [&] (const State &s) { return s.running || stop.stop_requested (); });
  bool is_running = state->running;
  // The end of the callback waits for a call of it, which takes the lock.
  state.unlock ();
  return is_running && !stop.stop_requested ();
}

Found Puller::find (Branch &branch, std::uint64_t offset, std::size_t limit,
    const std::stop_token &stop)
{
  if (!await_run (stop)) return {Place::stopped, {}, {}, false};
  if (!supply_.is_on ()) return {Place::hole, {}, {}, false};
  return supply_.get (branch.reader, offset, limit, stop);
}

void Puller::count (const Found &found)
{
  std::size_t size = found.chunk.bytes.size ();
  report_.counters.bytes_from_cache += size;
  report_.counters.bytes_sent += size;
  (found.from_disk ? report_.counters.bytes_from_l2
                   : report_.counters.bytes_from_l1) += size;
}

// Held by the core: the pad's stream lock.
GstFlowReturn Puller::get_range (
    Branch &branch, guint64 offset, guint length, GstBuffer **buffer)
{
  std::stop_token stop = branch.pull_stop.lock ()->get_token ();
  if (offset == GST_BUFFER_OFFSET_NONE) offset = branch.cursor.position;
  Owned<GstBuffer> out{gst_buffer_new ()};
  std::uint64_t at = offset;
  const std::uint64_t end = offset + length;
  while (at < end && !junction_.is_finished ()) {
    Found found = find (branch, at, static_cast<std::size_t> (end - at), stop);
    if (found.place == Place::stopped) return GST_FLOW_FLUSHING;
    if (found.place == Place::end) break;
    if (found.place != Place::bytes) {
      report_.incomplete (at, supply_.is_another (branch.reader));
      return GST_FLOW_ERROR;
    }
    branch.reader.begun = true;
    count (found);
    at += found.chunk.bytes.size ();
    gst_buffer_append_memory (
        out.get (), cacheitem::wrap (std::move (found.chunk)).release ());
  }
  if (at == offset && length > 0) return GST_FLOW_EOS;
  report_.pushes ();
  branch.cursor.position = at;
  GST_BUFFER_OFFSET (out.get ()) = offset;
  GST_BUFFER_OFFSET_END (out.get ()) = at;
  if (*buffer == nullptr) {
    *buffer = out.release ();
    return GST_FLOW_OK;
  }
  // Into one of the caller's.
  GstMapInfo info = GST_MAP_INFO_INIT;
  if (!gst_buffer_map (out.get (), &info, GST_MAP_READ)) return GST_FLOW_ERROR;
  gst_buffer_fill (*buffer, 0, info.data, info.size);
  gst_buffer_set_size (*buffer, static_cast<gssize> (info.size));
  gst_buffer_unmap (out.get (), &info);
  return GST_FLOW_OK;
}

}  // namespace cachepull

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcencmp4.h"

#include "config.h"

#include <glib/gi18n-lib.h>

#include <utility>
#include <variant>

#include "common/gstpp.h"
#include "gstcenc.h"

namespace gstcencmp4 {

using relay::MappedBuffer;
using relay::Owned;

namespace {

GstFlowReturn push_piece (
    GstPad *srcpad, Owned<GstBuffer> buffer, const starts::Piece &piece)
{
  GST_BUFFER_OFFSET (buffer.get ()) = piece.position;
  GST_BUFFER_OFFSET_END (buffer.get ()) = piece.position + piece.size;
  GST_BUFFER_PTS (buffer.get ()) = piece.start.pts;
  GST_BUFFER_DTS (buffer.get ()) = piece.start.dts;
  GST_BUFFER_DURATION (buffer.get ()) = piece.start.duration;
  GST_BUFFER_FLAG_SET (buffer.get (), piece.start.flags);
  return gst_pad_push (srcpad, buffer.release ());
}

}  // namespace

void Counters::add (const mp4::Counters &now, const mp4::Counters &before)
{
  samples.fragments += now.fragments - before.fragments;
  samples.samples_decrypted += now.samples_decrypted - before.samples_decrypted;
  samples.samples_clear += now.samples_clear - before.samples_clear;
  samples.samples_without_key +=
      now.samples_without_key - before.samples_without_key;
  samples.bytes_decrypted += now.bytes_decrypted - before.bytes_decrypted;
  samples.auxiliary_wrong += now.auxiliary_wrong - before.auxiliary_wrong;
}

GstStructure *stats_structure (const Counters &counters)
{
  const mp4::Counters &samples = counters.samples;
  return gst_structure_new ("cencmp4decrypt-stats", "samples", G_TYPE_UINT64,
      static_cast<guint64> (samples.samples_decrypted + samples.samples_clear +
                            samples.samples_without_key),
      "samples-decrypted", G_TYPE_UINT64,
      static_cast<guint64> (samples.samples_decrypted), "samples-clear",
      G_TYPE_UINT64, static_cast<guint64> (samples.samples_clear),
      "samples-without-key", G_TYPE_UINT64,
      static_cast<guint64> (samples.samples_without_key), "fragments",
      G_TYPE_UINT64, static_cast<guint64> (samples.fragments), "bytes",
      G_TYPE_UINT64, counters.bytes, "bytes-decrypted", G_TYPE_UINT64,
      static_cast<guint64> (samples.bytes_decrypted), "boxes-cut",
      G_TYPE_UINT64, counters.boxes_cut, "auxiliary-wrong", G_TYPE_UINT64,
      static_cast<guint64> (samples.auxiliary_wrong), nullptr);
}

void post_error (GstElement *element, const relay::Failure<mp4::Error> &failure)
{
  const char *reason = mp4::to_string (failure.code);
  if (std::holds_alternative<cenc::Error> (failure.code)) {
    GST_ELEMENT_ERROR (element, STREAM, DECRYPT,
        (_ ("A sample of this stream cannot be decrypted.")),
        ("byte %" G_GSIZE_FORMAT ": %s", failure.position, reason));
    return;
  }
  bmff::Error error = std::get<bmff::Error> (failure.code);
  if (bmff::is_unsupported (error))
    GST_ELEMENT_ERROR (element, STREAM, DECRYPT,
        (_ ("This file is encrypted or built in a way that is not supported.")),
        ("byte %" G_GSIZE_FORMAT ": %s", failure.position, reason));
  else if (error == bmff::Error::no_box_here)
    GST_ELEMENT_ERROR (element, STREAM, WRONG_TYPE,
        (_ ("This is no MP4 stream.")),
        ("byte %" G_GSIZE_FORMAT ": %s", failure.position, reason));
  else
    GST_ELEMENT_ERROR (element, STREAM, DEMUX,
        (_ ("This MP4 file is damaged.")),
        ("byte %" G_GSIZE_FORMAT ": %s", failure.position, reason));
}

Owned<GstBuffer> wrap (std::vector<std::uint8_t> bytes)
{
  if (bytes.empty ()) return nullptr;
  auto *owner = new std::vector<std::uint8_t> (std::move (bytes));
  return Owned<GstBuffer> (gst_buffer_new_wrapped_full (
      static_cast<GstMemoryFlags> (0), owner->data (), owner->size (), 0,
      owner->size (), owner, [] (gpointer data) {
        delete static_cast<std::vector<std::uint8_t> *> (data);
      }));
}

namespace {

// A range of a buffer that has one memory, without all else that it has. So
// who is behind may write into it.
Owned<GstBuffer> cut_out (Owned<GstBuffer> buffer, gsize from, gsize to)
{
  if (from == to) return nullptr;
  GstMemory *memory = gst_buffer_get_memory (buffer.get (), 0);
  buffer.reset ();
  gst_memory_resize (memory, static_cast<gssize> (from), to - from);
  Owned<GstBuffer> out{gst_buffer_new ()};
  gst_buffer_append_memory (out.get (), memory);
  return out;
}

}  // namespace

Rewritten rewrite (
    mp4::Rewriter &rewriter, Owned<GstBuffer> in, mp4::Rewriter::Tail tail)
{
  Rewritten out;
  gsize size = gst_buffer_get_size (in.get ());
  Owned<GstBuffer> place;
  if (!gstcenc::is_writable (in.get ()))
    place.reset (gst_buffer_new_allocate (nullptr, size, nullptr));
  mp4::Rewriter::Left left;
  {
    MappedBuffer from (in.get (), place ? GST_MAP_READ : GST_MAP_READWRITE);
    std::optional<MappedBuffer> to;
    if (place) to.emplace (place.get (), GST_MAP_WRITE);
    if (!from || (to && !*to)) return out;
    out.is_mapped = true;
    mp4::Result<relay::Done> pushed = rewriter.push (
        from.bytes (), to ? to->writable () : from.writable (), left, tail);
    if (!pushed) out.failure = pushed.error ();
  }
  out.taken = left.taken;
  if (out.failure)
    out.rest.reset (gst_buffer_copy_region (in.get (),
        static_cast<GstBufferCopyFlags> (
            GST_BUFFER_COPY_MEMORY | GST_BUFFER_COPY_DEEP),
        left.taken, size - left.taken));
  out.held_size = left.held.size ();
  out.held = wrap (std::move (left.held));
  out.bytes = cut_out (std::move (place ? place : in), left.from, left.to);
  return out;
}

GstFlowReturn push (GstPad *srcpad, starts::Starts &starts,
    std::uint64_t position, Owned<GstBuffer> bytes)
{
  std::vector<starts::Piece> pieces =
      starts.cut (position, gst_buffer_get_size (bytes.get ()));
  // Passed on as it is, so that who is behind may write into it.
  if (pieces.size () == 1)
    return push_piece (srcpad, std::move (bytes), pieces.front ());
  for (const starts::Piece &piece : pieces) {
    Owned<GstBuffer> buffer{
        gst_buffer_copy_region (bytes.get (), GST_BUFFER_COPY_MEMORY,
            static_cast<gsize> (piece.position - position), piece.size)};
    GstFlowReturn flow = push_piece (srcpad, std::move (buffer), piece);
    if (flow != GST_FLOW_OK) return flow;
  }
  return GST_FLOW_OK;
}

void push_stream_start (GstElement *element, GstPad *srcpad)
{
  Owned<gchar> id{gst_pad_create_stream_id (srcpad, element, nullptr)};
  GstEvent *event = gst_event_new_stream_start (id.get ());
  gst_event_set_group_id (event, gst_util_group_id_next ());
  gst_pad_push_event (srcpad, event);
}

void push_bytes_segment (GstPad *srcpad)
{
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_pad_push_event (srcpad, gst_event_new_segment (&segment));
}

bool answer (GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_SCHEDULING) {
    gst_query_set_scheduling (query, GST_SCHEDULING_FLAG_SEQUENTIAL, 1, -1, 0);
    gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
    return true;
  }
  if (GST_QUERY_TYPE (query) != GST_QUERY_SEEKING) return false;
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_seeking (query, &format, nullptr, nullptr, nullptr);
  if (format != GST_FORMAT_BYTES) return false;
  gst_query_set_seeking (query, format, FALSE, 0, -1);
  return true;
}

bool can_pull (GstPad *sinkpad)
{
  Owned<GstQuery> query{gst_query_new_scheduling ()};
  return gst_pad_peer_query (sinkpad, query.get ()) != FALSE &&
         gst_query_has_scheduling_mode_with_flags (query.get (),
             GST_PAD_MODE_PULL, GST_SCHEDULING_FLAG_SEEKABLE) != FALSE;
}

}  // namespace gstcencmp4

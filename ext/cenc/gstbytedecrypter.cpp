// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstbytedecrypter.h"

#include "config.h"

#include <glib/gi18n-lib.h>

#include <utility>

#include "gstcenc.h"

using mp4::Rewriter;
using relay::Owned;

namespace {

GstPad *sink_of (GstElement *element)
{
  return GST_PAD (element->sinkpads->data);
}

GstPad *src_of (GstElement *element)
{
  return GST_PAD (element->srcpads->data);
}

}  // namespace

void ByteDecrypter::reset ()
{
  state_ = {};
  state_.rewriter = Rewriter (
      nullptr, [this] (const keys::KeyId &kid) { return supply.find (kid); });
}

void ByteDecrypter::set_segment (const GstSegment &segment)
{
  state_.format = segment.format;
  state_.starts.set_has_times (segment.format == GST_FORMAT_TIME);
  state_.segment_start = segment.start;
}

// The movie stays: after a seek init segments need not come again.
void ByteDecrypter::begin_anew ()
{
  state_.rewriter.restart (0);
  state_.starts.clear ();
  state_.is_fresh = true;
  state_.failed = false;
}

void ByteDecrypter::end_stream ()
{
  if (!state_.failed) end_resource ();
  // What comes after it is another resource.
  state_.is_fresh = true;
  gstcenc::post_stats (
      element_, gstcencmp4::stats_structure (counters.copy ()));
}

void ByteDecrypter::count (gsize bytes)
{
  const mp4::Counters &now = state_.rewriter.counters ();
  if (now.auxiliary_wrong > state_.counted.auxiliary_wrong)
    GST_WARNING_OBJECT (element_,
        "senc, saiz or saio is wrong, before byte %" G_GUINT64_FORMAT,
        static_cast<guint64> (state_.rewriter.received ()));
  auto ours = counters.lock ();
  ours->add (now, state_.counted);
  ours->bytes += bytes;
  state_.counted = now;
}

// Is this where the bytes so far end? OFFSET begins anew in each resource.
bool ByteDecrypter::goes_on (GstBuffer *buffer) const
{
  if (state_.is_fresh) return false;
  if (GST_BUFFER_OFFSET_IS_VALID (buffer))
    return GST_BUFFER_OFFSET (buffer) == state_.rewriter.received ();
  return !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
}

void ByteDecrypter::begin_resource (GstBuffer *buffer)
{
  std::uint64_t position = 0;
  if (GST_BUFFER_OFFSET_IS_VALID (buffer))
    position = GST_BUFFER_OFFSET (buffer);
  else if (state_.is_fresh && state_.format == GST_FORMAT_BYTES)
    position = state_.segment_start;
  GST_DEBUG_OBJECT (element_, "resource from byte %" G_GUINT64_FORMAT,
      static_cast<guint64> (position));
  state_.rewriter.restart (position);
  state_.starts.begin ();
  state_.is_fresh = false;
  state_.is_unwanted = false;
}

// The resource ends or breaks off here. What is held of a box that is not
// whole can only be dropped, but for zeros that are none.
void ByteDecrypter::end_resource ()
{
  if (state_.is_fresh) return;
  std::uint64_t position = state_.rewriter.position ();
  // What the flow is, the next push will tell as well.
  push (position, gstcencmp4::wrap (state_.rewriter.finish ()));
  if (state_.rewriter.at_boundary ()) return;
  state_.starts.cut_off ();
  // Then the source stopped where it was told to.
  if (state_.is_unwanted) return;
  counters.lock ()->boxes_cut++;
  GST_ELEMENT_WARNING (element_, STREAM, DEMUX,
      (_ ("The MP4 stream breaks off; its last sample is lost.")),
      ("byte %" G_GUINT64_FORMAT ": the stream ends in the middle of a box",
          static_cast<guint64> (state_.rewriter.received ())));
}

GstFlowReturn ByteDecrypter::push (
    std::uint64_t position, Owned<GstBuffer> bytes)
{
  if (!bytes) return GST_FLOW_OK;
  return gstcencmp4::push (
      src_of (element_), state_.starts, position, std::move (bytes));
}

// Nobody has the key.
GstFlowReturn ByteDecrypter::without_key (
    const keys::KeyId &kid, OnMissingKey policy)
{
  if (policy == OnMissingKey::drop || policy == OnMissingKey::pass) {
    bool is_drop = policy == OnMissingKey::drop;
    state_.rewriter.do_without (
        kid, is_drop ? Rewriter::WithoutKey::wipe : Rewriter::WithoutKey::pass);
    gstcenc::warn_no_key (element_, kid, is_drop);
    return GST_FLOW_OK;
  }
  state_.failed = true;
  gstcenc::post_no_key (element_, kid);
  return GST_FLOW_ERROR;
}

// From whom can be asked, once for each key id. The rewriter finds it then.
GstFlowReturn ByteDecrypter::find_key (const keys::KeyId &kid)
{
  const Settings now = settings.copy ();
  std::optional<keys::Secret> key = supply.ask (
      {element_, sink_of (element_), nullptr, state_.rewriter.psshs ()}, kid);
  if (!key && now.on_missing_key == OnMissingKey::wait) {
    using Waited = gstcenc::KeySupply::Waited;
    Waited waited = supply.wait (kid, now.key_timeout);
    if (waited == Waited::flushing) return GST_FLOW_FLUSHING;
    if (waited == Waited::found) key = supply.find (kid);
  }
  return key ? GST_FLOW_OK : without_key (kid, now.on_missing_key);
}

GstFlowReturn ByteDecrypter::process (Owned<GstBuffer> in, Rewriter::Tail tail)
{
  // Told once; what still comes is not passed.
  if (state_.failed) return GST_FLOW_ERROR;
  if (!goes_on (in.get ())) {
    end_resource ();
    begin_resource (in.get ());
  }
  state_.starts.add (state_.rewriter.received (),
      {GST_BUFFER_PTS (in.get ()), GST_BUFFER_DTS (in.get ()),
          GST_BUFFER_DURATION (in.get ()), GST_BUFFER_FLAGS (in.get ())});
  if (std::uint64_t version = supply.version ();
      version != state_.keys_version) {
    state_.keys_version = version;
    state_.rewriter.forget_keys ();
  }
  while (true) {
    std::uint64_t position = state_.rewriter.position ();
    gstcencmp4::Rewritten out =
        gstcencmp4::rewrite (state_.rewriter, std::move (in), tail);
    if (!out.is_mapped) {
      state_.failed = true;
      GST_ELEMENT_ERROR (
          element_, RESOURCE, READ, (nullptr), ("a buffer cannot be mapped"));
      return GST_FLOW_ERROR;
    }
    count (out.taken);
    std::uint64_t second = position + out.held_size;
    GstFlowReturn flow = push (position, std::move (out.held));
    if (flow == GST_FLOW_OK) flow = push (second, std::move (out.bytes));
    if (flow == GST_FLOW_EOS) state_.is_unwanted = true;
    if (!out.failure || flow == GST_FLOW_FLUSHING) return flow;
    if (out.failure->code != mp4::Error (cenc::Error::no_key)) {
      state_.failed = true;
      gstcencmp4::post_error (element_, *out.failure);
      return GST_FLOW_ERROR;
    }
    // What came before has left; what comes after waits.
    if (flow == GST_FLOW_OK) flow = find_key (*state_.rewriter.missing_key ());
    if (flow != GST_FLOW_OK) return flow;
    in = std::move (out.rest);
  }
}

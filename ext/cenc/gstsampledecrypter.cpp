// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstsampledecrypter.h"

#include "config.h"

#include <glib/gi18n-lib.h>

#include "gstcenc.h"

using relay::MappedBuffer;
using relay::Owned;

GType gst_cenc_on_missing_meta_get_type ()
{
  static const GEnumValue values[] = {
      {static_cast<gint> (OnMissingMeta::pass),
          "Pass the sample as a clear one", "pass"},
      {static_cast<gint> (OnMissingMeta::drop), "Drop the sample", "drop"},
      {static_cast<gint> (OnMissingMeta::error), "An error", "error"},
      {0, nullptr, nullptr},
  };
  static const GType type =
      g_enum_register_static ("GstCencOnMissingMeta", values);
  return type;
}

namespace {

GstPad *sink_of (GstElement *element)
{
  return GST_PAD (element->sinkpads->data);
}

Owned<GstBuffer> without_meta (Owned<GstBuffer> buffer)
{
  Owned<GstBuffer> out{gst_buffer_make_writable (buffer.release ())};
  if (GstProtectionMeta *meta = gst_buffer_get_protection_meta (out.get ()))
    gst_buffer_remove_meta (out.get (), &meta->meta);
  return out;
}

// In place where the sample is writable, or else in one pass into new memory.
// Null when there is no memory or it cannot be mapped.
Owned<GstBuffer> decrypt_buffer (cenc::Decryptor &decryptor,
    const cenc::Sample &sample, Owned<GstBuffer> in,
    cenc::Result<relay::Done> &done)
{
  if (gstcenc::is_writable (in.get ())) {
    MappedBuffer map (in.get (), GST_MAP_READWRITE);
    if (!map) return nullptr;
    done = decryptor.decrypt (sample, map.bytes (), map.writable ());
    return in;
  }
  Owned<GstBuffer> out{gst_buffer_new_allocate (
      nullptr, gst_buffer_get_size (in.get ()), nullptr)};
  if (!out) return nullptr;
  gst_buffer_copy_into (out.get (), in.get (), GST_BUFFER_COPY_METADATA, 0,
      static_cast<gsize> (-1));
  MappedBuffer from (in.get (), GST_MAP_READ);
  MappedBuffer to (out.get (), GST_MAP_WRITE);
  if (!from || !to) return nullptr;
  done = decryptor.decrypt (sample, from.bytes (), to.writable ());
  return out;
}

}  // namespace

GstFlowReturn SampleDecrypter::fail (const char *reason, GstClockTime pts)
{
  state_.failed = true;
  GST_ELEMENT_ERROR (element_, STREAM, DECRYPT,
      (_ ("A sample of this stream cannot be decrypted.")),
      ("sample at %" GST_TIME_FORMAT ": %s", GST_TIME_ARGS (pts), reason));
  return GST_FLOW_ERROR;
}

// To a demuxer that does not understand a file its samples look clear.
void SampleDecrypter::tell_without_meta (OnMissingMeta policy)
{
  if (policy == OnMissingMeta::error) {
    state_.failed = true;
    GST_ELEMENT_ERROR (element_, STREAM, DECRYPT,
        (_ ("This file is encrypted or built in a way that is not supported.")),
        ("no protection meta; put cencmp4decrypt in front of the demuxer"));
    return;
  }
  if (state_.told_without_meta) return;
  state_.told_without_meta = true;
  if (policy == OnMissingMeta::drop)
    GST_ELEMENT_WARNING (element_, STREAM, DECRYPT,
        (_ ("Samples of this encrypted stream are dropped.")),
        ("no protection meta: a clear lead, or a file that the demuxer does "
         "not understand; then put cencmp4decrypt in front of the demuxer"));
  else
    GST_ELEMENT_WARNING (element_, STREAM, DECRYPT,
        (_ ("Samples of this encrypted stream are passed as clear.")),
        ("no protection meta: a clear lead, or a file that the demuxer does "
         "not understand; then put cencmp4decrypt in front of the demuxer"));
}

// A lead is followed by something. What is nothing else up to its end must not
// pass for a success: most likely it is ciphertext.
void SampleDecrypter::end_stream ()
{
  if (state_.failed || !state_.has_unmarked || state_.has_marked) return;
  state_.failed = true;
  GST_ELEMENT_ERROR (element_, STREAM, DECRYPT,
      (_ ("This file is encrypted or built in a way that is not supported.")),
      ("no sample of the stream had protection meta of its own; put "
       "cencmp4decrypt in front of the demuxer"));
}

// Nobody has the key.
GstFlowReturn SampleDecrypter::without_key (
    const keys::KeyId &kid, OnMissingKey policy, What &what)
{
  if (policy == OnMissingKey::drop || policy == OnMissingKey::pass) {
    bool is_drop = policy == OnMissingKey::drop;
    what = is_drop ? What::dropped : What::without_key;
    if (state_.told_without_key) return GST_FLOW_OK;
    state_.told_without_key = true;
    gstcenc::warn_no_key (element_, kid, is_drop);
    return GST_FLOW_OK;
  }
  state_.failed = true;
  gstcenc::post_no_key (element_, kid);
  return GST_FLOW_ERROR;
}

// From the properties, or from whom can be asked, once for each key id and
// again whenever there are new keys.
GstFlowReturn SampleDecrypter::find_key (const keys::KeyId &kid, What &what)
{
  const Settings now = settings.copy ();
  std::optional<keys::Secret> key = supply.find (kid);
  if (!key && !state_.unknown.contains (kid)) {
    key = supply.ask (
        {element_, sink_of (element_),
            state_.system_id.empty () ? nullptr : state_.system_id.c_str (),
            {}},
        kid);
    if (!key) state_.unknown.insert (kid);
  }
  if (!key && now.on_missing_key == OnMissingKey::wait) {
    using Waited = gstcenc::KeySupply::Waited;
    Waited waited = supply.wait (kid, now.key_timeout);
    if (waited == Waited::flushing) return GST_FLOW_FLUSHING;
    if (waited == Waited::found) key = supply.find (kid);
  }
  if (!key) return without_key (kid, now.on_missing_key, what);
  state_.decryptors->set (kid, *key);
  return GST_FLOW_OK;
}

// Into state_.decryptor; what says if there is none all the same.
GstFlowReturn SampleDecrypter::choose (
    cenc::Scheme scheme, const keys::KeyId &kid, GstClockTime pts, What &what)
{
  if (std::uint64_t version = supply.version ();
      version != state_.keys_version || !state_.decryptors) {
    state_.keys_version = version;
    state_.decryptors.emplace (nullptr);
    state_.unknown.clear ();
    state_.decryptor = nullptr;
  }
  if (state_.decryptor != nullptr &&
      state_.decryptor_of == std::pair{scheme, kid})
    return GST_FLOW_OK;
  state_.decryptor = nullptr;
  auto found = state_.decryptors->find (scheme, kid);
  if (!found && found.code () == cenc::Error::no_key) {
    GstFlowReturn flow = find_key (kid, what);
    if (flow != GST_FLOW_OK || what != What::encrypted) return flow;
    found = state_.decryptors->find (scheme, kid);
  }
  if (!found) return fail (cenc::to_string (found.code ()), pts);
  state_.decryptor = *found;
  state_.decryptor_of = {scheme, kid};
  return GST_FLOW_OK;
}

GstFlowReturn SampleDecrypter::decrypt (
    const Protection &protection, Owned<GstBuffer> &buffer, What &what)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer.get ());
  GstFlowReturn flow = choose (protection.scheme, protection.kid, pts, what);
  if (flow != GST_FLOW_OK || what != What::encrypted) return flow;

  cenc::Sample sample{protection.iv, protection.pattern, {}};
  std::optional<MappedBuffer> list;
  if (protection.subsamples) {
    list.emplace (protection.subsamples.get (), GST_MAP_READ);
    if (!*list) return fail ("cannot be mapped", pts);
    sample.subsamples = list->bytes ();
  }
  cenc::Result<relay::Done> done = relay::failure (cenc::Error::cipher);
  buffer = decrypt_buffer (*state_.decryptor, sample, std::move (buffer), done);
  if (!buffer) return fail ("no memory", pts);
  if (!done) {
    std::string reason = std::string (cenc::to_string (done.code ())) +
                         ", at byte " + std::to_string (done.position ());
    return fail (reason.c_str (), pts);
  }
  return GST_FLOW_OK;
}

// What the meta says, put right, and what of it is to be done.
GstFlowReturn SampleDecrypter::classify (
    Owned<GstBuffer> &buffer, Protection &protection, What &what)
{
  what = What::unmarked;
  if (GstProtectionMeta *meta =
          gst_buffer_get_protection_meta (buffer.get ())) {
    if (const char *wrong =
            samplemeta::read_meta (meta->info, state_.stream, protection))
      return fail (wrong, GST_BUFFER_PTS (buffer.get ()));
    if (!protection.is_encrypted)
      what = What::clear;
    else if (!samplemeta::is_clear_lead (state_.stream, protection))
      what = What::encrypted;
    if (what == What::encrypted)
      state_.last_of_fragment.note (protection);
    else
      state_.last_of_fragment.clear ();
    return GST_FLOW_OK;
  }
  if (state_.stream.is_clear ||
      samplemeta::take_signal_byte (state_.stream, buffer)) {
    what = What::clear;
  } else if (state_.is_pull) {
    if (auto missed = state_.last_of_fragment.take ()) {
      protection = *std::move (missed);
      what = What::encrypted;
    }
  }
  return GST_FLOW_OK;
}

// One sample. Null with GST_FLOW_OK for one that is dropped.
GstFlowReturn SampleDecrypter::process (Owned<GstBuffer> &buffer)
{
  // Told once; what still comes is not passed.
  if (state_.failed) return GST_FLOW_ERROR;
  if (!state_.has_caps) return GST_FLOW_NOT_NEGOTIATED;
  gsize size = gst_buffer_get_size (buffer.get ());
  Protection protection;
  What what = What::clear;
  GstFlowReturn flow = classify (buffer, protection, what);
  if (flow != GST_FLOW_OK) return flow;
  protection.kid = state_.fragment_keys.correct (protection.kid);
  if (what == What::encrypted) {
    flow = decrypt (protection, buffer, what);
    if (flow != GST_FLOW_OK) return flow;
  }
  (what == What::unmarked ? state_.has_unmarked : state_.has_marked) = true;
  bool is_unmarked = what == What::unmarked;
  if (is_unmarked) {
    OnMissingMeta policy = settings.lock ()->on_missing_meta;
    tell_without_meta (policy);
    if (policy == OnMissingMeta::error) return GST_FLOW_ERROR;
    if (policy == OnMissingMeta::drop) what = What::dropped;
  }
  counters.lock ()->count (what, is_unmarked, size);
  if (what == What::dropped) {
    state_.was_dropped = true;
    buffer.reset ();
    return GST_FLOW_OK;
  }
  // What stays encrypted keeps what is said about it.
  if (what != What::without_key) buffer = without_meta (std::move (buffer));
  if (state_.was_dropped) {
    buffer.reset (gst_buffer_make_writable (buffer.release ()));
    GST_BUFFER_FLAG_SET (buffer.get (), GST_BUFFER_FLAG_DISCONT);
    state_.was_dropped = false;
  }
  return GST_FLOW_OK;
}

bool SampleDecrypter::set_caps (const GstStructure *caps)
{
  state_.has_caps = samplemeta::is_acceptable (caps);
  if (!state_.has_caps) return false;
  state_.stream = samplemeta::read_caps (caps);
  const gchar *system = gst_structure_get_string (caps, "protection-system");
  state_.system_id = system != nullptr ? system : "";
  state_.is_pull = samplemeta::is_demuxer_pulling (sink_of (element_));
  return true;
}

void SampleDecrypter::note (GstEvent *protection)
{
  supply.note (protection);
  state_.fragment_keys.note (
      protection, samplemeta::is_demuxer_pulling (sink_of (element_)));
}

void SampleDecrypter::begin_stream ()
{
  state_.has_unmarked = state_.has_marked = false;
}

// A new attempt, which may fail anew.
void SampleDecrypter::flush ()
{
  state_.failed = false;
  state_.last_of_fragment.clear ();
  state_.fragment_keys.clear ();
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-cencdecrypt
 * @title: cencdecrypt
 * @short_description: decrypts samples of Common Encryption
 *
 * Decrypts the samples of ISO/IEC 23001-7 (Common Encryption), schemes `cenc`
 * and `cbcs`, that a demuxer sends with #GstProtectionMeta, and restores the
 * caps of the original media type. A sample without that meta is clear to a
 * demuxer, and passes; see cencmp4decrypt for files that `qtdemux` does not
 * understand.
 *
 * At EOS it posts an element message `cencdecrypt-stats` with the fields of
 * #GstCencDecrypt:stats.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=encrypted.mp4 ! qtdemux !
 *     cencdecrypt
 *     keys=00112233445566778899aabbccddeeff:000102030405060708090a0b0c0d0e0f !
 *     h264parse ! avdec_h264 ! videoconvert ! jpegenc !
 *     multifilesink location=frame-%03d.jpg
 * ]|
 *
 * Since: 0.1
 */
#include "gstcencdecrypt.h"

#include "config.h"

#include <glib/gi18n-lib.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "cenc.h"
#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcenc.h"

GST_DEBUG_CATEGORY_STATIC (cencdecrypt_debug);
#define GST_CAT_DEFAULT cencdecrypt_debug

namespace {

using relay::Guarded;
using relay::MappedBuffer;
using relay::Owned;

enum
{
  PROP_0,
  PROP_KEYS,
  PROP_STATS,
  N_PROPS
};
GParamSpec *properties[N_PROPS];

// qtdemux exposes a file with pssh boxes only if a decrypter has one structure
// with one of their systems as a plain string, and parsebin finds one for a
// file without pssh only by a structure without a system.
constexpr const char *protection_systems[] = {
    "1077efec-c0b2-4d02-ace3-3c1e52e2fb4b",  // W3C common, ClearKey
    "e2719d58-a985-b3c9-781a-b030af78d30e",  // DASH-IF ClearKey
    "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",  // Widevine
    "9a04f079-9840-4286-ab92-e65be0885f95",  // PlayReady
    "5e629af5-38da-4063-8977-97ffbd9902d4",  // Marlin
    "69f908af-4816-46ea-910c-cd5dcccb0a3a",  // Marlin
    "94ce86fb-07ff-4f43-adb8-93d2fa968ca2",  // FairPlay
};

constexpr const char *encrypted_media_type = "application/x-cenc";

struct Counters
{
  guint64 samples_decrypted = 0;
  guint64 samples_clear = 0;
  guint64 samples_without_meta = 0;
  guint64 bytes = 0;
  guint64 bytes_decrypted = 0;
};

// Of the streaming thread, from start () to stop ().
struct State
{
  std::optional<cenc::Decryptors> decryptors;
  std::optional<cenc::Scheme> scheme;  // of the caps
  bool needs_subsamples = false;       // video with headers that stay clear
  bool told_without_meta = false;
  // Since the start of the stream: samples passed because nothing says that
  // they are encrypted, and those of which the demuxer knew what they are.
  bool has_unmarked = false;
  bool has_marked = false;
  bool failed = false;
};

struct Impl
{
  Guarded<gstcenc::Keys> keys;
  Guarded<Counters> counters;
  State state;
};

// GstProtectionMeta's fields, looked up once.
struct Fields
{
  GQuark encrypted = g_quark_from_static_string ("encrypted");
  GQuark iv_size = g_quark_from_static_string ("iv_size");
  GQuark constant_iv_size = g_quark_from_static_string ("constant_iv_size");
  GQuark iv = g_quark_from_static_string ("iv");
  GQuark kid = g_quark_from_static_string ("kid");
  GQuark cipher_mode = g_quark_from_static_string ("cipher-mode");
  GQuark crypt_byte_block = g_quark_from_static_string ("crypt_byte_block");
  GQuark skip_byte_block = g_quark_from_static_string ("skip_byte_block");
  GQuark subsample_count = g_quark_from_static_string ("subsample_count");
  GQuark subsamples = g_quark_from_static_string ("subsamples");
  GQuark piff_algorithm_id = g_quark_from_static_string ("piff_algorithm_id");
};

// What became of a sample, and who says so.
enum class What
{
  encrypted,
  clear,    // says its meta
  unmarked  // no meta, or none of its own
};

// What a meta says. The meta must outlive it.
struct Protection
{
  bool is_encrypted = false;
  bool has_constant_iv = false;
  cenc::Scheme scheme = cenc::Scheme::cenc;
  keys::KeyId kid{};
  cenc::Sample sample;
  std::optional<MappedBuffer> subsamples;
};

// Leaves out as it is where there is no such field; false for one of another
// type, which must not pass for none.
bool read_uint (const GstStructure *structure, GQuark field, guint &out)
{
  const GValue *value = gst_structure_id_get_value (structure, field);
  if (value == nullptr) return true;
  if (!G_VALUE_HOLDS_UINT (value)) return false;
  out = g_value_get_uint (value);
  return true;
}

GstBuffer *buffer_field (const GstStructure *structure, GQuark field)
{
  const GValue *value = gst_structure_id_get_value (structure, field);
  if (value == nullptr || !GST_VALUE_HOLDS_BUFFER (value)) return nullptr;
  return gst_value_get_buffer (value);
}

std::optional<cenc::Scheme> scheme_of (const GValue *value)
{
  if (value == nullptr || !G_VALUE_HOLDS_STRING (value)) return std::nullopt;
  if (g_strcmp0 (g_value_get_string (value), "cenc") == 0)
    return cenc::Scheme::cenc;
  if (g_strcmp0 (g_value_get_string (value), "cbcs") == 0)
    return cenc::Scheme::cbcs;
  return std::nullopt;
}

bool read_kid (GstBuffer *buffer, keys::KeyId &kid)
{
  return buffer != nullptr && gst_buffer_get_size (buffer) == kid.size () &&
         gst_buffer_extract (buffer, 0, kid.data (), kid.size ()) ==
             kid.size ();
}

bool read_iv (GstBuffer *buffer, std::size_t size, aes::Block &iv)
{
  if (buffer == nullptr || gst_buffer_get_size (buffer) != size) return false;
  MappedBuffer map (buffer, GST_MAP_READ);
  if (!map) return false;
  cenc::Result<aes::Block> block = cenc::to_block (map.bytes ());
  if (!block) return false;
  iv = *block;
  return true;
}

const char *read_subsamples (
    const GstStructure *info, const Fields &fields, Protection &out)
{
  // 0 is a sample protected as a whole.
  guint count = 0;
  if (!read_uint (info, fields.subsample_count, count))
    return "a subsample_count that is no uint";
  if (count == 0) {
    if (gst_structure_id_has_field (info, fields.subsamples))
      return "subsamples, but no subsample_count";
    return nullptr;
  }
  GstBuffer *list = buffer_field (info, fields.subsamples);
  if (list == nullptr) return "no subsamples";
  out.subsamples.emplace (list, GST_MAP_READ);
  if (!*out.subsamples) return "the subsamples cannot be read";
  if (out.subsamples->bytes ().size () !=
      std::size_t{count} * cenc::subsample_size)
    return "subsamples do not fit subsample_count";
  out.sample.subsamples = out.subsamples->bytes ();
  return nullptr;
}

// Null, or what is wrong.
const char *read_meta (const GstStructure *info,
    std::optional<cenc::Scheme> scheme_of_caps, Protection &out)
{
  static const Fields fields;
  const GValue *encrypted = gst_structure_id_get_value (info, fields.encrypted);
  if (encrypted == nullptr || !G_VALUE_HOLDS_BOOLEAN (encrypted))
    return "no field encrypted";
  out.is_encrypted = g_value_get_boolean (encrypted) != FALSE;
  if (!out.is_encrypted) return nullptr;

  const GValue *mode = gst_structure_id_get_value (info, fields.cipher_mode);
  std::optional<cenc::Scheme> scheme =
      mode != nullptr ? scheme_of (mode) : scheme_of_caps;
  if (!scheme) return "no cipher-mode that is cenc or cbcs";
  out.scheme = *scheme;
  // With PIFF's AES-CBC (2) qtdemux says cenc all the same.
  guint piff = 1;
  if (!read_uint (info, fields.piff_algorithm_id, piff) || piff != 1)
    return "a piff_algorithm_id other than AES-CTR";
  if (!read_kid (buffer_field (info, fields.kid), out.kid)) return "no kid";

  guint iv_size = 0;
  if (!read_uint (info, fields.iv_size, iv_size))
    return "an iv_size that is no uint";
  if (iv_size == 0) {
    out.has_constant_iv = true;
    if (!read_uint (info, fields.constant_iv_size, iv_size))
      return "a constant_iv_size that is no uint";
  }
  if (!read_iv (buffer_field (info, fields.iv), iv_size, out.sample.iv))
    return "no iv of 8 or 16 bytes";
  guint crypt = 0, skip = 0;
  if (!read_uint (info, fields.crypt_byte_block, crypt) ||
      !read_uint (info, fields.skip_byte_block, skip))
    return "a pattern that is no uint";
  if (crypt > 15 || skip > 15) return "a pattern of more than 4 bits";
  out.sample.pattern = {
      static_cast<std::uint8_t> (crypt), static_cast<std::uint8_t> (skip)};
  return read_subsamples (info, fields, out);
}

// qtdemux before 1.22.6 and 1.24 marks the samples of a cbcs clear lead as
// encrypted: with the defaults of the track, and so without subsamples. Video
// of NAL units, AV1 and VP9 is never encrypted without (23001-7 10.4.1); of
// sound this cannot be told. It marks those of a file with senc alone in the
// same way.
bool is_clear_lead (const State &state, const Protection &protection)
{
  return state.needs_subsamples && protection.scheme == cenc::Scheme::cbcs &&
         protection.has_constant_iv && !protection.sample.subsamples;
}

bool has_clear_headers (const gchar *media_type)
{
  static constexpr const char *types[] = {
      "video/x-h264", "video/x-h265", "video/x-av1", "video/x-vp9"};
  return std::any_of (std::begin (types), std::end (types),
      [&] (const char *type) { return g_strcmp0 (type, media_type) == 0; });
}

// True when its bytes can be changed without a copy. Several memories would be
// merged into one; a part of another memory is marked read-only, which
// gst_memory_is_writable does not look at.
bool is_writable (GstBuffer *buffer)
{
  if (!gst_buffer_is_writable (buffer) || gst_buffer_n_memory (buffer) != 1)
    return false;
  GstMemory *memory = gst_buffer_peek_memory (buffer, 0);
  return gst_memory_is_writable (memory) && !GST_MEMORY_IS_READONLY (memory);
}

Owned<GstBuffer> without_meta (Owned<GstBuffer> buffer)
{
  Owned<GstBuffer> out{gst_buffer_make_writable (buffer.release ())};
  if (GstProtectionMeta *meta = gst_buffer_get_protection_meta (out.get ()))
    gst_buffer_remove_meta (out.get (), &meta->meta);
  return out;
}

Owned<GstCaps> decrypted_caps (const GstStructure *encrypted)
{
  const gchar *media_type =
      gst_structure_get_string (encrypted, "original-media-type");
  // Only a template has none (see accept_caps): then it may be anything.
  if (media_type == nullptr) return Owned<GstCaps> (gst_caps_new_any ());
  Owned<GstStructure> out{gst_structure_copy (encrypted)};
  gst_structure_set_name (out.get (), media_type);
  gst_structure_remove_fields (out.get (), "original-media-type", "cipher-mode",
      "protection-system", nullptr);
  return Owned<GstCaps> (gst_caps_new_full (out.release (), nullptr));
}

Owned<GstCaps> encrypted_caps (const GstStructure *clear)
{
  Owned<GstStructure> out{gst_structure_copy (clear)};
  gst_structure_set (out.get (), "original-media-type", G_TYPE_STRING,
      gst_structure_get_name (clear), nullptr);
  gst_structure_set_name (out.get (), encrypted_media_type);
  return Owned<GstCaps> (gst_caps_new_full (out.release (), nullptr));
}

GstStructure *stats_structure (const Counters &counters)
{
  return gst_structure_new ("cencdecrypt-stats", "samples", G_TYPE_UINT64,
      counters.samples_decrypted + counters.samples_clear, "samples-decrypted",
      G_TYPE_UINT64, counters.samples_decrypted, "samples-clear", G_TYPE_UINT64,
      counters.samples_clear, "samples-without-meta", G_TYPE_UINT64,
      counters.samples_without_meta, "bytes", G_TYPE_UINT64, counters.bytes,
      "bytes-decrypted", G_TYPE_UINT64, counters.bytes_decrypted, nullptr);
}

}  // namespace

struct _GstCencDecrypt
{
  GstBaseTransform parent;
  Impl impl;
};

G_DEFINE_FINAL_TYPE (GstCencDecrypt, gst_cenc_decrypt, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (
    cencdecrypt, "cencdecrypt", GST_RANK_MARGINAL, GST_TYPE_CENC_DECRYPT)

static GstFlowReturn gst_cenc_decrypt_fail (
    GstCencDecrypt *self, const char *reason, GstBuffer *buffer)
{
  self->impl.state.failed = true;
  GST_ELEMENT_ERROR (self, STREAM, DECRYPT,
      (_ ("A sample of this stream cannot be decrypted.")),
      ("sample at %" GST_TIME_FORMAT ": %s",
          GST_TIME_ARGS (GST_BUFFER_PTS (buffer)), reason));
  return GST_FLOW_ERROR;
}

static void gst_cenc_decrypt_count (GstCencDecrypt *self, gsize size, What what)
{
  State &state = self->impl.state;
  (what == What::unmarked ? state.has_unmarked : state.has_marked) = true;
  auto counters = self->impl.counters.lock ();
  counters->bytes += size;
  if (what == What::encrypted) {
    counters->samples_decrypted++;
    counters->bytes_decrypted += size;
  } else {
    counters->samples_clear++;
    if (what == What::unmarked) counters->samples_without_meta++;
  }
}

// To a demuxer that does not understand a file its samples look clear.
static void gst_cenc_decrypt_tell_without_meta (GstCencDecrypt *self)
{
  if (self->impl.state.told_without_meta) return;
  self->impl.state.told_without_meta = true;
  GST_ELEMENT_WARNING (self, STREAM, DECRYPT,
      (_ ("Samples of this encrypted stream are passed as clear.")),
      ("no protection meta: a clear lead, or a file that the demuxer does not "
       "understand; then put cencmp4decrypt in front of the demuxer"));
}

// A lead is followed by something. What is nothing else up to its end must not
// pass for a success: most likely it is ciphertext.
static void gst_cenc_decrypt_check_end (GstCencDecrypt *self)
{
  State &state = self->impl.state;
  if (state.failed || !state.has_unmarked || state.has_marked) return;
  state.failed = true;
  GST_ELEMENT_ERROR (self, STREAM, DECRYPT,
      (_ ("This file is encrypted or built in a way that is not supported.")),
      ("no sample of the stream had protection meta of its own; put "
       "cencmp4decrypt in front of the demuxer"));
}

// In place where the sample is writable, or else in one pass into new memory,
// which is then in out.
static GstFlowReturn gst_cenc_decrypt_decrypt (GstCencDecrypt *self,
    const Protection &protection, GstBuffer *in, Owned<GstBuffer> &out)
{
  State &state = self->impl.state;
  cenc::Result<cenc::Decryptor *> decryptor =
      state.decryptors->find (protection.scheme, protection.kid);
  if (!decryptor && decryptor.code () == cenc::Error::no_key) {
    state.failed = true;
    gstcenc::post_no_key (GST_ELEMENT (self), protection.kid);
    return GST_FLOW_ERROR;
  }
  if (!decryptor)
    return gst_cenc_decrypt_fail (
        self, cenc::to_string (decryptor.code ()), in);

  cenc::Result<relay::Done> done = relay::failure (cenc::Error::cipher);
  if (is_writable (in)) {
    MappedBuffer map (in, GST_MAP_READWRITE);
    if (!map) return gst_cenc_decrypt_fail (self, "cannot be mapped", in);
    done = (*decryptor)
               ->decrypt (protection.sample, map.bytes (), map.writable ());
  } else {
    out.reset (
        gst_buffer_new_allocate (nullptr, gst_buffer_get_size (in), nullptr));
    if (!out) return gst_cenc_decrypt_fail (self, "no memory", in);
    gst_buffer_copy_into (
        out.get (), in, GST_BUFFER_COPY_METADATA, 0, static_cast<gsize> (-1));
    MappedBuffer from (in, GST_MAP_READ);
    MappedBuffer to (out.get (), GST_MAP_WRITE);
    if (!from || !to)
      return gst_cenc_decrypt_fail (self, "cannot be mapped", in);
    done = (*decryptor)
               ->decrypt (protection.sample, from.bytes (), to.writable ());
  }
  if (!done) {
    std::string reason = std::string (cenc::to_string (done.code ())) +
                         ", at byte " + std::to_string (done.position ());
    return gst_cenc_decrypt_fail (self, reason.c_str (), in);
  }
  return GST_FLOW_OK;
}

static GstFlowReturn gst_cenc_decrypt_generate_output (
    GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (trans);
  State &state = self->impl.state;
  *outbuf = nullptr;
  Owned<GstBuffer> in{trans->queued_buf};
  trans->queued_buf = nullptr;
  if (!in) return GST_FLOW_OK;
  // Told once; what still comes is not passed.
  if (state.failed) return GST_FLOW_ERROR;

  gsize size = gst_buffer_get_size (in.get ());
  GstProtectionMeta *meta = gst_buffer_get_protection_meta (in.get ());
  if (meta == nullptr) {
    gst_cenc_decrypt_tell_without_meta (self);
    gst_cenc_decrypt_count (self, size, What::unmarked);
    *outbuf = in.release ();
    return GST_FLOW_OK;
  }

  Owned<GstBuffer> out;
  What what = What::clear;
  {
    Protection protection;
    if (const char *wrong = read_meta (meta->info, state.scheme, protection))
      return gst_cenc_decrypt_fail (self, wrong, in.get ());
    if (protection.is_encrypted)
      what =
          is_clear_lead (state, protection) ? What::unmarked : What::encrypted;
    if (what == What::encrypted) {
      GstFlowReturn flow =
          gst_cenc_decrypt_decrypt (self, protection, in.get (), out);
      if (flow != GST_FLOW_OK) return flow;
    }
  }
  if (what == What::unmarked) gst_cenc_decrypt_tell_without_meta (self);
  if (!out) out = std::move (in);
  gst_cenc_decrypt_count (self, size, what);
  *outbuf = without_meta (std::move (out)).release ();
  return GST_FLOW_OK;
}

static GstCaps *gst_cenc_decrypt_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  Owned<GstCaps> out{gst_caps_new_empty ()};
  if (direction == GST_PAD_SRC && gst_caps_is_any (caps))
    out.reset (
        gst_pad_get_pad_template_caps (GST_BASE_TRANSFORM_SINK_PAD (trans)));
  for (guint i = 0; !gst_caps_is_any (caps) && i < gst_caps_get_size (caps);
       i++) {
    const GstStructure *structure = gst_caps_get_structure (caps, i);
    Owned<GstCaps> one = direction == GST_PAD_SINK ? decrypted_caps (structure)
                                                   : encrypted_caps (structure);
    out.reset (gst_caps_merge (out.release (), one.release ()));
  }
  if (filter != nullptr)
    out.reset (
        gst_caps_intersect_full (filter, out.get (), GST_CAPS_INTERSECT_FIRST));
  return out.release ();
}

// For caps without a media type, as those of the template, transform_caps
// answers with any; a stream must have one.
static gboolean gst_cenc_decrypt_accept_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps)
{
  for (guint i = 0; direction == GST_PAD_SINK && i < gst_caps_get_size (caps);
       i++)
    if (gst_structure_get_string (
            gst_caps_get_structure (caps, i), "original-media-type") == nullptr)
      return FALSE;
  return GST_BASE_TRANSFORM_CLASS (gst_cenc_decrypt_parent_class)
      ->accept_caps (trans, direction, caps);
}

static gboolean gst_cenc_decrypt_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *)
{
  State &state = GST_CENC_DECRYPT (trans)->impl.state;
  const GstStructure *structure = gst_caps_get_structure (incaps, 0);
  state.scheme = scheme_of (gst_structure_get_value (structure, "cipher-mode"));
  state.needs_subsamples = has_clear_headers (
      gst_structure_get_string (structure, "original-media-type"));
  return TRUE;
}

static gboolean gst_cenc_decrypt_sink_event (
    GstBaseTransform *trans, GstEvent *event)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (trans);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_PROTECTION:  // behind us nothing is protected
      gst_event_unref (event);
      return TRUE;
    case GST_EVENT_STREAM_START:
      self->impl.state.has_unmarked = self->impl.state.has_marked = false;
      break;
    case GST_EVENT_FLUSH_STOP:  // a new attempt, which may fail anew
      self->impl.state.failed = false;
      break;
    case GST_EVENT_EOS:
      gst_cenc_decrypt_check_end (self);
      gstcenc::post_stats (
          GST_ELEMENT (self), stats_structure (self->impl.counters.copy ()));
      break;
    default:
      break;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_cenc_decrypt_parent_class)
      ->sink_event (trans, event);
}

static gboolean gst_cenc_decrypt_start (GstBaseTransform *trans)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (trans);
  gstcenc::Keys keys = self->impl.keys.copy ();
  if (!gstcenc::check_keys (GST_ELEMENT (self), keys)) return FALSE;
  self->impl.state = {};
  self->impl.state.decryptors.emplace (keys.ring);
  return TRUE;
}

static gboolean gst_cenc_decrypt_stop (GstBaseTransform *trans)
{
  GST_CENC_DECRYPT (trans)->impl.state = {};
  return TRUE;
}

static void gst_cenc_decrypt_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (object);
  switch (id) {
    case PROP_KEYS:
      if (GST_STATE (self) > GST_STATE_READY)
        GST_WARNING_OBJECT (self, "keys can be set in NULL and READY only");
      else
        *self->impl.keys.lock () = gstcenc::read_keys (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void gst_cenc_decrypt_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (object);
  switch (id) {
    case PROP_STATS:
      g_value_take_boxed (value, stats_structure (self->impl.counters.copy ()));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void gst_cenc_decrypt_finalize (GObject *object)
{
  std::destroy_at (&GST_CENC_DECRYPT (object)->impl);
  G_OBJECT_CLASS (gst_cenc_decrypt_parent_class)->finalize (object);
}

static void gst_cenc_decrypt_init (GstCencDecrypt *self)
{
  std::construct_at (&self->impl);
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  gst_base_transform_set_passthrough (trans, FALSE);
  gst_base_transform_set_in_place (trans, FALSE);
}

static GstPadTemplate *gst_cenc_decrypt_sink_template ()
{
  Owned<GstCaps> caps{gst_caps_new_empty_simple (encrypted_media_type)};
  for (const char *system : protection_systems)
    gst_caps_append_structure (
        caps.get (), gst_structure_new (encrypted_media_type,
                         "protection-system", G_TYPE_STRING, system, nullptr));
  return gst_pad_template_new (
      "sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps.get ());
}

static void gst_cenc_decrypt_class_init (GstCencDecryptClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (cencdecrypt_debug, "cencdecrypt", 0,
      "decryption of Common Encryption samples");

  object_class->set_property =
      GST_DEBUG_FUNCPTR (gst_cenc_decrypt_set_property);
  object_class->get_property =
      GST_DEBUG_FUNCPTR (gst_cenc_decrypt_get_property);
  object_class->finalize = GST_DEBUG_FUNCPTR (gst_cenc_decrypt_finalize);

  /**
   * GstCencDecrypt:keys:
   *
   * Content keys: `KID:KEY`, several with commas between them. Both are 16
   * bytes in 32 hexadecimal digits; a KID may also be a UUID with its dashes.
   * Write-only, so that no dot file shows it. It is read on the way to PAUSED,
   * where text that is not as it should be is an error RESOURCE/SETTINGS.
   * Default: no keys.
   *
   * Since: 0.1
   */
  properties[PROP_KEYS] = gstcenc::keys_spec ();

  /**
   * GstCencDecrypt:stats:
   *
   * Counters since the element was made, all guint64: `samples`,
   * `samples-decrypted`, `samples-clear`, `samples-without-meta` (those of the
   * clear ones that no protection meta calls clear), `bytes`, `bytes-decrypted`
   * (of decrypted samples). Also the fields of the element message
   * `cencdecrypt-stats`.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters of samples and bytes", GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gst_element_class_set_static_metadata (element_class,
      "Common Encryption Decrypter", "Decryptor",
      "Decrypts samples encrypted with ISO/IEC 23001-7 schemes cenc and cbcs",
      RELAY_AUTHOR);
  gst_element_class_add_pad_template (
      element_class, gst_cenc_decrypt_sink_template ());
  Owned<GstCaps> any{gst_caps_new_any ()};
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, any.get ()));

  trans_class->transform_caps =
      GST_DEBUG_FUNCPTR (gst_cenc_decrypt_transform_caps);
  trans_class->accept_caps = GST_DEBUG_FUNCPTR (gst_cenc_decrypt_accept_caps);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_cenc_decrypt_set_caps);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_cenc_decrypt_sink_event);
  trans_class->start = GST_DEBUG_FUNCPTR (gst_cenc_decrypt_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_cenc_decrypt_stop);
  trans_class->generate_output =
      GST_DEBUG_FUNCPTR (gst_cenc_decrypt_generate_output);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstsamplemeta.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "pssh.h"

using relay::MappedBuffer;
using relay::Owned;

namespace samplemeta {
namespace {

constexpr const char *cenc_type = "application/x-cenc";
constexpr const char *webm_type = "application/x-webm-enc";

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
  if (gst_buffer_get_size (list) != std::size_t{count} * cenc::subsample_size)
    return "subsamples do not fit subsample_count";
  out.subsamples = relay::share (list);
  return nullptr;
}

bool has_clear_headers (const gchar *media_type)
{
  static constexpr const char *types[] = {
      "video/x-h264", "video/x-h265", "video/x-av1", "video/x-vp9"};
  return std::any_of (std::begin (types), std::end (types),
      [&] (const char *type) { return g_strcmp0 (type, media_type) == 0; });
}

}  // namespace

bool is_encrypted (const GstStructure *caps)
{
  return gst_structure_has_name (caps, cenc_type) ||
         gst_structure_has_name (caps, webm_type);
}

bool is_acceptable (const GstStructure *caps)
{
  return !is_encrypted (caps) ||
         gst_structure_get_string (caps, "original-media-type") != nullptr;
}

Owned<GstCaps> decrypted_caps (const GstStructure *caps)
{
  Owned<GstStructure> out{gst_structure_copy (caps)};
  if (is_encrypted (caps)) {
    const gchar *media_type =
        gst_structure_get_string (caps, "original-media-type");
    if (media_type == nullptr) return Owned<GstCaps> (gst_caps_new_any ());
    gst_structure_set_name (out.get (), media_type);
    gst_structure_remove_fields (out.get (), "original-media-type",
        "cipher-mode", "protection-system", "encryption-algorithm",
        "encoding-scope", nullptr);
  }
  return Owned<GstCaps> (gst_caps_new_full (out.release (), nullptr));
}

Owned<GstCaps> encrypted_caps (const GstStructure *caps)
{
  Owned<GstCaps> out{gst_caps_new_empty ()};
  for (const char *type : {cenc_type, webm_type}) {
    Owned<GstStructure> one{gst_structure_copy (caps)};
    gst_structure_set (one.get (), "original-media-type", G_TYPE_STRING,
        gst_structure_get_name (caps), nullptr);
    gst_structure_set_name (one.get (), type);
    gst_caps_append_structure (out.get (), one.release ());
  }
  return out;
}

Stream read_caps (const GstStructure *caps)
{
  Stream out;
  out.is_clear = !is_encrypted (caps);
  out.is_webm = gst_structure_has_name (caps, webm_type);
  if (out.is_webm) {
    // The one that there is: "CTR", in which metas do not repeat it.
    if (g_strcmp0 (gst_structure_get_string (caps, "cipher-mode"), "CTR") == 0)
      out.scheme = cenc::Scheme::cenc;
  } else {
    out.scheme = scheme_of (gst_structure_get_value (caps, "cipher-mode"));
    out.needs_subsamples = has_clear_headers (
        gst_structure_get_string (caps, "original-media-type"));
  }
  return out;
}

const char *read_meta (
    const GstStructure *info, const Stream &stream, Protection &out)
{
  static const Fields fields;
  const GValue *encrypted = gst_structure_id_get_value (info, fields.encrypted);
  if (encrypted == nullptr || !G_VALUE_HOLDS_BOOLEAN (encrypted))
    return "no field encrypted";
  out.is_encrypted = g_value_get_boolean (encrypted) != FALSE;
  if (!out.is_encrypted) return nullptr;

  const GValue *mode = gst_structure_id_get_value (info, fields.cipher_mode);
  std::optional<cenc::Scheme> scheme =
      mode != nullptr ? scheme_of (mode) : stream.scheme;
  if (!scheme) return "no cipher-mode that is cenc or cbcs";
  out.scheme = *scheme;
  // With PIFF's AES-CBC (2) qtdemux says cenc all the same.
  guint piff = 1;
  if (!read_uint (info, fields.piff_algorithm_id, piff) || piff != 1)
    return "a piff_algorithm_id other than AES-CTR";
  if (!read_kid (buffer_field (info, fields.kid), out.kid)) return "no kid";

  if (const char *wrong = read_subsamples (info, fields, out)) return wrong;
  out.has_iv = gst_structure_id_has_field (info, fields.iv) != FALSE;
  if (!out.has_iv && is_clear_lead (stream, out)) return nullptr;
  guint iv_size = 0;
  if (!read_uint (info, fields.iv_size, iv_size))
    return "an iv_size that is no uint";
  if (iv_size == 0) {
    out.has_constant_iv = true;
    if (!read_uint (info, fields.constant_iv_size, iv_size))
      return "a constant_iv_size that is no uint";
  }
  if (!read_iv (buffer_field (info, fields.iv), iv_size, out.iv))
    return "no iv of 8 or 16 bytes";
  guint crypt = 0, skip = 0;
  if (!read_uint (info, fields.crypt_byte_block, crypt) ||
      !read_uint (info, fields.skip_byte_block, skip))
    return "a pattern that is no uint";
  if (crypt > 15 || skip > 15) return "a pattern of more than 4 bits";
  out.pattern = {
      static_cast<std::uint8_t> (crypt), static_cast<std::uint8_t> (skip)};
  return nullptr;
}

// Such a sample has the defaults of the track, and so no subsamples, and no IV
// but the constant one. Video of NAL units, AV1 and VP9 is never encrypted
// without (23001-7 10.4.1); of sound this cannot be told. Those of a file with
// senc alone look the same.
bool is_clear_lead (const Stream &stream, const Protection &protection)
{
  return stream.needs_subsamples && protection.scheme == cenc::Scheme::cbcs &&
         (protection.has_constant_iv || !protection.has_iv) &&
         !protection.subsamples;
}

void FragmentKeys::note (GstEvent *event, bool is_pull)
{
  const gchar *origin = nullptr;
  GstBuffer *box = nullptr;
  gst_event_parse_protection (event, nullptr, &box, &origin);
  if (g_strcmp0 (origin, "isobmff/moof") != 0 || box == nullptr) return;
  MappedBuffer map (box, GST_MAP_READ);
  if (!map) return;
  std::vector<keys::KeyId> kids = pssh::key_ids (map.bytes ());
  // Of several there is no telling which is whose.
  if (kids.size () != 1) return;
  if (is_pull && now_)
    next_ = kids[0];
  else
    now_ = kids[0];
}

keys::KeyId FragmentKeys::correct (const keys::KeyId &kid)
{
  keys::KeyId out = kid;
  if (now_ && kid == keys::KeyId{}) out = *now_;
  if (next_) now_ = std::exchange (next_, std::nullopt);
  return out;
}

bool lacks_iv (const Protection &protection, const keys::KeyId &corrected)
{
  return protection.scheme == cenc::Scheme::cbcs &&
         protection.kid != corrected && protection.iv == aes::Block{};
}

bool is_demuxer_pulling (GstPad *sink)
{
  Owned<GstPad> pad = relay::share (sink);
  // As many elements as anybody would put in between.
  for (int i = 0; i < 32; i++) {
    Owned<GstPad> peer{gst_pad_get_peer (pad.get ())};
    if (!peer) return false;
    Owned<GstElement> element{gst_pad_get_parent_element (peer.get ())};
    GstElementFactory *factory =
        element ? gst_element_get_factory (element.get ()) : nullptr;
    if (factory != nullptr && gst_element_factory_list_is_type (
                                  factory, GST_ELEMENT_FACTORY_TYPE_DEMUXER)) {
      Owned<GstPad> in{gst_element_get_static_pad (element.get (), "sink")};
      return in && GST_PAD_MODE (in.get ()) == GST_PAD_MODE_PULL;
    }
    Owned<GstIterator> links{gst_pad_iterate_internal_links (peer.get ())};
    GValue item = G_VALUE_INIT;
    if (!links || gst_iterator_next (links.get (), &item) != GST_ITERATOR_OK)
      return false;
    pad = relay::share (GST_PAD (g_value_get_object (&item)));
    g_value_unset (&item);
  }
  return false;
}

// Without auxiliary information of its own a sample has the track's constant
// IV, and no subsamples.
void LastOfFragment::note (const Protection &protection)
{
  before_.reset ();
  if (!protection.is_encrypted || !protection.has_constant_iv ||
      protection.subsamples)
    return;
  before_.emplace ();
  before_->is_encrypted = true;
  before_->has_constant_iv = true;
  before_->scheme = protection.scheme;
  before_->kid = protection.kid;
  before_->iv = protection.iv;
  before_->pattern = protection.pattern;
}

std::optional<Protection> LastOfFragment::take ()
{
  return std::exchange (before_, std::nullopt);
}

bool take_signal_byte (const Stream &stream, Owned<GstBuffer> &buffer)
{
  std::uint8_t signal = 1;
  if (!stream.is_webm ||
      gst_buffer_extract (buffer.get (), 0, &signal, 1) != 1 || signal != 0)
    return false;
  buffer.reset (gst_buffer_make_writable (buffer.release ()));
  gst_buffer_resize (buffer.get (), 1, -1);
  return true;
}

}  // namespace samplemeta

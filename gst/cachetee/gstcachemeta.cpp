// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachemeta.h"

#include <gst/audio/audio.h>
#include <gst/video/gstvideometa.h>

#include <array>

namespace cachemeta {

using relay::Owned;

namespace {

constexpr guint planes = GST_VIDEO_MAX_PLANES;

// Numbers by name, "offset-0" to "offset-3".
std::string numbered (const char *name, guint number)
{
  return std::string (name) + '-' + std::to_string (number);
}

Owned<GstStructure> of_video (const GstVideoMeta &meta)
{
  Owned<GstStructure> out{gst_structure_new ("video", "flags", G_TYPE_UINT,
      static_cast<guint> (meta.flags), "format", G_TYPE_STRING,
      gst_video_format_to_string (meta.format), "id", G_TYPE_INT, meta.id,
      "width", G_TYPE_UINT, meta.width, "height", G_TYPE_UINT, meta.height,
      "planes", G_TYPE_UINT, meta.n_planes, "top", G_TYPE_UINT,
      meta.alignment.padding_top, "bottom", G_TYPE_UINT,
      meta.alignment.padding_bottom, "left", G_TYPE_UINT,
      meta.alignment.padding_left, "right", G_TYPE_UINT,
      meta.alignment.padding_right, nullptr)};
  for (guint i = 0; i < meta.n_planes && i < planes; i++)
    gst_structure_set (out.get (), numbered ("offset", i).c_str (),
        G_TYPE_UINT64, guint64{meta.offset[i]}, numbered ("stride", i).c_str (),
        G_TYPE_INT, meta.stride[i], numbered ("align", i).c_str (), G_TYPE_UINT,
        meta.alignment.stride_align[i], nullptr);
  return out;
}

bool add_video (const GstStructure *from, GstBuffer *buffer)
{
  const gchar *name = gst_structure_get_string (from, "format");
  guint flags = 0;
  guint width = 0;
  guint height = 0;
  guint count = 0;
  gint id = 0;
  std::array<gsize, planes> offset{};
  std::array<gint, planes> stride{};
  GstVideoAlignment alignment{};
  if (name == nullptr ||
      !gst_structure_get (from, "flags", G_TYPE_UINT, &flags, "id", G_TYPE_INT,
          &id, "width", G_TYPE_UINT, &width, "height", G_TYPE_UINT, &height,
          "planes", G_TYPE_UINT, &count, "top", G_TYPE_UINT,
          &alignment.padding_top, "bottom", G_TYPE_UINT,
          &alignment.padding_bottom, "left", G_TYPE_UINT,
          &alignment.padding_left, "right", G_TYPE_UINT,
          &alignment.padding_right, nullptr) ||
      count > planes)
    return false;
  for (guint i = 0; i < count; i++) {
    guint64 at = 0;
    if (!gst_structure_get (from, numbered ("offset", i).c_str (),
            G_TYPE_UINT64, &at, numbered ("stride", i).c_str (), G_TYPE_INT,
            &stride[i], numbered ("align", i).c_str (), G_TYPE_UINT,
            &alignment.stride_align[i], nullptr))
      return false;
    offset[i] = at;
  }
  GstVideoMeta *meta = gst_buffer_add_video_meta_full (buffer,
      static_cast<GstVideoFrameFlags> (flags),
      gst_video_format_from_string (name), width, height, count, offset.data (),
      stride.data ());
  if (meta == nullptr) return false;
  meta->id = id;
  meta->alignment = alignment;
  return true;
}

Owned<GstStructure> of_crop (const GstVideoCropMeta &meta)
{
  return Owned<GstStructure> (gst_structure_new ("crop", "x", G_TYPE_UINT,
      meta.x, "y", G_TYPE_UINT, meta.y, "width", G_TYPE_UINT, meta.width,
      "height", G_TYPE_UINT, meta.height, nullptr));
}

bool add_crop (const GstStructure *from, GstBuffer *buffer)
{
  GstVideoCropMeta *meta = gst_buffer_add_video_crop_meta (buffer);
  return meta != nullptr &&
         gst_structure_get (from, "x", G_TYPE_UINT, &meta->x, "y", G_TYPE_UINT,
             &meta->y, "width", G_TYPE_UINT, &meta->width, "height",
             G_TYPE_UINT, &meta->height, nullptr);
}

// Null if its format cannot be told by caps.
Owned<GstStructure> of_audio (const GstAudioMeta &meta)
{
  Owned<GstCaps> caps{gst_audio_info_to_caps (&meta.info)};
  if (caps == nullptr) return nullptr;
  Owned<GstStructure> out{gst_structure_new ("audio", "caps", GST_TYPE_CAPS,
      caps.get (), "samples", G_TYPE_UINT64, guint64{meta.samples}, nullptr)};
  bool is_planar = meta.info.layout == GST_AUDIO_LAYOUT_NON_INTERLEAVED;
  for (gint i = 0; is_planar && i < meta.info.channels; i++)
    gst_structure_set (out.get (),
        numbered ("offset", static_cast<guint> (i)).c_str (), G_TYPE_UINT64,
        guint64{meta.offsets[i]}, nullptr);
  return out;
}

bool add_audio (const GstStructure *from, GstBuffer *buffer)
{
  GstCaps *raw = nullptr;
  guint64 samples = 0;
  if (!gst_structure_get (from, "caps", GST_TYPE_CAPS, &raw, "samples",
          G_TYPE_UINT64, &samples, nullptr))
    return false;
  Owned<GstCaps> caps{raw};
  GstAudioInfo info;
  if (!gst_audio_info_from_caps (&info, caps.get ())) return false;
  std::vector<gsize> offsets;
  if (info.layout == GST_AUDIO_LAYOUT_NON_INTERLEAVED)
    for (gint i = 0; i < info.channels; i++) {
      guint64 at = 0;
      if (!gst_structure_get_uint64 (
              from, numbered ("offset", static_cast<guint> (i)).c_str (), &at))
        return false;
      offsets.push_back (at);
    }
  return gst_buffer_add_audio_meta (buffer, &info, samples,
             offsets.empty () ? nullptr : offsets.data ()) != nullptr;
}

Owned<GstStructure> of_time (const GstReferenceTimestampMeta &meta)
{
  return Owned<GstStructure> (gst_structure_new ("time", "reference",
      GST_TYPE_CAPS, meta.reference, "timestamp", G_TYPE_UINT64, meta.timestamp,
      "duration", G_TYPE_UINT64, meta.duration, nullptr));
}

bool add_time (const GstStructure *from, GstBuffer *buffer)
{
  GstCaps *raw = nullptr;
  guint64 timestamp = 0;
  guint64 duration = 0;
  if (!gst_structure_get (from, "reference", GST_TYPE_CAPS, &raw, "timestamp",
          G_TYPE_UINT64, &timestamp, "duration", G_TYPE_UINT64, &duration,
          nullptr))
    return false;
  Owned<GstCaps> reference{raw};
  return gst_buffer_add_reference_timestamp_meta (
             buffer, reference.get (), timestamp, duration) != nullptr;
}

Owned<GstStructure> of_protection (const GstProtectionMeta &meta)
{
  return Owned<GstStructure> (gst_structure_new (
      "protection", "info", GST_TYPE_STRUCTURE, meta.info, nullptr));
}

bool add_protection (const GstStructure *from, GstBuffer *buffer)
{
  GstStructure *info = nullptr;
  return gst_structure_get (from, "info", GST_TYPE_STRUCTURE, &info, nullptr) &&
         gst_buffer_add_protection_meta (buffer, info) != nullptr;
}

// Null for one that is not known here.
Owned<GstStructure> structure_of (const GstMeta *meta)
{
  const GstMetaInfo *info = meta->info;
  const void *raw = meta;
  if (info->api == GST_VIDEO_META_API_TYPE)
    return of_video (*static_cast<const GstVideoMeta *> (raw));
  if (info->api == GST_VIDEO_CROP_META_API_TYPE)
    return of_crop (*static_cast<const GstVideoCropMeta *> (raw));
  if (info->api == GST_AUDIO_META_API_TYPE)
    return of_audio (*static_cast<const GstAudioMeta *> (raw));
  if (info->api == GST_REFERENCE_TIMESTAMP_META_API_TYPE)
    return of_time (*static_cast<const GstReferenceTimestampMeta *> (raw));
  if (info->api == GST_PROTECTION_META_API_TYPE)
    return of_protection (*static_cast<const GstProtectionMeta *> (raw));
  return nullptr;
}

bool add (const GstStructure *from, GstBuffer *buffer)
{
  std::string_view name = gst_structure_get_name (from);
  if (name == "video") return add_video (from, buffer);
  if (name == "crop") return add_crop (from, buffer);
  if (name == "audio") return add_audio (from, buffer);
  if (name == "time") return add_time (from, buffer);
  return name == "protection" && add_protection (from, buffer);
}

}  // namespace

std::optional<std::string> encode (GstBuffer *buffer)
{
  std::string text;
  gpointer place = nullptr;
  while (GstMeta *meta = gst_buffer_iterate_meta (buffer, &place)) {
    if (meta->info->api == GST_PARENT_BUFFER_META_API_TYPE) continue;
    Owned<GstStructure> structure = structure_of (meta);
    if (structure == nullptr) return std::nullopt;
    Owned<gchar> line{gst_structure_to_string (structure.get ())};
    // What has no text of its own would be missing.
    Owned<GstStructure> back{gst_structure_from_string (line.get (), nullptr)};
    if (back == nullptr ||
        !gst_structure_is_equal (structure.get (), back.get ()))
      return std::nullopt;
    text.append (line.get ()).append ("\n");
  }
  return text;
}

std::optional<Metas> Metas::parse (std::string_view text)
{
  Metas metas;
  while (!text.empty ()) {
    std::size_t end = text.find ('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string line (text.substr (0, end));
    text.remove_prefix (end + 1);
    Owned<GstStructure> structure{
        gst_structure_from_string (line.c_str (), nullptr)};
    if (structure == nullptr) return std::nullopt;
    metas.metas_.push_back (std::move (structure));
  }
  return metas;
}

bool Metas::add_to (GstBuffer *buffer) const
{
  for (const Owned<GstStructure> &meta : metas_)
    if (!add (meta.get (), buffer)) return false;
  return true;
}

}  // namespace cachemeta

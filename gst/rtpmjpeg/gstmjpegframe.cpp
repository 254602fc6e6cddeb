// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstmjpegframe.h"

#include <gst/video/video.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

using relay::MappedBuffer;
using relay::Owned;

namespace mjpegframe {

namespace {

// The size of the scan up to and with its EOI.
std::optional<gsize> find_eoi (GstBuffer *frame, gsize begin)
{
  jpeg::EoiSearch search;
  for (guint i = 0; i < gst_buffer_n_memory (frame); i++) {
    GstMemory *memory = gst_buffer_peek_memory (frame, i);
    gsize size = gst_memory_get_sizes (memory, nullptr, nullptr);
    gsize skip = std::min (begin, size);
    begin -= skip;
    if (skip == size) continue;
    GstMapInfo info;
    if (!gst_memory_map (memory, &info, GST_MAP_READ)) return std::nullopt;
    auto found = search.feed ({info.data + skip, info.size - skip});
    gst_memory_unmap (memory, &info);
    if (found) return found;
  }
  return std::nullopt;
}

// As all stock payloaders have it: metas without a tag, and those about video
// and nothing else.
bool goes_with_packets (const GstMeta *meta)
{
  if (meta->info->transform_func == nullptr) return false;
  // It is in the RTP header by then, and the base class takes it off too.
  if (meta->info->api == GST_RTP_SOURCE_META_API_TYPE) return false;
  const gchar *const *tags = gst_meta_api_type_get_tags (meta->info->api);
  if (tags == nullptr || tags[0] == nullptr) return true;
  return tags[1] == nullptr && g_str_equal (tags[0], GST_META_TAG_VIDEO_STR);
}

std::vector<GstMeta *> metas_of (GstBuffer *frame)
{
  std::vector<GstMeta *> metas;
  gpointer at = nullptr;
  while (GstMeta *meta = gst_buffer_iterate_meta (frame, &at))
    if (goes_with_packets (meta)) metas.push_back (meta);
  return metas;
}

// A memory of its own for the headers of a packet.
Owned<GstMemory> header_memory (gsize size, guint8 *&bytes)
{
  bytes = static_cast<guint8 *> (g_malloc (size));
  return Owned<GstMemory> (gst_memory_new_wrapped (
      static_cast<GstMemoryFlags> (0), bytes, size, 0, size, bytes, g_free));
}

}  // namespace

Head::Head (GstBuffer *frame) : frame_ (relay::share (frame))
{
  if (gst_buffer_n_memory (frame) == 0) return;
  GstMemory *first = gst_buffer_peek_memory (frame, 0);
  if (gst_memory_map (first, &info_, GST_MAP_READ)) memory_ = first;
}

Head::~Head ()
{
  if (memory_ != nullptr) gst_memory_unmap (memory_, &info_);
}

jpeg::Result<jpeg::Header> Head::parse (jpeg::Tables &tables)
{
  gsize size = gst_buffer_get_size (frame_.get ());
  gsize known = memory_ != nullptr ? info_.size : 0;
  auto header = jpeg::parse ({info_.data, known}, size, tables);
  while (!header && header.code () == jpeg::Error::truncated && known < size) {
    // Each copy is so much longer that all together cost little.
    copy_.resize (std::min (size, std::max<gsize> (4 * known, 4096)));
    known = gst_buffer_extract (frame_.get (), 0, copy_.data (), copy_.size ());
    if (known < copy_.size ()) break;  // a memory that cannot be mapped
    header = jpeg::parse (copy_, size, tables);
  }
  return header;
}

// A frame ends with EOI as a rule, and then its bytes are not looked through.
Scan find_scan (GstBuffer *frame, gsize begin)
{
  gsize size = gst_buffer_get_size (frame) - begin;
  std::array<guint8, sizeof jpeg::eoi> tail{};
  if (size >= tail.size ())
    gst_buffer_extract (
        frame, begin + size - tail.size (), tail.data (), tail.size ());
  if (std::ranges::equal (tail, jpeg::eoi)) return {begin, size, false};
  std::optional<gsize> end = find_eoi (frame, begin);
  return {begin, end.value_or (size), !end.has_value ()};
}

huffman::Result<Owned<GstBuffer>> recode (GstBuffer *frame,
    const jpeg::Header &header, const Scan &scan, unsigned restart_interval,
    huffman::Recoder &recoder)
{
  MappedBuffer map (frame, GST_MAP_READ);
  if (!map) return relay::failure (huffman::Error::truncated);
  huffman::Scan in;
  in.width = header.width;
  in.height = header.height;
  in.components = std::span (header.components).first (header.component_count);
  in.restart_interval = header.restart_interval;
  huffman::Target target;
  target.vertical = header.sampling == jpeg::Sampling::yuv422 ? 1 : 2;
  target.restart_interval = restart_interval;

  auto bytes = std::make_unique<std::vector<std::uint8_t>> ();
  auto done = recoder.recode (
      in, map.bytes ().subspan (scan.begin, scan.size), target, *bytes);
  if (!done)
    return relay::failure (done.code (), scan.begin + done.position ());
  bytes->insert (bytes->end (), std::begin (jpeg::eoi), std::end (jpeg::eoi));

  Owned<GstBuffer> out{gst_buffer_new ()};
  gst_buffer_copy_into (out.get (), frame, GST_BUFFER_COPY_METADATA, 0,
      std::numeric_limits<gsize>::max ());
  std::vector<std::uint8_t> *owned = bytes.release ();
  gst_buffer_append_memory (out.get (),
      gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, owned->data (),
          owned->size (), 0, owned->size (), owned, [] (gpointer data) {
            delete static_cast<std::vector<std::uint8_t> *> (data);
          }));
  return out;
}

Packetizer::Packetizer (GstBuffer *frame, const rfc2435::Frame &header,
    const Scan &scan, packetpool::Pool &pool)
    : frame_ (frame),
      header_ (header),
      scan_ (scan),
      pool_ (pool),
      metas_ (metas_of (frame))
{
  guint index = 0;
  guint length = 0;
  if (gst_buffer_find_memory (
          frame, scan.begin, scan.size, &index, &length, &scan_in_region_) &&
      length == 1)
    region_ = pool.region (gst_buffer_peek_memory (frame, index));
  if (scan.eoi_missing)
    eoi_.reset (gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY,
        const_cast<guint8 *> (jpeg::eoi), sizeof jpeg::eoi, 0, sizeof jpeg::eoi,
        nullptr, nullptr));
}

Owned<GstBuffer> Packetizer::packet (const rfc2435::Fragment &fragment,
    const rtp::Header &rtp, std::uint16_t sequence_number,
    std::span<const std::uint8_t> extension)
{
  gsize rtp_size = rtp.size () + extension.size ();
  gsize size = rtp_size + rfc2435::header_size (header_, fragment.offset);
  Owned<GstBuffer> packet;
  guint8 *bytes = nullptr;
  bool is_pooled = region_ && fragment.offset + fragment.size <= scan_.size &&
                   size <= packetpool::Pool::header_capacity;
  if (is_pooled) {
    packetpool::Pool::Taken taken = pool_.take (
        region_, size, scan_in_region_ + fragment.offset, fragment.size);
    packet = std::move (taken.buffer);
    bytes = taken.header;
  } else {
    packet.reset (gst_buffer_new ());
    gst_buffer_append_memory (
        packet.get (), header_memory (size, bytes).release ());
    if (!append_payload (packet.get (), fragment)) return nullptr;
  }
  std::span<guint8> out (bytes, size);
  rtp.write (out, sequence_number, fragment.last, !extension.empty ());
  std::ranges::copy (extension, out.subspan (rtp.size ()).begin ());
  std::ignore =
      rfc2435::write_header (header_, fragment.offset, out.subspan (rtp_size));
  complete (packet.get (), fragment);
  return packet;
}

bool Packetizer::append (GstBuffer *packet, const rfc2435::Fragment &fragment)
{
  gsize size = rfc2435::header_size (header_, fragment.offset);
  guint8 *bytes = nullptr;
  gst_buffer_append_memory (packet, header_memory (size, bytes).release ());
  std::ignore = rfc2435::write_header (header_, fragment.offset, {bytes, size});
  if (!append_payload (packet, fragment)) return false;
  complete (packet, fragment);
  return true;
}

bool Packetizer::append_payload (
    GstBuffer *packet, const rfc2435::Fragment &fragment)
{
  gsize end = fragment.offset + fragment.size;
  gsize in_frame = std::min (end, scan_.size);
  if (in_frame > fragment.offset &&
      !gst_buffer_copy_into (packet, frame_, GST_BUFFER_COPY_MEMORY,
          scan_.begin + fragment.offset, in_frame - fragment.offset))
    return false;
  if (end > scan_.size) {
    gsize from = std::max (fragment.offset, scan_.size);
    gst_buffer_append_memory (packet,
        gst_memory_share (eoi_.get (), static_cast<gssize> (from - scan_.size),
            static_cast<gssize> (end - from)));
  }
  return true;
}

// Time, flags and metas.
void Packetizer::complete (GstBuffer *packet, const rfc2435::Fragment &fragment)
{
  GST_BUFFER_PTS (packet) = GST_BUFFER_PTS (frame_);
  if (fragment.offset == 0 && GST_BUFFER_IS_DISCONT (frame_))
    GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_DISCONT);
  if (fragment.last) GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_MARKER);
  if (metas_.empty ()) return;

  gsize offset = scan_.begin + fragment.offset;
  gboolean region = offset > 0 || fragment.size < gst_buffer_get_size (frame_);
  GstMetaTransformCopy copy = {region, offset, fragment.size};
  for (GstMeta *meta : metas_)
    meta->info->transform_func (
        packet, meta, frame_, _gst_meta_transform_copy, &copy);
}

}  // namespace mjpegframe

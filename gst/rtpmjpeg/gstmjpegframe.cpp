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

// An RTP packet without payload. The base class will write into its headers.
Owned<GstBuffer> new_packet (
    GstRTPBasePayload *base, GstBuffer *frame, gsize header_size)
{
  // Contributing sources are known to the base class only.
  if (gst_buffer_get_rtp_source_meta (frame) != nullptr)
    return Owned<GstBuffer> (gst_rtp_base_payload_allocate_output_buffer (
        base, static_cast<guint> (header_size), 0, 0));

  gsize rtp_size = gst_rtp_buffer_calc_header_len (0);
  Owned<GstBuffer> packet{
      gst_buffer_new_allocate (nullptr, rtp_size + header_size, nullptr)};
  constexpr guint8 version = GST_RTP_VERSION << 6;
  gst_buffer_memset (packet.get (), 0, 0, rtp_size);
  gst_buffer_fill (packet.get (), 0, &version, sizeof version);
  return packet;
}

class Packetizer
{
public:
  Packetizer (GstRTPBasePayload *base, GstBuffer *frame,
      const rfc2435::Frame &header, const Scan &scan)
      : base_ (base),
        frame_ (frame),
        header_ (header),
        scan_ (scan),
        metas_ (metas_of (frame))
  {
    if (scan.eoi_missing)
      eoi_.reset (gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY,
          const_cast<guint8 *> (jpeg::eoi), sizeof jpeg::eoi, 0,
          sizeof jpeg::eoi, nullptr, nullptr));
  }

  // Null if the frame's memory cannot be read.
  [[nodiscard]] Owned<GstBuffer> packet (const rfc2435::Fragment &fragment)
  {
    gsize header_size = rfc2435::header_size (header_, fragment.offset);
    Owned<GstBuffer> packet = new_packet (base_, frame_, header_size);
    if (!write_headers (packet.get (), fragment, header_size) ||
        !append_payload (packet.get (), fragment))
      return nullptr;
    copy_metas (packet.get (), fragment);
    GST_BUFFER_PTS (packet.get ()) = GST_BUFFER_PTS (frame_);
    if (fragment.offset == 0 && GST_BUFFER_IS_DISCONT (frame_))
      GST_BUFFER_FLAG_SET (packet.get (), GST_BUFFER_FLAG_DISCONT);
    if (fragment.last)
      GST_BUFFER_FLAG_SET (packet.get (), GST_BUFFER_FLAG_MARKER);
    return packet;
  }

private:
  bool write_headers (
      GstBuffer *packet, const rfc2435::Fragment &fragment, gsize header_size)
  {
    constexpr guint8 marker_bit = 0x80;
    MappedBuffer map (packet, GST_MAP_READWRITE);
    if (!map) return false;
    if (fragment.last) map.writable ()[1] |= marker_bit;
    return rfc2435::write_header (header_, fragment.offset,
               map.writable ().last (header_size)) == header_size;
  }

  bool append_payload (GstBuffer *packet, const rfc2435::Fragment &fragment)
  {
    gsize end = fragment.offset + fragment.size;
    gsize in_frame = std::min (end, scan_.size);
    if (in_frame > fragment.offset &&
        !gst_buffer_copy_into (packet, frame_, GST_BUFFER_COPY_MEMORY,
            scan_.begin + fragment.offset, in_frame - fragment.offset))
      return false;
    if (end > scan_.size) {
      gsize from = std::max (fragment.offset, scan_.size);
      gst_buffer_append_memory (
          packet, gst_memory_share (eoi_.get (),
                      static_cast<gssize> (from - scan_.size),
                      static_cast<gssize> (end - from)));
    }
    return true;
  }

  void copy_metas (GstBuffer *packet, const rfc2435::Fragment &fragment)
  {
    if (metas_.empty ()) return;
    gsize offset = scan_.begin + fragment.offset;
    gboolean region =
        offset > 0 || fragment.size < gst_buffer_get_size (frame_);
    GstMetaTransformCopy copy = {region, offset, fragment.size};
    for (GstMeta *meta : metas_)
      meta->info->transform_func (
          packet, meta, frame_, _gst_meta_transform_copy, &copy);
  }

  GstRTPBasePayload *base_;
  GstBuffer *frame_;
  const rfc2435::Frame &header_;
  const Scan &scan_;
  std::vector<GstMeta *> metas_;
  Owned<GstMemory> eoi_;
};

}  // namespace

Head::Head (GstBuffer *frame) : frame_ (frame)
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
  gsize size = gst_buffer_get_size (frame_);
  gsize known = memory_ != nullptr ? info_.size : 0;
  auto header = jpeg::parse ({info_.data, known}, size, tables);
  while (!header && header.code () == jpeg::Error::truncated && known < size) {
    // Each copy is so much longer that all together cost little.
    copy_.resize (std::min (size, std::max<gsize> (4 * known, 4096)));
    known = gst_buffer_extract (frame_, 0, copy_.data (), copy_.size ());
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

Owned<GstBufferList> make_packets (GstRTPBasePayload *base, GstBuffer *frame,
    const rfc2435::Frame &header, const Scan &scan, const rfc2435::Plan &plan)
{
  gsize count = plan.count ();
  Packetizer packetizer (base, frame, header, scan);
  Owned<GstBufferList> list{
      gst_buffer_list_new_sized (static_cast<guint> (count))};
  for (gsize i = 0; i < count; i++) {
    Owned<GstBuffer> packet = packetizer.packet (plan.fragment (i));
    if (!packet) return nullptr;
    gst_buffer_list_add (list.get (), packet.release ());
  }
  return list;
}

}  // namespace mjpegframe

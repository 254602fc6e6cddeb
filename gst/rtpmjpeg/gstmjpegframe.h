// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/rtp/rtp.h>

#include <memory>
#include <span>
#include <vector>

#include "common/gstpp.h"
#include "gstpacketpool.h"
#include "jpeg.h"
#include "rfc2435.h"
#include "rtpheader.h"

// A JPEG image in a GstBuffer, and the RTP packets that share its memory.
namespace mjpegframe {

// The headers of a frame, parsed where they are if the frame's first memory
// holds all of them; otherwise in a copy of the head of the frame. The frame is
// never merged.
class Head
{
public:
  explicit Head (GstBuffer *frame);
  ~Head ();
  Head (const Head &) = delete;
  Head &operator= (const Head &) = delete;

  // The tables of the result are views of this object and of `tables`.
  [[nodiscard]] jpeg::Result<jpeg::Header> parse (jpeg::Tables &tables);

private:
  relay::Owned<GstBuffer> frame_;
  GstMemory *memory_ = nullptr;
  GstMapInfo info_ = GST_MAP_INFO_INIT;
  std::vector<guint8> copy_;
};

// The part of a frame that is sent.
struct Scan
{
  gsize begin = 0;
  gsize size = 0;  // in the frame, with its EOI
  bool eoi_missing = false;

  [[nodiscard]] gsize sent_size () const
  {
    return size + (eoi_missing ? sizeof jpeg::eoi : 0);
  }
};

// From the first byte of entropy-coded data to the EOI; what is behind it is
// left out.
[[nodiscard]] Scan find_scan (GstBuffer *frame, gsize begin);

// The frame with its scan re-coded, so that it is all there is, EOI included.
// The restart interval is that of the result.
[[nodiscard]] huffman::Result<relay::Owned<GstBuffer>> recode (GstBuffer *frame,
    const jpeg::Header &header, const Scan &scan, unsigned restart_interval,
    huffman::Recoder &recoder);

// Makes the packets of a frame. Headers are in the first memory of a packet and
// the payload, which is not copied, in the last ones.
class Packetizer
{
public:
  // All must outlive it.
  Packetizer (GstBuffer *frame, const rfc2435::Frame &header, const Scan &scan,
      packetpool::Pool &pool);

  // With an RTP header and, if not empty, a header extension behind it. Null if
  // the frame's memory cannot be read.
  [[nodiscard]] relay::Owned<GstBuffer> packet (
      const rfc2435::Fragment &fragment, const rtp::Header &rtp,
      std::uint16_t sequence_number,
      std::span<const std::uint8_t> extension = {});

  // Puts all but the RTP header behind one that is there. False: as above.
  [[nodiscard]] bool append (
      GstBuffer *packet, const rfc2435::Fragment &fragment);

private:
  [[nodiscard]] bool append_payload (
      GstBuffer *packet, const rfc2435::Fragment &fragment);
  void complete (GstBuffer *packet, const rfc2435::Fragment &fragment);

  GstBuffer *frame_;
  const rfc2435::Frame &header_;
  const Scan &scan_;
  packetpool::Pool &pool_;
  std::vector<GstMeta *> metas_;
  // The memory that holds the whole scan, if there is one.
  std::shared_ptr<const packetpool::Region> region_;
  gsize scan_in_region_ = 0;
  relay::Owned<GstMemory> eoi_;
};

}  // namespace mjpegframe

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// The RTP header extension that carries headers of a JPEG image beside those of
// RFC 2435 (ONVIF Streaming Specification, "JPEG over RTP").
namespace onvif {

// What the image is, as it is sent.
struct Image
{
  unsigned width = 0;  // in pixels
  unsigned height = 0;
  bool yuv422 = false;  // otherwise 4:2:0
  unsigned restart_interval = 0;
};

// The extension of a frame's first packet, from its profile id to its padding.
[[nodiscard]] std::vector<std::uint8_t> extension (const Image &image);

}  // namespace onvif

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/result.h"

// The RTP payload format for JPEG (RFC 2435): what stands between the RTP
// header and a fragment of the scan, and how a scan is cut into fragments.
namespace rfc2435 {

// 3.1.5, 3.1.6: larger pictures have a width and a height of 0 here, and the
// session description has an attribute x-dimensions.
inline constexpr unsigned max_dimension = 2040;

[[nodiscard]] constexpr bool fits (unsigned width, unsigned height)
{
  return width <= max_dimension && height <= max_dimension;
}

struct Frame
{
  std::uint8_t type = 1;  // 3.1.3, 4.1: 0 is 4:2:2, 1 is 4:2:0
  unsigned width = 0;     // in pixels
  unsigned height = 0;
  std::uint16_t restart_interval = 0;  // in MCUs; 0: no restart markers
  // 64 bytes in zig-zag order, or 128 for 16-bit elements.
  std::span<const std::uint8_t> luma_table;
  std::span<const std::uint8_t> chroma_table;
  std::size_t scan_size = 0;
  // 3.1.1, 4.1: 0 is a whole picture, 1 an odd field, 2 an even one.
  std::uint8_t type_specific = 0;
};

// One packet's part of the scan.
struct Fragment
{
  std::size_t offset = 0;
  std::size_t size = 0;
  bool last = false;
};

enum class Error
{
  scan_size,    // the Fragment Offset has 24 bits
  packet_size,  // no room for the headers and a byte of the scan
};

[[nodiscard]] const char *to_string (Error error);

template <class T>
using Result = relay::Result<T, Error>;

// The fragments of a frame: all but the last fill their packets. Each can be
// asked for on its own.
class Plan
{
public:
  [[nodiscard]] std::size_t count () const;
  // i < count ()
  [[nodiscard]] Fragment fragment (std::size_t i) const;

private:
  friend Result<Plan> plan (
      const Frame &frame, std::size_t room, std::size_t taken);

  std::size_t scan_size_ = 0;
  std::size_t first_ = 0;  // bytes of the scan in the first packet
  std::size_t other_ = 0;  // and in each further one
};

// `room` is what a packet has left behind its RTP header, and `taken` what else
// the first one has of it. An empty scan has no fragments. An error's position
// is the least room that the frame needs.
[[nodiscard]] Result<Plan> plan (
    const Frame &frame, std::size_t room, std::size_t taken = 0);

// The size of main header, restart header (types 64 and 65) and, at offset 0,
// quantization table header.
[[nodiscard]] std::size_t header_size (const Frame &frame, std::size_t offset);

// Writes these headers to the beginning of `out` and returns their size, or 0
// if they do not fit.
[[nodiscard]] std::size_t write_header (
    const Frame &frame, std::size_t offset, std::span<std::uint8_t> out);

}  // namespace rfc2435

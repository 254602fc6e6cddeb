// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtpheader.h"

#include <algorithm>

namespace rtp {

namespace {

constexpr std::size_t fixed_size = 12;
constexpr std::uint8_t version_mask = 0xc0;
constexpr std::uint8_t version_2 = 0x80;
constexpr std::uint8_t padding_bit = 0x20;
constexpr std::uint8_t extension_bit = 0x10;
constexpr std::uint8_t csrc_count_mask = 0x0f;
constexpr std::uint8_t marker_bit = 0x80;
constexpr std::size_t sequence_at = 2;

std::size_t number_16 (std::span<const std::uint8_t> bytes, std::size_t at)
{
  return static_cast<std::size_t> (bytes[at] << 8 | bytes[at + 1]);
}

}  // namespace

std::optional<Header> Header::parse (std::span<const std::uint8_t> packet)
{
  if (packet.size () < fixed_size || (packet[0] & version_mask) != version_2)
    return std::nullopt;
  std::size_t size = fixed_size + 4 * (packet[0] & csrc_count_mask);
  if (packet.size () < size) return std::nullopt;
  Header header;
  header.bytes_.assign (
      packet.begin (), packet.begin () + static_cast<std::ptrdiff_t> (size));
  if ((packet[0] & extension_bit) != 0) {
    // 5.3.1: 16 bits by profile, and the length in 32-bit words without these
    // four bytes.
    if (packet.size () < size + 4) return std::nullopt;
    header.extension_size_ = 4 + 4 * number_16 (packet, size + 2);
  }
  header.bytes_[0] &=
      static_cast<std::uint8_t> (~(extension_bit | padding_bit));
  header.bytes_[1] &= static_cast<std::uint8_t> (~marker_bit);
  return header;
}

void Header::write (std::span<std::uint8_t> out, std::uint16_t sequence_number,
    bool marker, bool extension) const
{
  std::ranges::copy (bytes_, out.begin ());
  if (extension) out[0] |= extension_bit;
  set_marker (out, marker);
  set_sequence_number (out, sequence_number);
}

void set_sequence_number (
    std::span<std::uint8_t> packet, std::uint16_t sequence_number)
{
  packet[sequence_at] = static_cast<std::uint8_t> (sequence_number >> 8);
  packet[sequence_at + 1] = static_cast<std::uint8_t> (sequence_number);
}

void set_marker (std::span<std::uint8_t> packet, bool marker)
{
  packet[1] &= static_cast<std::uint8_t> (~marker_bit);
  if (marker) packet[1] |= marker_bit;
}

}  // namespace rtp

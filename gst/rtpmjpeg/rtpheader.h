// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// The fixed header of RTP (RFC 3550 5.1) with its contributing sources, which
// all packets of a frame have in common.
namespace rtp {

class Header
{
public:
  // From a packet's first bytes. None if they are no RTP header.
  [[nodiscard]] static std::optional<Header> parse (
      std::span<const std::uint8_t> packet);

  // Without extension and padding.
  [[nodiscard]] std::size_t size () const { return bytes_.size (); }
  // Of the header extension (5.3.1), its own four bytes with it; 0: there is
  // none.
  [[nodiscard]] std::size_t extension_size () const { return extension_size_; }

  // Writes the header, with the X bit if an extension follows it, to the
  // beginning of `out`, which has size () bytes at least.
  void write (std::span<std::uint8_t> out, std::uint16_t sequence_number,
      bool marker, bool extension = false) const;

private:
  std::vector<std::uint8_t> bytes_;
  std::size_t extension_size_ = 0;
};

// In a packet that is there.
void set_sequence_number (
    std::span<std::uint8_t> packet, std::uint16_t sequence_number);
void set_marker (std::span<std::uint8_t> packet, bool marker);

}  // namespace rtp

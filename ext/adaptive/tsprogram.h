// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sampleaes.h"

// The programs of a transport stream (ISO/IEC 13818-1 2.4.4), and what
// SAMPLE-AES says in them of how streams are encrypted: "3.0 Transport Stream
// Signaling".
namespace tsprogram {

using sampleaes::Codec;
using sampleaes::Error;
template <class T>
using Result = sampleaes::Result<T>;

inline constexpr std::size_t pids = 8192;

// CRC_32 of a section (Annex A); 0 of one together with its CRC_32.
[[nodiscard]] std::uint32_t crc32 (std::span<const std::uint8_t> bytes);

class Programs
{
public:
  [[nodiscard]] bool is_map (unsigned pid) const { return maps_[pid]; }
  // What is encrypted on this PID.
  [[nodiscard]] Codec codec (unsigned pid) const { return codecs_[pid]; }
  // There has been a program map.
  [[nodiscard]] bool is_known () const { return is_known_; }

  // The payload of a packet of PID 0, or of a map's, in place: what is in it as
  // encrypted is in it as clear then. starts: payload_unit_start_indicator.
  [[nodiscard]] Result<relay::Done> add_association (
      std::span<const std::uint8_t> payload, bool starts);
  [[nodiscard]] Result<relay::Done> add_map (
      std::span<std::uint8_t> payload, bool starts);

private:
  [[nodiscard]] Result<relay::Done> rewrite (
      std::span<const std::uint8_t> section, std::vector<std::uint8_t> &out);

  std::array<bool, pids> maps_{};
  std::array<Codec, pids> codecs_{};
  bool is_known_ = false;
};

}  // namespace tsprogram

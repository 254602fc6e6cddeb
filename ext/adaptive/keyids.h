// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bmff.h"
#include "keys.h"

// The key ids of an MP4 that comes in parts: HLS says where the key of a
// segment is, and the media alone which key id that key has.
namespace keyids {

// Both boxes by themselves, their headers included. What is in the clear has
// none. Error positions are bytes in them.
[[nodiscard]] bmff::Result<std::vector<keys::KeyId>> of_movie (
    std::span<const std::uint8_t> moov);
// Of its sample groups (ISO/IEC 23001-7 6); most fragments have none.
[[nodiscard]] bmff::Result<std::vector<keys::KeyId>> of_fragment (
    std::span<const std::uint8_t> moof);

class Scanner
{
public:
  // Larger boxes are passed over.
  static constexpr std::size_t max_box = std::size_t{8} * 1024 * 1024;

  // Another resource begins: what the last initialization said stays.
  void begin ();
  void feed (std::span<const std::uint8_t> bytes);
  // Those of the fragments that began since, each once: of their groups, and
  // of the movie.
  [[nodiscard]] std::vector<keys::KeyId> take ();

private:
  void begin_box (const bmff::Header &header);
  void end_box ();

  std::vector<keys::KeyId> movie_;
  std::vector<keys::KeyId> found_;
  std::vector<std::uint8_t> box_;  // the header, and of moov and moof all
  std::uint64_t left_ = 0;         // of the present box
  bool has_header_ = false;
  bmff::Type type_ = 0;  // 0: not one of these
  bool is_broken_ = false;
};

}  // namespace keyids

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace test {

// Makes the checks of an index file right again after its bytes were changed:
// written from the format's description, not from its code.
inline void reseal (std::vector<std::uint8_t> &file)
{
  auto put = [&file] (std::size_t at, std::uint64_t value) {
    for (std::size_t i = 0; i < 8; i++)
      file[at + i] = static_cast<std::uint8_t> (value >> 8 * i);
  };
  if (file.size () < 24) return;
  std::size_t size = 0;
  for (std::size_t i = 0; i < 4; i++)
    size |= static_cast<std::size_t> (file[12 + i]) << 8 * i;
  if (size < 24 || size > file.size ()) return;
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < 4; i++)
    seed |= static_cast<std::uint64_t> (file[8 + i]) << 8 * i;
  std::uint64_t chain = XXH3_64bits_withSeed (&file[24], size - 24, seed);
  put (16, chain);
  for (std::size_t at = size; file.size () - at >= 64; at += 64) {
    chain = XXH3_64bits_withSeed (&file[at + 8], 56, chain);
    put (at, chain);
  }
}

}  // namespace test

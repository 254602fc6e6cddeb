// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hash.h"

#include "hashfunctions.h"

namespace hash {

namespace {

const Functions &functions ()
{
  static constexpr Functions plain{once, update};
#ifdef RELAY_HASH_AVX2
  static const bool has_avx2 = __builtin_cpu_supports ("avx2") != 0;
  if (has_avx2) return avx2;
#endif
  return plain;
}

}  // namespace

std::uint64_t of (std::span<const std::uint8_t> bytes, std::uint64_t seed)
{
  return functions ().once (bytes.data (), bytes.size (), seed);
}

std::uint64_t of (std::span<const std::span<const std::uint8_t>> parts)
{
  XXH3_state_t state;
  XXH3_64bits_reset (&state);
  for (std::span<const std::uint8_t> part : parts)
    functions ().update (&state, part.data (), part.size ());
  return XXH3_64bits_digest (&state);
}

}  // namespace hash

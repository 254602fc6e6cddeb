// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#define XXH_INLINE_ALL
#include <xxhash.h>

// XXH3 as this file is compiled: the header chooses by the compiler's flags.
// Included once for each kind of processor, so there is nothing in it that the
// linker could take from the other one.
namespace hash {

struct Functions
{
  std::uint64_t (*once) (const void *, std::size_t, std::uint64_t seed);
  void (*update) (XXH3_state_t *, const void *, std::size_t);
};

static std::uint64_t once (
    const void *bytes, std::size_t size, std::uint64_t seed)
{
  return XXH3_64bits_withSeed (bytes, size, seed);
}

static void update (XXH3_state_t *state, const void *bytes, std::size_t size)
{
  XXH3_64bits_update (state, bytes, size);
}

// For a processor with AVX2; only where the build says so.
extern const Functions avx2;

}  // namespace hash

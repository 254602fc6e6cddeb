// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>

// XXH3 of 64 bits, with the widest registers that the processor has: a slice
// is hashed by the thread that writes it, and with SSE2 that costs a fifth of
// what the writing does.
namespace hash {

[[nodiscard]] std::uint64_t of (
    std::span<const std::uint8_t> bytes, std::uint64_t seed = 0);
// As if they were one.
[[nodiscard]] std::uint64_t of (
    std::span<const std::span<const std::uint8_t>> parts);

}  // namespace hash

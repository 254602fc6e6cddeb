// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>

// ID3 tags before packed audio (RFC 8216bis 3.1.4): "the timestamp of its first
// sample", which the audio itself does not have.
namespace id3 {

// Of 33 bits, and of the first PRIV frame of Apple's in the tags at the
// beginning of the bytes. Nothing: there is none, or it is not whole.
[[nodiscard]] std::optional<std::uint64_t> timestamp (
    std::span<const std::uint8_t> bytes);

}  // namespace id3

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "presentation.h"

// ID3 tags before packed audio (RFC 8216bis 3.1.4): "the timestamp of its first
// sample", which the audio itself does not have.
namespace id3 {

// 90,000 in a second, 33 bits.
inline constexpr std::uint64_t frequency = 90'000;
inline constexpr std::uint64_t wrap = std::uint64_t{1} << 33;

// Of the first PRIV frame of Apple's in the tags at the beginning of the bytes.
// Nothing: there is none, or it is not whole.
[[nodiscard]] std::optional<std::uint64_t> timestamp (
    std::span<const std::uint8_t> bytes);

// When segments begin. EXTINF is the length as somebody rounded it; timestamps
// are exact, but begin anywhere, and wrap after 26.5 hours. So the first one
// begins when the list says, and those that follow as much later as their
// timestamps are.
class Clock
{
public:
  // listed: when the list says that it begins. Discontinuous: its timestamps
  // have nothing to do with those before.
  [[nodiscard]] presentation::Time at (presentation::Time listed,
      std::optional<std::uint64_t> timestamp, bool discontinuous);

private:
  struct Anchor
  {
    presentation::Time time = 0;
    std::uint64_t timestamp = 0;
  };
  std::optional<Anchor> anchor_;
};

}  // namespace id3

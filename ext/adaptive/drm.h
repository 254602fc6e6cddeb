// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "presentation.h"

// What a manifest says of protection, as decrypters and licence servers want
// it (ISO/IEC 23001-7, DASH-IF IOP 7, W3C Encrypted Media Extensions 9.1).
namespace drm {

using presentation::ContentProtection;

// A system that has the keys, and one pssh box of it.
struct System
{
  std::string id;  // UUID of lower case
  std::vector<std::uint8_t> pssh;
  bool operator== (const System &) const = default;
};

// In the order of the manifest, each box once. Where the manifest has the
// data of a system without the box around it, or for ClearKey the key ids
// alone, the box is made.
[[nodiscard]] std::vector<System> systems (
    std::span<const ContentProtection> protections);

// Those of all protections, each once: 32 hexadecimal digits of lower case.
[[nodiscard]] std::vector<std::string> key_ids (
    std::span<const ContentProtection> protections);

// Where ClearKey's keys are to be had; "" = the manifest does not say.
[[nodiscard]] std::string license_uri (
    std::span<const ContentProtection> protections);

// The licence request for these (as key_ids () writes them).
[[nodiscard]] std::string license_request (std::span<const std::string> kids);

}  // namespace drm

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "keys.h"

// ProtectionSystemSpecificHeaderBox, ISO/IEC 23001-7 8.1.
namespace pssh {

// The key ids that a box of version 1 names. Empty for one of version 0, and
// for what is no such box.
std::vector<keys::KeyId> key_ids (std::span<const std::uint8_t> box);

// SystemID as a UUID of lower case. Empty for what is no such box.
std::string system_id (std::span<const std::uint8_t> box);

}  // namespace pssh

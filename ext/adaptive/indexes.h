// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "loader.h"

// The indexes of files (sidx), by which their segments are known.
namespace loader {

// In place of its SegmentBase. An index that refers to others: each level of
// them takes one round trip.
[[nodiscard]] Result<relay::Done> load_index (
    const Access &access, presentation::Representation &representation);

}  // namespace loader

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "presentation.h"

// DASH: which track of a period goes on with a track of the one before. Pads
// stay when a period begins: players do not survive it otherwise.
namespace lineup {

// Indexes of tracks, one for each period; nothing where there is none.
using Line = std::vector<std::optional<std::size_t>>;

// A line for each track of the first period, and one for each type that only a
// later period has, in the order of the manifest. Tracks of key frames alone
// are in none.
//
// In each period a line takes the track of its type and container that is most
// like its first one: of its language, then of its role, accessibility and id.
// Sound in another language is better than silence, words are not; so several
// lines may share a track.
[[nodiscard]] std::vector<Line> make (
    std::span<const presentation::Period> periods);

}  // namespace lineup

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "presentation.h"

// Tracks of key frames alone, for playing faster than everything can be fetched
// and decoded, and backward: I-frame playlists of HLS (RFC 8216bis 4.4.3.6,
// 4.4.6.3) and trick-mode sets of DASH (DASH-IF IOP 4.3 3.2.9).
namespace trickmode {

// The key frames of a track of the period: of those that can follow it on one
// pad, those with its pictures. Of several tracks one that names it goes before
// one that is for all; of each the first. Nothing: there are none.
//
// playing: the representation of it that the pad was made for.
[[nodiscard]] std::optional<presentation::Track> find (
    const presentation::Period &period, const presentation::Track &track,
    const presentation::Representation &playing);

}  // namespace trickmode

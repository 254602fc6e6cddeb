// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "presentation.h"

// Tracks of key frames alone, for playing faster than everything can be fetched
// and decoded, and backward: I-frame playlists of HLS (RFC 8216bis 4.4.3.6,
// 4.4.6.3) and trick-mode sets of DASH (DASH-IF IOP 4.3 3.2.9).
namespace trickmode {

// The key frames of a track of the period: of those that can follow it on one
// pad, those with its pictures, in the order of the manifest. A track whose
// representations are not all for the same rates comes several times: all of
// it, and for each higher rate those that are for that one, or more.
//
// playing: the representation of it that the pad was made for.
[[nodiscard]] std::vector<presentation::Track> find (
    const presentation::Period &period, const presentation::Track &track,
    const presentation::Representation &playing);

// Which of those of find () is played at a rate. Null: there are none.
//
// @maxPlayoutRate is "the maximum playout rate as a multiple of the regular
// playout rate, which is supported with the same decoder profile and level
// requirements as the normal playout rate" (ISO/IEC 23009-1 5.3.7.2); where it
// is not said it is 1, of tracks of key frames as of others. So, in this order:
// 1. One that can be played so fast, or else the fastest one.
// 2. One that names its track before one that is for all.
// 3. Backward, one in which no picture depends on another one: nothing else is
//    a whole for decoders that get it from its end.
// 4. The slowest one: what is for higher rates has fewer pictures.
// 5. The first one.
[[nodiscard]] std::shared_ptr<const presentation::Track> choose (
    std::span<const std::shared_ptr<const presentation::Track>> key_frames,
    double rate);

}  // namespace trickmode

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "m3u8.h"
#include "presentation.h"
#include "sidx.h"

// What is fetched next: the choice of representations, and their segments.
namespace schedule {

// The representation with the highest bandwidth that is not above the maximum
// (bit/s, 0 = none), or the lowest one when all are above.
[[nodiscard]] std::size_t choose (
    const presentation::Track &track, std::uint64_t max_bitrate);

// HLS: the one of a track that belongs to the variant's group for its type;
// nothing when the variant goes without this track.
[[nodiscard]] std::optional<std::size_t> choose_rendition (
    const presentation::Track &track,
    const presentation::Representation &variant);

// The n-th segment from 0; nothing past the last one, and nothing as long as
// the list has not been loaded (Playlist, SegmentBase).
[[nodiscard]] std::optional<presentation::Segment> segment (
    const presentation::Representation &representation, std::uint64_t n);

// What the media's own clock says at the beginning of the period.
[[nodiscard]] presentation::Time media_offset (
    const presentation::Representation &representation);

// The segments of an index that has been loaded; nothing when a time of it is
// beyond presentation::max_time.
[[nodiscard]] std::optional<presentation::SegmentList> to_segments (
    const presentation::SegmentBase &base, const sidx::Index &index);

}  // namespace schedule

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "presentation.h"

// Which representations of a track there are to choose from, and which one it
// is when that is fixed.
namespace choice {

enum class Selection
{
  automatic,  // by what the network carries and the buffer holds: see abr
  highest,
  lowest,
  nearest  // to connection_speed, above or below it
};

struct Limits
{
  Selection selection = Selection::automatic;
  std::uint64_t max_bitrate = 0;  // bit/s, 0 = none
  std::uint32_t max_height = 0;   // 0 = none
  // bit/s. Not 0: this is what the network carries, and nothing is measured.
  std::uint64_t connection_speed = 0;
  double bandwidth_usage = 0.9;  // of connection_speed
};

// What RFC 6381 codecs are made for, sorted, each once: of
// "mp4a.40.2,avc1.64001f" it is "aac avc". What is not known stands for itself.
[[nodiscard]] std::string codec_kinds (std::string_view codecs);

// A decoder that has been set up for the one takes the other: the same
// container and codecs. What does not say is taken as the same.
[[nodiscard]] bool is_switchable (const presentation::Representation &one,
    const presentation::Representation &other);

// The levels of a track, as indexes, by ascending bandwidth: more than one only
// for `automatic`, and then all of them can follow each other on one pad. What
// is beyond the limits is left out, as long as there is anything else;
// otherwise it is the lowest one. Empty for a track without representations.
[[nodiscard]] std::vector<std::size_t> levels (
    const presentation::Track &track, const Limits &limits);

// Played n times as fast, backward or forward, what is fetched needs n times as
// much of the network: bit/s, and the limits for it.
[[nodiscard]] std::uint64_t needed (std::uint64_t bandwidth, double rate);
[[nodiscard]] Limits at_rate (Limits limits, double rate);

// The one to begin with, before anything has been measured. The track has one.
[[nodiscard]] std::size_t first (
    const presentation::Track &track, const Limits &limits, double rate = 1);

// Of the tracks of each type the one that is for who has not asked for another:
// HLS DEFAULT=YES, the DASH role "main", AUTOSELECT=YES, no role at all; the
// first one of several. No sound where what is in the picture's track goes
// before it. One flag for each track.
[[nodiscard]] std::vector<bool> preferred (
    const std::vector<const presentation::Track *> &tracks);

// Picture and sound are in one track, or may be: a rendition says so, or there
// is no track of its own for the sound and it does not say that it is a picture
// only.
[[nodiscard]] bool is_muxed (const presentation::Track &track,
    const std::vector<const presentation::Track *> &tracks);

}  // namespace choice

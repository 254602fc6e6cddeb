// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "presentation.h"

// What is fetched before it is wanted: how far each pad may run ahead.
namespace ahead {

using presentation::Time;

// Of each pad, without the segment that is being sent.
struct Limits
{
  unsigned segments = 0;    // 0 = nothing is fetched ahead
  Time time = 0;            // 0 = no limit
  std::uint64_t bytes = 0;  // 0 = no limit
};

// How it stands with a pad. In running time, so that it is the same at any
// rate.
struct Lane
{
  bool is_active = false;  // its peer takes data, and there is more to fetch
  unsigned segments = 0;   // begun or there, behind the one being sent
  std::uint64_t bytes = 0;
  Time sent = 0;       // the end of the segment being sent
  Time fetched = 0;    // the end of the last one that was begun
  unsigned whole = 0;  // of these segments, there to the end
  Time there = 0;      // the end of the last one that is
};

// None of the limits lets it begin a segment.
[[nodiscard]] bool is_full (const Limits &limits, const Lane &lane);
// It may go on with the one that it has begun.
[[nodiscard]] bool may_read (const Limits &limits, const Lane &lane);
// It may begin another segment: there is room, and no other pad that has room
// is behind.
[[nodiscard]] bool may_begin (
    const Limits &limits, const Lane &lane, std::span<const Lane> others);

// How full it is, from 0 to 100: by what is first at its limit. Active ones
// alone are asked; 100 when there is none.
[[nodiscard]] int percent (const Limits &limits, std::span<const Lane> lanes);

}  // namespace ahead

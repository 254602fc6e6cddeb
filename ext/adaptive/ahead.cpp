// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ahead.h"

#include <algorithm>

namespace ahead {

namespace {

Time behind_sent (const Lane &lane, Time end)
{
  return end > lane.sent ? end - lane.sent : 0;
}

int part_of (std::uint64_t level, std::uint64_t limit)
{
  if (limit == 0) return 0;
  if (level >= limit) return 100;
  return static_cast<int> (
      100 * static_cast<double> (level) / static_cast<double> (limit));
}

}  // namespace

bool may_read (const Limits &limits, const Lane &lane)
{
  return limits.bytes == 0 || lane.bytes < limits.bytes;
}

bool is_full (const Limits &limits, const Lane &lane)
{
  return lane.segments >= limits.segments || !may_read (limits, lane) ||
         (limits.time > 0 && behind_sent (lane, lane.fetched) >= limits.time);
}

bool may_begin (
    const Limits &limits, const Lane &lane, std::span<const Lane> others)
{
  if (is_full (limits, lane)) return false;
  return std::ranges::none_of (others, [&] (const Lane &other) {
    return other.is_active && !is_full (limits, other) &&
           other.fetched < lane.fetched;
  });
}

int percent (const Limits &limits, std::span<const Lane> lanes)
{
  int out = 100;
  for (const Lane &lane : lanes) {
    if (!lane.is_active) continue;
    out = std::min (
        out, std::max ({part_of (lane.whole, limits.segments),
                 part_of (lane.bytes, limits.bytes),
                 part_of (behind_sent (lane, lane.there), limits.time)}));
  }
  return out;
}

}  // namespace ahead

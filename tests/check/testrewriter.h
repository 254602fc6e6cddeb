// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mp4.h"

namespace test {

// Pushes memory of its own, so that ASan sees both ends, and appends what
// leaves; in place or into other memory.
inline mp4::Result<relay::Done> push (mp4::Rewriter &rewriter,
    std::span<const std::uint8_t> in, std::vector<std::uint8_t> &out,
    bool is_in_place = false)
{
  std::vector<std::uint8_t> from (in.begin (), in.end ()), to;
  std::span<std::uint8_t> place = from;
  if (!is_in_place) {
    to.resize (from.size ());
    place = to;
  }
  mp4::Rewriter::Left left;
  mp4::Result<relay::Done> done = rewriter.push (from, place, left);
  out.insert (out.end (), left.held.begin (), left.held.end ());
  std::span<std::uint8_t> range =
      place.subspan (left.from, left.to - left.from);
  out.insert (out.end (), range.begin (), range.end ());
  return done;
}

// In pieces of a size, each second one in place.
inline mp4::Result<relay::Done> push_pieces (mp4::Rewriter &rewriter,
    std::span<const std::uint8_t> in, std::size_t step,
    std::vector<std::uint8_t> &out)
{
  for (std::size_t at = 0; at < in.size (); at += step) {
    mp4::Result<relay::Done> done =
        push (rewriter, in.subspan (at, std::min (step, in.size () - at)), out,
            at / step % 2 == 0);
    if (!done) return done;
  }
  return relay::Done{};
}

}  // namespace test

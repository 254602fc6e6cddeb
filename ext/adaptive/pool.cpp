// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pool.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace pool {

namespace {

std::size_t kind_of (std::size_t rounded)
{
  return static_cast<std::size_t> (
      std::countr_zero (rounded) - std::countr_zero (Pool::smallest));
}

}  // namespace

Block Pool::take (std::size_t size)
{
  bool kept = size <= largest;
  std::size_t rounded = std::max (size, smallest);
  rounded = kept ? std::bit_ceil (rounded)
                 : (rounded + smallest - 1) / smallest * smallest;
  if (rounded < size) return {};
  if (kept) {
    auto state = state_.lock ();
    std::vector<Block> &blocks = state->blocks[kind_of (rounded)];
    if (!blocks.empty ()) {
      Block block = std::move (blocks.back ());
      blocks.pop_back ();
      state->idle -= block.size;
      return block;
    }
  }
  Block block;
  block.data.reset (
      static_cast<std::uint8_t *> (std::aligned_alloc (smallest, rounded)));
  if (block.data) block.size = rounded;
  return block;
}

void Pool::give_back (Block block)
{
  if (!block.data || block.size > largest) return;
  auto state = state_.lock ();
  if (block.size > most_idle - state->idle) return;
  state->idle += block.size;
  state->blocks[kind_of (block.size)].push_back (std::move (block));
}

void Pool::trim (std::size_t most)
{
  std::vector<Block> out;  // freed when the lock is gone
  auto state = state_.lock ();
  for (std::size_t kind = kinds; kind-- > 0;) {
    std::vector<Block> &blocks = state->blocks[kind];
    while (state->idle > most && !blocks.empty ()) {
      state->idle -= blocks.back ().size;
      out.push_back (std::move (blocks.back ()));
      blocks.pop_back ();
    }
  }
}

}  // namespace pool

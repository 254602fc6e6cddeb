// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "common/guarded.h"

// Memory that is read into, used again and again: the block that came back last
// goes out first, while it is in the processor's cache, and the system has not
// to find and clear pages for each read.
namespace pool {

struct Free
{
  void operator() (std::uint8_t *p) const noexcept { std::free (p); }
};

struct Block
{
  std::unique_ptr<std::uint8_t, Free> data;  // null: there is no memory
  std::size_t size = 0;                      // may be more than asked for
};

// Safe from any thread.
class Pool
{
public:
  // Of this size and below blocks are kept; they are powers of two.
  static constexpr std::size_t smallest = 4096;
  static constexpr std::size_t largest = 1048576;
  // Of all sizes together, in bytes, while they lie idle.
  static constexpr std::size_t most_idle = 8388608;

  [[nodiscard]] Block take (std::size_t size);
  void give_back (Block block);
  // Of the idle ones, so many bytes stay; the largest go first.
  void trim (std::size_t most);
  [[nodiscard]] std::size_t idle () { return state_.lock ()->idle; }

private:
  static constexpr std::size_t kinds = 9;
  static_assert (smallest << (kinds - 1) == largest);

  struct State
  {
    std::array<std::vector<Block>, kinds> blocks;
    std::size_t idle = 0;
  };
  relay::Guarded<State> state_;
};

}  // namespace pool

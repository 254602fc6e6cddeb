// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slices.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace slices {

struct Pool::Free
{
  struct Block
  {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t size = 0;
  };
  explicit Free (std::size_t most) : limit (most) {}

  const std::size_t limit;
  std::mutex mutex;
  std::vector<Block> blocks;
  std::size_t bytes = 0;
};

Pool::Pool (std::size_t limit) : free_ (std::make_shared<Free> (limit)) {}

std::shared_ptr<std::uint8_t[]> Pool::take (std::size_t size)
{
  // Slices of one stream differ by their tables only.
  constexpr std::size_t unit = 16384;
  Free::Block block;
  block.size = (size + unit - 1) / unit * unit;
  {
    std::lock_guard lock (free_->mutex);
    auto fits = [&] (const Free::Block &free) {
      return free.size >= block.size && free.size / 2 <= block.size;
    };
    // The last that came is still in the processor's caches.
    auto found =
        std::find_if (free_->blocks.rbegin (), free_->blocks.rend (), fits);
    if (found != free_->blocks.rend ()) {
      std::swap (block, *found);
      std::swap (*found, free_->blocks.back ());
      free_->blocks.pop_back ();
      free_->bytes -= block.size;
    }
  }
  if (block.bytes == nullptr) block.bytes.reset (new std::uint8_t[block.size]);
  std::uint8_t *bytes = block.bytes.release ();
  auto give_back = [free = free_, size = block.size] (std::uint8_t *done) {
    Free::Block back{std::unique_ptr<std::uint8_t[]> (done), size};
    std::lock_guard lock (free->mutex);
    if (free->bytes + size > free->limit) return;
    free->bytes += size;
    free->blocks.push_back (std::move (back));
  };
  return {bytes, std::move (give_back)};
}

std::size_t Pool::free_bytes () const
{
  std::lock_guard lock (free_->mutex);
  return free_->bytes;
}

Pool &pool ()
{
  // As many as two streams of the largest slices, or many of usual ones, need.
  static Pool one (std::size_t{4} << 20);
  return one;
}

std::optional<Chunk> Memory::find (const Key &key)
{
  std::lock_guard lock (mutex_);
  Chunk *chunk = state_.cache.find (key);
  (chunk != nullptr ? state_.stats.hits : state_.stats.misses)++;
  if (chunk == nullptr) return std::nullopt;
  return *chunk;
}

void Memory::insert (const Key &key, Chunk chunk)
{
  // Freed when the lock is not held any more: that takes longer than all else.
  std::vector<Chunk> gone;
  std::size_t size = chunk.bytes.size ();
  std::lock_guard lock (mutex_);
  state_.cache.insert (key, std::move (chunk), size, gone);
  state_.stats.evictions += gone.size ();
}

void Memory::set_limit (std::size_t limit)
{
  std::vector<Chunk> gone;
  std::lock_guard lock (mutex_);
  state_.cache.set_limit (limit, gone);
  state_.stats.evictions += gone.size ();
}

Stats Memory::stats ()
{
  std::lock_guard lock (mutex_);
  Stats stats = state_.stats;
  stats.bytes = state_.cache.bytes ();
  stats.slices = state_.cache.count ();
  stats.limit = state_.cache.limit ();
  return stats;
}

namespace {

struct Process
{
  Memory memory{0};
  // In this order: the shares' lock, then the memory's.
  std::mutex mutex;
  std::multiset<std::size_t> limits;
};

Process &process ()
{
  static Process one;
  return one;
}

}  // namespace

Share::Share (std::size_t limit) : limit_ (limit)
{
  std::lock_guard lock (process ().mutex);
  process ().limits.insert (limit);
  process ().memory.set_limit (*process ().limits.rbegin ());
}

Share::~Share ()
{
  std::lock_guard lock (process ().mutex);
  std::multiset<std::size_t> &limits = process ().limits;
  limits.erase (limits.find (limit_));
  process ().memory.set_limit (limits.empty () ? 0 : *limits.rbegin ());
}

Memory &Share::memory () const
{
  return process ().memory;
}

}  // namespace slices

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slices.h"

#include <set>
#include <utility>
#include <vector>

namespace slices {

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

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "s3fifo.h"

// The first level of the cache: verified slices in memory.
namespace slices {

// Bytes that stay as they are for as long as their owner lives.
struct Chunk
{
  std::span<const std::uint8_t> bytes;
  std::shared_ptr<const void> owner;
};

struct Key
{
  // The object's number, which no other has, and the record in it.
  std::uint64_t object = 0;
  std::uint32_t index = 0;

  bool operator== (const Key &) const = default;
};

struct KeyHash
{
  std::size_t operator() (const Key &key) const
  {
    // The object's number is random already.
    return key.object + key.index * std::size_t{0x9e3779b97f4a7c15};
  }
};

struct Stats
{
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;
  std::size_t bytes = 0;
  std::size_t slices = 0;
  std::size_t limit = 0;
};

// Blocks of memory that were used before: one that is new costs the system more
// than to read a slice into it. For any number of threads.
class Pool
{
public:
  // Keeps no more bytes than these that nobody uses.
  explicit Pool (std::size_t limit);
  // Of this size, with whatever is in it; it goes back when its last user goes.
  std::shared_ptr<std::uint8_t[]> take (std::size_t size);
  [[nodiscard]] std::size_t free_bytes () const;

private:
  struct Free;
  std::shared_ptr<Free> free_;
};

// That of the process.
Pool &pool ();

// For any number of threads. What find () gave stays, and counts no more, when
// its slice has to go.
class Memory
{
public:
  explicit Memory (std::size_t limit) : state_ (limit) {}

  std::optional<Chunk> find (const Key &key);
  void insert (const Key &key, Chunk chunk);
  void set_limit (std::size_t limit);
  Stats stats ();

private:
  struct State
  {
    explicit State (std::size_t limit) : cache (limit) {}

    s3fifo::Cache<Key, Chunk, KeyHash> cache;
    Stats stats;
  };

  std::mutex mutex_;
  State state_;
};

// A share in the one memory of the process. It is as large as the largest share
// that there is; with the last one its slices go.
class Share
{
public:
  explicit Share (std::size_t limit);
  ~Share ();
  Share (const Share &) = delete;
  Share &operator= (const Share &) = delete;

  [[nodiscard]] Memory &memory () const;

private:
  std::size_t limit_;
};

}  // namespace slices

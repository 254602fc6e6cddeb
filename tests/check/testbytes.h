// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

#include "bytestream.h"
#include "slices.h"
#include "teststore.h"

// Byte streams whose bytes follow from the seed and the offset. Without check's
// macros, which are for one thread of one process.
namespace test {

inline std::uint8_t byte_at (std::uint64_t offset, unsigned seed)
{
  std::uint64_t x = (offset / 8 + 1) * 0x9e3779b97f4a7c15 + seed * 7919;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9;
  return static_cast<std::uint8_t> (
      (x >> (offset % 8 * 8)) & (is_compressible ? 1U : 0xffU));
}

inline Bytes resource (std::uint64_t from, std::uint64_t to, unsigned seed)
{
  Bytes bytes (to - from);
  for (std::size_t i = 0; i < bytes.size (); i++)
    bytes[i] = byte_at (from + i, seed);
  return bytes;
}

inline bool is_right (
    const bytestream::Found &found, std::uint64_t offset, unsigned seed)
{
  for (std::size_t i = 0; i < found.chunk.bytes.size (); i++)
    if (found.chunk.bytes[i] != byte_at (offset + i, seed)) return false;
  return !found.chunk.bytes.empty ();
}

inline bytestream::Facts facts_of (std::uint64_t total, const char *etag = "")
{
  bytestream::Facts facts;
  facts.total = total;
  facts.etag = etag;
  return facts;
}

// Fills up to `to`, or to where the claim ends, as an origin sends it. Goes on
// when told that the disk fails, and says so.
inline store::Result<relay::Done> fill (bytestream::Filler &filler,
    std::uint64_t to, unsigned seed, std::size_t step = 33)
{
  using namespace std::chrono_literals;
  store::Result<relay::Done> result = relay::Done{};
  to = std::min (to, filler.left ().to);
  while (filler.position () < to) {
    std::uint64_t end = std::min<std::uint64_t> (filler.position () + step, to);
    auto filled =
        filler.fill (chunk (resource (filler.position (), end, seed)), 10s);
    if (!filled) result = filled;
    if (!filled && filled.code () == store::Error::changed) break;
  }
  return result;
}

// How many bytes from the offset on are there and right; nothing if some are
// wrong. Does not wait.
inline std::optional<std::uint64_t> right_bytes (
    const bytestream::Stream &stream, std::uint64_t from, unsigned seed,
    std::uint64_t to = bytestream::unknown, std::size_t step = 77)
{
  std::uint64_t at = from;
  while (at < to) {
    bytestream::Found found = stream.read (
        at, static_cast<std::size_t> (std::min<std::uint64_t> (step, to - at)));
    if (found.place != bytestream::Place::bytes) break;
    if (!is_right (found, at, seed)) return std::nullopt;
    at += found.chunk.bytes.size ();
  }
  return at - from;
}

}  // namespace test

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <random>

#include "store.h"
#include "testutil.h"

// Objects of a store that follow from a seed, for the tests of the store. The
// functions are without check's macros, which are for one thread of one
// process.
namespace test {

// Small slices, so that a little stream has many.
inline constexpr store::Options small_store{
    .queue_bytes = 1 << 20, .slice_size = 100};

// What is kept can be compressed, and is not noise.
inline bool is_compressible = false;

inline Bytes pattern (std::size_t size, unsigned seed)
{
  std::minstd_rand random (seed + 1);
  Bytes bytes (size);
  for (std::uint8_t &byte : bytes)
    byte = static_cast<std::uint8_t> (
        (random () >> 8) & (is_compressible ? 1U : 0xffU));
  return bytes;
}

inline store::Chunk chunk (Bytes bytes)
{
  auto owner = std::make_shared<const Bytes> (std::move (bytes));
  return {*owner, owner};
}

// One event and the payload, to the end.
inline store::Result<relay::Done> keep (
    store::Store &store, std::string_view key, std::size_t size, unsigned seed)
{
  using namespace std::chrono_literals;
  auto writer = store.create (key);
  if (!writer) return writer.error ();
  (void)(*writer)->event (hex ("e0"), 10s);
  for (std::size_t at = 0; at < size; at += 4000) {
    Bytes all = pattern (size, seed);
    auto from = all.begin () + static_cast<std::ptrdiff_t> (at);
    auto length =
        static_cast<std::ptrdiff_t> (std::min<std::size_t> (4000, size - at));
    (void)(*writer)->append ({}, chunk (Bytes (from, from + length)), 10s);
  }
  (*writer)->finish ();
  return (*writer)->close ();
}

// The payload of a whole object; nothing if a part of it cannot be had.
inline std::optional<Bytes> payload_of (const store::Reader &reader)
{
  Bytes payload;
  for (const record::Record &record : reader.index ().records) {
    Bytes stored (record.size ());
    if (!reader.read (record, stored)) return std::nullopt;
    if (record.type != record::Type::slice) continue;
    if (!record::parse_packets (stored, record)) return std::nullopt;
    payload.insert (
        payload.end (), stored.begin (), stored.begin () + record.payload);
  }
  return payload;
}

inline bool is_there (
    store::Store &store, std::string_view key, std::size_t size, unsigned seed)
{
  auto reader = store.find (key);
  return reader.ok () && payload_of (**reader) == pattern (size, seed);
}

inline std::vector<std::filesystem::path> files_of (
    const std::filesystem::path &folder, std::string_view suffix)
{
  std::vector<std::filesystem::path> found;
  for (const auto &entry :
      std::filesystem::recursive_directory_iterator (folder))
    if (entry.path ().extension () == suffix) found.push_back (entry.path ());
  std::sort (found.begin (), found.end ());
  return found;
}

}  // namespace test

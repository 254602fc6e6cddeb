// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "body.h"
#include "store.h"

// Initializations and segments kept in the store of cachetee, as they came over
// the network: what is encrypted stays so. What is kept is whole, and is all
// read and verified before its first byte is given: a damaged one is a miss.
namespace segmentcache {

// Of one that is larger nothing is kept, and nothing is looked for.
inline constexpr std::uint64_t largest = std::uint64_t{128} << 20;

struct Settings
{
  std::filesystem::path folder;
  std::uint64_t size = 0;      // that all of it may take; 0 = no limit
  std::uint64_t min_free = 0;  // on the disk; 0 = no limit
};

struct Counters
{
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> misses{0};
  std::atomic<std::uint64_t> failures{0};  // what could not be kept, or read
};

// Whether a response may be kept (RFC 9111 5.2.2). Without a length it may not:
// of what is cut between two chunks nobody could tell it later.
[[nodiscard]] bool may_be_kept (const fetcher::Head &head);

// From any thread.
class Cache
{
public:
  // warn: called once, for the first failure. counters outlive it.
  Cache (const Settings &settings, Counters &counters,
      std::function<void (const std::string &what)> warn);
  Cache (const Cache &) = delete;
  Cache &operator= (const Cache &) = delete;
  ~Cache () = default;

  // Null when it is not there. uri: for the head.
  std::unique_ptr<body::Body> find (
      const std::string &key, const std::string &uri);
  // The same body, of which a copy is kept when it has been read to its end.
  std::unique_ptr<body::Body> keep (
      const std::string &key, std::unique_ptr<body::Body> body);

  void failed (store::Failure failure);

private:
  std::shared_ptr<store::Store> store_;  // null: it could not be opened
  Counters &counters_;
  const std::function<void (const std::string &)> warn_;
  std::atomic<bool> warned_{false};
};

}  // namespace segmentcache

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/guarded.h"
#include "fetcher.h"

// Keys of segments: asked for once for each URI by the thread that wants one
// first, held in memory alone, and wiped at the end.
namespace keystore {

// Wiped when nobody has it any more.
class Key
{
public:
  explicit Key (std::vector<std::uint8_t> bytes) : bytes_ (std::move (bytes)) {}
  Key (const Key &) = delete;
  Key &operator= (const Key &) = delete;
  ~Key ();

  [[nodiscard]] std::span<const std::uint8_t> bytes () const { return bytes_; }

private:
  std::vector<std::uint8_t> bytes_;
};

// From any thread.
class Store
{
public:
  // An absolute URI, data: too. Whoever wants a key that somebody is asking for
  // waits for it, and has the same answer. cancellable and counters may be
  // null.
  [[nodiscard]] fetcher::Result<std::shared_ptr<const Key>> get (
      const fetcher::Settings &settings, const std::string &uri,
      GCancellable *cancellable, fetcher::Counters *counters);

private:
  struct Attempt
  {
    bool done = false;
    std::shared_ptr<const Key> key;
    std::optional<fetcher::Problem> problem;
  };
  using Attempts = std::map<std::string, std::shared_ptr<Attempt>, std::less<>>;

  void wait (Attempt &attempt, GCancellable *cancellable);

  relay::Guarded<Attempts> attempts_;
  std::condition_variable changed_;
};

}  // namespace keystore

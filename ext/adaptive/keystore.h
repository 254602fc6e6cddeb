// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
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
  Store ();
  ~Store () { stop (); }
  Store (const Store &) = delete;
  Store &operator= (const Store &) = delete;

  // An absolute URI, data: too. Whoever wants a key that somebody is asking for
  // waits for it, and has the same answer. cancellable and counters may be
  // null.
  [[nodiscard]] fetcher::Result<std::shared_ptr<const Key>> get (
      const fetcher::Settings &settings, const std::string &uri,
      GCancellable *cancellable, fetcher::Counters *counters);

  // Asks for one by a thread of its own, unless somebody has already. It is
  // tried once: who wants the key then gets it, or tries again.
  void begin (const fetcher::Settings &settings, const std::string &uri,
      fetcher::Counters *counters);
  // Until what has been begun has its place among the connections of its host:
  // what is asked for from then on does not go before it. False: it is tried
  // again and again, or has failed; see get (). So it is where it would have to
  // be waited for, unless waits.
  [[nodiscard]] bool wait_for_place (
      const std::string &uri, GCancellable *cancellable, bool waits = true);
  // What has been begun, when it is there. Null: it is not, or it has no
  // connection: who has one may not wait for that. See get ().
  [[nodiscard]] std::shared_ptr<const Key> wait_for_key (
      const std::string &uri, GCancellable *cancellable);
  // Ends what has been begun, and lets nothing more begin: before the counters
  // go.
  void stop ();

private:
  struct Attempt
  {
    bool is_begun = false;  // see begin ()
    bool is_placed = false;
    bool is_queued = false;  // it waits for a connection
    bool done = false;
    std::shared_ptr<const Key> key;
    std::optional<fetcher::Problem> problem;
  };
  using Attempts = std::map<std::string, std::shared_ptr<Attempt>, std::less<>>;

  // Those that were begun.
  struct Thread
  {
    std::shared_ptr<Attempt> attempt;
    std::thread thread;
  };
  struct State
  {
    Attempts attempts;
    std::list<Thread> threads;
    bool is_stopped = false;
  };

  void wait (GCancellable *cancellable, const std::function<bool ()> &is_over);
  [[nodiscard]] std::shared_ptr<Attempt> known (const std::string &uri);
  void finish (const std::string &uri, Attempt &attempt,
      fetcher::Result<fetcher::Whole> whole);
  void join_finished ();

  const std::shared_ptr<GCancellable> stopping_;
  relay::Guarded<State> state_;
  std::condition_variable changed_;
};

}  // namespace keystore

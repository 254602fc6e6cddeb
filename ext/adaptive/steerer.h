// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "common/guarded.h"
#include "fetcher.h"
#include "places.h"
#include "presentation.h"
#include "steering.h"

// Asks the server of Content Steering by which pathway the media are to be
// asked for, by a thread of its own, as often as it says.
class Steerer
{
public:
  // All but places are called by the thread.
  struct Way
  {
    fetcher::Settings settings;
    fetcher::Counters *counters = nullptr;  // may be null
    places::Book *places = nullptr;         // where the answers go
    // What is measured, in bit/s.
    std::function<std::optional<std::uint64_t> ()> throughput;
    // What has been said; uri: the server, without secrets.
    std::function<void (const std::string &uri, const steering::Manifest &)>
        report;
    // It cannot be asked, or what it said makes no sense. It is asked again.
    std::function<void (const std::string &why)> warn;
  };

  explicit Steerer (Way way);
  ~Steerer () { stop (); }
  Steerer (const Steerer &) = delete;
  Steerer &operator= (const Steerer &) = delete;

  // Does not wait. Once.
  void begin (const presentation::Steering &where);
  // Breaks off a request. From any thread, but for this one.
  void stop ();

private:
  struct Asked
  {
    std::chrono::seconds ttl;  // until it is to be asked again
    bool again = true;
  };

  void run ();
  [[nodiscard]] Asked ask ();
  [[nodiscard]] Asked refused (const fetcher::Problem &problem);

  const Way way_;
  const std::shared_ptr<GCancellable> stopping_;
  relay::Guarded<bool> is_stopped_{false};
  std::condition_variable stopped_;
  // Of the thread.
  presentation::Steering where_;
  std::chrono::seconds ttl_ = steering::Manifest{}.ttl;
  std::thread thread_;
};

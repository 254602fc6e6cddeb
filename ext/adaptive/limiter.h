// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "common/guarded.h"

// How many transfers a host has at once: first come, first served.
namespace limiter {

using Clock = std::chrono::steady_clock;

class Ticket;

// Safe from any thread; it outlives its tickets.
class Limiter
{
public:
  Limiter () = default;
  ~Limiter () = default;
  Limiter (const Limiter &) = delete;
  Limiter &operator= (const Limiter &) = delete;

  // Ends a ticket's waiting. From any thread, also from one that has it through
  // something other than a std::mutex: nothing of it is touched without ours.
  void stop (Ticket &ticket);

private:
  friend class Ticket;

  // What tickets see without the lock.
  struct Traffic
  {
    std::atomic<Clock::rep> progress{0};
    std::atomic<std::size_t> waiting{0};
  };
  struct Host
  {
    unsigned active = 0;
    std::list<Ticket *> queue;
    std::shared_ptr<Traffic> traffic = std::make_shared<Traffic> ();
  };
  using Hosts = std::map<std::string, Host>;

  static void advance (Host &host);

  relay::Guarded<Hosts> hosts_;
};

struct Request
{
  std::string host;
  // The number with this one included; 0 = does not wait, but counts.
  unsigned limit = 0;
  bool urgent = false;  // before all that are not
  // Without progress of any transfer of the host; 0 = no end.
  std::chrono::milliseconds patience{0};
};

enum class Outcome
{
  granted,
  stopped,
  no_progress
};

// A place in the queue, and then one of the host's transfers, until it is
// destroyed.
class Ticket
{
public:
  Ticket (Limiter &limiter, Request request);
  ~Ticket ();
  Ticket (const Ticket &) = delete;
  Ticket &operator= (const Ticket &) = delete;

  // Nobody need wait for it.
  [[nodiscard]] bool is_granted ();
  [[nodiscard]] Outcome wait ();
  // As Limiter::stop ().
  void stop () { limiter_.stop (*this); }
  // This transfer gets on.
  void progress ()
  {
    traffic_->progress = Clock::now ().time_since_epoch ().count ();
  }
  // Somebody waits for one of the host's transfers to end.
  [[nodiscard]] bool is_wanted () const { return traffic_->waiting > 0; }

private:
  friend class Limiter;

  Limiter &limiter_;
  const Request request_;
  std::shared_ptr<Limiter::Traffic> traffic_;
  // Of the limiter's lock.
  bool granted_ = false;
  bool stopped_ = false;
  std::condition_variable changed_;
};

}  // namespace limiter

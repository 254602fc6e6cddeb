// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/guarded.h"
#include "disk.h"
#include "store.h"

// What all that is done with one folder has in common, for store.cpp and
// bytestream.cpp: the queue of what is to be written, with the thread that does
// it, and the thread that looks after the limits.
namespace bytestream {
class Object;
}

namespace store {

// What an entry of the queue costs besides its bytes.
inline constexpr std::size_t job_cost = 256;

// A piece of work for the store's thread.
class Job
{
public:
  // So much of the queue's bytes is taken until it is done.
  explicit Job (std::size_t queue_cost) : cost (queue_cost) {}
  virtual ~Job () = default;
  Job (const Job &) = delete;
  Job &operator= (const Job &) = delete;

  // Under the queue's lock: when it is taken, before it is done, and after;
  // true if that is what somebody may wait for.
  virtual void queued () {}
  virtual void begin () {}
  // What can be done before its turn by who has to wait, once; it outlives the
  // job. Nothing if there is no such thing.
  virtual std::function<void ()> early () { return nullptr; }
  virtual void run () = 0;
  virtual bool end () { return false; }

  const std::size_t cost;
};

struct Queue
{
  std::deque<std::unique_ptr<Job>> jobs;
  // Jobs that were taken out of it, and those with them that were helped with.
  std::uint64_t taken = 0;
  std::uint64_t helped = 0;
  std::size_t bytes = 0;
  // The store's thread has to be woken.
  bool sleeps = false;
  bool stop = false;
};

// What the thread that looks after the limits is told, and what it found out.
struct Upkeep
{
  Level level;
  // Looks that were asked for, and that were done.
  std::uint64_t asked = 0;
  std::uint64_t done = 0;
  // Written since the last look, and how much may be before the next.
  std::uint64_t written = 0;
  std::uint64_t allowance = 0;
  // The disk was full.
  bool starved = false;
  std::vector<std::shared_ptr<const Reader>> used;
  bool stop = false;
};

// Drawn at random: the number of an object.
std::uint64_t random_id ();
// Since 1970.
std::uint64_t seconds_now ();
// A clock that was set back does not make anything younger.
std::chrono::seconds age_since (std::uint64_t seconds);

// Ends when told, and then only when the queue is empty; nobody who could add
// to it is left by then. None of the locks is taken while another is held.
struct Shared
{
  Shared (std::filesystem::path path, const Options &settings);
  ~Shared ();
  Shared (const Shared &) = delete;
  Shared &operator= (const Shared &) = delete;

  [[nodiscard]] bool has_room (const Queue &q, std::size_t cost) const
  {
    return q.bytes == 0 || cost == 0 || q.bytes + cost <= options.queue_bytes;
  }
  // False if there was no room for so long. What is larger than the queue goes
  // in alone. Who has to wait does so until there is room for more than this,
  // and is not woken for every job.
  template <class Predicate>
  bool wait_for_room (relay::Guarded<Queue>::Access &access, std::size_t cost,
      std::chrono::milliseconds patience, Predicate is_given_up)
  {
    auto fits = [&] (const Queue &q, std::size_t limit) {
      return is_given_up () || q.bytes == 0 || cost == 0 ||
             q.bytes + cost <= limit;
    };
    if (fits (*access, options.queue_bytes)) return true;
    hurry (access);
    if (patience.count () > 0)
      help (access, [&] (const Queue &q) { return fits (q, low_mark ()); });
    (void)access.wait_for (
        room, patience, [&] (const Queue &q) { return fits (q, low_mark ()); });
    return fits (*access, options.queue_bytes);
  }
  // Does of the work what can be done before its turn, until that is so.
  template <class Predicate>
  void help (relay::Guarded<Queue>::Access &access, Predicate is_enough)
  {
    while (!is_enough (*access)) {
      std::function<void ()> early = take_early (*access);
      if (!early) return;
      access.unlock ();
      early ();
      access.lock ();
    }
  }
  // Takes the job, or says that there is no room for it. One that costs nothing
  // is always taken.
  bool enqueue (relay::Guarded<Queue>::Access &access, std::unique_ptr<Job> job,
      std::chrono::milliseconds patience);
  // The same, where it is known that there is room. To wake a thread costs
  // whoever does it more than all else that is done for a buffer, so the
  // store's thread looks by itself for a while after it had something to do.
  void add (relay::Guarded<Queue>::Access &access, std::unique_ptr<Job> job);
  // Somebody waits for what is in the queue.
  void hurry (relay::Guarded<Queue>::Access &access);

  // The most that one object may write.
  [[nodiscard]] std::uint64_t object_limit () const;
  void note_written (std::uint64_t bytes);
  void note_failure (const Failure &why);
  void note_use (std::shared_ptr<const Reader> reader);

  const std::filesystem::path folder;
  const Options options;
  disk::Disk &disk;
  std::atomic<bool> full = false;
  std::atomic<bool> stopping = false;
  relay::Guarded<Queue> queue;
  std::condition_variable work;
  std::condition_variable room;
  relay::Guarded<Upkeep> upkeep;
  std::condition_variable look;
  // The newest object of each key that somebody has.
  relay::Guarded<std::map<std::string, std::weak_ptr<bytestream::Object>>>
      streams;

private:
  struct Swept
  {
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;
    std::uint64_t evictions = 0;
    std::uint64_t allowance = 0;
    bool full = false;
  };

  [[nodiscard]] std::size_t low_mark () const
  {
    return options.queue_bytes - options.queue_bytes / 4;
  }
  // When there is so much to do it is woken.
  [[nodiscard]] std::size_t wake_mark () const
  {
    return options.queue_bytes / 4;
  }
  [[nodiscard]] bool has_limits () const
  {
    return options.l2_size > 0 || options.min_free > 0;
  }
  static std::function<void ()> take_early (Queue &queue);
  void run ();
  void keep ();
  Swept sweep (bool starved);
  std::uint64_t excess_of (std::uint64_t bytes);

  // The last: they use all of it.
  std::thread thread_;
  std::thread keeper_;
};

}  // namespace store

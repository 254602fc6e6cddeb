// SPDX-License-Identifier: LGPL-2.1-or-later
#include "shared.h"

#include <signal.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace store {

namespace fs = std::filesystem;

namespace {

// Readers that wait to be marked as used; they keep their files open.
constexpr std::size_t used_limit = 32;

// How long the store's thread looks by itself for what comes next. What was
// not written when the process is killed is lost, so it is short.
constexpr std::chrono::milliseconds nap{1};

// Where eviction begins and how far it goes, below the limit and above what is
// to be left free. Between two looks a fortieth is written at most.
constexpr std::uint64_t high_part = 40;
constexpr std::uint64_t low_part = 10;

void block_signals ()
{
  // A process beyond its file size limit is told by errno: no signal of ours
  // may end it.
  sigset_t all;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, nullptr);
}

// How much may be written before the next look. Others write too.
std::uint64_t allowance_of (
    std::uint64_t limit, std::uint64_t left, bool is_full)
{
  return std::max (limit / high_part, is_full ? 0 : left / 4);
}

}  // namespace

std::uint64_t random_id ()
{
  std::uint64_t id = 0;
  // Cannot fail for so few bytes once the system is up.
  while (getrandom (&id, sizeof (id), 0) != sizeof (id)) {
  }
  return id;
}

std::uint64_t seconds_now ()
{
  auto now = std::chrono::system_clock::now ().time_since_epoch ();
  return static_cast<std::uint64_t> (
      std::chrono::duration_cast<std::chrono::seconds> (now).count ());
}

std::chrono::seconds age_since (std::uint64_t seconds)
{
  std::uint64_t now = seconds_now ();
  std::uint64_t age = now > seconds ? now - seconds : seconds - now;
  constexpr auto most = std::chrono::seconds::max ().count ();
  return std::chrono::seconds (static_cast<std::chrono::seconds::rep> (
      std::min<std::uint64_t> (age, most)));
}

Shared::Shared (fs::path path, const Options &settings)
    : folder (std::move (path)),
      options (settings),
      disk (settings.disk != nullptr ? *settings.disk : disk::system ()),
      thread_ ([this] { run (); }),
      keeper_ ([this] { keep (); })
{
  if (!has_limits ()) return;
  upkeep.lock ()->asked++;
  look.notify_all ();
}

Shared::~Shared ()
{
  queue.lock ()->stop = true;
  work.notify_all ();
  thread_.join ();
  stopping = true;
  upkeep.lock ()->stop = true;
  look.notify_all ();
  keeper_.join ();
}

void Shared::run ()
{
  block_signals ();
  pthread_setname_np (pthread_self (), "cachetee-write");
  auto access = queue.lock ();
  auto is_wanted = [] (const Queue &q) { return q.stop || !q.jobs.empty (); };
  while (true) {
    if (access->jobs.empty () && !access.wait_for (work, nap, is_wanted)) {
      access->sleeps = true;
      access.wait (work, is_wanted);
      access->sleeps = false;
    }
    if (access->jobs.empty ()) return;
    std::unique_ptr<Job> job = std::move (access->jobs.front ());
    access->jobs.pop_front ();
    access->taken++;
    job->begin ();
    access.unlock ();

    job->run ();

    access.lock ();
    bool is_awaited = job->end ();
    access->bytes -= job->cost;
    if (is_awaited || access->bytes <= low_mark ()) room.notify_all ();
  }
}

std::function<void ()> Shared::take_early (Queue &queue)
{
  // The next ones would be done before it.
  queue.helped = std::max (queue.helped, queue.taken + 2);
  std::function<void ()> early;
  while (!early && queue.helped < queue.taken + queue.jobs.size ())
    early = queue.jobs[queue.helped++ - queue.taken]->early ();
  return early;
}

bool Shared::enqueue (relay::Guarded<Queue>::Access &access,
    std::unique_ptr<Job> job, std::chrono::milliseconds patience)
{
  if (!wait_for_room (access, job->cost, patience, [] { return false; }))
    return false;
  add (access, std::move (job));
  return true;
}

void Shared::add (
    relay::Guarded<Queue>::Access &access, std::unique_ptr<Job> job)
{
  std::size_t before = access->bytes;
  access->bytes += job->cost;
  job->queued ();
  access->jobs.push_back (std::move (job));
  bool is_much = before < wake_mark () && access->bytes >= wake_mark ();
  if (access->sleeps || is_much) hurry (access);
}

void Shared::hurry (relay::Guarded<Queue>::Access &access)
{
  // Once is enough.
  access->sleeps = false;
  work.notify_one ();
}

std::uint64_t Shared::object_limit () const
{
  if (options.l2_size == 0) return ~std::uint64_t{0};
  return options.l2_size - options.l2_size / low_part;
}

void Shared::note_written (std::uint64_t bytes)
{
  if (!has_limits () || bytes == 0) return;
  auto access = upkeep.lock ();
  access->written += bytes;
  if (access->written < access->allowance || access->asked > access->done)
    return;
  access->asked++;
  look.notify_all ();
}

void Shared::note_failure (const Failure &why)
{
  if (why.position != ENOSPC && why.position != EDQUOT) return;
  full = true;
  auto access = upkeep.lock ();
  access->starved = true;
  access->level.full = true;
  access->asked++;
  look.notify_all ();
}

void Shared::note_use (std::shared_ptr<const Reader> reader)
{
  auto access = upkeep.lock ();
  if (access->used.size () >= used_limit) return;
  access->used.push_back (std::move (reader));
  look.notify_all ();
}

void Shared::keep ()
{
  block_signals ();
  pthread_setname_np (pthread_self (), "cachetee-keep");
  auto access = upkeep.lock ();
  while (true) {
    auto is_wanted = [] (const Upkeep &u) {
      return u.stop || u.asked > u.done || !u.used.empty ();
    };
    if (!access->level.full)
      access.wait (look, is_wanted);
    else if (!access.wait_for (look, options.retry, is_wanted))
      access->asked++;
    if (access->stop) return;
    std::vector<std::shared_ptr<const Reader>> used;
    std::swap (used, access->used);
    std::uint64_t asked = access->asked;
    bool wanted = asked > access->done;
    bool starved = wanted && std::exchange (access->starved, false);
    if (wanted) access->written = 0;
    access.unlock ();

    for (const auto &reader : used) reader->touch ();
    // Their files are not in use because of us.
    used.clear ();
    std::optional<Swept> swept;
    if (wanted) swept = sweep (starved);

    access.lock ();
    if (!swept) continue;
    Level &level = access->level;
    level.known = true;
    level.objects = swept->objects;
    level.bytes = swept->bytes;
    level.evictions += swept->evictions;
    // It may have been found full again meanwhile, which is another look.
    level.full = swept->full || access->starved;
    full = level.full;
    access->starved |= starved && swept->full;
    access->allowance = swept->allowance;
    access->done = asked;
    look.notify_all ();
  }
}

// The folder itself says what is in it, for other processes add to it and
// remove from it as we do.
Shared::Swept Shared::sweep (bool starved)
{
  std::vector<folder::Entry> entries =
      folder::scan (disk, folder, [this] { return stopping.load (); });
  Swept swept;
  for (const folder::Entry &entry : entries) swept.bytes += entry.bytes;
  swept.objects = entries.size ();
  std::uint64_t excess = excess_of (swept.bytes);
  if (starved) excess = std::max (excess, swept.bytes / low_part + 1);

  std::uint64_t freed = 0;
  if (excess > 0) {
    for (const folder::Entry &entry : by_last_use (std::move (entries))) {
      if (freed >= excess || stopping) break;
      if (folder::remove (disk, entry, entry.last_use) !=
          folder::Removal::removed)
        continue;
      freed += entry.bytes;
      swept.objects--;
      swept.evictions++;
    }
  }
  swept.bytes -= freed;

  std::uint64_t free = ~std::uint64_t{0};
  if (disk.available (folder.c_str (), free) != 0) free = ~std::uint64_t{0};
  std::uint64_t limit = options.l2_size;
  swept.full =
      (limit > 0 && swept.bytes > limit) || free < options.min_free ||
      (starved && freed == 0 && free < std::uint64_t{4} * options.slice_size);
  swept.allowance = ~std::uint64_t{0};
  if (limit > 0)
    swept.allowance = allowance_of (limit, limit - swept.bytes, swept.full);
  if (options.min_free > 0)
    swept.allowance = std::min (swept.allowance,
        allowance_of (options.min_free, free - options.min_free, swept.full));
  return swept;
}

// How much is to be removed.
std::uint64_t Shared::excess_of (std::uint64_t bytes)
{
  std::uint64_t excess = 0;
  std::uint64_t limit = options.l2_size;
  if (limit > 0 && bytes > limit - limit / high_part)
    excess = bytes - (limit - limit / low_part);
  std::uint64_t least = options.min_free;
  std::uint64_t free = 0;
  if (least > 0 && disk.available (folder.c_str (), free) == 0 &&
      free < least + least / high_part)
    excess = std::max (excess, least + least / low_part - free);
  return excess;
}

}  // namespace store

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacheworkers.h"

#include <utility>

namespace cacheworkers {

using cachebranch::Branch;

void Workers::open ()
{
  state_.lock ()->open = true;
}

void Workers::close ()
{
  state_.lock ()->open = false;
}

bool Workers::start (
    const std::shared_ptr<Branch> &branch, guint32 ticket, Job job)
{
  auto state = state_.lock ();
  if (!state->open || branch->removed ||
      std::exchange (branch->ticket, ticket) == ticket)
    return false;
  auto done = std::make_shared<std::atomic<bool>> (false);
  auto run = [branch, done, job = std::move (job)] {
    job (*branch);
    *done = true;
  };
  state->workers.push_back ({branch, done, std::thread (std::move (run))});
  return true;
}

void Workers::reap ()
{
  std::vector<Worker> ended;
  {
    auto state = state_.lock ();
    std::erase_if (state->workers, [&] (Worker &worker) {
      if (!*worker.done) return false;
      ended.push_back (std::move (worker));
      return true;
    });
  }
  for (Worker &worker : ended) worker.thread.join ();
}

void Workers::join ()
{
  // Each is taken by who joins it.
  std::vector<Worker> all;
  std::swap (state_.lock ()->workers, all);
  for (Worker &worker : all) worker.thread.join ();
}

}  // namespace cacheworkers

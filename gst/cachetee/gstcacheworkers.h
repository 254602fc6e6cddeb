// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "common/guarded.h"
#include "gstcachebranch.h"

// The threads of branches that are not fed by upstream: one for each.
namespace cacheworkers {

using Job = std::function<void (cachebranch::Branch &)>;

class Workers
{
public:
  // From here on there may be some, and no more.
  void open ();
  void close ();
  // False, and nothing, when closed, for a branch that is removed, or that had
  // this ticket before.
  bool start (const std::shared_ptr<cachebranch::Branch> &branch,
      guint32 ticket, Job job);
  // Those that have ended, so that they do not pile up while the stream runs.
  // No wait: this may be called by one of them.
  void reap ();
  // All of them. After close.
  void join ();

private:
  struct Worker
  {
    std::shared_ptr<cachebranch::Branch> branch;
    // It does nothing more.
    std::shared_ptr<std::atomic<bool>> done;
    std::thread thread;
  };
  struct State
  {
    bool open = false;
    std::vector<Worker> workers;
  };
  relay::Guarded<State> state_;
};

}  // namespace cacheworkers

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>

#include "common/guarded.h"

// Where a branch is in a byte stream that it plays, and how it is sent
// somewhere else.
namespace cachecursor {

struct Target
{
  std::uint64_t start = 0;
  // Before it; ~0: the end.
  std::uint64_t stop = ~std::uint64_t{0};
  guint32 seqnum = 0;
};

class Cursor
{
public:
  // Held by the branch's thread as long as it pushes, and by who sends it
  // somewhere else: what the stream lock of a pad is to its task, which may be
  // sent somewhere by who it pushes to.
  std::recursive_mutex pushing;
  std::atomic<std::uint64_t> position = 0;
  // Where the last buffer began.
  std::atomic<std::uint64_t> latest = 0;

  // For a run, and after: then nothing waits.
  void open ();
  void close ();

  // Between the two the branch pushes nothing.
  void interrupt ();
  void move (const Target &target);

  // For the branch's thread. Where to go, if that has changed.
  std::optional<Target> take ();
  // Somebody is about to send it somewhere, or has, or it is closed.
  [[nodiscard]] bool is_interrupted ();
  // Stops waits when it is interrupted.
  [[nodiscard]] std::stop_token token ();
  // Until it is sent somewhere; false if it is closed.
  bool wait ();

private:
  struct State
  {
    std::optional<Target> target;
    unsigned interrupts = 0;
    std::stop_source stop;
    bool closed = true;
  };
  relay::Guarded<State> state_;
  std::condition_variable changed_;
};

}  // namespace cachecursor

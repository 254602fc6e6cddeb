// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachecursor.h"

#include <utility>

namespace cachecursor {

void Cursor::open ()
{
  auto state = state_.lock ();
  state->target.reset ();
  state->interrupts = 0;
  state->stop = std::stop_source ();
  state->closed = false;
  position = 0;
  latest = 0;
}

// Who waits is woken without our lock: what wakes it may be anything.
void Cursor::close ()
{
  std::stop_source stop;
  {
    auto state = state_.lock ();
    state->closed = true;
    stop = state->stop;
  }
  stop.request_stop ();
  changed_.notify_all ();
}

void Cursor::interrupt ()
{
  std::stop_source stop;
  {
    auto state = state_.lock ();
    state->interrupts++;
    stop = state->stop;
  }
  stop.request_stop ();
}

void Cursor::move (const Target &target)
{
  {
    auto state = state_.lock ();
    state->interrupts--;
    state->target = target;
    position = target.start;
    latest = target.start;
  }
  changed_.notify_all ();
}

std::optional<Target> Cursor::take ()
{
  auto state = state_.lock ();
  state.wait (
      changed_, [] (const State &s) { return s.closed || s.interrupts == 0; });
  if (state->closed) return std::nullopt;
  if (state->stop.stop_requested ()) state->stop = std::stop_source ();
  return std::exchange (state->target, std::nullopt);
}

bool Cursor::is_interrupted ()
{
  auto state = state_.lock ();
  return state->closed || state->interrupts > 0 || state->target;
}

std::stop_token Cursor::token ()
{
  return state_.lock ()->stop.get_token ();
}

bool Cursor::wait ()
{
  auto state = state_.lock ();
  state.wait (changed_, [] (const State &s) { return s.closed || s.target; });
  return !state->closed;
}

}  // namespace cachecursor

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "junction.h"

#include <algorithm>
#include <chrono>

namespace junction {

namespace {

// How long a wait may last that nobody is told to end.
constexpr std::chrono::milliseconds patience{50};

}  // namespace

// Under the lock, after each change of what it depends on.
void Junction::update (const State &state)
{
  open_ = state.running && !state.flushing && state.mode == Mode::tee;
}

void Junction::start (bool replay)
{
  auto state = state_.lock ();
  state->running = true;
  state->mode = replay ? Mode::replay : Mode::tee;
  state->gone = false;
  state->wanted = false;
  finished_ = false;
  for (const std::shared_ptr<Branch> &branch : state->branches) {
    branch->live = !replay;
    branch->index = 0;
    branch->stop = false;
    branch->idle = false;
    branch->ended = false;
  }
  update (*state);
}

void Junction::stop ()
{
  auto state = state_.lock ();
  state->running = false;
  update (*state);
  changed_.notify_all ();
}

Mode Junction::mode ()
{
  return state_.lock ()->mode;
}

void Junction::add (const std::shared_ptr<Branch> &branch)
{
  auto state = state_.lock ();
  branch->live = state->mode != Mode::replay;
  state->branches.push_back (branch);
}

void Junction::remove (Branch &branch)
{
  auto state = state_.lock ();
  branch.removed = true;
  branch.stop = true;
  std::erase_if (state->branches,
      [&] (const auto &other) { return other.get () == &branch; });
  changed_.notify_all ();
}

void Junction::link (Branch &branch)
{
  auto state = state_.lock ();
  branch.links++;
  changed_.notify_all ();
}

// Somebody has played to the end, and nobody plays; or all are about to end.
bool Junction::is_over (const State &state) const
{
  if (finished_) return true;
  auto rests = [] (const std::shared_ptr<Branch> &branch) {
    return branch->ended || branch->idle;
  };
  auto ended = [] (const std::shared_ptr<Branch> &branch) {
    return branch->ended;
  };
  const auto &branches = state.branches;
  return std::all_of (branches.begin (), branches.end (), rests) &&
         std::any_of (branches.begin (), branches.end (), ended);
}

bool Junction::must_stop (const State &state, unsigned unlinks)
{
  return !state.running || state.flushing ||
         (state.mode == Mode::replay && state.unlinks != unlinks);
}

Entry Junction::admit (const std::function<bool ()> &gives_up)
{
  auto state = state_.lock ();
  unsigned unlinks = state->unlinks;
  auto goes = [&] (const State &s) {
    return s.mode != Mode::replay || must_stop (s, unlinks) || s.wanted ||
           is_over (s);
  };
  for (;;) {
    state->waits++;
    bool goes_on = state.wait_for (changed_, patience, goes);
    state->waits--;
    if (goes_on) break;
    state.unlock ();
    if (gives_up ()) return Entry::stopped;
    state.lock ();
  }
  if (must_stop (*state, unlinks)) return Entry::stopped;
  if (state->mode != Mode::replay) return Entry::pass;
  if (state->wanted && !finished_) return Entry::fill;
  state->gone = true;
  return Entry::over;
}

void Junction::want (bool on)
{
  state_.lock ()->wanted = on;
  changed_.notify_all ();
}

bool Junction::feed ()
{
  auto state = state_.lock ();
  if (state->mode != Mode::replay) return false;
  for (const std::shared_ptr<Branch> &branch : state->branches) {
    branch->stop = true;
    branch->live = true;
  }
  state->mode = Mode::tee;
  update (*state);
  changed_.notify_all ();
  return true;
}

void Junction::replay ()
{
  auto state = state_.lock ();
  if (state->mode != Mode::tee) return;
  state->mode = Mode::replay;
  for (const std::shared_ptr<Branch> &branch : state->branches)
    branch->live = false;
  update (*state);
}

void Junction::finish ()
{
  auto state = state_.lock ();
  finished_ = true;
  changed_.notify_all ();
}

Entry Junction::pass_by ()
{
  auto state = state_.lock ();
  if (must_stop (*state, state->unlinks)) return Entry::stopped;
  if (state->mode != Mode::replay) return Entry::pass;
  state->gone = true;
  return Entry::drop;
}

void Junction::flush (bool on)
{
  auto state = state_.lock ();
  state->flushing = on;
  update (*state);
  changed_.notify_all ();
}

void Junction::unlink ()
{
  state_.lock ()->unlinks++;
  changed_.notify_all ();
}

bool Junction::is_behind (const State &state, const Branch &branch)
{
  return !branch.live && !branch.ended && branch.index <= state.resume_index;
}

bool Junction::join ()
{
  auto state = state_.lock ();
  state->waits++;
  state.wait (changed_, [] (const State &s) {
    return !s.running || s.flushing ||
           std::none_of (s.branches.begin (), s.branches.end (),
               [&] (const std::shared_ptr<Branch> &branch) {
                 return is_behind (s, *branch) && !branch->idle;
               });
  });
  state->waits--;
  if (!state->running || state->flushing) return false;
  for (const std::shared_ptr<Branch> &branch : state->branches) {
    if (!is_behind (*state, *branch)) continue;
    branch->stop = true;
    branch->live = true;
  }
  state->mode = Mode::tee;
  update (*state);
  changed_.notify_all ();
  return true;
}

bool Junction::may_play (
    Branch &branch, std::size_t index, bool at_boundary, unsigned links)
{
  auto state = state_.lock ();
  branch.index = index;
  branch.idle = branch.links == links;
  changed_.notify_all ();
  state->waits++;
  state.wait (changed_, [&] (const State &s) {
    return !s.running || branch.stop || branch.links != links;
  });
  state->waits--;
  branch.idle = false;
  if (!state->running || branch.stop) return false;
  if (state->mode != Mode::resume || !at_boundary ||
      index != state->resume_index)
    return true;
  branch.live = true;
  changed_.notify_all ();
  return false;
}

unsigned Junction::links (const Branch &branch)
{
  auto state = state_.lock ();
  return branch.links;
}

Junction::Failure Junction::fail (std::size_t index, std::uint64_t bytes)
{
  auto state = state_.lock ();
  if (state->mode == Mode::resume && index == state->resume_index)
    return Failure::known;
  if (state->mode != Mode::replay || state->gone) return Failure::too_late;
  state->mode = Mode::resume;
  update (*state);
  state->resume_index = index;
  state->resume_bytes = bytes;
  changed_.notify_all ();
  return Failure::first;
}

std::uint64_t Junction::resume_bytes ()
{
  return state_.lock ()->resume_bytes;
}

bool Junction::end (Branch &branch)
{
  auto state = state_.lock ();
  branch.ended = true;
  changed_.notify_all ();
  return std::all_of (state->branches.begin (), state->branches.end (),
      [] (const std::shared_ptr<Branch> &other) {
        return other->ended || other->idle;
      });
}

void Junction::again (Branch &branch)
{
  auto state = state_.lock ();
  branch.ended = false;
}

std::size_t Junction::waits ()
{
  return state_.lock ()->waits;
}

}  // namespace junction

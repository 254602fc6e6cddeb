// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "timeline.h"

// How the tracks of a presentation go over, without a flush, from what they
// play to what comes next: each of them between two of its segments, and all of
// them at the same running time, behind what any of them has begun to send.
namespace handover {

using timeline::Span;
using timeline::Time;

// The segments of two tracks that end together do not end with the same sample:
// what is missing up to here is no hole. Nothing is sent twice, but for what
// rates round.
inline constexpr Time slack = presentation::second / 10;
inline constexpr Time rounding = presentation::second / 1000;

// What becomes of a segment that is about to be sent.
enum class Turn
{
  play,
  play_part,  // up to where the next one begins
  change      // the next one is due
};

// How it stands with one track.
template <class What>
class Course
{
public:
  // From here on it may be that this has been sent, or that it is being sent.
  [[nodiscard]] Time sent () const { return sent_; }
  [[nodiscard]] bool has_next () const { return !next_.empty (); }
  // What was to be played from there on, or later, is not played at all.
  // begin: not before what any track has sent.
  void add (Time begin, What what)
  {
    while (!next_.empty () && next_.back ().begin >= begin) next_.pop_back ();
    next_.push_back ({begin, std::move (what)});
  }
  // The segment with this running time is about to be sent; it counts as sent
  // when it is to be played as a whole.
  [[nodiscard]] Turn begin (const Span &running)
  {
    Turn turn =
        next_.empty () ? Turn::play : at (running, next_.front ().begin);
    if (turn == Turn::play) sent_ = running.end;
    return turn;
  }
  // Between two segments: there is none to be sent before it.
  [[nodiscard]] bool is_due () const
  {
    return !next_.empty () && next_.front ().begin <= sent_ + slack;
  }
  // Where the next one begins; nothing when there is none.
  [[nodiscard]] std::optional<Time> change () const
  {
    if (next_.empty ()) return std::nullopt;
    return next_.front ().begin;
  }
  // The next one is played from now on.
  [[nodiscard]] std::optional<What> take ()
  {
    if (next_.empty ()) return std::nullopt;
    What out = std::move (next_.front ().what);
    sent_ = std::max (sent_, next_.front ().begin);
    next_.pop_front ();
    return out;
  }
  void forget_next () { next_.clear (); }
  // What has been sent has reached nobody.
  void take_back () { sent_ = 0; }

private:
  struct Next
  {
    Time begin = 0;
    What what;
  };

  static Turn at (const Span &running, Time change)
  {
    if (running.begin + slack >= change) return Turn::change;
    return running.end > change + rounding ? Turn::play_part : Turn::play;
  }

  Time sent_ = 0;
  std::deque<Next> next_;  // in the order of their beginnings
};

}  // namespace handover

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstadaptiveswitch.h"

#include <algorithm>
#include <utility>

#include "schedule.h"

using presentation::Time;

// One that could not be had is not asked for again so soon.
static constexpr Time exclusion = 60 * presentation::second;
// Sound beside a picture has a smaller part of the network.
static constexpr double share_of_sound = 0.15;

AdaptiveSwitch::AdaptiveSwitch (std::shared_ptr<Common> common,
    const loader::Selection &selection, Complete complete)
    : common_ (std::move (common)),
      is_main_ (selection.is_main),
      is_trick_mode_ (selection.is_trick_mode),
      complete_ (std::move (complete))
{
  auto states = states_.lock ();
  auto add = [&states] (const loader::Selection &part) {
    State fresh;
    fresh.track = part.track;
    fresh.index = part.index;
    // Not owned: it is long.
    fresh.held[part.index] =
        Held (std::shared_ptr<void> (), &part.representation);
    states->parts.push_back (std::move (fresh));
  };
  add (selection);
  for (const loader::Selection &later : selection.later) add (later);
  State &first = states->parts.front ();
  // The renditions stay those of the variant that goes on afterwards.
  if (is_main_ && !is_trick_mode_)
    *common_->variant.lock () = first.held[first.index];
  if (is_beside ())
    common_->beside += first.track->representations[first.index].bandwidth;
}

AdaptiveSwitch::~AdaptiveSwitch ()
{
  auto states = states_.lock ();
  const State &state = states->parts[states->part];
  if (is_beside ())
    common_->beside -= state.track->representations[state.index].bandwidth;
  // The variant that it chose outlives it, until the next one chooses.
  auto variant = common_->variant.lock ();
  for (const State &part : states->parts)
    for (const auto &[index, held] : part.held)
      if (held == *variant && held.use_count () == 0)
        *variant = std::make_shared<const Representation> (*held);
}

std::optional<std::size_t> AdaptiveSwitch::Common::rendition_of (
    const presentation::Track &track)
{
  auto now = variant.lock ();
  if (!*now) return std::nullopt;
  return schedule::choose_rendition (track, **now);
}

// ---- What there is to choose from ------------------------------------------

// Those that the pad takes, in the order of bandwidth; the present one is
// always among them.
std::vector<std::size_t> AdaptiveSwitch::levels (
    const State &state, const Level &level) const
{
  const auto &all = state.track->representations;
  Time now = Throughput::now ();
  std::vector<std::size_t> out;
  for (std::size_t index : choice::levels (*state.track,
           choice::at_rate (common_->limits.copy (), level.rate))) {
    index = preferred (*state.track, index);
    auto missing = state.missing.find (index);
    bool is_missing = missing != state.missing.end () && missing->second > now;
    if (!is_missing && choice::is_switchable (all[state.index], all[index]) &&
        std::ranges::find (out, index) == out.end ())
      out.push_back (index);
  }
  if (out.empty ()) out.push_back (state.index);
  return out;
}

std::vector<std::uint64_t> AdaptiveSwitch::bandwidths (const State &state,
    const Level &level, const std::vector<std::size_t> &levels)
{
  std::vector<std::uint64_t> out;
  out.reserve (levels.size ());
  for (std::size_t index : levels)
    out.push_back (choice::needed (
        state.track->representations[index].bandwidth, level.rate));
  return out;
}

// Of those that differ in nothing but where they are.
std::size_t AdaptiveSwitch::preferred (
    const presentation::Track &track, std::size_t index) const
{
  if (track.representations[index].family == 0) return index;
  const std::vector<places::Place> all = places::of (track, index);
  return all[common_->places.choose (all)].index;
}

abr::Situation AdaptiveSwitch::situation (const State &state,
    const Level &level, const std::vector<std::size_t> &levels) const
{
  abr::Situation out;
  out.estimate = common_->throughput.estimate ();
  if (out.estimate && is_main_) {
    std::uint64_t beside = choice::needed (common_->beside, level.rate);
    out.estimate->fast -= std::min (out.estimate->fast, beside);
    out.estimate->slow -= std::min (out.estimate->slow, beside);
  }
  out.buffer = level.buffer;
  out.buffer_full = level.full;
  out.segment = level.segment;
  out.since_down = state.since_down;
  // After a change of the limits the present one may be none of the levels.
  if (state.has_chosen) {
    const auto &all = state.track->representations;
    auto bandwidth = all[state.index].bandwidth;
    std::size_t current = 0;
    while (current + 1 < levels.size () &&
           all[levels[current + 1]].bandwidth <= bandwidth)
      current++;
    out.current = current;
  }
  return out;
}

std::size_t AdaptiveSwitch::wanted (State &state, const Level &level) const
{
  if (state.track->is_rendition)
    return preferred (*state.track,
        common_->rendition_of (*state.track).value_or (state.index));
  if (auto lower = std::exchange (state.given_up_for, std::nullopt))
    return *lower;
  std::vector<std::size_t> all = levels (state, level);
  if (all.size () == 1) return all.front ();
  abr::Settings settings;
  settings.bandwidth_usage = common_->limits.lock ()->bandwidth_usage;
  if (!is_main_ && state.track->type == presentation::Type::audio)
    settings.bandwidth_usage *= share_of_sound;
  return all[abr::decide (
      bandwidths (state, level, all), situation (state, level, all), settings)
                 .level];
}

// ---- What is chosen --------------------------------------------------------

// Null: it could not be had, but may have been had before.
AdaptiveSwitch::Held AdaptiveSwitch::get (
    const std::shared_ptr<const presentation::Track> &of, std::size_t part,
    const places::Place &place, GCancellable *cancellable)
{
  auto fresh = std::make_shared<Representation> (places::at (*of, place));
  bool is_complete = false;
  {
    auto states = states_.lock ();
    auto &held = states->parts[part].held;
    auto found = held.find (place.index);
    if (found != held.end ()) {
      if (of->representations[place.index].alternatives.empty () ||
          found->second->base == fresh->base)
        return found->second;
      // The same index is for the same bytes.
      fresh->segments = found->second->segments;
      is_complete = true;
    }
  }
  if (!is_complete && !complete_ (*fresh, cancellable)) return nullptr;
  return states_.lock ()->parts[part].held[place.index] = std::move (fresh);
}

// Null: it could not be had anywhere.
AdaptiveSwitch::Held AdaptiveSwitch::get (
    std::size_t part, std::size_t index, GCancellable *cancellable)
{
  std::shared_ptr<const presentation::Track> track;
  {
    auto states = states_.lock ();
    State &state = states->parts[part];
    track = state.track;
    auto held = state.held.find (index);
    if (held != state.held.end () &&
        track->representations[index].alternatives.empty ())
      return held->second;
  }
  const std::vector<places::Place> all = places::of (*track, index);
  places::Tried tried;
  std::optional<std::size_t> at = common_->places.choose (all);
  while (at) {
    auto held = get (track, part, all[*at], cancellable);
    if (held || g_cancellable_is_cancelled (cancellable)) return held;
    at = common_->places.leave (all, *at, tried, "it could not be loaded");
  }
  states_.lock ()->parts[part].missing[index] = Throughput::now () + exclusion;
  return nullptr;
}

// What is fetched from now on is of this part.
void AdaptiveSwitch::enter (States &states, std::size_t part)
{
  if (states.part == part) return;
  auto bandwidth = [&states] (std::size_t which) {
    const State &state = states.parts[which];
    return state.track->representations[state.index].bandwidth;
  };
  if (is_beside ()) {
    common_->beside += bandwidth (part);
    common_->beside -= bandwidth (states.part);
  }
  states.part = part;
}

void AdaptiveSwitch::take (State &state, std::size_t index)
{
  const auto &all = state.track->representations;
  state.has_chosen = true;
  if (index == state.index) {
    if (state.since_down) ++*state.since_down;
    return;
  }
  if (all[index].bandwidth < all[state.index].bandwidth)
    state.since_down = 0;
  else if (state.since_down)
    ++*state.since_down;
  if (is_beside ()) {
    common_->beside += all[index].bandwidth;
    common_->beside -= all[state.index].bandwidth;
  }
  state.index = index;
}

AdaptiveSwitch::Held AdaptiveSwitch::current (std::size_t part)
{
  auto states = states_.lock ();
  State &state = states->parts[part];
  return state.held[state.index];
}

AdaptiveSwitch::Held AdaptiveSwitch::choose (
    std::size_t part, const Level &level, GCancellable *cancellable)
{
  std::size_t index = 0;
  {
    auto states = states_.lock ();
    enter (*states, part);
    index = wanted (states->parts[part], level);
  }
  Held chosen = get (part, index, cancellable);
  auto states = states_.lock ();
  State &state = states->parts[part];
  if (!chosen) {
    index = state.index;
    chosen = state.held[index];
  }
  for (const auto &[at, held] : state.held)
    if (held == chosen) index = at;
  take (state, index);
  if (is_main_ && !is_trick_mode_) *common_->variant.lock () = chosen;
  return chosen;
}

AdaptiveSwitch::Held AdaptiveSwitch::choose_elsewhere (std::size_t part,
    places::Tried &tried, const std::string &reason, GCancellable *cancellable)
{
  std::shared_ptr<const presentation::Track> track;
  std::vector<places::Place> all;
  std::optional<std::size_t> at;
  {
    auto states = states_.lock ();
    State &state = states->parts[part];
    track = state.track;
    all = places::of (*track, state.index);
    at = places::find (all, state.index, *state.held[state.index]);
  }
  Held chosen;
  std::string why = reason;
  while (!chosen) {
    at = common_->places.leave (all, *at, tried, why);
    if (!at || g_cancellable_is_cancelled (cancellable)) return nullptr;
    chosen = get (track, part, all[*at], cancellable);
    why = "it could not be loaded";
  }
  auto states = states_.lock ();
  take (states->parts[part], all[*at].index);
  if (is_main_ && !is_trick_mode_) *common_->variant.lock () = chosen;
  return chosen;
}

bool AdaptiveSwitch::is_late (const abr::Progress &progress, const Level &level)
{
  auto states = states_.lock ();
  State &state = states->parts[states->part];
  if (state.track->is_rendition) return false;
  std::vector<std::size_t> all = levels (state, level);
  auto present = std::ranges::find (all, state.index);
  if (all.size () == 1 || present == all.end ()) return false;
  abr::Progress now = progress;
  now.level = static_cast<std::size_t> (present - all.begin ());
  if (!abr::abandon (
          bandwidths (state, level, all), now, situation (state, level, all)))
    return false;
  state.given_up_for = all.front ();
  return true;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "abr.h"
#include "choice.h"
#include "common/guarded.h"
#include "gstthroughput.h"
#include "loader.h"
#include "places.h"
#include "presentation.h"

// Which representation the next segment of a track is of. Each stream has one,
// which whoever fetches asks.
class AdaptiveSwitch
{
public:
  using Representation = presentation::Representation;
  using Held = std::shared_ptr<const Representation>;

  // What those of an element have in common.
  struct Common
  {
    relay::Guarded<choice::Limits> limits;
    Throughput throughput;
    // HLS: the renditions of the other tracks are those of its groups. It is
    // its track's: not to be had but under the lock.
    relay::Guarded<Held> variant;
    [[nodiscard]] std::optional<std::size_t> rendition_of (
        const presentation::Track &track);
    places::Book places;
    // bit/s of what is fetched beside the main track.
    std::atomic<std::uint64_t> beside{0};
  };

  // Loads the playlist or index of one that has none. Waits; false when it
  // could not be had.
  using Complete = std::function<bool (Representation &, GCancellable *)>;

  // selection: each part begins with its representation, which is complete;
  // outlives it.
  AdaptiveSwitch (std::shared_ptr<Common> common,
      const loader::Selection &selection, Complete complete);
  ~AdaptiveSwitch ();
  AdaptiveSwitch (const AdaptiveSwitch &) = delete;
  AdaptiveSwitch &operator= (const AdaptiveSwitch &) = delete;

  // How the fetching of the track stands.
  struct Level
  {
    presentation::Time buffer = 0;
    presentation::Time full = 0;
    presentation::Time segment = 0;  // duration of the next one, or this one
    // How much faster it is played than it lasts; the times are of playing.
    double rate = 1;
  };

  [[nodiscard]] bool is_main () const { return is_main_; }
  [[nodiscard]] Throughput &throughput () { return common_->throughput; }
  // Of the segment that comes next, in this part of the selection: 0, or that
  // of a later period. May wait.
  [[nodiscard]] Held choose (
      std::size_t part, const Level &level, GCancellable *cancellable);
  // The last one that was chosen there.
  [[nodiscard]] Held current (std::size_t part = 0);
  // Something of the last one could not be had: the same elsewhere. Null: it
  // has been everywhere. tried: of this one thing. May wait.
  [[nodiscard]] Held choose_elsewhere (std::size_t part, places::Tried &tried,
      const std::string &reason, GCancellable *cancellable);
  // A segment is on its way: whether it is to be given up for one of the
  // representation that choose () says then.
  [[nodiscard]] bool is_late (
      const abr::Progress &progress, const Level &level);

private:
  // Of a part.
  struct State
  {
    std::shared_ptr<const presentation::Track> track;
    std::size_t index = 0;
    std::map<std::size_t, Held> held;  // those that are complete
    // Those that could not be had, and until when they are passed over.
    std::map<std::size_t, abr::Time> missing;
    std::optional<unsigned> since_down;
    bool has_chosen = false;
    std::optional<std::size_t> given_up_for;
  };

  struct States
  {
    std::vector<State> parts;
    std::size_t part = 0;  // the present one
  };

  [[nodiscard]] std::vector<std::size_t> levels (
      const State &state, const Level &level) const;
  [[nodiscard]] static std::vector<std::uint64_t> bandwidths (
      const State &state, const Level &level,
      const std::vector<std::size_t> &levels);
  [[nodiscard]] abr::Situation situation (const State &state,
      const Level &level, const std::vector<std::size_t> &levels) const;
  [[nodiscard]] std::size_t wanted (State &state, const Level &level) const;
  [[nodiscard]] Held get (
      std::size_t part, std::size_t index, GCancellable *cancellable);
  [[nodiscard]] Held get (const std::shared_ptr<const presentation::Track> &of,
      std::size_t part, const places::Place &place, GCancellable *cancellable);
  [[nodiscard]] std::size_t preferred (
      const presentation::Track &track, std::size_t index) const;
  // It takes its part of the network from the main track.
  [[nodiscard]] bool is_beside () const { return !is_main_ && !is_trick_mode_; }
  void enter (States &states, std::size_t part);
  void take (State &state, std::size_t index);

  const std::shared_ptr<Common> common_;
  const bool is_main_;
  const bool is_trick_mode_;
  const Complete complete_;
  relay::Guarded<States> states_;
};

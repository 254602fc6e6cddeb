// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chapters.h"
#include "choice.h"
#include "common/result.h"
#include "fetcher.h"
#include "keystore.h"
#include "places.h"
#include "presentation.h"
#include "steerer.h"
#include "timeline.h"

// From an address to what is played: the manifest, the choice of
// representations, and the playlists and indexes of those.
namespace loader {

enum class Error
{
  fetch,         // a request failed: see Problem::fetch
  not_manifest,  // neither a playlist nor an MPD; an HTML page is neither
  malformed,
  unsupported,  // right, but beyond this version
  live          // a playlist that is still growing
};

struct Problem
{
  Error error;
  fetcher::Problem fetch{};
  std::string uri;      // without userinfo and query
  std::string message;  // what is wrong and in which line; no secret in it
};

template <class T>
using Result = relay::Result<T, Problem>;

// A track, and the representation that it begins with.
struct Selection
{
  presentation::Type type = presentation::Type::video;
  std::string language;
  // Its segments are there, if it is selected: no Playlist and no SegmentBase
  // any more.
  presentation::Representation representation;
  // All there are, as the manifest has them, and which one that is.
  std::shared_ptr<const presentation::Track> track{};
  std::size_t index = 0;
  bool is_selected = true;
  // The throughput is measured by it, and the others go with its variant.
  bool is_main = false;
  // The period.
  presentation::Time start = 0;
  presentation::Time end = timeline::max_time;
  // The same track in later periods, but for those that go without it.
  std::vector<Selection> later{};
  // Its key frames alone: see trickmode::choose ().
  std::vector<std::shared_ptr<const presentation::Track>> key_frames{};
  // It is one of key frames, which is played in place of another one.
  bool is_trick_mode = false;
};

struct Loaded
{
  std::optional<presentation::Time> duration;
  std::vector<presentation::EventStream> event_streams{};
  presentation::Notes notes{};
  std::vector<chapters::Chapter> chapters{};
  std::vector<Selection> selections;  // video, then audio, then text
};

struct Options
{
  choice::Limits limits;
  bool select_all = false;  // not one track of each type
};

// The way to the network. But for the settings all may be null.
struct Access
{
  const fetcher::Settings &settings;
  GCancellable *cancellable = nullptr;
  fetcher::Counters *counters = nullptr;
  // EXT-X-SESSION-KEY: asked for while the playlists are.
  keystore::Store *keys = nullptr;
  // Null: what fails is not looked for elsewhere.
  places::Book *places = nullptr;
  // Content Steering: begun while the playlists are asked for.
  Steerer *steerer = nullptr;
};

// What does not need the answer to something else is asked for at once: the
// playlists and indexes of all tracks, remote elements.
[[nodiscard]] Result<Loaded> load (
    const Access &access, const std::string &uri, const Options &options);

// What is played in trick modes in place of a selection: in the same periods,
// which may not all have key frames alone. Nothing when none has. Not complete.
[[nodiscard]] std::optional<Selection> trick_mode (
    const Selection &selection, const choice::Limits &limits, double rate);

// Loads the playlists or the indexes of those that have none yet, which may be
// elsewhere then: see places. What comes back is how long the longest one is,
// where that is said there.
[[nodiscard]] Result<std::optional<presentation::Time>> complete (
    const Access &access, std::span<Selection *const> selections);
[[nodiscard]] Result<std::optional<presentation::Time>> complete (
    const Access &access, presentation::Representation &representation);

// In a few words.
[[nodiscard]] std::string to_string (const Problem &problem);

}  // namespace loader

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "fetcher.h"
#include "presentation.h"

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

// A track with its one representation, whose segments are there: no Playlist
// and no SegmentBase any more.
struct Selection
{
  presentation::Type type = presentation::Type::video;
  std::string language;
  presentation::Representation representation;
};

struct Loaded
{
  std::optional<presentation::Time> duration;
  presentation::Time start = 0;  // of the period
  std::vector<presentation::EventStream> event_streams{};
  presentation::Notes notes{};
  std::vector<Selection> selections;  // video, then audio, then text
};

// max_bitrate: bit/s of a representation or variant, 0 = no limit.
// cancellable and counters may be null.
[[nodiscard]] Result<Loaded> load (const fetcher::Settings &settings,
    const std::string &uri, std::uint64_t max_bitrate,
    GCancellable *cancellable, fetcher::Counters *counters);

}  // namespace loader

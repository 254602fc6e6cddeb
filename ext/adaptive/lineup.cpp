// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lineup.h"

#include <algorithm>

#include "container.h"

namespace lineup {

using presentation::Period;
using presentation::Track;
using presentation::Type;

namespace {

bool is_playable (const Track &track)
{
  return !track.is_trick_mode && !track.representations.empty ();
}

container::Format format_of (const Track &track)
{
  return container::from_mime_type (track.representations.front ().mime_type);
}

// How much it is like the other one; nothing: it cannot go on with it.
std::optional<int> likeness (const Track &track, const Track &other)
{
  if (!is_playable (track) || track.type != other.type ||
      format_of (track) != format_of (other))
    return std::nullopt;
  bool same_language = track.language == other.language;
  if (track.type == Type::text && !same_language) return std::nullopt;
  return (same_language ? 8 : 0) + (track.roles == other.roles ? 4 : 0) +
         (track.accessibilities == other.accessibilities ? 2 : 0) +
         (track.id == other.id ? 1 : 0);
}

std::optional<std::size_t> most_like (const Period &period, const Track &other)
{
  std::optional<std::size_t> found;
  int best = -1;
  for (std::size_t i = 0; i < period.tracks.size (); i++) {
    auto score = likeness (period.tracks[i], other);
    if (!score || *score <= best) continue;
    best = *score;
    found = i;
  }
  return found;
}

// The line that begins with this track.
Line line_of (
    std::span<const Period> periods, std::size_t first, std::size_t track)
{
  Line out (periods.size ());
  out[first] = track;
  for (std::size_t i = first + 1; i < periods.size (); i++)
    out[i] = most_like (periods[i], periods[first].tracks[track]);
  return out;
}

}  // namespace

std::vector<Line> make (std::span<const Period> periods)
{
  std::vector<Line> out;
  std::vector<Type> known;
  for (std::size_t i = 0; i < periods.size (); i++) {
    std::vector<Type> here;
    const auto &tracks = periods[i].tracks;
    for (std::size_t j = 0; j < tracks.size (); j++) {
      if (!is_playable (tracks[j])) continue;
      if (std::ranges::find (known, tracks[j].type) != known.end ()) continue;
      here.push_back (tracks[j].type);
      out.push_back (line_of (periods, i, j));
    }
    known.insert (known.end (), here.begin (), here.end ());
  }
  return out;
}

}  // namespace lineup

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "selections.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "lineup.h"
#include "schedule.h"
#include "trickmode.h"

namespace loader {

using presentation::Representation;
using presentation::Track;

namespace {

std::vector<std::shared_ptr<const Track>> key_frames (
    const presentation::Period &period, const Track &track,
    const Representation &playing)
{
  std::vector<std::shared_ptr<const Track>> out;
  for (Track &found : trickmode::find (period, track, playing))
    out.push_back (std::make_shared<const Track> (std::move (found)));
  return out;
}

// Those that the variant goes with, the renditions in its groups.
std::vector<Selection> select_tracks (
    presentation::Period &period, const choice::Limits &limits)
{
  std::vector<Selection> out;
  Representation variant{};
  for (Track &track : period.tracks) {
    if (track.is_trick_mode || track.representations.empty ()) continue;
    // Another picture is for who asks for it.
    if (track.is_rendition && track.type == presentation::Type::video) continue;
    std::optional<std::size_t> index = choice::first (track, limits);
    if (track.is_rendition) index = schedule::choose_rendition (track, variant);
    if (!index) continue;
    Selection selection;
    selection.type = track.type;
    selection.language = track.language;
    selection.representation = track.representations[*index];
    selection.index = *index;
    selection.start = period.start;
    if (&track == &period.tracks.front ()) variant = selection.representation;
    selection.key_frames = key_frames (period, track, selection.representation);
    selection.track = std::make_shared<const Track> (std::move (track));
    out.push_back (std::move (selection));
  }
  std::ranges::stable_sort (out, {}, &Selection::type);
  return out;
}

// Those of several periods, each of which may have been described anew.
std::vector<Selection> select_lines (
    const std::vector<presentation::Period> &periods,
    const choice::Limits &limits)
{
  auto select = [&] (std::size_t period, std::size_t track) {
    Selection out;
    out.track = std::make_shared<const Track> (periods[period].tracks[track]);
    out.type = out.track->type;
    out.language = out.track->language;
    out.index = choice::first (*out.track, limits);
    out.representation = out.track->representations[out.index];
    out.key_frames =
        key_frames (periods[period], *out.track, out.representation);
    out.start = periods[period].start;
    if (period + 1 < periods.size ()) out.end = periods[period + 1].start;
    return out;
  };
  std::vector<Selection> out;
  for (const lineup::Line &line : lineup::make (periods)) {
    std::optional<Selection> first;
    for (std::size_t i = 0; i < line.size (); i++) {
      if (!line[i]) continue;
      if (first)
        first->later.push_back (select (i, *line[i]));
      else
        first = select (i, *line[i]);
    }
    out.push_back (std::move (*first));
  }
  std::ranges::stable_sort (out, {}, &Selection::type);
  return out;
}

}  // namespace

std::vector<Selection> make_selections (
    std::vector<presentation::Period> &periods, const choice::Limits &limits)
{
  if (periods.size () > 1) return select_lines (periods, limits);
  return select_tracks (periods.front (), limits);
}

std::optional<Selection> trick_mode (
    const Selection &selection, const choice::Limits &limits, double rate)
{
  bool any = false;
  auto place = [&] (Selection part) {
    part.is_trick_mode = true;
    part.later.clear ();
    auto key_frames = trickmode::choose (part.key_frames, rate);
    if (!key_frames) return part;
    any = true;
    part.track = std::move (key_frames);
    part.index = choice::first (*part.track, limits, rate);
    part.representation = part.track->representations[part.index];
    return part;
  };
  Selection out = place (selection);
  for (const Selection &later : selection.later)
    out.later.push_back (place (later));
  if (!any) return std::nullopt;
  return out;
}

}  // namespace loader

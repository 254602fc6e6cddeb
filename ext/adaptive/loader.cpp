// SPDX-License-Identifier: LGPL-2.1-or-later
#include "loader.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "asking.h"
#include "indexes.h"
#include "manifests.h"
#include "selections.h"

namespace loader {

using presentation::Presentation;
using presentation::Representation;
using presentation::Time;
using presentation::Track;

namespace {

// Of a Multivariant Playlist, before anybody knows which are needed.
constexpr std::size_t most_session_keys = 8;

// One thing after the other.
class Loader
{
public:
  explicit Loader (const Access &access) : access_ (access) {}

  Result<Loaded> run (const std::string &uri, const Options &options);
  Result<Told> complete (Representation &representation);
  Result<Told> complete (Selection &selection);

private:
  void begin_keys (const presentation::Notes &notes);
  Result<Loaded> select (Presentation presentation, const Options &options);

  const Access access_;
};

Result<Loaded> Loader::run (const std::string &uri, const Options &options)
{
  auto presentation = load_manifest (access_, uri);
  if (!presentation) return presentation.error ();
  return select (std::move (*presentation), options);
}

// "allows clients to preload these keys without having to read the Media
// Playlist(s) first" (RFC 8216bis 4.4.6.5). What fails is said when it is
// needed.
void Loader::begin_keys (const presentation::Notes &notes)
{
  if (access_.keys == nullptr) return;
  std::size_t count = 0;
  for (const presentation::ContentProtection &key : notes.session_keys)
    if (key.key_format == "identity" && count++ < most_session_keys)
      access_.keys->begin (access_.settings, key.key_uri, access_.counters);
}

// What several playlists say: the first one, where there is but one.
void add_notes (presentation::Notes &all, presentation::Notes more)
{
  if (!all.start) all.start = more.start;
  for (presentation::DateRange &range : more.date_ranges) {
    auto same = std::ranges::find (
        all.date_ranges, range.id, &presentation::DateRange::id);
    if (same == all.date_ranges.end ())
      all.date_ranges.push_back (std::move (range));
  }
}

Result<std::vector<Told>> complete_all (
    const Access &access, std::span<Selection *const> selections)
{
  return all_of<Told> (access, selections.size (),
      [selections] (std::size_t i, const Access &inner) {
        return Loader (inner).complete (*selections[i]);
      });
}

Result<Loaded> Loader::select (
    Presentation presentation, const Options &options)
{
  begin_keys (presentation.notes);
  Loaded loaded;
  loaded.duration = presentation.duration;
  loaded.notes = std::move (presentation.notes);
  if (access_.steerer != nullptr && loaded.notes.steering)
    access_.steerer->begin (*loaded.notes.steering);
  auto &periods = presentation.periods;
  for (presentation::Period &period : periods)
    std::ranges::move (
        period.event_streams, std::back_inserter (loaded.event_streams));
  loaded.selections = make_selections (periods, options.limits);
  std::vector<const Track *> tracks;
  for (const Selection &selection : loaded.selections)
    tracks.push_back (selection.track.get ());
  std::vector<bool> preferred = choice::preferred (tracks);
  for (std::size_t i = 0; i < preferred.size (); i++)
    loaded.selections[i].is_selected = preferred[i];
  // So that the first pad of a type is the one that is there at once.
  std::ranges::stable_sort (loaded.selections, [] (const Selection &a,
                                                   const Selection &b) {
    return a.type != b.type ? a.type < b.type : a.is_selected && !b.is_selected;
  });
  if (!loaded.selections.empty ()) loaded.selections.front ().is_main = true;
  std::vector<Selection *> wanted;
  for (Selection &selection : loaded.selections) {
    selection.is_selected = selection.is_selected || options.select_all;
    if (!selection.is_selected) continue;
    wanted.push_back (&selection);
    for (Selection &later : selection.later) wanted.push_back (&later);
  }
  auto told = complete_all (access_, wanted);
  if (!told) return told.error ();
  for (Told &one : *told) {
    if (one.duration)
      loaded.duration = std::max (loaded.duration.value_or (0), *one.duration);
    add_notes (loaded.notes, std::move (one.notes));
  }
  loaded.chapters =
      chapters::make (periods, loaded.notes.date_ranges, loaded.duration);
  return loaded;
}

Result<Told> Loader::complete (Representation &representation)
{
  auto &segments = representation.segments;
  if (std::holds_alternative<presentation::Playlist> (segments))
    return load_playlist (access_, representation);
  if (std::holds_alternative<presentation::SegmentBase> (segments)) {
    auto done = load_index (access_, representation);
    if (!done) return done.error ();
  }
  return Told{};
}

// Where it can be had.
Result<Told> Loader::complete (Selection &selection)
{
  if (access_.places == nullptr) return complete (selection.representation);
  const std::vector<places::Place> all =
      places::of (*selection.track, selection.index);
  places::Tried tried;
  std::optional<std::size_t> at = access_.places->choose (all);
  for (;;) {
    selection.index = all[*at].index;
    selection.representation = places::at (*selection.track, all[*at]);
    auto told = complete (selection.representation);
    if (told || is_cancelled (told.code ())) return told;
    at = access_.places->leave (all, *at, tried, to_string (told.code ()));
    if (!at) return told;
  }
}

}  // namespace

Result<Loaded> load (
    const Access &access, const std::string &uri, const Options &options)
{
  return Loader (access).run (uri, options);
}

Result<std::optional<Time>> complete (
    const Access &access, std::span<Selection *const> selections)
{
  auto told = complete_all (access, selections);
  if (!told) return told.error ();
  std::optional<Time> out;
  for (const Told &one : *told)
    if (one.duration) out = std::max (out.value_or (0), *one.duration);
  return out;
}

Result<std::optional<Time>> complete (
    const Access &access, Representation &representation)
{
  auto told = Loader (access).complete (representation);
  if (!told) return told.error ();
  return told->duration;
}

std::string to_string (const Problem &problem)
{
  if (problem.error != Error::fetch)
    return problem.uri + ": " + problem.message;
  const fetcher::Problem &fetch = problem.fetch;
  std::string out = fetch.uri + ": " + fetcher::to_string (fetch.error);
  if (fetch.http_status != 0)
    out += " (" + std::to_string (fetch.http_status) + ")";
  return out;
}

}  // namespace loader

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "places.h"

#include <algorithm>
#include <set>
#include <variant>

#include "uri.h"

namespace places {

using presentation::Representation;
using presentation::Track;

namespace {

std::string playlist_of (const Representation &one)
{
  const auto *playlist = std::get_if<presentation::Playlist> (&one.segments);
  return playlist != nullptr ? uri::resolve (one.base, playlist->uri)
                             : one.base;
}

std::string host_of (const std::string &address)
{
  auto parsed = uri::parse (address);
  return parsed ? uri::origin (*parsed) : address;
}

// Those that are named have a location. The others have the host, where each
// is of another one.
void name_locations (std::vector<Place> &all)
{
  std::set<std::string> hosts;
  for (const Place &place : all) hosts.insert (host_of (place.uri));
  for (Place &place : all)
    if (place.location.empty ())
      place.location =
          hosts.size () == all.size () ? host_of (place.uri) : place.uri;
}

bool is_tried (const Tried &tried, const Place &place)
{
  return std::ranges::find (tried, std::pair (place.index, place.base)) !=
         tried.end ();
}

}  // namespace

std::vector<Place> of (const Track &track, std::size_t index)
{
  std::vector<Place> out;
  const auto &all = track.representations;
  unsigned family = all[index].family;
  for (std::size_t i = 0; i < all.size (); i++) {
    const Representation &one = all[i];
    if (i != index && (family == 0 || one.family != family)) continue;
    const std::string &name =
        one.pathway_id.empty () ? one.service_location : one.pathway_id;
    out.push_back ({i, 0, playlist_of (one), name});
    for (std::size_t k = 0; k < one.alternatives.size (); k++)
      out.push_back ({i, k + 1, one.alternatives[k].uri,
          one.alternatives[k].service_location});
  }
  name_locations (out);
  return out;
}

Representation at (const Track &track, const Place &place)
{
  Representation out = track.representations[place.index];
  if (place.base > 0) out.base = out.alternatives[place.base - 1].uri;
  return out;
}

std::size_t find (std::span<const Place> all, std::size_t index,
    const Representation &representation)
{
  std::size_t out = 0;
  for (std::size_t i = all.size (); i > 0; i--) {
    const Place &place = all[i - 1];
    if (place.index != index) continue;
    out = i - 1;
    if (place.base > 0 && place.uri == representation.base) break;
  }
  return out;
}

bool is_same (const Representation &one, const Representation &other)
{
  return !one.alternatives.empty () && one.id == other.id &&
         one.bandwidth == other.bandwidth &&
         one.alternatives == other.alternatives;
}

void Failures::prefer (std::vector<std::string> locations)
{
  if (locations == preferred_) return;
  preferred_ = std::move (locations);
  last_.clear ();
}

std::string Failures::preferred () const
{
  auto best = std::ranges::min_element (preferred_, {},
      [this] (const std::string &location) { return rank (location); });
  return best != preferred_.end () ? *best : "";
}

Failures::Rank Failures::rank (const std::string &location) const
{
  auto found = last_.find (location);
  auto at = std::ranges::find (preferred_, location) - preferred_.begin ();
  return {
      found != last_.end () ? found->second : 0, static_cast<std::size_t> (at)};
}

std::optional<std::size_t> Failures::choose (
    std::span<const Place> all, const std::vector<bool> &passed_over) const
{
  std::optional<std::size_t> out;
  for (std::size_t i = 0; i < all.size (); i++)
    if (!passed_over[i] &&
        (!out || rank (all[i].location) < rank (all[*out].location)))
      out = i;
  return out;
}

std::size_t Book::choose (std::span<const Place> all)
{
  if (all.size () < 2) return 0;
  return failures_.lock ()
      ->choose (all, std::vector<bool> (all.size (), false))
      .value_or (0);
}

std::optional<std::size_t> Book::leave (std::span<const Place> all,
    std::size_t failed, Tried &tried, const std::string &reason)
{
  if (all.size () < 2) return std::nullopt;
  tried.emplace_back (all[failed].index, all[failed].base);
  std::vector<bool> passed_over;
  for (const Place &place : all)
    passed_over.push_back (is_tried (tried, place));
  std::optional<std::size_t> next;
  {
    auto failures = failures_.lock ();
    failures->add (all[failed].location);
    next = failures->choose (all, passed_over);
  }
  if (next && report)
    report ({uri::without_secrets (all[failed].uri),
        uri::without_secrets (all[*next].uri), reason});
  return next;
}

}  // namespace places

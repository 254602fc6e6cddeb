// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trickmode.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "choice.h"
#include "container.h"
#include "text.h"

namespace trickmode {

using presentation::Period;
using presentation::Representation;
using presentation::Track;

namespace {

// Whether a list of words has this one.
bool has_word (std::string_view list, std::string_view word)
{
  while (!list.empty ()) {
    auto end = std::min (list.find_first_of (" \t\r\n"), list.size ());
    if (list.substr (0, end) == word) return true;
    list = text::trim (list.substr (end));
  }
  return false;
}

// "@value ... the @id attribute(s) of the Adaptation Set(s) to which the trick
// mode representation applies": one or more. Without any, and in HLS, it is for
// all.
enum class Fit
{
  no,
  all,
  named
};
Fit fit_of (const Track &trick, const Track &track)
{
  std::string_view names = text::trim (trick.trick_mode_of);
  if (names.empty ()) return Fit::all;
  if (!track.id.empty () && has_word (names, track.id)) return Fit::named;
  return Fit::no;
}

// There is a decoder for it already: its codecs are among those of the other
// one, which may have sound as well. What does not say is taken as the same.
bool can_follow (const Representation &trick, const Representation &playing)
{
  using container::Format;
  Format one = container::from_mime_type (trick.mime_type);
  Format other = container::from_mime_type (playing.mime_type);
  if (one != Format::unknown && other != Format::unknown && one != other)
    return false;
  std::string kinds = choice::codec_kinds (trick.codecs);
  std::string all = choice::codec_kinds (playing.codecs);
  if (all.empty ()) return true;
  std::string_view rest = kinds;
  while (!rest.empty ()) {
    auto end = std::min (rest.find (' '), rest.size ());
    if (!has_word (all, rest.substr (0, end))) return false;
    rest = text::trim (rest.substr (end));
  }
  return true;
}

}  // namespace

std::optional<Track> find (
    const Period &period, const Track &track, const Representation &playing)
{
  if (track.type != presentation::Type::video || track.is_rendition)
    return std::nullopt;
  std::optional<Track> found;
  Fit best = Fit::no;
  for (const Track &trick : period.tracks) {
    if (!trick.is_trick_mode || trick.type != track.type) continue;
    Fit fit = fit_of (trick, track);
    if (fit <= best) continue;
    Track fresh = trick;
    std::erase_if (fresh.representations,
        [&] (const Representation &one) { return !can_follow (one, playing); });
    if (fresh.representations.empty ()) continue;
    found = std::move (fresh);
    best = fit;
  }
  return found;
}

}  // namespace trickmode

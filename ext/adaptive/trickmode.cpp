// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trickmode.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <tuple>

#include "choice.h"
#include "container.h"
#include "text.h"

namespace trickmode {

using presentation::Period;
using presentation::Representation;
using presentation::Track;

namespace {

// Of one track; more than anybody makes key frames for.
constexpr int most_rates = 16;

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
bool is_named (const Track &trick)
{
  return !text::trim (trick.trick_mode_of).empty ();
}

bool is_for (const Track &trick, const Track &track)
{
  if (!is_named (trick)) return true;
  return !track.id.empty () &&
         has_word (text::trim (trick.trick_mode_of), track.id);
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

// The normal rate is no question.
double rate_of (const Representation &one)
{
  return std::max (1., one.max_playout_rate);
}

// All of them can be played so fast.
double rate_of (const Track &trick)
{
  double out = std::numeric_limits<double>::infinity ();
  for (const Representation &one : trick.representations)
    out = std::min (out, rate_of (one));
  return out;
}

bool is_intra_only (const Track &trick)
{
  return std::ranges::all_of (
      trick.representations, &Representation::is_intra_only);
}

}  // namespace

std::vector<Track> find (
    const Period &period, const Track &track, const Representation &playing)
{
  std::vector<Track> out;
  if (track.type != presentation::Type::video || track.is_rendition) return out;
  for (const Track &trick : period.tracks) {
    if (!trick.is_trick_mode || trick.type != track.type ||
        !is_for (trick, track))
      continue;
    Track fresh = trick;
    std::erase_if (fresh.representations,
        [&] (const Representation &one) { return !can_follow (one, playing); });
    for (int i = 0; i < most_rates && !fresh.representations.empty (); i++) {
      double rate = rate_of (fresh);
      out.push_back (fresh);
      std::erase_if (fresh.representations,
          [rate] (const Representation &one) { return rate_of (one) <= rate; });
    }
  }
  return out;
}

std::shared_ptr<const Track> choose (
    std::span<const std::shared_ptr<const Track>> key_frames, double rate)
{
  auto rank = [rate] (const Track &trick) {
    double fastest = rate_of (trick);
    return std::tuple (std::min (fastest, std::abs (rate)), is_named (trick),
        rate < 0 && is_intra_only (trick), -fastest);
  };
  std::shared_ptr<const Track> best;
  for (const auto &one : key_frames)
    if (!best || rank (*one) > rank (*best)) best = one;
  return best;
}

}  // namespace trickmode

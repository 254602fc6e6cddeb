// SPDX-License-Identifier: LGPL-2.1-or-later
#include "choice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "abr.h"
#include "text.h"

namespace choice {

using presentation::Representation;
using presentation::Track;

namespace {

struct Kind
{
  std::string_view prefix;
  std::string_view name;
};

// Sample entries, and for mp4a the object type (ISO/IEC 14496-1 table 5) too:
// of 40, audio of MPEG-4, 34 is MP3. The first one that fits.
constexpr Kind kinds[] = {{"avc", "avc"}, {"hvc1", "hevc"}, {"hev1", "hevc"},
    {"dvh", "dolby-vision"}, {"dva", "dolby-vision"}, {"vvc1", "vvc"},
    {"vvi1", "vvc"}, {"av01", "av1"}, {"vp08", "vp8"}, {"vp8", "vp8"},
    {"vp09", "vp9"}, {"vp9", "vp9"}, {"mp4a.40.34", "mp3"}, {"mp4a.40", "aac"},
    {"mp4a.66", "aac"}, {"mp4a.67", "aac"}, {"mp4a.68", "aac"},
    {"mp4a.69", "mp3"}, {"mp4a.6b", "mp3"}, {"mp4a.6B", "mp3"},
    {"mp4a.a5", "ac-3"}, {"mp4a.A5", "ac-3"}, {"ac-3", "ac-3"},
    {"mp4a.a6", "ec-3"}, {"mp4a.A6", "ec-3"}, {"ec-3", "ec-3"},
    {"opus", "opus"}, {"Opus", "opus"}, {"flac", "flac"}, {"fLaC", "flac"}};

std::string_view kind_of (std::string_view codec)
{
  for (const Kind &kind : kinds)
    if (codec.starts_with (kind.prefix)) return kind.name;
  return codec.substr (0, codec.find ('.'));
}

bool is_within (const Representation &one, const Limits &limits)
{
  return (limits.max_bitrate == 0 || one.bandwidth <= limits.max_bitrate) &&
         (limits.max_height == 0 || one.height <= limits.max_height);
}

using Indexes = std::vector<std::size_t>;

// The first one of those that are lowest, highest, nearest.
template <class Better>
std::size_t best (const Track &track, const Indexes &of, Better better)
{
  std::size_t found = of.front ();
  for (std::size_t index : of)
    if (better (track.representations[index].bandwidth,
            track.representations[found].bandwidth))
      found = index;
  return found;
}

std::size_t lowest (const Track &track, const Indexes &of)
{
  return best (track, of, std::less{});
}

std::size_t highest (const Track &track, const Indexes &of)
{
  return best (track, of, std::greater{});
}

std::size_t nearest (const Track &track, const Indexes &of, double target)
{
  auto distance = [target] (std::uint64_t bandwidth) {
    double difference = static_cast<double> (bandwidth) - target;
    return difference < 0 ? -difference : difference;
  };
  return best (track, of, [&] (std::uint64_t a, std::uint64_t b) {
    return distance (a) < distance (b);
  });
}

std::size_t highest_below (const Track &track, const Indexes &of, double target)
{
  Indexes fit;
  for (std::size_t index : of)
    if (static_cast<double> (track.representations[index].bandwidth) <= target)
      fit.push_back (index);
  return fit.empty () ? lowest (track, of) : highest (track, fit);
}

Indexes within (const Track &track, const Limits &limits)
{
  Indexes all;
  Indexes out;
  for (std::size_t i = 0; i < track.representations.size (); i++) {
    all.push_back (i);
    if (is_within (track.representations[i], limits)) out.push_back (i);
  }
  if (out.empty () && !all.empty ()) out.push_back (lowest (track, all));
  return out;
}

// What decides whether a representation can follow another one, and who has it.
struct Family
{
  std::string mime_type;
  std::string kinds;
  Indexes members;
};

bool is_one_decoder (const Family &one, const Family &other)
{
  auto same = [] (std::string_view a, std::string_view b) {
    return a.empty () || b.empty () || a == b;
  };
  return same (one.mime_type, other.mime_type) && same (one.kinds, other.kinds);
}

Family family_of (const Representation &one)
{
  return {one.mime_type, codec_kinds (one.codecs), {}};
}

// By families, because of one there may be thousands: what takes each
// representation beside each other one takes minutes then.
std::vector<Family> families (const Track &track, const Indexes &of)
{
  std::vector<Family> out;
  std::map<std::pair<std::string, std::string>, std::size_t> known;
  for (std::size_t index : of) {
    Family family = family_of (track.representations[index]);
    auto [found, is_new] = known.try_emplace (
        std::pair{family.mime_type, family.kinds}, out.size ());
    if (is_new) out.push_back (std::move (family));
    out[found->second].members.push_back (index);
  }
  return out;
}

Indexes members_beside (const std::vector<Family> &all, const Family &first)
{
  std::vector<const Family *> group{&first};
  Indexes out = first.members;
  for (const Family &family : all) {
    if (&family == &first) continue;
    if (!std::ranges::all_of (group,
            [&] (const Family *one) { return is_one_decoder (*one, family); }))
      continue;
    group.push_back (&family);
    out.insert (out.end (), family.members.begin (), family.members.end ());
  }
  return out;
}

// The most that can follow each other on one pad; the first ones of as many.
Indexes switchable (const Track &track, const Indexes &of)
{
  Indexes most;
  std::vector<Family> all = families (track, of);
  for (const Family &first : all) {
    Indexes group = members_beside (all, first);
    if (group.size () > most.size ()) most = std::move (group);
  }
  std::ranges::sort (most);
  std::ranges::stable_sort (most, {}, [&] (std::size_t index) {
    return track.representations[index].bandwidth;
  });
  return most;
}

}  // namespace

std::string codec_kinds (std::string_view codecs)
{
  std::set<std::string> names;
  while (!codecs.empty ()) {
    std::size_t end = codecs.find (',');
    std::string_view codec = text::trim (codecs.substr (0, end));
    if (!codec.empty ()) names.emplace (kind_of (codec));
    codecs.remove_prefix (end < codecs.size () ? end + 1 : codecs.size ());
  }
  std::string out;
  for (const std::string &name : names) {
    if (!out.empty ()) out += ' ';
    out += name;
  }
  return out;
}

bool is_switchable (const Representation &one, const Representation &other)
{
  return is_one_decoder (family_of (one), family_of (other));
}

std::vector<std::size_t> levels (const Track &track, const Limits &limits)
{
  Indexes all = within (track, limits);
  if (all.size () < 2) return all;
  double speed = static_cast<double> (limits.connection_speed);
  switch (limits.selection) {
    case Selection::automatic:
      if (limits.connection_speed == 0) return switchable (track, all);
      return {highest_below (track, all, speed * limits.bandwidth_usage)};
    case Selection::highest:
      return {highest (track, all)};
    case Selection::lowest:
      return {lowest (track, all)};
    case Selection::nearest:
      break;
  }
  // Without a speed there is nothing to be near to but the limits.
  if (limits.connection_speed == 0) return {highest (track, all)};
  return {nearest (track, all, speed)};
}

std::uint64_t needed (std::uint64_t bandwidth, double rate)
{
  double out = static_cast<double> (bandwidth) * std::abs (rate);
  constexpr double most = 1e18;
  return static_cast<std::uint64_t> (std::min (out, most));
}

Limits at_rate (Limits limits, double rate)
{
  if (limits.connection_speed == 0) return limits;
  double speed = static_cast<double> (limits.connection_speed);
  constexpr double most = 1e18;
  limits.connection_speed = static_cast<std::uint64_t> (
      std::clamp (speed / std::abs (rate), 1.0, most));
  return limits;
}

std::size_t first (const Track &track, const Limits &limits, double rate)
{
  Indexes all = levels (track, at_rate (limits, rate));
  std::vector<std::uint64_t> bandwidths;
  for (std::size_t index : all)
    bandwidths.push_back (
        needed (track.representations[index].bandwidth, rate));
  return all[abr::decide (bandwidths, {}, {}).level];
}

namespace {

bool is_main (const Track &track)
{
  return std::ranges::any_of (
      track.roles, [] (const presentation::Descriptor &role) {
        return role.scheme_id_uri == "urn:mpeg:dash:role:2011" &&
               role.value == "main";
      });
}

int rank (const Track &track)
{
  if (track.is_default) return 5;
  if (is_main (track)) return 4;
  if (track.autoselect) return 3;
  bool is_special = track.forced || track.is_rendition ||
                    !track.roles.empty () || !track.accessibilities.empty ();
  return is_special ? 1 : 2;
}

bool names_sound (std::string_view codecs)
{
  for (const char *kind :
      {"aac", "ac-3", "ec-3", "mp3", "opus", "flac", "mp4a", "vorbis"})
    if (codecs.find (kind) != std::string_view::npos) return true;
  return false;
}

bool may_have_sound (const Track &track)
{
  return std::ranges::any_of (
      track.representations, [] (const Representation &one) {
        std::string named = codec_kinds (one.codecs);
        return named.empty () || names_sound (named);
      });
}

bool has_sound_within (const Track &track)
{
  return track.sound_within && may_have_sound (track);
}

// As the rendition that says so would have it as a track.
int rank_within (const Track &track)
{
  Track sound;
  sound.is_rendition = true;
  sound.is_default = track.sound_within->is_default;
  sound.autoselect = track.sound_within->autoselect;
  return rank (sound);
}

}  // namespace

std::vector<bool> preferred (const std::vector<const Track *> &tracks)
{
  std::map<presentation::Type, std::size_t> best;
  for (std::size_t i = 0; i < tracks.size (); i++) {
    auto [found, is_new] = best.try_emplace (tracks[i]->type, i);
    if (!is_new && rank (*tracks[i]) > rank (*tracks[found->second]))
      found->second = i;
  }
  auto picture = best.find (presentation::Type::video);
  auto sound = best.find (presentation::Type::audio);
  if (picture != best.end () && sound != best.end ()) {
    const Track &has = *tracks[picture->second];
    if (has_sound_within (has) &&
        rank_within (has) >= rank (*tracks[sound->second]))
      best.erase (sound);
  }
  std::vector<bool> out (tracks.size (), false);
  for (const auto &[type, index] : best) out[index] = true;
  return out;
}

bool is_muxed (const Track &track, const std::vector<const Track *> &tracks)
{
  if (track.type != presentation::Type::video) return false;
  if (has_sound_within (track)) return true;
  bool has_sound = std::ranges::any_of (tracks, [] (const Track *other) {
    return other->type == presentation::Type::audio;
  });
  return !has_sound && may_have_sound (track);
}

}  // namespace choice

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "m3u8.h"
#include "uri.h"

namespace m3u8 {

using presentation::Presentation;
using presentation::Representation;
using presentation::Track;
using presentation::Type;

namespace {

// RFC 6381 names of what can be seen; no CODECS at all means anything.
bool has_picture (const Variant &variant)
{
  if (variant.width != 0 || variant.codecs.empty ()) return true;
  for (const char *codec : {"avc", "hvc", "hev", "dvh", "dva", "av01", "vp0",
           "vp8", "vp9", "mp4v", "vvc", "vvi"})
    if (variant.codecs.find (codec) != std::string::npos) return true;
  return false;
}

// Makes the tracks of one playlist.
class Maker
{
public:
  Maker (const Multivariant &playlist, const std::string &base)
      : playlist_ (playlist), base_ (base)
  {
    if (!playlist.variables.empty ())
      variables_ =
          std::make_shared<const presentation::Variables> (playlist.variables);
  }

  Presentation run ();

private:
  presentation::Playlist reference (const std::string &uri) const
  {
    return {uri, variables_, playlist_.independent_segments};
  }
  std::string pathway (const Variant &variant) const;
  std::string pathway (const Rendition &rendition) const;
  Representation representation (const Variant &variant) const;
  bool is_variant (const Track &variants, const Rendition &rendition) const;
  void add (std::vector<Track> &tracks, const Rendition &rendition) const;
  static void add_within (Track &variants, const Rendition &rendition);
  Track main ();
  Track trick_mode () const;
  [[nodiscard]] bool is_copy (const Variant &one, const Variant &other) const;
  [[nodiscard]] bool are_copies (Rendition::Type type, const std::string &one,
      const std::string &other) const;
  void find_family (
      std::vector<const Variant *> &variants, std::vector<Representation> &all);
  void find_families (Track &track) const;

  const Multivariant &playlist_;
  const std::string &base_;
  std::shared_ptr<const presentation::Variables> variables_;
  // Of groups that belong to variants of one family, and the first one's.
  std::map<std::string, std::string> first_groups_;
};

// "." is the one that variants without a name are of, where there is one to
// steer.
std::string Maker::pathway (const Variant &variant) const
{
  return variant.pathway_id.empty () && playlist_.steering ? "."
                                                           : variant.pathway_id;
}

// That of the variants with its group, where they have one in common.
std::string Maker::pathway (const Rendition &rendition) const
{
  const auto group = rendition.type == Rendition::Type::audio ? &Variant::audio
                     : rendition.type == Rendition::Type::video
                         ? &Variant::video
                         : &Variant::subtitles;
  std::optional<std::string> out;
  for (const Variant &variant : playlist_.variants) {
    if (variant.*group != rendition.group_id) continue;
    if (out && *out != pathway (variant)) return {};
    out = pathway (variant);
  }
  return out.value_or ("");
}

Representation Maker::representation (const Variant &variant) const
{
  Representation out{};
  out.id = variant.stable_id;
  out.base = base_;
  out.bandwidth = variant.bandwidth;
  out.average_bandwidth = variant.average_bandwidth;
  out.score = variant.score;
  out.width = variant.width;
  out.height = variant.height;
  out.frame_rate = variant.frame_rate;
  out.codecs = variant.codecs;
  out.supplemental_codecs = variant.supplemental_codecs;
  out.video_range = variant.video_range;
  out.hdcp_level = variant.hdcp_level;
  out.allowed_cpc = variant.allowed_cpc;
  out.pathway_id = pathway (variant);
  out.group = variant.audio;
  out.video_group = variant.video;
  out.text_group = variant.subtitles;
  out.captions_group = variant.closed_captions;
  out.segments = reference (variant.uri);
  return out;
}

// Sound-only variants are for lines that do not carry a picture: they are a
// choice only where there is nothing else.
Track Maker::main ()
{
  bool pictures = std::ranges::any_of (playlist_.variants, has_picture);
  Track out;
  out.type = pictures ? Type::video : Type::audio;
  out.is_default = true;
  std::vector<const Variant *> variants;
  for (const Variant &variant : playlist_.variants) {
    if (pictures && !has_picture (variant)) continue;
    variants.push_back (&variant);
    out.representations.push_back (representation (variant));
    find_family (variants, out.representations);
  }
  return out;
}

// ---- Redundant variants ----------------------------------------------------

// Groups of the same renditions.
bool Maker::are_copies (Rendition::Type type, const std::string &one,
    const std::string &other) const
{
  if (one == other) return true;
  auto all = [&] (const std::string &group) {
    std::vector<std::array<std::string_view, 4>> out;
    for (const Rendition &rendition : playlist_.renditions)
      if (rendition.type == type && rendition.group_id == group)
        out.push_back ({rendition.name, rendition.language, rendition.channels,
            rendition.characteristics});
    std::ranges::sort (out);
    return out;
  };
  return !one.empty () && !other.empty () && all (one) == all (other);
}

// Backups are listed with the same attributes, on another server.
bool Maker::is_copy (const Variant &one, const Variant &other) const
{
  auto attributes = [] (const Variant &of) {
    return std::tie (of.bandwidth, of.average_bandwidth, of.width, of.height,
        of.frame_rate.numerator, of.codecs, of.supplemental_codecs,
        of.video_range, of.hdcp_level, of.allowed_cpc);
  };
  using enum Rendition::Type;
  return one.bandwidth != 0 && attributes (one) == attributes (other) &&
         uri::resolve (base_, one.uri) != uri::resolve (base_, other.uri) &&
         are_copies (audio, one.audio, other.audio) &&
         are_copies (video, one.video, other.video) &&
         are_copies (subtitles, one.subtitles, other.subtitles);
}

// Of the last one of these.
void Maker::find_family (
    std::vector<const Variant *> &variants, std::vector<Representation> &all)
{
  const Variant &last = *variants.back ();
  for (std::size_t i = 0; i + 1 < variants.size (); i++) {
    const Variant &first = *variants[i];
    if (!is_copy (first, last)) continue;
    if (all[i].family == 0) all[i].family = static_cast<unsigned> (i + 1);
    all.back ().family = all[i].family;
    for (auto group : {&Variant::audio, &Variant::video, &Variant::subtitles})
      if (first.*group != last.*group)
        first_groups_.try_emplace (last.*group, first.*group);
    return;
  }
}

// Of a rendition in several groups.
void Maker::find_families (Track &track) const
{
  auto first_of = [this] (const std::string &group) {
    auto found = first_groups_.find (group);
    return found != first_groups_.end () ? found->second : group;
  };
  auto &all = track.representations;
  for (std::size_t i = 0; i < all.size (); i++)
    for (std::size_t k = 0; k < i && all[i].family == 0; k++)
      if (first_of (all[i].group) == first_of (all[k].group))
        all[i].family = all[k].family = static_cast<unsigned> (k + 1);
}

// ---- Tracks ----------------------------------------------------------------

Track Maker::trick_mode () const
{
  Track out;
  out.is_trick_mode = true;
  for (const Variant &variant : playlist_.i_frame_variants)
    out.representations.push_back (representation (variant));
  return out;
}

// Whether a rendition is what a variant has anyway: where there is sound only,
// it is common to list the playlist of the variant as a rendition too, and of
// several pictures one is the variant's.
bool Maker::is_variant (const Track &variants, const Rendition &rendition) const
{
  std::string uri = uri::resolve (base_, rendition.uri);
  return std::ranges::any_of (
      variants.representations, [&] (const Representation &one) {
        const auto &playlist = std::get<presentation::Playlist> (one.segments);
        return uri::resolve (base_, playlist.uri) == uri;
      });
}

Type type_of (const Rendition &rendition)
{
  switch (rendition.type) {
    case Rendition::Type::audio:
      return Type::audio;
    case Rendition::Type::subtitles:
      return Type::text;
    case Rendition::Type::video:
    case Rendition::Type::closed_captions:
      break;
  }
  return Type::video;
}

// The same name and language in another group is the same at another bitrate
// ("a Rendition Group ... MUST have the same set of Renditions", 4.4.6.1.1).
void Maker::add (std::vector<Track> &tracks, const Rendition &rendition) const
{
  Type type = type_of (rendition);
  auto same = [&] (const Track &track) {
    return track.type == type && track.label == rendition.name &&
           track.language == rendition.language &&
           track.forced == rendition.forced;
  };
  auto track = std::ranges::find_if (tracks.begin () + 1, tracks.end (), same);
  if (track == tracks.end ()) {
    track = tracks.insert (track, Track{});
    track->type = type;
    track->id = rendition.stable_id;
    track->label = rendition.name;
    track->language = rendition.language;
    track->is_rendition = true;
    track->is_default = rendition.is_default;
    track->autoselect = rendition.autoselect;
    track->forced = rendition.forced;
    track->characteristics = rendition.characteristics;
    track->channels = rendition.channels;
  }
  Representation out{};
  out.base = base_;
  out.group = rendition.group_id;
  out.pathway_id = pathway (rendition);
  out.segments = reference (rendition.uri);
  track->representations.push_back (std::move (out));
}

// Without a URI the media of a rendition are in the Media Playlists of the
// variants with its group (4.4.6.2.1).
void Maker::add_within (Track &variants, const Rendition &rendition)
{
  if (rendition.type != Rendition::Type::audio) return;
  if (variants.type != Type::video) return;
  if (!variants.sound_within) variants.sound_within.emplace ();
  presentation::Within &sound = *variants.sound_within;
  sound.is_default = sound.is_default || rendition.is_default;
  sound.autoselect = sound.autoselect || rendition.autoselect;
}

Presentation Maker::run ()
{
  Presentation out;
  std::vector<Track> tracks;
  tracks.push_back (main ());
  for (const Rendition &one : playlist_.renditions) {
    if (one.type == Rendition::Type::closed_captions)
      out.notes.captions.push_back ({one.group_id, one.name, one.language,
          one.instream_id, one.is_default, one.autoselect});
    else if (one.uri.empty ())
      add_within (tracks.front (), one);
    else if (!is_variant (tracks.front (), one))
      add (tracks, one);
  }
  for (Track &track : tracks)
    if (track.is_rendition) find_families (track);
  if (!playlist_.i_frame_variants.empty ()) tracks.push_back (trick_mode ());
  presentation::Period period;
  period.tracks = std::move (tracks);
  out.periods.push_back (std::move (period));
  out.notes.start = playlist_.start;
  out.notes.session_data = playlist_.session_data;
  out.notes.session_keys = playlist_.session_keys;
  out.notes.steering = playlist_.steering;
  return out;
}

}  // namespace

Presentation to_presentation (
    const Multivariant &playlist, const std::string &base)
{
  return Maker (playlist, base).run ();
}

void complete (
    Representation &representation, Media playlist, const std::string &base)
{
  if (const auto *reference =
          std::get_if<presentation::Playlist> (&representation.segments))
    playlist.segments.independent_segments =
        playlist.segments.independent_segments ||
        reference->independent_segments;
  representation.base = base;
  if (representation.bandwidth == 0)
    representation.bandwidth = playlist.bitrate;
  // What is needed first; a segment says when there are others.
  if (!playlist.segments.protections.empty ())
    representation.protections = *playlist.segments.protections.front ();
  representation.segments = std::move (playlist.segments);
}

void note (presentation::Notes &notes, const Media &playlist)
{
  if (!notes.start) notes.start = playlist.start;
  for (const presentation::DateRange &range : playlist.date_ranges) {
    auto same = std::ranges::find (
        notes.date_ranges, range.id, &presentation::DateRange::id);
    if (same == notes.date_ranges.end ()) notes.date_ranges.push_back (range);
  }
}

Presentation to_presentation (Media playlist, const std::string &base)
{
  Presentation out;
  out.duration = playlist.duration;
  note (out.notes, playlist);
  Track track;
  track.is_default = true;
  track.representations.emplace_back ();
  complete (track.representations.front (), std::move (playlist), base);
  presentation::Period period;
  period.duration = out.duration;
  period.tracks.push_back (std::move (track));
  out.periods.push_back (std::move (period));
  return out;
}

}  // namespace m3u8

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/result.h"
#include "presentation.h"

// HLS playlists (RFC 8216bis; sections are those of its draft). Unknown tags
// and attributes are passed over as it demands; a tag that changes what the
// segments are and that is not supported is an error, never garbage.
namespace m3u8 {

enum class Error
{
  // Not a playlist, or not one that can be used.
  not_m3u8,  // the first line is not #EXTM3U
  too_large,
  empty,       // neither segments nor variants
  mixed,       // tags of a Media Playlist and of a Multivariant Playlist
  bad_number,  // where digits must be
  bad_extinf,  // no duration
  no_extinf,   // a segment without
  no_uri,      // EXTINF or EXT-X-STREAM-INF without the line that must follow
  empty_uri,
  bad_attributes,     // not an attribute list
  missing_attribute,  // a required one
  bad_byterange,
  no_offset,  // EXT-X-BYTERANGE without offset and nothing that it follows
  too_long,   // the time is beyond 292 years
  too_many_segments,
  // What this version cannot play.
  encrypted,      // EXT-X-KEY with a METHOD other than NONE
  variables,      // EXT-X-DEFINE
  gap,            // EXT-X-GAP
  i_frames_only,  // EXT-X-I-FRAMES-ONLY
  delta_update    // EXT-X-SKIP
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);
// Right, but beyond this version.
[[nodiscard]] bool is_unsupported (Error error);

inline constexpr std::size_t max_size = std::size_t{256} * 1024 * 1024;
inline constexpr std::size_t max_segments = std::size_t{4} * 1024 * 1024;

// 4.4.3
struct Media
{
  std::uint64_t media_sequence = 0;
  std::uint64_t discontinuity_sequence = 0;
  std::optional<presentation::Time> target_duration;
  bool end_list = false;            // EXT-X-ENDLIST
  bool complete = false;            // that, or PLAYLIST-TYPE:VOD: never changes
  presentation::Time duration = 0;  // of all segments
  presentation::SegmentList segments;
};

// EXT-X-STREAM-INF (4.4.6.2)
struct Variant
{
  std::string uri;
  std::uint64_t bandwidth = 0;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  presentation::Fraction frame_rate;
  std::string codecs;
  std::string audio;  // group ids, "" = none
  std::string video;
  std::string subtitles;
};

// EXT-X-MEDIA (4.4.6.1)
struct Rendition
{
  enum class Type
  {
    audio,
    video,
    subtitles,
    closed_captions
  };
  Type type = Type::audio;
  std::string uri;  // "" = it is in the variant itself
  std::string group_id;
  std::string name;
  std::string language;
  bool is_default = false;
};

// 4.4.6
struct Multivariant
{
  std::vector<Variant> variants;
  std::vector<Rendition> renditions;
};

using Playlist = std::variant<Media, Multivariant>;

// The position of an error is the line, from 1.
[[nodiscard]] Result<Playlist> parse (std::string text);

// One video track with a representation for each variant (one audio track
// when no variant has a picture), and one audio track for each name of an
// audio rendition that has a playlist of its own. base: the playlist's URI.
[[nodiscard]] presentation::Presentation to_presentation (
    const Multivariant &playlist, const std::string &base);
// One track of one representation.
[[nodiscard]] presentation::Presentation to_presentation (
    Media playlist, const std::string &base);

}  // namespace m3u8

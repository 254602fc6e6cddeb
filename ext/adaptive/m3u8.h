// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/result.h"
#include "presentation.h"

// HLS playlists (RFC 8216bis; sections are those of its draft). Unknown tags
// and attributes are passed over as it demands; a tag that changes what the
// segments are and that is not supported is an error, never garbage. What only
// says something of them (dates, date ranges, session data, where to start) is
// passed over when it is broken.
namespace m3u8 {

enum class Error
{
  // Not a playlist, or not one that can be used.
  not_m3u8,  // the first line is not #EXTM3U
  too_large,
  empty,         // neither segments nor variants
  mixed,         // tags of a Media Playlist and of a Multivariant Playlist
  two_versions,  // EXT-X-VERSION more than once
  bad_number,    // where digits must be
  bad_extinf,    // no duration
  no_extinf,     // a segment without
  no_uri,        // EXTINF or EXT-X-STREAM-INF without the line that must follow
  empty_uri,
  bad_attributes,     // not an attribute list
  missing_attribute,  // a required one
  bad_byterange,
  no_offset,       // EXT-X-BYTERANGE without offset and nothing that it follows
  bad_iv,          // not a hexadecimal sequence of 128 bits
  map_without_iv,  // an encrypted EXT-X-MAP whose EXT-X-KEY has no IV
  keys_disagree,   // EXT-X-KEYs of several METHODs for one segment
  too_many_keys,   // for one segment
  bad_definition,  // EXT-X-DEFINE: not one of NAME, IMPORT, QUERYPARAM
  defined_twice,   // a variable
  undefined,       // a variable that is referred to, or imported
  no_such_parameter,  // of the playlist's URI: QUERYPARAM
  bad_parameter,      // with what no quoted string may have
  too_long,           // the time is beyond 292 years
  too_many_segments,
  // What this version cannot play.
  key_method,   // EXT-X-KEY with a METHOD that nobody here knows
  key_format,   // whole segments are encrypted, and none has our KEYFORMAT
  delta_update  // EXT-X-SKIP
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
  std::optional<presentation::Time> target_duration;
  bool end_list = false;            // EXT-X-ENDLIST
  bool complete = false;            // that, or PLAYLIST-TYPE:VOD: never changes
  presentation::Time duration = 0;  // of all segments
  std::uint64_t bitrate = 0;        // EXT-X-BITRATE: the highest, in bit/s
  std::optional<presentation::Start> start;
  std::vector<presentation::DateRange> date_ranges;
  presentation::SegmentList segments;
};

// EXT-X-STREAM-INF (4.4.6.2), and EXT-X-I-FRAME-STREAM-INF (4.4.6.3)
struct Variant
{
  std::string uri;
  std::uint64_t bandwidth = 0;
  std::uint64_t average_bandwidth = 0;
  double score = 0;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  presentation::Fraction frame_rate;
  std::string codecs;
  std::string supplemental_codecs;
  std::string video_range;
  std::string hdcp_level;
  std::string allowed_cpc;
  std::string pathway_id;
  std::string stable_id;
  std::string audio;  // group ids, "" = none
  std::string video;
  std::string subtitles;
  std::string closed_captions;
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
  std::string assoc_language;
  std::string instream_id;
  std::string characteristics;
  std::string channels;
  std::string stable_id;
  bool is_default = false;
  bool autoselect = false;
  bool forced = false;
};

// 4.4.6
struct Multivariant
{
  std::vector<Variant> variants;
  std::vector<Variant> i_frame_variants;
  std::vector<Rendition> renditions;
  std::vector<presentation::SessionData> session_data;
  // EXT-X-SESSION-KEY for samples: the keys of the Media Playlists, so that
  // they can be had earlier.
  std::vector<presentation::ContentProtection> session_keys;
  std::optional<presentation::Steering> steering;
  std::optional<presentation::Start> start;
  presentation::Variables variables;  // for the Media Playlists
  bool independent_segments = false;
};

using Playlist = std::variant<Media, Multivariant>;

// Where a playlist comes from.
struct Source
{
  std::string uri;  // absolute, after redirects
  // Of the Multivariant Playlist, where one led here. Null: none did.
  const presentation::Variables *variables = nullptr;
};

// The position of an error is the line, from 1.
[[nodiscard]] Result<Playlist> parse (
    std::string text, const Source &source = {});

// A video track with a representation for each variant (an audio track when no
// variant has a picture), a track for each name of a rendition that has a
// playlist of its own, and one for the variants of key frames alone. base: the
// playlist's URI.
[[nodiscard]] presentation::Presentation to_presentation (
    const Multivariant &playlist, const std::string &base);
// One track of one representation.
[[nodiscard]] presentation::Presentation to_presentation (
    Media playlist, const std::string &base);
// What a Media Playlist says of the representation that led to it.
void complete (presentation::Representation &representation, Media playlist,
    const std::string &base);
// And of the presentation: the same date range may be in the playlists of
// several tracks.
void note (presentation::Notes &notes, const Media &playlist);

}  // namespace m3u8

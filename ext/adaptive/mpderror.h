// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/result.h"

// What can be wrong with a Media Presentation Description.
namespace mpd {

enum class Error
{
  // Not an MPD, or not one that can be used.
  not_xml,
  doctype,   // none is needed, and entities of one are an attack
  too_deep,  // elements in elements in elements
  not_mpd,   // the root element is another one
  too_large,
  bad_number,
  bad_duration,  // not an xs:duration, or one with years or months
  bad_range,     // not a byte range
  bad_template,  // see url_template
  bad_list,      // SegmentURLs that do not match the SegmentTimeline
  bad_timeline,  // S without @d, going backwards, or two that overlap
  bad_period,    // one that begins before the one in front of it
  bad_remote,    // not the elements that xlink:href should lead to
  no_period,
  no_segments,  // no track that could be played
  no_duration,  // the last segment, or the next Period, cannot be told
  overflow,     // a time beyond presentation::max_time
  too_many_segments,
  too_many_remote,     // see xlink
                       // What this version cannot play.
  dynamic,             // MPD@type (live)
  segment_encryption,  // ISO/IEC 23009-4 but for one key and AES-128 CBC
  xlink,               // a remote list, or a remote element that nobody fetched
  time_of_number,      // $Time$ without SegmentTimeline
  sub_segments         // SegmentTimeline.S@k above 1
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);
// Right, but beyond this version.
[[nodiscard]] bool is_unsupported (Error error);

inline constexpr std::size_t max_size = std::size_t{64} * 1024 * 1024;
inline constexpr std::uint64_t max_segments = std::uint64_t{1} << 32;

}  // namespace mpd

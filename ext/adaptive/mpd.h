// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.h"
#include "presentation.h"

// The Media Presentation Description (ISO/IEC 23009-1:2022; sections are
// those of it). Unknown elements and attributes are passed over; what changes
// what the segments are and is not supported is an error, never garbage.
namespace mpd {

enum class Error
{
  // Not an MPD, or not one that can be used.
  not_xml,
  doctype,  // none is needed, and entities of one are an attack
  not_mpd,  // the root element is another one
  too_large,
  bad_number,
  bad_duration,  // not an xs:duration, or one with years or months
  bad_range,     // not a byte range
  bad_template,  // see url_template
  bad_list,      // SegmentURLs that do not match the SegmentTimeline
  bad_timeline,  // S without @d, going backwards, or two that overlap
  no_period,
  no_segments,  // no track that could be played
  no_duration,  // the last segment cannot be told
  overflow,     // a time beyond presentation::max_time
  too_many_segments,
  // What this version cannot play.
  dynamic,  // MPD@type (live)
  multi_period,
  xlink,           // a remote Period, AdaptationSet or list
  time_of_number,  // $Time$ without SegmentTimeline
  sub_segments     // SegmentTimeline.S@k above 1
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);
// Right, but beyond this version.
[[nodiscard]] bool is_unsupported (Error error);

inline constexpr std::size_t max_size = std::size_t{64} * 1024 * 1024;
inline constexpr std::uint64_t max_segments = std::uint64_t{1} << 32;

// base: the MPD's URI. The position of an error is the line, from 1.
[[nodiscard]] Result<presentation::Presentation> parse (
    std::string_view xml, const std::string &base);

}  // namespace mpd

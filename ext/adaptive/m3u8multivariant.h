// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string_view>

#include "m3u8.h"
#include "m3u8text.h"

// The tags that are attribute lists, one by one (RFC 8216bis 4.4.2, 4.4.5,
// 4.4.6). The position of an error is 0.
namespace m3u8 {

// EXT-X-STREAM-INF, and EXT-X-I-FRAME-STREAM-INF, which alone has a URI.
[[nodiscard]] Result<Variant> parse_variant (
    const m3u8text::Attributes &attributes);
// Nothing: it is of a type that nobody knows, or nowhere to be found.
[[nodiscard]] Result<std::optional<Rendition>> parse_rendition (
    const m3u8text::Attributes &attributes);
// These are passed over when they are broken.
[[nodiscard]] std::optional<presentation::SessionData> parse_session_data (
    const m3u8text::Attributes &attributes, std::string_view base);
[[nodiscard]] std::optional<presentation::Steering> parse_steering (
    const m3u8text::Attributes &attributes, std::string_view base);
[[nodiscard]] std::optional<presentation::Start> parse_start (
    const m3u8text::Attributes &attributes);
[[nodiscard]] std::optional<presentation::DateRange> parse_date_range (
    const m3u8text::Attributes &attributes);
// The variable that an EXT-X-DEFINE defines, and its value.
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_definition (
    const m3u8text::Attributes &attributes, const Source &source);

}  // namespace m3u8

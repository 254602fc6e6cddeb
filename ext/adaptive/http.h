// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

// The rules of HTTP that the fetcher applies itself (RFC 9110).
namespace http {

enum class Error
{
  unit,       // a range unit other than bytes
  range,      // no "first-last", or last before first
  complete,   // no "/length", or a length that is not a number or "*"
  out_of_it,  // last at or behind the complete length
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

// Content-Range, 14.4. No first and last: the range was unsatisfied.
struct ContentRange
{
  struct Bytes
  {
    std::uint64_t first;
    std::uint64_t last;
  };
  std::optional<Bytes> bytes;
  std::optional<std::uint64_t> complete_length;
};
[[nodiscard]] Result<ContentRange> parse_content_range (std::string_view value);

// Whether a header can be sent as it is: a token (5.6.2), and a value in which
// no other header begins (5.5).
[[nodiscard]] bool is_sendable (std::string_view name, std::string_view value);

// Headers that a request gets from the fetcher, or that belong to the
// connection: an element's extra-headers cannot set them.
[[nodiscard]] bool is_reserved (std::string_view name);

[[nodiscard]] bool same_name (std::string_view a, std::string_view b);

// Authorization and Cookie: for the origin that they were meant for.
[[nodiscard]] bool is_credential (std::string_view name);

// The value, or *** when it is a secret.
[[nodiscard]] std::string_view shown (
    std::string_view name, std::string_view value);

// What a representation says of itself, to know it again in the middle.
struct Identity
{
  std::string etag;
  std::string last_modified;
  std::optional<std::uint64_t> length;  // of the whole
};

// A strong validator for If-Range (13.1.5), or "". A Last-Modified is one when
// it is older than the response (8.8.2.2).
[[nodiscard]] std::string if_range (
    const Identity &identity, std::string_view date);

// Nothing contradicts that these are the same bytes, and something says so.
[[nodiscard]] bool same (const Identity &before, const Identity &after);

// What two answers about the same bytes say together: none of them has to say
// everything.
[[nodiscard]] Identity joined (Identity before, const Identity &after);

// Statuses that another try may change.
[[nodiscard]] bool is_transient (unsigned status);

// Retry-After (10.2.3), from now on: seconds, or a date. Nothing: it is
// neither.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after (
    std::string_view value, std::time_t now);

// Whether a request may be sent again, when it is not known what became of the
// first one (9.2.2).
[[nodiscard]] bool is_idempotent (std::string_view method);

// The method at the place that a redirect with this status leads to (15.4).
[[nodiscard]] std::string method_after (
    unsigned status, const std::string &method);

[[nodiscard]] bool is_redirect (unsigned status);
[[nodiscard]] bool is_permanent_redirect (unsigned status);

// The pause before retry number 0, 1, 2 ...: twice as long each time up to the
// longest, and between half and all of that by random (0 to 1), so that many
// clients of one server do not come back at the same moment.
[[nodiscard]] std::chrono::milliseconds backoff (unsigned retry,
    std::chrono::milliseconds first, std::chrono::milliseconds longest,
    double random);

// The number in a parameter of a media type (8.3.1): "audio/L16; rate=44100".
[[nodiscard]] std::optional<std::uint64_t> number_parameter (
    std::string_view type, std::string_view name);

// "Basic ..." (RFC 7617)
[[nodiscard]] std::string basic_credentials (
    std::string_view user, std::string_view password);

}  // namespace http

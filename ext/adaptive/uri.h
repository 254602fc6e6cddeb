// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

// URIs by RFC 3986, byte for byte: nothing is decoded, re-encoded or sorted,
// because signed URLs do not survive it. Only what cannot stand in a request
// line (space, controls, non-ASCII) is percent-encoded.
namespace uri {

enum class Error
{
  too_long,   // more than max_length bytes
  no_scheme,  // not absolute
  no_host,
  bad_host,  // a byte that no host name or address has, a bracket left open
  bad_port   // not a number from 1 to 65535
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

inline constexpr std::size_t max_length = 65536;

// A URI reference in its five components (RFC 3986 appendix B): views into the
// text. Absent is not the same as empty.
struct Components
{
  std::optional<std::string_view> scheme;
  std::optional<std::string_view> authority;
  std::string_view path;
  std::optional<std::string_view> query;
  std::optional<std::string_view> fragment;
};
[[nodiscard]] Components split (std::string_view text);

// An absolute URI with an authority, ready to be asked for.
struct Uri
{
  std::string scheme;  // lower case
  std::optional<std::string> userinfo;
  std::string host;  // as written, an IPv6 address without its brackets
  std::optional<std::uint16_t> port;
  std::string path;  // never empty
  std::optional<std::string> query;
};
[[nodiscard]] Result<Uri> parse (std::string_view text);

// The reference in the place where it was found (RFC 3986 5.2, strict).
[[nodiscard]] std::string resolve (
    std::string_view base, std::string_view reference);

// Space, controls and non-ASCII of path, query and fragment percent-encoded.
[[nodiscard]] std::string escape (std::string_view text);

// Every %XX as its byte: for the parts of a userinfo, and for nothing else.
[[nodiscard]] std::string percent_decode (std::string_view text);

// Without userinfo; and without userinfo, query and fragment: what may be in a
// log. Both take anything, also what is no URI.
[[nodiscard]] std::string without_userinfo (std::string_view text);
[[nodiscard]] std::string without_secrets (std::string_view text);

// "https://host:443", lower case, always with the port: two URIs share their
// origin (RFC 6454) when these are equal. Empty for a scheme other than http
// and https.
[[nodiscard]] std::string origin (const Uri &uri);

}  // namespace uri

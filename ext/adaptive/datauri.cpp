// SPDX-License-Identifier: LGPL-2.1-or-later
#include "datauri.h"

#include <algorithm>
#include <optional>

#include "http.h"
#include "uri.h"

namespace datauri {

namespace {

constexpr std::string_view scheme = "data:";

// Of both alphabets (RFC 4648 4, 5).
int value_of (char c)
{
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> decode_base64 (std::string_view text)
{
  std::vector<std::uint8_t> out;
  std::uint32_t bits = 0;
  std::size_t count = 0;
  std::size_t padding = 0;
  for (char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == '=') {
      padding++;
      continue;
    }
    int value = value_of (c);
    if (value < 0 || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t> (value);
    if (++count % 4 != 1)
      out.push_back (
          static_cast<std::uint8_t> (bits >> (4 - count % 4) % 4 * 2));
  }
  if (count % 4 == 1 || (padding > 0 && (count + padding) % 4 != 0))
    return std::nullopt;
  return out;
}

const char *to_string (Error error)
{
  switch (error) {
    case Error::scheme:
      return "not a data URI";
    case Error::comma:
      return "a data URI without a comma";
    case Error::base64:
      return "a data URI that is not base64";
  }
  return "unknown";
}

bool is_one (std::string_view uri)
{
  return http::same_name (uri.substr (0, scheme.size ()), scheme);
}

Result<Data> parse (std::string_view uri)
{
  if (!is_one (uri)) return relay::failure (Error::scheme);
  uri.remove_prefix (scheme.size ());
  uri = uri.substr (0, uri.find ('#'));
  std::size_t comma = uri.find (',');
  if (comma == std::string_view::npos) return relay::failure (Error::comma);
  std::string_view type = uri.substr (0, comma);
  std::string data = uri::percent_decode (uri.substr (comma + 1));
  Data out;
  out.media_type = type.substr (0, type.find (';'));
  constexpr std::string_view coding = ";base64";
  if (type.size () < coding.size () ||
      !http::same_name (type.substr (type.size () - coding.size ()), coding)) {
    out.bytes.assign (data.begin (), data.end ());
    return out;
  }
  std::optional<std::vector<std::uint8_t>> bytes = decode_base64 (data);
  if (!bytes) return relay::failure (Error::base64);
  out.bytes = std::move (*bytes);
  return out;
}

}  // namespace datauri

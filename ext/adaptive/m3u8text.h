// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The text of HLS playlists: lines, attribute lists, numbers (RFC 8216bis 4.1
// and 4.2). Nothing here copies: a list of 48 hours has half a million lines.
namespace m3u8text {

[[nodiscard]] constexpr bool is_space (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
[[nodiscard]] constexpr bool is_digit (char c)
{
  return c >= '0' && c <= '9';
}

[[nodiscard]] inline std::string_view trim (std::string_view text)
{
  while (!text.empty () && is_space (text.back ())) text.remove_suffix (1);
  while (!text.empty () && is_space (text.front ())) text.remove_prefix (1);
  return text;
}

// Takes the next line off the text; spaces and line ends around it are not
// part of it.
[[nodiscard]] inline std::string_view take_line (std::string_view &rest)
{
  const void *end = std::memchr (rest.data (), '\n', rest.size ());
  std::string_view line = rest;
  if (end == nullptr) {
    rest = {};
  } else {
    line = rest.substr (0, static_cast<std::size_t> (
                               static_cast<const char *> (end) - rest.data ()));
    rest.remove_prefix (line.size () + 1);
  }
  return trim (line);
}

// Digits and nothing else: no sign, no overflow.
[[nodiscard]] inline std::optional<std::uint64_t> number (std::string_view text)
{
  // 19 digits fit, whatever they are.
  if (text.empty () || text.size () > 20) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (!is_digit (c)) return std::nullopt;
    auto digit = static_cast<std::uint64_t> (c - '0');
    if (text.size () == 20 &&
        (__builtin_mul_overflow (value, 10, &value) ||
            __builtin_add_overflow (value, digit, &value)))
      return std::nullopt;
    if (text.size () < 20) value = value * 10 + digit;
  }
  return value;
}

// "12.5" in nanoseconds; digits after the ninth are cut off. Nothing where
// there is anything else, or more than presentation::max_time.
[[nodiscard]] std::optional<std::uint64_t> nanoseconds (std::string_view text);

// <n>[@<o>] (4.4.4.2)
struct ByteRange
{
  std::uint64_t size = 0;
  std::optional<std::uint64_t> offset;
};
// Not empty, and its end is a number too.
[[nodiscard]] std::optional<ByteRange> byte_range (std::string_view text);

// As one store: bytes that come one by one are slow to be read together.
inline void put_big_endian (std::uint64_t value, std::span<std::uint8_t, 8> out)
{
  if constexpr (std::endian::native == std::endian::little)
    value = __builtin_bswap64 (value);
  std::memcpy (out.data (), &value, out.size ());
}

// Up to 16 hexadecimal digits, and nothing else.
[[nodiscard]] std::optional<std::uint64_t> hexadecimal_digits (
    std::string_view text);

// 0x and up to 32 hexadecimal digits, the last of which is the last of the
// value (4.2: hexadecimal-sequence).
[[nodiscard]] std::optional<std::array<std::uint8_t, 16>> hexadecimal (
    std::string_view text);

// ISO 8601, as in 2010-02-19T14:54:23.031+08:00, in milliseconds since 1970;
// without a zone it is UTC.
[[nodiscard]] std::optional<std::int64_t> date (std::string_view text);

// NAME=value,NAME="value" (4.2): views, valid as long as the text is.
struct Attribute
{
  std::string_view name;
  std::string_view value;
  bool is_quoted = false;
};

class Attributes
{
public:
  // False: that is not an attribute list.
  [[nodiscard]] bool read (std::string_view list);

  // The first one of that name.
  [[nodiscard]] std::optional<std::string_view> get (
      std::string_view name) const
  {
    for (const Attribute &one : items_)
      if (one.name == name) return one.value;
    return std::nullopt;
  }
  [[nodiscard]] std::string text (std::string_view name) const
  {
    return std::string (get (name).value_or (""));
  }
  [[nodiscard]] bool is (std::string_view name, std::string_view value) const
  {
    return get (name) == value;
  }
  [[nodiscard]] std::vector<Attribute> &items () { return items_; }
  [[nodiscard]] const std::vector<Attribute> &items () const { return items_; }

private:
  std::vector<Attribute> items_;
};

}  // namespace m3u8text

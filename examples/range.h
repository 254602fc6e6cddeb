// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

// The Range of a request, as its server has to read it.
namespace range {

// An inclusive range of bytes, which may not be satisfiable.
struct Range
{
  std::uint64_t first;
  std::uint64_t last;
};

inline std::optional<std::uint64_t> parse_number (std::string_view text)
{
  std::uint64_t value = 0;
  auto [end, error] =
      std::from_chars (text.data (), text.data () + text.size (), value);
  if (error != std::errc () || end != text.data () + text.size ())
    return std::nullopt;
  return value;
}

// One range, as "bytes=0-99", "bytes=100-" or "bytes=-100". Anything else is
// passed over, as RFC 9110 14.2 allows, and the whole resource sent.
inline std::optional<Range> parse (std::string_view text, std::uint64_t size)
{
  constexpr std::string_view unit = "bytes=";
  auto dash = text.find ('-');
  if (!text.starts_with (unit) || dash == text.npos) return std::nullopt;
  auto first = parse_number (text.substr (unit.size (), dash - unit.size ()));
  auto last = parse_number (text.substr (dash + 1));
  if (!first && dash == unit.size () && last)
    return Range{size - std::min (*last, size), size - 1};
  if (!first || (!last && dash + 1 != text.size ())) return std::nullopt;
  if (last && *last < *first) return std::nullopt;
  return Range{*first, std::min (last.value_or (size - 1), size - 1)};
}

// Where it begins, if that can be said without knowing the size; else 0.
inline std::uint64_t first_of (std::string_view text)
{
  constexpr std::uint64_t huge = std::uint64_t{1} << 62;
  auto range = parse (text, huge);
  return range && range->first < huge && !text.starts_with ("bytes=-")
             ? range->first
             : 0;
}

// Behind its last byte, if that can be said without knowing the size.
inline std::optional<std::uint64_t> end_of (std::string_view text)
{
  constexpr std::uint64_t huge = std::uint64_t{1} << 62;
  auto range = parse (text, huge);
  if (!range || range->last >= huge - 1) return std::nullopt;
  return range->last + 1;
}

}  // namespace range

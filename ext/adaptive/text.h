// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

// Numbers in manifests: digits and nothing else, whatever the locale.
namespace text {

inline std::string_view trim (std::string_view text)
{
  constexpr std::string_view space = " \t\r\n";
  auto first = text.find_first_not_of (space);
  if (first == std::string_view::npos) return {};
  return text.substr (first, text.find_last_not_of (space) - first + 1);
}

// The whole of the text, or nothing: no sign, no space, no overflow.
template <class T>
[[nodiscard]] std::optional<T> number (std::string_view text)
{
  T value{};
  const char *end = text.data () + text.size ();
  if (text.empty () || text.front () < '0' || text.front () > '9')
    return std::nullopt;
  auto [stop, error] = std::from_chars (text.data (), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// "12.5" in units of 10^-digits (9: nanoseconds); further digits are cut off.
[[nodiscard]] inline std::optional<std::uint64_t> decimal (
    std::string_view text, int digits)
{
  auto point = text.find ('.');
  std::string_view fraction =
      point == std::string_view::npos ? "" : text.substr (point + 1);
  if (fraction.find_first_not_of ("0123456789") != std::string_view::npos)
    return std::nullopt;
  auto value = number<std::uint64_t> (text.substr (0, point));
  if (!value) return std::nullopt;
  for (int i = 0; i < digits; i++) {
    std::uint64_t digit = 0;
    if (static_cast<std::size_t> (i) < fraction.size ())
      digit = static_cast<std::uint64_t> (
          fraction[static_cast<std::size_t> (i)] - '0');
    if (__builtin_mul_overflow (*value, 10, &*value) ||
        __builtin_add_overflow (*value, digit, &*value))
      return std::nullopt;
  }
  return value;
}

}  // namespace text

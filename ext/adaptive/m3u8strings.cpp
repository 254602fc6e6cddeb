// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8strings.h"

#include <algorithm>
#include <functional>

namespace m3u8 {

namespace {

// 172,800 addresses of 388 bytes.
constexpr std::size_t max_expansion = std::size_t{64} * 1024 * 1024;

}  // namespace

std::string_view Strings::view (Place place) const
{
  if (place.at < text_.size ())
    return std::string_view (text_).substr (place.at, place.size);
  return std::string_view (appended_).substr (
      place.at - text_.size (), place.size);
}

Place Strings::keep (std::string_view text)
{
  const char *begin = text_.data ();
  const char *end = begin + text_.size ();
  auto size = static_cast<std::uint32_t> (text.size ());
  if (size == 0) return {};
  // Of two pointers that are not into the same array only these compare.
  if (std::less_equal<> () (begin, text.data ()) &&
      std::less<> () (text.data (), end))
    return {static_cast<std::uint32_t> (text.data () - begin), size};
  auto at = static_cast<std::uint32_t> (text_.size () + appended_.size ());
  appended_ += text;
  return {at, size};
}

Result<relay::Done> Strings::define (
    std::pair<std::string, std::string> variable)
{
  // "the parser MUST fail to parse the Playlist"
  for (const auto &known : variables_)
    if (known.first == variable.first)
      return relay::failure (Error::defined_twice);
  variables_.push_back (std::move (variable));
  return relay::Done{};
}

// The limit is on all of them together, because variables may be made of
// variables.
Result<std::string_view> Strings::expand (std::string_view text)
{
  auto at = text.find ("{$");
  if (at == std::string_view::npos) return text;
  std::string out;
  std::string_view rest = text;
  for (; at != std::string_view::npos; at = rest.find ("{$")) {
    auto end = rest.find ('}', at);
    if (end == std::string_view::npos) break;
    std::string_view name = rest.substr (at + 2, end - at - 2);
    auto known = std::ranges::find (
        variables_, name, &std::pair<std::string, std::string>::first);
    // "the parser MUST fail to parse the Playlist"
    if (known == variables_.end ()) return relay::failure (Error::undefined);
    out += rest.substr (0, at);
    out += known->second;
    rest.remove_prefix (end + 1);
    if (expansion_ + out.size () > max_expansion)
      return relay::failure (Error::too_large);
  }
  out += rest;
  expansion_ += out.size ();
  expanded_.push_back (std::move (out));
  return std::string_view (expanded_.back ());
}

// In quoted strings and hexadecimal sequences variables are expanded (4.3).
Result<relay::Done> Strings::read (
    std::string_view list, m3u8text::Attributes &out)
{
  if (!out.read (list)) return relay::failure (Error::bad_attributes);
  if (!has_variables ()) return relay::Done{};
  begin_line ();
  for (m3u8text::Attribute &one : out.items ()) {
    if (!one.is_quoted && one.name != "IV") continue;
    auto expanded = expand (one.value);
    if (!expanded) return expanded.error ();
    one.value = *expanded;
  }
  return relay::Done{};
}

}  // namespace m3u8

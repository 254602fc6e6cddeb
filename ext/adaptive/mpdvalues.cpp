// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdvalues.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "text.h"

namespace mpdvalues {

using presentation::Time;

namespace {

// Seconds of a unit; 0: one that has no length (years; months and what is on
// the wrong side of the T). Nothing: no unit.
std::optional<std::uint64_t> unit_of (char letter, bool time)
{
  switch (letter) {
    case 'D':
      return time ? 0 : 86400;
    case 'H':
      return time ? 3600 : 0;
    case 'M':
      return time ? 60 : 0;
    case 'S':
      return time ? 1 : 0;
    case 'Y':
      return 0;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<Time> duration (std::string_view value)
{
  if (!value.starts_with ('P')) return std::nullopt;
  value.remove_prefix (1);
  bool time = false;
  bool any = false;
  std::uint64_t total = 0;
  while (!value.empty ()) {
    if (value.starts_with ('T')) {
      if (time) return std::nullopt;
      time = true;
      value.remove_prefix (1);
      continue;
    }
    std::size_t size =
        std::min (value.find_first_not_of ("0123456789."), value.size ());
    auto amount = text::decimal (value.substr (0, size), 9);
    if (!amount || size == value.size ()) return std::nullopt;
    auto unit = unit_of (value[size], time);
    // Some write P0Y0M0DT8S.
    if (!unit || (*unit == 0 && *amount != 0)) return std::nullopt;
    if (__builtin_mul_overflow (*amount, *unit, &*amount) ||
        __builtin_add_overflow (total, *amount, &total) ||
        total > presentation::max_time)
      return std::nullopt;
    value.remove_prefix (size + 1);
    any = true;
  }
  if (!any) return std::nullopt;
  return total;
}

std::optional<presentation::Range> range (std::string_view value)
{
  auto dash = value.find ('-');
  if (dash == std::string_view::npos) return std::nullopt;
  auto first = text::number<std::uint64_t> (value.substr (0, dash));
  if (!first) return std::nullopt;
  presentation::Range out{*first, std::nullopt};
  if (dash + 1 < value.size ()) {
    out.last = text::number<std::uint64_t> (value.substr (dash + 1));
    if (!out.last || *out.last < *first) return std::nullopt;
  }
  return out;
}

presentation::Fraction frame_rate (std::string_view value)
{
  auto slash = std::min (value.find ('/'), value.size ());
  auto numerator = text::number<std::uint32_t> (value.substr (0, slash));
  auto denominator = slash == value.size () ? std::optional<std::uint32_t> (1)
                                            : text::number<std::uint32_t> (
                                                  value.substr (slash + 1));
  if (!numerator || !denominator || *denominator == 0) return {};
  return {*numerator, *denominator};
}

std::optional<Time> availability_offset (std::string_view value)
{
  if (value == "INF") return presentation::max_time;
  auto seconds = text::decimal (value, 9);
  if (!seconds) return std::nullopt;
  return std::min<Time> (*seconds, presentation::max_time);
}

std::optional<double> playout_rate (std::string_view value)
{
  if (value == "INF") return std::numeric_limits<double>::infinity ();
  auto rate = text::number<double> (value);
  if (!rate || !std::isfinite (*rate) || *rate <= 0) return std::nullopt;
  return rate;
}

std::optional<bool> boolean (std::string_view value)
{
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return std::nullopt;
}

}  // namespace mpdvalues

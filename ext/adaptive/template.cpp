// SPDX-License-Identifier: LGPL-2.1-or-later
#include "template.h"

#include <optional>

#include "text.h"

namespace url_template {

const char *to_string (Error error)
{
  switch (error) {
    case Error::too_long:
      return "the expanded template is too long";
    case Error::unclosed:
      return "a $ has no partner";
    case Error::unknown_identifier:
      return "unknown identifier";
    case Error::bad_format:
      return "bad format tag";
  }
  return "unknown";
}

namespace {

// The width of a format tag "%0[width]d"; "" stands for "%01d".
std::optional<unsigned> width_of (std::string_view format)
{
  if (format.empty ()) return 1;
  if (format.size () < 3 || !format.starts_with ("%0") ||
      !format.ends_with ('d'))
    return std::nullopt;
  format = format.substr (2, format.size () - 3);
  if (format.empty ()) return 1;
  auto width = text::number<unsigned> (format);
  if (!width || *width > max_width) return std::nullopt;
  return width;
}

std::string padded (std::uint64_t value, unsigned width)
{
  std::string digits = std::to_string (value);
  if (digits.size () < width) digits.insert (0, width - digits.size (), '0');
  return digits;
}

// What stands between two $, not empty.
Result<std::string> substitute (
    std::string_view tag, const Values &values, std::size_t at)
{
  auto percent = tag.find ('%');
  std::string_view name = tag.substr (0, percent);
  std::string_view format =
      percent == std::string_view::npos ? "" : tag.substr (percent);
  if (name == "RepresentationID") {
    if (!format.empty ()) return relay::failure (Error::bad_format, at);
    return std::string (values.representation_id);
  }
  std::uint64_t value = 0;
  if (name == "Number")
    value = values.number;
  else if (name == "Bandwidth")
    value = values.bandwidth;
  else if (name == "Time")
    value = values.time;
  else
    return relay::failure (Error::unknown_identifier, at);
  auto width = width_of (format);
  if (!width) return relay::failure (Error::bad_format, at);
  return padded (value, *width);
}

}  // namespace

Result<std::string> expand (std::string_view pattern, const Values &values)
{
  std::string out;
  std::size_t at = 0;
  while (true) {
    std::size_t dollar = pattern.find ('$', at);
    out += pattern.substr (at, dollar - at);
    if (out.size () > max_length) return relay::failure (Error::too_long, at);
    if (dollar == std::string_view::npos) return out;
    std::size_t end = pattern.find ('$', dollar + 1);
    if (end == std::string_view::npos)
      return relay::failure (Error::unclosed, dollar);
    if (end == dollar + 1) {
      out += '$';
    } else {
      auto value = substitute (
          pattern.substr (dollar + 1, end - dollar - 1), values, dollar);
      if (!value) return value.error ();
      out += *value;
    }
    at = end + 1;
  }
}

}  // namespace url_template

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

// Template-based segment URLs (ISO/IEC 23009-1 5.3.9.4.4): $Number%05d$ and
// its like. "template" is a keyword, hence the namespace's other name.
namespace url_template {

enum class Error
{
  too_long,
  unclosed,            // a $ without its partner
  unknown_identifier,  // neither of the five, or $SubNumber$
  bad_format           // not %0[width]d, or one at $RepresentationID$
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

// Of what comes out.
inline constexpr std::size_t max_length = std::size_t{64} * 1024;
inline constexpr unsigned max_width = 64;

struct Values
{
  std::string_view representation_id;
  std::uint64_t number = 0;
  std::uint64_t bandwidth = 0;
  std::uint64_t time = 0;
};

// The position of an error is the byte in the pattern.
[[nodiscard]] Result<std::string> expand (
    std::string_view pattern, const Values &values);

}  // namespace url_template

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

// data: URIs (RFC 2397).
namespace datauri {

enum class Error
{
  scheme,  // another one
  comma,   // none
  base64   // not that
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

struct Data
{
  std::string media_type;  // without parameters; "" = text/plain
  std::vector<std::uint8_t> bytes;
};

[[nodiscard]] bool is_one (std::string_view uri);
[[nodiscard]] Result<Data> parse (std::string_view uri);

// Of both alphabets (RFC 4648 4, 5). White space is left out, as by browsers;
// so may be the padding.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> decode_base64 (
    std::string_view text);

}  // namespace datauri

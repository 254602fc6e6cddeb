// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

// Content Steering (RFC 8216bis 7, ETSI TS 103 998): a server says, again and
// again, by which of several pathways the same media are to be asked for.
namespace steering {

enum class Error
{
  json_syntax,
  json_too_deep,
  no_version,
  other_version,
  bad_ttl,
  bad_uri,
  no_priority,
  bad_priority
};
[[nodiscard]] const char *to_string (Error error);
template <class T>
using Result = relay::Result<T, Error>;

// A Steering Manifest.
struct Manifest
{
  // When the next one is to be asked for, from when this one was.
  std::chrono::seconds ttl{300};
  // Where; "" = at the same address. As it stands there.
  std::string reload_uri;
  // The ids of pathways, the best one first.
  std::vector<std::string> priority;
};

// The position of an error is the byte. PATHWAY-CLONES are passed over.
[[nodiscard]] Result<Manifest> parse (std::string_view json);

enum class Protocol
{
  hls,
  dash
};

// What is being played, for the server to decide by: the pathway, and
// the throughput in bit/s where it is known. Nothing is added to a data: URI.
[[nodiscard]] std::string request_uri (Protocol protocol, std::string_view uri,
    std::string_view pathway, std::optional<std::uint64_t> throughput);

}  // namespace steering

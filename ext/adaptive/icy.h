// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <utility>
#include <vector>

// Internet radio: what the headers of a SHOUTcast or Icecast response say.
namespace icy {

using Headers = std::vector<std::pair<std::string, std::string>>;

// With it a client says that it can take metadata amid the stream.
inline constexpr const char *request_name = "icy-metadata";
inline constexpr const char *request_value = "1";

struct Station
{
  int interval = 0;  // bytes between two pieces of metadata; 0 = there are none
  std::string name;
  std::string genre;
  std::string url;
};
[[nodiscard]] Station parse (const Headers &headers);

}  // namespace icy

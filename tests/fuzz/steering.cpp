// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steering.h"

#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  auto manifest = steering::parse (text);
  if (!manifest) {
    require (manifest.position () <= size);
    return 0;
  }
  require (!manifest->priority.empty ());
  require (manifest->ttl.count () > 0);
  for (const std::string &id : manifest->priority) {
    std::string uri = steering::request_uri (
        steering::Protocol::hls, "http://h/", id, std::uint64_t{1});
    // One parameter, whatever is in the id.
    require (uri.find_first_of (" \r\n#\"") == std::string::npos);
  }
  return 0;
}

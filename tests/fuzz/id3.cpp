// SPDX-License-Identifier: LGPL-2.1-or-later
#include "id3.h"

#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  auto timestamp = id3::timestamp ({data, size});
  if (timestamp && *timestamp >= id3::wrap) std::abort ();
  // What is found is found in what is longer too.
  std::vector<std::uint8_t> longer (data, data + size);
  longer.insert (longer.end (), 32, 0xff);
  if (timestamp && id3::timestamp (longer) != timestamp) std::abort ();
  id3::Clock clock;
  presentation::Time listed = 0;
  for (std::size_t i = 0; i + 5 < size; i += 5) {
    std::uint64_t value = 0;
    for (std::size_t j = 0; j < 5; j++) value = value << 8 | data[i + j];
    listed += presentation::second;
    presentation::Time at =
        clock.at (listed, value % id3::wrap, data[i] % 16 == 0);
    constexpr auto most = 10 * presentation::second;
    if (at > listed + most || at + most < listed) std::abort ();
  }
  return 0;
}

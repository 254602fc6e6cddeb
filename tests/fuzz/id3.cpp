// SPDX-License-Identifier: LGPL-2.1-or-later
#include "id3.h"

#include <cstdlib>
#include <vector>

#include "mediaclock.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  auto timestamp = id3::timestamp ({data, size});
  if (timestamp && *timestamp >= mediaclock::wrap) std::abort ();
  // What is found is found in what is longer too.
  std::vector<std::uint8_t> longer (data, data + size);
  longer.insert (longer.end (), 32, 0xff);
  if (timestamp && id3::timestamp (longer) != timestamp) std::abort ();
  mediaclock::Book book;
  mediaclock::Track track;
  presentation::Time listed = 0;
  std::int64_t last = 0;
  std::uint64_t sequence = 0;
  for (std::size_t i = 0; i + 5 < size; i += 5) {
    std::uint64_t value = 0;
    for (std::size_t j = 0; j < 5; j++) value = value << 8 | data[i + j];
    listed += presentation::second;
    bool begins = data[i] % 16 == 0;
    if (begins) sequence++;
    auto got = track.at (book, {1, 0, 0, sequence}, listed, value);
    if (begins && got.offset != 0) std::abort ();
    // It is on the same clock, or on one that begins here.
    constexpr auto most = static_cast<std::int64_t> (
        mediaclock::furthest + presentation::second / 2);
    if (got.offset != 0 &&
        (got.offset - last >= most || last - got.offset >= most))
      std::abort ();
    last = got.offset;
  }
  return 0;
}

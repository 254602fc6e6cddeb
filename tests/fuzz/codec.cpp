// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames of compressed slices: whatever they are, no more comes out than there
// is room for; and what was compressed comes back.
#include "codec.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  const std::span<const std::uint8_t> input (data, size);
  // The room for it says the first byte.
  if (!input.empty ()) {
    std::vector<std::uint8_t> out (std::size_t{input[0]} * 1000);
    (void)codec::decompress (input.subspan (1), out);
  }
  codec::Compressor compressor;
  if (auto frame = compressor.compress ({&input, 1})) {
    std::vector<std::uint8_t> back (size);
    if (frame->size () >= size || !codec::decompress (*frame, back) ||
        !std::equal (back.begin (), back.end (), input.begin ()))
      std::abort ();
  }
  return 0;
}

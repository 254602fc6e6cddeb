// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keyids.h"

#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

namespace {

std::vector<keys::KeyId> found (
    std::span<const std::uint8_t> data, std::size_t part)
{
  keyids::Scanner scanner;
  scanner.begin ();
  for (; !data.empty (); data = data.subspan (std::min (part, data.size ())))
    scanner.feed (data.first (std::min (part, data.size ())));
  return scanner.take ();
}

}  // namespace

// However the bytes come, the same key ids come out.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  (void)keyids::of_movie ({data, size});
  (void)keyids::of_fragment ({data, size});
  require (found ({data, size}, size) == found ({data, size}, 1));
  return 0;
}

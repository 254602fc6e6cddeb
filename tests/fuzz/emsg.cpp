// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emsg.h"

#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

namespace {

std::vector<emsg::Event> found (
    std::span<const std::uint8_t> data, std::size_t part)
{
  emsg::Scanner scanner;
  for (; !data.empty (); data = data.subspan (std::min (part, data.size ())))
    scanner.feed (data.first (std::min (part, data.size ())));
  return scanner.take ();
}

}  // namespace

// However the bytes come, the same events come out.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  (void)emsg::parse ({data, size});
  auto events = found ({data, size}, size);
  require (events == found ({data, size}, 1));
  for (const emsg::Event &event : events) {
    require (event.timescale != 0 && event.data.size () < size);
    (void)emsg::time_of (event, 1000, 500);
  }
  return 0;
}

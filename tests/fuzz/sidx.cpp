// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sidx.h"

#include <algorithm>
#include <span>
#include <vector>

#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

namespace {

using Part = sidx::Walk::Part;

// The data is the resource's beginning; nothing is behind it.
sidx::Result<relay::Done> follow (
    sidx::Walk &walk, std::span<const std::uint8_t> data)
{
  const Part first{0, data.first (std::min<std::size_t> (64, data.size ()))};
  auto done = walk.add ({&first, 1});
  for (unsigned i = 0; i < 100 && done; i++) {
    std::vector<Part> parts;
    for (const auto &wanted : walk.wanted ()) {
      require (wanted.size >= 8);
      if (wanted.first >= data.size ()) continue;
      auto part = data.subspan (wanted.first);
      parts.push_back ({wanted.first,
          part.first (std::min<std::size_t> (wanted.size, part.size ()))});
    }
    if (parts.empty ()) break;
    done = walk.add (parts);
  }
  return done;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  sidx::Walk walk;
  if (!follow (walk, {data, size}) || !walk.wanted ().empty ()) return 0;
  sidx::Index index = walk.take ();
  presentation::Representation representation{};
  auto list = schedule::to_segments (presentation::SegmentBase{}, index);
  if (!list) return 0;
  require (list->entries.size () <= index.references.size ());
  representation.segments = std::move (*list);
  std::uint64_t n = 0;
  while (schedule::segment (representation, n)) n++;
  require (n <= index.references.size ());
  return 0;
}

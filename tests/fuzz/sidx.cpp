// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sidx.h"

#include <algorithm>

#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

namespace {

// The data is the resource's beginning; nothing is behind it.
sidx::Result<relay::Done> follow (
    sidx::Walk &walk, std::span<const std::uint8_t> data)
{
  auto done =
      walk.add (data.first (std::min<std::size_t> (64, data.size ())), 0);
  for (unsigned i = 0; i < 100 && done; i++) {
    auto wanted = walk.wanted ();
    if (!wanted || wanted->first >= data.size ()) break;
    require (wanted->size >= 8);
    auto part = data.subspan (wanted->first);
    done = walk.add (
        part.first (std::min<std::size_t> (wanted->size, part.size ())),
        wanted->first);
  }
  return done;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  sidx::Walk walk;
  if (!follow (walk, {data, size}) || walk.wanted ()) return 0;
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

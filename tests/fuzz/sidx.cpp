// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sidx.h"

#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  auto index = sidx::parse ({data, size}, 100);
  if (!index) return 0;
  presentation::Representation representation{};
  auto list = schedule::to_segments (presentation::SegmentBase{}, *index);
  if (!list) return 0;
  require (list->entries.size () <= index->references.size ());
  representation.segments = std::move (*list);
  std::uint64_t n = 0;
  while (schedule::segment (representation, n)) n++;
  require (n <= index->references.size ());
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "bmff.h"
#include "movie.h"
#include "samples.h"

// What moof says: where its encrypted samples are and how to decrypt them.
namespace fragment {

using bmff::Result;

struct Fragment
{
  // Encrypted samples.
  std::vector<samples::Batch> batches;
  std::uint64_t clear_samples = 0;
  std::uint64_t differences = 0;  // of senc from saiz and saio
  // What makes the box that of a clear file.
  std::vector<bmff::Rename> renames;
  // The pssh boxes of it, in order.
  std::vector<std::vector<std::uint8_t>> psshs;
};

// moof, its header included, which stands at position in its resource. Error
// positions and renames count from its start.
Result<Fragment> parse (
    bmff::Bytes moof, std::uint64_t position, const movie::Movie &movie);

}  // namespace fragment

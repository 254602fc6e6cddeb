// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "bmff.h"
#include "samples.h"

// The tables of stbl that say where the samples outside of fragments are:
// ISO/IEC 14496-12 8.7.
namespace tables {

using bmff::Result;

// A run for each chunk, with the index of its sample entry, from 0, for a
// treatment. moov is a copy of the box; what has to be widened goes behind it.
Result<relay::Done> parse (const std::vector<bmff::Box> &stbl,
    std::size_t position, std::size_t sample_entries, std::size_t most_chunks,
    std::vector<std::uint8_t> &moov, samples::Batch &batch);

}  // namespace tables

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bmff.h"
#include "protection.h"
#include "samples.h"

// What moov says about protection: ISO/IEC 14496-12 and 23001-7 clause 8.
namespace movie {

using bmff::Result;

using protection::Encryption;

struct Track
{
  std::uint32_t track_id = 0;
  // One for each sample entry, in order; none for a clear one.
  std::vector<std::optional<Encryption>> sample_entries;
  // trex
  std::uint32_t default_sample_description_index = 0;
  std::uint32_t default_sample_size = 0;
  // seig, of stbl
  protection::Descriptions descriptions;

  [[nodiscard]] bool has_encryption () const;
};

struct Movie
{
  std::vector<Track> tracks;
  // Encrypted samples outside of fragments.
  std::vector<samples::Batch> batches;
  bool has_tables = false;  // of such samples, clear ones included
  std::uint64_t clear_samples = 0;
  std::uint64_t differences = 0;  // of senc from saiz and saio
  // What makes the box that of a clear file.
  std::vector<bmff::Rename> renames;
  // The pssh boxes of it, in order.
  std::vector<std::vector<std::uint8_t>> psshs;

  [[nodiscard]] bool has_encryption () const;
  [[nodiscard]] const Track *find (std::uint32_t track_id) const;
};

// moov, its header included, which stands at position in its resource. Error
// positions and renames count from its start.
Result<Movie> parse (bmff::Bytes moov, std::uint64_t position);

}  // namespace movie

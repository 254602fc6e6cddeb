// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bmff.h"
#include "cenc.h"
#include "keys.h"

// What moov says about protection: ISO/IEC 14496-12 and 23001-7 clause 8.
namespace movie {

using bmff::Result;

// The tenc box, and the scheme that schm names for it.
struct Encryption
{
  cenc::Scheme scheme = cenc::Scheme::cenc;
  bool is_protected = false;
  cenc::Pattern pattern;
  std::uint8_t per_sample_iv_size = 0;
  keys::KeyId kid{};
  // In place of IVs per sample.
  std::optional<aes::Block> constant_iv;
};

struct Track
{
  std::uint32_t track_id = 0;
  // One for each sample entry, in order; none for a clear one.
  std::vector<std::optional<Encryption>> sample_entries;
  // trex
  std::uint32_t default_sample_description_index = 0;
  std::uint32_t default_sample_size = 0;

  [[nodiscard]] bool has_encryption () const;
};

struct Movie
{
  std::vector<Track> tracks;
  // What makes the box that of a clear file.
  std::vector<bmff::Rename> renames;

  [[nodiscard]] bool has_encryption () const;
  [[nodiscard]] const Track *find (std::uint32_t track_id) const;
};

// moov, its header included. Positions count from its start.
Result<Movie> parse (bmff::Bytes moov);

// The scheme of a schm box or of an auxiliary information type.
std::optional<cenc::Scheme> scheme_of (bmff::Type scheme_type);

// True for sgpd, sbgp and csgp of the grouping type seig.
bool is_seig (const bmff::Box &box);

}  // namespace movie

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bmff.h"
#include "cenc.h"
#include "keys.h"

// The boxes that say how samples are encrypted: ISO/IEC 23001-7 clauses 6 to 8,
// the sample groups of 14496-12 8.9 that they use, and those of PIFF, the
// forerunner, which has boxes of its own in "uuid".
namespace protection {

using bmff::Result;

// The tenc box, or an entry of a seig sample group, and the scheme that schm
// names for it.
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

// The scheme of a schm box or of an auxiliary information type.
std::optional<cenc::Scheme> scheme_of (bmff::Type scheme_type);

// 23001-7 8.2. Of a version 0 the pattern is reserved.
Result<Encryption> parse_tenc (const bmff::Box &tenc, cenc::Scheme scheme);

// PIFF: the boxes of its user types.
bool is_piff_tenc (const bmff::Box &box);
bool is_piff_senc (const bmff::Box &box);
bool is_piff_pssh (const bmff::Box &box);
Result<Encryption> parse_piff_tenc (const bmff::Box &box);

// senc, or PIFF's box in its place.
struct SampleEncryption
{
  bool has_subsamples = false;
  // PIFF: in place of what the track says.
  std::optional<Encryption> instead;
  std::uint32_t count = 0;
  std::size_t entries_at = 0;  // where box positions count
  std::size_t end = 0;
};
Result<SampleEncryption> parse_senc (const bmff::Box &box);

// The descriptions of seig sample groups: 23001-7 clause 6. Their scheme is
// that of the sample entry.
struct Descriptions
{
  std::vector<Encryption> entries;
  // From 1: of the samples that no sbgp puts into a group; 0 for none.
  std::uint32_t default_index = 0;
};
// True for sgpd, sbgp and csgp of the grouping type seig.
bool is_seig (const bmff::Box &box);
// sgpd: 14496-12 8.9.3
Result<Descriptions> parse_sgpd (const bmff::Box &sgpd);

// sbgp: 14496-12 8.9.2. Samples up to end, counted from the first of the track
// or traf, which come after those of the interval before it.
struct Interval
{
  std::uint64_t end;
  std::uint32_t group;  // 0: in none
};
Result<std::vector<Interval>> parse_sbgp (const bmff::Box &sbgp);

// True for a box in stbl or traf that is about nothing but encryption.
bool is_about_encryption (const bmff::Box &box);
// pssh, PIFF's too.
bool is_pssh (const bmff::Box &box);
// It as a box by itself, PIFF's as pssh, for those who know what it says.
// Empty when it is larger than any that is meant.
std::vector<std::uint8_t> copy_pssh (const bmff::Box &pssh);

}  // namespace protection

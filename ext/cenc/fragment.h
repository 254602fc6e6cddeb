// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bmff.h"
#include "movie.h"

// What moof says: where its encrypted samples are and how to decrypt them.
namespace fragment {

using bmff::Result;

// Of all samples of a fragment, or of several that are not yet played.
inline constexpr std::size_t most_samples = std::size_t{1} << 20;
inline constexpr std::size_t most_subsample_bytes = std::size_t{64} << 20;

struct Sample
{
  std::uint64_t position = 0;  // where moof's position counts
  std::uint32_t size = 0;
  std::uint32_t encryption = 0;  // index into Fragment::encryptions
  aes::Block iv{};
  // A part of Fragment::subsamples; none for a sample protected as a whole.
  struct List
  {
    std::size_t start;
    std::size_t size;
  };
  std::optional<List> subsamples;
};

struct Fragment
{
  std::vector<movie::Encryption> encryptions;
  // Encrypted samples only, none of them empty, in the order of moof.
  std::vector<Sample> samples;
  std::vector<std::uint8_t> subsamples;
  std::uint64_t clear_samples = 0;
  // What makes the box that of a clear file.
  std::vector<bmff::Rename> renames;
};

// moof, its header included, which stands at position in its resource. Error
// positions and renames count from its start.
Result<Fragment> parse (
    bmff::Bytes moof, std::uint64_t position, const movie::Movie &movie);

}  // namespace fragment

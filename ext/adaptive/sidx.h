// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/result.h"

// The Segment Index Box (ISO/IEC 14496-12 8.16.3): which bytes are which time.
namespace sidx {

enum class Error
{
  no_sidx,
  truncated,
  bad_size,     // a box smaller than its header
  bad_version,  // neither 0 nor 1
  zero_timescale,
  hierarchical,  // refers to other sidx boxes: not supported
  overflow,      // beyond 64 bits
  empty          // no reference
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

struct Reference
{
  std::uint64_t first = 0;  // byte in the resource
  std::uint32_t size = 0;
  std::uint64_t time = 0;  // in units of the timescale
  std::uint32_t duration = 0;
};

struct Index
{
  std::uint32_t timescale = 1;
  std::vector<Reference> references;
};

// The first sidx among the boxes of the data, which begin at this byte of the
// resource.
[[nodiscard]] Result<Index> parse (
    std::span<const std::uint8_t> data, std::uint64_t position);

}  // namespace sidx

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
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
  too_many,  // indexes of indexes, or references in all
  overflow,  // beyond 64 bits
  empty      // no reference
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
  std::uint32_t timescale = 0;  // 0 = the Index's
  // To another sidx, at its first byte; the size is that of the box and of all
  // that it indexes.
  bool is_index = false;
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

// An index whose references may be to other indexes (8.16.3.1: hierarchical,
// or a chain in which the last one refers to the next). Level by level: what is
// known to be missing is asked for at once.
class Walk
{
public:
  // Of one resource: the boxes that it takes, and the references that come of
  // them.
  static constexpr std::size_t max_boxes = 4096;
  static constexpr std::size_t max_references = std::size_t{1} << 20;
  // How much of a referred index is asked for at first: some 600 references.
  static constexpr std::uint64_t first_guess = 8192;

  struct Range
  {
    std::uint64_t first = 0;
    std::uint64_t size = 0;
  };
  // Bytes from this one of the resource on.
  struct Part
  {
    std::uint64_t first = 0;
    std::span<const std::uint8_t> data;
  };

  // First the part with the index, then those that wanted () asks for.
  [[nodiscard]] Result<relay::Done> add (std::span<const Part> parts);
  // What else is to be read, in any order; nothing: the index is complete.
  // Indexes that follow each other are in one range, also where no more than a
  // first guess is between them.
  [[nodiscard]] std::vector<Range> wanted () const;
  [[nodiscard]] Index take () { return std::move (index_); }

private:
  // A reference to an index, and how much of that is wanted.
  struct Entry
  {
    Reference reference;
    std::uint64_t need = 0;
  };
  struct Missing
  {
    std::size_t at = 0;  // in the index
    std::uint64_t need = 0;
  };

  Result<relay::Done> begin (std::span<const Part> parts);
  [[nodiscard]] std::vector<Entry> take_entries ();
  Result<relay::Done> expand (std::span<const Part> parts);

  Index index_;
  bool begun_ = false;
  std::size_t boxes_ = 0;
  std::vector<Missing> missing_;
};

}  // namespace sidx

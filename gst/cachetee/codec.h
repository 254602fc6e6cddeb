// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "record.h"

// Slices that are compressed by zstd, level 1, where that pays.
namespace codec {

// False in a build without zstd: nothing is compressed, and nothing that is can
// be read.
bool is_available ();

// Of one object, for one thread. Where a slice was not worth it the next ones
// are not tried, up to 16 of them, so that a stream that cannot be compressed
// costs little.
class Compressor
{
public:
  Compressor ();
  ~Compressor ();
  Compressor (const Compressor &) = delete;
  Compressor &operator= (const Compressor &) = delete;

  // One frame of all the parts, valid until the next call; nothing if it would
  // be more than nine tenths of them.
  std::optional<std::span<const std::uint8_t>> compress (record::Parts parts);

private:
  struct Context;
  bool run (record::Parts parts, std::size_t limit);

  std::unique_ptr<Context> context_;
  std::vector<std::uint8_t> out_;
  std::size_t used_ = 0;
  // Slices that are not tried: how many are left, and were the last time.
  unsigned left_ = 0;
  unsigned pause_ = 0;
};

// False if it is not a frame of exactly as many bytes as there is room for.
// Never writes more.
bool decompress (
    std::span<const std::uint8_t> frame, std::span<std::uint8_t> out);

}  // namespace codec

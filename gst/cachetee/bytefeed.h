// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "bytestream.h"

// A source that sends a resource from some place on, and the byte stream that
// what it sends is for.
namespace bytefeed {

using bytestream::Stream;

// For one thread at a time.
class Feed
{
public:
  // The source sends what is at the position next. Fills what the filler has
  // claimed, if there is one; with `claims` also each other hole that the
  // source comes by, which goes as far as `until`. The rest passes.
  Feed (Stream stream, std::uint64_t position,
      std::unique_ptr<bytestream::Filler> filler, bool claims,
      std::uint64_t until = bytestream::unknown);

  // The failure is `changed` if the resource is longer than it should be; then
  // nothing more is taken. Any other says what is wrong with the disk.
  store::Result<relay::Done> take (
      bytestream::Chunk chunk, std::chrono::milliseconds patience);
  // The source has come to the end of the resource. `incomplete` if it was cut
  // before, `changed` if there is more.
  store::Result<relay::Done> end (std::chrono::milliseconds patience);
  // It was cut: what is left of the claim is a hole.
  void cut () { filler_.reset (); }

  // Something else is to be filled; it is not before the position.
  void fill (std::unique_ptr<bytestream::Filler> filler);
  // So many bytes more are the end of a slice, which is then handed over.
  [[nodiscard]] bool closes (std::size_t bytes) const
  {
    return filler_ != nullptr && position_ % slice_size_ + bytes >= slice_size_;
  }
  // There is nothing left to be filled of what was claimed.
  [[nodiscard]] bool is_done () const;
  [[nodiscard]] std::uint64_t position () const { return position_; }
  // Bytes that were handed over to be kept.
  [[nodiscard]] std::uint64_t filled () const { return filled_; }

private:
  void claim ();
  void pass (bytestream::Chunk &chunk, std::uint64_t up_to);

  Stream stream_;
  std::uint64_t position_;
  std::unique_ptr<bytestream::Filler> filler_;
  const bool claims_;
  const std::uint64_t until_;
  const std::uint32_t slice_size_;
  // Before it there is nothing to be claimed.
  std::uint64_t claim_at_ = 0;
  std::uint64_t filled_ = 0;
};

}  // namespace bytefeed

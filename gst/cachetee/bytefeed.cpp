// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bytefeed.h"

#include <algorithm>
#include <utility>

namespace bytefeed {

using bytestream::Chunk;
using bytestream::Filler;
using bytestream::Range;
using bytestream::unknown;
using store::Error;
using store::Result;

Feed::Feed (Stream stream, std::uint64_t position,
    std::unique_ptr<Filler> filler, bool claims, std::uint64_t until)
    : stream_ (std::move (stream)),
      position_ (position),
      filler_ (std::move (filler)),
      claims_ (claims),
      until_ (until),
      slice_size_ (stream_.slice_size ()),
      claim_at_ (position)
{
}

void Feed::fill (std::unique_ptr<Filler> filler)
{
  filler_ = std::move (filler);
}

bool Feed::is_done () const
{
  if (filler_ == nullptr) return true;
  Range left = filler_->left ();
  return left.from >= left.to;
}

// Of a slice that was begun already its beginning is missing. What others have
// claimed may be a hole again by the next slice.
void Feed::claim ()
{
  if (position_ < claim_at_) return;
  std::uint64_t past = position_ % slice_size_;
  std::uint64_t from = past == 0 ? position_ : position_ - past + slice_size_;
  filler_ = stream_.claim ({from, until_});
  claim_at_ = from + (from == position_ ? slice_size_ : 0);
}

void Feed::pass (Chunk &chunk, std::uint64_t up_to)
{
  std::uint64_t size =
      std::min<std::uint64_t> (chunk.bytes.size (), up_to - position_);
  chunk.bytes = chunk.bytes.subspan (static_cast<std::size_t> (size));
  position_ += size;
}

Result<relay::Done> Feed::take (Chunk chunk, std::chrono::milliseconds patience)
{
  Result<relay::Done> result = relay::Done{};
  while (!chunk.bytes.empty ()) {
    Range left;
    if (filler_ != nullptr) left = filler_->left ();
    if (left.from >= left.to) filler_.reset ();
    if (filler_ == nullptr && position_ >= stream_.status ().total)
      return relay::failure (Error::changed);
    if (filler_ == nullptr && claims_) {
      claim ();
      if (filler_ != nullptr) continue;
    }
    if (filler_ == nullptr) {
      pass (chunk, claims_ ? claim_at_ : unknown);
      continue;
    }
    if (position_ < filler_->position ()) {
      pass (chunk, filler_->position ());
      continue;
    }
    if (position_ > filler_->position () || left.to <= position_) {
      filler_.reset ();
      continue;
    }
    Chunk part = chunk;
    pass (chunk, left.to);
    part.bytes = part.bytes.first (part.bytes.size () - chunk.bytes.size ());
    Result<relay::Done> filled = filler_->fill (part, patience);
    if (!filled && filled.code () == Error::changed) {
      filler_.reset ();
      return filled;
    }
    filled_ += part.bytes.size ();
    if (!filled) result = filled;
  }
  return result;
}

Result<relay::Done> Feed::end (std::chrono::milliseconds patience)
{
  std::unique_ptr<Filler> filler = std::move (filler_);
  std::uint64_t total = stream_.status ().total;
  if (total != unknown && position_ < total)
    return relay::failure (Error::incomplete);
  if (filler == nullptr && total == unknown && claims_)
    filler = stream_.claim ({position_, unknown});
  if (filler == nullptr || filler->position () != position_)
    return relay::Done{};
  return filler->finish (patience);
}

}  // namespace bytefeed

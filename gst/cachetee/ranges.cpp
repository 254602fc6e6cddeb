// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ranges.h"

#include <algorithm>

namespace ranges {

Table::Table (std::uint32_t slice_size, std::uint64_t limit)
    : slice_size_ (std::max (slice_size, std::uint32_t{1})), limit_ (limit)
{
}

// Slices that there are, or that there may be.
std::uint64_t Table::count () const
{
  if (total_ == unknown) return limit_;
  return total_ / slice_size_ + (total_ % slice_size_ != 0 ? 1 : 0);
}

std::uint64_t Table::end_of (std::uint64_t slice) const
{
  return std::min (start_of (slice + 1), total_);
}

bool Table::set_total (std::uint64_t total)
{
  if (total == total_) return true;
  if (total_ != unknown || total / slice_size_ >= limit_) return false;
  // Before it is known only whole slices are there.
  for (std::uint64_t slice = present_.size (); slice-- > 0;)
    if (present_[slice]) {
      if (start_of (slice + 1) > total) return false;
      break;
    }
  total_ = total;
  for (auto &[id, span] : claims_) {
    span.last = std::min (span.last, count ());
    span.first = std::min (span.first, span.last);
  }
  return true;
}

bool Table::has (std::uint64_t slice) const
{
  return slice < present_.size () && present_[slice];
}

bool Table::set (std::uint64_t slice)
{
  if (slice >= count ()) return false;
  if (slice >= present_.size ()) present_.resize (slice + 1);
  if (!present_[slice]) present_count_++;
  present_[slice] = true;
  return true;
}

void Table::unset (std::uint64_t slice)
{
  if (!has (slice)) return;
  present_[slice] = false;
  present_count_--;
}

bool Table::complete () const
{
  return total_ != unknown && present_count_ == count ();
}

std::uint64_t Table::bytes () const
{
  std::uint64_t bytes = present_count_ * slice_size_;
  if (total_ != unknown && total_ > 0 && has (count () - 1))
    bytes -= start_of (count ()) - total_;
  return bytes;
}

std::vector<Range> Table::present () const
{
  std::vector<Range> found;
  for (std::uint64_t slice = 0; slice < present_.size (); slice++) {
    if (!present_[slice]) continue;
    if (found.empty () || found.back ().to != start_of (slice))
      found.push_back ({start_of (slice), 0});
    found.back ().to = end_of (slice);
  }
  return found;
}

Claim Table::claim_of (std::uint64_t slice) const
{
  for (const auto &[id, span] : claims_)
    if (slice >= span.first && slice < span.last) return id;
  return 0;
}

const Table::Span *Table::claim_at (std::uint64_t slice) const
{
  auto found = claims_.find (claim_of (slice));
  return found != claims_.end () ? &found->second : nullptr;
}

std::uint64_t Table::next_claim (std::uint64_t slice) const
{
  std::uint64_t next = count ();
  for (const auto &[id, span] : claims_)
    if (span.first >= slice && span.first < span.last)
      next = std::min (next, span.first);
  return next;
}

std::uint64_t Table::next_present (std::uint64_t slice) const
{
  for (; slice < present_.size (); slice++)
    if (present_[slice]) return slice;
  return count ();
}

Range Table::range_of (std::uint64_t first, std::uint64_t last) const
{
  if (first >= last) return {start_of (first), start_of (first)};
  if (last < count ()) return {start_of (first), start_of (last)};
  return {start_of (first), total_};
}

At Table::at (std::uint64_t offset) const
{
  std::uint64_t slice = slice_of (offset);
  if (offset >= total_) return {Place::end, {offset, offset}};
  // Nobody can have it, but that is not the end.
  if (slice >= limit_) return {Place::hole, {start_of (slice), total_}};
  if (has (slice)) return {Place::present, range_of (slice, slice + 1)};
  std::uint64_t last = next_present (slice);
  if (const Span *span = claim_at (slice))
    return {Place::claimed, range_of (slice, std::min (last, span->last)),
        claim_of (slice)};
  return {Place::hole, range_of (slice, std::min (last, next_claim (slice)))};
}

std::optional<Claim> Table::claim (Range wanted, std::uint64_t cut)
{
  if (wanted.from >= total_) return std::nullopt;
  std::uint64_t last = count ();
  if (wanted.to < start_of (last))
    last = slice_of (wanted.to) + (wanted.to % slice_size_ != 0 ? 1 : 0);
  std::uint64_t slice = slice_of (wanted.from);
  while (slice < last) {
    if (has (slice)) {
      slice++;
      continue;
    }
    const Span *taken = claim_at (slice);
    if (taken == nullptr) break;
    // From here it is too far for who has it, or it will be.
    std::uint64_t away =
        cut == unknown ? taken->last : taken->first + cut / slice_size_ + 1;
    if (away <= slice) break;
    slice = std::min (away, taken->last);
  }
  if (slice >= last) return std::nullopt;
  std::uint64_t until = std::min (last, next_present (slice));
  for (auto &[id, span] : claims_)
    if (slice >= span.first && slice < span.last) {
      until = std::min (until, span.last);
      span.last = slice;
    }
  until = std::min (until, next_claim (slice));
  Claim claim = next_++;
  claims_[claim] = {slice, until};
  return claim;
}

Range Table::left (Claim claim) const
{
  auto found = claims_.find (claim);
  if (found == claims_.end ()) return {};
  return range_of (found->second.first, found->second.last);
}

void Table::advance (Claim claim)
{
  auto found = claims_.find (claim);
  if (found == claims_.end ()) return;
  Span &span = found->second;
  if (span.first < span.last) span.first++;
}

void Table::give_up (Claim claim)
{
  auto found = claims_.find (claim);
  if (found != claims_.end ()) found->second.last = found->second.first;
}

void Table::release (Claim claim)
{
  claims_.erase (claim);
}

}  // namespace ranges

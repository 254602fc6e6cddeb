// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

// Which parts of a byte stream are there, which are being fetched, and which
// are neither. All is counted in slices of one size; the last may be shorter.
namespace ranges {

inline constexpr std::uint64_t unknown = ~std::uint64_t{0};

// From the one byte to before the other, which may be unknown: to the end.
struct Range
{
  std::uint64_t from = 0;
  std::uint64_t to = 0;

  bool operator== (const Range &) const = default;
};

enum class Place
{
  // There.
  present,
  // Somebody fetches it.
  claimed,
  hole,
  // Behind the end.
  end,
};

using Claim = std::uint32_t;

struct At
{
  Place place = Place::end;
  // The slice, if it is present; else from this slice on all that is of the
  // same kind (and of the same claim).
  Range range;
  // Whose it is, if it is claimed.
  Claim claim = 0;
};

// For one thread at a time.
class Table
{
public:
  // Has no place for a slice with this number, nor for later ones.
  Table (std::uint32_t slice_size, std::uint64_t limit);

  // False if it is known to be another, or if what is there does not go with
  // it. Claims behind it end there.
  bool set_total (std::uint64_t total);
  [[nodiscard]] std::uint64_t total () const { return total_; }
  [[nodiscard]] std::uint32_t slice_size () const { return slice_size_; }
  [[nodiscard]] std::uint64_t slice_of (std::uint64_t offset) const
  {
    return offset / slice_size_;
  }
  [[nodiscard]] std::uint64_t start_of (std::uint64_t slice) const
  {
    return slice * slice_size_;
  }
  // Where it ends, which is the total for the last one.
  [[nodiscard]] std::uint64_t end_of (std::uint64_t slice) const;

  [[nodiscard]] bool has (std::uint64_t slice) const;
  // One that is behind the end is not taken.
  bool set (std::uint64_t slice);
  void unset (std::uint64_t slice);
  // All slices are there, and it is known how many that are.
  [[nodiscard]] bool complete () const;
  [[nodiscard]] std::uint64_t bytes () const;
  // What is there, in order.
  [[nodiscard]] std::vector<Range> present () const;

  [[nodiscard]] At at (std::uint64_t offset) const;

  // The first hole in what is wanted, up to what is not a hole any more; whole
  // slices. Nothing if there is none. What is more than `cut` bytes away from
  // where its claim is counts as a hole too: the claim ends there then.
  std::optional<Claim> claim (Range wanted, std::uint64_t cut = unknown);
  // What is left of it; empty when it is done, or was released.
  [[nodiscard]] Range left (Claim claim) const;
  // Its first slice is left behind, there or not.
  void advance (Claim claim);
  void release (Claim claim);
  // What is left of it is a hole, for others to claim.
  void give_up (Claim claim);
  [[nodiscard]] bool has_claims () const { return !claims_.empty (); }
  [[nodiscard]] std::size_t claims () const { return claims_.size (); }

private:
  struct Span
  {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };

  [[nodiscard]] std::uint64_t count () const;
  [[nodiscard]] Claim claim_of (std::uint64_t slice) const;
  [[nodiscard]] const Span *claim_at (std::uint64_t slice) const;
  [[nodiscard]] std::uint64_t next_claim (std::uint64_t slice) const;
  [[nodiscard]] std::uint64_t next_present (std::uint64_t slice) const;
  [[nodiscard]] Range range_of (std::uint64_t first, std::uint64_t last) const;

  std::uint32_t slice_size_;
  std::uint64_t limit_;
  std::uint64_t total_ = unknown;
  std::vector<bool> present_;
  std::uint64_t present_count_ = 0;
  // What is left of each; `last` is not in it.
  std::map<Claim, Span> claims_;
  Claim next_ = 1;
};

}  // namespace ranges

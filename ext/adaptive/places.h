// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/guarded.h"
#include "presentation.h"

// Where the same media can be had: the BaseURLs of DASH ("identical Segments
// shall be accessible at multiple locations", ISO/IEC 23009-1 5.6.5), and HLS
// variants that differ in nothing but their addresses.
namespace places {

struct Place
{
  std::size_t index = 0;  // of the representation in its track
  std::size_t base = 0;   // 0: at its base; n: at the n-th alternative
  std::string uri;        // of the base or the playlist; absolute
  // What is likely to fail together: as it is named, or the host.
  std::string location;
};

// All places of what this representation has, its own among them: in the order
// of the manifest.
[[nodiscard]] std::vector<Place> of (
    const presentation::Track &track, std::size_t index);
// As the manifest has it, but there.
[[nodiscard]] presentation::Representation at (
    const presentation::Track &track, const Place &place);
// Which of its places this one is of, whose segments may have been loaded.
[[nodiscard]] std::size_t find (std::span<const Place> all, std::size_t index,
    const presentation::Representation &representation);
// The same bytes at two places.
[[nodiscard]] bool is_same (const presentation::Representation &one,
    const presentation::Representation &other);

// What failed, in the order in which it did, and what is wanted before others.
class Failures
{
public:
  void add (const std::string &location) { last_[location] = ++count_; }
  // The best one first; those that are not named come after them. Where that is
  // another order than before, what has failed may be tried again.
  void prefer (std::vector<std::string> locations);
  // Of those that are named, the one that is chosen where it is a place; "" =
  // none is.
  [[nodiscard]] std::string preferred () const;
  // Of those that are not passed over, one that has never failed, or whose
  // failure is longest ago; of several the one that is preferred, or the first
  // one.
  [[nodiscard]] std::optional<std::size_t> choose (
      std::span<const Place> all, const std::vector<bool> &passed_over) const;

private:
  // When it failed, 0 = never; how many go before it.
  using Rank = std::pair<std::uint64_t, std::size_t>;
  [[nodiscard]] Rank rank (const std::string &location) const;

  std::map<std::string, std::uint64_t, std::less<>> last_;
  std::uint64_t count_ = 0;
  std::vector<std::string> preferred_;
};

// Where one resource has been asked for.
using Tried = std::vector<std::pair<std::size_t, std::size_t>>;

// The failures of an element, from any thread.
class Book
{
public:
  struct Move
  {
    std::string from;  // without userinfo and query
    std::string to;
    std::string reason;
  };

  // Set before others have it; called for each move, without a lock.
  std::function<void (const Move &)> report;

  // Where the next resource is to be asked for.
  [[nodiscard]] std::size_t choose (std::span<const Place> all);
  // A resource could not be had there: where else it is to be asked for.
  // Nothing: it has been everywhere.
  [[nodiscard]] std::optional<std::size_t> leave (std::span<const Place> all,
      std::size_t failed, Tried &tried, const std::string &reason);
  // Content Steering: see Failures::prefer ().
  void prefer (std::vector<std::string> locations)
  {
    failures_.lock ()->prefer (std::move (locations));
  }
  [[nodiscard]] std::string preferred ()
  {
    return failures_.lock ()->preferred ();
  }
  void clear () { *failures_.lock () = Failures (); }

private:
  relay::Guarded<Failures> failures_;
};

}  // namespace places

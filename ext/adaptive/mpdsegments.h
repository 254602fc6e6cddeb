// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mpddocument.h"
#include "mpderror.h"
#include "presentation.h"

// What the segments of a Representation are (ISO/IEC 23009-1 5.3.9).
namespace mpdsegments {

// What is said at a level, with what it inherits from those above (5.3.9.1:
// "attributes and elements ... are inherited").
[[nodiscard]] mpd::SegmentInformation inherited (mpd::SegmentInformation above,
    const std::vector<mpd::SegmentInformation> &own);

// The Period that they are in: what begins when it is over is not shown.
struct Span
{
  std::optional<presentation::Time> duration;
  // Of the last Period a list is believed more than the duration.
  bool is_last = true;
};

// The Representation that they are of. The line is its own.
struct Owner
{
  std::string_view id;
  std::uint64_t bandwidth = 0;
  std::size_t line = 0;
  bool has_base_url = false;
  bool is_webm = false;
};

// Makes the segments of the Representations of a Period. Those that share a
// SegmentTimeline share what becomes of it.
class Maker
{
public:
  explicit Maker (const Span &period) : period_ (period) {}

  // Nothing: there are none. The position of a failure is a line.
  [[nodiscard]] mpd::Result<std::optional<presentation::Segments>> make (
      const mpd::SegmentInformation &from, const Owner &owner);

private:
  using Timeline = std::shared_ptr<const presentation::Timeline>;
  // A timeline as far as it is shown.
  struct Shown
  {
    Timeline timeline;
    std::uint64_t skipped = 0;  // segments before it
  };

  mpd::Result<std::optional<presentation::Segments>> make_base (
      const mpd::SegmentInformation &from, bool has_sidx) const;
  mpd::Result<std::optional<presentation::Segments>> make_list (
      const mpd::SegmentInformation &from, const Owner &owner);
  mpd::Result<std::optional<presentation::Segments>> make_pattern (
      const mpd::SegmentInformation &from, const Owner &owner);
  mpd::Result<Timeline> numbers (
      const mpd::SegmentInformation &from, const Owner &owner) const;
  mpd::Result<Shown> shown (
      const mpd::SegmentInformation &from, const Owner &owner);
  mpd::Result<std::uint64_t> period_end (
      const mpd::SegmentInformation &from, std::size_t line) const;
  mpd::Result<Shown> cut (const mpd::SegmentInformation &from,
      const Timeline &timeline, bool has_end, std::size_t line) const;

  const Span period_;
  // The last one.
  struct
  {
    std::shared_ptr<const mpdtimeline::Times> times;
    std::uint32_t timescale = 0;
    std::uint64_t offset = 0;
    Shown shown;
  } last_;
};

}  // namespace mpdsegments

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "presentation.h"

// The clock of a transport stream (ISO/IEC 13818-1 2.4.2.1), and the times at
// which it is presented: HLS lists the latter, demuxers begin with the former.
namespace tsclock {

struct Lead
{
  // How much later than the first PCR what comes first is presented: the
  // picture, or the sound where there is no picture. Nothing: one of both is
  // not there.
  std::optional<presentation::Time> time{};
  // More bytes may say otherwise.
  bool is_open = true;
  // The first PCR, and what of both is presented first. Of 33 bits.
  std::optional<std::uint64_t> clock{};
  std::optional<std::uint64_t> first{};
};

// bytes: whole packets, from the beginning of a segment, as many as there are.
[[nodiscard]] Lead lead (std::span<const std::uint8_t> bytes);

// Where a part of what is played begins (backward: ends).
struct Anchor
{
  presentation::Time media = 0;
  presentation::Time running = 0;
};

// tsdemux takes a SEGMENT when it begins, and after a flush, and no other one;
// but it begins to count anew where there is a DISCONT, from the PTS of that
// buffer. So all parts of what is played are in the first SEGMENT, one behind
// the other.
class Axis
{
public:
  // lead: that of the SEGMENT.
  Axis (double rate, const Anchor &first, presentation::Time lead)
      : rate_ (rate), first_ (first), lead_ (lead)
  {
  }

  // The PTS of what is at this time of the media in a part, with this lead,
  // which is below 0 where the media are later than they are listed.
  [[nodiscard]] presentation::Time pts (
      const Anchor &part, presentation::Time media, std::int64_t lead) const;

private:
  double rate_;
  Anchor first_;
  presentation::Time lead_;
};

}  // namespace tsclock

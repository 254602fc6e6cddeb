// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "presentation.h"

// The timestamps of media, and the times at which a playlist lists their
// segments. "Matching content in Variant Streams MUST have matching timestamps"
// (RFC 8216bis 6.2.4), and up to the next discontinuity they go on without a
// break (3): so there is one relation of the two for all tracks, in each
// Discontinuity Sequence Number, and they are in step whatever EXTINF says.
//
// EXTINF is the length as somebody rounded it. Seeks go by the playlist's
// times, so a relation that was right at the beginning may be minutes off an
// hour later. It is one for each place: whoever comes there first takes the one
// of before, or makes one where that would be too far off.
namespace mediaclock {

using presentation::Time;

// 90,000 in a second, 33 bits.
inline constexpr std::uint64_t frequency = 90'000;
inline constexpr std::uint64_t wrap = std::uint64_t{1} << 33;

// What is further from where the list has it is not later or earlier: it is on
// another clock.
inline constexpr Time furthest = 10 * presentation::second;
// So much may be wrong of where a seek leads to.
inline constexpr Time tolerance = presentation::second / 2;

// What has this timestamp is presented when it is listed.
struct Anchor
{
  Time listed = 0;
  std::uint64_t timestamp = 0;
};

// How much later than it is listed what has this timestamp is presented, by an
// anchor: the nearer way round the clock.
[[nodiscard]] std::int64_t offset (
    const Anchor &anchor, Time listed, std::uint64_t timestamp);

// What is played in one piece, of media on one clock.
struct Place
{
  std::uint32_t run = 0;       // from one seek to the next
  Time leg = 0;                // of it
  std::size_t stretch = 0;     // the Period
  std::uint64_t sequence = 0;  // the Discontinuity Sequence Number
  bool operator== (const Place &) const = default;
};

// The relations of all tracks of a presentation.
class Book
{
public:
  // Nothing: nobody has come there, or to another place of this clock, yet.
  [[nodiscard]] std::optional<Anchor> find (const Place &place) const;

private:
  friend class Track;

  // EXTINFs add up what was rounded: how far off it is, where a track was last.
  struct Entry
  {
    Place place;
    Anchor anchor;
    Time listed = 0;
    std::int64_t offset = 0;
  };

  [[nodiscard]] const Entry *exact (const Place &place) const;
  [[nodiscard]] const Entry *latest (const Place &place) const;
  const Entry &open (const Place &place, Time listed, std::uint64_t timestamp);
  void reach (const Place &place, Time listed, std::int64_t offset);

  std::deque<Entry> entries_;  // in the order of coming
  bool told_ = false;
};

// A track, from one seek to the next.
class Track
{
public:
  struct Answer
  {
    std::int64_t offset = 0;  // how much later than it is listed
    // It is not on the clock of the others, or not any more: it has one of its
    // own from here on. The first time that it is so of any track.
    bool is_news = false;
  };
  [[nodiscard]] Answer at (
      Book &book, const Place &place, Time listed, std::uint64_t timestamp);
  // By another clock that goes with it, so much more than the last one.
  void follow (Book &book, Time listed, std::int64_t by);

private:
  void reach (Book &book, Time listed, std::int64_t offset);

  std::optional<Place> place_;
  Anchor anchor_;
  bool is_own_ = false;  // nobody else's
  Time listed_ = 0;      // of the last one, and how much later it was
  std::int64_t offset_ = 0;
};

}  // namespace mediaclock

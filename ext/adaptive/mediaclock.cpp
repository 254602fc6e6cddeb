// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mediaclock.h"

#include <algorithm>

namespace mediaclock {

namespace {

constexpr std::uint64_t second = presentation::second;

// Places that are kept. What was played before is asked for no more, but for
// the last one of its clock, and a wrong guess does no harm: see open ().
constexpr std::size_t max_entries = 256;

Time distance (Time a, Time b)
{
  return a < b ? b - a : a - b;
}

Time magnitude (std::int64_t value)
{
  return value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t> (value)
                   : static_cast<std::uint64_t> (value);
}

std::uint64_t to_units (Time time)
{
  return time / second * frequency + time % second * frequency / second;
}

std::int64_t to_nanoseconds (std::uint64_t units)
{
  return static_cast<std::int64_t> (
      units / frequency * second + units % frequency * second / frequency);
}

}  // namespace

std::int64_t offset (const Anchor &anchor, Time listed, std::uint64_t timestamp)
{
  std::uint64_t passed = to_units (distance (listed, anchor.listed));
  std::uint64_t expected = listed < anchor.listed ? anchor.timestamp - passed
                                                  : anchor.timestamp + passed;
  std::uint64_t later = (timestamp - expected) % wrap;
  // Round the clock half of it is earlier.
  if (later < wrap / 2) return to_nanoseconds (later);
  return -to_nanoseconds (wrap - later);
}

// ---- Of all tracks ---------------------------------------------------------

const Book::Entry *Book::exact (const Place &place) const
{
  auto found = std::ranges::find (entries_, place, &Entry::place);
  return found == entries_.end () ? nullptr : &*found;
}

const Book::Entry *Book::latest (const Place &place) const
{
  auto found = std::find_if (
      entries_.rbegin (), entries_.rend (), [&place] (const Entry &entry) {
        return entry.place.stretch == place.stretch &&
               entry.place.sequence == place.sequence;
      });
  return found == entries_.rend () ? nullptr : &*found;
}

std::optional<Anchor> Book::find (const Place &place) const
{
  const Entry *entry = exact (place);
  if (entry == nullptr) entry = latest (place);
  if (entry == nullptr) return std::nullopt;
  return entry->anchor;
}

// Where a seek leads to, what is listed there is what is wanted: the relation
// of before gives way when it would show something else.
const Book::Entry &Book::open (
    const Place &place, Time listed, std::uint64_t timestamp)
{
  if (const Entry *entry = exact (place)) return *entry;
  Entry entry{place, {listed, timestamp}, listed, 0};
  if (const Entry *before = latest (place)) {
    std::int64_t later = mediaclock::offset (before->anchor, listed, timestamp);
    if (magnitude (later) <= tolerance) {
      entry.anchor = before->anchor;
      entry.offset = later;
    }
  }
  if (entries_.size () == max_entries) entries_.pop_front ();
  return entries_.emplace_back (entry);
}

void Book::reach (const Place &place, Time listed, std::int64_t offset)
{
  auto found = std::ranges::find (entries_, place, &Entry::place);
  if (found == entries_.end ()) return;
  found->listed = listed;
  found->offset = offset;
}

// ---- Of one ----------------------------------------------------------------

Track::Answer Track::at (
    Book &book, const Place &place, Time listed, std::uint64_t timestamp)
{
  if (place_ != place) {
    const Book::Entry &entry = book.open (place, listed, timestamp);
    place_ = place;
    anchor_ = entry.anchor;
    listed_ = entry.listed;
    offset_ = entry.offset;
    is_own_ = false;
  }
  Answer out;
  out.offset = offset (anchor_, listed, timestamp);
  // No segment is rounded by more than half of it.
  Time most = furthest + distance (listed, listed_) / 2;
  if (magnitude (out.offset - offset_) >= most) {
    anchor_ = {listed, timestamp};
    is_own_ = true;
    out = {0, !book.told_};
    book.told_ = true;
  }
  reach (book, listed, out.offset);
  return out;
}

void Track::follow (Book &book, Time listed, std::int64_t by)
{
  reach (book, listed, offset_ + by);
}

void Track::reach (Book &book, Time listed, std::int64_t offset)
{
  listed_ = listed;
  offset_ = offset;
  if (place_ && !is_own_) book.reach (*place_, listed, offset);
}

}  // namespace mediaclock

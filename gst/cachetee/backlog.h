// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

// What passed last, in order, within bounds, for readers that come late. It
// knows where one can start, and what must be known there; what the entries are
// it does not look into.
namespace backlog {

inline constexpr std::uint64_t no_time = ~std::uint64_t{0};
// What an entry counts besides its bytes, so that many small ones have a bound
// too.
inline constexpr std::uint64_t entry_cost = 256;
// Of a run of headers the last so many are kept.
inline constexpr std::size_t header_limit = 64;

// Where a reader starts; with keyframes, if there is none in reach, at the next
// one that comes.
enum class Start
{
  // The first entry since a flush; if that is gone, the oldest keyframe.
  beginning,
  latest_keyframe,
  next_keyframe,
  // As far back as the burst allows.
  burst,
  // The oldest keyframe there, or the latest one before.
  burst_keyframe,
  live,
};

// Zero: no bound by it; a burst with neither is empty.
struct Bound
{
  std::uint64_t bytes = 0;
  std::uint64_t time = 0;
};

struct Facts
{
  // An event: its place counts, and neither its size nor its time.
  bool event = false;
  // Of an event that holds until the next one of its slot. 0: of none.
  std::uint32_t slot = 0;
  // It takes away what held before: a new stream.
  bool resets = false;
  // A flush takes it away.
  bool flushes = false;
  // Data.
  std::uint64_t bytes = 0;
  std::uint64_t time = no_time;
  bool keyframe = false;
  bool header = false;
};

template <class Item>
class Log
{
public:
  struct Entry
  {
    Facts facts;
    Item item;
    // The data before it was a header, as this is.
    bool continues = false;
    // Bytes of data before it.
    std::uint64_t position = 0;
  };

  explicit Log (Bound bound) : bound_ (bound) {}

  void append (const Facts &facts, Item item)
  {
    bool continues = !facts.event && facts.header && last_is_header_;
    if (!facts.event) last_is_header_ = facts.header;
    if (facts.event || facts.header) marks_.push_back (head ());
    if (!facts.event && facts.keyframe) keyframes_.push_back (head ());
    if (!facts.event && facts.time != no_time)
      newest_ = newest_ ? std::max (*newest_, facts.time) : facts.time;
    cost_ += cost_of (facts);
    entries_.push_back ({facts, std::move (item), continues, bytes_});
    if (!facts.event) bytes_ += facts.bytes;
    while (entries_.size () > 1 && is_too_much ()) evict ();
  }

  // A new beginning: nothing can be read, and what a flush leaves holds on.
  void flush ()
  {
    while (!entries_.empty ()) evict ();
    std::erase_if (
        base_.held, [] (const auto &held) { return held.second.flushes; });
    base_.headers.clear ();
    last_is_header_ = false;
    newest_.reset ();
    lost_ = false;
  }

  // Entries have numbers; those from first to head, without head, are there.
  [[nodiscard]] std::uint64_t first () const { return first_; }
  [[nodiscard]] std::uint64_t head () const
  {
    return first_ + entries_.size ();
  }
  // Of one that is there.
  [[nodiscard]] const Entry &at (std::uint64_t number) const
  {
    return entries_[static_cast<std::size_t> (number - first_)];
  }
  [[nodiscard]] std::uint64_t cost () const { return cost_; }
  // How many bytes of data are there from a number on.
  [[nodiscard]] std::uint64_t bytes_from (std::uint64_t number) const
  {
    if (number >= head ()) return 0;
    return bytes_ - at (std::max (number, first_)).position;
  }
  // The latest time of all since the last flush.
  [[nodiscard]] std::optional<std::uint64_t> newest () const { return newest_; }

  // Its number.
  [[nodiscard]] std::optional<std::uint64_t> latest_keyframe () const
  {
    if (keyframes_.empty ()) return std::nullopt;
    return keyframes_.back ();
  }

  struct Place
  {
    std::uint64_t number = 0;
    // Data is left out until a keyframe comes.
    bool waits = false;
    // What holds there, by slot, and the last headers before it.
    std::vector<Item> held;
    std::vector<Item> headers;
  };
  [[nodiscard]] Place start (Start start, Bound burst) const
  {
    std::optional<std::uint64_t> number;
    bool waits = false;
    switch (start) {
      case Start::beginning:
        number = lost_ ? keyframe_from (first_) : first_;
        break;
      case Start::latest_keyframe:
        number = latest_keyframe ();
        break;
      case Start::burst:
        number = burst_from (burst);
        break;
      case Start::burst_keyframe:
        number = keyframe_from (burst_from (burst));
        if (!number) number = latest_keyframe ();
        break;
      case Start::live:
        number = head ();
        break;
      case Start::next_keyframe:
        break;
    }
    if (!number) {
      number = head ();
      waits = true;
    }
    return place (*number, waits);
  }

private:
  struct Held
  {
    Item item;
    bool flushes;
  };
  struct Known
  {
    std::map<std::uint32_t, Held> held;
    std::deque<Item> headers;

    void add (const Entry &entry)
    {
      if (!entry.facts.event) {
        if (!entry.facts.header) return;
        if (!entry.continues) headers.clear ();
        if (headers.size () == header_limit) headers.pop_front ();
        headers.push_back (entry.item);
        return;
      }
      if (entry.facts.resets) {
        held.clear ();
        headers.clear ();
      }
      if (entry.facts.slot != 0)
        held.insert_or_assign (
            entry.facts.slot, Held{entry.item, entry.facts.flushes});
    }
  };

  static std::uint64_t cost_of (const Facts &facts)
  {
    return facts.bytes + entry_cost;
  }

  bool is_too_much () const
  {
    if (bound_.bytes != 0 && cost_ > bound_.bytes) return true;
    if (bound_.time == 0 || !newest_) return false;
    const Facts &oldest = entries_.front ().facts;
    if (oldest.event) return false;
    return oldest.time != no_time &&
           oldest.time<*newest_ && * newest_ - oldest.time> bound_.time;
  }

  void evict ()
  {
    const Entry &entry = entries_.front ();
    base_.add (entry);
    if (!entry.facts.event) lost_ = true;
    if (!marks_.empty () && marks_.front () == first_) marks_.pop_front ();
    if (!keyframes_.empty () && keyframes_.front () == first_)
      keyframes_.pop_front ();
    cost_ -= cost_of (entry.facts);
    entries_.pop_front ();
    first_++;
  }

  std::optional<std::uint64_t> keyframe_from (std::uint64_t number) const
  {
    auto found =
        std::lower_bound (keyframes_.begin (), keyframes_.end (), number);
    if (found == keyframes_.end ()) return std::nullopt;
    return *found;
  }

  // The oldest data such that it and what follows are within the burst.
  std::uint64_t burst_from (Bound burst) const
  {
    std::uint64_t from = head ();
    if (burst.bytes == 0 && burst.time == 0) return from;
    std::uint64_t bytes = 0;
    for (std::uint64_t number = head (); number > first_; number--) {
      const Facts &facts = at (number - 1).facts;
      if (facts.event) continue;
      bytes += facts.bytes;
      if (burst.bytes != 0 && bytes > burst.bytes) break;
      if (burst.time != 0 && facts.time != no_time &&
          facts.time<*newest_ && * newest_ - facts.time> burst.time)
        break;
      from = number - 1;
    }
    return from;
  }

  Place place (std::uint64_t number, bool waits) const
  {
    Known known = base_;
    for (std::uint64_t mark : marks_) {
      if (mark >= number) break;
      known.add (at (mark));
    }
    Place place;
    place.number = number;
    place.waits = waits;
    for (const auto &held : known.held) place.held.push_back (held.second.item);
    // One that starts with headers has those.
    bool begins_with_header = number < head () && !at (number).facts.event &&
                              at (number).facts.header;
    if (!begins_with_header)
      place.headers.assign (known.headers.begin (), known.headers.end ());
    return place;
  }

  Bound bound_;
  std::deque<Entry> entries_;
  std::uint64_t first_ = 0;
  std::uint64_t cost_ = 0;
  // Of data, since the beginning.
  std::uint64_t bytes_ = 0;
  // Data is gone.
  bool lost_ = false;
  bool last_is_header_ = false;
  std::optional<std::uint64_t> newest_;
  // Numbers of keyframes, and of what a start has to know.
  std::deque<std::uint64_t> keyframes_;
  std::deque<std::uint64_t> marks_;
  // What is known at first_.
  Known base_;
};

}  // namespace backlog

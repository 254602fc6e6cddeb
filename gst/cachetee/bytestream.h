// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <time.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "ranges.h"
#include "record.h"
#include "slices.h"
#include "store.h"

// Byte streams in the folder of a store: of each key one resource, of which any
// parts may be there, and which any number of readers read, anywhere in it,
// while others fill it.
//
// One shared object for each key and process is behind all streams of the key.
// What was handed over by a filler can be read at once, before it is on the
// disk. What nobody fills is a hole; who wants to fill one claims it, and then
// nobody else gets it until it is filled or the filler is gone. A slice that is
// damaged, or cannot be read, is a hole again. What is filled is kept, also if
// the rest never comes.
//
// A resource that has changed is another generation: another object, in other
// files. Who has a stream of the old one goes on with it; it is found by nobody
// any more, and its files are removed when all of the new one is there (or with
// what was not used for longest).
//
// Of several processes one writes, the first that claims something. The others
// follow what it commits, wait for it where it is about to come, and keep what
// they fill elsewhere in memory only, until it is gone.
//
// If the disk fails, what is filled is in the memory only, as far as that goes,
// and the disk is tried again now and then.
//
// Everything may be called from any thread, but a filler is for one.
namespace bytestream {

using ranges::Range;
using record::Facts;
using slices::Chunk;
using store::Error;
using store::Failure;
using store::Result;

// "Not known", of a total or of the end of a range.
inline constexpr std::uint64_t unknown = ranges::unknown;

enum class Place
{
  // Bytes of the chunk, one at least, from the offset on.
  bytes,
  // Somebody here is about to fill it; after a wait: but is busy with others.
  claimed,
  hole,
  // There is nothing at or behind the offset.
  end,
  // The wait was broken off.
  stopped,
};

struct Found
{
  Place place = Place::end;
  Chunk chunk;
  // Of a hole, or what is claimed: from the beginning of the slice on.
  Range range;
  // The bytes were read from a file just now.
  bool from_disk = false;
};

struct Status
{
  std::uint64_t total = unknown;
  // That can be read.
  std::uint64_t bytes = 0;
  // All of it can be read; and all of it is on the disk.
  bool complete = false;
  bool stored = false;
  // Another process writes it.
  bool followed = false;
  // Slices that turned out to be damaged, or were not kept because the disk was
  // too slow.
  std::uint64_t corrupt = 0;
  std::uint64_t skipped = 0;
  // What went wrong last with writing it.
  std::optional<Failure> failure;
  // Why nothing of what may be in the folder was found.
  std::optional<Failure> unreadable;
};

class Object;
class Pieces;
struct State;

// Whether who fills something goes on: he says when he waits for others. If
// that lasts (see Options::follow_patience) another may claim what is left.
class Progress
{
public:
  void rest (bool on)
  {
    since_.store (on ? now () : none, std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_stalled (std::chrono::milliseconds patience) const
  {
    Duration since = since_.load (std::memory_order_relaxed);
    return since != none && now () - since > patience;
  }

private:
  using Duration = std::chrono::nanoseconds;
  static constexpr Duration none{-1};
  // To some milliseconds, for it is asked for each buffer.
  static Duration now ()
  {
    timespec time{};
    clock_gettime (CLOCK_MONOTONIC_COARSE, &time);
    return std::chrono::seconds (time.tv_sec) + Duration (time.tv_nsec);
  }

  std::atomic<Duration> since_ = none;
};

// Fills a hole from its beginning on. What is left of its claim when it goes is
// a hole again.
class Filler
{
public:
  Filler (std::shared_ptr<store::Shared> shared, std::shared_ptr<Object> object,
      ranges::Claim claim, std::uint64_t position,
      std::shared_ptr<Progress> progress);
  ~Filler ();
  Filler (const Filler &) = delete;
  Filler &operator= (const Filler &) = delete;

  // Where the next byte belongs: where the claim begins, at first.
  [[nodiscard]] std::uint64_t position () const { return position_; }
  // What is left of the claim; empty when there is nothing more to fill.
  [[nodiscard]] Range left () const;
  // As Stream::agree, for who claimed before the origin said anything: as long
  // as nothing is known of the resource, and nobody else has claimed anything.
  bool agree (const Facts &facts);

  // The next bytes of the resource; nothing is copied here. What is not of the
  // claim any more, or there already, is passed over: who goes on receiving
  // may claim again at position (). When the queue is full it waits as long as
  // `patience`, and then a slice is skipped. The failure is `changed` if there
  // are more bytes than the total; else what is wrong with the disk, as
  // Stream::take_failure () says, and the bytes were taken all the same.
  Result<relay::Done> fill (Chunk chunk, std::chrono::milliseconds patience);
  // The resource ends at position (). `changed` if it should not.
  Result<relay::Done> finish (std::chrono::milliseconds patience);

private:
  struct Full
  {
    std::uint64_t first = 0;
    std::uint64_t count = 1;
    std::shared_ptr<Pieces> pieces;
    bool is_kept = false;
  };

  bool add (State &state, Chunk &chunk);
  bool add_run (State &state, Chunk &chunk);
  void close_slice (State &state);
  void hand_over (std::chrono::milliseconds patience);
  void skip ();
  void drop_open (State &state);
  static Result<relay::Done> tell (State &state);

  std::shared_ptr<store::Shared> shared_;
  std::shared_ptr<Object> object_;
  ranges::Claim claim_;
  const std::shared_ptr<Progress> progress_;
  std::uint64_t position_;
  // The slice at the position, as far as it came.
  std::shared_ptr<Pieces> open_;
  std::uint64_t open_slice_ = 0;
  std::vector<Full> full_;
  // Slices of the object, by whoever fills it, before these.
  bool was_skipping_ = false;
};

// A share in the object of a key; cheap to copy. As long as there is one of an
// object that is whole, or that somebody fills, it is not evicted.
class Stream
{
public:
  Stream (
      std::shared_ptr<store::Shared> shared, std::shared_ptr<Object> object);

  // What is known of the resource, and for how long it has been known.
  [[nodiscard]] Facts facts () const;
  [[nodiscard]] std::chrono::seconds age () const;
  [[nodiscard]] Status status () const;
  // What went wrong with writing it, or `overflow` for skipped slices, if
  // nobody was told yet: once, until the disk is well again.
  [[nodiscard]] std::optional<Failure> take_failure () const;
  // What can be read, in order.
  [[nodiscard]] std::vector<Range> present () const;
  [[nodiscard]] std::uint32_t slice_size () const;
  // Are both of the same generation?
  [[nodiscard]] bool is (const Stream &other) const
  {
    return object_ == other.object_;
  }

  // The origin says now that the resource is like this: to be called before
  // anything is claimed. False if it is not certain that it is the one that
  // parts are here of; then renew () gives a stream of the new one. What was
  // not known is added.
  bool agree (const Facts &facts);
  // The same stream for all who renew it alike.
  [[nodiscard]] Stream renew (const Facts &facts) const;

  // What is at the offset: at most `limit` bytes, in one piece. Waits for the
  // disk at most.
  [[nodiscard]] Found read (std::uint64_t offset, std::size_t limit) const;
  // The same, but waits, for as long as it takes, while it is claimed by one
  // that goes on; and while another process is about to come by, and goes on.
  // Not for who would have to fill it.
  [[nodiscard]] Found wait (std::uint64_t offset, std::size_t limit,
      const std::stop_token &stop) const;

  // The first hole in the range, up to its end or to the next slice that is not
  // one; null if there is none. The beginning is rounded down, and the end up,
  // to whole slices. What is claimed is taken from who is more than `cut` bytes
  // before it, or does not go on.
  [[nodiscard]] std::unique_ptr<Filler> claim (
      Range wanted, std::uint64_t cut = unknown) const;

  // Nothing more of it is to be kept: what is filled is in the memory only, for
  // who has a stream of it now. What is on the disk is found by others.
  void keep_nothing () const;

  // Waits until everything that was filled is on the disk, or cannot be; or so
  // long.
  void settle (std::chrono::milliseconds limit = std::chrono::hours (1)) const;
  // Until there is room in the queue for so many bytes; false if there is none
  // for so long, or it is to stop.
  [[nodiscard]] bool wait_for_room (std::size_t bytes,
      std::chrono::milliseconds patience, const std::stop_token &stop) const;

  // Who claims by it, or by what it is renewed to, tells there how he goes on.
  void tell (std::shared_ptr<Progress> progress)
  {
    progress_ = std::move (progress);
  }

private:
  std::shared_ptr<store::Shared> shared_;
  std::shared_ptr<Progress> progress_;
  // Goes first.
  std::shared_ptr<Object> object_;
};

// The stream of the key: of what is in the folder, or of nothing yet. No file
// is made before something is claimed. Counts as a use. The memory has to be
// there for longer than the store.
Stream open (store::Store &store, std::string_view key, slices::Memory &memory);

}  // namespace bytestream

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bytefiles.h"
#include "bytestream.h"
#include "codec.h"
#include "common/guarded.h"
#include "record.h"
#include "shared.h"

// What is behind all streams of one generation of a key; see bytestream.h.
namespace bytestream {

// What was filled of a slice, or of several whole ones in a row, that is not on
// the disk yet, as it came.
class Pieces
{
public:
  // So many are expected.
  Pieces (std::uint32_t slice_size, std::size_t count)
      : slice_size_ (slice_size)
  {
    pieces_.reserve (count);
  }
  void add (Chunk chunk);
  [[nodiscard]] std::uint64_t bytes () const { return bytes_; }
  // From the byte on, to the end of the piece that it is in; empty if it is not
  // there.
  [[nodiscard]] Chunk at (std::uint64_t byte) const;
  // The n-th slice of it, as it came.
  [[nodiscard]] std::vector<std::span<const std::uint8_t>> parts (
      std::uint64_t n) const;
  // The same, all in one.
  [[nodiscard]] Chunk copy (std::uint64_t n) const;
  // The hashes of all slices, which who has time can make before they are
  // written, and that of the n-th if it was made. From any threads, prepare ()
  // once, when all is there.
  void prepare () const;
  [[nodiscard]] std::optional<std::uint64_t> hash (std::uint64_t n) const;
  // To refer to parts that are so small costs more than to copy them.
  [[nodiscard]] bool are_small () const
  {
    return bytes_ < pieces_.size () * record::copy_limit;
  }

private:
  struct Piece
  {
    std::uint64_t start = 0;
    Chunk chunk;
  };
  std::uint32_t slice_size_;
  std::vector<Piece> pieces_;
  std::uint64_t bytes_ = 0;
  // Of the slices from the first one on, as far as they were made.
  mutable std::vector<std::uint64_t> hashes_;
  mutable std::atomic<std::size_t> prepared_ = 0;
};

// So many whole slices from the first one on; none: only what else is to be
// written is.
struct Run
{
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::shared_ptr<const Pieces> pieces;
};

enum class Mode
{
  // The files, if there are any, are not locked by us.
  idle,
  // They are, exclusively: only the store's thread appends to them.
  writer,
  // All is on the disk, and kept there.
  whole,
  // Memory only: the disk failed, and is tried again; or for ever, for the
  // files were removed, or are those of another resource.
  frozen,
  detached,
};

struct State
{
  State (std::uint32_t slice_size, std::uint64_t number);

  ranges::Table table;
  // Of the header, and of the slices in the first level.
  std::uint64_t id;
  Facts facts;
  bool has_facts = false;
  // They are not, or not all, on the disk.
  bool facts_changed = false;

  Mode mode = Mode::idle;
  std::shared_ptr<const bytefiles::Files> files;
  std::optional<record::Follower> log;
  std::map<ranges::Claim, std::shared_ptr<const Progress>> progress;
  // It is not to be on the disk.
  bool keeps_nothing = false;
  // The record of the facts that were compared.
  std::uint32_t facts_seen = record::no_record;
  // What is being filled, or waits for the disk, by the first slice.
  struct Held
  {
    std::shared_ptr<Pieces> pieces;
    std::uint64_t count = 1;
  };
  using HeldMap = std::map<std::uint64_t, Held>;
  HeldMap held;
  [[nodiscard]] HeldMap::const_iterator find_held (std::uint64_t slice) const;
  // Goes up with each change that somebody may wait for.
  std::uint64_t version = 0;

  // Another process has the lock; when it last committed something.
  bool followed = false;
  std::chrono::steady_clock::time_point last_growth;

  std::chrono::steady_clock::time_point retry_at;
  std::optional<Failure> failure;
  // Why what there may be of it in the folder is not used.
  std::optional<Failure> unreadable;
  // It was not told yet. Of failures, or slices that were skipped, in a row one
  // is told.
  std::optional<Failure> untold;
  bool is_failing = false;
  bool is_skipping = false;
  std::uint64_t corrupt = 0;
  std::uint64_t skipped = 0;
};

class Object : public std::enable_shared_from_this<Object>
{
public:
  using Access = relay::Guarded<State>::Access;

  // Of what is in the folder, or of a new generation.
  Object (store::Shared &shared, std::string full_key, slices::Memory &level,
      bool look);

  [[nodiscard]] Found read (std::uint64_t offset, std::size_t limit,
      std::uint64_t *version = nullptr);
  [[nodiscard]] Found wait (
      std::uint64_t offset, std::size_t limit, const std::stop_token &stop);
  // Of a resource that nothing is known of, and of which there are no more
  // claims than these.
  bool agree (const Facts &facts, std::size_t claims = 0);
  // Somebody has removed its files.
  [[nodiscard]] bool is_gone ();
  // Who has claimed it does not go on.
  [[nodiscard]] bool is_stalled (const State &now, ranges::Claim claim) const;
  // Has the store's thread write what is to be written, and let go of the lock
  // if it is not needed.
  void touch (bool only_if_there);
  // Slices that are full. False if there was no room for them.
  bool hand_over (relay::Guarded<store::Queue>::Access &queue, Run run,
      std::chrono::milliseconds patience);

  // The store's thread.
  void save (const Run &run);

  void changed (Access &access)
  {
    access->version++;
    changed_.notify_all ();
  }

  relay::Guarded<State> state;
  // Jobs of the store's thread; under the queue's lock.
  std::uint64_t pending = 0;
  const std::string key;
  slices::Memory &memory;

private:
  friend class Stream;

  std::optional<Found> read_present (
      Access &access, std::uint64_t offset, std::size_t limit);
  bool adopt (bytefiles::Loaded loaded);
  void fail (Access &access, const Failure &why);
  bool refresh ();
  bool attach ();
  // With the files' mutex.
  bool make_files ();
  std::optional<bool> try_make_files ();
  bool lock_files ();
  Result<relay::Done> take_growth ();
  void take_new (State &now, std::vector<std::uint64_t> &slices) const;
  Result<relay::Done> compare_facts (Access &access);
  bool is_followed ();
  [[nodiscard]] bool is_near (std::uint64_t offset);
  Result<relay::Done> write_facts ();
  Result<relay::Done> write_pieces (
      std::uint64_t slice, const Pieces &pieces, std::uint64_t n);
  Result<relay::Done> write_slice (std::uint64_t slice, record::Parts parts,
      std::optional<std::uint64_t> hash);
  Result<relay::Done> write (record::Parts stored,
      const record::Journal::Entry &entry, std::uint64_t index_at);
  void let_go_of (const Run &run, std::uint64_t written);
  void let_go ();

  store::Shared &shared_;
  const folder::Family family_;
  // The store's thread.
  codec::Compressor compressor_;
  // Files up to this generation are of what it takes the place of.
  folder::Generation before_ = 0;
  std::condition_variable changed_;
  // For who changes the files' lock, or reads what the index has grown by.
  // Taken before the state's lock, and never by who fills.
  std::mutex files_mutex_;
};

}  // namespace bytestream

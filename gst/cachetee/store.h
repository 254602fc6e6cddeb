// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "disk.h"
#include "folder.h"
#include "record.h"
#include "slices.h"

// Objects in the files of one folder, one object for each key: recorded packets
// here, byte streams in bytestream.h. A store owns its
// folder and two threads: one does all the writing, so that a stream never
// waits for the disk unless it asks to; one looks after the limits. Every
// function may be called from any thread.
//
// What was written by a process that died, was cut, or was changed by anyone is
// found out by its checks and not served. Nothing is synced: after a power loss
// what verifies is what is there. Files that are not ours are left alone.
namespace store {

using folder::Error;
using folder::Failure;
using folder::Result;
using folder::to_string;
using slices::Chunk;

struct Options
{
  // Bytes that may wait for the disk, over all objects of the store.
  std::size_t queue_bytes = std::size_t{16} << 20;
  // Payload that is hashed and committed at a time.
  std::uint32_t slice_size = 256U << 10;
  // What all files of the folder may take on the disk, and what is to be left
  // free there; 0 is no limit. Kept between these and a tenth less by removing,
  // in the background, what was not used for longest. What somebody reads or
  // writes is never removed; if nothing else is left nothing more is written.
  std::uint64_t l2_size = 0;
  std::uint64_t min_free = 0;
  // How long a store that is full waits before it looks again.
  std::chrono::milliseconds retry{5000};
  // How long another process, which fills a byte stream, may commit nothing
  // before it is not waited for any more.
  std::chrono::milliseconds follow_patience{2000};
  // Slices are kept compressed where that pays.
  bool compress = false;
  // Slices behind the one that is read that the system is to read meanwhile.
  unsigned prefetch = 0;
  // For tests.
  disk::Disk *disk = nullptr;
};

// What is known of the folder since it was last looked through.
struct Level
{
  bool known = false;
  std::uint64_t objects = 0;
  // On the disk.
  std::uint64_t bytes = 0;
  // Nothing is written: there is no space, and nothing can be removed.
  bool full = false;
  // By this store.
  std::uint64_t evictions = 0;
};

struct Object;
struct Shared;

// A whole object, for any number of threads. As long as it lives the object is
// not evicted.
class Reader
{
public:
  Reader (record::Index index, disk::File index_file, disk::File data,
      unsigned prefetch = 0);
  ~Reader ();
  Reader (const Reader &) = delete;
  Reader &operator= (const Reader &) = delete;

  [[nodiscard]] const record::Index &index () const { return index_; }
  // Fills `out`, which has the record's size (), and verifies it.
  Result<relay::Done> read (
      const record::Record &record, std::span<std::uint8_t> out) const;
  // The same for those of index ().records, through the memory: a copy is made
  // only when it comes from the disk, which is said.
  Result<Chunk> read (std::uint32_t record, slices::Memory &memory,
      bool *from_disk = nullptr) const;
  // Seconds since it was made. A clock that was set back does not make it
  // younger.
  [[nodiscard]] std::chrono::seconds age () const;
  // Says that it was used now.
  void touch () const { lock_.touch (); }

private:
  void prefetch (std::uint32_t record) const;

  record::Index index_;
  // The index file, for its lock.
  disk::File lock_;
  disk::File data_;
  const unsigned prefetch_;
};

// Compares a stream with the beginning of an object.
class Prefix
{
public:
  Prefix (std::shared_ptr<const Reader> reader, std::uint64_t size);

  // Takes from the front what belongs to the prefix. False if it differs, or
  // if the object cannot be read.
  bool take (std::span<const std::uint8_t> &bytes);
  [[nodiscard]] bool done () const { return left_ == 0; }
  // Why the object could not be read; nothing if it differs.
  [[nodiscard]] const std::optional<Failure> &failure () const
  {
    return failure_;
  }

private:
  bool load ();

  std::shared_ptr<const Reader> reader_;
  std::uint64_t left_;
  std::size_t next_ = 0;
  std::optional<Failure> failure_;
  std::vector<std::uint8_t> slice_;
  std::span<const std::uint8_t> rest_;
};

// One object on its way to the disk. What is not finished when the writer goes
// is removed. append and event are for one thread; abort breaks their waits.
class Writer
{
public:
  Writer (std::shared_ptr<Shared> shared, std::shared_ptr<Object> object);
  ~Writer ();
  Writer (const Writer &) = delete;
  Writer &operator= (const Writer &) = delete;

  // When the queue is full they wait as long as `patience` for room, and give
  // the object up if there is none: an object with a hole is of no use. After a
  // failure nothing is kept and the failure is returned again.
  Result<relay::Done> append (const record::Packet &packet, Chunk chunk,
      std::chrono::milliseconds patience);
  Result<relay::Done> event (
      std::vector<std::uint8_t> bytes, std::chrono::milliseconds patience);
  // There is no more to come: the object becomes whole when all is written.
  void finish ();
  void abort ();

  // Waits until everything is on the disk, or removed from it.
  Result<relay::Done> close ();

  [[nodiscard]] std::uint64_t bytes_written () const;

private:
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Object> object_;
};

class Store
{
public:
  // The store of this folder in this process; the folder is made if need be.
  // The options are those of who opens it first.
  static Result<std::shared_ptr<Store>> open (
      const std::filesystem::path &folder, const Options &options = {});

  Store (std::filesystem::path folder, const Options &options);
  ~Store ();
  Store (const Store &) = delete;
  Store &operator= (const Store &) = delete;

  // The newest whole object of the key; counts as a use of it. The folder is
  // not looked through for it.
  Result<std::shared_ptr<const Reader>> find (std::string_view key);
  // The same, but one that is older than `ttl` has expired.
  Result<std::shared_ptr<const Reader>> find (
      std::string_view key, std::chrono::seconds ttl);
  // A new object of the key; when it is whole it takes the place of older ones.
  Result<std::unique_ptr<Writer>> create (std::string_view key);

  // Objects that were removed, of one key or of all that begin like this; see
  // inventory.h.
  std::size_t purge (std::string_view key);
  std::size_t purge_prefix (std::string_view prefix);

  // Looks the folder through and removes what is too much, as is done in the
  // background when enough was written; returns when it is done.
  Level sweep ();
  Level level ();

  // For bytestream.h.
  [[nodiscard]] const std::shared_ptr<Shared> &shared () const
  {
    return shared_;
  }

private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace store

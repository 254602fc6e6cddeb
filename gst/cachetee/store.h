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
#include "record.h"

// Objects in the files of one folder, one object for each key. A store owns its
// folder and one thread, which does all the writing; a stream never waits for
// the disk unless it asks to. Every function may be called from any thread.
//
// What was written by a process that died, was cut, or was changed by anyone is
// found out by its checks and not served. Nothing is synced: after a power loss
// what verifies is what is there. Files that are not ours are left alone.
namespace store {

// The position of a failure is its errno, or 0.
enum class Error
{
  not_found,
  // It is there, but was not written to its end.
  incomplete,
  // Its bytes are not those that were written.
  damaged,
  // The folder belongs to something else, or to another version.
  foreign,
  // Another writer, here or in another process, is at this key.
  busy,
  key_too_long,
  // The disk is slower than the stream for longer than the queue can hold.
  overflow,
  too_large,
  aborted,
  no_space,
  cannot_make_folder,
  cannot_open,
  cannot_read,
  cannot_write,
};
const char *to_string (Error error);

template <class T>
using Result = relay::Result<T, Error>;
using Failure = relay::Failure<Error>;

struct Options
{
  // Bytes that may wait for the disk, over all objects of the store.
  std::size_t queue_bytes = std::size_t{16} << 20;
  // Payload that is hashed and committed at a time.
  std::uint32_t slice_size = 256U << 10;
};

// Bytes that stay as they are for as long as their owner lives.
struct Chunk
{
  std::span<const std::uint8_t> bytes;
  std::shared_ptr<const void> owner;
};

struct Object;
struct Shared;
class File;

// A whole object, for any number of threads.
class Reader
{
public:
  Reader (record::Index index, std::unique_ptr<File> data);
  ~Reader ();
  Reader (const Reader &) = delete;
  Reader &operator= (const Reader &) = delete;

  [[nodiscard]] const record::Index &index () const { return index_; }
  // Fills `out`, which has the size that the record says, and verifies it.
  Result<relay::Done> read (
      const record::Record &record, std::span<std::uint8_t> out) const;

private:
  record::Index index_;
  std::unique_ptr<File> data_;
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

private:
  bool load ();

  std::shared_ptr<const Reader> reader_;
  std::uint64_t left_;
  std::size_t next_ = 0;
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

  // The newest whole object of the key.
  Result<std::shared_ptr<const Reader>> find (std::string_view key);
  // A new object of the key; when it is whole it takes the place of older ones.
  Result<std::unique_ptr<Writer>> create (std::string_view key);

private:
  std::filesystem::path folder_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace store

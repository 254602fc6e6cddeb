// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "disk.h"
#include "record.h"

// The folder of a cache: which files are in it, and whose they are.
//
//   CACHETEE                 the marker: what the folder is, and its version
//   XX/NAME.GENERATION.idx   the index of an object, and
//   XX/NAME.GENERATION.dat   its data; NAME is a hash of the key, XX its
//                            beginning
//
// Locks are on the index: who writes an object has it alone, who reads it
// shares it, and only what nobody reads or writes, in any process, is evicted.
// The time of last access of the index is that of its last use.
namespace folder {

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
  // It is older than it may be.
  expired,
  key_too_long,
  // The disk is slower than the stream for longer than the queue can hold.
  overflow,
  // Of a form that cannot be kept, or more than the whole cache may hold.
  too_large,
  // It is not, or not as long as, what is there of it.
  changed,
  aborted,
  // The disk is full, or (errno 0) the cache, with what is in use.
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

// With errno.
Failure failed (Error error);
Failure write_failed ();

// The two files of an object.
struct Names
{
  std::filesystem::path index;
  std::filesystem::path data;
};

using Generation = std::uint32_t;

// All objects of a key; one that is written anew is another generation, so
// that who reads the old one is not disturbed.
class Family
{
public:
  Family (disk::Disk &disk, const std::filesystem::path &folder,
      std::string_view key);

  [[nodiscard]] const std::filesystem::path &shard () const { return shard_; }
  [[nodiscard]] Names names (Generation generation) const;
  // Every number that is in use, or those that have an index; the newest first.
  [[nodiscard]] std::vector<Generation> generations (
      bool indexed_only = false) const;

private:
  disk::Disk *disk_;
  std::string stem_;
  std::filesystem::path shard_;
};

// Makes the folder if need be, and its marker.
Result<relay::Done> prepare (
    disk::Disk &disk, const std::filesystem::path &folder);
// Is the folder that of a cache, of this version?
Result<relay::Done> check_marker (
    disk::Disk &disk, const std::filesystem::path &folder);
// With all above it; private to this user.
Result<relay::Done> make_folder (
    disk::Disk &disk, const std::filesystem::path &folder);

// Reads an index that belongs to the key, or to any.
Result<record::Index> load_index (const disk::File &file);
Result<record::Index> load_index (const disk::File &file, std::string_view key);
// One that may still grow.
Result<record::Follower> load_log (const disk::File &file);
// The beginning of an index only.
Result<record::Header> load_header (const disk::File &file);
// What a record points at, as it was before it was compressed, verified: as
// many bytes as the record's size ().
Result<relay::Done> read_record (const disk::File &data,
    const record::Record &record, std::span<std::uint8_t> out);
// Is it the data file of this object?
bool is_data_of (const disk::File &file, std::uint64_t id);

// Removes a generation that is provably of this key, because a newer one is
// whole. One of the form PACKETS that somebody writes is left; who reads or
// writes another goes on with files that have no name any more.
void supersede (disk::Disk &disk, const Names &names, std::string_view key);
// Removes one of the form PACKETS that nobody writes and that is not whole.
// False if somebody does.
bool clear_partial (disk::Disk &disk, const Names &names, std::string_view key);

// The files of one object, or what is left of it, as they are in the folder.
struct Entry
{
  Names names;
  // What the two take on the disk.
  std::uint64_t bytes = 0;
  // Nanoseconds since 1970.
  std::int64_t last_use = 0;
  bool has_index = false;
};

// Whatever is named as an object's files are; some may be somebody else's. Not
// a snapshot: others come and go meanwhile. Stops early when `stop` says so.
std::vector<Entry> scan (disk::Disk &disk, const std::filesystem::path &folder,
    const std::function<bool ()> &stop);

enum class Removal
{
  removed,
  // Somebody reads or writes it.
  in_use,
  // It was used after it was listed.
  used_since,
  // Not ours, or not there any more.
  not_ours,
};
// Removes an object if it is provably one and nobody uses it. One that was used
// after `last_use` is left.
Removal remove (disk::Disk &disk, const Entry &entry, std::int64_t last_use);

// Those that were not used for longest first.
std::vector<Entry> by_last_use (std::vector<Entry> entries);

}  // namespace folder

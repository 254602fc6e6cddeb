// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bytefiles.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace bytefiles {

using disk::Disk;
using disk::File;
using disk::Lock;
using disk::Locked;
using folder::failed;
using folder::Names;

namespace {

// Records that are read at a time, when an index has grown.
constexpr std::uint64_t growth_limit = 4096 * record::record_size;
// How often a number is taken by others before it is given up.
constexpr int create_attempts = 4;

Result<Loaded> load (Disk &disk, const folder::Family &family,
    folder::Generation generation, std::string_view key)
{
  Names names = family.names (generation);
  File index = disk::open_file (disk, names.index, O_RDWR);
  // A folder that is read-only can be read.
  if (!index && (errno == EACCES || errno == EROFS || errno == EPERM))
    index = disk::open_file (disk, names.index, O_RDONLY);
  if (!index)
    return failed (errno == ENOENT ? Error::not_found : Error::cannot_open);
  Result<record::Header> header = folder::load_header (index);
  if (!header) {
    bool is_new = header.code () == Error::incomplete;
    if (is_new && index.lock (Lock::shared) == Locked::no)
      return relay::failure (Error::busy);
    return header.error ();
  }
  if (header->key != key || header->format != record::Format::bytes)
    return relay::failure (Error::not_found);

  File data = disk::open_file (disk, names.data, O_RDWR);
  if (!data && (errno == EACCES || errno == EROFS || errno == EPERM))
    data = disk::open_file (disk, names.data, O_RDONLY);
  if (!data)
    return failed (errno == ENOENT ? Error::damaged : Error::cannot_open);
  if (!folder::is_data_of (data, header->id)) {
    // Its maker writes it after the header.
    bool is_new = data.size () < record::record_size;
    if (is_new && index.lock (Lock::shared) == Locked::no)
      return relay::failure (Error::busy);
    return relay::failure (Error::damaged);
  }

  Result<record::Follower> log = folder::load_log (index);
  if (!log) return log.error ();
  auto files = std::make_shared<Files> (
      Files{std::move (index), std::move (data), generation});
  std::optional<record::Facts> facts = read_facts (*files, log->index ());
  // Without them nobody can tell what the slices are of.
  if (!facts && log->index ().facts != record::no_record)
    return relay::failure (Error::damaged);
  return Loaded{std::move (files), *std::move (log), std::move (facts)};
}

}  // namespace

bool Files::is_unlinked () const
{
  struct stat status = {};
  return index.status (status) && status.st_nlink == 0;
}

Result<Loaded> load_newest (
    Disk &disk, const folder::Family &family, std::string_view key)
{
  folder::Failure why = relay::failure (Error::not_found);
  for (folder::Generation generation : family.generations (true)) {
    Result<Loaded> loaded = load (disk, family, generation, key);
    if (loaded || loaded.code () == Error::busy) return loaded;
    if (loaded.code () != Error::not_found) why = loaded.error ();
  }
  return why;
}

Result<Loaded> create (
    Disk &disk, const folder::Family &family, const record::Header &header)
{
  record::Result<std::vector<std::uint8_t>> block = record::encode (header);
  if (!block) return relay::failure (Error::key_too_long);
  Result<relay::Done> made = folder::make_folder (disk, family.shard ());
  if (!made) return made.error ();

  Names names;
  File index;
  folder::Generation generation = 1;
  for (int i = 0; i < create_attempts && !index; i++) {
    for (folder::Generation used : family.generations ())
      generation = std::max (generation, used + 1);
    names = family.names (generation);
    index = disk::open_file (disk, names.index, O_RDWR | O_CREAT | O_EXCL);
    if (!index && errno != EEXIST) return failed (Error::cannot_open);
  }
  if (!index || index.lock (Lock::exclusive) != Locked::yes)
    return relay::failure (Error::busy);
  File data = disk::open_file (disk, names.data, O_RDWR | O_CREAT | O_EXCL);
  folder::Failure why = failed (Error::cannot_open);
  if (data) {
    record::Result<record::Follower> log = record::Follower::begin (*block);
    if (index.write (*block, 0) &&
        data.write (record::data_preamble (header.id), 0) && log)
      return Loaded{std::make_shared<Files> (
                        Files{std::move (index), std::move (data), generation}),
          *std::move (log), std::nullopt};
    why = folder::write_failed ();
    disk::unlink_if_same (disk, names.data, data);
  }
  disk::unlink_if_same (disk, names.index, index);
  return why;
}

std::optional<record::Facts> read_facts (
    const Files &files, const record::Index &index)
{
  if (index.facts == record::no_record) return std::nullopt;
  const record::Record &record = index.records[index.facts];
  std::vector<std::uint8_t> stored (record.stored);
  if (!files.data.read (stored, record.offset) ||
      !record::verify (stored, record))
    return std::nullopt;
  record::Result<record::Facts> facts = record::parse_facts (stored);
  if (!facts || facts->total != record.position) return std::nullopt;
  return *std::move (facts);
}

Result<relay::Done> write (const Files &files, record::Parts stored,
    const record::Journal::Entry &entry, std::uint64_t index_at)
{
  if (!files.data.write (stored, entry.record.offset) ||
      !files.index.write (entry.bytes, index_at))
    return folder::write_failed ();
  return relay::Done{};
}

Result<std::vector<std::uint8_t>> read_growth (
    const Files &files, std::uint64_t end)
{
  struct stat status = {};
  if (!files.index.status (status)) return failed (Error::cannot_read);
  auto size = static_cast<std::uint64_t> (status.st_size);
  // Nobody of us makes it shorter than its good records.
  if (size < end) return relay::failure (Error::damaged);
  size = std::min (size - end, growth_limit);
  std::vector<std::uint8_t> bytes (size - size % record::record_size);
  if (!files.index.read (bytes, end)) return failed (Error::cannot_read);
  return bytes;
}

}  // namespace bytefiles

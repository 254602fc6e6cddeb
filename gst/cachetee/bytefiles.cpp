// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bytefiles.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "birth.h"

namespace bytefiles {

using disk::Disk;
using disk::File;
using disk::Lock;
using disk::Locked;
using folder::failed;
using folder::Failure;
using folder::Names;

namespace {

// Records that are read at a time, when an index has grown.
constexpr std::uint64_t growth_limit = 4096 * record::record_size;

Result<Loaded> load_once (Disk &disk, const Names &names,
    folder::Generation generation, std::string_view key)
{
  File index = disk::open_file (disk, names.index, O_RDWR);
  // A folder that is read-only can be read.
  if (!index && (errno == EACCES || errno == EROFS || errno == EPERM))
    index = disk::open_file (disk, names.index, O_RDONLY);
  if (!index)
    return failed (errno == ENOENT ? Error::not_found : Error::cannot_open);
  Result<record::Header> header = folder::load_header (index);
  if (!header) return header.error ();
  if (header->key != key || header->format != record::Format::bytes)
    return relay::failure (Error::not_found);

  File data = disk::open_file (disk, names.data, O_RDWR);
  if (!data && (errno == EACCES || errno == EROFS || errno == EPERM))
    data = disk::open_file (disk, names.data, O_RDONLY);
  if (!data)
    return failed (errno == ENOENT ? Error::damaged : Error::cannot_open);
  if (!folder::is_data_of (data, header->id))
    return relay::failure (Error::damaged);

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

Result<Loaded> load (Disk &disk, const folder::Family &family,
    folder::Generation generation, std::string_view key)
{
  const Names names = family.names (generation);
  Result<Loaded> loaded = load_once (disk, names, generation, key);
  bool is_partial = !loaded && (loaded.code () == Error::incomplete ||
                                   loaded.code () == Error::damaged);
  if (!is_partial) return loaded;
  // Its maker may be at it, or have been until now. It is looked at again while
  // nobody can write.
  File index = disk::open_file (disk, names.index, O_RDONLY);
  if (index && index.lock (Lock::shared) == Locked::no)
    return relay::failure (Error::busy);
  return load_once (disk, names, generation, key);
}

}  // namespace

bool Files::is_unlinked () const
{
  struct stat status = {};
  return index.status (status) && status.st_nlink == 0;
}

Result<Loaded> load_newest (Disk &disk, const folder::Family &family,
    std::string_view key, folder::Generation after)
{
  Result<Loaded> newest = relay::failure (Error::not_found);
  for (folder::Generation generation : family.generations (true)) {
    if (generation <= after) break;
    Result<Loaded> loaded = load (disk, family, generation, key);
    bool is_whole = loaded && loaded->log.index ().complete;
    bool is_replaced = is_whole && newest && newest->facts && loaded->facts &&
                       record::differs (*newest->facts, *loaded->facts);
    if (is_replaced) return newest;
    if (is_whole) return loaded;
    bool is_begun = newest || newest.code () == Error::busy;
    if (!is_begun && (loaded || loaded.code () != Error::not_found))
      newest = std::move (loaded);
  }
  return newest;
}

Result<Loaded> create (Disk &disk, const folder::Family &family,
    const record::Header &header, folder::Generation newest)
{
  record::Result<std::vector<std::uint8_t>> block = record::encode (header);
  if (!block) return relay::failure (Error::key_too_long);
  Result<relay::Done> prepared = folder::make_folder (disk, family.shard ());
  if (!prepared) return prepared.error ();
  std::vector<folder::Generation> used = family.generations ();
  if (!used.empty () && used.front () > newest)
    return relay::failure (Error::busy);
  folder::Generation generation = newest + 1;
  record::Result<record::Follower> log = record::Follower::begin (*block);
  if (!log) return relay::failure (Error::damaged);
  Result<birth::Made> made =
      birth::make (disk, family.names (generation), *block, header.id);
  if (!made) return made.error ();
  return Loaded{std::make_shared<Files> (Files{std::move (made->index),
                    std::move (made->data), generation}),
      *std::move (log), std::nullopt};
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

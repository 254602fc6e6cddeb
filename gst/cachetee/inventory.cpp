// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inventory.h"

#include <fcntl.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace inventory {

namespace fs = std::filesystem;
using disk::Disk;
using disk::File;

namespace {

State state_of (
    Disk &disk, const folder::Names &names, const record::Index &index)
{
  // Of what came in any order everything that verifies counts.
  if (!index.complete && index.header.format == record::Format::bytes)
    return State::incomplete;
  if (!index.complete)
    return index.ended == record::Error::truncated ? State::incomplete
                                                   : State::damaged;
  File data = disk::open_file (disk, names.data, O_RDONLY);
  bool is_there =
      folder::is_data_of (data, index.header.id) && data.size () >= index.end;
  return is_there ? State::whole : State::damaged;
}

// An index under the name of its key, and not somebody's copy.
bool is_named_for (const folder::Names &names, std::string_view key)
{
  return names.index.filename ().string ().starts_with (
      record::file_name (key));
}

bool remove_names (Disk &disk, const folder::Names &names,
    const record::Header &header, const File &index)
{
  File data = disk::open_file (disk, names.data, O_RDONLY);
  // In this order: data without an index is never taken for an object.
  disk::unlink_if_same (disk, names.index, index);
  if (folder::is_data_of (data, header.id))
    disk::unlink_if_same (disk, names.data, data);
  struct stat status = {};
  return !index.status (status) || status.st_nlink == 0;
}

}  // namespace

const char *to_string (State state)
{
  switch (state) {
    case State::whole:
      return "whole";
    case State::incomplete:
      return "incomplete";
    case State::damaged:
      return "damaged";
  }
  return "unknown";
}

bool is_cache (Disk &disk, const fs::path &folder)
{
  return folder::check_marker (disk, folder).ok ();
}

std::vector<Object> list (
    Disk &disk, const fs::path &folder, std::string_view prefix)
{
  std::vector<Object> objects;
  for (const folder::Entry &entry :
      folder::scan (disk, folder, [] { return false; })) {
    if (!entry.has_index) continue;
    File file = disk::open_file (disk, entry.names.index, O_RDONLY);
    if (!file) continue;
    folder::Result<record::Index> index = folder::load_index (file);
    if (!index || !is_named_for (entry.names, index->header.key) ||
        !index->header.key.starts_with (prefix))
      continue;
    Object object;
    object.state = state_of (disk, entry.names, *index);
    object.key = std::move (index->header.key);
    object.names = entry.names;
    object.payload = index->bytes;
    object.bytes = entry.bytes;
    object.created = index->header.created;
    object.last_use = static_cast<std::uint64_t> (
        std::max<std::int64_t> (entry.last_use, 0) / 1000000000);
    object.in_use = file.lock (disk::Lock::exclusive) == disk::Locked::no;
    objects.push_back (std::move (object));
  }
  std::sort (
      objects.begin (), objects.end (), [] (const Object &a, const Object &b) {
        return std::tie (a.key, a.names.index) <
               std::tie (b.key, b.names.index);
      });
  return objects;
}

State verify (Disk &disk, const Object &object)
{
  File file = disk::open_file (disk, object.names.index, O_RDONLY);
  if (!file) return State::damaged;
  folder::Result<record::Index> index = folder::load_index (file, object.key);
  if (!index) return State::damaged;
  State state = state_of (disk, object.names, *index);
  if (state == State::damaged) return state;
  File data = disk::open_file (disk, object.names.data, O_RDONLY);
  if (!data) return State::damaged;
  std::vector<std::uint8_t> bytes;
  for (const record::Record &record : index->records) {
    if (!index->counts (record)) continue;
    bytes.resize (record.size ());
    if (!folder::read_record (data, record, bytes)) return State::damaged;
    if (record.type == record::Type::slice &&
        index->header.format == record::Format::packets &&
        !record::parse_packets (bytes, record))
      return State::damaged;
  }
  return state;
}

std::size_t purge (Disk &disk, const fs::path &folder, std::string_view key)
{
  folder::Family family (disk, folder, key);
  std::size_t removed = 0;
  for (folder::Generation generation : family.generations (true)) {
    folder::Names names = family.names (generation);
    File file = disk::open_file (disk, names.index, O_RDONLY);
    if (!file) continue;
    folder::Result<record::Header> header = folder::load_header (file);
    if (header && header->key == key &&
        remove_names (disk, names, *header, file))
      removed++;
  }
  return removed;
}

std::size_t purge_prefix (
    Disk &disk, const fs::path &folder, std::string_view prefix)
{
  std::size_t removed = 0;
  for (const folder::Entry &entry :
      folder::scan (disk, folder, [] { return false; })) {
    File file = disk::open_file (disk, entry.names.index, O_RDONLY);
    if (!file) continue;
    folder::Result<record::Header> header = folder::load_header (file);
    if (header && header->key.starts_with (prefix) &&
        is_named_for (entry.names, header->key) &&
        remove_names (disk, entry.names, *header, file))
      removed++;
  }
  return removed;
}

}  // namespace inventory

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "disk.h"
#include "folder.h"
#include "record.h"

// The two files of one generation of a byte stream.
namespace bytefiles {

using folder::Error;
using folder::Result;

struct Files
{
  disk::File index;
  disk::File data;
  folder::Generation generation = 0;

  // Somebody removed it: it is found by nobody any more.
  [[nodiscard]] bool is_unlinked () const;
};

struct Loaded
{
  std::shared_ptr<const Files> files;
  record::Follower log;
  // Nothing, if they were not written yet.
  std::optional<record::Facts> facts;
};

// The newest generation of the key that can be read at all, of those after the
// number; but one that is not whole, and does not say that it is of another
// resource than an older one that is, has not taken its place yet. Busy if the
// newest is just being made. Nothing is locked.
Result<Loaded> load_newest (disk::Disk &disk, const folder::Family &family,
    std::string_view key, folder::Generation after = 0);
// A new one, locked exclusively, after the newest that there is. Busy if there
// is a newer one meanwhile.
Result<Loaded> create (disk::Disk &disk, const folder::Family &family,
    const record::Header &header, folder::Generation newest);

// What the facts record of the log points at.
std::optional<record::Facts> read_facts (
    const Files &files, const record::Index &index);
// The bytes, then the record that vouches for them.
Result<relay::Done> write (const Files &files, record::Parts stored,
    const record::Journal::Entry &entry, std::uint64_t index_at);
// What was added to the index behind the log's end, whole records only and not
// more than some; a failure if that cannot be told.
Result<std::vector<std::uint8_t>> read_growth (
    const Files &files, std::uint64_t end);

}  // namespace bytefiles

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "birth.h"

#include <fcntl.h>

#include <array>
#include <cerrno>

namespace birth {

using disk::Disk;
using disk::File;
using disk::Lock;
using disk::Locked;
using folder::Error;
using folder::failed;
using folder::Failure;
using folder::Names;
using folder::Result;

Result<Made> make (Disk &disk, const Names &names,
    std::span<const std::uint8_t> header, std::uint64_t id)
{
  disk::NoSizeSignal guard;
  Made made;
  made.index = disk::open_file (disk, names.index, O_RDWR | O_CREAT | O_EXCL);
  if (!made.index)
    return failed (errno == EEXIST ? Error::busy : Error::cannot_open);
  // Before we had the lock another may have taken it for abandoned.
  struct stat status = {};
  if (made.index.lock (Lock::exclusive) != Locked::yes ||
      !made.index.status (status) || status.st_nlink == 0) {
    disk::unlink_if_same (disk, names.index, made.index);
    return relay::failure (Error::busy);
  }
  Failure why = relay::failure (Error::cannot_write);
  if (!made.index.write (header, 0)) {
    why = folder::write_failed ();
  } else {
    made.data = disk::open_file (disk, names.data, O_RDWR | O_CREAT | O_EXCL);
    if (!made.data)
      why = failed (Error::cannot_open);
    else if (made.data.write (record::data_preamble (id), 0))
      return made;
    else
      why = folder::write_failed ();
  }
  if (made.data) disk::unlink_if_same (disk, names.data, made.data);
  disk::unlink_if_same (disk, names.index, made.index);
  return why;
}

bool is_abandoned (const File &index)
{
  struct stat status = {};
  if (!index.status (status)) return false;
  auto size = static_cast<std::uint64_t> (status.st_size);
  std::array<std::uint8_t, 16> begin{};
  if (size < begin.size ()) return size == 0;
  if (!index.read (begin, 0)) return false;
  record::Result<std::size_t> wanted = record::header_size (begin);
  return wanted && size < *wanted;
}

Left clear_abandoned (Disk &disk, const Names &names, std::string_view key)
{
  File index = disk::open_file (disk, names.index, O_RDONLY);
  if (!index) return errno == ENOENT ? Left::nothing : Left::other;
  if (is_abandoned (index) && index.lock (Lock::exclusive) != Locked::yes)
    return Left::begun;
  // Its maker may have come so far since.
  if (!is_abandoned (index)) {
    folder::Result<record::Header> header = folder::load_header (index);
    return header && header->key == key ? Left::begun : Left::other;
  }
  File data = disk::open_file (disk, names.data, O_RDONLY);
  disk::unlink_if_same (disk, names.index, index);
  struct stat status = {};
  if (data && data.status (status) && status.st_size == 0)
    disk::unlink_if_same (disk, names.data, data);
  return Left::nothing;
}

}  // namespace birth

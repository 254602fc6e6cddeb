// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "disk.h"
#include "folder.h"

// How the files of an object come into the world: of two who begin at once one
// does, and what is left of one who died over it goes.
namespace birth {

struct Made
{
  disk::File index;
  disk::File data;
};

// The two files of a new generation, which begin with these. The index is
// locked. Busy if somebody else is about to make it.
folder::Result<Made> make (disk::Disk &disk, const folder::Names &names,
    std::span<const std::uint8_t> header, std::uint64_t id);

// Is it an index, of which there is not even all of the header?
bool is_abandoned (const disk::File &index);
enum class Left
{
  nothing,  // it was removed, or somebody else did
  begun,    // it is being made, or was made in the meantime
  other,    // it is none of ours, or damaged
};
// Removes what is left of one whose maker died before it had said what it is.
// If the maker only has not come so far it finds that out, and begins again.
Left clear_abandoned (
    disk::Disk &disk, const folder::Names &names, std::string_view key);

}  // namespace birth

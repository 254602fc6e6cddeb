// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "disk.h"
#include "folder.h"

// What is in the folder of a cache, for who looks after it. Nothing here makes
// or changes a folder but purge, and none of it counts as a use of an object.
// Others may use the folder at the same time.
namespace inventory {

enum class State
{
  whole,
  // Being written, or left by a writer that died.
  incomplete,
  // It is not served.
  damaged,
};
const char *to_string (State state);

struct Object
{
  std::string key;
  folder::Names names;
  State state = State::whole;
  // Payload, and what the files take on the disk.
  std::uint64_t payload = 0;
  std::uint64_t bytes = 0;
  // Seconds since 1970.
  std::uint64_t created = 0;
  std::uint64_t last_use = 0;
  // Somebody reads or writes it, in any process.
  bool in_use = false;
};

// Is it the folder of a cache, of this version?
bool is_cache (disk::Disk &disk, const std::filesystem::path &folder);

// All objects whose key begins like this; sorted by key. The indexes are read,
// the data is not.
std::vector<Object> list (disk::Disk &disk, const std::filesystem::path &folder,
    std::string_view prefix = {});

// Reads all of an object's data. One that is whole and whose data is not what
// was written, or cannot be read, is damaged.
State verify (disk::Disk &disk, const Object &object);

// Objects that were removed. Who reads one goes on, and who writes one does it
// in vain: nothing of them is found any more. What cannot be read cannot be
// told to be of a key, and stays.
std::size_t purge (disk::Disk &disk, const std::filesystem::path &folder,
    std::string_view key);
std::size_t purge_prefix (disk::Disk &disk, const std::filesystem::path &folder,
    std::string_view prefix);

}  // namespace inventory

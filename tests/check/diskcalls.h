// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>

// The disk and the clock of the elements, which are in modules: a program that
// is linked with diskcalls.cpp, and exports its symbols, has the calls of the C
// library in its own hands.
namespace test {

struct DiskCall
{
  // To be written; null for a read.
  const void *bytes = nullptr;
  int fd = -1;
  std::size_t size = 0;
  off_t offset = 0;

  // The end of the file's name: ".idx", ".dat", or empty.
  [[nodiscard]] const char *suffix () const;
  // Does as much of a write, and says how much that was.
  [[nodiscard]] ssize_t write (std::size_t part) const;
};

// Called from any thread before each pread and pwrite: the result of the call,
// with errno set, or nothing if it is to be made.
using DiskHook = std::function<std::optional<ssize_t> (const DiskCall &)>;

// Of one at a time; when it goes nobody may be in it.
class HookedDisk
{
public:
  explicit HookedDisk (DiskHook in_place);
  ~HookedDisk ();
  HookedDisk (const HookedDisk &) = delete;
  HookedDisk &operator= (const HookedDisk &) = delete;

private:
  DiskHook hook_;
};

// Moves the clock of the day to so many seconds from the right time.
void set_clock (long seconds);

}  // namespace test

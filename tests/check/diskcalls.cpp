// SPDX-License-Identifier: LGPL-2.1-or-later
#include "diskcalls.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace {

std::atomic<const test::DiskHook *> hook = nullptr;
std::atomic<long> clock_offset = 0;

std::optional<ssize_t> ask (const test::DiskCall &call)
{
  const test::DiskHook *now = hook;
  if (now == nullptr) return std::nullopt;
  return (*now) (call);
}

}  // namespace

namespace test {

const char *DiskCall::suffix () const
{
  std::array<char, 32> link{};
  std::array<char, 4096> path{};
  std::snprintf (link.data (), link.size (), "/proc/self/fd/%d", fd);
  ssize_t size = readlink (link.data (), path.data (), path.size ());
  std::string_view name (
      path.data (), size > 0 ? static_cast<std::size_t> (size) : 0);
  for (const char *suffix : {".idx", ".dat"})
    if (name.ends_with (suffix)) return suffix;
  return "";
}

ssize_t DiskCall::write (std::size_t part) const
{
  return syscall (SYS_pwrite64, fd, bytes, part, offset);
}

HookedDisk::HookedDisk (DiskHook now) : hook_ (std::move (now))
{
  hook = &hook_;
}

HookedDisk::~HookedDisk ()
{
  hook = nullptr;
}

void set_clock (long seconds)
{
  clock_offset = seconds;
}

}  // namespace test

// In place of those of the C library, also for the modules.
#define OURS extern "C" __attribute__ ((visibility ("default")))

OURS ssize_t pread64 (int fd, void *bytes, size_t size, off64_t offset);
OURS ssize_t pread64 (int fd, void *bytes, size_t size, off64_t offset)
{
  if (auto result = ask ({nullptr, fd, size, offset})) return *result;
  return syscall (SYS_pread64, fd, bytes, size, offset);
}

OURS ssize_t pwrite64 (int fd, const void *bytes, size_t size, off64_t offset);
OURS ssize_t pwrite64 (int fd, const void *bytes, size_t size, off64_t offset)
{
  if (auto result = ask ({bytes, fd, size, offset})) return *result;
  return syscall (SYS_pwrite64, fd, bytes, size, offset);
}

OURS int clock_gettime (clockid_t clock, timespec *time) noexcept
{
  auto result = static_cast<int> (syscall (SYS_clock_gettime, clock, time));
  if (clock == CLOCK_REALTIME) time->tv_sec += clock_offset;
  return result;
}

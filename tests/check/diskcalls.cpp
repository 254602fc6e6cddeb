// SPDX-License-Identifier: LGPL-2.1-or-later
#include "diskcalls.h"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

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
  ssize_t length = readlink (link.data (), path.data (), path.size ());
  std::string_view name (
      path.data (), length > 0 ? static_cast<std::size_t> (length) : 0);
  for (const char *suffix : {".idx", ".dat"})
    if (name.ends_with (suffix)) return suffix;
  return "";
}

ssize_t DiskCall::write (std::size_t part) const
{
  return syscall (SYS_pwrite64, fd, bytes, part, offset);
}

HookedDisk::HookedDisk (DiskHook in_place) : hook_ (std::move (in_place))
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
#define IN_PLACE_OF(name) __asm__(name) __attribute__ ((visibility ("default")))

ssize_t our_pread (int fd, void *bytes, std::size_t size, off_t offset)
    IN_PLACE_OF ("pread64");
ssize_t our_pread (int fd, void *bytes, std::size_t size, off_t offset)
{
  if (auto result = ask ({nullptr, fd, size, offset})) return *result;
  return syscall (SYS_pread64, fd, bytes, size, offset);
}

ssize_t our_pwrite (int fd, const void *bytes, std::size_t size, off_t offset)
    IN_PLACE_OF ("pwrite64");
ssize_t our_pwrite (int fd, const void *bytes, std::size_t size, off_t offset)
{
  if (auto result = ask ({bytes, fd, size, offset})) return *result;
  return syscall (SYS_pwrite64, fd, bytes, size, offset);
}

// In one piece for who decides about it.
ssize_t our_pwritev (int fd, const iovec *parts, int count, off_t offset)
    IN_PLACE_OF ("pwritev64");
ssize_t our_pwritev (int fd, const iovec *parts, int count, off_t offset)
{
  std::vector<std::uint8_t> all;
  for (int i = 0; i < count; i++) {
    const auto *begin = static_cast<const std::uint8_t *> (parts[i].iov_base);
    all.insert (all.end (), begin, begin + parts[i].iov_len);
  }
  if (auto result = ask ({all.data (), fd, all.size (), offset}))
    return *result;
  return syscall (SYS_pwritev, fd, parts, count, offset, 0);
}

int our_clock (clockid_t clock, timespec *time) IN_PLACE_OF ("clock_gettime");
int our_clock (clockid_t clock, timespec *time)
{
  auto result = static_cast<int> (syscall (SYS_clock_gettime, clock, time));
  if (clock == CLOCK_REALTIME) time->tv_sec += clock_offset;
  return result;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "disk.h"
#include "testutil.h"

// Disks that fail, and what a loss of power leaves of one.
namespace test {

enum class Call
{
  open,
  read,
  write,
  status,
  lock,
  remove,
  list,
  make,
};
inline constexpr std::array calls{Call::open, Call::read, Call::write,
    Call::status, Call::lock, Call::remove, Call::list, Call::make};

inline Bytes gather (const iovec *parts, int count)
{
  Bytes bytes;
  for (int i = 0; i < count; i++) {
    auto first = static_cast<const std::uint8_t *> (parts[i].iov_base);
    bytes.insert (bytes.end (), first, first + parts[i].iov_len);
  }
  return bytes;
}

// What they have up to a limit.
inline ssize_t write_some (disk::Disk &disk, int fd, const iovec *parts,
    int count, off_t offset, std::size_t limit)
{
  Bytes bytes = gather (parts, count);
  iovec some{bytes.data (), std::min (bytes.size (), limit)};
  return disk.Disk::pwritev (fd, &some, 1, offset);
}

// Is late with each call by up to so much, so that others get in between.
class LateDisk final : public disk::Disk
{
public:
  LateDisk (unsigned seed, std::chrono::microseconds most)
      : random_ (seed), late_ (0, static_cast<int> (most.count ()))
  {
  }

  int open (const char *path, int flags, mode_t mode) override
  {
    wait ();
    return Disk::open (path, flags, mode);
  }
  ssize_t pread (int fd, void *bytes, std::size_t size, off_t offset) override
  {
    wait ();
    return Disk::pread (fd, bytes, size, offset);
  }
  ssize_t pwritev (int fd, const iovec *parts, int count, off_t offset) override
  {
    wait ();
    return Disk::pwritev (fd, parts, count, offset);
  }
  int fstat (int fd, struct stat *status) override
  {
    wait ();
    return Disk::fstat (fd, status);
  }
  int flock (int fd, int operation) override
  {
    wait ();
    return Disk::flock (fd, operation);
  }
  int unlink (const char *path) override
  {
    wait ();
    return Disk::unlink (path);
  }
  int list (const char *path, std::vector<std::string> &names) override
  {
    wait ();
    return Disk::list (path, names);
  }

private:
  void wait ()
  {
    std::unique_lock lock (mutex_);
    std::chrono::microseconds late (late_ (random_));
    lock.unlock ();
    std::this_thread::sleep_for (late);
  }

  std::mutex mutex_;
  std::minstd_rand random_;
  std::uniform_int_distribution<int> late_;
};

// Fails the n-th call of a kind, or all from the n-th on.
class FailingDisk final : public disk::Disk
{
public:
  struct Plan
  {
    Call call = Call::open;
    unsigned from = ~0U;
    bool once = true;
    int error = EIO;
    // A write or read does this much of its work first.
    std::size_t part = 0;
  };

  void plan (const Plan &plan)
  {
    std::lock_guard lock (mutex_);
    plan_ = plan;
    count_ = 0;
    fired_ = false;
  }
  bool fired ()
  {
    std::lock_guard lock (mutex_);
    return fired_;
  }

  int open (const char *path, int flags, mode_t mode) override
  {
    return fails (Call::open) ? -1 : Disk::open (path, flags, mode);
  }
  ssize_t pread (int fd, void *bytes, std::size_t size, off_t offset) override
  {
    return fails (Call::read) ? -1 : Disk::pread (fd, bytes, size, offset);
  }
  ssize_t pwritev (int fd, const iovec *parts, int count, off_t offset) override
  {
    if (!fails (Call::write)) return Disk::pwritev (fd, parts, count, offset);
    int why = errno;
    // Torn: some of it is there all the same.
    if (plan_.part > 0)
      (void)write_some (*this, fd, parts, count, offset, plan_.part);
    errno = why;
    return -1;
  }
  int fstat (int fd, struct stat *status) override
  {
    return fails (Call::status) ? -1 : Disk::fstat (fd, status);
  }
  int lstat (const char *path, struct stat *status) override
  {
    return fails (Call::status) ? -1 : Disk::lstat (path, status);
  }
  int flock (int fd, int operation) override
  {
    return fails (Call::lock) ? -1 : Disk::flock (fd, operation);
  }
  int unlink (const char *path) override
  {
    return fails (Call::remove) ? -1 : Disk::unlink (path);
  }
  int list (const char *path, std::vector<std::string> &names) override
  {
    return fails (Call::list) ? -1 : Disk::list (path, names);
  }
  int mkdir (const char *path, mode_t mode) override
  {
    return fails (Call::make) ? -1 : Disk::mkdir (path, mode);
  }

private:
  bool fails (Call call)
  {
    std::lock_guard lock (mutex_);
    if (call != plan_.call) return false;
    unsigned number = count_++;
    if (number < plan_.from || (plan_.once && number > plan_.from))
      return false;
    fired_ = true;
    errno = plan_.error;
    return true;
  }

  std::mutex mutex_;
  Plan plan_;
  unsigned count_ = 0;
  bool fired_ = false;
};

// Remembers what was written, in order, for a loss of power.
class LoggingDisk final : public disk::Disk
{
public:
  struct Write
  {
    std::filesystem::path path;
    std::uint64_t offset = 0;
    Bytes bytes;
  };

  int open (const char *path, int flags, mode_t mode) override
  {
    int fd = Disk::open (path, flags, mode);
    if (fd < 0) return fd;
    std::lock_guard lock (mutex_);
    open_[fd] = path;
    return fd;
  }
  ssize_t pwritev (int fd, const iovec *parts, int count, off_t offset) override
  {
    std::lock_guard lock (mutex_);
    log_.push_back ({open_[fd], static_cast<std::uint64_t> (offset),
        gather (parts, count)});
    return Disk::pwritev (fd, parts, count, offset);
  }
  std::vector<Write> log ()
  {
    std::lock_guard lock (mutex_);
    return log_;
  }

private:
  std::mutex mutex_;
  std::map<int, std::filesystem::path> open_;
  std::vector<Write> log_;
};

// Small, as the slices are.
inline constexpr std::size_t sector = 64;

// What may be there after a loss of power: of each file any of the writes, in
// any order and cut at any sector, and zeros where there were none.
inline void lose_power (const std::vector<LoggingDisk::Write> &log,
    const std::filesystem::path &from, const std::filesystem::path &to,
    unsigned seed)
{
  std::minstd_rand random (seed + 1);
  auto below = [&] (std::size_t n) { return (random () >> 7) % n; };
  std::map<std::filesystem::path, Bytes> files;
  // How often a write is lost: never, now and then, often.
  unsigned lost = static_cast<unsigned> (below (4)) * 20;
  for (const LoggingDisk::Write &write : log) {
    Bytes &file = files[write.path];
    std::size_t first = 0;
    std::size_t last = write.bytes.size ();
    if (below (100) < lost) {
      // The file may have its length all the same.
      if (below (2) == 0)
        file.resize (std::max<std::size_t> (file.size (), write.offset + last));
      // Any sectors of it, or none.
      first = below (last / sector + 1) * sector;
      if (below (2) == 0)
        last = first + below ((last - first) / sector + 1) * sector;
    }
    if (first == last) continue;
    file.resize (std::max<std::size_t> (file.size (), write.offset + last));
    std::copy (write.bytes.begin () + static_cast<std::ptrdiff_t> (first),
        write.bytes.begin () + static_cast<std::ptrdiff_t> (last),
        file.begin () + static_cast<std::ptrdiff_t> (write.offset + first));
  }
  for (const auto &[path, bytes] : files) {
    std::filesystem::path place = to / std::filesystem::relative (path, from);
    std::filesystem::create_directories (place.parent_path ());
    test::write_file (place, bytes);
  }
}

}  // namespace test

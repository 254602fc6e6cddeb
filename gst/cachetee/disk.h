// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

// The calls of the operating system that the store makes, in one place, so that
// a test can make each of them fail, be slow, or do half of its work.
namespace disk {

// What is one after the other in a file, but not in memory.
using Parts = std::span<const std::span<const std::uint8_t>>;

// Each does as its system call: -1 with errno set says that it failed. From any
// thread.
class Disk
{
public:
  Disk () = default;
  virtual ~Disk () = default;
  Disk (const Disk &) = delete;
  Disk &operator= (const Disk &) = delete;

  virtual int open (const char *path, int flags, mode_t mode);
  virtual int close (int fd);
  virtual ssize_t pread (int fd, void *bytes, std::size_t size, off_t offset);
  virtual ssize_t pwritev (int fd, const iovec *parts, int count, off_t offset);
  // Says that these bytes will be read soon.
  virtual int advise (int fd, off_t offset, off_t size);
  virtual int truncate (int fd, off_t size);
  virtual int fstat (int fd, struct stat *status);
  virtual int lstat (const char *path, struct stat *status);
  virtual int flock (int fd, int operation);
  virtual int touch (int fd, const timespec *times);
  virtual int unlink (const char *path);
  virtual int mkdir (const char *path, mode_t mode);
  // What is in a folder, without . and ..
  virtual int list (const char *path, std::vector<std::string> &names);
  // Bytes that this user may still write to the file system.
  virtual int available (const char *path, std::uint64_t &bytes);
};

// That of the operating system.
Disk &system ();

enum class Lock
{
  // Others may have it too.
  shared,
  exclusive,
};

enum class Locked
{
  yes,
  // Somebody has one that does not go with it.
  no,
  // The file system has no locks.
  unknown,
};

// A regular file that is open, or none.
class File
{
public:
  File () = default;
  File (Disk &disk, int fd) : disk_ (&disk), fd_ (fd) {}
  ~File ();
  File (const File &) = delete;
  File &operator= (const File &) = delete;
  File (File &&other) noexcept
      : disk_ (other.disk_), fd_ (std::exchange (other.fd_, -1))
  {
  }
  File &operator= (File &&other) noexcept
  {
    std::swap (disk_, other.disk_);
    std::swap (fd_, other.fd_);
    return *this;
  }

  explicit operator bool () const { return fd_ >= 0; }

  // All of it, or false with errno set; a file that ends too early is ENODATA.
  bool read (std::span<std::uint8_t> out, std::uint64_t offset) const;
  bool write (std::span<const std::uint8_t> bytes, std::uint64_t offset) const;
  bool write (Parts parts, std::uint64_t offset) const;
  // Lets the system read these bytes meanwhile; does not matter if it cannot.
  void will_need (std::uint64_t offset, std::uint64_t size) const;
  bool truncate (std::uint64_t size) const;
  // 0 of one that cannot be asked.
  [[nodiscard]] std::uint64_t size () const;
  bool status (struct stat &out) const;
  // Does not wait. A lock goes with the file, also when the process is killed.
  Locked lock (Lock lock) const;
  void unlock () const;
  // Says that it was used now, for all processes. Does not matter if it cannot.
  void touch () const;

private:
  Disk *disk_ = nullptr;
  int fd_ = -1;
};

// A regular file, or none with errno set: no link, no FIFO to hang on.
File open_file (Disk &disk, const std::filesystem::path &path, int flags);

// Removes a name if it is still that of the file.
void unlink_if_same (
    Disk &disk, const std::filesystem::path &path, const File &file);

// For what a thread of the application writes: beyond the file size limit of
// the process it is told so by errno, and not killed.
class NoSizeSignal
{
public:
  NoSizeSignal ();
  ~NoSizeSignal ();
  NoSizeSignal (const NoSizeSignal &) = delete;
  NoSizeSignal &operator= (const NoSizeSignal &) = delete;

private:
  sigset_t signal_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace disk

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

namespace disk {

int Disk::open (const char *path, int flags, mode_t mode)
{
  return ::open (path, flags, mode);
}

int Disk::close (int fd)
{
  return ::close (fd);
}

ssize_t Disk::pread (int fd, void *bytes, std::size_t size, off_t offset)
{
  return ::pread (fd, bytes, size, offset);
}

ssize_t Disk::pwritev (int fd, const iovec *parts, int count, off_t offset)
{
  return ::pwritev (fd, parts, count, offset);
}

int Disk::advise (int fd, off_t offset, off_t size)
{
  return posix_fadvise (fd, offset, size, POSIX_FADV_WILLNEED);
}

int Disk::truncate (int fd, off_t size)
{
  return ::ftruncate (fd, size);
}

int Disk::fstat (int fd, struct stat *status)
{
  return ::fstat (fd, status);
}

int Disk::lstat (const char *path, struct stat *status)
{
  return ::lstat (path, status);
}

int Disk::flock (int fd, int operation)
{
  return ::flock (fd, operation);
}

int Disk::touch (int fd, const timespec *times)
{
  return ::futimens (fd, times);
}

int Disk::unlink (const char *path)
{
  return ::unlink (path);
}

int Disk::mkdir (const char *path, mode_t mode)
{
  return ::mkdir (path, mode);
}

int Disk::list (const char *path, std::vector<std::string> &names)
{
  int fd = ::open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -1;
  DIR *folder = fdopendir (fd);
  if (folder == nullptr) {
    ::close (fd);
    return -1;
  }
  errno = 0;
  while (dirent *entry = readdir (folder)) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back (name);
  }
  int why = errno;
  closedir (folder);
  errno = why;
  return why == 0 ? 0 : -1;
}

int Disk::available (const char *path, std::uint64_t &bytes)
{
  struct statvfs status = {};
  if (statvfs (path, &status) != 0) return -1;
  bytes = std::uint64_t{status.f_bavail} * status.f_frsize;
  return 0;
}

Disk &system ()
{
  static Disk one;
  return one;
}

File::~File ()
{
  if (fd_ >= 0) disk_->close (fd_);
}

bool File::read (std::span<std::uint8_t> out, std::uint64_t offset) const
{
  while (!out.empty ()) {
    ssize_t size = disk_->pread (
        fd_, out.data (), out.size (), static_cast<off_t> (offset));
    if (size < 0 && errno == EINTR) continue;
    if (size == 0) errno = ENODATA;
    if (size <= 0) return false;
    out = out.subspan (static_cast<std::size_t> (size));
    offset += static_cast<std::uint64_t> (size);
  }
  return true;
}

bool File::write (
    std::span<const std::uint8_t> bytes, std::uint64_t offset) const
{
  return write ({&bytes, 1}, offset);
}

bool File::write (Parts parts, std::uint64_t offset) const
{
  // Fewer than the system takes at a time (IOV_MAX).
  std::array<iovec, 256> batch{};
  // Of the first part.
  std::size_t done = 0;
  while (true) {
    while (!parts.empty () && done >= parts.front ().size ()) {
      done -= parts.front ().size ();
      parts = parts.subspan (1);
    }
    if (parts.empty ()) return true;
    std::size_t count = std::min (parts.size (), batch.size ());
    for (std::size_t i = 0; i < count; i++) {
      std::span rest = parts[i].subspan (i == 0 ? done : 0);
      batch[i] = {const_cast<std::uint8_t *> (rest.data ()), rest.size ()};
    }
    ssize_t size = disk_->pwritev (fd_, batch.data (), static_cast<int> (count),
        static_cast<off_t> (offset));
    if (size < 0 && errno == EINTR) continue;
    if (size == 0) errno = EIO;
    if (size <= 0) return false;
    done += static_cast<std::size_t> (size);
    offset += static_cast<std::uint64_t> (size);
  }
}

void File::will_need (std::uint64_t offset, std::uint64_t size) const
{
  if (size > 0)
    disk_->advise (fd_, static_cast<off_t> (offset), static_cast<off_t> (size));
}

bool File::truncate (std::uint64_t size) const
{
  return disk_->truncate (fd_, static_cast<off_t> (size)) == 0;
}

bool File::status (struct stat &out) const
{
  return disk_->fstat (fd_, &out) == 0;
}

std::uint64_t File::size () const
{
  struct stat now = {};
  if (!status (now) || now.st_size < 0) return 0;
  return static_cast<std::uint64_t> (now.st_size);
}

Locked File::lock (Lock lock) const
{
  int operation = (lock == Lock::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  if (disk_->flock (fd_, operation) == 0) return Locked::yes;
  return errno == EWOULDBLOCK ? Locked::no : Locked::unknown;
}

void File::unlock () const
{
  disk_->flock (fd_, LOCK_UN);
}

void File::touch () const
{
  // The time of the last read access, which no mount option keeps from us. The
  // time of the last change stays: it is that of the last byte.
  constexpr timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  int saved = errno;
  disk_->touch (fd_, times);
  errno = saved;
}

File open_file (Disk &disk, const std::filesystem::path &path, int flags)
{
  flags |= O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  // Looking at a file is not a use of it; see touch (). Only its owner may say
  // so.
  File file (disk, disk.open (path.c_str (), flags | O_NOATIME, 0600));
  if (!file && errno == EPERM)
    file = File (disk, disk.open (path.c_str (), flags, 0600));
  struct stat status = {};
  if (file && (!file.status (status) || !S_ISREG (status.st_mode))) {
    errno = EINVAL;
    return {};
  }
  return file;
}

void unlink_if_same (
    Disk &disk, const std::filesystem::path &path, const File &file)
{
  struct stat there = {};
  struct stat ours = {};
  if (disk.lstat (path.c_str (), &there) == 0 && file.status (ours) &&
      there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
    disk.unlink (path.c_str ());
}

NoSizeSignal::NoSizeSignal ()
{
  sigemptyset (&signal_);
  sigaddset (&signal_, SIGXFSZ);
  sigset_t pending;
  sigpending (&pending);
  was_pending_ = sigismember (&pending, SIGXFSZ) == 1;
  pthread_sigmask (SIG_BLOCK, &signal_, &before_);
}

NoSizeSignal::~NoSizeSignal ()
{
  // Ours would come as soon as it is let in.
  constexpr timespec at_once{};
  int saved = errno;
  if (!was_pending_) sigtimedwait (&signal_, nullptr, &at_once);
  pthread_sigmask (SIG_SETMASK, &before_, nullptr);
  errno = saved;
}

}  // namespace disk

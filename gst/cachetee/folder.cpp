// SPDX-License-Identifier: LGPL-2.1-or-later
#include "folder.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "birth.h"
#include "codec.h"
#include "slices.h"

namespace folder {

namespace fs = std::filesystem;
using disk::Disk;
using disk::File;
using disk::Lock;
using disk::Locked;

namespace {

constexpr std::string_view marker_name = "CACHETEE";
constexpr std::string_view marker_text = "cachetee 1\n";
constexpr std::string_view index_suffix = ".idx";
constexpr std::string_view data_suffix = ".dat";
constexpr std::size_t stem_size = 32;
// ".GENERATION.idx" after the stem.
constexpr std::size_t name_size = stem_size + 13;
constexpr std::size_t index_limit =
    record::header_limit + record::record_limit * record::record_size;

Error error_of (record::Error error)
{
  if (error == record::Error::truncated) return Error::incomplete;
  // It was written by another version, and is not there for us.
  if (error == record::Error::bad_version) return Error::not_found;
  return Error::damaged;
}

bool is_hex (std::string_view text)
{
  return text.find_first_not_of ("0123456789abcdef") == std::string_view::npos;
}

std::optional<Generation> generation_of (std::string_view name)
{
  Generation generation = 0;
  const char *digits = name.data () + stem_size + 1;
  auto [end, bad] = std::from_chars (digits, digits + 8, generation, 16);
  if (bad != std::errc () || end != digits + 8) return std::nullopt;
  return generation;
}

// Is it named as a file of an object is?
bool is_object_name (std::string_view name)
{
  return name.size () == name_size && is_hex (name.substr (0, stem_size)) &&
         name[stem_size] == '.' && is_hex (name.substr (stem_size + 1, 8)) &&
         (name.ends_with (index_suffix) || name.ends_with (data_suffix));
}

std::int64_t nanoseconds (const timespec &time)
{
  return std::int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

// Of an index: written, or read by one of us.
std::int64_t last_use_of (const struct stat &status)
{
  return std::max (nanoseconds (status.st_atim), nanoseconds (status.st_mtim));
}

void add (Entry &entry, const struct stat &status, bool is_index)
{
  // Blocks, for a file may have holes.
  entry.bytes += static_cast<std::uint64_t> (status.st_blocks) * 512;
  if (!is_index) return;
  entry.has_index = true;
  entry.last_use = last_use_of (status);
}

void scan_shard (Disk &disk, const fs::path &shard, std::vector<Entry> &out)
{
  std::vector<std::string> names;
  if (disk.list (shard.c_str (), names) != 0) return;
  std::map<std::string, Entry> found;
  for (const std::string &name : names) {
    if (!is_object_name (name)) continue;
    fs::path path = shard / name;
    struct stat status = {};
    if (disk.lstat (path.c_str (), &status) != 0 || !S_ISREG (status.st_mode))
      continue;
    std::string base = name.substr (0, name_size - index_suffix.size ());
    Entry &entry = found[base];
    add (entry, status, name.ends_with (index_suffix));
  }
  for (auto &[base, entry] : found) {
    std::string path = (shard / base).string ();
    entry.names = {
        path + std::string (index_suffix), path + std::string (data_suffix)};
    out.push_back (std::move (entry));
  }
}

// What is left when a removal was interrupted after the index. Its preamble
// says that it is ours; the index is always the first to come.
Removal remove_orphan (Disk &disk, const Entry &entry)
{
  File data = disk::open_file (disk, entry.names.data, O_RDONLY);
  std::array<std::uint8_t, record::record_size> preamble{};
  if (!data || !data.read (preamble, 0) || !record::parse_preamble (preamble))
    return Removal::not_ours;
  struct stat status = {};
  if (disk.lstat (entry.names.index.c_str (), &status) == 0 || errno != ENOENT)
    return Removal::in_use;
  disk::unlink_if_same (disk, entry.names.data, data);
  return Removal::removed;
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::not_found:
      return "not found";
    case Error::incomplete:
      return "incomplete";
    case Error::damaged:
      return "damaged";
    case Error::foreign:
      return "foreign";
    case Error::busy:
      return "busy";
    case Error::expired:
      return "expired";
    case Error::key_too_long:
      return "key too long";
    case Error::overflow:
      return "overflow";
    case Error::too_large:
      return "too large";
    case Error::changed:
      return "changed";
    case Error::aborted:
      return "aborted";
    case Error::no_space:
      return "no space";
    case Error::cannot_make_folder:
      return "cannot make folder";
    case Error::cannot_open:
      return "cannot open";
    case Error::cannot_read:
      return "cannot read";
    case Error::cannot_write:
      return "cannot write";
  }
  return "unknown";
}

Failure failed (Error error)
{
  return relay::failure (error, static_cast<std::size_t> (errno));
}

Failure write_failed ()
{
  bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return failed (full ? Error::no_space : Error::cannot_write);
}

Family::Family (Disk &disk, const fs::path &folder, std::string_view key)
    : disk_ (&disk),
      stem_ (record::file_name (key)),
      shard_ (folder / stem_.substr (0, 2))
{
}

Names Family::names (Generation generation) const
{
  std::array<char, 9> digits{};
  std::snprintf (digits.data (), digits.size (), "%08x", generation);
  fs::path base = shard_ / (stem_ + '.' + digits.data ());
  return {base.string () + ".idx", base.string () + ".dat"};
}

std::vector<Generation> Family::generations (bool indexed_only) const
{
  std::vector<std::string> names;
  std::vector<Generation> found;
  if (disk_->list (shard_.c_str (), names) != 0) return found;
  for (const std::string &name : names) {
    if (!name.starts_with (stem_) || !is_object_name (name)) continue;
    if (indexed_only && !name.ends_with (index_suffix)) continue;
    if (auto generation = generation_of (name)) found.push_back (*generation);
  }
  std::sort (found.begin (), found.end (), std::greater<> ());
  found.erase (std::unique (found.begin (), found.end ()), found.end ());
  return found;
}

Result<relay::Done> make_folder (Disk &disk, const fs::path &folder)
{
  fs::path path;
  for (const fs::path &part : folder) {
    path /= part;
    if (disk.mkdir (path.c_str (), 0700) == 0 || errno == EEXIST) continue;
    // A folder above ours that we may not touch but which is there.
    struct stat status = {};
    int why = errno;
    if (stat (path.c_str (), &status) == 0 && S_ISDIR (status.st_mode))
      continue;
    errno = why;
    return failed (Error::cannot_make_folder);
  }
  return relay::Done{};
}

// The marker says whose the folder is, and of which version.
Result<relay::Done> check_marker (Disk &disk, const fs::path &folder)
{
  fs::path path = folder / marker_name;
  File file = disk::open_file (disk, path, O_RDONLY);
  if (!file) return failed (Error::foreign);
  std::array<std::uint8_t, marker_text.size ()> text{};
  // Whoever makes it may not have written it yet.
  std::uint64_t size = std::min<std::uint64_t> (file.size (), text.size ());
  if (!file.read (std::span (text).first (size), 0))
    return failed (Error::cannot_read);
  if (std::memcmp (text.data (), marker_text.data (), size) != 0)
    return relay::failure (Error::foreign);
  return relay::Done{};
}

Result<relay::Done> prepare (Disk &disk, const fs::path &folder)
{
  Result<relay::Done> made_folder = make_folder (disk, folder);
  if (!made_folder) return made_folder;
  fs::path path = folder / marker_name;
  File made = disk::open_file (disk, path, O_WRONLY | O_CREAT | O_EXCL);
  if (made) {
    std::span text (
        reinterpret_cast<const std::uint8_t *> (marker_text.data ()),
        marker_text.size ());
    disk::NoSizeSignal guard;
    if (made.write (text, 0)) return relay::Done{};
    Failure why = write_failed ();
    disk.unlink (path.c_str ());
    return why;
  }
  if (errno != EEXIST) return failed (Error::cannot_make_folder);
  return check_marker (disk, folder);
}

Result<record::Follower> load_log (const File &file)
{
  std::uint64_t size = file.size ();
  if (size > index_limit) return relay::failure (Error::damaged);
  std::vector<std::uint8_t> bytes (size);
  if (!file.read (bytes, 0)) return failed (Error::cannot_read);
  record::Result<record::Follower> log = record::Follower::begin (bytes);
  if (!log) return relay::failure (error_of (log.code ()));
  log->take_all (bytes);
  return *std::move (log);
}

Result<record::Index> load_index (const File &file)
{
  Result<record::Follower> log = load_log (file);
  if (!log) return log.error ();
  return (*std::move (log)).release ();
}

Result<record::Index> load_index (const File &file, std::string_view key)
{
  Result<record::Index> index = load_index (file);
  // Two keys of one name: so unlikely that it is somebody's doing.
  if (index && index->header.key != key)
    return relay::failure (Error::not_found);
  return index;
}

Result<record::Header> load_header (const File &file)
{
  std::vector<std::uint8_t> bytes (
      std::min<std::uint64_t> (file.size (), record::header_unit));
  if (!file.read (bytes, 0)) return failed (Error::cannot_read);
  record::Result<std::size_t> size = record::header_size (bytes);
  if (!size) return relay::failure (error_of (size.code ()));
  bytes.resize (*size);
  if (!file.read (bytes, 0))
    return failed (errno == ENODATA ? Error::incomplete : Error::cannot_read);
  record::Result<record::Header> header = record::parse_header (bytes);
  if (!header) return relay::failure (error_of (header.code ()));
  return *std::move (header);
}

Result<relay::Done> read_record (
    const File &data, const record::Record &record, std::span<std::uint8_t> out)
{
  if (out.size () != record.size ()) return relay::failure (Error::damaged);
  std::shared_ptr<std::uint8_t[]> block;
  std::span stored = out;
  if (record.codec != record::Codec::none) {
    block = slices::pool ().take (record.stored);
    stored = {block.get (), record.stored};
  }
  if (!data.read (stored, record.offset))
    return failed (errno == ENODATA ? Error::damaged : Error::cannot_read);
  if (record.codec != record::Codec::none && !codec::decompress (stored, out))
    return relay::failure (Error::damaged);
  if (!record::verify (out, record)) return relay::failure (Error::damaged);
  return relay::Done{};
}

bool is_data_of (const File &file, std::uint64_t id)
{
  std::array<std::uint8_t, record::record_size> preamble{};
  return file && file.read (preamble, 0) &&
         record::check_preamble (preamble, id).ok ();
}

namespace {

void unlink_both (
    Disk &disk, const Names &names, const File &index, std::uint64_t id)
{
  File data = disk::open_file (disk, names.data, O_RDONLY);
  // In this order: data without an index is never taken for an object.
  disk::unlink_if_same (disk, names.index, index);
  // Its maker may have died before it wrote anything.
  if (is_data_of (data, id) || (data && data.size () == 0))
    disk::unlink_if_same (disk, names.data, data);
}

bool remove_packets (
    Disk &disk, const Names &names, std::string_view key, bool only_partial)
{
  File file = disk::open_file (disk, names.index, O_RDONLY);
  if (!file) return true;
  Result<record::Index> index = load_index (file, key);
  auto stays = [&] {
    return !index || index->header.format != record::Format::packets ||
           (index->complete && only_partial);
  };
  if (stays ()) return true;
  if (file.lock (index->complete ? Lock::shared : Lock::exclusive) !=
      Locked::yes)
    return false;
  // Its writer may have made it whole before it let go of it.
  index = load_index (file, key);
  if (!stays ()) unlink_both (disk, names, file, index->header.id);
  return true;
}

}  // namespace

void supersede (Disk &disk, const Names &names, std::string_view key)
{
  File file = disk::open_file (disk, names.index, O_RDONLY);
  Result<record::Header> header = relay::failure (Error::not_found);
  if (file) header = load_header (file);
  if (!header && header.code () == Error::incomplete &&
      birth::clear_abandoned (disk, names, key) != birth::Left::other)
    return;
  if (header && header->key == key &&
      (header->format == record::Format::bytes ||
          header->file_version != record::version))
    unlink_both (disk, names, file, header->id);
  else
    remove_packets (disk, names, key, false);
}

bool clear_partial (Disk &disk, const Names &names, std::string_view key)
{
  return remove_packets (disk, names, key, true);
}

std::vector<Entry> scan (
    Disk &disk, const fs::path &folder, const std::function<bool ()> &stop)
{
  std::vector<std::string> shards;
  std::vector<Entry> entries;
  if (disk.list (folder.c_str (), shards) != 0) return entries;
  for (const std::string &shard : shards) {
    if (stop ()) break;
    if (shard.size () == 2 && is_hex (shard))
      scan_shard (disk, folder / shard, entries);
  }
  return entries;
}

Removal remove (Disk &disk, const Entry &entry, std::int64_t last_use)
{
  if (!entry.has_index) return remove_orphan (disk, entry);
  File file = disk::open_file (disk, entry.names.index, O_RDONLY);
  if (!file) return Removal::not_ours;
  if (file.lock (Lock::exclusive) != Locked::yes) return Removal::in_use;
  struct stat status = {};
  if (!file.status (status)) return Removal::in_use;
  if (last_use_of (status) > last_use) return Removal::used_since;
  if (birth::is_abandoned (file)) {
    disk::unlink_if_same (disk, entry.names.index, file);
    return Removal::removed;
  }
  Result<record::Header> header = load_header (file);
  if (!header) return Removal::not_ours;
  std::string name = entry.names.index.filename ().string ();
  if (!name.starts_with (record::file_name (header->key)))
    return Removal::not_ours;
  unlink_both (disk, entry.names, file, header->id);
  return Removal::removed;
}

std::vector<Entry> by_last_use (std::vector<Entry> entries)
{
  std::stable_sort (entries.begin (), entries.end (),
      [] (const Entry &a, const Entry &b) { return a.last_use < b.last_use; });
  return entries;
}

}  // namespace folder

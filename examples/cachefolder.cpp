// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks after the folder of a cache, also while it is in use:
//
//   cachefolder list FOLDER [PREFIX]     the objects whose keys begin so
//   cachefolder verify FOLDER [PREFIX]   reads all they hold
//   cachefolder purge FOLDER KEY         removes the object of one key
//   cachefolder purge-prefix FOLDER PREFIX
//
// Says 1 if something is damaged, or if there was nothing to purge; 2 if it was
// called wrongly or the folder is not that of a cache.
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "inventory.h"

namespace {

// Seconds since 1970, as a date.
std::string date (std::uint64_t seconds)
{
  auto time = static_cast<std::time_t> (seconds);
  std::tm parts{};
  std::array<char, 32> text{};
  if (gmtime_r (&time, &parts) == nullptr ||
      std::strftime (text.data (), text.size (), "%FT%TZ", &parts) == 0)
    return "-";
  return text.data ();
}

// A key may hold anything; what is printed is one line.
std::string printable (std::string_view key)
{
  std::string text;
  for (char c : key) {
    auto byte = static_cast<unsigned char> (c);
    if (byte >= 0x20 && byte != 0x7f && c != '\\') {
      text += c;
      continue;
    }
    std::array<char, 5> escape{};
    std::snprintf (escape.data (), escape.size (), "\\x%02x", byte);
    text += escape.data ();
  }
  return text;
}

int show (
    const std::filesystem::path &folder, std::string_view prefix, bool verified)
{
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::uint64_t damaged = 0;
  std::printf ("%-10s %14s  %-20s  %-20s  %s\n", "state", "bytes", "created",
      "last used", "key");
  for (const inventory::Object &object :
      inventory::list (disk::system (), folder, prefix)) {
    inventory::State state = object.state;
    if (verified) state = inventory::verify (disk::system (), object);
    std::printf ("%-10s %14" PRIu64 "  %-20s  %-20s  %s%s\n",
        inventory::to_string (state), object.bytes,
        date (object.created).c_str (), date (object.last_use).c_str (),
        printable (object.key).c_str (), object.in_use ? "  (in use)" : "");
    objects++;
    bytes += object.bytes;
    if (state == inventory::State::damaged) damaged++;
  }
  std::printf ("%" PRIu64 " objects, %" PRIu64 " bytes, %" PRIu64 " damaged\n",
      objects, bytes, damaged);
  return damaged == 0 ? 0 : 1;
}

}  // namespace

int main (int argc, char **argv)
{
  std::string_view command = argc > 1 ? argv[1] : "";
  bool shows = command == "list" || command == "verify";
  bool purges = command == "purge" || command == "purge-prefix";
  if ((!shows && !purges) || argc > 4 || argc < (purges ? 4 : 3)) {
    std::fprintf (stderr,
        "usage: %s list|verify FOLDER [PREFIX]\n"
        "       %s purge FOLDER KEY\n"
        "       %s purge-prefix FOLDER PREFIX\n",
        argv[0], argv[0], argv[0]);
    return 2;
  }
  const std::filesystem::path folder = argv[2];
  if (!inventory::is_cache (disk::system (), folder)) {
    std::fprintf (stderr, "%s is not the folder of a cache\n", argv[2]);
    return 2;
  }
  if (shows) return show (folder, argc > 3 ? argv[3] : "", command == "verify");
  std::size_t removed =
      command == "purge"
          ? inventory::purge (disk::system (), folder, argv[3])
          : inventory::purge_prefix (disk::system (), folder, argv[3]);
  std::printf ("%zu objects removed\n", removed);
  return removed > 0 ? 0 : 1;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// A folder of 10,000 objects: how long from the start of a store to the first
// slice of a hit while the folder is being looked through, and how long that
// takes. And what a stream that is written notices of the eviction that it
// causes: the longest append, and that of a store without a limit.
#include "store.h"

#include <cstdlib>
#include <string>

#include "bench.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using store::Store;

constexpr unsigned objects = 10000;

store::Chunk chunk (std::size_t size)
{
  auto owner = std::make_shared<const std::vector<std::uint8_t>> (size);
  return {*owner, owner};
}

[[noreturn]] void give_up (const char *what)
{
  std::fprintf (stderr, "%s\n", what);
  std::exit (1);
}

std::shared_ptr<Store> open (const fs::path &folder, std::uint64_t limit)
{
  auto store = Store::open (folder, {.l2_size = limit});
  if (!store) give_up (store::to_string (store.code ()));
  return *store;
}

// The longest time that an append took, in milliseconds.
double keep (
    Store &store, const std::string &key, unsigned parts, std::size_t size)
{
  auto writer = store.create (key);
  if (!writer) give_up (store::to_string (writer.code ()));
  double longest = 0;
  for (unsigned i = 0; i < parts; i++) {
    store::Chunk part = chunk (size);
    double begin = bench::wall_seconds ();
    if (!(*writer)->append ({}, std::move (part), 10s)) give_up ("append");
    longest = std::max (longest, (bench::wall_seconds () - begin) * 1e3);
  }
  (*writer)->finish ();
  if (!(*writer)->close ()) give_up ("close");
  return longest;
}

double first_hit (const fs::path &folder, const std::string &key)
{
  double begin = bench::wall_seconds ();
  auto store = open (folder, std::uint64_t{1} << 40);
  auto reader = store->find (key);
  if (!reader) give_up ("no hit");
  std::vector<std::uint8_t> slice ((*reader)->index ().records[0].size ());
  if (!(*reader)->read ((*reader)->index ().records[0], slice))
    give_up ("no slice");
  return (bench::wall_seconds () - begin) * 1e3;
}

double look_through (const fs::path &folder)
{
  auto store = open (folder, 0);
  double begin = bench::wall_seconds ();
  if (store->sweep ().objects != objects) give_up ("not all are there");
  return (bench::wall_seconds () - begin) * 1e3;
}

}  // namespace

int main (int argc, char **argv)
{
  bench::Report report (argc, argv);
  std::string pattern =
      (fs::temp_directory_path () / "relay-bench-XXXXXX").string ();
  if (mkdtemp (pattern.data ()) == nullptr) give_up ("no folder");
  const fs::path folder = pattern;
  std::vector<double> hits;
  std::vector<double> looks;
  {
    auto store = open (folder / "many", 0);
    for (unsigned i = 0; i < objects; i++)
      keep (*store, "object " + std::to_string (i), 1, 4096);
  }
  for (unsigned i = 0; i < 7; i++) {
    hits.push_back (
        first_hit (folder / "many", "object " + std::to_string (i * 1000)));
    looks.push_back (look_through (folder / "many"));
  }
  report.add ({"10,000 objects", {{"first_hit_ms", bench::median (hits)},
                                     {"scan_ms", bench::median (looks)}}});

  std::vector<double> evicting;
  std::vector<double> free;
  std::uint64_t evictions = 0;
  for (unsigned i = 0; i < 5; i++) {
    for (std::uint64_t limit : {std::uint64_t{32} << 20, std::uint64_t{0}}) {
      const fs::path place = folder / std::to_string (limit);
      {
        auto store = open (place, limit);
        double longest = 0;
        for (unsigned key = 0; key < 64; key++)
          longest = std::max (longest,
              keep (*store, "object " + std::to_string (key), 16, 64U << 10));
        (limit > 0 ? evicting : free).push_back (longest);
        evictions += store->level ().evictions;
      }
      fs::remove_all (place);
    }
  }
  report.add ({"64 objects of 1 MiB, in 32 MiB",
      {{"longest_append_ms", bench::median (evicting)},
          {"without_limit_ms", bench::median (free)},
          {"evictions", static_cast<double> (evictions) / 5}}});
  fs::remove_all (folder);
  return 0;
}

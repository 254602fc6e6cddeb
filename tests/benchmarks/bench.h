// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

// What the benchmarks have in common: clocks, medians, and rows that are
// printed, and with --json FILE written.
namespace bench {

inline double seconds (clockid_t clock)
{
  timespec now{};
  clock_gettime (clock, &now);
  return static_cast<double> (now.tv_sec) +
         static_cast<double> (now.tv_nsec) * 1e-9;
}

// Of all threads of the process, user and system.
inline double cpu_seconds ()
{
  return seconds (CLOCK_PROCESS_CPUTIME_ID);
}

inline double wall_seconds ()
{
  return seconds (CLOCK_MONOTONIC);
}

// Of the process so far, in bytes.
inline double peak_memory ()
{
  rusage usage{};
  getrusage (RUSAGE_SELF, &usage);
  return static_cast<double> (usage.ru_maxrss) * 1024;
}

// The middle one; of an even number the mean of the two in the middle. 0 of
// none.
inline double median (std::vector<double> values)
{
  if (values.empty ()) return 0;
  std::ranges::sort (values);
  std::size_t middle = values.size () / 2;
  if (values.size () % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

// One line of the table: what was measured, and its figures by name.
struct Row
{
  std::string name;
  std::vector<std::pair<std::string, double>> figures;
};

// Rows on standard output as they come, and in the file of --json at the end.
class Report
{
public:
  Report (int argc, char **argv)
  {
    for (int i = 1; i + 1 < argc; i++)
      if (std::strcmp (argv[i], "--json") == 0) json_ = argv[i + 1];
  }
  Report (const Report &) = delete;
  Report &operator= (const Report &) = delete;

  ~Report ()
  {
    if (json_.empty ()) return;
    std::FILE *file = std::fopen (json_.c_str (), "w");
    if (file == nullptr) {
      std::perror (json_.c_str ());
      return;
    }
    std::fputs ("[\n", file);
    for (std::size_t i = 0; i < rows_.size (); i++) {
      std::fprintf (file, "  {\"name\": \"%s\"", rows_[i].name.c_str ());
      for (const auto &[name, value] : rows_[i].figures)
        std::fprintf (file, ", \"%s\": %.6g", name.c_str (), value);
      std::fputs (i + 1 < rows_.size () ? "},\n" : "}\n", file);
    }
    std::fputs ("]\n", file);
    std::fclose (file);
  }

  void add (Row row)
  {
    std::printf ("%-34s", row.name.c_str ());
    for (const auto &[name, value] : row.figures)
      std::printf ("  %s %.4g", name.c_str (), value);
    std::printf ("\n");
    std::fflush (stdout);
    rows_.push_back (std::move (row));
  }

private:
  std::string json_;
  std::vector<Row> rows_;
};

}  // namespace bench

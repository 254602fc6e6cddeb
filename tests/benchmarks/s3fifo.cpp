// SPDX-License-Identifier: LGPL-2.1-or-later
// Which slices stay in memory: S3-FIFO beside LRU, on the same requests, in
// turn. The hit ratio says what the choice is worth, the nanoseconds what it
// costs.
#include "s3fifo.h"

#include <cmath>
#include <list>
#include <random>

#include "bench.h"

namespace {

constexpr std::size_t slice_size = 256U << 10;
constexpr std::size_t space = std::size_t{100} << 20;
constexpr unsigned objects = 20000;
constexpr std::size_t requests = 1000000;

class Lru
{
public:
  bool visit (unsigned key)
  {
    auto found = places_.find (key);
    if (found != places_.end ()) {
      order_.splice (order_.begin (), order_, found->second);
      return true;
    }
    if ((order_.size () + 1) * slice_size > space) {
      places_.erase (order_.back ());
      order_.pop_back ();
    }
    order_.push_front (key);
    places_[key] = order_.begin ();
    return false;
  }

private:
  std::list<unsigned> order_;
  std::unordered_map<unsigned, std::list<unsigned>::iterator> places_;
};

class S3Fifo
{
public:
  bool visit (unsigned key)
  {
    if (cache_.find (key) != nullptr) return true;
    gone_.clear ();
    cache_.insert (key, key, slice_size, gone_);
    return false;
  }

private:
  s3fifo::Cache<unsigned, unsigned> cache_{space};
  std::vector<unsigned> gone_;
};

// Zipf's law: the n-th most wanted is wanted 1 / n^skew as often as the first.
std::vector<unsigned> zipf (double skew, unsigned seed)
{
  std::vector<double> sums;
  double sum = 0;
  for (unsigned i = 1; i <= objects; i++) {
    sum += std::pow (i, -skew);
    sums.push_back (sum);
  }
  std::mt19937 random (seed);
  std::uniform_real_distribution<double> any (0, sum);
  std::vector<unsigned> keys;
  for (std::size_t i = 0; i < requests; i++) {
    auto at = std::upper_bound (sums.begin (), sums.end () - 1, any (random));
    keys.push_back (static_cast<unsigned> (at - sums.begin ()));
  }
  return keys;
}

// The same, and a download of 2.5 GB that passes once, three times.
std::vector<unsigned> with_streams (double skew, unsigned seed)
{
  std::vector<unsigned> keys;
  std::vector<unsigned> wanted = zipf (skew, seed);
  unsigned next = objects;
  for (std::size_t i = 0; i < wanted.size (); i++) {
    keys.push_back (wanted[i]);
    if (i % (wanted.size () / 3) >= wanted.size () / 3 - 10000)
      keys.push_back (next++);
  }
  return keys;
}

struct Run
{
  double nanoseconds = 0;
  double ratio = 0;
};

template <class Policy>
Run measure (const std::vector<unsigned> &keys)
{
  Policy policy;
  std::size_t hits = 0;
  double begin = bench::seconds (CLOCK_THREAD_CPUTIME_ID);
  for (unsigned key : keys) hits += policy.visit (key) ? 1U : 0U;
  double end = bench::seconds (CLOCK_THREAD_CPUTIME_ID);
  auto count = static_cast<double> (keys.size ());
  return {(end - begin) / count * 1e9, static_cast<double> (hits) / count};
}

void compare (bench::Report &report, const std::string &name,
    const std::vector<unsigned> &keys)
{
  std::vector<double> ours;
  std::vector<double> theirs;
  Run s3fifo;
  Run lru;
  for (int i = 0; i < 5; i++) {
    s3fifo = measure<S3Fifo> (keys);
    lru = measure<Lru> (keys);
    ours.push_back (s3fifo.nanoseconds);
    theirs.push_back (lru.nanoseconds);
  }
  report.add ({name,
      {{"hit_ratio", s3fifo.ratio}, {"lru_hit_ratio", lru.ratio},
          {"ns", bench::median (ours)}, {"lru_ns", bench::median (theirs)}}});
}

}  // namespace

int main (int argc, char **argv)
{
  bench::Report report (argc, argv);
  for (double skew : {0.6, 0.8, 1.0}) {
    char text[32];
    std::snprintf (text, sizeof (text), "zipf %.1f", skew);
    compare (report, text, zipf (skew, 1));
    compare (report, std::string (text) + ", streams", with_streams (skew, 1));
  }
  return 0;
}

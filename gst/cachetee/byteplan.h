// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>

// What is done with a byte stream of which something, or nothing, is there.
namespace byteplan {

enum class Use
{
  // What there is may be served, and what is missing be fetched and kept.
  all,
  read_only,
  write_only,
  // What there is does not count.
  refresh,
};

struct There
{
  bool empty = true;
  bool whole = false;
  // Somebody fills its beginning.
  bool filling = false;
  std::chrono::seconds age{0};
};

struct Limits
{
  // Seconds; negative: for ever.
  std::int64_t ttl = 0;
  std::int64_t grace = 0;
};

// What upstream can be used for.
struct Upstream
{
  bool linked = false;
  // Its thread may be kept waiting.
  bool patient = false;
};

enum class Plan
{
  // Upstream feeds the branches, and what is missing is kept.
  record,
  // The same, in another generation.
  renew,
  serve,
  // It is served once upstream has said that it is still the same.
  check,
  // It is served while upstream is asked.
  grace,
  // Upstream feeds the branches.
  pass,
};

inline Plan plan (
    Use use, const There &there, const Limits &limits, const Upstream &upstream)
{
  auto is_within = [&] (std::int64_t limit) {
    return limit < 0 || there.age.count () <= limit;
  };
  bool is_fresh = is_within (limits.ttl);
  if (use == Use::refresh) return Plan::renew;
  if (use == Use::read_only)
    return there.whole && is_fresh ? Plan::serve : Plan::pass;
  if (use == Use::write_only)
    return there.whole && is_fresh ? Plan::pass : Plan::record;
  if (there.filling) return Plan::serve;
  if (there.empty) return Plan::record;
  bool in_time =
      limits.grace < 0 || is_within (limits.ttl + limits.grace) || is_fresh;
  // One whose thread is not ours to hold sends all, from the beginning.
  if (upstream.linked && !upstream.patient)
    return there.whole && in_time ? Plan::serve : Plan::record;
  if (is_fresh) return Plan::serve;
  if (in_time) return Plan::grace;
  return upstream.linked ? Plan::check : Plan::record;
}

// Where upstream is.
struct Place
{
  // It has sent something since it was told to begin.
  bool started = false;
  // It has come to an end.
  bool ended = false;
  // What it sends next.
  std::uint64_t position = 0;
  // It cannot be sent anywhere before it has sent its headers.
  bool seeks_late = false;
  // It has refused to be sent somewhere.
  bool fixed = false;
};

enum class Move
{
  // It only has to go on.
  go,
  seek,
  // It is to go on to its headers, and then be sent there.
  start_and_seek,
  // It cannot get there.
  none,
};

// How it gets to where something is missing, `rest` if up to the end.
inline Move approach (const Place &at, std::uint64_t wanted, bool rest)
{
  bool is_before = !at.ended && at.position <= wanted;
  if (at.fixed) return is_before ? Move::go : Move::none;
  if (!at.ended && at.position == wanted && (rest || at.seeks_late))
    return Move::go;
  if (!at.started && at.seeks_late) return Move::start_and_seek;
  return Move::seek;
}

}  // namespace byteplan

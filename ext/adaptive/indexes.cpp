// SPDX-License-Identifier: LGPL-2.1-or-later
#include "indexes.h"

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "asking.h"
#include "schedule.h"
#include "sidx.h"
#include "uri.h"

namespace loader {

using presentation::Representation;

namespace {

// 65,535 references of 12 bytes, and boxes before them.
constexpr std::size_t max_index = std::size_t{4} * 1024 * 1024;
// How often one that refers to others makes us ask for more.
constexpr std::size_t max_index_requests = 256;
// Of what it refers to, in one round.
constexpr std::uint64_t max_indexes = std::uint64_t{16} * 1024 * 1024;

std::uint64_t size_of (const std::vector<sidx::Walk::Range> &ranges)
{
  std::uint64_t out = 0;
  for (const sidx::Walk::Range &range : ranges) out += range.size;
  return out;
}

Result<std::vector<fetcher::Whole>> fetch_ranges (const Access &access,
    const std::string &uri, const std::vector<sidx::Walk::Range> &ranges)
{
  return all_of<fetcher::Whole> (
      access, ranges.size (), [&] (std::size_t i, const Access &inner) {
        fetcher::Range range{
            ranges[i].first, ranges[i].first + ranges[i].size - 1};
        return fetch (inner, {uri, range, fetcher::Kind::init}, max_index);
      });
}

}  // namespace

Result<relay::Done> load_index (
    const Access &access, Representation &representation)
{
  const auto &base =
      std::get<presentation::SegmentBase> (representation.segments);
  std::string uri = uri::resolve (representation.base, base.index.uri);
  fetcher::Request request{uri, {}, fetcher::Kind::init};
  std::uint64_t first = 0;
  if (base.index.range) {
    first = base.index.range->first;
    request.range.emplace (fetcher::Range{first, base.index.range->last});
  }
  auto whole = fetch (access, request, max_index);
  if (!whole) return whole.error ();
  sidx::Walk walk;
  sidx::Walk::Part part{first, whole->bytes};
  auto done = walk.add ({&part, 1});
  for (std::size_t asked = 0; done;) {
    auto wanted = walk.wanted ();
    if (wanted.empty ()) break;
    asked += wanted.size ();
    if (asked > max_index_requests || size_of (wanted) > max_indexes)
      return problem (Error::malformed, uri, "an index of too many indexes");
    auto wholes = fetch_ranges (access, uri, wanted);
    if (!wholes) return wholes.error ();
    std::vector<sidx::Walk::Part> parts;
    for (std::size_t i = 0; i < wanted.size (); i++)
      parts.push_back ({wanted[i].first, (*wholes)[i].bytes});
    done = walk.add (parts);
  }
  if (!done)
    return problem (
        Error::malformed, whole->uri, sidx::to_string (done.code ()));
  sidx::Index index = walk.take ();
  auto segments = schedule::to_segments (base, index);
  if (!segments || segments->entries.empty ())
    return problem (Error::malformed, uri, "the index has no segments");
  representation.segments = std::move (*segments);
  return relay::Done{};
}

}  // namespace loader

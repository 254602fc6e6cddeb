// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sidx.h"

#include <algorithm>
#include <cstddef>

#include "bytes.h"

namespace sidx {

const char *to_string (Error error)
{
  switch (error) {
    case Error::no_sidx:
      return "no sidx box";
    case Error::truncated:
      return "the sidx box is cut";
    case Error::bad_size:
      return "a box is smaller than its header";
    case Error::bad_version:
      return "unknown version of the sidx box";
    case Error::zero_timescale:
      return "the timescale is 0";
    case Error::too_many:
      return "too many indexes or references";
    case Error::overflow:
      return "a position or time is too large";
    case Error::empty:
      return "the index is empty";
  }
  return "unknown";
}

namespace {

// From after the box's header; end: the byte of the resource after the box.
Result<Index> parse_payload (bytes::Reader reader, std::uint64_t end)
{
  auto version = reader.u8 ();
  reader.skip (3 + 4);  // flags, reference_ID
  auto timescale = reader.u32 ();
  bool wide = version == 1;
  auto time = wide ? reader.u64 () : reader.u32 ();
  auto first_offset = wide ? reader.u64 () : reader.u32 ();
  reader.skip (2);  // reserved
  auto count = reader.u16 ();
  if (!reader.ok ()) return relay::failure (Error::truncated);
  if (version > 1) return relay::failure (Error::bad_version);
  if (timescale == 0) return relay::failure (Error::zero_timescale);
  if (count == 0) return relay::failure (Error::empty);

  Index index{timescale, {}};
  index.references.reserve (count);
  // "distance in bytes, in the file containing media, from the anchor point"
  std::uint64_t first = 0;
  if (__builtin_add_overflow (end, first_offset, &first))
    return relay::failure (Error::overflow);
  for (unsigned i = 0; i < count; i++) {
    auto type_and_size = reader.u32 ();
    auto duration = reader.u32 ();
    reader.skip (4);  // starts_with_SAP, SAP_type, SAP_delta_time
    if (!reader.ok ()) return relay::failure (Error::truncated);
    std::uint32_t size = type_and_size & 0x7fffffffu;
    bool is_index = size != type_and_size;
    if (is_index && size < 8) return relay::failure (Error::bad_size, i);
    index.references.push_back (
        {first, size, time, duration, timescale, is_index});
    if (__builtin_add_overflow (first, size, &first) ||
        __builtin_add_overflow (time, duration, &time))
      return relay::failure (Error::overflow, i);
  }
  return index;
}

}  // namespace

Result<Index> parse (std::span<const std::uint8_t> data, std::uint64_t position)
{
  std::size_t at = 0;
  while (at < data.size ()) {
    bytes::Reader reader (data.subspan (at));
    std::uint64_t size = reader.u32 ();
    auto type = reader.u32 ();
    std::size_t header = 8;
    if (size == 1) {
      size = reader.u64 ();
      header = 16;
    }
    if (!reader.ok ()) return relay::failure (Error::truncated, at);
    if (size == 0) size = data.size () - at;  // to the end of the file
    if (size < header) return relay::failure (Error::bad_size, at);
    if (size > data.size () - at) return relay::failure (Error::truncated, at);
    if (type == bytes::fourcc ("sidx")) {
      std::uint64_t end = 0;
      if (__builtin_add_overflow (position, at + size, &end))
        return relay::failure (Error::overflow, at);
      return parse_payload (
          bytes::Reader (data.subspan (at + header, size - header)), end);
    }
    at += size;
  }
  return relay::failure (Error::no_sidx);
}

// ---- Hierarchies -----------------------------------------------------------

namespace {

// How much of a referred index is asked for at first: some 600 references.
constexpr std::uint64_t first_guess = 8192;

}  // namespace

void Walk::find ()
{
  const auto &all = index_.references;
  while (at_ < all.size () && !all[at_].is_index) at_++;
  if (at_ < all.size ())
    need_ = std::min<std::uint64_t> (all[at_].size, first_guess);
}

// In place of the reference to it.
Result<relay::Done> Walk::put (Index found)
{
  auto &all = index_.references;
  if (!begun_) {
    begun_ = true;
    index_ = std::move (found);
  } else {
    if (++boxes_ > max_boxes ||
        found.references.size () > max_references - all.size ())
      return relay::failure (Error::too_many, at_);
    auto place = all.erase (all.begin () + static_cast<std::ptrdiff_t> (at_));
    all.insert (place, found.references.begin (), found.references.end ());
  }
  find ();
  return relay::Done{};
}

std::optional<Walk::Range> Walk::wanted () const
{
  if (at_ >= index_.references.size ()) return std::nullopt;
  return Range{index_.references[at_].first, need_};
}

Result<relay::Done> Walk::add (
    std::span<const std::uint8_t> data, std::uint64_t position)
{
  if (!begun_) {
    auto found = parse (data, position);
    if (!found) return found.error ();
    auto done = put (std::move (*found));
    if (!done) return done;
  }
  // Boxes that follow each other are often in the same bytes.
  while (at_ < index_.references.size ()) {
    const Reference reference = index_.references[at_];
    if (reference.first < position ||
        reference.first - position >= data.size ())
      break;
    auto part =
        data.subspan (static_cast<std::size_t> (reference.first - position));
    if (part.size () > reference.size) part = part.first (reference.size);
    auto found = parse (part, reference.first);
    if (found) {
      auto done = put (std::move (*found));
      if (!done) return done;
      continue;
    }
    // It is longer than what was asked for.
    if (found.code () != Error::truncated || part.size () >= reference.size)
      return found.error ();
    if (part.size () >= need_)
      need_ = std::min<std::uint64_t> (reference.size, part.size () * 16);
    break;
  }
  return relay::Done{};
}

}  // namespace sidx

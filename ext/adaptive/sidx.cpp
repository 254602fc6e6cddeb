// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sidx.h"

#include <algorithm>
#include <cstddef>
#include <utility>

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

std::uint64_t guess (const Reference &reference)
{
  return std::min<std::uint64_t> (reference.size, Walk::first_guess);
}

// What of it is in the parts: the longest, if it is in several.
std::span<const std::uint8_t> find (
    std::span<const Walk::Part> parts, const Reference &reference)
{
  std::span<const std::uint8_t> out;
  for (const Walk::Part &part : parts) {
    if (reference.first < part.first ||
        reference.first - part.first >= part.data.size ())
      continue;
    auto found = part.data.subspan (
        static_cast<std::size_t> (reference.first - part.first));
    if (found.size () > out.size ()) out = found;
  }
  return out.first (std::min<std::size_t> (out.size (), reference.size));
}

}  // namespace

Result<relay::Done> Walk::begin (std::span<const Part> parts)
{
  if (parts.empty ()) return relay::failure (Error::no_sidx);
  auto found = parse (parts.front ().data, parts.front ().first);
  if (!found) return found.error ();
  begun_ = true;
  index_ = std::move (*found);
  for (std::size_t i = 0; i < index_.references.size (); i++)
    if (index_.references[i].is_index)
      missing_.push_back ({i, guess (index_.references[i])});
  return relay::Done{};
}

// The last one first.
std::vector<Walk::Entry> Walk::take_entries ()
{
  auto references = std::exchange (index_.references, {});
  auto missing = std::exchange (missing_, {});
  std::vector<Entry> out;
  out.reserve (references.size ());
  for (std::size_t i = references.size (); i > 0; i--) {
    Entry entry{references[i - 1]};
    if (!missing.empty () && missing.back ().at == i - 1) {
      entry.need = missing.back ().need;
      missing.pop_back ();
    }
    out.push_back (entry);
  }
  return out;
}

// Puts what is there in place of the references to it. A box may hold the next
// ones too: no recursion, a chain has as many levels as boxes.
Result<relay::Done> Walk::expand (std::span<const Part> parts)
{
  std::vector<Entry> todo = take_entries ();
  auto &out = index_.references;
  while (!todo.empty ()) {
    Entry entry = todo.back ();
    todo.pop_back ();
    if (!entry.reference.is_index) {
      out.push_back (entry.reference);
      continue;
    }
    auto data = find (parts, entry.reference);
    auto found = data.empty ()
                     ? Result<Index>{relay::failure (Error::truncated)}
                     : parse (data, entry.reference.first);
    if (found) {
      const auto &inner = found->references;
      if (++boxes_ > max_boxes ||
          inner.size () > max_references - out.size () - todo.size ())
        return relay::failure (Error::too_many, out.size ());
      for (std::size_t i = inner.size (); i > 0; i--)
        todo.push_back ({inner[i - 1], guess (inner[i - 1])});
      continue;
    }
    // It is longer than what was asked for.
    bool is_all = data.size () >= entry.reference.size;
    if (found.code () != Error::truncated || is_all) return found.error ();
    if (data.size () >= entry.need)
      entry.need =
          std::min<std::uint64_t> (entry.reference.size, data.size () * 16);
    missing_.push_back ({out.size (), entry.need});
    out.push_back (entry.reference);
  }
  return relay::Done{};
}

std::vector<Walk::Range> Walk::wanted () const
{
  std::vector<Range> out;
  for (const Missing &one : missing_) {
    Range range{index_.references[one.at].first, one.need};
    if (!out.empty ()) {
      Range &last = out.back ();
      // Both are small: no sum of them is too large.
      if (range.first >= last.first &&
          range.first - last.first <= last.size + first_guess) {
        last.size = std::max (last.size, range.first - last.first + range.size);
        continue;
      }
    }
    out.push_back (range);
  }
  return out;
}

Result<relay::Done> Walk::add (std::span<const Part> parts)
{
  if (!begun_) {
    auto done = begin (parts);
    if (!done) return done;
  }
  return expand (parts);
}

}  // namespace sidx

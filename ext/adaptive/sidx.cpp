// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sidx.h"

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
    case Error::hierarchical:
      return "hierarchical index";
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
    if ((type_and_size & 0x80000000u) != 0)
      return relay::failure (Error::hierarchical, i);
    index.references.push_back ({first, type_and_size, time, duration});
    if (__builtin_add_overflow (first, type_and_size, &first) ||
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

}  // namespace sidx

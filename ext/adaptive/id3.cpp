// SPDX-License-Identifier: LGPL-2.1-or-later
#include "id3.h"

#include <algorithm>
#include <string_view>

#include "bytes.h"
#include "mediaclock.h"

namespace id3 {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::string_view owner =
    "com.apple.streaming.transportStreamTimestamp";
constexpr std::size_t header_size = 10;

// Four times seven bits (ID3v2.4 structure 6.2).
std::optional<std::uint32_t> synchsafe (std::uint32_t value)
{
  if ((value & 0x80808080U) != 0) return std::nullopt;
  return (value & 0x7f) | (value & 0x7f00) >> 1 | (value & 0x7f0000) >> 2 |
         (value & 0x7f000000) >> 3;
}

struct Tag
{
  unsigned version = 0;
  bool is_plain = false;  // neither unsynchronised nor with another header
  Bytes frames;
  Bytes rest;  // behind the tag
};

std::optional<Tag> read_tag (Bytes bytes)
{
  if (bytes.size () < header_size || bytes[0] != 'I' || bytes[1] != 'D' ||
      bytes[2] != '3')
    return std::nullopt;
  bytes::Reader reader (bytes.subspan (3));
  Tag out;
  out.version = reader.u8 ();
  reader.skip (1);
  std::uint8_t flags = reader.u8 ();
  auto size = synchsafe (reader.u32 ());
  if (!size || *size > bytes.size () - header_size) return std::nullopt;
  out.is_plain = (flags & 0xc0) == 0;
  out.frames = bytes.subspan (header_size, *size);
  out.rest = bytes.subspan (header_size + *size);
  // A footer is a copy of the header.
  if (out.version == 4 && (flags & 0x10) != 0)
    out.rest = out.rest.subspan (std::min (header_size, out.rest.size ()));
  return out;
}

// PRIV: the owner, a NUL, and the data.
std::optional<std::uint64_t> of_private (Bytes data)
{
  if (data.size () != owner.size () + 9) return std::nullopt;
  if (!std::ranges::equal (data.first (owner.size ()), owner) ||
      data[owner.size ()] != 0)
    return std::nullopt;
  bytes::Reader reader (data.subspan (owner.size () + 1));
  std::uint64_t value = reader.u64 ();
  // "the upper 31 bits ... set to zero"
  if (value >= mediaclock::wrap) return std::nullopt;
  return value;
}

// Frames of ID3v2.3 and v2.4: four letters, size, two bytes of flags.
std::optional<std::uint64_t> of_frames (const Tag &tag)
{
  Bytes rest = tag.frames;
  while (rest.size () >= header_size && rest[0] != 0) {
    bytes::Reader reader (rest);
    bool is_private = reader.u32 () == bytes::fourcc ("PRIV");
    std::uint32_t raw = reader.u32 ();
    // Some write plain numbers into v2.4, which are the same below 128.
    std::uint32_t size =
        tag.version == 4 ? synchsafe (raw).value_or (raw) : raw;
    if (size > rest.size () - header_size) return std::nullopt;
    if (is_private)
      if (auto found = of_private (rest.subspan (header_size, size)))
        return found;
    rest = rest.subspan (header_size + size);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> timestamp (Bytes bytes)
{
  while (auto tag = read_tag (bytes)) {
    if (tag->is_plain && (tag->version == 3 || tag->version == 4))
      if (auto found = of_frames (*tag)) return found;
    bytes = tag->rest;
  }
  return std::nullopt;
}

}  // namespace id3

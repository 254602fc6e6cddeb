// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/result.h"

// Boxes of the ISO base media file format, ISO/IEC 14496-12, and what can be
// wrong with a file made of them.
namespace bmff {

enum class Error
{
  // the structure of boxes
  truncated,      // a field or box runs past the end of what holds it
  box_too_small,  // a size smaller than the box's own header
  box_too_large,  // more than is held in memory, or than a file can have
  box_unbounded,  // "to the end of the file", for a box that must be held
  too_many_boxes,
  no_box_here,  // what is here is not the start of a box of MP4
  missing_box,  // a box that the standard asks for
  too_many_entries,
  bad_value,  // a field has a value that the standard forbids

  // fragments and samples
  media_before_movie,
  fragment_before_movie,
  media_without_fragment,
  unknown_track,
  no_such_sample_entry,
  too_many_samples,
  sample_too_large,
  sample_outside_media,
  samples_overlap,
  no_auxiliary_information,
  auxiliary_information_outside,  // before the box that leads to it, or in it
                                  // and out of it
  auxiliary_information_late,     // too far behind its samples to hold them
  auxiliary_information_size,
  no_such_sample_group,

  // what this version cannot decrypt
  unsupported_scheme,
  unsupported_sample_entry,
  unsupported_sample_group  // in the compact form
};
const char *to_string (Error error);
// True for what is not wrong with the file but missing in this version.
bool is_unsupported (Error error);
template <class T>
using Result = relay::Result<T, Error>;

using Bytes = std::span<const std::uint8_t>;

// No file is as long as this, so that sums of positions and sizes fit.
inline constexpr std::uint64_t end_of_positions = std::uint64_t{1} << 62;

using Type = std::uint32_t;
constexpr Type type (const char (&name)[5])
{
  Type value = 0;
  for (int i = 0; i < 4; i++)
    value = value << 8 | static_cast<std::uint8_t> (name[i]);
  return value;
}

// Reads big-endian fields one after the other. Past the end every field is 0
// and ok () false, so that a parser may look once, at its end.
class Reader
{
public:
  // position is where the bytes stand in whatever errors count in.
  explicit Reader (Bytes bytes, std::size_t position = 0)
      : bytes_ (bytes), start_ (position)
  {
  }

  std::uint8_t u8 () { return static_cast<std::uint8_t> (number (1)); }
  std::uint16_t u16 () { return static_cast<std::uint16_t> (number (2)); }
  std::uint32_t u24 () { return static_cast<std::uint32_t> (number (3)); }
  std::uint32_t u32 () { return static_cast<std::uint32_t> (number (4)); }
  std::uint64_t u64 () { return number (8); }
  // Empty past the end.
  Bytes bytes (std::size_t size);
  void skip (std::size_t size) { bytes (size); }

  [[nodiscard]] bool ok () const { return ok_; }
  [[nodiscard]] std::size_t left () const { return bytes_.size () - at_; }
  [[nodiscard]] std::size_t position () const { return start_ + at_; }

private:
  std::uint64_t number (std::size_t size);

  Bytes bytes_;
  std::size_t start_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// FullBox (4.2).
struct Version
{
  std::uint8_t version;
  std::uint32_t flags;
};
inline Version read_version (Reader &reader)
{
  std::uint8_t version = reader.u8 ();
  return {version, reader.u24 ()};
}

struct Header
{
  Type box_type;
  std::uint64_t size;  // header included; 0: to the end of the file
  std::size_t header_size;
};

// The header at the start of bytes; nothing when there are too few of them to
// tell.
Result<std::optional<Header>> parse_header (Bytes bytes);
inline constexpr std::size_t shortest_header = 8;
inline constexpr std::size_t longest_header = 16;

struct Box
{
  Type box_type;
  std::size_t position;  // of the header
  Bytes body;            // what follows the header
  std::size_t body_position;

  [[nodiscard]] Reader reader () const { return Reader (body, body_position); }
};

// The boxes that bytes consists of. Zeros too few for a header may follow
// them, as QuickTime writes.
Result<std::vector<Box>> children (Bytes bytes, std::size_t position);
inline Result<std::vector<Box>> children (const Box &box)
{
  return children (box.body, box.body_position);
}

// The first box of a type; null when there is none.
const Box *find (const std::vector<Box> &boxes, Type box_type);

// Writes the type of the box whose header is at position.
struct Rename
{
  std::size_t position;
  Type box_type;
};
void apply (const std::vector<Rename> &renames, std::span<std::uint8_t> bytes);

}  // namespace bmff

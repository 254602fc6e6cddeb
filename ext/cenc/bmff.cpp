// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bmff.h"

#include <algorithm>

namespace bmff {
namespace {

using relay::failure;

constexpr std::size_t most_children = 4096;

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::truncated:
      return "a field or box runs past the end of what holds it";
    case Error::box_too_small:
      return "a box is smaller than its own header";
    case Error::box_too_large:
      return "a box is too large";
    case Error::box_unbounded:
      return "a box without an end";
    case Error::too_many_boxes:
      return "too many boxes in one box";
    case Error::no_box_here:
      return "no MP4 box starts here";
    case Error::missing_box:
      return "a required box is missing";
    case Error::too_many_entries:
      return "too many entries";
    case Error::bad_value:
      return "a field has a forbidden value";
    case Error::media_before_movie:
      return "mdat before moov";
    case Error::fragment_before_movie:
      return "moof before moov";
    case Error::media_without_fragment:
      return "mdat without a moof before it";
    case Error::unknown_track:
      return "a fragment of a track that moov does not have";
    case Error::no_such_sample_entry:
      return "a sample entry that the track does not have";
    case Error::too_many_samples:
      return "too many samples in a fragment";
    case Error::sample_too_large:
      return "an encrypted sample is too large";
    case Error::sample_outside_media:
      return "a sample lies outside of mdat";
    case Error::samples_overlap:
      return "samples overlap";
    case Error::no_auxiliary_information:
      return "neither senc nor saiz and saio for encrypted samples";
    case Error::auxiliary_information_outside:
      return "saio points to bytes that are not there any more";
    case Error::auxiliary_information_late:
      return "saio points too far behind the samples";
    case Error::auxiliary_information_size:
      return "the auxiliary information of a sample has a wrong size";
    case Error::no_such_sample_group:
      return "a sample group without a description";
    case Error::unsupported_scheme:
      return "a protection scheme other than cenc, cens, cbc1 and cbcs";
    case Error::unsupported_sample_entry:
      return "a protected sample entry that is neither encv nor enca";
    case Error::unsupported_sample_group:
      return "seig sample groups in the compact form (csgp)";
  }
  return "unknown";
}

bool is_unsupported (Error error)
{
  switch (error) {
    case Error::auxiliary_information_late:
    case Error::media_before_movie:
    case Error::unsupported_scheme:
    case Error::unsupported_sample_entry:
    case Error::unsupported_sample_group:
      return true;
    default:
      return false;
  }
}

Bytes Reader::bytes (std::size_t size)
{
  if (size > left ()) {
    ok_ = false;
    at_ = bytes_.size ();
    return {};
  }
  Bytes taken = bytes_.subspan (at_, size);
  at_ += size;
  return taken;
}

std::uint64_t Reader::number (std::size_t size)
{
  std::uint64_t value = 0;
  for (std::uint8_t byte : bytes (size)) value = value << 8 | byte;
  return value;
}

Result<std::optional<Header>> parse_header (Bytes bytes)
{
  if (bytes.size () < shortest_header) return std::optional<Header>{};
  Reader reader (bytes);
  std::uint64_t size = reader.u32 ();
  Header header{reader.u32 (), size, shortest_header};
  if (size == 1) {  // largesize (4.2)
    if (bytes.size () < longest_header) return std::optional<Header>{};
    header.size = reader.u64 ();
    header.header_size = longest_header;
  }
  bool to_the_end = size == 0;
  if (!to_the_end && header.size < header.header_size)
    return failure (Error::box_too_small);
  // Positions are added to sizes; no file is as long as this.
  if (header.size > std::uint64_t{1} << 62)
    return failure (Error::box_too_large);
  return std::optional<Header>{header};
}

Result<std::vector<Box>> children (Bytes bytes, std::size_t position)
{
  std::vector<Box> boxes;
  std::size_t at = 0;
  while (at < bytes.size ()) {
    Bytes rest = bytes.subspan (at);
    if (rest.size () < shortest_header &&
        std::all_of (rest.begin (), rest.end (),
            [] (std::uint8_t byte) { return byte == 0; }))
      break;
    Result<std::optional<Header>> header = parse_header (rest);
    if (!header) return failure (header.code (), position + at);
    if (!*header || (*header)->size > rest.size ())
      return failure (Error::truncated, position + at);
    if ((*header)->size == 0)
      return failure (Error::box_unbounded, position + at);
    if (boxes.size () == most_children)
      return failure (Error::too_many_boxes, position + at);
    auto size = static_cast<std::size_t> ((*header)->size);
    std::size_t header_size = (*header)->header_size;
    boxes.push_back ({(*header)->box_type, position + at,
        rest.subspan (header_size, size - header_size),
        position + at + header_size});
    at += size;
  }
  return boxes;
}

const Box *find (const std::vector<Box> &boxes, Type box_type)
{
  for (const Box &box : boxes)
    if (box.box_type == box_type) return &box;
  return nullptr;
}

void apply (const std::vector<Rename> &renames, std::span<std::uint8_t> bytes)
{
  for (const Rename &rename : renames)
    for (std::size_t i = 0; i < 4; i++)
      bytes[rename.position + 4 + i] =
          static_cast<std::uint8_t> (rename.box_type >> (24 - 8 * i));
}

}  // namespace bmff

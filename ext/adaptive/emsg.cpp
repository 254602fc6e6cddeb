// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emsg.h"

#include <algorithm>
#include <utility>

#include "bytes.h"

namespace emsg {

const char *to_string (Error error)
{
  switch (error) {
    case Error::not_emsg:
      return "not an emsg box";
    case Error::truncated:
      return "the emsg box is cut";
    case Error::bad_version:
      return "unknown version of the emsg box";
    case Error::unterminated:
      return "a string of the emsg box has no end";
    case Error::zero_timescale:
      return "the timescale is 0";
  }
  return "unknown";
}

namespace {

constexpr std::size_t header_size = 8;
constexpr std::size_t long_header_size = 16;

// A string up to its 0, and the rest of the bytes.
std::optional<std::string> take_string (std::span<const std::uint8_t> &rest)
{
  auto end = std::ranges::find (rest, 0);
  if (end == rest.end ()) return std::nullopt;
  std::string out (rest.begin (), end);
  rest = rest.subspan (out.size () + 1);
  return out;
}

// The numbers of version 0 follow the strings, those of version 1 come first.
Result<Event> parse_payload (std::span<const std::uint8_t> rest)
{
  if (rest.size () < 4) return relay::failure (Error::truncated);
  std::uint8_t version = rest.front ();
  if (version > 1) return relay::failure (Error::bad_version, header_size);
  rest = rest.subspan (4);
  Event out;
  auto strings = [&out, &rest] {
    auto scheme = take_string (rest);
    auto value = scheme ? take_string (rest) : std::nullopt;
    if (!value) return false;
    out.scheme_id_uri = std::move (*scheme);
    out.value = std::move (*value);
    return true;
  };
  auto numbers = [&out, &rest, version] {
    bytes::Reader reader (rest);
    out.timescale = reader.u32 ();
    out.time = version == 1 ? reader.u64 () : reader.u32 ();
    out.duration = reader.u32 ();
    out.id = reader.u32 ();
    if (!reader.ok ()) return false;
    rest = rest.subspan (version == 1 ? 20 : 16);
    return true;
  };
  out.from_segment = version == 0;
  if (version == 0 && !strings ()) return relay::failure (Error::unterminated);
  if (!numbers ()) return relay::failure (Error::truncated);
  if (version == 1 && !strings ()) return relay::failure (Error::unterminated);
  if (out.timescale == 0) return relay::failure (Error::zero_timescale);
  out.data.assign (rest.begin (), rest.end ());
  return out;
}

}  // namespace

Result<Event> parse (std::span<const std::uint8_t> box)
{
  bytes::Reader reader (box);
  std::uint64_t size = reader.u32 ();
  auto type = reader.u32 ();
  std::size_t header = header_size;
  if (size == 1) {
    size = reader.u64 ();
    header = long_header_size;
  }
  if (!reader.ok () || type != bytes::fourcc ("emsg") || size != box.size ())
    return relay::failure (Error::not_emsg);
  return parse_payload (box.subspan (header));
}

std::optional<presentation::Time> time_of (
    const Event &event, presentation::Time segment, presentation::Time offset)
{
  auto time = presentation::to_time (event.time, event.timescale);
  if (!time) return std::nullopt;
  if (event.from_segment) {
    if (*time > presentation::max_time - segment) return std::nullopt;
    *time += segment;
  }
  return *time - std::min (*time, offset);
}

// ---- Scanner ---------------------------------------------------------------

void Scanner::begin ()
{
  *this = {};
}

std::vector<Event> Scanner::take ()
{
  return std::exchange (found_, {});
}

// With the whole of a header; of one with a 64-bit size, both parts.
void Scanner::begin_box ()
{
  bytes::Reader reader (box_);
  std::uint64_t size = reader.u32 ();
  auto type = reader.u32 ();
  if (size == 1) {
    if (box_.size () < long_header_size) return;
    size = reader.u64 ();
  }
  has_header_ = true;
  // 0: to the end of the segment.
  if (size < box_.size ()) {
    is_broken_ = true;
    return;
  }
  left_ = size - box_.size ();
  is_wanted_ =
      type == bytes::fourcc ("emsg") && size <= max_box && count_ < max_boxes;
  if (left_ == 0) end_box ();
}

void Scanner::end_box ()
{
  if (is_wanted_) {
    count_++;
    if (auto event = parse (box_)) found_.push_back (std::move (*event));
  }
  box_.clear ();
  has_header_ = false;
}

void Scanner::feed (std::span<const std::uint8_t> bytes)
{
  while (!bytes.empty () && !is_broken_) {
    if (!has_header_) {
      std::size_t want =
          box_.size () < header_size ? header_size : long_header_size;
      auto part = bytes.first (std::min (want - box_.size (), bytes.size ()));
      box_.insert (box_.end (), part.begin (), part.end ());
      bytes = bytes.subspan (part.size ());
      if (box_.size () == want) begin_box ();
      continue;
    }
    auto part = bytes.first (static_cast<std::size_t> (
        std::min<std::uint64_t> (left_, bytes.size ())));
    if (is_wanted_) box_.insert (box_.end (), part.begin (), part.end ());
    bytes = bytes.subspan (part.size ());
    left_ -= part.size ();
    if (left_ == 0) end_box ();
  }
}

}  // namespace emsg

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rfc2435.h"

#include <algorithm>

namespace rfc2435 {

namespace {

constexpr std::size_t main_header_size = 8;
constexpr std::size_t restart_header_size = 4;
constexpr std::size_t table_header_size = 4;
// 3.1.2: offset and payload together MUST NOT exceed this.
constexpr std::size_t max_scan_size = std::size_t{1} << 24;
constexpr std::uint8_t restart_type = 64;
// 3.1.8: the tables may be others in each frame, and each frame brings them.
constexpr std::uint8_t dynamic_q = 255;
constexpr std::size_t table_size_8_bit = 64;

// Big-endian; the caller has made sure of the room.
class Writer
{
public:
  explicit Writer (std::span<std::uint8_t> out) : out_ (out) {}

  Writer &number (std::size_t value, std::size_t bytes)
  {
    for (std::size_t i = bytes; i-- > 0;) {
      out_[i] = static_cast<std::uint8_t> (value);
      value >>= 8;
    }
    out_ = out_.subspan (bytes);
    return *this;
  }

  Writer &copy (std::span<const std::uint8_t> bytes)
  {
    std::ranges::copy (bytes, out_.begin ());
    out_ = out_.subspan (bytes.size ());
    return *this;
  }

private:
  std::span<std::uint8_t> out_;
};

std::size_t tables_size (const Frame &frame)
{
  return frame.luma_table.size () + frame.chroma_table.size ();
}

// 3.1.5: in units of 8 pixels, and a part of a unit is one: fewer would change
// the number of MCUs.
std::size_t units (const Frame &frame, unsigned pixels)
{
  return fits (frame.width, frame.height) ? (pixels + 7) / 8 : 0;
}

}  // namespace

std::size_t header_size (const Frame &frame, std::size_t offset)
{
  std::size_t size = main_header_size;
  if (frame.restart_interval > 0) size += restart_header_size;
  if (offset == 0) size += table_header_size + tables_size (frame);
  return size;
}

std::size_t write_header (
    const Frame &frame, std::size_t offset, std::span<std::uint8_t> out)
{
  std::size_t size = header_size (frame, offset);
  if (out.size () < size) return 0;
  bool restart = frame.restart_interval > 0;

  // 3.1: type-specific, offset, type, Q, width, height.
  Writer writer (out.first (size));
  writer.number (frame.type_specific, 1)
      .number (offset, 3)
      .number (restart ? frame.type + restart_type : frame.type, 1)
      .number (dynamic_q, 1)
      .number (units (frame, frame.width), 1)
      .number (units (frame, frame.height), 1);
  // 3.1.7: fragments are not aligned to restart intervals, so F and L are set
  // and the count is 0x3FFF.
  if (restart) writer.number (frame.restart_interval, 2).number (0xffff, 2);
  // 3.1.8: MBZ, precision (a bit for each table), length, tables.
  if (offset == 0) {
    unsigned precision = frame.luma_table.size () > table_size_8_bit ? 1 : 0;
    if (frame.chroma_table.size () > table_size_8_bit) precision |= 2;
    writer.number (0, 1)
        .number (precision, 1)
        .number (tables_size (frame), 2)
        .copy (frame.luma_table)
        .copy (frame.chroma_table);
  }
  return size;
}

Result<Plan> plan (const Frame &frame, std::size_t room, std::size_t taken)
{
  std::size_t first = header_size (frame, 0) + taken;
  // The first packet takes a byte of the scan, or the second would have offset
  // 0 as well and be taken for a first one.
  if (room <= first) return relay::failure (Error::packet_size, first + 1);
  if (frame.scan_size > max_scan_size)
    return relay::failure (Error::scan_size, first + 1);
  Plan plan;
  plan.scan_size_ = frame.scan_size;
  plan.first_ = room - first;
  plan.other_ = room - header_size (frame, 1);
  return plan;
}

std::size_t Plan::count () const
{
  if (scan_size_ == 0) return 0;
  if (scan_size_ <= first_) return 1;
  return 1 + (scan_size_ - first_ - 1) / other_ + 1;
}

Fragment Plan::fragment (std::size_t i) const
{
  Fragment fragment;
  if (i > 0) fragment.offset = first_ + (i - 1) * other_;
  std::size_t left = scan_size_ - fragment.offset;
  fragment.size = std::min (left, i > 0 ? other_ : first_);
  fragment.last = fragment.size == left;
  return fragment;
}

const char *to_string (Error error)
{
  switch (error) {
    case Error::scan_size:
      return "scan_size";
    case Error::packet_size:
      return "packet_size";
  }
  return "unknown";
}

}  // namespace rfc2435

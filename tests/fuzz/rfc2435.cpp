// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rfc2435.h"

#include <array>
#include <cstdlib>
#include <vector>

// A frame and the room in a packet come from the input: type, size of the
// tables, width, height, restart interval, scan size (32 bits), room (16 bits).
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  static const std::array<std::uint8_t, 128> table{};
  constexpr std::size_t needed = 14;
  if (size < needed) return 0;
  auto number = [&] (std::size_t at, std::size_t bytes) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < bytes; i++) value = value << 8 | data[at + i];
    return value;
  };
  rfc2435::Frame frame;
  frame.type = data[0] & 1;
  frame.luma_table = std::span (table).first (data[1] & 1 ? 128 : 64);
  frame.chroma_table = std::span (table).first (data[1] & 2 ? 128 : 64);
  frame.width = static_cast<unsigned> (number (2, 2));
  frame.height = static_cast<unsigned> (number (4, 2));
  frame.restart_interval = static_cast<std::uint16_t> (number (6, 2));
  frame.scan_size = number (8, 4);
  std::size_t room = number (12, 2);

  auto plan = rfc2435::plan (frame, room);
  if (!plan) {
    // The least room that it names is enough, unless the scan is too long.
    if (plan.code () == rfc2435::Error::packet_size &&
        frame.scan_size <= (std::size_t{1} << 24) &&
        !rfc2435::plan (frame, plan.position ()))
      std::abort ();
    return 0;
  }
  std::size_t offset = 0;
  std::size_t count = plan->count ();
  // The ends tell: those in between are all alike.
  for (std::size_t i = 0; i < count; i++) {
    if (i > 100 && i + 2 < count) {
      i = count - 2;
      offset = plan->fragment (i).offset;
    }
    auto fragment = plan->fragment (i);
    if (fragment.offset != offset || fragment.size == 0) std::abort ();
    if (fragment.last != (i + 1 == count)) std::abort ();
    std::vector<std::uint8_t> header (
        rfc2435::header_size (frame, fragment.offset));
    if (header.size () + fragment.size > room) std::abort ();
    if (rfc2435::write_header (frame, offset, header) != header.size ())
      std::abort ();
    offset += fragment.size;
  }
  if (offset != frame.scan_size) std::abort ();
  return 0;
}

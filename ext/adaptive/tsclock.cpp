// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tsclock.h"

#include <algorithm>

#include "container.h"

namespace tsclock {
namespace {

using Bytes = std::span<const std::uint8_t>;

// 90,000 in a second, 33 bits.
constexpr std::uint64_t frequency = 90'000;
constexpr std::uint64_t wrap = std::uint64_t{1} << 33;
// What the buffers of a decoder may hold: a second, or ten of still pictures
// (2.4.2.6).
constexpr std::uint64_t longest = 10 * frequency;

// In the adaptation field (2.4.3.4); its extension has no part in it.
std::optional<std::uint64_t> clock_reference (Bytes field)
{
  constexpr std::uint8_t has_pcr = 0x10;
  if (field.size () < 7 || (field[0] & has_pcr) == 0) return std::nullopt;
  std::uint64_t out = 0;
  for (std::size_t i = 1; i < 5; i++) out = out << 8 | field[i];
  return out << 1 | field[5] >> 7;
}

struct Presented
{
  std::uint64_t time = 0;
  bool is_picture = false;
};

// In the header of a PES packet (2.4.3.6).
std::optional<Presented> presented (Bytes payload)
{
  constexpr std::uint8_t has_pts = 0x80;
  if (payload.size () < 14 || payload[0] != 0 || payload[1] != 0 ||
      payload[2] != 1 || (payload[6] & 0xc0) != 0x80 ||
      (payload[7] & has_pts) == 0)
    return std::nullopt;
  // Table 2-22: pictures, MPEG sound, AC-3 and others (private_stream_1), and
  // what is called by its extension.
  std::uint8_t id = payload[3];
  bool is_picture = (id & 0xf0) == 0xe0;
  if (!is_picture && (id & 0xe0) != 0xc0 && id != 0xbd && id != 0xfd)
    return std::nullopt;
  auto at = [payload] (std::size_t i) { return std::uint64_t{payload[i]}; };
  std::uint64_t time = at (9) >> 1 & 7;
  time = time << 15 | at (10) << 7 | at (11) >> 1;
  time = time << 15 | at (12) << 7 | at (13) >> 1;
  return Presented{time, is_picture};
}

// Follows packets.
class Reader
{
public:
  void add (Bytes packet);
  [[nodiscard]] bool has_all () const { return clock_ && picture_; }
  [[nodiscard]] Lead lead () const;

private:
  std::optional<std::uint64_t> clock_;
  std::optional<std::uint64_t> picture_;
  std::optional<std::uint64_t> sound_;
};

void Reader::add (Bytes packet)
{
  bool starts = (packet[1] & 0x40) != 0;
  bool has_field = (packet[3] & 0x20) != 0;
  bool has_payload = (packet[3] & 0x10) != 0;
  Bytes rest = packet.subspan (4);
  if (has_field) {
    std::size_t size = rest[0];
    if (size >= rest.size ()) return;
    if (!clock_) clock_ = clock_reference (rest.subspan (1, size));
    rest = rest.subspan (size + 1);
  }
  if (!has_payload || !starts) return;
  auto found = presented (rest);
  if (!found) return;
  auto &of = found->is_picture ? picture_ : sound_;
  if (!of) of = found->time;
}

Lead Reader::lead () const
{
  Lead out;
  out.is_open = !has_all ();
  out.clock = clock_;
  out.first = picture_ ? picture_ : sound_;
  if (!out.clock || !out.first) return out;
  std::uint64_t units = (*out.first - *out.clock) % wrap;
  if (units <= longest) out.time = presentation::to_time (units, frequency);
  return out;
}

}  // namespace

Lead lead (Bytes bytes)
{
  Reader reader;
  while (bytes.size () >= container::packet_size && !reader.has_all ()) {
    if (bytes[0] != 0x47) break;
    reader.add (bytes.first (container::packet_size));
    bytes = bytes.subspan (container::packet_size);
  }
  return reader.lead ();
}

presentation::Time Axis::pts (
    const Anchor &part, presentation::Time media, std::int64_t lead) const
{
  auto of = [] (presentation::Time time) {
    return static_cast<std::int64_t> (time);
  };
  // Backward, running time goes on as the media go back.
  auto played = static_cast<std::int64_t> (
      static_cast<double> (of (part.running) - of (first_.running)) * rate_);
  std::int64_t out = of (first_.media) + played + of (media) - of (part.media) +
                     of (lead_) - lead;
  return static_cast<presentation::Time> (std::max<std::int64_t> (out, 0));
}

}  // namespace tsclock

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tsprogram.h"

#include <algorithm>

#include "bytes.h"

namespace tsprogram {

using bytes::fourcc;
using relay::Done;
using relay::failure;
using View = std::span<const std::uint8_t>;

namespace {

constexpr std::size_t crc_size = 4;

constexpr std::array<std::uint32_t, 256> make_table ()
{
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size (); i++) {
    std::uint32_t value = i << 24;
    for (int bit = 0; bit < 8; bit++)
      value = value << 1 ^ ((value >> 31) * 0x04c11db7U);
    table[i] = value;
  }
  return table;
}
constexpr auto table = make_table ();

// Table 2-34 and what is registered, for what this specification has others.
struct Signal
{
  std::uint8_t encrypted;
  std::uint8_t clear;
  Codec codec;
  std::uint32_t indicator;     // of the private_data_indicator_descriptor
  std::uint32_t registration;  // of the clear stream; 0 = it needs none
};
constexpr Signal signals[] = {
    {0xdb, 0x1b, Codec::h264, fourcc ("zavc"), 0},
    {0xcf, 0x0f, Codec::aac, fourcc ("aacd"), 0},
    {0xc1, 0x81, Codec::ac3, fourcc ("ac3d"), fourcc ("AC-3")},
    {0xc2, 0x87, Codec::ac3, fourcc ("ec3d"), fourcc ("EAC3")},
};
// With the audio setup information (2.3.4), which is for decrypters.
constexpr std::uint32_t audio_setup = fourcc ("apad");

constexpr std::uint8_t registration_descriptor = 5;
constexpr std::uint8_t private_data_indicator_descriptor = 15;

const Signal *signal_of (std::uint8_t stream_type)
{
  for (const Signal &one : signals)
    if (one.encrypted == stream_type) return &one;
  return nullptr;
}

std::size_t length_at (View bytes, std::size_t at)
{
  return static_cast<std::size_t> ((bytes[at] & 0xf) << 8 | bytes[at + 1]);
}

void put_length (
    std::vector<std::uint8_t> &out, std::size_t at, std::size_t length)
{
  out[at] = static_cast<std::uint8_t> ((out[at] & 0xf0U) | length >> 8);
  out[at + 1] = static_cast<std::uint8_t> (length);
}

unsigned pid_at (View bytes, std::size_t at)
{
  return (bytes[at] & 0x1fU) << 8 | bytes[at + 1];
}

void append (std::vector<std::uint8_t> &out, View bytes)
{
  out.insert (out.end (), bytes.begin (), bytes.end ());
}

void append_u32 (std::vector<std::uint8_t> &out, std::uint32_t value)
{
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back (static_cast<std::uint8_t> (value >> shift));
}

// The descriptors of an encrypted stream without those that say that it is; in
// place of the first one, which is as long, the one that it has when it is
// clear.
Result<Done> append_descriptors (
    std::vector<std::uint8_t> &out, View all, const Signal &signal)
{
  bool is_registered = signal.registration == 0;
  while (!all.empty ()) {
    if (all.size () < 2 || all.size () - 2 < all[1])
      return failure (Error::section_size);
    View one = all.first (std::size_t{2} + all[1]);
    all = all.subspan (one.size ());
    bytes::Reader reader (one.subspan (2));
    std::uint32_t identifier = reader.u32 ();
    bool is_setup = reader.ok () && one[0] == registration_descriptor &&
                    identifier == audio_setup;
    bool is_indicator = reader.ok () &&
                        one[0] == private_data_indicator_descriptor &&
                        identifier == signal.indicator;
    if (is_indicator && !is_registered) {
      out.insert (out.end (), {registration_descriptor, 4});
      append_u32 (out, signal.registration);
      is_registered = true;
    } else if (!is_indicator && !is_setup) {
      append (out, one);
    }
  }
  return Done{};
}

// Calls back with each section of a packet, which is at least its header and
// CRC_32, and with what is behind the last one.
template <class Section>
Result<Done> for_sections (View payload, bool starts, Section section)
{
  if (!starts) return failure (Error::section_cut);
  if (payload.empty ()) return failure (Error::section_size);
  // Something else ends here that did not begin here.
  if (payload[0] != 0) return failure (Error::section_cut);
  payload = payload.subspan (1);
  // Bytes of 0xff are stuffing (2.4.4.1).
  while (!payload.empty () && payload[0] != 0xff) {
    if (payload.size () < 3) return failure (Error::section_cut);
    std::size_t size = 3 + length_at (payload, 1);
    if (size > payload.size ()) return failure (Error::section_cut);
    if (size < 8 + crc_size) return failure (Error::section_size);
    auto done = section (payload.first (size));
    if (!done) return done;
    payload = payload.subspan (size);
  }
  return Done{};
}

bool is_current (View section)
{
  return (section[5] & 1) != 0;
}

}  // namespace

std::uint32_t crc32 (View bytes)
{
  std::uint32_t crc = 0xffffffff;
  for (std::uint8_t byte : bytes) crc = crc << 8 ^ table[crc >> 24 ^ byte];
  return crc;
}

Result<Done> Programs::add_association (View payload, bool starts)
{
  return for_sections (payload, starts, [this] (View section) -> Result<Done> {
    if (section[0] != 0 || !is_current (section)) return Done{};
    if (crc32 (section) != 0) return failure (Error::section_crc);
    View list = section.subspan (8, section.size () - 8 - crc_size);
    if (list.size () % 4 != 0) return failure (Error::section_size);
    for (; !list.empty (); list = list.subspan (4))
      // Program 0 is the network's.
      if (list[0] != 0 || list[1] != 0) maps_[pid_at (list, 2)] = true;
    return Done{};
  });
}

Result<Done> Programs::rewrite (View section, std::vector<std::uint8_t> &out)
{
  if (crc32 (section) != 0) return failure (Error::section_crc);
  std::size_t begin = out.size ();
  View all = section.first (section.size () - crc_size);
  if (all.size () < 12 || all.size () - 12 < length_at (all, 10))
    return failure (Error::section_size);
  std::size_t head = 12 + length_at (all, 10);
  append (out, all.first (head));
  for (View rest = all.subspan (head); !rest.empty ();) {
    if (rest.size () < 5 || rest.size () - 5 < length_at (rest, 3))
      return failure (Error::section_size);
    View stream = rest.first (5 + length_at (rest, 3));
    rest = rest.subspan (stream.size ());
    const Signal *signal = signal_of (stream[0]);
    if (is_current (section))
      codecs_[pid_at (stream, 1)] =
          signal != nullptr ? signal->codec : Codec::none;
    std::size_t at = out.size ();
    append (out, stream.first (5));
    if (signal == nullptr) {
      append (out, stream.subspan (5));
      continue;
    }
    out[at] = signal->clear;
    auto done = append_descriptors (out, stream.subspan (5), *signal);
    if (!done) return done;
    put_length (out, at + 3, out.size () - at - 5);
  }
  put_length (out, begin + 1, out.size () + crc_size - begin - 3);
  append_u32 (out, crc32 (View (out).subspan (begin)));
  is_known_ = is_known_ || is_current (section);
  return Done{};
}

Result<Done> Programs::add_map (std::span<std::uint8_t> payload, bool starts)
{
  std::vector<std::uint8_t> out{0};
  auto done =
      for_sections (payload, starts, [&] (View section) -> Result<Done> {
        if (section[0] == 2) return rewrite (section, out);
        append (out, section);
        return Done{};
      });
  if (!done) return done;
  std::ranges::copy (out, payload.begin ());
  std::ranges::fill (payload.subspan (out.size ()), std::uint8_t{0xff});
  return Done{};
}

}  // namespace tsprogram

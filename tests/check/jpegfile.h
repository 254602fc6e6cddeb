// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "testutil.h"

// Small JPEG images, put together from their segments.
namespace jpegfile {

using test::Bytes;

inline Bytes join (std::initializer_list<Bytes> parts)
{
  Bytes out;
  for (const Bytes &part : parts)
    out.insert (out.end (), part.begin (), part.end ());
  return out;
}

inline Bytes segment (std::uint8_t marker, const Bytes &body)
{
  std::size_t length = body.size () + 2;
  return join ({{0xff, marker, static_cast<std::uint8_t> (length >> 8),
                    static_cast<std::uint8_t> (length)},
      body});
}

inline const Bytes soi = {0xff, 0xd8};
inline const Bytes eoi = {0xff, 0xd9};

// A table with 64 elements of 8 bits or 64 of 16 bits, all the same.
inline Bytes quant_table (
    std::uint8_t id, std::uint8_t value = 16, bool wide = false)
{
  Bytes out (wide ? 129 : 65, value);
  out[0] = static_cast<std::uint8_t> ((wide ? 0x10 : 0) | id);
  return out;
}

inline Bytes dqt (std::uint8_t id, std::uint8_t value = 16, bool wide = false)
{
  return segment (0xdb, quant_table (id, value, wide));
}

struct Frame
{
  std::uint8_t marker = 0xc0;
  std::uint8_t precision = 8;
  std::uint16_t width = 32;
  std::uint16_t height = 16;
  std::uint8_t components = 3;
  Bytes sampling = {0x22, 0x11, 0x11};
  Bytes tables = {0, 1, 1};
};

inline Bytes sof (const Frame &frame = {})
{
  auto high = [] (std::uint16_t v) {
    return static_cast<std::uint8_t> (v >> 8);
  };
  auto low = [] (std::uint16_t v) { return static_cast<std::uint8_t> (v); };
  Bytes body = {frame.precision, high (frame.height), low (frame.height),
      high (frame.width), low (frame.width), frame.components};
  for (std::size_t i = 0; i < frame.sampling.size (); i++) {
    body.push_back (static_cast<std::uint8_t> (i + 1));
    body.push_back (frame.sampling[i]);
    body.push_back (frame.tables[i]);
  }
  return segment (frame.marker, body);
}

inline Bytes dri (std::uint16_t interval)
{
  return segment (0xdd, {static_cast<std::uint8_t> (interval >> 8),
                            static_cast<std::uint8_t> (interval)});
}

// The four tables of T.81 Annex K.3: DC 0, AC 0, DC 1, AC 1.
inline Bytes standard_tables ()
{
  return test::hex (
      "0000010501010101010100000000000000000102030405060708090a0b100002"
      "010303020403050504040000017d010203000411051221314106135161072271"
      "14328191a1082342b1c11552d1f02433627282090a161718191a25262728292a"
      "3435363738393a434445464748494a535455565758595a636465666768696a73"
      "7475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9"
      "aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4"
      "e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa01000301010101010101010100000000"
      "00000102030405060708090a0b11000201020404030407050404000102770001"
      "02031104052131061241510761711322328108144291a1b1c109233352f01562"
      "72d10a162434e125f11718191a262728292a35363738393a434445464748494a"
      "535455565758595a636465666768696a737475767778797a8283848586878889"
      "8a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5"
      "c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa");
}

// 1-based component ids, each with its DC and AC table.
inline Bytes sos (const Bytes &selectors = {1, 0x00, 2, 0x11, 3, 0x11})
{
  return segment (
      0xda, join ({{static_cast<std::uint8_t> (selectors.size () / 2)},
                selectors, {0, 63, 0}}));
}

// A grey MCU of 4:2:0 with the standard tables: six blocks with a DC difference
// of 0 and EOB, which is 32 bits.
inline const Bytes grey_mcu = {0x28, 0xa2, 0x8a, 0x00};

inline Bytes grey_scan (int mcus)
{
  Bytes out;
  for (int i = 0; i < mcus; i++)
    out.insert (out.end (), grey_mcu.begin (), grey_mcu.end ());
  return out;
}

// The same with a restart marker behind each MCU but the last.
inline Bytes restarting_scan (int mcus)
{
  Bytes out;
  for (int i = 0; i < mcus; i++) {
    if (i > 0) {
      out.push_back (0xff);
      out.push_back (static_cast<std::uint8_t> (0xd0 + (i - 1) % 8));
    }
    out.insert (out.end (), grey_mcu.begin (), grey_mcu.end ());
  }
  return out;
}

// Everything before SOS of an ordinary image.
inline Bytes tables (const Frame &frame = {})
{
  return join ({soi, segment (0xe0, test::hex ("4a46494600010100000100010000")),
      dqt (0, 3), dqt (1, 5), sof (frame), segment (0xc4, standard_tables ())});
}

// 32x16 pixels: two MCUs.
inline Bytes image ()
{
  return join ({tables (), sos (), grey_scan (2), eoi});
}

}  // namespace jpegfile

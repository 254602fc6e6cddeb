// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdlib>
#include <random>
#include <vector>

#include "huffman.h"
#include "testutil.h"

// A plain encoder of JPEG scans (T.81 annex F), for comparison: it shares
// nothing with the re-coder but the shape of the tables.
namespace jpegscan {

using test::Bytes;
using Block = std::array<int, 64>;  // in zig-zag order

// The blocks of a component.
struct Plane
{
  unsigned width = 0;
  unsigned height = 0;
  std::vector<Block> blocks;

  // Beside the picture there is none.
  [[nodiscard]] const Block *at (unsigned x, unsigned y) const
  {
    return x < width && y < height ? &blocks[y * width + x] : nullptr;
  }
};

// Blocks as pictures have them: mostly small numbers, mostly at the beginning.
inline Plane random_plane (
    std::mt19937 &random, unsigned width, unsigned height)
{
  Plane plane{width, height, {}};
  for (unsigned i = 0; i < width * height; i++) {
    Block block{};
    block[0] = static_cast<int> (random () % 2041) - 1020;
    auto count =
        static_cast<unsigned> (random () % 3 == 0 ? 64 : random () % 12);
    for (unsigned k = 1; k < count; k++)
      if (random () % 3 == 0)
        block[k] = random () % 40 == 0
                       ? static_cast<int> (random () % 2047) - 1023
                       : static_cast<int> (random () % 15) - 7;
    plane.blocks.push_back (block);
  }
  return plane;
}

class Encoder
{
public:
  // One block; null: the same DC again and nothing else.
  void block (const Block *block, huffman::Tables tables, int &predicted)
  {
    int dc = block != nullptr ? (*block)[0] : predicted;
    value (tables.dc, 0, dc - std::exchange (predicted, dc));
    unsigned run = 0;
    for (std::size_t k = 1; block != nullptr && k < 64; k++) {
      if ((*block)[k] == 0) {
        run++;
        continue;
      }
      for (; run > 15; run -= 16) symbol (tables.ac, 0xf0);
      value (tables.ac, std::exchange (run, 0u), (*block)[k]);
    }
    if (block == nullptr || (*block)[63] == 0) symbol (tables.ac, 0);
  }

  void restart (unsigned m)
  {
    align ();
    out_.push_back (0xff);
    out_.push_back (static_cast<std::uint8_t> (0xd0 + m));
  }

  Bytes finish ()
  {
    align ();
    return out_;
  }

private:
  void value (huffman::Spec spec, unsigned run, int number)
  {
    unsigned size = 0;
    while (std::abs (number) >> size != 0) size++;
    symbol (spec, static_cast<std::uint8_t> (run << 4 | size));
    bits (static_cast<unsigned> (number < 0 ? number - 1 : number), size);
  }

  void symbol (huffman::Spec spec, std::uint8_t wanted)
  {
    unsigned code = 0;
    std::size_t at = 16;
    for (unsigned size = 1; size <= 16; size++, code <<= 1)
      for (unsigned i = 0; i < spec[size - 1]; i++, code++)
        if (spec[at++] == wanted) return bits (code, size);
    ck_abort_msg ("no code for %02x", wanted);
  }

  void bits (unsigned value, unsigned count)
  {
    while (count-- > 0) {
      byte_ = byte_ << 1 | (value >> count & 1);
      if (++used_ < 8) continue;
      out_.push_back (static_cast<std::uint8_t> (byte_));
      if ((byte_ & 0xff) == 0xff) out_.push_back (0);
      used_ = 0;
    }
  }

  void align ()
  {
    while (used_ > 0) bits (1, 1);
  }

  Bytes out_;
  unsigned byte_ = 0;
  unsigned used_ = 0;
};

// One scan with all components. A component without a plane is zero.
inline Bytes encode (unsigned width, unsigned height,
    std::vector<huffman::Component> components, unsigned restart_interval,
    const std::vector<Plane> &planes)
{
  if (components.size () == 1)
    components[0].horizontal = components[0].vertical = 1;
  unsigned mcu_width = 8 * components[0].horizontal;
  unsigned mcu_height = 8 * components[0].vertical;
  unsigned across = (width + mcu_width - 1) / mcu_width;
  unsigned down = (height + mcu_height - 1) / mcu_height;
  Encoder encoder;
  std::array<int, 3> predicted{};
  for (unsigned i = 0; i < across * down; i++) {
    if (restart_interval > 0 && i > 0 && i % restart_interval == 0) {
      encoder.restart ((i / restart_interval - 1) % 8);
      predicted = {};
    }
    for (std::size_t c = 0; c < components.size (); c++) {
      const huffman::Component &component = components[c];
      for (unsigned v = 0; v < component.vertical; v++)
        for (unsigned h = 0; h < component.horizontal; h++) {
          const Block *block =
              c < planes.size ()
                  ? planes[c].at (i % across * component.horizontal + h,
                        i / across * component.vertical + v)
                  : nullptr;
          encoder.block (block, component.tables, predicted[c]);
        }
    }
  }
  return encoder.finish ();
}

// Tables with the same symbols as the standard ones but other codes: the
// lengths of `rotate` many symbols are those of others.
struct OwnTables
{
  Bytes dc;
  Bytes ac;
  OwnTables (huffman::Tables like, std::ptrdiff_t rotate)
      : dc (like.dc.begin (), like.dc.end ()),
        ac (like.ac.begin (), like.ac.end ())
  {
    for (Bytes *table : {&dc, &ac})
      std::rotate (table->begin () + 16,
          table->begin () + 16 +
              rotate % static_cast<std::ptrdiff_t> (table->size () - 16),
          table->end ());
  }
  [[nodiscard]] huffman::Tables tables () const { return {dc, ac}; }
};

}  // namespace jpegscan

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "huffman.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

namespace huffman {

namespace {

using relay::Done;
using relay::failure;

// T.81 K.3.3: the number of codes of each length from 1 to 16 (BITS), and the
// values in the order of their codes (HUFFVAL).
// clang-format off
constexpr std::uint8_t dc_luma[] = {
    0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0,  // BITS
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
};
constexpr std::uint8_t dc_chroma[] = {
    0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,  // BITS
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
};
constexpr std::uint8_t ac_luma[] = {
    0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d,  // BITS
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06,
    0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08,
    0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45,
    0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75,
    0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
    0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6,
    0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9,
    0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4,
    0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
};
constexpr std::uint8_t ac_chroma[] = {
    0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77,  // BITS
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41,
    0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91,
    0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
    0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44,
    0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74,
    0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
    0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4,
    0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
    0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4,
    0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
};
// clang-format on

constexpr std::size_t bits_size = 16;
constexpr unsigned block_size = 64;
constexpr std::uint8_t eob = 0x00;
constexpr unsigned bad_block = ~0u;  // in place of the number of a coefficient

// ---- Codes -----------------------------------------------------------------

struct Code
{
  std::uint16_t bits = 0;  // right-aligned
  std::uint8_t size = 0;   // 0: the symbol has no code
};

// The codes of a table (T.81 annex C).
struct Codes
{
  std::array<Code, 256> of{};  // by symbol
  // For decoding (T.81 F.2.2.3): the first code of each length, left-aligned in
  // 16 bits, and where its symbols begin. `end` is the first that is no longer
  // of this length or a smaller one.
  std::array<std::uint32_t, bits_size + 1> end{};
  std::array<std::uint16_t, bits_size + 1> first{};
  std::array<std::uint16_t, bits_size + 1> symbols_at{};
  std::array<std::uint8_t, 256> symbols{};

  // The symbol that 16 bits begin with.
  [[nodiscard]] std::optional<std::uint8_t> find (std::uint32_t next16) const
  {
    for (std::size_t size = 1; size <= bits_size; size++)
      if (next16 < end[size])
        return symbols[symbols_at[size] +
                       ((next16 - first[size]) >> (bits_size - size))];
    return std::nullopt;
  }
};

std::optional<Codes> make_codes (Spec spec)
{
  if (spec.size () < bits_size) return std::nullopt;
  Spec values = spec.subspan (bits_size);
  if (values.size () > 256) return std::nullopt;
  Codes codes;
  std::uint32_t code = 0;
  std::size_t at = 0;
  for (std::uint8_t size = 1; size <= bits_size; size++) {
    std::size_t count = spec[size - 1u];
    if (count > values.size () - at) return std::nullopt;
    codes.first[size] = static_cast<std::uint16_t> (code << (bits_size - size));
    codes.symbols_at[size] = static_cast<std::uint16_t> (at);
    for (std::size_t i = 0; i < count; i++, at++, code++) {
      // Two codes for a symbol are no mistake that an encoder makes.
      if (codes.of[values[at]].size != 0) return std::nullopt;
      codes.symbols[at] = values[at];
      codes.of[values[at]] = {static_cast<std::uint16_t> (code), size};
    }
    if (code > 1u << size) return std::nullopt;
    codes.end[size] = code << (bits_size - size);
    code <<= 1;
  }
  return codes;
}

// ---- Symbols ---------------------------------------------------------------

// As it is read and as it is written (T.81 F.1.2.1, F.1.2.2).
struct Symbol
{
  std::uint16_t out = 0;        // the code that is written
  std::uint8_t out_size = 0;    // 0: it cannot be written
  std::uint8_t in_size = 0;     // of the code that is read; 0: there is none
  std::uint8_t extra_size = 0;  // bits that follow the code
  std::uint8_t count = 0;       // coefficients that are passed
  bool is_eob = false;
};

// A kind of symbols, DC or AC.
struct Coder
{
  Codes in;
  Codes out;
  bool is_dc = false;

  // What baseline does not have has no code to be written with.
  [[nodiscard]] Symbol symbol (std::uint8_t value) const
  {
    Symbol symbol;
    symbol.out = out.of[value].bits;
    symbol.out_size = out.of[value].size;
    symbol.in_size = in.of[value].size;
    symbol.extra_size = is_dc ? value : value & 0x0f;
    symbol.count = is_dc ? 1 : static_cast<std::uint8_t> ((value >> 4) + 1);
    symbol.is_eob = !is_dc && value == eob;
    return symbol;
  }
};

std::optional<Coder> make_coder (Spec in, Spec out, bool is_dc)
{
  std::optional<Codes> in_codes = make_codes (in);
  std::optional<Codes> out_codes = make_codes (out);
  if (!in_codes || !out_codes) return std::nullopt;
  return Coder{*in_codes, *out_codes, is_dc};
}

// ---- Links -----------------------------------------------------------------

// How many bits of the input are looked up at once.
constexpr unsigned window = 11;

// What these bits mean: as many whole symbols as there are in them, and what is
// written in their place. The extra bits of the last one may be behind the
// window.
struct Link
{
  std::uint32_t out =
      0;  // right-aligned, 0 where the bits behind the window go
  std::uint8_t out_size = 0;
  std::uint8_t in_size = 0;     // 0: a code that is longer
  std::uint8_t extra_size = 0;  // bits behind the window, at the end of both
  // The coefficients that are passed. EOB is one, as it is never behind the
  // 64th, and makes the block complete: so one addition tells whether it is, or
  // is to be looked at closely.
  std::uint8_t advance = no_code;

  static constexpr std::uint8_t no_code = 255;

  [[nodiscard]] unsigned count () const
  {
    return advance > block_size ? advance - block_size : advance;
  }
};

using Links = std::array<Link, 1u << window>;
// The symbol that the bits of a window begin with.
using Symbols = std::array<Symbol, 1u << window>;

void make_symbols (Symbols &symbols, const Coder &coder)
{
  symbols.fill ({});
  for (std::size_t value = 0; value < coder.in.of.size (); value++) {
    Code in = coder.in.of[value];
    if (in.size == 0 || in.size > window) continue;
    std::fill_n (
        symbols.begin () + (std::ptrdiff_t{in.bits} << (window - in.size)),
        std::size_t{1} << (window - in.size),
        coder.symbol (static_cast<std::uint8_t> (value)));
  }
}

// False: the link is full.
bool append (Link &link, const Symbol &symbol, std::uint32_t bits)
{
  // Two of them, and 7 bits from before, are a word.
  constexpr int max_out = 28;
  unsigned passed = link.in_size == 0 ? 0 : link.advance;
  unsigned begin = link.in_size;
  unsigned end = begin + symbol.in_size;
  if (symbol.in_size == 0 || symbol.out_size == 0 || end > window ||
      link.out_size + symbol.out_size + symbol.extra_size > max_out ||
      passed + symbol.count > block_size)
    return false;
  std::uint64_t out = std::uint64_t{link.out} << symbol.out_size | symbol.out;
  out <<= symbol.extra_size;
  if (end + symbol.extra_size <= window) {
    std::uint32_t extra = bits >> (window - end - symbol.extra_size);
    out |= extra & ((1u << symbol.extra_size) - 1);
  } else {
    link.extra_size = symbol.extra_size;
  }
  link.out = static_cast<std::uint32_t> (out);
  link.out_size = static_cast<std::uint8_t> (
      link.out_size + symbol.out_size + symbol.extra_size);
  link.in_size = static_cast<std::uint8_t> (end + symbol.extra_size);
  link.advance = static_cast<std::uint8_t> (
      passed + symbol.count + (symbol.is_eob ? block_size : 0));
  return link.in_size < window && !symbol.is_eob;
}

// One symbol of `first`, and then those of `rest`.
void make_links (Links &links, const Symbols &first, const Symbols &rest)
{
  constexpr std::uint32_t mask = (1u << window) - 1;
  for (std::uint32_t bits = 0; bits < links.size (); bits++) {
    Link link;
    const Symbols *symbols = &first;
    while (append (link, (*symbols)[bits << link.in_size & mask], bits))
      symbols = &rest;
    links[bits] = link;
  }
}

// What a DC symbol takes, in a table small enough to be had beside the links.
// The codes in it are the shorter ones, of symbols that can be written.
constexpr unsigned dc_window = 8;
struct DcSize
{
  std::uint8_t in_size = 0;  // 0: look further
  std::uint8_t extra_size = 0;
};
using DcSizes = std::array<DcSize, 1u << dc_window>;

void make_dc_sizes (DcSizes &sizes, const Symbols &symbols)
{
  for (std::size_t i = 0; i < sizes.size (); i++) {
    const Symbol &symbol = symbols[i << (window - dc_window)];
    bool fits = symbol.in_size <= dc_window && symbol.out_size > 0;
    sizes[i] = fits ? DcSize{symbol.in_size, symbol.extra_size} : DcSize{};
  }
}

// A component's blocks, from the tables of the input to the standard ones.
struct BlockCoder
{
  Coder dc;
  Coder ac;
  DcSizes dc_sizes;
  Links from_dc;  // those that begin with a DC symbol
  Links from_ac;
};

bool make_block_coder (BlockCoder &coder, const Tables &in, const Tables &out)
{
  std::optional<Coder> dc = make_coder (in.dc, out.dc, true);
  std::optional<Coder> ac = make_coder (in.ac, out.ac, false);
  if (!dc || !ac) return false;
  coder.dc = *dc;
  coder.ac = *ac;
  auto dc_symbols = std::make_unique<Symbols> ();
  auto ac_symbols = std::make_unique<Symbols> ();
  make_symbols (*dc_symbols, coder.dc);
  make_symbols (*ac_symbols, coder.ac);
  make_dc_sizes (coder.dc_sizes, *dc_symbols);
  make_links (coder.from_dc, *dc_symbols, *ac_symbols);
  make_links (coder.from_ac, *ac_symbols, *ac_symbols);
  return true;
}

// ---- Bits ------------------------------------------------------------------

constexpr std::uint8_t rst0 = 0xd0;
// T.81 B.2.3: an MCU has up to ten blocks. A symbol has up to 16 + 11 bits.
constexpr std::size_t mcu_room = 10 * 64 * 27 / 8 + 16;

// Entropy-coded data without stuffed zeros and markers.
struct Plain
{
  // Between two restart markers. Each ends on a byte (T.81 B.1.1.5).
  struct Interval
  {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t source_begin = 0;     // where it begins in the data
    std::optional<unsigned> restart;  // m of the RSTm before it
  };
  std::vector<std::uint8_t> bytes;
  std::vector<Interval> intervals;
};

void unstuff (std::span<const std::uint8_t> data, Plain &out)
{
  out.intervals.assign (1, {});
  if (out.bytes.size () < data.size () + mcu_room)
    out.bytes.resize (data.size () + mcu_room);
  const std::uint8_t *at = data.data ();
  const std::uint8_t *end = at + data.size ();
  std::uint8_t *to = out.bytes.data ();
  auto position = [&] {
    return static_cast<std::size_t> (to - out.bytes.data ());
  };
  while (at != end) {
    const auto *ff = static_cast<const std::uint8_t *> (
        std::memchr (at, 0xff, static_cast<std::size_t> (end - at)));
    if (ff == nullptr) ff = end;
    to = std::copy (at, ff, to);
    const std::uint8_t *code = ff;
    // Fill bytes may be in front of a marker.
    while (code != end && *code == 0xff) code++;
    if (code == end) break;
    at = code + 1;
    if (*code == 0) {
      *to++ = 0xff;
      continue;
    }
    // EOI, or what does not belong here: the end.
    if (*code < rst0 || *code > rst0 + 7) break;
    out.intervals.back ().end = position ();
    out.intervals.push_back ({position (), 0,
        static_cast<std::size_t> (at - data.data ()), *code - unsigned{rst0}});
  }
  out.intervals.back ().end = position ();
  std::fill_n (to, mcu_room, std::uint8_t{0});
}

std::uint64_t load (const std::uint8_t *at)
{
  std::uint64_t word = 0;
  std::memcpy (&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::little)
    word = __builtin_bswap64 (word);
  return word;
}

void store (std::uint8_t *at, std::uint64_t word)
{
  if constexpr (std::endian::native == std::endian::little)
    word = __builtin_bswap64 (word);
  std::memcpy (at, &word, sizeof word);
}

// The bits of plain data. It gives some that are not there, too: `overrun`
// tells, and is to be asked after each MCU, whose room is behind the end.
class Reader
{
public:
  Reader () = default;
  Reader (const std::uint8_t *begin, const std::uint8_t *end)
      : at_ (begin), end_ (end)
  {
  }

  // At least 56 bits.
  [[gnu::always_inline]] void fill ()
  {
    bits_ |= load (at_) >> size_;
    at_ += (63 - size_) >> 3;
    // The byte that fits only in part comes again, and then its bits are the
    // same.
    size_ |= 56;
  }
  // 1 to 32 bits.
  [[nodiscard]] std::uint32_t peek (unsigned count) const
  {
    return static_cast<std::uint32_t> (bits_ >> (64 - count));
  }
  void skip (unsigned count)
  {
    bits_ <<= count;
    size_ -= count;
  }
  // 0 to 16 bits.
  std::uint32_t take (unsigned count)
  {
    auto taken = static_cast<std::uint32_t> (bits_ >> 1 >> (63 - count));
    skip (count);
    return taken;
  }
  // The last `count` ones of the next `end`.
  [[nodiscard]] std::uint32_t bits_before (unsigned end, unsigned count) const
  {
    return static_cast<std::uint32_t> (
        bits_ >> (64 - end) & ((std::uint64_t{1} << count) - 1));
  }

  // More was taken than there is.
  [[nodiscard]] bool overrun () const { return left () < 0; }
  // Whole bytes are left.
  [[nodiscard]] bool rest () const { return left () >= 8; }
  [[nodiscard]] const std::uint8_t *position () const
  {
    return at_ - size_ / 8;
  }

private:
  [[nodiscard]] std::ptrdiff_t left () const
  {
    return 8 * (end_ - at_) + static_cast<std::ptrdiff_t> (size_);
  }

  const std::uint8_t *at_ = nullptr;
  const std::uint8_t *end_ = nullptr;
  std::uint64_t bits_ = 0;  // left-aligned
  unsigned size_ = 0;
};

// What is written, still without stuffed zeros and markers.
class Writer
{
public:
  explicit Writer (std::vector<std::uint8_t> &plain) : plain_ (&plain)
  {
    if (plain.size () < 2 * mcu_room) plain.resize (2 * mcu_room);
    at_ = plain.data ();
  }

  // Room for an MCU of any kind; to be called before each.
  void reserve ()
  {
    if (plain_->size () - size () >= mcu_room) return;
    std::size_t used = size ();
    plain_->resize (2 * plain_->size ());
    at_ = plain_->data () + used;
  }

  // Up to 56 bits between two calls of flush ().
  void put (std::uint32_t bits, unsigned count)
  {
    bits_ = bits_ << count | bits;
    count_ += count;
  }
  [[gnu::always_inline]] void flush ()
  {
    store (at_, bits_ << 1 << (63 - count_));
    at_ += count_ >> 3;
    count_ &= 7;
  }

  // T.81 F.1.2.3: 1-bits fill the last byte.
  void align ()
  {
    unsigned rest = 7 & -count_;
    put ((1u << rest) - 1, rest);
    flush ();
  }

  [[nodiscard]] std::size_t size () const
  {
    return static_cast<std::size_t> (at_ - plain_->data ());
  }

private:
  std::vector<std::uint8_t> *plain_;
  std::uint8_t *at_;
  std::uint64_t bits_ = 0;  // right-aligned
  unsigned count_ = 0;
};

// Puts in the stuffed zeros, and RSTm at the places of the plain data.
void stuff (std::span<const std::uint8_t> plain,
    std::span<const std::size_t> restarts, std::vector<std::uint8_t> &out)
{
  out.clear ();
  out.reserve (plain.size () + plain.size () / 64 + 2 * restarts.size ());
  std::size_t at = 0;
  for (std::size_t i = 0; i <= restarts.size (); i++) {
    std::size_t end = i < restarts.size () ? restarts[i] : plain.size ();
    while (at < end) {
      const void *ff = std::memchr (plain.data () + at, 0xff, end - at);
      const auto *to = ff != nullptr
                           ? static_cast<const std::uint8_t *> (ff) + 1
                           : plain.data () + end;
      out.insert (out.end (), plain.data () + at, to);
      if (ff != nullptr) out.push_back (0);
      at = static_cast<std::size_t> (to - plain.data ());
    }
    if (i == restarts.size ()) break;
    out.push_back (0xff);
    out.push_back (static_cast<std::uint8_t> (rst0 + i % 8));
  }
}

// ---- Blocks ----------------------------------------------------------------

// A symbol whose code is longer than the window. False: there is no such one.
template <class Sink>
[[gnu::noinline]] bool step (
    Reader &reader, const BlockCoder &coder, Sink &sink, unsigned &k)
{
  const Coder &kind = k == 0 ? coder.dc : coder.ac;
  std::optional<std::uint8_t> value = kind.in.find (reader.peek (16));
  if (!value) return false;
  Symbol symbol = kind.symbol (*value);
  if (symbol.out_size == 0 || k + symbol.count > block_size) return false;
  reader.skip (symbol.in_size);
  std::uint32_t extra = reader.take (symbol.extra_size);
  sink.put (std::uint32_t{symbol.out} << symbol.extra_size | extra,
      unsigned{symbol.out_size} + symbol.extra_size);
  k += symbol.is_eob ? block_size : symbol.count;
  return true;
}

// The next link, at the k-th coefficient. False: the block
// ends, at bad_block if it is bad.
template <class Sink>
[[gnu::always_inline]] inline bool follow (Reader &reader,
    const BlockCoder &coder, const Links &links, Sink &sink, unsigned &k)
{
  const Link link = links[reader.peek (window)];
  unsigned next = k + link.advance;
  if (next >= block_size) {
    if (link.in_size == 0 || k + link.count () > block_size) [[unlikely]] {
      // Copies, so that the compiler can keep the originals in registers.
      Reader slow_reader = reader;
      Sink slow_sink = sink;
      unsigned slow_k = k;
      if (!step (slow_reader, coder, slow_sink, slow_k)) slow_k = bad_block;
      reader = slow_reader;
      sink = slow_sink;
      k = slow_k;
      return k < block_size;
    }
    next = block_size;
  }
  sink.put (link.out | reader.bits_before (link.in_size, link.extra_size),
      link.out_size);
  reader.skip (link.in_size);
  k = next;
  return k < block_size;
}

// A block from its k-th coefficient on, 0 or 1. Two links at a time: the first
// two take up to 2 * 27 bits, and give as many.
template <class Sink>
[[gnu::always_inline]] inline bool recode_block (
    Reader &reader, const BlockCoder &coder, Sink &sink, unsigned k)
{
  const Links *links = k == 0 ? &coder.from_dc : &coder.from_ac;
  bool more = true;
  while (more) {
    reader.fill ();
    more = follow (reader, coder, *links, sink, k) &&
           follow (reader, coder, coder.from_ac, sink, k);
    sink.flush ();
    links = &coder.from_ac;
  }
  return k != bad_block;
}

// ---- DC --------------------------------------------------------------------

// What a difference of DC takes of the input.
struct DcDifference
{
  int value = 0;
  unsigned size = 0;  // bits
};

// T.81 F.2.2.1, EXTEND.
int extend (std::uint32_t bits, unsigned size)
{
  // Without a branch, as nobody can foretell the sign.
  int negative = -static_cast<int> (bits < 1u << size >> 1);
  return static_cast<int> (bits) - (((1 << size) - 1) & negative);
}

// The one that comes next, and stays there. It and put_dc () are inlined
// always, because a reader or a writer that is handed on is not kept in
// registers.
[[gnu::always_inline]] inline std::optional<DcDifference> peek_dc (
    Reader &reader, const BlockCoder &coder)
{
  reader.fill ();
  DcSize sizes = coder.dc_sizes[reader.peek (dc_window)];
  if (sizes.in_size == 0) [[unlikely]] {
    std::optional<std::uint8_t> value = coder.dc.in.find (reader.peek (16));
    if (!value || coder.dc.out.of[*value].size == 0) return std::nullopt;
    sizes = {coder.dc.in.of[*value].size, *value};
  }
  unsigned size = unsigned{sizes.in_size} + sizes.extra_size;
  std::uint32_t bits = reader.bits_before (size, sizes.extra_size);
  return DcDifference{extend (bits, sizes.extra_size), size};
}

// False: it is too large.
[[gnu::always_inline]] inline bool put_dc (
    Writer &writer, const BlockCoder &coder, int difference)
{
  auto size = static_cast<unsigned> (
      std::bit_width (static_cast<unsigned> (std::abs (difference))));
  Code code = coder.dc.out.of[size];
  if (code.size == 0) return false;
  // T.81 F.1.2.1.1: of a negative one the bits of it less 1.
  auto extra =
      static_cast<std::uint32_t> (difference < 0 ? difference - 1 : difference);
  extra &= (1u << size) - 1;
  writer.put (std::uint32_t{code.bits} << size | extra, code.size + size);
  writer.flush ();
  return true;
}

// Beyond what any picture has; so that a damaged one does not overflow.
constexpr int max_dc = 1 << 20;

// ---- Scans -----------------------------------------------------------------

constexpr unsigned ceil_div (unsigned a, unsigned b)
{
  return a / b + (a % b != 0 ? 1 : 0);
}

using Coders = std::array<const BlockCoder *, 3>;

// The size of a scan in its MCUs, and when its restart markers are due.
class McuCount
{
public:
  McuCount (unsigned width, unsigned height, unsigned restart_interval)
      : width_ (width),
        height_ (height),
        // None is one for all.
        interval_ (restart_interval > 0 ? restart_interval : width * height)
  {
  }
  [[nodiscard]] unsigned width () const { return width_; }
  [[nodiscard]] unsigned height () const { return height_; }
  [[nodiscard]] unsigned interval () const { return interval_; }

  // To be called before each MCU: whether it begins an interval.
  [[nodiscard]] bool begins ()
  {
    if (left_ > 0) {
      left_--;
      return false;
    }
    left_ = interval_ - 1;
    return true;
  }

private:
  unsigned width_;
  unsigned height_;
  unsigned interval_;
  unsigned left_ = 0;
};

McuCount mcus_of (const Scan &scan)
{
  // T.81 A.2.2: the MCU of a single component is one block.
  bool single = scan.components.size () == 1;
  unsigned horizontal = single ? 1 : scan.components[0].horizontal;
  unsigned vertical = single ? 1 : scan.components[0].vertical;
  return {ceil_div (scan.width, 8 * horizontal),
      ceil_div (scan.height, 8 * vertical), scan.restart_interval};
}

McuCount mcus_of (const Scan &scan, const Target &target)
{
  return {ceil_div (scan.width, 16),
      ceil_div (scan.height, 8 * target.vertical), target.restart_interval};
}

bool same_order (const Scan &scan, const Target &target)
{
  return scan.components.size () == 3 && scan.components[0].horizontal == 2 &&
         scan.components[0].vertical == target.vertical;
}

// What is read, interval after interval.
class Source
{
public:
  explicit Source (const Plain &plain) : plain_ (plain) {}

  // False: there is no further one, it is out of turn, or the last one had
  // bytes left.
  [[nodiscard]] bool next_interval ()
  {
    if (next_ > 0 && reader.rest ()) return false;
    if (next_ == plain_.intervals.size ()) return false;
    const Plain::Interval &interval = plain_.intervals[next_];
    if (next_ > 0 && interval.restart != (next_ - 1) % 8) return false;
    reader = Reader (plain_.bytes.data () + interval.begin,
        plain_.bytes.data () + interval.end);
    next_++;
    return true;
  }
  // About where it is in the data that were stuffed.
  [[nodiscard]] std::size_t position () const
  {
    if (next_ == 0) return 0;
    const Plain::Interval &interval = plain_.intervals[next_ - 1];
    return interval.source_begin +
           static_cast<std::size_t> (
               reader.position () - plain_.bytes.data ()) -
           interval.begin;
  }

  Reader reader;

private:
  const Plain &plain_;
  std::size_t next_ = 0;
};

// What is written, and where its restart markers go.
struct Destination
{
  Writer writer;
  std::vector<std::size_t> &restarts;

  void begin_interval ()
  {
    if (writer.size () == 0) return;
    writer.align ();
    restarts.push_back (writer.size ());
  }
};

// What the DC of a component's next block is the difference from (T.81
// F.1.1.5.1).
struct Prediction
{
  int read = 0;
  int written = 0;
};
using Predictions = std::array<Prediction, 3>;

// While the predictions are the same, so are the differences.
[[gnu::always_inline]] inline std::optional<Error> recode_predicted (
    Reader &reader, const BlockCoder &coder, Writer &writer,
    Prediction &prediction)
{
  std::optional<DcDifference> difference = peek_dc (reader, coder);
  if (!difference) return Error::no_code;
  int dc = prediction.read + difference->value;
  if (std::abs (dc) > max_dc) return Error::dc_range;
  unsigned k = 0;
  if (prediction.read != prediction.written) {
    reader.skip (difference->size);
    if (!put_dc (writer, coder, dc - prediction.written))
      return Error::dc_range;
    k = 1;
  }
  prediction = {dc, dc};
  if (!recode_block (reader, coder, writer, k)) return Error::no_code;
  return std::nullopt;
}

// MCUs between which nothing restarts. Without predictions, because these are
// always the same, the differences stay what they are.
template <bool is_predicted>
[[gnu::always_inline]] inline std::optional<Error> recode_mcus (Reader &reader,
    const Coders &coders, unsigned luma_blocks, std::size_t count,
    Writer &writer, Predictions &predictions)
{
  // The compiler keeps copies in registers, but not what it is given.
  Reader in = reader;
  Writer out = writer;
  std::optional<Error> error;
  for (; count > 0 && !error; count--) {
    out.reserve ();
    for (unsigned b = 0; b < luma_blocks + 2 && !error; b++) {
      std::size_t i = b < luma_blocks ? 0 : b - luma_blocks + 1;
      if constexpr (is_predicted)
        error = recode_predicted (in, *coders[i], out, predictions[i]);
      else if (!recode_block (in, *coders[i], out, 0))
        error = Error::no_code;
    }
    if (in.overrun ()) error = Error::truncated;
    if (out.size () > max_size) error = Error::too_large;
  }
  reader = in;
  writer = out;
  return error;
}

// Most of it is shifting by counts that the data say. BMI2 has cheaper shifts
// for that, which are worth an eighth of the time.
template <bool is_predicted>
struct RecodeMcus
{
  static std::optional<Error> plain (Reader &reader, const Coders &coders,
      unsigned luma_blocks, std::size_t count, Writer &writer,
      Predictions &predictions)
  {
    return recode_mcus<is_predicted> (
        reader, coders, luma_blocks, count, writer, predictions);
  }

#ifdef __x86_64__
  [[gnu::target ("bmi2")]] static std::optional<Error> bmi2 (Reader &reader,
      const Coders &coders, unsigned luma_blocks, std::size_t count,
      Writer &writer, Predictions &predictions)
  {
    return recode_mcus<is_predicted> (
        reader, coders, luma_blocks, count, writer, predictions);
  }
#endif

  static auto best ()
  {
#ifdef __x86_64__
    if (__builtin_cpu_supports ("bmi2")) return &bmi2;
#endif
    return &plain;
  }
};

std::optional<Error> recode_in_order (Source &source, const Coders &coders,
    const Target &target, const McuCount &in, const McuCount &out,
    Destination &destination)
{
  std::size_t all = std::size_t{in.width ()} * in.height ();
  auto recode = in.interval () == out.interval () ? RecodeMcus<false>::best ()
                                                  : RecodeMcus<true>::best ();
  Predictions predictions{};
  std::size_t restart_in = 0;
  std::size_t restart_out = 0;
  for (std::size_t at = 0; at < all;) {
    if (at == restart_in) {
      if (!source.next_interval ()) return Error::restart;
      for (Prediction &prediction : predictions) prediction.read = 0;
      restart_in += in.interval ();
    }
    if (at == restart_out) {
      destination.begin_interval ();
      for (Prediction &prediction : predictions) prediction.written = 0;
      restart_out += out.interval ();
    }
    std::size_t end = std::min ({all, restart_in, restart_out});
    if (auto error = recode (source.reader, coders, 2 * target.vertical,
            end - at, destination.writer, predictions))
      return error;
    at = end;
  }
  return std::nullopt;
}

// In another order: a band of the picture, as high as the higher of the MCUs,
// is read into blocks with their DC values, and these are written.
class Reorder
{
public:
  Reorder (const Scan &scan, const Target &target, const Coders &coders,
      Source &source, Destination &destination)
      : target_ (target),
        coders_ (coders),
        source_ (source),
        destination_ (destination),
        in_ (mcus_of (scan)),
        out_ (mcus_of (scan, target))
  {
    bool single = scan.components.size () == 1;
    unsigned in_rows = single ? 1 : scan.components[0].vertical;
    unsigned rows = std::max (in_rows, target.vertical);
    in_per_band_ = rows / in_rows;
    out_per_band_ = rows / target.vertical;
    for (const Component &component : scan.components) {
      Plane plane;
      plane.horizontal = single ? 1 : component.horizontal;
      plane.vertical = single ? 1 : component.vertical;
      plane.width = in_.width () * plane.horizontal;
      plane.blocks.resize (
          std::size_t{plane.width} * plane.vertical * in_per_band_);
      planes_.push_back (std::move (plane));
    }
  }

  std::optional<Error> run ()
  {
    unsigned read = 0;
    unsigned written = 0;
    while (written < out_.height ()) {
      tokens_.clear ();
      for (unsigned i = 0; i < in_per_band_ && read < in_.height ();
           i++, read++)
        if (auto error = read_row (i)) return error;
      for (unsigned i = 0; i < out_per_band_ && written < out_.height ();
           i++, written++)
        if (auto error = write_row (i)) return error;
    }
    return std::nullopt;
  }

private:
  struct Token
  {
    std::uint32_t bits;
    std::uint32_t size;
  };
  struct Block
  {
    int dc = 0;
    std::uint32_t first = 0;  // of its AC tokens
    std::uint32_t last = 0;   // behind them; none: EOB alone
  };
  struct Plane
  {
    unsigned horizontal = 1;
    unsigned vertical = 1;
    unsigned width = 0;  // in blocks
    unsigned rows = 0;   // of the band
    std::vector<Block> blocks;
    int read_dc = 0;  // the prediction (T.81 F.1.1.5.1)
    int written_dc = 0;
  };
  // Where AC symbols go.
  struct Tokens
  {
    std::vector<Token> *tokens;
    void put (std::uint32_t bits, unsigned size) const
    {
      tokens->push_back ({bits, size});
    }
    void flush () {}
  };

  // A row of MCUs, the i-th of the band.
  std::optional<Error> read_row (unsigned i)
  {
    for (Plane &plane : planes_) plane.rows = (i + 1) * plane.vertical;
    for (unsigned x = 0; x < in_.width (); x++) {
      if (in_.begins ()) {
        if (!source_.next_interval ()) return Error::restart;
        for (Plane &plane : planes_) plane.read_dc = 0;
      }
      for (std::size_t p = 0; p < planes_.size (); p++) {
        Plane &plane = planes_[p];
        for (unsigned v = 0; v < plane.vertical; v++) {
          std::size_t at = (std::size_t{i} * plane.vertical + v) * plane.width +
                           std::size_t{x} * plane.horizontal;
          for (unsigned h = 0; h < plane.horizontal; h++)
            if (auto error =
                    read_block (*coders_[p], plane, plane.blocks[at + h]))
              return error;
        }
      }
    }
    return std::nullopt;
  }

  std::optional<Error> read_block (
      const BlockCoder &coder, Plane &plane, Block &block)
  {
    Reader &reader = source_.reader;
    std::optional<DcDifference> difference = peek_dc (reader, coder);
    if (!difference) return Error::no_code;
    reader.skip (difference->size);
    plane.read_dc += difference->value;
    if (std::abs (plane.read_dc) > max_dc) return Error::dc_range;
    block.dc = plane.read_dc;
    block.first = static_cast<std::uint32_t> (tokens_.size ());
    Tokens sink{&tokens_};
    if (!recode_block (reader, coder, sink, 1)) return Error::no_code;
    block.last = static_cast<std::uint32_t> (tokens_.size ());
    if (reader.overrun ()) return Error::truncated;
    return std::nullopt;
  }

  std::optional<Error> write_row (unsigned i)
  {
    for (unsigned x = 0; x < out_.width (); x++) {
      if (out_.begins ()) {
        destination_.begin_interval ();
        for (Plane &plane : planes_) plane.written_dc = 0;
      }
      destination_.writer.reserve ();
      bool good = true;
      for (unsigned v = 0; v < target_.vertical; v++)
        for (unsigned h = 0; h < 2; h++)
          good = good && write_block (0, 2 * x + h, i * target_.vertical + v);
      for (std::size_t p = 1; p < 3; p++) good = good && write_block (p, x, i);
      if (!good) return Error::dc_range;
      if (destination_.writer.size () > max_size) return Error::too_large;
    }
    return std::nullopt;
  }

  // False: a difference that is too large.
  bool write_block (std::size_t p, unsigned x, unsigned y)
  {
    const BlockCoder &coder = *coders_[p];
    // Beside and below the picture, and all the chroma of one without.
    if (p >= planes_.size () || x >= planes_[p].width || y >= planes_[p].rows) {
      (void)put_dc (destination_.writer, coder, 0);
      put_eob (coder);
      return true;
    }
    Plane &plane = planes_[p];
    const Block &block = plane.blocks[std::size_t{y} * plane.width + x];
    int difference = block.dc - std::exchange (plane.written_dc, block.dc);
    if (!put_dc (destination_.writer, coder, difference)) return false;
    if (block.first == block.last) put_eob (coder);
    for (std::uint32_t t = block.first; t < block.last; t++) {
      destination_.writer.put (tokens_[t].bits, tokens_[t].size);
      destination_.writer.flush ();
    }
    return true;
  }

  void put_eob (const BlockCoder &coder)
  {
    Code code = coder.ac.out.of[eob];
    destination_.writer.put (code.bits, code.size);
    destination_.writer.flush ();
  }

  const Target &target_;
  const Coders &coders_;
  Source &source_;
  Destination &destination_;
  McuCount in_;
  McuCount out_;
  unsigned in_per_band_ = 1;
  unsigned out_per_band_ = 1;
  std::vector<Plane> planes_;
  std::vector<Token> tokens_;
};

// A component's tables, kept with what was built from them.
struct Kept
{
  std::vector<std::uint8_t> dc;
  std::vector<std::uint8_t> ac;
  bool chroma = false;
  BlockCoder coder;

  [[nodiscard]] bool is_for (const Tables &tables, bool is_chroma) const
  {
    return chroma == is_chroma && std::ranges::equal (dc, tables.dc) &&
           std::ranges::equal (ac, tables.ac);
  }
};

}  // namespace

struct Recoder::Impl
{
  Plain input;
  std::vector<std::uint8_t> output;  // plain
  std::vector<std::size_t> restarts;
  // Y, Cb and Cr; one that has the tables of the one before it has none.
  std::array<std::unique_ptr<Kept>, 3> kept;

  const BlockCoder *coder (std::size_t i, const Tables &tables)
  {
    bool chroma = i > 0;
    if (i == 2 && kept[1] && kept[1]->is_for (tables, chroma))
      return &kept[1]->coder;
    if (kept[i] && kept[i]->is_for (tables, chroma)) return &kept[i]->coder;
    if (!kept[i]) kept[i] = std::make_unique<Kept> ();
    Kept &made = *kept[i];
    made.dc.clear ();
    if (!make_block_coder (
            made.coder, tables, chroma ? standard_chroma () : standard_luma ()))
      return nullptr;
    made.dc.assign (tables.dc.begin (), tables.dc.end ());
    made.ac.assign (tables.ac.begin (), tables.ac.end ());
    made.chroma = chroma;
    return &made.coder;
  }
};

Recoder::Recoder () : impl_ (std::make_unique<Impl> ()) {}
Recoder::~Recoder () = default;

Result<Done> Recoder::recode (const Scan &scan,
    std::span<const std::uint8_t> data, const Target &target,
    std::vector<std::uint8_t> &out)
{
  Coders coders{};
  for (std::size_t i = 0; i < coders.size (); i++) {
    // A picture without chroma gets one with the standard tables.
    Tables tables = i < scan.components.size () ? scan.components[i].tables
                                                : standard_chroma ();
    coders[i] = impl_->coder (i, tables);
    if (coders[i] == nullptr) return failure (Error::bad_table);
  }
  unstuff (data, impl_->input);
  impl_->restarts.clear ();
  Source source (impl_->input);
  Destination destination{Writer (impl_->output), impl_->restarts};
  std::optional<Error> error =
      same_order (scan, target)
          ? recode_in_order (source, coders, target, mcus_of (scan),
                mcus_of (scan, target), destination)
          : Reorder (scan, target, coders, source, destination).run ();
  if (error) return failure (*error, source.position ());
  destination.writer.align ();
  stuff (std::span (impl_->output).first (destination.writer.size ()),
      impl_->restarts, out);
  return Done{};
}

unsigned target_of (std::span<const Component> components)
{
  if (components.size () == 1) return 2;
  if (components.size () != 3) return 0;
  const Component &luma = components[0];
  const Component &chroma = components[1];
  // T.81 B.2.3: an MCU has up to ten blocks.
  unsigned blocks =
      luma.horizontal * luma.vertical + 2 * chroma.horizontal * chroma.vertical;
  if (chroma.horizontal != components[2].horizontal ||
      chroma.vertical != components[2].vertical || blocks > 10 ||
      luma.horizontal != 2 * chroma.horizontal || chroma.vertical == 0)
    return 0;
  if (luma.vertical == 2 * chroma.vertical) return 2;
  return luma.vertical == chroma.vertical ? 1 : 0;
}

bool operator== (const Tables &a, const Tables &b)
{
  return std::ranges::equal (a.dc, b.dc) && std::ranges::equal (a.ac, b.ac);
}

Tables standard_luma ()
{
  return {dc_luma, ac_luma};
}

Tables standard_chroma ()
{
  return {dc_chroma, ac_chroma};
}

const char *to_string (Error error)
{
  switch (error) {
    case Error::bad_table:
      return "bad_table";
    case Error::no_code:
      return "no_code";
    case Error::dc_range:
      return "dc_range";
    case Error::truncated:
      return "truncated";
    case Error::restart:
      return "restart";
    case Error::too_large:
      return "too_large";
  }
  return "unknown";
}

}  // namespace huffman

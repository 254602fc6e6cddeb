// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/result.h"

// Lossless re-coding of baseline JPEG scans: the symbols of the entropy-coded
// data (ITU-T T.81 annex F) are decoded and written again with the tables of
// Annex K.3, which are all that RTP/JPEG knows (RFC 2435 4.1). Coefficients are
// never computed, so that the picture stays what it is, bit for bit.
namespace huffman {

// Position: the byte of the scan near which it is.
enum class Error
{
  bad_table,  // more codes of a length than there can be, or two for a symbol
  no_code,    // bits that no code begins with, no symbol of baseline
              // coding, or more than 64 coefficients in a block
  dc_range,   // a DC difference that no code has room for
  truncated,  // the data end before the last MCU
  restart,    // RSTm is missing or out of turn
  too_large,  // more than max_size comes out
};

[[nodiscard]] const char *to_string (Error error);

template <class T>
using Result = relay::Result<T, Error>;

// BITS and HUFFVAL (T.81 B.2.4.2), as they are in DHT behind Tc and Th.
using Spec = std::span<const std::uint8_t>;

// What the blocks of a component are coded with.
struct Tables
{
  Spec dc;
  Spec ac;
};

[[nodiscard]] bool operator== (const Tables &a, const Tables &b);

// T.81 K.3.3.
[[nodiscard]] Tables standard_luma ();
[[nodiscard]] Tables standard_chroma ();

struct Component
{
  unsigned horizontal = 1;  // sampling factors (T.81 A.1.1)
  unsigned vertical = 1;
  Tables tables;
};

// One scan with all components of an image: Y, or Y, Cb and Cr.
struct Scan
{
  unsigned width = 0;  // in pixels
  unsigned height = 0;
  std::span<const Component> components;
  unsigned restart_interval = 0;  // in its MCUs; 0: no restart markers
};

// What comes out: MCUs of 2 by `vertical` blocks of Y and one of Cb and Cr
// each. Of a Y alone the chroma is zero.
struct Target
{
  unsigned vertical = 2;          // 2: 4:2:0, 1: 4:2:2
  unsigned restart_interval = 0;  // in its MCUs; 0: no restart markers
};

// As RFC 2435 3.1.2 bounds a scan.
inline constexpr std::size_t max_size = std::size_t{1} << 24;

// Keeps what it has built from tables for as long as these stay the same.
class Recoder
{
public:
  Recoder ();
  ~Recoder ();
  Recoder (const Recoder &) = delete;
  Recoder &operator= (const Recoder &) = delete;

  // Replaces what is in `out` by the scan, without EOI. Data behind the last
  // MCU are left out. The scan is one that target_of () has a target for.
  [[nodiscard]] Result<relay::Done> recode (const Scan &scan,
      std::span<const std::uint8_t> data, const Target &target,
      std::vector<std::uint8_t> &out);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The `vertical` of the target that a scan of these components fits into
// without loss; 0 when there is none. T.81 A.2.2: of a single component the
// sampling factors mean nothing.
[[nodiscard]] unsigned target_of (std::span<const Component> components);

}  // namespace huffman

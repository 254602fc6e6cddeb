// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/result.h"
#include "huffman.h"

// The headers of a JPEG image (ITU-T T.81), as far as RTP/JPEG needs them, and
// the end of its entropy-coded data.
namespace jpeg {

// Position: the byte of the marker whose segment breaks the rule.
enum class Error
{
  truncated,         // the data end inside the headers
  second_image,      // an SOI that is not the first marker
  no_scan,           // EOI before SOS
  segment_length,    // a length that leaves out itself
  not_baseline,      // a SOF other than SOF0
  second_frame,      // a second SOF
  sof_length,        // shorter than its components
  sample_precision,  // other than 8 bits
  dimensions,        // a width or height of 0
  components,        // neither one nor three
  sampling,          // neither grey nor 4:2:0 nor 4:2:2, however written
  dqt_length,        // no whole number of tables
  dqt_precision,     // neither 8 nor 16 bits
  dqt_id,            // 15
  dht_length,        // no whole number of tables
  dht_id,            // class above 1 or id above 3
  dri_length,        // shorter than its interval
  sos_length,        // shorter than its components
  no_frame,          // SOS before SOF
  scan_components,   // not all components, or not in their order
  rgb,               // three components that are not YCbCr
  no_dqt,            // a component's quantization table is not there
  no_dht,            // a component's Huffman table is not there
  chroma_tables,     // Cb and Cr are quantised differently
  empty_scan,        // no entropy-coded data behind SOS
};

[[nodiscard]] const char *to_string (Error error);

template <class T>
using Result = relay::Result<T, Error>;

// Those that RTP/JPEG has (RFC 2435 4.1).
enum class Sampling
{
  yuv422,  // Y 2x1, Cb and Cr 1x1
  yuv420,  // Y 2x2, Cb and Cr 1x1
};

// In zig-zag order as in DQT: 64 bytes, or 128 for 16-bit elements.
using QuantTable = std::span<const std::uint8_t>;

struct Header
{
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  // What the image is, or becomes when it is re-coded.
  Sampling sampling = Sampling::yuv420;
  QuantTable luma;
  QuantTable chroma;
  std::uint16_t restart_interval = 0;  // in MCUs; 0: no restart markers
  // Y, or Y, Cb and Cr.
  std::array<huffman::Component, 3> components;
  std::size_t component_count = 0;
  // It has other Huffman tables than those of Annex K.3, or its blocks are in
  // another order than RFC 2435 4.1 has them.
  bool needs_recoding = false;
  // Where the entropy-coded data begin. None if there is neither SOI nor SOS
  // but SOF and DQT: such headers without an image are all there is.
  std::optional<std::size_t> scan;
};

// The tables that were defined last. They hold until they are defined again
// (T.81 B.2.4: "retain"), also in the images that follow (B.5, the abbreviated
// format).
class Tables
{
public:
  // T.81 allows four. Real encoders use other ids too, and stock elements take
  // all but 15.
  static constexpr std::size_t quant_count = 15;
  static constexpr std::size_t huffman_count = 4;

  [[nodiscard]] QuantTable quant (std::size_t id) const { return quant_[id]; }
  [[nodiscard]] huffman::Spec huffman (
      std::size_t table_class, std::size_t id) const
  {
    return huffman_[table_class][id];
  }
  void set_quant (std::size_t id, QuantTable table);
  void set_huffman (
      std::size_t table_class, std::size_t id, huffman::Spec table);

private:
  std::array<std::vector<std::uint8_t>, quant_count> quant_;
  // By class (0: DC, 1: AC) and id.
  std::array<std::array<std::vector<std::uint8_t>, huffman_count>, 2> huffman_;
};

// `head` is the beginning of an image of `image_size` bytes and may be all of
// it. Error::truncated can mean that a longer head is needed. `before`: the
// tables of the images before; those of an image that can be sent are added.
// What is in the result are views of it.
//
// What decoders pass over is passed over: bytes between segments that belong
// to none, fill bytes, segments of other kinds.
[[nodiscard]] Result<Header> parse (
    std::span<const std::uint8_t> head, std::size_t image_size, Tables &tables);

inline constexpr std::uint8_t eoi[] = {0xff, 0xd9};

// Looks for the EOI behind entropy-coded data that come in pieces. Inside them
// 0xFF is followed by 0 or RSTm (T.81 F.1.2.3), so the first EOI is the one.
class EoiSearch
{
public:
  // The size of the data up to and with the EOI, counted from the first piece.
  [[nodiscard]] std::optional<std::size_t> feed (
      std::span<const std::uint8_t> piece);

private:
  std::size_t before_ = 0;  // bytes of earlier pieces
  bool after_ff_ = false;
};

}  // namespace jpeg

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "jpeg.h"

#include <algorithm>
#include <array>

namespace jpeg {

namespace {

using Bytes = std::span<const std::uint8_t>;
using relay::failure;

// T.81 table B.1.
namespace marker {
constexpr std::uint8_t tem = 0x01;
constexpr std::uint8_t res_last = 0xbf;  // RES are 0x02 to this
constexpr std::uint8_t sof0 = 0xc0;
constexpr std::uint8_t dht = 0xc4;
constexpr std::uint8_t jpg = 0xc8;
constexpr std::uint8_t dac = 0xcc;
constexpr std::uint8_t sof15 = 0xcf;
constexpr std::uint8_t rst0 = 0xd0;
constexpr std::uint8_t rst7 = 0xd7;
constexpr std::uint8_t soi = 0xd8;
constexpr std::uint8_t eoi = 0xd9;
constexpr std::uint8_t sos = 0xda;
constexpr std::uint8_t dqt = 0xdb;
constexpr std::uint8_t dri = 0xdd;
}  // namespace marker

// T.81 K.3.3: the number of codes of each length from 1 to 16 (BITS), and the
// values in the order of their codes (HUFFVAL).
constexpr std::uint8_t dc_luma[] = {0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0,
    0,  // BITS
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
constexpr std::uint8_t dc_chroma[] = {0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0,
    0, 0,  // BITS
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
// clang-format off
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
constexpr std::size_t length_size = 2;
constexpr std::size_t sof_component_size = 3;
constexpr std::size_t sos_component_size = 2;

std::uint16_t u16 (Bytes at)
{
  return static_cast<std::uint16_t> (at[0] << 8 | at[1]);
}

bool same (Bytes a, Bytes b)
{
  return std::ranges::equal (a, b);
}

struct Component
{
  std::uint8_t id = 0;
  std::uint8_t sampling = 0;  // H in the upper, V in the lower four bits
  std::uint8_t table = 0;     // Tq
};
using Components = std::array<Component, 3>;

class Parser
{
public:
  Parser (Bytes head, std::size_t image_size)
      : head_ (head), image_size_ (image_size)
  {
  }

  Result<Header> run ();

private:
  using Done = relay::Done;

  std::optional<std::uint8_t> next_marker ();
  Result<Bytes> segment ();
  Result<Done> table_or_misc (std::uint8_t code, Bytes body);
  Result<Done> sof (std::uint8_t code, Bytes body);
  Result<Done> dqt (Bytes body);
  Result<Done> dht (Bytes body);
  Result<Done> dri (Bytes body);
  Result<Done> sos (Bytes body) const;
  Result<Header> header () const;
  Result<Header> end_of_data () const;

  Bytes huffman (std::size_t table_class, std::size_t id) const;

  [[nodiscard]] relay::Failure<Error> bad (Error error) const
  {
    return failure (error, marker_at_);
  }

  Bytes head_;
  std::size_t image_size_;
  std::size_t position_ = 0;
  std::size_t marker_at_ = 0;

  bool soi_ = false;
  bool sof_ = false;
  std::uint16_t width_ = 0;
  std::uint16_t height_ = 0;
  std::uint16_t restart_interval_ = 0;
  Components components_;
  // T.81 allows four. Real encoders use other ids too, and stock elements take
  // all but 15.
  std::array<QuantTable, 15> quant_;
  // By class (0: DC, 1: AC) and id: BITS and HUFFVAL.
  std::array<std::array<Bytes, 4>, 2> huffman_;
};

// Leaves position_ behind the marker.
std::optional<std::uint8_t> Parser::next_marker ()
{
  auto at = head_.begin () + static_cast<std::ptrdiff_t> (position_);
  for (;;) {
    at = std::find (at, head_.end (), 0xff);
    auto code = std::find_if (
        at, head_.end (), [] (auto byte) { return byte != 0xff; });
    if (code == head_.end ()) return std::nullopt;
    at = code + 1;
    if (*code == 0) continue;  // a stuffed zero: no marker
    position_ = static_cast<std::size_t> (at - head_.begin ());
    marker_at_ = position_ - 2;
    return *code;
  }
}

// The parameters of the segment at position_, which moves behind it.
Result<Bytes> Parser::segment ()
{
  Bytes rest = head_.subspan (position_);
  if (rest.size () < length_size) return bad (Error::truncated);
  std::size_t length = u16 (rest);
  if (length < length_size) return bad (Error::segment_length);
  if (length > rest.size ()) return bad (Error::truncated);
  position_ += length;
  return rest.subspan (length_size, length - length_size);
}

Result<Header> Parser::run ()
{
  for (bool first = true;; first = false) {
    std::optional<std::uint8_t> code = next_marker ();
    if (!code) return end_of_data ();
    if (*code == marker::soi) {
      if (!first) return bad (Error::second_image);
      soi_ = true;
      continue;
    }
    if (*code == marker::eoi) return bad (Error::no_scan);
    // These stand alone, or nobody knows their parameters.
    if ((*code >= marker::tem && *code <= marker::res_last) ||
        (*code >= marker::rst0 && *code <= marker::rst7))
      continue;

    Result<Bytes> body = segment ();
    if (!body) return body.error ();
    if (*code == marker::sos) {
      Result<Done> scan = sos (*body);
      if (!scan) return scan.error ();
      return header ();
    }
    Result<Done> done = table_or_misc (*code, *body);
    if (!done) return done.error ();
  }
}

Result<Parser::Done> Parser::table_or_misc (std::uint8_t code, Bytes body)
{
  switch (code) {
    case marker::dqt:
      return dqt (body);
    case marker::dht:
      return dht (body);
    case marker::dri:
      return dri (body);
    case marker::jpg:
    case marker::dac:
      return Done{};
    default:
      if (code >= marker::sof0 && code <= marker::sof15)
        return sof (code, body);
      return Done{};
  }
}

// T.81 B.2.2.
Result<Parser::Done> Parser::sof (std::uint8_t code, Bytes body)
{
  constexpr std::size_t fixed_size = 6;
  if (code != marker::sof0) return bad (Error::not_baseline);
  if (sof_) return bad (Error::second_frame);
  if (body.size () < fixed_size) return bad (Error::sof_length);
  if (body[0] != 8) return bad (Error::sample_precision);
  height_ = u16 (body.subspan (1));
  width_ = u16 (body.subspan (3));
  if (height_ == 0 || width_ == 0) return bad (Error::dimensions);
  if (body[5] != components_.size ()) return bad (Error::components);
  Bytes rest = body.subspan (fixed_size);
  if (rest.size () < components_.size () * sof_component_size)
    return bad (Error::sof_length);
  for (Component &component : components_) {
    component = {rest[0], rest[1], rest[2]};
    rest = rest.subspan (sof_component_size);
  }
  if ((components_[0].sampling != 0x21 && components_[0].sampling != 0x22) ||
      components_[1].sampling != 0x11 || components_[2].sampling != 0x11)
    return bad (Error::sampling);
  sof_ = true;
  return Done{};
}

// T.81 B.2.4.1.
Result<Parser::Done> Parser::dqt (Bytes body)
{
  while (!body.empty ()) {
    int precision = body[0] >> 4;
    std::size_t id = body[0] & 0x0f;
    if (precision > 1) return bad (Error::dqt_precision);
    if (id >= quant_.size ()) return bad (Error::dqt_id);
    std::size_t size = precision == 0 ? 64 : 128;
    if (body.size () < 1 + size) return bad (Error::dqt_length);
    quant_[id] = body.subspan (1, size);
    body = body.subspan (1 + size);
  }
  return Done{};
}

// T.81 B.2.4.2.
Result<Parser::Done> Parser::dht (Bytes body)
{
  while (!body.empty ()) {
    std::size_t table_class = body[0] >> 4;
    std::size_t id = body[0] & 0x0f;
    if (table_class >= huffman_.size () || id >= huffman_[0].size ())
      return bad (Error::dht_id);
    body = body.subspan (1);
    if (body.size () < bits_size) return bad (Error::dht_length);
    std::size_t size = bits_size;
    for (std::uint8_t count : body.first (bits_size)) size += count;
    if (body.size () < size) return bad (Error::dht_length);
    huffman_[table_class][id] = body.first (size);
    body = body.subspan (size);
  }
  return Done{};
}

// T.81 B.2.4.4. A later one replaces an earlier one; 0 switches restart off.
Result<Parser::Done> Parser::dri (Bytes body)
{
  if (body.size () < 2) return bad (Error::dri_length);
  restart_interval_ = u16 (body);
  return Done{};
}

// Images of motion JPEG may leave out DHT: then tables 0 and 1 are the standard
// ones for luma and chroma.
Bytes Parser::huffman (std::size_t table_class, std::size_t id) const
{
  if (id >= huffman_[table_class].size ()) return {};
  Bytes defined = huffman_[table_class][id];
  if (!defined.empty ()) return defined;
  if (id == 0) return table_class == 0 ? Bytes (dc_luma) : Bytes (ac_luma);
  if (id == 1) return table_class == 0 ? Bytes (dc_chroma) : Bytes (ac_chroma);
  return {};
}

// T.81 B.2.3. RFC 2435 4.1: one scan with all components, coded with the
// tables of Annex K.3. The ids of the tables do not reach the receiver, so only
// their contents count.
Result<Parser::Done> Parser::sos (Bytes body) const
{
  if (!sof_) return bad (Error::no_frame);
  if (body.empty ()) return bad (Error::sos_length);
  if (body[0] != components_.size ()) return bad (Error::scan_components);
  Bytes rest = body.subspan (1);
  if (rest.size () < components_.size () * sos_component_size)
    return bad (Error::sos_length);
  for (const Component &component : components_) {
    if (rest[0] != component.id) return bad (Error::scan_components);
    bool luma = &component == &components_[0];
    if (!same (huffman (0, rest[1] >> 4),
            luma ? Bytes (dc_luma) : Bytes (dc_chroma)) ||
        !same (huffman (1, rest[1] & 0x0f),
            luma ? Bytes (ac_luma) : Bytes (ac_chroma)))
      return bad (Error::huffman_tables);
    rest = rest.subspan (sos_component_size);
  }
  return Done{};
}

// position_ is where the entropy-coded data begin.
Result<Header> Parser::header () const
{
  std::array<QuantTable, 3> tables;
  for (std::size_t i = 0; i < tables.size (); i++) {
    if (components_[i].table >= quant_.size ()) return bad (Error::no_dqt);
    tables[i] = quant_[components_[i].table];
    if (tables[i].empty ()) return bad (Error::no_dqt);
  }
  // RFC 2435 4.1: Cb and Cr share table 1. Some cameras define it twice.
  if (!same (tables[1], tables[2])) return bad (Error::chroma_tables);

  Header header;
  header.width = width_;
  header.height = height_;
  header.sampling =
      components_[0].sampling == 0x21 ? Sampling::yuv422 : Sampling::yuv420;
  header.luma = tables[0];
  header.chroma = tables[1];
  header.restart_interval = restart_interval_;
  header.scan = position_;
  return header;
}

// No marker is left in head_.
Result<Header> Parser::end_of_data () const
{
  if (soi_ || !sof_ || head_.size () < image_size_)
    return failure (Error::truncated, head_.size ());
  Result<Header> headers = header ();
  if (headers) headers->scan.reset ();
  return headers;
}

}  // namespace

Result<Header> parse (Bytes head, std::size_t image_size)
{
  return Parser (head, image_size).run ();
}

std::optional<std::size_t> EoiSearch::feed (Bytes piece)
{
  auto at = piece.begin ();
  while (at != piece.end ()) {
    if (after_ff_ && *at == eoi[1])
      return before_ + static_cast<std::size_t> (at - piece.begin ()) + 1;
    at = std::find (at, piece.end (), 0xff);
    after_ff_ = at != piece.end ();
    if (after_ff_) ++at;
  }
  before_ += piece.size ();
  return std::nullopt;
}

const char *to_string (Error error)
{
  switch (error) {
#define CASE(name)  \
  case Error::name: \
    return #name
    CASE (truncated);
    CASE (second_image);
    CASE (no_scan);
    CASE (segment_length);
    CASE (not_baseline);
    CASE (second_frame);
    CASE (sof_length);
    CASE (sample_precision);
    CASE (dimensions);
    CASE (components);
    CASE (sampling);
    CASE (dqt_length);
    CASE (dqt_precision);
    CASE (dqt_id);
    CASE (dht_length);
    CASE (dht_id);
    CASE (dri_length);
    CASE (sos_length);
    CASE (no_frame);
    CASE (scan_components);
    CASE (no_dqt);
    CASE (chroma_tables);
    CASE (huffman_tables);
    CASE (empty_scan);
#undef CASE
  }
  return "unknown";
}

}  // namespace jpeg

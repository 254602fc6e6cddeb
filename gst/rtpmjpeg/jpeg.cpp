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
constexpr std::uint8_t app0 = 0xe0;
constexpr std::uint8_t app14 = 0xee;
}  // namespace marker

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
  std::uint8_t table = 0;  // Tq
  huffman::Component scan;
};
using Components = std::array<Component, 3>;

// What APPn say about three components.
enum class Colour
{
  unknown,
  ycbcr,
  rgb
};

class Parser
{
public:
  Parser (Bytes head, std::size_t image_size, Tables &tables)
      : head_ (head), image_size_ (image_size), tables_ (tables)
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
  void app0 (Bytes body);
  void app14 (Bytes body);
  Result<Done> sos (Bytes body);
  Result<Done> sampling ();
  [[nodiscard]] bool is_rgb () const;
  Result<Header> header ();
  void keep_tables ();
  Result<Header> end_of_data ();

  // Null: it is not there.
  Bytes quant (std::size_t id) const;
  Bytes huffman (std::size_t table_class, std::size_t id) const;

  [[nodiscard]] relay::Failure<Error> bad (Error error) const
  {
    return failure (error, marker_at_);
  }

  Bytes head_;
  std::size_t image_size_;
  Tables &tables_;
  std::size_t position_ = 0;
  std::size_t marker_at_ = 0;

  bool soi_ = false;
  bool sof_ = false;
  std::uint16_t width_ = 0;
  std::uint16_t height_ = 0;
  std::uint16_t restart_interval_ = 0;
  Components components_;
  std::size_t component_count_ = 0;
  Colour colour_ = Colour::unknown;
  Sampling sampling_ = Sampling::yuv420;
  // As in Tables.
  std::array<QuantTable, Tables::quant_count> quant_;
  std::array<std::array<Bytes, Tables::huffman_count>, 2> huffman_;
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
    case marker::app0:
      app0 (body);
      return Done{};
    case marker::app14:
      app14 (body);
      return Done{};
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
  component_count_ = body[5];
  if (component_count_ != 1 && component_count_ != 3)
    return bad (Error::components);
  Bytes rest = body.subspan (fixed_size);
  if (rest.size () < component_count_ * sof_component_size)
    return bad (Error::sof_length);
  for (std::size_t i = 0; i < component_count_; i++) {
    unsigned horizontal = rest[1] >> 4;
    unsigned vertical = rest[1] & 0x0f;
    components_[i] = {rest[0], rest[2], {horizontal, vertical, {}}};
    rest = rest.subspan (sof_component_size);
  }
  sof_ = true;
  return sampling ();
}

Result<Parser::Done> Parser::sampling ()
{
  std::array<huffman::Component, 3> scans;
  for (std::size_t i = 0; i < component_count_; i++)
    scans[i] = components_[i].scan;
  unsigned vertical =
      huffman::target_of (std::span (scans).first (component_count_));
  if (vertical == 0) return bad (Error::sampling);
  sampling_ = vertical == 1 ? Sampling::yuv422 : Sampling::yuv420;
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

// JFIF is YCbCr.
void Parser::app0 (Bytes body)
{
  constexpr std::array<std::uint8_t, 5> jfif = {'J', 'F', 'I', 'F', 0};
  if (body.size () >= jfif.size () && same (body.first (jfif.size ()), jfif))
    colour_ = Colour::ycbcr;
}

// Adobe's says by its last byte: 0 is RGB. JFIF goes before it, as in libjpeg.
void Parser::app14 (Bytes body)
{
  constexpr std::array<std::uint8_t, 5> adobe = {'A', 'd', 'o', 'b', 'e'};
  constexpr std::size_t transform = 11;
  if (body.size () <= transform || !same (body.first (adobe.size ()), adobe) ||
      colour_ == Colour::ycbcr)
    return;
  colour_ = body[transform] == 0 ? Colour::rgb : Colour::ycbcr;
}

// As libjpeg guesses.
bool Parser::is_rgb () const
{
  if (component_count_ != 3) return false;
  if (colour_ != Colour::unknown) return colour_ == Colour::rgb;
  return components_[0].id == 'R' && components_[1].id == 'G' &&
         components_[2].id == 'B';
}

Bytes Parser::quant (std::size_t id) const
{
  if (id >= quant_.size ()) return {};
  return quant_[id].empty () ? tables_.quant (id) : quant_[id];
}

// Images of motion JPEG may leave out DHT: then tables 0 and 1 are the standard
// ones for luma and chroma.
Bytes Parser::huffman (std::size_t table_class, std::size_t id) const
{
  if (id >= huffman_[table_class].size ()) return {};
  for (Bytes defined :
      {huffman_[table_class][id], Bytes (tables_.huffman (table_class, id))})
    if (!defined.empty ()) return defined;
  if (id > 1) return {};
  huffman::Tables standard =
      id == 0 ? huffman::standard_luma () : huffman::standard_chroma ();
  return table_class == 0 ? standard.dc : standard.ac;
}

// T.81 B.2.3. RFC 2435 4.1: one scan with all components. The ids of the tables
// do not reach the receiver, so only their contents count.
Result<Parser::Done> Parser::sos (Bytes body)
{
  if (!sof_) return bad (Error::no_frame);
  if (body.empty ()) return bad (Error::sos_length);
  if (body[0] != component_count_) return bad (Error::scan_components);
  Bytes rest = body.subspan (1);
  if (rest.size () < component_count_ * sos_component_size)
    return bad (Error::sos_length);
  for (std::size_t i = 0; i < component_count_; i++) {
    if (rest[0] != components_[i].id) return bad (Error::scan_components);
    huffman::Tables tables = {
        huffman (0, rest[1] >> 4), huffman (1, rest[1] & 0x0f)};
    if (tables.dc.empty () || tables.ac.empty ()) return bad (Error::no_dht);
    components_[i].scan.tables = tables;
    rest = rest.subspan (sos_component_size);
  }
  if (is_rgb ()) return bad (Error::rgb);
  return Done{};
}

// position_ is where the entropy-coded data begin.
Result<Header> Parser::header ()
{
  // Of grey images the chroma is zero, whatever it is multiplied with.
  std::array<QuantTable, 3> tables;
  for (std::size_t i = 0; i < tables.size (); i++) {
    tables[i] = quant (components_[i < component_count_ ? i : 0].table);
    if (tables[i].empty ()) return bad (Error::no_dqt);
  }
  // RFC 2435 4.1: Cb and Cr share table 1. Some cameras define it twice.
  if (!same (tables[1], tables[2])) return bad (Error::chroma_tables);

  Header header;
  header.width = width_;
  header.height = height_;
  header.sampling = sampling_;
  header.luma = tables[0];
  header.chroma = tables[1];
  header.restart_interval = restart_interval_;
  header.component_count = component_count_;
  header.needs_recoding = component_count_ != 3 ||
                          components_[0].scan.horizontal != 2 ||
                          components_[1].scan.vertical != 1;
  for (std::size_t i = 0; i < component_count_; i++) {
    header.components[i] = components_[i].scan;
    header.needs_recoding |=
        !(components_[i].scan.tables ==
            (i == 0 ? huffman::standard_luma () : huffman::standard_chroma ()));
  }
  header.scan = position_;
  keep_tables ();
  return header;
}

void Parser::keep_tables ()
{
  for (std::size_t id = 0; id < quant_.size (); id++)
    if (!quant_[id].empty ()) tables_.set_quant (id, quant_[id]);
  for (std::size_t table_class = 0; table_class < huffman_.size ();
       table_class++)
    for (std::size_t id = 0; id < huffman_[table_class].size (); id++)
      if (!huffman_[table_class][id].empty ())
        tables_.set_huffman (table_class, id, huffman_[table_class][id]);
}

// No marker is left in head_.
Result<Header> Parser::end_of_data ()
{
  if (soi_ || !sof_ || head_.size () < image_size_)
    return failure (Error::truncated, head_.size ());
  Result<Header> headers = header ();
  if (!headers) return headers;
  // Of a scan that is not there nothing can be re-coded.
  if (component_count_ != 3) return bad (Error::components);
  headers->needs_recoding = false;
  headers->scan.reset ();
  return headers;
}

}  // namespace

Result<Header> parse (Bytes head, std::size_t image_size, Tables &tables)
{
  return Parser (head, image_size, tables).run ();
}

// The same one again, as a rule: nothing is allocated then.
void Tables::set_quant (std::size_t id, QuantTable table)
{
  if (!same (quant_[id], table))
    quant_[id].assign (table.begin (), table.end ());
}

void Tables::set_huffman (
    std::size_t table_class, std::size_t id, huffman::Spec table)
{
  std::vector<std::uint8_t> &kept = huffman_[table_class][id];
  if (!same (kept, table)) kept.assign (table.begin (), table.end ());
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
    CASE (rgb);
    CASE (no_dqt);
    CASE (no_dht);
    CASE (chroma_tables);
    CASE (empty_scan);
#undef CASE
  }
  return "unknown";
}

}  // namespace jpeg

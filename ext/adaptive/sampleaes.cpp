// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sampleaes.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace sampleaes {

using Bytes = std::span<std::uint8_t>;
using View = std::span<const std::uint8_t>;
using relay::Done;

const char *to_string (Error error)
{
  switch (error) {
    case Error::key_size:
      return "the key has another size than the cipher wants";
    case Error::library:
      return "the crypto library failed";
    case Error::not_aligned:
      return "a PES packet begins inside a NAL unit";
    case Error::emulation:
      return "a start code inside a NAL unit: the key, its IV or the segment "
             "is wrong";
    case Error::no_frame:
      return "no frame of ADTS, AC-3 or E-AC-3 where one should begin";
    case Error::frame_size:
      return "a frame is shorter than its header";
    case Error::cut_frame:
      return "it ends inside a frame";
    case Error::sync:
      return "a packet without sync byte";
    case Error::cut_packet:
      return "it ends inside a packet";
    case Error::adaptation:
      return "an adaptation field is longer than its packet";
    case Error::scrambled:
      return "scrambled by means of the transport stream";
    case Error::continuity:
      return "packets are missing, or come twice";
    case Error::section_cut:
      return "a program map in more than one packet";
    case Error::section_size:
      return "sizes in the program map that do not fit";
    case Error::section_crc:
      return "the checksum of a program map is wrong";
    case Error::no_program:
      return "media before the program map";
    case Error::pes_header:
      return "no PES header where one should be";
    case Error::pes_size:
      return "a PES packet is not as long as it says";
    case Error::stuffing:
      return "more packets than bytes";
    case Error::too_long:
      return "a PES packet does not end";
    case Error::not_a_map:
      return "encrypted media in an initialization";
  }
  return "unknown";
}

// ---- The cipher ------------------------------------------------------------

namespace {

// 2.2, listing 2-1: the type byte and 31 more; then one block of ten, unless it
// would be the last.
constexpr std::size_t nal_leader = 32;
constexpr std::size_t longest_clear_nal = nal_leader + aes::block_size;
constexpr std::size_t crypt_blocks = 1;
constexpr std::size_t skip_blocks = 9;
// 2.3: of a frame of sound, behind an ADTS header.
constexpr std::size_t frame_leader = 16;

std::size_t find_start_code (View stream, std::size_t from)
{
  std::size_t at = from + 2;
  while (at < stream.size ()) {
    const void *one = std::memchr (stream.data () + at, 1, stream.size () - at);
    if (one == nullptr) break;
    at = static_cast<std::size_t> (
        static_cast<const std::uint8_t *> (one) - stream.data ());
    if (stream[at - 1] == 0 && stream[at - 2] == 0) return at - 2;
    at++;
  }
  return stream.size ();
}

// Encryption put emulation prevention bytes on top of those that the unit had:
// these are taken off (ISO/IEC 14496-10 7.4.1). A last 3 is the unit's own.
// Returns the new size; to may be in front of unit in the same memory.
std::size_t unescape (std::uint8_t *to, View unit)
{
  std::size_t size = 0;
  std::size_t from = 0;
  std::size_t at = 2;
  while (at + 1 < unit.size ()) {
    const void *three =
        std::memchr (unit.data () + at, 3, unit.size () - 1 - at);
    if (three == nullptr) break;
    at = static_cast<std::size_t> (
        static_cast<const std::uint8_t *> (three) - unit.data ());
    if (unit[at - 1] == 0 && unit[at - 2] == 0) {
      std::memmove (to + size, unit.data () + from, at - from);
      size += at - from;
      from = at + 1;
      at += 2;
    }
    at++;
  }
  std::memmove (to + size, unit.data () + from, unit.size () - from);
  return size + unit.size () - from;
}

// "Within the NAL unit, the following three-byte sequences shall not occur":
// 0, 0 and 0, 1 or 2 (7.4.1).
bool has_start_code (View unit)
{
  std::size_t at = 0;
  while (at + 2 < unit.size ()) {
    const void *zero =
        std::memchr (unit.data () + at, 0, unit.size () - 2 - at);
    if (zero == nullptr) return false;
    at = static_cast<std::size_t> (
        static_cast<const std::uint8_t *> (zero) - unit.data ());
    if (unit[at + 1] == 0 && unit[at + 2] <= 2) return true;
    at++;
  }
  return false;
}

}  // namespace

Result<Cipher> Cipher::create (View key, const aes::Block &iv)
{
  aes::Key bytes{};
  if (key.size () != bytes.size ()) return relay::failure (Error::key_size);
  std::ranges::copy (key, bytes.begin ());
  auto cipher = aes::Cipher::create (aes::Mode::cbc_decrypt, bytes);
  explicit_bzero (bytes.data (), bytes.size ());
  if (!cipher) return relay::failure (Error::library);
  return Cipher (std::move (*cipher), iv);
}

// "if (bytes_remaining () > 16)": a block that would be the last bytes is
// clear. So the last byte is never one of those that may be encrypted.
bool Cipher::decrypt_nal_unit (Bytes unit)
{
  if (unit.size () <= longest_clear_nal) return true;
  if (!cipher_.start (iv_)) return false;
  pattern::Chain chain;
  pattern::Batch batch (
      unit, scratch_, crypt_blocks, skip_blocks, nullptr, chain);
  batch.begin_range (nal_leader, unit.size () - nal_leader - 1, true);
  for (bool is_whole = false; !is_whole;) {
    is_whole = batch.gather ();
    if (!cipher_.update (batch.blocks (), batch.blocks ())) return false;
    batch.scatter ();
  }
  return true;
}

Result<std::size_t> Cipher::decrypt_nal_units (Bytes stream)
{
  std::size_t at = find_start_code (stream, 0);
  for (std::uint8_t byte : stream.first (at))
    if (byte != 0) return relay::failure (Error::not_aligned);
  std::size_t size = at;
  while (at < stream.size ()) {
    std::size_t begin = at + 3;
    std::size_t next = find_start_code (stream, begin);
    // trailing_zero_8bits and the next one's zero_byte are of no unit.
    std::size_t end = next;
    while (end > begin && stream[end - 1] == 0) end--;
    Bytes unit = stream.subspan (begin, end - begin);
    unsigned type = unit.empty () ? 0 : unit[0] & 31U;
    std::memmove (stream.data () + size, stream.data () + at, 3);
    size += 3;
    if ((type == 1 || type == 5) && unit.size () > longest_clear_nal) {
      std::size_t left = unescape (stream.data () + size, unit);
      unit = stream.subspan (size, left);
      if (!decrypt_nal_unit (unit)) return relay::failure (Error::library);
      if (has_start_code (unit)) return relay::failure (Error::emulation, at);
    } else {
      std::memmove (stream.data () + size, unit.data (), unit.size ());
    }
    size += unit.size ();
    std::memset (stream.data () + size, 0, next - end);
    size += next - end;
    at = next;
  }
  return size;
}

// 2.3.2, 2.3.3: whole blocks, the rest is clear.
bool Cipher::decrypt_frame (Bytes payload)
{
  if (payload.size () < frame_leader + aes::block_size) return true;
  Bytes blocks = payload.subspan (frame_leader);
  blocks = blocks.first (blocks.size () - blocks.size () % aes::block_size);
  return cipher_.start (iv_).ok () && cipher_.update (blocks, blocks).ok ();
}

// ---- Frames of sound -------------------------------------------------------

namespace {

struct Frame
{
  std::size_t header = 0;  // that is no part of what may be encrypted
  std::size_t size = 0;
};

// With this many bytes there is nothing more to be known.
constexpr std::size_t frame_header = 7;

// ISO/IEC 14496-3 1.A.2.2
Result<Frame> parse_adts (View bytes)
{
  if (bytes[0] != 0xff || (bytes[1] & 0xf6) != 0xf0)
    return relay::failure (Error::no_frame);
  Frame frame;
  frame.header = (bytes[1] & 1) != 0 ? 7 : 9;
  frame.size = static_cast<std::size_t> (
      (bytes[3] & 3) << 11 | bytes[4] << 3 | bytes[5] >> 5);
  if (frame.size < frame.header) return relay::failure (Error::frame_size);
  return frame;
}

// ETSI TS 102 366 4.4.1.4: in 16-bit words.
std::optional<std::size_t> ac3_words (unsigned fscod, unsigned frmsizecod)
{
  constexpr unsigned kbits[] = {32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192,
      224, 256, 320, 384, 448, 512, 576, 640};
  if (fscod == 3 || frmsizecod / 2 >= std::size (kbits)) return std::nullopt;
  unsigned rate = kbits[frmsizecod / 2];
  if (fscod == 0) return rate * 2;
  if (fscod == 2) return rate * 3;
  // At 44.1 kHz frames are of two sizes.
  return rate * 320 / 147 + frmsizecod % 2;
}

// 4.4.1, E.1.2.2
Result<Frame> parse_ac3 (View bytes)
{
  if (bytes[0] != 0x0b || bytes[1] != 0x77)
    return relay::failure (Error::no_frame);
  Frame frame;
  unsigned bsid = bytes[5] >> 3;
  if (bsid > 16) return relay::failure (Error::no_frame);
  if (bsid > 10) {
    frame.size =
        (static_cast<std::size_t> ((bytes[2] & 7) << 8 | bytes[3]) + 1) * 2;
  } else {
    auto words = ac3_words (bytes[4] >> 6, bytes[4] & 0x3f);
    if (!words) return relay::failure (Error::no_frame);
    frame.size = *words * 2;
  }
  if (frame.size < frame_header) return relay::failure (Error::frame_size);
  return frame;
}

Result<Frame> parse_frame (Codec codec, View bytes)
{
  return codec == Codec::ac3 ? parse_ac3 (bytes) : parse_adts (bytes);
}

}  // namespace

Result<std::size_t> Cipher::decrypt_frames (Codec codec, Bytes stream)
{
  std::size_t at = 0;
  while (stream.size () - at >= frame_header) {
    auto frame = parse_frame (codec, stream.subspan (at));
    if (!frame) return relay::failure (frame.code (), at);
    if (frame->size > stream.size () - at) break;
    Bytes payload =
        stream.subspan (at + frame->header, frame->size - frame->header);
    if (!decrypt_frame (payload)) return relay::failure (Error::library, at);
    at += frame->size;
  }
  return at;
}

// ---- Packed audio ----------------------------------------------------------

namespace {

constexpr std::size_t tag_header = 10;

bool is_tag (View bytes)
{
  return bytes[0] == 'I' && bytes[1] == 'D' && bytes[2] == '3';
}

// ID3v2.4 3.1: 7 bits in each byte; there may be a footer.
std::size_t tag_size (View bytes)
{
  std::size_t size = 0;
  for (std::size_t i = 6; i < tag_header; i++)
    size = size << 7 | (bytes[i] & 0x7fU);
  return tag_header + size + ((bytes[5] & 0x10) != 0 ? tag_header : 0);
}

}  // namespace

Result<Done> PackedAudio::feed (View bytes, std::vector<std::uint8_t> &out)
{
  held_.insert (held_.end (), bytes.begin (), bytes.end ());
  Bytes left (held_);
  std::size_t at = 0;
  auto pass = [&] (std::size_t size) {
    Bytes now = left.subspan (at, size);
    out.insert (out.end (), now.begin (), now.end ());
    at += size;
  };
  while (at < left.size ()) {
    if (tag_left_ > 0) {
      std::size_t size = std::min (tag_left_, left.size () - at);
      pass (size);
      tag_left_ -= size;
      continue;
    }
    Bytes rest = left.subspan (at);
    if (rest.size () < frame_header) break;
    if (is_tag (rest)) {
      if (rest.size () < tag_header) break;
      tag_left_ = tag_size (rest);
      continue;
    }
    Codec codec = rest[0] == 0x0b ? Codec::ac3 : Codec::aac;
    auto frame = parse_frame (codec, rest);
    if (!frame) return relay::failure (frame.code (), position_ + at);
    if (frame->size > rest.size ()) break;
    auto done = cipher_.decrypt_frames (codec, rest.first (frame->size));
    if (!done) return relay::failure (done.code (), position_ + at);
    pass (frame->size);
  }
  held_.erase (
      held_.begin (), held_.begin () + static_cast<std::ptrdiff_t> (at));
  position_ += at;
  return Done{};
}

// What is shorter than a frame's header cannot be one.
Result<Done> PackedAudio::finish () const
{
  if (tag_left_ > 0 || !held_.empty ())
    return relay::failure (Error::cut_frame, position_);
  return Done{};
}

}  // namespace sampleaes

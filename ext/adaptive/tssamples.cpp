// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tssamples.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tssamples {

using relay::Done;
using relay::failure;

namespace {

constexpr unsigned first_media_pid = 0x20;
constexpr unsigned null_pid = 0x1fff;
constexpr std::size_t pes_header = 9;

// Table 2-21: these have no header but the size.
bool has_header (unsigned stream_id)
{
  switch (stream_id) {
    case 0xbc:
    case 0xbe:
    case 0xbf:
    case 0xf0:
    case 0xf1:
    case 0xf2:
    case 0xf8:
    case 0xff:
      return false;
    default:
      return true;
  }
}

// PES_packet_length, without the six bytes up to it; 0 = not known.
std::size_t length_of (std::span<const std::uint8_t> pes)
{
  return static_cast<std::size_t> (pes[4] << 8 | pes[5]);
}

// A packet whose payload, at `at`, is to be this much shorter: it gets an
// adaptation field for that, or a longer one (2.4.3.4). Returns where the
// payload is then.
std::size_t stuff (std::uint8_t *packet, std::size_t at, std::size_t count)
{
  if (count == 0) return at;
  bool has_field = (packet[3] & 0x20) != 0;
  packet[3] |= 0x20;
  std::memset (packet + at, 0xff, count);
  std::size_t end = at + count;
  packet[4] = static_cast<std::uint8_t> (end - 5);
  // The byte of flags, where there was none and there is room for it.
  bool has_flags = has_field && at > 5;
  if (!has_flags && end > 5) packet[5] = 0;
  return end;
}

// ---- Packets ---------------------------------------------------------------

Result<Packet> parse (const std::uint8_t *bytes, std::size_t position)
{
  if (bytes[0] != 0x47) return failure (Error::sync, position);
  Packet out;
  out.position = position;
  out.pid = (bytes[1] & 0x1fU) << 8 | bytes[2];
  out.starts = (bytes[1] & 0x40) != 0;
  out.continuity = bytes[3] & 0xf;
  bool has_field = (bytes[3] & 0x20) != 0;
  if (has_field) {
    if (bytes[4] > packet_size - 5)
      return failure (Error::adaptation, position);
    out.is_discontinuous = bytes[4] > 0 && (bytes[5] & 0x80) != 0;
  }
  if ((bytes[3] & 0x10) != 0)
    out.at = has_field ? std::size_t{5} + bytes[4] : 4;
  // transport_scrambling_control, of what there is to be read.
  if ((bytes[3] & 0xc0) != 0 && out.pid != null_pid && out.at < packet_size)
    return failure (Error::scrambled, position);
  return out;
}

// A packet that says something of programs. False: it does not.
Result<bool> add_table (tsprogram::Programs &programs, const Packet &now,
    std::span<std::uint8_t> packet)
{
  std::span<std::uint8_t> payload = packet.subspan (now.at);
  Result<Done> done = Done{};
  if (now.pid == 0)
    done = programs.add_association (payload, now.starts);
  else if (programs.is_map (now.pid))
    done = programs.add_map (payload, now.starts);
  else
    return false;
  if (!done) return failure (done.code (), now.position);
  return true;
}

bool is_empty (const Packet &now)
{
  return now.at >= packet_size || now.pid == null_pid;
}

}  // namespace

Result<Done> Decrypter::add (std::size_t position)
{
  std::span<std::uint8_t> bytes (packet (position), packet_size);
  auto parsed = parse (bytes.data (), position);
  if (!parsed) return parsed.error ();
  if (is_empty (*parsed)) return Done{};
  auto is_table = add_table (programs_, *parsed, bytes);
  if (!is_table) return is_table.error ();
  if (*is_table || parsed->pid < first_media_pid) return Done{};
  return add_media (*parsed);
}

// ---- The initialization ----------------------------------------------------

Result<Done> Map::add (std::span<std::uint8_t> packet)
{
  auto parsed = parse (packet.data (), position_);
  if (!parsed) return parsed.error ();
  if (is_empty (*parsed)) return Done{};
  auto is_table = add_table (programs_, *parsed, packet);
  if (!is_table) return is_table.error ();
  if (!*is_table && programs_.codec (parsed->pid) != Codec::none)
    return failure (Error::not_a_map, position_);
  return Done{};
}

Result<Done> Map::feed (
    std::span<const std::uint8_t> bytes, std::vector<std::uint8_t> &out)
{
  held_.insert (held_.end (), bytes.begin (), bytes.end ());
  std::span<std::uint8_t> rest (held_);
  while (rest.size () >= packet_size) {
    std::span<std::uint8_t> packet = rest.first (packet_size);
    auto done = add (packet);
    if (!done) return done;
    out.insert (out.end (), packet.begin (), packet.end ());
    rest = rest.subspan (packet_size);
    position_ += packet_size;
  }
  held_.erase (held_.begin (),
      held_.end () - static_cast<std::ptrdiff_t> (rest.size ()));
  return Done{};
}

Result<Done> Map::finish () const
{
  if (!held_.empty ()) return failure (Error::cut_packet, position_);
  return Done{};
}

// ---- PES packets -----------------------------------------------------------

Result<Done> Decrypter::add_media (const Packet &now)
{
  if (!programs_.is_known ()) return failure (Error::no_program, now.position);
  if (now.starts) {
    auto done = begin (now);
    if (!done) return done;
  }
  auto open = streams_.find (now.pid);
  if (open == streams_.end ())
    return programs_.codec (now.pid) == Codec::none
               ? Result<Done> (Done{})
               : failure (Error::pes_header, now.position);
  Stream &stream = open->second;
  auto &[pieces, bytes] = stream.pes;
  if (!now.starts && pieces.empty ())
    return failure (Error::pes_header, now.position);
  if (!now.starts && !now.is_discontinuous &&
      now.continuity != ((stream.continuity + 1) & 0xf))
    return failure (Error::continuity, now.position);
  stream.continuity = now.continuity;
  const std::uint8_t *from = packet (now.position);
  pieces.push_back ({now.position, now.at, packet_size - now.at});
  bytes.insert (bytes.end (), from + now.at, from + packet_size);
  if (stream.size == 0 && bytes.size () >= 6 && length_of (bytes) > 0)
    stream.size = 6 + length_of (bytes);
  if (stream.size > 0 && bytes.size () >= stream.size) return end (stream);
  return Done{};
}

// A PES packet, and so the end of the one before.
Result<Done> Decrypter::begin (const Packet &now)
{
  Codec codec = programs_.codec (now.pid);
  auto open = streams_.find (now.pid);
  if (open != streams_.end ()) {
    auto done = end (open->second);
    if (!done) return done;
    if (codec != open->second.codec) {
      if (!open->second.frame.pieces.empty ())
        return failure (Error::cut_frame, now.position);
      open = streams_.erase (open);
    }
  }
  if (codec != Codec::none) streams_[now.pid].codec = codec;
  return Done{};
}

Result<Done> Decrypter::end (Stream &stream)
{
  if (stream.pes.pieces.empty ()) return Done{};
  std::size_t position = stream.pes.pieces.front ().packet;
  const auto &bytes = stream.pes.bytes;
  if (bytes.size () < pes_header || bytes[0] != 0 || bytes[1] != 0 ||
      bytes[2] != 1 || !has_header (bytes[3]) || bytes[6] >> 6 != 2)
    return failure (Error::pes_header, position);
  if (stream.size != 0 && stream.size != bytes.size ())
    return failure (Error::pes_size, position);
  if ((bytes[6] & 0x30) != 0) return failure (Error::scrambled, position);
  std::size_t header = pes_header + bytes[8];
  if (header > bytes.size ()) return failure (Error::pes_header, position);
  auto done = stream.codec == Codec::h264 ? end_picture (stream, header)
                                          : end_sound (stream, header);
  if (!done) return failure (done.code (), position);
  stream.pes = {};
  stream.size = 0;
  return Done{};
}

Result<Done> Decrypter::end_picture (Stream &stream, std::size_t header)
{
  auto &bytes = stream.pes.bytes;
  auto size = cipher_.decrypt_nal_units (std::span (bytes).subspan (header));
  if (!size) return size.error ();
  if (stream.size != 0) {
    std::size_t length = header + *size - 6;
    bytes[4] = static_cast<std::uint8_t> (length >> 8);
    bytes[5] = static_cast<std::uint8_t> (length);
  }
  bytes.resize (header + *size);
  return refill (stream.pes);
}

// Each packet keeps something to carry, so that they still count up.
Result<Done> Decrypter::refill (const Bytes &pes)
{
  std::size_t at = 0;
  std::size_t packets = pes.pieces.size ();
  if (pes.bytes.size () < packets) return failure (Error::stuffing);
  for (const Piece &piece : pes.pieces) {
    packets--;
    std::size_t size = std::min (piece.size, pes.bytes.size () - at - packets);
    std::uint8_t *bytes = packet (piece.packet);
    std::size_t to = stuff (bytes, piece.at, piece.size - size);
    std::memcpy (bytes + to, pes.bytes.data () + at, size);
    at += size;
  }
  return Done{};
}

// What is left of pieces without their first bytes.
std::vector<Decrypter::Piece> Decrypter::behind (
    std::vector<Piece> pieces, std::size_t count)
{
  for (Piece &piece : pieces) {
    std::size_t now = std::min (count, piece.size);
    piece.at += now;
    piece.size -= now;
    count -= now;
  }
  std::erase_if (pieces, [] (const Piece &piece) { return piece.size == 0; });
  return pieces;
}

// A frame may go on in the next PES packet: it is as long as before.
Result<Done> Decrypter::end_sound (Stream &stream, std::size_t header)
{
  Bytes all = std::move (stream.frame);
  stream.frame = {};
  for (const Piece &piece : behind (std::move (stream.pes.pieces), header))
    all.pieces.push_back (piece);
  all.bytes.insert (all.bytes.end (),
      stream.pes.bytes.begin () + static_cast<std::ptrdiff_t> (header),
      stream.pes.bytes.end ());
  auto size = cipher_.decrypt_frames (stream.codec, all.bytes);
  if (!size) return size.error ();
  write (all);
  // Of the rest nothing is decrypted yet.
  stream.frame.bytes.assign (
      all.bytes.begin () + static_cast<std::ptrdiff_t> (*size),
      all.bytes.end ());
  stream.frame.pieces = behind (std::move (all.pieces), *size);
  return Done{};
}

void Decrypter::write (const Bytes &all)
{
  std::size_t at = 0;
  for (const Piece &piece : all.pieces) {
    std::memcpy (
        packet (piece.packet) + piece.at, all.bytes.data () + at, piece.size);
    at += piece.size;
  }
}

// ---- The segment -----------------------------------------------------------

// All in front of the first packet that is open.
void Decrypter::release (std::vector<std::uint8_t> &out)
{
  std::size_t to = next_;
  for (const auto &[pid, stream] : streams_) {
    for (const Bytes *one : {&stream.pes, &stream.frame})
      if (!one->pieces.empty ())
        to = std::min (to, one->pieces.front ().packet);
  }
  auto end = held_.begin () + static_cast<std::ptrdiff_t> (to - position_);
  out.insert (out.end (), held_.begin (), end);
  held_.erase (held_.begin (), end);
  position_ = to;
}

Result<Done> Decrypter::feed (
    std::span<const std::uint8_t> bytes, std::vector<std::uint8_t> &out)
{
  held_.insert (held_.end (), bytes.begin (), bytes.end ());
  while (position_ + held_.size () - next_ >= packet_size) {
    auto done = add (next_);
    if (!done) return done;
    next_ += packet_size;
  }
  release (out);
  if (held_.size () > most_held) return failure (Error::too_long, position_);
  return Done{};
}

Result<Done> Decrypter::finish (std::vector<std::uint8_t> &out)
{
  if (position_ + held_.size () != next_)
    return failure (Error::cut_packet, next_);
  for (auto &[pid, stream] : streams_) {
    auto done = end (stream);
    if (!done) return done;
    if (!stream.frame.pieces.empty ())
      return failure (Error::cut_frame, stream.frame.pieces.front ().packet);
  }
  release (out);
  return Done{};
}

}  // namespace tssamples

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "sampleaes.h"
#include "tsprogram.h"

// A segment of MPEG-TS with SAMPLE-AES, in pieces. What comes out has as many
// packets at the same places, with the same clocks: where a PES packet has got
// shorter its last packets have more stuffing.
namespace tssamples {

using sampleaes::Codec;
using sampleaes::Error;
template <class T>
using Result = sampleaes::Result<T>;

inline constexpr std::size_t packet_size = 188;
// What is held back for a PES packet that does not end.
inline constexpr std::size_t most_held = std::size_t{32} << 20;

struct Packet
{
  std::size_t position = 0;
  unsigned pid = 0;
  unsigned continuity = 0;
  bool starts = false;
  bool is_discontinuous = false;
  std::size_t at = packet_size;  // of the payload
};

// An initialization of such segments: "a Transport Stream segment containing a
// PAT and a PMT" (RFC 8216bis 3.1.1), in the clear.
class Map
{
public:
  // Appends to out, with what is in it as encrypted as clear. The position of
  // an error is that of a packet.
  [[nodiscard]] Result<relay::Done> feed (
      std::span<const std::uint8_t> bytes, std::vector<std::uint8_t> &out);
  // After the last one.
  [[nodiscard]] Result<relay::Done> finish () const;
  // For its segments.
  [[nodiscard]] const tsprogram::Programs &programs () const
  {
    return programs_;
  }

private:
  [[nodiscard]] Result<relay::Done> add (std::span<std::uint8_t> packet);

  tsprogram::Programs programs_;
  std::vector<std::uint8_t> held_;
  std::size_t position_ = 0;  // of held_
};

class Decrypter
{
public:
  // programs: what is said of them before the segment.
  explicit Decrypter (
      sampleaes::Cipher cipher, const tsprogram::Programs &programs = {})
      : cipher_ (std::move (cipher)), programs_ (programs)
  {
  }

  // Appends to out. The position of an error is that of a packet.
  [[nodiscard]] Result<relay::Done> feed (
      std::span<const std::uint8_t> bytes, std::vector<std::uint8_t> &out);
  // After the last one.
  [[nodiscard]] Result<relay::Done> finish (std::vector<std::uint8_t> &out);

private:
  // Of a PES packet, or of what one left: its bytes, and where they are.
  struct Piece
  {
    std::size_t packet = 0;  // its position in the segment
    std::size_t at = 0;      // in the packet
    std::size_t size = 0;
  };
  struct Bytes
  {
    std::vector<Piece> pieces;
    std::vector<std::uint8_t> bytes;
  };
  // What is open on a PID.
  struct Stream
  {
    Codec codec = Codec::none;
    std::size_t size = 0;  // of the PES packet; 0 = not known
    unsigned continuity = 0;
    Bytes pes;
    Bytes frame;  // that goes on in the next PES packet
  };

  [[nodiscard]] std::uint8_t *packet (std::size_t position)
  {
    return held_.data () + (position - position_);
  }
  [[nodiscard]] Result<relay::Done> add (std::size_t position);
  [[nodiscard]] Result<relay::Done> add_media (const Packet &now);
  [[nodiscard]] Result<relay::Done> begin (const Packet &now);
  [[nodiscard]] Result<relay::Done> end (Stream &stream);
  [[nodiscard]] Result<relay::Done> end_picture (
      Stream &stream, std::size_t header);
  [[nodiscard]] Result<relay::Done> end_sound (
      Stream &stream, std::size_t header);
  [[nodiscard]] Result<relay::Done> refill (const Bytes &pes);
  [[nodiscard]] static std::vector<Piece> behind (
      std::vector<Piece> pieces, std::size_t count);
  void write (const Bytes &all);
  void release (std::vector<std::uint8_t> &out);

  sampleaes::Cipher cipher_;
  tsprogram::Programs programs_;
  std::map<unsigned, Stream> streams_;  // by PID
  std::vector<std::uint8_t> held_;
  std::size_t position_ = 0;  // of held_
  std::size_t next_ = 0;      // the next packet's
};

}  // namespace tssamples

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aes.h"
#include "common/result.h"
#include "pattern.h"

// SAMPLE-AES outside of MP4: Apple's "MPEG-2 Stream Encryption Format for HTTP
// Live Streaming". AES-128 CBC without padding, anew from the IV for each NAL
// unit and each frame of sound. What is here is elementary streams and packed
// audio; tssamples is around them in a transport stream.
namespace sampleaes {

enum class Error
{
  key_size,      // not 16 bytes
  library,       // the crypto library refused or failed
  not_aligned,   // H.264: it begins inside a NAL unit
  emulation,     // H.264: what comes out has a start code in a NAL unit. The
                 // key, the IV or the data are wrong.
  no_frame,      // sound: not ADTS, AC-3 or E-AC-3
  frame_size,    // sound: a frame that is shorter than its header
  cut_frame,     // sound: the end is inside a frame, or a tag
  sync,          // TS: a packet without sync byte
  cut_packet,    // TS: the end is inside a packet
  adaptation,    // TS: an adaptation field that is too long
  scrambled,     // TS: by its own means, too
  continuity,    // TS: packets are missing or come twice in what is encrypted
  section_cut,   // PSI: a section is not within one packet
  section_size,  // PSI: something is longer than what it is in
  section_crc,   // PSI
  no_program,    // TS: media before the program map
  pes_header,    // TS: media that do not begin with a PES header
  pes_size,      // TS: a PES packet is not as long as it says
  stuffing,      // TS: less is left than there are packets for it
  too_long,      // TS: a PES packet does not end
  not_a_map      // TS: an initialization with encrypted media
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

enum class Codec : std::uint8_t
{
  none,
  h264,
  aac,  // ADTS
  ac3   // and E-AC-3, which may have frames of either
};

class Cipher
{
public:
  [[nodiscard]] static Result<Cipher> create (
      std::span<const std::uint8_t> key, const aes::Block &iv);

  // A byte stream (ISO/IEC 14496-10 Annex B) of whole NAL units, in place: the
  // result is how long it is now, which is never longer.
  [[nodiscard]] Result<std::size_t> decrypt_nal_units (
      std::span<std::uint8_t> stream);
  // Frames, in place: the result is how many bytes are whole ones. Behind them
  // one begins.
  [[nodiscard]] Result<std::size_t> decrypt_frames (
      Codec codec, std::span<std::uint8_t> stream);

private:
  Cipher (aes::Cipher cipher, const aes::Block &iv)
      : cipher_ (std::move (cipher)), iv_ (iv)
  {
  }
  [[nodiscard]] bool decrypt_nal_unit (std::span<std::uint8_t> unit);
  [[nodiscard]] bool decrypt_frame (std::span<std::uint8_t> payload);

  aes::Cipher cipher_;
  aes::Block iv_;
  pattern::Scratch scratch_;
};

// A segment of packed audio (RFC 8216 3.4), in pieces: frames of ADTS, AC-3 or
// E-AC-3, and ID3 tags. What comes out is as long as what went in.
class PackedAudio
{
public:
  explicit PackedAudio (Cipher cipher) : cipher_ (std::move (cipher)) {}

  // Appends to out. The position of an error is in the segment.
  [[nodiscard]] Result<relay::Done> feed (
      std::span<const std::uint8_t> bytes, std::vector<std::uint8_t> &out);
  [[nodiscard]] Result<relay::Done> finish () const;

private:
  Cipher cipher_;
  std::vector<std::uint8_t> held_;
  std::size_t tag_left_ = 0;  // of an ID3 tag, which passes as it is
  std::size_t position_ = 0;  // of what is held
};

}  // namespace sampleaes

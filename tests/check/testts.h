// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

// Small MPEG transport streams (ISO/IEC 13818-1), packet by packet.
namespace test {

inline std::uint32_t crc_of (const std::string &section)
{
  std::uint32_t crc = 0xffffffff;
  for (char c : section) {
    crc ^= static_cast<std::uint32_t> (static_cast<unsigned char> (c)) << 24;
    for (int i = 0; i < 8; i++)
      crc = (crc & 0x80000000) != 0 ? crc << 1 ^ 0x04c11db7 : crc << 1;
  }
  return crc;
}

// One program of one stream: a picture (H.264) or sound (AAC).
class TsWriter
{
public:
  explicit TsWriter (bool is_sound = false) : is_sound_ (is_sound) {}

  // PAT and PMT.
  std::string tables ()
  {
    return packet (0, true,
               section ("\x00", std::string ("\0\1\xc1\0\0", 5) + be16 (1) +
                                    be16 (0xe000 | table_pid))) +
           packet (table_pid, true,
               section ("\x02", std::string ("\0\1\xc1\0\0", 5) +
                                    be16 (0xe000 | video_pid) + be16 (0xf000) +
                                    (is_sound_ ? '\x0f' : '\x1b') +
                                    be16 (0xe000 | video_pid) + be16 (0xf000)));
  }

  // A picture or frame, whose clock reference is so much before its time (90
  // kHz).
  std::string picture (
      std::uint64_t time, const std::string &payload, std::uint64_t lead = 0)
  {
    const std::uint64_t clock = (time - lead) & 0x1ffffffff;
    std::string pes ("\0\0\1\xe0\0\0\x84\x80\x05", 9);
    if (is_sound_) pes[3] = '\xc0';
    pes += static_cast<char> (0x21 | (time >> 29 & 0x0e));
    pes += be16 ((time >> 14 & 0xfffe) | 1);
    pes += be16 ((time << 1 & 0xfffe) | 1);
    pes += payload;
    std::string out;
    for (std::size_t at = 0; at < pes.size ();) {
      std::string field;
      if (at == 0) {
        field = '\x50';  // a key frame, with a clock reference
        field += be16 (clock >> 17) + be16 (clock >> 1);
        field += static_cast<char> ((clock & 1) << 7 | 0x7e);
        field += '\0';
      }
      std::size_t room = 184 - (field.empty () ? 0 : field.size () + 1);
      std::size_t size = std::min (room, pes.size () - at);
      out += packet (video_pid, at == 0, pes.substr (at, size), field);
      at += size;
    }
    return out;
  }

private:
  static constexpr unsigned table_pid = 0x100;
  static constexpr unsigned video_pid = 0x101;

  static std::string be16 (std::uint64_t value)
  {
    return {static_cast<char> (value >> 8 & 0xff),
        static_cast<char> (value & 0xff)};
  }

  static std::string section (const char *id, const std::string &body)
  {
    std::string out (1, *id);
    out += be16 (0xb000 | (body.size () + 4)) + body;
    std::uint32_t crc = crc_of (out);
    return std::string (1, '\0') + out + be16 (crc >> 16) + be16 (crc & 0xffff);
  }

  // Filled up by stuffing: in the adaptation field, or behind a section.
  std::string packet (unsigned pid, bool begins, const std::string &payload,
      std::string field = {})
  {
    unsigned &count = pid == 0 ? counts_[0] : counts_[pid == table_pid ? 1 : 2];
    std::string out = "\x47" + be16 ((begins ? 0x4000u : 0u) | pid);
    if (pid != video_pid) {
      out += static_cast<char> (0x10 | (count++ & 0xf));
      out += payload;
      return out + std::string (188 - out.size (), '\xff');
    }
    bool has_field = !field.empty () || payload.size () < 184;
    out += static_cast<char> ((has_field ? 0x30 : 0x10) | (count++ & 0xf));
    if (has_field) {
      std::size_t size = 183 - payload.size ();
      if (field.empty () && size > 0) field = std::string (1, '\0');
      field.resize (size, '\xff');
      out += static_cast<char> (size) + field;
    }
    return out + payload;
  }

  const bool is_sound_;
  unsigned counts_[3] = {0, 0, 0};
};

}  // namespace test

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Writes what sampleaes and tssamples read, by the words of Apple's "MPEG-2
// Stream Encryption Format for HTTP Live Streaming" and ISO/IEC 13818-1, and
// reads transport streams strictly. Without check's macros: whatever is not as
// it should be ends the program.
namespace test {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

inline void demand (bool condition)
{
  if (!condition) std::abort ();
}

inline void append (Bytes &out, View bytes)
{
  out.insert (out.end (), bytes.begin (), bytes.end ());
}

inline Bytes operator+ (Bytes left, const Bytes &right)
{
  append (left, right);
  return left;
}

inline std::uint8_t low (std::size_t value)
{
  return static_cast<std::uint8_t> (value & 0xff);
}

// With another byte at this place.
inline Bytes changed (View bytes, std::size_t at, std::size_t value)
{
  demand (at < bytes.size ());
  Bytes out (bytes.begin (), bytes.begin () + static_cast<std::ptrdiff_t> (at));
  out.push_back (low (value));
  append (out, bytes.subspan (at + 1));
  return out;
}

// ---- Encryption ------------------------------------------------------------

struct SampleKey
{
  std::array<std::uint8_t, 16> key{};
  std::array<std::uint8_t, 16> iv{};
};

// The blocks of one protected block (2.1).
class Cbc
{
public:
  explicit Cbc (const SampleKey &key) : context_ (EVP_CIPHER_CTX_new ())
  {
    demand (EVP_EncryptInit_ex (context_, EVP_aes_128_cbc (), nullptr,
                key.key.data (), key.iv.data ()) == 1);
    EVP_CIPHER_CTX_set_padding (context_, 0);
  }
  ~Cbc () { EVP_CIPHER_CTX_free (context_); }
  Cbc (const Cbc &) = delete;
  Cbc &operator= (const Cbc &) = delete;

  void block (std::uint8_t *bytes)
  {
    int size = 0;
    demand (EVP_EncryptUpdate (context_, bytes, &size, bytes, 16) == 1 &&
            size == 16);
  }

private:
  EVP_CIPHER_CTX *context_;
};

// ISO/IEC 14496-10 7.3.1, the other way round.
inline Bytes escape (View unit)
{
  Bytes out;
  unsigned zeros = 0;
  for (std::uint8_t byte : unit) {
    if (zeros == 2 && byte <= 3) {
      out.push_back (3);
      zeros = 0;
    }
    out.push_back (byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
  return out;
}

// Listing 2-1, and emulation prevention once more.
inline Bytes encrypt_nal (const SampleKey &key, View unit)
{
  Bytes out (unit.begin (), unit.end ());
  unsigned type = out.empty () ? 0 : out[0] & 31U;
  if ((type != 1 && type != 5) || out.size () <= 48) return out;
  Cbc cbc (key);
  std::size_t at = 1 + 31;
  while (out.size () - at > 0) {
    if (out.size () - at > 16) {
      cbc.block (out.data () + at);
      at += 16;
    }
    at += std::min<std::size_t> (144, out.size () - at);
  }
  return escape (out);
}

// Listings 2-2 and 2-3: header, 16 bytes, then as many blocks as there are.
inline Bytes encrypt_frame (
    const SampleKey &key, View frame, std::size_t header)
{
  Bytes out (frame.begin (), frame.end ());
  Cbc cbc (key);
  for (std::size_t at = header + 16; at + 16 <= out.size (); at += 16)
    cbc.block (out.data () + at);
  return out;
}

// An access unit in Annex B, each NAL unit on its own.
template <class Change>
Bytes change_nals (View stream, Change change)
{
  Bytes out;
  auto code_at = [&] (std::size_t at) {
    return at + 3 <= stream.size () && stream[at] == 0 && stream[at + 1] == 0 &&
           stream[at + 2] == 1;
  };
  std::size_t at = 0;
  while (at < stream.size ()) {
    if (!code_at (at)) {
      demand (stream[at] == 0);
      out.push_back (stream[at++]);
      continue;
    }
    at += 3;
    std::size_t next = at;
    while (next < stream.size () && !code_at (next)) next++;
    std::size_t end = next;
    while (end > at && stream[end - 1] == 0) end--;
    append (out, Bytes{0, 0, 1});
    append (out, change (stream.subspan (at, end - at)));
    append (out, stream.subspan (end, next - end));
    at = next;
  }
  return out;
}

inline Bytes encrypt_picture (const SampleKey &key, View stream)
{
  return change_nals (
      stream, [&] (View unit) { return encrypt_nal (key, unit); });
}

// ADTS alone.
inline Bytes encrypt_adts (const SampleKey &key, View frames)
{
  Bytes out;
  while (!frames.empty ()) {
    demand (frames.size () >= 7 && frames[0] == 0xff);
    std::size_t size =
        (frames[3] & 3U) << 11 | frames[4] * 8U | frames[5] / 32U;
    demand (size >= 7 && size <= frames.size ());
    append (out,
        encrypt_frame (key, frames.first (size), (frames[1] & 1) != 0 ? 7 : 9));
    frames = frames.subspan (size);
  }
  return out;
}

// An ADTS frame of this size.
inline Bytes adts_frame (View payload, bool has_crc = false)
{
  std::size_t size = payload.size () + (has_crc ? 9 : 7);
  Bytes out{0xff, low (has_crc ? 0xf0U : 0xf1U), 0x50, low (0x80 | size >> 11),
      low (size >> 3), low ((size & 7) << 5 | 0x1f), 0xfc};
  if (has_crc) append (out, Bytes{0x12, 0x34});
  append (out, payload);
  return out;
}

// Bytes with what emulation prevention is for, as it stands in a NAL unit.
inline Bytes nal_unit (unsigned type, std::size_t size, unsigned seed)
{
  Bytes raw{low (0x60U | type)};
  while (raw.size () < size * 2) {
    seed = seed * 1103515245 + 12345;
    raw.push_back (
        (seed >> 16) % 3 == 0 ? low (seed >> 20) : low (seed >> 28 & 3));
  }
  Bytes out = escape (raw);
  out.resize (size);
  if (size > 1) out.back () = 0x80;
  return out;
}

// ---- Sections --------------------------------------------------------------

// ISO/IEC 13818-1 Annex A, bit by bit.
inline std::uint32_t section_crc (View bytes)
{
  std::uint32_t crc = 0xffffffff;
  for (std::uint8_t byte : bytes)
    for (int bit = 7; bit >= 0; bit--) {
      bool one = ((crc >> 31) ^ (byte >> bit & 1U)) != 0;
      crc = crc << 1 ^ (one ? 0x04c11db7U : 0);
    }
  return crc;
}

inline Bytes section (
    unsigned table, unsigned id, const Bytes &content, unsigned current = 1)
{
  std::size_t length = 5 + content.size () + 4;
  Bytes out{low (table), low (0xb0 | length >> 8), low (length), low (id >> 8),
      low (id), low (0xc0U | current), 0, 0};
  append (out, content);
  std::uint32_t crc = section_crc (out);
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back (low (crc >> shift));
  return out;
}

inline Bytes pat (unsigned map_pid)
{
  return section (0, 1, {0, 1, low (0xe0U | map_pid >> 8), low (map_pid)});
}

inline Bytes descriptor (unsigned tag, std::string_view content)
{
  Bytes out{low (tag), low (content.size ())};
  for (char c : content) out.push_back (static_cast<std::uint8_t> (c));
  return out;
}

struct MapStream
{
  unsigned type = 0;
  unsigned pid = 0;
  Bytes descriptors{};
  bool operator== (const MapStream &) const = default;
};

inline Bytes pmt (const std::vector<MapStream> &streams, unsigned clock_pid,
    const Bytes &descriptors = {}, unsigned current = 1)
{
  Bytes content{low (0xe0U | clock_pid >> 8), low (clock_pid),
      low (0xf0U | descriptors.size () >> 8), low (descriptors.size ())};
  append (content, descriptors);
  for (const MapStream &one : streams) {
    append (
        content, Bytes{low (one.type), low (0xe0U | one.pid >> 8),
                     low (one.pid), low (0xf0U | one.descriptors.size () >> 8),
                     low (one.descriptors.size ())});
    append (content, one.descriptors);
  }
  return section (2, 1, content, current);
}

// As section 3.0 wants it; the audio setup is that of 2.3.4.
inline MapStream encrypted_stream (unsigned clear_type, unsigned pid)
{
  auto setup = [] (const char *type) {
    return descriptor (
        5, std::string ("apad") + type + std::string ("\0\0\1\2\x12\x10", 6));
  };
  switch (clear_type) {
    case 0x1b:
      return {0xdb, pid, descriptor (15, "zavc")};
    case 0x0f:
      return {0xcf, pid, descriptor (15, "aacd") + setup ("zaac")};
    case 0x81:
      return {0xc1, pid, descriptor (15, "ac3d") + setup ("zac3")};
    default:
      return {0xc2, pid, descriptor (15, "ec3d") + setup ("zec3")};
  }
}

// ---- Packets ---------------------------------------------------------------

constexpr std::size_t ts_packet = 188;

struct Pes
{
  unsigned pid = 0;
  unsigned stream_id = 0xe0;
  Bytes payload;
  bool has_size = false;
  bool has_clock = false;  // a PCR in its first packet
  std::uint64_t pts = 0;
  std::uint64_t clock = 0;
};

class TsWriter
{
public:
  // One packet; less than its payload is made up for by stuffing.
  void packet (unsigned pid, bool starts, View payload, Bytes field = {})
  {
    demand (field.size () + payload.size () <= ts_packet - 4);
    std::size_t room = ts_packet - 4 - payload.size ();
    unsigned control = payload.empty () ? 2 : room > 0 ? 3 : 1;
    unsigned &count = counters_[pid];
    if (!payload.empty ()) count = (count + 1) & 15;
    append (out_, Bytes{0x47, low ((starts ? 0x40U : 0U) | pid >> 8), low (pid),
                      low (control << 4 | count)});
    if (room > 0) {
      if (field.empty ()) field.push_back (0);
      if (field.size () == 1 && room > 1) field.push_back (0);
      field.resize (room, 0xff);
      field[0] = low (room - 1);
      append (out_, field);
    }
    append (out_, payload);
  }

  void psi (unsigned pid, const Bytes &sections)
  {
    Bytes payload{0};
    append (payload, sections);
    payload.resize (ts_packet - 4, 0xff);
    packet (pid, true, payload);
  }

  // Its packets one by one, so that others can come between them.
  static std::vector<Bytes> payloads (const Pes &pes)
  {
    Bytes all{0, 0, 1, low (pes.stream_id), 0, 0, 0x80, 0x80, 5,
        low (0x21 | (pes.pts >> 29 & 0xe)), low (pes.pts >> 22),
        low (1 | (pes.pts >> 14 & 0xfe)), low (pes.pts >> 7),
        low (1 | (pes.pts << 1 & 0xfe))};
    append (all, pes.payload);
    if (pes.has_size) {
      demand (all.size () - 6 <= 0xffff);
      all[4] = low ((all.size () - 6) >> 8);
      all[5] = low (all.size () - 6);
    }
    std::vector<Bytes> out;
    View rest (all);
    bool first = true;
    while (!rest.empty ()) {
      std::size_t room = ts_packet - 4 - (first && pes.has_clock ? 8 : 0);
      View now = rest.first (std::min (room, rest.size ()));
      out.emplace_back (now.begin (), now.end ());
      rest = rest.subspan (now.size ());
      first = false;
    }
    return out;
  }

  static Bytes clock_field (std::uint64_t base)
  {
    return {7, 0x10, low (base >> 25), low (base >> 17), low (base >> 9),
        low (base >> 1), low (base << 7 | 0x7e), 0};
  }

  void pes (const Pes &pes)
  {
    bool first = true;
    for (const Bytes &payload : payloads (pes)) {
      packet (pes.pid, first, payload,
          first && pes.has_clock ? clock_field (pes.clock) : Bytes{});
      first = false;
    }
  }

  // Each in turn.
  void pes_in_turn (std::span<const Pes> all)
  {
    std::vector<std::vector<Bytes>> packets;
    for (const Pes &one : all) packets.push_back (payloads (one));
    for (std::size_t n = 0, left = 1; left > 0; n++) {
      left = 0;
      for (std::size_t i = 0; i < all.size (); i++) {
        if (n >= packets[i].size ()) continue;
        packet (all[i].pid, n == 0, packets[i][n],
            n == 0 && all[i].has_clock ? clock_field (all[i].clock) : Bytes{});
        left++;
      }
    }
  }

  [[nodiscard]] const Bytes &bytes () const { return out_; }

private:
  Bytes out_;
  std::map<unsigned, unsigned> counters_;
};

// What is in a transport stream; everything about it must be right.
struct TsContent
{
  struct Unit
  {
    unsigned pid = 0;
    Bytes header;           // of the PES packet
    Bytes payload;          // its elementary stream
    std::size_t first = 0;  // the number of its first packet
    bool operator== (const Unit &) const = default;
  };
  std::vector<MapStream> streams;
  std::vector<Unit> units;              // in the order of their first packets
  std::map<std::size_t, Bytes> clocks;  // by the number of the packet
};

class TsReader
{
public:
  static TsContent read (View bytes)
  {
    TsReader reader;
    demand (bytes.size () % ts_packet == 0);
    for (std::size_t n = 0; n * ts_packet < bytes.size (); n++)
      reader.packet (n, bytes.subspan (n * ts_packet, ts_packet));
    for (auto &one : reader.open_) reader.close (one.second);
    std::ranges::sort (reader.content_.units, {}, &TsContent::Unit::first);
    return reader.content_;
  }

private:
  void packet (std::size_t n, View bytes)
  {
    demand (bytes[0] == 0x47 && (bytes[1] & 0x80) == 0 && bytes[3] >> 6 == 0);
    unsigned pid = (bytes[1] & 31U) << 8 | bytes[2];
    if (pid == 0x1fff) return;
    std::size_t at = 4;
    if ((bytes[3] & 0x20) != 0) {
      std::size_t length = bytes[4];
      demand (length <= 183);
      field (n, bytes.subspan (5, length));
      at = 5 + length;
    }
    bool has_payload = (bytes[3] & 0x10) != 0;
    demand (has_payload == (at < ts_packet));
    auto count = counters_.find (pid);
    unsigned now = bytes[3] & 15U;
    if (count != counters_.end ())
      demand (now == ((count->second + (has_payload ? 1 : 0)) & 15));
    counters_[pid] = now;
    if (has_payload)
      payload (n, pid, (bytes[1] & 0x40) != 0, bytes.subspan (at));
  }

  void field (std::size_t n, View field)
  {
    if (field.empty ()) return;
    std::size_t used = 1;
    if ((field[0] & 0x10) != 0) {
      content_.clocks[n] = Bytes (field.begin () + 1, field.begin () + 7);
      used = 7;
    }
    if ((field[0] & 0x0f) != 0) return;
    for (std::uint8_t byte : field.subspan (used)) demand (byte == 0xff);
  }

  void payload (std::size_t n, unsigned pid, bool starts, View payload)
  {
    if (pid == 0 || pid == map_pid_) {
      demand (starts && payload[0] == 0);
      payload = payload.subspan (1);
      std::size_t size = 3 + ((payload[1] & 15U) << 8 | payload[2]);
      View one = payload.first (size);
      demand (section_crc (one) == 0);
      for (std::uint8_t byte : payload.subspan (size)) demand (byte == 0xff);
      if (pid == 0)
        map_pid_ = (one[10] & 31U) << 8 | one[11];
      else
        map (one);
      return;
    }
    if (pid < 32) return;
    Open &open = open_[pid];
    if (starts) {
      close (open);
      open.pid = pid;
      open.first = n;
    }
    append (open.bytes, payload);
  }

  void map (View section)
  {
    content_.streams.clear ();
    View rest = section.first (section.size () - 4);
    rest = rest.subspan (12 + ((rest[10] & 15U) << 8 | rest[11]));
    while (!rest.empty ()) {
      std::size_t size = (rest[3] & 15U) << 8 | rest[4];
      MapStream one{rest[0], (rest[1] & 31U) << 8 | rest[2],
          Bytes (rest.begin () + 5,
              rest.begin () + 5 + static_cast<std::ptrdiff_t> (size))};
      content_.streams.push_back (one);
      rest = rest.subspan (5 + size);
    }
  }

  struct Open
  {
    unsigned pid = 0;
    std::size_t first = 0;
    Bytes bytes;
  };

  void close (Open &open)
  {
    if (open.bytes.empty ()) return;
    View all (open.bytes);
    demand (all.size () >= 9 && all[0] == 0 && all[1] == 0 && all[2] == 1);
    std::size_t size = static_cast<std::size_t> (all[4] << 8 | all[5]);
    demand (size == 0 || size + 6 == all.size ());
    std::size_t header = std::size_t{9} + all[8];
    demand (header <= all.size ());
    View payload = all.subspan (header);
    content_.units.push_back ({open.pid,
        Bytes (
            all.begin (), all.begin () + static_cast<std::ptrdiff_t> (header)),
        Bytes (payload.begin (), payload.end ()), open.first});
    open.bytes.clear ();
  }

  TsContent content_;
  std::map<unsigned, Open> open_;
  std::map<unsigned, unsigned> counters_;
  unsigned map_pid_ = 0x1fff;
};

}  // namespace test

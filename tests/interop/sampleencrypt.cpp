// SPDX-License-Identifier: LGPL-2.1-or-later
// sampleencrypt KEY IV IN OUT: a segment of MPEG-TS (H.264, ADTS and AC-3), or
// of packed ADTS, with SAMPLE-AES. KEY and IV are 32 hexadecimal digits.
#include "sampleencrypter.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace {

std::array<std::uint8_t, 16> block (const std::string &digits)
{
  test::demand (digits.size () == 32);
  std::array<std::uint8_t, 16> out{};
  for (std::size_t i = 0; i < 16; i++)
    out[i] = static_cast<std::uint8_t> (
        std::stoul (digits.substr (2 * i, 2), nullptr, 16));
  return out;
}

// Of 48 kHz and a bit rate that needs no table: each is as long as the first,
// up to where the next one begins.
test::Bytes encrypt_ac3 (const test::SampleKey &key, test::View frames)
{
  test::Bytes out;
  while (!frames.empty ()) {
    test::demand (frames.size () > 6 && frames[0] == 0x0b && frames[1] == 0x77);
    std::size_t size = 2;
    while (size < frames.size () &&
           !(size + 5 < frames.size () && frames[size] == 0x0b &&
               frames[size + 1] == 0x77 && frames[size + 4] == frames[4] &&
               frames[size + 5] == frames[5]))
      size++;
    test::append (out, test::encrypt_frame (key, frames.first (size), 0));
    frames = frames.subspan (size);
  }
  return out;
}

test::Bytes encrypt_segment (const test::SampleKey &key, test::View segment)
{
  test::TsContent content = test::TsReader::read (segment);
  std::vector<test::MapStream> streams;
  std::map<unsigned, unsigned> types;
  for (const test::MapStream &one : content.streams) {
    types[one.pid] = one.type;
    bool is_encrypted =
        one.type == 0x1b || one.type == 0x0f || one.type == 0x81;
    streams.push_back (
        is_encrypted ? test::encrypted_stream (one.type, one.pid) : one);
  }
  test::TsWriter out;
  out.psi (0, test::pat (0x1000));
  out.psi (0x1000, test::pmt (streams, content.streams.front ().pid));
  for (const test::TsContent::Unit &unit : content.units) {
    test::Bytes payload = unit.payload;
    if (types[unit.pid] == 0x1b) payload = test::encrypt_picture (key, payload);
    if (types[unit.pid] == 0x0f) payload = test::encrypt_adts (key, payload);
    if (types[unit.pid] == 0x81) payload = encrypt_ac3 (key, payload);
    test::Bytes pes = unit.header;
    test::append (pes, payload);
    std::size_t size = pes[4] == 0 && pes[5] == 0 ? 0 : pes.size () - 6;
    pes[4] = test::low (size >> 8);
    pes[5] = test::low (size);
    auto clock = content.clocks.find (unit.first);
    test::Bytes field;
    if (clock != content.clocks.end ()) {
      field = {7, 0x10};
      test::append (field, clock->second);
    }
    test::View rest (pes);
    for (bool starts = true; !rest.empty (); starts = false) {
      test::View now =
          rest.first (std::min (rest.size (), 184 - field.size ()));
      out.packet (unit.pid, starts, now, field);
      field.clear ();
      rest = rest.subspan (now.size ());
    }
  }
  return out.bytes ();
}

}  // namespace

int main (int argc, char **argv)
{
  if (argc != 5) {
    std::fprintf (stderr, "usage: %s KEY IV IN OUT\n", argv[0]);
    return 2;
  }
  test::SampleKey key{block (argv[1]), block (argv[2])};
  std::ifstream in (argv[3], std::ios::binary);
  test::Bytes segment ((std::istreambuf_iterator<char> (in)), {});
  test::demand (!segment.empty ());
  test::Bytes encrypted = segment[0] == 0x47
                              ? encrypt_segment (key, segment)
                              : test::encrypt_adts (key, segment);
  std::ofstream out (argv[4], std::ios::binary);
  out.write (reinterpret_cast<const char *> (encrypted.data ()),
      static_cast<std::streamsize> (encrypted.size ()));
  return out.good () ? 0 : 1;
}

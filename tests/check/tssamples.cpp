// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tssamples.h"

#include <optional>

#include "sampleencrypter.h"
#include "testutil.h"

using sampleaes::Error;
using test::Bytes;
using test::changed;
using test::MapStream;
using test::operator+;
using test::Pes;
using test::TsWriter;

namespace {

constexpr unsigned map_pid = 0x1000;
constexpr unsigned video_pid = 0x100;
constexpr unsigned audio_pid = 0x101;
constexpr unsigned dolby_pid = 0x102;
constexpr unsigned id3_pid = 0x103;

test::SampleKey make_key ()
{
  test::SampleKey out;
  for (std::size_t i = 0; i < 16; i++) {
    out.key[i] = test::low (i * 11 + 1);
    out.iv[i] = test::low (i * 7 + 3);
  }
  return out;
}
const test::SampleKey key = make_key ();

tssamples::Decrypter make_decrypter ()
{
  auto cipher = sampleaes::Cipher::create (key.key, key.iv);
  fail_unless (cipher.ok ());
  return tssamples::Decrypter (std::move (*cipher));
}

sampleaes::Result<Bytes> decrypt (const Bytes &segment, std::size_t piece)
{
  auto decrypter = make_decrypter ();
  Bytes out;
  for (std::size_t at = 0; at < segment.size (); at += piece) {
    auto done = decrypter.feed (test::View (segment).subspan (
                                    at, std::min (piece, segment.size () - at)),
        out);
    if (!done) return done.error ();
  }
  auto done = decrypter.finish (out);
  if (!done) return done.error ();
  return out;
}

// The same in the clear and encrypted.
struct Clip
{
  std::vector<Pes> clear;
  std::vector<Pes> encrypted;

  void add (Pes pes, const Bytes &encrypted_payload)
  {
    clear.push_back (pes);
    pes.payload = encrypted_payload;
    encrypted.push_back (pes);
  }
};

Bytes picture (std::size_t size, unsigned seed)
{
  return Bytes{0, 0, 0, 1, 9, 0xf0, 0, 0, 1} +
         test::nal_unit (seed % 5 == 0 ? 5 : 1, size, seed) + Bytes{0, 0, 1} +
         test::nal_unit (1, 49, seed + 1) + Bytes{0, 0, 0, 1} +
         test::nal_unit (6, 80, seed + 2);
}

Bytes sound (unsigned seed, std::size_t frames)
{
  Bytes out;
  for (unsigned i = 0; i < frames; i++)
    out = out + test::adts_frame (
                    test::nal_unit (3, 40 + (seed + i) * 13 % 300, seed + i));
  return out;
}

Bytes dolby_frame (unsigned seed)
{
  Bytes out = test::nal_unit (3, 384, seed);
  const Bytes header = test::hex ("0b77 00bf 3f 80");
  std::ranges::copy (header, out.begin ());
  return out;
}

Pes make_pes (unsigned pid, const Bytes &payload, unsigned n)
{
  Pes out;
  out.pid = pid;
  out.stream_id = pid == video_pid ? 0xe0 : pid == audio_pid ? 0xc0 : 0xbd;
  out.payload = payload;
  out.has_size = pid != video_pid;
  out.pts = std::uint64_t{n} * 3600 + 90000;
  if (pid == video_pid) {
    out.has_clock = true;
    out.clock = std::uint64_t{n} * 3600;
  }
  return out;
}

// Pictures, ADTS and E-AC-3, and what is not encrypted.
Clip make_clip (bool sizes)
{
  Clip out;
  for (unsigned n = 0; n < 12; n++) {
    Bytes one = picture (100 + n * n * 300, n);
    Pes video = make_pes (video_pid, one, n);
    video.has_size = sizes;
    out.add (video, test::encrypt_picture (key, one));
    one = sound (n, 1 + n % 4);
    Pes audio = make_pes (audio_pid, one, n);
    audio.has_size = sizes || n % 2 == 0;
    out.add (audio, test::encrypt_adts (key, one));
    one = dolby_frame (n);
    out.add (make_pes (dolby_pid, one, n), test::encrypt_frame (key, one, 0));
    one = test::nal_unit (1, 500, n);
    out.add (make_pes (id3_pid, one, n), one);
  }
  return out;
}

std::vector<MapStream> streams (bool encrypted)
{
  if (encrypted)
    return {test::encrypted_stream (0x1b, video_pid),
        test::encrypted_stream (0x0f, audio_pid),
        test::encrypted_stream (0x87, dolby_pid), {0x15, id3_pid, {}}};
  return {{0x1b, video_pid, {}}, {0x0f, audio_pid, {}},
      {0x87, dolby_pid, test::descriptor (5, "EAC3")}, {0x15, id3_pid, {}}};
}

TsWriter begin (bool encrypted)
{
  TsWriter out;
  out.psi (0, test::pat (map_pid));
  out.psi (map_pid, test::pmt (streams (encrypted), video_pid));
  return out;
}

void assert_same (const std::vector<test::TsContent::Unit> &units,
    const std::vector<Pes> &clear)
{
  fail_unless (units.size () == clear.size ());
  for (std::size_t i = 0; i < clear.size (); i++) {
    fail_unless (units[i].pid == clear[i].pid, "%zu", i);
    fail_unless (units[i].payload == clear[i].payload, "%zu", i);
    const Bytes header = TsWriter::payloads (clear[i]).front ();
    fail_unless (std::equal (units[i].header.begin () + 6,
                     units[i].header.end (), header.begin () + 6),
        "%zu", i);
    fail_unless (units[i].header.size () == 14);
  }
}

}  // namespace

// One after the other and mixed, with and without sizes, in any pieces.
GST_START_TEST (segments_are_decrypted)
{
  for (bool sizes : {false, true})
    for (std::size_t together : {1U, 2U, 4U}) {
      Clip clip = make_clip (sizes);
      TsWriter writer = begin (true);
      std::span<const Pes> left (clip.encrypted);
      while (!left.empty ()) {
        writer.pes_in_turn (left.first (together));
        left = left.subspan (together);
        // A null packet, and a table that nobody needs.
        writer.packet (0x1fff, false, Bytes (184, 0));
        writer.psi (0x11, test::section (0x42, 1, {1, 2, 3}));
      }
      const Bytes &encrypted = writer.bytes ();
      Bytes first;
      for (std::size_t piece : {1U, 17U, 188U, 1000U, 1'000'000U}) {
        auto out = decrypt (encrypted, piece);
        fail_unless (out.ok (), "%s", out.ok () ? "" : to_string (out.code ()));
        fail_unless (out->size () == encrypted.size ());
        if (first.empty ()) first = *out;
        fail_unless (*out == first);
      }
      auto before = test::TsReader::read (encrypted);
      auto after = test::TsReader::read (first);
      fail_unless (after.streams == streams (false));
      fail_unless (after.clocks == before.clocks && after.clocks.size () == 12);
      assert_same (after.units, clip.clear);
    }
}
GST_END_TEST;

// The programs may be in an initialization alone, which comes out as that of
// clear segments.
GST_START_TEST (an_initialization_may_have_the_programs)
{
  const Bytes init = begin (true).bytes ();
  tssamples::Map map;
  for (std::size_t piece : {1U, 100U, 188U, 10'000U}) {
    map = {};
    Bytes out;
    for (std::size_t at = 0; at < init.size (); at += piece)
      fail_unless (map.feed (test::View (init).subspan (
                                 at, std::min (piece, init.size () - at)),
                          out)
                       .ok ());
    fail_unless (map.finish ().ok ());
    fail_unless (out == begin (false).bytes (), "%zu", piece);
  }
  Clip clip = make_clip (true);
  TsWriter writer;
  for (const Pes &pes : clip.encrypted) writer.pes (pes);
  for (bool knows : {true, false}) {
    auto cipher = sampleaes::Cipher::create (key.key, key.iv);
    tssamples::Decrypter decrypter (
        std::move (*cipher), knows ? map.programs () : tsprogram::Programs{});
    Bytes out;
    auto done = decrypter.feed (writer.bytes (), out);
    if (!knows) {
      fail_unless (!done.ok () && done.code () == Error::no_program);
      continue;
    }
    fail_unless (done.ok () && decrypter.finish (out).ok ());
    assert_same (test::TsReader::read (out).units, clip.clear);
  }
}
GST_END_TEST;

GST_START_TEST (broken_initializations_are_told)
{
  const Bytes init = begin (true).bytes ();
  TsWriter media = begin (true);
  media.pes (make_pes (audio_pid, sound (1, 3), 1));
  TsWriter others = begin (true);
  others.pes (make_pes (id3_pid, Bytes (10, 0), 1));
  const struct
  {
    const char *name;
    Bytes init;
    std::optional<Error> error;
    std::size_t position;
  } rows[] = {
      {"what is not encrypted", others.bytes (), std::nullopt, 0},
      {"media", media.bytes (), Error::not_a_map, 376},
      {"no sync byte", changed (init, 188, 0x48), Error::sync, 188},
      {"the checksum", changed (init, 188 + 20, 0), Error::section_crc, 188},
      {"a cut packet", Bytes (init.begin (), init.end () - 1),
          Error::cut_packet, 188},
  };
  for (const auto &row : rows) {
    tssamples::Map map;
    Bytes out;
    auto done = map.feed (row.init, out);
    if (done) done = map.finish ();
    fail_unless (done.ok () == !row.error, "%s", row.name);
    if (!row.error) continue;
    fail_unless (done.code () == *row.error, "%s", row.name);
    fail_unless (done.position () == row.position, "%s", row.name);
  }
}
GST_END_TEST;

// Whatever is taken off a picture, its packets are as many as before.
GST_START_TEST (pictures_that_get_shorter_are_stuffed)
{
  // Emulation prevention bytes, one after the other.
  for (std::size_t zeros = 0; zeros < 700; zeros++) {
    Bytes unit{0x61};
    unit.resize (60, 0xaa);
    for (std::size_t i = 0; i < zeros; i++)
      test::append (unit, Bytes{0, 0, 3, 1});
    unit.push_back (0x80);
    Bytes clear = Bytes{0, 0, 1} + unit;
    Bytes encrypted = test::encrypt_picture (key, clear);
    fail_unless (encrypted.size () >= clear.size () + zeros / 2);
    for (bool has_clock : {false, true})
      for (bool has_size : {false, true}) {
        Pes pes = make_pes (video_pid, encrypted, 1);
        pes.has_clock = has_clock;
        pes.has_size = has_size;
        TsWriter writer = begin (true);
        writer.pes (pes);
        auto out = decrypt (writer.bytes (), 1000);
        fail_unless (out.ok () && out->size () == writer.bytes ().size ());
        auto content = test::TsReader::read (*out);
        fail_unless (content.units.size () == 1 &&
                         content.units.front ().payload == clear,
            "%zu", zeros);
      }
  }
}
GST_END_TEST;

// A frame that begins in one PES packet, and a packet, and ends in another.
GST_START_TEST (frames_go_on_in_the_next_pes)
{
  const Bytes clear = sound (3, 12);
  const Bytes encrypted = test::encrypt_adts (key, clear);
  for (std::size_t part : {1U, 5U, 50U, 170U, 400U, 1000U}) {
    TsWriter writer = begin (true);
    std::vector<Pes> parts;
    unsigned n = 0;
    for (std::size_t at = 0; at < clear.size (); at += part) {
      auto from = static_cast<std::ptrdiff_t> (at);
      auto to =
          static_cast<std::ptrdiff_t> (std::min (at + part, clear.size ()));
      parts.push_back (make_pes (
          audio_pid, Bytes (clear.begin () + from, clear.begin () + to), n));
      writer.pes (make_pes (audio_pid,
          Bytes (encrypted.begin () + from, encrypted.begin () + to), n++));
    }
    auto out = decrypt (writer.bytes (), 300);
    fail_unless (out.ok ());
    assert_same (test::TsReader::read (*out).units, parts);
  }
}
GST_END_TEST;

// From a map on that says so, all is clear; and encrypted again.
GST_START_TEST (maps_may_change)
{
  Clip clip = make_clip (true);
  TsWriter writer = begin (true);
  std::span<const Pes> encrypted (clip.encrypted);
  for (const Pes &one : encrypted.first (16)) writer.pes (one);
  writer.psi (map_pid, test::pmt (streams (false), video_pid));
  for (const Pes &one : std::span (clip.clear).subspan (16, 16))
    writer.pes (one);
  writer.psi (map_pid, test::pmt (streams (true), video_pid));
  for (const Pes &one : encrypted.subspan (32)) writer.pes (one);
  auto out = decrypt (writer.bytes (), 1000);
  fail_unless (out.ok ());
  assert_same (test::TsReader::read (*out).units, clip.clear);
}
GST_END_TEST;

GST_START_TEST (what_is_clear_passes_at_once)
{
  TsWriter writer = begin (false);
  for (const Pes &one : make_clip (false).clear) writer.pes (one);
  auto decrypter = make_decrypter ();
  Bytes out;
  fail_unless (decrypter.feed (writer.bytes (), out).ok ());
  fail_unless (out == writer.bytes ());
  fail_unless (decrypter.finish (out).ok () && out == writer.bytes ());
  auto none = decrypt ({}, 1);
  fail_unless (none.ok () && none->empty ());
}
GST_END_TEST;

// No more is held than has to be: a PES packet that says its size ends with it.
GST_START_TEST (packets_go_as_soon_as_they_can)
{
  TsWriter writer = begin (true);
  Bytes frames = test::encrypt_adts (key, sound (1, 4));
  for (unsigned n = 0; n < 4; n++) writer.pes (make_pes (audio_pid, frames, n));
  auto decrypter = make_decrypter ();
  Bytes out;
  fail_unless (decrypter.feed (writer.bytes (), out).ok ());
  fail_unless (out.size () == writer.bytes ().size ());
}
GST_END_TEST;

namespace {

// Of the first packet with this PID.
std::size_t find (const Bytes &segment, unsigned pid)
{
  for (std::size_t at = 0; at < segment.size (); at += 188)
    if (((segment[at + 1] & 31U) << 8 | segment[at + 2]) == pid) return at;
  fail_unless (false);
  return 0;
}

}  // namespace

GST_START_TEST (broken_segments_are_told)
{
  TsWriter writer = begin (true);
  Bytes one = picture (2000, 1);
  Pes video = make_pes (video_pid, test::encrypt_picture (key, one), 1);
  video.has_clock = false;
  writer.pes (video);
  Pes audio = make_pes (audio_pid, test::encrypt_adts (key, sound (1, 3)), 1);
  writer.pes (audio);
  const Bytes good = writer.bytes ();
  fail_unless (decrypt (good, 100).ok ());
  const std::size_t v = find (good, video_pid);
  const std::size_t a = find (good, audio_pid);
  const std::size_t size = good.size ();
  auto without = [&] (std::size_t at) {
    return Bytes (good.begin (),
               good.begin () + static_cast<std::ptrdiff_t> (at)) +
           Bytes (good.begin () + static_cast<std::ptrdiff_t> (at) + 188,
               good.end ());
  };
  auto first = [&] (std::size_t count) {
    return Bytes (
        good.begin (), good.begin () + static_cast<std::ptrdiff_t> (count));
  };
  auto twice = [&] (std::size_t at) {
    return first (at + 188) +
           Bytes (
               good.begin () + static_cast<std::ptrdiff_t> (at), good.end ());
  };
  Pes short_one = audio;
  short_one.payload.resize (short_one.payload.size () - 1);
  TsWriter cut = begin (true);
  cut.pes (short_one);
  TsWriter noise = begin (true);
  short_one.payload.front () = 0;
  noise.pes (short_one);
  TsWriter not_aligned = begin (true);
  not_aligned.pes (make_pes (video_pid, {1, 2, 3, 4}, 1));
  TsWriter start_code = begin (true);
  start_code.pes (make_pes (video_pid,
      Bytes{0, 0, 1, 0x61} + Bytes (60, 0xaa) + Bytes{0, 0, 3, 1} +
          Bytes (9, 1),
      1));
  TsWriter ends_early = begin (true);
  ends_early.packet (video_pid, true, Bytes{0, 0, 1, 0xe0});
  // One byte in each packet, of which some are taken off.
  TsWriter thin = begin (true);
  {
    Bytes unit = Bytes{0, 0, 1, 0x61} + Bytes (60, 0xaa);
    for (int i = 0; i < 20; i++) unit = unit + Bytes{0, 0, 3, 3};
    Pes pes = make_pes (video_pid, unit + Bytes{0x80}, 1);
    bool starts = true;
    for (const Bytes &payload : TsWriter::payloads (pes))
      for (std::uint8_t byte : payload) {
        thin.packet (video_pid, starts, Bytes{byte});
        starts = false;
      }
  }
  const struct
  {
    const char *name;
    Bytes segment;
    Error error;
    std::size_t position;
  } rows[] = {
      {"no sync byte", changed (good, v, 0x46), Error::sync, v},
      {"cut", first (size - 1), Error::cut_packet, size - 188},
      {"a part of a packet", first (100), Error::cut_packet, 0},
      {"adaptation field", changed (changed (good, v + 3, 0x31), v + 4, 184),
          Error::adaptation, v},
      {"scrambled packets", changed (good, v + 3, good[v + 3] | 0x80U),
          Error::scrambled, v},
      {"scrambled PES", changed (good, v + 4 + 6, 0x90), Error::scrambled, v},
      {"a packet is missing", without (v + 188), Error::continuity, v + 188},
      {"a packet comes twice", twice (v + 188), Error::continuity, v + 376},
      {"no beginning", without (v), Error::pes_header, v},
      {"no prefix", changed (good, v + 4 + 2, 2), Error::pes_header, v},
      {"a padding stream", changed (good, v + 4 + 3, 0xbe), Error::pes_header,
          v},
      {"no marker", changed (good, v + 4 + 6, 0), Error::pes_header, v},
      {"a short header", ends_early.bytes (), Error::pes_header, v},
      {"a header that is too long", changed (good, a + 4 + 8, 255),
          Error::pes_header, a},
      {"a header that is longer", changed (good, a + 4 + 8, 6), Error::no_frame,
          a},
      {"the PES is shorter", changed (good, a + 4 + 5, good[a + 4 + 5] - 1U),
          Error::pes_size, a},
      {"the PES is longer", changed (good, a + 4 + 5, good[a + 4 + 5] + 1U),
          Error::pes_size, a},
      {"no programs", Bytes (good.begin () + 188, good.end ()),
          Error::no_program, 0},
      {"no map", without (188), Error::no_program, 188},
      {"the map's checksum", changed (good, 188 + 20, 0), Error::section_crc,
          188},
      {"a map in two packets", changed (good, 188 + 1, 0x10),
          Error::section_cut, 188},
      {"programs in two packets", changed (good, 1, 0), Error::section_cut, 0},
      {"a cut frame", cut.bytes (), Error::cut_frame, 376},
      {"no frame", noise.bytes (), Error::no_frame, 376},
      {"no start code", not_aligned.bytes (), Error::not_aligned, 376},
      {"a start code in a NAL unit", start_code.bytes (), Error::emulation,
          376},
      {"no bytes left", thin.bytes (), Error::stuffing, 376},
  };
  for (const auto &row : rows)
    for (std::size_t piece : {188U, 100'000U}) {
      auto out = decrypt (row.segment, piece);
      fail_unless (!out.ok () && out.code () == row.error, "%s: %s", row.name,
          out.ok () ? "nothing" : to_string (out.code ()));
      if (row.error != Error::cut_frame)
        fail_unless (out.position () == row.position, "%s: %zu", row.name,
            out.position ());
    }
}
GST_END_TEST;

GST_START_TEST (a_pes_without_end_is_told)
{
  TsWriter writer = begin (true);
  writer.packet (video_pid, true,
      TsWriter::payloads (make_pes (video_pid, Bytes (1000, 0), 1)).front ());
  auto decrypter = make_decrypter ();
  Bytes out;
  fail_unless (decrypter.feed (writer.bytes (), out).ok ());
  std::size_t held = 188;
  for (unsigned n = 1;; n++) {
    Bytes packet{0x47, test::low (video_pid >> 8), test::low (video_pid),
        test::low (0x10U | ((n + 1) & 15U))};
    packet.resize (188, 0x55);
    auto done = decrypter.feed (packet, out);
    held += 188;
    if (held <= tssamples::most_held) {
      fail_unless (done.ok ());
      continue;
    }
    fail_unless (!done.ok () && done.code () == Error::too_long);
    break;
  }
}
GST_END_TEST;

static Suite *tssamples_suite ()
{
  Suite *suite = suite_create ("tssamples");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, segments_are_decrypted);
  tcase_add_test (tests, an_initialization_may_have_the_programs);
  tcase_add_test (tests, broken_initializations_are_told);
  tcase_add_test (tests, pictures_that_get_shorter_are_stuffed);
  tcase_add_test (tests, frames_go_on_in_the_next_pes);
  tcase_add_test (tests, maps_may_change);
  tcase_add_test (tests, what_is_clear_passes_at_once);
  tcase_add_test (tests, packets_go_as_soon_as_they_can);
  tcase_add_test (tests, broken_segments_are_told);
  tcase_add_test (tests, a_pes_without_end_is_told);
  return suite;
}

GST_CHECK_MAIN (tssamples)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sampleaes.h"

#include "sampleencrypter.h"
#include "testutil.h"

using sampleaes::Cipher;
using sampleaes::Codec;
using sampleaes::Error;
using sampleaes::PackedAudio;
using test::Bytes;
using test::operator+;

namespace {

// NIST SP 800-38A F.2.2
const Bytes nist_key = test::hex ("2b7e151628aed2a6abf7158809cf4f3c");
const Bytes nist_iv = test::hex ("000102030405060708090a0b0c0d0e0f");
const Bytes nist_clear = test::hex (
    "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710");
const Bytes nist_encrypted = test::hex (
    "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2"
    "73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7");

test::SampleKey make_key ()
{
  test::SampleKey out;
  std::ranges::copy (nist_key, out.key.begin ());
  std::ranges::copy (nist_iv, out.iv.begin ());
  return out;
}
const test::SampleKey key = make_key ();
const Bytes start_code{0, 0, 1};

Cipher make_cipher ()
{
  auto cipher = Cipher::create (key.key, key.iv);
  fail_unless (cipher.ok ());
  return std::move (*cipher);
}

// Annex B in the clear; or why not.
sampleaes::Result<Bytes> decrypt_picture (Bytes stream)
{
  Cipher cipher = make_cipher ();
  auto size = cipher.decrypt_nal_units (stream);
  if (!size) return size.error ();
  fail_unless (*size <= stream.size ());
  stream.resize (*size);
  return stream;
}

Bytes filled (std::size_t size, std::uint8_t byte)
{
  return Bytes (size, byte);
}

Bytes counting (std::size_t size)
{
  Bytes out (size);
  for (std::size_t i = 0; i < size; i++) out[i] = test::low (i * 37 + 5);
  return out;
}

// Of AC-3, E-AC-3, with this header.
Bytes sync_frame (const char *header, std::size_t size)
{
  Bytes out = test::hex (header);
  Bytes rest = counting (size);
  out.insert (out.end (),
      rest.begin () + static_cast<std::ptrdiff_t> (out.size ()), rest.end ());
  return out;
}

sampleaes::Result<Bytes> decrypt_packed (
    const Bytes &segment, std::size_t piece)
{
  PackedAudio audio (make_cipher ());
  Bytes out;
  for (std::size_t at = 0; at < segment.size (); at += piece) {
    auto done = audio.feed (test::View (segment).subspan (
                                at, std::min (piece, segment.size () - at)),
        out);
    if (!done) return done.error ();
  }
  auto done = audio.finish ();
  if (!done) return done.error ();
  return out;
}

}  // namespace

// One block of ten, each chained to the one before (2.1, 2.2).
GST_START_TEST (the_pattern_is_one_block_of_ten)
{
  for (unsigned type : {0x65U, 0x61U, 0x21U, 0x01U}) {
    Bytes encrypted{0, 0, 0, 1, test::low (type)};
    Bytes clear = encrypted;
    test::append (encrypted, filled (31, 0xaa));
    test::append (clear, filled (31, 0xaa));
    for (std::size_t i = 0; i < 4; i++) {
      test::append (
          encrypted, test::View (nist_encrypted).subspan (i * 16, 16));
      test::append (clear, test::View (nist_clear).subspan (i * 16, 16));
      test::append (encrypted, filled (i < 3 ? 144 : 1, 0xbb));
      test::append (clear, filled (i < 3 ? 144 : 1, 0xbb));
    }
    auto out = decrypt_picture (encrypted);
    fail_unless (out.ok () && *out == clear, "type byte %x", type);
  }
}
GST_END_TEST;

// "if (bytes_remaining () > 16)", of any number of bytes, and each of what the
// specification says is not encrypted.
GST_START_TEST (units_of_all_sizes_are_decrypted)
{
  for (std::size_t size = 1; size < 700; size++) {
    Bytes unit = test::nal_unit (5, size, static_cast<unsigned> (size));
    Bytes encrypted = test::encrypt_nal (key, unit);
    fail_unless ((encrypted == unit) == (size <= 48), "%zu", size);
    auto out = decrypt_picture (start_code + encrypted);
    fail_unless (out.ok () && *out == start_code + unit, "%zu", size);
  }
  for (unsigned type = 0; type < 32; type++) {
    Bytes unit = test::nal_unit (type, 300, type);
    Bytes encrypted = test::encrypt_nal (key, unit);
    fail_unless ((encrypted != unit) == (type == 1 || type == 5));
    auto out = decrypt_picture (start_code + encrypted);
    fail_unless (out.ok () && *out == start_code + unit, "type %u", type);
  }
  // Of a batch of blocks, and more.
  for (std::size_t size : {81'952U, 81'953U, 90'000U, 1'000'000U}) {
    Bytes unit = test::nal_unit (1, size, 7);
    auto out = decrypt_picture (start_code + test::encrypt_nal (key, unit));
    fail_unless (out.ok () && *out == start_code + unit, "%zu", size);
  }
}
GST_END_TEST;

GST_START_TEST (what_is_around_units_stays)
{
  const Bytes unit = test::nal_unit (5, 400, 3);
  const Bytes encrypted = test::encrypt_nal (key, unit);
  fail_unless (encrypted.size () > unit.size ());
  const Bytes aud{0, 0, 0, 1, 9, 0xf0};
  const struct
  {
    Bytes before, after;
  } rows[] = {
      {{0, 0, 1}, {}}, {{0, 0, 0, 1}, {}}, {{0, 0, 0, 0, 0, 1}, {0, 0, 0}},
      {aud + Bytes{0, 0, 1}, aud}, {{0, 0, 1}, Bytes{0} + aud},
      {{0, 0, 1, 0, 0, 1}, {0, 0, 1}},  // units without a byte
  };
  for (const auto &row : rows) {
    auto out = decrypt_picture (row.before + encrypted + row.after);
    fail_unless (out.ok () && *out == row.before + unit + row.after);
    out = decrypt_picture (row.before + encrypted + row.after + row.before +
                           encrypted + row.after);
    fail_unless (out.ok () && *out == row.before + unit + row.after +
                                          row.before + unit + row.after);
  }
  auto out = decrypt_picture ({});
  fail_unless (out.ok () && out->empty ());
}
GST_END_TEST;

// Emulation prevention of an encrypted unit is on top of what the unit had.
GST_START_TEST (emulation_prevention_is_taken_off_once)
{
  const struct
  {
    const char *wire;
    const char *clear;  // null: that is no NAL unit
  } rows[] = {
      {"00000303", "000003"},
      {"0000030300", "00000300"},
      {"0000030300000303", "000003000003"},
      {"00030003", "00030003"},
      {"0003", "0003"},
      {"03", "03"},
      {"00000305", "000005"},
      {"00000300", nullptr},
      {"00000301", nullptr},
      {"00000302", nullptr},
  };
  Bytes before = Bytes{0, 0, 1, 0x65} + filled (31, 0xaa);
  Bytes encrypted (nist_encrypted.begin (), nist_encrypted.begin () + 16);
  Bytes block (nist_clear.begin (), nist_clear.begin () + 16);
  for (const auto &row : rows) {
    auto out = decrypt_picture (
        before + encrypted + test::hex (row.wire) + Bytes{0x80});
    if (row.clear == nullptr)
      fail_unless (
          !out.ok () && out.code () == Error::emulation, "%s", row.wire);
    else
      fail_unless (out.ok () && *out == before + block + test::hex (row.clear) +
                                            Bytes{0x80},
          "%s", row.wire);
  }
  // cabac_zero_words: the unit's own last three bytes.
  Bytes unit = test::nal_unit (1, 100, 1);
  unit.back () = 3;
  unit[98] = unit[97] = 0;
  unit[96] = 0x80;
  auto out = decrypt_picture (start_code + test::encrypt_nal (key, unit));
  fail_unless (out.ok () && *out == start_code + unit);
  // One that nobody put on top is not taken off either.
  Bytes wire = test::encrypt_nal (key, unit);
  wire.pop_back ();
  out = decrypt_picture (start_code + wire);
  fail_unless (out.ok () && *out == start_code + unit);
}
GST_END_TEST;

GST_START_TEST (broken_pictures_are_told)
{
  auto out = decrypt_picture ({1, 2, 3, 0, 0, 1, 9});
  fail_unless (!out.ok () && out.code () == Error::not_aligned);
  out = decrypt_picture ({0x65});
  fail_unless (!out.ok () && out.code () == Error::not_aligned);
  // Before each block two zeros: what another key makes of one of the blocks
  // begins with what must not be behind these.
  Bytes unit{0x61};
  unit.resize (50'000, 0xaa);
  for (std::size_t at = 32; at < unit.size (); at += 160)
    unit[at - 1] = unit[at - 2] = 0;
  Bytes picture = start_code + test::encrypt_nal (key, unit);
  auto out_again = decrypt_picture (picture);
  fail_unless (out_again.ok () && *out_again == start_code + unit);
  auto other = key;
  other.key[0] ^= 1;
  auto cipher = Cipher::create (other.key, other.iv);
  fail_unless (cipher.ok ());
  auto size = cipher->decrypt_nal_units (picture);
  fail_unless (!size.ok () && size.code () == Error::emulation);
}
GST_END_TEST;

GST_START_TEST (keys_have_16_bytes)
{
  for (std::size_t size : {0U, 15U, 17U, 32U}) {
    auto cipher = Cipher::create (Bytes (size), key.iv);
    fail_unless (!cipher.ok () && cipher.code () == Error::key_size);
  }
}
GST_END_TEST;

// 2.3.2: behind the header 16 bytes, whole blocks, and what is left.
GST_START_TEST (frames_of_aac_are_decrypted)
{
  for (bool has_crc : {false, true})
    for (std::size_t size = 0; size < 200; size++) {
      Bytes clear = test::adts_frame (counting (size), has_crc);
      Bytes frames = test::encrypt_adts (key, clear);
      fail_unless ((frames == clear) == (size < 32));
      Cipher cipher = make_cipher ();
      auto done = cipher.decrypt_frames (Codec::aac, frames);
      fail_unless (done.ok () && *done == frames.size () && frames == clear,
          "%zu", size);
    }
  Bytes clear = test::adts_frame (filled (16, 0xcc) + nist_clear);
  Bytes frame = test::adts_frame (filled (16, 0xcc) + nist_encrypted);
  Cipher cipher = make_cipher ();
  fail_unless (cipher.decrypt_frames (Codec::aac, frame).ok ());
  fail_unless (frame == clear);
}
GST_END_TEST;

// 2.3.3: 16 bytes of the frame, its header among them. Sizes are those of ETSI
// TS 102 366 table 4.13 and E.1.3.1.3.
GST_START_TEST (frames_of_ac3_are_decrypted)
{
  const struct
  {
    const char *header;
    std::size_t size;
  } rows[] = {
      {"0b77 0000 00 40", 128},                             // 48 kHz, 32 kbit/s
      {"0b77 0000 01 40", 128}, {"0b77 0000 1e 40", 1792},  // 448
      {"0b77 0000 25 40", 2560},                            // 640
      {"0b77 0000 40 40", 138},                             // 44.1 kHz
      {"0b77 0000 41 40", 140}, {"0b77 0000 5c 40", 1670},  // 384
      {"0b77 0000 5d 40", 1672}, {"0b77 0000 65 40", 2788},
      {"0b77 0000 80 40", 192},                             // 32 kHz
      {"0b77 0000 a5 40", 3840}, {"0b77 0000 00 50", 128},  // bsid 10
      {"0b77 0003 3f 80", 8},                               // E-AC-3
      {"0b77 00bf 3f 80", 384}, {"0b77 07ff 3f 80", 4096},
      {"0b77 4100 3f 80", 514},  // a dependent substream
      {"0b77 00ff 3f 58", 512},  // bsid 11
  };
  for (const auto &row : rows) {
    Bytes clear = sync_frame (row.header, row.size);
    clear.resize (row.size);
    Bytes frames = test::encrypt_frame (key, clear, 0);
    test::append (frames, Bytes (frames));
    test::append (clear, Bytes (clear));
    Cipher cipher = make_cipher ();
    auto done = cipher.decrypt_frames (Codec::ac3, frames);
    fail_unless (done.ok () && *done == 2 * row.size && frames == clear, "%s",
        row.header);
  }
}
GST_END_TEST;

GST_START_TEST (frames_that_are_none_are_told)
{
  const struct
  {
    Codec codec;
    const char *bytes;
    Error error;
  } rows[] = {
      {Codec::aac, "00f1 5080 01 00 fc", Error::no_frame},
      {Codec::aac, "ffe1 5080 01 00 fc", Error::no_frame},
      {Codec::aac, "fffb 9064 00 00 00", Error::no_frame},  // MP3
      {Codec::aac, "0b77 0000 00 40 00", Error::no_frame},
      {Codec::aac, "fff1 5080 00 df fc", Error::frame_size},  // 6
      {Codec::aac, "fff0 5080 01 1f fc", Error::frame_size},  // 8, with CRC
      {Codec::ac3, "770b 0000 00 40 00", Error::no_frame},
      {Codec::ac3, "0b78 0000 00 40 00", Error::no_frame},
      {Codec::ac3, "fff1 5080 01 00 fc", Error::no_frame},
      {Codec::ac3, "0b77 0000 c0 40 00", Error::no_frame},  // fscod 3
      {Codec::ac3, "0b77 0000 26 40 00", Error::no_frame},  // frmsizecod 38
      {Codec::ac3, "0b77 0000 00 88 00", Error::no_frame},  // bsid 17
      {Codec::ac3, "0b77 0002 3f 80 00", Error::frame_size},
  };
  for (const auto &row : rows) {
    Bytes frames = test::hex (row.bytes);
    Cipher cipher = make_cipher ();
    auto done = cipher.decrypt_frames (row.codec, frames);
    fail_unless (!done.ok () && done.code () == row.error, "%s", row.bytes);
    fail_unless (done.position () == 0);
  }
  // Behind a frame.
  Bytes frames = test::adts_frame (counting (50)) + counting (7);
  Cipher cipher = make_cipher ();
  auto done = cipher.decrypt_frames (Codec::aac, frames);
  fail_unless (!done.ok () && done.code () == Error::no_frame);
  fail_unless (done.position () == 57);
}
GST_END_TEST;

// What is not there yet is left as it is.
GST_START_TEST (cut_frames_are_left)
{
  Bytes clear = test::adts_frame (counting (100));
  Bytes whole = test::encrypt_adts (key, clear + clear);
  for (std::size_t size = 107; size < 214; size++) {
    Bytes frames (
        whole.begin (), whole.begin () + static_cast<std::ptrdiff_t> (size));
    Cipher cipher = make_cipher ();
    auto done = cipher.decrypt_frames (Codec::aac, frames);
    fail_unless (done.ok () && *done == 107U);
    fail_unless (std::equal (clear.begin (), clear.end (), frames.begin ()));
    fail_unless (std::equal (
        frames.begin () + 107, frames.end (), whole.begin () + 107));
  }
}
GST_END_TEST;

GST_START_TEST (packed_audio_is_decrypted)
{
  const Bytes tag = test::hex ("494433 0400 00 00000005 0102030405");
  const Bytes with_footer =
      test::hex ("494433 0400 10 00000003 010203 334449 0400 10 00000003");
  Bytes adts;
  Bytes ac3;
  for (std::size_t i = 0; i < 20; i++) {
    adts = adts + test::adts_frame (counting (i * 31));
    Bytes frame = sync_frame ("0b77 00bf 3f 80", 384);
    ac3 = ac3 + frame;
  }
  Bytes encrypted_ac3;
  for (std::size_t at = 0; at < ac3.size (); at += 384)
    encrypted_ac3 = encrypted_ac3 + test::encrypt_frame (key,
                                        test::View (ac3).subspan (at, 384), 0);
  const Bytes encrypted_adts = test::encrypt_adts (key, adts);
  const struct
  {
    Bytes clear, encrypted;
  } rows[] = {
      {{}, {}},
      {tag, tag},
      {adts, encrypted_adts},
      {tag + adts, tag + encrypted_adts},
      {tag + with_footer + adts + tag,
          tag + with_footer + encrypted_adts + tag},
      {adts + tag + adts, encrypted_adts + tag + encrypted_adts},
      {tag + ac3, tag + encrypted_ac3},
      // The smallest frame.
      {test::adts_frame (Bytes{0xe0}), test::adts_frame (Bytes{0xe0})},
  };
  for (const auto &row : rows)
    for (std::size_t piece : {1U, 3U, 7U, 10U, 100U, 1000U, 100'000U}) {
      auto out = decrypt_packed (row.encrypted, piece);
      fail_unless (out.ok () && *out == row.clear, "%zu", piece);
    }
}
GST_END_TEST;

GST_START_TEST (broken_packed_audio_is_told)
{
  const Bytes frame = test::adts_frame (counting (100));
  const struct
  {
    Bytes segment;
    Error error;
    std::size_t position;
  } rows[] = {
      {frame + Bytes{0xff}, Error::cut_frame, 107},
      {frame + Bytes (frame.begin (), frame.end () - 1), Error::cut_frame, 107},
      {frame + counting (20), Error::no_frame, 107},
      {test::hex ("494433 0400 00 00000005 01020304"), Error::cut_frame, 14},
      {test::hex ("494433 0400 00 000000"), Error::cut_frame, 0},
      {test::hex ("fffb 9064 00 00 00 00 00 00 00"), Error::no_frame, 0},
      {frame + test::hex ("0b77 0002 3f 80 00"), Error::frame_size, 107},
  };
  for (const auto &row : rows)
    for (std::size_t piece : {1U, 50U, 1000U}) {
      auto out = decrypt_packed (row.segment, piece);
      fail_unless (!out.ok () && out.code () == row.error);
      fail_unless (out.position () == row.position, "%zu", out.position ());
    }
}
GST_END_TEST;

GST_START_TEST (errors_have_words)
{
  for (int i = 0; i <= static_cast<int> (Error::too_long); i++)
    fail_unless (
        std::string_view (to_string (static_cast<Error> (i))) != "unknown");
}
GST_END_TEST;

static Suite *sampleaes_suite ()
{
  Suite *suite = suite_create ("sampleaes");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, the_pattern_is_one_block_of_ten);
  tcase_add_test (tests, units_of_all_sizes_are_decrypted);
  tcase_add_test (tests, what_is_around_units_stays);
  tcase_add_test (tests, emulation_prevention_is_taken_off_once);
  tcase_add_test (tests, broken_pictures_are_told);
  tcase_add_test (tests, keys_have_16_bytes);
  tcase_add_test (tests, frames_of_aac_are_decrypted);
  tcase_add_test (tests, frames_of_ac3_are_decrypted);
  tcase_add_test (tests, frames_that_are_none_are_told);
  tcase_add_test (tests, cut_frames_are_left);
  tcase_add_test (tests, packed_audio_is_decrypted);
  tcase_add_test (tests, broken_packed_audio_is_told);
  tcase_add_test (tests, errors_have_words);
  return suite;
}

GST_CHECK_MAIN (sampleaes)

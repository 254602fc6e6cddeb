// SPDX-License-Identifier: LGPL-2.1-or-later
#include "aes.h"

#include "encrypter.h"

namespace {

using test::Bytes;

// NIST SP 800-38A, appendix F: the same four blocks under the same key.
const char *const key = "2b7e151628aed2a6abf7158809cf4f3c";
const char *const plain =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

struct Row
{
  aes::Mode mode;
  const char *iv;
  const char *in;
  const char *out;
};
const Row rows[] = {
    // F.5.1 CTR-AES128.Encrypt
    {aes::Mode::ctr, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", plain,
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"},
    // F.5.2 CTR-AES128.Decrypt
    {aes::Mode::ctr, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
        plain},
    // F.2.2 CBC-AES128.Decrypt
    {aes::Mode::cbc_decrypt, "000102030405060708090a0b0c0d0e0f",
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
        plain},
};

std::vector<aes::Library> libraries ()
{
  std::vector<aes::Library> out{aes::Library::openssl};
  if (aes::is_available (aes::Library::gcrypt))
    out.push_back (aes::Library::gcrypt);
  return out;
}

aes::Cipher make (aes::Mode mode, aes::Library library)
{
  aes::Result<aes::Cipher> cipher =
      aes::Cipher::create (mode, test::block (key), library);
  fail_unless (cipher.ok ());
  fail_unless (cipher->library () == library);
  return *std::move (cipher);
}

}  // namespace

GST_START_TEST (nist_vectors)
{
  for (aes::Library library : libraries ())
    for (const Row &row : rows) {
      aes::Cipher cipher = make (row.mode, library);
      Bytes in = test::hex (row.in);
      Bytes out (in.size ());
      // Twice: a cipher can be started again.
      for (int i = 0; i < 2; i++) {
        fail_unless (cipher.start (test::block (row.iv)).ok ());
        fail_unless (cipher.update (in, out).ok ());
        fail_unless (out == test::hex (row.out));
      }
      // In place.
      fail_unless (cipher.start (test::block (row.iv)).ok ());
      fail_unless (cipher.update (in, in).ok ());
      fail_unless (in == test::hex (row.out));
    }
}
GST_END_TEST;

// A message may come in pieces: of any size in counter mode, of whole blocks
// in CBC.
GST_START_TEST (pieces)
{
  for (aes::Library library : libraries ())
    for (const Row &row : rows) {
      aes::Cipher cipher = make (row.mode, library);
      std::size_t step = row.mode == aes::Mode::ctr ? 1 : aes::block_size;
      for (std::size_t cut = 0; cut <= 64; cut += step) {
        Bytes in = test::hex (row.in);
        std::span<std::uint8_t> bytes = in;
        fail_unless (cipher.start (test::block (row.iv)).ok ());
        fail_unless (
            cipher.update (bytes.first (cut), bytes.first (cut)).ok ());
        fail_unless (
            cipher.update (bytes.subspan (cut), bytes.subspan (cut)).ok ());
        fail_unless (in == test::hex (row.out));
      }
    }
}
GST_END_TEST;

// ISO/IEC 23001-7 9.3: bytes 8 to 15 wrap to 0 "without affecting the other 8
// bytes". The key stream is checked block by block.
GST_START_TEST (counter_wraps_at_64_bits)
{
  const char *const starts[] = {"00112233445566778899aabbccddeeff",
      "0011223344556677ffffffffffffffff", "0011223344556677fffffffffffffffd",
      "ffffffffffffffffffffffffffffffff", "ffffffffffffffff0000000000000000",
      "00112233445566770000000000000000", "001122334455667700000000ffffffff"};
  for (aes::Library library : libraries ())
    for (const char *start : starts) {
      Bytes expected = test::SampleEncrypter (
          {"cenc", test::block (key)}, test::block (start))
                           .encrypt (Bytes (101), std::nullopt);
      for (std::size_t cut = 0; cut <= 101; cut++) {
        aes::Cipher cipher = make (aes::Mode::ctr, library);
        Bytes out (101);
        std::span<std::uint8_t> bytes = out;
        fail_unless (cipher.start (test::block (start)).ok ());
        fail_unless (
            cipher.update (bytes.first (cut), bytes.first (cut)).ok ());
        fail_unless (
            cipher.update (bytes.subspan (cut), bytes.subspan (cut)).ok ());
        fail_unless (out == expected, "start %s, cut at %d", start,
            static_cast<int> (cut));
      }
    }
}
GST_END_TEST;

GST_START_TEST (cbc_takes_whole_blocks)
{
  for (aes::Library library : libraries ()) {
    aes::Cipher cipher = make (aes::Mode::cbc_decrypt, library);
    Bytes bytes (17);
    fail_unless (cipher.start ({}).ok ());
    fail_unless (
        cipher.update (bytes, bytes).code () == aes::Error::partial_block);
    fail_unless (cipher.update ({}, {}).ok ());
  }
}
GST_END_TEST;

// Of many sizes, in place and apart, in pieces.
GST_START_TEST (libraries_agree)
{
  if (libraries ().size () < 2) return;
  for (aes::Mode mode : {aes::Mode::ctr, aes::Mode::cbc_decrypt}) {
    aes::Cipher a = make (mode, aes::Library::openssl);
    aes::Cipher b = make (mode, aes::Library::gcrypt);
    for (std::size_t size = 0; size < 5000; size = size * 5 / 4 + 1) {
      std::size_t n = mode == aes::Mode::ctr ? size : size / 16 * 16;
      Bytes in = test::noise (n);
      Bytes iv = test::noise (16, static_cast<std::uint32_t> (size));
      aes::Block block{};
      std::copy (iv.begin (), iv.end (), block.begin ());
      Bytes one (n);
      fail_unless (a.start (block).ok () && a.update (in, one).ok ());
      std::span<std::uint8_t> bytes = in;
      std::size_t cut = mode == aes::Mode::ctr ? n / 3 : n / 3 / 16 * 16;
      fail_unless (b.start (block).ok ());
      fail_unless (b.update (bytes.first (cut), bytes.first (cut)).ok ());
      fail_unless (b.update (bytes.subspan (cut), bytes.subspan (cut)).ok ());
      fail_unless (in == one, "size %d", static_cast<int> (n));
    }
  }
}
GST_END_TEST;

// What is fastest depends on the CPU, but is there.
GST_START_TEST (fastest_is_available)
{
  fail_unless (aes::is_available (aes::Library::openssl));
  fail_unless (aes::is_available (aes::fastest ()));
  make (aes::Mode::ctr, aes::fastest ());
}
GST_END_TEST;

static Suite *aes_suite ()
{
  Suite *suite = suite_create ("aes");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, nist_vectors);
  tcase_add_test (tests, pieces);
  tcase_add_test (tests, counter_wraps_at_64_bits);
  tcase_add_test (tests, cbc_takes_whole_blocks);
  tcase_add_test (tests, libraries_agree);
  tcase_add_test (tests, fastest_is_available);
  return suite;
}

GST_CHECK_MAIN (aes)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "segmentcipher.h"

#include "segmentencrypter.h"
#include "testutil.h"

using segmentcipher::Decrypter;
using segmentcipher::Error;
using enum presentation::Encryption::Cipher;
using presentation::Encryption;

namespace {

Encryption::Iv iv_of (std::string_view text)
{
  Encryption::Iv out{};
  test::Bytes bytes = test::hex (text);
  std::copy (bytes.begin (), bytes.end (), out.begin ());
  return out;
}

// All of it in pieces of this size; or why not.
segmentcipher::Result<std::string> decrypt (Encryption::Cipher cipher,
    const test::Bytes &key, const Encryption::Iv &iv, std::string_view bytes,
    std::size_t piece)
{
  auto decrypter = Decrypter::create (cipher, key, iv);
  if (!decrypter) return decrypter.error ();
  std::string out;
  while (!bytes.empty ()) {
    std::string_view now = bytes.substr (0, piece);
    bytes.remove_prefix (now.size ());
    test::Bytes buffer (decrypter->held ());
    buffer.insert (buffer.end (), now.begin (), now.end ());
    auto size = decrypter->update (buffer);
    if (!size) return size.error ();
    fail_unless (*size + decrypter->held () == buffer.size ());
    out.append (
        buffer.begin (), buffer.begin () + static_cast<std::ptrdiff_t> (*size));
  }
  std::array<std::uint8_t, 16> last{};
  auto size = decrypter->finish (last);
  if (!size) return size.error ();
  out.append (
      last.begin (), last.begin () + static_cast<std::ptrdiff_t> (*size));
  return out;
}

const test::Bytes key_128 = test::hex ("2b7e151628aed2a6abf7158809cf4f3c");
const test::Bytes key_256 = test::hex (
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");

}  // namespace

// NIST SP 800-38A, F.2 and F.5
GST_START_TEST (the_standards_vectors_are_decrypted)
{
  const test::Bytes plain = test::hex (
      "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51"
      "30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710");
  const struct
  {
    Encryption::Cipher cipher;
    const test::Bytes *key;
    const char *iv;
    const char *encrypted;
  } rows[] = {
      {aes_128, &key_128, "000102030405060708090a0b0c0d0e0f",
          "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
          "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
      {aes_256, &key_256, "000102030405060708090a0b0c0d0e0f",
          "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
          "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
      {aes_256_ctr, &key_256, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
          "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
          "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"},
  };
  for (const auto &row : rows) {
    auto decrypter = Decrypter::create (row.cipher, *row.key, iv_of (row.iv));
    fail_unless (decrypter.ok ());
    test::Bytes bytes = test::hex (row.encrypted);
    auto size = decrypter->update (bytes);
    // The last block could be padding.
    std::size_t expected = row.cipher == aes_256_ctr ? 64 : 48;
    fail_unless (size.ok () && *size == expected);
    fail_unless (std::equal (plain.begin (),
        plain.begin () + static_cast<std::ptrdiff_t> (expected),
        bytes.begin ()));
    // And it is none.
    std::array<std::uint8_t, 16> last{};
    auto end = decrypter->finish (last);
    if (row.cipher == aes_256_ctr)
      fail_unless (end.ok () && *end == 0);
    else
      fail_unless (end.code () == Error::padding);
  }
}
GST_END_TEST;

GST_START_TEST (every_size_in_every_piece)
{
  const auto iv = iv_of ("000102030405060708090a0b0c0d0e0f");
  for (auto cipher : {aes_128, aes_256, aes_256_ctr}) {
    const test::Bytes &key = cipher == aes_128 ? key_128 : key_256;
    for (std::size_t size = 0; size < 70; size++) {
      std::string clear (size, 'x');
      for (std::size_t i = 0; i < size; i++) clear[i] = static_cast<char> (i);
      std::string encrypted = test::encrypt_segment (cipher, key, iv, clear);
      for (std::size_t piece = 1; piece < 70; piece++) {
        auto out = decrypt (cipher, key, iv, encrypted, piece);
        fail_unless (out.ok () && *out == clear, "%zu in %zu", size, piece);
      }
    }
  }
}
GST_END_TEST;

// "Those who count in 64 bits": the counter's upper half stays.
GST_START_TEST (the_counter_wraps_in_its_last_eight_bytes)
{
  const auto iv = iv_of ("0102030405060708fffffffffffffffe");
  const auto wrapped = iv_of ("01020304050607080000000000000000");
  std::string clear (80, 'c');
  std::string encrypted =
      test::encrypt_segment (aes_256_ctr, key_256, iv, clear.substr (0, 32)) +
      test::encrypt_segment (aes_256_ctr, key_256, wrapped, clear.substr (32));
  for (std::size_t piece : {1U, 16U, 31U, 32U, 33U, 80U}) {
    auto out = decrypt (aes_256_ctr, key_256, iv, encrypted, piece);
    fail_unless (out.ok () && *out == clear, "in %zu", piece);
  }
  // From 0 it does not.
  encrypted = test::encrypt_segment (aes_256_ctr, key_256, wrapped, clear);
  fail_unless (
      *decrypt (aes_256_ctr, key_256, wrapped, encrypted, 80) == clear);
}
GST_END_TEST;

GST_START_TEST (what_is_wrong_is_named)
{
  const auto iv = iv_of ("");
  const std::string last (15, 'a');
  const struct
  {
    std::string end;  // the last block, not padded
    std::optional<Error> error;
  } rows[] = {
      {last + '\x01', {}},
      {std::string (16, '\x10'), {}},
      {std::string (14, 'a') + "\x02\x02", {}},
      {last + '\0', Error::padding},
      {last + '\x11', Error::padding},
      {std::string (14, 'a') + "\x01\x02", Error::padding},
      {"a" + std::string (15, '\x10'), Error::padding},
  };
  for (const auto &row : rows) {
    std::string encrypted =
        test::encrypt_segment (aes_128, key_128, iv, row.end, false);
    fail_unless_equals_uint64 (encrypted.size (), 16);
    auto out = decrypt (aes_128, key_128, iv, encrypted, 16);
    fail_unless (out.ok () != row.error.has_value ());
    if (row.error) fail_unless (out.code () == *row.error);
  }
  for (std::size_t size : {0U, 1U, 15U, 17U, 31U}) {
    auto out = decrypt (aes_128, key_128, iv, std::string (size, 'x'), 100);
    fail_unless (out.code () == Error::partial_block, "%zu", size);
  }
  for (auto cipher : {aes_128, aes_256, aes_256_ctr})
    for (std::size_t size : {0U, 15U, 16U, 17U, 24U, 31U, 32U, 33U}) {
      auto out = Decrypter::create (cipher, test::Bytes (size), iv);
      fail_unless (out.ok () == (size == segmentcipher::key_size (cipher)));
      if (!out) fail_unless (out.code () == Error::key_size);
    }
  for (auto error :
      {Error::key_size, Error::library, Error::partial_block, Error::padding})
    fail_unless (std::string (to_string (error)) != "unknown");
}
GST_END_TEST;

static Suite *segmentcipher_suite ()
{
  Suite *suite = suite_create ("segmentcipher");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, the_standards_vectors_are_decrypted);
  tcase_add_test (tests, every_size_in_every_piece);
  tcase_add_test (tests, the_counter_wraps_in_its_last_eight_bytes);
  tcase_add_test (tests, what_is_wrong_is_named);
  return suite;
}

GST_CHECK_MAIN (segmentcipher)

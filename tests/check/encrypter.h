// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <openssl/evp.h>

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "testutil.h"

// Common Encryption from its text, for tests: block by block on nothing but
// single AES blocks, so that it shares no way of going wrong with what it
// tests.
namespace test {

using AesBlock = std::array<std::uint8_t, 16>;

inline AesBlock block (std::string_view digits)
{
  AesBlock out{};
  Bytes bytes = hex (digits);
  fail_unless (bytes.size () <= out.size ());
  std::copy (bytes.begin (), bytes.end (), out.begin ());
  return out;
}

// One key schedule for as long as the key is the same.
class Aes
{
public:
  static Aes &instance ()
  {
    static Aes aes;
    return aes;
  }
  ~Aes () { EVP_CIPHER_CTX_free (context_); }
  Aes (const Aes &) = delete;
  Aes &operator= (const Aes &) = delete;

  AesBlock encrypt (const AesBlock &key, const AesBlock &in)
  {
    if (key_ != key) {
      fail_unless (EVP_EncryptInit_ex (context_, EVP_aes_128_ecb (), nullptr,
                       key.data (), nullptr) == 1);
      EVP_CIPHER_CTX_set_padding (context_, 0);
      key_ = key;
    }
    AesBlock out{};
    int size = 0;
    fail_unless (
        EVP_EncryptUpdate (context_, out.data (), &size, in.data (), 16) == 1);
    return out;
  }

private:
  Aes () = default;

  EVP_CIPHER_CTX *context_ = EVP_CIPHER_CTX_new ();
  std::optional<AesBlock> key_;
};

inline AesBlock aes_encrypt (const AesBlock &key, const AesBlock &in)
{
  return Aes::instance ().encrypt (key, in);
}

struct Range
{
  std::size_t clear;
  std::size_t encrypted;
};

struct Scheme
{
  std::string_view name = "cenc";
  AesBlock key{};
  unsigned crypt = 0;
  unsigned skip = 0;
};

class SampleEncrypter
{
public:
  SampleEncrypter (const Scheme &scheme, const AesBlock &iv)
      : scheme_ (scheme), iv_ (iv), chain_ (iv)
  {
  }

  Bytes encrypt (Bytes sample, const std::optional<std::vector<Range>> &ranges)
  {
    if (!ranges) {
      encrypt_range (sample, 0, sample.size ());
      return sample;
    }
    std::size_t at = 0;
    for (const Range &range : *ranges) {
      at += range.clear;
      if (scheme_.name == "cbcs") chain_ = iv_;
      encrypt_range (sample, at, range.encrypted);
      at += range.encrypted;
    }
    fail_unless (at == sample.size () || ranges->empty ());
    return sample;
  }

private:
  bool is_ctr () const
  {
    return scheme_.name == "cenc" || scheme_.name == "cens";
  }

  // The byte of the key stream of this number, in rising order; bytes 8 to
  // 15 of the counter block count blocks, and wrap by themselves.
  std::uint8_t key_stream (std::uint64_t number)
  {
    if (number % 16 == 0) {
      AesBlock counter = iv_;
      std::uint64_t low = 0;
      for (std::size_t i = 8; i < 16; i++) low = low << 8 | counter[i];
      low += number / 16;
      for (std::size_t i = 16; i-- > 8; low >>= 8)
        counter[i] = static_cast<std::uint8_t> (low);
      stream_ = aes_encrypt (scheme_.key, counter);
    }
    return stream_[number % 16];
  }

  void encrypt_block (std::uint8_t *bytes)
  {
    AesBlock in{};
    for (std::size_t i = 0; i < 16; i++)
      in[i] = static_cast<std::uint8_t> (bytes[i] ^ chain_[i]);
    chain_ = aes_encrypt (scheme_.key, in);
    std::copy (chain_.begin (), chain_.end (), bytes);
  }

  void encrypt_range (Bytes &sample, std::size_t at, std::size_t size)
  {
    std::size_t whole = scheme_.name == "cenc" ? size : size / 16 * 16;
    for (std::size_t i = 0; i < whole; i++) {
      std::size_t in_group =
          scheme_.skip == 0 ? 0 : i / 16 % (scheme_.crypt + scheme_.skip);
      if (scheme_.skip != 0 && in_group >= scheme_.crypt) continue;
      if (is_ctr ())
        sample[at + i] =
            static_cast<std::uint8_t> (sample[at + i] ^ key_stream (used_++));
      else if (i % 16 == 0)
        encrypt_block (&sample[at + i]);
    }
  }

  Scheme scheme_;
  AesBlock iv_;
  AesBlock chain_;
  AesBlock stream_{};
  std::uint64_t used_ = 0;
};

// Bytes that do not repeat.
inline Bytes noise (std::size_t size, std::uint32_t seed = 1)
{
  Bytes out (size);
  for (std::uint8_t &byte : out) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t> (seed >> 24);
  }
  return out;
}

}  // namespace test

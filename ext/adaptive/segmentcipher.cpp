// SPDX-License-Identifier: LGPL-2.1-or-later
#include "segmentcipher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace segmentcipher {

const char *to_string (Error error)
{
  switch (error) {
    case Error::key_size:
      return "the key has another size than the cipher wants";
    case Error::library:
      return "the crypto library failed";
    case Error::partial_block:
      return "the segment is not made of whole blocks";
    case Error::padding:
      return "no padding at the end: the key, its IV or the segment is wrong";
  }
  return "unknown";
}

std::size_t key_size (Encryption::Cipher cipher)
{
  return cipher == Encryption::Cipher::aes_128 ? 16 : 32;
}

struct Decrypter::Engine
{
  EVP_CIPHER *cipher = nullptr;
  EVP_CIPHER_CTX *context = nullptr;
};

void Decrypter::Free::operator() (Engine *engine) const
{
  EVP_CIPHER_CTX_free (engine->context);
  EVP_CIPHER_free (engine->cipher);
  delete engine;
}

namespace {

const char *name_of (Encryption::Cipher cipher)
{
  switch (cipher) {
    case Encryption::Cipher::aes_128:
      return "AES-128-CBC";
    case Encryption::Cipher::aes_256:
      return "AES-256-CBC";
    case Encryption::Cipher::aes_256_ctr:
      return "AES-256-CTR";
  }
  return "";
}

// EVP counts in int.
constexpr std::size_t longest_call = std::size_t{1} << 30;

// Until bytes 8 to 15 of the counter block, big-endian, wrap. 0: that is more
// than 2^64 bytes.
std::uint64_t bytes_to_wrap (const Encryption::Iv &iv)
{
  std::uint64_t counter = 0;
  for (std::size_t i = 8; i < iv.size (); i++) counter = counter << 8 | iv[i];
  std::uint64_t blocks = 0 - counter;
  return blocks >= std::uint64_t{1} << 60 ? 0 : blocks * block_size;
}

}  // namespace

Result<Decrypter> Decrypter::create (Encryption::Cipher cipher,
    std::span<const std::uint8_t> key, const Encryption::Iv &iv)
{
  if (key.size () != key_size (cipher)) return relay::failure (Error::key_size);
  std::unique_ptr<Engine, Free> engine{new Engine};
  engine->cipher = EVP_CIPHER_fetch (nullptr, name_of (cipher), nullptr);
  engine->context = EVP_CIPHER_CTX_new ();
  if (engine->cipher == nullptr || engine->context == nullptr ||
      EVP_DecryptInit_ex2 (engine->context, engine->cipher, key.data (),
          iv.data (), nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding (engine->context, 0) != 1)
    return relay::failure (Error::library);
  Decrypter out (cipher, std::move (engine), iv);
  if (cipher == Encryption::Cipher::aes_256_ctr)
    out.to_wrap_ = bytes_to_wrap (iv);
  return out;
}

bool Decrypter::decrypt (std::span<std::uint8_t> data)
{
  while (!data.empty ()) {
    std::size_t size = std::min (data.size (), longest_call);
    int written = 0;
    if (EVP_DecryptUpdate (engine_->context, data.data (), &written,
            data.data (), static_cast<int> (size)) != 1 ||
        static_cast<std::size_t> (written) != size)
      return false;
    data = data.subspan (size);
  }
  return true;
}

// OpenSSL carries the counter over all of its 16 bytes. Those who encrypt so
// count in 8 of them, as the Web Crypto API is told to by the players.
bool Decrypter::decrypt_counted (std::span<std::uint8_t> data)
{
  if (to_wrap_ > 0 && data.size () >= to_wrap_) {
    auto before = static_cast<std::size_t> (to_wrap_);
    if (!decrypt (data.first (before))) return false;
    data = data.subspan (before);
    to_wrap_ = 0;
    Encryption::Iv again = iv_;
    std::fill (again.begin () + 8, again.end (), std::uint8_t{0});
    if (EVP_DecryptInit_ex2 (
            engine_->context, nullptr, nullptr, again.data (), nullptr) != 1)
      return false;
  }
  if (to_wrap_ > 0) to_wrap_ -= data.size ();
  return decrypt (data);
}

Result<std::size_t> Decrypter::update (std::span<std::uint8_t> data)
{
  if (cipher_ == Encryption::Cipher::aes_256_ctr) {
    if (!decrypt_counted (data)) return relay::failure (Error::library);
    return data.size ();
  }
  std::memcpy (data.data (), held_.data (), held_size_);
  // Whole blocks, but not the last one, whole or not.
  std::size_t rest = data.empty () ? 0 : (data.size () - 1) % block_size + 1;
  std::size_t ready = data.size () - rest;
  held_size_ = rest;
  std::memcpy (held_.data (), data.data () + ready, rest);
  if (!decrypt (data.first (ready))) return relay::failure (Error::library);
  return ready;
}

Result<std::size_t> Decrypter::finish (std::span<std::uint8_t, block_size> out)
{
  if (cipher_ == Encryption::Cipher::aes_256_ctr) return std::size_t{0};
  if (held_size_ != block_size) return relay::failure (Error::partial_block);
  held_size_ = 0;
  if (!decrypt (held_)) return relay::failure (Error::library);
  // RFC 5652 6.3
  std::size_t padding = held_.back ();
  if (padding == 0 || padding > block_size)
    return relay::failure (Error::padding);
  std::size_t size = block_size - padding;
  for (std::size_t i = size; i < block_size; i++)
    if (held_[i] != padding) return relay::failure (Error::padding);
  std::memcpy (out.data (), held_.data (), size);
  return size;
}

}  // namespace segmentcipher

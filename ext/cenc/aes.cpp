// SPDX-License-Identifier: LGPL-2.1-or-later
#include "aes.h"

#include <openssl/evp.h>

#include <algorithm>
#include <limits>

namespace aes {
namespace {

using relay::Done;
using relay::failure;

// EVP counts in int.
constexpr std::size_t longest_call = std::size_t{1} << 30;

struct FreeCipher
{
  void operator() (EVP_CIPHER *cipher) const { EVP_CIPHER_free (cipher); }
};

// How many bytes of key stream there are before the low half of the counter
// wraps. More than any message has is as good as never.
std::uint64_t bytes_before_wrap (const Block &counter)
{
  std::uint64_t low = 0;
  for (std::size_t i = 8; i < block_size; i++) low = low << 8 | counter[i];
  std::uint64_t blocks = 0 - low;  // 0 stands for 2^64
  constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max ();
  if (blocks == 0 || blocks > never / block_size) return never;
  return blocks * block_size;
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::library:
      return "the crypto library failed";
    case Error::partial_block:
      return "not a whole number of cipher blocks";
  }
  return "unknown";
}

void Cipher::Free::operator() (evp_cipher_ctx_st *context) const
{
  EVP_CIPHER_CTX_free (context);
}

Result<Cipher> Cipher::create (Mode mode, const Key &key)
{
  std::unique_ptr<EVP_CIPHER, FreeCipher> cipher{EVP_CIPHER_fetch (
      nullptr, mode == Mode::ctr ? "AES-128-CTR" : "AES-128-CBC", nullptr)};
  Context context{EVP_CIPHER_CTX_new ()};
  if (!cipher || !context) return failure (Error::library);
  if (EVP_DecryptInit_ex2 (
          context.get (), cipher.get (), key.data (), nullptr, nullptr) != 1)
    return failure (Error::library);
  if (EVP_CIPHER_CTX_set_padding (context.get (), 0) != 1)
    return failure (Error::library);
  return Cipher (mode, std::move (context));
}

Result<Done> Cipher::set_iv (const Block &iv)
{
  if (EVP_DecryptInit_ex2 (
          context_.get (), nullptr, nullptr, iv.data (), nullptr) != 1)
    return failure (Error::library);
  return Done{};
}

Result<Done> Cipher::start (const Block &iv)
{
  counter_ = iv;
  bytes_to_wrap_ = mode_ == Mode::ctr
                       ? bytes_before_wrap (iv)
                       : std::numeric_limits<std::uint64_t>::max ();
  return set_iv (iv);
}

Result<Done> Cipher::update (
    std::span<const std::uint8_t> in, std::span<std::uint8_t> out)
{
  if (mode_ == Mode::cbc_decrypt && in.size () % block_size != 0)
    return failure (Error::partial_block);
  while (!in.empty ()) {
    if (bytes_to_wrap_ == 0) {
      // The library would have carried into the high half.
      std::fill (counter_.begin () + 8, counter_.end (), std::uint8_t{0});
      if (Result<Done> started = start (counter_); !started) return started;
    }
    auto n = static_cast<std::size_t> (
        std::min<std::uint64_t> ({in.size (), longest_call, bytes_to_wrap_}));
    int written = 0;
    if (EVP_DecryptUpdate (context_.get (), out.data (), &written, in.data (),
            static_cast<int> (n)) != 1 ||
        written != static_cast<int> (n))
      return failure (Error::library);
    bytes_to_wrap_ -= n;
    in = in.subspan (n);
    out = out.subspan (n);
  }
  return Done{};
}

}  // namespace aes

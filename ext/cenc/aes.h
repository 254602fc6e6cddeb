// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "common/result.h"

struct evp_cipher_ctx_st;

// AES-128, counter mode and the decrypting direction of CBC. No padding is
// added or removed: that belongs to the format around it.
namespace aes {

inline constexpr std::size_t block_size = 16;
using Block = std::array<std::uint8_t, block_size>;
using Key = std::array<std::uint8_t, 16>;

enum class Error
{
  library,       // the crypto library refused or failed
  partial_block  // CBC works on whole blocks
};
const char *to_string (Error error);
template <class T>
using Result = relay::Result<T, Error>;

enum class Mode
{
  // Bytes 8 to 15 of the counter block wrap without a carry into bytes 0 to 7
  // (ISO/IEC 23001-7 9.3). Encrypting and decrypting are the same.
  ctr,
  cbc_decrypt
};

// One key in one mode, for many messages: expanding a key costs more than a
// short message, so keep the cipher and start it again.
class Cipher
{
public:
  static Result<Cipher> create (Mode mode, const Key &key);

  // A new message: the counter block, or the CBC initialization vector.
  Result<relay::Done> start (const Block &iv);

  // The next bytes of the message, which may be cut anywhere in counter mode
  // and between blocks in CBC. out is as long as in, and is the same memory or
  // memory apart.
  Result<relay::Done> update (
      std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

private:
  struct Free
  {
    void operator() (evp_cipher_ctx_st *context) const;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, Free>;

  Cipher (Mode mode, Context context)
      : mode_ (mode), context_ (std::move (context))
  {
  }
  Result<relay::Done> set_iv (const Block &iv);

  Mode mode_;
  Context context_;  // holds the expanded key, wiped by the library
  Block counter_{};  // what the message was started with
  std::uint64_t bytes_to_wrap_ = 0;
};

}  // namespace aes

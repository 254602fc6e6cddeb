// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "common/result.h"
#include "presentation.h"

// Decrypts a segment that is encrypted as a whole (RFC 8216bis 4.4.4.4, 5.2):
// AES with CBC and PKCS #7 padding, which is taken off, or in counter mode.
namespace segmentcipher {

using presentation::Encryption;

inline constexpr std::size_t block_size = 16;

enum class Error
{
  key_size,       // neither 16 nor 32 bytes, as the cipher wants
  library,        // OpenSSL refused or failed
  partial_block,  // CBC: the segment is not whole blocks, or empty
  padding         // CBC: there is none. The key, the IV or the data are wrong.
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

[[nodiscard]] std::size_t key_size (Encryption::Cipher cipher);

// One segment, in pieces. What cannot be told from padding yet is held back.
class Decrypter
{
public:
  [[nodiscard]] static Result<Decrypter> create (Encryption::Cipher cipher,
      std::span<const std::uint8_t> key, const Encryption::Iv &iv);

  // How many bytes are held back: they go before the next ones.
  [[nodiscard]] std::size_t held () const { return held_size_; }
  // In place: the bytes behind the first held () of data are the next ones.
  // What is decrypted is at the beginning of data, and its size the result.
  [[nodiscard]] Result<std::size_t> update (std::span<std::uint8_t> data);
  // After the last one: what comes out yet, up to a block.
  [[nodiscard]] Result<std::size_t> finish (
      std::span<std::uint8_t, block_size> out);

private:
  struct Engine;
  struct Free
  {
    void operator() (Engine *engine) const;
  };
  Decrypter (Encryption::Cipher cipher, std::unique_ptr<Engine, Free> engine,
      const Encryption::Iv &iv)
      : cipher_ (cipher), engine_ (std::move (engine)), iv_ (iv)
  {
  }
  [[nodiscard]] bool decrypt (std::span<std::uint8_t> data);
  [[nodiscard]] bool decrypt_counted (std::span<std::uint8_t> data);

  Encryption::Cipher cipher_;
  std::unique_ptr<Engine, Free> engine_;  // has the expanded key, and wipes it
  Encryption::Iv iv_;
  std::uint64_t to_wrap_ = 0;  // bytes; 0 = the counter does not wrap
  std::array<std::uint8_t, block_size> held_{};
  std::size_t held_size_ = 0;
};

}  // namespace segmentcipher

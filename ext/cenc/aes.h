// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "common/result.h"

// AES-128, counter mode and the decrypting direction of CBC. No padding is
// added or removed: that belongs to the format around it.
namespace aes {

inline constexpr std::size_t block_size = 16;
using Block = std::array<std::uint8_t, block_size>;
using Key = std::array<std::uint8_t, 16>;

enum class Error
{
  library,       // the crypto library is not there, refused or failed
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

// Whose AES it is. OpenSSL is always there.
enum class Library
{
  openssl,
  gcrypt
};
const char *to_string (Library library);

bool is_available (Library library);
// The one that is faster on this CPU.
Library fastest ();

// What a library does: see Cipher, but for the counter, which libraries carry
// over all of its 128 bits.
class Engine
{
public:
  Engine () = default;
  Engine (const Engine &) = delete;
  Engine &operator= (const Engine &) = delete;
  virtual ~Engine () = default;

  [[nodiscard]] virtual Library library () const = 0;
  virtual bool start (const Block &iv) = 0;
  virtual bool update (
      std::span<const std::uint8_t> in, std::span<std::uint8_t> out) = 0;
};

// One key in one mode, for many messages: expanding a key costs more than a
// short message, so keep the cipher and start it again.
class Cipher
{
public:
  static Result<Cipher> create (
      Mode mode, const Key &key, Library library = fastest ());

  // A new message: the counter block, or the CBC initialization vector.
  Result<relay::Done> start (const Block &iv);

  // The next bytes of the message, which may be cut anywhere in counter mode
  // and between blocks in CBC. out is as long as in, and is the same memory or
  // memory apart.
  Result<relay::Done> update (
      std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

  // OpenSSL where the other one refuses the key, as by a policy of the system.
  [[nodiscard]] Library library () const { return engine_->library (); }

private:
  Cipher (Mode mode, std::unique_ptr<Engine> engine)
      : mode_ (mode), engine_ (std::move (engine))
  {
  }

  Mode mode_;
  std::unique_ptr<Engine> engine_;  // holds the expanded key, and wipes it
  Block counter_{};                 // what the message was started with
  std::uint64_t bytes_to_wrap_ = 0;
};

}  // namespace aes

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "aes.h"
#include "common/result.h"
#include "keys.h"
#include "pattern.h"

// One sample of Common Encryption, ISO/IEC 23001-7, all four schemes.
namespace cenc {

// 23001-7 clause 10. AES-CTR: cenc, cens. AES-CBC: cbc1, cbcs. With a
// pattern: cens, cbcs.
enum class Scheme
{
  cenc,
  cens,
  cbc1,
  cbcs
};
const char *to_string (Scheme scheme);

enum class Error
{
  iv_size,            // 8 or 16 bytes
  pattern_forbidden,  // cenc and cbc1 have none
  pattern_encrypts_nothing,
  subsamples_truncated,  // not a whole number of entries
  subsamples_sum,        // they do not add up to the sample's size
  partial_block,         // protected ranges of cens and cbc1 are whole blocks
  no_key,
  cipher
};
const char *to_string (Error error);
template <class T>
using Result = relay::Result<T, Error>;

// In blocks of 16 bytes, 4 bits each. 0:0 is no pattern: every block.
struct Pattern
{
  std::uint8_t crypt_byte_block = 0;
  std::uint8_t skip_byte_block = 0;
};

// An initialization vector of 8 or 16 bytes as a cipher block.
Result<aes::Block> to_block (std::span<const std::uint8_t> iv);

// BytesOfClearData (16 bits) and BytesOfProtectedData (32 bits).
inline constexpr std::size_t subsample_size = 6;

// With so many bytes, of a sample that comes in parts, some can be decrypted:
// those of the longest pattern.
inline constexpr std::size_t longest_group = 30 * aes::block_size;

struct Sample
{
  aes::Block iv{};
  Pattern pattern;
  // Entries of subsample_size bytes as in the file. An empty list is a sample
  // without protected bytes; none at all is a sample protected as a whole.
  std::optional<std::span<const std::uint8_t>> subsamples;
};

// One key under one scheme.
class Decryptor
{
public:
  static Result<Decryptor> create (Scheme scheme, const aes::Key &key,
      aes::Library library = aes::fastest ());

  // out is as long as in, and is the same memory or memory apart; then clear
  // ranges are copied. After an error out is not to be used. Positions count
  // bytes of the sample.
  Result<relay::Done> decrypt (const Sample &sample,
      std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

  // The same in parts, with no other sample between them. The list of
  // subsamples must stay. size: of the whole sample.
  Result<relay::Done> begin (const Sample &sample, std::size_t size);
  // The next bytes, cut anywhere. Returns how many were taken: the others come
  // again with what is behind them, of which none are of another sample.
  Result<std::size_t> go_on (
      std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

private:
  using Bytes = std::span<const std::uint8_t>;
  using Writable = std::span<std::uint8_t>;

  Decryptor (Scheme scheme, aes::Cipher cipher)
      : scheme_ (scheme), cipher_ (std::move (cipher))
  {
  }
  // Of the sample that has begun.
  struct Progress
  {
    Sample sample;
    std::size_t next_subsample = 0;
    // Left of the subsample.
    std::size_t clear = 0;
    std::size_t range = 0;
    bool is_range_new = false;
    bool is_cipher_fresh = false;  // nothing since it was given the IV
    pattern::Chain chain;
    std::size_t position = 0;
  };
  Result<relay::Done> check (const Sample &sample, std::size_t size) const;
  void find_subsample ();
  // What of the range can be done, of so many bytes: it is cut at multiples of
  // group only.
  [[nodiscard]] std::size_t range_size (
      std::size_t size, std::size_t group) const;
  Result<relay::Done> decrypt_range (Bytes in, Writable out);
  Result<std::size_t> go_on_plain (Bytes in, Writable out);
  Result<std::size_t> go_on_pattern (Writable bytes);

  Scheme scheme_;
  aes::Cipher cipher_;
  pattern::Scratch scratch_;
  Progress now_;
};

// Decryptors by key id and scheme, made when first asked for.
class Decryptors
{
public:
  explicit Decryptors (std::shared_ptr<const keys::Ring> ring)
      : ring_ (std::move (ring))
  {
  }

  Result<std::shared_ptr<Decryptor>> find (
      Scheme scheme, const keys::KeyId &kid);

  // A key that the ring does not have, or has another one for.
  void set (const keys::KeyId &kid, const keys::Secret &key);

private:
  std::shared_ptr<const keys::Ring> ring_;
  std::map<keys::KeyId, keys::Secret> set_;
  std::map<std::pair<Scheme, keys::KeyId>, std::shared_ptr<Decryptor>> made_;
};

}  // namespace cenc

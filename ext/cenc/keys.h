// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aes.h"
#include "common/result.h"

// Content keys by key id, and the text that they are given in.
namespace keys {

using KeyId = std::array<std::uint8_t, 16>;

// 32 digits, as keys are written in manifests and logs.
std::string to_string (const KeyId &kid);

enum class Error
{
  empty_entry,
  no_colon,
  kid_bad_character,
  kid_bad_dashes,
  kid_odd_digits,
  kid_wrong_length,
  key_bad_character,
  key_odd_digits,
  key_wrong_length,
  two_keys_for_one_kid,
  too_many
};
const char *to_string (Error error);
template <class T>
using Result = relay::Result<T, Error>;

// A key that does not stay behind in memory.
class Secret
{
public:
  Secret () = default;
  explicit Secret (const aes::Key &bytes) : bytes_ (bytes) {}
  Secret (const Secret &) = default;
  Secret &operator= (const Secret &) = default;
  ~Secret ();

  [[nodiscard]] const aes::Key &bytes () const { return bytes_; }

private:
  aes::Key bytes_{};
};

class Ring
{
public:
  static constexpr std::size_t most_keys = 1024;

  // Null when there is no key for it. Valid until the ring changes.
  [[nodiscard]] const aes::Key *find (const KeyId &kid) const;
  [[nodiscard]] std::size_t size () const { return entries_.size (); }

  Result<relay::Done> add (const KeyId &kid, const Secret &key);

private:
  struct Entry
  {
    KeyId kid;
    Secret key;
  };
  std::vector<Entry> entries_;
};

// "KID:KEY,KID:KEY": 32 hexadecimal digits each, the KID also as a UUID with
// its dashes; spaces around a KID or KEY do not count. Positions count bytes.
Result<Ring> parse (std::string_view text);

}  // namespace keys

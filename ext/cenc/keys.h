// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
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
  too_many,
  json_syntax,
  json_too_deep,
  jwk_no_keys,
  jwk_no_kid,
  jwk_no_k
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
  // All of the other ring.
  Result<relay::Done> add (const Ring &other);
  // Also where there is another key for it.
  // True if there was no such key.
  Result<bool> replace (const KeyId &kid, const Secret &key);
  // All that there is room for. True if one of them was not there.
  bool replace (const Ring &other);
  // For every key id that has no key of its own.
  void set_any (const Secret &key) { any_ = key; }

private:
  struct Entry
  {
    KeyId kid;
    Secret key;
  };
  Entry *entry (const KeyId &kid);

  std::vector<Entry> entries_;
  std::optional<Secret> any_;
};

// A key id or key is 32 hexadecimal digits, or base64url or base64, with or
// without padding; a key id may also be a UUID with its dashes. Spaces around
// it do not count. Positions count bytes.
Result<KeyId> parse_kid (std::string_view text);
Result<Secret> parse_key (std::string_view text);

// "KID:KEY,KID:KEY"
Result<Ring> parse (std::string_view text);

// A JSON Web Key Set with the symmetric keys of W3C ClearKey (Encrypted Media
// Extensions 9.1): {"keys":[{"kty":"oct","kid":"...","k":"..."}]}. Keys of
// other types and members that are not known are passed over.
Result<Ring> parse_clearkey (std::string_view json);

}  // namespace keys

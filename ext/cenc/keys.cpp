// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keys.h"

#include <openssl/crypto.h>

#include <optional>

namespace keys {
namespace {

using relay::Done;
using relay::failure;

// A piece of the text, with its place in the whole for error positions.
struct Piece
{
  std::string_view text;
  std::size_t position;
};

Piece trim (Piece piece)
{
  while (!piece.text.empty () && piece.text.front () == ' ') {
    piece.text.remove_prefix (1);
    piece.position++;
  }
  while (!piece.text.empty () && piece.text.back () == ' ')
    piece.text.remove_suffix (1);
  return piece;
}

std::optional<std::uint8_t> digit (char c)
{
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t> (c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t> (c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t> (c - 'A' + 10);
  return std::nullopt;
}

struct HexErrors
{
  Error character, odd, length;
};

// Digits into the 16 bytes of out; dashes are passed over.
Result<Done> parse_hex (
    Piece piece, const HexErrors &errors, bool dashes, aes::Block &out)
{
  std::size_t digits = 0;
  for (std::size_t i = 0; i < piece.text.size (); i++) {
    if (dashes && piece.text[i] == '-') continue;
    std::optional<std::uint8_t> value = digit (piece.text[i]);
    if (!value) return failure (errors.character, piece.position + i);
    if (digits < 2 * out.size ()) {
      std::uint8_t &byte = out[digits / 2];
      byte = static_cast<std::uint8_t> (byte << 4 | *value);
    }
    digits++;
  }
  if (digits % 2 != 0) return failure (errors.odd, piece.position);
  if (digits != 2 * out.size ()) return failure (errors.length, piece.position);
  return Done{};
}

std::optional<std::uint8_t> base64_digit (char c)
{
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint8_t> (c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint8_t> (c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t> (c - '0' + 52);
  if (c == '-' || c == '+') return std::uint8_t{62};
  if (c == '_' || c == '/') return std::uint8_t{63};
  return std::nullopt;
}

// RFC 4648 4 and 5: 16 bytes are 22 characters, and two of padding if any.
bool has_base64_size (std::string_view text)
{
  return text.size () == 22 || (text.size () == 24 && text.ends_with ("=="));
}

Result<Done> parse_base64 (Piece piece, Error character, aes::Block &out)
{
  unsigned bits = 0, size = 0;
  std::size_t filled = 0;
  for (std::size_t i = 0; i < 22; i++) {
    std::optional<std::uint8_t> value = base64_digit (piece.text[i]);
    if (!value) return failure (character, piece.position + i);
    bits = bits << 6 | *value;
    size += 6;
    if (size < 8 || filled == out.size ()) continue;
    size -= 8;
    out[filled++] = static_cast<std::uint8_t> (bits >> size);
    bits &= (1U << size) - 1;
  }
  // What is left of the last digit.
  if ((bits & 0xf) != 0) return failure (character, piece.position + 21);
  return Done{};
}

Result<KeyId> parse_kid (Piece piece)
{
  KeyId kid{};
  if (has_base64_size (piece.text)) {
    Result<Done> parsed = parse_base64 (piece, Error::kid_bad_character, kid);
    if (!parsed) return parsed.error ();
    return kid;
  }
  Result<Done> parsed = parse_hex (piece,
      {Error::kid_bad_character, Error::kid_odd_digits,
          Error::kid_wrong_length},
      true, kid);
  if (!parsed) return parsed.error ();
  // RFC 4122 3: 8-4-4-4-12, or no dash at all.
  bool dashed = piece.text.find ('-') != std::string_view::npos;
  bool uuid = piece.text.size () == 36 && piece.text[8] == '-' &&
              piece.text[13] == '-' && piece.text[18] == '-' &&
              piece.text[23] == '-';
  if (dashed && !uuid) return failure (Error::kid_bad_dashes, piece.position);
  return kid;
}

Result<Secret> parse_key (Piece piece)
{
  aes::Key key{};
  Result<Done> parsed =
      has_base64_size (piece.text)
          ? parse_base64 (piece, Error::key_bad_character, key)
          : parse_hex (piece,
                {Error::key_bad_character, Error::key_odd_digits,
                    Error::key_wrong_length},
                false, key);
  Secret secret (key);
  OPENSSL_cleanse (key.data (), key.size ());
  if (!parsed) return parsed.error ();
  return secret;
}

Result<Done> parse_entry (Piece entry, Ring &ring)
{
  if (trim (entry).text.empty ())
    return failure (Error::empty_entry, entry.position);
  std::size_t colon = entry.text.find (':');
  if (colon == std::string_view::npos)
    return failure (Error::no_colon, trim (entry).position);
  Piece kid_text = trim ({entry.text.substr (0, colon), entry.position});
  Piece key_text =
      trim ({entry.text.substr (colon + 1), entry.position + colon + 1});

  Result<KeyId> kid = parse_kid (kid_text);
  if (!kid) return kid.error ();
  Result<Secret> secret = parse_key (key_text);
  if (!secret) return secret.error ();
  Result<Done> added = ring.add (*kid, *secret);
  if (!added) return failure (added.code (), kid_text.position);
  return Done{};
}

}  // namespace

std::string to_string (const KeyId &kid)
{
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::uint8_t byte : kid) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

const char *to_string (Error error)
{
  switch (error) {
    case Error::empty_entry:
      return "an entry is empty";
    case Error::no_colon:
      return "no ':' between key id and key";
    case Error::kid_bad_character:
      return "the key id has a character that is no hexadecimal digit";
    case Error::kid_bad_dashes:
      return "the dashes of the key id are not where a UUID has them";
    case Error::kid_odd_digits:
      return "the key id has an odd number of digits";
    case Error::kid_wrong_length:
      return "the key id is not 16 bytes long";
    case Error::key_bad_character:
      return "the key has a character that is no hexadecimal digit";
    case Error::key_odd_digits:
      return "the key has an odd number of digits";
    case Error::key_wrong_length:
      return "the key is not 16 bytes long";
    case Error::two_keys_for_one_kid:
      return "two different keys for one key id";
    case Error::too_many:
      return "too many keys";
    case Error::json_syntax:
      return "this is no JSON";
    case Error::json_too_deep:
      return "the JSON has too many brackets in one another";
    case Error::jwk_no_keys:
      return "the JSON has no list of keys";
    case Error::jwk_no_kid:
      return "a key has no key id";
    case Error::jwk_no_k:
      return "a key has no value";
  }
  return "unknown";
}

Secret::~Secret ()
{
  OPENSSL_cleanse (bytes_.data (), bytes_.size ());
}

const aes::Key *Ring::find (const KeyId &kid) const
{
  for (const Entry &entry : entries_)
    if (entry.kid == kid) return &entry.key.bytes ();
  return any_ ? &any_->bytes () : nullptr;
}

Ring::Entry *Ring::entry (const KeyId &kid)
{
  for (Entry &entry : entries_)
    if (entry.kid == kid) return &entry;
  return nullptr;
}

Result<Done> Ring::add (const KeyId &kid, const Secret &key)
{
  if (Entry *known = entry (kid)) {
    if (known->key.bytes () != key.bytes ())
      return failure (Error::two_keys_for_one_kid);
    return Done{};
  }
  if (entries_.size () >= most_keys) return failure (Error::too_many);
  entries_.push_back ({kid, key});
  return Done{};
}

Result<Done> Ring::add (const Ring &other)
{
  for (const Entry &entry : other.entries_)
    if (Result<Done> added = add (entry.kid, entry.key); !added) return added;
  if (other.any_) any_ = other.any_;
  return Done{};
}

Result<bool> Ring::replace (const KeyId &kid, const Secret &key)
{
  if (Entry *known = entry (kid)) {
    if (known->key.bytes () == key.bytes ()) return false;
    known->key = key;
    return true;
  }
  Result<Done> added = add (kid, key);
  if (!added) return added.error ();
  return true;
}

bool Ring::replace (const Ring &other)
{
  bool is_new = false;
  for (const Entry &entry : other.entries_) {
    Result<bool> replaced = replace (entry.kid, entry.key);
    if (!replaced) break;
    is_new = is_new || *replaced;
  }
  return is_new;
}

Result<KeyId> parse_kid (std::string_view text)
{
  return parse_kid (trim ({text, 0}));
}

Result<Secret> parse_key (std::string_view text)
{
  return parse_key (trim ({text, 0}));
}

Result<Ring> parse (std::string_view text)
{
  Ring ring;
  if (trim ({text, 0}).text.empty ()) return ring;
  std::size_t start = 0;
  while (true) {
    std::size_t comma = text.find (',', start);
    Piece entry{text.substr (start, comma - start), start};
    Result<Done> parsed = parse_entry (entry, ring);
    if (!parsed) return parsed.error ();
    if (comma == std::string_view::npos) return ring;
    start = comma + 1;
  }
}

}  // namespace keys

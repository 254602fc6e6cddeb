// SPDX-License-Identifier: LGPL-2.1-or-later
#include <openssl/crypto.h>

#include <optional>

#include "common/json.h"
#include "keys.h"

namespace keys {
namespace {

using relay::Done;
using relay::failure;

using Scanner = relay::json::Scanner<Error>;

struct Member
{
  std::string_view text;
  std::size_t position;
};

Result<Done> add_key (
    const Member &kid_text, const Member &key_text, Ring &ring)
{
  auto kid_plain = relay::json::unescape (kid_text.text);
  if (!kid_plain) return failure (Error::json_syntax, kid_text.position);
  Result<KeyId> kid = parse_kid (*kid_plain);
  if (!kid) return failure (kid.code (), kid_text.position);
  auto plain = relay::json::unescape (key_text.text);
  if (!plain) return failure (Error::json_syntax, key_text.position);
  Result<Secret> key = parse_key (*plain);
  OPENSSL_cleanse (plain->data (), plain->size ());
  if (!key) return failure (key.code (), key_text.position);
  Result<Done> added = ring.add (*kid, *key);
  if (!added) return failure (added.code (), kid_text.position);
  return Done{};
}

Result<Done> parse_jwk (Scanner &scanner, Ring &ring)
{
  scanner.peek ();
  std::size_t start = scanner.position ();
  std::optional<Member> type, kid, key;
  Result<Done> parsed =
      scanner.members ([&] (std::string_view name) -> Result<Done> {
        std::optional<Member> *member = name == "kty"   ? &type
                                        : name == "kid" ? &kid
                                        : name == "k"   ? &key
                                                        : nullptr;
        if (member == nullptr || scanner.peek () != '"') return scanner.skip ();
        std::size_t position = scanner.position ();
        Result<std::string_view> value = scanner.string ();
        if (!value) return value.error ();
        *member = Member{*value, position};
        return Done{};
      });
  if (!parsed) return parsed;
  // RFC 7518 6.1: "oct" is a symmetric key.
  if (type && type->text != "oct") return Done{};
  if (!kid) return failure (Error::jwk_no_kid, start);
  if (!key) return failure (Error::jwk_no_k, start);
  return add_key (*kid, *key, ring);
}

Result<Done> parse_list (Scanner &scanner, Ring &ring)
{
  if (scanner.peek () != '[')
    return failure (Error::jwk_no_keys, scanner.position ());
  return scanner.values ([&] { return parse_jwk (scanner, ring); });
}

}  // namespace

Result<Ring> parse_clearkey (std::string_view json)
{
  Ring ring;
  Scanner scanner (json);
  bool has_list = false;
  Result<Done> parsed =
      scanner.members ([&] (std::string_view name) -> Result<Done> {
        if (name != "keys") return scanner.skip ();
        has_list = true;
        return parse_list (scanner, ring);
      });
  if (!parsed) return parsed.error ();
  if (Result<Done> ended = scanner.end (); !ended) return ended.error ();
  if (!has_list) return failure (Error::jwk_no_keys);
  return ring;
}

}  // namespace keys

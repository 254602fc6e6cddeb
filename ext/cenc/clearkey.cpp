// SPDX-License-Identifier: LGPL-2.1-or-later
#include <openssl/crypto.h>

#include <algorithm>
#include <optional>

#include "keys.h"

namespace keys {
namespace {

using relay::Done;
using relay::failure;

// As much of RFC 8259 as finding strings takes: what is passed over must have
// its quotes and brackets right, and no more.
class Scanner
{
public:
  explicit Scanner (std::string_view text) : text_ (text) {}

  [[nodiscard]] std::size_t position () const { return at_; }

  // The next character that is no space; 0 at the end.
  char peek ()
  {
    constexpr std::string_view spaces = " \t\r\n";
    while (at_ < text_.size () &&
           spaces.find (text_[at_]) != std::string_view::npos)
      at_++;
    return at_ < text_.size () ? text_[at_] : '\0';
  }

  bool take (char c)
  {
    if (peek () != c || at_ == text_.size ()) return false;
    at_++;
    return true;
  }

  // What is between the quotes, its escapes as they are.
  Result<std::string_view> string ()
  {
    if (!take ('"')) return failure (Error::json_syntax, at_);
    std::size_t start = at_;
    for (; at_ < text_.size (); at_++) {
      if (text_[at_] == '"') return text_.substr (start, at_++ - start);
      if (text_[at_] == '\\') at_++;
    }
    at_ = text_.size ();
    return failure (Error::json_syntax, at_);
  }

  // A value of any kind.
  Result<Done> skip ()
  {
    std::size_t depth = 0;
    do {
      char c = peek ();
      if (c == '"') {
        Result<std::string_view> passed = string ();
        if (!passed) return passed.error ();
      } else if (c == '{' || c == '[') {
        if (++depth > deepest) return failure (Error::json_too_deep, at_);
        at_++;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return failure (Error::json_syntax, at_);
        depth--;
        at_++;
      } else if (depth > 0 && (c == ',' || c == ':')) {
        at_++;
      } else {
        // A number, true, false, null.
        std::size_t end = text_.find_first_of (" \t\r\n\"{}[],:", at_);
        if (end == at_ || at_ == text_.size ())
          return failure (Error::json_syntax, at_);
        at_ = std::min (end, text_.size ());
      }
    } while (depth > 0);
    return Done{};
  }

private:
  static constexpr std::size_t deepest = 64;

  std::string_view text_;
  std::size_t at_ = 0;
};

// The members of an object, each given to visit (name), which reads the value.
template <class Visit>
Result<Done> each_member (Scanner &scanner, Visit visit)
{
  if (!scanner.take ('{'))
    return failure (Error::json_syntax, scanner.position ());
  if (scanner.take ('}')) return Done{};
  do {
    Result<std::string_view> name = scanner.string ();
    if (!name) return name.error ();
    if (!scanner.take (':'))
      return failure (Error::json_syntax, scanner.position ());
    if (Result<Done> visited = visit (*name); !visited) return visited;
  } while (scanner.take (','));
  if (!scanner.take ('}'))
    return failure (Error::json_syntax, scanner.position ());
  return Done{};
}

// base64url has nothing to escape, but "\/" is a way to write '/'.
std::string unescape (std::string_view text)
{
  std::string out (text);
  for (std::size_t at = 0; (at = out.find ("\\/", at)) != std::string::npos;)
    out.erase (at, 1);
  return out;
}

struct Member
{
  std::string_view text;
  std::size_t position;
};

Result<Done> add_key (
    const Member &kid_text, const Member &key_text, Ring &ring)
{
  Result<KeyId> kid = parse_kid (unescape (kid_text.text));
  if (!kid) return failure (kid.code (), kid_text.position);
  std::string plain = unescape (key_text.text);
  Result<Secret> key = parse_key (plain);
  OPENSSL_cleanse (plain.data (), plain.size ());
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
      each_member (scanner, [&] (std::string_view name) -> Result<Done> {
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
  if (!scanner.take ('['))
    return failure (Error::jwk_no_keys, scanner.position ());
  if (scanner.take (']')) return Done{};
  do {
    if (Result<Done> parsed = parse_jwk (scanner, ring); !parsed) return parsed;
  } while (scanner.take (','));
  if (!scanner.take (']'))
    return failure (Error::json_syntax, scanner.position ());
  return Done{};
}

}  // namespace

Result<Ring> parse_clearkey (std::string_view json)
{
  Ring ring;
  Scanner scanner (json);
  bool has_list = false;
  Result<Done> parsed =
      each_member (scanner, [&] (std::string_view name) -> Result<Done> {
        if (name != "keys") return scanner.skip ();
        has_list = true;
        return parse_list (scanner, ring);
      });
  if (!parsed) return parsed.error ();
  scanner.peek ();
  if (scanner.position () != json.size ())
    return failure (Error::json_syntax, scanner.position ());
  if (!has_list) return failure (Error::jwk_no_keys);
  return ring;
}

}  // namespace keys

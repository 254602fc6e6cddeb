// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "result.h"

// As much of RFC 8259 as finding some members takes: what is passed over must
// have its quotes and brackets right, and no more.
namespace relay::json {

inline constexpr std::size_t deepest = 64;

// Reads one value after the other. Error has json_syntax and json_too_deep;
// the position of a failure is the byte.
template <class Error>
class Scanner
{
public:
  template <class T>
  using Result = relay::Result<T, Error>;

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

  // A number, true, false, null.
  Result<std::string_view> word ()
  {
    (void)peek ();
    std::size_t start = at_;
    std::size_t end = text_.find_first_of (" \t\r\n\"{}[],:", at_);
    if (end == at_ || at_ == text_.size ())
      return failure (Error::json_syntax, at_);
    at_ = std::min (end, text_.size ());
    return text_.substr (start, at_ - start);
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
        Result<std::string_view> passed = word ();
        if (!passed) return passed.error ();
      }
    } while (depth > 0);
    return Done{};
  }

  // The members of an object, each given to visit (name), which reads the
  // value.
  template <class Visit>
  Result<Done> members (Visit visit)
  {
    return all ('{', '}', [&] () -> Result<Done> {
      Result<std::string_view> name = string ();
      if (!name) return name.error ();
      if (!take (':')) return failure (Error::json_syntax, at_);
      return visit (*name);
    });
  }

  // The values of an array, each of which visit () reads.
  template <class Visit>
  Result<Done> values (Visit visit)
  {
    return all ('[', ']', visit);
  }

  // Nothing comes any more.
  Result<Done> end ()
  {
    (void)peek ();
    if (at_ != text_.size ()) return failure (Error::json_syntax, at_);
    return Done{};
  }

private:
  template <class Visit>
  Result<Done> all (char open, char close, Visit visit)
  {
    if (!take (open)) return failure (Error::json_syntax, at_);
    if (take (close)) return Done{};
    do {
      if (Result<Done> visited = visit (); !visited) return visited;
    } while (take (','));
    if (!take (close)) return failure (Error::json_syntax, at_);
    return Done{};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Four hexadecimal digits.
[[nodiscard]] inline std::optional<std::uint32_t> code_unit (
    std::string_view text)
{
  if (text.size () < 4) return std::nullopt;
  std::uint32_t out = 0;
  for (char c : text.substr (0, 4)) {
    std::uint32_t digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<std::uint32_t> (c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<std::uint32_t> (c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<std::uint32_t> (c - 'A') + 10;
    else
      return std::nullopt;
    out = out * 16 + digit;
  }
  return out;
}

inline void append_utf8 (std::string &out, std::uint32_t character)
{
  auto byte = [&out] (
                  std::uint32_t value) { out += static_cast<char> (value); };
  if (character < 0x80) {
    byte (character);
  } else if (character < 0x800) {
    byte (0xc0 | (character >> 6));
    byte (0x80 | (character & 0x3f));
  } else if (character < 0x10000) {
    byte (0xe0 | (character >> 12));
    byte (0x80 | ((character >> 6) & 0x3f));
    byte (0x80 | (character & 0x3f));
  } else {
    byte (0xf0 | (character >> 18));
    byte (0x80 | ((character >> 12) & 0x3f));
    byte (0x80 | ((character >> 6) & 0x3f));
    byte (0x80 | (character & 0x3f));
  }
}

// The character of a \u, with that of the second one of a pair; text begins
// behind the u and goes on behind what was read.
[[nodiscard]] inline std::optional<std::uint32_t> character (
    std::string_view &text)
{
  auto first = code_unit (text);
  if (!first) return std::nullopt;
  text.remove_prefix (4);
  if (*first < 0xd800 || *first > 0xdfff) return first;
  // "a character not in the Basic Multilingual Plane [...] is represented as a
  // 12-character sequence, encoding the UTF-16 surrogate pair" (RFC 8259 7).
  if (*first > 0xdbff || !text.starts_with ("\\u")) return std::nullopt;
  auto second = code_unit (text.substr (2));
  if (!second || *second < 0xdc00 || *second > 0xdfff) return std::nullopt;
  text.remove_prefix (6);
  return 0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00);
}

// What the escapes of a string stand for (RFC 8259 7). Nothing: one of them is
// none. It takes its memory at once, so that no part of a secret stays behind.
[[nodiscard]] inline std::optional<std::string> unescape (std::string_view text)
{
  constexpr std::string_view names = "\"\\/bfnrt";
  constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
  std::string out;
  out.reserve (text.size ());
  while (!text.empty ()) {
    char c = text.front ();
    text.remove_prefix (1);
    if (c != '\\') {
      out += c;
      continue;
    }
    if (text.empty ()) return std::nullopt;
    char name = text.front ();
    text.remove_prefix (1);
    if (name == 'u') {
      auto code = character (text);
      if (!code) return std::nullopt;
      append_utf8 (out, *code);
    } else if (auto at = names.find (name); at != std::string_view::npos) {
      out += meant[at];
    } else {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace relay::json

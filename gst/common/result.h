// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <variant>

// What a core returns: a value, or the rule that the input broke and where.
// A core names its rules in an enum of its own:
//
//   namespace jpeg
//   {
//   enum class Error { truncated, no_scan };
//   template <class T> using Result = relay::Result<T, Error>;
//   }
namespace relay {

// The rule, and the byte or line (the core says which) at which it broke.
template <class Code>
struct Failure
{
  Code code;
  std::size_t position = 0;
};

template <class Code>
Failure<Code> failure (Code code, std::size_t position = 0)
{
  return {code, position};
}

template <class T, class Code>
class [[nodiscard]] Result
{
public:
  // Implicit on purpose: "return value;" and "return failure (code, at);".
  template <class U = T>
  requires (std::is_convertible_v<U, T>)
      // NOLINTNEXTLINE(*-explicit-constructor,*-forwarding-reference-overload)
      Result (U &&value)
      : content_ (std::in_place_index<0>, std::forward<U> (value))
  {
  }
  Result (Failure<Code> failure)  // NOLINT(google-explicit-constructor)
      : content_ (std::in_place_index<1>, failure)
  {
  }

  [[nodiscard]] bool ok () const { return content_.index () == 0; }
  explicit operator bool () const { return ok (); }

  // Only after ok ().
  T &operator* () & { return std::get<0> (content_); }
  const T &operator* () const & { return std::get<0> (content_); }
  T &&operator* () && { return std::get<0> (std::move (content_)); }
  T *operator->() { return &std::get<0> (content_); }
  const T *operator->() const { return &std::get<0> (content_); }

  // Only after !ok (). A Failure converts to the Result of any other type:
  // "if (!r) return r.error ();".
  [[nodiscard]] Failure<Code> error () const { return std::get<1> (content_); }
  [[nodiscard]] Code code () const { return error ().code; }
  [[nodiscard]] std::size_t position () const { return error ().position; }

private:
  std::variant<T, Failure<Code>> content_;
};

// For what succeeds without a value: "return Done {};".
using Done = std::monostate;

}  // namespace relay

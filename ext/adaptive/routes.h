// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "route.h"
#include "uri.h"

// The property `routes`: which way a request goes, by the host that it is for.
//
//   rules  = rule *("," rule)
//   rule   = pattern "=" target *((" " / ";") option)
//   target = "direct" / "block" / the URI of a proxy
//   option = "verify=" ("on" / "off") / "max-connections=" number
namespace routes {

enum class Error
{
  empty,      // a rule with nothing in it
  no_target,  // no "=", or nothing behind it
  host,       // not a pattern: see Pattern
  port,       // not a number from 1 to 65535
  prefix,     // of an address: not a number, or more than it has bits
  target,     // neither direct nor block nor the URI of a proxy
  scheme,     // of a proxy: not one that is known
  option,     // not one that is known
  value,      // of an option
  repeated,   // a pattern, or an option of a rule, for the second time
  too_many    // more than max_rules
};
// The position is that of the first byte of what is wrong.
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

inline constexpr std::size_t max_rules = 1000;

// An IP address as its bytes: 4 or 16 of them. One of IPv4 that is written as
// IPv6 (::ffff:1.2.3.4) is one of IPv4.
struct Address
{
  std::array<std::uint8_t, 16> bytes{};
  unsigned bits = 0;

  friend bool operator== (const Address &, const Address &) = default;
};
// What a resolver would take for an address without asking anybody: also the
// old forms of IPv4, as 127.1 or 0x7f000001.
[[nodiscard]] std::optional<Address> parse_address (std::string_view text);

// The more specific kinds come later.
enum class Kind
{
  all,
  scheme,
  port,
  network,  // an address and the length of its prefix
  suffix,   // "*.name", the name itself included
  host      // a name or an address
};

struct Pattern
{
  Kind kind = Kind::all;
  std::string text;                   // a scheme or a name, in lower case
  Address address;                    // of a network, or of a host that is one
  unsigned prefix = 0;                // of a network, in bits
  std::optional<std::uint16_t> port;  // of a host, a suffix, a port

  friend bool operator== (const Pattern &, const Pattern &) = default;
};

struct Rule
{
  Pattern pattern;
  bool block = false;
  route::Route route;  // empty: direct
  bool verify = true;
  std::optional<unsigned> max_connections;
};

class Table
{
public:
  [[nodiscard]] static Result<Table> parse (std::string_view text);

  // The most specific rule that matches, or null.
  [[nodiscard]] const Rule *find (const uri::Uri &target) const;

private:
  std::vector<Rule> rules_;  // the most specific one first
};

// Where a position is, for a message: "rule 2 (*.example.org), byte 34".
[[nodiscard]] std::string describe (
    std::string_view text, std::size_t position);

// Rules as they may be shown: passwords as ***, and every target, if the rules
// cannot be understood.
[[nodiscard]] std::string shown (std::string_view text);

}  // namespace routes

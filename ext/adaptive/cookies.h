// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "uri.h"

// What servers want to be told again (RFC 6265), and never another site.
// "6265bis" is its successor, draft-ietf-httpbis-rfc6265bis.
namespace cookies {

// Seconds since 1970, UTC.
using Time = std::int64_t;
inline constexpr Time never = std::numeric_limits<Time>::max ();

enum class Error
{
  name,           // no "=", or nothing before it
  control,        // a control character
  too_long,       // name and value: more than max_length bytes
  domain,         // another site's
  public_suffix,  // everybody's below "co.uk"
  insecure,       // Secure, or in the place of one that is, over http
  prefix          // not what __Secure- or __Host- in its name promises
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

inline constexpr std::size_t max_length = 4096;

// A date as servers write it (RFC 6265 5.1.1): in any order, with any stops.
[[nodiscard]] std::optional<Time> parse_date (std::string_view text);

struct Cookie
{
  std::string name;
  std::string value;
  std::string domain;       // lower case, no dot before it
  bool host_only = true;    // for that host, not for those below it
  std::string path = "/";   // and what is below it
  bool secure = false;      // for https
  Time expires = never;     // no more at that time
  std::uint64_t order = 0;  // the older, the smaller
};

// The value of a Set-Cookie header in the answer from that URI.
// is_public_suffix knows where sites of different owners meet.
using IsPublicSuffix = bool (*) (const std::string &domain);
[[nodiscard]] Result<Cookie> parse (std::string_view value,
    const uri::Uri &from, Time now, IsPublicSuffix is_public_suffix);

// A Cookie header without those of the same names.
[[nodiscard]] std::string without (
    std::string_view header, const std::vector<Cookie> &others);

class Jar
{
public:
  static constexpr std::size_t most_of_a_domain = 50;
  static constexpr std::size_t most = 1000;

  // In place of the one with the same name, domain and path.
  Result<relay::Done> put (Cookie cookie, const uri::Uri &from, Time now);
  // Those for that URI, in the order in which they are sent.
  [[nodiscard]] std::vector<Cookie> find (const uri::Uri &to, Time now) const;
  [[nodiscard]] std::size_t size () const { return cookies_.size (); }

private:
  void make_room (const std::string &domain, Time now);

  std::vector<Cookie> cookies_;  // the oldest first
  std::uint64_t order_ = 0;
};

}  // namespace cookies

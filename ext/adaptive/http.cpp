// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "cookies.h"

namespace http {

namespace {

constexpr char lower (char c)
{
  return c >= 'A' && c <= 'Z' ? static_cast<char> (c - 'A' + 'a') : c;
}

constexpr std::string_view separators = "\"(),/:;<=>?@[\\]{}";

// Digits only: no sign, no space, no overflow.
std::optional<std::uint64_t> parse_number (std::string_view text)
{
  std::uint64_t number = 0;
  const char *end = text.data () + text.size ();
  auto [rest, error] = std::from_chars (text.data (), end, number);
  if (error != std::errc () || rest != end) return std::nullopt;
  return number;
}

template <std::size_t N>
bool is_one_of (
    std::string_view name, const std::array<std::string_view, N> &names)
{
  return std::ranges::any_of (
      names, [&] (std::string_view n) { return same_name (n, name); });
}

constexpr std::array<std::string_view, 12> reserved = {"Accept-Encoding",
    "Connection", "Content-Length", "Host", "If-Range", "Keep-Alive",
    "Proxy-Authorization", "Proxy-Connection", "Range", "TE",
    "Transfer-Encoding", "Upgrade"};
constexpr std::array<std::string_view, 2> credentials = {
    "Authorization", "Cookie"};
constexpr std::array<std::string_view, 4> secrets = {
    "Authorization", "Cookie", "Proxy-Authorization", "Set-Cookie"};

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::unit:
      return "unit other than bytes";
    case Error::range:
      return "bad range";
    case Error::complete:
      return "bad complete length";
    case Error::out_of_it:
      return "range behind the complete length";
  }
  return "unknown";
}

// "bytes 0-499/1234", "bytes 0-499/*", "bytes */1234"
Result<ContentRange> parse_content_range (std::string_view value)
{
  std::size_t space = value.find (' ');
  if (!same_name (value.substr (0, space), "bytes"))
    return relay::failure (Error::unit);
  value.remove_prefix (std::min (value.size (), space + 1));
  std::size_t slash = value.find ('/');
  if (slash == std::string_view::npos) return relay::failure (Error::complete);
  std::string_view range = value.substr (0, slash);
  std::string_view complete = value.substr (slash + 1);

  ContentRange out;
  if (complete != "*") {
    out.complete_length = parse_number (complete);
    if (!out.complete_length) return relay::failure (Error::complete);
  }
  if (range == "*") return out;

  std::size_t dash = range.find ('-');
  if (dash == std::string_view::npos) return relay::failure (Error::range);
  std::optional<std::uint64_t> first = parse_number (range.substr (0, dash));
  std::optional<std::uint64_t> last = parse_number (range.substr (dash + 1));
  // The last one possible has no successor to count with.
  if (!first || !last || *last < *first || *last == UINT64_MAX)
    return relay::failure (Error::range);
  if (out.complete_length && *last >= *out.complete_length)
    return relay::failure (Error::out_of_it);
  out.bytes = {*first, *last};
  return out;
}

bool is_sendable (std::string_view name, std::string_view value)
{
  bool token = !name.empty () && std::ranges::all_of (name, [] (char c) {
    auto byte = static_cast<unsigned char> (c);
    return byte > 0x20 && byte < 0x7f &&
           separators.find (c) == std::string_view::npos;
  });
  return token && std::ranges::none_of (value, [] (char c) {
    auto byte = static_cast<unsigned char> (c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
}

bool is_reserved (std::string_view name)
{
  return is_one_of (name, reserved);
}

bool same_name (std::string_view a, std::string_view b)
{
  return std::ranges::equal (a, b, {}, lower, lower);
}

bool is_credential (std::string_view name)
{
  return is_one_of (name, credentials);
}

std::string_view shown (std::string_view name, std::string_view value)
{
  return is_one_of (name, secrets) ? std::string_view ("***") : value;
}

std::string if_range (const Identity &identity, std::string_view date)
{
  if (!identity.etag.empty ())
    return identity.etag.starts_with ("W/") ? "" : identity.etag;
  // Both name a second: when they differ there is at least one between them.
  if (date.empty () || date == identity.last_modified) return "";
  return identity.last_modified;
}

bool same (const Identity &before, const Identity &after)
{
  bool known = false;
  auto agree = [&known] (const auto &a, const auto &b, bool both) {
    known |= both;
    return !both || a == b;
  };
  bool tags = !before.etag.empty () && !after.etag.empty ();
  // Equal weak tags say "as good", not "the same bytes" (8.8.1).
  bool strong = tags && !before.etag.starts_with ("W/");
  return (!tags || before.etag == after.etag) &&
         agree (before.etag, after.etag, strong) &&
         agree (before.last_modified, after.last_modified,
             !before.last_modified.empty () && !after.last_modified.empty ()) &&
         agree (before.length, after.length, before.length && after.length) &&
         known;
}

Identity joined (Identity before, const Identity &after)
{
  if (before.etag.empty ()) before.etag = after.etag;
  if (before.last_modified.empty ()) before.last_modified = after.last_modified;
  if (!before.length) before.length = after.length;
  return before;
}

bool is_transient (unsigned status)
{
  constexpr std::array<unsigned, 6> transient = {408, 429, 500, 502, 503, 504};
  return std::ranges::find (transient, status) != transient.end ();
}

std::optional<std::chrono::seconds> retry_after (
    std::string_view value, std::time_t now)
{
  // More than anybody would wait for.
  constexpr std::int64_t longest = std::int64_t{366} * 86400;
  std::optional<std::int64_t> wait;
  if (std::optional<std::uint64_t> seconds = parse_number (value))
    wait =
        static_cast<std::int64_t> (std::min<std::uint64_t> (*seconds, longest));
  else if (std::optional<cookies::Time> date = cookies::parse_date (value))
    wait = *date - now;
  if (!wait) return std::nullopt;
  return std::chrono::seconds (std::clamp<std::int64_t> (*wait, 0, longest));
}

bool is_idempotent (std::string_view method)
{
  return method == "GET" || method == "HEAD" || method == "OPTIONS" ||
         method == "TRACE" || method == "PUT" || method == "DELETE";
}

std::string method_after (unsigned status, const std::string &method)
{
  bool see_other = status == 303 && method != "HEAD";
  bool post = (status == 301 || status == 302) && method == "POST";
  return see_other || post ? "GET" : method;
}

bool is_redirect (unsigned status)
{
  constexpr std::array<unsigned, 5> redirects = {301, 302, 303, 307, 308};
  return std::ranges::find (redirects, status) != redirects.end ();
}

bool is_permanent_redirect (unsigned status)
{
  return status == 301 || status == 308;
}

std::chrono::milliseconds backoff (unsigned retry,
    std::chrono::milliseconds first, std::chrono::milliseconds longest,
    double random)
{
  std::chrono::milliseconds pause = std::min (first, longest);
  for (unsigned i = 0; i < retry && pause < longest; i++)
    pause = std::min (pause * 2, longest);
  return std::chrono::duration_cast<std::chrono::milliseconds> (
      pause * (0.5 + random / 2));
}

std::optional<std::uint64_t> number_parameter (
    std::string_view type, std::string_view name)
{
  std::size_t semicolon = type.find (';');
  while (semicolon != std::string_view::npos) {
    type.remove_prefix (semicolon + 1);
    type.remove_prefix (
        std::min (type.find_first_not_of (" \t"), type.size ()));
    semicolon = type.find (';');
    std::string_view parameter = type.substr (0, semicolon);
    std::size_t equals = parameter.find ('=');
    if (equals == std::string_view::npos ||
        !same_name (parameter.substr (0, equals), name))
      continue;
    std::string_view value = parameter.substr (equals + 1);
    while (!value.empty () && (value.back () == ' ' || value.back () == '\t'))
      value.remove_suffix (1);
    if (value.size () >= 2 && value.front () == '"' && value.back () == '"')
      value = value.substr (1, value.size () - 2);
    return parse_number (value);
  }
  return std::nullopt;
}

std::string basic_credentials (std::string_view user, std::string_view password)
{
  constexpr char alphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string in (user);
  in.append (":").append (password);
  std::string out = "Basic ";
  for (std::size_t i = 0; i < in.size (); i += 3) {
    std::size_t count = std::min<std::size_t> (3, in.size () - i);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; j++)
      bits =
          bits << 8 | (j < count ? static_cast<unsigned char> (in[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; j++)
      out += j <= count ? alphabet[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

}  // namespace http

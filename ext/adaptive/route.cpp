// SPDX-License-Identifier: LGPL-2.1-or-later
#include "route.h"

#include <algorithm>
#include <array>

#include "http.h"
#include "uri.h"

namespace route {

namespace {

struct Scheme
{
  std::string_view name;
  std::string_view gio;
  std::uint16_t port;
};

// GIO knows neither socks nor socks5h; its socks5 already resolves at the
// proxy, and of socks4 only socks4a does.
constexpr std::array<Scheme, 7> schemes = {
    {{"http", "http", 8080}, {"https", "https", 443}, {"socks", "socks5", 1080},
        {"socks5", "socks5", 1080}, {"socks5h", "socks5", 1080},
        {"socks4", "socks4a", 1080}, {"socks4a", "socks4a", 1080}}};

// For a userinfo (RFC 3986 3.2.1): all but the unreserved characters.
std::string percent_encode (std::string_view text)
{
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char> (c);
    bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                      c == '_' || c == '~';
    if (unreserved)
      out += c;
    else
      out += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

struct Credentials
{
  std::string user;
  std::string password;
};

Credentials credentials_of (
    const uri::Uri &uri, std::string_view id, std::string_view password)
{
  Credentials out;
  if (uri.userinfo) {
    std::string_view info = *uri.userinfo;
    std::size_t colon = std::min (info.find (':'), info.size ());
    out.user = uri::percent_decode (info.substr (0, colon));
    if (colon < info.size ())
      out.password = uri::percent_decode (info.substr (colon + 1));
  }
  if (!id.empty ()) out.user = id;
  if (!password.empty ()) out.password = password;
  return out;
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::uri:
      return "not a proxy's URI";
    case Error::scheme:
      return "unknown kind of proxy";
  }
  return "unknown";
}

Result<Route> parse_proxy (
    std::string_view proxy, std::string_view id, std::string_view password)
{
  std::string text (proxy);
  if (text.find ("://") == std::string::npos) text.insert (0, "http://");
  uri::Result<uri::Uri> parsed = uri::parse (text);
  if (!parsed) return relay::failure (Error::uri, parsed.position ());
  const auto *scheme =
      std::ranges::find (schemes, parsed->scheme, &Scheme::name);
  if (scheme == schemes.end ()) return relay::failure (Error::scheme);

  Credentials credentials = credentials_of (*parsed, id, password);
  bool some = !credentials.user.empty () || !credentials.password.empty ();
  Route out;
  std::string userinfo;
  if (some && scheme->gio == "http") {
    out.authorization =
        http::basic_credentials (credentials.user, credentials.password);
  } else if (some) {
    userinfo = percent_encode (credentials.user) + ":" +
               percent_encode (credentials.password) + "@";
  }
  bool ipv6 = parsed->host.find (':') != std::string::npos;
  out.proxy.append (scheme->gio)
      .append ("://")
      .append (userinfo)
      .append (ipv6 ? "[" + parsed->host + "]" : parsed->host)
      .append (":")
      .append (std::to_string (parsed->port.value_or (scheme->port)));
  return out;
}

std::string shown (std::string_view proxy)
{
  std::size_t start = proxy.find ("://");
  start = start == std::string_view::npos ? 0 : start + 3;
  std::size_t at = proxy.rfind ('@');
  if (at == std::string_view::npos || at < start) return std::string (proxy);
  std::string_view info = proxy.substr (start, at - start);
  std::string out (proxy.substr (0, start));
  out += info.substr (0, info.find (':'));
  if (info.find (':') != std::string_view::npos) out += ":***";
  out += proxy.substr (at);
  return out;
}

}  // namespace route

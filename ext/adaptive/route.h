// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include "common/result.h"

// How a request reaches its origin.
namespace route {

enum class Error
{
  uri,     // not a host, or a URI with a host
  scheme,  // not http, https, socks5, socks5h, socks4, socks4a or socks
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

struct Route
{
  // "" = direct. Otherwise for GIO: with an explicit port, because GLib 2.74
  // connects to port 0 without one, and with userinfo only where GIO itself
  // speaks to the proxy (https, socks).
  std::string proxy;
  // Proxy-Authorization for an http proxy, to which libsoup speaks. libsoup
  // gets no userinfo: after a 407 it would ask for the proxy's own URI.
  std::string authorization;

  friend bool operator<(const Route &a, const Route &b)
  {
    return std::tie (a.proxy, a.authorization) <
           std::tie (b.proxy, b.authorization);
  }
};

// A proxy as a user writes it: "host", "host:port" or a URI. Names are resolved
// at a SOCKS proxy whichever spelling is used. id and password go before the
// URI's userinfo.
[[nodiscard]] Result<Route> parse_proxy (std::string_view proxy,
    std::string_view id = {}, std::string_view password = {});

// As it may be shown: the userinfo's password as ***.
[[nodiscard]] std::string shown (std::string_view proxy);

}  // namespace route

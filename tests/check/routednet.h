// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>

#include "fetching.h"
#include "httpserver.h"
#include "testutil.h"

namespace test {

// For a process that watches names.
// The origin of all hosts; which one is meant is in the Host header.
class RoutedNet
{
public:
  explicit RoutedNet (HttpServer::Handler handler)
      : origin (std::move (handler)),
        proxies{
            std::make_unique<ForwardProxy> (ForwardProxy::Options{"a:one", 0}),
            std::make_unique<ForwardProxy> (ForwardProxy::Options{"b:two", 0})}
  {
  }

  std::string uri (const std::string &host, const std::string &path)
  {
    return "http://" + host + ":" + std::to_string (origin.port ()) + path;
  }
  // *.a.test by the first proxy, *.b.test by the second, direct.test by none.
  std::string routes ()
  {
    return "*.a.test=http://a:one@127.0.0.1:" +
           std::to_string (proxies[0]->port ()) +
           ",*.b.test=http://b:two@127.0.0.1:" +
           std::to_string (proxies[1]->port ()) +
           ",direct.test=direct,all=block";
  }
  // The proxies were asked for their own hosts, with their own passwords, and
  // the origin was asked for no other host by anybody else; nobody looked up a
  // name. all: what the proxies were asked for came to the origin.
  void assert_kept (bool all = true)
  {
    std::multiset<std::string> proxied;
    for (std::size_t i = 0; i < proxies.size (); i++) {
      const char *host = i == 0 ? "a.test:" : "b.test:";
      const char *password = i == 0 ? "Basic YTpvbmU=" : "Basic Yjp0d28=";
      for (const std::string &request : proxies[i]->requests ())
        fail_unless (header_of (request, "Proxy-Authorization") == password);
      for (const std::string &target : proxies[i]->targets ()) {
        fail_unless (target.find (host) != std::string::npos,
            "%s by the wrong proxy", target.c_str ());
        proxied.insert (target.substr (target.find (' ') + 1));
      }
    }
    for (const HttpServer::Request &request : origin.requests ()) {
      std::string host = request.header ("Host");
      if (host.starts_with ("direct.test:")) {
        fail_unless (request.header ("Proxy-Authorization").empty (),
            "the origin got a proxy's password");
        continue;
      }
      auto one = proxied.find (host);
      fail_unless (one != proxied.end (), "%s past its proxy", host.c_str ());
      proxied.erase (one);
    }
    fail_unless (!all || proxied.empty ());
    assert_names ({"direct.test"});
  }
  std::size_t count (const std::string &path)
  {
    std::size_t out = 0;
    for (const HttpServer::Request &request : origin.requests ())
      out += request.path == path;
    return out;
  }

  HttpServer origin;
  std::array<std::unique_ptr<ForwardProxy>, 2> proxies;
};

}  // namespace test

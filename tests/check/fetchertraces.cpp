// SPDX-License-Identifier: LGPL-2.1-or-later
// What the fetcher keeps of its requests: cookies, and records.
#include "cookies.h"
#include "fetcher.h"
#include "httpserver.h"
#include "testutil.h"

using namespace std::chrono_literals;
using fetcher::Counters;
using fetcher::Error;
using fetcher::Kind;
using fetcher::Record;
using fetcher::Settings;
using test::Connection;
using test::ForwardProxy;
using test::HttpServer;
using test::ScriptedServer;

namespace {

using Reply = HttpServer::Reply;

Settings settings (const std::string &location)
{
  Settings out;
  out.retries = 0;
  out.backoff = 1ms;
  out.timeout = 10s;
  out.name = "test";
  (void)fetcher::use_location (out, location);
  return out;
}

void fetch (const Settings &how, const std::string &uri,
    Counters *counters = nullptr, Kind kind = Kind::media)
{
  auto whole =
      fetcher::fetch_all (how, {uri, {}, kind}, nullptr, counters, 100000);
  fail_unless (whole.ok (), "%s: %s", uri.c_str (),
      whole ? "" : whole.code ().message.c_str ());
}

std::vector<std::string> cookies_of (HttpServer &server)
{
  std::vector<std::string> out;
  for (const HttpServer::Request &request : server.requests ())
    out.push_back (request.path + " " + request.header ("Cookie"));
  return out;
}

void assert_cookies (
    HttpServer &server, const std::vector<std::string> &expected)
{
  std::vector<std::string> got = cookies_of (server);
  fail_unless_equals_int (
      static_cast<int> (got.size ()), static_cast<int> (expected.size ()));
  for (std::size_t i = 0; i < got.size (); i++)
    fail_unless_equals_string (got[i].c_str (), expected[i].c_str ());
}

}  // namespace

GST_START_TEST (cookies_are_kept)
{
  HttpServer server ([] (const HttpServer::Request &request) {
    if (request.path == "/in")
      return Reply{302, "",
          {{"Location", "/m/list"}, {"Set-Cookie", "a=1; Path=/"},
              {"Set-Cookie", "b=2; Expires=Sun, 06 Nov 2044 08:49:37 GMT"},
              {"Set-Cookie", "x=3; Domain=other.example"}}};
    if (request.path == "/m/list")
      return Reply{200, "", {{"Set-Cookie", "s=4"}}};
    if (request.path == "/out")
      return Reply{404, "", {{"Set-Cookie", "a=; Max-Age=0; Path=/"}}};
    return Reply{200, "", {}};
  });
  Settings how = settings (server.uri ("/in"));
  fetch (how, server.uri ("/in"));
  // Of the same run, by a copy of the settings.
  Settings copy = how;
  fetch (copy, server.uri ("/m/segment"));
  auto refused = fetcher::fetch_all (
      how, {server.uri ("/out"), {}, Kind::key}, nullptr, nullptr, 1000);
  fail_unless (!refused);
  fetch (how, server.uri ("/last"));
  // Another run begins with nothing.
  fetch (settings (server.uri ("/in")), server.uri ("/new"));
  assert_cookies (
      server, {"/in ", "/m/list a=1; b=2", "/m/segment s=4; a=1; b=2",
                  "/out a=1; b=2", "/last b=2", "/new "});
}
GST_END_TEST;

// Also not on the way: a proxy's names all lead to the one server here.
GST_START_TEST (cookies_stay_with_their_site)
{
  HttpServer server ([] (const HttpServer::Request &request) {
    if (request.path == "/set")
      return Reply{200, "",
          {{"Set-Cookie", "a=1; Path=/"},
              {"Set-Cookie", "d=2; Domain=a.example"},
              {"Set-Cookie", "p=3; Domain=example"}}};
    return Reply{200, "", {}};
  });
  ForwardProxy proxy;
  std::string port = ":" + std::to_string (server.port ());
  Settings how = settings ("http://x.a.example" + port + "/set");
  how.proxy = proxy.uri ();
  how.extra_headers = {{"Cookie", "own=0; a=9"}};
  auto get = [&] (const char *host, const char *path) {
    fetch (how, "http://" + std::string (host) + port + path);
  };
  get ("x.a.example", "/set");
  get ("x.a.example", "/1");
  get ("a.example", "/2");
  get ("y.a.example", "/3");
  get ("b.example", "/4");
  get ("xa.example", "/5");
  how.credentials_everywhere = true;
  get ("b.example", "/6");
  // What the server has set anew stands in place of the property's.
  assert_cookies (server, {"/set own=0; a=9", "/1 own=0; a=1; d=2", "/2 d=2",
                              "/3 d=2", "/4 ", "/5 ", "/6 own=0; a=9"});
}
GST_END_TEST;

GST_START_TEST (a_proxy_sets_no_cookies)
{
  std::atomic<int> tries{0};
  ScriptedServer proxy ([&] (Connection &c, int) {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      fail_unless (test::header_of (request, "Cookie").empty ());
      const char *status = tries++ == 0 ? "407 No" : "200 OK";
      c.send ("HTTP/1.1 " + std::string (status) +
              "\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n");
    }
  });
  Settings how = settings ("http://a.example/");
  how.proxy = proxy.uri ("");
  auto refused = fetcher::fetch_all (
      how, {"http://a.example/", {}, Kind::media}, nullptr, nullptr, 1000);
  fail_unless (!refused && refused.code ().error == Error::proxy_auth);
  fetch (how, "http://a.example/");
  fail_unless_equals_int (tries.load (), 2);
}
GST_END_TEST;

GST_START_TEST (requests_are_recorded)
{
  ScriptedServer server ([] (Connection &c, int number) {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty () || number == 0) return;
      bool redirects = request.find ("/from") != std::string::npos;
      c.send (redirects ? "HTTP/1.1 302 Found\r\nLocation: /to?token=secret\r\n"
                          "Content-Length: 2\r\n\r\n.."
                        : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }
  });
  Settings how = settings (server.uri ("/"));
  how.retries = 1;
  Counters counters;
  fetch (how, server.uri ("/from?token=secret"), &counters);
  ForwardProxy proxy ({"u:secret", 0});
  how.proxy = proxy.uri ();
  how.proxy_id = "u";
  how.proxy_pw = "secret";
  fetch (how, server.uri ("/"), &counters);

  std::deque<Record> records = counters.records.copy ();
  fail_unless_equals_int (static_cast<int> (records.size ()), 4);
  struct Expected
  {
    std::string path;
    std::string route;
    bool new_connection;
    unsigned retry;
    unsigned status;
    std::uint64_t bytes;
    bool failed;
  };
  const Expected expected[] = {{"/from", "direct", true, 0, 0, 0, true},
      {"/from", "direct", true, 1, 302, 2, false},
      {"/to", "direct", false, 1, 200, 5, false},
      {"/", proxy.uri (), true, 0, 200, 5, false}};
  for (std::size_t i = 0; i < std::size (expected); i++) {
    const Record &got = records[i];
    fail_unless_equals_int (
        static_cast<int> (got.number), static_cast<int> (i + 1));
    std::string uri = server.uri (expected[i].path);
    fail_unless_equals_string (got.uri.c_str (), uri.c_str ());
    // Without credentials, and without a path.
    fail_unless (
        got.route == expected[i].route || got.route == expected[i].route + "/",
        "%s", got.route.c_str ());
    fail_unless (got.new_connection == expected[i].new_connection);
    fail_unless_equals_int (
        static_cast<int> (got.retry), static_cast<int> (expected[i].retry));
    fail_unless_equals_int (
        static_cast<int> (got.status), static_cast<int> (expected[i].status));
    fail_unless (got.bytes == expected[i].bytes);
    fail_unless (got.error.empty () != expected[i].failed);
    fail_unless (got.ttfb > 0ns);
  }
}
GST_END_TEST;

GST_START_TEST (records_are_the_last_ones)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return Reply{200, "x", {}};
  });
  Settings how = settings (server.uri ("/"));
  Counters counters;
  for (std::size_t i = 0; i < Counters::most_records + 3; i++)
    fetch (how, server.uri ("/"), &counters);
  std::deque<Record> records = counters.records.copy ();
  fail_unless (records.size () == Counters::most_records);
  fail_unless_equals_int (static_cast<int> (records.front ().number), 4);
}
GST_END_TEST;

static Suite *fetchertraces_suite ()
{
  Suite *suite = suite_create ("fetchertraces");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, cookies_are_kept);
  tcase_add_test (tests, cookies_stay_with_their_site);
  tcase_add_test (tests, a_proxy_sets_no_cookies);
  tcase_add_test (tests, requests_are_recorded);
  tcase_add_test (tests, records_are_the_last_ones);
  return suite;
}

GST_CHECK_MAIN (fetchertraces)

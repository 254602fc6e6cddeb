// SPDX-License-Identifier: LGPL-2.1-or-later
// The fetcher over TLS, in a program of its own because of this: LeakSanitizer
// (clang 14) crashes at the end of a process in which GnuTLS had threads, and
// GLib abandons its table of quarks when that grows. Leaks are looked for in
// the other programs.
extern "C" int __lsan_is_turned_off ();
extern "C" int __lsan_is_turned_off ()
{
  return 1;
}

#include "fetcher.h"
#include "httpserver.h"
#include "testutil.h"

using namespace std::chrono_literals;
using fetcher::Counters;
using fetcher::Error;
using fetcher::Settings;
using relay::Guarded;
using test::Connection;
using test::ForwardProxy;
using test::HttpServer;
using test::ScriptedServer;

namespace {

using Reply = HttpServer::Reply;

struct ObjectUnref
{
  void operator() (GTlsCertificate *p) const { g_object_unref (p); }
};
using Certificate = std::unique_ptr<GTlsCertificate, ObjectUnref>;

Certificate self_signed ()
{
  test::TempDir dir;
  std::string path = (dir.path () / "pem").string ();
  std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
      "-nodes -subj /CN=localhost -days 2 -keyout " +
      path + ".key -out " + path + " 2>/dev/null && cat " + path + ".key >> " +
      path;
  fail_unless (std::system (command.c_str ()) == 0);
  test::Bytes bytes = test::read_file (path);
  std::string pem (bytes.begin (), bytes.end ());
  return Certificate (
      g_tls_certificate_new_from_pem (pem.c_str (), -1, nullptr));
}

Settings settings ()
{
  Settings out;
  out.retries = 3;
  out.backoff = 1ms;
  out.name = "test";
  return out;
}

fetcher::Result<fetcher::Whole> fetch (
    const Settings &how, const std::string &uri, Counters *counters = nullptr)
{
  return fetcher::fetch_all (
      how, {uri, {}, fetcher::Kind::media}, nullptr, counters, 1000);
}

Reply echo (const HttpServer::Request &request)
{
  return {200, "[" + request.header ("Proxy-Authorization") + "]", {}};
}

void assert_body (const fetcher::Result<fetcher::Whole> &whole)
{
  fail_unless (whole.ok (), "%s", whole ? "" : whole.code ().message.c_str ());
  fail_unless (
      std::string (whole->bytes.begin (), whole->bytes.end ()) == "[]");
}

}  // namespace

GST_START_TEST (certificates_are_verified)
{
  Certificate certificate = self_signed ();
  HttpServer server (echo, certificate.get ());
  Settings how = settings ();
  Counters counters;
  auto refused = fetch (how, server.uri ("/"), &counters);
  fail_unless (!refused && refused.code ().error == Error::tls);
  fail_unless_equals_int (static_cast<int> (counters.requests), 1);
  how.ssl_strict = false;
  assert_body (fetch (how, server.uri ("/")));
  // A connection that nobody verified is not for those who want it.
  how.ssl_strict = true;
  refused = fetch (how, server.uri ("/"));
  fail_unless (!refused && refused.code ().error == Error::tls);
}
GST_END_TEST;

// On an HTTP/2 connection requests of several threads would be together: ALPN
// (RFC 7301) offers HTTP/1.1 alone.
GST_START_TEST (http2_is_not_offered)
{
  Guarded<std::string> hello;
  ScriptedServer server ([&] (Connection &c, int) {
    std::string record = c.read (5);  // type, version, length
    *hello.lock () = c.read (
        static_cast<std::size_t> (static_cast<unsigned char> (record[3])) << 8 |
        static_cast<unsigned char> (record[4]));
  });
  auto result = fetch (settings (), "https" + server.uri ("/").substr (4));
  fail_unless (!result);
  std::string offer = hello.copy ();
  fail_unless (offer.find ("\x08http/1.1") != std::string::npos);
  fail_unless (offer.find ("\x02h2") == std::string::npos);
}
GST_END_TEST;

GST_START_TEST (tunnels_hide_the_proxy_from_the_origin)
{
  Certificate certificate = self_signed ();
  HttpServer server (echo, certificate.get ());
  ForwardProxy proxy ({"u:p", 0});
  Settings how = settings ();
  how.ssl_strict = false;
  how.proxy = proxy.uri ();
  how.proxy_id = "u";
  how.proxy_pw = "p";
  std::string uri =
      "https://origin.invalid:" + std::to_string (server.port ()) + "/";
  assert_body (fetch (how, uri));
  assert_body (fetch (how, uri));
  fail_unless_equals_int (static_cast<int> (proxy.targets ().size ()), 1);
  fail_unless (proxy.targets ()[0] ==
               "CONNECT origin.invalid:" + std::to_string (server.port ()));
  // Another password, another tunnel.
  how.proxy_pw = "x";
  auto refused = fetch (how, uri);
  fail_unless (!refused && refused.code ().error == Error::proxy_auth);
  fail_unless_equals_int (static_cast<int> (refused.code ().http_status), 407);
}
GST_END_TEST;

static Suite *fetchertls_suite ()
{
  Suite *suite = suite_create ("fetchertls");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, certificates_are_verified);
  tcase_add_test (tests, http2_is_not_offered);
  tcase_add_test (tests, tunnels_hide_the_proxy_from_the_origin);
  return suite;
}

GST_CHECK_MAIN (fetchertls)

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

template <class T>
std::shared_ptr<T> shared (T *object)
{
  fail_unless (object != nullptr);
  return std::shared_ptr<T> (object, g_object_unref);
}

// A certificate with its key, and the file in which it is its own authority.
struct Identity
{
  std::string file;
  std::shared_ptr<GTlsCertificate> certificate;
};

Identity read_identity (const test::TempDir &dir, const std::string &name)
{
  std::string file = (dir.path () / name).string ();
  return {file, shared (g_tls_certificate_new_from_files (
                    file.c_str (), (file + ".key").c_str (), nullptr))};
}

void run (const test::TempDir &dir, const std::string &command)
{
  std::string whole =
      "cd '" + dir.path ().string () + "' && " + command + " 2>/dev/null";
  fail_unless (std::system (whole.c_str ()) == 0, "%s", command.c_str ());
}

constexpr const char *new_key =
    " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";

// For that name or address: "IP:127.0.0.1".
Identity make_identity (
    const test::TempDir &dir, const std::string &name, const std::string &whom)
{
  run (dir, "openssl req -x509 -subj /CN=x -addext subjectAltName=" + whom +
                " -days 2" + new_key + "-keyout " + name + ".key -out " + name);
  return read_identity (dir, name);
}

Identity make_expired (const test::TempDir &dir)
{
  std::ofstream (dir.path () / "conf")
      << "[ca]\ndefault_ca=c\n"
         "[c]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n"
         "default_md=sha256\npolicy=p\nx509_extensions=e\n"
         "[p]\ncommonName=supplied\n"
         "[e]\nsubjectAltName=IP:127.0.0.1\n"
         "[req]\ndistinguished_name=dn\n[dn]\n";
  std::ofstream (dir.path () / "serial") << "01\n";
  std::ofstream (dir.path () / "index");
  run (dir, std::string ("openssl req -new -subj /CN=x -config conf") +
                new_key + "-keyout old.key -out request");
  run (dir,
      "openssl ca -batch -selfsign -notext -config conf -keyfile old.key "
      "-startdate 20200101000000Z -enddate 20200102000000Z -in request "
      "-out old");
  return read_identity (dir, "old");
}

std::shared_ptr<GTlsDatabase> authority (const Identity &identity)
{
  return shared (G_TLS_DATABASE (
      g_tls_file_database_new (identity.file.c_str (), nullptr)));
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

// Shows a certificate when it is asked for one.
struct TestInteraction
{
  GTlsInteraction parent;
};
struct TestInteractionClass
{
  GTlsInteractionClass parent_class;
};
static GType test_interaction_get_type ();
G_DEFINE_TYPE (TestInteraction, test_interaction, G_TYPE_TLS_INTERACTION)

static std::atomic<GTlsCertificate *> shown_certificate{nullptr};

static void test_interaction_init (TestInteraction *) {}

static GTlsInteractionResult request_certificate (GTlsInteraction *,
    GTlsConnection *connection, GTlsCertificateRequestFlags, GCancellable *,
    GError **)
{
  g_tls_connection_set_certificate (connection, shown_certificate);
  return G_TLS_INTERACTION_HANDLED;
}

static void test_interaction_class_init (TestInteractionClass *klass)
{
  klass->parent_class.request_certificate = request_certificate;
}

GST_START_TEST (certificates_are_verified)
{
  test::TempDir dir;
  Identity identity = make_identity (dir, "a", "IP:127.0.0.1");
  HttpServer server (echo, identity.certificate.get ());
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

static void assert_refused (const fetcher::Result<fetcher::Whole> &whole)
{
  fail_unless (!whole && whole.code ().error == Error::tls, "%s",
      whole ? "trusted" : whole.code ().message.c_str ());
}

GST_START_TEST (authorities_are_the_ones_that_are_set)
{
  test::TempDir dir;
  Identity right = make_identity (dir, "right", "IP:127.0.0.1");
  Identity wrong = make_identity (dir, "wrong", "IP:127.0.0.1");
  HttpServer server (echo, right.certificate.get ());
  std::string uri = server.uri ("/");
  Settings how = settings ();
  how.tls.ca_file = right.file;
  assert_body (fetch (how, uri));
  // That connection is kept, and for nobody who does not trust it.
  assert_refused (fetch (settings (), uri));
  how.tls.ca_file = wrong.file;
  assert_refused (fetch (how, uri));
  // The database goes before the file.
  how.tls.database = authority (right);
  assert_body (fetch (how, uri));
  how.tls.database = authority (wrong);
  how.tls.ca_file = right.file;
  assert_refused (fetch (how, uri));
  // What cannot be read trusts nobody, and asks for nothing.
  how.tls.database.reset ();
  how.tls.ca_file = (dir.path () / "none").string ();
  Counters counters;
  auto refused = fetch (how, uri, &counters);
  assert_refused (refused);
  fail_unless (refused.code ().message.starts_with ("ssl-ca-file: "));
  fail_unless_equals_int (static_cast<int> (counters.requests), 0);
}
GST_END_TEST;

GST_START_TEST (the_system_is_trusted_unless_told)
{
  test::TempDir dir;
  Identity identity = make_identity (dir, "a", "IP:127.0.0.1");
  HttpServer server (echo, identity.certificate.get ());
  std::shared_ptr<GTlsDatabase> database = authority (identity);
  g_tls_backend_set_default_database (
      g_tls_backend_get_default (), database.get ());
  Settings how = settings ();
  assert_body (fetch (how, server.uri ("/")));
  how.tls.use_system_ca_file = false;
  assert_refused (fetch (how, server.uri ("/")));
  g_tls_backend_set_default_database (g_tls_backend_get_default (), nullptr);
}
GST_END_TEST;

GST_START_TEST (names_and_dates_are_verified)
{
  test::TempDir dir;
  Identity other = make_identity (dir, "other", "DNS:other.example");
  HttpServer named (echo, other.certificate.get ());
  Settings how = settings ();
  how.tls.ca_file = other.file;
  assert_refused (fetch (how, named.uri ("/")));
  Identity old = make_expired (dir);
  HttpServer expired (echo, old.certificate.get ());
  how.tls.ca_file = old.file;
  assert_refused (fetch (how, expired.uri ("/")));
  how.ssl_strict = false;
  assert_body (fetch (how, expired.uri ("/")));
}
GST_END_TEST;

GST_START_TEST (clients_show_their_certificate)
{
  test::TempDir dir;
  Identity identity = make_identity (dir, "server", "IP:127.0.0.1");
  Identity client = make_identity (dir, "client", "DNS:client");
  HttpServer server (
      echo, identity.certificate.get (), client.certificate.get ());
  Settings how = settings ();
  how.retries = 0;
  how.tls.ca_file = identity.file;
  fail_unless (!fetch (how, server.uri ("/")));
  how.tls.certificate = client.certificate;
  assert_body (fetch (how, server.uri ("/")));
  // By that connection only who has shown it.
  how.tls.certificate.reset ();
  fail_unless (!fetch (how, server.uri ("/")));
  how.tls.certificate = identity.certificate;
  fail_unless (!fetch (how, server.uri ("/")));
  how.tls.certificate.reset ();
  how.tls.interaction = shared (static_cast<GTlsInteraction *> (
      g_object_new (test_interaction_get_type (), nullptr)));
  shown_certificate = client.certificate.get ();
  assert_body (fetch (how, server.uri ("/")));
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
  test::TempDir dir;
  Identity identity = make_identity (dir, "a", "IP:127.0.0.1");
  HttpServer server (echo, identity.certificate.get ());
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
  tcase_add_test (tests, authorities_are_the_ones_that_are_set);
  tcase_add_test (tests, the_system_is_trusted_unless_told);
  tcase_add_test (tests, names_and_dates_are_verified);
  tcase_add_test (tests, clients_show_their_certificate);
  tcase_add_test (tests, http2_is_not_offered);
  tcase_add_test (tests, tunnels_hide_the_proxy_from_the_origin);
  return suite;
}

GST_CHECK_MAIN (fetchertls)

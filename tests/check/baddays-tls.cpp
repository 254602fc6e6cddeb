// SPDX-License-Identifier: LGPL-2.1-or-later
// The bad days of TLS, with an authority of our own (a sanitized program takes
// long to read those of the system), and in a program of its own because of
// this: LeakSanitizer (clang 14) crashes at the end of a process in which
// GnuTLS had threads, and GLib abandons its table of quarks when that grows.
// Leaks are looked for in the other programs.
extern "C" int __lsan_is_turned_off ();
extern "C" int __lsan_is_turned_off ()
{
  return 1;
}

#include "baddays.h"

using test::Connection;
using test::Fetching;
using test::HttpServer;
using test::baddays::body;
using test::baddays::Day;
using test::baddays::fine;
using test::baddays::head;
using test::baddays::Row;

namespace {

constexpr int open_read = GST_RESOURCE_ERROR_OPEN_READ;
constexpr int read_error = GST_RESOURCE_ERROR_READ;

constexpr const char *unverified =
    "origin.test=http://127.0.0.1:{p} verify=off,all=block";

constexpr const char *tls_proxy = "origin.test=https://127.0.0.1:{p},all=block";

struct ObjectUnref
{
  void operator() (GTlsCertificate *p) const { g_object_unref (p); }
};
using Certificate = std::unique_ptr<GTlsCertificate, ObjectUnref>;

// An authority that this process trusts, and what it has signed.
class Authority
{
public:
  Authority ()
  {
    make (
        "req -x509 $key -subj /CN=authority -days 2 -keyout ca.key "
        "-out ca.pem");
    GTlsDatabase *database =
        g_tls_file_database_new ((dir_.path () / "ca.pem").c_str (), nullptr);
    fail_unless (database != nullptr);
    g_tls_backend_set_default_database (g_tls_backend_get_default (), database);
    g_object_unref (database);
  }
  Certificate sign (const std::string &name, int days)
  {
    make ("req $key -subj /CN=" + name + " -keyout key -out csr");
    make ("x509 -req -in csr -CA ca.pem -CAkey ca.key -set_serial 1 -days " +
              std::to_string (days) + " -out pem -extfile names",
        name);
    return read ();
  }
  Certificate sign_self (const std::string &name)
  {
    make ("req -x509 $key -subj /CN=" + name +
          " -days 2 -addext "
          "subjectAltName=DNS:" +
          name + " -keyout key -out pem");
    return read ();
  }

private:
  void make (const std::string &arguments, const std::string &name = "x")
  {
    std::string command = "cd " + dir_.path ().string () +
                          " && key='-newkey ec -pkeyopt "
                          "ec_paramgen_curve:prime256v1 -nodes' && "
                          "echo subjectAltName=DNS:" +
                          name + " > names && openssl " + arguments + " 2>log";
    fail_unless (std::system (command.c_str ()) == 0, "%s", command.c_str ());
  }
  Certificate read ()
  {
    GTlsCertificate *out =
        g_tls_certificate_new_from_files ((dir_.path () / "pem").c_str (),
            (dir_.path () / "key").c_str (), nullptr);
    fail_unless (out != nullptr);
    return Certificate (out);
  }

  test::TempDir dir_;
};

void hang_in_the_handshake (Connection &c, Day &day, int)
{
  c.read (5);
  day.now ();
  c.hang ();
}

void close_in_the_handshake (Connection &c, Day &day, int)
{
  c.read (5);
  day.now ();
}

struct Rows
{
  Authority authority;
  Certificate good = authority.sign ("origin.test", 2);
  Certificate other = authority.sign ("other.test", 2);
  Certificate expired = authority.sign ("origin.test", -1);
  Certificate unknown = authority.sign_self ("origin.test");
  std::vector<Row> rows = {
      {.name = "all is well",
          .outcome = fine,
          .scheme = "https",
          .certificate = good.get ()},
      {.name = "the certificate of another",
          .outcome = open_read,
          .scheme = "https",
          .certificate = other.get ()},
      {.name = "the certificate of another, unverified",
          .outcome = fine,
          .scheme = "https",
          .routes = unverified,
          .certificate = other.get ()},
      {.name = "an old certificate",
          .outcome = open_read,
          .scheme = "https",
          .certificate = expired.get ()},
      {.name = "an old certificate, unverified",
          .outcome = fine,
          .scheme = "https",
          .routes = unverified,
          .certificate = expired.get ()},
      {.name = "a certificate that nobody has signed",
          .outcome = open_read,
          .scheme = "https",
          .certificate = unknown.get ()},
      {.name = "a certificate that nobody has signed, unverified",
          .outcome = fine,
          .scheme = "https",
          .routes = unverified,
          .certificate = unknown.get ()},
      {.name = "stalls in the handshake",
          .outcome = read_error,
          .origin = hang_in_the_handshake,
          .scheme = "https",
          .waits = true},
      {.name = "closes in the handshake",
          .outcome = open_read,
          .origin = close_in_the_handshake,
          .scheme = "https"},
      {.name = "hangs, TLS to the proxy",
          .outcome = read_error,
          .proxy =
              [] (Connection &c, Day &day, int) {
                c.read (5);
                day.now ();
                c.hang ();
              },
          .routes = tls_proxy,
          .waits = true},
      {.name = "is none with TLS",
          .outcome = open_read,
          .proxy =
              [] (Connection &c, Day &day, int) {
                c.read (5);
                c.send ("HTTP/1.1 400 Bad Request\r\n\r\n");
                day.now ();
              },
          .routes = tls_proxy},
      {.name = "redirects to a tunnel to one without TLS",
          .outcome = open_read,
          .origin =
              [] (Connection &c, Day &day, int) {
                // The first byte of a handshake, or of a request.
                if (c.read (1) == "\x16") {
                  c.send ("HTTP/1.1 400 Bad Request\r\n\r\n");
                  day.now ();
                  return;
                }
                c.read_request ();
                c.send (head ("302 Found",
                    "Content-Length: 0\r\nLocation: https://origin.test:" +
                        std::to_string (day.origin_port ()) + "/\r\n"));
              }},
  };
};

}  // namespace

GST_START_TEST (handshakes_fail)
{
  test::watch_names ();
  Rows all;
  test::baddays::assert_outcomes (all.rows);
}
GST_END_TEST;

GST_START_TEST (a_flush_ends_each)
{
  test::watch_names ();
  Rows all;
  test::baddays::assert_at_once (all.rows, &Day::time_of_flush);
}
GST_END_TEST;

GST_START_TEST (a_stop_ends_each)
{
  test::watch_names ();
  Rows all;
  test::baddays::assert_at_once (all.rows, &Day::time_of_stop);
}
GST_END_TEST;

// Records of TLS are larger than what is read at once: the end of the last one
// is no longer in the socket when it is wanted.
GST_START_TEST (a_record_is_read_in_parts)
{
  Rows all;
  HttpServer server (
      [] (const HttpServer::Request &) {
        return HttpServer::Reply{200, body (), {}};
      },
      all.good.get ());
  Fetching fetching (
      "https://127.0.0.1:" + std::to_string (server.port ()) + "/",
      "all=direct verify=off");
  g_object_set (*fetching, "blocksize", 1000, "timeout", 60, nullptr);
  fetching.set_state (GST_STATE_PLAYING);
  relay::Owned<GstMessage> end = fetching.wait ();
  fail_unless (end && GST_MESSAGE_TYPE (end.get ()) == GST_MESSAGE_EOS, "%s",
      test::text_of (end.get ()).c_str ());
  fail_unless (*fetching.bytes.lock () == body ());
}
GST_END_TEST;

static Suite *baddays_tls_suite ()
{
  Suite *suite = suite_create ("baddays-tls");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, handshakes_fail);
  tcase_add_test (tests, a_flush_ends_each);
  tcase_add_test (tests, a_stop_ends_each);
  tcase_add_test (tests, a_record_is_read_in_parts);
  return suite;
}

GST_CHECK_MAIN (baddays_tls)

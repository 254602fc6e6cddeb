// SPDX-License-Identifier: LGPL-2.1-or-later
// proxyhttpsrc over TLS, in a program of its own because of this:
// LeakSanitizer (clang 14) crashes at the end of a process in which GnuTLS had
// threads. Leaks are looked for in the other programs.
extern "C" int __lsan_is_turned_off ();
extern "C" int __lsan_is_turned_off ()
{
  return 1;
}

#include <gio/gio.h>

#include "httpstream.h"

using relay::Owned;
using test::HttpServer;
using test::serving;
using test::Stream;

template <>
inline constexpr bool relay::is_gobject<GTlsCertificate> = true;
template <>
inline constexpr bool relay::is_gobject<GTlsDatabase> = true;
template <>
inline constexpr bool relay::is_gobject<GTlsInteraction> = true;

namespace {

// A certificate for 127.0.0.1 that is its own authority.
struct Identity
{
  explicit Identity (const char *name)
      : file ((folder.path () / name).string ())
  {
    std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
        "-nodes -subj /CN=x -addext subjectAltName=IP:127.0.0.1 -days 2 "
        "-keyout '" +
        file + ".key' -out '" + file + "' 2>/dev/null";
    fail_unless (std::system (command.c_str ()) == 0);
    certificate.reset (g_tls_certificate_new_from_files (
        file.c_str (), (file + ".key").c_str (), nullptr));
    fail_unless (certificate != nullptr);
  }

  test::TempDir folder;
  std::string file;
  Owned<GTlsCertificate> certificate;
};

}  // namespace

GST_START_TEST (authorities_are_those_that_are_given)
{
  Identity identity ("server");
  Identity other ("other");
  HttpServer server (serving ("secret"), identity.certificate.get ());
  auto refused = [&server] (const char *property, const char *value) {
    Stream stream (server.uri ("/"));
    if (property != nullptr)
      gst_util_set_object_arg (G_OBJECT (*stream), property, value);
    stream.play_to_error (GST_RESOURCE_ERROR_OPEN_READ);
    fail_unless (stream.bytes.lock ()->empty ());
  };
  refused (nullptr, nullptr);
  refused ("ssl-ca-file", other.file.c_str ());
  refused ("ssl-ca-file", "/no/such/file");
  refused ("ssl-use-system-ca-file", "false");

  Stream by_file (server.uri ("/"));
  g_object_set (*by_file, "ssl-ca-file", identity.file.c_str (), nullptr);
  fail_unless (by_file.play () == "secret");
  fail_unless (test::text_property (*by_file, "ssl-ca-file") == identity.file);

  Owned<GTlsDatabase> database{G_TLS_DATABASE (
      g_tls_file_database_new (identity.file.c_str (), nullptr))};
  Stream by_database (server.uri ("/"));
  g_object_set (*by_database, "tls-database", database.get (), "ssl-ca-file",
      other.file.c_str (), nullptr);
  fail_unless (by_database.play () == "secret");
  GTlsDatabase *raw = nullptr;
  g_object_get (*by_database, "tls-database", &raw, nullptr);
  Owned<GTlsDatabase> read{raw};
  fail_unless (read == database);

  Stream not_strict (server.uri ("/"));
  g_object_set (*not_strict, "ssl-strict", FALSE, nullptr);
  fail_unless (not_strict.play () == "secret");
}
GST_END_TEST;

namespace {

GTlsCertificate *wanted = nullptr;

// GTlsInteraction that gives the wanted certificate.
GTlsInteractionResult give (GTlsInteraction *, GTlsConnection *connection,
    GTlsCertificateRequestFlags, GCancellable *, GError **)
{
  g_tls_connection_set_certificate (connection, wanted);
  return G_TLS_INTERACTION_HANDLED;
}

void init_interaction (gpointer klass, gpointer)
{
  static_cast<GTlsInteractionClass *> (klass)->request_certificate = give;
}

GType interaction_type ()
{
  return g_type_register_static_simple (G_TYPE_TLS_INTERACTION,
      "TestInteraction", sizeof (GTlsInteractionClass), init_interaction,
      sizeof (GTlsInteraction), nullptr, static_cast<GTypeFlags> (0));
}

}  // namespace

GST_START_TEST (a_client_has_a_certificate)
{
  Identity identity ("server");
  Identity client ("client");
  wanted = client.certificate.get ();
  HttpServer server (serving ("secret"), identity.certificate.get (),
      client.certificate.get ());
  Owned<GTlsInteraction> interaction{static_cast<GTlsInteraction *> (
      g_object_new (interaction_type (), nullptr))};
  Stream without (server.uri ("/"));
  g_object_set (*without, "ssl-ca-file", identity.file.c_str (), nullptr);
  without.set_state (GST_STATE_PLAYING);
  Owned<GstMessage> message =
      without.wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ERROR);
  Stream stream (server.uri ("/"));
  g_object_set (*stream, "ssl-ca-file", identity.file.c_str (),
      "tls-interaction", interaction.get (), nullptr);
  fail_unless (stream.play () == "secret");
}
GST_END_TEST;

static Suite *proxyhttpsrc_tls_suite ()
{
  Suite *suite = suite_create ("proxyhttpsrc-tls");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, authorities_are_those_that_are_given);
  tcase_add_test (tests, a_client_has_a_certificate);
  return suite;
}

GST_CHECK_MAIN (proxyhttpsrc_tls)

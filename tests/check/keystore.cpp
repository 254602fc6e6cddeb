// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keystore.h"

#include <gio/gio.h>

#include <condition_variable>
#include <mutex>

#include "httpserver.h"
#include "testutil.h"

template <>
inline constexpr bool relay::is_gobject<GCancellable> = true;

using relay::Owned;
using test::HttpServer;

namespace {

fetcher::Settings settings ()
{
  fetcher::Settings out;
  out.retries = 0;
  return out;
}

std::string text_of (const keystore::Key &key)
{
  auto bytes = key.bytes ();
  return {bytes.begin (), bytes.end ()};
}

// Holds back answers until it is opened.
class Gate
{
public:
  void open ()
  {
    {
      std::lock_guard guard (mutex_);
      open_ = true;
    }
    changed_.notify_all ();
  }
  void pass ()
  {
    std::unique_lock lock (mutex_);
    changed_.wait (lock, [this] { return open_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace

GST_START_TEST (a_key_is_asked_for_once)
{
  HttpServer server ([] (const HttpServer::Request &request) {
    return HttpServer::Reply{200, request.path, {}};
  });
  keystore::Store store;
  for (int i = 0; i < 3; i++)
    for (const char *path : {"/a?1", "/a?2", "/b"}) {
      auto key = store.get (settings (), server.uri (path), nullptr, nullptr);
      fail_unless (key.ok () && text_of (**key) == path);
    }
  fail_unless_equals_uint64 (server.requests ().size (), 3);
}
GST_END_TEST;

GST_START_TEST (keys_are_in_data_uris)
{
  keystore::Store store;
  auto key = store.get (settings (),
      "data:text/plain;base64,AAECAwQFBgcICQoLDA0ODw==", nullptr, nullptr);
  fail_unless (key.ok ());
  auto bytes = (*key)->bytes ();
  fail_unless (bytes.size () == 16 && bytes[0] == 0 && bytes[15] == 15);
  auto broken =
      store.get (settings (), "data:;base64,secret!", nullptr, nullptr);
  fail_unless (!broken.ok ());
  fail_unless (broken.code ().uri.find ("secret") == std::string::npos &&
               broken.code ().message.find ("secret") == std::string::npos);
}
GST_END_TEST;

GST_START_TEST (several_at_once_ask_once)
{
  Gate gate;
  HttpServer server ([&] (const HttpServer::Request &) {
    gate.pass ();
    return HttpServer::Reply{200, "0123456789abcdef", {}};
  });
  keystore::Store store;
  std::atomic<int> fine{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++)
    threads.emplace_back ([&] {
      auto key = store.get (settings (), server.uri ("/k"), nullptr, nullptr);
      if (key && text_of (**key) == "0123456789abcdef") fine++;
    });
  while (server.requests ().empty ()) g_usleep (1000);
  gate.open ();
  for (auto &thread : threads) thread.join ();
  fail_unless_equals_int (fine, 8);
  fail_unless_equals_uint64 (server.requests ().size (), 1);
}
GST_END_TEST;

GST_START_TEST (a_failure_is_everybodys_but_not_for_ever)
{
  Gate gate;
  std::atomic<unsigned> status{404};
  HttpServer server ([&] (const HttpServer::Request &) {
    gate.pass ();
    return HttpServer::Reply{status, "0123456789abcdef", {}};
  });
  keystore::Store store;
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back ([&] {
      auto key =
          store.get (settings (), server.uri ("/k?secret"), nullptr, nullptr);
      if (!key && key.code ().http_status == 404 &&
          key.code ().uri == server.uri ("/k"))
        failed++;
    });
  while (server.requests ().empty ()) g_usleep (1000);
  g_usleep (20000);
  gate.open ();
  for (auto &thread : threads) thread.join ();
  fail_unless_equals_int (failed, 4);
  status = 200;
  auto key =
      store.get (settings (), server.uri ("/k?secret"), nullptr, nullptr);
  fail_unless (key.ok ());
}
GST_END_TEST;

GST_START_TEST (waiting_can_be_broken_off)
{
  test::ScriptedServer silent (
      [] (test::Connection &connection, int) { connection.hang (); });
  keystore::Store store;
  Owned<GCancellable> first{g_cancellable_new ()};
  Owned<GCancellable> second{g_cancellable_new ()};
  auto get = [&] (GCancellable *cancellable) {
    return store.get (settings (), silent.uri ("/k"), cancellable, nullptr);
  };
  std::atomic<int> cancelled{0};
  auto ask = [&] (GCancellable *cancellable) {
    auto key = get (cancellable);
    if (!key && key.code ().error == fetcher::Error::cancelled) cancelled++;
  };
  std::thread one (ask, first.get ());
  while (silent.connections () == 0) g_usleep (1000);
  std::thread other (ask, second.get ());
  g_usleep (20000);
  // Who only waits goes, and the other one still asks.
  g_cancellable_cancel (second.get ());
  other.join ();
  fail_unless_equals_int (cancelled, 1);
  // Who asks goes, and who waits asks itself.
  Owned<GCancellable> third{g_cancellable_new ()};
  std::thread heir (ask, third.get ());
  g_usleep (20000);
  g_cancellable_cancel (first.get ());
  one.join ();
  fail_unless_equals_int (cancelled, 2);
  while (silent.connections () < 2) g_usleep (1000);
  g_cancellable_cancel (third.get ());
  heir.join ();
  fail_unless_equals_int (cancelled, 3);
  // At once, without a request.
  ask (third.get ());
  fail_unless_equals_int (cancelled, 4);
  fail_unless_equals_int (silent.connections (), 2);
}
GST_END_TEST;

GST_START_TEST (a_key_has_a_size)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return HttpServer::Reply{200, std::string (65, 'k'), {}};
  });
  keystore::Store store;
  auto key = store.get (settings (), server.uri ("/k"), nullptr, nullptr);
  fail_unless (!key.ok () && key.code ().error == fetcher::Error::too_large);
}
GST_END_TEST;

// Before anybody wants it, and once for all who want it then.
GST_START_TEST (what_is_begun_is_asked_for_once)
{
  Gate gate;
  HttpServer server ([&] (const HttpServer::Request &) {
    gate.pass ();
    return HttpServer::Reply{200, "0123456789abcdef", {}};
  });
  fetcher::Counters counters;
  keystore::Store store;
  for (int i = 0; i < 3; i++)
    store.begin (settings (), server.uri ("/k"), &counters);
  fail_unless (store.wait_for_place (server.uri ("/k"), nullptr));
  // Nobody is asking for this one.
  fail_unless (!store.wait_for_place (server.uri ("/other"), nullptr));
  fail_unless (!store.wait_for_key (server.uri ("/other"), nullptr));
  gate.open ();
  auto key = store.wait_for_key (server.uri ("/k"), nullptr);
  fail_unless (key && text_of (*key) == "0123456789abcdef");
  fail_unless (
      store.get (settings (), server.uri ("/k"), nullptr, nullptr).ok ());
  store.begin (settings (), server.uri ("/k"), &counters);
  store.begin (settings (), "data:,abc", &counters);
  store.stop ();
  fail_unless_equals_uint64 (server.requests ().size (), 1);
  fail_unless_equals_uint64 (counters.requests, 1);
}
GST_END_TEST;

// Who wants it then has all the tries there are.
GST_START_TEST (what_is_begun_may_fail)
{
  std::atomic<int> count{0};
  HttpServer server ([&] (const HttpServer::Request &) {
    return HttpServer::Reply{++count < 4 ? 503U : 200U, "0123456789abcdef", {}};
  });
  fetcher::Settings patient = settings ();
  patient.retries = 3;
  patient.backoff = std::chrono::milliseconds (1);
  keystore::Store store;
  fetcher::Counters counters;
  store.begin (patient, server.uri ("/k"), &counters);
  fail_unless (!store.wait_for_key (server.uri ("/k"), nullptr));
  fail_unless_equals_int (count, 1);
  fail_unless (store.get (patient, server.uri ("/k"), nullptr, nullptr).ok ());
  fail_unless_equals_int (count, 4);
}
GST_END_TEST;

// Who has the only connection is not to wait for a key that needs it.
GST_START_TEST (what_has_no_connection_is_not_waited_for)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return HttpServer::Reply{200, "0123456789abcdef", {}};
  });
  fetcher::Settings one = settings ();
  one.max_connections_per_host = 1;
  keystore::Store store;
  {
    auto held = fetcher::send (one, {server.uri ("/x"), {}}, nullptr, nullptr);
    fail_unless (held.ok ());
    store.begin (one, server.uri ("/k"), nullptr);
    fail_unless (!store.wait_for_place (server.uri ("/k"), nullptr, false));
    fail_unless (!store.wait_for_key (server.uri ("/k"), nullptr));
  }
  fail_unless (store.wait_for_place (server.uri ("/k"), nullptr));
  fail_unless (store.get (one, server.uri ("/k"), nullptr, nullptr).ok ());
}
GST_END_TEST;

GST_START_TEST (what_is_begun_can_be_stopped)
{
  test::ScriptedServer silent (
      [] (test::Connection &connection, int) { connection.hang (); });
  keystore::Store store;
  fetcher::Counters counters;
  store.begin (settings (), silent.uri ("/k"), &counters);
  fail_unless (store.wait_for_place (silent.uri ("/k"), nullptr));
  // Who waits can be told to go, and then the others.
  Owned<GCancellable> mine{g_cancellable_new ()};
  g_cancellable_cancel (mine.get ());
  fail_unless (!store.wait_for_key (silent.uri ("/k"), mine.get ()));
  store.stop ();
  int connections = silent.connections ();
  store.begin (settings (), silent.uri ("/k"), &counters);
  fail_unless (!store.wait_for_key (silent.uri ("/k"), nullptr));
  fail_unless_equals_int (silent.connections (), connections);
}
GST_END_TEST;

static Suite *keystore_suite ()
{
  Suite *suite = suite_create ("keystore");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_key_is_asked_for_once);
  tcase_add_test (tests, keys_are_in_data_uris);
  tcase_add_test (tests, several_at_once_ask_once);
  tcase_add_test (tests, a_failure_is_everybodys_but_not_for_ever);
  tcase_add_test (tests, waiting_can_be_broken_off);
  tcase_add_test (tests, a_key_has_a_size);
  tcase_add_test (tests, what_is_begun_is_asked_for_once);
  tcase_add_test (tests, what_is_begun_may_fail);
  tcase_add_test (tests, what_has_no_connection_is_not_waited_for);
  tcase_add_test (tests, what_is_begun_can_be_stopped);
  return suite;
}

GST_CHECK_MAIN (keystore)

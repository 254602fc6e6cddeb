// SPDX-License-Identifier: LGPL-2.1-or-later
// A hundred pipelines at once, by two proxies with a password each and by none:
// redirects from one way to another, stops and seeks at any moment, ten places
// for each host. Some seconds; with RELAY_SOAK, three minutes.
#include <thread>

#include "fetching.h"
#include "httpserver.h"
#include "routednet.h"
#include "sanitized.h"
#include "testutil.h"

using relay::Owned;
using test::Fetching;
using test::HttpServer;
using test::RoutedNet;
using Reply = HttpServer::Reply;

namespace {

constexpr unsigned pipelines = 100;
constexpr unsigned drivers = 4;

// The end of the body, from there on. An end from before a seek is none.
bool ends_well (Fetching &fetching, const std::string &tail)
{
  for (;;) {
    Owned<GstMessage> end = fetching.wait ();
    if (!end || GST_MESSAGE_TYPE (end.get ()) != GST_MESSAGE_EOS) {
      GST_ERROR ("%s", test::text_of (end.get ()).c_str ());
      return false;
    }
    if (fetching.bytes.lock ()->ends_with (tail)) return true;
  }
}

void seek (Fetching &fetching, std::size_t byte)
{
  gst_element_seek (fetching.pipeline (), 1.0, GST_FORMAT_BYTES,
      GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, static_cast<gint64> (byte),
      GST_SEEK_TYPE_NONE, -1);
}

// A share of the pipelines, each of them for itself: whole bodies, bodies that
// are given up, and bodies of which another part is wanted.
unsigned drive (RoutedNet &net, const std::string &body, unsigned first,
    unsigned count, unsigned round)
{
  std::vector<std::unique_ptr<Fetching>> all;
  const char *hosts[] = {"x.a.test", "x.b.test", "direct.test"};
  for (unsigned i = first; i < first + count; i++) {
    all.push_back (std::make_unique<Fetching> (
        net.uri (hosts[(i + round) % 3],
            (i % 2 == 0 ? "/x" : "/r") + std::to_string (i)),
        net.routes ()));
    g_object_set (**all.back (), "retries", 3, "timeout", 60, nullptr);
    all.back ()->set_state (GST_STATE_PLAYING);
  }
  unsigned wrong = 0;
  for (unsigned i = 0; i < count; i++) {
    Fetching &fetching = *all[i];
    std::size_t from = 0;
    if (i % 5 == 1) {
      fetching.set_state (GST_STATE_READY);
      fetching.bytes.lock ()->clear ();
      fetching.set_state (GST_STATE_PLAYING);
    } else if (i % 5 == 3) {
      from = 1000 * (i + 1);
      seek (fetching, from);
    } else if (i % 5 == 4) {
      fetching.set_state (GST_STATE_NULL);
      continue;
    }
    wrong += !ends_well (fetching, body.substr (from));
  }
  return wrong;
}

}  // namespace

GST_START_TEST (a_hundred_pipelines)
{
  test::watch_names ();
  // A class is made by its first element, under a lock that TSan does not see.
  Fetching ("http://direct.test/", "all=block");
  std::string body = test::noise (100000);
  gint64 end = g_get_monotonic_time () +
               (g_getenv ("RELAY_SOAK") != nullptr ? 180 : 2) * G_USEC_PER_SEC;
  unsigned round = 0;
  do {
    std::string port;
    RoutedNet net ([&] (const HttpServer::Request &request) {
      if (!request.path.starts_with ("/r"))
        return Reply{
            200, body, {{"Accept-Ranges", "bytes"}, {"ETag", "\"a\""}}};
      std::string host = request.header ("Host");
      const char *next = host.starts_with ("x.a.")  ? "y.b.test"
                         : host.starts_with ("x.b") ? "direct.test"
                                                    : "y.a.test";
      return Reply{302, "",
          {{"Location",
              "http://" + (next + port) + "/x" + request.path.substr (2)}}};
    });
    port = ":" + std::to_string (net.origin.port ());
    std::atomic<unsigned> wrong{0};
    {
      std::vector<std::jthread> threads;
      for (unsigned i = 0; i < drivers; i++)
        threads.emplace_back ([&, i] {
          constexpr unsigned share = pipelines / drivers;
          wrong += drive (net, body, i * share, share, round);
        });
    }
    fail_unless_equals_int (static_cast<int> (wrong), 0);
    // Of what was given up not all has come to the origin.
    net.assert_kept (false);
    round++;
  } while (g_get_monotonic_time () < end);
}
GST_END_TEST;

static Suite *stress_suite ()
{
  Suite *suite = suite_create ("stress");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  if (g_getenv ("RELAY_SOAK") != nullptr) tcase_set_timeout (tests, 400);
  tcase_add_test (tests, a_hundred_pipelines);
  return suite;
}

GST_CHECK_MAIN (stress)

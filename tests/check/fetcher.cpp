// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher.h"

#include <gio/gio.h>

#include <chrono>
#include <thread>

#include "httpserver.h"
#include "routes.h"
#include "testutil.h"

using namespace std::chrono_literals;
using fetcher::Counters;
using fetcher::Error;
using fetcher::Kind;
using fetcher::Problem;
using fetcher::Request;
using fetcher::Response;
using fetcher::Settings;
using test::Connection;
using test::ForwardProxy;
using test::header_of;
using test::HttpServer;
using test::ScriptedServer;

template <>
inline constexpr bool relay::is_gobject<GCancellable> = true;

namespace {

using Reply = HttpServer::Reply;
using Cancellable = relay::Owned<GCancellable>;

Settings settings (int retries = 0)
{
  Settings out;
  out.retries = retries;
  out.backoff = 1ms;
  out.backoff_max = 4ms;
  out.timeout = 10s;
  out.name = "test";
  return out;
}

// Bytes that differ from place to place.
std::string pattern (std::size_t size)
{
  std::string out (size, '\0');
  std::uint32_t x = 1;
  for (char &c : out) {
    x = x * 1664525u + 1013904223u;
    c = static_cast<char> (x >> 24);
  }
  return out;
}

// What was read, and why it ended if that was not its end.
struct Outcome
{
  std::string body;
  std::optional<Problem> problem;
};

Outcome read_all (Response &response, std::size_t block = 8192)
{
  Outcome out;
  std::vector<std::uint8_t> buffer (block);
  for (;;) {
    auto count = response.read (buffer.data (), buffer.size ());
    if (!count) {
      out.problem = count.code ();
      return out;
    }
    if (*count == 0) return out;
    out.body.append (reinterpret_cast<char *> (buffer.data ()), *count);
  }
}

Outcome fetch (const Settings &how, const std::string &uri,
    Counters *counters = nullptr,
    std::optional<fetcher::Range> range = std::nullopt, Kind kind = Kind::media)
{
  auto response = fetcher::send (how, {uri, range, kind}, nullptr, counters);
  if (!response) return {{}, response.code ()};
  return read_all (**response);
}

void assert_body (const Outcome &outcome, std::string_view expected)
{
  fail_if (outcome.problem.has_value (), "%s: %s",
      fetcher::to_string (outcome.problem->error),
      outcome.problem->message.c_str ());
  fail_unless (outcome.body == expected, "%u bytes that differ",
      static_cast<unsigned> (outcome.body.size ()));
}

void assert_problem (
    const Outcome &outcome, Error error, unsigned http_status = 0)
{
  fail_unless (outcome.problem.has_value (), "no problem");
  fail_unless (outcome.problem->error == error, "%s (%s) in place of %s",
      fetcher::to_string (outcome.problem->error),
      outcome.problem->message.c_str (), fetcher::to_string (error));
  fail_unless_equals_int (static_cast<int> (outcome.problem->http_status),
      static_cast<int> (http_status));
}

int count (const std::atomic<std::uint64_t> &counter)
{
  return static_cast<int> (counter.load ());
}

std::string response (std::string_view body, std::string_view headers = {},
    std::string_view status = "200 OK")
{
  return "HTTP/1.1 " + std::string (status) + "\r\n" + std::string (headers) +
         "Content-Length: " + std::to_string (body.size ()) + "\r\n\r\n" +
         std::string (body);
}

}  // namespace

GST_START_TEST (a_body_comes_whole)
{
  std::string body = pattern (300000);
  HttpServer server ([&] (const HttpServer::Request &) {
    return Reply{200, body, {{"X-Test", "1"}}, "video/mp4; codecs=x"};
  });
  Counters counters;
  auto got = fetcher::send (settings (),
      {server.uri ("/a?b=c"), {}, Kind::media}, nullptr, &counters);
  fail_unless (got.ok ());
  const fetcher::Head &head = (*got)->head ();
  fail_unless_equals_int (static_cast<int> (head.status), 200);
  fail_unless_equals_string (head.content_type.c_str (), "video/mp4");
  fail_unless (head.length == body.size () && head.total == body.size ());
  fail_unless (head.uri == server.uri ("/a?b=c"));
  fail_if (head.permanent_uri.has_value ());
  fail_unless (head.ttfb > 0ns);
  assert_body (read_all (**got), body);
  // And it stays at its end.
  assert_body (read_all (**got), "");
  fail_unless_equals_int (count (counters.requests), 1);
  fail_unless_equals_int (count (counters.connections), 1);
  fail_unless_equals_int (count (counters.retries), 0);
  fail_unless_equals_int (
      count (counters.bytes_received), static_cast<int> (body.size ()));
  fail_unless (counters.ttfb_ns > 0);
  fail_unless (server.requests ()[0].header ("Accept-Encoding") == "identity");
}
GST_END_TEST;

GST_START_TEST (connections_are_kept)
{
  HttpServer server ([] (const HttpServer::Request &r) {
    return r.path == "/404" ? Reply{404, "no", {}} : Reply{200, "yes", {}};
  });
  Counters counters;
  for (int i = 0; i < 20; i++) {
    assert_body (fetch (settings (), server.uri ("/x"), &counters), "yes");
    assert_problem (fetch (settings (), server.uri ("/404"), &counters),
        Error::http_status, 404);
  }
  // An element that was read just to its last byte also gives it back.
  {
    auto got = fetcher::send (
        settings (), {server.uri ("/x"), {}, Kind::media}, nullptr, &counters);
    std::array<std::uint8_t, 3> bytes;
    fail_unless_equals_int (
        static_cast<int> (*(*got)->read (bytes.data (), bytes.size ())), 3);
  }
  assert_body (fetch (settings (), server.uri ("/x"), &counters), "yes");
  fail_unless_equals_int (count (counters.requests), 42);
  fail_unless_equals_int (count (counters.connections), 1);
  fail_unless_equals_int (static_cast<int> (server.connections ()), 1);
}
GST_END_TEST;

// A body that is given up must not be taken for the next one's beginning.
GST_START_TEST (an_abandoned_body_harms_nobody)
{
  std::string body = pattern (3000000);
  HttpServer server ([&] (const HttpServer::Request &r) {
    return Reply{200, r.path == "/long" ? body : "short", {}};
  });
  std::array<std::uint8_t, 1000> bytes;
  for (int i = 0; i < 3; i++) {
    auto got = fetcher::send (
        settings (), {server.uri ("/long"), {}, Kind::media}, nullptr, nullptr);
    fail_unless (
        got.ok () && (*got)->read (bytes.data (), bytes.size ()).ok ());
    got->reset ();
    assert_body (fetch (settings (), server.uri ("/short")), "short");
  }
}
GST_END_TEST;

GST_START_TEST (a_kept_connection_that_died_is_replaced)
{
  ScriptedServer server ([] (Connection &c, int number) {
    // The first one closes after its answer, when it is asked again.
    for (int i = 0; number > 0 || i < 1; i++) {
      if (c.read_request ().empty ()) return;
      c.send (response ("x"));
    }
    c.read_request ();
  });
  for (int i = 0; i < 3; i++)
    assert_body (fetch (settings (), server.uri ("/")), "x");
  fail_unless_equals_int (server.connections (), 2);
}
GST_END_TEST;

GST_START_TEST (uris_reach_the_wire_byte_for_byte)
{
  ScriptedServer server ([&] (Connection &c, int) {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      c.send (response (request.substr (0, request.find ("\r\n"))));
    }
  });
  struct Row
  {
    const char *in;
    const char *out;
  };
  for (const Row &row :
      {Row{"/a%2Fb%7e/../c;d=%2c?sig=a%2Bb+c%3D&x=~!'()*#f",
           "/a%2Fb%7e/../c;d=%2c?sig=a%2Bb+c%3D&x=~!'()*"},
          Row{"/a b/\xc3\xa4?q=\xc3\xa4 %zz", "/a%20b/%C3%A4?q=%C3%A4%20%zz"},
          Row{"/a|b\"<>{}^`\\", "/a|b\"<>{}^`\\"}, Row{"?x", "/?x"},
          Row{"//x//", "//x//"}, Row{"/\r\nX-Evil: 1", "/%0D%0AX-Evil:%201"}}) {
    Outcome outcome = fetch (settings (), server.uri (row.in));
    assert_body (outcome, std::string ("GET ") + row.out + " HTTP/1.1");
  }
}
GST_END_TEST;

GST_START_TEST (statuses_are_problems)
{
  HttpServer server ([] (const HttpServer::Request &r) {
    return Reply{
        static_cast<unsigned> (std::atoi (r.path.c_str () + 1)), "text", {}};
  });
  for (unsigned status : {401u, 403u, 404u, 410u, 418u, 501u}) {
    Counters counters;
    Outcome outcome = fetch (
        settings (3), server.uri ("/" + std::to_string (status)), &counters);
    assert_problem (outcome, Error::http_status, status);
    fail_unless_equals_int (count (counters.requests), 1);
  }
  // Not a proxy's, when there is none.
  assert_problem (
      fetch (settings (), server.uri ("/407")), Error::http_status, 407);
  assert_problem (
      fetch (settings (), server.uri ("/204")), Error::http_status, 204);
}
GST_END_TEST;

// libsoup would gather it.
GST_START_TEST (an_endless_421_is_not_read)
{
  ScriptedServer server ([] (Connection &c, int) {
    c.read_request ();
    c.send ("HTTP/1.1 421 Misdirected Request\r\n\r\n");
    std::string block (65536, 'x');
    for (int i = 0; i < 1000000 && c.send (block); i++) {
    }
  });
  assert_problem (
      fetch (settings (3), server.uri ("/")), Error::http_status, 421);
}
GST_END_TEST;

GST_START_TEST (a_server_that_went_away_is_no_connection)
{
  auto server = std::make_unique<ScriptedServer> ([] (Connection &c, int) {
    while (!c.read_request ().empty ()) c.send (response ("x"));
  });
  std::string uri = server->uri ("/");
  assert_body (fetch (settings (), uri), "x");
  server.reset ();
  assert_problem (fetch (settings (), uri), Error::connect);
}
GST_END_TEST;

GST_START_TEST (passing_troubles_are_retried)
{
  std::atomic<int> bad = 2;
  HttpServer server ([&] (const HttpServer::Request &) {
    return bad-- > 0 ? Reply{500, "oh", {}} : Reply{200, "fine", {}};
  });
  Counters counters;
  assert_body (fetch (settings (2), server.uri ("/"), &counters), "fine");
  fail_unless_equals_int (count (counters.requests), 3);
  fail_unless_equals_int (count (counters.retries), 2);
  bad = 100;
  assert_problem (fetch (settings (2), server.uri ("/"), &counters),
      Error::http_status, 500);
  fail_unless_equals_int (count (counters.requests), 6);
}
GST_END_TEST;

// Before it has passed nobody is asked; and it is a wait like all others.
GST_START_TEST (a_server_says_when_to_come_again)
{
  std::atomic<int> bad = 1;
  std::atomic<unsigned> status = 503;
  HttpServer server ([&] (const HttpServer::Request &) {
    return bad-- > 0 ? Reply{status, "", {{"Retry-After", "1"}}}
                     : Reply{200, "fine", {}};
  });
  for (unsigned one : {503u, 429u}) {
    status = one;
    bad = 1;
    gint64 began = g_get_monotonic_time ();
    assert_body (fetch (settings (1), server.uri ("/")), "fine");
    fail_unless (g_get_monotonic_time () - began >= G_USEC_PER_SEC);
  }
}
GST_END_TEST;

// At a live edge, and apart from the retries, which are for real troubles.
GST_START_TEST (what_is_not_there_yet_is_asked_for_again)
{
  std::atomic<int> missing = 0;
  std::atomic<int> bad = 0;
  std::atomic<unsigned> status = 404;
  HttpServer server ([&] (const HttpServer::Request &) {
    if (missing-- > 0) return Reply{status, "", {}};
    if (bad-- > 0) return Reply{500, "", {}};
    return Reply{200, "fine", {}};
  });
  auto get = [&] (int early, int troubles, int retries) {
    missing = early;
    bad = troubles;
    Request request{server.uri ("/"), {}, Kind::media};
    request.edge = {3, 1ms};
    Outcome outcome;
    auto whole =
        fetcher::fetch_all (settings (retries), request, nullptr, nullptr, 100);
    if (whole)
      outcome.body.assign (whole->bytes.begin (), whole->bytes.end ());
    else
      outcome.problem = whole.code ();
    return outcome;
  };
  for (unsigned one : {403u, 404u, 410u}) {
    status = one;
    assert_body (get (3, 0, 0), "fine");
    assert_body (get (3, 2, 2), "fine");
    assert_problem (get (4, 0, 5), Error::http_status, one);
    assert_problem (get (3, 1, 0), Error::http_status, 500);
  }
  // Another refusal, and a request that is not at the edge.
  status = 401;
  assert_problem (get (1, 0, 5), Error::http_status, 401);
  status = 404;
  missing = 1;
  assert_problem (
      fetch (settings (5), server.uri ("/")), Error::http_status, 404);
}
GST_END_TEST;

// Keys and initializations, and nothing else.
GST_START_TEST (small_things_are_in_their_uris)
{
  Counters counters;
  for (Kind kind : {Kind::key, Kind::init}) {
    auto get = [&] (const char *uri) {
      return fetcher::fetch_all (
          settings (3), {uri, {}, kind}, nullptr, &counters, 5);
    };
    auto whole = get ("data:video/mp4;base64,aGVsbG8=");
    fail_unless (whole.ok () && whole->verified);
    fail_unless (
        std::string (whole->bytes.begin (), whole->bytes.end ()) == "hello");
    fail_unless_equals_string (whole->content_type.c_str (), "video/mp4");
    fail_unless_equals_string (whole->uri.c_str (), "data:");
    whole = get ("data:,secret");
    fail_unless (!whole && whole.code ().error == Error::too_large);
    whole = get ("data:;base64,secret*");
    fail_unless (!whole && whole.code ().error == Error::uri);
    // Not in any message.
    fail_unless (whole.code ().uri == "data:");
  }
  const char *digits = "data:,0123456789";
  auto part = [&] (fetcher::Range range) {
    return fetch (settings (), digits, &counters, range, Kind::init);
  };
  assert_body (part ({2, 4}), "234");
  assert_body (part ({7, {}}), "789");
  assert_body (part ({7, 100}), "789");
  assert_problem (part ({10, {}}), Error::bad_range, 416);
  for (Kind kind : {Kind::manifest, Kind::media, Kind::other})
    assert_problem (
        fetch (settings (), digits, &counters, {}, kind), Error::uri);
  fail_unless_equals_int (count (counters.requests), 0);
}
GST_END_TEST;

// As for a licence. By 307 it goes on, by 303 what is there is got; and it is
// not sent twice by us.
GST_START_TEST (a_request_may_have_a_body)
{
  relay::Guarded<std::vector<std::string>> seen;
  ScriptedServer server ([&] (Connection &c, int) {
    for (;;) {
      std::string r = c.read_request ();
      if (r.empty ()) return;
      std::string length = header_of (r, "Content-Length");
      std::string body = length.empty () ? "" : c.read (std::stoul (length));
      seen.lock ()->push_back (r.substr (0, r.find (" HTTP")) + " " +
                               header_of (r, "Content-Type") + " " + body);
      if (r.find (" /307 ") != std::string::npos)
        c.send (response ("", "Location: /x\r\n", "307 T"));
      else if (r.find (" /303 ") != std::string::npos)
        c.send (response ("", "Location: /x\r\n", "303 T"));
      else if (r.find (" /500 ") != std::string::npos)
        c.send (response ("", "", "500 T"));
      else
        c.send (response ("licence"));
    }
  });
  auto post = [&] (const char *path) {
    Request request{server.uri (path), {}, Kind::key, "POST"};
    request.body = "challenge";
    request.body_type = "application/json";
    seen.lock ()->clear ();
    return fetcher::fetch_all (settings (3), request, nullptr, nullptr, 100);
  };
  auto all = [&] {
    std::string out;
    for (const std::string &one : *seen.lock ()) out += one + "|";
    return out;
  };
  fail_unless (post ("/x").ok ());
  fail_unless (all () == "POST /x application/json challenge|");
  fail_unless (post ("/307").ok ());
  fail_unless (all () ==
               "POST /307 application/json challenge|POST /x application/json "
               "challenge|");
  fail_unless (post ("/303").ok ());
  fail_unless (all () == "POST /303 application/json challenge|GET /x  |");
  fail_if (post ("/500").ok ());
  fail_unless (all () == "POST /500 application/json challenge|");
}
GST_END_TEST;

GST_START_TEST (dead_origins_fail)
{
  Counters counters;
  std::string uri =
      "http://127.0.0.1:" + std::to_string (test::dead_port ()) + "/";
  assert_problem (fetch (settings (1), uri, &counters), Error::connect);
  fail_unless_equals_int (count (counters.retries), 1);
  assert_problem (
      fetch (settings (), "http://no-such-host.invalid/"), Error::resolve);
  for (const char *bad : {"", "x", "http://h /", "file:///etc/passwd",
           "ftp://h/", "http://", "http://h:99999/", "http://h\xff\xfe/"})
    assert_problem (fetch (settings (3), bad), Error::uri);
}
GST_END_TEST;

GST_START_TEST (what_is_not_http_fails)
{
  ScriptedServer garbage ([] (Connection &c, int) {
    c.read_request ();
    c.send ("220 smtp.example ESMTP ready\r\n\r\nnonsense\r\n");
  });
  assert_problem (fetch (settings (), garbage.uri ("/")), Error::protocol);
  ScriptedServer silent ([] (Connection &c, int) { c.read_request (); });
  Counters counters;
  assert_problem (
      fetch (settings (1), silent.uri ("/"), &counters), Error::truncated);
  fail_unless_equals_int (count (counters.retries), 1);
}
GST_END_TEST;

GST_START_TEST (redirects_are_followed)
{
  HttpServer server ([] (const HttpServer::Request &r) {
    if (r.path == "/a/1") return Reply{301, "x", {{"Location", "../b/2?x"}}};
    if (r.path == "/b/2?x") return Reply{308, "x", {{"Location", "3"}}};
    if (r.path == "/b/3") return Reply{302, "x", {{"Location", "/c/4#f"}}};
    if (r.path == "/c/4") return Reply{301, "x", {{"Location", "5"}}};
    return Reply{200, r.path, {}};
  });
  Counters counters;
  auto got = fetcher::send (
      settings (), {server.uri ("/a/1"), {}, Kind::media}, nullptr, &counters);
  fail_unless (got.ok ());
  fail_unless ((*got)->head ().uri == server.uri ("/c/5"), "%s",
      (*got)->head ().uri.c_str ());
  // Only as far as all of them were permanent.
  fail_unless ((*got)->head ().permanent_uri == server.uri ("/b/3"));
  assert_body (read_all (**got), "/c/5");
  fail_unless_equals_int (count (counters.redirects), 4);
  fail_unless_equals_int (count (counters.requests), 5);
  fail_unless_equals_int (static_cast<int> (server.connections ()), 1);
}
GST_END_TEST;

GST_START_TEST (redirects_have_limits)
{
  HttpServer server ([] (const HttpServer::Request &r) {
    if (r.path.starts_with ("/loop"))
      return Reply{302, "", {{"Location", r.path + "x"}}};
    if (r.path == "/file")
      return Reply{302, "", {{"Location", "file:///etc/passwd?token=s3"}}};
    if (r.path == "/bad") return Reply{302, "", {{"Location", "http://:1/"}}};
    if (r.path == "/none") return Reply{302, "", {}};
    return Reply{302, "", {{"Location", "http://u:pw@127.0.0.1:1/t?token=s3"}}};
  });
  Counters counters;
  assert_problem (fetch (settings (3), server.uri ("/loop"), &counters),
      Error::redirect_loop, 302);
  fail_unless_equals_int (count (counters.requests), 11);
  Outcome outcome = fetch (settings (3), server.uri ("/file"));
  assert_problem (outcome, Error::redirect_scheme, 302);
  fail_unless_equals_string (
      outcome.problem->redirect_location.c_str (), "file:///etc/passwd");
  assert_problem (
      fetch (settings (3), server.uri ("/bad")), Error::redirect_scheme, 302);
  assert_problem (
      fetch (settings (3), server.uri ("/none")), Error::http_status, 302);
  Settings off = settings ();
  off.automatic_redirect = false;
  outcome = fetch (off, server.uri ("/x"));
  assert_problem (outcome, Error::http_status, 302);
  fail_unless_equals_string (outcome.problem->redirect_location.c_str (),
      "http://127.0.0.1:1/t?token=s3");
}
GST_END_TEST;

GST_START_TEST (ranges_are_kept)
{
  std::string body = pattern (10000);
  HttpServer server ([&] (const HttpServer::Request &) {
    return Reply{200, body, {}};
  });
  auto got = fetcher::send (settings (),
      {server.uri ("/"), fetcher::Range{100, 299}, Kind::media}, nullptr,
      nullptr);
  fail_unless (got.ok ());
  fail_unless_equals_int (static_cast<int> ((*got)->head ().status), 206);
  fail_unless ((*got)->head ().length == 200u);
  fail_unless ((*got)->head ().total == 10000u);
  fail_unless ((*got)->head ().seekable);
  assert_body (read_all (**got), body.substr (100, 200));
  assert_body (
      fetch (settings (), server.uri ("/"), nullptr, fetcher::Range{9990, {}}),
      body.substr (9990));
  assert_problem (fetch (settings (3), server.uri ("/"), nullptr,
                      fetcher::Range{10000, {}}),
      Error::bad_range, 416);
}
GST_END_TEST;

// More than there is was asked for.
GST_START_TEST (a_range_may_be_shorter)
{
  ScriptedServer server ([&] (Connection &c, int) {
    c.read_request ();
    c.send (response ("0123456789", "Content-Range: bytes 90-99/100\r\n",
        "206 Partial Content"));
  });
  assert_body (
      fetch (settings (), server.uri ("/"), nullptr, fetcher::Range{90, 200}),
      "0123456789");
}
GST_END_TEST;

GST_START_TEST (a_200_is_cut_to_the_range)
{
  std::string body = pattern (200000);
  ScriptedServer server ([&] (Connection &c, int) {
    while (!c.read_request ().empty ()) c.send (response (body));
  });
  assert_body (fetch (settings (), server.uri ("/"), nullptr,
                   fetcher::Range{150000, 150099}),
      body.substr (150000, 100));
  assert_body (fetch (settings (), server.uri ("/"), nullptr,
                   fetcher::Range{199990, {}}),
      body.substr (199990));
  assert_problem (fetch (settings (), server.uri ("/"), nullptr,
                      fetcher::Range{200001, {}}),
      Error::bad_range, 200);
}
GST_END_TEST;

GST_START_TEST (a_wrong_range_is_refused)
{
  const char *wrong[] = {"", "Content-Range: bytes 0-9/100\r\n",
      "Content-Range: bytes 11-20/100\r\n", "Content-Range: bytes */100\r\n",
      "Content-Range: bytes 10-29/100\r\n", "Content-Range: x\r\n"};
  for (const char *header : wrong) {
    ScriptedServer server ([&] (Connection &c, int) {
      c.read_request ();
      c.send (response ("0123456789", header, "206 Partial Content"));
    });
    assert_problem (
        fetch (settings (3), server.uri ("/"), nullptr, fetcher::Range{10, 19}),
        Error::bad_range, 206);
  }
  // Nobody asked for a part.
  ScriptedServer server ([&] (Connection &c, int) {
    c.read_request ();
    c.send (response ("0123456789", "Content-Range: bytes 0-9/100\r\n",
        "206 Partial Content"));
  });
  assert_problem (
      fetch (settings (3), server.uri ("/")), Error::bad_range, 206);
}
GST_END_TEST;

// 206 answers of 100 bytes, whatever is asked for.
GST_START_TEST (a_range_may_come_in_parts)
{
  std::string body = pattern (1000);
  ScriptedServer server ([&] (Connection &c, int) {
    for (std::string r; !(r = c.read_request ()).empty ();) {
      std::size_t first = static_cast<std::size_t> (
          std::atoi (header_of (r, "Range").c_str () + 6));
      std::size_t last = std::min<std::size_t> (first + 99, 999);
      c.send (response (body.substr (first, last - first + 1),
          "ETag: \"a\"\r\nContent-Range: bytes " + std::to_string (first) +
              "-" + std::to_string (last) + "/1000\r\n",
          "206 Partial Content"));
    }
  });
  Counters counters;
  assert_body (
      fetch (settings (), server.uri ("/"), &counters, fetcher::Range{50, {}}),
      body.substr (50));
  fail_unless_equals_int (count (counters.requests), 10);
  fail_unless_equals_int (count (counters.retries), 0);
}
GST_END_TEST;

GST_START_TEST (a_short_body_is_no_success)
{
  for (const char *connection : {"", "Connection: close\r\n"}) {
    ScriptedServer server ([&] (Connection &c, int) {
      c.read_request ();
      std::string whole = response (pattern (1000), connection);
      c.send (whole.substr (0, whole.size () - 1));
    });
    Outcome outcome = fetch (settings (), server.uri ("/"));
    assert_problem (outcome, Error::truncated);
    fail_unless_equals_int (static_cast<int> (outcome.body.size ()), 999);
  }
  ScriptedServer chunked ([&] (Connection &c, int) {
    c.read_request ();
    c.send (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n5\r\nhe");
  });
  assert_problem (fetch (settings (), chunked.uri ("/")), Error::truncated);
}
GST_END_TEST;

namespace {

constexpr const char *chunked_head =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"a\"\r\n\r\n";

}  // namespace

// libsoup 3.2 takes each of these for a whole body.
GST_START_TEST (an_early_end_of_chunks_is_no_success)
{
  for (const char *early : {"", "5\r\nhello\r\n", "5\r\nhello\r\n0",
           "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\nX: y\r\n"}) {
    ScriptedServer server ([&] (Connection &c, int number) {
      c.read_request ();
      c.send (number == 0 ? chunked_head + std::string (early)
                          : response ("hello"));
    });
    auto get = [&] (int retries) {
      return fetcher::fetch_all (settings (retries),
          {server.uri ("/"), {}, Kind::media}, nullptr, nullptr, 100);
    };
    auto whole = get (0);
    fail_unless (
        !whole && whole.code ().error == Error::truncated, "%s", early);
    whole = get (0);
    fail_unless (whole.ok () && whole->verified);
  }
  // Only the end of the connection says where this one ends.
  ScriptedServer server ([&] (Connection &c, int) {
    c.read_request ();
    c.send ("HTTP/1.0 200 OK\r\n\r\nhello");
  });
  auto whole = fetcher::fetch_all (
      settings (), {server.uri ("/"), {}, Kind::media}, nullptr, nullptr, 100);
  fail_unless (whole.ok () && !whole->verified);
}
GST_END_TEST;

// And each of these.
GST_START_TEST (garbage_amid_chunks_is_no_end)
{
  for (const char *garbage : {"zz\r\n\r\n", "\r\n\r\n", "<html>\r\n\r\n",
           "-1\r\n\r\n", "5 hello\r\n\r\n", "5\r\nhello world\r\n0\r\n\r\n",
           "ffffffffffffffffff\r\n"}) {
    ScriptedServer server ([&] (Connection &c, int) {
      c.read_request ();
      c.send (std::string (chunked_head) + "5\r\nhello\r\n" + garbage);
      c.hang ();
    });
    Counters counters;
    Outcome outcome = fetch (settings (3), server.uri ("/"), &counters);
    assert_problem (outcome, Error::protocol);
    fail_unless (outcome.body == "hello" || outcome.body == "hellohello");
    fail_unless_equals_int (count (counters.requests), 1);
  }
}
GST_END_TEST;

// Extensions, trailers, spaces, and chunks of every size: also when they come
// byte by byte, and one after the other on one connection.
GST_START_TEST (chunks_keep_the_connection)
{
  std::string body = pattern (30000);
  std::string coded = chunked_head;
  std::size_t at = 0;
  for (std::size_t size = 1; at < body.size (); size = size * 3 + 1) {
    std::string chunk = body.substr (at, size);
    at += chunk.size ();
    char line[64];
    g_snprintf (line, sizeof line, "%x%s\r\n",
        static_cast<unsigned> (chunk.size ()), size % 2 == 0 ? ";a=b" : "  ");
    coded += line + chunk + "\r\n";
  }
  coded += "0;" + std::string (1000, 'x') + "\r\nX: 1\r\nY: 2\r\n\r\n";
  ScriptedServer server ([&] (Connection &c, int) {
    for (std::string r; !(r = c.read_request ()).empty ();)
      if (r.starts_with ("GET /slow"))
        for (std::size_t i = 0; i < coded.size (); i += 97)
          c.send (coded.substr (i, 97));
      else
        c.send (coded);
  });
  Counters counters;
  for (const char *path : {"/", "/slow", "/", "/slow", "/"})
    assert_body (fetch (settings (), server.uri (path), &counters), body);
  fail_unless_equals_int (count (counters.connections), 1);
}
GST_END_TEST;

// What follows a body belongs to nobody, least of all to the next request.
GST_START_TEST (bytes_behind_the_chunks_are_not_the_next_answer)
{
  ScriptedServer server ([&] (Connection &c, int) {
    if (c.read_request ().empty ()) return;
    c.send (std::string (chunked_head) + "5\r\nhello\r\n0\r\n\r\n" +
            response ("wrong"));
    c.hang ();
  });
  for (int i = 0; i < 3; i++)
    assert_body (fetch (settings (), server.uri ("/")), "hello");
  fail_unless_equals_int (server.connections (), 3);
}
GST_END_TEST;

// Whatever libsoup would read of them, it is too much: no connection broke.
GST_START_TEST (headers_without_an_end_are_refused)
{
  ScriptedServer server ([&] (Connection &c, int) {
    if (c.read_request ().empty ()) return;
    c.send ("HTTP/1.1 200 OK\r\n");
    std::string line = "X-More: " + std::string (1000, 'm') + "\r\n";
    while (c.send (line)) {
    }
  });
  Counters counters;
  assert_problem (
      fetch (settings (3), server.uri ("/"), &counters), Error::protocol);
  fail_unless_equals_int (count (counters.requests), 1);
}
GST_END_TEST;

// The page is not waited for, neither one that stalls nor one without an end.
GST_START_TEST (a_refused_tunnel_is_refused_at_once)
{
  for (unsigned status : {407u, 502u, 403u, 302u})
    for (const char *length : {"Content-Length: 1000000000\r\n", ""})
      for (bool endless : {false, true}) {
        ScriptedServer proxy ([&] (Connection &c, int) {
          if (c.read_request ().empty ()) return;
          c.send ("HTTP/1.1 " + std::to_string (status) + " No\r\n" + length +
                  "Location: http://127.0.0.1:1/\r\n\r\n");
          std::string block (65536, 'x');
          while (endless && c.send (block)) {
          }
          c.hang ();
        });
        Settings how = settings ();
        how.proxy = proxy.uri ("");
        how.timeout = 0ms;
        assert_problem (fetch (how, "https://127.0.0.1:1/"),
            status == 407 ? Error::proxy_auth : Error::proxy, status);
      }
}
GST_END_TEST;

namespace {

// Serves the body with a break after every step bytes; honours Range.
ScriptedServer::Script breaking (const std::string &body, std::size_t step,
    std::string headers, bool ranges = true)
{
  return [=] (Connection &c, int number) {
    std::string r = c.read_request ();
    std::string range = ranges ? header_of (r, "Range") : "";
    std::size_t first = range.empty () ? 0 : std::stoul (range.substr (6));
    std::string rest = body.substr (first);
    std::string head =
        range.empty ()
            ? response ("", headers)
            : response ("",
                  headers + "Content-Range: bytes " + std::to_string (first) +
                      "-" + std::to_string (body.size () - 1) + "/" +
                      std::to_string (body.size ()) + "\r\n",
                  "206 Partial Content");
    head.replace (head.find ("Content-Length: 0"), 17,
        "Content-Length: " + std::to_string (rest.size ()));
    c.send (
        head +
        rest.substr (
            0, ranges ? step : step * (static_cast<std::size_t> (number) + 1)));
    if (number % 2 == 1) c.reset ();
  };
}

}  // namespace

GST_START_TEST (a_broken_body_is_resumed)
{
  std::string body = pattern (100000);
  ScriptedServer server (breaking (body, 30000, "ETag: \"a\"\r\n"));
  Counters counters;
  // Each progress renews the budget.
  assert_body (fetch (settings (1), server.uri ("/"), &counters), body);
  fail_unless_equals_int (count (counters.requests), 4);
  fail_unless_equals_int (count (counters.retries), 3);
  // Also from and to a place in the middle.
  assert_body (fetch (settings (1), server.uri ("/"), nullptr,
                   fetcher::Range{10, 79999}),
      body.substr (10, 79990));
  // None is allowed.
  assert_problem (fetch (settings (0), server.uri ("/")), Error::truncated);
}
GST_END_TEST;

GST_START_TEST (a_resumption_reads_over_what_it_has)
{
  std::string body = pattern (100000);
  ScriptedServer server (
      breaking (body, 30000, "ETag: \"a\"\r\n", /* ranges */ false));
  Counters counters;
  assert_body (fetch (settings (1), server.uri ("/"), &counters), body);
  fail_unless_equals_int (
      count (counters.bytes_received), static_cast<int> (body.size ()));
}
GST_END_TEST;

GST_START_TEST (a_resumption_asks_for_the_same_bytes)
{
  std::string body = pattern (1000);
  relay::Guarded<std::string> seen;
  ScriptedServer server ([&] (Connection &c, int number) {
    std::string r = c.read_request ();
    if (number == 0) {
      std::string whole = response (body,
          "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
          "Date: Tue, 02 Jan 2024 00:00:00 GMT\r\n");
      c.send (whole.substr (0, whole.size () - 500));
    } else {
      *seen.lock () = r;
      c.send (response (pattern (2000).substr (1000),
          "Last-Modified: Wed, 03 Jan 2024 00:00:00 GMT\r\n"));
    }
  });
  Outcome outcome = fetch (settings (3), server.uri ("/"));
  assert_problem (outcome, Error::changed, 200);
  fail_unless (outcome.body == body.substr (0, 500));
  std::string request = seen.copy ();
  fail_unless (header_of (request, "Range") == "bytes=500-999");
  fail_unless (
      header_of (request, "If-Range") == "Mon, 01 Jan 2024 00:00:00 GMT");
}
GST_END_TEST;

// The second answer leaves out the tag, the third one has another.
GST_START_TEST (what_was_known_stays_known)
{
  std::string body = pattern (1000);
  relay::Guarded<std::string> seen;
  ScriptedServer server ([&] (Connection &c, int number) {
    std::string request = c.read_request ();
    auto part = [&] (std::size_t from, const std::string &headers) {
      return response (body.substr (from),
          headers + "Content-Range: bytes " + std::to_string (from) +
              "-999/1000\r\n",
          "206 Partial Content");
    };
    std::string answer = response (body, "ETag: \"a\"\r\n");
    if (number == 1) answer = part (300, "");
    if (number == 2) {
      *seen.lock () = request;
      c.send (part (600, "ETag: \"b\"\r\n"));
      return;
    }
    c.send (answer.substr (0, answer.size () - (number == 0 ? 700 : 400)));
  });
  Outcome outcome = fetch (settings (3), server.uri ("/"));
  assert_problem (outcome, Error::changed, 206);
  fail_unless (outcome.body == body.substr (0, 600));
  fail_unless (header_of (seen.copy (), "If-Range") == "\"a\"");
}
GST_END_TEST;

// Content-Range: bytes 10-19/*
GST_START_TEST (parts_of_unknown_length_are_not_the_whole)
{
  std::string body = pattern (100);
  for (const char *tag : {"ETag: \"a\"\r\n", ""}) {
    ScriptedServer server ([&] (Connection &c, int) {
      for (;;) {
        std::string request = c.read_request ();
        if (request.empty ()) return;
        std::size_t from = std::stoul (header_of (request, "Range").substr (6));
        if (from >= 100) {
          c.send (response ("", "", "416 Range Not Satisfiable"));
          continue;
        }
        std::string part = body.substr (from, 40);
        c.send (response (part,
            tag + std::string ("Content-Range: bytes ") +
                std::to_string (from) + "-" +
                std::to_string (from + part.size () - 1) + "/*\r\n",
            "206 Partial Content"));
      }
    });
    auto read = [&] (fetcher::Range range) {
      return fetch (settings (), server.uri ("/"), nullptr, range);
    };
    assert_body (read ({90, {}}), body.substr (90));
    assert_body (read ({90, 99}), body.substr (90));
    // Nothing says that the next part is of the same bytes.
    if (*tag == '\0') {
      assert_problem (read ({10, {}}), Error::changed, 206);
      continue;
    }
    assert_body (read ({10, {}}), body.substr (10));
    assert_body (read ({10, 89}), body.substr (10, 80));
    assert_problem (read ({10, 120}), Error::bad_range, 416);
  }
}
GST_END_TEST;

GST_START_TEST (codings_are_for_manifests)
{
  std::string text (50000, 'a');
  std::string coded;
  {
    GZlibCompressor *compressor =
        g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1);
    std::array<char, 4096> out;
    gsize read = 0;
    gsize written = 0;
    g_converter_convert (G_CONVERTER (compressor), text.data (), text.size (),
        out.data (), out.size (), G_CONVERTER_INPUT_AT_END, &read, &written,
        nullptr);
    coded.assign (out.data (), written);
    g_object_unref (compressor);
  }
  HttpServer server ([&] (const HttpServer::Request &r) {
    if (r.path == "/br") return Reply{200, coded, {{"Content-Encoding", "br"}}};
    if (r.path == "/cut")
      return Reply{200, coded.substr (0, coded.size () / 2),
          {{"Content-Encoding", "gzip"}}};
    if (r.path == "/silent") return Reply{200, coded, {}};
    if (r.path == "/silent-cut")
      return Reply{200, coded.substr (0, coded.size () / 2), {}};
    if (r.path == "/silent-broken")
      return Reply{200, coded.substr (0, 20) + std::string (50, 'x'), {}};
    return Reply{200, coded, {{"Content-Encoding", "gzip"}}};
  });
  auto whole = fetcher::fetch_all (settings (),
      {server.uri ("/m"), {}, Kind::manifest}, nullptr, nullptr, 100000);
  fail_unless (whole.ok ());
  fail_unless (
      std::string (whole->bytes.begin (), whole->bytes.end ()) == text);
  fail_unless (server.requests ()[0].header ("Accept-Encoding").find ("gzip") !=
               std::string::npos);
  // What small bytes may become is bounded too.
  whole = fetcher::fetch_all (settings (),
      {server.uri ("/m"), {}, Kind::manifest}, nullptr, nullptr, 1000);
  fail_unless (!whole && whole.code ().error == Error::too_large);
  // Coded without a word: a manifest is decoded, within its bounds, and other
  // bytes are what they are.
  auto silent = [&] (const char *path, Kind kind, std::size_t max_bytes) {
    return fetcher::fetch_all (settings (), {server.uri (path), {}, kind},
        nullptr, nullptr, max_bytes);
  };
  whole = silent ("/silent", Kind::manifest, 100000);
  fail_unless (whole.ok ());
  fail_unless (
      std::string (whole->bytes.begin (), whole->bytes.end ()) == text);
  whole = silent ("/silent", Kind::manifest, 1000);
  fail_unless (!whole && whole.code ().error == Error::too_large);
  whole = silent ("/silent-cut", Kind::manifest, 100000);
  fail_unless (!whole && whole.code ().error == Error::truncated);
  whole = silent ("/silent-broken", Kind::manifest, 100000);
  fail_unless (!whole && whole.code ().error == Error::protocol);
  whole = silent ("/silent", Kind::key, 100000);
  fail_unless (whole.ok ());
  fail_unless (
      std::string (whole->bytes.begin (), whole->bytes.end ()) == coded);
  // Coded without being asked: decoded, but no part of it is.
  assert_body (fetch (settings (), server.uri ("/x")), text);
  assert_problem (
      fetch (settings (), server.uri ("/x"), nullptr, fetcher::Range{0, 10}),
      Error::protocol);
  assert_problem (fetch (settings (), server.uri ("/cut")), Error::truncated);
  assert_problem (fetch (settings (), server.uri ("/br")), Error::protocol);
}
GST_END_TEST;

GST_START_TEST (small_bodies_come_at_once)
{
  std::atomic<int> bad = 1;
  HttpServer server ([&] (const HttpServer::Request &r) {
    if (r.path == "/r") return Reply{301, "", {{"Location", "/m"}}};
    return Reply{200, pattern (70000), {}, "application/dash+xml; x=y"};
  });
  auto whole = fetcher::fetch_all (settings (),
      {server.uri ("/r"), {}, Kind::manifest}, nullptr, nullptr, 70000);
  fail_unless (whole.ok ());
  fail_unless_equals_int (static_cast<int> (whole->bytes.size ()), 70000);
  fail_unless (whole->uri == server.uri ("/m"));
  fail_unless (whole->permanent_uri == server.uri ("/m"));
  fail_unless (whole->content_type == "application/dash+xml");
  whole = fetcher::fetch_all (
      settings (), {server.uri ("/m"), {}, Kind::key}, nullptr, nullptr, 69999);
  fail_unless (!whole && whole.code ().error == Error::too_large);

  // No validator to resume with: it begins again.
  ScriptedServer broken ([&] (Connection &c, int) {
    c.read_request ();
    c.send ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe");
    if (bad-- > 0) return;
    c.send ("llo\r\n0\r\n\r\n");
  });
  whole = fetcher::fetch_all (settings (1),
      {broken.uri ("/"), {}, Kind::manifest}, nullptr, nullptr, 100);
  fail_unless (whole.ok ());
  fail_unless (
      std::string (whole->bytes.begin (), whole->bytes.end ()) == "hello");
}
GST_END_TEST;

GST_START_TEST (credentials_stay_with_their_origin)
{
  HttpServer other ([] (const HttpServer::Request &) {
    return Reply{200, "other", {}};
  });
  HttpServer server ([&] (const HttpServer::Request &r) {
    if (r.path == "/away")
      return Reply{302, "", {{"Location", other.uri ("/x")}}};
    return Reply{200, "own", {}};
  });
  Settings how = settings ();
  how.user_agent = "agent/1";
  how.extra_headers = {{"Authorization", "Bearer t"}, {"Cookie", "a=b"},
      {"X-Token", "c"}, {"Range", "bytes=0-1"}, {"Host", "evil"},
      {"Proxy-Authorization", "Basic eA=="}, {"X-Evil", "a\r\nb: c"}};
  std::string location = fetcher::use_location (how, server.uri ("/away"));
  assert_body (fetch (how, location), "other");
  assert_body (fetch (how, server.uri ("/own")), "own");
  assert_body (fetch (how, other.uri ("/direct")), "other");
  for (const HttpServer::Request &r : server.requests ()) {
    fail_unless (r.header ("Authorization") == "Bearer t");
    fail_unless (r.header ("Cookie") == "a=b");
    fail_unless (r.header ("User-Agent") == "agent/1");
    fail_unless (r.header ("X-Token") == "c");
    fail_unless (r.header ("Range").empty ());
    fail_unless (r.header ("Proxy-Authorization").empty ());
    fail_unless (r.header ("b").empty () && r.header ("X-Evil").empty ());
  }
  fail_unless_equals_int (static_cast<int> (other.requests ().size ()), 2);
  for (const HttpServer::Request &r : other.requests ()) {
    fail_unless (r.header ("Authorization").empty ());
    fail_unless (r.header ("Cookie").empty ());
    fail_unless (r.header ("X-Token") == "c");
  }
}
GST_END_TEST;

GST_START_TEST (userinfo_becomes_a_header)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return Reply{404, "x", {}};
  });
  Settings how = settings ();
  std::string uri = server.uri ("/a?token=s3cret");
  uri.insert (7, "us%40r:pa%3Ass@");
  std::string location = fetcher::use_location (how, uri);
  fail_unless (location == server.uri ("/a?token=s3cret"));
  Outcome outcome = fetch (how, location);
  assert_problem (outcome, Error::http_status, 404);
  fail_unless (outcome.problem->uri == server.uri ("/a"), "%s",
      outcome.problem->uri.c_str ());
  fail_unless (server.requests ()[0].header ("Authorization") ==
               "Basic dXNAcjpwYTpzcw==");
  // In any other URI it is left out, and used for nothing.
  Settings none = settings ();
  outcome = fetch (none, uri);
  fail_unless (outcome.problem->uri == server.uri ("/a"));
  fail_unless (server.requests ()[1].header ("Authorization").empty ());
}
GST_END_TEST;

GST_START_TEST (a_proxy_is_used)
{
  HttpServer server ([] (const HttpServer::Request &r) {
    return Reply{200, r.path, {}};
  });
  ForwardProxy proxy ({"us@r:p:w", 0});
  Settings how = settings ();
  how.proxy = proxy.uri ();
  how.proxy.insert (7, "us%40r:p%3Aw@");
  Counters counters;
  // The name is known to the proxy only.
  std::string uri =
      "http://origin.invalid:" + std::to_string (server.port ()) + "/x?y";
  assert_body (fetch (how, uri, &counters), "/x?y");
  assert_body (fetch (how, uri, &counters), "/x?y");
  fail_unless_equals_int (count (counters.proxied), 2);
  fail_unless_equals_int (static_cast<int> (proxy.targets ().size ()), 2);
  fail_unless (proxy.targets ()[0] ==
               "GET origin.invalid:" + std::to_string (server.port ()));
  // No first try without credentials, and by id and password as well.
  how.proxy = proxy.uri ();
  how.proxy_id = "us@r";
  how.proxy_pw = "p:w";
  assert_body (fetch (how, uri), "/x?y");
  fail_unless_equals_int (static_cast<int> (server.requests ().size ()), 3);
  fail_unless_equals_int (static_cast<int> (proxy.requests ().size ()), 3);
}
GST_END_TEST;

namespace {

// A SOCKS proxy that connects to 127.0.0.1 whatever name it is given, and says
// what it was given.
ScriptedServer::Script socks (relay::Guarded<std::string> &seen)
{
  return [&seen] (Connection &c, int) {
    std::string said;
    if (c.read (1) == "\5") {
      std::string methods = c.read (static_cast<std::size_t> (c.read (1)[0]));
      c.send (std::string_view ("\5\2", 2));
      c.read (1);
      std::string user = c.read (static_cast<std::size_t> (c.read (1)[0]));
      said = user + ":" + c.read (static_cast<std::size_t> (c.read (1)[0]));
      c.send (std::string_view ("\1\0", 2));
      std::string request = c.read (4);
      if (request[3] != 3) return;  // not a name
      said += "@" + c.read (static_cast<std::size_t> (c.read (1)[0]));
      std::string port = c.read (2);
      *seen.lock () = said;
      c.send (std::string_view ("\5\0\0\1\0\0\0\0\0\0", 10));
      c.relay_to (static_cast<unsigned char> (port[0]) << 8 |
                  static_cast<unsigned char> (port[1]));
    } else {
      std::string head = c.read (7);  // command, port, 0.0.0.x
      for (std::string b; (b = c.read (1)) != std::string (1, '\0');) said += b;
      said += "@";
      for (std::string b; (b = c.read (1)) != std::string (1, '\0');) said += b;
      *seen.lock () = said;
      c.send (std::string_view ("\0\x5a\0\0\0\0\0\0", 8));
      c.relay_to (static_cast<unsigned char> (head[1]) << 8 |
                  static_cast<unsigned char> (head[2]));
    }
  };
}

}  // namespace

// No name here is in any DNS: what arrives has come by its proxy, and what no
// rule allows arrives nowhere.
GST_START_TEST (routes_are_kept)
{
  HttpServer origin ([] (const HttpServer::Request &r) {
    if (r.path == "/to-b")
      return Reply{302, "",
          {{"Location", "http://b.test:" + r.header ("X-Port") + "/"}}};
    if (r.path == "/to-c")
      return Reply{302, "", {{"Location", "http://c.test/"}}};
    return Reply{200, "body", {}};
  });
  ForwardProxy proxy_a ({"a:one", 0});
  ForwardProxy proxy_b ({"b:two", 0});
  std::string port = std::to_string (origin.port ());
  Settings how = settings ();
  how.proxy = "http://127.0.0.1:" + std::to_string (test::dead_port ());
  how.extra_headers = {{"X-Port", port}};
  auto set_routes = [&] (const std::string &text) {
    routes::Result<routes::Table> table = routes::Table::parse (text);
    fail_unless (table.ok (), "%s", text.c_str ());
    how.routes = std::make_shared<const routes::Table> (std::move (*table));
  };
  auto with = [] (const ForwardProxy &proxy, const char *credentials) {
    return "http://" + std::string (credentials) +
           "@127.0.0.1:" + std::to_string (proxy.port ());
  };
  set_routes ("*.a.test=" + with (proxy_a, "a:one") + ",b.test=" +
              with (proxy_b, "b:two") + ",127.0.0.1=direct,c.test=block");
  assert_body (fetch (how, "http://x.a.test:" + port + "/"), "body");
  assert_body (fetch (how, "http://x.a.test:" + port + "/to-b"), "body");
  assert_body (fetch (how, origin.uri ("/")), "body");
  assert_problem (fetch (how, "http://c.test/"), Error::blocked);
  assert_problem (
      fetch (how, "http://x.a.test:" + port + "/to-c"), Error::blocked);
  // By the proxy for all, which is dead.
  assert_problem (fetch (how, "http://d.test/"), Error::proxy);
  fail_unless_equals_int (static_cast<int> (proxy_a.targets ().size ()), 3);
  fail_unless_equals_int (static_cast<int> (proxy_b.targets ().size ()), 1);
  for (const std::string &request : proxy_a.requests ())
    fail_unless (
        header_of (request, "Proxy-Authorization") == "Basic YTpvbmU=");
  for (const std::string &request : proxy_b.requests ())
    fail_unless (
        header_of (request, "Proxy-Authorization") == "Basic Yjp0d28=");
  for (const HttpServer::Request &request : origin.requests ())
    fail_unless (request.header ("Host") != "127.0.0.1:" + port ||
                 request.header ("Proxy-Authorization").empty ());
  // A rule for all goes before the proxy.
  set_routes ("all=block");
  assert_problem (fetch (how, origin.uri ("/")), Error::blocked);
  // A proxy that is gone in the middle is not passed.
  set_routes ("all=" + with (proxy_b, "b:two"));
  proxy_b.stop ();
  assert_problem (fetch (how, origin.uri ("/")), Error::proxy);
}
GST_END_TEST;

GST_START_TEST (socks_proxies_resolve_the_names)
{
  HttpServer server ([] (const HttpServer::Request &r) {
    return Reply{200, r.header ("Proxy-Authorization") + r.header ("Host"), {}};
  });
  std::string host = "origin.invalid:" + std::to_string (server.port ());
  for (const char *scheme :
      {"socks5", "socks5h", "socks", "socks4a", "socks4"}) {
    relay::Guarded<std::string> seen;
    ScriptedServer proxy (socks (seen));
    Settings how = settings ();
    how.proxy =
        std::string (scheme) + "://127.0.0.1:" + std::to_string (proxy.port ());
    how.proxy_id = "us@r";
    how.proxy_pw = "p:w";
    assert_body (fetch (how, "http://" + host + "/"), host);
    fail_unless (*seen.lock () == (std::string (scheme).starts_with ("socks4")
                                          ? "us@r@origin.invalid"
                                          : "us@r:p:w@origin.invalid"),
        "%s: %s", scheme, seen.copy ().c_str ());
  }
}
GST_END_TEST;

GST_START_TEST (a_proxy_that_fails_is_never_passed)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return Reply{200, "x", {}};
  });
  Settings how = settings (1);
  how.proxy = "http://127.0.0.1:" + std::to_string (test::dead_port ());
  assert_problem (fetch (how, server.uri ("/")), Error::proxy);
  how.proxy = "socks5://127.0.0.1:" + std::to_string (test::dead_port ());
  assert_problem (fetch (how, server.uri ("/")), Error::proxy);
  how.proxy = "http://no-such-proxy.invalid:1";
  assert_problem (fetch (how, server.uri ("/")), Error::proxy);
  for (const char *bad : {"ftp://127.0.0.1:1", "http://:1", "http://a b"}) {
    how.proxy = bad;
    assert_problem (fetch (how, server.uri ("/")), Error::uri);
  }
  // It dies between two requests that share its connection.
  ForwardProxy proxy;
  how.proxy = proxy.uri ();
  assert_body (fetch (how, server.uri ("/")), "x");
  proxy.stop ();
  assert_problem (fetch (how, server.uri ("/")), Error::proxy);
  fail_unless_equals_int (static_cast<int> (server.requests ().size ()), 1);
}
GST_END_TEST;

GST_START_TEST (what_a_proxy_says_is_told_apart)
{
  HttpServer server ([] (const HttpServer::Request &) {
    return Reply{200, "x", {}};
  });
  std::string https = "https" + server.uri ("/").substr (4);
  {
    ForwardProxy proxy ({"u:p", 0});
    Settings how = settings (3);
    how.proxy = proxy.uri ();
    assert_problem (fetch (how, server.uri ("/")), Error::proxy_auth, 407);
    assert_problem (fetch (how, https), Error::proxy_auth, 407);
    // Not tried again.
    fail_unless_equals_int (static_cast<int> (proxy.requests ().size ()), 2);
  }
  ForwardProxy proxy ({"", 502});
  Settings how = settings (1);
  how.proxy = proxy.uri ();
  Counters counters;
  // Of a tunnel it is the proxy's, of plain http nobody can say.
  assert_problem (fetch (how, https, &counters), Error::proxy, 502);
  fail_unless_equals_int (count (counters.retries), 1);
  assert_problem (fetch (how, server.uri ("/")), Error::http_status, 502);
  fail_unless (server.requests ().empty ());
}
GST_END_TEST;

GST_START_TEST (time_outs_end_waiting)
{
  std::string body = pattern (100);
  std::atomic<int> hanging = 1;
  ScriptedServer server ([&] (Connection &c, int) {
    std::string request = c.read_request ();
    if (request.find ("/body") != std::string::npos) {
      bool hang = hanging-- > 0;
      std::string range = header_of (request, "Range");
      c.send (
          range.empty ()
              ? response (body, "ETag: \"a\"\r\n").substr (0, hang ? 110 : 1000)
              : response (body.substr (std::stoul (range.substr (6))),
                    "ETag: \"a\"\r\nContent-Range: bytes " + range.substr (6) +
                        "/100\r\n",
                    "206 Partial Content"));
    }
    c.hang ();
  });
  Settings how = settings (0);
  how.timeout = 50ms;
  assert_problem (fetch (how, server.uri ("/headers")), Error::timeout);
  assert_problem (fetch (how, server.uri ("/body")), Error::timeout);
  how.retries = 2;
  hanging = 1;
  assert_body (fetch (how, server.uri ("/body")), body);
  // Nothing hurries a reader that takes its time.
  hanging = 0;
  auto got = fetcher::send (
      how, {server.uri ("/body"), {}, Kind::media}, nullptr, nullptr);
  fail_unless (got.ok ());
  g_usleep (120000);
  assert_body (read_all (**got), body);
}
GST_END_TEST;

namespace {

// Cancels while the function runs. How long that takes to end it, in us.
gint64 time_to_cancel (const std::function<Outcome (GCancellable *)> &function)
{
  Cancellable cancellable{g_cancellable_new ()};
  gint64 cancelled_at = 0;
  std::thread canceller ([&] {
    g_usleep (60000);
    cancelled_at = g_get_monotonic_time ();
    g_cancellable_cancel (cancellable.get ());
  });
  Outcome outcome = function (cancellable.get ());
  gint64 now = g_get_monotonic_time ();
  canceller.join ();
  assert_problem (outcome, Error::cancelled);
  return now - cancelled_at;
}

// On a busy machine any one may have to wait for a processor.
void assert_cancelled_at_once (
    const std::function<Outcome (GCancellable *)> &function)
{
  gint64 best = G_MAXINT64;
  for (int i = 0; i < 5 && best >= 100000; i++)
    best = std::min (best, time_to_cancel (function));
  fail_unless (best < 100000, "%d us", static_cast<int> (best));
}

Outcome fetch_with (
    const Settings &how, const std::string &uri, GCancellable *cancellable)
{
  auto response =
      fetcher::send (how, {uri, {}, Kind::media}, cancellable, nullptr);
  if (!response) return {{}, response.code ()};
  return read_all (**response);
}

}  // namespace

GST_START_TEST (everything_can_be_cancelled)
{
  // Connecting: a listener whose queue is full does not answer.
  int listener = ::socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  auto *raw = reinterpret_cast<sockaddr *> (&name);
  fail_unless (::bind (listener, raw, size) == 0);
  fail_unless (::listen (listener, 0) == 0);
  ::getsockname (listener, raw, &size);
  std::array<int, 4> fillers;
  for (int &fd : fillers) {
    fd = ::socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)::connect (fd, raw, size);
  }
  std::string full =
      "http://127.0.0.1:" + std::to_string (ntohs (name.sin_port)) + "/";
  assert_cancelled_at_once (
      [&] (GCancellable *c) { return fetch_with (settings (3), full, c); });

  ScriptedServer silent ([] (Connection &c, int) { c.hang (); });
  assert_cancelled_at_once ([&] (GCancellable *c) {
    return fetch_with (settings (3), silent.uri ("/"), c);
  });
  // A tunnel that is not opened.
  Settings tunnelled = settings (3);
  tunnelled.proxy = silent.uri ("");
  assert_cancelled_at_once ([&] (GCancellable *c) {
    return fetch_with (tunnelled, "https://127.0.0.1:1/", c);
  });
  ScriptedServer stalling ([] (Connection &c, int) {
    c.read_request ();
    c.send (response (pattern (5000)).substr (0, 4000));
    c.hang ();
  });
  assert_cancelled_at_once ([&] (GCancellable *c) {
    return fetch_with (settings (3), stalling.uri ("/"), c);
  });
  // Between two tries.
  Settings slow = settings (-1);
  slow.backoff = 1h;
  slow.backoff_max = 1h;
  assert_cancelled_at_once ([&] (GCancellable *c) {
    return fetch_with (
        slow, "http://127.0.0.1:" + std::to_string (test::dead_port ()), c);
  });
  // Before it begins.
  Cancellable cancelled{g_cancellable_new ()};
  g_cancellable_cancel (cancelled.get ());
  assert_problem (fetch_with (settings (3), silent.uri ("/"), cancelled.get ()),
      Error::cancelled);
  for (int fd : fillers) ::close (fd);
  ::close (listener);
}
GST_END_TEST;

// Many threads on one session: whole bodies, bodies given up, cancels.
GST_START_TEST (threads_share_a_session)
{
  constexpr int threads = 16;
  constexpr int rounds = 40;
  std::string body = pattern (100000);
  HttpServer server ([&] (const HttpServer::Request &r) {
    if (r.path == "/r") return Reply{302, "", {{"Location", "/x"}}};
    if (r.path == "/404") return Reply{404, "no", {}};
    return Reply{200, body, {}, "a/b", r.path == "/chunked"};
  });
  Counters counters;
  std::atomic<int> wrong = 0;
  auto work = [&] (int thread) {
    for (int i = 0; i < rounds; i++) {
      Cancellable cancellable{g_cancellable_new ()};
      std::thread canceller;
      const char *paths[] = {"/x", "/r", "/404", "/chunked", "/x"};
      int kind = (thread + i) % 5;
      if (kind == 4)
        canceller = std::thread ([&] {
          g_usleep (static_cast<gulong> (i * 50));
          g_cancellable_cancel (cancellable.get ());
        });
      auto got = fetcher::send (settings (),
          {server.uri (paths[kind]), {}, Kind::media}, cancellable.get (),
          &counters);
      if (got) {
        if ((thread + i) % 7 == 0) {
          std::array<std::uint8_t, 100> some;
          (void)(*got)->read (some.data (), some.size ());
        } else {
          Outcome outcome = read_all (**got, 65536);
          bool fine = outcome.problem
                          ? outcome.problem->error == Error::cancelled
                          : outcome.body == body;
          if (!fine) wrong++;
        }
        got->reset ();
      } else if (got.code ().error != Error::cancelled &&
                 got.code ().http_status != 404) {
        wrong++;
      }
      if (canceller.joinable ()) canceller.join ();
    }
  };
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; i++) all.emplace_back (work, i);
  }
  fail_unless_equals_int (wrong, 0);
  fail_unless (counters.requests >= threads * rounds);
}
GST_END_TEST;

// A hundred threads at once through a proxy with a password, with redirects and
// cancels at any moment, and ten places for them: nothing comes past the proxy,
// nothing is mixed up, and no place is lost.
GST_START_TEST (a_hundred_threads_share_a_proxy)
{
  constexpr int threads = 100;
  constexpr int rounds = 4;
  std::string body = pattern (50000);
  HttpServer origin ([&] (const HttpServer::Request &r) {
    if (r.path.starts_with ("/r"))
      return Reply{302, "", {{"Location", "/x" + r.path.substr (2)}}};
    // The answer is known to be that of this request.
    return Reply{200, r.path + body, {}, "a/b", r.path.ends_with ("9")};
  });
  ForwardProxy proxy ({"u:secret", 0});
  std::string base = "http://host.test:" + std::to_string (origin.port ());
  Settings how = settings ();
  how.proxy = "http://u:secret@127.0.0.1:" + std::to_string (proxy.port ());
  how.timeout = 30s;
  std::atomic<int> wrong = 0;
  std::atomic<int> whole = 0;
  auto work = [&] (int thread) {
    for (int i = 0; i < rounds; i++) {
      int number = thread * rounds + i;
      std::string rest = "/" + std::to_string (number);
      Cancellable cancellable{g_cancellable_new ()};
      std::jthread canceller;
      if (number % 3 == 0)
        canceller = std::jthread ([&cancellable, number] {
          g_usleep (static_cast<gulong> (number % 50) * 200);
          g_cancellable_cancel (cancellable.get ());
        });
      auto got = fetcher::send (how,
          {base + (number % 2 == 0 ? "/x" : "/r") + rest, {}, Kind::media},
          cancellable.get (), nullptr);
      Outcome outcome;
      if (got)
        outcome = read_all (**got, 16384);
      else
        outcome.problem = got.code ();
      if (outcome.problem)
        wrong += outcome.problem->error != Error::cancelled || number % 3 != 0;
      else if (outcome.body == "/x" + rest + body)
        whole++;
      else
        wrong++;
    }
  };
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; i++) all.emplace_back (work, i);
  }
  fail_unless_equals_int (wrong, 0);
  fail_unless (whole >= threads * rounds * 2 / 3 - 1);
  for (const std::string &request : proxy.requests ())
    fail_unless (
        header_of (request, "Proxy-Authorization") == "Basic dTpzZWNyZXQ=");
  for (const HttpServer::Request &request : origin.requests ())
    fail_unless (request.header ("Host").starts_with ("host.test"));
  // Every place has come back.
  how.max_connections_per_host = 1;
  assert_body (fetch (how, base + "/x/last"), "/x/last" + body);
}
GST_END_TEST;

// One connection for many; who waits for it can give up, or be cancelled.
GST_START_TEST (a_host_has_its_limit)
{
  constexpr int others = 5;
  relay::Guarded<int> gate{0};
  std::condition_variable opened;
  ScriptedServer server ([&] (Connection &c, int) {
    for (std::string request; !(request = c.read_request ()).empty ();) {
      // The first one is held until all others wait.
      if (request.starts_with ("GET /held")) {
        auto open = gate.lock ();
        open.wait (opened, [] (int value) { return value > 0; });
      }
      c.send (response ("body"));
    }
  });
  Settings how = settings ();
  how.max_connections_per_host = 1;
  relay::Guarded<std::vector<std::string>> order;
  std::vector<std::jthread> threads;
  auto add = [&] (const std::string &path) {
    threads.emplace_back ([&, path] {
      Outcome outcome = fetch (how, server.uri (path));
      auto list = order.lock ();
      list->push_back (outcome.problem ? "failed" : path);
    });
  };
  add ("/held");
  while (server.connections () == 0) std::this_thread::yield ();
  for (int i = 0; i < others; i++) {
    Settings impatient = how;
    impatient.timeout = 1ms;
    assert_problem (
        fetch (impatient, server.uri ("/impatient")), Error::timeout);
    add ("/" + std::to_string (i));
  }
  {
    Cancellable cancellable{g_cancellable_new ()};
    std::jthread canceller ([&] { g_cancellable_cancel (cancellable.get ()); });
    auto got = fetcher::send (
        how, {server.uri ("/x"), {}, Kind::media}, cancellable.get (), nullptr);
    fail_unless (!got && got.code ().error == Error::cancelled);
  }
  *gate.lock () = 1;
  opened.notify_all ();
  threads.clear ();
  fail_unless_equals_int (server.connections (), 1);
  fail_unless_equals_int (
      static_cast<int> (order.lock ()->size ()), others + 1);
  for (const std::string &path : *order.lock ()) fail_unless (path != "failed");
}
GST_END_TEST;

// A redirect on the same host, a resumption: each has its place given back.
GST_START_TEST (one_place_is_enough)
{
  std::string body = pattern (20000);
  ScriptedServer server ([&] (Connection &c, int number) {
    if (c.read_request ().empty ()) return;
    if (number == 0)
      c.send (
          "HTTP/1.1 302 Found\r\nLocation: /b\r\nConnection: close\r\n"
          "Content-Length: 0\r\n\r\n");
    else if (number == 1)
      c.send (
          "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 20000\r\n"
          "\r\n" +
          body.substr (0, 5000));
    else
      c.send (
          "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: "
          "bytes 5000-19999/20000\r\nContent-Length: 15000\r\n\r\n" +
          body.substr (5000));
  });
  Settings how = settings (2);
  how.max_connections_per_host = 1;
  how.timeout = 5s;
  assert_body (fetch (how, server.uri ("/a")), body);
  fail_unless_equals_int (server.connections (), 3);
}
GST_END_TEST;

// Of one that is given back the rest is asked for when it is wanted.
GST_START_TEST (a_place_is_given_back)
{
  std::string body = pattern (4'000'000);
  std::atomic<bool> changes{false};
  ScriptedServer server ([&] (Connection &c, int) {
    for (std::string request; !(request = c.read_request ()).empty ();) {
      if (request.starts_with ("GET /other")) {
        c.send (response ("other"));
        continue;
      }
      std::size_t first = 0;
      if (std::sscanf (
              header_of (request, "Range").c_str (), "bytes=%zu-", &first) != 1)
        c.send (response (body, "ETag: \"a\"\r\n"));
      else
        c.send (response (body.substr (first),
            std::string (changes ? "ETag: \"b\"\r\n" : "ETag: \"a\"\r\n") +
                "Content-Range: bytes " + std::to_string (first) +
                "-3999999/4000000\r\n",
            "206 Partial Content"));
    }
  });
  Settings how = settings ();
  how.max_connections_per_host = 1;
  std::vector<std::uint8_t> some (1000);
  for (bool is_other : {false, true}) {
    changes = is_other;
    auto sent = fetcher::send (
        how, {server.uri ("/a"), {}, Kind::media}, nullptr, nullptr);
    fail_unless (sent.ok ());
    Response &held = **sent;
    fail_unless ((*sent)->read (some.data (), some.size ()).ok ());
    fail_unless (!held.is_wanted ());
    Request other{server.uri ("/other"), {}, Kind::media};
    other.waits_for_place = false;
    auto refused = fetcher::send (how, other, nullptr, nullptr);
    fail_unless (!refused && refused.code ().error == Error::busy);
    fail_unless (!held.is_wanted ());
    {
      // Who waits says so before it does.
      std::atomic<bool> is_queued{false};
      other.waits_for_place = true;
      other.on_queue = [&is_queued] { is_queued = true; };
      std::jthread waiting ([&] {
        auto got = fetcher::send (how, other, nullptr, nullptr);
        fail_unless (got.ok ());
        assert_body (read_all (**got), "other");
      });
      while (!is_queued) std::this_thread::yield ();
      fail_unless (held.is_wanted ());
      fail_unless (held.let_go ());
      fail_unless (!held.let_go () && !held.is_wanted ());
    }
    Outcome rest = read_all (held);
    if (is_other)
      assert_problem (rest, Error::changed, 206);
    else
      assert_body (rest, body.substr (1000));
  }
}
GST_END_TEST;

// What cannot be had in parts is kept.
GST_START_TEST (some_places_cannot_be_given_back)
{
  ScriptedServer server ([&] (Connection &c, int number) {
    if (c.read_request ().empty ()) return;
    // No length, so that nobody knows whether there is more; or nothing by
    // which a part could be known.
    c.send (number == 0 ? "HTTP/1.1 200 OK\r\nETag: \"a\"\r\n\r\n12345"
                        : "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                          "Content-Length: 1000\r\n\r\n12345");
    c.hang ();
  });
  for (int i = 0; i < 2; i++) {
    auto sent = fetcher::send (
        settings (), {server.uri ("/a"), {}, Kind::media}, nullptr, nullptr);
    fail_unless (sent.ok ());
    fail_unless (!(*sent)->let_go ());
  }
}
GST_END_TEST;

static Suite *fetcher_suite ()
{
  Suite *suite = suite_create ("fetcher");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_body_comes_whole);
  tcase_add_test (tests, connections_are_kept);
  tcase_add_test (tests, an_abandoned_body_harms_nobody);
  tcase_add_test (tests, a_kept_connection_that_died_is_replaced);
  tcase_add_test (tests, uris_reach_the_wire_byte_for_byte);
  tcase_add_test (tests, statuses_are_problems);
  tcase_add_test (tests, an_endless_421_is_not_read);
  tcase_add_test (tests, a_server_that_went_away_is_no_connection);
  tcase_add_test (tests, passing_troubles_are_retried);
  tcase_add_test (tests, a_server_says_when_to_come_again);
  tcase_add_test (tests, what_is_not_there_yet_is_asked_for_again);
  tcase_add_test (tests, small_things_are_in_their_uris);
  tcase_add_test (tests, a_request_may_have_a_body);
  tcase_add_test (tests, dead_origins_fail);
  tcase_add_test (tests, what_is_not_http_fails);
  tcase_add_test (tests, redirects_are_followed);
  tcase_add_test (tests, redirects_have_limits);
  tcase_add_test (tests, ranges_are_kept);
  tcase_add_test (tests, a_range_may_be_shorter);
  tcase_add_test (tests, a_200_is_cut_to_the_range);
  tcase_add_test (tests, a_wrong_range_is_refused);
  tcase_add_test (tests, a_range_may_come_in_parts);
  tcase_add_test (tests, a_short_body_is_no_success);
  tcase_add_test (tests, an_early_end_of_chunks_is_no_success);
  tcase_add_test (tests, garbage_amid_chunks_is_no_end);
  tcase_add_test (tests, chunks_keep_the_connection);
  tcase_add_test (tests, bytes_behind_the_chunks_are_not_the_next_answer);
  tcase_add_test (tests, headers_without_an_end_are_refused);
  tcase_add_test (tests, a_refused_tunnel_is_refused_at_once);
  tcase_add_test (tests, a_broken_body_is_resumed);
  tcase_add_test (tests, a_resumption_reads_over_what_it_has);
  tcase_add_test (tests, a_resumption_asks_for_the_same_bytes);
  tcase_add_test (tests, what_was_known_stays_known);
  tcase_add_test (tests, parts_of_unknown_length_are_not_the_whole);
  tcase_add_test (tests, codings_are_for_manifests);
  tcase_add_test (tests, small_bodies_come_at_once);
  tcase_add_test (tests, credentials_stay_with_their_origin);
  tcase_add_test (tests, userinfo_becomes_a_header);
  tcase_add_test (tests, a_proxy_is_used);
  tcase_add_test (tests, routes_are_kept);
  tcase_add_test (tests, socks_proxies_resolve_the_names);
  tcase_add_test (tests, a_proxy_that_fails_is_never_passed);
  tcase_add_test (tests, what_a_proxy_says_is_told_apart);
  tcase_add_test (tests, time_outs_end_waiting);
  tcase_add_test (tests, everything_can_be_cancelled);
  tcase_add_test (tests, threads_share_a_session);
  tcase_add_test (tests, a_hundred_threads_share_a_proxy);
  tcase_add_test (tests, a_host_has_its_limit);
  tcase_add_test (tests, one_place_is_enough);
  tcase_add_test (tests, a_place_is_given_back);
  tcase_add_test (tests, some_places_cannot_be_given_back);
  return suite;
}

GST_CHECK_MAIN (fetcher)

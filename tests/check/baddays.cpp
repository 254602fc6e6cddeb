// SPDX-License-Identifier: LGPL-2.1-or-later
#include "baddays.h"

using test::Connection;
using test::baddays::answer;
using test::baddays::body;
using test::baddays::Day;
using test::baddays::fine;
using test::baddays::head;
using test::baddays::part;
using test::baddays::Row;
using test::baddays::Script;

namespace {

constexpr int no_access = GST_RESOURCE_ERROR_NOT_AUTHORIZED;
constexpr int not_found = GST_RESOURCE_ERROR_NOT_FOUND;
constexpr int open_read = GST_RESOURCE_ERROR_OPEN_READ;
constexpr int read_error = GST_RESOURCE_ERROR_READ;
constexpr int seek_error = GST_RESOURCE_ERROR_SEEK;

constexpr const char *socks = "origin.test=socks5h://127.0.0.1:{p},all=block";
constexpr const char *socks_with_password =
    "origin.test=socks5h://u:p@127.0.0.1:{p},all=block";

// Reads a request, says this, and closes.
Script says (const std::string &text)
{
  return [text] (Connection &c, Day &day, int) {
    if (c.read_request ().empty ()) return;
    c.send (text);
    day.now ();
  };
}

// The same, and leaves the connection open.
Script says_and_hangs (const std::string &text)
{
  return [text] (Connection &c, Day &day, int) {
    if (c.read_request ().empty ()) return;
    c.send (text);
    day.now ();
    c.hang ();
  };
}

// The first connection breaks in the middle, the next one says this.
Script breaks_then_says (const std::string &headers, const std::string &text)
{
  return [headers, text] (Connection &c, Day &day, int number) {
    if (c.read_request ().empty ()) return;
    c.send (number == 0 ? answer (headers).substr (0, 40000) : text);
    day.now ();
  };
}

// How many bytes of the body those 40000 are.
std::size_t got_of (const std::string &headers)
{
  return 40000 - (answer (headers).size () - body ().size ());
}

void hang (Connection &c, Day &day, int)
{
  if (c.read_request ().empty ()) return;
  day.now ();
  c.hang ();
}

void close (Connection &c, Day &day, int)
{
  c.read_request ();
  day.now ();
}

// A length that the client sends; 0 when it has gone.
std::size_t length_in (const std::string &bytes, std::size_t at)
{
  return at < bytes.size () ? static_cast<unsigned char> (bytes[at]) : 0;
}

// A SOCKS5 proxy that answers the greeting, the password, and the request with
// these (RFC 1928, 1929).
Script socks_that_says (const std::string &greeting,
    const std::string &password = {}, const std::string &reply = {})
{
  return [=] (Connection &c, Day &day, int) {
    std::string hello = c.read (2);
    c.read (length_in (hello, 1));
    c.send (greeting);
    if (!password.empty ()) {
      std::string user = c.read (2);
      c.read (length_in (user, 1));
      std::string secret = c.read (1);
      c.read (length_in (secret, 0));
      c.send (password);
    }
    if (!reply.empty ()) {
      std::string request = c.read (5);
      c.read (length_in (request, 4) + 2);
      c.send (reply);
    }
    day.now ();
  };
}

// One header in 50 ms, for ever.
void drip (Connection &c, Day &day, int)
{
  if (c.read_request ().empty ()) return;
  c.send ("HTTP/1.1 200 OK\r\n");
  day.now ();
  while (c.send ("X-Drip: 1\r\n")) g_usleep (50000);
}

void endless_407 (Connection &c, Day &day, int)
{
  if (c.read_request ().empty ()) return;
  c.send (head ("407 No", ""));
  day.now ();
  while (c.send (body ())) {
  }
}

void headers_without_end (Connection &c, Day &day, int)
{
  if (c.read_request ().empty ()) return;
  c.send ("HTTP/1.1 200 OK\r\n");
  day.now ();
  std::string line = "X-More: " + std::string (1000, 'm') + "\r\n";
  while (c.send (line)) {
  }
}

std::string moved (const std::string &where)
{
  return head ("302 Found", "Content-Length: 0\r\nLocation: " + where + "\r\n");
}

std::string bytes (std::initializer_list<int> values)
{
  std::string out;
  for (int value : values) out += static_cast<char> (value);
  return out;
}

const std::string etag = "ETag: \"a\"\r\n";
const std::string date = "Last-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\n";
const std::string another_date =
    "Last-Modified: Sat, 21 Nov 2026 11:00:00 GMT\r\n";

const std::vector<Row> proxies = {
    {.name = "refuses", .outcome = open_read, .dead_proxy = true},
    {.name = "refuses, https",
        .outcome = open_read,
        .scheme = "https",
        .dead_proxy = true},
    {.name = "refuses, SOCKS",
        .outcome = open_read,
        .routes = socks,
        .dead_proxy = true},
    {.name = "hangs", .outcome = read_error, .proxy = hang, .waits = true},
    {.name = "hangs, https",
        .outcome = read_error,
        .proxy = hang,
        .scheme = "https",
        .waits = true},
    {.name = "hangs, SOCKS",
        .outcome = read_error,
        .proxy =
            [] (Connection &c, Day &day, int) {
              c.read (3);
              day.now ();
              c.hang ();
            },
        .routes = socks,
        .waits = true},
    {.name = "407",
        .outcome = no_access,
        .proxy = says (head ("407 No", "Content-Length: 0\r\n"))},
    {.name = "407, https",
        .outcome = no_access,
        .proxy = says (head ("407 No", "Content-Length: 0\r\n")),
        .scheme = "https"},
    {.name = "407 with a long page",
        .outcome = no_access,
        .proxy = says (head ("407 No",
                           "Proxy-Authenticate: Basic realm=\"x\"\r\n"
                           "Content-Length: 100000\r\n") +
                       body ())},
    {.name = "407 with a long page, https",
        .outcome = no_access,
        .proxy = says (head ("407 No",
                           "Proxy-Authenticate: Basic realm=\"x\"\r\n"
                           "Content-Length: 100000\r\n") +
                       body ()),
        .scheme = "https"},
    {.name = "502",
        .outcome = open_read,
        .proxy = says (head ("502 No", "Content-Length: 0\r\n"))},
    {.name = "502, https",
        .outcome = open_read,
        .proxy = says (head ("502 No", "Content-Length: 0\r\n")),
        .scheme = "https"},
    {.name = "502 with a page that stalls, https",
        .outcome = open_read,
        .proxy = says_and_hangs (head ("502 No", "Content-Length: 9\r\n")),
        .scheme = "https"},
    {.name = "407 with a page without an end, https",
        .outcome = no_access,
        .proxy = endless_407,
        .scheme = "https"},
    {.name = "garbage",
        .outcome = read_error,
        .proxy = says ("\x16\x03garbage\r\n\r\n")},
    {.name = "garbage, https",
        .outcome = open_read,
        .proxy = says ("\x16\x03garbage\r\n\r\n"),
        .scheme = "https"},
    {.name = "garbage, SOCKS",
        .outcome = open_read,
        .proxy = socks_that_says ("HTTP/1.1 400 Bad Request\r\n\r\n"),
        .routes = socks},
    {.name = "closes", .outcome = read_error, .proxy = close},
    {.name = "closes, https",
        .outcome = open_read,
        .proxy = close,
        .scheme = "https"},
    {.name = "closes, SOCKS",
        .outcome = open_read,
        .proxy = socks_that_says (""),
        .routes = socks},
    {.name = "wants a password, SOCKS",
        .outcome = no_access,
        .proxy = socks_that_says (bytes ({5, 2})),
        .routes = socks},
    {.name = "no method will do, SOCKS",
        .outcome = no_access,
        .proxy = socks_that_says (bytes ({5, 0xff})),
        .routes = socks},
    {.name = "another password, SOCKS",
        .outcome = no_access,
        .proxy = socks_that_says (bytes ({5, 2}), bytes ({1, 1})),
        .routes = socks_with_password},
    {.name = "no way to the host, SOCKS",
        .outcome = open_read,
        .proxy = socks_that_says (
            bytes ({5, 0}), {}, bytes ({5, 4, 0, 1, 0, 0, 0, 0, 0, 0})),
        .routes = socks},
    {.name = "not allowed, SOCKS",
        .outcome = open_read,
        .proxy = socks_that_says (
            bytes ({5, 0}), {}, bytes ({5, 2, 0, 1, 0, 0, 0, 0, 0, 0})),
        .routes = socks},
    {.name = "is gone after a part",
        .outcome = read_error,
        .proxy =
            [] (Connection &c, Day &day, int number) {
              if (c.read_request ().empty ()) return;
              if (number == 0) c.send (answer ().substr (0, 40000));
              day.now ();
            },
        .retries = 1},
    {.name = "comes back after a part",
        .outcome = fine,
        .proxy = breaks_then_says (etag, part (got_of (etag))),
        .retries = 1},
};

const std::vector<Row> origins = {
    {.name = "says nothing",
        .outcome = read_error,
        .origin = hang,
        .waits = true},
    {.name = "stalls in the headers",
        .outcome = read_error,
        .origin = says_and_hangs ("HTTP/1.1 200 OK\r\nContent-Le"),
        .waits = true},
    {.name = "drips headers",
        .outcome = read_error,
        .origin = drip,
        .waits = true},
    {.name = "headers without an end",
        .outcome = read_error,
        .origin = headers_without_end},
    {.name = "stalls before the body",
        .outcome = read_error,
        .origin = says_and_hangs (answer ().substr (0, 90)),
        .waits = true},
    {.name = "stalls in the body",
        .outcome = read_error,
        .origin = says_and_hangs (answer ().substr (0, 40000)),
        .waits = true},
    {.name = "stalls in a chunk",
        .outcome = read_error,
        .origin =
            says_and_hangs (head ("200 OK", "Transfer-Encoding: chunked\r\n") +
                            "1000\r\n" + body ().substr (0, 2000)),
        .waits = true},
    {.name = "closes", .outcome = read_error, .origin = close},
    {.name = "closes in the headers",
        .outcome = read_error,
        .origin = says ("HTTP/1.1 200 OK\r\nContent-Le")},
    {.name = "garbage",
        .outcome = read_error,
        .origin = says ("SSH-2.0-OpenSSH_9.2\r\n\r\n")},
    {.name = "too little",
        .outcome = read_error,
        .origin = says (answer ().substr (0, 40000))},
    {.name = "too little, without a validator",
        .outcome = read_error,
        .origin = says (answer ("").substr (0, 40000))},
    {.name = "too much",
        .outcome = fine,
        .origin = says (answer () + body ().substr (0, 5000))},
    {.name = "a chunk cut short",
        .outcome = read_error,
        .origin = says (head ("200 OK", "Transfer-Encoding: chunked\r\n") +
                        "1000\r\n" + body ().substr (0, 2000))},
    {.name = "an end between two chunks",
        .outcome = read_error,
        .origin = says (head ("200 OK", "Transfer-Encoding: chunked\r\n") +
                        "7d0\r\n" + body ().substr (0, 2000) + "\r\n")},
    {.name = "garbage in place of a chunk",
        .outcome = read_error,
        .origin = says (head ("200 OK", "Transfer-Encoding: chunked\r\n") +
                        "7d0\r\n" + body ().substr (0, 2000) +
                        "\r\ngarbage\r\n\r\n")},
    {.name = "a coding that nobody knows",
        .outcome = read_error,
        .origin = says (answer ("Content-Encoding: rot13\r\n"))},
    {.name = "no gzip where gzip is said to be",
        .outcome = read_error,
        .origin = says (answer ("Content-Encoding: gzip\r\n"))},
    {.name = "another range",
        .outcome = seek_error,
        .origin = says (part (60000)),
        .position = 50000},
    {.name = "a range of another length",
        .outcome = seek_error,
        .origin = says (head ("206 Partial Content",
                            "Content-Range: bytes 50000-99999/100000\r\n"
                            "Content-Length: 10\r\n") +
                        body ().substr (0, 10)),
        .position = 50000},
    {.name = "a range without Content-Range",
        .outcome = seek_error,
        .origin =
            says (head ("206 Partial Content", "Content-Length: 50000\r\n") +
                  body ().substr (50000)),
        .position = 50000},
    {.name = "no such range",
        .outcome = seek_error,
        .origin = says (head ("416 Range Not Satisfiable",
            "Content-Range: bytes */10\r\nContent-Length: 0\r\n")),
        .position = 50000},
    {.name = "200 for 206",
        .outcome = fine,
        .origin = says (answer ()),
        .position = 50000},
    {.name = "200 for 206, and too short",
        .outcome = seek_error,
        .origin = says (head ("200 OK", "Content-Length: 1000\r\n") +
                        body ().substr (0, 1000)),
        .position = 50000},
    {.name = "resumed",
        .outcome = fine,
        .origin = breaks_then_says (etag, part (got_of (etag))),
        .retries = 1},
    {.name = "resumed, by date",
        .outcome = fine,
        .origin = breaks_then_says (date, part (got_of (date), date)),
        .retries = 1},
    {.name = "resumed with 200",
        .outcome = fine,
        .origin = breaks_then_says (etag, answer ()),
        .retries = 1},
    {.name = "resumed elsewhere",
        .outcome = seek_error,
        .origin = breaks_then_says (etag, part (got_of (etag) + 1)),
        .retries = 1},
    {.name = "another ETag",
        .outcome = read_error,
        .origin =
            breaks_then_says (etag, part (got_of (etag), "ETag: \"b\"\r\n")),
        .retries = 1},
    {.name = "another ETag with 200",
        .outcome = read_error,
        .origin = breaks_then_says (etag, answer ("ETag: \"b\"\r\n")),
        .retries = 1},
    {.name = "another date",
        .outcome = read_error,
        .origin = breaks_then_says (date, part (got_of (date), another_date)),
        .retries = 1},
    {.name = "another length",
        .outcome = read_error,
        .origin = breaks_then_says (etag,
            head ("206 Partial Content", "Content-Range: bytes " +
                                             std::to_string (got_of (etag)) +
                                             "-99999/100001\r\n" + etag) +
                body ().substr (got_of (etag))),
        .retries = 1},
    {.name = "gone after a part",
        .outcome = not_found,
        .origin = breaks_then_says (
            etag, head ("404 Not Found", "Content-Length: 0\r\n")),
        .retries = 1},
    {.name = "redirects in a loop",
        .outcome = open_read,
        .origin = says (moved ("/x"))},
    {.name = "redirects to a file",
        .outcome = open_read,
        .origin = says (moved ("file:///etc/hostname"))},
    {.name = "redirects to ftp",
        .outcome = open_read,
        .origin = says (moved ("ftp://origin.test/x"))},
    {.name = "redirects to data",
        .outcome = open_read,
        .origin = says (moved ("data:,x"))},
    {.name = "redirects to no host",
        .outcome = open_read,
        .origin = says (moved ("http://"))},
    {.name = "redirects to a host that is blocked",
        .outcome = no_access,
        .origin = says (moved ("http://elsewhere.test/"))},
    {.name = "redirects to an address that is blocked",
        .outcome = no_access,
        .origin = says (moved ("http://127.0.0.1:1/"))},
    {.name = "an unknown name",
        .outcome = not_found,
        .routes = "all=direct",
        .host = "unknown.test",
        .names = {"unknown.test"}},
    {.name = "a name without an answer",
        .outcome = read_error,
        .routes = "all=direct",
        .waits = true,
        .host = "hangs.test",
        .names = {"hangs.test"}},
    {.name = "the proxy's name is not known",
        .outcome = open_read,
        .routes = "origin.test=http://unknown.test:{p},all=block",
        .names = {"unknown.test"}},
};

std::vector<Row> all_rows ()
{
  std::vector<Row> out = proxies;
  out.insert (out.end (), origins.begin (), origins.end ());
  return out;
}

}  // namespace

GST_START_TEST (proxies_fail)
{
  test::watch_names ();
  test::baddays::assert_outcomes (proxies);
}
GST_END_TEST;

GST_START_TEST (origins_fail)
{
  test::watch_names ();
  test::baddays::assert_outcomes (origins);
}
GST_END_TEST;

GST_START_TEST (a_flush_ends_each)
{
  test::watch_names ();
  test::baddays::assert_at_once (all_rows (), &Day::time_of_flush);
}
GST_END_TEST;

GST_START_TEST (a_stop_ends_each)
{
  test::watch_names ();
  test::baddays::assert_at_once (all_rows (), &Day::time_of_stop);
}
GST_END_TEST;

static Suite *baddays_suite ()
{
  Suite *suite = suite_create ("baddays");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, proxies_fail);
  tcase_add_test (tests, origins_fail);
  tcase_add_test (tests, a_flush_ends_each);
  tcase_add_test (tests, a_stop_ends_each);
  return suite;
}

GST_CHECK_MAIN (baddays)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cookies.h"

#include "testutil.h"

using cookies::Cookie;
using cookies::Error;
using cookies::Jar;
using cookies::Time;

namespace {

constexpr Time now = 1000000000;

bool is_public_suffix (const std::string &domain)
{
  return domain == "com" || domain == "co.uk" || domain == "github.io";
}

uri::Uri at (const char *text)
{
  uri::Result<uri::Uri> parsed = uri::parse (text);
  fail_unless (parsed.ok (), "%s", text);
  return *parsed;
}

cookies::Result<relay::Done> put (
    Jar &jar, const char *from, const std::string &value, Time when = now)
{
  auto cookie = cookies::parse (value, at (from), when, is_public_suffix);
  if (!cookie) return cookie.error ();
  return jar.put (*cookie, at (from), when);
}

std::string sent (const Jar &jar, const char *to, Time when = now)
{
  std::string out;
  for (const Cookie &cookie : jar.find (at (to), when))
    out.append (out.empty () ? "" : "; ")
        .append (cookie.name)
        .append ("=")
        .append (cookie.value);
  return out;
}

// RFC 6265 5.3 and 5.4: set there, sent here.
struct Row
{
  const char *from;
  const char *value;
  const char *to;
  const char *sent;
};
constexpr Row rows[] = {
    {"http://a.example/", "a=1", "http://a.example/", "a=1"},
    {"http://a.example/", " a = 1 ;x", "http://A.Example:8080/b?c", "a=1"},
    {"http://a.example/", "a=", "http://a.example/", "a="},
    {"http://a.example/", "a=b=\"c d\"", "http://a.example/", "a=b=\"c d\""},
    // Without a domain: for this host and for no other.
    {"http://a.example/", "a=1", "http://b.a.example/", ""},
    {"http://b.a.example/", "a=1", "http://a.example/", ""},
    {"http://a.example/", "a=1", "http://xa.example/", ""},
    // With one: for what is below it as well.
    {"http://b.a.example/", "a=1;Domain=.A.example", "http://c.a.example/",
        "a=1"},
    {"http://b.a.example/", "a=1;domain=a.example", "http://a.example/", "a=1"},
    {"http://b.a.example/", "a=1;domain=a.example", "http://xa.example/", ""},
    {"http://b.a.example/", "a=1;domain=x;Domain=a.example",
        "http://a.example/", "a=1"},
    {"http://b.a.example/", "a=1;domain=", "http://a.example/", ""},
    // The suffix itself may have a site.
    {"http://github.io/", "a=1;domain=github.io", "http://github.io/", "a=1"},
    {"http://github.io/", "a=1;domain=github.io", "http://x.github.io/", ""},
    // Nothing is below an address.
    {"http://127.0.0.1/", "a=1;domain=127.0.0.1", "http://127.0.0.1/", "a=1"},
    {"http://127.0.0.1/", "a=1;domain=127.0.0.1", "http://8.127.0.0.1/", ""},
    {"http://[::1]/", "a=1", "http://[::1]/", "a=1"},
    // Paths.
    {"http://a.example/x/y", "a=1", "http://a.example/x/z", "a=1"},
    {"http://a.example/x/y", "a=1", "http://a.example/x", "a=1"},
    {"http://a.example/x/y", "a=1", "http://a.example/xz", ""},
    {"http://a.example/x/y", "a=1", "http://a.example/", ""},
    {"http://a.example/x/y", "a=1;path=/", "http://a.example/", "a=1"},
    {"http://a.example/", "a=1;Path=/x/", "http://a.example/x", ""},
    {"http://a.example/", "a=1;Path=/x/", "http://a.example/x/y", "a=1"},
    {"http://a.example/x/y", "a=1;path=z", "http://a.example/x/", "a=1"},
    // https.
    {"https://a.example/", "a=1;SECURE;httponly", "https://a.example/", "a=1"},
    {"https://a.example/", "a=1;Secure", "http://a.example/", ""},
    {"https://a.example/", "__Host-a=1;Secure;Path=/", "https://a.example/",
        "__Host-a=1"},
    // Ends. What is not understood says nothing.
    {"http://a.example/", "a=1;max-age=0", "http://a.example/", ""},
    {"http://a.example/", "a=1;Max-Age=-5", "http://a.example/", ""},
    {"http://a.example/", "a=1;Max-Age=5", "http://a.example/", "a=1"},
    {"http://a.example/", "a=1;Max-Age=+5;Max-Age=x", "http://a.example/",
        "a=1"},
    {"http://a.example/", "a=1;Max-Age=99999999999999999999",
        "http://a.example/", "a=1"},
    {"http://a.example/", "a=1;expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "http://a.example/", ""},
    {"http://a.example/", "a=1;expires=Thu, 01 Jan 1970 00:00:00 GMT;max-age=1",
        "http://a.example/", "a=1"},
    {"http://a.example/", "a=1;expires=soon", "http://a.example/", "a=1"},
};

struct BadRow
{
  const char *from;
  std::string value;
  Error error;
};
const BadRow bad_rows[] = {
    {"http://a.example/", "", Error::name},
    {"http://a.example/", "a", Error::name},
    {"http://a.example/", "a;b=c", Error::name},
    {"http://a.example/", " =b", Error::name},
    {"http://a.example/", "a=b\nc", Error::control},
    {"http://a.example/", std::string ("a=b;\0", 5), Error::control},
    {"http://a.example/", "a=" + std::string (4096, 'x'), Error::too_long},
    {"http://a.example/", "a=1;domain=b.example", Error::domain},
    {"http://a.example/", "a=1;domain=b.a.example", Error::domain},
    {"http://xa.example/", "a=1;domain=a.example", Error::domain},
    {"http://1.2.3.4/", "a=1;domain=3.4", Error::domain},
    {"http://a.co.uk/", "a=1;domain=co.uk", Error::public_suffix},
    {"http://a.unknown/", "a=1;domain=unknown", Error::public_suffix},
    {"http://a.example/", "a=1;Secure", Error::insecure},
    {"https://a.example/", "__Secure-a=1", Error::prefix},
    {"https://a.example/", "__host-a=1;Secure", Error::prefix},
    {"https://a.example/", "__Host-a=1;Secure;Path=/x", Error::prefix},
    {"https://a.example/", "__Host-a=1;Secure;Path=/;Domain=a.example",
        Error::prefix},
};

struct DateRow
{
  const char *text;
  Time time;  // -1: none
};
constexpr DateRow dates[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"6 november 1994 8:49:37", 784111777},
    {"08:49:37x 94 nov 6", -1},  // 94 is the day
    {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
    {"Thu, 29 Feb 2023 00:00:00 GMT", -1},
    {"1 Jan 69 00:00:00", 3124224000},
    {"1 Jan 70 00:00:00", 0},
    {"1 Jan 1600 00:00:00", -1},
    {"1 Jan 2000 24:00:00", -1},
    {"1 Jan 2000 00:60:00", -1},
    {"1 Jan 2000 00:00", -1},
    {"1 Jan 20000 00:00:00", -1},
    {"1 Foo 2000 00:00:00", -1},
    {"", -1},
};

}  // namespace

GST_START_TEST (cookies_go_where_they_belong)
{
  for (const Row &row : rows) {
    Jar jar;
    fail_unless (put (jar, row.from, row.value).ok (), "%s", row.value);
    std::string found = sent (jar, row.to);
    fail_unless (found == row.sent, "%s from %s to %s: '%s'", row.value,
        row.from, row.to, found.c_str ());
  }
}
GST_END_TEST;

GST_START_TEST (what_is_no_cookie_is_refused)
{
  for (const BadRow &row : bad_rows) {
    Jar jar;
    auto result = put (jar, row.from, row.value);
    fail_unless (!result && result.code () == row.error, "%s: %s",
        row.value.c_str (),
        result ? "taken" : cookies::to_string (result.code ()));
    fail_unless_equals_int (static_cast<int> (jar.size ()), 0);
  }
}
GST_END_TEST;

GST_START_TEST (dates_are_read)
{
  for (const DateRow &row : dates)
    fail_unless_equals_int64 (
        cookies::parse_date (row.text).value_or (-1), row.time);
}
GST_END_TEST;

GST_START_TEST (a_new_one_replaces_the_old_one)
{
  Jar jar;
  fail_unless (put (jar, "http://a.example/", "a=1").ok ());
  fail_unless (put (jar, "http://a.example/", "b=2").ok ());
  fail_unless (put (jar, "http://a.example/", "a=3;max-age=10").ok ());
  fail_unless (put (jar, "http://a.example/x/y", "c=4").ok ());
  // The longest path first, and of the same length the older one.
  fail_unless (sent (jar, "http://a.example/x/") == "c=4; a=3; b=2");
  fail_unless (sent (jar, "http://a.example/", now + 10) == "b=2");
  fail_unless (put (jar, "http://a.example/", "b=;max-age=0").ok ());
  fail_unless (sent (jar, "http://a.example/") == "a=3");
}
GST_END_TEST;

GST_START_TEST (http_does_not_replace_what_is_of_https)
{
  Jar jar;
  fail_unless (put (jar, "https://a.example/", "a=1;Secure").ok ());
  auto result = put (jar, "http://a.example/", "a=2");
  fail_unless (!result && result.code () == Error::insecure);
  fail_unless (put (jar, "https://a.example/", "a=3;Secure").ok ());
  fail_unless (sent (jar, "https://a.example/") == "a=3");
}
GST_END_TEST;

GST_START_TEST (there_is_room_for_so_many)
{
  Jar jar;
  for (std::size_t i = 0; i <= Jar::most_of_a_domain; i++)
    fail_unless (
        put (jar, "http://a.example/", "n" + std::to_string (i) + "=").ok ());
  fail_unless_equals_int (
      static_cast<int> (jar.size ()), static_cast<int> (Jar::most_of_a_domain));
  fail_unless (sent (jar, "http://a.example/").starts_with ("n1=; n2="));
  for (std::size_t i = 0; i < Jar::most; i++) {
    std::string host = "http://h" + std::to_string (i) + ".example/";
    fail_unless (put (jar, host.c_str (), "a=1").ok ());
  }
  fail_unless_equals_int (
      static_cast<int> (jar.size ()), static_cast<int> (Jar::most));
  fail_unless (sent (jar, "http://a.example/").empty ());
}
GST_END_TEST;

GST_START_TEST (a_header_loses_what_is_set_anew)
{
  std::vector<Cookie> others (2);
  others[0].name = "b";
  others[1].name = "d";
  fail_unless (cookies::without ("a=1; b=2;c; d", others) == "a=1; c");
  fail_unless (cookies::without (" ab=1;B=2 ; ;", others) == "ab=1; B=2");
  fail_unless (cookies::without ("b=1", others).empty ());
  fail_unless (cookies::without ("", others).empty ());
}
GST_END_TEST;

static Suite *cookies_suite ()
{
  Suite *suite = suite_create ("cookies");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, cookies_go_where_they_belong);
  tcase_add_test (tests, what_is_no_cookie_is_refused);
  tcase_add_test (tests, dates_are_read);
  tcase_add_test (tests, a_new_one_replaces_the_old_one);
  tcase_add_test (tests, http_does_not_replace_what_is_of_https);
  tcase_add_test (tests, there_is_room_for_so_many);
  tcase_add_test (tests, a_header_loses_what_is_set_anew);
  return suite;
}

GST_CHECK_MAIN (cookies)

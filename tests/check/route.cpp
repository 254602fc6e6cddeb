// SPDX-License-Identifier: LGPL-2.1-or-later
#include "route.h"

#include "testutil.h"

namespace {

struct Proxy
{
  const char *text;
  const char *id;
  const char *password;
  const char *proxy;
  const char *authorization;
};

constexpr Proxy proxies[] = {
    // Always with a port, and names resolved at a SOCKS proxy.
    {"p", "", "", "http://p:8080", ""},
    {"p:3128", "", "", "http://p:3128", ""},
    {"http://p", "", "", "http://p:8080", ""},
    {"HTTP://p:1/", "", "", "http://p:1", ""},
    {"https://p", "", "", "https://p:443", ""},
    {"socks://p", "", "", "socks5://p:1080", ""},
    {"socks5://p", "", "", "socks5://p:1080", ""},
    {"socks5h://p:9", "", "", "socks5://p:9", ""},
    {"socks4://p", "", "", "socks4a://p:1080", ""},
    {"socks4a://p", "", "", "socks4a://p:1080", ""},
    {"http://[::1]", "", "", "http://[::1]:8080", ""},
    // libsoup gets no userinfo, GIO does.
    {"http://u:p@h:1", "", "", "http://h:1", "Basic dTpw"},
    {"http://u%40x:p%2Fw@h:1", "", "", "http://h:1", "Basic dUB4OnAvdw=="},
    {"http://u@h:1", "", "", "http://h:1", "Basic dTo="},
    {"http://h:1", "u", "p", "http://h:1", "Basic dTpw"},
    {"http://x:y@h:1", "u", "p", "http://h:1", "Basic dTpw"},
    {"socks5://u%40x:p%2Fw@h", "", "", "socks5://u%40x:p%2Fw@h:1080", ""},
    {"https://h", "a:b", "c@d", "https://a%3Ab:c%40d@h:443", ""},
};

struct Rejected
{
  const char *text;
  route::Error error;
};

constexpr Rejected rejected[] = {
    {"", route::Error::uri},
    {"http://", route::Error::uri},
    {"http://p:x", route::Error::uri},
    {"http://p q", route::Error::uri},
    {"ftp://p", route::Error::scheme},
    {"direct://p", route::Error::scheme},
};

struct Shown
{
  const char *text;
  const char *shown;
};

constexpr Shown showns[] = {
    {"http://h:1", "http://h:1"},
    {"http://u:p@h:1", "http://u:***@h:1"},
    {"http://u:p@q@h:1", "http://u:***@h:1"},
    {"http://u@h", "http://u@h"},
    {"u:p@h", "u:***@h"},
    {"", ""},
};

}  // namespace

GST_START_TEST (proxies_are_understood)
{
  for (const Proxy &row : proxies) {
    route::Result<route::Route> result =
        route::parse_proxy (row.text, row.id, row.password);
    fail_unless (result.ok (), "%s: %s", row.text,
        result ? "" : route::to_string (result.code ()));
    fail_unless_equals_string (result->proxy.c_str (), row.proxy);
    fail_unless_equals_string (
        result->authorization.c_str (), row.authorization);
  }
}
GST_END_TEST;

GST_START_TEST (what_is_no_proxy_is_rejected)
{
  for (const Rejected &row : rejected) {
    route::Result<route::Route> result = route::parse_proxy (row.text);
    fail_if (result.ok (), "'%s' was taken", row.text);
    fail_unless (result.code () == row.error, "'%s': %s", row.text,
        route::to_string (result.code ()));
  }
}
GST_END_TEST;

GST_START_TEST (passwords_are_not_shown)
{
  for (const Shown &row : showns) {
    std::string text = route::shown (row.text);
    fail_unless_equals_string (text.c_str (), row.shown);
  }
}
GST_END_TEST;

static Suite *route_suite ()
{
  Suite *suite = suite_create ("route");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, proxies_are_understood);
  tcase_add_test (tests, what_is_no_proxy_is_rejected);
  tcase_add_test (tests, passwords_are_not_shown);
  return suite;
}

GST_CHECK_MAIN (route)

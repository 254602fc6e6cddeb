// SPDX-License-Identifier: LGPL-2.1-or-later
#include "uri.h"

#include "testutil.h"

namespace {

struct Reference
{
  const char *reference;
  const char *target;
};

// RFC 3986 5.4.1 and 5.4.2 (strict).
constexpr Reference rfc3986[] = {
    {"g:h", "g:h"},
    {"g", "http://a/b/c/g"},
    {"./g", "http://a/b/c/g"},
    {"g/", "http://a/b/c/g/"},
    {"/g", "http://a/g"},
    {"//g", "http://g"},
    {"?y", "http://a/b/c/d;p?y"},
    {"g?y", "http://a/b/c/g?y"},
    {"#s", "http://a/b/c/d;p?q#s"},
    {"g#s", "http://a/b/c/g#s"},
    {"g?y#s", "http://a/b/c/g?y#s"},
    {";x", "http://a/b/c/;x"},
    {"g;x", "http://a/b/c/g;x"},
    {"g;x?y#s", "http://a/b/c/g;x?y#s"},
    {"", "http://a/b/c/d;p?q"},
    {".", "http://a/b/c/"},
    {"./", "http://a/b/c/"},
    {"..", "http://a/b/"},
    {"../", "http://a/b/"},
    {"../g", "http://a/b/g"},
    {"../..", "http://a/"},
    {"../../", "http://a/"},
    {"../../g", "http://a/g"},
    {"../../../g", "http://a/g"},
    {"../../../../g", "http://a/g"},
    {"/./g", "http://a/g"},
    {"/../g", "http://a/g"},
    {"g.", "http://a/b/c/g."},
    {".g", "http://a/b/c/.g"},
    {"g..", "http://a/b/c/g.."},
    {"..g", "http://a/b/c/..g"},
    {"./../g", "http://a/b/g"},
    {"./g/.", "http://a/b/c/g/"},
    {"g/./h", "http://a/b/c/g/h"},
    {"g/../h", "http://a/b/c/h"},
    {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
    {"g;x=1/../y", "http://a/b/c/y"},
    {"g?y/./x", "http://a/b/c/g?y/./x"},
    {"g?y/../x", "http://a/b/c/g?y/../x"},
    {"g#s/./x", "http://a/b/c/g#s/./x"},
    {"g#s/../x", "http://a/b/c/g#s/../x"},
    {"http:g", "http:g"},
};

struct Resolution
{
  const char *base;
  const char *reference;
  const char *target;
};

constexpr Resolution resolutions[] = {
    // An empty base path (5.2.3), and slashes that mean something.
    {"http://a", "g", "http://a/g"},
    {"http://a?x/y", "g", "http://a/g"},
    {"http://a/b", "//c/d", "http://c/d"},
    {"http://a/b//c/d", "../e", "http://a/b//e"},
    {"http://a/b/c", "d//e", "http://a/b/d//e"},
    // A slash in the base's query is no path.
    {"http://a/b/c?d=/e/f", "g", "http://a/b/g"},
    // Escapes stay what they are, in either case, also where they could be
    // decoded; nothing else is touched.
    {"http://a/b/", "%7Eu/%2e%2E/%2F?s=a%2Bb%20c+d&e=%zz",
        "http://a/b/%7Eu/%2e%2E/%2F?s=a%2Bb%20c+d&e=%zz"},
    {"http://a/b/", "x'()*,;=:@!$&[]|{}\"<>\\^`",
        "http://a/b/x'()*,;=:@!$&[]|{}\"<>\\^`"},
    // What a request line cannot carry.
    {"http://a/b/", "my file.ts?q=\xc3\xa4\r\nX: y",
        "http://a/b/my%20file.ts?q=%C3%A4%0D%0AX:%20y"},
    // A colon in the first segment of a path needs the dot.
    {"http://a/b/", "./c:d", "http://a/b/c:d"},
    {"HTTP://A/b", "c", "HTTP://A/c"},
    {"http://u:p@a/b", "c", "http://u:p@a/c"},
};

struct Parsed
{
  const char *text;
  const char *scheme;
  const char *userinfo;  // null: none
  const char *host;
  int port;  // 0: none
  const char *path;
  const char *query;  // null: none
};

constexpr Parsed parsed[] = {
    {"http://a", "http", nullptr, "a", 0, "/", nullptr},
    {"HTTPS://A:443/x?y#z", "https", nullptr, "A", 443, "/x", "y"},
    {"http://u:p@h:8080?", "http", "u:p", "h", 8080, "/", ""},
    {"http://u:p@q@h/", "http", "u:p@q", "h", 0, "/", nullptr},
    {"http://[::1]:81/", "http", nullptr, "::1", 81, "/", nullptr},
    {"http://h:/", "http", nullptr, "h", 0, "/", nullptr},
    {"http://h/a b?c d", "http", nullptr, "h", 0, "/a%20b", "c%20d"},
    {"socks5h://p:1080", "socks5h", nullptr, "p", 1080, "/", nullptr},
    {"http://b\xc3\xbc.example/", "http", nullptr, "b\xc3\xbc.example", 0, "/",
        nullptr},
};

struct Rejected
{
  const char *text;
  uri::Error error;
};

constexpr Rejected rejected[] = {
    {"", uri::Error::no_scheme},
    {"a/b", uri::Error::no_scheme},
    {"//a/b", uri::Error::no_scheme},
    {"1http://a", uri::Error::no_scheme},
    {"http:a", uri::Error::no_host},
    {"http:///b", uri::Error::no_host},
    {"http://u@/b", uri::Error::no_host},
    {"http://:80/", uri::Error::no_host},
    {"http://a b/", uri::Error::bad_host},
    {"http://a\r\nb/", uri::Error::bad_host},
    {"http://a\\b/", uri::Error::bad_host},
    {"http://[::1/", uri::Error::bad_host},
    {"http://[::1]x/", uri::Error::bad_host},
    {"http://a:b/", uri::Error::bad_port},
    {"http://a:0/", uri::Error::bad_port},
    {"http://a:65536/", uri::Error::bad_port},
    {"http://a:-1/", uri::Error::bad_port},
    {"http://a:80:80/", uri::Error::bad_port},
};

struct Text
{
  const char *in;
  const char *out;
};

// Not the macro: it would keep a pointer into a temporary.
void assert_text (const std::string &got, const char *expected)
{
  fail_unless (
      got == expected, "'%s' in place of '%s'", got.c_str (), expected);
}

constexpr Text public_texts[] = {
    {"http://u:p@h:1/a/b?token=x#y", "http://h:1/a/b"},
    {"http://u:p@q@h/", "http://h/"},
    {"//u:p@h/x", "//h/x"},
    {"a b?c", "a%20b"},
    {"http://h", "http://h"},
};

constexpr Text origins[] = {
    {"http://A.example/x", "http://a.example:80"},
    {"HTTPS://a.example", "https://a.example:443"},
    {"https://a.example:8443/?q", "https://a.example:8443"},
    {"http://u:p@[::1]/", "http://[::1]:80"},
    {"ftp://a/", ""},
};

}  // namespace

GST_START_TEST (references_resolve_as_in_the_rfc)
{
  for (const Reference &row : rfc3986)
    assert_text (
        uri::resolve ("http://a/b/c/d;p?q", row.reference), row.target);
}
GST_END_TEST;

GST_START_TEST (references_resolve_byte_for_byte)
{
  for (const Resolution &row : resolutions)
    assert_text (uri::resolve (row.base, row.reference), row.target);
}
GST_END_TEST;

GST_START_TEST (absolute_uris_are_taken_apart)
{
  for (const Parsed &row : parsed) {
    uri::Result<uri::Uri> result = uri::parse (row.text);
    fail_unless (result.ok (), "%s: %s", row.text,
        result ? "" : uri::to_string (result.code ()));
    fail_unless_equals_string (result->scheme.c_str (), row.scheme);
    fail_unless_equals_int (result->userinfo.has_value (), !!row.userinfo);
    if (row.userinfo != nullptr)
      fail_unless_equals_string (result->userinfo->c_str (), row.userinfo);
    fail_unless_equals_string (result->host.c_str (), row.host);
    fail_unless_equals_int (result->port.value_or (0), row.port);
    fail_unless_equals_string (result->path.c_str (), row.path);
    fail_unless_equals_int (result->query.has_value (), row.query != nullptr);
    if (row.query != nullptr)
      fail_unless_equals_string (result->query->c_str (), row.query);
  }
}
GST_END_TEST;

GST_START_TEST (what_cannot_be_asked_for_is_rejected)
{
  for (const Rejected &row : rejected) {
    uri::Result<uri::Uri> result = uri::parse (row.text);
    fail_if (result.ok (), "%s was taken", row.text);
    fail_unless (result.code () == row.error, "%s: %s", row.text,
        uri::to_string (result.code ()));
  }
  std::string longest = "http://a/" + std::string (uri::max_length - 9, 'x');
  fail_unless (uri::parse (longest).ok ());
  fail_unless (uri::parse (longest + "x").code () == uri::Error::too_long);
}
GST_END_TEST;

GST_START_TEST (logs_see_no_secrets)
{
  for (const Text &row : public_texts)
    assert_text (uri::without_secrets (row.in), row.out);
  assert_text (uri::without_userinfo ("http://u:p@h/a?b#c"), "http://h/a?b#c");
}
GST_END_TEST;

GST_START_TEST (origins_compare)
{
  for (const Text &row : origins)
    assert_text (uri::origin (*uri::parse (row.in)), row.out);
}
GST_END_TEST;

GST_START_TEST (userinfo_is_decoded)
{
  assert_text (uri::percent_decode ("u%40x%3a%2Fw"), "u@x:/w");
  assert_text (uri::percent_decode ("%4%zz%"), "%4%zz%");
}
GST_END_TEST;

static Suite *uri_suite ()
{
  Suite *suite = suite_create ("uri");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, references_resolve_as_in_the_rfc);
  tcase_add_test (tests, references_resolve_byte_for_byte);
  tcase_add_test (tests, absolute_uris_are_taken_apart);
  tcase_add_test (tests, what_cannot_be_asked_for_is_rejected);
  tcase_add_test (tests, logs_see_no_secrets);
  tcase_add_test (tests, origins_compare);
  tcase_add_test (tests, userinfo_is_decoded);
  return suite;
}

GST_CHECK_MAIN (uri)

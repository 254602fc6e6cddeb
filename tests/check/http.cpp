// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http.h"

#include "testutil.h"

namespace {

struct Range
{
  const char *value;
  std::uint64_t first;
  std::uint64_t last;
  std::int64_t complete;  // -1: unknown
};
constexpr Range ranges[] = {
    {"bytes 0-499/1234", 0, 499, 1234},
    {"Bytes 734-1233/1234", 734, 1233, 1234},
    {"bytes 42-42/*", 42, 42, -1},
};

struct BadRange
{
  const char *value;
  http::Error error;
};
constexpr BadRange bad_ranges[] = {
    {"", http::Error::unit},
    {"items 0-1/2", http::Error::unit},
    {"bytes", http::Error::complete},
    {"bytes 0-1", http::Error::complete},
    {"bytes 0-1/", http::Error::complete},
    {"bytes 0-1/x", http::Error::complete},
    {"bytes 0-1/-2", http::Error::complete},
    {"bytes 0-1/99999999999999999999", http::Error::complete},
    {"bytes 5/9", http::Error::range},
    {"bytes -1/9", http::Error::range},
    {"bytes 5-4/9", http::Error::range},
    {"bytes 0 - 1/9", http::Error::range},
    {"bytes 0-18446744073709551615/*", http::Error::range},
    {"bytes 0-9/9", http::Error::out_of_it},
};

}  // namespace

GST_START_TEST (content_ranges_are_read)
{
  for (const Range &row : ranges) {
    auto result = http::parse_content_range (row.value);
    fail_unless (result.ok () && result->bytes.has_value (), "%s", row.value);
    fail_unless (result->bytes->first == row.first);
    fail_unless (result->bytes->last == row.last);
    fail_unless_equals_int (
        result->complete_length.has_value (), row.complete >= 0);
    if (row.complete >= 0)
      fail_unless_equals_int64 (
          static_cast<std::int64_t> (*result->complete_length), row.complete);
  }
  auto unsatisfied = http::parse_content_range ("bytes */1234");
  fail_unless (unsatisfied.ok () && !unsatisfied->bytes);
  fail_unless (unsatisfied->complete_length == 1234u);
  for (const BadRange &row : bad_ranges) {
    auto result = http::parse_content_range (row.value);
    fail_if (result.ok (), "'%s' was taken", row.value);
    fail_unless (result.code () == row.error, "'%s': %s", row.value,
        http::to_string (result.code ()));
  }
}
GST_END_TEST;

GST_START_TEST (servers_say_when_to_come_again)
{
  using std::chrono::seconds;
  constexpr std::time_t now = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
  auto after = [] (const char *value) {
    return http::retry_after (value, now);
  };
  fail_unless (after ("0") == seconds (0));
  fail_unless (after ("120") == seconds (120));
  fail_unless (after ("Sun, 06 Nov 1994 08:49:47 GMT") == seconds (10));
  fail_unless (after ("Sun, 06 Nov 1994 08:49:27 GMT") == seconds (0));
  fail_unless (after ("18446744073709551615") == seconds (366 * 86400));
  for (const char *bad : {"", "-1", "1.5", "soon", "18446744073709551616"})
    fail_if (after (bad).has_value (), "%s", bad);
}
GST_END_TEST;

GST_START_TEST (headers_cannot_be_injected)
{
  fail_unless (http::is_sendable ("X-Token", "a b\tc \xc3\xa4"));
  fail_unless (http::is_sendable ("X-Empty", ""));
  for (const char *name : {"", "a b", "a:b", "a\r\nb", "\xc3\xa4", "a/b"})
    fail_if (http::is_sendable (name, "x"), "'%s' was taken", name);
  for (const char *value : {"a\r\nb", "a\nb", "\x7f"})
    fail_if (http::is_sendable ("x", value));
  fail_if (http::is_sendable ("x", std::string_view ("a\0b", 3)));
}
GST_END_TEST;

GST_START_TEST (secrets_are_not_shown)
{
  for (const char *name :
      {"Authorization", "cookie", "PROXY-AUTHORIZATION", "Set-Cookie"})
    fail_unless (http::shown (name, "secret") == "***");
  fail_unless (http::shown ("Accept", "x") == "x");
  fail_unless (http::is_credential ("cookie"));
  fail_if (http::is_credential ("Cookies"));
  fail_unless (http::is_reserved ("range"));
  fail_if (http::is_reserved ("Referer"));
}
GST_END_TEST;

GST_START_TEST (a_representation_is_known_again)
{
  const http::Identity tagged{"\"a\"", "Mon", 10};
  fail_unless (http::same (tagged, tagged));
  fail_if (http::same (tagged, {"\"b\"", "Mon", 10}));
  fail_if (http::same (tagged, {"\"a\"", "Tue", 10}));
  fail_if (http::same (tagged, {"\"a\"", "Mon", 11}));
  fail_unless (http::same (tagged, {"\"a\"", "", {}}));
  // A weak tag can say no, but not yes.
  fail_if (http::same ({"W/\"a\"", "", {}}, {"W/\"a\"", "", {}}));
  fail_if (http::same ({"W/\"a\"", "Mon", {}}, {"W/\"b\"", "Mon", {}}));
  fail_unless (http::same ({"W/\"a\"", "", 9}, {"W/\"a\"", "", 9}));
  // Nothing to compare is no proof.
  fail_if (http::same (tagged, {}));
  fail_if (http::same ({}, {}));

  // What one answer leaves out stays known.
  http::Identity both = http::joined ({"\"a\"", "", {}}, {"\"b\"", "Mon", 10});
  fail_unless (both.etag == "\"a\"" && both.last_modified == "Mon");
  fail_unless (both.length == 10u);

  fail_unless (http::if_range (tagged, "") == "\"a\"");
  fail_unless (http::if_range ({"W/\"a\"", "Mon", {}}, "Tue").empty ());
  fail_unless (http::if_range ({"", "Mon", {}}, "Tue") == "Mon");
  fail_unless (http::if_range ({"", "Mon", {}}, "Mon").empty ());
  fail_unless (http::if_range ({"", "Mon", {}}, "").empty ());
}
GST_END_TEST;

GST_START_TEST (pauses_grow)
{
  using std::chrono::milliseconds;
  auto pause = [] (unsigned retry, double random) {
    return static_cast<int> (
        http::backoff (retry, milliseconds (500), milliseconds (8000), random)
            .count ());
  };
  fail_unless_equals_int (pause (0, 1), 500);
  fail_unless_equals_int (pause (0, 0), 250);
  fail_unless_equals_int (pause (1, 1), 1000);
  fail_unless_equals_int (pause (4, 1), 8000);
  fail_unless_equals_int (pause (4000000000u, 1), 8000);
  fail_unless_equals_int (pause (4000000000u, 0), 4000);
}
GST_END_TEST;

GST_START_TEST (statuses_are_told_apart)
{
  for (unsigned status : {408u, 429u, 500u, 502u, 503u, 504u})
    fail_unless (http::is_transient (status));
  for (unsigned status : {200u, 400u, 401u, 403u, 404u, 410u, 416u, 501u})
    fail_if (http::is_transient (status));
  fail_unless (http::is_redirect (307) && !http::is_redirect (304));
  fail_unless (http::is_permanent_redirect (308));
  fail_if (http::is_permanent_redirect (302));
}
GST_END_TEST;

GST_START_TEST (parameters_are_found)
{
  const char *type = "audio/L16;rate=44100; Channels=\"2\" ;x; rate=1";
  fail_unless (http::number_parameter (type, "RATE") == 44100u);
  fail_unless (http::number_parameter (type, "channels") == 2u);
  fail_if (http::number_parameter (type, "x").has_value ());
  fail_if (http::number_parameter (type, "ate").has_value ());
  fail_if (http::number_parameter ("rate=1", "rate").has_value ());
  fail_if (http::number_parameter ("a; rate=-1", "rate").has_value ());
  fail_if (http::number_parameter ("a;", "rate").has_value ());
}
GST_END_TEST;

GST_START_TEST (basic_credentials_are_base64)
{
  // RFC 7617 2
  fail_unless (http::basic_credentials ("Aladdin", "open sesame") ==
               "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  fail_unless (http::basic_credentials ("", "") == "Basic Og==");
  fail_unless (http::basic_credentials ("\xff", "a") == "Basic /zph");
  fail_unless (http::basic_credentials ("ab", "a") == "Basic YWI6YQ==");
  fail_unless (http::basic_credentials ("ab", "") == "Basic YWI6");
  fail_unless (http::basic_credentials ("abc", "d") == "Basic YWJjOmQ=");
}
GST_END_TEST;

GST_START_TEST (methods_follow_redirects)
{
  fail_unless (http::method_after (301, "GET") == "GET");
  fail_unless (http::method_after (302, "POST") == "GET");
  fail_unless (http::method_after (301, "PUT") == "PUT");
  fail_unless (http::method_after (303, "PUT") == "GET");
  fail_unless (http::method_after (303, "HEAD") == "HEAD");
  fail_unless (http::method_after (307, "POST") == "POST");
  fail_unless (http::method_after (308, "POST") == "POST");
}
GST_END_TEST;

GST_START_TEST (some_methods_may_be_repeated)
{
  for (const char *method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
    fail_unless (http::is_idempotent (method), "%s", method);
  for (const char *method : {"POST", "PATCH", "get", ""})
    fail_if (http::is_idempotent (method), "%s", method);
}
GST_END_TEST;

static Suite *http_suite ()
{
  Suite *suite = suite_create ("http");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, content_ranges_are_read);
  tcase_add_test (tests, servers_say_when_to_come_again);
  tcase_add_test (tests, headers_cannot_be_injected);
  tcase_add_test (tests, secrets_are_not_shown);
  tcase_add_test (tests, a_representation_is_known_again);
  tcase_add_test (tests, pauses_grow);
  tcase_add_test (tests, statuses_are_told_apart);
  tcase_add_test (tests, parameters_are_found);
  tcase_add_test (tests, basic_credentials_are_base64);
  tcase_add_test (tests, methods_follow_redirects);
  tcase_add_test (tests, some_methods_may_be_repeated);
  return suite;
}

GST_CHECK_MAIN (http)

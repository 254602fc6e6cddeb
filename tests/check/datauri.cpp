// SPDX-License-Identifier: LGPL-2.1-or-later
#include "datauri.h"

#include "testutil.h"

namespace {

struct Row
{
  const char *uri;
  const char *type;
  std::string bytes;
};
const Row rows[] = {
    {"data:,", "", ""},
    {"data:,A%20brief%2c%00note", "", std::string ("A brief,\0note", 13)},
    {"DATA:text/plain;charset=x,a,b", "text/plain", "a,b"},
    {"data:video/mp4;BASE64,aGVsbG8=", "video/mp4", "hello"},
    {"data:;base64,aGVsbG8", "", "hello"},
    {"data:;base64,aGVs%62G8%3D#f", "", "hello"},
    {"data:;base64,aGVs bG8h", "", "hello!"},
    {"data:;base64,-_-_", "", "\xfb\xff\xbf"},
    {"data:;base64,+/+/", "", "\xfb\xff\xbf"},
    {"data:;base64,AA==", "", std::string (1, '\0')},
};

struct BadRow
{
  const char *uri;
  datauri::Error error;
};
constexpr BadRow bad_rows[] = {
    {"", datauri::Error::scheme},
    {"http://h/,", datauri::Error::scheme},
    {"data", datauri::Error::scheme},
    {"data:", datauri::Error::comma},
    {"data:text/plain;base64", datauri::Error::comma},
    {"data:#,x", datauri::Error::comma},
    {"data:;base64,a", datauri::Error::base64},
    {"data:;base64,aGVsbG8==", datauri::Error::base64},
    {"data:;base64,aG=VsbG8", datauri::Error::base64},
    {"data:;base64,aG*s", datauri::Error::base64},
};

}  // namespace

GST_START_TEST (data_are_decoded)
{
  for (const Row &row : rows) {
    auto result = datauri::parse (row.uri);
    fail_unless (result.ok (), "%s", row.uri);
    fail_unless (
        std::string (result->bytes.begin (), result->bytes.end ()) == row.bytes,
        "%s", row.uri);
    fail_unless_equals_string (result->media_type.c_str (), row.type);
  }
  for (const BadRow &row : bad_rows) {
    auto result = datauri::parse (row.uri);
    fail_if (result.ok (), "'%s' was taken", row.uri);
    fail_unless (result.code () == row.error, "'%s': %s", row.uri,
        datauri::to_string (result.code ()));
  }
}
GST_END_TEST;

static Suite *datauri_suite ()
{
  Suite *suite = suite_create ("datauri");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, data_are_decoded);
  return suite;
}

GST_CHECK_MAIN (datauri)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "icy.h"

#include "testutil.h"

namespace {

int interval_of (const char *value)
{
  return icy::parse ({{"icy-metaint", value}}).interval;
}

}  // namespace

GST_START_TEST (a_station_is_described)
{
  icy::Station station = icy::parse ({{"Content-Type", "audio/mpeg"},
      {"ICY-Name", " Radio One "}, {"icy-genre", "Jazz"},
      {"icy-url", "http://radio.example/"}, {"Icy-MetaInt", "16000"}});
  fail_unless_equals_int (station.interval, 16000);
  fail_unless (station.name == "Radio One");
  fail_unless (station.genre == "Jazz");
  fail_unless (station.url == "http://radio.example/");
}
GST_END_TEST;

GST_START_TEST (without_headers_there_is_no_station)
{
  icy::Station station = icy::parse ({{"Content-Type", "audio/mpeg"}});
  fail_unless_equals_int (station.interval, 0);
  fail_unless (
      station.name.empty () && station.genre.empty () && station.url.empty ());
}
GST_END_TEST;

GST_START_TEST (an_interval_is_a_number)
{
  fail_unless_equals_int (interval_of (" 8192 "), 8192);
  fail_unless_equals_int (interval_of ("2147483647"), G_MAXINT);
  for (const char *bad :
      {"", "0", "-1", "+5", "16k", "0x10", "1 2", "2147483648"})
    fail_unless (interval_of (bad) == 0, "'%s'", bad);
}
GST_END_TEST;

static Suite *icy_suite ()
{
  Suite *suite = suite_create ("icy");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_station_is_described);
  tcase_add_test (tests, without_headers_there_is_no_station);
  tcase_add_test (tests, an_interval_is_a_number);
  return suite;
}

GST_CHECK_MAIN (icy)

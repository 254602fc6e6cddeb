// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steering.h"

#include "testutil.h"

using steering::Error;
using steering::Protocol;

namespace {

// "ttl reload-uri: priority"
std::string shown (const steering::Manifest &manifest)
{
  std::string out =
      std::to_string (manifest.ttl.count ()) + " " + manifest.reload_uri + ":";
  for (const std::string &id : manifest.priority) out += " " + id;
  return out;
}

}  // namespace

GST_START_TEST (manifests)
{
  const struct
  {
    const char *json;
    const char *expected;
  } rows[] = {
      {R"({"VERSION":1,"TTL":10,"RELOAD-URI":"next?x=1",)"
       R"("PATHWAY-PRIORITY":["b","a"]})",
          "10 next?x=1: b a"},
      // What need not be there,
      {R"({"VERSION":1,"PATHWAY-PRIORITY":["."]})", "300 : ."},
      // and what is not known.
      {R"( { "X" : [ { "VERSION" : 2 } , null ] , "PATHWAY-CLONES":[{}],)"
       R"("PATHWAY-PRIORITY" : [ "a" ] , "VERSION" : 1 } )",
          "300 : a"},
      {R"({"VERSION":1,"TTL":99999999999999999999999,)"
       R"("PATHWAY-PRIORITY":["a"]})",
          "86400 : a"},
      // RFC 8259 7
      {R"({"VERSION":1,"RELOAD-URI":"http:\/\/h\/\u0061\ud83d\ude00\u00e9",)"
       R"("PATHWAY-PRIORITY":["\"\\\b\f\n\r\t\u20AC"]})",
          "300 http://h/a\xf0\x9f\x98\x80\xc3\xa9: "
          "\"\\\b\f\n\r\t\xe2\x82\xac"},
  };
  for (const auto &row : rows) {
    auto manifest = steering::parse (row.json);
    fail_unless (manifest.ok (), "%s", row.json);
    std::string got = shown (*manifest);
    fail_unless_equals_string (got.c_str (), row.expected);
  }
}
GST_END_TEST;

GST_START_TEST (bad_manifests)
{
  const std::string deep = std::string (R"({"a":)") + std::string (65, '[');
  const struct
  {
    std::string json;
    Error error;
    std::size_t position;
  } rows[] = {
      {"", Error::json_syntax, 0},
      {"<html>", Error::json_syntax, 0},
      {R"({"VERSION":1,"PATHWAY-PRIORITY":["a"]}x)", Error::json_syntax, 38},
      {R"({"VERSION":1,"PATHWAY-PRIORITY":["a")", Error::json_syntax, 36},
      {R"({"VERSION":1,"PATHWAY-PRIORITY":["\x"]})", Error::json_syntax, 37},
      // A half of a pair, and a pair of the wrong ones.
      {R"({"VERSION":1,"RELOAD-URI":"\ud83d"})", Error::json_syntax, 34},
      {R"({"VERSION":1,"RELOAD-URI":"\ud83d\u0061"})", Error::json_syntax, 40},
      {R"({"VERSION":1,"RELOAD-URI":"\ude00"})", Error::json_syntax, 34},
      {R"({"VERSION":1,"RELOAD-URI":"\u00g0"})", Error::json_syntax, 34},
      {deep, Error::json_too_deep, 69},
      {R"({"PATHWAY-PRIORITY":["a"]})", Error::no_version, 0},
      // What another version means is not known.
      {R"({"VERSION":2,"PATHWAY-PRIORITY":["a"]})", Error::other_version, 11},
      {R"({"VERSION":"1","PATHWAY-PRIORITY":["a"]})", Error::other_version, 11},
      {R"({"VERSION":1,"TTL":0})", Error::bad_ttl, 19},
      {R"({"VERSION":1,"TTL":-1})", Error::bad_ttl, 19},
      {R"({"VERSION":1,"TTL":null})", Error::bad_ttl, 19},
      {R"({"VERSION":1,"RELOAD-URI":1})", Error::bad_uri, 26},
      {R"({"VERSION":1})", Error::no_priority, 0},
      {R"({"VERSION":1,"PATHWAY-PRIORITY":[]})", Error::bad_priority, 32},
      {R"({"VERSION":1,"PATHWAY-PRIORITY":"a"})", Error::bad_priority, 32},
      {R"({"VERSION":1,"PATHWAY-PRIORITY":["a",1]})", Error::bad_priority, 37},
  };
  for (const auto &row : rows) {
    auto manifest = steering::parse (row.json);
    fail_unless (!manifest.ok () && manifest.code () == row.error, "%s: %s",
        row.json.c_str (),
        manifest.ok () ? "read" : steering::to_string (manifest.code ()));
    fail_unless (manifest.position () == row.position, "%s: %zu",
        row.json.c_str (), manifest.position ());
  }
}
GST_END_TEST;

GST_START_TEST (requests)
{
  const struct
  {
    Protocol protocol;
    const char *uri;
    const char *pathway;
    std::optional<std::uint64_t> throughput;
    const char *expected;
  } rows[] = {
      {Protocol::hls, "http://h/s", "a", 5000,
          "http://h/s?_HLS_pathway=a&_HLS_throughput=5000"},
      {Protocol::dash, "http://h/s?x=%20&y", "a", 1,
          "http://h/s?x=%20&y&_DASH_pathway=a&_DASH_throughput=1"},
      {Protocol::hls, "http://h/s", "a b/\xc3\xa9&", {},
          "http://h/s?_HLS_pathway=a%20b%2F%C3%A9%26"},
      {Protocol::hls, "http://h/s#f", "", {}, "http://h/s"},
      {Protocol::hls, "data:,x", "a", 1, "data:,x"},
  };
  for (const auto &row : rows) {
    std::string got = steering::request_uri (
        row.protocol, row.uri, row.pathway, row.throughput);
    fail_unless_equals_string (got.c_str (), row.expected);
  }
}
GST_END_TEST;

static Suite *steering_suite ()
{
  Suite *suite = suite_create ("steering");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, manifests);
  tcase_add_test (tests, bad_manifests);
  tcase_add_test (tests, requests);
  return suite;
}

GST_CHECK_MAIN (steering)

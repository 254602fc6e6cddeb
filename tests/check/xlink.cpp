// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xlink.h"

#include "mpd.h"
#include "mpdreader.h"
#include "testutil.h"

using mpd::Error;

namespace {

std::string document (const std::string &inner)
{
  return "<MPD xmlns:x='http://www.w3.org/1999/xlink'>" + inner + "</MPD>";
}

std::string period (const std::string &id, const std::string &inner = "")
{
  return "<Period id='" + id + "' duration='PT1S'>" + inner + "</Period>";
}

std::string set (const std::string &id)
{
  return "<AdaptationSet id='" + id +
         "' mimeType='video/mp4'><Representation><BaseURL>v</BaseURL>"
         "</Representation></AdaptationSet>";
}

mpd::Document read (const std::string &inner)
{
  auto out = mpd::read (document (inner));
  fail_unless (out.ok ());
  return std::move (*out);
}

// The ids of the Periods, and of their sets in brackets.
std::string ids (const mpd::Document &document)
{
  std::string out;
  for (const mpd::Period &one : document.periods) {
    out += one.id;
    for (const mpd::AdaptationSet &inner : one.sets)
      out += "(" + inner.id + ")";
  }
  return out;
}

// What is at the addresses that are asked for: one list for each time that
// something is, of what is asked for at once.
struct Good
{
  const char *name;
  std::string mpd;
  std::vector<std::vector<std::pair<std::string, std::string>>> remote;
  const char *expected;
};

const std::string declared = " xmlns:x='http://www.w3.org/1999/xlink'";

const Good good[] = {
    {"nothing is remote", period ("a", set ("1")), {}, "a(1)"},
    {"a Period",
        period ("a") + "<Period x:href='p?a=1&amp;b=2'/>" + period ("c"),
        {{{"http://h/d/p?a=1&b=2", period ("b", set ("1"))}}}, "ab(1)c"},
    {"several for one", "<Period x:href='p' x:actuate='onLoad'/>",
        {{{"http://h/d/p", "<?xml version='1.0' encoding='UTF-8'?>\n" +
                               period ("a") + "\n" + period ("b")}}},
        "ab"},
    {"a set",
        period ("a", set ("1") + "<AdaptationSet x:href='s'/>" + set ("4")),
        {{{"http://h/d/s", set ("2") + set ("3")}}}, "a(1)(2)(3)(4)"},
    {"none at all",
        "<Period x:href='urn:mpeg:dash:resolve-to-zero:2013'/>" +
            period ("a",
                "<AdaptationSet x:href='urn:mpeg:dash:resolve-to-zero:2013'/>" +
                    set ("1")),
        {}, "a(1)"},
    {"one leads to another", "<Period x:href='p'/>",
        {{{"http://h/d/p", "<Period" + declared + " x:href='http://o/q'/>"}},
            {{"http://o/q",
                period ("a", "<AdaptationSet" + declared + " x:href='s'/>")}},
            {{"http://h/d/s", set ("1")}}},
        "a(1)"},
    {"all that are known are asked for at once",
        "<Period x:href='p'/>" +
            period ("c", "<AdaptationSet x:href='s'/>" + set ("3") +
                             "<AdaptationSet x:href='t'/>") +
            "<Period x:href='q'/>",
        {{{"http://h/d/p", period ("a") + period ("b")},
             {"http://h/d/s", set ("1") + set ("2")},
             {"http://h/d/t", set ("4")},
             {"http://h/d/q", "<Period" + declared + " x:href='r'/>" +
                                  period ("e", "<AdaptationSet" + declared +
                                                   " x:href='u'/>")}},
            {{"http://h/d/r", period ("d")}, {"http://h/d/u", set ("5")}}},
        "abc(1)(2)(3)(4)de(5)"},
    {"BaseURLs are obeyed",
        "<BaseURL>b/</BaseURL><Period x:href='p'/><Period id='b'>"
        "<BaseURL>/c/</BaseURL><AdaptationSet x:href='s'/></Period>",
        {{{"http://h/d/b/p", period ("a")}, {"http://h/c/s", set ("1")}}},
        "ab(1)"},
};

struct Bad
{
  const char *name;
  std::string mpd;
  std::string remote;  // at each address
  Error error;
};

const Bad bad[] = {
    {"not XML", "<Period x:href='p'/>", "<Period>", Error::not_xml},
    {"nothing", "<Period x:href='p'/>", "", Error::bad_remote},
    {"another element", "<Period x:href='p'/>", "<MPD/>", Error::bad_remote},
    {"another kind", "<Period x:href='p'/>", set ("1"), Error::bad_remote},
    {"another kind", period ("a", "<AdaptationSet x:href='s'/>"), period ("b"),
        Error::bad_remote},
    {"both kinds", "<Period x:href='p'/>", set ("1") + period ("a"),
        Error::bad_remote},
    {"both kinds", "<Period x:href='p'/>", period ("a") + set ("1"),
        Error::bad_remote},
    {"a document type", "<Period x:href='p'/>", "<!DOCTYPE a>" + period ("a"),
        Error::not_xml},
    {"bad content", "<Period x:href='p'/>", "<Period start='1'/>",
        Error::bad_duration},
    {"a circle", "<Period x:href='p'/>", "<Period" + declared + " x:href='p'/>",
        Error::too_many_remote},
};

// All that is remote is there, or an error.
mpd::Result<relay::Done> resolve (mpd::Document &document, const Bad &row)
{
  xlink::Resolver resolver (document, "http://h/d/m.mpd");
  while (true) {
    auto links = resolver.next ();
    if (!links) return links.error ();
    if (links->empty ()) return relay::Done{};
    auto done = resolver.put (
        *links, std::vector<std::string> (links->size (), row.remote));
    if (!done) return done;
  }
}

}  // namespace

GST_START_TEST (remote_elements_are_put_in_place)
{
  for (const Good &row : good) {
    mpd::Document all = read (row.mpd);
    xlink::Resolver resolver (all, "http://h/d/m.mpd");
    for (const auto &wanted : row.remote) {
      auto links = resolver.next ();
      fail_unless (
          links.ok () && links->size () == wanted.size (), "%s", row.name);
      std::vector<std::string> texts;
      for (std::size_t i = 0; i < wanted.size (); i++) {
        fail_unless ((*links)[i].uri == wanted[i].first, "%s: %s", row.name,
            (*links)[i].uri.c_str ());
        texts.push_back (wanted[i].second);
      }
      fail_unless (resolver.put (*links, texts).ok (), "%s", row.name);
    }
    auto links = resolver.next ();
    fail_unless (links.ok () && links->empty (), "%s", row.name);
    fail_unless (
        ids (all) == row.expected, "%s: %s", row.name, ids (all).c_str ());
  }
}
GST_END_TEST;

GST_START_TEST (bad_remote_elements_are_refused)
{
  for (const Bad &row : bad) {
    mpd::Document all = read (row.mpd);
    auto done = resolve (all, row);
    fail_unless (!done.ok () && done.code () == row.error, "%s: %s", row.name,
        done.ok () ? "" : to_string (done.code ()));
  }
}
GST_END_TEST;

GST_START_TEST (there_are_limits)
{
  std::string links;
  for (std::size_t i = 0; i <= xlink::max_links; i++)
    links += "<Period x:href='p'/>";
  mpd::Document all = read (links);
  Bad row{"", "", period ("a"), Error::too_many_remote};
  auto done = resolve (all, row);
  fail_unless (!done.ok () && done.code () == Error::too_many_remote);
  // As many as there may be.
  all =
      read (links.substr (0, links.size () - strlen ("<Period x:href='p'/>")));
  fail_unless (resolve (all, row).ok ());
}
GST_END_TEST;

static Suite *xlink_suite ()
{
  Suite *suite = suite_create ("xlink");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, remote_elements_are_put_in_place);
  tcase_add_test (tests, bad_remote_elements_are_refused);
  tcase_add_test (tests, there_are_limits);
  return suite;
}

GST_CHECK_MAIN (xlink)

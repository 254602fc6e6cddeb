// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpd.h"

#include "schedule.h"
#include "testutil.h"

using mpd::Error;

namespace {

std::string document (const std::string &attributes, const std::string &inner)
{
  return "<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'" + attributes + ">\n" +
         inner + "</MPD>";
}

// A Representation with this inside, in 10 seconds of video.
std::string video (const std::string &inner)
{
  return document (" mediaPresentationDuration='PT10S'",
      "<Period><AdaptationSet mimeType='video/mp4'>\n<Representation id='v' "
      "bandwidth='5'>\n" +
          inner + "</Representation></AdaptationSet></Period>");
}

presentation::Presentation parsed (const std::string &xml)
{
  auto out = mpd::parse (xml, "http://h/d/m.mpd");
  fail_unless (out.ok (), "%s: %s", xml.c_str (),
      out.ok () ? "" : to_string (out.code ()));
  return std::move (*out);
}

const presentation::Representation &first_of (
    const presentation::Presentation &all)
{
  return all.periods.at (0).tracks.at (0).representations.at (0);
}

std::vector<std::string> uris_of (const std::string &xml)
{
  auto all = parsed (xml);
  std::vector<std::string> out;
  for (std::uint64_t n = 0; n < 100; n++) {
    auto segment = schedule::segment (first_of (all), n);
    if (!segment) break;
    out.push_back (segment->resource.uri.substr (9));
  }
  return out;
}

using Uris = std::vector<std::string>;

struct Bad
{
  std::string xml;
  Error error;
  std::size_t line;
};

std::string timeline (const std::string &inner)
{
  return video ("<SegmentTemplate media='$Time$'><SegmentTimeline>\n" + inner +
                "</SegmentTimeline></SegmentTemplate>");
}

const Bad bad[] = {
    {"", Error::not_xml, 0},
    {"#EXTM3U", Error::not_xml, 0},
    {"<MPD><Period>", Error::not_xml, 0},
    {"<!DOCTYPE MPD [<!ENTITY a 'aaaa'>]><MPD>&a;</MPD>", Error::doctype, 0},
    {"<html/>", Error::not_mpd, 1},
    {document ("", ""), Error::no_period, 1},
    {document (" type='dynamic'", "<Period/>"), Error::dynamic, 1},
    {document ("", "<Period/>\n<Period/>"), Error::multi_period, 3},
    {document ("", "<Period/>"), Error::no_segments, 1},
    {video (""), Error::no_segments, 1},
    {video ("<SegmentList duration='1'/>"), Error::no_segments, 1},
    {document (" mediaPresentationDuration='10'", "<Period/>"),
        Error::bad_duration, 1},
    {document (" mediaPresentationDuration='P1Y'", "<Period/>"),
        Error::bad_duration, 1},
    {document (" mediaPresentationDuration='P1M'", "<Period/>"),
        Error::bad_duration, 1},
    {document (" mediaPresentationDuration='PT'", "<Period/>"),
        Error::bad_duration, 1},
    {document (" mediaPresentationDuration='PT1S2'", "<Period/>"),
        Error::bad_duration, 1},
    {document (" mediaPresentationDuration='PT99999999999H'", "<Period/>"),
        Error::bad_duration, 1},
    {document ("",
         "<Period xmlns:x='http://www.w3.org/1999/xlink' "
         "x:href='a'/>"),
        Error::xlink, 2},
    {video ("<SegmentTemplate duration='x' media='a'/>"), Error::bad_number, 4},
    {video ("<SegmentTemplate duration='0' media='a'/>"), Error::bad_number, 4},
    {video ("<SegmentTemplate timescale='0' media='a'/>"), Error::bad_number,
        4},
    {video ("<SegmentTemplate startNumber='-1' media='a'/>"), Error::bad_number,
        4},
    {document ("",
         "<Period><AdaptationSet mimeType='video/mp4'><SegmentTemplate "
         "media='$Number$' duration='2'/>\n<Representation/>"
         "</AdaptationSet></Period>"),
        Error::no_duration, 3},
    {video ("<SegmentTemplate duration='1'/>"), Error::bad_template, 3},
    {video ("<SegmentTemplate duration='1' media='$'/>"), Error::bad_template,
        3},
    {video ("<SegmentTemplate duration='1' media='a' initialization='$x$'/>"),
        Error::bad_template, 3},
    {video ("<SegmentTemplate duration='1' media='$Time$'/>"),
        Error::time_of_number, 3},
    {video ("<SegmentTemplate duration='1' media='a' timescale='4294967295'/>"),
        Error::too_many_segments, 3},
    {video ("<SegmentTemplate duration='18446744073709551615' media='a'/>"),
        Error::overflow, 3},
    {video ("<SegmentTemplate duration='1' media='a' "
            "presentationTimeOffset='18446744073709551615'/>"),
        Error::overflow, 3},
    {timeline ("<S/>"), Error::bad_timeline, 5},
    {timeline ("<S d='0'/>"), Error::bad_timeline, 5},
    {timeline ("<S d='2'/>\n<S t='1' d='2'/>"), Error::bad_timeline, 6},
    {timeline ("<S d='2' r='-1'/>\n<S d='2'/>"), Error::bad_timeline, 5},
    {timeline ("<S d='2' r='x'/>"), Error::bad_number, 5},
    {timeline ("<S d='2' r='18446744073709551615'/>"), Error::too_many_segments,
        5},
    {timeline ("<S d='1' r='4294967296'/>"), Error::too_many_segments, 5},
    {timeline ("<S t='18446744073709551615' d='1'/>"), Error::overflow, 5},
    {timeline ("<S d='2' k='3'/>"), Error::sub_segments, 5},
    {video ("<SegmentBase indexRange='5'/>"), Error::bad_range, 4},
    {video ("<SegmentBase indexRange='5-4'/>"), Error::bad_range, 4},
    {video ("<SegmentBase indexRange='-4'/>"), Error::bad_range, 4},
    {video ("<SegmentList duration='1'><SegmentURL mediaRange='x'/>"
            "</SegmentList>"),
        Error::bad_range, 4},
    {video ("<SegmentList><SegmentURL/><SegmentURL/></SegmentList>"),
        Error::no_duration, 3},
    {video ("<SegmentList><SegmentTimeline><S d='1' r='1'/></SegmentTimeline>"
            "<SegmentURL/></SegmentList>"),
        Error::bad_list, 4},
    {video ("<SegmentList><SegmentTimeline><S d='1'/></SegmentTimeline>"
            "<SegmentURL/><SegmentURL/></SegmentList>"),
        Error::bad_list, 4},
};

}  // namespace

GST_START_TEST (bad_manifests_are_refused)
{
  for (const Bad &row : bad) {
    auto out = mpd::parse (row.xml, "http://h/");
    fail_unless (!out.ok (), "%s", row.xml.c_str ());
    fail_unless (out.code () == row.error && out.position () == row.line,
        "%s: %s in line %zu", row.xml.c_str (), to_string (out.code ()),
        out.position ());
    fail_unless (std::string (to_string (row.error)) != "unknown");
    fail_unless (
        mpd::is_unsupported (row.error) == (row.error >= Error::dynamic));
  }
  fail_unless (mpd::parse (std::string (mpd::max_size + 1, ' '), "").code () ==
               Error::too_large);
}
GST_END_TEST;

GST_START_TEST (durations_are_read)
{
  const std::pair<const char *, guint64> rows[] = {
      {"PT8S", 8000},
      {"PT0.5S", 500},
      {"PT1M", 60000},
      {"PT1H2M3.25S", 3723250},
      {"P1DT1S", 86401000},
      {"P0Y0M0DT2S", 2000},
      {"P2D", 172800000},
  };
  for (const auto &[text, ms] : rows) {
    auto all = parsed (
        document (std::string (" mediaPresentationDuration='") + text + "'",
            "<Period><AdaptationSet mimeType='video/mp4'><Representation>"
            "<BaseURL>a</BaseURL></Representation></AdaptationSet></Period>"));
    fail_unless (all.duration == ms * GST_MSECOND, "%s", text);
  }
}
GST_END_TEST;

GST_START_TEST (segments_are_numbered)
{
  // The last one may be shorter: 10 / 4 is three.
  fail_unless (
      uris_of (video ("<SegmentTemplate duration='4' "
                      "media='$Number$'/>")) == Uris ({"d/1", "d/2", "d/3"}));
  fail_unless (uris_of (video ("<SegmentTemplate duration='5' startNumber='0' "
                               "media='$Number$'/>")) == Uris ({"d/0", "d/1"}));
  fail_unless (uris_of (video ("<SegmentTemplate duration='1' startNumber='3' "
                               "endNumber='4' media='$Number$'/>")) ==
               Uris ({"d/3", "d/4"}));
  // @presentationTimeOffset moves the media's clock, not the numbers.
  fail_unless (uris_of (video ("<SegmentTemplate duration='5' "
                               "presentationTimeOffset='90' "
                               "media='$Number$'/>")) == Uris ({"d/1", "d/2"}));
  // With nothing that says how long segments are there is one (5.3.9.2.2).
  fail_unless (
      uris_of (video ("<SegmentTemplate media='a'/>")) == Uris ({"d/a"}));
}
GST_END_TEST;

GST_START_TEST (segments_are_timed)
{
  fail_unless (uris_of (timeline ("<S t='3' d='2' r='1'/><S d='1'/>"
                                  "<S t='20' d='5'/>")) ==
               Uris ({"d/3", "d/5", "d/7", "d/20"}));
  // "until the start of the next S element" or the end of the Period.
  fail_unless (uris_of (timeline ("<S d='2' r='-1'/><S t='5' d='1'/>")) ==
               Uris ({"d/0", "d/2", "d/4", "d/5"}));
  fail_unless (
      uris_of (timeline ("<S d='4' r='-1'/>")) == Uris ({"d/0", "d/4", "d/8"}));
  // A run that would begin behind the Period's end is empty.
  fail_unless (
      uris_of (timeline ("<S d='12'/><S d='4' r='-1'/>")) == Uris ({"d/0"}));
  fail_unless (
      uris_of (video ("<SegmentTemplate media='$Number$' startNumber='5' "
                      "endNumber='7'><SegmentTimeline><S d='1' r='1'/>"
                      "<S d='2' r='4'/></SegmentTimeline>"
                      "</SegmentTemplate>")) == Uris ({"d/5", "d/6", "d/7"}));
}
GST_END_TEST;

GST_START_TEST (segments_are_listed)
{
  auto all = parsed (
      video ("<SegmentList timescale='10' presentationTimeOffset='30'>"
             "<Initialization sourceURL='i' range='0-9'/><SegmentTimeline>"
             "<S t='30' d='20'/><S d='15'/></SegmentTimeline>"
             "<SegmentURL media='a'/><SegmentURL mediaRange='5-14'/>"
             "</SegmentList>"));
  auto begin = schedule::segment (first_of (all), 0);
  auto last = schedule::segment (first_of (all), 1);
  fail_unless (begin && begin->resource.uri == "http://h/d/a");
  fail_unless (begin->init->uri == "http://h/d/i");
  fail_unless (begin->init->range == presentation::Range ({0, 9}));
  fail_unless_equals_uint64 (begin->time, 3 * GST_SECOND);
  fail_unless (last && last->resource.range == presentation::Range ({5, 14}));
  fail_unless_equals_uint64 (last->time, 5 * GST_SECOND);
  fail_unless (!schedule::segment (first_of (all), 2));

  // A range to the end; and times before the Period, as the media has them.
  all =
      parsed (video ("<SegmentList duration='2' presentationTimeOffset='1'>"
                     "<SegmentURL mediaRange='3-'/></SegmentList>"));
  begin = schedule::segment (first_of (all), 0);
  fail_unless (begin->resource.range == presentation::Range ({3, {}}));
}
GST_END_TEST;

GST_START_TEST (an_index_is_kept_for_loading)
{
  auto all =
      parsed (video ("<BaseURL>v.mp4</BaseURL>"
                     "<SegmentBase timescale='3' indexRange='100-199'/>"));
  const auto *base =
      std::get_if<presentation::SegmentBase> (&first_of (all).segments);
  fail_unless (base != nullptr);
  fail_unless (first_of (all).base == "http://h/d/v.mp4");
  fail_unless (base->index.range == presentation::Range ({100, 199}));
  // Without Initialization it is what is before the index.
  fail_unless (base->initialization->range == presentation::Range ({0, 99}));
}
GST_END_TEST;

GST_START_TEST (what_is_said_above_holds_below)
{
  auto all = parsed (document (" mediaPresentationDuration='PT4S'",
      "<BaseURL>http://cdn/x/</BaseURL><BaseURL>http://other/</BaseURL>"
      "<Period id='p'><BaseURL>y/</BaseURL>"
      "<SegmentTemplate timescale='10' startNumber='5' duration='20'/>"
      "<AdaptationSet id='1' lang='de' mimeType='video/mp4' width='640' "
      "height='360' frameRate='30000/1001' codecs='avc1'><Label>main</Label>"
      "<ContentProtection schemeIdUri='urn:s' value='cenc' xmlns:c='urn:c' "
      "c:default_KID='k'><c:pssh>AAAA</c:pssh></ContentProtection>"
      "<SegmentTemplate media='$RepresentationID$/$Number$'/>"
      "<Representation id='a' bandwidth='1'/>"
      "<Representation id='b' bandwidth='2' width='1280' height='720'>"
      "<BaseURL>z/</BaseURL><SegmentTemplate startNumber='9'/></Representation>"
      "</AdaptationSet></Period>"));
  const auto &track = all.periods[0].tracks[0];
  fail_unless (
      track.id == "1" && track.language == "de" && track.label == "main");
  const auto &a = track.representations[0];
  const auto &b = track.representations[1];
  fail_unless (a.width == 640 && b.width == 1280);
  fail_unless (a.codecs == "avc1" && a.mime_type == "video/mp4");
  fail_unless (a.frame_rate == presentation::Fraction ({30000, 1001}));
  fail_unless_equals_uint64 (b.bandwidth, 2);
  fail_unless_equals_uint64 (b.protections.size (), 1);
  fail_unless (b.protections[0].default_kid == "k" &&
               b.protections[0].value == "cenc" &&
               b.protections[0].pssh == Uris ({"AAAA"}));
  fail_unless (schedule::segment (a, 0)->resource.uri == "http://cdn/x/y/a/5");
  fail_unless (
      schedule::segment (b, 1)->resource.uri == "http://cdn/x/y/z/b/10");
  fail_unless (!schedule::segment (b, 2));

  // But only for the element of the same name.
  all = parsed (document ("",
      "<Period duration='PT4S'><AdaptationSet mimeType='video/mp4'>"
      "<SegmentTemplate timescale='1000' presentationTimeOffset='90000'/>"
      "<Representation><SegmentList duration='5'><SegmentURL media='a'/>"
      "<SegmentURL media='b'/></SegmentList></Representation>"
      "</AdaptationSet></Period>"));
  fail_unless_equals_uint64 (
      schedule::segment (first_of (all), 1)->time, 5 * GST_SECOND);

  // An initialization may be an element, too.
  all =
      parsed (video ("<SegmentTemplate media='a' duration='9'>"
                     "<Initialization sourceURL='i'/></SegmentTemplate>"));
  fail_unless (
      schedule::segment (first_of (all), 0)->init->uri == "http://h/d/i");
}
GST_END_TEST;

GST_START_TEST (tracks_are_what_can_be_played)
{
  auto set = [] (const char *attributes, const char *inner) {
    return std::string ("<AdaptationSet ") + attributes + ">" + inner +
           "<Representation><BaseURL>a</BaseURL></Representation>"
           "</AdaptationSet>";
  };
  auto all = parsed (document ("",
      "<Period>" + set ("mimeType='audio/mp4'", "") +
          set ("mimeType='image/jpeg'", "") +
          // Not even looked at.
          set ("mimeType='image/jpeg'", "<SegmentTemplate media='$'/>") +
          set ("mimeType='application/mp4' codecs='stpp.ttml'", "") +
          set ("mimeType='text/vtt'", "") +
          set ("mimeType='application/ttml+xml'", "") +
          // "the client shall ignore the parent element" (5.8.4.8)
          set ("mimeType='video/mp4'", "<EssentialProperty schemeIdUri='x'/>") +
          set ("mimeType='video/mp4'",
              "<SupplementalProperty schemeIdUri='x'/>") +
          "</Period>"));
  using presentation::Type;
  std::vector<Type> types;
  for (const auto &track : all.periods[0].tracks) types.push_back (track.type);
  fail_unless (types == std::vector<Type> ({Type::audio, Type::text, Type::text,
                            Type::text, Type::video}));
  // The whole file is the one segment.
  auto only = schedule::segment (first_of (all), 0);
  fail_unless (only && only->resource.uri == "http://h/d/a");
  fail_unless (!only->resource.range && !only->init);
  fail_unless (!schedule::segment (first_of (all), 1));
}
GST_END_TEST;

GST_START_TEST (a_period_may_begin_later)
{
  auto all = parsed (document (" mediaPresentationDuration='PT12S'",
      "<Period start='PT2S'><AdaptationSet mimeType='video/mp4'>"
      "<SegmentTemplate duration='5' media='$Number$'/><Representation/>"
      "</AdaptationSet></Period>"));
  fail_unless_equals_uint64 (all.periods[0].start, 2 * GST_SECOND);
  fail_unless (all.periods[0].duration == 10 * GST_SECOND);
  fail_unless (schedule::segment (first_of (all), 1).has_value ());
  fail_unless (!schedule::segment (first_of (all), 2));
}
GST_END_TEST;

static Suite *mpd_suite ()
{
  Suite *suite = suite_create ("mpd");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, bad_manifests_are_refused);
  tcase_add_test (tests, durations_are_read);
  tcase_add_test (tests, segments_are_numbered);
  tcase_add_test (tests, segments_are_timed);
  tcase_add_test (tests, segments_are_listed);
  tcase_add_test (tests, an_index_is_kept_for_loading);
  tcase_add_test (tests, what_is_said_above_holds_below);
  tcase_add_test (tests, tracks_are_what_can_be_played);
  tcase_add_test (tests, a_period_may_begin_later);
  return suite;
}

GST_CHECK_MAIN (mpd)

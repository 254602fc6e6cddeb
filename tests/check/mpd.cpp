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

// ISO/IEC 23009-4 5.1.
const std::string cbc = "urn:mpeg:dash:sea:aes128-cbc:2013";
const std::string http_keys = "urn:mpeg:dash:sea:keysys:http:2013";
const std::string one_key =
    "<CryptoPeriod keyUriTemplate='k$RepresentationID$' "
    "IV='0x000102030405060708090A0b0c0d0e0f'/>";

std::string sea (const std::string &scheme, const std::string &key_system,
    const std::string &periods)
{
  return video (
      "<ContentProtection schemeIdUri='urn:mpeg:dash:sea:2012'>"
      "<SegmentEncryption schemeIdUri='" +
      scheme + "'/><KeySystem keySystemUri='" + key_system + "'/>" + periods +
      "</ContentProtection><SegmentTemplate duration='5' "
      "initialization='i' media='$Number$'/>");
}

const Bad bad[] = {
    {"", Error::not_xml, 1},
    {"#EXTM3U", Error::not_xml, 1},
    {"<MPD>\n<Period>", Error::not_xml, 2},
    {"<MPD><Period>&a;</Period></MPD>", Error::not_xml, 1},
    {"<!DOCTYPE MPD [<!ENTITY a 'aaaa'>]><MPD>&a;</MPD>", Error::doctype, 1},
    {"<html/>", Error::not_mpd, 1},
    {document ("", ""), Error::no_period, 1},
    {document (" type='dynamic'", "<Period/>"), Error::dynamic, 1},
    // The first one has no length.
    {document ("", "<Period/>\n<Period/>"), Error::no_duration, 3},
    {document ("", "<Period start='PT2S'/>\n<Period start='PT1S'/>"),
        Error::bad_period, 3},
    {document ("",
         "<Period start='PT2562047H'/>\n"
         "<Period start='PT2562047H' duration='PT2562047H'/>"),
        Error::overflow, 3},
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
    {video ("<SegmentList duration='1' x:href='a' "
            "xmlns:x='http://www.w3.org/1999/xlink'/>"),
        Error::xlink, 4},
    {video ("<SegmentTemplate><SegmentTimeline x:href='a' "
            "xmlns:x='http://www.w3.org/1999/xlink'/></SegmentTemplate>"),
        Error::xlink, 4},
    {document ("",
         "<Period duration='PT1S'>\n<AdaptationSet "
         "xmlns:x='http://www.w3.org/1999/xlink' x:href='a'/></Period>"),
        Error::xlink, 3},
    {video ("<SegmentTemplate duration='1' media='a' "
            "availabilityTimeOffset='x'/>"),
        Error::bad_number, 4},
    {video ("<BaseURL availabilityTimeOffset='-1'>a</BaseURL>"),
        Error::bad_number, 4},
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
    // Segment encryption but for one key and one IV.
    {sea (cbc, http_keys, ""), Error::segment_encryption, 4},
    {sea ("urn:mpeg:dash:sea:aes128-gcm:2013", http_keys, one_key),
        Error::segment_encryption, 4},
    {sea (cbc, "urn:x", one_key), Error::segment_encryption, 4},
    {sea (cbc, http_keys, one_key + one_key), Error::segment_encryption, 4},
    {sea (cbc, http_keys, "<CryptoTimeline/>" + one_key),
        Error::segment_encryption, 4},
    {sea (cbc, http_keys, "<CryptoPeriod keyUriTemplate='k'/>"),
        Error::segment_encryption, 4},
    {sea (cbc, http_keys,
         "<CryptoPeriod IV='0x000102030405060708090a0b0c0d0e0'/>"),
        Error::segment_encryption, 4},
    {sea (cbc, http_keys,
         "<CryptoPeriod keyUriTemplate='k' "
         "IV='0x000102030405060708090a0b0c0d0e-f'/>"),
        Error::segment_encryption, 4},
    {sea (cbc, http_keys,
         "<CryptoPeriod keyUriTemplate='k$Number$' "
         "IV='0x000102030405060708090a0b0c0d0e0f'/>"),
        Error::segment_encryption, 4},
    {sea (cbc, http_keys,
         "<CryptoPeriod keyUriTemplate='k' numSegments='2' "
         "IV='0x000102030405060708090a0b0c0d0e0f'/>"),
        Error::segment_encryption, 4},
    {timeline ("<S/>"), Error::bad_timeline, 5},
    {timeline ("<S d='0'/>"), Error::bad_timeline, 5},
    {timeline ("<S d='2'/>\n<S t='1' d='2'/>"), Error::bad_timeline, 6},
    {timeline ("<S d='2' r='-1'/>\n<S d='2'/>"), Error::bad_timeline, 5},
    {timeline ("<S d='2' r='-1'/>\n<S t='0' d='2'/>"), Error::bad_timeline, 5},
    {timeline ("<S d='x'/>"), Error::bad_number, 5},
    {timeline ("<S t='-1' d='2'/>"), Error::bad_number, 5},
    {timeline ("<S d='2' r='x'/>"), Error::bad_number, 5},
    {timeline ("<S d='2' r='18446744073709551615'/>"), Error::too_many_segments,
        5},
    {timeline ("<S d='1' r='4294967296'/>"), Error::too_many_segments, 5},
    {timeline ("<S t='18446744073709551615' d='1'/>"), Error::overflow, 5},
    {timeline ("<S d='1'/><S t='9223372037' d='1'/>"), Error::overflow, 3},
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
                                  "<S t='9' d='5'/>")) ==
               Uris ({"d/3", "d/5", "d/7", "d/9"}));
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

// Where nothing but the Period's length says how many there are, the media may
// end before the last one.
GST_START_TEST (counted_segments_may_be_fewer)
{
  struct
  {
    std::string xml;
    std::uint64_t last;
    bool expected;
  } rows[] = {
      {video ("<SegmentTemplate duration='4' media='$Number$'/>"), 2, true},
      {timeline ("<S d='4' r='-1'/>"), 2, true},
      {video ("<SegmentTemplate duration='4' endNumber='3' "
              "media='$Number$'/>"),
          2, false},
      {timeline ("<S d='4' r='2'/>"), 2, false},
      {timeline ("<S d='2' r='-1'/><S t='5' d='1'/>"), 3, false},
      // Then there would be nothing.
      {video ("<SegmentTemplate duration='10' media='$Number$'/>"), 0, false},
  };
  for (const auto &row : rows) {
    auto all = parsed (row.xml);
    for (std::uint64_t n = 0; n <= row.last; n++) {
      auto segment = schedule::segment (first_of (all), n);
      fail_unless (segment.has_value ());
      fail_unless (segment->may_be_missing == (row.expected && n == row.last),
          "%s, %d", row.xml.c_str (), static_cast<int> (n));
    }
    fail_unless (!schedule::segment (first_of (all), row.last + 1));
  }
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

// That of WebM is not a sidx box: then the file is played as a whole.
GST_START_TEST (an_index_of_another_kind_is_passed_over)
{
  auto all = parsed (document (" mediaPresentationDuration='PT4S'",
      "<Period><AdaptationSet mimeType='video/webm'><Representation id='v' "
      "bandwidth='1'><BaseURL>v.webm</BaseURL><SegmentBase "
      "indexRange='100-199'><Initialization range='0-50'/></SegmentBase>"
      "</Representation></AdaptationSet></Period>"));
  auto segment = schedule::segment (first_of (all), 0);
  fail_unless (segment.has_value ());
  fail_unless (segment->resource.uri == "http://h/d/v.webm");
  fail_unless (!segment->resource.range && !segment->init);
  fail_unless_equals_uint64 (segment->duration, 4 * GST_SECOND);
  fail_unless (!schedule::segment (first_of (all), 1));
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

GST_START_TEST (periods_follow_each_other)
{
  struct Row
  {
    const char *attributes;
    const char *periods[3];
    std::vector<std::pair<int, int>> expected;  // start and duration, s
    int duration;
  };
  const Row rows[] = {
      {"", {"duration='PT3S'", "duration='PT4S'", nullptr}, {{0, 3}, {3, 4}},
          7},
      // From the next one's start, and from the whole.
      {"mediaPresentationDuration='PT9S'", {"", "start='PT3S'", nullptr},
          {{0, 3}, {3, 6}}, 9},
      // One that is ended early, and one that leaves a gap.
      {"",
          {"duration='PT5S'", "start='PT3S' duration='PT1S'",
              "start='PT6S' duration='PT2S'"},
          {{0, 3}, {3, 1}, {6, 2}}, 8},
      // One without a length is not shown.
      {"", {"duration='PT5S'", "duration='PT0S'", "duration='PT2S'"},
          {{0, 5}, {5, 2}}, 7},
  };
  for (const Row &row : rows) {
    std::string inner;
    for (const char *period : row.periods)
      if (period != nullptr)
        inner += std::string ("<Period ") + period +
                 "><AdaptationSet mimeType='video/mp4'><SegmentTemplate "
                 "duration='2' media='$Number$'/><Representation/>"
                 "</AdaptationSet></Period>";
    auto all = parsed (document (std::string (" ") + row.attributes, inner));
    std::vector<std::pair<int, int>> found;
    for (const auto &period : all.periods)
      found.emplace_back (static_cast<int> (period.start / GST_SECOND),
          static_cast<int> (*period.duration / GST_SECOND));
    fail_unless (found == row.expected, "%s", inner.c_str ());
    fail_unless (all.duration == row.duration * GST_SECOND);
  }
}
GST_END_TEST;

// Those of the first of two Periods, of which it has 10 seconds.
static Uris shown (const std::string &information)
{
  return uris_of (document (
      "", "<Period><AdaptationSet mimeType='video/mp4'><Representation>" +
              information +
              "</Representation></AdaptationSet></Period>"
              "<Period start='PT10S' duration='PT1S'/>"));
}

GST_START_TEST (what_is_not_in_the_period_is_not_fetched)
{
  // What begins with the next Period is not, what began before is.
  fail_unless (shown ("<SegmentTemplate media='$Time$'><SegmentTimeline>"
                      "<S d='4' r='9'/></SegmentTimeline></SegmentTemplate>") ==
               Uris ({"d/0", "d/4", "d/8"}));
  fail_unless (shown ("<SegmentTemplate media='$Time$'><SegmentTimeline>"
                      "<S d='5'/><S t='10' d='5'/></SegmentTimeline>"
                      "</SegmentTemplate>") == Uris ({"d/0"}));
  // And what is over when it begins: the numbers go on as they are counted.
  fail_unless (
      shown ("<SegmentTemplate media='$Number$-$Time$' "
             "startNumber='7' presentationTimeOffset='9'>"
             "<SegmentTimeline><S d='4' r='9'/></SegmentTimeline>"
             "</SegmentTemplate>") == Uris ({"d/9-8", "d/10-12", "d/11-16"}));
  fail_unless (shown ("<SegmentTemplate media='$Number$' startNumber='7' "
                      "endNumber='9' presentationTimeOffset='9'>"
                      "<SegmentTimeline><S d='4' r='9'/></SegmentTimeline>"
                      "</SegmentTemplate>") == Uris ({"d/9"}));
  // Without @t all of them would be: they are not believed.
  fail_unless (shown ("<SegmentTemplate media='$Number$' "
                      "presentationTimeOffset='90'><SegmentTimeline>"
                      "<S d='4' r='1'/></SegmentTimeline>"
                      "</SegmentTemplate>") == Uris ({"d/1", "d/2"}));
  fail_unless (shown ("<SegmentTemplate duration='4' endNumber='100' "
                      "media='$Number$'/>") == Uris ({"d/1", "d/2", "d/3"}));
  std::string urls;
  for (char c = 'a'; c < 'g'; c++)
    urls += std::string ("<SegmentURL media='") + c + "'/>";
  fail_unless (shown ("<SegmentList duration='4'>" + urls + "</SegmentList>") ==
               Uris ({"d/a", "d/b", "d/c"}));
  fail_unless (
      shown ("<SegmentList presentationTimeOffset='5'><SegmentTimeline>"
             "<S d='4' r='5'/></SegmentTimeline>" +
             urls + "</SegmentList>") == Uris ({"d/b", "d/c", "d/d"}));
  // So it is in the last Period, when its end is known.
  fail_unless (
      uris_of (timeline ("<S d='5' r='3'/>")) == Uris ({"d/0", "d/5"}));
  fail_unless (uris_of (document ("",
                   "<Period><AdaptationSet mimeType='video/mp4'>"
                   "<Representation><SegmentTemplate media='$Time$'>"
                   "<SegmentTimeline><S d='5' r='3'/></SegmentTimeline>"
                   "</SegmentTemplate></Representation></AdaptationSet>"
                   "</Period>")) == Uris ({"d/0", "d/5", "d/10", "d/15"}));
}
GST_END_TEST;

GST_START_TEST (there_may_be_several_addresses)
{
  auto all = parsed (document ("",
      "<BaseURL serviceLocation='a' availabilityTimeOffset='7.5'>http://a/"
      "</BaseURL><BaseURL serviceLocation='b' dvb:weight='3' "
      "xmlns:dvb='urn:dvb'>http://b/</BaseURL>"
      "<Period duration='PT4S'><BaseURL>p/</BaseURL>"
      "<BaseURL serviceLocation='c'>http://c/x/</BaseURL>"
      "<AdaptationSet mimeType='video/mp4'>"
      "<Representation><BaseURL>v.mp4?a=1&amp;b=2</BaseURL></Representation>"
      "</AdaptationSet></Period>"));
  const auto &only = first_of (all);
  fail_unless (only.base == "http://a/p/v.mp4?a=1&b=2");
  fail_unless_equals_uint64 (only.availability_time_offset, 7500 * GST_MSECOND);
  using presentation::Base;
  fail_unless (only.alternatives ==
               std::vector<Base> ({{"http://b/p/v.mp4?a=1&b=2", "b", 1, 1},
                   {"http://c/x/v.mp4?a=1&b=2", "c", 1, 1}}));
  // The lowest priority is the best; and BaseURLs without number have an end.
  std::string many =
      "<BaseURL p:priority='2' xmlns:p='urn:dvb'>x/</BaseURL>"
      "<BaseURL p:priority='1' p:weight='5' xmlns:p='urn:dvb'>y/</BaseURL>";
  for (int i = 0; i < 40; i++)
    many += "<BaseURL p:priority='3' xmlns:p='urn:dvb'>" + std::to_string (i) +
            "/</BaseURL>";
  all = parsed (document ("", many + "<Period duration='PT4S'><AdaptationSet "
                                     "mimeType='video/mp4'><Representation>"
                                     "<BaseURL>v.mp4</BaseURL>"
                                     "</Representation></AdaptationSet>"
                                     "</Period>"));
  const auto &other = first_of (all);
  fail_unless (other.base == "http://h/d/y/v.mp4");
  fail_unless_equals_uint64 (other.alternatives.size (), 31);
  fail_unless (other.alternatives[0].uri == "http://h/d/x/v.mp4");
}
GST_END_TEST;

// ETSI TS 103 998
GST_START_TEST (steering_is_read)
{
  const struct
  {
    const char *element;
    const char *expected;  // "address: locations"
  } rows[] = {
      {"", ""},
      {"<ContentSteering/>", ""},
      {"<ContentSteering> s?x=1&amp;y </ContentSteering>",
          "http://h.example/x/s?x=1&y:"},
      {"<ContentSteering defaultServiceLocation=' a  b '>http://s/</"
       "ContentSteering>",
          "http://s/: a b"},
  };
  for (const auto &row : rows) {
    auto all = mpd::parse (
        std::string ("<MPD mediaPresentationDuration='PT4S'>") + row.element +
            "<Period><AdaptationSet mimeType='video/mp4'><Representation>"
            "<BaseURL>v.mp4</BaseURL></Representation></AdaptationSet>"
            "</Period></MPD>",
        "http://h.example/x/m.mpd");
    fail_unless (all.ok (), "%s", row.element);
    std::string got;
    if (const auto &steering = all->notes.steering) {
      fail_unless (steering->is_dash);
      got = steering->uri + ":";
      for (const std::string &one : steering->pathways) got += " " + one;
    }
    fail_unless_equals_string (got.c_str (), row.expected);
  }
}
GST_END_TEST;

GST_START_TEST (availability_offsets_are_read)
{
  auto all =
      parsed (video ("<SegmentTemplate media='a' duration='10' "
                     "availabilityTimeOffset='INF'/>"));
  fail_unless (
      first_of (all).availability_time_offset == presentation::max_time);
}
GST_END_TEST;

GST_START_TEST (protection_is_on_both_levels)
{
  auto all = parsed (document (
      " xmlns:cenc='urn:mpeg:cenc:2013'"
      " xmlns:mspr='urn:microsoft:playready'"
      " xmlns:dashif='https://dashif.org/CPS'",
      "<BaseURL>http://cdn/x/</BaseURL><Period duration='PT4S'>"
      "<AdaptationSet mimeType='video/mp4'>"
      "<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' "
      "value='cbcs' cenc:default_KID='one'/><Representation>"
      "<BaseURL>a</BaseURL><ContentProtection schemeIdUri='urn:uuid:p'>"
      "<mspr:pro> UHJv </mspr:pro><cenc:pssh>QUFB</cenc:pssh><cenc:pssh>QkJC"
      "</cenc:pssh></ContentProtection>"
      "<ContentProtection schemeIdUri='urn:uuid:c'><dashif:Laurl>/key?a=1&amp;"
      "b=2</dashif:Laurl></ContentProtection></Representation>"
      "</AdaptationSet></Period>"));
  const auto &protections = first_of (all).protections;
  fail_unless_equals_uint64 (protections.size (), 3);
  fail_unless (
      protections[0].value == "cbcs" && protections[0].default_kid == "one");
  fail_unless (protections[1].playready == "UHJv" &&
               protections[1].pssh == Uris ({"QUFB", "QkJC"}));
  fail_unless (protections[2].license_uri == "http://cdn/key?a=1&b=2");
}
GST_END_TEST;

GST_START_TEST (tracks_say_what_they_are_for)
{
  auto all = parsed (document ("",
      "<Period duration='PT4S'><AdaptationSet id='1' mimeType='video/mp4'>"
      "<Role schemeIdUri='urn:mpeg:dash:role:2011' value='main'/>"
      "<Accessibility schemeIdUri='urn:tva' value='2'/>"
      "<InbandEventStream schemeIdUri='urn:e' value='v'/>"
      "<EssentialProperty schemeIdUri='urn:mpeg:mpegB:cicp:MatrixCoefficients' "
      "value='9'/><Representation><BaseURL>a</BaseURL></Representation>"
      "</AdaptationSet><AdaptationSet mimeType='video/mp4'><EssentialProperty "
      "schemeIdUri='http://dashif.org/guidelines/trickmode' value='1'/>"
      "<Representation><BaseURL>b</BaseURL></Representation></AdaptationSet>"
      "<AdaptationSet contentType='audio'><Representation>"
      "<BaseURL>c</BaseURL></Representation></AdaptationSet></Period>"));
  const auto &tracks = all.periods[0].tracks;
  fail_unless_equals_uint64 (tracks.size (), 3);
  using presentation::Descriptor;
  fail_unless (tracks[0].roles ==
               std::vector<Descriptor> ({{"urn:mpeg:dash:role:2011", "main"}}));
  fail_unless (tracks[0].accessibilities ==
               std::vector<Descriptor> ({{"urn:tva", "2"}}));
  fail_unless (tracks[0].representations[0].inband_events ==
               std::vector<Descriptor> ({{"urn:e", "v"}}));
  fail_unless (!tracks[0].is_trick_mode);
  fail_unless (tracks[1].is_trick_mode && tracks[1].trick_mode_of == "1");
  fail_unless (tracks[2].type == presentation::Type::audio);
}
GST_END_TEST;

// 5.3.7.2: common attributes, of which those of a Representation go before
// those of its AdaptationSet.
GST_START_TEST (representations_say_how_fast_they_can_be_played)
{
  const struct
  {
    const char *set;
    const char *representation;
    double expected;
    bool is_intra_only;
  } rows[] = {
      {"", "", 1, false},
      {"maxPlayoutRate='8'", "", 8, false},
      {"", "maxPlayoutRate=' 8.5 '", 8.5, false},
      {"maxPlayoutRate='8'", "maxPlayoutRate='2'", 2, false},
      {"maxPlayoutRate='8'", "maxPlayoutRate='fast'", 8, false},
      {"codingDependency='false'", "", 1, true},
      {"", "codingDependency='false'", 1, true},
      {"codingDependency='false'", "codingDependency='true'", 1, false},
      {"codingDependency='true'", "codingDependency=' 0 '", 1, true},
      {"codingDependency='?'", "maxPlayoutRate='0'", 1, false},
  };
  for (const auto &row : rows) {
    auto all = parsed (
        document ("", std::string ("<Period duration='PT4S'><AdaptationSet "
                                   "mimeType='video/mp4' ") +
                          row.set + "><Representation " + row.representation +
                          "><BaseURL>a</BaseURL></Representation>"
                          "</AdaptationSet></Period>"));
    const auto &one = all.periods[0].tracks[0].representations[0];
    fail_unless (one.max_playout_rate == row.expected &&
                     one.is_intra_only == row.is_intra_only,
        "%s %s", row.set, row.representation);
  }
}
GST_END_TEST;

GST_START_TEST (events_are_timed)
{
  auto all = parsed (document ("",
      "<Period start='PT100S' duration='PT10S'>"
      "<EventStream schemeIdUri='urn:e' value='v' timescale='10' "
      "presentationTimeOffset='1000'>"
      "<Event presentationTime='1005' duration='20' id='1'>a &lt; b</Event>"
      "<Event presentationTime='1010' messageData='x'/>"
      "<Event presentationTime='990' duration='30' contentEncoding='base64'>"
      "QQ==</Event>"
      "<Event presentationTime='990' duration='10'/>"
      "<Event presentationTime='990'/>"
      "<Event presentationTime='18446744073709551615'/>"
      "<Event presentationTime='1020'><s:Signal xmlns:s='urn:s'><s:Binary "
      "a='&quot;'>b&amp;</s:Binary></s:Signal></Event></EventStream>"
      "<AdaptationSet mimeType='video/mp4'><Representation>"
      "<BaseURL>a</BaseURL></Representation></AdaptationSet></Period>"));
  const auto &streams = all.periods[0].event_streams;
  fail_unless_equals_uint64 (streams.size (), 1);
  fail_unless (streams[0].scheme == presentation::Descriptor ({"urn:e", "v"}));
  const auto &events = streams[0].events;
  fail_unless_equals_uint64 (events.size (), 4);
  fail_unless_equals_uint64 (events[0].time, 100500 * GST_MSECOND);
  fail_unless (events[0].duration == 2 * GST_SECOND);
  fail_unless (events[0].id == "1" && events[0].data == "a < b");
  fail_unless (events[1].data == "x" && !events[1].duration);
  // It has begun before.
  fail_unless_equals_uint64 (events[2].time, 100 * GST_SECOND);
  fail_unless (events[2].duration == 2 * GST_SECOND && events[2].is_base64);
  fail_unless (events[3].data ==
               "<s:Signal xmlns:s=\"urn:s\"><s:Binary a=\"&quot;\">b&amp;"
               "</s:Binary></s:Signal>");
}
GST_END_TEST;

GST_START_TEST (segments_are_encrypted)
{
  auto all = parsed (sea (cbc, http_keys, one_key));
  auto second = schedule::segment (first_of (all), 1);
  fail_unless (second && second->init);
  for (const auto *one : {&second->resource, &*second->init}) {
    fail_unless (one->encryption.has_value ());
    fail_unless (
        one->encryption->cipher == presentation::Encryption::Cipher::aes_128);
    fail_unless (one->encryption->key_uri == "http://h/d/kv");
    fail_unless (one->encryption->iv ==
                 presentation::Encryption::Iv (
                     {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  }
}
GST_END_TEST;

GST_START_TEST (equal_segments_take_one_run)
{
  std::string entries;
  for (int i = 0; i < 5000; i++)
    entries += "<S t='" + std::to_string (i * 3) + "' d='3'/>";
  auto all =
      parsed (video ("<SegmentTemplate media='$Time$' timescale='2000'>"
                     "<SegmentTimeline>" +
                     entries + "</SegmentTimeline></SegmentTemplate>"));
  const auto &pattern =
      std::get<presentation::SegmentTemplate> (first_of (all).segments);
  fail_unless_equals_uint64 (pattern.timeline->runs.size (), 1);
  fail_unless_equals_uint64 (pattern.timeline->runs[0].count, 5000);
}
GST_END_TEST;

GST_START_TEST (representations_share_a_timeline)
{
  auto all = parsed (document ("",
      "<Period duration='PT9S'><AdaptationSet mimeType='video/mp4'>"
      "<SegmentTemplate media='$RepresentationID$'><SegmentTimeline>"
      "<S d='4' r='-1'/></SegmentTimeline></SegmentTemplate>"
      "<Representation id='a'/><Representation id='b'/><Representation id='c'>"
      "<SegmentTemplate timescale='2'/></Representation></AdaptationSet>"
      "</Period>"));
  const auto &of = all.periods[0].tracks[0].representations;
  auto runs = [&of] (std::size_t i) {
    return std::get<presentation::SegmentTemplate> (of[i].segments).timeline;
  };
  fail_unless (runs (0) == runs (1) && runs (0) != runs (2));
  fail_unless_equals_uint64 (runs (0)->runs[0].count, 3);
  fail_unless_equals_uint64 (runs (2)->runs[0].count, 5);
}
GST_END_TEST;

GST_START_TEST (an_index_may_be_an_element)
{
  auto all =
      parsed (video ("<BaseURL>v.mp4</BaseURL><SegmentBase>"
                     "<Initialization range='0-9'/>"
                     "<RepresentationIndex sourceURL='v.sidx'/>"
                     "</SegmentBase>"));
  const auto &base =
      std::get<presentation::SegmentBase> (first_of (all).segments);
  fail_unless (base.index.uri == "v.sidx" && !base.index.range);
  fail_unless (base.initialization->range == presentation::Range ({0, 9}));
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
  tcase_add_test (tests, counted_segments_may_be_fewer);
  tcase_add_test (tests, segments_are_listed);
  tcase_add_test (tests, an_index_is_kept_for_loading);
  tcase_add_test (tests, an_index_of_another_kind_is_passed_over);
  tcase_add_test (tests, what_is_said_above_holds_below);
  tcase_add_test (tests, tracks_are_what_can_be_played);
  tcase_add_test (tests, a_period_may_begin_later);
  tcase_add_test (tests, periods_follow_each_other);
  tcase_add_test (tests, what_is_not_in_the_period_is_not_fetched);
  tcase_add_test (tests, there_may_be_several_addresses);
  tcase_add_test (tests, steering_is_read);
  tcase_add_test (tests, availability_offsets_are_read);
  tcase_add_test (tests, protection_is_on_both_levels);
  tcase_add_test (tests, tracks_say_what_they_are_for);
  tcase_add_test (tests, representations_say_how_fast_they_can_be_played);
  tcase_add_test (tests, events_are_timed);
  tcase_add_test (tests, segments_are_encrypted);
  tcase_add_test (tests, equal_segments_take_one_run);
  tcase_add_test (tests, representations_share_a_timeline);
  tcase_add_test (tests, an_index_may_be_an_element);
  return suite;
}

GST_CHECK_MAIN (mpd)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8.h"

#include "testutil.h"

using m3u8::Error;

namespace {

m3u8::Media media_of (const std::string &text)
{
  auto playlist = m3u8::parse (text);
  fail_unless (playlist.ok (), "%s: %s", text.c_str (),
      playlist.ok () ? "" : to_string (playlist.code ()));
  auto *media = std::get_if<m3u8::Media> (&*playlist);
  fail_unless (media != nullptr);
  return std::move (*media);
}

m3u8::Multivariant multivariant_of (const std::string &text)
{
  auto playlist = m3u8::parse (text);
  fail_unless (playlist.ok (), "%s: %s", text.c_str (),
      playlist.ok () ? "" : to_string (playlist.code ()));
  auto *out = std::get_if<m3u8::Multivariant> (&*playlist);
  fail_unless (out != nullptr);
  return std::move (*out);
}

struct Bad
{
  std::string text;  // after #EXTM3U and a newline
  Error error;
  std::size_t line;
};

const Bad bad[] = {
    {"", Error::empty, 1},
    {"# nothing\n", Error::empty, 2},
    {"a.ts\n", Error::no_extinf, 2},
    {"#EXTINF:2,\n", Error::no_uri, 2},
    {"#EXTINF:2,\n#EXT-X-ENDLIST\n", Error::no_uri, 3},
    {"#EXT-X-STREAM-INF:BANDWIDTH=1\n", Error::no_uri, 2},
    {"#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-STREAM-INF:BANDWIDTH=2\nb\n",
        Error::no_uri, 3},
    // "A client MUST fail to parse Playlists that contain both" (4.1).
    {"#EXTINF:2,\na\n#EXT-X-STREAM-INF:BANDWIDTH=1\nb\n", Error::mixed, 4},
    {"#EXT-X-TARGETDURATION:x\n", Error::bad_number, 2},
    {"#EXT-X-MEDIA-SEQUENCE:-1\n", Error::bad_number, 2},
    {"#EXT-X-MEDIA-SEQUENCE:18446744073709551616\n", Error::bad_number, 2},
    {"#EXT-X-DISCONTINUITY-SEQUENCE:1.5\n", Error::bad_number, 2},
    {"#EXTINF:\na\n", Error::bad_extinf, 2},
    {"#EXTINF:-1,\na\n", Error::bad_extinf, 2},
    {"#EXTINF:1e3,\na\n", Error::bad_extinf, 2},
    {"#EXTINF:99999999999999999999,\na\n", Error::bad_extinf, 2},
    // 2^63 ns and more
    {"#EXTINF:9000000000,\na\n#EXTINF:9000000000,\na\n", Error::too_long, 5},
    {"#EXT-X-BYTERANGE:0@0\n", Error::bad_byterange, 2},
    {"#EXT-X-BYTERANGE:x\n", Error::bad_byterange, 2},
    {"#EXT-X-BYTERANGE:1@\n", Error::bad_byterange, 2},
    {"#EXT-X-BYTERANGE:2@18446744073709551615\n", Error::bad_byterange, 2},
    // "a previous Media Segment MUST ... be a sub-range of the same" (4.4.4.2)
    {"#EXTINF:2,\n#EXT-X-BYTERANGE:1\na\n", Error::no_offset, 4},
    {"#EXTINF:2,\n#EXT-X-BYTERANGE:1@0\na\n#EXTINF:2,\n#EXT-X-BYTERANGE:1\nb\n",
        Error::no_offset, 7},
    {"#EXTINF:2,\na\n#EXTINF:2,\n#EXT-X-BYTERANGE:1\na\n", Error::no_offset, 6},
    {"#EXT-X-MAP:BYTERANGE=\"1@0\"\n", Error::missing_attribute, 2},
    {"#EXT-X-MAP:URI=\"\"\n", Error::empty_uri, 2},
    {"#EXT-X-MAP:URI=\"a\",BYTERANGE=\"x\"\n", Error::bad_byterange, 2},
    {"#EXT-X-MAP:URI=\"a\n", Error::bad_attributes, 2},
    {"#EXT-X-MAP:=\"a\"\n", Error::bad_attributes, 2},
    {"#EXT-X-MAP:URI\n", Error::bad_attributes, 2},
    {"#EXT-X-STREAM-INF:BANDWIDTH=x\na\n", Error::bad_number, 2},
    {"#EXT-X-STREAM-INF:RESOLUTION=640\na\n", Error::bad_number, 2},
    {"#EXT-X-STREAM-INF:RESOLUTION=\na\n", Error::bad_number, 2},
    {"#EXT-X-STREAM-INF:FRAME-RATE=-3\na\n", Error::bad_number, 2},
    {"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\"\n", Error::missing_attribute, 2},
    {"#EXT-X-KEY:URI=\"k\"\n", Error::missing_attribute, 2},
    {"#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n", Error::encrypted, 2},
    {"#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n", Error::encrypted, 2},
    {"#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n", Error::variables, 2},
    {"#EXTINF:2,\n#EXT-X-GAP\na\n", Error::gap, 3},
    {"#EXT-X-I-FRAMES-ONLY\n", Error::i_frames_only, 2},
    {"#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n", Error::delta_update, 2},
};

}  // namespace

GST_START_TEST (bad_playlists_are_refused)
{
  for (const Bad &row : bad) {
    auto playlist = m3u8::parse ("#EXTM3U\n" + row.text);
    fail_unless (!playlist.ok (), "%s", row.text.c_str ());
    fail_unless (playlist.code () == row.error, "%s: %s", row.text.c_str (),
        to_string (playlist.code ()));
    fail_unless (playlist.position () == row.line, "%s: line %zu",
        row.text.c_str (), playlist.position ());
    fail_unless (std::string (to_string (row.error)) != "unknown");
    fail_unless (
        m3u8::is_unsupported (row.error) == (row.error >= Error::encrypted));
  }
  for (const char *text : {"", "\n#EXTM3U\n", "#EXTM3U8\na\n", "<html>"})
    fail_unless (m3u8::parse (text).code () == Error::not_m3u8, "%s", text);
  fail_unless (m3u8::parse (std::string (m3u8::max_size + 1, '\n')).code () ==
               Error::too_large);
}
GST_END_TEST;

GST_START_TEST (a_media_playlist_is_read)
{
  m3u8::Media media = media_of (
      "\xef\xbb\xbf#EXTM3U\r\n#EXT-X-VERSION:7\r\n#EXT-X-TARGETDURATION:4\r\n"
      "#EXT-X-MEDIA-SEQUENCE:5\r\n#EXT-X-DISCONTINUITY-SEQUENCE:2\r\n"
      "#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"10@5\"\r\n"
      "#EXTINF:3.003,Title, with comma\r\n# a comment\r\n\r\na.m4s\r\n"
      "#EXT-X-SOMETHING-NEW:1\r\n#EXTINF:2\r\n#EXT-X-BYTERANGE:100@50\r\nb\r\n"
      "#EXTINF:1.5,\r\n#EXT-X-BYTERANGE:30\r\nb\r\n"
      "#EXT-X-DISCONTINUITY\r\n#EXT-X-KEY:METHOD=NONE\r\n"
      "#EXT-X-MAP:URI=\"j.mp4\"\r\n#EXTINF:1,\r\nc d.m4s\r\n"
      "#EXT-X-ENDLIST\r\n");
  fail_unless_equals_uint64 (media.media_sequence, 5);
  fail_unless_equals_uint64 (media.discontinuity_sequence, 2);
  fail_unless (media.target_duration == 4 * GST_SECOND);
  fail_unless (media.complete);
  fail_unless_equals_uint64 (media.duration, 7503 * GST_MSECOND);
  const auto &list = media.segments;
  fail_unless_equals_uint64 (list.entries.size (), 4);
  fail_unless (list.uri (list.entries[0]) == "a.m4s");
  fail_unless (list.uri (list.entries[3]) == "c d.m4s");
  fail_unless_equals_uint64 (list.entries[0].size, 0);
  fail_unless_equals_uint64 (list.entries[1].first, 50);
  fail_unless_equals_uint64 (list.entries[1].size, 100);
  // "begins at the next byte following the sub-range of the previous"
  fail_unless_equals_uint64 (list.entries[2].first, 150);
  fail_unless_equals_uint64 (list.entries[1].time, 3003 * GST_MSECOND);
  fail_unless_equals_uint64 (list.entries[3].time, 6503 * GST_MSECOND);
  fail_unless (!list.entries[2].discontinuity);
  fail_unless (list.entries[3].discontinuity);
  fail_unless_equals_uint64 (list.inits.size (), 2);
  fail_unless (list.inits[0].uri == "i.mp4");
  fail_unless (list.inits[0].range == presentation::Range ({5, 14}));
  fail_unless (!list.inits[1].range);
  fail_unless (list.entries[2].init == 0 && list.entries[3].init == 1);
}
GST_END_TEST;

GST_START_TEST (a_playlist_is_complete_or_not)
{
  const std::string segment = "#EXTM3U\n#EXTINF:1,\na\n";
  fail_unless (!media_of (segment).complete);
  fail_unless (media_of (segment + "#EXT-X-ENDLIST").complete);
  fail_unless (media_of (segment + "#EXT-X-PLAYLIST-TYPE:VOD\n").complete);
  fail_unless (!media_of (segment + "#EXT-X-PLAYLIST-TYPE:EVENT\n").complete);
}
GST_END_TEST;

const std::string master =
    "#EXTM3U\n"
    "#EXT-X-INDEPENDENT-SEGMENTS\n"
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a,b\",NAME=\"English, US\","
    "LANGUAGE=\"en\",DEFAULT=YES,URI=\"en.m3u8\"\n"
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"low\",NAME=\"English, US\","
    "LANGUAGE=\"en\",URI=\"en-low.m3u8\"\n"
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a,b\",NAME=\"in the variant\"\n"
    "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"s\",URI=\"s.m3u8\"\n"
    "#EXT-X-MEDIA:TYPE=SMELL,GROUP-ID=\"s\",NAME=\"s\",URI=\"s.m3u8\"\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=2000000,RESOLUTION=640x360,FRAME-RATE=29.97,"
    "CODECS=\"avc1.64001e,mp4a.40.2\",AUDIO=\"a,b\",SUBTITLES=\"s\"\n"
    "v/high.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\",AUDIO=\"low\"\n"
    "sound.m3u8\n"
    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n";

GST_START_TEST (a_multivariant_playlist_is_read)
{
  m3u8::Multivariant all = multivariant_of (master);
  fail_unless_equals_uint64 (all.variants.size (), 2);
  const m3u8::Variant &high = all.variants[0];
  fail_unless (high.uri == "v/high.m3u8" && high.audio == "a,b" &&
               high.subtitles == "s");
  fail_unless_equals_uint64 (high.bandwidth, 2000000);
  fail_unless (high.width == 640 && high.height == 360);
  fail_unless (high.frame_rate == presentation::Fraction ({29970, 1000}));
  fail_unless (high.codecs == "avc1.64001e,mp4a.40.2");
  // Of a type that nobody knows: passed over.
  fail_unless_equals_uint64 (all.renditions.size (), 4);
  fail_unless (all.renditions[0].name == "English, US" &&
               all.renditions[0].group_id == "a,b" &&
               all.renditions[0].language == "en" &&
               all.renditions[0].is_default);
}
GST_END_TEST;

GST_START_TEST (a_multivariant_playlist_becomes_tracks)
{
  auto out =
      m3u8::to_presentation (multivariant_of (master), "http://h/m.m3u8");
  fail_unless_equals_uint64 (out.periods.size (), 1);
  const auto &tracks = out.periods[0].tracks;
  // The picture, and the one audio rendition with a playlist; the variant
  // without a picture is no choice.
  fail_unless_equals_uint64 (tracks.size (), 2);
  fail_unless (tracks[0].type == presentation::Type::video);
  fail_unless_equals_uint64 (tracks[0].representations.size (), 1);
  fail_unless (tracks[0].representations[0].group == "a,b");
  fail_unless (tracks[0].representations[0].base == "http://h/m.m3u8");
  fail_unless (tracks[1].type == presentation::Type::audio);
  fail_unless (tracks[1].language == "en");
  fail_unless_equals_uint64 (tracks[1].representations.size (), 2);

  auto sound = m3u8::to_presentation (
      multivariant_of ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,"
                       "CODECS=\"mp4a.40.2\"\na.m3u8\n"),
      "http://h/");
  fail_unless (sound.periods[0].tracks[0].type == presentation::Type::audio);

  // The variant's own playlist as a rendition is no track of its own.
  auto twice = m3u8::to_presentation (
      multivariant_of (
          "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"x\","
          "URI=\"./a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,"
          "CODECS=\"mp4a.40.2\",AUDIO=\"g\"\na.m3u8\n"),
      "http://h/");
  fail_unless_equals_uint64 (twice.periods[0].tracks.size (), 1);
}
GST_END_TEST;

GST_START_TEST (a_media_playlist_becomes_a_track)
{
  auto out = m3u8::to_presentation (
      media_of ("#EXTM3U\n#EXTINF:2,\na\n#EXT-X-ENDLIST\n"), "http://h/m.m3u8");
  fail_unless (out.duration == 2 * GST_SECOND);
  fail_unless_equals_uint64 (out.periods[0].tracks.size (), 1);
  fail_unless (out.periods[0].tracks[0].type == presentation::Type::video);
}
GST_END_TEST;

static Suite *m3u8_suite ()
{
  Suite *suite = suite_create ("m3u8");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, bad_playlists_are_refused);
  tcase_add_test (tests, a_media_playlist_is_read);
  tcase_add_test (tests, a_playlist_is_complete_or_not);
  tcase_add_test (tests, a_multivariant_playlist_is_read);
  tcase_add_test (tests, a_multivariant_playlist_becomes_tracks);
  tcase_add_test (tests, a_media_playlist_becomes_a_track);
  return suite;
}

GST_CHECK_MAIN (m3u8)

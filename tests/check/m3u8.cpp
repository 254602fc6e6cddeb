// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8.h"

#include "schedule.h"
#include "testutil.h"
#include "vectors.h"

using m3u8::Error;

namespace {

m3u8::Media media_of (const std::string &text, const m3u8::Source &source = {})
{
  auto playlist = m3u8::parse (text, source);
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
    {"#EXT-X-KEY:METHOD=AES-128\n", Error::missing_attribute, 2},
    {"#EXT-X-KEY:METHOD=AES-128,URI=\"\"\n", Error::empty_uri, 2},
    {"#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=12\n", Error::bad_iv, 2},
    {"#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x\n", Error::bad_iv, 2},
    {"#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1g\n", Error::bad_iv, 2},
    {"#EXT-X-KEY:METHOD=AES-128,URI=\"k\","
     "IV=0x000102030405060708090a0b0c0d0e0f0\n",
        Error::bad_iv, 2},
    {"#EXT-X-KEY:METHOD=ROT13,URI=\"k\"\n", Error::key_method, 2},
    {"#EXT-X-KEY:METHOD=AES-128-CTR,URI=\"k\"\n", Error::key_method, 2},
    {"#EXT-X-KEY:METHOD=,URI=\"k\"\n", Error::key_method, 2},
    // Nobody here has a key of that system for whole segments.
    {"#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMAT=\"com.example\"\n"
     "#EXTINF:2,\na\n",
        Error::key_format, 4},
    // "the IV attribute of the EXT-X-KEY tag that applies to the EXT-X-MAP is
    // REQUIRED" (4.4.4.5)
    {"#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"i\"\n",
        Error::map_without_iv, 3},
    {"#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n"
     "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"l\",KEYFORMAT=\"x\"\n"
     "#EXTINF:2,\na\n",
        Error::keys_disagree, 5},
    {"#EXT-X-VERSION:4\n#EXT-X-VERSION:4\n", Error::two_versions, 3},
    {"#EXT-X-VERSION:x\n", Error::bad_number, 2},
    {"#EXT-X-DEFINE:VALUE=\"b\"\n", Error::bad_definition, 2},
    {"#EXT-X-DEFINE:NAME=\"a\",IMPORT=\"a\"\n", Error::bad_definition, 2},
    {"#EXT-X-DEFINE:NAME=\"a\"\n", Error::missing_attribute, 2},
    {"#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n"
     "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n",
        Error::defined_twice, 3},
    {"#EXT-X-DEFINE:IMPORT=\"a\"\n", Error::undefined, 2},
    {"#EXT-X-DEFINE:QUERYPARAM=\"a\"\n", Error::no_such_parameter, 2},
    {"#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXTINF:2,\n{$c}\n",
        Error::undefined, 4},
    {"#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXT-X-MAP:URI=\"{$c}\"\n",
        Error::undefined, 3},
    {"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1\n", Error::missing_attribute, 2},
    {"#EXT-X-STREAM-INF:SCORE=x\na\n", Error::bad_number, 2},
    {"#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=x\na\n", Error::bad_number, 2},
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
        m3u8::is_unsupported (row.error) == (row.error >= Error::key_method));
  }
  std::string keys = "#EXTM3U\n";
  for (int i = 0; i < 65; i++)
    keys += "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\",KEYFORMAT=\"" +
            std::to_string (i) + "\"\n";
  fail_unless (m3u8::parse (keys).code () == Error::too_many_keys);
  // A variable of variables of variables ...
  std::string bomb = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"0\",VALUE=\"01234567\"\n";
  for (int i = 1; i < 64; i++) {
    std::string last = "{$" + std::to_string (i - 1) + "}";
    bomb += "#EXT-X-DEFINE:NAME=\"" + std::to_string (i) + "\",VALUE=\"" +
            last + last + last + last + "\"\n";
  }
  fail_unless (m3u8::parse (bomb).code () == Error::too_large);
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
  fail_unless_equals_uint64 (media.segments.media_sequence, 5);
  fail_unless_equals_uint64 (media.segments.discontinuity_sequence, 2);
  fail_unless (media.target_duration == 4 * GST_SECOND);
  fail_unless (media.complete);
  fail_unless_equals_uint64 (media.duration, 7503 * GST_MSECOND);
  const auto &list = media.segments;
  fail_unless_equals_uint64 (list.entries.size (), 4);
  fail_unless (list.uri (list.entries[0]) == "a.m4s");
  fail_unless (list.uri (list.entries[3]) == "c d.m4s");
  fail_unless_equals_uint64 (list.part (list.entries[0]).size, 0);
  fail_unless_equals_uint64 (list.part (list.entries[1]).first, 50);
  fail_unless_equals_uint64 (list.part (list.entries[1]).size, 100);
  // "begins at the next byte following the sub-range of the previous"
  fail_unless_equals_uint64 (list.part (list.entries[2]).first, 150);
  fail_unless_equals_uint64 (list.entries[1].time, 3003 * GST_MSECOND);
  fail_unless_equals_uint64 (list.entries[3].time, 6503 * GST_MSECOND);
  fail_unless (!list.entries[2].discontinuity);
  fail_unless (list.entries[3].discontinuity);
  fail_unless (list.discontinuities == (std::vector<std::uint32_t>{3}));
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
  // The picture, and the audio rendition with a playlist, subtitles, key
  // frames; the variant without a picture is no choice.
  fail_unless_equals_uint64 (tracks.size (), 4);
  fail_unless (tracks[0].type == presentation::Type::video);
  fail_unless_equals_uint64 (tracks[0].representations.size (), 1);
  fail_unless (tracks[0].representations[0].group == "a,b");
  fail_unless (tracks[0].representations[0].base == "http://h/m.m3u8");
  fail_unless (tracks[1].type == presentation::Type::audio);
  fail_unless (tracks[1].language == "en");
  fail_unless_equals_uint64 (tracks[1].representations.size (), 2);
  fail_unless (tracks[0].sound_within && !tracks[0].sound_within->is_default);
  fail_unless (!tracks[0].sound_within->autoselect);
  fail_unless (!tracks[1].sound_within);

  auto within = m3u8::to_presentation (
      multivariant_of (
          "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"a\","
          "DEFAULT=YES,AUTOSELECT=YES\n"
          "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"b\"\n"
          "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"g\"\nv.m3u8\n"),
      "http://h/");
  const auto &said = within.periods[0].tracks[0].sound_within;
  fail_unless (said && said->is_default && said->autoselect);

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

// What is fetched for the n-th entry.
static presentation::Segment segment_of (
    const m3u8::Media &media, std::size_t n)
{
  auto out = m3u8::to_presentation (media, "http://h/p/m.m3u8");
  auto segment =
      schedule::segment (out.periods[0].tracks[0].representations[0], n);
  fail_unless (segment.has_value ());
  return *segment;
}

GST_START_TEST (whole_segments_have_keys)
{
  using enum presentation::Encryption::Cipher;
  m3u8::Media media = media_of (
      "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:258\n#EXTINF:1,\nclear\n"
      "#EXT-X-KEY:METHOD=AES-128,URI=\"k?1\"\n#EXTINF:1,\na\n"
      // Again, as some write it before each segment.
      "#EXT-X-KEY:METHOD=AES-128,URI=\"k?1\"\n#EXTINF:1,\nb\n"
      "#EXT-X-KEY:METHOD=AES-256,URI=\"http://k/2\",IV=0X0aB\n"
      "#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\nc\n"
      "#EXT-X-KEY:METHOD=AES-256-CTR,URI=\"k3\","
      "IV=0xffeeddccbbaa99887766554433221100\n"
      "#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\nd\n"
      "#EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\ne\n");
  fail_unless_equals_uint64 (media.segments.keys.size (), 3);
  fail_unless (!segment_of (media, 0).resource.encryption);
  // "the Media Sequence Number is to be used as the IV": 259, 260
  presentation::Encryption wanted{aes_128, "http://h/p/k?1", {}};
  wanted.iv[14] = 1;
  wanted.iv[15] = 3;
  fail_unless (segment_of (media, 1).resource.encryption == wanted);
  wanted.iv[15] = 4;
  fail_unless (segment_of (media, 2).resource.encryption == wanted);
  // The digits are right-aligned.
  wanted = {aes_256, "http://k/2", {}};
  wanted.iv[15] = 0xab;
  presentation::Segment third = segment_of (media, 3);
  fail_unless (third.resource.encryption == wanted);
  fail_unless (third.init && third.init->encryption == wanted);
  presentation::Segment fourth = segment_of (media, 4);
  wanted = {aes_256_ctr, "http://h/p/k3", {}};
  for (std::size_t i = 0; i < 16; i++)
    wanted.iv[i] = static_cast<std::uint8_t> (0xff - 0x11 * i);
  fail_unless (fourth.resource.encryption == wanted);
  // The same address with another key is another one.
  fail_unless (fourth.init && *fourth.init != *third.init);
  presentation::Segment last = segment_of (media, 5);
  fail_unless (!last.resource.encryption && !last.init->encryption);
}
GST_END_TEST;

GST_START_TEST (each_segment_may_have_a_key)
{
  auto iv = [] (const m3u8::Media &media, std::size_t n) -> std::uint8_t {
    return segment_of (media, n).resource.encryption->iv[15];
  };
  const std::string key = "#EXT-X-KEY:METHOD=AES-128,";
  const std::string segment = "#EXTINF:1,\na\n";
  m3u8::Media media =
      media_of ("#EXTM3U\n" + key + "IV=0x01,URI=\"k1\"\n" + segment +  //
                key + "IV=0x02,URI=\"k1\"\n" + segment +                //
                key + "IV=0x02,URI=\"k1\"\n" + segment +                //
                key + "IV=0x03,URI=\"k2\"\n" + segment +                //
                key + "IV=0x003,URI=\"k\"\n" + segment +                //
                key + "URI=\"k345678\"\n" + segment +                   //
                "#EXT-X-KEY:METHOD=NONE\n" + segment +                  //
                key + "URI=\"k345678\"\n" + segment);
  const char *uris[] = {"k1", "k1", "k1", "k2", "k", "k345678"};
  const std::uint8_t ivs[] = {1, 2, 2, 3, 3, 5};
  for (std::size_t n = 0; n < std::size (ivs); n++) {
    fail_unless (segment_of (media, n).resource.encryption->key_uri ==
                 std::string ("http://h/p/") + uris[n]);
    fail_unless_equals_int (iv (media, n), ivs[n]);
  }
  fail_unless (!segment_of (media, 6).resource.encryption);
  fail_unless_equals_int (iv (media, 7), 7);
  // Long ones, of which the first half stays or does not.
  const std::string ivs_of[] = {"0x00000000000000010000000000000001",
      "0x000000000000000100000000000000Fe",
      "0x00000000000000020000000000000001",
      "0X00000000000000020000000000000003"};
  std::string list = "#EXTM3U\n";
  for (const std::string &text : ivs_of)
    list += key + "URI=\"k\",IV=" + text + "\n" + segment;
  media = media_of (list);
  for (std::size_t n = 0; n < std::size (ivs_of); n++) {
    auto bytes = test::hex (ivs_of[n].substr (2));
    const auto is = segment_of (media, n).resource.encryption->iv;
    fail_unless (std::equal (is.begin (), is.end (), bytes.begin ()), "%zu", n);
  }
  // Of samples as well.
  list = "#EXTM3U\n";
  for (const char *text : {"0x1", "0x2", "0x2"})
    list += std::string ("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\",IV=") + text +
            "\n" + segment;
  media = media_of (list);
  for (std::size_t n : {0U, 1U, 2U})
    fail_unless (segment_of (media, n).protections->at (0).iv ==
                     std::string (31, '0') + (n == 0 ? "1" : "2"),
        "%zu", n);
  auto broken = m3u8::parse ("#EXTM3U\n" + key + "IV=0x01,URI=\"k1\"\n" +
                             segment + key + "IV=0xg1,URI=\"k1\"\n" + segment);
  fail_unless (broken.code () == Error::bad_iv && broken.position () == 5);
}
GST_END_TEST;

GST_START_TEST (one_of_several_keys_is_chosen)
{
  // Those of a format, or a version of it, that nobody here knows are passed
  // over.
  m3u8::Media media = media_of (
      "#EXTM3U\n"
      "#EXT-X-KEY:METHOD=AES-128,URI=\"skd://x\","
      "KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\"\n"
      "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMAT=\"identity\","
      "KEYFORMATVERSIONS=\"5/1\"\n"
      "#EXT-X-KEY:METHOD=AES-128,URI=\"later\",KEYFORMATVERSIONS=\"2\"\n"
      "#EXTINF:1,\na\n"
      // In place of the one of the same format; the other one stays.
      "#EXT-X-KEY:METHOD=AES-128,URI=\"l\"\n#EXTINF:1,\nb\n");
  fail_unless (
      segment_of (media, 0).resource.encryption->key_uri == "http://h/p/k");
  fail_unless (
      segment_of (media, 1).resource.encryption->key_uri == "http://h/p/l");
}
GST_END_TEST;

// Outside of MP4 there is nobody else to do it, with a key of the format
// "identity". With EXT-X-MAP its bytes say whether it is MP4.
GST_START_TEST (samples_outside_of_mp4_have_a_key)
{
  const std::string fairplay =
      "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://y\","
      "KEYFORMAT=\"com.apple.streamingkeydelivery\"\n";
  m3u8::Media media = media_of (
      "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:258\n"
      "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\",IV=0x10\n#EXTINF:1,\na\n" +
          fairplay +
          "#EXTINF:1,\nb\n"
          "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"l\"\n#EXTINF:1,\nc\n"
          "#EXT-X-KEY:METHOD=NONE\n" +
          fairplay +
          "#EXTINF:1,\nd\n"
          "#EXT-X-KEY:METHOD=NONE\n"
          "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"k\"\n#EXTINF:1,\ne\n"
          "#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\nf\n"
          "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"
          "#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\ng\n",
      {"http://h/p/m.m3u8", nullptr});
  const struct
  {
    const char *key;  // null: none
    unsigned iv;      // its last 16 bits
  } rows[] = {{"http://h/p/k", 0x10}, {"http://h/p/k", 0x10},
      // The media sequence number.
      {"http://h/p/l", 260}, {nullptr, 0}, {nullptr, 0}, {nullptr, 0},
      {"http://h/p/k", 264}};
  for (std::size_t n = 0; n < std::size (rows); n++) {
    presentation::Segment segment = segment_of (media, n);
    fail_unless (!segment.resource.encryption);
    fail_unless (
        segment.samples.has_value () == (rows[n].key != nullptr), "%zu", n);
    if (!segment.samples) continue;
    presentation::Encryption::Iv iv{};
    iv[14] = static_cast<std::uint8_t> (rows[n].iv >> 8);
    iv[15] = static_cast<std::uint8_t> (rows[n].iv);
    fail_unless (segment.samples->key_uri == rows[n].key, "%zu", n);
    fail_unless (segment.samples->iv == iv, "%zu", n);
    fail_unless (
        segment.samples->cipher == presentation::Encryption::Cipher::aes_128);
  }
}
GST_END_TEST;

GST_START_TEST (samples_have_protections)
{
  const std::string pssh = "AAAANHBzc2gAAAAA7e+LqXnWSs6jyCfc1R0h7Q==";
  m3u8::Media media = media_of (
      "#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n"
      "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64," +
          pssh +
          "\",KEYID=0x00112233445566778899AABBCCDDEEFF,"
          "KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\","
          "KEYFORMATVERSIONS=\"1\"\n"
          "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"k\",IV=0x10\n"
          "#EXTINF:1,\na\n#EXTINF:1,\nb\n"
          "#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\nc\n"
          "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://y\","
          "KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:1,\nd\n",
      {"http://h/p/m.m3u8", nullptr});
  presentation::Segment first = segment_of (media, 0);
  // The samples are encrypted, not the segment, nor what is before the key.
  fail_unless (!first.resource.encryption && !first.init->encryption);
  fail_unless (first.protections && first.protections->size () == 2);
  const auto &widevine = first.protections->at (0);
  fail_unless (widevine.scheme_id_uri ==
               "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed");
  fail_unless (widevine.value == "cenc");
  fail_unless (widevine.pssh == std::vector{pssh});
  fail_unless (widevine.default_kid == "00112233-4455-6677-8899-aabbccddeeff");
  const auto &identity = first.protections->at (1);
  fail_unless (identity.key_format == "identity" &&
               identity.scheme_id_uri.empty () && identity.pssh.empty () &&
               identity.key_uri == "http://h/p/k" &&
               identity.iv == "00000000000000000000000000000010");
  fail_unless (segment_of (media, 1).protections == first.protections);
  fail_unless (!segment_of (media, 2).protections);
  presentation::Segment fourth = segment_of (media, 3);
  fail_unless (fourth.protections->size () == 1);
  fail_unless (fourth.protections->at (0).value == "cbcs" &&
               fourth.protections->at (0).key_uri == "skd://y" &&
               fourth.protections->at (0).scheme_id_uri ==
                   "urn:uuid:94ce86fb-07ff-4f43-adb8-93d2fa968ca2");
  auto all = m3u8::to_presentation (media, "http://h/p/m.m3u8");
  fail_unless (all.periods[0].tracks[0].representations[0].protections ==
               *first.protections);
}
GST_END_TEST;

GST_START_TEST (variables_are_expanded)
{
  const presentation::Variables imports{{"host", "http://i"}};
  m3u8::Media media = media_of (
      "#EXTM3U\n#EXTINF:1,\n{$before}\n"
      "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"x\"\n"
      "#EXT-X-DEFINE:NAME=\"b\",VALUE=\"{$a}y\"\n"
      "#EXT-X-DEFINE:QUERYPARAM=\"token\"\n"
      "#EXT-X-DEFINE:IMPORT=\"host\"\n"
      "#EXT-X-DEFINE:NAME=\"iv\",VALUE=\"0x1\"\n"
      "#EXT-X-KEY:METHOD=AES-128,URI=\"{$host}/k\",IV={$iv}\n"
      "#EXT-X-MAP:URI=\"{$b}.mp4\"\n"
      "#EXTINF:1,\n#EXT-X-BYTERANGE:5@0\n{$host}/{$b}/{$a}?t={$token}\n"
      "#EXTINF:1,\n#EXT-X-BYTERANGE:5\n{$host}/xy/{$a}?t={$token}\n"
      "#EXTINF:1,\n{$host\n#EXTINF:1,\nplain\n",
      {"http://h/p/m.m3u8?u=1&token=a%2Fb&token=c", &imports});
  // Before there is any it may be anything.
  fail_unless (segment_of (media, 0).resource.uri == "http://h/p/{$before}");
  presentation::Segment second = segment_of (media, 1);
  fail_unless (second.resource.uri == "http://i/xy/x?t=a/b", "%s",
      second.resource.uri.c_str ());
  fail_unless (second.resource.encryption->key_uri == "http://i/k");
  fail_unless (second.init->uri == "http://h/p/xy.mp4");
  // Written in another way, but the same resource.
  fail_unless (
      segment_of (media, 2).resource.range == presentation::Range ({5, 9}));
  // Not one that is closed.
  fail_unless (segment_of (media, 3).resource.uri == "http://h/p/{$host");
  fail_unless (segment_of (media, 4).resource.uri == "http://h/p/plain");

  m3u8::Multivariant all = multivariant_of (
      "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"x\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1\n{$a}.m3u8\n");
  fail_unless (all.variants[0].uri == "x.m3u8");
  auto out = m3u8::to_presentation (all, "http://h/");
  const auto &playlist = std::get<presentation::Playlist> (
      out.periods[0].tracks[0].representations[0].segments);
  fail_unless (playlist.variables &&
               *playlist.variables == presentation::Variables ({{"a", "x"}}));
}
GST_END_TEST;

// 4.4.2.3: of several parameters of a name "any of the associated values MAY be
// used".
GST_START_TEST (query_parameters_are_decoded)
{
  const struct
  {
    const char *query;
    const char *uri;  // null: an error
    Error error = Error::no_such_parameter;
  } rows[] = {
      {"?q=a", "http://h/p/a.ts"},
      {"?q=a%2Fb", "http://h/p/a/b.ts"},
      {"?q=%61%62", "http://h/p/ab.ts"},
      // Once; and a plus sign is one.
      {"?q=a%252Fb+c", "http://h/p/a%2Fb+c.ts"},
      // What no URI may have is encoded there again.
      {"?q=a%20b%C3%A9", "http://h/p/a%20b%C3%A9.ts"},
      {"?q=a%2", "http://h/p/a%2.ts"},
      {"?q=a=b&r", "http://h/p/a=b.ts"},
      {"?r=1&q=a&q=b", "http://h/p/a.ts"},
      {"?q&q=&q=c", "http://h/p/c.ts"},
      {"", nullptr},
      {"?q", nullptr},
      {"?q=", nullptr},
      {"?Q=a&qq=b#q=c", nullptr},
      {"?q=a%22b", nullptr, Error::bad_parameter},
      {"?q=a%0Ab", nullptr, Error::bad_parameter},
      {"?q=%0d", nullptr, Error::bad_parameter},
  };
  for (const auto &row : rows) {
    auto playlist = m3u8::parse (
        "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"q\"\n"
        "#EXTINF:1,\n{$q}.ts\n",
        {std::string ("http://h/p/m.m3u8") + row.query, nullptr});
    fail_unless (playlist.ok () == (row.uri != nullptr), "%s", row.query);
    if (row.uri == nullptr) {
      fail_unless (playlist.code () == row.error && playlist.position () == 2,
          "%s", row.query);
      continue;
    }
    std::string uri =
        segment_of (std::get<m3u8::Media> (*playlist), 0).resource.uri;
    fail_unless (uri == row.uri, "%s: %s", row.query, uri.c_str ());
  }
}
GST_END_TEST;

// "0-9 init 0-4": the bytes of each segment, and of its initialization.
GST_START_TEST (key_frames_are_led_to)
{
  const struct
  {
    const char *lines;
    std::vector<const char *> expected;
  } rows[] = {
      // One in each resource: the tables of TS come with it.
      {"#EXT-X-BYTERANGE:10@376\n#EXTINF:2,\na\n"
       "#EXT-X-BYTERANGE:20@376\n#EXTINF:2,\nb\n",
          {"a 0-385", "b 0-395"}},
      {"#EXT-X-BYTERANGE:10@376\n#EXTINF:2,\na\n"
       "#EXT-X-BYTERANGE:5@900\n#EXTINF:2,\na\n"
       "#EXT-X-BYTERANGE:5\n#EXTINF:2,\na\n",
          {"a 0-385", "a 900-904 init a 0-375", "a 905-909 init a 0-375"}},
      {"#EXT-X-BYTERANGE:10@376\n#EXTINF:2,\na\n"
       "#EXT-X-BYTERANGE:10@188\n#EXTINF:2,\nb\n"
       "#EXT-X-BYTERANGE:10@500\n#EXTINF:2,\nb\n"
       "#EXT-X-BYTERANGE:5@900\n#EXTINF:2,\na\n",
          {"a 0-385", "b 0-197", "b 500-509 init b 0-187",
              "a 900-904 init a 0-375"}},
      // It begins with the first one, or is all of it.
      {"#EXT-X-BYTERANGE:10@0\n#EXTINF:2,\na\n"
       "#EXT-X-BYTERANGE:5@900\n#EXTINF:2,\na\n#EXTINF:2,\nb\n",
          {"a 0-9", "a 900-904", "b"}},
      // What comes earlier in it than the first one.
      {"#EXT-X-BYTERANGE:10@376\n#EXTINF:2,\na\n"
       "#EXT-X-BYTERANGE:5@20\n#EXTINF:2,\na\n",
          {"a 376-385 init a 0-19", "a 0-24"}},
      {"#EXT-X-MAP:URI=\"m\",BYTERANGE=\"7@1\"\n"
       "#EXT-X-BYTERANGE:10@376\n#EXTINF:2,\na\n",
          {"a 376-385 init m 1-7"}},
      // Without an offset it is the first bytes (4.4.4.5).
      {"#EXT-X-MAP:URI=\"m\",BYTERANGE=\"7\"\n"
       "#EXT-X-BYTERANGE:10@376\n#EXTINF:2,\na\n",
          {"a 376-385 init m 0-6"}},
      // Nobody could decrypt a part of it.
      {"#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n"
       "#EXT-X-BYTERANGE:10@376\n#EXTINF:2,\na\n",
          {"a 376-385"}},
      {"#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"
       "#EXT-X-BYTERANGE:10@376\n#EXTINF:2,\na\n",
          {"a 0-385"}},
  };
  auto text = [] (const presentation::Resource &resource) {
    std::string out = resource.uri.substr (strlen ("http://h/p/"));
    if (resource.range)
      out += " " + std::to_string (resource.range->first) + "-" +
             std::to_string (resource.range->last.value_or (0));
    return out;
  };
  for (const auto &row : rows) {
    m3u8::Media media = media_of (
        (std::string ("#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n") + row.lines).c_str ());
    fail_unless_equals_uint64 (
        media.segments.entries.size (), row.expected.size ());
    for (std::size_t i = 0; i < row.expected.size (); i++) {
      presentation::Segment segment = segment_of (media, i);
      std::string said = text (segment.resource);
      if (segment.init) said += " init " + text (*segment.init);
      fail_unless (said == row.expected[i], "%s: %s instead of %s", row.lines,
          said.c_str (), row.expected[i]);
      // Each by itself, and without a hole in time.
      fail_unless (segment.discontinuity);
      fail_unless_equals_uint64 (segment.time, i * 2 * GST_SECOND);
    }
  }
}
GST_END_TEST;

GST_START_TEST (what_is_said_of_segments_is_read)
{
  m3u8::Media media = media_of (
      "#EXTM3U\n#EXT-X-VERSION: 10\n#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-I-FRAMES-ONLY\n#EXT-X-START:TIME-OFFSET=-12.5,PRECISE=YES\n"
      "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n"
      "#EXT-X-BITRATE:400\n#EXTINF:4,\na\n"
      "#EXT-X-GAP\n#EXTINF:4,\nb\n#EXT-X-BITRATE:900\n"
      "#EXT-X-PROGRAM-DATE-TIME:2010-02-19T14:54:23.031+08:00\n"
      "#EXTINF:4,\nc\n#EXT-X-PROGRAM-DATE-TIME:never\n#EXTINF:4,\nd\n"
      "#EXT-X-DATERANGE:ID=\"ad\",CLASS=\"c\",CUE=\"PRE,ONCE\","
      "START-DATE=\"2010-02-19T06:54:24.031Z\",PLANNED-DURATION=3.5,"
      "END-ON-NEXT=YES,X-A=\"1\",SCTE35-OUT=0xFC\n"
      "#EXT-X-DATERANGE:ID=\"early\",START-DATE=\"2010-02-19T06:54:13.031Z\","
      "END-DATE=\"2010-02-19T06:54:14.031Z\",DURATION=1\n"
      // Broken ones are passed over.
      "#EXT-X-DATERANGE:ID=\"no start\"\n"
      "#EXT-X-DATERANGE:START-DATE=\"2010-02-19T06:54:13.031Z\"\n"
      "#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"2010-02-19\",DURATION=-1\n"
      "#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"2010-02-19\",END-DATE=\"x\"\n");
  const auto &list = media.segments;
  fail_unless (list.independent_segments && list.i_frames_only);
  fail_unless (media.start && media.start->from_end && media.start->precise);
  fail_unless_equals_uint64 (media.start->offset, 12'500 * GST_MSECOND);
  fail_unless_equals_uint64 (list.media_sequence, 7);
  fail_unless_equals_uint64 (list.discontinuity_sequence, 3);
  fail_unless_equals_uint64 (media.bitrate, 900'000);
  fail_unless (!segment_of (media, 0).gap && segment_of (media, 1).gap &&
               !segment_of (media, 2).gap);
  fail_unless_equals_uint64 (list.dates.size (), 1);
  fail_unless_equals_int (static_cast<int> (list.dates[0].entry), 2);
  fail_unless_equals_int64 (list.dates[0].milliseconds, 1'266'562'463'031);

  fail_unless_equals_uint64 (media.date_ranges.size (), 2);
  const presentation::DateRange &ad = media.date_ranges[0];
  fail_unless (ad.id == "ad" && ad.scheme == "c" && ad.cue == "PRE,ONCE" &&
               ad.end_on_next && !ad.end && !ad.duration &&
               ad.planned_duration == 3500 * GST_MSECOND);
  // A second after the third segment's beginning.
  fail_unless (ad.time == std::int64_t{9 * GST_SECOND});
  fail_unless_equals_uint64 (ad.attributes.size (), 2);
  fail_unless (
      ad.attributes[0].first == "X-A" && ad.attributes[0].second == "1");
  const presentation::DateRange &early = media.date_ranges[1];
  fail_unless (early.time == -std::int64_t{2 * GST_SECOND});
  fail_unless (early.end == early.start + 1000 && early.duration == GST_SECOND);

  auto out = m3u8::to_presentation (media, "http://h/");
  fail_unless (out.notes.start && out.notes.date_ranges.size () == 2);
  // In another track's playlist they are the same ones.
  m3u8::note (out.notes, media);
  fail_unless_equals_uint64 (out.notes.date_ranges.size (), 2);
  fail_unless_equals_uint64 (
      out.periods[0].tracks[0].representations[0].bandwidth, 900'000);
}
GST_END_TEST;

GST_START_TEST (date_ranges_without_dates_have_no_time)
{
  // A date behind the last segment is nobody's.
  m3u8::Media behind = media_of (
      "#EXTM3U\n#EXTINF:1,\na\n#EXT-X-PROGRAM-DATE-TIME:2010-02-19\n"
      "#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"2010-02-19\"\n");
  fail_unless (behind.segments.dates.empty () && !behind.date_ranges[0].time);
  const std::string range =
      "#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"9999-12-31\"\n";
  fail_unless (
      !media_of ("#EXTM3U\n#EXTINF:1,\na\n" + range).date_ranges[0].time);
  // Beyond 292 years
  fail_unless (
      !media_of ("#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01\n"
                 "#EXTINF:1,\na\n" +
                 range)
           .date_ranges[0]
           .time);
}
GST_END_TEST;

GST_START_TEST (all_of_a_multivariant_playlist_is_read)
{
  m3u8::Multivariant all = multivariant_of (
      "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-START:TIME-OFFSET=3\n"
      "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\","
      "LANGUAGE=\"de\",ASSOC-LANGUAGE=\"gsw\",FORCED=YES,AUTOSELECT=YES,"
      "CHARACTERISTICS=\"public.x\",STABLE-RENDITION-ID=\"r\",URI=\"s.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"nowhere\"\n"
      "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"en\","
      "LANGUAGE=\"en\",INSTREAM-ID=\"SERVICE3\",DEFAULT=YES\n"
      "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"which?\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",CHANNELS=\"6\","
      "URI=\"a.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"v\",NAME=\"angle\",URI=\"v.m3u8\"\n"
      "#EXT-X-SESSION-DATA:DATA-ID=\"a.b\",VALUE=\"v\",LANGUAGE=\"en\"\n"
      "#EXT-X-SESSION-DATA:DATA-ID=\"c\",URI=\"d.json\"\n"
      "#EXT-X-SESSION-DATA:DATA-ID=\"neither\"\n"
      "#EXT-X-SESSION-DATA:VALUE=\"whose\"\n"
      "#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://z\","
      "KEYFORMAT=\"com.apple.streamingkeydelivery\"\n"
      "#EXT-X-SESSION-KEY:METHOD=ROT13,URI=\"x\"\n"
      "#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=9,AVERAGE-BANDWIDTH=8,SCORE=1.5,"
      "CODECS=\"avc1.4d\",SUPPLEMENTAL-CODECS=\"dvh1.08.07/db4h\","
      "RESOLUTION=640x360,FRAME-RATE=25,HDCP-LEVEL=TYPE-0,"
      "ALLOWED-CPC=\"c:x\",VIDEO-RANGE=PQ,STABLE-VARIANT-ID=\"i\","
      "AUDIO=\"a\",VIDEO=\"v\",SUBTITLES=\"s\",CLOSED-CAPTIONS=\"c\","
      "PATHWAY-ID=\"p\",URI=\"not this\"\nm.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d\",CLOSED-CAPTIONS=NONE\n"
      "l.m3u8\n"
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=2,RESOLUTION=640x360,"
      "URI=\"i.m3u8\"\n");
  auto out = m3u8::to_presentation (all, "http://h/m.m3u8");
  fail_unless (out.notes.start && !out.notes.start->from_end &&
               out.notes.start->offset == 3 * GST_SECOND &&
               !out.notes.start->precise);
  fail_unless_equals_uint64 (out.notes.captions.size (), 1);
  fail_unless (out.notes.captions[0].instream_id == "SERVICE3" &&
               out.notes.captions[0].group == "c" &&
               out.notes.captions[0].is_default &&
               out.notes.captions[0].autoselect);
  fail_unless_equals_uint64 (out.notes.session_data.size (), 2);
  fail_unless (out.notes.session_data[0].id == "a.b" &&
               out.notes.session_data[0].value == "v" &&
               out.notes.session_data[0].language == "en" &&
               out.notes.session_data[0].uri.empty ());
  fail_unless_equals_uint64 (out.notes.session_keys.size (), 1);
  fail_unless (out.notes.session_keys[0].key_uri == "skd://z");

  const auto &tracks = out.periods[0].tracks;
  fail_unless_equals_uint64 (tracks.size (), 5);
  const auto &high = tracks[0].representations[0];
  fail_unless (high.id == "i" && high.average_bandwidth == 8 &&
               high.supplemental_codecs == "dvh1.08.07/db4h" &&
               high.hdcp_level == "TYPE-0" && high.allowed_cpc == "c:x" &&
               high.video_range == "PQ" && high.pathway_id == "p");
  fail_unless (high.score > 1.49 && high.score < 1.51);
  fail_unless (high.group == "a" && high.video_group == "v" &&
               high.text_group == "s" && high.captions_group == "c");
  const auto &playlist = std::get<presentation::Playlist> (high.segments);
  fail_unless (playlist.uri == "m.m3u8" && playlist.independent_segments);
  fail_unless (tracks[0].representations[1].captions_group.empty ());

  fail_unless (
      tracks[1].type == presentation::Type::text && tracks[1].is_rendition &&
      tracks[1].forced && tracks[1].autoselect && !tracks[1].is_default &&
      tracks[1].id == "r" && tracks[1].language == "de" &&
      tracks[1].label == "Deutsch" && tracks[1].characteristics == "public.x");
  fail_unless (
      tracks[2].type == presentation::Type::audio && tracks[2].channels == "6");
  fail_unless (tracks[3].type == presentation::Type::video &&
               tracks[3].is_rendition && !tracks[3].is_trick_mode);
  fail_unless (tracks[4].is_trick_mode && !tracks[4].is_rendition &&
               tracks[4].representations[0].width == 640);
}
GST_END_TEST;

struct Foreign
{
  const char *name;
  std::size_t count;  // of segments, or of variants; or else
  std::optional<Error> error;
  std::size_t line = 0;
};

const Foreign foreign[] = {
    {"m3u8-parser/absoluteUris.m3u8", 4, {}},
    {"m3u8-parser/allowCache.m3u8", 17, {}},
    {"m3u8-parser/allowCacheInvalid.m3u8", 1, {}},
    {"m3u8-parser/alternateAudio.m3u8", 2, {}},
    {"m3u8-parser/alternateVideo.m3u8", 1, {}},
    {"m3u8-parser/brightcove.m3u8", 4, {}},
    // The third segment's range follows one of another resource.
    {"m3u8-parser/byteRange.m3u8", 0, Error::no_offset, 13},
    {"m3u8-parser/dateTime.m3u8", 2, {}},
    {"m3u8-parser/diff-init-key.m3u8", 0, Error::map_without_iv, 7},
    {"m3u8-parser/disallowCache.m3u8", 1, {}},
    {"m3u8-parser/disc-sequence.m3u8", 4, {}},
    {"m3u8-parser/discontinuity.m3u8", 9, {}},
    {"m3u8-parser/domainUris.m3u8", 4, {}},
    {"m3u8-parser/empty.m3u8", 0, Error::not_m3u8, 1},
    {"m3u8-parser/emptyAllowCache.m3u8", 1, {}},
    {"m3u8-parser/emptyMediaSequence.m3u8", 0, Error::bad_number, 3},
    {"m3u8-parser/emptyPlaylistType.m3u8", 6, {}},
    {"m3u8-parser/emptyTargetDuration.m3u8", 0, Error::bad_number, 2},
    {"m3u8-parser/encrypted.m3u8", 6, {}},
    {"m3u8-parser/event.m3u8", 6, {}},
    {"m3u8-parser/extXPlaylistTypeInvalidPlaylist.m3u8", 1, {}},
    {"m3u8-parser/extinf.m3u8", 0, Error::bad_extinf, 9},
    {"m3u8-parser/fmp4.m3u8", 2, {}},
    {"m3u8-parser/headerOnly.m3u8", 0, Error::empty, 1},
    {"m3u8-parser/iFramePlaylist.m3u8", 9, {}},
    {"m3u8-parser/iFramesOnly.m3u8", 6, {}},
    {"m3u8-parser/invalidAllowCache.m3u8", 1, {}},
    {"m3u8-parser/invalidMediaSequence.m3u8", 0, Error::bad_number, 3},
    {"m3u8-parser/invalidPlaylistType.m3u8", 6, {}},
    {"m3u8-parser/invalidTargetDuration.m3u8", 0, Error::bad_number, 2},
    {"m3u8-parser/liveMissingSegmentDuration.m3u8", 0, Error::no_extinf, 8},
    {"m3u8-parser/liveStart30sBefore.m3u8", 9, {}},
    {"m3u8-parser/llhls-byte-range.m3u8", 0, Error::bad_byterange, 7},
    {"m3u8-parser/llhls-delta-byte-range.m3u8", 0, Error::delta_update, 7},
    {"m3u8-parser/llhls.m3u8", 7, {}},
    {"m3u8-parser/llhlsDelta.m3u8", 0, Error::delta_update, 8},
    {"m3u8-parser/manifestExtTTargetdurationNegative.m3u8", 0,
        Error::bad_number, 2},
    {"m3u8-parser/manifestExtXEndlistEarly.m3u8", 5, {}},
    {"m3u8-parser/manifestNoExtM3u.m3u8", 0, Error::not_m3u8, 1},
    {"m3u8-parser/master-fmp4.m3u8", 24, {}},
    // A comment before #EXTM3U, which "MUST be the first line" (4.4.1.1).
    {"m3u8-parser/master.m3u8", 0, Error::not_m3u8, 1},
    {"m3u8-parser/media.m3u8", 4, {}},
    {"m3u8-parser/mediaSequence.m3u8", 4, {}},
    {"m3u8-parser/missingEndlist.m3u8", 2, {}},
    {"m3u8-parser/missingExtinf.m3u8", 0, Error::no_extinf, 8},
    {"m3u8-parser/missingMediaSequence.m3u8", 4, {}},
    {"m3u8-parser/missingSegmentDuration.m3u8", 0, Error::no_extinf, 8},
    {"m3u8-parser/multipleAudioGroups.m3u8", 4, {}},
    {"m3u8-parser/multipleAudioGroupsCombinedMain.m3u8", 4, {}},
    {"m3u8-parser/multipleTargetDurations.m3u8", 0, Error::no_extinf, 2},
    {"m3u8-parser/multipleVideo.m3u8", 2, {}},
    {"m3u8-parser/negativeMediaSequence.m3u8", 0, Error::bad_number, 3},
    {"m3u8-parser/playlist.m3u8", 17, {}},
    {"m3u8-parser/playlistMediaSequenceHigher.m3u8", 1, {}},
    {"m3u8-parser/start.m3u8", 0, Error::not_m3u8, 1},
    {"m3u8-parser/streamInfInvalid.m3u8", 0, Error::not_m3u8, 1},
    {"m3u8-parser/twoMediaSequences.m3u8", 4, {}},
    {"m3u8-parser/versionInvalid.m3u8", 0, Error::bad_number, 3},
    {"m3u8-parser/whiteSpace.m3u8", 4, {}},
    {"m3u8-parser/zeroDuration.m3u8", 1, {}},
    {"shaka/hls-aes-256/media.m3u8", 5, {}},
    {"shaka/hls-gap/playlist.m3u8", 8, {}},
    {"shaka/hls-sample-aes/index.m3u8", 10, {}},
    {"shaka/hls-ts-rollover/playlist.m3u8", 10, {}},
};

GST_START_TEST (playlists_of_others_are_read_or_refused)
{
  auto folder = test::vectors ("hls");
  if (!folder) return;
  for (const Foreign &row : foreign) {
    auto bytes = test::read_file (*folder / row.name);
    auto playlist = m3u8::parse (
        std::string (bytes.begin (), bytes.end ()), {"http://h/", nullptr});
    if (row.error) {
      fail_unless (!playlist.ok (), "%s", row.name);
      fail_unless (playlist.code () == *row.error, "%s: %s", row.name,
          to_string (playlist.code ()));
      fail_unless (playlist.position () == row.line, "%s: line %zu", row.name,
          playlist.position ());
      continue;
    }
    fail_unless (playlist.ok (), "%s: %s in %zu", row.name,
        playlist.ok () ? "" : to_string (playlist.code ()),
        playlist.ok () ? 0 : playlist.position ());
    const auto *media = std::get_if<m3u8::Media> (&*playlist);
    std::size_t count =
        media != nullptr
            ? media->segments.entries.size ()
            : std::get<m3u8::Multivariant> (*playlist).variants.size ();
    fail_unless (count == row.count, "%s: %zu", row.name, count);
  }
  // There is none that is not in the table.
  std::size_t count = 0;
  for (const auto &file :
      std::filesystem::recursive_directory_iterator (*folder))
    if (file.path ().extension () == ".m3u8") count++;
  fail_unless_equals_uint64 (count, std::size (foreign));
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
  tcase_add_test (tests, whole_segments_have_keys);
  tcase_add_test (tests, each_segment_may_have_a_key);
  tcase_add_test (tests, one_of_several_keys_is_chosen);
  tcase_add_test (tests, samples_outside_of_mp4_have_a_key);
  tcase_add_test (tests, samples_have_protections);
  tcase_add_test (tests, variables_are_expanded);
  tcase_add_test (tests, query_parameters_are_decoded);
  tcase_add_test (tests, key_frames_are_led_to);
  tcase_add_test (tests, what_is_said_of_segments_is_read);
  tcase_add_test (tests, date_ranges_without_dates_have_no_time);
  tcase_add_test (tests, all_of_a_multivariant_playlist_is_read);
  tcase_add_test (tests, a_media_playlist_becomes_a_track);
  tcase_add_test (tests, playlists_of_others_are_read_or_refused);
  return suite;
}

GST_CHECK_MAIN (m3u8)

// SPDX-License-Identifier: LGPL-2.1-or-later
// What adaptivesrc makes of HLS: encrypted segments, gaps, renditions,
// messages.
#include <functional>
#include <map>
#include <memory>

#include "httpserver.h"
#include "sampleencrypter.h"
#include "segmentencrypter.h"
#include "testutil.h"
#include "vectors.h"

using presentation::Encryption;
using relay::Guarded;
using relay::Owned;
using test::HttpServer;
using enum Encryption::Cipher;
using Files = std::map<std::string, std::string>;

namespace {

HttpServer::Handler serving (Files files)
{
  return [files = std::move (files)] (const HttpServer::Request &request) {
    auto found = files.find (request.path.substr (0, request.path.find ('?')));
    if (found == files.end ()) return HttpServer::Reply{404, "no", {}};
    return HttpServer::Reply{200, found->second, {{"Accept-Ranges", "bytes"}}};
  };
}

std::string text_of (const std::filesystem::path &path)
{
  test::Bytes bytes = test::read_file (path);
  return {bytes.begin (), bytes.end ()};
}

Files folder (const std::filesystem::path &path)
{
  Files out;
  for (const auto &file : std::filesystem::directory_iterator (path))
    out["/" + file.path ().filename ().string ()] = text_of (file.path ());
  return out;
}

// Packets that are no stream, but are packets.
std::string packets (std::size_t count, char fill)
{
  std::string packet (188, fill);
  packet[0] = 0x47;
  std::string out;
  for (std::size_t i = 0; i < count; i++) out += packet;
  return out;
}

std::string playlist (const std::string &lines)
{
  return "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + lines + "#EXT-X-ENDLIST\n";
}

test::Bytes bytes_of (std::string_view text)
{
  return {text.begin (), text.end ()};
}

// What came out of a pad: the bytes, and in the order of both what begins a
// segment, and gaps.
struct Output
{
  std::string bytes;
  std::vector<std::string> order;
  GstClockTime begin = GST_CLOCK_TIME_NONE;  // of the SEGMENT
};

// adaptivesrc with a fakesink on each pad.
class Player
{
public:
  // filter: what makes the element before each sink; null: there is none.
  explicit Player (
      const std::string &location, std::function<GstElement *()> filter = {})
      : filter_ (std::move (filter)),
        pipeline_ (gst_pipeline_new (nullptr)),
        source_ (gst_element_factory_make ("adaptivesrc", "source"))
  {
    fail_unless (source_ != nullptr);
    g_object_set (
        source_, "location", location.c_str (), "retries", 0, nullptr);
    gst_bin_add (GST_BIN (pipeline_.get ()), source_);
    g_signal_connect (source_, "pad-added", G_CALLBACK (on_pad_added), this);
  }
  ~Player () { gst_element_set_state (pipeline_.get (), GST_STATE_NULL); }
  Player (const Player &) = delete;
  Player &operator= (const Player &) = delete;

  GstElement *operator* () { return source_; }
  Owned<GstMessage> run ()
  {
    gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING);
    for (;;) {
      Owned<GstMessage> message = test::wait_message (pipeline_.get (),
          GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT,
          20 * GST_SECOND);
      fail_unless (message != nullptr);
      if (GST_MESSAGE_TYPE (message.get ()) != GST_MESSAGE_ELEMENT)
        return message;
      messages_.push_back (std::move (message));
    }
  }
  void play ()
  {
    Owned<GstMessage> message = run ();
    if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS) return;
    gchar *debug = nullptr;
    gst_message_parse_error (message.get (), nullptr, &debug);
    Owned<gchar> owned{debug};
    ck_abort_msg ("%s", debug);
  }
  // What an error says for a programmer.
  std::string play_to_error (GQuark domain, int code)
  {
    Owned<GstMessage> message = run ();
    test::assert_error (message.get (), domain, code);
    GError *error = nullptr;
    gchar *debug = nullptr;
    gst_message_parse_error (message.get (), &error, &debug);
    Owned<GError> owned_error{error};
    Owned<gchar> owned{debug};
    return std::string (error->message) + "\n" + debug;
  }
  // The element's messages of that name.
  std::vector<const GstStructure *> messages (const char *name)
  {
    std::vector<const GstStructure *> out;
    for (const auto &message : messages_)
      if (gst_message_has_name (message.get (), name))
        out.push_back (gst_message_get_structure (message.get ()));
    return out;
  }
  Output output (const std::string &pad) { return (*outputs_.lock ())[pad]; }
  std::vector<std::string> pads ()
  {
    std::vector<std::string> out;
    for (const auto &[name, output] : *outputs_.lock ()) out.push_back (name);
    return out;
  }

private:
  static void on_pad_added (GstElement *, GstPad *pad, gpointer data)
  {
    auto *self = static_cast<Player *> (data);
    Owned<gchar> name{gst_pad_get_name (pad)};
    (void)(*self->outputs_.lock ())[name.get ()];
    GstElement *sink = gst_element_factory_make ("fakesink", name.get ());
    g_object_set (sink, "sync", FALSE, nullptr);
    gst_bin_add (GST_BIN (self->pipeline_.get ()), sink);
    gst_element_sync_state_with_parent (sink);
    Owned<GstPad> sinkpad{gst_element_get_static_pad (sink, "sink")};
    gst_pad_add_probe (sinkpad.get (),
        static_cast<GstPadProbeType> (
            GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
        on_item, self, nullptr);
    GstElement *first = sink;
    if (self->filter_) {
      first = self->filter_ ();
      gst_bin_add (GST_BIN (self->pipeline_.get ()), first);
      fail_unless (gst_element_link (first, sink));
      gst_element_sync_state_with_parent (first);
    }
    Owned<GstPad> peer{gst_element_get_static_pad (first, "sink")};
    fail_unless (gst_pad_link (pad, peer.get ()) == GST_PAD_LINK_OK);
  }
  static GstPadProbeReturn on_item (
      GstPad *pad, GstPadProbeInfo *info, gpointer data)
  {
    auto *self = static_cast<Player *> (data);
    auto outputs = self->outputs_.lock ();
    Output &output = (*outputs)[GST_OBJECT_NAME (GST_OBJECT_PARENT (pad))];
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
      GstBuffer *buffer = gst_pad_probe_info_get_buffer (info);
      test::Bytes bytes = test::bytes_of (buffer);
      output.bytes.append (bytes.begin (), bytes.end ());
      if (GST_BUFFER_PTS_IS_VALID (buffer))
        output.order.push_back (
            "segment " +
            std::to_string (GST_BUFFER_PTS (buffer) / GST_MSECOND) +
            (GST_BUFFER_IS_DISCONT (buffer) ? " discont" : ""));
      return GST_PAD_PROBE_OK;
    }
    GstEvent *event = gst_pad_probe_info_get_event (info);
    if (GST_EVENT_TYPE (event) == GST_EVENT_GAP) {
      GstClockTime time = 0;
      GstClockTime duration = 0;
      gst_event_parse_gap (event, &time, &duration);
      output.order.push_back ("gap " + std::to_string (time / GST_MSECOND) +
                              " " + std::to_string (duration / GST_MSECOND));
    } else if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
      GstSegment segment;
      gst_event_copy_segment (event, &segment);
      output.begin = segment.start;
    }
    return GST_PAD_PROBE_OK;
  }

  std::function<GstElement *()> filter_;
  Guarded<std::map<std::string, Output>> outputs_;
  std::vector<Owned<GstMessage>> messages_;
  Owned<GstElement> pipeline_;
  GstElement *source_;
};

const std::string key_1 = "0123456789abcdef";
const std::string key_2 = "ABCDEFGHIJKLMNOPabcdefghijklmnop";

Encryption::Iv iv_of (unsigned number)
{
  Encryption::Iv out{};
  out[15] = static_cast<std::uint8_t> (number);
  return out;
}

}  // namespace

GST_START_TEST (encrypted_segments_are_decrypted)
{
  const std::string parts[] = {packets (1000, 'a'), packets (3, 'b'),
      packets (500, 'c'), packets (2, 'd')};
  Files files = {
      {"/m.m3u8",
          playlist (
              "#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\nclear\n"
              "#EXT-X-KEY:METHOD=AES-128,URI=\"k1?token=x\"\n"
              "#EXTINF:2,\n1\n"
              "#EXT-X-KEY:METHOD=AES-256,URI=\"k2\",IV=0x2\n#EXTINF:2,\n2\n"
              "#EXT-X-KEY:METHOD=AES-256-CTR,URI=\"k2\",IV=0x3\n"
              "#EXTINF:2,\n3\n")},
      {"/k1", key_1},
      {"/k2", key_2},
      {"/clear", parts[0]},
      // "the Media Sequence Number is to be used as the IV"
      {"/1", test::encrypt_segment (
                 aes_128, bytes_of (key_1), iv_of (8), parts[1])},
      {"/2", test::encrypt_segment (
                 aes_256, bytes_of (key_2), iv_of (2), parts[2])},
      {"/3", test::encrypt_segment (
                 aes_256_ctr, bytes_of (key_2), iv_of (3), parts[3])},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  player.play ();
  fail_unless (player.output ("video_0").bytes ==
               parts[0] + parts[1] + parts[2] + parts[3]);
  // The second key is asked for once.
  fail_unless_equals_uint64 (server.requests ().size (), 7);
}
GST_END_TEST;

GST_START_TEST (wrong_keys_are_errors)
{
  const std::string clear = packets (1000, 'a');
  auto encrypted = [&] (std::string_view bytes) {
    return test::encrypt_segment (aes_128, bytes_of (key_1), iv_of (0), bytes);
  };
  const std::string list = playlist (
      "#EXT-X-KEY:METHOD=AES-128,URI=\"key?token=secret\",IV=0x0\n"
      "#EXTINF:2,\ns\n");
  std::string damaged = encrypted (clear);
  damaged[damaged.size () - 20] ^= 1;
  const struct
  {
    std::string key;
    std::string segment;
    int code;
    std::size_t passed;  // what was right, at most
  } rows[] = {
      // Nothing of it comes out.
      {key_2.substr (0, 16), encrypted (clear), GST_STREAM_ERROR_DECRYPT, 0},
      {key_2, encrypted (clear), GST_STREAM_ERROR_DECRYPT_NOKEY, 0},
      {"", encrypted (clear), GST_STREAM_ERROR_DECRYPT_NOKEY, 0},
      {key_1, clear, GST_STREAM_ERROR_DECRYPT, 0},
      {key_1, encrypted (clear).substr (0, 1000), GST_STREAM_ERROR_DECRYPT,
          992},
  };
  for (const auto &row : rows) {
    HttpServer server (
        serving ({{"/m.m3u8", list}, {"/key", row.key}, {"/s", row.segment}}));
    Player player (server.uri ("/m.m3u8"));
    std::string said =
        player.play_to_error (gst_stream_error_quark (), row.code);
    fail_unless (said.find (server.uri ("/key")) != std::string::npos, "%s",
        said.c_str ());
    fail_unless (said.find ("secret") == std::string::npos);
    std::string out;
    for (const std::string &pad : player.pads ())
      out = player.output (pad).bytes;
    fail_unless (out == clear.substr (0, out.size ()));
    fail_unless (out.size () <= row.passed, "%zu", out.size ());
  }
}
GST_END_TEST;

// Keys of 32 bytes, of the initialization too, and two ciphers.
GST_START_TEST (a_set_of_others_is_decrypted)
{
  auto vectors = test::vectors ("hls/shaka/hls-aes-256");
  if (!vectors) return;
  Files files = folder (*vectors);
  HttpServer server (serving (files));
  Player player (server.uri ("/media.m3u8"));
  player.play ();
  const struct
  {
    const char *name;
    const char *key;
    const char *iv;
    Encryption::Cipher cipher;
  } rows[] = {
      {"/init.mp4", "/init.key", "F9EBE119F65FCF2E5F3FDEEB4A3EB3D5", aes_256},
      {"/segment_0.m4s", "/seg0.key", "3F6DE518DE9A0D8B0FC5EA114ACEDEFA",
          aes_256},
      {"/segment_1.m4s", "/seg1.key", "9DF0B659F52F23C3676C08FE0049500F",
          aes_256},
      {"/segment_2.m4s", "/seg2.key", "DB67562D1B5F959D1DBA9DD50BF87A52",
          aes_256_ctr},
      {"/segment_3.m4s", "/seg3_and_4.key", "5161DD0995837650DE5E495DEF6BFBE5",
          aes_256_ctr},
      {"/segment_4.m4s", "/seg3_and_4.key", "035022245B6DBA858C56F2F0079BAC96",
          aes_256_ctr},
  };
  // Encrypted again, what came out is what was there: a cipher has one inverse.
  std::string out = player.output ("video_0").bytes;
  std::size_t at = 0;
  for (const auto &row : rows) {
    Encryption::Iv iv{};
    test::Bytes bytes = test::hex (row.iv);
    std::copy (bytes.begin (), bytes.end (), iv.begin ());
    const std::string &expected = files[row.name];
    bool found = false;
    for (std::size_t padding = 0; padding <= 16 && !found; padding++) {
      if (expected.size () < padding ||
          (row.cipher == aes_256_ctr) != (padding == 0))
        continue;
      std::size_t size = expected.size () - padding;
      if (at + size > out.size ()) continue;
      found = test::encrypt_segment (row.cipher, bytes_of (files[row.key]), iv,
                  out.substr (at, size)) == expected;
      if (found) at += size;
    }
    fail_unless (found, "%s", row.name);
  }
  fail_unless_equals_uint64 (at, out.size ());
  fail_unless (out.substr (4, 4) == "ftyp");
}
GST_END_TEST;

GST_START_TEST (what_is_said_beside_the_media_is_posted)
{
  const std::string media = playlist (
      "#EXT-X-PROGRAM-DATE-TIME:2010-02-19T14:54:23.031+08:00\n#EXTINF:2,\ns\n"
      "#EXT-X-DATERANGE:ID=\"ad\",CLASS=\"c\",CUE=\"PRE\","
      "START-DATE=\"2010-02-19T06:54:24.031Z\",DURATION=1.5,END-ON-NEXT=YES,"
      "X-A=\"1\",SCTE35-OUT=0xFC,X-b c=2\n");
  Files files = {
      {"/m.m3u8",
          "#EXTM3U\n"
          "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"English\","
          "LANGUAGE=\"en\",INSTREAM-ID=\"CC1\",DEFAULT=YES\n"
          "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"a.m3u8\"\n"
          "#EXT-X-SESSION-DATA:DATA-ID=\"t\",VALUE=\"Title\",LANGUAGE=\"en\"\n"
          "#EXT-X-SESSION-DATA:DATA-ID=\"j\",URI=\"d.json\"\n"
          "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d\",AUDIO=\"a\","
          "CLOSED-CAPTIONS=\"c\"\nv.m3u8\n"},
      {"/v.m3u8", media},
      {"/a.m3u8", media},
      {"/s", packets (10, 'x')},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  player.play ();
  auto text = [] (const GstStructure *of, const char *field) {
    const gchar *value = gst_structure_get_string (of, field);
    return std::string (value != nullptr ? value : "(none)");
  };

  auto captions = player.messages ("adaptivesrc-captions");
  fail_unless_equals_uint64 (captions.size (), 1);
  fail_unless (text (captions[0], "instream-id") == "CC1" &&
               text (captions[0], "language") == "en" &&
               text (captions[0], "name") == "English" &&
               text (captions[0], "group") == "c");
  gboolean is = FALSE;
  fail_unless (gst_structure_get_boolean (captions[0], "default", &is) && is);

  auto data = player.messages ("adaptivesrc-session-data");
  fail_unless_equals_uint64 (data.size (), 2);
  fail_unless (text (data[0], "id") == "t" &&
               text (data[0], "value") == "Title" &&
               text (data[0], "language") == "en");
  fail_unless (text (data[1], "uri") == server.uri ("/d.json") &&
               text (data[1], "format") == "JSON");

  // It is in both playlists.
  auto ranges = player.messages ("adaptivesrc-date-range");
  fail_unless_equals_uint64 (ranges.size (), 1);
  fail_unless (text (ranges[0], "id") == "ad" &&
               text (ranges[0], "class") == "c" &&
               text (ranges[0], "cue") == "PRE");
  gint64 start = 0;
  gint64 time = 0;
  guint64 duration = 0;
  guint64 planned = 0;
  fail_unless (gst_structure_get_int64 (ranges[0], "start-date", &start) &&
               start == 1'266'562'464'031);
  fail_unless (
      gst_structure_get_int64 (ranges[0], "time", &time) && time == GST_SECOND);
  fail_unless (gst_structure_get_uint64 (ranges[0], "duration", &duration) &&
               duration == 1500 * GST_MSECOND);
  fail_unless (
      gst_structure_get_uint64 (ranges[0], "planned-duration", &planned) &&
      planned == GST_CLOCK_TIME_NONE);
  fail_unless (!gst_structure_has_field (ranges[0], "end-date"));
  const GValue *value = gst_structure_get_value (ranges[0], "attributes");
  const GstStructure *attributes = gst_value_get_structure (value);
  fail_unless_equals_int (gst_structure_n_fields (attributes), 2);
  fail_unless (text (attributes, "X-A") == "1" &&
               text (attributes, "SCTE35-OUT") == "0xFC");
}
GST_END_TEST;

GST_START_TEST (gaps_are_not_asked_for)
{
  Files files = {
      {"/m.m3u8",
          playlist ("#EXT-X-GAP\n#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n"
                    "#EXTINF:2,\n2.ts\n#EXT-X-GAP\n#EXTINF:1.5,\n3.ts\n"
                    "#EXTINF:2,\n4.ts\n#EXT-X-GAP\n#EXTINF:2,\n5.ts\n")},
      {"/1.ts", packets (10, '1')},
      {"/2.ts", packets (10, '2')},
      {"/4.ts", packets (10, '4')},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  player.play ();
  Output out = player.output ("video_0");
  fail_unless (
      out.bytes == packets (10, '1') + packets (10, '2') + packets (10, '4'));
  const std::vector<std::string> expected = {"gap 0 2000",
      "segment 2000 discont", "segment 4000", "gap 6000 1500",
      "segment 7500 discont", "gap 9500 2000"};
  fail_unless (out.order == expected);
  fail_unless_equals_uint64 (server.requests ().size (), 4);
}
GST_END_TEST;

// What is missing of the sound is missing of nothing else.
GST_START_TEST (renditions_have_gaps_of_their_own)
{
  Files files = {
      {"/m.m3u8",
          "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\","
          "DEFAULT=YES,URI=\"a.m3u8\"\n"
          "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.42c01e,mp4a.40.2\","
          "AUDIO=\"a\"\nv.m3u8\n"},
      {"/v.m3u8", playlist ("#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n")},
      {"/a.m3u8", playlist ("#EXT-X-GAP\n#EXTINF:2,\n2.ts\n"
                            "#EXTINF:2,\n3.ts\n")},
      {"/0.ts", packets (10, '0')},
      {"/1.ts", packets (10, '1')},
      {"/3.ts", packets (10, '3')},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  player.play ();
  fail_unless (
      player.output ("video_0").bytes == packets (10, '0') + packets (10, '1'));
  Output sound = player.output ("audio_0");
  fail_unless (sound.bytes == packets (10, '3'));
  const std::vector<std::string> expected = {
      "gap 0 2000", "segment 2000 discont"};
  fail_unless (sound.order == expected);
}
GST_END_TEST;

// EXT-X-DEFINE: what the Multivariant Playlist has defined, by its address
// too, is in the Media Playlist that imports it (4.4.2.3).
GST_START_TEST (variables_go_with_the_playlists)
{
  Files files = {
      {"/m.m3u8",
          "#EXTM3U\n#EXT-X-DEFINE:NAME=\"folder\",VALUE=\"f\"\n"
          "#EXT-X-DEFINE:QUERYPARAM=\"token\"\n"
          "#EXT-X-STREAM-INF:BANDWIDTH=1\n{$folder}/v.m3u8?u=x\n"},
      {"/f/v.m3u8", playlist ("#EXT-X-DEFINE:IMPORT=\"folder\"\n"
                              "#EXT-X-DEFINE:IMPORT=\"token\"\n"
                              "#EXT-X-DEFINE:QUERYPARAM=\"u\"\n"
                              "#EXTINF:2,\n/{$folder}/0.ts?{$token}{$u}\n")},
      {"/f/0.ts", packets (10, '0')},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8?token=t"));
  player.play ();
  fail_unless (player.output ("video_0").bytes == packets (10, '0'));
  fail_unless (std::ranges::count (server.requests (), "/f/0.ts?tx",
                   &HttpServer::Request::path) == 1);
}
GST_END_TEST;

// What is missing is missing on the server, too.
GST_START_TEST (a_set_with_gaps_of_others_is_played)
{
  auto vectors = test::vectors ("hls/shaka/hls-gap");
  if (!vectors) return;
  Files files = folder (*vectors);
  HttpServer server (serving (files));
  Player player (server.uri ("/playlist.m3u8"));
  player.play ();
  Output out = player.output ("video_0");
  std::string all;
  for (const char *name :
      {"/2.ts", "/3.ts", "/4.ts", "/6.ts", "/7.ts", "/8.ts"})
    all += files[name];
  fail_unless (out.bytes == all);
  fail_unless (out.order.front () == "gap 0 4004");
  fail_unless (out.order[4] == "gap 16016 4004");
}
GST_END_TEST;

GST_START_TEST (playing_begins_where_the_playlist_says)
{
  const struct
  {
    const char *tag;
    const char *first;   // what comes first
    std::uint64_t time;  // where playing begins, in ms
  } rows[] = {
      {"#EXT-X-START:TIME-OFFSET=3\n", "1", 2000},
      {"#EXT-X-START:TIME-OFFSET=3,PRECISE=YES\n", "1", 3000},
      {"#EXT-X-START:TIME-OFFSET=-2.5\n", "2", 4000},
      {"#EXT-X-START:TIME-OFFSET=-2.5,PRECISE=YES\n", "2", 5500},
      {"#EXT-X-START:TIME-OFFSET=4\n", "2", 4000},
      {"#EXT-X-START:TIME-OFFSET=100\n", "3", 6000},
      {"#EXT-X-START:TIME-OFFSET=100,PRECISE=YES\n", "3", 6000},
      {"#EXT-X-START:TIME-OFFSET=-100\n", "0", 0},
      {"#EXT-X-START:TIME-OFFSET=x\n", "0", 0},
  };
  for (const auto &row : rows) {
    Files files = {
        {"/m.m3u8", playlist (std::string (row.tag) +
                              "#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n"
                              "#EXTINF:2,\n2.ts\n#EXTINF:2,\n3.ts\n")}};
    for (char c = '0'; c < '4'; c++)
      files[std::string ("/") + c + ".ts"] = packets (10, c);
    HttpServer server (serving (files));
    Player player (server.uri ("/m.m3u8"));
    player.play ();
    Output out = player.output ("video_0");
    fail_unless (out.bytes.substr (1, 1) == row.first, "%s", row.tag);
    fail_unless (out.begin == row.time * GST_MSECOND, "%s: %" GST_TIME_FORMAT,
        row.tag, GST_TIME_ARGS (out.begin));
  }
}
GST_END_TEST;

// The list rounds; the timestamps do not.
GST_START_TEST (packed_audio_has_the_times_of_its_tags)
{
  auto audio = [] (std::uint64_t timestamp) {
    std::string data = "com.apple.streaming.transportStreamTimestamp";
    data += '\0';
    for (int shift = 56; shift >= 0; shift -= 8)
      data += static_cast<char> (timestamp >> shift & 0xff);
    auto size = [] (std::size_t value) {
      return std::string ("\0\0\0", 3) + static_cast<char> (value);
    };
    std::string frame =
        "PRIV" + size (data.size ()) + std::string (2, '\0') + data;
    // Silence is not what matters.
    return std::string ("ID3\x04\0\0", 6) + size (frame.size ()) + frame +
           "\xff\xf1" + std::string (3000, 'a');
  };
  Files files = {
      {"/m.m3u8",
          playlist ("#EXTINF:2,\n0.aac\n#EXTINF:2,\n1.aac\n#EXTINF:2,\n2.aac\n"
                    "#EXT-X-DISCONTINUITY\n#EXTINF:2,\n3.aac\n")},
      {"/0.aac", audio (900'000)},
      {"/1.aac", audio (900'000 + 181'800)},
      {"/2.aac", audio (900'000 + 359'100)},
      {"/3.aac", audio (5)},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  player.play ();
  const std::vector<std::string> expected = {"segment 0 discont",
      "segment 2020", "segment 3990", "segment 6000 discont"};
  Output out = player.output (player.pads ().front ());
  fail_unless (out.order == expected);
  // Nothing is taken off.
  fail_unless (out.bytes == files["/0.aac"] + files["/1.aac"] +
                                files["/2.aac"] + files["/3.aac"]);
}
GST_END_TEST;

namespace {

std::string text_of (const test::Bytes &bytes)
{
  return {bytes.begin (), bytes.end ()};
}

// A segment with one picture, and one of sound, with this media sequence number
// as the IV; its samples encrypted or not.
std::string sample_segment (unsigned sequence, bool encrypted)
{
  test::SampleKey key;
  std::copy_n (key_1.begin (), 16, key.key.begin ());
  key.iv[15] = test::low (sequence);
  test::Bytes picture{0, 0, 0, 1};
  test::append (picture, test::nal_unit (5, 3000, sequence));
  test::Bytes frames = test::adts_frame (test::nal_unit (1, 300, sequence));
  test::Pes video;
  video.pid = 0x100;
  video.has_clock = true;
  video.payload = encrypted ? test::encrypt_picture (key, picture) : picture;
  test::Pes audio;
  audio.pid = 0x101;
  audio.stream_id = 0xc0;
  audio.has_size = true;
  audio.payload = encrypted ? test::encrypt_adts (key, frames) : frames;
  test::TsWriter out;
  out.psi (0, test::pat (0x1000));
  out.psi (0x1000,
      encrypted ? test::pmt ({test::encrypted_stream (0x1b, 0x100),
                                 test::encrypted_stream (0x0f, 0x101)},
                      0x100)
                : test::pmt ({{0x1b, 0x100, {}}, {0x0f, 0x101, {}}}, 0x100));
  out.pes (video);
  out.pes (audio);
  return text_of (out.bytes ());
}

std::string sample_sound (unsigned sequence, bool encrypted)
{
  test::SampleKey key;
  std::copy_n (key_1.begin (), 16, key.key.begin ());
  key.iv[15] = test::low (sequence);
  test::Bytes out;
  for (unsigned i = 0; i < 10; i++)
    test::append (
        out, test::adts_frame (test::nal_unit (1, 300, sequence + i)));
  return text_of (encrypted ? test::encrypt_adts (key, out) : out);
}

}  // namespace

// The IV is the media sequence number. What is clear comes between.
GST_START_TEST (encrypted_samples_outside_of_mp4_are_decrypted)
{
  Files files = {
      {"/m.m3u8", playlist ("#EXT-X-MEDIA-SEQUENCE:7\n"
                            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"
                            "#EXTINF:2,\n7.ts\n#EXTINF:2,\n8.ts\n"
                            "#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\n9.ts\n")},
      {"/a.m3u8", playlist ("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"
                            "#EXTINF:2,\n0.aac\n#EXTINF:2,\n1.aac\n")},
      {"/k", key_1},
      {"/7.ts", sample_segment (7, true)},
      {"/8.ts", sample_segment (8, true)},
      {"/9.ts", sample_segment (9, false)},
      {"/0.aac", sample_sound (0, true)},
      {"/1.aac", sample_sound (1, true)},
  };
  HttpServer server (serving (files));
  {
    Player player (server.uri ("/m.m3u8"));
    player.play ();
    std::string out = player.output ("video_0").bytes;
    auto read = [] (const std::string &bytes) {
      return test::TsReader::read (test::Bytes (bytes.begin (), bytes.end ()));
    };
    std::size_t at = 0;
    for (unsigned n = 7; n < 10; n++) {
      std::string clear = sample_segment (n, false);
      std::size_t size = files["/" + std::to_string (n) + ".ts"].size ();
      fail_unless (at + size <= out.size ());
      auto got = read (out.substr (at, size));
      auto expected = read (clear);
      fail_unless (got.streams == expected.streams, "%u", n);
      fail_unless (got.units.size () == 2 &&
                       got.units[0].payload == expected.units[0].payload &&
                       got.units[1].payload == expected.units[1].payload,
          "%u", n);
      at += size;
    }
    fail_unless (at == out.size ());
  }
  Player player (server.uri ("/a.m3u8"));
  player.play ();
  fail_unless (player.output (player.pads ().front ()).bytes ==
               sample_sound (0, false) + sample_sound (1, false));
  // One key for each element.
  fail_unless (std::ranges::count (
                   server.requests (), "/k", &HttpServer::Request::path) == 2);
}
GST_END_TEST;

// EXT-X-MAP of MPEG-TS has the programs, which no segment repeats (4.4.4.5);
// another one comes with other programs. Even with one connection, when the
// first segment is asked for before it is known what the initialization is.
GST_START_TEST (an_initialization_may_have_the_programs)
{
  constexpr std::size_t tables = 2 * 188;
  auto init = [] (unsigned n, bool encrypted) {
    return sample_segment (n, encrypted).substr (0, tables);
  };
  auto media = [] (unsigned n, bool encrypted) {
    return sample_segment (n, encrypted).substr (tables);
  };
  const Files files = {
      {"/m.m3u8", playlist ("#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i\"\n"
                            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"
                            "#EXTINF:2,\n7.ts\n#EXTINF:2,\n8.ts\n"
                            "#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\n9.ts\n"
                            "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"j\"\n"
                            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"
                            "#EXTINF:2,\n10.ts\n")},
      // The first one begins in the clear.
      {"/n.m3u8", playlist ("#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-MAP:URI=\"i\"\n"
                            "#EXTINF:2,\n9.ts\n"
                            "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"
                            "#EXTINF:2,\n10.ts\n")},
      {"/k", key_1},
      {"/i", init (0, true)},
      {"/j", init (0, true)},
      {"/7.ts", media (7, true)},
      {"/8.ts", media (8, true)},
      {"/9.ts", media (9, false)},
      {"/10.ts", media (10, true)},
  };
  const struct
  {
    const char *path;
    std::vector<unsigned> parts;  // 0: an initialization
  } rows[] = {{"/m.m3u8", {0, 7, 8, 9, 0, 10}}, {"/n.m3u8", {0, 9, 10}}};
  auto read = [&] (const std::string &bytes) {
    return test::TsReader::read (bytes_of (init (0, false) + bytes)).units;
  };
  for (const auto &row : rows)
    for (unsigned connections : {1U, 10U})
      for (unsigned ahead : {0U, 3U}) {
        HttpServer server (serving (files));
        Player player (server.uri (row.path));
        g_object_set (*player, "max-connections-per-host", connections,
            "prefetch-segments", ahead, nullptr);
        player.play ();
        std::string out = player.output ("video_0").bytes;
        std::size_t at = 0;
        for (unsigned n : row.parts) {
          std::string clear = n == 0 ? init (0, false) : media (n, false);
          std::size_t size =
              n == 0 || n == 9 ? clear.size () : media (n, true).size ();
          fail_unless (at + size <= out.size ());
          std::string got = out.substr (at, size);
          at += size;
          if (n == 0 || n == 9) {
            fail_unless (got == clear, "%s %u", row.path, n);
            continue;
          }
          auto units = read (got);
          auto expected = read (clear);
          fail_unless (units.size () == 2 && expected.size () == 2);
          for (std::size_t i = 0; i < 2; i++)
            fail_unless (
                units[i].payload == expected[i].payload, "%s %u", row.path, n);
        }
        fail_unless (at == out.size ());
      }
}
GST_END_TEST;

// With the keys of systems that nobody here is, and of what nobody has said how
// to encrypt, nobody downstream could tell them from others.
GST_START_TEST (encrypted_samples_without_a_key_are_refused)
{
  for (const char *tag : {"METHOD=SAMPLE-AES,URI=\"skd://x\","
                          "KEYFORMAT=\"com.apple.streamingkeydelivery\"",
           "METHOD=SAMPLE-AES-CTR,URI=\"k\"",
           // An initialization of MP4, and segments that are not.
           "METHOD=SAMPLE-AES,URI=\"k\"\n#EXT-X-MAP:URI=\"i.mp4\""}) {
    Files files = {
        {"/i.mp4", std::string ("\0\0\0\x08moov", 8)},
        {"/m.m3u8", playlist (std::string ("#EXT-X-KEY:") + tag +
                              "\n#EXTINF:2,\n0.ts\n")},
        {"/k", key_1},
        {"/0.ts", sample_segment (0, true)},
    };
    HttpServer server (serving (files));
    Player player (server.uri ("/m.m3u8"));
    std::string said = player.play_to_error (
        gst_stream_error_quark (), GST_STREAM_ERROR_NOT_IMPLEMENTED);
    fail_unless (said.find ("SAMPLE-AES") != std::string::npos);
    std::string out = player.output ("video_0").bytes;
    fail_unless (out.empty () || out == files["/i.mp4"]);
  }
}
GST_END_TEST;

GST_START_TEST (broken_encrypted_samples_are_told)
{
  const struct
  {
    std::string key, segment;
    int code;
    const char *map = "";
  } rows[] = {
      {std::string (15, 'k'), sample_segment (0, true),
          GST_STREAM_ERROR_DECRYPT_NOKEY},
      // Packets that are no stream.
      {std::string (key_1), packets (10, '0'), GST_STREAM_ERROR_DECRYPT},
      {std::string (key_1), sample_sound (0, true).substr (0, 1000),
          GST_STREAM_ERROR_DECRYPT},
      // As its own initialization: encrypted media in that.
      {std::string (key_1), sample_segment (0, true), GST_STREAM_ERROR_DECRYPT,
          "#EXT-X-MAP:URI=\"0.ts\"\n"},
  };
  for (const auto &row : rows) {
    Files files = {
        {"/m.m3u8",
            playlist ("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k?token=secret\"\n" +
                      std::string (row.map) + "#EXTINF:2,\n0.ts\n")},
        {"/k", row.key},
        {"/0.ts", row.segment},
    };
    HttpServer server (serving (files));
    Player player (server.uri ("/m.m3u8"));
    std::string said =
        player.play_to_error (gst_stream_error_quark (), row.code);
    fail_unless (said.find ("secret") == std::string::npos);
  }
}
GST_END_TEST;

// The key, in a data: URI of EXT-X-KEY, gets to the decrypter by its query.
GST_START_TEST (samples_of_others_are_decrypted_downstream)
{
  auto vectors = test::vectors ("hls/shaka/hls-sample-aes");
  if (!vectors) return;
  if (!gst_registry_check_feature_version (
          gst_registry_get (), "cencmp4decrypt", 0, 0, 0))
    return;
  Files files = folder (*vectors);
  std::string list = files["/index.m3u8"];
  auto key = list.find ("#EXT-X-KEY");
  list.erase (key, list.find ('\n', key) - key + 1);
  files["/unsaid.m3u8"] = list;
  HttpServer server (serving (files));
  auto decrypt = [&] (const char *path, const char *key_property) {
    Player player (server.uri (path), [key_property] {
      GstElement *out = gst_element_factory_make ("cencmp4decrypt", nullptr);
      if (key_property != nullptr)
        g_object_set (out, "key", key_property, nullptr);
      return out;
    });
    player.play ();
    return player.output ("video_0").bytes;
  };
  std::string out = decrypt ("/index.m3u8", nullptr);
  fail_unless (out.size () > 800'000);
  fail_unless (
      out == decrypt ("/unsaid.m3u8", "abba271e8bcf552bbd2e86a434a9a5d9"));
}
GST_END_TEST;

// With and without a discontinuity, each is sent once before what it is for; an
// encrypted one with the key at its place, out of a file with others.
GST_START_TEST (initializations_change)
{
  auto box = [] (const char *type, char fill) {
    return std::string ("\0\0\0\x20", 4) + type + std::string (24, fill);
  };
  auto encrypted = [] (std::string_view bytes) {
    return test::encrypt_segment (aes_128, bytes_of (key_1), iv_of (5), bytes);
  };
  const std::string first = encrypted (box ("ftyp", 'a'));
  const std::string second = encrypted (box ("ftyp", 'b'));
  auto range = [] (std::size_t size, std::size_t offset) {
    return "BYTERANGE=\"" + std::to_string (size) + "@" +
           std::to_string (offset) + "\"\n";
  };
  Files files = {
      {"/m.m3u8", playlist ("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x5\n"
                            "#EXT-X-MAP:URI=\"inits\"," +
                            range (first.size (), 0) +
                            "#EXTINF:2,\n0\n"
                            "#EXT-X-MAP:URI=\"inits\"," +
                            range (second.size (), first.size ()) +
                            "#EXTINF:2,\n1\n"
                            "#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=NONE\n"
                            "#EXT-X-MAP:URI=\"c\"\n#EXTINF:2,\n2\n"
                            "#EXT-X-MAP:URI=\"c\"\n#EXTINF:2,\n3\n")},
      {"/k", key_1},
      {"/inits", first + second},
      {"/c", box ("ftyp", 'c')},
      {"/0", encrypted (box ("moof", '0'))},
      {"/1", encrypted (box ("moof", '1'))},
      {"/2", box ("moof", '2')},
      {"/3", box ("moof", '3')},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  player.play ();
  Output out = player.output ("video_0");
  fail_unless (out.bytes == box ("ftyp", 'a') + box ("moof", '0') +
                                box ("ftyp", 'b') + box ("moof", '1') +
                                box ("ftyp", 'c') + box ("moof", '2') +
                                box ("moof", '3'));
  const std::vector<std::string> expected = {
      "segment 0", "segment 2000", "segment 4000", "segment 6000"};
  fail_unless (out.order == expected);
}
GST_END_TEST;

// What is relative is so to where it came from, not to where it was asked for.
GST_START_TEST (references_are_of_the_last_address)
{
  const std::map<std::string, std::string> moved = {
      {"/m.m3u8", "/a/b/multi.m3u8?token=x/y"},
      {"/a/b/v/list.m3u8", "/c/d/list.m3u8"}, {"/c/d/0.ts", "/elsewhere/0.ts"}};
  const Files files = {
      {"/a/b/multi.m3u8",
          "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/list.m3u8\n"},
      {"/c/d/list.m3u8", playlist ("#EXTINF:2,\n0.ts\n#EXTINF:2,\n../1.ts\n"
                                   "#EXTINF:2,\n/2.ts\n#EXTINF:2,\n3.ts\n")},
      {"/elsewhere/0.ts", packets (10, '0')},
      {"/c/1.ts", packets (10, '1')},
      {"/2.ts", packets (10, '2')},
      {"/c/d/3.ts", packets (10, '3')},
  };
  auto serve = serving (files);
  HttpServer server ([&] (const HttpServer::Request &request) {
    auto place = moved.find (request.path);
    if (place == moved.end ()) return serve (request);
    unsigned status = request.path == "/m.m3u8" ? 302 : 301;
    return HttpServer::Reply{status, "", {{"Location", place->second}}};
  });
  Player player (server.uri ("/m.m3u8"));
  player.play ();
  fail_unless (player.output ("video_0").bytes ==
               packets (10, '0') + packets (10, '1') + packets (10, '2') +
                   packets (10, '3'));
}
GST_END_TEST;

// Discontinuities are where each list has them: what begins when its durations
// say is right, however many there are.
GST_START_TEST (tracks_need_not_be_cut_alike)
{
  Files files = {
      {"/m.m3u8",
          "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\","
          "DEFAULT=YES,URI=\"a.m3u8\"\n"
          "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.640028,mp4a.40.2\","
          "AUDIO=\"a\"\nv.m3u8\n"},
      {"/v.m3u8", playlist ("#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n"
                            "#EXT-X-DISCONTINUITY\n#EXTINF:2,\n2.ts\n")},
      {"/a.m3u8", playlist ("#EXTINF:2.5,\n3.ts\n"
                            "#EXT-X-DISCONTINUITY\n#EXTINF:1.5,\n4.ts\n"
                            "#EXT-X-DISCONTINUITY\n#EXTINF:2,\n5.ts\n")},
  };
  for (char c = '0'; c < '6'; c++)
    files[std::string ("/") + c + ".ts"] = packets (10, c);
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  player.play ();
  const std::vector<std::string> video = {
      "segment 0 discont", "segment 2000", "segment 4000 discont"};
  const std::vector<std::string> audio = {
      "segment 0 discont", "segment 2500 discont", "segment 4000 discont"};
  fail_unless (player.output ("video_0").order == video);
  fail_unless (player.output ("audio_0").order == audio);
}
GST_END_TEST;

GST_START_TEST (subtitles_are_a_pad)
{
  auto vtt = [] (int second, const std::string &cue) {
    return "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:" +
           std::to_string (900'000 + second * 90'000) + "\n\n" + cue +
           " --> 00:59.000\nx\n";
  };
  const std::string list =
      "#EXTINF:2,\n0.vtt\n#EXTINF:2,\n1.vtt\n#EXTINF:2,\n2.vtt\n";
  Files files = {
      {"/m.m3u8",
          "#EXTM3U\n"
          "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\","
          "LANGUAGE=\"de\",URI=\"s.m3u8\"\n"
          "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"English\","
          "LANGUAGE=\"en\",URI=\"t.m3u8\"\n"
          "#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"v\",NAME=\"x\",URI=\"x.m3u8\"\n"
          "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d\",SUBTITLES=\"s\","
          "VIDEO=\"v\"\nv.m3u8\n"
          "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n"},
      {"/v.m3u8", playlist ("#EXTINF:6,\nv.ts\n")},
      {"/v.ts", packets (10, 'v')},
      {"/s.m3u8", playlist (list)},
      {"/0.vtt", vtt (0, "00:00.500")},
      {"/1.vtt", vtt (2, "00:01.000")},
      {"/2.vtt", vtt (4, "00:01.500")},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  player.play ();
  fail_unless (
      player.pads () == (std::vector<std::string>{"text_0", "video_0"}));
  fail_unless (player.output ("text_0").bytes ==
               "WEBVTT\n\n00:00:00.500 --> 00:00:59.000\nx\n\n"
               "WEBVTT\n\n00:00:03.000 --> 00:01:01.000\nx\n\n"
               "WEBVTT\n\n00:00:05.500 --> 00:01:03.000\nx\n\n");
  const std::vector<std::string> expected = {
      "segment 0 discont", "segment 2000", "segment 4000"};
  fail_unless (player.output ("text_0").order == expected);
}
GST_END_TEST;

static Suite *adaptivesrc_hls_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-hls");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, encrypted_segments_are_decrypted);
  tcase_add_test (tests, wrong_keys_are_errors);
  tcase_add_test (tests, a_set_of_others_is_decrypted);
  tcase_add_test (tests, what_is_said_beside_the_media_is_posted);
  tcase_add_test (tests, gaps_are_not_asked_for);
  tcase_add_test (tests, renditions_have_gaps_of_their_own);
  tcase_add_test (tests, variables_go_with_the_playlists);
  tcase_add_test (tests, a_set_with_gaps_of_others_is_played);
  tcase_add_test (tests, playing_begins_where_the_playlist_says);
  tcase_add_test (tests, packed_audio_has_the_times_of_its_tags);
  tcase_add_test (tests, encrypted_samples_outside_of_mp4_are_decrypted);
  tcase_add_test (tests, an_initialization_may_have_the_programs);
  tcase_add_test (tests, encrypted_samples_without_a_key_are_refused);
  tcase_add_test (tests, broken_encrypted_samples_are_told);
  tcase_add_test (tests, samples_of_others_are_decrypted_downstream);
  tcase_add_test (tests, initializations_change);
  tcase_add_test (tests, references_are_of_the_last_address);
  tcase_add_test (tests, tracks_need_not_be_cut_alike);
  tcase_add_test (tests, subtitles_are_a_pad);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_hls)

// SPDX-License-Identifier: LGPL-2.1-or-later
// Encrypted samples of HLS, from a server through a demuxer and a decrypter:
// compared one by one with what was encrypted.
#include "httpserver.h"
#include "testcenc.h"
#include "vectors.h"

using relay::Owned;
using test::Bytes;
using test::HttpServer;
using test::TestTrack;
using test::TestTraf;
using test::operator+;

namespace {

using Samples = std::vector<Bytes>;
using Files = std::map<std::string, std::string>;

std::string text (const Bytes &bytes)
{
  return {bytes.begin (), bytes.end ()};
}

std::string text (std::string_view digits)
{
  return text (test::hex (digits));
}

HttpServer::Handler serving (Files files)
{
  return [files = std::move (files)] (const HttpServer::Request &request) {
    auto found = files.find (request.path.substr (0, request.path.find ('?')));
    if (found == files.end ()) return HttpServer::Reply{404, "no", {}};
    return HttpServer::Reply{200, found->second, {{"Accept-Ranges", "bytes"}}};
  };
}

std::string playlist (const std::string &lines)
{
  return "#EXTM3U\n#EXT-X-TARGETDURATION:9\n" + lines + "#EXT-X-ENDLIST\n";
}

struct Played
{
  Samples samples;
  Owned<GstMessage> end;  // EOS or an error

  [[nodiscard]] bool is_whole () const
  {
    return GST_MESSAGE_TYPE (end.get ()) == GST_MESSAGE_EOS;
  }
  [[nodiscard]] std::string error () const
  {
    if (is_whole ()) return {};
    gchar *debug = nullptr;
    gst_message_parse_error (end.get (), nullptr, &debug);
    Owned<gchar> owned{debug};
    return debug;
  }
};

void keep (
    GstElement *, GstBuffer *buffer, GstPad *, relay::Guarded<Samples> *out)
{
  Bytes bytes = test::bytes_of (buffer);
  out->lock ()->push_back (std::move (bytes));
}

Played play (const std::string &line)
{
  GError *raw = nullptr;
  Owned<GstElement> pipeline{
      gst_parse_launch ((line + " ! fakesink name=sink async=false sync=false "
                                "signal-handoffs=true")
                            .c_str (),
          &raw)};
  Owned<GError> error{raw};
  fail_unless (
      pipeline && !error, "%s: %s", line.c_str (), error ? error->message : "");
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "sink")};
  Played out;
  relay::Guarded<Samples> samples;
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (keep), &samples);
  // Made before the streaming threads run, which only GLib's locks say.
  (void)samples.lock ();
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  out.end = test::wait_message (
      pipeline.get (), GST_MESSAGE_ERROR | GST_MESSAGE_EOS, 40 * GST_SECOND);
  fail_unless (out.end != nullptr, "%s: nothing happens", line.c_str ());
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  out.samples = samples.copy ();
  return out;
}

std::string source (HttpServer &server)
{
  return "adaptivesrc retries=0 location=" + server.uri ("/m.m3u8") + " ! ";
}

// Gives nothing before all of it is there: who asks for keys is far behind.
const std::string late =
    "queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 "
    "min-threshold-buffers=1000000 ! ";
const std::string behind = "qtdemux ! cencdecrypt";
const std::string before = "cencmp4decrypt ! qtdemux";

bool has_decrypters ()
{
  return gst_registry_check_feature_version (
             gst_registry_get (), "cencdecrypt", 0, 0, 0) != FALSE;
}

// A segment of it; with groups: of the key of the first of them.
std::string segment (const TestTrack &track, std::size_t size, Samples &clear,
    const std::vector<TestTrack> &groups = {})
{
  TestTraf traf;
  traf.track = &track;
  traf.groups = groups;
  traf.runs = {test::samples_of (track, {size, 600, 9000})};
  for (test::TestSample &sample : traf.runs[0]) {
    sample.group = groups.empty () ? 0 : 1;
    clear.push_back (sample.bytes);
  }
  if (!groups.empty ())
    traf.protection =
        test::sgpd (groups, 1, test::Lengths::all) + test::sbgp ({{3, 1}});
  auto out = test::Mp4Writer (false).fragment ({traf}, 0);
  return text (out.moof + out.mdat);
}

std::string key_tag (const char *method, const char *uri)
{
  return std::string ("#EXT-X-KEY:METHOD=") + method + ",URI=\"" + uri +
         "\",KEYFORMAT=\"identity\"\n";
}

}  // namespace

// Each key has its own initialization.
GST_START_TEST (keys_change_with_the_initialization)
{
  if (!has_decrypters ()) return;
  const struct
  {
    const char *method;
    TestTrack track;
  } rows[] = {
      {"SAMPLE-AES-CTR", test::track ("cenc", 8, true)},
      {"SAMPLE-AES", test::track ("cbcs", 0, true, 1, 9)},
  };
  for (const auto &row : rows) {
    TestTrack other = test::second_key (row.track);
    Samples clear;
    Files files = {
        {"/m.m3u8",
            playlist ("#EXT-X-MAP:URI=\"1.mp4\"\n" +
                      key_tag (row.method, "k1") + "#EXTINF:3,\n1.m4s\n" +
                      "#EXT-X-MAP:URI=\"2.mp4\"\n" +
                      key_tag (row.method, "k2") + "#EXTINF:3,\n2.m4s\n" +
                      "#EXT-X-MAP:URI=\"1.mp4\"\n" +
                      key_tag (row.method, "k1") + "#EXTINF:3,\n3.m4s\n")},
        {"/k1", text (test::key_digits)}, {"/k2", text (test::key2_digits)},
        {"/1.mp4", text (test::Mp4Writer (false).movie ({row.track}))},
        {"/2.mp4", text (test::Mp4Writer (false).movie ({other}))}};
    files["/1.m4s"] = segment (row.track, 500, clear);
    files["/2.m4s"] = segment (other, 501, clear);
    files["/3.m4s"] = segment (row.track, 502, clear);
    HttpServer server (serving (files));
    for (const std::string &how : {behind, before}) {
      for (const std::string &queue : {std::string (), late}) {
        Played played = play (source (server) + queue + how);
        fail_unless (played.is_whole (), "%s, %s: %s", row.method, how.c_str (),
            played.error ().c_str ());
        fail_unless (played.samples == clear, "%s, %s%s: %zu", row.method,
            queue.c_str (), how.c_str (), played.samples.size ());
      }
    }
  }
}
GST_END_TEST;

// There is one initialization, and the key id is that of a sample group.
GST_START_TEST (keys_change_with_sample_groups)
{
  if (!has_decrypters ()) return;
  TestTrack track = test::track ("cenc", 8, true);
  TestTrack other = test::second_key (track);
  Samples clear;
  Files files = {
      {"/m.m3u8",
          playlist ("#EXT-X-MAP:URI=\"i.mp4\"\n" +
                    key_tag ("SAMPLE-AES-CTR", "k1") + "#EXTINF:3,\n1.m4s\n" +
                    key_tag ("SAMPLE-AES-CTR", "k2") + "#EXTINF:3,\n2.m4s\n")},
      {"/k1", text (test::key_digits)}, {"/k2", text (test::key2_digits)},
      {"/i.mp4", text (test::Mp4Writer (false).movie ({track}))}};
  files["/1.m4s"] = segment (track, 500, clear);
  files["/2.m4s"] = segment (track, 501, clear, {other});
  HttpServer server (serving (files));
  for (const std::string &queue : {std::string (), late}) {
    Played played = play (source (server) + queue + before);
    fail_unless (played.is_whole (), "%s", played.error ().c_str ());
    fail_unless (played.samples == clear, "%s%zu", queue.c_str (),
        played.samples.size ());
  }
}
GST_END_TEST;

// Nobody downstream could tell the keys apart, and would use the first one.
GST_START_TEST (two_keys_of_one_key_id_are_an_error)
{
  if (!has_decrypters ()) return;
  TestTrack track = test::track ("cenc", 8, true);
  for (bool is_same : {false, true}) {
    Samples clear;
    Files files = {
        {"/m.m3u8", playlist ("#EXT-X-MAP:URI=\"i.mp4\"\n" +
                              key_tag ("SAMPLE-AES-CTR", "k1?token=a") +
                              "#EXTINF:3,\n1.m4s\n" +
                              key_tag ("SAMPLE-AES-CTR", "k2?token=secret") +
                              "#EXTINF:3,\n2.m4s\n")},
        {"/k1", text (test::key_digits)},
        {"/k2", text (is_same ? test::key_digits : test::key2_digits)},
        {"/i.mp4", text (test::Mp4Writer (false).movie ({track}))}};
    files["/1.m4s"] = segment (track, 500, clear);
    std::size_t first = clear.size ();
    files["/2.m4s"] = segment (track, 501, clear);
    HttpServer server (serving (files));
    Played played = play (source (server) + behind);
    if (is_same) {
      fail_unless (played.is_whole () && played.samples == clear);
      continue;
    }
    test::assert_error (played.end.get (), gst_stream_error_quark (),
        GST_STREAM_ERROR_NOT_IMPLEMENTED);
    fail_unless (played.error ().find (server.uri ("/k2")) != std::string::npos,
        "%s", played.error ().c_str ());
    fail_unless (played.error ().find ("secret") == std::string::npos);
    // Nothing of the second one came out.
    fail_unless (played.samples.size () <= first &&
                 std::equal (played.samples.begin (), played.samples.end (),
                     clear.begin ()));
  }
}
GST_END_TEST;

namespace {

// What comes to a sink: "P1" an event with this data, "s" a segment or
// initialization.
GstPadProbeReturn on_item (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  auto words = static_cast<relay::Guarded<std::string> *> (data)->lock ();
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    if (GST_BUFFER_OFFSET (GST_PAD_PROBE_INFO_BUFFER (info)) == 0)
      *words += "s";
    return GST_PAD_PROBE_OK;
  }
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) != GST_EVENT_PROTECTION) return GST_PAD_PROBE_OK;
  const gchar *system = nullptr;
  GstBuffer *pssh = nullptr;
  gst_event_parse_protection (event, &system, &pssh, nullptr);
  fail_unless_equals_string (system, "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed");
  *words += " P";
  *words += static_cast<char> (test::bytes_of (pssh).back ());
  return GST_PAD_PROBE_OK;
}

std::string widevine (char data)
{
  Bytes box = test::full_box ("pssh", 0, 0,
      test::Fields ()
          .put (test::hex ("edef8ba979d64acea3c827dcd51d21ed"))
          .u32 (1)
          .u8 (static_cast<std::uint8_t> (data)));
  Owned<gchar> base64{g_base64_encode (box.data (), box.size ())};
  return std::string (
             "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,KEYFORMAT=\"urn:uuid:edef8ba9-"
             "79d6-4ace-a3c8-27dcd51d21ed\",URI=\"data:text/plain;base64,") +
         base64.get () + "\"\n";
}

}  // namespace

// Before anything of the segment, and not twice.
GST_START_TEST (decrypters_are_told_of_each_key)
{
  const std::string media = text (test::box ("mdat", Bytes (9)));
  HttpServer server (serving (
      {{"/m.m3u8",
           playlist ("#EXT-X-MAP:URI=\"i.mp4\"\n" + widevine ('1') +
                     "#EXTINF:3,\n1.m4s\n#EXTINF:3,\n1.m4s\n" + widevine ('2') +
                     "#EXTINF:3,\n1.m4s\n#EXT-X-KEY:METHOD=NONE\n"
                     "#EXTINF:3,\n1.m4s\n" +
                     widevine ('2') + "#EXTINF:3,\n1.m4s\n" + widevine ('1') +
                     "#EXTINF:3,\n1.m4s\n")},
          {"/i.mp4", text (test::box ("ftyp", Bytes (9)))},
          {"/1.m4s", media}}));
  Owned<GstElement> pipeline{gst_parse_launch (
      (source (server) + "fakesink name=sink async=false").c_str (), nullptr)};
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "sink")};
  Owned<GstPad> pad{gst_element_get_static_pad (sink.get (), "sink")};
  relay::Guarded<std::string> words;
  gst_pad_add_probe (pad.get (),
      static_cast<GstPadProbeType> (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      on_item, &words, nullptr);
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstMessage> end = test::wait_message (
      pipeline.get (), GST_MESSAGE_ERROR | GST_MESSAGE_EOS, 40 * GST_SECOND);
  fail_unless (end && GST_MESSAGE_TYPE (end.get ()) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  std::string out = words.copy ();
  fail_unless (out == " P1sss P2sss P1s", "%s", out.c_str ());
}
GST_END_TEST;

// ---- Files of others -------------------------------------------------------

namespace {

// One segment, its initialization before it.
std::string one_segment (const char *method, const std::string &key)
{
  return playlist (
      key_tag (method, ("k?" + key).c_str ()) + "#EXTINF:9,\nall.mp4\n");
}

Samples from_file (const std::filesystem::path &path, const std::string &rest)
{
  Played played =
      play ("filesrc location=" + path.string () + " ! queue ! " + rest);
  fail_unless (
      played.is_whole (), "%s: %s", path.c_str (), played.error ().c_str ());
  fail_if (played.samples.empty ());
  return std::move (played.samples);
}

}  // namespace

GST_START_TEST (files_of_others_beside_their_clear_twins)
{
  auto vectors = test::vectors ("cenc");
  if (!vectors || !has_decrypters ()) return;
  auto read = [&] (const char *name) {
    return text (test::read_file (*vectors / name));
  };
  test::TempDir folder;
  const struct
  {
    std::string encrypted;
    std::string clear;
    const char *method;
    const char *key;
    std::vector<std::string> ways;
    const char *pad;
  } rows[] = {
      {read ("mp4ff-cbcs.mp4"), read ("mp4ff-cbcs-clear.mp4"), "SAMPLE-AES",
          "22bdb0063805260307ee5045c0f3835a",
          {"qtdemux name=d d.video_0 ! cencdecrypt",
              "cencmp4decrypt ! qtdemux name=d d.video_0"},
          "video_0"},
      // qtdemux does not read PIFF's boxes.
      {read ("mp4ff-piff-audio/init.mp4") +
              read ("mp4ff-piff-audio/segment-1.0001.m4s"),
          read ("mp4ff-piff-audio/init.mp4") +
              read ("mp4ff-piff-audio/segment-1.0001_dec.m4s"),
          "SAMPLE-AES-CTR", "602a9289bfb9b1995b75ac63f123fc86",
          {"cencmp4decrypt ! qtdemux name=d d.audio_0"}, "audio_0"},
  };
  for (const auto &row : rows) {
    std::filesystem::path path = folder.path () / "clear.mp4";
    test::write_file (path, Bytes (row.clear.begin (), row.clear.end ()));
    Samples clear =
        from_file (path, std::string ("qtdemux name=d d.") + row.pad);
    HttpServer server (serving ({{"/m.m3u8", one_segment (row.method, "")},
        {"/k", text (row.key)}, {"/all.mp4", row.encrypted}}));
    for (const std::string &way : row.ways) {
      Played played = play (source (server) + way);
      fail_unless (
          played.is_whole (), "%s: %s", way.c_str (), played.error ().c_str ());
      fail_unless (played.samples == clear, "%s: %zu of %zu", way.c_str (),
          played.samples.size (), clear.size ());
    }
  }
}
GST_END_TEST;

// The same pictures in four schemes: four ciphers that agree are right.
GST_START_TEST (one_film_of_others_in_four_schemes)
{
  auto vectors = test::vectors ("cenc");
  if (!vectors || !has_decrypters ()) return;
  const struct
  {
    const char *scheme;
    const char *method;
    std::vector<std::string> ways;
  } rows[] = {
      {"cenc", "SAMPLE-AES-CTR", {behind, before}},
      {"cbcs", "SAMPLE-AES", {behind, before}},
      // Not of HLS, but the media say what they are.
      {"cens", "SAMPLE-AES-CTR", {before}},
      {"cbc1", "SAMPLE-AES", {before}},
  };
  for (const char *kind : {"video", "audio"}) {
    std::optional<Samples> first;
    for (const auto &row : rows) {
      auto read = [&] (const std::string &name) {
        return text (test::read_file (
            *vectors / (std::string ("vsd-") + row.scheme + "-single") /
            (kind + name)));
      };
      Files files = {{"/m.m3u8", playlist ("#EXT-X-MAP:URI=\"i.mp4\"\n" +
                                           key_tag (row.method, "k") +
                                           "#EXTINF:9,\n1.m4s\n")},
          {"/k", text ("100b6c20940f779a4589152b57d2dacb")},
          {"/i.mp4", read ("_init.mp4")}, {"/1.m4s", read ("_1.m4s")}};
      HttpServer server (serving (files));
      for (const std::string &way : row.ways) {
        Played played = play (source (server) + way);
        fail_unless (played.is_whole (), "%s, %s: %s", row.scheme, way.c_str (),
            played.error ().c_str ());
        fail_unless_equals_uint64 (
            played.samples.size (), *kind == 'v' ? 120 : 217);
        if (!first) first = played.samples;
        fail_unless (
            played.samples == *first, "%s, %s", row.scheme, way.c_str ());
      }
    }
  }
}
GST_END_TEST;

// Byte ranges of one file, and a key in a data: URI.
GST_START_TEST (a_list_of_others_is_as_its_file)
{
  auto vectors = test::vectors ("hls/shaka/hls-sample-aes");
  if (!vectors || !has_decrypters ()) return;
  Samples all = from_file (
      *vectors / "video.mp4", behind + " key=abba271e8bcf552bbd2e86a434a9a5d9");
  HttpServer server (
      serving ({{"/m.m3u8", text (test::read_file (*vectors / "index.m3u8"))},
          {"/video.mp4", text (test::read_file (*vectors / "video.mp4"))}}));
  for (const std::string &way : {behind, late + behind, before}) {
    Played played = play (source (server) + way);
    fail_unless (
        played.is_whole (), "%s: %s", way.c_str (), played.error ().c_str ());
    fail_unless (played.samples == all, "%s: %zu of %zu", way.c_str (),
        played.samples.size (), all.size ());
  }
}
GST_END_TEST;

static Suite *adaptivesrc_keys_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-keys");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, keys_change_with_the_initialization);
  tcase_add_test (tests, keys_change_with_sample_groups);
  tcase_add_test (tests, two_keys_of_one_key_id_are_an_error);
  tcase_add_test (tests, decrypters_are_told_of_each_key);
  tcase_add_test (tests, files_of_others_beside_their_clear_twins);
  tcase_add_test (tests, one_film_of_others_in_four_schemes);
  tcase_add_test (tests, a_list_of_others_is_as_its_file);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_keys)

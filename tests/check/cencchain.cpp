// SPDX-License-Identifier: LGPL-2.1-or-later
// Decryption behind what sends streams: adaptivesrc, and a source that sends
// what adaptivesrc is to send of encrypted HLS.
#include "httpserver.h"
#include "testcenc.h"
#include "testprogressive.h"

namespace {

using relay::Owned;
using test::Bytes;
using test::HttpServer;
using test::TestTrack;
using test::TestTraf;
using test::operator+;

using Samples = std::vector<Bytes>;

std::string keys_property ()
{
  return std::string ("keys=") + test::kid_digits + ":" + test::key_digits +
         "," + test::kid2_digits + ":" + test::key2_digits;
}

// A file as its init segment and media segments, or whole.
struct File
{
  std::string what;
  Bytes init;
  std::vector<Bytes> segments;
  Samples clear;
  Samples encrypted;
};

void append (Samples &out, const std::vector<test::TestSample> &samples)
{
  for (const test::TestSample &sample : samples) out.push_back (sample.bytes);
}

Samples encrypted (const std::vector<test::TestSample> &samples,
    const TestTrack &track, std::uint64_t place)
{
  Samples out;
  for (const test::TestSample &sample : samples)
    out.push_back (test::SampleEncrypter (
        track.scheme, test::iv_of (track, place, out.size ()))
                       .encrypt (sample.bytes, sample.ranges));
  return out;
}

// A traf is behind the headers of moof and mfhd.
constexpr std::uint64_t traf_at = 24;

// Two segments; change makes the traf what it is to be.
template <class Change>
File fragmented (const char *what, const TestTrack &track, Change change)
{
  File out{what, test::Mp4Writer (false).movie ({track}), {}, {}, {}};
  for (std::uint64_t position : {1000u, 2000u}) {
    TestTraf traf;
    traf.track = &track;
    traf.runs = {test::samples_of (track, {500, 300, 9000})};
    change (traf, position);
    auto media = test::Mp4Writer (false).fragment ({traf}, position);
    out.segments.push_back (media.moof + media.mdat);
    append (out.clear, traf.runs[0]);
    for (Bytes &one : encrypted (traf.runs[0], track, position + traf_at))
      out.encrypted.push_back (std::move (one));
  }
  return out;
}

// Without a system that qtdemux could choose, as it reads more with one.
Bytes without_pssh (Bytes bytes)
{
  std::string_view type = "pssh";
  auto at =
      std::search (bytes.begin (), bytes.end (), type.begin (), type.end ());
  fail_unless (at != bytes.end ());
  std::copy_n ("free", 4, at);
  return bytes;
}

// What no version of qtdemux so far (1.28) hands on with all that is needed.
std::vector<File> beyond_qtdemux ()
{
  auto senc_alone = [] (TestTraf &traf, std::uint64_t) { traf.saiz = false; };
  std::vector<File> out;
  // Of a track that qtdemux 1.22 refuses, saiz makes it fail an assertion.
  for (unsigned skip : {9u, 0u})
    out.push_back (fragmented ("cens",
        test::track ("cens", 8, true, skip == 0 ? 0 : 1, skip), senc_alone));
  out.push_back (
      fragmented ("cbc1", test::track ("cbc1", 16, true), senc_alone));
  out.push_back (fragmented (
      "cenc, senc alone", test::track ("cenc", 8, true), senc_alone));
  out.push_back (fragmented (
      "cbcs, senc alone", test::track ("cbcs", 0, true, 1, 9), senc_alone));

  for (const char *scheme : {"cenc", "cbc1"}) {
    TestTrack piff = test::track (scheme, 16, true);
    piff.is_piff = true;
    piff.scheme.name = scheme;
    File file = fragmented (
        scheme == std::string_view ("cenc") ? "PIFF, AES-CTR" : "PIFF, AES-CBC",
        piff, [&] (TestTraf &traf, std::uint64_t position) {
          traf.senc = traf.saiz = false;
          traf.protection =
              test::piff_senc (piff, traf.runs[0], position + traf_at, {});
        });
    file.init = without_pssh (file.init);
    out.push_back (std::move (file));
  }

  for (const char *scheme : {"cenc", "cbcs"}) {
    bool is_cbcs = scheme == std::string_view ("cbcs");
    TestTrack track = test::track (
        scheme, is_cbcs ? 0 : 8, true, is_cbcs ? 1 : 0, is_cbcs ? 9 : 0);
    test::Layout layout;
    layout.has_durations = true;
    std::vector<test::TestSample> first = test::samples_of (track, {500, 300}),
                                  second = test::samples_of (track, {9000});
    File file{std::string ("progressive, ") + scheme,
        test::Progressive ({track}, {{0, first}, {0, second}}, layout)
            .write (false),
        {}, {}, {}};
    first.insert (first.end (), second.begin (), second.end ());
    append (file.clear, first);
    file.encrypted = encrypted (first, track, 0);
    out.push_back (std::move (file));
  }
  return out;
}

std::string text (const Bytes &bytes)
{
  return std::string (bytes.begin (), bytes.end ());
}

HttpServer::Handler serving (const File &file)
{
  std::string address = "<BaseURL>all.mp4</BaseURL>";
  std::map<std::string, std::string> files{{"/all.mp4", text (file.init)}};
  if (!file.segments.empty ()) {
    address =
        "<SegmentTemplate duration='2' media='$Number$.m4s' "
        "initialization='init.mp4'/>";
    files["/init.mp4"] = text (file.init);
    for (std::size_t i = 0; i < file.segments.size (); i++)
      files["/" + std::to_string (i + 1) + ".m4s"] = text (file.segments[i]);
  }
  files["/m.mpd"] =
      "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' "
      "mediaPresentationDuration='PT4S'><Period><AdaptationSet "
      "mimeType='video/mp4'><Representation id='v' bandwidth='1'>" +
      address + "</Representation></AdaptationSet></Period></MPD>";
  return [files = std::move (files)] (const HttpServer::Request &request) {
    auto found = files.find (request.path);
    if (found == files.end ()) return HttpServer::Reply{404, "no", {}};
    return HttpServer::Reply{200, found->second, {{"Accept-Ranges", "bytes"}}};
  };
}

void keep (GstElement *, GstBuffer *buffer, GstPad *, Samples *out)
{
  out->push_back (test::bytes_of (buffer));
}

// What a pipeline with elements "sink" and "decrypt" does up to its end.
struct Played
{
  Samples samples;
  std::vector<std::string> warnings;
  std::string error;
  std::string error_from;  // the factory of who posted it
  guint64 without_meta = 0;
};

std::string text_of (GstMessage *message)
{
  GError *raw_error = nullptr;
  gchar *raw_debug = nullptr;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
    gst_message_parse_warning (message, &raw_error, &raw_debug);
  else
    gst_message_parse_error (message, &raw_error, &raw_debug);
  Owned<GError> error{raw_error};
  Owned<gchar> debug{raw_debug};
  return std::string (error->message) + "\n" + (debug ? debug.get () : "");
}

Played play (const std::string &line)
{
  GError *raw_error = nullptr;
  Owned<GstElement> pipeline{
      gst_parse_launch ((line + " ! fakesink name=sink async=false sync=false "
                                "signal-handoffs=true")
                            .c_str (),
          &raw_error)};
  fail_unless (raw_error == nullptr, "%s", line.c_str ());
  GstBin *bin = GST_BIN (pipeline.get ());
  Owned<GstElement> sink{gst_bin_get_by_name (bin, "sink")};
  Owned<GstElement> decrypt{gst_bin_get_by_name (bin, "decrypt")};
  Played out;
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (keep), &out.samples);
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  for (;;) {
    Owned<GstMessage> message = test::wait_message (pipeline.get (),
        GST_MESSAGE_ERROR | GST_MESSAGE_WARNING | GST_MESSAGE_EOS);
    fail_unless (message != nullptr, "%s: nothing happens", line.c_str ());
    if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS) break;
    if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_WARNING) {
      out.warnings.push_back (text_of (message.get ()));
      continue;
    }
    out.error = text_of (message.get ());
    GstElementFactory *factory = gst_element_get_factory (
        GST_ELEMENT (GST_MESSAGE_SRC (message.get ())));
    out.error_from = GST_OBJECT_NAME (factory);
    break;
  }
  GstStructure *raw = nullptr;
  g_object_get (decrypt.get (), "stats", &raw, nullptr);
  Owned<GstStructure> stats{raw};
  gst_structure_get_uint64 (
      stats.get (), "samples-without-meta", &out.without_meta);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return out;
}

bool contains (const std::string &text, const char *part)
{
  return text.find (part) != std::string::npos;
}

// From a file, and from a server by adaptivesrc.
std::vector<std::string> sources (
    const File &file, const std::string &path, HttpServer &server)
{
  Bytes all = file.init;
  for (const Bytes &segment : file.segments) all = all + segment;
  test::write_file (path, all);
  return {"filesrc location=" + path + " ! queue ! ",
      "adaptivesrc name=s retries=0 location=" + server.uri ("/m.mpd") +
          " s.video_0 ! "};
}

}  // namespace

GST_START_TEST (before_qtdemux_all_comes_out)
{
  test::TempDir folder;
  for (const File &file : beyond_qtdemux ()) {
    HttpServer server (serving (file));
    for (const std::string &source :
        sources (file, folder.path () / "in.mp4", server)) {
      Played played = play (source + "cencmp4decrypt name=decrypt " +
                            keys_property () + " ! qtdemux");
      fail_unless (played.error.empty () && played.warnings.empty (),
          "%s, %s: %s", file.what.c_str (), source.c_str (),
          played.error.c_str ());
      fail_unless (played.samples == file.clear, "%s, %s: %zu samples",
          file.what.c_str (), source.c_str (), played.samples.size ());
    }
  }
}
GST_END_TEST;

// Behind qtdemux it is passed as it is, and counted, with one warning that says
// what to do, and at the end an error; or qtdemux itself refuses it.
GST_START_TEST (behind_qtdemux_it_is_told)
{
  test::TempDir folder;
  for (const File &file : beyond_qtdemux ()) {
    HttpServer server (serving (file));
    for (const std::string &source :
        sources (file, folder.path () / "in.mp4", server)) {
      Played played = play (
          source + "qtdemux ! cencdecrypt name=decrypt " + keys_property ());
      std::string where = file.what + ", " + source;
      // A version that can.
      if (played.samples == file.clear && played.error.empty ()) continue;
      if (played.error_from != "cencdecrypt") {
        fail_unless (file.what == "cens" || file.what == "cbc1", "%s: %s",
            where.c_str (), played.error.c_str ());
        fail_unless_equals_string (played.error_from.c_str (), "qtdemux");
        fail_unless (played.samples.empty ());
        continue;
      }
      fail_unless_equals_uint64 (played.warnings.size (), 1);
      fail_unless (contains (played.warnings[0],
                       "put cencmp4decrypt in front of the demuxer"),
          "%s: %s", where.c_str (), played.warnings[0].c_str ());
      fail_unless (
          contains (played.error, "put cencmp4decrypt in front of the demuxer"),
          "%s: %s", where.c_str (), played.error.c_str ());
      fail_unless_equals_uint64 (played.without_meta, file.clear.size ());
      fail_unless (played.samples == file.encrypted, "%s: %zu samples",
          where.c_str (), played.samples.size ());
    }
  }
}
GST_END_TEST;

namespace {

// EXT-X-KEY of one part of a playlist, and its EXT-X-MAP and segments.
struct Part
{
  bool is_encrypted;
  bool has_second_key;
};

// What of a playlist is sent: one resource after the other.
struct Playlist
{
  std::vector<Bytes> inits;  // of each part
  std::vector<std::vector<Bytes>> segments;
  Samples clear;
};

Playlist make_playlist (const TestTrack &track, const std::vector<Part> &parts)
{
  Playlist out;
  test::Mp4Writer writer (false);
  std::uint64_t position = 0;
  for (const Part &part : parts) {
    TestTrack one = part.has_second_key ? test::second_key (track) : track;
    one.is_encrypted = part.is_encrypted;
    Bytes init = writer.movie ({one});
    // HLS has it in the playlist.
    out.inits.push_back (without_pssh (init));
    out.segments.emplace_back ();
    for (int i = 0; i < 2; i++) {
      TestTraf traf;
      traf.track = &one;
      traf.runs = {test::samples_of (one, {500, 300, 2000})};
      append (out.clear, traf.runs[0]);
      auto media = writer.fragment ({traf}, position += 1000);
      out.segments.back ().push_back (media.moof + media.mdat);
    }
  }
  return out;
}

// Who sends a stream answers for the keys of its playlist.
GstPadProbeReturn answer_query (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  const gchar *type = nullptr;
  if (GST_QUERY_TYPE (query) != GST_QUERY_CONTEXT ||
      !gst_query_parse_context_type (query, &type) ||
      strcmp (type, "cenc-keys") != 0)
    return GST_PAD_PROBE_OK;
  gchar **kids = nullptr;
  fail_unless (gst_structure_get (
      gst_query_get_structure (query), "key-ids", G_TYPE_STRV, &kids, nullptr));
  GVariantBuilder keys;
  g_variant_builder_init (&keys, G_VARIANT_TYPE ("a{ss}"));
  for (gchar **kid = kids; *kid != nullptr; kid++)
    for (auto [known, key] : {std::pair (test::kid_digits, test::key_digits),
             std::pair (test::kid2_digits, test::key2_digits)})
      if (strcmp (*kid, known) == 0)
        g_variant_builder_add (&keys, "{ss}", known, key);
  g_strfreev (kids);
  (*static_cast<int *> (data))++;
  Owned<GstContext> context{gst_context_new ("cenc-keys", TRUE)};
  gst_structure_set (gst_context_writable_structure (context.get ()), "keys",
      G_TYPE_VARIANT, g_variant_builder_end (&keys), nullptr);
  gst_query_set_context (query, context.get ());
  return GST_PAD_PROBE_HANDLED;
}

// A resource in buffers: an init segment with HEADER, others with their time
// in front and DELTA_UNIT from then on; OFFSET from 0.
void send (GstHarness *harness, const Bytes &bytes, GstClockTime pts)
{
  constexpr std::size_t step = 700;
  bool is_init = !GST_CLOCK_TIME_IS_VALID (pts);
  for (std::size_t at = 0; at < bytes.size (); at += step) {
    Owned<GstBuffer> buffer = test::buffer (
        std::span (bytes).subspan (at, std::min (step, bytes.size () - at)));
    GST_BUFFER_OFFSET (buffer.get ()) = at;
    if (at == 0) GST_BUFFER_PTS (buffer.get ()) = pts;
    if (is_init)
      GST_BUFFER_FLAG_SET (buffer.get (), GST_BUFFER_FLAG_HEADER);
    else if (at != 0)
      GST_BUFFER_FLAG_SET (buffer.get (), GST_BUFFER_FLAG_DELTA_UNIT);
    fail_unless (gst_harness_push (harness, buffer.release ()) == GST_FLOW_OK);
  }
}

struct Sent
{
  Samples samples;
  int queries = 0;
};

// As adaptivesrc has its pads: stream-start, caps, segment and protection
// before any data, and with each EXT-X-MAP caps and an init segment.
Sent send_playlist (
    const Playlist &playlist, const std::string &line, bool has_protection)
{
  Sent out;
  // Only the pad of the first element is to be one of the bin.
  GError *raw_error = nullptr;
  GstElement *bin = gst_parse_bin_from_description (
      (line + " ! fakesink name=sink async=false sync=false "
              "signal-handoffs=true")
          .c_str (),
      FALSE, &raw_error);
  fail_unless (raw_error == nullptr, "%s", line.c_str ());
  Owned<GstElement> first{gst_bin_get_by_name (GST_BIN (bin), "first")};
  Owned<GstPad> pad{gst_element_get_static_pad (first.get (), "sink")};
  gst_element_add_pad (bin, gst_ghost_pad_new ("sink", pad.get ()));
  GstHarness *harness = gst_harness_new_with_element (bin, "sink", nullptr);
  gst_object_unref (bin);
  Owned<GstBus> bus{gst_bus_new ()};
  gst_element_set_bus (harness->element, bus.get ());
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (harness->element), "sink")};
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (keep), &out.samples);
  gst_pad_add_probe (harness->srcpad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM,
      answer_query, &out.queries, nullptr);
  gst_harness_push_event (harness, gst_event_new_stream_start ("hls"));
  GstClockTime pts = 0;
  for (std::size_t part = 0; part < playlist.inits.size (); part++) {
    Owned<GstCaps> caps{gst_caps_new_empty_simple ("video/quicktime")};
    gst_harness_push_event (harness, gst_event_new_caps (caps.get ()));
    if (part == 0) {
      GstSegment segment;
      gst_segment_init (&segment, GST_FORMAT_TIME);
      gst_harness_push_event (harness, gst_event_new_segment (&segment));
      if (has_protection) {
        // What an EXT-X-KEY with a KEYFORMAT of urn:uuid: has in its URI.
        Owned<GstBuffer> pssh = test::buffer (test::full_box ("pssh", 0, 0,
            test::Fields ()
                .put (test::hex ("edef8ba979d64acea3c827dcd51d21ed"))
                .u32 (2)
                .u16 (0x1234)));
        gst_harness_push_event (harness,
            gst_event_new_protection ("edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
                pssh.get (), "hls/playlist"));
      }
    }
    send (harness, playlist.inits[part], GST_CLOCK_TIME_NONE);
    for (const Bytes &segment : playlist.segments[part]) {
      send (harness, segment, pts);
      pts += 2 * GST_SECOND;
    }
  }
  gst_harness_push_event (harness, gst_event_new_eos ());
  Owned<GstMessage> error{gst_bus_pop_filtered (bus.get (),
      static_cast<GstMessageType> (GST_MESSAGE_ERROR | GST_MESSAGE_WARNING))};
  fail_unless (error == nullptr, "%s: %s", line.c_str (),
      error ? text_of (error.get ()).c_str () : "");
  gst_element_set_bus (harness->element, nullptr);
  gst_harness_teardown (harness);
  return out;
}

}  // namespace

// SAMPLE-AES-CTR and SAMPLE-AES of fMP4, of which the source knows the keys:
// from one to the other, and to METHOD=NONE and back.
GST_START_TEST (hls_as_adaptivesrc_sends_it)
{
  const std::vector<Part> parts = {
      {true, false}, {true, true}, {false, false}, {true, false}};
  for (const char *method : {"SAMPLE-AES-CTR", "SAMPLE-AES"})
    for (bool is_video : {true, false})
      for (bool has_protection : {true, false}) {
        bool is_cbcs = method == std::string_view ("SAMPLE-AES");
        bool has_pattern = is_cbcs && is_video;
        TestTrack track =
            test::track (is_cbcs ? "cbcs" : "cenc", is_cbcs ? 0 : 8, is_video,
                has_pattern ? 1 : 0, has_pattern ? 9 : 0);
        Playlist playlist = make_playlist (track, parts);
        for (const char *line : {"cencmp4decrypt name=first ! qtdemux",
                 "qtdemux name=first ! cencdecrypt"}) {
          Sent sent = send_playlist (playlist, line, has_protection);
          fail_unless (sent.samples == playlist.clear,
              "%s, %s, %s, %s: %zu samples", method,
              is_video ? "video" : "sound", has_protection ? "event" : "none",
              line, sent.samples.size ());
          // Once for each key, which is known from then on.
          fail_unless_equals_int (sent.queries, 2);
        }
      }
}
GST_END_TEST;

static Suite *cencchain_suite ()
{
  Suite *suite = suite_create ("cencchain");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, before_qtdemux_all_comes_out);
  tcase_add_test (tests, behind_qtdemux_it_is_told);
  tcase_add_test (tests, hls_as_adaptivesrc_sends_it);
  return suite;
}

GST_CHECK_MAIN (cencchain)

// SPDX-License-Identifier: LGPL-2.1-or-later
// adaptivesrc as the bins of GStreamer plug it, by its URI schemes.
#include <dlfcn.h>
#include <execinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <tuple>

#include "adaptiverig.h"
#include "encryptedsound.h"

using relay::Guarded;
using relay::Owned;
using test::Bytes;
using test::Files;
using test::HttpServer;
using test::serving;

namespace {

constexpr guint rate = 8000;
constexpr guint seconds_of_media = 8;

// ---- Media -----------------------------------------------------------------

// Each sample of the sound is its own number.
Owned<GstBuffer> make_second (guint second)
{
  Owned<GstBuffer> buffer{gst_buffer_new_allocate (nullptr, rate * 2, nullptr)};
  {
    relay::MappedBuffer map (buffer.get (), GST_MAP_WRITE);
    for (guint i = 0; i < rate; i++) {
      guint number = second * rate + i;
      map.writable ()[2 * i] = static_cast<std::uint8_t> (number);
      map.writable ()[2 * i + 1] = static_cast<std::uint8_t> (number >> 8);
    }
  }
  GST_BUFFER_PTS (buffer.get ()) = second * GST_SECOND;
  GST_BUFFER_DURATION (buffer.get ()) = GST_SECOND;
  return buffer;
}

// What a pipeline writes into its sink.
std::string written (const char *launch, bool is_fed)
{
  GstElement *raw = gst_parse_launch (launch, nullptr);
  Owned<GstElement> pipeline{GST_ELEMENT (g_object_ref_sink (raw))};
  Owned<GstElement> sink{gst_bin_get_by_name (GST_BIN (raw), "sink")};
  using Written = relay::Guarded<std::string>;
  Written out;
  g_signal_connect (sink.get (), "handoff",
      G_CALLBACK (+[] (GstElement *, GstBuffer *buffer, GstPad *, Written *o) {
        Bytes bytes = test::bytes_of (buffer);
        o->lock ()->append (bytes.begin (), bytes.end ());
      }),
      &out);
  // Made before the streaming threads run, which only GLib's locks say.
  (void)out.lock ();
  gst_element_set_state (raw, GST_STATE_PLAYING);
  if (is_fed) {
    Owned<GstElement> source{gst_bin_get_by_name (GST_BIN (raw), "source")};
    GstFlowReturn flow = GST_FLOW_OK;
    // One more than is used: the last part is longer.
    for (guint second = 0; second < seconds_of_media + 2; second++) {
      GstBuffer *buffer = make_second (second).release ();
      g_signal_emit_by_name (source.get (), "push-buffer", buffer, &flow);
      gst_buffer_unref (buffer);
    }
    g_signal_emit_by_name (source.get (), "end-of-stream", &flow);
  }
  Owned<GstMessage> message =
      test::wait_message (raw, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
  gst_element_set_state (raw, GST_STATE_NULL);
  return out.copy ();
}

// NAME.mp4, and NAME0.m4s and so on: a second each.
void add_parts (Files &files, const std::string &name, const std::string &movie)
{
  std::vector<std::size_t> begins;
  std::size_t at = 0;
  while (at + 8 <= movie.size ()) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; i++)
      size = size << 8 | static_cast<std::uint8_t> (movie[at + i]);
    if (movie.compare (at + 4, 4, "moof") == 0) begins.push_back (at);
    at += size;
  }
  fail_unless (begins.size () > seconds_of_media);
  files["/" + name + ".mp4"] = movie.substr (0, begins[0]);
  for (std::size_t i = 0; i < seconds_of_media; i++)
    files["/" + name + std::to_string (i) + ".m4s"] =
        movie.substr (begins[i], begins[i + 1] - begins[i]);
}

const char *const set = R"(
  <AdaptationSet mimeType="%s/mp4"><SegmentTemplate duration="1"
    media="$RepresentationID$$Number$.m4s" startNumber="0"
    initialization="$RepresentationID$.mp4"/>
    <Representation id="%s" bandwidth="1000"/></AdaptationSet>)";

std::string set_of (const char *type, const char *id)
{
  Owned<gchar> text{g_strdup_printf (set, type, id)};
  return text.get ();
}

const Files &all_files ()
{
  static const Files files = [] {
    Files out;
    add_parts (out, "a",
        written ("appsrc name=source format=time caps=audio/x-raw,"
                 "format=S16LE,rate=8000,channels=1,layout=interleaved ! "
                 "qtmux fragment-duration=1000 streamable=true ! "
                 "fakesink name=sink signal-handoffs=true sync=false",
            true));
    add_parts (out, "v",
        written ("videotestsrc num-buffers=100 ! video/x-raw,width=16,"
                 "height=16,framerate=10/1 ! jpegenc ! "
                 "qtmux fragment-duration=1000 streamable=true ! "
                 "fakesink name=sink signal-handoffs=true sync=false",
            false));
    const std::string attributes = "mediaPresentationDuration='PT8S'";
    out["/both.mpd"] =
        test::mpd (set_of ("audio", "a") + set_of ("video", "v"), attributes);
    out["/sound.mpd"] = test::mpd (set_of ("audio", "a"), attributes);
    std::string list = "#EXT-X-MAP:URI=\"a.mp4\"\n";
    for (guint i = 0; i < seconds_of_media; i++)
      list += "#EXTINF:1,\na" + std::to_string (i) + ".m4s\n";
    out["/sound.m3u8"] = test::media_playlist (list);
    return out;
  }();
  return files;
}

// ---- What comes out --------------------------------------------------------

// The samples that a sink would play, cut at the ends of the segment, and
// whether their running time goes on where it was.
struct Heard
{
  std::vector<guint16> samples;
  bool is_continuous = true;
  double running = -1;  // s, the end of the last one
  Bytes bytes;          // uncut
};

struct Sinks
{
  Guarded<Heard> heard;
  std::atomic<guint> pictures{0};
  std::atomic<guint> seen_first{0};  // bits: sound, picture
  std::atomic<guint> ended{0};       // sinks
};

void hear (GstElement *, GstBuffer *buffer, GstPad *pad, Sinks *sinks)
{
  Owned<GstEvent> event{gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0)};
  const GstSegment *segment = nullptr;
  gst_event_parse_segment (event.get (), &segment);
  Bytes bytes = test::bytes_of (buffer);
  auto heard = sinks->heard.lock ();
  heard->bytes.insert (heard->bytes.end (), bytes.begin (), bytes.end ());
  for (std::size_t i = 0; i + 1 < bytes.size (); i += 2) {
    GstClockTime time = GST_BUFFER_PTS (buffer) +
                        gst_util_uint64_scale (i / 2, GST_SECOND, rate);
    GstClockTime running =
        gst_segment_to_running_time (segment, GST_FORMAT_TIME, time);
    // By less than half of a sample it is the same.
    if (!GST_CLOCK_TIME_IS_VALID (running) ||
        (GST_CLOCK_TIME_IS_VALID (segment->stop) &&
            time + 50000 >= segment->stop))
      continue;
    double at = static_cast<double> (running) / GST_SECOND;
    if (heard->running >= 0 && std::abs (heard->running - at) > 0.0002)
      heard->is_continuous = false;
    heard->running = at + 1.0 / rate;
    heard->samples.push_back (
        static_cast<guint16> (bytes[i] | bytes[i + 1] << 8));
  }
}

void see (GstElement *, GstBuffer *, GstPad *, Sinks *sinks)
{
  sinks->pictures++;
}

void hear_first (GstElement *, GstBuffer *, GstPad *, Sinks *sinks)
{
  sinks->seen_first |= 1;
}

void see_first (GstElement *, GstBuffer *, GstPad *, Sinks *sinks)
{
  sinks->seen_first |= 2;
}

GstPadProbeReturn count_end (GstPad *, GstPadProbeInfo *info, gpointer sinks)
{
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS)
    static_cast<Sinks *> (sinks)->ended++;
  return GST_PAD_PROBE_OK;
}

GstElement *make_sink (Sinks &sinks, bool is_sound)
{
  GstElement *sink = gst_element_factory_make ("fakesink", nullptr);
  g_object_set (sink, "signal-handoffs", TRUE, "sync", FALSE, nullptr);
  g_signal_connect (
      sink, "handoff", is_sound ? G_CALLBACK (hear) : G_CALLBACK (see), &sinks);
  g_signal_connect (sink, "preroll-handoff",
      is_sound ? G_CALLBACK (hear_first) : G_CALLBACK (see_first), &sinks);
  Owned<GstPad> pad{gst_element_get_static_pad (sink, "sink")};
  gst_pad_add_probe (pad.get (), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, count_end,
      &sinks, nullptr);
  return sink;
}

// What a bin gives: to a sink, by way of decoders where it has none.
void link (GstElement *element, GstPad *pad, Sinks *sinks)
{
  Owned<GstCaps> caps{gst_pad_query_caps (pad, nullptr)};
  const gchar *type =
      gst_structure_get_name (gst_caps_get_structure (caps.get (), 0));
  Owned<GstObject> parent{gst_element_get_parent (element)};
  GstElement *next = nullptr;
  if (g_str_has_prefix (type, "audio/x-raw")) {
    next = make_sink (*sinks, true);
  } else if (g_str_has_prefix (type, "video/x-raw") ||
             g_str_has_prefix (type, "image/")) {
    next = make_sink (*sinks, false);
  } else {
    next = gst_element_factory_make ("qtdemux", nullptr);
    g_signal_connect (next, "pad-added", G_CALLBACK (link), sinks);
  }
  gst_bin_add (GST_BIN (parent.get ()), next);
  gst_element_sync_state_with_parent (next);
  Owned<GstPad> to{gst_element_get_static_pad (next, "sink")};
  fail_unless (gst_pad_link (pad, to.get ()) == GST_PAD_LINK_OK);
}

struct Properties
{
  const char *skip_ranges = "";
  guint64 start_offset = 0;
};

void set_up (GstElement *, GstElement *source, const Properties *properties)
{
  Owned<gchar> name{
      gst_object_get_name (GST_OBJECT (gst_element_get_factory (source)))};
  if (g_strcmp0 (name.get (), "adaptivesrc") != 0) return;
  g_object_set (source, "skip-ranges", properties->skip_ranges, "start-offset",
      properties->start_offset, nullptr);
}

const char *const bins[] = {
    "urisourcebin", "uridecodebin", "uridecodebin3", "playbin", "playbin3"};

// Of two streams that are chosen one after the other playbin3 of GStreamer 1.22
// takes the two messages in any order, and may end with the first alone.
bool is_for_two (const char *bin)
{
  return g_strcmp0 (bin, "playbin3") != 0;
}

Owned<GstElement> make_pipeline (const char *bin, const std::string &uri,
    Sinks &sinks, const Properties &properties)
{
  GstElement *element = gst_element_factory_make (bin, nullptr);
  fail_unless (element != nullptr, "no %s", bin);
  g_object_set (element, "uri", uri.c_str (), nullptr);
  g_signal_connect (element, "source-setup", G_CALLBACK (set_up),
      const_cast<Properties *> (&properties));
  if (g_str_has_prefix (bin, "playbin")) {
    g_object_set (element, "audio-sink", make_sink (sinks, true), "video-sink",
        make_sink (sinks, false), nullptr);
    // As they come, without converters.
    gst_util_set_object_arg (
        G_OBJECT (element), "flags", "audio+video+native-audio+native-video");
    gst_object_ref_sink (element);
    return Owned<GstElement>{element};
  }
  GstElement *pipeline = gst_pipeline_new (nullptr);
  gst_object_ref_sink (pipeline);
  gst_bin_add (GST_BIN (pipeline), element);
  g_signal_connect (element, "pad-added", G_CALLBACK (link), &sinks);
  return Owned<GstElement>{pipeline};
}

// ---- Faults of others ------------------------------------------------------

// decodebin3 of GStreamer 1.22 dies of a signal now and then, about once in 100
// of these tests on a busy machine:
// * from PAUSED to READY it removes the stream of an input that has none
//   (repaired in 1.26 and 1.24.10 by "do not attempt to remove a null stream",
//   merge request 7586 of GStreamer);
// * it resets without its lock, and a collection of streams is used that is
//   not there any more, or slots that are being changed (repaired in 1.26 by
//   merge requests 6270, "Fixes races when doing intensive state changes",
//   7586 and 7594).
// And it loses the end of a stream now and then: that of a second one does not
// come out, though it has gone in (its handling of EOS is another one since
// 1.26: "Remove custom EOS handling").
// So what is played by it is played in a process of its own, and played once
// more, aloud, when this dies in that plugin, or when the ends that the source
// has sent do not come out. All else that goes wrong there goes wrong here.

constexpr int died_in_stock = 70;
constexpr int most_deaths = 5;
constexpr gint64 patience = 20 * G_USEC_PER_SEC;

bool may_die (const char *bin)
{
  guint major = 0;
  guint minor = 0;
  guint micro = 0;
  guint nano = 0;
  gst_version (&major, &minor, &micro, &nano);
  // Without a process for each test there is none for this one either.
  return major == 1 && minor < 26 && g_str_has_suffix (bin, "3") &&
         g_strcmp0 (g_getenv ("CK_FORK"), "no") != 0;
}

// Each of the pads of adaptivesrc has sent its EOS.
bool has_sent_all (GstElement *pipeline)
{
  Owned<GstIterator> found{gst_bin_iterate_all_by_element_factory_name (
      GST_BIN (pipeline), "adaptivesrc")};
  GValue item = G_VALUE_INIT;
  if (gst_iterator_next (found.get (), &item) != GST_ITERATOR_OK) return false;
  auto *source = GST_ELEMENT (g_value_get_object (&item));
  gboolean all = gst_element_foreach_src_pad (
      source,
      [] (GstElement *, GstPad *pad, gpointer) -> gboolean {
        return Owned<GstEvent> (
                   gst_pad_get_sticky_event (pad, GST_EVENT_EOS, 0)) != nullptr;
      },
      nullptr);
  g_value_unset (&item);
  return all != FALSE;
}

// The end of so many sinks. A pipeline says that it is at its end when those
// are that it has, and the next one may not be there yet.
void wait_for_end (
    GstElement *pipeline, const char *bin, Sinks &sinks, guint count)
{
  std::optional<gint64> all_sent;
  while (sinks.ended < count) {
    Owned<GstMessage> message =
        test::wait_message (pipeline, GST_MESSAGE_ERROR, 10 * GST_MSECOND);
    if (!message) {
      if (!all_sent && has_sent_all (pipeline))
        all_sent = g_get_monotonic_time ();
      if (all_sent && may_die (bin) &&
          g_get_monotonic_time () - *all_sent > patience) {
        g_printerr ("%s: of %u ends that were sent %u came out\n", bin, count,
            sinks.ended.load ());
        _exit (died_in_stock);
      }
      continue;
    }
    GError *raw = nullptr;
    gchar *debug = nullptr;
    gst_message_parse_error (message.get (), &raw, &debug);
    Owned<GError> error{raw};
    Owned<gchar> text{debug};
    ck_abort_msg ("%s: %s %s", bin, error->message, text.get ());
  }
}

// All that is to come is there: before that a seek would come upon bins that
// are still being built.
void preroll (GstElement *pipeline, const char *bin, Sinks &sinks, guint all)
{
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  while (sinks.seen_first != all) g_usleep (1000);
  fail_unless (gst_element_get_state (pipeline, nullptr, nullptr,
                   40 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS,
      "%s", bin);
}

// By half seconds: from there to there.
std::vector<guint16> samples_of (
    const std::vector<std::pair<double, double>> &parts)
{
  std::vector<guint16> out;
  for (const auto &[begin, end] : parts)
    for (auto i = static_cast<guint> (begin * rate); i < end * rate; i++)
      out.push_back (static_cast<guint16> (i));
  return out;
}

void expect (Sinks &sinks, const char *bin,
    const std::vector<std::pair<double, double>> &parts)
{
  auto heard = sinks.heard.lock ();
  std::vector<guint16> expected = samples_of (parts);
  auto [got, wanted] = std::ranges::mismatch (heard->samples, expected);
  fail_unless (heard->samples == expected,
      "%s: %zu samples instead of %zu, not the same from number %td on", bin,
      heard->samples.size (), expected.size (), got - heard->samples.begin ());
  fail_unless (heard->is_continuous, "%s: holes in running time", bin);
}

// Of the libraries on the stack the innermost that is not one of those which
// all others call.
[[gnu::noinline]] bool is_in_playback ()
{
  void *frames[64];
  int count = backtrace (frames, 64);
  for (int i = 0; i < count; i++) {
    Dl_info info{};
    if (dladdr (frames[i], &info) == 0 || info.dli_fname == nullptr) continue;
    std::string_view name = info.dli_fname;
    name.remove_prefix (name.rfind ('/') + 1);
    if (name.starts_with ("libgstplayback.")) return true;
    // Of ours, or another plugin, or this program; but not this function and
    // its caller.
    if (!name.starts_with ("libc.") && !name.starts_with ("libglib-") &&
        !name.starts_with ("libgobject-") &&
        !name.starts_with ("libgstreamer-") && i > 2)
      return false;
  }
  return false;
}

void on_death (int number)
{
  if (is_in_playback ()) _exit (died_in_stock);
  // As it would have died.
  std::signal (number, SIG_DFL);
  std::raise (number);
}

// There are no threads yet. What fails has been said by the process itself.
int run_apart (void (*body) (const char *bin), const char *bin)
{
  pid_t child = fork ();
  fail_unless (child >= 0);
  if (child == 0) {
    void *frame = nullptr;
    (void)backtrace (&frame, 1);  // not for the first time in a handler
    for (int number : {SIGSEGV, SIGABRT, SIGBUS, SIGTRAP})
      std::signal (number, on_death);
    body (bin);
    std::exit (0);
  }
  int status = 0;
  fail_unless (waitpid (child, &status, 0) == child);
  if (WIFSIGNALED (status)) {
    std::signal (WTERMSIG (status), SIG_DFL);
    std::raise (WTERMSIG (status));
  }
  return WEXITSTATUS (status);
}

void run (void (*body) (const char *bin), const char *bin)
{
  if (!may_die (bin)) return body (bin);
  for (int deaths = 0; deaths < most_deaths; deaths++) {
    int status = run_apart (body, bin);
    if (status == 0) return;
    if (status != died_in_stock) _exit (status);
    g_printerr (
        "%s: decodebin3 of GStreamer has died, or lost an end; once more\n",
        bin);
  }
  ck_abort_msg ("%s has died %d times", bin, most_deaths);
}

// ---- What is played --------------------------------------------------------

void play_sound_and_picture (const char *bin)
{
  HttpServer server (serving (all_files ()));
  const std::tuple<const char *, const char *, int> rows[] = {
      {"dash+", "/both.mpd", 80}, {"dash+", "/sound.mpd", 0},
      {"hls+", "/sound.m3u8", 0}};
  for (const auto &[scheme, path, pictures] : rows) {
    if (pictures > 0 && !is_for_two (bin)) continue;
    Sinks sinks;
    const Properties properties;
    Owned<GstElement> pipeline =
        make_pipeline (bin, scheme + server.uri (path), sinks, properties);
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    wait_for_end (pipeline.get (), bin, sinks, pictures > 0 ? 2 : 1);
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    expect (sinks, bin, {{0, 8}});
    fail_unless_equals_int (static_cast<int> (sinks.pictures), pictures);
  }
}

void leave_out (const char *bin)
{
  HttpServer server (serving (all_files ()));
  for (const char *path : {"/both.mpd", "/sound.mpd"}) {
    if (g_str_has_prefix (path, "/both") && !is_for_two (bin)) continue;
    Sinks sinks;
    const Properties properties{"1.5-4.25,6-7", GST_SECOND / 2};
    Owned<GstElement> pipeline =
        make_pipeline (bin, "dash+" + server.uri (path), sinks, properties);
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    wait_for_end (
        pipeline.get (), bin, sinks, g_str_has_prefix (path, "/both") ? 2 : 1);
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    expect (sinks, bin, {{0.5, 1.5}, {4.25, 6}, {7, 8}});
  }
}

void seek_in (const char *bin)
{
  HttpServer server (serving (all_files ()));
  Sinks sinks;
  const Properties properties;
  bool two = is_for_two (bin);
  Owned<GstElement> pipeline = make_pipeline (bin,
      "dash+" + server.uri (two ? "/both.mpd" : "/sound.mpd"), sinks,
      properties);
  preroll (pipeline.get (), bin, sinks, two ? 3 : 1);
  gint64 duration = 0;
  fail_unless (
      gst_element_query_duration (pipeline.get (), GST_FORMAT_TIME, &duration));
  fail_unless_equals_int64 (duration, seconds_of_media * GST_SECOND);
  for (double at : {6.0, 1.5, 3.25}) {
    sinks.seen_first = 0;
    fail_unless (gst_element_seek_simple (pipeline.get (), GST_FORMAT_TIME,
        static_cast<GstSeekFlags> (
            GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
        static_cast<gint64> (at * GST_SECOND)));
    preroll (pipeline.get (), bin, sinks, two ? 3 : 1);
  }
  // What was shown in pause does not count.
  *sinks.heard.lock () = {};
  sinks.ended = 0;
  fail_unless (gst_element_seek_simple (pipeline.get (), GST_FORMAT_TIME,
      static_cast<GstSeekFlags> (GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
      GST_SECOND * 5 / 2));
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  wait_for_end (pipeline.get (), bin, sinks, two ? 2 : 1);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  expect (sinks, bin, {{2.5, 8}});
}

void decrypt_in (const char *bin)
{
  // It gives what is in a container, and no more.
  if (g_strcmp0 (bin, "urisourcebin") == 0) return;
  for (const char *scheme : {"cenc", "cbcs"}) {
    Bytes file = test::encrypted_sound (true, scheme);
    std::string text (file.begin (), file.end ());
    std::size_t moof = text.find ("moof") - 4;
    HttpServer server (serving (
        {{"/e.mp4", text.substr (0, moof)}, {"/e0.m4s", text.substr (moof)},
            {"/e.mpd", test::mpd (set_of ("audio", "e"),
                           "mediaPresentationDuration='PT1S'")}}));
    Sinks sinks;
    const Properties properties;
    Owned<GstElement> pipeline =
        make_pipeline (bin, "dash+" + server.uri ("/e.mpd"), sinks, properties);
    Owned<GstContext> context{gst_context_new ("cenc-keys", TRUE)};
    GVariantBuilder keys;
    g_variant_builder_init (&keys, G_VARIANT_TYPE ("a{ss}"));
    g_variant_builder_add (&keys, "{ss}", test::sound_kid, test::sound_key);
    gst_structure_set (gst_context_writable_structure (context.get ()), "keys",
        G_TYPE_VARIANT, g_variant_builder_end (&keys), nullptr);
    gst_element_set_context (pipeline.get (), context.get ());
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    wait_for_end (pipeline.get (), bin, sinks, 1);
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    fail_unless (sinks.heard.lock ()->bytes == test::sound_samples (), "%s, %s",
        bin, scheme);
  }
}

}  // namespace

GST_START_TEST (sound_and_picture_are_played)
{
  run (play_sound_and_picture, bins[__i__]);
}
GST_END_TEST;

GST_START_TEST (what_is_left_out_leaves_no_hole)
{
  run (leave_out, bins[__i__]);
}
GST_END_TEST;

GST_START_TEST (a_seek_is_exact_to_the_sample)
{
  run (seek_in, bins[__i__]);
}
GST_END_TEST;

// The decrypter is plugged in by itself, and has its keys of the application.
GST_START_TEST (what_is_encrypted_is_decrypted)
{
  if (gst_registry_check_feature_version (
          gst_registry_get (), "cencdecrypt", 0, 1, 0) == FALSE) {
    g_print ("SKIPPED: no cencdecrypt\n");
    return;
  }
  run (decrypt_in, bins[__i__]);
}
GST_END_TEST;

static Suite *adaptivesrc_bins_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-bins");
  TCase *tests = tcase_create ("all");
  // What is played once more may have waited for long.
  tcase_set_timeout (tests, 180);
  suite_add_tcase (suite, tests);
  int count = static_cast<int> (G_N_ELEMENTS (bins));
  tcase_add_loop_test (tests, sound_and_picture_are_played, 0, count);
  tcase_add_loop_test (tests, what_is_left_out_leaves_no_hole, 0, count);
  tcase_add_loop_test (tests, a_seek_is_exact_to_the_sample, 0, count);
  tcase_add_loop_test (tests, what_is_encrypted_is_decrypted, 0, count);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_bins)

// SPDX-License-Identifier: LGPL-2.1-or-later
// adaptivesrc with MPEG-TS, behind the stock tsdemux: pictures are presented
// when the playlist says, whatever their own clock does, and all else in step
// with them.
#include <condition_variable>
#include <optional>

#include "adaptiverig.h"
#include "testts.h"

using relay::Guarded;
using relay::Owned;
using test::Files;
using test::HttpServer;

namespace {

constexpr std::uint64_t second = 90000;

// Segments of two pictures, a second apart, from this time of the media on, so
// much later than its clock. Each picture is as large as its number says, so
// that it is known.
struct Part
{
  const char *tags;
  std::uint64_t time;
  std::uint64_t lead;
  int segments;
};

std::string nal_unit (std::size_t size)
{
  return std::string ("\0\0\0\1\x09\xf0\0\0\0\1\x65", 11) +
         std::string (size, 'p');
}

Files presentation_of (const std::vector<Part> &parts)
{
  Files files;
  std::string lines;
  int number = 0;
  for (const Part &part : parts) {
    lines += part.tags;
    test::TsWriter writer;
    for (int i = 0; i < part.segments; i++) {
      std::string name = std::to_string (number) + ".ts";
      std::string bytes = writer.tables ();
      for (int k = 0; k < 2; k++) {
        auto time = part.time + static_cast<std::uint64_t> (2 * i + k) * second;
        bytes += writer.picture (time,
            nal_unit (1000 + static_cast<std::size_t> (2 * number + k)),
            part.lead);
      }
      files["/" + name] = bytes;
      lines += "#EXTINF:2,\n" + name + "\n";
      number++;
    }
  }
  files["/m.m3u8"] = test::media_playlist (lines);
  return files;
}

// "number@stream time/running time" of each picture; "-" where it is outside of
// its SEGMENT.
class Shown
{
public:
  explicit Shown (const std::string &location, const char *left_out = "")
      : pipeline_ (gst_parse_launch (
            "adaptivesrc name=s ! tsdemux ! fakesink name=f sync=false",
            nullptr))
  {
    fail_unless (pipeline_ != nullptr);
    Owned<GstElement> source{
        gst_bin_get_by_name (GST_BIN (pipeline_.get ()), "s")};
    g_object_set (source.get (), "location", location.c_str (), "skip-ranges",
        left_out, nullptr);
    Owned<GstElement> sink{
        gst_bin_get_by_name (GST_BIN (pipeline_.get ()), "f")};
    Owned<GstPad> pad{gst_element_get_static_pad (sink.get (), "sink")};
    gst_pad_add_probe (pad.get (),
        static_cast<GstPadProbeType> (
            GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
        on_data, this, nullptr);
  }
  ~Shown () { gst_element_set_state (pipeline_.get (), GST_STATE_NULL); }
  Shown (const Shown &) = delete;
  Shown &operator= (const Shown &) = delete;

  void pause ()
  {
    gst_element_set_state (pipeline_.get (), GST_STATE_PAUSED);
    fail_unless (gst_element_get_state (pipeline_.get (), nullptr, nullptr,
                     20 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
  }
  void seek (gint64 time, double rate = 1)
  {
    shown_.lock ()->clear ();
    auto flags = static_cast<GstSeekFlags> (
        GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE);
    fail_unless (gst_element_seek (pipeline_.get (), rate, GST_FORMAT_TIME,
        flags, GST_SEEK_TYPE_SET, rate < 0 ? 0 : time, GST_SEEK_TYPE_SET,
        rate < 0 ? time : -1));
  }
  std::string play ()
  {
    gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING);
    Owned<GstMessage> message = test::wait_message (
        pipeline_.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR, 20 * GST_SECOND);
    fail_unless (
        message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
    return shown_.copy ();
  }

private:
  static std::string tenths (guint64 time)
  {
    if (!GST_CLOCK_TIME_IS_VALID (time)) return "-";
    return std::to_string (time / GST_SECOND) + "." +
           std::to_string (time % GST_SECOND / (100 * GST_MSECOND));
  }

  static GstPadProbeReturn on_data (
      GstPad *, GstPadProbeInfo *info, gpointer data)
  {
    auto *self = static_cast<Shown *> (data);
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) == 0) {
      GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
      if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
        gst_event_copy_segment (event, &self->segment_);
      return GST_PAD_PROBE_OK;
    }
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    GstClockTime time = GST_BUFFER_PTS (buffer);
    auto shown = self->shown_.lock ();
    if (!shown->empty ()) *shown += " ";
    *shown += std::to_string (gst_buffer_get_size (buffer) - 1011) + "@" +
              tenths (gst_segment_to_stream_time (
                  &self->segment_, GST_FORMAT_TIME, time)) +
              "/" +
              tenths (gst_segment_to_running_time (
                  &self->segment_, GST_FORMAT_TIME, time));
    return GST_PAD_PROBE_OK;
  }

  Owned<GstElement> pipeline_;
  GstSegment segment_{};  // of the streaming thread
  Guarded<std::string> shown_;
};

}  // namespace

// ---- Several tracks --------------------------------------------------------

namespace {

// A track: parts of segments of two pictures or frames, so many ms apart, each
// segment listed with this length.
struct Listed
{
  const char *tags;
  std::int64_t time;  // of the first one, ms
  int segments;
  int distance = 1000;
  const char *length = "2";
};

std::uint64_t units (std::int64_t milliseconds)
{
  return static_cast<std::uint64_t> (milliseconds * 90) & 0x1ffffffff;
}

// NAME.m3u8 and its segments.
void add_track (Files &files, const std::string &name, bool is_sound,
    std::uint64_t lead, const std::vector<Listed> &parts)
{
  std::string lines;
  int number = 0;
  for (const Listed &part : parts) {
    lines += part.tags;
    test::TsWriter writer (is_sound);
    for (int i = 0; i < part.segments; i++) {
      std::string segment = name + std::to_string (number) + ".ts";
      std::string bytes = writer.tables ();
      for (int k = 0; k < 2; k++)
        bytes += writer.picture (
            units (part.time + std::int64_t{2 * i + k} * part.distance),
            nal_unit (1000 + static_cast<std::size_t> (2 * number + k)), lead);
      files["/" + segment] = bytes;
      lines += std::string ("#EXTINF:") + part.length + ",\n" + segment + "\n";
      number++;
    }
  }
  files["/" + name + ".m3u8"] = test::media_playlist (lines);
}

Files with_renditions (const std::string &media, const std::string &groups)
{
  Files files;
  files["/m.m3u8"] = "#EXTM3U\n" + media +
                     "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.640028\"" +
                     groups + "\nv.m3u8\n";
  return files;
}

// With the sound in a playlist of its own.
Files two_tracks_of (
    const std::vector<Listed> &pictures, const std::vector<Listed> &sounds)
{
  Files files = with_renditions (
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,"
      "URI=\"a.m3u8\"\n",
      ",AUDIO=\"a\"");
  add_track (files, "v", false, 63000, pictures);
  add_track (files, "a", true, 9000, sounds);
  return files;
}

// What comes to the sinks: its running time in ms, which is below 0 for what is
// before its SEGMENT; to "v" and "a" by the number that its size says, to "p",
// "q" and "t" one after the other. Segments of one may have to wait until what
// they begin with has come of the other.
class Together
{
public:
  using Times = std::map<std::size_t, gint64>;

  Together (Files files, const std::string &branches,
      const std::string &held = {}, const std::string &until = {})
      : files_ (std::move (files)), held_ (held), until_ (until)
  {
    pipeline_.reset (gst_parse_launch (
        ("adaptivesrc name=s retries=0 location=" + server_.uri ("/m.m3u8") +
            " " + branches)
            .c_str (),
        nullptr));
    fail_unless (pipeline_ != nullptr);
    for (const char *name : {"v", "a", "p", "q", "t"}) {
      Owned<GstElement> sink{
          gst_bin_get_by_name (GST_BIN (pipeline_.get ()), name)};
      if (!sink) continue;
      Owned<GstPad> pad{gst_element_get_static_pad (sink.get (), "sink")};
      auto &probe = probes_.emplace_back (std::make_unique<Probe> ());
      probe->name = name;
      probe->all = this;
      gst_pad_add_probe (pad.get (),
          static_cast<GstPadProbeType> (
              GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
          on_data, probe.get (), nullptr);
    }
  }
  ~Together ()
  {
    let_go ();
    gst_element_set_state (pipeline_.get (), GST_STATE_NULL);
    server_.stop ();
  }
  Together (const Together &) = delete;
  Together &operator= (const Together &) = delete;

  void seek (gint64 time)
  {
    gst_element_set_state (pipeline_.get (), GST_STATE_PAUSED);
    fail_unless (gst_element_get_state (pipeline_.get (), nullptr, nullptr,
                     20 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
    // From here on whoever is first is.
    let_go ();
    shown_.lock ()->times.clear ();
    auto flags = static_cast<GstSeekFlags> (
        GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE);
    fail_unless (gst_element_seek (pipeline_.get (), 1, GST_FORMAT_TIME, flags,
        GST_SEEK_TYPE_SET, time, GST_SEEK_TYPE_NONE, -1));
  }
  void play ()
  {
    gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING);
    Owned<GstMessage> message = test::wait_message (
        pipeline_.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR, 40 * GST_SECOND);
    fail_unless (
        message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
  }
  Times times (const std::string &name) { return shown_.lock ()->times[name]; }
  std::string bytes (const std::string &name)
  {
    return shown_.lock ()->bytes[name];
  }

private:
  struct Shown
  {
    std::map<std::string, Times> times;
    std::map<std::string, std::string> bytes;
    bool lets_go = false;
  };
  struct Probe
  {
    std::string name;
    Together *all = nullptr;
    GstSegment segment{};  // of the streaming thread
  };

  void let_go ()
  {
    shown_.lock ()->lets_go = true;
    changed_.notify_all ();
  }

  void serve (test::Connection &connection)
  {
    for (;;) {
      std::string request = connection.read_request ();
      if (request.empty ()) return;
      std::string path = request.substr (4, request.find (' ', 4) - 4);
      if (!held_.empty () && path.starts_with (held_) &&
          path.ends_with (".ts")) {
        auto first = static_cast<std::size_t> (2 * (path[2] - '0'));
        auto shown = shown_.lock ();
        shown.wait_for (
            changed_, std::chrono::seconds (10), [this, first] (Shown &now) {
              return now.lets_go || now.times[until_].contains (first);
            });
      }
      auto found = files_.find (path);
      std::string body = found == files_.end () ? "" : found->second;
      connection.send (
          (found == files_.end () ? "HTTP/1.1 404 Not Found\r\n"
                                  : "HTTP/1.1 200 OK\r\n") +
          ("Content-Length: " + std::to_string (body.size ()) + "\r\n\r\n") +
          body);
    }
  }

  static GstPadProbeReturn on_data (
      GstPad *, GstPadProbeInfo *info, gpointer data)
  {
    auto *probe = static_cast<Probe *> (data);
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) == 0) {
      GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
      if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
        gst_event_copy_segment (event, &probe->segment);
      return GST_PAD_PROBE_OK;
    }
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    guint64 running = 0;
    int sign = 0;
    if (GST_BUFFER_PTS_IS_VALID (buffer))
      sign = gst_segment_to_running_time_full (
          &probe->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer), &running);
    relay::MappedBuffer map (buffer, GST_MAP_READ);
    auto shown = probe->all->shown_.lock ();
    // To the nearest one.
    auto rounded =
        static_cast<gint64> ((running + GST_MSECOND / 2) / GST_MSECOND);
    bool is_ts = probe->name == "v" || probe->name == "a";
    std::size_t number = is_ts ? gst_buffer_get_size (buffer) - 1011
                               : shown->times[probe->name].size ();
    if (sign != 0) shown->times[probe->name].emplace (number, sign * rounded);
    shown->bytes[probe->name].append (
        map.bytes ().begin (), map.bytes ().end ());
    probe->all->changed_.notify_all ();
    return GST_PAD_PROBE_OK;
  }

  Files files_;
  std::string held_;
  std::string until_;
  std::condition_variable changed_;
  Guarded<Shown> shown_;
  std::vector<std::unique_ptr<Probe>> probes_;
  test::ScriptedServer server_{
      [this] (test::Connection &connection, int) { serve (connection); }};
  Owned<GstElement> pipeline_;
};

const char *const both =
    "s.video_0 ! tsdemux ! fakesink name=v sync=false "
    "s.audio_0 ! tsdemux ! fakesink name=a sync=false";

std::string to_text (const Together::Times &times)
{
  std::string out;
  for (const auto &[number, time] : times)
    out += (out.empty () ? "" : " ") + std::to_string (number) + "/" +
           std::to_string (time);
  return out;
}

}  // namespace

// Whoever is first is when its playlist says.
GST_START_TEST (sound_is_in_step_with_the_picture)
{
  const struct
  {
    const char *name;
    std::vector<Listed> pictures;
    std::vector<Listed> sounds;
    const char *held;  // until it has been seen of the other one
    const char *until;
    const char *picture;
    const char *sound;
  } rows[] = {
      {"sound is 60 ms later", {{"", 10000, 2}}, {{"", 10060, 2}}, "/a", "v",
          "0/0 1/1000 2/2000 3/3000", "0/60 1/1060 2/2060 3/3060"},
      {"and comes first", {{"", 10000, 2}}, {{"", 10060, 2}}, "/v", "a",
          "0/-60 1/940 2/1940 3/2940", "0/0 1/1000 2/2000 3/3000"},
      {"sound is 40 ms earlier", {{"", 10000, 2}}, {{"", 9960, 2}}, "/a", "v",
          "0/0 1/1000 2/2000 3/3000", "0/-40 1/960 2/1960 3/2960"},
      {"and comes first", {{"", 10000, 2}}, {{"", 9960, 2}}, "/v", "a",
          "0/40 1/1040 2/2040 3/3040", "0/0 1/1000 2/2000 3/3000"},
      {"across the end of the clock", {{"", -1200, 2}}, {{"", -1140, 2}}, "/a",
          "v", "0/0 1/1000 2/2000 3/3000", "0/60 1/1060 2/2060 3/3060"},
      {"behind a discontinuity",
          {{"", 10000, 1}, {"#EXT-X-DISCONTINUITY\n", 99000, 1}},
          {{"", 10060, 1}, {"#EXT-X-DISCONTINUITY\n", 99020, 1}}, "/a", "v",
          "0/0 1/1000 2/2000 3/3000", "0/60 1/1060 2/2020 3/3020"},
      {"with another list", {{"", 10000, 2}}, {{"", 10060, 2, 1000, "1.95"}},
          "/a", "v", "0/0 1/1000 2/2000 3/3000", "0/60 1/1060 2/2060 3/3060"},
      // Lists that say more than there is: no hole, on either track.
      {"with drifting lists", {{"", 10000, 4, 700}}, {{"", 10060, 4, 700}},
          "/a", "v", "0/0 1/700 2/1400 3/2100 4/2800 5/3500 6/4200 7/4900",
          "0/60 1/760 2/1460 3/2160 4/2860 5/3560 6/4260 7/4960"},
      // Nothing of it is right then.
      {"on a clock of its own", {{"", 10000, 2}}, {{"", 90060, 2}}, "/a", "v",
          "0/0 1/1000 2/2000 3/3000", "0/0 1/1000 2/2000 3/3000"},
  };
  for (const auto &row : rows) {
    Together together (
        two_tracks_of (row.pictures, row.sounds), both, row.held, row.until);
    together.play ();
    std::string picture = to_text (together.times ("v"));
    std::string sound = to_text (together.times ("a"));
    fail_unless (picture == row.picture && sound == row.sound, "%s: %s, %s",
        row.name, picture.c_str (), sound.c_str ());
  }
}
GST_END_TEST;

// Whoever is first then.
GST_START_TEST (sound_is_in_step_after_seeks)
{
  const struct
  {
    const char *name;
    std::vector<Listed> pictures;
    std::vector<Listed> sounds;
    gint64 time;  // ms
    // Of the first picture of the segment that is listed there; nothing: that
    // depends on who is first.
    std::optional<gint64> first;
  } rows[] = {
      {"the list is right", {{"", 10000, 5}}, {{"", 10060, 5}}, 4000, 0},
      // What is seen stays where it was.
      {"it is a little wrong", {{"", 10000, 5, 1050}}, {{"", 10060, 5, 1050}},
          4000, 200},
      // What is listed there is what comes.
      {"it is wrong", {{"", 10000, 5, 700}}, {{"", 10060, 5, 700}}, 4000, {}},
      {"it is wrong, and the other one is not", {{"", 10000, 5, 700}},
          {{"", 10060, 7, 700, "1.4"}}, 4000, {}},
  };
  for (const auto &row : rows) {
    Together together (
        two_tracks_of (row.pictures, row.sounds), both, "/a", "v");
    together.seek (row.time * gint64{GST_MSECOND});
    together.play ();
    auto pictures = together.times ("v");
    auto sounds = together.times ("a");
    fail_unless (pictures.contains (4) && sounds.contains (6), "%s: %s, %s",
        row.name, to_text (pictures).c_str (), to_text (sounds).c_str ());
    fail_unless (!row.first || pictures[4] == *row.first, "%s: %s", row.name,
        to_text (pictures).c_str ());
    for (const auto &[number, time] : pictures)
      if (sounds.contains (number))
        fail_unless (sounds[number] - time == 60, "%s: %s, %s", row.name,
            to_text (pictures).c_str (), to_text (sounds).c_str ());
  }
}
GST_END_TEST;

namespace {

// NAME.m3u8 and its segments of 2 s: packed audio from this time of the media
// on, ms.
void add_packed (Files &files, const std::string &name, std::int64_t time)
{
  std::string lines;
  for (int i = 0; i < 2; i++) {
    std::uint64_t timestamp = units (time + std::int64_t{2000} * i);
    std::string data = "com.apple.streaming.transportStreamTimestamp";
    data += '\0' + test::be32 (timestamp >> 32) + test::be32 (timestamp);
    std::string frame =
        "PRIV" + test::be32 (data.size ()) + std::string (2, '\0') + data;
    std::string segment = name + std::to_string (i) + ".aac";
    files["/" + segment] = std::string ("ID3\x04\0\0", 6) +
                           test::be32 (frame.size ()) + frame + "\xff\xf1" +
                           std::string (3000, 'a');
    lines += "#EXTINF:2,\n" + segment + "\n";
  }
  files["/" + name + ".m3u8"] = test::media_playlist (lines);
}

}  // namespace

// What has to be looked at to be known is first: one of the two sounds.
GST_START_TEST (packed_audio_and_text_are_in_step_with_the_picture)
{
  Files files = with_renditions (
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,"
      "URI=\"p.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"y\",URI=\"q.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"x\",URI=\"t.m3u8\"\n",
      ",AUDIO=\"a\",SUBTITLES=\"t\"");
  add_track (files, "v", false, 63000, {{"", 10100, 2}});
  add_packed (files, "p", 10060);
  add_packed (files, "q", 10020);
  files["/t.m3u8"] = test::media_playlist ("#EXTINF:4,\nt.vtt\n");
  files["/t.vtt"] = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:" +
                    std::to_string (units (10000)) +
                    "\n\n00:01.000 --> 00:03.000\nx\n";
  Together together (std::move (files),
      "select-all=true s.video_0 ! tsdemux ! fakesink name=v sync=false "
      "s.audio_0 ! fakesink name=p sync=false "
      "s.audio_1 ! fakesink name=q sync=false "
      "s.text_0 ! fakesink name=t sync=false");
  together.play ();
  // When what is at 10 s of the media comes.
  gint64 zero = together.times ("p")[0] - 60;
  fail_unless (zero == -60 || zero == -20, "%d", static_cast<int> (zero));
  const struct
  {
    const char *name;
    std::vector<gint64> times;
  } rows[] = {
      {"v", {100, 1100, 2100, 3100}}, {"p", {60, 2060}}, {"q", {20, 2020}}};
  for (const auto &row : rows) {
    Together::Times times;
    for (gint64 time : row.times) times.emplace (times.size (), time + zero);
    std::string got = to_text (together.times (row.name));
    fail_unless (got == to_text (times), "%s: %s", row.name, got.c_str ());
  }
  const std::string text = zero == -60 ? "00:00:00.940 --> 00:00:02.940"
                                       : "00:00:00.980 --> 00:00:02.980";
  fail_unless (together.bytes ("t") == "WEBVTT\n\n" + text + "\nx\n\n");
}
GST_END_TEST;

GST_START_TEST (pictures_come_when_the_playlist_says)
{
  const char *const expected =
      "0@0.0/0.0 1@1.0/1.0 2@2.0/2.0 3@3.0/3.0 4@4.0/4.0 5@5.0/5.0";
  const struct
  {
    std::vector<Part> parts;
    const char *name;
  } rows[] = {
      {{{"", 10 * second, 0, 3}}, "at their clock"},
      {{{"", 10 * second, 63000, 3}}, "0.7 s later"},
      {{{"", 10 * second, 63000, 2},
           {"#EXT-X-DISCONTINUITY\n", 99 * second, 63000, 1}},
          "from another time on"},
      {{{"", 10 * second, 63000, 1},
           {"#EXT-X-DISCONTINUITY\n", 99 * second, 9000, 1},
           {"#EXT-X-DISCONTINUITY\n", 5 * second, 126000, 1}},
          "and by another lead"},
  };
  for (const auto &row : rows) {
    HttpServer server (test::serving (presentation_of (row.parts)));
    Shown shown (server.uri ("/m.m3u8"));
    std::string got = shown.play ();
    fail_unless (got == expected, "%s: %s", row.name, got.c_str ());
  }
}
GST_END_TEST;

// tsdemux takes no second SEGMENT: whole segments are left out, and what comes
// behind them goes on behind what came before.
GST_START_TEST (what_is_left_out_leaves_no_hole)
{
  const struct
  {
    const char *ranges;
    const char *expected;
  } rows[] = {
      {"2-4", "0@0.0/0.0 1@1.0/1.0 4@2.0/2.0 5@3.0/3.0 6@4.0/4.0 7@5.0/5.0"},
      // What is of a segment of which something is wanted,
      {"1.5-5.5",
          "0@0.0/0.0 1@1.0/1.0 4@2.0/2.0 5@3.0/3.0 6@4.0/4.0 7@5.0/5.0"},
      {"3-5",
          "0@0.0/0.0 1@1.0/1.0 2@2.0/2.0 3@3.0/3.0 4@4.0/4.0 5@5.0/5.0 "
          "6@6.0/6.0 7@7.0/7.0"},
      // but for the first and the last one (its end is inside of a SEGMENT).
      {"0-3", "2@-/- 3@3.0/0.0 4@4.0/1.0 5@5.0/2.0 6@6.0/3.0 7@7.0/4.0"},
      {"0-1,2-4,7-", "0@-/- 1@1.0/0.0 4@2.0/1.0 5@3.0/2.0 6@4.0/3.0 7@5.0/4.0"},
  };
  for (const auto &row : rows) {
    HttpServer server (
        test::serving (presentation_of ({{"", 10 * second, 63000, 4}})));
    Shown shown (server.uri ("/m.m3u8"), row.ranges);
    std::string got = shown.play ();
    fail_unless (got == row.expected, "%s: %s", row.ranges, got.c_str ());
  }
}
GST_END_TEST;

// What is before the time is for the decoder alone.
GST_START_TEST (seeks_lead_to_the_picture)
{
  const struct
  {
    gint64 time;
    double rate;
    const char *expected;
  } rows[] = {
      {3 * GST_SECOND, 1, "2@-/- 3@3.0/0.0 4@4.0/1.0 5@5.0/2.0"},
      {2 * GST_SECOND, 1, "2@2.0/0.0 3@3.0/1.0 4@4.0/2.0 5@5.0/3.0"},
      {gint64{4500} * GST_MSECOND, 1, "4@-/- 5@5.0/0.5"},
      {4 * GST_SECOND, -1, "2@2.0/2.0 3@3.0/1.0 0@0.0/4.0 1@1.0/3.0"},
  };
  for (const auto &row : rows) {
    HttpServer server (
        test::serving (presentation_of ({{"", 10 * second, 63000, 3}})));
    Shown shown (server.uri ("/m.m3u8"));
    shown.pause ();
    shown.seek (row.time, row.rate);
    std::string got = shown.play ();
    fail_unless (got == row.expected, "%s", got.c_str ());
  }
}
GST_END_TEST;

// Without a picture all that one buffer takes is looked at, however it comes.
GST_START_TEST (a_clock_may_come_slowly)
{
  const std::string media = test::packets ('s', 200);
  for (std::size_t first : {std::size_t{1}, std::size_t{300},
           std::size_t{16184}, std::size_t{16383}, std::size_t{16385}}) {
    test::ScriptedServer server ([&] (test::Connection &c, int) {
      for (;;) {
        std::string request = c.read_request ();
        if (request.empty ()) return;
        bool is_list = request.starts_with ("GET /m.m3u8 ");
        std::string body =
            is_list ? test::media_playlist ("#EXTINF:2,\n0.ts\n") : media;
        std::string all = "HTTP/1.1 200 OK\r\nContent-Length: " +
                          std::to_string (body.size ()) + "\r\n\r\n" + body;
        std::size_t part = is_list ? 0 : all.size () - body.size () + first;
        c.send (all.substr (0, part));
        // Pieces that come together are read together, which is no error
        // either.
        if (!is_list) g_usleep (20000);
        c.send (all.substr (part));
      }
    });
    test::Player player (server.uri ("/m.m3u8"));
    player.play ();
    fail_unless (player.output ("video_0").bytes == media, "%zu", first);
  }
}
GST_END_TEST;

static Suite *adaptivesrc_ts_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-ts");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_set_timeout (tests, 90);
  tcase_add_test (tests, pictures_come_when_the_playlist_says);
  tcase_add_test (tests, sound_is_in_step_with_the_picture);
  tcase_add_test (tests, sound_is_in_step_after_seeks);
  tcase_add_test (tests, packed_audio_and_text_are_in_step_with_the_picture);
  tcase_add_test (tests, what_is_left_out_leaves_no_hole);
  tcase_add_test (tests, seeks_lead_to_the_picture);
  tcase_add_test (tests, a_clock_may_come_slowly);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_ts)

// SPDX-License-Identifier: LGPL-2.1-or-later
// adaptivesrc with MPEG-TS, behind the stock tsdemux: pictures are presented
// when the playlist says, whatever their own clock does.
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
  tcase_add_test (tests, what_is_left_out_leaves_no_hole);
  tcase_add_test (tests, seeks_lead_to_the_picture);
  tcase_add_test (tests, a_clock_may_come_slowly);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_ts)

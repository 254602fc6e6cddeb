// SPDX-License-Identifier: LGPL-2.1-or-later
#include <random>
#include <thread>

#include "adaptivelog.h"

using relay::Owned;
using test::accurate;
using test::Connection;
using test::count_paths;
using test::expect;
using test::expect_last;
using test::Files;
using test::flush;
using test::HttpServer;
using test::init_of;
using test::key_unit;
using test::Log;
using test::long_files;
using test::Origin;
using test::Player;
using test::s;
using test::ScriptedServer;
using test::seek;
using test::seek_event;
using test::segment_of;
using test::serving;
using test::wait_eos;

GST_START_TEST (it_begins_at_the_beginning)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  Log log (player);
  player.play ();
  expect (log, "audio_0", "[1.0 0,-=0+0] i! a1@0 a2@4 a3@8 a4@12 a5@16 eos");
  expect (log, "video_0",
      "[1.0 100,-=0+0] i! v1@100 v2@102 v3@104 v4@106 v5@108 v6@110 v7@112 "
      "v8@114 v9@116 v10@118 eos");
}
GST_END_TEST;

GST_START_TEST (seeks_lead_where_they_should)
{
  const struct
  {
    double rate;
    int flags;
    GstClockTime start;
    GstClockTime stop;
    const char *video;
    const char *audio;
  } rows[] = {
      {1, accurate, 13 * s, GST_CLOCK_TIME_NONE,
          "[1.0 113,-=13+0] i! v7@112 v8@114 v9@116 v10@118",
          "[1.0 13,-=13+0] i! a4@12 a5@16"},
      {1, flush, 15 * s + s / 2, GST_CLOCK_TIME_NONE,
          "[1.0 115.500,-=15.500+0] i! v8@114 v9@116 v10@118",
          "[1.0 15.500,-=15.500+0] i! a4@12 a5@16"},
      {1, accurate, 3 * s, 6 * s, "[1.0 103,106=3+0] i! v2@102 v3@104",
          "[1.0 3,6=3+0] i! a1@0 a2@4"},
      // All tracks go to where the picture has a key frame.
      {1, key_unit, 15 * s, GST_CLOCK_TIME_NONE,
          "[1.0 114,-=14+0] i! v8@114 v9@116 v10@118",
          "[1.0 14,-=14+0] i! a4@12 a5@16"},
      {1, key_unit | GST_SEEK_FLAG_SNAP_AFTER, 15 * s, GST_CLOCK_TIME_NONE,
          "[1.0 116,-=16+0] i! v9@116 v10@118", "[1.0 16,-=16+0] i! a5@16"},
      {1, key_unit | GST_SEEK_FLAG_SNAP_NEAREST, 15 * s + 1,
          GST_CLOCK_TIME_NONE, "[1.0 116,-=16+0] i! v9@116 v10@118",
          "[1.0 16,-=16+0] i! a5@16"},
      {1, key_unit | GST_SEEK_FLAG_SNAP_NEAREST, 14 * s + 1,
          GST_CLOCK_TIME_NONE, "[1.0 114,-=14+0] i! v8@114 v9@116 v10@118",
          "[1.0 14,-=14+0] i! a4@12 a5@16"},
      {2, accurate, 16 * s, GST_CLOCK_TIME_NONE,
          "[2.0 116,-=16+0] i! v9@116 v10@118", "[2.0 16,-=16+0] i! a5@16"},
      // Backward, in whole segments.
      {-1, accurate, 13 * s, 17 * s,
          "[-1.0 113,117=13+0] i! v9!@116 v8!@114 v7!@112",
          "[-1.0 13,17=13+0] i! a5!@16 a4!@12"},
      {-2, accurate, 0, 3 * s, "[-2.0 100,103=0+0] i! v2!@102 v1!@100",
          "[-2.0 0,3=0+0] i! a1!@0"},
      // The very end: there is nothing more.
      {1, accurate, 20 * s, GST_CLOCK_TIME_NONE, "[1.0 120,-=20+0]",
          "[1.0 20,-=20+0]"},
  };
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  Log log (player);
  player.play ();
  for (const auto &row : rows) {
    log.clear ();
    seek (player, row.rate, row.flags, row.start, row.stop);
    wait_eos (player);
    expect (log, "video_0", std::string ("< > ") + row.video + " eos");
    expect (log, "audio_0", std::string ("< > ") + row.audio + " eos");
  }
}
GST_END_TEST;

GST_START_TEST (backward_every_segment_is_a_new_beginning)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  Log log (player);
  player.play ();
  log.clear ();
  seek (player, -1, accurate, 0, 20 * s);
  wait_eos (player);
  expect (log, "audio_0",
      "< > [-1.0 0,20=0+0] i! a5!@16 a4!@12 a3!@8 a2!@4 a1!@0 eos");
}
GST_END_TEST;

GST_START_TEST (a_seek_has_one_number_everywhere)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  Log log (player);
  player.play ();
  log.clear ();
  std::size_t before = log.seqnums ("video_0").size ();
  Owned<GstEvent> event = seek_event (1, accurate, 17 * s);
  guint32 seqnum = gst_event_get_seqnum (event.get ());
  // As demuxers send it on: by each of the pads.
  for (const char *name : {"video_0", "audio_0", "video_0"}) {
    Owned<GstPad> pad{gst_element_get_static_pad (*player, name)};
    fail_unless (gst_pad_send_event (pad.get (), gst_event_ref (event.get ())));
  }
  wait_eos (player);
  expect (log, "video_0", "< > [1.0 117,-=17+0] i! v9@116 v10@118 eos");
  expect (log, "audio_0", "< > [1.0 17,-=17+0] i! a5@16 eos");
  std::vector<guint32> seqnums = log.seqnums ("video_0");
  fail_unless_equals_uint64 (seqnums.size () - before, 4);
  for (std::size_t i = before; i < seqnums.size (); i++)
    fail_unless_equals_uint64 (seqnums[i], seqnum);
}
GST_END_TEST;

GST_START_TEST (what_is_not_possible_is_refused)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  // Not yet: there is no element running.
  fail_if (
      gst_element_send_event (*player, seek_event (1, accurate, 0).release ()));
  player.play ();
  GstEvent *events[] = {
      gst_event_new_seek (1, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
          GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1),
      gst_event_new_seek (2, GST_FORMAT_TIME, GST_SEEK_FLAG_INSTANT_RATE_CHANGE,
          GST_SEEK_TYPE_NONE, -1, GST_SEEK_TYPE_NONE, -1),
  };
  for (GstEvent *event : events)
    fail_if (gst_element_send_event (*player, event));
}
GST_END_TEST;

GST_START_TEST (ranges_are_left_out)
{
  const struct
  {
    const char *ranges;
    guint64 offset;
    const char *video;
    const char *audio;
  } rows[] = {
      {"0-13", 0, "[1.0 113,-=13+0] i! v7@112 v8@114 v9@116 v10@118",
          "[1.0 13,-=13+0] i! a4@12 a5@16"},
      {"3-17", 0,
          "[1.0 100,103=0+0] i! v1@100 v2@102 "
          "[1.0 117,-=17+3] i! v9@116 v10@118",
          "[1.0 0,3=0+0] i! a1@0 [1.0 17,-=17+3] i! a5@16"},
      {"2-6,8.5-", 0,
          "[1.0 100,102=0+0] i! v1@100 [1.0 106,108.500=6+2] i! v4@106 v5@108",
          "[1.0 0,2=0+0] i! a1@0 [1.0 6,8.500=6+2] i! a2@4 a3@8"},
      {"", 17 * s, "[1.0 117,-=17+0] i! v9@116 v10@118",
          "[1.0 17,-=17+0] i! a5@16"},
      {"15-18", 16 * s, "[1.0 118,-=18+0] i! v10@118",
          "[1.0 18,-=18+0] i! a5@16"},
  };
  for (const auto &row : rows) {
    HttpServer server (serving (long_files ()));
    Player player (server.uri ("/long.mpd"));
    g_object_set (*player, "skip-ranges", row.ranges, "start-offset",
        row.offset, nullptr);
    Log log (player);
    player.play ();
    expect (log, "video_0", std::string (row.video) + " eos");
    expect (log, "audio_0", std::string (row.audio) + " eos");
  }
}
GST_END_TEST;

// A demuxer that gets nothing makes no pads: who waits for them would do so for
// ever.
GST_START_TEST (what_leaves_nothing_is_an_error)
{
  const struct
  {
    const char *ranges;
    guint64 offset;
  } rows[] = {{"0-", 0}, {"0-20", 0}, {"", 20 * s}, {"2-30", 3 * s}};
  for (const auto &row : rows) {
    HttpServer server (serving (long_files ()));
    Player player (server.uri ("/long.mpd"));
    g_object_set (*player, "skip-ranges", row.ranges, "start-offset",
        row.offset, nullptr);
    player.play_to_error (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SEEK);
  }
}
GST_END_TEST;

GST_START_TEST (what_is_left_out_is_so_after_a_seek)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  g_object_set (*player, "skip-ranges", "4-16", nullptr);
  Log log (player);
  player.play ();
  log.clear ();
  seek (player, 1, accurate, 3 * s);
  wait_eos (player);
  expect (
      log, "audio_0", "< > [1.0 3,4=3+0] i! a1@0 [1.0 16,-=16+1] i! a5@16 eos");
  log.clear ();
  seek (player, 1, accurate, 10 * s);
  wait_eos (player);
  expect (log, "audio_0", "< > [1.0 16,-=16+0] i! a5@16 eos");
  log.clear ();
  seek (player, -1, accurate, 2 * s, 18 * s);
  wait_eos (player);
  expect (log, "audio_0",
      "< > [-1.0 16,18=16+0] i! a5!@16 [-1.0 2,4=2+2] i! a1!@0 eos");
}
GST_END_TEST;

GST_START_TEST (bad_ranges_are_one_error)
{
  Player player ("http://127.0.0.1:1/");
  g_object_set (*player, "skip-ranges", "5-1", nullptr);
  player.play_to_error (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
}
GST_END_TEST;

// A sink that says EOS ends what is left of the part, and no more.
GST_START_TEST (downstream_may_have_enough_of_a_part)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  g_object_set (*player, "skip-ranges", "5-16", nullptr);
  Log log (player);
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, gpointer) {
        if (!g_str_has_prefix (GST_PAD_NAME (pad), "video")) return;
        gst_pad_add_probe (
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            [] (GstPad *, GstPadProbeInfo *info, gpointer) {
              GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
              if (GST_BUFFER_PTS (buffer) != 102 * s) return GST_PAD_PROBE_OK;
              GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_EOS;
              gst_buffer_unref (buffer);
              info->data = nullptr;
              return GST_PAD_PROBE_HANDLED;
            },
            nullptr, nullptr);
      }),
      nullptr);
  player.play ();
  expect (log, "video_0",
      "[1.0 100,105=0+0] i! v1@100 v2@102 [1.0 116,-=16+5] i! v9@116 v10@118 "
      "eos");
  fail_unless_equals_uint64 (count_paths (server, "/v3"), 0);
}
GST_END_TEST;

static GstPadProbeReturn keep_end (GstPad *, GstPadProbeInfo *info, gpointer to)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  gint64 position = -1;
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT_DONE) {
    gst_event_parse_segment_done (event, nullptr, &position);
    *static_cast<std::atomic<gint64> *> (to) = position;
  }
  return GST_PAD_PROBE_OK;
}

// Each pad says where: backward that is the beginning.
GST_START_TEST (segment_seeks_end_where_they_were_to_end)
{
  for (double rate : {1.0, -1.0}) {
    HttpServer server (serving (long_files ()));
    std::atomic<gint64> end{-1};
    Player player (server.uri ("/long.mpd"));
    Log log (player);
    player.play ();
    Owned<GstPad> pad{gst_element_get_static_pad (*player, "audio_0")};
    gst_pad_add_probe (pad.get (), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
        keep_end, &end, nullptr);
    seek (player, rate, accurate | GST_SEEK_FLAG_SEGMENT, 14 * s, 18 * s);
    Owned<GstMessage> message =
        player.wait (GST_MESSAGE_SEGMENT_DONE | GST_MESSAGE_ERROR);
    fail_unless (message &&
                 GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_SEGMENT_DONE);
    while (end == -1) g_usleep (1000);
    player.set_state (GST_STATE_NULL);
    gint64 position = 0;
    gst_message_parse_segment_done (message.get (), nullptr, &position);
    fail_unless_equals_int64 (position, (rate < 0 ? 14 : 18) * s);
    fail_unless_equals_int64 (end, (rate < 0 ? 14 : 18) * s);
  }
}
GST_END_TEST;

GST_START_TEST (segment_seeks_end_with_segment_done)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  Log log (player);
  player.play ();
  for (int i = 0; i < 2; i++) {
    log.clear ();
    // The second one does not flush: it goes on.
    int flags = GST_SEEK_FLAG_SEGMENT | (i == 0 ? accurate : 0);
    Owned<GstEvent> event = seek_event (1, flags, 14 * s, 18 * s);
    guint32 seqnum = gst_event_get_seqnum (event.get ());
    fail_unless (gst_element_send_event (*player, event.release ()));
    Owned<GstMessage> message =
        player.wait (GST_MESSAGE_SEGMENT_DONE | GST_MESSAGE_ERROR);
    fail_unless (message &&
                 GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_SEGMENT_DONE);
    gint64 position = 0;
    gst_message_parse_segment_done (message.get (), nullptr, &position);
    fail_unless_equals_int64 (position, 18 * s);
    fail_unless_equals_uint64 (gst_message_get_seqnum (message.get ()), seqnum);
    while (!log.of ("audio_0").ends_with ("done") ||
           !log.of ("video_0").ends_with ("done"))
      g_usleep (1000);
    std::string base = i == 0 ? "0" : "4";
    std::string begin = i == 0 ? "< > " : "";
    expect (log, "audio_0",
        begin + "[1.0 14,18=14+" + base + "] i! a4@12 a5@16 done");
    expect (log, "video_0",
        begin + "[1.0 114,118=14+" + base + "] i! v8@114 v9@116 done");
  }
}
GST_END_TEST;

GST_START_TEST (a_seek_in_pause_shows_another_place)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  Log log (player);
  player.set_state (GST_STATE_PAUSED);
  while (!player.no_more_pads) g_usleep (1000);
  for (GstClockTime at : {12 * s, 4 * s, 18 * s}) {
    fail_unless (gst_element_get_state (player.pipeline (), nullptr, nullptr,
                     10 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
    log.clear ();
    fail_unless (gst_element_seek_simple (player.pipeline (), GST_FORMAT_TIME,
        static_cast<GstSeekFlags> (accurate), static_cast<gint64> (at)));
  }
  player.set_state (GST_STATE_PLAYING);
  wait_eos (player);
  expect (log, "video_0", "< > [1.0 118,-=18+0] i! v10@118 eos");
  expect (log, "audio_0", "< > [1.0 18,-=18+0] i! a5@16 eos");
}
GST_END_TEST;

GST_START_TEST (a_seek_may_come_out_of_a_push)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  player.waits_for_all = false;
  Log log (player);
  std::atomic<bool> done{false};
  struct Context
  {
    Player &player;
    std::atomic<bool> &done;
  } context{player, done};
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, gpointer data) {
        gst_pad_add_probe (
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            [] (GstPad *, GstPadProbeInfo *, gpointer user) {
              auto *c = static_cast<Context *> (user);
              if (c->done.exchange (true)) return GST_PAD_PROBE_OK;
              seek (c->player, 1, accurate, 18 * s);
              return GST_PAD_PROBE_DROP;
            },
            data, nullptr);
      }),
      &context);
  player.play ();
  expect_last (log, "video_0", "[1.0 118,-=18+0] i! v10@118 eos");
  expect_last (log, "audio_0", "[1.0 18,-=18+0] i! a5@16 eos");
}
GST_END_TEST;

GST_START_TEST (a_seek_that_comes_early_is_where_it_begins)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  Log log (player);
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *element, GstPad *pad, gpointer) {
        if (g_str_has_prefix (GST_PAD_NAME (pad), "video"))
          fail_unless (gst_element_send_event (
              element, seek_event (1, accurate, 18 * s).release ()));
      }),
      nullptr);
  player.play ();
  fail_unless (log.of ("video_0").ends_with ("[1.0 118,-=18+0] i! v10@118 eos"),
      "%s", log.of ("video_0").c_str ());
  fail_unless_equals_uint64 (count_paths (server, "/v1.m4s"), 0);
}
GST_END_TEST;

// A server that sends nothing of a segment, or a part of it.
GST_START_TEST (a_seek_ends_every_wait)
{
  for (const char *begin :
      {"", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"}) {
    std::atomic<bool> reached{false};
    Files files = long_files ();
    ScriptedServer server ([&] (Connection &c, int) {
      for (;;) {
        std::string request = c.read_request ();
        if (request.empty ()) return;
        std::string path = request.substr (4, request.find (' ', 4) - 4);
        if (path == "/v3.m4s" && !reached.exchange (true)) {
          c.send (begin);
          c.hang ();
          return;
        }
        const std::string &body = files[path];
        c.send ("HTTP/1.1 200 OK\r\nContent-Length: " +
                std::to_string (body.size ()) + "\r\n\r\n" + body);
      }
    });
    Player player (server.uri ("/long.mpd"));
    player.waits_for_all = false;
    Log log (player);
    player.set_state (GST_STATE_PLAYING);
    while (!reached) g_usleep (1000);
    g_usleep (20 * 1000);
    // Far less than the time-out, by which it would end as well.
    gint64 began = g_get_monotonic_time ();
    guint32 seqnum = seek (player, 1, accurate, 18 * s);
    gint64 took = g_get_monotonic_time () - began;
    fail_unless (took < 5 * G_USEC_PER_SEC, "%d us", static_cast<int> (took));
    for (const char *pad : {"video_0", "audio_0"})
      log.wait_for_end (pad, seqnum);
    expect_last (log, "video_0", "[1.0 118,-=18+0] i! v10@118 eos");
    expect_last (log, "audio_0", "[1.0 18,-=18+0] i! a5@16 eos");
  }
}
GST_END_TEST;

// Many seeks, from several threads, one into the other: in the end all is as
// after the last one.
GST_START_TEST (seeks_upon_seeks)
{
  // The answers that are broken off are no affair of libsoup's server.
  Origin server (long_files ());
  Player player (server.uri ("/long.mpd"));
  player.waits_for_all = false;
  Log log (player);
  player.play ();
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 3; seed++)
    threads.emplace_back ([&player, seed] {
      std::minstd_rand random (seed + 1);
      for (int i = 0; i < 60; i++) {
        bool backward = random () % 4 == 0;
        GstClockTime at = random () % 20 * s;
        if (backward)
          seek (player, -1, accurate, 0, at + s);
        else
          seek (player, 1, random () % 2 ? key_unit : accurate, at);
        g_usleep (random () % 3000);
      }
    });
  for (std::thread &thread : threads) thread.join ();
  guint32 seqnum = seek (player, 1, accurate, 17 * s);
  for (const char *pad : {"video_0", "audio_0"}) log.wait_for_end (pad, seqnum);
  expect_last (log, "video_0", "[1.0 117,-=17+0] i! v9@116 v10@118 eos");
  expect_last (log, "audio_0", "[1.0 17,-=17+0] i! a5@16 eos");
}
GST_END_TEST;

GST_START_TEST (a_stop_amid_seeks)
{
  Origin server (long_files ());
  for (int i = 0; i < 20; i++) {
    Player player (server.uri ("/long.mpd"));
    std::atomic<bool> stop{false};
    player.set_state (GST_STATE_PLAYING);
    std::thread seeking ([&] {
      for (GstClockTime at = 0; !stop; at = (at + 7 * s) % (20 * s)) {
        (void)gst_element_send_event (
            *player, seek_event (1, accurate, at).release ());
        // Others want the processor too.
        g_usleep (100);
      }
    });
    g_usleep (static_cast<gulong> (i * 1000));
    player.set_state (GST_STATE_NULL);
    stop = true;
    seeking.join ();
  }
}
GST_END_TEST;

// What is linked while others play begins where they are.
GST_START_TEST (who_comes_late_begins_where_the_others_are)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  Log log (player);
  struct Held
  {
    Player &player;
    bool linked = false;
  } held{player};
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, gpointer data) {
        if (!g_str_has_prefix (GST_PAD_NAME (pad), "video")) return;
        gst_pad_add_probe (
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            [] (GstPad *, GstPadProbeInfo *info, gpointer user) {
              auto *h = static_cast<Held *> (user);
              GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
              if (GST_BUFFER_PTS (buffer) != 112 * s || h->linked)
                return GST_PAD_PROBE_OK;
              h->linked = true;
              Owned<GstPad> audio{
                  gst_element_get_static_pad (*h->player, "audio_0")};
              // Until then it has not missed anything.
              while (gst_pad_get_task_state (audio.get ()) != GST_TASK_PAUSED)
                g_usleep (1000);
              h->player.link (audio.get ());
              while (h->player.output ("audio_0").bytes.empty ())
                g_usleep (1000);
              return GST_PAD_PROBE_OK;
            },
            data, nullptr);
      }),
      &held);
  player.play ();
  while (!log.of ("audio_0").ends_with ("eos")) g_usleep (1000);
  fail_unless (
      log.of ("audio_0").ends_with ("[1.0 0,-=0+0] i! a4@12 a5@16 eos"), "%s",
      log.of ("audio_0").c_str ());
}
GST_END_TEST;

static Suite *adaptivesrc_seek_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-seek");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, it_begins_at_the_beginning);
  tcase_add_test (tests, seeks_lead_where_they_should);
  tcase_add_test (tests, backward_every_segment_is_a_new_beginning);
  tcase_add_test (tests, a_seek_has_one_number_everywhere);
  tcase_add_test (tests, what_is_not_possible_is_refused);
  tcase_add_test (tests, ranges_are_left_out);
  tcase_add_test (tests, what_leaves_nothing_is_an_error);
  tcase_add_test (tests, what_is_left_out_is_so_after_a_seek);
  tcase_add_test (tests, bad_ranges_are_one_error);
  tcase_add_test (tests, downstream_may_have_enough_of_a_part);
  tcase_add_test (tests, segment_seeks_end_with_segment_done);
  tcase_add_test (tests, segment_seeks_end_where_they_were_to_end);
  tcase_add_test (tests, a_seek_in_pause_shows_another_place);
  tcase_add_test (tests, a_seek_may_come_out_of_a_push);
  tcase_add_test (tests, a_seek_that_comes_early_is_where_it_begins);
  tcase_add_test (tests, a_seek_ends_every_wait);
  tcase_add_test (tests, seeks_upon_seeks);
  tcase_add_test (tests, a_stop_amid_seeks);
  tcase_add_test (tests, who_comes_late_begins_where_the_others_are);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_seek)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include <condition_variable>

#include "adaptiverig.h"

using relay::Guarded;
using relay::Owned;
using test::init_of;
using test::long_files;
using test::Origin;
using test::Player;
using test::segment_of;

namespace {

constexpr GstClockTime s = GST_SECOND;

// Waits until something is so; a test that waits for ever is ended by check.
template <class Predicate>
void wait_until (Predicate is_so)
{
  while (!is_so ()) g_usleep (1000);
}

// In PAUSED the sinks hold their first buffer, an initialization, and no more
// is taken.
void pause (Player &player)
{
  player.set_state (GST_STATE_PAUSED);
  wait_until ([&] { return player.no_more_pads.load (); });
  fail_unless (gst_element_get_state (player.pipeline (), nullptr, nullptr,
                   10 * s) == GST_STATE_CHANGE_SUCCESS);
}

// Until nothing has been asked for in a while.
void settle (Origin &origin)
{
  std::size_t count = 0;
  for (int quiet = 0; quiet < 30; quiet++) {
    g_usleep (10 * 1000);
    std::size_t now = origin.paths ().size ();
    if (now != count) quiet = 0;
    count = now;
  }
}

std::size_t index_of (Origin &origin, const std::string &path)
{
  std::vector<std::string> all = origin.paths ();
  auto found = std::ranges::find (all, path);
  fail_unless (found != all.end (), "%s", path.c_str ());
  return static_cast<std::size_t> (found - all.begin ());
}

std::string all_of (const std::string &name, int count, std::size_t size)
{
  std::string out = init_of (name);
  for (int i = 1; i <= count; i++)
    out += segment_of (name + std::to_string (i), size);
  return out;
}

// Each segment holds the stream up for a moment.
void slow_down (Player &player)
{
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, gpointer) {
        gst_pad_add_probe (
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            [] (GstPad *, GstPadProbeInfo *info, gpointer) {
              if (GST_BUFFER_PTS_IS_VALID (GST_PAD_PROBE_INFO_BUFFER (info)))
                g_usleep (60 * 1000);
              return GST_PAD_PROBE_OK;
            },
            nullptr, nullptr);
      }),
      nullptr);
}

}  // namespace

// The one is not answered before the other has been asked for.
GST_START_TEST (a_segment_is_asked_for_with_its_initialization)
{
  struct State
  {
    std::vector<std::string> seen;
  };
  Guarded<State> state;
  std::condition_variable changed;
  Origin origin (long_files (), [&] (const std::string &path) {
    auto now = state.lock ();
    now->seen.push_back (path);
    changed.notify_all ();
    for (const char *name : {"v", "a"}) {
      if (path != std::string ("/") + name + ".mp4") continue;
      std::string first = std::string ("/") + name + "1.m4s";
      return now.wait_for (
          changed, std::chrono::seconds (10), [&] (const State &all) {
            return std::ranges::find (all.seen, first) != all.seen.end ();
          });
    }
    return true;
  });
  for (guint segments : {2u, 0u}) {
    state.lock ()->seen.clear ();
    Player player (origin.uri ("/long.mpd"));
    g_object_set (*player, "prefetch-segments", segments, nullptr);
    player.play ();
    fail_unless (player.output ("video_0").bytes == all_of ("v", 10, 100000));
    fail_unless (player.output ("audio_0").bytes == all_of ("a", 5, 20000));
  }
}
GST_END_TEST;

GST_START_TEST (one_connection_is_enough)
{
  Origin origin (long_files ());
  Player player (origin.uri ("/long.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  g_object_set (*player, "max-connections-per-host", 1, nullptr);
  slow_down (player);
  player.play ();
  fail_unless (player.output ("video_0").bytes == all_of ("v", 10, 100000));
  fail_unless (index_of (origin, "/v.mp4") < index_of (origin, "/v1.m4s"));
}
GST_END_TEST;

GST_START_TEST (so_many_segments_are_fetched_ahead)
{
  const struct
  {
    guint segments;
    guint64 time;
    std::vector<std::string> there;
    std::vector<std::string> not_there;
  } rows[] = {
      {0, 30 * s, {"/v.mp4", "/a.mp4"}, {"/v2.m4s", "/a2.m4s"}},
      {1, 30 * s, {"/v2.m4s", "/a2.m4s"}, {"/v3.m4s", "/a3.m4s"}},
      {3, 0, {"/v4.m4s", "/a4.m4s"}, {"/v5.m4s", "/a5.m4s"}},
      // As long as there is less than that.
      {100, 8 * s, {"/v5.m4s", "/a3.m4s"}, {"/v6.m4s", "/a4.m4s"}},
      {100, 0, {"/v10.m4s", "/a5.m4s"}, {}},
  };
  for (const auto &row : rows) {
    Origin origin (long_files ());
    Player player (origin.uri ("/long.mpd"));
    g_object_set (*player, "prefetch-segments", row.segments, "max-buffer-time",
        row.time, nullptr);
    pause (player);
    for (const std::string &path : row.there)
      wait_until ([&] { return origin.was_asked (path); });
    settle (origin);
    for (const std::string &path : row.not_there)
      fail_if (origin.was_asked (path), "%s", path.c_str ());
    // And it plays on.
    player.play ();
    fail_unless (player.output ("video_0").bytes == all_of ("v", 10, 100000));
    fail_unless (player.output ("audio_0").bytes == all_of ("a", 5, 20000));
  }
}
GST_END_TEST;

GST_START_TEST (so_many_bytes_are_fetched_ahead)
{
  Origin origin (long_files (3000000));
  Player player (origin.uri ("/long.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  g_object_set (*player, "max-buffer-bytes", guint64{1000000}, nullptr);
  pause (player);
  wait_until ([&] { return player.stat ("bytes-ahead") >= 1000000; });
  settle (origin);
  // What was read last may be a block too much.
  fail_unless (player.stat ("bytes-ahead") <= 1000000 + 262144);
  fail_if (origin.was_asked ("/v2.m4s"));
  player.play ();
  fail_unless (player.output ("video_0").bytes == all_of ("v", 10, 3000000));
}
GST_END_TEST;

GST_START_TEST (the_tracks_keep_in_step)
{
  Guarded<bool> audio_begins;
  std::condition_variable changed;
  Origin origin (long_files (), [&] (const std::string &path) {
    auto begins = audio_begins.lock ();
    if (path == "/a1.m4s") {
      *begins = true;
      changed.notify_all ();
    }
    // Both are at work before one of them runs ahead.
    if (path == "/v2.m4s" || path == "/a2.m4s")
      begins.wait (changed, [] (bool now) { return now; });
    return true;
  });
  Player player (origin.uri ("/long.mpd"));
  g_object_set (*player, "prefetch-segments", 100u, "max-buffer-time",
      guint64{0}, nullptr);
  pause (player);
  wait_until ([&] {
    return origin.was_asked ("/v10.m4s") && origin.was_asked ("/a5.m4s");
  });
  // A segment is asked for when what is before it has been of all tracks.
  const std::pair<const char *, const char *> rows[] = {
      {"/v4.m4s", "/a2.m4s"},  // 6 s: sound up to 8 s
      {"/a3.m4s", "/v4.m4s"},  // 8 s: picture up to 8 s
      {"/v6.m4s", "/a3.m4s"},
      {"/a4.m4s", "/v6.m4s"},
      {"/v8.m4s", "/a4.m4s"},
      {"/a5.m4s", "/v8.m4s"},
      {"/v10.m4s", "/a5.m4s"},
  };
  for (const auto &[later, earlier] : rows)
    fail_unless (index_of (origin, earlier) < index_of (origin, later),
        "%s before %s", later, earlier);
}
GST_END_TEST;

GST_START_TEST (who_has_no_room_holds_up_nobody)
{
  Origin origin (long_files ());
  Player player (origin.uri ("/long.mpd"));
  g_object_set (*player, "prefetch-segments", 1u, nullptr);
  // Nothing of the picture is taken.
  g_signal_connect (*player, "pad-added",
      G_CALLBACK (+[] (GstElement *, GstPad *pad, gpointer) {
        if (g_str_has_prefix (GST_PAD_NAME (pad), "video"))
          gst_pad_add_probe (
              pad,
              static_cast<GstPadProbeType> (
                  GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
              [] (GstPad *, GstPadProbeInfo *, gpointer) {
                return GST_PAD_PROBE_OK;
              },
              nullptr, nullptr);
      }),
      nullptr);
  player.set_state (GST_STATE_PLAYING);
  // From then on nobody else changes the state of the sink.
  wait_until ([&] { return player.no_more_pads.load (); });
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (player.pipeline ()), "audio_0")};
  g_object_set (sink.get (), "async", FALSE, nullptr);
  gst_element_set_locked_state (sink.get (), TRUE);
  gst_element_set_state (sink.get (), GST_STATE_PLAYING);
  std::string expected = all_of ("a", 5, 20000);
  wait_until ([&] { return player.output ("audio_0").bytes == expected; });
  wait_until ([&] { return origin.was_asked ("/v2.m4s"); });
  settle (origin);
  fail_if (origin.was_asked ("/v3.m4s"));
  gst_element_set_locked_state (sink.get (), FALSE);
}
GST_END_TEST;

GST_START_TEST (an_unlinked_pad_is_not_waited_for)
{
  Origin origin (long_files ());
  Player player (origin.uri ("/long.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  g_object_set (*player, "prefetch-segments", 3u, nullptr);
  pause (player);
  wait_until ([&] { return origin.was_asked ("/v4.m4s"); });
  settle (origin);
  fail_if (origin.was_asked ("/a.mp4"));
}
GST_END_TEST;

GST_START_TEST (what_is_held_up_comes_out_the_same)
{
  Origin origin (long_files (700000));
  Player player (origin.uri ("/long.mpd"));
  slow_down (player);
  player.play ();
  fail_unless (player.output ("video_0").bytes == all_of ("v", 10, 700000));
  fail_unless (player.output ("audio_0").bytes == all_of ("a", 5, 20000));
  fail_unless_equals_uint64 (player.stat ("segments"), 15);
  fail_unless (player.stat ("bytes-ahead") > 0);
  fail_unless_equals_uint64 (player.stat ("bytes-wasted"), 0);
  fail_unless_equals_uint64 (player.stat ("requests"), 18);
}
GST_END_TEST;

GST_START_TEST (what_was_fetched_for_nothing_is_counted)
{
  Origin origin (long_files ());
  Player player (origin.uri ("/long.mpd"));
  pause (player);
  wait_until ([&] {
    return origin.was_asked ("/v3.m4s") && origin.was_asked ("/a3.m4s");
  });
  settle (origin);
  guint64 ahead = player.stat ("bytes-ahead");
  fail_unless_equals_uint64 (player.stat ("bytes-wasted"), 0);
  fail_unless (gst_element_seek_simple (player.pipeline (), GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH, 14 * GST_SECOND));
  fail_unless_equals_uint64 (player.stat ("bytes-wasted"), ahead);
  player.set_state (GST_STATE_READY);
  fail_unless_equals_uint64 (
      player.stat ("bytes-wasted"), player.stat ("bytes-ahead"));
}
GST_END_TEST;

GST_START_TEST (an_error_ahead_comes_when_it_is_its_turn)
{
  test::Files files = long_files ();
  files.erase ("/v3.m4s");
  Origin origin (files);
  Player player (origin.uri ("/long.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  pause (player);
  wait_until ([&] { return origin.was_asked ("/v3.m4s"); });
  settle (origin);
  fail_unless (player.wait (GST_MESSAGE_ERROR, 0) == nullptr);
  player.play_to_error (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  fail_unless (player.output ("video_0").bytes == all_of ("v", 2, 100000));
}
GST_END_TEST;

GST_START_TEST (buffering_is_told_and_asked)
{
  Origin origin (long_files ());
  Player player (origin.uri ("/long.mpd"));
  g_object_set (
      *player, "use-buffering", TRUE, "prefetch-segments", 2u, nullptr);
  player.set_state (GST_STATE_PAUSED);
  gint last = -1;
  while (last < 100) {
    Owned<GstMessage> message =
        player.wait (GST_MESSAGE_BUFFERING | GST_MESSAGE_ERROR);
    fail_unless (
        message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_BUFFERING);
    gint percent = -1;
    gst_message_parse_buffering (message.get (), &percent);
    if (last < 0) fail_unless_equals_int (percent, 0);
    last = percent;
  }
  Owned<GstQuery> query{gst_query_new_buffering (GST_FORMAT_TIME)};
  fail_unless (gst_element_query (*player, query.get ()));
  gboolean busy = TRUE;
  gint percent = 0;
  gst_query_parse_buffering_percent (query.get (), &busy, &percent);
  fail_if (busy);
  fail_unless_equals_int (percent, 100);
  gint64 begin = -1;
  gint64 end = -1;
  gst_query_parse_buffering_range (
      query.get (), nullptr, &begin, &end, nullptr);
  fail_unless_equals_int64 (begin, 0);
  // Three segments of picture: less than of sound.
  fail_unless_equals_int64 (end, 6 * GST_SECOND);
  query.reset (gst_query_new_buffering (GST_FORMAT_BYTES));
  fail_if (gst_element_query (*player, query.get ()));
}
GST_END_TEST;

GST_START_TEST (without_a_word_nobody_is_told_to_wait)
{
  Origin origin (long_files ());
  Player player (origin.uri ("/long.mpd"));
  pause (player);
  settle (origin);
  fail_unless (player.wait (GST_MESSAGE_BUFFERING, 0) == nullptr);
}
GST_END_TEST;

static Suite *adaptivesrc_ahead_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-ahead");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_segment_is_asked_for_with_its_initialization);
  tcase_add_test (tests, one_connection_is_enough);
  tcase_add_test (tests, so_many_segments_are_fetched_ahead);
  tcase_add_test (tests, so_many_bytes_are_fetched_ahead);
  tcase_add_test (tests, the_tracks_keep_in_step);
  tcase_add_test (tests, who_has_no_room_holds_up_nobody);
  tcase_add_test (tests, an_unlinked_pad_is_not_waited_for);
  tcase_add_test (tests, what_is_held_up_comes_out_the_same);
  tcase_add_test (tests, what_was_fetched_for_nothing_is_counted);
  tcase_add_test (tests, an_error_ahead_comes_when_it_is_its_turn);
  tcase_add_test (tests, buffering_is_told_and_asked);
  tcase_add_test (tests, without_a_word_nobody_is_told_to_wait);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_ahead)

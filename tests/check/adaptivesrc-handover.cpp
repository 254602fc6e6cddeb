// SPDX-License-Identifier: LGPL-2.1-or-later
// How the tracks go over to another place without a flush: behind what is being
// sent, and all of them at the same running time.
#include <cmath>
#include <functional>
#include <random>
#include <thread>

#include "adaptivelog.h"

using relay::Guarded;
using relay::Owned;
using test::accurate;
using test::expect;
using test::expect_last;
using test::flush;
using test::HttpServer;
using test::init_of;
using test::Log;
using test::long_files;
using test::Origin;
using test::Player;
using test::s;
using test::seek;
using test::seek_event;
using test::segment_of;
using test::serving;

namespace {

// Calls of each first buffer of a segment, by its pad's thread before it
// passes.
class Watch
{
public:
  using Call = std::function<bool (const std::string &pad, GstClockTime pts)>;
  Watch (Player &player, Call call) : call_ (std::move (call))
  {
    g_signal_connect (*player, "pad-added", G_CALLBACK (on_pad_added), this);
  }

private:
  static void on_pad_added (GstElement *, GstPad *pad, gpointer data)
  {
    gst_pad_add_probe (
        pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, data, nullptr);
  }
  static GstPadProbeReturn on_buffer (
      GstPad *pad, GstPadProbeInfo *info, gpointer data)
  {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    if (GST_BUFFER_PTS_IS_VALID (buffer) &&
        !static_cast<Watch *> (data)->call_ (
            GST_PAD_NAME (pad), GST_BUFFER_PTS (buffer)))
      return GST_PAD_PROBE_DROP;
    return GST_PAD_PROBE_OK;
  }

  Call call_;
};

// Holds each pad up with a buffer of its own.
class Hold
{
public:
  Hold (Player &player, std::map<std::string, GstClockTime> where)
      : where_ (std::move (where)),
        watch_ (player, [this] (auto &pad, auto pts) {
          hold (pad, pts);
          return true;
        })
  {
  }
  // Until all of them are.
  void wait ()
  {
    auto now = now_.lock ();
    fail_unless (now.wait_for (changed_, limit,
        [this] (Now &all) { return all.held == where_.size (); }));
  }
  void let_go ()
  {
    now_.lock ()->is_over = true;
    changed_.notify_all ();
  }

private:
  struct Now
  {
    std::size_t held = 0;
    bool is_over = false;
  };
  void hold (const std::string &pad, GstClockTime pts)
  {
    auto found = where_.find (pad);
    if (found == where_.end () || found->second != pts) return;
    auto now = now_.lock ();
    if (now->is_over) return;
    now->held++;
    changed_.notify_all ();
    fail_unless (
        now.wait_for (changed_, limit, [] (Now &all) { return all.is_over; }));
  }

  static constexpr std::chrono::seconds limit{40};
  const std::map<std::string, GstClockTime> where_;
  Guarded<Now> now_;
  std::condition_variable changed_;
  Watch watch_;
};

// Whether the running time of each pad, from one flush to the next, has neither
// an overlap nor a hole: but for a hole behind the end of what was to be
// played.
class Continuity
{
public:
  explicit Continuity (Player &player)
  {
    g_signal_connect (*player, "pad-added", G_CALLBACK (on_pad_added), this);
  }
  Continuity (const Continuity &) = delete;
  Continuity &operator= (const Continuity &) = delete;

  // What was wrong first; "" = nothing.
  std::string problem () { return now_.lock ()->problem; }

private:
  struct Line
  {
    bool is_flushing = false;
    GstSegment segment{};
    GstClockTime next = 0;
    bool has_ended = false;
    std::string words;
  };
  struct Now
  {
    std::map<std::string, Line> lines;
    std::string problem;
  };

  static void on_pad_added (GstElement *, GstPad *pad, gpointer data)
  {
    gst_pad_add_probe (pad,
        static_cast<GstPadProbeType> (GST_PAD_PROBE_TYPE_BUFFER |
                                      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                      GST_PAD_PROBE_TYPE_EVENT_FLUSH),
        on_data, data, nullptr);
    auto now = static_cast<Continuity *> (data)->now_.lock ();
    Owned<GstEvent> event{gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0)};
    gst_event_copy_segment (
        event.get (), &now->lines[GST_PAD_NAME (pad)].segment);
  }
  static GstPadProbeReturn on_data (
      GstPad *pad, GstPadProbeInfo *info, gpointer data)
  {
    auto now = static_cast<Continuity *> (data)->now_.lock ();
    Line &line = now->lines[GST_PAD_NAME (pad)];
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) == 0) {
      look (line, GST_PAD_PROBE_INFO_EVENT (info));
      return GST_PAD_PROBE_OK;
    }
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    if (line.is_flushing || GST_BUFFER_OFFSET (buffer) != 0 ||
        !GST_BUFFER_PTS_IS_VALID (buffer))
      return GST_PAD_PROBE_OK;
    bool is_video = g_str_has_prefix (GST_PAD_NAME (pad), "video");
    std::string problem = look (line, GST_BUFFER_PTS (buffer),
        is_video ? 2 * s : 4 * s, is_video ? 120 * s : 20 * s);
    if (!problem.empty () && now->problem.empty ())
      now->problem =
          std::string (GST_PAD_NAME (pad)) + ": " + problem + line.words;
    return GST_PAD_PROBE_OK;
  }
  static void look (Line &line, GstEvent *event)
  {
    if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START)
      line.is_flushing = true;
    if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP) line = {};
    if (GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT) return;
    gst_event_copy_segment (event, &line.segment);
    line.words += " [" + std::to_string (line.segment.rate) + " " +
                  test::seconds (line.segment.start) + "," +
                  test::seconds (line.segment.stop) + "+" +
                  test::seconds (line.segment.base) + "]";
  }
  static std::string look (
      Line &line, GstClockTime pts, GstClockTime length, GstClockTime last)
  {
    const GstSegment &segment = line.segment;
    line.words += " " + test::seconds (pts);
    bool is_backward = segment.rate < 0;
    GstClockTime from = std::max (pts, segment.start);
    GstClockTime to = std::min ({pts + length, segment.stop, last});
    if (to <= from) return "nothing of it is played:";
    GstClockTime begin = gst_segment_to_running_time (
        &segment, GST_FORMAT_TIME, is_backward ? to : from);
    auto lasts = static_cast<GstClockTime> (
        static_cast<double> (to - from) / std::abs (segment.rate));
    GstClockTime expected = std::exchange (line.next, begin + lasts);
    bool had_ended = std::exchange (line.has_ended,
        is_backward ? pts <= segment.start
                    : pts + length >= std::min (segment.stop, last));
    if (begin + GST_MSECOND < expected)
      return "an overlap at " + test::seconds (begin) + ":";
    if (begin > expected + 100 * GST_MSECOND && !had_ended)
      return "a hole before " + test::seconds (begin) + ":";
    return {};
  }

  Guarded<Now> now_;
};

}  // namespace

// Without a flush it goes on behind the segment that is being sent.
GST_START_TEST (without_a_flush_nothing_is_torn)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  Log log (player);
  bool done = false;
  Watch watch (player, [&] (const std::string &, GstClockTime pts) {
    if (pts == 102 * s && !std::exchange (done, true))
      seek (player, 1, 0, 17 * s);
    return true;
  });
  player.play ();
  expect (log, "video_0",
      "[1.0 100,-=0+0] i! v1@100 v2@102 [1.0 117,-=17+4] i! v9@116 v10@118 "
      "eos");
  fail_unless (player.output ("video_0").bytes ==
               init_of ("v") + segment_of ("v1", 100000) +
                   segment_of ("v2", 100000) + init_of ("v") +
                   segment_of ("v9", 100000) + segment_of ("v10", 100000));
}
GST_END_TEST;

// Whoever is about to set the other pads going does not hold it up.
GST_START_TEST (a_seek_out_of_a_push_is_what_comes_next)
{
  for (bool flushes : {false, true}) {
    HttpServer server (serving (long_files ()));
    Player player (server.uri ("/long.mpd"));
    player.waits_for_all = false;
    Log log (player);
    Guarded<bool> went_on{false};
    std::condition_variable changed;
    std::atomic<guint32> seqnum{GST_SEQNUM_INVALID};
    struct Context
    {
      Guarded<bool> &went_on;
      std::condition_variable &changed;
      std::atomic<guint32> &seqnum;
    } context{went_on, changed, seqnum};
    Watch watch (player, [&] (const std::string &pad, GstClockTime pts) {
      if (pad != "video_0") return true;
      if (pts == 102 * s && seqnum == GST_SEQNUM_INVALID) {
        Owned<GstEvent> event = seek_event (1, flushes ? accurate : 0, 17 * s);
        seqnum = gst_event_get_seqnum (event.get ());
        fail_unless (gst_element_send_event (*player, event.release ()));
        return !flushes;
      }
      if (pts > 102 * s) {
        *went_on.lock () = true;
        changed.notify_all ();
      }
      return true;
    });
    // While a task is made for the other one.
    Owned<GstBus> bus{gst_element_get_bus (player.pipeline ())};
    gst_bus_set_sync_handler (
        bus.get (),
        [] (GstBus *, GstMessage *message, gpointer data) {
          if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_STREAM_STATUS)
            return GST_BUS_PASS;
          GstStreamStatusType type = GST_STREAM_STATUS_TYPE_CREATE;
          gst_message_parse_stream_status (message, &type, nullptr);
          Owned<gchar> name{gst_object_get_name (GST_MESSAGE_SRC (message))};
          if (type != GST_STREAM_STATUS_TYPE_CREATE ||
              std::string (name.get ()) != "audio_0")
            return GST_BUS_PASS;
          auto *c = static_cast<Context *> (data);
          // It may be the seek that makes it, in the thread that is to go on.
          if (c->seqnum != GST_SEQNUM_INVALID) return GST_BUS_PASS;
          auto is_on = c->went_on.lock ();
          fail_unless (is_on.wait_for (c->changed, std::chrono::seconds (20),
              [] (bool is) { return is; }));
          return GST_BUS_PASS;
        },
        &context, nullptr);
    player.set_state (GST_STATE_PLAYING);
    while (seqnum == GST_SEQNUM_INVALID) g_usleep (1000);
    for (const char *pad : {"video_0", "audio_0"})
      log.wait_for_end (pad, seqnum);
    if (flushes) {
      expect_last (log, "video_0", "[1.0 117,-=17+0] i! v9@116 v10@118 eos");
      expect_last (log, "audio_0", "[1.0 17,-=17+0] i! a5@16 eos");
    } else {
      expect (log, "video_0",
          "[1.0 100,-=0+0] i! v1@100 v2@102 [1.0 117,-=17+4] i! v9@116 "
          "v10@118 eos");
      expect (
          log, "audio_0", "[1.0 0,-=0+0] i! a1@0 [1.0 17,-=17+4] i! a5@16 eos");
    }
  }
}
GST_END_TEST;

// The running time goes on for all of them behind what any of them has begun to
// send; whoever is not there yet is sent up to there.
GST_START_TEST (without_a_flush_all_go_on_together)
{
  struct Seek
  {
    double rate;
    GstClockTime start;
    GstClockTime stop;
  };
  constexpr GstClockTime none = GST_CLOCK_TIME_NONE;
  const struct
  {
    GstClockTime video;
    GstClockTime audio;
    std::vector<Seek> seeks;
    const char *video_words;
    const char *audio_words;
  } rows[] = {
      {102 * s, 0, {{1, 17 * s, none}},
          "v1@100 v2@102 [1.0 117,-=17+4] i! v9@116 v10@118 eos",
          "a1@0 [1.0 17,-=17+4] i! a5@16 eos"},
      // In whole segments.
      {102 * s, 4 * s, {{1, 17 * s, none}},
          "v1@100 v2@102 v3@104 v4@106 [1.0 117,-=17+8] i! v9@116 v10@118 eos",
          "a1@0 a2@4 [1.0 17,-=17+8] i! a5@16 eos"},
      // With a part of one.
      {104 * s, 0, {{1, 17 * s, none}},
          "v1@100 v2@102 v3@104 [1.0 117,-=17+6] i! v9@116 v10@118 eos",
          "a1@0 [1.0 0,6=0+0] i! a2@4 [1.0 17,-=17+6] i! a5@16 eos"},
      {104 * s, 0, {{-2, 13 * s, 15 * s}},
          "v1@100 v2@102 v3@104 [-2.0 113,115=13+6] i! v8!@114 v7!@112 eos",
          "a1@0 [1.0 0,6=0+0] i! a2@4 [-2.0 13,15=13+6] i! a4!@12 eos"},
      // What has not been begun is not played at all.
      {102 * s, 4 * s, {{1, 0, none}, {1, 9 * s, 11 * s}},
          "v1@100 v2@102 v3@104 v4@106 [1.0 109,111=9+8] i! v5@108 v6@110 eos",
          "a1@0 a2@4 [1.0 9,11=9+8] i! a3@8 eos"},
  };
  for (const auto &row : rows) {
    HttpServer server (serving (long_files ()));
    Player player (server.uri ("/long.mpd"));
    player.waits_for_all = false;
    Log log (player);
    Hold hold (player, {{"video_0", row.video}, {"audio_0", row.audio}});
    player.set_state (GST_STATE_PLAYING);
    hold.wait ();
    guint32 seqnum = 0;
    for (const Seek &one : row.seeks)
      seqnum = seek (player, one.rate, 0, one.start, one.stop);
    hold.let_go ();
    for (const char *pad : {"video_0", "audio_0"})
      log.wait_for_end (pad, seqnum);
    expect (
        log, "video_0", std::string ("[1.0 100,-=0+0] i! ") + row.video_words);
    expect (
        log, "audio_0", std::string ("[1.0 0,-=0+0] i! ") + row.audio_words);
  }
}
GST_END_TEST;

namespace {

// Of all kinds, by a seed.
class RandomSeeks
{
public:
  explicit RandomSeeks (unsigned seed) : random_ (seed) {}

  Owned<GstEvent> next ()
  {
    auto one_of = [this] (unsigned count) {
      return static_cast<unsigned> (random_ () >> 8) % count;
    };
    const double rates[] = {1, 1, 2, 0.5, -1, -2};
    double rate = rates[one_of (6)];
    int flags = 0;
    for (int flag :
        {flush, int{GST_SEEK_FLAG_ACCURATE}, int{GST_SEEK_FLAG_KEY_UNIT},
            int{GST_SEEK_FLAG_KEY_UNIT | GST_SEEK_FLAG_SNAP_AFTER},
            int{GST_SEEK_FLAG_TRICKMODE_KEY_UNITS}, int{GST_SEEK_FLAG_SEGMENT}})
      if (one_of (3) == 0) flags |= flag;
    GstClockTime start = one_of (190) * s / 10;
    GstClockTime stop = GST_CLOCK_TIME_NONE;
    if (one_of (3) == 0) stop = start + s / 2 + one_of (80) * s / 10;
    return seek_event (rate, flags, start, stop);
  }
  bool is_time (unsigned of) { return (random_ () >> 8) % of == 0; }

private:
  std::minstd_rand random_;
};

// Seeks when it is called, now and then. By a pad, as demuxers do: an element
// that is sent an event is locked, and who flushes it waits for the pushes.
class Seeker
{
public:
  Seeker (Player &player, unsigned seed)
      : player_ (player), now_ (Now{RandomSeeks (seed), 0, false})
  {
  }

  // Whether it did with a flush.
  bool operator() (unsigned of)
  {
    Owned<GstEvent> event;
    {
      auto now = now_.lock ();
      if (now->is_over || !now->random.is_time (of)) return false;
      event = now->random.next ();
      now->busy++;
    }
    GstSeekFlags flags = GST_SEEK_FLAG_NONE;
    gst_event_parse_seek (event.get (), nullptr, nullptr, &flags, nullptr,
        nullptr, nullptr, nullptr);
    Owned<GstPad> pad{gst_element_get_static_pad (*player_, "audio_0")};
    if (pad) (void)gst_pad_send_event (pad.get (), event.release ());
    now_.lock ()->busy--;
    changed_.notify_all ();
    return pad && (flags & GST_SEEK_FLAG_FLUSH) != 0;
  }
  // None is on its way any more.
  void stop ()
  {
    auto now = now_.lock ();
    now->is_over = true;
    fail_unless (now.wait_for (changed_, std::chrono::seconds (40),
        [] (Now &all) { return all.busy == 0; }));
  }

private:
  struct Now
  {
    RandomSeeks random;
    unsigned busy = 0;
    bool is_over = false;
  };
  Player &player_;
  Guarded<Now> now_;
  std::condition_variable changed_;
};

}  // namespace

// From the application's thread, out of pushes, and from who reads the
// messages, in whatever thread.
GST_START_TEST (seeks_of_all_kinds)
{
  const unsigned rounds = g_getenv ("RELAY_SOAK") != nullptr ? 200 : 12;
  for (unsigned seed = 1; seed <= rounds; seed++) {
    Origin server (long_files (20000));
    Player player (server.uri ("/long.mpd"));
    player.waits_for_all = false;
    Log log (player);
    Continuity continuity (player);
    Seeker pushing (player, seed * 3);
    Watch watch (player,
        [&] (const std::string &, GstClockTime) { return !pushing (4); });
    Seeker posting (player, seed * 5);
    Owned<GstBus> bus{gst_element_get_bus (player.pipeline ())};
    gst_bus_set_sync_handler (
        bus.get (),
        [] (GstBus *, GstMessage *message, gpointer data) {
          Owned<gchar> name{gst_object_get_name (GST_MESSAGE_SRC (message))};
          if (std::string (name.get ()) == "source" &&
              (GST_MESSAGE_TYPE (message) &
                  (GST_MESSAGE_SEGMENT_START | GST_MESSAGE_ELEMENT)) != 0)
            (void)(*static_cast<Seeker *> (data)) (3);
          return GST_BUS_PASS;
        },
        &posting, nullptr);
    player.set_state (GST_STATE_PLAYING);
    while (!player.no_more_pads) g_usleep (1000);
    RandomSeeks random (seed * 7);
    for (int i = 0; i < 40; i++) {
      (void)gst_element_send_event (*player, random.next ().release ());
      if (random.is_time (2)) g_usleep (2000);
    }
    pushing.stop ();
    posting.stop ();
    guint32 seqnum = seek (player, 1, accurate, 17 * s);
    for (const char *pad : {"video_0", "audio_0"})
      log.wait_for_end (pad, seqnum);
    expect_last (log, "video_0", "[1.0 117,-=17+0] i! v9@116 v10@118 eos");
    expect_last (log, "audio_0", "[1.0 17,-=17+0] i! a5@16 eos");
    // What has seen the end may still be about to be called.
    player.set_state (GST_STATE_NULL);
    std::string problem = continuity.problem ();
    fail_unless (problem.empty (), "%u: %s", seed, problem.c_str ());
    gst_bus_set_sync_handler (bus.get (), nullptr, nullptr, nullptr);
  }
}
GST_END_TEST;

static Suite *adaptivesrc_handover_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-handover");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, without_a_flush_nothing_is_torn);
  tcase_add_test (tests, a_seek_out_of_a_push_is_what_comes_next);
  tcase_add_test (tests, without_a_flush_all_go_on_together);
  tcase_add_test (tests, seeks_of_all_kinds);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_handover)

// SPDX-License-Identifier: LGPL-2.1-or-later
// Branches of cachetee that come late, or are slow.
#include <atomic>
#include <thread>
#include <vector>

#include "backlog.h"
#include "branchrig.h"
#include "testutil.h"

namespace {

using branchrig::Rig;
using branchrig::Sink;
using relay::Owned;

void set (Rig &rig, const char *property, const char *value)
{
  gst_util_set_object_arg (G_OBJECT (rig.tee ()), property, value);
}

// Every fifth is a keyframe; 100 ms and 10 bytes each.
GstFlowReturn push (Rig &rig, guint64 number, gsize size = 10)
{
  Owned<GstBuffer> buffer{gst_buffer_new_allocate (nullptr, size, nullptr)};
  GST_BUFFER_OFFSET (buffer.get ()) = number;
  GST_BUFFER_PTS (buffer.get ()) = number * 100 * GST_MSECOND;
  if (number % 5 != 0)
    GST_BUFFER_FLAG_SET (buffer.get (), GST_BUFFER_FLAG_DELTA_UNIT);
  return gst_pad_push (rig.source (), buffer.release ());
}

void push_caps (Rig &rig, const char *text)
{
  Owned<GstCaps> caps{gst_caps_from_string (text)};
  rig.push (gst_event_new_caps (caps.get ()));
}

// Not that of Rig: with caps, in TIME.
void play (Rig &rig)
{
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  rig.push (gst_event_new_stream_start ("test"));
  push_caps (rig, "test/one");
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  rig.push (gst_event_new_segment (&segment));
}

void push_many (Rig &rig, guint64 from, guint64 to)
{
  for (guint64 number = from; number < to; number++)
    fail_unless (push (rig, number) == GST_FLOW_OK);
}

std::vector<guint64> numbers (guint64 from, guint64 to)
{
  std::vector<guint64> out;
  for (guint64 number = from; number < to; number++) out.push_back (number);
  return out;
}

struct Join
{
  const char *late_join;
  guint64 first;
};

}  // namespace

GST_START_TEST (a_late_branch_starts_where_it_is_told)
{
  // Of 13, with keyframes 0, 5 and 10; a burst of 70 bytes begins at 6.
  for (const Join &join : {Join{"beginning", 0}, Join{"latest-keyframe", 10},
           Join{"burst", 6}, Join{"burst-keyframe", 10}, Join{"live", 13},
           Join{"next-keyframe", 15}}) {
    Rig rig (1);
    set (rig, "late-join", join.late_join);
    g_object_set (rig.tee (), "burst-bytes", guint64{70}, nullptr);
    play (rig);
    push_many (rig, 0, 13);
    Sink &late = rig.add ();
    push_many (rig, 13, 20);
    rig.push (gst_event_new_eos ());
    fail_unless (rig.sink (0).wait_eos ());
    fail_unless (late.wait_eos ());
    fail_unless (rig.sink (0).offsets () == numbers (0, 20));
    std::vector<guint64> got = late.offsets ();
    guint64 first = got.empty () ? 20 : got.front ();
    // Where the log ends is a matter of when; at a place of its own it is not.
    if (g_str_equal (join.late_join, "live") ||
        g_str_equal (join.late_join, "next-keyframe"))
      fail_unless (first >= join.first, "%s", join.late_join);
    else if (g_str_equal (join.late_join, "beginning"))
      fail_unless (first == join.first, "%s", join.late_join);
    if (!g_str_equal (join.late_join, "live") &&
        !g_str_equal (join.late_join, "burst"))
      fail_unless (first % 5 == 0, "%s", join.late_join);
    fail_unless (got == numbers (first, 20), "%s", join.late_join);
    // Where it went over to live at once it is as in tee.
    if (!g_str_equal (join.late_join, "live") && !got.empty ())
      fail_unless (late.discont () == (first != 0), "%s", join.late_join);
  }
}
GST_END_TEST;

GST_START_TEST (a_place_in_the_log_is_exact)
{
  for (const Join &join : {Join{"beginning", 0}, Join{"latest-keyframe", 10},
           Join{"burst", 6}, Join{"burst-keyframe", 10}}) {
    Rig rig (1);
    set (rig, "late-join", join.late_join);
    g_object_set (rig.tee (), "burst-bytes", guint64{70}, nullptr);
    play (rig);
    push_many (rig, 0, 13);
    Sink &late = rig.add ();
    fail_unless (late.wait_buffers (13 - join.first));
    push_many (rig, 13, 20);
    rig.push (gst_event_new_eos ());
    fail_unless (late.wait_eos ());
    fail_unless (
        late.offsets () == numbers (join.first, 20), "%s", join.late_join);
  }
}
GST_END_TEST;

GST_START_TEST (a_late_branch_has_the_events_of_its_place)
{
  Rig rig (1);
  set (rig, "late-join", "beginning");
  play (rig);
  push_many (rig, 0, 5);
  push_caps (rig, "test/two");
  push_many (rig, 5, 10);
  Sink &late = rig.add ();
  fail_unless (late.wait_buffers (10));
  std::vector<std::string> wanted{
      "stream-start", "test/one", "segment", "test/two"};
  fail_unless (late.events () == wanted);
  // At the latest keyframe the first caps are of no use.
  Rig other (1);
  set (other, "late-join", "latest-keyframe");
  play (other);
  push_many (other, 0, 5);
  push_caps (other, "test/two");
  push_many (other, 5, 10);
  Sink &later = other.add ();
  fail_unless (later.wait_buffers (5));
  fail_unless (later.events () == (std::vector<std::string>{
                                      "stream-start", "test/two", "segment"}));
}
GST_END_TEST;

GST_START_TEST (a_branch_that_is_there_in_time_misses_nothing)
{
  for (int round = 0; round < 20; round++) {
    Rig rig (2);
    set (rig, "late-join", "live");
    set (rig, "slow-branch", round % 2 == 0 ? "demote" : "block");
    if (round % 2 != 0) set (rig, "late-join", "next-keyframe");
    play (rig);
    push_many (rig, 0, 20);
    rig.push (gst_event_new_eos ());
    for (std::size_t i : {std::size_t{0}, std::size_t{1}}) {
      fail_unless (rig.sink (i).wait_eos ());
      fail_unless (rig.sink (i).offsets () == numbers (0, 20));
      fail_unless (!rig.sink (i).discont ());
    }
  }
}
GST_END_TEST;

GST_START_TEST (it_goes_over_to_live_without_loss)
{
  Rig rig (1);
  set (rig, "late-join", "beginning");
  play (rig);
  constexpr guint64 total = 4000;
  std::atomic<guint64> pushed = 0;
  std::thread upstream ([&] {
    for (guint64 number = 0; number < total; number++) {
      gst_pad_push (rig.source (), [&] {
        GstBuffer *buffer = gst_buffer_new_allocate (nullptr, 10, nullptr);
        GST_BUFFER_OFFSET (buffer) = number;
        return buffer;
      }());
      pushed++;
    }
    rig.push (gst_event_new_eos ());
  });
  std::vector<Sink *> late;
  for (int i = 0; i < 8; i++) {
    while (pushed < total / 10 * static_cast<guint64> (i))
      std::this_thread::yield ();
    late.push_back (&rig.add ());
  }
  upstream.join ();
  for (Sink *sink : late) {
    fail_unless (sink->wait_eos ());
    fail_unless (sink->offsets () == numbers (0, total));
  }
}
GST_END_TEST;

GST_START_TEST (a_pad_that_waits_for_its_peer_is_late_when_it_comes)
{
  Rig rig (1);
  set (rig, "late-join", "latest-keyframe");
  Sink &late = rig.add (false);
  play (rig);
  push_many (rig, 0, 8);
  rig.link (1);
  fail_unless (late.wait_buffers (3));
  push_many (rig, 8, 10);
  fail_unless (late.wait_buffers (5));
  fail_unless (late.offsets () == numbers (5, 10));
}
GST_END_TEST;

GST_START_TEST (rebase_is_of_now)
{
  for (const char *timing : {"original", "rebase"}) {
    Rig rig (1);
    set (rig, "late-join", "latest-keyframe");
    set (rig, "late-timing", timing);
    play (rig);
    push_many (rig, 0, 9);
    Sink &late = rig.add ();
    fail_unless (late.wait_buffers (4));
    GstClockTime wanted =
        (g_str_equal (timing, "rebase") ? 8 : 5) * 100 * GST_MSECOND;
    assert_equals_uint64 (late.running_time (), wanted);
    fail_unless (rig.sink (0).wait_buffers (9));
    assert_equals_uint64 (rig.sink (0).running_time (), 0);
  }
}
GST_END_TEST;

// Keyframes of now, and the rest as it was: it ends up with the others.
GST_START_TEST (fast_forward_catches_up)
{
  Rig rig (1);
  set (rig, "late-join", "beginning");
  set (rig, "late-timing", "fast-forward");
  play (rig);
  push_many (rig, 0, 13);
  Sink &late = rig.add ();
  fail_unless (late.wait_buffers (5));
  fail_unless (push (rig, 13) == GST_FLOW_OK);
  fail_unless (late.wait_buffers (6));
  const std::vector<guint64> wanted{0, 5, 10, 11, 12, 13};
  fail_unless (late.offsets () == wanted);
  const std::vector<guint64> tenths{12, 12, 10, 11, 12, 13};
  std::vector<GstClockTime> times = late.running_times ();
  for (std::size_t i = 0; i < tenths.size (); i++)
    assert_equals_uint64 (times[i], tenths[i] * 100 * GST_MSECOND);
}
GST_END_TEST;

// One whose headers are in the caps gets them first, unless it has them anyway.
GST_START_TEST (stream_headers_come_first)
{
  for (bool has_headers : {false, true}) {
    Rig rig (1);
    set (rig, "late-join", "latest-keyframe");
    play (rig);
    Owned<GstBuffer> header{gst_buffer_new_allocate (nullptr, 3, nullptr)};
    GST_BUFFER_OFFSET (header.get ()) = 777;
    GValue list = G_VALUE_INIT;
    GValue one = G_VALUE_INIT;
    gst_value_array_init (&list, 1);
    g_value_init (&one, GST_TYPE_BUFFER);
    gst_value_set_buffer (&one, header.get ());
    gst_value_array_append_and_take_value (&list, &one);
    Owned<GstCaps> caps{gst_caps_new_empty_simple ("test/headers")};
    gst_caps_set_value (caps.get (), "streamheader", &list);
    g_value_unset (&list);
    rig.push (gst_event_new_caps (caps.get ()));
    if (has_headers) {
      GstBuffer *sent = gst_buffer_copy (header.get ());
      GST_BUFFER_OFFSET (sent) = 778;
      GST_BUFFER_FLAG_SET (sent, GST_BUFFER_FLAG_HEADER);
      fail_unless (gst_pad_push (rig.source (), sent) == GST_FLOW_OK);
    }
    push_many (rig, 0, 8);
    Sink &late = rig.add ();
    fail_unless (late.wait_buffers (4));
    std::vector<guint64> offsets = late.offsets ();
    assert_equals_uint64 (offsets[0], has_headers ? 778 : 777);
    offsets.erase (offsets.begin ());
    fail_unless (offsets == numbers (5, 8));
  }
}
GST_END_TEST;

GST_START_TEST (a_slow_branch_that_is_demoted_holds_up_nobody)
{
  Rig rig (2);
  set (rig, "slow-branch", "demote");
  play (rig);
  rig.sink (0).block (true);
  push_many (rig, 0, 50);
  rig.push (gst_event_new_eos ());
  fail_unless (rig.sink (1).wait_eos ());
  fail_unless (rig.sink (0).buffers () <= 1);
  rig.sink (0).block (false);
  fail_unless (rig.sink (0).wait_eos ());
  fail_unless (rig.sink (0).offsets () == numbers (0, 50));
  assert_equals_uint64 (rig.count ("branches-lapped"), 0);
}
GST_END_TEST;

GST_START_TEST (one_that_is_lapped_goes_on_at_a_keyframe)
{
  Rig rig (2);
  set (rig, "slow-branch", "demote");
  g_object_set (rig.tee (), "log-bytes",
      guint64{8 * (10 + backlog::entry_cost)}, nullptr);
  play (rig);
  rig.sink (0).block (true);
  push_many (rig, 0, 1);
  fail_unless (rig.sink (0).wait_buffers (1));
  for (guint64 number = 1; number < 52; number++) {
    push_many (rig, number, number + 1);
    fail_unless (rig.sink (1).wait_buffers (number + 1));
  }
  rig.sink (0).block (false);
  rig.push (gst_event_new_eos ());
  fail_unless (rig.sink (0).wait_eos ());
  std::vector<guint64> got = rig.sink (0).offsets ();
  assert_equals_uint64 (got[0], 0);
  // The last eight are there; the oldest keyframe of them is 45.
  fail_unless (got.size () > 1 && got[1] % 5 == 0 && got[1] >= 40);
  got.erase (got.begin ());
  fail_unless (got == numbers (got[0], 52));
  fail_unless (rig.sink (1).offsets () == numbers (0, 52));
  assert_equals_uint64 (rig.count ("branches-lapped"), 1);
}
GST_END_TEST;

GST_START_TEST (a_flush_takes_what_was_to_come)
{
  Rig rig (1);
  set (rig, "late-join", "beginning");
  play (rig);
  push_many (rig, 0, 10);
  Sink &late = rig.add (false);
  late.block (true);
  rig.link (1);
  fail_unless (late.wait_buffers (1));
  std::thread flusher ([&] {
    rig.push (gst_event_new_flush_start ());
    late.block (false);
    rig.push (gst_event_new_flush_stop (TRUE));
  });
  flusher.join ();
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  rig.push (gst_event_new_segment (&segment));
  push_many (rig, 20, 25);
  rig.push (gst_event_new_eos ());
  fail_unless (late.wait_eos ());
  std::vector<guint64> got = late.offsets ();
  assert_equals_uint64 (got[0], 0);
  got.erase (got.begin ());
  fail_unless (got == numbers (20, 25));
}
GST_END_TEST;

GST_START_TEST (a_late_branch_that_fails_is_as_any)
{
  for (const char *what : {"fatal", "isolate"}) {
    Rig rig (1);
    set (rig, "late-join", "beginning");
    set (rig, "branch-error", what);
    play (rig);
    push_many (rig, 0, 3);
    Sink &late = rig.add (false);
    late.set_flow (GST_FLOW_ERROR);
    rig.link (1);
    fail_unless (late.wait_buffers (1));
    bool fatal = g_str_equal (what, "fatal");
    // It is told with one of the next buffers.
    GstFlowReturn flow = GST_FLOW_OK;
    for (guint64 number = 3; number < 100000 && flow == GST_FLOW_OK; number++) {
      flow = push (rig, number);
      if (!fatal && rig.count ("branches-isolated") == 1) break;
    }
    fail_unless (flow == (fatal ? GST_FLOW_ERROR : GST_FLOW_OK));
    assert_equals_uint64 (late.buffers (), 1);
  }
}
GST_END_TEST;

GST_START_TEST (late_branches_come_and_go_and_stop)
{
  Rig rig (1);
  set (rig, "late-join", "beginning");
  set (rig, "slow-branch", "demote");
  for (int cycle = 0; cycle < 3; cycle++) {
    play (rig);
    push_many (rig, 0, 10);
    for (int i = 0; i < 5; i++) {
      Owned<GstPad> pad{gst_element_request_pad_simple (rig.tee (), "src_%u")};
      Sink sink;
      gst_pad_link (pad.get (), sink.pad ());
      if (i % 2 == 0) fail_unless (sink.wait_buffers (1));
      push_many (rig, 10, 12);
      gst_element_release_request_pad (rig.tee (), pad.get ());
    }
    // One waits in its sink.
    if (cycle == 1) rig.sink (0).block (true);
    push_many (rig, 12, 14);
    rig.sink (0).block (false);
    gst_element_set_state (rig.tee (), GST_STATE_READY);
  }
}
GST_END_TEST;

// ---- On a hit --------------------------------------------------------------

namespace {

void use (Rig &rig, const test::TempDir &temp)
{
  g_object_set (rig.tee (), "cache-dir", temp.path ().c_str (), "cache-key",
      "key", "slice-size", 4096U, nullptr);
}

// The cache has so many.
void keep (const test::TempDir &temp, guint64 count)
{
  Rig rig (1);
  use (rig, temp);
  play (rig);
  push_many (rig, 0, count);
  rig.push (gst_event_new_eos ());
  fail_unless (rig.sink (0).wait_eos ());
  gst_element_set_state (rig.tee (), GST_STATE_READY);
  assert_equals_uint64 (rig.count ("objects-stored"), 1);
}

// A branch plays it, and waits in the one with this number.
void play_up_to (Rig &rig, const test::TempDir &temp, guint64 number)
{
  use (rig, temp);
  rig.sink (0).hold_at (number + 1);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  fail_unless (rig.sink (0).wait_buffers (number + 1));
  assert_equals_uint64 (rig.count ("cache-hits"), 1);
}

}  // namespace

GST_START_TEST (on_a_hit_it_starts_where_the_others_are)
{
  test::TempDir temp;
  keep (temp, 20);
  // The first 13 were played; a burst of 70 bytes begins at 6.
  for (const Join &join :
      {Join{"auto", 0}, Join{"beginning", 0}, Join{"latest-keyframe", 10},
          Join{"burst", 6}, Join{"burst-keyframe", 10}, Join{"live", 13},
          Join{"next-keyframe", 15}}) {
    Rig rig (1);
    set (rig, "late-join", join.late_join);
    g_object_set (rig.tee (), "burst-bytes", guint64{70}, nullptr);
    play_up_to (rig, temp, 13);
    Sink &late = rig.add ();
    fail_unless (late.wait_eos ());
    fail_unless (
        late.offsets () == numbers (join.first, 20), "%s", join.late_join);
    fail_unless (late.discont () == (join.first != 0), "%s", join.late_join);
    fail_unless (late.events () == (std::vector<std::string>{"stream-start",
                                       "test/one", "segment", "eos"}));
    fail_unless (!rig.sink (0).has_eos ());
    rig.sink (0).block (false);
    fail_unless (rig.sink (0).wait_eos ());
    fail_unless (rig.sink (0).offsets () == numbers (0, 20));
    fail_unless (!rig.sink (0).discont ());
  }
}
GST_END_TEST;

GST_START_TEST (on_a_hit_who_is_there_in_time_misses_nothing)
{
  test::TempDir temp;
  keep (temp, 20);
  for (int round = 0; round < 20; round++) {
    Rig rig (2);
    set (rig, "late-join", round % 2 == 0 ? "live" : "next-keyframe");
    use (rig, temp);
    gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
    for (std::size_t i : {std::size_t{0}, std::size_t{1}}) {
      fail_unless (rig.sink (i).wait_eos ());
      fail_unless (rig.sink (i).offsets () == numbers (0, 20));
    }
  }
}
GST_END_TEST;

// Also when a buffer is in many slices, and one slice has many.
GST_START_TEST (on_a_hit_it_joins_at_any_place)
{
  for (gsize size : {gsize{10}, gsize{1000}, gsize{10000}}) {
    test::TempDir temp;
    {
      Rig rig (1);
      use (rig, temp);
      play (rig);
      for (guint64 number = 0; number < 12; number++) {
        if (number == 5) push_caps (rig, "test/two");
        fail_unless (push (rig, number, size) == GST_FLOW_OK);
      }
      rig.push (gst_event_new_eos ());
      gst_element_set_state (rig.tee (), GST_STATE_READY);
      assert_equals_uint64 (rig.count ("objects-stored"), 1);
    }
    for (guint64 place = 0; place < 12; place++) {
      Rig rig (1);
      set (rig, "late-join", "live");
      play_up_to (rig, temp, place);
      // Two, one of which gets its peer only now.
      Sink &late = rig.add ();
      Sink &later = rig.add (false);
      rig.link (2);
      for (Sink *sink : {&late, &later}) {
        fail_unless (sink->wait_eos ());
        fail_unless (sink->offsets () == numbers (place, 12));
        std::vector<std::string> events = sink->events ();
        fail_unless (events[1] == (place < 5 ? "test/one" : "test/two"));
      }
    }
  }
}
GST_END_TEST;

GST_START_TEST (on_a_hit_what_was_played_last_counts)
{
  test::TempDir temp;
  keep (temp, 20);
  Rig rig (1);
  set (rig, "late-join", "live");
  use (rig, temp);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  fail_unless (rig.sink (0).wait_eos ());
  // There is nothing more.
  Sink &late = rig.add ();
  fail_unless (late.wait_eos ());
  assert_equals_uint64 (late.buffers (), 0);
}
GST_END_TEST;

GST_START_TEST (on_a_hit_the_timing_is_as_ever)
{
  test::TempDir temp;
  keep (temp, 20);
  Rig rig (1);
  set (rig, "late-join", "latest-keyframe");
  set (rig, "late-timing", "rebase");
  play_up_to (rig, temp, 9);
  Sink &late = rig.add ();
  fail_unless (late.wait_eos ());
  fail_unless (late.offsets () == numbers (5, 20));
  assert_equals_uint64 (late.running_time (), 8 * 100 * GST_MSECOND);

  Rig other (1);
  set (other, "late-join", "beginning");
  set (other, "late-timing", "fast-forward");
  play_up_to (other, temp, 13);
  Sink &hurried = other.add ();
  fail_unless (hurried.wait_eos ());
  fail_unless (hurried.offsets () == (std::vector<guint64>{0, 5, 10, 11, 12, 13,
                                         14, 15, 16, 17, 18, 19}));
  const std::vector<guint64> tenths{12, 12, 10, 11};
  std::vector<GstClockTime> times = hurried.running_times ();
  for (std::size_t i = 0; i < tenths.size (); i++)
    assert_equals_uint64 (times[i], tenths[i] * 100 * GST_MSECOND);
}
GST_END_TEST;

GST_START_TEST (on_a_hit_headers_come_first)
{
  test::TempDir temp;
  {
    Rig rig (1);
    use (rig, temp);
    play (rig);
    GstBuffer *header = gst_buffer_new_allocate (nullptr, 3, nullptr);
    GST_BUFFER_OFFSET (header) = 778;
    GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_HEADER);
    fail_unless (gst_pad_push (rig.source (), header) == GST_FLOW_OK);
    push_many (rig, 0, 12);
    rig.push (gst_event_new_eos ());
    gst_element_set_state (rig.tee (), GST_STATE_READY);
    assert_equals_uint64 (rig.count ("objects-stored"), 1);
  }
  // Also when the log no more has them.
  for (guint64 log : {guint64{0}, 8 * (10 + backlog::entry_cost)}) {
    Rig rig (1);
    set (rig, "late-join", "latest-keyframe");
    g_object_set (rig.tee (), "log-bytes", log, nullptr);
    play_up_to (rig, temp, 9);
    Sink &late = rig.add ();
    fail_unless (late.wait_eos ());
    std::vector<guint64> offsets = late.offsets ();
    assert_equals_uint64 (offsets[0], 778);
    fail_unless (late.discont ());
    offsets.erase (offsets.begin ());
    fail_unless (offsets == numbers (5, 12));
  }
}
GST_END_TEST;

// Of bytes: 30000, of which 5 slices of 4096 were played.
GST_START_TEST (on_a_hit_bytes_are_joined_too)
{
  test::TempDir temp;
  constexpr guint64 slice = 4096;
  {
    Rig rig (1);
    use (rig, temp);
    rig.play ();
    for (guint64 at = 0; at < 30000; at += 3000) {
      GstBuffer *buffer = gst_buffer_new_allocate (nullptr, 3000, nullptr);
      GST_BUFFER_OFFSET (buffer) = at;
      fail_unless (gst_pad_push (rig.source (), buffer) == GST_FLOW_OK);
    }
    rig.push (gst_event_new_eos ());
    gst_element_set_state (rig.tee (), GST_STATE_READY);
    assert_equals_uint64 (rig.count ("objects-stored"), 1);
  }
  for (const Join &join : {Join{"auto", 0}, Join{"beginning", 0},
           Join{"live", 5 * slice}, Join{"next-keyframe", 5 * slice},
           Join{"latest-keyframe", 4 * slice}, Join{"burst", 5 * slice - 30},
           Join{"burst-keyframe", 5 * slice - 30}}) {
    Rig rig (1);
    set (rig, "late-join", join.late_join);
    g_object_set (rig.tee (), "burst-bytes", guint64{30}, nullptr);
    use (rig, temp);
    rig.sink (0).hold_at (6);
    gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
    fail_unless (rig.sink (0).wait_buffers (6));
    assert_equals_uint64 (rig.count ("cache-hits"), 1);
    Sink &late = rig.add ();
    fail_unless (late.wait_eos ());
    std::vector<guint64> offsets = late.offsets ();
    std::vector<guint64> wanted{join.first};
    for (guint64 at = join.first / slice * slice + slice; at < 30000;
         at += slice)
      wanted.push_back (at);
    fail_unless (offsets == wanted, "%s", join.late_join);
    fail_unless (late.discont ());
  }
}
GST_END_TEST;

static Suite *cachetee_late_suite (void)
{
  Suite *suite = suite_create ("cachetee-late");
  TCase *tests = tcase_create ("cachetee-late");
  tcase_add_test (tests, a_late_branch_starts_where_it_is_told);
  tcase_add_test (tests, a_place_in_the_log_is_exact);
  tcase_add_test (tests, a_late_branch_has_the_events_of_its_place);
  tcase_add_test (tests, a_branch_that_is_there_in_time_misses_nothing);
  tcase_add_test (tests, it_goes_over_to_live_without_loss);
  tcase_add_test (tests, a_pad_that_waits_for_its_peer_is_late_when_it_comes);
  tcase_add_test (tests, rebase_is_of_now);
  tcase_add_test (tests, fast_forward_catches_up);
  tcase_add_test (tests, stream_headers_come_first);
  tcase_add_test (tests, a_slow_branch_that_is_demoted_holds_up_nobody);
  tcase_add_test (tests, one_that_is_lapped_goes_on_at_a_keyframe);
  tcase_add_test (tests, a_flush_takes_what_was_to_come);
  tcase_add_test (tests, a_late_branch_that_fails_is_as_any);
  tcase_add_test (tests, late_branches_come_and_go_and_stop);
  tcase_add_test (tests, on_a_hit_it_starts_where_the_others_are);
  tcase_add_test (tests, on_a_hit_who_is_there_in_time_misses_nothing);
  tcase_add_test (tests, on_a_hit_it_joins_at_any_place);
  tcase_add_test (tests, on_a_hit_what_was_played_last_counts);
  tcase_add_test (tests, on_a_hit_the_timing_is_as_ever);
  tcase_add_test (tests, on_a_hit_headers_come_first);
  tcase_add_test (tests, on_a_hit_bytes_are_joined_too);
  suite_add_tcase (suite, tests);
  return suite;
}

GST_CHECK_MAIN (cachetee_late);

// SPDX-License-Identifier: LGPL-2.1-or-later
// Branches that pull what the cache has.
#include <string>
#include <thread>
#include <vector>

#include "branchrig.h"
#include "common/guarded.h"
#include "testutil.h"

namespace {

namespace fs = std::filesystem;
using branchrig::Rig;
using relay::Owned;
using test::Bytes;
using test::TempDir;

constexpr std::size_t size = 2000003;

Bytes content ()
{
  Bytes out (size);
  std::uint32_t value = 1;
  for (std::uint8_t &byte : out)
    byte = static_cast<std::uint8_t> (
        (value = value * 1664525 + 1013904223) >> 24);
  return out;
}

void use (Rig &rig, const fs::path &dir, const char *mode = "single")
{
  g_object_set (
      rig.tee (), "cache-dir", dir.c_str (), "cache-key", "k", nullptr);
  gst_util_set_object_arg (G_OBJECT (rig.tee ()), "pull-mode", mode);
}

void record (const fs::path &dir, const Bytes &bytes,
    GstFormat format = GST_FORMAT_BYTES)
{
  Rig rig (1);
  use (rig, dir);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  rig.push (gst_event_new_stream_start ("s"));
  GstSegment segment;
  gst_segment_init (&segment, format);
  rig.push (gst_event_new_segment (&segment));
  for (std::size_t at = 0; at < bytes.size (); at += 100000) {
    std::size_t left = std::min<std::size_t> (100000, bytes.size () - at);
    fail_unless (
        gst_pad_push (rig.source (),
            test::buffer (std::span (bytes).subspan (at, left)).release ()) ==
        GST_FLOW_OK);
  }
  rig.push (gst_event_new_eos ());
  gst_element_set_state (rig.tee (), GST_STATE_NULL);
  fail_unless_equals_uint64 (rig.count ("objects-stored"), 1);
}

struct Offered
{
  bool pull = false;
  bool push = false;
  bool seekable = false;
  bool limited = false;
};

Offered offered (Rig &rig)
{
  Owned<GstQuery> query{gst_query_new_scheduling ()};
  fail_unless (gst_pad_peer_query (rig.sink (0).pad (), query.get ()));
  GstSchedulingFlags flags{};
  gst_query_parse_scheduling (query.get (), &flags, nullptr, nullptr, nullptr);
  auto has = [flags] (GstSchedulingFlags flag) {
    return (static_cast<guint> (flags) & static_cast<guint> (flag)) != 0;
  };
  return {gst_query_has_scheduling_mode (query.get (), GST_PAD_MODE_PULL) != 0,
      gst_query_has_scheduling_mode (query.get (), GST_PAD_MODE_PUSH) != 0,
      has (GST_SCHEDULING_FLAG_SEEKABLE),
      has (GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED)};
}

bool activate (Rig &rig, std::size_t i, bool on)
{
  GstPad *pad = rig.sink (i).pad ();
  if (on) gst_pad_set_active (pad, FALSE);
  return gst_pad_activate_mode (pad, GST_PAD_MODE_PULL, on);
}

GstFlowReturn pull (
    Rig &rig, std::size_t i, guint64 offset, guint length, Bytes &out)
{
  GstBuffer *raw = nullptr;
  GstFlowReturn flow =
      gst_pad_pull_range (rig.sink (i).pad (), offset, length, &raw);
  Owned<GstBuffer> buffer{raw};
  out.clear ();
  if (flow == GST_FLOW_OK) out = test::bytes_of (raw);
  return flow;
}

Bytes part (const Bytes &bytes, std::size_t from, std::size_t length)
{
  auto begin = bytes.begin () + static_cast<std::ptrdiff_t> (from);
  return {begin, begin + static_cast<std::ptrdiff_t> (
                             std::min (length, bytes.size () - from))};
}

}  // namespace

GST_START_TEST (what_is_whole_may_be_pulled)
{
  TempDir temp;
  auto ask = [&temp] (const char *mode) {
    Rig rig (1);
    use (rig, temp.path (), mode);
    gst_element_set_state (rig.tee (), GST_STATE_READY);
    Offered found = offered (rig);
    fail_unless (found.push);
    fail_unless (found.pull == found.seekable);
    fail_if (found.limited);
    fail_unless (activate (rig, 0, true) == found.pull);
    activate (rig, 0, false);
    return found.pull;
  };
  fail_if (ask ("single"));
  record (temp.path (), content (), GST_FORMAT_TIME);
  fail_if (ask ("single"));
  fs::remove_all (temp.path ());
  record (temp.path (), content ());
  fail_unless (ask ("single"));
  fail_if (ask ("never"));
}
GST_END_TEST;

// Each from where it likes, while another one is pushed to; and nothing comes
// from upstream, which waits.
GST_START_TEST (several_pull_and_one_is_pushed_to)
{
  TempDir temp;
  Bytes whole = content ();
  record (temp.path (), whole);
  Rig rig (3);
  use (rig, temp.path ());
  gst_element_set_state (rig.tee (), GST_STATE_READY);
  for (std::size_t i : {std::size_t{0}, std::size_t{1}})
    fail_unless (activate (rig, i, true));
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  std::thread source ([&] {
    gst_pad_push_event (rig.source (), gst_event_new_stream_start ("s"));
  });
  auto read = [&] (std::size_t i, std::size_t step) {
    Bytes got;
    for (std::size_t n = 0; n < 200; n++) {
      std::size_t from = n * step % size;
      guint length = static_cast<guint> (1 + n * 997 % 300000);
      fail_unless (pull (rig, i, from, length, got) == GST_FLOW_OK);
      fail_unless (got == part (whole, from, length), "%zu", from);
    }
  };
  std::thread one ([&] { read (0, 1234567); });
  std::thread other ([&] { read (1, size - 54321); });
  one.join ();
  other.join ();
  fail_unless (rig.sink (2).wait_eos ());
  // At the end, and behind it.
  Bytes got;
  fail_unless (pull (rig, 0, size - 10, 100, got) == GST_FLOW_OK);
  fail_unless (got == part (whole, size - 10, 10));
  for (std::size_t from : {size, size + 1, std::size_t{1} << 40})
    fail_unless (pull (rig, 0, from, 100, got) == GST_FLOW_EOS);
  // Into a buffer that is there.
  Owned<GstBuffer> mine{gst_buffer_new_allocate (nullptr, 300000, nullptr)};
  GstBuffer *raw = mine.get ();
  fail_unless (gst_pad_pull_range (rig.sink (0).pad (), 17, 300000, &raw) ==
               GST_FLOW_OK);
  fail_unless (raw == mine.get ());
  fail_unless (test::bytes_of (raw) == part (whole, 17, 300000));
  // An application has enough.
  fail_unless (gst_element_send_event (rig.tee (), gst_event_new_eos ()));
  source.join ();
  fail_unless (pull (rig, 0, 0, 100, got) == GST_FLOW_EOS);
  for (std::size_t i : {std::size_t{0}, std::size_t{1}})
    activate (rig, i, false);
  fail_unless_equals_uint64 (rig.count ("bytes-received"), 0);
}
GST_END_TEST;

// Downstream is started first.
GST_START_TEST (who_pulls_before_it_runs_waits)
{
  TempDir temp;
  Bytes whole = content ();
  record (temp.path (), whole);
  Rig rig (1);
  use (rig, temp.path ());
  for (int round = 0; round < 4; round++) {
    gst_element_set_state (rig.tee (), GST_STATE_READY);
    fail_unless (activate (rig, 0, true));
    GstFlowReturn flow = GST_FLOW_OK;
    Bytes got;
    std::thread reader ([&] { flow = pull (rig, 0, 5, 50, got); });
    if (round % 2 == 0) {
      gst_element_set_state (rig.tee (), GST_STATE_PAUSED);
      reader.join ();
      fail_unless_equals_int (flow, GST_FLOW_OK);
      fail_unless (got == part (whole, 5, 50));
      // Stopped alone, it says so.
      gst_element_set_state (rig.tee (), GST_STATE_READY);
      fail_unless (pull (rig, 0, 5, 50, got) == GST_FLOW_FLUSHING);
      activate (rig, 0, false);
    } else {
      activate (rig, 0, false);
      reader.join ();
      fail_unless_equals_int (flow, GST_FLOW_FLUSHING);
    }
  }
}
GST_END_TEST;

GST_START_TEST (one_that_has_pulled_can_be_pushed_to)
{
  TempDir temp;
  Bytes whole = content ();
  record (temp.path (), whole);
  for (int round = 0; round < 10; round++) {
    Rig rig (1);
    use (rig, temp.path ());
    gst_element_set_state (rig.tee (), GST_STATE_READY);
    fail_unless (activate (rig, 0, true));
    gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
    Bytes got;
    fail_unless (pull (rig, 0, 100, 50, got) == GST_FLOW_OK);
    activate (rig, 0, false);
    gst_pad_set_active (rig.sink (0).pad (), TRUE);
    fail_unless (gst_pad_activate_mode (rig.src (0), GST_PAD_MODE_PUSH, TRUE));
    fail_unless (rig.sink (0).wait_eos ());
    fail_unless (rig.sink (0).buffers () == 8);
  }
}
GST_END_TEST;

// ---- In pipelines ----------------------------------------------------------

namespace {

Bytes run (const std::string &line)
{
  Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
  fail_unless (pipeline != nullptr, "%s", line.c_str ());
  relay::Guarded<Bytes> out;
  Owned<GstElement> sink{gst_bin_get_by_name (GST_BIN (pipeline.get ()), "f")};
  auto take = +[] (GstElement *, GstBuffer *buffer, GstPad *, gpointer data) {
    Bytes bytes = test::bytes_of (buffer);
    auto all = static_cast<relay::Guarded<Bytes> *> (data)->lock ();
    all->insert (all->end (), bytes.begin (), bytes.end ());
  };
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (take), &out);
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstMessage> message =
      test::wait_message (pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != nullptr, "%s", line.c_str ());
  fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS, "%s",
      line.c_str ());
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return out.copy ();
}

const std::string sink_line =
    "fakesink name=f sync=false signal-handoffs=true ";

}  // namespace

// The index is at the end of the file: who is pushed to has to seek for it.
GST_START_TEST (demuxers_pull_from_several_branches)
{
  TempDir temp;
  fs::path in = temp.path () / "in.mov";
  Owned<GstElement> made{gst_parse_launch (
      ("audiotestsrc num-buffers=200 ! audio/x-raw,format=S16LE ! qtmux ! "
       "filesink location=" +
          in.string ())
          .c_str (),
      nullptr)};
  fail_unless (made != nullptr);
  gst_element_set_state (made.get (), GST_STATE_PLAYING);
  fail_unless (test::wait_message (made.get (), GST_MESSAGE_EOS) != nullptr);
  gst_element_set_state (made.get (), GST_STATE_NULL);

  std::string source = "filesrc location=" + in.string () + " ! ";
  std::string tee = "cachetee name=t cache-key=k pull-mode=single cache-dir=" +
                    (temp.path () / "cache").string ();
  Bytes expected = run (source + "qtdemux ! " + sink_line);
  fail_unless (!expected.empty ());
  Bytes file = test::read_file (in);
  fail_unless (run (source + tee + " ! " + sink_line) == file);
  // Nothing is in the file any more.
  test::write_file (in, test::hex ("00"));
  for (const std::string &upstream : {source, std::string ()}) {
    std::string begin = upstream + tee;
    for (const std::string reader :
        {"qtdemux", "typefind ! qtdemux", "decodebin", "queue2 ! qtdemux"})
      fail_unless (run (begin + " ! " + reader + " ! " + sink_line) == expected,
          "%s", reader.c_str ());
    // Two of them; and one that is pushed to beside one that pulls.
    fail_unless (run (begin + " t. ! qtdemux ! fakesink sync=false t. ! " +
                      "decodebin ! " + sink_line) == expected);
    fail_unless (run (begin + " t. ! queue ! fakesink sync=false t. ! " +
                      "qtdemux ! " + sink_line) == expected);
    fail_unless (run (begin + " t. ! qtdemux ! fakesink sync=false t. ! " +
                      "queue ! " + sink_line) == file);
  }
}
GST_END_TEST;

// Its thread is in the middle of something.
GST_START_TEST (it_stops_while_it_is_pulled_from)
{
  TempDir temp;
  record (temp.path (), content ());
  Owned<GstElement> pipeline{gst_parse_launch (
      ("cachetee name=t cache-key=k pull-mode=single cache-dir=" +
          temp.path ().string () +
          " t. ! fakesink can-activate-pull=true can-activate-push=false "
          "sync=false t. ! fakesink sync=false")
          .c_str (),
      nullptr)};
  fail_unless (pipeline != nullptr);
  for (int i = 0; i < 30; i++) {
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    if (i % 3 == 0)
      gst_element_get_state (
          pipeline.get (), nullptr, nullptr, 10 * GST_SECOND);
    gst_element_set_state (
        pipeline.get (), i % 2 == 0 ? GST_STATE_READY : GST_STATE_NULL);
  }
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
}
GST_END_TEST;

static Suite *cachetee_pull_suite ()
{
  Suite *suite = suite_create ("cachetee-pull");
  TCase *tests = tcase_create ("general");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_is_whole_may_be_pulled);
  tcase_add_test (tests, several_pull_and_one_is_pushed_to);
  tcase_add_test (tests, who_pulls_before_it_runs_waits);
  tcase_add_test (tests, one_that_has_pulled_can_be_pushed_to);
  tcase_add_test (tests, demuxers_pull_from_several_branches);
  tcase_add_test (tests, it_stops_while_it_is_pulled_from);
  return suite;
}

GST_CHECK_MAIN (cachetee_pull);

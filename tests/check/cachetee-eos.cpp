// SPDX-License-Identifier: LGPL-2.1-or-later
// An application that has enough of what the cache serves, and sends an EOS.
#include <atomic>
#include <string>
#include <thread>

#include "branchrig.h"
#include "testutil.h"

namespace {

namespace fs = std::filesystem;
using branchrig::Rig;
using relay::Owned;
using test::TempDir;

void use (Rig &rig, const fs::path &dir)
{
  g_object_set (
      rig.tee (), "cache-dir", dir.c_str (), "cache-key", "k", nullptr);
}

constexpr std::size_t recorded = 20;
// One buffer, whether it is kept as a packet or as bytes.
constexpr std::size_t slice = 262144;

void record (const fs::path &dir, GstFormat format)
{
  Rig rig (1);
  use (rig, dir);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  rig.push (gst_event_new_stream_start ("s"));
  GstSegment segment;
  gst_segment_init (&segment, format);
  rig.push (gst_event_new_segment (&segment));
  for (std::size_t i = 0; i < recorded; i++)
    fail_unless (
        gst_pad_push (rig.source (),
            gst_buffer_new_allocate (nullptr, slice, nullptr)) == GST_FLOW_OK);
  rig.push (gst_event_new_eos ());
  gst_element_set_state (rig.tee (), GST_STATE_NULL);
  fail_unless_equals_uint64 (rig.count ("objects-stored"), 1);
}

struct Pipeline
{
  explicit Pipeline (const std::string &line)
      : element (gst_parse_launch (line.c_str (), nullptr))
  {
    fail_unless (element != nullptr, "%s", line.c_str ());
    Owned<GstElement> sink{
        gst_bin_get_by_name (GST_BIN (element.get ()), "sink")};
    auto count = +[] (GstElement *, GstBuffer *, GstPad *, gpointer data) {
      auto *number = static_cast<std::atomic<std::size_t> *> (data);
      (*number)++;
      number->notify_all ();
    };
    g_signal_connect (sink.get (), "handoff", G_CALLBACK (count), &taken);
  }
  ~Pipeline () { gst_element_set_state (element.get (), GST_STATE_NULL); }
  Pipeline (const Pipeline &) = delete;
  Pipeline &operator= (const Pipeline &) = delete;

  void wait_eos ()
  {
    Owned<GstMessage> message = test::wait_message (
        element.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (message != nullptr);
    if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS) return;
    gchar *debug = nullptr;
    gst_message_parse_error (message.get (), nullptr, &debug);
    ck_abort_msg ("%s", debug);
  }
  void pause ()
  {
    gst_element_set_state (element.get (), GST_STATE_PAUSED);
    fail_unless (gst_element_get_state (element.get (), nullptr, nullptr,
                     20 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
  }
  void wait_buffer () { taken.wait (0); }
  void play () { gst_element_set_state (element.get (), GST_STATE_PLAYING); }

  Owned<GstElement> element;
  std::atomic<std::size_t> taken = 0;
};

std::string source_line (const std::string &name = "s")
{
  return "fakesrc name=" + name +
         " num-buffers=20 sizetype=fixed sizemax=300000 format=bytes";
}

std::string tee_line (const TempDir &temp)
{
  return "cachetee name=t cache-key=k cache-dir=" +
         (temp.path () / "cache").string ();
}

const std::string sink_line =
    "fakesink name=sink sync=false signal-handoffs=true";

}  // namespace

GST_START_TEST (every_branch_ends_after_what_it_has)
{
  TempDir temp;
  record (temp.path (), static_cast<GstFormat> (__i__));
  Rig rig (2);
  use (rig, temp.path ());
  rig.add (false);
  for (std::size_t i : {std::size_t{0}, std::size_t{1}})
    rig.sink (i).block (true);
  for (int round = 0; round < 2; round++) {
    std::size_t before = rig.sink (0).buffers ();
    gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
    std::thread source ([&] {
      gst_pad_push_event (rig.source (), gst_event_new_stream_start ("s"));
    });
    for (std::size_t i : {std::size_t{0}, std::size_t{1}})
      fail_unless (rig.sink (i).wait_buffers (before + 1));
    if (round == 0)
      fail_unless (gst_element_send_event (rig.tee (), gst_event_new_eos ()));
    for (std::size_t i : {std::size_t{0}, std::size_t{1}})
      rig.sink (i).block (false);
    // It is let go.
    source.join ();
    for (std::size_t i : {std::size_t{0}, std::size_t{1}}) {
      fail_unless (rig.sink (i).wait_eos ());
      fail_unless_equals_uint64 (
          rig.sink (i).buffers (), round == 0 ? 1 : 1 + recorded);
    }
    if (round == 0) {
      // One that comes now has the beginning of a stream, and its end.
      rig.link (2);
      fail_unless (rig.sink (2).wait_eos ());
      fail_unless_equals_uint64 (rig.sink (2).buffers (), 0);
      fail_unless (rig.sink (2).events ().front () == "stream-start");
    }
    // In the next run it is served to the end.
    gst_element_set_state (rig.tee (), GST_STATE_READY);
  }
}
GST_END_TEST;

// In the middle of a hit the sink waits to play, and the source in its
// stream-start.
GST_START_TEST (a_pipeline_ends_in_the_middle_of_a_hit)
{
  const std::vector<std::string> upstreams{source_line () + " ! ",
      source_line () + " ! queue ! ", "( " + source_line () + " ) ! ", ""};
  for (const std::string &upstream : upstreams) {
    for (bool in_a_bin : {false, true}) {
      if (in_a_bin && upstream.empty ()) continue;
      TempDir temp;
      Pipeline miss (
          source_line () + " ! " + tee_line (temp) + " ! " + sink_line);
      miss.play ();
      miss.wait_eos ();
      fail_unless_equals_uint64 (miss.taken.load (), 20);
      gst_element_set_state (miss.element.get (), GST_STATE_NULL);

      std::string tee = tee_line (temp);
      if (in_a_bin) tee = "( " + tee + " ! queue max-size-buffers=1 )";
      Pipeline hit (upstream + tee + " ! " + sink_line);
      hit.pause ();
      // A bin tells its sink pad too, and what comes of that.
      bool taken =
          gst_element_send_event (hit.element.get (), gst_event_new_eos ());
      fail_unless (taken || in_a_bin, "%s", upstream.c_str ());
      hit.play ();
      hit.wait_eos ();
      fail_unless (hit.taken >= 1 && hit.taken < 15, "%s: %zu",
          upstream.c_str (), hit.taken.load ());
    }
  }
}
GST_END_TEST;

// There it comes from the source.
GST_START_TEST (on_a_miss_the_source_ends_it)
{
  TempDir temp;
  for (const std::string &tee :
      {tee_line (temp), std::string ("cachetee name=t")}) {
    Pipeline pipeline ("fakesrc sizetype=fixed sizemax=3000 format=bytes ! " +
                       tee + " ! " + sink_line);
    pipeline.play ();
    pipeline.wait_buffer ();
    fail_unless (
        gst_element_send_event (pipeline.element.get (), gst_event_new_eos ()));
    pipeline.wait_eos ();
  }
}
GST_END_TEST;

// What has no cache is a source as little as a tee is.
GST_START_TEST (it_is_a_source_when_it_may_have_something)
{
  Owned<GstElement> tee{GST_ELEMENT (
      gst_object_ref_sink (gst_element_factory_make ("cachetee", nullptr)))};
  auto is_source = [&tee] {
    return GST_OBJECT_FLAG_IS_SET (tee.get (), GST_ELEMENT_FLAG_SOURCE);
  };
  fail_if (is_source ());
  g_object_set (tee.get (), "cache-dir", "x", nullptr);
  fail_unless (is_source ());
  g_object_set (tee.get (), "cache-dir", nullptr, nullptr);
  fail_if (is_source ());
}
GST_END_TEST;

static Suite *cachetee_eos_suite ()
{
  Suite *suite = suite_create ("cachetee-eos");
  TCase *tests = tcase_create ("general");
  suite_add_tcase (suite, tests);
  tcase_add_loop_test (tests, every_branch_ends_after_what_it_has,
      GST_FORMAT_BYTES, GST_FORMAT_TIME + 1);
  tcase_add_test (tests, a_pipeline_ends_in_the_middle_of_a_hit);
  tcase_add_test (tests, on_a_miss_the_source_ends_it);
  tcase_add_test (tests, it_is_a_source_when_it_may_have_something);
  return suite;
}

GST_CHECK_MAIN (cachetee_eos);

// SPDX-License-Identifier: LGPL-2.1-or-later
// What the branches of cachetee are to each other: as in tee, and isolated.
#include <vector>

#include "branchrig.h"
#include "testutil.h"

namespace {

using branchrig::Rig;
using relay::Owned;

// The answer to ALLOCATION, or null.
Owned<GstQuery> ask (Rig &rig)
{
  Owned<GstCaps> caps{gst_caps_new_empty_simple ("test/x")};
  Owned<GstQuery> query{gst_query_new_allocation (caps.get (), TRUE)};
  Owned<GstPad> sinkpad = rig.sink_pad ();
  if (!gst_pad_query (sinkpad.get (), query.get ())) return nullptr;
  return query;
}

std::vector<GType> metas_of (GstQuery *query)
{
  std::vector<GType> out;
  for (guint i = 0; i < gst_query_get_n_allocation_metas (query); i++)
    out.push_back (gst_query_parse_nth_allocation_meta (query, i, nullptr));
  return out;
}

}  // namespace

GST_START_TEST (allocation_is_what_suits_all)
{
  const GType a = GST_PARENT_BUFFER_META_API_TYPE;
  const GType b = GST_PROTECTION_META_API_TYPE;
  const GType c = GST_REFERENCE_TIMESTAMP_META_API_TYPE;
  Rig rig (3);
  rig.sink (0).offer = {true, 100, 5, {{}, 63, 1, 8, {}}, {a, b, c}, {}};
  rig.sink (1).offer = {true, 300, 2, {{}, 15, 4, 2, {}}, {c, a}, {}};
  rig.sink (2).offer = {true, 200, 3, {{}, 7, 2, 16, {}}, {a}, {c}};
  Owned<GstQuery> query = ask (rig);
  fail_unless (query != nullptr);
  guint size = 0;
  guint least = 0;
  guint most = 1;
  GstBufferPool *pool = nullptr;
  assert_equals_int (
      static_cast<int> (gst_query_get_n_allocation_pools (query.get ())), 1);
  gst_query_parse_nth_allocation_pool (
      query.get (), 0, &pool, &size, &least, &most);
  fail_unless (pool == nullptr);
  // One more than the most that one wants.
  fail_unless (size == 300 && least == 6 && most == 0);
  GstAllocationParams params{};
  gst_query_parse_nth_allocation_param (query.get (), 0, nullptr, &params);
  fail_unless (
      params.align == 63 && params.prefix == 4 && params.padding == 16);
  fail_unless (metas_of (query.get ()) == std::vector<GType>{a});
}
GST_END_TEST;

GST_START_TEST (allocation_of_one_branch_is_its_own)
{
  const GType a = GST_PARENT_BUFFER_META_API_TYPE;
  Rig rig (1);
  rig.sink (0).offer = {true, 100, 5, {}, {}, {a}};
  Owned<GstQuery> query = ask (rig);
  fail_unless (query != nullptr);
  guint least = 0;
  gst_query_parse_nth_allocation_pool (
      query.get (), 0, nullptr, nullptr, &least, nullptr);
  assert_equals_int (static_cast<int> (least), 5);
  // Nothing but the defaults: not said.
  assert_equals_int (
      static_cast<int> (gst_query_get_n_allocation_params (query.get ())), 0);
  const GstStructure *with = nullptr;
  fail_unless (
      gst_query_parse_nth_allocation_meta (query.get (), 0, &with) == a);
  fail_unless (with != nullptr);
}
GST_END_TEST;

GST_START_TEST (allocation_fails_with_one_that_does)
{
  Rig rig (2);
  rig.sink (0).offer.metas = {GST_PROTECTION_META_API_TYPE};
  rig.sink (1).offer.answers = false;
  fail_unless (ask (rig) == nullptr);
  rig.sink (1).offer.answers = true;
  fail_unless (ask (rig) != nullptr);
  rig.add (false);
  fail_unless (ask (rig) != nullptr);
  g_object_set (rig.tee (), "allow-not-linked", FALSE, nullptr);
  fail_unless (ask (rig) == nullptr);
}
GST_END_TEST;

GST_START_TEST (last_message_tells_of_each_buffer)
{
  Rig rig (1);
  rig.play ();
  auto last = [&] {
    gchar *text = nullptr;
    g_object_get (rig.tee (), "last-message", &text, nullptr);
    return Owned<gchar> (text);
  };
  fail_unless (rig.push () == GST_FLOW_OK);
  fail_unless (last () == nullptr);
  unsigned notified = 0;
  auto count = +[] (GObject *, GParamSpec *, unsigned *n) { (*n)++; };
  g_signal_connect (
      rig.tee (), "notify::last-message", G_CALLBACK (count), &notified);
  g_object_set (rig.tee (), "silent", FALSE, nullptr);
  fail_unless (rig.push () == GST_FLOW_OK);
  Owned<gchar> text = last ();
  fail_unless (text != nullptr && strstr (text.get (), "(9 bytes") != nullptr);
  assert_equals_int (static_cast<int> (notified), 1);
}
GST_END_TEST;

GST_START_TEST (alloc_pad_is_one_of_ours)
{
  Rig rig (1);
  Owned<GstPad> other{
      GST_PAD (gst_object_ref_sink (gst_pad_new (nullptr, GST_PAD_SRC)))};
  auto set = [&] (GstPad *pad) {
    g_object_set (rig.tee (), "alloc-pad", pad, nullptr);
    GstPad *got = nullptr;
    g_object_get (rig.tee (), "alloc-pad", &got, nullptr);
    return Owned<GstPad> (got);
  };
  fail_unless (set (other.get ()) == nullptr);
  fail_unless (set (rig.src (0)).get () == rig.src (0));
  Owned<GstPad> pad{gst_element_request_pad_simple (rig.tee (), "src_%u")};
  fail_unless (set (pad.get ()) == pad);
  gst_element_release_request_pad (rig.tee (), pad.get ());
  GstPad *left = nullptr;
  g_object_get (rig.tee (), "alloc-pad", &left, nullptr);
  fail_unless (left == nullptr);
}
GST_END_TEST;

GST_START_TEST (a_fatal_branch_stops_all)
{
  for (GstFlowReturn flow : {GST_FLOW_ERROR, GST_FLOW_EOS}) {
    Rig rig (2);
    rig.play ();
    rig.sink (0).set_flow (flow);
    fail_unless (rig.push () == flow);
    assert_equals_uint64 (rig.sink (1).buffers (), 0);
    assert_equals_uint64 (rig.count ("branches-isolated"), 0);
  }
}
GST_END_TEST;

GST_START_TEST (an_isolated_branch_stops_nobody)
{
  for (GstFlowReturn flow : {GST_FLOW_ERROR, GST_FLOW_EOS, GST_FLOW_FLUSHING,
           GST_FLOW_NOT_NEGOTIATED}) {
    Rig rig (3);
    g_object_set (rig.tee (), "branch-error", 1, nullptr);
    rig.play ();
    fail_unless (rig.push () == GST_FLOW_OK);
    rig.sink (1).set_flow (flow);
    fail_unless (rig.push () == GST_FLOW_OK);
    fail_unless (rig.push () == GST_FLOW_OK);
    assert_equals_uint64 (rig.sink (0).buffers (), 3);
    // The one that it refused is its last.
    assert_equals_uint64 (rig.sink (1).buffers (), 2);
    assert_equals_uint64 (rig.sink (2).buffers (), 3);
    assert_equals_uint64 (rig.count ("branches-isolated"), 1);
    Owned<GstMessage> message = rig.message ("cachetee-branch");
    fail_unless (message != nullptr);
    const GstStructure *fields = gst_message_get_structure (message.get ());
    assert_equals_string (gst_structure_get_string (fields, "pad"), "src_1");
    assert_equals_string (
        gst_structure_get_string (fields, "flow"), gst_flow_get_name (flow));
    fail_unless (rig.message ("cachetee-branch") == nullptr);
  }
}
GST_END_TEST;

GST_START_TEST (when_all_are_isolated_upstream_stops)
{
  Rig rig (2);
  g_object_set (rig.tee (), "branch-error", 1, nullptr);
  rig.play ();
  rig.sink (0).set_flow (GST_FLOW_EOS);
  fail_unless (rig.push () == GST_FLOW_OK);
  rig.sink (1).set_flow (GST_FLOW_EOS);
  fail_unless (rig.push () == GST_FLOW_EOS);
  fail_unless (rig.push () == GST_FLOW_EOS);
  // A failure is worse than an end.
  Rig other (2);
  g_object_set (other.tee (), "branch-error", 1, nullptr);
  other.play ();
  other.sink (0).set_flow (GST_FLOW_ERROR);
  other.sink (1).set_flow (GST_FLOW_EOS);
  fail_unless (other.push () == GST_FLOW_ERROR);
}
GST_END_TEST;

GST_START_TEST (an_isolated_branch_comes_back)
{
  Rig rig (2);
  g_object_set (rig.tee (), "branch-error", 1, nullptr);
  rig.play ();
  rig.sink (1).set_flow (GST_FLOW_ERROR);
  fail_unless (rig.push () == GST_FLOW_OK);
  rig.sink (1).set_flow (GST_FLOW_OK);
  fail_unless (rig.push () == GST_FLOW_OK);
  assert_equals_uint64 (rig.sink (1).buffers (), 1);
  // By another link,
  fail_unless (gst_pad_unlink (rig.src (1), rig.sink (1).pad ()));
  fail_unless (
      gst_pad_link (rig.src (1), rig.sink (1).pad ()) == GST_PAD_LINK_OK);
  fail_unless (rig.push () == GST_FLOW_OK);
  assert_equals_uint64 (rig.sink (1).buffers (), 2);
  // or by a flush.
  rig.sink (1).set_flow (GST_FLOW_ERROR);
  fail_unless (rig.push () == GST_FLOW_OK);
  rig.sink (1).set_flow (GST_FLOW_OK);
  rig.push (gst_event_new_flush_start ());
  rig.push (gst_event_new_flush_stop (TRUE));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  rig.push (gst_event_new_segment (&segment));
  fail_unless (rig.push () == GST_FLOW_OK);
  assert_equals_uint64 (rig.sink (1).buffers (), 4);
  rig.push (gst_event_new_eos ());
  fail_unless (rig.sink (0).has_eos () && rig.sink (1).has_eos ());
}
GST_END_TEST;

static Suite *cachetee_branches_suite (void)
{
  Suite *suite = suite_create ("cachetee-branches");
  TCase *tests = tcase_create ("cachetee-branches");
  tcase_add_test (tests, allocation_is_what_suits_all);
  tcase_add_test (tests, allocation_of_one_branch_is_its_own);
  tcase_add_test (tests, allocation_fails_with_one_that_does);
  tcase_add_test (tests, last_message_tells_of_each_buffer);
  tcase_add_test (tests, alloc_pad_is_one_of_ours);
  tcase_add_test (tests, a_fatal_branch_stops_all);
  tcase_add_test (tests, an_isolated_branch_stops_nobody);
  tcase_add_test (tests, when_all_are_isolated_upstream_stops);
  tcase_add_test (tests, an_isolated_branch_comes_back);
  suite_add_tcase (suite, tests);
  return suite;
}

GST_CHECK_MAIN (cachetee_branches);

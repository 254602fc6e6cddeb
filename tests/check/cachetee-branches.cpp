// SPDX-License-Identifier: LGPL-2.1-or-later
// What the branches of cachetee are to each other: as in tee, and isolated.
#include <memory>
#include <mutex>
#include <vector>

#include "testutil.h"

namespace {

using relay::Owned;

GstStaticPadTemplate any_sink = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

// What is proposed for ALLOCATION.
struct Offer
{
  bool answers = true;
  guint size = 0;
  guint buffers = 0;
  GstAllocationParams params{};
  std::vector<GType> metas;
  // These with a parameter.
  std::vector<GType> special;
};

class Sink
{
public:
  Sink ()
      : pad_ (GST_PAD (gst_object_ref_sink (
            gst_pad_new_from_static_template (&any_sink, nullptr))))
  {
    gst_pad_set_element_private (pad_.get (), this);
    gst_pad_set_chain_function (pad_.get (), chain);
    gst_pad_set_event_function (pad_.get (), event);
    gst_pad_set_query_function (pad_.get (), query);
    gst_pad_set_active (pad_.get (), TRUE);
  }
  ~Sink () { gst_pad_set_active (pad_.get (), FALSE); }
  Sink (const Sink &) = delete;
  Sink &operator= (const Sink &) = delete;

  GstPad *pad () { return pad_.get (); }
  void set_flow (GstFlowReturn flow)
  {
    std::lock_guard guard (mutex_);
    flow_ = flow;
  }
  std::size_t buffers ()
  {
    std::lock_guard guard (mutex_);
    return buffers_;
  }
  bool has_eos ()
  {
    std::lock_guard guard (mutex_);
    return eos_;
  }
  Offer offer;

private:
  static Sink *of (GstPad *pad)
  {
    return static_cast<Sink *> (gst_pad_get_element_private (pad));
  }
  static GstFlowReturn chain (GstPad *pad, GstObject *, GstBuffer *raw)
  {
    Owned<GstBuffer> buffer{raw};
    Sink *self = of (pad);
    std::lock_guard guard (self->mutex_);
    self->buffers_++;
    return self->flow_;
  }
  static gboolean event (GstPad *pad, GstObject *, GstEvent *raw)
  {
    Owned<GstEvent> event{raw};
    Sink *self = of (pad);
    std::lock_guard guard (self->mutex_);
    if (GST_EVENT_TYPE (raw) == GST_EVENT_EOS) self->eos_ = true;
    return TRUE;
  }
  static gboolean query (GstPad *pad, GstObject *parent, GstQuery *query)
  {
    if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
      return gst_pad_query_default (pad, parent, query);
    const Offer &offer = of (pad)->offer;
    if (!offer.answers) return FALSE;
    if (offer.size != 0)
      gst_query_add_allocation_pool (
          query, nullptr, offer.size, offer.buffers, 7);
    gst_query_add_allocation_param (query, nullptr, &offer.params);
    for (GType api : offer.metas)
      gst_query_add_allocation_meta (query, api, nullptr);
    for (GType api : offer.special) {
      Owned<GstStructure> with{gst_structure_new_empty ("test/with")};
      gst_query_add_allocation_meta (query, api, with.get ());
    }
    return TRUE;
  }

  Owned<GstPad> pad_;
  std::mutex mutex_;
  std::size_t buffers_ = 0;
  bool eos_ = false;
  GstFlowReturn flow_ = GST_FLOW_OK;
};

// A cachetee that plays, with a source pad of ours.
class Rig
{
public:
  explicit Rig (std::size_t branches)
      : tee_ (GST_ELEMENT (gst_object_ref_sink (
            gst_element_factory_make ("cachetee", nullptr)))),
        bus_ (gst_bus_new ()),
        source_ (
            GST_PAD (gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC))))
  {
    gst_element_set_bus (tee_.get (), bus_.get ());
    gst_pad_set_active (source_.get (), TRUE);
    Owned<GstPad> sinkpad = sink_pad ();
    fail_unless (
        gst_pad_link (source_.get (), sinkpad.get ()) == GST_PAD_LINK_OK);
    for (std::size_t i = 0; i < branches; i++) add ();
  }
  ~Rig ()
  {
    gst_element_set_state (tee_.get (), GST_STATE_NULL);
    for (Branch &branch : branches_) {
      gst_pad_unlink (branch.pad.get (), branch.sink->pad ());
      gst_element_release_request_pad (tee_.get (), branch.pad.get ());
    }
    Owned<GstPad> sinkpad = sink_pad ();
    gst_pad_unlink (source_.get (), sinkpad.get ());
    gst_pad_set_active (source_.get (), FALSE);
    gst_element_set_bus (tee_.get (), nullptr);
  }
  Rig (const Rig &) = delete;
  Rig &operator= (const Rig &) = delete;

  GstElement *tee () { return tee_.get (); }
  GstPad *src (std::size_t i) { return branches_[i].pad.get (); }
  Sink &sink (std::size_t i) { return *branches_[i].sink; }
  Owned<GstPad> sink_pad ()
  {
    return Owned<GstPad> (gst_element_get_static_pad (tee_.get (), "sink"));
  }
  Sink &add (bool linked = true)
  {
    Branch branch;
    branch.pad.reset (gst_element_request_pad_simple (tee_.get (), "src_%u"));
    branch.sink = std::make_unique<Sink> ();
    if (linked) gst_pad_link (branch.pad.get (), branch.sink->pad ());
    branches_.push_back (std::move (branch));
    return *branches_.back ().sink;
  }
  void play ()
  {
    gst_element_set_state (tee_.get (), GST_STATE_PLAYING);
    gst_pad_push_event (source_.get (), gst_event_new_stream_start ("test"));
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_BYTES);
    gst_pad_push_event (source_.get (), gst_event_new_segment (&segment));
  }
  GstFlowReturn push ()
  {
    return gst_pad_push (
        source_.get (), gst_buffer_new_allocate (nullptr, 9, nullptr));
  }
  bool push (GstEvent *event)
  {
    return gst_pad_push_event (source_.get (), event);
  }
  Owned<GstMessage> message (const char *name)
  {
    while (Owned<GstMessage> message{gst_bus_pop (bus_.get ())})
      if (gst_message_has_name (message.get (), name)) return message;
    return nullptr;
  }
  guint64 count (const char *field)
  {
    GstStructure *all = nullptr;
    g_object_get (tee_.get (), "stats", &all, nullptr);
    Owned<GstStructure> stats{all};
    guint64 value = 0;
    fail_unless (gst_structure_get_uint64 (all, field, &value));
    return value;
  }

private:
  struct Branch
  {
    Owned<GstPad> pad;
    std::unique_ptr<Sink> sink;
  };
  Owned<GstElement> tee_;
  Owned<GstBus> bus_;
  Owned<GstPad> source_;
  std::vector<Branch> branches_;
};

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

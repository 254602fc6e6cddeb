// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "testutil.h"

// A cachetee between pads of ours.
namespace branchrig {

using relay::Owned;

inline GstStaticPadTemplate any_sink = GST_STATIC_PAD_TEMPLATE (
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
  ~Sink ()
  {
    block (false);
    gst_pad_set_active (pad_.get (), FALSE);
  }
  Sink (const Sink &) = delete;
  Sink &operator= (const Sink &) = delete;

  GstPad *pad () { return pad_.get (); }
  void set_flow (GstFlowReturn flow)
  {
    std::lock_guard guard (mutex_);
    flow_ = flow;
  }
  void block (bool on)
  {
    std::lock_guard guard (mutex_);
    blocked_ = on;
    hold_at_ = 0;
    changed_.notify_all ();
  }
  // The buffer with this number, counted from 1, waits here.
  void hold_at (std::size_t number)
  {
    std::lock_guard guard (mutex_);
    hold_at_ = number;
  }
  bool wait (const std::function<bool ()> &condition)
  {
    std::unique_lock lock (mutex_);
    return changed_.wait_for (lock, std::chrono::seconds (20), condition);
  }
  bool wait_buffers (std::size_t count)
  {
    return wait ([this, count] { return buffers_ >= count; });
  }
  bool wait_eos ()
  {
    return wait ([this] { return eos_; });
  }
  // The buffers' offsets.
  std::vector<guint64> offsets ()
  {
    std::lock_guard guard (mutex_);
    return offsets_;
  }
  // Of the first buffer.
  bool discont ()
  {
    std::lock_guard guard (mutex_);
    return discont_;
  }
  GstClockTime running_time ()
  {
    std::lock_guard guard (mutex_);
    return running_time_;
  }
  // Of all buffers.
  std::vector<GstClockTime> running_times ()
  {
    std::lock_guard guard (mutex_);
    return running_times_;
  }
  // Of the sticky events.
  std::vector<std::string> events ()
  {
    std::lock_guard guard (mutex_);
    return events_;
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
    std::unique_lock lock (self->mutex_);
    GstClockTime time = GST_CLOCK_TIME_NONE;
    if (self->segment_.format == GST_FORMAT_TIME)
      time = gst_segment_to_running_time (
          &self->segment_, GST_FORMAT_TIME, GST_BUFFER_PTS (raw));
    self->running_times_.push_back (time);
    if (self->buffers_++ == 0) {
      self->discont_ = GST_BUFFER_FLAG_IS_SET (raw, GST_BUFFER_FLAG_DISCONT);
      self->running_time_ = time;
    }
    self->offsets_.push_back (GST_BUFFER_OFFSET (raw));
    self->changed_.notify_all ();
    self->changed_.wait (lock, [self] {
      return !self->blocked_ &&
             (self->hold_at_ == 0 || self->buffers_ < self->hold_at_);
    });
    return self->flow_;
  }
  static gboolean event (GstPad *pad, GstObject *, GstEvent *raw)
  {
    Owned<GstEvent> event{raw};
    Sink *self = of (pad);
    std::lock_guard guard (self->mutex_);
    if (GST_EVENT_TYPE (raw) == GST_EVENT_EOS) self->eos_ = true;
    if (GST_EVENT_TYPE (raw) == GST_EVENT_SEGMENT)
      gst_event_copy_segment (raw, &self->segment_);
    if (GST_EVENT_TYPE (raw) == GST_EVENT_CAPS) {
      GstCaps *caps = nullptr;
      gst_event_parse_caps (raw, &caps);
      Owned<gchar> text{gst_caps_to_string (caps)};
      self->events_.emplace_back (text.get ());
    } else if (GST_EVENT_TYPE (raw) != GST_EVENT_RECONFIGURE) {
      self->events_.emplace_back (GST_EVENT_TYPE_NAME (raw));
    }
    self->changed_.notify_all ();
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
  std::condition_variable changed_;
  std::vector<guint64> offsets_;
  std::vector<std::string> events_;
  GstSegment segment_{};
  std::vector<GstClockTime> running_times_;
  GstClockTime running_time_ = GST_CLOCK_TIME_NONE;
  std::size_t buffers_ = 0;
  bool eos_ = false;
  bool blocked_ = false;
  std::size_t hold_at_ = 0;
  bool discont_ = false;
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
    for (Branch &branch : branches_) branch.sink->block (false);
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
  GstPad *source () { return source_.get (); }
  void link (std::size_t i)
  {
    fail_unless (gst_pad_link (branches_[i].pad.get (),
                     branches_[i].sink->pad ()) == GST_PAD_LINK_OK);
  }
  void play (GstFormat format = GST_FORMAT_BYTES)
  {
    gst_element_set_state (tee_.get (), GST_STATE_PLAYING);
    gst_pad_push_event (source_.get (), gst_event_new_stream_start ("test"));
    GstSegment segment;
    gst_segment_init (&segment, format);
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

}  // namespace branchrig

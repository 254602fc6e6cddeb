// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachelate.h"

#include <algorithm>
#include <utility>

namespace cachelate {

using cachebranch::Branch;
using cachebranch::List;
using cachesettings::LateTiming;
using cachesettings::SlowBranch;
using relay::Owned;
using relay::share;

backlog::Facts facts_of (GstEvent *event)
{
  GstEventType type = GST_EVENT_TYPE (event);
  backlog::Facts facts;
  facts.event = true;
  facts.resets = type == GST_EVENT_STREAM_START;
  facts.flushes = type == GST_EVENT_SEGMENT || type == GST_EVENT_EOS;
  if (!cachebranch::has_flag (event, GST_EVENT_TYPE_STICKY)) return facts;
  // In the order in which they are to come. Of some types there are several, by
  // name.
  guint32 name = 0;
  if (cachebranch::has_flag (event, GST_EVENT_TYPE_STICKY_MULTI) &&
      gst_event_get_structure (event) != nullptr)
    name = gst_structure_get_name_id (gst_event_get_structure (event));
  constexpr guint32 name_bits = 20;
  facts.slot = (static_cast<guint32> (type) >> GST_EVENT_NUM_SHIFT)
                   << name_bits |
               (name & ((1U << name_bits) - 1));
  return facts;
}

backlog::Facts facts_of (GstBuffer *buffer, const GstSegment &segment)
{
  backlog::Facts facts;
  facts.bytes = gst_buffer_get_size (buffer);
  facts.header = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER);
  facts.keyframe = !facts.header &&
                   !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  GstClockTime time = GST_BUFFER_DTS_OR_PTS (buffer);
  if (segment.format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID (time))
    facts.time = gst_segment_to_running_time (&segment, GST_FORMAT_TIME, time);
  return facts;
}

std::vector<std::shared_ptr<GstMiniObject>> stream_headers (GstEvent *event)
{
  std::vector<std::shared_ptr<GstMiniObject>> headers;
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS) return headers;
  GstCaps *caps = nullptr;
  gst_event_parse_caps (event, &caps);
  const GValue *list = gst_structure_get_value (
      gst_caps_get_structure (caps, 0), "streamheader");
  if (list == nullptr || !GST_VALUE_HOLDS_ARRAY (list)) return headers;
  for (guint i = 0; i < gst_value_array_get_size (list); i++) {
    GstBuffer *buffer =
        gst_value_get_buffer (gst_value_array_get_value (list, i));
    if (buffer == nullptr) continue;
    Owned<GstBuffer> header{gst_buffer_copy (buffer)};
    GST_BUFFER_FLAG_SET (header.get (), GST_BUFFER_FLAG_HEADER);
    headers.push_back (item_of (std::move (header)));
  }
  return headers;
}

void push_held (GstPad *pad, const std::vector<GstEvent *> &held)
{
  for (GstEvent *event : held) gst_pad_store_sticky_event (pad, event);
  for (GstEvent *event : held) gst_pad_push_event (pad, gst_event_ref (event));
}

void Late::start (const cachesettings::Settings &settings)
{
  bool on = settings.late_join.value_or (backlog::Start::live) !=
                backlog::Start::live ||
            settings.slow_branch == SlowBranch::demote;
  failure_ = GST_FLOW_OK;
  on_ = on;
  if (!on) return;
  std::shared_ptr<const List> branches = branches_.list ();
  auto state = state_.lock ();
  state->log = std::make_unique<Log> (
      backlog::Bound{settings.log_bytes, settings.log_time});
  state->live = std::make_shared<const List> ();
  state->settings = settings;
  gst_segment_init (&state->segment, GST_FORMAT_UNDEFINED);
  state->flushing = false;
  state->stopped = false;
  for (const std::shared_ptr<Branch> &branch : *branches) {
    branch->live = false;
    branch->joins = false;
    branch->early = gst_pad_is_linked (branch->pad.get ());
  }
}

void Late::stop ()
{
  state_.lock ()->stopped = true;
  changed_.notify_all ();
}

void Late::clear ()
{
  on_ = false;
  auto state = state_.lock ();
  state->log = nullptr;
  state->live = std::make_shared<const List> ();
}

void Late::add (Branch &branch)
{
  if (on_) branch.live = false;
}

void Late::remove (Branch &branch)
{
  auto state = state_.lock ();
  auto left = std::make_shared<List> (*state->live);
  std::erase_if (
      *left, [&] (const auto &other) { return other.get () == &branch; });
  state->live = std::move (left);
  changed_.notify_all ();
}

void Late::serve (const std::shared_ptr<Branch> &branch)
{
  if (!on_ || branch->live || branch->joins.exchange (true)) return;
  bool started = gst_pad_is_linked (branch->pad.get ()) &&
                 workers_.start (branch, gst_util_seqnum_next (),
                     [this, branch] (Branch &) { run (branch); });
  if (!started) branch->joins = false;
}

// ---- Upstream's thread -----------------------------------------------------

void Late::put (State &state, GstBuffer *buffer)
{
  // A pool may have no other.
  Owned<GstBuffer> kept = buffer->pool != nullptr
                              ? Owned<GstBuffer> (gst_buffer_copy_deep (buffer))
                              : share (buffer);
  state.log->append (
      facts_of (buffer, state.segment), item_of (std::move (kept)));
}

std::shared_ptr<const List> Late::append (GstBuffer *buffer)
{
  auto state = state_.lock ();
  put (*state, buffer);
  changed_.notify_all ();
  return state->live;
}

std::shared_ptr<const List> Late::append (GstBufferList *list)
{
  auto state = state_.lock ();
  for (guint i = 0; i < gst_buffer_list_length (list); i++)
    put (*state, gst_buffer_list_get (list, i));
  changed_.notify_all ();
  return state->live;
}

std::shared_ptr<const List> Late::append (GstEvent *event)
{
  auto state = state_.lock ();
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_event_copy_segment (event, &state->segment);
  state->log->append (facts_of (event), item_of (share (event)));
  changed_.notify_all ();
  return state->live;
}

void Late::flush (bool starts)
{
  auto state = state_.lock ();
  if (state->log == nullptr) return;
  if (starts) {
    state->epoch++;
    state->flushing = true;
    state->log->flush ();
  } else {
    state.wait (
        changed_, [] (const State &s) { return s.stopped || s.pushing == 0; });
    state->flushing = false;
    failure_ = GST_FLOW_OK;
  }
  changed_.notify_all ();
}

// ---- A branch's thread -----------------------------------------------------

// So that the first data comes now, as the newest does.
void Late::rebase (const State &state, Reader &reader)
{
  if (state.settings.late_timing != LateTiming::rebase) return;
  reader.offset = 0;
  for (std::uint64_t at = reader.number; at < state.log->head (); at++) {
    const backlog::Facts &facts = state.log->at (at).facts;
    if (facts.event || facts.time == backlog::no_time) continue;
    reader.offset = static_cast<gint64> (*state.log->newest () - facts.time);
    return;
  }
}

void Late::begin (const State &state, Reader &reader, backlog::Start start)
{
  const cachesettings::Settings &settings = state.settings;
  Log::Place place =
      state.log->start (start, {settings.burst_bytes, settings.burst_time});
  reader.begun = true;
  // From the very beginning it is as it was.
  reader.discont = place.number != 0;
  reader.number = place.number;
  reader.epoch = state.epoch;
  reader.waits = place.waits;
  reader.held = std::move (place.held);
  reader.headers = std::move (place.headers);
  bool begins_with_header = reader.number < state.log->head () &&
                            state.log->at (reader.number).facts.header;
  if (!reader.discont || !reader.headers.empty () || begins_with_header) return;
  // For a stream whose headers have passed.
  for (const Item &item : reader.held)
    for (Item &header : stream_headers (GST_EVENT_CAST (item.get ())))
      reader.headers.push_back (std::move (header));
}

void Late::begin_first (const State &state, Branch &branch, Reader &reader)
{
  if (branch.early.exchange (false)) {
    begin (state, reader, backlog::Start::beginning);
    return;
  }
  begin (
      state, reader, state.settings.late_join.value_or (backlog::Start::live));
  rebase (state, reader);
  reader.fast = state.settings.late_timing == LateTiming::fast_forward;
}

// Data that one in a hurry leaves out. What it does not is of now; from the
// latest keyframe on the time is what it was.
bool Late::is_skipped (const State &state, Reader &reader)
{
  std::optional<std::uint64_t> latest = state.log->latest_keyframe ();
  if (!reader.fast) return false;
  if (!latest || *latest <= reader.number) {
    reader.fast = false;
    reader.offset = 0;
    return false;
  }
  const backlog::Facts &facts = state.log->at (reader.number).facts;
  if (!facts.keyframe) return true;
  reader.discont = true;
  if (facts.time != backlog::no_time)
    reader.offset = static_cast<gint64> (*state.log->newest () - facts.time);
  return false;
}

// Behind the head of the log; those that upstream feeds are not.
void Late::describe (GstStructure *stats)
{
  std::shared_ptr<const List> branches = branches_.list ();
  GValue list = G_VALUE_INIT;
  gst_value_array_init (&list, static_cast<guint> (branches->size ()));
  for (const std::shared_ptr<Branch> &branch : *branches) {
    guint64 items = 0;
    guint64 bytes = 0;
    if (!branch->live && branch->joins) {
      auto state = state_.lock ();
      if (state->log != nullptr) {
        guint64 number =
            std::max<guint64> (branch->number.load (), state->log->first ());
        items = state->log->head () - std::min (number, state->log->head ());
        bytes = state->log->bytes_from (number);
      }
    }
    Owned<gchar> name{gst_pad_get_name (branch->pad.get ())};
    GValue one = G_VALUE_INIT;
    g_value_init (&one, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&one,
        gst_structure_new ("branch", "pad", G_TYPE_STRING, name.get (), "live",
            G_TYPE_BOOLEAN, gboolean{branch->live}, "lag-items", G_TYPE_UINT64,
            items, "lag-bytes", G_TYPE_UINT64, bytes, nullptr));
    gst_value_array_append_and_take_value (&list, &one);
  }
  gst_structure_take_value (stats, "branches", &list);
}

// What is to be pushed next. At the head of the log the branch is live from
// there on.
Late::Step Late::next (
    const std::shared_ptr<Branch> &branch, Reader &reader, Item &item)
{
  auto state = state_.lock ();
  while (true) {
    if (state->stopped || branch->removed) return Step::over;
    if (!state->flushing) {
      if (!reader.begun)
        begin_first (*state, *branch, reader);
      else if (reader.epoch != state->epoch)
        begin (*state, reader, backlog::Start::beginning);
      if (reader.number < state->log->first ()) {
        report_.counters.branches_lapped++;
        begin (*state, reader, backlog::Start::beginning);
      }
      branch->number = reader.number;
      if (!reader.held.empty ()) break;
      if (reader.number < state->log->head ()) {
        const Log::Entry &entry = state->log->at (reader.number);
        if (!entry.facts.event && !entry.facts.header &&
            is_skipped (*state, reader)) {
          reader.discont = true;
          branch->number = ++reader.number;
          continue;
        }
        item = entry.item;
        branch->number = ++reader.number;
        bool is_data = !entry.facts.event;
        if (!is_data || !reader.waits) break;
        // One that waits for a keyframe takes no data but headers before it.
        if (entry.facts.header) break;
        if (!entry.facts.keyframe) continue;
        reader.waits = false;
        break;
      }
      if (!reader.waits && state->settings.slow_branch != SlowBranch::demote) {
        auto live = std::make_shared<List> (*state->live);
        live->push_back (branch);
        state->live = std::move (live);
        branch->live = true;
        return Step::over;
      }
    }
    state.wait (changed_, [&] (const State &s) {
      return s.stopped || branch->removed ||
             (!s.flushing &&
                 (reader.epoch != s.epoch || reader.number < s.log->head ()));
    });
  }
  state->pushing++;
  return Step::push;
}

// What holds at the start.
void Late::push_before (GstPad *pad, Reader &reader)
{
  std::vector<GstEvent *> events;
  for (const Item &item : reader.held)
    events.push_back (GST_EVENT_CAST (item.get ()));
  push_held (pad, events);
  reader.held.clear ();
}

GstFlowReturn Late::push (GstPad *pad, Reader &reader, Item item)
{
  if (reader.offset)
    gst_pad_set_offset (pad, *std::exchange (reader.offset, std::nullopt));
  if (item == nullptr) {
    push_before (pad, reader);
    return GST_FLOW_OK;
  }
  if (GST_IS_EVENT (item.get ())) {
    gst_pad_push_event (pad, gst_event_ref (GST_EVENT_CAST (item.get ())));
    return GST_FLOW_OK;
  }
  std::vector<Item> headers = std::move (reader.headers);
  reader.headers.clear ();
  headers.push_back (std::move (item));
  for (const Item &next : headers) {
    Owned<GstBuffer> buffer = share (GST_BUFFER_CAST (next.get ()));
    if (std::exchange (reader.discont, false)) {
      buffer.reset (gst_buffer_make_writable (buffer.release ()));
      GST_BUFFER_FLAG_SET (buffer.get (), GST_BUFFER_FLAG_DISCONT);
    }
    gsize size = gst_buffer_get_size (buffer.get ());
    report_.pushes ();
    GstFlowReturn flow = gst_pad_push (pad, buffer.release ());
    if (flow != GST_FLOW_OK) return flow;
    report_.counters.bytes_sent += size;
  }
  return GST_FLOW_OK;
}

void Late::leave_out (Branch &branch, GstFlowReturn flow)
{
  branch.flow = flow;
  if (switches_.isolate)
    report_.isolated (branch.pad.get (), flow);
  else
    failure_ = flow;
}

// With no peer it waits for another link than those it has had, and starts as
// one that comes then.
void Late::run (const std::shared_ptr<Branch> &branch)
{
  constexpr unsigned any = ~0U;
  unsigned no_peer = any;
  Reader reader;
  readers_++;
  while (junction_.may_play (*branch, 0, false, no_peer)) {
    unsigned links = junction_.links (*branch);
    no_peer = links;
    if (!gst_pad_is_linked (branch->pad.get ())) continue;
    no_peer = any;
    Item item;
    if (next (branch, reader, item) != Step::push) break;
    GstFlowReturn flow = push (branch->pad.get (), reader, std::move (item));
    bool flushed = false;
    {
      auto state = state_.lock ();
      state->pushing--;
      flushed = reader.epoch != state->epoch;
    }
    changed_.notify_all ();
    if (flow == GST_FLOW_OK || flushed) continue;
    if (flow == GST_FLOW_NOT_LINKED) {
      reader = {};
      no_peer = links;
      continue;
    }
    if (!branch->removed) leave_out (*branch, flow);
    break;
  }
  readers_--;
  branch->joins = false;
}

}  // namespace cachelate

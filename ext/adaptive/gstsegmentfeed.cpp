// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstsegmentfeed.h"

#include <algorithm>
#include <utility>

using presentation::Time;
using relay::Owned;
using Kind = SegmentItem::Kind;

// A push that takes longer is one that waits.
static constexpr std::chrono::milliseconds patience{40};

SegmentFeed::SegmentFeed (const Common &common,
    std::span<const timeline::Stretch> track, AdaptiveSwitch &chooser,
    Itinerary itinerary)
    : common_ (common),
      source_ (common.access, track, chooser, std::move (itinerary),
          cancellable_.get (), this)
{
  common_.lanes->lock ()->all.push_back (&lane_);
}

// All workers, who may be waiting for others to catch up.
static void wake (SegmentFeed::Lanes::Access &lanes)
{
  for (SegmentLane *lane : lanes->all) lane->for_worker.notify_all ();
}

SegmentFeed::~SegmentFeed ()
{
  cancel ();
  {
    auto lanes = common_.lanes->lock ();
    lane_.stopping = true;
    lane_.for_worker.notify_all ();
    std::erase (lanes->all, &lane_);
    wake (lanes);
  }
  if (worker_.joinable ()) worker_.join ();
  for (const SegmentItem &item : lane_.queue)
    if (item.buffer)
      common_.counters->bytes_wasted +=
          gst_buffer_get_size (item.buffer.get ());
}

void SegmentFeed::cancel ()
{
  {
    auto lanes = common_.lanes->lock ();
    lane_.is_cancelled = true;
    settle (lanes);
  }
  g_cancellable_cancel (cancellable_.get ());
}

SegmentFeed::Marks SegmentFeed::marks ()
{
  auto lanes = common_.lanes->lock ();
  return {lane_.sending, lane_.whole};
}

// ---- Levels ----------------------------------------------------------------

static presentation::Time end_of (
    const std::shared_ptr<const SegmentMark> &mark)
{
  return mark ? mark->running.end : 0;
}

static std::uint64_t number_of (const std::shared_ptr<const SegmentMark> &mark)
{
  return mark ? mark->number : 0;
}

// Brings the state up to date, for whoever decides by it.
void SegmentFeed::settle (Lanes::Access &lanes)
{
  ahead::Lane &state = lane_.state;
  state.is_active =
      lane_.is_started && !lane_.is_cancelled && !lane_.ended && !lane_.problem;
  std::uint64_t sending = number_of (lane_.sending);
  std::uint64_t whole = std::max (sending, number_of (lane_.whole));
  state.segments = static_cast<unsigned> (number_of (lane_.begun) - sending);
  state.whole = static_cast<unsigned> (whole - sending);
  state.sent = end_of (lane_.sending);
  state.fetched = end_of (lane_.begun);
  state.there = end_of (lane_.whole);
  wake (lanes);
}

// What there is to play, the segment that is being sent included, and as much
// of it as there may be.
AdaptiveSwitch::Level SegmentFeed::level_of (const ahead::Limits &limits) const
{
  AdaptiveSwitch::Level out;
  if (!lane_.sending || limits.segments == 0) return out;
  const timeline::Span &sending = lane_.sending->running;
  Time there = std::max (end_of (lane_.whole), sending.begin);
  out.buffer = there - sending.begin;
  Time length = sending.end - sending.begin;
  out.full = limits.time > 0 ? limits.time : presentation::max_time;
  if (length > 0 && out.full / length > limits.segments)
    out.full = length * limits.segments;
  return out;
}

// The percentage to be reported, if it is another one. An application is told
// to wait when nothing is there, and then until all that is wanted is.
std::optional<int> SegmentFeed::level (Lanes::Access &lanes, bool runs_dry)
{
  if (!lanes->reports || lanes->limits.segments == 0) return std::nullopt;
  if (runs_dry) lanes->is_buffering = true;
  if (!lanes->is_buffering) return std::nullopt;
  std::vector<ahead::Lane> states;
  for (const SegmentLane *lane : lanes->all) states.push_back (lane->state);
  int percent = ahead::percent (lanes->limits, states);
  if (percent == lanes->percent) return std::nullopt;
  lanes->percent = percent;
  lanes->is_buffering = percent < 100;
  return percent;
}

void SegmentFeed::report (Lanes::Access &lanes, bool runs_dry)
{
  auto percent = level (lanes, runs_dry);
  if (!percent) return;
  lanes.unlock ();
  common_.report (*percent);
  lanes.lock ();
}

// ---- Reading ---------------------------------------------------------------

// By whoever may, which nobody but him changes.
SegmentFeed::Result<SegmentItem> SegmentFeed::read (
    Lanes::Access &lanes, Holder holder)
{
  lane_.holder = holder;
  auto leaving = std::exchange (lane_.leaving, std::nullopt);
  source_.set_level (level_of (lanes->limits));
  lanes.unlock ();
  if (leaving) source_.leave (*leaving);
  auto item = source_.next ();
  lanes.lock ();
  lane_.holder = Holder::nobody;
  if (!item)
    lane_.problem = item.code ();
  else if (item->kind == Kind::end)
    lane_.ended = true;
  else if (item->kind == Kind::segment_end)
    lane_.whole = item->mark;
  bool is_news = !item || item->kind == Kind::end ||
                 item->kind == Kind::segment_end || item->mark != lane_.begun;
  if (item && item->mark) lane_.begun = item->mark;
  if (is_news) settle (lanes);
  return item;
}

SegmentFeed::Result<GstBuffer *> SegmentFeed::peek ()
{
  auto lanes = common_.lanes->lock ();
  for (;;) {
    auto item = read (lanes, Holder::worker);
    if (!item) return item.error ();
    GstBuffer *buffer = item->buffer.get ();
    bool is_end = item->kind == Kind::end;
    lane_.queue.push_back (std::move (*item));
    if (buffer != nullptr || is_end) return buffer;
  }
}

SegmentItem SegmentFeed::take (Lanes::Access &lanes)
{
  SegmentItem item = std::move (lane_.queue.front ());
  lane_.queue.pop_front ();
  if (item.buffer) {
    std::size_t size = gst_buffer_get_size (item.buffer.get ());
    lane_.state.bytes -= std::min<std::uint64_t> (lane_.state.bytes, size);
    lane_.for_worker.notify_all ();
  }
  (void)lanes;
  return item;
}

static relay::Failure<SegmentProblem> cancelled ()
{
  SegmentProblem problem;
  problem.body.fetch.error = fetcher::Error::cancelled;
  return {std::move (problem), 0};
}

SegmentFeed::Result<SegmentItem> SegmentFeed::advance (Lanes::Access &lanes)
{
  for (;;) {
    if (lane_.is_cancelled) return cancelled ();
    if (!lane_.queue.empty ()) return take (lanes);
    if (lane_.problem) return relay::Failure<SegmentProblem>{*lane_.problem, 0};
    if (lane_.ended) return SegmentItem{};
    report (lanes, true);
    if (lane_.holder == Holder::nobody && lane_.queue.empty ()) {
      if (lanes->limits.segments > 0) need_worker ();
      return read (lanes, Holder::pusher);
    }
    lane_.is_waiting = true;
    lanes.wait (lane_.for_pusher, [this] (const SegmentLanes &) {
      return !lane_.queue.empty () || lane_.holder == Holder::nobody;
    });
    lane_.is_waiting = false;
  }
}

SegmentFeed::Result<SegmentItem> SegmentFeed::next ()
{
  auto lanes = common_.lanes->lock ();
  lane_.is_pushing = false;
  if (!std::exchange (lane_.is_started, true)) settle (lanes);
  for (;;) {
    auto item = advance (lanes);
    if (!item) return item;
    if (item->mark && item->mark != lane_.sending) {
      lane_.sending = item->mark;
      settle (lanes);
    }
    if (left_ && item->mark && item->mark->step.leg <= *left_) continue;
    if (item->kind == Kind::segment_end) ++common_.counters->segments;
    lane_.is_pushing = true;
    lane_.pushing_since = SegmentLane::Clock::now ();
    return item;
  }
}

void SegmentFeed::leave_leg ()
{
  auto lanes = common_.lanes->lock ();
  if (!lane_.sending) return;
  left_ = lane_.sending->step.leg;
  lane_.leaving = left_;
}

// ---- The worker ------------------------------------------------------------

void SegmentFeed::need_worker ()
{
  if (!worker_.joinable ()) worker_ = std::thread ([this] { work (); });
}

bool SegmentFeed::may_read (const SegmentLanes &lanes) const
{
  if (lanes.limits.segments == 0 || !lane_.state.is_active ||
      lane_.holder != Holder::nobody || lane_.is_waiting)
    return false;
  if (lane_.queue.empty () &&
      (!lane_.is_pushing ||
          SegmentLane::Clock::now () - lane_.pushing_since < patience))
    return false;
  if (!source_.is_between ())
    return ahead::may_read (lanes.limits, lane_.state);
  std::vector<ahead::Lane> others;
  for (const SegmentLane *other : lanes.all)
    if (other != &lane_) others.push_back (other->state);
  return ahead::may_begin (lanes.limits, lane_.state, others);
}

// As long as the pusher reads by itself, nobody is told when it is held up.
bool SegmentFeed::is_polling (const SegmentLanes &lanes) const
{
  return lanes.limits.segments > 0 && lane_.state.is_active &&
         lane_.queue.empty ();
}

// False: it is to stop.
bool SegmentFeed::wait_for_work (Lanes::Access &lanes)
{
  auto is_over = [this] (const SegmentLanes &all) {
    return lane_.stopping || lane_.opening == Opening::wanted || may_read (all);
  };
  while (!is_over (*lanes)) {
    if (is_polling (*lanes))
      lanes.wait_for (lane_.for_worker, patience, is_over);
    else
      lanes.wait (lane_.for_worker, is_over);
  }
  return !lane_.stopping;
}

void SegmentFeed::read_ahead (Lanes::Access &lanes)
{
  auto item = read (lanes, Holder::worker);
  if (item) {
    if (item->buffer) {
      std::size_t size = gst_buffer_get_size (item->buffer.get ());
      lane_.state.bytes += size;
      common_.counters->bytes_ahead += size;
    }
    lane_.queue.push_back (std::move (*item));
  }
  lane_.for_pusher.notify_all ();
  report (lanes, false);
}

void SegmentFeed::work ()
{
  auto lanes = common_.lanes->lock ();
  while (wait_for_work (lanes)) {
    if (lane_.opening == Opening::wanted)
      open_offered (lanes);
    else
      read_ahead (lanes);
  }
}

// ---- Opening a segment meanwhile -------------------------------------------

void SegmentFeed::open_offered (Lanes::Access &lanes)
{
  lane_.opening = Opening::going_on;
  std::shared_ptr<SegmentReader> reader = lane_.opened;
  lanes.unlock ();
  auto opened = reader->open ();
  lanes.lock ();
  lane_.opening = opened ? Opening::opened : Opening::failed;
  if (!opened) lane_.opening_problem = opened.code ();
  lane_.for_pusher.notify_all ();
}

// Nobody is there to help when the worker itself reads.
void SegmentFeed::offer (std::shared_ptr<SegmentReader> reader)
{
  auto lanes = common_.lanes->lock ();
  if (lane_.holder != Holder::pusher) return;
  lane_.opening = Opening::offered;
  lane_.opened = std::move (reader);
  need_worker ();
}

void SegmentFeed::start ()
{
  auto lanes = common_.lanes->lock ();
  if (lane_.opening != Opening::offered) return;
  lane_.opening = Opening::wanted;
  lane_.for_worker.notify_all ();
}

SegmentFeed::Result<bool> SegmentFeed::collect ()
{
  auto lanes = common_.lanes->lock ();
  lanes.wait (lane_.for_pusher, [this] (const SegmentLanes &) {
    return lane_.opening != Opening::going_on;
  });
  Opening opening = std::exchange (lane_.opening, Opening::nothing);
  lane_.opened.reset ();
  if (opening == Opening::failed)
    return relay::Failure<SegmentProblem>{*lane_.opening_problem, 0};
  return opening == Opening::opened;
}

void SegmentFeed::withdraw ()
{
  (void)collect ();
}

bool SegmentFeed::give_up (const SegmentMark &mark)
{
  auto lanes = common_.lanes->lock ();
  if (lane_.holder != Holder::worker || lane_.sending.get () == &mark)
    return false;
  std::uint64_t size = 0;
  std::erase_if (lane_.queue, [&] (const SegmentItem &item) {
    if (item.mark.get () != &mark) return false;
    if (item.buffer) size += gst_buffer_get_size (item.buffer.get ());
    return true;
  });
  lane_.state.bytes -= std::min (lane_.state.bytes, size);
  common_.counters->bytes_wasted += size;
  return true;
}

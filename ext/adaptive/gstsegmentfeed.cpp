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

void SegmentFeed::close ()
{
  auto lanes = common_.lanes->lock ();
  // Who is broken off is so soon.
  lanes.wait (lane_.for_pusher,
      [this] (const SegmentLanes &) { return lane_.holder == Holder::nobody; });
  lane_.holder = Holder::pusher;
  lanes.unlock ();
  source_.close ();
  lanes.lock ();
  lane_.holder = Holder::nobody;
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
  lane_.was_let_go = false;
  auto leaving = std::exchange (lane_.leaving, std::nullopt);
  source_.set_level (level_of (lanes->limits));
  lanes.unlock ();
  if (leaving) source_.leave (*leaving);
  auto item = source_.next ();
  // Nothing more comes of it: its connection is for others.
  if (!item) source_.close ();
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

SegmentFeed::Result<Owned<GstBuffer>> SegmentFeed::peek ()
{
  auto lanes = common_.lanes->lock ();
  for (;;) {
    auto item = read (lanes, Holder::worker);
    if (!item) return item.error ();
    Owned<GstBuffer> buffer = relay::share (item->buffer.get ());
    bool is_end = item->kind == Kind::end;
    lane_.queue.push_back (std::move (*item));
    // Others may wait for its connection until this one is played.
    need_worker ();
    if (buffer || is_end) return buffer;
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
      need_worker ();
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

// Nobody reads, nor will soon.
bool SegmentFeed::is_held_up () const
{
  if (lane_.is_cancelled || lane_.ended || lane_.problem ||
      lane_.holder != Holder::nobody || lane_.is_waiting)
    return false;
  if (!lane_.queue.empty ()) return true;
  return lane_.is_pushing &&
         SegmentLane::Clock::now () - lane_.pushing_since >= patience;
}

// Somebody waits for a connection that is had here, for as long as the pusher
// is held up: that may be by who waits.
bool SegmentFeed::is_wanted () const
{
  return source_.is_wanted () ||
         (lane_.opening == Opening::opened && lane_.opened->is_wanted ());
}

bool SegmentFeed::may_read (const SegmentLanes &lanes) const
{
  if (!is_held_up ()) return false;
  if (is_wanted ()) return true;
  if (lanes.limits.segments == 0 || !lane_.state.is_active) return false;
  // Not for each little that was taken.
  if (lane_.was_let_go && lane_.state.bytes > lanes.limits.bytes / 2)
    return false;
  if (!source_.is_between ())
    return ahead::may_read (lanes.limits, lane_.state);
  std::vector<ahead::Lane> others;
  for (const SegmentLane *other : lanes.all)
    if (other != &lane_) others.push_back (other->state);
  return ahead::may_begin (lanes.limits, lane_.state, others);
}

// As long as the pusher reads by itself, nobody is told when it is held up.
bool SegmentFeed::is_polling () const
{
  if (lane_.is_cancelled || lane_.ended || lane_.problem) return false;
  // Nor when somebody begins to wait for a connection.
  if (lane_.holder == Holder::nobody && source_.is_open ()) return true;
  return lane_.opening == Opening::opened ||
         (lane_.state.is_active && lane_.queue.empty ());
}

// False: it is to stop.
bool SegmentFeed::wait_for_work (Lanes::Access &lanes)
{
  auto is_over = [this] (const SegmentLanes &all) {
    return lane_.stopping || lane_.opening == Opening::wanted || may_read (all);
  };
  while (!is_over (*lanes)) {
    if (is_polling ())
      lanes.wait_for (lane_.for_worker, patience, is_over);
    else
      lanes.wait (lane_.for_worker, is_over);
  }
  return !lane_.stopping;
}

// False: the rest could not be had then.
bool SegmentFeed::let_go (Lanes::Access &lanes)
{
  lane_.holder = Holder::worker;
  lanes.unlock ();
  bool done = source_.let_go ();
  lanes.lock ();
  lane_.holder = Holder::nobody;
  lane_.was_let_go = done;
  lane_.for_pusher.notify_all ();
  return done;
}

void SegmentFeed::read_ahead (Lanes::Access &lanes)
{
  // The rest of what is being read comes into memory, if there is room.
  if (is_wanted () && !ahead::may_read (lanes->limits, lane_.state) &&
      let_go (lanes))
    return;
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
  // Waiting for a connection, which may be the initialization's, it would be
  // there for nobody who waits for that one.
  auto opened = reader->open_if_free ();
  lanes.lock ();
  if (lane_.opening == Opening::withdrawn) {
    lanes.unlock ();
    reader.reset ();
    lanes.lock ();
    lane_.opening = Opening::nothing;
    return;
  }
  lane_.opening = Opening::failed;
  if (!opened)
    lane_.opening_problem = opened.code ();
  else
    lane_.opening = *opened ? Opening::opened : Opening::nothing;
  lane_.for_pusher.notify_all ();
}

// Nobody is there to help when the worker itself reads, or is not done with
// what was offered before.
void SegmentFeed::offer (std::shared_ptr<SegmentReader> reader)
{
  auto lanes = common_.lanes->lock ();
  if (lane_.holder != Holder::pusher || lane_.opening != Opening::nothing)
    return;
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
  if (lane_.opening == Opening::withdrawn) return false;
  Opening opening = std::exchange (lane_.opening, Opening::nothing);
  lane_.opened.reset ();
  if (opening == Opening::failed)
    return relay::Failure<SegmentProblem>{*lane_.opening_problem, 0};
  return opening == Opening::opened;
}

// Does not wait: who opens it drops it.
void SegmentFeed::withdraw ()
{
  auto lanes = common_.lanes->lock ();
  bool is_going_on = lane_.opening == Opening::going_on ||
                     lane_.opening == Opening::withdrawn;
  lane_.opening = is_going_on ? Opening::withdrawn : Opening::nothing;
  lane_.opened.reset ();
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

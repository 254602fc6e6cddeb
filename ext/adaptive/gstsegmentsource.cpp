// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstsegmentsource.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "schedule.h"
#include "uri.h"

using relay::Owned;
using timeline::Stretch;
using timeline::Walk;
using Kind = SegmentItem::Kind;

SegmentSource::SegmentSource (const SegmentReader::Access &access,
    std::span<const Stretch> stretches, AdaptiveSwitch &chooser,
    Itinerary itinerary, GCancellable *cancellable, Helper *helper)
    : access_ (access),
      chooser_ (chooser),
      stretches_ (stretches.begin (), stretches.end ()),
      itinerary_ (std::move (itinerary)),
      cancellable_ (cancellable),
      helper_ (helper)
{
  for (std::size_t i = 0; i < stretches_.size (); i++) {
    held_.push_back (chooser.current (i));
    stretches_[i].representation = held_.back ().get ();
  }
}

// ---- Items ----------------------------------------------------------------

SegmentItem SegmentSource::make_item (Kind kind) const
{
  SegmentItem item;
  item.kind = kind;
  item.mark = mark_;
  return item;
}

SegmentItem SegmentSource::take_event ()
{
  SegmentItem item = make_item (Kind::event);
  item.event = std::move (events_.front ());
  events_.pop_front ();
  return item;
}

SegmentItem SegmentSource::take_buffer (Owned<GstBuffer> buffer)
{
  if (GST_BUFFER_PTS_IS_VALID (buffer.get ()))
    GST_BUFFER_PTS (buffer.get ()) = pts_of (GST_BUFFER_PTS (buffer.get ()));
  SegmentItem item = make_item (Kind::buffer);
  item.buffer = std::move (buffer);
  return item;
}

// ---- Steps -----------------------------------------------------------------

// What the next segment is of.
void SegmentSource::choose ()
{
  Walk ahead = itinerary_.walk;
  auto step = ahead.next (stretches_);
  if (!step) return;
  const timeline::Leg &leg = itinerary_.walk.legs ()[step->leg];
  timeline::Span running =
      timeline::to_running (leg, itinerary_.rate, step->place);
  AdaptiveSwitch::Level level = level_;
  level.segment = running.end - running.begin;
  level.rate = std::abs (itinerary_.rate);
  AdaptiveSwitch::Held chosen =
      chooser_.choose (step->stretch, level, cancellable_);
  const AdaptiveSwitch::Held held = held_[step->stretch];
  if (chosen == held) return;
  bool moves =
      schedule::media_offset (*chosen) != schedule::media_offset (*held);
  hold (step->stretch, std::move (chosen), step->segment);
  if (moves && !step->begins && !axis_)
    events_.push_back (segment_event (*step));
}

// From now on. segment: in what was held before.
void SegmentSource::hold (
    std::size_t stretch, AdaptiveSwitch::Held chosen, std::uint64_t segment)
{
  AdaptiveSwitch::Held &held = held_[stretch];
  std::swap (held, chosen);
  stretches_[stretch].representation = held.get ();
  if (places::is_same (*chosen, *held)) {
    // The same initialization, elsewhere.
    auto before = schedule::segment (*chosen, segment);
    auto now = schedule::segment (*held, segment);
    if (!before || !now) return;
    if (init_ && init_ == before->init) init_ = now->init;
    if (init_before_ && init_before_ == before->init) init_before_ = now->init;
    return;
  }
  // What has an initialization is known by that.
  auto first = schedule::segment (*held, 0);
  if (first && !first->init) discontinuity_ = true;
}

// HLS says it of each segment, DASH of them all.
static std::shared_ptr<const presentation::Protections> protections_of (
    const presentation::Segment &segment, const AdaptiveSwitch::Held &of)
{
  const auto *list = std::get_if<presentation::SegmentList> (&of->segments);
  if (list != nullptr && !list->protections.empty ())
    return segment.protections;
  if (of->protections.empty ()) return nullptr;
  return {of, &of->protections};
}

// False at the end.
bool SegmentSource::begin_step ()
{
  auto mark = std::make_shared<SegmentMark> ();
  mark->before = itinerary_.walk;
  init_before_ = init_;
  programs_before_ = programs_;
  discontinuity_before_ = discontinuity_;
  // Which could ask for a playlist.
  if (!itinerary_.has_gaps_alone) choose ();
  step_ = itinerary_.walk.next (stretches_);
  if (!step_) return false;
  auto segment = schedule::segment (
      *stretches_[step_->stretch].representation, step_->segment);
  if (!segment) {
    step_.reset ();
    return false;
  }
  segment_ = std::move (*segment);
  if (itinerary_.has_gaps_alone) segment_.gap = true;
  mark->step = *step_;
  mark->number = ++number_;
  mark->running = timeline::to_running (
      itinerary_.walk.legs ()[step_->leg], itinerary_.rate, step_->place);
  mark->representation = held_[step_->stretch];
  mark->protections = protections_of (segment_, mark->representation);
  mark_ = std::move (mark);
  push_hole (*step_);
  // After SEGMENT demuxers want to be told anew what comes.
  if (step_->begins && number_ > 1) {
    if (!axis_) events_.push_back (segment_event (*step_));
    init_.reset ();
    discontinuity_ = true;
  }
  if (segment_.discontinuity) discontinuity_ = true;
  put_init_first ();
  if (segment_.gap) put_gap ();
  return true;
}

// SEGMENT, as DISCONT with an OFFSET, makes qtdemux count bytes anew, and it
// passes over a second moov that is where the first one was. So another
// initialization comes before them.
void SegmentSource::put_init_first ()
{
  if (number_ == 1 || events_.empty () || segment_.gap || !segment_.init ||
      !init_before_ || init_before_ == segment_.init)
    return;
  after_init_ = std::move (events_.back ());
  events_.pop_back ();
}

void SegmentSource::end_step ()
{
  step_.reset ();
}

void SegmentSource::withdraw ()
{
  if (offered_) helper_->withdraw ();
  offered_.reset ();
}

void SegmentSource::close ()
{
  withdraw ();
  reader_.reset ();
}

void SegmentSource::leave (std::size_t leg)
{
  itinerary_.walk.leave (leg);
  if (!step_ || step_->leg > leg) return;
  close ();
  events_.clear ();
  behind_segment_.reset ();
  after_init_.reset ();
  tried_.clear ();
  passed_ = 0;
  to_skip_ = 0;
  end_step ();
}

// ---- Parts -----------------------------------------------------------------

std::shared_ptr<SegmentReader> SegmentSource::make_reader (bool is_init)
{
  SegmentPart part;
  part.segment = segment_;
  part.is_init = is_init;
  part.is_of_samples = is_init && !held_[step_->stretch]->protections.empty ();
  if (!is_init && segment_.init && init_ == segment_.init)
    part.programs = programs_;
  if (discontinuity_ || itinerary_.walk.is_backward ()) begins_clock_ = true;
  part.begins_clock = begins_clock_ && !is_init;
  part.continues_clock = reference_ && !begins_clock_;
  part.place = place_of (*step_);
  if (!is_init || !after_init_)
    part.discontinuity = std::exchange (discontinuity_, false) ||
                         (itinerary_.walk.is_backward () && !is_init);
  return std::make_shared<SegmentReader> (
      access_, std::move (part), cancellable_, block_, text_clock_);
}

// The segment is asked for as soon as its initialization is: not before, or it
// could have the only connection. Nor does it keep one when the initialization
// has to be asked for again.
SegmentSource::Result<relay::Done> SegmentSource::open_init (
    std::shared_ptr<SegmentReader> reader)
{
  SegmentReader::Calls calls;
  if (helper_ != nullptr) {
    offered_ = make_reader (false);
    helper_->offer (offered_);
    calls.on_place = [this] { helper_->start (); };
    calls.on_queue = [this] {
      if (offered_ && offered_->part ().discontinuity) discontinuity_ = true;
      withdraw ();
    };
  }
  auto opened = reader->open (calls);
  if (!opened) return opened.error ();
  if (helper_ != nullptr) helper_->start ();
  reader_ = std::move (reader);
  return relay::Done{};
}

// What was offered, open; null: there is nothing, or it has to be opened
// otherwise, because only its initialization has said that it is decrypted
// here.
SegmentSource::Result<std::shared_ptr<SegmentReader>> SegmentSource::collect ()
{
  std::shared_ptr<SegmentReader> reader = std::move (offered_);
  if (!reader) return reader;
  auto collected = helper_->collect ();
  if (!collected) return collected.error ();
  bool is_other = segment_.samples && programs_;
  if (*collected && !is_other) return reader;
  discontinuity_ = discontinuity_ || reader->part ().discontinuity;
  return std::shared_ptr<SegmentReader> ();
}

SegmentSource::Result<relay::Done> SegmentSource::open_media ()
{
  auto reader = collect ();
  if (!reader) return reader.error ();
  if (!*reader) {
    *reader = make_reader (false);
    auto opened = (*reader)->open ();
    if (!opened) return opened.error ();
  }
  reader_ = std::move (*reader);
  return relay::Done{};
}

// Of what has been begun at another place.
static relay::Failure<SegmentProblem> changed (const std::string &uri)
{
  SegmentProblem problem;
  problem.body.fetch = {fetcher::Error::changed, 0, uri::without_secrets (uri),
      "another one than at the first place", {}};
  return {std::move (problem), 0};
}

bool SegmentSource::is_other () const
{
  auto length = reader_->length ();
  return passed_ > 0 && length && length_ && *length != *length_;
}

// Of a Period of 12.02 s a fourth segment of 4 s may be there of the sound and
// not of the picture.
bool SegmentSource::is_behind_end (const SegmentProblem &problem) const
{
  bool is_init = segment_.init && init_ != segment_.init;
  return segment_.may_be_missing && !is_init && passed_ == 0 &&
         problem.is_of_nothing ();
}

SegmentSource::Result<relay::Done> SegmentSource::open_part ()
{
  for (;;) {
    bool was_discontinuity = discontinuity_;
    auto opened = segment_.init && init_ != segment_.init
                      ? open_init (make_reader (true))
                      : open_media ();
    if (opened && is_other ()) {
      reader_.reset ();
      opened = changed (segment_.resource.uri);
    }
    if (opened || !opened.code ().is_of_place ()) return opened;
    // Other BaseURLs may have it, other Representations have not.
    if (is_behind_end (opened.code ()) &&
        held_[step_->stretch]->alternatives.empty ())
      return opened;
    discontinuity_ = was_discontinuity;
    if (!move_in_place (opened.code ())) return opened;
  }
}

// ---- Other places ----------------------------------------------------------

// The segment of another playlist that is at the same time.
static std::optional<std::uint64_t> same_time (
    const Stretch &stretch, const timeline::Span &place)
{
  timeline::Time middle = place.begin + (place.end - place.begin) / 2;
  std::uint64_t number = timeline::first_after (stretch, middle);
  if (number >= timeline::count_segments (*stretch.representation))
    return std::nullopt;
  timeline::Span found = timeline::place_of (stretch, number);
  timeline::Time distance = found.begin > place.begin
                                ? found.begin - place.begin
                                : place.begin - found.begin;
  if (distance > (place.end - place.begin) / 4) return std::nullopt;
  return number;
}

// The part that could not be had. False: it is nowhere else.
bool SegmentSource::move_in_place (const SegmentProblem &problem)
{
  std::string reason = problem.describe ();
  // Its connection may be the one by which another place is looked at.
  withdraw ();
  for (;;) {
    auto chosen = chooser_.choose_elsewhere (
        step_->stretch, tried_, reason, cancellable_);
    if (!chosen) return false;
    bool is_same = places::is_same (*chosen, *held_[step_->stretch]);
    std::uint64_t before = step_->segment;
    hold (step_->stretch, std::move (chosen), before);
    auto number =
        is_same ? before : same_time (stretches_[step_->stretch], step_->place);
    auto segment = number ? schedule::segment (*held_[step_->stretch], *number)
                          : std::nullopt;
    if (segment) {
      segment_ = std::move (*segment);
      return true;
    }
    reason = "its segments are others";
  }
}

// A part that was being read. What has been passed on of it goes on where it
// is the same; otherwise it is taken back, if nobody has had it yet.
bool SegmentSource::move (const SegmentProblem &problem)
{
  if (!problem.is_of_place ()) return false;
  bool has_same_bytes = !held_[step_->stretch]->alternatives.empty ();
  if (passed_ == 0 && reader_->part ().discontinuity) discontinuity_ = true;
  length_ = reader_->length ();
  if (passed_ > 0 && !has_same_bytes) {
    if (helper_ == nullptr || !helper_->give_up (*mark_)) return false;
    close ();
    bool can = chooser_
                   .choose_elsewhere (step_->stretch, tried_,
                       problem.describe (), cancellable_)
                   .get () != nullptr;
    if (can) take_back ();
    return can;
  }
  reader_.reset ();
  if (!move_in_place (problem)) return false;
  to_skip_ = passed_;
  return true;
}

// What has been passed on comes once. False: nothing is left of it.
bool SegmentSource::skip (GstBuffer *buffer)
{
  if (to_skip_ == 0) return true;
  std::uint64_t size = gst_buffer_get_size (buffer);
  std::uint64_t count = std::min (size, to_skip_);
  to_skip_ -= count;
  if (count == size) return false;
  gst_buffer_resize (
      buffer, static_cast<gssize> (count), static_cast<gssize> (size - count));
  GST_BUFFER_OFFSET (buffer) += count;
  GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
  gst_buffer_unset_flags (buffer, GST_BUFFER_FLAG_DISCONT);
  if (!reader_->part ().is_init)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return true;
}

void SegmentSource::count (const SegmentReader &reader)
{
  abr::Transfer transfer = reader.transfer ();
  transfer.is_main = chooser_.is_main () && !reader.part ().is_init;
  chooser_.throughput ().add (transfer);
}

// A segment that will be too late, as long as nothing of it was pushed, for one
// of a lower representation.
bool SegmentSource::give_up ()
{
  if (helper_ == nullptr || reader_->part ().is_init || level_.buffer == 0)
    return false;
  AdaptiveSwitch::Level level = level_;
  level.segment = mark_->running.end - mark_->running.begin;
  level.rate = std::abs (itinerary_.rate);
  if (!chooser_.is_late (reader_->progress (), level)) return false;
  if (!helper_->give_up (*mark_)) return false;
  count (*reader_);
  reader_.reset ();
  take_back ();
  return true;
}

// As if the step had not been.
void SegmentSource::take_back ()
{
  step_.reset ();
  events_.clear ();
  behind_segment_.reset ();
  after_init_.reset ();
  itinerary_.walk = mark_->before;
  number_--;
  init_ = init_before_;
  programs_ = programs_before_;
  discontinuity_ = discontinuity_before_;
  passed_ = 0;
}

SegmentItem SegmentSource::end_part ()
{
  bool is_init = reader_->part ().is_init;
  decryptedbody::Programs programs = reader_->programs ();
  count (*reader_);
  reader_.reset ();
  passed_ = 0;
  if (is_init) {
    init_ = segment_.init;
    programs_ = std::move (programs);
    if (after_init_) events_.push_back (std::move (after_init_));
    return make_item (Kind::init_end);
  }
  tried_.clear ();
  begins_clock_ = false;
  end_step ();
  return make_item (Kind::segment_end);
}

SegmentSource::Result<SegmentItem> SegmentSource::next ()
{
  for (;;) {
    if (!step_ && !begin_step ()) return SegmentItem{};
    if (!events_.empty ()) return take_event ();
    if (behind_segment_) return take_buffer (std::move (behind_segment_));
    // "Clients MUST NOT attempt to load" it (RFC 8216bis 4.4.4.7): its event is
    // all that there is of it.
    if (!segment_.gap) break;
    end_step ();
  }
  relay::Owned<GstBuffer> buffer;
  do {
    if (!reader_) {
      auto opened = open_part ();
      if (!opened && is_behind_end (opened.code ())) {
        segment_.gap = true;
        put_gap ();
        return next ();
      }
      if (!opened) return opened.error ();
    }
    buffer.reset ();
    auto read = reader_->read ();
    if (!read) {
      if (!move (read.code ())) return read.error ();
      // All of it was taken back.
      if (!step_) return next ();
    } else if (!*read) {
      if (to_skip_ > 0) return changed (segment_.resource.uri);
      return end_part ();
    } else {
      buffer = std::move (*read);
    }
  } while (!buffer || !skip (buffer.get ()));
  passed_ += gst_buffer_get_size (buffer.get ());
  if (give_up ()) return next ();
  if (GST_BUFFER_PTS_IS_VALID (buffer.get ()) && take_clock ()) {
    events_.push_back (segment_event (*step_));
    behind_segment_ = std::move (buffer);
    return take_event ();
  }
  return take_buffer (std::move (buffer));
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "block.h"
#include "common/gstpp.h"
#include "gstadaptiveswitch.h"
#include "gstfetch.h"
#include "gstsegmentreader.h"
#include "timeline.h"
#include "tsclock.h"

// How all tracks are played, from one seek to the next.
struct Itinerary
{
  timeline::Walk walk;
  double rate = 1;
  GstSegmentFlags flags = GST_SEGMENT_FLAG_NONE;
  guint32 seqnum = GST_SEQNUM_INVALID;
  bool ends_open = true;  // nobody has asked for a stop
  bool is_segment_seek = false;
  // Nothing is fetched: each segment is a gap.
  bool has_gaps_alone = false;

  // Key frames are wanted, where there are tracks of them.
  [[nodiscard]] bool is_trick_mode () const
  {
    return (flags & GST_SEGMENT_FLAG_TRICKMODE_KEY_UNITS) != 0;
  }
  // No sound is wanted.
  [[nodiscard]] bool is_silent () const
  {
    return (flags & GST_SEGMENT_FLAG_TRICKMODE_NO_AUDIO) != 0;
  }
};

// Where what comes out belongs: one for each segment.
struct SegmentMark
{
  timeline::Walk before;  // gives this segment once more
  timeline::Walk::Step step;
  std::uint64_t number = 0;  // from 1, in the order of playing
  timeline::Span running;
  AdaptiveSwitch::Held representation;
  // Of its samples; null: they are in the clear.
  std::shared_ptr<const presentation::Protections> protections;
};

struct SegmentItem
{
  enum class Kind
  {
    buffer,
    event,        // SEGMENT, GAP
    init_end,     // all of the initialization is there
    segment_end,  // all of the segment is there
    end           // of what was to be played
  };
  Kind kind = Kind::end;
  relay::Owned<GstBuffer> buffer{};
  relay::Owned<GstEvent> event{};
  std::shared_ptr<const SegmentMark> mark{};
};

// What of a track is to be pushed, in this order: the segments that a walk
// leads to, the initializations that they need, and the events between them. By
// one thread at a time.
class SegmentSource
{
public:
  template <class T>
  using Result = SegmentReader::Result<T>;

  // Somebody else who may open a segment while its initialization is read.
  class Helper
  {
  public:
    Helper () = default;
    virtual ~Helper () = default;
    Helper (const Helper &) = delete;
    Helper &operator= (const Helper &) = delete;
    // From start () on, which may come from any thread.
    virtual void offer (std::shared_ptr<SegmentReader> reader) = 0;
    virtual void start () = 0;
    // Waits for what has been begun. False: nothing has.
    [[nodiscard]] virtual Result<bool> collect () = 0;
    virtual void withdraw () = 0;
    // Nothing of the segment is to be pushed, if nothing of it was. False: it
    // is too late for that.
    [[nodiscard]] virtual bool give_up (const SegmentMark &mark) = 0;
  };

  // All but the itinerary outlive it. stretches: those of the chooser's parts.
  // helper: may be null.
  SegmentSource (const SegmentReader::Access &access,
      std::span<const timeline::Stretch> stretches, AdaptiveSwitch &chooser,
      Itinerary itinerary, GCancellable *cancellable, Helper *helper);
  SegmentSource (const SegmentSource &) = delete;
  SegmentSource &operator= (const SegmentSource &) = delete;
  ~SegmentSource () = default;

  [[nodiscard]] const Itinerary &itinerary () const { return itinerary_; }
  // The SEGMENT event before the first item: it is not among the items.
  [[nodiscard]] relay::Owned<GstEvent> first_segment () const;
  // By which the next representation is chosen.
  void set_level (const AdaptiveSwitch::Level &level) { level_ = level; }
  // Waits.
  [[nodiscard]] Result<SegmentItem> next ();
  // The next item is of another segment than the last one.
  [[nodiscard]] bool is_between () const { return !step_ && events_.empty (); }
  // Of the segment that the last item was of.
  [[nodiscard]] const std::shared_ptr<const SegmentMark> &mark () const
  {
    return mark_;
  }
  // A part is being read: see SegmentReader.
  [[nodiscard]] bool is_open () const { return reader_ != nullptr; }
  [[nodiscard]] bool is_wanted () const
  {
    return reader_ && reader_->is_wanted ();
  }
  [[nodiscard]] bool let_go () { return reader_ && reader_->let_go (); }
  // Nothing more is read.
  void close ();
  // What is left of this leg is not wanted.
  void leave (std::size_t leg);

private:
  [[nodiscard]] relay::Owned<GstEvent> segment_event (
      const timeline::Walk::Step &step) const;
  [[nodiscard]] std::optional<timeline::Span> hole_before (
      const timeline::Walk::Step &step) const;
  [[nodiscard]] relay::Owned<GstEvent> hole_event (
      const timeline::Walk::Step &step, const timeline::Span &hole) const;
  void push_hole (const timeline::Walk::Step &step);
  void put_init_first ();
  bool begin_step ();
  void put_gap ();
  void choose ();
  bool give_up ();
  void take_back ();
  void withdraw ();
  void hold (
      std::size_t stretch, AdaptiveSwitch::Held chosen, std::uint64_t segment);
  bool move_in_place (const SegmentProblem &problem);
  bool move (const SegmentProblem &problem);
  bool skip (GstBuffer *buffer);
  [[nodiscard]] bool is_other () const;
  [[nodiscard]] bool is_behind_end (const SegmentProblem &problem) const;
  void count (const SegmentReader &reader);
  [[nodiscard]] SegmentItem make_item (SegmentItem::Kind kind) const;
  SegmentItem take_event ();
  SegmentItem take_buffer (relay::Owned<GstBuffer> buffer);
  // Of what is at this time of the media, and of what is missing there.
  [[nodiscard]] presentation::Time pts_of (presentation::Time media) const;
  [[nodiscard]] presentation::Time gap_time (presentation::Time media) const;
  [[nodiscard]] timeline::Span span_of (const timeline::Walk::Step &step) const;
  [[nodiscard]] tsclock::Anchor anchor_of (
      const timeline::Walk::Step &step) const;
  [[nodiscard]] relay::Owned<GstEvent> make_event (
      const GstSegment &segment) const;
  void add_legs (const timeline::Walk::Step &step, GstSegment &segment) const;
  [[nodiscard]] mediaclock::Place place_of (
      const timeline::Walk::Step &step) const;
  std::int64_t offset_of (std::uint64_t timestamp);
  void read_clock (const tsclock::Lead &lead);
  void begin_clock ();
  [[nodiscard]] bool begin_axis ();
  [[nodiscard]] bool take_clock ();
  Result<relay::Done> open_part ();
  Result<relay::Done> open_init (std::shared_ptr<SegmentReader> reader);
  Result<relay::Done> open_media ();
  Result<std::shared_ptr<SegmentReader>> collect ();
  SegmentItem end_part ();
  void end_step ();
  std::shared_ptr<SegmentReader> make_reader (bool is_init);

  const SegmentReader::Access &access_;
  AdaptiveSwitch &chooser_;
  AdaptiveSwitch::Level level_;
  std::vector<AdaptiveSwitch::Held> held_;    // of each stretch
  std::vector<timeline::Stretch> stretches_;  // with what was chosen last
  Itinerary itinerary_;
  GCancellable *const cancellable_;
  Helper *const helper_;
  block::Size block_;
  webvtt::Clock text_clock_;

  std::uint64_t number_ = 0;
  std::optional<timeline::Walk::Step> step_;
  presentation::Segment segment_;  // of the step
  std::shared_ptr<const SegmentMark> mark_;
  std::deque<relay::Owned<GstEvent>> events_;
  relay::Owned<GstEvent> after_init_;  // a SEGMENT
  // The last one that was read.
  std::optional<presentation::Resource> init_;
  decryptedbody::Programs programs_;  // that it said
  bool discontinuity_ = true;         // before what is read next
  // How much later than by its PTS the present segment is, had that the time
  // that is listed: MPEG-TS, by what its demuxer takes for its beginning, and
  // all with a clock of its own, which may say something else. That of SEGMENT,
  // once it is known, and the buffer that said it, behind that SEGMENT.
  std::int64_t lead_ = 0;
  std::optional<presentation::Time> segment_lead_;
  relay::Owned<GstBuffer> behind_segment_;
  mediaclock::Track track_clock_;
  // MPEG-TS: a demuxer begins to count with the segment that is read next; the
  // first PCR of the last one; and all times.
  bool begins_clock_ = true;
  std::optional<mediaclock::Anchor> reference_;
  std::optional<tsclock::Axis> axis_;
  // As they were before this step.
  std::optional<presentation::Resource> init_before_;
  decryptedbody::Programs programs_before_;
  bool discontinuity_before_ = true;
  std::shared_ptr<SegmentReader> reader_;
  std::shared_ptr<SegmentReader> offered_;
  // Where the present segment, with its initialization, has been asked for;
  // what has been passed on of the present part, and what of that is to come
  // again.
  places::Tried tried_;
  std::uint64_t passed_ = 0;
  std::uint64_t to_skip_ = 0;
  std::optional<std::uint64_t> length_;
};

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstadaptiveevents.h"
#include "gstadaptivekeys.h"
#include "gstadaptiveline.h"
#include "gstadaptiveswitch.h"
#include "gstsegmentfeed.h"
#include "gstsegmentsource.h"
#include "handover.h"
#include "keyids.h"
#include "loader.h"
#include "timeline.h"

// A pad of adaptivesrc and the thread that pushes what its feed gives.
//
// What it asks for it asks for when its peer has taken the events before: an
// unlinked pad fetches nothing, and one whose peer holds the events back (a
// cache that serves by itself) neither.
class AdaptiveStream : public std::enable_shared_from_this<AdaptiveStream>
{
public:
  // What each stream has sent, and what it plays next. A stream begins a
  // segment under this lock, and with it a seek without a flush is handed over
  // to all of them at once. It is taken before the lock of Run.
  struct CourseOfEach
  {
    std::map<const AdaptiveStream *, handover::Course<Itinerary>> of;
  };
  using Courses = relay::Guarded<CourseOfEach>;

  // What all streams of an element have in common.
  struct Shared
  {
    GstElement *element = nullptr;
    SegmentFeed::Common feeds;
    std::shared_ptr<AdaptiveSwitch::Common> choice;
    std::shared_ptr<Courses> courses;
    // Called by the stream's thread when flow () is no longer GST_FLOW_OK.
    std::function<void ()> ended;
    // True for the first one of an element's errors: the others are not posted.
    std::function<bool ()> may_fail;
    std::shared_ptr<AdaptiveKeys> keys;
    // Where the other streams are, of those that send what is played from a
    // running time on, if there is any: in presentation time.
    std::function<std::optional<presentation::Time> (
        const AdaptiveStream *, presentation::Time running)>
        position;
    // A seek event that came to a pad.
    std::function<bool (GstEvent *)> seek;
    // And one that chooses tracks.
    std::function<bool (GstEvent *)> select;
    guint group_id = 0;
  };

  AdaptiveStream (
      Shared shared, loader::Selection selection, const Itinerary &itinerary);
  AdaptiveStream (const AdaptiveStream &) = delete;
  AdaptiveStream &operator= (const AdaptiveStream &) = delete;
  ~AdaptiveStream ();

  // What is answered the same whatever the streams do: false for all else.
  static bool answer (GstQuery *query);
  // The message `adaptivesrc-variant`.
  static void post_variant (GstElement *element, const std::string &pad,
      const presentation::Representation &chosen);
  // Whether manifest or addresses say what it is made of. Otherwise
  // find_format () opens the first segment; false: it has been said why.
  bool has_format ();
  bool find_format ();
  // Of these; null before.
  [[nodiscard]] GstCaps *caps () const { return caps_.get (); }
  // What the track is in applications' eyes; all but the id may be null.
  struct Identity
  {
    std::string id;
    GstStream *stream = nullptr;
    GstStreamCollection *collection = nullptr;
    GstEvent *toc = nullptr;
  };
  // The pad, with its events on it, not yet in the element (floating).
  GstPad *make_pad (GstPadTemplate *pad_template, const std::string &name,
      const Identity &identity);
  // Once the pad is in the element.
  void start ();
  // Unless a seek has done that.
  void start_first ();
  // It is not wanted any more: it ends behind the segment that it is in. Where
  // that is, in presentation time; nothing when it has not begun.
  std::optional<presentation::Time> leave ();
  // Goes on with another track, on the same pad, behind the segment that it is
  // in. False: its caps are others.
  [[nodiscard]] bool change (loader::Selection selection);
  // Goes on without media, behind the segment that it is in, until there is a
  // change: GAP events alone, for which nothing is fetched.
  void mute () { run_.lock ()->is_muted = true; }
  // And its peer knows.
  [[nodiscard]] bool is_over () { return run_.lock ()->is_over; }
  [[nodiscard]] GstPad *pad () const { return pad_; }
  // Its thread ends soon; deactivating the pad waits for it.
  void cancel ();
  // The pad is active, or is not: then nothing starts its thread any more.
  void set_active (bool is_active);
  // A decrypter's query; false: not answered.
  bool answer_context (GstQuery *query);
  // After a RECONFIGURE event.
  void resume ();

  // How often it was flushed.
  [[nodiscard]] unsigned generation () const { return generation_; }
  // All others have ended. Who waits for a link behind its peer ends as well:
  // bins wait for the end of what nobody listens to. Unless there was a flush
  // since.
  void end_with_others (unsigned generation);

  // It ends behind what it is pushing, until there is a seek.
  void end_now ();

  // A flushing seek: all streams go through each of these, one after the other.
  // interrupt: what it sends from here on counts no more.
  void interrupt (Courses::Access &courses);
  void begin_flush (guint32 seqnum);
  void wait_for_flush ();
  void play (const Itinerary &itinerary);
  // Another one, which does not begin before what any of them has sent.
  [[nodiscard]] presentation::Time sent (Courses::Access &courses);
  void play_next (const Itinerary &itinerary, Courses::Access &courses);
  bool seek (GstEvent *event) { return shared_.seek (event); }
  bool select (GstEvent *event) { return shared_.select (event); }

  // GST_FLOW_OK as long as it goes on; GST_FLOW_NOT_LINKED as long as it
  // waits.
  [[nodiscard]] GstFlowReturn flow () { return run_.lock ()->flow; }
  [[nodiscard]] const loader::Selection &selection () const
  {
    return normal_.load ()->selection;
  }
  [[nodiscard]] std::span<const timeline::Stretch> track () const
  {
    return normal_.load ()->track;
  }
  // Of the key frames alone that are played at a rate, where they are known:
  // otherwise as track ().
  [[nodiscard]] std::span<const timeline::Stretch> key_frames (double rate);
  // So that they are, if they can be had at once. Waits; from any thread.
  void load_key_frames (double rate, GCancellable *cancellable)
  {
    key_frames_.load_quickly (selection (), rate, cancellable);
  }
  [[nodiscard]] SegmentFeed::Marks marks () { return feed ()->marks (); }

private:
  // Whether its thread runs, and what it finds when it does. The task is paused
  // and started again under its lock, so that it never runs when flow says that
  // it does not. It is the last of all locks.
  struct Run
  {
    GstFlowReturn flow = GST_FLOW_OK;
    bool is_over = false;
    bool is_active = true;
    bool ends_with_others = false;
    bool ends_now = false;
    bool begins_next = false;      // what comes next is not waited with
    AdaptiveLine *line = nullptr;  // to go on with
    std::optional<bool> is_muted;  // to go on so
  };

  static void loop (gpointer data);
  bool begin_turn (GstFlowReturn &flow);
  bool end_turn (GstFlowReturn flow);
  // Within its turn there was a flush: it was in a push out of which came a
  // seek.
  [[nodiscard]] bool is_outdated () const { return generation_ != turn_; }
  GstFlowReturn step ();
  GstFlowReturn greet ();
  GstFlowReturn send (SegmentFeed &feed, SegmentItem item);
  void announce (const AdaptiveSwitch::Held &chosen);
  void begin_part (std::size_t index);
  void look_for_events ();
  [[nodiscard]] GstEvent *tag_event () const;
  void take_what_is_due ();
  bool begin_segment (const std::shared_ptr<const SegmentMark> &mark);
  bool end_segment (const SegmentMark &mark);
  bool take_next ();
  void take_line ();
  AdaptiveLine *add_line (loader::Selection selection);
  GstFlowReturn fail (const SegmentProblem &problem);
  void end (GstFlowReturn flow);
  void wait_for_link ();
  void push_end ();
  void rewind ();
  void catch_up ();
  void make_feed (const Itinerary &itinerary);
  GstFlowReturn begin ();
  GstFlowReturn look_for_key_frames ();
  void protect (const AdaptiveKeys::Held &protections);
  GstFlowReturn look_for_keys (const SegmentItem &item);
  std::shared_ptr<SegmentFeed> feed () { return feed_.copy (); }

  const Shared shared_;
  // One for each track that it has had: others look at them.
  relay::Guarded<std::vector<std::unique_ptr<AdaptiveLine>>> lines_;
  std::atomic<AdaptiveLine *> normal_;
  AdaptiveKeyFrames key_frames_;
  GstPad *pad_ = nullptr;  // the element's
  // Also hands over what is of the stream's thread from one thread to the next:
  // thread sanitizers do not see the locks of GstTask.
  relay::Guarded<Run> run_;
  // Of seeks: what the thread finds out while there was one is of no interest.
  std::atomic<unsigned> generation_{0};  // is changed under the lock of run_
  relay::Guarded<std::shared_ptr<SegmentFeed>> feed_;
  // The number of the last segment that is sent, once leave () was called.
  relay::Guarded<std::optional<std::uint64_t>> last_;
  relay::Guarded<relay::Owned<GCancellable>> asking_;
  // Of what is being pushed, for which decrypters may ask for keys.
  relay::Guarded<AdaptiveKeys::Held> protections_;

  // Of the stream's thread, or of who has stopped it.
  unsigned turn_ = 0;  // the generation that it is in
  bool greeted_ = false;
  bool knows_tracks_ = false;  // the present peer, so that gaps pass it
  bool is_muted_ = false;
  AdaptiveLine *line_ = nullptr;              // that the feed is of
  std::size_t part_ = 0;                      // the period that it is in
  const AdaptiveLine *looking_at_ = nullptr;  // for events
  bool rewound_ = false;  // others may have gone on meanwhile
  Itinerary itinerary_;
  std::shared_ptr<const SegmentMark> mark_;  // null: between two segments
  AdaptiveSwitch::Held announced_;           // by tags and a message
  bool is_other_track_ = false;              // than the one that was announced
  relay::Owned<GstEvent> segment_;  // to be pushed before anything else
  relay::Owned<GstCaps> caps_;
  std::optional<AdaptiveEvents> events_;
  keyids::Scanner key_ids_;
};

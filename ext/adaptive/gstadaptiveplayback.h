// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ahead.h"
#include "common/gstpp.h"
#include "common/guarded.h"
#include "fetcher.h"
#include "gstadaptiveseek.h"
#include "gstadaptivestream.h"
#include "gstfetch.h"
#include "keystore.h"
#include "loader.h"
#include "segmentcache.h"
#include "steerer.h"
#include "timeline.h"

// What adaptivesrc does between READY and PAUSED: the thread that reads the
// manifest, the streams that it makes of it, and their common end.
class AdaptivePlayback
{
public:
  struct Settings
  {
    std::string location;
    std::string license_url;  // "" = the manifest's
    loader::Options options;
    fetcher::Settings fetch;
    ahead::Limits ahead;
    bool use_buffering = false;
    std::vector<timeline::Span> left_out;
    presentation::Time start_offset = 0;
    segmentcache::Settings cache;  // no folder: nothing is kept
  };

  // The templates of the pads, in the order of presentation::Type.
  static constexpr const char *templates[] = {
      "video_%u", "audio_%u", "text_%u"};

  explicit AdaptivePlayback (GstElement *element) : element_ (element) {}
  AdaptivePlayback (const AdaptivePlayback &) = delete;
  AdaptivePlayback &operator= (const AdaptivePlayback &) = delete;
  ~AdaptivePlayback ();

  // All of these from the element's state changes.
  void start (Settings settings);
  // Breaks off every request, and waits for the manifest's thread; what waits
  // in a push is freed by the pads' deactivation.
  void stop_loading ();
  void remove_pads ();

  // SEEK or TOC_SELECT. False: it leads nowhere. From any thread.
  bool seek (GstEvent *event);
  // False: it is not about our tracks. From any thread; carried out later.
  enum class Origin
  {
    application,
    downstream
  };
  bool select (GstEvent *event, Origin origin);
  // An application's EOS: all streams end behind what they are pushing. False:
  // nothing plays. From any thread.
  bool end ();
  // From any thread, for the segments that are chosen from then on.
  void set_limits (const choice::Limits &limits)
  {
    *choice_->limits.lock () = limits;
  }
  // Nothing: it is a query that others answer.
  std::optional<bool> answer (GstQuery *query);
  [[nodiscard]] relay::Owned<GstStructure> stats ();

private:
  using Streams = std::vector<std::shared_ptr<AdaptiveStream>>;

  struct State
  {
    relay::Owned<GCancellable> cancellable;  // of the manifest's thread
    Streams streams;
    bool is_exposed = false;  // all of them are there
    std::optional<presentation::Time> duration;
    bool reported = false;       // the end
    bool ends = false;           // before its time
    relay::Owned<GstEvent> toc;  // null: there are no chapters

    std::vector<timeline::Span> left_out;
    // The demuxer of the picture knows of one SEGMENT: see tsclock::Axis.
    bool takes_whole_segments = false;
    GstSegment segment{};  // of the presentation, as the last seek left it
    Itinerary itinerary;
    std::optional<AdaptiveSeek> wanted;    // what is to be carried out next
    relay::Owned<GCancellable> preparing;  // of what a seek waits for
    guint32 seqnum = GST_SEQNUM_INVALID;   // of the last one
    // Somebody carries them out, or adds a track.
    bool is_seeking = false;
  };

  // A track, whether it has a pad or not.
  struct Track
  {
    loader::Selection selection;
    std::string name;  // of its pad, when it has one; of no other track's
    std::string id;
    relay::Owned<GstStream> stream;  // null: it is not announced
    bool is_muted = false;           // it is not wanted, and its pad has stayed
  };
  // Which tracks have pads. Its lock is not held together with others.
  struct Selected
  {
    relay::Owned<GstStreamCollection> collection;  // null: there is no choice
    std::vector<bool> tracks;
    std::optional<std::vector<bool>> wanted;
    guint32 seqnum = GST_SEQNUM_INVALID;  // of the last event
    Origin origin = Origin::application;  // of it
    bool is_working = false;              // the thread of selecting_
    bool stopping = true;
  };

  void load (const Settings &settings);
  void begin_at (presentation::Time time, const Settings &settings);
  [[nodiscard]] bool has_anything (const loader::Loaded &loaded);
  void begin_with (const loader::Loaded &loaded, const Settings &settings);
  static bool find_formats (const Streams &streams);
  void expose (loader::Loaded loaded);
  void name_tracks (loader::Loaded loaded);
  void announce (const std::vector<std::shared_ptr<AdaptiveStream>> &streams);
  void add_pad (AdaptiveStream &stream, const Track &track);
  void post_selected (guint32 seqnum);
  void stop_selecting ();
  void work_on_selection ();
  void change_tracks (
      const std::vector<bool> &wanted, guint32 seqnum, Origin origin);
  void take_up_muted (
      std::vector<bool> &present, const std::vector<bool> &wanted);
  void keep_pads (std::vector<bool> &present, const std::vector<bool> &wanted);
  void mute (std::vector<bool> &present, const std::vector<bool> &wanted);
  std::shared_ptr<AdaptiveStream> stream_of (const Track &track);
  std::optional<loader::Selection> completed (const Track &track);
  bool complete (loader::Selection &selection);
  bool take_over (Track &from, Track &to);
  void add_track (Track &track, std::optional<presentation::Time> time);
  void begin_track (const Track &track, loader::Selection selection,
      std::optional<presentation::Time> time);
  void remove_track (const Track &track);
  void set_going ();
  std::shared_ptr<AdaptiveStream> add_stream (
      loader::Selection selection, const Itinerary &itinerary);
  AdaptiveStream::Shared make_common (const Settings &settings);
  std::unique_ptr<Steerer> make_steerer (const fetcher::Settings &settings);
  std::shared_ptr<segmentcache::Cache> open_cache (
      const segmentcache::Settings &settings);
  void check_end ();
  void post_end (const Itinerary &itinerary);
  void report_level (int percent);
  void report_move (const places::Book::Move &move);
  static std::optional<presentation::Time> position_of (const Streams &streams,
      const AdaptiveStream *but = nullptr, presentation::Time running = 0);
  static std::shared_ptr<AdaptiveStream> leading (const State &state);
  void prepare (const AdaptiveSeek &seek);
  bool carry_out_seeks ();
  static std::optional<Itinerary> plan (State &state, const AdaptiveSeek &seek);
  void post_begin (const Itinerary &itinerary);
  bool hand_over (const AdaptiveSeek &seek);
  void flush (
      guint32 seqnum, const Itinerary &itinerary, const Streams &streams);
  bool answer_seeking (GstQuery *query);
  bool answer_buffering (GstQuery *query);
  void post_problem (const loader::Problem &problem);
  bool may_fail () { return !failed_.exchange (true); }

  GstElement *const element_;
  relay::Guarded<State> state_;
  fetcher::Counters counters_;
  SegmentCounters segments_;
  segmentcache::Counters kept_;
  std::atomic<std::uint64_t> failovers_{0};
  const std::shared_ptr<SegmentFeed::Lanes> lanes_ =
      std::make_shared<SegmentFeed::Lanes> ();
  const std::shared_ptr<AdaptiveStream::Courses> courses_ =
      std::make_shared<AdaptiveStream::Courses> ();
  const std::shared_ptr<AdaptiveSwitch::Common> choice_ =
      std::make_shared<AdaptiveSwitch::Common> ();
  std::condition_variable seeked_;
  std::atomic<bool> failed_{false};        // since start; it has been said
  std::thread loading_;                    // the manifest
  std::shared_ptr<keystore::Store> keys_;  // set before it begins
  std::unique_ptr<Steerer> steerer_;       // and this one
  // Of that thread, and afterwards of the next one.
  AdaptiveStream::Shared common_;
  std::vector<Track> tracks_;
  relay::Guarded<Selected> selected_;
  std::thread selecting_;  // under its lock
};

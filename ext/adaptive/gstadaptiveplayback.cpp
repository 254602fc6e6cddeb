// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptiveplayback.h"

#include <glib/gi18n-lib.h>

#include <array>
#include <iterator>
#include <utility>

#include "gstadaptivecollection.h"
#include "gstadaptiveevents.h"
#include "gstadaptivetoc.h"
#include "gstblocks.h"
#include "gstsource.h"

using relay::Owned;

AdaptivePlayback::~AdaptivePlayback ()
{
  // Whoever had the element before let go of it by GLib's reference count,
  // which thread sanitizers do not see. A lock they do.
  (void)state_.lock ();
}

// ---- Messages --------------------------------------------------------------

void AdaptivePlayback::post_problem (const loader::Problem &problem)
{
  const char *uri = problem.uri.c_str ();
  const char *message = problem.message.c_str ();
  switch (problem.error) {
    case loader::Error::fetch:
      // Posts nothing for a cancelled request.
      gstfetch::post_problem (element_, problem.fetch);
      break;
    case loader::Error::not_manifest:
      GST_ELEMENT_ERROR (element_, STREAM, WRONG_TYPE,
          (_ ("The resource is neither an HLS playlist nor a DASH manifest.")),
          ("%s: %s", uri, message));
      break;
    case loader::Error::malformed:
      GST_ELEMENT_ERROR (element_, STREAM, DEMUX,
          (_ ("The manifest has an error.")), ("%s: %s", uri, message));
      break;
    case loader::Error::unsupported:
      GST_ELEMENT_ERROR (element_, STREAM, NOT_IMPLEMENTED,
          (_ ("The presentation needs what is not supported yet.")),
          ("%s: %s", uri, message));
      break;
    case loader::Error::live:
      GST_ELEMENT_ERROR (element_, STREAM, NOT_IMPLEMENTED,
          (_ ("Live presentations are not supported yet.")),
          ("%s: %s", uri, message));
      break;
  }
}

Owned<GstStructure> AdaptivePlayback::stats ()
{
  Owned<GstStructure> out = gstfetch::stats ("adaptivesrc-stats", counters_);
  gst_structure_set (out.get (), "segments", G_TYPE_UINT64,
      segments_.segments.load (), "bytes-ahead", G_TYPE_UINT64,
      segments_.bytes_ahead.load (), "bytes-wasted", G_TYPE_UINT64,
      segments_.bytes_wasted.load (), "cache-hits", G_TYPE_UINT64,
      kept_.hits.load (), "cache-misses", G_TYPE_UINT64, kept_.misses.load (),
      "cache-failures", G_TYPE_UINT64, kept_.failures.load (), "failovers",
      G_TYPE_UINT64, failovers_.load (), nullptr);
  return out;
}

// A stream has ended, is no longer wanted, or waits for a link.
void AdaptivePlayback::check_end ()
{
  bool linked = false;
  Itinerary itinerary;
  std::vector<std::pair<std::shared_ptr<AdaptiveStream>, unsigned>> streams;
  {
    auto state = state_.lock ();
    if (state->reported || state->is_seeking ||
        g_cancellable_is_cancelled (state->cancellable.get ()))
      return;
    for (const auto &stream : state->streams) {
      GstFlowReturn flow = stream->flow ();
      if (flow == GST_FLOW_OK) return;
      linked = linked || flow != GST_FLOW_NOT_LINKED;
      streams.emplace_back (stream, stream->generation ());
    }
    state->reported = linked;
    itinerary = state->itinerary;
  }
  if (linked) {
    post_end (itinerary);
    for (const auto &[stream, generation] : streams)
      stream->end_with_others (generation);
  } else if (may_fail ()) {
    GST_ELEMENT_FLOW_ERROR (element_, GST_FLOW_NOT_LINKED);
  }
}

// The level of what was read ahead.
void AdaptivePlayback::report_level (int percent)
{
  GstMessage *message =
      gst_message_new_buffering (GST_OBJECT (element_), percent);
  gst_message_set_buffering_stats (message, GST_BUFFERING_STREAM, -1, -1, -1);
  gst_element_post_message (element_, message);
}

// Something is asked for elsewhere.
void AdaptivePlayback::report_move (const places::Book::Move &move)
{
  ++failovers_;
  GST_WARNING_OBJECT (element_, "%s; from %s to %s", move.reason.c_str (),
      move.from.c_str (), move.to.c_str ());
  gst_element_post_message (element_,
      gst_message_new_element (GST_OBJECT (element_),
          gst_structure_new ("adaptivesrc-failover", "from", G_TYPE_STRING,
              move.from.c_str (), "to", G_TYPE_STRING, move.to.c_str (),
              "reason", G_TYPE_STRING, move.reason.c_str (), nullptr)));
}

// ---- The manifest's thread -------------------------------------------------

// Null when the element has been stopped.
std::shared_ptr<AdaptiveStream> AdaptivePlayback::add_stream (
    loader::Selection selection, const Itinerary &itinerary)
{
  auto stream = std::make_shared<AdaptiveStream> (
      common_, std::move (selection), itinerary);
  auto state = state_.lock ();
  if (g_cancellable_is_cancelled (state->cancellable.get ())) return nullptr;
  state->streams.push_back (stream);
  // What was handed over to the others meanwhile.
  if (state->itinerary.seqnum != itinerary.seqnum) {
    auto courses = courses_->lock ();
    stream->play_next (state->itinerary, courses);
  }
  return stream;
}

void AdaptivePlayback::name_tracks (loader::Loaded loaded)
{
  std::array<unsigned, std::size (templates)> counts{};
  tracks_.clear ();
  for (loader::Selection &selection : loaded.selections) {
    auto type = static_cast<std::size_t> (selection.type);
    Track track;
    track.name = templates[type];
    track.name.replace (
        track.name.find ("%u"), 2, std::to_string (counts[type]++));
    track.id = gstadaptivecollection::stream_id (element_, track.name);
    track.selection = std::move (selection);
    tracks_.push_back (std::move (track));
  }
}

// Not for one pad with picture and sound: its streams are those of a demuxer.
void AdaptivePlayback::announce (const Streams &streams)
{
  std::vector<const presentation::Track *> all;
  for (const Track &track : tracks_)
    all.push_back (track.selection.track.get ());
  for (const auto *track : all)
    if (choice::is_muxed (*track, all)) return;
  std::vector<bool> has_pad;
  std::vector<Owned<GstStream>> shown;
  auto stream = streams.begin ();
  for (Track &track : tracks_) {
    bool is_selected = track.selection.is_selected;
    GstCaps *caps = is_selected ? (*stream++)->caps () : nullptr;
    track.stream = gstadaptivecollection::make_stream (
        track.id, *track.selection.track, caps, is_selected);
    shown.push_back (relay::share (track.stream.get ()));
    has_pad.push_back (is_selected);
  }
  Owned<GstStreamCollection> collection =
      gstadaptivecollection::make_collection (
          gstadaptivecollection::stream_id (element_, "tracks"), shown);
  {
    auto selected = selected_.lock ();
    selected->collection = relay::share (collection.get ());
    selected->tracks = std::move (has_pad);
  }
  gst_element_post_message (
      element_, gst_message_new_stream_collection (
                    GST_OBJECT (element_), collection.get ()));
}

void AdaptivePlayback::add_pad (AdaptiveStream &stream, const Track &track)
{
  Owned<GstStreamCollection> collection =
      relay::share (selected_.lock ()->collection.get ());
  Owned<GstEvent> toc = relay::share (state_.lock ()->toc.get ());
  auto type = static_cast<std::size_t> (track.selection.type);
  GstPad *pad =
      stream.make_pad (gst_element_class_get_pad_template (
                           GST_ELEMENT_GET_CLASS (element_), templates[type]),
          track.name,
          {track.id, track.stream.get (), collection.get (), toc.get ()});
  gst_element_add_pad (element_, pad);
}

// Those that nothing is said of are looked at all at once. False: it has been
// said why.
bool AdaptivePlayback::find_formats (const Streams &streams)
{
  std::vector<std::thread> threads;
  std::atomic<bool> found{true};
  for (const auto &stream : streams)
    if (!stream->has_format ())
      threads.emplace_back ([&found, stream] {
        if (!stream->find_format ()) found = false;
      });
  for (std::thread &thread : threads) thread.join ();
  return found;
}

// Adds a pad for each track that is selected, and sets all of them going.
void AdaptivePlayback::expose (loader::Loaded loaded)
{
  name_tracks (std::move (loaded));
  Itinerary itinerary = state_.lock ()->itinerary;
  Streams streams;
  for (const Track &track : tracks_) {
    if (!track.selection.is_selected) continue;
    AdaptiveStream::post_variant (
        element_, track.name, track.selection.representation);
    auto stream = add_stream (track.selection, itinerary);
    if (!stream) return;
    streams.push_back (std::move (stream));
  }
  if (!find_formats (streams)) return;
  announce (streams);
  auto stream = streams.begin ();
  for (const Track &track : tracks_)
    if (track.selection.is_selected) add_pad (**stream++, track);
  gst_element_no_more_pads (element_);
  post_selected (GST_SEQNUM_INVALID);
  // Not earlier: a pipeline whose sinks are all at EOS is at its end, even when
  // there would have been another pad.
  set_going ();
  selected_.lock ()->stopping = false;
}

// Or to where a seek that came before leads.
void AdaptivePlayback::set_going ()
{
  Streams streams;
  bool has_seek = false;
  {
    auto state = state_.lock ();
    state->is_exposed = true;
    has_seek = state->is_seeking = state->wanted.has_value ();
    streams = state->streams;
  }
  if (has_seek) (void)carry_out_seeks ();
  for (const auto &stream : streams) stream->start_first ();
  if (state_.lock ()->ends) (void)end ();
  check_end ();
}

bool AdaptivePlayback::end ()
{
  Streams streams;
  {
    auto state = state_.lock ();
    if (!state->cancellable ||
        g_cancellable_is_cancelled (state->cancellable.get ()))
      return false;
    // Those that are not there yet end when they are.
    state->ends = true;
    if (state->is_exposed) streams = state->streams;
  }
  for (const auto &stream : streams) stream->end_now ();
  return true;
}

std::unique_ptr<Steerer> AdaptivePlayback::make_steerer (
    const fetcher::Settings &settings)
{
  Steerer::Way way;
  way.settings = settings;
  way.settings.retries = 0;
  way.counters = &counters_;
  way.places = &choice_->places;
  way.throughput = [this] () -> std::optional<std::uint64_t> {
    auto estimate = choice_->throughput.estimate ();
    if (!estimate) return std::nullopt;
    return estimate->safe ();
  };
  way.report = [this] (const std::string &uri, const auto &said) {
    gstadaptiveevents::post (element_, uri, said);
  };
  way.warn = [this, has_warned = false] (const std::string &why) mutable {
    if (std::exchange (has_warned, true)) {
      GST_WARNING_OBJECT (element_, "%s", why.c_str ());
      return;
    }
    GST_ELEMENT_WARNING (element_, RESOURCE, READ,
        (_ ("Content Steering failed: the order of places stays as it was.")),
        ("%s", why.c_str ()));
  };
  return std::make_unique<Steerer> (std::move (way));
}

std::shared_ptr<segmentcache::Cache> AdaptivePlayback::open_cache (
    const segmentcache::Settings &settings)
{
  if (settings.folder.empty ()) return nullptr;
  std::string folder = settings.folder.string ();
  auto warn = [this, folder] (const std::string &what) {
    GST_ELEMENT_WARNING (element_, RESOURCE, WRITE,
        (_ ("The cache cannot keep or give back parts of the stream.")),
        ("%s: %s", folder.c_str (), what.c_str ()));
  };
  return std::make_shared<segmentcache::Cache> (settings, kept_, warn);
}

AdaptiveStream::Shared AdaptivePlayback::make_common (const Settings &settings)
{
  AdaptiveStream::Shared common;
  common.element = element_;
  common.feeds.access = {settings.fetch, &counters_, gstblocks::shared_pool (),
      keys_, open_cache (settings.cache),
      gstsource::credentials_of (settings.fetch.extra_headers)};
  common.feeds.access.on_other_clock = [this] (const std::string &uri) {
    GST_WARNING_OBJECT (element_,
        "%s has timestamps that are not those of the other tracks",
        uri.c_str ());
  };
  common.feeds.counters = &segments_;
  common.feeds.lanes = lanes_;
  common.choice = choice_;
  common.courses = courses_;
  common.feeds.report = [this] (int percent) { report_level (percent); };
  common.keys = std::make_shared<AdaptiveKeys> (
      element_, settings.fetch, settings.license_url, &counters_, keys_);
  common.ended = [this] {
    check_end ();
    (void)state_.lock ();
    seeked_.notify_all ();
  };
  common.may_fail = [this] { return may_fail (); };
  common.position = [this] (const AdaptiveStream *but, auto running) {
    Streams streams = state_.lock ()->streams;
    return position_of (streams, but, running);
  };
  common.seek = [this] (GstEvent *event) { return seek (event); };
  common.select = [this] (GstEvent *event) {
    return select (event, Origin::downstream);
  };
  common.group_id = gst_util_group_id_next ();
  return common;
}

void AdaptivePlayback::load (const Settings &settings)
{
  Owned<GCancellable> cancellable =
      relay::share (state_.lock ()->cancellable.get ());
  auto loaded =
      loader::load ({settings.fetch, cancellable.get (), &counters_,
                        keys_.get (), &choice_->places, steerer_.get ()},
          settings.location, settings.options);
  if (!loaded) {
    if (may_fail ()) post_problem (loaded.code ());
    return;
  }
  if (loaded->duration) {
    state_.lock ()->duration = *loaded->duration;
    gst_element_post_message (
        element_, gst_message_new_duration_changed (GST_OBJECT (element_)));
  }
  gstadaptiveevents::post (element_, loaded->event_streams);
  gstadaptiveevents::post (element_, loaded->notes);
  if (auto toc = gstadaptivetoc::make_event (loaded->chapters)) {
    gstadaptivetoc::post (element_, toc.get ());
    state_.lock ()->toc = std::move (toc);
  }
  begin_with (*loaded, settings);
  if (!has_anything (*loaded)) {
    if (may_fail ())
      GST_ELEMENT_ERROR (element_, RESOURCE, SEEK,
          (_ ("start-offset and skip-ranges leave nothing to be played.")),
          (nullptr));
    return;
  }
  common_ = make_common (settings);
  expose (std::move (*loaded));
}

// ---- States ----------------------------------------------------------------

void AdaptivePlayback::start (Settings settings)
{
  failed_ = false;
  State fresh;
  fresh.cancellable.reset (g_cancellable_new ());
  fresh.preparing.reset (g_cancellable_new ());
  fresh.left_out = settings.left_out;
  gst_segment_init (&fresh.segment, GST_FORMAT_TIME);
  *state_.lock () = std::move (fresh);
  set_limits (settings.options.limits);
  choice_->throughput.clear ();
  choice_->variant.lock ()->reset ();
  choice_->places.clear ();
  choice_->places.report = [this] (const auto &move) { report_move (move); };
  begin_at (settings.start_offset, settings);
  keys_ = std::make_shared<keystore::Store> ();
  steerer_ = make_steerer (settings.fetch);
  auto lanes = lanes_->lock ();
  lanes->limits = settings.ahead;
  lanes->reports = settings.use_buffering;
  lanes->is_buffering = settings.use_buffering;
  lanes->percent = -1;
  loading_ = std::thread ([this, of = std::move (settings)] { load (of); });
}

void AdaptivePlayback::stop_loading ()
{
  if (!loading_.joinable ()) return;
  Streams streams;
  Owned<GCancellable> cancellable;
  {
    auto state = state_.lock ();
    streams = state->streams;
    cancellable = relay::share (state->cancellable.get ());
    // From here on none is added.
    g_cancellable_cancel (cancellable.get ());
    g_cancellable_cancel (state->preparing.get ());
  }
  seeked_.notify_all ();
  for (const auto &stream : streams) stream->cancel ();
  loading_.join ();
  stop_selecting ();
  keys_->stop ();
  steerer_->stop ();
  // Whoever carries out a seek is through soon.
  auto state = state_.lock ();
  state->wanted.reset ();
  state.wait (seeked_, [] (const State &now) { return !now.is_seeking; });
}

void AdaptivePlayback::remove_pads ()
{
  std::vector<Owned<GstPad>> pads;
  GST_OBJECT_LOCK (element_);
  for (GList *at = element_->srcpads; at != nullptr; at = at->next)
    pads.push_back (relay::share (GST_PAD (at->data)));
  GST_OBJECT_UNLOCK (element_);
  for (const auto &pad : pads) gst_element_remove_pad (element_, pad.get ());
  Streams streams;
  std::swap (state_.lock ()->streams, streams);
}

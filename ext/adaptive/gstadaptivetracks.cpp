// SPDX-License-Identifier: LGPL-2.1-or-later
// Which tracks of a playback have pads, and how that changes.
#include <algorithm>
#include <map>
#include <utility>

#include "gstadaptivecollection.h"
#include "gstadaptiveplayback.h"

using relay::Owned;

void AdaptivePlayback::post_selected (guint32 seqnum)
{
  Owned<GstMessage> message;
  {
    auto selected = selected_.lock ();
    if (!selected->collection) return;
    message = gstadaptivecollection::selected (
        element_, selected->collection.get (), selected->tracks, seqnum);
  }
  gst_element_post_message (element_, message.release ());
}

// What comes twice, by several pads, is carried out once. By a thread of its
// own: there is a playlist to be loaded, and the event may come out of a push.
bool AdaptivePlayback::select (GstEvent *event, Origin origin)
{
  auto selected = selected_.lock ();
  if (!selected->collection || selected->stopping) return false;
  auto wanted =
      gstadaptivecollection::wanted (selected->collection.get (), event);
  if (!wanted) return false;
  if (gst_event_get_seqnum (event) == selected->seqnum) return true;
  selected->seqnum = gst_event_get_seqnum (event);
  selected->origin = origin;
  selected->wanted = std::move (wanted);
  if (selected->is_working) return true;
  selected->is_working = true;
  if (selecting_.joinable ()) selecting_.join ();
  selecting_ = std::thread ([this] { work_on_selection (); });
  return true;
}

void AdaptivePlayback::stop_selecting ()
{
  std::thread thread;
  {
    auto selected = selected_.lock ();
    selected->stopping = true;
    selected->wanted.reset ();
    std::swap (thread, selecting_);
  }
  if (thread.joinable ()) thread.join ();
  Selected fresh;
  std::swap (*selected_.lock (), fresh);
}

void AdaptivePlayback::work_on_selection ()
{
  for (;;) {
    std::vector<bool> wanted;
    guint32 seqnum = GST_SEQNUM_INVALID;
    Origin origin = Origin::application;
    {
      auto selected = selected_.lock ();
      if (!selected->wanted) {
        selected->is_working = false;
        return;
      }
      wanted = *std::exchange (selected->wanted, std::nullopt);
      seqnum = selected->seqnum;
      origin = selected->origin;
    }
    change_tracks (wanted, seqnum, origin);
  }
}

// A track goes on where another one of its type leaves off. Bins that have
// decoders behind the pads want them to stay: after a second change of pads
// decodebin3 of GStreamer 1.22 plays nothing of the type any more, and crashes
// when it is stopped. For others a track has its pad until it has sent what it
// had begun, and the new one has another.
void AdaptivePlayback::change_tracks (
    const std::vector<bool> &wanted, guint32 seqnum, Origin origin)
{
  std::vector<bool> present = selected_.lock ()->tracks;
  take_up_muted (present, wanted);
  if (origin == Origin::downstream) {
    keep_pads (present, wanted);
    mute (present, wanted);
  }
  std::map<presentation::Type, std::optional<presentation::Time>> left;
  std::map<presentation::Type, bool> was_main;
  for (std::size_t i = 0; i < wanted.size (); i++) {
    loader::Selection &selection = tracks_[i].selection;
    if (!present[i] || wanted[i]) continue;
    if (auto stream = stream_of (tracks_[i]))
      left[selection.type] = stream->leave ();
    was_main[selection.type] = std::exchange (selection.is_main, false);
  }
  for (std::size_t i = 0; i < wanted.size (); i++) {
    loader::Selection &selection = tracks_[i].selection;
    if (present[i] || !wanted[i]) continue;
    if (std::exchange (was_main[selection.type], false))
      selection.is_main = true;
    add_track (tracks_[i], left[selection.type]);
  }
  selected_.lock ()->tracks = wanted;
  post_selected (seqnum);
  for (std::size_t i = 0; i < wanted.size (); i++)
    if (present[i] && !wanted[i]) remove_track (tracks_[i]);
}

// What is done thereby is the same in both afterwards.
void AdaptivePlayback::keep_pads (
    std::vector<bool> &present, const std::vector<bool> &wanted)
{
  for (std::size_t i = 0; i < wanted.size (); i++) {
    if (!present[i] || wanted[i]) continue;
    for (std::size_t j = 0; j < wanted.size (); j++) {
      if (present[j] || !wanted[j] ||
          tracks_[j].selection.type != tracks_[i].selection.type)
        continue;
      if (!take_over (tracks_[i], tracks_[j])) continue;
      present[i] = false;
      present[j] = true;
      break;
    }
  }
}

// What goes on on a pad that has stayed.
void AdaptivePlayback::take_up_muted (
    std::vector<bool> &present, const std::vector<bool> &wanted)
{
  for (Track &from : tracks_) {
    for (std::size_t i = 0; from.is_muted && i < wanted.size (); i++) {
      if (present[i] || !wanted[i] ||
          tracks_[i].selection.type != from.selection.type ||
          !take_over (from, tracks_[i]))
        continue;
      from.is_muted = false;
      present[i] = true;
    }
  }
}

// Who wants nothing of a type any more, as bins do that have sound switched
// off, may want it again: then decodebin3 of GStreamer 1.22 plays nothing that
// comes by another pad, and the process crashes when it is stopped.
void AdaptivePlayback::mute (
    std::vector<bool> &present, const std::vector<bool> &wanted)
{
  auto is_wanted = [&] (presentation::Type type) {
    for (std::size_t i = 0; i < wanted.size (); i++)
      if (wanted[i] && tracks_[i].selection.type == type) return true;
    return false;
  };
  for (std::size_t i = 0; i < wanted.size (); i++) {
    if (!present[i] || wanted[i] || is_wanted (tracks_[i].selection.type))
      continue;
    auto stream = stream_of (tracks_[i]);
    if (!stream) continue;
    stream->mute ();
    tracks_[i].is_muted = true;
    present[i] = false;
  }
}

// False: it needs another pad.
bool AdaptivePlayback::take_over (Track &from, Track &to)
{
  auto stream = stream_of (from);
  if (!stream) return false;
  bool was_main = from.selection.is_main;
  auto selection = completed (to);
  if (!selection) return false;
  selection->is_main = was_main;
  if (!stream->change (std::move (*selection))) return false;
  from.selection.is_main = false;
  to.selection.is_main = was_main;
  std::swap (from.name, to.name);
  return true;
}

std::shared_ptr<AdaptiveStream> AdaptivePlayback::stream_of (const Track &track)
{
  Streams streams = state_.lock ()->streams;
  for (const auto &stream : streams)
    if (stream->pad () != nullptr &&
        track.name == GST_PAD_NAME (stream->pad ()))
      return stream;
  return nullptr;
}

// False: it has been said why.
bool AdaptivePlayback::complete (loader::Selection &selection)
{
  Owned<GCancellable> cancellable =
      relay::share (state_.lock ()->cancellable.get ());
  std::vector<loader::Selection *> wanted = {&selection};
  for (loader::Selection &later : selection.later) wanted.push_back (&later);
  auto done =
      loader::complete ({common_.feeds.access.settings, cancellable.get (),
                            &counters_, nullptr, &choice_->places},
          wanted);
  if (!done && !g_cancellable_is_cancelled (cancellable.get ()) && may_fail ())
    post_problem (done.code ());
  return done.ok ();
}

// As it is to be played from now on. Nothing: it has been said why.
std::optional<loader::Selection> AdaptivePlayback::completed (
    const Track &track)
{
  loader::Selection selection = track.selection;
  const presentation::Track &all = *selection.track;
  if (all.is_rendition)
    selection.index = choice_->rendition_of (all).value_or (selection.index);
  selection.representation = all.representations[selection.index];
  for (loader::Selection &later : selection.later)
    later.representation = later.track->representations[later.index];
  if (!complete (selection)) return std::nullopt;
  return selection;
}

void AdaptivePlayback::add_track (
    Track &track, std::optional<presentation::Time> time)
{
  auto selection = completed (track);
  if (!selection) return;
  // Not amid a seek.
  {
    auto state = state_.lock ();
    state.wait (seeked_, [] (const State &now) {
      return !now.is_seeking ||
             g_cancellable_is_cancelled (now.cancellable.get ());
    });
    if (g_cancellable_is_cancelled (state->cancellable.get ())) return;
    state->is_seeking = true;
    state->reported = false;
  }
  begin_track (track, std::move (*selection), time);
  (void)carry_out_seeks ();
  check_end ();
}

void AdaptivePlayback::begin_track (const Track &track,
    loader::Selection selection, std::optional<presentation::Time> time)
{
  Streams streams;
  Itinerary itinerary;
  {
    auto state = state_.lock ();
    streams = state->streams;
    itinerary = state->itinerary;
  }
  if (!time) time = position_of (streams);
  if (time) itinerary.walk.pass (*time);
  AdaptiveStream::post_variant (element_, track.name, selection.representation);
  auto stream = add_stream (std::move (selection), itinerary);
  if (!stream || !find_formats ({stream})) return;
  add_pad (*stream, track);
  stream->start ();
}

// When it has ended: downstream may hold it up for long.
void AdaptivePlayback::remove_track (const Track &track)
{
  auto stream = stream_of (track);
  if (!stream) return;
  {
    auto state = state_.lock ();
    state.wait (seeked_, [&] (const State &now) {
      return (!now.is_seeking && stream->is_over ()) ||
             g_cancellable_is_cancelled (now.cancellable.get ());
    });
    if (g_cancellable_is_cancelled (state->cancellable.get ())) return;
    std::erase (state->streams, stream);
  }
  // Its thread may not be through yet with its last turn.
  gst_pad_set_active (stream->pad (), FALSE);
  gst_element_remove_pad (element_, stream->pad ());
}

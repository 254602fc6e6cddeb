// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptiveplayback.h"

#include <glib/gi18n-lib.h>

#include <array>
#include <iterator>
#include <utility>

#include "gstadaptiveevents.h"
#include "gstblocks.h"

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
  gst_structure_set (
      out.get (), "segments", G_TYPE_UINT64, segments_.load (), nullptr);
  return out;
}

// A stream has ended, is no longer wanted, or waits for a link.
void AdaptivePlayback::check_end ()
{
  bool linked = false;
  {
    auto state = state_.lock ();
    if (state->reported ||
        g_cancellable_is_cancelled (state->cancellable.get ()))
      return;
    for (const auto &stream : state->streams) {
      GstFlowReturn flow = stream->flow ();
      if (flow == GST_FLOW_OK) return;
      linked = linked || flow != GST_FLOW_NOT_LINKED;
    }
    state->reported = linked;
  }
  if (linked)
    gst_element_post_message (element_,
        gst_message_new_element (GST_OBJECT (element_), stats ().release ()));
  else if (may_fail ())
    GST_ELEMENT_FLOW_ERROR (element_, GST_FLOW_NOT_LINKED);
}

// ---- The manifest's thread -------------------------------------------------

// Null when the element has been stopped.
std::shared_ptr<AdaptiveStream> AdaptivePlayback::add_stream (
    const AdaptiveStream::Shared &common, loader::Selection selection)
{
  auto stream =
      std::make_shared<AdaptiveStream> (common, std::move (selection));
  auto state = state_.lock ();
  if (g_cancellable_is_cancelled (state->cancellable.get ())) return nullptr;
  state->streams.push_back (stream);
  return stream;
}

// Adds a pad for each track, and sets all of them going.
void AdaptivePlayback::expose (
    loader::Loaded loaded, const AdaptiveStream::Shared &common)
{
  std::array<unsigned, std::size (templates)> counts{};
  std::vector<std::shared_ptr<AdaptiveStream>> added;
  for (loader::Selection &selection : loaded.selections) {
    auto type = static_cast<std::size_t> (selection.type);
    std::string name = templates[type];
    name.replace (name.find ("%u"), 2, std::to_string (counts[type]++));
    AdaptiveStream::post_variant (element_, name, selection.representation);

    auto stream = add_stream (common, std::move (selection));
    if (!stream || !stream->find_format ()) return;
    GstPad *pad = stream->make_pad (
        gst_element_class_get_pad_template (
            GST_ELEMENT_GET_CLASS (element_), templates[type]),
        name);
    gst_element_add_pad (element_, pad);
    added.push_back (std::move (stream));
  }
  gst_element_no_more_pads (element_);
  // Not earlier: a pipeline whose sinks are all at EOS is at its end, even when
  // there would have been another pad.
  for (const auto &stream : added) stream->start ();
}

AdaptiveStream::Shared AdaptivePlayback::make_common (const Settings &settings)
{
  AdaptiveStream::Shared common;
  common.element = element_;
  auto keys = std::make_shared<keystore::Store> ();
  common.access = {settings.fetch, &counters_, gstblocks::shared_pool (), keys};
  common.keys = std::make_shared<AdaptiveKeys> (
      element_, settings.fetch, settings.license_url, &counters_, keys);
  common.segments = &segments_;
  common.ended = [this] { check_end (); };
  common.may_fail = [this] { return may_fail (); };
  common.group_id = gst_util_group_id_next ();
  return common;
}

void AdaptivePlayback::load (const Settings &settings)
{
  Owned<GCancellable> cancellable =
      relay::share (state_.lock ()->cancellable.get ());
  auto loaded = loader::load (settings.fetch, settings.location,
      settings.max_bitrate, cancellable.get (), &counters_);
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
  AdaptiveStream::Shared common = make_common (settings);
  common.start = loaded->start;
  expose (std::move (*loaded), common);
}

// ---- States ----------------------------------------------------------------

void AdaptivePlayback::start (Settings settings)
{
  failed_ = false;
  State fresh;
  fresh.cancellable.reset (g_cancellable_new ());
  *state_.lock () = std::move (fresh);
  loading_ = std::thread ([this, of = std::move (settings)] { load (of); });
}

void AdaptivePlayback::stop_loading ()
{
  if (!loading_.joinable ()) return;
  std::vector<std::shared_ptr<AdaptiveStream>> streams;
  Owned<GCancellable> cancellable;
  {
    auto state = state_.lock ();
    streams = state->streams;
    cancellable = relay::share (state->cancellable.get ());
    // From here on none is added.
    g_cancellable_cancel (cancellable.get ());
  }
  for (const auto &stream : streams) stream->cancel ();
  loading_.join ();
}

void AdaptivePlayback::remove_pads ()
{
  std::vector<Owned<GstPad>> pads;
  GST_OBJECT_LOCK (element_);
  for (GList *at = element_->srcpads; at != nullptr; at = at->next)
    pads.push_back (relay::share (GST_PAD (at->data)));
  GST_OBJECT_UNLOCK (element_);
  for (const auto &pad : pads) gst_element_remove_pad (element_, pad.get ());
  state_.lock ()->streams.clear ();
}

// ---- Queries ---------------------------------------------------------------

std::optional<bool> AdaptivePlayback::answer (GstQuery *query)
{
  if (AdaptiveStream::answer (query)) return true;
  if (GST_QUERY_TYPE (query) != GST_QUERY_DURATION) return std::nullopt;
  GstFormat format = GST_FORMAT_UNDEFINED;
  gst_query_parse_duration (query, &format, nullptr);
  auto duration = state_.lock ()->duration;
  if (format != GST_FORMAT_TIME || !duration) return false;
  gst_query_set_duration (query, format, static_cast<gint64> (*duration));
  return true;
}

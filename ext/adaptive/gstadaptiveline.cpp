// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptiveline.h"

#include <glib/gi18n-lib.h>

#include <algorithm>

#include "schedule.h"
#include "trickmode.h"

using presentation::Representation;

// A track in its periods.
static std::vector<timeline::Stretch> stretches_of (
    const loader::Selection &selection)
{
  std::vector<timeline::Stretch> out{
      {&selection.representation, selection.start, selection.end}};
  for (const loader::Selection &later : selection.later)
    out.push_back ({&later.representation, later.start, later.end});
  return out;
}

AdaptiveLine::AdaptiveLine (const SegmentReader::Access &access,
    std::shared_ptr<AdaptiveSwitch::Common> choice, loader::Selection from)
    : selection (std::move (from)),
      track (stretches_of (selection)),
      chooser (std::move (choice), selection,
          [&access] (Representation &chosen, GCancellable *cancellable) {
            return loader::complete (
                {access.settings, cancellable, access.counters}, chosen)
                .ok ();
          })
{
}

container::Format gstadaptiveline::format_of (
    const Representation &representation, const presentation::Segment &segment)
{
  using container::Format;
  auto format = container::from_mime_type (representation.mime_type);
  if (format == Format::unknown)
    format = container::from_uri (segment.resource.uri);
  // HLS: EXT-X-MAP with what is not TS is for fragmented MP4, whatever its
  // name; packed audio has none (RFC 8216 3.3 and 3.4).
  if (segment.init &&
      (format == Format::unknown || format == Format::packed_audio))
    format = Format::mp4;
  return format;
}

// Nothing before the first segment is known.
static container::Format format_of (const Representation &representation)
{
  auto first = schedule::segment (representation, 0);
  return first ? gstadaptiveline::format_of (representation, *first)
               : container::Format::unknown;
}

// ---- Key frames alone ------------------------------------------------------

AdaptiveKeyFrames::Tracks AdaptiveKeyFrames::tracks_of (
    const loader::Selection &selection, double rate)
{
  Tracks out{trickmode::choose (selection.key_frames, rate)};
  for (const loader::Selection &later : selection.later)
    out.push_back (trickmode::choose (later.key_frames, rate));
  return out;
}

AdaptiveLine *AdaptiveKeyFrames::find (
    const loader::Selection &selection, double rate)
{
  const Tracks tracks = tracks_of (selection, rate);
  auto known = known_.lock ();
  auto found = std::ranges::find (*known, tracks, &Known::tracks);
  return found == known->end () ? nullptr : found->line.get ();
}

bool AdaptiveKeyFrames::is_known (const Tracks &tracks)
{
  auto known = known_.lock ();
  return std::ranges::find (*known, tracks, &Known::tracks) != known->end ();
}

// The first one is kept: others may have it.
void AdaptiveKeyFrames::keep (
    const Tracks &tracks, std::unique_ptr<AdaptiveLine> line)
{
  auto known = known_.lock ();
  if (std::ranges::find (*known, tracks, &Known::tracks) == known->end ())
    known->push_back ({tracks, std::move (line)});
}

// All of its parts at once. "" = all is well.
std::string AdaptiveKeyFrames::complete (loader::Selection &from,
    const loader::Selection &selection, const fetcher::Settings &settings,
    GCancellable *cancellable) const
{
  std::vector<loader::Selection *> parts{&from};
  for (loader::Selection &later : from.later) parts.push_back (&later);
  auto done =
      loader::complete ({settings, cancellable, access_.counters}, parts);
  if (!done) {
    const loader::Problem &problem = done.code ();
    return problem.error == loader::Error::fetch
               ? problem.fetch.uri + ": " + problem.fetch.message
               : problem.uri + ": " + problem.message;
  }
  auto format = format_of (selection.representation);
  for (const loader::Selection *part : parts) {
    auto other = format_of (part->representation);
    if (other != format && other != container::Format::unknown &&
        format != container::Format::unknown)
      return "it is in another container";
  }
  return {};
}

// If nobody has. "" = all is well.
std::string AdaptiveKeyFrames::ask (const Tracks &tracks,
    const loader::Selection &selection, double rate,
    const fetcher::Settings &settings, GCancellable *cancellable)
{
  if (is_known (tracks)) return {};
  auto from = loader::trick_mode (selection, choice_->limits.copy (), rate);
  if (!from) return {};
  std::string problem = complete (*from, selection, settings, cancellable);
  if (problem.empty ())
    keep (tracks,
        std::make_unique<AdaptiveLine> (access_, choice_, std::move (*from)));
  return problem;
}

void AdaptiveKeyFrames::load (
    const loader::Selection &selection, double rate, GCancellable *cancellable)
{
  const Tracks tracks = tracks_of (selection, rate);
  std::string problem =
      ask (tracks, selection, rate, access_.settings, cancellable);
  if (problem.empty () || g_cancellable_is_cancelled (cancellable)) return;
  keep (tracks, nullptr);
  GST_ELEMENT_WARNING (element_, RESOURCE, READ,
      (_ ("The key frames for trick modes cannot be had.")),
      ("%s", problem.c_str ()));
}

void AdaptiveKeyFrames::load_quickly (
    const loader::Selection &selection, double rate, GCancellable *cancellable)
{
  fetcher::Settings settings = access_.settings;
  settings.retries = 0;
  (void)ask (
      tracks_of (selection, rate), selection, rate, settings, cancellable);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptiveline.h"

#include <glib/gi18n-lib.h>

#include <string>
#include <utility>

#include "schedule.h"

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

// "" = all is well.
static std::string complete (const SegmentReader::Access &access,
    loader::Selection &part, container::Format format,
    GCancellable *cancellable)
{
  auto done = loader::complete (
      {access.settings, cancellable, access.counters}, part.representation);
  if (!done) {
    const loader::Problem &problem = done.code ();
    return problem.error == loader::Error::fetch
               ? problem.fetch.uri + ": " + problem.fetch.message
               : problem.uri + ": " + problem.message;
  }
  container::Format other = format_of (part.representation);
  if (other != format && other != container::Format::unknown &&
      format != container::Format::unknown)
    return "it is in another container";
  return {};
}

std::unique_ptr<AdaptiveLine> gstadaptiveline::make_trick_mode (
    GstElement *element, const SegmentReader::Access &access,
    const std::shared_ptr<AdaptiveSwitch::Common> &choice,
    const loader::Selection &selection, double rate, GCancellable *cancellable)
{
  auto from = loader::trick_mode (selection, choice->limits.copy (), rate);
  if (!from) return nullptr;
  container::Format format = ::format_of (selection.representation);
  std::string problem = complete (access, *from, format, cancellable);
  for (loader::Selection &later : from->later)
    if (problem.empty ())
      problem = complete (access, later, format, cancellable);
  if (problem.empty ())
    return std::make_unique<AdaptiveLine> (access, choice, std::move (*from));
  if (!g_cancellable_is_cancelled (cancellable))
    GST_ELEMENT_WARNING (element, RESOURCE, READ,
        (_ ("The key frames for trick modes cannot be had.")),
        ("%s", problem.c_str ()));
  return nullptr;
}

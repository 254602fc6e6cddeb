// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdsegments.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "template.h"

namespace mpdsegments {

using mpd::Error;
using mpd::SegmentInformation;
using mpd::SegmentUrls;
using presentation::Range;
using presentation::Resource;
using presentation::SegmentBase;
using presentation::SegmentList;
using presentation::Segments;
using presentation::SegmentTemplate;
using Kind = SegmentInformation::Kind;
using Made = mpd::Result<std::optional<Segments>>;

namespace {

template <class T>
void take (T &above, const T &own)
{
  if (own) above = own;
}

void add (SegmentInformation &above, const SegmentInformation &own)
{
  // From an element of the same name only.
  if (above.kind != own.kind) above = {};
  above.kind = own.kind;
  take (above.timescale, own.timescale);
  take (above.presentation_time_offset, own.presentation_time_offset);
  take (above.availability_time_offset, own.availability_time_offset);
  take (above.index_range, own.index_range);
  take (above.index, own.index);
  take (above.initialization, own.initialization);
  take (above.start_number, own.start_number);
  take (above.end_number, own.end_number);
  take (above.duration, own.duration);
  take (above.times, own.times);
  if (own.urls && (!above.urls || !own.urls->entries.empty ()))
    above.urls = own.urls;
  take (above.media, own.media);
  take (above.init_pattern, own.init_pattern);
}

std::uint32_t timescale_of (const SegmentInformation &from)
{
  return from.timescale.value_or (1);
}

std::uint64_t offset_of (const SegmentInformation &from)
{
  return from.presentation_time_offset.value_or (0);
}

// How many numbers there are from first to last.
std::uint64_t number_count (std::uint64_t first, std::uint64_t last)
{
  if (last < first) return 0;
  std::uint64_t more = last - first;
  return more == std::numeric_limits<std::uint64_t>::max () ? more : more + 1;
}

// In units of the timescale, rounded up: a part of a unit is shown too.
std::optional<std::uint64_t> to_units (
    presentation::Time time, std::uint32_t timescale)
{
  std::uint64_t seconds = time / presentation::second;
  std::uint64_t rest = time % presentation::second;
  // Below 2^30 * 2^32.
  std::uint64_t part =
      (rest * timescale + presentation::second - 1) / presentation::second;
  std::uint64_t out = 0;
  if (__builtin_mul_overflow (seconds, timescale, &out) ||
      __builtin_add_overflow (out, part, &out))
    return std::nullopt;
  return out;
}

}  // namespace

SegmentInformation inherited (
    SegmentInformation above, const std::vector<SegmentInformation> &own)
{
  for (Kind kind : {Kind::base, Kind::list, Kind::pattern})
    for (const SegmentInformation &one : own)
      if (one.kind == kind) add (above, one);
  return above;
}

Made Maker::make (const SegmentInformation &from, const Owner &owner)
{
  if (!presentation::to_time (offset_of (from), timescale_of (from)))
    return relay::failure (Error::overflow, owner.line);
  switch (from.kind) {
    case Kind::pattern:
      return make_pattern (from, owner);
    case Kind::list:
      return make_list (from, owner);
    case Kind::base:
      return make_base (from, !owner.is_webm);
    case Kind::none:
      break;
  }
  // A Representation that is one resource needs a BaseURL of its own; that of
  // a folder is not media.
  if (!owner.has_base_url) return std::optional<Segments> ();
  return make_base (from, !owner.is_webm);
}

Made Maker::make_base (const SegmentInformation &from, bool has_sidx) const
{
  SegmentBase base;
  base.timescale = timescale_of (from);
  base.presentation_time_offset = offset_of (from);
  base.initialization = from.initialization;
  if (from.index) base.index = *from.index;
  if (from.index_range) base.index.range = from.index_range;
  if (from.index_range && !base.initialization && from.index_range->first > 0)
    base.initialization = Resource{"", Range{0, from.index_range->first - 1}};
  if (has_sidx && (from.index || from.index_range))
    return std::optional<Segments> (std::move (base));
  // Without an index, or with Cues of WebM for one, the whole resource is the
  // one segment, its initialization included.
  SegmentList list;
  list.entries.emplace_back ();
  list.entries.front ().duration = period_.duration.value_or (0);
  list.offset =
      presentation::to_time (base.presentation_time_offset, base.timescale)
          .value_or (0);
  list.entries.front ().time = list.offset;
  return std::optional<Segments> (std::move (list));
}

// ---- Times -----------------------------------------------------------------

// The end of the period on the media's own clock.
mpd::Result<std::uint64_t> Maker::period_end (
    const SegmentInformation &from, std::size_t line) const
{
  if (!period_.duration) return relay::failure (Error::no_duration, line);
  auto units = to_units (*period_.duration, timescale_of (from));
  std::uint64_t end = 0;
  if (!units || __builtin_add_overflow (*units, offset_of (from), &end))
    return relay::failure (Error::overflow, line);
  return end;
}

// What is over when the Period begins is not shown, and neither is what would
// begin when it is over (5.3.9.5.3).
mpd::Result<Maker::Shown> Maker::cut (const SegmentInformation &from,
    const Timeline &timeline, bool has_end, std::size_t line) const
{
  std::uint64_t end = mpdtimeline::end_of (*timeline);
  if (!presentation::to_time (end, timescale_of (from)))
    return relay::failure (Error::overflow, line);
  Shown out;
  out.skipped = mpdtimeline::before (*timeline, offset_of (from));
  std::uint64_t last = mpdtimeline::count (*timeline);
  // When all of it is, @t has been forgotten: the media will say.
  if (out.skipped == last) out.skipped = 0;
  if (has_end && period_.duration) {
    auto until = period_end (from, line);
    if (!until) return until.error ();
    last = mpdtimeline::until (*timeline, *until);
  }
  out.timeline =
      mpdtimeline::part (timeline, out.skipped, std::max (last, out.skipped));
  return out;
}

mpd::Result<Maker::Shown> Maker::shown (
    const SegmentInformation &from, const Owner &owner)
{
  if (last_.times == from.times && last_.timescale == timescale_of (from) &&
      last_.offset == offset_of (from))
    return last_.shown;
  std::uint64_t end = 0;
  if (from.times->open) {
    auto found = period_end (from, from.times->line);
    if (!found) return found.error ();
    end = *found;
  }
  auto timeline = mpdtimeline::closed (*from.times, end);
  if (!timeline) return timeline.error ();
  auto out = cut (from, *timeline, true, owner.line);
  if (out) last_ = {from.times, timescale_of (from), offset_of (from), *out};
  return out;
}

// @duration: one run of equal segments (5.3.9.5.3).
mpd::Result<Maker::Timeline> Maker::numbers (
    const SegmentInformation &from, const Owner &owner) const
{
  auto out = std::make_shared<presentation::Timeline> ();
  std::uint64_t offset = offset_of (from);
  presentation::Timeline::Run run;
  run.time = offset;
  // 5.3.9.2.2: with neither @duration nor SegmentTimeline there is one segment.
  if (!from.duration) {
    out->runs.push_back (run);
    return Timeline (std::move (out));
  }
  run.duration = *from.duration;
  std::optional<std::uint64_t> most;
  if (from.end_number)
    most = number_count (from.start_number.value_or (1), *from.end_number);
  if (!most || period_.duration) {
    auto end = period_end (from, owner.line);
    if (!end) return end.error ();
    std::uint64_t length = *end - offset;
    std::uint64_t count = length == 0 ? 0 : (length - 1) / run.duration + 1;
    most = std::min (count, most.value_or (count));
  }
  run.count = *most;
  if (run.count > mpd::max_segments)
    return relay::failure (Error::too_many_segments, owner.line);
  std::uint64_t end = 0;
  if (__builtin_mul_overflow (run.count, run.duration, &end) ||
      __builtin_add_overflow (end, offset, &end) ||
      !presentation::to_time (end, timescale_of (from)))
    return relay::failure (Error::overflow, owner.line);
  if (run.count > 0) out->runs.push_back (run);
  return Timeline (std::move (out));
}

// ---- SegmentTemplate -------------------------------------------------------

Made Maker::make_pattern (const SegmentInformation &from, const Owner &owner)
{
  SegmentTemplate pattern;
  pattern.media = from.media.value_or ("");
  pattern.initialization = from.init_pattern.value_or ("");
  pattern.init = from.initialization;
  pattern.timescale = timescale_of (from);
  pattern.start_number = from.start_number.value_or (1);
  pattern.presentation_time_offset = offset_of (from);
  // Checked once with the longest values, so that no segment fails later.
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max ();
  url_template::Values longest{owner.id, most, owner.bandwidth, most};
  for (const std::string *text : {&pattern.media, &pattern.initialization})
    if (!url_template::expand (*text, longest))
      return relay::failure (Error::bad_template, owner.line);
  if (pattern.media.empty ())
    return relay::failure (Error::bad_template, owner.line);
  pattern.is_counted =
      !from.end_number &&
      (from.times ? from.times->open : from.duration.has_value ());

  if (!from.times) {
    if (pattern.media.find ("$Time") != std::string::npos)
      return relay::failure (Error::time_of_number, owner.line);
    auto timeline = numbers (from, owner);
    if (!timeline) return timeline.error ();
    pattern.timeline = std::move (*timeline);
    return std::optional<Segments> (std::move (pattern));
  }
  auto timeline = shown (from, owner);
  if (!timeline) return timeline.error ();
  pattern.timeline = timeline->timeline;
  if (from.end_number) {
    std::uint64_t count = number_count (pattern.start_number, *from.end_number);
    pattern.timeline = mpdtimeline::part (
        timeline->timeline, 0, count - std::min (count, timeline->skipped));
  }
  if (__builtin_add_overflow (
          pattern.start_number, timeline->skipped, &pattern.start_number))
    return relay::failure (Error::overflow, owner.line);
  return std::optional<Segments> (std::move (pattern));
}

// ---- SegmentList -----------------------------------------------------------

namespace {

// When the SegmentURLs are: as many segments as there are of these, or those
// of a SegmentTimeline.
mpd::Result<std::shared_ptr<const presentation::Timeline>> times_of (
    const SegmentInformation &from, const Owner &owner,
    mpd::Result<std::uint64_t> period_end)
{
  std::uint64_t count = from.urls->entries.size ();
  if (from.times) {
    if (from.times->open && !period_end) return period_end.error ();
    auto timeline =
        mpdtimeline::closed (*from.times, from.times->open ? *period_end : 0);
    if (timeline && mpdtimeline::count (**timeline) != count)
      return relay::failure (Error::bad_list, from.urls->line);
    return timeline;
  }
  if (!from.duration && count > 1)
    return relay::failure (Error::no_duration, owner.line);
  auto out = std::make_shared<presentation::Timeline> ();
  out->runs = {{offset_of (from), from.duration.value_or (0), 0, count}};
  return std::shared_ptr<const presentation::Timeline> (std::move (out));
}

SegmentList::Entry entry_of (const SegmentUrls::Entry &from, SegmentList &list)
{
  SegmentList::Entry out;
  out.uri_at = from.uri_at;
  out.uri_size = from.uri_size;
  if (from.first > 0 || from.size > 0)
    out.part = list.add_part ({from.first, from.size});
  return out;
}

}  // namespace

// 5.3.9.3
Made Maker::make_list (const SegmentInformation &from, const Owner &owner)
{
  if (!from.urls || from.urls->entries.empty ())
    return std::optional<Segments> ();
  auto timeline = times_of (from, owner, period_end (from, owner.line));
  if (!timeline) return timeline.error ();
  auto used = cut (from, *timeline, !period_.is_last, owner.line);
  if (!used) return used.error ();

  SegmentList list;
  list.text = from.urls->text;
  if (from.initialization) list.inits.push_back (*from.initialization);
  std::uint32_t timescale = timescale_of (from);
  // Looked at in make () and in cut (): they are no later than max_time.
  list.offset =
      presentation::to_time (offset_of (from), timescale).value_or (0);
  std::size_t at = used->skipped;
  for (const auto &run : used->timeline->runs) {
    auto duration = presentation::to_time (run.duration, timescale);
    for (std::uint64_t i = 0; i < run.count; i++) {
      SegmentList::Entry entry = entry_of (from.urls->entries[at++], list);
      entry.time =
          presentation::to_time (run.time + i * run.duration, timescale)
              .value_or (0);
      entry.duration = duration.value_or (0);
      if (!list.inits.empty ()) entry.init = 0;
      list.entries.push_back (entry);
    }
  }
  if (list.entries.empty ()) return std::optional<Segments> ();
  return std::optional<Segments> (std::move (list));
}

}  // namespace mpdsegments

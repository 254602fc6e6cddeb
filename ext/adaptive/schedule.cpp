// SPDX-License-Identifier: LGPL-2.1-or-later
#include "schedule.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "m3u8text.h"
#include "template.h"
#include "uri.h"

namespace schedule {

using presentation::Representation;
using presentation::Resource;
using presentation::Segment;
using presentation::SegmentBase;
using presentation::SegmentList;
using presentation::SegmentTemplate;
using presentation::Time;
using presentation::Timeline;

std::size_t choose (const presentation::Track &track, std::uint64_t max_bitrate)
{
  const auto &all = track.representations;
  // The highest of those that fit is better than one that does not, and of
  // those that do not the lowest is best.
  auto better = [max_bitrate] (std::uint64_t a, std::uint64_t b) {
    bool a_fits = max_bitrate == 0 || a <= max_bitrate;
    bool b_fits = max_bitrate == 0 || b <= max_bitrate;
    if (a_fits != b_fits) return a_fits;
    return a_fits ? a > b : a < b;
  };
  std::size_t best = 0;
  for (std::size_t i = 1; i < all.size (); i++)
    if (better (all[i].bandwidth, all[best].bandwidth)) best = i;
  return best;
}

std::optional<std::size_t> choose_rendition (
    const presentation::Track &track, const Representation &variant)
{
  const auto &all = track.representations;
  const std::string &group =
      track.type == presentation::Type::audio  ? variant.group
      : track.type == presentation::Type::text ? variant.text_group
                                               : variant.video_group;
  auto found = std::ranges::find (all, group, &Representation::group);
  if (found == all.end ()) return std::nullopt;
  return static_cast<std::size_t> (found - all.begin ());
}

namespace {

Resource absolute (const std::string &base, Resource resource)
{
  resource.uri = uri::resolve (base, resource.uri);
  if (resource.encryption)
    resource.encryption->key_uri =
        uri::resolve (base, resource.encryption->key_uri);
  return resource;
}

// "If the EXT-X-KEY tag does not have an IV attribute, ... the Media Sequence
// Number is to be used as the IV" (RFC 8216bis 4.4.4.4), big-endian (5.2).
presentation::Encryption::Iv iv_of (std::uint64_t sequence)
{
  presentation::Encryption::Iv iv{};
  for (std::size_t i = iv.size (); i > 8; i--, sequence >>= 8)
    iv[i - 1] = static_cast<std::uint8_t> (sequence);
  return iv;
}

// "identity" is the key itself: with SAMPLE-AES what a segment that is not MP4
// can be decrypted with.
void encrypt_samples (Segment &segment, std::uint64_t sequence)
{
  if (!segment.protections) return;
  for (const presentation::ContentProtection &one : *segment.protections) {
    if (one.key_format != "identity" || one.value != "cbcs") continue;
    auto iv = m3u8text::hexadecimal ("0x" + one.iv);
    segment.samples =
        presentation::Encryption{presentation::Encryption::Cipher::aes_128,
            one.key_uri, iv ? *iv : iv_of (sequence)};
    return;
  }
}

void encrypt (Segment &segment, const std::string &base,
    const SegmentList &list, const SegmentList::Key &key, std::uint64_t n)
{
  const SegmentList::KeyTag &tag = list.key_tags[key.tag];
  if (!tag.is_whole) {
    if (tag.protections < list.protections.size ())
      segment.protections = list.protections[tag.protections];
    encrypt_samples (segment, list.media_sequence + n);
    return;
  }
  auto iv = m3u8text::hexadecimal (list.iv (key));
  segment.resource.encryption =
      presentation::Encryption{tag.cipher, uri::resolve (base, list.uri (tag)),
          iv ? *iv : iv_of (list.media_sequence + n)};
}

// That of the first segment and "the number of EXT-X-DISCONTINUITY tags in the
// Playlist preceding the URI line of the segment" (RFC 8216bis 6.2).
std::uint64_t discontinuity_sequence (const SegmentList &list, std::uint64_t n)
{
  auto end = std::ranges::upper_bound (list.discontinuities, n);
  return list.discontinuity_sequence +
         static_cast<std::uint64_t> (end - list.discontinuities.begin ());
}

std::optional<Segment> nth (
    const std::string &base, const SegmentList &list, std::uint64_t n)
{
  if (n >= list.entries.size ()) return std::nullopt;
  const SegmentList::Entry &entry = list.entries[n];
  Segment segment;
  segment.resource = absolute (base, {std::string (list.uri (entry)), {}});
  SegmentList::Part part = list.part (entry);
  if (part.size > 0)
    segment.resource.range.emplace (
        presentation::Range{part.first, part.first + part.size - 1});
  else if (part.first > 0)
    segment.resource.range.emplace (
        presentation::Range{part.first, std::nullopt});
  if (entry.init < list.inits.size ())
    segment.init = absolute (base, list.inits[entry.init]);
  if (entry.key < list.keys.size ())
    encrypt (segment, base, list, list.keys[entry.key], n);
  segment.gap = entry.gap;
  segment.time = entry.time;
  segment.duration = entry.duration;
  // What lies between two key frames is left out.
  segment.discontinuity = entry.discontinuity || list.i_frames_only;
  segment.discontinuity_sequence = discontinuity_sequence (list, n);
  return segment;
}

std::optional<Segment> nth (const Representation &representation,
    const SegmentTemplate &pattern, std::uint64_t n)
{
  // The last run that begins at n or before it.
  const auto &runs = pattern.timeline->runs;
  auto run = std::ranges::upper_bound (runs, n, {}, &Timeline::Run::first);
  if (run == runs.begin ()) return std::nullopt;
  --run;
  std::uint64_t index = n - run->first;
  if (index >= run->count) return std::nullopt;

  url_template::Values values;
  values.representation_id = representation.id;
  values.bandwidth = representation.bandwidth;
  values.number = pattern.start_number + n;
  values.time = run->time + index * run->duration;
  auto time = presentation::to_time (values.time, pattern.timescale);
  auto duration = presentation::to_time (run->duration, pattern.timescale);
  auto media = url_template::expand (pattern.media, values);
  if (!time || !duration || !media) return std::nullopt;

  Segment segment;
  segment.resource = absolute (representation.base, {*media, {}});
  if (!pattern.initialization.empty ()) {
    auto init = url_template::expand (pattern.initialization, values);
    if (!init) return std::nullopt;
    segment.init = absolute (representation.base, {*init, {}});
  } else if (pattern.init) {
    segment.init = absolute (representation.base, *pattern.init);
  }
  segment.time = *time;
  segment.duration = *duration;
  segment.may_be_missing = pattern.is_counted && n > 0 &&
                           run + 1 == runs.end () && index + 1 == run->count;
  return segment;
}

std::optional<Segment> nth (
    const Representation &representation, std::uint64_t n)
{
  if (const auto *list = std::get_if<SegmentList> (&representation.segments))
    return nth (representation.base, *list, n);
  if (const auto *pattern =
          std::get_if<SegmentTemplate> (&representation.segments))
    return nth (representation, *pattern, n);
  return std::nullopt;
}

}  // namespace

std::optional<Segment> segment (
    const Representation &representation, std::uint64_t n)
{
  auto out = nth (representation, n);
  if (!out || !representation.encryption) return out;
  out->resource.encryption = representation.encryption;
  if (out->init) out->init->encryption = representation.encryption;
  return out;
}

Time media_offset (const Representation &representation)
{
  if (const auto *list = std::get_if<SegmentList> (&representation.segments))
    return list->offset;
  if (const auto *pattern =
          std::get_if<SegmentTemplate> (&representation.segments))
    return presentation::to_time (
        pattern->presentation_time_offset, pattern->timescale)
        .value_or (0);
  return 0;
}

std::optional<SegmentList> to_segments (
    const SegmentBase &base, const sidx::Index &index)
{
  SegmentList list;
  list.text = base.index.uri;
  if (base.initialization) list.inits.push_back (*base.initialization);
  auto offset =
      presentation::to_time (base.presentation_time_offset, base.timescale);
  if (!offset) return std::nullopt;
  list.offset = *offset;

  for (const sidx::Reference &reference : index.references) {
    // Nothing to fetch: as good as not there.
    if (reference.size == 0) continue;
    std::uint32_t timescale =
        reference.timescale != 0 ? reference.timescale : index.timescale;
    auto time = presentation::to_time (reference.time, timescale);
    auto duration = presentation::to_time (reference.duration, timescale);
    if (!time || !duration) return std::nullopt;
    SegmentList::Entry entry;
    entry.uri_size = static_cast<std::uint32_t> (list.text.size ());
    entry.part = list.add_part ({reference.first, reference.size});
    entry.time = *time;
    entry.duration = *duration;
    if (base.initialization) entry.init = 0;
    list.entries.push_back (entry);
  }
  return list;
}

}  // namespace schedule

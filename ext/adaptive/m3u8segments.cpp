// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8segments.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "m3u8keys.h"

namespace m3u8 {

using presentation::Resource;
using presentation::SegmentList;

// ---- What the next one takes -----------------------------------------------

// <duration>,[<title>] (4.4.4.1); the comma is often left out.
bool Segments::extinf (std::string_view value)
{
  std::size_t size = 0;
  while (size < value.size () && value[size] != ',') size++;
  duration_ = m3u8text::nanoseconds (m3u8text::trim (value.substr (0, size)));
  return duration_ || fail (Error::bad_extinf);
}

bool Segments::byte_range (std::string_view value)
{
  byte_range_ = m3u8text::byte_range (value);
  return byte_range_ || fail (Error::bad_byterange);
}

bool Segments::discontinuity (std::string_view /*value*/)
{
  discontinuity_ = true;
  list_.discontinuities.push_back (
      static_cast<std::uint32_t> (list_.entries.size ()));
  return true;
}

bool Segments::gap (std::string_view /*value*/)
{
  gap_ = true;
  return true;
}

bool Segments::date (std::string_view value)
{
  auto date = m3u8text::date (value);
  auto entry = static_cast<std::uint32_t> (list_.entries.size ());
  if (!date) return true;
  if (!list_.dates.empty () && list_.dates.back ().entry == entry)
    list_.dates.pop_back ();
  list_.dates.push_back ({entry, *date});
  return true;
}

// ---- What all that follow take ---------------------------------------------

bool Segments::key (std::string_view value)
{
  if (keyring_.repeats (value)) return true;
  auto done = strings_.read (value, attributes_);
  if (!done) return fail (done.code ());
  auto key = parse_key (attributes_);
  if (!key) return fail (key.code ());
  auto applied = keyring_.apply (*key, value);
  return applied || fail (applied.code ());
}

// 4.4.4.5
bool Segments::map (std::string_view value)
{
  auto in_use = keyring_.use ();
  if (!in_use) return fail (in_use.code ());
  if (!strings_.has_variables () && value == map_ && *in_use == map_key_ &&
      init_ != SegmentList::no_init)
    return true;
  auto done = strings_.read (value, attributes_);
  if (!done) return fail (done.code ());
  auto uri = attributes_.get ("URI");
  if (!uri) return fail (Error::missing_attribute);
  if (uri->empty ()) return fail (Error::empty_uri);
  Resource init{std::string (*uri), std::nullopt};
  if (auto text = attributes_.get ("BYTERANGE")) {
    auto range = m3u8text::byte_range (*text);
    if (!range) return fail (Error::bad_byterange);
    std::uint64_t first = range->offset.value_or (0);
    init.range = presentation::Range{first, first + range->size - 1};
  }
  if (keyring_.is_whole (*in_use)) {
    init.encryption = keyring_.encryption (*in_use);
    // "the IV attribute of the EXT-X-KEY tag that applies to the EXT-X-MAP is
    // REQUIRED": it has no sequence number.
    if (!init.encryption) return fail (Error::map_without_iv);
  }
  if (list_.inits.empty () || list_.inits.back () != init)
    list_.inits.push_back (std::move (init));
  init_ = static_cast<std::uint32_t> (list_.inits.size () - 1);
  map_ = value;
  map_key_ = *in_use;
  return true;
}

// ---- URI lines -------------------------------------------------------------

bool Segments::add (std::string_view uri)
{
  if (!duration_) return fail (Error::no_extinf);
  if (list_.entries.size () >= max_segments)
    return fail (Error::too_many_segments);
  auto key = keyring_.use ();
  if (!key) return fail (key.code ());

  std::uint32_t part = SegmentList::no_part;
  if (byte_range_) {
    std::uint64_t first = 0;
    if (!follow_range (uri, first)) return false;
    part = list_.add_part ({first, byte_range_->size});
  }
  if (*duration_ > presentation::max_time - media_.duration)
    return fail (Error::too_long);
  Place place = strings_.keep (uri);
  // Not copied into the list: what has just been written waits to be read.
  SegmentList::Entry &entry = list_.entries.emplace_back ();
  entry.uri_at = place.at;
  entry.uri_size = place.size;
  entry.time = media_.duration;
  entry.duration = *duration_;
  entry.part = part;
  entry.init = init_;
  entry.key = *key;
  entry.discontinuity = discontinuity_;
  entry.gap = gap_;
  media_.duration += *duration_;
  duration_.reset ();
  byte_range_.reset ();
  discontinuity_ = false;
  gap_ = false;
  return true;
}

bool Segments::follow_range (std::string_view uri, std::uint64_t &first)
{
  if (byte_range_->offset) {
    first = *byte_range_->offset;
    return true;
  }
  // It "begins at the next byte following the sub-range of the previous Media
  // Segment", which must be of the same resource (4.4.4.2).
  if (list_.entries.empty ()) return fail (Error::no_offset);
  const SegmentList::Entry &previous = list_.entries.back ();
  SegmentList::Part part = list_.part (previous);
  if (part.size == 0 ||
      strings_.view ({previous.uri_at, previous.uri_size}) != uri)
    return fail (Error::no_offset);
  first = part.first + part.size;
  std::uint64_t end = 0;
  if (__builtin_add_overflow (first, byte_range_->size, &end))
    return fail (Error::bad_byterange);
  return true;
}

// How many there will be, if they go on like this: a vector that grows is
// copied, and half of it never used.
void Segments::reserve (std::size_t done)
{
  auto expect = [&] (auto &list) {
    if (list.size () < 512 || list.capacity () > 2048) return;
    std::size_t all = list_.text.size () / (done / list.size () + 1) + 64;
    list.reserve (std::min (all + all / 32, max_segments));
  };
  expect (list_.entries);
  expect (list_.parts);
  expect (list_.keys);
  expect (list_.dates);
  expect (list_.discontinuities);
}

// ---- The end ---------------------------------------------------------------

void Segments::finish ()
{
  // The date of a segment that is not there.
  if (!list_.dates.empty () &&
      list_.dates.back ().entry == list_.entries.size ())
    list_.dates.pop_back ();
  if (list_.i_frames_only) lead_to_key_frames ();
}

// Without EXT-X-MAP "clients can assume that the Media Initialization Section
// ... is located between the start of the resource and the offset of the first
// I-frame segment in that resource" (4.4.3.6). The first one is fetched with
// it, which is one request; for those behind it is an initialization.
void Segments::lead_to_key_frames ()
{
  std::unordered_map<std::string_view, std::uint64_t> leads;
  for (const SegmentList::Entry &entry : list_.entries) {
    std::uint64_t first = list_.part (entry).first;
    auto [lead, is_new] = leads.try_emplace (list_.uri (entry), first);
    if (!is_new) lead->second = std::min (lead->second, first);
  }
  for (SegmentList::Entry &entry : list_.entries) {
    std::string_view uri = list_.uri (entry);
    std::uint64_t lead = leads[uri];
    if (lead == 0 || entry.init != SegmentList::no_init) continue;
    // What is encrypted as a whole is not these bytes by themselves.
    if (keyring_.is_whole (entry.key)) continue;
    SegmentList::Part &part = list_.parts[entry.part];
    if (part.first == lead) {
      part.size += std::exchange (part.first, 0);
      continue;
    }
    Resource init{std::string (uri), presentation::Range{0, lead - 1}};
    if (list_.inits.empty () || list_.inits.back () != init)
      list_.inits.push_back (std::move (init));
    entry.init = static_cast<std::uint32_t> (list_.inits.size () - 1);
  }
}

}  // namespace m3u8

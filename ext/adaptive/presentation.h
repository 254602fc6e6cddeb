// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// What a manifest says, whatever its format:
//
//   Presentation > Period > Track > Representation > segments
//
// Plain values, immutable once made. Segments are not laid out one by one: a
// Representation holds the list or the rule, and schedule::segment () says what
// the n-th one is.
namespace presentation {

// Nanoseconds.
using Time = std::uint64_t;
inline constexpr Time second = 1'000'000'000;
// What a signed 64-bit clock can hold, as GStreamer's does: parsers refuse
// what is later.
inline constexpr Time max_time = std::numeric_limits<std::int64_t>::max ();

// Units of a timescale in nanoseconds, rounded down; nothing when that passes
// max_time.
[[nodiscard]] constexpr std::optional<Time> to_time (
    std::uint64_t units, std::uint32_t timescale)
{
  std::uint64_t seconds = units / timescale;
  if (seconds >= max_time / second) return std::nullopt;
  // The remainder is below 2^32: the product stays below 2^62.
  return seconds * second + units % timescale * second / timescale;
}

// Bytes first to last, both included; no last = to the end.
struct Range
{
  std::uint64_t first = 0;
  std::optional<std::uint64_t> last;
  bool operator== (const Range &) const = default;
};

// A URI reference, to be resolved against Representation::base.
struct Resource
{
  std::string uri;
  std::optional<Range> range;
  bool operator== (const Resource &) const = default;
};

// HLS: a Media Playlist that has not been loaded yet.
struct Playlist
{
  std::string uri;  // reference
};

// Segments listed one by one: a Media Playlist, or an index (sidx).
struct SegmentList
{
  static constexpr std::uint32_t no_init =
      std::numeric_limits<std::uint32_t>::max ();

  // A 48-hour list has 172,800 of these: small, no string of their own.
  struct Entry
  {
    std::uint32_t uri_at = 0;  // in text
    std::uint32_t uri_size = 0;
    std::uint64_t first = 0;
    std::uint64_t size = 0;  // of the range; 0 = to the end
    Time time = 0;           // on the media's own clock
    Time duration = 0;
    std::uint32_t init = no_init;  // in inits
    bool discontinuity = false;    // before this one
  };

  std::string text;
  std::vector<Entry> entries;
  std::vector<Resource> inits;
  // What the media's own clock says at the beginning of the period.
  Time offset = 0;

  [[nodiscard]] std::string_view uri (const Entry &entry) const
  {
    return std::string_view (text).substr (entry.uri_at, entry.uri_size);
  }
};

// DASH: runs of segments of equal duration (the S elements), compressed as
// they are in the manifest. In units of the timescale.
struct Timeline
{
  struct Run
  {
    std::uint64_t time = 0;
    std::uint64_t duration = 0;
    std::uint64_t first = 0;  // index of the run's first segment
    std::uint64_t count = 1;
  };
  std::vector<Run> runs;
};

// DASH: SegmentTemplate (ISO/IEC 23009-1 5.3.9.4).
struct SegmentTemplate
{
  std::string media;
  std::string initialization;  // "" = none
  // An Initialization element, where there is no such pattern.
  std::optional<Resource> init;
  std::uint32_t timescale = 1;
  std::uint64_t start_number = 1;
  std::uint64_t presentation_time_offset = 0;
  // Shared by the Representations of an AdaptationSet.
  std::shared_ptr<const Timeline> timeline;
};

// DASH: SegmentBase (5.3.9.2): the index has not been loaded yet.
struct SegmentBase
{
  Resource index;
  std::optional<Resource> initialization;
  std::uint32_t timescale = 1;
  std::uint64_t presentation_time_offset = 0;
};

using Segments =
    std::variant<Playlist, SegmentList, SegmentTemplate, SegmentBase>;

// A segment as it is to be fetched and pushed: its URIs are absolute.
struct Segment
{
  Resource resource;
  std::optional<Resource> init;
  Time time = 0;  // of its first sample, on the media's own clock
  Time duration = 0;
  bool discontinuity = false;  // before this one
};

struct Fraction
{
  std::uint32_t numerator = 0;  // 0 = not known
  std::uint32_t denominator = 1;
  bool operator== (const Fraction &) const = default;
};

// DASH ContentProtection, kept as it stands.
struct ContentProtection
{
  std::string scheme_id_uri;
  std::string value;
  std::string default_kid;
  std::vector<std::string> pssh;  // base64
  std::string playready{};        // mspr:pro, base64
  std::string license_uri{};      // of ClearKey: dashif:Laurl; absolute
};

// DASH: Role, Accessibility, InbandEventStream and their like (5.8.2).
struct Descriptor
{
  std::string scheme_id_uri;
  std::string value;
  bool operator== (const Descriptor &) const = default;
};

// DASH: one of several addresses of the same resources (5.6).
struct Base
{
  std::string uri;  // absolute
  std::string service_location;
  // Of the DVB profile: a lower priority is better, and of the same priority
  // each is to be chosen as often as its weight says.
  std::uint32_t priority = 1;
  std::uint32_t weight = 1;
  bool operator== (const Base &) const = default;
};

struct Representation
{
  std::string id;
  std::string base;         // absolute URI
  std::uint64_t bandwidth;  // bit/s; 0 = not known
  std::uint32_t width = 0;  // 0 = not known
  std::uint32_t height = 0;
  Fraction frame_rate;
  std::string mime_type;
  std::string codecs;
  // HLS: the group of audio renditions that belongs to this variant, and for a
  // rendition the one that it is in.
  std::string group;
  std::vector<ContentProtection> protections;
  Segments segments;
  // DASH: where else it is than at base, the best first.
  std::vector<Base> alternatives{};
  // DASH: what kinds of emsg boxes its segments have.
  std::vector<Descriptor> inband_events{};
  // DASH, for live: how much earlier than complete a segment can be asked for;
  // max_time: at any time.
  Time availability_time_offset = 0;
};

enum class Type
{
  video,  // muxed content too
  audio,
  text
};

struct Track
{
  Type type = Type::video;
  std::string id;
  std::string language;
  std::string label;
  std::vector<Representation> representations;
  // DASH: it has key frames alone, of the tracks with these ids.
  std::string trick_mode_of{};
  bool is_trick_mode = false;
  std::vector<Descriptor> roles{};
  std::vector<Descriptor> accessibilities{};
};

// DASH: something that happens at a time (5.10.2).
struct Event
{
  Time time = 0;  // of the presentation
  std::optional<Time> duration;
  std::string id;
  std::string data;        // text, or XML where it has elements
  bool is_base64 = false;  // the text
};

struct EventStream
{
  Descriptor scheme;
  std::vector<Event> events;
};

struct Period
{
  std::string id;
  Time start = 0;
  std::optional<Time> duration;
  std::vector<Track> tracks;
  std::vector<EventStream> event_streams{};
};

struct Presentation
{
  std::optional<Time> duration;
  std::vector<Period> periods;
};

}  // namespace presentation

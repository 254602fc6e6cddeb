// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
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

// Encryption of a resource as a whole, from its first byte to its last.
struct Encryption
{
  enum class Cipher : std::uint8_t
  {
    aes_128,  // CBC with PKCS #7 padding
    aes_256,
    aes_256_ctr  // the last 8 bytes of the IV count, and wrap
  };
  using Iv = std::array<std::uint8_t, 16>;

  Cipher cipher = Cipher::aes_128;
  std::string key_uri;
  Iv iv{};
  bool operator== (const Encryption &) const = default;
};

// A URI reference, to be resolved against Representation::base.
struct Resource
{
  std::string uri;
  std::optional<Range> range;
  std::optional<Encryption> encryption{};
  bool operator== (const Resource &) const = default;
};

// HLS: what EXT-X-DEFINE has defined, by name.
using Variables = std::vector<std::pair<std::string, std::string>>;

// HLS: a Media Playlist that has not been loaded yet.
struct Playlist
{
  std::string uri;  // reference
  // Of the Multivariant Playlist, for those that it imports. Null: none.
  std::shared_ptr<const Variables> variables{};
  bool independent_segments = false;  // said for all of them
};

// Encryption of the samples in a resource: DASH ContentProtection, HLS
// EXT-X-KEY with SAMPLE-AES or SAMPLE-AES-CTR. Kept as it stands.
struct ContentProtection
{
  std::string scheme_id_uri;  // HLS: "" where the KEYFORMAT is no system's
  std::string value;          // HLS: cenc or cbcs; "" = not the samples
  std::string default_kid;
  std::vector<std::string> pssh;  // base64
  std::string playready{};        // mspr:pro, base64
  std::string license_uri{};      // of ClearKey: dashif:Laurl; absolute
  // HLS. "identity": the key itself is at key_uri, whatever the key id.
  std::string key_format{};
  std::string key_uri{};  // absolute, once it is in a Segment
  std::string iv{};       // 32 hexadecimal digits, "" = the samples say
  bool operator== (const ContentProtection &) const = default;
};
using Protections = std::vector<ContentProtection>;

// Segments listed one by one: a Media Playlist, or an index (sidx).
struct SegmentList
{
  static constexpr std::uint32_t no_init =
      std::numeric_limits<std::uint32_t>::max ();
  static constexpr std::uint32_t no_key = no_init;
  static constexpr std::uint32_t no_part = no_init;

  // A 48-hour list has 172,800 of these: small, no string of their own, and
  // what not every list says elsewhere.
  struct Entry
  {
    std::uint32_t uri_at = 0;  // in text
    std::uint32_t uri_size = 0;
    Time time = 0;  // on the media's own clock
    Time duration = 0;
    std::uint32_t part = no_part;  // in parts: no_part = all of the resource
    std::uint32_t init = no_init;  // in inits
    std::uint32_t key = no_key;    // in keys
    bool discontinuity = false;    // before this one
    bool gap = false;              // there is nothing to fetch
  };

  // Of a resource.
  struct Part
  {
    std::uint64_t first = 0;
    std::uint64_t size = 0;  // 0 = to the end
  };

  // HLS: what EXT-X-KEY says of how entries are encrypted, but for the IV.
  struct KeyTag
  {
    std::uint32_t uri_at = 0;  // in text
    std::uint32_t uri_size = 0;
    Encryption::Cipher cipher = Encryption::Cipher::aes_128;
    bool is_whole = false;          // otherwise samples are:
    std::uint32_t protections = 0;  // which say the IV too
    bool operator== (const KeyTag &) const = default;
  };
  // That with an IV, of which a list may have one for each entry: it is read
  // when it is wanted.
  struct Key
  {
    std::uint32_t tag = 0;      // in key_tags
    std::uint32_t iv_at = 0;    // in text
    std::uint32_t iv_size = 0;  // 0 = it is the entry's sequence number
  };

  // HLS: what time of day it is at the beginning of an entry.
  struct Date
  {
    std::uint32_t entry = 0;
    std::int64_t milliseconds = 0;  // since 1970, UTC
  };

  std::string text;
  std::vector<Entry> entries;
  std::vector<Part> parts;
  std::vector<Resource> inits;
  std::vector<KeyTag> key_tags;
  std::vector<Key> keys;
  std::vector<std::shared_ptr<const Protections>> protections;
  std::vector<Date> dates;  // in the order of entries
  // HLS: EXT-X-DISCONTINUITY, the entries that it stands before; in order.
  std::vector<std::uint32_t> discontinuities;
  std::uint64_t media_sequence = 0;
  std::uint64_t discontinuity_sequence = 0;
  bool independent_segments = false;  // each begins with a key frame
  bool i_frames_only = false;
  // What the media's own clock says at the beginning of the period.
  Time offset = 0;

  [[nodiscard]] std::string_view uri (const Entry &entry) const
  {
    return std::string_view (text).substr (entry.uri_at, entry.uri_size);
  }
  [[nodiscard]] std::string_view uri (const KeyTag &tag) const
  {
    return std::string_view (text).substr (tag.uri_at, tag.uri_size);
  }
  // As it stands there: 0x and digits.
  [[nodiscard]] std::string_view iv (const Key &key) const
  {
    return std::string_view (text).substr (key.iv_at, key.iv_size);
  }
  [[nodiscard]] Part part (const Entry &entry) const
  {
    return entry.part < parts.size () ? parts[entry.part] : Part{};
  }
  [[nodiscard]] std::uint32_t add_part (Part part)
  {
    parts.push_back (part);
    return static_cast<std::uint32_t> (parts.size () - 1);
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
  // How many there are follows from the length of the Period alone. Media may
  // be a little shorter than that.
  bool is_counted = false;
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
  // HLS: the Discontinuity Sequence Number (RFC 8216bis 3).
  std::uint64_t discontinuity_sequence = 0;
  bool gap = false;  // nothing to fetch: see EXT-X-GAP
  // The last one where they are counted: if it is not there, the media have
  // ended before.
  bool may_be_missing = false;
  // HLS: the same pointer as long as they are the same. Null: none.
  std::shared_ptr<const Protections> protections{};
  // HLS: of its samples, where that can be undone here: SAMPLE-AES with a key
  // that can be had. It is, unless that is MP4.
  std::optional<Encryption> samples{};
};

struct Fraction
{
  std::uint32_t numerator = 0;  // 0 = not known
  std::uint32_t denominator = 1;
  bool operator== (const Fraction &) const = default;
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
  std::string base;             // absolute URI
  std::uint64_t bandwidth = 0;  // bit/s; 0 = not known
  std::uint32_t width = 0;      // 0 = not known
  std::uint32_t height = 0;
  Fraction frame_rate;
  std::string mime_type;
  std::string codecs;
  // HLS: the group of audio renditions that belongs to this variant, and for a
  // rendition the one that it is in.
  std::string group;
  // HLS: the same for alternative pictures, subtitles and closed captions.
  std::string video_group{};
  std::string text_group{};
  std::string captions_group{};
  // HLS, of a variant; 0 and "" = not said.
  std::uint64_t average_bandwidth = 0;
  double score = 0;
  std::string video_range{};
  std::string hdcp_level{};
  std::string supplemental_codecs{};
  std::string allowed_cpc{};
  // And of a rendition whose group belongs to variants of this one alone.
  std::string pathway_id{};
  Protections protections;
  Segments segments;
  // DASH: where else it is than at base, the best first, and the name of base.
  std::vector<Base> alternatives{};
  std::string service_location{};
  // HLS: variants, or renditions, of the same number, which is not 0, differ in
  // nothing but their addresses.
  unsigned family = 0;
  // DASH: what kinds of emsg boxes its segments have.
  std::vector<Descriptor> inband_events{};
  // DASH: of each of its segments and of its initialization (ISO/IEC 23009-4).
  std::optional<Encryption> encryption{};
  // DASH, for live: how much earlier than complete a segment can be asked for;
  // max_time: at any time.
  Time availability_time_offset = 0;
  // DASH: up to which rate the decoder that its codecs ask for can play it.
  double max_playout_rate = 1;
  // DASH: no picture of it depends on another one (codingDependency="false").
  bool is_intra_only = false;
};

enum class Type
{
  video,  // muxed content too
  audio,
  text
};

// HLS: sound that is in the variants of the picture, as a rendition without an
// address says (4.4.6.1, URI).
struct Within
{
  bool is_default = false;
  bool autoselect = false;
};

struct Track
{
  Type type = Type::video;
  std::string id;
  std::string language;
  std::string label;
  std::vector<Representation> representations;
  // HLS EXT-X-MEDIA. A rendition is not for a variant that is of none of its
  // representations' groups.
  bool is_rendition = false;
  bool is_default = false;
  bool autoselect = false;
  bool forced = false;
  std::string characteristics{};
  std::string channels{};
  std::optional<Within> sound_within{};
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

// HLS: closed captions inside the picture's stream.
struct Captions
{
  std::string group;
  std::string name;
  std::string language;
  std::string instream_id;  // CC1 to CC4, SERVICE1 to SERVICE63
  bool is_default = false;
  bool autoselect = false;
};

// HLS EXT-X-DATERANGE: what is true for a while.
struct DateRange
{
  std::string id;
  std::string scheme;      // its CLASS
  std::int64_t start = 0;  // milliseconds since 1970, UTC
  std::optional<std::int64_t> end;
  std::optional<Time> duration;
  std::optional<Time> planned_duration;
  bool end_on_next = false;
  std::string cue;
  // The start on the presentation's clock, where EXT-X-PROGRAM-DATE-TIME
  // says.
  std::optional<std::int64_t> time;
  // SCTE35-CMD, SCTE35-OUT, SCTE35-IN and all that begin with X-, by name.
  std::vector<std::pair<std::string, std::string>> attributes;
};

// HLS EXT-X-SESSION-DATA.
struct SessionData
{
  std::string id;
  std::string value;  // or else
  std::string uri;    // absolute
  std::string format;
  std::string language;
};

// HLS EXT-X-START: where to begin, unless somebody wants it elsewhere.
struct Start
{
  bool from_end = false;
  Time offset = 0;
  bool precise = false;
};

// Who says by which pathway the media are to be asked for: see steering.
struct Steering
{
  std::string uri;  // absolute
  // Until it has said so, the best one first. None: any.
  std::vector<std::string> pathways{};
  bool is_dash = false;
};

// What is said of a presentation beside its media.
struct Notes
{
  std::optional<Start> start{};
  std::vector<Captions> captions{};
  std::vector<DateRange> date_ranges{};
  std::vector<SessionData> session_data{};
  std::vector<ContentProtection> session_keys{};
  std::optional<Steering> steering{};
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
  Notes notes{};
};

}  // namespace presentation

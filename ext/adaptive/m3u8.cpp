// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "m3u8keyring.h"
#include "m3u8keys.h"
#include "m3u8multivariant.h"
#include "m3u8strings.h"
#include "m3u8text.h"
#include "uri.h"

namespace m3u8 {

using m3u8text::Attributes;
using presentation::DateRange;
using presentation::Resource;
using presentation::SegmentList;
using presentation::Time;

namespace {

constexpr std::size_t most_date_ranges = 65536;

class Parser
{
public:
  Parser (std::string text, const Source &source)
      : source_ (source), list_ (media_.segments)
  {
    list_.text = std::move (text);
  }
  Result<Playlist> run ();

private:
  // False: see error_.
  using Handler = bool (Parser::*) (std::string_view value);
  enum class Kind : std::uint8_t
  {
    either,
    media,
    multivariant
  };
  struct Tag
  {
    std::string_view name;  // behind #EXT
    Handler handler;
    Kind kind;  // of playlist of which it is a sign
  };
  static std::span<const Tag> tags_of_size (std::size_t size);

  bool fail (Error error)
  {
    error_ = error;
    return false;
  }
  bool line (std::string_view line);
  bool tag (std::string_view line);
  bool uri_line (std::string_view uri);
  bool segment (std::string_view uri);
  bool follow_range (std::string_view uri, std::uint64_t &first);
  bool finish ();
  void reserve (std::size_t done);
  void place_date_ranges ();
  void lead_to_key_frames ();

  bool read (std::string_view list);

  bool extinf (std::string_view value);
  bool byte_range (std::string_view value);
  bool discontinuity (std::string_view value);
  bool gap (std::string_view value);
  bool key (std::string_view value);
  bool map (std::string_view value);
  bool date (std::string_view value);
  bool bitrate (std::string_view value);
  bool date_range (std::string_view value);
  bool version (std::string_view value);
  bool target_duration (std::string_view value);
  bool media_sequence (std::string_view value);
  bool discontinuity_sequence (std::string_view value);
  bool end_list (std::string_view value);
  bool playlist_type (std::string_view value);
  bool i_frames_only (std::string_view value);
  bool independent (std::string_view value);
  bool start (std::string_view value);
  bool define (std::string_view value);
  bool stream_inf (std::string_view value);
  bool i_frame_stream_inf (std::string_view value);
  bool media (std::string_view value);
  bool session_data (std::string_view value);
  bool content_steering (std::string_view value);
  bool session_key (std::string_view value);
  bool pass (std::string_view /*value*/) { return true; }
  bool skip (std::string_view /*value*/) { return fail (Error::delta_update); }

  const Source &source_;
  Error error_ = Error::empty;
  Media media_;
  SegmentList &list_;
  Multivariant multivariant_;
  bool is_media_ = false;
  bool is_multivariant_ = false;
  bool has_version_ = false;
  // What the next URI line takes.
  std::optional<Time> duration_;
  std::optional<m3u8text::ByteRange> byte_range_;
  bool discontinuity_ = false;
  bool gap_ = false;
  std::optional<Variant> variant_;
  // What all that follow take.
  std::uint32_t init_ = SegmentList::no_init;
  std::string_view map_;  // the tag's value that init_ was made of
  std::uint32_t map_key_ = SegmentList::no_key;
  Strings strings_{list_.text};
  Keyring keyring_{list_, strings_, source_.uri};
  Attributes attributes_;
};

Result<Playlist> Parser::run ()
{
  std::string_view rest = list_.text;
  if (rest.size () > max_size) return relay::failure (Error::too_large);
  // "MUST NOT contain any Byte Order Mark" (4.1): some do, nothing is lost.
  if (rest.starts_with ("\xef\xbb\xbf")) rest.remove_prefix (3);
  std::size_t number = 1;
  if (m3u8text::take_line (rest) != "#EXTM3U")
    return relay::failure (Error::not_m3u8, number);
  while (!rest.empty ()) {
    number++;
    if (!line (m3u8text::take_line (rest)))
      return relay::failure (error_, number);
    if (list_.entries.size () == 1024)
      reserve (list_.text.size () - rest.size ());
  }
  if (!finish ()) return relay::failure (error_, number);
  if (is_multivariant_) return Playlist (std::move (multivariant_));
  return Playlist (std::move (media_));
}

// How many there will be, if they go on like this: a vector that grows is
// copied, and half of it never used.
void Parser::reserve (std::size_t done)
{
  auto expect = [&] (auto &list) {
    if (list.size () < 512 || list.capacity () > 2048) return;
    std::size_t all = list_.text.size () / (done / list.size () + 1) + 64;
    list.reserve (std::min (all + all / 32, max_segments));
  };
  expect (list_.entries);
  expect (list_.keys);
  expect (list_.dates);
}

bool Parser::line (std::string_view line)
{
  if (line.empty ()) return true;
  if (line.front () != '#') return uri_line (line);
  // Those that there may be one of for each segment need no search.
  if (!is_multivariant_) {
    if (line.starts_with ("#EXTINF:")) {
      is_media_ = true;
      return extinf (m3u8text::trim (line.substr (8)));
    }
    if (line.starts_with ("#EXT-X-KEY:")) {
      is_media_ = true;
      return key (m3u8text::trim (line.substr (11)));
    }
  }
  if (line.starts_with ("#EXT")) return tag (line.substr (4));
  return true;
}

// Sorted by the size of their names.
std::span<const Parser::Tag> Parser::tags_of_size (std::size_t size)
{
  using P = Parser;
  using enum Kind;
  static constexpr Tag all[] = {
      {"INF", &P::extinf, media},
      {"-X-KEY", &P::key, media},
      {"-X-MAP", &P::map, media},
      {"-X-GAP", &P::gap, media},
      {"-X-SKIP", &P::skip, media},
      {"-X-MEDIA", &P::media, multivariant},
      {"-X-START", &P::start, either},
      {"-X-DEFINE", &P::define, either},
      {"-X-BITRATE", &P::bitrate, media},
      {"-X-ENDLIST", &P::end_list, media},
      {"-X-VERSION", &P::version, either},
      {"-X-BYTERANGE", &P::byte_range, media},
      {"-X-DATERANGE", &P::date_range, media},
      {"-X-STREAM-INF", &P::stream_inf, multivariant},
      {"-X-SESSION-KEY", &P::session_key, multivariant},
      {"-X-SESSION-DATA", &P::session_data, multivariant},
      {"-X-DISCONTINUITY", &P::discontinuity, media},
      {"-X-PLAYLIST-TYPE", &P::playlist_type, media},
      {"-X-I-FRAMES-ONLY", &P::i_frames_only, media},
      {"-X-TARGETDURATION", &P::target_duration, media},
      {"-X-MEDIA-SEQUENCE", &P::media_sequence, media},
      {"-X-CONTENT-STEERING", &P::content_steering, multivariant},
      {"-X-PROGRAM-DATE-TIME", &P::date, media},
      {"-X-I-FRAME-STREAM-INF", &P::i_frame_stream_inf, multivariant},
      {"-X-INDEPENDENT-SEGMENTS", &P::independent, either},
      {"-X-DISCONTINUITY-SEQUENCE", &P::discontinuity_sequence, media},
  };
  constexpr std::size_t longest = 25;
  static constexpr auto first = [] {
    std::array<std::uint8_t, longest + 2> out{};
    for (std::size_t i = 0; i < out.size (); i++)
      while (out[i] < std::size (all) && all[out[i]].name.size () < i) out[i]++;
    return out;
  }();
  if (size > longest) return {};
  return std::span (all).subspan (
      first[size], static_cast<std::size_t> (first[size + 1] - first[size]));
}

bool Parser::tag (std::string_view line)
{
  std::size_t size = 0;
  while (size < line.size () && line[size] != ':') size++;
  std::string_view name = line.substr (0, size);
  std::string_view value;
  if (size < line.size ()) value = m3u8text::trim (line.substr (size + 1));
  while (!name.empty () && m3u8text::is_space (name.back ()))
    name.remove_suffix (1);
  for (const Tag &known : tags_of_size (name.size ())) {
    if (known.name != name) continue;
    is_media_ = is_media_ || known.kind == Kind::media;
    is_multivariant_ = is_multivariant_ || known.kind == Kind::multivariant;
    // "A client MUST fail to parse Playlists that contain both" (4.1).
    if (is_media_ && is_multivariant_) return fail (Error::mixed);
    return (this->*known.handler) (value);
  }
  return true;
}

bool Parser::uri_line (std::string_view uri)
{
  if (strings_.has_variables ()) {
    strings_.begin_line ();
    auto expanded = strings_.expand (uri);
    if (!expanded) return fail (expanded.code ());
    uri = *expanded;
  }
  if (variant_) {
    variant_->uri = uri;
    multivariant_.variants.push_back (std::move (*variant_));
    variant_.reset ();
    return true;
  }
  return segment (uri);
}

bool Parser::segment (std::string_view uri)
{
  if (!duration_) return fail (Error::no_extinf);
  if (list_.entries.size () >= max_segments)
    return fail (Error::too_many_segments);
  auto key = keyring_.use ();
  if (!key) return fail (key.code ());

  std::uint64_t first = 0;
  if (byte_range_ && !follow_range (uri, first)) return false;
  if (*duration_ > presentation::max_time - media_.duration)
    return fail (Error::too_long);
  Place place = strings_.keep (uri);
  // Not copied into the list: what has just been written waits to be read.
  SegmentList::Entry &entry = list_.entries.emplace_back ();
  entry.uri_at = place.at;
  entry.uri_size = place.size;
  entry.first = first;
  entry.size = byte_range_ ? byte_range_->size : 0;
  entry.time = media_.duration;
  entry.duration = *duration_;
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

bool Parser::follow_range (std::string_view uri, std::uint64_t &first)
{
  if (byte_range_->offset) {
    first = *byte_range_->offset;
    return true;
  }
  // It "begins at the next byte following the sub-range of the previous Media
  // Segment", which must be of the same resource (4.4.4.2).
  if (list_.entries.empty ()) return fail (Error::no_offset);
  const SegmentList::Entry &previous = list_.entries.back ();
  if (previous.size == 0 ||
      strings_.view ({previous.uri_at, previous.uri_size}) != uri)
    return fail (Error::no_offset);
  first = previous.first + previous.size;
  std::uint64_t end = 0;
  if (__builtin_add_overflow (first, byte_range_->size, &end))
    return fail (Error::bad_byterange);
  return true;
}

bool Parser::finish ()
{
  if (variant_ || duration_) return fail (Error::no_uri);
  if (is_multivariant_ ? multivariant_.variants.empty ()
                       : list_.entries.empty ())
    return fail (Error::empty);
  if (is_multivariant_) {
    // The names in it have been copied out.
    list_.text.clear ();
    multivariant_.variables = strings_.take_variables ();
    multivariant_.independent_segments = list_.independent_segments;
    multivariant_.start = media_.start;
    return true;
  }
  list_.text += strings_.appended ();
  // The date of a segment that is not there.
  if (!list_.dates.empty () &&
      list_.dates.back ().entry == list_.entries.size ())
    list_.dates.pop_back ();
  place_date_ranges ();
  if (list_.i_frames_only) lead_to_key_frames ();
  return true;
}

// Without EXT-X-MAP "clients can assume that the Media Initialization Section
// ... is located between the start of the resource and the offset of the first
// I-frame segment in that resource" (4.4.3.6). The first one is fetched with
// it, which is one request; for those behind it is an initialization.
void Parser::lead_to_key_frames ()
{
  std::unordered_map<std::string_view, std::uint64_t> leads;
  for (const SegmentList::Entry &entry : list_.entries) {
    std::uint64_t first = entry.size > 0 ? entry.first : 0;
    auto [lead, is_new] = leads.try_emplace (list_.uri (entry), first);
    if (!is_new) lead->second = std::min (lead->second, first);
  }
  for (SegmentList::Entry &entry : list_.entries) {
    std::string_view uri = list_.uri (entry);
    std::uint64_t lead = leads[uri];
    if (lead == 0 || entry.init != SegmentList::no_init) continue;
    // What is encrypted as a whole is not these bytes by themselves.
    if (entry.key < list_.keys.size () && list_.keys[entry.key].is_whole)
      continue;
    if (entry.first == lead) {
      entry.size += std::exchange (entry.first, 0);
      continue;
    }
    presentation::Resource init{
        std::string (uri), presentation::Range{0, lead - 1}};
    if (list_.inits.empty () || list_.inits.back () != init)
      list_.inits.push_back (std::move (init));
    entry.init = static_cast<std::uint32_t> (list_.inits.size () - 1);
  }
}

// What is before the first date, or behind the last one, is counted from it.
void Parser::place_date_ranges ()
{
  if (list_.dates.empty () || media_.date_ranges.empty ()) return;
  // Where dates go back the later one counts.
  std::vector<SegmentList::Date> dates = list_.dates;
  std::ranges::stable_sort (dates, {}, &SegmentList::Date::milliseconds);
  constexpr std::int64_t milli = 1'000'000;
  for (DateRange &range : media_.date_ranges) {
    auto date = std::ranges::upper_bound (
        dates, range.start, {}, &SegmentList::Date::milliseconds);
    if (date != dates.begin ()) --date;
    std::int64_t distance = 0;
    std::int64_t time = 0;
    auto begin = static_cast<std::int64_t> (list_.entries[date->entry].time);
    if (!__builtin_mul_overflow (
            range.start - date->milliseconds, milli, &distance) &&
        !__builtin_add_overflow (begin, distance, &time))
      range.time = time;
  }
}

// ---- Attributes and variables ----------------------------------------------

// In quoted strings and hexadecimal sequences variables are expanded.
bool Parser::read (std::string_view list)
{
  if (!attributes_.read (list)) return fail (Error::bad_attributes);
  if (!strings_.has_variables ()) return true;
  strings_.begin_line ();
  for (m3u8text::Attribute &one : attributes_.items ()) {
    if (!one.is_quoted && one.name != "IV") continue;
    auto expanded = strings_.expand (one.value);
    if (!expanded) return fail (expanded.code ());
    one.value = *expanded;
  }
  return true;
}

bool Parser::define (std::string_view value)
{
  if (!read (value)) return false;
  auto definition = parse_definition (attributes_, source_);
  if (!definition) return fail (definition.code ());
  auto defined = strings_.define (std::move (*definition));
  return defined || fail (defined.code ());
}

// ---- Keys ------------------------------------------------------------------

bool Parser::key (std::string_view value)
{
  if (keyring_.repeats (value)) return true;
  if (!read (value)) return false;
  auto key = parse_key (attributes_);
  if (!key) return fail (key.code ());
  auto applied = keyring_.apply (
      *key, value, attributes_.get ("IV").value_or (value.substr (0, 0)));
  return applied || fail (applied.code ());
}

// 4.4.4.5
bool Parser::map (std::string_view value)
{
  auto in_use = keyring_.use ();
  if (!in_use) return fail (in_use.code ());
  if (!strings_.has_variables () && value == map_ && *in_use == map_key_ &&
      init_ != SegmentList::no_init)
    return true;
  if (!read (value)) return false;
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
  if (*in_use != SegmentList::no_key && list_.keys[*in_use].is_whole) {
    const SegmentList::Key &key = list_.keys[*in_use];
    // "the IV attribute of the EXT-X-KEY tag that applies to the EXT-X-MAP is
    // REQUIRED": it has no sequence number.
    if (!key.has_iv) return fail (Error::map_without_iv);
    init.encryption = presentation::Encryption{key.cipher,
        std::string (strings_.view ({key.uri_at, key.uri_size})), key.iv};
  }
  if (list_.inits.empty () || list_.inits.back () != init)
    list_.inits.push_back (std::move (init));
  init_ = static_cast<std::uint32_t> (list_.inits.size () - 1);
  map_ = value;
  map_key_ = *in_use;
  return true;
}

bool Parser::session_key (std::string_view value)
{
  if (!read (value)) return false;
  auto parsed = parse_key (attributes_);
  // They only say earlier what EXT-X-KEY says.
  if (parsed && parsed->method != Method::none && parsed->is_known_version)
    multivariant_.session_keys.push_back (to_protection (*parsed, source_.uri));
  return true;
}

// ---- Tags of segments ------------------------------------------------------

// <duration>,[<title>] (4.4.4.1); the comma is often left out.
bool Parser::extinf (std::string_view value)
{
  std::size_t size = 0;
  while (size < value.size () && value[size] != ',') size++;
  duration_ = m3u8text::nanoseconds (m3u8text::trim (value.substr (0, size)));
  return duration_ || fail (Error::bad_extinf);
}

bool Parser::byte_range (std::string_view value)
{
  byte_range_ = m3u8text::byte_range (value);
  return byte_range_ || fail (Error::bad_byterange);
}

bool Parser::discontinuity (std::string_view /*value*/)
{
  discontinuity_ = true;
  return true;
}

bool Parser::gap (std::string_view /*value*/)
{
  gap_ = true;
  return true;
}

bool Parser::date (std::string_view value)
{
  auto date = m3u8text::date (value);
  auto entry = static_cast<std::uint32_t> (list_.entries.size ());
  if (!date) return true;
  if (!list_.dates.empty () && list_.dates.back ().entry == entry)
    list_.dates.pop_back ();
  list_.dates.push_back ({entry, *date});
  return true;
}

// In kbit/s.
bool Parser::bitrate (std::string_view value)
{
  auto number = m3u8text::number (value);
  std::uint64_t bits = 0;
  if (number && !__builtin_mul_overflow (*number, 1000, &bits))
    media_.bitrate = std::max (media_.bitrate, bits);
  return true;
}

// ---- Tags of Media Playlists -----------------------------------------------

bool Parser::date_range (std::string_view value)
{
  if (!read (value)) return false;
  auto range = parse_date_range (attributes_);
  if (range && media_.date_ranges.size () < most_date_ranges)
    media_.date_ranges.push_back (std::move (*range));
  return true;
}

// "If a client encounters a Playlist with multiple EXT-X-VERSION tags, it MUST
// fail to parse it" (4.4.1.2).
bool Parser::version (std::string_view value)
{
  if (std::exchange (has_version_, true)) return fail (Error::two_versions);
  return m3u8text::number (value) || fail (Error::bad_number);
}

bool Parser::target_duration (std::string_view value)
{
  // An integer; some write a decimal.
  media_.target_duration = m3u8text::nanoseconds (value);
  return media_.target_duration || fail (Error::bad_number);
}

bool Parser::media_sequence (std::string_view value)
{
  auto number = m3u8text::number (value);
  list_.media_sequence = number.value_or (0);
  return number || fail (Error::bad_number);
}

bool Parser::discontinuity_sequence (std::string_view value)
{
  auto number = m3u8text::number (value);
  list_.discontinuity_sequence = number.value_or (0);
  return number || fail (Error::bad_number);
}

bool Parser::end_list (std::string_view /*value*/)
{
  media_.end_list = true;
  media_.complete = true;
  return true;
}

// "VOD: the Media Playlist MUST NOT change" (4.4.3.5). Other values than VOD
// and EVENT say nothing.
bool Parser::playlist_type (std::string_view value)
{
  if (value == "VOD") media_.complete = true;
  return true;
}

bool Parser::i_frames_only (std::string_view /*value*/)
{
  list_.i_frames_only = true;
  return true;
}

// ---- Tags of both ----------------------------------------------------------

bool Parser::independent (std::string_view /*value*/)
{
  list_.independent_segments = true;
  return true;
}

bool Parser::start (std::string_view value)
{
  if (!read (value)) return false;
  media_.start = parse_start (attributes_);
  return true;
}

// ---- Tags of Multivariant Playlists ----------------------------------------

bool Parser::stream_inf (std::string_view value)
{
  if (variant_) return fail (Error::no_uri);
  if (!read (value)) return false;
  auto variant = parse_variant (attributes_);
  if (!variant) return fail (variant.code ());
  variant_ = std::move (*variant);
  variant_->uri.clear ();
  return true;
}

bool Parser::i_frame_stream_inf (std::string_view value)
{
  if (!read (value)) return false;
  auto variant = parse_variant (attributes_);
  if (!variant) return fail (variant.code ());
  if (variant->uri.empty ()) return fail (Error::missing_attribute);
  multivariant_.i_frame_variants.push_back (std::move (*variant));
  return true;
}

bool Parser::media (std::string_view value)
{
  if (!read (value)) return false;
  auto rendition = parse_rendition (attributes_);
  if (!rendition) return fail (rendition.code ());
  if (*rendition) multivariant_.renditions.push_back (std::move (**rendition));
  return true;
}

bool Parser::session_data (std::string_view value)
{
  if (!read (value)) return false;
  auto data = parse_session_data (attributes_, source_.uri);
  if (data) multivariant_.session_data.push_back (std::move (*data));
  return true;
}

bool Parser::content_steering (std::string_view value)
{
  if (!read (value)) return false;
  multivariant_.steering = parse_steering (attributes_, source_.uri);
  return true;
}

}  // namespace

Result<Playlist> parse (std::string text, const Source &source)
{
  return Parser (std::move (text), source).run ();
}

}  // namespace m3u8

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "m3u8keys.h"
#include "m3u8multivariant.h"
#include "m3u8segments.h"
#include "m3u8strings.h"
#include "m3u8text.h"
#include "uri.h"

namespace m3u8 {

using m3u8text::Attributes;
using presentation::DateRange;
using presentation::SegmentList;

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
  bool finish ();
  void place_date_ranges ();

  bool read (std::string_view list);
  // A tag of the segments.
  template <auto member>
  bool of_segments (std::string_view value)
  {
    return (segments_.*member) (value) || fail (segments_.error ());
  }

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
  bool skip (std::string_view /*value*/) { return fail (Error::delta_update); }

  const Source &source_;
  Error error_ = Error::empty;
  Media media_;
  SegmentList &list_;
  Multivariant multivariant_;
  bool is_media_ = false;
  bool is_multivariant_ = false;
  bool has_version_ = false;
  std::optional<Variant> variant_;  // which the next URI line completes
  Strings strings_{list_.text};
  Segments segments_{media_, strings_, source_.uri};
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
      segments_.reserve (list_.text.size () - rest.size ());
  }
  if (!finish ()) return relay::failure (error_, number);
  if (is_multivariant_) return Playlist (std::move (multivariant_));
  return Playlist (std::move (media_));
}

bool Parser::line (std::string_view line)
{
  if (line.empty ()) return true;
  if (line.front () != '#') return uri_line (line);
  // Those that there may be one of for each segment need no search.
  if (!is_multivariant_) {
    if (line.starts_with ("#EXTINF:")) {
      is_media_ = true;
      return of_segments<&Segments::extinf> (m3u8text::trim (line.substr (8)));
    }
    if (line.starts_with ("#EXT-X-KEY:")) {
      is_media_ = true;
      return of_segments<&Segments::key> (m3u8text::trim (line.substr (11)));
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
      {"INF", &P::of_segments<&Segments::extinf>, media},
      {"-X-KEY", &P::of_segments<&Segments::key>, media},
      {"-X-MAP", &P::of_segments<&Segments::map>, media},
      {"-X-GAP", &P::of_segments<&Segments::gap>, media},
      {"-X-SKIP", &P::skip, media},
      {"-X-MEDIA", &P::media, multivariant},
      {"-X-START", &P::start, either},
      {"-X-DEFINE", &P::define, either},
      {"-X-BITRATE", &P::bitrate, media},
      {"-X-ENDLIST", &P::end_list, media},
      {"-X-VERSION", &P::version, either},
      {"-X-BYTERANGE", &P::of_segments<&Segments::byte_range>, media},
      {"-X-DATERANGE", &P::date_range, media},
      {"-X-STREAM-INF", &P::stream_inf, multivariant},
      {"-X-SESSION-KEY", &P::session_key, multivariant},
      {"-X-SESSION-DATA", &P::session_data, multivariant},
      {"-X-DISCONTINUITY", &P::of_segments<&Segments::discontinuity>, media},
      {"-X-PLAYLIST-TYPE", &P::playlist_type, media},
      {"-X-I-FRAMES-ONLY", &P::i_frames_only, media},
      {"-X-TARGETDURATION", &P::target_duration, media},
      {"-X-MEDIA-SEQUENCE", &P::media_sequence, media},
      {"-X-CONTENT-STEERING", &P::content_steering, multivariant},
      {"-X-PROGRAM-DATE-TIME", &P::of_segments<&Segments::date>, media},
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
  return of_segments<&Segments::add> (uri);
}

bool Parser::finish ()
{
  if (variant_ || segments_.is_open ()) return fail (Error::no_uri);
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
  segments_.finish ();
  place_date_ranges ();
  return true;
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

bool Parser::read (std::string_view list)
{
  auto done = strings_.read (list, attributes_);
  return done || fail (done.code ());
}

bool Parser::define (std::string_view value)
{
  if (!read (value)) return false;
  auto definition = parse_definition (attributes_, source_);
  if (!definition) return fail (definition.code ());
  auto defined = strings_.define (std::move (*definition));
  return defined || fail (defined.code ());
}

// ---- Tags of Media Playlists -----------------------------------------------

// In kbit/s.
bool Parser::bitrate (std::string_view value)
{
  auto number = m3u8text::number (value);
  std::uint64_t bits = 0;
  if (number && !__builtin_mul_overflow (*number, 1000, &bits))
    media_.bitrate = std::max (media_.bitrate, bits);
  return true;
}

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

bool Parser::session_key (std::string_view value)
{
  if (!read (value)) return false;
  auto parsed = parse_key (attributes_);
  // They only say earlier what EXT-X-KEY says.
  if (parsed && parsed->method != Method::none && parsed->is_known_version)
    multivariant_.session_keys.push_back (to_protection (*parsed, source_.uri));
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

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8.h"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <span>
#include <utility>

#include "m3u8keys.h"
#include "m3u8multivariant.h"
#include "m3u8text.h"
#include "uri.h"

namespace m3u8 {

using m3u8text::Attributes;
using presentation::DateRange;
using presentation::Resource;
using presentation::SegmentList;
using presentation::Time;

const char *to_string (Error error)
{
  switch (error) {
    case Error::not_m3u8:
      return "not a playlist: no #EXTM3U";
    case Error::too_large:
      return "the playlist is too large";
    case Error::empty:
      return "neither segments nor variants";
    case Error::mixed:
      return "tags of both kinds of playlist";
    case Error::two_versions:
      return "more than one #EXT-X-VERSION";
    case Error::bad_number:
      return "not a number";
    case Error::bad_extinf:
      return "#EXTINF without a duration";
    case Error::no_extinf:
      return "a segment without #EXTINF";
    case Error::no_uri:
      return "the tag's URI line is missing";
    case Error::empty_uri:
      return "an empty URI";
    case Error::bad_attributes:
      return "not an attribute list";
    case Error::missing_attribute:
      return "a required attribute is missing";
    case Error::bad_byterange:
      return "not a byte range";
    case Error::no_offset:
      return "a byte range that follows nothing";
    case Error::bad_iv:
      return "an IV that is not a hexadecimal number of 128 bits";
    case Error::map_without_iv:
      return "an encrypted #EXT-X-MAP, and #EXT-X-KEY has no IV";
    case Error::keys_disagree:
      return "several METHODs of #EXT-X-KEY at once";
    case Error::too_many_keys:
      return "too many #EXT-X-KEY at once";
    case Error::bad_definition:
      return "#EXT-X-DEFINE wants one of NAME, IMPORT and QUERYPARAM";
    case Error::defined_twice:
      return "a variable is defined twice";
    case Error::undefined:
      return "a variable is not defined";
    case Error::no_such_parameter:
      return "the playlist's URI has no such parameter";
    case Error::too_long:
      return "the playlist is too long to be true";
    case Error::too_many_segments:
      return "too many segments";
    case Error::key_method:
      return "an unknown METHOD of #EXT-X-KEY";
    case Error::key_format:
      return "an unknown KEYFORMAT of #EXT-X-KEY";
    case Error::delta_update:
      return "delta updates (#EXT-X-SKIP)";
  }
  return "unknown";
}

bool is_unsupported (Error error)
{
  return error >= Error::key_method;
}

namespace {

// A presentation has a few.
constexpr std::size_t most_keys = 64;
constexpr std::size_t most_date_ranges = 65536;
// 172,800 addresses of 388 bytes.
constexpr std::size_t max_expansion = std::size_t{64} * 1024 * 1024;

// In the playlist's text, or behind it in what is appended to it.
struct Place
{
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

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

  // An EXT-X-KEY that applies until another one takes its place.
  struct Applied
  {
    Key key;
    Place uri;
    Place format;
    Place id;
  };

  bool fail (Error error)
  {
    error_ = error;
    return false;
  }
  bool line (std::string_view line);
  bool tag (std::string_view line);
  bool uri_line (std::string_view uri);
  bool segment (std::string_view uri);
  bool follow_range (std::string_view uri, SegmentList::Entry &entry);
  bool finish ();
  void reserve (std::size_t done);
  void place_date_ranges ();

  bool read (std::string_view list);
  bool expand (std::string_view &text);
  Place keep (std::string_view text);
  std::string_view view (Place place) const;

  bool use_keys ();
  bool is_last_key (const SegmentList::Key &key) const;
  bool differs_in_iv (std::string_view value);
  bool apply (const Applied &next);
  bool use_whole (SegmentList::Key &key) const;
  void use_samples (SegmentList::Key &key);

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
  std::vector<Applied> applied_;
  bool keys_changed_ = false;
  std::uint32_t key_ = SegmentList::no_key;
  // The value of the last EXT-X-KEY, if it is the only one that applies, and
  // where its IV is in it.
  std::string_view key_value_;
  std::string_view iv_value_;
  // Variables.
  bool substitutes_ = false;
  presentation::Variables variables_;
  std::string appended_;              // to the text, at the end
  std::deque<std::string> expanded_;  // in the present line
  std::size_t expansion_ = 0;         // bytes so far
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
      {"-X-CONTENT-STEERING", &P::pass, multivariant},
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
  if (substitutes_) {
    expanded_.clear ();
    if (!expand (uri)) return false;
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
  if (keys_changed_ && !use_keys ()) return false;

  SegmentList::Entry entry;
  if (byte_range_ && !follow_range (uri, entry)) return false;
  Place place = keep (uri);
  entry.uri_at = place.at;
  entry.uri_size = place.size;
  entry.time = media_.duration;
  entry.duration = *duration_;
  entry.init = init_;
  entry.key = key_;
  entry.discontinuity = discontinuity_;
  entry.gap = gap_;
  if (*duration_ > presentation::max_time - media_.duration)
    return fail (Error::too_long);
  media_.duration += *duration_;
  list_.entries.push_back (entry);
  duration_.reset ();
  byte_range_.reset ();
  discontinuity_ = false;
  gap_ = false;
  return true;
}

bool Parser::follow_range (std::string_view uri, SegmentList::Entry &entry)
{
  entry.size = byte_range_->size;
  if (byte_range_->offset) {
    entry.first = *byte_range_->offset;
    return true;
  }
  // It "begins at the next byte following the sub-range of the previous Media
  // Segment", which must be of the same resource (4.4.4.2).
  if (list_.entries.empty ()) return fail (Error::no_offset);
  const SegmentList::Entry &previous = list_.entries.back ();
  if (previous.size == 0 || view ({previous.uri_at, previous.uri_size}) != uri)
    return fail (Error::no_offset);
  entry.first = previous.first + previous.size;
  std::uint64_t end = 0;
  if (__builtin_add_overflow (entry.first, entry.size, &end))
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
    multivariant_.variables = std::move (variables_);
    multivariant_.independent_segments = list_.independent_segments;
    multivariant_.start = media_.start;
    return true;
  }
  list_.text += appended_;
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

// ---- Text that is referred to, and variables -------------------------------

std::string_view Parser::view (Place place) const
{
  if (place.at < list_.text.size ())
    return std::string_view (list_.text).substr (place.at, place.size);
  return std::string_view (appended_).substr (
      place.at - list_.text.size (), place.size);
}

Place Parser::keep (std::string_view text)
{
  const char *begin = list_.text.data ();
  const char *end = begin + list_.text.size ();
  auto size = static_cast<std::uint32_t> (text.size ());
  if (size == 0) return {};
  // Of two pointers that are not into the same array only these compare.
  if (std::less_equal<> () (begin, text.data ()) &&
      std::less<> () (text.data (), end))
    return {static_cast<std::uint32_t> (text.data () - begin), size};
  auto at = static_cast<std::uint32_t> (list_.text.size () + appended_.size ());
  appended_ += text;
  return {at, size};
}

// 4.3: "{$name}". The limit is on all of them together, because variables may
// be made of variables.
bool Parser::expand (std::string_view &text)
{
  auto at = text.find ("{$");
  if (at == std::string_view::npos) return true;
  std::string out;
  std::string_view rest = text;
  for (; at != std::string_view::npos; at = rest.find ("{$")) {
    auto end = rest.find ('}', at);
    if (end == std::string_view::npos) break;
    std::string_view name = rest.substr (at + 2, end - at - 2);
    auto known = std::ranges::find (
        variables_, name, &std::pair<std::string, std::string>::first);
    // "the parser MUST fail to parse the Playlist"
    if (known == variables_.end ()) return fail (Error::undefined);
    out += rest.substr (0, at);
    out += known->second;
    rest.remove_prefix (end + 1);
    if (expansion_ + out.size () > max_expansion)
      return fail (Error::too_large);
  }
  out += rest;
  expansion_ += out.size ();
  expanded_.push_back (std::move (out));
  text = expanded_.back ();
  return true;
}

// In quoted strings and hexadecimal sequences variables are expanded.
bool Parser::read (std::string_view list)
{
  if (!attributes_.read (list)) return fail (Error::bad_attributes);
  if (!substitutes_) return true;
  expanded_.clear ();
  for (m3u8text::Attribute &one : attributes_.items ())
    if (one.is_quoted || one.name == "IV")
      if (!expand (one.value)) return false;
  return true;
}

bool Parser::define (std::string_view value)
{
  if (!read (value)) return false;
  auto definition = parse_definition (attributes_, source_);
  if (!definition) return fail (definition.code ());
  // "the parser MUST fail to parse the Playlist"
  if (std::ranges::any_of (variables_,
          [&] (const auto &one) { return one.first == definition->first; }))
    return fail (Error::defined_twice);
  variables_.push_back (std::move (*definition));
  substitutes_ = true;
  return true;
}

// ---- Keys ------------------------------------------------------------------

// "applies to every Media Segment and to every Media Initialization Section
// declared by an EXT-X-MAP tag that appears between it and the next EXT-X-KEY
// tag in the Playlist file with the same KEYFORMAT attribute" (4.4.4.4).
bool Parser::key (std::string_view value)
{
  if (differs_in_iv (value)) return true;
  key_value_ = {};
  if (!read (value)) return false;
  auto parsed = parse_key (attributes_);
  if (!parsed) return fail (parsed.code ());
  keys_changed_ = true;
  if (parsed->method == Method::none) {
    applied_.clear ();
    return true;
  }
  if (!parsed->is_known_version) return true;
  if (!apply ({*parsed, keep (parsed->uri), keep (parsed->key_format),
          keep (parsed->key_id)}))
    return false;
  if (!substitutes_ && applied_.size () == 1) {
    key_value_ = value;
    iv_value_ = attributes_.get ("IV").value_or (value.substr (0, 0));
  }
  return true;
}

// In place of the one with the same KEYFORMAT, or beside the others.
bool Parser::apply (const Applied &next)
{
  for (Applied &one : applied_) {
    if (view (one.format) != next.key.key_format) continue;
    one = next;
    return true;
  }
  if (applied_.size () == most_keys) return fail (Error::too_many_keys);
  applied_.push_back (next);
  return true;
}

// A tag for each segment is most often the one before with another IV: then
// the rest of it need not be read again.
bool Parser::differs_in_iv (std::string_view value)
{
  if (key_value_.empty () || value.size () != key_value_.size ()) return false;
  auto at = static_cast<std::size_t> (iv_value_.data () - key_value_.data ());
  auto end = at + iv_value_.size ();
  if (value.substr (0, at) != key_value_.substr (0, at) ||
      value.substr (end) != key_value_.substr (end))
    return false;
  std::string_view text = value.substr (at, iv_value_.size ());
  if (text == iv_value_) return true;
  auto iv = m3u8text::hexadecimal (text);
  if (!iv) return false;
  applied_.front ().key.iv = iv;
  keys_changed_ = true;
  key_value_ = value;
  iv_value_ = text;
  return true;
}

// From the tags that apply to what is written at each entry.
bool Parser::use_keys ()
{
  keys_changed_ = false;
  key_ = SegmentList::no_key;
  if (applied_.empty ()) return true;
  for (const Applied &one : applied_)
    if (one.key.method != applied_.front ().key.method)
      return fail (Error::keys_disagree);
  SegmentList::Key key;
  if (is_of_samples (applied_.front ().key.method))
    use_samples (key);
  else if (!use_whole (key))
    return fail (Error::key_format);
  // Some repeat it before each segment.
  if (!is_last_key (key)) list_.keys.push_back (key);
  key_ = static_cast<std::uint32_t> (list_.keys.size () - 1);
  return true;
}

bool Parser::is_last_key (const SegmentList::Key &key) const
{
  if (list_.keys.empty ()) return false;
  const SegmentList::Key &last = list_.keys.back ();
  if (last.is_whole != key.is_whole) return false;
  if (!key.is_whole) return last.protections == key.protections;
  return last.cipher == key.cipher && last.has_iv == key.has_iv &&
         last.iv == key.iv &&
         view ({last.uri_at, last.uri_size}) ==
             view ({key.uri_at, key.uri_size});
}

// With a key of the format "identity" alone: others are in the hands of
// systems that do not decrypt segments.
bool Parser::use_whole (SegmentList::Key &key) const
{
  using enum presentation::Encryption::Cipher;
  for (const Applied &one : applied_) {
    if (view (one.format) != "identity") continue;
    key.uri_at = one.uri.at;
    key.uri_size = one.uri.size;
    key.has_iv = one.key.iv.has_value ();
    key.iv = one.key.iv.value_or (key.iv);
    key.is_whole = true;
    key.cipher = one.key.method == Method::aes_128   ? aes_128
                 : one.key.method == Method::aes_256 ? aes_256
                                                     : aes_256_ctr;
    return true;
  }
  return false;
}

void Parser::use_samples (SegmentList::Key &key)
{
  presentation::Protections protections;
  for (Applied &one : applied_) {
    one.key.uri = view (one.uri);
    one.key.key_format = view (one.format);
    one.key.key_id = view (one.id);
    protections.push_back (to_protection (one.key, source_.uri));
  }
  if (list_.protections.empty () || *list_.protections.back () != protections)
    list_.protections.push_back (
        std::make_shared<const presentation::Protections> (
            std::move (protections)));
  key.protections = static_cast<std::uint32_t> (list_.protections.size () - 1);
}

// 4.4.4.5
bool Parser::map (std::string_view value)
{
  if (keys_changed_ && !use_keys ()) return false;
  if (!substitutes_ && value == map_ && key_ == map_key_ &&
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
  if (key_ != SegmentList::no_key && list_.keys[key_].is_whole) {
    const SegmentList::Key &key = list_.keys[key_];
    // "the IV attribute of the EXT-X-KEY tag that applies to the EXT-X-MAP is
    // REQUIRED": it has no sequence number.
    if (!key.has_iv) return fail (Error::map_without_iv);
    init.encryption = presentation::Encryption{
        key.cipher, std::string (view ({key.uri_at, key.uri_size})), key.iv};
  }
  if (list_.inits.empty () || list_.inits.back () != init)
    list_.inits.push_back (std::move (init));
  init_ = static_cast<std::uint32_t> (list_.inits.size () - 1);
  map_ = value;
  map_key_ = key_;
  return true;
}

bool Parser::session_key (std::string_view value)
{
  if (!read (value)) return false;
  auto parsed = parse_key (attributes_);
  // They only say earlier what EXT-X-KEY says.
  if (parsed && is_of_samples (parsed->method) && parsed->is_known_version)
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

}  // namespace

Result<Playlist> parse (std::string text, const Source &source)
{
  return Parser (std::move (text), source).run ();
}

}  // namespace m3u8

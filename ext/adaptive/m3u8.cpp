// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "text.h"
#include "uri.h"

namespace m3u8 {

using presentation::Resource;
using presentation::SegmentList;
using presentation::Time;
using relay::Done;

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
    case Error::too_long:
      return "the playlist is too long to be true";
    case Error::too_many_segments:
      return "too many segments";
    case Error::encrypted:
      return "encryption (#EXT-X-KEY)";
    case Error::variables:
      return "variables (#EXT-X-DEFINE)";
    case Error::gap:
      return "missing segments (#EXT-X-GAP)";
    case Error::i_frames_only:
      return "I-frames only";
    case Error::delta_update:
      return "delta updates (#EXT-X-SKIP)";
  }
  return "unknown";
}

bool is_unsupported (Error error)
{
  return error >= Error::encrypted;
}

namespace {

// Takes the next line off the text, without its line end.
std::string_view take_line (std::string_view &rest)
{
  std::string_view line = rest.substr (0, rest.find ('\n'));
  rest.remove_prefix (std::min (line.size () + 1, rest.size ()));
  if (line.ends_with ('\r')) line.remove_suffix (1);
  return line;
}

// NAME=value,NAME="value" (4.2).
class Attributes
{
public:
  static Result<Attributes> parse (std::string_view rest)
  {
    Attributes out;
    rest = text::trim (rest);
    while (!rest.empty ()) {
      std::size_t equals = rest.find ('=');
      if (equals == 0 || equals == std::string_view::npos)
        return relay::failure (Error::bad_attributes);
      std::string_view name = text::trim (rest.substr (0, equals));
      rest.remove_prefix (equals + 1);
      std::size_t size = 0;
      std::string_view value;
      if (rest.starts_with ('"')) {
        size = rest.find ('"', 1);
        if (size == std::string_view::npos)
          return relay::failure (Error::bad_attributes);
        value = rest.substr (1, size++ - 1);
        rest.remove_prefix (size);
        rest = rest.substr (std::min (rest.find (','), rest.size ()));
      } else {
        value = text::trim (rest.substr (0, rest.find (',')));
        rest.remove_prefix (std::min (rest.find (','), rest.size ()));
      }
      if (rest.starts_with (',')) rest.remove_prefix (1);
      rest = text::trim (rest);
      out.items_.emplace_back (name, value);
    }
    return out;
  }

  [[nodiscard]] std::optional<std::string_view> get (
      std::string_view name) const
  {
    for (const auto &[key, value] : items_)
      if (key == name) return value;
    return std::nullopt;
  }
  [[nodiscard]] std::string text (std::string_view name) const
  {
    return std::string (get (name).value_or (""));
  }

private:
  std::vector<std::pair<std::string_view, std::string_view>> items_;
};

struct ByteRange
{
  std::uint64_t size = 0;
  std::optional<std::uint64_t> offset;
};

// <n>[@<o>] (4.4.4.2)
Result<ByteRange> parse_byte_range (std::string_view value)
{
  auto at = value.find ('@');
  auto size = text::number<std::uint64_t> (value.substr (0, at));
  if (!size || *size == 0) return relay::failure (Error::bad_byterange);
  ByteRange range{*size, std::nullopt};
  if (at != std::string_view::npos) {
    range.offset = text::number<std::uint64_t> (value.substr (at + 1));
    if (!range.offset) return relay::failure (Error::bad_byterange);
  }
  std::uint64_t end = 0;
  if (__builtin_add_overflow (range.offset.value_or (0), *size, &end))
    return relay::failure (Error::bad_byterange);
  return range;
}

presentation::Range to_range (std::uint64_t first, std::uint64_t size)
{
  return {first, first + size - 1};
}

class Parser
{
public:
  explicit Parser (std::string text)
  {
    media_.segments.text = std::move (text);
  }
  Result<Playlist> run ();

private:
  using Handler = Result<Done> (Parser::*) (std::string_view value);
  struct Tag
  {
    std::string_view name;
    Handler handler;
    // Of which kind of playlist it is a sign.
    enum class Kind
    {
      either,
      media,
      multivariant
    } kind;
  };
  static std::span<const Tag> tags ();

  Result<Done> line (std::string_view line);
  Result<Done> tag (std::string_view line);
  Result<Done> uri_line (std::string_view uri);
  Result<Done> segment (std::string_view uri);
  Result<Done> finish ();

  Result<Done> extinf (std::string_view value);
  Result<Done> byte_range (std::string_view value);
  Result<Done> discontinuity (std::string_view value);
  Result<Done> key (std::string_view value);
  Result<Done> map (std::string_view value);
  Result<Done> target_duration (std::string_view value);
  Result<Done> media_sequence (std::string_view value);
  Result<Done> discontinuity_sequence (std::string_view value);
  Result<Done> end_list (std::string_view value);
  Result<Done> playlist_type (std::string_view value);
  Result<Done> stream_inf (std::string_view value);
  Result<Done> media (std::string_view value);
  template <Error error>
  Result<Done> refuse (std::string_view /*value*/)
  {
    return relay::failure (error);
  }
  Result<Done> pass (std::string_view /*value*/) { return Done{}; }

  Media media_;
  Multivariant multivariant_;
  bool is_media_ = false;
  bool is_multivariant_ = false;
  // What the next URI line takes.
  std::optional<Time> duration_;
  std::optional<ByteRange> byte_range_;
  bool discontinuity_ = false;
  std::optional<Variant> variant_;
  std::uint32_t init_ = SegmentList::no_init;
};

Result<Playlist> Parser::run ()
{
  std::string_view rest = media_.segments.text;
  if (rest.size () > max_size) return relay::failure (Error::too_large);
  // "MUST NOT contain any Byte Order Mark" (4.1): some do, nothing is lost.
  if (rest.starts_with ("\xef\xbb\xbf")) rest.remove_prefix (3);
  std::size_t number = 1;
  if (text::trim (take_line (rest)) != "#EXTM3U")
    return relay::failure (Error::not_m3u8, number);
  while (!rest.empty ()) {
    number++;
    auto done = line (text::trim (take_line (rest)));
    if (!done) return relay::failure (done.code (), number);
  }
  auto done = finish ();
  if (!done) return relay::failure (done.code (), number);
  if (is_multivariant_) return Playlist (std::move (multivariant_));
  return Playlist (std::move (media_));
}

Result<Done> Parser::line (std::string_view line)
{
  if (line.empty ()) return Done{};
  if (!line.starts_with ('#')) return uri_line (line);
  if (line.starts_with ("#EXT")) return tag (line);
  return Done{};
}

std::span<const Parser::Tag> Parser::tags ()
{
  using P = Parser;
  using enum Tag::Kind;
  static constexpr Tag all[] = {
      {"#EXTINF", &P::extinf, media},
      {"#EXT-X-BYTERANGE", &P::byte_range, media},
      {"#EXT-X-DISCONTINUITY", &P::discontinuity, media},
      {"#EXT-X-KEY", &P::key, media},
      {"#EXT-X-MAP", &P::map, media},
      {"#EXT-X-GAP", &P::refuse<Error::gap>, media},
      {"#EXT-X-SKIP", &P::refuse<Error::delta_update>, media},
      {"#EXT-X-I-FRAMES-ONLY", &P::refuse<Error::i_frames_only>, media},
      {"#EXT-X-TARGETDURATION", &P::target_duration, media},
      {"#EXT-X-MEDIA-SEQUENCE", &P::media_sequence, media},
      {"#EXT-X-DISCONTINUITY-SEQUENCE", &P::discontinuity_sequence, media},
      {"#EXT-X-ENDLIST", &P::end_list, media},
      {"#EXT-X-PLAYLIST-TYPE", &P::playlist_type, media},
      {"#EXT-X-STREAM-INF", &P::stream_inf, multivariant},
      {"#EXT-X-MEDIA", &P::media, multivariant},
      {"#EXT-X-I-FRAME-STREAM-INF", &P::pass, multivariant},
      {"#EXT-X-SESSION-DATA", &P::pass, multivariant},
      {"#EXT-X-SESSION-KEY", &P::pass, multivariant},
      {"#EXT-X-CONTENT-STEERING", &P::pass, multivariant},
      {"#EXT-X-DEFINE", &P::refuse<Error::variables>, either},
  };
  return all;
}

Result<Done> Parser::tag (std::string_view line)
{
  auto colon = std::min (line.find (':'), line.size ());
  std::string_view name = text::trim (line.substr (0, colon));
  std::string_view value =
      text::trim (line.substr (std::min (colon + 1, line.size ())));
  for (const Tag &known : tags ()) {
    if (known.name != name) continue;
    is_media_ = is_media_ || known.kind == Tag::Kind::media;
    is_multivariant_ =
        is_multivariant_ || known.kind == Tag::Kind::multivariant;
    // "A client MUST fail to parse Playlists that contain both" (4.1).
    if (is_media_ && is_multivariant_) return relay::failure (Error::mixed);
    return (this->*known.handler) (value);
  }
  return Done{};
}

Result<Done> Parser::uri_line (std::string_view uri)
{
  if (variant_) {
    variant_->uri = uri;
    multivariant_.variants.push_back (*std::exchange (variant_, {}));
    return Done{};
  }
  return segment (uri);
}

Result<Done> Parser::segment (std::string_view uri)
{
  if (!duration_) return relay::failure (Error::no_extinf);
  SegmentList &list = media_.segments;
  if (list.entries.size () >= max_segments)
    return relay::failure (Error::too_many_segments);

  SegmentList::Entry entry;
  entry.uri_at = static_cast<std::uint32_t> (uri.data () - list.text.data ());
  entry.uri_size = static_cast<std::uint32_t> (uri.size ());
  if (byte_range_) {
    entry.size = byte_range_->size;
    if (byte_range_->offset) {
      entry.first = *byte_range_->offset;
    } else {
      // It "begins at the next byte following the sub-range of the previous
      // Media Segment", which must be of the same resource (4.4.4.2).
      if (list.entries.empty ()) return relay::failure (Error::no_offset);
      const SegmentList::Entry &previous = list.entries.back ();
      if (previous.size == 0 || list.uri (previous) != uri)
        return relay::failure (Error::no_offset);
      entry.first = previous.first + previous.size;
      std::uint64_t end = 0;
      if (__builtin_add_overflow (entry.first, entry.size, &end))
        return relay::failure (Error::bad_byterange);
    }
  }
  entry.time = media_.duration;
  entry.duration = *duration_;
  entry.init = init_;
  entry.discontinuity = discontinuity_;
  if (*duration_ > presentation::max_time - media_.duration)
    return relay::failure (Error::too_long);
  media_.duration += *duration_;
  list.entries.push_back (entry);
  duration_.reset ();
  byte_range_.reset ();
  discontinuity_ = false;
  return Done{};
}

Result<Done> Parser::finish ()
{
  if (variant_ || duration_) return relay::failure (Error::no_uri);
  if (is_multivariant_ ? multivariant_.variants.empty ()
                       : media_.segments.entries.empty ())
    return relay::failure (Error::empty);
  // The names in it have been copied out.
  if (is_multivariant_) media_.segments.text.clear ();
  return Done{};
}

// <duration>,[<title>] (4.4.4.1); the comma is often left out.
Result<Done> Parser::extinf (std::string_view value)
{
  duration_ =
      text::decimal (text::trim (value.substr (0, value.find (','))), 9);
  if (!duration_) return relay::failure (Error::bad_extinf);
  return Done{};
}

Result<Done> Parser::byte_range (std::string_view value)
{
  auto range = parse_byte_range (value);
  if (!range) return range.error ();
  byte_range_ = *range;
  return Done{};
}

Result<Done> Parser::discontinuity (std::string_view /*value*/)
{
  discontinuity_ = true;
  return Done{};
}

Result<Done> Parser::key (std::string_view value)
{
  auto attributes = Attributes::parse (value);
  if (!attributes) return attributes.error ();
  auto method = attributes->get ("METHOD");
  if (!method) return relay::failure (Error::missing_attribute);
  if (*method != "NONE") return relay::failure (Error::encrypted);
  return Done{};
}

// 4.4.4.5
Result<Done> Parser::map (std::string_view value)
{
  auto attributes = Attributes::parse (value);
  if (!attributes) return attributes.error ();
  auto uri = attributes->get ("URI");
  if (!uri) return relay::failure (Error::missing_attribute);
  if (uri->empty ()) return relay::failure (Error::empty_uri);
  Resource init{std::string (*uri), std::nullopt};
  if (auto text = attributes->get ("BYTERANGE")) {
    auto range = parse_byte_range (*text);
    if (!range) return range.error ();
    init.range = to_range (range->offset.value_or (0), range->size);
  }
  auto &inits = media_.segments.inits;
  if (inits.empty () || inits.back () != init)
    inits.push_back (std::move (init));
  init_ = static_cast<std::uint32_t> (inits.size () - 1);
  return Done{};
}

Result<Done> Parser::target_duration (std::string_view value)
{
  // An integer; some write a decimal.
  media_.target_duration = text::decimal (value, 9);
  if (!media_.target_duration) return relay::failure (Error::bad_number);
  return Done{};
}

Result<Done> Parser::media_sequence (std::string_view value)
{
  auto number = text::number<std::uint64_t> (value);
  if (!number) return relay::failure (Error::bad_number);
  media_.media_sequence = *number;
  return Done{};
}

Result<Done> Parser::discontinuity_sequence (std::string_view value)
{
  auto number = text::number<std::uint64_t> (value);
  if (!number) return relay::failure (Error::bad_number);
  media_.discontinuity_sequence = *number;
  return Done{};
}

Result<Done> Parser::end_list (std::string_view /*value*/)
{
  media_.end_list = true;
  media_.complete = true;
  return Done{};
}

// "VOD: the Media Playlist MUST NOT change" (4.4.3.5). Other values than VOD
// and EVENT say nothing.
Result<Done> Parser::playlist_type (std::string_view value)
{
  if (value == "VOD") media_.complete = true;
  return Done{};
}

Result<Done> Parser::stream_inf (std::string_view value)
{
  if (variant_) return relay::failure (Error::no_uri);
  auto attributes = Attributes::parse (value);
  if (!attributes) return attributes.error ();
  Variant variant;
  // "REQUIRED", but a list of one variant is playable without.
  if (auto text = attributes->get ("BANDWIDTH")) {
    auto number = text::number<std::uint64_t> (*text);
    if (!number) return relay::failure (Error::bad_number);
    variant.bandwidth = *number;
  }
  if (auto text = attributes->get ("RESOLUTION")) {
    auto x = std::min (text->find ('x'), text->size () - 1);
    auto width = text::number<std::uint32_t> (text->substr (0, x));
    auto height = text::number<std::uint32_t> (text->substr (x + 1));
    if (!width || !height) return relay::failure (Error::bad_number);
    variant.width = *width;
    variant.height = *height;
  }
  if (auto text = attributes->get ("FRAME-RATE")) {
    auto rate = text::decimal (*text, 3);
    if (!rate || *rate > 1'000'000) return relay::failure (Error::bad_number);
    variant.frame_rate = {static_cast<std::uint32_t> (*rate), 1000};
  }
  variant.codecs = attributes->text ("CODECS");
  variant.audio = attributes->text ("AUDIO");
  variant.video = attributes->text ("VIDEO");
  variant.subtitles = attributes->text ("SUBTITLES");
  variant_ = std::move (variant);
  return Done{};
}

Result<Done> Parser::media (std::string_view value)
{
  auto attributes = Attributes::parse (value);
  if (!attributes) return attributes.error ();
  auto type = attributes->get ("TYPE");
  auto group = attributes->get ("GROUP-ID");
  if (!type || !group || !attributes->get ("NAME"))
    return relay::failure (Error::missing_attribute);
  Rendition rendition;
  if (*type == "AUDIO")
    rendition.type = Rendition::Type::audio;
  else if (*type == "VIDEO")
    rendition.type = Rendition::Type::video;
  else if (*type == "SUBTITLES")
    rendition.type = Rendition::Type::subtitles;
  else if (*type == "CLOSED-CAPTIONS")
    rendition.type = Rendition::Type::closed_captions;
  else
    return Done{};
  rendition.uri = attributes->text ("URI");
  rendition.group_id = *group;
  rendition.name = attributes->text ("NAME");
  rendition.language = attributes->text ("LANGUAGE");
  rendition.is_default = attributes->get ("DEFAULT") == "YES";
  multivariant_.renditions.push_back (std::move (rendition));
  return Done{};
}

// RFC 6381 names of what can be seen; no CODECS at all means anything.
bool has_picture (const Variant &variant)
{
  if (variant.width != 0 || variant.codecs.empty ()) return true;
  for (const char *codec : {"avc", "hvc", "hev", "dvh", "dva", "av01", "vp0",
           "vp8", "vp9", "mp4v", "vvc", "vvi"})
    if (variant.codecs.find (codec) != std::string::npos) return true;
  return false;
}

presentation::Representation to_representation (
    const Variant &variant, const std::string &base)
{
  presentation::Representation out{};
  out.base = base;
  out.bandwidth = variant.bandwidth;
  out.width = variant.width;
  out.height = variant.height;
  out.frame_rate = variant.frame_rate;
  out.codecs = variant.codecs;
  out.group = variant.audio;
  out.segments = presentation::Playlist{variant.uri};
  return out;
}

// Whether a rendition is what a variant has anyway: where there is sound only,
// it is common to list the playlist of the variant as a rendition too.
bool is_variant (const presentation::Track &variants,
    const Rendition &rendition, const std::string &base)
{
  std::string uri = uri::resolve (base, rendition.uri);
  return std::ranges::any_of (
      variants.representations, [&] (const presentation::Representation &one) {
        const auto &playlist = std::get<presentation::Playlist> (one.segments);
        return uri::resolve (base, playlist.uri) == uri;
      });
}

}  // namespace

Result<Playlist> parse (std::string text)
{
  return Parser (std::move (text)).run ();
}

presentation::Presentation to_presentation (
    const Multivariant &playlist, const std::string &base)
{
  presentation::Track main;
  // Sound-only variants are for lines that do not carry a picture: they are a
  // choice only where there is nothing else.
  bool pictures = std::ranges::any_of (playlist.variants, has_picture);
  main.type = pictures ? presentation::Type::video : presentation::Type::audio;
  for (const Variant &variant : playlist.variants)
    if (!pictures || has_picture (variant))
      main.representations.push_back (to_representation (variant, base));

  presentation::Period period;
  period.tracks.push_back (std::move (main));
  for (const Rendition &rendition : playlist.renditions) {
    if (rendition.type != Rendition::Type::audio || rendition.uri.empty ())
      continue;
    if (is_variant (period.tracks.front (), rendition, base)) continue;
    auto same = [&] (const presentation::Track &track) {
      return track.type == presentation::Type::audio &&
             track.label == rendition.name &&
             track.language == rendition.language;
    };
    auto track = std::ranges::find_if (
        period.tracks.begin () + 1, period.tracks.end (), same);
    if (track == period.tracks.end ()) {
      track = period.tracks.insert (track, presentation::Track{});
      track->type = presentation::Type::audio;
      track->label = rendition.name;
      track->language = rendition.language;
    }
    presentation::Representation representation{};
    representation.base = base;
    representation.group = rendition.group_id;
    representation.segments = presentation::Playlist{rendition.uri};
    track->representations.push_back (std::move (representation));
  }
  return {std::nullopt, {std::move (period)}};
}

presentation::Presentation to_presentation (
    Media playlist, const std::string &base)
{
  presentation::Representation representation{};
  representation.base = base;
  presentation::Time duration = playlist.duration;
  representation.segments = std::move (playlist.segments);
  presentation::Track track;
  track.representations.push_back (std::move (representation));
  presentation::Period period;
  period.duration = duration;
  period.tracks.push_back (std::move (track));
  return {duration, {std::move (period)}};
}

}  // namespace m3u8

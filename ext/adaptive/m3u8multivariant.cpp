// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8multivariant.h"

#include <algorithm>
#include <utility>

#include "text.h"
#include "uri.h"

namespace m3u8 {

using m3u8text::Attributes;
using presentation::DateRange;
using presentation::Time;
using relay::Done;

namespace {

bool is_yes (const Attributes &attributes, std::string_view name)
{
  return attributes.is (name, "YES");
}

// Where it is there it must be a number.
Result<Done> read_number (
    const Attributes &attributes, std::string_view name, std::uint64_t &out)
{
  auto value = attributes.get (name);
  if (!value) return Done{};
  auto number = m3u8text::number (*value);
  if (!number) return relay::failure (Error::bad_number);
  out = *number;
  return Done{};
}

// <width>x<height>
Result<Done> read_resolution (const Attributes &attributes, Variant &out)
{
  auto value = attributes.get ("RESOLUTION");
  if (!value) return Done{};
  auto x = std::min (value->find ('x'), value->size ());
  auto width = text::number<std::uint32_t> (value->substr (0, x));
  auto height = text::number<std::uint32_t> (
      value->substr (std::min (x + 1, value->size ())));
  if (!width || !height) return relay::failure (Error::bad_number);
  out.width = *width;
  out.height = *height;
  return Done{};
}

Result<Done> read_decimals (const Attributes &attributes, Variant &out)
{
  if (auto value = attributes.get ("FRAME-RATE")) {
    auto rate = text::decimal (*value, 3);
    if (!rate || *rate > 1'000'000) return relay::failure (Error::bad_number);
    out.frame_rate = {static_cast<std::uint32_t> (*rate), 1000};
  }
  if (auto value = attributes.get ("SCORE")) {
    auto score = text::decimal (*value, 6);
    if (!score) return relay::failure (Error::bad_number);
    out.score = static_cast<double> (*score) / 1e6;
  }
  return Done{};
}

std::optional<Rendition::Type> type_of (std::string_view name)
{
  using enum Rendition::Type;
  if (name == "AUDIO") return audio;
  if (name == "VIDEO") return video;
  if (name == "SUBTITLES") return subtitles;
  if (name == "CLOSED-CAPTIONS") return closed_captions;
  return std::nullopt;
}

// Nothing, where it is there and not that.
std::optional<std::optional<Time>> duration_of (
    const Attributes &attributes, std::string_view name)
{
  auto value = attributes.get (name);
  if (!value) return std::optional<Time>{};
  auto duration = m3u8text::nanoseconds (*value);
  if (!duration) return std::nullopt;
  return duration;
}

// As it stands in the URI; nothing where it "has no associated value"
// (4.4.2.3).
std::optional<std::string_view> query_parameter (
    std::string_view uri, std::string_view name)
{
  std::string_view query = uri::split (uri).query.value_or ("");
  while (!query.empty ()) {
    std::string_view one = query.substr (0, query.find ('&'));
    query.remove_prefix (std::min (one.size () + 1, query.size ()));
    auto equals = one.find ('=');
    if (equals == std::string_view::npos || one.substr (0, equals) != name)
      continue;
    if (equals + 1 < one.size ()) return one.substr (equals + 1);
  }
  return std::nullopt;
}

}  // namespace

Result<Variant> parse_variant (const Attributes &attributes)
{
  Variant out;
  // "REQUIRED", but a list of one variant is playable without.
  auto done = read_number (attributes, "BANDWIDTH", out.bandwidth);
  if (done)
    done = read_number (attributes, "AVERAGE-BANDWIDTH", out.average_bandwidth);
  if (done) done = read_resolution (attributes, out);
  if (done) done = read_decimals (attributes, out);
  if (!done) return done.error ();
  out.uri = attributes.text ("URI");
  out.codecs = attributes.text ("CODECS");
  out.supplemental_codecs = attributes.text ("SUPPLEMENTAL-CODECS");
  out.video_range = attributes.text ("VIDEO-RANGE");
  out.hdcp_level = attributes.text ("HDCP-LEVEL");
  out.allowed_cpc = attributes.text ("ALLOWED-CPC");
  out.pathway_id = attributes.text ("PATHWAY-ID");
  out.stable_id = attributes.text ("STABLE-VARIANT-ID");
  out.audio = attributes.text ("AUDIO");
  out.video = attributes.text ("VIDEO");
  out.subtitles = attributes.text ("SUBTITLES");
  // NONE without quotes says that there are none at all.
  for (const auto &one : attributes.items ())
    if (one.name == "CLOSED-CAPTIONS" && one.is_quoted)
      out.closed_captions = one.value;
  return out;
}

Result<std::optional<Rendition>> parse_rendition (const Attributes &attributes)
{
  auto name = attributes.get ("TYPE");
  auto group = attributes.get ("GROUP-ID");
  if (!name || !group || !attributes.get ("NAME"))
    return relay::failure (Error::missing_attribute);
  auto type = type_of (*name);
  if (!type) return std::optional<Rendition>{};
  Rendition out;
  out.type = *type;
  out.instream_id = attributes.text ("INSTREAM-ID");
  out.uri = attributes.text ("URI");
  // "REQUIRED if the TYPE attribute is CLOSED-CAPTIONS", where there must be no
  // URI, and the other way round for SUBTITLES.
  if (*type == Rendition::Type::closed_captions) {
    out.uri.clear ();
    if (out.instream_id.empty ()) return std::optional<Rendition>{};
  }
  if (*type == Rendition::Type::subtitles && out.uri.empty ())
    return std::optional<Rendition>{};
  out.group_id = *group;
  out.name = attributes.text ("NAME");
  out.language = attributes.text ("LANGUAGE");
  out.assoc_language = attributes.text ("ASSOC-LANGUAGE");
  out.characteristics = attributes.text ("CHARACTERISTICS");
  out.channels = attributes.text ("CHANNELS");
  out.stable_id = attributes.text ("STABLE-RENDITION-ID");
  out.is_default = is_yes (attributes, "DEFAULT");
  // What is the default may be chosen without being asked for, said or not.
  out.autoselect = out.is_default || is_yes (attributes, "AUTOSELECT");
  out.forced = is_yes (attributes, "FORCED");
  return std::optional (std::move (out));
}

std::optional<presentation::SessionData> parse_session_data (
    const Attributes &attributes, std::string_view base)
{
  auto id = attributes.get ("DATA-ID");
  auto value = attributes.get ("VALUE");
  auto uri = attributes.get ("URI");
  // "MUST contain either a VALUE or URI attribute, but not both" (4.4.6.4).
  if (!id || value.has_value () == uri.has_value ()) return std::nullopt;
  presentation::SessionData out;
  out.id = *id;
  out.value = value.value_or ("");
  if (uri) {
    out.uri = uri::resolve (base, *uri);
    out.format = attributes.get ("FORMAT").value_or ("JSON");
  }
  out.language = attributes.text ("LANGUAGE");
  return out;
}

// EXT-X-CONTENT-STEERING (4.4.6.6)
std::optional<presentation::Steering> parse_steering (
    const Attributes &attributes, std::string_view base)
{
  auto uri = attributes.get ("SERVER-URI");
  if (!uri || uri->empty ()) return std::nullopt;
  presentation::Steering out;
  out.uri = uri::resolve (base, *uri);
  if (auto pathway = attributes.get ("PATHWAY-ID"))
    out.pathways.emplace_back (*pathway);
  return out;
}

// "A negative number indicates a time offset from the end of the last Media
// Segment" (4.4.2.2).
std::optional<presentation::Start> parse_start (const Attributes &attributes)
{
  std::string_view value = attributes.get ("TIME-OFFSET").value_or ("");
  presentation::Start out;
  out.from_end = value.starts_with ('-');
  if (out.from_end) value.remove_prefix (1);
  auto offset = m3u8text::nanoseconds (value);
  if (!offset) return std::nullopt;
  out.offset = *offset;
  out.precise = is_yes (attributes, "PRECISE");
  return out;
}

std::optional<DateRange> parse_date_range (const Attributes &attributes)
{
  auto id = attributes.get ("ID");
  auto start = m3u8text::date (attributes.get ("START-DATE").value_or (""));
  auto end = attributes.get ("END-DATE");
  auto duration = duration_of (attributes, "DURATION");
  auto planned = duration_of (attributes, "PLANNED-DURATION");
  if (!id || !start || !duration || !planned) return std::nullopt;
  DateRange out;
  out.id = *id;
  out.start = *start;
  if (end) out.end = m3u8text::date (*end);
  if (end && !out.end) return std::nullopt;
  out.duration = *duration;
  out.planned_duration = *planned;
  out.scheme = attributes.text ("CLASS");
  out.cue = attributes.text ("CUE");
  out.end_on_next = is_yes (attributes, "END-ON-NEXT");
  for (const auto &one : attributes.items ())
    if (one.name.starts_with ("X-") || one.name.starts_with ("SCTE35-"))
      out.attributes.emplace_back (one.name, one.value);
  return out;
}

Result<std::pair<std::string, std::string>> parse_definition (
    const Attributes &attributes, const Source &source)
{
  auto name = attributes.get ("NAME");
  auto import = attributes.get ("IMPORT");
  auto parameter = attributes.get ("QUERYPARAM");
  if (int{name.has_value ()} + int{import.has_value ()} +
          int{parameter.has_value ()} !=
      1)
    return relay::failure (Error::bad_definition);
  if (name) {
    auto value = attributes.get ("VALUE");
    if (!value) return relay::failure (Error::missing_attribute);
    return std::pair (std::string (*name), std::string (*value));
  }
  if (parameter) {
    auto value = query_parameter (source.uri, *parameter);
    if (!value) return relay::failure (Error::no_such_parameter);
    // "MUST be percent-decoded before performing the variable replacement. The
    // decoded value MUST NOT contain any of the characters disallowed in
    // quoted-strings."
    std::string decoded = uri::percent_decode (*value);
    if (decoded.find_first_of ("\r\n\"") != std::string::npos)
      return relay::failure (Error::bad_parameter);
    return std::pair (std::string (*parameter), std::move (decoded));
  }
  if (source.variables != nullptr)
    for (const auto &one : *source.variables)
      if (one.first == *import) return one;
  return relay::failure (Error::undefined);
}

}  // namespace m3u8

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpd.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "mpdreader.h"
#include "mpdsegments.h"
#include "template.h"
#include "uri.h"

namespace mpd {

using presentation::Descriptor;
using presentation::Presentation;
using presentation::Time;
using presentation::Track;
using presentation::Type;

namespace {

// A few at each of four levels; more than any player would try.
constexpr std::size_t max_addresses = 32;

constexpr std::string_view trick_mode_scheme =
    "http://dashif.org/guidelines/trickmode";

// Whether a player that passes it over still plays what was meant.
bool is_known (const Descriptor &property)
{
  // The decoder learns the colours from its stream (ISO/IEC 23091-2).
  return property.scheme_id_uri == trick_mode_scheme ||
         property.scheme_id_uri.starts_with ("urn:mpeg:mpegB:cicp:");
}

// "If the scheme or value of the descriptor is not recognized ... the client
// shall ignore the parent element" (5.8.4.8).
bool is_essential (const Common &element)
{
  return !std::ranges::all_of (element.essential_properties, is_known);
}

// The sets that one of key frames alone is of, or nothing.
std::optional<std::string> trick_mode_of (const Common &element)
{
  for (const auto *properties :
      {&element.essential_properties, &element.supplemental_properties})
    for (const Descriptor &property : *properties)
      if (property.scheme_id_uri == trick_mode_scheme) return property.value;
  return std::nullopt;
}

std::optional<Type> type_of (
    std::string_view mime_type, std::string_view codecs, std::string_view set)
{
  if (codecs.starts_with ("stpp") || codecs.starts_with ("wvtt"))
    return Type::text;
  // @contentType is for sets whose Representations say nothing.
  for (std::string_view text : {mime_type, mime_type.empty () ? set : ""}) {
    if (text.starts_with ("video")) return Type::video;
    if (text.starts_with ("audio")) return Type::audio;
    if (text.starts_with ("text")) return Type::text;
  }
  if (mime_type == "application/ttml+xml") return Type::text;
  return std::nullopt;
}

class Presenter
{
public:
  Result<Presentation> run (const Document &document, const std::string &uri);

private:
  // What holds at a level for those below.
  struct Level
  {
    std::vector<BaseUrl> bases;
    SegmentInformation segments;
    std::string mime_type;
    std::string codecs;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    presentation::Fraction frame_rate;
    std::optional<double> max_playout_rate;
    std::optional<bool> coding_dependency;
    std::vector<presentation::ContentProtection> protections;
    std::vector<Descriptor> inband_events;
    std::optional<SegmentEncryption> encryption;
  };

  Result<relay::Done> lay_out (const Document &document);
  Result<relay::Done> period (
      const Period &from, const Level &above, presentation::Period &out);
  Result<relay::Done> set (const AdaptationSet &from, const Level &above,
      mpdsegments::Maker &maker, presentation::Period &out);
  Result<relay::Done> representation (const Representation &from,
      const Level &all, mpdsegments::Maker &maker, Track &track);
  static Level below (const Common &element, const Level &above);

  Presentation out_;
};

// ---- Periods ---------------------------------------------------------------

// 5.3.2.1: when each begins and ends.
Result<relay::Done> Presenter::lay_out (const Document &document)
{
  out_.duration = document.duration;
  std::optional<Time> next = 0;
  for (const Period &from : document.periods) {
    presentation::Period period;
    period.id = from.id;
    std::optional<Time> start = from.start ? from.start : next;
    // Behind one of unknown length it is "early available": not yet.
    if (!start) return relay::failure (Error::no_duration, from.line);
    period.start = *start;
    period.duration = from.duration;
    if (period.duration && *period.duration > presentation::max_time - *start)
      return relay::failure (Error::overflow, from.line);
    next = from.duration ? std::optional<Time> (*start + *from.duration)
                         : std::nullopt;
    bool follows = !out_.periods.empty ();
    if (follows) {
      presentation::Period &last = out_.periods.back ();
      if (*start < last.start)
        return relay::failure (Error::bad_period, from.line);
      Time length = *start - last.start;
      last.duration = std::min (last.duration.value_or (length), length);
    }
    out_.periods.push_back (std::move (period));
  }
  presentation::Period &last = out_.periods.back ();
  if (!last.duration && out_.duration && *out_.duration >= last.start)
    last.duration = *out_.duration - last.start;
  if (!out_.duration && last.duration)
    out_.duration = last.start + *last.duration;
  return relay::Done{};
}

Result<Presentation> Presenter::run (
    const Document &document, const std::string &uri)
{
  if (document.dynamic) return relay::failure (Error::dynamic, document.line);
  for (const Period &from : document.periods)
    if (!from.remote.href.empty ())
      return relay::failure (Error::xlink, from.line);
  if (document.periods.empty ())
    return relay::failure (Error::no_period, document.line);
  auto done = lay_out (document);
  if (!done) return done.error ();

  Level all;
  BaseUrl own;
  own.base.uri = uri;
  all.bases = resolved ({std::move (own)}, document.base_urls);
  if (document.steering && !document.steering->uri.empty ()) {
    out_.notes.steering = document.steering;
    out_.notes.steering->uri = uri::resolve (uri, document.steering->uri);
  }
  for (std::size_t i = 0; i < out_.periods.size (); i++) {
    done = period (document.periods[i], all, out_.periods[i]);
    if (!done) return done.error ();
  }
  // One without a length is shown for none of it.
  if (out_.periods.size () > 1)
    std::erase_if (out_.periods,
        [] (const presentation::Period &one) { return one.duration == 0; });
  if (std::ranges::all_of (out_.periods,
          [] (const presentation::Period &one) { return one.tracks.empty (); }))
    return relay::failure (Error::no_segments, document.line);
  return std::move (out_);
}

// On the presentation's clock. Nothing: it is over before the Period begins,
// or too late for any clock.
std::optional<presentation::Event> event_of (
    const Event &from, const EventStream &stream, Time start)
{
  presentation::Event out;
  out.id = from.id;
  out.data = from.data;
  out.is_base64 = from.is_base64;
  std::uint64_t units = from.presentation_time;
  std::uint64_t offset = stream.presentation_time_offset;
  std::uint64_t duration = from.duration.value_or (0);
  if (units < offset) {
    std::uint64_t missed = offset - units;
    if (duration <= missed) return std::nullopt;
    duration -= missed;
    units = offset;
  }
  auto time = presentation::to_time (units - offset, stream.timescale);
  if (!time || *time > presentation::max_time - start) return std::nullopt;
  out.time = start + *time;
  if (from.duration)
    out.duration = presentation::to_time (duration, stream.timescale);
  return out;
}

Result<relay::Done> Presenter::period (
    const Period &from, const Level &above, presentation::Period &out)
{
  Level all = above;
  all.bases = resolved (above.bases, from.base_urls);
  all.segments = mpdsegments::inherited (above.segments, from.segments);
  mpdsegments::Maker maker ({out.duration, &out == &out_.periods.back ()});
  for (const AdaptationSet &one : from.sets) {
    auto done = set (one, all, maker, out);
    if (!done) return done;
  }
  for (const EventStream &stream : from.event_streams) {
    presentation::EventStream events{stream.scheme, {}};
    for (const Event &event : stream.events)
      if (auto made = event_of (event, stream, out.start))
        events.events.push_back (std::move (*made));
    out.event_streams.push_back (std::move (events));
  }
  return relay::Done{};
}

// ---- Tracks ----------------------------------------------------------------

Presenter::Level Presenter::below (const Common &element, const Level &above)
{
  Level out = above;
  out.bases = resolved (above.bases, element.base_urls);
  out.segments = mpdsegments::inherited (above.segments, element.segments);
  if (!element.mime_type.empty ()) out.mime_type = element.mime_type;
  if (!element.codecs.empty ()) out.codecs = element.codecs;
  out.width = element.width.value_or (above.width);
  out.height = element.height.value_or (above.height);
  if (element.frame_rate.numerator != 0) out.frame_rate = element.frame_rate;
  if (element.max_playout_rate) out.max_playout_rate = element.max_playout_rate;
  if (element.coding_dependency)
    out.coding_dependency = element.coding_dependency;
  for (presentation::ContentProtection one : element.protections) {
    if (!one.license_uri.empty ())
      one.license_uri =
          uri::resolve (out.bases.front ().base.uri, one.license_uri);
    out.protections.push_back (std::move (one));
  }
  if (element.encryption) out.encryption = element.encryption;
  out.inband_events.insert (out.inband_events.end (),
      element.inband_events.begin (), element.inband_events.end ());
  return out;
}

Result<relay::Done> Presenter::set (const AdaptationSet &from,
    const Level &above, mpdsegments::Maker &maker, presentation::Period &out)
{
  if (!from.remote.href.empty ())
    return relay::failure (Error::xlink, from.line);
  if (is_essential (from)) return relay::Done{};
  Level all = below (from, above);
  Track track;
  track.id = from.id;
  track.language = from.language;
  track.label = from.label;
  track.roles = from.roles;
  track.accessibilities = from.accessibilities;
  if (auto of = trick_mode_of (from)) {
    track.is_trick_mode = true;
    track.trick_mode_of = *of;
  }
  std::optional<Type> type;
  for (const Representation &one : from.representations) {
    if (is_essential (one)) continue;
    Level level = below (one, all);
    auto found = type_of (level.mime_type, level.codecs, from.content_type);
    // Thumbnails, application data: nothing that is played.
    if (!found) continue;
    auto done = representation (one, level, maker, track);
    if (!done) return done;
    if (!type && !track.representations.empty ()) type = found;
  }
  if (!type) return relay::Done{};
  track.type = *type;
  out.tracks.push_back (std::move (track));
  return relay::Done{};
}

// "0x" and 32 digits.
std::optional<presentation::Encryption::Iv> iv_of (std::string_view text)
{
  presentation::Encryption::Iv out{};
  if (text.starts_with ("0x") || text.starts_with ("0X"))
    text.remove_prefix (2);
  if (text.size () != 2 * out.size ()) return std::nullopt;
  for (std::size_t i = 0; i < out.size (); i++) {
    const char *digits = text.data () + 2 * i;
    auto [end, error] = std::from_chars (digits, digits + 2, out[i], 16);
    if (error != std::errc{} || end != digits + 2) return std::nullopt;
  }
  return out;
}

// One key and one IV for everything: AES-128 CBC with the key from HTTP
// (ISO/IEC 23009-4 6.3.2 and 6.2.3). Nothing: another kind.
std::optional<presentation::Encryption> encryption_of (
    const SegmentEncryption &from, const url_template::Values &values,
    const std::string &base)
{
  if (from.scheme != "urn:mpeg:dash:sea:aes128-cbc:2013" ||
      from.key_system != "urn:mpeg:dash:sea:keysys:http:2013" ||
      from.periods != 1 || from.is_partial || from.key_template.empty ())
    return std::nullopt;
  // Another key for each segment.
  for (const char *tag : {"$Number", "$Time"})
    if (from.key_template.find (tag) != std::string::npos) return std::nullopt;
  auto uri = url_template::expand (from.key_template, values);
  auto iv = iv_of (from.iv);
  if (!uri || !iv) return std::nullopt;
  presentation::Encryption out;
  out.key_uri = uri::resolve (base, *uri);
  out.iv = *iv;
  return out;
}

Result<relay::Done> Presenter::representation (const Representation &from,
    const Level &all, mpdsegments::Maker &maker, Track &track)
{
  auto segments = maker.make (all.segments,
      {from.id, from.bandwidth, from.line, !from.base_urls.empty (),
          all.mime_type.ends_with ("/webm")});
  if (!segments) return segments.error ();
  if (!*segments) return relay::Done{};
  presentation::Representation out{};
  out.id = from.id;
  out.bandwidth = from.bandwidth;
  out.base = all.bases.front ().base.uri;
  out.service_location = all.bases.front ().base.service_location;
  for (std::size_t i = 1; i < all.bases.size (); i++)
    out.alternatives.push_back (all.bases[i].base);
  out.width = all.width;
  out.height = all.height;
  out.frame_rate = all.frame_rate;
  // "If not present on any level, the value is 1" (5.3.7.2).
  out.max_playout_rate = all.max_playout_rate.value_or (1);
  out.is_intra_only = all.coding_dependency == false;
  out.mime_type = all.mime_type;
  out.codecs = all.codecs;
  out.protections = all.protections;
  out.inband_events = all.inband_events;
  out.availability_time_offset =
      all.segments.availability_time_offset.value_or (
          all.bases.front ().availability_time_offset.value_or (0));
  if (all.encryption) {
    out.encryption = encryption_of (
        *all.encryption, {from.id, 0, from.bandwidth, 0}, out.base);
    if (!out.encryption)
      return relay::failure (Error::segment_encryption, all.encryption->line);
  }
  out.segments = std::move (**segments);
  track.representations.push_back (std::move (out));
  return relay::Done{};
}

}  // namespace

std::vector<BaseUrl> resolved (
    const std::vector<BaseUrl> &above, const std::vector<BaseUrl> &own)
{
  if (own.empty ()) return above;
  std::vector<BaseUrl> out;
  for (const BaseUrl &one : own) {
    for (const BaseUrl &base : above) {
      if (out.size () == max_addresses) break;
      BaseUrl made = one;
      made.base.uri = uri::resolve (base.base.uri, one.base.uri);
      if (one.base.service_location.empty ())
        made.base.service_location = base.base.service_location;
      if (!one.availability_time_offset)
        made.availability_time_offset = base.availability_time_offset;
      // An absolute one is the same below all of them.
      bool is_new = std::ranges::none_of (out, [&made] (const BaseUrl &other) {
        return other.base.uri == made.base.uri;
      });
      if (is_new) out.push_back (std::move (made));
    }
  }
  // The lowest priority first (ETSI TS 103 285 10.8.2.1).
  std::ranges::stable_sort (
      out, {}, [] (const BaseUrl &one) { return one.base.priority; });
  return out;
}

Result<Presentation> present (const Document &document, const std::string &base)
{
  return Presenter ().run (document, base);
}

Result<Presentation> parse (std::string_view xml, const std::string &base)
{
  auto document = read (xml);
  if (!document) return document.error ();
  return present (*document, base);
}

}  // namespace mpd

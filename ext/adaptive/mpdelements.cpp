// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdelements.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "mpdvalues.h"
#include "text.h"

namespace mpd::elements {

using presentation::ContentProtection;
using presentation::Descriptor;
using presentation::Resource;
using Kind = SegmentInformation::Kind;

namespace {

constexpr std::string_view sea_scheme = "urn:mpeg:dash:sea:2012";
constexpr std::string_view xlink_space = "http://www.w3.org/1999/xlink";

// Those of other namespaces are told apart from the MPD's own, which have none.
bool is (const Attribute &attribute, std::string_view name)
{
  return !attribute.prefixed && attribute.name == name;
}

std::string trimmed (const Attribute &attribute)
{
  return std::string (text::trim (attribute.value));
}

// Whether it is the attribute that makes an element a remote one.
bool is_href (const Attribute &attribute)
{
  return attribute.name == "href" && attribute.space == xlink_space;
}

// The values of one element, of which what is wrong is told.
class Values
{
public:
  Values (const Element &element, Failures &failures)
      : line_ (element.line), failures_ (failures)
  {
  }

  void fail (Error error) { failures_.add (error, line_); }
  template <class T>
  void number (const Attribute &attribute, std::optional<T> &out)
  {
    out = text::number<T> (text::trim (attribute.value));
    if (!out) fail (Error::bad_number);
  }
  template <class T>
  T number_or (const Attribute &attribute, T otherwise)
  {
    std::optional<T> value;
    number (attribute, value);
    return value.value_or (otherwise);
  }
  template <class T>
  void positive (const Attribute &attribute, std::optional<T> &out)
  {
    number (attribute, out);
    if (out == T{0}) fail (Error::bad_number);
  }
  void duration (
      const Attribute &attribute, std::optional<presentation::Time> &out)
  {
    out = mpdvalues::duration (text::trim (attribute.value));
    if (!out) fail (Error::bad_duration);
  }
  void availability_offset (
      const Attribute &attribute, std::optional<presentation::Time> &out)
  {
    out = mpdvalues::availability_offset (text::trim (attribute.value));
    if (!out) fail (Error::bad_number);
  }
  void range (
      const Attribute &attribute, std::optional<presentation::Range> &out)
  {
    out = mpdvalues::range (text::trim (attribute.value));
    if (!out) fail (Error::bad_range);
  }

private:
  const std::size_t line_;
  Failures &failures_;
};

void read_common (const Attribute &attribute, Common &out, Values &values)
{
  if (is (attribute, "id"))
    out.id = trimmed (attribute);
  else if (is (attribute, "mimeType"))
    out.mime_type = trimmed (attribute);
  else if (is (attribute, "codecs"))
    out.codecs = trimmed (attribute);
  else if (is (attribute, "width"))
    values.number (attribute, out.width);
  else if (is (attribute, "height"))
    values.number (attribute, out.height);
  else if (is (attribute, "frameRate"))
    out.frame_rate = mpdvalues::frame_rate (text::trim (attribute.value));
  else if (is (attribute, "maxPlayoutRate"))
    out.max_playout_rate =
        mpdvalues::playout_rate (text::trim (attribute.value));
  else if (is (attribute, "codingDependency"))
    out.coding_dependency = mpdvalues::boolean (text::trim (attribute.value));
}

// 5.3.9.2.2: MultipleSegmentBaseType, of SegmentList and SegmentTemplate; and
// those of SegmentTemplate alone (5.3.9.4).
void read_multiple (
    const Attribute &attribute, SegmentInformation &out, Values &values)
{
  if (is (attribute, "startNumber"))
    values.number (attribute, out.start_number);
  else if (is (attribute, "endNumber"))
    values.number (attribute, out.end_number);
  else if (is (attribute, "duration"))
    values.positive (attribute, out.duration);
  else if (is (attribute, "media"))
    out.media = trimmed (attribute);
  else if (is (attribute, "initialization"))
    out.init_pattern = trimmed (attribute);
}

// Digits alone are the common case.
std::optional<std::uint64_t> units (std::string_view value)
{
  if (auto number = text::number<std::uint64_t> (value)) return number;
  return text::number<std::uint64_t> (text::trim (value));
}

}  // namespace

bool has_href (const Element &element)
{
  for (Attribute attribute : element.attributes)
    if (is_href (attribute)) return true;
  return false;
}

void read_mpd (const Element &element, Document &out, Failures &failures)
{
  Values values (element, failures);
  out.line = element.line;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "type"))
      out.dynamic = text::trim (attribute.value) == "dynamic";
    else if (is (attribute, "mediaPresentationDuration"))
      values.duration (attribute, out.duration);
  }
  // Everything that follows would be about something else.
  if (out.dynamic) values.fail (Error::dynamic);
}

void read_period (const Element &element, Period &out, Failures &failures)
{
  Values values (element, failures);
  out.line = element.line;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "id"))
      out.id = trimmed (attribute);
    else if (is (attribute, "start"))
      values.duration (attribute, out.start);
    else if (is (attribute, "duration"))
      values.duration (attribute, out.duration);
    else if (is_href (attribute))
      out.remote.href = trimmed (attribute);
  }
}

void read_set (const Element &element, AdaptationSet &out, Failures &failures)
{
  Values values (element, failures);
  out.line = element.line;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "lang"))
      out.language = trimmed (attribute);
    else if (is (attribute, "contentType"))
      out.content_type = trimmed (attribute);
    else if (is_href (attribute))
      out.remote.href = trimmed (attribute);
    else
      read_common (attribute, out, values);
  }
}

void read_representation (
    const Element &element, Representation &out, Failures &failures)
{
  Values values (element, failures);
  out.line = element.line;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "bandwidth"))
      out.bandwidth = values.number_or<std::uint64_t> (attribute, 0);
    else
      read_common (attribute, out, values);
  }
}

// ContentSteering (ETSI TS 103 998). @queryBeforeStart is not obeyed:
// nothing waits for the answer.
presentation::Steering read_steering (const Element &element)
{
  presentation::Steering out{};
  out.is_dash = true;
  for (Attribute attribute : element.attributes) {
    if (!is (attribute, "defaultServiceLocation")) continue;
    std::string_view rest = text::trim (attribute.value);
    while (!rest.empty ()) {
      auto end = std::min (rest.find_first_of (" \t\r\n"), rest.size ());
      out.pathways.emplace_back (rest.substr (0, end));
      rest = text::trim (rest.substr (end));
    }
  }
  return out;
}

void read_base_url (const Element &element, BaseUrl &out, Failures &failures)
{
  Values values (element, failures);
  for (Attribute attribute : element.attributes) {
    // dvb:priority and dvb:weight (ETSI TS 103 285 10.8.2)
    if (is (attribute, "serviceLocation"))
      out.base.service_location = trimmed (attribute);
    else if (attribute.name == "priority")
      out.base.priority = values.number_or<std::uint32_t> (attribute, 1);
    else if (attribute.name == "weight")
      out.base.weight = values.number_or<std::uint32_t> (attribute, 1);
    else if (is (attribute, "availabilityTimeOffset"))
      values.availability_offset (attribute, out.availability_time_offset);
  }
}

Descriptor descriptor (const Element &element)
{
  Descriptor out;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "schemeIdUri"))
      out.scheme_id_uri = trimmed (attribute);
    else if (is (attribute, "value"))
      out.value = trimmed (attribute);
  }
  return out;
}

void read_protection (const Element &element, Common &common)
{
  ContentProtection &out = common.protections.emplace_back ();
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "schemeIdUri"))
      out.scheme_id_uri = trimmed (attribute);
    else if (is (attribute, "value"))
      out.value = trimmed (attribute);
    else if (attribute.name == "default_KID")
      out.default_kid = trimmed (attribute);
  }
  if (out.scheme_id_uri == sea_scheme) {
    common.encryption.emplace ();
    common.encryption->line = element.line;
  }
}

void read_segment_encryption (const Element &element, SegmentEncryption &out)
{
  bool is_period = element.name == "CryptoPeriod";
  if (is_period) out.periods++;
  if (element.name == "CryptoTimeline") out.is_partial = true;
  for (Attribute attribute : element.attributes) {
    if (element.name == "SegmentEncryption" && is (attribute, "schemeIdUri"))
      out.scheme = trimmed (attribute);
    else if (element.name == "KeySystem" && is (attribute, "keySystemUri"))
      out.key_system = trimmed (attribute);
    else if (is_period && is (attribute, "keyUriTemplate"))
      out.key_template = trimmed (attribute);
    else if (is_period && is (attribute, "IV"))
      out.iv = trimmed (attribute);
    else if (is_period &&
             (is (attribute, "startOffset") || is (attribute, "numSegments") ||
                 is (attribute, "ivUriTemplate")))
      out.is_partial = true;
  }
}

// cenc:pssh, mspr:pro and dashif:Laurl; the last one used to be ck:Laurl,
// clearkey:Laurl.
// ---- Segments --------------------------------------------------------------

Kind segments_kind (const Element &element)
{
  if (element.name == "SegmentBase") return Kind::base;
  if (element.name == "SegmentList") return Kind::list;
  if (element.name == "SegmentTemplate") return Kind::pattern;
  return Kind::none;
}

void read_segments (
    const Element &element, SegmentInformation &out, Failures &failures)
{
  Values values (element, failures);
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "timescale"))
      values.positive (attribute, out.timescale);
    else if (is (attribute, "presentationTimeOffset"))
      values.number (attribute, out.presentation_time_offset);
    else if (is (attribute, "availabilityTimeOffset"))
      values.availability_offset (attribute, out.availability_time_offset);
    else if (is (attribute, "indexRange"))
      values.range (attribute, out.index_range);
    else if (out.kind != Kind::base && is_href (attribute))
      values.fail (Error::xlink);
    else if (out.kind != Kind::base)
      read_multiple (attribute, out, values);
  }
}

Resource resource (const Element &element, std::string_view uri_name,
    std::string_view range_name, Failures &failures)
{
  Values values (element, failures);
  Resource out;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, uri_name))
      out.uri = trimmed (attribute);
    else if (is (attribute, range_name))
      values.range (attribute, out.range);
  }
  return out;
}

// Its media, mediaRange, or both.
void read_segment_url (
    const Element &element, SegmentUrls &out, Failures &failures)
{
  Resource found = resource (element, "media", "mediaRange", failures);
  SegmentUrls::Entry entry;
  entry.line = element.line;
  entry.uri_at = static_cast<std::uint32_t> (out.text.size ());
  entry.uri_size = static_cast<std::uint32_t> (found.uri.size ());
  out.text += found.uri;
  if (found.range) {
    entry.first = found.range->first;
    if (found.range->last)
      entry.size = *found.range->last - found.range->first + 1;
  }
  out.entries.push_back (entry);
}

mpdtimeline::Entry timeline_entry (const Element &element, Failures &failures)
{
  mpdtimeline::Entry entry;
  entry.line = element.line;
  bool good = true;
  for (Attribute attribute : element.attributes) {
    if (attribute.name.size () != 1 || attribute.prefixed) continue;
    std::string_view value = attribute.value;
    std::optional<std::uint64_t> number = units (value);
    switch (attribute.name.front ()) {
      case 't':
        good = good && number;
        entry.time = number;
        break;
      case 'd':
        good = good && number;
        entry.duration = number.value_or (0);
        break;
      case 'r':
        entry.open = text::trim (value).starts_with ('-');
        good = good && (number || entry.open);
        entry.repeat = number.value_or (0);
        break;
      case 'k':
        good = good && number;
        if (number.value_or (1) > 1)
          failures.add (Error::sub_segments, element.line);
        break;
      default:
        break;
    }
  }
  if (!good) failures.add (Error::bad_number, element.line);
  return entry;
}

// ---- Events ----------------------------------------------------------------

void read_event_stream (
    const Element &element, EventStream &out, Failures &failures)
{
  Values values (element, failures);
  out.line = element.line;
  out.scheme = descriptor (element);
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "timescale")) {
      std::optional<std::uint32_t> value;
      values.positive (attribute, value);
      out.timescale = value.value_or (1);
    } else if (is (attribute, "presentationTimeOffset")) {
      out.presentation_time_offset =
          values.number_or<std::uint64_t> (attribute, 0);
    }
  }
}

void read_event (const Element &element, Event &out, Failures &failures)
{
  Values values (element, failures);
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "presentationTime"))
      out.presentation_time = values.number_or<std::uint64_t> (attribute, 0);
    else if (is (attribute, "duration"))
      values.number (attribute, out.duration);
    else if (is (attribute, "id"))
      out.id = trimmed (attribute);
    else if (is (attribute, "messageData"))
      out.data = attribute.value;
    else if (is (attribute, "contentEncoding"))
      out.is_base64 = text::trim (attribute.value) == "base64";
  }
}

}  // namespace mpd::elements

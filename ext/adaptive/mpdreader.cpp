// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdreader.h"

#include <array>
#include <optional>
#include <utility>

#include "mpdvalues.h"
#include "mpdxml.h"
#include "text.h"

namespace mpd {

using mpdxml::Attribute;
using mpdxml::Element;
using mpdxml::Want;
using presentation::ContentProtection;
using presentation::Descriptor;
using presentation::Resource;
using Kind = SegmentInformation::Kind;

namespace {

constexpr std::string_view sea_scheme = "urn:mpeg:dash:sea:2012";
constexpr std::string_view xlink_space = "http://www.w3.org/1999/xlink";

// What has begun and not ended.
enum class Node
{
  document,
  fragment,  // around the elements of a remote entity
  mpd,
  period,
  set,
  representation,
  segments,  // SegmentBase, SegmentList, SegmentTemplate
  timeline,
  protection,
  event_stream,
  // Those whose content is text.
  base_url,
  label,
  pssh,
  playready,
  license,
  event,
  leaf  // there is nothing in it, or nothing that is wanted
};

class Reader : public mpdxml::Handler
{
public:
  explicit Reader (Node root) : nodes_{root} {}

  Want start (const Element &element) override;
  bool end (std::string_view content) override;

  [[nodiscard]] const std::optional<relay::Failure<Error>> &failure () const
  {
    return failure_;
  }
  Document &document () { return document_; }

private:
  // The first one counts; everything goes on with defaults until it is seen.
  void fail (Error error, std::size_t line);
  Want enter (Node node, Want want = Want::children);

  Want in_document (const Element &element);
  Want in_fragment (const Element &element);
  Want in_mpd (const Element &element);
  Want in_period (const Element &element);
  Want in_set (const Element &element);
  Want in_representation (const Element &element);
  std::optional<Want> in_common (const Element &element, Common &out);
  Want in_segments (const Element &element);
  Want in_timeline (const Element &element);
  Want in_protection (const Element &element);
  Want in_event_stream (const Element &element);
  void segment_encryption (const Element &element, SegmentEncryption &out);

  Want begin_mpd (const Element &element);
  Want begin_period (const Element &element);
  Want begin_set (const Element &element);
  Want begin_representation (const Element &element);
  Want begin_base_url (const Element &element, std::vector<BaseUrl> &out);
  Want begin_protection (const Element &element, Common &common);
  Want begin_event_stream (const Element &element);
  std::optional<Want> begin_segments (
      const Element &element, std::vector<SegmentInformation> &out);
  Want begin_timeline (const Element &element);
  void common_attribute (
      const Element &element, const Attribute &attribute, Common &out);
  bool multiple_attribute (const Element &element, const Attribute &attribute,
      SegmentInformation &out);
  void segment_url (const Element &element);
  Resource resource (const Element &element, std::string_view uri_name,
      std::string_view range_name);
  Descriptor descriptor (const Element &element);

  template <class T>
  void number (const Element &element, const Attribute &attribute,
      std::optional<T> &out);
  template <class T>
  void positive (const Element &element, const Attribute &attribute,
      std::optional<T> &out);
  void duration (const Element &element, const Attribute &attribute,
      std::optional<presentation::Time> &out);

  Period &period () { return document_.periods.back (); }
  AdaptationSet &set () { return period ().sets.back (); }
  // Of the set or of its last Representation.
  Common &common ();

  Document document_;
  std::vector<Node> nodes_;
  std::optional<relay::Failure<Error>> failure_;
  // The SegmentBase, SegmentList or SegmentTemplate that has begun.
  SegmentInformation *segments_ = nullptr;
  std::shared_ptr<SegmentUrls> urls_;
  std::vector<BaseUrl> *base_urls_ = nullptr;
  mpdtimeline::Builder timeline_;
};

void Reader::fail (Error error, std::size_t line)
{
  if (!failure_) failure_ = relay::failure (error, line);
}

Want Reader::enter (Node node, Want want)
{
  nodes_.push_back (node);
  return want;
}

// Those of other namespaces are told apart from the MPD's own, which have none.
bool is (const Attribute &attribute, std::string_view name)
{
  return !attribute.prefixed && attribute.name == name;
}

std::string trimmed (const Attribute &attribute)
{
  return std::string (text::trim (attribute.value));
}

template <class T>
void Reader::number (
    const Element &element, const Attribute &attribute, std::optional<T> &out)
{
  out = text::number<T> (text::trim (attribute.value));
  if (!out) fail (Error::bad_number, element.line);
}

template <class T>
void Reader::positive (
    const Element &element, const Attribute &attribute, std::optional<T> &out)
{
  number (element, attribute, out);
  if (out != T{0}) return;
  fail (Error::bad_number, element.line);
}

void Reader::duration (const Element &element, const Attribute &attribute,
    std::optional<presentation::Time> &out)
{
  out = mpdvalues::duration (text::trim (attribute.value));
  if (!out) fail (Error::bad_duration, element.line);
}

Common &Reader::common ()
{
  for (std::size_t i = nodes_.size (); i-- > 0;) {
    if (nodes_[i] == Node::representation)
      return set ().representations.back ();
    if (nodes_[i] == Node::set) break;
  }
  return set ();
}

// ---- What begins -----------------------------------------------------------

Want Reader::start (const Element &element)
{
  Want want = Want::nothing;
  switch (nodes_.back ()) {
    // The S elements first: there may be 172,800.
    case Node::timeline:
      want = in_timeline (element);
      break;
    case Node::document:
      want = in_document (element);
      break;
    case Node::fragment:
      want = in_fragment (element);
      break;
    case Node::mpd:
      want = in_mpd (element);
      break;
    case Node::period:
      want = in_period (element);
      break;
    case Node::set:
      want = in_set (element);
      break;
    case Node::representation:
      want = in_representation (element);
      break;
    case Node::segments:
      want = in_segments (element);
      break;
    case Node::protection:
      want = in_protection (element);
      break;
    case Node::event_stream:
      want = in_event_stream (element);
      break;
    default:
      break;
  }
  return failure_ ? Want::stop : want;
}

// By local name: MPDs with another namespace, or none, are common.
Want Reader::in_document (const Element &element)
{
  if (element.name == "MPD") return begin_mpd (element);
  fail (Error::not_mpd, element.line);
  return Want::stop;
}

Want Reader::begin_mpd (const Element &element)
{
  document_.line = element.line;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "type"))
      document_.dynamic = text::trim (attribute.value) == "dynamic";
    else if (is (attribute, "mediaPresentationDuration"))
      duration (element, attribute, document_.duration);
  }
  // Everything that follows would be about something else.
  if (document_.dynamic) fail (Error::dynamic, element.line);
  return enter (Node::mpd);
}

// The root that was put around them comes first.
Want Reader::in_fragment (const Element &element)
{
  if (nodes_.size () == 1) {
    document_.periods.emplace_back ();
    return enter (Node::fragment);
  }
  if (element.name == "Period") return begin_period (element);
  if (element.name != "AdaptationSet") return Want::nothing;
  // They are put into the first Period, which is of no remote one.
  if (document_.periods.size () > 1) fail (Error::bad_remote, element.line);
  return begin_set (element);
}

Want Reader::in_mpd (const Element &element)
{
  if (element.name == "Period") return begin_period (element);
  if (element.name == "BaseURL")
    return begin_base_url (element, document_.base_urls);
  return Want::nothing;
}

// Whether it is the attribute that makes an element a remote one.
bool is_href (const Attribute &attribute)
{
  return attribute.name == "href" && attribute.space == xlink_space;
}

Want Reader::begin_period (const Element &element)
{
  Period &out = document_.periods.emplace_back ();
  out.line = element.line;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "id"))
      out.id = trimmed (attribute);
    else if (is (attribute, "start"))
      duration (element, attribute, out.start);
    else if (is (attribute, "duration"))
      duration (element, attribute, out.duration);
    else if (is_href (attribute))
      out.remote.href = trimmed (attribute);
  }
  return enter (Node::period);
}

Want Reader::in_period (const Element &element)
{
  if (element.name == "AdaptationSet") return begin_set (element);
  if (element.name == "BaseURL")
    return begin_base_url (element, period ().base_urls);
  if (element.name == "EventStream") return begin_event_stream (element);
  return begin_segments (element, period ().segments).value_or (Want::nothing);
}

void Reader::common_attribute (
    const Element &element, const Attribute &attribute, Common &out)
{
  if (is (attribute, "id"))
    out.id = trimmed (attribute);
  else if (is (attribute, "mimeType"))
    out.mime_type = trimmed (attribute);
  else if (is (attribute, "codecs"))
    out.codecs = trimmed (attribute);
  else if (is (attribute, "width"))
    number (element, attribute, out.width);
  else if (is (attribute, "height"))
    number (element, attribute, out.height);
  else if (is (attribute, "frameRate"))
    out.frame_rate = mpdvalues::frame_rate (text::trim (attribute.value));
}

Want Reader::begin_set (const Element &element)
{
  AdaptationSet &out = period ().sets.emplace_back ();
  out.line = element.line;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "lang"))
      out.language = trimmed (attribute);
    else if (is (attribute, "contentType"))
      out.content_type = trimmed (attribute);
    else if (is_href (attribute))
      out.remote.href = trimmed (attribute);
    else
      common_attribute (element, attribute, out);
  }
  return enter (Node::set);
}

Want Reader::in_set (const Element &element)
{
  AdaptationSet &out = set ();
  if (element.name == "Representation") return begin_representation (element);
  if (element.name == "Role")
    out.roles.push_back (descriptor (element));
  else if (element.name == "Accessibility")
    out.accessibilities.push_back (descriptor (element));
  else if (element.name == "Label")
    return enter (Node::label, Want::text);
  return in_common (element, out).value_or (Want::nothing);
}

Want Reader::begin_representation (const Element &element)
{
  Representation &out = set ().representations.emplace_back ();
  out.line = element.line;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "bandwidth")) {
      std::optional<std::uint64_t> value;
      number (element, attribute, value);
      out.bandwidth = value.value_or (0);
    } else {
      common_attribute (element, attribute, out);
    }
  }
  return enter (Node::representation);
}

Want Reader::in_representation (const Element &element)
{
  return in_common (element, set ().representations.back ())
      .value_or (Want::nothing);
}

std::optional<Want> Reader::in_common (const Element &element, Common &out)
{
  if (element.name == "BaseURL") return begin_base_url (element, out.base_urls);
  if (element.name == "ContentProtection")
    return begin_protection (element, out);
  if (element.name == "EssentialProperty")
    out.essential_properties.push_back (descriptor (element));
  else if (element.name == "SupplementalProperty")
    out.supplemental_properties.push_back (descriptor (element));
  else if (element.name == "InbandEventStream")
    out.inband_events.push_back (descriptor (element));
  return begin_segments (element, out.segments);
}

Want Reader::begin_base_url (const Element &element, std::vector<BaseUrl> &out)
{
  BaseUrl &url = out.emplace_back ();
  for (Attribute attribute : element.attributes) {
    std::optional<std::uint32_t> value;
    // dvb:priority and dvb:weight (ETSI TS 103 285 10.8.2)
    if (is (attribute, "serviceLocation")) {
      url.base.service_location = trimmed (attribute);
    } else if (attribute.name == "priority") {
      number (element, attribute, value);
      url.base.priority = value.value_or (1);
    } else if (attribute.name == "weight") {
      number (element, attribute, value);
      url.base.weight = value.value_or (1);
    } else if (is (attribute, "availabilityTimeOffset")) {
      url.availability_time_offset =
          mpdvalues::availability_offset (text::trim (attribute.value));
      if (!url.availability_time_offset) fail (Error::bad_number, element.line);
    }
  }
  base_urls_ = &out;
  return enter (Node::base_url, Want::text);
}

Descriptor Reader::descriptor (const Element &element)
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

Want Reader::begin_protection (const Element &element, Common &common)
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
  return enter (Node::protection);
}

void Reader::segment_encryption (const Element &element, SegmentEncryption &out)
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
Want Reader::in_protection (const Element &element)
{
  if (element.name == "pssh") return enter (Node::pssh, Want::text);
  if (element.name == "pro") return enter (Node::playready, Want::text);
  if (element.name == "Laurl" || element.name == "laurl")
    return enter (Node::license, Want::text);
  if (common ().encryption) segment_encryption (element, *common ().encryption);
  return Want::nothing;
}

// ---- Segments --------------------------------------------------------------

std::optional<Want> Reader::begin_segments (
    const Element &element, std::vector<SegmentInformation> &out)
{
  Kind kind = Kind::none;
  if (element.name == "SegmentBase") kind = Kind::base;
  if (element.name == "SegmentList") kind = Kind::list;
  if (element.name == "SegmentTemplate") kind = Kind::pattern;
  if (kind == Kind::none) return std::nullopt;
  segments_ = &out.emplace_back ();
  segments_->kind = kind;
  urls_.reset ();
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "timescale"))
      positive (element, attribute, segments_->timescale);
    else if (is (attribute, "presentationTimeOffset"))
      number (element, attribute, segments_->presentation_time_offset);
    else if (is (attribute, "availabilityTimeOffset")) {
      segments_->availability_time_offset =
          mpdvalues::availability_offset (text::trim (attribute.value));
      if (!segments_->availability_time_offset)
        fail (Error::bad_number, element.line);
    } else if (is (attribute, "indexRange")) {
      segments_->index_range = mpdvalues::range (text::trim (attribute.value));
      if (!segments_->index_range) fail (Error::bad_range, element.line);
    } else if (kind != Kind::base && is_href (attribute))
      fail (Error::xlink, element.line);
    else if (kind != Kind::base)
      multiple_attribute (element, attribute, *segments_);
  }
  if (kind == Kind::list) {
    urls_ = std::make_shared<SegmentUrls> ();
    urls_->line = element.line;
    segments_->urls = urls_;
  }
  return enter (Node::segments);
}

// 5.3.9.2.2: MultipleSegmentBaseType, of SegmentList and SegmentTemplate; and
// those of SegmentTemplate alone (5.3.9.4).
bool Reader::multiple_attribute (
    const Element &element, const Attribute &attribute, SegmentInformation &out)
{
  if (is (attribute, "startNumber"))
    number (element, attribute, out.start_number);
  else if (is (attribute, "endNumber"))
    number (element, attribute, out.end_number);
  else if (is (attribute, "duration"))
    positive (element, attribute, out.duration);
  else if (is (attribute, "media"))
    out.media = trimmed (attribute);
  else if (is (attribute, "initialization"))
    out.init_pattern = trimmed (attribute);
  else
    return false;
  return true;
}

Resource Reader::resource (const Element &element, std::string_view uri_name,
    std::string_view range_name)
{
  Resource out;
  for (Attribute attribute : element.attributes) {
    if (is (attribute, uri_name)) {
      out.uri = trimmed (attribute);
    } else if (is (attribute, range_name)) {
      out.range = mpdvalues::range (text::trim (attribute.value));
      if (!out.range) fail (Error::bad_range, element.line);
    }
  }
  return out;
}

Want Reader::in_segments (const Element &element)
{
  if (element.name == "SegmentURL" && urls_)
    segment_url (element);
  else if (element.name == "SegmentTimeline" && segments_->kind != Kind::base)
    return begin_timeline (element);
  else if (element.name == "Initialization")
    segments_->initialization = resource (element, "sourceURL", "range");
  else if (element.name == "RepresentationIndex")
    segments_->index = resource (element, "sourceURL", "range");
  return Want::nothing;
}

// Its media, mediaRange, or both.
void Reader::segment_url (const Element &element)
{
  Resource found = resource (element, "media", "mediaRange");
  SegmentUrls::Entry entry;
  entry.line = element.line;
  entry.uri_at = static_cast<std::uint32_t> (urls_->text.size ());
  entry.uri_size = static_cast<std::uint32_t> (found.uri.size ());
  urls_->text += found.uri;
  if (found.range) {
    entry.first = found.range->first;
    if (found.range->last)
      entry.size = *found.range->last - found.range->first + 1;
  }
  urls_->entries.push_back (entry);
}

Want Reader::begin_timeline (const Element &element)
{
  for (Attribute attribute : element.attributes)
    if (is_href (attribute)) fail (Error::xlink, element.line);
  timeline_ = {};
  return enter (Node::timeline);
}

// Digits alone are the common case.
std::optional<std::uint64_t> units (std::string_view value)
{
  if (auto number = text::number<std::uint64_t> (value)) return number;
  return text::number<std::uint64_t> (text::trim (value));
}

Want Reader::in_timeline (const Element &element)
{
  if (element.name != "S") return Want::nothing;
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
        if (number.value_or (1) > 1) fail (Error::sub_segments, element.line);
        break;
      default:
        break;
    }
  }
  if (!good) fail (Error::bad_number, element.line);
  if (failure_) return Want::stop;
  auto done = timeline_.add (entry);
  if (!done) failure_ = done.error ();
  return Want::nothing;
}

// ---- Events ----------------------------------------------------------------

// A remote one is left out: it is nothing that is played.
Want Reader::begin_event_stream (const Element &element)
{
  for (Attribute attribute : element.attributes)
    if (is_href (attribute)) return Want::nothing;
  EventStream &out = period ().event_streams.emplace_back ();
  out.line = element.line;
  out.scheme = descriptor (element);
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "timescale")) {
      std::optional<std::uint32_t> value;
      positive (element, attribute, value);
      out.timescale = value.value_or (1);
    } else if (is (attribute, "presentationTimeOffset")) {
      std::optional<std::uint64_t> value;
      number (element, attribute, value);
      out.presentation_time_offset = value.value_or (0);
    }
  }
  return enter (Node::event_stream);
}

Want Reader::in_event_stream (const Element &element)
{
  if (element.name != "Event") return Want::nothing;
  Event &out = period ().event_streams.back ().events.emplace_back ();
  for (Attribute attribute : element.attributes) {
    if (is (attribute, "presentationTime")) {
      std::optional<std::uint64_t> value;
      number (element, attribute, value);
      out.presentation_time = value.value_or (0);
    } else if (is (attribute, "duration")) {
      number (element, attribute, out.duration);
    } else if (is (attribute, "id")) {
      out.id = trimmed (attribute);
    } else if (is (attribute, "messageData")) {
      out.data = attribute.value;
    } else if (is (attribute, "contentEncoding")) {
      out.is_base64 = text::trim (attribute.value) == "base64";
    }
  }
  return enter (Node::event, Want::xml);
}

// ---- What ends -------------------------------------------------------------

bool Reader::end (std::string_view content)
{
  Node node = nodes_.back ();
  nodes_.pop_back ();
  std::string_view text = text::trim (content);
  switch (node) {
    case Node::timeline:
      segments_->times =
          std::make_shared<const mpdtimeline::Times> (timeline_.take ());
      break;
    case Node::base_url:
      base_urls_->back ().base.uri = text;
      break;
    case Node::label:
      if (set ().label.empty ()) set ().label = text;
      break;
    case Node::pssh:
      common ().protections.back ().pssh.emplace_back (text);
      break;
    case Node::playready:
      common ().protections.back ().playready = text;
      break;
    case Node::license:
      common ().protections.back ().license_uri = text;
      break;
    case Node::event: {
      Event &event = period ().event_streams.back ().events.back ();
      if (!text.empty ()) event.data = text;
      break;
    }
    default:
      break;
  }
  return !failure_;
}

Result<relay::Done> run (
    Reader &reader, std::span<const std::string_view> pieces)
{
  std::size_t size = 0;
  for (std::string_view piece : pieces) size += piece.size ();
  if (size > max_size) return relay::failure (Error::too_large);
  auto done = mpdxml::parse (pieces, reader);
  if (reader.failure ()) return *reader.failure ();
  return done;
}

// A remote entity may begin as a document does, with <?xml ...?>.
std::string_view without_declaration (std::string_view xml)
{
  if (xml.starts_with ("\xef\xbb\xbf")) xml.remove_prefix (3);
  xml = text::trim (xml);
  if (!xml.starts_with ("<?xml ")) return xml;
  auto end = xml.find ("?>");
  return end == std::string_view::npos ? xml : xml.substr (end + 2);
}

}  // namespace

Result<Document> read (std::string_view xml)
{
  Reader reader (Node::document);
  auto done = run (reader, std::array{xml});
  if (!done) return done.error ();
  return std::move (reader.document ());
}

Result<Fragment> read_fragment (std::string_view xml)
{
  Reader reader (Node::fragment);
  auto done = run (reader, std::array<std::string_view, 3>{"<remote>",
                               without_declaration (xml), "</remote>"});
  if (!done) return done.error ();
  auto &periods = reader.document ().periods;
  Fragment out;
  out.sets = std::move (periods.front ().sets);
  periods.erase (periods.begin ());
  out.periods = std::move (periods);
  if (out.sets.empty () == out.periods.empty ())
    return relay::failure (Error::bad_remote, 1);
  return out;
}

}  // namespace mpd

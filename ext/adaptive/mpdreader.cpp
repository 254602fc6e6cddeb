// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpdreader.h"

#include <array>
#include <optional>
#include <utility>

#include "mpdelements.h"
#include "mpdxml.h"
#include "text.h"

namespace mpd {

using elements::descriptor;
using mpdxml::Element;
using mpdxml::Want;
using Kind = SegmentInformation::Kind;

namespace {

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
  steering,
  label,
  pssh,
  playready,
  license,
  event,
  leaf  // there is nothing in it, or nothing that is wanted
};

// What stands in what.
class Reader : public mpdxml::Handler
{
public:
  explicit Reader (Node root) : nodes_{root} {}

  Want start (const Element &element) override;
  bool end (std::string_view content) override;

  [[nodiscard]] const std::optional<relay::Failure<Error>> &failure () const
  {
    return failures_.first ();
  }
  Document &document () { return document_; }

private:
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

  Period &period () { return document_.periods.back (); }
  AdaptationSet &set () { return period ().sets.back (); }
  // Of the set or of its last Representation.
  Common &common ();

  Document document_;
  std::vector<Node> nodes_;
  elements::Failures failures_;
  // The SegmentBase, SegmentList or SegmentTemplate that has begun.
  SegmentInformation *segments_ = nullptr;
  std::shared_ptr<SegmentUrls> urls_;
  std::vector<BaseUrl> *base_urls_ = nullptr;
  mpdtimeline::Builder timeline_;
};

Want Reader::enter (Node node, Want want)
{
  nodes_.push_back (node);
  return want;
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
  return failure () ? Want::stop : want;
}

// By local name: MPDs with another namespace, or none, are common.
Want Reader::in_document (const Element &element)
{
  if (element.name == "MPD") return begin_mpd (element);
  failures_.add (Error::not_mpd, element.line);
  return Want::stop;
}

Want Reader::begin_mpd (const Element &element)
{
  elements::read_mpd (element, document_, failures_);
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
  if (document_.periods.size () > 1)
    failures_.add (Error::bad_remote, element.line);
  return begin_set (element);
}

Want Reader::in_mpd (const Element &element)
{
  if (element.name == "Period") return begin_period (element);
  if (element.name == "BaseURL")
    return begin_base_url (element, document_.base_urls);
  if (element.name == "ContentSteering") {
    document_.steering = elements::read_steering (element);
    return enter (Node::steering, Want::text);
  }
  return Want::nothing;
}

Want Reader::begin_period (const Element &element)
{
  elements::read_period (element, document_.periods.emplace_back (), failures_);
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

Want Reader::begin_set (const Element &element)
{
  elements::read_set (element, period ().sets.emplace_back (), failures_);
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
  elements::read_representation (
      element, set ().representations.emplace_back (), failures_);
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
  elements::read_base_url (element, out.emplace_back (), failures_);
  base_urls_ = &out;
  return enter (Node::base_url, Want::text);
}

Want Reader::begin_protection (const Element &element, Common &common)
{
  elements::read_protection (element, common);
  return enter (Node::protection);
}

Want Reader::in_protection (const Element &element)
{
  if (element.name == "pssh") return enter (Node::pssh, Want::text);
  if (element.name == "pro") return enter (Node::playready, Want::text);
  if (element.name == "Laurl" || element.name == "laurl")
    return enter (Node::license, Want::text);
  if (common ().encryption)
    elements::read_segment_encryption (element, *common ().encryption);
  return Want::nothing;
}

// ---- Segments --------------------------------------------------------------

std::optional<Want> Reader::begin_segments (
    const Element &element, std::vector<SegmentInformation> &out)
{
  Kind kind = elements::segments_kind (element);
  if (kind == Kind::none) return std::nullopt;
  segments_ = &out.emplace_back ();
  segments_->kind = kind;
  urls_.reset ();
  elements::read_segments (element, *segments_, failures_);
  if (kind == Kind::list) {
    urls_ = std::make_shared<SegmentUrls> ();
    urls_->line = element.line;
    segments_->urls = urls_;
  }
  return enter (Node::segments);
}

Want Reader::in_segments (const Element &element)
{
  if (element.name == "SegmentURL" && urls_)
    elements::read_segment_url (element, *urls_, failures_);
  else if (element.name == "SegmentTimeline" && segments_->kind != Kind::base)
    return begin_timeline (element);
  else if (element.name == "Initialization")
    segments_->initialization =
        elements::resource (element, "sourceURL", "range", failures_);
  else if (element.name == "RepresentationIndex")
    segments_->index =
        elements::resource (element, "sourceURL", "range", failures_);
  return Want::nothing;
}

Want Reader::begin_timeline (const Element &element)
{
  if (elements::has_href (element)) failures_.add (Error::xlink, element.line);
  timeline_ = {};
  return enter (Node::timeline);
}

Want Reader::in_timeline (const Element &element)
{
  if (element.name != "S") return Want::nothing;
  auto entry = elements::timeline_entry (element, failures_);
  if (failure ()) return Want::stop;
  auto done = timeline_.add (entry);
  if (!done) failures_.add (done.error ());
  return Want::nothing;
}

// ---- Events ----------------------------------------------------------------

// A remote one is left out: it is nothing that is played.
Want Reader::begin_event_stream (const Element &element)
{
  if (elements::has_href (element)) return Want::nothing;
  elements::read_event_stream (
      element, period ().event_streams.emplace_back (), failures_);
  return enter (Node::event_stream);
}

Want Reader::in_event_stream (const Element &element)
{
  if (element.name != "Event") return Want::nothing;
  elements::read_event (element,
      period ().event_streams.back ().events.emplace_back (), failures_);
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
    case Node::steering:
      document_.steering->uri = text;
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
  return !failure ();
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

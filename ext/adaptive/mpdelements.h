// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "mpddocument.h"
#include "mpderror.h"
#include "mpdtimeline.h"
#include "mpdxml.h"
#include "presentation.h"

// What an element of an MPD says itself, by its attributes. What stands in it,
// and in what it stands, is the reader's.
namespace mpd::elements {

using mpdxml::Attribute;
using mpdxml::Element;

// What is wrong: the first one counts, and everything goes on with defaults
// until somebody looks.
class Failures
{
public:
  void add (relay::Failure<Error> failure)
  {
    if (!first_) first_ = failure;
  }
  void add (Error error, std::size_t line)
  {
    add (relay::failure (error, line));
  }
  [[nodiscard]] const std::optional<relay::Failure<Error>> &first () const
  {
    return first_;
  }

private:
  std::optional<relay::Failure<Error>> first_;
};

// It is a remote one, or its contents are (xlink:href).
[[nodiscard]] bool has_href (const Element &element);

void read_mpd (const Element &element, Document &out, Failures &failures);
void read_period (const Element &element, Period &out, Failures &failures);
void read_set (const Element &element, AdaptationSet &out, Failures &failures);
void read_representation (
    const Element &element, Representation &out, Failures &failures);
// Its address is what stands in it.
[[nodiscard]] presentation::Steering read_steering (const Element &element);
void read_base_url (const Element &element, BaseUrl &out, Failures &failures);
[[nodiscard]] presentation::Descriptor descriptor (const Element &element);

// common: what is protected. ContentProtection, and what is in one whose scheme
// is that of encrypted segments.
void read_protection (const Element &element, Common &common);
void read_segment_encryption (const Element &element, SegmentEncryption &out);

// By the element's name; none: it is something else.
[[nodiscard]] SegmentInformation::Kind segments_kind (const Element &element);
// Of this kind: SegmentBase, SegmentList or SegmentTemplate.
void read_segments (
    const Element &element, SegmentInformation &out, Failures &failures);
[[nodiscard]] presentation::Resource resource (const Element &element,
    std::string_view uri_name, std::string_view range_name, Failures &failures);
void read_segment_url (
    const Element &element, SegmentUrls &out, Failures &failures);
// S
[[nodiscard]] mpdtimeline::Entry timeline_entry (
    const Element &element, Failures &failures);

void read_event_stream (
    const Element &element, EventStream &out, Failures &failures);
void read_event (const Element &element, Event &out, Failures &failures);

}  // namespace mpd::elements

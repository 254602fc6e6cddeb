// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mpdtimeline.h"
#include "presentation.h"

// What stands in an MPD, element by element, before anything is inherited or
// resolved. "line" is that of the element.
namespace mpd {

struct BaseUrl
{
  presentation::Base base;  // uri: a reference
  std::optional<presentation::Time> availability_time_offset;
};

// The SegmentURLs of a SegmentList; a long one has 172,800.
struct SegmentUrls
{
  struct Entry
  {
    std::uint32_t uri_at = 0;  // in text
    std::uint32_t uri_size = 0;
    std::uint64_t first = 0;
    std::uint64_t size = 0;  // of the range; 0 = to the end
    std::size_t line = 0;
  };
  std::string text;
  std::vector<Entry> entries;
  std::size_t line = 0;
};

// SegmentBase, SegmentList or SegmentTemplate: what it says itself, or what it
// says with all that it inherits.
struct SegmentInformation
{
  enum class Kind
  {
    none,
    base,
    list,
    pattern
  } kind = Kind::none;
  std::optional<std::uint32_t> timescale;
  std::optional<std::uint64_t> presentation_time_offset;
  std::optional<presentation::Time> availability_time_offset;
  std::optional<presentation::Range> index_range;
  std::optional<presentation::Resource> index;  // RepresentationIndex
  std::optional<presentation::Resource> initialization;
  // SegmentList and SegmentTemplate
  std::optional<std::uint64_t> start_number;
  std::optional<std::uint64_t> end_number;
  std::optional<std::uint64_t> duration;
  std::shared_ptr<const mpdtimeline::Times> times;
  std::shared_ptr<const SegmentUrls> urls;
  std::optional<std::string> media;
  std::optional<std::string> init_pattern;
};

// xlink:href: the element stands somewhere else.
struct Remote
{
  std::string href;  // a reference; "" = here
  // How many such references led to this element.
  unsigned depth = 0;
};

// sea:SegmentEncryption and its neighbours in a ContentProtection (ISO/IEC
// 23009-4 5.1).
struct SegmentEncryption
{
  std::size_t line = 0;
  std::string scheme;      // of SegmentEncryption
  std::string key_system;  // of KeySystem
  std::size_t periods = 0;
  bool is_partial = false;   // something other than one period for everything
  std::string key_template;  // of the CryptoPeriod
  std::string iv;
};

// What AdaptationSet and Representation have in common (5.3.7).
struct Common
{
  std::size_t line = 0;
  std::string id;
  std::vector<BaseUrl> base_urls;
  std::vector<SegmentInformation> segments;
  std::string mime_type;
  std::string codecs;
  std::optional<std::uint32_t> width;
  std::optional<std::uint32_t> height;
  presentation::Fraction frame_rate;
  std::optional<double> max_playout_rate;
  std::optional<bool> coding_dependency;
  std::vector<presentation::ContentProtection> protections;
  std::optional<SegmentEncryption> encryption;
  std::vector<presentation::Descriptor> essential_properties;
  std::vector<presentation::Descriptor> supplemental_properties;
  std::vector<presentation::Descriptor> inband_events;
};

struct Representation : Common
{
  std::uint64_t bandwidth = 0;
};

struct AdaptationSet : Common
{
  Remote remote;
  std::string language;
  std::string content_type;
  std::string label;
  std::vector<presentation::Descriptor> roles;
  std::vector<presentation::Descriptor> accessibilities;
  std::vector<Representation> representations;
};

struct Event
{
  std::uint64_t presentation_time = 0;
  std::optional<std::uint64_t> duration;
  std::string id;
  std::string data;
  bool is_base64 = false;
};

struct EventStream
{
  std::size_t line = 0;
  presentation::Descriptor scheme;
  std::uint32_t timescale = 1;
  std::uint64_t presentation_time_offset = 0;
  std::vector<Event> events;
};

struct Period
{
  std::size_t line = 0;
  Remote remote;
  std::string id;
  std::optional<presentation::Time> start;
  std::optional<presentation::Time> duration;
  std::vector<BaseUrl> base_urls;
  std::vector<SegmentInformation> segments;
  std::vector<AdaptationSet> sets;
  std::vector<EventStream> event_streams;
};

struct Document
{
  std::size_t line = 1;
  bool dynamic = false;
  std::optional<presentation::Time> duration;
  // As it stands there.
  std::optional<presentation::Steering> steering;
  std::vector<BaseUrl> base_urls;
  std::vector<Period> periods;
};

// A remote element entity (5.5): Periods or AdaptationSets, without a root.
struct Fragment
{
  std::vector<Period> periods;
  std::vector<AdaptationSet> sets;
};

}  // namespace mpd

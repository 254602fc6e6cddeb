// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpd.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "template.h"
#include "text.h"
#include "uri.h"

namespace mpd {

using presentation::Period;
using presentation::Presentation;
using presentation::Range;
using presentation::Representation;
using presentation::Resource;
using presentation::SegmentBase;
using presentation::SegmentList;
using presentation::SegmentTemplate;
using presentation::Time;
using presentation::Timeline;
using presentation::Track;
using presentation::Type;

const char *to_string (Error error)
{
  switch (error) {
    case Error::not_xml:
      return "not well-formed XML";
    case Error::doctype:
      return "a document type declaration";
    case Error::not_mpd:
      return "the root element is not MPD";
    case Error::too_large:
      return "the MPD is too large";
    case Error::bad_number:
      return "not a number";
    case Error::bad_duration:
      return "not a duration";
    case Error::bad_range:
      return "not a byte range";
    case Error::bad_template:
      return "not a segment template";
    case Error::bad_list:
      return "not a segment list";
    case Error::bad_timeline:
      return "the SegmentTimeline is wrong";
    case Error::no_period:
      return "no Period";
    case Error::no_segments:
      return "no segments";
    case Error::no_duration:
      return "no duration, so no last segment";
    case Error::overflow:
      return "a time is too large";
    case Error::too_many_segments:
      return "too many segments";
    case Error::dynamic:
      return "a dynamic (live) MPD";
    case Error::multi_period:
      return "more than one Period";
    case Error::xlink:
      return "xlink";
    case Error::time_of_number:
      return "$Time$ without SegmentTimeline";
    case Error::sub_segments:
      return "sequences of segments (S@k)";
  }
  return "unknown";
}

bool is_unsupported (Error error)
{
  return error >= Error::dynamic;
}

namespace {

struct FreeXml
{
  void operator() (xmlDoc *document) const { xmlFreeDoc (document); }
  void operator() (xmlChar *text) const { xmlFree (text); }
};

std::string_view view (const xmlChar *text)
{
  return text != nullptr ? reinterpret_cast<const char *> (text) : "";
}

// By local name: MPDs with another namespace, or none, are common.
bool is_element (const xmlNode *node, std::string_view name)
{
  return node->type == XML_ELEMENT_NODE && view (node->name) == name;
}

const xmlNode *next (const xmlNode *node, std::string_view name)
{
  while (node != nullptr && !is_element (node, name)) node = node->next;
  return node;
}

const xmlNode *child (const xmlNode *parent, std::string_view name)
{
  return next (parent->children, name);
}

// For (const xmlNode *node : children (parent, name)) ...
std::vector<const xmlNode *> children (
    const xmlNode *parent, std::string_view name)
{
  std::vector<const xmlNode *> all;
  for (const xmlNode *node = child (parent, name); node != nullptr;
       node = next (node->next, name))
    all.push_back (node);
  return all;
}

// Attributes are told apart from those of other namespaces (xlink:href).
std::optional<std::string> attribute (const xmlNode *node, const char *name)
{
  std::unique_ptr<xmlChar, FreeXml> value{
      xmlGetNoNsProp (node, reinterpret_cast<const xmlChar *> (name))};
  if (!value) return std::nullopt;
  return std::string (text::trim (view (value.get ())));
}

std::string content (const xmlNode *node)
{
  std::unique_ptr<xmlChar, FreeXml> value{xmlNodeGetContent (node)};
  return std::string (text::trim (view (value.get ())));
}

bool is_remote (const xmlNode *node)
{
  for (const xmlAttr *at = node->properties; at != nullptr; at = at->next)
    if (at->ns != nullptr && view (at->name) == "href" &&
        view (at->ns->href) == "http://www.w3.org/1999/xlink")
      return true;
  return false;
}

// PT1H2M3.5S, P1DT...; years and months have no length.
std::optional<Time> parse_duration (std::string_view value)
{
  if (!value.starts_with ('P')) return std::nullopt;
  value.remove_prefix (1);
  bool time = false;
  bool any = false;
  std::uint64_t total = 0;
  while (!value.empty ()) {
    if (value.starts_with ('T')) {
      if (time) return std::nullopt;
      time = true;
      value.remove_prefix (1);
      continue;
    }
    std::size_t size =
        std::min (value.find_first_not_of ("0123456789."), value.size ());
    auto amount = text::decimal (value.substr (0, size), 9);
    if (!amount || size == value.size ()) return std::nullopt;
    std::uint64_t unit = 0;
    switch (value[size]) {
      case 'D':
        unit = time ? 0 : 86400;
        break;
      case 'H':
        unit = time ? 3600 : 0;
        break;
      case 'M':
        unit = time ? 60 : 0;
        break;
      case 'S':
        unit = time ? 1 : 0;
        break;
      case 'Y':
        break;
      default:
        return std::nullopt;
    }
    // Some write P0Y0M0DT8S.
    if (unit == 0 && *amount != 0) return std::nullopt;
    if (__builtin_mul_overflow (*amount, unit, &*amount) ||
        __builtin_add_overflow (total, *amount, &total) ||
        total > presentation::max_time)
      return std::nullopt;
    value.remove_prefix (size + 1);
    any = true;
  }
  if (!any) return std::nullopt;
  return total;
}

// RFC 7233 byte-range-spec: "100-199" or "100-".
std::optional<Range> parse_range (std::string_view value)
{
  auto dash = value.find ('-');
  if (dash == std::string_view::npos) return std::nullopt;
  auto first = text::number<std::uint64_t> (value.substr (0, dash));
  if (!first) return std::nullopt;
  Range range{*first, std::nullopt};
  if (dash + 1 < value.size ()) {
    range.last = text::number<std::uint64_t> (value.substr (dash + 1));
    if (!range.last || *range.last < *first) return std::nullopt;
  }
  return range;
}

// What SegmentBase and SegmentTemplate say at a level and hand down to the next
// one (5.3.9.1: "attributes and elements ... are inherited").
struct Information
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
  // SegmentBase
  std::optional<Range> index_range;
  std::optional<Resource> initialization;
  // SegmentList
  const xmlNode *list = nullptr;
  // SegmentTemplate
  std::string media;
  std::string init_pattern;
  std::optional<std::uint64_t> start_number;
  std::optional<std::uint64_t> end_number;
  // SegmentList, SegmentTemplate
  std::optional<std::uint64_t> duration;
  const xmlNode *timeline = nullptr;
};

// What an AdaptationSet says for its Representations.
struct Common
{
  std::string base;
  Information information;
  std::string mime_type;
  std::string codecs;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  presentation::Fraction frame_rate;
  std::vector<presentation::ContentProtection> protections;
};

class Parser
{
public:
  Result<Presentation> run (const xmlNode *root, const std::string &uri);

private:
  // The first one counts; everything goes on with defaults until it is seen.
  void fail (Error error, const xmlNode *node);

  template <class T>
  std::optional<T> number (const xmlNode *node, const char *name);
  std::optional<Time> duration (const xmlNode *node, const char *name);
  std::optional<Range> range (const xmlNode *node, const char *name);
  presentation::Fraction frame_rate (const xmlNode *node);
  std::string base (const xmlNode *node, const std::string &above);

  void period (const xmlNode *node, const Common &above);
  void adaptation_set (const xmlNode *node, const Common &above);
  void representation (const xmlNode *node, const Common &above, Track &track);
  Common common (const xmlNode *node, const Common &above);
  Information information (const xmlNode *node, Information above);
  void segment_base (const xmlNode *node, Information &out);
  void multiple_segments (const xmlNode *node, Information &out);
  void segment_template (const xmlNode *node, Information &out);
  bool segments (const xmlNode *node, const Common &all, Representation &out);
  void base_segments (const Common &all, Representation &out) const;
  void list_segments (
      const xmlNode *node, const Information &from, Representation &out);
  struct Span
  {
    std::uint64_t first;
    std::uint64_t size;
  };
  void add_listed (const xmlNode *node, Span units, std::uint32_t timescale,
      SegmentList &list);
  void template_segments (
      const xmlNode *node, const Information &from, Representation &out);
  std::shared_ptr<const Timeline> timeline (
      const xmlNode *node, std::uint32_t timescale, std::uint64_t offset);
  std::shared_ptr<const Timeline> numbers (
      const xmlNode *node, const Information &from);
  std::optional<std::uint64_t> period_end (
      const xmlNode *node, std::uint32_t timescale, std::uint64_t offset);

  std::optional<relay::Failure<Error>> failure_;
  Presentation out_;
  Period period_;
  // The Representations of an AdaptationSet have one in common.
  struct
  {
    const xmlNode *node = nullptr;
    std::uint32_t timescale = 0;
    std::uint64_t offset = 0;
    std::shared_ptr<const Timeline> timeline;
  } last_;
};

void Parser::fail (Error error, const xmlNode *node)
{
  if (failure_) return;
  failure_ = relay::failure (
      error, static_cast<std::size_t> (std::max (xmlGetLineNo (node), 1L)));
}

template <class T>
std::optional<T> Parser::number (const xmlNode *node, const char *name)
{
  auto value = attribute (node, name);
  if (!value) return std::nullopt;
  auto out = text::number<T> (*value);
  if (!out) fail (Error::bad_number, node);
  return out;
}

std::optional<Time> Parser::duration (const xmlNode *node, const char *name)
{
  auto value = attribute (node, name);
  if (!value) return std::nullopt;
  auto out = parse_duration (*value);
  if (!out) fail (Error::bad_duration, node);
  return out;
}

std::optional<Range> Parser::range (const xmlNode *node, const char *name)
{
  auto value = attribute (node, name);
  if (!value) return std::nullopt;
  auto out = parse_range (*value);
  if (!out) fail (Error::bad_range, node);
  return out;
}

// "30" or "30000/1001" (5.3.7.2)
presentation::Fraction Parser::frame_rate (const xmlNode *node)
{
  auto value = attribute (node, "frameRate");
  if (!value) return {};
  std::string_view rest = *value;
  auto slash = std::min (rest.find ('/'), rest.size ());
  auto numerator = text::number<std::uint32_t> (rest.substr (0, slash));
  auto denominator = slash == rest.size () ? std::optional<std::uint32_t> (1)
                                           : text::number<std::uint32_t> (
                                                 rest.substr (slash + 1));
  // It is a help for players only: wrong is as good as not there.
  if (!numerator || !denominator || *denominator == 0) return {};
  return {*numerator, *denominator};
}

// 5.6: of several alternatives the first one.
std::string Parser::base (const xmlNode *node, const std::string &above)
{
  const xmlNode *found = child (node, "BaseURL");
  return found != nullptr ? uri::resolve (above, content (found)) : above;
}

Result<Presentation> Parser::run (const xmlNode *root, const std::string &uri)
{
  if (!is_element (root, "MPD")) return relay::failure (Error::not_mpd, 1);
  if (attribute (root, "type") == "dynamic") fail (Error::dynamic, root);
  out_.duration = duration (root, "mediaPresentationDuration");
  Common all;
  all.base = base (root, uri);
  std::vector<const xmlNode *> periods = children (root, "Period");
  if (periods.empty ()) fail (Error::no_period, root);
  if (periods.size () > 1) fail (Error::multi_period, periods[1]);
  if (!failure_) period (periods.front (), all);
  if (!failure_ && out_.periods.front ().tracks.empty ())
    fail (Error::no_segments, root);
  if (failure_) return *failure_;
  return std::move (out_);
}

void Parser::period (const xmlNode *node, const Common &above)
{
  if (is_remote (node)) fail (Error::xlink, node);
  period_.id = attribute (node, "id").value_or ("");
  period_.start = duration (node, "start").value_or (0);
  period_.duration = duration (node, "duration");
  if (!period_.duration && out_.duration && *out_.duration >= period_.start)
    period_.duration = *out_.duration - period_.start;
  if (!out_.duration && period_.duration &&
      *period_.duration <= presentation::max_time - period_.start)
    out_.duration = period_.start + *period_.duration;

  Common all = above;
  all.base = base (node, above.base);
  all.information = information (node, above.information);
  for (const xmlNode *set : children (node, "AdaptationSet"))
    if (!failure_) adaptation_set (set, all);
  out_.periods.push_back (std::move (period_));
}

// "If the scheme or value of the descriptor is not recognized ... the client
// shall ignore the parent element" (5.8.4.8): none is recognized.
bool is_essential (const xmlNode *node)
{
  return child (node, "EssentialProperty") != nullptr;
}

bool starts_with (const std::string &text, const char *prefix)
{
  return std::string_view (text).starts_with (prefix);
}

std::optional<Type> type_of (
    const std::string &mime_type, const std::string &codecs)
{
  if (starts_with (codecs, "stpp") || starts_with (codecs, "wvtt"))
    return Type::text;
  if (starts_with (mime_type, "video/")) return Type::video;
  if (starts_with (mime_type, "audio/")) return Type::audio;
  if (starts_with (mime_type, "text/") || mime_type == "application/ttml+xml")
    return Type::text;
  return std::nullopt;
}

void Parser::adaptation_set (const xmlNode *node, const Common &above)
{
  if (is_remote (node)) fail (Error::xlink, node);
  if (is_essential (node)) return;
  Common all = common (node, above);
  Track track;
  track.id = attribute (node, "id").value_or ("");
  track.language = attribute (node, "lang").value_or ("");
  if (const xmlNode *label = child (node, "Label"))
    track.label = content (label);
  std::optional<Type> type;
  for (const xmlNode *item : children (node, "Representation")) {
    if (failure_) return;
    if (is_essential (item)) continue;
    representation (item, all, track);
    if (type || track.representations.empty ()) continue;
    const Representation &first = track.representations.front ();
    type = type_of (first.mime_type, first.codecs);
  }
  // Thumbnails, application data: nothing that is played.
  if (!type) return;
  track.type = *type;
  period_.tracks.push_back (std::move (track));
}

Common Parser::common (const xmlNode *node, const Common &above)
{
  Common out = above;
  out.base = base (node, above.base);
  out.information = information (node, above.information);
  if (auto value = attribute (node, "mimeType")) out.mime_type = *value;
  if (auto value = attribute (node, "codecs")) out.codecs = *value;
  if (auto value = number<std::uint32_t> (node, "width")) out.width = *value;
  if (auto value = number<std::uint32_t> (node, "height")) out.height = *value;
  if (auto value = frame_rate (node); value.numerator != 0)
    out.frame_rate = value;
  for (const xmlNode *item : children (node, "ContentProtection")) {
    presentation::ContentProtection protection;
    protection.scheme_id_uri = attribute (item, "schemeIdUri").value_or ("");
    protection.value = attribute (item, "value").value_or ("");
    for (const xmlAttr *at = item->properties; at != nullptr; at = at->next)
      if (view (at->name) == "default_KID" && at->children != nullptr)
        protection.default_kid = view (at->children->content);
    for (const xmlNode *pssh : children (item, "pssh"))
      protection.pssh.push_back (content (pssh));
    out.protections.push_back (std::move (protection));
  }
  return out;
}

void Parser::representation (
    const xmlNode *node, const Common &above, Track &track)
{
  Common all = common (node, above);
  if (!type_of (all.mime_type, all.codecs)) return;
  Representation out{};
  out.id = attribute (node, "id").value_or ("");
  out.bandwidth = number<std::uint64_t> (node, "bandwidth").value_or (0);
  out.base = all.base;
  out.width = all.width;
  out.height = all.height;
  out.frame_rate = all.frame_rate;
  out.mime_type = all.mime_type;
  out.codecs = all.codecs;
  out.protections = all.protections;
  if (segments (node, all, out))
    track.representations.push_back (std::move (out));
}

Information Parser::information (const xmlNode *node, Information above)
{
  // From an element of the same name only.
  auto inherit = [&above] (Information::Kind kind) {
    if (above.kind != kind) above = {};
    above.kind = kind;
  };
  if (const xmlNode *found = child (node, "SegmentBase")) {
    inherit (Information::Kind::base);
    segment_base (found, above);
  }
  if (const xmlNode *found = child (node, "SegmentList")) {
    inherit (Information::Kind::list);
    above.list = found;
    segment_base (found, above);
    multiple_segments (found, above);
  }
  if (const xmlNode *found = child (node, "SegmentTemplate")) {
    inherit (Information::Kind::pattern);
    segment_base (found, above);
    multiple_segments (found, above);
    segment_template (found, above);
  }
  return above;
}

// 5.3.9.2: SegmentList and SegmentTemplate have these as well.
void Parser::segment_base (const xmlNode *node, Information &out)
{
  if (auto value = number<std::uint32_t> (node, "timescale")) {
    if (*value != 0)
      out.timescale = value;
    else
      fail (Error::bad_number, node);
  }
  if (auto value = number<std::uint64_t> (node, "presentationTimeOffset"))
    out.presentation_time_offset = value;
  if (auto value = range (node, "indexRange")) out.index_range = value;
  if (const xmlNode *found = child (node, "Initialization"))
    out.initialization = Resource{
        attribute (found, "sourceURL").value_or (""), range (found, "range")};
}

// 5.3.9.2.2: MultipleSegmentBaseType, of SegmentList and SegmentTemplate.
void Parser::multiple_segments (const xmlNode *node, Information &out)
{
  if (is_remote (node)) fail (Error::xlink, node);
  if (auto value = number<std::uint64_t> (node, "startNumber"))
    out.start_number = value;
  if (auto value = number<std::uint64_t> (node, "endNumber"))
    out.end_number = value;
  if (auto value = number<std::uint64_t> (node, "duration")) {
    if (*value != 0)
      out.duration = value;
    else
      fail (Error::bad_number, node);
  }
  if (const xmlNode *found = child (node, "SegmentTimeline")) {
    if (is_remote (found)) fail (Error::xlink, found);
    out.timeline = found;
  }
}

// 5.3.9.4
void Parser::segment_template (const xmlNode *node, Information &out)
{
  if (auto value = attribute (node, "media")) out.media = *value;
  if (auto value = attribute (node, "initialization"))
    out.init_pattern = *value;
}

// False: it has none.
bool Parser::segments (
    const xmlNode *node, const Common &all, Representation &out)
{
  const Information &from = all.information;
  if (from.kind == Information::Kind::pattern) {
    template_segments (node, from, out);
    return true;
  }
  if (from.kind == Information::Kind::list) {
    list_segments (node, from, out);
    return !failure_ && !std::get<SegmentList> (out.segments).entries.empty ();
  }
  // A Representation that is one resource needs a BaseURL of its own; that of
  // a folder is not media.
  bool own = child (node, "BaseURL") != nullptr;
  if (from.kind == Information::Kind::none && !own) return false;
  base_segments (all, out);
  return true;
}

void Parser::base_segments (const Common &all, Representation &out) const
{
  const Information &from = all.information;
  SegmentBase base;
  base.timescale = from.timescale.value_or (1);
  base.presentation_time_offset = from.presentation_time_offset.value_or (0);
  if (from.index_range) {
    base.index.range = from.index_range;
    base.initialization = from.initialization;
    if (!base.initialization && from.index_range->first > 0)
      base.initialization = Resource{"", Range{0, from.index_range->first - 1}};
    out.segments = std::move (base);
    return;
  }
  // Without an index the whole resource is the one segment, its initialization
  // included.
  SegmentList list;
  list.entries.emplace_back ();
  list.entries.front ().duration = period_.duration.value_or (0);
  list.offset =
      presentation::to_time (base.presentation_time_offset, base.timescale)
          .value_or (0);
  list.entries.front ().time = list.offset;
  out.segments = std::move (list);
}

// 5.3.9.3
void Parser::list_segments (
    const xmlNode *node, const Information &from, Representation &out)
{
  std::uint32_t timescale = from.timescale.value_or (1);
  std::uint64_t offset = from.presentation_time_offset.value_or (0);
  std::vector<const xmlNode *> items = children (from.list, "SegmentURL");
  Timeline times;
  if (from.timeline != nullptr)
    times = *timeline (from.timeline, timescale, offset);
  else if (from.duration)
    times.runs = {{offset, *from.duration, 0, items.size ()}};
  else if (items.size () == 1)
    times.runs = {{offset, 0, 0, 1}};
  else
    fail (Error::no_duration, node);

  SegmentList list;
  if (from.initialization) list.inits.push_back (*from.initialization);
  auto start = presentation::to_time (offset, timescale);
  if (!start) fail (Error::overflow, node);
  list.offset = start.value_or (0);
  std::size_t at = 0;
  for (const Timeline::Run &run : times.runs) {
    for (std::uint64_t i = 0; i < run.count && !failure_; i++, at++) {
      if (at == items.size ()) {
        fail (Error::bad_list, from.list);
        break;
      }
      add_listed (items[at], {run.time + i * run.duration, run.duration},
          timescale, list);
    }
  }
  if (at < items.size ()) fail (Error::bad_list, from.list);
  out.segments = std::move (list);
}

// A SegmentURL: its media, mediaRange, or both.
void Parser::add_listed (
    const xmlNode *node, Span units, std::uint32_t timescale, SegmentList &list)
{
  SegmentList::Entry entry;
  std::string media = attribute (node, "media").value_or ("");
  entry.uri_at = static_cast<std::uint32_t> (list.text.size ());
  entry.uri_size = static_cast<std::uint32_t> (media.size ());
  list.text += media;
  if (auto bytes = range (node, "mediaRange")) {
    entry.first = bytes->first;
    if (bytes->last) entry.size = *bytes->last - bytes->first + 1;
  }
  std::uint64_t end = 0;
  auto time = presentation::to_time (units.first, timescale);
  auto duration = presentation::to_time (units.size, timescale);
  if (__builtin_add_overflow (units.first, units.size, &end) || !time ||
      !duration || !presentation::to_time (end, timescale)) {
    fail (Error::overflow, node);
    return;
  }
  entry.time = *time;
  entry.duration = *duration;
  if (!list.inits.empty ()) entry.init = 0;
  list.entries.push_back (entry);
}

// How many numbers there are from first to last.
std::uint64_t number_count (std::uint64_t first, std::uint64_t last)
{
  return last < first ? 0 : last - first + 1;
}

// The timeline as far as its first segments.
std::shared_ptr<const Timeline> first_of (
    const Timeline &all, std::uint64_t count)
{
  auto out = std::make_shared<Timeline> ();
  for (Timeline::Run run : all.runs) {
    if (run.first >= count) break;
    run.count = std::min (run.count, count - run.first);
    out->runs.push_back (run);
  }
  return out;
}

void Parser::template_segments (
    const xmlNode *node, const Information &from, Representation &out)
{
  SegmentTemplate pattern;
  pattern.media = from.media;
  pattern.initialization = from.init_pattern;
  pattern.init = from.initialization;
  pattern.timescale = from.timescale.value_or (1);
  pattern.start_number = from.start_number.value_or (1);
  pattern.presentation_time_offset = from.presentation_time_offset.value_or (0);
  // Checked once with the longest values, so that no segment fails later.
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max ();
  url_template::Values longest{out.id, most, out.bandwidth, most};
  for (const std::string &text : {pattern.media, pattern.initialization})
    if (!url_template::expand (text, longest)) fail (Error::bad_template, node);
  if (pattern.media.empty ()) fail (Error::bad_template, node);
  if (!presentation::to_time (
          pattern.presentation_time_offset, pattern.timescale))
    fail (Error::overflow, node);
  if (failure_) return;

  if (from.timeline != nullptr) {
    pattern.timeline = timeline (
        from.timeline, pattern.timescale, pattern.presentation_time_offset);
    if (from.end_number)
      pattern.timeline = first_of (*pattern.timeline,
          number_count (pattern.start_number, *from.end_number));
  } else {
    if (pattern.media.find ("$Time") != std::string::npos)
      fail (Error::time_of_number, node);
    pattern.timeline = numbers (node, from);
  }
  out.segments = std::move (pattern);
}

// The end of the period on the media's own clock.
std::optional<std::uint64_t> Parser::period_end (
    const xmlNode *node, std::uint32_t timescale, std::uint64_t offset)
{
  if (!period_.duration) {
    fail (Error::no_duration, node);
    return std::nullopt;
  }
  // Rounded up: a part of a unit is played too.
  std::uint64_t seconds = *period_.duration / presentation::second;
  std::uint64_t rest = *period_.duration % presentation::second;
  // Below 2^30 * 2^32.
  std::uint64_t units =
      (rest * timescale + presentation::second - 1) / presentation::second;
  std::uint64_t end = 0;
  if (__builtin_mul_overflow (seconds, timescale, &end) ||
      __builtin_add_overflow (end, units, &end) ||
      __builtin_add_overflow (end, offset, &end)) {
    fail (Error::overflow, node);
    return std::nullopt;
  }
  return end;
}

// @duration: one run of equal segments (5.3.9.5.3).
std::shared_ptr<const Timeline> Parser::numbers (
    const xmlNode *node, const Information &from)
{
  auto out = std::make_shared<Timeline> ();
  std::uint32_t timescale = from.timescale.value_or (1);
  std::uint64_t offset = from.presentation_time_offset.value_or (0);
  Timeline::Run run;
  run.time = offset;
  // 5.3.9.2.2: with neither @duration nor SegmentTimeline there is one segment.
  if (!from.duration) {
    if (!presentation::to_time (offset, timescale))
      fail (Error::overflow, node);
    out->runs.push_back (run);
    return out;
  }
  run.duration = *from.duration;
  if (from.end_number) {
    run.count = number_count (from.start_number.value_or (1), *from.end_number);
  } else {
    auto end = period_end (node, timescale, offset);
    if (!end) return out;
    run.count = (*end - offset - (*end > offset ? 1 : 0)) / run.duration +
                (*end > offset ? 1 : 0);
  }
  std::uint64_t end = 0;
  if (run.count > max_segments) fail (Error::too_many_segments, node);
  if (__builtin_mul_overflow (run.count, run.duration, &end) ||
      __builtin_add_overflow (end, offset, &end) ||
      !presentation::to_time (end, timescale))
    fail (Error::overflow, node);
  if (run.count > 0) out->runs.push_back (run);
  return out;
}

// 5.3.9.6
std::shared_ptr<const Timeline> Parser::timeline (
    const xmlNode *node, std::uint32_t timescale, std::uint64_t offset)
{
  if (last_.node == node && last_.timescale == timescale &&
      last_.offset == offset)
    return last_.timeline;
  auto out = std::make_shared<Timeline> ();
  std::uint64_t time = 0;   // where the next S begins, unless it says
  std::uint64_t first = 0;  // index of its first segment
  for (const xmlNode *item = child (node, "S"); item != nullptr;
       item = next (item->next, "S")) {
    Timeline::Run run;
    run.time = number<std::uint64_t> (item, "t").value_or (time);
    run.duration = number<std::uint64_t> (item, "d").value_or (0);
    run.first = first;
    if (run.duration == 0 || run.time < time) fail (Error::bad_timeline, item);
    if (number<std::uint64_t> (item, "k").value_or (1) > 1)
      fail (Error::sub_segments, item);
    if (failure_) break;
    std::string repeat = attribute (item, "r").value_or ("0");
    if (repeat.starts_with ('-')) {
      // "until the start of the next S element, the end of the Period"
      const xmlNode *after = next (item->next, "S");
      auto end = after != nullptr ? number<std::uint64_t> (after, "t")
                                  : period_end (item, timescale, offset);
      // Nothing of the run is in the Period.
      if (end && *end <= run.time && after == nullptr) break;
      if (!end || *end <= run.time) fail (Error::bad_timeline, item);
      if (failure_) break;
      run.count = (*end - run.time - 1) / run.duration + 1;
    } else {
      auto more = text::number<std::uint64_t> (repeat);
      if (!more) fail (Error::bad_number, item);
      if (more.value_or (0) >= max_segments)
        fail (Error::too_many_segments, item);
      if (failure_) break;
      run.count = *more + 1;
    }
    std::uint64_t length = 0;
    first += run.count;
    if (first > max_segments) fail (Error::too_many_segments, item);
    if (__builtin_mul_overflow (run.count, run.duration, &length) ||
        __builtin_add_overflow (run.time, length, &time) ||
        !presentation::to_time (time, timescale))
      fail (Error::overflow, item);
    if (failure_) break;
    // The last one of an open run may reach past the next S.
    if (repeat.starts_with ('-'))
      if (const xmlNode *after = next (item->next, "S"))
        time = number<std::uint64_t> (after, "t").value_or (time);
    out->runs.push_back (run);
  }
  last_ = {node, timescale, offset, out};
  return out;
}

}  // namespace

Result<Presentation> parse (std::string_view xml, const std::string &base)
{
  if (xml.size () > max_size) return relay::failure (Error::too_large);
  // Nothing is fetched (NONET) and no entity is put in place (no NOENT).
  std::unique_ptr<xmlDoc, FreeXml> document{
      xmlReadMemory (xml.data (), static_cast<int> (xml.size ()), nullptr,
          nullptr, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)};
  if (!document) return relay::failure (Error::not_xml);
  if (xmlGetIntSubset (document.get ()) != nullptr)
    return relay::failure (Error::doctype);
  const xmlNode *root = xmlDocGetRootElement (document.get ());
  if (root == nullptr) return relay::failure (Error::not_xml);
  return Parser ().run (root, base);
}

}  // namespace mpd

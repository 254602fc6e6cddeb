// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpderror.h"

namespace mpd {

const char *to_string (Error error)
{
  switch (error) {
    case Error::not_xml:
      return "not well-formed XML";
    case Error::doctype:
      return "a document type declaration";
    case Error::too_deep:
      return "elements are nested too deeply";
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
    case Error::bad_period:
      return "a Period begins before the one in front of it";
    case Error::bad_remote:
      return "not the elements that were referred to";
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
    case Error::too_many_remote:
      return "too many remote elements";
    case Error::dynamic:
      return "a dynamic (live) MPD";
    case Error::segment_encryption:
      return "this kind of segment encryption";
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

}  // namespace mpd

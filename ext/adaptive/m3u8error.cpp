// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8.h"

namespace m3u8 {

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
    case Error::two_versions:
      return "more than one #EXT-X-VERSION";
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
    case Error::bad_iv:
      return "an IV that is not a hexadecimal number of 128 bits";
    case Error::map_without_iv:
      return "an encrypted #EXT-X-MAP, and #EXT-X-KEY has no IV";
    case Error::keys_disagree:
      return "several METHODs of #EXT-X-KEY at once";
    case Error::too_many_keys:
      return "too many #EXT-X-KEY at once";
    case Error::bad_definition:
      return "#EXT-X-DEFINE wants one of NAME, IMPORT and QUERYPARAM";
    case Error::defined_twice:
      return "a variable is defined twice";
    case Error::undefined:
      return "a variable is not defined";
    case Error::no_such_parameter:
      return "the playlist's URI has no such parameter";
    case Error::bad_parameter:
      return "a query parameter has a line's end or a quotation mark";
    case Error::too_long:
      return "the playlist is too long to be true";
    case Error::too_many_segments:
      return "too many segments";
    case Error::key_method:
      return "an unknown METHOD of #EXT-X-KEY";
    case Error::key_format:
      return "an unknown KEYFORMAT of #EXT-X-KEY";
    case Error::delta_update:
      return "delta updates (#EXT-X-SKIP)";
  }
  return "unknown";
}

bool is_unsupported (Error error)
{
  return error >= Error::key_method;
}

}  // namespace m3u8

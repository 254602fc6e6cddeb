// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "m3u8.h"
#include "m3u8keyring.h"
#include "m3u8strings.h"
#include "m3u8text.h"

namespace m3u8 {

// The segments of a Media Playlist: what its tags say of the next one, or of
// all that follow, and their URI lines (RFC 8216bis 4.4.4).
class Segments
{
public:
  // base: of URIs. All of them outlive it.
  Segments (Media &media, Strings &strings, std::string_view base)
      : media_ (media),
        list_ (media.segments),
        strings_ (strings),
        keyring_ (media.segments, strings, base)
  {
  }

  // A tag's value, and a URI line. False: see error ().
  [[nodiscard]] bool extinf (std::string_view value);
  [[nodiscard]] bool byte_range (std::string_view value);
  [[nodiscard]] bool discontinuity (std::string_view value);
  [[nodiscard]] bool gap (std::string_view value);
  [[nodiscard]] bool key (std::string_view value);
  [[nodiscard]] bool map (std::string_view value);
  [[nodiscard]] bool date (std::string_view value);
  [[nodiscard]] bool add (std::string_view uri);

  // done: bytes of the text so far.
  void reserve (std::size_t done);
  // There has been an EXTINF that no URI line followed.
  [[nodiscard]] bool is_open () const { return duration_.has_value (); }
  // After the last line, with the list's text complete.
  void finish ();

  [[nodiscard]] Error error () const { return error_; }

private:
  bool fail (Error error)
  {
    error_ = error;
    return false;
  }
  bool follow_range (std::string_view uri, std::uint64_t &first);
  void lead_to_key_frames ();

  Media &media_;
  presentation::SegmentList &list_;
  Strings &strings_;
  Keyring keyring_;
  m3u8text::Attributes attributes_;
  Error error_ = Error::empty;
  // What the next URI line takes.
  std::optional<presentation::Time> duration_;
  std::optional<m3u8text::ByteRange> byte_range_;
  bool discontinuity_ = false;
  bool gap_ = false;
  // What all that follow take.
  std::uint32_t init_ = presentation::SegmentList::no_init;
  std::string_view map_;  // the tag's value that init_ was made of
  std::uint32_t map_key_ = presentation::SegmentList::no_key;
};

}  // namespace m3u8

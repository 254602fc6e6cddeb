// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// What kind of bytes a segment is made of, and whether it ends where it should.
namespace container {

enum class Format
{
  unknown,
  mp4,  // fragmented
  mpegts,
  webm,
  webvtt,
  ttml,
  packed_audio,  // ADTS, MP3 or AC-3 with or without ID3 (RFC 8216 3.4)
  html           // what servers send in place of anything else
};
[[nodiscard]] const char *to_string (Format format);

inline constexpr std::size_t packet_size = 188;
// With this many first bytes sniff () knows what it can know.
inline constexpr std::size_t sniff_size = 2 * packet_size;

[[nodiscard]] Format sniff (std::span<const std::uint8_t> first_bytes);
// By the end of the path; query and fragment are passed over.
[[nodiscard]] Format from_uri (std::string_view uri);
[[nodiscard]] Format from_mime_type (std::string_view mime_type);

enum class Manifest
{
  none,
  hls,  // not the lists of other players, which have no tags of HLS
  dash
};
// By its first bytes, as many as there are, and its Content-Type.
[[nodiscard]] Manifest manifest_of (
    std::span<const std::uint8_t> first_bytes, std::string_view mime_type);

// Follows a body through its boxes or packets. A body without a length that
// stops inside one is a cut one (a chunked transfer that breaks off between
// two chunks looks complete).
class Boundaries
{
public:
  explicit Boundaries (Format format) : format_ (format) {}

  void feed (std::span<const std::uint8_t> bytes);
  // True also for formats that have no such boundaries.
  [[nodiscard]] bool at_boundary () const;

private:
  void feed_boxes (std::span<const std::uint8_t> bytes);

  Format format_;
  std::uint64_t position_ = 0;
  // mp4: what is left of the present box, and the header being collected.
  std::uint64_t left_ = 0;
  std::uint8_t header_[16] = {};
  std::size_t header_size_ = 0;
  bool to_the_end_ = false;  // a box of size 0: nothing to follow from here
  bool broken_ = false;      // a size that no box has
};

}  // namespace container

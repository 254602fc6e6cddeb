// SPDX-License-Identifier: LGPL-2.1-or-later
#include "container.h"

#include <algorithm>
#include <string>

#include "bytes.h"
#include "text.h"

namespace container {

const char *to_string (Format format)
{
  switch (format) {
    case Format::unknown:
      return "unknown";
    case Format::mp4:
      return "MP4";
    case Format::mpegts:
      return "MPEG-TS";
    case Format::webm:
      return "WebM";
    case Format::webvtt:
      return "WebVTT";
    case Format::ttml:
      return "TTML";
    case Format::packed_audio:
      return "packed audio";
    case Format::html:
      return "HTML";
  }
  return "unknown";
}

namespace {

std::string_view as_text (std::span<const std::uint8_t> bytes)
{
  return {reinterpret_cast<const char *> (bytes.data ()), bytes.size ()};
}

constexpr char lower (char c)
{
  return c >= 'A' && c <= 'Z' ? static_cast<char> (c - 'A' + 'a') : c;
}

bool starts_with (std::string_view text, std::string_view lower_case)
{
  return text.size () >= lower_case.size () &&
         std::ranges::equal (
             text.substr (0, lower_case.size ()), lower_case, {}, lower);
}

bool is_mp4 (std::span<const std::uint8_t> bytes)
{
  bytes::Reader reader (bytes);
  reader.u32 ();
  auto type = reader.u32 ();
  for (auto known : {bytes::fourcc ("ftyp"), bytes::fourcc ("styp"),
           bytes::fourcc ("moof"), bytes::fourcc ("moov"),
           bytes::fourcc ("sidx"), bytes::fourcc ("emsg"),
           bytes::fourcc ("prft"), bytes::fourcc ("free"),
           bytes::fourcc ("skip"), bytes::fourcc ("mdat")})
    if (reader.ok () && type == known) return true;
  return false;
}

bool is_html (std::string_view text)
{
  auto start = text.find_first_not_of (" \t\r\n");
  if (start == std::string_view::npos) return false;
  text.remove_prefix (start);
  return starts_with (text, "<!doctype html") || starts_with (text, "<html");
}

// ADTS, MP3 and AC-3 syncwords.
bool is_audio_frame (std::span<const std::uint8_t> bytes)
{
  if (bytes.size () < 2) return false;
  return (bytes[0] == 0xff && (bytes[1] & 0xe0) == 0xe0) ||
         (bytes[0] == 0x0b && bytes[1] == 0x77);
}

}  // namespace

Format sniff (std::span<const std::uint8_t> bytes)
{
  std::string_view text = as_text (bytes);
  if (bytes.size () > packet_size
          ? bytes[0] == 0x47 && bytes[packet_size] == 0x47
          : bytes.size () == packet_size && bytes[0] == 0x47)
    return Format::mpegts;
  if (is_mp4 (bytes)) return Format::mp4;
  if (text.starts_with ("\x1a\x45\xdf\xa3")) return Format::webm;
  if (text.starts_with ("WEBVTT") || text.starts_with ("\xef\xbb\xbfWEBVTT"))
    return Format::webvtt;
  if (is_html (text)) return Format::html;
  if (text.starts_with ("ID3") || is_audio_frame (bytes))
    return Format::packed_audio;
  return Format::unknown;
}

Format from_uri (std::string_view uri)
{
  uri = uri.substr (0, uri.find_first_of ("?#"));
  // npos + 1 is 0
  uri = uri.substr (uri.rfind ('/') + 1);
  auto dot = uri.rfind ('.');
  if (dot == std::string_view::npos) return Format::unknown;
  std::string extension (uri.substr (dot + 1));
  std::ranges::transform (extension, extension.begin (), lower);
  for (const char *known : {"mp4", "m4s", "m4v", "m4a", "cmfv", "cmfa", "cmft"})
    if (extension == known) return Format::mp4;
  for (const char *known : {"aac", "mp3", "ac3", "ec3"})
    if (extension == known) return Format::packed_audio;
  if (extension == "ts") return Format::mpegts;
  if (extension == "vtt" || extension == "webvtt") return Format::webvtt;
  return Format::unknown;
}

Format from_mime_type (std::string_view mime_type)
{
  std::string_view subtype =
      mime_type.substr (std::min (mime_type.find ('/'), mime_type.size ()));
  if (subtype == "/mp4") return Format::mp4;
  if (subtype == "/webm") return Format::webm;
  if (starts_with (mime_type, "video/mp2t")) return Format::mpegts;
  if (mime_type == "text/vtt") return Format::webvtt;
  if (mime_type == "application/ttml+xml") return Format::ttml;
  return Format::unknown;
}

Manifest manifest_of (
    std::span<const std::uint8_t> first_bytes, std::string_view mime_type)
{
  constexpr std::size_t enough = 4096;
  std::string_view begin (reinterpret_cast<const char *> (first_bytes.data ()),
      std::min (first_bytes.size (), enough));
  if (begin.starts_with ("\xef\xbb\xbf")) begin.remove_prefix (3);
  begin = text::trim (begin);
  if (begin.starts_with ("#EXTM3U") &&
      begin.find ("#EXT-X-") != std::string_view::npos)
    return Manifest::hls;
  // With an XML declaration or comments before it, perhaps with a prefix.
  if (begin.starts_with ('<') &&
      (begin.find ("<MPD") != std::string_view::npos ||
          begin.find (":MPD") != std::string_view::npos))
    return Manifest::dash;
  std::string lower (mime_type);
  for (char &c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char> (c - 'A' + 'a');
  if (lower == "application/vnd.apple.mpegurl") return Manifest::hls;
  return lower == "application/dash+xml" ? Manifest::dash : Manifest::none;
}

void Boundaries::feed (std::span<const std::uint8_t> bytes)
{
  position_ += bytes.size ();
  if (format_ == Format::mp4) feed_boxes (bytes);
}

void Boundaries::feed_boxes (std::span<const std::uint8_t> bytes)
{
  while (!bytes.empty () && !to_the_end_) {
    auto step = static_cast<std::size_t> (
        std::min<std::uint64_t> (left_, bytes.size ()));
    left_ -= step;
    bytes = bytes.subspan (step);
    if (bytes.empty ()) return;
    header_[header_size_++] = bytes.front ();
    bytes = bytes.subspan (1);
    if (header_size_ != 8 && header_size_ != 16) continue;

    bytes::Reader reader (std::span (header_, header_size_));
    std::uint64_t size = reader.u32 ();
    reader.u32 ();  // type
    if (size == 1 && header_size_ == 8) continue;
    if (size == 1) size = reader.u64 ();
    to_the_end_ = size < header_size_;
    broken_ = to_the_end_ && size != 0;
    left_ = to_the_end_ ? 0 : size - header_size_;
    header_size_ = 0;
  }
}

bool Boundaries::at_boundary () const
{
  if (format_ == Format::mpegts) return position_ % packet_size == 0;
  if (format_ == Format::mp4)
    return to_the_end_ ? !broken_ : left_ == 0 && header_size_ == 0;
  return true;
}

}  // namespace container

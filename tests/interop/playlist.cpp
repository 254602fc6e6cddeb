// SPDX-License-Identifier: LGPL-2.1-or-later
// playlist URI < FILE: what m3u8 reads in a playlist from there, as JSON.
#include <array>
#include <cstdio>
#include <iostream>
#include <string>

#include "m3u8.h"
#include "schedule.h"
#include "uri.h"

namespace {

std::string quoted (std::string_view text)
{
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

const char *boolean (bool value)
{
  return value ? "true" : "false";
}

std::string resource (const presentation::Resource &of)
{
  std::string out = "[" + quoted (of.uri);
  out += of.range ? ", " + std::to_string (of.range->first) + ", " +
                        std::to_string (of.range->last.value_or (0))
                  : ", null, null";
  out += ", ";
  out += of.encryption ? quoted (of.encryption->key_uri) : "null";
  if (of.encryption) {
    out += ", \"";
    for (std::uint8_t byte : of.encryption->iv) {
      char digits[3];
      std::snprintf (digits, sizeof digits, "%02x", unsigned{byte});
      out += digits;
    }
    out += '"';
  } else {
    out += ", null";
  }
  return out + "]";
}

void print (m3u8::Media media, const std::string &base)
{
  bool complete = media.end_list;
  std::uint64_t target = media.target_duration.value_or (0);
  std::cout << "{\"kind\": \"media\", \"sequence\": "
            << media.segments.media_sequence << ", \"discontinuity_sequence\": "
            << media.segments.discontinuity_sequence
            << ", \"target\": " << target << ", \"end\": " << boolean (complete)
            << ", \"i_frames\": " << boolean (media.segments.i_frames_only)
            << ", \"dates\": [";
  const char *comma = "";
  for (const auto &date : media.segments.dates) {
    std::cout << comma << "[" << date.entry << ", " << date.milliseconds << "]";
    comma = ", ";
  }
  std::cout << "], \"segments\": [";
  auto all = m3u8::to_presentation (std::move (media), base);
  const auto &representation = all.periods[0].tracks[0].representations[0];
  for (std::uint64_t n = 0;
       auto segment = schedule::segment (representation, n); n++) {
    std::cout << (n > 0 ? ",\n " : "\n ") << "[" << segment->duration << ", "
              << boolean (segment->discontinuity) << ", "
              << boolean (segment->gap) << ", " << resource (segment->resource)
              << ", " << (segment->init ? resource (*segment->init) : "null")
              << "]";
  }
  std::cout << "]}\n";
}

void print (const m3u8::Variant &one, const std::string &base)
{
  std::cout << "[" << quoted (uri::resolve (base, one.uri)) << ", "
            << one.bandwidth << ", " << one.average_bandwidth << ", "
            << one.width << ", " << one.height << ", "
            << one.frame_rate.numerator << ", " << quoted (one.codecs) << ", "
            << quoted (one.audio) << ", " << quoted (one.video) << ", "
            << quoted (one.subtitles) << "]";
}

void print (const m3u8::Multivariant &all, const std::string &base)
{
  std::cout << "{\"kind\": \"multivariant\", \"variants\": [";
  const char *comma = "\n ";
  for (const auto &one : all.variants) {
    std::cout << comma;
    print (one, base);
    comma = ",\n ";
  }
  std::cout << "], \"i_frames\": [";
  comma = "\n ";
  for (const auto &one : all.i_frame_variants) {
    std::cout << comma;
    print (one, base);
    comma = ",\n ";
  }
  std::cout << "], \"renditions\": [";
  comma = "\n ";
  const char *types[] = {"AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"};
  for (const auto &one : all.renditions) {
    std::cout << comma << "[" << quoted (types[static_cast<int> (one.type)])
              << ", "
              << (one.uri.empty () ? "null"
                                   : quoted (uri::resolve (base, one.uri)))
              << ", " << quoted (one.group_id) << ", " << quoted (one.name)
              << ", " << quoted (one.language) << ", "
              << boolean (one.is_default) << ", " << boolean (one.forced)
              << ", " << quoted (one.instream_id) << "]";
    comma = ",\n ";
  }
  std::cout << "]}\n";
}

}  // namespace

int main (int argc, char **argv)
{
  if (argc != 2) {
    std::fprintf (stderr, "usage: %s URI < FILE\n", argv[0]);
    return 2;
  }
  const std::string base = argv[1];
  std::string text;
  std::array<char, 4096> piece;
  while (std::size_t size = std::fread (piece.data (), 1, piece.size (), stdin))
    text.append (piece.data (), size);
  auto playlist = m3u8::parse (std::move (text), {base, nullptr});
  if (!playlist) {
    std::cout << "{\"kind\": \"error\", \"error\": "
              << quoted (to_string (playlist.code ()))
              << ", \"line\": " << playlist.position () << "}\n";
    return 0;
  }
  if (auto *media = std::get_if<m3u8::Media> (&*playlist))
    print (std::move (*media), base);
  else
    print (std::get<m3u8::Multivariant> (*playlist), base);
  return 0;
}

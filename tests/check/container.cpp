// SPDX-License-Identifier: LGPL-2.1-or-later
#include "container.h"

#include "testutil.h"

using container::Format;

namespace {

std::string packets (std::size_t count)
{
  std::string packet (container::packet_size, 'x');
  packet[0] = 0x47;
  std::string out;
  for (std::size_t i = 0; i < count; i++) out += packet;
  return out;
}

std::span<const std::uint8_t> bytes_of (const std::string &text)
{
  return {reinterpret_cast<const std::uint8_t *> (text.data ()), text.size ()};
}

}  // namespace

GST_START_TEST (formats_are_known_by_their_first_bytes)
{
  using namespace std::string_literals;
  const std::pair<std::string, Format> rows[] = {
      {"", Format::unknown},
      {packets (1), Format::mpegts},
      {packets (2), Format::mpegts},
      {packets (1) + "y", Format::unknown},
      {"G", Format::unknown},
      {"\0\0\0\x18"s + "ftypiso5", Format::mp4},
      {"\0\0\0\x18"s + "stypmsdh", Format::mp4},
      {"\0\0\0\x18"s + "moof", Format::mp4},
      {"\0\0\0\x18"s + "sidx", Format::mp4},
      {"\0\0\0\x18"s + "moo", Format::unknown},
      {"\0\0\0\x18"s + "what", Format::unknown},
      {"\x1a\x45\xdf\xa3", Format::webm},
      {"WEBVTT\n", Format::webvtt},
      {"\xef\xbb\xbfWEBVTT\n", Format::webvtt},
      {"<!DOCTYPE html>", Format::html},
      {"\n \t<HTML>", Format::html},
      {"<MPD>", Format::unknown},
      {"ID3\x04", Format::packed_audio},
      {"\xff\xf1\x50", Format::packed_audio},
      {"\x0b\x77", Format::packed_audio},
  };
  for (const auto &[text, format] : rows)
    fail_unless (
        container::sniff (bytes_of (text)) == format, "%s", text.c_str ());
}
GST_END_TEST;

GST_START_TEST (formats_are_known_by_their_names)
{
  const std::pair<const char *, Format> uris[] = {
      {"http://h/a.m4s", Format::mp4},
      {"a.MP4?x=y.ts", Format::mp4},
      {"a/b.ts#f", Format::mpegts},
      {"a.ts/b", Format::unknown},
      {"a.aac", Format::packed_audio},
      {"a.vtt", Format::webvtt},
      {"a", Format::unknown},
      {"", Format::unknown},
  };
  for (const auto &[text, format] : uris)
    fail_unless (container::from_uri (text) == format, "%s", text);
  const std::pair<const char *, Format> types[] = {
      {"video/mp4", Format::mp4},
      {"application/mp4", Format::mp4},
      {"audio/webm", Format::webm},
      {"video/mp2t", Format::mpegts},
      {"video/MP2T", Format::mpegts},
      {"text/vtt", Format::webvtt},
      {"application/ttml+xml", Format::ttml},
      {"video", Format::unknown},
      {"", Format::unknown},
  };
  for (const auto &[text, format] : types)
    fail_unless (container::from_mime_type (text) == format, "%s", text);
}
GST_END_TEST;

// Every way of cutting the bytes in two gives the same.
static void check_boundary (Format format, const std::string &text, bool whole)
{
  for (std::size_t cut = 0; cut <= text.size (); cut++) {
    container::Boundaries boundaries (format);
    boundaries.feed (bytes_of (text.substr (0, cut)));
    boundaries.feed (bytes_of (text.substr (cut)));
    fail_unless (boundaries.at_boundary () == whole, "%s %zu",
        container::to_string (format), cut);
  }
}

GST_START_TEST (cut_bodies_are_told_from_whole_ones)
{
  using namespace std::string_literals;
  const std::string box = "\0\0\0\x0c"s + "freeabcd";
  const std::string large =
      "\0\0\0\x01"s + "free" + "\0\0\0\0\0\0\0\x12"s + "ab";
  check_boundary (Format::mp4, "", true);
  check_boundary (Format::mp4, box, true);
  check_boundary (Format::mp4, box + large + box, true);
  check_boundary (Format::mp4, box + box.substr (0, 11), false);
  check_boundary (Format::mp4, box + box.substr (0, 3), false);
  check_boundary (Format::mp4, large.substr (0, 17), false);
  check_boundary (Format::mp4, large.substr (0, 12), false);
  // Size 0: "extends to the end of the file" (ISO/IEC 14496-12 4.2.2).
  check_boundary (Format::mp4, box + "\0\0\0\0"s + "mdatxyz", true);
  // No box is that small.
  check_boundary (Format::mp4, "\0\0\0\x07"s + "free", false);
  check_boundary (
      Format::mp4, "\0\0\0\x01"s + "free" + "\0\0\0\0\0\0\0\x0f"s, false);
  check_boundary (Format::mpegts, packets (2), true);
  check_boundary (Format::mpegts, packets (2) + "x", false);
  check_boundary (Format::webvtt, "WEBV", true);
}
GST_END_TEST;

GST_START_TEST (manifests_are_known)
{
  using container::Manifest;
  struct Row
  {
    const char *text;
    const char *type;
    Manifest manifest;
  };
  const Row rows[] = {
      {"", "", Manifest::none},
      {"#EXTM3U\n#EXT-X-VERSION:3\n", "", Manifest::hls},
      {"\xef\xbb\xbf#EXTM3U\n#EXT-X-VERSION:3\n", "", Manifest::hls},
      {"#EXTM3U\n#EXTINF:1,\nhttp://h/radio\n", "audio/x-mpegurl",
          Manifest::none},
      {"x#EXTM3U\n#EXT-X-VERSION:3\n", "", Manifest::none},
      {"", "application/vnd.apple.mpegurl", Manifest::hls},
      {"", "application/vnd.apple.MPEGURL", Manifest::hls},
      {"<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'>", "", Manifest::dash},
      {"<?xml version='1.0'?>\n<!-- x --><MPD>", "", Manifest::dash},
      {"\n<d:MPD xmlns:d='x'>", "", Manifest::dash},
      {"<html><p>MPD</p>", "text/html", Manifest::none},
      {"", "application/dash+xml", Manifest::dash},
      {"ID3 <MPD", "audio/mpeg", Manifest::none},
  };
  for (const Row &row : rows)
    fail_unless (
        container::manifest_of (bytes_of (row.text), row.type) == row.manifest,
        "%s %s", row.text, row.type);
}
GST_END_TEST;

static Suite *container_suite ()
{
  Suite *suite = suite_create ("container");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, formats_are_known_by_their_first_bytes);
  tcase_add_test (tests, formats_are_known_by_their_names);
  tcase_add_test (tests, manifests_are_known);
  tcase_add_test (tests, cut_bodies_are_told_from_whole_ones);
  return suite;
}

GST_CHECK_MAIN (container)

// SPDX-License-Identifier: LGPL-2.1-or-later
// Playlists of 48 hours of one-second segments, plain and with one more tag
// before each segment: our parser beside a scan for the ends of the lines,
// without which nobody can read them.
//   bench-m3u8 [--new-pages] [--json FILE]
#include "m3u8.h"

#include <malloc.h>

#include <cstdlib>

#include "bench.h"

namespace {

constexpr unsigned segments = 48 * 3600;
constexpr unsigned runs = 41;

struct Kind
{
  const char *name;
  std::string (*tag) (unsigned n);
};

const Kind kinds[] = {
    {"plain", [] (unsigned) { return std::string (); }},
    {"EXT-X-PROGRAM-DATE-TIME",
        [] (unsigned n) {
          char out[64];
          std::snprintf (out, sizeof out,
              "#EXT-X-PROGRAM-DATE-TIME:2026-01-%02uT%02u:%02u:%02u.000Z\n",
              1 + n / 86400, n / 3600 % 24, n / 60 % 60, n % 60);
          return std::string (out);
        }},
    {"EXT-X-BYTERANGE",
        [] (unsigned n) {
          return "#EXT-X-BYTERANGE:500000@" + std::to_string (n * 20000) + "\n";
        }},
    {"EXT-X-KEY with another IV",
        [] (unsigned n) {
          char out[128];
          std::snprintf (out, sizeof out,
              "#EXT-X-KEY:METHOD=AES-128,URI=\"https://example.com/key\","
              "IV=0x%032x\n",
              n);
          return std::string (out);
        }},
    {"EXT-X-KEY, the same",
        [] (unsigned) {
          return std::string (
              "#EXT-X-KEY:METHOD=AES-128,"
              "URI=\"https://example.com/key\"\n");
        }},
    {"EXT-X-MAP, the same",
        [] (unsigned) { return std::string ("#EXT-X-MAP:URI=\"i.mp4\"\n"); }},
    {"EXT-X-BITRATE",
        [] (unsigned n) {
          return "#EXT-X-BITRATE:" + std::to_string (3000 + n % 1000) + "\n";
        }},
    {"EXT-X-DISCONTINUITY",
        [] (unsigned) { return std::string ("#EXT-X-DISCONTINUITY\n"); }},
    {"a tag that nobody knows",
        [] (unsigned) { return std::string ("#EXT-X-CUE-OUT-CONT:30/60\n"); }},
};

std::string make (const Kind &kind)
{
  std::string text =
      "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n"
      "#EXT-X-PLAYLIST-TYPE:VOD\n";
  for (unsigned n = 0; n < segments; n++) {
    char segment[64];
    std::snprintf (
        segment, sizeof segment, "#EXTINF:1.00000,\nsegment_%06u.ts\n", n);
    text += kind.tag (n) + segment;
  }
  return text + "#EXT-X-ENDLIST\n";
}

std::size_t scan (std::string_view text)
{
  std::size_t lines = 0;
  while (const void *end = std::memchr (text.data (), '\n', text.size ())) {
    text.remove_prefix (static_cast<std::size_t> (
        static_cast<const char *> (end) - text.data () + 1));
    lines++;
  }
  return lines;
}

// What has been freed stays with the process, as it does where there are others
// to use it; with --new-pages each run pays the system for all of its memory.
void set_memory (int argc, char **argv)
{
  bool are_new = argc > 1 && std::strcmp (argv[1], "--new-pages") == 0;
  mallopt (M_TRIM_THRESHOLD, are_new ? 0 : 1 << 30);
  mallopt (M_MMAP_THRESHOLD, are_new ? 1 << 17 : 1 << 30);
}

}  // namespace

int main (int argc, char **argv)
{
  set_memory (argc, argv);
  bench::Report report (argc, argv);
  for (const Kind &kind : kinds) {
    const std::string text = make (kind);
    std::vector<double> scans;
    std::vector<double> parses;
    std::size_t lines = 0;
    for (unsigned run = 0; run < runs; run++) {
      double begin = bench::cpu_seconds ();
      lines = scan (text);
      scans.push_back (bench::cpu_seconds () - begin);

      std::string copy = text;
      begin = bench::cpu_seconds ();
      auto playlist = m3u8::parse (std::move (copy));
      parses.push_back (bench::cpu_seconds () - begin);
      const auto *media =
          playlist ? std::get_if<m3u8::Media> (&*playlist) : nullptr;
      if (media == nullptr || media->segments.entries.size () != segments) {
        std::fprintf (stderr, "%s: not read\n", kind.name);
        return 1;
      }
    }
    double one = bench::median (scans);
    double other = bench::median (parses);
    auto count = static_cast<double> (lines);
    report.add (
        {kind.name, {{"MB", static_cast<double> (text.size ()) / 1e6},
                        {"scan-ns/line", one * 1e9 / count},
                        {"parse-ns/line", other * 1e9 / count},
                        {"parse-ms", other * 1e3}, {"ratio", other / one}}});
  }
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later

// An MPD of 48 hours of one-second segments with an S element for each: the
// time it takes beside that of a bare SAX pass of libxml2 over the same text,
// and the memory beyond the text.

#include "mpd.h"

#include <libxml/parser.h>

#include <cstdlib>
#include <string>

#include "bench.h"

namespace {

constexpr int segments = 48 * 3600;
constexpr int pairs = 9;

// equal: all segments are; otherwise no two that follow each other are.
std::string manifest (bool equal)
{
  std::string out =
      "<?xml version='1.0'?>\n<MPD xmlns='urn:mpeg:dash:schema:mpd:2011' "
      "type='static' mediaPresentationDuration='PT48H'>\n<Period>\n"
      "<AdaptationSet mimeType='video/mp4'>\n<SegmentTemplate "
      "timescale='90000' media='$RepresentationID$/$Time$.m4s' "
      "initialization='$RepresentationID$/i.mp4'>\n<SegmentTimeline>\n";
  // Without this the growing of the text would hide what follows.
  out.reserve (static_cast<std::size_t> (segments) * 40);
  long time = 0;
  for (int i = 0; i < segments; i++) {
    long duration = equal ? 90000 : 90000 + (i % 2 == 0 ? 1 : -1);
    out += "<S t=\"" + std::to_string (time) + "\" d=\"" +
           std::to_string (duration) + "\"/>\n";
    time += duration;
  }
  out += "</SegmentTimeline>\n</SegmentTemplate>\n";
  for (const char *id : {"a", "b", "c", "d"})
    out += std::string ("<Representation id='") + id + "' bandwidth='1'/>\n";
  out += "</AdaptationSet></Period></MPD>\n";
  return out;
}

void require (bool condition)
{
  if (!condition) std::abort ();
}

// Counts elements, and does nothing else.
void on_start (void *count, const xmlChar *, const xmlChar *, const xmlChar *,
    int, const xmlChar **, int, int, const xmlChar **)
{
  ++*static_cast<int *> (count);
}

void bare (const std::string &text)
{
  xmlSAXHandler handler{};
  handler.initialized = XML_SAX2_MAGIC;
  handler.startElementNs = on_start;
  int count = 0;
  require (xmlSAXUserParseMemory (&handler, &count, text.data (),
               static_cast<int> (text.size ())) == 0);
  require (count > segments);
}

void ours (const std::string &text)
{
  auto out = mpd::parse (text, "http://h/m.mpd");
  require (out.ok ());
}

double seconds_of (void (*run) (const std::string &), const std::string &text)
{
  double begin = bench::cpu_seconds ();
  run (text);
  return bench::cpu_seconds () - begin;
}

void measure (bench::Report &report, const char *name, bool equal)
{
  std::string text = manifest (equal);
  // The first one is the highest the process has been: what it adds is ours.
  double before = bench::peak_memory ();
  ours (text);
  double memory = bench::peak_memory () - before;
  std::vector<double> own;
  std::vector<double> peer;
  std::vector<double> ratios;
  for (int i = 0; i < pairs; i++) {
    own.push_back (seconds_of (ours, text));
    peer.push_back (seconds_of (bare, text));
    ratios.push_back (own.back () / peer.back ());
  }
  report.add ({name,
      {{"xml-mb", static_cast<double> (text.size ()) / 1e6},
          {"ours-ms", bench::median (own) * 1e3},
          {"sax-ms", bench::median (peer) * 1e3},
          {"ratio", bench::median (ratios)}, {"memory-mb", memory / 1e6}}});
}

}  // namespace

int main (int argc, char **argv)
{
  bench::Report report (argc, argv);
  // Memory first where there is more of it.
  measure (report, "48 h, no two S alike", false);
  measure (report, "48 h, all S alike", true);
  return 0;
}

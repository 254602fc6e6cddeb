// SPDX-License-Identifier: LGPL-2.1-or-later

// What an MPD lists: mpdlist FILE URI. Periods, Representations, and each of
// their segments with its address, bytes and time; the rules of mpdlist.py.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "mpd.h"
#include "schedule.h"
#include "uri.h"

namespace {

std::string text_of (const presentation::Resource &resource)
{
  std::string out = resource.uri;
  if (!resource.range) return out;
  out += " " + std::to_string (resource.range->first) + "-";
  if (resource.range->last) out += std::to_string (*resource.range->last);
  return out;
}

void list (const presentation::Representation &representation)
{
  std::printf (" representation %s %ju\n", representation.id.c_str (),
      static_cast<std::uintmax_t> (representation.bandwidth));
  if (const auto *base =
          std::get_if<presentation::SegmentBase> (&representation.segments)) {
    auto at = [&representation] (presentation::Resource of) {
      of.uri = uri::resolve (representation.base, of.uri);
      return of;
    };
    presentation::Resource index = at (base->index);
    if (base->initialization)
      std::printf (
          "  init %s\n", text_of (at (*base->initialization)).c_str ());
    std::printf ("  index %s\n", text_of (index).c_str ());
    return;
  }
  for (std::uint64_t n = 0;; n++) {
    auto segment = schedule::segment (representation, n);
    if (!segment) return;
    if (n == 0 && segment->init)
      std::printf ("  init %s\n", text_of (*segment->init).c_str ());
    std::printf ("  %ju %s\n",
        static_cast<std::uintmax_t> (segment->time / 1'000'000),
        text_of (segment->resource).c_str ());
  }
}

}  // namespace

int main (int argc, char **argv)
{
  if (argc != 3) {
    std::fprintf (stderr, "usage: mpdlist FILE URI\n");
    return 2;
  }
  std::ostringstream text;
  text << std::ifstream (argv[1], std::ios::binary).rdbuf ();
  auto out = mpd::parse (text.str (), argv[2]);
  if (!out) {
    std::printf ("refused: %s\n", to_string (out.code ()));
    return 0;
  }
  for (const auto &period : out->periods) {
    std::printf (
        "period %ju\n", static_cast<std::uintmax_t> (period.start / 1'000'000));
    for (const auto &track : period.tracks)
      for (const auto &representation : track.representations)
        list (representation);
  }
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpd.h"

#include "mpdreader.h"
#include "walk.h"
#include "xlink.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

// What comes before a form feed is an MPD; what comes behind it is at each
// address that the MPD has for a part of itself.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  auto cut = std::min (text.find ('\f'), size);
  auto document = mpd::read (text.substr (0, cut));
  if (!document) return 0;
  xlink::Resolver resolver (*document, "http://h/a/m.mpd");
  while (true) {
    auto links = resolver.next ();
    if (!links) return 0;
    if (links->empty ()) break;
    const std::vector<std::string> texts (
        links->size (), std::string (text.substr (std::min (cut + 1, size))));
    if (!resolver.put (*links, texts)) return 0;
  }
  auto out = mpd::present (*document, "http://h/a/m.mpd");
  if (out) walk (*out);
  return 0;
}

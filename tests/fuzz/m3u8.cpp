// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8.h"

#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  auto playlist = m3u8::parse (std::string (text));
  if (!playlist) {
    require (playlist.position () <= text.size () + 2);
    return 0;
  }
  if (auto *media = std::get_if<m3u8::Media> (&*playlist))
    walk (m3u8::to_presentation (std::move (*media), "http://h/a/m.m3u8"));
  else
    walk (m3u8::to_presentation (
        std::get<m3u8::Multivariant> (*playlist), "http://h/a/m.m3u8"));
  return 0;
}

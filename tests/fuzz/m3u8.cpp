// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8.h"

#include "m3u8text.h"
#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

namespace {

// All that entries refer to is there.
void check (const m3u8::Media &media)
{
  const presentation::SegmentList &list = media.segments;
  presentation::Time time = 0;
  for (const auto &entry : list.entries) {
    require (entry.uri_at + std::size_t{entry.uri_size} <= list.text.size ());
    require (entry.init == list.no_init || entry.init < list.inits.size ());
    require (entry.key == list.no_key || entry.key < list.keys.size ());
    require (entry.part == list.no_part || entry.part < list.parts.size ());
    require (entry.time == time);
    time += entry.duration;
  }
  require (time == media.duration && time <= presentation::max_time);
  for (const auto &key : list.keys) {
    require (key.tag < list.key_tags.size ());
    require (key.iv_at + std::size_t{key.iv_size} <= list.text.size ());
    require (
        key.iv_size == 0 || m3u8text::hexadecimal (list.iv (key)).has_value ());
  }
  for (const auto &tag : list.key_tags) {
    require (tag.uri_at + std::size_t{tag.uri_size} <= list.text.size ());
    require (tag.is_whole || tag.protections < list.protections.size ());
  }
  for (const auto &date : list.dates)
    require (date.entry < list.entries.size ());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  const presentation::Variables variables{{"i", "imported"}};
  const std::string uri = "http://h/a/m.m3u8?q=1&r=%20";
  std::string_view text (reinterpret_cast<const char *> (data), size);
  auto playlist = m3u8::parse (std::string (text), {uri, &variables});
  if (!playlist) {
    require (playlist.position () <= text.size () + 2);
    return 0;
  }
  if (auto *media = std::get_if<m3u8::Media> (&*playlist)) {
    check (*media);
    walk (m3u8::to_presentation (std::move (*media), uri));
  } else {
    walk (
        m3u8::to_presentation (std::get<m3u8::Multivariant> (*playlist), uri));
  }
  return 0;
}

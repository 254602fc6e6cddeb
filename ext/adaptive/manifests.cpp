// SPDX-License-Identifier: LGPL-2.1-or-later
#include "manifests.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "asking.h"
#include "container.h"
#include "m3u8.h"
#include "mpd.h"
#include "mpdreader.h"
#include "text.h"
#include "uri.h"
#include "xlink.h"

namespace loader {

using presentation::Presentation;
using presentation::Representation;

namespace {

constexpr std::size_t max_manifest = mpd::max_size;

template <class Code>
std::string in_line (relay::Failure<Code> failure)
{
  return std::string (to_string (failure.code)) + " (line " +
         std::to_string (failure.position) + ")";
}

std::string_view as_text (const std::vector<std::uint8_t> &bytes)
{
  return {reinterpret_cast<const char *> (bytes.data ()), bytes.size ()};
}

bool is_playlist (std::string_view text)
{
  if (text.starts_with ("\xef\xbb\xbf")) text.remove_prefix (3);
  return text::trim (text.substr (0, 16)).starts_with ("#EXTM3U");
}

Result<m3u8::Playlist> parse_playlist (
    const fetcher::Whole &whole, const presentation::Variables *variables)
{
  auto playlist =
      m3u8::parse (std::string (as_text (whole.bytes)), {whole.uri, variables});
  if (!playlist)
    return problem (m3u8::is_unsupported (playlist.code ()) ? Error::unsupported
                    : playlist.code () == m3u8::Error::not_m3u8
                        ? Error::not_manifest
                        : Error::malformed,
        whole.uri, in_line (playlist.error ()));
  if (const auto *media = std::get_if<m3u8::Media> (&*playlist)) {
    // Without both the end could be missing, and nothing would tell.
    if (!media->end_list && !whole.verified)
      return truncated (whole, "neither #EXT-X-ENDLIST nor an end of the body");
    if (!media->complete)
      return problem (Error::live, whole.uri, "no #EXT-X-ENDLIST");
  }
  return std::move (*playlist);
}

relay::Failure<Problem> mpd_problem (
    const fetcher::Whole &whole, relay::Failure<mpd::Error> failure)
{
  Error error = Error::malformed;
  if (mpd::is_unsupported (failure.code)) error = Error::unsupported;
  // What begins as an MPD is a broken one.
  bool begins = container::manifest_of (whole.bytes, whole.content_type) ==
                container::Manifest::dash;
  if (failure.code == mpd::Error::not_mpd ||
      (failure.code == mpd::Error::not_xml && !begins))
    error = Error::not_manifest;
  return problem (error, whole.uri, in_line (failure));
}

// The last ones first, and not more than are asked for at once: each may be
// large.
Result<relay::Done> put_remote (const Access &access, xlink::Resolver &resolver,
    std::vector<xlink::Link> links)
{
  while (!links.empty ()) {
    auto first = links.end () - static_cast<std::ptrdiff_t> (
                                    std::min (links.size (), most_at_once));
    const std::vector<xlink::Link> last (first, links.end ());
    links.erase (first, links.end ());
    auto texts = all_of<std::string> (access, last.size (),
        [&] (std::size_t i, const Access &inner) -> Result<std::string> {
          auto whole = fetch (inner, {last[i].uri, {}, fetcher::Kind::manifest},
              xlink::max_size);
          if (!whole) return whole.error ();
          return std::string (as_text (whole->bytes));
        });
    if (!texts) return texts.error ();
    auto done = resolver.put (last, *texts);
    if (!done)
      return problem (
          Error::malformed, last.front ().uri, in_line (done.error ()));
  }
  return relay::Done{};
}

// With the elements of it that stand somewhere else.
Result<Presentation> parse_mpd (
    const Access &access, const fetcher::Whole &manifest)
{
  auto document = mpd::read (as_text (manifest.bytes));
  if (!document) return mpd_problem (manifest, document.error ());
  xlink::Resolver resolver (*document, manifest.uri);
  while (true) {
    auto links = resolver.next ();
    if (!links) return mpd_problem (manifest, links.error ());
    if (links->empty ()) break;
    auto done = put_remote (access, resolver, std::move (*links));
    if (!done) return done.error ();
  }
  auto out = mpd::present (*document, manifest.uri);
  if (!out) return mpd_problem (manifest, out.error ());
  return std::move (*out);
}

Result<Presentation> parse (
    const Access &access, const fetcher::Whole &manifest)
{
  if (is_playlist (as_text (manifest.bytes))) {
    auto playlist = parse_playlist (manifest, nullptr);
    if (!playlist) return playlist.error ();
    if (auto *media = std::get_if<m3u8::Media> (&*playlist))
      return m3u8::to_presentation (std::move (*media), manifest.uri);
    return m3u8::to_presentation (
        std::get<m3u8::Multivariant> (*playlist), manifest.uri);
  }
  if (container::sniff (manifest.bytes) == container::Format::html)
    return problem (Error::not_manifest, manifest.uri, "an HTML page");
  return parse_mpd (access, manifest);
}

}  // namespace

Result<Presentation> load_manifest (
    const Access &access, const std::string &uri)
{
  auto manifest =
      fetch (access, {uri, {}, fetcher::Kind::manifest}, max_manifest);
  if (!manifest) return manifest.error ();
  return parse (access, *manifest);
}

Result<Told> load_playlist (
    const Access &access, Representation &representation)
{
  const auto reference =
      std::get<presentation::Playlist> (representation.segments);
  auto whole = fetch (access,
      {uri::resolve (representation.base, reference.uri), {},
          fetcher::Kind::manifest},
      max_manifest);
  if (!whole) return whole.error ();
  auto playlist = parse_playlist (*whole, reference.variables.get ());
  if (!playlist) return playlist.error ();
  auto *media = std::get_if<m3u8::Media> (&*playlist);
  if (media == nullptr)
    return problem (
        Error::malformed, whole->uri, "a Multivariant Playlist in another one");
  Told out;
  out.duration = media->duration;
  m3u8::note (out.notes, *media);
  m3u8::complete (representation, std::move (*media), whole->uri);
  return out;
}

}  // namespace loader

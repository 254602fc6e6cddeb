// SPDX-License-Identifier: LGPL-2.1-or-later
#include "loader.h"

#include <gio/gio.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "common/gstpp.h"
#include "container.h"
#include "lineup.h"
#include "m3u8.h"
#include "mpd.h"
#include "mpdreader.h"
#include "schedule.h"
#include "sidx.h"
#include "text.h"
#include "trickmode.h"
#include "uri.h"
#include "xlink.h"

template <>
inline constexpr bool relay::is_gobject<GCancellable> = true;

namespace loader {

using presentation::Presentation;
using presentation::Representation;
using presentation::Time;
using presentation::Track;

namespace {

constexpr std::size_t max_manifest = mpd::max_size;
// 65,535 references of 12 bytes, and boxes before them.
constexpr std::size_t max_index = std::size_t{4} * 1024 * 1024;
// How often one that refers to others makes us ask for more.
constexpr unsigned max_index_requests = 256;
// Requests at once. What a host takes is less: see fetcher::Settings.
constexpr std::size_t most_at_once = 16;
// Of a Multivariant Playlist, before anybody knows which are needed.
constexpr std::size_t most_session_keys = 8;

relay::Failure<Problem> problem (
    Error error, std::string_view uri, std::string message)
{
  return {
      Problem{error, {}, uri::without_secrets (uri), std::move (message)}, 0};
}

relay::Failure<Problem> truncated (
    const fetcher::Whole &whole, std::string message)
{
  fetcher::Problem cut{fetcher::Error::truncated, 0,
      uri::without_secrets (whole.uri), std::move (message), {}};
  return {Problem{Error::fetch, std::move (cut), {}, {}}, 0};
}

template <class Code>
std::string in_line (relay::Failure<Code> failure)
{
  return std::string (to_string (failure.code)) + " (line " +
         std::to_string (failure.position) + ")";
}

// work (i) for each number below count, by as many threads as there are
// numbers, up to most_at_once: this one is one of them.
template <class Work>
void at_once (std::size_t count, Work work)
{
  std::atomic<std::size_t> next{0};
  auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work (i);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min (count, most_at_once); i++)
    threads.emplace_back (run);
  run ();
  for (std::thread &thread : threads) thread.join ();
}

// Cancelled with another one, or by itself.
class Stop
{
public:
  explicit Stop (GCancellable *outer) : outer_ (outer)
  {
    if (outer == nullptr) return;
    auto cancel = [] (GCancellable *, gpointer inner) {
      g_cancellable_cancel (static_cast<GCancellable *> (inner));
    };
    id_ = g_cancellable_connect (outer,
        G_CALLBACK (static_cast<void (*) (GCancellable *, gpointer)> (cancel)),
        inner_.get (), nullptr);
  }
  ~Stop ()
  {
    if (outer_ != nullptr) g_cancellable_disconnect (outer_, id_);
  }
  Stop (const Stop &) = delete;
  Stop &operator= (const Stop &) = delete;

  [[nodiscard]] GCancellable *get () const { return inner_.get (); }
  void now () { g_cancellable_cancel (inner_.get ()); }

private:
  const relay::Owned<GCancellable> inner_{g_cancellable_new ()};
  GCancellable *const outer_;
  gulong id_ = 0;
};

bool is_cancelled (const Problem &problem)
{
  return problem.error == Error::fetch &&
         problem.fetch.error == fetcher::Error::cancelled;
}

// make (i, access) for each number below count, at once. Of several problems
// the first one; with it the rest is not wanted any more.
template <class T, class Make>
Result<std::vector<T>> all_of (
    const Access &access, std::size_t count, Make make)
{
  Stop stop (access.cancellable);
  Access inner = access;
  inner.cancellable = stop.get ();
  std::vector<std::optional<Result<T>>> made (count);
  at_once (count, [&] (std::size_t i) {
    made[i].emplace (make (i, inner));
    if (!*made[i]) stop.now ();
  });
  std::vector<T> out;
  std::optional<Problem> why;
  for (auto &one : made) {
    if (*one)
      out.push_back (std::move (**one));
    else if (!why || is_cancelled (*why))
      why = one->code ();
  }
  if (why) return relay::Failure<Problem>{std::move (*why), 0};
  return out;
}

// What a playlist says.
struct Told
{
  std::optional<Time> duration{};
  presentation::Notes notes{};
};

// One thing after the other.
class Loader
{
public:
  explicit Loader (const Access &access) : access_ (access) {}

  Result<Loaded> run (const std::string &uri, const Options &options);
  Result<Told> complete (Representation &representation);
  Result<Told> complete (Selection &selection);

private:
  Result<fetcher::Whole> fetch (
      const fetcher::Request &request, std::size_t max_bytes);
  Result<Presentation> parse (const fetcher::Whole &manifest);
  Result<Presentation> parse_mpd (const fetcher::Whole &manifest);
  Result<relay::Done> put_remote (
      xlink::Resolver &resolver, std::vector<xlink::Link> links);
  Result<m3u8::Playlist> parse_playlist (const fetcher::Whole &whole,
      const presentation::Variables *variables = nullptr);
  void begin_keys (const presentation::Notes &notes);
  Result<Loaded> select (Presentation presentation, const Options &options);
  Result<Told> load_playlist (Representation &representation);
  Result<relay::Done> load_index (Representation &representation);

  const Access access_;
};

std::string_view as_text (const std::vector<std::uint8_t> &bytes)
{
  return {reinterpret_cast<const char *> (bytes.data ()), bytes.size ()};
}

bool is_playlist (std::string_view text)
{
  if (text.starts_with ("\xef\xbb\xbf")) text.remove_prefix (3);
  return text::trim (text.substr (0, 16)).starts_with ("#EXTM3U");
}

Result<fetcher::Whole> Loader::fetch (
    const fetcher::Request &request, std::size_t max_bytes)
{
  auto whole = fetcher::fetch_all (access_.settings, request,
      access_.cancellable, access_.counters, max_bytes);
  if (!whole)
    return relay::Failure<Problem>{
        Problem{Error::fetch, whole.code (), {}, {}}, 0};
  if (request.range && request.range->last &&
      whole->bytes.size () != *request.range->last - request.range->first + 1)
    return truncated (*whole, "shorter than its byte range");
  return std::move (*whole);
}

Result<m3u8::Playlist> Loader::parse_playlist (
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

Result<Presentation> Loader::parse (const fetcher::Whole &manifest)
{
  if (is_playlist (as_text (manifest.bytes))) {
    auto playlist = parse_playlist (manifest);
    if (!playlist) return playlist.error ();
    if (auto *media = std::get_if<m3u8::Media> (&*playlist))
      return m3u8::to_presentation (std::move (*media), manifest.uri);
    return m3u8::to_presentation (
        std::get<m3u8::Multivariant> (*playlist), manifest.uri);
  }
  if (container::sniff (manifest.bytes) == container::Format::html)
    return problem (Error::not_manifest, manifest.uri, "an HTML page");
  return parse_mpd (manifest);
}

relay::Failure<Problem> mpd_problem (
    const fetcher::Whole &whole, relay::Failure<mpd::Error> failure)
{
  Error error = Error::malformed;
  if (mpd::is_unsupported (failure.code)) error = Error::unsupported;
  if (failure.code == mpd::Error::not_xml ||
      failure.code == mpd::Error::not_mpd)
    error = Error::not_manifest;
  return problem (error, whole.uri, in_line (failure));
}

// The last ones first, and not more than are asked for at once: each may be
// large.
Result<relay::Done> Loader::put_remote (
    xlink::Resolver &resolver, std::vector<xlink::Link> links)
{
  while (!links.empty ()) {
    auto first = links.end () - static_cast<std::ptrdiff_t> (
                                    std::min (links.size (), most_at_once));
    const std::vector<xlink::Link> last (first, links.end ());
    links.erase (first, links.end ());
    auto texts = all_of<std::string> (access_, last.size (),
        [&] (std::size_t i, const Access &access) -> Result<std::string> {
          auto whole = Loader (access).fetch (
              {last[i].uri, {}, fetcher::Kind::manifest}, xlink::max_size);
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
Result<Presentation> Loader::parse_mpd (const fetcher::Whole &manifest)
{
  auto document = mpd::read (as_text (manifest.bytes));
  if (!document) return mpd_problem (manifest, document.error ());
  xlink::Resolver resolver (*document, manifest.uri);
  while (true) {
    auto links = resolver.next ();
    if (!links) return mpd_problem (manifest, links.error ());
    if (links->empty ()) break;
    auto done = put_remote (resolver, std::move (*links));
    if (!done) return done.error ();
  }
  auto out = mpd::present (*document, manifest.uri);
  if (!out) return mpd_problem (manifest, out.error ());
  return std::move (*out);
}

Result<Loaded> Loader::run (const std::string &uri, const Options &options)
{
  auto manifest = fetch ({uri, {}, fetcher::Kind::manifest}, max_manifest);
  if (!manifest) return manifest.error ();
  auto presentation = parse (*manifest);
  if (!presentation) return presentation.error ();
  return select (std::move (*presentation), options);
}

std::shared_ptr<const Track> key_frames (const presentation::Period &period,
    const Track &track, const Representation &playing)
{
  auto found = trickmode::find (period, track, playing);
  if (!found) return nullptr;
  return std::make_shared<const Track> (std::move (*found));
}

// Those that the variant goes with, the renditions in its groups.
std::vector<Selection> select_tracks (
    presentation::Period &period, const choice::Limits &limits)
{
  std::vector<Selection> out;
  Representation variant{};
  for (Track &track : period.tracks) {
    if (track.is_trick_mode || track.representations.empty ()) continue;
    // Another picture is for who asks for it.
    if (track.is_rendition && track.type == presentation::Type::video) continue;
    std::optional<std::size_t> index = choice::first (track, limits);
    if (track.is_rendition) index = schedule::choose_rendition (track, variant);
    if (!index) continue;
    Selection selection;
    selection.type = track.type;
    selection.language = track.language;
    selection.representation = track.representations[*index];
    selection.index = *index;
    selection.start = period.start;
    if (&track == &period.tracks.front ()) variant = selection.representation;
    selection.key_frames = key_frames (period, track, selection.representation);
    selection.track = std::make_shared<const Track> (std::move (track));
    out.push_back (std::move (selection));
  }
  std::ranges::stable_sort (out, {}, &Selection::type);
  return out;
}

// Those of several periods, each of which may have been described anew.
std::vector<Selection> select_lines (
    const std::vector<presentation::Period> &periods,
    const choice::Limits &limits)
{
  auto select = [&] (std::size_t period, std::size_t track) {
    Selection out;
    out.track = std::make_shared<const Track> (periods[period].tracks[track]);
    out.type = out.track->type;
    out.language = out.track->language;
    out.index = choice::first (*out.track, limits);
    out.representation = out.track->representations[out.index];
    out.key_frames =
        key_frames (periods[period], *out.track, out.representation);
    out.start = periods[period].start;
    if (period + 1 < periods.size ()) out.end = periods[period + 1].start;
    return out;
  };
  std::vector<Selection> out;
  for (const lineup::Line &line : lineup::make (periods)) {
    std::optional<Selection> first;
    for (std::size_t i = 0; i < line.size (); i++) {
      if (!line[i]) continue;
      if (first)
        first->later.push_back (select (i, *line[i]));
      else
        first = select (i, *line[i]);
    }
    out.push_back (std::move (*first));
  }
  std::ranges::stable_sort (out, {}, &Selection::type);
  return out;
}

// "allows clients to preload these keys without having to read the Media
// Playlist(s) first" (RFC 8216bis 4.4.6.5). What fails is said when it is
// needed.
void Loader::begin_keys (const presentation::Notes &notes)
{
  if (access_.keys == nullptr) return;
  std::size_t count = 0;
  for (const presentation::ContentProtection &key : notes.session_keys)
    if (key.key_format == "identity" && count++ < most_session_keys)
      access_.keys->begin (access_.settings, key.key_uri, access_.counters);
}

// What several playlists say: the first one, where there is but one.
void add_notes (presentation::Notes &all, presentation::Notes more)
{
  if (!all.start) all.start = more.start;
  for (presentation::DateRange &range : more.date_ranges) {
    auto same = std::ranges::find (
        all.date_ranges, range.id, &presentation::DateRange::id);
    if (same == all.date_ranges.end ())
      all.date_ranges.push_back (std::move (range));
  }
}

Result<std::vector<Told>> complete_all (
    const Access &access, std::span<Selection *const> selections)
{
  return all_of<Told> (access, selections.size (),
      [selections] (std::size_t i, const Access &inner) {
        return Loader (inner).complete (*selections[i]);
      });
}

Result<Loaded> Loader::select (
    Presentation presentation, const Options &options)
{
  begin_keys (presentation.notes);
  Loaded loaded;
  loaded.duration = presentation.duration;
  loaded.notes = std::move (presentation.notes);
  if (access_.steerer != nullptr && loaded.notes.steering)
    access_.steerer->begin (*loaded.notes.steering);
  auto &periods = presentation.periods;
  for (presentation::Period &period : periods)
    std::ranges::move (
        period.event_streams, std::back_inserter (loaded.event_streams));
  if (periods.size () > 1)
    loaded.selections = select_lines (periods, options.limits);
  else
    loaded.selections = select_tracks (periods.front (), options.limits);
  std::vector<const Track *> tracks;
  for (const Selection &selection : loaded.selections)
    tracks.push_back (selection.track.get ());
  std::vector<bool> preferred = choice::preferred (tracks);
  for (std::size_t i = 0; i < preferred.size (); i++)
    loaded.selections[i].is_selected = preferred[i];
  // So that the first pad of a type is the one that is there at once.
  std::ranges::stable_sort (loaded.selections, [] (const Selection &a,
                                                   const Selection &b) {
    return a.type != b.type ? a.type < b.type : a.is_selected && !b.is_selected;
  });
  if (!loaded.selections.empty ()) loaded.selections.front ().is_main = true;
  std::vector<Selection *> wanted;
  for (Selection &selection : loaded.selections) {
    selection.is_selected = selection.is_selected || options.select_all;
    if (!selection.is_selected) continue;
    wanted.push_back (&selection);
    for (Selection &later : selection.later) wanted.push_back (&later);
  }
  auto told = complete_all (access_, wanted);
  if (!told) return told.error ();
  for (Told &one : *told) {
    if (one.duration)
      loaded.duration = std::max (loaded.duration.value_or (0), *one.duration);
    add_notes (loaded.notes, std::move (one.notes));
  }
  loaded.chapters =
      chapters::make (periods, loaded.notes.date_ranges, loaded.duration);
  return loaded;
}

Result<Told> Loader::complete (Representation &representation)
{
  auto &segments = representation.segments;
  if (std::holds_alternative<presentation::Playlist> (segments))
    return load_playlist (representation);
  if (std::holds_alternative<presentation::SegmentBase> (segments)) {
    auto done = load_index (representation);
    if (!done) return done.error ();
  }
  return Told{};
}

// Where it can be had.
Result<Told> Loader::complete (Selection &selection)
{
  if (access_.places == nullptr) return complete (selection.representation);
  const std::vector<places::Place> all =
      places::of (*selection.track, selection.index);
  places::Tried tried;
  std::optional<std::size_t> at = access_.places->choose (all);
  for (;;) {
    selection.index = all[*at].index;
    selection.representation = places::at (*selection.track, all[*at]);
    auto told = complete (selection.representation);
    if (told || is_cancelled (told.code ())) return told;
    at = access_.places->leave (all, *at, tried, to_string (told.code ()));
    if (!at) return told;
  }
}

Result<Told> Loader::load_playlist (Representation &representation)
{
  const auto reference =
      std::get<presentation::Playlist> (representation.segments);
  auto whole = fetch ({uri::resolve (representation.base, reference.uri), {},
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

Result<relay::Done> Loader::load_index (Representation &representation)
{
  const auto &base =
      std::get<presentation::SegmentBase> (representation.segments);
  std::string uri = uri::resolve (representation.base, base.index.uri);
  fetcher::Request request{uri, {}, fetcher::Kind::init};
  std::uint64_t first = 0;
  if (base.index.range) {
    first = base.index.range->first;
    request.range.emplace (fetcher::Range{first, base.index.range->last});
  }
  sidx::Walk walk;
  for (unsigned i = 0; i < max_index_requests; i++) {
    auto whole = fetch (request, max_index);
    if (!whole) return whole.error ();
    auto done = walk.add (whole->bytes, first);
    if (!done)
      return problem (
          Error::malformed, whole->uri, sidx::to_string (done.code ()));
    auto wanted = walk.wanted ();
    if (!wanted) break;
    first = wanted->first;
    request.range.emplace (
        fetcher::Range{first, wanted->first + wanted->size - 1});
  }
  if (walk.wanted ())
    return problem (Error::malformed, uri, "an index of too many indexes");
  sidx::Index index = walk.take ();
  auto segments = schedule::to_segments (base, index);
  if (!segments || segments->entries.empty ())
    return problem (Error::malformed, uri, "the index has no segments");
  representation.segments = std::move (*segments);
  return relay::Done{};
}

}  // namespace

Result<Loaded> load (
    const Access &access, const std::string &uri, const Options &options)
{
  return Loader (access).run (uri, options);
}

std::optional<Selection> trick_mode (
    const Selection &selection, const choice::Limits &limits, double rate)
{
  bool any = false;
  auto place = [&] (Selection part) {
    part.is_trick_mode = true;
    part.later.clear ();
    if (!part.key_frames) return part;
    any = true;
    part.track = part.key_frames;
    part.index = choice::first (*part.track, limits, rate);
    part.representation = part.track->representations[part.index];
    return part;
  };
  Selection out = place (selection);
  for (const Selection &later : selection.later)
    out.later.push_back (place (later));
  if (!any) return std::nullopt;
  return out;
}

Result<std::optional<Time>> complete (
    const Access &access, std::span<Selection *const> selections)
{
  auto told = complete_all (access, selections);
  if (!told) return told.error ();
  std::optional<Time> out;
  for (const Told &one : *told)
    if (one.duration) out = std::max (out.value_or (0), *one.duration);
  return out;
}

Result<std::optional<Time>> complete (
    const Access &access, Representation &representation)
{
  auto told = Loader (access).complete (representation);
  if (!told) return told.error ();
  return told->duration;
}

std::string to_string (const Problem &problem)
{
  if (problem.error != Error::fetch)
    return problem.uri + ": " + problem.message;
  const fetcher::Problem &fetch = problem.fetch;
  std::string out = fetch.uri + ": " + fetcher::to_string (fetch.error);
  if (fetch.http_status != 0)
    out += " (" + std::to_string (fetch.http_status) + ")";
  return out;
}

}  // namespace loader

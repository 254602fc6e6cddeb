// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xlink.h"

#include <iterator>
#include <utility>

#include "mpd.h"
#include "mpdreader.h"
#include "uri.h"

namespace xlink {

using mpd::Error;

namespace {

bool is_zero (const mpd::Remote &remote)
{
  return remote.href == zero;
}

// Elements in place of one.
template <class T>
void replace (std::vector<T> &all, std::size_t at, std::vector<T> with)
{
  unsigned depth = all[at].remote.depth + 1;
  for (T &element : with) element.remote.depth = depth;
  auto place = all.erase (all.begin () + static_cast<std::ptrdiff_t> (at));
  all.insert (place, std::make_move_iterator (with.begin ()),
      std::make_move_iterator (with.end ()));
}

}  // namespace

// A reference is relative to the BaseURLs of the level that it stands at
// (5.6.4), not to where other remote elements came from.
mpd::Result<Link> Resolver::take (
    const mpd::Remote &remote, std::size_t line, Link link)
{
  if (++count_ > max_links || remote.depth >= max_depth)
    return relay::failure (Error::too_many_remote, line);
  mpd::BaseUrl own;
  own.base.uri = base_;
  auto bases = mpd::resolved ({std::move (own)}, document_.base_urls);
  if (link.set)
    bases = mpd::resolved (bases, document_.periods[link.period].base_urls);
  link.uri = uri::resolve (bases.front ().base.uri, remote.href);
  return link;
}

mpd::Result<std::vector<Link>> Resolver::next ()
{
  auto &periods = document_.periods;
  std::vector<Link> out;
  auto add = [&] (const mpd::Remote &remote, std::size_t line, Link link) {
    auto taken = take (remote, line, std::move (link));
    if (taken) out.push_back (std::move (*taken));
    return taken;
  };
  std::erase_if (
      periods, [] (const mpd::Period &one) { return is_zero (one.remote); });
  for (std::size_t i = 0; i < periods.size (); i++) {
    mpd::Period &period = periods[i];
    if (!period.remote.href.empty ()) {
      auto added = add (period.remote, period.line, {{}, i, std::nullopt});
      if (!added) return added.error ();
      continue;
    }
    std::erase_if (period.sets,
        [] (const mpd::AdaptationSet &one) { return is_zero (one.remote); });
    for (std::size_t j = 0; j < period.sets.size (); j++) {
      if (period.sets[j].remote.href.empty ()) continue;
      auto added = add (period.sets[j].remote, period.sets[j].line, {{}, i, j});
      if (!added) return added.error ();
    }
  }
  return out;
}

// The last one first: the places of those before it stay what they are.
mpd::Result<relay::Done> Resolver::put (
    const std::vector<Link> &links, const std::vector<std::string> &texts)
{
  for (std::size_t i = links.size (); i > 0; i--) {
    auto done = put (links[i - 1], texts[i - 1]);
    if (!done) return done;
  }
  return relay::Done{};
}

mpd::Result<relay::Done> Resolver::put (const Link &link, std::string_view xml)
{
  auto fragment = mpd::read_fragment (xml);
  if (!fragment) return fragment.error ();
  if (link.set) {
    if (fragment->sets.empty ()) return relay::failure (Error::bad_remote, 1);
    replace (document_.periods[link.period].sets, *link.set,
        std::move (fragment->sets));
  } else {
    if (fragment->periods.empty ())
      return relay::failure (Error::bad_remote, 1);
    replace (document_.periods, link.period, std::move (fragment->periods));
  }
  return relay::Done{};
}

}  // namespace xlink

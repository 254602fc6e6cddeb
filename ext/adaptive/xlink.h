// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mpddocument.h"
#include "mpderror.h"

// Periods and AdaptationSets that stand somewhere else (ISO/IEC 23009-1 5.5).
// They are all fetched when the MPD is: @xlink:actuate="onLoad" asks for that,
// and "onRequest" allows it.
namespace xlink {

// "urn:mpeg:dash:resolve-to-zero:2013": the element is not there at all.
inline constexpr std::string_view zero = "urn:mpeg:dash:resolve-to-zero:2013";

// Of one MPD.
inline constexpr std::size_t max_links = 256;
// Remote elements whose places are in remote elements.
inline constexpr unsigned max_depth = 4;
inline constexpr std::size_t max_size = std::size_t{4} * 1024 * 1024;

struct Link
{
  std::string uri;  // absolute
  std::size_t period = 0;
  std::optional<std::size_t> set;  // otherwise it is the Period itself
};

class Resolver
{
public:
  // base: the MPD's URI.
  Resolver (mpd::Document &document, std::string base)
      : document_ (document), base_ (std::move (base))
  {
  }

  // All that are to be fetched now, in the document's order; none: they are all
  // in place. Those that resolve to zero are taken out of the document.
  [[nodiscard]] mpd::Result<std::vector<Link>> next ();
  // What was found at them, one text for each, in place of the elements.
  [[nodiscard]] mpd::Result<relay::Done> put (
      const std::vector<Link> &links, const std::vector<std::string> &texts);

private:
  [[nodiscard]] mpd::Result<Link> take (
      const mpd::Remote &remote, std::size_t line, Link link);
  [[nodiscard]] mpd::Result<relay::Done> put (
      const Link &link, std::string_view xml);

  mpd::Document &document_;
  std::string base_;
  std::size_t count_ = 0;
};

}  // namespace xlink

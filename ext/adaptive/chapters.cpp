// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chapters.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace chapters {

using presentation::DateRange;
using presentation::max_time;
using presentation::Period;

namespace {

// More are no help to anybody.
constexpr std::size_t most_chapters = 1024;

struct Part
{
  Chapter chapter;
  std::optional<Time> end;
};

char lower (char c)
{
  return c >= 'A' && c <= 'Z' ? static_cast<char> (c - 'A' + 'a') : c;
}

bool has (std::string_view text, std::string_view word)
{
  return std::search (text.begin (), text.end (), word.begin (), word.end (),
             [] (char a, char b) { return lower (a) == lower (b); }) !=
         text.end ();
}

// RFC 8216bis 4.4.5.1 leaves the names of CLASS and of all that begin with X-
// to whoever writes them.
bool is_chapter (const DateRange &range)
{
  return range.time && has (range.scheme, "chapter");
}

std::string title_of (const DateRange &range)
{
  for (std::string_view word : {"TITLE", "NAME"})
    for (const auto &[name, value] : range.attributes)
      if (name.starts_with ("X-") && has (name, word)) return value;
  return {};
}

// "END-DATE", "DURATION": one that was planned says what is likely.
std::optional<Time> lasting (const DateRange &range)
{
  constexpr std::int64_t milli = 1'000'000;
  if (range.duration) return range.duration;
  std::int64_t lasts = 0;
  if (range.end && *range.end >= range.start &&
      !__builtin_sub_overflow (*range.end, range.start, &lasts) &&
      lasts < static_cast<std::int64_t> (max_time) / milli)
    return static_cast<Time> (lasts * milli);
  return range.planned_duration;
}

std::vector<Part> parts_of (const std::vector<Period> &periods)
{
  std::vector<Part> out;
  for (const Period &period : periods) {
    Part part{{period.id, period.id, period.start, 0}, std::nullopt};
    if (period.duration && *period.duration <= max_time - period.start)
      part.end = period.start + *period.duration;
    out.push_back (std::move (part));
  }
  return out;
}

std::vector<Part> parts_of (const std::vector<DateRange> &date_ranges)
{
  std::vector<Part> out;
  for (const DateRange &range : date_ranges) {
    if (!is_chapter (range)) continue;
    // What began before the presentation did begins with it.
    auto begin = static_cast<Time> (std::max<std::int64_t> (*range.time, 0));
    Part part{{range.id, title_of (range), begin, 0}, std::nullopt};
    auto duration = lasting (range);
    if (duration && *duration < max_time)
      part.end = static_cast<Time> (std::clamp<std::int64_t> (
          *range.time + static_cast<std::int64_t> (
                            std::min (*duration, max_time - begin)),
          0, static_cast<std::int64_t> (max_time)));
    out.push_back (std::move (part));
  }
  std::ranges::stable_sort (
      out, {}, [] (const Part &part) { return part.chapter.begin; });
  return out;
}

}  // namespace

std::vector<Chapter> make (const std::vector<Period> &periods,
    const std::vector<DateRange> &date_ranges, std::optional<Time> duration)
{
  std::vector<Part> parts;
  if (periods.size () > 1) parts = parts_of (periods);
  if (parts.empty ()) parts = parts_of (date_ranges);
  std::vector<Chapter> out;
  std::set<std::string> ids;
  for (std::size_t i = 0; i < parts.size (); i++) {
    Chapter chapter = std::move (parts[i].chapter);
    auto end = parts[i].end;
    if (!end && i + 1 < parts.size ()) end = parts[i + 1].chapter.begin;
    if (!end) end = duration;
    if (duration && end) end = std::min (*end, *duration);
    if (!end || *end <= chapter.begin || out.size () == most_chapters) continue;
    chapter.end = *end;
    if (chapter.id.empty () || !ids.insert (chapter.id).second) {
      chapter.id = "chapter-" + std::to_string (i + 1);
      while (!ids.insert (chapter.id).second) chapter.id += "-";
    }
    out.push_back (std::move (chapter));
  }
  return out;
}

}  // namespace chapters

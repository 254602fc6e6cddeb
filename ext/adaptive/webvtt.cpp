// SPDX-License-Identifier: LGPL-2.1-or-later
#include "webvtt.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "text.h"

namespace webvtt {

namespace {

constexpr std::string_view map_name = "X-TIMESTAMP-MAP";
constexpr Time milli = 1'000'000;

// The next line with its end.
std::string_view take_line (std::string_view &rest)
{
  auto end = rest.find ('\n');
  auto size = end == std::string_view::npos ? rest.size () : end + 1;
  std::string_view line = rest.substr (0, size);
  rest.remove_prefix (size);
  return line;
}

// hh:mm:ss.ttt or mm:ss.ttt, hours of any length.
std::optional<Time> time_of (std::string_view text)
{
  auto colon = text.rfind (':');
  if (colon == std::string_view::npos || text.size () != colon + 7 ||
      text[colon + 3] != '.')
    return std::nullopt;
  std::string_view front = text.substr (0, colon);
  auto hours_end = front.rfind (':');
  bool has_hours = hours_end != std::string_view::npos;
  auto hours = has_hours
                   ? text::number<std::uint64_t> (front.substr (0, hours_end))
                   : std::optional<std::uint64_t> (0);
  auto minutes = text::number<std::uint64_t> (
      has_hours ? front.substr (hours_end + 1) : front);
  auto seconds = text::number<std::uint64_t> (text.substr (colon + 1, 2));
  auto thousandths = text::number<std::uint64_t> (text.substr (colon + 4));
  constexpr std::uint64_t most_hours = 1'000'000;
  if (!hours || !minutes || !seconds || !thousandths || *hours > most_hours ||
      *minutes > 59 || *seconds > 59)
    return std::nullopt;
  return ((*hours * 60 + *minutes) * 60 + *seconds) * presentation::second +
         *thousandths * milli;
}

std::string to_text (Time time)
{
  auto seconds = time / presentation::second;
  std::array<char, 48> out{};
  std::snprintf (out.data (), out.size (), "%02llu:%02llu:%02llu.%03llu",
      static_cast<unsigned long long> (seconds / 3600),
      static_cast<unsigned long long> (seconds / 60 % 60),
      static_cast<unsigned long long> (seconds % 60),
      static_cast<unsigned long long> (time % presentation::second / milli));
  return out.data ();
}

// "00:01.000 --> 00:02.000 align:left", without the settings.
struct Timing
{
  Time begin = 0;
  Time end = 0;
  std::string_view settings;  // with the blanks before them and the line's end
};

std::optional<Timing> timing_of (std::string_view line)
{
  auto arrow = line.find ("-->");
  if (arrow == std::string_view::npos) return std::nullopt;
  auto begin = time_of (text::trim (line.substr (0, arrow)));
  std::string_view rest = line.substr (arrow + 3);
  auto at = rest.find_first_not_of (" \t");
  if (!begin || at == std::string_view::npos) return std::nullopt;
  rest.remove_prefix (at);
  auto size = std::min (rest.find_first_of (" \t\r\n"), rest.size ());
  auto end = time_of (rest.substr (0, size));
  if (!end) return std::nullopt;
  return Timing{*begin, *end, rest.substr (size)};
}

std::uint64_t to_units (Time time)
{
  constexpr std::uint64_t second = presentation::second;
  return time / second * mediaclock::frequency +
         time % second * mediaclock::frequency / second;
}

Time moved (Time time, std::int64_t by)
{
  auto distance = by < 0 ? std::uint64_t{0} - static_cast<std::uint64_t> (by)
                         : static_cast<std::uint64_t> (by);
  if (by < 0) return time - std::min (time, distance);
  return time + distance;
}

bool is_map (std::string_view line)
{
  return line.starts_with (map_name) &&
         text::trim (line.substr (map_name.size ())).starts_with ('=');
}

}  // namespace

// X-TIMESTAMP-MAP=LOCAL:<cue time>,MPEGTS:<MPEG-2 time>, in any order.
std::optional<Map> map_of (std::string_view text)
{
  if (text.starts_with ("\xef\xbb\xbf")) text.remove_prefix (3);
  if (!text.starts_with ("WEBVTT")) return std::nullopt;
  // The header ends with an empty line.
  while (!text.empty ()) {
    std::string_view line = text::trim (take_line (text));
    if (line.empty ()) return std::nullopt;
    if (!is_map (line)) continue;
    std::optional<Time> local;
    std::optional<std::uint64_t> mpegts;
    std::string_view rest = line.substr (line.find ('=') + 1);
    while (!rest.empty ()) {
      std::string_view one = rest.substr (0, rest.find (','));
      rest.remove_prefix (std::min (one.size () + 1, rest.size ()));
      one = text::trim (one);
      if (one.starts_with ("LOCAL:")) local = time_of (one.substr (6));
      if (one.starts_with ("MPEGTS:"))
        mpegts = text::number<std::uint64_t> (one.substr (7));
    }
    if (!local || !mpegts) return std::nullopt;
    return Map{*local, *mpegts % mediaclock::wrap};
  }
  return std::nullopt;
}

std::optional<Time> first_cue (std::string_view text)
{
  while (!text.empty ())
    if (auto timing = timing_of (take_line (text))) return timing->begin;
  return std::nullopt;
}

std::string shift (std::string_view text, std::int64_t by)
{
  std::string out;
  out.reserve (text.size () + text.size () / 8);
  while (!text.empty ()) {
    std::string_view line = take_line (text);
    if (is_map (text::trim (line))) continue;
    auto timing = timing_of (line);
    if (!timing) {
      out += line;
      continue;
    }
    out += to_text (moved (timing->begin, by));
    out += " --> ";
    out += to_text (moved (timing->end, by));
    out += timing->settings;
  }
  return out;
}

std::string place (std::string_view text, std::int64_t by)
{
  std::string out = map_of (text) ? shift (text, by) : std::string (text);
  std::string_view end = out;
  unsigned line_ends = 0;
  while (line_ends < 2 && end.ends_with ('\n')) {
    line_ends++;
    end.remove_suffix (1);
    if (end.ends_with ('\r')) end.remove_suffix (1);
  }
  out.append (2 - line_ends, '\n');
  return out;
}

// Where the clock of the media puts the first cue. Nothing: that is not in its
// segment, so that it must be another clock.
static std::optional<std::int64_t> offset_by (const mediaclock::Anchor &media,
    Time listed, Time duration, Time cue, std::uint64_t difference)
{
  std::int64_t later =
      mediaclock::offset (media, listed, difference + to_units (cue));
  constexpr auto most = static_cast<std::int64_t> (mediaclock::furthest);
  if (later < -most || later > most + static_cast<std::int64_t> (duration))
    return std::nullopt;
  return static_cast<std::int64_t> (listed) + later -
         static_cast<std::int64_t> (cue);
}

// X-TIMESTAMP-MAP says what the media's clock is at a time of the cues. Where
// nobody knows what that clock has to do with the presentation's, cues are
// where the list has their segment, so that the first one shows whether its
// clock is the presentation's or begins anew with each segment; those that
// follow are as much later as the two clocks are further apart.
std::int64_t Clock::offset (Time listed, Time duration, std::string_view text,
    const std::optional<mediaclock::Anchor> &media)
{
  auto map = map_of (text);
  auto cue = first_cue (text);
  if (!map || !cue) return anchor_ && !map ? anchor_->offset : 0;
  std::uint64_t difference = map->mpegts - to_units (map->local);
  if (media)
    if (auto known = offset_by (*media, listed, duration, *cue, difference))
      return *known;
  if (!anchor_) {
    auto distance = [] (Time a, Time b) { return a < b ? b - a : a - b; };
    bool is_own = distance (*cue, 0) < distance (*cue, listed);
    anchor_ =
        Anchor{is_own ? static_cast<std::int64_t> (listed) : 0, difference};
  }
  return anchor_->offset +
         mediaclock::offset ({0, anchor_->difference}, 0, difference);
}

}  // namespace webvtt

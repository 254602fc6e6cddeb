// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "presentation.h"

// The parts of a presentation that a person may want to go to: the Periods of
// DASH, where there are several, and of HLS the date ranges whose CLASS says
// that they are chapters.
namespace chapters {

using presentation::Time;

struct Chapter
{
  std::string id;     // one for each
  std::string title;  // "" = nobody says
  Time begin = 0;
  Time end = 0;
  bool operator== (const Chapter &) const = default;
};

// In the order of time. One whose end nobody says ends where the next one
// begins, or with the presentation: without duration there is none of it.
[[nodiscard]] std::vector<Chapter> make (
    const std::vector<presentation::Period> &periods,
    const std::vector<presentation::DateRange> &date_ranges,
    std::optional<Time> duration);

}  // namespace chapters

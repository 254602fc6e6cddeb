// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <cstdlib>

#include "schedule.h"

inline void require (bool condition)
{
  if (!condition) std::abort ();
}

// A presentation's first segments, its last one, and what is past it.
inline void walk (const presentation::Presentation &all)
{
  for (const auto &period : all.periods) {
    for (const auto &track : period.tracks) {
      require (!track.representations.empty ());
      require (schedule::choose (track, 1000) < track.representations.size ());
      for (const auto &representation : track.representations) {
        (void)schedule::media_offset (representation);
        std::uint64_t count = 0;
        while (count < 10 && schedule::segment (representation, count)) count++;
        // Nothing comes after nothing.
        if (count < 10)
          require (!schedule::segment (representation, count + 1));
        require (!schedule::segment (representation, UINT64_MAX));
      }
    }
  }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "presentation.h"

// The values of an MPD's attributes (ISO/IEC 23009-1 5.3 and XML Schema).
// Spaces around them have been taken off.
namespace mpdvalues {

// xs:duration: PT1H2M3.5S, P1DT...; years and months have no length.
[[nodiscard]] std::optional<presentation::Time> duration (
    std::string_view value);

// RFC 7233 byte-range-spec: "100-199" or "100-".
[[nodiscard]] std::optional<presentation::Range> range (std::string_view value);

// "30" or "30000/1001" (5.3.7.2). It is a help for players only: wrong is as
// good as not there, {0, 1}.
[[nodiscard]] presentation::Fraction frame_rate (std::string_view value);

// @availabilityTimeOffset: seconds with a fraction, or INF, which is max_time.
[[nodiscard]] std::optional<presentation::Time> availability_offset (
    std::string_view value);

// @maxPlayoutRate, an xs:double (5.3.7.2). It is a help for players only: what
// is no rate is as good as not there. INF is infinite.
[[nodiscard]] std::optional<double> playout_rate (std::string_view value);

// xs:boolean; what is none is as good as not there.
[[nodiscard]] std::optional<bool> boolean (std::string_view value);

}  // namespace mpdvalues

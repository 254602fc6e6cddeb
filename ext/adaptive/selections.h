// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "choice.h"
#include "loader.h"
#include "presentation.h"

// Of what a manifest has: which tracks there are over all periods, and which
// representation each of them begins with. See loader::trick_mode () too.
namespace loader {

// Their tracks are taken out of the periods where there is but one.
[[nodiscard]] std::vector<Selection> make_selections (
    std::vector<presentation::Period> &periods, const choice::Limits &limits);

}  // namespace loader

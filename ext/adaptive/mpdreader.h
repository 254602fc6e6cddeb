// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string_view>

#include "mpddocument.h"
#include "mpderror.h"

// From XML to what stands in it. Elements and attributes that are not known
// are passed over. The position of an error is the line, from 1.
namespace mpd {

[[nodiscard]] Result<Document> read (std::string_view xml);
[[nodiscard]] Result<Fragment> read_fragment (std::string_view xml);

}  // namespace mpd

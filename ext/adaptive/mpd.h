// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "mpddocument.h"
#include "mpderror.h"
#include "presentation.h"

// The Media Presentation Description (ISO/IEC 23009-1:2022; sections are
// those of it). What changes what the segments are and is not supported is an
// error, never garbage. Preselection and SubRepresentation are passed over:
// the tracks that they choose among are all there.
namespace mpd {

// base: the MPD's URI. The position of an error is the line, from 1.
[[nodiscard]] Result<presentation::Presentation> present (
    const Document &document, const std::string &base);

// The same from its text, when nothing of it stands somewhere else.
[[nodiscard]] Result<presentation::Presentation> parse (
    std::string_view xml, const std::string &base);

// The addresses that the relative ones of a level are relative to: what its
// BaseURLs say below those of the level above (5.6).
[[nodiscard]] std::vector<BaseUrl> resolved (
    const std::vector<BaseUrl> &above, const std::vector<BaseUrl> &own);

}  // namespace mpd

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "loader.h"
#include "presentation.h"

// Playlists and MPDs, fetched and understood.
namespace loader {

// Whatever it is that is there: a Multivariant or Media Playlist, or an MPD
// with the elements of it that stand somewhere else.
[[nodiscard]] Result<presentation::Presentation> load_manifest (
    const Access &access, const std::string &uri);

// What a Media Playlist says.
struct Told
{
  std::optional<presentation::Time> duration{};
  presentation::Notes notes{};
};
// In place of the representation's reference to it.
[[nodiscard]] Result<Told> load_playlist (
    const Access &access, presentation::Representation &representation);

}  // namespace loader

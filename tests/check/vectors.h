// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>

#include "testutil.h"

namespace test {

// Files made by others, which are not part of the project. Without them the
// caller skips; this says so.
inline std::optional<std::filesystem::path> vectors (std::string_view folder)
{
  const gchar *named = g_getenv ("RELAY_SHARED_VECTORS");
  std::filesystem::path path =
      named != nullptr
          ? std::filesystem::path (named)
          : std::filesystem::path (g_getenv ("RELAY_SOURCE_ROOT")) / ".." /
                "shared" / "vectors";
  path /= folder;
  if (std::filesystem::is_directory (path)) return path;
  std::printf (
      "SKIPPED: no vectors in %s (RELAY_SHARED_VECTORS names their "
      "folder)\n",
      path.c_str ());
  return std::nullopt;
}

}  // namespace test

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

#include "gstcacherecorder.h"

// The properties of cachetee.
namespace cachesettings {

struct Settings
{
  bool allow_not_linked = true;
  bool has_chain = true;
  std::string cache_dir;
  std::string cache_key;
  cacherecorder::SlowStore on_slow_store = cacherecorder::SlowStore::automatic;
};

// Properties that are no settings.
inline constexpr guint prop_num_src_pads = 1;
inline constexpr guint prop_cache_status = 2;
inline constexpr guint prop_stats = 3;

void install (GObjectClass *object_class);

// False: there is no such setting.
[[nodiscard]] bool set (Settings &settings, guint id, const GValue *value);
[[nodiscard]] bool get (const Settings &settings, guint id, GValue *value);

}  // namespace cachesettings

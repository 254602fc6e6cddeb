// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

#include "gstadaptivechoice.h"
#include "gstadaptiveplayback.h"
#include "gstsource.h"

// The properties of adaptivesrc.
namespace gstadaptive {

enum
{
  PROP_CHOICE = gstsource::N_PROPS,  // the first one of gstadaptivechoice
  PROP_SELECT_ALL =
      int{PROP_CHOICE} + static_cast<int> (gstadaptivechoice::N_PROPS),
  PROP_LICENSE_URL,
  PROP_PREFETCH_SEGMENTS,
  PROP_MAX_BUFFER_TIME,
  PROP_MAX_BUFFER_BYTES,
  PROP_USE_BUFFERING,
  PROP_SKIP_RANGES,
  PROP_START_OFFSET,
  PROP_CACHE_DIR,
  PROP_L2_SIZE,
  PROP_MIN_FREE,
  PROP_STATS,
  N_PROPS
};

struct Settings : gstsource::Settings
{
  std::string license_url;
  choice::Limits limits;
  bool select_all = false;
  guint prefetch_segments = 2;
  guint64 max_buffer_time = 30 * GST_SECOND;
  guint64 max_buffer_bytes = 67108864;
  bool use_buffering = false;
  std::string skip_ranges;
  guint64 start_offset = 0;
  std::string cache_dir;
  guint64 l2_size = 0;
  guint64 min_free = 0;
};

// What the element's start does with them, after gstsource::prepare. False, and
// an element error, when they cannot be used.
[[nodiscard]] bool prepare (GstElement *element, const Settings &settings,
    AdaptivePlayback::Settings &out);

// All of them, for g_object_class_install_properties.
void make_properties (GParamSpec **properties, const char *user_agent);

// False: it is not one of these.
bool set_property (Settings &settings, guint id, const GValue *value);
bool get_property (const Settings &settings, guint id, GValue *value);

}  // namespace gstadaptive

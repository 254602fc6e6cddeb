// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

// The properties of rtpmjpegpay.
namespace mjpegsettings {

// When the ONVIF header extension is sent.
enum class Onvif
{
  off,
  automatic,  // with images above 2040 pixels
  always,
};

struct Settings
{
  int quality = 255;
  int type = 1;
  int restart_interval = -1;
  Onvif onvif = Onvif::off;
  bool interlaced = false;
  double pacing = 0;
  guint pacing_burst = 10;
};

// The properties "stats" and "seqnum", which are no settings.
inline constexpr guint prop_stats = 1;
inline constexpr guint prop_seqnum = 2;

void install (GObjectClass *object_class);

// False: there is no such setting.
[[nodiscard]] bool set (Settings &settings, guint id, const GValue *value);
[[nodiscard]] bool get (const Settings &settings, guint id, GValue *value);

}  // namespace mjpegsettings

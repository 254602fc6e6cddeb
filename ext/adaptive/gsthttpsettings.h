// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "gstannounce.h"
#include "gstsource.h"

// The properties of one resource over HTTP that are settings, beside those
// that all sources have.
namespace gsthttpsettings {

enum
{
  PROP_IRADIO_MODE = gstsource::N_PROPS,
  PROP_HTTP_LOG_LEVEL,
  PROP_METHOD,
  PROP_COMPRESS,
  N_PROPS
};

struct Settings : gstsource::Settings
{
  std::string method;  // "" = GET
  bool compress = false;
  bool iradio = true;
  gstannounce::LogLevel log_level = gstannounce::LogLevel::headers;
};

// As those of gstsource, which these call.
void make_properties (GParamSpec **properties, const char *user_agent);
[[nodiscard]] bool prepare (GstElement *element, Settings &settings);
bool set_property (Settings &settings, guint id, const GValue *value);
bool get_property (const Settings &settings, guint id, GValue *value);

}  // namespace gsthttpsettings

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "choice.h"

// The properties of adaptivesrc that say what is chosen from.
namespace gstadaptivechoice {

// Their numbers, from the first one that is free.
enum
{
  PROP_SELECTION,
  PROP_MAX_BITRATE,
  PROP_MAX_HEIGHT,
  PROP_CONNECTION_SPEED,
  PROP_BANDWIDTH_USAGE,
  N_PROPS
};

// Fills in N_PROPS of an array for g_object_class_install_properties.
void make_properties (GParamSpec **properties);

// id: one of the above; false if it is none.
bool set_property (choice::Limits &limits, guint id, const GValue *value);
bool get_property (const choice::Limits &limits, guint id, GValue *value);

}  // namespace gstadaptivechoice

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_DECLARE_FINAL_TYPE (
    GstAdaptiveSrc, gst_adaptive_src, GST, ADAPTIVE_SRC, GstElement)

GST_ELEMENT_REGISTER_DECLARE (adaptivesrc)

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CACHE_TEE (gst_cache_tee_get_type ())
G_DECLARE_FINAL_TYPE (GstCacheTee, gst_cache_tee, GST, CACHE_TEE, GstElement)

GST_ELEMENT_REGISTER_DECLARE (cachetee)

G_END_DECLS

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CENC_MP4_DECRYPT (gst_cenc_mp4_decrypt_get_type ())
G_DECLARE_FINAL_TYPE (
    GstCencMp4Decrypt, gst_cenc_mp4_decrypt, GST, CENC_MP4_DECRYPT, GstElement)

GST_ELEMENT_REGISTER_DECLARE (cencmp4decrypt);

G_END_DECLS

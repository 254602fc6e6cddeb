// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstpushsrc.h>

G_DECLARE_FINAL_TYPE (
    GstProxyHttpSrc, gst_proxy_http_src, GST, PROXY_HTTP_SRC, GstPushSrc)

GST_ELEMENT_REGISTER_DECLARE (proxyhttpsrc)

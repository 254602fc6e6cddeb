// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/rtp/gstrtpbasepayload.h>

G_DECLARE_FINAL_TYPE (
    GstRtpMjpegPay, gst_rtp_mjpeg_pay, GST, RTP_MJPEG_PAY, GstRTPBasePayload)

GST_ELEMENT_REGISTER_DECLARE (rtpmjpegpay)

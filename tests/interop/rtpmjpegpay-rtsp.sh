#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# gst-rtsp-server sends by rtpmjpegpay, and stock rtspsrc gets every frame: over
# the RTSP connection, by UDP, with a pause, and without rate control. What is
# checked is said in rtspserver.cpp.
set -eu

program=$RELAY_BUILD/tests/interop/rtspserver
if [ ! -x "$program" ]; then
  echo 'skipped: built without gst-rtsp-server (libgstrtspserver-1.0-dev)'
  exit 77
fi
for element in videotestsrc jpegenc rtspsrc rtpjitterbuffer rtpjpegdepay; do
  gst-inspect-1.0 --exists "$element" || {
    echo "skipped: no $element"
    exit 77
  }
done
for way in tcp udp pause onvif; do
  "$program" $way
done

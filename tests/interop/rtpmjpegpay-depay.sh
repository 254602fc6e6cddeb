#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What rtpmjpegpay sends decodes to the same pictures at the other end: through
# stock rtpjpegdepay, and through ffmpeg, which gets an SDP and packets by UDP.
set -eu

skip () { echo "skipped: $*"; exit 77; }
fail () { echo "FAILED: $*"; exit 1; }

for tool in gst-launch-1.0 gst-inspect-1.0 ffmpeg; do
  command -v "$tool" > /dev/null || skip "no $tool"
done
for element in videotestsrc jpegenc avenc_mjpeg rtpjpegdepay udpsink; do
  gst-inspect-1.0 --exists "$element" || skip "no $element"
done
# Without a version it asks for that of GStreamer itself.
gst-inspect-1.0 --exists --atleast-version=0.1 rtpmjpegpay || fail "no rtpmjpegpay"

work=$(mktemp -d)
receiver=
finish () {
  [ -z "$receiver" ] || kill "$receiver" 2> /dev/null || true
  rm -rf "$work"
}
trap finish EXIT

frames=25

# The hashes of the decoded pictures of a file of JPEGs. The sizes of RTP/JPEG
# are multiples of 8: the rest is cut off.
hashes () {
  size=$(echo "$2" | sed 's/.*width=\([0-9]*\),height=\([0-9]*\).*/\1:\2/')
  filter=crop=$size:0:0:exact=1
  # Of a grey picture the colour that it gets is not looked at.
  case $2 in *GRAY8*) filter=$filter,extractplanes=y ;; esac
  ffmpeg -nostdin -v error -f mjpeg -i "$1" -vf "$filter" \
    -f framemd5 - | sed -n 's/^[^#].*, //p'
}

# CAPS[!ENCODER]
source_of () {
  case $1 in *!*) encoder=${1#*!} ;; *) encoder=jpegenc ;; esac
  echo "videotestsrc num-buffers=$frames pattern=ball ! video/x-raw,${1%!*},framerate=25/1 ! $encoder"
}

check () {
  [ "$(wc -l < "$work/expected")" -eq "$frames" ] || fail "$1: no $frames pictures were made"
  [ "$(wc -l < "$work/received")" -eq "$frames" ] ||
    fail "$1: $(wc -l < "$work/received") of $frames pictures arrived"
  cmp -s "$work/expected" "$work/received" || fail "$1: the pictures differ"
  echo "ok: $1"
}

for format in format=I420,width=320,height=240 format=Y42B,width=320,height=240 \
    format=I420,width=1366,height=768 format=I420,width=17,height=13 \
    format=I420,width=2048,height=64 format=GRAY8,width=320,height=240 \
    format=GRAY8,width=17,height=13 'format=I420,width=320,height=240!avenc_mjpeg' \
    'format=Y42B,width=320,height=240!avenc_mjpeg'; do
  # shellcheck disable=SC2046 # words of a pipeline
  gst-launch-1.0 -q $(source_of "$format") ! tee name=t \
    t. ! queue ! filesink location="$work/sent.mjpeg" \
    t. ! queue ! rtpmjpegpay ! rtpjpegdepay ! filesink location="$work/received.mjpeg"
  hashes "$work/sent.mjpeg" "$format" > "$work/expected"
  hashes "$work/received.mjpeg" "$format" > "$work/received"
  check "rtpjpegdepay $format"
done

# A UDP port of the loopback that nobody has.
free_port () {
  port=$((20000 + $$ % 20000 / 2 * 2))
  while grep -qs ":$(printf '%04X' "$port") " /proc/net/udp /proc/net/udp6; do
    port=$((port + 2))
  done
  echo "$port"
}
# Whether somebody listens there by now.
listens () { grep -q "0100007F:$(printf '%04X' "$1") \|00000000:$(printf '%04X' "$1") " /proc/net/udp; }

for format in format=I420,width=320,height=240 format=Y42B,width=640,height=360 \
    'format=I420,width=320,height=240!avenc_mjpeg'; do
  port=$(free_port)
  cat > "$work/session.sdp" <<SDP
v=0
o=- 0 0 IN IP4 127.0.0.1
s=rtpmjpegpay
c=IN IP4 127.0.0.1
t=0 0
m=video $port RTP/AVP 26
SDP
  timeout 30 ffmpeg -nostdin -v error -protocol_whitelist file,udp,rtp -i "$work/session.sdp" \
    -frames:v "$frames" -vsync passthrough -f framemd5 "$work/framemd5" &
  receiver=$!
  tries=0
  until listens "$port"; do
    kill -0 "$receiver" 2> /dev/null || fail "ffmpeg does not take the SDP"
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "ffmpeg does not listen"
    sleep 0.05
  done
  # shellcheck disable=SC2046
  gst-launch-1.0 -q $(source_of "$format") ! tee name=t \
    t. ! queue ! filesink location="$work/sent.mjpeg" \
    t. ! queue ! rtpmjpegpay ! udpsink host=127.0.0.1 port="$port"
  wait "$receiver" || fail "ffmpeg did not get $frames pictures"
  receiver=
  hashes "$work/sent.mjpeg" "$format" > "$work/expected"
  sed -n 's/^[^#].*, //p' "$work/framemd5" > "$work/received"
  rm "$work/framemd5"
  check "ffmpeg $format"
done

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What rtpmjpegpay sends decodes to the same pictures at the other end, each of
# 300 frames: through stock rtpjpegdepay, and through ffmpeg, which gets an SDP
# and packets by UDP.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "FAILED: $*"
  exit 1
}
for tool in gst-launch-1.0 gst-inspect-1.0 ffmpeg; do
  command -v "$tool" >/dev/null || skip "no $tool"
done
for element in videotestsrc jpegenc avenc_mjpeg rtpjpegdepay udpsink; do
  gst-inspect-1.0 --exists "$element" || skip "no $element"
done
# Without a version it asks for that of GStreamer itself.
gst-inspect-1.0 --exists --atleast-version=0.1 rtpmjpegpay ||
  fail "no rtpmjpegpay"

work=$(mktemp -d)
receiver=
# shellcheck disable=SC2317 # called by the trap
finish() {
  [[ -z $receiver ]] || kill "$receiver" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

count=300
feed() {
  "$RELAY_BUILD/tests/interop/jpegfeed" "$count" "$@"
}

# filter WIDTHxHEIGHT NAME: what is compared of a picture. RTP/JPEG's sizes are
# multiples of 8, the rest is cut off. Grey arrives as 4:2:0, all of which must
# be as if ffmpeg had converted it.
filter() {
  echo -n "crop=${1/x/:}:0:0:exact=1"
  [[ $2 != *grey* ]] || echo -n ,format=yuvj420p
}
# hashes FILTER FILE...: of the decoded pictures of files of JPEGs.
hashes() {
  local chosen=$1
  shift
  cat "$@" | ffmpeg -nostdin -v error -f mjpeg -i pipe: -vf "$chosen" \
    -f framehash -hash murmur3 - | sed -n 's/^[^#].*, //p'
}

has_restarts() {
  LC_ALL=C grep -qaP '\xff\xdd\x00\x04' "$@"
}

# check NAME RECEIVER: the pictures in $work/received.
check() {
  local arrived
  arrived=$(wc -l <"$work/received")
  [[ $arrived -eq $count ]] || fail "$2 $1: $arrived of $count pictures arrived"
  cmp -s "$work/expected" "$work/received" || fail "$2 $1: the pictures differ"
  echo "ok: $2 $1, $count pictures"
}

# depay NAME SIZE PROPERTIES
depay() {
  rm -f "$work/received.mjpeg"
  feed "$caps" \
    "rtpmjpegpay $3 ! rtpjpegdepay ! filesink location=$work/received.mjpeg" \
    "${images[@]}" || fail "rtpjpegdepay $1"
  case $1 in
    *'restart intervals taken out'*)
      ! has_restarts "$work/received.mjpeg" || fail "$1: they are sent" ;;
    *'restart intervals'*)
      has_restarts "$work/received.mjpeg" || fail "$1: none is sent" ;;
  esac
  hashes "$(filter "$2" "$1")" "$work/received.mjpeg" >"$work/received"
  check "$1" rtpjpegdepay
}

# A UDP port of the loopback that nobody has, and the next, for RTCP.
free_port() {
  local port=$((20000 + $$ % 10000 * 2))
  while grep -qsE ":$(printf '(%04X|%04X)' $port $((port + 1))) " \
    /proc/net/udp /proc/net/udp6; do
    port=$((port + 2))
  done
  echo $port
}
# Whether somebody listens there by now.
listens() {
  grep -qE "(0100007F|00000000):$(printf '%04X' "$1") " /proc/net/udp
}

# by_udp NAME SIZE PROPERTIES
by_udp() {
  local port tries=0
  port=$(free_port)
  cat >"$work/session.sdp" <<SDP
v=0
o=- 0 0 IN IP4 127.0.0.1
s=rtpmjpegpay
c=IN IP4 127.0.0.1
t=0 0
m=video $port RTP/AVP 26
SDP
  rm -f "$work/framehash"
  timeout 100 ffmpeg -nostdin -v error -protocol_whitelist file,udp,rtp \
    -buffer_size 1000000 -i "$work/session.sdp" -frames:v "$count" \
    -vsync passthrough -vf "$(filter "$2" "$1")" \
    -f framehash -hash murmur3 "$work/framehash" &
  receiver=$!
  until listens "$port"; do
    kill -0 "$receiver" 2>/dev/null || fail "ffmpeg does not take the SDP"
    tries=$((tries + 1))
    [[ $tries -lt 400 ]] || fail "ffmpeg does not listen"
    sleep 0.05
  done
  feed "$caps" "rtpmjpegpay $3 ! udpsink name=udp host=127.0.0.1 port=$port sync=false" \
    "${images[@]}" || fail "ffmpeg $1"
  wait "$receiver" || fail "ffmpeg $1: it did not get $count pictures"
  receiver=
  sed -n 's/^[^#].*, //p' "$work/framehash" >"$work/received"
  check "$1" ffmpeg
}

# play NAME SIZE MAKER [PROPERTIES]: the images that MAKER makes, in turn.
play() {
  local name="$1 $2" width=${2%x*} height=${2#*x} distinct=30 i
  [[ $((width * height)) -lt 2000000 ]] || distinct=6
  rm -rf "$work/images"
  mkdir "$work/images"
  # shellcheck disable=SC2086 # a command and its words
  $3 $2 $distinct
  images=("$work"/images/*.jpg)
  [[ ${#images[@]} -eq $distinct ]] || fail "$name: ${#images[@]} images were made"
  caps=image/jpeg,width=$width,height=$height
  hashes "$(filter "$2" "$name")" "${images[@]}" >"$work/once"
  [[ $(sort -u "$work/once" | wc -l) -eq $distinct ]] ||
    fail "$name: pictures are the same"
  for ((i = 0; i < count / distinct; i++)); do cat "$work/once"; done \
    >"$work/expected"
  depay "$name" "$2" "${4:-}"
  # What is larger ffmpeg cannot receive.
  if [[ $width -le 2040 && $height -le 2040 ]]; then
    by_udp "$name" "$2" "${4:-}"
  fi
}

# gst FORMAT ENCODER SIZE DISTINCT
gst() {
  local pattern=ball
  [[ $3 != 17x13 ]] || pattern=snow # the ball would stand still
  gst-launch-1.0 -q videotestsrc num-buffers="$4" pattern=$pattern ! \
    "video/x-raw,format=$1,width=${3%x*},height=${3#*x},framerate=25/1" ! \
    "$2" ! multifilesink location="$work/images/%02d.jpg"
}
# slices HUFFMAN PIX_FMT SIZE DISTINCT: restart intervals of ffmpeg.
slices() {
  ffmpeg -nostdin -v error -f lavfi -i "testsrc2=s=$3" -frames:v "$4" \
    -pix_fmt "$2" -c:v mjpeg -huffman "$1" -slices 4 "$work/images/%02d.jpg"
  has_restarts "$work"/images/*.jpg || fail "ffmpeg makes no restart intervals"
}
# with_restarts FORMAT SIZE DISTINCT: restart intervals of libjpeg.
with_restarts() {
  gst "$1" jpegenc "$2" "$3"
  for image in "$work"/images/*.jpg; do
    jpegtran -restart 5B -outfile "$work/restarting.jpg" "$image"
    mv "$work/restarting.jpg" "$image"
  done
  has_restarts "$work"/images/*.jpg || fail "jpegtran makes no restart intervals"
}

play '4:2:0' 320x240 'gst I420 jpegenc'
play '4:2:2' 320x240 'gst Y42B jpegenc'
play '4:2:0, restart intervals kept' 320x240 'slices default yuvj420p'
if command -v jpegtran >/dev/null; then
  play '4:2:2, restart intervals kept' 320x240 'with_restarts Y42B'
else
  echo 'left out: 4:2:2, restart intervals kept: no jpegtran'
fi
# ffmpeg writes 4:2:2 with the sampling factors 2x2, 1x2, 1x2.
play '4:2:2 with other sampling factors' 320x240 'slices default yuvj422p'
play '4:2:0, restart intervals and optimal Huffman tables' 320x240 \
  'slices optimal yuvj420p'
play '4:2:0, restart intervals put in' 320x240 'gst I420 jpegenc' \
  restart-interval=7
play '4:2:0, restart intervals taken out' 320x240 'slices default yuvj420p' \
  restart-interval=0
play '4:2:0, optimal Huffman tables' 320x240 'gst I420 avenc_mjpeg'
play '4:2:2, optimal Huffman tables' 320x240 'gst Y42B avenc_mjpeg'
play '4:2:0 with the ONVIF header extension' 320x240 'gst I420 jpegenc' \
  onvif-extension=always
play 'grey' 320x240 'gst GRAY8 jpegenc'
play 'grey' 17x13 'gst GRAY8 jpegenc'
play '4:2:0' 17x13 'gst I420 jpegenc'
play '4:2:2' 17x13 'gst Y42B jpegenc'
play '4:2:0' 1366x768 'gst I420 jpegenc'
play '4:2:0' 2040x2040 'gst I420 jpegenc'
play '4:2:0' 2048x64 'gst I420 jpegenc'
play '4:2:2' 64x2048 'gst Y42B jpegenc'
play '4:2:0' 2560x2048 'gst I420 jpegenc'

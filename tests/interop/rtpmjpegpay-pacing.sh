#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What pacing is for: frames of some hundred packets, 30 a second, to stock
# udpsrc ! rtpjpegdepay with the socket buffer that the system gives by default.
# Prints how many frames arrive whole, and how many packets are lost, at once
# and paced. Other programs may keep the receiver from its socket for longer
# than its buffer lasts: a row that falls short is tried again, aloud, and says
# nothing where the receiver had to wait for a processor.
set -eu

skip () { echo "skipped: $*"; exit 77; }
fail () { echo "FAILED: $*"; exit 1; }

for tool in gst-launch-1.0 gst-inspect-1.0; do
  command -v "$tool" > /dev/null || skip "no $tool"
done
for element in videotestsrc jpegenc rtpjpegdepay udpsink udpsrc imagesequencesrc jpegparse; do
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

frames=${RELAY_FRAMES:-180}
rate=30
tries=3
# The receiver's threads together may wait so many ms for a processor, in all.
patience=100
pacing="pacing=0.9 pacing-burst=${RELAY_BURST:-4}"
caps=application/x-rtp,media=video,encoding-name=JPEG,payload=26,clock-rate=90000

# A UDP port of the loopback that nobody has.
free_port () {
  port=$((20000 + $$ % 20000 / 2 * 2))
  while grep -qs ":$(printf '%04X' "$port") " /proc/net/udp /proc/net/udp6; do
    port=$((port + 2))
  done
  echo "$port"
}
# The line of the receiver's socket: its last word is how many packets were lost.
socket () { grep "0100007F:$(printf '%04X' "$1") " /proc/net/udp; }

# QUALITY: a picture of noise, 1920x1080, and what the receiver makes of it.
picture () {
  gst-launch-1.0 -q videotestsrc num-buffers=1 pattern=snow ! \
    video/x-raw,format=GRAY8,width=1920,height=1080 ! videoconvert ! \
    video/x-raw,format=I420 ! jpegenc quality="$1" ! filesink location="$work/sent.jpg"
  # shellcheck disable=SC2086 # words of a pipeline
  gst-launch-1.0 -q $source num-buffers=1 ! jpegparse ! rtpmjpegpay ! \
    rtpjpegdepay ! filesink location="$work/whole.jpg"
  size=$(($(wc -c < "$work/sent.jpg") / 1000))
}
i=0
while [ "$i" -lt "$frames" ]; do
  ln -s sent.jpg "$work/$(printf %05d "$i").jpg"
  i=$((i + 1))
done
source="imagesequencesrc location=$work/%05d.jpg start-index=0 stop-index=$((frames - 1)) framerate=$rate/1"

# Between the socket and the disk.
queue='queue max-size-buffers=0 max-size-bytes=0 max-size-time=0'

# How many ms the receiver's threads were ready to run and did not
# (Documentation/scheduler/sched-stats.rst: run_delay); 0 where it is not told.
delay () {
  cat /proc/"$receiver"/task/*/schedstat 2> /dev/null |
    awk '{ sum += $2 } END { printf "%d", sum / 1000000 }'
}

# PROPERTIES: sets `intact`, `lost` and `delayed`.
run () {
  port=$(free_port)
  rm -rf "$work/got"
  mkdir "$work/got"
  # shellcheck disable=SC2086 # words of a pipeline
  gst-launch-1.0 -q -e udpsrc address=127.0.0.1 port="$port" caps="$caps" ! \
    rtpjpegdepay ! $queue ! multifilesink location="$work/got/%05d.jpg" \
    > "$work/receiver.log" 2>&1 &
  receiver=$!
  until socket "$port" > /dev/null; do
    kill -0 "$receiver" || { cat "$work/receiver.log"; fail "no receiver"; }
    sleep 0.05
  done
  # shellcheck disable=SC2086 # words of a pipeline
  gst-launch-1.0 -q $source ! jpegparse ! rtpmjpegpay $1 ! \
    udpsink host=127.0.0.1 port="$port" sync=true
  # Nothing is left in the socket, and the last file is written.
  until socket "$port" | grep -q ':00000000 00:'; do sleep 0.05; done
  lost=$(socket "$port" | awk '{ print $NF }')
  delayed=$(delay)
  kill -INT "$receiver"
  wait "$receiver" || true
  receiver=
  intact=0
  for file in "$work"/got/*.jpg; do
    if cmp -s "$file" "$work/whole.jpg"; then intact=$((intact + 1)); fi
  done
}

row () {
  printf '%5s KB  %-6s  %3s of %s frames intact  %6s packets lost  %5s ms delayed\n' \
    "$size" "$1" "$intact" "$frames" "$lost" "$delayed"
}

# QUALITY PERCENT: at least so many of the paced frames arrive whole.
show () {
  picture "$1"
  run ''
  row burst
  try=1
  starved=0
  while :; do
    run "$pacing"
    row paced
    [ $((intact * 100)) -lt $((frames * $2)) ] || return 0
    if [ "$delayed" -gt "$patience" ]; then
      starved=$((starved + 1))
      [ "$starved" -lt "$tries" ] || skip "the machine is too busy to tell"
      echo "does not count: the receiver waited for a processor"
    else
      [ "$try" -lt "$tries" ] || fail "$size KB: fewer than $2 % of the frames, $tries times"
      try=$((try + 1))
      echo "not enough: try $try of $tries"
    fi
  done
}

echo "socket buffer: $(cat /proc/sys/net/core/rmem_default) bytes; $pacing; $rate frames a second"
show 1 100
show 24 100
show 58 99

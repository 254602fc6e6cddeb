#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same pipelines with tee and with cachetee: the same files; and again from
# the cache, with a source that must not be read.
set -eu

for element in filesrc fdsrc tee queue filesink; do
  if ! gst-inspect-1.0 --exists "$element"; then
    echo "no $element"
    exit 77
  fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail () {
  echo "FAILED: $1"
  exit 1
}

# Runs a pipeline; its messages are in $work/log.
play () {
  timeout 60 gst-launch-1.0 -m "$@" >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "gst-launch-1.0 $*"
  }
}

status () {
  sed -n 's/.*cachetee-stats, status=(string)\([a-z]*\).*/\1/p' "$work/log"
}

head -c 7654321 /dev/urandom >"$work/in"

for element in tee "cachetee cache-dir=$work/cache cache-key=in"; do
  name=${element%% *}
  # shellcheck disable=SC2086 # an element and its properties
  play filesrc location="$work/in" ! $element name=t \
    t. ! queue ! filesink location="$work/$name.1" \
    t. ! queue ! filesink location="$work/$name.2"
  cmp "$work/in" "$work/$name.1" || fail "$name, first branch"
  cmp "$work/in" "$work/$name.2" || fail "$name, second branch"
done
[ "$(status)" = miss ] || fail "the first run is not a miss"
echo "ok: cachetee as tee"

# Nothing is in the file any more.
cp "$work/in" "$work/kept"
: >"$work/in"
play filesrc location="$work/in" ! \
  cachetee name=t cache-dir="$work/cache" cache-key=in \
  t. ! queue ! filesink location="$work/hit.1" \
  t. ! queue ! filesink location="$work/hit.2"
[ "$(status)" = hit ] || fail "the second run is not a hit"
cmp "$work/kept" "$work/hit.1" || fail "hit, first branch"
cmp "$work/kept" "$work/hit.2" || fail "hit, second branch"
echo "ok: served from the cache"

# And without any source.
play cachetee name=t cache-dir="$work/cache" cache-key=in ! \
  filesink location="$work/hit.3"
cmp "$work/kept" "$work/hit.3" || fail "hit without a source"
echo "ok: served without a source"

# What a run leaves of its standard input is what it did not read.
for left in 0 7654321; do
  {
    play fdsrc fd=0 ! cachetee cache-dir="$work/cache" cache-key=fd ! \
      filesink location="$work/fd"
    cat >"$work/rest"
  } <"$work/kept"
  cmp "$work/kept" "$work/fd" || fail "fdsrc"
  [ "$(wc -c <"$work/rest")" -eq "$left" ] ||
    fail "fdsrc left $(wc -c <"$work/rest") bytes and not $left"
done
echo "ok: a parked source is not read"

# A fault is one warning, and the stream is whole.
play filesrc location="$work/kept" ! \
  cachetee cache-dir="$work/kept/cache" cache-key=in ! \
  filesink location="$work/fault"
cmp "$work/kept" "$work/fault" || fail "fault"
[ "$(grep -c '^WARNING: from element' "$work/log")" -eq 1 ] ||
  fail "not one warning"
echo "ok: a folder that cannot be made is one warning"

if ! command -v ffmpeg >/dev/null || ! gst-inspect-1.0 --exists qtdemux ||
  ! gst-inspect-1.0 --exists h264parse; then
  echo "no ffmpeg, qtdemux or h264parse: fragmented MP4 was left out"
  exit 0
fi
ffmpeg -v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=4 \
  -c:v libx264 -pix_fmt yuv420p -g 25 \
  -movflags frag_keyframe+empty_moov+default_base_moof "$work/clip.mp4"
for run in miss hit; do
  play filesrc location="$work/clip.mp4" ! \
    cachetee cache-dir="$work/cache" cache-key=clip ! \
    qtdemux ! h264parse ! video/x-h264,stream-format=byte-stream ! \
    filesink location="$work/$run.h264"
  [ "$(status)" = "$run" ] || fail "the clip is no $run"
  : >"$work/clip.mp4"
done
[ -s "$work/miss.h264" ] || fail "nothing was demuxed"
cmp "$work/miss.h264" "$work/hit.h264" || fail "demuxed from the cache"
echo "ok: fragmented MP4 through qtdemux"

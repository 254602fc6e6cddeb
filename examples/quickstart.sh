#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sets everything up, builds, and shows the relay at work: DASH, HLS and a file,
# fetched through a proxy, decrypted, decoded, sent as RTP/JPEG, and received by
# stock elements. It ends with a summary and a picture. No arguments; all that it
# makes is in build/quickstart.
set -euo pipefail
# shellcheck source=tests/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tests/setup.sh"
# shellcheck source=examples/quickstart-lib.sh
. "$root/examples/quickstart-lib.sh"

work=$build/quickstart
www=$work/www # what the origin serves
seconds=8
frames=$((seconds * 30))
kid=eb676abbcb345e96bbcf616630f1a3da
key=100b6c20940f779a4589152b57d2dacb

# --- The media: one clip, and from it DASH, HLS and a file. ---

make_clip() {
  say "Making a clip of $seconds s, 720p30, with a tone"
  ffmpeg_quiet -f lavfi -i testsrc2=size=1280x720:rate=30 \
    -f lavfi -i sine=frequency=440:sample_rate=48000 -t $seconds \
    -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 60 -sc_threshold 0 \
    -c:a aac "$work/clip.mp4"
}

# cencpack [OPTION...]: one key for all that is encrypted here. A pssh (of W3C
# Common) has to find a decrypter that names its system.
encrypt() {
  "$build/tests/media/cencpack" --kid $kid --key $key \
    --pssh 1077efec-c0b2-4d02-ace3-3c1e52e2fb4b "$@" >/dev/null
}

make_dash() {
  say 'Making DASH in fragmented MP4, encrypted with cenc'
  local clear=$work/dash-clear packed=$www/dash
  local system=urn:mpeg:dash:mp4protection:2011
  mkdir "$clear" "$packed"
  (
    # The names of the segments are relative to the current folder.
    cd "$clear"
    # shellcheck disable=SC2016 # what is between $ is ffmpeg's
    ffmpeg_quiet -i "$work/clip.mp4" -c copy -f dash -seg_duration 2 \
      -adaptation_sets 'id=0,streams=v id=1,streams=a' \
      -init_seg_name 'init-$RepresentationID$.mp4' \
      -media_seg_name '$RepresentationID$-$Number$.m4s' index.mpd
  )
  # In one call, so that no IV comes twice under the key.
  encrypt --scheme cenc -o "$packed" "$clear"/init-0.mp4 "$clear"/0-*.m4s \
    "$clear"/init-1.mp4 "$clear"/1-*.m4s
  sed "s|<AdaptationSet [^>]*>|&<ContentProtection schemeIdUri=\"$system\" \
value=\"cenc\" xmlns:cenc=\"urn:mpeg:cenc:2013\" \
cenc:default_KID=\"${kid:0:8}-${kid:8:4}-${kid:12:4}-${kid:16:4}-${kid:20}\"/>|" \
    "$clear/index.mpd" >"$packed/index.mpd"
}

make_hls() {
  say 'Making HLS in MPEG-TS, clear'
  mkdir "$www/hls"
  ffmpeg_quiet -i "$work/clip.mp4" -c copy -f hls -hls_time 2 \
    -hls_playlist_type vod -hls_segment_filename "$www/hls/%d.ts" \
    "$www/hls/index.m3u8"
}

make_file() {
  say 'Making a fragmented MP4 file, encrypted with cbcs'
  ffmpeg_quiet -i "$work/clip.mp4" -c copy \
    -movflags frag_keyframe+empty_moov+default_base_moof "$work/file.mp4"
  encrypt --scheme cbcs -o "$www/file.mp4" "$work/file.mp4"
}

# What the receivers should get: the clear clip by the same decoder and encoder.
make_reference() {
  say 'Making the pictures to compare with'
  mkdir "$work/reference"
  gst-launch-1.0 -q filesrc location="$work/clip.mp4" ! qtdemux ! h264parse ! \
    avdec_h264 ! jpegenc ! multifilesink \
    location="$work/reference/%05d.jpg" 2>"$work/reference.log" ||
    die "the clear clip cannot be played; see $work/reference.log"
  hashes "$work/reference" >"$work/reference.md5"
}

make_media() {
  local made=$work/made
  if [[ $made -nt ${BASH_SOURCE[0]} &&
    $made -nt $build/tests/media/cencpack ]]; then
    say "The media are there: $www"
    return
  fi
  rm -rf "$work"/{made,www,dash-clear,reference}
  mkdir "$www"
  make_clip
  make_dash
  make_hls
  make_file
  make_reference
  touch "$made"
}

# --- The jobs. Each is a launch line for gst-launch-1.0, see `relay`. ---

play_video='h264parse ! avdec_h264 ! jpegenc ! rtpmjpegpay'

dash() {
  relay dash \
    adaptivesrc name=s location="$origin/dash/index.mpd" proxy="$proxy" \
    s.video_0 ! cachetee name=t cache-dir="$work/cache" cache-key=dash-video \
    t. ! queue ! qtdemux ! cencdecrypt keys=$kid:$key ! "$play_video" ! SINK \
    t. ! queue ! filesink location="$work/recorded.mp4" \
    s.audio_0 ! qtdemux ! cencdecrypt name=sound keys=$kid:$key ! \
    aacparse ! avdec_aac ! fakesink

  local files sound
  files=$(find "$www/dash" -type f | wc -l)
  sound=$(ffprobe -v error -select_streams a -count_packets \
    -show_entries stream=nb_read_packets -of csv=p=0 "$work/clip.mp4")
  expect 'DASH: requests, one for each file' "${proxied[dash]}" "$files"
  expect 'DASH: sound samples decrypted' \
    "$(counter dash cencdecrypt samples-decrypted sound)" "$sound"
  expect 'DASH: the recorded container' \
    "$(sha256sum <"$work/recorded.mp4")" \
    "$(cat "$www"/dash/init-0.mp4 "$www"/dash/0-*.m4s | sha256sum)"
  expect_job dash DASH miss
}

hls() {
  relay hls \
    adaptivesrc name=s location="$origin/hls/index.m3u8" proxy="$proxy" \
    s.video_0 ! tsdemux ! "$play_video" ! SINK

  expect 'HLS: requests, one for each file' "${proxied[hls]}" \
    "$(find "$www/hls" -type f | wc -l)"
  expect_job hls HLS -
}

# file NAME TITLE REQUESTS CACHE-STATUS
file() {
  relay "$1" \
    proxyhttpsrc location="$origin/file.mp4" proxy="$proxy" ! \
    cachetee cache-dir="$work/cache" cache-key=file ! \
    cencmp4decrypt keys=$kid:$key ! qtdemux ! "$play_video" ! SINK

  expect "$2: requests" "${proxied[$1]}" "$3"
  expect_job "$1" "$2" "$4"
}

# --- The main job ---

trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[[ $# -eq 0 ]] || die "usage: ${BASH_SOURCE[0]}"
setup_packages build run
setup_env
# The tests take most of the compiler's time.
setup_build gstadaptive gstcachetee gstcenc gstrtpmjpeg origin cencpack
mkdir -p "$work"
lock "$work/lock"
check_elements adaptivesrc proxyhttpsrc cachetee cencdecrypt cencmp4decrypt \
  rtpmjpegpay -- qtdemux tsdemux h264parse aacparse avdec_h264 avdec_aac \
  jpegenc udpsink udpsrc rtpjpegdepay multifilesink
make_media
rm -rf "$work"/{cache,received,log,recorded.mp4}
mkdir "$work/received" "$work/log"

start_origin
start_proxy
say "Origin $origin, proxy $proxy, which connects from $proxy_address"
say '1. DASH: cachetee, cencdecrypt; a second branch records'
dash
say '2. HLS'
hls
say '3. The file: cachetee, cencmp4decrypt'
file file 'File' 1 miss
say '   and again, from the cache'
file again 'File again' 0 hit
stop_all

summary dash DASH hls HLS file File again 'File again'
contact_sheet "$work/received.png" dash hls file again
verdict

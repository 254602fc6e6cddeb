#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sets everything up and runs the main job on media that it makes itself:
#
#   1. encrypted DASH   -> cachetee -> cencdecrypt -> RTP/JPEG, and a recording
#   2. clear HLS        -> RTP/JPEG
#   3. an encrypted MP4 -> cachetee -> cencmp4decrypt -> RTP/JPEG, twice: the
#      second time from the cache
#
# Everything is fetched through an HTTP proxy, received by stock elements, and
# compared with what the clear clip gives. Files: build/quickstart/.
set -euo pipefail
# shellcheck source=tests/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tests/setup.sh"

seconds=8
frames=240 # of them, at 30 per second
kid=eb676abbcb345e96bbcf616630f1a3da
key=100b6c20940f779a4589152b57d2dacb
work=$build/quickstart
media=$work/media
origin_log=$work/origin.log
caps='application/x-rtp,media=video,clock-rate=90000,encoding-name=JPEG,payload=26'
pids=()
failures=()
rows=()

# shellcheck disable=SC2317  # called by the trap
clean_up() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# expect WHAT COMMAND...: notes a failure and goes on.
expect() {
  local what=$1
  shift
  "$@" || failures+=("$what")
}

# Waits for up to 10 seconds until the command succeeds.
wait_until() {
  for _ in $(seq 200); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.05
  done
  return 1
}

# ---- Media -------------------------------------------------------------------

# Encrypts fragments with the scheme $1; the rest are cencpack's arguments.
pack() {
  "$build/tests/media/cencpack" --scheme "$1" --kid $kid --key $key "${@:2}" >/dev/null ||
    die "the media could not be encrypted"
}

make_media() {
  [[ ! -e $media/complete ]] || return 0
  say "Making the media"
  rm -rf "$media"
  mkdir -p "$media"/{dash,hls,clear}
  cd "$media"
  local quiet=(ffmpeg -nostdin -v error -y)
  "${quiet[@]}" -f lavfi -i "testsrc2=s=1280x720:r=30:d=$seconds" \
    -f lavfi -i "sine=f=440:r=48000:d=$seconds" \
    -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 60 -c:a aac clip.mp4

  # MPEG-TS in HLS, clear.
  "${quiet[@]}" -i clip.mp4 -c copy -f hls -hls_time 2 -hls_playlist_type vod \
    -hls_segment_filename 'hls/clip%d.ts' hls/clip.m3u8

  # Fragmented MP4 in DASH; bookworm's ffmpeg cannot encrypt fragments.
  # shellcheck disable=SC2016  # these $ are DASH's
  "${quiet[@]}" -i clip.mp4 -c copy -f dash -seg_duration 2 \
    -init_seg_name 'init-$RepresentationID$.mp4' \
    -media_seg_name 'clip-$RepresentationID$-$Number$.m4s' clear/clip.mpd
  for track in 0 1; do
    # With one key for both, the counters of the tracks must not meet.
    pack cenc --iv "0${track}00000000000001" -o dash \
      "clear/init-$track.mp4" clear/clip-$track-?.m4s
  done
  local id="${kid:0:8}-${kid:8:4}-${kid:12:4}-${kid:16:4}-${kid:20}"
  sed -e 's|<MPD |&xmlns:cenc="urn:mpeg:cenc:2013" |' \
    -e "s|<AdaptationSet [^>]*>|&<ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"cenc\" cenc:default_KID=\"$id\"/>|" \
    clear/clip.mpd >dash/clip.mpd

  # One fragmented MP4 with both tracks.
  "${quiet[@]}" -i clip.mp4 -c copy -movflags frag_keyframe+empty_moov+default_base_moof \
    clear/file.mp4
  pack cbcs -o file.mp4 clear/file.mp4

  # What must come out: the clear clip by the same decoder and encoder.
  mkdir "$media/reference"
  gst-launch-1.0 -q filesrc location=clip.mp4 ! qtdemux ! h264parse ! avdec_h264 ! \
    jpegenc ! multifilesink location=reference/%05d.jpg >"$work/reference.log" 2>&1 ||
    die "the reference could not be made; see $work/reference.log"
  frame_hashes reference >reference.md5
  touch complete
}

# The hashes of a folder's decoded pictures: rtpjpegdepay writes another JPEG
# header, with the same picture behind it.
frame_hashes() {
  ffmpeg -nostdin -v error -f image2 -i "$1/%05d.jpg" -f framemd5 - |
    sed -n '/^[^#]/s/.*, *//p'
}

# ---- Servers -----------------------------------------------------------------

listens() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# tinyproxy takes no port 0 and says nothing of its own: a port that is free.
start_proxy() {
  for _ in 1 2 3 4 5; do
    proxy_port=$((20000 + RANDOM % 12000))
    ! listens $proxy_port || continue
    cat >"$work/tinyproxy.conf" <<END
Port $proxy_port
Listen 127.0.0.1
Bind 127.0.0.2
Timeout 60
Allow 127.0.0.1
END
    tinyproxy -d -c "$work/tinyproxy.conf" >"$work/tinyproxy.log" 2>&1 &
    pids+=($!)
    if wait_until listens $proxy_port && kill -0 $! 2>/dev/null; then return; fi
  done
  die "the proxy does not start; see $work/tinyproxy.log"
}

start_servers() {
  say "Starting the origin and the proxy"
  "$build/examples/origin" --log "$origin_log" "$media" >"$work/origin.out" 2>&1 &
  pids+=($!)
  wait_until grep -q '^port ' "$work/origin.out" ||
    die "the origin does not start; see $work/origin.out"
  origin=http://127.0.0.1:$(sed -n 's/^port //p' "$work/origin.out")
  start_proxy
  proxy=http://127.0.0.1:$proxy_port
  : >"$origin_log"
}

# ---- A job -------------------------------------------------------------------

# Starts a stock receiver into the folder $1; sets receiver and rtp_port.
start_receiver() {
  rm -rf "$1"
  mkdir -p "$1"
  gst-launch-1.0 -e -v udpsrc address=127.0.0.1 port=0 buffer-size=212992 \
    caps="$caps" ! rtpjpegdepay ! multifilesink location="$1/%05d.jpg" \
    >"$1.receiver.log" 2>&1 &
  receiver=$!
  pids+=("$receiver")
  wait_until grep -q 'Setting pipeline to PLAYING' "$1.receiver.log" ||
    die "the receiver does not start; see $1.receiver.log"
  rtp_port=$(sed -n 's/.*udpsrc0: port = \([1-9][0-9]*\).*/\1/p' "$1.receiver.log" | tail -1)
  [[ -n $rtp_port ]] || die "the receiver has no port; see $1.receiver.log"
}

count_received() {
  find "$1" -name '*.jpg' | wc -l
}

# No EOS comes over UDP: done when all are there, or for a second none came.
stop_receiver() {
  local before=-1 now still=0
  while now=$(count_received "$1"); [[ $now -lt $frames && $still -lt 10 ]]; do
    if [[ $now -eq $before ]]; then still=$((still + 1)); else still=0; fi
    before=$now
    sleep 0.1
  done
  drops=$(awk -v port="$(printf ':%04X' "$rtp_port")" \
    'index ($2, port) {print $NF}' /proc/net/udp)
  kill -INT "$receiver" 2>/dev/null || true
  wait "$receiver" || true
}

# field ELEMENT-MESSAGE FIELD LOG: a number of the last such message.
field() {
  sed -n "s/.*[ \"]$1,.*[ ]$2=([a-z0-9]*)\([^,;]*\).*/\1/p" "$3" | tail -1
}

# run_job NAME PIPELINE...: the words RTP stand for the way from pictures to
# the receiver.
run_job() {
  local name=$1 folder=$work/$1 log=$work/$1.log word pipeline=()
  shift
  say "Job $name"
  start_receiver "$folder"
  for word in "$@"; do
    if [[ $word == RTP ]]; then
      pipeline+=(jpegenc ! rtpmjpegpay ! udpsink host=127.0.0.1
        port="$rtp_port" sync=false max-bitrate=200000000)
    else
      pipeline+=("$word")
    fi
  done
  local first began=${EPOCHREALTIME/./} status=0
  first=$(($(wc -l <"$origin_log") + 1))
  timeout 60 gst-launch-1.0 -m "${pipeline[@]}" >"$log" 2>&1 || status=$?
  local took=$(((${EPOCHREALTIME/./} - began) / 1000))
  stop_receiver "$folder"
  if [[ $status -ne 0 ]]; then
    failures+=("$name: $(grep -m 1 -o 'ERROR.*' "$log" || echo "the pipeline ended with status $status"); see $log")
  fi
  judge "$name" "$folder" "$log" "$first" "$took"
}

# Adds a row to the summary, and what is wrong to the failures.
judge() {
  local name=$1 folder=$2 log=$3 first=$4 took=$5
  local proxied direct bytes sent received cache identical
  proxied=$(tail -n "+$first" "$origin_log" | grep -c '^127\.0\.0\.2:' || true)
  direct=$(tail -n "+$first" "$origin_log" | grep -vc '^127\.0\.0\.2:' || true)
  bytes=$(tail -n "+$first" "$origin_log" | awk '{sum += $NF} END {print sum + 0}')
  sent=$(field rtpmjpegpay-stats frames "$log")
  cache=$(sed -n 's/.*cachetee-status, status=([A-Za-z]*)"*\([a-z]*\).*/\1/p' "$log" | tail -1)
  received=$(count_received "$folder")
  identical=no
  if [[ $received -ne $frames ]]; then
    failures+=("$name: $received of $frames frames came; the kernel dropped ${drops:-an unknown number of} packets")
  elif frame_hashes "$folder" | cmp -s - "$media/reference.md5"; then
    identical=yes
  else
    failures+=("$name: the pictures differ, $(psnr "$folder")")
  fi
  expect "$name: ${sent:-0} of $frames frames were sent" [ "${sent:-0}" = $frames ]
  expect "$name: $direct requests went past the proxy" [ "$direct" = 0 ]
  rows+=("$(printf '%-12s %8s %7s %9s %6s %9s %10s %7s %6s.%03d s' "$name" "$proxied" \
    "$direct" "$bytes" "${sent:--}" "$received" "$identical" "${cache:--}" \
    $((took / 1000)) $((took % 1000)))")
  job_requests=$((proxied + direct))
  job_cache=$cache
}

psnr() {
  ffmpeg -nostdin -f image2 -i "$1/%05d.jpg" -f image2 -i "$media/reference/%05d.jpg" \
    -lavfi psnr -f null - 2>&1 | grep -o 'PSNR .*' || echo "and cannot be compared"
}

# ---- The jobs ----------------------------------------------------------------

dash() {
  run_job dash adaptivesrc name=s location="$origin/dash/clip.mpd" proxy="$proxy" \
    s.video_0 ! cachetee name=c cache-dir="$work/cache" cache-key=dash-video \
    c. ! queue ! qtdemux ! cencdecrypt keys=$kid:$key ! h264parse ! avdec_h264 ! RTP \
    c. ! queue ! filesink location="$work/recorded.mp4" async=false \
    s.audio_0 ! qtdemux ! cencdecrypt keys=$kid:$key ! aacparse ! avdec_aac ! fakesink sync=false
  expect "dash: the recorded container is not what the origin has" \
    cmp -s "$work/recorded.mp4" <(cat "$media"/dash/init-0.mp4 "$media"/dash/clip-0-?.m4s)
}

hls() {
  run_job hls adaptivesrc name=s location="$origin/hls/clip.m3u8" proxy="$proxy" \
    s.video_0 ! tsdemux ! h264parse ! avdec_h264 ! RTP
}

file() {
  run_job "$1" proxyhttpsrc location="$origin/file.mp4" proxy="$proxy" ! \
    cachetee cache-dir="$work/cache" cache-key=file ! cencmp4decrypt keys=$kid:$key ! \
    qtdemux name=d d.video_0 ! queue ! h264parse ! avdec_h264 ! RTP
}

# Four frames of each job that received enough.
contact_sheet() {
  local sheet=$work/contact-sheet.png folder n count=0
  rm -rf "$work/sheet" "$sheet"
  mkdir "$work/sheet"
  for folder in dash hls file-first file-second; do
    for n in 00015 00085 00155 00225; do
      [[ -e $work/$folder/$n.jpg ]] || continue
      cp "$work/$folder/$n.jpg" "$(printf '%s/sheet/%05d.jpg' "$work" $count)"
      count=$((count + 1))
    done
  done
  [[ $count -gt 0 ]] || return 0
  ffmpeg -nostdin -v error -y -f image2 -i "$work/sheet/%05d.jpg" \
    -vf 'scale=320:-1,tile=4x4:padding=4' -frames:v 1 -update 1 "$sheet"
  say "Contact sheet (received frames; one row for each job): $sheet"
}

summary() {
  say ''
  printf '%-12s %8s %7s %9s %6s %9s %10s %7s %10s\n' job proxied direct bytes sent \
    received identical cache time
  printf '%s\n' "${rows[@]}"
  say ''
  contact_sheet
  if [[ ${#failures[@]} -gt 0 ]]; then
    printf 'failed: %s\n' "${failures[@]}" >&2
    exit 1
  fi
  say "All requests went through the proxy, and every frame came as it should. ($SECONDS s)"
}

setup_packages build run
setup_env
setup_build
mkdir -p "$work"
rm -rf "$work/cache"
make_media
start_servers
dash
hls
file file-first
expect "file-first: the cache was '$job_cache' and not 'miss'" [ "$job_cache" = miss ]
file file-second
expect "file-second: the cache was '$job_cache' and not 'hit'" [ "$job_cache" = hit ]
expect "file-second: $job_requests requests, and there should be none" [ "$job_requests" = 0 ]
summary

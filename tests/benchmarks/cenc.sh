#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whole processes: cencmp4decrypt and cencdecrypt beside GStreamer without
# decryption, and beside ffmpeg, on files that ffmpeg and cencpack make.
#
#   tests/benchmarks/cenc.sh BUILD [FRAMES [ROUNDS]]
#
# BUILD is a build folder, in which tests/media/cencpack has been built. A frame
# is some 3.2 MB; 540 of them (the default) are 1.7 GB, all of which, encrypted
# and clear, is meant to stay in the page cache. Seconds are CPU time, user and
# system, so that other programs matter less; each is the median of ROUNDS.
set -euo pipefail

build=$(cd "$1" && pwd)
frames=${2:-540}
rounds=${3:-7}
kid=eb676abbcb345e96bbcf616630f1a3da
key=100b6c20940f779a4589152b57d2dacb
export GST_PLUGIN_PATH_1_0=$build/gst:$build/ext
export GST_REGISTRY=$build/registry.bin

work=$(mktemp -d "${TMPDIR:-/var/tmp}/relay-XXXXXX")
trap 'rm -rf "$work"' EXIT

# encode OUTPUT OPTION...
encode() {
  local output=$1
  shift
  ffmpeg -v error -y "$@" \
    -movflags frag_keyframe+empty_moov+default_base_moof "$output" </dev/null
}

# Noise, of which a few frames make a loop, for nobody looks at it.
make_files() {
  encode "$work/loop.mp4" \
    -f lavfi -i 'nullsrc=s=1920x1080:r=25,geq=random(1)*255:128:128' \
    -frames:v 10 -c:v libx264 -preset ultrafast -qp 4 -g 5
  encode "$work/clear-video.mp4" \
    -stream_loop $((frames / 10 - 1)) -i "$work/loop.mp4" -c copy
  rm "$work/loop.mp4"
  encode "$work/clear-sound.mp4" -f lavfi -i sine=sample_rate=48000 -t 1800 \
    -c:a aac -b:a 128k -frag_duration 2000000
  for medium in video sound; do
    # ffmpeg reads its own files and not those of others, as it loses count of
    # fragments.
    ffmpeg -v error -i "$work/clear-$medium.mp4" -c copy \
      -encryption_scheme cenc-aes-ctr -encryption_kid $kid \
      -encryption_key $key "$work/ffmpeg-$medium.mp4" </dev/null
    for scheme in cenc cbcs; do
      "$build/tests/media/cencpack" --scheme $scheme --kid $kid --key $key \
        -o "$work/$scheme-$medium.mp4" "$work/clear-$medium.mp4" >/dev/null
    done
  done
}

# CPU seconds of a command.
cost() {
  local TIMEFORMAT='%U %S'
  # ffmpeg ends with success whatever it could not read.
  if ! { time "$@" >/dev/null 2>"$work/log"; } 2>"$work/time" ||
    [[ -s $work/log ]]; then
    cat "$work/log" >&2
    exit 1
  fi
  awk '{ print $1 + $2 }' "$work/time"
}

median() {
  sort -g | awk '{ v[NR] = $1 } END {
    n = int ((NR + 1) / 2); print NR % 2 ? v[n] : (v[n] + v[n + 1]) / 2 }'
}

# compare NAME OURS PEER: two functions, in turn.
compare() {
  local name=$1 ours=$2 peer=$3 i a b
  : >"$work/a"
  : >"$work/b"
  : >"$work/r"
  for ((i = 0; i < rounds; i++)); do
    a=$(cost "$ours")
    b=$(cost "$peer")
    echo "$a" >>"$work/a"
    echo "$b" >>"$work/b"
    awk -v a="$a" -v b="$b" 'BEGIN { print a / b }' >>"$work/r"
  done
  printf '%-40s  seconds %.3f  peer %.3f  ratio %.3f\n' "$name" \
    "$(median <"$work/a")" "$(median <"$work/b")" "$(median <"$work/r")"
}

launch() {
  gst-launch-1.0 -q "$@" ! fakesink sync=false
}
bytes() {
  launch filesrc location="$file" blocksize=1048576 ! \
    cencmp4decrypt keys=$kid:$key
}
bytes_alone() {
  launch filesrc location="$file" blocksize=1048576
}
samples() {
  launch filesrc location="$file" ! qtdemux ! cencdecrypt keys=$kid:$key
}
# fakesink takes what is encrypted; identity is the least that can be there.
samples_alone() {
  launch filesrc location="$file" ! qtdemux ! identity silent=true
}
queued() {
  launch filesrc location="$file" ! queue ! qtdemux ! \
    cencdecrypt keys=$kid:$key
}
queued_alone() {
  launch filesrc location="$file" ! queue ! qtdemux ! identity silent=true
}
by_ffmpeg() {
  ffmpeg -v error -decryption_key $key -i "$work/ffmpeg-$medium.mp4" -c copy -f null - </dev/null
}

# The file with its fragments COUNT times.
repeated() {
  local at i
  at=$(($(head -c 65536 "$file" | grep -abo moof | sed -n '1s/:.*//p') - 4))
  head -c $at "$file"
  for ((i = 0; i < $1; i++)); do tail -c +$((at + 1)) "$file"; done
}
# The most memory, in KB, that a line needs for that.
peak() {
  local count=$1
  shift
  repeated "$count" | /usr/bin/time -f %M gst-launch-1.0 -q \
    fdsrc blocksize=1048576 ! "$@" ! fakesink sync=false 2>&1
}
# growth NAME ELEMENT...
growth() {
  local name=$1
  shift
  printf '%-40s  KB %s  six times as long %s\n' "$name" \
    "$(peak 1 "$@")" "$(peak 6 "$@")"
}

make_files
for scheme in cenc cbcs; do
  medium=video
  file=$work/$scheme-video.mp4
  cat "$file" "$work/ffmpeg-video.mp4" >/dev/null
  printf '%s: %s MB of video, %s MB of sound\n' "$scheme" \
    $(($(stat -c %s "$file") / 1000000)) \
    $(($(stat -c %s "$work/$scheme-sound.mp4") / 1000000))
  compare "$scheme cencmp4decrypt / filesrc" bytes bytes_alone
  compare "$scheme cencdecrypt / identity, pull" samples samples_alone
  compare "$scheme cencdecrypt / identity, push" queued queued_alone
  if [[ $scheme == cenc ]]; then
    growth 'cenc cencmp4decrypt, memory' cencmp4decrypt keys=$kid:$key
    growth 'cenc cencdecrypt, memory' qtdemux ! cencdecrypt keys=$kid:$key
    growth 'cenc identity, memory' qtdemux ! identity silent=true
    compare 'cenc cencmp4decrypt / ffmpeg' bytes by_ffmpeg
    compare 'cenc cencdecrypt / ffmpeg' samples by_ffmpeg
  fi
  medium=sound
  file=$work/$scheme-sound.mp4
  compare "$scheme cencdecrypt / identity, sound" samples samples_alone
  if [[ $scheme == cenc ]]; then
    compare 'cenc cencdecrypt / ffmpeg, sound' samples by_ffmpeg
  fi
done

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real H.264 of 4 slices, H.265 and AAC, in a file each and two of them in one,
# encrypted by cencpack in all schemes, patterns, with and without a clear lead,
# with one key, one for each track and many: what cencmp4decrypt, and where
# stock qtdemux tells enough cencdecrypt, make of it is the clear samples.
set -euo pipefail

cencpack=$RELAY_BUILD/tests/media/cencpack
kid=00112233445566778899aabbccddeeff
key=0123456789abcdef0123456789abcdef
second=a0112233445566778899aabbccddeeff:a123456789abcdef0123456789abcdef

skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "FAILED: $*"
  cat "$work/log" 2>/dev/null || true
  exit 1
}
for tool in ffmpeg gst-launch-1.0; do
  command -v "$tool" >/dev/null || skip "no $tool"
done
gst-inspect-1.0 --exists qtdemux || skip 'no qtdemux'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

make() {
  ffmpeg -nostdin -v error -y "$@"
}
fragments=(-movflags 'frag_keyframe+empty_moov+default_base_moof')
pictures=(-f lavfi -i 'testsrc2=size=192x108:rate=25:duration=2'
  -pix_fmt yuv420p -g 10)
make "${pictures[@]}" -c:v libx264 -slices 4 "${fragments[@]}" h264.mp4
make -f lavfi -i sine=sample_rate=48000:duration=2 -c:a aac \
  -frag_duration 400000 "${fragments[@]}" aac.mp4
make -i h264.mp4 -i aac.mp4 -c copy -frag_duration 400000 \
  -movflags frag_keyframe+empty_moov both.mp4
media=(h264 aac both)
if make "${pictures[@]}" -c:v libx265 -x265-params log-level=error \
  "${fragments[@]}" hevc.mp4 2>log; then
  media+=(hevc)
else
  echo 'skipped: H.265, for ffmpeg has no libx265'
fi

# All rotations of kid and key, and the second track's.
all_keys() {
  local k=$kid e=$key
  for _ in {1..16}; do
    printf '%s:%s,' "$k" "$e"
    k=${k:2}${k:0:2} e=${e:2}${e:0:2}
  done
  printf '%s' $second
}
keys=$(all_keys)

# branch NAME OUT DECRYPT...: the samples of a file, each track into a file of
# its own, as elements in line.
line=() branches=0
branch() {
  local in=$1 out=$2 video='' audio=''
  shift 2
  branches=$((branches + 1))
  local demuxer=d$branches
  [[ $in == *aac* ]] || video=yes
  [[ $in != *aac* && $in != *both* ]] || audio=yes
  line+=(filesrc location="$in")
  # In front of the demuxer, or behind it.
  [[ ${1:-} != cencmp4decrypt ]] || line+=(! "$@")
  line+=(! qtdemux name="$demuxer")
  local behind=()
  [[ ${1:-} != cencdecrypt ]] || behind=(! "$@")
  [[ -z $video ]] || line+=("$demuxer.video_0" "${behind[@]}" ! queue !
    filesink async=false location="$out.v.es")
  [[ -z $audio ]] || line+=("$demuxer.audio_0" "${behind[@]}" ! queue !
    filesink async=false location="$out.a.es")
}
for name in "${media[@]}"; do branch "$name.mp4" "clear-$name"; done
gst-launch-1.0 -q "${line[@]}" >log 2>&1 || fail 'the clear files'
for name in clear-*.es; do
  [[ -s $name ]] || fail "$name: nothing was demuxed"
done

cells=0 by_samples=0
# cell SCHEME [OPTION...]
cell() {
  local scheme=$1 options=("${@:2}") name file told=
  # Groups, which are how cencpack leaves samples clear and changes keys, are
  # not for every version of qtdemux; nor are two of the schemes.
  [[ $scheme != cenc && $scheme != cbcs || "$*" == *--clear-lead* ||
    "$*" == *--rotate* ]] || told=yes
  line=() branches=0
  for name in "${media[@]}"; do
    if [[ "$*" == *--track* && $name != both ]]; then continue; fi
    "$cencpack" --scheme "$scheme" --kid $kid --key $key "${options[@]}" \
      -o "in-$name.mp4" "$name.mp4" >log 2>&1 || fail "cencpack $* $name"
    branch "in-$name.mp4" "bytes-$name" cencmp4decrypt "keys=$keys"
    [[ -n $told ]] || continue
    branch "in-$name.mp4" "samples-$name" cencdecrypt "keys=$keys"
    by_samples=$((by_samples + 1))
  done
  timeout 120 gst-launch-1.0 -q "${line[@]}" >log 2>&1 || fail "$*"
  for file in bytes-*.es samples-*.es; do
    [[ -e $file ]] || continue
    cmp "$file" "clear-${file#*-}" >>log 2>&1 || fail "$*: $file"
  done
  rm -f in-* bytes-* samples-*
  cells=$((cells + 1))
}

# leads_and_keys SCHEME [OPTION...]
leads_and_keys() {
  local lead
  for lead in '' '--clear-lead 2'; do
    # shellcheck disable=SC2086 # an option and its value, or none
    {
      cell "$@" $lead
      cell "$@" $lead --track "2=$second"
      cell "$@" $lead --rotate 1
    }
  done
}

wraps=0123456789abcdeffffffffffffffff0
plain=0123456789abcdef0123456789abcdef
leads_and_keys cenc --unaligned
leads_and_keys cenc --unaligned --iv $wraps
leads_and_keys cbc1 --iv $wraps
for pattern in 1:9 5:5 3:7 2:8 10:0 0:0; do
  leads_and_keys cens --pattern $pattern
  leads_and_keys cbcs --pattern $pattern
done
for iv in 0123456789abcdef ffffffffffffffff $plain $wraps; do
  for scheme in cenc cens cbcs; do cell $scheme --iv "$iv"; done
  cell cbcs --iv "$iv" --per-sample-iv
  cell cenc --unaligned --iv "$iv"
done
for iv in $plain ffffffffffffffffffffffffffffffff; do cell cbc1 --iv "$iv"; done
echo "ok: $cells times ${media[*]}: cencmp4decrypt; $by_samples files by cencdecrypt"

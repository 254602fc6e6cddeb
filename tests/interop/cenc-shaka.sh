#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What shaka-packager encrypts, in all the ways that it can: cencmp4decrypt, and
# cencdecrypt behind the stock demuxers, find the samples again that the same
# packager writes in the clear; and so does ffmpeg, where it is right.
set -euo pipefail

kid=00112233445566778899aabbccddeeff
key=0123456789abcdef0123456789abcdef
sound_kid=a0112233445566778899aabbccddeeff
sound_key=a123456789abcdef0123456789abcdef

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
for element in qtdemux matroskademux; do
  gst-inspect-1.0 --exists $element || skip "no $element"
done
case $(uname -m) in
  x86_64) machine=x64 ;;
  aarch64) machine=arm64 ;;
  *) machine=none ;;
esac
packager=${RELAY_SHAKA_PACKAGER:-$RELAY_BUILD/npm/node_modules/shaka-packager/bin/packager-linux-$machine}
[[ -x $packager ]] ||
  skip 'no shaka-packager (tests/run.sh has npm install it, where there is npm)'
"$packager" --version >/dev/null 2>&1 || skip 'shaka-packager does not run here'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Sources, as far as ffmpeg has encoders. Of two segments, and a bit.
make() {
  ffmpeg -nostdin -v error -y "$@" </dev/null
}
pictures=(-f lavfi -i 'testsrc2=size=192x108:rate=25:duration=2.4'
  -pix_fmt yuv420p -g 25)
make "${pictures[@]}" -c:v libx264 -slices 4 h264.mp4
make -f lavfi -i sine=sample_rate=48000:duration=2.4 -c:a aac aac.mp4
media=(h264 aac)
# try NAME ENCODER [OPTION...]
try() {
  if make "${pictures[@]}" -c:v "${@:2}" "$1.mp4" 2>log; then
    media+=("$1")
  else
    echo "skipped: $1, for ffmpeg has no $2"
  fi
}
try hevc libx265 -x265-params log-level=error -tag:v hvc1
SVT_LOG=0 try av1 libsvtav1 -preset 12
try vp9 libvpx-vp9 -deadline realtime -cpu-used 8
webm=()
[[ ${media[*]} != *vp9* ]] || webm=(vp9)

# Keys of both labels, with all that --crypto_period_duration makes of them: it
# rotates them left by one byte with each period.
all_keys() {
  local list='' pair k e
  for pair in $kid:$key $sound_kid:$sound_key; do
    k=${pair%:*} e=${pair#*:}
    for _ in {1..4}; do
      list+=$k:$e,
      k=${k:2}${k:0:2} e=${e:2}${e:0:2}
    done
  done
  echo "${list%,}"
}
keys=$(all_keys)

# pack PREFIX [OPTION...]: all media, into PREFIX-NAME.mp4 and .webm.
pack() {
  local prefix=$1 streams=() name
  shift
  for name in "${media[@]}"; do
    if [[ $name == aac ]]; then
      streams+=("in=$name.mp4,stream=audio,output=$prefix-$name.mp4${labels:+,drm_label=A}")
    else
      streams+=("in=$name.mp4,stream=video,output=$prefix-$name.mp4${labels:+,drm_label=V}")
    fi
  done
  # WebM has one scheme, of IVs of 8 bytes, and no key rotation.
  if [[ $prefix == clear || $* == *"scheme cenc"* && $* != *crypto_period* &&
    ! $* =~ --iv\ [0-9a-f]{32} ]]; then
    for name in "${webm[@]}"; do
      streams+=("in=$name.mp4,stream=video,output=$prefix-$name.webm${labels:+,drm_label=V}")
    done
  fi
  "$packager" "${streams[@]}" --segment_duration 1 --fragment_duration 1 \
    --quiet "$@" >log 2>&1 || fail "shaka-packager $*"
}

# Hashes of the samples, from a pipe: ffmpeg 5.1 would read ahead to the last
# fragment's senc.
samples() {
  ffmpeg -nostdin -v error "${@:2}" -i pipe:0 -map 0 -c copy -f streamhash \
    -hash md5 - <"$1" 2>&1 || echo 'ffmpeg failed'
}

declare -A expected=()
labels=
pack clear
clear=()
for name in "${media[@]}"; do
  clear+=(filesrc location="clear-$name.mp4" ! qtdemux !
    filesink location="$name.mp4.es")
  expected[$name]=$(samples "clear-$name.mp4")
done
for name in "${webm[@]}"; do
  clear+=(filesrc location="clear-$name.webm" ! matroskademux !
    filesink location="$name.webm.es")
done
gst-launch-1.0 -q "${clear[@]}" >log 2>&1 || fail 'the clear files'
for name in "${media[@]}"; do
  [[ -s $name.mp4.es ]] || fail "$name: nothing was demuxed"
done

# Whether stock qtdemux tells cencdecrypt enough, in every version from 1.22.0.
told() {
  local name=$1 options=$2
  # Two schemes are broken files to it.
  [[ $options == *'scheme cenc'* || $options == *'scheme cbcs'* ]] || return 1
  # Before 1.24 nothing of groups, which have other IVs; see below.
  [[ $options != *'scheme cbcs'*crypto_period* ]] || return 1
  # Before 1.22.6 the clear lead of sound is sound with a constant IV.
  [[ $options != *'scheme cbcs'*'clear_lead 1'* || $name != aac ]]
}

# Whether ffmpeg 5.1 decrypts it, which takes one key: no rotation, of the
# patterns only 1:9, and the tail of cens sound is clear.
ffmpeg_is_right() {
  local name=$1 options=$2
  [[ $options != *crypto_period* ]] || return 1
  [[ $options != *crypt_byte_block* || $options == *'crypt_byte_block 1 '* ]] ||
    return 1
  [[ $options != *'scheme cens'* || $name != aac ]]
}

cells=0 by_samples=0 by_ffmpeg=0
# cell [OPTION...]
cell() {
  local options="$*" lines=() outs=() name key_of_it
  pack in "$@"
  for name in "${media[@]}"; do
    lines+=(filesrc location="in-$name.mp4" ! cencmp4decrypt "keys=$keys" !
      qtdemux ! filesink location="bytes-$name.mp4.es")
    outs+=("bytes-$name.mp4.es")
    told "$name" "$options" || continue
    lines+=(filesrc location="in-$name.mp4" ! qtdemux ! cencdecrypt "keys=$keys" !
      filesink location="samples-$name.mp4.es")
    outs+=("samples-$name.mp4.es")
    by_samples=$((by_samples + 1))
  done
  for name in "${webm[@]}"; do
    [[ -e in-$name.webm ]] || continue
    lines+=(filesrc location="in-$name.webm" ! matroskademux !
      cencdecrypt "keys=$keys" ! filesink location="samples-$name.webm.es")
    outs+=("samples-$name.webm.es")
    by_samples=$((by_samples + 1))
  done
  timeout 120 gst-launch-1.0 -q "${lines[@]}" >log 2>&1 || fail "$options"
  for name in "${outs[@]}"; do
    cmp "$name" "${name#*-}" >>log 2>&1 || fail "$options: $name"
  done
  for name in "${media[@]}"; do
    ffmpeg_is_right "$name" "$options" || continue
    key_of_it=$key
    [[ $name != aac || $options != *"$sound_key"* ]] || key_of_it=$sound_key
    [[ $(samples "in-$name.mp4" -decryption_key "$key_of_it") == \
      "${expected[$name]}" ]] || fail "$options: $name, ffmpeg"
    by_ffmpeg=$((by_ffmpeg + 1))
  done
  rm -f in-* bytes-* samples-*
  cells=$((cells + 1))
}

labels=yes
one=(--enable_raw_key_encryption --keys
  "label=V:key_id=$kid:key=$key,label=A:key_id=$kid:key=$key")
each=(--enable_raw_key_encryption --keys
  "label=V:key_id=$kid:key=$key,label=A:key_id=$sound_kid:key=$sound_key")
common=(--protection_systems Common)

# keys_and_leads SCHEME [OPTION...]
keys_and_leads() {
  local scheme=$1 lead
  shift
  for lead in 0 1; do
    cell "${one[@]}" --protection_scheme "$scheme" "$@" --clear_lead $lead \
      --protection_systems Common,Widevine,PlayReady
    cell "${each[@]}" --protection_scheme "$scheme" "$@" --clear_lead $lead
    cell "${one[@]}" --protection_scheme "$scheme" "$@" --clear_lead $lead \
      --crypto_period_duration 1 "${common[@]}"
  done
}
for scheme in cenc cbc1; do keys_and_leads $scheme; done
for scheme in cens cbcs; do
  for pattern in 1:9 5:5 3:7 2:8 10:0 0:0; do
    keys_and_leads $scheme --crypt_byte_block "${pattern%:*}" \
      --skip_byte_block "${pattern#*:}"
  done
done
# IVs: of both sizes, and such as wrap within the first sample.
for iv in 0123456789abcdef ffffffffffffffff; do
  for scheme in cenc cens cbcs; do
    cell "${each[@]}" --protection_scheme $scheme --clear_lead 0 --iv $iv
  done
done
for iv in 0123456789abcdef0123456789abcdef fffffffffffffffffffffffffffffff0 \
  0123456789abcdefffffffffffffffff; do
  for scheme in cenc cbc1 cbcs; do
    cell "${each[@]}" --protection_scheme $scheme --clear_lead 0 --iv $iv
  done
done
# What cannot be told is an error then, that says what to do, and no bytes.
pack in "${one[@]}" --protection_scheme cbcs --clear_lead 0 \
  --crypto_period_duration 1 "${common[@]}"
# (An error before it has prerolled may leave gst-launch-1.0 waiting for ever.)
for name in "${media[@]}"; do
  if timeout 30 gst-launch-1.0 -q filesrc location="in-$name.mp4" ! qtdemux ! \
    cencdecrypt "keys=$keys" ! filesink async=false location=out.es \
    >log 2>&1; then
    cmp out.es "$name.mp4.es" || fail "$name: wrong samples"
  else
    grep -q 'put cencmp4decrypt in front of the demuxer' log ||
      fail "$name: another error"
    [[ ! -s out.es ]] || fail "$name: samples before the error"
  fi
done

echo "ok: $cells times ${media[*]}: cencmp4decrypt; $by_samples of them," \
  "and of WebM, by cencdecrypt; $by_ffmpeg by ffmpeg"

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SAMPLE-AES in MPEG-TS and packed audio: what ffmpeg writes, encrypted by a
# program that knows nothing of ours, is the same pictures and the same sound with
# adaptivesrc as in the clear, and ffmpeg's own reader agrees.
set -euo pipefail

for tool in ffmpeg gst-launch-1.0; do
  command -v $tool >/dev/null || {
    echo "skipped: no $tool"
    exit 77
  }
done

# shellcheck source=tests/interop/served.bash
. "$(dirname "$0")/served.bash"
cd "$work/www"
key=00112233445566778899aabbccddeeff
printf '\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff' >key
hls=(-f hls -hls_time 2 -hls_playlist_type vod)
make -f lavfi -i testsrc2=s=320x180:r=25:d=6 -f lavfi -i sine=d=6 \
  -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -bf 0 -c:a aac "${hls[@]}" \
  aac.m3u8
make -i aac.m3u8 -c:v copy -c:a ac3 -b:a 192k -ar 48000 "${hls[@]}" ac3.m3u8
make -i aac.m3u8 -vn -c:a copy -f segment -segment_time 2 -segment_format adts \
  -segment_list sound.m3u8 sound%d.aac

# encrypt NAME [IV]: its segments and its playlist. Without an IV it is the media
# sequence number.
encrypt() {
  local n=0 segment
  while read -r segment; do
    "$RELAY_BUILD/tests/interop/sampleencrypt" $key \
      "${2:-$(printf %032x $((n + 65535)))}" "$segment" "sample-$segment" ||
      fail "$segment is not encrypted"
    # The last one may be a frame that is too short.
    [[ $n -gt 0 ]] || ! cmp -s "$segment" "sample-$segment" ||
      fail "$segment is as it was"
    n=$((n + 1))
  done < <(grep -v '^#' "$1.m3u8")
  [[ $n -ge 3 ]] || fail "$1: $n segments"
  sed -e '/^#EXT-X-MEDIA-SEQUENCE/d' -e 's/^\([^#]\)/sample-\1/' -e \
    "s/^#EXTM3U$/&\n#EXT-X-MEDIA-SEQUENCE:65535\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key\"${2:+,IV=0x$2}/" \
    "$1.m3u8" >"sample-$1.m3u8"
}
# ffmpeg reads the next segment, and takes its IV, before it is done with the last
# one: for the comparison it is the same for all.
encrypt aac 0102030405060708090a0b0c0d0e0f10
encrypt ac3
encrypt sound

"$RELAY_BUILD/examples/origin" --log "$work/origin.log" "$work/www" >"$work/port" &
origin_pid=$!
for _ in $(seq 200); do
  ! grep -q '^port ' "$work/port" || break
  sleep 0.05
done
base=http://127.0.0.1:$(sed -n 's/^port //p' "$work/port")

# play WHAT ARGUMENT...
play() {
  timeout 60 gst-launch-1.0 -m "${@:2}" >"$work/log" 2>&1 || fail "$1 does not play"
}
# pictures NAME; sound NAME PAD ELEMENT...; same FILE
pictures() {
  play "$1" adaptivesrc name=s location="$base/$1.m3u8" s.video_0 ! \
    tsdemux ! h264parse ! avdec_h264 ! "video/x-raw,format=I420" ! \
    filesink location="$work/$1.yuv"
}
sound() {
  play "$1" adaptivesrc name=s location="$base/$1.m3u8" "s.$2" ! "${@:3}" ! \
    audioconvert ! "audio/x-raw,format=S16LE" ! filesink location="$work/$1.pcm"
}
same() {
  [[ -s $work/$1 ]] || fail "$1: nothing"
  cmp -s "$work/$1" "$work/sample-$1" || fail "$1: not the same"
}
for name in aac sample-aac ac3 sample-ac3; do
  pictures $name
done
for name in aac sample-aac; do
  sound $name video_0 tsdemux ! aacparse ! avdec_aac
done
for name in ac3 sample-ac3; do
  sound $name video_0 tsdemux ! ac3parse ! avdec_ac3
done
for name in sound sample-sound; do
  sound $name video_0 aacparse ! avdec_aac
done
for one in aac.yuv ac3.yuv aac.pcm ac3.pcm sound.pcm; do
  same $one
  echo "$one: ok"
done

# The peer, where it can (from 5.0 on): the same pictures of the same segments. Of
# the last few, which it does not decrypt because it has read past the last
# segment by then, there is nothing to be learnt.
if ffmpeg -nostdin -v error -y -allowed_extensions ALL -i "$base/sample-aac.m3u8" \
  -map 0:v -vsync passthrough -f rawvideo -pix_fmt yuv420p "$work/peer.yuv" \
  2>"$work/log" && [[ -s $work/peer.yuv ]]; then
  cmp -s -n $((140 * 320 * 180 * 3 / 2)) "$work/peer.yuv" "$work/aac.yuv" ||
    fail "ffmpeg has other pictures"
  echo "ffmpeg: ok"
else
  echo "ffmpeg does not play it here: no comparison"
fi

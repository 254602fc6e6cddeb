#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# adaptivesrc and HLS: segments that ffmpeg encrypts, with keys that change, come
# out as the ones that it does not; subtitles have their cues; and of the sets of
# others, where they are to be had, openssl and a plain file say what is right.
set -euo pipefail

for tool in ffmpeg gst-launch-1.0 openssl; do
  command -v $tool >/dev/null || {
    echo "skipped: no $tool"
    exit 77
  }
done

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/interop/served.bash
. "$(dirname "$0")/served.bash"
cd "$work/www"
make -f lavfi -i testsrc2=s=320x180:r=25:d=6 -f lavfi -i sine=d=6 \
  -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -c:a aac clip.mp4
hls=(-c copy -f hls -hls_time 2 -hls_playlist_type vod)
make -i clip.mp4 "${hls[@]}" clear.m3u8

# info NAME [IV]: a key, and what tells ffmpeg of it.
info() {
  openssl rand -out "$1.key" 16
  printf '%s\n' "$1.key" "$1.key" ${2:+"$2"} >"$1.info"
}
info plain
make -i clip.mp4 "${hls[@]}" -hls_key_info_file plain.info \
  -start_number 300 sequence.m3u8
info given 0102030405060708090a0b0c0d0e0f10
make -i clip.mp4 "${hls[@]}" -hls_key_info_file given.info iv.m3u8
# Without an IV it is the media sequence number.
{
  printf '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:65535\n'
  printf '#EXT-X-KEY:METHOD=AES-128,URI="plain.key"\n'
  for n in 0 1 2; do
    openssl enc -aes-128-cbc -in clear$n.ts -out number$n.ts \
      -K "$(od -A n -v -t x1 plain.key | tr -d ' \n')" \
      -iv "$(printf %032x $((65535 + n)))"
    printf '#EXTINF:2,\nnumber%s.ts\n' $n
  done
  printf '#EXT-X-ENDLIST\n'
} >number.m3u8
# Other keys amid it, and none.
cat >rotated.m3u8 <<'END'
#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:2
#EXT-X-KEY:METHOD=AES-128,URI="given.key",IV=0x0102030405060708090a0b0c0d0e0f10
#EXTINF:2,
iv0.ts
#EXT-X-KEY:METHOD=AES-128,URI="plain.key",IV=0x12C
#EXTINF:2,
sequence301.ts
#EXT-X-KEY:METHOD=NONE
#EXTINF:2,
clear2.ts
#EXT-X-ENDLIST
END

# Subtitles.
printf '1\n00:00:00,500 --> 00:00:01,500\none\n\n2\n00:00:02,500 --> 00:00:03,500\ntwo\n\n3\n00:00:05,000 --> 00:00:05,500\nthree\n' >s.srt
make -i clip.mp4 -i s.srt -map 0:v -map 1:s -c:v copy -c:s webvtt -f hls \
  -hls_time 2 -hls_playlist_type vod -hls_segment_filename 's-%v-%d.ts' \
  -var_stream_map 'v:0,s:0,sgroup:subs' -master_pl_name subtitles.m3u8 \
  's-%v.m3u8' || true

# What others made.
vectors=${RELAY_SHARED_VECTORS:-$here/../../../shared/vectors}/hls/shaka
if [[ -d $vectors ]]; then
  cp -r "$vectors"/hls-aes-256 "$vectors"/hls-ts-rollover .
  chmod -R u+w .
else
  echo "SKIPPED: no $vectors (RELAY_SHARED_VECTORS names the folder above hls)"
fi

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
# bytes MANIFEST [PAD]: what comes out, in out.
bytes() {
  rm -f "$work/out"
  play "$1" adaptivesrc name=s location="$base/$1" \
    "s.${2:-video_0}" ! filesink location="$work/out"
}

bytes clear.m3u8
mv "$work/out" "$work/clear"
for list in sequence iv number rotated; do
  bytes $list.m3u8
  cmp -s "$work/out" "$work/clear" || fail "$list.m3u8 has other bytes"
done
echo 'AES-128: ok'

# A wrong key says so, and nothing of it comes out.
openssl rand -out plain.key 16
rm -f "$work/out"
if timeout 60 gst-launch-1.0 adaptivesrc name=s location="$base/sequence.m3u8" \
  s.video_0 ! filesink location="$work/out" >"$work/log" 2>&1; then
  fail 'a wrong key is no error'
fi
grep -q 'plain.key' "$work/log" || fail 'a wrong key is not named'
[[ ! -s $work/out ]] || fail 'something came out with a wrong key'
echo 'a wrong key: ok'

if [[ -s subtitles.m3u8 ]]; then
  # The last line of a segment is the cue's: an empty one ends it.
  awk 1 ./*.vtt | sed '/./!d' >"$work/right"
  bytes subtitles.m3u8 text_0
  sed '/./!d' "$work/out" | cmp -s - "$work/right" || fail 'other cues'
  [[ $(grep -c -B 1 '^WEBVTT' "$work/out") -eq 3 ]] || fail 'not three segments'
  # For the stock parser they are three subtitles.
  if gst-inspect-1.0 --exists subparse; then
    play subparse adaptivesrc name=s location="$base/subtitles.m3u8" \
      s.text_0 ! subparse ! filesink location="$work/out"
    [[ $(cat "$work/out") == onetwothree ]] || fail "subparse: $(cat "$work/out")"
  fi
  echo 'WebVTT: ok'
fi

if [[ -d hls-aes-256 ]]; then
  cd hls-aes-256
  # decrypt CIPHER KEY IV FILE
  decrypt() {
    openssl enc -d "-$1" -K "$(od -A n -v -t x1 "$2.key" | tr -d ' \n')" \
      -iv "$3" -in "$4"
  }
  {
    decrypt aes-256-cbc init F9EBE119F65FCF2E5F3FDEEB4A3EB3D5 init.mp4
    decrypt aes-256-cbc seg0 3F6DE518DE9A0D8B0FC5EA114ACEDEFA segment_0.m4s
    decrypt aes-256-cbc seg1 9DF0B659F52F23C3676C08FE0049500F segment_1.m4s
    decrypt aes-256-ctr seg2 DB67562D1B5F959D1DBA9DD50BF87A52 segment_2.m4s
    decrypt aes-256-ctr seg3_and_4 5161DD0995837650DE5E495DEF6BFBE5 segment_3.m4s
    decrypt aes-256-ctr seg3_and_4 035022245B6DBA858C56F2F0079BAC96 segment_4.m4s
  } >"$work/right"
  cd ..
  bytes hls-aes-256/media.m3u8
  cmp -s "$work/out" "$work/right" || fail 'AES-256 has other bytes'
  echo 'AES-256, AES-256-CTR: ok'

  decode=(h264parse ! avdec_h264 ! "video/x-raw,format=I420" ! filesink)
  cat hls-ts-rollover/*.ts >"$work/all.ts"
  play 'the file' filesrc location="$work/all.ts" ! tsdemux ! "${decode[@]}" \
    location="$work/right"
  play rollover adaptivesrc name=s location="$base/hls-ts-rollover/playlist.m3u8" \
    s.video_0 ! tsdemux ! "${decode[@]}" location="$work/out"
  [[ -s $work/right ]] || fail 'no pictures to compare with'
  cmp -s "$work/out" "$work/right" || fail 'round the clock of 33 bits: other pictures'
  echo 'round the clock of 33 bits: ok'
fi

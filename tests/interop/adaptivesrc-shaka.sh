#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# adaptivesrc plays what shaka-packager packages, HLS and DASH, in the clear and
# encrypted: sample for sample, at its time, what is in the source, and of MPEG-TS
# picture for picture.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}
for tool in ffmpeg gst-launch-1.0; do
  command -v $tool >/dev/null || skip "no $tool"
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

# shellcheck source=tests/interop/served.bash
. "$(dirname "$0")/served.bash"
cd "$work/www"
# Without edit lists, which would cut what is compared.
make -f lavfi -i testsrc2=s=320x180:r=25:d=6 -c:v libx264 -preset veryfast \
  -pix_fmt yuv420p -g 25 -keyint_min 25 -sc_threshold 0 -use_editlist 0 \
  -movflags frag_keyframe+empty_moov clip.mp4
# (It ends before the picture, and so before the Period.)
make -f lavfi -i sine=sample_rate=48000:d=5.9 -c:a aac sound.aac
make -i sound.aac -c copy -bsf:a aac_adtstoasc -use_editlist 0 sound.mp4
make -i clip.mp4 -s 160x90 -c:v libx264 -preset veryfast -g 25 small.mp4
# (It gives a stream of a file one language.)
cp sound.mp4 again.mp4
printf 'WEBVTT\n\n%s\none\n\n%s\ntwo\n\n%s\nthree\n' \
  '00:00:00.500 --> 00:00:01.500' '00:00:02.500 --> 00:00:03.500' \
  '00:00:05.000 --> 00:00:05.500' >clip.vtt

pack() {
  "$packager" "$@" --segment_duration 2 --fragment_duration 1 >"$work/log" 2>&1 ||
    fail "shaka-packager $*"
}
picture=in=clip.mp4,stream=video
sound=in=sound.mp4,stream=audio,hls_group_id=sound
text=in=clip.vtt,stream=text,hls_group_id=text,hls_name=words
# MPEG-TS, packed audio and WebVTT; key frames alone.
# shellcheck disable=SC2016 # what is between $ is the packager's
pack "$picture"',segment_template=ts-$Number$.ts,playlist_name=ts-v.m3u8,iframe_playlist_name=ts-keys.m3u8' \
  "$sound"',segment_template=ts-a-$Number$.ts,playlist_name=ts-a.m3u8,hls_name=one' \
  "$sound"',segment_template=packed-$Number$.aac,playlist_name=packed.m3u8,hls_name=two' \
  "$text"',segment_template=words-$Number$.vtt,playlist_name=words.m3u8' \
  --hls_master_playlist_output ts.m3u8
# A file for each track: byte ranges, and an index in front (sidx); two sizes,
# two languages, subtitles in MP4.
pack "$picture,output=v.mp4,playlist_name=v.m3u8,iframe_playlist_name=v-keys.m3u8" \
  in=small.mp4,stream=video,output=w.mp4,playlist_name=w.m3u8 \
  "$sound,output=a.mp4,playlist_name=a.m3u8,hls_name=de,language=de" \
  in=again.mp4,stream=audio,output=b.mp4,playlist_name=b.m3u8,hls_group_id=sound,hls_name=fr,language=fr \
  "$text,format=vtt+mp4,output=words.mp4,playlist_name=words-mp4.m3u8" \
  "$text,format=ttml+mp4,output=ttml.mp4,dash_only=1" \
  --hls_master_playlist_output file.m3u8 --mpd_output file.mpd
# A set for trick modes, which for HLS would be a variant.
pack "$picture,output=vt.mp4" "$picture,output=t.mp4,trick_play_factor=1" \
  "$sound,output=at.mp4" --mpd_output trick.mpd
# SegmentTemplates with SegmentTimelines, encrypted. The key is at one address.
key=0123456789abcdef0123456789abcdef
printf '\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef' >key
kid=00112233445566778899aabbccddeeff
encrypted=(--enable_raw_key_encryption --keys "label=:key_id=$kid:key=$key"
  --clear_lead 0 --hls_key_uri key)
for scheme in cenc cbcs; do
  # shellcheck disable=SC2016
  pack "$picture,init_segment=$scheme-v.mp4,segment_template=$scheme-v-"'$Number$'".m4s,playlist_name=$scheme-v.m3u8" \
    "$sound,init_segment=$scheme-a.mp4,segment_template=$scheme-a-"'$Time$'".m4s,playlist_name=$scheme-a.m3u8,hls_name=one" \
    "${encrypted[@]}" --protection_scheme $scheme --generate_static_live_mpd \
    --hls_master_playlist_output $scheme.m3u8 --mpd_output $scheme.mpd
done
# In MPEG-TS and packed audio that is SAMPLE-AES.
# shellcheck disable=SC2016
pack "$picture"',segment_template=sample-$Number$.ts,playlist_name=sample-v.m3u8' \
  "$sound"',segment_template=sample-$Number$.aac,playlist_name=sample-a.m3u8,hls_name=one' \
  "${encrypted[@]}" --protection_scheme cbcs --hls_master_playlist_output sample.m3u8

"$RELAY_BUILD/examples/origin" --log "$work/origin.log" "$work/www" >"$work/port" &
origin_pid=$!
for _ in $(seq 200); do
  ! grep -q '^port ' "$work/port" || break
  sleep 0.05
done
base=http://127.0.0.1:$(sed -n 's/^port //p' "$work/port")

# play WHAT ARGUMENT...: lists of buffers (size, time, hash), named as the sinks.
play() {
  (cd "$work" && timeout 80 "$RELAY_BUILD/tests/interop/samples" "${@:2}") \
    >"$work/log" 2>&1 || fail "$1 does not play"
}
decode=(h264parse ! avdec_h264 ! "video/x-raw,format=I420")
bare=(aacparse ! "audio/mpeg,stream-format=raw")

# The source: samples of the picture and the sound, and pictures.
play 'the source' filesrc location=www/clip.mp4 ! qtdemux ! tee name=t ! queue ! fakesink name=v \
  t. ! queue ! "${decode[@]}" ! fakesink name=p \
  filesrc location=www/sound.mp4 ! qtdemux ! fakesink name=a
for name in v p a; do
  mv "$work/$name" "$work/source-$name"
done
[[ $(wc -l <"$work/source-v") -eq 150 && $(wc -l <"$work/source-p") -eq 150 &&
  $(wc -l <"$work/source-a") -ge 277 ]] || fail 'the source is not whole'

# same WHAT NAME...: what came out is the source. (Clocks have their own units: a
# millisecond is none.)
same() {
  local name
  for name in "${@:2}"; do
    paste -d ' ' "$work/source-$name" "$work/$name" | awk '
      NF != 6 || $1 != $4 || $3 != $6 || $2 - $5 > 1 || $5 - $2 > 1 {
        print NR ": " $0; bad = 1
      }
      END { exit bad }' >"$work/log" || fail "$1 is not the source ($name)"
  done
  echo "$1: ok"
}
source=(adaptivesrc name=s selection=highest select-all=true)

for manifest in file.m3u8 file.mpd trick.mpd; do
  play "$manifest" "${source[@]}" location="$base/$manifest" \
    s.video_0 ! queue ! qtdemux ! fakesink name=v \
    s.audio_0 ! queue ! qtdemux ! fakesink name=a
  same "$manifest" v a
done
# HLS has the key at an address, and DASH leaves it to us.
for scheme in cenc cbcs; do
  for manifest in $scheme.m3u8 $scheme.mpd; do
    keys=()
    [[ $manifest == *.m3u8 ]] || keys=("keys=$kid:$key")
  
    play "$manifest" "${source[@]}" location="$base/$manifest" \
      s.video_0 ! queue ! qtdemux ! cencdecrypt "${keys[@]}" ! fakesink name=v \
      s.audio_0 ! queue ! qtdemux ! cencdecrypt "${keys[@]}" ! fakesink name=a
    same "$manifest" v a
  done
done
# The second language is a pad of its own.
play 'the second language' "${source[@]}" location="$base/file.mpd" \
  s.audio_1 ! qtdemux ! fakesink name=a
same 'the second language' a

for manifest in ts.m3u8 sample.m3u8; do
  # Packed audio begins with an ID3 tag.
  kind=tsdemux
  [[ $manifest == ts.m3u8 ]] || kind=id3demux
  play "$manifest" "${source[@]}" location="$base/$manifest" \
    s.video_0 ! queue ! tsdemux ! "${decode[@]}" ! fakesink name=p \
    s.audio_0 ! queue ! $kind ! "${bare[@]}" ! fakesink name=a
  same "$manifest" p a
done
play 'packed audio' "${source[@]}" location="$base/ts.m3u8" \
  s.audio_1 ! id3demux ! "${bare[@]}" ! fakesink name=a
same 'packed audio' a

# Key frames alone: every 25th picture.
awk 'NR % 25 == 1 { print $1, $3 }' "$work/source-p" >"$work/source-keys"
for list in v-keys.m3u8 ts-keys.m3u8; do
  kind=qtdemux
  [[ $list != ts-* ]] || kind=tsdemux
  play $list "${source[@]}" location="$base/$list" \
    s.video_0 ! $kind ! "${decode[@]}" ! fakesink name=keys
  cut -d ' ' -f 1,3 "$work/keys" | diff "$work/source-keys" - >"$work/log" ||
    fail "$list has other pictures"
  echo "$list: ok"
done

# Subtitles: the words, each at its time.
play 'WebVTT' "${source[@]}" location="$base/ts.m3u8" \
  s.text_0 ! filesink name=fakesink location="$work/words"
grep -v '^X-TIMESTAMP-MAP' "$work/words" | grep -A 1 -e '-->' |
  sed '/^--$/d;s/ align:center *$//' >"$work/cues"
grep -A 1 -e '-->' clip.vtt | sed '/^--$/d' | cmp -s - "$work/cues" ||
  fail "WebVTT: $(cat "$work/cues")"
for pad in text_0 text_1; do
  play "$pad" "${source[@]}" location="$base/file.mpd" \
    s.$pad ! filesink name=fakesink location="$work/words"
  for word in one two three; do
    grep -a -q $word "$work/words" || fail "$pad of file.mpd has no $word"
  done
done
echo "subtitles: ok"

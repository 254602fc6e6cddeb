#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# adaptivesrc plays what ffmpeg packages, in every form that it has, picture for
# picture.
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
make -f lavfi -i testsrc2=s=320x180:r=25:d=6 -f lavfi -i sine=d=6 \
  -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -c:a aac clip.mp4
make -f lavfi -i testsrc2=s=160x90:r=25:d=6 \
  -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 small.mp4
hls=(-c copy -f hls -hls_time 2 -hls_playlist_type vod)
make -i clip.mp4 "${hls[@]}" ts.m3u8
make -i clip.mp4 "${hls[@]}" -hls_segment_type fmp4 \
  -hls_fmp4_init_filename fmp4-init.mp4 fmp4.m3u8
make -i clip.mp4 "${hls[@]}" -hls_flags single_file one.m3u8
make -i clip.mp4 "${hls[@]}" -hls_flags single_file -hls_segment_type fmp4 \
  -hls_fmp4_init_filename one-init.mp4 one-fmp4.m3u8
make -i clip.mp4 -i small.mp4 -map 0:v -map 1:v -map 0:a "${hls[@]}" \
  -var_stream_map 'v:0,agroup:s v:1,agroup:s a:0,agroup:s' \
  -b:v:0 800k -b:v:1 100k -b:a 64k -master_pl_name master.m3u8 'master-%v.m3u8'
dash=(-c copy -f dash -seg_duration 2)
make -i clip.mp4 "${dash[@]}" timeline.mpd
# shellcheck disable=SC2016 # what is between $ is ffmpeg's
make -i clip.mp4 "${dash[@]}" -use_timeline 0 \
  -init_seg_name 'n-$RepresentationID$.mp4' \
  -media_seg_name 'n-$RepresentationID$-$Number%03d$.m4s' number.mpd
make -i clip.mp4 "${dash[@]}" -single_file 1 list.mpd
# Two periods, of two sizes, the second one without sound. (The last pictures are
# past 6 s.)
# shellcheck disable=SC2016
make -i small.mp4 "${dash[@]}" -init_seg_name second.mp4 \
  -media_seg_name 'second-$Number$.m4s' second.mpd
sets() {
  sed -n '/<AdaptationSet/,/<\/AdaptationSet>/p' "$1"
}
cat >periods.mpd <<END
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">
<Period duration="PT6.2S">$(sets timeline.mpd)</Period>
<Period duration="PT6.2S">$(sets second.mpd)</Period></MPD>
END
# Two sizes of the same picture.
# shellcheck disable=SC2016
make -i clip.mp4 -i small.mp4 -map 0:v -map 1:v "${dash[@]}" \
  -b:v:0 800k -b:v:1 100k -adaptation_sets 'id=0,streams=v' \
  -init_seg_name 's-$RepresentationID$.mp4' \
  -media_seg_name 's-$RepresentationID$-$Number$.m4s' sizes.mpd
make -i clip.mp4 -i small.mp4 -map 0:v -map 1:v "${hls[@]}" \
  -hls_segment_type fmp4 -hls_fmp4_init_filename 'sizes-%v.mp4' \
  -var_stream_map 'v:0 v:1' -b:v:0 800k -b:v:1 100k \
  -master_pl_name sizes.m3u8 'sizes-%v.m3u8'
# WebM, of both layouts. (What is past the end of the Period is not played.)
webm=
if make -i small.mp4 -t 5.8 -i clip.mp4 -map 0:v -map 1:a -c:v libvpx \
  -deadline realtime -cpu-used 8 -g 25 -c:a libopus clip.webm 2>"$work/log"; then
  webm=yes
  # shellcheck disable=SC2016
  make -i clip.webm "${dash[@]}" -dash_segment_type webm \
    -init_seg_name 'w-$RepresentationID$.webm' \
    -media_seg_name 'w-$RepresentationID$-$Number$.webm' webm.mpd
  # shellcheck disable=SC2016
  make -i clip.webm "${dash[@]}" -dash_segment_type webm -single_file 1 \
    -single_file_name 'one-$RepresentationID$.webm' webm-list.mpd
else
  echo "skipped: WebM, for ffmpeg has no libvpx and libopus"
fi
# An index in front, as on-demand DASH has it.
make -i clip.mp4 -map 0:v -c copy -movflags dash+global_sidx+frag_keyframe \
  base.mp4
index=$(grep -a -b -o sidx base.mp4 | head -n 1 | cut -d : -f 1)
size=$((16#$(od -A n -t x1 -j $((index - 4)) -N 4 base.mp4 | tr -d ' ')))
cat >base.mpd <<END
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT6S"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="v" bandwidth="1">
<BaseURL>base.mp4</BaseURL>
<SegmentBase indexRange="$((index - 4))-$((index - 5 + size))"/>
</Representation></AdaptationSet></Period></MPD>
END

"$RELAY_BUILD/examples/origin" --log "$work/origin.log" "$work/www" >"$work/port" &
origin_pid=$!
for _ in $(seq 200); do
  ! grep -q '^port ' "$work/port" || break
  sleep 0.05
done
base=http://127.0.0.1:$(sed -n 's/^port //p' "$work/port")

decode=(h264parse ! avdec_h264 ! "video/x-raw,format=I420" ! filesink)
# play WHAT ARGUMENT...
play() {
  timeout 60 gst-launch-1.0 -m "${@:2}" >"$work/log" 2>&1 || fail "$1 does not play"
}
for clip in clip small; do
  play $clip filesrc location=$clip.mp4 ! qtdemux ! "${decode[@]}" \
    location="$work/$clip.yuv"
done

# same MANIFEST DEMUXER CLIP [PROPERTY...]
same() {
  rm -f "$work/out.yuv"
  play "$1" adaptivesrc name=s location="$base/$1" selection=highest "${@:4}" \
    s.video_0 ! "$2" ! "${decode[@]}" location="$work/out.yuv"
  cmp -s "$work/out.yuv" "$work/$3.yuv" || fail "$1 has other pictures"
  grep -q 'adaptivesrc-stats' "$work/log" || fail "$1 has no counters"
  echo "$1: ok"
}
same ts.m3u8 tsdemux clip
same fmp4.m3u8 qtdemux clip
same one.m3u8 tsdemux clip
same one-fmp4.m3u8 qtdemux clip
same master.m3u8 tsdemux clip
same master.m3u8 tsdemux small max-bitrate=200000
same timeline.mpd qtdemux clip
same number.mpd qtdemux clip
same list.mpd qtdemux clip
same base.mpd qtdemux clip
cat "$work/clip.yuv" "$work/small.yuv" >"$work/both.yuv"
same periods.mpd qtdemux both

# WebM sample for sample: size, time after the first one, hash.
samples() {
  (cd "$work" && timeout 80 "$RELAY_BUILD/tests/interop/samples" "${@:2}") \
    >"$work/log" 2>&1 || fail "$1 does not play"
}
if [[ -n $webm ]]; then
  samples clip.webm filesrc location=www/clip.webm ! matroskademux name=d \
    d.video_0 ! queue ! fakesink name=clip-v \
    d.audio_0 ! queue ! fakesink name=clip-a
  [[ $(wc -l <"$work/clip-v") -eq 150 && -s $work/clip-a ]] ||
    fail "clip.webm is not whole"
  for manifest in webm.mpd webm-list.mpd; do
    samples "$manifest" adaptivesrc name=s location="$base/$manifest" \
      s.video_0 ! queue ! matroskademux ! fakesink name=v \
      s.audio_0 ! queue ! matroskademux ! fakesink name=a
    diff "$work/clip-v" "$work/v" >"$work/log" || fail "$manifest: other pictures"
    # The last packet of sound ffmpeg 5.1 does not write into chunks.
    head -n "$(wc -l <"$work/a")" "$work/clip-a" | diff - "$work/a" >"$work/log" ||
      fail "$manifest: another sound"
    [[ $(wc -l <"$work/a") -ge $(($(wc -l <"$work/clip-a") - 1)) ]] ||
      fail "$manifest: the sound is cut"
    echo "$manifest: ok"
  done
fi

# From the lower one of two sizes to the higher one, on one pad: each picture
# comes once, at its time.
# climbs MANIFEST DEMUXER
climbs() {
  play "$1" -v adaptivesrc name=s location="$base/$1" s.video_0 ! "$2" ! \
    h264parse ! avdec_h264 ! fakesink silent=false
  grep -o 'last-message = chain.*pts: [0-9:.]*' "$work/log" |
    sed 's/.*pts: [0-9:]*:\([0-9.]*\)$/\1/' | awk '
      NR > 1 && ($1 - last > 0.0405 || $1 - last < 0.0395) { exit 1 }
      { last = $1 }
      END { exit NR != 150 }' || fail "$1: pictures are missing, or come twice"
  for width in 160 320; do
    grep -q "src: caps = video/x-raw.*width=(int)$width" "$work/log" ||
      fail "$1 has no pictures of the width $width"
  done
  echo "$1, climbing: ok"
}
climbs sizes.mpd qtdemux
climbs sizes.m3u8 qtdemux
climbs master.m3u8 tsdemux

# The sound of a group of renditions, and of DASH.
# The clip's own edit list, which fragments do not have, would cut its start.
cat init-stream1.m4s chunk-stream1-*.m4s >"$work/sound.mp4"
play sound filesrc location="$work/sound.mp4" ! qtdemux ! aacparse ! avdec_aac ! \
  filesink location="$work/clip.pcm"
[[ -s $work/clip.pcm ]] || fail 'no sound to compare with'
# (In number.mpd the last frame is past the end of the Period.)
for manifest in timeline.mpd list.mpd; do
  play $manifest adaptivesrc name=s location="$base/$manifest" \
    s.audio_0 ! qtdemux ! aacparse ! avdec_aac ! filesink location="$work/out.pcm"
  cmp -s "$work/out.pcm" "$work/clip.pcm" || fail "$manifest has another sound"
done
play master.m3u8 adaptivesrc name=s location="$base/master.m3u8" \
  s.audio_0 ! tsdemux ! aacparse ! avdec_aac ! filesink location="$work/out.pcm"
[[ $(wc -c <"$work/out.pcm") -ge $(($(wc -c <"$work/clip.pcm") * 99 / 100)) ]] ||
  fail "the rendition's sound is cut"

# By the bins, through the scheme.
play uridecodebin3 uridecodebin3 name=d uri="dash+$base/timeline.mpd" \
  d. ! queue ! videoconvert ! "video/x-raw,format=I420" ! \
  filesink location="$work/out.yuv" \
  d. ! queue ! audioconvert ! fakesink
cmp -s "$work/out.yuv" "$work/clip.yuv" || fail "uridecodebin3 has other pictures"
play periods uridecodebin3 name=d uri="dash+$base/periods.mpd" \
  d. ! queue ! videoconvert ! videoscale ! \
  "video/x-raw,format=I420,width=320,height=180" ! \
  filesink location="$work/out.yuv" \
  d. ! queue ! audioconvert ! fakesink
[[ $(wc -c <"$work/out.yuv") -eq $((2 * $(wc -c <"$work/clip.yuv"))) ]] ||
  fail "uridecodebin3 does not go on with the second Period"
echo "sound, bins: ok"

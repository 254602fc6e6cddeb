#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the launch lines of the README, in their order, on media like the
# quickstart's. There is one for each element.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/docs/lines.sh
. "$root/tests/docs/lines.sh"

for tool in ffmpeg gst-launch-1.0; do
  command -v $tool >/dev/null || {
    echo "$tool is not installed"
    exit 77
  }
done

work=$(mktemp -d)
origin_pid=
# shellcheck disable=SC2317  # called by the trap
clean_up() {
  [[ -z $origin_pid ]] || kill "$origin_pid" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap clean_up EXIT

make_media() {
  local pack=("$RELAY_BUILD/tests/media/cencpack" --kid eb676abbcb345e96bbcf616630f1a3da
    --key 100b6c20940f779a4589152b57d2dacb)
  local quiet=(ffmpeg -nostdin -v error)
  mkdir -p "$work"/{clear,www/hls,www/dash}
  cd "$work/clear"
  "${quiet[@]}" -f lavfi -i testsrc2=s=320x180:r=30:d=2 -f lavfi -i sine=d=2 \
    -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 30 -c:a aac clip.mp4
  "${quiet[@]}" -i clip.mp4 -c copy -f hls -hls_playlist_type vod \
    ../www/hls/index.m3u8
  # shellcheck disable=SC2016 # what is between $ is ffmpeg's
  "${quiet[@]}" -i clip.mp4 -c copy -f dash -seg_duration 1 \
    -init_seg_name 'init-$RepresentationID$.mp4' \
    -media_seg_name '$RepresentationID$-$Number$.m4s' index.mpd
  "${pack[@]}" --scheme cenc -o ../www/dash init-0.mp4 0-*.m4s init-1.mp4 1-*.m4s
  cp index.mpd ../www/dash
  "${quiet[@]}" -i clip.mp4 -c copy \
    -movflags frag_keyframe+empty_moov+default_base_moof file.mp4
  "${pack[@]}" --scheme cbcs -o ../www/file.mp4 file.mp4
}
make_media >/dev/null

"$RELAY_BUILD/examples/origin" --log "$work/origin.log" "$work/www" >"$work/port" &
origin_pid=$!
until grep -q '^port ' "$work/port"; do sleep 0.05; done
port=$(sed -n 's/^port //p' "$work/port")

mkdir "$work/here"
cd "$work/here"
failed=0
# run LINE: as it stands, but for the port.
run() {
  echo "$1"
  timeout 60 bash -c "${1//127.0.0.1:8000/127.0.0.1:$port}" >"$work/log" 2>&1 || {
    cat "$work/log"
    failed=1
  }
}
# check WHAT COMMAND...
check() {
  "${@:2}" || {
    echo "failed: $1"
    failed=1
  }
}

while read -r line; do
  run "$line"
  # "run it twice, and the second time asks for nothing"
  if [[ $line == *cachetee* ]]; then
    before=$(wc -l <"$work/origin.log")
    run "$line"
    check 'the second run made a request' \
      [ "$before" = "$(wc -l <"$work/origin.log")" ]
    check 'the branches differ' cmp one.mp4 two.mp4
    check 'the branch is not the file' cmp one.mp4 "$work/www/file.mp4"
  fi
done < <(launch_lines "$root/README.md" | grep -v -F ' ...')

for element in adaptivesrc proxyhttpsrc cencdecrypt cencmp4decrypt rtpmjpegpay cachetee; do
  check "no line for $element" grep -q "^ .*$element \|^ .*$element$\|-1.0 $element " "$root/README.md"
done
check 'the file did not come' cmp file.mp4 "$work/www/file.mp4"
frames_of() {
  ffmpeg -nostdin -v error -i "$1" -map 0:v -f framemd5 - | sed -n '/^[^#]/s/.*, *//p'
}
check 'the HLS file has other pictures' \
  cmp <(frames_of hls.mp4) <(frames_of "$work/clear/clip.mp4")
check 'the decrypted file has other pictures' \
  cmp <(frames_of clear.mp4) <(frames_of "$work/clear/clip.mp4")
check 'not all pictures of the DASH came' \
  [ "$(find . -name 'frame-*.jpg' | wc -l)" = 60 ]
exit $failed

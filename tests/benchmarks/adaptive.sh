#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# adaptivesrc beside hlsdemux and dashdemux, hlsdemux2 and dashdemux2, and FFmpeg,
# from nginx on the loopback: 150 MB of HLS (MPEG-TS) and of DASH (fragmented MP4)
# in segments of 4 seconds, demultiplexed and thrown away. For each of them CPU
# seconds (user and system) and seconds of wall time of the whole process, least
# and median. Then, with a server that thinks for 50 ms about each request, the time
# from when it has the first request to when the first sample is there. At last
# what a flushing seek takes (see seeks.cpp); a segment is a 30th of the run.
#
#   tests/benchmarks/adaptive.sh BUILD [ROUNDS]
set -euo pipefail

build=$(cd "$1" && pwd)
rounds=${2:-7}
export GST_PLUGIN_PATH_1_0=$build/gst:$build/ext
export GST_REGISTRY=$build/registry.bin
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

for tool in nginx ffmpeg python3 gst-launch-1.0; do
  command -v "$tool" >/dev/null || {
    echo "skipped: no $tool"
    exit 77
  }
done
work=$(mktemp -d "${TMPDIR:-/var/tmp}/relay-XXXXXX")
server='' slow=''
# shellcheck disable=SC2317 # called by the trap
clean() {
  local pid
  for pid in $slow $server; do
    ! kill "$pid" 2>/dev/null || wait "$pid" || true
  done
  rm -rf "$work"
}
trap clean EXIT
# nginx reads as nobody when it is started by root.
chmod 755 "$work"
mkdir "$work/www"

# 120 s of 10 Mbit/s, with filler where the picture needs less.
echo 'making the media' >&2
ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=640x360:rate=25 -t 120 \
  -c:v libx264 -preset ultrafast -g 100 -keyint_min 100 -sc_threshold 0 \
  -b:v 10M -minrate 10M -maxrate 10M -bufsize 10M \
  -x264-params nal-hrd=cbr:force-cfr=1 "$work/all.mp4"
ffmpeg -nostdin -v error -i "$work/all.mp4" -c copy -f hls -hls_time 4 \
  -hls_list_size 0 -hls_playlist_type vod \
  -hls_segment_filename "$work/www/s%d.ts" "$work/www/all.m3u8"
ffmpeg -nostdin -v error -i "$work/all.mp4" -c copy -f dash -seg_duration 4 \
  -use_template 1 -use_timeline 0 "$work/www/all.mpd"
rm "$work/all.mp4"
chmod 644 "$work"/www/*
printf 'HLS %d MB, DASH %d MB\n' \
  "$(($(cat "$work"/www/*.ts | wc -c) / 1000000))" \
  "$(($(cat "$work"/www/*.m4s | wc -c) / 1000000))"

# nginx takes no port 0: one that is free now, or another one.
start() {
  port=$((20000 + RANDOM % 20000))
  cat >"$work/nginx.conf" <<END
daemon off;
worker_processes 2;
pid $work/pid;
error_log $work/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  types {
    application/vnd.apple.mpegurl m3u8;
    application/dash+xml mpd;
    video/mp2t ts;
    video/iso.segment m4s;
  }
  client_body_temp_path $work/t1;
  proxy_temp_path $work/t2;
  fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4;
  scgi_temp_path $work/t5;
  server { listen 127.0.0.1:$port backlog=1024; root $work/www; }
}
END
  nginx -p "$work" -e "$work/error.log" -c "$work/nginx.conf" &
  server=$!
  for _ in $(seq 50); do
    curl --noproxy '*' -s -o "$work/got" "http://127.0.0.1:$port/all.mpd" &&
      break
    kill -0 "$server" 2>/dev/null || return 1
    sleep 0.1
  done
  cmp -s "$work/got" "$work/www/all.mpd" && return
  kill "$server"
  return 1
}
start || start || start || {
  cat "$work/error.log" >&2
  exit 1
}

cat >"$work/slow.py" <<'END'
import functools, http.server, sys, time


class Handler(http.server.SimpleHTTPRequestHandler):
    # A short body would wait for the client's delayed ACK of the headers.
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"
    extensions_map = {".m3u8": "application/vnd.apple.mpegurl",
                      ".mpd": "application/dash+xml", ".ts": "video/mp2t",
                      ".m4s": "video/iso.segment", "": "application/octet-stream"}

    def do_GET(self):
        try:
            with open(sys.argv[2], "x") as first:
                first.write(str(time.time()))
        except FileExistsError:
            pass
        time.sleep(0.05)
        super().do_GET()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()
END
mkfifo "$work/port"
# Who goes before the end of a segment is none of its business.
python3 "$work/slow.py" "$work/www" "$work/first" >"$work/port" 2>/dev/null &
slow=$!
read -r slow_port <"$work/port"

# The command of a peer for an address, which says something of the first sample
# if it is to.
command_of() { # PEER URI [tell]
  local file=${2##*.} demux=tsdemux old=hlsdemux
  [[ $file == m3u8 ]] || { demux=qtdemux old=dashdemux; }
  local sink=(fakesink sync=false)
  [[ -z ${3-} ]] || sink+=(num-buffers=1 silent=false -v)
  case $1 in
    adaptivesrc) line=(adaptivesrc location="$2" ! "$demux" ! "${sink[@]}") ;;
    adaptivesrc-no-prefetch)
      line=(adaptivesrc location="$2" prefetch-segments=0 ! "$demux" !
        "${sink[@]}")
      ;;
    legacy) line=(souphttpsrc location="$2" ! "$old" ! "$demux" ! "${sink[@]}") ;;
    # Only in bins that know of streams; they split what is in a segment.
    demux2) line=(urisourcebin uri="$2" ! "${sink[@]}") ;;
    ffmpeg)
      line=(ffmpeg -nostdin -v error -i "$2" -c copy)
      if [[ -z ${3-} ]]; then
        line+=(-f null -)
      else
        line+=(-frames:v 1 -f framecrc -)
      fi
      return
      ;;
  esac
  line=(gst-launch-1.0 "${line[@]}")
}

has() {
  case $1 in
    legacy)
      gst-inspect-1.0 --exists hlsdemux && gst-inspect-1.0 --exists dashdemux
      ;;
    demux2) gst-inspect-1.0 --exists hlsdemux2 ;;
    *) true ;;
  esac
}

# CPU and wall seconds of one run.
run() {
  local TIMEFORMAT='%U %S %R'
  { time timeout 120 "${line[@]}" >/dev/null 2>"$work/said" ||
    echo failed; } 2>&1 |
    awk '$1 == "failed" { bad = 1; next } { print bad ? "failed" : $1 + $2, $3 }'
}

summary() { # FILE COLUMN
  sort -g -k"$2" "$1" | awk -v c="$2" '
    { v[NR] = $c } END { printf "%.3f %.3f", v[1], v[int ((NR + 1) / 2)] }'
}

peers=(adaptivesrc adaptivesrc-no-prefetch)
for peer in legacy demux2 ffmpeg; do has "$peer" && peers+=("$peer"); done
printf '%-6s %-24s %-16s %s\n' what peer 'cpu-s min med' 'wall-s min med'
for file in all.m3u8 all.mpd; do
  # By turns, so that what the machine does otherwise is of all of them.
  for _ in $(seq "$rounds"); do
    for peer in "${peers[@]}"; do
      command_of "$peer" "http://127.0.0.1:$port/$file"
      run >>"$work/$file-$peer"
    done
  done
  for peer in "${peers[@]}"; do
    if grep -q failed "$work/$file-$peer"; then
      printf '%-6s %-24s failed\n' "${file##*.}" "$peer"
      continue
    fi
    printf '%-6s %-24s %-16s %s\n' "${file##*.}" "$peer" \
      "$(summary "$work/$file-$peer" 1)" "$(summary "$work/$file-$peer" 2)"
  done
done

# Seconds from the first request to what is said of the first sample.
first_sample() {
  local said then=''
  rm -f "$work/first"
  while read -r said; do
    [[ -n $then || ! $said =~ (chain|^0,) ]] || then=$EPOCHREALTIME
  done < <(timeout 60 "${line[@]}" 2>/dev/null)
  if [[ -n $then && -e $work/first ]]; then
    awk -v t="$then" '{ printf "%.4f\n", t - $1 }' "$work/first"
  else
    echo failed
  fi
}

printf '%-6s %-24s %s\n' start peer 'to the first sample, s: min med'
for file in all.m3u8 all.mpd; do
  for _ in $(seq "$rounds"); do
    for peer in "${peers[@]}"; do
      command_of "$peer" "http://127.0.0.1:$slow_port/$file" tell
      first_sample >>"$work/start-$file-$peer"
    done
  done
  for peer in "${peers[@]}"; do
    if grep -q failed "$work/start-$file-$peer"; then
      printf '%-6s %-24s failed\n' "${file##*.}" "$peer"
      continue
    fi
    printf '%-6s %-24s %s\n' "${file##*.}" "$peer" \
      "$(summary "$work/start-$file-$peer" 1)"
  done
done

# The pipeline of a peer, into a sink that waits for what a seek leads to.
pipeline_of() { # PEER URI
  command_of "$@"
  echo "${line[@]:1}"
}

printf '%-6s %-24s %s\n' seek peer 'to the first sample: key unit | accurate'
for file in all.m3u8 all.mpd; do
  for peer in "${peers[@]}"; do
    [[ $peer != ffmpeg ]] || continue
    text=$(pipeline_of "$peer" "http://127.0.0.1:$port/$file")
    printf '%-6s %-24s %s | %s\n' "${file##*.}" "$peer" \
      "$("$build/tests/benchmarks/bench-seeks" 116 key-unit "$text")" \
      "$("$build/tests/benchmarks/bench-seeks" 116 accurate "$text")"
  done
done

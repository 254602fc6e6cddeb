#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# examples/relay beside nginx as a cache, with proxy_cache_lock, and with slices
# of 1 MB as well: many clients that ask at once for a file of an origin that
# sends 4 MB/s to each connection. For each the time to the first byte and to
# the end, and how often the origin was asked, three times: first with nothing in
# the cache.
#
#   tests/benchmarks/relay.sh BUILD [COUNTS [ROUNDS]]
#
# COUNTS: clients at once, 1,10,100 unless given.
set -euo pipefail

build=$(cd "$1" && pwd)
counts=${2:-1,10,100}
rounds=${3:-1}
export GST_PLUGIN_PATH_1_0=${GST_PLUGIN_PATH_1_0:-$build/gst:$build/ext}
export GST_REGISTRY=$build/registry.bin
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

command -v nginx >/dev/null || {
  echo 'skipped: no nginx'
  exit 77
}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/relay-XXXXXX")
server='' relay=''
# shellcheck disable=SC2317 # called by the trap
clean() {
  local pid
  for pid in $relay $server; do
    ! kill "$pid" 2>/dev/null || wait "$pid" || true
  done
  rm -rf "$work"
}
trap clean EXIT

# nginx reads as nobody when it is started by root.
chmod 755 "$work"
mkdir "$work/www" "$work/lock" "$work/slice"
chmod 777 "$work/lock" "$work/slice"
head -c 8000000 /dev/urandom >"$work/www/clip"

start() {
  port=$((20000 + RANDOM % 20000))
  cat >"$work/nginx.conf" <<END
daemon off;
worker_processes 2;
pid $work/pid;
error_log $work/error.log;
events { worker_connections 2048; }
http {
  access_log off;
  log_format asked '\$request_uri';
  client_body_temp_path $work/t1;
  proxy_temp_path $work/t2;
  fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4;
  scgi_temp_path $work/t5;
  proxy_cache_path $work/lock keys_zone=lock:1m use_temp_path=off;
  proxy_cache_path $work/slice keys_zone=slice:1m use_temp_path=off;
  proxy_http_version 1.1;
  proxy_cache_lock on;
  proxy_cache_lock_timeout 60s;
  proxy_cache_lock_age 60s;
  server {
    listen 127.0.0.1:$port backlog=1024;
    access_log $work/asked.log asked;
    root $work/www;
    location / { rewrite ^ /clip break; }
    limit_rate 4m;
    location = /status {
      access_log off;
      stub_status;
    }
  }
  server {
    listen 127.0.0.1:$((port + 1)) backlog=1024;
    proxy_cache lock;
    proxy_cache_valid 200 1h;
    location / { proxy_pass http://127.0.0.1:$port; }
  }
  server {
    listen 127.0.0.1:$((port + 2)) backlog=1024;
    slice 1m;
    proxy_cache slice;
    proxy_cache_key \$uri\$slice_range;
    proxy_set_header Range \$slice_range;
    proxy_cache_valid 200 206 1h;
    location / { proxy_pass http://127.0.0.1:$port; }
  }
}
END
  nginx -p "$work" -e "$work/error.log" -c "$work/nginx.conf" &
  server=$!
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$((port + 2))") 2>/dev/null && return
    kill -0 "$server" 2>/dev/null || return 1
    sleep 0.1
  done
  kill "$server"
  return 1
}
start || start || start || {
  cat "$work/error.log" >&2
  exit 1
}
mkfifo "$work/said"
"$build/examples/relay" --cache "$work/relay" "http://127.0.0.1:$port" >"$work/said" &
relay=$!
read -r _ ours <"$work/said"

# The log is written when a request ends, and nginx goes on with one when its
# client has gone: until nothing is sent but the answer to this.
idle() {
  local text
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET /status HTTP/1.0\r\n\r\n' >&3
  text=$(cat <&3)
  exec 3>&-
  [[ $text = *'Writing: 1 '* ]]
}
asked() {
  until idle; do sleep 0.1; done
  grep -c "^/$1\$" "$work/asked.log" || true
}
# The first client of each is not counted.
for at in $((port + 1)) $((port + 2)) "$ours"; do
  "$build/tests/benchmarks/bench-relay" "$at" "/warm-up-$at" 1 "$work/www/clip" >/dev/null
done

for round in $(seq "$rounds"); do
  for what in whole range; do
    range=()
    [[ $what = whole ]] || range=(3000000 3999999)
    for count in ${counts//,/ }; do
      for peer in "nginx-lock $((port + 1))" "nginx-slice $((port + 2))" "relay $ours"; do
        read -r name at <<<"$peer"
        path=$name-$what-$count-$round
        for state in first second third; do
          before=$(asked "$path")
          figures=$("$build/tests/benchmarks/bench-relay" "$at" "/$path" \
            "$count" "$work/www/clip" "${range[@]}") || true
          printf '%-6s %3d %-6s %-12s %s, origin asked %d times\n' "$what" \
            "$count" "$state" "$name" "$figures" \
            $(($(asked "$path") - before))
        done
      done
    done
  done
done

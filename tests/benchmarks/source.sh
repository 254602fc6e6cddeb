#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# proxyhttpsrc beside souphttpsrc, curlhttpsrc and curl, from nginx on the
# loopback: many pipelines in one process that each read a file of 7 MB, and one
# that reads a file of 1 GB.
#
#   tests/benchmarks/source.sh BUILD [COUNTS [PAIRS [OPTION...]]]
#
# COUNTS: pipelines at once, 10,20,30,50,100 unless given. OPTIONs are those of
# the program bench-source.
set -euo pipefail

build=$(cd "$1" && pwd)
counts=${2:-10,20,30,50,100}
pairs=${3:-5}
shift $(($# < 3 ? $# : 3))
export GST_PLUGIN_PATH_1_0=$build/gst:$build/ext
export GST_REGISTRY=$build/registry.bin
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

command -v nginx >/dev/null || {
  echo 'skipped: no nginx'
  exit 77
}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/relay-XXXXXX")
server=
# shellcheck disable=SC2317 # called by the trap
clean() {
  [[ -z $server ]] || ! kill "$server" 2>/dev/null || wait "$server" || true
  rm -rf "$work"
}
trap clean EXIT

# nginx reads as nobody when it is started by root.
chmod 755 "$work"
mkdir "$work/www"
head -c 7000000 /dev/urandom >"$work/www/7m"
# Of zeros, but not a hole, which would not be read as a file is.
head -c 1000000000 /dev/zero >"$work/www/1g"

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
    curl --noproxy '*' -s -o "$work/got" "http://127.0.0.1:$port/7m" && break
    kill -0 "$server" 2>/dev/null || return 1
    sleep 0.1
  done
  cmp -s "$work/got" "$work/www/7m" && return
  kill "$server"
  return 1
}
start || start || start || {
  cat "$work/error.log" >&2
  exit 1
}
cat "$work/www/1g" >/dev/null

# What curl costs for the file of 1 GB, with its start.
curl_cost() {
  local TIMEFORMAT='%U %S %R'
  { time curl --noproxy '*' -s -o /dev/null "http://127.0.0.1:$port/1g"; } \
    2>&1 | awk '{ print $1 + $2, $3 }'
}

"$build/tests/benchmarks/bench-source" "http://127.0.0.1:$port/7m" "$counts" \
  --pairs "$pairs" --big "http://127.0.0.1:$port/1g" "$@"
for _ in $(seq "$pairs"); do curl_cost; done | sort -g | awk '
  { cpu[NR] = $1; wall[NR] = $2 }
  END { n = int ((NR + 1) / 2)
    printf "big curl  cpu-s/GB %.3f  GB/s %.2f\n", cpu[n], 1 / wall[n] }'

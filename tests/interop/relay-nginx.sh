#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# examples/relay in front of nginx, beside nginx as a cache: the same bytes and
# the same answers as from the origin itself, and one download for many clients
# at once, who do not wait for its end.
set -euo pipefail
# shellcheck source=tests/interop/peers.bash
. "$(dirname "${BASH_SOURCE[0]}")/peers.bash"
need curl

mkdir "$work/www" "$work/nginx" "$work/nginx/cache"
chmod 777 "$work/nginx" "$work/nginx/cache"
head -c 3000000 /dev/urandom >"$work/www/clip.bin"
for name in other parts late; do
  ln "$work/www/clip.bin" "$work/www/$name.bin"
done
head -c 1500000 "$work/www/clip.bin" >"$work/www/slow.bin"
: >"$work/www/empty.bin"

nginx_at() {
  origin=$port
  peer=$((port + 1))
  cat >"$work/nginx.conf" <<END
daemon off;
pid $work/nginx/pid;
error_log stderr;
worker_processes 1;
events {
}
http {
  client_body_temp_path $work/nginx/body;
  proxy_temp_path $work/nginx/proxy;
  fastcgi_temp_path $work/nginx/fastcgi;
  uwsgi_temp_path $work/nginx/uwsgi;
  scgi_temp_path $work/nginx/scgi;
  proxy_cache_path $work/nginx/cache keys_zone=cache:1m use_temp_path=off;
  log_format asked '\$uri \$request_method';
  access_log off;
  server {
    listen 127.0.0.1:$origin;
    access_log $work/asked.log asked;
    root $work/www;
    location = /slow.bin { limit_rate 300k; }
  }
  server {
    listen 127.0.0.1:$peer;
    proxy_cache cache;
    proxy_cache_lock on;
    proxy_cache_lock_timeout 60s;
    proxy_cache_lock_age 60s;
    proxy_cache_valid 200 1h;
    location / { proxy_pass http://127.0.0.1:$origin; }
  }
}
END
  start nginx "$origin" nginx -e stderr -p "$work/nginx" -c "$work/nginx.conf"
}
try nginx_at
origin_daemon=$daemon

relay_at() {
  relay=$port
  start relay "$relay" "$RELAY_BUILD/examples/relay" --port "$relay" \
    --cache "$work/relay" "http://127.0.0.1:$origin"
}
try relay_at

# get PORT PATH FILE [OPTION...]: the status is said.
get() {
  local at=$1 path=$2 out=$3
  shift 3
  : >"$out"
  curl --noproxy '*' -sS --max-time 60 -D "$out.headers" -o "$out" \
    -w '%{http_code}' "$@" "http://127.0.0.1:$at$path" || fail "curl $path $*"
}
# What a client has to be told alike.
told() {
  tr -d '\r' <"$1.headers" |
    grep -iE '^(content-(length|range|type)|etag|last-modified):' |
    tr '[:upper:]' '[:lower:]' | sort
}
asked() {
  grep -c "^/$1 " "$work/asked.log" || true
}
was_asked() {
  [[ $(asked "$1") -ge $2 ]]
}
# same PATH [OPTION...]: the answer of the origin, from it and from the relay.
same() {
  local there here
  there=$(get "$origin" "$1" "$work/there" "${@:2}")
  here=$(get "$relay" "$1" "$work/here" "${@:2}")
  [[ $here = "$there" ]] || fail "$*: $here, not $there"
  [[ $there -ge 400 || $* = *-I ]] || cmp "$work/there" "$work/here" || fail "$*: other bytes"
  [[ $there -ge 400 ]] || diff <(told "$work/there") <(told "$work/here") ||
    fail "$*: other headers"
}

# Ten at once, one download, and nobody waits for its end.
crowd() {
  local at=$1 client clients=()
  for client in {1..10}; do
    get "$at" /slow.bin "$work/client$client" >/dev/null &
    clients+=($!)
  done
  if [[ $at = "$relay" ]]; then
    for client in {1..10}; do
      until_true test -s "$work/client$client" || fail "$client gets nothing"
    done
    # It is logged when it ends.
    [[ $(asked slow.bin) = "$2" ]] || fail 'they waited for the download'
  fi
  wait "${clients[@]}"
  for client in {1..10}; do
    cmp "$work/www/slow.bin" "$work/client$client" || fail "$client: other bytes"
  done
}
crowd "$peer" 0
until_true was_asked slow.bin 1 || fail 'nginx did not ask'
before=$(asked slow.bin)
crowd "$relay" "$before"
until_true was_asked slow.bin $((before + 1)) || fail 'the relay did not ask'
[[ $(asked slow.bin) = $((before + 1)) ]] ||
  fail "$(($(asked slow.bin) - before)) downloads"
echo 'ok: ten clients, one download'

# Cold, and again: what is in the cache is not asked for.
for path in /clip.bin /clip.bin /empty.bin; do same "$path"; done
[[ $(asked clip.bin) = 3 ]] || fail "$(asked clip.bin) requests, not 2 + 1"
for range in 0-0 0-99 100-199 1234567-2345678 2999999- 2999999-5000000 -1 \
  -3000000 -5000000 3000000- 0-; do
  same /clip.bin -H "Range: bytes=$range"
done
same /clip.bin -I
same /none
[[ $(asked clip.bin) = 15 ]] || fail "$(asked clip.bin) requests, not 14 + 1"
# As RFC 9110 14.2 has it.
for range in 5-2 x-1 0-1,3-4; do
  [[ $(get "$relay" /clip.bin "$work/here" -H "Range: bytes=$range") = 200 ]] ||
    fail "not passed over: $range"
done
[[ $(get "$relay" /clip.bin "$work/here" -X POST -d x) = 405 ]] || fail 'POST'
echo 'ok: whole and ranges, warm'

# A range of what nobody has seen, and then others, and all of it.
for range in 1000000-1999999 1000000-1999999 1500000-1600000 2000000-2500000 0-; do
  same /parts.bin -H "Range: bytes=$range"
done
parts=$(($(asked parts.bin) - 5))
same /parts.bin
[[ $(asked parts.bin) = $((parts + 6)) ]] || fail 'it was all there'
echo "ok: ranges, cold, by $parts requests"

# A client that goes in the middle of it.
for _ in 1 2 3; do
  curl --noproxy '*' -sS "http://127.0.0.1:$relay/other.bin" 2>/dev/null |
    head -c 100000 >/dev/null || true
done
same /other.bin
echo 'ok: clients that go'

# Another process, without its origin.
end "$daemon"
try relay_at
end "$origin_daemon"
[[ $(get "$relay" /clip.bin "$work/here") = 200 ]] || fail 'not from the cache'
cmp "$work/www/clip.bin" "$work/here" || fail 'other bytes from the cache'
[[ $(get "$relay" /clip.bin "$work/here" -r 7-1000006) = 206 ]] || fail 'no range'
cmp "$work/here" <(tail -c +8 "$work/www/clip.bin" | head -c 1000000) ||
  fail 'another range'
[[ $(get "$relay" /late.bin "$work/here") = 502 ]] || fail 'from where?'
[[ $(get "$relay" /metrics "$work/here") = 200 ]] || fail 'no metrics'
grep -q '^cachetee_cache_hits_total{element="relay"} [1-9]' "$work/here" ||
  fail 'no hits are counted'
echo 'ok: without an origin'

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The origin that other tests rest on, against curl: ranges, conditions, paths
# that lead out of its folder, its log, and its end.
set -euo pipefail

command -v curl >/dev/null || {
  echo 'skipped: no curl'
  exit 77
}
work=$(mktemp -d)
origin_pid=
# shellcheck disable=SC2317 # called by the trap
clean() {
  [[ -z $origin_pid ]] || kill "$origin_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT

fail() {
  echo "FAILED: $*"
  tail -5 "$work/log" 2>/dev/null || true
  exit 1
}

mkdir "$work/www" "$work/www/a folder"
head -c 100000 /dev/urandom >"$work/www/clip.mp4"
: >"$work/www/empty.ts"
echo text >"$work/www/a folder/ü.m3u8"
echo secret >"$work/secret"
ln -s "$work/secret" "$work/www/link"
mkfifo "$work/stdout"

"$RELAY_BUILD/examples/origin" --log "$work/log" "$work/www" >"$work/stdout" &
origin_pid=$!
read -r word port <"$work/stdout"
[[ $word == port && $port -gt 0 ]] || fail "it said: $word $port"
base=http://127.0.0.1:$port

# PATH STATUS [OPTION...]: headers are in $work/headers, the body in $work/body.
get() {
  local path=$1 expected=$2 status
  shift 2
  : >"$work/body"
  status=$(curl --noproxy '*' -sS --path-as-is -D "$work/headers" \
    -o "$work/body" -w '%{http_code}' "$@" "$base$path") || fail "curl $*"
  [[ $status == "$expected" ]] || fail "$path $*: $status, not $expected"
}
header() {
  sed -n "s/^$1: //Ip" "$work/headers" | tr -d '\r'
}
# FIRST LENGTH: the body is this part of the clip.
body_is() {
  cmp "$work/body" <(tail -c +$(($1 + 1)) "$work/www/clip.mp4" | head -c "$2") ||
    fail "the body is not $2 bytes from $1"
  [[ $(header content-length) == "$2" ]] || fail 'Content-Length is wrong'
}
logged() {
  local line
  line=$(tail -1 "$work/log")
  [[ $line =~ ^127\.0\.0\.1:[0-9]+\ $1$ ]] || fail "the log says: $line; not $1"
}

get /clip.mp4 200
body_is 0 100000
[[ $(header content-type) == video/mp4 ]] || fail 'Content-Type is wrong'
[[ $(header accept-ranges) == bytes ]] || fail 'Accept-Ranges is wrong'
etag=$(header etag)
date=$(header last-modified)
logged 'GET /clip.mp4 - 200 100000'

get /clip.mp4 206 -r 10-19
body_is 10 10
[[ $(header content-range) == 'bytes 10-19/100000' ]] || fail 'Content-Range'
logged 'GET /clip.mp4 bytes=10-19 206 10'
get /clip.mp4 206 -r 99990-
body_is 99990 10
get /clip.mp4 206 -r -10
body_is 99990 10
get /clip.mp4 206 -r 0-999999
body_is 0 100000
get /clip.mp4 416 -r 100000-
[[ $(header content-range) == 'bytes */100000' ]] || fail 'Content-Range of 416'
for passed_over in 'bytes=5-2' 'bytes=a-b' 'lines=1-2' 'bytes=0-1,5-6' 'bytes=-'; do
  get /clip.mp4 200 -H "Range: $passed_over"
  body_is 0 100000
done
get /empty.ts 200
[[ ! -s $work/body ]] || fail 'an empty file has a body'
get /empty.ts 416 -r 0-
echo 'ok: ranges'

get /clip.mp4 206 -r 0-9 -H "If-Range: $etag"
get /clip.mp4 206 -r 0-9 -H "If-Range: $date"
get /clip.mp4 200 -r 0-9 -H 'If-Range: "other"'
get /clip.mp4 304 -H "If-None-Match: $etag"
head -c 5 "$work/www/clip.mp4" >"$work/www/new" # another size, another tag
mv "$work/www/new" "$work/www/clip.mp4"
get /clip.mp4 200 -r 0-1 -H "If-Range: $etag"
get /clip.mp4 200 -H "If-None-Match: $etag"
echo 'ok: conditions'

get '/a%20folder/%C3%BC.m3u8?query=1' 200
[[ $(cat "$work/body") == text ]] || fail 'a name with a space'
logged 'GET /a%20folder/%C3%BC.m3u8 - 200 5'
get /clip.mp4 200 -I
logged 'HEAD /clip.mp4 - 200 0'
get /clip.mp4 405 -X POST -d x
for missing in /none / '/a%20folder' /clip.mp4/ '/clip.mp4%00' /clip%252emp4 \
  /../secret /%2e%2e/secret /..%2fsecret '/a%20folder/../../secret' \
  "/$work/secret" "/%2f$work/secret" /link; do
  get "$missing" 404
  if grep -q secret "$work/body"; then fail "$missing leads out"; fi
done
echo 'ok: paths'

# One connection for two requests, which the log shows by its port.
curl --noproxy '*' -sS -o "$work/body" -o "$work/body" \
  "$base/clip.mp4" "$base/empty.ts"
[[ $(tail -2 "$work/log" | cut -d ' ' -f 1 | sort -u | wc -l) -eq 1 ]] ||
  fail 'the connection was not kept'
echo 'ok: keep-alive'

refused() {
  local words=$1 status=0
  shift
  "$RELAY_BUILD/examples/origin" "$@" >"$work/out" 2>&1 </dev/null || status=$?
  [[ $status -eq 1 && $(wc -l <"$work/out") -eq 1 ]] ||
    fail "origin $*: status $status, $(cat "$work/out")"
  grep -qF "$words" "$work/out" || fail "origin $*: $(cat "$work/out")"
}
refused 'cannot listen' --port "$port" "$work/www"
refused 'usage:' "$work/none"
refused 'usage:'
refused '0 to 65535' --port 65536 "$work/www"
refused '0 to 65535' --port x "$work/www"
refused 'of what' "$work/www" --log
refused 'cannot be written' --log "$work/none/log" "$work/www"
echo 'ok: wrong options'

kill "$origin_pid"
wait "$origin_pid" || fail 'it does not end well'
origin_pid=
echo 'ok: SIGTERM'

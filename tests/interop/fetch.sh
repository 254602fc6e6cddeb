#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# examples/fetch, an application with proxyhttpsrc, against the origin.
set -euo pipefail

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
  cat "$work/out"
  exit 1
}

mkdir "$work/www"
head -c 1000000 /dev/urandom >"$work/www/clip.mp4"
mkfifo "$work/stdout"
"$RELAY_BUILD/examples/origin" --log "$work/log" "$work/www" >"$work/stdout" &
origin_pid=$!
read -r _ port <"$work/stdout"

# STATUS WORDS ARGUMENT...
fetch() {
  local expected=$1 words=$2 status=0
  shift 2
  timeout 60 "$RELAY_BUILD/examples/fetch" "$@" >"$work/out" 2>&1 || status=$?
  [[ $status -eq $expected ]] || fail "status $status, not $expected: fetch $*"
  grep -qF "$words" "$work/out" || fail "no '$words': fetch $*"
  echo "ok: $words"
}

uri=http://127.0.0.1:$port
fetch 0 'requests: 1, by proxy: 0, bytes: 1000000' \
  "$uri/clip.mp4" "$work/copy"
cmp "$work/www/clip.mp4" "$work/copy" || fail 'the bytes differ'
fetch 1 "the server's status is 404" "$uri/none" "$work/copy"
fetch 1 'through the proxy' "$uri/clip.mp4" "$work/copy" http://127.0.0.1:1
[[ $(wc -l <"$work/log") -eq 2 ]] || fail 'a request went past the proxy'
fetch 1 'usage:' "$uri/clip.mp4"
export GST_PLUGIN_PATH_1_0=$work GST_PLUGIN_SYSTEM_PATH_1_0=$work
export GST_REGISTRY=$work/registry
fetch 1 'no element "proxyhttpsrc"' "$uri/clip.mp4" "$work/copy"

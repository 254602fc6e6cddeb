#!/bin/bash
# proxyhttpsrc through tinyproxy, which connects from 127.0.0.2: whatever comes
# to the origin from another address has gone past the proxy.
set -u

for tool in python3 tinyproxy gst-launch-1.0; do
  if ! command -v "$tool" > /dev/null; then
    echo "$tool is not installed"
    exit 77
  fi
done

work=$(mktemp -d)
pids=()
# shellcheck disable=SC2317  # called by the trap
clean() {
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null; done
  wait
  rm -rf "$work"
}
trap clean EXIT

die() {
  echo "FAILED: $*"
  for log in "$work"/*.log; do
    echo "--- $log"
    tail -20 "$log"
  done
  exit 1
}

# Waits for up to 10 seconds until the command succeeds.
until_true() {
  for _ in $(seq 100); do
    "$@" > /dev/null 2>&1 && return 0
    sleep 0.1
  done
  return 1
}

listens() {
  (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null
}

mkdir "$work/www"
head -c 3000000 /dev/urandom > "$work/www/clip.bin"

python3 -u -m http.server --bind 127.0.0.1 --directory "$work/www" 0 \
  > "$work/origin.log" 2>&1 &
pids+=($!)
until_true grep -q 'port [0-9]' "$work/origin.log" || die "no origin"
origin=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/origin.log" | head -1)

# tinyproxy takes no port 0: one that is free now, or another one.
start_proxy() {
  proxy=$((20000 + RANDOM % 20000))
  cat > "$work/tinyproxy.conf" << END
Port $proxy
Listen 127.0.0.1
Bind 127.0.0.2
Timeout 30
Allow 127.0.0.1
BasicAuth relay s3cret
END
  tinyproxy -d -c "$work/tinyproxy.conf" > "$work/tinyproxy.log" 2>&1 &
  proxy_pid=$!
  pids+=("$proxy_pid")
  until_true listens "$proxy" && kill -0 "$proxy_pid" 2> /dev/null
}
start_proxy || start_proxy || start_proxy || die "no proxy"

launch() {
  timeout 60 gst-launch-1.0 -q proxyhttpsrc "$@" ! filesink \
    location="$work/out.bin" > "$work/launch.log" 2>&1
}
requests_from() {
  grep -c "^$1 .*GET /clip.bin" "$work/origin.log"
}
uri=http://127.0.0.1:$origin/clip.bin

launch location="$uri" proxy="http://127.0.0.1:$proxy" proxy-id=relay \
  proxy-pw=s3cret || die "the transfer failed"
cmp "$work/www/clip.bin" "$work/out.bin" || die "the bytes differ"
[ "$(requests_from 127.0.0.2)" = 1 ] || die "not one request by the proxy"

if launch location="$uri" proxy="http://relay:wrong@127.0.0.1:$proxy"; then
  die "a wrong password was accepted"
fi
# tinyproxy answers a missing password with 407 and a wrong one with 401, which
# on plain http nobody can tell from the origin's.
grep -q '(401)' "$work/launch.log" ||
  die "no clear error for a wrong password"
if grep -q 'wrong' "$work/launch.log"; then die "the password is shown"; fi
if launch location="$uri" proxy="http://127.0.0.1:$proxy"; then
  die "it worked without a password"
fi
grep -q 'proxy does not accept the credentials' "$work/launch.log" ||
  die "no clear error for a missing password"

kill "$proxy_pid"
wait "$proxy_pid" 2> /dev/null
if launch location="$uri" retries=1 \
  proxy="http://relay:s3cret@127.0.0.1:$proxy"; then
  die "it worked without the proxy"
fi
grep -q 'through the proxy' "$work/launch.log" ||
  die "no clear error for a dead proxy"
[ "$(requests_from 127.0.0.1)" = 0 ] || die "requests past the proxy"
[ "$(requests_from 127.0.0.2)" = 1 ] || die "more requests than transfers"
echo "1 request by the proxy, 0 direct; a dead proxy and a wrong password are errors"

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# proxyhttpsrc and adaptivesrc straight from nginx: HTTP/1.1, TLS, an origin that
# offers HTTP/2, one that goes away and comes back, and one that comes back with
# another file.
set -euo pipefail
# shellcheck source=tests/interop/peers.bash
. "$(dirname "${BASH_SOURCE[0]}")/peers.bash"
need
start_origin
plain=location=http://direct.test:$http
tls=location=https://127.0.0.1:$https
direct='routes="direct.test=direct,127.0.0.1=direct,*.test=block,all=block"'

get "$plain/clip.bin" "$direct"
get "$tls/clip.bin" "$direct"
get_from 1234567 "$plain/clip.bin" "$direct"
get_from 2999999 "$tls/clip.bin" "$direct"
# Moved to a name that is blocked, to one that the certificate has not, and to
# where one has to have a password.
refused $not_authorized "$plain/moved.bin" "$direct"
refused "$open_read: No secure connection" \
  "location=https://direct.test:$https/clip.bin" "$direct"
get "location=https://direct.test:$https/clip.bin" "$direct" ssl-strict=false
refused "$not_authorized: .*(401)" "$plain/secret.bin" "$direct"
sed -i "s#http.*/#https://127.0.0.1:$https/#" "$work/www/list.m3u8"
sed -i "s#http.*/#https://127.0.0.1:$https/#" "$work/www/all.m3u8"
sed -i "s#^moved#1#" "$work/www/list.m3u8"
launch "adaptivesrc location=http://direct.test:$http/all.m3u8 $direct ! $sink" ||
  fail 'adaptivesrc: no end'
cmp "$work/both.ts" "$work/out" || fail 'adaptivesrc: other bytes'

# Nobody trusts whom they do not know.
mv "$work/ca.pem" "$work/kept.pem"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -subj '/CN=Another authority' -days 2 -keyout "$work/another.key" \
  -out "$work/ca.pem" 2>/dev/null
refused "$open_read: No secure connection" "$tls/clip.bin" "$direct"
mv "$work/kept.pem" "$work/ca.pem"

# The last connection was kept, and nginx ends each after three requests.
[[ $(grep -c HTTP/2 "$work/origin.log") = 0 ]] || fail 'HTTP/2 by many threads'
if command -v curl >/dev/null; then
  curl -sS --http2 --noproxy '*' --cacert "$work/ca.pem" \
    "https://127.0.0.1:$https/clip.bin" | cmp - "$work/www/clip.bin"
  # It is written down when the answer is through.
  for ((i = 0; i < 200; i++)); do
    ! grep -q HTTP/2 "$work/origin.log" || break
    sleep 0.1
  done
  grep -q HTTP/2 "$work/origin.log" || fail 'it does not offer HTTP/2'
fi

# again COMMAND...: in the middle of a transfer nginx dies, and begins again when
# the command has run. True when the transfer came to its end.
again() {
  rm -f "$work/out"
  launch "proxyhttpsrc name=source retries=10 $plain/slow.bin $direct ! $sink" &
  local pipeline=$!
  until_true test -s "$work/out" || fail 'nothing comes'
  end "$daemon"
  "$@"
  start nginx "$http" nginx -e stderr -p "$work/nginx" -c "$work/nginx.conf" ||
    fail 'nginx does not begin again'
  wait $pipeline
}
again true || fail 'it was not resumed'
cmp "$work/www/clip.bin" "$work/out" || fail 'resumed with other bytes'
another_file() {
  cp "$work/www/clip.bin" "$work/before.bin"
  head -c 3000000 /dev/urandom >"$work/www/clip.bin"
  touch -d '2000-01-01' "$work/www/clip.bin"
}
! again another_file || fail 'another file is not the same'
grep -q '^ERROR gst-resource-error-quark 9: The resource changed' "$work/said" ||
  fail 'no clear error for another file'
cmp -n "$(stat -c %s "$work/out")" "$work/before.bin" "$work/out" ||
  fail 'bytes of another file'
echo "$(grep -c . "$work/origin.log") requests"

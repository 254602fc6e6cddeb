#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# proxyhttpsrc and adaptivesrc by way of microsocks (SOCKS5), open and with a
# password. It alone can look up the origin's name.
set -euo pipefail
# shellcheck source=tests/interop/peers.bash
. "$(dirname "${BASH_SOURCE[0]}")/peers.bash"
need microsocks
with_names
start_origin

microsocks_at() {
  start microsocks "$port" "${names[@]}" microsocks -i 127.0.0.1 -p "$port" \
    -b 127.0.0.2 "$@"
}
try microsocks_at
for scheme in socks5 socks; do
  get "location=http://origin.test:$http/clip.bin" "proxy=$scheme://127.0.0.1:$port"
done
test_proxy "socks5h://127.0.0.1:$port"
try microsocks_at -u relay -P s3cret
for user in '' relay:s3creT@ other:s3cret@; do
  refused $not_authorized "location=https://origin.test:$https/clip.bin" \
    "proxy=socks5h://${user}127.0.0.1:$port"
done
test_proxy "socks5://relay:s3cret@127.0.0.1:$port"

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# proxyhttpsrc and adaptivesrc by way of Dante, which alone can look up the
# origin's name. Of SOCKS4a it does not know the names (curl finds the same):
# with an address it is SOCKS4.
set -euo pipefail
# shellcheck source=tests/interop/peers.bash
. "$(dirname "${BASH_SOURCE[0]}")/peers.bash"
need danted
with_names
start_origin

danted_at() {
  cat >"$work/danted.conf" <<END
logoutput: stderr
internal: 127.0.0.1 port = $port
external: 127.0.0.2
clientmethod: none
socksmethod: none
user.unprivileged: $(id -un)
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
END
  start danted "$port" "${names[@]}" danted -f "$work/danted.conf" \
    -p "$work/danted.pid"
}
try danted_at
get "location=http://127.0.0.1:$http/clip.bin" "proxy=socks4a://127.0.0.1:$port"
get "location=https://127.0.0.1:$https/clip.bin" "proxy=socks4://127.0.0.1:$port"
assert_none_direct
test_proxy "socks5h://127.0.0.1:$port"

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# proxyhttpsrc and adaptivesrc by way of tinyproxy, which alone can look up the
# origin's name.
set -euo pipefail
# shellcheck source=tests/interop/peers.bash
. "$(dirname "${BASH_SOURCE[0]}")/peers.bash"
need tinyproxy
with_names
start_origin

tinyproxy_at() {
  cat >"$work/tinyproxy.conf" <<END
Port $port
Listen 127.0.0.1
Bind 127.0.0.2
Timeout 30
Allow 127.0.0.1
$*
END
  start tinyproxy "$port" "${names[@]}" tinyproxy -d -c "$work/tinyproxy.conf"
}
try tinyproxy_at
test_proxy "http://127.0.0.1:$port"
try tinyproxy_at BasicAuth relay s3cret
test_proxy "http://relay:s3cret@127.0.0.1:$port"

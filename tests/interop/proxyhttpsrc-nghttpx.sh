#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# proxyhttpsrc and adaptivesrc by way of nghttpx, a proxy with TLS, which hands
# all on to squid.
set -euo pipefail
# shellcheck source=tests/interop/peers.bash
. "$(dirname "${BASH_SOURCE[0]}")/peers.bash"
need_squid
need nghttpx
start_origin

try squid_at
squid=$port
nghttpx_at() {
  start nghttpx "$port" nghttpx --http2-proxy --frontend="127.0.0.1,$port" \
    --backend="127.0.0.1,$squid" --no-ocsp --workers=1 --conf=/dev/null \
    --errorlog-file="$work/nghttpx.err.log" "$work/server.key" "$work/server.pem"
}
try nghttpx_at
test_proxy "https://127.0.0.1:$port"

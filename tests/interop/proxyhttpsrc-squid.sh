#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# proxyhttpsrc and adaptivesrc by way of squid: open, with a password, and with
# TLS to the proxy.
set -euo pipefail
# shellcheck source=tests/interop/peers.bash
. "$(dirname "${BASH_SOURCE[0]}")/peers.bash"
need_squid
start_origin

try squid_at
test_proxy "http://127.0.0.1:$port"
try squid_at
test_proxy "https://127.0.0.1:$((port + 1))"
try squid_at with-password
for user in '' relay:s3creT@ other:s3cret@; do
  for scheme in http https; do
    where=$http
    [[ $scheme = http ]] || where=$https
    refused $not_authorized "location=$scheme://origin.test:$where/clip.bin" \
      "proxy=http://${user}127.0.0.1:$port"
  done
done
test_proxy "http://relay:s3cret@127.0.0.1:$port"
try squid_at with-password
test_proxy "https://relay:s3cret@127.0.0.1:$((port + 1))"

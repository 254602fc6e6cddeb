#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Playlists that others made, read by us and by python3-m3u8: where the two
# differ it is known why.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}
folder=${RELAY_SHARED_VECTORS:-$(dirname "$0")/../../../shared/vectors}/hls
[[ -d $folder ]] || skip "no $folder (RELAY_SHARED_VECTORS names its folder)"
for python in python3 /usr/bin/python3 none; do
  "$python" -c 'import m3u8' 2>/dev/null && break
done
[[ $python != none ]] || skip 'no python3-m3u8'
"$python" "$(dirname "$0")/m3u8check.py" \
  "$RELAY_BUILD/tests/interop/playlist" "$folder"

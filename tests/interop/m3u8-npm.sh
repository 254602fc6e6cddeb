#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Playlists that others made, read by us and by the packages hls-parser and
# m3u8-parser: where they differ it is known why.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}
here=$(cd "$(dirname "$0")" && pwd)
modules=${RELAY_NPM_MODULES:-$RELAY_BUILD/npm/node_modules}
command -v node >/dev/null || skip 'no node'
for package in hls-parser m3u8-parser; do
  [[ -d $modules/$package ]] ||
    skip "no $package (tests/run.sh has npm install it, where there is npm)"
done
folder=${RELAY_SHARED_VECTORS:-$here/../../../shared/vectors}/hls
[[ -d $folder ]] || skip "no $folder (RELAY_SHARED_VECTORS names its folder)"

shopt -s globstar nullglob
cd "$folder"
node "$here/m3u8check.cjs" "$RELAY_BUILD/tests/interop/playlist" "$modules" \
  ./**/*.m3u8

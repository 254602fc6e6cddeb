#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# MPDs that others made, read by us and by the package mpd-parser: where the two
# differ it is known why.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}
here=$(cd "$(dirname "$0")" && pwd)
modules=${RELAY_NPM_MODULES:-$RELAY_BUILD/npm/node_modules}
command -v node >/dev/null || skip 'no node'
[[ -d $modules/mpd-parser ]] ||
  skip 'no mpd-parser (tests/run.sh has npm install it, where there is npm)'
folder=${RELAY_SHARED_VECTORS:-$here/../../../shared/vectors}/dash
[[ -d $folder ]] || skip "no $folder (RELAY_SHARED_VECTORS names its folder)"

shopt -s globstar nullglob
cd "$folder"
node "$here/mpdcheck.cjs" "$RELAY_BUILD/tests/interop/mpdlist" "$modules" \
  ./**/*.mpd

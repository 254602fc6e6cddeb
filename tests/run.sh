#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sets everything up, builds, and runs all the tests (about 10 minutes from
# nothing). Arguments go to "meson test": tests/run.sh --suite check jpeg
set -euo pipefail
# shellcheck source=tests/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

setup_packages build run interop
setup_peers
setup_npm shaka-packager@3.4.2 hls-parser@0.16.1 m3u8-parser@7.2.0 mpd-parser@1.4.0
setup_env
# shellcheck disable=SC2119 # no target: everything
setup_build
"$root/tests/run-suite.sh" "$build" "$@"

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every launch line of the documents names elements and properties that are
# there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/docs/lines.sh
. "$root/tests/docs/lines.sh"

# A line with an ellipsis is no line.
launch_lines "$root"/README.md "$root"/docs/*.md "$root"/docs/elements/*.md |
  grep -v -F ' ...' | "$1"

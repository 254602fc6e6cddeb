#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every message of the sources is in every translation, and none of these
# breaks a format.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
xgettext --from-code=UTF-8 --keyword=_ --add-comments -f po/POTFILES \
  -o "$work/messages.pot"
while read -r language; do
  msgfmt --check -o /dev/null "po/$language.po"
  msgcmp "po/$language.po" "$work/messages.pot"
  echo "$language: complete"
done < <(grep -v '^#' po/LINGUAS)

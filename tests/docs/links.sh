#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a document links to is there, and the README links to the page of each
# element.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
failed=0
count=0
while IFS=: read -r file link; do
  count=$((count + 1))
  target=$(dirname "$file")/${link%%#*}
  if [[ ! -e $target ]]; then
    echo "$file: $link is not there"
    failed=1
  fi
done < <(find . -name '*.md' -not -path './build*' | xargs grep -o -H '](\([^)]*\))' |
  sed 's/](\(.*\))$/\1/' | grep -v ':[a-z]*://' || true)
for page in docs/elements/*.md; do
  grep -q -F "($page)" README.md || {
    echo "README.md: no link to $page"
    failed=1
  }
done
echo "$count links"
[[ $count -gt 0 ]] || exit 1
exit $failed

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-suite.sh BUILD [ARGUMENT...]: "meson test" in a build folder, then the
# line "N passed, N failed, N skipped", counted from the test log, after what
# was skipped and why.
set -euo pipefail
folder=$1
shift
status=0
meson test -C "$folder" --no-rebuild --print-errorlogs "$@" || status=$?
python3 - "$folder/meson-logs/testlog.json" <<'END' || status=1
import json, sys

passed = failed = skipped = 0
for line in open(sys.argv[1], encoding="utf-8"):
    test = json.loads(line)
    if test["result"] == "OK":
        passed += 1
    elif test["result"] == "SKIP":
        skipped += 1
        said = (test.get("stdout", "") + test.get("stderr", "")).split("\n")
        why = [text for text in said if text.strip()][-1:] or ["no reason given"]
        print(f"skipped: {test['name']}: {why[0]}")
    else:
        failed += 1
        print(f"failed: {test['name']}: {test['result']}")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
END
exit $status

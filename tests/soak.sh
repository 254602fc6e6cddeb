#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# soak.sh MINUTES: what the quick runs have no time for. A third of the time
# goes to the tests under TSan, a third to the fuzzers under ASan and UBSan, a
# third to the tests in their long form (RELAY_SOAK=1: more seeds, more kills)
# under ASan. Ends at the first failure.
set -euo pipefail
# shellcheck source=tests/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
minutes=${1:?usage: soak.sh MINUTES}
share=$((minutes * 60 / 3))

setup_packages build run ci interop
setup_env

# build_with NAME OPTION...: a build folder of its own, with clang.
build_with() {
  local name=$1
  shift
  if [[ ! -e $build/$name/build.ninja ]]; then
    CC=clang CXX=clang++ meson setup "$build/$name" "$root" --werror \
      -Db_lundef=false "$@" >"$build/$name.log" 2>&1 ||
      die "meson setup failed; see $build/$name.log"
  fi
  meson compile -C "$build/$name" >"$build/$name-compile.log" 2>&1 ||
    die "the build failed; see $build/$name-compile.log"
}

# repeat SECONDS BUILD [ARGUMENT...]: the suite again and again.
repeat() {
  local end=$((SECONDS + $1)) rounds=0
  shift
  while [[ $SECONDS -lt $end ]]; do
    "$root/tests/run-suite.sh" "$@" >"$build/soak.log" 2>&1 || {
      tail -n 60 "$build/soak.log" >&2
      die "failed in round $((rounds + 1))"
    }
    rounds=$((rounds + 1))
  done
  say "$rounds rounds, $(tail -n 1 "$build/soak.log")"
}

say "== TSan"
build_with tsan -Db_sanitize=thread
repeat $share "$build/tsan" --suite check -t 4

say "== fuzzers"
build_with fuzz -Dfuzz=true -Db_sanitize=address,undefined
targets=()
for target in "$build"/fuzz/tests/fuzz/fuzz-*; do
  [[ ! -f $target ]] || targets+=("$target")
done
each=$((share * 2 / ${#targets[@]} + 1))

fuzz() {
  local name=${1##*/fuzz-} found
  found=$(mktemp -d)
  # libFuzzer writes what it finds into the first folder.
  if "$1" -max_total_time=$each -rss_limit_mb=2048 -timeout=10 \
    -artifact_prefix="$build/crash-$name-" "$found" \
    "$root/tests/fuzz/corpus/$name" >"$build/fuzz-$name.log" 2>&1; then
    say "$name: $(grep -E '^Done [0-9]+ runs' "$build/fuzz-$name.log")"
  else
    say "$name: FAILED, see $build/fuzz-$name.log"
    touch "$build/fuzz-failed"
  fi
  rm -rf "$found"
}

rm -f "$build/fuzz-failed"
for target in "${targets[@]}"; do
  while [[ $(jobs -rp | wc -l) -ge 2 ]]; do
    wait -n
  done
  fuzz "$target" &
done
wait
[[ ! -e $build/fuzz-failed ]] || die "a fuzzer found something"

say "== long tests under ASan and UBSan"
build_with asan -Db_sanitize=address,undefined
RELAY_SOAK=1 repeat $share "$build/asan" --suite check -t 10

say "soaked for $minutes minutes without a failure"

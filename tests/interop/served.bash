# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For the scripts that make media and play them from our origin: a folder work
# with www in it, which is where they go on, and its end. origin_pid is for who
# starts the origin.
work=$(mktemp -d)
origin_pid=
# shellcheck disable=SC2317  # called by the trap
clean_up() {
  [[ -z $origin_pid ]] || kill "$origin_pid" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap clean_up EXIT
fail() {
  echo "FAILED: $*"
  head -n 40 "$work/log" 2>/dev/null || true
  exit 1
}
make() {
  ffmpeg -nostdin -v error -y "$@"
}
mkdir "$work/www"

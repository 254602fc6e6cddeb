#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# GStreamer's own test programs for rtpjpegpay, with the name of our element in
# them. They come from the source package of the gst-plugins-good that is
# installed, which apt-get gets (and checks), or from the folder
# RELAY_GST_SOURCES, where gst-plugins-good is unpacked.
set -euo pipefail

skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "FAILED: $*"
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

modules=(gstreamer-check-1.0 gstreamer-rtp-1.0 gstreamer-audio-1.0
  gstreamer-app-1.0)
command -v cc >/dev/null || skip 'no C compiler'
for module in "${modules[@]}"; do
  pkg-config --exists "$module" || skip "no $module"
done
# Without a version it asks for that of GStreamer itself.
gst-inspect-1.0 --exists --atleast-version=0.1 rtpmjpegpay ||
  fail 'no rtpmjpegpay'

# shellcheck source=tests/interop/stock.bash
. "$(dirname "$0")/stock.bash"
stock_sources gstreamer1.0-plugins-good gst-plugins-good1.0 \
  "${RELAY_GST_SOURCES:-}"

# run PROGRAM CASES PATTERN: which of its cases are run, and what adds them.
run() {
  local source=$work/$1.c expected result
  sed 's/\brtpjpegpay\b/rtpmjpegpay/g' "$sources/tests/check/elements/$1.c" \
    >"$source" || skip "no $1.c"
  grep -q '"rtpmjpegpay' "$source" || fail "$1.c does not name the element"
  expected=$(grep -c "tcase_add.* $3" "$source") || fail "$1.c has no cases"
  # shellcheck disable=SC2046 # words
  cc -w -O1 -o "$work/$1" "$source" \
    $(pkg-config --cflags --libs "${modules[@]}") || fail "$1.c: cc"
  GST_CHECKS=$2 CK_DEFAULT_TIMEOUT=60 "$work/$1" >"$work/result" 2>&1 || {
    cat "$work/result"
    fail "$1"
  }
  result=$(sed -n 's/^100%: Checks: \([0-9]*\),.*/\1/p' "$work/result")
  [[ ${result:-0} -ge $expected ]] ||
    fail "$1: ${result:-0} of $expected cases ran"
  echo "ok: $1, $result cases"
}
cd "$work" # GstCheck wants to write here
run rtpjpeg '*' test_rtpjpegpay
run rtp-payloading 'rtp_jpeg*' rtp_jpeg

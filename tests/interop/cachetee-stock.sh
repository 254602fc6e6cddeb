#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# GStreamer's own test program for tee, with the name of our element in it. It
# comes from the source package of the GStreamer that is installed, which
# apt-get gets (and checks), or from the folder RELAY_GST_CORE_SOURCES, where
# that is unpacked. What differs on purpose is set: allow-not-linked.
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

command -v cc >/dev/null || skip 'no C compiler'
pkg-config --exists gstreamer-check-1.0 || skip 'no gstreamer-check-1.0'
# Without a version it asks for that of GStreamer itself.
gst-inspect-1.0 --exists --atleast-version=0.1 cachetee || fail 'no cachetee'

# shellcheck source=tests/interop/stock.bash
. "$(dirname "$0")/stock.bash"
stock_sources libgstreamer1.0-0 gstreamer1.0 "${RELAY_GST_CORE_SOURCES:-}"

source=$work/tee.c
cat >"$source" <<'EOF'
#include <gst/check/gstcheck.h>
static GstElement *stock_like (void)
{
  GstElement *element = gst_check_setup_element ("cachetee");
  g_object_set (element, "allow-not-linked", FALSE, NULL);
  return element;
}
EOF
sed -e 's/gst_check_setup_element ("tee")/stock_like ()/' \
  -e 's/gst_element_factory_make ("tee", NULL)/stock_like ()/' \
  -e 's/\btee name=t\b/cachetee allow-not-linked=false name=t/' \
  "$sources/tests/check/elements/tee.c" >>"$source" || fail 'no tee.c'
left=$(grep '"tee"' "$source" | grep -v suite_create) || true
[[ -z $left ]] || fail "tee.c names its element elsewhere too: $left"
expected=$(grep -c 'tcase_add_test' "$source") || fail 'tee.c has no cases'
# shellcheck disable=SC2046 # words
cc -w -O1 -o "$work/tee" "$source" \
  $(pkg-config --cflags --libs gstreamer-check-1.0) || fail 'tee.c: cc'
cd "$work" # GstCheck wants to write here
CK_DEFAULT_TIMEOUT=120 "$work/tee" >"$work/result" 2>&1 || {
  cat "$work/result"
  fail 'tee'
}
result=$(sed -n 's/^100%: Checks: \([0-9]*\),.*/\1/p' "$work/result")
[[ ${result:-0} -ge $expected ]] || fail "${result:-0} of $expected cases ran"
echo "ok: tee, $result cases"

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

# apt-get with folders of its own: anybody can run it, and the machine's
# sources, lists and cache stay as they are.
own_apt() {
  local program=$1
  shift
  # shellcheck disable=SC2086 # NAME=VALUE words
  env ${RELAY_PROXY_VARIABLES:-} "$program" -q \
    -o Dir::State="$work/apt/state" -o Dir::State::lists="$work/apt/lists" \
    -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$work/apt/cache" \
    -o Dir::Etc::sourcelist="$work/apt/sources.list" \
    -o Dir::Etc::sourceparts="$work/apt/parts" \
    -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
    -o Acquire::https::Timeout=20 "$@" 2>>"$work/apt.log"
}
# The source package of VERSION, or another of the same upstream version, into
# the current folder.
get_package() {
  local list version
  mkdir -p "$work"/apt/{state,lists/partial,cache/archives/partial,parts}
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ ! -e $list ]] || sed -n 's/^deb\([[:space:]]\)/deb-src\1/p' "$list"
  done >"$work/apt/sources.list"
  for list in /etc/apt/sources.list.d/*.sources; do
    [[ ! -e $list ]] || sed 's/^Types:.*/Types: deb-src/' "$list" \
      >"$work/apt/parts/${list##*/}"
  done
  # Archives of others may have no sources.
  own_apt apt-get update >/dev/null || true
  # "package | version | archive Sources"
  for version in "$1" $(own_apt apt-cache madison gst-plugins-good1.0 |
    awk -v upstream="${1%-*}-" '
      $NF == "Sources" && index ($3, upstream) == 1 {print $3}'); do
    ! own_apt apt-get source --download-only "gst-plugins-good1.0=$version" \
      >/dev/null || return 0
  done
  return 1
}

if [[ -n ${RELAY_GST_SOURCES:-} ]]; then
  sources=$RELAY_GST_SOURCES
else
  command -v apt-get >/dev/null || skip 'no apt-get, and no RELAY_GST_SOURCES'
  # shellcheck disable=SC2016 # dpkg's variable
  version=$(dpkg-query -W -f '${source:Version}' gstreamer1.0-plugins-good) ||
    skip 'gst-plugins-good is no Debian package, and no RELAY_GST_SOURCES'
  kept=$RELAY_BUILD/stock-sources/${version//[^A-Za-z0-9.+-]/_}
  if [[ ! -d $kept ]]; then
    mkdir "$work/package"
    (cd "$work/package" && get_package "$version") || {
      tail -n 5 "$work/apt.log"
      skip 'the source package of gst-plugins-good is not to be had'
    }
    # A folder that is there is complete.
    mkdir -p "$kept.$$"
    cp "$work"/package/*.orig.tar.* "$kept.$$"
    mv -T "$kept.$$" "$kept"
  fi
  sources=$work/sources
  mkdir "$sources"
  for archive in "$kept"/*.orig.tar.?z*; do
    case $archive in
      *.asc) ;;
      *) tar -x -f "$archive" -C "$sources" --strip-components=1 ;;
    esac
  done
fi

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

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# cencmp4decrypt and cencdecrypt against ffmpeg's decrypter, where ffmpeg is
# right: plain cenc video and sound, cbcs 1:9, one key, senc with saiz and saio.
# The encrypted files are made by others: the environment variable
# RELAY_SHARED_VECTORS names their folder.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
vectors=${RELAY_SHARED_VECTORS:-$here/../../../shared/vectors}/cenc
kid=eb676abbcb345e96bbcf616630f1a3da
key=100b6c20940f779a4589152b57d2dacb

skip () { echo "skipped: $*"; exit 77; }
fail () { echo "FAILED: $*"; exit 1; }
command -v ffmpeg >/dev/null || skip 'no ffmpeg'
command -v gst-launch-1.0 >/dev/null || skip 'no gst-launch-1.0'
[ -d "$vectors" ] || skip "no vectors in $vectors"
gst-inspect-1.0 --exists qtdemux || skip 'no qtdemux'
# Without a version it asks for that of GStreamer itself.
for element in cencdecrypt cencmp4decrypt; do
  gst-inspect-1.0 --exists --atleast-version=0.1 $element ||
    fail "no $element"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The samples of a file, one after the other.
samples () {
  ffmpeg -v error "$@" -map 0 -c copy -f streamhash -hash md5 - </dev/null
}

check () {
  [ "$2" = "$3" ] || fail "$1: $2, ffmpeg has $3"
  echo "ok: $1"
}

for scheme in cenc cbcs; do
  for medium in video audio; do
    name=$scheme-$medium
    cat "$vectors/vsd-$scheme-single/${medium}_init.mp4" \
      "$vectors/vsd-$scheme-single/${medium}_1.m4s" >"$work/in.mp4"
    expected=$(samples -decryption_key $key -i "$work/in.mp4")

    gst-launch-1.0 -q filesrc location="$work/in.mp4" blocksize=1000 ! \
      cencmp4decrypt keys=$kid:$key ! filesink location="$work/out.mp4"
    check "cencmp4decrypt, $name" "$(samples -i "$work/out.mp4")" \
      "$expected"

    # Raw samples have no container for ffmpeg, so against what it agreed to.
    gst-launch-1.0 -q filesrc location="$work/in.mp4" ! qtdemux ! \
      cencdecrypt keys=$kid:$key ! filesink location="$work/out.es"
    gst-launch-1.0 -q filesrc location="$work/out.mp4" ! qtdemux ! \
      filesink location="$work/clear.es"
    cmp "$work/out.es" "$work/clear.es" || fail "cencdecrypt, $name"
    [ -s "$work/out.es" ] || fail "cencdecrypt, $name: nothing came out"
    echo "ok: cencdecrypt, $name"
  done
done

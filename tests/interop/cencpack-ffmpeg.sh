#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What cencpack encrypts: the boxes are checked against the clear file by
# mp4check.py, and ffmpeg, cencmp4decrypt and cencdecrypt find the clear samples
# again.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cencpack=$RELAY_BUILD/tests/media/cencpack
kid=00112233445566778899aabbccddeeff
key=0123456789abcdef0123456789abcdef

skip() {
  echo "skipped: $*"
  exit 77
}
fail() {
  echo "FAILED: $*"
  exit 1
}
for tool in ffmpeg gst-launch-1.0 python3; do
  command -v "$tool" >/dev/null || skip "no $tool"
done
gst-inspect-1.0 --exists qtdemux || skip 'no qtdemux'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Hashes of the samples of each stream. $1 is a file, the rest are options. From
# a pipe: in a file without sidx ffmpeg 5.1 reads ahead to the last fragment and
# takes its senc for that of the first.
samples() {
  local file=$1
  shift
  ffmpeg -nostdin -v error "$@" -i pipe:0 -map 0 -c copy -f streamhash \
    -hash md5 - <"$file" || echo 'ffmpeg failed'
}
check() {
  [[ $2 == "$3" ]] || fail "$1: $2"$'\n'"expected: $3"
}

# Two files in three forms each: one file with sidx at its start, one with mfra
# at its end, and init and segments.
media() {
  ffmpeg -nostdin -v error \
    -f lavfi -i testsrc2=size=320x180:rate=25:duration=4 \
    -f lavfi -i sine=frequency=440:sample_rate=48000:duration=4 \
    -c:v libx264 -pix_fmt yuv420p -g 25 -slices 2 -c:a aac "$work/source.mp4"
  local stream
  for stream in v a; do
    local from=(-nostdin -v error -i "$work/source.mp4" -map "0:$stream" -c copy)
    ffmpeg "${from[@]}" -frag_duration 1000000 \
      -movflags frag_keyframe+empty_moov+default_base_moof \
      "$work/mfra-$stream.mp4"
    ffmpeg "${from[@]}" -frag_duration 1000000 \
      -movflags frag_keyframe+empty_moov+default_base_moof+global_sidx \
      "$work/sidx-$stream.mp4"
    mkdir "$work/dash-$stream" "$work/packed-$stream"
    (
      # The names of the segments are relative to the current folder.
      cd "$work/dash-$stream"
      # shellcheck disable=SC2016 # $Number$ is ffmpeg's
      ffmpeg "${from[@]}" -f dash -seg_duration 1 -use_template 1 \
        -init_seg_name init.mp4 -media_seg_name '$Number$.m4s' index.mpd
    )
  done
  ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=2 \
    -c:v libx265 -x265-params log-level=error -pix_fmt yuv420p -g 25 \
    -movflags frag_keyframe+empty_moov+default_base_moof "$work/hevc-v.mp4"
  # Both streams in one mdat, with a base_data_offset in tfhd.
  ffmpeg -nostdin -v error -i "$work/source.mp4" -c copy \
    -frag_duration 1000000 -movflags frag_keyframe+empty_moov \
    "$work/both.mp4"
}

# SCHEME FILE [OPTION...]: encrypts, checks the boxes, and decrypts in all ways
# that the peers are known to do right.
round_trip() {
  local scheme=$1 clear=$2 name=${2##*/} decrypters=() expected decrypter out
  shift 2
  "$cencpack" --scheme "$scheme" --kid $kid --key $key "$@" \
    -o "$work/packed.mp4" "$clear" >/dev/null
  "$here/mp4check.py" "$scheme" "$clear" "$work/packed.mp4" \
    >"$work/checked" || fail "$scheme $* $name: the boxes"
  expected=$(samples "$clear")
  decrypters=(cencmp4decrypt)
  # ffmpeg decrypts the partial last block of cens sound, which is clear.
  [[ $scheme == cens && $name != *-v.mp4 ]] || decrypters+=(ffmpeg)
  for decrypter in "${decrypters[@]}"; do
    case $decrypter in
      ffmpeg)
        out=$(samples "$work/packed.mp4" -decryption_key $key)
        ;;
      cencmp4decrypt)
        gst-launch-1.0 -q filesrc location="$work/packed.mp4" ! \
          cencmp4decrypt keys=$kid:$key ! filesink location="$work/out.mp4" ||
          fail "$scheme $* $name: cencmp4decrypt"
        out=$(samples "$work/out.mp4")
        ;;
    esac
    check "$scheme $* $name, $decrypter" "$out" "$expected"
  done
  echo "ok: $scheme $* $name: ${decrypters[*]}: $(cat "$work/checked")"
}

# Behind qtdemux there is no container left: raw samples against raw samples.
through_qtdemux() {
  local scheme=$1 clear=$2
  "$cencpack" --scheme "$scheme" --kid $kid --key $key \
    -o "$work/packed.mp4" "$clear" >/dev/null
  gst-launch-1.0 -q filesrc location="$work/packed.mp4" ! qtdemux ! \
    cencdecrypt keys=$kid:$key ! filesink location="$work/packed.es"
  gst-launch-1.0 -q filesrc location="$clear" ! qtdemux ! \
    filesink location="$work/clear.es"
  [[ -s $work/clear.es ]] || fail "$scheme ${2##*/}: nothing was demuxed"
  cmp "$work/clear.es" "$work/packed.es" || fail "$scheme ${2##*/}: cencdecrypt"
  echo "ok: $scheme ${2##*/}: cencdecrypt"
}

# Init and segments in one call: IVs do not repeat from segment to segment.
segments() {
  local scheme=$1 stream=$2 inputs=() pairs=() file
  local folder=$work/dash-$stream packed=$work/packed-$stream
  inputs=("$folder/init.mp4" "$folder"/[0-9]*.m4s)
  "$cencpack" --scheme "$scheme" --kid $kid --key $key -o "$packed" \
    "${inputs[@]}" >/dev/null
  for file in "${inputs[@]}"; do pairs+=("$file" "$packed/${file##*/}"); done
  "$here/mp4check.py" "$scheme" "${pairs[@]}" >"$work/checked" ||
    fail "$scheme segments $stream: the boxes"
  cat "${inputs[@]}" >"$work/clear.mp4"
  cat "${inputs[@]/#$folder/$packed}" >"$work/packed.mp4"
  gst-launch-1.0 -q filesrc location="$work/packed.mp4" ! \
    cencmp4decrypt keys=$kid:$key ! filesink location="$work/out.mp4"
  check "$scheme segments $stream" "$(samples "$work/out.mp4")" \
    "$(samples "$work/clear.mp4")"
  echo "ok: $scheme, ${#inputs[@]} segments $stream: $(cat "$work/checked")"
}

# What is asked for is refused: not with success, and with one line that has
# the words.
refused() {
  local words=$1 status=0
  shift
  "$cencpack" "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
  [[ $status -eq 1 ]] || fail "status $status, not 1: cencpack $*"
  [[ $(wc -l <"$work/stderr") -eq 1 && ! -s $work/stdout ]] ||
    fail "not one line of error: cencpack $*: $(cat "$work/stderr")"
  grep -qF -- "$words" "$work/stderr" ||
    fail "cencpack $*: $(cat "$work/stderr")"
}

media
for form in hevc-v mfra-v sidx-v mfra-a sidx-a both; do
  for scheme in cenc cens cbc1 cbcs; do
    round_trip $scheme "$work/$form.mp4"
  done
done
grep -q '[1-9][0-9]* tfra' "$work/checked" || fail 'no tfra was checked'
round_trip cbcs "$work/sidx-v.mp4" --per-sample-iv
grep -q '[1-9][0-9]* sidx' "$work/checked" || fail 'no sidx was checked'
# 8 bytes whose highest block counter would carry, 16 bytes that wrap.
round_trip cenc "$work/mfra-v.mp4" --iv ffffffffffffffff
round_trip cenc "$work/mfra-v.mp4" --iv 000000000000000000fffffffffffff0
round_trip cenc "$work/mfra-v.mp4" --iv 0123456789abcdeffffffffffffffff0
round_trip cbcs "$work/both.mp4" --pattern 1:9 --iv 0123456789abcdef
for scheme in cenc cbcs; do
  for form in mfra-v mfra-a; do through_qtdemux $scheme "$work/$form.mp4"; done
done
for scheme in cenc cens cbc1 cbcs; do
  segments $scheme v
  segments $scheme a
done

# Keys that --rotate makes: all rotations of both.
all_keys() {
  local k=$kid e=$key
  for _ in {1..16}; do
    printf '%s:%s,' "$k" "$e"
    k=${k:2}${k:0:2} e=${e:2}${e:0:2}
  done
}

# CLEAR SCHEME [OPTION...]: what ffmpeg does not decrypt, or not right, and what
# mp4check.py does not read; without options in push mode as well.
against_clear() {
  local clear=$1 scheme=$2 keys form out expected
  shift 2
  keys=$(all_keys)
  expected=$(samples "$clear")
  "$cencpack" --scheme "$scheme" --kid $kid --key $key "$@" \
    -o "$work/packed.mp4" "$clear" >/dev/null
  for form in '' '! queue'; do
    [[ -z $form || $# -eq 0 ]] || continue
    # shellcheck disable=SC2086 # an element of the pipeline, or none
    gst-launch-1.0 -q filesrc location="$work/packed.mp4" $form ! \
      cencmp4decrypt keys="${keys%,}" ! filesink location="$work/out.mp4" ||
      fail "$scheme $* ${clear##*/}: cencmp4decrypt"
    [[ $(wc -c <"$work/out.mp4") -eq $(wc -c <"$work/packed.mp4") ]] ||
      fail "$scheme $* ${clear##*/}: another length"
    out=$(samples "$work/out.mp4")
    check "$scheme $* ${clear##*/}" "$out" "$expected"
  done
  echo "ok: $scheme $* ${clear##*/}"
}

ffmpeg -nostdin -v error -i "$work/source.mp4" -c copy -movflags +faststart \
  "$work/progressive.mp4"
# Of H.265 the parameter sets stay clear, of which ffmpeg makes extradata.
ffmpeg -nostdin -v error -i "$work/hevc-v.mp4" -c copy -movflags +faststart \
  "$work/progressive-hevc.mp4"
for clear in progressive both; do
  for scheme in cenc cens cbc1 cbcs; do
    against_clear "$work/$clear.mp4" $scheme
    against_clear "$work/$clear.mp4" $scheme --clear-lead 2
    against_clear "$work/$clear.mp4" $scheme --rotate 1 --clear-lead 1
  done
  for pattern in 1:9 5:5 3:7 2:8 10:0; do
    against_clear "$work/$clear.mp4" cbcs --pattern $pattern
    against_clear "$work/$clear.mp4" cens --pattern $pattern
  done
  for iv in 0123456789abcdeffffffffffffffff0 ffffffffffffffff; do
    against_clear "$work/$clear.mp4" cenc --unaligned --iv $iv
  done
  against_clear "$work/$clear.mp4" cbcs --per-sample-iv
  second=${kid:2}${kid:0:2}:${key:2}${key:0:2}
  against_clear "$work/$clear.mp4" cenc --track "2=$second"
done
against_clear "$work/progressive-hevc.mp4" cbcs
# ffmpeg too reads one key, without groups, out of the tables.
"$cencpack" --scheme cenc --kid $kid --key $key -o "$work/packed.mp4" \
  "$work/progressive.mp4" >/dev/null
check 'progressive, ffmpeg' "$(samples "$work/packed.mp4" -decryption_key $key)" \
  "$(samples "$work/progressive.mp4")"
echo 'ok: progressive, ffmpeg'
# And what it writes itself that way.
ffmpeg -nostdin -v error -i "$work/progressive.mp4" -c copy \
  -encryption_scheme cenc-aes-ctr -encryption_key $key -encryption_kid $kid \
  -movflags +faststart "$work/by-ffmpeg.mp4"
gst-launch-1.0 -q filesrc location="$work/by-ffmpeg.mp4" ! \
  cencmp4decrypt keys=$kid:$key ! filesink location="$work/out.mp4" ||
  fail 'what ffmpeg encrypts'
check 'what ffmpeg encrypts' "$(samples "$work/out.mp4")" \
  "$(samples "$work/progressive.mp4")"
echo 'ok: what ffmpeg encrypts'

good=(--scheme cenc --kid "$kid" --key "$key" -o "$work/out.mp4")
in=$work/mfra-v.mp4
refused '--scheme must be' --scheme aes --kid $kid --key $key -o "$work/o" "$in"
refused '--scheme must be' --kid $kid --key $key -o "$work/o" "$in"
refused 'go together' --scheme cenc --kid $kid -o "$work/o" "$in"
refused '--kid and --key are missing' --scheme cenc -o "$work/o" "$in"
refused '32 hexadecimal digits' "${good[@]}" --key 0011 "$in"
refused 'is not hexadecimal' "${good[@]}" --kid "${kid/0/x}" "$in"
refused 'odd number of digits' "${good[@]}" --iv 001 "$in"
refused '8 or 16 bytes' "${good[@]}" --iv 0011 "$in"
refused 'cbc1 takes 16 bytes' "${good[@]}" --scheme cbc1 --iv 0011223344556677 "$in"
refused 'only cens and cbcs' "${good[@]}" --pattern 1:9 "$in"
refused 'nothing would be encrypted' "${good[@]}" --scheme cbcs --pattern 0:9 "$in"
refused "'16' is too great" "${good[@]}" --scheme cbcs --pattern 16:1 "$in"
refused "is no number" "${good[@]}" --scheme cbcs --pattern a:1 "$in"
refused 'a number is missing' "${good[@]}" --scheme cbcs --pattern 1 "$in"
refused 'only cbcs' "${good[@]}" --per-sample-iv "$in"
refused 'only cenc' "${good[@]}" --scheme cbcs --unaligned "$in"
refused 'there is no track 7' "${good[@]}" --track 7=$kid:$key "$in"
refused 'unknown option' "${good[@]}" --frobnicate 1 "$in"
refused 'its value is missing' "${good[@]}" "$in" --iv
refused '-o OUT and IN' "${good[@]}"
refused 'is not a folder' "${good[@]}" "$in" "$work/both.mp4"
refused 'cannot be read' "${good[@]}" "$work/none.mp4"
refused 'cannot be written' "${good[@]}" -o "$work/none/out.mp4" "$in"
refused 'would be written over' "${good[@]}" -o "$work" "$in"
refused 'two inputs' "${good[@]}" -o "$work/packed-v" \
  "$work/dash-v/1.m4s" "$work/dash-a/1.m4s"
refused 'samples come before moov' "${good[@]}" "$work/source.mp4"
refused 'before any moov' "${good[@]}" "$work/dash-v/1.m4s"
refused 'encrypted already' "${good[@]}" "$work/packed-v/init.mp4"
: >"$work/empty"
refused 'is empty' "${good[@]}" "$work/empty"
head -c 3000 "$in" >"$work/cut"
refused 'wrong size' "${good[@]}" "$work/cut"
seq 10 >"$work/text"
refused 'wrong size' "${good[@]}" "$work/text"
echo 'ok: wrong options and files are refused'

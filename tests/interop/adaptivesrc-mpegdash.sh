#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every MPD that others have made for their tests, and some of our own: what it
# lists, by our parser and by python3-mpegdash.
set -euo pipefail

python=
for candidate in python3 /usr/bin/python3; do
  ! "$candidate" -c 'import mpegdash' 2>/dev/null || python=$candidate
done
[[ -n $python ]] || {
  echo "skipped: no mpegdash"
  exit 77
}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

set_of='<AdaptationSet mimeType="video/mp4"><Representation id="v" bandwidth="5">'
end_of='</Representation></AdaptationSet>'
mpd() {
  cat >"$work/$1.mpd" <<END
<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1M30.5S" minBufferTime="PT1S" profiles="p">$2</MPD>
END
}
# shellcheck disable=SC2016 # what is between $ is DASH's
mpd number '<BaseURL>a/b?c</BaseURL><Period><BaseURL>../d/</BaseURL>'"$set_of"'
<SegmentTemplate timescale="90000" duration="360000" startNumber="7"
  presentationTimeOffset="90001" initialization="$RepresentationID$-$$-$Bandwidth%06d$"
  media="$Number%05d$"/>'"$end_of"'</Period>'
# shellcheck disable=SC2016
mpd timeline '<Period start="PT1S" duration="PT20S">'"$set_of"'
<SegmentTemplate timescale="10" startNumber="0" presentationTimeOffset="25"
  initialization="i" media="$Time$-$Number$"><SegmentTimeline><S t="0" d="20" r="3"/>
<S d="15"/><S t="100" d="7" r="-1"/><S t="130" d="20"/><S d="13" r="-1"/>
</SegmentTimeline></SegmentTemplate>'"$end_of"'</Period>
<Period duration="PT3S">'"$set_of"'<SegmentTemplate timescale="10" media="$Number$">
<SegmentTimeline><S d="9" r="-1"/></SegmentTimeline></SegmentTemplate>'"$end_of"'</Period>'
mpd list '<Period>'"$set_of"'<SegmentList timescale="2" duration="5">
<Initialization sourceURL="i" range="0-5"/><SegmentURL media="a"/>
<SegmentURL media="b" mediaRange="5-9"/></SegmentList>'"$end_of"'</Period>'

shopt -s nullglob globstar
vectors=${RELAY_SHARED_VECTORS:-$here/../../../shared/vectors}
files=("$work"/*.mpd "$vectors"/dash/**/*.mpd)
both=0
refused=0
unbound=0
for file in "${files[@]}"; do
  uri=http://h.example/x/y/m.mpd
  "$RELAY_BUILD/tests/interop/mpdlist" "$file" $uri >"$work/ours"
  "$python" "$here/mpdlist.py" "$file" $uri >"$work/theirs"
  if grep -q '^refused' "$work/ours" && grep -q '^refused' "$work/theirs"; then
    refused=$((refused + 1))
  elif cmp -s "$work/ours" "$work/theirs"; then
    both=$((both + 1))
  elif grep -q 'ExpatError unbound prefix' "$work/theirs"; then
    # cenc:pssh, where nobody has said what cenc is. We go on.
    unbound=$((unbound + 1))
  else
    echo "FAILED: $file"
    diff "$work/ours" "$work/theirs" | head -n 20 || true
    exit 1
  fi
done
echo "ok: $both MPDs list the same, $refused are refused by both, $unbound have" \
  "undeclared prefixes"

#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# examples/quickstart.sh: the main job, from another folder and with proxy
# variables that lead nowhere; and with something wrong, where it has to end with
# one clear line, not with success, and with no process left.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
quickstart=${QUICKSTART:-$root/examples/quickstart.sh}

if [[ $RELAY_BUILD != "$root/build" ]]; then
  echo "skipped: the quickstart builds in $root/build"
  exit 77
fi
for tool in ffmpeg tinyproxy gst-launch-1.0 g++ meson; do
  command -v $tool >/dev/null || {
    echo "skipped: no $tool"
    exit 77
  }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*"
  cat "$work/out" "$work/err"
  exit 1
}

# Runs it; a program in $work/bin stands in for another.
run() {
  status=0
  (
    cd /
    PATH=$work/bin:$PATH http_proxy=http://127.0.0.1:9 \
      all_proxy=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9 \
      "$quickstart" "$@"
  ) >"$work/out" 2>"$work/err" </dev/null || status=$?
}
# succeeds: as often as the machine has no processor for the receiver, but not
# for ever.
succeeds() {
  local try
  for try in 1 2 3; do
    rm -rf "$work/taken"
    run
    [[ $status -ne 0 ]] || return 0
    grep -qE '[1-9][0-9]* packets lost' "$work/out" "$work/err" || break
    echo "packets were lost: try $try of 3"
  done
  fail "status $status"
}
# What it starts has the name of its folder in the command line.
processes() {
  local pid
  for pid in /proc/[0-9]*; do
    if tr '\0' ' ' 2>/dev/null <"$pid/cmdline" |
      grep -q "$RELAY_BUILD/quickstart/"; then
      echo "${pid#/proc/}"
    fi
  done
}
# in_place_of PROGRAM <SCRIPT: in the script `real` is the program.
in_place_of() {
  rm -f "$work"/bin/*
  {
    printf '#!/usr/bin/env bash\nreal=%s\n' "$(command -v "$1")"
    cat
  } >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}
# fails STATUS WORDS: it ends with this status, and with one line of error.
fails() {
  [[ $status -eq $1 ]] || fail "status $status, not $1"
  [[ $(grep -c '^error: ' "$work/err") -eq 1 ]] || fail 'not one line of error'
  grep '^error: ' "$work/err" | grep -qE "$2" || fail "the error is not: $2"
  [[ -z $(processes) ]] || fail "left: $(processes)"
  echo "ok: $(grep '^error: ' "$work/err")"
}

mkdir "$work/bin"
succeeds
grep -q 'Everything is as expected' "$work/out" || fail 'not as expected'
picture=$(sed -n 's/^Received pictures.*: \(.*\.png\)$/\1/p' "$work/out")
[[ $(head -c 4 "$picture" | tail -c 3) == PNG ]] || fail "no picture: $picture"
[[ -z $(processes) ]] || fail "left: $(processes)"
sed -n '/requests/,/File again/p' "$work/out"

run now
fails 1 usage

# setup.sh does not ask for this one, or it would install a package.
in_place_of gst-inspect-1.0 <<'END'
[[ " $* " == *' h264parse '* ]] && exit 1
exec "$real" "$@"
END
run
fails 1 'missing: h264parse'

in_place_of tinyproxy <<'END'
exec sleep 0
END
run
fails 1 'tinyproxy does not start'

# A port that is taken: another one is tried.
in_place_of tinyproxy <<END
if mkdir "$work/taken" 2>/dev/null; then
  sed -i 's/^Port .*/Port 1/; s/^Listen .*/Listen 192.0.2.1/' "\${@: -1}"
fi
exec "\$real" "\$@"
END
succeeds
grep -q 'is taken' "$work/out" || fail 'no port was taken'
echo 'ok: a port that is taken'

in_place_of tinyproxy <<'END'
sed -i 's/^Allow .*/Deny 127.0.0.1/' "${@: -1}"
exec "$real" "$@"
END
run
fails 1 'dash: .*does not allow access'

# A proxy that dies on the way.
in_place_of tinyproxy <<END
"\$real" "\$@" &
trap 'kill \$!; exit' TERM
until [[ \$(wc -l <"$RELAY_BUILD/quickstart/log/requests") -ge 3 ]]; do
  sleep 0.02
done
kill \$!
wait
END
run
fails 1 '(dash|hls): .*(proxy|connection)'

# A wrong key: nothing tells, but what comes out cannot be decoded.
in_place_of gst-launch-1.0 <<'END'
exec "$real" "${@/keys=*/keys=eb676abbcb345e96bbcf616630f1a3da:00000000000000000000000000000000}"
END
run
fails 1 'dash: '

in_place_of gst-launch-1.0 <<'END'
exec "$real" "${@/keys=*/keys=00000000000000000000000000000000:00000000000000000000000000000000}"
END
run
fails 1 'dash: .*eb676abbcb345e96bbcf616630f1a3da'

in_place_of gst-launch-1.0 <<'END'
[[ " $* " == *adaptivesrc* ]] && kill -TERM $PPID && sleep 10
exec "$real" "$@"
END
run
[[ $status -eq 143 ]] || fail "status $status, not 143"
[[ -z $(processes) ]] || fail "left: $(processes)"
echo 'ok: SIGTERM'

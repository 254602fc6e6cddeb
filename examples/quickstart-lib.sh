# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What quickstart.sh is made of: processes, one relay job with its receiver,
# counting, and the summary. To be sourced after tests/setup.sh; `work`, `www`
# and `frames` are quickstart.sh's.
# shellcheck disable=SC2034,SC2154 # variables of the other file

# Where the proxy connects from: any other peer of the origin has gone past it.
proxy_address=127.0.0.2
proxy=
origin=

# --- Processes: all are started in the background, and none is left. ---

running=()
started= # the last one

start() {
  "$@" </dev/null 9>&- & # 9 is the lock
  started=$!
  running+=("$started")
}

alive() {
  kill -0 "$1" 2>/dev/null
}

# Its status; it is not stopped any more at the end.
reap() {
  local status=0 pid others=()
  wait "$1" || status=$?
  for pid in "${running[@]}"; do
    [[ $pid == "$1" ]] || others+=("$pid")
  done
  running=("${others[@]}")
  return $status
}

stop_all() {
  local pid
  for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; done
  # A receiver that was told to stop by TERM does; what does not is killed.
  for pid in "${running[@]}"; do
    within 3 dead "$pid" || kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  running=()
}

dead() {
  ! alive "$1"
}

# within SECONDS COMMAND...: waits until it succeeds.
within() {
  local left=$(($1 * 20))
  shift
  until "$@"; do
    ((left-- > 0)) || return 1
    sleep 0.05
  done
}

lock() {
  exec 9>"$1"
  flock -n 9 || die "another quickstart is running in $work"
}

# --- What is needed ---

# OURS... -- STOCK...
check_elements() {
  local version=(--atleast-version=0.1) element missing=()
  for element in "$@"; do
    if [[ $element == -- ]]; then
      version=()
    else
      gst-inspect-1.0 --exists "${version[@]}" "$element" 2>/dev/null ||
        missing+=("$element")
    fi
  done
  [[ ${#missing[@]} -eq 0 ]] ||
    die "GStreamer elements are missing: ${missing[*]}"
}

ffmpeg_quiet() {
  ffmpeg -nostdin -v error -y "$@" 2>>"$work/ffmpeg.log" ||
    die "ffmpeg failed; see $work/ffmpeg.log"
}

# --- Origin and proxy ---

origin_log() {
  cat "$work/log/requests"
}

start_origin() {
  start "$build/examples/origin" --log "$work/log/requests" "$www" \
    >"$work/log/origin"
  within 5 grep -qs '^port' "$work/log/origin" || die 'the origin does not start'
  origin=http://127.0.0.1:$(sed -n 's/^port //p' "$work/log/origin")
}

# tinyproxy cannot take port 0: one at random, and another if it is taken.
start_proxy() {
  local try port log=$work/log/proxy
  for try in {1..20}; do
    port=$((20000 + RANDOM % 12000))
    cat >"$work/tinyproxy.conf" <<END
Port $port
Listen 127.0.0.1
Allow 127.0.0.1
Bind $proxy_address
Timeout 30
END
    : >"$log"
    start tinyproxy -d -c "$work/tinyproxy.conf" >"$log" 2>&1
    if within 5 proxy_decided "$started" "$log" && alive "$started"; then
      proxy=http://127.0.0.1:$port
      return
    fi
    reap "$started" || true
    grep -q 'Could not create listening sockets' "$log" || break
    say "Port $port is taken, trying another one ($try)"
  done
  die "tinyproxy does not start; see $log"
}

proxy_decided() {
  dead "$1" || grep -q 'Accepting connections' "$2"
}

# --- One job: a sender and a stock receiver ---

declare -A proxied=() direct=() bytes=() sent=() received=() same=() took=()

# relay NAME LAUNCH-LINE: runs it with a receiver at its SINK, and counts. The
# 14 MB of pictures are sent in no less than 2 s, so that a receiver that has to
# wait for a processor finds its packets in the socket's buffer.
relay() {
  local name=$1 before line=() word begin status=0
  local pictures=$work/received/$1 log=$work/log/$1
  shift
  mkdir "$pictures"
  start_receiver "$name"
  for word in "$@"; do
    # shellcheck disable=SC2206 # words of a launch line
    case $word in
      SINK) line+=(udpsink host=127.0.0.1 port="$receiver_port" sync=false
        max-bitrate=60000000) ;;
      *' ! '*) line+=($word) ;;
      *) line+=("$word") ;;
    esac
  done
  before=$(origin_log | wc -l)
  begin=${EPOCHREALTIME/./}
  start gst-launch-1.0 -m "${line[@]}" >"$log" 2>&1
  local sender=$started
  within 60 dead "$sender" || {
    kill "$sender"
    say "$name: the sender was stopped after 60 s" >>"$log"
  }
  reap "$sender" || status=$?
  took[$name]=$((${EPOCHREALTIME/./} - begin))
  [[ $status -eq 0 ]] || die "$name: $(first_error "$log"); see $log"
  stop_receiver "$pictures" "$log.receiver"

  origin_log | tail -n +$((before + 1)) >"$log.requests"
  proxied[$name]=$(grep -c "^$proxy_address:" "$log.requests" || true)
  direct[$name]=$(grep -vc "^$proxy_address:" "$log.requests" || true)
  bytes[$name]=$(awk '{ sum += $6 } END { print sum + 0 }' "$log.requests")
  sent[$name]=$(counter "$name" rtpmjpegpay frames)
  compare "$name" "$pictures"
}

# The error of a sender that a person can do something with.
first_error() {
  local line
  line=$(grep -m 1 -E '^(ERROR|WARNING: erroneous)|was stopped' "$1" ||
    tail -1 "$1")
  line=${line#ERROR: from element }
  printf '%s' "${line:-gst-launch-1.0 failed}"
}

receiver_pid=
receiver_port=
start_receiver() {
  local log=$work/log/$1.receiver
  start gst-launch-1.0 -e -v udpsrc address=127.0.0.1 port=0 \
    buffer-size=212992 \
    caps=application/x-rtp,media=video,clock-rate=90000,encoding-name=JPEG,payload=26 ! \
    rtpjpegdepay ! multifilesink location="$work/received/$1/%05d.jpg" \
    >"$log" 2>&1
  receiver_pid=$started
  within 10 grep -q 'Setting pipeline to PLAYING' "$log" ||
    die "the receiver does not start; see $log"
  receiver_port=$(sed -n 's/.*udpsrc0: port = //p' "$log" | head -1)
}

# No EOS comes over UDP: it has all when it has the number of frames, or when no
# more have come for a second.
stop_receiver() {
  local count=-1 still=0
  while ((still < 20)); do
    if [[ $(pictures_in "$1") -eq $count ]]; then
      ((++still))
    else
      still=0
      count=$(pictures_in "$1")
    fi
    ((count < frames)) || break
    sleep 0.05
  done
  # The row of our port: its last column is what the kernel threw away.
  lost_packets=$(awk -v port="$(printf ':%04X' "$receiver_port")" \
    'index ($2, port) { print $NF }' /proc/net/udp)
  kill -INT "$receiver_pid"
  reap "$receiver_pid" || die "the receiver failed; see $2"
}

pictures_in() {
  find "$1" -name '*.jpg' | wc -l
}

# counter JOB ELEMENT FIELD [NAME]: of the message with which it ended.
counter() {
  sed -n "s/.* from element \"${4:-[^\"]*}\" .*: $2-stats, .*\b$3=([a-z0-9]*)\([^,;]*\).*/\1/p" \
    "$work/log/$1" | tail -1
}

# --- Pictures ---

# The hash of each decoded picture: rtpjpegdepay writes new headers, so that the
# files themselves differ.
hashes() {
  ffmpeg_quiet -i "$1/%05d.jpg" -f framemd5 - | sed -n 's/^[^#].*, *//p'
}

compare() {
  local name=$1 psnr
  received[$name]=$(pictures_in "$2")
  if [[ ${received[$name]} -ne $frames ]]; then
    same[$name]="no, $lost_packets packets lost"
    return
  fi
  hashes "$2" >"$work/log/$name.md5"
  if cmp -s "$work/reference.md5" "$work/log/$name.md5"; then
    same[$name]=yes
  else
    psnr=$(ffmpeg -nostdin -v info -i "$work/reference/%05d.jpg" \
      -i "$2/%05d.jpg" -lavfi psnr -f null - 2>&1 |
      sed -n 's/.*PSNR.* average:\([^ ]*\).*/\1/p')
    same[$name]="no, PSNR $psnr dB"
  fi
}

# contact_sheet FILE JOB...: a row of four pictures for each job.
contact_sheet() {
  local file=$1 job inputs=() graph='' rows='' i=0
  shift
  for job in "$@"; do
    inputs+=(-i "$work/received/$job/%05d.jpg")
    graph+="[$i]select='eq(mod(n,$((frames / 4))),$((frames / 8)))',"
    graph+="scale=480:270,tile=4x1:padding=4:margin=4[row$i];"
    rows+="[row$i]"
    i=$((i + 1))
  done
  ffmpeg_quiet "${inputs[@]}" -filter_complex \
    "$graph${rows}vstack=inputs=$i" -frames:v 1 "$file"
  say "Received pictures, a row for each job: $file"
}

# --- Expectations and summary ---

failures=()

# WHAT ACTUAL EXPECTED
expect() {
  [[ $2 == "$3" ]] || failures+=("$1: ${2:-nothing}, expected: $3")
}

# What is expected of every job: JOB TITLE CACHE-STATUS
expect_job() {
  expect "$2: direct requests" "${direct[$1]}" 0
  expect "$2: frames sent" "${sent[$1]}" "$frames"
  expect "$2: frames received" "${received[$1]}" "$frames"
  expect "$2: identical pictures" "${same[$1]}" yes
  expect "$2: cache" "$(cache_status "$1")" "$3"
}

cache_status() {
  local status
  status=$(counter "$1" cachetee status)
  printf '%s' "${status:--}"
}

# JOB TITLE [JOB TITLE]...
summary() {
  local form='%-12s %9s %7s %9s %6s %9s %9s  %-5s %7s\n' name
  say
  # shellcheck disable=SC2059 # one format for all rows
  printf "$form" '' requests direct bytes frames received identical cache time
  # shellcheck disable=SC2059
  printf "$form" '' 'by proxy' '' '' sent '' '' '' ''
  while [[ $# -gt 0 ]]; do
    name=$1
    # shellcheck disable=SC2059
    printf "$form" "$2" "${proxied[$name]}" "${direct[$name]}" \
      "${bytes[$name]}" "${sent[$name]}" "${received[$name]}" \
      "${same[$name]%%,*}" "$(cache_status "$name")" \
      "$(printf '%d.%d s' $((took[$name] / 1000000)) \
        $((took[$name] / 100000 % 10)))"
    shift 2
  done
  say
}

verdict() {
  local failure
  if [[ ${#failures[@]} -gt 0 ]]; then
    for failure in "${failures[@]}"; do say "FAILED: $failure"; done
    die "${#failures[@]} expectations were not met"
  fi
  say "Everything is as expected ($SECONDS s)."
}

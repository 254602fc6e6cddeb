# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For the scripts that use servers and proxies of others: starts them, on
# 127.0.0.1, with all that they need and write in a temporary folder, and ends
# them. Nothing is asked of the machine: not its name server, not syslog, not
# its users. The proxies go out from 127.0.0.2, so that whatever comes to the
# origin from 127.0.0.1 has gone past them, and they alone know the names.

PATH=$PATH:/usr/sbin:/sbin # where daemons are
work=$(mktemp -d)
chmod 755 "$work" # daemons of root become others
daemons=()

# end DAEMON, and what it has begun.
end() {
  kill -KILL -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
clean_up() {
  local pid
  for pid in "${daemons[@]}"; do end "$pid"; done
  # What squid has no time to take away.
  rm -rf "$work" "/dev/shm/relay$$x"*
}
trap clean_up EXIT
trap 'exit 1' TERM INT HUP

fail() {
  echo "FAILED: $*"
  local log
  for log in "$work"/*.log "$work"/*/*.log "$work/said"; do
    [[ ! -s $log ]] || { echo "--- ${log##*/}" && tail -n 15 "$log"; }
  done
  exit 1
}
skip() {
  echo "skipped: $*"
  exit 77
}
need() {
  local tool
  for tool in openssl nginx "$@"; do
    command -v "$tool" >/dev/null || skip "no $tool"
  done
}

# Waits for up to 20 seconds until the command succeeds.
until_true() {
  local tries
  for tries in {1..200}; do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  return 1
}
listens() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# start NAME PORT COMMAND...: in a process group of its own, which ends with us
# whatever happens. False when it does not come to listen there.
start() {
  local name=$1 port=$2 tries
  shift 2
  setsid setpriv --pdeathsig KILL "$@" >>"$work/$name.log" 2>&1 </dev/null &
  daemon=$!
  daemons+=("$daemon")
  for tries in {1..200}; do
    kill -0 "$daemon" 2>/dev/null || return 1
    ! listens "$port" || return 0
    sleep 0.1
  done
  return 1
}

# None of them takes port 0: ports that are free now, or others. try MAKER...:
# the function begins a daemon at $port and the two behind it.
try() {
  local tries
  for tries in {1..5}; do
    port=$((20000 + RANDOM % 20000))
    if ! listens $port && ! listens $((port + 1)) && ! listens $((port + 2)) &&
      "$@"; then return 0; fi
  done
  fail "$1 does not begin"
}

# Names for programs that ask the C library.
echo '127.0.0.1 origin.test other.test media.test' >"$work/hosts"
with_names() {
  local library
  for library in /usr/lib/*/libnss_wrapper.so; do
    [[ -e $library ]] || skip 'no libnss_wrapper'
  done
  names=(env "LD_PRELOAD=$library" "NSS_WRAPPER_HOSTS=$work/hosts")
}

make_certificate() {
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  openssl req -x509 "${key[@]}" -subj '/CN=An authority for a test' -days 2 \
    -keyout "$work/ca.key" -out "$work/ca.pem"
  openssl req "${key[@]}" -subj /CN=origin.test \
    -keyout "$work/server.key" -out "$work/server.csr"
  echo 'subjectAltName=DNS:origin.test,DNS:other.test,DNS:media.test,IP:127.0.0.1' \
    >"$work/names"
  openssl x509 -req -in "$work/server.csr" -CA "$work/ca.pem" \
    -CAkey "$work/ca.key" -set_serial 1 -days 2 -extfile "$work/names" \
    -out "$work/server.pem"
  chmod 644 "$work/server.key"
}

make_files() {
  mkdir "$work/www" "$work/nginx"
  head -c 3000000 /dev/urandom >"$work/www/clip.bin"
  # A packet of MPEG-TS begins with a G: nothing but packets, then.
  head -c 188000 /dev/zero | tr '\0' G >"$work/www/1.ts"
  cat "$work/www/1.ts" "$work/www/1.ts" >"$work/both.ts"
  cat >"$work/www/all.m3u8" <<END
#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=1000
https://other.test:$((port + 1))/list.m3u8
END
  cat >"$work/www/list.m3u8" <<END
#EXTM3U
#EXT-X-TARGETDURATION:1
#EXTINF:1,
http://media.test:$port/1.ts
#EXTINF:1,
moved.ts
#EXT-X-ENDLIST
END
}

nginx_at() {
  rm -rf "$work/www" "$work/nginx"
  make_files
  chmod 777 "$work/nginx"
  http=$port
  https=$((port + 1))
  cat >"$work/nginx.conf" <<END
daemon off;
pid $work/nginx/pid;
error_log stderr;
worker_processes 1;
events {
}
http {
  client_body_temp_path $work/nginx/body;
  proxy_temp_path $work/nginx/proxy;
  fastcgi_temp_path $work/nginx/fastcgi;
  uwsgi_temp_path $work/nginx/uwsgi;
  scgi_temp_path $work/nginx/scgi;
  log_format peers '\$remote_addr \$server_protocol \$status \$host \$request_uri';
  access_log $work/origin.log peers;
  etag on;
  server {
    listen 127.0.0.1:$http;
    listen 127.0.0.1:$https ssl http2;
    ssl_certificate $work/server.pem;
    ssl_certificate_key $work/server.key;
    root $work/www;
    keepalive_requests 3;
    location = /moved.bin {
      return 302 https://other.test:$https/clip.bin;
    }
    location = /moved.ts {
      return 302 http://media.test:$http/1.ts;
    }
    location = /slow.bin {
      alias $work/www/clip.bin;
      limit_rate 800k;
    }
    location = /secret.bin {
      return 401;
    }
  }
}
END
  start nginx "$http" nginx -e stderr -p "$work/nginx" -c "$work/nginx.conf"
}

# The origin: http and https, and what is on it.
start_origin() {
  make_certificate >"$work/openssl.log" 2>&1 || fail 'no certificate'
  try nginx_at
}

# launch LINE [BYTE]: what the probe says is in $work/said.
launch() {
  rm -f "$work/out"
  timeout 60 "$RELAY_BUILD/tests/interop/probe" "$work/ca.pem" "$@" \
    >"$work/said" 2>&1
}
sink="filesink buffer-mode=unbuffered location=$work/out"
# get PROPERTY...: all of it.
get() {
  launch "proxyhttpsrc name=source $* ! $sink" || fail "no end: $*"
  cmp "$work/www/clip.bin" "$work/out" || fail "other bytes: $*"
}
# get_from BYTE PROPERTY...
get_from() {
  local byte=$1
  shift
  launch "proxyhttpsrc name=source $* ! $sink" "$byte" || fail "no end: $*"
  # filesink writes them where they belong.
  cmp --ignore-initial="$byte" "$work/www/clip.bin" "$work/out" ||
    fail "other bytes: $*"
}
# refused WORDS PROPERTY...
refused() {
  local words=$1
  shift
  ! launch "proxyhttpsrc name=source retries=1 timeout=5 $* ! $sink" ||
    fail "it worked: $*"
  grep -q "^ERROR gst-resource-error-quark $words" "$work/said" ||
    fail "not the error $words: $*"
  ! grep -q 's3cret' "$work/said" || fail "the password is shown: $*"
}
# How many requests came from there.
from() {
  grep -c "^$1 " "$work/origin.log" || true
}
came() {
  [[ $(from "$1") = "$2" ]]
}
assert_none_direct() {
  [[ $(from 127.0.0.1) = 0 ]] || fail 'requests past the proxy'
  ! grep '^asked:' "$work/said" || fail 'a name was looked up'
}

not_authorized=15
open_read=5
# test_proxy URI: everything goes by it, and when it dies, nothing goes. It is
# the daemon that was started last.
test_proxy() {
  local routes="routes=\"*.test=$1,all=block\"" begun shown=$1
  begun=$(from 127.0.0.2)
  shown=${shown/s3cret/***}
  local plain="location=http://origin.test:$http" tls="location=https://origin.test:$https"
  get "$plain/clip.bin" "$routes"
  get "$tls/clip.bin" "$routes"
  get "$plain/moved.bin" "$routes"
  get_from 1234567 "$plain/clip.bin" "$routes"
  get_from 2999999 "$tls/clip.bin" "$routes"
  assert_none_direct
  launch "adaptivesrc location=http://origin.test:$http/all.m3u8 $routes ! $sink" ||
    fail 'adaptivesrc: no end'
  cmp "$work/both.ts" "$work/out" || fail 'adaptivesrc: other bytes'
  assert_none_direct
  # What no rule allows, and what only a rule for it would allow.
  refused $not_authorized "location=http://127.0.0.1:$http/clip.bin" "$routes"
  refused $not_authorized "location=http://elsewhere:$http/clip.bin" "$routes"
  refused "3: .*(404)" "$plain/none" "$routes"
  # 6 of proxyhttpsrc, one of them a redirect, 5 of adaptivesrc, and the 404.
  until_true came 127.0.0.2 $((begun + 12)) ||
    fail "$(($(from 127.0.0.2) - begun)) requests by the proxy, not 12"
  assert_none_direct

  rm -f "$work/out"
  launch "proxyhttpsrc retries=1 $plain/slow.bin $routes ! $sink" &
  local pipeline=$!
  until_true test -s "$work/out" || fail 'nothing comes'
  end "$daemon"
  ! wait $pipeline || fail 'it went on without its proxy'
  grep -q "^ERROR gst-resource-error-quark $open_read" "$work/said" ||
    fail 'no clear error for a proxy that died'
  cmp -n "$(stat -c %s "$work/out")" "$work/www/clip.bin" "$work/out" ||
    fail 'other bytes before the end'
  refused $open_read "$plain/clip.bin" "$routes"
  refused $open_read "$tls/clip.bin" "$routes"
  until_true came 127.0.0.2 $((begun + 13)) ||
    fail 'the proxy that died went on'
  assert_none_direct
  echo "$shown: 13 requests by it, 0 past it"
}

# squid [AUTH]: on $port, and with TLS on the one behind it.
squid_at() {
  local password='http_access allow local'
  rm -rf "$work/squid"
  mkdir "$work/squid"
  # It will not be root.
  [[ $(id -u) -ne 0 ]] || chown proxy "$work/squid"
  if [[ ${1:-} = with-password ]]; then
    echo "relay:$(openssl passwd -apr1 s3cret)" >"$work/squid.users"
    password="auth_param basic program /usr/lib/squid/basic_ncsa_auth $work/squid.users
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow local known"
  fi
  cat >"$work/squid.conf" <<END
http_port 127.0.0.1:$port
https_port 127.0.0.1:$((port + 1)) tls-cert=$work/server.pem tls-key=$work/server.key
visible_hostname squid.test
hosts_file $work/hosts
dns_nameservers 127.0.0.1
tcp_outgoing_address 127.0.0.2
pid_filename $work/squid/pid
cache_log $work/squid/cache.log
access_log stdio:$work/squid/access.log
coredump_dir $work/squid
cache deny all
cache_mem 8 MB
max_filedescriptors 1024
pinger_enable off
shutdown_lifetime 0 seconds
acl local src 127.0.0.1
$password
http_access deny all
END
  # Of its own name, as its shared memory is.
  start squid "$port" squid -N -n "relay$$x$port" -f "$work/squid.conf"
}
need_squid() {
  need squid
  [[ -w /dev/shm ]] || skip 'no /dev/shm, which squid needs'
}

# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Set-up that tests/run.sh, .ci/run, tests/soak.sh and examples/quickstart.sh
# share; to be sourced:
#
#   setup_packages GROUP...   install what these groups lack (build run ci interop)
#   setup_peers                   proxies and servers to test against, if possible
#   setup_npm PACKAGE@VERSION...  the same by npm, where there is npm
#   setup_build [TARGET...]   configure build/ and compile these, or everything
#   setup_env                 our plugins, our registry, no proxy variables
#
# Everything is kept under build/. Nothing that is there is installed again.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
export LC_ALL=C.UTF-8

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

say() {
  printf '%s\n' "$*"
}

# "probe package": the package is needed unless the probe finds what it brings.
declare -A setup_needs=()
setup_needs[build]='
cmd:g++ g++
cmd:meson meson
cmd:ninja ninja-build
cmd:pkg-config pkg-config
cmd:msgfmt gettext
pc:gstreamer-1.0 libgstreamer1.0-dev
pc:gstreamer-rtp-1.0 libgstreamer-plugins-base1.0-dev
pc:libsoup-3.0 libsoup-3.0-dev
pc:libxml-2.0 libxml2-dev
pc:openssl libssl-dev
pc:libxxhash libxxhash-dev
pc:libgcrypt libgcrypt20-dev
pc:libzstd libzstd-dev
'
setup_needs[run]='
cmd:ffmpeg ffmpeg
cmd:tinyproxy tinyproxy-bin
cmd:gst-launch-1.0 gstreamer1.0-tools
gst:videoconvert gstreamer1.0-plugins-base
gst:rtpjpegdepay gstreamer1.0-plugins-good
gst:tsdemux gstreamer1.0-plugins-bad
gst:avdec_h264 gstreamer1.0-libav
'
# Without its symbolizer LeakSanitizer does not know what to suppress.
setup_needs[ci]='
cmd:clang++ clang
cmd:clang-format clang-format
cmd:clang-tidy clang-tidy
asan:clang++ libclang-rt-14-dev
cmd:llvm-symbolizer llvm
cmd:shellcheck shellcheck
'
setup_needs[interop]='
cmd:curl curl
pc:libjpeg libjpeg62-turbo-dev
cmd:jpegtran libjpeg-turbo-progs
pc:gstreamer-rtsp-server-1.0 libgstrtspserver-1.0-dev
py:m3u8 python3-m3u8
py:mpegdash python3-mpegdash
'
# Proxies and an origin that others wrote: what is not to be had, its tests do
# without.
setup_needs[peers]='
cmd:openssl openssl
cmd:nginx nginx
cmd:squid squid
cmd:tinyproxy tinyproxy-bin
cmd:danted dante-server
cmd:microsocks microsocks
cmd:nghttpx nghttp2-proxy
lib:libnss_wrapper.so libnss-wrapper
'

setup_has() {
  case $1 in
    # Daemons are where an ordinary user does not look.
    cmd:*) PATH=$PATH:/usr/sbin:/sbin command -v "${1#cmd:}" >/dev/null ;;
    lib:*) compgen -G "/usr/lib/*/${1#lib:}" >/dev/null ;;
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    # Of the system's Python: packages are for no other one.
    py:*) /usr/bin/python3 -c "import ${1#py:}" 2>/dev/null ;;
    gst:*) gst-inspect-1.0 --exists "${1#gst:}" 2>/dev/null ;;
    asan:*)
      echo 'int main () {}' |
        "${1#asan:}" -x c++ -fsanitize=address - -o /dev/null 2>/dev/null
      ;;
  esac
}

# What the groups lack, one package in each line.
setup_missing() {
  local group probe package
  for group in "$@"; do
    while read -r probe package; do
      [[ -z $probe ]] || setup_has "$probe" || echo "$package"
    done <<<"${setup_needs[$group]}"
  done
}

# What can be had of the group "peers": their tests do without the rest.
setup_peers() {
  local package missing as_root=()
  setup_env
  mapfile -t missing < <(setup_missing peers)
  [[ ${#missing[@]} -gt 0 ]] || return 0
  [[ $(id -u) -eq 0 ]] || as_root=(sudo -n)
  if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    say "Installing: ${missing[*]}"
    setup_apt "${as_root[@]}" -- "${missing[@]}" ||
      for package in "${missing[@]}"; do
        setup_apt "${as_root[@]}" -- "$package" || true
      done
    hash -r
    mapfile -t missing < <(setup_missing peers)
  fi
  [[ ${#missing[@]} -eq 0 ]] ||
    say "Not to be had: ${missing[*]}: tests that need them will be skipped"
}

setup_packages() {
  local missing
  setup_env
  mapfile -t missing < <(setup_missing "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0

  if [[ ! -e /etc/debian_version ]] || ! command -v apt-get >/dev/null; then
    die "this is not Debian: please install what these packages hold and try again: ${missing[*]}"
  fi
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null ||
      die "root or sudo is needed to install: ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing: ${missing[*]}"
  setup_apt "${as_root[@]}" -- "${missing[@]}" ||
    die "the packages could not be installed; see $build/apt.log"
  # What was not there a moment ago may be now.
  rm -f "$build/registry.bin"
  hash -r
}

# setup_apt [sudo] -- PACKAGE...: installs, and starts no daemon. With a
# policy-rc.d that says 101 ("forbidden by policy") no service is started.
setup_apt() {
  local as_root=() policy=/usr/sbin/policy-rc.d ours=no status=0
  while [[ $1 != -- ]]; do
    as_root+=("$1")
    shift
  done
  shift
  if [[ ! -e $policy ]]; then
    ours=yes
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
  fi
  # A machine may need its proxy variables to reach the package archive, so
  # apt-get is the one program that gets them.
  {
    "${as_root[@]}" env "${setup_proxy_variables[@]}" apt-get update &&
      "${as_root[@]}" env "${setup_proxy_variables[@]}" \
        DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"
  } >"$build/apt.log" 2>&1 </dev/null || status=1
  [[ $ours == no ]] || "${as_root[@]}" rm -f $policy
  return $status
}

# What only npm has, a test can do without: it is skipped then, and says so.
setup_npm() {
  local package missing=()
  for package in "$@"; do
    [[ -d $build/npm/node_modules/${package%@*} ]] || missing+=("${package%@*}")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if ! command -v npm >/dev/null; then
    say "No npm: tests that need ${missing[*]} will be skipped"
    return 0
  fi
  say "Installing by npm: ${missing[*]}"
  # All of them, for npm removes what it is not told of.
  setup_npm_install "$@" ||
    for package in "$@"; do
      setup_npm_install "$package" ||
        say "${package%@*} could not be installed (see $build/npm.log): tests that need it will be skipped"
    done
}

setup_npm_install() {
  mkdir -p "$build/npm"
  timeout 300 env "${setup_proxy_variables[@]}" npm install \
    --prefix "$build/npm" --save-exact --no-package-lock --ignore-scripts \
    --no-audit --no-fund --fetch-retries 1 "$@" >"$build/npm.log" 2>&1 </dev/null
}

setup_proxy_variables=()
for variable in http_proxy https_proxy ftp_proxy all_proxy no_proxy \
  HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY; do
  [[ -z ${!variable:-} ]] || setup_proxy_variables+=("$variable=${!variable}")
done

setup_env() {
  mkdir -p "$build"
  # For a test that asks apt-get for sources.
  export RELAY_PROXY_VARIABLES="${setup_proxy_variables[*]}"
  unset http_proxy https_proxy ftp_proxy all_proxy no_proxy
  unset HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY
  export GST_PLUGIN_PATH_1_0=$build/gst:$build/ext
  unset GST_REGISTRY_1_0 # it would go before
  export GST_REGISTRY=$build/registry.bin
}

setup_build() {
  if [[ ! -e $build/build.ninja ]]; then
    say "Configuring $build"
    meson setup "$build" "$root" >"$build/setup.log" 2>&1 ||
      die "meson setup failed; see $build/setup.log"
  fi
  say "Compiling"
  meson compile -C "$build" "$@" >"$build/compile.log" 2>&1 || {
    grep -E -m 20 'error|FAILED' "$build/compile.log" >&2 || true
    die "the build failed; see $build/compile.log"
  }
}

# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# For the scripts that run GStreamer's own tests on our elements: its sources.
# Needs the function skip, and a folder work for what may go.

# apt-get with folders of its own: anybody can run it, and the machine's
# sources, lists and cache stay as they are.
: "${work:?}"
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
# get_package SOURCE VERSION: that source package, or another of the same upstream
# version, into the current folder.
get_package() {
  local source=$1 list version
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
  for version in "$2" $(own_apt apt-cache madison "$source" |
    awk -v upstream="${2%-*}-" '
      $NF == "Sources" && index ($3, upstream) == 1 {print $3}'); do
    ! own_apt apt-get source --download-only "$source=$version" \
      >/dev/null || return 0
  done
  return 1
}

# stock_sources PACKAGE SOURCE FOLDER: sets `sources` to where the source package
# of what is installed as PACKAGE is unpacked; to FOLDER, if that is not empty.
stock_sources() {
  local package=$1 source=$2 version kept archive
  sources=$3
  [[ -z $sources ]] || return 0
  command -v apt-get >/dev/null || skip 'no apt-get, and no sources'
  # shellcheck disable=SC2016 # dpkg's variable
  version=$(dpkg-query -W -f '${source:Version}' "$package") ||
    skip "$package is no Debian package, and no sources"
  kept=$RELAY_BUILD/stock-sources/$source-${version//[^A-Za-z0-9.+-]/_}
  if [[ ! -d $kept ]]; then
    mkdir "$work/package"
    (cd "$work/package" && get_package "$source" "$version") || {
      tail -n 5 "$work/apt.log"
      skip "the source package $source is not to be had"
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
}

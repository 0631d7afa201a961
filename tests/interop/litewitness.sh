#!/usr/bin/env bash
# Sends what litewitness is tested with, by its own authors, to `avouch-log witness`, and compares the answers. By hand: it reads
# Debian's newest package with the sources of torchwood, by this machine's own mirrors, into the cache.
#
#   tests/interop/litewitness.sh BUILD_DIR [SUITE]     such as build/release; SUITE is sid
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$HERE/../../hack/lib/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HERE/../../hack/lib/deps.sh"

program=${1:?name the build folder}/bin/avouch-log
suite=${2:-sid}
[[ -x $program ]] || die "no program $program: build it first (target avouch-log)"
dir=$CACHE_DIR/torchwood-$suite
log=$CACHE_DIR/logs/torchwood.log

# newer_sources DIR: this machine's entries for Debian's archive, of the suite; the security archive has no such suite.
newer_sources() {
  write_apt_entries deb "$1/sources.list.d"
  local file
  for file in "$1"/sources.list.d/*; do
    case $file in
      *.sources)
        awk -v RS= -v suite="$suite" '("\n" $0) !~ /\nSuites:[^\n]*-security/ {
            text = "\n" $0
            sub(/\nSuites:[^\n]*/, "\nSuites: " suite, text)
            print substr(text, 2) "\n"
          }' "$file" >"$file.new"
        ;;
      *) sed -nE "/-security/d; s#^(deb[[:space:]]+(\[[^]]*\][[:space:]]+)?[^[:space:]]+)[[:space:]]+[^[:space:]]+#\1 $suite#p" "$file" >"$file.new" ;;
    esac
    mv "$file.new" "$file"
  done
  find "$1/sources.list.d" -type f -empty -delete
}

# private_apt ARGUMENTS...: apt-get that sees the suite; the system's files stay as they are.
private_apt() {
  apt_get -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$dir.new/sources.list.d" \
    -o "Dir::State::Lists=$dir.new/lists" -o "Dir::Cache=$dir.new/cache" -o APT::Sandbox::User=root "$@"
}

fetch() {
  rm -rf "$dir" "$dir.new"
  mkdir -p "$dir.new/lists/partial" "$dir.new/cache/archives/partial"
  newer_sources "$dir.new"
  private_apt update &&
    (cd "$dir.new" && private_apt download golang-filippo-torchwood-dev && dpkg --extract ./*.deb tree) &&
    rm -rf "$dir.new/lists" "$dir.new/cache" &&
    mv "$dir.new" "$dir"
}

if [[ ! -d $dir ]]; then
  mkdir -p "$CACHE_DIR/logs"
  say "fetching Debian's torchwood from $suite (log: $log)"
  : >"$log"
  quietly "$log" fetch || die "cannot fetch it: is the network there, and does the mirror have $suite?" "$log"
fi
python3 "$HERE/litewitness.py" "$program" "$dir/tree/usr/share/gocode/src/filippo.io/torchwood"

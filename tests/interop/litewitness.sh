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
# shellcheck source=tests/interop/debian.sh
source "$HERE/debian.sh"

program=${1:?name the build folder}/bin/avouch-log
suite=${2:-sid}
[[ -x $program ]] || die "no program $program: build it first (target avouch-log)"
dir=$CACHE_DIR/torchwood-$suite
log=$CACHE_DIR/logs/torchwood.log

if [[ ! -d $dir ]]; then
  mkdir -p "$CACHE_DIR/logs"
  say "fetching Debian's torchwood from $suite (log: $log)"
  : >"$log"
  quietly "$log" unpack_packages "$dir" "$suite" golang-filippo-torchwood-dev || die "cannot fetch it: is the network there, and does the mirror have $suite?" "$log"
fi
python3 "$HERE/litewitness.py" "$program" "$dir/tree/usr/share/gocode/src/filippo.io/torchwood"

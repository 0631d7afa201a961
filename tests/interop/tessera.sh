#!/usr/bin/env bash
# Checks a log of ours by Tessera's fsck over HTTP, written by Tessera's own load generator, and compares the two logs on files:
# the same load tool, writers, entries and disk, in turns. By hand: it reads Debian's newest packages of Tessera, of Go and of what
# they need, by this machine's own mirrors, into the cache, and builds Tessera's programs from them (two minutes, 200 MB).
#
#   tests/interop/tessera.sh BUILD_DIR [--compare] [--entries N] [--rounds N] [--writers N] [--suite SUITE]
#
# BUILD_DIR is such as build/release (target log_server_bench). N entries of 1 KiB, 20,000, each round.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$HERE/../../hack/lib/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HERE/../../hack/lib/deps.sh"
# shellcheck source=tests/interop/debian.sh
source "$HERE/debian.sh"

server=${1:?name the build folder}/tests/bench/log_server_bench
shift
compare='' entries=20000 rounds=3 writers=512 suite=sid
while (($#)); do
  case $1 in
    --compare) compare=yes && shift ;;
    --entries) entries=${2:?} && shift 2 ;;
    --rounds) rounds=${2:?} && shift 2 ;;
    --writers) writers=${2:?} && shift 2 ;;
    --suite) suite=${2:?} && shift 2 ;;
    *) die "unknown option '$1'" ;;
  esac
done
[[ -x $server ]] || die "no program $server: build it first (target log_server_bench)"

PACKAGES=(
  golang-1.27-go golang-1.27-src
  golang-github-transparency-dev-tessera-dev golang-github-transparency-dev-merkle-dev golang-github-transparency-dev-formats-dev
  golang-golang-x-{mod,sync,crypto,sys,net,text,exp,time,term}-dev golang-google-protobuf-dev golang-opentelemetry-otel-dev
  golang-k8s-klog-dev golang-github-go-logr-{logr,stdr}-dev golang-github-cenkalti-backoff-v5-dev
  golang-github-cespare-xxhash{,-v2}-dev golang-github-robinus2-golang-moving-average-dev golang-github-dustin-go-humanize-dev
  golang-github-charmbracelet-{bubbletea,lipgloss,x,colorprofile}-dev golang-github-muesli-{termenv,ansi,cancelreader}-dev
  golang-github-aymanbagabas-go-osc52{,-v2}-dev golang-github-lucasb-eyer-go-colorful-dev golang-github-xo-terminfo-dev
  golang-github-mattn-go-{isatty,runewidth}-dev golang-github-rivo-{tview,uniseg}-dev golang-github-clipperhouse-uax29-dev
  golang-github-gdamore-tcell.v2-dev golang-github-gdamore-encoding-dev golang-github-hashicorp-golang-lru-v2-dev
  golang-github-dgraph-io-{badger,ristretto}-dev golang-github-google-flatbuffers-dev golang-github-klauspost-compress-dev
)
dir=$CACHE_DIR/tessera-$suite
log=$CACHE_DIR/logs/tessera.log

build_tessera() {
  local tessera=github.com/transparency-dev/tessera
  GOROOT=$dir/tree/usr/lib/go-1.27 GOPATH=$dir/tree/usr/share/gocode GOCACHE=$dir/go-cache GO111MODULE=off GOTOOLCHAIN=local GOFLAGS='' \
    "$dir/tree/usr/lib/go-1.27/bin/go" build -o "$dir/bin/" "$tessera/cmd/fsck" "$tessera/cmd/conformance/posix" "$tessera/internal/hammer"
}

if [[ ! -x $dir/bin/hammer ]]; then
  mkdir -p "$CACHE_DIR/logs"
  : >"$log"
  say "fetching Debian's Tessera and Go from $suite (log: $log)"
  quietly "$log" unpack_packages "$dir" "$suite" "${PACKAGES[@]}" || die "cannot fetch them: is the network there, and does the mirror have $suite?" "$log"
  say "building Tessera's fsck, load generator and server"
  quietly "$log" build_tessera || die "cannot build them" "$log"
fi

work=$(mktemp -d -p /var/tmp)
pids=()
cleanup() {
  ((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT

size_of() { curl --silent --fail "$1checkpoint" | sed -n 2p; }
await() { # URL: until there is a checkpoint
  local i
  for ((i = 0; i < 100; ++i)); do
    size_of "$1" | grep -q . && return
    sleep 0.1
  done
  die "no checkpoint at $1"
}
# load URL VKEY_FILE: prints entries a second.
load() {
  local before after begun ended
  before=$(size_of "$1")
  begun=$(date +%s%N)
  "$dir/bin/hammer" --log_url="$1" --log_public_key="$(cat "$2")" --show_ui=false --num_writers="$writers" --max_write_ops=1000000 \
    --max_read_ops=0 --num_readers_full=0 --num_readers_random=0 --leaf_min_size=1024 --dup_chance=0 \
    --leaf_write_goal=$((before + entries)) --max_runtime=10m >>"$work/hammer.log" 2>&1 || die "the load generator failed: $(tail -3 "$work/hammer.log")"
  ended=$(date +%s%N)
  after=$(size_of "$1")
  echo $(((after - before) * 1000000000 / (ended - begun)))
}
check() { # URL VKEY_FILE
  "$dir/bin/fsck" --storage_url="$1" --public_key="$2" --ui=false --N=4 >"$work/fsck.log" 2>&1 || die "fsck: $(tail -3 "$work/fsck.log")"
  grep -o "Successfully.*" "$work/fsck.log"
}
median() { sort -n | sed -n "$(((rounds + 1) / 2))p"; }

"$server" --dir "$work/ours" >"$work/ours.out" 2>"$work/ours.err" &
pids+=($!)
for ((i = 0; i < 100; ++i)); do
  (($(wc -l <"$work/ours.out") == 2)) && break
  sleep 0.1
done
sed -n 1p "$work/ours.out" >"$work/ours.vkey"
ours=$(sed -n 2p "$work/ours.out")
[[ -n $ours ]] || die "the server did not start: $(cat "$work/ours.err")"
await "$ours"

if [[ -z $compare ]]; then
  say "ours: $(load "$ours" "$work/ours.vkey") entries/s"
  say "fsck of ours: $(check "$ours" "$work/ours.vkey")"
  exit 0
fi

python3 "$HERE/note_key.py" tessera.example.org/load "$work/tessera.key" "$work/tessera.vkey"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Built without a go.mod, it would get the request patterns of an older Go.
GODEBUG=httpmuxgo121=0 "$dir/bin/posix" --listen="127.0.0.1:$port" --private_key="$work/tessera.key" --storage_dir="$work/theirs" \
  >"$work/theirs.out" 2>&1 &
pids+=($!)
theirs=http://127.0.0.1:$port/
for ((i = 0; i < 100; ++i)); do # its log has no checkpoint before its first entry
  curl --silent --fail --data first "${theirs}add" >/dev/null && break
  sleep 0.1
done
await "$theirs"
for ((round = 1; round <= rounds; ++round)); do
  load "$theirs" "$work/tessera.vkey" >>"$work/theirs.rates"
  load "$ours" "$work/ours.vkey" >>"$work/ours.rates"
  say "round $round: Tessera $(tail -1 "$work/theirs.rates"), ours $(tail -1 "$work/ours.rates") entries/s"
done
say "fsck of ours: $(check "$ours" "$work/ours.vkey")"
say "fsck of Tessera's: $(check "$theirs" "$work/tessera.vkey")"
theirs_rate=$(median <"$work/theirs.rates") ours_rate=$(median <"$work/ours.rates")
say "medians of $rounds rounds: Tessera $theirs_rate, ours $ours_rate entries/s: $(python3 -c "print(f'{$ours_rate / $theirs_rate:.2f}')") times"

#!/usr/bin/env bash
# Fuzzes the parsers of hostile input: libFuzzer under the address and undefined-behaviour sanitizers.
#
#   hack/fuzz.sh [--minutes N] [NAME...]    N minutes of processor time each (default 30); NAME as in
#                                           tests/fuzz/NAME_fuzz.cc (default: all)
#
# Begins with tests/fuzz/corpus and with what earlier runs found worth keeping. A finding stays, with the input that
# provokes it, in the folder that is printed, and the status is 1; the other targets go on. Add that input to the corpus
# of its target once it is mended: every build replays those.
set -euo pipefail

# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HACK_DIR/lib/deps.sh"
# shellcheck source=hack/lib/build.sh
source "$HACK_DIR/lib/build.sh"

WORK=$STATE_ROOT/fuzz
SLICE=120

# count_cpu: sets CPU to the seconds of processor time that ended children of this shell have used (in a subshell: none).
count_cpu() {
  times >"$WORK/times"
  CPU=$(awk 'NR == 2 {split($1, u, /[ms]/); split($2, s, /[ms]/); printf "%d", (u[1] + s[1]) * 60 + u[2] + s[2]}' "$WORK/times")
}

# fuzz NAME SECONDS: slices until that much processor time is used; prints a line of the result. A finding ends it.
fuzz() {
  local name=$1 goal=$2 dir=$WORK/$1 used=0 runs=0 status=0 began=0 left
  mkdir -p "$dir/corpus" "$dir/findings"
  count_cpu
  began=$CPU
  while ((used < goal && status == 0)); do
    left=$((goal - used))
    "$BUILD/tests/fuzz/${name}_fuzz" -max_total_time=$((left < SLICE ? left : SLICE)) -timeout=10 -rss_limit_mb=2048 \
      -max_len=262144 -print_final_stats=1 -artifact_prefix="$dir/findings/" "$dir/corpus" \
      "$REPO_DIR/tests/fuzz/corpus/${name}_fuzz" >"$dir/log" 2>&1 || status=$?
    runs=$((runs + $(sed -n 's/^stat::number_of_executed_units: //p' "$dir/log" | awk '{s += $1} END {print s + 0}')))
    count_cpu
    used=$((CPU - began))
  done
  if ((status == 0)); then
    printf '%-20s %6.1f min of processor time  %11d runs  %6d inputs kept  no finding\n' \
      "$name" "$(awk "BEGIN {print $used / 60}")" "$runs" "$(find "$dir/corpus" -type f | wc -l)"
  else
    printf '%-20s FINDING after %d s of processor time: %s\n' "$name" "$used" "$dir"
    grep -a -m 1 -A 8 -E 'ERROR: |runtime error:' "$dir/log" | cut -c -200 | sed 's/^/  | /'
    return 1
  fi
}

main() {
  local minutes=30 failed=0 name
  if [[ ${1:-} == --minutes ]]; then
    [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ ]] || die "--minutes: expected a number from 1 to 99999, found \"${2:-}\""
    minutes=$2
    shift 2
  fi
  local -a names=("$@") targets=()
  ((${#names[@]})) || mapfile -t names < <(cd "$REPO_DIR/tests/fuzz" && printf '%s\n' *_fuzz.cc | sed 's/_fuzz\.cc$//')
  for name in "${names[@]}"; do
    [[ -e $REPO_DIR/tests/fuzz/${name}_fuzz.cc ]] || die "no target \"$name\": expected one of tests/fuzz/NAME_fuzz.cc"
    targets+=("${name}_fuzz")
  done
  require_debian
  [[ $EUID -ne 0 ]] || install_build_deps
  mkdir -p "$WORK"
  say "building ${#targets[@]} targets (log: $WORK/build.log)"
  BUILD=$(build_dir fuzz)
  build fuzz "$WORK/build.log" "${targets[@]}" || die "the targets do not build" "$WORK/build.log"
  for name in "${names[@]}"; do
    say "$name: $minutes minutes"
    fuzz "$name" $((minutes * 60)) || failed=$((failed + 1))
  done
  ((failed == 0)) || die "$failed of ${#names[@]} targets have findings"
}

main "$@"

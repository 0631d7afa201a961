#!/usr/bin/env bash
# Installs what the tests need, builds, and runs the tests.
#
#   hack/test.sh [STAGE...]   only these stages: style release chart (the default), and the slow ones
#                             demo address thread tidy; "all" is every one of them
#
# A stage that fails does not stop the others; the end lists what failed and where its log is.
set -euo pipefail

# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HACK_DIR/lib/deps.sh"
# shellcheck source=hack/lib/build.sh
source "$HACK_DIR/lib/build.sh"
# shellcheck source=hack/lib/kubernetes.sh
source "$HACK_DIR/lib/kubernetes.sh"

LOGS=$STATE_ROOT/test-logs
passed=0
failed=0
summary=()

# sum_of PATTERN LOG: adds up the numbers that PATTERN captures.
sum_of() { sed -n "s/$1/\1/p" "$2" | awk '{sum += $1} END {print sum + 0}'; }

# run_ctest PRESET LOG LABELS: the tests with these labels (a regular expression). GoogleTest's own counts
# go into the summary. A skipped test counts as failed. A program that fails is run once more, and said to be
# unsteady if it passes then: a machine that is busy must not decide, but nobody may overlook it either.
run_ctest() {
  local dir status=0 skipped
  dir=$(build_dir "$1")
  quietly "$2" ctest --test-dir "$dir" --no-tests=error --verbose --label-regex "$3" --repeat until-pass:2 || status=$?
  passed=$((passed + $(sum_of '.*\[  PASSED  \] \([0-9]*\) test.*' "$2")))
  skipped=$(sum_of '.*\[  SKIPPED \] \([0-9]*\) tests\{0,1\}, listed below.*' "$2")
  if ((skipped > 0)); then
    warn "$skipped tests were skipped, which counts as failed: $2"
    failed=$((failed + skipped))
    status=1
  fi
  if ((status != 0)); then
    failed=$((failed + $(sum_of '.*\[  FAILED  \] \([0-9]*\) tests\{0,1\}, listed below.*' "$2")))
  elif grep -q '\*\*\*Failed\|\*\*\*Timeout\|\*\*\*Exception' "$2"; then
    warn "unsteady, passed at the second run: $(grep -E '\*\*\*(Failed|Timeout|Exception)' "$2" | awk '{print $4}' | sort -u | xargs)"
  fi
  return "$status"
}

stage_style() {
  quietly "$1" "$HACK_DIR/format.sh" --check &&
    quietly "$1" "$HACK_DIR/check-includes.sh" &&
    quietly "$1" check_scripts
}

check_scripts() {
  local -a scripts
  mapfile -t scripts < <(git -C "$REPO_DIR" ls-files '*.sh' .ci/run)
  (cd "$REPO_DIR" && shellcheck -x "${scripts[@]}")
}

stage_release() { build release "$1" && run_ctest release "$1" 'unit|contract|fuzz|integration'; }

stage_chart() { quietly "$1" "$REPO_DIR/tests/chart/run.sh"; }

stage_address() {
  build asan "$1" && run_ctest asan "$1" 'unit|contract|fuzz|integration'
}

stage_thread() {
  build tsan "$1" && run_ctest tsan "$1" 'unit|contract'
}

stage_tidy() { quietly "$1" "$HACK_DIR/tidy.sh" "$(build_dir release)"; }

stage_demo() { "$HACK_DIR/demo.sh" 2>&1 | tee "$1"; }

# run_stage NAME DESCRIPTION: runs stage_NAME with its log, and keeps its result and time.
run_stage() {
  local name=$1 log=$LOGS/$1.log began=$SECONDS status=0
  rm -f "$log"
  say "$name: $2 (log: $log)"
  "stage_$name" "$log" || status=$?
  if ((status == 0)); then
    passed=$((passed + 1))
    summary+=("$(printf 'ok      %-8s %5ds' "$name" $((SECONDS - began)))")
  else
    failed=$((failed + 1))
    summary+=("$(printf 'FAILED  %-8s %5ds  %s' "$name" $((SECONDS - began)) "$log")")
    warn "$name failed; the end of $log:"
    tail -n 25 "$log" | sed 's/^/  | /' >&2
  fi
}

declare -A WHAT=(
  [style]="formatting, include rules, shell scripts"
  [release]="build with g++, all tests with a real API server and TPM"
  [chart]="helm lint and template, chart and CRD rules"
  [address]="address and undefined-behaviour sanitizers"
  [thread]="thread sanitizer"
  [tidy]="clang-tidy"
  [demo]="end to end on a real cluster"
)

main() {
  local -a stages=("$@")
  ((${#stages[@]})) || stages=(style release chart)
  [[ ${stages[*]} != all ]] || stages=(style release chart demo address thread tidy)
  require_root
  mkdir -p "$LOGS"
  install_build_deps
  install_cluster_deps
  install_packages "the tests" shellcheck strace git
  ensure_kubernetes
  say "what was needed is installed"
  local stage
  for stage in "${stages[@]}"; do
    [[ -n ${WHAT[$stage]:-} ]] || die "unknown stage \"$stage\": expected one of ${!WHAT[*]}"
  done
  for stage in "${stages[@]}"; do run_stage "$stage" "${WHAT[$stage]}"; done
  echo
  printf '%s\n' "${summary[@]}"
  echo "total: ${SECONDS} s"
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

main "$@"

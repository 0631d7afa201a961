#!/usr/bin/env bash
# Installs what the tests need, builds, and runs every test. No arguments: all stages, in order.
#
#   hack/test.sh [STAGE...]   only these stages: style release chart address thread tidy demo
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

# count_tests LOG: adds GoogleTest's own counts; a skipped test counts as a failed one.
count_tests() {
  local good bad skipped
  good=$(sed -n 's/.*\[  PASSED  \] \([0-9]*\) tests\{0,1\}\..*/\1/p' "$1" | paste -sd+ | bc)
  bad=$(sed -n 's/.*\[  FAILED  \] \([0-9]*\) tests\{0,1\}, listed below.*/\1/p' "$1" | paste -sd+ | bc)
  skipped=$(sed -n 's/.*\[  SKIPPED \] \([0-9]*\) tests\{0,1\}, listed below.*/\1/p' "$1" | paste -sd+ | bc)
  passed=$((passed + ${good:-0}))
  failed=$((failed + ${bad:-0} + ${skipped:-0}))
  [[ -z ${skipped:-} ]] || { warn "$skipped tests were skipped, which counts as failed: $1"; return 1; }
}

# run_ctest PRESET LOG LABELS: the tests with these labels (a regular expression).
run_ctest() {
  local dir status=0
  dir=$(build_dir "$1")
  quietly "$2" ctest --test-dir "$dir" --no-tests=error --verbose --label-regex "$3" || status=$?
  count_tests "$2" || status=1
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
  ((${#stages[@]})) || stages=(style release chart demo address thread tidy)
  require_root
  mkdir -p "$LOGS"
  install_build_deps
  install_cluster_deps
  install_packages "the tests" shellcheck strace bc git
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

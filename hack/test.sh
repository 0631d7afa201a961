#!/usr/bin/env bash
# Installs what the tests need, builds, and runs the tests.
#
#   hack/test.sh [STAGE...]   only these stages, of: style release chart cluster demo replicas address thread tidy (the
#                             default: all of them)
#
# A stage that fails does not stop the others; the end lists how long each was waited for, what failed and where its
# log is, and its last line counts: "N passed, N failed". While a stage waits, what later stages have to compute is
# computed in the background, at the lowest priority.
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

# contained LOG COMMAND...: in a process namespace that ends with this script, whatever way it ends, and with
# temporary files in TMPDIR.
contained() {
  quietly "$1" setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc --propagation private \
    env TMPDIR="$SCRATCH" "${@:2}"
}

# run_ctest PRESET LOG [OPTION...]: once Kubernetes is there, all tests, or those that the options of ctest say, two programs
# at a time, of which one at most has servers of its own. GoogleTest's own counts go into the summary. A skipped test
# counts as failed.
run_ctest() {
  local dir status=0 skipped listed
  await_ahead kubernetes || {
    warn "Kubernetes could not be built: $LOGS/kubernetes.log"
    return 1
  }
  dir=$(build_dir "$1")
  contained "$2" ctest --test-dir "$dir" --no-tests=error --verbose --parallel 2 "${@:3}" || status=$?
  passed=$((passed + $(sum_of '.*\[  PASSED  \] \([0-9]*\) test.*' "$2")))
  if grep -q 'this test ran on our own vectors alone' "$2"; then
    say "not everything of ../shared lies beside this checkout, and tests of other machines' data ran on our own vectors alone: grep 'vectors alone' $2"
  fi
  skipped=$(sum_of '.*\[  SKIPPED \] \([0-9]*\) tests\{0,1\}, listed below.*' "$2")
  if ((skipped > 0)); then
    warn "$skipped tests were skipped, which counts as failed: $2"
    failed=$((failed + skipped))
    status=1
  fi
  listed=$(sum_of '.*\[  FAILED  \] \([0-9]*\) tests\{0,1\}, listed below.*' "$2")
  failed=$((failed + listed))
  ((listed == 0)) || warn "failed: $(sed -n 's/.*\[  FAILED  \] \([A-Za-z0-9_/]*\.[A-Za-z0-9_/]*\).*/\1/p' "$2" | sort -u | head -n 20 | xargs)"
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

# The whole controller with servers of its own is tried under each sanitizer, where it is the same source, and as it is
# released by the demo: a third time is minutes that show nothing new.
stage_release() {
  local built=0
  begin_ahead
  build release "$1" || built=$?
  ((built == 0)) && run_ctest release "$1" --exclude-regex '^integration_operator$' &&
    contained "$1" env -u AVOUCH_KUBECTL "$HACK_DIR/run-corpus.sh" "$REPO_DIR/tests/vectors/corpus"
}

stage_chart() { contained "$1" "$REPO_DIR/tests/chart/run.sh"; }

stage_cluster() { quietly "$1" "$HACK_DIR/lib/cluster_test.sh"; }

stage_address() { await_ahead address && run_ctest asan "$1"; }

stage_thread() { await_ahead thread && run_ctest tsan "$1"; }

stage_tidy() { await_ahead tidy; }

# begin_ahead: starts on what these stages have to compute, unless that has begun.
begin_ahead() {
  local stage
  local -a ahead=(kubernetes)
  [[ -z ${AHEAD:-} ]] || return 0
  for stage in "${stages[@]}"; do
    [[ ! $stage =~ ^(address|thread|tidy)$ ]] || ahead+=("$stage")
  done
  mkdir "$SCRATCH/ahead"
  # A group of its own, by which it ends with this script.
  setpriv --pdeathsig TERM setsid "$HACK_DIR/lib/ahead.sh" "$LOGS" "$SCRATCH/ahead" "${ahead[@]}" &
  AHEAD=$!
}

# await_ahead STAGE: fails as what was computed for it failed.
await_ahead() {
  local result=$SCRATCH/ahead/$1
  begin_ahead
  until [[ -e $result ]]; do
    kill -0 "$AHEAD" 2>/dev/null || [[ -e $result ]] || return 1
    sleep 0.5
  done
  return "$(<"$result")"
}

stage_demo() { "$HACK_DIR/demo.sh" 2>&1 | tee "$1"; }

stage_replicas() { quietly "$1" "$HACK_DIR/lib/replicas_test.sh"; }

# findings LOG: the lines of failed expectations, of the sanitizers and of the compiler, each with a little of what follows; there
# may be none.
findings() {
  { grep -a -A 12 -E ': Failure$|WARNING: ThreadSanitizer|ERROR: (Address|Leak)Sanitizer|runtime error:|: (fatal )?error:' "$1" || true; } |
    cut -c -300 | sed -n '1,120p'
}

# run_stage NAME DESCRIPTION: runs stage_NAME with its log, and keeps its result and time.
run_stage() {
  local name=$1 log=$LOGS/$1.log began=$SECONDS status=0
  say "$name: $2 (log: $log)"
  "stage_$name" "$log" || status=$?
  if ((status == 0)); then
    passed=$((passed + 1))
    summary+=("$(printf 'ok      %-8s %5ds' "$name" $((SECONDS - began)))")
  else
    failed=$((failed + 1))
    summary+=("$(printf 'FAILED  %-8s %5ds  %s' "$name" $((SECONDS - began)) "$log")")
    warn "$name failed; what its log says of it:"
    findings "$log" | sed 's/^/  | /' >&2
    warn "the end of $log:"
    tail -n 25 "$log" | sed 's/^/  | /' >&2
  fi
}

declare -A WHAT=(
  [style]="formatting, include rules, shell scripts"
  [release]="build with g++, tests with a real API server and TPM"
  [chart]="helm lint and template, chart and CRD rules"
  [address]="all tests under the address and undefined-behaviour sanitizers"
  [thread]="the tests of whatever has threads under the thread sanitizer"
  [tidy]="clang-tidy"
  [cluster]="the cluster command leaves nothing behind"
  [demo]="end to end on a real cluster"
  [replicas]="several controllers on one database, on a real cluster"
)

finish() {
  local status=$?
  trap - EXIT
  [[ -z ${AHEAD:-} ]] || kill -TERM -- -"$AHEAD" 2>/dev/null || true
  [[ -z ${SCRATCH:-} ]] || rm -rf "$SCRATCH"
  if [[ -z ${finished:-} ]]; then
    ((${#summary[@]} == 0)) || printf '%s\n' "${summary[@]}"
    warn "ended before all stages had run (status $status)${current:+, in stage $current: $LOGS/$current.log}"
  fi
  exit "$status"
}

prepare() {
  require_debian
  require_space 10 "$CACHE_DIR"
  require_space 2 "$STATE_ROOT"
  take_lock "$STATE_ROOT/.test.lock"
  mkdir -p "$LOGS"
  find "$STATE_ROOT" -maxdepth 1 -name 'test-scratch.*' -exec rm -rf {} +
  SCRATCH=$(mktemp -d "$STATE_ROOT/test-scratch.XXXXXX")
  install_build_deps
  install_cluster_deps
  install_packages "the tests" shellcheck strace git
  say "what was needed is installed"
  summary+=("$(printf 'ok      %-8s %5ds' install "$SECONDS")")
}

main() {
  local -a stages=("$@")
  if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    return
  fi
  ((${#stages[@]})) || stages=(style release chart cluster demo replicas address thread tidy)
  local stage
  for stage in "${stages[@]}"; do
    [[ -n ${WHAT[$stage]:-} ]] || die "unknown stage \"$stage\": expected some of ${!WHAT[*]}"
  done
  require_root
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  prepare
  for stage in "${stages[@]}" kubernetes; do rm -f "$LOGS/$stage.log"; done
  for stage in "${stages[@]}"; do
    current=$stage
    run_stage "$stage" "${WHAT[$stage]}"
  done
  finished=yes
  echo
  printf '%s\n' "${summary[@]}"
  echo "total: ${SECONDS} s"
  echo "$passed passed, $failed failed"
  ((failed == 0)) || exit 1
}

main "$@"

#!/usr/bin/env bash
# Computes what stages of hack/test.sh need, one after the other, at the lowest priority that there is.
#
#   hack/lib/ahead.sh LOGS RESULTS STAGE...   the log of each is LOGS/STAGE.log; when it has ended, its exit status is
#                                             in RESULTS/STAGE
#
# Of: kubernetes address thread tidy. For a session of its own (setsid): where the kernel groups processes by session,
# the priority of a group is that of its session.
set -euo pipefail

# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=hack/lib/build.sh
source "$HACK_DIR/lib/build.sh"
# shellcheck source=hack/lib/deps.sh
source "$HACK_DIR/lib/deps.sh"
# shellcheck source=hack/lib/kubernetes.sh
source "$HACK_DIR/lib/kubernetes.sh"

ahead_kubernetes() { (ensure_kubernetes) >>"$1" 2>&1; }

ahead_address() { build asan "$1"; }

ahead_thread() { build tsan "$1" avouch_tests; }

# By the build that compiles forty files as one.
ahead_tidy() { configure asan "$1" && quietly "$1" "$HACK_DIR/tidy.sh" "$(build_dir asan)"; }

main() {
  local logs=$1 results=$2 stage status
  shift 2
  { echo 19 >"/proc/$$/autogroup"; } 2>/dev/null || true
  renice -n 19 -p $$ >/dev/null || warn "the builds beside the tests have no lower priority than they"
  chrt --idle --pid 0 $$ || true # the one above is low, too
  for stage in "$@"; do
    status=0
    "ahead_$stage" "$logs/$stage.log" || status=$?
    echo "$status" >"$results/.$stage"
    mv "$results/.$stage" "$results/$stage"
  done
}

main "$@"

#!/usr/bin/env bash
# Tests that the cluster command leaves nothing behind: after "down", when interrupted at any time, and when
# killed; and that clusters of two names live side by side. Called by hack/test.sh.
set -euo pipefail

# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HACK_DIR/lib/deps.sh"
# shellcheck source=hack/lib/kubernetes.sh
source "$HACK_DIR/lib/kubernetes.sh"
# shellcheck source=hack/lib/checks.sh
source "$HACK_DIR/lib/checks.sh"

STATE=$(mktemp -d)
FIRST=hygiene-a
SECOND=hygiene-b

cluster() { "$HACK_DIR/cluster.sh" "$@"; }

finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  cluster down --name "$FIRST" || status=1
  cluster down --name "$SECOND" || status=1
  rm -rf "$STATE"
  exit "$status"
}

# Everything of a machine that a cluster could leave behind.
traces() {
  ip -o link | sed -E 's/^[0-9]+: ([^:@]+).*/link \1/'
  ip -4 route show table all | sed 's/^/route /'
  ip -4 rule
  iptables-save 2>/dev/null | sed -E '/^#/d; s/\[[0-9:]+\]//; s/^/iptables /'
  find /run/netns -mindepth 1 -printf 'netns %f\n' 2>/dev/null || true
  awk '{print "mount", $5}' /proc/self/mountinfo
  find /sys/fs/cgroup -maxdepth 2 -type d -name 'avouch-hygiene-*' -printf 'cgroup %p\n'
  sysctl --all --pattern '^net\.ipv4\.(ip_forward|conf\.(all|default)\.)|^net\.bridge|^kernel\.(panic|panic_on_oops|keys)|^vm\.(overcommit_memory|panic_on_oom)' 2>/dev/null |
    sed 's/^/sysctl /'
  find "${AVOUCH_STATE:-/var/tmp/avouch}" -maxdepth 1 -name 'hygiene-*' -printf 'state %p\n'
  ps -e -o args= | awk '/hygiene-[ab]/ && !/awk|cluster_test/ {print "process", $0}'
}

nothing_is_left() { diff "$STATE/before" <(traces | sort); }

# up_then SIGNAL MOMENT: brings a cluster up and ends the command by a signal, to all of it as a terminal does,
# once its log has a line that matches MOMENT.
up_then() {
  local signal=$1 moment=$2 log=$STATE/up.log pid
  : >"$log"
  # A shell's background jobs ignore interrupts unless told otherwise.
  setsid env --default-signal=INT "$HACK_DIR/cluster.sh" up --nodes 1 --name "$FIRST" >"$log" 2>&1 &
  pid=$!
  wait_for 120 "\"$moment\"" "$log" grep -q "$moment" "$log"
  kill "-$signal" -- "-$pid"
  if wait "$pid"; then
    echo "it was not ended"
    return 1
  fi
}

node_runs() { same "True" kubectl_of "$1" get node node-1 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'; }
kubectl_of() { "$KUBERNETES_DIR/kubectl" --kubeconfig "$(cluster kubeconfig --name "$1")" "${@:2}"; }
is_extra() { same "Ready none" kubectl_of "$1" get node extra-3 -o 'jsonpath={.status.conditions[0].type} {.metadata.labels.avouch\.dev/kubelet}'; }

main() {
  require_root
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  cluster down --name "$FIRST"
  cluster down --name "$SECOND"
  traces | sort >"$STATE/before"

  check "interrupted while the control plane starts" up_then INT "starting the control plane"
  check "down after that" cluster down --name "$FIRST"
  check "nothing is left" nothing_is_left
  check "ended while nodes start" up_then TERM "starting 1 nodes"
  check "killed while nodes start, after an interrupted start" up_then KILL "starting 1 nodes"
  check "down after that" cluster down --name "$FIRST"
  check "nothing is left" nothing_is_left

  cluster up --nodes 1 --extra-nodes 3 --name "$SECOND" >"$STATE/second.log" 2>&1 &
  check "up" cluster up --nodes 1 --name "$FIRST"
  check "two clusters start at the same time" wait $!
  check "a second up finds the first's work" cluster up --nodes 1 --name "$FIRST"
  check "the node of the first is Ready" node_runs "$FIRST"
  check "the node of the second is Ready" node_runs "$SECOND"
  check "nodes without a kubelet are there" is_extra "$SECOND"
  check "the first goes" cluster down --name "$FIRST"
  check "which the second does not notice" node_runs "$SECOND"
  check "the second is healthy" cluster status --name "$SECOND"
  check "the second goes" cluster down --name "$SECOND"
  check "nothing is left" nothing_is_left
  say "the cluster command leaves nothing behind: $held checks held"
}

main

#!/bin/bash
# A real Kubernetes cluster on this machine: control plane, nodes that run pods,
# and a TPM for each node.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for library in common deps kubernetes tools cluster_names process certificates control_plane tpm node images objects; do
  # shellcheck source=/dev/null
  . "$HERE/lib/$library.sh"
done

usage() {
  cat <<'END'
Usage: hack/cluster.sh COMMAND [--name NAME] ...

  up [--nodes N] [--extra-nodes M]  start a cluster of N nodes (2); M more Node
                                    objects have no kubelet (extra-1, ...)
  down                              end it and leave nothing behind
  status                            each part: process, health, log
  exec NODE COMMAND...              run a command in a node's namespaces
  load NAME:TAG [NODE...]           bring an image of hack/images.sh into nodes
  stop|start|restart PART           a part of the control plane: etcd,
                                    kube-apiserver, kube-controller-manager,
                                    kube-scheduler, kube-proxy, dns
  kill PART                         SIGKILL; start brings it back
  kill NODE PART                    SIGKILL to a node's containerd, kubelet or
                                    kube-proxy; the node starts it again
  kill-pod NAMESPACE POD [SIGNAL]   signal (KILL) to the pod's containers
  tpm NODE reset [--log FILE] [--unclean]
                                    reboot: shut the TPM down, reset it and extend the boot
                                    log; --unclean: without the shutdown, as a crash does
  tpm NODE extend PCR HEX           extend a digest: the node is tampered with
  tpm NODE pcrs [SELECTION]         print "bank index value" of all PCRs, or of
                                    those selected (sha256:0,4,7)
  tpm NODE powercut                 kill the TPM, start it again, boot
  tpm NODE measure OPTION...        let the kernel measure files (IMA): into the runtime log
                                    and PCR 10; see hack/tpm/measure.py
  tpm NODE runtime-log              print that log
  tpm NODE tcti                     print the TPM's TCTI, for tpm2-tools
  kubeconfig                        print the path of the users' kubeconfig

Clusters of different names run side by side; --name stands before exec's
COMMAND, and AVOUCH_CLUSTER gives its default. AVOUCH_STATE (/var/tmp/avouch) holds
running clusters, AVOUCH_CACHE (~/.cache/avouch) what was downloaded and built.
END
}

is_up() { [[ -e $STATE/up ]]; }
require_up() { is_up || die "cluster $CLUSTER is not up: run hack/cluster.sh up"; }
anything_left() { [[ -d $STATE || -d $(tracking_root)/$CGROUP ]]; }

# Ends all processes; with them go their namespaces, mounts, interfaces, packet
# filter rules and routes.
tear_down() {
  kill_cluster_processes
  ip link delete "$HOST_LINK" 2>/dev/null || true
  remove_cgroups
}

clean_up_failed_start() {
  trap - EXIT INT TERM
  warn "cluster $CLUSTER did not come up; ending what was started (logs stay in $LOGS)"
  tear_down
  find "$STATE" -mindepth 1 -maxdepth 1 ! -name logs -exec rm -rf {} +
}

prepare_machine() {
  require_root
  install_cluster_deps
  ensure_kubernetes
  ensure_tools
  ensure_small_images
}

prepare_state() {
  mkdir -p "$LOGS" "$RUN" "$STATE/nodes" "$STATE/bin"
  chmod 0755 "$STATE"
  echo "$1" >"$STATE/node-count"
  echo "$2" >"$STATE/extra-node-count"
  ln -sf "$HELM" "$STATE/bin/helm"
  ln -sf "$KUBECTL" "$STATE/bin/kubectl"
  ln -sf "$(image_archive localhost/avouch-test/pause 1)" "$STATE/pause.tar"
  make_cgroup "$CGROUP/control"
}

# make_tpms: manufactured one after the other, since they share a serial number.
make_tpms() {
  local number node
  write_tpm_maker_config
  for number in $(each_node); do
    node=$(node_name "$number")
    make_tpm "$node"
    start_tpm "$node"
    boot_tpm "$node" "$GOOD_BOOT_LOG" >>"$LOGS/swtpm-$node.log"
  done
  export_tpm_ca
}

start_cluster() {
  local number name tpms
  {
    join_cgroup control
    make_tpms
  } &
  tpms=$!
  make_certificates
  say "starting the control plane"
  start_control_plane
  say "starting $(<"$STATE/node-count") nodes"
  for number in $(each_node); do start_node "$number"; done
  create_storage
  wait "$tpms" || die "making TPMs failed" "$LOGS/swtpm-node-1.log"
  create_extra_nodes "$(<"$STATE/extra-node-count")"
  for number in $(each_node); do
    name=$(node_name "$number")
    wait_for 90 "node $name" "$LOGS/$name-kubelet.log" node_ready "$name"
  done
  wait_for 30 "cluster DNS" "$LOGS/dns.log" control_part_healthy dns
  load_image localhost/avouch-test/sleep 1
  load_image localhost/avouch-test/busybox 1
}

# A cluster that is up gets back what has died.
repair_cluster() {
  local part number node
  for part in "${CONTROL_PARTS[@]}"; do
    part_pid "$part" >/dev/null && continue
    [[ $part != hub ]] || die "the network of cluster $CLUSTER is gone: run hack/cluster.sh down, then up"
    say "starting $part again"
    start_control_part "$part"
    wait_for 60 "$part" "$LOGS/$part.log" control_part_healthy "$part"
  done
  for number in $(each_node); do
    node=$(node_name "$number")
    if ! part_pid "swtpm-$node" >/dev/null; then
      say "starting the TPM of $node again"
      start_tpm "$node"
      boot_tpm "$node" "$(node_boot_log "$node")"
    fi
    if ! node_pid "$node" >/dev/null; then
      say "starting $node again"
      start_node "$number"
      wait_for 90 "node $node" "$LOGS/$node-kubelet.log" node_ready "$node"
    fi
  done
}

tell_how_to_use() {
  cat <<END

  export KUBECONFIG=$KUBECONFIG_FILE
  export PATH=$STATE/bin:\$PATH    # kubectl and helm

TPM makers' certificates: $STATE/tpm-ca.pem   logs: $LOGS
END
}

command_up() {
  local nodes=2 extra=0
  while (($#)); do
    case $1 in
      --nodes | --extra-nodes)
        [[ $# -ge 2 ]] || die "$1 needs a number"
        if [[ $1 == --nodes ]]; then nodes=$2; else extra=$2; fi
        shift 2
        ;;
      *) die "up: unknown option '$1'" ;;
    esac
  done
  [[ $nodes =~ ^[1-9][0-9]?$ ]] || die "--nodes $nodes: expected 1 to 99"
  [[ $extra =~ ^[0-9]{1,5}$ ]] || die "--extra-nodes $extra: expected 0 to 99999"
  prepare_machine
  take_lock "$STATE_ROOT/.$CLUSTER.lock"
  if is_up && part_pid hub >/dev/null; then
    [[ $(<"$STATE/node-count") == "$nodes" && $(<"$STATE/extra-node-count") == "$extra" ]] ||
      die "cluster $CLUSTER is up with $(<"$STATE/node-count") nodes and $(<"$STATE/extra-node-count") without kubelet: end it first (down)"
    repair_cluster
    say "cluster $CLUSTER is already up"
    tell_how_to_use
    return
  fi
  if anything_left; then
    say "removing what an earlier run left"
    tear_down
    rm -rf "$STATE"
  fi
  trap clean_up_failed_start EXIT
  trap 'exit 130' INT TERM
  prepare_state "$nodes" "$extra"
  start_cluster
  touch "$STATE/up"
  trap - EXIT INT TERM
  say "cluster $CLUSTER is up: $nodes nodes$( ((extra == 0)) || echo ", $extra without a kubelet")"
  tell_how_to_use
}

command_down() {
  require_root
  take_lock "$STATE_ROOT/.$CLUSTER.lock"
  if ! anything_left; then
    say "cluster $CLUSTER is not up"
    return
  fi
  tear_down
  rm -rf "$STATE"
  say "cluster $CLUSTER is down"
}

# status_line PART PID LOG HEALTH_COMMAND...
status_line() {
  local part=$1 pid=$2 log=$3 health=healthy
  shift 3
  if [[ -z $pid ]]; then
    health="not running"
  elif ! "$@" >/dev/null 2>&1; then
    health=unhealthy
  fi
  [[ $health == healthy ]] || STATUS=1
  printf '%-26s %-8s %-12s %s\n' "$part" "${pid:--}" "$health" "$log"
}

command_status() {
  local part number node STATUS=0
  require_root
  if ! is_up; then
    if anything_left; then
      say "cluster $CLUSTER is partly there; logs: $LOGS; remove it with: hack/cluster.sh down"
    else
      say "cluster $CLUSTER is not up"
    fi
    exit 1
  fi
  printf '%-26s %-8s %-12s %s\n' PART PID HEALTH LOG
  for part in "${CONTROL_PARTS[@]}"; do
    status_line "$part" "$(part_pid "$part" || true)" "$LOGS/$part.log" control_part_healthy "$part"
  done
  for number in $(each_node); do
    node=$(node_name "$number")
    status_line "$node" "$(node_pid "$node" || true)" "$LOGS/$node.log" node_ready "$node"
    status_line "$node tpm" "$(part_pid "swtpm-$node" || true)" "$LOGS/swtpm-$node.log" test -S "$(tpm_socket "$node")"
    for part in "${NODE_PARTS[@]}"; do
      status_line "$node $part" "$(node_part_pid "$node" "$part" || true)" "$LOGS/$node-$part.log" node_part_healthy "$node" "$part"
    done
  done
  tell_how_to_use
  exit "$STATUS"
}

require_part() {
  [[ " ${CONTROL_PARTS[*]:1} " == *" $2 "* ]] || die "$1: part '$2'; expected one of ${CONTROL_PARTS[*]:1}"
}

command_part() {
  local action=$1 part=${2:-}
  require_part "$action" "$part"
  [[ $action == start ]] || stop_part "$part"
  [[ $action == stop ]] || {
    start_control_part "$part"
    wait_for 60 "$part" "$LOGS/$part.log" control_part_healthy "$part"
  }
}

command_kill() {
  local pid
  if (($# == 1)); then
    require_part kill "$1"
    stop_part "$1" KILL
    return
  fi
  require_node "${1:-}"
  [[ " ${NODE_PARTS[*]} " == *" ${2:-} "* ]] || die "kill: part '${2:-}'; expected one of ${NODE_PARTS[*]}"
  pid=$(node_part_pid "$1" "$2") || die "$2 does not run on $1"
  kill -KILL "$pid"
}

command_kill_pod() {
  local node container
  (($# >= 2)) || die "usage: cluster.sh kill-pod NAMESPACE POD [SIGNAL]"
  node=$(kube --namespace "$1" get pod "$2" -o 'jsonpath={.spec.nodeName}')
  require_node "$node"
  in_node "$node" ctr --namespace k8s.io containers list --quiet \
    "labels.\"io.kubernetes.pod.namespace\"==$1,labels.\"io.kubernetes.pod.name\"==$2,labels.\"io.cri-containerd.kind\"==container" |
    while read -r container; do
      # Containers of earlier runs are listed too and have no process.
      in_node "$node" ctr --namespace k8s.io tasks kill --signal "SIG${3:-KILL}" "$container" 2>/dev/null || true
    done
}

main() {
  local command=${1:-help} name=${AVOUCH_CLUSTER:-default}
  local -a arguments=()
  shift || true
  while (($#)); do
    case $1 in
      --name) name=${2:?--name needs a name} && shift 2 ;;
      --help) command=help && shift ;;
      *) arguments+=("$1") && shift ;;
    esac
    # What follows is another program's command line.
    [[ $command != exec || ${#arguments[@]} -lt 2 ]] || { arguments+=("$@") && break; }
  done
  set -- "${arguments[@]}"
  name_cluster "$name"
  find_tools
  case $command in
    up) command_up "$@" ;;
    down) command_down ;;
    status) command_status ;;
    kubeconfig) require_up && echo "$KUBECONFIG_FILE" ;;
    exec | load | kill-pod | tpm | stop | start | restart | kill)
      require_root
      require_up
      case $command in
        exec) require_node "${1:-}" && in_node "$@" ;;
        load) load_image "${1%:*}" "${1##*:}" "${@:2}" ;;
        tpm) tpm_command "$@" ;;
        kill-pod) command_kill_pod "$@" ;;
        kill) command_kill "$@" ;;
        *) command_part "$command" "$@" ;;
      esac
      ;;
    help | -h | --help) usage ;;
    *) usage >&2 && die "unknown command '$command'" ;;
  esac
}

main "$@"

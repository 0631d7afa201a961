# Nodes: a kubelet with its own containerd, network, file system view and TPM
# each. Source it after control_plane.sh and tpm.sh.
# shellcheck shell=bash

PAUSE_IMAGE_NAME=localhost/avouch-test/pause:1
# shellcheck disable=SC2034
NODE_PARTS=(containerd kubelet kube-proxy)

# node_pid NODE: a process in all of the node's namespaces but that of processes.
node_pid() { part_pid "$1"; }

# in_node NODE COMMAND...: as if logged in on the node.
in_node() {
  local pid
  pid=$(node_pid "$1") || die "node $1 does not run"
  shift
  nsenter --net="/proc/$pid/ns/net" --mount="/proc/$pid/ns/mnt" --uts="/proc/$pid/ns/uts" \
    --pid="/proc/$pid/ns/pid_for_children" --wd=/ "$@"
}

write_containerd_config() {
  local dir=$1
  mkdir -p "$dir/cni"
  cat >"$dir/cni/10-avouch.conflist" <<END
{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": "$2"}]], "routes": [{"dst": "0.0.0.0/0"}]}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
END
  # restrict_oom_score_adj: without CAP_SYS_RESOURCE (in many containers and
  # virtual machines) a sandbox could not be started otherwise.
  cat >"$dir/containerd.toml" <<END
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$PAUSE_IMAGE_NAME"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
END
}

write_kubelet_config() {
  local dir=$1 node=$2 ip=$3
  echo "nameserver $HUB_IP" >"$dir/resolv.conf"
  cat >"$dir/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $ip
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $PKI/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $PKI/$node-server.crt
tlsPrivateKeyFile: $PKI/$node-server.key
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP/$node
clusterDNS: ["$HUB_IP"]
clusterDomain: cluster.local
resolvConf: $dir/resolv.conf
failSwapOn: false
nodeStatusUpdateFrequency: 2s
nodeStatusReportFrequency: 5m
syncFrequency: 10s
makeIPTablesUtilChains: true
protectKernelDefaults: false
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
END
}

write_node_files() {
  local number=$1 node dir ip pods other
  node=$(node_name "$number")
  dir=$(node_dir "$node")
  ip=$(node_ip "$number")
  pods=$(node_pod_cidr "$number")
  mkdir -p "$dir/var/lib" "$dir/tpm"
  write_containerd_config "$dir" "$pods"
  write_kubelet_config "$dir" "$node" "$ip"
  write_kube_proxy_config "$dir/kube-proxy.yaml" "$PKI/kube-proxy.kubeconfig" "$node" "$ip"
  {
    printf '%s=%q\n' NODE "$node" NODE_DIR "$dir" NODE_IP "$ip" HUB_IP "$HUB_IP" STATE "$STATE" LOGS "$LOGS" \
      PKI "$PKI" KUBERNETES_DIR "$KUBERNETES_DIR" PAUSE_IMAGE "$STATE/pause.tar" SYSCTLS "$(forwarding_sysctls)"
    printf 'POD_ROUTES=%q\n' "$(for other in $(each_node); do echo "$(node_pod_cidr "$other")=$(node_ip "$other")"; done)"
  } >"$dir/node.env"
}

# start_node NUMBER: does not wait until it is Ready.
start_node() {
  local number=$1 node dir pid link
  node=$(node_name "$number")
  dir=$(node_dir "$node")
  link=$(node_ip "$number")
  node_pid "$node" >/dev/null && return 0
  make_cgroup "$CGROUP/$node"
  write_node_files "$number"
  spawn_node "$node" "$dir"
  pid=$(node_pid "$node") || die "node $node did not start" "$LOGS/$node.log"
  wait_for 5 "network namespace of $node" "$LOGS/$node.log" has_own_network "$pid"
  in_hub ip link delete "$node" 2>/dev/null || true
  in_hub ip link add "$node" type veth peer name eth0 netns "$pid"
  in_hub ip link set "$node" master br0
  in_hub ip link set "$node" up
  in_hub ip route replace "$(node_pod_cidr "$number")" via "$link"
  ip route replace "$(node_pod_cidr "$number")" via "$link"
}

spawn_node() {
  local node=$1 dir=$2
  spawn "control" "$LOGS/$node.log" unshare --net --mount --uts --pid --fork --kill-child --propagation private \
    bash "$HACK_DIR/lib/node_init.sh" "$dir/node.env"
  echo "$SPAWNED $(start_time "$SPAWNED")" >"$RUN/$node.pid"
}

# node_part_pid NODE PART: its process id as this machine sees it.
node_part_pid() {
  local init namespace
  init=$(pgrep -P "$(node_pid "$1")" | sed -n 1p)
  [[ -n $init ]] || return 1
  namespace=$(readlink "/proc/$init/ns/pid")
  namespace=${namespace//[^0-9]/}
  ps -e -o pid=,pidns=,comm= | awk -v ns="$namespace" -v part="$2" '$2 == ns && $3 == part {print $1; found = 1; exit} END {exit !found}'
}

node_part_healthy() {
  local get=(curl --silent --fail --max-time 3 --output /dev/null)
  node_part_pid "$1" "$2" >/dev/null || return 1
  case $2 in
    containerd) in_node "$1" ctr version >/dev/null 2>&1 ;;
    kubelet) in_node "$1" "${get[@]}" http://127.0.0.1:10248/healthz ;;
    kube-proxy) in_node "$1" "${get[@]}" http://127.0.0.1:10256/healthz ;;
  esac
}

kube() { "$KUBERNETES_DIR/kubectl" --kubeconfig "$KUBECONFIG_FILE" "$@"; }

node_ready() {
  [[ $(kube get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == True ]]
}

#!/bin/bash
# Process 1 of a node: runs in the node's own mount, process, network and
# host-name namespaces, builds the node's view of the file system, configures its
# network, then keeps containerd, kubelet and kube-proxy running as an init system
# would. Everything in the node ends with this process.
#
# Usage: node_init.sh FILE, where FILE sets the variables used below.
set -euo pipefail

# shellcheck source=/dev/null
. "$1"

# A node's own /var and /run; the cluster's folder stays reachable in it.
make_file_system() {
  mount --make-rslave /
  mkdir -p "$NODE_DIR/var/lib" "$NODE_DIR/var/log" "$NODE_DIR/var/tmp"
  chmod 1777 "$NODE_DIR/var/tmp"
  ln -sfn /run "$NODE_DIR/var/run"
  mount --rbind "$STATE" "$STATE"
  if [[ $STATE == /var/* ]]; then
    mkdir -p "$NODE_DIR$STATE"
    mount --rbind "$STATE" "$NODE_DIR$STATE"
  fi
  mount --rbind "$NODE_DIR/var" /var
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t proc proc /proc
  show_kernel_settings
  mount --make-rshared /
  mkdir -p /run/netns /var/lib/cni /var/lib/avouch-agent
}

# The kubelet sets these, which are the whole machine's and would stay when the node has gone: it is shown what it wants
# to see (pkg/kubelet/cm, setupKernelTunables).
show_kernel_settings() {
  local setting
  mkdir /run/kernel-settings
  for setting in vm.overcommit_memory=1 vm.panic_on_oom=0 kernel.panic=10 kernel.panic_on_oops=1 \
    kernel.keys.root_maxkeys=1000000 kernel.keys.root_maxbytes=25000000; do
    echo "${setting#*=}" >"/run/kernel-settings/${setting%=*}"
    mount --bind "/run/kernel-settings/${setting%=*}" "/proc/sys/$(tr . / <<<"${setting%=*}")"
  done
}

configure_network() {
  ip link set lo up
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
  ip address add "$NODE_IP/24" dev eth0
  ip link set eth0 up
  ip route add default via "$HUB_IP"
  # The kubelet asks for cloud metadata: let it see at once that there is none.
  ip route add unreachable 169.254.0.0/16
  local subnet gateway
  for route in $POD_ROUTES; do
    subnet=${route%=*} gateway=${route#*=}
    [[ $gateway == "$NODE_IP" ]] || ip route add "$subnet" via "$gateway"
  done
  sh -e <<<"$SYSCTLS"
}

# keep NAME COMMAND...: starts COMMAND again whenever it ends.
keep() {
  local name=$1
  shift
  while :; do
    "$@" >>"$LOGS/$NODE-$name.log" 2>&1 || true
    echo "--- $name ended; starting it again" >>"$LOGS/$NODE-$name.log"
    sleep 1
  done
}

make_file_system
hostname "$NODE"
configure_network

keep containerd containerd --config "$NODE_DIR/containerd.toml" &
until ctr version >/dev/null 2>&1; do sleep 0.1; done
ctr --namespace k8s.io images import - <"$PAUSE_IMAGE" >>"$LOGS/$NODE-containerd.log" 2>&1
keep kube-proxy "$KUBERNETES_DIR/kube-proxy" --config="$NODE_DIR/kube-proxy.yaml" &
keep kubelet "$KUBERNETES_DIR/kubelet" --config="$NODE_DIR/kubelet.yaml" --kubeconfig="$PKI/$NODE.kubeconfig" \
  --hostname-override="$NODE" --node-ip="$NODE_IP" --root-dir=/var/lib/kubelet --cert-dir=/var/lib/kubelet/pki \
  --container-runtime=remote --container-runtime-endpoint=unix:///run/containerd/containerd.sock &

# bash as process 1 also collects the orphans of the whole node.
while :; do wait || true; done

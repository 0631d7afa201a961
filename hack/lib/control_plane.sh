# etcd, API server, controller manager, scheduler, service proxy and DNS, in a
# network namespace of their own (the hub). Source it after process.sh.
# shellcheck shell=bash

CONTROL_PARTS=(hub etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy dns)

# in_hub COMMAND...: with the control plane's network.
in_hub() { nsenter --net="/proc/$(part_pid hub)/ns/net" "$@"; }

# start_in_hub PART COMMAND...
start_in_hub() {
  local name=$1
  shift
  start_part "$name" nsenter --net="/proc/$(part_pid hub)/ns/net" "$@"
}

# Another cluster, a container engine or a tunnel may use the same addresses.
require_free_networks() {
  local network clash
  for network in "$NODE_NET.0/24" "$SERVICE_CIDR" "$POD_CIDR"; do
    clash=$({
      ip -4 route show table main root "$network"
      ip -4 route show table main match "$network"
    } | awk '$1 != "default" {print; exit}')
    [[ -z $clash ]] || die "the network $network is in use on this machine ($clash): choose another --name"
  done
}

# The hub holds the namespace, the bridge that joins the nodes, and this
# machine's way in.
start_hub() {
  part_pid hub >/dev/null && return 0
  ip link show "$HOST_LINK" >/dev/null 2>&1 &&
    die "interface $HOST_LINK exists already: another cluster has the number $CLUSTER_ID; choose another --name"
  require_free_networks
  start_part hub unshare --net sleep infinity
  local hub
  hub=$(part_pid hub)
  wait_for 5 "the control plane's network namespace" "$LOGS/hub.log" has_own_network "$hub"
  in_hub sh -e <<END
ip link set lo up
ip link add br0 type bridge
ip address add $HUB_IP/24 dev br0
ip link set br0 up
$(forwarding_sysctls)
END
  ip link add "$HOST_LINK" type veth peer name host netns "$hub"
  # kube-proxy rewrites packets to services after they were routed: there must be a route.
  in_hub sh -ec "ip link set host master br0; ip link set host up; ip route add $SERVICE_CIDR via $HOST_IP"
  ip address add "$HOST_IP/24" dev "$HOST_LINK"
  ip link set "$HOST_LINK" up
  ip route add "$SERVICE_CIDR" via "$HUB_IP"
}

forwarding_sysctls() {
  cat <<'END'
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects
echo 0 >/proc/sys/net/ipv4/conf/default/send_redirects
for f in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 >"$f"; done
if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables; fi
END
}

start_etcd() {
  mkdir -p "$STATE/etcd"
  chmod 0700 "$STATE/etcd"
  start_in_hub etcd /usr/bin/etcd --name "$CLUSTER" --data-dir "$STATE/etcd" \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster "$CLUSTER=http://127.0.0.1:2380" --unsafe-no-fsync \
    --quota-backend-bytes=4294967296
}

start_kube_apiserver() {
  start_in_hub kube-apiserver "$KUBERNETES_DIR/kube-apiserver" \
    --etcd-servers=http://127.0.0.1:2379 \
    --bind-address=0.0.0.0 --secure-port=6443 --advertise-address="$HUB_IP" \
    --tls-cert-file="$PKI/kube-apiserver.crt" --tls-private-key-file="$PKI/kube-apiserver.key" \
    --client-ca-file="$PKI/ca.crt" \
    --service-account-issuer=https://kubernetes.default.svc --api-audiences=https://kubernetes.default.svc \
    --service-account-key-file="$PKI/service-accounts.pub" \
    --service-account-signing-key-file="$PKI/service-accounts.key" \
    --service-cluster-ip-range="$SERVICE_CIDR" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --kubelet-client-certificate="$PKI/kubelet-client.crt" --kubelet-client-key="$PKI/kubelet-client.key" \
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP
}

start_kube_controller_manager() {
  local controllers='*'
  # Nodes without a kubelet stay Ready only if nobody looks.
  [[ $(<"$STATE/extra-node-count") == 0 ]] || controllers='*,-nodelifecycle'
  start_in_hub kube-controller-manager "$KUBERNETES_DIR/kube-controller-manager" \
    --kubeconfig="$PKI/kube-controller-manager.kubeconfig" --leader-elect=false --port=0 --bind-address=127.0.0.1 \
    --cert-dir="$RUN/kube-controller-manager" --controllers="$controllers" \
    --service-account-private-key-file="$PKI/service-accounts.key" --root-ca-file="$PKI/ca.crt" \
    --use-service-account-credentials \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key"
}

start_kube_scheduler() {
  start_in_hub kube-scheduler "$KUBERNETES_DIR/kube-scheduler" \
    --kubeconfig="$PKI/kube-scheduler.kubeconfig" --leader-elect=false --port=0 --bind-address=127.0.0.1 \
    --cert-dir="$RUN/kube-scheduler"
}

# write_kube_proxy_config FILE KUBECONFIG NAME ADDRESS
write_kube_proxy_config() {
  cat >"$1" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clusterCIDR: $POD_CIDR
hostnameOverride: $3
bindAddress: $4
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
clientConnection: {kubeconfig: $2}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
iptables: {minSyncPeriod: 1s, syncPeriod: 30s}
END
}

# Services of the cluster for the API server and for this machine.
start_kube_proxy() {
  write_kube_proxy_config "$RUN/kube-proxy.yaml" "$PKI/kube-proxy.kubeconfig" hub "$HUB_IP"
  start_in_hub kube-proxy env XTABLES_LOCKFILE="$RUN/xtables.lock" \
    "$KUBERNETES_DIR/kube-proxy" --config="$RUN/kube-proxy.yaml"
}

# Names of services for pods: a small DNS server and a watcher that feeds it.
start_dns() {
  mkdir -p "$STATE/dns"
  touch "$STATE/dns/hosts"
  start_in_hub dns python3 "$HACK_DIR/lib/dns.py" --api "$API_URL" --ca "$PKI/ca.crt" \
    --cert "$PKI/admin.crt" --key "$PKI/admin.key" --hosts "$STATE/dns/hosts" -- \
    dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= --log-facility=- \
    --listen-address="$HUB_IP" --bind-interfaces --no-resolv --no-hosts --cache-size=0 --local-ttl=2 \
    --addn-hosts="$STATE/dns/hosts" --address=/#/
}

start_control_part() {
  case $1 in
    hub) start_hub ;;
    etcd) start_etcd ;;
    kube-apiserver) start_kube_apiserver ;;
    kube-controller-manager) start_kube_controller_manager ;;
    kube-scheduler) start_kube_scheduler ;;
    kube-proxy) start_kube_proxy ;;
    dns) start_dns ;;
    *) die "no part '$1': expected one of ${CONTROL_PARTS[*]}" ;;
  esac
}

# control_part_healthy PART
control_part_healthy() {
  local get=(curl --silent --fail --insecure --max-time 3 --output /dev/null)
  part_pid "$1" >/dev/null || return 1
  case $1 in
    hub) in_hub ip link show br0 >/dev/null ;;
    etcd) in_hub "${get[@]}" http://127.0.0.1:2379/health ;;
    kube-apiserver) "${get[@]}" "$API_URL/readyz" ;;
    kube-controller-manager) in_hub "${get[@]}" https://127.0.0.1:10257/healthz ;;
    kube-scheduler) in_hub "${get[@]}" https://127.0.0.1:10259/healthz ;;
    kube-proxy) in_hub "${get[@]}" http://127.0.0.1:10256/healthz ;;
    dns) [[ -s $STATE/dns/hosts ]] ;;
  esac
}

start_control_plane() {
  start_hub
  start_etcd
  wait_for 20 etcd "$LOGS/etcd.log" control_part_healthy etcd
  start_kube_apiserver
  wait_for 60 kube-apiserver "$LOGS/kube-apiserver.log" control_part_healthy kube-apiserver
  start_kube_controller_manager
  start_kube_scheduler
  start_kube_proxy
  start_dns
}

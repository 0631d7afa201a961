# Names, addresses and paths of one cluster. Source it after common.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034

# name_cluster NAME: sets everything below. Clusters of different names share
# nothing, so that several can run at once.
name_cluster() {
  [[ $1 =~ ^[a-z][a-z0-9-]{0,19}$ ]] ||
    die "cluster name '$1': expected 1 to 20 of a-z, 0-9 and -, beginning with a letter"
  CLUSTER=$1
  CLUSTER_ID=0
  if [[ $CLUSTER != default ]]; then
    CLUSTER_ID=$((1 + $(cksum <<<"$CLUSTER" | cut -d' ' -f1) % 99))
  fi

  STATE=$STATE_ROOT/$CLUSTER
  LOGS=$STATE/logs
  PKI=$STATE/pki
  RUN=$STATE/run
  KUBECONFIG_FILE=$STATE/kubeconfig

  # The control plane and the nodes have a network namespace each, joined by a
  # bridge in the control plane's. The machine itself takes part through one
  # interface, HOST_LINK, and needs no packet filter rule.
  HOST_LINK=avouch$CLUSTER_ID
  NODE_NET=172.30.$CLUSTER_ID
  HOST_IP=$NODE_NET.1
  HUB_IP=$NODE_NET.2
  POD_CIDR=10.$((128 + CLUSTER_ID)).0.0/16
  SERVICE_CIDR=10.96.$CLUSTER_ID.0/24
  API_SERVICE_IP=10.96.$CLUSTER_ID.1
  API_URL=https://$HUB_IP:6443

  CGROUP=avouch-$CLUSTER
}

node_name() { echo "node-$1"; }
node_ip() { echo "$NODE_NET.$((10 + $1))"; }
node_pod_cidr() { echo "10.$((128 + CLUSTER_ID)).$1.0/24"; }
node_dir() { echo "$STATE/nodes/$1"; }

# each_node: the numbers of the nodes of this cluster.
each_node() { seq 1 "$(<"$STATE/node-count")"; }

names_of_nodes() { for number in $(each_node); do node_name "$number"; done | xargs; }

require_node() {
  [[ -n ${1:-} && -d $(node_dir "$1") ]] ||
    die "no node '${1:-}' in cluster $CLUSTER: expected one of $(names_of_nodes)"
}

#!/usr/bin/env bash
# Two controllers on one database and one volume, on a real cluster: one leads, the other follows when it is frozen or
# deleted, and the log is one. Called by hack/test.sh.
set -euo pipefail

# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HACK_DIR/lib/deps.sh"
# shellcheck source=hack/lib/build.sh
source "$HACK_DIR/lib/build.sh"
# shellcheck source=hack/lib/kubernetes.sh
source "$HACK_DIR/lib/kubernetes.sh"
# shellcheck source=hack/lib/cluster_names.sh
source "$HACK_DIR/lib/cluster_names.sh"
# shellcheck source=hack/lib/checks.sh
source "$HACK_DIR/lib/checks.sh"

name_cluster replicas
BUILD=$(build_dir release)
BUILD_LOG=$STATE_ROOT/$CLUSTER.build.log
NS=avouch-system
POSTGRES=/usr/lib/postgresql/15/bin
DATABASE_DIR=
DATABASE_PID=
cluster() { "$HACK_DIR/cluster.sh" "$@" --name "$CLUSTER"; }

finish() {
  local status=$? pod
  trap - EXIT
  trap '' INT TERM HUP
  if ((status != 0)) && [[ -d $LOGS ]]; then
    for pod in avouch-controller-0 avouch-controller-1; do
      echo "--- $pod"
      kubectl -n "$NS" logs --tail=60 "$pod" || true
      kubectl -n "$NS" logs --tail=20 --previous "$pod" || true
    done
    kubectl -n "$NS" get pods,leases,endpoints -o wide || true
  fi
  cluster down || status=1
  [[ -z $DATABASE_PID ]] || kill -QUIT "$DATABASE_PID" 2>/dev/null || true
  [[ -z $DATABASE_DIR ]] || rm -rf "$DATABASE_DIR"
  exit "$status"
}

# As the server's user, ending with this script.
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups --pdeathsig=QUIT -- "$@"; }

# A server that the cluster's pods reach, with a certificate of its own.
start_database() {
  DATABASE_DIR=$(mktemp -d /tmp/avouch-replicas-XXXXXX)
  chown postgres "$DATABASE_DIR"
  PASSWORD=$(openssl rand -hex 16)
  (umask 077 && echo "$PASSWORD" >"$DATABASE_DIR/password" && chown postgres "$DATABASE_DIR/password")
  as_postgres "$POSTGRES/initdb" --pgdata="$DATABASE_DIR/data" --username=avouch --auth-local=trust --auth-host=scram-sha-256 \
    --pwfile="$DATABASE_DIR/password" --encoding=UTF8 --no-locale --no-sync >/dev/null
  as_postgres openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=database" \
    -addext "subjectAltName=IP:$HOST_IP" -keyout "$DATABASE_DIR/server.key" -out "$DATABASE_DIR/server.crt" 2>/dev/null
  echo "hostssl all all all scram-sha-256" >>"$DATABASE_DIR/data/pg_hba.conf"
  as_postgres "$POSTGRES/postgres" -D "$DATABASE_DIR/data" -k "$DATABASE_DIR" -c "listen_addresses=$HOST_IP" -c ssl=on \
    -c "ssl_cert_file=$DATABASE_DIR/server.crt" -c "ssl_key_file=$DATABASE_DIR/server.key" -c shared_buffers=32MB \
    >"$DATABASE_DIR/server.log" 2>&1 &
  DATABASE_PID=$!
  wait_for 20 "the database" "$DATABASE_DIR/server.log" "$POSTGRES/pg_isready" --quiet --host="$DATABASE_DIR"
}

chart() {
  helm "$1" avouch "$REPO_DIR/charts/avouch" --namespace "$NS" --values "$HACK_DIR/demo-values.yaml" \
    --set agent.heartbeat=5s,controller.log.cadence=5s,controller.replicas=2 \
    --set controller.log.engine=postgres,controller.log.database.secret=log-database \
    --set "controller.persistence.type=HostPath,controller.persistence.hostPath=$STATE/shared" \
    --wait --timeout 120s "${@:2}"
}

# ---- questions ----

leading() { kubectl -n "$NS" get pods -l avouch.dev/leads=avouch -o 'jsonpath={.items[*].metadata.name}'; }
other_than() { [[ $1 == avouch-controller-0 ]] && echo avouch-controller-1 || echo avouch-controller-0; }
of_pod() { kubectl -n "$NS" get pod "$1" -o "jsonpath=$2"; }
served_by() { same "$(of_pod "$1" '{.status.podIP}')" kubectl -n "$NS" get endpoints avouch-controller -o 'jsonpath={.subsets[*].addresses[*].ip}'; }
lease_holder() { kubectl -n "$NS" get lease avouch-controller -o 'jsonpath={.spec.holderIdentity}' | cut -d_ -f1; }
leads() { same "$1" leading && same "$1" lease_holder && served_by "$1"; }
ready() { same True of_pod "$1" '{.status.conditions[?(@.type=="Ready")].status}'; }
on_two_nodes() { [[ $(of_pod avouch-controller-0 '{.spec.nodeName}') != "$(of_pod avouch-controller-1 '{.spec.nodeName}')" ]]; }
trusted() { same "Trusted Trusted" kubectl get attestationevidences -o 'jsonpath={.items[*].status.phase}'; }
restarts() { of_pod "$1" '{.status.containerStatuses[0].restartCount}'; }
restarted() { (($(restarts "$1") > $2)); }
log_size() { kubectl get --raw "/api/v1/namespaces/$NS/services/https:avouch-controller:443/proxy/log/checkpoint" | sed -n 2p; }
log_grows() { (($(log_size) > $1)); }

# The process of that pod's program, as this machine sees it.
process_of() {
  local uid pid
  uid=$(of_pod "$1" '{.metadata.uid}')
  for pid in $(pgrep -x avouch-operator); do
    if grep --quiet "${uid}\|${uid//-/_}" "/proc/$pid/cgroup"; then
      echo "$pid"
      return
    fi
  done
  return 1
}

make_pod() {
  kubectl apply -f - <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: shop}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: sleep, image: "localhost/avouch-test/sleep:1", imagePullPolicy: IfNotPresent}]
YAML
}
pod_runs() { same Running kubectl -n shop get pod "$1" -o 'jsonpath={.status.phase}'; }

# ---- parts ----

prepare() {
  install_build_deps
  install_cluster_deps
  ensure_kubernetes
  build release "$BUILD_LOG" avouch-operator avouch-webhook avouch-agent kubectl-avouch || die "the build failed" "$BUILD_LOG"
  cluster down
  cluster up
  export KUBECONFIG=$KUBECONFIG_FILE PATH=$BUILD/bin:$STATE/bin:$PATH
  "$HACK_DIR/images.sh" release --name "$CLUSTER" --bin "$BUILD/bin"
  start_database
}

install() {
  kubectl create namespace "$NS"
  kubectl create namespace shop
  kubectl label namespace shop attested=required
  kubectl -n "$NS" create configmap tpm-vendors --from-file=ca.pem="$STATE/tpm-ca.pem"
  echo "host=$HOST_IP dbname=postgres user=avouch password=$PASSWORD sslmode=verify-full sslrootcert=/etc/avouch-database/ca.pem" |
    kubectl -n "$NS" create secret generic log-database --from-file=connection=/dev/stdin --from-file=ca.pem="$DATABASE_DIR/server.crt"
  chart install >/dev/null
  kubectl apply -f - <<YAML
apiVersion: avouch.dev/v1alpha1
kind: AttestationPolicy
metadata: {name: production}
spec:
  nodeSelector: {}
  workloads: {namespaceSelector: {matchLabels: {attested: required}}}
  freshness: {maxAge: 300s}
  endorsement:
    trustBundles: [{configMap: {namespace: $NS, name: tpm-vendors}}]
    enrollment: TrustOnFirstUse
  keys: [ecdsa-p256-sha256]
  bootLog: {secureBoot: Required}
  pcrs: {banks: [sha256]}
YAML
  eventually 60 "both nodes are Trusted" trusted
}

main() {
  local first second size before
  require_root
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  prepare
  install

  first=$(leading)
  check "one of the two leads: by its label, by the Lease, and the Service knows it alone" leads "$first"
  second=$(other_than "$first")
  check "the other is ready as well" ready "$second"
  check "they are on two nodes" on_two_nodes
  check "one of them may be drained" same 1 kubectl -n "$NS" get poddisruptionbudget avouch-controller -o 'jsonpath={.status.disruptionsAllowed}'
  make_pod before
  eventually 40 "a gated pod runs" pod_runs before

  # Frozen: it does not know that time passes, and holds the head file's lock until its kubelet ends it.
  before=$(restarts "$first")
  kill -STOP "$(process_of "$first")"
  eventually 60 "the one that leads is frozen: the other has the Lease" same "$second" lease_holder
  eventually 180 "its kubelet ends it, and the other takes over" leads "$second"
  size=$(log_size)
  eventually 30 "and goes on with the log" log_grows "$size"
  check "both nodes have kept their trust" trusted
  make_pod between
  eventually 40 "a gated pod runs" pod_runs between
  eventually 60 "the one that was frozen is started again" restarted "$first" "$before"
  eventually 60 "and stands by" ready "$first"
  check "the other leads still" leads "$second"

  size=$(log_size)
  kubectl -n "$NS" delete pod "$second" --wait=false
  eventually 60 "the one that leads is deleted: the first takes over" leads "$first"
  eventually 30 "and goes on with the log" log_grows "$size"
  eventually 60 "the second is ready again" ready "$second"
  make_pod after
  eventually 40 "a gated pod runs" pod_runs after

  check "an upgrade replaces one after another" chart upgrade --set controller.log.cadence=6s
  eventually 60 "and one leads after it" leads_one
  eventually 30 "both nodes are Trusted" trusted
  size=$(log_size)
  eventually 30 "the log goes on" log_grows "$size"
  check "the log is one, and whole" kubectl avouch log fsck
  say "two controllers on one database are one: $held checks held"
}
leads_one() { leads "$(leading)"; }

main

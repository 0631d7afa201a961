#!/usr/bin/env bash
# Shows the main job on a real local cluster, and checks every step: a node whose TPM says that it is not
# what it should be gets no pods, a good one does, and the log proves afterwards what was decided and why.
#
#   hack/demo.sh [--keep]    --keep leaves the cluster up for a look around (hack/cluster.sh down ends it)
set -euo pipefail

# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
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

keep=
[[ ${1:-} != --keep ]] || keep=yes

name_cluster demo
BUILD=$(build_dir release)
NS=avouch-system
HEARTBEAT=10
cluster() { "$HACK_DIR/cluster.sh" "$@" --name "$CLUSTER"; }

finish() {
  local status=$?
  trap - EXIT INT TERM
  if [[ -n $keep ]]; then
    say "the cluster stays up: export KUBECONFIG=$KUBECONFIG_FILE; hack/cluster.sh down --name $CLUSTER ends it"
  else
    if ((status != 0)) && [[ -d $LOGS ]]; then
      collect_logs
      say "logs are kept in $STATE_ROOT/demo-logs"
    fi
    cluster down || status=1
  fi
  exit "$status"
}

# What the components said, for whoever looks into a failure.
collect_logs() {
  local out=$STATE_ROOT/demo-logs pod
  rm -rf "$out"
  mkdir -p "$out"
  cp -r "$LOGS" "$out/cluster" || true
  kubectl get events -A >"$out/events.txt" 2>&1 || true
  kubectl get attestationpolicies,attestationevidences,nodes,pods -A -o yaml >"$out/objects.yaml" 2>&1 || true
  for pod in $(kubectl -n "$NS" get pods -o name 2>/dev/null); do
    kubectl -n "$NS" logs --tail=400 "$pod" >"$out/${pod##*/}.log" 2>&1 || true
    kubectl -n "$NS" logs --previous --tail=100 "$pod" >"$out/${pod##*/}.previous.log" 2>&1 || true
  done
}

# ---- questions to the cluster ----

field() { kubectl get "$1" "$2" -o "jsonpath=$3"; }
phase_is() { same "$2" field attestationevidence "$1" '{.status.phase}'; }
condition_is() { same "$2" field node "$1" "{.status.conditions[?(@.type=='Attested')].status}"; }
reason_is() { same "$2" field node "$1" "{.status.conditions[?(@.type=='Attested')].reason}"; }
is_tainted() { field node "$1" '{.spec.taints[*].key}' | grep -qw avouch.dev/unattested; }
is_untainted() { ! is_tainted "$1"; }
release_ready() {
  local total ready
  total=$(kubectl -n "$NS" get pods --field-selector=status.phase!=Succeeded -o name | wc -l)
  ready=$(kubectl -n "$NS" get pods -o 'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' | grep -c True)
  echo "$ready of $total pods are ready"
  ((total >= 5 && ready == total))
}
pod_runs() { same Running kubectl -n "$1" get pod "$2" -o 'jsonpath={.status.phase}'; }
pod_node() { kubectl -n "$1" get pod "$2" -o 'jsonpath={.spec.nodeName}'; }

# make_pod NAMESPACE NAME [NODE]: a pod that sleeps; with NODE it bypasses the scheduler.
make_pod() {
  kubectl apply -f - <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $2, namespace: $1, labels: {app: demo}}
spec:
  ${3:+nodeName: $3}
  terminationGracePeriodSeconds: 0
  containers: [{name: sleep, image: "localhost/avouch-test/sleep:1", imagePullPolicy: IfNotPresent}]
YAML
}

# legacy_bind NAMESPACE POD NODE: binds by the old `bindings` resource, as no scheduler does any more.
legacy_bind() {
  kubectl create --raw "/api/v1/namespaces/$1/bindings" -f - <<JSON
{"apiVersion":"v1","kind":"Binding","metadata":{"name":"$2","namespace":"$1"},"target":{"apiVersion":"v1","kind":"Node","name":"$3"}}
JSON
}

# exact_values NODE: the policy's `exact` list from what that node's TPM holds now.
exact_values() {
  cluster tpm "$1" pcrs | awk '$1 == "sha256" && ($2 <= 9 || $2 == 14) {
    printf "      - {index: %s, sha256: [\"%s\"]}\n", $2, $3}'
}

# ---- the parts ----

prepare() {
  install_build_deps
  install_cluster_deps
  ensure_kubernetes
  mkdir -p "$STATE_ROOT"
  say "building Avouch (log: $STATE_ROOT/demo-build.log)"
  build release "$STATE_ROOT/demo-build.log" avouch-operator avouch-webhook avouch-agent kubectl-avouch || die "the build failed" "$STATE_ROOT/demo-build.log"
  cluster down >/dev/null
  cluster up
  export KUBECONFIG=$KUBECONFIG_FILE PATH=$BUILD/bin:$STATE/bin:$PATH
  "$HACK_DIR/images.sh" release --name "$CLUSTER" --bin "$BUILD/bin"
}

part_a() {
  part a "Install: the release comes up by itself, both nodes enrol"
  kubectl create namespace "$NS" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
  kubectl -n "$NS" create configmap tpm-vendors --from-file=ca.pem="$STATE/tpm-ca.pem"
  helm install avouch "$REPO_DIR/charts/avouch" --namespace "$NS" --values "$HACK_DIR/demo-values.yaml" --wait --timeout 120s
  eventually 60 "all pods of the release are ready" release_ready
  kubectl apply -f - <<YAML
apiVersion: avouch.dev/v1alpha1
kind: AttestationPolicy
metadata: {name: production}
spec:
  nodeSelector: {}
  workloads:
    namespaceSelector: {matchLabels: {attested: required}}
  mode: Enforce
  freshness: {maxAge: 30s}
  endorsement:
    trustBundles: [{configMap: {namespace: $NS, name: tpm-vendors}}]
    enrollment: TrustOnFirstUse
  keys: [ecdsa-p256-sha256]
  pcrs:
    banks: [sha256]
    exact:
$(exact_values node-1)
  onFailure: {taint: NoSchedule, condition: true}
YAML
  local node
  for node in node-1 node-2; do
    eventually 60 "$node is Trusted" phase_is "$node" Trusted
    eventually 10 "$node has condition Attested=True" condition_is "$node" True
    eventually 10 "$node has no taint of ours" is_untainted "$node"
  done
  kubectl avouch status
}

part_b() {
  part b "A pod in a gated namespace is scheduled and runs"
  kubectl create namespace shop
  kubectl label namespace shop attested=required
  make_pod shop web-0
  eventually 30 "pod shop/web-0 runs" pod_runs shop web-0
  # For part f: what a thief could have kept.
  kubectl get attestationevidence node-2 -o json | jq -c .spec.quote >"$STATE/old-quote.json"
  kubectl get attestationevidence node-2 -o json | jq -c .spec.pcrs >"$STATE/old-pcrs.json"
}

part_c() {
  part c "Node 2 is tampered with: no pod gets there, all run on node 1"
  cluster tpm node-2 extend 8 "$(printf 'tampered' | sha256sum | cut -d' ' -f1)"
  local began=$SECONDS
  eventually $((HEARTBEAT + 2)) "node-2 is Contraindicated" phase_is node-2 Contraindicated
  say "from tampering to the verdict: $((SECONDS - began)) s"
  eventually 3 "node-2 is tainted" is_tainted node-2
  eventually 3 "its condition is False" condition_is node-2 False
  check "with the reason" reason_is node-2 PcrMismatch
  check "a pod pinned to node-2 is denied, with the reason and what to do" \
    refused 'node "node-2" does not satisfy AttestationPolicy "production".*PcrMismatch.*kubectl avouch explain node node-2' \
    make_pod shop pinned node-2
  make_pod shop waiting-for-legacy-bind >/dev/null
  check "a legacy bindings call is denied" refused 'does not satisfy AttestationPolicy "production"' \
    legacy_bind shop waiting-for-legacy-bind node-2
  local i
  for i in 1 2 3 4 5; do make_pod shop "spread-$i" >/dev/null; done
  for i in 1 2 3 4 5; do
    eventually 30 "pod shop/spread-$i runs" pod_runs shop "spread-$i"
    check "on node-1" same node-1 pod_node shop "spread-$i"
  done
  kubectl avouch explain node node-2
}

# Only nodes with the label have an agent; taking it from one stops that one's.
stop_agent() {
  kubectl label node node-1 node-2 avouch-demo/agent=on --overwrite >/dev/null
  kubectl label node "$1" avouch-demo/agent- >/dev/null
  kubectl -n "$NS" patch daemonset avouch-agent --type=merge \
    -p '{"spec":{"template":{"spec":{"nodeSelector":{"avouch-demo/agent":"on"}}}}}'
}
start_agent() { kubectl label node "$1" avouch-demo/agent=on --overwrite; }

part_d() {
  part d "Node 1's agent is stopped: silence becomes Stale by itself"
  stop_agent node-1
  eventually 60 "node-1 is Stale" phase_is node-1 Stale
  eventually 3 "node-1 is tainted" is_tainted node-1
  check "a pod pinned to node-1 is denied" refused 'does not satisfy AttestationPolicy "production"' \
    make_pod shop pinned-stale node-1
  start_agent node-1
  eventually 60 "the agent is back and node-1 is Trusted again" phase_is node-1 Trusted
}

part_e() {
  part e "Node 2 reboots: it enrols nothing anew, attests again, is Trusted again"
  local enrolled
  enrolled=$(field attestationevidence node-2 '{.status.identity.enrolledAt}')
  cluster tpm node-2 reset
  eventually 60 "node-2 is Trusted" phase_is node-2 Trusted
  check "with the enrolment it had" same "$enrolled" field attestationevidence node-2 '{.status.identity.enrolledAt}'
  eventually 5 "node-2 has no taint of ours" is_untainted node-2
}

# agent_token NODE: a token like the one that node's agent holds, as a thief of that pod would have it.
agent_token() {
  local pod uid
  pod=$(kubectl -n "$NS" get pods -l app.kubernetes.io/component=agent \
    --field-selector "spec.nodeName=$1,status.phase=Running" -o 'jsonpath={.items[0].metadata.name}')
  uid=$(kubectl -n "$NS" get pod "$pod" -o 'jsonpath={.metadata.uid}')
  kubectl create --raw "/api/v1/namespaces/$NS/serviceaccounts/avouch-agent/token" -f - <<JSON | jq -r .status.token
{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"$pod","uid":"$uid"}}}
JSON
}

# write_evidence NODE PATCH: changes a node's evidence, as the administrator.
write_evidence() { kubectl patch attestationevidence "$1" --type=merge -p "$2"; }

# write_evidence_as TOKEN NODE PATCH: the same with somebody's token.
write_evidence_as() {
  kubectl config view --raw -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' |
    base64 --decode >"$STATE/api-ca.pem"
  curl --silent --show-error --fail-with-body --cacert "$STATE/api-ca.pem" -X PATCH \
    -H "Authorization: Bearer $1" -H 'Content-Type: application/merge-patch+json' -d "$3" \
    "$API_URL/apis/avouch.dev/v1alpha1/attestationevidences/$2?fieldManager=avouch-agent"
}

# forge_status NODE TOKEN: writes a status as an administrator can.
forge_status() {
  local proxy port
  kubectl proxy --port=0 >"$STATE/proxy.log" 2>&1 &
  proxy=$!
  wait_for 10 "kubectl proxy" "$STATE/proxy.log" grep -q Starting "$STATE/proxy.log"
  port=$(sed -n 's/.*127.0.0.1:\([0-9]*\).*/\1/p' "$STATE/proxy.log")
  curl --silent --show-error --fail -X PATCH -H 'Content-Type: application/merge-patch+json' \
    -d "{\"status\":{\"phase\":\"Trusted\",\"verdict\":{\"token\":\"$2\"}}}" \
    "http://127.0.0.1:$port/apis/avouch.dev/v1alpha1/attestationevidences/$1/status" >/dev/null
  kill "$proxy"
}

refusal_reported() {
  kubectl get events -A --field-selector "involvedObject.name=$1" -o json |
    jq -e '[.items[] | select(.reason == "EvidenceRefused")] | length > 0'
}

part_f() {
  part f "Replay, forgery and other people's evidence change nothing"
  local patch token
  patch="{\"spec\":{\"quote\":$(<"$STATE/old-quote.json"),\"pcrs\":$(<"$STATE/old-pcrs.json")}}"
  check "an old quote written back with kubectl is refused: an administrator is no agent" \
    refused 'is written only by the Avouch agent that runs on that node' write_evidence node-2 "$patch"
  check "the node's own agent may write it" write_evidence_as "$(agent_token node-2)" node-2 "$patch"
  eventually 15 "the controller refuses it as evidence, and reports that" refusal_reported node-2
  check "node-2 stays what it was" phase_is node-2 Trusted

  check "node 1's agent cannot write node 2's evidence" \
    refused 'is written only by the Avouch agent that runs on that node' \
    write_evidence_as "$(agent_token node-1)" node-2 '{"spec":{"agent":{"version":"forged"}}}'

  cluster tpm node-2 extend 8 "$(printf 'again' | sha256sum | cut -d' ' -f1)"
  eventually $((HEARTBEAT + 2)) "node-2, tampered with again, is Contraindicated" phase_is node-2 Contraindicated
  token=$(field attestationevidence node-1 '{.status.verdict.token}')
  check "somebody forges node-2's status with node-1's token" forge_status node-2 "$token"
  check "node-2 is still denied" \
    refused 'does not satisfy AttestationPolicy "production"' make_pod shop pinned-forged node-2
  eventually 30 "and the status is put right" phase_is node-2 Contraindicated
  cluster tpm node-2 reset
  eventually 60 "node-2 rebooted and is Trusted" phase_is node-2 Trusted
}

part_g() {
  part g "The log proves what was decided"
  kubectl avouch verify pod -n shop web-0
  check "step b: the admission of shop/web-0" kubectl avouch verify pod -n shop web-0
  check "step c: the denial of shop/pinned" kubectl avouch verify pod -n shop pinned
  check "step d: the denial of shop/pinned-stale" kubectl avouch verify pod -n shop pinned-stale
  kubectl avouch verify node node-1
  check "node-1's verdict" kubectl avouch verify node node-1
  check_independently
  report_memory
}

# A second checker, with none of our code: leaf, inclusion and checkpoint signature.
check_independently() {
  local index
  index=$(field attestationevidence node-1 '{.status.verdict.log.index}')
  kubectl -n "$NS" get configmap avouch-trust -o 'jsonpath={.data.log\.vkey}' >"$STATE/log.vkey"
  check "an independent script recomputes entry $index: leaf, inclusion, checkpoint signature" \
    python3 "$HACK_DIR/check-log-entry.py" \
    --fetch "kubectl get --raw /api/v1/namespaces/$NS/services/https:avouch-controller:443/proxy/log/{path}" \
    --vkey "$(<"$STATE/log.vkey")" --index "$index"
}

# Resident memory of each pod, from its own metrics.
report_memory() {
  local pod port
  for pod in $(kubectl -n "$NS" get pods -o 'jsonpath={.items[*].metadata.name}'); do
    port=8081
    [[ $pod != avouch-agent-* ]] || port=9100
    kubectl get --raw "/api/v1/namespaces/$NS/pods/$pod:$port/proxy/metrics" |
      awk -v pod="$pod" '/^avouch_process_resident_memory_bytes / {printf "  resident memory of %s: %.1f MiB\n", pod, $2 / 1048576}'
  done
}

log_size() { kubectl avouch log --output json --limit 1 | jq -e '.size'; }

# kill_component COMPONENT PROGRAM: SIGKILL to its processes inside this cluster's pods only.
kill_component() {
  local pod
  for pod in $(kubectl -n "$NS" get pods -l "app.kubernetes.io/component=$1" -o name); do
    cluster kill-pod "$NS" "${pod#pod/}" KILL
  done
}

part_h() {
  part h "Controller and webhook are killed in the middle: nothing is lost"
  local before restarts_before
  before=$(log_size)
  restarts_before=$(restarts)
  kill_component controller
  kill_component webhook
  eventually 60 "the kubelet has started all three again" restarted_since "$restarts_before"
  eventually 90 "all pods of the release are ready again" release_ready
  eventually 30 "the log has all it had" grown_from "$before"
  check "step b is still proven" kubectl avouch verify pod -n shop web-0
  eventually 30 "node-1 is Trusted" phase_is node-1 Trusted
  make_pod shop after-crash >/dev/null
  eventually 40 "a new pod runs" pod_runs shop after-crash
}
restarts() {
  kubectl -n "$NS" get pods -l "app.kubernetes.io/component in (controller,webhook)" -o json |
    jq '[.items[].status.containerStatuses[0].restartCount] | add'
}
restarted_since() { (($(restarts) >= $1 + 3)); }
grown_from() { (($(log_size) >= $1)); }

part_i() {
  part i "helm uninstall leaves nothing behind"
  helm upgrade avouch "$REPO_DIR/charts/avouch" --namespace "$NS" --values "$HACK_DIR/demo-values.yaml" --wait --timeout 120s >/dev/null
  check "an upgrade keeps the webhook's CA" webhook_has_ca
  helm uninstall avouch --namespace "$NS" --wait --timeout 120s
  check "no webhook configuration" same "" kubectl get validatingwebhookconfigurations -l app.kubernetes.io/part-of=avouch -o name
  local node
  for node in node-1 node-2; do
    check "no taint on $node" is_untainted "$node"
    check "no condition on $node" condition_is "$node" ""
    check "no label on $node" same "" field node "$node" '{.metadata.labels.avouch\.node-restriction\.kubernetes\.io/attested}'
  done
}
webhook_has_ca() { [[ -n $(kubectl get validatingwebhookconfigurations avouch -o 'jsonpath={.webhooks[*].clientConfig.caBundle}') ]]; }

main() {
  require_root
  trap finish EXIT
  trap 'exit 130' INT TERM
  prepare
  part_a
  part_b
  part_c
  part_d
  part_e
  part_f
  part_g
  part_h
  part_i
  printf '\nAll %d checks held, in %d s.\n' "$held" "$SECONDS"
}

main

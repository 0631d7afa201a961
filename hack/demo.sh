#!/usr/bin/env bash
# Shows the main job on a real local cluster, and checks every step: a node whose TPM says that it is not
# what it should be gets no pods, a good one does, and the log proves afterwards what was decided and why.
#
#   hack/demo.sh [--keep]    --keep leaves the cluster up for a look around (hack/cluster.sh down --name demo ends it)
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
case "$#:${1:-}" in
  0:) ;;
  1:--keep) keep=yes ;;
  1:-h | 1:--help)
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit
    ;;
  *) die "unknown argument: $*; expected nothing, --keep or --help" ;;
esac

name_cluster demo
KEPT_LOGS=$STATE_ROOT/$CLUSTER.logs # of a run that failed; the cluster's own folder goes with it
BUILD_LOG=$STATE_ROOT/$CLUSTER.build.log
BUILD=$(build_dir release)
NS=avouch-system
HEARTBEAT=5 # half of the default, so that waiting for quotes takes half the time
MAX_AGE=15
cluster() { "$HACK_DIR/cluster.sh" "$@" --name "$CLUSTER"; }

finish() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  [[ -z ${WATCHER:-} ]] || kill "$WATCHER" 2>/dev/null || true
  if [[ -n $keep ]]; then
    say "the cluster stays up: export KUBECONFIG=$KUBECONFIG_FILE; hack/cluster.sh down --name $CLUSTER ends it"
  else
    if ((status != 0)) && [[ -d $LOGS ]]; then
      collect_logs
      say "logs are kept in $KEPT_LOGS"
    fi
    cluster down || status=1
  fi
  case $status in
    0) ;;
    130 | 143) say "the demo was interrupted" ;;
    *) say "the demo FAILED (status $status)" ;;
  esac
  exit "$status"
}

# If this script is killed outright, the cluster still ends.
watch_over() {
  # shellcheck disable=SC2016
  setsid bash -c 'exec {in}</dev/null; tail --pid="$1" -f /dev/null; exec "$2" down --name "$3"' \
    watch "$$" "$HACK_DIR/cluster.sh" "$CLUSTER" </dev/null >/dev/null 2>&1 {LOCK_FD}>&- &
  WATCHER=$!
  disown "$WATCHER"
}

# What the components said, for whoever looks into a failure.
collect_logs() {
  local out=$KEPT_LOGS pod
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
# is_ejected NODE [REASON]: all at once: the phase, the taint, and the condition with its reason.
is_ejected() {
  phase_is "$1" Contraindicated && is_tainted "$1" && condition_is "$1" False && reason_is "$1" "${2:-PcrMismatch}"
}
# is_trusted NODE...: all at once: phase, condition, no taint.
is_trusted() {
  local node
  for node; do phase_is "$node" Trusted && condition_is "$node" True && is_untainted "$node" || return 1; done
}
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
none_of() { [[ -z $("$@") ]]; }
pod_is_absent() { none_of kubectl -n "$1" get pod "$2" --ignore-not-found -o name; }
pod_node() { kubectl -n "$1" get pod "$2" -o 'jsonpath={.spec.nodeName}'; }

# make_pod NAMESPACE NAME [NODE [SCHEDULER]]: a pod that sleeps; with NODE it bypasses the scheduler; with
# SCHEDULER it waits for that one.
make_pod() {
  kubectl apply -f - <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $2, namespace: $1, labels: {app: demo}}
spec:
  ${3:+nodeName: $3}
  ${4:+schedulerName: $4}
  terminationGracePeriodSeconds: 0
  containers: [{name: sleep, image: "localhost/avouch-test/sleep:1", imagePullPolicy: IfNotPresent}]
YAML
}

# bind NAMESPACE POD NODE: binds as schedulers do.
bind() {
  kubectl create --raw "/api/v1/namespaces/$1/pods/$2/binding" -f - <<JSON
{"apiVersion":"v1","kind":"Binding","metadata":{"name":"$2","namespace":"$1"},"target":{"apiVersion":"v1","kind":"Node","name":"$3"}}
JSON
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
  take_lock "$STATE_ROOT/.$CLUSTER-run.lock"
  require_space 4 "$CACHE_DIR" "$STATE_ROOT"
  install_build_deps
  install_cluster_deps
  ensure_kubernetes
  mkdir -p "$STATE_ROOT"
  say "building Avouch (log: $BUILD_LOG)"
  build release "$BUILD_LOG" avouch-operator avouch-webhook avouch-agent kubectl-avouch || die "the build failed" "$BUILD_LOG"
  cluster down >/dev/null
  watch_over
  cluster up
  export KUBECONFIG=$KUBECONFIG_FILE PATH=$BUILD/bin:$STATE/bin:$PATH
  "$HACK_DIR/images.sh" release --name "$CLUSTER" --bin "$BUILD/bin"
}

part_a() {
  part a "Install: the release comes up by itself, both nodes enrol"
  kubectl create namespace "$NS" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
  kubectl -n "$NS" create configmap tpm-vendors --from-file=ca.pem="$STATE/tpm-ca.pem"
  chart install
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
  freshness: {maxAge: ${MAX_AGE}s}
  endorsement:
    trustBundles: [{configMap: {namespace: $NS, name: tpm-vendors}}]
    enrollment: TrustOnFirstUse
  keys: [ecdsa-p256-sha256]
  pcrs:
    banks: [sha256]
    exact:
$(exact_values node-1)
  bootLog:
    secureBoot: Required
    kernelCommandLine: {required: ["quiet"], forbidden: ["init=.*"]}
  onFailure: {taint: NoSchedule, condition: true}
YAML
  eventually 60 "both nodes are enrolled and Trusted: phase, condition Attested=True, no taint" is_trusted node-1 node-2
  as_viewer
  check "kubectl avouch status, as one who has ClusterRole avouch-node-viewer alone, finds nothing missing" finds_nothing_missing
}
# A kubeconfig of somebody who looks after nodes.
as_viewer() {
  kubectl create clusterrolebinding demo-viewer --clusterrole=avouch-node-viewer --user=viewer
  kubectl config view --raw --output json | jq '.users[].user.as = "viewer"' >"$STATE/viewer"
}
finds_nothing_missing() {
  local output
  output=$(KUBECONFIG=$STATE/viewer kubectl avouch status 2>&1) || return 1
  printf '%s\n' "$output"
  [[ $output == NODE* ]]
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
  make_pod shop waiting "" nobody >/dev/null
  make_pod shop waiting-for-legacy-bind "" nobody >/dev/null
  webhook_runs_on node-2 || move_webhook_to node-2
  local authorities
  authorities=$(webhook_authorities)
  cluster tpm node-2 extend 8 "$(printf 'tampered' | sha256sum | cut -d' ' -f1)"
  eventually $((HEARTBEAT + 2)) "node-2 is Contraindicated and tainted, its condition False, the reason PcrMismatch" is_ejected node-2
  local denial='node "node-2" does not satisfy AttestationPolicy "production".*PcrMismatch.*PCR 8.*kubectl avouch explain node node-2'
  check "a pod pinned to node-2 is denied, with the reason and what to do" refused "$denial" make_pod shop pinned node-2
  check "and does not exist" pod_is_absent shop pinned
  check "a binding to node-2 is denied alike" refused "$denial" bind shop waiting node-2
  check "a legacy bindings call is denied alike" refused "$denial" legacy_bind shop waiting-for-legacy-bind node-2
  check "the same binding to node-1 is not" bind shop waiting node-1
  check "nor the same legacy call" legacy_bind shop waiting-for-legacy-bind node-1
  local i
  for i in 1 2 3 4 5; do make_pod shop "spread-$i" >/dev/null; done
  eventually 40 "five unpinned pods run" pods_run shop spread-{1..5}
  for i in 1 2 3 4 5; do check "shop/spread-$i on node-1" same node-1 pod_node shop "spread-$i"; done
  check "the taint says so to the webhook's pods" same failing field node node-2 '{.spec.taints[?(@.key=="avouch.dev/unattested")].value}'
  eventually 60 "no webhook is left on node-2, where root could use its key" webhook_is_gone_from node-2
  eventually 20 "the API server is told to accept another key than the one that was there" differs "$authorities" webhook_authorities
  eventually 60 "two replicas are ready again" webhooks_ready 2
  check "kubectl avouch explain names the PCR" prints 'PCR 8' kubectl avouch explain node node-2
  kubectl avouch explain node node-2
}
webhook_pods_on() { kubectl -n "$NS" get pods -l app.kubernetes.io/component=webhook --field-selector "spec.nodeName=$1" -o name; }
webhook_runs_on() { [[ -n $(webhook_pods_on "$1") ]]; }
webhook_is_gone_from() { ! webhook_runs_on "$1"; }
webhooks_ready() { same "$1" kubectl -n "$NS" get deployment avouch-webhook -o 'jsonpath={.status.readyReplicas}'; }
# move_webhook_to NODE: a replica, of those that are all elsewhere.
move_webhook_to() {
  kubectl cordon node-1 >/dev/null
  kubectl -n "$NS" delete "$(webhook_pods_on node-1 | head -n 1)" --wait=false >/dev/null
  eventually 60 "a replica of the webhook runs on $1" webhook_runs_on "$1"
  kubectl uncordon node-1 >/dev/null
  eventually 60 "two replicas are ready" webhooks_ready 2
}
# What the API server accepts each webhook by: the authority of the certificate that is served now.
webhook_authorities() {
  local bundle
  kubectl get validatingwebhookconfigurations avouch -o json | jq -r '.webhooks[].clientConfig.caBundle' |
    while read -r bundle; do base64 -d <<<"$bundle" | openssl x509 -noout -fingerprint -sha256; done
}
differs() { [[ $("${@:2}") != "$1" ]]; }
pods_run() { for pod in "${@:2}"; do pod_runs "$1" "$pod" || return 1; done; }

# Only nodes with the label have an agent; taking it from one stops that one's.
stop_agent() {
  kubectl label node node-1 node-2 avouch-demo/agent=on --overwrite >/dev/null
  kubectl label node "$1" avouch-demo/agent- >/dev/null
  kubectl -n "$NS" patch daemonset avouch-agent --type=merge \
    -p '{"spec":{"template":{"spec":{"nodeSelector":{"avouch-demo/agent":"on"}}}}}'
}
start_agent() { kubectl label node "$1" avouch-demo/agent=on --overwrite; }

agent_pods() { # agent_pods NODE: those that run, a line each
  kubectl -n "$NS" get pods -l app.kubernetes.io/component=agent \
    --field-selector "spec.nodeName=$1,status.phase=Running" -o json |
    jq -r '.items[] | select(.metadata.deletionTimestamp == null) | .metadata.name'
}
agent_runs() { [[ -n $(agent_pods "$1") ]]; }

# No agent runs there. The pod may stay for a while after its container: the kubelet removes volumes first.
agent_is_gone() {
  kubectl -n "$NS" get pods -l app.kubernetes.io/component=agent --field-selector "spec.nodeName=$1" -o json |
    jq -e 'all(.items[]; .metadata.deletionTimestamp and all(.status.containerStatuses[]?; .state.running == null))'
}
expires() { date -d "$(field attestationevidence "$1" '{.status.verdict.expires}')" +%s; }
has_passed() { echo "now $(date +%s), expiry $1" && (($(date +%s) >= $1)); }

part_d() {
  part d "Node 1's agent is stopped: silence becomes Stale by itself"
  local until
  stop_agent node-1
  eventually 60 "node-1 has no agent" agent_is_gone node-1
  until=$(expires node-1)
  eventually $((MAX_AGE + 5)) "when maxAge has passed, node-1 is Stale" phase_is node-1 Stale
  check "and not before its verdict expired" has_passed "$until"
  eventually 3 "node-1 is tainted" is_tainted node-1
  check "its condition is Unknown: nothing is known against it" condition_is node-1 Unknown
  check "a pod pinned to node-1 is denied: its verdict is stale" \
    refused 'node "node-1" does not satisfy AttestationPolicy "production".*(VerdictStale|EvidenceExpired|[Ss]tale|expired)' make_pod shop pinned-stale node-1
  start_agent node-1
  eventually 60 "the agent is back and node-1 is Trusted again" is_trusted node-1
  # stop_agent() changed the DaemonSet's template, and so renews the other node's agent too, when its controller comes to it.
  eventually 120 "node-2 has its agent" agent_runs node-2
}

# What enrolment made: nothing of it may change in a reboot.
enrolment() { field attestationevidence "$1" '{.status.identity} {.spec.identity}'; }
boots() { field attestationevidence "$1" '{.status.boot.resetCount}'; }
trusted_since_boot() { is_trusted "$1" && (($(boots "$1") > $2)); }

part_e() {
  part e "Node 2 reboots: it enrols nothing anew, attests again, is Trusted again"
  local enrolled booted
  enrolled=$(enrolment node-2)
  booted=$(boots node-2)
  cluster tpm node-2 reset
  eventually 60 "node-2 has attested its new boot and is Trusted, without a taint" trusted_since_boot node-2 "$booted"
  check "with the enrolment and the keys that it had" same "$enrolled" enrolment node-2
}

# agent_token NODE: a token like the one that node's agent holds, as a thief of that pod would have it.
agent_token() {
  local pod uid
  pod=$(agent_pods "$1" | head -n 1)
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
  kubectl patch attestationevidence "$1" --subresource=status --type=merge \
    -p "{\"status\":{\"phase\":\"Trusted\",\"verdict\":{\"token\":\"$2\"}}}"
}

# refusals NODE: how often evidence of that node was refused, by the Events.
refusals() {
  kubectl get events -A --field-selector "involvedObject.name=$1" -o json |
    jq '[.items[] | select(.reason == "EvidenceRefused") | .count // 1] | add // 0'
}
more_refusals() { (($(refusals "$1") > $2)); }

part_f() {
  part f "Replay, forgery and other people's evidence change nothing"
  local patch token before
  patch="{\"spec\":{\"quote\":$(<"$STATE/old-quote.json"),\"pcrs\":$(<"$STATE/old-pcrs.json")}}"
  check "an old quote written back with kubectl is refused: an administrator is no agent" \
    refused 'is written only by the Avouch agent that runs on that node' write_evidence node-2 "$patch"
  before=$(refusals node-2)
  check "the node's own agent may write it" write_evidence_as "$(agent_token node-2)" node-2 "$patch"
  eventually 15 "the controller refuses it as evidence, and reports that by an Event" more_refusals node-2 "$before"
  check "node-2 stays what it was" is_trusted node-2

  check "node 1's agent cannot write node 2's evidence" \
    refused 'is written only by the Avouch agent that runs on that node' \
    write_evidence_as "$(agent_token node-1)" node-2 '{"spec":{"agent":{"version":"forged"}}}'

  token=$(field attestationevidence node-2 '{.status.verdict.token}')
  cluster tpm node-2 extend 8 "$(printf 'again' | sha256sum | cut -d' ' -f1)"
  eventually $((HEARTBEAT + 2)) "node-2, tampered with again, is Contraindicated" is_ejected node-2
  check "somebody gives node-2's status the good token that it had" forge_status node-2 "$token"
  check "node-2 is still denied" refused 'does not satisfy AttestationPolicy "production"' make_pod shop pinned-old-token node-2
  eventually 30 "and the status is put right" phase_is node-2 Contraindicated
  token=$(field attestationevidence node-1 '{.status.verdict.token}')
  check "somebody gives node-2's status node-1's good token" forge_status node-2 "$token"
  check "node-2 is still denied" refused 'does not satisfy AttestationPolicy "production"' make_pod shop pinned-forged node-2
  eventually 30 "and the status is put right" phase_is node-2 Contraindicated
  cluster tpm node-2 reset
  eventually 60 "node-2 rebooted and is Trusted" is_trusted node-2
}

# judged_by NODE POLICY: the node's verdict says that it satisfies that policy too.
judged_by() {
  is_trusted "$1" && same affirming field attestationevidence "$1" "{.status.verdict.policies[?(@.name=='$2')].result}"
}

# policy_digest_of NODE POLICY: by which state of the policy the node's verdict was made.
policy_digest_of() { field attestationevidence "$1" "{.status.verdict.policies[?(@.name=='$2')].digest}"; }

# rejudged NODE POLICY DIGEST: it satisfies the policy as it is now, which is another than DIGEST.
rejudged() {
  local now
  now=$(field attestationpolicy "$2" '{.status.digest}')
  [[ $now != "$3" ]] && judged_by "$1" "$2" && same "$now" policy_digest_of "$1" "$2"
}

# refer_to MANIFEST: has the policy `files` judge by it what was booted and what ran.
refer_to() {
  local by="{\"references\":[{\"name\":\"$1\"}]}"
  kubectl patch attestationpolicy files --type=merge -p "{\"spec\":{\"bootLog\":$by,\"runtime\":$by}}"
}

# holds_all MANIFEST OTHER: the other says all that the manifest says, and what was booted as well.
holds_all() {
  local differences status=0
  differences=$(kubectl avouch reference diff "$1" "$2") || status=$?
  printf '%s\n' "$differences"
  ((status == 1)) && grep --quiet '^+ bootComponents' <<<"$differences" && ! grep '^- ima' <<<"$differences"
}

# judged_again NODE: its verdict comes out the same, with nothing taken on trust.
judged_again() {
  local output
  output=$(prints 'judged again, the verdict is the same' kubectl avouch verify node "$1" --re-appraise) || return 1
  printf '%s\n' "$output"
  ! grep --quiet 'taken as recorded' <<<"$output"
}

# import_and_apply NAME OPTION... FILE: the API server takes what an import makes.
import_and_apply() {
  kubectl avouch reference import --name "$1" -o "$STATE/$1.yaml" "${@:2}" && kubectl apply --server-side -f "$STATE/$1.yaml" &&
    kubectl delete -f "$STATE/$1.yaml"
}

# show_references: reference values of a node over the API server, inline and as a digest list in the controller's store.
show_references() {
  local before uploaded make=(kubectl avouch reference from-evidence --provider demo --node node-2)
  check "what node-2's verdict was judged by, asked of the cluster, makes a manifest" \
    "${make[@]}" --name node-2-golden -o "$STATE/golden.yaml"
  check "with all files of the node's own log, and what it booted" holds_all "$STATE/files.yaml" "$STATE/golden.yaml"
  check "it is applied" kubectl apply --server-side -f "$STATE/golden.yaml"
  before=$(policy_digest_of node-2 files)
  check "the policy refers to it" refer_to node-2-golden
  eventually 30 "node-2 is Trusted by it" rejudged node-2 files "$before"

  check "the same as a digest list" "${make[@]}" --name node-2-list --list "$STATE/files.list" -o "$STATE/list.yaml"
  kubectl -n "$NS" create serviceaccount list-provider
  kubectl create clusterrole list-provider --verb=update --resource=referencemanifests.avouch.dev
  kubectl create clusterrolebinding list-provider --clusterrole=list-provider --serviceaccount="$NS:list-provider"
  uploaded="^sha256:$(sha256sum <"$STATE/files.list" | cut -d' ' -f1)  [0-9]+ digests, sent"
  check "which is sent to the controller's store through the API server" \
    prints "$uploaded" kubectl avouch reference upload --service-account "$NS/list-provider" "$STATE/files.list"
  check "and named by its digest in a manifest" kubectl apply --server-side -f "$STATE/list.yaml"
  before=$(policy_digest_of node-2 files)
  check "the policy refers to that one" refer_to node-2-list
  eventually 30 "node-2 is Trusted by the list" rejudged node-2 files "$before"
  check "its verdict, judged again from what the log keeps, is the same" \
    judged_again node-2
  check "a maker's manifest (CoRIM) is imported and applied" import_and_apply acme-boot \
    --digests authenticode --profile https://acme.example/profile --key "$REPO_DIR/tests/vectors/corim/key.pem" "$REPO_DIR/tests/vectors/corim/good-signed.cbor"
  check "and so is one of firmware (TCG PC Client RIM)" import_and_apply acme-firmware \
    --key "$REPO_DIR/tests/vectors/rim/rsa.pem" "$REPO_DIR/tests/vectors/rim/good-one.swidtag"
  kubectl delete clusterrole,clusterrolebinding list-provider
  kubectl -n "$NS" delete serviceaccount list-provider
}

part_r() {
  part r "Node 2's kernel measures what runs (IMA): a file that nobody knows costs it its trust, with its path and line"
  local golden=$STATE/golden
  local unknown='entry 1128 .*"/usr/local/bin/rogue"'
  cluster tpm node-2 measure --boot --entries "$REPO_DIR/tests/vectors/corpus/cases/06a-ima-good/ima.bin"
  mkdir -p "$golden"
  cluster tpm node-2 runtime-log >"$golden/binary_runtime_measurements"
  kubectl avouch reference from-evidence --name node-2-files --provider demo -o "$STATE/files.yaml" "$golden"
  check "what ran on it so far becomes the reference" kubectl apply --server-side -f "$STATE/files.yaml"
  kubectl create namespace vault
  kubectl label namespace vault attested=files
  kubectl apply -f - <<YAML
apiVersion: avouch.dev/v1alpha1
kind: AttestationPolicy
metadata: {name: files}
spec:
  nodeSelector: {matchLabels: {kubernetes.io/hostname: node-2}}
  workloads:
    namespaceSelector: {matchLabels: {attested: files}}
  freshness: {maxAge: ${MAX_AGE}s}
  endorsement:
    trustBundles: [{configMap: {namespace: $NS, name: tpm-vendors}}]
    enrollment: TrustOnFirstUse
  pcrs: {banks: [sha256]}
  runtime:
    references: [{name: node-2-files}]
YAML
  eventually 60 "node-2's log of 1,127 files is replayed to the quoted PCR 10 and judged: Trusted" judged_by node-2 files
  show_references
  make_pod vault safe-0
  eventually 30 "pod vault/safe-0 runs, on node-2" pod_runs vault safe-0
  check "where alone the policy lets it" same node-2 pod_node vault safe-0
  cluster tpm node-2 measure --file /usr/local/bin/rogue "a program that nobody knows"
  eventually $((HEARTBEAT + 10)) "one more file was run: node-2 is Contraindicated and tainted, the reason RuntimeFileUnknown" is_ejected node-2 RuntimeFileUnknown
  check "a pod pinned to it is denied, with the file's path and line" \
    refused "AttestationPolicy \"files\".*RuntimeFileUnknown.*$unknown" make_pod vault pinned node-2
  check "kubectl avouch explain names them too" prints "$unknown" kubectl avouch explain node node-2
  kubectl avouch explain node node-2
  kubectl delete attestationpolicy files
  kubectl delete namespace vault
  # No reboot is needed: PCR 10 is none of that policy's.
  eventually 60 "without that policy node-2 is Trusted again" is_trusted node-2
}

# prints PATTERN COMMAND...: the command succeeds and prints something that matches.
prints() {
  local output
  output=$("${@:2}") || return 1
  printf '%s\n' "$output"
  grep --quiet --extended-regexp "$1" <<<"$output"
}

# prints_and_ends STATUS PATTERN COMMAND...: the same, with that exit status.
prints_and_ends() {
  local output status=0
  output=$("${@:3}") || status=$?
  printf '%s\n' "$output"
  grep --quiet --extended-regexp "$2" <<<"$output" && ((status == $1))
}

# guarded STATUS [REGEX]: every policy's condition Guarded, and what its message has.
guarded() {
  kubectl get attestationpolicies -o json | jq -e --arg status "$1" --arg regex "${2:-}" \
    '[.items[].status.conditions[] | select(.type == "Guarded")] | length > 0 and all(.status == $status and (.message | test($regex)))'
}
# metric NAME VALUE: of the controller.
metric() {
  same "$1 $2" bash -c \
    "kubectl get --raw /api/v1/namespaces/$NS/pods/avouch-controller-0:8081/proxy/metrics | grep '^$1 '"
}
deviations_are() { metric avouch_webhook_configuration_deviations "$1"; }
departures_are() { metric avouch_webhook_configuration_departures_total "$1"; }
# pods_failure POLICY: failurePolicy of the webhook for enforced pods, as an administrator can set it.
pods_failure() {
  local index
  index=$(kubectl get validatingwebhookconfiguration avouch -o json | jq '[.webhooks[].name] | index("pods.avouch.dev")')
  kubectl patch validatingwebhookconfiguration avouch --type=json \
    -p "[{\"op\":\"replace\",\"path\":\"/webhooks/$index/failurePolicy\",\"value\":\"$1\"}]"
}

part_w() {
  part w "Somebody edits the webhook configuration: the controller leaves it so, but says so"
  check "so far it is as the chart has it" guarded True
  check "and the controller's metric counts no deviation" deviations_are 0
  check "an administrator has pods let in while no webhook answers" pods_failure Ignore
  eventually 20 "every policy's condition says what, where, and what was expected" \
    guarded False 'pods.avouch.dev: failurePolicy is "Ignore", expected "Fail"'
  check "the metric counts one deviation" deviations_are 1
  check "kubectl avouch status says it too" prints_and_ends 1 '^NOT GUARDED.*failurePolicy is "Ignore"' kubectl avouch status
  check "put back" pods_failure Fail
  eventually 20 "the condition is True again" guarded True
  check "and the metric 0" deviations_are 0
}

# One call for both: it may wait for the epoch that has the token's latest renewal.
verifies_node() {
  kubectl avouch verify node "$1" --re-appraise >"$STATE/verified"
  prints '^verified' cat "$STATE/verified"
}

part_g() {
  part g "The log proves what was decided"
  kubectl avouch verify pod -n shop web-0
  check "step b: the admission of shop/web-0" prints '^verified' kubectl avouch verify pod -n shop web-0
  check "it was an allow" prints 'allow of pod shop/web-0 on node ' kubectl avouch verify pod -n shop web-0
  check "step c: the denial of shop/pinned" prints '^verified' kubectl avouch verify pod -n shop pinned
  check "it was a deny on node-2" prints 'deny of pod shop/pinned on node node-2' kubectl avouch verify pod -n shop pinned
  check "step d: the denial of shop/pinned-stale" prints '^verified' kubectl avouch verify pod -n shop pinned-stale
  check "the log has every gated pod that runs, and proves it" prints ' 0 NOT RECORDED' kubectl avouch verify pods -A
  check "it was a deny on node-1" prints 'deny of pod shop/pinned-stale on node node-1' kubectl avouch verify pod -n shop pinned-stale
  check "node-1's verdict" verifies_node node-1
  cat "$STATE/verified"
  check "and it comes out the same, judged again from its record" \
    prints 'judged again, the verdict is the same: affirming' cat "$STATE/verified"
  check "as does step c's verdict on node-2" \
    prints 'judged again, the verdict is the same: contraindicated' kubectl avouch verify pod -n shop pinned --re-appraise
  check_independently
  report_memory
}

# entry_of POD: the index of its admission verdict in the log.
entry_of() { kubectl avouch log -n shop --pod "$1" --output json | jq -e '.entries[0].index'; }

# entry_content INDEX: what the entry commits to, which the controller tells those who may read it.
entry_content() {
  local token
  token=$(kubectl create --raw "/api/v1/namespaces/$NS/serviceaccounts/avouch-reader/token" -f - <<<'{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":["avouch.dev/controller"]}}' | jq -r .status.token)
  curl --silent --show-error --fail --cacert "$PKI/ca.crt" --cert "$PKI/admin.crt" --key "$PKI/admin.key" -H "Avouch-Token: $token" \
    "$API_URL/api/v1/namespaces/$NS/services/https:avouch-controller:443/proxy/v1/log/entries/$1" | jq -r .preimage | base64 --decode
}
says_denied() {
  /usr/bin/python3 -c 'import cbor2, sys
said = cbor2.load(open(sys.argv[1], "rb"))[1]
print(said)
sys.exit((said["decision"], said["namespace"], said["pod"], said["node"]) != ("deny", "shop", "pinned", "node-2"))' "$1"
}

# A second checker, with none of our code: leaf, inclusion and checkpoint signature of step c's denial, and what it says.
check_independently() {
  local index
  index=$(entry_of pinned)
  kubectl -n "$NS" get configmap avouch-trust -o 'jsonpath={.data.log\.vkey}' >"$STATE/log.vkey"
  entry_content "$index" >"$STATE/entry.cbor"
  check "an independent script recomputes step c's entry $index: leaf, inclusion, checkpoint signature" \
    /usr/bin/python3 "$HACK_DIR/check-log-entry.py" \
    --fetch "kubectl get --raw /api/v1/namespaces/$NS/services/https:avouch-controller:443/proxy/log/{path}" \
    --vkey "$(<"$STATE/log.vkey")" --index "$index" --preimage "$STATE/entry.cbor"
  check "which says: deny of pod shop/pinned on node-2" says_denied "$STATE/entry.cbor"
  check "its proof can be taken along" kubectl avouch export "$index" -f "$STATE/entry.tlog-proof" --preimage "$STATE/entry.preimage"
  check "and is checked without the cluster" prints 'deny' env KUBECONFIG=/nonexistent kubectl-avouch verify proof \
    "$STATE/entry.tlog-proof" --preimage "$STATE/entry.preimage" --vkey "$STATE/log.vkey"
  kubectl -n "$NS" get configmap avouch-trust -o 'jsonpath={.data.verifier-keys\.pem}' >"$STATE/verifier.pem"
  check "so can a transparent statement, with a COSE Receipt" kubectl avouch export "$index" --format cose -f "$STATE/entry.cose"
  check "which is checked without the cluster too" prints 'log signed the root' env KUBECONFIG=/nonexistent kubectl-avouch verify proof \
    "$STATE/entry.cose" --verifier-keys "$STATE/verifier.pem" --vkey "$STATE/log.vkey"
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$STATE/auditor.pem" 2>/dev/null
  openssl pkey -in "$STATE/auditor.pem" -pubout -out "$STATE/auditor-pub.pem"
  check "and an in-toto statement, signed by an auditor" kubectl avouch export "$index" --format in-toto \
    --key "$STATE/auditor.pem" -f "$STATE/entry.in-toto.json"
  check "of which an independent script finds that it holds" /usr/bin/python3 "$HACK_DIR/check-export.py" --vkey "$(<"$STATE/log.vkey")" \
    --entry-keys "$STATE/verifier.pem" --signer-keys "$STATE/auditor-pub.pem" "$STATE/entry.in-toto.json"
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

# kill_component COMPONENT PROGRAM: SIGKILL to its processes inside this cluster's pods only.
kill_component() {
  local pod
  for pod in $(kubectl -n "$NS" get pods -l "app.kubernetes.io/component=$1" -o name); do
    cluster kill-pod "$NS" "${pod#pod/}" KILL
  done
}

part_h() {
  part h "Controller and webhook are killed in the middle: nothing is lost"
  local restarts_before i pod
  check "the log holds together; its checkpoint is kept" kubectl avouch verify log --save "$STATE/checkpoint"
  restarts_before=$(restarts)
  # In the middle: of these five some are admitted before the kill, some wait for the webhook's return.
  for i in 1 2 3 4 5; do make_pod shop "midst-$i" >/dev/null || true; done &
  kill_component controller
  kill_component webhook
  wait
  eventually 60 "the kubelet has started all three again" restarted_since "$restarts_before"
  eventually 90 "all pods of the release are ready again" release_ready
  eventually 30 "the log goes on from the checkpoint that was kept" kubectl avouch verify log --since "$STATE/checkpoint"
  check "all of it, every entry and tile, is what its checkpoint says" kubectl avouch log fsck
  for pod in web-0:allow spread-5:allow pinned:deny pinned-stale:deny; do
    check "the ${pod#*:} of shop/${pod%:*} is still proven" prints "${pod#*:} of pod shop/${pod%:*} " kubectl avouch verify pod -n shop "${pod%:*}"
  done
  eventually 30 "both nodes are Trusted" is_trusted node-1 node-2
  for i in 1 2 3 4 5; do make_pod shop "midst-$i" >/dev/null; done
  eventually 60 "the five pods of that moment run" pods_run shop midst-{1..5}
  for i in 1 2 3 4 5; do
    eventually 30 "the admission of shop/midst-$i is in the log" prints "allow of pod shop/midst-$i on node" kubectl avouch verify pod -n shop "midst-$i"
  done
}
restarts() {
  kubectl -n "$NS" get pods -l "app.kubernetes.io/component in (controller,webhook)" -o json |
    jq '[.items[].status.containerStatuses[0].restartCount] | add'
}
restarted_since() { (($(restarts) >= $1 + 3)); }

chart() {
  helm "$1" avouch "$REPO_DIR/charts/avouch" --namespace "$NS" --values "$HACK_DIR/demo-values.yaml" \
    --set "agent.heartbeat=${HEARTBEAT}s,controller.log.cadence=${HEARTBEAT}s" --wait --timeout 120s "${@:2}"
}

part_i() {
  part i "helm upgrade goes through, helm uninstall leaves nothing behind"
  local ca node replicas
  ca=$(webhook_authorities)
  check "an upgrade with another timeout is accepted" chart upgrade --set webhook.timeoutSeconds=4
  check "and in force" same 4 kubectl get validatingwebhookconfigurations avouch -o 'jsonpath={.webhooks[0].timeoutSeconds}'
  check "it keeps the webhook's CA" same "$ca" webhook_authorities
  check "the controller does not take it for tampering: no departure is counted" departures_are 0
  eventually 20 "and finds the webhook configuration as the new release has it" guarded True 'is as the release has it'
  replicas=$(kubectl -n "$NS" get deployment avouch-webhook -o 'jsonpath={.spec.replicas}')
  kubectl -n "$NS" scale deployment avouch-webhook --replicas=0
  eventually 20 "without a webhook kubectl avouch status says so" prints_and_ends 3 '^WEBHOOK DOWN: .*is scaled to 0' kubectl avouch status
  kubectl -n "$NS" scale deployment avouch-webhook "--replicas=$replicas"
  check "the webhook is back" kubectl -n "$NS" rollout status deployment avouch-webhook --timeout=60s
  eventually 60 "all pods of the release are ready" release_ready
  make_pod shop after-upgrade >/dev/null
  eventually 40 "a new gated pod runs" pod_runs shop after-upgrade
  cluster tpm node-2 extend 8 "$(printf 'to the last' | sha256sum | cut -d' ' -f1)"
  eventually $((HEARTBEAT + 2)) "node-2 is ejected, so that there is something to leave behind" is_ejected node-2
  check "helm uninstall" helm uninstall avouch --namespace "$NS" --wait --timeout 120s
  check "no webhook configuration" none_of kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o name
  for node in node-1 node-2; do
    check "no taint on $node" is_untainted "$node"
    check "no condition on $node" condition_is "$node" ""
    check "no label on $node" none_of kubectl get nodes "$node" -l avouch.node-restriction.kubernetes.io/attested -o name --ignore-not-found
  done
  check "no mark on a namespace" none_of kubectl get namespaces -l avouch.dev/exempt -o name
  kubectl delete clusterrolebinding demo-viewer
  check "no rights" none_of kubectl get clusterroles,clusterrolebindings -l app.kubernetes.io/part-of=avouch -o name
  # Some wait up to a minute for their kubelet to collect a container that ended while it was being ended.
  eventually 60 "every pod of the release has ended for good" release_has_ended
  check "kubectl avouch status says that nothing gates any more" prints_and_ends 4 '^NOT INSTALLED: ' kubectl avouch status
  check "and what that means" prints_and_ends 4 '^  It means: NO pod is gated' kubectl avouch status
  make_pod shop free node-2 >/dev/null
  eventually 40 "a pod pinned to node-2 runs: nothing gates any more" pod_runs shop free
}

release_has_ended() {
  kubectl -n "$NS" get pods -o json | jq -e '
    all(.items[]; .metadata.deletionTimestamp != null and all(.status.containerStatuses[]?; .state.running == null))'
}

main() {
  require_root
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  prepare
  part_a
  part_b
  part_c
  part_d
  part_e
  part_f
  part_w
  part_r
  part_g
  part_h
  part_i
  printf '\nAll %d checks held, in %d s.\n' "$held" "$SECONDS"
}

main
